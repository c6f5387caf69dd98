//! BLAKE3 digests of bytes and files; those of directories are made by [`Tree`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use super::tree::{Tree, TreeNode};

/// 256 bits of BLAKE3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// The digest of a file with these bytes that its owner may execute.
    #[must_use]
    pub fn executable(&self) -> Self {
        Self::of(format!("executable {self}").as_bytes())
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

/// Encodes values so that no two sequences of them give the same bytes, and hashes the result.
#[derive(Debug)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Begins with the name of what is hashed, so that hashes of different things never meet.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        let mut encoder = Self(Vec::with_capacity(1024));
        encoder.text(domain);
        encoder
    }

    /// Appends one byte that tells what follows.
    pub fn tag(&mut self, tag: u8) -> &mut Self {
        self.0.push(tag);
        self
    }

    /// Appends a number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// Appends a text after its length in bytes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
        self
    }

    /// Appends a digest.
    pub fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.0.extend(digest.0);
        self
    }

    /// The hash of all that was appended.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

/// Hexadecimal digits where people may read it, else the bytes in one piece: an index has a hundred thousand of them.
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => serializer.serialize_bytes(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a digest of 32 bytes")
            }

            fn visit_str<E: de::Error>(self, hex: &str) -> Result<Digest, E> {
                Digest::from_hex(hex).ok_or_else(|| E::invalid_value(de::Unexpected::Str(hex), &self))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Digest, E> {
                let digest = bytes.try_into().map(Digest);
                digest.map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_str(Visitor),
            false => deserializer.deserialize_bytes(Visitor),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// The least that is read at once.
const LEAST_BUFFER: usize = 4 * 1024;

/// Plain reads of this size were faster than mapping the file into memory.
pub(crate) const BUFFER: usize = 256 * 1024;

/// The digest of a file: that of its bytes, or of these and a mark if its owner may execute it.
///
/// A program is of no use without that permission, so two files that differ in it alone are not the same.
///
/// # Errors
/// Whatever reading meets.
pub fn of_file(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    // Most files are small, and a large buffer costs more than reading one. What has grown meanwhile takes more rounds.
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    let mut buffer = vec![0; size.saturating_add(1).clamp(LEAST_BUFFER, BUFFER)];
    let mut hasher = blake3::Hasher::new();
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        };
    }
    let bytes = Digest::from(hasher.finalize());
    match is_executable(&file.metadata()?) {
        true => Ok(bytes.executable()),
        false => Ok(bytes),
    }
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
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_its_bytes_and_whether_it_is_a_program() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        File::create(&path).expect("made").write_all(b"text").expect("written");
        let with_mode = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            of_file(&path).expect("read")
        };
        assert_eq!(with_mode(0o644), Digest::of(b"text"));
        assert_eq!(with_mode(0o600), Digest::of(b"text"));
        assert_ne!(with_mode(0o744), Digest::of(b"text"));
    }

    #[test]
    fn hex_reads_back() {
        let digest = Digest::of(b"atsaf");
        assert_eq!(Digest::from_hex(&digest.hex()), Some(digest));
        assert_eq!(Digest::from_hex("no"), None);
    }
}
