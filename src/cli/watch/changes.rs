//! What changes on the disk: as the system says it, or as polling finds it.
//!
//! The system says nothing about changes that another machine makes on a network file system, and it observes only so
//! many directories: then the files are looked at again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use super::watched::Watched;
use crate::cli::Session;
use crate::diagnostic::Diagnostic;

/// Changes within this time count as one.
pub(super) const TOGETHER: Duration = Duration::from_millis(50);
/// How often files are looked at where the system cannot say it.
const FALLBACK: Duration = Duration::from_secs(2);

/// One change that calls for a build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChangedPath {
    /// Where; `None` if the system lost it, so that it may be anywhere.
    pub(super) path: Option<PathBuf>,
    /// Whether something appeared there, went away or was renamed.
    pub(super) structural: bool,
}

/// Where changes come from.
pub(super) enum Changes {
    /// The system.
    Events(Observed),
    /// Looking again and again.
    Polling(Polling),
}

impl Changes {
    /// Changes as the system says them, or with `poll` as found by looking in that interval.
    pub(super) fn new(poll: Option<Duration>, session: &Session) -> Self {
        if let Some(interval) = poll {
            return Self::Polling(Polling::every(interval));
        }
        Observed::new().map_or_else(|error| Self::fall_back(&error, session), Self::Events)
    }

    fn fall_back(error: &notify::Error, session: &Session) -> Self {
        session.screen.tell(
            &Diagnostic::warning(format!("the system cannot say what changes: {error}"))
                .note(format!(
                    "the files are looked at every {} s instead",
                    FALLBACK.as_secs()
                ))
                .help("`--poll=SECONDS` sets another interval; the limits are `fs.inotify.*` of `sysctl`"),
        );
        Self::Polling(Polling::every(FALLBACK))
    }

    /// Observes what is needed now, and nothing else.
    pub(super) fn observe(&mut self, watched: &Watched, session: &Session) {
        let limit = match self {
            Self::Events(observed) => observed.observe(watched, session).err(),
            Self::Polling(polling) => {
                polling.look(watched);
                None
            }
        };
        if let Some(error) = limit {
            *self = Self::fall_back(&error, session);
            self.observe(watched, session);
        }
    }

    /// The changes that matter and come within some time; `None` if none can come any more.
    pub(super) fn next(&mut self, watched: &Watched, wait: Duration) -> Option<BTreeSet<ChangedPath>> {
        match self {
            Self::Events(observed) => observed.next(watched, wait),
            Self::Polling(polling) => Some(polling.next(watched, wait)),
        }
    }
}

/// The system's word about changes in some directories.
pub(super) struct Observed {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    changes: Receiver<DebounceEventResult>,
    directories: BTreeSet<PathBuf>,
}

impl Observed {
    fn new() -> Result<Self, notify::Error> {
        let (sender, changes) = mpsc::channel();
        Ok(Self {
            debouncer: new_debouncer(TOGETHER, None, sender)?,
            changes,
            directories: BTreeSet::new(),
        })
    }

    /// Fails where the system observes no more directories.
    fn observe(&mut self, watched: &Watched, session: &Session) -> Result<(), notify::Error> {
        let wanted = watched.directories();
        for gone in self.directories.difference(&wanted) {
            // It may be gone from the disk, too.
            let _ = self.debouncer.unwatch(gone);
        }
        self.directories.clear();
        for directory in wanted {
            // Said again each time: a directory may have been replaced by another of its name.
            match self.debouncer.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.directories.insert(directory)),
                Err(error) if is_limit(&error) => return Err(error),
                Err(error) => session.screen.tell(&Diagnostic::warning(format!(
                    "`{}` cannot be watched: {error}",
                    watched.shown(&directory)
                ))),
            }
        }
        Ok(())
    }

    fn next(&mut self, watched: &Watched, wait: Duration) -> Option<BTreeSet<ChangedPath>> {
        let mut changed = BTreeSet::new();
        match self.changes.recv_timeout(wait) {
            Ok(first) => {
                collect(first, watched, &mut changed);
                while let Ok(next) = self.changes.try_recv() {
                    collect(next, watched, &mut changed);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        Some(changed)
    }
}

/// Whether the system observes no more: `ENOSPC` is the limit of directories, `EMFILE` that of observers.
fn is_limit(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => true,
        notify::ErrorKind::Io(error) => {
            matches!(error.kind(), io::ErrorKind::StorageFull) || error.raw_os_error() == Some(24)
        }
        _ => false,
    }
}

fn collect(result: DebounceEventResult, watched: &Watched, changed: &mut BTreeSet<ChangedPath>) {
    let lost = ChangedPath {
        path: None,
        structural: true,
    };
    // Events that were lost may have been any.
    let Ok(events) = result else {
        changed.insert(lost);
        return;
    };
    for event in events {
        let structural = match event.kind {
            // Reading is no change, and builds read.
            EventKind::Access(_) => continue,
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
            _ => false,
        };
        if event.need_rescan() {
            changed.insert(lost.clone());
        }
        for path in event.paths.iter().filter(|path| watched.concerns(path, structural)) {
            let path = Some(path.clone());
            changed.insert(ChangedPath { path, structural });
        }
    }
}

/// What changes when a file does; nothing of a directory, whose entries are looked at.
type FileStamp = Option<(u64, u64, i64, i64, i64, i64)>;

/// Files that are looked at again and again.
pub(super) struct Polling {
    interval: Duration,
    next: Instant,
    seen: Option<BTreeMap<PathBuf, FileStamp>>,
    /// Changes that were found while something else was done.
    found: BTreeSet<ChangedPath>,
}

impl Polling {
    fn every(interval: Duration) -> Self {
        Self {
            interval,
            next: Instant::now(),
            seen: None,
            found: BTreeSet::new(),
        }
    }

    /// Looks at everything, and takes note of what is not as it was.
    fn look(&mut self, watched: &Watched) {
        let directories = watched.directories();
        let mut now = BTreeMap::new();
        for directory in &directories {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                // As a reader of the path sees it, through a link.
                let Ok(it) = fs::metadata(entry.path()).or_else(|_| entry.metadata()) else {
                    continue;
                };
                let times = (it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec());
                let trace = (!it.is_dir()).then_some((it.ino(), it.len(), times.0, times.1, times.2, times.3));
                now.insert(entry.path(), trace);
            }
        }
        if let Some(before) = self.seen.replace(now) {
            let now = self.seen.iter().flatten();
            let edited = now.clone().filter_map(|(path, trace)| match before.get(path) {
                Some(old) if old == trace => None,
                old => Some((path, old.is_none())),
            });
            let gone = before
                .keys()
                .filter(|path| !self.seen.iter().any(|now| now.contains_key(*path)));
            let all = edited.chain(gone.map(|path| (path, true)));
            let matters = all.filter(|(path, structural)| watched.concerns(path, *structural));
            self.found.extend(matters.map(|(path, structural)| ChangedPath {
                path: Some(path.clone()),
                structural,
            }));
        }
        self.next = Instant::now() + self.interval;
    }

    fn next(&mut self, watched: &Watched, wait: Duration) -> BTreeSet<ChangedPath> {
        if self.found.is_empty() {
            let left = self.next.saturating_duration_since(Instant::now());
            thread::sleep(left.min(wait));
            if left <= wait {
                self.look(watched);
            }
        }
        std::mem::take(&mut self.found)
    }
}
