//! What the expressions of a Snakefile are, as far as that is known without running Python.

use std::collections::BTreeMap;

use super::Disk;
use super::expand::{formatted, globbed, with_braces};
use super::statements::{Argument, arguments};
use super::tokens::{Kind, Token};
use super::values::{Globbed, Value, attribute, item};

/// Functions that mark a path, and change nothing of it.
const MARKS: [(&str, &str); 8] = [
    ("temp", "temp"),
    ("temporary", "temp"),
    ("protected", "protected"),
    ("directory", "directory"),
    ("ancient", "ancient"),
    ("touch", "touch"),
    ("report", "report"),
    ("ensure", "ensure"),
];

/// What is known where an expression stands.
pub(super) struct Known<'a> {
    pub(super) disk: &'a dyn Disk,
    /// What the file has given a name, or why that is not known.
    pub(super) names: BTreeMap<String, Result<Value, String>>,
    /// The configuration, or why it is not known.
    pub(super) config: Result<Vec<(String, Value)>, String>,
    /// Inputs and outputs of the rules so far, by `NAME.output`.
    pub(super) rules: BTreeMap<String, Result<Value, String>>,
    /// Values of wildcards that follow what files there are.
    pub(super) open: Vec<Globbed>,
    /// Values of wildcards that are written, or stand in the configuration.
    pub(super) closed: Vec<Vec<String>>,
    /// Whether the configuration gave values of wildcards.
    pub(super) is_from_config: bool,
}

impl Known<'_> {
    /// The value of an expression; the error says why it is not known.
    pub(super) fn value(&mut self, tokens: &[Token]) -> Result<Value, String> {
        let mut reader = Expression {
            known: self,
            tokens,
            at: 0,
        };
        let value = reader.sum()?;
        // A tuple without brackets.
        if reader.peek(",") {
            let all: Result<Vec<Value>, String> = arguments(tokens)
                .iter()
                .map(|argument| self.value(&argument.tokens))
                .collect();
            return all.map(Value::List);
        }
        match reader.tokens.get(reader.at) {
            None => Ok(value),
            Some(token) => Err(format!("`{}` makes it Python", token.text)),
        }
    }
}

struct Expression<'k, 'a, 't> {
    known: &'k mut Known<'a>,
    tokens: &'t [Token],
    at: usize,
}

impl<'t> Expression<'_, '_, 't> {
    fn peek(&self, sign: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(sign))
    }

    fn take(&mut self) -> Result<&'t Token, String> {
        let token = self.tokens.get(self.at).ok_or("an expression ends too early")?;
        self.at += 1;
        Ok(token)
    }

    /// Values with `+` between them.
    fn sum(&mut self) -> Result<Value, String> {
        let mut value = self.value()?;
        while self.peek("+") {
            self.at += 1;
            let more = self.value()?;
            value = match (value.bare(), more.bare()) {
                (Value::Text(left), Value::Text(right)) => {
                    let text = Value::Text(format!("{left}{right}"));
                    let is_config = matches!(value, Value::Config(..)) || matches!(more, Value::Config(..));
                    if is_config {
                        Value::Marked("config", text.into())
                    } else {
                        text
                    }
                }
                (Value::List(left), Value::List(right)) => Value::List([left.as_slice(), right.as_slice()].concat()),
                (Value::List(left), Value::Paths(_)) => Value::List([left.clone(), vec![more.clone()]].concat()),
                (Value::Paths(_), Value::List(right)) => Value::List([vec![value.clone()], right.clone()].concat()),
                _ => return Err("`+` makes it Python".to_owned()),
            };
        }
        Ok(value)
    }

    /// What stands between the bracket that was taken and the one that closes it.
    fn inside(&mut self) -> Result<&'t [Token], String> {
        let start = self.at;
        let mut depth = 1_usize;
        while depth > 0 {
            let token = self.take()?;
            if ["(", "[", "{"].iter().any(|open| token.is(open)) {
                depth += 1;
            } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
                depth -= 1;
            }
        }
        Ok(&self.tokens[start..self.at - 1])
    }

    fn value(&mut self) -> Result<Value, String> {
        let token = self.take()?;
        let mut value = match &token.kind {
            Kind::Text(..) => {
                self.at -= 1;
                Value::Text(self.text()?)
            }
            Kind::Number => Value::Number(number(&token.text)?),
            Kind::Sign if token.is("-") && self.tokens.get(self.at).is_some_and(|next| next.kind == Kind::Number) => {
                Value::Number(format!("-{}", number(&self.take()?.text)?))
            }
            Kind::Sign if token.is("[") || token.is("(") => {
                let inside = self.inside()?;
                let is_comprehension = inside.iter().any(|token| token.is("for"));
                if is_comprehension {
                    return Err("a comprehension is Python".to_owned());
                }
                if token.is("(") && !is_tuple(inside) {
                    self.known.value(inside)?
                } else {
                    let items = arguments(inside);
                    let items: Result<Vec<Value>, String> =
                        items.iter().map(|item| self.known.value(&item.tokens)).collect();
                    Value::List(items?)
                }
            }
            Kind::Sign if token.is("{") => self.table()?,
            Kind::Sign => return Err(format!("`{}` makes it Python", token.text)),
            Kind::Name => self.named(token)?,
        };
        loop {
            if self.peek("[") {
                self.at += 1;
                let inside = self.inside()?;
                let key = self.known.value(inside)?;
                value = item(&value, &key)?;
            } else if self.peek(".") {
                self.at += 1;
                let name = self.take()?.text.clone();
                value = match (&value, name.as_str()) {
                    (Value::Config(..), "get") if self.peek("(") => self.get(&value)?,
                    (Value::Text(text), "format") if self.peek("(") => self.filled(text)?,
                    _ => attribute(&value, &name)?,
                };
            } else if self.peek("(") {
                return Err("a function is called".to_owned());
            } else {
                return Ok(value);
            }
        }
    }

    /// Strings beside each other.
    fn text(&mut self) -> Result<String, String> {
        let mut text = String::new();
        while let Some(Token {
            kind: Kind::Text(part, is_format),
            text: written,
            ..
        }) = self.tokens.get(self.at)
        {
            self.at += 1;
            match is_format {
                false => text += part,
                true if written[..2.min(written.len())].to_lowercase().contains('b') => {
                    return Err("bytes are Python".to_owned());
                }
                true => text += &self.format(part)?,
            }
        }
        Ok(text)
    }

    /// An f-string, whose braces hold names only.
    fn format(&self, text: &str) -> Result<String, String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        with_braces(text, |inside| match inside.chars().all(is_name) {
            true => self.known.named(inside)?.in_text(),
            false => Err(format!("`{{{inside}}}` in an f-string is Python")),
        })
    }

    /// A table as it is written.
    fn table(&mut self) -> Result<Value, String> {
        let inside = self.inside()?;
        let mut entries = Vec::new();
        for entry in arguments(inside) {
            let colon = entry
                .tokens
                .iter()
                .position(|token| token.is(":"))
                .ok_or("a set is Python")?;
            let (key, value) = entry.tokens.split_at(colon);
            let key = self.known.value(key)?.in_text()?;
            entries.push((key, self.known.value(&value[1..])?));
        }
        Ok(Value::Table(entries))
    }

    /// What a name means, a function with what it is given included.
    fn named(&mut self, token: &Token) -> Result<Value, String> {
        let name = token.text.as_str();
        let path = |reader: &Self, words: &[&str]| {
            let tokens = reader.tokens.get(reader.at..).unwrap_or_default();
            words.iter().zip(tokens).all(|(word, token)| token.is(word)) && tokens.len() >= words.len()
        };
        match name {
            "True" => return Ok(Value::Bool(true)),
            "False" => return Ok(Value::Bool(false)),
            "None" => return Ok(Value::None),
            "lambda" => return Err("a function (`lambda`) says what it is".to_owned()),
            "config" if !self.known.names.contains_key(name) => {
                let entries = self.known.config.clone()?;
                return Ok(Value::Config(Vec::new(), Value::Table(entries).into()));
            }
            "rules" => {
                let words: Vec<String> = self
                    .tokens
                    .iter()
                    .skip(self.at)
                    .take(4)
                    .map(|token| token.text.clone())
                    .collect();
                let [_, rule, _, part] = words.as_slice() else {
                    return Err("`rules` is Python here".to_owned());
                };
                self.at += 4;
                let paths = self.known.rules.get(&format!("{rule}.{part}")).cloned();
                return paths.unwrap_or_else(|| Err(format!("there is no `rules.{rule}.{part}` above it")));
            }
            "os" if path(self, &[".", "path", ".", "join", "("]) => {
                self.at += 5;
                let parts: Result<Vec<String>, String> = self
                    .given()?
                    .iter()
                    .map(|argument| self.known.value(&argument.tokens)?.in_text())
                    .collect();
                let parts = parts?;
                let joined = parts.iter().fold(String::new(), |path, part| match path.as_str() {
                    _ if part.starts_with('/') => part.clone(),
                    "" => part.clone(),
                    _ => format!("{}/{part}", path.trim_end_matches('/')),
                });
                return Ok(Value::Text(joined));
            }
            _ => {}
        }
        if !self.peek("(") {
            return self.known.named(name);
        }
        self.at += 1;
        let given = self.given()?;
        if self.known.names.contains_key(name) {
            return Err(format!("the function `{name}` says what it is"));
        }
        if let Some((_, mark)) = MARKS.iter().find(|(function, _)| *function == name) {
            let first = given.first().ok_or_else(|| format!("`{name}` is given nothing"))?;
            return Ok(Value::Marked(mark, self.known.value(&first.tokens)?.into()));
        }
        match name {
            "expand" | "collect" => self.known.expand(&given),
            "multiext" => {
                let texts: Result<Vec<String>, String> = given
                    .iter()
                    .map(|argument| self.known.value(&argument.tokens)?.in_text())
                    .collect();
                let texts = texts?;
                let (prefix, endings) = texts.split_first().ok_or("`multiext` is given nothing")?;
                let full = endings.iter().map(|ending| Value::Text(format!("{prefix}{ending}")));
                Ok(Value::List(full.collect()))
            }
            "glob_wildcards" => match given.as_slice() {
                [pattern] => {
                    let pattern = self.known.value(&pattern.tokens)?.in_text()?;
                    Ok(Value::AllGlobbed(globbed(&pattern, self.known.disk)?))
                }
                _ => Err("`glob_wildcards` with files of its own is Python".to_owned()),
            },
            "list" | "tuple" if given.len() == 1 => Ok(Value::List(self.known.value(&given[0].tokens)?.items()?)),
            "str" if given.len() == 1 => Ok(Value::Text(self.known.value(&given[0].tokens)?.in_text()?)),
            "range" => range(&given, self.known),
            _ => Err(format!("the function `{name}` says what it is")),
        }
    }

    fn given(&mut self) -> Result<Vec<Argument>, String> {
        Ok(arguments(self.inside()?))
    }

    /// `"…".format(name=value)`.
    fn filled(&mut self, text: &str) -> Result<Value, String> {
        self.at += 1;
        let mut values = Vec::new();
        for Argument { name, tokens } in self.given()? {
            let name = name.ok_or("`format` of values without names is Python")?;
            values.push((name, self.known.value(&tokens)?.in_text()?));
        }
        let values: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Ok(Value::Text(formatted(text, &values, false)?))
    }

    /// `config.get(key, otherwise)`.
    fn get(&mut self, table: &Value) -> Result<Value, String> {
        self.at += 1;
        let given = self.given()?;
        let key = given.first().ok_or("`get` is given nothing")?;
        let key = self.known.value(&key.tokens)?;
        match (item(table, &key), given.get(1)) {
            (Ok(value), _) => Ok(value),
            (Err(_), Some(otherwise)) => self.known.value(&otherwise.tokens),
            (Err(_), None) => Ok(Value::None),
        }
    }
}

impl Known<'_> {
    /// What the file has given this name.
    pub(super) fn named(&self, name: &str) -> Result<Value, String> {
        match self.names.get(name) {
            Some(value) => value.clone(),
            None => Err(format!("`{name}` is not known without running Python")),
        }
    }
}

fn range(given: &[Argument], known: &mut Known<'_>) -> Result<Value, String> {
    let numbers: Option<Vec<i64>> = given
        .iter()
        .map(|argument| known.value(&argument.tokens).ok()?.in_text().ok()?.parse().ok())
        .collect();
    let (from, to) = match numbers.as_deref() {
        Some([to]) => (0, *to),
        Some([from, to]) => (*from, *to),
        _ => return Err("`range` is Python here".to_owned()),
    };
    if to.saturating_sub(from) > 1000 {
        return Err("`range` has more than 1000 values".to_owned());
    }
    Ok(Value::List(
        (from..to).map(|number| Value::Number(number.to_string())).collect(),
    ))
}

fn is_tuple(tokens: &[Token]) -> bool {
    arguments(tokens).len() != 1 || tokens.last().is_some_and(|token| token.is(","))
}

/// A number as Python prints it: only what is written so.
fn number(text: &str) -> Result<String, String> {
    let is_plain = text.parse::<i64>().is_ok_and(|value| value.to_string() == text)
        || text
            .parse::<f64>()
            .is_ok_and(|value| format!("{value:?}") == text && (1e-4..1e16).contains(&value));
    match is_plain {
        true => Ok(text.to_owned()),
        false => Err(format!("Python writes the number {text} otherwise")),
    }
}
