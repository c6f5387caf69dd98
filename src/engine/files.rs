//! The project's files: what is at a path, and its digest, remembered by the file's identity.
//!
//! A digest is remembered with (size, mtime, ctime, inode, device). A file that was changed in the very tick of the
//! file system's clock in which it was read could be changed once more without a trace (git calls it racy), so an
//! entry as young as its own measurement is not trusted beyond this process: [`Files::settle`] measures it anew a
//! tick later, before it is written to the index.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::digest::{Digest, Tree, of_file};
use super::spec::ArtifactKind;

/// All that a file system tells about a file's content without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
    device: u64,
}

/// A remembered digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    identity: Identity,
    digest: Digest,
    /// Whether the file was older than the measurement.
    settled: bool,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Missing,
    /// A regular file.
    File(Identity),
    /// A directory.
    Directory,
    /// A socket, a device and the like.
    Other,
}

/// The files of one project.
pub struct Files {
    root: PathBuf,
    known: RwLock<HashMap<String, Known>>,
    /// Looks of this moment, taken ahead for a whole plan.
    ahead: RwLock<HashMap<String, Look>>,
    /// Whether a digest was taken that was not remembered.
    measured: AtomicBool,
}

impl Files {
    /// The files below `root`, with what is remembered of them.
    #[must_use]
    pub fn new(root: &Path, known: HashMap<String, Known>) -> Self {
        Self {
            root: root.to_owned(),
            known: RwLock::new(known),
            ahead: RwLock::default(),
            measured: AtomicBool::new(false),
        }
    }

    /// The project's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place of a declared path on the disk.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Looks at many paths at once, and reads the files that are new, so that the plan that follows finds every look
    /// and every file's digest taken; the looks are forgotten by [`Files::forget_looks`].
    pub fn look_ahead(&self, paths: &[&str]) {
        let look = |path: &&str| {
            let look = look(&self.at(path));
            if let Look::File(identity) = look {
                // What cannot be read is told by whoever needs it.
                let _ = self.file(path, identity);
            }
            look
        };
        // Few at a time: one of them may be large.
        let looks: Vec<Look> = paths.par_iter().with_min_len(8).map(look).collect();
        let mut ahead = self.ahead.write().unwrap_or_else(PoisonError::into_inner);
        ahead.reserve(paths.len());
        ahead.extend(paths.iter().map(|path| (*path).to_owned()).zip(looks));
    }

    /// Forgets the looks that were taken ahead.
    pub fn forget_looks(&self) {
        self.ahead.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Tells what is at a path.
    #[must_use]
    pub fn look(&self, path: &str) -> Look {
        let ahead = self.ahead.read().unwrap_or_else(PoisonError::into_inner);
        ahead.get(path).copied().unwrap_or_else(|| look(&self.at(path)))
    }

    /// The digest and kind of what is at a path; `None` if nothing is.
    ///
    /// # Errors
    /// Whatever reading meets; something that is neither file nor directory is [`io::ErrorKind::InvalidInput`].
    pub fn digest(&self, path: &str) -> io::Result<Option<(Digest, ArtifactKind)>> {
        match self.look(path) {
            Look::Missing => Ok(None),
            Look::File(identity) => {
                let digest = self.file(path, identity)?;
                Ok(Some((digest, ArtifactKind::File)))
            }
            Look::Directory => Ok(Some((self.tree(path)?.digest(), ArtifactKind::Directory))),
            Look::Other => {
                let what = format!("`{path}` is neither a file nor a directory");
                Err(io::Error::new(io::ErrorKind::InvalidInput, what))
            }
        }
    }

    /// The content of a directory, each file's digest taken from memory where it can be.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub fn tree(&self, path: &str) -> io::Result<Tree> {
        let root = self.at(path);
        Tree::read(&root, &|file| {
            let below = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
            let name = format!("{}/{below}", path.trim_end_matches('/'));
            match look(file) {
                Look::File(identity) => self.file(&name, identity),
                _ => of_file(file),
            }
        })
    }

    fn file(&self, path: &str, identity: Identity) -> io::Result<Digest> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .copied();
        match known {
            Some(known) if known.identity == identity => Ok(known.digest),
            _ => self.measure(path),
        }
    }

    /// Reads a file and remembers its digest.
    fn measure(&self, path: &str) -> io::Result<Digest> {
        let at = self.at(path);
        self.measured.store(true, Ordering::Relaxed);
        let begin = tick();
        let digest = of_file(&at)?;
        // The identity after reading: a change while reading moves it past `begin`.
        if let Look::File(identity) = look(&at) {
            let settled = identity.modified < begin && identity.changed < begin;
            let known = Known {
                identity,
                digest,
                settled,
            };
            let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
            all.insert(path.to_owned(), known);
        }
        Ok(digest)
    }

    /// Whether a digest was taken that was not remembered before.
    pub(crate) fn has_measured(&self) -> bool {
        self.measured.load(Ordering::Relaxed)
    }

    /// Remembers the digest of a file that was just placed.
    pub(crate) fn note(&self, path: &str, digest: Digest) {
        if let Look::File(identity) = look(&self.at(path)) {
            let known = Known {
                identity,
                digest,
                settled: false,
            };
            let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
            all.insert(path.to_owned(), known);
        }
    }

    /// Forgets what is remembered of some paths, so that they are read again.
    pub fn forget<'a>(&self, paths: impl IntoIterator<Item = &'a str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            known.remove(path);
        }
    }

    /// Waits a tick and measures the young entries anew; gives back all that is worth remembering.
    #[must_use]
    pub fn settle(&self) -> HashMap<String, Known> {
        let young: Vec<String> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known
                .iter()
                .filter(|(_, known)| !known.settled)
                .map(|(path, _)| path.clone())
                .collect()
        };
        if !young.is_empty() {
            let begin = tick();
            for _ in 0..100 {
                if tick() > begin {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            young.par_iter().for_each(|path| {
                self.forget([path.as_str()]);
                // A file that went away is no longer remembered.
                let _ = self.measure(path);
            });
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter(|(_, known)| known.settled)
            .map(|(path, known)| (path.clone(), *known))
            .collect()
    }
}

impl super::look::Look for Files {
    fn digest(&self, path: &str) -> io::Result<Option<(Digest, ArtifactKind)>> {
        self.digest(path)
    }

    fn now(&self) -> std::time::SystemTime {
        super::clock::now()
    }

    fn look_ahead(&self, paths: &[&str]) {
        self.look_ahead(paths);
    }

    fn forget_looks(&self) {
        self.forget_looks();
    }
}

/// The clock with which the kernel stamps files: it ticks every few milliseconds.
fn tick() -> (i64, i64) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    (now.tv_sec, now.tv_nsec)
}

fn look(path: &Path) -> Look {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Look::File(identity(&metadata)),
        Ok(metadata) if metadata.is_dir() => Look::Directory,
        Ok(_) => Look::Other,
        Err(_) => Look::Missing,
    }
}

fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity {
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        device: metadata.dev(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        std::fs::write(path, text).expect("written");
    }

    #[test]
    fn a_change_in_the_same_tick_is_seen_by_the_next_process() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("source");
        write(&path, "one");
        let files = Files::new(dir.path(), HashMap::new());
        let first = files.digest("source").expect("read");
        let remembered = files.settle();
        assert_eq!(remembered.len(), 1);
        write(&path, "two");
        let next = Files::new(dir.path(), remembered);
        assert_ne!(next.digest("source").expect("read"), first);
    }

    #[test]
    fn a_settled_entry_saves_reading() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        write(&dir.path().join("source"), "one");
        let files = Files::new(dir.path(), HashMap::new());
        let (digest, kind) = files.digest("source").expect("read").expect("there");
        assert_eq!((digest, kind), (Digest::of(b"one"), ArtifactKind::File));
        let mut remembered = files.settle();
        let lie = Digest::of(b"other");
        remembered.get_mut("source").expect("remembered").digest = lie;
        let next = Files::new(dir.path(), remembered);
        assert_eq!(next.digest("source").expect("read").expect("there").0, lie);
    }
}
