//! How a directory that its owner may not write to is moved and removed, and one that can be moved nowhere.
//!
//! Who is not root may remove nothing from a directory that its owner may not write to, nor give it another parent; so it
//! is made writable for that moment. A directory of an overlay's lower layer, as of the image of a container, cannot be
//! renamed at all, not even beside itself: it can only be copied, and removed where it stands.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Sets the permissions of a file or directory.
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Removes a file or directory, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                unlock(path)?;
                fs::remove_dir_all(path)
            }
            other => other,
        },
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets the owner list, enter and change a directory and all that are in it.
fn unlock(directory: &Path) -> io::Result<()> {
    let mode = fs::symlink_metadata(directory)?.permissions().mode();
    if mode & 0o700 != 0o700 {
        set_mode(directory, mode | 0o700)?;
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            unlock(&entry.path())?;
        }
    }
    Ok(())
}

/// The mode of a directory that its owner may not write to.
fn locked(path: &Path) -> Option<u32> {
    let it = fs::symlink_metadata(path).ok()?;
    let mode = it.permissions().mode() & 0o7777;
    (it.is_dir() && mode & 0o200 == 0).then_some(mode)
}

/// Whether a rename says that something can be moved nowhere, for what is moved to is of the same file system.
pub(super) fn is_immovable(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::CrossesDevices
}

/// Renames a file or directory.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let go = || {
        #[expect(clippy::disallowed_methods, reason = "this is the store, moving its own file")]
        fs::rename(from, to)
    };
    match go() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => match locked(from) {
            Some(mode) => unlocked(from, to, mode, go),
            None => Err(error),
        },
        other => other,
    }
}

/// Renames a file or directory without replacing, or exchanges two.
pub(super) fn rename_with(from: &Path, to: &Path, flags: RenameFlags) -> Result<(), Errno> {
    let go = || renameat_with(CWD, from, CWD, to, flags);
    match go() {
        Err(Errno::ACCESS | Errno::PERM) => {}
        other => return other,
    }
    let is_exchange = flags.contains(RenameFlags::EXCHANGE);
    let (one, other) = (locked(from), locked(to).filter(|_| is_exchange));
    match (one, other) {
        (None, None) => Err(Errno::ACCESS),
        (Some(mode), None) => unlocked(from, to, mode, go),
        (None, Some(mode)) => unlocked(to, from, mode, go),
        (Some(mode), Some(other)) => unlocked(from, to, mode, || unlocked(to, from, other, go)),
    }
}

/// Does a move of a directory from one path to another while it is writable, and gives it its mode again.
fn unlocked<E>(from: &Path, to: &Path, mode: u32, go: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let _ = set_mode(from, mode | 0o200);
    let done = go();
    let at = if done.is_ok() { to } else { from };
    let _ = set_mode(at, mode);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_may_not_be_written_to_is_moved_with_its_mode_and_removed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("sub/to"));
        fs::create_dir_all(from.join("inner")).expect("made");
        fs::create_dir(dir.path().join("sub")).expect("made");
        fs::File::create(from.join("inner/file")).expect("made");
        set_mode(&from.join("inner"), 0o555).expect("set");
        set_mode(&from, 0o555).expect("set");
        rename_with(&from, &to, RenameFlags::NOREPLACE).expect("moved");
        assert_eq!(locked(&to), Some(0o555));
        rename(&to, &from).expect("moved");
        assert_eq!(locked(&from), Some(0o555));
        remove(&from).expect("removed");
        assert!(!from.exists());
    }
}
