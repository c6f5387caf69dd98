//! Outputs that lie on another file system than the store, or behind another mount: what is on the way to or from their
//! places lies beside them, for only a rename within one mount changes a place at once.
//!
//! ```text
//! out/                            another file system
//! ├── .atsaf-staging/KEY/         attempts in flight: see `private`
//! ├── .atsaf-staging-RUN/         what came out of artifacts' places
//! └── .atsaf-aside-RUN/           former artifacts of a command that writes its declared paths itself
//! ```
//!
//! The store's own staging keeps a note of each such staging directory, so that it is cleared away with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::fs::{AtFlags, CWD, StatxFlags};

use super::super::modes::{remove, set_mode};
use super::super::{own_file, replace_file};
use super::Area;
use crate::engine::digest::Digest;
use crate::engine::run_id::RunId;

/// The directory, in a run's staging, for the notes of staging directories elsewhere.
const BESIDE: &str = "beside";

impl Area {
    /// A staging directory on the file system of `path`.
    pub(in super::super) fn staging_beside(&self, path: &Path, run: RunId) -> PathBuf {
        let Some(there) = self.elsewhere(path) else {
            return self.staging_dir(run);
        };
        let staging = there.join(format!(".atsaf-staging-{run}"));
        let below = staging.strip_prefix(self.root()).unwrap_or(&staging).to_string_lossy();
        let notes = self.staging_dir(run).join(BESIDE);
        let note = notes.join(Digest::of(below.as_bytes()).short());
        if !note.exists() {
            // Whole or not at all: half a path would be another directory.
            let write = || fs::create_dir_all(&notes).and_then(|()| replace_file(&note, below.as_bytes()));
            // Without its note the directory is left to whoever finds it.
            let _ = write();
        }
        staging
    }

    /// A directory for former artifacts on the file system of `path`.
    pub(in super::super) fn aside_beside(&self, path: &Path, run: RunId) -> PathBuf {
        match self.elsewhere(path) {
            Some(there) => there.join(format!(".atsaf-aside-{run}")),
            None => self.aside_dir(run),
        }
    }

    /// All staging directories of a run.
    pub(in super::super) fn stagings(&self, run: RunId) -> Vec<PathBuf> {
        let own = self.staging_dir(run);
        let notes = fs::read_dir(own.join(BESIDE)).into_iter().flatten().flatten();
        let beside = notes.filter_map(|note| String::from_utf8(own_file::read(&note.path()).ok()?).ok());
        let mut all: Vec<PathBuf> = beside.filter_map(|below| self.noted(&below, run)).collect();
        all.push(own);
        all
    }

    /// The staging directory that a note names, if it can be one of that run's: whatever else stands in a note, which may be
    /// torn or have come from elsewhere, is never touched.
    fn noted(&self, below: &str, run: RunId) -> Option<PathBuf> {
        let path = Path::new(below);
        let is_named_so = path.file_name()? == format!(".atsaf-staging-{run}").as_str();
        let mut parts = path.components();
        let is_below = parts.all(|part| matches!(part, std::path::Component::Normal(_)));
        let at = self.root().join(path);
        let is_directory = fs::symlink_metadata(&at).is_ok_and(|it| it.is_dir());
        (is_named_so && is_below && is_directory).then_some(at)
    }

    /// The directory nearest to `path` that is there, if it is reached through another mount than the store.
    pub(super) fn elsewhere(&self, path: &Path) -> Option<PathBuf> {
        let there = path.ancestors().skip(1).find(|at| at.exists())?;
        (mount(there) != mount(&self.dir)).then(|| there.to_owned())
    }
}

/// How a path is reached. Nothing is renamed from one mount to another, not even where both show the same file system, as a
/// volume of a container and the directory beside it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    device: u64,
    /// The number of the mount, where the system tells it.
    number: Option<u64>,
}

/// The mount of what is at a path.
pub(super) fn mount(path: &Path) -> Option<Mount> {
    use std::os::unix::fs::MetadataExt as _;
    let device = fs::metadata(path).ok()?.dev();
    #[cfg(target_os = "linux")]
    let number = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID)
        .ok()
        .filter(|it| StatxFlags::from_bits_retain(it.stx_mask).contains(StatxFlags::MNT_ID))
        .map(|it| it.stx_mnt_id);
    #[cfg(not(target_os = "linux"))]
    let number = None;
    Some(Mount { device, number })
}

/// Moves a file or directory, to another file system if need be: there it appears whole, and only then goes here.
pub(crate) fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match super::super::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut name = to.file_name().unwrap_or_default().to_owned();
            name.push(".part");
            let part = to.with_file_name(name);
            remove(&part)?;
            copy(from, &part)?;
            super::super::rename(&part, to)?;
            remove(from)
        }
        other => other,
    }
}

/// Copies a file or directory, links as links.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut modes = Vec::new();
    for entry in walkdir::WalkDir::new(from).follow_root_links(false) {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).map_err(io::Error::other)?;
        let at = match below == Path::new("") {
            true => to.to_owned(),
            false => to.join(below),
        };
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&at)?;
            modes.push((at, entry.metadata()?.permissions().mode() & 0o777));
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &at)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &at)?;
        } else {
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    // The innermost first, and only now: nothing could be put into one that may not be written to.
    modes.into_iter().rev().try_for_each(|(at, mode)| set_mode(&at, mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::digest::{Tree, of_file};
    use crate::engine::tree::whole;
    use crate::fuzz::Fuzz;

    #[test]
    fn a_note_leads_to_nothing_but_a_staging_directory_of_its_run() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let area = Area::new(dir.path().join(".atsaf/v1"));
        let run = RunId::new();
        let staging = format!("out/.atsaf-staging-{run}");
        fs::create_dir_all(dir.path().join(&staging)).expect("made");
        fs::create_dir_all(dir.path().join("src")).expect("made");
        std::os::unix::fs::symlink("../src", dir.path().join("out/link")).expect("linked");
        let absolute = dir.path().join(&staging).display().to_string();
        for wrong in [
            "",
            ".",
            "out",
            "src",
            "..",
            "../victim",
            "out/../src",
            "out/link",
            &absolute,
        ] {
            assert_eq!(area.noted(wrong, run), None, "{wrong}");
        }
        assert_eq!(area.noted(&staging, RunId::new()), None, "another run's");
        assert_eq!(area.noted(&staging, run), Some(dir.path().join(&staging)));
    }

    #[test]
    fn a_copy_has_all_that_is_in_a_directory() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("sub/empty")).expect("made");
        fs::File::create(from.join("sub/file")).expect("made");
        std::os::unix::fs::symlink("sub/nowhere", from.join("link")).expect("linked");
        copy(&from, &to).expect("copied");
        let read = |path: &Path| Tree::read(path, &of_file, &whole).expect("read");
        assert_eq!(read(&to), read(&from));
        copy(&from.join("link"), &dir.path().join("other")).expect("copied");
        assert!(dir.path().join("other").is_symlink());
    }

    #[test]
    fn fuzz_staging_note() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("project");
        let area = Area::new(root.join(".atsaf/v1"));
        let run = RunId::new();
        let staging = format!("out/.atsaf-staging-{run}");
        for made in [root.join(&staging), root.join("src"), dir.path().join(&staging)] {
            fs::create_dir_all(made).expect("made");
        }
        let notes = area.staging_dir(run).join(BESIDE);
        fs::create_dir_all(&notes).expect("made");
        let words = ["..", "/", "out/", "src", &staging, "\0", "\n", "."];
        Fuzz::of("staging note", [staging.as_bytes().to_vec()])
            .words(&words)
            .run(|bytes| {
                replace_file(&notes.join("note"), bytes).expect("written");
                let expected = [root.join(&staging), area.staging_dir(run)];
                // More than one `/` or a `.` between two parts is the same path.
                assert!(
                    area.stagings(run).iter().all(|found| expected.contains(found)),
                    "{:?}",
                    area.stagings(run)
                );
            });
    }
}
