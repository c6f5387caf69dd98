//! Gives up what nobody needs any more: earlier results, copies, remembered work, and what attempts printed.
//!
//! What is in place stays, with all that an explanation of it and its restore need. It is safe beside builds: a commit
//! holds the lock on objects together with others from the copy to the entry that needs it, and this takes it alone.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::clean::size_of;
use super::entry::{Entry, ResultEntry};
use super::objects::needed_by;
use super::{History, Store, StoreError, remove, seals, spec_cache};
use crate::engine::clock;
use crate::engine::digest::Digest;
use crate::engine::run_id::RunId;

/// What is to be kept; each limit counts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Keep what the last so many runs made.
    pub keep_runs: Option<usize>,
    /// Give up what is older.
    pub older_than: Option<Duration>,
    /// Give up the oldest until the store has at most so many bytes.
    pub max_size: Option<u64>,
}

/// So many things, with their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub count: usize,
    /// Bytes on the disk.
    pub size: u64,
}

/// What was given up, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Earlier results, by target.
    pub results: BTreeMap<String, usize>,
    /// Copies of artifacts that no result needs.
    pub objects: Amount,
    /// Remembered pieces of work.
    pub memo: Amount,
    /// Directories with what the attempts of a run printed and left.
    pub outputs: Amount,
    /// Bytes of all these that stay.
    pub kept: u64,
}

impl Collected {
    /// The bytes that are freed.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.objects.size + self.memo.size + self.outputs.size
    }
}

/// A file or directory of the store that has an age.
struct Aged {
    path: PathBuf,
    size: u64,
    at: SystemTime,
}

impl Store {
    /// Gives up what the limits do not keep; with `dry_run` says only what that would be.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be read or written.
    pub fn gc(&self, limits: &Limits, now: SystemTime, dry_run: bool) -> Result<Collected, StoreError> {
        if !self.records.exist() {
            return Ok(Collected::default());
        }
        if !dry_run {
            self.prepare()?;
        }
        let _alone = match dry_run {
            true => None,
            false => Some(self.area.locks.objects(true).map_err(StoreError::at(&self.dir))?),
        };
        self.records.refresh()?;
        let garbage = self.garbage(limits, now)?;
        if !dry_run {
            if !garbage.results.is_empty() {
                let ids = garbage.results.iter().map(|result| result.id).collect();
                self.records.append(&[Entry::Forgotten { ids }])?;
            }
            self.objects.sweep();
            for left in self.cut_short(now) {
                let _ = remove(&left);
            }
            for (key, _) in &garbage.objects {
                let _ = self.objects.remove(*key);
            }
            let needed = self.needed_listings();
            for listing in files_below(&self.listings_dir()) {
                if !needed.contains(&listing.path) {
                    let _ = remove(&listing.path);
                }
            }
            for aged in garbage.memo.iter().chain(&garbage.outputs) {
                let _ = remove(&aged.path);
            }
            self.records.compact().map_err(StoreError::at(&self.dir))?;
        }
        Ok(garbage.collected())
    }

    /// Files that a process which was ended had only for itself, or had not written to the end.
    fn cut_short(&self, now: SystemTime) -> Vec<PathBuf> {
        /// Nobody has one for so long.
        const AGE: Duration = Duration::from_hours(1);
        let places = [".", seals::DIRECTORY, spec_cache::DIRECTORY].map(|place| self.dir.join(place));
        let entries = places
            .iter()
            .filter_map(|place| fs::read_dir(place).ok())
            .flatten()
            .flatten();
        let is_left = |entry: &fs::DirEntry| {
            let name = PathBuf::from(entry.file_name());
            let is_own = name.extension() == Some("new".as_ref()) || name.file_stem() == Some("clock".as_ref());
            let at = entry.metadata().and_then(|it| it.modified());
            let age = at.ok().and_then(|at| now.duration_since(at).ok());
            is_own && age.is_some_and(|age| age > AGE)
        };
        entries.filter(is_left).map(|entry| entry.path()).collect()
    }

    fn garbage(&self, limits: &Limits, now: SystemTime) -> Result<Garbage, StoreError> {
        let in_place = self.records.ledger(|ledger| {
            let results = |history: &History| {
                let results = history.results();
                let results = results.map(|result| (result.id, result.artifacts.clone()));
                results.collect::<Vec<_>>()
            };
            let all = ledger.targets().flat_map(|(_, history)| results(&history));
            all.collect::<Vec<_>>()
        });
        let placed: HashSet<Digest> = in_place.iter().map(|(id, _)| *id).collect();
        let cutoff = self.cutoff(limits, now)?;
        let mut earlier = self.records.results();
        earlier.retain(|result| !placed.contains(&result.id));
        earlier.sort_by_key(|result| result.ended);
        let is_old = |at: SystemTime| cutoff.is_some_and(|cutoff| at < cutoff);
        let (mut results, mut kept): (Vec<ResultEntry>, Vec<ResultEntry>) = earlier
            .into_iter()
            .partition(|result| is_old(clock::at_milliseconds(result.ended)));
        let needed = in_place
            .iter()
            .flat_map(|(_, artifacts)| artifacts)
            .flat_map(|artifact| needed_by(&*self.objects, artifact));
        let needed: HashSet<Digest> = needed.collect();
        let (memo, mut memo_kept): (Vec<Aged>, Vec<Aged>) = files_below(&self.dir.join("memo"))
            .into_iter()
            .partition(|aged| is_old(aged.at));
        let (outputs, outputs_kept): (Vec<Aged>, Vec<Aged>) =
            self.outputs().into_iter().partition(|aged| is_old(aged.at));
        let mut garbage = Garbage {
            results: Vec::new(),
            objects: Vec::new(),
            memo,
            outputs,
            kept: 0,
        };
        memo_kept.sort_by_key(|aged| std::cmp::Reverse(aged.at));
        let all = self.objects.all();
        loop {
            let live = self.live(&needed, &kept);
            let (alive, dead): (Vec<_>, Vec<_>) = all.iter().partition(|(key, _)| live.contains(key));
            let alive: u64 = alive.iter().map(|(_, size)| size).sum();
            let is_over = |aged: u64| limits.max_size.is_some_and(|limit| alive + aged > limit);
            let mut aged: u64 = memo_kept.iter().chain(&outputs_kept).map(|aged| aged.size).sum();
            // What costs only time to lose goes first, the oldest of each kind.
            while is_over(aged)
                && let Some(piece) = memo_kept.pop()
            {
                aged -= piece.size;
                garbage.memo.push(piece);
            }
            (garbage.objects, garbage.kept) = (dead, alive + aged);
            if !is_over(aged) || kept.is_empty() {
                break;
            }
            let goes = kept.len().div_ceil(8);
            results.extend(kept.drain(..goes));
        }
        garbage.results = results;
        Ok(garbage)
    }

    /// The moment before which things are given up.
    fn cutoff(&self, limits: &Limits, now: SystemTime) -> Result<Option<SystemTime>, StoreError> {
        let by_age = limits.older_than.and_then(|age| now.checked_sub(age));
        let by_runs = match limits.keep_runs {
            None => None,
            Some(0) => Some(now),
            Some(count) => {
                let entries = self.records.entries()?;
                let runs = entries.into_iter().filter_map(|entry| match entry {
                    Entry::Run(run) => Some(run.run),
                    _ => None,
                });
                let mut runs: Vec<RunId> = runs.collect();
                runs.sort_unstable_by(|a, b| b.cmp(a));
                runs.get(count - 1).map(|run| run.time())
            }
        };
        Ok(by_age.into_iter().chain(by_runs).max())
    }

    /// The objects that what is in place and some earlier results need.
    fn live(&self, needed: &HashSet<Digest>, kept: &[ResultEntry]) -> HashSet<Digest> {
        let artifacts = kept.iter().flat_map(|result| &result.artifacts);
        let more = artifacts.flat_map(|artifact| needed_by(&*self.objects, artifact));
        needed.iter().copied().chain(more).collect()
    }

    /// What the attempts of each run printed and left, save for runs that made what is in place, failed last, or live.
    fn outputs(&self) -> Vec<Aged> {
        let told = self.records.ledger(|ledger| {
            let histories = ledger.targets().map(|(_, history)| history);
            let runs = histories.flat_map(|history| {
                let made = history.record().map(|record| record.run);
                made.into_iter().chain(history.failed().map(|(run, _)| run))
            });
            runs.collect::<HashSet<RunId>>()
        });
        let entries = fs::read_dir(self.area.outputs_dir()).into_iter().flatten().flatten();
        let aged = |entry: fs::DirEntry| {
            let run: RunId = entry.file_name().to_str()?.parse().ok()?;
            let is_free = !told.contains(&run) && !self.is_live(run);
            is_free.then(|| Aged {
                size: size_of(&entry.path()),
                path: entry.path(),
                at: run.time(),
            })
        };
        let unfinished = fs::read_dir(self.dir.join(super::resume::DIRECTORY))
            .into_iter()
            .flatten()
            .flatten();
        let left = |entry: fs::DirEntry| {
            let at = entry.metadata().and_then(|it| it.modified()).ok()?;
            let size = size_of(&entry.path());
            let path = entry.path();
            Some(Aged { path, size, at })
        };
        entries.filter_map(aged).chain(unfinished.filter_map(left)).collect()
    }
}

/// What is given up.
struct Garbage {
    results: Vec<ResultEntry>,
    objects: Vec<(Digest, u64)>,
    memo: Vec<Aged>,
    outputs: Vec<Aged>,
    kept: u64,
}

impl Garbage {
    fn collected(&self) -> Collected {
        let amount = |aged: &[Aged]| Amount {
            count: aged.len(),
            size: aged.iter().map(|it| it.size).sum(),
        };
        let mut results = BTreeMap::new();
        for result in &self.results {
            *results.entry(result.target.clone()).or_default() += 1;
        }
        Collected {
            results,
            objects: Amount {
                count: self.objects.len(),
                size: self.objects.iter().map(|(_, size)| size).sum(),
            },
            memo: amount(&self.memo),
            outputs: amount(&self.outputs),
            kept: self.kept,
        }
    }
}

/// All files below a directory.
fn files_below(path: &Path) -> Vec<Aged> {
    let files = walkdir::WalkDir::new(path).into_iter().flatten();
    let aged = |entry: walkdir::DirEntry| {
        let metadata = entry.metadata().ok()?;
        metadata.is_file().then(|| Aged {
            path: entry.path().to_owned(),
            size: metadata.len(),
            at: metadata.modified().unwrap_or(UNIX_EPOCH),
        })
    };
    files.filter_map(aged).collect()
}
