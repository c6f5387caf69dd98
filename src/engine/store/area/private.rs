//! The directories that attempts write to. Their paths are made from the paths of a target's outputs, and are the same
//! in every run and every clone: so a tool that writes its command line into its result writes the same bytes again.
//!
//! ```text
//! .atsaf/v1/staging/KEY/out/map.shp        the output `out/map.shp`; KEY is a digest of the target's first path
//! big/.atsaf-staging/KEY/big/tiles.bin     the output `big/tiles.bin`, where `big/` is another file system
//! ```
//!
//! A target's lock is held as long as its attempt goes on, and that of the directory too, should a target have another
//! name in another build: so two attempts never write to one of them at once. What a dead attempt left is renamed away
//! before the next one begins.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::super::{leads_through_link, modes, own_file, remove};
use super::Area;
use super::spent::AccessRights;
use crate::engine::digest::Digest;
use crate::engine::run_id::RunId;
use crate::engine::spec::Output;

/// The directory, beside outputs on another file system, for those of their attempts.
const ELSEWHERE: &str = ".atsaf-staging";
/// Names, in the store's directory of an attempt, those on other file systems, one a line.
const NOTE: &str = ".atsaf-elsewhere";
/// Stands in the store's directory of an attempt that has ended while a process of it went on.
const LEFT_RUNNING: &str = ".atsaf-left-running";
/// The directory, in a run's staging, for what dead attempts had written.
const DEAD: &str = "dead";

/// Where one attempt writes.
#[derive(Clone, Debug)]
pub(crate) struct Private {
    /// Its directories, the store's own first.
    pub(crate) dirs: Vec<PathBuf>,
    /// The path to write to for each output, in order.
    pub(crate) paths: Vec<PathBuf>,
}

/// The directories of an attempt are its own, as long as this is kept.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Whether an earlier attempt had left something there, which is taken away.
    pub(crate) left: bool,
    lock: File,
    /// The access with which the store's own directory was made.
    access: AccessRights,
}

/// Makes a directory; says whether it was there.
fn make(dir: &Path) -> io::Result<bool> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(dir).map(|()| false),
        other => other.map(|()| false),
    }
}

/// Refuses a link where directories of attempts are made: what is behind it is none of atsaf's.
fn refuse_link(path: &Path) -> io::Result<()> {
    match path.is_symlink() {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "`{}` is a link, and attempts would write behind it: remove it",
                path.display()
            ),
        )),
        false => Ok(()),
    }
}

/// Locks a directory; `None` if another has done so, or has taken it away meanwhile. A file system without locks locks
/// nothing.
fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = match File::open(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Ok(None);
    }
    let there = fs::metadata(dir).map(|it| it.ino()).ok();
    Ok((there == Some(file.metadata()?.ino())).then_some(file))
}

/// What stands for the outputs of a target in the path of its private directory.
#[must_use]
pub fn key(outputs: &[Output]) -> String {
    // The first by name, so that the order in the Atsaffile means nothing.
    let first = outputs.iter().map(|output| output.path.as_str()).min();
    Digest::of(first.unwrap_or_default().as_bytes()).hex()[..16].to_owned()
}

impl Private {
    /// What lies in the directories beside the outputs, by the path that it would have in the project; sorted.
    pub(crate) fn beside(&self) -> Vec<String> {
        let mut found = Vec::new();
        for dir in self.dirs.iter().filter(|dir| !dir.is_symlink()) {
            let walk = walkdir::WalkDir::new(dir).min_depth(1).into_iter();
            let other = walk.filter_entry(|entry| !self.paths.iter().any(|path| path == entry.path()));
            for entry in other.flatten().filter(|entry| !entry.file_type().is_dir()) {
                let below = entry.path().strip_prefix(dir).unwrap_or(entry.path());
                if below != Path::new(NOTE) {
                    found.push(below.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// The directories in the store's own that the outputs lie in, by their paths from it, sorted.
    fn places(&self) -> Vec<PathBuf> {
        let within = self
            .paths
            .iter()
            .filter_map(|path| path.strip_prefix(&self.dirs[0]).ok());
        let above = within.flat_map(|path| path.ancestors().skip(1));
        let places = above.filter(|place| *place != Path::new("")).map(Path::to_owned);
        let places: BTreeSet<PathBuf> = places.collect();
        places.into_iter().collect()
    }

    /// Whether a directory on the way to a path was replaced by a link: what that leads to is not the attempt's own.
    pub(crate) fn is_behind_link(&self, path: &Path) -> bool {
        let is_own = |above: &&Path| self.dirs.iter().any(|dir| above.starts_with(dir));
        path.ancestors().skip(1).take_while(is_own).any(Path::is_symlink)
    }
}

impl Area {
    /// Where an attempt writes the outputs of a target.
    pub(crate) fn private(&self, outputs: &[Output]) -> Private {
        let key = key(outputs);
        let mut dirs = vec![self.dir.join("staging").join(&key)];
        let mut paths = Vec::with_capacity(outputs.len());
        for output in outputs {
            let dir = match self.elsewhere(&self.root().join(&output.path)) {
                Some(there) => self.top(there).join(ELSEWHERE).join(&key),
                None => dirs[0].clone(),
            };
            paths.push(dir.join(&output.path));
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        Private { dirs, paths }
    }

    /// The directory furthest up in the project on the file system of `there`: so the first build of an output, which
    /// makes directories, and the next one agree.
    fn top(&self, there: PathBuf) -> PathBuf {
        let mount = super::beside::mount(&there);
        let above = there.ancestors().take_while(|above| {
            above.starts_with(self.root()) && super::beside::mount(above) == mount && *above != Path::new("")
        });
        above.last().map(Path::to_owned).unwrap_or(there)
    }

    /// Takes the directories of an attempt for it alone and makes them; `None` if another attempt is at them, which
    /// happens where a target has another name in another build.
    pub(crate) fn claim(&self, private: &Private, run: RunId) -> io::Result<Option<Claim>> {
        let own = &private.dirs[0];
        if let [_] = private.dirs[..]
            && let Some((lock, access)) = self.spent.take(&private.places(), own)
        {
            let left = false;
            return Ok(Some(Claim { left, lock, access }));
        }
        let mut left = make(own)?;
        let Some(mut lock) = lock(own)? else {
            return Ok(None);
        };
        if left {
            self.bury(own, run)?;
            // Should another attempt make it first, its lock is in the way.
            make(own)?;
            match self::lock(own)? {
                Some(new) => lock = new,
                None => return Ok(None),
            }
        }
        let note: Vec<String> = private.dirs[1..].iter().map(|dir| self.below(dir)).collect();
        if !note.is_empty() {
            #[expect(clippy::disallowed_methods, reason = "this is the store")]
            fs::write(own.join(NOTE), note.join("\n"))?;
        }
        for dir in &private.dirs[1..] {
            refuse_link(dir.parent().unwrap_or(dir))?;
            if make(dir)? {
                left = true;
                self.bury(dir, run)?;
                make(dir)?;
            }
        }
        let access = AccessRights::of(&lock.metadata()?);
        Ok(Some(Claim { left, lock, access }))
    }

    /// Takes the directories of an attempt away; with `left_running`, a sign stays that a process of it goes on.
    pub(crate) fn clear(&self, private: &Private, run: RunId, claim: Option<&Claim>, left_running: bool) {
        let Some((own, elsewhere)) = private.dirs.split_first() else {
            return;
        };
        let claim = claim.map(|claim| (&claim.lock, claim.access)).filter(|_| !left_running);
        if !self.spent.lay_by(own, &self.staging_dir(run), claim) {
            let _ = remove(own);
        }
        for dir in elsewhere {
            let _ = remove(dir);
            // It goes when it is empty.
            let _ = dir.parent().map(fs::remove_dir);
        }
        if left_running {
            let _ = fs::create_dir(own).and_then(|()| File::create(own.join(LEFT_RUNNING)));
        }
    }

    /// Renames a directory away, so that a process which still knows its path finds nothing there, and removes it.
    fn bury(&self, dir: &Path, run: RunId) -> io::Result<()> {
        let own = dir.starts_with(&self.dir);
        let grave = match own {
            true => self.staging_dir(run).join(DEAD),
            false => dir.with_file_name(format!("{DEAD}-{run}")),
        };
        fs::create_dir_all(&grave)?;
        let name = dir.file_name().unwrap_or_default();
        let at = grave.join(name);
        remove(&at)?;
        match super::super::rename(dir, &at) {
            Err(error) if modes::is_immovable(&error) => {
                self.clear_noted(dir);
                remove(dir)?;
            }
            other => other?,
        }
        self.clear_noted(&at);
        // Something may still be writing there: what is left of it then goes with the run's staging.
        let removed = remove(&at);
        if !own {
            removed?;
            fs::remove_dir(&grave)?;
        }
        Ok(())
    }

    /// Removes the directories on other file systems that a dead attempt's note names.
    fn clear_noted(&self, dead: &Path) {
        let note = own_file::read(&dead.join(NOTE)).unwrap_or_default();
        let note = String::from_utf8_lossy(&note);
        // A store may have come from elsewhere: nothing but such directories is ever removed by a note, and behind a link
        // one is left for the target's next attempt.
        let is_private = |line: &str| {
            let named = Path::new(line).parent().and_then(Path::file_name);
            named == Some(ELSEWHERE.as_ref()) && !leads_through_link(self.root(), line)
        };
        let is_below = |line: &&str| {
            Path::new(line)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        for line in note.lines().filter(is_below) {
            let dir = self.root().join(line);
            if is_private(line) {
                let _ = remove(&dir);
                let _ = dir.parent().map(fs::remove_dir);
            }
        }
    }

    /// Takes away what dead attempts left, if no other build is alive; gives the keys of their directories.
    ///
    /// The caller keeps other builds from beginning meanwhile.
    pub(in super::super) fn bury_dead(&self, run: RunId) -> Vec<String> {
        if self.locks.others_live(run) {
            return Vec::new();
        }
        let entries = fs::read_dir(self.dir.join("staging")).into_iter().flatten().flatten();
        let mut keys = Vec::new();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_run = name.parse::<RunId>().is_ok();
            let dir = entry.path();
            if is_run || dir.join(LEFT_RUNNING).exists() {
                continue;
            }
            if self.bury(&dir, run).is_ok() {
                keys.push(name);
            }
        }
        keys
    }

    fn below(&self, path: &Path) -> String {
        path.strip_prefix(self.root())
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    #[test]
    fn what_an_attempt_left_goes_at_once_and_empty_directories_are_taken_by_the_next() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let area = Area::new(dir.path().join("project/.atsaf/v1"));
        let run = RunId::new();
        let private = |key: &str| {
            let own = area.dir.join("staging").join(key);
            let paths = vec![own.join("out/x")];
            Private { dirs: vec![own], paths }
        };
        let inode = |private: &Private| fs::metadata(&private.dirs[0]).expect("there").ino();
        let (mut last, mut made) = (None, Vec::new());
        for (attempt, beside) in [None, Some("out/beside"), None, None].into_iter().enumerate() {
            let private = private(&format!("key{attempt}"));
            let own = &private.dirs[0];
            let claim = area.claim(&private, run).expect("made").expect("nobody else is there");
            assert!(!claim.left, "attempt {attempt}");
            fs::create_dir_all(own.join("out")).expect("made");
            assert_eq!(
                fs::read_dir(own.join("out")).expect("listed").count(),
                0,
                "attempt {attempt}"
            );
            made.push((inode(&private), last));
            last = beside.is_none().then(|| inode(&private));
            if let Some(path) = beside {
                File::create(own.join(path)).expect("written");
            }
            area.clear(&private, run, Some(&claim), false);
            assert!(!own.exists(), "attempt {attempt}");
        }
        let is_taken: Vec<bool> = made.iter().map(|(own, last)| Some(*own) == *last).collect();
        assert_eq!(is_taken, [false, true, false, true]);
    }

    #[test]
    fn fuzz_note_of_a_dead_attempt() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("project");
        let area = Area::new(root.join(".atsaf/v1"));
        let key = key(&[]);
        let victims = ["src/a", "out/.atsaf-staging-x", "out/x/y"].map(|below| root.join(below));
        let outside = dir.path().join(format!("out/{ELSEWHERE}/{key}"));
        for made in victims.iter().chain([&outside]) {
            fs::create_dir_all(made).expect("made");
        }
        let dead = area.dir.join("dead");
        fs::create_dir_all(&dead).expect("made");
        let private = format!("out/{ELSEWHERE}/{key}");
        let example = format!("{private}\nbig/{ELSEWHERE}/{key}");
        let words = ["..", "/", "out", "src", &private, "\n", ELSEWHERE, "."];
        Fuzz::of("note of a dead attempt", [example.into_bytes()])
            .words(&words)
            .run(|bytes| {
                fs::create_dir_all(root.join(&private)).expect("made");
                super::super::super::replace_file(&dead.join(NOTE), bytes).expect("written");
                area.clear_noted(&dead);
                for victim in victims.iter().chain([&outside]) {
                    assert!(victim.is_dir(), "{}", victim.display());
                }
            });
    }
}
