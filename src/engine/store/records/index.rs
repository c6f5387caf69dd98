//! The index: what is in place and what is known of files, in one file that is used as it lies there.
//!
//! ```text
//! where the head is ─▶ histories, by target ─▶ places: the target whose record is the last of a path ─▶ known files
//!                   ─▶ head: to which journal it belongs, up to where, and where the parts are
//! ```
//!
//! It holds nothing of the past, so its size follows the targets. It is a cache, replaced whole and free to delete. It
//! counts only for the journal that it was made from, up to a frame that still stands there; each part has a hash of its
//! own, and nothing of a part is decoded before it is asked for.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::{bounded, own_file, replace_file_by};
use super::journal::Journal;
use super::ledger::{Ledger, LedgerParts};
use crate::engine::files::{Known, KnownFiles};
use crate::engine::packed::{Overlaid, Part, Parts};

const FORMAT: u32 = 7;

/// The head is behind its hash.
const HASH: usize = blake3::OUT_LEN;

/// The file begins with where the hash of the head is.
const START: usize = 8;

/// What the index says.
pub(super) struct Index {
    /// Up to where the journal is folded into the ledger.
    pub(super) end: u64,
    pub(super) ledger: Ledger,
    /// Nothing, where that part is damaged.
    pub(super) files: KnownFiles,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    version: String,
    journal: [u8; 16],
    checksum: [u8; 8],
    end: u64,
    ledger: LedgerParts,
    files: Part,
}

impl Index {
    /// Reads the index, if there is a sound one that belongs to the journal.
    pub(super) fn load(path: &Path, journal: &mut Journal) -> Option<Self> {
        let file = Arc::new(own_file::read(path).ok()?);
        let start = usize::try_from(u64::from_le_bytes(*file.first_chunk::<START>()?)).ok()?;
        let (hash, head) = file.get(start..)?.split_at_checked(HASH)?;
        if blake3::hash(head).as_bytes() != hash {
            return None;
        }
        let (head, _): (Head, usize) = bounded::decode(head)?;
        let is_sound = head.format == FORMAT
            && head.version == env!("CARGO_PKG_VERSION")
            && head.journal == journal.id()
            && head.end <= journal.len().ok()?
            && journal.checksum(head.ledger.last()) == Some(head.checksum);
        let ledger = Ledger::of_parts(&file, head.ledger).filter(|_| is_sound)?;
        let files = Overlaid::of(&file, &head.files).unwrap_or_default();
        let end = head.end;
        Some(Self { end, ledger, files })
    }

    /// Writes the index.
    pub(super) fn save(
        path: &Path,
        journal: &mut Journal,
        ledger: &Ledger,
        end: u64,
        files: &KnownFiles,
    ) -> io::Result<()> {
        let Some(checksum) = journal.checksum(ledger.last) else {
            return Ok(());
        };
        let id = journal.id();
        replace_file_by(path, |mut file: File| {
            file.write_all(&[0; START])?;
            let mut parts = Parts::begin(BufWriter::with_capacity(1 << 16, file), START as u64);
            let head = Head {
                format: FORMAT,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                journal: id,
                checksum,
                end,
                ledger: ledger.write(&mut parts)?,
                files: parts.write(files, &Known::is_settled)?,
            };
            let (mut file, start) = parts.end();
            let config = bincode::config::standard();
            let head = bincode::serde::encode_to_vec(&head, config).map_err(io::Error::other)?;
            file.write_all(blake3::hash(&head).as_bytes())?;
            file.write_all(&head)?;
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&start.to_le_bytes())
        })
    }
}

/// The same file under right hashes, where it is in one piece.
#[cfg(test)]
pub(super) fn with_right_hashes(file: &[u8]) -> Option<Vec<u8>> {
    let start = usize::try_from(u64::from_le_bytes(*file.first_chunk::<START>()?)).ok()?;
    let (mut head, _): (Head, usize) = bounded::decode(file.get(start..)?.get(HASH..)?)?;
    let LedgerParts { targets, owners, .. } = &mut head.ledger;
    for part in [targets, owners, &mut head.files] {
        part.hash_anew(file)?;
    }
    let head = bincode::serde::encode_to_vec(&head, bincode::config::standard()).ok()?;
    Some([&file[..start], blake3::hash(&head).as_bytes(), &head].concat())
}
