//! Entries of every kind, with a value of each kind in them.

use std::collections::BTreeMap;

use super::super::entry::{Acceptance, Answer, Artifact, Entry, Failed, Mode, ResultEntry, RunEntry};
use super::super::journal::START;
use crate::engine::digest::Digest;
use crate::engine::fingerprint::{ActionFields, Field, FieldValue, Fingerprint, InputField, OutputField};
use crate::engine::reason::{Difference, Reason};
use crate::engine::result_id::{Discovered, Installed};
use crate::engine::run_id::RunId;
use crate::engine::spec::{ArtifactKind, Means, Value};

pub(super) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A fingerprint with a value of each kind.
fn fingerprint(action: ActionFields) -> Fingerprint {
    let table = BTreeMap::from([("key".to_owned(), Value::Bool(true))]);
    let values = [
        Value::Int(-3),
        Value::Float(0.5),
        Value::Text("text".to_owned()),
        Value::Date("2024-01-01".to_owned()),
        Value::Path("data/x.csv".to_owned()),
        Value::List(vec![Value::Int(1), Value::List(Vec::new())]),
        Value::Table(table),
        Value::Null,
    ];
    Fingerprint {
        format: 2,
        action,
        params: values
            .into_iter()
            .enumerate()
            .map(|(at, value)| (format!("p{at}"), value))
            .collect(),
        inputs: vec![InputField {
            role: "clean".into(),
            path: Some("data/clean.csv".into()),
            content: Some(digest("clean")),
        }],
        env: BTreeMap::from([("REGION".to_owned(), None), ("ZONE".to_owned(), Some(digest("eu")))]),
        probe: Some("7".to_owned()),
        outputs: vec![OutputField {
            port: "plots".into(),
            kind: ArtifactKind::Directory,
            path: None,
        }],
        direct: true,
    }
}

/// Every kind of reason.
fn reasons() -> Vec<Reason> {
    let changed = |field, before, after| Reason::Changed(Difference { field, before, after });
    let (artifact, path) = ("plots".to_owned(), "out/plots".to_owned());
    let shown = Some(FieldValue::Output {
        kind: ArtifactKind::File,
        path: None,
    });
    let param = FieldValue::Param(std::borrow::Cow::Owned(Value::Int(7)));
    vec![
        Reason::NeverBuilt,
        Reason::Forced,
        Reason::Unknown,
        Reason::Missing {
            artifact: artifact.clone(),
            path: path.clone(),
        },
        Reason::Altered { artifact, path },
        Reason::Interrupted,
        Reason::Unfinished,
        Reason::TooOld { limit: 3_600_000 },
        Reason::NeededBy {
            target: "fit".to_owned(),
        },
        changed(Field::TaskVersion, Some(FieldValue::Version(1)), None),
        changed(Field::Param("p".to_owned()), Some(param), Some(FieldValue::Absent)),
        changed(
            Field::Command,
            None,
            Some(FieldValue::Texts(vec!["sh".into(), "-c".into()])),
        ),
        changed(Field::Cwd, None, Some(FieldValue::Text("src".into()))),
        changed(Field::Probe, Some(FieldValue::Text("7".into())), shown),
        changed(
            Field::Discovered("lib.py".to_owned()),
            Some(FieldValue::Digest(digest("x"))),
            None,
        ),
    ]
}

/// The same in every process, so that a case that was found is one of the same entries ever after.
fn run(number: u8) -> RunId {
    let id = format!("01970000-0000-7000-8000-0000000000{number:02}");
    id.parse().expect("an id")
}

fn result(target: &str, action: ActionFields, mode: Mode) -> Box<ResultEntry> {
    let mut of_file = ResultEntry::of_file(target, "model", &format!("out/{target}/model"), digest(target));
    let run = run(1);
    (of_file.run, of_file.artifacts[0].run) = (run, run);
    let plots = Artifact {
        name: "plots".into(),
        path: ecow::eco_format!("out/{target}/plots"),
        kind: ArtifactKind::Directory,
        object: Some(digest("listing")),
        mode,
        run,
        ..of_file.artifacts[0].clone()
    };
    Box::new(ResultEntry {
        discovered: vec![Discovered {
            path: "lib.py".to_owned(),
            content: Some(digest("lib")),
        }],
        fingerprint: Some(fingerprint(action)),
        artifacts: [of_file.artifacts.clone(), vec![plots]].concat(),
        read: vec![("clean".to_owned(), "data/clean.csv".to_owned())],
        reasons: reasons(),
        written: vec![("state.db".to_owned(), digest("state"))],
        installed: vec![Installed {
            name: "pandas".to_owned(),
            version: "2.1.4".to_owned(),
            at: ".venv/lib".to_owned(),
            program: Some(digest("python")),
        }],
        seen_by: Some(Means::Depfile),
        effect_key: Some(digest("key")),
        ..of_file
    })
}

/// Entries of every kind, as a project might have them.
pub(super) fn entries() -> Vec<Entry> {
    let shell = ActionFields::Shell {
        text: "cat {{inputs}}".into(),
        shell: ["sh", "-c"].map(str::to_owned).into(),
    };
    let words = ActionFields::Words {
        words: vec!["cp".to_owned(), "a".to_owned()],
    };
    let builtin = ActionFields::Builtin {
        name: "train".to_owned(),
        version: 2,
        parts: BTreeMap::from([("arima".to_owned(), 4)]),
    };
    let within = ActionFields::Within {
        cwd: "src".to_owned(),
        words: vec!["cat x".to_owned()],
        shell: Some(["sh", "-c"].map(str::to_owned).into()),
    };
    let fit = result("fit", shell, Mode::Exact(0o750));
    let (run, id) = (fit.run, fit.id);
    let target = || "fit".to_owned();
    vec![
        Entry::Run(RunEntry {
            run,
            boot: "boot".to_owned(),
            pid: 7,
            goals: vec![target()],
            set: vec![("h".to_owned(), "24".to_owned())],
        }),
        Entry::Acting { target: target() },
        Entry::SetAside {
            run,
            target: target(),
            files: vec![("out/fit/model".to_owned(), format!(".atsaf/v1/aside/{run}/fit/0"))],
        },
        Entry::AsideEnded { target: target() },
        Entry::Intent(fit),
        Entry::Result { target: target(), id },
        Entry::Placement {
            files: vec![("out/old".to_owned(), digest("old"))],
        },
        Entry::Restore {
            run: self::run(2),
            reasons: reasons(),
            result: result("plot", words, Mode::Executable),
        },
        Entry::Failure(Failed {
            run,
            target: target(),
            attempt: 2,
            duration: 40,
            what: "it ended with 1".to_owned(),
        }),
        Entry::Past(result("train", builtin, Mode::Plain)),
        Entry::Past(result("site", within, Mode::Plain)),
        Entry::Forgotten {
            ids: vec![digest("train")],
        },
        Entry::Ended {
            run,
            duration: 90,
            counts: [1, 2, 3, 4],
            interrupted: true,
        },
        Entry::Synced { upto: START },
        Entry::Answered {
            target: target(),
            answer: Answer {
                question: digest("question"),
                answer: "etag: 7".to_owned(),
                at: 1_700_000_000_000,
            },
        },
        Entry::Accepted {
            target: target(),
            acceptance: Box::new(acceptance(id)),
        },
    ]
}

fn acceptance(id: Digest) -> Acceptance {
    let of_file = ResultEntry::of_file("fit", "model", "out/fit/model", digest("by hand"));
    let mut artifacts = of_file.artifacts;
    artifacts[0].run = run(1);
    Acceptance {
        run: run(3),
        why: "only a comment changed".to_owned(),
        id,
        declared: digest("declared"),
        discovered: vec![Discovered {
            path: "lib.py".to_owned(),
            content: None,
        }],
        installed: Vec::new(),
        artifacts,
        at: 1_700_000_000_000,
    }
}

/// What entries hold is known by its number: if this fails, every journal says something else.
#[test]
fn the_kinds_of_what_entries_hold_keep_their_numbers() {
    fn bytes(value: impl serde::Serialize) -> Vec<u8> {
        bincode::serde::encode_to_vec(value, bincode::config::standard()).expect("encoded")
    }
    assert_eq!(bytes(Value::Table(BTreeMap::new())), [7, 0]);
    assert_eq!(bytes(Value::Null), [8]);
    assert_eq!(bytes(Field::<String>::Direct), [14]);
    assert_eq!(bytes(Field::<String>::Cwd), [15]);
    let words = ActionFields::Words {
        words: vec!["cp".to_owned()],
    };
    assert_eq!(bytes(words), b"\x02\x01\x02cp");
    let within = ActionFields::Within {
        cwd: "src".to_owned(),
        words: vec!["cat x".to_owned()],
        shell: Some(["sh", "-c"].map(str::to_owned).into()),
    };
    assert_eq!(bytes(within), b"\x03\x03src\x01\x05cat x\x01\x02\x02sh\x02-c");
}

/// A new kind of entry does not compile until an example of it stands in [`entries`].
fn number(entry: &Entry) -> usize {
    match entry {
        Entry::Run(_) => 0,
        Entry::Intent(_) => 1,
        Entry::Result { .. } => 2,
        Entry::Placement { .. } => 3,
        Entry::Restore { .. } => 4,
        Entry::SetAside { .. } => 5,
        Entry::AsideEnded { .. } => 6,
        Entry::Failure(_) => 7,
        Entry::Ended { .. } => 8,
        Entry::Synced { .. } => 9,
        Entry::Acting { .. } => 10,
        Entry::Forgotten { .. } => 11,
        Entry::Past(_) => 12,
        Entry::Answered { .. } => 13,
        Entry::Accepted { .. } => 14,
    }
}

#[test]
fn there_is_an_example_of_every_kind_of_entry() {
    let mut numbers: Vec<usize> = entries().iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..15).collect::<Vec<_>>());
}
