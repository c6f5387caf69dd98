//! What differs from the results before: tables by rows and cells, texts by lines, directories by files.

use maud::{Markup, html};

use crate::report::human;
use crate::report::table_diff::TableDiff;

/// Rows, lines or files that are shown of one difference.
const SHOWN: usize = 12;
/// Keys of rows that only one of two tables has.
const KEYS: usize = 4;

/// An artifact that the last run left with another content.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The artifact's name.
    pub artifact: String,
    /// The run that left what it is compared with, in short.
    pub before: String,
    /// How it differs.
    pub change: Change,
}

/// How an artifact differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Rows and cells.
    Table(Box<TableDiff>),
    /// Lines of a unified diff.
    Lines(Vec<String>),
    /// Files: sign and path.
    Files(Vec<(char, String)>),
    /// Other bytes: both sizes.
    Bytes(u64, u64),
    /// It cannot be compared, and why.
    Unknown(String),
}

pub(super) fn section(changes: &[Changed]) -> Markup {
    html! {
        @if changes.is_empty() { p.none { "The last run left nothing that differs from a result before." } }
        @for Changed { artifact, before, change } in changes {
            article.artifact {
                h3 { (artifact) }
                p.from { "compared with run " code { (before) } }
                (body(artifact, change))
            }
        }
    }
}

fn body(artifact: &str, change: &Change) -> Markup {
    match change {
        Change::Unknown(why) => html! { p.none { (why) } },
        Change::Bytes(before, after) => {
            html! { p { "Other bytes, which are no text: " (human::size(*before)) " → " (human::size(*after)) "." } }
        }
        Change::Files(files) => html! {
            ul.files { @for (sign, path) in files.iter().take(SHOWN) { li class=(tone(*sign)) { (word(*sign)) " " (path) } } }
            (rest(files.len(), "file"))
        },
        Change::Lines(lines) => html! {
            pre.diff.scroll tabindex="0" role="group" aria-label={ "Lines of " (artifact) " that differ" } {
                @for line in lines.iter().take(4 * SHOWN) { span class=(tone(line.chars().next().unwrap_or(' '))) { (line) "\n" } }
            }
            (rest_of(lines.len(), 4 * SHOWN, "line"))
        },
        Change::Table(diff) => table(artifact, diff),
    }
}

fn tone(sign: char) -> &'static str {
    match sign {
        '+' => "added",
        '-' => "removed",
        '@' => "place",
        _ => "same",
    }
}

fn word(sign: char) -> &'static str {
    match sign {
        '+' => "added",
        '-' => "removed",
        _ => "changed",
    }
}

fn rest(count: usize, what: &str) -> Markup {
    rest_of(count, SHOWN, what)
}

fn rest_of(count: usize, shown: usize, what: &str) -> Markup {
    html! { @if count > shown { p.left { (human::count(count - shown, &format!("more {what}"))) "." } } }
}

fn table(artifact: &str, diff: &TableDiff) -> Markup {
    let (before, after) = diff.rows;
    let (added, removed, changed) = (diff.added.len(), diff.removed.len(), diff.changed.len());
    let rows = diff
        .changed
        .iter()
        .flat_map(|row| row.cells.iter().map(move |cell| (&row.key, cell)));
    let cells = diff.changed.iter().map(|row| row.cells.len()).sum::<usize>();
    html! {
        p {
            (human::count(after, "row")) @if before != after { " (" (before) " before)" } ": "
            (added) " added, " (removed) " removed, " (changed) " changed"
            @if !diff.key.is_empty() { "; told apart by " (diff.key.join(", ")) } "."
            @if !diff.new_columns.is_empty() { " New columns: " (diff.new_columns.join(", ")) "." }
            @if !diff.gone_columns.is_empty() { " Gone columns: " (diff.gone_columns.join(", ")) "." }
        }
        @if added + removed > 0 {
            ul.files {
                @for name in diff.added.iter().take(KEYS) { li.added { "added " (name) } }
                @if added > KEYS { li.added { "and " (added - KEYS) " more" } }
                @for name in diff.removed.iter().take(KEYS) { li.removed { "removed " (name) } }
                @if removed > KEYS { li.removed { "and " (removed - KEYS) " more" } }
            }
        }
        @if changed > 0 {
            div.scroll tabindex="0" role="group" aria-label={ "Cells of " (artifact) " that differ" } {
                table.numbers {
                    caption { "Cells that differ" }
                    thead { tr { th scope="col" { "row" } th scope="col" { "column" } th.number scope="col" { "before" } th.number scope="col" { "now" } th.number scope="col" { "change" } } }
                    tbody {
                        @for (key, (column, before, after)) in rows.take(2 * SHOWN) {
                            tr { th scope="row" { (key) } td { (column) } td.number { (cell(before)) } td.number { (cell(after)) } td.number { (by(before, after)) } }
                        }
                    }
                }
            }
            (rest_of(cells, 2 * SHOWN, "cell"))
        }
    }
}

/// A cell, a number to about four digits.
fn cell(text: &str) -> Markup {
    match super::number::number(text) {
        Some(value) => html! { data value=(text) title=(text) { (human::number(value)) } },
        None => super::number::cell(text),
    }
}

/// By how much a number is another one.
fn by(before: &str, after: &str) -> String {
    let number = super::number::number;
    let pair = number(before).zip(number(after));
    pair.and_then(|(then, now)| human::relative(then, now))
        .unwrap_or_default()
}
