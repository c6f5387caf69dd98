//! All targets and edges: acyclic, and immutable once made.
//!
//! Made from a [`Spec`] and one look at the disk: which files a glob matches, which words of a command are files.
//! What is wrong with the whole (a cycle, two writers of one path) is found here; whether a source exists is asked
//! only for the targets that a goal needs.

mod check;
mod declaring;
mod error;
mod glob;
mod instances;
mod links;
#[cfg(test)]
mod tests;

mod inputs;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ecow::EcoString;

use self::check::NameIndex;
pub(crate) use self::declaring::lies_in;
pub use self::error::{GoalError, GraphError};
use self::glob::Compiled;
use self::inputs::DiskAnswers;
use super::files::Files;
use super::ignore::Ignore;
use super::lookups::Lookups;
use super::spec::{Output, Program, Span, Spec, Target, base_name, full_name, values_of};
use crate::fast_map::FastMap;

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
    pub spec: Arc<Spec>,
    nodes: Vec<Edges>,
    order: Vec<TargetId>,
    by_name: FastMap<EcoString, Name>,
    by_path: Places,
    /// Artifacts by the path to which a link on the way to their declared path leads.
    by_real: Places,
    /// Paths that reach an artifact, or into one, through a link.
    linked: FastMap<EcoString, ArtifactId>,
    ignore: Ignore,
    /// Where the disk was asked.
    lookups: Arc<Lookups>,
    /// Who reads each source; made when it is asked for.
    readers: OnceLock<FastMap<EcoString, Vec<TargetId>>>,
}

/// The edges of one target.
#[derive(Debug, Default)]
pub struct Edges {
    /// Everything that it reads, declared or implied, in order.
    pub reads: Box<[Read]>,
    /// Declared globs that match no file although one must be there.
    pub unmatched: Box<[Unmatched]>,
    /// Links that a declared glob passes over, for they lead out of the project.
    pub links_out: Box<[LinkOut]>,
    /// Targets whose artifacts it reads, sorted, without repeats.
    pub needs: Box<[TargetId]>,
    /// Targets that must end first if they are in the plan; sorted, without repeats.
    pub after: Box<[TargetId]>,
    /// Targets that read its artifacts, sorted.
    pub feeds: Vec<TargetId>,
    /// Targets that come after it and read none of its artifacts, sorted.
    pub awaited_by: Vec<TargetId>,
    /// Places in `reads`, sorted by role and path; made when it is asked for.
    by_role: OnceLock<Box<[usize]>>,
}

impl Edges {
    /// What is read under a role, in order; if a path is given, only what is at that.
    #[must_use]
    pub fn reads_as(&self, role: &str, path: Option<&str>) -> Vec<&Read> {
        let key = |at: &usize| (self.reads[*at].role.as_str(), self.reads[*at].path.as_str());
        let sorted = self.by_role.get_or_init(|| {
            let mut all: Box<[usize]> = (0..self.reads.len()).collect();
            all.sort_by(|one, other| key(one).cmp(&key(other)));
            all
        });
        let first = sorted.partition_point(|at| key(at) < (role, path.unwrap_or_default()));
        let is_meant = |at: &&usize| key(at).0 == role && path.is_none_or(|path| key(at).1 == path);
        let mut found: Vec<usize> = sorted[first..].iter().take_while(is_meant).copied().collect();
        found.sort_unstable();
        found.into_iter().map(|at| &self.reads[at]).collect()
    }
}

/// One file or directory that a target reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The name under which the task knows it.
    pub role: EcoString,
    /// Its path, relative to the project or absolute.
    pub path: EcoString,
    /// The artifact that it is, if it is one.
    pub artifact: Option<ArtifactId>,
    /// How it came to be an input.
    pub how: How,
    /// What is left out of it if it is a directory, where that is not just what the project ignores.
    pub ignore: Option<Arc<Ignore>>,
    /// Where it is written.
    pub span: Span,
}

/// A glob that matches no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The pattern.
    pub pattern: String,
    /// Where it is written.
    pub span: Span,
}

/// A link out of the project that a glob passes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkOut {
    /// Its path.
    pub link: String,
    /// Where the pattern is written.
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

/// Artifacts by where they are.
type Places = BTreeMap<EcoString, ArtifactId>;

/// The artifacts whose paths begin with a text, sorted.
fn beginning_with<'p>(places: &'p Places, text: &'p str) -> impl Iterator<Item = (&'p EcoString, &'p ArtifactId)> {
    let after = places.range::<str, _>((Bound::Included(text), Bound::Unbounded));
    after.take_while(move |(path, _)| path.starts_with(text))
}

/// What a name means; an artifact may be named as its target is, and then the target is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Target(TargetId),
    Artifact(ArtifactId),
    /// Artifacts of several targets: none is meant unless its target is named with it.
    Shared(Vec<ArtifactId>),
    /// All instances of a target, or the artifacts of one port of all of them; by the name without values.
    Instances(Vec<TargetId>),
    ArtifactOfEach(Vec<ArtifactId>),
}

impl Name {
    /// Gives the name to one more artifact.
    fn share(&mut self, artifact: ArtifactId) {
        match self {
            Self::Shared(all) => all.push(artifact),
            Self::Artifact(first) => *self = Self::Shared(vec![*first, artifact]),
            Self::ArtifactOfEach(all) => *self = Self::Shared(vec![all[0], artifact]),
            Self::Target(_) | Self::Instances(_) => {}
        }
    }
}

/// The files of a project that a pattern matches, sorted; notes where it looked.
///
/// # Errors
/// Why it is no pattern.
pub fn matching(pattern: &str, root: &Path, ignore: &Ignore, lookups: &mut Lookups) -> Result<Vec<String>, String> {
    let matches = Compiled::default().glob(pattern)?.expand(root, ignore);
    matches.note(lookups);
    Ok(matches.paths)
}

/// A Spec of which no graph can be made, and everything that is wrong with the whole.
pub type UnsoundSpec = Box<(Arc<Spec>, Vec<GraphError>)>;

impl Graph {
    /// Makes the graph of a Spec.
    ///
    /// # Errors
    /// Everything that is wrong with the whole, at once.
    pub fn new(spec: impl Into<Arc<Spec>>, files: &Files) -> Result<Self, UnsoundSpec> {
        let spec = spec.into();
        let mut found = DiskAnswers::new(files);
        let NameIndex {
            by_name,
            by_path,
            by_real,
            mut errors,
        } = check::names(&spec, &mut found.links);
        let patterns: Vec<&str> = spec.ignore.iter().map(|pattern| pattern.text.as_str()).collect();
        let ignore = Ignore::new(&patterns).unwrap_or_else(|(at, why)| {
            errors.extend(
                spec.ignore
                    .get(at)
                    .map(|it| GraphError::bad_glob(&it.text, it.span, &why)),
            );
            Ignore::default()
        });
        let mut graph = Self {
            nodes: Vec::new(),
            spec,
            order: Vec::new(),
            by_name,
            by_path,
            by_real,
            linked: FastMap::default(),
            ignore,
            lookups: Arc::default(),
            readers: OnceLock::new(),
        };
        errors.extend(check::axes(&graph));
        errors.extend(check::params_files(&graph));
        graph.nodes = graph.connect_all(&mut found, &mut errors);
        graph.linked = std::mem::take(&mut found.linked);
        graph.lookups = Arc::new(std::mem::take(&mut found.links.lookups));
        for id in (0..).map(TargetId).take(graph.nodes.len()) {
            for need in graph.nodes[id.index()].needs.clone() {
                graph.nodes[need.index()].feeds.push(id);
            }
            for earlier in graph.nodes[id.index()].after.clone() {
                if !graph.nodes[id.index()].needs.contains(&earlier) {
                    graph.nodes[earlier.index()].awaited_by.push(id);
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

    /// A graph of which no more is known than names, and what needs what: targets stand in build order, as in `needs`.
    pub(super) fn outline(spec: Spec, needs: Vec<Box<[TargetId]>>) -> Self {
        let mut by_name = FastMap::default();
        check::targets_by_name(&spec, &mut by_name);
        let node = |needs| Edges {
            needs,
            ..Edges::default()
        };
        Self {
            order: (0..).map(TargetId).take(spec.targets.len()).collect(),
            spec: Arc::new(spec),
            nodes: needs.into_iter().map(node).collect(),
            by_name,
            by_path: BTreeMap::new(),
            by_real: BTreeMap::new(),
            linked: FastMap::default(),
            ignore: Ignore::default(),
            lookups: Arc::default(),
            readers: OnceLock::new(),
        }
    }

    /// Where the disk was asked while it was made.
    pub(super) fn lookups(&self) -> &Arc<Lookups> {
        &self.lookups
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

    /// The artifacts of a target, in the order of its outputs.
    pub fn artifacts_of(&self, target: TargetId) -> impl Iterator<Item = ArtifactId> + use<> {
        let count = u32::try_from(self.target(target).outputs.len()).unwrap_or(u32::MAX);
        (0..count).map(move |output| ArtifactId { target, output })
    }

    /// An artifact as it is declared.
    #[must_use]
    pub fn output(&self, id: ArtifactId) -> &Output {
        &self.target(id.target).outputs[id.output as usize]
    }

    /// The programs that a target may run: those that it declares, and those of the targets that make what it reads.
    pub(crate) fn programs(&self, id: TargetId) -> impl Iterator<Item = &Program> {
        self.may_declare(id).flat_map(|target| target.action.programs())
    }

    /// The targets whose programs a target may run: itself, and those that make what it reads.
    pub(crate) fn may_declare(&self, id: TargetId) -> impl Iterator<Item = &Target> {
        let reads = self.node(id).reads.iter();
        let makers = reads.filter_map(|read| read.artifact).map(|artifact| artifact.target);
        [id].into_iter().chain(makers).map(|id| self.target(id))
    }

    /// An artifact's declared path.
    #[must_use]
    pub fn path(&self, id: ArtifactId) -> &str {
        &self.output(id).path
    }

    /// The name that means an artifact and no other: its own, or `target.artifact` where several have that.
    #[must_use]
    pub fn shown_name(&self, id: ArtifactId) -> Cow<'_, str> {
        let name = self.output(id).name.as_str();
        match self.by_name.get(name) {
            Some(Name::Shared(_)) => Cow::Owned(full_name(self.name(id.target), name)),
            Some(Name::Target(target)) if *target != id.target => Cow::Owned(full_name(self.name(id.target), name)),
            None | Some(_) if self.is_shared(base_name(name)) => Cow::Owned(full_name(self.name(id.target), name)),
            _ => Cow::Borrowed(name),
        }
    }

    /// What globs and directories that are sources leave out in the whole project.
    #[must_use]
    pub fn ignore(&self) -> &Ignore {
        &self.ignore
    }

    /// What is left out of a directory that is read.
    #[must_use]
    pub fn ignore_of<'g>(&'g self, read: &'g Read) -> &'g Ignore {
        read.ignore.as_deref().unwrap_or(&self.ignore)
    }

    /// The name under which an artifact's own task knows it.
    #[must_use]
    pub fn port(&self, id: ArtifactId) -> &str {
        &self.output(id).port
    }

    /// All targets, each after those that it needs or comes after; among equals in the order of the Atsaffile.
    #[must_use]
    pub fn order(&self) -> &[TargetId] {
        &self.order
    }

    /// The target of a name, an artifact's name, or an artifact's path; none for a name that several have.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<TargetId> {
        match self.by_name.get(name) {
            Some(Name::Target(id)) => Some(*id),
            _ => self.artifact(name).map(|id| id.target),
        }
    }

    /// The artifact of a name, with or without that of its target before it; none for a name that several have.
    #[must_use]
    pub fn artifact_named(&self, name: &str) -> Option<ArtifactId> {
        match self.by_name.get(name) {
            Some(Name::Artifact(id)) => Some(*id),
            // An artifact with its target's own name.
            Some(Name::Target(id)) => self.output_named(*id, name),
            Some(Name::Shared(_) | Name::Instances(_) | Name::ArtifactOfEach(_)) => None,
            None => {
                let (target, artifact) = base_name(name).split_once('.')?;
                let values = values_of(name).map(|values| format!("@{values}")).unwrap_or_default();
                match self.by_name.get(format!("{target}{values}").as_str())? {
                    Name::Target(id) => self.output_named(*id, &format!("{artifact}{values}")),
                    _ => None,
                }
            }
        }
    }

    /// Whether artifacts of several targets have a name.
    fn is_shared(&self, name: &str) -> bool {
        matches!(self.by_name.get(name), Some(Name::Shared(_)))
    }

    fn output_named(&self, target: TargetId, name: &str) -> Option<ArtifactId> {
        let outputs = &self.target(target).outputs;
        let at = outputs.iter().position(|output| output.name == name)?;
        Some(ArtifactId {
            target,
            output: u32::try_from(at).ok()?,
        })
    }

    /// Whether a path is an artifact or lies in one, as far as the disk was asked.
    pub(crate) fn is_artifact_or_in_one(&self, path: &str) -> bool {
        let above = || check::directory_above(&self.by_path, path, &self.spec).is_some();
        self.by_path.contains_key(path) || self.linked.contains_key(path) || above()
    }

    /// Whether a path is an artifact, or a directory on the way to one.
    pub(crate) fn leads_to_artifact(&self, path: &str) -> bool {
        let below = format!("{path}/");
        let mut places = self.places().into_iter();
        places.any(|places| places.contains_key(path) || beginning_with(places, &below).next().is_some())
    }

    /// The artifact that a path is, or lies in, by its text.
    pub(crate) fn artifact_at(&self, path: &str) -> Option<ArtifactId> {
        let [by_path, by_real] = self.places();
        let linked = || self.linked.get(path);
        let found = by_path.get(path).or_else(|| by_real.get(path)).or_else(linked);
        let above = || {
            [by_path, by_real]
                .iter()
                .find_map(|places| check::directory_above(places, path, &self.spec))
        };
        found.copied().or_else(above)
    }

    /// Whether another target than this one reads a source at a path.
    pub(crate) fn is_source_of_another(&self, path: &str, id: TargetId) -> bool {
        let readers = self.readers.get_or_init(|| {
            let mut readers: FastMap<EcoString, Vec<TargetId>> = FastMap::default();
            for id in &self.order {
                for read in self.node(*id).reads.iter().filter(|read| read.artifact.is_none()) {
                    readers.entry(read.path.clone()).or_default().push(*id);
                }
            }
            readers
        });
        readers
            .get(path)
            .is_some_and(|all| all.iter().any(|other| *other != id))
    }

    /// Artifacts by declared path, and by where a link on the way to it leads.
    fn places(&self) -> [&Places; 2] {
        [&self.by_path, &self.by_real]
    }

    /// The artifacts that share a name; none if it has one meaning.
    fn sharing(&self, name: &str) -> &[ArtifactId] {
        match self.by_name.get(name) {
            Some(Name::Shared(all)) => all,
            _ => &[],
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
    /// All names that mean nothing, or several things.
    pub fn goals(&self, names: &[String]) -> Result<Vec<TargetId>, Vec<GoalError>> {
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
            } else {
                let meant = self.meant(name);
                if meant.is_empty() {
                    unknown.push(GoalError::new(self, name));
                }
                for id in meant {
                    found[id.index()] = true;
                }
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

    fn reach(&self, from: &[TargetId], next: impl Fn(&Edges) -> &[TargetId]) -> Vec<TargetId> {
        let mut reached = vec![false; self.nodes.len()];
        let mut open = from.to_vec();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut reached[id.index()], true) {
                open.extend(next(self.node(id)).iter().copied());
            }
        }
        self.order.iter().copied().filter(|id| reached[id.index()]).collect()
    }

    /// Whether a text is the name of something, or of several things.
    #[must_use]
    pub fn is_name(&self, text: &str) -> bool {
        self.by_name.contains_key(text)
            || self.spec.aliases.contains_key(text)
            || self.artifact_named(text).is_some()
            || !self.instances(base_name(text)).is_empty()
            || !self.artifact_of_each(text).is_empty()
    }

    /// Every name that a goal may have, for suggestions and completion.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let own = self.by_name.iter().flat_map(|(name, means)| match means {
            Name::Shared(all) => all.iter().map(|id| self.shown_name(*id)).collect(),
            _ => vec![Cow::Borrowed(name.as_str())],
        });
        own.chain(self.spec.aliases.keys().map(|name| Cow::Borrowed(name.as_str())))
    }
}
