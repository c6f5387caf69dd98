//! The file system of the project: the clock with which it stamps files, and what it can do with them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use rustix::fs::{Access, RenameFlags};

use super::{Finding, State};
use crate::engine::clock;
use crate::report::human;

const WHAT: &str = "disk";
/// The longest tick that is waited for.
const PATIENCE: Duration = Duration::from_millis(2500);
/// A clock that is further away than this makes times hard to read.
const SKEW: i128 = 2_000_000_000;

/// Number and size of the files below a directory.
pub(super) fn measure(dir: &Path) -> (usize, u64) {
    let files = walkdir::WalkDir::new(dir).into_iter().flatten();
    let files = files.filter_map(|entry| entry.metadata().ok().filter(fs::Metadata::is_file));
    files.fold((0, 0), |(count, size), file| (count + 1, size + file.len()))
}

/// Whether this user may write to a directory.
pub(super) fn is_writable(dir: &Path) -> bool {
    rustix::fs::access(dir, Access::WRITE_OK).is_ok()
}

/// Looks at the disk below a project: in its store, if there is one, so that no time of the project's own changes.
pub(super) fn look(root: &Path) -> Vec<Finding> {
    let store = root.join(".atsaf");
    let base = if store.is_dir() { store } else { root.to_owned() };
    match Bench::new(&base) {
        Ok(bench) => bench.look(),
        Err(error) => vec![Finding::new(
            State::Trouble,
            WHAT,
            format!("nothing can be written to `{}`: {error}", base.display()),
            "see whether you may write there, and whether the disk is full",
        )],
    }
}

/// A directory of its own, which goes when all is seen.
struct Bench(PathBuf);

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Bench {
    fn new(base: &Path) -> io::Result<Self> {
        let dir = base.join(format!(".atsaf-doctor-{}", std::process::id()));
        fs::create_dir(&dir)?;
        Ok(Self(dir))
    }

    fn look(&self) -> Vec<Finding> {
        let mut findings = vec![match self.tick() {
            Ok(Some((tick, ahead))) => clock_of(tick, ahead),
            Ok(None) => Finding::new(
                State::Note,
                WHAT,
                "its clock stands still for more than 2 s",
                "results are right all the same; files that were just written are read once more",
            ),
            Err(error) => Finding::new(
                State::Trouble,
                WHAT,
                format!("a file cannot be written: {error}"),
                "see whether it is full",
            ),
        }];
        let can: [(&str, io::Result<()>, &str); 4] = [
            (
                "symbolic links",
                self.links(),
                "projects whose artifacts hold links need another disk",
            ),
            ("hard links", self.hard_links(), ""),
            (
                "exchanging two files at once",
                self.exchange(),
                "an artifact that is replaced is gone for a moment; another disk does it at once",
            ),
            (
                "copies that share their blocks",
                self.reflink(),
                "the store holds real copies, which take room",
            ),
        ];
        let (can, cannot): (Vec<_>, Vec<_>) = can.into_iter().partition(|(_, done, _)| done.is_ok());
        if !can.is_empty() {
            let names: Vec<&str> = can.iter().map(|(name, ..)| *name).collect();
            findings.push(Finding::ok(WHAT, format!("it has {}", names.join(", "))));
        }
        let lacks = |(name, _, next): (&str, io::Result<()>, &str)| {
            Finding::new(State::Note, WHAT, format!("it has no {name}"), next)
        };
        findings.extend(cannot.into_iter().map(lacks));
        findings
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str) -> io::Result<File> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(self.at(name))?;
        file.write_all(name.as_bytes())?;
        Ok(file)
    }

    /// The time from one stamp to the next, and by how many nanoseconds the clock is ahead of this machine's.
    fn tick(&self) -> io::Result<Option<(Duration, i128)>> {
        let mut file = self.write("clock")?;
        let stamp = |file: &File| -> io::Result<i128> {
            let metadata = file.metadata()?;
            Ok(i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()))
        };
        let mut last = stamp(&file)?;
        let mut ticks = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && ticks.len() < 4 {
            file.write_all(b".")?;
            let now = stamp(&file)?;
            if now != last {
                ticks.push(now - last);
                last = now;
            }
        }
        let machine = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead = last - i128::try_from(machine.as_nanos()).unwrap_or_default();
        // The first may have begun before it was looked at.
        let shortest = ticks
            .iter()
            .skip(1)
            .chain(&ticks)
            .copied()
            .filter(|tick| *tick > 0)
            .min();
        Ok(shortest.map(|tick| (Duration::from_nanos(u64::try_from(tick).unwrap_or(u64::MAX)), ahead)))
    }

    fn links(&self) -> io::Result<()> {
        symlink("clock", self.at("link"))?;
        fs::read_link(self.at("link")).map(|_| ())
    }

    fn hard_links(&self) -> io::Result<()> {
        fs::hard_link(self.at("clock"), self.at("hard"))
    }

    fn exchange(&self) -> io::Result<()> {
        self.write("a")?;
        self.write("b")?;
        let dir = rustix::fs::CWD;
        rustix::fs::renameat_with(dir, self.at("a"), dir, self.at("b"), RenameFlags::EXCHANGE)?;
        match fs::read(self.at("a"))? == b"b" {
            true => Ok(()),
            false => Err(io::Error::other("it was not exchanged")),
        }
    }

    fn reflink(&self) -> io::Result<()> {
        reflink_copy::reflink(self.at("clock"), self.at("shared"))
    }
}

fn clock_of(tick: Duration, ahead: i128) -> Finding {
    let tick_text = human::duration(tick);
    if ahead.abs() > SKEW {
        let by = human::duration(Duration::from_nanos(
            u64::try_from(ahead.unsigned_abs()).unwrap_or(u64::MAX),
        ));
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        return Finding::new(
            State::Note,
            WHAT,
            format!("its clock ticks every {tick_text}, and is {by} {way} this machine's"),
            "results are right all the same; set the clocks by a time server, so that ages can be believed",
        );
    }
    match tick > Duration::from_millis(100) {
        true => Finding::new(
            State::Note,
            WHAT,
            format!("its clock ticks every {tick_text}"),
            "results are right all the same; files that were just written are read once more",
        ),
        false => Finding::ok(WHAT, format!("its clock ticks every {tick_text}")),
    }
}
