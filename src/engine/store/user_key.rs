//! A random key of the user's own, outside of every project: what atsaf believes without deriving it again is bound to
//! it. So a cache that came with a repository or from another machine counts for nothing, and says so by being missed.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use super::own_file;

/// The key in a file of the user's state directory.
#[derive(Clone, Debug, Default)]
pub struct UserKey {
    path: Option<PathBuf>,
}

impl UserKey {
    /// The key in a directory, whether it is there or not; without a directory there is none.
    #[must_use]
    pub fn in_directory(directory: Option<PathBuf>) -> Self {
        let path = directory.map(|directory| directory.join("key"));
        Self { path }
    }

    /// The key, if it is there, and nobody else's to read or write.
    #[must_use]
    pub(super) fn read(&self) -> Option<[u8; 32]> {
        let path = self.path.as_ref()?;
        let metadata = fs::symlink_metadata(path).ok()?;
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        let is_shared = metadata.permissions().mode() & 0o077 != 0;
        let key = own_file::read(path).ok().filter(|_| is_own && !is_shared)?;
        key.try_into().ok()
    }

    /// The key, made if it is not there; `None` where it cannot be kept.
    pub(super) fn read_or_make(&self) -> Option<[u8; 32]> {
        self.read().or_else(|| {
            self.make().ok()?;
            self.read()
        })
    }

    fn make(&self) -> io::Result<()> {
        let path = self.path.as_ref().ok_or(io::ErrorKind::NotFound)?;
        own_file::make_directory(path.parent().unwrap_or(path))?;
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let new = path.with_extension(std::process::id().to_string());
        let done = own_file::create(&new)
            .and_then(|mut file| file.write_all(&key))
            // Of two that make it at once, one is the first.
            .and_then(|()| fs::hard_link(&new, path));
        let _ = fs::remove_file(&new);
        done
    }
}

/// Binds some bytes to a key; a [`blake3::Hash`] is compared in a time that tells nothing of the two.
pub(super) fn seal(key: &[u8; 32], parts: [&[u8]; 2]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(parts[0]).update(parts[1]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_counts_as_long_as_it_is_private() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let key = UserKey::in_directory(Some(dir.path().join("state/atsaf")));
        assert_eq!(key.read(), None);
        let made = key.read_or_make().expect("made");
        assert_eq!(key.read_or_make(), Some(made));
        assert_ne!(made, [0; 32]);
        let path = dir.path().join("state/atsaf/key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert_eq!(key.read(), None, "others may have read it");
        assert_eq!(UserKey::default().read_or_make(), None);
    }
}
