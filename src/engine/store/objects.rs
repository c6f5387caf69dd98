//! Artifacts by byte digest, to be given back without running anything.
//!
//! An object is written once, under its final name. A kill may leave a torn one: it is verified on the way out, and
//! one that does not say what its name says is a miss. A directory is kept as a list of its entries (its [`Tree`])
//! and one object for each file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::modes::{self, set_mode, unusual_mode, usual_mode};
use crate::engine::digest::{self, Digest, Tree, TreeNode};
use crate::engine::spec::ArtifactKind;
use crate::engine::tree::whole;

#[derive(Debug)]
pub(crate) struct Objects {
    dir: PathBuf,
    umask: OnceLock<u32>,
}

/// A directory as it is kept.
#[derive(Serialize, Deserialize)]
struct Listing {
    tree: Tree,
    /// Permissions that are not the usual ones, by path; that of the directory itself has none.
    modes: BTreeMap<String, u32>,
}

impl Objects {
    pub(crate) fn new(dir: PathBuf) -> Self {
        let umask = OnceLock::new();
        Self { dir, umask }
    }

    fn umask(&self) -> u32 {
        *self.umask.get_or_init(|| modes::umask(&self.dir).unwrap_or(0o022))
    }

    pub(super) fn path(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }

    /// Whether there is an object of this digest; it may still turn out to be damaged.
    pub(crate) fn has(&self, digest: Digest) -> bool {
        self.path(digest).exists()
    }

    /// Keeps a copy of a file or directory.
    pub(crate) fn keep(&self, path: &Path, kind: ArtifactKind, digest: Digest) -> io::Result<()> {
        match kind {
            ArtifactKind::File => self.keep_file(path, digest),
            ArtifactKind::Directory => {
                let tree = Tree::read(path, &digest::of_file, &whole)?;
                for (name, node) in &tree.0 {
                    if let TreeNode::File(digest) = node {
                        self.keep_file(&path.join(name), *digest)?;
                    }
                }
                let modes = self.modes(path, &tree)?;
                let list = serde_json::to_vec(&Listing { tree, modes }).map_err(io::Error::other)?;
                let to = self.path(digest);
                open_new(&to)?.write_all(&list)
            }
        }
    }

    fn modes(&self, root: &Path, tree: &Tree) -> io::Result<BTreeMap<String, u32>> {
        let mut modes = BTreeMap::new();
        let linked = |node: &TreeNode| matches!(node, TreeNode::Link(_) | TreeNode::Followed { .. });
        let below = tree
            .0
            .iter()
            .filter(|(_, node)| !linked(node))
            .map(|(name, _)| name.as_str());
        for name in below.chain([""]) {
            let metadata = fs::symlink_metadata(root.join(name))?;
            if let Some(mode) = unusual_mode(&metadata, self.umask()) {
                modes.insert(name.to_owned(), mode);
            }
        }
        Ok(modes)
    }

    /// Gives what lies in a directory the permissions that it had.
    fn set_modes(&self, root: &Path, Listing { tree, modes }: &Listing) -> io::Result<()> {
        // The innermost first: a directory may be one that cannot be entered afterwards.
        for (name, node) in tree
            .0
            .iter()
            .rev()
            .map(|(name, node)| (name.as_str(), node))
            .chain([("", &TreeNode::Directory)])
        {
            let at = root.join(name);
            match (modes.get(name), node) {
                (Some(mode), _) => set_mode(&at, *mode)?,
                // The copy has the permissions of whoever kept these bytes first.
                (None, TreeNode::File(_)) => {
                    let metadata = fs::metadata(&at)?;
                    if unusual_mode(&metadata, self.umask()).is_some() {
                        set_mode(&at, usual_mode(&metadata, self.umask()))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn keep_file(&self, path: &Path, digest: Digest) -> io::Result<()> {
        let to = self.path(digest);
        let size = fs::metadata(path)?.len();
        match fs::metadata(&to) {
            Ok(there) if there.len() == size => return Ok(()),
            Ok(_) => fs::remove_file(&to)?,
            Err(_) => {}
        }
        if let Some(parent) = to.parent().filter(|parent| !parent.exists()) {
            fs::create_dir_all(parent)?;
        }
        // The copy has the file's permissions, of which one is in its digest.
        reflink_copy::reflink_or_copy(path, &to).map(drop)
    }

    /// Copies an object to a path that is free, and verifies it; `false` if it is missing or damaged.
    pub(crate) fn give(&self, digest: Digest, kind: ArtifactKind, to: &Path) -> io::Result<bool> {
        match kind {
            ArtifactKind::File => self.give_file(digest, to),
            ArtifactKind::Directory => {
                let Some(listing) = self.listing(digest) else {
                    return Ok(false);
                };
                fs::create_dir_all(to)?;
                for (name, node) in &listing.tree.0 {
                    let at = to.join(name);
                    match node {
                        TreeNode::Directory => fs::create_dir_all(&at)?,
                        TreeNode::Link(text) | TreeNode::Followed { text, .. } => {
                            std::os::unix::fs::symlink(text, &at)?;
                        }
                        TreeNode::File(digest) => {
                            if !self.give_file(*digest, &at)? {
                                fs::remove_dir_all(to)?;
                                return Ok(false);
                            }
                        }
                    }
                }
                self.set_modes(to, &listing)?;
                Ok(true)
            }
        }
    }

    /// The tree of a directory that was kept or read.
    pub(super) fn tree(&self, digest: Digest) -> Option<Tree> {
        self.listing(digest).map(|listing| listing.tree)
    }

    fn listing(&self, digest: Digest) -> Option<Listing> {
        let list = fs::read(self.path(digest)).ok()?;
        // Of a directory that was only read, the tree alone is kept.
        let listing = serde_json::from_slice(&list).or_else(|_| {
            let tree = serde_json::from_slice(&list);
            tree.map(|tree| Listing {
                tree,
                modes: BTreeMap::new(),
            })
        });
        listing.ok().filter(|listing: &Listing| listing.tree.digest() == digest)
    }

    fn give_file(&self, digest: Digest, to: &Path) -> io::Result<bool> {
        let from = self.path(digest);
        match reflink_copy::reflink_or_copy(&from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(false),
            other => other?,
        };
        if digest::of_file(to)? == digest {
            return Ok(true);
        }
        fs::remove_file(to)?;
        let _ = fs::remove_file(&from);
        Ok(false)
    }
}

pub(super) fn open_new(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_comes_back_whole_and_a_damaged_object_is_a_miss() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = Objects::new(dir.path().join("objects"));
        let from = dir.path().join("plots");
        fs::create_dir_all(from.join("sub")).expect("made");
        File::create(from.join("sub/a"))
            .expect("made")
            .write_all(b"text")
            .expect("written");
        let tree = Tree::read(&from, &digest::of_file, &whole).expect("read");
        objects
            .keep(&from, ArtifactKind::Directory, tree.digest())
            .expect("kept");
        let to = dir.path().join("back");
        assert!(
            objects
                .give(tree.digest(), ArtifactKind::Directory, &to)
                .expect("given")
        );
        assert_eq!(Tree::read(&to, &digest::of_file, &whole).expect("read"), tree);
        let object = objects.path(Digest::of(b"text"));
        File::create(&object)
            .expect("opened")
            .write_all(b"torn")
            .expect("damaged");
        let third = dir.path().join("third");
        assert!(
            !objects
                .give(tree.digest(), ArtifactKind::Directory, &third)
                .expect("asked")
        );
        assert!(!third.exists());
    }
}
