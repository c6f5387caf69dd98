//! Which of the paths that an attempt touched can be inputs of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::graph::{ArtifactId, TargetId, lies_in};
use crate::engine::path_matcher::PathMatcher;
use crate::engine::plan::PlanContext;
use crate::engine::spec::Target;

/// The file with secrets beside the Atsaffile, which are in no fingerprint.
const SECRETS: &str = ".env";

/// What counts for one target.
pub(super) struct Scope<'a> {
    context: PlanContext<'a>,
    id: TargetId,
    /// Whether a directory of the project is a virtual environment, as far as it was asked.
    environments: RefCell<BTreeMap<String, bool>>,
    root: PathBuf,
}

impl<'a> Scope<'a> {
    pub(super) fn of(context: PlanContext<'a>, id: TargetId) -> Self {
        let root = context.files.root();
        Self {
            context,
            id,
            environments: RefCell::default(),
            root: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
        }
    }

    fn target(&self) -> &'a Target {
        self.context.graph.target(self.id)
    }

    /// Whether a path is no discovered input, whatever the attempt did there.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        path == SECRETS
            || self.is_read_by_key(path)
            || self.is_ignored(path)
            || self.is_installed(path)
            || self.is_declared(path)
    }

    /// Whether what was found at a path is a discovered input: no artifact is one.
    pub(super) fn is_input(&self, path: &str) -> bool {
        !self.leaves_out(path) && self.artifact_at(path).is_none()
    }

    /// Whether it is a parameter file of which the target names the keys that it reads.
    fn is_read_by_key(&self, path: &str) -> bool {
        let files = self.context.graph.spec.params_files_read_by(self.target());
        files.iter().any(|file| file.path == path)
    }

    /// Whether the path, or a directory on the way to it, is ignored.
    fn is_ignored(&self, path: &str) -> bool {
        let ignore = self.context.graph.ignore();
        above(path).any(|directory| ignore.is_ignored(directory, true)) || ignore.is_ignored(path, false)
    }

    /// Whether it lies in a virtual environment.
    fn is_installed(&self, path: &str) -> bool {
        let mut known = self.environments.borrow_mut();
        above(path).any(|directory| {
            if let Some(is_one) = known.get(directory) {
                return *is_one;
            }
            let at = self.context.files.at(directory);
            let is_one = at.join("pyvenv.cfg").is_file() || at.join("conda-meta").is_dir();
            known.insert(directory.to_owned(), is_one);
            is_one
        })
    }

    /// Whether the target declares it, by its path or that of a directory above it, or says that it does not read it.
    fn is_declared(&self, path: &str) -> bool {
        let graph = self.context.graph;
        let is_read = |artifact: ArtifactId| {
            let mut reads = graph.node(self.id).reads.iter();
            reads.any(|read| read.artifact == Some(artifact))
        };
        // Who runs a program of another target reads what that says, and runs after all that makes it.
        let is_of_program = |artifact: ArtifactId| {
            let mut files = graph.programs(self.id).flat_map(|program| &program.files);
            files.any(|file| lies_in(path, file) || graph.path(artifact) == file)
        };
        let is_read = |artifact| is_read(artifact) || is_of_program(artifact);
        graph.declares(self.id, path) || self.artifact_at(path).is_some_and(is_read) || self.takes_out(path)
    }

    /// Whether `"!path"` among the inputs says so.
    fn takes_out(&self, path: &str) -> bool {
        let mut rules = self.target().settings.without.iter().map(|rule| rule.pattern.as_str());
        let is_match = |rule: &str| PathMatcher::new(rule).is_ok_and(|matcher| matcher.is_match(path));
        rules.any(|rule| lies_in(path, rule) || is_match(rule))
    }

    /// The artifact that a path is, or lies in; through links of the project as well.
    pub(super) fn artifact_at(&self, path: &str) -> Option<ArtifactId> {
        let graph = self.context.graph;
        graph.artifact_at(path).or_else(|| {
            let real = self.root.join(path).canonicalize().ok()?;
            let below = real.strip_prefix(&self.root).ok()?.to_str()?;
            (below != path).then(|| graph.artifact_at(below)).flatten()
        })
    }
}

/// The directories on the way to a path.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}
