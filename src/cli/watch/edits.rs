//! Which targets the edits that come while a build runs have made stale.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use rayon::prelude::*;

use super::changes::ChangedPath;
use super::watched::{Watched, discovered};
use crate::cli::Session;
use crate::cli::read_atsaffile;
use crate::cli::setup::{self, Project};
use crate::engine::digest::Digest;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::spec::{Action, ArtifactKind};

/// What stands at a path.
type SourceContent = Option<(Digest, ArtifactKind)>;

/// The targets of a build, and the edits since it began.
pub(super) struct Edits<'a> {
    project: &'a Project,
    session: &'a Session,
    /// The targets of the build, in build order, each with what it reads itself.
    targets: Vec<(TargetId, Watched)>,
    /// The sources as they were.
    sources: BTreeMap<String, SourceContent>,
    stale: RwLock<BTreeSet<TargetId>>,
}

impl<'a> Edits<'a> {
    /// Looks at all sources of some targets before they are built.
    pub(super) fn since(project: &'a Project, goals: &[TargetId], session: &'a Session) -> Self {
        let graph = &project.graph;
        let needed = graph.needed(goals);
        let reads = needed.iter().flat_map(|id| &graph.node(*id).reads);
        let sources = reads
            .filter(|read| read.artifact.is_none())
            .map(|read| read.path.to_string());
        let used = needed.iter().flat_map(|id| discovered(project, *id));
        let used = used.filter(|path| !path.ends_with('/'));
        let sources: BTreeSet<String> = sources.chain(used).collect();
        let sources: Vec<String> = sources.into_iter().collect();
        let look = |path: &String| (path.clone(), project.files.digest(path).ok().flatten());
        let found: Vec<(String, SourceContent)> = sources.par_iter().map(look).collect();
        Self {
            project,
            session,
            targets: needed
                .iter()
                .map(|id| (*id, Watched::of_target(project, *id)))
                .collect(),
            sources: found.into_iter().collect(),
            stale: RwLock::default(),
        }
    }

    /// Whether an edit has made a target stale.
    pub(super) fn is_stale(&self, id: TargetId) -> bool {
        self.stale.read().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Takes note of changes.
    pub(super) fn note(&self, changes: &BTreeSet<ChangedPath>) {
        let graph = &self.project.graph;
        let is_atsaffile = |change: &ChangedPath| {
            let mut path = change.path.as_deref().into_iter();
            path.any(|path| self.is_atsaffile(path) || self.is_params_file(path))
        };
        let is_edited = changes.iter().any(is_atsaffile);
        let other = is_edited.then(|| self.edited_project()).flatten();
        let mut stale = self.stale.write().unwrap_or_else(PoisonError::into_inner);
        for (id, reads) in &self.targets {
            let by_need = graph.node(*id).needs.iter().any(|need| stale.contains(need));
            let by_edit = || changes.iter().any(|change| self.concerns(reads, change));
            let by_text = || other.as_ref().is_some_and(|other| !is_same(graph, *id, &other.graph));
            if by_need || by_edit() || by_text() {
                stale.insert(*id);
            }
        }
    }

    /// The project as the Atsaffile has it now, once that is at rest: an editor may first empty it and then write it.
    fn edited_project(&self) -> Option<Project> {
        const REST: Duration = Duration::from_millis(30);
        const LOOKS: usize = 10;
        for _ in 0..LOOKS {
            let text = read_atsaffile::text(&self.project.file).ok()?;
            thread::sleep(REST);
            if !text.is_empty() && read_atsaffile::text(&self.project.file).ok().as_ref() == Some(&text) {
                return setup::load(self.session).ok();
            }
        }
        None
    }

    fn is_atsaffile(&self, path: &Path) -> bool {
        is_file(path, &self.project.file)
    }

    fn is_params_file(&self, path: &Path) -> bool {
        let project = self.project;
        let mut files = project.graph.spec.params_files.iter();
        files.any(|file| is_file(path, &project.files.at(&file.path)))
    }

    /// Whether a change gives what a target reads another content.
    fn concerns(&self, reads: &Watched, change: &ChangedPath) -> bool {
        let Some(path) = &change.path else {
            // It may be anything: the build goes on, and the next one finds out.
            return false;
        };
        if !reads.concerns(path, change.structural) {
            return false;
        }
        let Some(source) = reads.source_of(path) else {
            // A file joins a glob, or a word of the command has become a file.
            return change.structural;
        };
        let now = self.project.files.digest(source).ok().flatten();
        self.sources.get(source).is_none_or(|before| *before != now)
    }
}

/// Whether the target of the same name in another graph does the same with the same.
fn is_same(graph: &Graph, id: TargetId, other: &Graph) -> bool {
    let name = graph.name(id);
    let Some(other_id) = other.order().iter().copied().find(|id| other.name(*id) == name) else {
        return false;
    };
    let (one, two) = (graph.target(id), other.target(other_id));
    let (of_one, of_two) = (&one.settings, &two.settings);
    let is_same_action = match (&one.action, &two.action) {
        (Action::Command(one), Action::Command(two)) => {
            one.text() == two.text() && (&one.shell, &one.cwd) == (&two.shell, &two.cwd)
        }
        (one, two) => one == two,
    };
    let params = |graph: &Graph, id: TargetId| -> Vec<_> {
        let params = graph.target(id).params.iter();
        params.map(|param| (param.name.clone(), param.value.clone())).collect()
    };
    let reads = |graph: &Graph, id: TargetId| -> Vec<_> {
        let reads = graph.node(id).reads.iter();
        reads.map(|read| (read.role.clone(), read.path.clone())).collect()
    };
    let outputs = |graph: &Graph, id: TargetId| -> Vec<_> {
        let outputs = graph.target(id).outputs.iter();
        outputs
            .map(|output| (output.name.clone(), output.path.clone(), output.kind))
            .collect()
    };
    is_same_action
        && params(graph, id) == params(other, other_id)
        && reads(graph, id) == reads(other, other_id)
        && outputs(graph, id) == outputs(other, other_id)
        && (&of_one.env, of_one.direct, of_one.effect) == (&of_two.env, of_two.direct, of_two.effect)
}

/// Whether a path is that of a file, also through a link on the way to it.
fn is_file(path: &Path, file: &Path) -> bool {
    path.file_name() == file.file_name() && path.canonicalize().ok() == file.canonicalize().ok()
}
