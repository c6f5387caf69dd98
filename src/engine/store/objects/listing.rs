//! What a directory holds, as an object of its own: paths, permissions, links, and the keys of its files.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::commit::exists;
use super::super::remove;
use super::Objects;
use super::mode::{self, Mode};
use crate::engine::digest::Digest;

/// The entries of a directory, sorted by path, each directory before what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing(Vec<Listed>);

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    /// The path below the directory, `/` between the parts.
    path: String,
    what: ListedContent,
    #[serde(default, skip_serializing_if = "is_plain")]
    mode: Mode,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ListedContent {
    Directory,
    /// A file, by the key of its bytes.
    File(Digest),
    /// A link, by its text.
    Link(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_plain(mode: &Mode) -> bool {
    *mode == Mode::Plain
}

impl Listing {
    /// Lists a directory, and keeps a copy of each file in it.
    pub(super) fn keep(objects: &dyn Objects, root: &Path) -> io::Result<Self> {
        let mut listed = Vec::new();
        for entry in walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name() {
            let entry = entry?;
            let at = entry.path();
            let path = at.strip_prefix(root).unwrap_or(at).to_str();
            let path = path
                .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?
                .to_owned();
            let kind = entry.file_type();
            let what = if kind.is_dir() {
                ListedContent::Directory
            } else if kind.is_symlink() {
                ListedContent::Link(fs::read_link(at)?.to_string_lossy().into_owned())
            } else {
                let key = mode::digest_of_bytes(at)?;
                objects.keep(key, at)?;
                ListedContent::File(key)
            };
            let mode = match what {
                ListedContent::Link(_) => Mode::Plain,
                _ => Mode::of(&entry.metadata()?),
            };
            listed.push(Listed { path, what, mode });
        }
        Ok(Self(listed))
    }

    /// The bytes under whose key it is kept.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(io::Error::other)
    }

    /// Reads a listing that is kept.
    pub(super) fn read(objects: &dyn Objects, key: Digest) -> Option<Self> {
        let listing: Self = serde_json::from_slice(&objects.read(key)?).ok()?;
        listing.is_sound().then_some(listing)
    }

    /// Whether it lists a directory: each path once, below it, and after the directory in which it lies. Behind a link of
    /// the listing's own would be somewhere else.
    fn is_sound(&self) -> bool {
        let (mut seen, mut directories) = (HashSet::new(), HashSet::new());
        self.0.iter().all(|Listed { path, what, .. }| {
            if *what == ListedContent::Directory {
                directories.insert(path.as_str());
            }
            let is_in_one = path
                .rsplit_once('/')
                .is_none_or(|(parent, _)| directories.contains(parent));
            is_below(path) && is_in_one && seen.insert(path.as_str())
        })
    }

    /// The keys of its files.
    pub(super) fn objects(&self) -> impl Iterator<Item = Digest> {
        self.0.iter().filter_map(|listed| match listed.what {
            ListedContent::File(key) => Some(key),
            _ => None,
        })
    }

    /// Makes the directory again at a path that is free; `false` if a file of it is missing or damaged, or if two paths
    /// are one to the file system.
    pub(super) fn give(&self, objects: &dyn Objects, to: &Path) -> io::Result<bool> {
        fs::create_dir_all(to)?;
        for Listed { path, what, .. } in &self.0 {
            let at = to.join(path);
            if exists(&at) {
                remove(to)?;
                return Ok(false);
            }
            match what {
                ListedContent::Directory => fs::create_dir(&at)?,
                ListedContent::Link(text) => symlink(text, &at)?,
                ListedContent::File(key) => {
                    if !objects.give(*key, &at)? {
                        remove(to)?;
                        return Ok(false);
                    }
                }
            }
        }
        self.set_modes(to)?;
        Ok(true)
    }

    /// Gives what is in the directory at a path its permissions, if it is this listing's directory.
    pub(super) fn set_modes(&self, at: &Path) -> io::Result<()> {
        if !self.is_at(at) {
            return Ok(());
        }
        // The innermost first: one that may not be entered any more has been filled by then.
        for Listed { path, what, mode } in self.0.iter().rev() {
            if !matches!(what, ListedContent::Link(_)) {
                mode.set(&at.join(path))?;
            }
        }
        Ok(())
    }
}

impl Listing {
    /// Whether the directory at a path has each entry in its kind, so that none of them lies behind a link.
    fn is_at(&self, at: &Path) -> bool {
        self.0.iter().all(|Listed { path, what, .. }| {
            let kind = fs::symlink_metadata(at.join(path)).map(|it| it.file_type());
            kind.is_ok_and(|kind| match what {
                ListedContent::Directory => kind.is_dir(),
                ListedContent::File(_) => kind.is_file(),
                ListedContent::Link(_) => kind.is_symlink(),
            })
        })
    }
}

/// Whether a path stays below the directory that it is joined to, and is in its one form.
fn is_below(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::super::LocalObjects;
    use super::*;
    use crate::fuzz::Fuzz;

    #[test]
    fn fuzz_listing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = LocalObjects::new(dir.path().join("objects"));
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("sub/empty")).expect("made");
        fs::File::create(from.join("sub/a")).expect("made");
        symlink("sub", from.join("link")).expect("linked");
        super::super::super::modes::set_mode(&from.join("sub"), 0o700).expect("set");
        let bytes = Listing::keep(&objects, &from).expect("kept").bytes().expect("encoded");
        // A link to here is what a listing may want to write through.
        let outside = dir.path().join("outside");
        fs::create_dir_all(outside.join("sub")).expect("made");
        let to = dir.path().join("to/here");
        let words = [
            "../../outside",
            "link",
            "\"link\":\"../../outside\"",
            "\"path\":\"link",
            "/sub",
            "\"directory\"",
            "{\"Exact\":4095}",
        ];
        Fuzz::of("listing", [bytes]).words(&words).run(|bytes| {
            let key = objects.keep_bytes(bytes).expect("kept");
            if let Some(listing) = Listing::read(&objects, key) {
                let _ = listing.give(&objects, &to);
                let _ = listing.set_modes(&to);
            }
            let _ = objects.remove(key);
            remove(&to).expect("removed");
            let found = walkdir::WalkDir::new(&outside).into_iter().count();
            assert_eq!(found, 2, "something was written out of the directory");
        });
    }
}
