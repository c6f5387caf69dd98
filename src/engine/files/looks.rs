//! What was looked at, so that a later look can tell what has moved.

use ecow::EcoString;
use rayon::prelude::*;

use super::{Files, Looker, PathState};
use crate::engine::digest::Tree;
use crate::engine::tree::TreeNode;
use crate::fast_map::FastSet;

/// What was looked at.
#[derive(Debug, Default)]
pub(in crate::engine) struct Looks {
    /// What stood at each path.
    pub(in crate::engine) paths: Vec<(EcoString, PathState)>,
    /// Directories that were listed, with all that is in them.
    pub(in crate::engine) directories: Vec<String>,
    /// Whether a link was met that stands in a directory, or what no look tells again.
    pub(in crate::engine) is_partial: bool,
}

impl Looks {
    pub(super) fn tree(&mut self, path: &str, tree: &Tree) {
        let path = path.trim_end_matches('/');
        self.directories.push(path.to_owned());
        for (name, node) in &tree.0 {
            match node {
                TreeNode::Directory => self.directories.push(format!("{path}/{name}")),
                TreeNode::File(_) => {}
                TreeNode::Link(_) | TreeNode::Followed { .. } => self.is_partial = true,
            }
        }
    }

    /// Looks at the same paths again; gives those at which something else stands, `None` if that is no file or not there.
    pub(in crate::engine) fn again(&mut self, files: &Files) -> Option<FastSet<EcoString>> {
        let looker = Looker::at(files.root(), self.paths.iter().map(|(path, _)| path.as_str()));
        let look = |(path, state): &mut (EcoString, PathState)| {
            let before = std::mem::replace(state, looker.look(path));
            match (before == *state, *state) {
                (true, _) => Ok(None),
                (false, PathState::File(_) | PathState::Missing) => Ok(Some(path.clone())),
                (false, _) => Err(()),
            }
        };
        let moved: Result<Vec<Option<EcoString>>, ()> = self.paths.par_iter_mut().with_min_len(8).map(look).collect();
        Some(moved.ok()?.into_iter().flatten().collect())
    }
}
