//! A parameter file in JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Count, Key, Node, span, too_deep};
use crate::atsaffile::mistakes::Mistakes;
use crate::engine::spec::{Span, Value};

/// Reads the entries of the file.
pub(super) fn read(text: &str, mistakes: &mut Mistakes) -> Vec<(Key, Node)> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    // The whole first, so that what is wrong is told once and with its place.
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let at = offset(text, error.line(), error.column());
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        mistakes.error(span(at, at), format!("this is not JSON: {what}"));
        return Vec::new();
    }
    let mut reader = JsonReader {
        text,
        mistakes,
        count: Count::default(),
    };
    match reader.node(text.trim(), 0) {
        Node::Table(entries) => entries,
        _ if reader.mistakes.has_errors() => Vec::new(),
        _ => {
            let what = "a parameter file is an object of names and values";
            mistakes.error(span(0, text.trim_end().len()), what);
            Vec::new()
        }
    }
}

/// The byte of a line and column, which are counted from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// Keys in order, each with the text of its value.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct JsonReader<'t, 'm> {
    text: &'t str,
    mistakes: &'m mut Mistakes,
    count: Count,
}

impl<'t> JsonReader<'t, '_> {
    /// Reads a value from its text, which is sound JSON.
    fn node(&mut self, raw: &'t str, depth: usize) -> Node {
        if self.count.add(1) || depth > super::DEEPEST {
            return self.too_much(raw, depth);
        }
        match raw.as_bytes().first() {
            Some(b'{') => self.table(raw, depth),
            Some(b'[') => {
                let items: Vec<&'t RawValue> = serde_json::from_str(raw).unwrap_or_default();
                Node::List(items.iter().map(|item| self.node(item.get(), depth + 1)).collect())
            }
            Some(b'"') => match serde_json::from_str::<String>(raw) {
                Ok(text) => Node::text(text),
                Err(_) => Node::Unfit("no text".to_owned()),
            },
            Some(b'n') => Node::Value(Value::Null),
            Some(b't' | b'f') => Node::Value(Value::Bool(raw == "true")),
            _ => number(raw),
        }
    }

    fn table(&mut self, raw: &'t str, depth: usize) -> Node {
        let Ok(Entries(written)) = serde_json::from_str::<Entries<'t>>(raw) else {
            return Node::Unfit("no object".to_owned());
        };
        let mut entries: Vec<(Key, Node)> = Vec::with_capacity(written.len());
        let mut seen = std::collections::HashMap::new();
        for (text, value) in written {
            let span = self.span_of(value.get());
            let node = self.node(value.get(), depth + 1);
            if let Some(first) = seen.insert(text.clone(), span) {
                self.mistakes
                    .error(span, format!("`{text}` is written twice"))
                    .also(first, "first here");
            }
            entries.push((Key { text, span }, node));
        }
        Node::Table(entries)
    }

    /// Where a piece of the text stands: that of a value, for keys are not told with their place.
    fn span_of(&self, piece: &str) -> Span {
        let start = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let line = piece.lines().next().unwrap_or_default();
        span(start, start + line.len())
    }

    fn too_much(&mut self, raw: &str, depth: usize) -> Node {
        let what = match depth > super::DEEPEST {
            true => too_deep(),
            false => Count::too_many(),
        };
        if !self.mistakes.has_errors() {
            let span = self.span_of(raw);
            self.mistakes.error(span, format!("this file cannot be read: {what}"));
        }
        Node::Unfit(what)
    }
}

fn number(raw: &str) -> Node {
    if raw.contains(['.', 'e', 'E']) {
        return Node::float(raw.parse().unwrap_or(f64::NAN));
    }
    raw.parse()
        .map_or_else(|_| Node::too_large(), |value| Node::Value(Value::Int(value)))
}
