//! One try of one target: a private directory to write to, the task or command, and what came of it.
//!
//! An attempt changes nothing in the project; what it leaves is committed by the build, or kept for reading.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::attempt_error::{AttemptError, cannot_start, too_long};
use super::attempt_log::Log;
use super::cause::{self, Traces};
use super::command::{self, Process, ProcessEnd, RunningClock};
use super::digest::Digest;
use super::discover::{self, Observation, Observed, Today, python, trace};
use super::event::{Event, Failure, Notice, Observer, WaitingFor};
use super::examine::keep;
use super::given::{GivenFiles, GivenPaths};
use super::graph::TargetId;
use super::nesting;
use super::plan::PlanContext;
use super::programs::{EndedPrograms, RunningPrograms};
use super::result_id::Inherited;
use super::run::Options;
use super::run_id::RunId;
use super::secrets_given::SecretsGiven;
use super::spec::schema::VariableRole;
use super::spec::{Action, ArtifactKind, Command, Means, Target, Value};
use super::store::{Claim, Held, Private, Staged, Store, StoreError, private_key};
use super::survivors::{self, Survivor};
use super::task::{Context, Message, Task, TaskError};
use super::timing::params_of;
use super::turns::{LOOK, Pace};
use crate::outward::{Mask, plain};

/// Everything that an attempt is given.
pub(crate) struct Attempt<'a> {
    pub(crate) context: PlanContext<'a>,
    pub(crate) options: &'a Options<'a>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) mask: &'a Mask,
    pub(crate) run: RunId,
    pub(crate) target: TargetId,
    /// Its number, from 1.
    pub(crate) number: u32,
    /// How many threads it may keep busy.
    pub(crate) threads: usize,
    /// The id of the result as far as it is known before: an effect's key in the outside world, and what an attempt that
    /// is resumed goes by.
    pub(crate) effect_key: Digest,
    /// Whether all is to be made anew.
    pub(crate) is_forced: bool,
    /// The locks of the attempt.
    pub(crate) held: &'a Held,
    /// Set when a process of its command goes on after the command.
    pub(crate) left_running: AtomicBool,
    /// Keeps other attempts from its private directories.
    pub(crate) claim: OnceLock<Claim>,
    /// What its command was seen to use.
    pub(crate) observed: OnceLock<Observed>,
    /// What the attempts used on whose work this one goes on.
    pub(crate) inherited: OnceLock<Inherited>,
    /// The work of its programs, to be remembered once it counts.
    pub(crate) remembered: OnceLock<Vec<(Digest, Vec<u8>)>>,
}

impl Attempt<'_> {
    /// Runs the target's task or command and examines what it wrote.
    pub(crate) async fn run(&self, pace: &Pace) -> Result<Vec<Staged>, AttemptError> {
        let target = self.context.graph.target(self.target);
        let private = self.stage(target, pace).await?;
        if target.settings.resume {
            self.give_unfinished(target, &private)?;
        }
        let log = Mutex::new(Log::new(self, target));
        let traces = Traces::before(target, self.context.files.root());
        let done = match &target.action {
            Action::Builtin { task, .. } => self.task(target, task, &private.paths, &log),
            Action::Command(command) => self.command(target, command, &private.paths, &log, pace).await,
        };
        let staged = done.and_then(|()| self.examine(target, &private, &traces));
        let mut log = log.into_inner().unwrap_or_else(PoisonError::into_inner);
        log.end();
        match staged {
            Ok(staged) => Ok(staged),
            Err(AttemptError::Failed(failure)) => {
                // Without it there is still the message.
                let _ = log.keep_command();
                let secrets = SecretsGiven::to(target, &self.options.secrets);
                self.keep_unfinished(target, &private, &secrets);
                let kept = keep(&private, &log.dir().join("files"), &secrets);
                self.clear(target);
                Err(AttemptError::Failed(Box::new(self.complete(*failure, log, kept))))
            }
            Err(AttemptError::Interrupted) => {
                let secrets = SecretsGiven::to(target, &self.options.secrets);
                self.keep_unfinished(target, &private, &secrets);
                self.clear(target);
                Err(AttemptError::Interrupted)
            }
            Err(AttemptError::Store(error)) => Err(AttemptError::Store(error)),
        }
    }

    /// Gives the attempt what an earlier one had written for the same result, unless all is to be made anew.
    fn give_unfinished(&self, target: &Target, private: &Private) -> Result<(), AttemptError> {
        let store = self.context.store;
        let given = if self.is_forced {
            store.drop_unfinished(&target.outputs).map(|()| Inherited::default())
        } else {
            let today = Today::new(self.context.inputs());
            let is_today = |used: &Inherited| today.is_as(used);
            store.give_unfinished(private, &target.outputs, self.effect_key, &is_today)
        };
        let _ = self.inherited.set(given.map_err(StoreError::at(&private.dirs[0]))?);
        Ok(())
    }

    /// Keeps what the attempt wrote for the next one, should it turn out to be of use.
    fn keep_unfinished(&self, target: &Target, private: &Private, secrets: &SecretsGiven<'_>) {
        // What goes on writes there, and what holds a secret is kept nowhere.
        let is_ended = !self.left_running.load(Ordering::Relaxed);
        let is_clean = |path: &PathBuf| !path.exists() || matches!(secrets.find_in(path), Ok(None));
        if target.settings.resume && is_ended && private.paths.iter().all(is_clean) {
            // Without it the next attempt begins anew.
            let _ = self.context.store.keep_unfinished(private, &target.outputs);
        }
    }

    /// Adds to a failure what the attempt left, and hides secrets.
    fn complete(&self, failure: Failure, log: Log<'_>, kept: bool) -> Failure {
        let mask = |text: String| self.mask.hide(&text).into_owned();
        let left = (kept || log.has_lines()).then(|| log.dir().clone());
        let (tail, command) = log.into_parts();
        Failure {
            what: mask(failure.what),
            notes: failure.notes.into_iter().map(mask).collect(),
            help: failure.help.into_iter().map(mask).collect(),
            left,
            has_files: kept,
            command,
            tail: tail.into(),
            ..failure
        }
    }

    /// Makes a path to write to for each output, on the file system of its declared path and the same in every run.
    async fn stage(&self, target: &Target, pace: &Pace) -> Result<Private, AttemptError> {
        let private = self.context.store.private(&target.outputs);
        let claim = self.claim(&private, pace).await?;
        let left = claim.left;
        let _ = self.claim.set(claim);
        if left || self.number > 1 {
            self.end_survivors(target)?;
        }
        for (output, path) in target.outputs.iter().zip(&private.paths) {
            let dir = match output.kind {
                ArtifactKind::File => path.parent().unwrap_or(path),
                ArtifactKind::Directory => path,
            };
            if !private.dirs.iter().any(|there| there == dir) {
                fs::create_dir_all(dir).map_err(StoreError::at(path))?;
            }
        }
        Ok(private)
    }

    /// Waits until no other attempt is at the private directories.
    async fn claim(&self, private: &Private, pace: &Pace) -> Result<Claim, AttemptError> {
        let mut is_told = false;
        loop {
            let claim = self.context.store.claim(private, self.run);
            if let Some(claim) = claim.map_err(StoreError::at(&private.dirs[0]))? {
                return Ok(claim);
            }
            if self.interrupted() {
                return Err(AttemptError::Interrupted);
            }
            if !std::mem::replace(&mut is_told, true) {
                self.observer.observe(&Event::Waiting {
                    target: self.target,
                    on: WaitingFor::SameFiles,
                });
            }
            pace.pause(LOOK).await;
        }
    }

    /// Ends what still runs of earlier attempts of the target; of an effect, says what it is.
    fn end_survivors(&self, target: &Target) -> Result<(), AttemptError> {
        let project = nesting::identity(self.context.files.root());
        let own = private_key(&target.outputs);
        let found = survivors::find(&project, &|key| key == own);
        if found.is_empty() {
            return Ok(());
        }
        let processes = |all: &[Survivor]| all.iter().map(|it| it.describe(self.mask)).collect::<Vec<_>>();
        let running = match target.settings.effect {
            true => found.clone(),
            false => survivors::end(&project, found.clone()),
        };
        if running.is_empty() {
            let (target, processes) = (self.target, processes(&found));
            let notice = Notice::SurvivorsEnded { processes };
            self.observer.observe(&Event::Noticed { target, notice });
            return Ok(());
        }
        let names = processes(&running).join(", ");
        Err(AttemptError::failed(format!("an earlier attempt still runs: {names}")))
    }

    /// Takes away what the attempt left in its private directories.
    pub(crate) fn clear(&self, target: &Target) {
        let left_running = self.left_running.load(Ordering::Relaxed);
        let store = self.context.store;
        store.clear(
            &store.private(&target.outputs),
            self.run,
            self.claim.get(),
            left_running,
        );
    }

    fn task(&self, target: &Target, name: &str, staging: &[PathBuf], log: &Mutex<Log<'_>>) -> Result<(), AttemptError> {
        let Some(task) = self.context.tasks.get(name) else {
            return Err(AttemptError::failed(format!("internal error: no task `{name}`")));
        };
        let names = target.outputs.iter().map(|output| output.port.to_string());
        let cancelled = AtomicBool::new(false);
        let say = |message: Message<'_>| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            match message {
                Message::Progress(text) => self.observer.observe(&Event::Progress {
                    target: self.target,
                    message: plain(self.mask.hide(text).as_bytes()).into_owned(),
                }),
                Message::Line(text) => log.line(text),
                Message::Warning(text) => {
                    log.line(&format!("warning: {text}"));
                    let message = format!("`{}`: {}", target.name, self.mask.hide(text));
                    self.observer.observe(&Event::Warning { message });
                }
            }
        };
        let programs = RunningPrograms::of(self, log, &cancelled);
        let context = Context {
            target: &target.name,
            params: params_of(target),
            inputs: self.input_paths(target),
            outputs: names.zip(staging.iter().cloned()).collect(),
            secrets: self.own_secrets(target),
            access: self.access(task),
            project: target.settings.effect.then(|| self.context.files.root().to_owned()),
            run: target.settings.effect.then_some(self.run),
            effect_key: target.settings.effect.then_some(self.effect_key),
            memo: self.context.store.memo(),
            programs: &programs,
            cancelled: &cancelled,
            say: &say,
            admit: &|is_over| self.admit(&cancelled, is_over),
        };
        let done = self.watched(&context, target.settings.timeout, || self.with_threads(task, &context));
        let ended = programs.end(done.is_ok());
        match done {
            Ok(()) => self.take_programs(ended),
            Err(_) if self.interrupted() => Err(AttemptError::Interrupted),
            Err(_) if cancelled.load(Ordering::Relaxed) => Err(too_long(target)),
            Err(error) => {
                let mut failure = Failure::from(error);
                failure.advice = ended.advice;
                if let Some(observed) = &ended.observed {
                    self.add_undeclared(observed, &mut failure);
                }
                Err(AttemptError::Failed(Box::new(failure)))
            }
        }
    }

    /// Keeps what the programs of a task that went well were seen to use, and what those had used whose work is remembered.
    fn take_programs(&self, ended: EndedPrograms) -> Result<(), AttemptError> {
        self.take_observed(ended.observed.map(Ok))?;
        if ended.inherited != Inherited::default() {
            let _ = self.inherited.set(ended.inherited);
        }
        let _ = self.remembered.set(ended.remembered);
        Ok(())
    }

    /// Paths of all that a task reads, by role; a parameter that is a path is among them under its name.
    pub(super) fn input_paths(&self, target: &Target) -> BTreeMap<String, PathBuf> {
        let files = self.context.files;
        let reads = self.context.graph.node(self.target).reads.iter();
        // The words of programs are for these.
        let reads = reads.filter(|read| read.how.is_declared());
        let mut inputs: BTreeMap<String, PathBuf> = reads
            .map(|read| (read.role.to_string(), files.at(&read.path)))
            .collect();
        for param in &target.params {
            if let Value::Path(path) = &param.value {
                inputs.insert(param.name.clone(), files.at(path));
            }
        }
        inputs
    }

    /// The secrets that a target gets, as far as they are set.
    pub(super) fn own_secrets(&self, target: &Target) -> BTreeMap<String, String> {
        let secrets = &self.options.secrets;
        let own = target
            .settings
            .secrets
            .iter()
            .filter_map(|name| secrets.get_key_value(name));
        own.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The variables by which a task reaches the outside.
    pub(super) fn access(&self, task: &dyn Task) -> BTreeMap<String, String> {
        let names = task.schema().variables_for(|role| role == VariableRole::Access);
        names
            .filter_map(|name| Some((name.to_owned(), self.context.env.get(name)?.clone())))
            .collect()
    }

    /// Lets a task work beside a watcher that tells it when to end; a panic is an error like any other.
    pub(super) fn watched<T>(
        &self,
        context: &Context<'_>,
        timeout: Option<Duration>,
        work: impl FnOnce() -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        let clock = RunningClock::start();
        let (done, watch) = channel::<()>();
        std::thread::scope(|scope| {
            let watcher = std::thread::Builder::new().spawn_scoped(scope, move || {
                while watch.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    let interrupted = self.interrupted();
                    let is_over = interrupted || timeout.is_some_and(|limit| clock.elapsed() >= limit);
                    if is_over && !context.cancelled.swap(true, Ordering::Relaxed) && interrupted {
                        self.stopping();
                    }
                }
            });
            if let Err(error) = watcher {
                return Err(TaskError::new(format!(
                    "the system gives no thread to watch the task: {error}"
                )));
            }
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(done);
            result.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                Err(TaskError::new(format!("the task panicked: {text}"))
                    .help("this is a mistake of the task: please report it"))
            })
        })
    }

    async fn command(
        &self,
        target: &Target,
        command: &Command,
        staging: &[PathBuf],
        log: &Mutex<Log<'_>>,
        pace: &Pace,
    ) -> Result<(), AttemptError> {
        let PlanContext { store, files, .. } = self.context;
        if let Some(path) = GivenFiles::unlistable(self.context.graph, self.target, command) {
            return Err(AttemptError::Failed(Box::new(Failure {
                what: format!("the path {path:?} has a line break in it, and `{{{{inputs_file}}}}` is one path a line"),
                help: vec!["rename the file, or take `{{inputs}}`".to_owned()],
                ..Failure::default()
            })));
        }
        let given = GivenFiles::write(self.context, self.target, command, target.settings.discover)?;
        let words = command::words_of(self.context, self.target, command, (staging, self.threads));
        let shown = self
            .mask
            .hide(&command::shown(command.shell.is_some(), &words))
            .into_owned();
        let is_traced = target.settings.discover == Some(Means::Trace);
        let dir = self.dir_of(command);
        let process = Process {
            words,
            under: match is_traced {
                true => trace::words(&given.own_paths().trace),
                false => Vec::new(),
            },
            dir: &dir,
            env: self.watched_environment(self.environment(target), target.settings.discover, given.own_paths())?,
            locks: self.held.own(),
            apart: false,
        };
        let log = || log.lock().unwrap_or_else(PoisonError::into_inner);
        log().set_command(shown);
        if is_traced && process.program(&process.under[0]).is_none() {
            return Err(AttemptError::Failed(Box::new(trace::not_there())));
        }
        if target.settings.direct {
            store.set_aside(&target.name, &target.outputs, self.run, files)?;
        }
        let observation = Observation::begin(target.settings.discover, given.own_paths(), files.root(), &dir);
        let ended = process
            .run(
                target.settings.timeout,
                &|| self.interrupted(),
                &|| self.stopping(),
                &mut |_, bytes| log().piece(bytes),
                pace,
            )
            .await;
        if target.settings.direct {
            Store::take_written(&target.outputs, staging, files)?;
            for moved in store.put_back(target, self.run, files)? {
                self.observer.observe(&Event::Displaced {
                    path: moved.path,
                    to: moved.to,
                });
            }
        }
        let ended = ended.map_err(|error| {
            let failure = cannot_start(command, &process.words, &error);
            AttemptError::Failed(Box::new(failure))
        })?;
        self.left_running.store(ended.left_running, Ordering::Relaxed);
        let observed = observation.map(Observation::end);
        match ended.how {
            ProcessEnd::Exit(status) if status.success() => self.take_observed(observed),
            ProcessEnd::Exit(status) => {
                let mut log = log();
                log.end();
                let advice = cause::of_exit(status, &process.words, log.tail());
                let mut failure = Failure {
                    what: command::describe(status),
                    advice: advice.into_iter().collect(),
                    retry: true,
                    ..Failure::default()
                };
                match observed {
                    Some(Ok(observed)) => {
                        self.add_undeclared(&observed, &mut failure);
                        let _ = self.observed.set(observed);
                    }
                    Some(Err(untraced)) if is_traced => failure = *untraced,
                    _ => {}
                }
                Err(AttemptError::Failed(Box::new(failure)))
            }
            ended @ (ProcessEnd::TimedOut | ProcessEnd::Interrupted) => {
                if let Some(Ok(observed)) = observed {
                    let _ = self.observed.set(observed);
                }
                Err(match ended {
                    ProcessEnd::Interrupted => AttemptError::Interrupted,
                    _ => too_long(target),
                })
            }
        }
    }

    /// Keeps what a command that went well was seen to use; fails if that is another target's and not declared.
    fn take_observed(&self, observed: Option<Result<Observed, Box<Failure>>>) -> Result<(), AttemptError> {
        let Some(observed) = observed.transpose().map_err(AttemptError::Failed)? else {
            return Ok(());
        };
        let undeclared = observed.undeclared(self.context, self.target);
        if !undeclared.is_empty() {
            let failure = discover::undeclared_failure(&undeclared, self.context.graph, self.target);
            return Err(AttemptError::Failed(Box::new(failure)));
        }
        let _ = self.observed.set(observed);
        Ok(())
    }

    /// Adds to the failure of a command what it opened without declaring it, which may be why.
    fn add_undeclared(&self, observed: &Observed, failure: &mut Failure) {
        let undeclared = observed.undeclared(self.context, self.target);
        if !undeclared.is_empty() {
            let more = discover::undeclared_failure(&undeclared, self.context.graph, self.target);
            failure.notes.push(more.what);
            failure.help.extend(more.help);
            failure.retry = false;
        }
    }

    /// Where a command of the target runs.
    pub(super) fn dir_of(&self, command: &Command) -> PathBuf {
        let files = self.context.files;
        match &command.cwd {
            Some(cwd) => files.at(cwd),
            None => files.root().to_owned(),
        }
    }

    /// What a command sees of the environment, with that by which its Python programs tell what they use.
    pub(super) fn watched_environment(
        &self,
        mut env: BTreeMap<String, String>,
        means: Option<Means>,
        given: &GivenPaths,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        if means == Some(Means::Python) {
            let hook = self.context.store.python_hook(python::HOOK)?;
            let notes = hook.with_file_name(given.notes.file_name().unwrap_or_default());
            env.extend(python::variables(&env, &hook, &notes));
        }
        Ok(env)
    }

    /// All that a command sees of the environment.
    pub(super) fn environment(&self, target: &Target) -> BTreeMap<String, String> {
        let mut env = command::environment(self.context.env, target);
        let root = self.context.files.root();
        env.extend(nesting::variables(
            self.context.env,
            root,
            &private_key(&target.outputs),
        ));
        if target.settings.effect {
            env.insert("ATSAF_RUN_ID".to_owned(), self.run.to_string());
            env.insert("ATSAF_EFFECT_KEY".to_owned(), self.effect_key.hex());
        }
        env.extend(self.own_secrets(target));
        env
    }

    /// Whether the attempt is to end before its time; an edit ends no effect.
    pub(super) fn interrupted(&self) -> bool {
        let is_effect = || self.context.graph.target(self.target).settings.effect;
        let superseded = || {
            self.options
                .superseded
                .is_some_and(|superseded| superseded(self.target))
        };
        self.options.interrupted.load(Ordering::Relaxed) || (superseded() && !is_effect())
    }

    /// Says that the attempt was asked to end, if that is because the build is.
    pub(super) fn stopping(&self) {
        if !self.options.interrupted.load(Ordering::Relaxed) {
            return;
        }
        self.observer.observe(&Event::Stopping { target: self.target });
    }
}
