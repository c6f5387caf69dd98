//! The leaderboards: rank, model, a bar for the error that ranks, and all the numbers.

use maud::{Markup, html};

use super::number;
use crate::report::human;

/// A leaderboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// The artifact's name.
    pub artifact: String,
    /// The error that ranks, such as `rmse`.
    pub metric: String,
    /// Names of the columns with numbers, the one that ranks first.
    pub measures: Vec<String>,
    /// Whether its rows are of several series.
    pub has_series: bool,
    /// The rows as they stand in the table.
    pub rows: Vec<BoardRow>,
    /// How many more rows there are.
    pub left_out: usize,
}

/// A row of a leaderboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoardRow {
    /// The series; empty for all together.
    pub series: String,
    /// The model.
    pub model: String,
    /// Its place, if it has one.
    pub rank: Option<usize>,
    /// One number a column.
    pub numbers: Vec<Option<f64>>,
    /// Why it failed, or why it is there.
    pub reason: String,
}

impl Board {
    /// The best model with its error.
    #[must_use]
    pub fn champion(&self) -> Option<(&str, f64)> {
        let first = self.rows.iter().find(|row| row.rank == Some(1))?;
        Some((&first.model, first.numbers.first().copied().flatten()?))
    }
}

pub(super) fn section(boards: &[Board]) -> Markup {
    html! {
        @for board in boards {
            @if boards.len() > 1 { h3 { (board.artifact) } }
            @let (all, by_series): (Vec<&BoardRow>, Vec<&BoardRow>) = board.rows.iter().partition(|row| row.series.is_empty());
            @if all.is_empty() || by_series.is_empty() { (table(board, &board.rows.iter().collect::<Vec<_>>(), board.has_series)) }
            @else {
                (table(board, &all, false))
                details { summary { "By series" } (table(board, &by_series, true)) }
            }
            @if board.left_out > 0 { p.left { (human::count(board.left_out, "more row")) " in " code { (board.artifact) } "." } }
        }
    }
}

fn table(board: &Board, rows: &[&BoardRow], has_series: bool) -> Markup {
    let first = |row: &&BoardRow| row.numbers.first().copied().flatten().filter(|score| score.is_finite());
    let most = rows.iter().filter_map(first).fold(0.0, f64::max);
    let has_reasons = rows.iter().any(|row| !row.reason.is_empty());
    html! {
        div.scroll tabindex="0" role="group" aria-label={ "Leaderboard " (board.artifact) } {
            table.numbers.board {
                caption { code { (board.artifact) } @if !board.metric.is_empty() { ", ranked by " (board.metric) } @if has_series { ", by series" } @else { ", the best first" } }
                thead { tr {
                    th.number scope="col" { "rank" }
                    @if has_series { th scope="col" { "series" } }
                    th scope="col" { "model" }
                    th.bar-head aria-hidden="true" {}
                    @for name in &board.measures { th.number scope="col" { (name.replace("_mean", "")) } }
                    @if has_reasons { th scope="col" { "remark" } }
                } }
                tbody {
                    @for row in rows {
                        tr.best[row.rank == Some(1)] {
                            td.number { @match row.rank { Some(rank) => (rank), None => span.none { "–" } } }
                            @if has_series { td { @if row.series.is_empty() { em { "all" } } @else { (row.series) } } }
                            th scope="row" { (row.model) }
                            td.bar-cell aria-hidden="true" { (bar(first(row), most)) }
                            @for value in &row.numbers { td.number { (number::maybe(*value)) } }
                            @if has_reasons { td.reason { (row.reason) } }
                        }
                    }
                }
            }
        }
    }
}

/// A bar as long as an error is large.
pub(super) fn bar(score: Option<f64>, most: f64) -> Markup {
    let share = score
        .filter(|_| most > 0.0)
        .map_or(0.0, |score| (score / most).clamp(0.0, 1.0));
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect x="0" y="1" width=(format!("{:.1}", 100.0 * share)) height="8" {}
        }
    }
}
