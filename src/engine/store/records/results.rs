//! Where the journal tells each earlier result: result id → offset.
//!
//! The index holds what is in place; this holds the past, and is read only by who asks for an earlier result. A cache
//! as well, replaced whole at a build's end and free to delete: it counts for the journal that it was made from.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::own_file;
use super::entry::ResultEntry;
use super::journal::Journal;
use crate::engine::digest::Digest;
use crate::engine::result_id::result_id;
use crate::fast_map::FastMap;

/// So many sets of discovered inputs are kept for one declared fingerprint, each with its result.
const SETS: usize = 16;

/// The newest entry of each result, by the result's id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    offsets: FastMap<Digest, u64>,
    /// The ids of the last results of a declared fingerprint whose attempts were seen to use more, the newest last.
    discovered: FastMap<Digest, Vec<Digest>>,
    /// Ids that were given up.
    forgotten: Vec<Digest>,
    /// From where on the journal was folded in: what stands before is in the file.
    from: u64,
}

/// What stands in a stretch of the journal.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct JournalResults {
    offsets: Vec<(Digest, u64)>,
    discovered: Vec<(Digest, Vec<Digest>)>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    journal: [u8; 16],
    upto: u64,
    results: JournalResults,
}

impl Results {
    /// Results of which nothing before an offset is known yet.
    pub(crate) fn beginning_at(from: u64) -> Self {
        Self {
            from,
            ..Self::default()
        }
    }

    /// Notes where a result is told.
    pub(crate) fn insert(&mut self, result: &ResultEntry, at: u64) {
        self.offsets.insert(result.id, at);
        if !result.discovered.is_empty() || !result.installed.is_empty() {
            let ids = self.discovered.entry(result.declared).or_default();
            ids.retain(|id| *id != result.id);
            ids.push(result.id);
            ids.drain(..ids.len().saturating_sub(SETS));
        }
    }

    /// The ids that results of a declared fingerprint have, the newest first; that of one that used nothing else comes
    /// first.
    pub(crate) fn ids_of(&self, declared: Digest) -> Vec<Digest> {
        let more = self.discovered.get(&declared).into_iter().flatten().rev();
        std::iter::once(result_id(declared, &[], &[]))
            .chain(more.copied())
            .collect()
    }

    /// Notes that a result was given up.
    pub(crate) fn forget(&mut self, id: Digest) {
        self.offsets.remove(&id);
        self.forgotten.push(id);
    }

    /// Where a result is told, as far as it is known.
    pub(crate) fn offset(&self, id: Digest) -> Option<u64> {
        self.offsets.get(&id).copied()
    }

    /// All results, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Digest, u64)> {
        self.offsets.iter().map(|(id, at)| (*id, *at))
    }

    /// From where on the journal was folded in.
    pub(crate) fn from(&self) -> u64 {
        self.from
    }

    /// Adds what stands in the journal before.
    pub(crate) fn complete(&mut self, start: u64, earlier: JournalResults) {
        self.offsets.reserve(earlier.offsets.len());
        for (id, at) in earlier.offsets {
            if !self.forgotten.contains(&id) {
                self.offsets.entry(id).or_insert(at);
            }
        }
        for (declared, mut ids) in earlier.discovered {
            let newer = self.discovered.entry(declared).or_default();
            ids.retain(|id| !newer.contains(id));
            ids.append(newer);
            ids.drain(..ids.len().saturating_sub(SETS));
            *newer = ids;
        }
        self.from = start;
    }

    /// All of them, to be completed with.
    pub(crate) fn into_earlier(self) -> JournalResults {
        JournalResults {
            offsets: self.offsets.into_iter().collect(),
            discovered: self.discovered.into_iter().collect(),
        }
    }

    /// Reads the results before an offset, if the file at `path` tells them.
    pub(crate) fn load(path: &Path, journal: &Journal, upto: u64) -> Option<JournalResults> {
        let bytes = own_file::read(path).ok()?;
        let (digest, body) = bytes.split_at_checked(32)?;
        if blake3::hash(body).as_bytes() != digest {
            return None;
        }
        let saved: Saved = super::journal::decode_as(body)?;
        // More than was asked for does no harm: an offset at which no such result stands is a miss.
        (saved.journal == journal.id() && saved.upto >= upto).then_some(saved.results)
    }

    /// Writes all results; they must be complete.
    pub(crate) fn save(&self, path: &Path, journal: &Journal, upto: u64) -> io::Result<()> {
        let mut results = self.clone().into_earlier();
        results.offsets.sort_unstable_by_key(|(_, at)| *at);
        results.discovered.sort_unstable();
        let saved = Saved {
            journal: journal.id(),
            upto,
            results,
        };
        let body = bincode::serde::encode_to_vec(&saved, bincode::config::standard()).map_err(io::Error::other)?;
        let mut bytes = blake3::hash(&body).as_bytes().to_vec();
        bytes.extend(body);
        super::super::replace_file(path, &bytes)
    }
}
