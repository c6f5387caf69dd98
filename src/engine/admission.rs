//! What an attempt may use of the machine and of the outside: threads, and the rates of its pools.

use std::sync::atomic::{AtomicBool, Ordering};

use super::attempt::{Attempt, AttemptError};
use super::event::{Event, WaitingFor};
use super::look::Look as _;
use super::spec::Rate;
use super::store::StoreError;
use super::task::{Context, Task, TaskError};
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

    /// The pools of the target that have a rate.
    fn rates(&self) -> Vec<(&str, Rate)> {
        let graph = self.context.graph;
        let names = graph.target(self.target).load.pools.iter();
        names
            .filter_map(|name| Some((name.as_str(), graph.spec.pools.get(name)?.rate?)))
            .collect()
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
        match self.wait_for_rates(pace, &|| self.interrupted(), &tell).await? {
            true => Ok(()),
            false => Err(AttemptError::Interrupted),
        }
    }

    /// Waits until a task may send a request.
    pub(super) fn admit(&self, cancelled: &AtomicBool) -> Result<(), TaskError> {
        let pace = Pace::default();
        let is_over = || cancelled.load(Ordering::Relaxed);
        // A task that sends many waits often: its line says so, and no line of its own each time.
        let tell = |pool: &str| {
            let message = format!("waits for the rate of pool {pool}");
            self.observer.observe(&Event::Progress {
                target: self.target,
                message,
            });
        };
        match turns::alone(&pace, self.wait_for_rates(&pace, &is_over, &tell)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TaskError::stopped()),
            Err(error) => Err(TaskError::new(error.to_string())),
        }
    }

    /// Counts a start in each pool that has a rate, as soon as it may be, and tells of a pool that is waited for; `false`
    /// if it is over before.
    async fn wait_for_rates(
        &self,
        pace: &Pace,
        is_over: &dyn Fn() -> bool,
        tell: &dyn Fn(&str),
    ) -> Result<bool, StoreError> {
        for (pool, rate) in self.rates() {
            let mut told = false;
            loop {
                if is_over() {
                    return Ok(false);
                }
                let now = self.context.files.now();
                let Some(wait) = self.context.store.start_in(pool, rate, now)? else {
                    break;
                };
                if !std::mem::replace(&mut told, true) {
                    tell(pool);
                }
                pace.pause(wait.min(LOOK)).await;
            }
        }
        Ok(true)
    }
}
