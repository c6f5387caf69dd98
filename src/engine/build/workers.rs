//! The threads of a round: each takes turns until there are none left.
//!
//! A thread for each target that may run costs megabytes, so there are few: while the commands of several run, a thread
//! looks at each of them in turn. A built-in task is no command and would keep the others waiting: it gets a thread of
//! its own.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use super::Build;
use crate::engine::event::{Event, Failure, Outcome, WaitingFor};
use crate::engine::execute::{Executed, Execution};
use crate::engine::graph::TargetId;
use crate::engine::plan::PlanContext;
use crate::engine::schedule::{Next, Queued, Schedule};
use crate::engine::spec::Action;
use crate::engine::store::{Holder, StoreError};
use crate::engine::turns::{self, LOOK, Pace, Turns};

/// So many threads at most share the turns.
const THREADS: usize = 64;

/// The end of a turn.
type End = Result<Executed, StoreError>;

impl Build<'_> {
    /// Works until nothing is left to do; `jobs` targets at most run at once.
    pub(super) fn work_through(&self, schedule: &Mutex<Schedule<'_>>, jobs: usize) {
        let threads = jobs.min(THREADS);
        let share = |thread: usize| jobs / threads + usize::from(thread < jobs % threads);
        thread::scope(|scope| {
            let mut running = share(0);
            for thread in 1..threads {
                let worker = move || self.work(scope, schedule, share(thread));
                if let Err(error) = thread::Builder::new().spawn_scoped(scope, worker) {
                    let message =
                        format!("the system gives no more threads, so {running} at most run at once: {error}");
                    self.run.observer.observe(&Event::Warning { message });
                    break;
                }
                running += share(thread);
            }
            self.work(scope, schedule, share(0));
        });
    }

    /// Takes turns until there are none left, so many at once.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, schedule: &Mutex<Schedule<'_>>, most: usize) {
        const IDLE: Duration = Duration::from_millis(50);
        let lock = || schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = Pace::default();
        let mut turns = Turns::new(&pace);
        let mut open = lock();
        loop {
            if self.run.interrupted() {
                open.stop();
            }
            let now = Instant::now();
            let next = match turns.len() < most {
                true => open.next(now),
                false => Next::Wait,
            };
            for queued in open.take_queued() {
                self.tell_queued(queued);
            }
            let idle = match next {
                Next::Over => break,
                Next::Until(moment) => moment.saturating_duration_since(now).min(IDLE),
                Next::Wait | Next::Run(_) => IDLE,
            };
            let ended: Vec<(TargetId, End)> = match next {
                Next::Run(id) => {
                    let threads = open.threads_of(id);
                    drop(open);
                    let turn = self.turn(scope, (id, threads), &pace, most > 1);
                    turns.begin(id, turn).map(|end| (id, end)).into_iter().collect()
                }
                _ if turns.len() > 0 => {
                    drop(open);
                    turns.go_on()
                }
                _ => {
                    let woken = self.wake.wait_timeout(open, idle);
                    open = woken.unwrap_or_else(PoisonError::into_inner).0;
                    continue;
                }
            };
            open = lock();
            if !ended.is_empty() {
                self.wake.notify_all();
            }
            let done = |(id, end): &(TargetId, End)| matches!(end, Ok(Executed::Done(..))).then_some(*id);
            let done: Vec<TargetId> = ended.iter().filter_map(done).collect();
            for (id, end) in ended {
                self.settle(&mut open, id, end);
            }
            let read = done
                .iter()
                .flat_map(|id| self.run.context.graph.node(*id).needs.iter().copied());
            let may_go: Vec<TargetId> = read.filter(|need| self.may_go(*need)).collect();
            if !may_go.is_empty() {
                drop(open);
                let gone = may_go.into_iter().try_for_each(|id| self.let_go(id));
                open = lock();
                if let Err(error) = gone {
                    self.state().error.get_or_insert(error);
                    open.stop();
                }
            }
        }
        self.wake.notify_all();
    }

    /// One turn, on this thread; that of a built-in task on its own, if others are to go on meanwhile.
    async fn turn<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        (id, threads): (TargetId, usize),
        pace: &Pace,
        with_others: bool,
    ) -> End {
        let is_task = matches!(self.run.context.graph.target(id).action, Action::Builtin { .. });
        if !(is_task && with_others) {
            return self.turn_here(id, threads, pace).await;
        }
        let alone = move || {
            let pace = Pace::default();
            turns::alone(&pace, self.turn_here(id, threads, &pace))
        };
        let thread = match thread::Builder::new().spawn_scoped(scope, alone) {
            Ok(thread) => thread,
            Err(error) => {
                let what = format!("the system gives no thread to run the task: {error}");
                return Ok(Executed::Failed(Failure::of(what)));
            }
        };
        while !thread.is_finished() {
            pace.pause(LOOK).await;
        }
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    async fn turn_here(&self, id: TargetId, threads: usize, pace: &Pace) -> End {
        let mut attempts = self.state().attempts.remove(&id).unwrap_or_default();
        let run = &self.run;
        let turn = Execution { run, id, pace, threads };
        let executed = turn.take(&mut attempts).await;
        if !matches!(executed, Ok(Executed::Done(..))) {
            self.state().attempts.insert(id, attempts);
        }
        executed
    }

    /// Says that a target waits for a place that another one of this build has.
    fn tell_queued(&self, queued: Queued) {
        let Queued { target, pool, holder } = queued;
        let holder = Holder {
            target: Some(self.run.context.graph.name(holder).to_owned()),
            run: Some(self.run.id),
            process: None,
        };
        let on = WaitingFor::Pool { pool, holder };
        self.run.observer.observe(&Event::Waiting { target, on });
    }

    /// Whether a target's artifacts may go, since nobody needs them any more. With `only`, who else reads them is not seen.
    fn may_go(&self, id: TargetId) -> bool {
        let graph = self.run.context.graph;
        let feeds = &graph.node(id).feeds;
        let is_read = || !feeds.is_empty() && feeds.iter().all(|reader| self.run.is_done(*reader));
        !self.run.options.only && graph.target(id).settings.temp && is_read()
    }

    /// Takes away all that may go and is still there, since an earlier build failed or had other goals.
    pub(super) fn let_all_go(&self) -> Result<(), StoreError> {
        let PlanContext { graph, files, .. } = self.run.context;
        let is_there = |id: &TargetId| {
            let mut outputs = graph.target(*id).outputs.iter();
            outputs.any(|output| files.at(&output.path).exists())
        };
        let mut all = graph
            .order()
            .iter()
            .copied()
            .filter(|id| self.may_go(*id) && is_there(id));
        all.try_for_each(|id| self.let_go(id))
    }

    fn let_go(&self, id: TargetId) -> Result<(), StoreError> {
        let PlanContext {
            graph, store, files, ..
        } = self.run.context;
        store.let_go(graph.target(id), self.run.id, files)
    }

    /// Draws the conclusions of one turn.
    fn settle(&self, schedule: &mut Schedule<'_>, id: TargetId, executed: Result<Executed, StoreError>) {
        match executed {
            Ok(Executed::Done(outcome, artifacts)) => {
                self.run.leave(id, &artifacts);
                self.run.ended(id, outcome);
                schedule.done(id, true);
            }
            Ok(Executed::Failed(failure)) => {
                self.run.ended(id, Outcome::Failed(failure));
                // Of many instances, one that fails stops only what needs it.
                let is_instance = self.run.context.graph.target(id).instance.is_some();
                if !self.run.options.keep_going && !is_instance {
                    schedule.stop();
                }
                for skipped in schedule.done(id, false) {
                    self.run.ended(skipped, Outcome::Skipped { because: id });
                }
            }
            Ok(Executed::Again(after)) => schedule.park(id, Instant::now() + after),
            Ok(Executed::Overtaken(overtaken)) => {
                self.state().overtaken.get_or_insert(overtaken);
                schedule.stop();
                schedule.park(id, Instant::now());
            }
            Ok(Executed::Interrupted) => {
                let outcome = match self.run.interrupted() {
                    true => Outcome::Interrupted,
                    false => Outcome::Superseded,
                };
                self.run.ended(id, outcome);
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
}
