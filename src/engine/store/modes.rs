//! Permissions of files and directories: which are worth keeping, and how a directory that its owner may not write to is
//! moved and removed.
//!
//! Who is not root may remove nothing from such a directory, nor give it another parent; so it is made writable for
//! that moment.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The bits that are kept: who may read, write and execute; nothing that changes whose rights a program has.
const KEPT: u32 = 0o777;

/// The permissions of a file or directory, if they are others than a program gets that asks for none.
pub(super) fn unusual_mode(metadata: &Metadata, umask: u32) -> Option<u32> {
    let mode = metadata.permissions().mode() & KEPT;
    (mode != usual_mode(metadata, umask)).then_some(mode)
}

/// The permissions that a file or directory of its kind gets where none are asked for.
pub(super) fn usual_mode(metadata: &Metadata, umask: u32) -> u32 {
    let is_open = metadata.is_dir() || metadata.permissions().mode() & 0o100 != 0;
    let asked = if is_open { 0o777 } else { 0o666 };
    asked & !umask
}

/// The mask that takes permissions away from what is made in a directory; asked with a directory that is made there,
/// since a process can read its own mask only by setting it.
pub(super) fn umask(directory: &Path) -> io::Result<u32> {
    let probe = directory.join(format!("mode.{}", std::process::id()));
    fs::create_dir_all(&probe)?;
    let mode = fs::metadata(&probe)?.permissions().mode();
    fs::remove_dir(&probe)?;
    Ok(!mode & KEPT)
}

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
    fn only_what_the_mask_would_not_give_is_unusual() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("file");
        fs::File::create(&file).expect("made");
        let of = |path: &Path, mode| {
            set_mode(path, mode).expect("set");
            unusual_mode(&fs::metadata(path).expect("there"), 0o022)
        };
        assert_eq!(
            [0o644, 0o755, 0o600, 0o444].map(|mode| of(&file, mode)),
            [None, None, Some(0o600), Some(0o444)]
        );
        let dir = dir.path().join("dir");
        fs::create_dir(&dir).expect("made");
        let modes = [0o755, 0o2755, 0o700, 0o555];
        assert_eq!(modes.map(|mode| of(&dir, mode)), [None, None, Some(0o700), Some(0o555)]);
        set_mode(&dir, 0o755).expect("set");
    }

    #[test]
    fn the_mask_is_found_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let made = dir.path().join("made");
        let mask = umask(dir.path()).expect("asked");
        fs::create_dir(&made).expect("made");
        assert_eq!(unusual_mode(&fs::metadata(&made).expect("there"), mask), None);
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1);
    }

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
