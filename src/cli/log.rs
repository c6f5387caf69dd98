//! `atsaf log`: past runs, or what happened to one target.

use super::setup::Project;
use super::{CommandError, Exit, Session};
use crate::diagnostic::Diagnostic;
use crate::engine::clock;
use crate::engine::run_id::RunId;
use crate::report::history::{self, Story};

/// Show past runs, or what happened to one target
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A target, or an artifact of it
    target: Option<String>,
}

/// Shows the past.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let (story, screen) = (story(&project)?, &session.screen);
    let (now, ink) = (clock::now(), screen.out_ink());
    match &args.target {
        None => {
            let alive = |run| project.store.is_live(run);
            match screen.json() {
                true => screen.print_json(&history::runs_json(&story, &alive)),
                false if story.runs.is_empty() => screen.say("nothing was built yet\n"),
                false => session.print_folded(&history::runs_text(&story, &alive, now, ink)),
            }
        }
        Some(name) => {
            let target = project.graph.name(project.target(name)?);
            match screen.json() {
                true => screen.print_json(&history::target_json(&story, target)),
                false if story.of(target).next().is_none() => screen.say(&format!("`{target}` was never tried\n")),
                false => session.print_folded(&history::target_text(&story, target, now, ink)),
            }
        }
    }
    Ok(Exit::Done)
}

/// What the journal tells.
pub(super) fn story(project: &Project) -> Result<Story, CommandError> {
    project
        .store
        .records
        .entries()
        .map(Story::new)
        .map_err(CommandError::store)
}

/// The runs of a story, the latest first.
pub(super) fn latest(story: &Story) -> Vec<RunId> {
    let mut runs: Vec<RunId> = story.runs.iter().map(|past| past.run.run).collect();
    runs.sort_unstable();
    runs.reverse();
    runs
}

/// The run whose id begins with some digits.
pub(super) fn find_run(story: &Story, id: &str) -> Result<RunId, CommandError> {
    let found = story.named(id);
    match found.as_slice() {
        [run] => Ok(*run),
        [] => Err(CommandError::usage(
            Diagnostic::error(format!("no run is named `{id}`")).help("`atsaf log` shows the runs"),
        )),
        [first, .., last] => Err(CommandError::usage(
            Diagnostic::error(format!("`{id}` could be {} runs", found.len()))
                .note(format!("`{first}` and `{last}` among them"))
                .help("give more digits of the id"),
        )),
    }
}
