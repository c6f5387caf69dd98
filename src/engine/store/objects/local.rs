//! Artifacts by byte digest, to be given back without running anything.
//!
//! An object is written once, under its final name. A kill may leave a torn one: it is verified on the way out, and
//! one that does not say what its name says is a miss. A directory is kept as a list of its entries (its [`Tree`])
//! and one object for each file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::engine::digest::{self, Digest, Tree, TreeNode};
use crate::engine::spec::ArtifactKind;

#[derive(Debug)]
pub(crate) struct Objects {
    dir: PathBuf,
}

impl Objects {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, digest: Digest) -> PathBuf {
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
                let tree = Tree::read(path, &digest::of_file)?;
                for (name, node) in &tree.0 {
                    if let TreeNode::File(digest) = node {
                        self.keep_file(&path.join(name), *digest)?;
                    }
                }
                let list = serde_json::to_vec(&tree).map_err(io::Error::other)?;
                let to = self.path(digest);
                open_new(&to)?.write_all(&list)
            }
        }
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
                let Some(tree) = self.tree(digest) else {
                    return Ok(false);
                };
                fs::create_dir_all(to)?;
                for (name, node) in &tree.0 {
                    let at = to.join(name);
                    match node {
                        TreeNode::Directory => fs::create_dir_all(&at)?,
                        TreeNode::Link(text) => std::os::unix::fs::symlink(text, &at)?,
                        TreeNode::File(digest) => {
                            if !self.give_file(*digest, &at)? {
                                fs::remove_dir_all(to)?;
                                return Ok(false);
                            }
                        }
                    }
                }
                Ok(true)
            }
        }
    }

    fn tree(&self, digest: Digest) -> Option<Tree> {
        let list = fs::read(self.path(digest)).ok()?;
        let tree: Tree = serde_json::from_slice(&list).ok()?;
        (tree.digest() == digest).then_some(tree)
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

fn open_new(path: &Path) -> io::Result<File> {
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
        let tree = Tree::read(&from, &digest::of_file).expect("read");
        objects
            .keep(&from, ArtifactKind::Directory, tree.digest())
            .expect("kept");
        let to = dir.path().join("back");
        assert!(
            objects
                .give(tree.digest(), ArtifactKind::Directory, &to)
                .expect("given")
        );
        assert_eq!(Tree::read(&to, &digest::of_file).expect("read"), tree);
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
