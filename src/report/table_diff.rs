//! Two tables, row by row and cell by cell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::human;
use super::ink::{Ink, Tone};
use super::table::TextTable;

/// Columns that name a row together, where both tables have them.
const KEYS: [&str; 4] = ["unique_id", "cutoff", "ds", "model"];

/// A table of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// The columns that tell its rows apart, none if none does; of a single row only those that usually do.
    #[must_use]
    pub fn key(&self) -> Vec<String> {
        let mut key = key(self, self);
        if self.rows.len() < 2 {
            key.retain(|column| KEYS.contains(&column.as_str()));
        }
        key
    }
}

/// What differs between two tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableDiff {
    /// The columns by which rows are told apart; none if it is their number.
    pub key: Vec<String>,
    /// Columns that only the second has.
    pub new_columns: Vec<String>,
    /// Columns that only the first has.
    pub gone_columns: Vec<String>,
    /// How many rows each has.
    pub rows: (usize, usize),
    /// Keys of rows that only the second has.
    pub added: Vec<String>,
    /// Keys of rows that only the first has.
    pub removed: Vec<String>,
    /// Rows that both have, with other cells.
    pub changed: Vec<ChangedRow>,
}

/// A row with other cells.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedRow {
    /// Its key.
    pub key: String,
    /// Column, before, after.
    pub cells: Vec<(String, String, String)>,
}

impl TableDiff {
    /// Compares.
    #[must_use]
    pub fn of(before: &Sheet, after: &Sheet) -> Self {
        let only = |of: &Sheet, other: &Sheet| -> Vec<String> {
            let columns = of.columns.iter().filter(|column| !other.columns.contains(column));
            columns.cloned().collect()
        };
        let key = key(before, after);
        let (first, second) = (by_key(before, &key), by_key(after, &key));
        let shared: Vec<(&String, usize, usize)> = before
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| !key.contains(column))
            .filter_map(|(at, column)| Some((column, at, place(after, column)?)))
            .collect();
        let mut changed = Vec::new();
        for (name, row) in &second.order {
            let Some(then) = first.rows.get(name) else { continue };
            let cells: Vec<(String, String, String)> = shared
                .iter()
                .filter_map(|(column, from, to)| {
                    let (before, after) = (then.get(*from)?, row.get(*to)?);
                    (before != after).then(|| ((*column).clone(), before.clone(), after.clone()))
                })
                .collect();
            if !cells.is_empty() {
                let key = name.clone();
                changed.push(ChangedRow { key, cells });
            }
        }
        let missing = |of: &Keyed<'_>, other: &Keyed<'_>| -> Vec<String> {
            let names = of.order.iter().map(|(name, _)| name);
            names.filter(|name| !other.rows.contains_key(*name)).cloned().collect()
        };
        Self {
            new_columns: only(after, before),
            gone_columns: only(before, after),
            rows: (before.rows.len(), after.rows.len()),
            added: missing(&second, &first),
            removed: missing(&first, &second),
            changed,
            key,
        }
    }

    /// Whether both say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let columns = self.new_columns.is_empty() && self.gone_columns.is_empty();
        columns && self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// In words: counts, what became of each column, and the first `most` rows of each sort.
    #[must_use]
    pub fn text(&self, most: usize, ink: Ink) -> String {
        let mut table = TextTable::new();
        let mut row = |label: &str, text: String| table.row([(Tone::Faint, label.to_owned()), (Tone::Plain, text)]);
        let counts = [
            (self.added.len(), "added"),
            (self.removed.len(), "removed"),
            (self.changed.len(), "changed"),
        ];
        let counts: Vec<String> = counts.iter().map(|(count, word)| format!("{count} {word}")).collect();
        let number = match self.rows {
            (before, after) if before == after => after.to_string(),
            (before, after) => format!("{before} -> {after}"),
        };
        row("rows", format!("{number}: {}", counts.join(", ")));
        let key = match self.key.is_empty() {
            true => "their number".to_owned(),
            false => self.key.join(", "),
        };
        row("told by", key);
        for (label, columns) in [("new columns", &self.new_columns), ("gone columns", &self.gone_columns)] {
            if !columns.is_empty() {
                row(label, columns.join(", "));
            }
        }
        let mut out = table.draw(ink);
        out += &self.columns_text(ink);
        let mut rows = TextTable::new();
        for (sign, tone, names) in [("+", Tone::New, &self.added), ("-", Tone::Old, &self.removed)] {
            for name in names.iter().take(most) {
                rows.row([(tone, format!("{sign} {name}"))]);
            }
            rest(&mut rows, sign, names.len().saturating_sub(most));
        }
        for ChangedRow { key, cells } in self.changed.iter().take(most) {
            rows.row([(Tone::Strong, format!("~ {key}"))]);
            for (column, before, after) in cells {
                let (shown, by) = change(before, after);
                rows.row([
                    (Tone::Plain, format!("    {column}")),
                    (Tone::Plain, shown),
                    (Tone::Faint, by),
                ]);
            }
        }
        rest(&mut rows, "~", self.changed.len().saturating_sub(most));
        let rows = rows.draw(ink);
        if !rows.is_empty() {
            out.push('\n');
        }
        out + &rows
    }

    /// A line a column that has other cells: how many, and between which relative changes.
    fn columns_text(&self, ink: Ink) -> String {
        let mut table = TextTable::new();
        for (column, (count, changes)) in self.by_column() {
            let least = changes.iter().copied().fold(f64::INFINITY, f64::min);
            let most = changes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let by = |change: f64| human::relative(1.0, 1.0 + change).unwrap_or_default();
            let range = match changes.len() {
                0 => String::new(),
                _ if by(least) == by(most) => format!("by {}", by(least)),
                _ => format!("by {} to {}", by(least), by(most)),
            };
            table.row([
                (Tone::Faint, "column".to_owned()),
                (Tone::Strong, column.to_owned()),
                (Tone::Plain, human::count(count, "cell")),
                (Tone::Plain, range),
            ]);
        }
        table.draw(ink)
    }

    /// Of each column the number of its other cells, and the relative changes of those that are numbers.
    fn by_column(&self) -> BTreeMap<&str, (usize, Vec<f64>)> {
        let mut columns: BTreeMap<&str, (usize, Vec<f64>)> = BTreeMap::new();
        for (column, before, after) in self.changed.iter().flat_map(|row| &row.cells) {
            let (count, changes) = columns.entry(column).or_default();
            *count += 1;
            changes.extend(relative(before, after));
        }
        columns
    }

    /// The whole as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let changed = self.changed.iter().map(|row| {
            let cells = row.cells.iter().map(|(column, before, after)| {
                json!({ "column": column, "before": before, "after": after, "relative": relative(before, after) })
            });
            json!({ "key": row.key, "cells": cells.collect::<Vec<_>>() })
        });
        json!({
            "key": self.key,
            "columns": { "new": self.new_columns, "gone": self.gone_columns },
            "rows": {
                "before": self.rows.0, "after": self.rows.1, "added": self.added, "removed": self.removed,
                "changed": changed.collect::<Vec<_>>(),
            },
        })
    }
}

fn rest(rows: &mut TextTable, sign: &str, more: usize) {
    if more > 0 {
        rows.row([(Tone::Faint, format!("{sign} … {}", human::count(more, "more row")))]);
    }
}

/// Both values, and by how much the second is another one.
fn change(before: &str, after: &str) -> (String, String) {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    match number(before).zip(number(after)) {
        Some((then, now)) => {
            let (a, b) = (human::number(then), human::number(now));
            let shown = if a == b {
                format!("{before} -> {after}")
            } else {
                format!("{a} -> {b}")
            };
            (shown, human::relative(then, now).unwrap_or_default())
        }
        None => (
            format!("{} -> {}", or_nothing(before), or_nothing(after)),
            String::new(),
        ),
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "(nothing)" } else { text }
}

fn relative(before: &str, after: &str) -> Option<f64> {
    let (then, now): (f64, f64) = (before.parse().ok()?, after.parse().ok()?);
    Some((now - then) / then.abs()).filter(|by| by.is_finite())
}

fn place(sheet: &Sheet, column: &str) -> Option<usize> {
    sheet.columns.iter().position(|it| it == column)
}

/// The rows of a table by their keys.
struct Keyed<'s> {
    order: Vec<(String, &'s Vec<String>)>,
    rows: HashMap<String, &'s Vec<String>>,
}

fn by_key<'s>(sheet: &'s Sheet, key: &[String]) -> Keyed<'s> {
    let places: Vec<usize> = key.iter().filter_map(|column| place(sheet, column)).collect();
    let name = |at: usize, row: &Vec<String>| {
        if places.is_empty() {
            return format!("row {}", at + 1);
        }
        let parts = places.iter().map(|place| row.get(*place).map_or("", String::as_str));
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let order: Vec<(String, &Vec<String>)> = sheet
        .rows
        .iter()
        .enumerate()
        .map(|(at, row)| (name(at, row), row))
        .collect();
    let rows = order.iter().map(|(name, row)| (name.clone(), *row)).collect();
    Keyed { order, rows }
}

/// The columns that tell the rows of both tables apart: the usual ones, else the first that does; none if none does.
fn key(before: &Sheet, after: &Sheet) -> Vec<String> {
    let both = |column: &&str| place(before, column).is_some() && place(after, column).is_some();
    let usual: Vec<String> = KEYS
        .iter()
        .filter(|column| both(column))
        .map(ToString::to_string)
        .collect();
    let is_unique = |sheet: &Sheet, key: &[String]| {
        let keyed = by_key(sheet, key);
        let names: BTreeSet<&String> = keyed.order.iter().map(|(name, _)| name).collect();
        names.len() == keyed.order.len()
    };
    let tells = |key: &[String]| !key.is_empty() && is_unique(before, key) && is_unique(after, key);
    if tells(&usual) {
        return usual;
    }
    let mut single = before.columns.iter().filter(|column| both(&column.as_str()));
    single
        .find(|column| tells(std::slice::from_ref(column)))
        .cloned()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> Sheet {
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Sheet {
            columns: lines.next().expect("a header"),
            rows: lines.collect(),
        }
    }

    #[test]
    fn rows_are_told_by_their_key_and_numbers_by_their_change() {
        let before = sheet("model,rmse_mean,note\nA,10808,x\nB,10700,y\nC,5,z\n");
        let after = sheet("rmse_mean,model,extra\n10700,B,1\n10611.4,A,2\n7,D,3\n");
        let diff = TableDiff::of(&before, &after);
        let expected = "\
rows          3: 1 added, 1 removed, 1 changed
told by       model
new columns   extra
gone columns  note
column  rmse_mean  1 cell  by -1.8 %

+ D
- C
~ A
    rmse_mean  10,808 -> 10,611  -1.8 %
";
        assert_eq!(diff.text(10, Ink::PLAIN), expected);
        assert!(TableDiff::of(&before, &before).is_empty() && !diff.is_empty());
        let json = diff.to_json();
        assert_eq!(json["rows"]["changed"][0]["cells"][0]["before"], "10808");
    }

    #[test]
    fn without_a_key_rows_go_by_number() {
        let diff = TableDiff::of(&sheet("a,b\n1,2\n1,2\n"), &sheet("a,b\n1,2\n1,\n"));
        assert_eq!(diff.key, [""; 0]);
        assert_eq!(diff.changed[0].key, "row 2");
        assert!(
            diff.text(0, Ink::PLAIN).contains("~ … 1 more row\n"),
            "{}",
            diff.text(0, Ink::PLAIN)
        );
        assert!(
            diff.text(1, Ink::PLAIN).contains("2 -> (nothing)"),
            "{}",
            diff.text(1, Ink::PLAIN)
        );
    }
}
