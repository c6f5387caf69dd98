//! The permissions of artifacts: those that a new file gets anyway are not kept, so that results are the same under
//! every umask; any other comes back as it was.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::engine::digest::Digest;

/// The bits that are kept: who may read, write and execute; nothing that changes whose rights a program has.
const KEPT: u32 = 0o777;

/// The permissions of a file or directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// What a new one gets.
    #[default]
    Plain,
    /// A file that may be executed by whoever may read it.
    Executable,
    /// Exactly these bits.
    Exact(u32),
}

impl Mode {
    /// The permissions of what is on the disk.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let bits = metadata.permissions().mode() & KEPT;
        if bits == Self::Plain.bits(metadata.is_dir()) {
            Self::Plain
        } else if bits == Self::Executable.bits(metadata.is_dir()) {
            Self::Executable
        } else {
            Self::Exact(bits)
        }
    }

    fn bits(self, is_dir: bool) -> u32 {
        match (self, is_dir) {
            (Self::Plain, false) => 0o666 & !umask(),
            (Self::Plain, true) | (Self::Executable, _) => 0o777 & !umask(),
            // A store may have come from elsewhere.
            (Self::Exact(bits), _) => bits & KEPT,
        }
    }

    /// Gives what is on the disk these permissions.
    pub(crate) fn set(self, path: &Path) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        let bits = self.bits(metadata.is_dir());
        if metadata.permissions().mode() & KEPT == bits {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(bits))
    }
}

/// Whether what is in two directories, which have the same entries, has the same permissions.
pub(crate) fn are_alike(one: &Path, other: &Path) -> bool {
    let mode = |path: &Path| fs::symlink_metadata(path).ok().map(|it| Mode::of(&it));
    inside(one).all(|path| mode(&one.join(&path)) == mode(&other.join(&path)))
}

/// Gives what is in a directory the permissions of what is in another, which has the same entries.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for path in inside(from) {
        let mode = Mode::of(&fs::symlink_metadata(from.join(&path))?);
        mode.set(&to.join(path))?;
    }
    Ok(())
}

/// Files and directories below a directory, the innermost first.
fn inside(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = walkdir::WalkDir::new(directory).min_depth(1).contents_first(true);
    let entries = walk.into_iter().flatten().filter(|entry| !entry.path_is_symlink());
    entries.filter_map(move |entry| Some(entry.path().strip_prefix(directory).ok()?.to_owned()))
}

/// The digest of a file's bytes alone.
pub(crate) fn digest_of_bytes(path: &Path) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().into())
}

/// The umask of this process.
fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        let told = line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
        told.unwrap_or_else(|| {
            // Elsewhere it can only be read by setting it.
            let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
            rustix::process::umask(mask);
            #[cfg_attr(
                target_os = "linux",
                expect(clippy::useless_conversion, reason = "elsewhere a mode has 16 bits")
            )]
            u32::from(mask.bits())
        })
    })
}
