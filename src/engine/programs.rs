//! The programs of the user's that a built-in task runs: found in the Atsaffile, and run as the command of a target is,
//! with its environment, its locks, its log, and what looks at what it uses.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::attempt::Attempt;
use super::attempt_error::cannot_start;
use super::attempt_log::Log;
use super::cause;
use super::command::{self, Fill, Process, ProcessEnd};
use super::digest::{Digest, Encoder};
use super::discover::{Observation, Observed, Today, trace, used_by_program};
use super::event::{Advice, Failure};
use super::given::GivenFiles;
use super::result_id::Inherited;
use super::spec::{Means, Program, Target};
use super::store::{self, StoreError, own_file};
use super::task::{Programs, Room, TaskError, Used};
use super::turns::{self, Pace};

/// The programs of one attempt of a task.
pub(super) struct RunningPrograms<'a, 'l> {
    attempt: &'a Attempt<'a>,
    log: &'a Mutex<Log<'l>>,
    cancelled: &'a AtomicBool,
    /// Where the rooms of the programs lie.
    rooms: PathBuf,
    seen: Mutex<EndedPrograms>,
}

/// What came of the programs of an attempt.
#[derive(Default)]
pub(super) struct EndedPrograms {
    /// What they were seen to use; `None` if nobody looked.
    pub(super) observed: Option<Observed>,
    /// What those had used whose work is remembered.
    pub(super) inherited: Inherited,
    /// What is to be remembered once the attempt counts.
    pub(super) remembered: Vec<(Digest, Vec<u8>)>,
    /// Typical causes of the failure of the last one.
    pub(super) advice: Vec<Advice>,
}

impl<'a, 'l> RunningPrograms<'a, 'l> {
    pub(super) fn of(attempt: &'a Attempt<'a>, log: &'a Mutex<Log<'l>>, cancelled: &'a AtomicBool) -> Self {
        let context = attempt.context;
        let given = GivenFiles::paths(context.files.root(), context.graph.target(attempt.target));
        Self {
            attempt,
            log,
            cancelled,
            rooms: given.programs,
            seen: Mutex::default(),
        }
    }

    /// What came of them; their rooms go if all went well.
    pub(super) fn end(&self, went_well: bool) -> EndedPrograms {
        if went_well {
            let _ = fs::remove_dir_all(&self.rooms);
        }
        std::mem::take(&mut self.seen())
    }

    fn seen(&self) -> MutexGuard<'_, EndedPrograms> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log<'l>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn target(&self) -> &'a Target {
        self.attempt.context.graph.target(self.attempt.target)
    }

    /// Adds what was seen in a run of a program.
    fn saw(&self, observed: Observed) {
        let mut seen = self.seen();
        seen.observed = Some(match seen.observed.take() {
            Some(earlier) => earlier.and(observed),
            None => observed,
        });
    }

    async fn run_watched(
        &self,
        program: &Program,
        variables: &[(&str, String)],
        pace: &Pace,
    ) -> Result<Option<Used>, TaskError> {
        let attempt = self.attempt;
        let (context, id) = (attempt.context, attempt.target);
        let command = &program.command;
        let unusable = |error: StoreError| TaskError::new(error.to_string());
        let given = GivenFiles::write(context, id, command, program.discover).map_err(unusable)?;
        let words = command::words(command, &Fill::nothing());
        let is_traced = program.discover == Some(Means::Trace);
        let dir = attempt.dir_of(command);
        let environment =
            attempt.watched_environment(self.environment_of(program), program.discover, given.own_paths());
        let mut env = environment.map_err(unusable)?;
        let further = variables.iter();
        env.extend(further.map(|(name, value)| ((*name).to_owned(), value.clone())));
        let process = Process {
            words,
            under: match is_traced {
                true => trace::words(&given.own_paths().trace),
                false => Vec::new(),
            },
            dir: &dir,
            env,
            locks: attempt.held.own(),
            apart: false,
        };
        let shown = command::shown(command.shell.is_some(), &process.words);
        self.log().set_command(attempt.mask.hide(&shown).into_owned());
        if is_traced && process.program(&process.under[0]).is_none() {
            return Err(self.failed(trace::not_there()));
        }
        let observation = Observation::begin(program.discover, given.own_paths(), context.files.root(), &dir);
        let interrupted = || self.cancelled.load(Ordering::Relaxed);
        let ended = process
            .run(
                None,
                &interrupted,
                &|| {},
                &mut |_, bytes| self.log().piece(bytes),
                pace,
            )
            .await
            .map_err(|error| self.failed(cannot_start(command, &process.words, &error)))?;
        self.log().end();
        if ended.left_running {
            attempt.left_running.store(true, Ordering::Relaxed);
        }
        let observed = observation.map(Observation::end).transpose();
        match ended.how {
            ProcessEnd::Exit(status) if status.success() => {}
            ProcessEnd::Exit(status) => {
                let advice = cause::of_exit(status, &process.words, self.log().tail());
                if let Ok(Some(observed)) = observed {
                    self.saw(observed);
                }
                return Err(self.failed(Failure {
                    what: command::describe(status),
                    advice: advice.into_iter().collect(),
                    retry: true,
                    ..Failure::default()
                }));
            }
            ProcessEnd::TimedOut | ProcessEnd::Interrupted => return Err(TaskError::stopped()),
        }
        let Some(observed) = observed.map_err(|failure| self.failed(*failure))? else {
            return Ok(Some(Used::default()));
        };
        let used = used_by_program(context, id, &observed);
        self.saw(observed);
        Ok(used)
    }

    /// What a program sees of the environment: the same whichever target runs it, and no parameters, for what it is told
    /// stands in its request.
    fn environment_of(&self, program: &Program) -> BTreeMap<String, String> {
        let (attempt, target) = (self.attempt, self.target());
        let mut env = attempt.environment(target);
        let is_of_target = |name: &String| target.settings.env.contains(name) || target.settings.secrets.contains(name);
        let is_passed = |name: &String| command::PASSED.contains(&name.as_str());
        env.retain(|name, _| is_passed(name) || !(name.starts_with("ATSAF_PARAM") || is_of_target(name)));
        let declared = program.env.iter();
        let declared = declared.filter_map(|name| attempt.context.env.get_key_value(name));
        let secrets = program.secrets.iter();
        let secrets = secrets.filter_map(|name| attempt.options.secrets.get_key_value(name));
        env.extend(
            declared
                .chain(secrets)
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        env
    }

    /// The error of a task whose program failed; typical causes are kept beside it.
    fn failed(&self, failure: Failure) -> TaskError {
        self.seen().advice = failure.advice;
        TaskError {
            what: failure.what,
            notes: failure.notes,
            help: failure.help,
            retry: failure.retry,
        }
    }
}

/// The digest of the variables of `env` that a program gets; `None` if it gets none.
pub(super) fn digest_of_environment(program: &Program, env: &BTreeMap<String, String>) -> Option<Digest> {
    let mut encoder = Encoder::new("atsaf program environment");
    for name in &program.env {
        encoder.text(name);
        match env.get(name) {
            Some(value) => encoder.tag(1).text(value),
            None => encoder.tag(0),
        };
    }
    (!program.env.is_empty()).then(|| encoder.finish())
}

impl Programs for RunningPrograms<'_, '_> {
    fn find(&self, name: &str) -> Option<&Program> {
        let mut programs = self.attempt.context.graph.programs(self.attempt.target);
        programs.find(|program| program.name == name)
    }

    fn room(&self, program: &Program) -> Result<Room, TaskError> {
        let path = self.rooms.join(&program.name);
        let made = store::remove(&path).and_then(|()| own_file::make_directory(&path));
        made.map_err(|error| TaskError::new(format!("`{}` cannot be made: {error}", path.display())))?;
        let root = self.attempt.context.files.root();
        let called = path.strip_prefix(root).unwrap_or(&path).to_owned();
        Ok(Room { path, called })
    }

    fn run(&self, program: &Program, variables: &[(&str, String)]) -> Result<Option<Used>, TaskError> {
        let pace = Pace::default();
        turns::alone(&pace, self.run_watched(program, variables, &pace))
    }

    fn environment(&self, program: &Program) -> Option<Digest> {
        digest_of_environment(program, self.attempt.context.env)
    }

    fn installed(&self, program: &Program) -> BTreeMap<String, Option<String>> {
        let context = self.attempt.context;
        let targets = context.graph.may_declare(self.attempt.target);
        Today::new(context.inputs()).installed_for(program, targets, context.store)
    }

    fn is_as(&self, used: &Used) -> bool {
        Today::new(self.attempt.context.inputs()).is_as(used)
    }

    fn goes_on_from(&self, (discovered, installed): Used) {
        let mut seen = self.seen();
        for used in discovered {
            if !seen.inherited.0.contains(&used) {
                seen.inherited.0.push(used);
            }
        }
        for used in installed {
            if !seen.inherited.1.contains(&used) {
                seen.inherited.1.push(used);
            }
        }
        // Somebody looked, when that work was done.
        let means = self.target().settings.discover;
        if let (None, Some(means)) = (&seen.observed, means) {
            seen.observed = Some(Observed::nothing(means));
        }
    }

    fn remember(&self, key: Digest, bytes: Vec<u8>) {
        self.seen().remembered.push((key, bytes));
    }

    fn content(&self, path: &str) -> Option<Digest> {
        Today::new(self.attempt.context.inputs()).content(path, &[])
    }

    fn threads(&self) -> usize {
        self.attempt.threads
    }
}
