//! `atsaf export`: the project for another program that is to run it.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::read_atsaffile::ATSAFFILE;
use super::setup::Project;
use super::{CommandError, Exit, Session, small_file};
use crate::diagnostic::Diagnostic;
use crate::export::airflow::{self, Export, Grain};

/// Most bytes of a file that may be an earlier export.
const LARGEST_EXPORT: u64 = 64 << 20;

/// Write the project for another program that runs it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    to: Program,
}

/// The programs that can run it.
#[derive(Debug, clap::Subcommand)]
enum Program {
    Airflow(AirflowArgs),
}

/// Write a DAG file for Airflow 2.4 to 3
#[derive(Debug, clap::Args)]
struct AirflowArgs {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Write to this file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is one task of Airflow
    #[arg(long, value_name = "GRAIN", value_enum, default_value_t = Tasks::Target)]
    tasks: Tasks,
    /// Name the run of Airflow in events of OpenLineage; needs the provider of that name in Airflow
    #[arg(long)]
    openlineage: bool,
}

/// What is one task of Airflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Tasks {
    /// Each target
    Target,
    /// All targets that have to do with each other
    Group,
    /// All targets
    All,
}

/// Exports.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let Program::Airflow(args) = &args.to;
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    refuse_two_values(&project, session)?;
    let place = place(&project)?;
    let file = project.file.file_name().and_then(|name| name.to_str());
    let dag = airflow::dag(
        &project.graph,
        &Export {
            goals: &goals,
            grain: match args.tasks {
                Tasks::Target => Grain::Target,
                Tasks::Group => Grain::Group,
                Tasks::All => Grain::All,
            },
            project: &place,
            file: file.filter(|name| *name != ATSAFFILE),
            set: &session.common.set,
            openlineage: args.openlineage,
        },
    );
    let dag = session.screen.masked(&dag);
    let written = match &args.output {
        None => None,
        Some(path) => Some(write(path, &dag, session)?),
    };
    if session.screen.json() {
        session.screen.print_json(&json!({
            "dag_id": airflow::dag_id(&project.graph),
            "file": args.output,
            "changed": written,
            "text": dag,
        }));
    } else {
        match (&args.output, written) {
            (Some(path), Some(true)) => session.screen.say(&format!("wrote `{}`\n", path.display())),
            (Some(path), _) => session
                .screen
                .say(&format!("`{}` says the same already\n", path.display())),
            (None, _) => session.screen.print(&dag),
        }
    }
    Ok(Exit::Done)
}

/// Refuses `-s` for the parameter that gets each run's own date.
fn refuse_two_values(project: &Project, session: &Session) -> Result<(), CommandError> {
    let Some(name) = &project.graph.spec.airflow.as_of else {
        return Ok(());
    };
    if session.common.set.iter().all(|(set, _)| set != name) {
        return Ok(());
    }
    let what = format!("`{name}` is set on the command line, and `as_of` of `[airflow]` gives it each run's date");
    Err(CommandError::usage(
        Diagnostic::error(what).help("leave out one of the two"),
    ))
}

/// Where the project lies on the workers.
fn place(project: &Project) -> Result<String, CommandError> {
    if let Some(place) = &project.graph.spec.airflow.project {
        return Ok(place.clone());
    }
    let root = project.files.root();
    let unusable = |why: &str| {
        let what = format!("the path of the project cannot be written into the file: {why}");
        let help = "say where it lies on the workers: `project = \"/srv/eia\"` below `[airflow]`";
        CommandError::usage(Diagnostic::error(what).help(help))
    };
    let absolute = root.canonicalize().map_err(|error| unusable(&error.to_string()))?;
    let text = absolute.to_str().ok_or_else(|| unusable("it is not UTF-8"))?;
    Ok(text.to_owned())
}

/// Writes the file whole, or leaves it alone if it says the same; whether it was written.
fn write(path: &Path, text: &str, session: &Session) -> Result<bool, CommandError> {
    let typed = path.display();
    let start = session.common.directory.as_deref().unwrap_or(Path::new("."));
    let failed = |error: &io::Error| {
        CommandError::usage(
            Diagnostic::error(format!("`{typed}` cannot be written: {error}"))
                .help("name a file in a directory that is there and may be written to"),
        )
    };
    let place = start.join(path);
    // A link stays, and what it leads to is replaced.
    let place = place.canonicalize().unwrap_or(place);
    match small_file::read(&place, LARGEST_EXPORT) {
        Ok(bytes) if bytes == text.as_bytes() => return Ok(false),
        Ok(bytes) if bytes.starts_with(airflow::MARK.as_bytes()) || bytes.is_empty() => {}
        Ok(_) => {
            return Err(CommandError::usage(
                Diagnostic::error(format!("`{typed}` is there, and was not written by this command"))
                    .help("choose another file, or remove that one first"),
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
    }
    small_file::replace(&place, text.as_bytes()).map_err(|error| failed(&error))?;
    Ok(true)
}

#[cfg(test)]
mod tests;
