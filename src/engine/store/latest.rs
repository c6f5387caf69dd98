//! A directory of caches, each whole in a file of its own, of which the latest few are kept; free to delete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{own_file, remove, replace_file};
use crate::engine::clock;

/// Keeps a cache under a name, and of all in the directory no more than the latest `kept`.
pub(super) fn keep(directory: &Path, name: &str, bytes: &[u8], kept: usize) -> io::Result<()> {
    own_file::make_directory(directory)?;
    replace_file(&directory.join(name), bytes)?;
    let all = by_age(directory)?;
    let too_many = all.len().saturating_sub(kept);
    all.iter().take(too_many).try_for_each(|path| remove(path))
}

/// Makes a cache the latest.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    own_file::open_to_read(path)?.set_modified(clock::now())
}

/// All that are kept, the oldest first.
pub(super) fn by_age(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.flatten();
    let mut all: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort();
    Ok(all.into_iter().map(|(_, path)| path).collect())
}
