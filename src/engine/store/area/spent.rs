//! The empty directories of attempts that have ended. The next attempt that writes to the same places takes one, and so a
//! build makes as many as it runs attempts at once; what nobody takes goes at the end of the run.
//!
//! A new directory costs a block and an inode of the disk, and without a journal, ext4 looks past every inode that was
//! freed in the last minutes before it takes one: two a target would be most of what a short command costs.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustix::fs::{RenameFlags, llistxattr};
use rustix::io::Errno;

use super::super::{modes, remove, rename};

/// The directory, in a run's staging, for those that have ended.
const SPENT: &str = "spent";
/// So many of them wait for the end of a run at most, each with two or more blocks of the disk.
const MOST: usize = 1 << 14;
/// So many of them are offered to the next attempts, each with an open file: as many as attempts run at once.
const MOST_OFFERED: usize = 64;

/// Those of one store.
#[derive(Debug, Default)]
pub(super) struct Spent {
    offered: Mutex<VecDeque<Offered>>,
    /// How many wait for the end of their run.
    waiting: AtomicUsize,
    /// How many there were: each has a name of its own.
    named: AtomicUsize,
}

/// One that the next attempt may take.
#[derive(Debug)]
struct Offered {
    at: PathBuf,
    /// The directories in it, by their paths from it, sorted.
    places: Vec<PathBuf>,
    lock: File,
    access: AccessRights,
}

/// Who may do what in a directory; the mode tells as well that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccessRights {
    mode: u32,
    owner: u32,
    group: u32,
}

impl AccessRights {
    pub(super) fn of(directory: &Metadata) -> Self {
        Self {
            mode: directory.mode(),
            owner: directory.uid(),
            group: directory.gid(),
        }
    }
}

/// Whether a directory has a list of who may do what, or another attribute that what is made in it may inherit.
fn has_attributes(dir: &Path) -> bool {
    let mut names = [0; 256];
    match llistxattr(dir, &mut names) {
        // The label of a security module is the system's own.
        Ok(length) => names[..length]
            .split(|byte| *byte == 0)
            .any(|name| !name.is_empty() && !name.starts_with(b"security.")),
        Err(error) => error != Errno::NOTSUP,
    }
}

/// Whether a lock is of this very directory, and not of one that a command had put elsewhere.
fn is_locked_by(dir: &Path, lock: &File, access: AccessRights) -> bool {
    let (Ok(there), Ok(locked)) = (fs::symlink_metadata(dir), lock.metadata()) else {
        return false;
    };
    (there.dev(), there.ino()) == (locked.dev(), locked.ino()) && AccessRights::of(&there) == access
}

/// The directories in a directory, at any depth, by their paths from it, sorted; `None` if there is anything else in it, or
/// if one of them is other than a directory that was just made.
fn places(dir: &Path, access: AccessRights) -> Option<Vec<PathBuf>> {
    let mut places = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(place) = open.pop() {
        if has_attributes(&dir.join(&place)) {
            return None;
        }
        for entry in fs::read_dir(dir.join(&place)).ok()? {
            let entry = entry.ok()?;
            if AccessRights::of(&entry.metadata().ok()?) != access {
                return None;
            }
            let within = place.join(entry.file_name());
            places.push(within.clone());
            open.push(within);
        }
    }
    places.sort();
    Some(places)
}

impl Spent {
    /// Moves one with the given places to `to`, where nothing may be; gives its lock, which it keeps all the time.
    pub(super) fn take(&self, places: &[PathBuf], to: &Path) -> Option<(File, AccessRights)> {
        let one = {
            let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
            let at = offered.iter().rposition(|one| one.places == places)?;
            offered.remove(at)?
        };
        modes::rename_with(&one.at, to, RenameFlags::NOREPLACE).ok()?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        // What outlived the attempt and was in it as it ended may have gone on writing there.
        let is_as_it_was = self::places(to, one.access).as_deref() == Some(places);
        is_as_it_was.then_some((one.lock, one.access))
    }

    /// Moves the directory of an attempt to its run's staging, if nothing but directories is in it; says whether it has.
    /// With the lock of an attempt and the access with which its directory was made, the next one may take it.
    pub(super) fn lay_by(&self, dir: &Path, staging: &Path, claim: Option<(&File, AccessRights)>) -> bool {
        let Some(access) = claim
            .map(|(_, access)| access)
            .or_else(|| Some(AccessRights::of(&fs::metadata(dir).ok()?)))
        else {
            return false;
        };
        if self.waiting.load(Ordering::Relaxed) >= MOST {
            return false;
        }
        let Some(places) = places(dir, access) else {
            return false;
        };
        let Ok(at) = self.move_away(dir, staging) else {
            return false;
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Some(Ok(lock)) = claim.map(|(lock, _)| lock.try_clone())
            && is_locked_by(&at, &lock, access)
        {
            let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
            offered.push_back(Offered {
                at,
                places,
                lock,
                access,
            });
            if offered.len() > MOST_OFFERED {
                offered.pop_front();
            }
        }
        true
    }

    fn move_away(&self, dir: &Path, staging: &Path) -> io::Result<PathBuf> {
        let spent = staging.join(SPENT);
        let at = spent.join(self.named.fetch_add(1, Ordering::Relaxed).to_string());
        match rename(dir, &at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&spent)?;
                rename(dir, &at)?;
            }
            other => other?,
        }
        Ok(at)
    }

    /// Removes those that lie in a run's staging.
    pub(super) fn remove(&self, staging: &Path) {
        let of_run = |one: &Offered| one.at.starts_with(staging);
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        offered.retain(|one| !of_run(one));
        drop(offered);
        let spent = fs::read_dir(staging.join(SPENT)).into_iter().flatten().flatten();
        let spent: Vec<PathBuf> = spent.map(|entry| entry.path()).collect();
        // What stays goes with the rest of the run's staging.
        spent.par_iter().for_each(|dir| drop(remove(dir)));
        self.waiting.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_directory_is_taken_by_who_needs_its_places() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (own, staging) = (dir.path().join("own"), dir.path().join("run"));
        let spent = Spent::default();
        let make = |places: &str| {
            fs::create_dir_all(own.join(places)).expect("made");
            let lock = File::open(&own).expect("opened");
            lock.try_lock().expect("locked");
            let access = AccessRights::of(&lock.metadata().expect("looked at"));
            (lock, access)
        };
        let out = [PathBuf::from("out")];

        let (lock, access) = make("out");
        assert!(spent.lay_by(&own, &staging, Some((&lock, access))));
        drop(lock);
        assert!(spent.take(&[], &own).is_none(), "other places");
        let (lock, _) = spent.take(&out, &own).expect("the same places");
        assert!(own.join("out").is_dir());
        assert!(File::open(&own).expect("opened").try_lock().is_err(), "it stays locked");
        assert!(spent.take(&out, &own).is_none(), "it is taken once");

        File::create(own.join("out/beside")).expect("written");
        assert!(!spent.lay_by(&own, &staging, Some((&lock, access))), "a file is in it");
        fs::remove_file(own.join("out/beside")).expect("removed");
        modes::set_mode(&own.join("out"), 0o500).expect("changed");
        assert!(!spent.lay_by(&own, &staging, Some((&lock, access))), "another mode");
        modes::set_mode(&own.join("out"), access.mode & 0o7777).expect("changed");

        assert!(spent.lay_by(&own, &staging, Some((&lock, access))));
        make("out");
        assert!(spent.take(&out, &own).is_none(), "something is in its place");
        fs::remove_dir_all(&own).expect("removed");

        let (lock, access) = make("out");
        modes::rename_with(&own, &dir.path().join("moved"), RenameFlags::NOREPLACE).expect("moved");
        fs::create_dir_all(own.join("out")).expect("made");
        assert!(
            spent.lay_by(&own, &staging, Some((&lock, access))),
            "it goes with the run"
        );
        assert!(spent.take(&out, &own).is_none(), "nobody has its lock");

        let (lock, access) = make("out");
        let other = AccessRights { owner: 1, ..access };
        assert!(!spent.lay_by(&own, &staging, Some((&lock, other))), "another owner");
        let set = |path| rustix::fs::setxattr(path, "user.mark", b"1", rustix::fs::XattrFlags::empty());
        // Not every file system has such attributes.
        if set(&own.join("out")).is_ok() {
            assert!(!spent.lay_by(&own, &staging, Some((&lock, access))), "an attribute");
            fs::remove_dir(own.join("out")).expect("removed");
            fs::create_dir(own.join("out")).expect("made");
        }
        assert!(spent.lay_by(&own, &staging, Some((&lock, access))));
        let late = staging
            .join(SPENT)
            .join((spent.named.load(Ordering::Relaxed) - 1).to_string());
        File::create(late.join("out/late")).expect("written");
        assert!(spent.take(&out, &own).is_none(), "something was written there since");
        spent.remove(&staging);
        assert_eq!(fs::read_dir(staging.join(SPENT)).expect("listed").count(), 0);
    }
}
