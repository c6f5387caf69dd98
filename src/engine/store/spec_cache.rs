//! The Spec of the last build with the warnings about it, so that an Atsaffile that has not changed is not checked again.
//!
//! A cache of one file, free to delete; it counts only for the key under which it was kept: a digest of the text, of
//! what the command line sets, and of what the program knows of its tasks. What it says is what will run, so it is bound
//! to the user's own key: one that came from elsewhere is missed.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::own_file;
use super::user_key::UserKey;
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::spec::{Spec, Text};

const LIMIT: usize = 1 << 30;

/// What an Atsaffile in which nothing is wrong says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedSpec {
    /// Its targets.
    pub spec: Spec,
    /// What each command says about it, every time.
    pub warnings: Vec<Diagnostic>,
}

/// A Spec that is worth keeping, but for the Spec itself.
#[derive(Debug)]
pub(super) struct NewSpec {
    pub(super) key: Digest,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) user: UserKey,
}

/// What is kept, borrowed: encoded as [`CheckedSpec`].
#[derive(Serialize)]
struct Kept<'a> {
    spec: &'a Spec,
    warnings: &'a [Diagnostic],
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// Reads the Spec, if a sound one is kept under `key`; its text is not kept with it.
pub(super) fn load(path: &Path, key: Digest, text: Text, user: &UserKey) -> Option<CheckedSpec> {
    let secret = user.read()?;
    let bytes = own_file::read(path).ok()?;
    let (head, body) = bytes.split_at_checked(blake3::OUT_LEN)?;
    // Compared in a time that tells nothing of the two.
    if blake3::Hash::from_slice(head).ok()? != seal(key, body, &secret) {
        return None;
    }
    let (mut checked, _): (CheckedSpec, usize) = bincode::serde::decode_from_slice(body, config()).ok()?;
    checked.spec.text = text;
    checked.spec.share_shells();
    Some(checked)
}

/// Keeps the Spec and the warnings about it under `key`.
pub(super) fn save(path: &Path, new: &NewSpec, spec: &Spec) -> io::Result<()> {
    let NewSpec { key, warnings, user } = new;
    let Some(secret) = user.read_or_make() else {
        return Ok(());
    };
    let kept = Kept { spec, warnings };
    let body = bincode::serde::encode_to_vec(kept, config()).map_err(io::Error::other)?;
    let mut bytes = seal(*key, &body, &secret).as_bytes().to_vec();
    bytes.extend(body);
    super::replace_file(path, &bytes)
}

fn seal(key: Digest, body: &[u8], secret: &[u8; 32]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(key.bytes()).update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_counts_for_its_key_and_whole() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("spec");
        let (key, other) = (Digest::of(b"key"), Digest::of(b"other"));
        let spec = Spec {
            name: "project".to_owned(),
            ..Spec::default()
        };
        let warnings = vec![Diagnostic::warning("nothing reads it").help("remove it")];
        let user = UserKey::in_directory(Some(dir.path().join("state")));
        let load = |key, user: &UserKey| load(&path, key, Text::default(), user);
        let new = NewSpec {
            key,
            warnings: warnings.clone(),
            user: user.clone(),
        };
        save(&path, &new, &spec).expect("saved");
        let kept = CheckedSpec { spec, warnings };
        assert_eq!(load(key, &user), Some(kept));
        assert_eq!(load(other, &user), None);
        let stranger = UserKey::in_directory(Some(dir.path().join("other")));
        assert_eq!(load(key, &stranger), None, "without a key");
        stranger.read_or_make().expect("made");
        assert_eq!(load(key, &stranger), None, "with another key");
        let file = std::fs::File::options().write(true).open(&path).expect("opened");
        file.set_len(130).expect("cut");
        assert_eq!(load(key, &user), None);
    }
}
