//! The Spec of the last build with the warnings about it, so that an Atsaffile that has not changed is not checked again.
//!
//! A cache of one file, free to delete; it counts only for the key under which it was kept: a digest of the text, of
//! what the command line sets, and of what the program knows of its tasks.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

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
pub(super) fn load(path: &Path, key: Digest, text: Text) -> Option<CheckedSpec> {
    let bytes = fs::read(path).ok()?;
    let (head, body) = bytes.split_at_checked(128)?;
    if head != seal(key, body).as_bytes() {
        return None;
    }
    let (mut checked, _): (CheckedSpec, usize) = bincode::serde::decode_from_slice(body, config()).ok()?;
    checked.spec.text = text;
    checked.spec.share_shells();
    Some(checked)
}

/// Keeps the Spec and the warnings about it under `key`.
pub(super) fn save(path: &Path, key: Digest, spec: &Spec, warnings: &[Diagnostic]) -> io::Result<()> {
    let kept = Kept { spec, warnings };
    let body = bincode::serde::encode_to_vec(kept, config()).map_err(io::Error::other)?;
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
        let warnings = vec![Diagnostic::warning("nothing reads it").help("remove it")];
        save(&path, key, &spec, &warnings).expect("saved");
        let kept = CheckedSpec { spec, warnings };
        assert_eq!(load(&path, key, Text::default()), Some(kept));
        assert_eq!(load(&path, other, Text::default()), None);
        let file = fs::File::options().write(true).open(&path).expect("opened");
        file.set_len(130).expect("cut");
        assert_eq!(load(&path, key, Text::default()), None);
    }
}
