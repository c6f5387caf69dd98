//! The first rows of a table with a schema, wherever they were read.

use serde_json::{Value, json};

use super::leaderboard;
use crate::outward::visible_line;
use crate::report::columns;
use crate::report::fold::fold;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;

/// No cell is wider where it is shown.
const CELL: usize = 48;

/// A table with a schema.
#[derive(Default)]
pub(in crate::cli) struct Rows {
    pub(super) size: u64,
    /// Name and type of each column.
    pub(in crate::cli) columns: Vec<(String, String)>,
    /// How many rows there are.
    pub(in crate::cli) count: usize,
    /// The first of them, as text.
    pub(super) first: Vec<Vec<String>>,
}

impl Rows {
    /// Columns with their types, and the first rows; columns beyond the width are named below.
    pub(super) fn text(&self, width: usize, ink: Ink) -> String {
        if let Some(text) = leaderboard::text(self, width, ink) {
            return text;
        }
        let widest = CELL.min(width);
        let shown = |cell: &str| columns::cut(&visible_line(cell), widest).into_owned();
        let cell = |row: &Vec<String>, at: usize| row.get(at).map_or(0, |cell| columns::of(&shown(cell)));
        let mut used = 0;
        let mut fit = 0;
        for (at, (name, of)) in self.columns.iter().enumerate() {
            let cells = self.first.iter().map(|row| cell(row, at)).max().unwrap_or(0);
            used += cells.max(columns::of(&shown(name))).max(columns::of(of)) + 2;
            if used > width + 2 && at > 0 {
                break;
            }
            fit = at + 1;
        }
        let mut table = TextTable::new();
        let line = |cells: Vec<String>, tone: Tone| {
            let cells: Vec<String> = cells.iter().take(fit).map(|cell| shown(cell)).collect();
            cells.into_iter().map(move |cell| (tone, cell))
        };
        table.row(line(
            self.columns.iter().map(|(name, _)| name.clone()).collect(),
            Tone::Strong,
        ));
        table.row(line(
            self.columns.iter().map(|(_, of)| of.clone()).collect(),
            Tone::Faint,
        ));
        for row in &self.first {
            table.row(line(row.clone(), Tone::Plain));
        }
        let mut out = table.draw(Ink::PLAIN) + &rest(self.first.len(), self.count, "row");
        if fit < self.columns.len() {
            let more: Vec<&str> = self.columns[fit..].iter().map(|(name, _)| name.as_str()).collect();
            out += &fold(&format!("more columns: {}\n", more.join(", ")), width);
        }
        out
    }

    pub(super) fn to_json(&self) -> Value {
        let schema = self
            .columns
            .iter()
            .map(|(name, of)| json!({ "name": name, "type": of }));
        json!({
            "kind": "table", "size": self.size, "count": self.count,
            "schema": schema.collect::<Vec<_>>(), "rows": self.first,
        })
    }
}

/// Says how many more there are than what is shown; nothing if that is all.
pub(super) fn rest(shown: usize, count: usize, what: &str) -> String {
    match count - shown.min(count) {
        0 => String::new(),
        more => format!("... {}\n", human::count(more, &format!("more {what}"))),
    }
}
