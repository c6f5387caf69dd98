//! The index: what is in place and what is known of files, in one file that is quick to read.
//!
//! It holds nothing of the past, so its size follows the targets. It is a cache, replaced whole at a build's end and
//! free to delete. It counts only for the journal that it was made
//! from, up to a frame that still stands there.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::{bounded, own_file, replace_file_by};
use super::journal::Journal;
use super::ledger::Ledger;
use crate::engine::digest::Digest;
use crate::engine::files::{Known, Settled};
use crate::fast_map::FastMap;

const FORMAT: u32 = 6;
const LIMIT: usize = 1 << 32;
/// The file begins with the hash of what follows.
const HASH: usize = blake3::OUT_LEN;

#[derive(Serialize, Deserialize)]
pub(crate) struct Index {
    format: u32,
    version: String,
    journal: [u8; 16],
    checksum: [u8; 8],
    /// Up to where the journal is folded into the ledger.
    pub(crate) end: u64,
    pub(crate) ledger: Ledger,
    pub(crate) files: FastMap<String, Known>,
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// What is written, borrowed: encoded as [`Index`].
#[derive(Serialize)]
struct IndexRef<'a> {
    format: u32,
    version: &'a str,
    journal: [u8; 16],
    checksum: [u8; 8],
    end: u64,
    ledger: &'a Ledger,
    files: Settled<'a>,
}

impl Index {
    /// Reads the index, if there is a sound one that belongs to the journal.
    pub(crate) fn load(path: &Path, journal: &mut Journal) -> Option<Self> {
        let bytes = own_file::read(path).ok()?;
        let (digest, body) = bytes.split_at_checked(HASH)?;
        if Digest::of(body).hex() != blake3::Hash::from_slice(digest).ok()?.to_hex().as_str() {
            return None;
        }
        let (index, _): (Self, usize) = bounded::decode(body)?;
        let sound = index.format == FORMAT
            && index.version == env!("CARGO_PKG_VERSION")
            && index.journal == journal.id()
            && index.end <= journal.len().ok()?
            && journal.checksum(index.ledger.last) == Some(index.checksum)
            && index.ledger.is_believable();
        sound.then_some(index)
    }

    /// Writes the index.
    pub(crate) fn save(
        path: &Path,
        journal: &mut Journal,
        ledger: &Ledger,
        end: u64,
        files: Settled<'_>,
    ) -> io::Result<()> {
        let Some(checksum) = journal.checksum(ledger.last) else {
            return Ok(());
        };
        let index = IndexRef {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            journal: journal.id(),
            checksum,
            end,
            ledger,
            files,
        };
        replace_file_by(path, |file| index.write(file))
    }
}

impl IndexRef<'_> {
    /// Writes it behind its hash, and never all of it in memory.
    fn write(&self, mut file: File) -> io::Result<()> {
        file.write_all(&[0; HASH])?;
        let mut body = BufWriter::with_capacity(1 << 16, Hashing::of(file));
        bincode::serde::encode_into_std_write(self, &mut body, config()).map_err(io::Error::other)?;
        let Hashing { mut file, hasher } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(hasher.finalize().as_bytes())
    }
}

/// A file, and the hash of what is written to it.
struct Hashing {
    file: File,
    hasher: blake3::Hasher,
}

impl Hashing {
    fn of(file: File) -> Self {
        let hasher = blake3::Hasher::new();
        Self { file, hasher }
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
