//! What stands at a path at one moment, so that two moments can be compared: what it says, and the identity of each
//! file, directory and link by which it is reached or that is in it.
//!
//! Digests alone do not see a file that was edited and edited back between the two. Reading changes no identity.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::digest::Digest;
use super::files::{self, Files, Found, Identity, PathState, is_ignored};
use super::ignore::Ignore;
use super::tree::{Skip, is_bytecode};

/// What stands at a path at one moment.
#[derive(Debug)]
pub(crate) struct Sight {
    /// Digest and kind: of a source its content, of an artifact its own digest.
    pub(crate) found: Option<Found>,
    /// What an artifact's links lead to.
    content: Option<Digest>,
    stamps: BTreeMap<PathBuf, Stamp>,
}

/// One file, directory or link.
#[derive(Debug)]
struct Stamp {
    identity: Identity,
    kind: StampKind,
}

#[derive(Debug, PartialEq, Eq)]
enum StampKind {
    File,
    Link,
    /// A directory on the way, in which others may come and go.
    Way,
    /// A directory that is read, with the ignored names in it.
    Directory(BTreeSet<String>),
}

/// How what stands at a path differs between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moved {
    /// Not at all.
    No,
    /// Only in the time of its last change of any kind: its permissions were set, it was moved away and back, or it
    /// was written and its time of modification put back.
    Marked,
    /// Something came and went in a directory, and all else is as it was.
    Passed,
    /// It was written, although it says what it said before.
    Rewritten,
    /// It says something else.
    Changed,
}

/// Whose path it is.
#[derive(Clone, Copy)]
pub(crate) enum Of<'a> {
    /// A source, of which something is left out if it is a directory.
    Source(&'a Ignore),
    /// An artifact, whose digest was this when it was placed.
    Artifact(Option<Digest>),
}

impl Sight {
    /// Takes a look. The identities are taken before the content, so that whatever happens from here on shows.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub(crate) fn take(files: &Files, path: &str, of: Of<'_>) -> io::Result<Self> {
        let at = files.at(path);
        let mut stamps = BTreeMap::new();
        way(files.root(), Path::new(path), &mut stamps, &mut 40);
        if at.is_dir() {
            match of {
                Of::Source(ignore) => {
                    let skip = |name: &str, is_dir| is_ignored(ignore, path, name, is_dir);
                    below(&at, &skip, &mut stamps);
                }
                Of::Artifact(_) => below(&at, &is_bytecode, &mut stamps),
            }
        }
        let (found, content) = match of {
            Of::Source(ignore) => (files.source(path, ignore)?, None),
            Of::Artifact(recorded) => {
                let found = files.digest_beside(path, recorded)?;
                let mut inside = stamps.iter().filter(|(it, _)| **it != at && it.starts_with(&at));
                let content = match inside.any(|(_, stamp)| stamp.kind == StampKind::Link) {
                    true => files.content(path)?.map(|(digest, _)| digest),
                    false => None,
                };
                (found, content)
            }
        };
        Ok(Self { found, content, stamps })
    }

    /// Takes a look at a path at which only a file matters: anything else is taken for nothing.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub(crate) fn take_file(files: &Files, path: &str, ignore: &Ignore) -> io::Result<Self> {
        match files.look(path) {
            PathState::File(_) => Self::take(files, path, Of::Source(ignore)),
            _ => Ok(Self {
                found: None,
                content: None,
                stamps: BTreeMap::new(),
            }),
        }
    }

    /// How `after` differs from this.
    pub(crate) fn moved(&self, after: &Self) -> Moved {
        if (self.found, self.content) != (after.found, after.content) {
            return Moved::Changed;
        }
        if !self.stamps.keys().eq(after.stamps.keys()) {
            return Moved::Rewritten;
        }
        let pairs = self.stamps.values().zip(after.stamps.values());
        pairs
            .map(|(before, after)| before.moved(after))
            .max()
            .unwrap_or(Moved::No)
    }

    /// A path at which `after` differs from this: a file or link before a directory.
    pub(crate) fn moved_at(&self, after: &Self) -> Option<PathBuf> {
        let paths: BTreeSet<&PathBuf> = self.stamps.keys().chain(after.stamps.keys()).collect();
        let is_moved = |path: &&&PathBuf| match (self.stamps.get(**path), after.stamps.get(**path)) {
            (Some(before), Some(after)) => before.moved(after) > Moved::Passed,
            _ => true,
        };
        let path = paths.iter().find(is_moved)?;
        let plain = path.to_string_lossy().trim_end_matches('\0').to_owned();
        Some(PathBuf::from(plain))
    }
}

impl Stamp {
    fn moved(&self, after: &Self) -> Moved {
        let (one, two) = (&self.identity, &after.identity);
        if one == two {
            return Moved::No;
        }
        if (one.inode, one.device) != (two.inode, two.device) {
            return Moved::Rewritten;
        }
        let is_marked_only = (one.size, one.modified) == (two.size, two.modified);
        match (&self.kind, &after.kind) {
            // What comes or goes beside the input is no change of the input; the directory's own move is. As something
            // comes, the size may be another before the times are.
            (StampKind::Way, StampKind::Way) if one.modified != two.modified || one.changed == two.changed => Moved::No,
            // The directory's times tell of what is ignored in it.
            (StampKind::Directory(names), StampKind::Directory(others)) if names != others => Moved::No,
            _ if is_marked_only => Moved::Marked,
            (StampKind::Directory(_), StampKind::Directory(_)) => Moved::Passed,
            _ => Moved::Rewritten,
        }
    }
}

/// What stands at a path. While something comes or goes in a directory, a look may find one of its two times set and the
/// other not yet, as if it had been moved away and back: so one whose times differ is looked at twice.
fn whole_metadata(path: &Path) -> io::Result<Metadata> {
    const LOOKS: usize = 8;
    let mut metadata = std::fs::symlink_metadata(path)?;
    for _ in 0..LOOKS {
        let before = files::identity(&metadata);
        if !metadata.is_dir() || before.modified == before.changed {
            break;
        }
        metadata = std::fs::symlink_metadata(path)?;
        if files::identity(&metadata) == before {
            break;
        }
    }
    Ok(metadata)
}

/// Stamps every part of a path, links and what they lead to included; `left` links may follow.
fn way(root: &Path, path: &Path, stamps: &mut BTreeMap<PathBuf, Stamp>, left: &mut u32) {
    let mut at = if path.is_absolute() {
        PathBuf::new()
    } else {
        root.to_owned()
    };
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        match part {
            Component::CurDir => continue,
            Component::ParentDir => {
                at.push("..");
                continue;
            }
            part => at.push(part),
        }
        let Ok(metadata) = whole_metadata(&at) else {
            return;
        };
        let kind = if metadata.is_symlink() {
            StampKind::Link
        } else if metadata.is_dir() {
            StampKind::Way
        } else {
            StampKind::File
        };
        let is_link = kind == StampKind::Link;
        let identity = files::identity(&metadata);
        // A directory that is read is more than one on the way to what a link in it leads to.
        stamps.entry(at.clone()).or_insert(Stamp { identity, kind });
        if !is_link {
            continue;
        }
        let (Ok(to), Some(fewer)) = (std::fs::read_link(&at), left.checked_sub(1)) else {
            return;
        };
        *left = fewer;
        let parent = at.parent().unwrap_or(root).to_owned();
        let rest: PathBuf = parts.collect();
        way(&parent, &to.join(rest), stamps, left);
        return;
    }
}

/// Stamps a directory that is read and all that is in it, through links.
fn below(root: &Path, skip: Skip<'_>, stamps: &mut BTreeMap<PathBuf, Stamp>) {
    let ignored: RefCell<BTreeMap<PathBuf, BTreeSet<String>>> = RefCell::default();
    let walk = walkdir::WalkDir::new(root).follow_links(true).into_iter();
    let is_part = |entry: &walkdir::DirEntry| {
        let name = entry
            .path()
            .strip_prefix(root)
            .unwrap_or(entry.path())
            .to_string_lossy();
        let skipped = entry.depth() > 0 && skip(&name, entry.file_type().is_dir());
        if skipped && let Some(parent) = entry.path().parent() {
            let name = entry.file_name().to_string_lossy().into_owned();
            ignored.borrow_mut().entry(parent.to_owned()).or_default().insert(name);
        }
        !skipped
    };
    for entry in walk.filter_entry(is_part) {
        let (path, metadata, is_link) = match entry {
            Ok(entry) => {
                let Ok(metadata) = entry.metadata() else { continue };
                (entry.path().to_owned(), metadata, entry.path_is_symlink())
            }
            // A link that leads nowhere or in a circle is what it is itself.
            Err(error) => {
                let Some(path) = error.path() else { continue };
                let Ok(metadata) = std::fs::symlink_metadata(path) else {
                    continue;
                };
                (path.to_owned(), metadata, true)
            }
        };
        if is_link && let Ok(own) = std::fs::symlink_metadata(&path) {
            let identity = files::identity(&own);
            let kind = StampKind::Link;
            // A name that no entry of the directory has.
            let name = PathBuf::from(format!("{}\0", path.display()));
            stamps.insert(name, Stamp { identity, kind });
            way(&PathBuf::new(), &path, stamps, &mut 40);
        }
        let kind = match metadata.is_dir() {
            true => StampKind::Directory(BTreeSet::new()),
            false => StampKind::File,
        };
        let identity = files::identity(&metadata);
        stamps.insert(path, Stamp { identity, kind });
    }
    for (path, names) in ignored.into_inner() {
        if let Some(stamp) = stamps.get_mut(&path) {
            stamp.kind = StampKind::Directory(names);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use rustix::fs::rename;

    use super::*;

    /// The stamp of the directory `data` of a project.
    fn stamp(root: &Path) -> Stamp {
        let mut stamps = BTreeMap::new();
        way(root, Path::new("data"), &mut stamps, &mut 40);
        stamps.into_values().next().expect("a directory")
    }

    #[test]
    fn what_comes_and_goes_beside_an_input_hardly_ever_looks_like_a_move_of_its_directory() {
        const LOOKS: usize = 200_000;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, other) = (dir.path().join("data/one"), dir.path().join("data/other"));
        create_dir(dir.path().join("data")).expect("made");
        File::create(&one).expect("made");
        let is_over = AtomicBool::new(false);
        let moves = thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    rename(&one, &other).expect("moved");
                    rename(&other, &one).expect("moved back");
                }
            });
            let mut before = stamp(dir.path());
            let moves = (0..LOOKS).filter(|_| {
                let after = stamp(dir.path());
                std::mem::replace(&mut before, after).moved(&before) != Moved::No
            });
            let moves = moves.count();
            is_over.store(true, Ordering::Relaxed);
            moves
        });
        // A system that stops a process amidst a move shows one. By single looks it would be up to one of two hundred.
        assert!(moves < LOOKS / 4000, "{moves}");
    }

    #[test]
    fn a_directory_that_grew_before_its_times_were_set_has_not_moved() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        create_dir(dir.path().join("data")).expect("made");
        let (before, mut after) = (stamp(dir.path()), stamp(dir.path()));
        after.identity.size += 4096;
        assert_eq!(before.moved(&after), Moved::No);
        after.identity.changed.0 += 1;
        assert_eq!(before.moved(&after), Moved::Rewritten, "and its time was put back");
        after.identity.inode += 1;
        assert_eq!(before.moved(&after), Moved::Rewritten, "another directory");
    }

    #[test]
    fn a_directory_that_was_moved_away_and_back_is_marked() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (data, aside) = (dir.path().join("data"), dir.path().join("aside"));
        create_dir(&data).expect("made");
        let before = stamp(dir.path());
        // Beyond a tick of the clock that stamps files.
        thread::sleep(Duration::from_millis(20));
        rename(&data, &aside).expect("moved");
        rename(&aside, &data).expect("moved back");
        assert_eq!(before.moved(&stamp(dir.path())), Moved::Marked);
    }
}
