//! The interface of built-in tasks.
//!
//! A task reads the paths that it is given, writes the paths that it is given, and says how far it is. It cannot see
//! the graph, the store or the terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::clock;
use super::digest::Digest;
pub use super::result_id::{Discovered, Installed};
use super::run_id::RunId;
use super::spec::schema::{Catalog, Schema};
use super::spec::{Action, Program, Rate, Target, Value};
use super::timing::params_of;

/// A built-in task.
pub trait Task: Send + Sync {
    /// What it says of itself.
    fn schema(&self) -> &'static Schema;

    /// The parts of the task with a version of their own that some parameters name, such as models.
    fn parts(&self, _params: &BTreeMap<String, Value>) -> Vec<Part> {
        Vec::new()
    }

    /// Whether it works with several threads where it gets them, through rayon.
    fn is_parallel(&self) -> bool {
        false
    }

    /// Whether [`Task::probe`] has something to ask under some parameters; found without asking it.
    fn has_probe(&self, _params: &BTreeMap<String, Value>) -> bool {
        false
    }

    /// A cheap question to the outside world, such as which release a server has; `None` where there is none to ask.
    ///
    /// The answer, taken before an attempt, becomes a field of the fingerprint. `context` has no outputs to write to.
    ///
    /// # Errors
    /// [`TaskError`] if the outside world does not answer.
    fn probe(&self, _context: &Context<'_>) -> Result<Option<String>, TaskError> {
        Ok(None)
    }

    /// The secrets without which it cannot do its work under some parameters; found without asking anybody.
    ///
    /// A build that has to run it ends before it begins if one is not there.
    fn needs(&self, _params: &BTreeMap<String, Value>) -> Vec<NeededSecret> {
        Vec::new()
    }

    /// Asks whether the outside world takes the secrets that it needs: a build that has to run it ends before it begins
    /// if one is refused.
    ///
    /// `context` has neither inputs nor outputs. It takes seconds at most; what gives no answer refuses nothing, for
    /// [`Task::run`] is more patient.
    ///
    /// # Errors
    /// [`TaskError`] if one is refused.
    fn try_secrets(&self, _context: &Context<'_>) -> Result<(), TaskError> {
        Ok(())
    }

    /// How often it may ask a server where its target names no pool with a rate: over all targets and builds of a
    /// project.
    fn rate(&self) -> Option<Rate> {
        None
    }

    /// Does the work of one attempt: writes every output of the schema to its path in `context`.
    ///
    /// # Errors
    /// [`TaskError`]; what was written by then can be read by the user, and no earlier artifact is touched.
    fn run(&self, context: &Context<'_>) -> Result<(), TaskError>;
}

/// The name under which the requests of a task are counted where no pool is named: one that no pool can have.
#[must_use]
pub fn request_pool(task: &str) -> String {
    format!("task.{task}")
}

/// A secret that a task cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededSecret {
    /// Its name.
    pub name: &'static str,
    /// What it is needed for.
    pub why: &'static str,
    /// Where one gets it.
    pub help: &'static str,
}

/// A piece of a task that has a version of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Its name, as reports show it.
    pub name: String,
    /// Raised whenever it gives another result for equal inputs.
    pub version: u32,
}

/// The built-in tasks of a program, by name.
#[derive(Default)]
pub struct Tasks(BTreeMap<&'static str, Box<dyn Task>>);

impl Tasks {
    /// Collects tasks.
    #[must_use]
    pub fn new(tasks: Vec<Box<dyn Task>>) -> Self {
        Self(tasks.into_iter().map(|task| (task.schema().name, task)).collect())
    }

    /// Finds a task by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&dyn Task> {
        self.0.get(name).map(Box::as_ref)
    }

    /// The secrets without which the task of a target cannot do its work; none of a command.
    #[must_use]
    pub fn needs_of(&self, target: &Target) -> Vec<NeededSecret> {
        match &target.action {
            Action::Builtin { task, .. } => self
                .get(task)
                .map_or_else(Vec::new, |task| task.needs(&params_of(target))),
            Action::Command(_) => Vec::new(),
        }
    }

    /// What the tasks say of themselves.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        self.0.iter().map(|(name, task)| (*name, task.schema())).collect()
    }
}

/// Waits until a request may be sent, unless what it is given says that it is over before.
pub type Admit<'a> = dyn Fn(&dyn Fn() -> bool) -> Result<(), TaskError> + Sync + 'a;

/// What one attempt of a task gets.
pub struct Context<'a> {
    /// The target's name.
    pub target: &'a str,
    /// Values of all parameters of the schema, checked against it; tables without entries are left out.
    pub params: BTreeMap<String, Value>,
    /// Paths of the inputs by role; a parameter that is a path is among them under its name.
    pub inputs: BTreeMap<String, PathBuf>,
    /// Paths to write to by the artifact's name.
    pub outputs: BTreeMap<String, PathBuf>,
    /// Values of the secrets that the target declares, as far as they are set.
    pub secrets: BTreeMap<String, String>,
    /// Values of the variables by which the task reaches the outside, as far as they are set.
    pub access: BTreeMap<String, String>,
    /// The project's directory, for a task that acts beside its artifacts; `None` for every other.
    pub project: Option<PathBuf>,
    /// The run, for a task that acts outside the project; `None` for every other, whose result must not depend on it.
    pub run: Option<RunId>,
    /// The key by which the outside world recognises an effect that it has seen before; `None` for every other task.
    pub effect_key: Option<Digest>,
    /// What earlier attempts left for later ones.
    pub memo: &'a dyn Memo,
    /// The programs of the user's that it may run.
    pub programs: &'a dyn Programs,
    /// Set when the attempt has to end.
    pub cancelled: &'a AtomicBool,
    /// Takes what the task has to say.
    pub say: &'a (dyn Fn(Message<'_>) + Sync),
    /// Waits until a request may be sent, unless it is over before: see [`Context::request`].
    pub admit: &'a Admit<'a>,
}

/// Pieces of work that are remembered from one attempt to the next, each under a key that names all it depends on.
///
/// It saves time and decides nothing: a task gives the same artifacts whether a piece is remembered or not.
pub trait Memo: Sync {
    /// The bytes that were put under a key, if they are still there and whole.
    fn get(&self, key: &Digest) -> Option<Vec<u8>>;

    /// Puts bytes under a key; a failure costs only time.
    fn put(&self, key: &Digest, bytes: &[u8]);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemo;

impl Memo for NoMemo {
    fn get(&self, _: &Digest) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: &Digest, _: &[u8]) {}
}

/// The programs of the user's that a task may run: those that the parameters of its target declare, and those of the
/// targets that made what it reads. No data file names one that the Atsaffile does not.
pub trait Programs: Sync {
    /// The program of a name.
    fn find(&self, name: &str) -> Option<&Program>;

    /// Makes an empty directory for what a program is given and writes; it stays after a failure, to be looked at.
    ///
    /// # Errors
    /// [`TaskError`] if it cannot be made.
    fn room(&self, program: &Program) -> Result<Room, TaskError>;

    /// Runs a program to its end, as the command of a target is run, with further variables in its environment; gives
    /// what it was seen to use, or `None` if some of that moved meanwhile.
    ///
    /// # Errors
    /// [`TaskError`] if it cannot be started or fails, or if the attempt ends meanwhile.
    fn run(&self, program: &Program, variables: &[(&str, String)]) -> Result<Option<Used>, TaskError>;

    /// The digest of the environment variables that a program gets; `None` if it gets none.
    fn environment(&self, program: &Program) -> Option<Digest>;

    /// The versions today of what is installed and a program was seen to use when the targets that declare it were built
    /// last; `None` for what is not there any more. What nobody saw is not among them.
    fn installed(&self, program: &Program) -> BTreeMap<String, Option<String>>;

    /// Whether all that a program was seen to use is as it was.
    fn is_as(&self, used: &Used) -> bool;

    /// Notes what a program had used whose work is remembered: the result depends on it as well.
    fn goes_on_from(&self, used: Used);

    /// Remembers work under a key once the attempt counts: what was done from inputs that moved meanwhile is forgotten.
    fn remember(&self, key: Digest, bytes: Vec<u8>);

    /// The content of a path of the project, or with a `/` at its end the names in a directory; `None` for nothing.
    fn content(&self, path: &str) -> Option<Digest>;

    /// How many threads a program may keep busy.
    fn threads(&self) -> usize;
}

/// What a program was seen to use beyond what is declared: files of the project, and what is installed.
pub type Used = (Vec<Discovered>, Vec<Installed>);

/// A directory for what a program is given and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its path.
    pub path: PathBuf,
    /// The same, as it is called from where programs run.
    pub called: PathBuf,
}

/// No programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPrograms;

impl Programs for NoPrograms {
    fn find(&self, _: &str) -> Option<&Program> {
        None
    }

    fn room(&self, program: &Program) -> Result<Room, TaskError> {
        Err(Self::none(program))
    }

    fn run(&self, program: &Program, _: &[(&str, String)]) -> Result<Option<Used>, TaskError> {
        Err(Self::none(program))
    }

    fn environment(&self, _: &Program) -> Option<Digest> {
        None
    }

    fn installed(&self, _: &Program) -> BTreeMap<String, Option<String>> {
        BTreeMap::new()
    }

    fn is_as(&self, _: &Used) -> bool {
        false
    }

    fn goes_on_from(&self, _: Used) {}

    fn remember(&self, _: Digest, _: Vec<u8>) {}

    fn content(&self, _: &str) -> Option<Digest> {
        None
    }

    fn threads(&self) -> usize {
        1
    }
}

impl NoPrograms {
    fn none(program: &Program) -> TaskError {
        TaskError::new(format!("the program `{}` cannot be run here", program.name))
    }
}

/// What a task says while it works.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// How far it is; the next one replaces it.
    Progress(&'a str),
    /// A line for the attempt's log.
    Line(&'a str),
    /// What people must see although the task goes on.
    Warning(&'a str),
}

impl<'a> Context<'a> {
    /// The context of work that is none of a build's: it reads and makes nothing yet, and remembers nothing.
    #[must_use]
    pub fn outside(name: &'a str, cancelled: &'a AtomicBool, say: &'a (dyn Fn(Message<'_>) + Sync)) -> Self {
        Self {
            target: name,
            params: BTreeMap::new(),
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            access: BTreeMap::new(),
            project: None,
            run: None,
            effect_key: None,
            memo: &NoMemo,
            programs: &NoPrograms,
            cancelled,
            say,
            admit: &|_| Ok(()),
        }
    }
}

impl Context<'_> {
    /// The time, for a task that acts outside the project; `None` for every other, as of [`Context::run`].
    #[must_use]
    pub fn effect_time(&self) -> Option<SystemTime> {
        self.run.map(|_| clock::now())
    }

    /// Path of an input.
    ///
    /// # Panics
    /// If the task's schema has no such input: then the task is wrong.
    #[must_use]
    pub fn input(&self, role: &str) -> &Path {
        self.inputs
            .get(role)
            .unwrap_or_else(|| panic!("internal error: no input `{role}`"))
    }

    /// Path to write an output to.
    ///
    /// # Panics
    /// If the task's schema has no such output.
    #[must_use]
    pub fn output(&self, name: &str) -> &Path {
        self.outputs
            .get(name)
            .unwrap_or_else(|| panic!("internal error: no output `{name}`"))
    }

    /// A parameter's value.
    ///
    /// # Panics
    /// If the task's schema has no such parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> &Value {
        self.params
            .get(name)
            .unwrap_or_else(|| panic!("internal error: no parameter `{name}`"))
    }

    /// A whole number that the schema bounds from below by zero.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        match self.param(name) {
            Value::Int(number) => usize::try_from(*number).unwrap_or_default(),
            other => panic!("internal error: `{name}` is {other}, not a whole number"),
        }
    }

    /// A number.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        match self.param(name) {
            Value::Float(number) => *number,
            other => panic!("internal error: `{name}` is {other}, not a number"),
        }
    }

    /// A text, a date or a path.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.param(name) {
            Value::Text(text) | Value::Date(text) | Value::Path(text) => text,
            other => panic!("internal error: `{name}` is {other}, not a text"),
        }
    }

    /// The items of a list; one value stands for a list of one.
    #[must_use]
    pub fn items(&self, name: &str) -> &[Value] {
        match self.param(name) {
            Value::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// The texts of a list.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let mut texts = Vec::new();
        for item in self.items(name) {
            if let Value::Text(text) = item {
                texts.push(text.as_str());
            }
        }
        texts
    }

    /// The whole numbers of a list, which the schema bounds from below by zero.
    #[must_use]
    pub fn counts(&self, name: &str) -> Vec<usize> {
        let count = |item: &Value| match item {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        self.items(name).iter().filter_map(count).collect()
    }

    /// The numbers of a list.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let number = |item: &Value| match item {
            Value::Float(number) => Some(*number),
            _ => None,
        };
        self.items(name).iter().filter_map(number).collect()
    }

    /// Whether a parameter is `true`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Value::Bool(true))
    }

    /// To be called before each request to a server: waits as long as the rates of the target's pools ask for.
    ///
    /// # Errors
    /// [`TaskError`] if the task is to end.
    pub fn request(&self) -> Result<(), TaskError> {
        self.request_unless(&|| false)
    }

    /// As [`Context::request`], for one of several requests side by side, which is of no use any more once `is_over` says so.
    ///
    /// # Errors
    /// [`TaskError`] if the task is to end, or the request is of no use.
    pub fn request_unless(&self, is_over: &dyn Fn() -> bool) -> Result<(), TaskError> {
        (self.admit)(is_over)
    }

    /// Says how far the task is.
    pub fn progress(&self, message: &str) {
        (self.say)(Message::Progress(message));
    }

    /// Writes a line to the attempt's log.
    pub fn log(&self, line: &str) {
        (self.say)(Message::Line(line));
    }

    /// Warns of something that does not stop the task.
    pub fn warn(&self, message: &str) {
        (self.say)(Message::Warning(message));
    }

    /// Ends the task if the build was interrupted or the attempt's time is over: to be asked between pieces of work.
    ///
    /// # Errors
    /// [`TaskError`] if so.
    pub fn check_cancelled(&self) -> Result<(), TaskError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(TaskError::stopped());
        }
        Ok(())
    }
}

/// Why a task could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct TaskError {
    /// What went wrong: one line, lowercase, names in backticks.
    pub what: String,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// The next step.
    pub help: Vec<String>,
    /// Whether another attempt with the same inputs may go better, as with a server that did not answer.
    pub retry: bool,
}

impl TaskError {
    /// An error that another attempt would meet again.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            notes: Vec::new(),
            help: Vec::new(),
            retry: false,
        }
    }

    /// The error of a task that ends since it was asked to.
    #[must_use]
    pub fn stopped() -> Self {
        Self::new("the task was stopped")
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Says that another attempt may go better.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retry = true;
        self
    }
}
