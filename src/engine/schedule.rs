//! What may run next: a state machine without I/O.
//!
//! A target is ready when everything that it needs has succeeded and everything that it comes after has ended. Of
//! several ready ones, the one with the longest critical path still before it goes first.
//!
//! What runs at once takes threads, memory and places in pools, of which there are only so many. A target for which no
//! place in a pool is free lets others go first; one for which threads or memory do not suffice does not, or it would
//! wait as long as there are smaller ones.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::{Duration, Instant};

use super::graph::{Graph, TargetId};
use crate::fast_map::{FastMap, FastSet, with_room};

/// What a worker is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Attend to a target.
    Run(TargetId),
    /// Nothing before this moment, unless something ends.
    Until(Instant),
    /// Nothing before something ends.
    Wait,
    /// Nothing any more.
    Over,
}

/// What all targets that run at once may take together.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    /// How many threads they keep busy.
    pub(crate) threads: usize,
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// Built-in tasks that keep as many threads busy as they get.
    pub(crate) parallel: FastSet<TargetId>,
    /// How many threads at most make one of them faster.
    pub(crate) cores: usize,
}

/// What one target takes while it runs.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    threads: usize,
    memory: u64,
}

/// Why a target that is ready cannot run now.
enum Hindrance<'a> {
    /// There are not enough threads, or not enough memory.
    Full,
    /// No place is free in a pool; another target of the build has one.
    Pool(&'a str, TargetId),
}

/// A target that waits for a place in a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    /// The target.
    pub(crate) target: TargetId,
    /// The pool.
    pub(crate) pool: String,
    /// A target that has a place.
    pub(crate) holder: TargetId,
}

/// The order of work of one plan.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    graph: &'a Graph,
    /// How many of its predecessors in the plan have not ended, for each target of the plan that has not itself.
    open: FastMap<TargetId, usize>,
    /// The time still needed from the beginning of a target to the end of all that follows it.
    critical_path: FastMap<TargetId, Duration>,
    ready: BTreeSet<(Reverse<Duration>, TargetId)>,
    parked: BinaryHeap<Reverse<(Instant, TargetId)>>,
    running: FastMap<TargetId, Taken>,
    stopped: bool,
    budget: Budget,
    /// Who has a place in a pool.
    places: FastMap<&'a str, Vec<TargetId>>,
    /// Pools of which it was told that somebody waits.
    told: FastSet<&'a str>,
    queued: Vec<Queued>,
}

impl<'a> Schedule<'a> {
    /// Schedules some targets, given in build order with the time that each may take; what else they need is done.
    pub(crate) fn new(graph: &'a Graph, targets: &[(TargetId, Duration)], budget: Budget) -> Self {
        let mut schedule = Self {
            graph,
            open: targets.iter().map(|(id, _)| (*id, 0)).collect(),
            critical_path: with_room(targets.len()),
            ready: BTreeSet::new(),
            parked: BinaryHeap::new(),
            running: FastMap::default(),
            stopped: false,
            budget,
            places: FastMap::default(),
            told: FastSet::default(),
            queued: Vec::new(),
        };
        let waits: Vec<(TargetId, usize)> = targets
            .iter()
            .map(|(id, _)| (*id, schedule.before(*id).count()))
            .collect();
        schedule.open.extend(waits);
        for (id, time) in targets.iter().rev() {
            let feeds = &graph.node(*id).feeds;
            let after = feeds.iter().filter_map(|next| schedule.critical_path.get(next)).max();
            let critical_path = after.map_or(*time, |after| time.saturating_add(*after));
            schedule.critical_path.insert(*id, critical_path);
        }
        let free = targets.iter().filter(|(id, _)| schedule.open[id] == 0);
        let free: Vec<TargetId> = free.map(|(id, _)| *id).collect();
        for id in free {
            schedule.make_ready(id);
        }
        schedule
    }

    /// The predecessors of a target that are in the plan and have not ended; one that it needs and also comes after
    /// counts once.
    fn before(&self, id: TargetId) -> impl Iterator<Item = TargetId> {
        let node = self.graph.node(id);
        let only_after = node.after.iter().filter(|earlier| !node.needs.contains(earlier));
        let all = node.needs.iter().chain(only_after);
        all.copied().filter(|earlier| self.open.contains_key(earlier))
    }

    fn make_ready(&mut self, id: TargetId) {
        self.ready.insert((Reverse(self.critical_path[&id]), id));
    }

    /// Tells what to do at the moment `now`; a target that it gives counts as running until it is done or parked.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        while let Some(Reverse((until, id))) = self.parked.peek().copied() {
            if until > now {
                break;
            }
            self.parked.pop();
            self.make_ready(id);
        }
        if self.stopped {
            return if self.running.is_empty() {
                Next::Over
            } else {
                Next::Wait
            };
        }
        if let Some(id) = self.take_first() {
            return Next::Run(id);
        }
        match self.parked.peek() {
            Some(Reverse((until, _))) => Next::Until(*until),
            None if self.running.is_empty() => Next::Over,
            None => Next::Wait,
        }
    }

    /// Takes the first of the ready ones that can run.
    fn take_first(&mut self) -> Option<TargetId> {
        let graph = self.graph;
        let mut found = None;
        let mut queued = None;
        for entry in &self.ready {
            match self.grant(entry.1) {
                Ok(taken) => {
                    found = Some((*entry, taken));
                    break;
                }
                Err(Hindrance::Full) => break,
                Err(Hindrance::Pool(pool, holder)) => {
                    if !self.told.contains(pool) {
                        queued.get_or_insert((entry.1, pool, holder));
                    }
                }
            }
        }
        if let Some((target, pool, holder)) = queued {
            self.told.insert(pool);
            let pool = pool.to_owned();
            self.queued.push(Queued { target, pool, holder });
        }
        let (entry, taken) = found?;
        let id = entry.1;
        self.ready.remove(&entry);
        self.running.insert(id, taken);
        for pool in &graph.target(id).settings.load.pools {
            self.places.entry(pool).or_default().push(id);
        }
        Some(id)
    }

    /// What a target would take if it ran now.
    fn grant(&self, id: TargetId) -> Result<Taken, Hindrance<'a>> {
        let graph = self.graph;
        let (used_threads, used_memory) = self.running.values().fold((0, 0_u64), |(threads, memory), taken| {
            (threads + taken.threads, memory.saturating_add(taken.memory))
        });
        let free = self.budget.threads.saturating_sub(used_threads);
        let load = &graph.target(id).settings.load;
        let threads = match load.threads {
            Some(threads) => (threads as usize).min(self.budget.threads),
            None if self.budget.parallel.contains(&id) => {
                (free / self.ready.len().max(1)).clamp(1, self.budget.cores.max(1))
            }
            None => 1,
        };
        let memory = load.memory.min(self.budget.memory);
        if threads > free || memory > self.budget.memory.saturating_sub(used_memory) {
            return Err(Hindrance::Full);
        }
        for pool in &load.pools {
            let slots = graph.spec.pools.get(pool).and_then(|pool| pool.slots);
            let holders = self.places.get(pool.as_str()).map_or(&[][..], Vec::as_slice);
            if let (Some(slots), Some(first)) = (slots, holders.first())
                && holders.len() >= slots as usize
            {
                return Err(Hindrance::Pool(pool, *first));
            }
        }
        Ok(Taken { threads, memory })
    }

    /// How many threads a running target may keep busy.
    pub(crate) fn threads_of(&self, id: TargetId) -> usize {
        self.running.get(&id).map_or(1, |taken| taken.threads)
    }

    /// Targets that wait for places in pools, each pool once.
    pub(crate) fn take_queued(&mut self) -> Vec<Queued> {
        std::mem::take(&mut self.queued)
    }

    /// Frees what a target took.
    fn release(&mut self, id: TargetId) {
        self.running.remove(&id);
        for pool in &self.graph.target(id).settings.load.pools {
            if let Some(holders) = self.places.get_mut(pool.as_str()) {
                holders.retain(|holder| *holder != id);
            }
        }
    }

    /// Takes a running target back until a moment.
    pub(crate) fn park(&mut self, id: TargetId, until: Instant) {
        self.release(id);
        self.parked.push(Reverse((until, id)));
    }

    /// Ends a running target; if it failed, tells what cannot run any more because of it.
    pub(crate) fn done(&mut self, id: TargetId, succeeded: bool) -> Vec<TargetId> {
        self.release(id);
        let mut skipped = Vec::new();
        if !succeeded {
            let mut lost: Vec<TargetId> = self.graph.followers(&[id]);
            lost.retain(|id| self.open.contains_key(id));
            skipped = lost;
        }
        let mut ended = vec![id];
        ended.extend(&skipped);
        for id in &ended {
            self.open.remove(id);
        }
        for id in ended {
            self.release_after(id);
        }
        skipped
    }

    fn release_after(&mut self, ended: TargetId) {
        let node = self.graph.node(ended);
        for next in node.feeds.iter().chain(&node.awaited_by) {
            let Some(open) = self.open.get_mut(next) else {
                continue;
            };
            *open -= 1;
            if *open == 0 {
                self.make_ready(*next);
            }
        }
    }

    /// Lets nothing new begin.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// The targets that have not ended, in no order.
    pub(crate) fn left(&self) -> impl Iterator<Item = TargetId> {
        self.open.keys().copied()
    }
}
