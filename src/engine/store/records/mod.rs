//! The records: the journal, what it says, and the caches of that.
//!
//! ```text
//! journal ─▶ ledger (what is in place) ─▶ index, and what is known of files
//!         └▶ results (the past)        ─▶ results, read only by who asks for an earlier result
//! ```

mod believable;
mod compaction;
pub mod entry;
mod index;
mod journal;
mod ledger;
mod origin;
mod results;
#[cfg(test)]
mod tests;
mod upgrade;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use self::entry::{Entry, ResultEntry};
use self::index::Index;
use self::journal::{Head, Journal, START};
pub use self::ledger::{History, Ledger, StoredResult};
use self::results::Results;
use super::StoreError;
use super::area::locks::Locks;
use super::user_key::UserKey;
use crate::engine::digest::Digest;
use crate::engine::files::{Files, Identity, KnownFiles, identity};
use crate::engine::fingerprint::Fingerprint;

/// So many bytes of files whose digests are new are read again by each command rather than remembered.
const MOST_NEW_BYTES: u64 = 1 << 20;

/// The records of one project.
pub struct Records {
    dir: PathBuf,
    locks: Locks,
    /// To which a journal that is begun is bound.
    user: OnceLock<UserKey>,
    state: Mutex<RecordsState>,
}

struct RecordsState {
    journal: Option<Journal>,
    ledger: Ledger,
    /// Up to where the journal is folded into the ledger.
    end: u64,
    /// Whether anything was appended by this process.
    wrote: bool,
    /// How many entries of others were read since the records were opened.
    foreign: u64,
    /// Up to where the index on the disk tells what the journal says.
    indexed: u64,
    warnings: Vec<String>,
}

impl Records {
    /// Opens the records in a directory, as they are, with what is known of files; nothing is written.
    ///
    /// # Errors
    /// [`StoreError`] if something that is there cannot be read, or was written by a newer version of atsaf.
    pub(super) fn open(dir: &Path, locks: Locks) -> Result<(Self, KnownFiles), StoreError> {
        let path = dir.join("journal");
        let mut state = RecordsState {
            journal: Journal::open(&path, false).map_err(StoreError::at(&path))?,
            ledger: Ledger::beginning_at(START),
            end: START,
            wrote: false,
            foreign: 0,
            indexed: START,
            warnings: Vec::new(),
        };
        let mut known = KnownFiles::default();
        if let Some(journal) = &mut state.journal {
            if journal.head() == Head::Damaged {
                let what = "the head of `.atsaf/v1/journal` is damaged; the entries behind it count";
                state.warnings.push(what.to_owned());
            }
            if let Some(index) = Index::load(&dir.join("index"), journal) {
                (state.ledger, state.end, known) = (index.ledger, index.end, index.files);
                state.indexed = state.end;
                state.ledger.results = Results::beginning_at(state.end);
            }
        }
        state.catch_up().map_err(StoreError::at(&path))?;
        state.foreign = 0;
        let unsynced = state.ledger.unsynced_boot.as_ref();
        if unsynced.is_some_and(|boot| *boot != boot_id()) {
            // Written before the machine went down, and never synced: only the bytes themselves can be believed.
            known = KnownFiles::default();
        }
        let records = Self {
            dir: dir.to_owned(),
            locks,
            user: OnceLock::new(),
            state: Mutex::new(state),
        };
        Ok((records, known))
    }

    /// Makes the journal, if it is not there; one of the former version, or with a damaged head, is written anew.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        let _held = self.locks.append().map_err(StoreError::at(&self.dir))?;
        let path = self.dir.join("journal");
        let mut state = self.state();
        if state.journal.as_ref().is_some_and(Journal::is_writable) {
            return Ok(());
        }
        let read = state.journal.as_ref().map(Journal::id);
        let was_own = read.is_none_or(|id| self.is_of_user(id));
        let mut journal = Journal::open(&path, true).map_err(StoreError::at(&path))?;
        if let Some(old) = journal.as_mut().filter(|journal| journal.head() != Head::Current) {
            let entries = old.read(START).map_err(StoreError::at(&path))?.entries;
            let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
            journal = Some(Journal::replace(&path, &entries).map_err(StoreError::at(&path))?);
        }
        state.journal = journal;
        self.sign_if(was_own, &state);
        if read.is_some() && read != state.journal.as_ref().map(Journal::id) {
            state.begin_again();
        }
        state.catch_up().map_err(StoreError::at(&path))
    }

    fn state(&self) -> MutexGuard<'_, RecordsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds what is begun to the user's own key.
    pub(super) fn bind(&self, user: UserKey) {
        let _ = self.user.set(user);
    }

    /// The user's own key, if it is known.
    pub(super) fn user(&self) -> Option<&UserKey> {
        self.user.get()
    }

    /// The identity of the journal, if all of it was read and what it tells of is safe on the disk.
    pub(super) fn settled_journal(&self) -> Option<Identity> {
        let state = self.state();
        let metadata = fs::symlink_metadata(self.dir.join("journal")).ok()?;
        let is_whole = state.journal.is_some() && state.ledger.unsynced_boot.is_none() && metadata.len() == state.end;
        is_whole.then(|| identity(&metadata))
    }

    fn is_of_user(&self, id: [u8; 16]) -> bool {
        self.user.get().is_some_and(|user| origin::is_own(&self.dir, id, user))
    }

    /// Says that the journal is the user's own, if it is.
    fn sign_if(&self, is_own: bool, state: &RecordsState) {
        if let (true, Some(user), Some(journal)) = (is_own, self.user.get(), &state.journal) {
            origin::sign(&self.dir, journal.id(), user);
        }
    }

    /// Whether this user's builds alone wrote the journal.
    #[must_use]
    pub fn are_own(&self) -> bool {
        let id = self.state().journal.as_ref().map(Journal::id);
        id.is_none_or(|id| self.is_of_user(id))
    }

    /// Takes the journal for the user's own from now on.
    pub(super) fn adopt(&self) {
        self.sign_if(true, &self.state());
    }

    /// Whether there is a journal.
    pub(super) fn exist(&self) -> bool {
        self.state().journal.is_some()
    }

    /// Looks at what the journal says, as far as it was read.
    pub fn ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.state().ledger)
    }

    /// The result of a target that is in place.
    #[must_use]
    pub fn record(&self, target: &str) -> Option<StoredResult> {
        self.ledger(|ledger| ledger.target(target)?.record().cloned())
    }

    /// Reads what others appended since.
    ///
    /// # Errors
    /// [`StoreError`] if the journal cannot be read.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.state().catch_up().map_err(StoreError::at(&self.dir))
    }

    /// Adds a warning to those that reading gave.
    pub(super) fn warn(&self, message: impl IntoIterator<Item = String>) {
        self.state().warnings.extend(message);
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

    /// The newest result of an id as the journal tells it, whole; `None` if there is none, or its entry is damaged.
    #[must_use]
    pub fn result(&self, id: Digest) -> Option<ResultEntry> {
        let mut state = self.state();
        state.complete(&self.dir);
        let at = state.ledger.results.offset(id)?;
        let entry = state.journal.as_mut()?.entry(at)?;
        entry.result().filter(|result| result.id == id).cloned()
    }

    /// The results of a declared fingerprint, the newest first.
    #[must_use]
    pub fn results_of(&self, declared: Digest) -> Vec<ResultEntry> {
        let ids = {
            let mut state = self.state();
            state.complete(&self.dir);
            state.ledger.results.ids_of(declared)
        };
        ids.into_iter().filter_map(|id| self.result(id)).collect()
    }

    /// The fingerprint of a result, field by field.
    #[must_use]
    pub fn fingerprint(&self, result: &StoredResult) -> Option<Fingerprint> {
        self.result(result.id)?.fingerprint
    }

    /// Every result that can be told, in no order.
    pub(super) fn results(&self) -> Vec<ResultEntry> {
        let mut state = self.state();
        state.complete(&self.dir);
        let offsets: Vec<u64> = state.ledger.results.iter().map(|(_, at)| at).collect();
        let Some(journal) = &mut state.journal else {
            return Vec::new();
        };
        let entries = offsets.into_iter().filter_map(|at| journal.entry(at));
        entries.filter_map(|entry| entry.result().cloned()).collect()
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

    /// Ends a run's use of the records: syncs what was written, and where the caches tell much less than there is by now,
    /// compacts the journal if most of it is dead, and saves them.
    pub(super) fn finish(&self, files: &Files) -> Result<(), StoreError> {
        if self.state().wrote {
            let upto = self.state().end;
            self.sync().map_err(StoreError::at(&self.dir))?;
            self.append(&[Entry::Synced { upto }])?;
            if self.state().is_index_behind() {
                self.compact().map_err(StoreError::at(&self.dir))?;
            }
        }
        self.remember(files);
        Ok(())
    }

    /// Writes down what a build has found out, digests of files and what the journal says, where that is much: what a few
    /// entries and files tell is read from themselves as fast.
    pub(super) fn remember(&self, files: &Files) {
        let is_worth_it = self.state().is_index_behind() || files.new_bytes() > MOST_NEW_BYTES;
        files.settle(|settled| {
            if is_worth_it {
                self.save(files.root(), settled);
            }
        });
    }

    fn save(&self, root: &Path, files: &KnownFiles) {
        let mut state = self.state();
        state
            .ledger
            .prune(&|path| fs::symlink_metadata(root.join(path)).is_ok());
        state.complete(&self.dir);
        let RecordsState {
            journal, ledger, end, ..
        } = &mut *state;
        if let Some(journal) = journal {
            // Caches: a disk that cannot take them costs time, not truth.
            let _ = ledger.results.save(&self.dir.join("results"), journal, *end);
            let _ = Index::save(&self.dir.join("index"), journal, ledger, *end, files);
        }
    }

    fn sync(&self) -> io::Result<()> {
        let dir = fs::File::open(&self.dir)?;
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&dir)?;
        #[cfg(not(target_os = "linux"))]
        dir.sync_all()?;
        match &self.state().journal {
            Some(journal) => journal.sync(),
            None => Ok(()),
        }
    }

    /// Writes the journal anew without its dead entries, if they are more than half of it.
    pub(super) fn compact(&self) -> io::Result<()> {
        const SMALL: u64 = 256 * 1024;
        if self.state().end < SMALL {
            return Ok(());
        }
        self.rewrite(2)
    }

    /// Writes the journal anew without its dead entries, if it is `times` as long as what it keeps, or longer.
    pub(super) fn rewrite(&self, times: u64) -> io::Result<()> {
        let _held = self.locks.append()?;
        let mut state = self.state();
        state.catch_up()?;
        state.complete(&self.dir);
        let RecordsState {
            journal: Some(journal),
            ledger,
            end,
            ..
        } = &mut *state
        else {
            return Ok(());
        };
        // Sizes alone first: to read all entries takes far more.
        if compaction::least_size(journal, ledger) * times > *end {
            return Ok(());
        }
        let live = compaction::live_entries(journal, ledger)?;
        let size: usize = live.iter().map(journal::size_of).sum();
        if (size as u64) * times > *end {
            return Ok(());
        }
        let was_own = self.is_of_user(journal.id());
        state.journal = Some(Journal::replace(&self.dir.join("journal"), &live)?);
        self.sign_if(was_own, &state);
        state.begin_again();
        state.catch_up()
    }
}

impl RecordsState {
    /// Forgets all that was read.
    fn begin_again(&mut self) {
        (self.ledger, self.end, self.indexed) = (Ledger::beginning_at(START), START, START);
    }

    /// Whether the index leaves much of the journal to be read.
    fn is_index_behind(&self) -> bool {
        self.end.saturating_sub(self.indexed) > self.end / 64
    }

    /// Reads the results that stand in the journal before what was folded in.
    fn complete(&mut self, dir: &Path) {
        let from = self.ledger.results.from();
        let Some(journal) = self.journal.as_mut().filter(|_| from > START) else {
            return;
        };
        let earlier = Results::load(&dir.join("results"), journal, from).unwrap_or_else(|| {
            let entries = journal.read(START).map(|stretch| stretch.entries).unwrap_or_default();
            let mut ledger = Ledger::beginning_at(START);
            let before = entries.iter().take_while(|(at, _)| *at < from);
            before.for_each(|(at, entry)| ledger.fold(*at, entry));
            ledger.results.into_earlier()
        });
        self.ledger.results.complete(START, earlier);
    }

    /// Folds in what stands in the journal beyond what was read; anew if the journal is another one.
    fn catch_up(&mut self) -> io::Result<()> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        if journal.was_replaced()
            && let Some(new) = journal.reopen()?
        {
            self.journal = Some(new);
            self.begin_again();
        }
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let length = journal.len()?;
        if length == self.end {
            return Ok(());
        }
        if length < self.end {
            // Someone cut it: what was read is no longer the truth.
            (self.ledger, self.end, self.indexed) = (Ledger::beginning_at(START), START, START);
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
