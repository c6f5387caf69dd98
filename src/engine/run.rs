//! A run as its targets see it: what it was asked for, and what those that are done have left.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use super::clock;
use super::digest::Digest;
use super::event::{Event, Observer, Outcome, Summary};
use super::graph::{ArtifactId, Graph, TargetId};
use super::judge::{self, Demand};
use super::look::Look as _;
use super::moved_sources::FirstSources;
use super::plan::{Plan, PlanContext, Verdict, VerdictInputs};
use super::run_id::RunId;
use super::seal::{SealRequest, Standing};
use super::spec::ArtifactKind;
use super::store::entry::Artifact;
use crate::fast_map::{FastMap, FastSet};
use crate::outward::Mask;

/// What a build is asked for.
pub struct Options<'a> {
    /// The goals.
    pub goals: Vec<TargetId>,
    /// The goals as the user wrote them, for the journal.
    pub asked: Vec<String>,
    /// Parameters set on the command line, for the journal.
    pub set: Vec<(String, String)>,
    /// Whether the goals and all that they need are to run; with `only`, the goals alone.
    pub force: bool,
    /// Whether nothing but the goals may run: what they need has to be fresh.
    pub only: bool,
    /// Whether targets that do not need a failed one go on.
    pub keep_going: bool,
    /// How many targets may run at once; those that keep several threads busy count as several.
    pub jobs: usize,
    /// Bytes of memory that they may need together, as far as they declare it.
    pub memory: Option<u64>,
    /// Attempts after a failure, for every target; none for what each declares.
    pub retries: Option<u32>,
    /// Values of the declared secrets that are set.
    pub secrets: BTreeMap<String, String>,
    /// Set when the build is to end soon.
    pub interrupted: &'a AtomicBool,
    /// Says whether an edit has made a target stale since the build began: its attempt is ended then, unless it is an
    /// effect, and no other is begun.
    pub superseded: Option<&'a (dyn Fn(TargetId) -> bool + Sync)>,
    /// Under which request a seal is kept once all is fresh; none for no seal.
    pub seal: Option<SealRequest>,
}

/// A run.
pub(crate) struct Run<'a> {
    pub(crate) context: PlanContext<'a>,
    pub(crate) options: &'a Options<'a>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) mask: Arc<Mask>,
    pub(crate) id: RunId,
    /// When it began: all ages are judged as of then.
    begun: SystemTime,
    /// Set when the first plan is made.
    pub(crate) first_sources: Arc<OnceLock<FirstSources>>,
    progress: Arc<Mutex<Progress>>,
}

/// How far it has come.
#[derive(Default)]
struct Progress {
    /// What each target left that is done, and each fresh one that another needs.
    left: FastMap<TargetId, Box<[Option<Left>]>>,
    /// Targets whose artifacts are gone and that a target that has to run reads, as the last plan says.
    demands: FastMap<TargetId, TargetId>,
    /// Targets that the last plan does not call fresh, and whose turn has not ended.
    open: FastSet<TargetId>,
    ended: FastMap<TargetId, TargetEnd>,
    times_built: FastMap<TargetId, usize>,
    /// From when to when each attempt ran; `None` as long as it does.
    attempts: Vec<(TargetId, SystemTime, Option<SystemTime>)>,
    /// How things stand by the last plan, if all is fresh.
    standing: Option<Standing>,
}

/// What an output is, as those that read it have to find it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    /// The digest of what they depend on: of a directory with links, what these lead to now.
    pub(crate) content: Digest,
    /// The digest of the file or directory as it lies in its place.
    pub(crate) bytes: Digest,
    pub(crate) kind: ArtifactKind,
}

/// How a target ended, for the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TargetEnd {
    Built,
    Restored,
    Fresh,
    Held,
    Failed,
    Skipped,
    Superseded,
}

impl<'a> Run<'a> {
    /// A run that has not begun.
    pub(crate) fn new(context: PlanContext<'a>, options: &'a Options<'a>, observer: &'a dyn Observer) -> Self {
        Self {
            context,
            options,
            observer,
            mask: Arc::new(Mask::new(options.secrets.values().map(String::as_str))),
            id: RunId::new(),
            begun: context.files.now(),
            first_sources: Arc::default(),
            progress: Arc::default(),
        }
    }

    /// The same run with another graph of the same Spec: files may have joined a glob.
    pub(crate) fn with_graph<'b>(&'b self, graph: &'b Graph) -> Run<'b> {
        Run {
            context: PlanContext { graph, ..self.context },
            options: self.options,
            observer: self.observer,
            mask: Arc::clone(&self.mask),
            id: self.id,
            begun: self.begun,
            first_sources: Arc::clone(&self.first_sources),
            progress: Arc::clone(&self.progress),
        }
    }

    /// What the verdicts of this run look at: with `only`, the ages of the goals alone.
    pub(crate) fn inputs(&self) -> VerdictInputs<'a> {
        VerdictInputs {
            as_of: Some(self.begun),
            alone: self.options.only.then_some(self.options.goals.as_slice()),
            ..self.context.inputs()
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One output of a target that is done or fresh.
    pub(crate) fn left(&self, id: ArtifactId) -> Option<Left> {
        let progress = self.progress();
        progress
            .left
            .get(&id.target)?
            .get(id.output as usize)
            .copied()
            .flatten()
    }

    /// Notes what a target leaves to those that need it.
    pub(crate) fn leave(&self, id: TargetId, artifacts: &[Artifact]) {
        let outputs = self.context.graph.target(id).outputs.iter();
        let left = outputs.map(|output| {
            let artifact = artifacts.iter().find(|artifact| artifact.name == output.port)?;
            let content = judge::content_in_place(self.context.files, &output.path, artifact);
            Some(Left {
                content: content.unwrap_or(artifact.content),
                bytes: artifact.bytes,
                kind: artifact.kind,
            })
        });
        let left = left.collect();
        self.progress().left.insert(id, left);
    }

    /// Notes how things stand by the last plan.
    pub(crate) fn stand(&self, standing: Option<Standing>) {
        self.progress().standing = standing;
    }

    /// How things stand by the last plan, if all is fresh.
    pub(crate) fn take_standing(&self) -> Option<Standing> {
        self.progress().standing.take()
    }

    /// Whether a target is to run although it may be fresh: under `--force`, once.
    pub(crate) fn forced(&self, id: TargetId) -> bool {
        let covers = !self.options.only || self.options.goals.contains(&id);
        self.options.force && covers && self.progress().ended.get(&id) != Some(&TargetEnd::Built)
    }

    /// Why a target is to run although nothing that it depends on may have changed.
    pub(crate) fn demand(&self, id: TargetId) -> Demand {
        let needed_by = self.progress().demands.get(&id).copied();
        Demand::of(self.forced(id), needed_by)
    }

    /// Notes which targets a plan has a turn for, and which for artifacts that are gone.
    pub(crate) fn take_note_of(&self, plan: &Plan) {
        let demands = plan
            .steps
            .iter()
            .filter_map(|step| Some((step.target, step.needed_by?)));
        let mut progress = self.progress();
        progress.demands = demands.collect();
        progress.open = plan.open().map(|step| step.target).collect();
    }

    /// Whether a target is built, restored, fresh or held, and nothing of it is left to do.
    pub(crate) fn is_done(&self, id: TargetId) -> bool {
        let progress = self.progress();
        let ended = progress.ended.get(&id);
        let is_done = |end: &TargetEnd| {
            matches!(
                end,
                TargetEnd::Built | TargetEnd::Restored | TargetEnd::Fresh | TargetEnd::Held
            )
        };
        !progress.open.contains(&id) && ended.is_some_and(is_done)
    }

    /// Notes that a target was fresh, or held, when a plan was made.
    pub(crate) fn found(&self, id: TargetId, verdict: &Verdict) {
        let now = match verdict {
            Verdict::Held { .. } => TargetEnd::Held,
            _ => TargetEnd::Fresh,
        };
        let mut progress = self.progress();
        let ended = progress.ended.entry(id).or_insert(now);
        // What failed before another build came between may have been made by that one.
        if matches!(
            ended,
            TargetEnd::Failed | TargetEnd::Skipped | TargetEnd::Fresh | TargetEnd::Held
        ) {
            *ended = now;
        }
    }

    /// Notes that an attempt of a target begins.
    pub(crate) fn attempt_begins(&self, id: TargetId) {
        self.progress().attempts.push((id, clock::now(), None));
    }

    /// Notes that it has ended.
    pub(crate) fn attempt_has_ended(&self, id: TargetId) {
        let mut progress = self.progress();
        let last = progress.attempts.iter_mut().rev().find(|(other, ..)| *other == id);
        if let Some((.., ended)) = last {
            *ended = Some(clock::now());
        }
    }

    /// How often a target was built.
    pub(crate) fn times_built(&self, id: TargetId) -> usize {
        self.progress().times_built.get(&id).copied().unwrap_or_default()
    }

    /// The targets whose attempts ran at a moment, or would have been at it within a tick of the clock.
    pub(crate) fn running_at(&self, moment: SystemTime) -> Vec<TargetId> {
        const TICK: Duration = Duration::from_millis(20);
        let progress = self.progress();
        let at = |(_, begun, ended): &&(TargetId, SystemTime, Option<SystemTime>)| {
            moment + TICK >= *begun && ended.is_none_or(|ended| moment <= ended + TICK)
        };
        let mut ids: Vec<TargetId> = progress.attempts.iter().filter(at).map(|(id, ..)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether anything of this run was built or restored.
    pub(crate) fn has_made_something(&self) -> bool {
        let progress = self.progress();
        let mut ended = progress.ended.values();
        ended.any(|ended| matches!(ended, TargetEnd::Built | TargetEnd::Restored))
    }

    /// Whether any of these targets was left as it was.
    pub(crate) fn has_left(&self, targets: &[TargetId]) -> bool {
        let progress = self.progress();
        let mut ends = targets.iter().filter_map(|id| progress.ended.get(id));
        ends.any(|ended| matches!(ended, TargetEnd::Fresh | TargetEnd::Held))
    }

    /// Notes how a target's turn ended, and tells it.
    pub(crate) fn ended(&self, target: TargetId, outcome: Outcome) {
        let ended = match &outcome {
            Outcome::Built { .. } => Some(TargetEnd::Built),
            Outcome::Restored { .. } => Some(TargetEnd::Restored),
            Outcome::Fresh => Some(TargetEnd::Fresh),
            Outcome::Held { .. } => Some(TargetEnd::Held),
            Outcome::Failed(_) => Some(TargetEnd::Failed),
            Outcome::Skipped { .. } => Some(TargetEnd::Skipped),
            Outcome::Superseded => Some(TargetEnd::Superseded),
            Outcome::Interrupted => None,
        };
        if let Some(ended) = ended {
            let mut progress = self.progress();
            progress.open.remove(&target);
            *progress.times_built.entry(target).or_default() += usize::from(ended == TargetEnd::Built);
            // What was built first and put back later, after another build came between, was built.
            let before = progress.ended.insert(target, ended);
            if let (Some(before @ (TargetEnd::Built | TargetEnd::Restored)), TargetEnd::Fresh | TargetEnd::Held) =
                (before, ended)
            {
                progress.ended.insert(target, before);
            }
        }
        self.observer.observe(&Event::Finished { target, outcome });
    }

    /// Notes that a target was not begun.
    pub(crate) fn not_begun(&self, id: TargetId) {
        self.progress().ended.entry(id).or_insert(TargetEnd::Skipped);
    }

    /// Whether the run is to end soon.
    pub(crate) fn interrupted(&self) -> bool {
        self.options.interrupted.load(Ordering::Relaxed)
    }

    /// Whether an edit has made a target stale since the build began.
    pub(crate) fn superseded(&self, id: TargetId) -> bool {
        self.options.superseded.is_some_and(|superseded| superseded(id))
    }

    /// Whether a target failed.
    pub(crate) fn failed(&self) -> bool {
        self.progress().ended.values().any(|ended| *ended == TargetEnd::Failed)
    }

    /// How many targets ended in which way.
    pub(crate) fn summary(&self) -> Summary {
        let progress = self.progress();
        let count = |wanted| progress.ended.values().filter(|ended| **ended == wanted).count();
        Summary {
            built: count(TargetEnd::Built),
            restored: count(TargetEnd::Restored),
            fresh: count(TargetEnd::Fresh),
            held: count(TargetEnd::Held),
            failed: count(TargetEnd::Failed),
            skipped: count(TargetEnd::Skipped),
            superseded: count(TargetEnd::Superseded),
            interrupted: self.interrupted(),
            duration: Duration::ZERO,
        }
    }
}
