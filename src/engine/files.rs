//! The project's files: what is at a path, and its digest, remembered by the file's identity.
//!
//! A digest is remembered with (size, mtime, ctime, inode, device). A file that was changed in the very tick of the
//! file system's clock in which it was read could be changed once more without a trace (git calls it racy), so an
//! entry as young as its own measurement is not trusted beyond this process: [`Files::settle`] measures it again a
//! tick later, before it is written to the index. What is young is judged by [`file_clock`](super::file_clock).

mod identity;
mod looker;
mod looks;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ecow::EcoString;
use rayon::prelude::*;

pub use self::identity::Identity;
pub(super) use self::identity::{identity, identity_of};
pub(super) use self::looker::{AS_DIRECTORY, Looker, look};
pub(super) use self::looks::Looks;
use super::clock::Clock;
use super::digest::{Digest, Tree, of_file};
use super::discover::packages::{self, Package};
use super::file_clock::{self, Measured, Moment, Probe};
use super::ignore::Ignore;
use super::packed::{Overlaid, Packable};
use super::spec::ArtifactKind;
use super::store::DIRECTORY;
use super::tree::{self, LinkReader, TreeNode, is_bytecode, whole};
use crate::fast_map::FastMap;

/// A remembered digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    identity: Identity,
    digest: Digest,
    /// When this process began to read it; `None` once the file is known to have been older than that.
    measured: Option<Measured>,
}

impl Known {
    /// Whether it may be remembered beyond this process.
    pub(super) fn is_settled(&self) -> bool {
        self.measured.is_none()
    }
}

impl Packable for Known {
    fn encode(&self, bytes: &mut Vec<u8>) {
        self.identity.append(bytes);
        bytes.extend(self.digest.bytes());
    }

    fn decode(_: &str, bytes: &[u8]) -> Option<Self> {
        let (identity, digest) = Identity::split(bytes)?;
        let digest = blake3::Hash::from_slice(digest).ok()?;
        Some(Self {
            identity,
            digest: digest.into(),
            measured: None,
        })
    }
}

/// What is remembered of files, by path.
pub(super) type KnownFiles = Overlaid<Known>;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Missing,
    /// A regular file.
    File(Identity),
    /// A directory.
    Directory,
    /// A socket, a device and the like.
    Other,
    /// Something that cannot be looked at.
    Unreadable(io::ErrorKind),
}

/// The packages of a directory, and when anything had come or gone there.
type ListedPackages = (Moment, Arc<Vec<Package>>);

/// A digest and what it is of.
pub type Found = (Digest, ArtifactKind);

/// The files of one project.
pub struct Files {
    root: PathBuf,
    known: RwLock<KnownFiles>,
    /// Looks of this moment, taken ahead for a whole plan, with the digests of files.
    ahead: RwLock<FastMap<EcoString, (PathState, Option<Digest>)>>,
    /// Links that lead back to a directory in which they lie.
    circles: Mutex<BTreeSet<String>>,
    clock: Clock,
    /// The packages that a directory lists, as long as nothing came or went there.
    packages: Mutex<FastMap<String, ListedPackages>>,
    /// What is looked at from some moment on, if that is asked for.
    record: Mutex<Option<Looks>>,
    is_recording: AtomicBool,
    /// Whether a file said something else when it was measured again than it was taken for.
    was_wrong: AtomicBool,
    /// Links that stand in for what they lead to.
    stand_ins: BTreeSet<PathBuf>,
}

impl Files {
    /// The files below `root`, with what is remembered of them.
    #[must_use]
    pub fn new(root: &Path, known: FastMap<String, Known>) -> Self {
        Self::with_known(root, known.into_iter().collect())
    }

    pub(super) fn with_known(root: &Path, known: KnownFiles) -> Self {
        Self {
            root: root.to_owned(),
            known: RwLock::new(known),
            ahead: RwLock::default(),
            circles: Mutex::default(),
            clock: Clock::default(),
            packages: Mutex::default(),
            record: Mutex::default(),
            is_recording: AtomicBool::new(false),
            was_wrong: AtomicBool::new(false),
            stand_ins: BTreeSet::new(),
        }
    }

    /// The same, where some links, by their paths below the project, stand in for what they lead to: in a directory they
    /// are that, and no links.
    #[must_use]
    pub fn with_stand_ins(self, stand_ins: BTreeSet<PathBuf>) -> Self {
        Self { stand_ins, ..self }
    }

    /// The same with another clock: for what time it is, not for the times of files.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The project's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place of a declared path on the disk.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Looks at many paths at once, and reads the files that are new, so that the plan that follows finds every look
    /// and every file's digest taken; the looks are forgotten by [`Files::forget_looks`].
    pub fn look_ahead(&self, paths: &[&str]) {
        let looker = Looker::at(&self.root, paths.iter().copied());
        let look = |path: &&str| {
            let look = looker.look(path);
            let digest = match look {
                // What cannot be read is reported by whoever needs it.
                PathState::File(identity) => self.file(path, identity).ok(),
                _ => None,
            };
            (look, digest)
        };
        // Few at a time: one of them may be large.
        let looks: Vec<_> = paths.par_iter().with_min_len(8).map(look).collect();
        let mut ahead = self.ahead.write().unwrap_or_else(PoisonError::into_inner);
        ahead.reserve(paths.len());
        ahead.extend(paths.iter().map(|path| EcoString::from(*path)).zip(looks));
    }

    /// Forgets the looks that were taken ahead.
    pub fn forget_looks(&self) {
        let looks = std::mem::take(&mut *self.ahead.write().unwrap_or_else(PoisonError::into_inner));
        let looks = looks.into_iter().map(|(path, (state, _))| (path, state));
        self.record(|record| record.paths.extend(looks));
    }

    /// Records what is looked at from now on, until [`Files::take_looks`].
    pub(super) fn record_looks(&self) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Some(Looks::default());
        self.is_recording.store(true, Ordering::Relaxed);
    }

    /// What was looked at since [`Files::record_looks`].
    pub(super) fn take_looks(&self) -> Option<Looks> {
        self.is_recording.store(false, Ordering::Relaxed);
        self.record.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn record(&self, note: impl FnOnce(&mut Looks)) {
        if !self.is_recording.load(Ordering::Relaxed) {
            return;
        }
        if let Some(record) = &mut *self.record.lock().unwrap_or_else(PoisonError::into_inner) {
            note(record);
        }
    }

    /// Tells what is at a path.
    #[must_use]
    pub fn look(&self, path: &str) -> PathState {
        self.look_further(path).0
    }

    /// The same, with the digest of a file that was looked at ahead.
    fn look_further(&self, path: &str) -> (PathState, Option<Digest>) {
        let ahead = self.ahead.read().unwrap_or_else(PoisonError::into_inner);
        ahead.get(path).copied().unwrap_or_else(|| {
            let state = look(&self.at(path));
            self.record(|record| record.paths.push((path.into(), state)));
            (state, None)
        })
    }

    /// The digest and kind of what is at a path, of a directory its own digest with all that is in it; `None` if
    /// nothing is there.
    ///
    /// # Errors
    /// Whatever reading meets; something that is neither file nor directory is [`io::ErrorKind::InvalidInput`].
    pub fn digest(&self, path: &str) -> io::Result<Option<Found>> {
        self.found(path, &|| Ok(self.tree(path)?.digest()))
    }

    /// As [`Files::digest`], beside a recorded digest: what Python cached in a directory that was placed without it
    /// changes nothing.
    ///
    /// # Errors
    /// As [`Files::digest`].
    pub fn digest_beside(&self, path: &str, recorded: Option<Digest>) -> io::Result<Option<Found>> {
        let is_recorded = |digest| recorded.is_none_or(|recorded| recorded == digest);
        self.found(path, &|| Ok(beside(&self.tree(path)?, &is_recorded)))
    }

    /// The content of a source: of a directory what its links lead to, without what is ignored.
    ///
    /// # Errors
    /// As [`Files::digest`].
    pub fn source(&self, path: &str, ignore: &Ignore) -> io::Result<Option<Found>> {
        self.found(path, &|| Ok(self.source_tree(path, ignore)?.digest()))
    }

    /// The content of an artifact whose links can be followed, for it is in its place.
    ///
    /// # Errors
    /// As [`Files::digest`].
    pub fn content(&self, path: &str) -> io::Result<Option<Found>> {
        self.found(path, &|| Ok(self.content_tree(path)?.digest()))
    }

    fn found(&self, path: &str, of_directory: &dyn Fn() -> io::Result<Digest>) -> io::Result<Option<Found>> {
        let (state, digest) = self.look_further(path);
        match state {
            PathState::Missing => Ok(None),
            PathState::File(identity) => {
                let digest = digest.map_or_else(|| self.file(path, identity), Ok)?;
                Ok(Some((digest, ArtifactKind::File)))
            }
            PathState::Directory => Ok(Some((of_directory()?, ArtifactKind::Directory))),
            PathState::Other => Err(neither(path)),
            PathState::Unreadable(kind) => Err(kind.into()),
        }
    }

    /// All that is in a directory, links by their text.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub fn tree(&self, path: &str) -> io::Result<Tree> {
        let root = self.at(path);
        let tree = Tree::read(&root, &|file| self.below(path, &root, file), &whole)?;
        self.record(|record| record.tree(path, &tree));
        Ok(tree)
    }

    /// What is in a directory that is a source, with what its links lead to, without what is ignored.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub fn source_tree(&self, path: &str, ignore: &Ignore) -> io::Result<Tree> {
        self.followed(path, &|below, is_dir| {
            let is_dir = is_dir || (self.stands_in(path, below) && self.at(path).join(below).is_dir());
            is_ignored(ignore, path, below, is_dir)
        })
    }

    /// Whether what is below a directory is a link that stands in for what it leads to.
    fn stands_in(&self, path: &str, below: &str) -> bool {
        !self.stand_ins.is_empty()
            && self
                .stand_ins
                .contains(&Path::new(path.trim_start_matches("./")).join(below))
    }

    /// What is in a directory artifact; if links lead out of it, with what all links lead to.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub fn content_tree(&self, path: &str) -> io::Result<Tree> {
        let own = self.tree(path)?;
        match own.leads_out() {
            true => self.followed(path, &is_bytecode),
            false => Ok(own),
        }
    }

    fn followed(&self, path: &str, skip: tree::Skip<'_>) -> io::Result<Tree> {
        let root = self.at(path);
        let reader = LinkReader {
            digest_of: &|file| self.below(path, &root, file),
            skip,
            circle: &|link| {
                let shown = link.strip_prefix(&self.root).unwrap_or(link).display().to_string();
                let mut circles = self.circles.lock().unwrap_or_else(PoisonError::into_inner);
                circles.insert(shown);
            },
        };
        let mut tree = reader.read(&root)?;
        for (name, node) in &mut tree.0 {
            if let TreeNode::Followed { file, .. } = node
                && self.stands_in(path, name)
            {
                *node = file.map_or(TreeNode::Directory, TreeNode::File);
            }
        }
        self.record(|record| record.tree(path, &tree));
        Ok(tree)
    }

    /// The names in a directory, sorted, without those that `leaves_out` is true of, by their paths; `None` if there is no
    /// directory.
    pub(crate) fn names(&self, path: &str, leaves_out: &dyn Fn(&str, bool) -> bool) -> Option<Vec<String>> {
        self.record(|record| record.directories.push(path.to_owned()));
        let entries = std::fs::read_dir(self.at(path)).ok()?.flatten();
        let name = |entry: std::fs::DirEntry| {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                self.record(|record| record.is_partial = true);
            }
            let name = entry.file_name().to_str()?.to_owned();
            let below = format!("{}{name}", path.trim_start_matches("./"));
            let is_dir = |kind: std::fs::FileType| kind.is_dir() || kind.is_symlink() && entry.path().is_dir();
            (!leaves_out(&below, entry.file_type().is_ok_and(is_dir))).then_some(name)
        };
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.sort();
        Some(names)
    }

    /// The packages that a directory of Python's lists.
    pub(crate) fn packages_in(&self, directory: &str) -> Arc<Vec<Package>> {
        let at = self.at(directory);
        self.record(|record| record.directories.push(directory.to_owned()));
        let Ok(metadata) = std::fs::metadata(&at) else {
            return Arc::default();
        };
        let changed = identity(&metadata).changed;
        let mut known = self.packages.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(directory) {
            Some((before, packages)) if *before == changed => Arc::clone(packages),
            _ => {
                let packages = Arc::new(packages::in_directory(&at));
                known.insert(directory.to_owned(), (changed, Arc::clone(&packages)));
                packages
            }
        }
    }

    /// The links that were found to lead back to a directory in which they lie; each is given once.
    pub(crate) fn take_circles(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.circles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The digest of a file in a directory, taken from memory where it can be.
    fn below(&self, path: &str, root: &Path, file: &Path) -> io::Result<Digest> {
        let below = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        let name = format!("{}/{below}", path.trim_end_matches('/'));
        let PathState::File(identity) = look(file) else {
            self.record(|record| record.is_partial = true);
            return of_file(file);
        };
        self.record(|record| record.paths.push((name.as_str().into(), PathState::File(identity))));
        self.file(&name, identity)
    }

    fn file(&self, path: &str, identity: Identity) -> io::Result<Digest> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(path);
        match known {
            Some(known) if known.identity == identity => Ok(known.digest),
            _ => self.measure(path, Measured::now()).map(|(_, digest)| digest),
        }
    }

    /// Reads a file and remembers its digest; gives its identity too, if it is still there.
    fn measure(&self, path: &str, measured: Measured) -> io::Result<(Option<Identity>, Digest)> {
        let at = self.at(path);
        let digest = of_file(&at)?;
        // The identity after reading: a change while reading moves it past the beginning.
        let PathState::File(identity) = look(&at) else {
            return Ok((None, digest));
        };
        self.remember(path, identity, digest, Some(measured));
        Ok((Some(identity), digest))
    }

    fn remember(&self, path: &str, identity: Identity, digest: Digest, measured: Option<Measured>) {
        let known = Known {
            identity,
            digest,
            measured,
        };
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(path, known);
    }

    /// How many bytes the files have whose digests were not remembered before; each counts for a block at least. Those of
    /// [`Files::settle`] are remembered.
    pub(crate) fn new_bytes(&self) -> u64 {
        const BLOCK: u64 = 4096;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let new = known.changed().filter(|(_, known)| !known.is_settled());
        new.map(|(_, known)| known.identity.size.max(BLOCK)).sum()
    }

    /// Remembers the digest of a file that was just placed.
    pub(crate) fn note(&self, path: &str, digest: Digest) {
        if let PathState::File(identity) = look(&self.at(path)) {
            self.remember(path, identity, digest, Some(Measured::now()));
        }
    }

    /// Forgets what is remembered of some paths, so that they are read again.
    pub fn forget<'a>(&self, paths: impl IntoIterator<Item = &'a str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            known.remove(path);
        }
    }

    /// Waits a tick of the file system's clock and measures the young entries again; then shows all, of which those that are
    /// settled are worth remembering.
    pub(super) fn settle<T>(&self, show: impl FnOnce(&KnownFiles) -> T) -> T {
        let taken: Vec<(String, Known)> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let taken = known.changed().filter(|(_, known)| !known.is_settled());
            taken.map(|(path, known)| (path.to_owned(), *known)).collect()
        };
        if !taken.is_empty() {
            self.settle_taken(taken);
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        show(&known)
    }

    /// Whether every digest that is remembered was of a file older than its measurement, and none was found to be another
    /// than it was taken for.
    pub(super) fn are_settled(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        !self.was_wrong.load(Ordering::Relaxed) && known.changed().all(|(_, known)| known.is_settled())
    }

    fn settle_taken(&self, taken: Vec<(String, Known)>) {
        let probe = Probe::new(&self.root.join(DIRECTORY).join("v1"));
        let (old, young): (Vec<_>, Vec<_>) = taken.into_iter().partition(|(_, known)| {
            let measured = known.measured.as_ref();
            measured.is_some_and(|measured| file_clock::is_older(&known.identity, measured, probe.as_ref()))
        });
        for (path, known) in old {
            self.remember(&path, known.identity, known.digest, None);
        }
        let Some(probe) = probe else { return };
        // Of another file system the clock is not known: such files are read once more by the next build.
        let young = young
            .into_iter()
            .filter(|(_, known)| known.identity.device == probe.device());
        let young: Vec<(String, Known)> = young.collect();
        let Some(begin) = probe.after(young.iter().map(|(_, known)| &known.identity)) else {
            return;
        };
        young.par_iter().for_each(|(path, taken)| {
            self.forget([path.as_str()]);
            let measured = self.measure(path, Measured::now());
            if !matches!(measured, Ok((Some(_), digest)) if digest == taken.digest) {
                self.was_wrong.store(true, Ordering::Relaxed);
            }
            // A file that went away is no longer remembered.
            let Ok((Some(identity), digest)) = measured else {
                return;
            };
            if file_clock::last_change(&identity, begin) < begin {
                self.remember(path, identity, digest, None);
            }
        });
    }
}

impl super::look::Look for Files {
    fn placed(&self, path: &str, recorded: Option<Digest>) -> io::Result<Option<Found>> {
        self.digest_beside(path, recorded)
    }

    fn source(&self, path: &str, ignore: &Ignore) -> io::Result<Option<Found>> {
        self.source(path, ignore)
    }

    fn content(&self, path: &str) -> io::Result<Option<Found>> {
        self.content(path)
    }

    fn names(&self, path: &str, leaves_out: &dyn Fn(&str, bool) -> bool) -> Option<Vec<String>> {
        self.names(path, leaves_out)
    }

    fn version_in(&self, directory: &str, package: &str) -> Option<String> {
        let packages = self.packages_in(directory);
        let found = packages.iter().find(|it| it.name == package);
        found.map(|it| it.version.clone())
    }

    fn now(&self) -> std::time::SystemTime {
        self.clock.now()
    }

    fn look_ahead(&self, paths: &[&str]) {
        self.look_ahead(paths);
    }

    fn forget_looks(&self) {
        self.forget_looks();
    }
}

/// What reading a path meets at which a pipe, a device or the like stands.
pub(crate) fn neither(path: &str) -> io::Error {
    let what = format!("`{path}` is neither a file nor a directory");
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// Whether an entry of a directory that is a source is left out.
pub(super) fn is_ignored(ignore: &Ignore, directory: &str, below: &str, is_dir: bool) -> bool {
    ignore.is_ignored(&format!("{}/{below}", directory.trim_end_matches('/')), is_dir)
}

/// The digest of a directory's own tree; if it is not the wanted one, that without what Python cached, if that is.
pub(super) fn beside(own: &Tree, is_wanted: &dyn Fn(Digest) -> bool) -> Digest {
    let digest = own.digest();
    if is_wanted(digest) {
        return digest;
    }
    let is_cached = |path: &str| path.split('/').any(|part| part == "__pycache__");
    let rest = own.0.iter().filter(|(path, _)| !is_cached(path)).cloned().collect();
    let rest = Tree(rest).digest();
    if is_wanted(rest) { rest } else { digest }
}
