//! The programs that an Atsaffile declares, run for a person outside of a build: with the environment that a build gives
//! them, in directories that are no attempt's. Nothing of it is recorded, and nobody looks at what they use.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::command::{self, Fill, Process, ProcessEnd};
use super::digest::Digest;
use super::discover::Today;
use super::plan::PlanContext;
use super::programs::digest_of_environment;
use super::spec::Program;
use super::store::{self, own_file};
use super::task::{Programs, Room, TaskError, Used};
use super::turns::{self, Pace};
use crate::outward::{Lines, Mask, Tail};

/// Lines of what a program printed that the error on it has.
const TAIL: usize = 20;

/// The programs of a project for one piece of work that is none of a build's.
pub struct ProgramsByHand<'a> {
    /// The project.
    pub context: PlanContext<'a>,
    /// The secrets that are set.
    pub secrets: &'a BTreeMap<String, String>,
    /// A directory, by its absolute path, for what they are given and write.
    pub rooms: PathBuf,
    /// How many threads they may keep busy.
    pub threads: usize,
    /// Set when they have to end.
    pub interrupted: &'a AtomicBool,
}

impl ProgramsByHand<'_> {
    /// What a program sees of the environment.
    fn environment_of(&self, program: &Program) -> BTreeMap<String, String> {
        let mut env = command::passed(self.context.env, &program.env);
        let own = program.secrets.iter();
        let own = own.filter_map(|name| self.secrets.get_key_value(name));
        env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        env
    }
}

impl Programs for ProgramsByHand<'_> {
    /// The first of that name in the order of the Atsaffile: instances of a target declare the same one.
    fn find(&self, name: &str) -> Option<&Program> {
        let targets = self.context.graph.spec.targets.iter();
        let mut programs = targets.flat_map(|target| target.action.programs());
        programs.find(|program| program.name == name)
    }

    fn room(&self, program: &Program) -> Result<Room, TaskError> {
        let path = self.rooms.join(&program.name);
        let made = store::remove(&path).and_then(|()| own_file::make_directory(&path));
        made.map_err(|error| TaskError::new(format!("`{}` cannot be made: {error}", path.display())))?;
        let called = path.clone();
        Ok(Room { path, called })
    }

    fn run(&self, program: &Program, variables: &[(&str, String)]) -> Result<Option<Used>, TaskError> {
        let command = &program.command;
        let mut env = self.environment_of(program);
        let further = variables.iter();
        env.extend(further.map(|(name, value)| ((*name).to_owned(), value.clone())));
        let process = Process {
            words: command::words(command, &Fill::nothing()),
            under: Vec::new(),
            dir: self.context.files.root(),
            env,
            locks: Vec::new(),
            apart: false,
        };
        let mask = Mask::new(self.secrets.values().map(String::as_str));
        let (mut lines, mut tail) = (Lines::new(&mask), Tail::new(TAIL));
        let pace = Pace::default();
        let interrupted = || self.interrupted.load(Ordering::Relaxed);
        let mut took = |_, bytes: &[u8]| lines.take(bytes, &mut |line| tail.push(&line));
        let ended = turns::alone(&pace, process.run(None, &interrupted, &|| {}, &mut took, &pace));
        lines.end(&mut |line| tail.push(&line));
        match ended
            .map_err(|error| command::start_error(command, &process.words, &error))?
            .how
        {
            ProcessEnd::Exit(status) if status.success() => Ok(None),
            ProcessEnd::Exit(status) => {
                let error = TaskError::new(command::describe(status));
                let mut tail = tail.into_lines();
                Err(match tail.is_empty() {
                    true => error,
                    false => error.note(format!(
                        "the last that it printed:\n{}",
                        tail.make_contiguous().join("\n")
                    )),
                })
            }
            ProcessEnd::TimedOut | ProcessEnd::Interrupted => Err(TaskError::stopped()),
        }
    }

    fn environment(&self, program: &Program) -> Option<Digest> {
        digest_of_environment(program, self.context.env)
    }

    fn installed(&self, program: &Program) -> BTreeMap<String, Option<String>> {
        let targets = self.context.graph.spec.targets.iter();
        Today::new(self.context.inputs()).installed_for(program, targets, self.context.store)
    }

    /// Nothing is remembered that could have used anything.
    fn is_as(&self, _: &Used) -> bool {
        false
    }

    fn goes_on_from(&self, _: Used) {}

    fn remember(&self, _: Digest, _: Vec<u8>) {}

    fn content(&self, path: &str) -> Option<Digest> {
        Today::new(self.context.inputs()).content(path, &[])
    }

    fn threads(&self) -> usize {
        self.threads
    }
}
