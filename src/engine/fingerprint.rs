//! Everything that a target's result depends on, kept field by field.
//!
//! | in it | how |
//! |---|---|
//! | the task | a built-in's name and version; a command's text before parameters are put in, and the words of its shell |
//! | used parameters | name and canonical value, each separately |
//! | inputs | role and content digest; for commands also the path and the order |
//! | declared environment | name and digest of the value |
//! | outputs | names and kinds; for commands also the paths |
//! | this format | [`FORMAT`] |
//!
//! Not in it: time, host, user, git revision, thread count, secrets, the order of keys, file times, absolute paths.
//!
//! One walk over the fields ([`Fingerprint::walk`]) feeds the hash and the comparison, so a field that is hashed
//! can always be explained.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::spec::{ArtifactKind, Value};

/// Raised whenever a fingerprint's fields or their texts change meaning.
pub const FORMAT: u32 = 1;

/// Everything that one target's result depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// [`FORMAT`] of the program that made it.
    pub format: u32,
    /// What is done.
    pub task: Task,
    /// The parameters that it uses.
    pub params: BTreeMap<String, Value>,
    /// What it reads: by role for a built-in, in the declared order for a command.
    pub inputs: Vec<Input>,
    /// The environment that it declares; `None` where a variable is not set.
    pub env: BTreeMap<String, Option<Digest>>,
    /// What it makes.
    pub outputs: Vec<Output>,
}

/// What a target does, as far as its result depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// A task of this program.
    Builtin {
        /// The task's name.
        name: String,
        /// The task's version.
        version: u32,
    },
    /// A command.
    Command {
        /// Its text before parameters are put in.
        text: String,
        /// The words of the shell that reads it; `None` for a list of words.
        shell: Option<Vec<String>>,
    },
}

/// One thing that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its role.
    pub role: String,
    /// Its path relative to the project: for commands, which see it.
    pub path: Option<String>,
    /// Its content digest; `None` as long as the target that makes it has to run first.
    pub content: Option<Digest>,
}

/// One thing that is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The artifact's name.
    pub name: String,
    /// File or directory.
    pub kind: ArtifactKind,
    /// Its path relative to the project: for commands, which see it.
    pub path: Option<String>,
}

/// Names one field of a fingerprint; with names of its own, or, as `Field<&str>`, with those of the fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Field<S = String> {
    /// The fingerprint's own format.
    Format,
    /// What is done.
    Task,
    /// A parameter, by name.
    Param(S),
    /// The content of an input.
    Input {
        /// Its role.
        role: S,
        /// Its path, for commands.
        path: Option<S>,
    },
    /// The order of a command's inputs.
    InputOrder,
    /// An environment variable, by name.
    Env(S),
    /// An output, by the artifact's name.
    Output(S),
}

impl Field<&str> {
    /// The same field with names of its own.
    #[must_use]
    pub fn owned(&self) -> Field {
        match *self {
            Self::Format => Field::Format,
            Self::Task => Field::Task,
            Self::Param(name) => Field::Param(name.to_owned()),
            Self::Input { role, path } => Field::Input {
                role: role.to_owned(),
                path: path.map(str::to_owned),
            },
            Self::InputOrder => Field::InputOrder,
            Self::Env(name) => Field::Env(name.to_owned()),
            Self::Output(name) => Field::Output(name.to_owned()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("fingerprint format"),
            Self::Task => f.write_str("task"),
            Self::Param(name) | Self::Output(name) => f.write_str(name),
            Self::Input { role, path: Some(path) } if role != path => write!(f, "{role} ({path})"),
            Self::Input { role, .. } => f.write_str(role),
            Self::InputOrder => f.write_str("order of the inputs"),
            Self::Env(name) => write!(f, "${name}"),
        }
    }
}

impl Fingerprint {
    /// Visits every field with its canonical text, in one fixed order; the text is `None` for an input that is not
    /// known yet.
    pub fn walk<'a>(&'a self, mut visit: impl FnMut(Field<&'a str>, Option<fmt::Arguments<'_>>)) {
        let Self {
            format,
            task,
            params,
            inputs,
            env,
            outputs,
        } = self;
        visit(Field::Format, Some(format_args!("{format}")));
        visit(Field::Task, Some(format_args!("{task}")));
        for (name, value) in params {
            visit(Field::Param(name), Some(format_args!("{}: {value}", value.type_name())));
        }
        for Input { role, path, content } in inputs {
            let path = path.as_deref();
            let field: Field<&str> = Field::Input { role, path };
            match content {
                Some(content) => visit(field, Some(format_args!("{content}"))),
                None => visit(field, None),
            }
        }
        let order: Vec<&str> = inputs.iter().filter_map(|input| input.path.as_deref()).collect();
        if order.len() > 1 {
            visit(Field::InputOrder, Some(format_args!("{}", order.join("\n"))));
        }
        for (name, value) in env {
            match value {
                Some(value) => visit(Field::Env(name), Some(format_args!("{value}"))),
                None => visit(Field::Env(name), Some(format_args!("not set"))),
            }
        }
        for Output { name, kind, path } in outputs {
            let kind = match kind {
                ArtifactKind::File => "file",
                ArtifactKind::Directory => "directory",
            };
            match path {
                Some(path) => visit(Field::Output(name), Some(format_args!("{kind} {path}"))),
                None => visit(Field::Output(name), Some(format_args!("{kind}"))),
            }
        }
    }

    /// Every field with its canonical text, in the order of [`Self::walk`].
    #[must_use]
    pub fn fields(&self) -> Vec<(Field<&str>, Option<String>)> {
        let mut fields = Vec::new();
        self.walk(|field, text| fields.push((field, text.map(|text| text.to_string()))));
        fields
    }

    /// The hash of all fields; `None` as long as an input is not known.
    #[must_use]
    pub fn hash(&self) -> Option<Digest> {
        let mut bytes = Vec::with_capacity(1024);
        let mut is_known = true;
        self.walk(|field, text| {
            match field {
                Field::Format => put(&mut bytes, format_args!("format")),
                Field::Task => put(&mut bytes, format_args!("task")),
                Field::Param(name) => {
                    put(&mut bytes, format_args!("param"));
                    put(&mut bytes, format_args!("{name}"));
                }
                Field::Input { role, path } => {
                    put(&mut bytes, format_args!("input"));
                    put(&mut bytes, format_args!("{role}"));
                    match path {
                        Some(path) => put(&mut bytes, format_args!("={path}")),
                        None => put(&mut bytes, format_args!("")),
                    }
                }
                Field::InputOrder => put(&mut bytes, format_args!("order")),
                Field::Env(name) => {
                    put(&mut bytes, format_args!("env"));
                    put(&mut bytes, format_args!("{name}"));
                }
                Field::Output(name) => {
                    put(&mut bytes, format_args!("output"));
                    put(&mut bytes, format_args!("{name}"));
                }
            }
            match text {
                Some(text) => put(&mut bytes, text),
                None => is_known = false,
            }
        });
        is_known.then(|| Digest::of(&bytes))
    }
}

/// Appends a text after its length in bytes, so that no two lists of texts give the same bytes.
fn put(bytes: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let at = bytes.len();
    bytes.extend([0; 8]);
    // Writing to memory cannot fail.
    let _ = bytes.write_fmt(text);
    let length = (bytes.len() - at - 8) as u64;
    bytes[at..at + 8].copy_from_slice(&length.to_le_bytes());
}

/// Its canonical text.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin { name, version } => write!(f, "{name} version {version}"),
            Self::Command {
                text,
                shell: Some(words),
            } => {
                let words: serde_json::Value = words.iter().map(String::as_str).collect();
                write!(f, "shell {words}\n{text}")
            }
            Self::Command { text, shell: None } => write!(f, "exec {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn sample() -> Fingerprint {
        Fingerprint {
            format: FORMAT,
            task: Task::Command {
                text: "sort {{input.raw}} > {{output}}".to_owned(),
                shell: Some(vec!["sh".to_owned(), "-c".to_owned()]),
            },
            params: BTreeMap::from([
                ("horizon".to_owned(), Value::Int(24)),
                ("models".to_owned(), Value::List(vec![Value::Text("ETS".to_owned())])),
            ]),
            inputs: vec![
                Input {
                    role: "raw".to_owned(),
                    path: Some("data/raw.csv".to_owned()),
                    content: Some(digest("raw")),
                },
                Input {
                    role: "sort.sh".to_owned(),
                    path: Some("sort.sh".to_owned()),
                    content: Some(digest("script")),
                },
            ],
            env: BTreeMap::from([("REGION".to_owned(), Some(digest("US48"))), ("ZONE".to_owned(), None)]),
            outputs: vec![Output {
                name: "clean".to_owned(),
                kind: ArtifactKind::File,
                path: Some("data/clean.csv".to_owned()),
            }],
        }
    }

    /// If this fails, every result of every project counts for nothing after an upgrade: raise [`FORMAT`], so that
    /// `why` can say so, or take the change back.
    #[test]
    fn the_hash_of_one_whole_fingerprint_is_pinned() {
        assert_eq!(
            sample().hash().expect("known").hex(),
            "d6e16d10e2de2792c7ce5ca092a0ed4744b138ca22dd002d326ce5215004b18e"
        );
    }

    /// Another value for each field in turn; a new field does not compile here until it is edited as well.
    fn edited(field: usize, word: &str) -> Option<Fingerprint> {
        let Fingerprint {
            mut format,
            mut task,
            mut params,
            mut inputs,
            mut env,
            mut outputs,
        } = sample();
        let text = word.to_owned();
        match field {
            0 => format += 1,
            1 => {
                let shell = Some(vec!["sh".to_owned(), "-c".to_owned()]);
                task = Task::Command { text, shell };
            }
            2 => {
                let Task::Command { text, .. } = task else { return None };
                task = Task::Command { text, shell: None };
            }
            21 => {
                let Task::Command { text: command, .. } = task else {
                    return None;
                };
                let (text, shell) = (command, Some(vec![text, "-c".to_owned()]));
                task = Task::Command { text, shell };
            }
            3 => {
                task = Task::Builtin { name: text, version: 1 };
            }
            4 => drop(params.insert("horizon".to_owned(), Value::Text("24".to_owned()))),
            5 => drop(params.insert("horizon".to_owned(), Value::Text(text))),
            6 => drop(params.insert(text, Value::Bool(true))),
            7 => drop(params.remove("models")),
            8 => inputs[0].role = text,
            9 => inputs[0].path = Some(text),
            10 => inputs[0].content = Some(digest(word)),
            11 => inputs.swap(0, 1),
            12 => drop(inputs.pop()),
            13 => drop(env.insert("REGION".to_owned(), Some(digest(word)))),
            14 => drop(env.insert("REGION".to_owned(), None)),
            15 => drop(env.insert("ZONE".to_owned(), Some(digest("")))),
            16 => drop(env.remove("ZONE")),
            17 => outputs[0].name = text,
            18 => outputs[0].kind = ArtifactKind::Directory,
            19 => outputs[0].path = Some(text),
            20 => outputs.push(Output {
                name: text,
                kind: ArtifactKind::File,
                path: None,
            }),
            _ => return None,
        }
        Some(Fingerprint {
            format,
            task,
            params,
            inputs,
            env,
            outputs,
        })
    }

    const EDITS: usize = 22;

    proptest! {
        #[test]
        fn every_field_counts_and_every_difference_is_told(field in 0..EDITS, word in "[a-z]{1,8}") {
            let (before, after) = (sample(), edited(field, &word).expect("an edit"));
            prop_assert!(before.hash() != after.hash(), "edit {field}");
            let told = crate::engine::reason::differences(&before, &after);
            prop_assert!(!told.is_empty(), "edit {field}");
            prop_assert!(told.iter().all(|difference| difference.before != difference.after));
        }

        #[test]
        fn two_fingerprints_that_differ_hash_differently(
            one in (0..EDITS, "[a-z]{1,8}"),
            two in (0..EDITS, "[a-z]{1,8}"),
        ) {
            let [one, two] = [one, two].map(|(field, word)| edited(field, &word).expect("an edit"));
            prop_assert_eq!(one == two, one.hash() == two.hash());
            prop_assert_eq!(one == two, crate::engine::reason::differences(&one, &two).is_empty());
        }
    }

    #[test]
    fn there_is_no_further_edit() {
        assert!(edited(EDITS, "word").is_none() && edited(EDITS - 1, "word").is_some());
    }

    #[test]
    fn what_is_not_known_yet_has_no_hash() {
        let mut open = sample();
        open.inputs[1].content = None;
        assert_eq!(open.hash(), None);
        assert!(crate::engine::reason::differences(&sample(), &open).is_empty());
    }
}
