//! `atsaf run`: the pipeline's own command line, with a flag for each parameter of the Atsaffile.
//!
//! The flags are made from the Atsaffile before the rest of the command line is read; then it is a build with these
//! values set.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Args as _, FromArgMatches as _};

use super::{CommandError, Common, Exit, asked_files, build, read_atsaffile};
use crate::atsaffile::{self, Overrides, ValueType};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::lookups::Lookups;
use crate::engine::spec::schema::{self, Catalog, Kind, Schema};
use crate::engine::spec::{Action, Origin, Spec, Value};
use crate::outward::{visible_line, without_credentials};

/// Build with the Atsaffile's parameters as flags; `atsaf run --help` lists them
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, override_usage = "atsaf run [OPTIONS] [GOAL]...")]
pub(super) struct Args {
    /// Goals, flags of `build`, and one flag for each parameter of the Atsaffile
    #[arg(value_name = "FLAG", trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

impl Args {
    /// What `atsaf run --help` is.
    pub(super) fn asking_for_help() -> Self {
        Self {
            rest: vec!["--help".into()],
        }
    }

    fn ask_for_help(&self) -> bool {
        let mut words = self.rest.iter().take_while(|word| *word != "--");
        words.any(|word| word == "--help" || word == "-h")
    }
}

/// Why a command line could not be read, or that it asked for help only.
#[derive(Debug)]
pub(super) enum Refused {
    /// Mistakes of the Atsaffile or of the use.
    Failed(CommandError),
    /// What clap has to say.
    Clap(Box<clap::Error>),
}

impl From<CommandError> for Refused {
    fn from(failure: CommandError) -> Self {
        Self::Failed(failure)
    }
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Clap(Box::new(error))
    }
}

/// The name of the alias for which `--check-only` stands.
const CHECK: &str = "check";

/// Turns the command line of `run` into one of `build`; `outer` are the flags before `run`.
pub(super) fn resolve(args: &Args, outer: Common, catalog: &Catalog) -> Result<(Common, build::Args), Refused> {
    let mut common = outer;
    look_for_place(&args.rest, &mut common);
    let spec = match spec(&common, catalog) {
        Err(_) if args.ask_for_help() && read_atsaffile::find(&common).is_err() => return Err(without_project().into()),
        spec => spec?,
    };
    let flags = flags(&spec, catalog);
    let matches = command(&spec, &flags).try_get_matches_from(&args.rest)?;
    let mut build = build::Args::from_arg_matches(&matches)?;
    let own = Common::from_arg_matches(&matches)?;
    common = merged(common, own);
    for flag in &flags {
        let id = flag.id();
        let given = matches.value_source(&id) == Some(ValueSource::CommandLine);
        if let Some(text) = matches.get_one::<String>(&id).filter(|_| given) {
            common.set.push((flag.name.clone(), flag.tidy(text)));
        }
    }
    if matches.get_flag("check-only") {
        if !spec.aliases.contains_key(CHECK) {
            return Err(CommandError::usage(
                Diagnostic::error(format!(
                    "`--check-only` makes the alias `{CHECK}`, which the Atsaffile has not"
                ))
                .help(format!("declare it: `[alias]`, and below it `{CHECK} = [\"a goal\"]`")),
            )
            .into());
        }
        build.goals.push(CHECK.to_owned());
    }
    Ok((common, build))
}

/// The help where there is no Atsaffile whose parameters would be flags.
fn without_project() -> clap::Error {
    let command = command(&Spec::default(), &[])
        .about("Build with the Atsaffile's parameters as flags: there is none here, or above")
        .after_help(
            "In a project, each parameter is a flag: `horizon = 24` under `[params]` is `--horizon 24`, a list \
             `--models SeasonalNaive,HoltWinters`, and this help lists them with their values.\n\
             `-C DIR` names the project. `atsaf init` begins one; `atsaf help atsaffile params` tells of parameters.",
        );
    match command.try_get_matches_from(["--help"]) {
        Err(error) => error,
        Ok(_) => unreachable!("internal error: help was asked for"),
    }
}

/// The flags of a project's parameters, each with its help.
pub(super) fn flag_names(spec: &Spec, catalog: &Catalog) -> Vec<(String, String)> {
    let flags = flags(spec, catalog).into_iter();
    flags.map(|flag| (format!("--{}", flag.long), flag.help)).collect()
}

/// Finds `-C` and `-f`, which tell where the Atsaffile is, before the flags are known.
fn look_for_place(rest: &[OsString], common: &mut Common) {
    let words: Vec<&str> = rest.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    for (at, word) in words.iter().take_while(|word| **word != "--").enumerate() {
        let value = |short: &str, long: &str| -> Option<PathBuf> {
            if *word == short || *word == long {
                return rest.get(at + 1).map(PathBuf::from);
            }
            let joined = word.strip_prefix(long).and_then(|tail| tail.strip_prefix('='));
            let short = || {
                word.strip_prefix(short)
                    .map(|tail| tail.strip_prefix('=').unwrap_or(tail))
            };
            joined.or_else(short).map(PathBuf::from)
        };
        common.directory = value("-C", "--directory").or(common.directory.take());
        common.file = value("-f", "--file").or(common.file.take());
    }
}

/// Reads the Atsaffile as far as it can be; its mistakes are told when it is read again with the values set, save
/// those that leave nothing of it.
fn spec(common: &Common, catalog: &Catalog) -> Result<Spec, CommandError> {
    let file = read_atsaffile::find(common)?;
    let (path, text) = read_atsaffile::read(&file)?;
    let found = asked_files::look(&read_atsaffile::root_of(&file), &text, &mut Lookups::default());
    let (spec, diagnostics) = atsaffile::load_with(&path, &text, &Overrides::default(), &found, catalog);
    let wrong = diagnostics.iter().any(|it| it.severity == Severity::Error);
    if wrong && spec.params.is_empty() && spec.targets.is_empty() {
        return Err(CommandError {
            diagnostics,
            exit: Exit::Usage,
        });
    }
    Ok(spec)
}

/// The flag of one parameter.
struct Flag {
    /// The parameter.
    name: String,
    long: String,
    help: String,
    /// The type that a built-in task asks for.
    kind: Option<Kind>,
    /// Whether the Atsaffile declares it.
    declared: bool,
    list: bool,
}

impl Flag {
    /// Clap's name for it, which can be no flag of ours.
    fn id(&self) -> String {
        format!("parameter {}", self.name)
    }

    /// The value without the slash that shells put behind a directory.
    fn tidy(&self, text: &str) -> String {
        let directory = matches!(self.kind, Some(Kind::PathOrUrl)) || self.name == "dir" || self.name.ends_with("_dir");
        match text.trim_end_matches('/') {
            trimmed if directory && !trimmed.is_empty() => trimmed.to_owned(),
            _ => text.to_owned(),
        }
    }
}

/// The flags of the declared parameters, and of those that the tasks have beyond them.
fn flags(spec: &Spec, catalog: &Catalog) -> Vec<Flag> {
    let mut taken: BTreeSet<String> = base()
        .get_arguments()
        .filter_map(Arg::get_long)
        .map(str::to_owned)
        .collect();
    taken.extend(["help", "overwrite", "check-only", "model-list"].map(str::to_owned));
    let mut flags: Vec<Flag> = Vec::new();
    let mut add =
        |name: &str, declared: Option<&crate::engine::spec::Param>, reader: Option<&'static schema::ParamSchema>| {
            let mut long = name.replace('_', "-");
            if !taken.insert(long.clone()) {
                long = format!("param-{long}");
                if !taken.insert(long.clone()) {
                    long = format!("param-{name}");
                }
            }
            let now = declared.map(|param| &param.value);
            let list = matches!(now, Some(Value::List(_))) || matches!(reader.map(|it| it.kind), Some(Kind::List(_)));
            flags.push(Flag {
                name: name.to_owned(),
                long,
                help: help(spec, name, declared, reader),
                kind: reader.map(|reader| reader.kind),
                declared: declared.is_some(),
                list,
            });
        };
    let schemas = schemas(spec, catalog);
    let reader = |name: &str| schemas.iter().find_map(|schema| schema.param(name));
    for param in &spec.params {
        add(&param.name, Some(param), reader(&param.name));
    }
    let mut seen: BTreeSet<&str> = spec.params.iter().map(|param| param.name.as_str()).collect();
    // The settings of a model are a table, which is nothing for a flag.
    let plain = |param: &&schema::ParamSchema| !matches!(param.kind, Kind::Table(_));
    for param in schemas.iter().flat_map(|schema| schema.params).filter(plain) {
        if seen.insert(param.name) {
            add(param.name, None, Some(param));
        }
    }
    flags
}

/// The built-in tasks that the targets use, in the order of the Atsaffile.
fn schemas(spec: &Spec, catalog: &Catalog) -> Vec<&'static Schema> {
    let tasks = spec.targets.iter().filter_map(|target| match &target.action {
        Action::Builtin { task, .. } => catalog.get(task.as_str()).copied(),
        Action::Command(_) => None,
    });
    tasks.collect()
}

/// What a parameter means, what it may be, and what it is now.
fn help(
    spec: &Spec,
    name: &str,
    declared: Option<&crate::engine::spec::Param>,
    reader: Option<&schema::ParamSchema>,
) -> String {
    let mut parts = Vec::new();
    if let Some(reader) = reader {
        parts.push(reader.doc.to_owned());
        parts.push(reader.kind.describe());
    } else {
        let users = spec
            .targets
            .iter()
            .filter(|target| target.params.iter().any(|param| param.name == name));
        let users: Vec<&str> = users.map(|target| target.name.as_str()).collect();
        if !users.is_empty() {
            parts.push(format!("read by {}", users.join(", ")));
        }
        parts.extend(declared.map(|param| match &param.value {
            Value::Bool(_) => "true or false".to_owned(),
            Value::Int(_) => "a whole number".to_owned(),
            Value::Float(_) => "a number".to_owned(),
            Value::List(_) => "a list, its items between commas".to_owned(),
            other => format!("a {}", other.type_name()),
        }));
    }
    let now = match (declared, reader) {
        (Some(param), _) => {
            let place = match param.origin {
                Origin::Atsaffile(span) => format!(", {}", spec.text.line_of(span)),
                _ => String::new(),
            };
            format!("[now: {}{place}]", param.value.plain())
        }
        (None, Some(reader)) => match reader.default {
            Some(default) => format!("[default: {}]", default.value().plain()),
            None => "[required]".to_owned(),
        },
        (None, None) => String::new(),
    };
    let text = format!("{} {now}", parts.join("; "));
    visible_line(&without_credentials(text.trim())).into_owned()
}

/// `build` with the flags that every command has.
fn base() -> clap::Command {
    let command = clap::Command::new("run").bin_name("atsaf run").no_binary_name(true);
    Common::augment_args(build::Args::augment_args(command))
}

/// The whole command line of one Atsaffile.
fn command(spec: &Spec, flags: &[Flag]) -> clap::Command {
    let name = if spec.name.is_empty() {
        "the pipeline"
    } else {
        &spec.name
    };
    let mut command = base()
        .about(format!("Build {} with these values", visible_line(name)))
        // Short, so that a parameter takes a line or two.
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::HelpShort)
                .help_heading(None::<&'static str>)
                .help("Print help"),
        )
        .mut_arg("force", |arg| arg.visible_alias("overwrite"))
        .arg(
            Arg::new("check-only")
                .long("check-only")
                .action(ArgAction::SetTrue)
                .conflicts_with("goals")
                .help_heading(None::<&'static str>)
                .help(format!("Make the alias `{CHECK}` only")),
        );
    for flag in flags {
        let heading = match flag.declared {
            true => "Parameters of the Atsaffile",
            false => "Parameters of its tasks",
        };
        let mut arg = Arg::new(flag.id())
            .long(flag.long.clone())
            .value_name(match flag.list {
                true => "A,B".to_owned(),
                false => "VALUE".to_owned(),
            })
            .allow_negative_numbers(true)
            .overrides_with(flag.id())
            .help_heading(heading)
            .help(flag.help.clone());
        if flag.name == "models" {
            arg = arg.visible_alias("model-list");
        }
        if let Some(kind) = flag.kind {
            arg = arg.value_parser(move |text: &str| check(kind, text));
        }
        command = command.arg(arg);
    }
    command
}

/// Checks a value against what a task asks for.
fn check(kind: Kind, text: &str) -> Result<String, String> {
    let Ok(value) = ValueType::of_kind(kind).read(text) else {
        return Err(format!("expected {}", kind.describe()));
    };
    kind.check(&value).map(|_| text.to_owned()).map_err(|misfit| {
        let meant = misfit
            .nearest
            .map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
        format!("expected {}{meant}", misfit.expected)
    })
}

/// The flags before `run` and those after it.
fn merged(outer: Common, own: Common) -> Common {
    Common {
        directory: own.directory.or(outer.directory),
        file: own.file.or(outer.file),
        set: outer.set.into_iter().chain(own.set).collect(),
        quiet: outer.quiet || own.quiet,
        verbose: outer.verbose || own.verbose,
        color: if own.color == super::Color::Auto {
            outer.color
        } else {
            own.color
        },
        json: outer.json || own.json,
        trust_store: outer.trust_store || own.trust_store,
        expand: outer.expand || own.expand,
    }
}

#[cfg(test)]
mod tests;
