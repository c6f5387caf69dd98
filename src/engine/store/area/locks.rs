//! Advisory locks between builds: on targets, in stripes; on appending; and one that tells that a run is alive.
//!
//! The kernel frees them when their holder ends, however it ends. A command inherits the lock of its attempt, so that
//! an orphan of a killed build is waited for.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::own_file;
use crate::engine::digest::Digest;
use crate::engine::run_id::RunId;

/// So many lock files at the most: few enough for a directory, many enough that two targets hardly ever share one.
const STRIPES: u16 = 4096;

/// The directory of locks.
#[derive(Clone, Debug)]
pub(crate) struct Locks {
    dir: PathBuf,
    /// The stripes that this process holds, each as often as it does.
    here: Arc<Mutex<Vec<u16>>>,
}

/// Who holds a lock, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The run.
    pub run: Option<RunId>,
    /// The number of its process.
    pub process: Option<u32>,
    /// The target that it is at.
    pub target: Option<String>,
}

impl Holder {
    /// What a holder writes into the file of its lock, a line each.
    fn note(run: RunId, target: &str) -> String {
        format!("{run}\n{}\n{target}", std::process::id())
    }

    /// Reads who wrote into the file of a lock; a reader of a target writes nothing.
    pub(super) fn read(file: &mut File) -> Self {
        let mut note = String::new();
        let _ = file.seek(SeekFrom::Start(0));
        let _ = file.read_to_string(&mut note);
        let mut lines = note.lines();
        Self {
            run: lines.next().and_then(|line| line.parse().ok()),
            process: lines.next().and_then(|line| line.parse().ok()),
            target: lines.next().map(str::to_owned),
        }
    }
}

/// Locks of one attempt; freed when dropped, in children that inherited them as well.
#[derive(Debug)]
pub(crate) struct Held(Vec<HeldLock>);

#[derive(Debug)]
struct HeldLock {
    file: File,
    /// Whether it is held alone.
    is_alone: bool,
    _here: Option<Here>,
}

impl HeldLock {
    fn new(file: File, is_alone: bool) -> Self {
        Self {
            file,
            is_alone,
            _here: None,
        }
    }
}

/// One stripe among those that this process holds.
#[derive(Debug)]
struct Here {
    stripe: u16,
    all: Arc<Mutex<Vec<u16>>>,
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|stripe| *stripe == self.stripe) {
            all.swap_remove(at);
        }
    }
}

impl Held {
    /// None.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds one that was taken alone, and says in its file by whom.
    pub(super) fn add_own(&mut self, mut file: File, run: RunId, target: &str) {
        let _ = file.set_len(0);
        let _ = file.write_all(Holder::note(run, target).as_bytes());
        self.0.push(HeldLock::new(file, true));
    }

    /// Adds others.
    pub(crate) fn and(mut self, mut others: Self) -> Self {
        self.0.append(&mut others.0);
        self
    }

    /// The files whose locks a child is to inherit: those that were taken alone.
    pub(crate) fn own(&self) -> Vec<&File> {
        let own = self.0.iter().filter(|held| held.is_alone);
        own.map(|held| &held.file).collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for held in &mut self.0 {
            if held.is_alone {
                let _ = held.file.set_len(0);
            }
            // Not only by closing: a child of another attempt may have inherited the file.
            let _ = held.file.unlock();
        }
    }
}

impl Locks {
    pub(crate) fn new(dir: PathBuf) -> Self {
        let here = Arc::default();
        Self { dir, here }
    }

    /// Takes the lock on `target` alone and those on `reads` together with others; all or none.
    ///
    /// # Errors
    /// `Ok(Err(holder))` says who is in the way: `run` itself where this process reads what shares the lock.
    pub(crate) fn take(&self, target: &str, reads: &[&str], run: RunId) -> io::Result<Result<Held, Holder>> {
        let own = stripe(target);
        let mut stripes: Vec<u16> = reads
            .iter()
            .map(|name| stripe(name))
            .filter(|read| *read != own)
            .collect();
        stripes.push(own);
        stripes.sort_unstable();
        stripes.dedup();
        let mut held = Held(Vec::with_capacity(stripes.len()));
        for number in stripes {
            let mut file = self.open(&format!("{number:03x}"))?;
            let exclusive = number == own;
            let taken = if exclusive {
                file.try_lock()
            } else {
                file.try_lock_shared()
            };
            match taken {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Err(self.holder(number, &mut file, run))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if exclusive {
                let _ = file.set_len(0);
                let _ = file.write_all(Holder::note(run, target).as_bytes());
            }
            held.0.push(HeldLock {
                file,
                is_alone: exclusive,
                _here: Some(self.note_here(number)),
            });
        }
        Ok(Ok(held))
    }

    fn here(&self) -> MutexGuard<'_, Vec<u16>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_here(&self, stripe: u16) -> Here {
        self.here().push(stripe);
        Here {
            stripe,
            all: Arc::clone(&self.here),
        }
    }

    /// Who holds a stripe that could not be had.
    fn holder(&self, stripe: u16, file: &mut File, run: RunId) -> Holder {
        let noted = Holder::read(file);
        match noted.run {
            None if self.here().contains(&stripe) => Holder {
                run: Some(run),
                process: Some(std::process::id()),
                target: None,
            },
            _ => noted,
        }
    }

    /// Waits for the lock that commits and restores share while they use objects, and that who deletes objects takes
    /// alone.
    pub(crate) fn objects(&self, alone: bool) -> io::Result<Held> {
        let file = self.open("objects")?;
        match alone {
            true => file.lock()?,
            false => file.lock_shared()?,
        }
        Ok(Held(vec![HeldLock::new(file, false)]))
    }

    /// Waits for the append lock.
    pub(crate) fn append(&self) -> io::Result<Held> {
        let file = self.open("append")?;
        file.lock()?;
        Ok(Held(vec![HeldLock::new(file, false)]))
    }

    /// Waits for the lock on beginning a run.
    pub(crate) fn begin(&self) -> io::Result<Held> {
        let file = self.open("begin")?;
        file.lock()?;
        Ok(Held(vec![HeldLock::new(file, false)]))
    }

    /// Whether another run than this one is alive.
    pub(crate) fn others_live(&self, run: RunId) -> bool {
        let entries = std::fs::read_dir(self.runs()).into_iter().flatten().flatten();
        let runs = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        runs.into_iter().any(|other: RunId| other != run && self.is_live(other))
    }

    /// Shows that a run is alive, as long as what is given back is kept.
    pub(crate) fn live(&self, run: RunId) -> io::Result<Live> {
        own_file::make_directory(&self.runs())?;
        let path = self.run(run);
        loop {
            let file = open(&path)?;
            file.lock()?;
            // Before it was locked, another build may have taken it for that of a dead run, and away.
            let same =
                std::fs::metadata(&path).is_ok_and(|there| file.metadata().is_ok_and(|it| it.ino() == there.ino()));
            if same {
                return Ok(Live { path, _file: file });
            }
        }
    }

    /// Whether a run's build is still there.
    pub(crate) fn is_live(&self, run: RunId) -> bool {
        let Ok(file) = own_file::open_to_read(&self.run(run)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Takes away what killed runs left here.
    pub(crate) fn sweep(&self) {
        for entry in std::fs::read_dir(self.runs()).into_iter().flatten().flatten() {
            let run = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let free = |_: &RunId| {
                own_file::open_to_read(&entry.path())
                    .ok()
                    .filter(|file| file.try_lock().is_ok())
            };
            // Held while it is taken away, so that no run begins with it meanwhile.
            if let Some(_held) = run.as_ref().and_then(free) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    pub(super) fn open(&self, name: &str) -> io::Result<File> {
        open(&self.dir.join(name))
    }

    /// Where the signs of life are: few, and apart from what may be thousands.
    fn runs(&self) -> PathBuf {
        self.dir.with_file_name("runs")
    }

    fn run(&self, run: RunId) -> PathBuf {
        self.runs().join(run.to_string())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    own_file::open_to_write(path, options.create(true).truncate(false).read(true))
}

/// A sign of life of a run.
#[derive(Debug)]
pub(crate) struct Live {
    path: PathBuf,
    _file: File,
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn stripe(target: &str) -> u16 {
    let digest = Digest::of(target.as_bytes()).hex();
    u16::from_str_radix(&digest[..4], 16).unwrap_or_default() % STRIPES
}

/// Lets the next child inherit a file, until what is given back is dropped.
pub(crate) struct Inherit<'a>(&'a File);

impl<'a> Inherit<'a> {
    pub(crate) fn new(file: &'a File) -> Self {
        let _ = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty());
        Self(file)
    }
}

impl Drop for Inherit<'_> {
    fn drop(&mut self) {
        let _ = rustix::io::fcntl_setfd(self.0, rustix::io::FdFlags::CLOEXEC);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locks(dir: &Path) -> Locks {
        Locks::new(dir.to_owned())
    }

    #[test]
    fn readers_share_and_a_writer_is_named() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, two) = (locks(dir.path()), locks(dir.path()));
        let run = RunId::new();
        let first = one.take("train", &["clean"], run).expect("asked").expect("free");
        let second = two.take("forecast", &["clean"], run).expect("asked").expect("shared");
        let holder = two
            .take("report", &["train"], run)
            .expect("asked")
            .expect_err("being written");
        let expected = Holder {
            run: Some(run),
            process: Some(std::process::id()),
            target: Some("train".to_owned()),
        };
        assert_eq!(holder, expected);
        drop((first, second));
        assert!(two.take("report", &["train"], run).expect("asked").is_ok());
    }

    #[test]
    fn a_reader_of_the_same_process_is_this_run_and_another_is_nobody_known() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (one, two) = (locks(dir.path()), locks(dir.path()));
        let run = RunId::new();
        let reading = one.take("forecast", &["clean"], run).expect("asked").expect("free");
        let holder = |locks: &Locks| locks.take("clean", &[], run).expect("asked").expect_err("being read");
        assert_eq!(holder(&one).run, Some(run));
        assert_eq!(holder(&two), Holder::default());
        drop(reading);
        assert!(one.take("clean", &[], run).expect("asked").is_ok());
        assert!(one.here().is_empty());
    }

    #[test]
    fn a_run_is_alive_as_long_as_it_holds_its_sign() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let locks = locks(dir.path());
        let run = RunId::new();
        let live = locks.live(run).expect("made");
        assert!(locks.is_live(run));
        drop(live);
        assert!(!locks.is_live(run));
    }
}
