//! The store, `.atsaf/`: what was built, from what, and copies of it.
//!
//! It is three things: the [`Records`], the [`Objects`], and the work [`Area`].
//!
//! ```text
//! .atsaf/
//! ├── CACHEDIR.TAG, .gitignore
//! ├── v1/
//! │   ├── journal              the truth: append-only entries
//! │   ├── index                a cache of what is in place and of what the disk says; free to delete
//! │   ├── results              a cache of where the journal tells the past; free to delete
//! │   ├── spec                 the Spec of the last build; free to delete
//! │   ├── seals/               what stood where when all was fresh; free to delete
//! │   ├── objects/ab/…         copies of artifacts, each under the digest of its bytes
//! │   ├── memo/ab/…            pieces of work that tasks remember
//! │   ├── outputs/RUN/TARGET/  what an attempt printed, and the staged files of a failed one
//! │   ├── resume/KEY/          what a failed attempt had written, for the next one
//! │   ├── locks/               advisory locks
//! │   ├── aside/               former artifacts of a command that writes its declared paths itself
//! │   └── staging/KEY/, RUN/   attempts in flight, and what a run has out of place
//! └── displaced/               files that a build had to replace and had not made; never emptied unasked
//! ```

mod area;
mod aside;
pub(super) mod bounded;
pub mod clean;
mod commit;
pub mod gc;
mod git_index;
mod latest;
mod listings;
mod memo;
mod modes;
mod objects;
pub(crate) mod own_file;
mod records;
pub(crate) mod restore;
mod resume;
mod seals;
mod spec_cache;
#[cfg(test)]
mod tests;
mod trust;
mod user_key;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use rustix::fs::RenameFlags;

use self::area::Area;
pub(crate) use self::area::beside::move_file;
pub use self::area::locks::Holder;
pub(crate) use self::area::locks::{Held, Inherit, Live};
pub use self::area::private::key as private_key;
pub(crate) use self::area::private::{Claim, Private};
pub(crate) use self::commit::{Displaced, Staged};
use self::memo::Memos;
pub(crate) use self::modes::remove;
use self::objects::{LocalObjects, Objects};
pub(crate) use self::records::boot_id;
pub use self::records::{History, Ledger, Records, StoredResult, entry};
pub use self::spec_cache::CheckedSpec;
use self::spec_cache::SpecToKeep;
use self::trust::Distrust;
pub use self::user_key::UserKey;
use super::digest::Digest;
use super::file_clock::{Probe, Since};
use super::files::Files;
use super::look::Past;
use super::lookups::Lookups;
use super::run_id::RunId;
use super::seal::{self, Seal, SealKey, SealRequest, Standing};
use super::spec::{Output, Rate, Spec};
use super::task::Memo;
use crate::diagnostic::Diagnostic;

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
    /// What to do about it, where that is known.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        let source = self.source.get_ref()?;
        source.downcast_ref::<Distrust>().map(|why| why.help())
    }

    /// Of a path, or of the file of the store there that is not opened for what it is.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            let refused = source.get_ref().and_then(|why| why.downcast_ref::<own_file::Refused>());
            let path = refused.map_or(path, |refused| refused.path.clone());
            Self { path, source }
        }
    }
}

/// The store of one project.
pub struct Store {
    dir: PathBuf,
    /// What was built, from what.
    pub records: Records,
    objects: Box<dyn Objects>,
    area: Area,
    memos: Memos,
    /// The directory of the hook for Python, once it is there.
    hook: Mutex<Option<PathBuf>>,
    /// The key of the project's Spec, if it is still to be kept.
    spec: Mutex<Option<SpecToKeep>>,
}

impl Store {
    /// Opens the store of a project, as it is; nothing is written.
    ///
    /// # Errors
    /// [`StoreError`] if something that is there cannot be read, or was written by a newer version of atsaf.
    pub fn open(root: &Path) -> Result<(Self, Files), StoreError> {
        trust::check(root)?;
        Self::open_unchecked(root)
    }

    /// Opens a store that came from elsewhere and that the user wants all the same: all that can be verified is, and what
    /// is not whole goes; what only says again what stands elsewhere goes too.
    ///
    /// # Errors
    /// As [`Store::open`], but whoever owns it.
    pub fn open_verified(root: &Path) -> Result<(Self, Files), StoreError> {
        trust::check_place(root)?;
        let dir = root.join(DIRECTORY).join("v1");
        // What an attempt left cannot be verified.
        for cache in [
            "index",
            "results",
            spec_cache::DIRECTORY,
            resume::DIRECTORY,
            seals::DIRECTORY,
        ] {
            remove(&dir.join(cache)).map_err(StoreError::at(&dir.join(cache)))?;
        }
        let (store, files) = Self::open_unchecked(root)?;
        store.refuse_links()?;
        for directory in [root.join(DIRECTORY), dir] {
            // Of another user's it cannot be set, and the next command is refused again.
            let _ = modes::set_mode(&directory, 0o700);
        }
        let objects = store.objects.all();
        objects.par_iter().for_each(|(key, _)| {
            if !store.objects.is_whole(*key) {
                // A copy less: what it was of is built again.
                let _ = store.objects.remove(*key);
            }
        });
        Ok((store, files))
    }

    fn open_unchecked(root: &Path) -> Result<(Self, Files), StoreError> {
        trust::check_place(root)?;
        let dir = root.join(DIRECTORY).join("v1");
        let area = Area::new(dir.clone());
        let (records, known) = Records::open(&dir, area.locks.clone())?;
        let store = Self {
            records,
            objects: Box::new(LocalObjects::new(dir.join("objects"))),
            memos: Memos::new(dir.join("memo")),
            hook: Mutex::default(),
            spec: Mutex::default(),
            area,
            dir,
        };
        Ok((store, Files::with_known(root, known)))
    }

    /// Binds the records that are begun here to the user's own key; with `trusted`, those that are there as well.
    pub fn bind(&self, user: UserKey, trusted: bool) {
        self.records.bind(user);
        if trusted {
            self.records.adopt();
        }
    }

    /// What a build kept of an Atsaffile under a key in the store of a project, without the text; needs no open store. With
    /// names, of its targets those alone, if all are there.
    #[must_use]
    pub fn checked_spec(root: &Path, key: Digest, user: &UserKey, names: Option<&[&str]>) -> Option<CheckedSpec> {
        spec_cache::load(&root.join(DIRECTORY).join("v1"), key, user, names)
    }

    /// The seal of a request in the store of a project that its user may believe; needs no open store.
    #[must_use]
    pub fn seal(root: &Path, request: SealKey, user: &UserKey) -> Option<Seal> {
        seals::load(&Self::believed(root)?, request, user)
    }

    /// The seals of other goals under the same circumstances, the latest first.
    pub fn seals_of_other_goals(root: &Path, request: SealKey, user: &UserKey) -> impl Iterator<Item = Seal> {
        let store = Self::believed(root).into_iter();
        store.flat_map(move |store| seals::others(&store, request, user))
    }

    /// The directory of the store of a project, if its user may believe what it says.
    fn believed(root: &Path) -> Option<PathBuf> {
        trust::check(root).ok()?;
        trust::check_place(root).ok()?;
        Some(root.join(DIRECTORY).join("v1"))
    }

    /// Stands for the values of some variables of the environment; `None` where the user has no key.
    #[must_use]
    pub fn environment_mark<'v>(
        user: &UserKey,
        variables: impl Iterator<Item = (&'v str, Option<&'v str>)>,
    ) -> Option<[u8; 32]> {
        seals::environment(user, variables)
    }

    /// Keeps the seal of a request under which all is fresh, if all that it was found by stood still and is safe on the
    /// disk.
    pub(super) fn keep_seal(&self, request: &SealRequest, standing: &Standing, files: &Files) {
        let Some((identity, user)) = self.records.settled_journal().zip(self.records.user()) else {
            return;
        };
        if !files.are_settled() {
            return;
        }
        let probe = Probe::new(&self.dir);
        let journal = (format!("{DIRECTORY}/v1/journal"), identity);
        if let Some(seal) = Seal::make(request, standing, files, &journal, probe.as_ref()) {
            // A cache: without it the next build makes its plan.
            let _ = seals::save(&self.dir, request.key, user, &seal);
        }
    }

    /// Whether nothing came, went or moved where names were looked up, since a moment before that.
    pub(super) fn stand_still(&self, lookups: &Lookups, since: &Since, files: &Files) -> bool {
        seal::stand_still(lookups, since, files.root(), Probe::new(&self.dir).as_ref())
    }

    /// The next tick of the clock by which the store's file system stamps files.
    pub(super) fn next_tick(&self) -> Option<Since> {
        Since::next_tick(&self.dir)
    }

    /// Lets the next build keep its Spec under a key, bound to the user's own: with the warnings about it, or as it is kept
    /// already.
    pub fn keep_spec(&self, key: Digest, warnings: Option<Vec<Diagnostic>>, user: UserKey) {
        let new = SpecToKeep { key, warnings, user };
        *self.spec.lock().unwrap_or_else(PoisonError::into_inner) = Some(new);
    }

    /// Makes the directories and the journal, if they are not there.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        let outer = self.dir.parent().unwrap_or(&self.dir);
        self.refuse_links()?;
        let make = || -> io::Result<()> {
            own_file::make_directory(&self.dir.join("objects"))?;
            // Whatever the modes with which it came: what is in it is nobody else's.
            modes::set_mode(outer, 0o700)?;
            modes::set_mode(&self.dir, 0o700)?;
            self.area.prepare()?;
            let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory was made by atsaf.\n";
            for (name, text) in [("CACHEDIR.TAG", tag), (".gitignore", "*\n")] {
                let path = outer.join(name);
                if !path.exists() {
                    own_file::create(&path)?.write_all(text.as_bytes())?;
                }
            }
            Ok(())
        };
        make().map_err(StoreError::at(outer))?;
        self.records.prepare()
    }

    /// Refuses a store in which a link stands where atsaf makes a directory or a file: it would be followed out of it. The
    /// whole store may lie on another disk, behind a link. What lies deeper is made under names that no one foresees, or
    /// opened through no link, as all locks are.
    fn refuse_links(&self) -> Result<(), StoreError> {
        let outer = self.dir.parent().unwrap_or(&self.dir);
        let directories = [
            "objects",
            "memo",
            "listings",
            "outputs",
            "staging",
            "aside",
            resume::DIRECTORY,
            seals::DIRECTORY,
            spec_cache::DIRECTORY,
        ];
        let inside = directories.iter().map(|name| self.dir.join(name));
        let looked_into = [
            outer.to_owned(),
            self.dir.clone(),
            outer.join("given"),
            outer.join("displaced"),
        ];
        for directory in looked_into.into_iter().chain(inside) {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                    return Err(trust::refuse_link(&entry.path()));
                }
            }
        }
        Ok(())
    }

    /// The directory with the module that Python programs import as they start, made anew once by each process: what
    /// Python has kept beside the module is run as well, and may have come with the store. The path is the same each
    /// time, and at no moment there is nothing at it, for another build's programs.
    pub(crate) fn python_hook(&self, text: &str) -> Result<PathBuf, StoreError> {
        let mut hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*hook {
            return Ok(made.clone());
        }
        let given = self.dir.with_file_name("given");
        let (at, new) = (given.join("python"), given.join(format!("python.{}", RunId::new())));
        let place = || -> io::Result<()> {
            remove(&new)?;
            own_file::make_directory(&new)?;
            own_file::create(&new.join("sitecustomize.py"))?.write_all(text.as_bytes())?;
            match modes::rename_with(&new, &at, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(()),
                Err(_) if modes::rename_with(&new, &at, RenameFlags::EXCHANGE).is_ok() => remove(&new),
                // A file system that cannot exchange.
                Err(_) => remove(&at).and_then(|()| rename(&new, &at)),
            }
        };
        place().map_err(StoreError::at(&at))?;
        let made = at.canonicalize().map_err(StoreError::at(&at))?;
        Ok(hook.insert(made).clone())
    }

    /// Takes the lock on a target alone and those on the targets that it reads together with others; all or none.
    pub(crate) fn lock(&self, target: &str, reads: &[&str], run: RunId) -> Result<Result<Held, Holder>, StoreError> {
        let locks = &self.area.locks;
        locks
            .take(target, reads, run)
            .map_err(StoreError::at(&self.dir.join("locks")))
    }

    /// Takes a slot in each of some pools, given with how many there are; all or none.
    pub(crate) fn take_slots(
        &self,
        pools: &[(&str, u32)],
        target: &str,
        run: RunId,
    ) -> Result<Result<Held, (String, Holder)>, StoreError> {
        let taken = self.area.locks.take_slots(pools, target, run);
        taken.map_err(StoreError::at(&self.dir.join("locks")))
    }

    /// Counts one start in a pool with a rate, if it may be now; else tells how long to wait.
    ///
    /// # Errors
    /// [`StoreError`] if that cannot be counted.
    pub fn start_in(&self, pool: &str, rate: Rate, now: SystemTime) -> Result<Option<Duration>, StoreError> {
        let started = self.area.locks.start_in(pool, rate, now);
        started.map_err(StoreError::at(&self.dir.join("locks")))
    }

    /// Whether a run's build is still there.
    #[must_use]
    pub fn is_live(&self, run: RunId) -> bool {
        self.area.locks.is_live(run)
    }

    /// Gives a copy of an artifact as a result left it, without the run's id, to a path where nothing is; says whether the
    /// store has one.
    ///
    /// # Errors
    /// Whatever copying meets.
    pub(crate) fn give_copy(&self, artifact: &entry::Artifact, to: &Path) -> io::Result<bool> {
        objects::give(self.objects.as_ref(), artifact, to)
    }

    /// What tasks remember.
    pub(crate) fn memo(&self) -> &dyn Memo {
        &self.memos
    }

    /// The directory for what an attempt printed and left.
    #[must_use]
    pub fn output_dir(&self, run: RunId, target: &str) -> PathBuf {
        self.area.output_dir(run, target)
    }

    /// Where an attempt writes the outputs of a target.
    pub(crate) fn private(&self, outputs: &[Output]) -> Private {
        self.area.private(outputs)
    }

    /// Takes the directories of an attempt for it alone and makes them; `None` if another attempt is at them.
    pub(crate) fn claim(&self, private: &Private, run: RunId) -> io::Result<Option<Claim>> {
        self.area.claim(private, run)
    }

    /// Takes the directories of an attempt away; with `left_running`, a sign stays that a process of it goes on.
    pub(crate) fn clear(&self, private: &Private, run: RunId, claim: Option<&Claim>, left_running: bool) {
        self.area.clear(private, run, claim, left_running);
    }

    /// Shows that a run is alive, and clears away what dead ones left; also gives the keys of the attempts that were
    /// cut short with them.
    pub(crate) fn begin(&self, run: RunId) -> Result<(Live, Vec<String>), StoreError> {
        let locks = &self.area.locks;
        // One at a time, so that nobody's attempts begin while it is found out whose are dead.
        let _one = locks.begin().map_err(StoreError::at(&self.dir))?;
        let live = locks.live(run).map_err(StoreError::at(&self.dir))?;
        locks.sweep();
        let cut_short = self.area.bury_dead(run);
        for dead in self.area.dead_runs() {
            self.clear_staging(dead, run);
        }
        Ok((live, cut_short))
    }

    /// Takes the staging of the run `of` away, save for what it had displaced and not yet moved to its place.
    pub(crate) fn clear_staging(&self, of: RunId, run: RunId) {
        match self.rescue(of, run) {
            Ok(rescued) => {
                self.records.warn(rescued.into_iter().map(|Displaced { path, to }| {
                    format!("`{path}` was not as atsaf left it when a build was cut short, and was kept as `{to}`")
                }));
                self.area.remove_spent(of);
                for staging in self.area.stagings(of) {
                    let _ = remove(&staging);
                }
            }
            Err(error) => {
                let text = format!("what a build displaced before it was cut short stays in its staging: {error}");
                self.records.warn([text]);
            }
        }
    }

    /// Ends a run's use of the store: syncs what was written, and saves the caches.
    pub(crate) fn finish(&self, files: &Files, spec: &Spec) -> Result<(), StoreError> {
        self.records.finish(files)?;
        self.save_spec(spec);
        Ok(())
    }

    /// Writes down what a build without work has found out: digests of files, and what the journal says.
    pub(crate) fn remember(&self, files: &Files, spec: &Spec) {
        self.records.remember(files);
        self.save_spec(spec);
    }

    /// Keeps the Spec, if that is still to be done.
    pub(crate) fn save_spec(&self, spec: &Spec) {
        let new = self.spec.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(new) = new {
            // A cache as well.
            let _ = spec_cache::save(&self.dir, &new, spec);
        }
    }
}

/// So many histories are read side by side.
const SIDE_BY_SIDE: usize = 64;

impl Past for Store {
    fn histories(&self, targets: &[&str]) -> Vec<Arc<History>> {
        let histories = self.records.ledger(|ledger| ledger.of_targets(targets));
        let none = Arc::default();
        let history = |target: &&str| histories.get(target).unwrap_or_else(|| Arc::clone(&none));
        match targets.len() {
            0..SIDE_BY_SIDE => targets.iter().map(history).collect(),
            _ => targets.par_iter().with_min_len(SIDE_BY_SIDE).map(history).collect(),
        }
    }

    fn result(&self, id: Digest) -> Option<entry::ResultEntry> {
        self.records.result(id)
    }

    fn results_of(&self, declared: Digest) -> Vec<entry::ResultEntry> {
        self.records.results_of(declared)
    }

    fn can_restore(&self, result: &StoredResult, in_place: &dyn Fn(&entry::Artifact) -> bool) -> bool {
        let can_give = |artifact: &entry::Artifact| artifact.object.is_some_and(|key| self.objects.has(key));
        let mut artifacts = result.artifacts.iter();
        artifacts.all(|artifact| in_place(artifact) || can_give(artifact))
    }
}

/// Whether a directory on the way to a path of the project is a link; that of the store itself may be one.
fn leads_through_link(root: &Path, path: &str) -> bool {
    let mut parents = path.match_indices('/').map(|(end, _)| &path[..end]);
    parents.any(|parent| parent != DIRECTORY && root.join(parent).is_symlink())
}

/// Replaces a file of the store whole.
fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_file_by(path, |mut file| file.write_all(bytes))
}

/// Replaces a file of the store whole, by one that `write` has written.
fn replace_file_by(path: &Path, write: impl FnOnce(fs::File) -> io::Result<()>) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    write(own_file::create(&new)?)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the store, replacing its own file whole"
    )]
    fs::rename(&new, path)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    modes::rename(from, to)
}
