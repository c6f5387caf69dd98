//! What the journal says, folded into one state: for each target its results and which of them is in place.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entry::{Artifact, Entry, Failed, ResultEntry};
use crate::engine::digest::Digest;
use crate::engine::run_id::RunId;

/// The state of a project as its journal tells it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Shared with whoever looks at one, so that a look copies nothing.
    targets: HashMap<String, Arc<History>>,
    /// Byte digests that atsaf placed, by path.
    placed: HashMap<String, Vec<Digest>>,
    /// The boot in which the newest entries were written, and whether any of them is not yet known to be on the disk.
    pub(crate) unsynced_boot: Option<String>,
    boot: String,
    /// Offset of the last frame that was folded in.
    pub(crate) last: u64,
}

/// What is known of one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct History {
    /// Results, the oldest first; one for each fingerprint, the newest.
    results: Vec<StoredResult>,
    /// Which of them is in place.
    record: Option<usize>,
    /// Which of them was being placed when its build ended.
    open: Option<usize>,
    /// What was set aside and not put back: declared path and where it is kept.
    aside: Vec<(String, String)>,
    /// Its last failure, if it failed after its last success.
    failed: Option<(RunId, u32)>,
    /// Whether it began to act outside the project and did not succeed.
    acting: bool,
}

/// One result, without what only an explanation needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredResult {
    /// The fingerprint's hash.
    pub hash: Digest,
    /// What it left.
    pub artifacts: Vec<Artifact>,
    /// The run that made it.
    pub run: RunId,
    /// The run that placed it last.
    pub placed_by: RunId,
    /// The number of the attempt that succeeded.
    pub attempt: u32,
    /// Milliseconds that the attempt took.
    pub duration: u64,
    /// Where the journal tells it whole.
    pub(crate) at: u64,
    /// Words of the command that the command itself wrote, and what it left there.
    pub(crate) written: Vec<(String, Digest)>,
    effect: bool,
}

impl StoredResult {
    /// One of the artifacts that it left.
    #[must_use]
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.name == name)
    }
}

impl History {
    /// The newest result of a fingerprint is in place now; an older one of the same is of no more use.
    fn put_in_place(&mut self, hash: Digest) {
        if let Some(newest) = self.results.iter().rposition(|past| past.hash == hash) {
            let mut index = 0;
            self.results.retain(|past| {
                index += 1;
                past.hash != hash || index - 1 == newest
            });
        }
        self.record = self.results.iter().position(|past| past.hash == hash);
        (self.open, self.failed, self.acting) = (None, None, false);
    }

    /// The result that is in place.
    #[must_use]
    pub fn record(&self) -> Option<&StoredResult> {
        self.record.and_then(|at| self.results.get(at))
    }

    /// Whether a commit was cut short.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.open.is_some() || !self.aside.is_empty()
    }

    /// Whether an attempt of an effect was begun and did not succeed.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        self.acting
    }

    /// The result of a commit that was cut short.
    #[must_use]
    pub fn open(&self) -> Option<&StoredResult> {
        self.open.and_then(|at| self.results.get(at))
    }

    /// The newest result of a fingerprint.
    #[must_use]
    pub fn result(&self, hash: Digest) -> Option<&StoredResult> {
        self.results.iter().rev().find(|past| past.hash == hash)
    }

    /// All results, the oldest first.
    #[must_use]
    pub fn results(&self) -> &[StoredResult] {
        &self.results
    }

    /// What was set aside and not put back.
    #[must_use]
    pub fn aside(&self) -> &[(String, String)] {
        &self.aside
    }

    /// Run and attempt of the last failure, if nothing succeeded since.
    #[must_use]
    pub fn failed(&self) -> Option<(RunId, u32)> {
        self.failed
    }
}

impl Ledger {
    /// What is known of a target.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&Arc<History>> {
        self.targets.get(name)
    }

    /// Whether atsaf itself placed these bytes at this path at some time.
    #[must_use]
    pub fn placed(&self, path: &str, bytes: Digest) -> bool {
        self.placed.get(path).is_some_and(|digests| digests.contains(&bytes))
    }

    /// All that is known, by target.
    pub fn targets(&self) -> impl Iterator<Item = (&str, &History)> {
        self.targets
            .iter()
            .map(|(name, history)| (name.as_str(), history.as_ref()))
    }

    /// Every byte digest that atsaf placed, by path.
    pub(crate) fn placements(&self) -> impl Iterator<Item = (&str, &[Digest])> {
        self.placed
            .iter()
            .map(|(path, digests)| (path.as_str(), digests.as_slice()))
    }

    fn place(&mut self, path: &str, bytes: Digest) {
        let digests = match self.placed.get_mut(path) {
            Some(digests) => digests,
            None => self.placed.entry(path.to_owned()).or_default(),
        };
        if !digests.contains(&bytes) {
            digests.push(bytes);
        }
    }

    /// Folds one entry in.
    pub(crate) fn fold(&mut self, at: u64, entry: &Entry) {
        self.last = at;
        match entry {
            Entry::Run(run) => {
                self.boot.clone_from(&run.boot);
            }
            Entry::Intent(made) => self.intend(at, made),
            Entry::Result { target, hash } => {
                if let Some(history) = self.known(target) {
                    history.put_in_place(*hash);
                }
            }
            Entry::Placement { files } => files.iter().for_each(|(path, bytes)| self.place(path, *bytes)),
            Entry::Restore { run, target, hash, .. } => {
                if let Some(history) = self.known(target) {
                    history.put_in_place(*hash);
                    if let Some(past) = history.record.and_then(|at| history.results.get_mut(at)) {
                        past.placed_by = *run;
                    }
                }
            }
            Entry::SetAside { target, files, .. } => {
                self.history(target).aside.clone_from(files);
            }
            Entry::AsideEnded { target } => {
                if let Some(history) = self.known(target) {
                    history.aside.clear();
                }
            }
            Entry::Failure(Failed {
                run, target, attempt, ..
            }) => {
                self.history(target).failed = Some((*run, *attempt));
            }
            Entry::Acting { target } => self.history(target).acting = true,
            Entry::Ended { .. } => {}
            Entry::Synced { .. } => {
                self.unsynced_boot = None;
                return;
            }
        }
        if self.unsynced_boot.is_none() {
            self.unsynced_boot = Some(self.boot.clone());
        }
    }

    fn known(&mut self, target: &str) -> Option<&mut History> {
        self.targets.get_mut(target).map(Arc::make_mut)
    }

    fn history(&mut self, target: &str) -> &mut History {
        Arc::make_mut(self.targets.entry(target.to_owned()).or_default())
    }

    fn intend(&mut self, at: u64, made: &ResultEntry) {
        for artifact in &made.artifacts {
            self.place(&artifact.path, artifact.bytes);
        }
        let history = self.history(&made.target);
        let past = StoredResult {
            hash: made.hash,
            artifacts: made.artifacts.clone(),
            run: made.run,
            placed_by: made.run,
            attempt: made.attempt,
            duration: made.duration,
            at,
            written: made.written.clone(),
            effect: made.effect,
        };
        // The former result of the same fingerprint stays until this one is in place, if it is the record.
        let former = history.results.iter().position(|old| old.hash == made.hash);
        match former {
            Some(index) if history.record != Some(index) => {
                history.results.remove(index);
                history.record = history.record.map(|record| record - usize::from(record > index));
            }
            _ => {}
        }
        history.results.push(past);
        history.open = Some(history.results.len() - 1);
        (history.failed, history.acting) = (None, false);
    }

    /// Stops believing the records of effects: an entry that said otherwise may be lost.
    pub(crate) fn doubt_effects(&mut self) {
        for history in self.targets.values_mut() {
            if history.results.iter().any(|past| past.effect) {
                *history = Arc::default();
            }
        }
    }
}
