//! Everything that a target's result depends on, kept field by field.
//!
//! | in it | how |
//! |---|---|
//! | the task | a built-in's name and version; a command's text before parameters are put in, and whether it is the shell's |
//! | used parameters | name and canonical value, each separately |
//! | inputs | role and content digest; for commands also the path and the order |
//! | declared environment | name and digest of the value |
//! | outputs | names and kinds; for commands also the paths |
//! | this format | [`FORMAT`] |
//!
//! Not in it: time, host, user, git revision, thread count, secrets, the order of keys, file times, absolute paths.
//!
//! One walk over the fields ([`Fingerprint::fields`]) feeds the hash and the comparison, so a field that is hashed
//! can always be explained.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::spec::{Kind, Value};

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
        /// Whether the shell reads it.
        shell: bool,
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
    pub kind: Kind,
    /// Its path relative to the project: for commands, which see it.
    pub path: Option<String>,
}

/// Names one field of a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Field {
    /// The fingerprint's own format.
    Format,
    /// What is done.
    Task,
    /// A parameter, by name.
    Param(String),
    /// The content of an input.
    Input {
        /// Its role.
        role: String,
        /// Its path, for commands.
        path: Option<String>,
    },
    /// The order of a command's inputs.
    InputOrder,
    /// An environment variable, by name.
    Env(String),
    /// An output, by the artifact's name.
    Output(String),
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
    /// Every field with its canonical text, in one fixed order; the text is `None` for an input that is not known yet.
    #[must_use]
    pub fn fields(&self) -> Vec<(Field, Option<String>)> {
        let Self {
            format,
            task,
            params,
            inputs,
            env,
            outputs,
        } = self;
        let mut fields = Vec::with_capacity(3 + params.len() + inputs.len() + env.len() + outputs.len());
        fields.push((Field::Format, Some(format.to_string())));
        fields.push((Field::Task, Some(task.text())));
        for (name, value) in params {
            fields.push((
                Field::Param(name.clone()),
                Some(format!("{}: {value}", value.type_name())),
            ));
        }
        for Input { role, path, content } in inputs {
            let field = Field::Input {
                role: role.clone(),
                path: path.clone(),
            };
            fields.push((field, content.as_ref().map(Digest::hex)));
        }
        let order: Vec<&str> = inputs.iter().filter_map(|input| input.path.as_deref()).collect();
        if order.len() > 1 {
            fields.push((Field::InputOrder, Some(order.join("\n"))));
        }
        for (name, value) in env {
            let text = value.as_ref().map_or_else(|| "not set".to_owned(), Digest::hex);
            fields.push((Field::Env(name.clone()), Some(text)));
        }
        for Output { name, kind, path } in outputs {
            let kind = match kind {
                Kind::File => "file",
                Kind::Directory => "directory",
            };
            let text = path
                .as_ref()
                .map_or_else(|| kind.to_owned(), |path| format!("{kind} {path}"));
            fields.push((Field::Output(name.clone()), Some(text)));
        }
        fields
    }

    /// The hash of all fields; `None` as long as an input is not known.
    #[must_use]
    pub fn hash(&self) -> Option<Digest> {
        let mut bytes = Vec::with_capacity(1024);
        let mut put = |texts: &[&str]| {
            for text in texts {
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
        };
        for (field, text) in self.fields() {
            match &field {
                Field::Format => put(&["format"]),
                Field::Task => put(&["task"]),
                Field::Param(name) => put(&["param", name]),
                Field::Input { role, path } => {
                    let path = path.as_deref().map_or_else(String::new, |path| format!("={path}"));
                    put(&["input", role, &path]);
                }
                Field::InputOrder => put(&["order"]),
                Field::Env(name) => put(&["env", name]),
                Field::Output(name) => put(&["output", name]),
            }
            put(&[&text?]);
        }
        Some(Digest::of(&bytes))
    }
}

impl Task {
    /// Its canonical text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Builtin { name, version } => format!("{name} version {version}"),
            Self::Command { text, shell: true } => format!("sh -c {text}"),
            Self::Command { text, shell: false } => format!("exec {text}"),
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
                shell: true,
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
                kind: Kind::File,
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
            "3187d5a621cbb87b671e127e103a26947e85e0f2aced569c74d23d0c2a2dd37f"
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
            1 => task = Task::Command { text, shell: true },
            2 => {
                let Task::Command { text, .. } = task else { return None };
                task = Task::Command { text, shell: false };
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
            18 => outputs[0].kind = Kind::Directory,
            19 => outputs[0].path = Some(text),
            20 => outputs.push(Output {
                name: text,
                kind: Kind::File,
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

    const EDITS: usize = 21;

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
