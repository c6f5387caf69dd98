//! Many instances of one target as one node: which are put together, and in which order the nodes stand.

use std::collections::{HashMap, HashSet};

use crate::engine::graph::{Graph, TargetId};

/// Most instances of a target that are drawn each for itself.
const EACH: usize = 3;

/// Nodes that stand for several targets.
#[derive(Debug, Default)]
pub(super) struct Collapsed {
    /// The node that stands for a target, where it is not the target itself.
    node: HashMap<TargetId, TargetId>,
    /// The targets of such a node.
    members: HashMap<TargetId, Vec<TargetId>>,
    /// All nodes, each after those that it needs.
    pub(super) order: Vec<TargetId>,
}

impl Collapsed {
    /// Puts the instances of each target together, but for those that then would need each other in a circle.
    pub(super) fn new(graph: &Graph, targets: &[TargetId]) -> Self {
        let mut apart: HashSet<&str> = HashSet::new();
        loop {
            let mut collapsed = Self::of(graph, targets, &apart);
            let left = collapsed.sort(graph, targets);
            let before = apart.len();
            let instances = left.iter().filter_map(|id| graph.target(*id).instance.as_ref());
            apart.extend(instances.map(|instance| instance.of.as_str()));
            if apart.len() == before {
                return collapsed;
            }
        }
    }

    fn of<'g>(graph: &'g Graph, targets: &[TargetId], apart: &HashSet<&'g str>) -> Self {
        let mut groups: HashMap<&str, Vec<TargetId>> = HashMap::new();
        for id in targets {
            if let Some(instance) = &graph.target(*id).instance {
                groups.entry(&instance.of).or_default().push(*id);
            }
        }
        let mut collapsed = Self::default();
        for (of, members) in groups {
            if members.len() > EACH && !apart.contains(of) {
                collapsed.node.extend(members.iter().map(|id| (*id, members[0])));
                collapsed.members.insert(members[0], members);
            }
        }
        collapsed
    }

    /// Puts the nodes in order; gives those that stand in a circle or behind one.
    fn sort(&mut self, graph: &Graph, targets: &[TargetId]) -> Vec<TargetId> {
        let nodes: Vec<TargetId> = targets.iter().copied().filter(|id| self.node(*id) == *id).collect();
        let is_drawn: HashSet<TargetId> = targets.iter().copied().collect();
        let mut waiting: HashMap<TargetId, HashSet<TargetId>> = HashMap::new();
        let mut next: HashMap<TargetId, Vec<TargetId>> = HashMap::new();
        for id in targets {
            let edges = graph.node(*id);
            let node = self.node(*id);
            let waits = waiting.entry(node).or_default();
            for earlier in edges
                .needs
                .iter()
                .chain(&edges.after)
                .filter(|it| is_drawn.contains(it))
            {
                let earlier = self.node(*earlier);
                if earlier != node && waits.insert(earlier) {
                    next.entry(earlier).or_default().push(node);
                }
            }
        }
        let is_ready = |waiting: &HashMap<_, HashSet<_>>, id: &TargetId| waiting.get(id).is_none_or(HashSet::is_empty);
        let mut ready: std::collections::VecDeque<TargetId> =
            nodes.iter().copied().filter(|id| is_ready(&waiting, id)).collect();
        while let Some(id) = ready.pop_front() {
            self.order.push(id);
            for later in next.remove(&id).unwrap_or_default() {
                if let Some(waits) = waiting.get_mut(&later) {
                    waits.remove(&id);
                }
                if is_ready(&waiting, &later) {
                    ready.push_back(later);
                }
            }
        }
        let done: HashSet<&TargetId> = self.order.iter().collect();
        nodes.into_iter().filter(|id| !done.contains(id)).collect()
    }

    /// Whether no node stands for several targets.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The node that stands for a target.
    pub(super) fn node(&self, id: TargetId) -> TargetId {
        self.node.get(&id).copied().unwrap_or(id)
    }

    /// The targets that a node stands for, if they are several.
    pub(super) fn members(&self, node: TargetId) -> Option<&[TargetId]> {
        self.members.get(&node).map(Vec::as_slice)
    }
}
