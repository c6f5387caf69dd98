//! What would run, be restored or be kept, and why; made without running or writing anything.
//!
//! [`judge`] looks at one target. A plan asks it for every target that the goals need, in build order; a build asks it
//! again for each target when it is that target's turn, so the two cannot disagree about the same files.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::digest::Digest;
use super::files::Files;
use super::fingerprint::Fingerprint;
use super::graph::{ArtifactId, Graph, TargetId};
use super::judge::{Judged, content_in_place, judge, judge_by};
use super::look::{Look, Past};
use super::reason::Reason;
use super::run_id::RunId;
use super::spec::Span;
use super::store::{History, Store};
use super::task::Tasks;

/// What plans are made from.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// The targets.
    pub graph: &'a Graph,
    /// What was built.
    pub store: &'a Store,
    /// The disk.
    pub files: &'a Files,
    /// The environment of this program.
    pub env: &'a BTreeMap<String, String>,
    /// The built-in tasks.
    pub tasks: &'a Tasks,
}

/// Everything that a verdict looks at.
#[derive(Clone, Copy)]
pub struct VerdictInputs<'a> {
    /// The targets.
    pub graph: &'a Graph,
    /// What was built.
    pub past: &'a dyn Past,
    /// The disk and the clock.
    pub disk: &'a dyn Look,
    /// The environment of this program.
    pub env: &'a BTreeMap<String, String>,
    /// The built-in tasks.
    pub tasks: &'a Tasks,
}

impl<'a> PlanContext<'a> {
    /// What a verdict looks at.
    #[must_use]
    pub fn inputs(&self) -> VerdictInputs<'a> {
        VerdictInputs {
            graph: self.graph,
            past: self.store,
            disk: self.files,
            env: self.env,
            tasks: self.tasks,
        }
    }
}

/// The verdict of every target that some goals need.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The goals.
    pub goals: Vec<TargetId>,
    /// One step for each target, in build order.
    pub steps: Vec<Step>,
    /// When it was made.
    pub at: SystemTime,
}

/// The verdict of one target.
#[derive(Clone, Debug)]
pub struct Step {
    /// The target.
    pub target: TargetId,
    /// The hash of what its result depends on, if all of that is known.
    pub declared: Option<Digest>,
    /// What its result depends on, as far as it is known; that of what is fresh stands in its record.
    pub fingerprint: Option<Box<Fingerprint>>,
    /// Whether it is stale.
    pub verdict: Verdict,
    /// Targets that must run before all of its inputs are known; empty if they are.
    pub waits_for: Vec<TargetId>,
    /// How long its last successful attempt took.
    pub last: Option<Duration>,
    /// What is known of its past.
    pub history: Arc<History>,
}

/// Whether a target is stale.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Everything is as it was when the record was made.
    Fresh,
    /// Something is not, or nothing was made yet.
    Stale {
        /// All reasons.
        reasons: Vec<Reason>,
        /// The earlier result that can be put back instead of running.
        restore: Option<Restorable>,
    },
    /// Nothing is known to have changed, but something that it needs must run first.
    Undecided,
}

/// An earlier result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restorable {
    /// Its id.
    pub id: Digest,
    /// The run that made it.
    pub run: RunId,
}

impl Plan {
    /// The step of a target.
    #[must_use]
    pub fn step(&self, target: TargetId) -> Option<&Step> {
        self.steps.iter().find(|step| step.target == target)
    }

    /// The targets that are not fresh, in build order.
    pub fn open(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.verdict != Verdict::Fresh)
    }
}

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A source that a goal needs is not there.
    #[error("`{path}` does not exist, and no target makes it")]
    MissingSource {
        /// The target that reads it.
        target: TargetId,
        /// Its path.
        path: String,
        /// Where it is written.
        span: Span,
    },
    /// A glob of a target that a goal needs matches no file.
    #[error("the glob `{pattern}` matches no file")]
    Unmatched {
        /// The target that reads what it matches.
        target: TargetId,
        /// The pattern.
        pattern: String,
        /// Where it is written.
        span: Span,
    },
    /// Something that must be read cannot be.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// The target that reads or makes it.
        target: TargetId,
        /// Its path.
        path: String,
        /// What the system said.
        error: io::Error,
    },
}

impl PlanError {
    /// The target that cannot be planned.
    #[must_use]
    pub fn target(&self) -> TargetId {
        match self {
            Self::MissingSource { target, .. } | Self::Unmatched { target, .. } | Self::Unreadable { target, .. } => {
                *target
            }
        }
    }
}

/// Makes the plan for some goals; with `force`, everything that they need is stale.
///
/// # Errors
/// Every source that is missing or cannot be read.
pub fn plan(inputs: VerdictInputs<'_>, goals: &[TargetId], force: bool) -> Result<Plan, Vec<PlanError>> {
    plan_with(inputs, goals, &|_| force)
}

/// As [`plan`]; `force` says of each target whether it is stale in any case.
///
/// # Errors
/// Every source that is missing or cannot be read.
pub fn plan_with(
    inputs: VerdictInputs<'_>,
    goals: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Result<Plan, Vec<PlanError>> {
    let needed = inputs.graph.needed(goals);
    let names: Vec<&str> = needed.iter().map(|id| inputs.graph.name(*id)).collect();
    let histories = inputs.past.histories(&names);
    look_ahead(inputs, &needed, &histories);
    let judged_optimistically = judge_optimistically(inputs, &needed, histories, force);
    let mut errors = Vec::new();
    let mut steps = Vec::with_capacity(needed.len());
    let mut is_fresh = vec![false; inputs.graph.order().len()];
    // Content digests of what each target leaves, where that is known.
    let mut contents: Vec<Option<Contents>> = vec![None; inputs.graph.order().len()];
    for (id, optimistic) in needed.into_iter().zip(judged_optimistically) {
        let known = |artifact: ArtifactId| {
            let contents = contents[artifact.target.index()].as_ref()?;
            contents.get(artifact.output as usize).copied().flatten()
        };
        let holds = inputs.graph.node(id).needs.iter().all(|need| is_fresh[need.index()]);
        let judged = match holds {
            true => optimistic,
            false => judge(inputs, id, &known, force(id)),
        };
        match judged {
            Ok((step, left)) => {
                is_fresh[id.index()] = step.verdict == Verdict::Fresh;
                contents[id.index()] = left;
                steps.push(step);
            }
            Err(found) => errors.extend(found),
        }
    }
    inputs.disk.forget_looks();
    if errors.is_empty() {
        Ok(Plan {
            goals: goals.to_vec(),
            steps,
            at: inputs.disk.now(),
        })
    } else {
        Err(errors)
    }
}

/// Content digests of a target's outputs, in their order.
pub(crate) type Contents = Vec<Option<Digest>>;

/// Takes a look at every path of some targets, all at once.
fn look_ahead(inputs: VerdictInputs<'_>, targets: &[TargetId], histories: &[Arc<History>]) {
    let graph = inputs.graph;
    let mut paths: Vec<&str> = Vec::with_capacity(2 * targets.len());
    for id in targets {
        let sources = graph.node(*id).reads.iter().filter(|read| read.artifact.is_none());
        paths.extend(sources.map(|read| read.path.as_str()));
        paths.extend(graph.target(*id).outputs.iter().map(|output| output.path.as_str()));
    }
    let used = histories.iter().filter_map(|history| history.record());
    paths.extend(used.flat_map(|record| &record.discovered).map(|it| it.path.as_str()));
    let mut seen = HashSet::with_capacity(paths.len());
    paths.retain(|path| seen.insert(*path));
    inputs.disk.look_ahead(&paths);
}

/// Judges all targets side by side, each as if what it needs were fresh: most often it is.
fn judge_optimistically(
    inputs: VerdictInputs<'_>,
    targets: &[TargetId],
    known: Vec<Arc<History>>,
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Vec<Judged> {
    let mut histories: Vec<Arc<History>> = vec![Arc::default(); inputs.graph.order().len()];
    for (id, history) in targets.iter().zip(known) {
        histories[id.index()] = history;
    }
    let recorded = |artifact: ArtifactId| {
        let port = inputs.graph.port(artifact);
        let record = histories[artifact.target.index()].record()?;
        content_in_place(inputs.disk, inputs.graph.path(artifact), record.artifact(port)?)
    };
    targets
        .par_iter()
        .with_min_len(64)
        .map(|id| judge_by(inputs, *id, &histories[id.index()], &recorded, force(*id)))
        .collect()
}
