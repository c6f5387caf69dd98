//! Artifacts as past runs left them: copies out of the store, which go with the command.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::setup::Project;
use super::{CommandError, log};
use crate::diagnostic::Diagnostic;
use crate::engine::graph::ArtifactId;
use crate::engine::run_id::RunId;
use crate::engine::store::Store;
use crate::engine::store::entry::ResultEntry;
use crate::report::history::{Story, TargetRun};
use crate::report::human;

/// An artifact as a run left it.
pub(super) struct PastArtifact {
    /// The result that it was a part of.
    pub(super) made: ResultEntry,
    path: PathBuf,
    /// The directory that the copy is in: this user's alone, and it goes with this.
    _room: TempDir,
}

impl PastArtifact {
    /// Where the copy is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The results of a target that stood in their place, each with the run that put it there, in the order of time.
pub(super) fn results<'s>(story: &'s Story, target: &str) -> Vec<(RunId, &'s ResultEntry)> {
    let turns = story.turns.iter().rev().filter(|turn| turn.target() == target);
    let mut results: Vec<(RunId, &ResultEntry)> = turns
        .filter_map(|turn| match turn {
            TargetRun::Made { made, placed: true } => Some((made.run, made.as_ref())),
            TargetRun::Restored { run, made, .. } => Some((*run, made.as_ref())),
            _ => None,
        })
        .collect();
    results.sort_by_key(|(run, _)| *run);
    results
}

/// What is known of what stood in a target's places when a run was over.
pub(super) enum Stood<'s> {
    /// This result.
    Result(&'s ResultEntry),
    /// None that is remembered.
    Nothing,
    /// The journal was shortened since then. What came back in between and went again is in it no more.
    Unknown,
}

/// What stood in a target's places when a run was over.
pub(super) fn stood<'s>(story: &'s Story, target: &str, run: RunId) -> Stood<'s> {
    match results(story, target).into_iter().rfind(|(placed, _)| *placed <= run) {
        None => Stood::Nothing,
        Some((placed, made)) => {
            let is_past = made.run == placed && story.past.contains(&(target.to_owned(), placed));
            match is_past && placed < run {
                true => Stood::Unknown,
                false => Stood::Result(made),
            }
        }
    }
}

/// That it is not known any more what stood there when a run was over.
pub(super) fn unknown(name: &str, target: &str, run: RunId) -> Diagnostic {
    let run = run.short();
    Diagnostic::error(format!("what `{name}` was after run {run} is not known any more"))
        .note("the journal was shortened since, and tells only which runs made it")
        .help(format!(
            "`atsaf log {}` shows them: name one of these",
            human::word(target)
        ))
}

/// The artifact as it stood when a run was over; the first digits of its id are enough.
pub(super) fn after_run(
    project: &Project,
    story: &Story,
    artifact: ArtifactId,
    id: &str,
) -> Result<PastArtifact, CommandError> {
    let run = log::find_run(story, id)?;
    let target = project.graph.name(artifact.target);
    let name = project.graph.shown_name(artifact);
    let made = match stood(story, target, run) {
        Stood::Result(made) => made,
        Stood::Nothing => {
            return Err(CommandError::usage(
                Diagnostic::error(format!("there was no `{name}` after run {}", run.short())).help(format!(
                    "`atsaf log {}` shows the runs that made it",
                    human::word(target)
                )),
            ));
        }
        Stood::Unknown => return Err(CommandError::usage(unknown(&name, target, run))),
    };
    copy(project, artifact, made)
}

/// A temporary directory that no other user can look into.
pub(super) fn own_room(prefix: &str) -> io::Result<TempDir> {
    let mut room = tempfile::Builder::new();
    room.prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir()
}

/// A copy of an artifact of a result.
pub(super) fn copy(project: &Project, artifact: ArtifactId, made: &ResultEntry) -> Result<PastArtifact, CommandError> {
    let (name, port) = (project.graph.shown_name(artifact), project.graph.port(artifact));
    copy_of(&project.store, (&name, port), made)
}

/// A copy of what a result has of an artifact, which goes by its name in messages and by its port.
pub(super) fn copy_of(
    store: &Store,
    (name, port): (&str, &str),
    made: &ResultEntry,
) -> Result<PastArtifact, CommandError> {
    let gone = |why: &str| {
        CommandError::usage(
            Diagnostic::error(format!("the store has no copy of `{name}` of run {}", made.run.short()))
                .note(why.to_owned())
                .help(format!(
                    "`atsaf log {}` shows the other runs",
                    human::word(&made.target)
                )),
        )
    };
    let Some(kept) = made.artifacts.iter().find(|it| it.name == port) else {
        return Err(gone("the target made no such artifact then"));
    };
    let failed = |error: io::Error| {
        CommandError::usage(
            Diagnostic::error(format!("a copy of `{name}` cannot be made: {error}"))
                .help("see whether there is room for temporary files"),
        )
    };
    let room = own_room(".atsaf-").map_err(failed)?;
    let file = Path::new(&kept.path).file_name().unwrap_or_default();
    let past = PastArtifact {
        made: made.clone(),
        path: room.path().join(file),
        _room: room,
    };
    match store.give_copy(kept, past.path()).map_err(failed)? {
        true => Ok(past),
        false => Err(gone("`cache = false` keeps none, and `atsaf gc` gives old ones up")),
    }
}
