//! Which of the paths that an attempt touched can be inputs of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::graph::{ArtifactId, TargetId};
use crate::engine::ignore;
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
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.any(|directory| ignore.is_ignored(directory, true)) || ignore.is_ignored(path, false)
    }

    /// Whether it lies in a virtual environment.
    fn is_installed(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let mut known = self.environments.borrow_mut();
        above.any(|directory| {
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
        let reads = &self.context.graph.node(self.id).reads;
        let lies_in = |outer: &str| {
            let rest = path.strip_prefix(outer.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let artifact = self.artifact_at(path);
        let reads_it = reads.iter().any(|read| {
            let is_same_artifact = read.artifact.is_some() && read.artifact == artifact;
            is_same_artifact || lies_in(&read.path)
        });
        reads_it || self.takes_out(path)
    }

    /// Whether `"!path"` among the inputs says so.
    fn takes_out(&self, path: &str) -> bool {
        let mut rules = self.target().without.iter().map(|rule| rule.pattern.as_str());
        rules.any(|rule| {
            let is_above = path
                .strip_prefix(rule)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            is_above || ignore::matcher(rule).is_ok_and(|matcher| matcher.is_match(path))
        })
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
