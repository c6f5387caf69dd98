//! The command line: one file a command, and `setup`, which all of them begin with.
//!
//! A command gets its own arguments and the [`Session`], speaks through the session's screen, and gives back how it
//! ends. To add one: its file with `Args` and `run`, one variant of [`CliCommand`], one arm of [`dispatch`].

mod accept;
pub mod address_space;
mod asked_files;
mod build;
mod check;
mod clean;
mod completions;
mod diff;
mod doctor;
mod dotenv;
#[cfg(feature = "forecasting")]
mod eia;
mod export;
mod free_place;
mod gc;
mod graph;
mod help;
mod init;
mod interrupt;
mod junit;
mod lineage;
mod list;
mod log;
mod logs;
mod misplaced;
#[cfg(feature = "forecasting")]
mod mlflow;
mod needed_secrets;
mod past;
mod plain_yaml;
mod plan;
#[cfg(feature = "forecasting")]
mod predict;
mod read_atsaffile;
mod report;
mod restore;
mod results;
mod run;
mod schema;
mod sealed;
pub mod setup;
mod shell;
mod show;
mod small_file;
mod status;
#[cfg(test)]
mod tests;
mod threads;
#[cfg(test)]
mod trial;
mod watch;
mod why;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _};

use self::run::Refused;
use self::setup::Project;
use crate::diagnostic::Diagnostic;
use crate::engine::store::StoreError;
use crate::engine::task::Tasks;
use crate::outward;
use crate::report::fold::fold;
use crate::report::ink::{self, Ink};
use crate::report::json;
use crate::report::screen::{Manner, Screen};

/// make for data artifacts: builds only what is stale, and proves why
#[derive(Debug, clap::Parser)]
#[command(
    name = "atsaf",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "`atsaf init` begins a project; `atsaf help` lists the pages of the manual, such as `atsaf help atsaffile`."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: CliCommand,
}

/// All commands, in the order in which `--help` shows them.
#[derive(Debug, clap::Subcommand)]
enum CliCommand {
    Init(init::Args),
    Build(build::Args),
    Plan(plan::Args),
    Why(why::Args),
    Status(status::Args),
    Watch(watch::Args),
    Run(run::Args),
    Show(show::Args),
    Diff(diff::Args),
    Report(report::Args),
    Log(log::Args),
    Logs(logs::Args),
    Shell(shell::Args),
    Graph(graph::Args),
    Export(export::Args),
    List(list::Args),
    Check(check::Args),
    Accept(accept::Args),
    Restore(restore::Args),
    Clean(clean::Args),
    Gc(gc::Args),
    #[cfg(feature = "forecasting")]
    Predict(predict::Args),
    #[cfg(feature = "forecasting")]
    Mlflow(mlflow::Args),
    #[cfg(feature = "forecasting")]
    Eia(eia::Args),
    Doctor(doctor::Args),
    Help(help::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(completions::ManArgs),
}

impl Cli {
    /// Reads what only the Atsaffile gives a meaning: the flags of `run`, which is then a `build`.
    fn resolve(self, tasks: fn() -> Tasks) -> Result<Self, Refused> {
        match self.command {
            CliCommand::Run(args) => {
                let (common, build) = run::resolve(&args, self.common, &tasks().catalog())?;
                let command = CliCommand::Build(build);
                Ok(Self { common, command })
            }
            command => Ok(Self { command, ..self }),
        }
    }
}

/// Runs a command.
fn dispatch(command: &CliCommand, session: &Session) -> Result<Exit, CommandError> {
    if let Some(exit) = sealed::answer(command, session) {
        return Ok(exit);
    }
    threads::start(match command {
        CliCommand::Build(args) => args.jobs,
        CliCommand::Watch(args) => args.jobs,
        _ => None,
    })?;
    match command {
        CliCommand::Init(args) => init::run(args, session),
        CliCommand::Build(args) => build::run(args, session),
        CliCommand::Plan(args) => plan::run(args, session),
        CliCommand::Why(args) => why::run(args, session),
        CliCommand::Status(args) => status::run(args, session),
        CliCommand::Watch(args) => watch::run(args, session),
        CliCommand::Run(_) => unreachable!("internal error: `run` has become `build` by now"),
        CliCommand::Show(args) => show::run(args, session),
        CliCommand::Diff(args) => diff::run(args, session),
        CliCommand::Report(args) => report::run(args, session),
        CliCommand::Log(args) => log::run(args, session),
        CliCommand::Logs(args) => logs::run(args, session),
        CliCommand::Shell(args) => shell::run(args, session),
        CliCommand::Graph(args) => graph::run(args, session),
        CliCommand::Export(args) => export::run(args, session),
        CliCommand::List(args) => list::run(args, session),
        CliCommand::Check(args) => check::run(args, session),
        CliCommand::Accept(args) => accept::run(args, session),
        CliCommand::Restore(args) => restore::run(args, session),
        CliCommand::Clean(args) => clean::run(args, session),
        CliCommand::Gc(args) => gc::run(args, session),
        #[cfg(feature = "forecasting")]
        CliCommand::Predict(args) => predict::run(args, session),
        #[cfg(feature = "forecasting")]
        CliCommand::Mlflow(args) => mlflow::run(args, session),
        #[cfg(feature = "forecasting")]
        CliCommand::Eia(args) => eia::run(args, session),
        CliCommand::Doctor(_) => Ok(doctor::run(session)),
        CliCommand::Help(args) => help::run(args, session),
        CliCommand::Schema(_) => Ok(schema::run(session)),
        CliCommand::Completions(args) => completions::run(args, session),
        CliCommand::Man(args) => completions::man(args, session),
    }
}

/// Runs the command line: `args` with the program's name first, `env` the environment of this program, `tasks` its
/// built-in tasks.
pub fn main(args: impl IntoIterator<Item = OsString>, env: BTreeMap<String, String>, tasks: fn() -> Tasks) -> Exit {
    interrupt::on_abort();
    let args: Vec<OsString> = args.into_iter().collect();
    run_on(&args, env, tasks, Screen::new)
}

/// [`main`] on the screen that `screen` makes.
fn run_on(
    args: &[OsString],
    env: BTreeMap<String, String>,
    tasks: fn() -> Tasks,
    screen: impl FnOnce(Manner, &BTreeMap<String, String>) -> Screen,
) -> Exit {
    if let Some(text) = completions::answer(args, &env, tasks) {
        screen(Manner::default(), &env).print(&text);
        return Exit::Done;
    }
    let parsed = Cli::command()
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, args, &screen(manner_of(args), &env)),
    };
    // What stands behind `run` is not read yet.
    let json = manner_of(args).json;
    let manner = Manner {
        json,
        ..cli.common.manner()
    };
    let Cli { common, command } = match cli.resolve(tasks) {
        Ok(cli) => cli,
        Err(Refused::Clap(error)) => return refuse(&error, args, &screen(manner, &env)),
        Err(Refused::Failed(failure)) => return failure.tell(&screen(manner, &env)),
    };
    let screen = screen(common.manner(), &env);
    let session = Session {
        common,
        env,
        screen,
        tasks,
    };
    let exit = dispatch(&command, &session).unwrap_or_else(|failure| failure.tell(&session.screen));
    match session.screen.trouble() {
        Some(trouble) => {
            session.screen.tell(&trouble);
            Exit::Usage
        }
        None => exit,
    }
}

/// Prints what clap has to say: help and version to stdout, mistakes to stderr.
fn refuse(error: &clap::Error, args: &[OsString], screen: &Screen) -> Exit {
    // The text has the arguments in it, and what these hold is none of its colours.
    let is_plain = |arg: &OsString| arg.to_str().is_some_and(|arg| outward::visible(arg) == arg);
    let text = |ink: Ink| match ink.colours() && args.iter().all(is_plain) {
        true => ink::sealed(&error.render().ansi().to_string()),
        false => error.render().to_string(),
    };
    if error.use_stderr() {
        screen.insist(&text(screen.err_ink()));
        if screen.json() {
            let told = error.render().to_string();
            screen.print_json(&json::error(Exit::Usage as u8, &[diagnostic_of(&told)]));
        }
        Exit::Usage
    } else {
        screen.print(&text(screen.out_ink()));
        Exit::Done
    }
}

/// What clap says, as every other mistake is told: what is wrong in one line, the rest as help.
fn diagnostic_of(told: &str) -> Diagnostic {
    let mut parts = told.trim().trim_start_matches("error: ").split("\n\n");
    let lines = |part: &str| part.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let what = lines(parts.next().unwrap_or_default());
    parts.fold(Diagnostic::error(what), |diagnostic, part| {
        let part = lines(part);
        let part = part.strip_prefix("tip: ").unwrap_or(&part);
        diagnostic.help(part.trim_end_matches('.'))
    })
}

/// The manner of arguments that could not be read: the colour and JSON, which are looked for by themselves.
fn manner_of(args: &[OsString]) -> Manner {
    let words = || args.iter().filter_map(|arg| arg.to_str());
    let color = words().zip(words().skip(1).chain([""])).find_map(|(flag, next)| {
        let value = match flag {
            "--color" => next,
            _ => flag.strip_prefix("--color=")?,
        };
        <Color as clap::ValueEnum>::from_str(value, false).ok()
    });
    Manner {
        color: color.unwrap_or_default().decided(),
        json: words().take_while(|word| *word != "--").any(|word| word == "--json"),
        ..Manner::default()
    }
}

/// What every command gets.
pub struct Session {
    /// The flags that every command has.
    pub common: Common,
    /// The environment of this program.
    pub env: BTreeMap<String, String>,
    /// Where to speak.
    pub screen: Screen,
    /// Makes the built-in tasks.
    pub tasks: fn() -> Tasks,
}

impl Session {
    /// The columns of the terminal, or 80.
    pub(crate) fn width(&self) -> usize {
        let told = self.env.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let terminal = || {
            rustix::termios::tcgetwinsize(std::io::stdout())
                .ok()
                .map(|size| usize::from(size.ws_col))
        };
        told.or_else(terminal).filter(|width| *width > 0).unwrap_or(80)
    }

    /// Lines of columns, for people: on a terminal, what has no room in its line goes on below its last column.
    fn folded<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.screen.is_terminal() {
            true => Cow::Owned(fold(text, self.width())),
            false => Cow::Borrowed(text),
        }
    }

    /// Prints [`folded`](Self::folded) lines.
    fn print_folded(&self, text: &str) {
        self.screen.print(&self.folded(text));
    }

    /// Finds, reads and checks the project, and tells its warnings.
    ///
    /// What a project holds in memory goes with the process, which is sooner than piece by piece.
    ///
    /// # Errors
    /// [`CommandError`] with every mistake at once.
    pub fn load(&self) -> Result<ManuallyDrop<Project>, CommandError> {
        let project = ManuallyDrop::new(setup::load(self)?);
        for warning in &project.warnings {
            self.screen.tell(warning);
        }
        Ok(project)
    }
}

/// The flags that every command has.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Run as if started in DIR
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Read this file instead of the next `Atsaffile` upward
    #[arg(short = 'f', long = "file", value_name = "FILE", global = true)]
    pub file: Option<PathBuf>,
    /// Set a parameter for this command (repeatable)
    #[arg(short = 's', long = "set", value_name = "KEY=VALUE", value_parser = key_value, global = true)]
    pub set: Vec<(String, String)>,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print what tasks print as well
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Show every instance of a target for itself, also where there are many
    #[arg(long, global = true)]
    pub expand: bool,
    /// When to use colour: auto, always or never
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true,
        global = true
    )]
    pub color: Color,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Use a store that is not your own work, such as a restored cache, after verifying it
    #[arg(long, global = true)]
    pub trust_store: bool,
}

impl Common {
    fn manner(&self) -> Manner {
        Manner {
            color: self.color.decided(),
            quiet: self.quiet,
            verbose: self.verbose,
            json: self.json,
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal that can show it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    fn decided(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A target failed.
    Failed = 1,
    /// Wrong use or a wrong Atsaffile; nothing was run.
    Usage = 2,
    /// Something is stale, under `--exit-code`.
    Stale = 3,
    /// The store is unusable.
    Store = 4,
    /// Interrupted.
    Interrupted = 130,
}

/// Why a command cannot go on.
#[derive(Clone, Debug)]
pub struct CommandError {
    /// Everything that is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// How the command ends.
    pub exit: Exit,
}

impl CommandError {
    /// A mistake of whoever called.
    #[must_use]
    pub fn usage(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            exit: Exit::Usage,
        }
    }

    /// Tells everything that is wrong, and gives how the command ends.
    fn tell(&self, screen: &Screen) -> Exit {
        for diagnostic in &self.diagnostics {
            screen.tell(diagnostic);
        }
        if screen.json() {
            screen.print_json(&json::error(self.exit as u8, &self.diagnostics));
        }
        self.exit
    }

    /// A store that cannot be used.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
    pub fn store(error: StoreError) -> Self {
        Self {
            diagnostics: vec![Diagnostic::error(error.to_string()).help(match error.source.kind() {
                _ if error.help().is_some() => error.help().unwrap_or_default(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on its disk, and build again",
                _ => "atsaf keeps what it builds there: see whether it may write to it, and build again",
            })],
            exit: Exit::Store,
        }
    }
}
