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
        let mut put = |text: &str| {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        for (field, text) in self.fields() {
            match &field {
                Field::Format => put("format"),
                Field::Task => put("task"),
                Field::Param(name) => ["param", name].map(&mut put)[0],
                Field::Input { role, path } => {
                    let path = path.as_deref().map_or_else(String::new, |path| format!("={path}"));
                    ["input", role, &path].map(&mut put)[0];
                }
                Field::InputOrder => put("order"),
                Field::Env(name) => ["env", name].map(&mut put)[0],
                Field::Output(name) => ["output", name].map(&mut put)[0],
            }
            put(&text?);
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
