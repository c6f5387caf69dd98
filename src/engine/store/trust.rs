//! Whether a store can be believed: what it says is where atsaf takes files away and puts others.
//!
//! A store is its user's own work. One that came with a repository, that another user owns or that others may write to
//! is refused before anything of it is read.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::{DIRECTORY, StoreError, git_index};

/// Why a store is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Distrust {
    /// Another user owns it.
    #[error("it belongs to another user (number {owner}, and this is {user})")]
    Owner {
        /// The owner of the store.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// Others may write to it.
    #[error("others may write to it (its mode is {mode:03o})")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// It is a link to a directory that is no store.
    #[error("it is a link to a directory in which other things stand")]
    Elsewhere,
    /// It is part of the repository.
    #[error("git tracks it, so it says what whoever wrote the repository wants it to say")]
    Tracked,
}

impl Distrust {
    /// What to do about it.
    #[must_use]
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Owner { .. } => {
                "build as the user who owns it, or remove `.atsaf` and build anew; a cache that you restored yourself is \
                 verified and used with `--trust-store`"
            }
            Self::Writable { .. } => {
                "if nobody else wrote there, `chmod -R go-w .atsaf`; else remove it and build anew; a cache that you \
                 restored yourself is verified and used with `--trust-store`"
            }
            Self::Elsewhere => "let the link lead to a directory of its own, or remove it and build anew",
            Self::Tracked => {
                "take it out of the repository with `git rm -r --cached .atsaf`, remove it, and build anew"
            }
        }
    }
}

/// What stands beside each other in `.atsaf`.
const NAMES: [&str; 5] = ["CACHEDIR.TAG", ".gitignore", "v1", "given", "displaced"];

/// Refuses a link in the place of the store, unless it leads to a store, or to what may become one: a repository may
/// have a link to any directory of the user's.
pub(super) fn check_place(root: &Path) -> Result<(), StoreError> {
    let outer = root.join(DIRECTORY);
    let is_foreign = |entry: fs::DirEntry| !NAMES.iter().any(|name| entry.file_name() == *name);
    let mut entries = fs::read_dir(&outer).into_iter().flatten().flatten();
    if outer.is_symlink() && entries.any(is_foreign) {
        return Err(refusal(&outer, Distrust::Elsewhere));
    }
    let inner = outer.join("v1");
    match inner.is_symlink() {
        true => Err(refuse_link(&inner)),
        false => Ok(()),
    }
}

/// What is said of a link in the store.
pub(super) fn refuse_link(path: &Path) -> StoreError {
    let what = "it is a link, and nothing of the store may be one: remove it";
    StoreError::at(path)(io::Error::new(io::ErrorKind::InvalidData, what))
}

fn refusal(path: &Path, why: Distrust) -> StoreError {
    StoreError::at(path)(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Refuses a store that is not its user's own.
pub(super) fn check(root: &Path) -> Result<(), StoreError> {
    let outer = root.join(DIRECTORY);
    if fs::symlink_metadata(&outer).is_err() {
        return Ok(());
    }
    let refuse = |path: &Path, why: Distrust| Err(refusal(path, why));
    let user = rustix::process::geteuid().as_raw();
    for path in [outer.clone(), outer.join("v1")] {
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(StoreError::at(&path)(error)),
        };
        let (owner, mode) = (metadata.uid(), metadata.permissions().mode() & 0o777);
        if owner != user {
            return refuse(&path, Distrust::Owner { owner, user });
        }
        if mode & 0o022 != 0 {
            return refuse(&path, Distrust::Writable { mode });
        }
    }
    match git_index::tracked(root, &[DIRECTORY]).is_empty() {
        true => Ok(()),
        false => refuse(&outer, Distrust::Tracked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::Store;

    fn distrust(error: &StoreError) -> Option<Distrust> {
        error.source.get_ref()?.downcast_ref().copied()
    }

    #[test]
    fn a_store_that_others_may_write_to_is_refused_until_they_may_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        let outer = dir.path().join(DIRECTORY);
        let set = |mode| fs::set_permissions(&outer, fs::Permissions::from_mode(mode)).expect("set");
        set(0o770);
        let error = Store::open(dir.path()).err().expect("refused");
        assert_eq!(distrust(&error), Some(Distrust::Writable { mode: 0o770 }));
        set(0o755);
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        let mode = fs::metadata(&outer).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "narrowed by the next build");
    }

    #[test]
    fn a_store_of_another_user_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("made");
        if std::os::unix::fs::chown(dir.path().join(DIRECTORY), Some(54321), None).is_err() {
            // Only the superuser may give a file away.
            return;
        }
        let error = Store::open(dir.path()).err().expect("refused");
        let user = rustix::process::geteuid().as_raw();
        assert_eq!(distrust(&error), Some(Distrust::Owner { owner: 54321, user }));
    }
}
