//! The values of a Snakefile's expressions.

use crate::atsaffile::params_file::Node;
use crate::engine::spec;

/// A value of Python's.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// A number, as Python prints it.
    Number(String),
    Bool(bool),
    None,
    List(Vec<Value>),
    Table(Vec<(String, Value)>),
    /// Paths of a rule, each with its name if it has one.
    Paths(Vec<(Option<String>, Value)>),
    /// What stands in the configuration, with the keys that lead to it.
    Config(Vec<String>, Box<Value>),
    /// What a wildcard is in the names of files.
    Globbed(Globbed),
    /// The same of each wildcard of a pattern.
    AllGlobbed(Vec<Globbed>),
    /// A path that is made or read in a way of its own, such as `temp`.
    Marked(&'static str, Box<Value>),
    /// What cannot be known: why.
    Unfit(String),
}

/// The values of a wildcard that files have.
#[derive(Clone, Debug)]
pub(super) struct Globbed {
    pub(super) wildcard: String,
    pub(super) values: Vec<String>,
    /// The same as the pattern of an axis, if it can be one.
    pub(super) axis: Option<String>,
}

/// A path, with the functions around it.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) text: String,
    pub(super) marks: Vec<&'static str>,
}

impl Value {
    pub(super) fn of(node: &Node) -> Self {
        match node {
            Node::Value(value) => match value {
                spec::Value::Bool(value) => Self::Bool(*value),
                spec::Value::Null => Self::None,
                spec::Value::Int(value) => Self::Number(value.to_string()),
                // Beyond this Python writes an exponent, and not as Rust does.
                spec::Value::Float(value) if *value != 0.0 && !(1e-4..1e16).contains(&value.abs()) => {
                    Self::Unfit(format!("Python writes the number {value} otherwise"))
                }
                other => match other {
                    spec::Value::Float(_) => Self::Number(other.plain()),
                    other => Self::Text(other.plain()),
                },
            },
            Node::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Node::Table(entries) => {
                let entry = |(key, node): &(super::super::params_file::Key, Node)| (key.text.clone(), Self::of(node));
                Self::Table(entries.iter().map(entry).collect())
            }
            Node::Unfit(what) => Self::Unfit(format!("it is {what}")),
        }
    }

    /// The value without what is known about where it comes from.
    pub(super) fn bare(&self) -> &Self {
        match self {
            Self::Config(_, value) | Self::Marked(_, value) => value.bare(),
            other => other,
        }
    }

    /// What Snakemake puts into a command for it.
    pub(super) fn in_text(&self) -> Result<String, String> {
        Ok(match self.bare() {
            Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::None => "None".to_owned(),
            Self::Unfit(why) => return Err(why.clone()),
            Self::Table(_) => return Err("a table is put into a text".to_owned()),
            _ => {
                let items: Result<Vec<String>, String> = self.items()?.iter().map(Self::in_text).collect();
                items?.join(" ")
            }
        })
    }

    /// The values over which a loop would go.
    pub(super) fn items(&self) -> Result<Vec<Self>, String> {
        Ok(match self.bare() {
            Self::List(items) => items.clone(),
            Self::Table(entries) => entries.iter().map(|(key, _)| Self::Text(key.clone())).collect(),
            Self::Paths(paths) => {
                let mut all = Vec::new();
                for (_, path) in paths {
                    all.extend(path.items()?);
                }
                all
            }
            Self::Globbed(globbed) => globbed.values.iter().cloned().map(Self::Text).collect(),
            Self::AllGlobbed(all) => all.iter().cloned().map(Self::Globbed).collect(),
            Self::Unfit(why) => return Err(why.clone()),
            Self::None => return Err("it is `None`".to_owned()),
            other => vec![other.clone()],
        })
    }

    /// The paths in it.
    pub(super) fn paths(&self) -> Result<Vec<Path>, String> {
        let marked = |mark: &'static str, value: &Self| {
            let mut paths = value.paths()?;
            for path in &mut paths {
                path.marks.push(mark);
            }
            Ok(paths)
        };
        match self {
            Self::Marked(mark, value) => marked(mark, value),
            Self::Config(_, value) => marked("config", value),
            Self::Text(text) => Ok(vec![Path {
                text: text.clone(),
                marks: Vec::new(),
            }]),
            Self::List(items) => {
                let paths: Result<Vec<Vec<Path>>, String> = items.iter().map(Self::paths).collect();
                Ok(paths?.concat())
            }
            Self::Paths(paths) => {
                let paths: Result<Vec<Vec<Path>>, String> = paths.iter().map(|(_, path)| path.paths()).collect();
                Ok(paths?.concat())
            }
            Self::Unfit(why) => Err(why.clone()),
            _ => Err("something that is no path stands among its paths".to_owned()),
        }
    }
}

/// The item of a table or list.
pub(super) fn item(value: &Value, key: &Value) -> Result<Value, String> {
    let text = key.in_text()?;
    let absent = || format!("there is nothing under `{text}`");
    match value {
        Value::Config(keys, inner) => {
            let inner = item(inner, key)?;
            let keys = [keys.as_slice(), &[text]].concat();
            Ok(Value::Config(keys, inner.into()))
        }
        Value::Table(entries) => {
            let found = entries.iter().find(|(name, _)| *name == text);
            found.map(|(_, value)| value.clone()).ok_or_else(absent)
        }
        Value::Unfit(why) => Err(why.clone()),
        other => {
            let at: usize = text.parse().map_err(|_| absent())?;
            other.items()?.get(at).cloned().ok_or_else(absent)
        }
    }
}

/// What stands behind a dot.
pub(super) fn attribute(value: &Value, name: &str) -> Result<Value, String> {
    match value {
        Value::AllGlobbed(all) => {
            let found = all.iter().find(|globbed| globbed.wildcard == name);
            found
                .cloned()
                .map(Value::Globbed)
                .ok_or_else(|| format!("there is no wildcard `{name}`"))
        }
        Value::Paths(paths) => {
            let found = paths.iter().find(|(known, _)| known.as_deref() == Some(name));
            found
                .map(|(_, path)| path.clone())
                .ok_or_else(|| format!("there is no path `{name}`"))
        }
        _ => Err(format!("`.{name}` makes it Python")),
    }
}
