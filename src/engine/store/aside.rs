//! The way of a command that writes its declared paths itself: its former artifacts are set aside meanwhile.
//!
//! ```text
//! entry SetAside ─▶ former artifacts move away ─▶ the command runs ─▶ what it wrote moves to staging
//!                ─▶ the former move back ─▶ entry AsideEnded ─▶ an ordinary commit, or a failure
//! ```
//!
//! A build that is killed meanwhile leaves the entry open; the next one puts the former artifacts back.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::commit::Displaced;
use super::entry::Entry;
use super::{Store, StoreError, leads_through_link, move_file};
use crate::engine::files::Files;
use crate::engine::run_id::RunId;
use crate::engine::spec::{Output, Target};

impl Store {
    /// Moves whatever stands at a target's declared paths out of the way.
    pub(crate) fn set_aside(
        &self,
        target: &str,
        outputs: &[Output],
        run: RunId,
        files: &Files,
    ) -> Result<(), StoreError> {
        let root = files.root();
        let mut moves = Vec::new();
        for (number, output) in outputs.iter().enumerate() {
            let base = self.area.aside_beside(&files.at(&output.path), run).join(target);
            let away = base.join(number.to_string());
            let away = away.strip_prefix(root).unwrap_or(&away).to_string_lossy().into_owned();
            moves.push((output.path.to_string(), away));
        }
        self.records.append(&[Entry::SetAside {
            run,
            target: target.to_owned(),
            files: moves.clone(),
        }])?;
        for (path, away) in &moves {
            let (from, away) = (files.at(path), root.join(away));
            let go = || -> io::Result<()> {
                if fs::symlink_metadata(&from).is_ok() {
                    fs::create_dir_all(away.parent().unwrap_or(root))?;
                    move_file(&from, &away)
                } else {
                    fs::create_dir_all(from.parent().unwrap_or(root))
                }
            };
            go().map_err(StoreError::at(&from))?;
        }
        Ok(())
    }

    /// Moves what a command wrote to its declared paths to `staged`, one path for each output.
    pub(crate) fn take_written(outputs: &[Output], staged: &[PathBuf], files: &Files) -> Result<(), StoreError> {
        for (output, to) in outputs.iter().zip(staged) {
            let from = files.at(&output.path);
            if fs::symlink_metadata(&from).is_ok() {
                super::remove(to)
                    .and_then(|()| move_file(&from, to))
                    .map_err(StoreError::at(&from))?;
            }
        }
        Ok(())
    }

    /// Moves what was set aside back; what stands in its place by then is kept under `displaced/`, unless atsaf
    /// placed it itself. What the target declares no longer is kept there as well: that it lay at its path is said by the
    /// journal alone.
    pub(crate) fn put_back(&self, target: &Target, run: RunId, files: &Files) -> Result<Vec<Displaced>, StoreError> {
        let name = target.name.as_str();
        let aside = self
            .records
            .ledger(|ledger| ledger.target(name).map(|history| history.aside().to_vec()));
        let is_declared = |path: &str| target.outputs.iter().any(|output| output.path == path);
        let mut displaced = Vec::new();
        for (path, kept) in aside.unwrap_or_default() {
            let (to, away) = (files.at(&path), files.root().join(&kept));
            if fs::symlink_metadata(&away).is_err() || !is_set_aside(files, &path, &kept) {
                continue;
            }
            let mut go = || -> io::Result<()> {
                if !is_declared(&path) {
                    displaced.push(self.displace(&away, &path, run)?);
                    return Ok(());
                }
                if fs::symlink_metadata(&to).is_ok() {
                    displaced.extend(self.dispose(&to, &path, run)?);
                }
                move_file(&away, &to)
            };
            go().map_err(StoreError::at(&to))?;
            // The target's directory, and the run's: both go when they are empty.
            for emptied in away.ancestors().skip(1).take(2) {
                let _ = fs::remove_dir(emptied);
            }
        }
        self.records.append(&[Entry::AsideEnded {
            target: name.to_owned(),
        }])?;
        Ok(displaced)
    }
}

/// Whether what was set aside from a path can lie where the journal says: beside the path or in the store, and behind no
/// link but those on the way to the path itself.
fn is_set_aside(files: &Files, path: &str, kept: &str) -> bool {
    let is_own = kept.starts_with(super::DIRECTORY);
    let before_run = kept.rmatch_indices('/').nth(2).filter(|_| !is_own);
    let base = before_run.map_or("", |(at, _)| &kept[..=at]);
    path.starts_with(base) && !leads_through_link(&files.at(base), &kept[base.len()..])
}
