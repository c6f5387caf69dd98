//! All targets and edges: acyclic, and immutable once made.
//!
//! Made from a [`Spec`] and one look at the disk: which files a glob matches, which words of a command are files.
//! What is wrong with the whole (a cycle, two writers of one path) is found here; whether a source exists is asked
//! only for the targets that a goal needs.

use std::collections::BTreeMap;

use super::spec::{Span, Spec, Target};

/// A target's number in its graph, in the order of the Atsaffile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub u32);

impl TargetId {
    /// The number as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All targets and edges.
#[derive(Debug)]
pub struct Graph {
    /// What it was made from.
    pub spec: Spec,
    nodes: Vec<Node>,
    order: Vec<TargetId>,
    by_name: BTreeMap<String, Name>,
    by_path: BTreeMap<String, ArtifactId>,
}

/// The edges of one target.
#[derive(Debug, Default)]
pub struct Node {
    /// Everything that it reads, declared or implied, in order.
    pub reads: Vec<Read>,
    /// Targets whose artifacts it reads, sorted, without repeats.
    pub needs: Vec<TargetId>,
    /// Targets that must end first if they are in the plan; sorted, without repeats.
    pub after: Vec<TargetId>,
    /// Targets that read its artifacts, sorted.
    pub feeds: Vec<TargetId>,
}

/// One file or directory that a target reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The name under which the task knows it.
    pub role: String,
    /// Its path, relative to the project or absolute.
    pub path: String,
    /// The artifact that it is, if it is one.
    pub artifact: Option<ArtifactId>,
    /// How it came to be an input.
    pub how: How,
    /// Where it is written.
    pub span: Span,
}

/// How a file came to be an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is declared.
    Declared,
    /// A declared glob matches it.
    Matched,
    /// A word of the command is its path.
    Word,
    /// A parameter is its path.
    Param,
}

/// One output of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId {
    /// The target that makes it.
    pub target: TargetId,
    /// Its place among that target's outputs.
    pub output: u32,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Target(TargetId),
    Artifact(ArtifactId),
    Alias,
}

impl Graph {
    /// The declared target.
    #[must_use]
    pub fn target(&self, id: TargetId) -> &Target {
        &self.spec.targets[id.index()]
    }

    /// A target's name.
    #[must_use]
    pub fn name(&self, id: TargetId) -> &str {
        &self.target(id).name
    }

    /// A target's edges.
    #[must_use]
    pub fn node(&self, id: TargetId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All targets, each after those that it needs or comes after; among equals in the order of the Atsaffile.
    #[must_use]
    pub fn order(&self) -> &[TargetId] {
        &self.order
    }
}
