//! The store, `.atsaf/`: what was built, from what, and copies of it.
//!
//! ```text
//! .atsaf/
//! ├── CACHEDIR.TAG, .gitignore
//! ├── v1/
//! │   ├── journal              the truth: append-only entries
//! │   ├── index                a cache of what the journal and the disk say; free to delete
//! │   ├── spec                 the Spec of the last build; free to delete
//! │   ├── objects/ab/…         artifacts by byte digest
//! │   ├── memo/ab/…            pieces of work that tasks remember
//! │   ├── outputs/RUN/TARGET/  what an attempt printed, and the staged files of a failed one
//! │   ├── locks/               advisory locks
//! │   ├── aside/               former artifacts of a command that writes its declared paths itself
//! │   └── staging/RUN/         attempts in flight
//! └── displaced/               files that a build had to replace and had not made; never emptied unasked
//! ```

mod aside;
mod beside;
pub mod clean;
mod commit;
mod compaction;
pub mod entry;
mod index;
mod journal;
mod ledger;
mod listings;
pub(crate) mod locks;
mod memo;
mod modes;
mod objects;
mod spec_cache;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::beside::move_file;
pub(crate) use self::commit::{Displaced, Staged};
use self::entry::{Entry, ResultEntry};
use self::index::Index;
use self::journal::{Journal, START};
pub use self::ledger::{History, Ledger, StoredResult};
use self::locks::{Held, Live, Locks};
use self::memo::Memos;
pub(crate) use self::modes::remove;
use self::objects::Objects;
use super::digest::Digest;
use super::files::Files;
use super::fingerprint::Fingerprint;
use super::run_id::RunId;
use super::spec::{Spec, Text};
use super::task::Memo;

/// The directory of the store in a project.
pub const DIRECTORY: &str = ".atsaf";

/// Why the store, or the place of an artifact, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be used: {source}", path.strip_prefix("./").unwrap_or(path).display())]
pub struct StoreError {
    /// What was touched.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl StoreError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, source }
    }
}

/// The store of one project.
pub struct Store {
    dir: PathBuf,
    state: Mutex<StoreState>,
    locks: Locks,
    objects: Objects,
    memos: Memos,
    /// The key of the project's Spec, if it is worth keeping and not kept yet.
    new_spec: Mutex<Option<Digest>>,
}

struct StoreState {
    journal: Option<Journal>,
    ledger: Ledger,
    /// Up to where the journal is folded into the ledger.
    end: u64,
    /// Whether anything was appended by this process.
    wrote: bool,
    /// How many entries of others were read since the store was opened.
    foreign: u64,
    /// Whether the index told less than was found out when the store was opened.
    behind: bool,
    warnings: Vec<String>,
}

impl Store {
    /// Opens the store of a project, as it is; nothing is written.
    ///
    /// # Errors
    /// [`StoreError`] if something that is there cannot be read.
    pub fn open(root: &Path) -> Result<(Self, Files), StoreError> {
        let dir = root.join(DIRECTORY).join("v1");
        let path = dir.join("journal");
        let mut state = StoreState {
            journal: Journal::open(&path, false).map_err(StoreError::at(&path))?,
            ledger: Ledger::default(),
            end: START,
            wrote: false,
            foreign: 0,
            behind: false,
            warnings: Vec::new(),
        };
        if state.journal.is_none() && path.metadata().is_ok_and(|it| it.len() >= START) {
            let what = "`.atsaf/v1/journal` does not begin as this version of atsaf writes it: it is damaged or of another \
                        version, and nothing in it counts";
            state.warnings.push(what.to_owned());
        }
        let mut known = HashMap::new();
        if let Some(journal) = &mut state.journal
            && let Some(index) = Index::load(&dir.join("index"), journal)
        {
            (state.ledger, state.end, known) = (index.ledger, index.end, index.files);
        }
        let indexed = state.end;
        state.catch_up().map_err(StoreError::at(&path))?;
        state.behind = state.end != indexed;
        state.foreign = 0;
        if state
            .ledger
            .unsynced_boot
            .as_ref()
            .is_some_and(|boot| *boot != boot_id())
        {
            // Written before the machine went down, and never synced: only the bytes themselves can be believed.
            known.clear();
        }
        let store = Self {
            locks: Locks::new(dir.join("locks")),
            objects: Objects::new(dir.join("objects")),
            memos: Memos::new(dir.join("memo")),
            new_spec: Mutex::default(),
            state: Mutex::new(state),
            dir,
        };
        Ok((store, Files::new(root, known)))
    }

    /// The Spec that a build kept under a key in the store of a project; needs no open store.
    #[must_use]
    pub fn checked_spec(root: &Path, key: Digest, text: &Text) -> Option<Spec> {
        let path = root.join(DIRECTORY).join("v1").join("spec");
        spec_cache::load(&path, key, text.clone())
    }

    /// Lets the next build keep its Spec under a key.
    pub fn keep_spec(&self, key: Digest) {
        *self.new_spec.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// Makes the directories and the journal, if they are not there.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        let outer = self.dir.parent().unwrap_or(&self.dir);
        let make = || -> io::Result<()> {
            for name in ["objects", "outputs", "locks", "staging", "aside"] {
                fs::create_dir_all(self.dir.join(name))?;
            }
            let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory was made by atsaf.\n";
            for (name, text) in [("CACHEDIR.TAG", tag), (".gitignore", "*\n")] {
                let path = outer.join(name);
                if !path.exists() {
                    #[expect(clippy::disallowed_methods, reason = "this is the store")]
                    fs::write(path, text)?;
                }
            }
            Ok(())
        };
        make().map_err(StoreError::at(outer))?;
        let _held = self.locks.append().map_err(StoreError::at(&self.dir))?;
        let mut state = self.state();
        if !state.journal.as_ref().is_some_and(Journal::is_writable) {
            let path = self.dir.join("journal");
            // What stands there without a journal's head is none; it is kept for whoever wants to look.
            if Journal::open(&path, false).ok().flatten().is_none() && path.metadata().is_ok_and(|it| it.len() >= START)
            {
                let _ = rename(&path, &path.with_extension("damaged"));
                state
                    .warnings
                    .push("the journal was moved to `journal.damaged`, and all counts as never built".to_owned());
            }
            let read = state.journal.as_ref().map(Journal::id);
            state.journal = Journal::open(&path, true).map_err(StoreError::at(&path))?;
            if read.is_some() && read != state.journal.as_ref().map(Journal::id) {
                (state.ledger, state.end) = (Ledger::default(), START);
            }
            state.catch_up().map_err(StoreError::at(&path))?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, StoreState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what the journal says, as far as it was read.
    pub fn ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.state().ledger)
    }

    /// Reads what others appended since.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.state().catch_up().map_err(StoreError::at(&self.dir))
    }

    /// Takes the warnings that reading gave so far.
    pub fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.state().warnings)
    }

    /// Appends entries, after reading what others appended.
    pub(crate) fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let write = || -> io::Result<()> {
            let _held = self.locks.append()?;
            let mut state = self.state();
            state.catch_up()?;
            let end = state.end;
            let journal = state.journal.as_mut().ok_or(io::ErrorKind::NotFound)?;
            journal.append(end, entries)?;
            state.wrote = true;
            let foreign = state.foreign;
            state.catch_up()?;
            state.foreign = foreign;
            Ok(())
        };
        write().map_err(StoreError::at(&self.dir.join("journal")))
    }

    /// How many entries of other builds were read so far.
    pub(crate) fn foreign(&self) -> u64 {
        self.state().foreign
    }

    /// Takes the lock on a target alone and those on the targets that it reads together with others; all or none.
    pub(crate) fn lock(&self, target: &str, reads: &[&str], run: RunId) -> Result<Result<Held, String>, StoreError> {
        self.locks
            .take(target, reads, run)
            .map_err(StoreError::at(&self.dir.join("locks")))
    }

    /// Whether a run's build is still there.
    pub(crate) fn is_live(&self, run: RunId) -> bool {
        self.locks.is_live(run)
    }

    /// What tasks remember.
    pub(crate) fn memo(&self) -> &dyn Memo {
        &self.memos
    }

    /// A result as the journal tells it, with what an explanation needs; `None` if that entry is damaged.
    #[must_use]
    pub fn recall(&self, past: &StoredResult) -> Option<ResultEntry> {
        match self.state().journal.as_mut()?.entry(past.at)? {
            Entry::Intent(made) if made.hash == past.hash => Some(*made),
            _ => None,
        }
    }

    /// The fingerprint of a result, field by field.
    #[must_use]
    pub fn fingerprint(&self, past: &StoredResult) -> Option<Fingerprint> {
        self.recall(past)?.fingerprint
    }

    /// All entries of the journal, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let mut state = self.state();
        let Some(journal) = state.journal.as_mut() else {
            return Ok(Vec::new());
        };
        let stretch = journal.read(START).map_err(StoreError::at(&self.dir))?;
        Ok(stretch.entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Whether every artifact of a result can be given back: from its place, or from a copy.
    #[must_use]
    pub fn can_restore(&self, past: &StoredResult, in_place: &dyn Fn(&entry::Artifact) -> bool) -> bool {
        past.artifacts
            .iter()
            .all(|artifact| in_place(artifact) || self.objects.has(artifact.bytes))
    }

    /// The directory for what an attempt printed and left.
    #[must_use]
    pub fn output_dir(&self, run: RunId, target: &str) -> PathBuf {
        self.dir.join("outputs").join(run.to_string()).join(target)
    }

    /// The directory for attempts in flight of a run.
    pub(crate) fn staging_dir(&self, run: RunId) -> PathBuf {
        self.dir.join("staging").join(run.to_string())
    }

    /// The directory for a file that is out of the way for the time of an attempt.
    pub(crate) fn aside_dir(&self, run: RunId) -> PathBuf {
        self.dir.join("aside").join(run.to_string())
    }

    /// Shows that a run is alive, and clears away what dead ones left.
    pub(crate) fn begin(&self, run: RunId) -> Result<Live, StoreError> {
        let live = self.locks.live(run).map_err(StoreError::at(&self.dir))?;
        self.locks.sweep();
        for entry in fs::read_dir(self.dir.join("staging")).into_iter().flatten().flatten() {
            let id: Option<RunId> = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(dead) = id.filter(|id| !self.locks.is_live(*id)) {
                self.clear_staging(dead);
            }
        }
        Ok(live)
    }

    /// Takes a run's staging away, save for what it had displaced and not yet moved to its place.
    pub(crate) fn clear_staging(&self, run: RunId) {
        match self.rescue(run) {
            Ok(rescued) => {
                let told = rescued.into_iter().map(|Displaced { path, to }| {
                    format!("`{path}` was not as atsaf left it when a build was cut short, and was kept as `{to}`")
                });
                self.state().warnings.extend(told);
                for staging in self.stagings(run) {
                    let _ = remove(&staging);
                }
            }
            Err(error) => {
                let text = format!("what a build displaced before it was cut short stays in its staging: {error}");
                self.state().warnings.push(text);
            }
        }
    }

    /// Ends a run's use of the store: syncs what was written, compacts the journal if most of it is dead, and saves
    /// the index.
    pub(crate) fn finish(&self, files: &Files, spec: &Spec) -> Result<(), StoreError> {
        if self.state().wrote {
            let upto = self.state().end;
            self.sync().map_err(StoreError::at(&self.dir))?;
            self.append(&[Entry::Synced { upto }])?;
            self.compact().map_err(StoreError::at(&self.dir))?;
        }
        self.save_index(files);
        self.save_spec(spec);
        Ok(())
    }

    /// Writes down what a build without work has found out: digests of files, and what the journal says.
    pub(crate) fn remember(&self, files: &Files, spec: &Spec) {
        if self.state().behind || files.has_measured() {
            self.save_index(files);
        }
        self.save_spec(spec);
    }

    fn save_spec(&self, spec: &Spec) {
        if let Some(key) = self.new_spec.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A cache as well.
            let _ = spec_cache::save(&self.dir.join("spec"), key, spec);
        }
    }

    fn save_index(&self, files: &Files) {
        let mut state = self.state();
        let StoreState {
            journal, ledger, end, ..
        } = &mut *state;
        if let Some(journal) = journal {
            // The index is a cache: a disk that cannot take it costs time, not truth.
            let _ = Index::save(&self.dir.join("index"), journal, ledger, *end, files);
        }
    }

    fn sync(&self) -> io::Result<()> {
        let dir = fs::File::open(&self.dir)?;
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&dir)?;
        match &self.state().journal {
            Some(journal) => journal.sync(),
            None => Ok(()),
        }
    }

    /// Writes the journal anew without its dead entries, if they are more than half of it.
    fn compact(&self) -> io::Result<()> {
        const SMALL: u64 = 256 * 1024;
        let _held = self.locks.append()?;
        let mut state = self.state();
        state.catch_up()?;
        let StoreState {
            journal: Some(journal),
            ledger,
            end,
            ..
        } = &mut *state
        else {
            return Ok(());
        };
        if *end < SMALL {
            return Ok(());
        }
        let live = compaction::live_entries(journal, ledger)?;
        let path = self.dir.join("journal");
        let size: usize = live
            .iter()
            .map(|entry| {
                bincode::serde::encode_to_vec(entry, bincode::config::standard()).map_or(0, |bytes| bytes.len() + 16)
            })
            .sum();
        if (size as u64) * 2 > *end {
            return Ok(());
        }
        state.journal = Some(Journal::replace(&path, &live)?);
        (state.ledger, state.end) = (Ledger::default(), START);
        state.catch_up()
    }
}

impl StoreState {
    /// Folds in what stands in the journal beyond what was read; anew if the journal is another one.
    fn catch_up(&mut self) -> io::Result<()> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        if journal.was_replaced()
            && let Some(new) = journal.reopen()?
        {
            *journal = new;
            (self.ledger, self.end) = (Ledger::default(), START);
        }
        let length = journal.len()?;
        if length == self.end {
            return Ok(());
        }
        if length < self.end {
            // Someone cut it: what was read is no longer the truth.
            (self.ledger, self.end) = (Ledger::default(), START);
        }
        let stretch = journal.read(self.end)?;
        let mut damage = stretch.damage.iter().copied().peekable();
        for (at, entry) in &stretch.entries {
            while damage.next_if(|lost| lost < at).is_some() {
                // What was lost may have said otherwise about any effect before it.
                self.ledger.doubt_effects();
            }
            self.ledger.fold(*at, entry);
        }
        if !stretch.damage.is_empty() {
            self.warnings.push(format!(
                "the journal is damaged in {} places; what it told there is found out anew",
                stretch.damage.len()
            ));
        }
        self.end = stretch.end;
        self.foreign += stretch.entries.len() as u64;
        Ok(())
    }
}

/// Names the boot of this machine.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}

/// Replaces a file of the store whole.
fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the store, replacing its own file whole"
    )]
    fs::write(&new, bytes).and_then(|()| fs::rename(&new, path))
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    modes::rename(from, to)
}
