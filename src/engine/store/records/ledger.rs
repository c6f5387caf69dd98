//! What the journal says, folded into one state: for each target the result that is in place, and what is unfinished.
//!
//! Its size follows the targets. Earlier results are in [`Results`], which only those read who ask for one.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entry::{Artifact, Entry, Failed, ResultEntry};
use super::results::Results;
use crate::engine::digest::Digest;
use crate::engine::result_id::Discovered;
use crate::engine::run_id::RunId;

/// The state of a project as its journal tells it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Shared with whoever looks at one, so that a look copies nothing.
    targets: HashMap<String, Arc<History>>,
    /// Byte digests that atsaf placed and that may still lie there, by path.
    placed: HashMap<String, Vec<Digest>>,
    /// The boot in which the newest entries were written, and whether any of them is not yet known to be on the disk.
    pub(crate) unsynced_boot: Option<String>,
    boot: String,
    /// Offset of the last frame that was folded in.
    pub(crate) last: u64,
    /// Earlier results.
    #[serde(skip)]
    pub(crate) results: Results,
}

/// What is known of one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct History {
    /// The result that is in place.
    record: Option<StoredResult>,
    /// The result that was being placed when its build ended.
    open: Option<Box<StoredResult>>,
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
    /// Its id.
    pub id: Digest,
    /// The hash of the declared fingerprint.
    pub declared: Digest,
    /// What the attempt was seen to use without declaring it.
    pub discovered: Vec<Discovered>,
    /// What it left.
    pub artifacts: Vec<Artifact>,
    /// The run that made it.
    pub run: RunId,
    /// The run that placed it last.
    pub placed_by: RunId,
    /// The number of the attempt that succeeded.
    pub attempt: u32,
    /// When the attempt ended, in milliseconds since 1970.
    pub ended: u64,
    /// Milliseconds that the attempt took.
    pub duration: u64,
    /// Whether the target acted outside the project.
    pub effect: bool,
    /// Words of the command that the command itself wrote, and what it left there.
    pub written: Vec<(String, Digest)>,
}

impl StoredResult {
    /// A result as an entry of the journal tells it.
    #[must_use]
    pub fn new(entry: &ResultEntry) -> Self {
        Self {
            id: entry.id,
            declared: entry.declared,
            discovered: entry.discovered.clone(),
            artifacts: entry.artifacts.clone(),
            run: entry.run,
            placed_by: entry.run,
            attempt: entry.attempt,
            ended: entry.ended,
            duration: entry.duration,
            effect: entry.effect,
            written: entry.written.clone(),
        }
    }

    /// One of the artifacts that it left, by its port.
    #[must_use]
    pub fn artifact(&self, port: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.name == port)
    }
}

impl History {
    fn put_in_place(&mut self, result: StoredResult) {
        *self = Self {
            record: Some(result),
            aside: std::mem::take(&mut self.aside),
            ..Self::default()
        };
    }

    /// The result that is in place.
    #[must_use]
    pub fn record(&self) -> Option<&StoredResult> {
        self.record.as_ref()
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
        self.open.as_deref()
    }

    /// Words of its command that the command itself wrote, and what it left there.
    #[must_use]
    pub fn written(&self) -> &[(String, Digest)] {
        self.record.as_ref().map_or(&[], |record| record.written.as_slice())
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
    /// An empty one, to be folded from an offset on.
    pub(crate) fn beginning_at(offset: u64) -> Self {
        Self {
            results: Results::beginning_at(offset),
            ..Self::default()
        }
    }

    /// What is known of a target.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&Arc<History>> {
        self.targets.get(name)
    }

    /// Whether atsaf itself placed these bytes at this path, as its last work there or in a commit that was cut short.
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

    /// Every byte digest that may lie where atsaf placed it, by path.
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

    /// A target's result is in place: whatever else atsaf had placed at its paths is there no more.
    fn put_in_place(&mut self, target: &str, result: StoredResult) {
        for artifact in &result.artifacts {
            self.placed.insert(artifact.path.clone(), vec![artifact.bytes]);
        }
        self.history(target).put_in_place(result);
    }

    /// Folds one entry in.
    pub(crate) fn fold(&mut self, at: u64, entry: &Entry) {
        self.last = at;
        match entry {
            Entry::Run(run) => {
                self.boot.clone_from(&run.boot);
            }
            Entry::Intent(entry) => self.intend(at, entry),
            Entry::Result { target, id } => {
                let open = self.known(target).and_then(|history| history.open.take());
                if let Some(result) = open.filter(|open| open.id == *id) {
                    self.put_in_place(target, *result);
                }
            }
            Entry::Placement { files } => files.iter().for_each(|(path, bytes)| self.place(path, *bytes)),
            Entry::Past(result) => self.results.insert(result, at),
            Entry::Restore { run, result, .. } => {
                self.results.insert(result, at);
                let placed_by = *run;
                let stored = StoredResult {
                    placed_by,
                    ..StoredResult::new(result)
                };
                self.put_in_place(&result.target, stored);
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
            Entry::Forgotten { ids } => ids.iter().for_each(|id| self.results.forget(*id)),
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

    fn intend(&mut self, at: u64, entry: &ResultEntry) {
        for artifact in &entry.artifacts {
            self.place(&artifact.path, artifact.bytes);
        }
        self.results.insert(entry, at);
        let history = self.history(&entry.target);
        history.open = Some(Box::new(StoredResult::new(entry)));
        (history.failed, history.acting) = (None, false);
    }

    /// Stops believing the records of effects: an entry that said otherwise may be lost.
    pub(crate) fn doubt_effects(&mut self) {
        for history in self.targets.values_mut() {
            let results = history.record().into_iter().chain(history.open());
            if results.into_iter().any(|result| result.effect) {
                *history = Arc::default();
            }
        }
    }

    /// Forgets, of paths that no record has, those where nothing lies any more.
    pub(crate) fn prune(&mut self, exists: &dyn Fn(&str) -> bool) {
        let owned: std::collections::HashSet<&str> = self
            .targets
            .values()
            .flat_map(|history| history.record().into_iter().chain(history.open()))
            .flat_map(|result| result.artifacts.iter().map(|artifact| artifact.path.as_str()))
            .collect();
        let mut gone = self.placed.keys().filter(|path| !owned.contains(path.as_str()));
        let gone: Vec<String> = gone.by_ref().filter(|path| !exists(path)).cloned().collect();
        for path in gone {
            self.placed.remove(&path);
        }
    }
}
