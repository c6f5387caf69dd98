//! The only place that puts artifacts into the project.
//!
//! Placing never overwrites blindly: a rename that does not replace, or an exchange; what comes out is deleted only
//! if its bytes are ones that the journal says atsaf placed at that path, else it is kept under `displaced/`.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::RenameFlags;

use super::entry::{Artifact, Entry, ResultEntry};
use super::modes::{remove, rename_with};
use super::{Store, StoreError, StoredResult, move_file};
use crate::engine::digest::{self, BUFFER, Digest, Tree};
use crate::engine::files::{self, Files};
use crate::engine::reason::Reason;
use crate::engine::run_id::{RUN_ID_PLACEHOLDER, RunId};
use crate::engine::spec::{ArtifactKind, Output};
use crate::engine::tree::whole;

/// An artifact as an attempt left it, examined and stamped.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    /// What is made of it.
    pub(crate) artifact: Artifact,
    /// Where it lies.
    pub(crate) at: PathBuf,
}

impl Staged {
    /// Digests what an attempt wrote to `at`, and stamps the run's id into it if the task is a built-in.
    pub(crate) fn examine(output: &Output, at: PathBuf, run: RunId, stamp: bool) -> io::Result<Self> {
        let (content, bytes, size) = match output.kind {
            ArtifactKind::File if stamp => stamp_file(&at, run)?,
            ArtifactKind::File => {
                let digest = digest::of_file(&at)?;
                (digest, digest, fs::metadata(&at)?.len())
            }
            ArtifactKind::Directory => {
                let tree = Tree::read(&at, &digest::of_file, &whole)?;
                let sizes = tree
                    .0
                    .iter()
                    .filter_map(|(name, _)| fs::symlink_metadata(at.join(name)).ok());
                let size = sizes.filter(fs::Metadata::is_file).map(|it| it.len()).sum();
                (tree.content_mark(), tree.digest(), size)
            }
        };
        let artifact = Artifact {
            name: output.port.clone(),
            path: output.path.clone(),
            kind: output.kind,
            content,
            bytes,
            size,
            run,
        };
        Ok(Self { artifact, at })
    }
}

/// Writes the run's id over every placeholder; gives the digests before and after, and the size.
fn stamp_file(path: &Path, run: RunId) -> io::Result<(Digest, Digest, u64)> {
    let holes = placeholders(path)?;
    let content = digest::of_file(path)?;
    let size = fs::metadata(path)?.len();
    if holes.is_empty() {
        return Ok((content, content, size));
    }
    let mut file = File::options().write(true).open(path)?;
    for hole in holes {
        file.seek(SeekFrom::Start(hole))?;
        file.write_all(run.to_string().as_bytes())?;
    }
    drop(file);
    Ok((content, digest::of_file(path)?, size))
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
        mut made: ResultEntry,
        staged: &[Staged],
        record: Option<&StoredResult>,
        cache: bool,
        files: &Files,
    ) -> Result<Committed, StoreError> {
        let mut place = Vec::new();
        let mut trouble = None;
        for Staged { artifact, at } in staged {
            let before = record.and_then(|past| past.artifacts.iter().find(|old| old.name == artifact.name));
            let intact = |old: &&Artifact| {
                old.content == artifact.content
                    && old.kind == artifact.kind
                    && files.digest_beside(&artifact.path, Some(old.bytes)).ok().flatten()
                        == Some((old.bytes, old.kind))
            };
            if let Some(old) = before.filter(intact) {
                made.artifacts.push(Artifact {
                    path: artifact.path.clone(),
                    ..old.clone()
                });
                continue;
            }
            if cache && let Err(error) = self.objects.keep(at, artifact.kind, artifact.bytes) {
                trouble = Some(format!("no copy of `{}` could be kept: {error}", artifact.name));
            }
            made.artifacts.push(artifact.clone());
            place.push((artifact.clone(), at.clone()));
        }
        let (target, hash, run) = (made.target.clone(), made.hash, made.run);
        let artifacts = made.artifacts.clone();
        self.append(&[Entry::Intent(Box::new(made))])?;
        let displaced = self.place_all(&place, run, files)?;
        self.append(&[Entry::Result { target, hash }])?;
        Ok(Committed {
            displaced,
            artifacts,
            trouble,
        })
    }

    /// Puts an earlier result back in place; `None` if a copy is missing or damaged, and then nothing was changed.
    pub(crate) fn restore(
        &self,
        past: &StoredResult,
        target: (&str, &[Output]),
        run: RunId,
        reasons: Vec<Reason>,
        files: &Files,
    ) -> Result<Option<Vec<Displaced>>, StoreError> {
        let (target, outputs) = target;
        let (mut place, mut whole) = (Vec::new(), true);
        for (number, artifact) in past.artifacts.iter().enumerate() {
            let Some(output) = outputs.iter().find(|output| output.port == artifact.name) else {
                return Ok(None);
            };
            let found = files.digest_beside(&output.path, Some(artifact.bytes));
            if found.ok().flatten() == Some((artifact.bytes, artifact.kind)) {
                continue;
            }
            let dir = self
                .staging_beside(&files.at(&output.path), run)
                .join(format!("{target}.restore"));
            let at = dir.join(number.to_string());
            let give = || -> io::Result<bool> {
                fs::create_dir_all(&dir)?;
                remove(&at)?;
                self.objects.give(artifact.bytes, artifact.kind, &at)
            };
            if !give().map_err(StoreError::at(&at))? {
                // The others are looked at as well: what is damaged goes, and the attempt that follows replaces it.
                whole = false;
            }
            let mut artifact = artifact.clone();
            artifact.path.clone_from(&output.path);
            place.push((artifact, at));
        }
        if !whole {
            return Ok(None);
        }
        let (target, hash) = (target.to_owned(), past.hash);
        if !place.is_empty() {
            let files = place
                .iter()
                .map(|(artifact, _)| (artifact.path.clone(), artifact.bytes))
                .collect();
            self.append(&[Entry::Placement { files }])?;
        }
        let displaced = self.place_all(&place, run, files)?;
        self.append(&[Entry::Restore {
            run,
            target,
            hash,
            reasons,
        }])?;
        Ok(Some(displaced))
    }

    fn place_all(
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
        let root = self.root();
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
            remove(staged)?;
            return Ok(None);
        }
        let former = self.former(artifact, to, run)?;
        super::rename(staged, &former)?;
        rename_with(&former, to, RenameFlags::EXCHANGE)?;
        self.dispose(&former, &artifact.path, run)
    }

    /// Where what comes out of an artifact's place lies until it was looked at: should the build be killed before
    /// that, [`Store::rescue`] finds it there.
    fn former(&self, artifact: &Artifact, to: &Path, run: RunId) -> io::Result<PathBuf> {
        let former = self.staging_beside(to, run).join(FORMER).join(&artifact.path);
        fs::create_dir_all(former.parent().unwrap_or(&former))?;
        remove(&former)?;
        Ok(former)
    }

    /// Looks at what a build had taken out of artifacts' places when it was killed; tells what it kept.
    pub(super) fn rescue(&self, run: RunId) -> io::Result<Vec<Displaced>> {
        let stagings = self.stagings(run).into_iter();
        let formers = stagings.map(|staging| staging.join(FORMER));
        let formers: Vec<PathBuf> = formers.filter(|former| former.exists()).collect();
        if formers.is_empty() {
            return Ok(Vec::new());
        }
        let placements = |ledger: &super::Ledger| ledger.placements().map(|(path, _)| path.to_owned()).collect();
        let paths: Vec<String> = self.ledger(placements);
        let all = formers
            .iter()
            .flat_map(|former| paths.iter().map(|path| (former.join(path), path)));
        let displaced = all
            .filter(|(at, _)| exists(at))
            .map(|(at, path)| self.dispose(&at, path, run));
        displaced.filter_map(Result::transpose).collect()
    }

    /// Deletes what came out of an artifact's place if atsaf had put it there, else keeps it under `displaced/`.
    pub(crate) fn dispose(&self, former: &Path, path: &str, run: RunId) -> io::Result<Option<Displaced>> {
        let own = self.placed_at(former, path)?.is_some();
        if own && former.is_dir() {
            // Out of sight first: a kill must not leave half of it where it would be taken for somebody's work.
            let staging = self.staging_beside(&self.root().join(path), run);
            let gone = staging.join(GONE).join(path);
            fs::create_dir_all(gone.parent().unwrap_or(&gone))?;
            remove(&gone)?;
            super::rename(former, &gone)?;
            remove(&gone)?;
            return Ok(None);
        }
        if own {
            remove(former)?;
            return Ok(None);
        }
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
        Ok(Some(Displaced {
            path: path.to_owned(),
            to,
        }))
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
        let is_placed = |digest| self.ledger(|ledger| ledger.placed(path, digest));
        Ok(digest_of(at, &is_placed)?.filter(|digest| is_placed(*digest)))
    }
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
            let (content, stamped, size) = stamp_file(&path, run).expect("stamped");
            assert_eq!((content, size), (Digest::of(&bytes), bytes.len() as u64));
            bytes[before..before + 36].copy_from_slice(run.to_string().as_bytes());
            assert_eq!(stamped, Digest::of(&bytes));
        }
    }
}
