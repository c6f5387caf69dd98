//! Files and directories of the store itself: for their owner alone, and never something else that stands in their
//! place. A link would lead out of the store, and opening a pipe would wait for ever.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::engine::regular_file::{self, LastLink};

/// Opens a regular file; one that is made is for its owner alone.
///
/// # Errors
/// Whatever opening meets; [`io::ErrorKind::InvalidData`] if something else than a regular file stands there.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let opened = regular_file::open(path, options.mode(0o600), LastLink::Refused)?;
    opened.map_err(|_| refused(path, "it is no regular file, as all of the store are: remove it"))
}

/// A file that is not opened, for what it is.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(super) struct Refused {
    pub(super) path: PathBuf,
    what: &'static str,
}

fn refused(path: &Path, what: &'static str) -> io::Error {
    let path = path.to_owned();
    io::Error::new(io::ErrorKind::InvalidData, Refused { path, what })
}

/// Opens a file that is written to in place; what has another name elsewhere may be somebody's own.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::InvalidData`] as well if the file has several names.
pub(crate) fn open_to_write(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = open(path, options.write(true))?;
    match file.metadata()?.nlink() {
        0 | 1 => Ok(file),
        _ => Err(refused(
            path,
            "it has another name elsewhere, a hard link: put a copy in its place",
        )),
    }
}

/// Opens a file to be read.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// Reads a whole file.
///
/// # Errors
/// As [`open`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open_to_read(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    // A file with holes may say that it is longer than any memory.
    bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a file, or empties the one that is there.
///
/// # Errors
/// As [`open_to_write`].
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let file = open_to_write(path, OpenOptions::new().create(true).truncate(false))?;
    file.set_len(0)?;
    Ok(file)
}

/// Makes a directory and those above it, if they are not there.
///
/// # Errors
/// Whatever making one meets.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nothing_but_a_regular_file_is_opened() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (victim, link, pipe) = (
            dir.path().join("victim"),
            dir.path().join("link"),
            dir.path().join("pipe"),
        );
        create(&victim).expect("made");
        std::os::unix::fs::symlink(&victim, &link).expect("linked");
        std::process::Command::new("mkfifo").arg(&pipe).status().expect("made");
        for wrong in [&link, &pipe, &dir.path().to_owned()] {
            for result in [create(wrong).map(drop), read(wrong).map(drop)] {
                let error = result.expect_err("refused");
                assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{}", wrong.display());
            }
        }
        let absent = read(&dir.path().join("absent")).expect_err("not there");
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_that_has_another_name_is_read_and_not_written_to() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mine, linked) = (dir.path().join("mine"), dir.path().join("linked"));
        io::Write::write_all(&mut create(&mine).expect("made"), b"text").expect("written");
        fs::hard_link(&mine, &linked).expect("linked");
        let error = create(&linked).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&linked).expect("read"), b"text");
        fs::remove_file(&mine).expect("removed");
        create(&linked).expect("its only name");
        assert_eq!(read(&linked).expect("read"), b"");
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (inner, file) = (dir.path().join("a/b"), dir.path().join("a/b/file"));
        make_directory(&inner).expect("made");
        create(&file).expect("made");
        for (path, mode) in [(&inner, 0o700), (&file, 0o600)] {
            let found = fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(found & 0o777, mode);
        }
    }
}
