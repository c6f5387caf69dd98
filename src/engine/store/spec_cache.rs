//! The Specs of the last builds with the warnings about them, so that an Atsaffile that is as it was for one of them is not
//! checked again: one in which nothing changed, or a value was turned back.
//!
//! A cache, each Spec a file under its key, free to delete; the key is a digest of the text, of what the command line sets,
//! and of what the program knows of its tasks. What a Spec says is what will run, so it is bound to the user's own key: one
//! that came from elsewhere is missed. Who needs a few targets decodes no others.
//!
//! ```text
//! head ─▶ pieces: targets, one behind the other ─▶ directory of their names
//! ```

use std::io;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::user_key::{UserKey, seal};
use super::{bounded, latest, own_file};
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::packed::{self, Directory, Places};
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

/// A Spec as it is kept, its targets not yet decoded.
struct Kept<'b> {
    head: Head,
    /// From the first piece on.
    body: &'b [u8],
}

impl<'b> Kept<'b> {
    /// What stands in the bytes of a file, if the key's owner wrote them for it.
    fn of(bytes: &'b [u8], key: Digest, user: &UserKey) -> Option<Self> {
        let secret = user.read()?;
        let (hash, rest) = bytes.split_at_checked(blake3::OUT_LEN)?;
        if blake3::Hash::from_slice(hash).ok()? != seal(&secret, [key.bytes(), rest]) {
            return None;
        }
        let (head, read) = bounded::decode(rest)?;
        Some(Self {
            head,
            body: rest.get(read..)?,
        })
    }

    /// All targets, many side by side.
    fn all(&self) -> Option<Vec<Target>> {
        let mut rest = self.body;
        let mut encoded = Vec::with_capacity(self.head.pieces.len());
        for length in &self.head.pieces {
            let (piece, after) = rest.split_at_checked(*length)?;
            encoded.push(piece);
            rest = after;
        }
        let room = bounded::room::<Target>(encoded.len() * PIECE, self.body);
        let mut targets = Vec::with_capacity(room);
        for pieces in encoded.chunks(2 * rayon::current_num_threads()) {
            let decoded: Option<Vec<Vec<Target>>> = pieces.par_iter().map(|piece| in_piece(piece)).collect();
            for some in decoded? {
                targets.extend(some);
            }
        }
        targets.shrink_to_fit();
        Some(targets)
    }

    /// Those with some names, in their order; `None` if one is not there.
    fn named(&self, names: &[&str]) -> Option<Vec<Target>> {
        let mut lengths = self.head.pieces.iter();
        let end = lengths.try_fold(0_usize, |end, length| end.checked_add(*length))?;
        let (targets, directory) = self.body.split_at_checked(end)?;
        let directory = Directory::of(directory);
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let mut like = directory.places_of(name).filter_map(|place| {
                let target: Target = packed::value(targets.get(usize::try_from(place).ok()?..)?)?;
                Some((place, target))
            });
            found.push(like.find(|(_, target)| target.name == *name)?);
        }
        found.sort_by_key(|(place, _)| *place);
        Some(found.into_iter().map(|(_, target)| target).collect())
    }
}

/// The targets of a piece.
fn in_piece(mut piece: &[u8]) -> Option<Vec<Target>> {
    let mut targets = Vec::with_capacity(PIECE);
    while !piece.is_empty() {
        let (target, read) = bounded::decode(piece)?;
        targets.push(target);
        piece = piece.get(read..)?;
    }
    Some(targets)
}

/// Reads the Spec, if a sound one is kept under `key` in the directory of a store, or of it the targets with some names, if
/// all are there; its text is not kept with it.
pub(super) fn load(store: &Path, key: Digest, user: &UserKey, names: Option<&[&str]>) -> Option<CheckedSpec> {
    let bytes = own_file::read(&store.join(DIRECTORY).join(name(key))).ok()?;
    let kept = Kept::of(&bytes, key, user)?;
    let targets = match names {
        Some(names) => kept.named(names)?,
        None => kept.all()?,
    };
    let Head { mut spec, warnings, .. } = kept.head;
    spec.targets = targets;
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
    let (mut targets, mut pieces) = (Vec::new(), Vec::new());
    let mut names = Places::default();
    for (number, target) in spec.targets.iter().enumerate() {
        names.push(&target.name, targets.len() as u64);
        let begin = targets.len();
        packed::append(target, &mut targets);
        let length = targets.len() - begin;
        match pieces.last_mut() {
            Some(piece) if !number.is_multiple_of(PIECE) => *piece += length,
            _ => pieces.push(length),
        }
    }
    let head = HeadRef { spec, warnings, pieces };
    let mut body = bincode::serde::encode_to_vec(head, config()).map_err(io::Error::other)?;
    body.extend(targets);
    body.extend(names.encode());
    let mut bytes = seal(&secret, [key.bytes(), &body]).as_bytes().to_vec();
    bytes.extend(body);
    latest::keep(&store.join(DIRECTORY), &name(*key), &bytes, KEPT)
}

fn name(key: Digest) -> String {
    key.hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use ecow::{EcoString, eco_format};

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
        let load = |key, user: &UserKey| load(store, key, user, None);
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
            .filter(|number| load(store, key(*number), &user, None).is_some())
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
            task: "train".into(),
            version: 3,
            programs: [Program {
                name: "Ours".to_owned(),
                command: Command {
                    file_words: ["ours.py".into()].into(),
                    ..Command::default()
                },
                files: vec!["uv.lock".to_owned()],
                discover: Some(Means::Python),
                env: vec!["MODE".to_owned()],
                secrets: Vec::new(),
            }]
            .into(),
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
    fn of_many_targets_those_that_are_named_are_read_in_their_order() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = dir.path();
        let user = UserKey::in_directory(Some(store.join("state")));
        let CheckedSpec { mut spec, .. } = example();
        let like = spec.targets[0].clone();
        spec.targets = (0..3 * PIECE)
            .map(|number| Target {
                name: eco_format!("t{number}"),
                ..like.clone()
            })
            .collect();
        let key = Digest::of(b"key");
        let warnings = Some(Vec::new());
        let new = SpecToKeep {
            key,
            warnings,
            user: user.clone(),
        };
        save(store, &new, &spec).expect("saved");
        let names = |names: Option<&[&str]>| -> Option<Vec<EcoString>> {
            let found = load(store, key, &user, names)?.spec.targets;
            Some(found.into_iter().map(|target| target.name).collect())
        };
        let all: Vec<EcoString> = spec.targets.iter().map(|target| target.name.clone()).collect();
        assert_eq!(names(None), Some(all));
        let last = format!("t{}", 3 * PIECE - 1);
        let told = Some(vec!["t0".into(), "t128".into(), last.as_str().into()]);
        assert_eq!(names(Some(&[last.as_str(), "t128", "t0"])), told);
        assert_eq!(names(Some(&["t0", "other"])), None);
        assert_eq!(names(Some(&[])), Some(Vec::new()));
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
            let _ = load(store, key, &user, Some(&["part@A", "fit"]));
            load(store, key, &user, None)
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
