//! BLAKE3 digests of bytes, files and directories.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// 256 bits of BLAKE3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The digest as 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The first twelve hexadecimal digits: enough to tell two digests apart in a message.
    #[must_use]
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// Plain reads of this size were faster than mapping the file into memory.
pub(crate) const BUFFER: usize = 256 * 1024;

/// The digest of a file or a directory on the disk; the flag says which.
///
/// # Errors
/// Whatever reading meets; a path that is neither a file nor a directory is [`io::ErrorKind::InvalidInput`].
pub fn of_path(path: &Path) -> io::Result<Digest> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_dir() {
        of_directory(path)
    } else if kind.is_file() {
        of_file(path)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "neither a file nor a directory",
        ))
    }
}

/// The digest of a file's bytes.
///
/// # Errors
/// Whatever reading meets.
pub fn of_file(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        };
    }
}

/// The digest of a directory: relative paths, kinds, executable bits, link texts and contents, sorted by path.
///
/// Python writes `__pycache__` into directories that it merely reads from, so those are left out.
///
/// # Errors
/// Whatever reading meets.
pub fn of_directory(path: &Path) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    for entry in entries(path)? {
        let (kind, content) = match &entry.kind {
            EntryKind::Directory => ('d', None),
            EntryKind::File { executable } => (
                if *executable { 'x' } else { 'f' },
                Some(of_file(&path.join(&entry.relative))?),
            ),
            EntryKind::Link(text) => ('l', Some(Digest::of(text.as_bytes()))),
        };
        hasher.update(&[kind as u8]);
        hasher.update(&(entry.relative.len() as u64).to_le_bytes());
        hasher.update(entry.relative.as_bytes());
        if let Some(digest) = content {
            hasher.update(&digest.0);
        }
    }
    Ok(hasher.finalize().into())
}

/// One entry of a directory tree.
pub(crate) struct Entry {
    /// Path below the directory, `/` between the parts.
    pub(crate) relative: String,
    pub(crate) kind: EntryKind,
}

pub(crate) enum EntryKind {
    Directory,
    File { executable: bool },
    Link(String),
}

/// All that a directory's digest covers, sorted by path.
pub(crate) fn entries(root: &Path) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    let walk = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name();
    for entry in walk
        .into_iter()
        .filter_entry(|entry| entry.file_name() != "__pycache__")
    {
        let entry = entry?;
        let relative = entry
            .path()
            .strip_prefix(root)
            .unwrap_or_else(|_| entry.path())
            .to_str()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a file name is not UTF-8"))?
            .replace('\\', "/");
        let kind = entry.file_type();
        let kind = if kind.is_dir() {
            EntryKind::Directory
        } else if kind.is_symlink() {
            EntryKind::Link(std::fs::read_link(entry.path())?.to_string_lossy().into_owned())
        } else {
            EntryKind::File {
                executable: is_executable(&entry.metadata()?),
            }
        };
        found.push(Entry { relative, kind });
    }
    found.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(found)
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_its_contents_and_not_its_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let make = |name: &str, file: &str, text: &str| {
            let at = dir.path().join(name);
            std::fs::create_dir_all(at.join("sub")).expect("made");
            std::fs::write(at.join("sub").join(file), text).expect("written");
            of_path(&at).expect("digested")
        };
        let first = make("one", "a", "text");
        assert_eq!(first, make("two", "a", "text"));
        assert_ne!(first, make("three", "b", "text"));
        assert_ne!(first, make("four", "a", "other"));
    }

    #[test]
    fn hex_reads_back() {
        let digest = Digest::of(b"atsaf");
        assert_eq!(Digest::from_hex(&digest.hex()), Some(digest));
        assert_eq!(Digest::from_hex("no"), None);
    }
}
