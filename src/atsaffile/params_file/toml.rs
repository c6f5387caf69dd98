//! A parameter file in TOML.

use toml::de::{DeTable, DeValue};

use super::{Count, Key, Node, too_deep};
use crate::atsaffile::mistakes::Mistakes;
use crate::atsaffile::syntax::{self, TomlNode, key_of, span_of};
use crate::engine::spec::Value;

/// Reads the entries of the file.
pub(super) fn read(text: &str, mistakes: &mut Mistakes) -> Vec<(Key, Node)> {
    let root = syntax::parse_whole(text, mistakes);
    let mut reader = TomlReader {
        mistakes,
        count: Count::default(),
    };
    root.map(|root| reader.entries(&root, 0)).unwrap_or_default()
}

struct TomlReader<'m> {
    mistakes: &'m mut Mistakes,
    count: Count,
}

impl TomlReader<'_> {
    fn entries(&mut self, table: &DeTable<'_>, depth: usize) -> Vec<(Key, Node)> {
        let mut entries: Vec<(Key, Node)> = Vec::with_capacity(table.len());
        for (key, node) in table {
            let key = key_of(key);
            let own = Key {
                text: key.text.to_owned(),
                span: key.span,
            };
            entries.push((own, self.node(node, depth + 1)));
        }
        // As they are written; a table that is opened twice lies where it is first.
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    fn node(&mut self, node: &TomlNode<'_>, depth: usize) -> Node {
        if self.count.add(1) || depth > super::DEEPEST {
            let what = match depth > super::DEEPEST {
                true => too_deep(),
                false => Count::too_many(),
            };
            if !self.mistakes.has_errors() {
                let what = format!("this file cannot be read: {what}");
                self.mistakes.error(span_of(node), what);
            }
            return Node::Unfit(what);
        }
        match node.get_ref() {
            DeValue::Boolean(value) => Node::Value(Value::Bool(*value)),
            DeValue::String(text) => Node::text(text.as_ref()),
            DeValue::Datetime(date) => Node::Value(Value::Date(date.to_string())),
            DeValue::Integer(number) => {
                let value = i64::from_str_radix(number.as_str(), number.radix());
                value.map_or_else(|_| Node::too_large(), |value| Node::Value(Value::Int(value)))
            }
            DeValue::Float(number) => Node::float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Array(items) => Node::List(items.iter().map(|item| self.node(item, depth + 1)).collect()),
            DeValue::Table(table) => Node::Table(self.entries(table, depth)),
        }
    }
}
