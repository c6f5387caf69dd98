//! The values of parameters: typed, comparable, and with one canonical text each.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::engine::digest::Encoder;

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// A date, time or both, in ISO 8601.
    Date(String),
    /// A path: of a file or directory that is then an input.
    Path(String),
    /// Values in order.
    List(#[serde(deserialize_with = "nested")] Vec<Value>),
    /// Values by name.
    Table(#[serde(deserialize_with = "nested")] BTreeMap<String, Value>),
    /// Nothing, as a parameter file may say it.
    Null,
}

/// Values stand in values as deep as this, and no Atsaffile has them as deep.
const DEEPEST: usize = 256;

/// Reads values that stand in a value: a journal that came from elsewhere may have them deeper than any stack.
fn nested<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    thread_local!(static DEPTH: Cell<usize> = const { Cell::new(0) });
    let depth = DEPTH.get();
    if depth == DEEPEST {
        return Err(de::Error::custom("values stand in values too deep"));
    }
    DEPTH.set(depth + 1);
    let values = T::deserialize(deserializer);
    DEPTH.set(depth);
    values
}

impl Value {
    /// Names the type as messages and fingerprints call it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "string",
            Self::Date(_) => "date",
            Self::Path(_) => "path",
            Self::List(_) => "list",
            Self::Table(_) => "table",
            Self::Null => "null",
        }
    }

    /// The text that `{{name}}` puts into a path or a command, unquoted; the items of a list joined by commas.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Date(text) | Self::Path(text) => text.clone(),
            Self::List(items) => items.iter().map(Self::plain).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        }
    }

    /// The same value as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Text(value) | Self::Date(value) | Self::Path(value) => value.clone().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Table(entries) => entries
                .iter()
                .map(|(name, value)| (name.clone(), value.to_json()))
                .collect(),
            Self::Null => serde_json::Value::Null,
        }
    }

    /// Why the value cannot be put into a text, if it cannot.
    #[must_use]
    pub fn unfit_for_text(&self) -> Option<&'static str> {
        match self {
            Self::Table(_) => Some("a table"),
            Self::Null => Some("null"),
            Self::List(items) => items
                .iter()
                .any(|item| matches!(item, Self::List(_) | Self::Table(_) | Self::Null))
                .then_some("a list of more than plain values"),
            _ => None,
        }
    }
}

impl Value {
    /// Appends type and value, so that two values give the same bytes exactly if they are equal.
    pub(crate) fn encode<'e>(&self, into: &'e mut Encoder) -> &'e mut Encoder {
        match self {
            Self::Bool(value) => into.tag(0).tag(u8::from(*value)),
            Self::Int(value) => into.tag(1).number(value.cast_unsigned()),
            // A sign on zero says nothing.
            Self::Float(value) => into.tag(2).number(if *value == 0.0 { 0 } else { value.to_bits() }),
            Self::Text(text) => into.tag(3).text(text),
            Self::Date(text) => into.tag(4).text(text),
            Self::Path(text) => into.tag(5).text(text),
            Self::List(items) => {
                into.tag(6).number(items.len() as u64);
                items.iter().fold(into, |into, item| item.encode(into))
            }
            Self::Table(entries) => {
                into.tag(7).number(entries.len() as u64);
                entries
                    .iter()
                    .fold(into, |into, (name, value)| value.encode(into.text(name)))
            }
            Self::Null => into.tag(8),
        }
    }
}

/// The canonical text, as TOML writes it: two values of one type are equal exactly if their texts are.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            // The shortest text that reads back as the same number; a sign on zero says nothing.
            Self::Float(value) => write!(f, "{:?}", if *value == 0.0 { 0.0 } else { *value }),
            Self::Text(value) | Self::Path(value) => write!(f, "{}", serde_json::Value::from(value.as_str())),
            Self::Date(value) => write!(f, "{value}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Table(entries) if entries.is_empty() => f.write_str("{}"),
            Self::Table(entries) => {
                f.write_str("{ ")?;
                for (at, (name, item)) in entries.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    match is_bare(name) {
                        true => write!(f, "{name} = {item}")?,
                        false => write!(f, "{} = {item}", serde_json::Value::from(name.as_str()))?,
                    }
                }
                f.write_str(" }")
            }
            Self::Null => f.write_str("null"),
        }
    }
}

/// Whether TOML writes a key without quotes.
pub(super) fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_toml() {
        let list = Value::List(vec![Value::Int(24), Value::Float(-0.0), Value::Text("a\"b".into())]);
        assert_eq!(list.to_string(), r#"[24, 0.0, "a\"b"]"#);
        assert_eq!(list.plain(), "24,0.0,a\"b");
    }

    #[test]
    fn values_that_stand_too_deep_in_each_other_are_refused() {
        let read = |depth: usize| {
            // Lists of one list each, and the innermost of nothing.
            let bytes = [[6, 1].repeat(depth), vec![6, 0]].concat();
            let config = bincode::config::standard();
            bincode::serde::decode_from_slice::<Value, _>(&bytes, config).map(|(value, _)| value)
        };
        let deepest = read(DEEPEST - 1).expect("read");
        assert_eq!(deepest.to_string().len(), 2 * DEEPEST);
        for depth in [DEEPEST, 1_000_000] {
            read(depth).expect_err("too deep");
        }
        read(3).expect("as before");
    }
}
