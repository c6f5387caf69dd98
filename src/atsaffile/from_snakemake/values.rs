//! What the expressions of a Snakefile are, as far as that is known without running Python.

use std::collections::BTreeMap;

use super::Disk;
use super::patterns::Pattern;
use super::statements::{Argument, arguments};
use super::tokens::{Kind, Token};
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

/// Most texts of one `expand`.
const MOST_TEXTS: usize = 10_000;

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
    fn format(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out += &rest[..at];
            let behind = &rest[at..];
            if behind.starts_with("{{") || behind.starts_with("}}") {
                out += &behind[..1];
                rest = &behind[2..];
                continue;
            }
            let (inside, after) = behind[1..]
                .split_once('}')
                .ok_or("an f-string has a brace that is not closed")?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !inside.chars().all(is_name) {
                return Err(format!("`{{{inside}}}` in an f-string is Python"));
            }
            out += &self.known.named(inside)?.in_text()?;
            rest = after;
        }
        Ok(out + rest)
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

    /// The texts of `expand`, in Snakemake's order: the last list goes first.
    fn expand(&mut self, given: &[Argument]) -> Result<Value, String> {
        let mut patterns = None;
        let mut lists: Vec<(String, Vec<String>)> = Vec::new();
        let mut is_zip = false;
        let mut may_miss = false;
        for argument in given {
            match argument.name.as_deref() {
                None if patterns.is_none() => patterns = Some(self.value(&argument.tokens)?),
                None if matches!(argument.tokens.as_slice(), [zip] if zip.is("zip")) => is_zip = true,
                None => return Err("a function says how `expand` combines".to_owned()),
                Some("allow_missing") => may_miss = matches!(self.value(&argument.tokens)?, Value::Bool(true)),
                Some(name) => {
                    let value = self.value(&argument.tokens)?;
                    let texts: Result<Vec<String>, String> = value.items()?.iter().map(Value::in_text).collect();
                    let texts = texts?;
                    match value.bare() {
                        Value::Globbed(globbed) => self.open.push(globbed.clone()),
                        Value::Paths(_) => return Err("`expand` over paths".to_owned()),
                        _ => {
                            self.is_from_config |= matches!(value, Value::Config(..));
                            self.closed.push(texts.clone());
                        }
                    }
                    lists.push((name.to_owned(), texts));
                }
            }
        }
        let patterns = patterns.ok_or("`expand` is given nothing")?;
        let is_config = matches!(patterns, Value::Config(..));
        let mut all = Vec::new();
        for pattern in patterns.paths()? {
            let used: Vec<&(String, Vec<String>)> =
                lists.iter().filter(|(name, _)| uses(&pattern.text, name)).collect();
            for values in combined(&used, is_zip)? {
                all.push(Value::Text(formatted(&pattern.text, &values, may_miss)?));
                if all.len() > MOST_TEXTS {
                    return Err(format!("`expand` makes more than {MOST_TEXTS} paths"));
                }
            }
        }
        let all = Value::List(all);
        Ok(if is_config {
            Value::Marked("config", all.into())
        } else {
            all
        })
    }
}

/// Whether a text has a hole of this name.
fn uses(text: &str, name: &str) -> bool {
    text.replace("{{", "").contains(&format!("{{{name}}}"))
}

type Combination<'l> = Vec<(&'l str, &'l str)>;

/// The combinations of values, the last list the fastest; or side by side.
fn combined<'l>(lists: &[&'l (String, Vec<String>)], is_zip: bool) -> Result<Vec<Combination<'l>>, String> {
    if is_zip {
        let length = lists.iter().map(|(_, values)| values.len()).min().unwrap_or(1);
        let row = |at: usize| {
            lists
                .iter()
                .map(|(name, values)| (name.as_str(), values[at].as_str()))
                .collect()
        };
        return Ok((0..length).map(row).collect());
    }
    let mut all: Vec<Combination<'l>> = vec![Vec::new()];
    for (name, values) in lists {
        if all.len().saturating_mul(values.len()) > MOST_TEXTS {
            return Err(format!("`expand` makes more than {MOST_TEXTS} paths"));
        }
        let longer = all.iter().flat_map(|known| {
            let with = move |value: &'l String| [known.as_slice(), &[(name.as_str(), value.as_str())]].concat();
            values.iter().map(with)
        });
        all = longer.collect();
    }
    Ok(all)
}

/// A text with values in its braces; doubled ones are single afterwards.
fn formatted(text: &str, values: &[(&str, &str)], may_miss: bool) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out += &rest[..at];
        let behind = &rest[at..];
        if behind.starts_with("{{") || behind.starts_with("}}") {
            out += &behind[..1];
            rest = &behind[2..];
            continue;
        }
        let (name, after) = behind[1..]
            .split_once('}')
            .ok_or("`expand` of a brace that is not closed")?;
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out += value,
            None if may_miss => out.extend(["{", name, "}"]),
            None => return Err(format!("`expand` has no values for `{name}`")),
        }
        rest = after;
    }
    Ok(out + rest)
}

/// The wildcards of a pattern in the files there are, as `glob_wildcards` finds them.
fn globbed(text: &str, disk: &dyn Disk) -> Result<Vec<Globbed>, String> {
    let text = crate::atsaffile::path::normalise(text);
    let pattern = Pattern::read(&text, &BTreeMap::new())?;
    let fixed = text.split('{').next().unwrap_or_default();
    let directory = fixed.rsplit_once('/').map_or("", |(directory, _)| directory);
    let matched: Vec<_> = disk
        .below(directory)
        .iter()
        .filter_map(|path| pattern.matched(path))
        .collect();
    let wildcards = pattern.wildcards();
    let axis = (wildcards.len() == 1).then(|| pattern.as_glob()).flatten();
    let all = wildcards.into_iter().map(|wildcard| Globbed {
        values: matched
            .iter()
            .filter_map(|values| values.get(&wildcard).cloned())
            .collect(),
        axis: axis.clone(),
        wildcard,
    });
    Ok(all.collect())
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

/// The item of a table or list.
fn item(value: &Value, key: &Value) -> Result<Value, String> {
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

fn attribute(value: &Value, name: &str) -> Result<Value, String> {
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
