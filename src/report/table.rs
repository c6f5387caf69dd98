//! Columns that line up.

use super::columns;
use super::ink::{Ink, Tone};
use crate::outward::visible_line;

/// Rows of cells, each with its tone; a row may have fewer cells than others.
#[derive(Clone, Debug, Default)]
pub struct TextTable {
    rows: Vec<Vec<(Tone, String)>>,
    /// Columns whose cells stand at the right edge.
    right: Vec<usize>,
}

impl TextTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the cells of a column to its right edge, as numbers want it.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        self.right.push(column);
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = (Tone, String)>) {
        // As it will be shown, so that the columns line up.
        let shown = |(tone, text): (Tone, String)| (tone, visible_line(&text).into_owned());
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Draws it, two spaces between the columns and nothing at the end of a line. The last cell of a row may be longer
    /// than its column, and so may one that is very long: it would push the others off the screen.
    #[must_use]
    pub fn draw(&self, ink: Ink) -> String {
        const LONG: usize = 60;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let end = |row: &[(Tone, String)]| {
            row.iter()
                .rposition(|(_, text)| !text.is_empty())
                .map_or(0, |at| at + 1)
        };
        let width = |column: usize| {
            let counts = |row: &&Vec<_>| column + 1 < end(row);
            let cells = self.rows.iter().filter(counts).filter_map(|row| row.get(column));
            let lengths = cells.map(|(_, text)| columns::of(text));
            lengths
                .map(|length| if length > LONG { 1 } else { length })
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            // Spaces are kept back until something follows them.
            let mut owed = 0;
            for (column, (tone, text)) in row[..end(row)].iter().enumerate() {
                let space = widths[column].saturating_sub(columns::of(text));
                let (before, after) = match self.right.contains(&column) {
                    true => (space, 0),
                    false => (0, space),
                };
                out.extend(std::iter::repeat_n(' ', owed + before));
                out.push_str(&ink.paint(*tone, text));
                owed = after + if widths[column] == 0 { 0 } else { 2 };
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(cells: &[&str]) -> Vec<(Tone, String)> {
        cells.iter().map(|cell| (Tone::Plain, (*cell).to_owned())).collect()
    }

    #[test]
    fn columns_line_up_and_lines_end_with_text() {
        let mut table = TextTable::new().right(1);
        table.row(plain(&["run", "11.4 s", "train"]));
        table.row(plain(&["restore", "2 s", "forecast"]));
        table.row(plain(&["keep", "", ""]));
        table.row(plain(&["keep", "ingest and all the others"]));
        let expected = "\
run      11.4 s  train
restore     2 s  forecast
keep
keep     ingest and all the others
";
        assert_eq!(table.draw(Ink::PLAIN), expected);
    }

    #[test]
    fn a_very_long_cell_sticks_out_alone() {
        let mut table = TextTable::new();
        let long = "x".repeat(61);
        table.row(plain(&["models", &long, "Atsaffile:20"]));
        table.row(plain(&["horizon", "24", "Atsaffile:16"]));
        let expected = format!("models   {long}  Atsaffile:20\nhorizon  24  Atsaffile:16\n");
        assert_eq!(table.draw(Ink::PLAIN), expected);
    }
}
