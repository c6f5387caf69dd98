//! Opens a file only if it is a regular one: opening a pipe would wait for ever, and a device may have no end.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Whether a link at the path itself counts for what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLink {
    /// It does.
    Followed,
    /// It is something else than a file.
    Refused,
}

/// Opens a regular file without waiting; `Ok(Err(what))` says what stands there instead.
///
/// # Errors
/// Whatever opening a regular file, or one that is not there, meets.
pub fn open(path: &Path, options: &mut OpenOptions, link: LastLink) -> io::Result<Result<File, &'static str>> {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, link == LastLink::Refused);
    let opened = options.custom_flags(flags.bits().cast_signed()).open(path);
    // What is no file may not even be opened: a socket, a link.
    let metadata = match (&opened, link) {
        (Ok(file), _) => file.metadata(),
        (Err(_), LastLink::Followed) => fs::metadata(path),
        (Err(_), LastLink::Refused) => fs::symlink_metadata(path),
    };
    let Ok(kind) = metadata.map(|it| it.file_type()) else {
        return opened.map(Ok);
    };
    Ok(Err(match () {
        () if kind.is_file() => return opened.map(Ok),
        () if kind.is_dir() => "a directory",
        () if kind.is_symlink() => "a link",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }))
}
