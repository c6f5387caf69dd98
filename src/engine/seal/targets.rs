//! The targets of a seal: what reports tell of those that are all fresh, kept behind the groups so that neither graph nor
//! records are read for it.
//!
//! They become a plan again, and a graph that knows names and what needs what. What is fresh has no reasons, so that is all
//! that a report of such a plan asks for. Of some goals, only the targets that they need are decoded.
//!
//! ```text
//! targets, one behind the other ─▶ where each begins ─▶ directory of names ─▶ the rest
//! ```

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::engine::digest::Digest;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::packed::{self, Directory, Places};
use crate::engine::plan::{Plan, Step, Verdict};
use crate::engine::run_id::RunId;
use crate::engine::spec::{Goal, Instance, Spec, Target, base_name};
use crate::engine::store::{History, bounded};

/// What is told of targets that are all fresh.
#[derive(Debug)]
pub(in crate::engine) struct SealedTargets {
    /// In build order; their places are the numbers by which they go here.
    targets: Vec<SealedTarget>,
    rest: Rest,
}

/// What is told beside the targets.
#[derive(Debug, Serialize, Deserialize)]
struct Rest {
    goals: Vec<u32>,
    aliases: BTreeMap<String, Vec<Goal>>,
    /// The names of targets all of whose instances are among them.
    whole: BTreeSet<String>,
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
            rest: Rest {
                goals: places_of(&plan.goals),
                aliases: graph.spec.aliases.clone(),
                whole: whole(plan, graph),
                report: graph.spec.report,
            },
        }
    }

    /// Their bytes, with where each part begins.
    pub(super) fn encode(&self) -> (Vec<u8>, TargetsAt) {
        let mut bytes = Vec::new();
        let mut starts = Vec::with_capacity(self.targets.len());
        let mut names = Places::default();
        for (place, target) in (0..).zip(&self.targets) {
            starts.push(bytes.len() as u64);
            names.push(&target.name, place);
            if let Some(instance) = &target.instance {
                names.push(&instance.of, place);
            }
            packed::append(target, &mut bytes);
        }
        let starts_at = bytes.len();
        bytes.extend(starts.iter().flat_map(|at| at.to_le_bytes()));
        let names_at = bytes.len();
        bytes.extend(names.encode());
        let rest_at = bytes.len();
        packed::append(&self.rest, &mut bytes);
        let at = TargetsAt {
            start: 0,
            starts_at,
            names_at,
            rest_at,
        };
        (bytes, at)
    }
}

/// The names of targets all of whose instances are in a plan.
fn whole(plan: &Plan, graph: &Graph) -> BTreeSet<String> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for instance in graph.spec.targets.iter().filter_map(|target| target.instance.as_ref()) {
        *open.entry(&instance.of).or_default() += 1;
    }
    let planned = plan.steps.iter().map(|step| graph.target(step.target));
    for instance in planned.filter_map(|target| target.instance.as_ref()) {
        open.entry(&instance.of).and_modify(|count| *count -= 1);
    }
    let whole = open.into_iter().filter(|(_, count)| *count == 0);
    whole.map(|(name, _)| name.to_owned()).collect()
}

/// Where the parts are in the bytes of a seal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct TargetsAt {
    start: usize,
    starts_at: usize,
    names_at: usize,
    rest_at: usize,
}

impl TargetsAt {
    /// The same behind other bytes.
    pub(super) fn behind(self, length: usize) -> Self {
        Self {
            start: self.start + length,
            starts_at: self.starts_at + length,
            names_at: self.names_at + length,
            rest_at: self.rest_at + length,
        }
    }
}

/// Bytes of where a target begins.
const START: usize = 8;

/// The targets as they are kept, each decoded when it is asked for.
struct Kept<'b> {
    targets: &'b [u8],
    starts: &'b [u8],
    names: Directory<'b>,
    rest: Rest,
}

impl<'b> Kept<'b> {
    fn of(bytes: &'b [u8], at: TargetsAt) -> Option<Self> {
        Some(Self {
            targets: bytes.get(at.start..at.starts_at)?,
            starts: bytes.get(at.starts_at..at.names_at)?,
            names: Directory::of(bytes.get(at.names_at..at.rest_at)?),
            rest: bounded::decode(bytes.get(at.rest_at..)?)?.0,
        })
    }

    fn len(&self) -> usize {
        self.starts.len() / START
    }

    fn target(&self, place: u32) -> Option<SealedTarget> {
        let place = place as usize;
        let start = self.starts.get(place * START..)?.first_chunk()?;
        let start = usize::try_from(u64::from_le_bytes(*start)).ok()?;
        packed::value(self.targets.get(start..)?)
    }

    /// The targets with a name, or whose instances of it they are; and others whose names have the same hash.
    fn with_name(&self, name: &str) -> impl Iterator<Item = u32> {
        self.names.places_of(name).filter_map(|place| place.try_into().ok())
    }

    /// All of them, by their places.
    fn all(&self) -> Option<Vec<(u32, SealedTarget)>> {
        let places = 0..u32::try_from(self.len()).ok()?;
        let targets = places.into_par_iter().with_min_len(1000);
        targets.map(|place| Some((place, self.target(place)?))).collect()
    }

    /// The targets that may be meant by a name; `None` if others may be as well.
    fn meant(&self, name: &str) -> Option<Vec<u32>> {
        let is_it = |place: &u32| self.target(*place).is_some_and(|target| target.name == name);
        let all: Vec<u32> = self.with_name(name).chain(self.with_name(base_name(name))).collect();
        (self.rest.whole.contains(base_name(name)) || all.iter().any(is_it)).then_some(all)
    }

    /// Those that may be meant by some names, and what they need, by their places; `None` if others may be as well.
    fn needed(&self, names: &[String]) -> Option<Vec<(u32, SealedTarget)>> {
        let mut texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut open = Vec::new();
        while let Some(name) = texts.pop() {
            match self.rest.aliases.get(name) {
                Some(goals) => texts.extend(goals.iter().map(|goal| goal.name.as_str())),
                None => open.extend(self.meant(name)?),
            }
        }
        let mut found = BTreeMap::new();
        while let Some(place) = open.pop() {
            if let Entry::Vacant(free) = found.entry(place) {
                let target = free.insert(self.target(place)?);
                open.extend(&target.needs);
            }
        }
        Some(found.into_iter().collect())
    }
}

/// The plan in which all is fresh, with a graph of no more than its targets.
pub(super) struct SealedPlan {
    pub(super) graph: Graph,
    pub(super) plan: Plan,
    /// The places of the plan's targets among all, sorted.
    pub(super) places: Vec<u32>,
}

impl SealedPlan {
    /// As of a moment, out of the bytes of a seal: for some goals by their names, without names for what the seal was made
    /// for. `None` if a name means none of its targets, or something of which only the whole graph knows what it means.
    pub(super) fn of(bytes: &[u8], targets: TargetsAt, names: &[String], at: SystemTime) -> Option<Self> {
        let kept = Kept::of(bytes, targets)?;
        let found = match names.is_empty() {
            true => kept.all()?,
            false => kept.needed(names)?,
        };
        let places: Vec<u32> = found.iter().map(|(place, _)| *place).collect();
        let id_of = |place: &u32| Some(TargetId(u32::try_from(places.binary_search(place).ok()?).ok()?));
        let ids = |places: &[u32]| -> Option<Box<[TargetId]>> { places.iter().map(id_of).collect() };
        let Rest {
            goals, aliases, report, ..
        } = kept.rest;
        let mut spec = Spec {
            aliases,
            report,
            targets: Vec::with_capacity(found.len()),
            ..Spec::default()
        };
        let mut needs = Vec::with_capacity(found.len());
        let mut steps = Vec::with_capacity(found.len());
        for (id, (_, target)) in (0..).map(TargetId).zip(found) {
            needs.push(ids(&target.needs)?);
            spec.targets.push(Target {
                name: target.name.into(),
                instance: target.instance,
                ..Target::default()
            });
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
        let goals = match names.is_empty() {
            true => ids(&goals)?.into(),
            false => graph.goals(names).ok()?,
        };
        if !names.is_empty() {
            let mut is_needed = vec![false; steps.len()];
            for id in graph.needed(&goals) {
                is_needed[id.index()] = true;
            }
            steps.retain(|step| is_needed[step.target.index()]);
        }
        let places = steps.iter().map(|step| places[step.target.index()]).collect();
        let plan = Plan { goals, steps, at };
        Some(Self { graph, plan, places })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::clock;
    use crate::engine::spec::Span;

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
            rest: Rest {
                goals: vec![1],
                aliases: BTreeMap::from([("both".to_owned(), vec![goal("t@B"), goal("t@A")])]),
                whole: BTreeSet::from(["t".to_owned()]),
                report: false,
            },
        }
    }

    fn goal(name: &str) -> Goal {
        Goal {
            name: name.to_owned(),
            span: Span::default(),
        }
    }

    /// The plan out of the bytes that are kept.
    fn plan(targets: &SealedTargets, names: &[&str]) -> Option<SealedPlan> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let (bytes, at) = targets.encode();
        let before = b"before";
        let bytes = [&before[..], &bytes].concat();
        SealedPlan::of(&bytes, at.behind(before.len()), &names, clock::now())
    }

    #[test]
    fn a_goal_has_what_it_needs_and_no_more() {
        let steps = |goals: &[&str]| {
            let SealedPlan { graph, plan, places } = plan(&example(), goals)?;
            assert_eq!(places.len(), plan.steps.len());
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
        assert_eq!(steps(&["both"]), told("t@A t@B", "t@A t@B"));
        let mut some = example();
        some.rest.whole.clear();
        let is_told = |goal: &str| plan(&some, &[goal]).is_some();
        assert!(is_told("t@A") && is_told("both"));
        assert!(!is_told("t") && !is_told("t@*"), "another instance may be stale");
        let places = |goals: &[&str]| plan(&example(), goals).map(|it| it.places);
        assert_eq!(places(&["t@A"]), Some(vec![0]));
        assert_eq!(places(&["t"]), Some(vec![0, 1]));
    }

    #[test]
    fn what_needs_a_target_that_is_not_there_is_no_plan() {
        for wrong in [2, u32::MAX] {
            let mut targets = example();
            targets.targets[0].needs.push(wrong);
            assert!(plan(&targets, &[]).is_none() && plan(&targets, &["t@A"]).is_none());
            let mut targets = example();
            targets.rest.goals.push(wrong);
            assert!(plan(&targets, &[]).is_none());
        }
    }
}
