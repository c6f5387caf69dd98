//! A leaderboard as a person reads it: rank, model, a bar and numbers, as many as there is room for.

use super::rows::{Rows, rest};
use crate::report::columns;
use crate::report::fold::fold;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;

/// Columns of a bar.
const BAR: usize = 10;
/// Longest name of a model, so that an ensemble leaves room for numbers.
const NAME: usize = 32;

/// Draws rows that are a leaderboard; `None` of others.
pub(super) fn text(rows: &Rows, width: usize, ink: Ink) -> Option<String> {
    let place = |name: &str| rows.columns.iter().position(|(column, _)| column == name);
    let (model, rank) = (place("model")?, place("rank")?);
    let cell = |row: &'_ Vec<String>, at: usize| row.get(at).cloned().unwrap_or_default();
    let numbers: Vec<usize> = (0..rows.columns.len())
        .filter(|at| is_score(&rows.columns[*at].0))
        .collect();
    let ranking = *numbers.iter().find(|at| ranks(rows, rank, **at)).or(numbers.first())?;
    // The name of an only series says nothing; a table of many leaderboards says whose each line is.
    let is_one = |at: usize| rows.first.iter().all(|row| cell(row, at) == cell(&rows.first[0], at));
    let labels: Vec<usize> = match (0..model).collect::<Vec<_>>() {
        all if all.len() == 1 && is_one(all[0]) => Vec::new(),
        all => all,
    };
    let score = |row: &Vec<String>, at: usize| cell(row, at).parse::<f64>().ok().filter(|it| it.is_finite());
    let most = rows
        .first
        .iter()
        .filter_map(|row| score(row, ranking))
        .fold(0.0, f64::max);
    // The error that ranks first, then the others as long as there is room.
    let mut order = vec![ranking];
    order.extend(numbers.iter().copied().filter(|at| *at != ranking));
    let drawn = |fit: usize| {
        let mut table = TextTable::new().right(0);
        let first = labels.len() + 3;
        for column in 0..fit {
            table = table.right(first + column);
        }
        let mut head = vec![(Tone::Faint, "rank".to_owned())];
        head.extend(labels.iter().map(|at| (Tone::Faint, rows.columns[*at].0.clone())));
        head.extend([(Tone::Faint, "model".to_owned()), (Tone::Faint, String::new())]);
        let name = |at: &usize| rows.columns[*at].0.replace("_mean", "");
        head.extend(order[..fit].iter().map(|at| (Tone::Faint, name(at))));
        table.row(head);
        for row in &rows.first {
            let place = cell(row, rank);
            let is_best = place == "1";
            let tone = if is_best { Tone::Strong } else { Tone::Plain };
            let place = if place.is_empty() || place == "null" {
                "-".to_owned()
            } else {
                place
            };
            let mut cells = vec![(tone, place)];
            cells.extend(labels.iter().map(|at| (Tone::Plain, cell(row, *at))));
            cells.push((tone, short(&cell(row, model))));
            cells.push((
                if is_best { Tone::Good } else { Tone::Faint },
                bar(score(row, ranking), most),
            ));
            cells.extend(
                order[..fit]
                    .iter()
                    .map(|at| (tone, score(row, *at).map_or_else(|| "-".to_owned(), human::number))),
            );
            table.row(cells);
        }
        table
    };
    let fits = |fit: &usize| {
        let text = drawn(*fit).draw(Ink::PLAIN);
        text.lines().all(|line| columns::of(line) <= width)
    };
    let fit = (1..=order.len()).rev().find(fits).unwrap_or(1);
    let mut out = drawn(fit).draw(ink) + &rest(rows.first.len(), rows.count, "row");
    if fit < order.len() {
        let more: Vec<String> = order[fit..].iter().map(|at| rows.columns[*at].0.clone()).collect();
        out += &fold(&format!("more columns: {}\n", more.join(", ")), width);
    }
    Some(out)
}

/// Whether a column holds an error or another measure.
fn is_score(name: &str) -> bool {
    name.contains("_mean") || name.ends_with("_std")
}

/// Whether a column is in the order of the ranks.
fn ranks(rows: &Rows, rank: usize, column: usize) -> bool {
    let number = |row: &Vec<String>, at: usize| row.get(at).and_then(|text| text.parse::<f64>().ok());
    let mut pairs: Vec<(f64, f64)> = rows
        .first
        .iter()
        .filter_map(|row| Some((number(row, rank)?, number(row, column)?)))
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.windows(2).all(|pair| pair[0].1 <= pair[1].1)
}

fn short(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// A bar as long as an error is large, to an eighth of a column.
fn bar(score: Option<f64>, most: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Some(score) = score.filter(|score| *score > 0.0 && most > 0.0) else {
        return String::new();
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "eighths of ten columns"
    )]
    let eighths = ((score / most) * (BAR * 8) as f64).round() as usize;
    let eighths = eighths.clamp(1, BAR * 8);
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}
