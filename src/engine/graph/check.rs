//! What is checked of the whole: names, paths, globs, and that there is no circle.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};

use ecow::EcoString;

use super::glob::Compiled;
use super::links::{Leads, Links};
use super::{ArtifactId, Edges, Graph, GraphError, Name, Places, TargetId, beginning_with};
use crate::engine::spec::{ArtifactKind, Axis, AxisSource, ParamsFile, Spec, base_name};
use crate::engine::store::DIRECTORY;
use crate::fast_map::{FastMap, with_room};

/// Targets and artifacts by name and path, and what is wrong with them.
pub(super) struct NameIndex {
    pub(super) by_name: FastMap<EcoString, Name>,
    pub(super) by_path: Places,
    /// Artifacts whose declared path leads elsewhere through a link, by where it leads.
    pub(super) by_real: Places,
    pub(super) errors: Vec<GraphError>,
}

/// Indexes targets by name; where an artifact has the same, the target is meant.
pub(super) fn targets_by_name(spec: &Spec, by_name: &mut FastMap<EcoString, Name>) {
    for (id, target) in (0..).map(TargetId).zip(&spec.targets) {
        by_name.insert(target.name.clone(), Name::Target(id));
        if let Some(instance) = &target.instance {
            match by_name.get_mut(instance.of.as_str()) {
                Some(Name::Instances(all)) => all.push(id),
                _ => drop(by_name.insert(instance.of.as_str().into(), Name::Instances(vec![id]))),
            }
        }
    }
}

/// Indexes targets and artifacts by name and path; tells paths with two writers, paths inside a directory that is
/// itself an artifact, and paths that a link leads to where nothing can be written.
pub(super) fn names(spec: &Spec, links: &mut Links) -> NameIndex {
    let (by_name, (by_path, by_real, errors)) = match spec.targets.len() {
        0..MANY => (by_name(spec), by_place(spec, links)),
        _ => rayon::join(|| by_name(spec), || by_place(spec, links)),
    };
    NameIndex {
        by_name,
        by_path,
        by_real,
        errors,
    }
}

/// So many targets are indexed by name and path side by side.
const MANY: usize = 1000;

fn by_name(spec: &Spec) -> FastMap<EcoString, Name> {
    let mut by_name = with_room(spec.targets.len());
    for (id, target) in (0..).map(TargetId).zip(&spec.targets) {
        for (at, output) in (0..).zip(&target.outputs) {
            let artifact = ArtifactId { target: id, output: at };
            match by_name.entry(output.name.clone()) {
                Entry::Vacant(free) => drop(free.insert(Name::Artifact(artifact))),
                Entry::Occupied(mut taken) => taken.get_mut().share(artifact),
            }
            if let Some(instance) = &target.instance {
                of_each(&mut by_name, spec, &instance.of, artifact);
            }
        }
    }
    targets_by_name(spec, &mut by_name);
    by_name
}

/// Artifacts by their declared paths and by where links lead those, and what is wrong with them.
pub(super) fn by_place(spec: &Spec, links: &mut Links) -> (Places, Places, Vec<GraphError>) {
    let (mut by_path, mut by_real) = (Places::new(), Places::new());
    let mut errors = Vec::new();
    for (id, target) in (0..).map(TargetId).zip(&spec.targets) {
        for (at, output) in (0..).zip(&target.outputs) {
            let artifact = ArtifactId { target: id, output: at };
            if let Some(other) = by_path.insert(output.path.clone(), artifact) {
                errors.push(GraphError::two_writers(spec, other, artifact));
            }
            let real = match links.lead_of_parent(&output.path) {
                Leads::Nowhere => continue,
                Leads::Inside(real) if real.split('/').next() == Some(DIRECTORY) => {
                    errors.push(GraphError::into_store(spec, artifact));
                    continue;
                }
                Leads::Inside(real) => real,
                Leads::Outside(real) => {
                    // What it leads to may be a disk that is not there now: nothing is made in its place.
                    let parent = output.path.rsplit_once('/').map_or("", |(parent, _)| parent);
                    if let Some(link) = links.dangling(parent) {
                        errors.push(GraphError::dangling(spec, artifact, link));
                    }
                    real
                }
            };
            if let Some(other) = by_real.insert(real.into(), artifact) {
                errors.push(GraphError::two_writers(spec, other, artifact));
            }
        }
    }
    for (real, artifact) in &by_real {
        if let Some(other) = by_path.get(real) {
            errors.push(GraphError::two_writers(spec, *other, *artifact));
        }
    }
    // Sorted by path, so that most have the parent of the one before.
    let mut last = ("", None);
    for (path, artifact) in by_real.iter().chain(&by_path) {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent != last.0 {
            let above = [&by_path, &by_real].map(|places| directory_above(places, path, spec));
            last = (parent, above.into_iter().flatten().next());
        }
        if let Some(directory) = last.1 {
            let error = GraphError::inside(spec, directory, *artifact).led(&by_real, spec, directory);
            errors.push(error.led(&by_real, spec, *artifact));
        }
    }
    (by_path, by_real, errors)
}

/// Gives the name without values to an artifact of an instance, as to those of the other instances of its target.
fn of_each(by_name: &mut FastMap<EcoString, Name>, spec: &Spec, of: &str, artifact: ArtifactId) {
    let of_target = |id: ArtifactId| &spec.targets[id.target.index()];
    let name = base_name(&of_target(artifact).outputs[artifact.output as usize].name);
    let is_same = |other: ArtifactId| of_target(other).instance.as_ref().is_some_and(|it| it.of == of);
    match by_name.get_mut(name) {
        Some(Name::ArtifactOfEach(all)) if is_same(all[0]) => all.push(artifact),
        Some(Name::Shared(all)) if all.iter().any(|other| is_same(*other)) => {}
        Some(other) => other.share(artifact),
        None => drop(by_name.insert(name.into(), Name::ArtifactOfEach(vec![artifact]))),
    }
}

/// The directory artifact in which a path lies, if any.
pub(super) fn directory_above(by_path: &Places, path: &str, spec: &Spec) -> Option<ArtifactId> {
    let mut above = path;
    while let Some((parent, _)) = above.rsplit_once('/') {
        if let Some(id) = by_path.get(parent) {
            let output = &spec.targets[id.target.index()].outputs[id.output as usize];
            // A file cannot have files below it: two such paths are in each other's way as well.
            if output.kind == ArtifactKind::Directory || output.path != path {
                return Some(*id);
            }
        }
        above = parent;
    }
    None
}

/// The artifact that lies inside a directory that is a source, if any; `without` says what is taken out of it.
pub(super) fn artifact_below(by_path: &Places, directory: &str, without: &dyn Fn(&str) -> bool) -> Option<ArtifactId> {
    let below = format!("{directory}/");
    let mut inside = beginning_with(by_path, &below);
    inside.find(|(path, _)| !without(path)).map(|(_, id)| *id)
}

/// Tells axes whose values are what targets make: which there are would depend on what was built.
pub(super) fn axes(graph: &Graph) -> Vec<GraphError> {
    let made = |axis: &&Axis| match &axis.source {
        AxisSource::Listed => None,
        AxisSource::Rows(path) => graph
            .places()
            .into_iter()
            .find_map(|places| places.get(path.as_str()).copied()),
        AxisSource::Files(pattern) => {
            let glob = Compiled::default().glob(pattern).ok()?;
            let mut places = graph.places().into_iter();
            places.find_map(|places| glob.artifact(places, &graph.spec, &|_| false))
        }
    };
    let error = |axis: &Axis| Some(GraphError::axis_of_artifact(graph, axis, made(&axis)?));
    graph.spec.axes.iter().filter_map(error).collect()
}

/// Tells parameter files that targets make.
pub(super) fn params_files(graph: &Graph) -> Vec<GraphError> {
    let made = |path: &str| {
        let at = graph.places().into_iter().find_map(|places| places.get(path).copied());
        at.or_else(|| directory_above(&graph.by_path, path, &graph.spec))
    };
    let error = |file: &ParamsFile| Some(GraphError::params_file_of_artifact(graph, file, made(&file.path)?));
    graph.spec.params_files.iter().filter_map(error).collect()
}

/// Sorts targets so that each comes after those that it needs; circles are given back as the ways round, as far as they
/// have no target in common.
///
/// Without recursion, for chains are long: a target waits until the number of its open needs is zero.
pub(super) fn order(nodes: &[Edges]) -> Result<Vec<TargetId>, Vec<Vec<TargetId>>> {
    let ids = || (0..).map(TargetId).take(nodes.len());
    let mut waiting: Vec<usize> = ids().map(|id| before(nodes, id).count()).collect();
    let mut follow: Vec<Vec<TargetId>> = vec![Vec::new(); nodes.len()];
    for id in ids() {
        before(nodes, id).for_each(|earlier| follow[earlier.index()].push(id));
    }
    let mut ready: BinaryHeap<Reverse<TargetId>> = ids().filter(|id| waiting[id.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    let mut done = vec![false; nodes.len()];
    let mut circles = Vec::new();
    let mut open = ids().peekable();
    loop {
        while let Some(Reverse(id)) = ready.pop() {
            if std::mem::replace(&mut done[id.index()], true) {
                continue;
            }
            order.push(id);
            for next in &follow[id.index()] {
                waiting[next.index()] -= 1;
                if waiting[next.index()] == 0 {
                    ready.push(Reverse(*next));
                }
            }
        }
        while open.next_if(|id| done[id.index()]).is_some() {}
        let Some(first) = open.peek() else {
            break;
        };
        // Once it is told, what only comes after it is in order.
        let circle = circle(nodes, *first, &done);
        ready.extend(circle.iter().copied().map(Reverse));
        circles.push(circle);
    }
    if circles.is_empty() { Ok(order) } else { Err(circles) }
}

/// The targets that a target comes after.
fn before(nodes: &[Edges], id: TargetId) -> impl Iterator<Item = TargetId> {
    nodes[id.index()].needs.iter().chain(&nodes[id.index()].after).copied()
}

/// A circle on the way back from a target, with the whole way round: whoever is not done waits for someone who is not.
fn circle(nodes: &[Edges], from: TargetId, done: &[bool]) -> Vec<TargetId> {
    let mut way: Vec<TargetId> = Vec::new();
    let mut seen: HashMap<TargetId, usize> = HashMap::new();
    let mut at = Some(from);
    while let Some(id) = at {
        if let Some(first) = seen.insert(id, way.len()) {
            way.drain(..first);
            way.push(id);
            way.reverse();
            return way;
        }
        way.push(id);
        at = before(nodes, id).find(|earlier| !done[earlier.index()]);
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(needs: &[u32]) -> Edges {
        Edges {
            needs: needs.iter().copied().map(TargetId).collect(),
            ..Edges::default()
        }
    }

    #[test]
    fn a_long_chain_is_put_in_order_without_recursion() {
        let mut nodes: Vec<Edges> = (1..100_000).map(|next| node(&[next])).collect();
        nodes.push(node(&[]));
        let order = order(&nodes).expect("no circle");
        assert_eq!(order.first(), Some(&TargetId(99_999)));
    }

    #[test]
    fn a_circle_is_told_with_the_whole_way_round() {
        let nodes = [node(&[]), node(&[0, 3]), node(&[1]), node(&[2]), node(&[3])];
        let circles = order(&nodes).expect_err("a circle");
        let [way] = circles.as_slice() else {
            panic!("{circles:?}")
        };
        assert_eq!(way.first(), way.last());
        assert_eq!(way.len(), 4);
    }

    #[test]
    fn many_circles_take_no_longer_than_as_many_targets() {
        let nodes: Vec<Edges> = (0..200_000_u32).map(|id| node(&[id ^ 1])).collect();
        let circles = order(&nodes).expect_err("circles");
        assert_eq!(circles.len(), 100_000);
        assert_eq!(
            circles[99_999],
            [TargetId(199_998), TargetId(199_999), TargetId(199_998)]
        );
    }

    #[test]
    fn every_circle_is_told_and_what_follows_one_is_none() {
        let nodes = [
            node(&[0]),
            node(&[2]),
            node(&[1]),
            node(&[2, 0]),
            node(&[5]),
            node(&[4, 3]),
        ];
        let circles = order(&nodes).expect_err("circles");
        let circles: Vec<Vec<u32>> = circles.iter().map(|way| way.iter().map(|id| id.0).collect()).collect();
        assert_eq!(circles, [vec![0, 0], vec![1, 2, 1], vec![4, 5, 4]]);
    }
}
