//! All targets and edges: acyclic, and immutable once made.
//!
//! Made from a [`Spec`] and one look at the disk: which files a glob matches, which words of a command are files.
//! What is wrong with the whole (a cycle, two writers of one path) is found here; whether a source exists is asked
//! only for the targets that a goal needs.

mod check;
mod error;
mod links;

use std::collections::{BTreeMap, HashMap};

use self::check::Names;
pub use self::error::{GraphError, UnknownGoal};
use self::links::{Leads, Links};
use super::files::Files;
use super::spec::{Action, From, Param, Span, Spec, Target, Value};

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
    nodes: Vec<Edges>,
    order: Vec<TargetId>,
    by_name: HashMap<String, Name>,
    by_path: BTreeMap<String, ArtifactId>,
    /// Artifacts by the path to which a link on the way to their declared path leads.
    by_real: BTreeMap<String, ArtifactId>,
    /// Paths that reach an artifact, or into one, through a link.
    linked: HashMap<String, ArtifactId>,
}

/// The edges of one target.
#[derive(Debug, Default)]
pub struct Edges {
    /// Everything that it reads, declared or implied, in order.
    pub reads: Vec<Read>,
    /// Targets whose artifacts it reads, sorted, without repeats.
    pub needs: Vec<TargetId>,
    /// Targets that must end first if they are in the plan; sorted, without repeats.
    pub after: Vec<TargetId>,
    /// Targets that read its artifacts, sorted.
    pub feeds: Vec<TargetId>,
    /// Targets that read its artifacts or come after it, sorted, without repeats.
    pub next: Vec<TargetId>,
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

impl How {
    /// Whether `inputs` of the Atsaffile says it, by its path or by a glob.
    #[must_use]
    pub fn is_declared(self) -> bool {
        matches!(self, Self::Declared | Self::Matched)
    }
}

/// One output of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactId {
    /// The target that makes it.
    pub target: TargetId,
    /// Its place among that target's outputs.
    pub output: u32,
}

/// What a name means; an artifact may be named as its target is, and then the target is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Target(TargetId),
    Artifact(ArtifactId),
}

impl Graph {
    /// Makes the graph of a Spec.
    ///
    /// # Errors
    /// Everything that is wrong with the whole, at once.
    pub fn new(spec: Spec, files: &Files) -> Result<Self, Box<(Spec, Vec<GraphError>)>> {
        let mut links = Links::new(files.root());
        let Names {
            by_name,
            by_path,
            by_real,
            mut errors,
        } = check::names(&spec, &mut links);
        let mut graph = Self {
            nodes: Vec::with_capacity(spec.targets.len()),
            spec,
            order: Vec::new(),
            by_name,
            by_path,
            by_real,
            linked: HashMap::new(),
        };
        let mut found = DiskAnswers {
            files,
            links,
            linked: HashMap::new(),
            words: HashMap::new(),
            globs: HashMap::new(),
        };
        for id in (0..).map(TargetId).take(graph.spec.targets.len()) {
            let node = graph.connect(id, &mut found, &mut errors);
            graph.nodes.push(node);
        }
        graph.linked = std::mem::take(&mut found.linked);
        for id in (0..).map(TargetId).take(graph.nodes.len()) {
            for need in graph.nodes[id.index()].needs.clone() {
                graph.nodes[need.index()].feeds.push(id);
                graph.nodes[need.index()].next.push(id);
            }
            for earlier in graph.nodes[id.index()].after.clone() {
                let next = &mut graph.nodes[earlier.index()].next;
                if next.last() != Some(&id) {
                    next.push(id);
                }
            }
        }
        match check::order(&graph.nodes) {
            Ok(order) => graph.order = order,
            Err(circles) => errors.extend(circles.iter().map(|way| GraphError::cycle(&graph, way))),
        }
        if errors.is_empty() {
            Ok(graph)
        } else {
            Err(Box::new((graph.spec, errors)))
        }
    }

    /// Finds the edges of one target.
    fn connect(&self, id: TargetId, found: &mut DiskAnswers<'_>, errors: &mut Vec<GraphError>) -> Edges {
        let target = self.target(id);
        let mut reads: Vec<Read> = Vec::with_capacity(target.inputs.len());
        for input in &target.inputs {
            let read = |path: &str, artifact, how| Read {
                role: input.role.clone(),
                path: path.to_owned(),
                artifact,
                how,
                span: input.span,
            };
            match &input.from {
                From::Artifact(name) => match self.artifact_named(name) {
                    Some(artifact) => reads.push(read(self.path(artifact), Some(artifact), How::Declared)),
                    None => errors.push(GraphError::unknown_artifact(self, name, input.span)),
                },
                From::Source(path) => {
                    let artifact = self.artifact_at(path, found);
                    if artifact.is_none() {
                        self.check_source(path, input.span, found, errors);
                    }
                    reads.push(read(path, artifact, How::Declared));
                }
                From::Glob(pattern) => match found.matches(pattern) {
                    Ok(paths) => {
                        if let Some(artifact) = check::glob_hits(&self.by_path, pattern, &self.spec) {
                            errors.push(GraphError::glob_matches_artifact(self, pattern, input.span, artifact));
                        }
                        let paths = paths.to_vec();
                        let by_link = paths.iter().find_map(|path| match found.links.lead_of_parent(path) {
                            Leads::Nowhere => None,
                            Leads::Inside(to) | Leads::Outside(to) => self.real_artifact(&to),
                        });
                        if let Some(artifact) = by_link {
                            errors.push(GraphError::glob_matches_artifact(self, pattern, input.span, artifact));
                        }
                        reads.extend(paths.iter().map(|path| read(path, None, How::Matched)));
                    }
                    Err(why) => errors.push(GraphError::bad_glob(self, pattern, input.span, &why)),
                },
            }
        }
        self.imply(id, found, &mut reads);
        for read in reads
            .iter()
            .filter(|read| read.how == How::Param && read.artifact.is_none())
        {
            self.check_source(&read.path, read.span, found, errors);
        }
        let mut needs: Vec<TargetId> = reads
            .iter()
            .filter_map(|read| read.artifact)
            .map(|id| id.target)
            .collect();
        let mut after: Vec<TargetId> = target.after.iter().filter_map(|goal| self.owner(&goal.name)).collect();
        for ids in [&mut needs, &mut after] {
            ids.sort_unstable();
            ids.dedup();
        }
        Edges {
            reads,
            needs,
            after,
            ..Edges::default()
        }
    }

    /// The artifact at a path, by its declared path or through links.
    fn artifact_at(&self, path: &str, found: &mut DiskAnswers<'_>) -> Option<ArtifactId> {
        if let Some(artifact) = self.by_path.get(path) {
            return Some(*artifact);
        }
        let real = match found.links.lead(path) {
            Leads::Nowhere => path.to_owned(),
            Leads::Inside(real) | Leads::Outside(real) => real,
        };
        let artifact = self.real_artifact(&real)?;
        found.linked.insert(path.to_owned(), artifact);
        Some(artifact)
    }

    fn real_artifact(&self, real: &str) -> Option<ArtifactId> {
        self.by_path.get(real).or_else(|| self.by_real.get(real)).copied()
    }

    /// The directory artifact in which a path lies, by its declared path or through links.
    fn directory_above(&self, path: &str, found: &mut DiskAnswers<'_>) -> Option<ArtifactId> {
        let above = check::directory_above(&self.by_path, path, &self.spec);
        above.or_else(|| match found.links.lead(path) {
            Leads::Inside(real) => {
                let artifact = check::directory_above(&self.by_path, &real, &self.spec)?;
                found.linked.insert(path.to_owned(), artifact);
                Some(artifact)
            }
            Leads::Nowhere | Leads::Outside(_) => None,
        })
    }

    /// Checks that a source lies in no artifact and contains none.
    fn check_source(&self, path: &str, span: Span, found: &mut DiskAnswers<'_>, errors: &mut Vec<GraphError>) {
        if let Some(directory) = self.directory_above(path, found) {
            errors.push(GraphError::source_inside(self, path, span, directory));
        }
        let below = check::artifact_below(&self.by_path, path).or_else(|| match found.links.lead(path) {
            Leads::Inside(real) => check::artifact_below(&self.by_path, &real),
            Leads::Nowhere | Leads::Outside(_) => None,
        });
        if let Some(artifact) = below {
            errors.push(GraphError::source_around(self, path, span, artifact));
        }
    }

    /// Whether a path is an artifact or lies in one, as far as the disk was asked.
    pub(crate) fn is_artifact_or_in_one(&self, path: &str) -> bool {
        let above = || check::directory_above(&self.by_path, path, &self.spec).is_some();
        self.by_path.contains_key(path) || self.linked.contains_key(path) || above()
    }

    /// Adds what a target reads without declaring it: files that its command names, paths among its parameters.
    fn imply(&self, id: TargetId, found: &mut DiskAnswers<'_>, reads: &mut Vec<Read>) {
        let target = self.target(id);
        let mut imply = |role: &str, path: &str, artifact: Option<ArtifactId>, how, span| {
            let own = artifact.is_some_and(|artifact| artifact.target == id);
            let is_read = |read: &Read| read.path == path || (artifact.is_some() && read.artifact == artifact);
            if !own && !reads.iter().any(is_read) {
                reads.push(Read {
                    role: role.to_owned(),
                    path: path.to_owned(),
                    artifact,
                    how,
                    span,
                });
            }
        };
        if let Action::Command(command) = &target.action {
            for word in &command.file_words {
                let path = word.strip_prefix("./").unwrap_or(word);
                let artifact = self.artifact_at(path, found);
                // What lies in the directory of an artifact is part of it.
                match artifact.or_else(|| self.directory_above(path, found)) {
                    Some(artifact) => {
                        let whole = self.path(artifact);
                        imply(whole, whole, Some(artifact), How::Word, target.span);
                    }
                    None if found.is_file(path) => imply(path, path, None, How::Word, target.span),
                    None => {}
                }
            }
        }
        for Param { name, value, origin } in &target.params {
            if let Value::Path(path) = value {
                let path = path.trim_end_matches('/');
                let span = origin.span().unwrap_or(target.span);
                imply(name, path, self.artifact_at(path, found), How::Param, span);
            }
        }
    }

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
    pub fn node(&self, id: TargetId) -> &Edges {
        &self.nodes[id.index()]
    }

    /// An artifact's declared path.
    #[must_use]
    pub fn path(&self, id: ArtifactId) -> &str {
        &self.target(id.target).outputs[id.output as usize].path
    }

    /// An artifact's name.
    #[must_use]
    pub fn artifact_name(&self, id: ArtifactId) -> &str {
        &self.target(id.target).outputs[id.output as usize].name
    }

    /// The name under which an artifact's own task knows it.
    #[must_use]
    pub fn port(&self, id: ArtifactId) -> &str {
        &self.target(id.target).outputs[id.output as usize].port
    }

    /// All targets, each after those that it needs or comes after; among equals in the order of the Atsaffile.
    #[must_use]
    pub fn order(&self) -> &[TargetId] {
        &self.order
    }

    /// The target of a name, an artifact's name, or an artifact's path.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<TargetId> {
        match self.by_name.get(name) {
            Some(Name::Target(id)) => Some(*id),
            Some(Name::Artifact(id)) => Some(id.target),
            None => {
                let path = name.strip_prefix("./").unwrap_or(name).trim_end_matches('/');
                self.by_path.get(path).map(|id| id.target)
            }
        }
    }

    /// The artifact of a name.
    #[must_use]
    pub fn artifact_named(&self, name: &str) -> Option<ArtifactId> {
        match self.by_name.get(name)? {
            Name::Artifact(id) => Some(*id),
            // An artifact with its target's own name.
            Name::Target(id) => {
                let at = self.target(*id).outputs.iter().position(|output| output.name == name)?;
                Some(ArtifactId {
                    target: *id,
                    output: u32::try_from(at).ok()?,
                })
            }
        }
    }

    /// The artifact of a name or a path.
    #[must_use]
    pub fn artifact(&self, name: &str) -> Option<ArtifactId> {
        let path = name.strip_prefix("./").unwrap_or(name).trim_end_matches('/');
        self.artifact_named(name).or_else(|| self.by_path.get(path).copied())
    }

    /// The targets that some goals mean, in the order of the graph; no goal means the project's default, and no
    /// default means every target.
    ///
    /// # Errors
    /// All names that mean nothing.
    pub fn goals(&self, names: &[String]) -> Result<Vec<TargetId>, Vec<UnknownGoal>> {
        let mut found = vec![false; self.nodes.len()];
        let mut unknown = Vec::new();
        let mut open: Vec<&str> = names.iter().map(String::as_str).collect();
        if open.is_empty() {
            open = self.spec.default.iter().map(|goal| goal.name.as_str()).collect();
            if open.is_empty() {
                return Ok(self.order.clone());
            }
        }
        // Aliases may name aliases; the Atsaffile's check rules out a circle.
        while let Some(name) = open.pop() {
            if let Some(goals) = self.spec.aliases.get(name) {
                open.extend(goals.iter().map(|goal| goal.name.as_str()));
            } else if let Some(id) = self.owner(name) {
                found[id.index()] = true;
            } else {
                unknown.push(UnknownGoal::new(self, name));
            }
        }
        if unknown.is_empty() {
            Ok(self.order.iter().copied().filter(|id| found[id.index()]).collect())
        } else {
            unknown.reverse();
            Err(unknown)
        }
    }

    /// The goals and all that they need, in build order.
    #[must_use]
    pub fn needed(&self, goals: &[TargetId]) -> Vec<TargetId> {
        self.reach(goals, |node| &node.needs)
    }

    /// All that reads what these targets make, directly or not, in build order; without the targets themselves.
    #[must_use]
    pub fn followers(&self, of: &[TargetId]) -> Vec<TargetId> {
        let mut reached = self.reach(of, |node| &node.feeds);
        reached.retain(|id| !of.contains(id));
        reached
    }

    fn reach(&self, from: &[TargetId], next: impl Fn(&Edges) -> &Vec<TargetId>) -> Vec<TargetId> {
        let mut reached = vec![false; self.nodes.len()];
        let mut open = from.to_vec();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut reached[id.index()], true) {
                open.extend(next(self.node(id)).iter().copied());
            }
        }
        self.order.iter().copied().filter(|id| reached[id.index()]).collect()
    }

    /// Every name that a goal may have, for suggestions and completion.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().chain(self.spec.aliases.keys()).map(String::as_str)
    }
}

/// What the disk was asked while the graph was made; each question once.
struct DiskAnswers<'a> {
    files: &'a Files,
    links: Links,
    /// Paths that were found to reach an artifact through a link.
    linked: HashMap<String, ArtifactId>,
    words: HashMap<String, bool>,
    globs: HashMap<String, Result<Vec<String>, String>>,
}

impl DiskAnswers<'_> {
    fn is_file(&mut self, path: &str) -> bool {
        if let Some(known) = self.words.get(path) {
            return *known;
        }
        let is_file = self.files.at(path).is_file();
        self.words.insert(path.to_owned(), is_file);
        is_file
    }

    fn matches(&mut self, pattern: &str) -> Result<&[String], String> {
        if !self.globs.contains_key(pattern) {
            let matches = check::expand(pattern, self.files.root());
            self.globs.insert(pattern.to_owned(), matches);
        }
        self.globs[pattern].as_deref().map_err(Clone::clone)
    }
}
