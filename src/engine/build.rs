//! A run, from plan to summary.
//!
//! ```text
//! plan ─▶ nothing stale: done, and nothing was written
//!      ─▶ begin ─▶ round: schedule, workers, each target's turn ─▶ overtaken by another build? plan again ─▶ end
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::event::{Event, Observer, Outcome, Summary};
use super::graph::{ArtifactId, TargetId};
use super::mask::Mask;
use super::plan::{self, Plan, PlanError, Verdict, World};
use super::run::RunId;
use super::schedule::{Next, Schedule};
use super::store::StoreError;
use super::store::entry::{Artifact, Entry, Run};
use super::task::Tasks;
use super::turn::{Overtaken, Tries, Turn, Turned};

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

/// Why a build could not be begun or finished.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No plan can be made.
    #[error("no plan can be made")]
    Plan(Vec<PlanError>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the goals and what they need, as far as they are stale; failures of targets are told to `observer` and
/// counted in the summary.
///
/// # Errors
/// [`BuildError`] if nothing could be begun, or the store failed meanwhile.
pub fn build(
    world: World<'_>,
    tasks: &Tasks,
    options: &Options<'_>,
    observer: &dyn Observer,
) -> Result<Summary, BuildError> {
    let begun = Instant::now();
    let build = Build {
        world,
        tasks,
        options,
        observer,
        mask: Mask::new(options.secrets.values().map(String::as_str)),
        run: RunId::new(),
        state: Mutex::default(),
        slots: Mutex::default(),
        wake: Condvar::new(),
    };
    let foreign = world.store.foreign();
    let plan = build.plan()?;
    let idle = plan.open().next().is_none();
    let result = if idle {
        build.tell_plan(&plan);
        world.store.remember(world.files, &world.graph.spec);
        Ok(())
    } else {
        build.begin_and_end(plan, foreign)
    };
    let mut summary = build.summary();
    summary.duration = begun.elapsed();
    for message in world.store.warnings() {
        observer.observe(&Event::Warning { message });
    }
    result?;
    observer.observe(&Event::Ended {
        run: build.run,
        summary,
    });
    Ok(summary)
}

/// A run in progress.
pub(crate) struct Build<'a> {
    pub(crate) world: World<'a>,
    pub(crate) tasks: &'a Tasks,
    pub(crate) options: &'a Options<'a>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) mask: Mask,
    pub(crate) run: RunId,
    state: Mutex<State>,
    slots: Mutex<Slots>,
    wake: Condvar,
}

/// Numbers of private directories. They are used again, for a file system grows slow when directories come and go; but
/// not after an attempt that failed, of which something may still be running.
#[derive(Default)]
struct Slots {
    free: Vec<u32>,
    used: u32,
}

/// What the workers share.
#[derive(Default)]
struct State {
    /// What each target left that is done, and each fresh one that another needs.
    left: HashMap<TargetId, Vec<Artifact>>,
    tries: HashMap<TargetId, Tries>,
    ended: HashMap<TargetId, Ended>,
    overtaken: Option<Overtaken>,
    error: Option<StoreError>,
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

impl Build<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number of private directories that nobody else uses.
    pub(crate) fn take_slot(&self) -> u32 {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.free.pop().unwrap_or_else(|| {
            slots.used += 1;
            slots.used
        })
    }

    /// Gives a number back after an attempt that ended well.
    pub(crate) fn give_slot(&self, slot: u32) {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .free
            .push(slot);
    }

    /// One output of a target that is done or fresh.
    pub(crate) fn left(&self, id: ArtifactId) -> Option<Artifact> {
        let name = self.world.graph.artifact_name(id);
        let state = self.state();
        let artifacts = state.left.get(&id.target)?.iter();
        artifacts.into_iter().find(|artifact| artifact.name == name).cloned()
    }

    /// Whether a target is to run although it may be fresh: under `--force`, once.
    pub(crate) fn forced(&self, id: TargetId) -> bool {
        self.options.force && self.state().ended.get(&id) != Some(&Ended::Built)
    }

    fn plan(&self) -> Result<Plan, BuildError> {
        let built: HashSet<TargetId> = {
            let state = self.state();
            let built = state.ended.iter().filter(|(_, ended)| **ended == Ended::Built);
            built.map(|(id, _)| *id).collect()
        };
        let force = |id| self.options.force && !built.contains(&id);
        plan::plan_with(self.world, &self.options.goals, &force).map_err(BuildError::Plan)
    }

    fn tell_plan(&self, plan: &Plan) {
        let steps: Vec<TargetId> = plan.open().map(|step| step.target).collect();
        let fresh = plan.steps.len() - steps.len();
        {
            let mut state = self.state();
            for step in plan.steps.iter().filter(|step| step.verdict == Verdict::Fresh) {
                let ended = state.ended.entry(step.target).or_insert(Ended::Fresh);
                // What failed before another build came between may have been made by that one.
                if matches!(ended, Ended::Failed | Ended::Skipped) {
                    *ended = Ended::Fresh;
                }
            }
        }
        self.observer.observe(&Event::Planned {
            run: self.run,
            steps,
            fresh,
        });
    }

    fn begin_and_end(&self, plan: Plan, foreign: u64) -> Result<(), BuildError> {
        let store = self.world.store;
        let begun = Instant::now();
        store.prepare()?;
        let _live = store.begin(self.run)?;
        store.append(&[Entry::Run(Run {
            run: self.run,
            boot: super::store::boot_id(),
            pid: std::process::id(),
            goals: self.options.asked.clone(),
            set: self.options.set.clone(),
        })])?;
        let done = self.rounds(plan, foreign);
        let summary = self.summary();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let ended = Entry::Ended {
            run: self.run,
            duration: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            counts: [summary.built, summary.restored, summary.failed, summary.skipped].map(count),
            interrupted: summary.interrupted,
        };
        store.clear_staging(self.run);
        done?;
        store.append(&[ended])?;
        Ok(store.finish(self.world.files, &self.world.graph.spec)?)
    }

    /// Builds, and plans again as often as another build came between.
    fn rounds(&self, mut plan: Plan, mut foreign: u64) -> Result<(), BuildError> {
        loop {
            self.tell_plan(&plan);
            self.round(&plan)?;
            let overtaken = self.state().overtaken.take();
            if self.interrupted() {
                return Ok(());
            }
            match overtaken {
                Some(overtaken) => self.wait_for(overtaken),
                None if self.failed() => return Ok(()),
                // Somebody else wrote meanwhile: whether all is as planned is seen by planning again.
                None if self.world.store.foreign() == foreign => return Ok(()),
                None => {}
            }
            if self.interrupted() {
                return Ok(());
            }
            self.world.store.refresh()?;
            foreign = self.world.store.foreign();
            plan = self.plan()?;
            if plan.open().next().is_none() {
                self.tell_plan(&plan);
                return Ok(());
            }
        }
    }

    /// Waits for an older build that wants something else to end.
    fn wait_for(&self, overtaken: Overtaken) {
        let Some(other) = overtaken.by.filter(|other| *other < self.run) else {
            return;
        };
        let store = self.world.store;
        let mut told = false;
        while store.is_live(other) && !self.interrupted() {
            if !std::mem::replace(&mut told, true) {
                self.observer.observe(&Event::Waiting {
                    target: overtaken.target,
                    holder: format!("run {}, which builds with other values", other.short()),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Works through one plan.
    fn round(&self, plan: &Plan) -> Result<(), BuildError> {
        let graph = self.world.graph;
        let open: Vec<(TargetId, Duration)> = plan
            .open()
            .map(|step| (step.target, step.last.unwrap_or(Duration::from_secs(1))))
            .collect();
        self.take_note_of_fresh(plan, &open);
        let jobs = self.options.jobs.clamp(1, open.len().max(1));
        let schedule = Mutex::new(Schedule::new(graph, &open));
        std::thread::scope(|scope| {
            for _ in 1..jobs {
                scope.spawn(|| self.work(&schedule));
            }
            self.work(&schedule);
        });
        let schedule = schedule.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if let Some(error) = state.error.take() {
            return Err(error.into());
        }
        if self.options.keep_going || state.overtaken.is_some() || self.interrupted() {
            return Ok(());
        }
        // After a failure, whatever was not begun is not built either.
        for id in schedule.left() {
            state.ended.entry(id).or_insert(Ended::Skipped);
        }
        Ok(())
    }

    /// Notes what the fresh targets have left that others need; as the plan saw it, whatever is written meanwhile.
    fn take_note_of_fresh(&self, plan: &Plan, open: &[(TargetId, Duration)]) {
        let fresh: HashSet<TargetId> = plan
            .steps
            .iter()
            .filter(|step| step.verdict == Verdict::Fresh)
            .map(|step| step.target)
            .collect();
        let needed: HashSet<TargetId> = open
            .iter()
            .flat_map(|(id, _)| &self.world.graph.node(*id).needs)
            .copied()
            .filter(|need| fresh.contains(need))
            .collect();
        let mut state = self.state();
        for id in needed {
            let name = self.world.graph.name(id);
            let artifacts = self
                .world
                .store
                .ledger(|ledger| Some(ledger.target(name)?.record()?.artifacts.clone()));
            state.left.insert(id, artifacts.unwrap_or_default());
        }
    }

    /// Takes turns until there are none left.
    fn work(&self, schedule: &Mutex<Schedule<'_>>) {
        const LOOK: Duration = Duration::from_millis(50);
        let lock = || schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = lock();
        loop {
            if self.interrupted() {
                open.stop();
            }
            let now = Instant::now();
            let wait = match open.next(now) {
                Next::Over => break,
                Next::Run(id) => {
                    drop(open);
                    let turned = self.turn(id);
                    open = lock();
                    self.settle(&mut open, id, turned);
                    self.wake.notify_all();
                    continue;
                }
                Next::Until(moment) => moment.saturating_duration_since(now).min(LOOK),
                Next::Wait => LOOK,
            };
            open = self
                .wake
                .wait_timeout(open, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        self.wake.notify_all();
    }

    fn turn(&self, id: TargetId) -> Result<Turned, StoreError> {
        let mut tries = self.state().tries.remove(&id).unwrap_or_default();
        let turned = Turn { build: self, id }.take(&mut tries);
        self.state().tries.insert(id, tries);
        turned
    }

    /// Draws the conclusions of one turn.
    fn settle(&self, schedule: &mut Schedule<'_>, id: TargetId, turned: Result<Turned, StoreError>) {
        match turned {
            Ok(Turned::Done(outcome, artifacts)) => {
                let ended = match &outcome {
                    Outcome::Built { .. } => Ended::Built,
                    Outcome::Restored { .. } => Ended::Restored,
                    _ => Ended::Fresh,
                };
                {
                    let mut state = self.state();
                    state.left.insert(id, artifacts);
                    // What was built first and put back later, after another build came between, was built.
                    let before = state.ended.insert(id, ended);
                    if let (Some(before @ (Ended::Built | Ended::Restored)), Ended::Fresh) = (before, ended) {
                        state.ended.insert(id, before);
                    }
                }
                self.finished(id, outcome);
                schedule.done(id, true);
            }
            Ok(Turned::Failed(failure)) => {
                self.state().ended.insert(id, Ended::Failed);
                self.finished(id, Outcome::Failed(failure));
                if !self.options.keep_going {
                    schedule.stop();
                }
                for skipped in schedule.done(id, false) {
                    self.state().ended.insert(skipped, Ended::Skipped);
                    self.finished(skipped, Outcome::Skipped { because: id });
                }
            }
            Ok(Turned::Again(after)) => schedule.park(id, Instant::now() + after),
            Ok(Turned::Overtaken(overtaken)) => {
                self.state().overtaken.get_or_insert(overtaken);
                schedule.stop();
                schedule.park(id, Instant::now());
            }
            Ok(Turned::Interrupted) => {
                self.finished(id, Outcome::Interrupted);
                schedule.stop();
                schedule.park(id, Instant::now());
            }
            Err(error) => {
                self.state().error.get_or_insert(error);
                schedule.stop();
                schedule.park(id, Instant::now());
            }
        }
    }

    fn finished(&self, target: TargetId, outcome: Outcome) {
        self.observer.observe(&Event::Finished { target, outcome });
    }

    fn interrupted(&self) -> bool {
        self.options.interrupted.load(Ordering::Relaxed)
    }

    fn failed(&self) -> bool {
        self.state().ended.values().any(|ended| *ended == Ended::Failed)
    }

    fn summary(&self) -> Summary {
        let state = self.state();
        let count = |wanted| state.ended.values().filter(|ended| **ended == wanted).count();
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
