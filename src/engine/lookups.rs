//! Where names were looked up on the disk: by its times a directory tells later whether anything came, went or was
//! replaced in it since.

use std::path::{Path, PathBuf};

use crate::fast_map::FastSet;

/// Directories in which names were looked up, and files that were read for what they say; relative to the project where
/// they lie in it.
#[derive(Debug, Default)]
pub struct Lookups {
    directories: FastSet<PathBuf>,
    /// The last one: most come several times in a row.
    last: Option<PathBuf>,
    files: Vec<PathBuf>,
    /// Whether something was asked that these do not tell: where a link leads that was met in a directory.
    is_partial: bool,
}

impl Lookups {
    /// Notes that a name was looked up in a directory, or all names in it were listed.
    pub(crate) fn directory(&mut self, directory: &Path) {
        if self.last.as_deref().map(Path::as_os_str) != Some(directory.as_os_str()) {
            self.last = Some(directory.to_owned());
            self.directories.insert(directory.to_owned());
        }
    }

    /// Notes that the name of a path was looked up.
    pub(crate) fn path(&mut self, path: &str) {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let is_top = path.starts_with('/') && directory.is_empty();
        self.directory(Path::new(if is_top { "/" } else { directory }));
    }

    /// Notes that a file was read, or would have been if it were there.
    pub fn file(&mut self, path: &Path) {
        self.files.push(path.to_owned());
    }

    /// Notes that something was asked that no directory tells.
    pub fn partial(&mut self) {
        self.is_partial = true;
    }

    /// Adds those of another part.
    pub(super) fn add(&mut self, other: Self) {
        self.directories.extend(other.directories);
        self.files.extend(other.files);
        self.is_partial |= other.is_partial;
    }

    pub(super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.directories.iter().map(PathBuf::as_path)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }
}
