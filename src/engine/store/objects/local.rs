//! Objects as files of the project's own store: `objects/ab/cdef…`.
//!
//! An object is written under a name of its own and put in its place whole, for targets that leave the same bytes may
//! keep them at once. What a kill of the machine leaves of one may be torn all the same: it is verified on the way out,
//! and one that does not say what its name says is a miss.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::modes::{remove, rename, set_mode};
use super::super::own_file;
use super::Objects;
use super::mode::digest_of_bytes;
use crate::engine::digest::Digest;

/// How the name of an object ends that is being written.
const NEW: &str = "new";

/// The directory of objects.
#[derive(Debug)]
pub(crate) struct LocalObjects {
    dir: PathBuf,
}

impl LocalObjects {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// All files where objects lie.
    fn files(&self) -> impl Iterator<Item = walkdir::DirEntry> {
        let files = walkdir::WalkDir::new(&self.dir).min_depth(2).max_depth(2);
        files.into_iter().flatten()
    }

    fn path(&self, key: Digest) -> PathBuf {
        let hex = key.hex();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }

    /// Puts an object in its place, unless one of this size is there already; `write` makes it at the path that it is given.
    fn put(&self, key: Digest, size: u64, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let to = self.path(key);
        match fs::symlink_metadata(&to) {
            Ok(there) if there.is_file() && there.len() == size => return Ok(()),
            // Anything else is replaced by a rename.
            Ok(there) if there.is_dir() => remove(&to)?,
            _ => {}
        }
        if let Some(parent) = to.parent().filter(|parent| !parent.exists()) {
            own_file::make_directory(parent)?;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let new = to.with_extension(format!("{}-{number}.{NEW}", std::process::id()));
        let written = remove(&new).and_then(|()| write(&new)).and_then(|()| rename(&new, &to));
        written.inspect_err(|_| drop(remove(&new)))
    }
}

impl Objects for LocalObjects {
    fn has(&self, key: Digest) -> bool {
        // A pipe would be waited for.
        fs::symlink_metadata(self.path(key)).is_ok_and(|it| it.is_file())
    }

    fn keep(&self, key: Digest, from: &Path) -> io::Result<()> {
        self.put(key, fs::metadata(from)?.len(), |new| {
            reflink_copy::reflink_or_copy(from, new)?;
            set_mode(new, 0o600)
        })
    }

    fn keep_bytes(&self, bytes: &[u8]) -> io::Result<Digest> {
        let key = Digest::of(bytes);
        self.put(key, bytes.len() as u64, |new| own_file::create(new)?.write_all(bytes))?;
        Ok(key)
    }

    fn give(&self, key: Digest, to: &Path) -> io::Result<bool> {
        if !self.has(key) {
            return Ok(false);
        }
        let from = self.path(key);
        match reflink_copy::reflink_or_copy(&from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(false),
            other => other?,
        };
        if digest_of_bytes(to)? == key {
            return Ok(true);
        }
        fs::remove_file(to)?;
        let _ = fs::remove_file(&from);
        Ok(false)
    }

    fn read(&self, key: Digest) -> Option<Vec<u8>> {
        let bytes = own_file::read(&self.path(key)).ok()?;
        (Digest::of(&bytes) == key).then_some(bytes)
    }

    fn is_whole(&self, key: Digest) -> bool {
        self.has(key) && digest_of_bytes(&self.path(key)).is_ok_and(|digest| digest == key)
    }

    fn all(&self) -> Vec<(Digest, u64)> {
        let object = |entry: walkdir::DirEntry| {
            let first = entry.path().parent()?.file_name()?.to_str()?.to_owned();
            let key = Digest::from_hex(&format!("{first}{}", entry.file_name().to_str()?))?;
            Some((key, entry.metadata().ok()?.len()))
        };
        self.files().filter_map(object).collect()
    }

    fn sweep(&self) {
        let is_new = |entry: &walkdir::DirEntry| entry.path().extension().is_some_and(|it| it == NEW);
        for left in self.files().filter(is_new) {
            let _ = remove(left.path());
        }
    }

    fn remove(&self, key: Digest) -> io::Result<()> {
        remove(&self.path(key))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::{give, keep};
    use super::*;
    use crate::engine::digest::{Tree, of_file};
    use crate::engine::run_id::RunId;
    use crate::engine::spec::ArtifactKind;
    use crate::engine::store::entry::Artifact;
    use crate::engine::tree::whole;

    fn artifact(objects: &LocalObjects, from: &Path) -> Artifact {
        let (object, mode) = keep(objects, ArtifactKind::Directory, from).expect("kept");
        Artifact {
            name: "plots".into(),
            path: "plots".into(),
            kind: ArtifactKind::Directory,
            content: object,
            bytes: object,
            object: Some(object),
            mode,
            size: 0,
            run: RunId::new(),
        }
    }

    fn write(path: &Path, bytes: &[u8]) {
        File::create(path).expect("made").write_all(bytes).expect("written");
    }

    #[test]
    fn a_directory_comes_back_whole_and_a_damaged_object_is_a_miss() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = LocalObjects::new(dir.path().join("objects"));
        let from = dir.path().join("plots");
        fs::create_dir_all(from.join("sub")).expect("made");
        write(&from.join("sub/a"), b"text");
        fs::set_permissions(from.join("sub"), fs::Permissions::from_mode(0o700)).expect("set");
        let artifact = artifact(&objects, &from);
        let to = dir.path().join("back");
        assert!(give(&objects, &artifact, &to).expect("given"));
        let read = |path: &Path| Tree::read(path, &of_file, &whole).expect("read");
        assert_eq!(read(&to), read(&from));
        let mode = fs::metadata(to.join("sub")).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        let object = objects.path(Digest::of(b"text"));
        write(&object, b"torn");
        let third = dir.path().join("third");
        assert!(!give(&objects, &artifact, &third).expect("asked"));
        assert!(!third.exists());
    }

    #[test]
    fn something_else_than_a_file_in_the_place_of_an_object_is_a_miss_and_is_replaced() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = LocalObjects::new(dir.path().join("objects"));
        let key = objects.keep_bytes(b"text").expect("kept");
        let (place, to) = (objects.path(key), dir.path().join("to"));
        let elsewhere = dir.path().join("elsewhere");
        fs::copy(&place, &elsewhere).expect("copied");
        fs::remove_file(&place).expect("removed");
        let makes: [&dyn Fn(); 3] = [
            &|| {
                let made = std::process::Command::new("mkfifo").arg(&place).status();
                assert!(made.expect("started").success());
            },
            &|| std::os::unix::fs::symlink(&elsewhere, &place).expect("linked"),
            &|| fs::create_dir(&place).expect("made"),
        ];
        for make in makes {
            make();
            assert!(!objects.has(key) && !objects.is_whole(key));
            assert!(!objects.give(key, &to).expect("asked"));
            assert_eq!(objects.read(key), None);
            objects.keep_bytes(b"text").expect("kept");
            assert!(objects.give(key, &to).expect("given"));
            fs::remove_file(&place).expect("removed");
            fs::remove_file(&to).expect("removed");
        }
        assert_eq!(fs::read(&elsewhere).expect("read"), b"text");
    }

    #[test]
    fn those_who_keep_the_same_bytes_at_once_all_keep_them() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = LocalObjects::new(dir.path().join("objects"));
        let from = dir.path().join("from");
        for round in 0..200_u64 {
            write(&from, &round.to_le_bytes().repeat(1 << 12));
            let key = digest_of_bytes(&from).expect("read");
            let together = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        together.wait();
                        objects.keep(key, &from).expect("kept");
                        assert!(objects.is_whole(key));
                    });
                }
            });
        }
        assert_eq!(objects.all().len(), 200);
    }

    #[test]
    fn what_a_killed_writer_left_is_no_object_and_is_swept_away() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = LocalObjects::new(dir.path().join("objects"));
        let key = objects.keep_bytes(b"text").expect("kept");
        let left = objects.path(key).with_extension("1-0.new");
        write(&left, b"te");
        assert_eq!(objects.all(), [(key, 4)]);
        objects.sweep();
        assert!(!left.exists() && objects.is_whole(key));
    }

    #[test]
    fn a_listing_that_leads_out_is_a_miss() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let objects = LocalObjects::new(dir.path().join("objects"));
        let key = objects.keep_bytes(b"text").expect("kept");
        for path in ["../out", "/out", "a/../../out", ""] {
            let listing = format!("[{{\"path\":\"{path}\",\"what\":{{\"file\":\"{key}\"}}}}]");
            let key = objects.keep_bytes(listing.as_bytes()).expect("kept");
            assert_eq!(super::super::Listing::read(&objects, key), None, "{path}");
        }
    }
}
