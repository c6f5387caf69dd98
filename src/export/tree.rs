//! The graph as a tree in plain text: each goal, and below it what it needs.
//!
//! What several targets need is shown whole where it is met first, and by name after that; so the text grows with
//! the number of edges, not with the number of ways through them.

use std::collections::HashSet;

use super::{Need, Picture};
use crate::engine::graph::TargetId;
use crate::outward::one_line;

/// Draws the tree, with a line end.
#[must_use]
pub fn tree(picture: &Picture<'_>) -> String {
    let mut out = String::new();
    let mut shown = HashSet::new();
    for goal in roots(picture) {
        // Lines that are still to come, the next one last: what stands before the line, and what it says. A stack of
        // our own, for chains are long.
        let mut open = vec![TreeLine {
            before: String::new(),
            branch: "",
            item: TreeItem::Root(goal),
        }];
        while let Some(line) = open.pop() {
            let TreeLine { before, branch, item } = line;
            let again = item.target().is_some_and(|id| !shown.insert(id));
            out.push_str(&before);
            out.push_str(branch);
            out.push_str(&one_line(&item.text(picture, again)));
            out.push('\n');
            if let (Some(id), false) = (item.target(), again) {
                let below = match branch {
                    "" => before,
                    "└── " => before + "    ",
                    _ => before + "│   ",
                };
                push_children(picture, id, &below, &mut open);
            }
        }
    }
    out
}

/// The goals that no other goal needs, for the others are shown below them; in build order.
fn roots(picture: &Picture<'_>) -> Vec<TargetId> {
    let graph = picture.graph;
    let needed: Vec<TargetId> = picture
        .goals
        .iter()
        .flat_map(|goal| picture.members(*goal))
        .flat_map(|goal| graph.node(goal).needs.iter().copied())
        .collect();
    let below = graph.needed(&needed).into_iter();
    let below: HashSet<TargetId> = below.map(|id| picture.collapsed.node(id)).collect();
    let goals = picture.goals.iter().copied();
    goals.filter(|goal| !below.contains(goal)).collect()
}

struct TreeLine {
    before: String,
    branch: &'static str,
    item: TreeItem,
}

enum TreeItem {
    /// A goal.
    Root(TargetId),
    /// A target, and the artifacts of it that are read.
    Target(TargetId, Vec<String>),
    /// A source.
    Source(String),
    /// A target that only comes before.
    Before(TargetId),
}

impl TreeItem {
    /// The target whose needs are shown below.
    fn target(&self) -> Option<TargetId> {
        match self {
            Self::Root(id) | Self::Target(id, _) => Some(*id),
            Self::Source(_) | Self::Before(_) => None,
        }
    }

    fn text(&self, picture: &Picture<'_>, again: bool) -> String {
        let state = |id| match picture.state_words(id) {
            Some(words) if !again => format!(" [{words}]"),
            _ => String::new(),
        };
        let above = if again { " (see above)" } else { "" };
        match self {
            Self::Root(id) => {
                let made: Vec<String> = picture.made(*id).into_iter().map(|(name, _)| name).collect();
                format!("{}{} makes {}{above}", picture.name(*id), state(*id), made.join(", "))
            }
            Self::Target(id, read) => {
                format!("{}{} gives {}{above}", picture.name(*id), state(*id), read.join(", "))
            }
            Self::Source(source) => source.clone(),
            Self::Before(id) => format!("{} comes before, if it is in the plan", picture.name(*id)),
        }
    }
}

fn push_children(picture: &Picture<'_>, id: TargetId, before: &str, open: &mut Vec<TreeLine>) {
    let mut items: Vec<TreeItem> = Vec::new();
    for need in picture.needs(id) {
        match need {
            Need::Source(source) => items.push(TreeItem::Source(source.text())),
            Need::Artifact(artifact) => {
                let name = picture.artifact_name(artifact);
                let same = items.iter_mut().find_map(|item| match item {
                    TreeItem::Target(id, read) if *id == artifact.target => Some(read),
                    _ => None,
                });
                match same {
                    Some(read) => read.push(name),
                    None => items.push(TreeItem::Target(artifact.target, vec![name])),
                }
            }
        }
    }
    items.extend(picture.after(id).map(TreeItem::Before));
    let last = items.len().saturating_sub(1);
    let lines = items.into_iter().enumerate().map(|(at, item)| TreeLine {
        before: before.to_owned(),
        branch: if at == last { "└── " } else { "├── " },
        item,
    });
    let first = open.len();
    open.extend(lines);
    open[first..].reverse();
}
