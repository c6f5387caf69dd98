//! What is in the directories that were read, kept as objects under the digest that a fingerprint has of them: so that
//! an explanation can tell which of their files came, went or changed.

use std::io::{self, Write as _};

use super::Store;
use super::objects::Objects;
use crate::engine::digest::{Digest, Tree};

impl Objects {
    /// Keeps a tree, and gives the digest under which it is found.
    pub(super) fn keep_listing(&self, tree: &Tree) -> io::Result<Digest> {
        let digest = tree.digest();
        if !self.has(digest) {
            let list = serde_json::to_vec(tree).map_err(io::Error::other)?;
            super::objects::open_new(&self.path(digest))?.write_all(&list)?;
        }
        Ok(digest)
    }
}

impl Store {
    /// Keeps what is in a directory, and gives the digest under which it is found.
    pub(crate) fn keep_listing(&self, tree: &Tree) -> io::Result<Digest> {
        self.objects.keep_listing(tree)
    }

    /// What was in a directory of this content; `None` if that was not kept.
    #[must_use]
    pub fn listing(&self, digest: Digest) -> Option<Tree> {
        self.objects.tree(digest)
    }
}
