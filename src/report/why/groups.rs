//! Many instances of one target: those that are as they are for the same reasons are explained once.

use super::{Cause, Explanation, WhyContext, text};
use crate::engine::graph::{Graph, TargetId};
use crate::report::ink::{Ink, Tone};
use crate::report::instances::{self, in_common, name_of};

/// Most instances that are named of those with the same reasons.
const NAMED: usize = 20;

/// Puts together the explanations that say the same of instances of one target, unless `expand` says otherwise.
#[must_use]
pub fn grouped<'a>(all: Vec<Explanation<'a>>, graph: &Graph, expand: bool) -> Vec<Vec<Explanation<'a>>> {
    let key = |it: &Explanation<'a>| (it.fate.word().1, told(&it.causes, it.target, graph));
    instances::grouped(all, graph, expand, |it| it.target, key)
}

/// All that causes say, without what is of the instance alone.
fn told(causes: &[Cause], target: TargetId, graph: &Graph) -> Vec<String> {
    let mut lines = Vec::new();
    for cause in causes {
        lines.push(in_common(&cause.told.brief(), target, graph));
        lines.extend(told(&cause.because, target, graph));
    }
    lines
}

/// Draws one explanation, or of several that say the same the first, with the names of all.
#[must_use]
pub fn text_of_many(group: &[Explanation<'_>], context: &WhyContext<'_>, ink: Ink) -> String {
    let Some((first, others)) = group.split_first() else {
        return String::new();
    };
    let one = text(first, context, ink);
    if others.is_empty() {
        return one;
    }
    let graph = context.graph;
    let targets: Vec<TargetId> = group.iter().map(|it| it.target).collect();
    let first_names = targets.iter().take(NAMED).map(|id| graph.name(*id));
    let names = first_names.collect::<Vec<_>>().join(", ");
    let more = match targets.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let name = ink.paint(Tone::Strong, &name_of(&targets, graph));
    format!(
        "{name}: {} instances, for the same reasons: {names}{more}\n{one}",
        group.len()
    )
}
