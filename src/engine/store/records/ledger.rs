//! What the journal says, folded into one state: for each target the result that is in place, and what is unfinished.
//!
//! Its size follows the targets. Earlier results are in [`Results`], which only those read who ask for one.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::believable::is_artifact_path;
use super::entry::{Acceptance, Answer, Artifact, Entry, Failed, ResultEntry};
use super::results::Results;
use crate::engine::clock::at_milliseconds;
use crate::engine::digest::Digest;
use crate::engine::packed::{self, Overlaid, Packable, Part, Parts};
use crate::engine::result_id::{Discovered, Installed};
use crate::engine::run_id::RunId;
use crate::engine::spec::Means;
use crate::fast_map::{FastMap, FastSet};

/// The state of a project as its journal tells it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Shared with whoever looks at one, so that a look copies nothing.
    targets: Overlaid<Arc<History>>,
    /// Byte digests that atsaf placed and that may still lie there, by path, beside those that the records say.
    placed: FastMap<String, Vec<Digest>>,
    /// The target whose record is the last one of a path: as the index has it, or found when it is first asked for.
    owners: OnceLock<Overlaid<String>>,
    /// The boot in which the newest entries were written, and whether any of them is not yet known to be on the disk.
    pub(crate) unsynced_boot: Option<String>,
    boot: String,
    /// Offset of the last frame that was folded in.
    pub(crate) last: u64,
    /// Earlier results.
    pub(crate) results: Results,
}

/// The ledger as it stands in the index.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LedgerParts {
    pub(super) targets: Part,
    pub(super) owners: Part,
    placed: FastMap<String, Vec<Digest>>,
    unsynced_boot: Option<String>,
    boot: String,
    last: u64,
}

impl LedgerParts {
    /// Offset of the last frame that was folded in.
    pub(super) fn last(&self) -> u64 {
        self.last
    }
}

impl Packable for Arc<History> {
    fn encode(&self, bytes: &mut Vec<u8>) {
        packed::append(self.as_ref(), bytes);
    }

    /// One that the Atsaffile could not name is as good as none.
    fn decode(name: &str, bytes: &[u8]) -> Option<Self> {
        let history = packed::value::<History>(bytes).filter(|history| history.is_believable(name));
        history.map(Self::new)
    }
}

impl Packable for String {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.as_bytes());
    }

    fn decode(_: &str, bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok()
    }
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
    failed: Option<Box<(RunId, u32)>>,
    /// Whether it began to act outside the project and did not succeed.
    acting: bool,
    /// What its probe answered last.
    answer: Option<Box<Answer>>,
    /// The user's word that the result in place is fresh.
    accepted: Option<Box<Acceptance>>,
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
    /// What is installed outside of the project and was seen to be used.
    pub installed: Vec<Installed>,
    /// By which means it was looked what the attempt uses; `None` if nobody did.
    pub seen_by: Option<Means>,
    /// The key under which an effect acted.
    pub effect_key: Option<Digest>,
}

impl StoredResult {
    /// When its attempt began.
    #[must_use]
    pub fn begun(&self) -> SystemTime {
        at_milliseconds(self.ended.saturating_sub(self.duration))
    }

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
            installed: entry.installed.clone(),
            seen_by: entry.seen_by,
            effect_key: entry.effect_key,
        }
    }

    /// Path and byte digest of each artifact that it left.
    fn placements(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.artifacts
            .iter()
            .map(|artifact| (artifact.path.as_str(), artifact.bytes))
    }

    /// One of the artifacts that it left, by its port.
    #[must_use]
    pub fn artifact(&self, port: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.name == port)
    }
}

impl History {
    /// What reports tell of a target that is fresh: which run made its result and which one placed it, how many milliseconds
    /// that took, and its last failure.
    pub(crate) fn outline(made: Option<(RunId, RunId, u64)>, failed: Option<(RunId, u32)>) -> Self {
        let unknown = Digest::from(blake3::Hash::from_bytes([0; 32]));
        let record = made.map(|(run, placed_by, duration)| StoredResult {
            id: unknown,
            declared: unknown,
            discovered: Vec::new(),
            artifacts: Vec::new(),
            run,
            placed_by,
            attempt: 0,
            ended: 0,
            duration,
            effect: false,
            written: Vec::new(),
            installed: Vec::new(),
            seen_by: None,
            effect_key: None,
        });
        Self {
            record,
            failed: failed.map(Box::new),
            ..Self::default()
        }
    }

    fn put_in_place(&mut self, result: StoredResult) {
        *self = Self {
            record: Some(result),
            aside: std::mem::take(&mut self.aside),
            answer: self.answer.take(),
            ..Self::default()
        };
    }

    /// The result that is in place.
    #[must_use]
    pub fn record(&self) -> Option<&StoredResult> {
        self.record.as_ref()
    }

    /// The artifacts that are in place: as they were when they were made, or as the user has accepted them.
    #[must_use]
    pub fn in_place(&self, as_accepted: bool) -> Vec<Artifact> {
        let accepted = self.accepted.as_ref().filter(|_| as_accepted);
        let made = || self.record.as_ref().map(|record| &record.artifacts);
        let artifacts = accepted.map(|accepted| &accepted.artifacts).or_else(made);
        artifacts.cloned().unwrap_or_default()
    }

    /// What it tells of results: the one in place, and one that was being placed.
    pub(crate) fn results(&self) -> impl Iterator<Item = &StoredResult> {
        self.record.iter().chain(self.open.as_deref())
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

    /// What its probe answered last.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_deref()
    }

    /// The user's word that the result in place is fresh.
    #[must_use]
    pub fn accepted(&self) -> Option<&Acceptance> {
        self.accepted.as_deref()
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
        self.failed.as_deref().copied()
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

    /// The ledger that stands in an index, if that is as it was written.
    pub(super) fn of_parts(index: &Arc<Vec<u8>>, parts: LedgerParts) -> Option<Self> {
        let mut placed = parts.placed.keys();
        if !placed.all(|path| is_artifact_path(path)) {
            return None;
        }
        Some(Self {
            targets: Overlaid::of(index, &parts.targets)?,
            owners: OnceLock::from(Overlaid::of(index, &parts.owners)?),
            placed: parts.placed,
            unsynced_boot: parts.unsynced_boot,
            boot: parts.boot,
            last: parts.last,
            results: Results::default(),
        })
    }

    /// Writes it into an index.
    pub(super) fn write(&self, parts: &mut Parts<impl Write>) -> io::Result<LedgerParts> {
        Ok(LedgerParts {
            targets: parts.write(&self.targets, &|_| true)?,
            owners: match self.owners.get() {
                Some(owners) => parts.write(owners, &|_| true)?,
                None => self.write_owners(parts)?,
            },
            placed: self.placed.clone(),
            unsynced_boot: self.unsynced_boot.clone(),
            boot: self.boot.clone(),
            last: self.last,
        })
    }

    /// What is known of a target.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<Arc<History>> {
        self.targets.get(name)
    }

    /// What is known of some targets, for a look that need not wait for whoever appends.
    pub(crate) fn of_targets(&self, names: &[&str]) -> Overlaid<Arc<History>> {
        self.targets.of_names(names)
    }

    /// Whether atsaf itself placed these bytes at this path, as its last work there or in a commit that was cut short.
    #[must_use]
    pub fn placed(&self, path: &str, bytes: Digest) -> bool {
        self.placed.get(path).is_some_and(|digests| digests.contains(&bytes)) || self.is_recorded(path, bytes)
    }

    /// Whether something may lie at a path that atsaf placed.
    pub(crate) fn is_place(&self, path: &str) -> bool {
        self.placed.contains_key(path) || self.owners().contains(path)
    }

    fn owners(&self) -> &Overlaid<String> {
        self.owners.get_or_init(|| self.find_owners())
    }

    /// Whether the record of the target that was the last to be placed at a path says that these bytes lie there.
    fn is_recorded(&self, path: &str, bytes: Digest) -> bool {
        let history = self.owners().get(path).and_then(|target| self.targets.get(&target));
        let record = history.as_ref().and_then(|history| history.record());
        record.is_some_and(|record| record.placements().any(|placed| placed == (path, bytes)))
    }

    fn find_owners(&self) -> Overlaid<String> {
        let histories = self.by_placing();
        let owners = owners(&histories).into_iter();
        owners.map(|(path, name)| (path.to_owned(), name.to_owned())).collect()
    }

    fn write_owners(&self, parts: &mut Parts<impl Write>) -> io::Result<Part> {
        let histories = self.by_placing();
        let owners = owners(&histories).into_iter();
        parts.write_entries(owners.map(|(path, name)| (path, Cow::Borrowed(name.as_bytes()))))
    }

    /// What is known of each target, those first whose records were placed first.
    fn by_placing(&self) -> Vec<(&str, Arc<History>)> {
        let mut histories: Vec<(&str, Arc<History>)> = self.targets().collect();
        histories.sort_by_cached_key(|(name, history)| (history.record().map(|record| record.placed_by), *name));
        histories
    }

    /// All that is known, by target.
    pub fn targets(&self) -> impl Iterator<Item = (&str, Arc<History>)> {
        self.targets.iter()
    }

    /// Every path where something may lie that atsaf placed, sorted.
    pub(crate) fn placed_paths(&self) -> Vec<String> {
        let mut paths: BTreeSet<String> = self.placed.keys().cloned().collect();
        for (_, history) in self.targets() {
            let recorded = history.record().into_iter().flat_map(StoredResult::placements);
            paths.extend(recorded.map(|(path, _)| path.to_owned()));
        }
        paths.into_iter().collect()
    }

    /// Path and byte digest of all that may lie where atsaf placed it, beside what the records say.
    pub(crate) fn placed_beside_records(&self) -> impl Iterator<Item = (&str, Digest)> {
        let all = self.placed.iter();
        all.flat_map(|(path, digests)| digests.iter().map(move |digest| (path.as_str(), *digest)))
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
        self.release(target, &result);
        for (path, _) in result.placements() {
            self.placed.remove(path);
            if let Some(owners) = self.owners.get_mut() {
                owners.insert(path, target.to_owned());
            }
        }
        self.history(target).put_in_place(result);
        self.targets.pack();
        self.owners.get_mut().into_iter().for_each(Overlaid::pack);
    }

    /// Remembers what a target's record has at paths where its next result has nothing.
    fn release(&mut self, target: &str, next: &StoredResult) {
        let Some(history) = self.targets.get(target) else {
            return;
        };
        let is_left = |path: &str| next.placements().all(|(other, _)| other != path);
        let left = history.record().into_iter().flat_map(StoredResult::placements);
        for (path, bytes) in left.filter(|(path, _)| is_left(path)) {
            self.place(path, bytes);
        }
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
                self.history(target).failed = Some(Box::new((*run, *attempt)));
            }
            Entry::Acting { target } => self.history(target).acting = true,
            Entry::Answered { target, answer } => {
                let history = self.history(target);
                // If it failed for want of an answer, there is one now; else another attempt follows.
                (history.answer, history.failed) = (Some(Box::new(answer.clone())), None);
            }
            Entry::Accepted { target, acceptance } => self.accept(target, acceptance),
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
        Arc::make_mut(self.targets.get_or_default(target))
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

    fn accept(&mut self, target: &str, acceptance: &Acceptance) {
        let Some(history) = self.known(target) else {
            return;
        };
        if history.record.as_ref().is_some_and(|record| record.id == acceptance.id) {
            history.accepted = Some(Box::new(acceptance.clone()));
            (history.failed, history.acting) = (None, false);
        }
    }

    /// Stops believing the records of effects: an entry that said otherwise may be lost.
    pub(crate) fn doubt_effects(&mut self) {
        let is_effect = |history: &History| {
            let mut results = history.results();
            results.any(|result| result.effect)
        };
        let doubted = self.targets().filter(|(_, history)| is_effect(history));
        let doubted: Vec<(String, Arc<History>)> = doubted.map(|(name, history)| (name.to_owned(), history)).collect();
        for (name, history) in doubted {
            self.targets.insert(&name, Arc::default());
            for (path, bytes) in history.record().into_iter().flat_map(StoredResult::placements) {
                self.place(path, bytes);
            }
        }
    }

    /// Forgets, of paths that no record has, those where nothing lies any more.
    pub(crate) fn prune(&mut self, exists: &dyn Fn(&str) -> bool) {
        if self.placed.is_empty() {
            return;
        }
        let mut gone: FastSet<&str> = self.placed.keys().map(String::as_str).collect();
        for (_, history) in self.targets() {
            for artifact in history.results().flat_map(|result| &result.artifacts) {
                gone.remove(artifact.path.as_str());
            }
        }
        let gone: Vec<String> = gone
            .into_iter()
            .filter(|path| !exists(path))
            .map(str::to_owned)
            .collect();
        for path in gone {
            self.placed.remove(&path);
        }
    }
}

/// The target whose record is the last one of each path.
fn owners<'h>(histories: &'h [(&'h str, Arc<History>)]) -> FastMap<&'h str, &'h str> {
    let paths = histories.iter().flat_map(|(name, history)| {
        let placements = history.record().into_iter().flat_map(StoredResult::placements);
        placements.map(move |(path, _)| (path, *name))
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target makes a file of this text at a path, in a run of its own.
    fn make(ledger: &mut Ledger, target: &str, path: &str, text: &str) {
        // Run ids tell milliseconds apart.
        std::thread::sleep(std::time::Duration::from_millis(2));
        let result = ResultEntry::of_file(target, path, path, Digest::of(text.as_bytes()));
        let (target, id) = (target.to_owned(), result.id);
        ledger.fold(0, &Entry::Intent(Box::new(result)));
        ledger.fold(0, &Entry::Result { target, id });
    }

    #[test]
    fn what_was_placed_is_known_by_records_and_beside_them() {
        let mut ledger = Ledger::default();
        let is_placed = |ledger: &Ledger, path: &str, text: &str| ledger.placed(path, Digest::of(text.as_bytes()));
        make(&mut ledger, "a", "old", "one");
        assert!(is_placed(&ledger, "old", "one") && !is_placed(&ledger, "old", "two"));
        make(&mut ledger, "a", "new", "two");
        assert!(is_placed(&ledger, "old", "one"), "left behind");
        assert!(is_placed(&ledger, "new", "two"));
        make(&mut ledger, "b", "old", "three");
        make(&mut ledger, "c", "new", "four");
        let mut parts = Parts::begin(Vec::new(), 0);
        let told = ledger.write(&mut parts).expect("written");
        let kept = Ledger::of_parts(&Arc::new(parts.end().0), told).expect("as it was written");
        for ledger in [&ledger, &kept] {
            assert!(is_placed(ledger, "old", "three") && is_placed(ledger, "new", "four"));
            assert!(!is_placed(ledger, "old", "one"), "replaced");
            assert!(!is_placed(ledger, "new", "two"), "replaced by another target");
            assert_eq!(ledger.placed_paths(), ["new", "old"]);
            assert_eq!(ledger.placed_beside_records().count(), 0);
        }
    }
}
