//! Artifacts as past runs left them: copies out of the store, which go with the command.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::setup::Project;
use super::{CommandError, log};
use crate::diagnostic::Diagnostic;
use crate::engine::graph::ArtifactId;
use crate::engine::run_id::RunId;
use crate::engine::store::entry::ResultEntry;
use crate::report::history::{Story, TargetRun};

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
    let turns = || story.turns.iter().filter(|turn| turn.target() == target);
    let made = |run: RunId| {
        turns().find_map(|turn| match turn {
            TargetRun::Made { made, .. } if made.run == run => Some(made.as_ref()),
            _ => None,
        })
    };
    let mut results: Vec<(RunId, &ResultEntry)> = turns()
        .filter_map(|turn| match turn {
            TargetRun::Made { made, placed: true } => Some((made.run, made.as_ref())),
            TargetRun::Restored { run, from, .. } => Some((*run, made(*from)?)),
            _ => None,
        })
        .collect();
    results.sort_by_key(|(run, _)| *run);
    results
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
    let results = results(story, target);
    let Some((_, made)) = results.iter().rev().find(|(placed, _)| *placed <= run) else {
        let name = project.graph.shown_name(artifact);
        return Err(CommandError::usage(
            Diagnostic::error(format!("there was no `{name}` after run {}", run.short()))
                .help(format!("`atsaf log {target}` shows the runs that made it")),
        ));
    };
    copy(project, artifact, made)
}

/// A copy of an artifact of a result.
pub(super) fn copy(project: &Project, artifact: ArtifactId, made: &ResultEntry) -> Result<PastArtifact, CommandError> {
    let (name, port) = (project.graph.shown_name(artifact), project.graph.port(artifact));
    let gone = |why: &str| {
        CommandError::usage(
            Diagnostic::error(format!("the store has no copy of `{name}` of run {}", made.run.short()))
                .note(why.to_owned())
                .help(format!("`atsaf log {}` shows the other runs", made.target)),
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
    let room = tempfile::tempdir().map_err(failed)?;
    let file = Path::new(&kept.path).file_name().unwrap_or_default();
    let past = PastArtifact {
        made: made.clone(),
        path: room.path().join(file),
        _room: room,
    };
    match project.store.give_copy(kept, past.path()).map_err(failed)? {
        true => Ok(past),
        false => Err(gone("`cache = false` keeps none, and `atsaf gc` gives old ones up")),
    }
}
