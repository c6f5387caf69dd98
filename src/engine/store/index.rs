//! The index: what the journal says and what is known of files, in one file that is quick to read.
//!
//! It is a cache, replaced whole at a build's end and free to delete. It counts only for the journal that it was made
//! from, up to a frame that still stands there.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::ledger::Ledger;
use crate::engine::digest::Digest;
use crate::engine::files::{Files, Known};

const FORMAT: u32 = 3;
const LIMIT: usize = 1 << 32;

#[derive(Serialize, Deserialize)]
pub(crate) struct Index {
    format: u32,
    version: String,
    journal: [u8; 16],
    checksum: [u8; 8],
    /// Up to where the journal is folded into the ledger.
    pub(crate) end: u64,
    pub(crate) ledger: Ledger,
    pub(crate) files: HashMap<String, Known>,
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

impl Index {
    /// Reads the index, if there is a sound one that belongs to the journal.
    pub(crate) fn load(path: &Path, journal: &mut Journal) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let (digest, body) = bytes.split_at_checked(32)?;
        if Digest::of(body).hex() != blake3::Hash::from_slice(digest).ok()?.to_hex().as_str() {
            return None;
        }
        let (index, _): (Self, usize) = bincode::serde::decode_from_slice(body, config()).ok()?;
        let sound = index.format == FORMAT
            && index.version == env!("CARGO_PKG_VERSION")
            && index.journal == journal.id()
            && index.end <= journal.len().ok()?
            && journal.checksum(index.ledger.last) == Some(index.checksum);
        sound.then_some(index)
    }

    /// Writes the index, unless the one on the disk says the same.
    pub(crate) fn save(path: &Path, journal: &mut Journal, ledger: &Ledger, end: u64, files: &Files) -> io::Result<()> {
        let Some(checksum) = journal.checksum(ledger.last) else {
            return Ok(());
        };
        let index = Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            journal: journal.id(),
            checksum,
            end,
            ledger: ledger.clone(),
            files: files.settle(),
        };
        let body = bincode::serde::encode_to_vec(&index, config()).map_err(io::Error::other)?;
        let mut bytes = blake3::hash(&body).as_bytes().to_vec();
        bytes.extend(body);
        super::replace_file(path, &bytes)
    }
}
