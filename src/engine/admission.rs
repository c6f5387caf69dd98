//! What an attempt may use of the machine and of the outside: threads, and the rates of its pools.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::attempt::Attempt;
use super::attempt_error::AttemptError;
use super::event::{Event, WaitingFor};
use super::graph::TargetId;
use super::look::Look as _;
use super::plan::PlanContext;
use super::spec::{Action, Rate};
use super::store::StoreError;
use super::task::{Context, Task, TaskError, request_pool};
use super::turns::{self, LOOK, Pace};

impl Attempt<'_> {
    /// Lets a task work with the threads that it was given, and no more.
    pub(super) fn with_threads(&self, task: &dyn Task, context: &Context<'_>) -> Result<(), TaskError> {
        let all = rayon::current_num_threads();
        // With all of them nobody else uses any.
        if !task.is_parallel() || self.threads >= all {
            return task.run(context);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.map_err(|error| TaskError::new(format!("the system gives no threads: {error}")))?;
        pool.install(|| task.run(context))
    }

    /// Waits until a command may start.
    pub(super) async fn may_start(&self, pace: &Pace) -> Result<(), AttemptError> {
        let tell = |pool: &str| {
            let on = WaitingFor::Rate { pool: pool.to_owned() };
            self.observer.observe(&Event::Waiting {
                target: self.target,
                on,
            });
        };
        let context = self.context;
        match context
            .wait_for_rates(context.rates(self.target), pace, &|| self.interrupted(), &tell)
            .await?
        {
            true => Ok(()),
            false => Err(AttemptError::Interrupted),
        }
    }

    /// Waits until a task may send a request, unless the attempt or the request is over before.
    pub(super) fn admit(&self, cancelled: &AtomicBool, is_over: &dyn Fn() -> bool) -> Result<(), TaskError> {
        let is_over = || cancelled.load(Ordering::Relaxed) || is_over();
        // A task that sends many waits often: its line says so, and no line of its own each time.
        let tell = |pool: &str| {
            let message = match pool.strip_prefix("task.") {
                Some(task) => format!("waits for the rate of {task}"),
                None => format!("waits for the rate of pool {pool}"),
            };
            self.observer.observe(&Event::Progress {
                target: self.target,
                message,
            });
        };
        match self.context.may_send(self.target, &is_over, &tell) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TaskError::stopped()),
            Err(error) => Err(TaskError::new(error.to_string())),
        }
    }
}

impl PlanContext<'_> {
    /// The pools of a target that have a rate.
    fn rates(&self, target: TargetId) -> Vec<(Cow<'_, str>, Rate)> {
        let graph = self.graph;
        let names = graph.target(target).settings.load.pools.iter();
        names
            .filter_map(|name| Some((Cow::Borrowed(name.as_str()), graph.spec.pools.get(name)?.rate?)))
            .collect()
    }

    /// The rates of a request: those of a target's pools, or else the task's own, under a name that no pool can have.
    fn rates_of_requests(&self, target: TargetId) -> Vec<(Cow<'_, str>, Rate)> {
        let declared = self.rates(target);
        let Action::Builtin { task, .. } = &self.graph.target(target).action else {
            return declared;
        };
        let own = self.tasks.get(task).and_then(Task::rate);
        match own.filter(|_| declared.is_empty()) {
            Some(rate) => vec![(Cow::Owned(request_pool(task)), rate)],
            None => declared,
        }
    }

    /// Waits until a task may send a request; `false` if it is over before.
    pub(super) fn may_send(
        &self,
        target: TargetId,
        is_over: &dyn Fn() -> bool,
        tell: &dyn Fn(&str),
    ) -> Result<bool, StoreError> {
        let pace = Pace::default();
        turns::alone(
            &pace,
            self.wait_for_rates(self.rates_of_requests(target), &pace, is_over, tell),
        )
    }

    /// Counts a start in each pool that has a rate, as soon as it may be, and tells of a pool that is waited for; `false`
    /// if it is over before.
    async fn wait_for_rates(
        &self,
        rates: Vec<(Cow<'_, str>, Rate)>,
        pace: &Pace,
        is_over: &dyn Fn() -> bool,
        tell: &dyn Fn(&str),
    ) -> Result<bool, StoreError> {
        for (pool, rate) in rates {
            let mut told = false;
            loop {
                if is_over() {
                    return Ok(false);
                }
                let now = self.files.now();
                let Some(wait) = self.store.start_in(&pool, rate, now)? else {
                    break;
                };
                if !std::mem::replace(&mut told, true) {
                    tell(&pool);
                }
                pace.pause(wait.min(LOOK)).await;
            }
        }
        Ok(true)
    }
}
