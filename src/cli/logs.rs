//! `atsaf logs`: what the last attempt of a target printed.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{CommandError, Exit, Session, log};
use crate::diagnostic::Diagnostic;
use crate::engine::run_id::RunId;
use crate::engine::store::{Store, own_file};
use crate::outward::settled;
use crate::report::history::{Story, TargetRun};

/// A longer line is cut where it is one among others.
const LONGEST: usize = 200;

/// Show what the last attempt of a target printed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Of a line that was printed over, such as a progress bar, the last state is shown; `--raw` has all of it. `build --show-output` prints one state a second."
)]
pub(super) struct Args {
    /// A target, or an artifact of it
    target: String,
    /// Of this run instead of the last; the first digits of its id are enough
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Print the bytes as they came, secrets masked, and nothing else; not on a terminal
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// Shows the output.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let id = project.target(&args.target)?;
    let target = project.graph.name(id);
    let story = log::story(&project)?;
    let run = match &args.run {
        Some(id) => log::find_run(&story, id)?,
        None => last(&story, &project.store, target)
            .ok_or_else(|| CommandError::usage(Diagnostic::error(format!("`{target}` was never tried"))))?,
    };
    let restored = restored_from(&story, target)
        .filter(|(from, _)| *from == run)
        .map(|(_, by)| by);
    let directory = project.store.output_dir(run, target);
    let attempt = attempts(&directory).last().copied();
    let bytes = match attempt {
        Some(attempt) => read(&directory.join(format!("{attempt}.log")))?,
        None => Vec::new(),
    };
    if args.raw {
        session.screen.print_raw(&bytes).map_err(CommandError::usage)?;
        return Ok(Exit::Done);
    }
    let text = settled(&bytes);
    let command = read_command(&directory, attempt);
    let left = directory.join("files");
    let left = left
        .is_dir()
        .then(|| left.strip_prefix("./").unwrap_or(&left).display().to_string());
    let screen = &session.screen;
    if screen.json() {
        let lines: Vec<&str> = text.lines().collect();
        screen.print_json(&json!({
            "target": target, "run": run.to_string(), "restored_by": restored.map(|by| by.to_string()),
            "attempt": attempt, "command": command, "lines": lines, "left": left,
        }));
        return Ok(Exit::Done);
    }
    if let Some(by) = restored {
        screen.say(&format!(
            "run {} made what run {} restored: this is its output\n",
            run.short(),
            by.short()
        ));
    }
    if let Some(command) = &command {
        let (place, command) = (
            project.graph.spec.text.line_of(project.graph.target(id).span),
            command.trim_end(),
        );
        screen.say(&format!("run {}, {place}: {command}\n", run.short()));
    }
    if text.is_empty() {
        screen.say(&format!("`{target}` printed nothing in run {}\n", run.short()));
    }
    screen.print(&text);
    if let Some(left) = left {
        screen.say(&format!("the files that it wrote are in `{left}`\n"));
    }
    Ok(Exit::Done)
}

/// The run whose output is to be shown: the last that tried the target, as the journal tells, or a later one that is
/// still at it or was killed; after a restore, the one that had made what came back.
fn last(past: &Story, store: &Store, target: &str) -> Option<RunId> {
    let was_tried = |turn: &&TargetRun| !matches!(turn, TargetRun::Restored { .. });
    let told = match restored_from(past, target) {
        Some((_, by)) => Some(by),
        None => past.of(target).find(was_tried).map(TargetRun::run),
    };
    let runs = past.runs.iter().map(|one| one.run.run);
    let printed = runs
        .take_while(|run| Some(*run) > told)
        .find(|run| store.output_dir(*run, target).is_dir());
    printed
        .or_else(|| restored_from(past, target).map(|(from, _)| from))
        .or(told)
}

/// The run that had made what stands there, and the one that restored it, if that is the last that happened.
fn restored_from(past: &Story, target: &str) -> Option<(RunId, RunId)> {
    match past.of(target).next()? {
        TargetRun::Restored { run, from, .. } => Some((*from, *run)),
        _ => None,
    }
}

/// The command of an attempt, as it was kept with what it printed or with its failure.
fn read_command(directory: &Path, attempt: Option<u32>) -> Option<String> {
    let number = attempt.or_else(|| numbered(directory, ".command").pop())?;
    let bytes = own_file::read(&directory.join(format!("{number}.command"))).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last line that a target printed in a run.
pub(super) fn last_line(store: &Store, run: RunId, target: &str) -> Option<String> {
    let directory = store.output_dir(run, target);
    let attempt = attempts(&directory).pop()?;
    let bytes = own_file::read(&directory.join(format!("{attempt}.log"))).ok()?;
    let text = settled(&bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.chars().take(LONGEST).collect())
}

/// The numbers of the attempts that printed something, sorted.
fn attempts(directory: &Path) -> Vec<u32> {
    numbered(directory, ".log")
}

/// The numbers before some ending of a directory's files, sorted.
fn numbered(directory: &Path, ending: &str) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(ending)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    own_file::read(path).map_err(|error| {
        CommandError::usage(Diagnostic::error(format!(
            "`{}` cannot be read: {error}",
            path.display()
        )))
    })
}
