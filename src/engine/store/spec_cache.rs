//! The Spec of the last build, so that an Atsaffile that has not changed is not checked again.
//!
//! A cache of one file, free to delete; it counts only for the key under which it was kept: a digest of the text, of
//! what the command line sets, and of what the program knows of its tasks.

use std::fs;
use std::io;
use std::path::Path;

use crate::engine::digest::Digest;
use crate::engine::spec::{Spec, Text};

const LIMIT: usize = 1 << 30;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// Reads the Spec, if a sound one is kept under `key`; its text is not kept with it.
pub(super) fn load(path: &Path, key: Digest, text: Text) -> Option<Spec> {
    let bytes = fs::read(path).ok()?;
    let (head, body) = bytes.split_at_checked(128)?;
    if head != seal(key, body).as_bytes() {
        return None;
    }
    let (mut spec, _): (Spec, usize) = bincode::serde::decode_from_slice(body, config()).ok()?;
    spec.text = text;
    spec.share_shells();
    Some(spec)
}

/// Keeps the Spec under `key`.
pub(super) fn save(path: &Path, key: Digest, spec: &Spec) -> io::Result<()> {
    let body = bincode::serde::encode_to_vec(spec, config()).map_err(io::Error::other)?;
    let mut bytes = seal(key, &body).into_bytes();
    bytes.extend(body);
    super::replace_file(path, &bytes)
}

fn seal(key: Digest, body: &[u8]) -> String {
    format!("{key}{}", Digest::of(body))
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
        save(&path, key, &spec).expect("saved");
        assert_eq!(load(&path, key, Text::default()), Some(spec));
        assert_eq!(load(&path, other, Text::default()), None);
        let file = fs::File::options().write(true).open(&path).expect("opened");
        file.set_len(130).expect("cut");
        assert_eq!(load(&path, key, Text::default()), None);
    }
}
