//! Many instances of one target as one: their names, counts and what they have in common.

use std::collections::HashMap;
use std::hash::Hash;

use serde_json::Value;

use crate::engine::graph::{Graph, TargetId};
use crate::engine::spec::Instance;

/// Most instances of a target that are shown each for itself.
pub(super) const EACH: usize = 3;

/// Most of them that are named where they are counted.
const NAMED: usize = 5;

/// Puts together the items of those targets that have more instances among them than are shown each for itself, as far
/// as they have the same key; in the order of the first of each group. Nothing is put together if `expand` says so.
pub fn grouped<T, K: Eq + Hash>(
    all: Vec<T>,
    graph: &Graph,
    expand: bool,
    target: impl Fn(&T) -> TargetId,
    key: impl Fn(&T) -> K,
) -> Vec<Vec<T>> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for item in &all {
        if let Some(instance) = &graph.target(target(item)).instance {
            *counts.entry(&instance.of).or_default() += 1;
        }
    }
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut known: HashMap<(&str, K), usize> = HashMap::new();
    for item in all {
        let instance = graph.target(target(&item)).instance.as_deref();
        let of = instance.map(|instance| instance.of.as_str());
        let of = of.filter(|of| !expand && counts.get(of).is_some_and(|count| *count > EACH));
        let Some(of) = of else {
            groups.push(vec![item]);
            continue;
        };
        let at = *known.entry((of, key(&item))).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    groups
}

/// One name for some targets: that of the only one, or that of instances, `train@*`.
#[must_use]
pub fn name_of(targets: &[TargetId], graph: &Graph) -> String {
    match targets {
        [one] => graph.name(*one).to_owned(),
        several => {
            let instances: Vec<&Instance> = several
                .iter()
                .filter_map(|id| graph.target(*id).instance.as_deref())
                .collect();
            Instance::pattern(&instances)
        }
    }
}

/// The values of a few instances: ` (TEX; CAL)`; nothing of many.
#[must_use]
pub fn values_of_few(targets: &[TargetId], graph: &Graph) -> String {
    let values: Vec<String> = targets
        .iter()
        .filter_map(|id| graph.target(*id).instance.as_deref())
        .map(Instance::values)
        .collect();
    match values.len() {
        1..=NAMED => format!(" ({})", values.join("; ")),
        _ => String::new(),
    }
}

/// What all instances of a group have in common of a text that each has of its own.
#[must_use]
pub fn in_common(text: &str, target: TargetId, graph: &Graph) -> String {
    match &graph.target(target).instance {
        Some(instance) => without_digests(&instance.without_values(text).replace("@*,*", "@*")),
        None => text.to_owned(),
    }
}

/// A text without the digests in `content 49124bf4 -> c0d6c828`, which are others of each instance.
fn without_digests(text: &str) -> String {
    let Some((before, after)) = text.split_once("content ") else {
        return text.to_owned();
    };
    let is_digest = |word: &str| word.len() == 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = after.split(' ').map(|word| if is_digest(word) { "*" } else { word });
    format!(
        "{before}content {}",
        words.collect::<Vec<_>>().join(" ").replace("* -> *", "differs")
    )
}

/// The axes of an instance with its values, for programs; null of what is none.
#[must_use]
pub fn axes(graph: &Graph, target: TargetId) -> Value {
    match &graph.target(target).instance {
        Some(instance) => instance
            .axes
            .iter()
            .map(|(axis, value)| (axis.clone(), Value::from(value.as_str())))
            .collect(),
        None => Value::Null,
    }
}
