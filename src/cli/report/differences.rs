//! What the last run left otherwise than it stood there before.

use crate::cli::diff::{self, Difference, Side};
use crate::cli::past;
use crate::cli::setup::Project;
use crate::cli::{CommandError, show};
use crate::engine::graph::ArtifactId;
use crate::engine::run_id::RunId;
use crate::engine::store::entry::{Artifact, ResultEntry};
use crate::report::history::Story;
use crate::report::page::{Change, Changed};

/// Artifacts that are compared.
pub(super) const MOST: usize = 20;
/// Most bytes of one.
const LARGEST: u64 = 2 << 20;

/// How an artifact differs from what it was before a run; none if it does not, or was not there.
pub(super) fn of(project: &Project, story: &Story, artifact: ArtifactId, run: RunId) -> Option<Changed> {
    let (graph, port) = (&project.graph, project.graph.port(artifact));
    let results = past::results(story, graph.name(artifact.target));
    let at = results.iter().rposition(|(placed, _)| *placed == run)?;
    let (_, before) = *results.get(at.checked_sub(1)?)?;
    let kept =
        |made: &'_ ResultEntry| -> Option<Artifact> { made.artifacts.iter().find(|it| it.name == port).cloned() };
    let (then, now) = (kept(before)?, kept(results[at].1)?);
    if then.content == now.content {
        return None;
    }
    let name = graph.shown_name(artifact).into_owned();
    let change = match then.size.max(now.size) > LARGEST {
        true => Change::Unknown(format!("It is too large to be compared here: atsaf diff {name}")),
        false => compared(project, story, artifact, before).unwrap_or_else(|error| {
            let what = error
                .diagnostics
                .into_iter()
                .map(|it| it.what)
                .collect::<Vec<_>>()
                .join("; ");
            Change::Unknown(format!("It cannot be compared: {what}."))
        }),
    };
    Some(Changed {
        artifact: name,
        before: before.run.short(),
        change,
    })
}

fn compared(
    project: &Project,
    story: &Story,
    artifact: ArtifactId,
    before: &ResultEntry,
) -> Result<Change, CommandError> {
    let before = Side::Past(Box::new(past::copy(project, artifact, before)?));
    if !project.files.at(project.graph.path(artifact)).exists() {
        return Ok(Change::Unknown(show::absent(project, artifact).what));
    }
    let after = diff::now(project, story, artifact)?;
    Ok(match diff::compare(project, artifact, &before, &after)? {
        Difference::Table(diff) => Change::Table(diff),
        Difference::Lines(lines) => Change::Lines(lines.lines().map(str::to_owned).collect()),
        Difference::Files(files) => Change::Files(files),
        Difference::Bytes(sizes) => {
            let (then, now) = sizes.unwrap_or_default();
            Change::Bytes(then, now)
        }
    })
}
