//! What would run, be restored or be kept, and why; made without running or writing anything.
//!
//! [`judge`] looks at one target. A plan asks it for every target that the goals need, in build order; a build asks it
//! again for each target when it is that target's turn, so the two cannot disagree about the same files.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::digest::Digest;
use super::files::Files;
use super::fingerprint::Fingerprint;
use super::graph::{ArtifactId, Graph, TargetId};
use super::judge::{Demand, Judged, content_in_place, judge, judge_by};
use super::look::{Look, Past};
use super::reason::Reason;
use super::run_id::RunId;
use super::spec::Span;
use super::store::entry::Artifact;
use super::store::{History, Store};
use super::task::Tasks;
use super::temp::{self, Demands};
use crate::fast_map::FastSet;

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
    /// The moment as of which ages are judged; `None` for now.
    pub as_of: Option<SystemTime>,
    /// With `only`, the goals: the ages of others are left aside, and what is gone of them is made again.
    pub alone: Option<&'a [TargetId]>,
    /// Whether steps keep the fingerprints of what is not fresh: a plan of many targets is much smaller without.
    pub keeps_fingerprints: bool,
}

impl VerdictInputs<'_> {
    /// Whether the age of a target's results counts.
    pub(crate) fn ages_count_for(&self, id: TargetId) -> bool {
        self.alone.is_none_or(|alone| alone.contains(&id))
    }
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
            as_of: None,
            alone: None,
            keeps_fingerprints: true,
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
    /// What its result depends on, as far as it is known, if that is kept; that of what is fresh stands in its record.
    pub fingerprint: Option<Box<Fingerprint>>,
    /// Whether it is stale.
    pub verdict: Verdict,
    /// Targets that must run before all of its inputs are known; empty if they are.
    pub waits_for: Vec<TargetId>,
    /// What time or the user has to say about it.
    pub note: Option<Note>,
    /// When the verdict may change by time alone.
    pub deadline: Option<SystemTime>,
    /// How long its last successful attempt took.
    pub last: Option<Duration>,
    /// What is known of its past.
    pub history: Arc<History>,
    /// Whether artifacts of it are gone that may be, since all that reads them was built.
    pub is_gone: bool,
    /// The target for which they are made again.
    pub needed_by: Option<TargetId>,
}

impl Step {
    /// The artifacts that are in place, as they count.
    pub(crate) fn in_place(&self) -> Vec<Artifact> {
        self.history.in_place(self.note == Some(Note::Accepted))
    }
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
    /// Nothing is known to have changed, but something that it needs must run first, or the outside world has to be
    /// asked: [`Step::note`] says so.
    Undecided,
    /// New data would make it stale, which it lets wait: what is in place stays until then.
    Held {
        /// Until when.
        until: SystemTime,
        /// What is new.
        reasons: Vec<Reason>,
    },
}

impl Verdict {
    /// Whether what is in place stays there.
    #[must_use]
    pub fn stays(&self) -> bool {
        matches!(self, Self::Fresh | Self::Held { .. })
    }

    /// Whether its task runs, or may: nothing is known that could come back instead.
    #[must_use]
    pub fn may_run(&self) -> bool {
        matches!(self, Self::Undecided | Self::Stale { restore: None, .. })
    }

    /// Why it is stale, or would be if it did not wait.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Stale { reasons, .. } | Self::Held { reasons, .. } => reasons,
            Self::Fresh | Self::Undecided => &[],
        }
    }
}

/// A mark on a verdict that is no part of any fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// It is fresh since the user says so.
    Accepted,
    /// What its probe answered last counts no longer: that is longer ago.
    OlderThan(Duration),
    /// Its probe was never asked.
    NotAsked,
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

    /// The targets of which something is to do, or may be, in build order.
    pub fn open(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !step.verdict.stays())
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
    let mut judged: Vec<Judged> = judge_optimistically(inputs, &needed, histories, force);
    let mut demands = Demands::new();
    // Once, unless what is gone has to be made again: then what reads it is judged anew.
    while let Some(more) = {
        judge_in_order(inputs, &needed, &mut judged, &demands, force);
        temp::demands(inputs, &judged, &demands)
    } {
        demands.extend(more);
    }
    temp::mark_undecided(inputs.graph, &mut judged);
    inputs.disk.forget_looks();
    let mut errors = Vec::new();
    // Collected where they lie, for there may be many.
    let steps = judged.into_iter().filter_map(|judged| match judged {
        Ok((step, _)) => Some(step),
        Err(found) => {
            errors.extend(found);
            None
        }
    });
    let steps: Vec<Step> = steps.collect();
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

/// Judges again, in build order, those for which it was wrong that all that they need is fresh, and those whose artifacts
/// are gone and needed.
fn judge_in_order(
    inputs: VerdictInputs<'_>,
    needed: &[TargetId],
    judged: &mut [Judged],
    demands: &Demands,
    force: &(dyn Fn(TargetId) -> bool + Sync),
) {
    let mut places = vec![usize::MAX; inputs.graph.order().len()];
    for (at, id) in needed.iter().enumerate() {
        let (before, rest) = judged.split_at_mut(at);
        let of = |target: TargetId| before.get(places[target.index()])?.as_ref().ok();
        let known = |artifact: ArtifactId| {
            let contents = of(artifact.target)?.1.as_ref()?;
            contents.get(artifact.output as usize).copied().flatten()
        };
        // What a result leaves that the user took for fresh may be other than its record says.
        let stays = |step: &Step| step.verdict.stays() && step.note != Some(Note::Accepted);
        let is_fresh = |need: &TargetId| of(*need).is_some_and(|(step, _)| stays(step));
        let holds = inputs.graph.node(*id).needs.iter().all(is_fresh);
        if !holds || demands.contains_key(id) {
            let demand = Demand::of(force(*id), demands.get(id).copied());
            rest[0] = judge(inputs, *id, &known, demand);
        }
        places[id.index()] = at;
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
    let mut seen = FastSet::default();
    seen.reserve(paths.len());
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
        .map(|id| {
            judge_by(
                inputs,
                *id,
                &histories[id.index()],
                &recorded,
                Demand::of(force(*id), None),
            )
        })
        .collect()
}
