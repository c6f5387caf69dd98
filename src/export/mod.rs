//! The graph as text for people and other tools: one file a format.
//!
//! It reads the engine's data (graph, plan) and makes text of it. It opens no file, writes nothing, and knows no
//! terminal.

pub mod airflow;
mod collapse;
pub mod dot;
pub mod json;
pub mod lineage;
pub mod mermaid;
pub mod svg;
pub mod tree;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use self::collapse::Collapsed;

use crate::engine::graph::{ArtifactId, Graph, How, TargetId};
use crate::engine::plan::{Plan, Verdict};
use crate::engine::spec::{From, Instance, Span, base_name, values_of};

/// What is drawn: the targets that some goals need, with their states if a plan could be made.
pub struct Picture<'a> {
    graph: &'a Graph,
    plan: Option<&'a Plan>,
    goals: Vec<TargetId>,
    /// In build order.
    targets: Vec<TargetId>,
    drawn: HashSet<TargetId>,
    /// What stands for several targets.
    collapsed: Collapsed,
    /// Words about targets that are told in the place of their states.
    told: HashMap<TargetId, String>,
}

/// The state of a target, and so of its artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeState {
    /// Nothing is to be done.
    Fresh,
    /// New data waits.
    Held,
    /// Something that it needs must run first.
    Undecided,
    /// It is stale, and an earlier result can be put back.
    Restorable,
    /// It has to run.
    Stale,
}

impl NodeState {
    /// The state in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Held => "held",
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
            collapsed: Collapsed::default(),
            told: HashMap::new(),
        }
    }

    /// Tells of some targets a word of one's own in the place of their states, such as what a run did to them.
    pub fn tell(&mut self, words: HashMap<TargetId, String>) {
        self.told = words;
    }

    /// How many boxes of targets are drawn.
    #[must_use]
    pub fn boxes(&self) -> usize {
        self.targets.len()
    }

    /// Draws many instances of one target as one.
    pub fn collapse(&mut self) {
        self.collapsed = Collapsed::new(self.graph, &self.targets);
        if self.collapsed.is_empty() {
            return;
        }
        self.targets.clone_from(&self.collapsed.order);
        let mut seen = HashSet::new();
        for goal in &mut self.goals {
            *goal = self.collapsed.node(*goal);
        }
        self.goals.retain(|goal| seen.insert(*goal));
    }

    /// The targets that a node stands for.
    fn members(&self, id: TargetId) -> Vec<TargetId> {
        self.collapsed
            .members(id)
            .map_or_else(|| vec![id], <[TargetId]>::to_vec)
    }

    /// The name of a node: `train@* (200)` where it stands for several targets.
    fn name(&self, id: TargetId) -> Cow<'a, str> {
        match self.pattern_of(id) {
            Some(pattern) => Cow::Owned(format!("{pattern} ({})", self.members(id).len())),
            None => Cow::Borrowed(self.graph.name(id)),
        }
    }

    /// The name of all instances that a node stands for.
    fn pattern_of(&self, id: TargetId) -> Option<String> {
        let members = self.collapsed.members(id)?.iter();
        let instances: Vec<&Instance> = members
            .filter_map(|id| self.graph.target(*id).instance.as_deref())
            .collect();
        Some(Instance::pattern(&instances))
    }

    /// A text of an instance as all that its node stands for have it.
    fn in_common<'t>(&self, id: TargetId, text: &'t str) -> Cow<'t, str> {
        let node = self.collapsed.members(self.collapsed.node(id));
        match node.and(self.graph.target(id).instance.as_deref()) {
            Some(instance) => Cow::Owned(instance.without_values(text)),
            None => Cow::Borrowed(text),
        }
    }

    /// The names and paths of what a node makes, in order.
    fn made(&self, id: TargetId) -> Vec<(String, String)> {
        let outputs = self.graph.target(id).outputs.iter();
        let own = |name: &str| self.with_pattern(id, name).into_owned();
        outputs
            .map(|output| (own(&output.name), self.in_common(id, &output.path).into_owned()))
            .collect()
    }

    /// The name of an artifact, with what stands for the values of all instances of its node.
    fn artifact_name(&self, artifact: ArtifactId) -> String {
        let name = self.graph.shown_name(artifact);
        self.with_pattern(artifact.target, &name).into_owned()
    }

    fn with_pattern<'t>(&self, id: TargetId, name: &'t str) -> Cow<'t, str> {
        let pattern = self.pattern_of(id);
        match pattern.as_deref().and_then(values_of) {
            Some(values) => Cow::Owned(format!("{}@{values}", base_name(name))),
            None => Cow::Borrowed(name),
        }
    }

    /// The state of a node, of several targets that which needs most; `None` if no plan could be made.
    fn state(&self, id: TargetId) -> Option<NodeState> {
        let states = self.members(id).into_iter().map(|id| self.state_of(id));
        states.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Whether something is to be done, or may be.
    fn is_open(&self, id: TargetId) -> bool {
        let state = self.state(id);
        !matches!(state, None | Some(NodeState::Fresh | NodeState::Held))
    }

    /// The state in words, of several targets how many are in each.
    fn state_words(&self, id: TargetId) -> Option<String> {
        let members = self.members(id);
        if let Some(words) = self.told_words(&members) {
            return Some(words);
        }
        let states: Vec<NodeState> = members.iter().map(|id| self.state_of(*id)).collect::<Option<_>>()?;
        let all = [
            NodeState::Stale,
            NodeState::Restorable,
            NodeState::Undecided,
            NodeState::Held,
            NodeState::Fresh,
        ];
        let counts = all.map(|state| (states.iter().filter(|it| **it == state).count(), state.word()));
        let told: Vec<(usize, &str)> = counts.into_iter().filter(|(count, _)| *count > 0).collect();
        Some(counted(&told))
    }

    /// The words that are told of some targets, of several how many have each.
    fn told_words(&self, members: &[TargetId]) -> Option<String> {
        let mut counts: Vec<(usize, &str)> = Vec::new();
        for word in members.iter().filter_map(|id| self.told.get(id)) {
            match counts.iter_mut().find(|(_, other)| other == word) {
                Some((count, _)) => *count += 1,
                None => counts.push((1, word)),
            }
        }
        (!counts.is_empty()).then(|| counted(&counts))
    }

    fn state_of(&self, id: TargetId) -> Option<NodeState> {
        let step = self.plan?.step(id)?;
        Some(match step.verdict {
            Verdict::Fresh => NodeState::Fresh,
            Verdict::Held { .. } => NodeState::Held,
            Verdict::Stale { restore: None, .. } => NodeState::Stale,
            Verdict::Stale { restore: Some(_), .. } => NodeState::Restorable,
            Verdict::Undecided => NodeState::Undecided,
        })
    }

    /// What a node reads, in order; the files of one glob are told as one, and so are those that several instances read
    /// in the same way.
    fn needs(&self, id: TargetId) -> Vec<Need> {
        if self.collapsed.is_empty() {
            return self.needs_of(id);
        }
        let mut needs: Vec<Need> = Vec::new();
        let mut artifacts = HashSet::new();
        let mut sources: HashMap<String, (usize, HashSet<String>)> = HashMap::new();
        for member in self.members(id) {
            for need in self.needs_of(member) {
                match self.at_node(need) {
                    Need::Artifact(artifact) if artifact.target == id || !artifacts.insert(artifact) => {}
                    Need::Artifact(artifact) => needs.push(Need::Artifact(artifact)),
                    Need::Source(source) => {
                        let common = self.in_common(member, &source.label).into_owned();
                        let next = needs.len();
                        let (at, labels) = sources.entry(common.clone()).or_insert((next, HashSet::new()));
                        if *at == next {
                            labels.insert(source.label.clone());
                            needs.push(Need::Source(source));
                        } else if let Some(Need::Source(first)) = needs.get_mut(*at)
                            && labels.insert(source.label)
                        {
                            first.label = common;
                            first.files += source.files;
                        }
                    }
                }
            }
        }
        needs
    }

    /// A need of a target as one of nodes.
    fn at_node(&self, need: Need) -> Need {
        match need {
            Need::Artifact(ArtifactId { target, output }) => Need::Artifact(ArtifactId {
                target: self.collapsed.node(target),
                output,
            }),
            source @ Need::Source(_) => source,
        }
    }

    /// What a target reads, in order; the files of one glob are told as one.
    fn needs_of(&self, id: TargetId) -> Vec<Need> {
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

    /// Nodes that must end before this one without being needed.
    fn after(&self, id: TargetId) -> impl Iterator<Item = TargetId> {
        let mut earlier = Vec::new();
        let mut seen = HashSet::from([id]);
        let members = self.members(id);
        for member in &members {
            let needs = self.graph.node(*member).needs.iter();
            seen.extend(needs.map(|need| self.collapsed.node(*need)));
        }
        for member in &members {
            let after = self
                .graph
                .node(*member)
                .after
                .iter()
                .filter(|it| self.drawn.contains(it));
            earlier.extend(after.map(|it| self.collapsed.node(*it)).filter(|it| seen.insert(*it)));
        }
        earlier.into_iter()
    }
}

/// Words with how many there are of each, or the only one.
fn counted(words: &[(usize, &str)]) -> String {
    match words {
        [(_, word)] => (*word).to_owned(),
        several => several
            .iter()
            .map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
