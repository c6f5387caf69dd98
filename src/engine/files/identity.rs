//! By what a file is known again without being read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::Stat;

use crate::engine::file_clock::Moment;

/// All that a file system tells about a file's content without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(in crate::engine) size: u64,
    pub(in crate::engine) modified: Moment,
    pub(in crate::engine) changed: Moment,
    pub(in crate::engine) inode: u64,
    pub(in crate::engine) device: u64,
}

impl Identity {
    /// Appends it in bytes, always as many.
    pub(in crate::engine) fn append(&self, bytes: &mut Vec<u8>) {
        for number in [self.size, self.inode, self.device] {
            bytes.extend(number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [self.modified, self.changed] {
            bytes.extend(seconds.to_le_bytes());
            bytes.extend(nanoseconds.to_le_bytes());
        }
    }

    /// Splits it off again.
    pub(in crate::engine) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (bytes, rest) = bytes.split_first_chunk::<56>()?;
        let mut numbers = bytes.chunks_exact(8).filter_map(|number| number.try_into().ok());
        let mut number = || numbers.next().map(u64::from_le_bytes);
        let (size, inode, device) = (number()?, number()?, number()?);
        let mut moment = || Some((number()?.cast_signed(), number()?.cast_signed()));
        let identity = Self {
            size,
            modified: moment()?,
            changed: moment()?,
            inode,
            device,
        };
        Some((identity, rest))
    }

    /// Whether another one is of the same file with the same size and time of modification: a rename moves only the time
    /// of its last change of any kind.
    pub(in crate::engine) fn is_alike(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.size, it.modified, it.inode, it.device);
        of(self) == of(other)
    }

    /// Whether another one of the same file differs only in the time of its last change of any kind.
    pub(in crate::engine) fn is_marked_only(&self, other: &Self) -> bool {
        self.is_alike(other) && self.changed != other.changed
    }
}

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
