//! The only place that puts artifacts into the project.
//!
//! Placing never overwrites blindly: a rename that does not replace, or an exchange; what comes out is deleted only
//! if its bytes are ones that the journal says atsaf placed at that path, else it is kept under `displaced/`.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ecow::EcoString;
use rustix::fs::RenameFlags;
use walkdir::WalkDir;

use super::entry::{Artifact, Entry, Mode, ResultEntry};
use super::modes::{is_immovable, remove, rename_with};
use super::objects::mode;
use super::{Store, StoreError, StoredResult, move_file, objects};
use crate::engine::digest::{self, BUFFER, Digest, Tree};
use crate::engine::files::{self, Files};
use crate::engine::run_id::{RUN_ID_PLACEHOLDER, RunId};
use crate::engine::spec::{ArtifactKind, Output};
use crate::engine::tree::whole;

/// An artifact as an attempt left it, examined.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) port: EcoString,
    /// Its declared path.
    pub(crate) path: EcoString,
    pub(crate) kind: ArtifactKind,
    /// The digest of what those who read it depend on.
    pub(crate) content: Digest,
    /// Its size in bytes; a directory's files together.
    pub(crate) size: u64,
    /// Where it lies.
    pub(crate) at: PathBuf,
    /// What is in it, if it is a directory.
    tree: Option<Tree>,
    /// Whether the run's id is to be stamped into it.
    stamp: bool,
}

impl Staged {
    /// Digests what an attempt wrote to `at`; `stamp` if the run's id is to be put into it, as for a built-in.
    pub(crate) fn examine(output: &Output, at: PathBuf, stamp: bool) -> io::Result<Self> {
        let mut tree = None;
        let (content, size) = match output.kind {
            ArtifactKind::File => (digest::of_file(&at)?, fs::metadata(&at)?.len()),
            ArtifactKind::Directory => {
                let found = Tree::read(&at, &digest::of_file, &whole)?;
                let sizes = found
                    .0
                    .iter()
                    .filter_map(|(name, _)| fs::symlink_metadata(at.join(name)).ok());
                let size = sizes.filter(fs::Metadata::is_file).map(|it| it.len()).sum();
                let content = found.content_mark();
                tree = Some(found);
                (content, size)
            }
        };
        Ok(Self {
            port: output.port.clone(),
            path: output.path.clone(),
            kind: output.kind,
            content,
            size,
            at,
            tree,
            stamp,
        })
    }

    /// The artifact that it becomes in a run; stamps the run's id into the file.
    fn artifact(&self, run: RunId, object: Option<Digest>, mode: Mode) -> io::Result<Artifact> {
        let bytes = match &self.tree {
            Some(tree) => tree.digest(),
            None if self.stamp && stamp(&self.at, run)? => digest::of_file(&self.at)?,
            None => self.content,
        };
        Ok(Artifact {
            name: self.port.clone(),
            path: self.path.clone(),
            kind: self.kind,
            content: self.content,
            bytes,
            object,
            mode,
            size: self.size,
            run,
        })
    }
}

/// Writes the run's id over every placeholder; says whether there was one.
pub(super) fn stamp(path: &Path, run: RunId) -> io::Result<bool> {
    let holes = placeholders(path)?;
    if holes.is_empty() {
        return Ok(false);
    }
    let mut file = File::options().write(true).open(path)?;
    for hole in holes {
        file.seek(SeekFrom::Start(hole))?;
        file.write_all(run.to_string().as_bytes())?;
    }
    Ok(true)
}

fn mode_of(path: &Path) -> Mode {
    fs::metadata(path).map_or(Mode::Plain, |it| Mode::of(&it))
}

/// Offsets of the placeholder in a file.
fn placeholders(path: &Path) -> io::Result<Vec<u64>> {
    let wanted = RUN_ID_PLACEHOLDER.as_bytes();
    let mut file = File::open(path)?;
    let mut window: Vec<u8> = Vec::with_capacity(BUFFER + wanted.len());
    let (mut base, mut found) = (0, Vec::new());
    loop {
        let before = window.len();
        let read = (&mut file).take(BUFFER as u64).read_to_end(&mut window)?;
        let hits = window
            .windows(wanted.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == wanted);
        found.extend(hits.map(|(at, _)| base + at as u64));
        if read == 0 || window.len() == before {
            found.dedup();
            return Ok(found);
        }
        // Keep as much as could be the beginning of one that goes on in the next piece.
        let keep = window.len().min(wanted.len() - 1);
        base += (window.len() - keep) as u64;
        window.drain(..window.len() - keep);
    }
}

/// The directory, in a run's staging, for what came out of artifacts' places.
const FORMER: &str = "former";
/// The directory, in a run's staging, for what is being deleted.
const GONE: &str = "gone";

/// A file of somebody else's that stood in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Displaced {
    /// The declared path at which it stood.
    pub(crate) path: String,
    /// Where it is now, relative to the project.
    pub(crate) to: String,
}

/// What a commit did.
pub(crate) struct Committed {
    /// Files of somebody else's that stood in the way.
    pub(crate) displaced: Vec<Displaced>,
    /// The target's artifacts; those that stayed in place are the earlier ones.
    pub(crate) artifacts: Vec<Artifact>,
    /// Why a copy could not be kept.
    pub(crate) trouble: Option<String>,
}

impl Store {
    /// Commits one success: keeps copies, says what is about to happen, places, and says that it has happened.
    ///
    /// Artifacts whose content is that of the earlier file, which is still in place, stay as they are.
    pub(crate) fn commit(
        &self,
        mut result: ResultEntry,
        staged: &[Staged],
        record: Option<&StoredResult>,
        cache: bool,
        files: &Files,
    ) -> Result<Committed, StoreError> {
        let run = result.run;
        let mut place = Vec::new();
        let mut trouble = None;
        // From the copy to the entry that needs it, nobody else deletes objects.
        let objects = self.area.locks.objects(false).map_err(StoreError::at(&self.dir))?;
        for staged in staged {
            let before = record.and_then(|record| record.artifact(&staged.port));
            let intact = |old: &&Artifact| {
                old.content == staged.content
                    && old.kind == staged.kind
                    && Some(old.mode) == fs::metadata(&staged.at).ok().map(|it| Mode::of(&it))
                    && mode::are_alike(&staged.at, &files.at(&staged.path))
                    && files.digest_beside(&staged.path, Some(old.bytes)).ok().flatten() == Some((old.bytes, old.kind))
            };
            if let Some(old) = before.filter(intact) {
                result.artifacts.push(Artifact {
                    path: staged.path.clone(),
                    ..old.clone()
                });
                continue;
            }
            let (object, mode) = match cache.then(|| objects::keep(&*self.objects, staged.kind, &staged.at)) {
                Some(Ok((key, mode))) => (Some(key), mode),
                Some(Err(error)) => {
                    trouble = Some(format!("no copy of `{}` could be kept: {error}", staged.path));
                    (None, mode_of(&staged.at))
                }
                None => (None, mode_of(&staged.at)),
            };
            let artifact = staged.artifact(run, object, mode).map_err(StoreError::at(&staged.at))?;
            if let Some(tree) = &staged.tree {
                // Without it an explanation says less, and that is all.
                let _ = self.keep_listing(tree);
            }
            result.artifacts.push(artifact.clone());
            place.push((artifact, staged.at.clone()));
        }
        let (target, id) = (result.target.clone(), result.id);
        let artifacts = result.artifacts.clone();
        self.records.append(&[Entry::Intent(Box::new(result))])?;
        drop(objects);
        let displaced = self.place_all(&place, run, files)?;
        self.records.append(&[Entry::Result { target, id }])?;
        Ok(Committed {
            displaced,
            artifacts,
            trouble,
        })
    }

    /// Leaves a file that was refused at its declared path, to be looked at, if nothing stands there; says whether it did.
    ///
    /// It belongs to no result, and no copy of it is kept. As atsaf itself put it there, the next commit replaces it.
    pub(crate) fn leave_refused(&self, output: &Output, at: &Path, files: &Files) -> io::Result<bool> {
        let to = files.at(&output.path);
        if exists(&to) || output.kind == ArtifactKind::Directory {
            return Ok(false);
        }
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        let files = vec![(output.path.to_string(), digest::of_file(at)?)];
        self.records
            .append(&[Entry::Placement { files }])
            .map_err(io::Error::other)?;
        match rename_with(at, &to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::EXIST | rustix::io::Errno::INVAL) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn place_all(
        &self,
        place: &[(Artifact, PathBuf)],
        run: RunId,
        files: &Files,
    ) -> Result<Vec<Displaced>, StoreError> {
        let mut displaced = Vec::new();
        for (artifact, staged) in place {
            let to = files.at(&artifact.path);
            let cleared = self.clear_way(&artifact.path, run).map_err(StoreError::at(&to))?;
            let moved = self.place(artifact, staged, &to, run).map_err(StoreError::at(&to))?;
            displaced.extend(cleared.into_iter().chain(moved));
            match artifact.kind {
                ArtifactKind::File => files.note(&artifact.path, artifact.bytes),
                // Reads the new files, so that the next look finds them remembered.
                ArtifactKind::Directory => drop(files.digest(&artifact.path)),
            }
        }
        Ok(displaced)
    }

    /// Makes the directory of a path; a file that stands where a part of it has to be gives way.
    fn clear_way(&self, path: &str, run: RunId) -> io::Result<Option<Displaced>> {
        let root = self.area.root();
        let Some((parent, _)) = path.rsplit_once('/') else {
            return Ok(None);
        };
        if root.join(parent).is_dir() {
            return Ok(None);
        }
        let ends = parent.match_indices('/').map(|(end, _)| end).chain([parent.len()]);
        let mut above = ends.map(|end| &parent[..end]);
        let in_the_way = above.find(|part| exists(&root.join(part)) && !root.join(part).is_dir());
        if let Some(link) = in_the_way
            && let Ok(to) = fs::read_link(root.join(link))
            && !root.join(link).exists()
        {
            // A link of the project that leads to what is to be made.
            fs::create_dir_all(root.join(link).parent().unwrap_or(root).join(to))?;
            return self.clear_way(path, run);
        }
        let displaced = match in_the_way {
            Some(part) => self.dispose(&root.join(part), part, run)?,
            None => None,
        };
        fs::create_dir_all(root.join(parent))?;
        Ok(displaced)
    }

    fn place(&self, artifact: &Artifact, staged: &Path, to: &Path, run: RunId) -> io::Result<Option<Displaced>> {
        match rename_with(staged, to, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::EXIST) => {}
            // A file system that cannot: what stands there is moved away first.
            Err(rustix::io::Errno::INVAL) if !exists(to) => return super::rename(staged, to).map(|()| None),
            Err(rustix::io::Errno::INVAL) => {
                let former = self.former(artifact, to, run)?;
                super::rename(to, &former)?;
                super::rename(staged, to)?;
                return self.dispose(&former, &artifact.path, run);
            }
            other => return other.map(|()| None).map_err(io::Error::from),
        }
        if digest_of(to, &|digest| digest == artifact.bytes)? == Some(artifact.bytes) {
            mode::copy(staged, to)?;
            remove(staged)?;
            artifact.mode.set(to)?;
            return Ok(None);
        }
        let former = self.former(artifact, to, run)?;
        super::rename(staged, &former)?;
        match rename_with(&former, to, RenameFlags::EXCHANGE) {
            // What can be moved nowhere gives way where it stands.
            Err(rustix::io::Errno::XDEV) if is_directory(to) => {
                let displaced = self.dispose(to, &artifact.path, run)?;
                super::rename(&former, to)?;
                return Ok(displaced);
            }
            other => other?,
        }
        self.dispose(&former, &artifact.path, run)
    }

    /// Where what comes out of an artifact's place lies until it was looked at: should the build be killed before
    /// that, [`Store::rescue`] finds it there.
    fn former(&self, artifact: &Artifact, to: &Path, run: RunId) -> io::Result<PathBuf> {
        let former = self.area.staging_beside(to, run).join(FORMER).join(&artifact.path);
        fs::create_dir_all(former.parent().unwrap_or(&former))?;
        remove(&former)?;
        Ok(former)
    }

    /// Looks at what the build `of` had taken out of artifacts' places when it was killed; tells what it kept.
    ///
    /// What that build left may have come from elsewhere: no link in it is followed, and what is kept or removed goes to
    /// directories of this run, whose names nobody could foresee.
    pub(super) fn rescue(&self, of: RunId, run: RunId) -> io::Result<Vec<Displaced>> {
        let mut displaced = Vec::new();
        for staging in self.area.stagings(of) {
            let former = staging.join(FORMER);
            for path in self.taken_out(&former) {
                displaced.extend(self.dispose(&former.join(&path), &path, run)?);
            }
        }
        Ok(displaced)
    }

    /// The paths at which atsaf had placed what now lies below `former`.
    fn taken_out(&self, former: &Path) -> Vec<String> {
        let mut found = Vec::new();
        if !former.symlink_metadata().is_ok_and(|it| it.is_dir()) {
            return found;
        }
        let mut walk = WalkDir::new(former).min_depth(1).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let Ok(entry) = entry else { continue };
            let path = entry.path().strip_prefix(former).ok().and_then(Path::to_str);
            let Some(path) = path.filter(|path| self.records.ledger(|ledger| ledger.is_place(path))) else {
                continue;
            };
            found.push(path.to_owned());
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
        }
        found
    }

    /// Deletes what came out of an artifact's place if atsaf had put it there, else keeps it under `displaced/`.
    pub(crate) fn dispose(&self, former: &Path, path: &str, run: RunId) -> io::Result<Option<Displaced>> {
        let own = self.placed_at(former, path)?.is_some();
        if own && former.is_dir() {
            // Out of sight first: a kill must not leave half of it where it would be taken for somebody's work.
            let staging = self.area.staging_beside(&self.area.root().join(path), run);
            let gone = staging.join(GONE).join(path);
            fs::create_dir_all(gone.parent().unwrap_or(&gone))?;
            remove(&gone)?;
            match super::rename(former, &gone) {
                Err(error) if is_immovable(&error) => remove(former)?,
                other => other.and_then(|()| remove(&gone))?,
            }
            return Ok(None);
        }
        if own {
            remove(former)?;
            return Ok(None);
        }
        self.displace(former, path, run).map(Some)
    }

    /// Keeps what came out of a path, or was to come back to it, under `displaced/`.
    pub(super) fn displace(&self, former: &Path, path: &str, run: RunId) -> io::Result<Displaced> {
        let outer = self.dir.parent().unwrap_or(&self.dir);
        let base = Path::new("displaced").join(run.to_string());
        let mut below = base.join(path);
        for number in 1.. {
            if !exists(&outer.join(&below)) {
                break;
            }
            below = base.join(format!("{path}.{number}"));
        }
        let to = outer.join(&below);
        fs::create_dir_all(to.parent().unwrap_or(outer))?;
        move_file(former, &to)?;
        let to = Path::new(super::DIRECTORY).join(below).to_string_lossy().into_owned();
        Ok(Displaced {
            path: path.to_owned(),
            to,
        })
    }
}

/// The digest of a file or directory; `None` of a link or anything else, which atsaf never places. Of a directory whose
/// digest is not the wanted one, that without what Python cached in it, if that is.
fn digest_of(path: &Path, is_wanted: &dyn Fn(Digest) -> bool) -> io::Result<Option<Digest>> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_file() {
        digest::of_file(path).map(Some)
    } else if kind.is_dir() {
        match Tree::read(path, &digest::of_file, &whole) {
            // Something is in it that atsaf never places.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
            tree => tree.map(|tree| Some(files::beside(&tree, is_wanted))),
        }
    } else {
        Ok(None)
    }
}

impl Store {
    /// The digest of what lies at `at`, if atsaf had placed exactly that at a declared path.
    pub(super) fn placed_at(&self, at: &Path, path: &str) -> io::Result<Option<Digest>> {
        let is_placed = |digest| self.records.ledger(|ledger| ledger.placed(path, digest));
        Ok(digest_of(at, &is_placed)?.filter(|digest| is_placed(*digest)))
    }
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
}

pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_placeholder_is_found_wherever_a_piece_ends() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        for before in [0, 1, BUFFER - 36, BUFFER - 20, BUFFER - 1, BUFFER, 2 * BUFFER - 3] {
            let mut bytes = vec![b'.'; before];
            bytes.extend(RUN_ID_PLACEHOLDER.as_bytes());
            bytes.extend(b"tail");
            File::create(&path).expect("made").write_all(&bytes).expect("written");
            assert_eq!(placeholders(&path).expect("read"), [before as u64]);
            let run = RunId::new();
            assert!(stamp(&path, run).expect("stamped"));
            bytes[before..before + 36].copy_from_slice(run.to_string().as_bytes());
            assert_eq!(fs::read(&path).expect("read"), bytes);
            assert!(!stamp(&path, run).expect("looked"), "there is nothing left to stamp");
        }
    }
}
