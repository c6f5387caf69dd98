//! The work area: where attempts write, what is out of the way meanwhile, what attempts print, and who is at what.

pub(super) mod beside;
pub(crate) mod locks;
mod pools;
pub(super) mod private;
mod spent;

use std::fs;
use std::path::{Path, PathBuf};

use self::locks::Locks;
use self::spent::Spent;
use super::own_file;
use crate::engine::run_id::RunId;

/// The work area of one project's store.
#[derive(Debug)]
pub(crate) struct Area {
    dir: PathBuf,
    pub(super) locks: Locks,
    spent: Spent,
}

impl Area {
    /// The area in the store's directory.
    pub(super) fn new(dir: PathBuf) -> Self {
        let locks = Locks::new(dir.join("locks"));
        Self {
            dir,
            locks,
            spent: Spent::default(),
        }
    }

    /// Makes the directories, if they are not there.
    pub(super) fn prepare(&self) -> std::io::Result<()> {
        let names = ["outputs", "locks", "staging", "aside"];
        names
            .iter()
            .try_for_each(|name| own_file::make_directory(&self.dir.join(name)))
    }

    /// The directory for what attempts printed and left.
    pub(super) fn outputs_dir(&self) -> PathBuf {
        self.dir.join("outputs")
    }

    /// The directory for what an attempt printed and left.
    pub(super) fn output_dir(&self, run: RunId, target: &str) -> PathBuf {
        self.outputs_dir().join(run.to_string()).join(target)
    }

    /// The directory for attempts in flight of a run.
    pub(super) fn staging_dir(&self, run: RunId) -> PathBuf {
        self.dir.join("staging").join(run.to_string())
    }

    /// Removes the empty directories that a run's attempts have left.
    pub(super) fn remove_spent(&self, run: RunId) {
        self.spent.remove(&self.staging_dir(run));
    }

    /// The directory for a file that is out of the way for the time of an attempt.
    pub(super) fn aside_dir(&self, run: RunId) -> PathBuf {
        self.dir.join("aside").join(run.to_string())
    }

    /// The runs that left something in staging and are no more.
    pub(super) fn dead_runs(&self) -> Vec<RunId> {
        let entries = fs::read_dir(self.dir.join("staging")).into_iter().flatten().flatten();
        let runs = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        runs.filter(|run| !self.locks.is_live(*run)).collect()
    }

    /// The project's directory.
    pub(super) fn root(&self) -> &Path {
        self.dir.ancestors().nth(2).unwrap_or(&self.dir)
    }
}
