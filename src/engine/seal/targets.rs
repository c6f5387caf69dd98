//! The targets of a seal: what reports tell of those that are all fresh, kept behind the groups so that neither graph nor
//! records are read for it.
//!
//! They become a plan again, and a graph that knows names and what needs what. What is fresh has no reasons, so that is all
//! that a report of such a plan asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::engine::digest::Digest;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::{Plan, Step, Verdict};
use crate::engine::run_id::RunId;
use crate::engine::spec::{Goal, Instance, Spec, Target};
use crate::engine::store::History;

/// What is told of targets that are all fresh.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::engine) struct SealedTargets {
    /// In build order; their places are the numbers by which they go here.
    targets: Vec<SealedTarget>,
    goals: Vec<u32>,
    aliases: BTreeMap<String, Vec<Goal>>,
    /// Whether each build ends with a page.
    report: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct SealedTarget {
    name: String,
    instance: Option<Box<Instance>>,
    needs: Vec<u32>,
    declared: Option<Digest>,
    last: Option<Duration>,
    /// The run that made the result in place, the one that placed it, and the milliseconds of the attempt.
    made: Option<(RunId, RunId, u64)>,
    failed: Option<(RunId, u32)>,
    is_gone: bool,
}

impl SealedTargets {
    /// Those of a plan in which all is fresh.
    pub(super) fn of(plan: &Plan, graph: &Graph) -> Self {
        let mut places = vec![0; graph.order().len()];
        for (place, step) in (0_u32..).zip(&plan.steps) {
            places[step.target.index()] = place;
        }
        let places_of = |ids: &[TargetId]| ids.iter().map(|id| places[id.index()]).collect();
        let target = |step: &Step| SealedTarget {
            name: graph.name(step.target).to_owned(),
            instance: graph.target(step.target).instance.clone(),
            needs: places_of(&graph.node(step.target).needs),
            declared: step.declared,
            last: step.last,
            made: step.history.record().map(|it| (it.run, it.placed_by, it.duration)),
            failed: step.history.failed(),
            is_gone: step.is_gone,
        };
        Self {
            targets: plan.steps.par_iter().with_min_len(1000).map(target).collect(),
            goals: places_of(&plan.goals),
            aliases: graph.spec.aliases.clone(),
            report: graph.spec.report,
        }
    }

    /// The plan as of a moment for some of them by their names, without names for what the seal was made for; `None` if a
    /// name means none of them, or something of which only the whole graph knows what it means.
    pub(super) fn plan(self, names: &[String], at: SystemTime) -> Option<(Graph, Plan)> {
        let is_known = |place: &u32| (*place as usize) < self.targets.len();
        let mut places = self.targets.iter().flat_map(|target| &target.needs).chain(&self.goals);
        if !places.all(is_known) {
            return None;
        }
        let ids = |places: Vec<u32>| -> Vec<TargetId> { places.into_iter().map(TargetId).collect() };
        let mut goals = ids(self.goals);
        let mut spec = Spec {
            aliases: self.aliases,
            report: self.report,
            targets: Vec::with_capacity(self.targets.len()),
            ..Spec::default()
        };
        let mut needs = Vec::with_capacity(self.targets.len());
        let mut steps = Vec::with_capacity(self.targets.len());
        for (id, target) in (0..).map(TargetId).zip(self.targets) {
            spec.targets.push(Target {
                name: target.name,
                instance: target.instance,
                ..Target::default()
            });
            needs.push(ids(target.needs));
            steps.push(Step {
                target: id,
                declared: target.declared,
                fingerprint: None,
                verdict: Verdict::Fresh,
                waits_for: Vec::new(),
                note: None,
                deadline: None,
                last: target.last,
                history: Arc::new(History::outline(target.made, target.failed)),
                is_gone: target.is_gone,
                needed_by: None,
            });
        }
        let graph = Graph::outline(spec, needs);
        if !names.is_empty() {
            goals = graph.goals(names).ok()?;
            let mut is_needed = vec![false; steps.len()];
            for id in graph.needed(&goals) {
                is_needed[id.index()] = true;
            }
            steps.retain(|step| is_needed[step.target.index()]);
        }
        Some((graph, Plan { goals, steps, at }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::clock;

    /// Two instances, the second of which needs the first and is the goal.
    pub(in crate::engine::seal) fn example() -> SealedTargets {
        let run = RunId::new();
        let target = |value: &str, needs: Vec<u32>| SealedTarget {
            name: format!("t@{value}"),
            instance: Some(Box::new(Instance {
                of: "t".to_owned(),
                axes: vec![("axis".to_owned(), value.to_owned())],
            })),
            needs,
            declared: Some(Digest::of(value.as_bytes())),
            last: Some(Duration::from_secs(1)),
            made: Some((run, run, 1000)),
            failed: Some((run, 2)),
            is_gone: true,
        };
        SealedTargets {
            targets: vec![target("A", Vec::new()), target("B", vec![0])],
            goals: vec![1],
            aliases: BTreeMap::new(),
            report: false,
        }
    }

    #[test]
    fn a_goal_has_what_it_needs_and_no_more() {
        let steps = |goals: &[&str]| {
            let names: Vec<String> = goals.iter().map(ToString::to_string).collect();
            let (graph, plan) = example().plan(&names, clock::now())?;
            let name = |id: TargetId| graph.name(id).to_owned();
            let goals: Vec<String> = plan.goals.iter().map(|id| name(*id)).collect();
            let steps: Vec<String> = plan.steps.iter().map(|step| name(step.target)).collect();
            Some((goals.join(" "), steps.join(" ")))
        };
        let told = |goals: &str, steps: &str| Some((goals.to_owned(), steps.to_owned()));
        assert_eq!(steps(&[]), told("t@B", "t@A t@B"));
        assert_eq!(steps(&["t@A"]), told("t@A", "t@A"));
        assert_eq!(steps(&["t@B"]), told("t@B", "t@A t@B"));
        assert_eq!(steps(&["t"]), told("t@A t@B", "t@A t@B"));
        assert_eq!(steps(&["t@A", "t@C"]), None);
    }

    #[test]
    fn what_needs_a_target_that_is_not_there_is_no_plan() {
        for wrong in [2, u32::MAX] {
            let mut targets = example();
            targets.targets[0].needs.push(wrong);
            assert!(targets.plan(&[], clock::now()).is_none());
            let mut targets = example();
            targets.goals.push(wrong);
            assert!(targets.plan(&[], clock::now()).is_none());
        }
    }
}
