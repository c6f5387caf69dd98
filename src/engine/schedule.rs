//! What may run next: a state machine without I/O.
//!
//! A target is ready when everything that it needs has succeeded and everything that it comes after has ended. Of
//! several ready ones, the one with the longest critical path still before it goes first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::time::{Duration, Instant};

use super::graph::{Graph, TargetId};

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

/// The order of work of one plan.
#[derive(Debug)]
pub(crate) struct Schedule<'a> {
    graph: &'a Graph,
    /// How many of its predecessors in the plan have not ended, for each target of the plan that has not itself.
    open: HashMap<TargetId, usize>,
    /// The time still needed from the beginning of a target to the end of all that follows it.
    critical_path: HashMap<TargetId, Duration>,
    ready: BTreeSet<(Reverse<Duration>, TargetId)>,
    parked: BinaryHeap<Reverse<(Instant, TargetId)>>,
    running: usize,
    stopped: bool,
}

impl<'a> Schedule<'a> {
    /// Schedules some targets, given in build order with the time that each may take; what else they need is done.
    pub(crate) fn new(graph: &'a Graph, targets: &[(TargetId, Duration)]) -> Self {
        let mut schedule = Self {
            graph,
            open: targets.iter().map(|(id, _)| (*id, 0)).collect(),
            critical_path: HashMap::with_capacity(targets.len()),
            ready: BTreeSet::new(),
            parked: BinaryHeap::new(),
            running: 0,
            stopped: false,
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
            return if self.running == 0 { Next::Over } else { Next::Wait };
        }
        if let Some((_, id)) = self.ready.pop_first() {
            self.running += 1;
            return Next::Run(id);
        }
        match self.parked.peek() {
            Some(Reverse((until, _))) => Next::Until(*until),
            None if self.running == 0 => Next::Over,
            None => Next::Wait,
        }
    }

    /// Takes a running target back until a moment.
    pub(crate) fn park(&mut self, id: TargetId, until: Instant) {
        self.running -= 1;
        self.parked.push(Reverse((until, id)));
    }

    /// Ends a running target; if it failed, tells what cannot run any more because of it.
    pub(crate) fn done(&mut self, id: TargetId, succeeded: bool) -> Vec<TargetId> {
        self.running -= 1;
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
        for next in self.graph.node(ended).next.clone() {
            let Some(open) = self.open.get_mut(&next) else {
                continue;
            };
            *open -= 1;
            if *open == 0 {
                self.make_ready(next);
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
