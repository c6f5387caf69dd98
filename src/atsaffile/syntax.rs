//! TOML with the span of every key and value, and what is wrong with it as TOML.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::mistakes::Mistakes;
use super::pieces::{self, Pieces};
use crate::engine::spec::Span;

/// How many keys that are written twice are searched for: each search reads the text up to there.
const SEARCHED: usize = 100;

/// A value of the TOML tree.
pub(super) type TomlNode<'t> = Spanned<DeValue<'t>>;

/// A text with its span: a key, or a string with its quotes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word<'t> {
    /// The text, decoded.
    pub(super) text: &'t str,
    /// Where it is written.
    pub(super) span: Span,
}

/// Reads the TOML; `None` if it is broken, for what was meant is then a guess.
pub(super) fn parse<'t>(text: &'t str, mistakes: &mut Mistakes) -> Option<Pieces<'t>> {
    let whole = |root| Pieces {
        root,
        ..Pieces::default()
    };
    pieces::parse(text, pieces::PIECE).or_else(|| parse_whole(text, mistakes).map(whole))
}

/// The same, read as one.
pub(super) fn parse_whole<'t>(text: &'t str, mistakes: &mut Mistakes) -> Option<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut broken = false;
    for (at, error) in errors.into_iter().enumerate() {
        let range = error.span().unwrap_or(text.len()..text.len());
        let span = span(&range);
        let written = text.get(range).unwrap_or_default();
        if error.message() == "duplicate key" {
            // The tree keeps one of the two, so the rest can be checked.
            let mistake = mistakes.error(span, format!("`{written}` is written twice"));
            if at < SEARCHED
                && let Some(first) = earlier(text, span)
            {
                mistake.also(first, "first here");
            }
        } else {
            broken = true;
            not_toml(span, written, error.message(), mistakes);
        }
    }
    let root = root.into_inner();
    for (_, value) in root.iter().filter(|_| !broken) {
        refuse_nul(value, mistakes);
    }
    (!broken).then_some(root)
}

/// Adds an error for each text with a NUL character: neither a path nor an argument nor a variable can have one.
fn refuse_nul(value: &TomlNode<'_>, mistakes: &mut Mistakes) {
    match value.get_ref() {
        DeValue::String(text) if text.contains('\0') => {
            mistakes
                .error(span_of(value), "this text has a NUL character in it")
                .help("leave it out: no path, argument or variable can have one");
        }
        DeValue::Array(values) => values.iter().for_each(|value| refuse_nul(value, mistakes)),
        DeValue::Table(table) => table.iter().for_each(|(_, value)| refuse_nul(value, mistakes)),
        _ => {}
    }
}

/// Adds the error that the TOML is broken.
fn not_toml(at: Span, written: &str, message: &str, mistakes: &mut Mistakes) {
    if !message.starts_with("string values must be quoted") {
        mistakes
            .error(at, format!("this is not TOML: {message}"))
            .help("see https://toml.io/en/v1.0.0 for how it is written");
    } else if written.trim().is_empty() {
        mistakes
            .error(at, "this is not TOML: a value is missing")
            .help("give the key a value, or remove it");
    } else {
        let start = at.start as usize + written.len() - written.trim_start().len();
        let value = written.trim();
        mistakes
            .error(
                span(&(start..start + value.len())),
                format!("this is not TOML: `{value}` is no value"),
            )
            .help("put a text in quotes, and one value only after each key");
    }
}

/// The span of a key or value.
pub(super) fn span_of<T>(spanned: &Spanned<T>) -> Span {
    span(&spanned.span())
}

/// A key with its span.
pub(super) fn key_of<'t>(key: &'t Spanned<DeString<'t>>) -> Word<'t> {
    Word {
        text: key.get_ref(),
        span: span_of(key),
    }
}

fn span(range: &Range<usize>) -> Span {
    let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        start: position(range.start),
        end: position(range.end),
    }
}

/// Where the bytes `decoded` of a word stand in the text, quotes and escapes counted.
pub(super) fn within(text: &str, word: Word<'_>, decoded: &Range<usize>) -> Span {
    let from = word.span.start as usize;
    let Some(raw) = text.get(from..word.span.end as usize) else {
        return word.span;
    };
    let start = position(raw, decoded.start);
    // To the end of the last character, which may be several bytes; but not over what stands for no character after it.
    let last = position(raw, decoded.end.saturating_sub(1).max(decoded.start));
    let length = match raw[last..].chars().next() {
        Some('\\') if raw.starts_with('"') => escape(&raw[last..]).0,
        other => other.map_or(1, char::len_utf8),
    };
    span(&(from + start..from + last + length))
}

/// The byte of the string `raw`, as written, from which its decoded byte `target` comes.
fn position(raw: &str, target: usize) -> usize {
    let quotes = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quotes| raw.starts_with(quotes));
    let Some(quotes) = quotes else {
        return target;
    };
    let mut at = quotes.len();
    if at == 3 {
        at += raw[at..]
            .find(|c| c != '\r')
            .filter(|end| raw[at + end..].starts_with('\n'))
            .map_or(0, |end| end + 1);
    }
    let escapes = quotes.starts_with('"');
    let mut decoded = 0;
    while let Some(next) = raw[at..].chars().next() {
        let (written, read) = match next {
            '\\' if escapes => escape(&raw[at..]),
            other => (other.len_utf8(), other.len_utf8()),
        };
        if decoded + read > target {
            break;
        }
        at += written;
        decoded += read;
    }
    at
}

/// Bytes of the escape at the start of `raw`, as written and as read.
fn escape(raw: &str) -> (usize, usize) {
    let digits = match raw[1..].chars().next() {
        Some('u') => 4,
        Some('U') => 8,
        Some('x') => 2,
        Some(c) if c.is_whitespace() => {
            // A backslash at the end of a line swallows all space up to the next text.
            return (
                raw[1..]
                    .find(|c: char| !c.is_whitespace())
                    .map_or(raw.len(), |end| end + 1),
                0,
            );
        }
        Some(c) => return (1 + c.len_utf8(), 1),
        None => return (1, 1),
    };
    let end = (2 + digits).min(raw.len());
    let code = raw.get(2..end).and_then(|code| u32::from_str_radix(code, 16).ok());
    (end, code.and_then(char::from_u32).map_or(1, char::len_utf8))
}

/// The earlier place of the key that is written again at `again`: a line of the same table, or an equal header.
fn earlier(text: &str, again: Span) -> Option<Span> {
    let at = again.start as usize;
    let key = text.get(at..again.end as usize)?;
    let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = &text[line_start..at];
    let lines = text[..line_start].split_inclusive('\n').scan(0, |start, line| {
        *start += line.len();
        Some((*start - line.len(), line))
    });
    let column = if before.trim_start().starts_with('[') {
        let header = |line: &str| line.split(']').next().unwrap_or_default().replace([' ', '\t'], "");
        let wanted = header(text[line_start..].lines().next()?);
        let (start, line) = lines.into_iter().find(|(_, line)| header(line) == wanted)?;
        start + line.rfind(key)?
    } else {
        let mut found = None;
        for (start, line) in lines {
            let trimmed = line.trim_start();
            if trimmed.starts_with('[') {
                found = None;
            } else if let Some(rest) = trimmed.strip_prefix(key)
                && rest.trim_start().starts_with(['=', '.'])
            {
                found = found.or(Some(start + line.len() - trimmed.len()));
            }
        }
        found?
    };
    Some(span(&(column..column + key.len())))
}

/// Says what a value is: its type, and the value itself if it is short.
pub(super) fn describe(node: &TomlNode<'_>) -> String {
    match node.get_ref() {
        DeValue::String(text) if text.chars().count() > 40 => "a long string".to_owned(),
        DeValue::String(text) => format!("the string {}", serde_json::Value::from(text.as_ref())),
        DeValue::Integer(number) => format!("the integer {number}"),
        DeValue::Float(number) => format!("the float {number}"),
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Adds the error that a key has a value of the wrong type.
pub(super) fn expected<'m>(
    node: &TomlNode<'_>,
    key: &str,
    wanted: &str,
    mistakes: &'m mut Mistakes,
) -> &'m mut super::mistakes::Mistake {
    mistakes.error(
        span_of(node),
        format!("`{key}` must be {wanted}, found {}", describe(node)),
    )
}

/// Reads a table.
pub(super) fn table<'t>(node: &'t TomlNode<'t>, key: &str, mistakes: &mut Mistakes) -> Option<&'t DeTable<'t>> {
    let table = node.get_ref().as_table();
    if table.is_none() {
        expected(node, key, "a table", mistakes);
    }
    table
}

/// Reads a text.
pub(super) fn text<'t>(node: &'t TomlNode<'t>, key: &str, wanted: &str, mistakes: &mut Mistakes) -> Option<Word<'t>> {
    let Some(text) = node.get_ref().as_str() else {
        expected(node, key, wanted, mistakes);
        return None;
    };
    let span = span_of(node);
    Some(Word { text, span })
}

/// Reads a list of texts; `wanted` says of what.
pub(super) fn texts<'t>(node: &'t TomlNode<'t>, key: &str, wanted: &str, mistakes: &mut Mistakes) -> Vec<Word<'t>> {
    match node.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .filter_map(|item| item_text(item, key, wanted, mistakes))
            .collect(),
        DeValue::String(text) => {
            let listed = serde_json::Value::from(text.as_ref());
            expected(node, key, wanted, mistakes).help(format!("write `{key} = [{listed}]`"));
            Vec::new()
        }
        _ => {
            expected(node, key, wanted, mistakes);
            Vec::new()
        }
    }
}

/// Reads one item of a list of texts.
pub(super) fn item_text<'t>(
    item: &'t TomlNode<'t>,
    key: &str,
    wanted: &str,
    mistakes: &mut Mistakes,
) -> Option<Word<'t>> {
    let Some(text) = item.get_ref().as_str() else {
        let found = describe(item);
        mistakes.error(span_of(item), format!("`{key}` must be {wanted}, found {found} in it"));
        return None;
    };
    let span = span_of(item);
    Some(Word { text, span })
}

/// Reads `true` or `false`.
pub(super) fn flag(node: &TomlNode<'_>, key: &str, mistakes: &mut Mistakes) -> Option<bool> {
    let flag = node.get_ref().as_bool();
    if flag.is_none() {
        expected(node, key, "true or false", mistakes);
    }
    flag
}
