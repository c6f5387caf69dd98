//! What was in the directories that were read and made, each under the digest that a fingerprint or a record has of it: so
//! that an explanation can tell which of their files came, went or changed. Without one it says less, and that is all.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use super::{Store, own_file};
use crate::engine::digest::{Digest, Tree};

impl Store {
    fn listing_path(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.listings_dir().join(&hex[..2]).join(&hex[2..])
    }

    /// The directory of listings.
    pub(super) fn listings_dir(&self) -> PathBuf {
        self.dir.join("listings")
    }

    /// Keeps what is in a directory.
    pub(crate) fn keep_listing(&self, tree: &Tree) -> io::Result<()> {
        let path = self.listing_path(tree.digest());
        if path.exists() {
            return Ok(());
        }
        own_file::make_directory(path.parent().unwrap_or(&path))?;
        super::replace_file(&path, &serde_json::to_vec(tree).map_err(io::Error::other)?)
    }

    /// What was in a directory of this digest; `None` if that was not kept, or is damaged.
    #[must_use]
    pub fn listing(&self, digest: Digest) -> Option<Tree> {
        let tree: Tree = serde_json::from_slice(&own_file::read(&self.listing_path(digest)).ok()?).ok()?;
        (tree.digest() == digest).then_some(tree)
    }

    /// The digests of the directories that an explanation of what is in place may ask for.
    pub(super) fn needed_listings(&self) -> HashSet<PathBuf> {
        let records = self.records.ledger(|ledger| {
            let records = ledger.targets().filter_map(|(_, history)| history.record().cloned());
            records.collect::<Vec<_>>()
        });
        let mut needed = HashSet::new();
        for record in records {
            needed.extend(
                record
                    .artifacts
                    .iter()
                    .map(|artifact| self.listing_path(artifact.bytes)),
            );
            let fingerprint = self.records.fingerprint(&record);
            let inputs = fingerprint.into_iter().flat_map(|fingerprint| fingerprint.inputs);
            needed.extend(inputs.filter_map(|input| Some(self.listing_path(input.content?))));
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::engine::digest::TreeNode;
    use crate::fuzz::Fuzz;

    #[test]
    fn fuzz_kept_listing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        let digest = Digest::of(b"text");
        let followed = |file| TreeNode::Followed {
            text: "../there".to_owned(),
            file,
        };
        let nodes = [
            ("a", TreeNode::Directory),
            ("a/b", TreeNode::File(digest)),
            ("c", TreeNode::Link("a/b".to_owned())),
            ("d", followed(None)),
            ("d/e", followed(Some(digest))),
        ];
        let tree = Tree(nodes.map(|(name, node)| (name.to_owned(), node)).into());
        store.keep_listing(&tree).expect("kept");
        let path = store.listing_path(tree.digest());
        let kept = own_file::read(&path).expect("read");
        assert_eq!(store.listing(tree.digest()), Some(tree.clone()));
        Fuzz::of("kept listing", [kept])
            .words(&["[", "{\"File\":", "null"])
            .run(|bytes| {
                own_file::create(&path)
                    .expect("made")
                    .write_all(bytes)
                    .expect("written");
                if let Some(read) = store.listing(tree.digest()) {
                    assert_eq!(read, tree);
                }
            });
    }
}
