//! A run as its targets see it: what it was asked for, and what those that are done have left.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::event::{Event, Observer, Outcome, Summary};
use super::graph::{ArtifactId, TargetId};
use super::mask::Mask;
use super::plan::World;
use super::run::RunId;
use super::store::entry::Artifact;
use super::task::Tasks;

/// What a build is asked for.
pub struct Options<'a> {
    /// The goals.
    pub goals: Vec<TargetId>,
    /// The goals as the user wrote them, for the journal.
    pub asked: Vec<String>,
    /// Parameters set on the command line, for the journal.
    pub set: Vec<(String, String)>,
    /// Whether everything that the goals need is to run.
    pub force: bool,
    /// Whether targets that do not need a failed one go on.
    pub keep_going: bool,
    /// How many targets may run at once.
    pub jobs: usize,
    /// Values of the declared secrets that are set.
    pub secrets: BTreeMap<String, String>,
    /// Set when the build is to end soon.
    pub interrupted: &'a AtomicBool,
}

/// A run.
pub(crate) struct Job<'a> {
    pub(crate) world: World<'a>,
    pub(crate) tasks: &'a Tasks,
    pub(crate) options: &'a Options<'a>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) mask: Mask,
    pub(crate) run: RunId,
    progress: Mutex<Progress>,
    slots: Mutex<Slots>,
}

/// How far it has come.
#[derive(Default)]
struct Progress {
    /// What each target left that is done, and each fresh one that another needs.
    left: HashMap<TargetId, Vec<Artifact>>,
    ended: HashMap<TargetId, Ended>,
}

/// How a target ended, for the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Built,
    Restored,
    Fresh,
    Failed,
    Skipped,
}

/// Numbers of private directories. They are used again, for a file system grows slow when directories come and go; but
/// not after an attempt that failed, of which something may still be running.
#[derive(Default)]
struct Slots {
    free: Vec<u32>,
    used: u32,
}

impl<'a> Job<'a> {
    /// A run that has not begun.
    pub(crate) fn new(
        world: World<'a>,
        tasks: &'a Tasks,
        options: &'a Options<'a>,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            world,
            tasks,
            options,
            observer,
            mask: Mask::new(options.secrets.values().map(String::as_str)),
            run: RunId::new(),
            progress: Mutex::default(),
            slots: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number of private directories that nobody else uses.
    pub(crate) fn take_slot(&self) -> u32 {
        let mut slots = self.slots();
        slots.free.pop().unwrap_or_else(|| {
            slots.used += 1;
            slots.used
        })
    }

    /// Gives a number back after an attempt that ended well.
    pub(crate) fn give_slot(&self, slot: u32) {
        self.slots().free.push(slot);
    }

    /// One output of a target that is done or fresh.
    pub(crate) fn left(&self, id: ArtifactId) -> Option<Artifact> {
        let name = self.world.graph.artifact_name(id);
        let progress = self.progress();
        let artifacts = progress.left.get(&id.target)?.iter();
        artifacts.into_iter().find(|artifact| artifact.name == name).cloned()
    }

    /// Notes what a target leaves to those that need it.
    pub(crate) fn leave(&self, id: TargetId, artifacts: Vec<Artifact>) {
        self.progress().left.insert(id, artifacts);
    }

    /// Whether a target is to run although it may be fresh: under `--force`, once.
    pub(crate) fn forced(&self, id: TargetId) -> bool {
        self.options.force && self.progress().ended.get(&id) != Some(&Ended::Built)
    }

    /// Notes that a target was fresh when a plan was made.
    pub(crate) fn found_fresh(&self, id: TargetId) {
        let mut progress = self.progress();
        let ended = progress.ended.entry(id).or_insert(Ended::Fresh);
        // What failed before another build came between may have been made by that one.
        if matches!(ended, Ended::Failed | Ended::Skipped) {
            *ended = Ended::Fresh;
        }
    }

    /// Notes how a target's turn ended, and tells it.
    pub(crate) fn ended(&self, target: TargetId, outcome: Outcome) {
        let ended = match &outcome {
            Outcome::Built { .. } => Some(Ended::Built),
            Outcome::Restored { .. } => Some(Ended::Restored),
            Outcome::Fresh => Some(Ended::Fresh),
            Outcome::Failed(_) => Some(Ended::Failed),
            Outcome::Skipped { .. } => Some(Ended::Skipped),
            Outcome::Interrupted => None,
        };
        if let Some(ended) = ended {
            let mut progress = self.progress();
            // What was built first and put back later, after another build came between, was built.
            let before = progress.ended.insert(target, ended);
            if let (Some(before @ (Ended::Built | Ended::Restored)), Ended::Fresh) = (before, ended) {
                progress.ended.insert(target, before);
            }
        }
        self.observer.observe(&Event::Finished { target, outcome });
    }

    /// Notes that a target was not begun.
    pub(crate) fn not_begun(&self, id: TargetId) {
        self.progress().ended.entry(id).or_insert(Ended::Skipped);
    }

    /// Whether the run is to end soon.
    pub(crate) fn interrupted(&self) -> bool {
        self.options.interrupted.load(Ordering::Relaxed)
    }

    /// Whether a target failed.
    pub(crate) fn failed(&self) -> bool {
        self.progress().ended.values().any(|ended| *ended == Ended::Failed)
    }

    /// How many targets ended in which way.
    pub(crate) fn summary(&self) -> Summary {
        let progress = self.progress();
        let count = |wanted| progress.ended.values().filter(|ended| **ended == wanted).count();
        Summary {
            built: count(Ended::Built),
            restored: count(Ended::Restored),
            fresh: count(Ended::Fresh),
            failed: count(Ended::Failed),
            skipped: count(Ended::Skipped),
            interrupted: self.interrupted(),
            duration: Duration::ZERO,
        }
    }
}
