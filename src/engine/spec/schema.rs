//! What a built-in task says of itself: parameters with types, units, ranges and defaults; inputs; outputs.
//!
//! An Atsaffile is checked against it before anything runs, and `atsaf run --help` and `atsaf list` print it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::Value;
use super::uri::{has_password, is_uri, is_url};
use super::value::is_bare;

/// The built-in tasks that an Atsaffile may name, by name.
pub type Catalog = BTreeMap<&'static str, &'static Schema>;

/// The input port of a task that reads any number of files, each under its own name.
pub const ANY: &str = "*";

/// The parameter that says how the tables are written that a task reads, a table of which each entry is about the first
/// input, or, if it is a table itself, about the input of its name.
pub const READING: &str = "reading";

/// A built-in task's description of itself.
#[derive(Debug)]
pub struct Schema {
    /// The name that `uses` gives.
    pub name: &'static str,
    /// Raised whenever the task's result changes for equal inputs and parameters.
    pub version: u32,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [ParamSchema],
    /// The roles of its inputs; all are required. That of [`ANY`] stands for one or more inputs, each of which has its
    /// own name as its role.
    pub inputs: &'static [Port],
    /// The roles of further inputs, which a target may leave out.
    pub optional: &'static [Port],
    /// The names of its outputs; all are required.
    pub outputs: &'static [Port],
    /// The outputs that are directories, by name; every other is a file.
    pub directories: &'static [&'static str],
    /// Secrets that it can use, to be named under `secrets`.
    pub secrets: &'static [&'static str],
    /// Variables of the environment that it takes without being told, since every client of what it talks to does.
    pub variables: &'static [Variable],
    /// Whether it acts outside the project, so that its result is never restored.
    pub effect: bool,
    /// Pairs of parameters, each a date, of which the second must not be before the first.
    pub ordered: &'static [(&'static str, &'static str)],
}

#[cfg(test)]
impl Schema {
    /// A task that reads nothing and makes nothing: tests say what theirs has beside that.
    pub(crate) const EMPTY: Self = Self {
        name: "",
        version: 1,
        summary: "",
        params: &[],
        inputs: &[],
        optional: &[],
        outputs: &[],
        directories: &[],
        secrets: &[],
        variables: &[],
        effect: false,
        ordered: &[],
    };
}

impl Schema {
    /// Finds a parameter by name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'static ParamSchema> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Whether an input can have this role.
    #[must_use]
    pub fn reads(&self, role: &str) -> bool {
        let mut ports = self.inputs.iter().chain(self.optional);
        ports.any(|port| port.name == role || port.name == ANY)
    }

    /// The role of the input that an entry of the parameter [`READING`] is about.
    #[must_use]
    pub fn read_as(&self, entry: &str) -> Option<&'static str> {
        let Kind::Table(entries) = self.param(READING)?.kind else {
            return None;
        };
        let known = entries.iter().find(|known| known.name == entry)?;
        match known.kind {
            Kind::Table(_) => Some(known.name),
            _ => self.inputs.first().map(|port| port.name),
        }
    }

    /// Whether its tables have whatever columns those have that it reads, rather than columns that other tasks know.
    #[must_use]
    pub fn hands_columns_on(&self) -> bool {
        self.inputs.iter().any(|port| port.name == ANY) && self.param(READING).is_some()
    }

    /// The variables that it takes for something.
    pub fn variables_for(&self, is: impl Fn(VariableRole) -> bool) -> impl Iterator<Item = &'static str> {
        let of_role = move |it: &&Variable| is(it.role);
        self.variables.iter().filter(of_role).map(|it| it.name)
    }

    /// The variable that gives a parameter its value.
    #[must_use]
    pub fn variable_of(&self, param: &str) -> Option<&'static str> {
        self.variables_for(|role| matches!(role, VariableRole::Param(name) if name == param))
            .next()
    }

    /// The secrets that a target which uses it gets without declaring them.
    pub fn known_secrets(&self) -> impl Iterator<Item = &'static str> {
        self.variables_for(|role| role == VariableRole::Secret)
    }

    /// The pairs of [`Schema::ordered`] whose values are in reverse order; `value` gives that of a parameter, as checked.
    ///
    /// A pair without two dates is in no order, and left out.
    pub fn reversed<'v>(
        &self,
        value: impl Fn(&str) -> Option<&'v Value>,
    ) -> impl Iterator<Item = (&'static str, &'static str)> {
        let date = move |name: &str| match value(name)? {
            Value::Date(text) => text.parse::<NaiveDate>().ok(),
            _ => None,
        };
        let pairs = self.ordered.iter().copied();
        pairs.filter(move |(first, second)| matches!((date(first), date(second)), (Some(a), Some(b)) if b < a))
    }
}

/// A parameter of a built-in task.
#[derive(Clone, Copy, Debug)]
pub struct ParamSchema {
    /// Its name in the Atsaffile.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Its value where none is declared; `None` makes the parameter required.
    pub default: Option<Literal>,
    /// What it means, with its unit, in one line.
    pub doc: &'static str,
}

/// An input or output of a built-in task.
#[derive(Debug)]
pub struct Port {
    /// The role or the artifact's name.
    pub name: &'static str,
    /// What it holds, in one line.
    pub doc: &'static str,
}

/// A variable of the environment by which whatever a task talks to is known to all its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What the task takes it for.
    pub role: VariableRole,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// What a task takes a variable of the environment for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableRole {
    /// The value of this parameter where neither the Atsaffile nor the command line gives one.
    Param(&'static str),
    /// A secret, which need not be declared.
    Secret,
    /// How the outside is reached: the result does not depend on it, and no fingerprint has it.
    Access,
}

/// A default, as a constant.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(&'static str),
    /// A list of texts.
    Texts(&'static [&'static str]),
    /// A list of whole numbers.
    Ints(&'static [i64]),
    /// A table without entries.
    NoEntries,
}

impl Literal {
    /// The default as a value.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(value) => Value::Text(value.to_owned()),
            Self::Texts(values) => Value::List(values.iter().map(|text| Value::Text((*text).to_owned())).collect()),
            Self::Ints(values) => Value::List(values.iter().map(|number| Value::Int(*number)).collect()),
            Self::NoEntries => Value::Table(BTreeMap::new()),
        }
    }
}

/// The type and range of a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from `min` to `max`.
    Int {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A number; the bounds themselves are not allowed where `open` is set.
    Float {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
        /// Whether the bounds themselves are excluded.
        open: bool,
    },
    /// Any text but the empty one.
    Text,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A text of a form that a task knows, such as the step `15min`.
    Form(&'static TextForm),
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A day, or the word `latest` for all that there is.
    DateOrLatest,
    /// A path, which is then an input, or a URL.
    PathOrUrl,
    /// A URI such as `sqlite:///mlflow/mlflow.db` or `http://…`, without a password: neither a path nor an input.
    Uri,
    /// A list of these, not empty.
    List(&'static Kind),
    /// One of these, or a list of them.
    OneOrMany(&'static Kind),
    /// The word `auto`, which leaves it to the task, or one of these.
    Auto(&'static Kind),
    /// A table of these entries; each may be left out, and has then no value.
    Table(&'static [ParamSchema]),
    /// A table of these entries, of which those without a default must be there.
    Record(&'static [ParamSchema]),
    /// A table of any entries whose names need no quotes.
    AnyTable,
    /// A command of the user's: a text for the shell, or a list of words. See [`programs_in`](super::declared_program::programs_in).
    Command,
    /// One of the first, or one of the second, which is told apart by its type.
    Either(&'static Kind, &'static Kind),
}

/// A form of texts that no list can hold.
pub struct TextForm {
    /// What fits, in words.
    pub what: &'static str,
    /// Whether a text is of this form.
    pub accepts: fn(&str) -> bool,
    /// The text of this form that may have been meant by another one.
    pub nearest: fn(&str) -> Option<&'static str>,
}

/// Without the functions: where they lie differs in each process, and what is shown is a part of the key of a kept Spec.
impl std::fmt::Debug for TextForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TextForm").field(&self.what).finish()
    }
}

/// The word for the newest that there is, in the place of a day.
pub const LATEST: &str = "latest";

/// The word that leaves a value to the task.
pub const AUTO: &str = "auto";

/// Why a value does not fit a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Misfit {
    /// What would fit, in words.
    pub expected: String,
    /// What was given.
    pub found: String,
    /// A name close to what was written.
    pub nearest: Option<&'static str>,
}

impl Kind {
    /// Whether a value of it may be a table, or have tables in it.
    #[must_use]
    pub fn has_tables(self) -> bool {
        match self {
            Self::Table(_) | Self::Record(_) | Self::AnyTable => true,
            Self::List(of) | Self::OneOrMany(of) | Self::Auto(of) => of.has_tables(),
            Self::Either(one, other) => one.has_tables() || other.has_tables(),
            _ => false,
        }
    }

    /// Says in words what fits.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Int { min, max: i64::MAX } => format!("a whole number of at least {min}"),
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::Float { min, max, open } => {
                let within = if open { "between" } else { "from" };
                let to = if open { "and" } else { "to" };
                format!("a number {within} {min} {to} {max}")
            }
            Self::Text => "a text".to_owned(),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Form(form) => form.what.to_owned(),
            Self::Date => "a date such as 2023-06-01".to_owned(),
            Self::DateOrLatest => format!("a date such as 2023-06-01, or \"{LATEST}\""),
            Self::PathOrUrl => "a path or a URL".to_owned(),
            Self::Uri => {
                "a URI such as http://localhost:5000 or sqlite:///mlflow/mlflow.db, without a password".to_owned()
            }
            Self::List(Self::Choice(names)) => format!("a list of {}", names.join(", ")),
            Self::List(item) => format!("a list, each item {}", item.describe()),
            Self::OneOrMany(item) => format!("{}, or a list of such", item.describe()),
            Self::Auto(kind) => format!("\"{AUTO}\" or {}", kind.describe()),
            Self::Table(entries) => {
                let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
                format!("a table with entries among {}", names.join(", "))
            }
            Self::Record(entries) => {
                let (needed, others): (Vec<&ParamSchema>, Vec<&ParamSchema>) =
                    entries.iter().partition(|entry| entry.default.is_none());
                let names =
                    |entries: &[&ParamSchema]| -> Vec<&str> { entries.iter().map(|entry| entry.name).collect() };
                let may_have = match others.is_empty() {
                    true => String::new(),
                    false => format!(", which may have {}", names(&others).join(", ")),
                };
                format!("a table with {}{may_have}", names(&needed).join(" and "))
            }
            Self::AnyTable => "a table whose names are of letters, digits, `_` and `-`".to_owned(),
            Self::Command => "a command, as a text or a list of words".to_owned(),
            Self::Either(one, other) => format!("{}, or {}", one.describe(), other.describe()),
        }
    }

    /// Checks `value` and gives it its canonical type: a date written as text becomes a date, a whole number where
    /// a number is wanted becomes one.
    ///
    /// # Errors
    /// [`Misfit`] if the type or the range is wrong.
    pub fn check(self, value: &Value) -> Result<Value, Misfit> {
        let misfit = |nearest| {
            Err(Misfit {
                expected: self.describe(),
                found: format!("{} {value}", value.type_name()),
                nearest,
            })
        };
        match (self, value) {
            (Self::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Self::AnyTable, Value::Table(entries)) if entries.keys().all(|key| is_bare(key)) => Ok(value.clone()),
            (Self::Int { min, max }, Value::Int(number)) if (min..=max).contains(number) => Ok(value.clone()),
            (Self::Float { .. }, Value::Int(number)) =>
            {
                #[expect(clippy::cast_precision_loss, reason = "parameters are far below 2^53")]
                self.check(&Value::Float(*number as f64))
            }
            (Self::Float { min, max, open: false }, Value::Float(number)) if (min..=max).contains(number) => {
                Ok(value.clone())
            }
            (Self::Float { min, max, open: true }, Value::Float(number)) if min < *number && *number < max => {
                Ok(value.clone())
            }
            (Self::Text, Value::Text(text)) if !text.is_empty() => Ok(value.clone()),
            (Self::PathOrUrl, Value::Text(text)) if is_url(text) => Ok(value.clone()),
            (Self::PathOrUrl, Value::Text(text)) if !text.is_empty() => Ok(Value::Path(text.clone())),
            (Self::Uri, Value::Text(text)) if has_password(text) => Err(Misfit {
                expected: self.describe(),
                // The value itself is not shown.
                found: "one with a password".to_owned(),
                nearest: None,
            }),
            (Self::Uri, Value::Text(text)) if is_uri(text) => Ok(value.clone()),
            (Self::Choice(names), Value::Text(text)) => match names.contains(&text.as_str()) {
                true => Ok(value.clone()),
                false => misfit(crate::diagnostic::nearest(text, names.iter().copied())),
            },
            (Self::Form(form), Value::Text(text)) => match (form.accepts)(text) {
                true => Ok(value.clone()),
                false => misfit((form.nearest)(text)),
            },
            (Self::DateOrLatest, Value::Text(word)) if word == LATEST => Ok(value.clone()),
            (Self::Date | Self::DateOrLatest, Value::Text(text) | Value::Date(text)) => match text.parse::<NaiveDate>()
            {
                Ok(date) => Ok(Value::Date(date.to_string())),
                Err(_) => misfit(None),
            },
            (Self::List(kind), Value::List(items)) if !items.is_empty() => items
                .iter()
                .map(|item| kind.check(item))
                .collect::<Result<_, _>>()
                .map(Value::List),
            (Self::OneOrMany(kind), Value::List(_)) => {
                Self::List(kind).check(value).or_else(|inner| misfit(inner.nearest))
            }
            (Self::OneOrMany(kind), _) => kind.check(value).or_else(|inner| misfit(inner.nearest)),
            (Self::Auto(_), Value::Text(word)) if word == AUTO => Ok(value.clone()),
            (Self::Auto(kind), _) => kind.check(value).or_else(|inner| misfit(inner.nearest)),
            (Self::Table(entries), Value::Table(given)) => given
                .iter()
                .map(|(name, value)| match entries.iter().find(|entry| entry.name == name) {
                    Some(entry) => entry.kind.check(value).map(|value| (name.clone(), value)),
                    None => misfit(crate::diagnostic::nearest(name, entries.iter().map(|entry| entry.name)))
                        .map(|value| (name.clone(), value)),
                })
                .collect::<Result<_, _>>()
                .map(Value::Table),
            (Self::Record(entries), Value::Table(given)) => {
                let is_missing = |entry: &&ParamSchema| entry.default.is_none() && !given.contains_key(entry.name);
                match entries.iter().find(is_missing) {
                    Some(entry) => Err(Misfit {
                        expected: self.describe(),
                        found: format!("{} without `{}`", value.type_name(), entry.name),
                        nearest: None,
                    }),
                    None => Self::Table(entries).check(value),
                }
            }
            (Self::Command, Value::Text(text)) if !text.trim().is_empty() => Ok(value.clone()),
            (Self::Command, Value::List(words)) => {
                let is_word = |(at, word): (usize, &Value)| match word {
                    Value::Text(text) => at > 0 || !text.is_empty(),
                    _ => false,
                };
                match !words.is_empty() && words.iter().enumerate().all(is_word) {
                    true => Ok(value.clone()),
                    false => misfit(None),
                }
            }
            (Self::Either(one, Self::Record(entries)), value) => match value {
                Value::Table(_) => Self::Record(entries).check(value),
                _ => one.check(value),
            },
            (Self::Either(one, other), value) => one.check(value).or_else(|_| other.check(value)),
            _ => misfit(None),
        }
    }
}

#[cfg(test)]
mod tests;
