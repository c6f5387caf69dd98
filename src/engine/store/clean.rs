//! Takes artifacts out of the project, and only artifacts: files whose bytes atsaf itself had placed at their paths.
//!
//! A later build restores them from the store's copies, or runs their targets where there is none.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::RenameFlags;

use super::commit::exists;
use super::entry::Artifact;
use super::modes::{is_immovable, remove, rename_with};
use super::{History, Holder, Store, StoreError, git_index, leads_through_link, move_file};
use crate::engine::digest::Digest;
use crate::engine::files::{Files, Identity, identity};
use crate::engine::judge::holds_links;
use crate::engine::run_id::RunId;
use crate::engine::spec::{ArtifactKind, Output, Span, Target};

/// What becomes of one artifact's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The artifact.
    pub artifact: String,
    /// Its declared path.
    pub path: String,
    /// Bytes on the disk; a directory's files together.
    pub size: u64,
    /// What is done about it.
    pub outcome: CleanOutcome,
}

/// What is done about an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CleanOutcome {
    /// Nothing is there.
    Absent,
    /// It is removed; `copy` tells whether the store can give it back.
    Removed {
        /// Whether the store has a copy.
        copy: bool,
    },
    /// It stays: atsaf did not place these bytes here.
    Altered,
    /// It stays: a build is at it.
    Busy(Holder),
}

impl Store {
    /// Tells what [`Store::clean`] would do to some outputs, each with its target's name; nothing is changed.
    ///
    /// # Errors
    /// [`StoreError`] if something that is there cannot be read.
    pub fn survey(&self, outputs: &[(&str, &Output)], files: &Files) -> Result<Vec<Swept>, StoreError> {
        let survey = |(_, output): &(&str, &Output)| {
            self.look(output, files)
                .map_err(StoreError::at(&files.at(&output.path)))
        };
        outputs.iter().map(survey).collect()
    }

    /// What atsaf placed at paths that none of the declared ones is or contains: of targets that are gone or renamed.
    ///
    /// Only the journal says so: what git tracks is its user's own, whatever a journal from elsewhere says.
    #[must_use]
    pub fn orphans(&self, declared: &[&str], files: &Files) -> Vec<Output> {
        let is_declared = |path: &str| {
            declared.iter().any(|declared| {
                let below = path.strip_prefix(declared).is_some_and(|below| below.starts_with('/'));
                path == *declared || below
            })
        };
        let mut paths = self.records.ledger(super::Ledger::placed_paths);
        // Only the journal says it, so no link is followed on the way.
        let is_there = |path: &str| exists(&files.at(path)) && !leads_through_link(files.root(), path);
        paths.retain(|path| !is_declared(path) && is_there(path));
        let all: Vec<&str> = paths.iter().map(String::as_str).collect();
        let tracked: Vec<String> = git_index::tracked(files.root(), &all)
            .into_iter()
            .map(str::to_owned)
            .collect();
        paths.retain(|path| !tracked.contains(path));
        let orphan = |path: String| Output {
            port: path.as_str().into(),
            name: path.as_str().into(),
            kind: match files.at(&path).is_dir() {
                true => ArtifactKind::Directory,
                false => ArtifactKind::File,
            },
            span: Span::default(),
            path: path.into(),
        };
        paths.into_iter().map(orphan).collect()
    }

    /// Whether the store has a copy of the artifact that lies at a path.
    fn has_copy(&self, path: &str, bytes: Digest) -> bool {
        let is_it = |artifact: &&Artifact| artifact.path == path && artifact.bytes == bytes;
        let key = self.records.ledger(|ledger| {
            let copy = |history: &History| history.record()?.artifacts.iter().find(is_it)?.object;
            ledger.targets().find_map(|(_, history)| copy(&history))
        });
        key.is_some_and(|key| self.objects.has(key))
    }

    fn look(&self, output: &Output, files: &Files) -> io::Result<Swept> {
        let at = files.at(&output.path);
        let (size, outcome) = match exists(&at) {
            false => (0, CleanOutcome::Absent),
            true => match self.placed_at(&at, &output.path)? {
                Some(bytes) => (
                    size_of(&at),
                    CleanOutcome::Removed {
                        copy: self.has_copy(&output.path, bytes),
                    },
                ),
                None => (size_of(&at), CleanOutcome::Altered),
            },
        };
        Ok(Swept {
            artifact: output.name.to_string(),
            path: output.path.to_string(),
            size,
            outcome,
        })
    }

    /// Removes those of some outputs that atsaf placed and that no build is at, and tells what became of each.
    ///
    /// # Errors
    /// [`StoreError`] if something cannot be read or moved.
    pub fn clean(&self, outputs: &[(&str, &Output)], files: &Files) -> Result<Vec<Swept>, StoreError> {
        if !self.records.exist() {
            // Nothing was ever built here, so nothing here is atsaf's.
            return self.survey(outputs, files);
        }
        self.refuse_links()?;
        let run = RunId::new();
        let (_live, _) = self.begin(run)?;
        let mut swept = Vec::with_capacity(outputs.len());
        for (target, output) in outputs {
            let at = files.at(&output.path);
            // Readers hold the lock of what they read, so this one waits for them too.
            let held = self.area.locks.take(target, &[], run).map_err(StoreError::at(&at))?;
            self.records.refresh()?;
            let mut it = self.look(output, files).map_err(StoreError::at(&at))?;
            match held {
                Err(holder) if it.outcome != CleanOutcome::Absent => it.outcome = CleanOutcome::Busy(holder),
                Ok(_held) if matches!(it.outcome, CleanOutcome::Removed { .. }) => {
                    let is_own = |away: &Path| Ok(self.placed_at(away, &output.path)?.is_some());
                    if !self.take_out(output, &at, run, &is_own).map_err(StoreError::at(&at))? {
                        it.outcome = CleanOutcome::Altered;
                    }
                    files.forget([output.path.as_str()]);
                }
                _ => {}
            }
            swept.push(it);
        }
        let _ = fs::remove_dir_all(self.area.staging_dir(run));
        Ok(swept)
    }

    /// Removes the artifacts of a target whose readers are done, as far as they are as atsaf left them and no build is at
    /// them.
    pub(crate) fn let_go(&self, target: &Target, run: RunId, files: &Files) -> Result<(), StoreError> {
        let at = |output: &Output| files.at(&output.path);
        let first = target.outputs.first().map(at).unwrap_or_default();
        let Ok(_held) = self
            .area
            .locks
            .take(&target.name, &[], run)
            .map_err(StoreError::at(&first))?
        else {
            return Ok(());
        };
        for output in &target.outputs {
            let at = at(output);
            let is_own = || {
                files
                    .digest(&output.path)
                    .is_ok_and(|found| self.is_in_place(target, output, found))
            };
            // Before it is digested: what comes meanwhile is not what was looked at.
            if let Some(before) = stamp(&at)
                && is_own()
            {
                // Of a directory it says nothing of what lies deep in it.
                let is_whole = |away: &Path| -> io::Result<bool> {
                    Ok(output.kind == ArtifactKind::File || self.placed_at(away, &output.path)?.is_some())
                };
                let is_same = |away: &Path| Ok(stamp(away).is_some_and(|now| now.is_alike(&before)) && is_whole(away)?);
                self.take_out(output, &at, run, &is_same).map_err(StoreError::at(&at))?;
                files.forget([output.path.as_str()]);
            }
        }
        Ok(())
    }

    /// Whether what was found at the path of an output is what its record says, which then tells all that its readers
    /// depend on: not of a directory with links that lead out of it.
    fn is_in_place(&self, target: &Target, output: &Output, found: Option<(Digest, ArtifactKind)>) -> bool {
        let recorded = self.records.ledger(|ledger| {
            let history = ledger.target(&target.name)?;
            let artifact = history.record()?.artifact(&output.port)?;
            (!holds_links(artifact)).then_some((artifact.bytes, artifact.kind))
        });
        recorded.is_some() && recorded == found
    }

    /// Removes an artifact, unless it was changed since it was looked at: it is moved away first, so that what is
    /// deleted is what was looked at, which `is_own` tells.
    fn take_out(
        &self,
        output: &Output,
        at: &Path,
        run: RunId,
        is_own: &dyn Fn(&Path) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let staging = self.area.staging_beside(at, run);
        fs::create_dir_all(&staging)?;
        // Turns that end at once take several artifacts out at once.
        let away = staging.join(format!("clean-{}", Digest::of(output.path.as_bytes()).short()));
        match super::rename(at, &away) {
            Err(error) if is_immovable(&error) => {
                let own = is_own(at)?;
                return if own { remove(at).map(|()| true) } else { Ok(false) };
            }
            other => other?,
        }
        let own = is_own(&away)?;
        if own {
            remove(&away)?;
        } else if rename_with(&away, at, RenameFlags::NOREPLACE).is_err() {
            // Somebody put another file there meanwhile, or the file system cannot do it: nothing of theirs is lost.
            match exists(at) {
                false => move_file(&away, at)?,
                true => drop(self.dispose(&away, &output.path, run)?),
            }
        }
        if staging != self.area.staging_dir(run) {
            let _ = fs::remove_dir(&staging);
        }
        Ok(own)
    }
}

/// Bytes of a file, or of all files below a directory.
pub(super) fn size_of(path: &Path) -> u64 {
    let files = walkdir::WalkDir::new(path).into_iter().flatten();
    let sizes = files
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| entry.metadata().ok());
    sizes.map(|it| it.len()).sum()
}

/// What a file system tells of a file or directory, of a link itself.
fn stamp(at: &Path) -> Option<Identity> {
    fs::symlink_metadata(at).ok().map(|it| identity(&it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::entry::{Entry, ResultEntry};

    fn output(name: &str) -> Output {
        Output {
            port: name.into(),
            name: name.into(),
            path: ecow::eco_format!("out/{name}"),
            kind: ArtifactKind::File,
            span: Span::default(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    fn write(at: &Path, text: &str) {
        fs::write(at, text).expect("written");
    }

    /// A project in which `names` were built, each with its own name as content.
    fn project(names: &[&str]) -> (tempfile::TempDir, Store, Files) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, files) = Store::open(dir.path()).expect("opened");
        store.prepare().expect("prepared");
        fs::create_dir(dir.path().join("out")).expect("made");
        for name in names {
            let output = output(name);
            write(&files.at(&output.path), name);
            let bytes = Digest::of(name.as_bytes());
            let made = ResultEntry::of_file(name, &output.port, &output.path, bytes);
            let (target, id) = (made.target.clone(), made.id);
            let entries = [Entry::Intent(Box::new(made)), Entry::Result { target, id }];
            store.records.append(&entries).expect("appended");
        }
        (dir, store, files)
    }

    fn fates(swept: Vec<Swept>) -> Vec<CleanOutcome> {
        swept.into_iter().map(|it| it.outcome).collect()
    }

    #[test]
    fn what_atsaf_placed_goes_and_everything_else_stays() {
        let (_dir, store, files) = project(&["a", "b", "c"]);
        let outputs = ["a", "b", "c", "d", "e"].map(output);
        write(&files.at("out/b"), "edited by hand");
        std::os::unix::fs::symlink("b", files.at("out/e")).expect("linked");
        write(&files.at("out/d"), "never built");
        let all: Vec<(&str, &Output)> = outputs.iter().map(|output| (output.name.as_str(), output)).collect();
        let removed = CleanOutcome::Removed { copy: false };
        let expected = vec![
            removed.clone(),
            CleanOutcome::Altered,
            removed,
            CleanOutcome::Altered,
            CleanOutcome::Altered,
        ];
        assert_eq!(fates(store.survey(&all, &files).expect("looked")), expected);
        assert!(files.at("out/a").exists(), "a look changes nothing");
        assert_eq!(fates(store.clean(&all, &files).expect("cleaned")), expected);
        let mut left: Vec<String> = fs::read_dir(files.at("out"))
            .expect("read")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert_eq!(left, ["b", "d", "e"]);
        assert_eq!(fs::read_to_string(files.at("out/b")).expect("read"), "edited by hand");
        let staged = fs::read_dir(files.at(".atsaf/v1/staging")).expect("read").count();
        assert_eq!(staged, 0);
    }

    #[test]
    fn an_artifact_that_a_build_is_at_stays_and_the_build_is_named() {
        let (dir, store, files) = project(&["a"]);
        let output = output("a");
        let (other, _) = Store::open(dir.path()).expect("opened");
        let held = other
            .area
            .locks
            .take("reader", &["a"], RunId::new())
            .expect("asked")
            .expect("free");
        let fates = fates(store.clean(&[("a", &output)], &files).expect("cleaned"));
        assert!(matches!(&fates[..], [CleanOutcome::Busy(_)]), "{fates:?}");
        assert!(files.at("out/a").exists());
        drop(held);
        let swept = store.clean(&[("a", &output)], &files).expect("cleaned");
        assert_eq!(swept[0].outcome, CleanOutcome::Removed { copy: false });
        assert!(!files.at("out/a").exists());
    }

    #[test]
    fn a_file_that_was_changed_since_the_look_is_put_back() {
        let (_dir, store, files) = project(&["a"]);
        let output = output("a");
        write(&files.at("out/a"), "changed after the look");
        let run = RunId::new();
        let is_own = |away: &Path| Ok(store.placed_at(away, "out/a")?.is_some());
        let gone = store.take_out(&output, &files.at("out/a"), run, &is_own);
        let gone = gone.expect("tried");
        assert!(!gone);
        assert_eq!(
            fs::read_to_string(files.at("out/a")).expect("read"),
            "changed after the look"
        );
    }

    #[test]
    fn without_a_store_nothing_is_atsafs() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, files) = Store::open(dir.path()).expect("opened");
        fs::create_dir(dir.path().join("out")).expect("made");
        write(&files.at("out/a"), "a");
        let swept = store.clean(&[("a", &output("a"))], &files).expect("cleaned");
        assert_eq!(fates(swept), [CleanOutcome::Altered]);
        assert!(!dir.path().join(".atsaf").exists(), "nothing was written");
    }
}
