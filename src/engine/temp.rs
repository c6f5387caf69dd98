//! Targets whose artifacts may go once all that reads them is built (`temp`): when they are made again.
//!
//! ```text
//! gone, and all readers fresh or restored      ─▶ fresh: its record tells what was there
//! gone, and a reader has to run                ─▶ stale, needed by it; its other readers wait for what it makes
//! gone, and a reader may have to run           ─▶ undecided: whether it has to is seen at the reader's turn
//! ```

use std::collections::BTreeMap;

use super::graph::{Graph, TargetId};
use super::judge::Judged;
use super::plan::{Step, Verdict, VerdictInputs};

/// Targets that are to be made again, each with the one for which; with itself if it is asked for alone.
pub(super) type Demands = BTreeMap<TargetId, TargetId>;

/// Whether a target runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Runs {
    No,
    Perhaps,
    Yes,
}

impl Runs {
    fn of(step: &Step) -> Self {
        match &step.verdict {
            Verdict::Fresh | Verdict::Held { .. } | Verdict::Stale { restore: Some(_), .. } => Self::No,
            Verdict::Undecided => Self::Perhaps,
            Verdict::Stale { restore: None, .. } => Self::Yes,
        }
    }
}

/// Further targets whose artifacts are gone and that a target that has to run reads, or that are asked for alone; `None`
/// if there are none.
pub(super) fn demands(inputs: VerdictInputs<'_>, judged: &[Judged], known: &Demands) -> Option<Demands> {
    let graph = inputs.graph;
    if !has_gone(judged) {
        return None;
    }
    let mut more = Demands::new();
    let mut runs = Readers::new(graph);
    for step in backwards(judged) {
        let id = step.target;
        let asked_for = inputs.alone.is_some_and(|goals| goals.contains(&id)).then_some(id);
        let reader = runs.first(graph, id, Runs::Yes).or(asked_for);
        let is_needed = step.is_gone && step.needed_by.is_none() && Runs::of(step) < Runs::Yes;
        match reader.filter(|_| is_needed && !known.contains_key(&id)) {
            Some(reader) => {
                more.insert(id, reader);
                runs.note(id, Runs::Yes);
            }
            None => runs.note(id, Runs::of(step)),
        }
    }
    (!more.is_empty()).then_some(more)
}

/// Marks as undecided what is gone, is fresh, and is read by a target that may have to run.
pub(super) fn mark_undecided(graph: &Graph, judged: &mut [Judged]) {
    if !has_gone(judged) {
        return;
    }
    let mut runs = Readers::new(graph);
    let mut waits_for: BTreeMap<TargetId, Vec<TargetId>> = BTreeMap::new();
    for step in judged
        .iter_mut()
        .rev()
        .filter_map(|judged| judged.as_mut().ok())
        .map(|(step, _)| step)
    {
        let id = step.target;
        if step.is_gone
            && step.verdict == Verdict::Fresh
            && let Some(reader) = runs.first(graph, id, Runs::Perhaps)
        {
            step.verdict = Verdict::Undecided;
            step.waits_for = waits_for.get(&reader).cloned().unwrap_or_default();
        }
        waits_for.insert(id, step.waits_for.clone());
        runs.note(id, Runs::of(step));
    }
}

fn has_gone(judged: &[Judged]) -> bool {
    judged.iter().flatten().any(|(step, _)| step.is_gone)
}

fn backwards(judged: &[Judged]) -> impl Iterator<Item = &Step> {
    judged.iter().rev().flatten().map(|(step, _)| step)
}

/// Whether those run that stand behind a target.
struct Readers(Vec<Runs>);

impl Readers {
    fn new(graph: &Graph) -> Self {
        Self(vec![Runs::No; graph.order().len()])
    }

    fn note(&mut self, id: TargetId, runs: Runs) {
        self.0[id.index()] = runs;
    }

    /// The first that reads a target and runs, at least so likely.
    fn first(&self, graph: &Graph, id: TargetId, least: Runs) -> Option<TargetId> {
        let mut feeds = graph.node(id).feeds.iter().copied();
        feeds.find(|reader| self.0[reader.index()] >= least)
    }
}
