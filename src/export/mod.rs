//! The graph as text for people and other tools: one file a format.
//!
//! It reads the engine's data (graph, plan) and makes text of it. It opens no file, writes nothing, and knows no
//! terminal.

pub mod airflow;
pub mod dot;
pub mod json;
pub mod lineage;
pub mod mermaid;
pub mod svg;
pub mod tree;

use std::collections::HashSet;

use crate::engine::graph::{ArtifactId, Graph, How, TargetId};
use crate::engine::plan::{Plan, Verdict};
use crate::engine::spec::{From, Span};

/// What is drawn: the targets that some goals need, with their states if a plan could be made.
pub struct Picture<'a> {
    graph: &'a Graph,
    plan: Option<&'a Plan>,
    goals: Vec<TargetId>,
    /// In build order.
    targets: Vec<TargetId>,
    drawn: HashSet<TargetId>,
}

/// The state of a target, and so of its artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Nothing is to be done.
    Fresh,
    /// It has to run.
    Stale,
    /// It is stale, and an earlier result can be put back.
    Restorable,
    /// Something that it needs must run first.
    Undecided,
}

impl NodeState {
    /// The state in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Restorable => "stale, restorable",
            Self::Undecided => "undecided",
        }
    }
}

/// One thing that a target reads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// What another target makes.
    Artifact(ArtifactId),
    /// A file or directory that no target makes, or all files of one glob.
    Source(Source),
}

/// A source as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    /// Its path, or the glob.
    label: String,
    /// How many files it stands for; 1 for a path.
    files: usize,
}

impl Source {
    /// The label, with the number of files where it is a glob.
    fn text(&self) -> String {
        match self.files {
            1 => self.label.clone(),
            files => format!("{} ({files} files)", self.label),
        }
    }
}

impl<'a> Picture<'a> {
    /// Takes the goals and all that they need.
    #[must_use]
    pub fn new(graph: &'a Graph, goals: &[TargetId], plan: Option<&'a Plan>) -> Self {
        let targets = graph.needed(goals);
        Self {
            graph,
            plan,
            goals: goals.to_vec(),
            drawn: targets.iter().copied().collect(),
            targets,
        }
    }

    /// The state of a target; `None` if no plan could be made.
    fn state(&self, id: TargetId) -> Option<NodeState> {
        let step = self.plan?.step(id)?;
        Some(match step.verdict {
            Verdict::Fresh => NodeState::Fresh,
            Verdict::Stale { restore: None, .. } => NodeState::Stale,
            Verdict::Stale { restore: Some(_), .. } => NodeState::Restorable,
            Verdict::Undecided => NodeState::Undecided,
        })
    }

    /// What a target reads, in order; the files of one glob are told as one.
    fn needs(&self, id: TargetId) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        let mut globs: Vec<(Span, usize)> = Vec::new();
        for read in &self.graph.node(id).reads {
            let source = |label: &str| Source {
                label: label.to_owned(),
                files: 1,
            };
            match (read.artifact, read.how) {
                (Some(artifact), _) => needs.push(Need::Artifact(artifact)),
                (None, How::Matched) => {
                    let known = globs.iter().find(|(span, _)| *span == read.span);
                    if let Some(Need::Source(source)) = known.map(|(_, at)| &mut needs[*at]) {
                        self.pattern(id, read.span).clone_into(&mut source.label);
                        source.files += 1;
                    } else {
                        globs.push((read.span, needs.len()));
                        needs.push(Need::Source(source(&read.path)));
                    }
                }
                (None, _) => needs.push(Need::Source(source(&read.path))),
            }
        }
        needs
    }

    /// The glob that is written at a place.
    fn pattern(&self, id: TargetId, span: Span) -> &str {
        let inputs = &self.graph.target(id).inputs;
        let glob = inputs.iter().find_map(|input| match &input.from {
            From::Glob(pattern) if input.span == span => Some(pattern.as_str()),
            _ => None,
        });
        glob.unwrap_or("*")
    }

    /// Targets of the picture that must end before this one without being needed.
    fn after(&self, id: TargetId) -> impl Iterator<Item = TargetId> {
        let node = self.graph.node(id);
        let only_order = node.after.iter().filter(|earlier| !node.needs.contains(earlier));
        only_order.copied().filter(|earlier| self.drawn.contains(earlier))
    }
}
