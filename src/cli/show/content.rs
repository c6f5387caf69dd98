//! The beginning of an artifact: lines of a text, files of a directory, rows of a table.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Value, json};

use super::picture::PictureHead;
use super::rows::{Rows, rest};
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;

/// As much of a text is read as a few lines need.
const ENOUGH: u64 = 256 * 1024;
/// A whole file of this size may be looked at, for a chart or to lay JSON out.
const SMALL: u64 = 8 * 1024 * 1024;
/// A longer line is cut.
const LONGEST: usize = 400;

/// What an artifact holds.
pub(in crate::cli) enum Content {
    /// A text: its first lines, and whether there are more.
    Text { size: u64, lines: Vec<String>, more: bool },
    /// A directory: its first files with their sizes, how many there are, and their size together.
    Directory {
        files: Vec<(String, u64)>,
        count: usize,
        size: u64,
    },
    /// A table.
    Rows(Rows),
    /// Anything else, in words.
    Other { size: u64, what: String },
}

impl Content {
    /// Looks at what is at a path, at `rows` lines, files or rows of it; `masked` hides secrets in a line before it is cut.
    pub(in crate::cli) fn read(path: &Path, rows: usize, masked: &dyn Fn(&str) -> String) -> io::Result<Self> {
        if path.is_dir() {
            return directory(path, rows);
        }
        let size = fs::metadata(path)?.len();
        let mut head = Vec::new();
        File::open(path)?.take(ENOUGH).read_to_end(&mut head)?;
        if head.starts_with(b"PAR1") {
            return Ok(parquet(path, size, rows));
        }
        let text = match str::from_utf8(&head) {
            Ok(text) => text,
            // The end may be in the middle of a character.
            Err(error) if size > ENOUGH && error.valid_up_to() + 4 > head.len() => {
                str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => {
                let picture = PictureHead::of(&head).map(|picture| picture.words());
                let what = picture.unwrap_or_else(|| "neither text nor a table that atsaf can read".to_owned());
                return Ok(Self::Other { size, what });
            }
        };
        let whole = (size <= SMALL).then(|| whole(path)).transpose()?;
        if let Some(board) = whole.as_deref().and_then(|text| leaderboard(text, size, rows)) {
            return Ok(Self::Rows(board));
        }
        let laid_out = whole.as_deref().and_then(lay_out);
        let shown = laid_out.as_deref().or(whole.as_deref()).unwrap_or(text);
        let mut lines = shown.lines();
        let first: Vec<String> = lines.by_ref().take(rows).map(|line| cut(&masked(line))).collect();
        Ok(Self::Text {
            size,
            more: lines.next().is_some() || (whole.is_none() && first.len() == rows),
            lines: first,
        })
    }

    /// Size and number of rows or files.
    pub(super) fn measure(&self) -> String {
        match self {
            Self::Text { size, .. } | Self::Other { size, .. } => human::size(*size),
            Self::Directory { count, size, .. } => format!("{}, {}", human::size(*size), human::count(*count, "file")),
            Self::Rows(rows) => format!("{}, {}", human::size(rows.size), human::count(rows.count, "row")),
        }
    }

    /// The first lines, files or rows.
    pub(super) fn text(&self, width: usize, ink: Ink) -> String {
        match self {
            Self::Text { lines, more, .. } => {
                let rest = more.then_some("...");
                let lines = lines.iter().map(String::as_str).chain(rest);
                lines.flat_map(|line| [line, "\n"]).collect()
            }
            Self::Directory { files, count, .. } => {
                let mut table = TextTable::new().right(1);
                for (name, size) in files {
                    table.row([(Tone::Plain, name.clone()), (Tone::Plain, human::size(*size))]);
                }
                table.draw(Ink::PLAIN) + &rest(files.len(), *count, "file")
            }
            Self::Rows(rows) => rows.text(width, ink),
            Self::Other { what, .. } => format!("{what}\n"),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Text { size, lines, more } => {
                json!({ "kind": "text", "size": size, "lines": lines, "more": more })
            }
            Self::Directory { files, count, size } => {
                let files: Vec<Value> = files
                    .iter()
                    .map(|(path, size)| json!({ "path": path, "size": size }))
                    .collect();
                json!({ "kind": "directory", "size": size, "count": count, "files": files })
            }
            Self::Rows(rows) => rows.to_json(),
            Self::Other { size, what } => json!({ "kind": "other", "size": size, "what": what }),
        }
    }
}

/// The text of a small file, although it may be growing.
fn whole(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SMALL).read_to_string(&mut text)?;
    Ok(text)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}

fn directory(path: &Path, rows: usize) -> io::Result<Content> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry?;
        if !entry.file_type().is_dir() {
            let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
            files.push((below.display().to_string(), entry.metadata()?.len()));
        }
    }
    let (count, size) = (files.len(), files.iter().map(|(_, size)| size).sum());
    files.truncate(rows);
    Ok(Content::Directory { files, count, size })
}

#[cfg(feature = "forecasting")]
fn parquet(path: &Path, size: u64, rows: usize) -> Content {
    match super::table::read(path, size, rows) {
        Ok(table) => Content::Rows(table),
        Err(what) => Content::Other {
            size,
            what: format!("a Parquet file that cannot be read: {what}"),
        },
    }
}

#[cfg(not(feature = "forecasting"))]
fn parquet(_: &Path, size: u64, _: usize) -> Content {
    let what =
        "a Parquet file, which this atsaf cannot read: it was built without the feature `forecasting`".to_owned();
    Content::Other { size, what }
}

/// A CSV text whose columns are those of a leaderboard, as rows.
fn leaderboard(text: &str, size: u64, rows: usize) -> Option<Rows> {
    let head = text.lines().next()?;
    let has = |name: &str| head.split(',').any(|column| column == name);
    if !has("model") || !has("rank") {
        return None;
    }
    let (columns, all) = super::table_of(text.as_bytes())?;
    Some(Rows {
        size,
        count: all.len(),
        columns: columns.into_iter().map(|name| (name, "str".to_owned())).collect(),
        first: all.into_iter().take(rows).collect(),
    })
}

/// JSON in one line, laid out; `None` of anything else.
pub(super) fn lay_out(text: &str) -> Option<String> {
    let is_one_line = text.trim_end().lines().count() == 1 && text.starts_with(['{', '[']);
    let value: Value = is_one_line.then(|| serde_json::from_str(text).ok())??;
    serde_json::to_string_pretty(&value).ok()
}
