//! Everything that a target's result depends on, kept field by field.
//!
//! | in it | how |
//! |---|---|
//! | the task | a built-in's name and version, and the version of each part that its parameters name; a command's text before parameters are put in, the shell that reads it, and the directory in which it runs if it is not the project's |
//! | used parameters | name and typed value, each separately |
//! | inputs | role and content digest; for commands also the path and the order |
//! | declared environment | name and digest of the value |
//! | the outside world | what a probe answered before the attempt |
//! | outputs | ports and kinds; for commands also the paths |
//! | this format | [`FORMAT`] |
//!
//! Not in it: time, host, user, git revision, thread count, secrets, the order of keys, file times, absolute paths.
//!
//! This is the *declared* fingerprint. A result goes by its [result id](super::result_id), which adds what an attempt
//! was seen to use without declaring it.
//!
//! One walk over the fields ([`Fingerprint::walk`]) feeds the hash, the comparison and the reports, so a field that is
//! hashed can always be explained. Values are typed from end to end: nothing reads one back from a text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ecow::EcoString;
use serde::{Deserialize, Serialize};

use super::digest::{Digest, Encoder};
use super::spec::{ArtifactKind, Value};

/// Raised whenever a fingerprint's fields or their encoding change meaning.
pub const FORMAT: u32 = 2;

/// Everything that one target's result depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// [`FORMAT`] of the program that made it.
    pub format: u32,
    /// What is done.
    pub action: ActionFields,
    /// The parameters that it uses.
    pub params: BTreeMap<String, Value>,
    /// What it reads: by role for a built-in, in the declared order for a command.
    pub inputs: Vec<InputField>,
    /// The environment that it declares; `None` where a variable is not set.
    pub env: BTreeMap<String, Option<Digest>>,
    /// What a probe of the outside world answered.
    pub probe: Option<String>,
    /// What it makes, in the declared order, which a command sees.
    pub outputs: Vec<OutputField>,
    /// Whether a command writes the declared paths itself, which it sees.
    pub direct: bool,
}

/// What a target does, as far as its result depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionFields {
    /// A task of this program.
    Builtin {
        /// The task's name.
        name: String,
        /// The task's version.
        version: u32,
        /// Name and version of each part of the task that the parameters name, such as a model.
        parts: BTreeMap<String, u32>,
    },
    /// A text for a shell.
    Shell {
        /// The text before parameters are put in, its lines ended by a line feed each.
        text: EcoString,
        /// The words of the shell, to which the text is appended.
        shell: Arc<[String]>,
    },
    /// A program and its arguments.
    Words {
        /// The words before parameters are put in.
        words: Vec<String>,
    },
    /// A text or words that run in a directory of the project.
    Within {
        /// The directory, relative to the project.
        cwd: String,
        /// The text, or the words.
        words: Vec<String>,
        /// The words of the shell of a text.
        shell: Option<Arc<[String]>>,
    },
}

/// One thing that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputField {
    /// Its role.
    pub role: EcoString,
    /// Its path relative to the project: for commands, which see it.
    pub path: Option<EcoString>,
    /// Its content digest; `None` as long as the target that makes it has to run first.
    pub content: Option<Digest>,
}

/// One thing that is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputField {
    /// The name under which the task knows it.
    pub port: EcoString,
    /// File or directory.
    pub kind: ArtifactKind,
    /// Its path relative to the project: for commands, which see it.
    pub path: Option<EcoString>,
}

/// Names one field of a fingerprint; with names of its own, or, as `Field<&str>`, with those of the fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Field<S = String> {
    /// The fingerprint's own format.
    Format,
    /// The built-in task.
    Task,
    /// The version of the built-in task.
    TaskVersion,
    /// The version of a part of the task, by the part's name.
    Part(S),
    /// The text or the words of a command.
    Command,
    /// The shell that reads a command's text.
    Shell,
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
    /// What a probe answered.
    Probe,
    /// An output, by its port.
    Output(S),
    /// A file that an attempt was seen to use without declaring it, by path.
    Discovered(S),
    /// The order of a command's outputs.
    OutputOrder,
    /// Whether a command writes the declared paths itself.
    Direct,
    /// The directory in which a command runs.
    Cwd,
    /// Something installed that an attempt was seen to use, by name.
    Installed(S),
    /// By which means it is looked what an attempt uses.
    Means,
}

/// The typed value of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FieldValue<'a> {
    /// The number of a version.
    Version(u32),
    /// A text: a name, a command, a probe's answer.
    Text(Cow<'a, str>),
    /// Texts in order: the words of a command, the paths of inputs.
    Texts(Vec<Cow<'a, str>>),
    /// The value of a parameter.
    Param(Cow<'a, Value>),
    /// The digest of a content, or of a value that is not kept.
    Digest(Digest),
    /// Nothing: an environment variable that is not set, a file that is not there.
    Absent,
    /// Kind and path of an output.
    Output {
        /// File or directory.
        kind: ArtifactKind,
        /// Its path, for commands.
        path: Option<Cow<'a, str>>,
    },
}

impl Field<&str> {
    /// The same field with names of its own.
    #[must_use]
    pub fn owned(&self) -> Field {
        match *self {
            Self::Format => Field::Format,
            Self::Task => Field::Task,
            Self::TaskVersion => Field::TaskVersion,
            Self::Part(name) => Field::Part(name.to_owned()),
            Self::Command => Field::Command,
            Self::Shell => Field::Shell,
            Self::Param(name) => Field::Param(name.to_owned()),
            Self::Input { role, path } => Field::Input {
                role: role.to_owned(),
                path: path.map(str::to_owned),
            },
            Self::InputOrder => Field::InputOrder,
            Self::Env(name) => Field::Env(name.to_owned()),
            Self::Probe => Field::Probe,
            Self::Output(port) => Field::Output(port.to_owned()),
            Self::Discovered(path) => Field::Discovered(path.to_owned()),
            Self::OutputOrder => Field::OutputOrder,
            Self::Direct => Field::Direct,
            Self::Cwd => Field::Cwd,
            Self::Installed(name) => Field::Installed(name.to_owned()),
            Self::Means => Field::Means,
        }
    }

    /// Appends the field's own name.
    fn encode(&self, into: &mut Encoder) {
        match *self {
            Self::Format => into.tag(0),
            Self::Task => into.tag(1),
            Self::TaskVersion => into.tag(2),
            Self::Part(name) => into.tag(3).text(name),
            Self::Command => into.tag(4),
            Self::Shell => into.tag(5),
            Self::Param(name) => into.tag(6).text(name),
            Self::Input { role, path: None } => into.tag(7).text(role),
            Self::Input { role, path: Some(path) } => into.tag(8).text(role).text(path),
            Self::InputOrder => into.tag(9),
            Self::Env(name) => into.tag(10).text(name),
            Self::Probe => into.tag(11),
            Self::Output(port) => into.tag(12).text(port),
            Self::Discovered(path) => into.tag(13).text(path),
            Self::OutputOrder => into.tag(14),
            Self::Direct => into.tag(15),
            Self::Cwd => into.tag(16),
            Self::Installed(name) => into.tag(17).text(name),
            Self::Means => into.tag(18),
        };
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("fingerprint format"),
            Self::Task | Self::TaskVersion => f.write_str("task"),
            Self::Command => f.write_str("command"),
            Self::Shell => f.write_str("shell"),
            Self::Part(name)
            | Self::Param(name)
            | Self::Output(name)
            | Self::Discovered(name)
            | Self::Installed(name) => f.write_str(name),
            Self::Input { role, path: Some(path) } if role != path => write!(f, "{role} ({path})"),
            Self::Input { role, .. } => f.write_str(role),
            Self::InputOrder => f.write_str("order of the inputs"),
            Self::Env(name) => write!(f, "${name}"),
            Self::Probe => f.write_str("probe"),
            Self::OutputOrder => f.write_str("order of the outputs"),
            Self::Direct => f.write_str("direct"),
            Self::Cwd => f.write_str("cwd"),
            Self::Means => f.write_str("discover"),
        }
    }
}

impl<'a> FieldValue<'a> {
    fn texts<'t: 'a>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self::Texts(texts.into_iter().map(Cow::Borrowed).collect())
    }

    /// The same value with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> FieldValue<'static> {
        match self {
            Self::Version(number) => FieldValue::Version(number),
            Self::Text(text) => FieldValue::Text(Cow::Owned(text.into_owned())),
            Self::Texts(texts) => {
                FieldValue::Texts(texts.into_iter().map(|text| Cow::Owned(text.into_owned())).collect())
            }
            Self::Param(value) => FieldValue::Param(Cow::Owned(value.into_owned())),
            Self::Digest(digest) => FieldValue::Digest(digest),
            Self::Absent => FieldValue::Absent,
            Self::Output { kind, path } => FieldValue::Output {
                kind,
                path: path.map(|path| Cow::Owned(path.into_owned())),
            },
        }
    }

    /// Appends type and value, so that no two values give the same bytes.
    fn encode(&self, into: &mut Encoder) {
        match self {
            Self::Version(number) => into.tag(0).number(u64::from(*number)),
            Self::Text(text) => into.tag(1).text(text),
            Self::Texts(texts) => {
                into.tag(2).number(texts.len() as u64);
                texts.iter().fold(into, |into, text| into.text(text))
            }
            Self::Param(value) => {
                into.tag(3);
                value.encode(into)
            }
            Self::Digest(digest) => into.tag(4).digest(digest),
            Self::Absent => into.tag(5),
            Self::Output { kind, path } => {
                into.tag(6).tag(match kind {
                    ArtifactKind::File => 0,
                    ArtifactKind::Directory => 1,
                });
                match path {
                    None => into.tag(0),
                    Some(path) => into.tag(1).text(path),
                }
            }
        };
    }
}

impl ActionFields {
    fn walk<'a>(&'a self, visit: &mut impl FnMut(Field<&'a str>, Option<FieldValue<'a>>)) {
        match self {
            Self::Builtin { name, version, parts } => {
                visit(Field::Task, Some(FieldValue::Text(name.into())));
                visit(Field::TaskVersion, Some(FieldValue::Version(*version)));
                for (part, version) in parts {
                    visit(Field::Part(part), Some(FieldValue::Version(*version)));
                }
            }
            Self::Shell { text, shell } => {
                visit(Field::Command, Some(FieldValue::Text(text.as_str().into())));
                let shell = shell.iter().map(String::as_str);
                visit(Field::Shell, Some(FieldValue::texts(shell)));
            }
            Self::Words { words } => {
                let words = words.iter().map(String::as_str);
                visit(Field::Command, Some(FieldValue::texts(words)));
            }
            Self::Within { cwd, words, shell } => {
                if let (Some(shell), [text]) = (shell, words.as_slice()) {
                    visit(Field::Command, Some(FieldValue::Text(text.into())));
                    let shell = shell.iter().map(String::as_str);
                    visit(Field::Shell, Some(FieldValue::texts(shell)));
                } else {
                    let words = words.iter().map(String::as_str);
                    visit(Field::Command, Some(FieldValue::texts(words)));
                }
                visit(Field::Cwd, Some(FieldValue::Text(cwd.into())));
            }
        }
    }
}

impl Fingerprint {
    /// Visits every field with its value, in one fixed order; the value is `None` for an input that is not known yet.
    pub fn walk<'a>(&'a self, mut visit: impl FnMut(Field<&'a str>, Option<FieldValue<'a>>)) {
        let Self {
            format,
            action,
            params,
            inputs,
            env,
            probe,
            outputs,
            direct,
        } = self;
        visit(Field::Format, Some(FieldValue::Version(*format)));
        action.walk(&mut visit);
        for (name, value) in params {
            visit(Field::Param(name), Some(FieldValue::Param(Cow::Borrowed(value))));
        }
        for InputField { role, path, content } in inputs {
            let path = path.as_deref();
            visit(Field::Input { role, path }, content.map(FieldValue::Digest));
        }
        let order: Vec<&str> = inputs.iter().filter_map(|input| input.path.as_deref()).collect();
        if order.len() > 1 {
            visit(Field::InputOrder, Some(FieldValue::texts(order)));
        }
        for (name, value) in env {
            visit(
                Field::Env(name),
                Some(value.map_or(FieldValue::Absent, FieldValue::Digest)),
            );
        }
        if let Some(answer) = probe {
            visit(Field::Probe, Some(FieldValue::Text(answer.into())));
        }
        for OutputField { port, kind, path } in outputs {
            let path = path.as_deref().map(Cow::Borrowed);
            visit(Field::Output(port), Some(FieldValue::Output { kind: *kind, path }));
        }
        let order: Vec<&str> = outputs.iter().filter_map(|output| output.path.as_deref()).collect();
        if order.len() > 1 {
            visit(Field::OutputOrder, Some(FieldValue::texts(order)));
        }
        if *direct {
            visit(Field::Direct, Some(FieldValue::Param(Cow::Owned(Value::Bool(true)))));
        }
    }

    /// Every field with its value, in the order of [`Self::walk`].
    #[must_use]
    pub fn fields(&self) -> Vec<(Field<&str>, Option<FieldValue<'_>>)> {
        let mut fields = Vec::new();
        self.walk(|field, value| fields.push((field, value)));
        fields
    }

    /// The hash of all fields; `None` as long as an input is not known.
    #[must_use]
    pub fn hash(&self) -> Option<Digest> {
        let mut encoder = Encoder::new("atsaf fingerprint");
        let mut is_known = true;
        self.walk(|field, value| {
            field.encode(&mut encoder);
            match value {
                Some(value) => value.encode(&mut encoder),
                None => is_known = false,
            }
        });
        is_known.then(|| encoder.finish())
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
            action: ActionFields::Shell {
                text: "sort {{input.raw}} > {{output}}".into(),
                shell: ["bash", "-c"].map(str::to_owned).into(),
            },
            params: BTreeMap::from([
                ("horizon".to_owned(), Value::Int(24)),
                ("models".to_owned(), Value::List(vec![Value::Text("ETS".to_owned())])),
            ]),
            inputs: vec![
                InputField {
                    role: "raw".into(),
                    path: Some("data/raw.csv".into()),
                    content: Some(digest("raw")),
                },
                InputField {
                    role: "sort.sh".into(),
                    path: Some("sort.sh".into()),
                    content: Some(digest("script")),
                },
            ],
            env: BTreeMap::from([("REGION".to_owned(), Some(digest("US48"))), ("ZONE".to_owned(), None)]),
            probe: None,
            outputs: vec![OutputField {
                port: "clean".into(),
                kind: ArtifactKind::File,
                path: Some("data/clean.csv".into()),
            }],
            direct: false,
        }
    }

    /// If this fails, every result of every project counts for nothing after an upgrade: raise [`FORMAT`], so that
    /// `why` can say so, or take the change back.
    #[test]
    fn the_hash_of_one_whole_fingerprint_is_pinned() {
        assert_eq!(
            sample().hash().expect("known").hex(),
            "7b1a68e0245213bcf360c7011d4a8ed3b3ce147a83b5b0128c7ed5f68e795fab"
        );
    }

    fn shell(text: &str, shell: &[&str]) -> ActionFields {
        ActionFields::Shell {
            text: text.into(),
            shell: shell.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    fn builtin(name: &str, version: u32, parts: &[(&str, u32)]) -> ActionFields {
        ActionFields::Builtin {
            name: name.to_owned(),
            version,
            parts: parts
                .iter()
                .map(|(part, version)| ((*part).to_owned(), *version))
                .collect(),
        }
    }

    /// The sample's command in a directory.
    fn within(cwd: &str, is_text: bool) -> ActionFields {
        ActionFields::Within {
            cwd: cwd.to_owned(),
            words: vec!["sort {{input.raw}} > {{output}}".to_owned()],
            shell: is_text.then(|| ["bash", "-c"].map(str::to_owned).into()),
        }
    }

    /// Another value for each field in turn; a new field does not compile here until it is edited as well.
    fn edited(field: usize, word: &str) -> Option<Fingerprint> {
        let Fingerprint {
            mut format,
            mut action,
            mut params,
            mut inputs,
            mut env,
            mut probe,
            mut outputs,
            mut direct,
        } = sample();
        let text = word.to_owned();
        match field {
            0 => format += 1,
            1 => action = shell(&text, &["bash", "-c"]),
            2 => action = shell("sort {{input.raw}} > {{output}}", &["sh", &text]),
            3 => action = builtin(&text, 1, &[]),
            4 => drop(params.insert("horizon".to_owned(), Value::Text("24".to_owned()))),
            5 => drop(params.insert("horizon".to_owned(), Value::Text(text))),
            6 => drop(params.insert(text, Value::Bool(true))),
            7 => drop(params.remove("models")),
            8 => inputs[0].role = text.into(),
            9 => inputs[0].path = Some(text.into()),
            10 => inputs[0].content = Some(digest(word)),
            11 => inputs.swap(0, 1),
            12 => drop(inputs.pop()),
            13 => drop(env.insert("REGION".to_owned(), Some(digest(word)))),
            14 => drop(env.insert("REGION".to_owned(), None)),
            15 => drop(env.insert("ZONE".to_owned(), Some(digest("")))),
            16 => drop(env.remove("ZONE")),
            17 => outputs[0].port = text.into(),
            18 => outputs[0].kind = ArtifactKind::Directory,
            19 => outputs[0].path = Some(text.into()),
            20 => outputs.push(OutputField {
                port: text.into(),
                kind: ArtifactKind::File,
                path: None,
            }),
            21 => probe = Some(text),
            22 => action = ActionFields::Words { words: vec![text] },
            23 => action = builtin("train", 1, &[(&text, 1)]),
            24 => action = builtin("train", 1, &[(&text, 2)]),
            25 => action = builtin("train", 2, &[]),
            26 => drop(params.insert("horizon".to_owned(), Value::Float(24.0))),
            27 => direct = true,
            28 => action = within(word, true),
            29 => action = within("src", false),
            _ => return None,
        }
        Some(Fingerprint {
            format,
            action,
            params,
            inputs,
            env,
            probe,
            outputs,
            direct,
        })
    }

    const EDITS: usize = 30;

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
