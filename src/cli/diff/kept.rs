//! The results that the store keeps for other values, or for the files of a commit: found as a build would find them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::cli::setup::Project;
use crate::engine::files::Files;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::look::Past as _;
use crate::engine::plan::{self, Plan, PlanError, Verdict, VerdictInputs};
use crate::engine::store::entry::ResultEntry;

/// What is kept of some targets, by name: a result, or why none can be known.
pub(super) type KeptResults = BTreeMap<String, Result<ResultEntry, NotKept>>;

/// Why no result of a target is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// None of these values and inputs is in the store.
    NeverBuilt,
    /// What it is made from is not known.
    Unknown(String),
}

/// The results of some targets, for what a graph says and the files that are there; `outside` are links to files of
/// which it is not known whether they were there, and over which patterns pass.
pub(super) fn results(
    (graph, files): (&Graph, &Files),
    targets: &[TargetId],
    outside: &BTreeSet<PathBuf>,
    project: &Project,
) -> KeptResults {
    let inputs = VerdictInputs {
        graph,
        disk: files,
        // A result is none the less one of these values for being old.
        alone: Some(&[]),
        ..project.context().inputs()
    };
    let mut kept = KeptResults::new();
    let passed_over = |id: &TargetId| {
        let needed = graph.needed(&[*id]).into_iter();
        let mut links = needed.flat_map(|id| &graph.node(id).links_out);
        let link = links.find(|it| outside.contains(Path::new(&it.link)));
        link.map(|it| it.link.clone())
    };
    let mut known = Vec::with_capacity(targets.len());
    for id in targets {
        match passed_over(id) {
            None => known.push(*id),
            Some(link) => {
                let why = format!("git does not hold `{link}`, which a pattern would match");
                kept.insert(graph.name(*id).to_owned(), Err(NotKept::Unknown(why)));
            }
        }
    }
    let (plan, missing) = plan(inputs, known);
    for (id, why) in missing {
        kept.insert(graph.name(id).to_owned(), Err(NotKept::Unknown(why)));
    }
    let Some(plan) = plan else { return kept };
    for step in plan.goals.iter().filter_map(|id| plan.step(*id)) {
        let result = match &step.verdict {
            Verdict::Stale { restore: Some(it), .. } => Some(it.id),
            Verdict::Fresh => step.history.record().map(|record| record.id),
            Verdict::Stale { .. } | Verdict::Undecided | Verdict::Held { .. } => None,
        };
        let result = result
            .and_then(|id| project.store.result(id))
            .ok_or(NotKept::NeverBuilt);
        kept.insert(graph.name(step.target).to_owned(), result);
    }
    kept
}

/// The plan of those targets that can be planned, and what the others miss.
fn plan(inputs: VerdictInputs<'_>, mut targets: Vec<TargetId>) -> (Option<Plan>, Vec<(TargetId, String)>) {
    let errors = match plan::plan(inputs, &targets, false) {
        Ok(plan) => return (Some(plan), Vec::new()),
        Err(errors) => errors,
    };
    let wrong: HashSet<TargetId> = errors.iter().map(PlanError::target).collect();
    let mut missing = Vec::new();
    targets.retain(|id| {
        let needed = inputs.graph.needed(&[*id]);
        let of = needed.iter().find(|it| wrong.contains(it));
        let error = of.and_then(|of| errors.iter().find(|error| error.target() == *of));
        missing.extend(error.map(|error| (*id, error.to_string())));
        error.is_none()
    });
    (plan::plan(inputs, &targets, false).ok(), missing)
}
