//! A plan made again after a build that left most of it as it was: what ran, what moved meanwhile and what follows from
//! either is judged again, and the rest stands as it was judged.

use ecow::EcoString;

use super::files::{Files, Looks};
use super::graph::{ArtifactId, Graph, TargetId};
use super::judge::{Demand, content_in_place, judge};
use super::plan::{Contents, Plan, Step, Verdict, VerdictInputs};
use crate::fast_map::{FastMap, FastSet};

/// A plan, and all that it looked at.
pub(super) struct EarlierPlan {
    plan: Plan,
    looks: Looks,
}

impl EarlierPlan {
    /// A plan of which most stays; `None` where looking at the same paths again does not tell all that may have moved.
    pub(super) fn of(plan: Plan, looks: Option<Looks>) -> Option<Self> {
        let looks = looks?;
        let is_told = !looks.is_partial && looks.directories.is_empty();
        // Else a whole plan costs as little.
        let most_stays = plan.open().count() * 2 <= plan.steps.len();
        (is_told && most_stays && plan.steps.iter().all(is_plain)).then_some(Self { plan, looks })
    }

    /// The plan as of now, and all that it looked at; `None` where only a whole one can tell. `demand` says of a target
    /// why it is to run although nothing may have changed.
    pub(super) fn again(
        self,
        inputs: VerdictInputs<'_>,
        files: &Files,
        demand: &dyn Fn(TargetId) -> Demand,
    ) -> Option<(Plan, Looks)> {
        let Self { mut plan, mut looks } = self;
        let moved = looks.again(files)?;
        files.record_looks();
        let steps = judge_again(inputs, &plan, &moved, demand);
        let further = files.take_looks()?;
        looks.paths.extend(further.paths);
        let steps = steps.filter(|_| !further.is_partial && further.directories.is_empty())?;
        for (at, step) in steps {
            plan.steps[at] = step;
        }
        plan.at = inputs.disk.now();
        Some((plan, looks))
    }
}

/// Whether a verdict depends on no more than paths and what is judged before it.
fn is_plain(step: &Step) -> bool {
    step.note.is_none() && step.needed_by.is_none() && !step.is_gone
}

/// The steps that are not as they were, by their places in the plan; `None` where only a whole plan can tell.
fn judge_again(
    inputs: VerdictInputs<'_>,
    plan: &Plan,
    moved: &FastSet<EcoString>,
    demand: &dyn Fn(TargetId) -> Demand,
) -> Option<Vec<(usize, Step)>> {
    let graph = inputs.graph;
    let mut is_open = open(graph, plan, moved)?;
    let mut places = vec![usize::MAX; graph.order().len()];
    let mut contents: FastMap<TargetId, Option<Contents>> = FastMap::default();
    let mut steps = Vec::new();
    for (at, before) in plan.steps.iter().enumerate() {
        let id = before.target;
        places[id.index()] = at;
        if !is_open[id.index()] {
            continue;
        }
        for reader in &graph.node(id).feeds {
            is_open[reader.index()] = true;
        }
        let known = |artifact: ArtifactId| {
            if let Some(judged) = contents.get(&artifact.target) {
                return judged.as_ref()?.get(artifact.output as usize).copied().flatten();
            }
            let step = plan.steps.get(places[artifact.target.index()])?;
            let recorded = step.history.record()?.artifact(graph.port(artifact))?;
            content_in_place(inputs.disk, graph.path(artifact), recorded)
        };
        let (step, left) = judge(inputs, id, &known, demand(id)).ok()?;
        if !is_plain(&step) {
            return None;
        }
        contents.insert(id, left);
        steps.push((at, step));
    }
    Some(steps)
}

/// The targets that were not fresh, and those at whose files something moved; `None` if a path moved that is nobody's.
fn open(graph: &Graph, plan: &Plan, moved: &FastSet<EcoString>) -> Option<Vec<bool>> {
    let mut is_open = vec![false; graph.order().len()];
    let mut seen: FastSet<&str> = FastSet::default();
    for step in &plan.steps {
        let reads = graph.node(step.target).reads.iter().map(|read| read.path.as_str());
        let outputs = graph
            .target(step.target)
            .outputs
            .iter()
            .map(|output| output.path.as_str());
        let records = step.history.record().into_iter();
        let used = records.flat_map(|record| &record.discovered).map(|it| it.path.as_str());
        let all = reads.chain(outputs).chain(used);
        let own: Vec<&str> = all.filter(|path| !moved.is_empty() && moved.contains(*path)).collect();
        is_open[step.target.index()] = !own.is_empty() || step.verdict != Verdict::Fresh;
        seen.extend(own);
    }
    (seen.len() == moved.len()).then_some(is_open)
}
