//! The checked content of an Atsaffile as plain data, each part with its span.
//!
//! The Spec knows nothing of the disk: whether a source exists, what a glob matches and what a directory holds is
//! found when the [`Graph`](super::graph::Graph) is made. So it depends on the text, the command line and the tasks'
//! schemas alone.

mod cwd;
mod dag;
pub mod declared_program;
mod instance;
mod load;
pub mod pattern;
mod plain_path;
pub(crate) mod reserved;
pub mod schema;
mod settings;
pub(crate) mod shell;
pub(crate) mod shell_text;
mod timing;
pub mod uri;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use ecow::EcoString;
use serde::{Deserialize, Serialize};

pub use self::dag::Dag;
pub use self::instance::{Axis, AxisSource, Instance, base_name, full_name, values_of};
pub use self::load::{Load, Pool, Rate};
pub(crate) use self::plain_path::normalise;
pub use self::settings::Settings;
pub use self::shell::{SHELL, SHELL_PAST_FAILURES};
pub use self::timing::{ProbeCommand, Timing};
pub use self::value::Value;
use super::digest::Digest;
use crate::diagnostic::Place;

/// Bytes of the Atsaffile's text, or of that of a parameter file: the texts lie one behind the other, see [`Text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of a text that begins at a byte with this number.
    #[must_use]
    pub fn moved(self, start: u32) -> Self {
        Self {
            start: self.start.saturating_add(start),
            end: self.end.saturating_add(start),
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// Written in the Atsaffile.
    Atsaffile(Span),
    /// Set on the command line, over the place where it is declared.
    CommandLine(Option<Span>),
    /// The task's own default.
    Default,
    /// A variable of the environment that the task takes without being told.
    Environment,
}

impl Origin {
    /// The place in the Atsaffile, if there is one.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        match self {
            Self::Atsaffile(span) => Some(span),
            Self::CommandLine(span) => span,
            Self::Default | Self::Environment => None,
        }
    }
}

/// The text of an Atsaffile and those of its parameter files, to turn spans into places.
///
/// The texts lie one behind the other, with a byte between them: so a span tells by its numbers which file it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Path as the user would type it.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// The parameter files, in order.
    pub files: Vec<ParamsText>,
}

/// The text of a parameter file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamsText {
    /// Path as the user would type it.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// The number of its first byte.
    pub start: u32,
}

impl Text {
    /// The place of a span.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let (path, text, start) = self.source(span);
        let local = |at: u32| at.saturating_sub(start) as usize;
        Place::locate(path, text, local(span.start), local(span.end))
    }

    /// `Atsaffile:14`, the short form of a place.
    #[must_use]
    pub fn line_of(&self, span: Span) -> String {
        let (path, text, start) = self.source(span);
        let end = ((span.start - start) as usize).min(text.len());
        let line = text.as_bytes()[..end].split(|byte| *byte == b'\n').count();
        format!("{path}:{line}")
    }

    /// The number of the parameter file that a span is of; none of a span of the Atsaffile.
    #[must_use]
    pub fn file_of(&self, span: Span) -> Option<usize> {
        self.files
            .partition_point(|file| file.start <= span.start)
            .checked_sub(1)
    }

    /// Path, text and first byte of the file that a span is of.
    #[must_use]
    pub fn source(&self, span: Span) -> (&str, &str, u32) {
        match self.file_of(span) {
            Some(at) => (&self.files[at].path, &self.files[at].text, self.files[at].start),
            None => (&self.path, &self.text, 0),
        }
    }

    /// The number of the first byte behind all texts.
    #[must_use]
    pub fn end(&self) -> u32 {
        let (text, start) = match self.files.last() {
            Some(last) => (&last.text, last.start),
            None => (&self.text, 0),
        };
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        start.saturating_add(length).saturating_add(1)
    }
}

/// A whole project as declared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The text that it was read from.
    #[serde(skip)]
    pub text: Text,
    /// The project's name.
    pub name: String,
    /// Whether each build ends with the page about what was built.
    pub report: bool,
    /// What a bare `atsaf build` makes; empty means every target.
    pub default: Vec<Goal>,
    /// Further names for goals.
    pub aliases: BTreeMap<String, Vec<Goal>>,
    /// Declared parameters, in the order of the text; of those of parameter files, the ones that something reads.
    pub params: Vec<Param>,
    /// Declared secrets by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Declared pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// What globs and directories leave out beyond [`Ignore::DEFAULTS`](super::ignore::Ignore::DEFAULTS).
    pub ignore: Vec<IgnorePattern>,
    /// What Airflow is told of the project.
    pub airflow: Dag,
    /// The axes of the matrix, in the order of the text.
    pub axes: Vec<Axis>,
    /// The parameter files, in the order of the text.
    pub params_files: Vec<ParamsFile>,
    /// Targets, in the order of the text; of one with `each`, its instances. Whoever keeps a Spec keeps them beside it.
    #[serde(skip)]
    pub targets: Vec<Target>,
}

impl Spec {
    /// The parameter files that a target's command may read itself, for parameters that it does not take from atsaf.
    #[must_use]
    pub fn params_files_read_by(&self, target: &Target) -> Vec<&ParamsFile> {
        let Action::Command(command) = &target.action else {
            return Vec::new();
        };
        if self.params_files.is_empty() {
            return Vec::new();
        }
        let unseen = command.takes_elsewhere(&target.params);
        let mut files: Vec<usize> = unseen
            .into_iter()
            .filter_map(|param| self.text.file_of(param.origin.span()?))
            .collect();
        files.sort_unstable();
        files.dedup();
        files.into_iter().filter_map(|at| self.params_files.get(at)).collect()
    }

    /// Finds a declared parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// A goal as written in the Atsaffile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// A target, an artifact, an artifact's path or an alias.
    pub name: String,
    /// Where it is written.
    pub span: Span,
}

/// A name or pattern that globs and directories leave out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnorePattern {
    /// The pattern.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// A value with a name: a declared parameter, or one that a target uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its value, of the type that the user of it wants.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
}

/// A file from which parameters come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamsFile {
    /// Its path: relative to the project, or absolute.
    pub path: String,
    /// The digest of its bytes when it was read.
    pub digest: Digest,
    /// Where it is named.
    pub span: Span,
}

impl ParamsFile {
    /// A file with these bytes.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8], span: Span) -> Self {
        Self {
            path: path.to_owned(),
            digest: Digest::of(bytes),
            span,
        }
    }
}

/// A declared secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Whether a build goes on without it.
    pub optional: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A named step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its name; of an instance with its values, `train@TEX`.
    pub name: EcoString,
    /// Which instance it is, if its table has `each`.
    pub instance: Option<Box<Instance>>,
    /// Where its table is opened.
    pub span: Span,
    /// One line for `atsaf list`.
    pub desc: Option<Box<str>>,
    /// What it does.
    pub action: Action,
    /// The parameters that its result depends on, sorted by name. A parameter that occurs only in a path is not among
    /// them: it counts through that path.
    pub params: Box<[Param]>,
    /// What it reads, in the declared order.
    pub inputs: Box<[Input]>,
    /// What it makes, in the declared order.
    pub outputs: Box<[Output]>,
    /// What else is said of it: most targets share what holds where nothing is.
    #[serde(with = "settings")]
    pub settings: Arc<Settings>,
}

impl Default for Target {
    /// One of which nothing is said.
    fn default() -> Self {
        Self {
            name: EcoString::new(),
            instance: None,
            span: Span::default(),
            desc: None,
            action: Action::default(),
            params: Box::default(),
            inputs: Box::default(),
            outputs: Box::default(),
            settings: Settings::usual(None),
        }
    }
}

/// How the names of files end from which metrics are read.
pub const METRICS_ENDINGS: [&str; 5] = [".json", ".yaml", ".yml", ".csv", ".parquet"];

/// Where the page lies that each build of a project with `report = true` ends with.
pub const REPORT_PAGE: &str = "report.html";

/// By which means it is seen what a command uses without declaring it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Means {
    /// The command lists it in a file, as compilers do for make.
    Depfile,
    /// A Python program tells it by itself.
    Python,
    /// strace tells it of any program.
    Trace,
}

impl Means {
    /// Its word in the Atsaffile.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Depfile => "depfile",
            Self::Python => "auto",
            Self::Trace => "trace",
        }
    }
}

/// What a target does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A task of this program.
    Builtin {
        /// The task's name.
        task: EcoString,
        /// The task's version.
        version: u32,
        /// The programs of the user's that its parameters declare, which it may run.
        programs: Box<[Program]>,
    },
    /// A command of the user's.
    Command(Command),
}

impl Action {
    /// The programs of a built-in task; none of a command.
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        match self {
            Self::Builtin { programs, .. } => programs,
            Self::Command(_) => &[],
        }
    }

    /// The commands that it runs.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let own = match self {
            Self::Command(command) => Some(command),
            Self::Builtin { .. } => None,
        };
        own.into_iter()
            .chain(self.programs().iter().map(|program| &program.command))
    }

    /// Words of its commands that may be the path of a project file, which is then an input.
    pub fn file_words(&self) -> impl Iterator<Item = &str> {
        self.commands()
            .flat_map(|command| command.file_words.iter().map(EcoString::as_str))
    }
}

/// A program of the user's that a built-in task runs, by a command without holes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// By which the task knows it.
    pub name: String,
    /// How it is begun.
    pub command: Command,
    /// Paths of files and directories of the project that it depends on beside those that the command names.
    pub files: Vec<String>,
    /// By which means it is seen what it uses beyond that; `None` if nobody looks.
    pub discover: Option<Means>,
    /// Environment variables that it gets, those of the target that declares it.
    pub env: Vec<String>,
    /// Secrets that it gets, those of the target that declares it.
    pub secrets: Vec<String>,
}

impl Default for Action {
    /// No word at all.
    fn default() -> Self {
        Self::Command(Command::default())
    }
}

/// A command as declared, not yet rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The words of a list, or the single text for the shell.
    pub words: Box<[Template]>,
    /// The words of the shell to which the text is appended; `None` for a list, which is run as it is.
    #[serde(with = "shell")]
    pub shell: Option<Arc<[String]>>,
    /// The directory of the project in which it runs; `None` for the project's own.
    pub cwd: Option<Box<str>>,
    /// Words that may be the path of a project file, which is then an input; in order, without repeats, each counted
    /// from the project.
    pub file_words: Box<[EcoString]>,
}

impl Param {
    /// The end of the variable under which a parameter reaches commands: `N_EST` of `ATSAF_PARAM_N_EST`.
    #[must_use]
    pub fn variable_of(name: &str) -> String {
        name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    }
}

impl Command {
    /// The parts of all of its words.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.words.iter().flat_map(|word| &word.pieces)
    }

    /// Those of a target's parameters that the command does not take from atsaf, in its text or from `{{params_file}}`: it
    /// may read them from their file.
    #[must_use]
    pub fn takes_elsewhere<'p>(&self, params: &'p [Param]) -> Vec<&'p Param> {
        if self.pieces().any(|piece| *piece == Piece::ParamsFile) {
            return Vec::new();
        }
        let is_in_text = |name: &str| {
            self.pieces()
                .any(|piece| matches!(piece, Piece::Param(it) if it == name))
        };
        params.iter().filter(|param| !is_in_text(&param.name)).collect()
    }

    /// The text before anything is put in; the words of a list are separated by a line end each.
    #[must_use]
    pub fn text(&self) -> EcoString {
        if let [text] = &*self.words {
            return text.text.clone();
        }
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join("\n").into()
    }
}

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The text as written.
    pub text: EcoString,
    /// Its parts in order.
    pub pieces: Box<[Piece]>,
}

/// One part of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// Text as it is.
    Literal(EcoString),
    /// `{{name}}`: a parameter's value.
    Param(EcoString),
    /// `{{input.name}}`: the path, or the paths of a glob, bound to a role.
    Input(EcoString),
    /// `{{inputs}}`: all declared input paths in order.
    Inputs,
    /// `{{output.name}}`: the path to write an artifact to.
    Output(EcoString),
    /// `{{output}}`: all of them in order.
    Outputs,
    /// `{{inputs_file}}`: the path of a file that lists all declared input paths, one a line.
    InputsFile,
    /// `{{params_file}}`: the path of a JSON file with the parameters that the target uses.
    ParamsFile,
    /// `{{threads}}`: how many threads the command may keep busy.
    Threads,
    /// `{{depfile}}`: the path to which the command writes what it has read, in make's format.
    Depfile,
}

/// Something that a target reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The name under which the task knows it.
    pub role: EcoString,
    /// What it is.
    pub from: From,
    /// Whether its text is the name of an artifact, rather than a path.
    pub named: bool,
    /// Whether it may be absent.
    pub optional: bool,
    /// Where it is written.
    pub span: Span,
}

/// `"!data/test.csv"` among the inputs: what a glob, a directory or a word of the command means without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The role whose globs and directories it narrows; `None` for all of them. Words of the command have no role.
    pub role: Option<EcoString>,
    /// A path relative to the project, or a pattern of such.
    pub pattern: EcoString,
    /// Where it is written.
    pub span: Span,
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum From {
    /// An artifact, by its name, or as `target.artifact`.
    Artifact(EcoString),
    /// A file or directory that no target makes; relative to the project, or absolute.
    Source(EcoString),
    /// All project files that match a pattern, sorted by path.
    Glob(EcoString),
}

/// Something that a target makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The name under which the task or command knows it, which results and fingerprints go by.
    pub port: EcoString,
    /// The artifact's name in the project, which no other artifact of its target has; the port's unless it is given one.
    pub name: EcoString,
    /// Its path relative to the project, `/` between the parts, without `.` or `..`.
    pub path: EcoString,
    /// File or directory.
    pub kind: ArtifactKind,
    /// Where it is written.
    pub span: Span,
}

/// Whether an artifact is a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ArtifactKind {
    /// A regular file.
    File,
    /// A directory with all that is in it.
    Directory,
}
