//! The Specs of the last builds with the warnings about them, so that an Atsaffile that is as it was for one of them is not
//! checked again: one in which nothing changed, or a value was turned back.
//!
//! A cache, each Spec a file under its key, free to delete; the key is a digest of the text, of what the command line sets,
//! and of what the program knows of its tasks. What a Spec says is what will run, so it is bound to the user's own key: one
//! that came from elsewhere is missed.

use std::io;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::user_key::{UserKey, seal};
use super::{bounded, latest, own_file};
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::spec::{Spec, Target};

/// The directory of all.
pub(super) const DIRECTORY: &str = "specs";

/// So many are kept, those of the latest builds.
const KEPT: usize = 4;

const LIMIT: usize = 1 << 30;
/// Targets of one piece: many are read side by side.
const PIECE: usize = 128;

/// What an Atsaffile in which nothing is wrong says.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSpec {
    /// Its targets.
    pub spec: Spec,
    /// What each command says about it, every time.
    pub warnings: Vec<Diagnostic>,
}

/// A Spec that is worth keeping, but for the Spec itself.
#[derive(Debug)]
pub(super) struct SpecToKeep {
    pub(super) key: Digest,
    /// `None` if it is kept already.
    pub(super) warnings: Option<Vec<Diagnostic>>,
    pub(super) user: UserKey,
}

/// What stands before the pieces, in which the targets are.
#[derive(Deserialize)]
struct Head {
    /// Without targets.
    spec: Spec,
    warnings: Vec<Diagnostic>,
    /// The length of each piece.
    pieces: Vec<usize>,
}

/// The same, borrowed.
#[derive(Serialize)]
struct HeadRef<'a> {
    spec: &'a Spec,
    warnings: &'a [Diagnostic],
    pieces: Vec<usize>,
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// Reads the Spec, if a sound one is kept under `key` in the directory of a store; its text is not kept with it.
pub(super) fn load(store: &Path, key: Digest, user: &UserKey) -> Option<CheckedSpec> {
    let secret = user.read()?;
    let bytes = own_file::read(&store.join(DIRECTORY).join(name(key))).ok()?;
    let (head, body) = bytes.split_at_checked(blake3::OUT_LEN)?;
    if blake3::Hash::from_slice(head).ok()? != seal(&secret, [key.bytes(), body]) {
        return None;
    }
    let (head, read): (Head, usize) = bounded::decode(body)?;
    let Head {
        mut spec,
        warnings,
        pieces,
    } = head;
    let mut rest = body.get(read..)?;
    let mut encoded = Vec::with_capacity(pieces.len());
    for length in pieces {
        let (piece, after) = rest.split_at_checked(length)?;
        encoded.push(piece);
        rest = after;
    }
    spec.targets
        .reserve_exact(bounded::room::<Target>(encoded.len() * PIECE, body));
    for pieces in encoded.chunks(2 * rayon::current_num_threads()) {
        let decoded: Option<Vec<Vec<Target>>> = pieces
            .par_iter()
            .map(|piece| bounded::decode(piece).map(|(targets, _)| targets))
            .collect();
        for targets in decoded? {
            spec.targets.extend(targets);
        }
    }
    spec.targets.shrink_to_fit();
    Some(CheckedSpec { spec, warnings })
}

/// Keeps the Spec and the warnings about it under its key, as the latest.
pub(super) fn save(store: &Path, new: &SpecToKeep, spec: &Spec) -> io::Result<()> {
    let SpecToKeep { key, warnings, user } = new;
    let Some(warnings) = warnings else {
        return latest::touch(&store.join(DIRECTORY).join(name(*key)));
    };
    let Some(secret) = user.read_or_make() else {
        return Ok(());
    };
    let pieces = spec.targets.chunks(PIECE);
    let pieces: Result<Vec<Vec<u8>>, _> = pieces
        .map(|piece| bincode::serde::encode_to_vec(piece, config()))
        .collect();
    let pieces = pieces.map_err(io::Error::other)?;
    let head = HeadRef {
        spec,
        warnings,
        pieces: pieces.iter().map(Vec::len).collect(),
    };
    let mut body = bincode::serde::encode_to_vec(head, config()).map_err(io::Error::other)?;
    for piece in pieces {
        body.extend(piece);
    }
    let mut bytes = seal(&secret, [key.bytes(), &body]).as_bytes().to_vec();
    bytes.extend(body);
    latest::keep(&store.join(DIRECTORY), &name(*key), &bytes, KEPT)
}

fn name(key: Digest) -> String {
    key.hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atsaffile::{Overrides, load as load_text};
    use crate::diagnostic::Place;
    use crate::engine::spec::schema::Catalog;
    use crate::engine::spec::{Action, Command, Means, Program, Text};
    use crate::fuzz::Fuzz;

    #[test]
    fn a_spec_counts_for_its_key_and_whole() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = dir.path();
        let (key, other) = (Digest::of(b"key"), Digest::of(b"other"));
        let spec = Spec {
            name: "project".to_owned(),
            ..Spec::default()
        };
        let warnings = vec![Diagnostic::warning("nothing reads it").help("remove it")];
        let user = UserKey::in_directory(Some(dir.path().join("state")));
        let load = |key, user: &UserKey| load(store, key, user);
        let new = SpecToKeep {
            key,
            warnings: Some(warnings.clone()),
            user: user.clone(),
        };
        save(store, &new, &spec).expect("saved");
        let kept = CheckedSpec { spec, warnings };
        assert_eq!(load(key, &user), Some(kept));
        assert_eq!(load(other, &user), None);
        let stranger = UserKey::in_directory(Some(dir.path().join("other")));
        assert_eq!(load(key, &stranger), None, "without a key");
        stranger.read_or_make().expect("made");
        assert_eq!(load(key, &stranger), None, "with another key");
        let path = store.join(DIRECTORY).join(name(key));
        let file = std::fs::File::options().write(true).open(path).expect("opened");
        file.set_len(130).expect("cut");
        assert_eq!(load(key, &user), None);
    }

    #[test]
    fn the_specs_of_the_latest_builds_are_kept() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = dir.path();
        let user = UserKey::in_directory(Some(store.join("state")));
        let key = |number: usize| Digest::of(&[u8::try_from(number).expect("small")]);
        let keep = |number: usize, warnings: Option<Vec<Diagnostic>>| {
            let (key, user) = (key(number), user.clone());
            save(store, &SpecToKeep { key, warnings, user }, &Spec::default()).expect("kept");
            // Times of files tell no less apart.
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        for number in 0..KEPT {
            keep(number, Some(Vec::new()));
        }
        keep(0, None);
        keep(KEPT, Some(Vec::new()));
        let kept: Vec<usize> = (0..=KEPT)
            .filter(|number| load(store, key(*number), &user).is_some())
            .collect();
        assert_eq!(
            kept,
            [0].into_iter().chain(2..=KEPT).collect::<Vec<_>>(),
            "the second is the oldest"
        );
    }

    /// A Spec with something of each kind in it, and the warnings about it.
    fn example() -> CheckedSpec {
        const TEXT: &str = r#"
default = ["fit", "all"]
ignore = ["*.log"]
[params]
h = 24
table = { a = [1, 2.5], b = 2024-01-01 }
[matrix]
region = ["A", "B"]
[secrets]
KEY = { optional = true }
[alias]
all = ["fit", "send"]
[target.fit]
desc = "fits"
run = "fit {{h}} {{inputs_file}} {{params_file}} x.py > {{output.model}}; ls {{inputs}} {{output.plots}}"
inputs = { csv = ["a.csv", "d/*.csv", "!d/b.csv"] }
outputs = { model = "out/model", plots = "out/plots/" }
params = ["table"]
env = ["REGION"]
secrets = ["KEY"]
retries = 2
retry_delay = "1s"
timeout = "1h30m"
[target.part]
each = ["region"]
run = "echo {{region}} > {{output}}"
output = "{{region}}"
[target.send]
run = ["send", "{{input.model}}", "{{output}}"]
inputs = ["model"]
output = "sent"
after = ["fit"]
effect = true
cache = false
"#;
        let (mut spec, _) = load_text("Atsaffile", TEXT, &Overrides::default(), &Catalog::default());
        assert_eq!(spec.targets.len(), 4);
        spec.text = Text::default();
        let mut builtin = spec.targets[1].clone();
        builtin.action = Action::Builtin {
            task: "train".to_owned(),
            version: 3,
            programs: vec![Program {
                name: "Ours".to_owned(),
                command: Command {
                    words: Vec::new(),
                    shell: None,
                    cwd: None,
                    file_words: vec!["ours.py".to_owned()],
                },
                files: vec!["uv.lock".to_owned()],
                discover: Some(Means::Python),
                env: vec!["MODE".to_owned()],
                secrets: Vec::new(),
            }],
        };
        spec.targets.push(builtin);
        let place = Place::locate("Atsaffile", TEXT, 3, 10).labelled("here");
        let warning = Diagnostic::warning("nothing reads it")
            .at(place)
            .note("so")
            .help("remove it");
        let warnings = vec![warning];
        CheckedSpec { spec, warnings }
    }

    #[test]
    fn fuzz_spec_cache() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = dir.path();
        let user = UserKey::in_directory(Some(dir.path().join("state")));
        let secret = user.read_or_make().expect("made");
        let CheckedSpec { spec, warnings } = example();
        let key = Digest::of(b"key");
        let new = SpecToKeep {
            key,
            warnings: Some(warnings),
            user: user.clone(),
        };
        save(store, &new, &spec).expect("saved");
        let path = store.join(DIRECTORY).join(name(key));
        let whole = own_file::read(&path).expect("read");
        let load = |bytes: &[u8]| {
            super::super::replace_file(&path, bytes).expect("written");
            load(store, key, &user)
        };
        assert_eq!(load(&whole), Some(example()));
        Fuzz::of("spec cache", [whole.clone()]).run(|bytes| {
            assert!(bytes == whole || load(bytes).is_none(), "it is not what was kept");
            // As if somebody knew the key.
            let body = bytes.get(blake3::OUT_LEN..).unwrap_or_default();
            let forged = [seal(&secret, [key.bytes(), body]).as_bytes(), body].concat();
            if let Some(CheckedSpec { spec, warnings }) = load(&forged) {
                let new = SpecToKeep {
                    key,
                    warnings: Some(warnings),
                    user: user.clone(),
                };
                save(store, &new, &spec).expect("saved");
            }
        });
    }
}
