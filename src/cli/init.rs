//! `atsaf init`: a project to begin with, from a template, a data file, a `dvc.yaml` or a `Snakefile`; nothing is overwritten.

#[cfg(feature = "forecasting")]
mod csv;
#[cfg(feature = "forecasting")]
mod demo;
mod translated;

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::json;

use self::translated::Source;
use super::read_atsaffile::ATSAFFILE;
use super::{CommandError, Exit, Session};
use crate::diagnostic::Diagnostic;
#[cfg(feature = "forecasting")]
use crate::engine::clock;
use crate::engine::graph::Graph;
use crate::report::ink::Tone;
use crate::report::table::TextTable;

/// Begin a project from a template; nothing that is there is overwritten
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to begin with; without it, the templates are listed
    #[arg(value_name = "TEMPLATE", value_enum)]
    template: Option<Template>,
    /// The data file of `csv`: CSV, Parquet or JSON; `-s` says what cannot be guessed, as in `-s value=price`
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What a project may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Template {
    /// A forecast of data that comes with it, offline
    #[cfg(feature = "forecasting")]
    Demo,
    /// A forecast of your own file
    #[cfg(feature = "forecasting")]
    Csv,
    /// Electricity data of the EIA, live
    #[cfg(feature = "forecasting")]
    Eia,
    /// Three commands from numbers to a report
    Shell,
    /// One command
    Minimal,
    /// The `dvc.yaml` here, translated as far as it can be
    Dvc,
    /// The `Snakefile` here, translated as far as it can be without Python
    Snakemake,
}

/// A file to write.
struct NewFile {
    path: &'static str,
    text: String,
}

/// What a template is made of.
struct Project {
    files: Vec<NewFile>,
    /// What is told besides.
    notes: Vec<String>,
    /// What to do next: commands, each with a word about it.
    next: Vec<(String, &'static str)>,
}

/// Lists the templates, or writes one.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let directory = session.common.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    if !directory.is_dir() {
        let what = format!("there is no directory `{}`", directory.display());
        return Err(CommandError::usage(
            Diagnostic::error(what).help("make it first, or begin here without `-C`"),
        ));
    }
    let Some(template) = args.template else {
        offer(&directory, session);
        return Ok(Exit::Done);
    };
    let project = template.project(args, &directory, session)?;
    write(&project.files, &directory)?;
    tell(template, &project, session);
    Ok(Exit::Done)
}

impl Template {
    fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self);
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn takes_file(self) -> bool {
        match self {
            #[cfg(feature = "forecasting")]
            Self::Csv => true,
            _ => false,
        }
    }

    fn project(self, args: &Args, directory: &Path, session: &Session) -> Result<Project, CommandError> {
        if args.file.is_some() && !self.takes_file() {
            let what = format!("the template `{}` takes no file", self.name());
            return Err(CommandError::usage(
                Diagnostic::error(what).help("leave the file out; `atsaf init csv FILE` forecasts a file"),
            ));
        }
        Ok(match self {
            #[cfg(feature = "forecasting")]
            Self::Demo => Project {
                files: vec![
                    atsaffile(include_str!("init/demo.Atsaffile")),
                    NewFile {
                        path: "demand.csv",
                        text: demo::demand(),
                    },
                ],
                notes: Vec::new(),
                next: vec![
                    command("atsaf build", "makes the forecast and draws it"),
                    command("atsaf show leaderboard", "the models, the best first"),
                    command("atsaf why predictions -s horizon=72", "what another horizon would run"),
                ],
            },
            #[cfg(feature = "forecasting")]
            Self::Csv => csv::project(args.file.as_deref(), directory, session)?,
            #[cfg(feature = "forecasting")]
            Self::Eia => eia(directory),
            Self::Shell => Project {
                files: vec![
                    atsaffile(include_str!("init/shell.Atsaffile")),
                    NewFile {
                        path: "data/numbers.csv",
                        text: "name,number\nada,12\nben,7\ncleo,31\ndan,\neve,10\n".to_owned(),
                    },
                ],
                notes: Vec::new(),
                next: vec![
                    command("atsaf build", "makes the report"),
                    command("atsaf show report", "what it says"),
                    command("atsaf plan -s least=30", "what another value would run"),
                ],
            },
            Self::Minimal => Project {
                files: vec![atsaffile(include_str!("init/minimal.Atsaffile"))],
                notes: Vec::new(),
                next: vec![
                    command("atsaf build", "makes the greeting"),
                    command("atsaf help atsaffile", "every key"),
                ],
            },
            Self::Dvc => translated::project(Source::Dvc, directory, session)?,
            Self::Snakemake => translated::project(Source::Snakemake, directory, session)?,
        })
    }
}

/// The Atsaffile of a template.
fn atsaffile(text: &str) -> NewFile {
    NewFile {
        path: ATSAFFILE,
        text: text.to_owned(),
    }
}

fn command(command: &str, what: &'static str) -> (String, &'static str) {
    (command.to_owned(), what)
}

/// The live pipeline: what is asked for lies within the last months.
#[cfg(feature = "forecasting")]
fn eia(directory: &Path) -> Project {
    const DAYS: u64 = 120;
    let since = clock::now() - std::time::Duration::from_hours(24 * DAYS);
    let day = chrono::DateTime::<chrono::Utc>::from(since)
        .format("%Y-%m-%d")
        .to_string();
    let mut files = vec![atsaffile(&include_str!("init/eia.Atsaffile").replace("@START@", &day))];
    let mut notes = Vec::new();
    // A key that is committed is a key that is lost.
    match directory.join(".gitignore").exists() {
        false => files.push(NewFile {
            path: ".gitignore",
            text: ".env\n/data/\n/out/\n".to_owned(),
        }),
        true => notes.push("`.gitignore` stays as it is: see that it has `.env` in it, where the key is".to_owned()),
    }
    Project {
        files,
        notes,
        next: vec![
            command(
                "echo 'EIA_API_KEY=...' > .env",
                "your key, free at https://www.eia.gov/opendata",
            ),
            command("atsaf doctor", "whether all is there"),
            command("atsaf build", "fetches, back-tests and forecasts"),
        ],
    }
}

/// Writes files that are not there; if one is, none is written.
fn write(files: &[NewFile], directory: &Path) -> Result<(), CommandError> {
    let there = files
        .iter()
        .filter(|file| fs::symlink_metadata(directory.join(file.path)).is_ok());
    let there: Vec<Diagnostic> = there
        .map(|file| {
            Diagnostic::error(format!("`{}` is there already, and nothing is overwritten", file.path))
                .help("begin in an empty directory: `mkdir NAME`, then `atsaf -C NAME init …`")
        })
        .collect();
    if !there.is_empty() {
        let diagnostics = there;
        let exit = Exit::Usage;
        return Err(CommandError { diagnostics, exit });
    }
    let mut written: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = directory.join(file.path);
        if let Err(error) = create(&path, &file.text) {
            // What this command has made is nobody's work.
            for path in written {
                let _ = fs::remove_file(path);
            }
            let what = format!("`{}` cannot be written: {error}", file.path);
            return Err(CommandError::usage(Diagnostic::error(what).help(match error.kind() {
                ErrorKind::PermissionDenied => "see whether you may write to the directory",
                _ => "see what is there, and try again",
            })));
        }
        written.push(path);
    }
    Ok(())
}

/// Writes a file that is not there.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

/// Says what was written, and what to do next.
fn tell(template: Template, project: &Project, session: &Session) {
    let screen = &session.screen;
    let paths: Vec<&str> = project.files.iter().map(|file| file.path).collect();
    if screen.json() {
        let next: Vec<&String> = project.next.iter().map(|(command, _)| command).collect();
        screen.print_json(&json!({
            "template": template.name(), "written": paths, "notes": project.notes, "next": next,
        }));
        return;
    }
    let ink = screen.out_ink();
    let mut text = format!("wrote {}\n", paths.join(", "));
    for note in &project.notes {
        let _ = writeln!(text, "{}  {note}", ink.paint(Tone::Stale, "note"));
    }
    let mut table = TextTable::new();
    for (at, (command, what)) in project.next.iter().enumerate() {
        let label = if at == 0 { "next" } else { "" };
        table.row([
            (Tone::Faint, label.to_owned()),
            (Tone::Strong, command.clone()),
            (Tone::Faint, (*what).to_owned()),
        ]);
    }
    session.print_folded(&(text + &table.draw(ink)));
}

/// Lists the templates, and what of the directory can be translated.
fn offer(directory: &Path, session: &Session) {
    let screen = &session.screen;
    let templates: Vec<(String, String)> = <Template as clap::ValueEnum>::value_variants()
        .iter()
        .filter_map(|template| {
            let value = clap::ValueEnum::to_possible_value(template)?;
            let file = if template.takes_file() { " FILE" } else { "" };
            let what = value.get_help().map(ToString::to_string).unwrap_or_default();
            Some((format!("{}{file}", value.get_name()), what))
        })
        .collect();
    let found = translated::found(directory);
    if screen.json() {
        let templates: Vec<_> = templates
            .iter()
            .map(|(name, what)| json!({ "template": name.split(' ').next(), "what": what }))
            .collect();
        screen.print_json(&json!({ "templates": templates, "found": found }));
        return;
    }
    let ink = screen.out_ink();
    let mut table = TextTable::new();
    for (name, what) in templates {
        table.row([(Tone::Strong, format!("  atsaf init {name}")), (Tone::Plain, what)]);
    }
    let mut text = table.draw(ink);
    for found in found {
        let _ = writeln!(text, "\n{found}");
    }
    session.print_folded(&text);
}

/// The warning of an Atsaffile that makes nothing.
pub(super) fn of_nothing(graph: &Graph) -> Option<Diagnostic> {
    let is_empty = graph.spec.targets.is_empty();
    is_empty.then(|| {
        Diagnostic::warning(format!("`{}` declares no target, so there is nothing to make", graph.spec.text.path))
            .help("`atsaf init shell` in an empty directory shows what targets look like; `atsaf help atsaffile targets` has their keys")
    })
}

#[cfg(test)]
mod tests;
