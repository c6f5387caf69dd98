//! The one place where a text becomes a value: for `-s NAME=VALUE` and for the flags of `atsaf run`.

use super::params;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind};

/// The type as which a text is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValueType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number; a whole one counts as well.
    Float,
    /// The text as it is.
    Text,
    /// A date, in quotes or without.
    Date,
    /// Values between commas, or a list as TOML writes it.
    List(Box<ValueType>),
    /// One value or a list.
    OneOrMany(Box<ValueType>),
    /// The word `auto`, or a value.
    Auto(Box<ValueType>),
    /// A table as TOML writes it.
    Table,
    /// Whatever the text is as TOML; else the text itself.
    Any,
}

impl ValueType {
    /// The type as which the value that a built-in task reads is written.
    pub(crate) fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bool,
            Kind::Int { .. } => Self::Int,
            Kind::Float { .. } => Self::Float,
            Kind::Text
            | Kind::Choice(_)
            | Kind::Form(_)
            | Kind::Date
            | Kind::DateOrLatest
            | Kind::PathOrUrl
            | Kind::Uri => Self::Text,
            Kind::List(item) => Self::List(Box::new(Self::of_kind(*item))),
            Kind::OneOrMany(item) => Self::OneOrMany(Box::new(Self::of_kind(*item))),
            Kind::Auto(kind) => Self::Auto(Box::new(Self::of_kind(*kind))),
            Kind::Table(_) | Kind::Record(_) | Kind::AnyTable => Self::Table,
            Kind::Command | Kind::Either(..) => Self::Any,
        }
    }

    /// The type of a declared value; an empty list is one of texts.
    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Text(_) | Value::Path(_) => Self::Text,
            Value::Date(_) => Self::Date,
            Value::List(items) => Self::List(Box::new(items.first().map_or(Self::Text, Self::of_value))),
            Value::Table(_) => Self::Table,
            Value::Null => Self::Any,
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What it should be, in words.
    pub(crate) fn read(&self, text: &str) -> Result<Value, &'static str> {
        let trimmed = text.trim();
        match self {
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Any if trimmed == "null" => Ok(Value::Null),
            Self::Any => Ok(params::value_of_text(trimmed).unwrap_or_else(|| Value::Text(text.to_owned()))),
            Self::Auto(_) if trimmed == AUTO => Ok(Value::Text(AUTO.to_owned())),
            Self::Auto(inner) => inner.read(text),
            Self::OneOrMany(item) if trimmed.contains(',') || trimmed.starts_with('[') => item.list(trimmed),
            Self::OneOrMany(item) => item.read(text),
            Self::List(item) => item.list(trimmed),
            _ => {
                let value = params::value_of_text(trimmed).and_then(|value| self.take(value));
                value.or_else(|| self.plain(trimmed)).ok_or(self.wanted())
            }
        }
    }

    /// Reads the items of a list.
    fn list(&self, text: &str) -> Result<Value, &'static str> {
        const WANTED: &str = "a list such as `a,b` or `[\"a\", \"b\"]`, of items of the declared type";
        if text.is_empty() {
            return Ok(Value::List(Vec::new()));
        }
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let items = match (inner, params::value_of_text(text)) {
            (Some(_), Some(Value::List(items))) => items.into_iter().map(|item| self.take(item)).collect(),
            (Some(inner), None) if !inner.contains(['[', '"', '\'']) => self.between_commas(inner),
            (None, _) if !text.starts_with('[') => self.between_commas(text),
            _ => None,
        };
        items.map(Value::List).ok_or(WANTED)
    }

    fn between_commas(&self, text: &str) -> Option<Vec<Value>> {
        text.split(',').map(|item| self.read(item.trim()).ok()).collect()
    }

    /// A value that TOML has read as one of this type.
    fn take(&self, value: Value) -> Option<Value> {
        #[expect(clippy::cast_precision_loss, reason = "parameters are far below 2^53")]
        match (self, value) {
            (Self::Bool, value @ Value::Bool(_))
            | (Self::Int, value @ Value::Int(_))
            | (Self::Float, value @ Value::Float(_))
            | (Self::Text, value @ Value::Text(_))
            | (Self::Date, value @ Value::Date(_))
            | (Self::Table, value @ Value::Table(_))
            | (Self::Any, value) => Some(value),
            (Self::Float, Value::Int(number)) => Some(Value::Float(number as f64)),
            (Self::Date, Value::Text(text)) => match params::value_of_text(&text) {
                Some(value @ Value::Date(_)) => Some(value),
                _ => None,
            },
            (Self::Auto(_), Value::Text(word)) if word == AUTO => Some(Value::Text(word)),
            (Self::Auto(inner) | Self::OneOrMany(inner), value) => inner.take(value),
            (Self::List(item), Value::List(items)) => {
                let items = items.into_iter().map(|value| item.take(value));
                items.collect::<Option<_>>().map(Value::List)
            }
            _ => None,
        }
    }

    /// A number as people write it and TOML does not: `.5`, `+5`, `007`.
    fn plain(&self, text: &str) -> Option<Value> {
        match self {
            Self::Int => text.parse().ok().map(Value::Int),
            Self::Float => text
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Value::Float),
            _ => None,
        }
    }

    fn wanted(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Date => "a date such as 2023-06-01",
            Self::Table => "a table such as `{ name = value }`",
            Self::Text | Self::List(_) | Self::OneOrMany(_) | Self::Auto(_) | Self::Any => {
                "a value of the declared type"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[f64]) -> Value {
        Value::List(items.iter().copied().map(Value::Float).collect())
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for (text, number) in [
            (".5", 0.5),
            ("5", 5.0),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("-.5", -0.5),
            ("+2", 2.0),
        ] {
            assert_eq!(ValueType::Float.read(text), Ok(Value::Float(number)), "{text}");
        }
        assert_eq!(ValueType::Int.read(" 007 "), Ok(Value::Int(7)));
        for text in ["nan", "inf", "1e999", "five", ""] {
            assert!(ValueType::Float.read(text).is_err(), "{text}");
        }
        assert!(
            ValueType::Int.read("5.0").is_err(),
            "a number with a fraction is no whole number"
        );
    }

    #[test]
    fn whole_numbers_in_a_list_of_numbers_are_numbers() {
        let numbers = ValueType::of_value(&list(&[1.0, 2.0]));
        for text in ["[1, 2]", "1,2", "[1.0, 2]", " [ 1, 2.0 ] ", "1.0, 2"] {
            assert_eq!(numbers.read(text), Ok(list(&[1.0, 2.0])), "{text}");
        }
        assert_eq!(numbers.read("[.5, 1]"), Ok(list(&[0.5, 1.0])));
        assert_eq!(numbers.read("3"), Ok(list(&[3.0])));
        assert_eq!(numbers.read(""), Ok(list(&[])));
        for text in ["[1, 2", "a,b", "[\"1\"]", "1,,2"] {
            assert!(numbers.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_in_quotes_is_that_date() {
        let date = Ok(Value::Date("2023-06-01".to_owned()));
        assert_eq!(ValueType::Date.read("2023-06-01"), date);
        assert_eq!(ValueType::Date.read("\"2023-06-01\""), date);
        assert!(ValueType::Date.read("2023-06-31").is_err());
        assert!(ValueType::Date.read("\"soon\"").is_err());
    }

    #[test]
    fn a_text_is_taken_as_it_is() {
        assert_eq!(ValueType::Text.read(" \"a\" "), Ok(Value::Text(" \"a\" ".to_owned())));
    }
}
