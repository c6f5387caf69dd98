//! The beginnings of artifacts: rows of tables, values of JSON, pictures, lines of texts, names of files.

use maud::{Markup, html};

use super::number;
use crate::report::human;

/// An artifact that is looked into.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Its name.
    pub artifact: String,
    /// Its path.
    pub path: String,
    /// Its size in bytes; none if it is not there.
    pub size: Option<u64>,
    /// What is shown of it.
    pub shown: Shown,
}

/// What is shown of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// It is not there.
    NotBuilt,
    /// A table: columns, the first rows, and how many there are.
    Table {
        /// Names of the columns.
        columns: Vec<String>,
        /// The first rows.
        rows: Vec<Vec<String>>,
        /// All rows.
        count: usize,
        /// How many more columns there are.
        more_columns: usize,
    },
    /// Names and values, such as metrics: whether there are more.
    Values(Vec<(String, String)>, bool),
    /// A picture as a `data:` address.
    Image(String),
    /// The first lines of a text, and whether there are more.
    Text(Vec<String>, bool),
    /// Files of a directory with their sizes, and how many there are.
    Files(Vec<(String, u64)>, usize),
    /// Something else, in words.
    Other(String),
}

pub(super) fn section(previews: &[Preview], left: usize) -> Markup {
    html! {
        @for preview in previews { (one(preview)) }
        @if left > 0 { p.left { (human::count(left, "more artifact")) ", not looked into." } }
    }
}

fn one(preview: &Preview) -> Markup {
    let Preview {
        artifact,
        path,
        size,
        shown,
    } = preview;
    html! {
        article.artifact {
            h3 { (artifact) }
            p.from { code { (path) } @if let Some(size) = size { " · " (human::size(*size)) } }
            (body(artifact, shown))
        }
    }
}

fn body(artifact: &str, shown: &Shown) -> Markup {
    match shown {
        Shown::NotBuilt => html! { p.none { "Not built yet." } },
        Shown::Other(what) => html! { p.none { (what) } },
        Shown::Image(address) => html! { figure.image { img src=(address) alt={ "The image " (artifact) }; } },
        Shown::Text(lines, more) => html! {
            pre.scroll tabindex="0" role="group" aria-label={ "Beginning of " (artifact) } { @for line in lines { (line) "\n" } @if *more { "…" } }
        },
        Shown::Values(values, more) => html! {
            div.scroll tabindex="0" role="group" aria-label={ "Values of " (artifact) } {
                table.facts-table {
                    caption { "Values of " code { (artifact) } }
                    tbody { @for (name, value) in values { tr { th scope="row" { (name) } td.value { (number::cell(value)) } } } }
                }
            }
            @if *more { p.left { "More values are in the artifact." } }
        },
        Shown::Files(files, count) => html! {
            div.scroll tabindex="0" role="group" aria-label={ "Files of " (artifact) } {
                table {
                    caption { (human::count(*count, "file")) }
                    thead { tr { th scope="col" { "file" } th.number scope="col" { "size" } } }
                    tbody { @for (name, size) in files { tr { th scope="row" { (name) } td.number { (human::size(*size)) } } } }
                }
            }
            @if *count > files.len() { p.left { (human::count(count - files.len(), "more file")) "." } }
        },
        Shown::Table {
            columns,
            rows,
            count,
            more_columns,
        } => html! {
            (table(artifact, columns, rows, *count))
            @if *more_columns > 0 { p.left { (human::count(*more_columns, "more column")) "." } }
        },
    }
}

/// The rows of a table.
fn table(artifact: &str, columns: &[String], rows: &[Vec<String>], count: usize) -> Markup {
    let is_number = |at: usize| {
        let cells = || {
            rows.iter()
                .filter_map(|row| row.get(at))
                .filter(|cell| !cell.is_empty())
        };
        cells().next().is_some() && cells().all(|cell| number::number(cell).is_some())
    };
    let numeric: Vec<bool> = (0..columns.len()).map(is_number).collect();
    let class = |at: usize| numeric.get(at).copied().unwrap_or(false).then_some("number");
    html! {
        div.scroll tabindex="0" role="group" aria-label={ "Beginning of " (artifact) } {
            table {
                caption { "The first " (rows.len()) " of " (human::count(count, "row")) }
                thead { tr { @for (at, name) in columns.iter().enumerate() { th scope="col" class=[class(at)] { (name) } } } }
                tbody { @for row in rows { tr { @for (at, cell) in row.iter().enumerate() { td class=[class(at)] { (number::cell(cell)) } } } } }
            }
        }
    }
}
