//! A run, from plan to summary.
//!
//! ```text
//! plan ─▶ nothing stale: done, and nothing was written
//!      ─▶ begin ─▶ round: schedule, workers, each target's turn ─▶ overtaken, or did anything move? plan again ─▶ end
//! ```

mod workers;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub use super::run::Options;

use super::clock;
use super::earlier_plan::EarlierPlan;
use super::event::{Event, Observer, Outcome, Summary, WaitingFor};
use super::execute::{Attempts, Overtaken};
use super::file_clock::Since;
use super::files::Looks;
use super::graph::{Graph, GraphError, TargetId};
use super::lookups::Lookups;
use super::moved_sources::FirstSources;
use super::moves;
use super::pages;
use super::plan::{self, Plan, PlanContext, PlanError, Step, Verdict, VerdictInputs};
use super::reason::Reason;
use super::run::Run;
use super::schedule::{Budget, Schedule};
use super::seal::{SealRequest, Standing};
use super::spec::Action;
use super::store::StoreError;
use super::store::entry::{Entry, RunEntry};
use super::survivors;
use super::task::Task;
use crate::fast_map::FastSet;

/// Why a build could not be begun or finished.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No plan can be made.
    #[error("no plan can be made")]
    Plan(Vec<PlanError>),
    /// Something that the goals need is not fresh, and nothing but the goals may run.
    #[error("what the goals need is not fresh")]
    NotFresh(Vec<TargetId>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What came into being while the build ran makes the whole wrong.
    #[error("the files of the project no longer fit together")]
    Graph(Vec<GraphError>),
}

/// Makes the goals and what they need, as far as they are stale; failures of targets are told to `observer` and
/// counted in the summary.
///
/// # Errors
/// [`BuildError`] if nothing could be begun, or the store failed meanwhile.
pub fn build(context: PlanContext<'_>, options: &Options<'_>, observer: &dyn Observer) -> Result<Summary, BuildError> {
    let begun = Instant::now();
    let build = Build {
        run: Run::new(context, options, observer),
        graph_since: options.seal.as_ref().map(|seal| seal.loading.since()),
        state: Mutex::default(),
        wake: Condvar::new(),
    };
    let foreign = context.store.records.foreign();
    let seal = options.seal.as_ref();
    if seal.is_some() {
        context.files.record_looks();
    }
    let plan = build.plan()?;
    let looks = context.files.take_looks();
    let idle = plan.open().next().is_none();
    let result = if idle {
        build.tell_plan(&plan);
        context.store.remember(context.files, &context.graph.spec);
        if let Some(request) = seal {
            build.run.stand(Standing::of(
                &plan,
                looks,
                request.loading.since(),
                context.graph,
                context.graph.lookups(),
            ));
        }
        Ok(())
    } else {
        build.begin_and_end(plan, looks, foreign)
    };
    let mut summary = build.run.summary();
    summary.duration = begun.elapsed();
    let circle =
        |link| format!("`{link}` is a link that leads back to where it lies: it counts as what it says, no more");
    let warnings = context.store.records.warnings().into_iter();
    let warnings: Vec<String> = warnings
        .chain(context.files.take_circles().into_iter().map(circle))
        .collect();
    // What has to be told each time is found out each time.
    let told = !warnings.is_empty();
    for message in warnings {
        observer.observe(&Event::Warning { message });
    }
    result?;
    let is_idle = [summary.built, summary.restored, summary.failed, summary.skipped] == [0; 4];
    let may_keep = |request: &&SealRequest| !told && (is_idle || !request.only_if_idle);
    if let (Some(request), Some(standing)) = (seal.filter(may_keep), build.run.take_standing()) {
        context.store.keep_seal(request, &standing, context.files);
    }
    observer.observe(&Event::Ended {
        run: build.run.id,
        summary,
    });
    Ok(summary)
}

/// A graph made again.
enum GraphNow {
    /// It is the same; where names were looked up for it.
    Same(Arc<Lookups>),
    /// A file joined a glob, or a word has become a file.
    Other(Box<Graph>),
}

/// How often a build plans again since something moved while it ran.
const MOVES: u32 = 3;

/// How often an effect acts in one build since something that it reads moved: it may be the effect itself that moves it.
const ACTS: usize = 2;

/// A run in progress.
struct Build<'a> {
    run: Run<'a>,
    /// A moment before the graph was made, if one is known.
    graph_since: Option<Since>,
    state: Mutex<Shared>,
    wake: Condvar,
}

/// What the workers share beside the schedule.
#[derive(Default)]
struct Shared {
    attempts: HashMap<TargetId, Attempts>,
    overtaken: Option<Overtaken>,
    error: Option<StoreError>,
}

impl Build<'_> {
    fn state(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self) -> Result<Plan, BuildError> {
        let options = self.run.options;
        pages::begin_small();
        // What runs is judged again at its turn.
        let inputs = VerdictInputs {
            keeps_fingerprints: false,
            ..self.run.inputs()
        };
        let plan = plan::plan_with(inputs, &options.goals, &|id| self.run.forced(id));
        let plan = plan.map_err(BuildError::Plan)?;
        let others = plan
            .open()
            .map(|step| step.target)
            .filter(|id| !options.goals.contains(id));
        match others.collect::<Vec<_>>() {
            stale if options.only && !stale.is_empty() => Err(BuildError::NotFresh(stale)),
            _ => Ok(plan),
        }
    }

    fn tell_plan(&self, plan: &Plan) {
        let steps: Vec<TargetId> = plan.open().map(|step| step.target).collect();
        let fresh = plan.steps.len() - steps.len();
        let expected = plan.open().filter(|step| step.verdict.may_run());
        let expected = expected.filter_map(|step| Some((step.target, step.last?))).collect();
        for step in plan.steps.iter().filter(|step| step.verdict.stays()) {
            self.run.found(step.target, &step.verdict);
        }
        self.run.take_note_of(plan);
        self.run.observer.observe(&Event::Planned {
            run: self.run.id,
            steps,
            fresh,
            expected,
        });
    }

    fn begin_and_end(&self, plan: Plan, looks: Option<Looks>, foreign: u64) -> Result<(), BuildError> {
        let Run {
            context,
            options,
            id: run,
            ..
        } = &self.run;
        let (store, run) = (context.store, *run);
        let begun = Instant::now();
        let sources = || FirstSources::of(*context, &plan);
        self.run.first_sources.get_or_init(sources);
        store.prepare()?;
        let (_live, cut_short) = store.begin(run)?;
        survivors::end_cut_short(*context, &cut_short, &self.run.mask, self.run.observer);
        self.tell_too_large(&plan);
        store.records.append(&[Entry::Run(RunEntry {
            run,
            boot: super::store::boot_id(),
            pid: std::process::id(),
            goals: options.asked.clone(),
            set: options.set.clone(),
        })])?;
        let done = thread::scope(|scope| {
            // While commands run; without a thread at the end.
            let _ = thread::Builder::new().spawn_scoped(scope, || store.save_spec(&context.graph.spec));
            self.rounds(plan, looks, foreign, 0)
                .and_then(|()| Ok(self.let_all_go()?))
        });
        let summary = self.run.summary();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let ended = Entry::Ended {
            run,
            duration: clock::milliseconds(begun.elapsed()),
            counts: [summary.built, summary.restored, summary.failed, summary.skipped].map(count),
            interrupted: summary.interrupted,
        };
        store.clear_staging(run, run);
        done?;
        store.records.append(&[ended])?;
        Ok(store.finish(context.files, &context.graph.spec)?)
    }

    /// Builds, and plans again as often as another build came between, and where something moved meanwhile; `looks` are
    /// what the plan looked at, and `moves` tells how often something moved.
    fn rounds(&self, plan: Plan, mut looks: Option<Looks>, mut foreign: u64, mut moves: u32) -> Result<(), BuildError> {
        let store = self.run.context.store;
        let mut next = plan;
        loop {
            let plan = next;
            self.tell_plan(&plan);
            let open = self.begin_with(&plan);
            let stale = plan.open().filter(|step| matches!(step.verdict, Verdict::Stale { .. }));
            let stale: Vec<TargetId> = stale.map(|step| step.target).collect();
            // Unless most of it may stand, it goes before anything runs.
            let earlier = EarlierPlan::of(plan, looks.take()).filter(|_| !self.run.options.only);
            self.round(&open)?;
            let overtaken = self.state().overtaken.take();
            if self.run.interrupted() {
                return Ok(());
            }
            let mut by_others = true;
            match overtaken {
                Some(overtaken) => self.wait_for(overtaken),
                None if self.run.failed() || self.run.summary().superseded > 0 => return Ok(()),
                // Somebody else wrote meanwhile: whether all is as planned is seen by planning again.
                None if store.records.foreign() != foreign => {}
                // As what this build ran, or somebody while it ran, may have written a source.
                None if self.run.has_made_something() => by_others = false,
                // Something moved between the plan and a turn: for others as well, perhaps.
                None if self.run.has_left(&stale) => by_others = false,
                None => return Ok(()),
            }
            if self.run.interrupted() {
                return Ok(());
            }
            store.records.refresh()?;
            by_others |= store.records.foreign() != foreign;
            foreign = store.records.foreign();
            let since = self.stand_still();
            let lookups = match self.graph_now()? {
                GraphNow::Same(lookups) => lookups,
                GraphNow::Other(graph) => {
                    let build = self.with_graph(&graph, since);
                    return match build.plan_again(None, by_others, &mut moves, since, graph.lookups())? {
                        Some((plan, looks)) => build.rounds(plan, looks, foreign, moves),
                        None => Ok(()),
                    };
                }
            };
            let earlier = earlier.filter(|_| !by_others);
            match self.plan_again(earlier, by_others, &mut moves, since, &lookups)? {
                Some((plan, looked)) => (next, looks) = (plan, looked),
                None => return Ok(()),
            }
        }
    }

    /// Waits until what was made so far can be told from what is changed from here on, if a seal is to be kept.
    fn stand_still(&self) -> Option<Since> {
        let store = self.run.context.store;
        self.run.options.seal.as_ref().and_then(|_| store.next_tick())
    }

    /// The plan of what is still to be done, with what it looked at, if there is anything; what moves without end fails.
    /// `lookups` are where names were looked up for the graph `since`.
    fn plan_again(
        &self,
        earlier: Option<EarlierPlan>,
        by_others: bool,
        moves: &mut u32,
        since: Option<Since>,
        lookups: &Arc<Lookups>,
    ) -> Result<Option<(Plan, Option<Looks>)>, BuildError> {
        let files = self.run.context.files;
        let again = earlier.and_then(|earlier| earlier.again(self.run.inputs(), files, &|id| self.run.demand(id)));
        let (plan, looks) = if let Some((plan, looks)) = again {
            (plan, Some(looks))
        } else {
            if since.is_some() {
                files.record_looks();
            }
            let plan = self.plan();
            let looks = files.take_looks();
            (plan?, looks)
        };
        if plan.open().next().is_none() {
            let standing = since.and_then(|since| Standing::of(&plan, looks, since, self.run.context.graph, lookups));
            self.run.stand(standing);
            if by_others {
                self.tell_plan(&plan);
            }
            return Ok(None);
        }
        *moves += u32::from(!by_others);
        let is_effect = |step: &Step| self.run.context.graph.target(step.target).settings.effect;
        let acts_on = |step: &Step| is_effect(step) && self.run.times_built(step.target) >= ACTS;
        if *moves > MOVES || (!by_others && plan.open().any(acts_on)) {
            self.keeps_moving(&plan);
            return Ok(None);
        }
        Ok(Some((plan, looks)))
    }

    fn with_graph<'b>(&'b self, graph: &'b Graph, graph_since: Option<Since>) -> Build<'b> {
        Build {
            run: self.run.with_graph(graph),
            graph_since,
            state: Mutex::new(std::mem::take(&mut *self.state())),
            wake: Condvar::new(),
        }
    }

    /// The graph as the disk has it now.
    fn graph_now(&self) -> Result<GraphNow, BuildError> {
        let PlanContext {
            graph, files, store, ..
        } = self.run.context;
        let stands = |since: &Since| store.stand_still(graph.lookups(), since, files);
        if self.graph_since.as_ref().is_some_and(stands) {
            return Ok(GraphNow::Same(Arc::clone(graph.lookups())));
        }
        if let Some(lookups) = graph.still_stands(files) {
            return Ok(GraphNow::Same(Arc::new(lookups)));
        }
        let now = Graph::new(Arc::clone(&graph.spec), files).map_err(|wrong| BuildError::Graph(wrong.1))?;
        let is_same = |id: &TargetId| now.node(*id).reads == graph.node(*id).reads;
        Ok(match graph.order().iter().all(is_same) {
            true => GraphNow::Same(Arc::clone(now.lookups())),
            false => GraphNow::Other(Box::new(now)),
        })
    }

    /// Fails those targets that are stale again, with what moved; not those for which only the outside world moved, which
    /// may do so at any time: the next build asks it again.
    fn keeps_moving(&self, plan: &Plan) {
        for step in plan.open() {
            if let Verdict::Stale { reasons, .. } = &step.verdict
                && !reasons.iter().all(Reason::is_answer)
            {
                let failure = moves::failure(&self.run, step.target, reasons);
                self.run.ended(step.target, Outcome::Failed(failure));
            }
        }
    }

    /// Waits for an older build that wants something else to end.
    fn wait_for(&self, overtaken: Overtaken) {
        let Some(other) = overtaken.by.filter(|other| *other < self.run.id) else {
            return;
        };
        let mut told = false;
        while self.run.context.store.is_live(other) && !self.run.interrupted() {
            if !std::mem::replace(&mut told, true) {
                self.run.observer.observe(&Event::Waiting {
                    target: overtaken.target,
                    on: WaitingFor::OtherValues(other),
                });
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Takes note of what a plan leaves in place; gives what is to be done, with how long each took last.
    fn begin_with(&self, plan: &Plan) -> Vec<(TargetId, Duration)> {
        let open = plan.open();
        let open = open.map(|step| (step.target, step.last.unwrap_or(Duration::from_secs(1))));
        let open: Vec<(TargetId, Duration)> = open.collect();
        self.take_note_of_fresh(plan, &open);
        open
    }

    /// Works through what is to be done by a plan.
    fn round(&self, open: &[(TargetId, Duration)]) -> Result<(), BuildError> {
        pages::end_small();
        let Run { context, options, .. } = &self.run;
        let jobs = options.jobs.clamp(1, open.len().max(1));
        let parallel = open.iter().map(|(id, _)| *id).filter(|id| self.is_parallel(*id));
        let budget = Budget {
            threads: options.jobs.max(1),
            memory: options.memory.unwrap_or(u64::MAX),
            parallel: parallel.collect(),
            cores: rayon::current_num_threads(),
        };
        let schedule = Mutex::new(Schedule::new(context.graph, open, budget));
        self.work_through(&schedule, jobs);
        let schedule = schedule.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if let Some(error) = state.error.take() {
            return Err(error.into());
        }
        if options.keep_going || state.overtaken.is_some() || self.run.interrupted() {
            return Ok(());
        }
        // After a failure, whatever was not begun is not built either.
        for id in schedule.left() {
            self.run.not_begun(id);
        }
        Ok(())
    }

    /// Whether a target is a built-in task that can use several threads.
    fn is_parallel(&self, id: TargetId) -> bool {
        let PlanContext { graph, tasks, .. } = self.run.context;
        match &graph.target(id).action {
            Action::Builtin { task, .. } => tasks.get(task).is_some_and(Task::is_parallel),
            Action::Command(_) => false,
        }
    }

    /// Says which targets of a plan need more memory than there is.
    fn tell_too_large(&self, plan: &Plan) {
        let Some(machine) = self.run.options.memory else {
            return;
        };
        for step in plan.open() {
            let target = self.run.context.graph.target(step.target);
            if target.settings.load.memory > machine {
                let message = format!(
                    "`{}` declares more memory than this machine has ({} of {} MiB): it runs without others that declare some",
                    target.name,
                    target.settings.load.memory >> 20,
                    machine >> 20
                );
                self.run.observer.observe(&Event::Warning { message });
            }
        }
    }

    /// Notes what the fresh targets have left that others need; as the plan saw it, whatever is written meanwhile.
    fn take_note_of_fresh(&self, plan: &Plan, open: &[(TargetId, Duration)]) {
        let graph = self.run.context.graph;
        let needs = open.iter().flat_map(|(id, _)| &graph.node(*id).needs);
        let needed: FastSet<TargetId> = needs.copied().collect();
        let stays = |step: &&Step| step.verdict.stays() && needed.contains(&step.target);
        for step in plan.steps.iter().filter(stays) {
            self.run.leave(step.target, &step.in_place());
        }
    }
}
