//! Whether a file was older than its own measurement, by the clock with which its file system stamps files.
//!
//! That clock ticks every few milliseconds, every two seconds on some file systems, and of a network's file system it
//! is another machine's: so it is asked with a probe file where one can be written, and elsewhere a margin is kept.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::clock;
use super::files::Identity;
use super::store::own_file;

/// Seconds and nanoseconds since 1970.
pub(super) type Moment = (i64, i64);

/// Longer than a tick of any clock with which a kernel stamps files.
const MARGIN: Duration = Duration::from_millis(25);
/// The margin where the clock is not known; no more than a second may it be behind.
const FAR_MARGIN: Duration = Duration::from_secs(3);

/// When a measurement began, by this machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured(Moment);

impl Measured {
    /// A measurement that begins now.
    pub(super) fn now() -> Self {
        let now = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Self((seconds, i64::from(now.subsec_nanos())))
    }
}

impl Measured {
    /// Whether a file was changed after it, by a clock that stamps files no later than it is.
    pub(super) fn is_before(self, identity: &Identity) -> bool {
        let Self(begin) = self;
        // A time of modification in the future says nothing.
        identity.changed > begin
    }
}

/// The last change of a file. The time of modification can be set by anyone, and one in the future says nothing.
pub(super) fn last_change(identity: &Identity, now: Moment) -> Moment {
    match identity.modified > now {
        true => identity.changed,
        false => identity.modified.max(identity.changed),
    }
}

/// Whether a file was older than the beginning of its measurement.
pub(super) fn is_older(identity: &Identity, measured: &Measured, probe: Option<&Probe>) -> bool {
    let Measured(begin) = *measured;
    // By how much a clock of whole seconds is behind changes from moment to moment.
    let near = probe.filter(|probe| probe.device == identity.device && !probe.is_coarse);
    let (begin, margin) = match near {
        Some(probe) => (nanoseconds(begin) + probe.ahead, MARGIN),
        None => (nanoseconds(begin), FAR_MARGIN),
    };
    let change = last_change(identity, moment(begin));
    nanoseconds(change) + i128::try_from(margin.as_nanos()).unwrap_or_default() < begin
}

/// A moment before which files were last changed that stood still since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    begun: Measured,
    /// The moment by the clock of a device, where that was waited for.
    tick: Option<(u64, Moment)>,
}

impl Since {
    /// Now, by this machine's clock.
    pub(super) fn now() -> Self {
        Self {
            begun: Measured::now(),
            tick: None,
        }
    }

    /// The next tick of the clock that stamps files, in a directory of the store; `None` if it is not known.
    pub(super) fn next_tick(directory: &Path) -> Option<Self> {
        let probe = Probe::new(directory)?;
        let last = probe.now()?;
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(1));
            let now = probe.now()?;
            if now > last {
                let tick = Some((probe.device, now));
                return Some(Self { tick, ..Self::now() });
            }
        }
        None
    }

    /// Whether a file was last changed before it.
    pub(super) fn is_after(&self, identity: &Identity, probe: Option<&Probe>) -> bool {
        match self.tick {
            Some((device, moment)) if device == identity.device => last_change(identity, moment) < moment,
            _ => is_older(identity, &self.begun, probe),
        }
    }
}

fn nanoseconds((seconds, nanoseconds): Moment) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

fn moment(nanoseconds: i128) -> Moment {
    const SECOND: i128 = 1_000_000_000;
    let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).unwrap_or(i64::MAX);
    (
        seconds,
        i64::try_from(nanoseconds.rem_euclid(SECOND)).unwrap_or_default(),
    )
}

/// A file whose times tell what the clock of its file system says.
pub(super) struct Probe {
    file: File,
    path: PathBuf,
    device: u64,
    /// By how many nanoseconds that clock is ahead of this machine's.
    ahead: i128,
    /// Whether it seems to tell whole seconds alone.
    is_coarse: bool,
}

impl Probe {
    /// A probe in a directory of the store; `None` if there can be none.
    pub(super) fn new(directory: &Path) -> Option<Self> {
        let path = directory.join(format!("clock.{}", std::process::id()));
        let file = own_file::create(&path).ok()?;
        let device = file.metadata().ok()?.dev();
        let mut probe = Self {
            file,
            path,
            device,
            ahead: 0,
            is_coarse: false,
        };
        let Measured(here) = Measured::now();
        let now = probe.now()?;
        let ahead = nanoseconds(now) - nanoseconds(here);
        probe.is_coarse = now.1 == 0;
        // Less than a tick is no difference of clocks.
        let margin = i128::try_from(MARGIN.as_nanos()).unwrap_or_default();
        probe.ahead = if ahead.abs() < margin { 0 } else { ahead };
        Some(probe)
    }

    pub(super) fn device(&self) -> u64 {
        self.device
    }

    pub(super) fn now(&self) -> Option<Moment> {
        self.file.write_at(b".", 0).ok()?;
        let metadata = self.file.metadata().ok()?;
        Some((metadata.ctime(), metadata.ctime_nsec()))
    }

    /// Waits until the clock is past the last change of some files, for a tenth of a second at the most; gives its
    /// time, or `None` if there are no files.
    pub(super) fn after<'i>(&self, files: impl Iterator<Item = &'i Identity>) -> Option<Moment> {
        let begin = self.now()?;
        let last = files.map(|identity| last_change(identity, begin)).max()?;
        let mut now = begin;
        for _ in 0..100 {
            if now > last {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            now = self.now()?;
        }
        Some(now)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(modified: i64, changed: i64) -> Identity {
        Identity {
            size: 1,
            modified: (modified, 0),
            changed: (changed, 0),
            inode: 1,
            device: 1,
        }
    }

    #[test]
    fn a_file_is_older_than_a_measurement_that_began_well_after_its_change() {
        let measured = Measured((100, 0));
        assert!(is_older(&changed_at(90, 90), &measured, None));
        assert!(!is_older(&changed_at(100, 100), &measured, None));
        assert!(!is_older(&changed_at(90, 99), &measured, None));
        assert!(!is_older(&changed_at(99, 90), &measured, None));
    }

    #[test]
    fn a_modification_in_the_future_says_nothing() {
        let measured = Measured((100, 0));
        assert!(is_older(&changed_at(4_000_000_000, 90), &measured, None));
        assert!(!is_older(&changed_at(4_000_000_000, 100), &measured, None));
    }

    #[test]
    fn a_link_in_the_place_of_the_probe_is_not_followed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let victim = dir.path().join("victim");
        File::create(&victim).and_then(|file| file.set_len(7)).expect("made");
        let probe = dir.path().join(format!("clock.{}", std::process::id()));
        std::os::unix::fs::symlink(&victim, probe).expect("linked");
        assert!(Probe::new(dir.path()).is_none());
        assert_eq!(std::fs::metadata(&victim).expect("there").len(), 7);
    }

    #[test]
    fn the_clock_of_the_file_system_decides_where_it_differs() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut probe = Probe::new(dir.path()).expect("a probe");
        probe.device = 1;
        let measured = Measured((100, 0));
        // A clock that is a minute behind: what it calls 90 is in its future.
        probe.ahead = -60 * 1_000_000_000;
        assert!(!is_older(&changed_at(40, 90), &measured, Some(&probe)));
        assert!(is_older(&changed_at(30, 30), &measured, Some(&probe)));
        // And one that is a minute ahead.
        probe.ahead = 60 * 1_000_000_000;
        assert!(is_older(&changed_at(150, 150), &measured, Some(&probe)));
        assert!(!is_older(&changed_at(160, 160), &measured, Some(&probe)));
    }

    #[test]
    fn a_clock_of_whole_seconds_is_given_more_of_them() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut probe = Probe::new(dir.path()).expect("a probe");
        (probe.device, probe.is_coarse) = (1, true);
        // It ticks every two seconds, and said 100 until 102: so a file of 100 may have been changed after 101.
        let measured = Measured((101, 250_000_000));
        assert!(!is_older(&changed_at(100, 100), &measured, Some(&probe)));
        assert!(is_older(&changed_at(98, 98), &measured, Some(&probe)));
    }

    #[test]
    fn a_probe_is_past_every_change_that_came_before_it_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        File::create(&path).expect("made");
        let identity = super::super::files::identity(&path.metadata().expect("there"));
        let probe = Probe::new(dir.path()).expect("a probe");
        assert!(probe.after([&identity].into_iter()) > Some(identity.changed));
        drop(probe);
        assert_eq!(std::fs::read_dir(dir.path()).expect("read").count(), 1);
    }
}
