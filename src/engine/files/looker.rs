//! What is at a path: of one, or of many from their open directory.

use std::fs::Metadata;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, statat};

use super::{Identity, PathState};
use crate::engine::tree::{is_absent, is_circle};

pub(in crate::engine) fn look(path: &Path) -> PathState {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => PathState::File(identity(&metadata)),
        Ok(metadata) if metadata.is_dir() => PathState::Directory,
        Ok(_) => PathState::Other,
        Err(error) => nothing_at(&error),
    }
}

fn nothing_at(error: &io::Error) -> PathState {
    match is_absent(error) || is_circle(error) {
        true => PathState::Missing,
        false => PathState::Unreadable(error.kind()),
    }
}

/// Looks at many paths: from their open directory, so that the way to it is gone once.
pub(in crate::engine) struct Looker<'a> {
    root: &'a Path,
    directory: Option<OwnedFd>,
}

impl<'a> Looker<'a> {
    pub(in crate::engine) fn at(root: &'a Path) -> Self {
        let directory = rustix::fs::open(root, AS_DIRECTORY, Mode::empty()).ok();
        Self { root, directory }
    }

    pub(in crate::engine) fn look(&self, path: &str) -> PathState {
        let Some(directory) = &self.directory else {
            return look(&self.root.join(path));
        };
        match statat(directory, path, AtFlags::empty()) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => PathState::File(identity_of(&stat)),
                FileType::Directory => PathState::Directory,
                _ => PathState::Other,
            },
            Err(error) => nothing_at(&error.into()),
        }
    }
}

/// How a directory is opened from which names are looked at.
#[cfg(target_os = "linux")]
pub(in crate::engine) const AS_DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
pub(in crate::engine) const AS_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[expect(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "the widths and signs of a stat differ between systems; each is as wide as what it becomes"
)]
pub(in crate::engine) fn identity_of(stat: &Stat) -> Identity {
    Identity {
        size: stat.st_size as u64,
        modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        inode: stat.st_ino as u64,
        device: stat.st_dev as u64,
    }
}

pub(in crate::engine) fn identity(metadata: &Metadata) -> Identity {
    Identity {
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        device: metadata.dev(),
    }
}
