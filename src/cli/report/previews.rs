//! The beginning of an artifact that has no part of the page to itself.

use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use super::cut;
use super::frame::{Frame, Part};
use crate::cli::show::Content;
use crate::cli::small_file;
use crate::report::page::Shown;

/// Rows of a table, lines of a text, files of a directory.
const ROWS: usize = 12;
const LINES: usize = 30;
const COLUMNS: usize = 24;
/// Values of a JSON file.
const VALUES: usize = 40;
/// Most bytes of a picture.
const LARGEST_IMAGE: u64 = 300 << 10;
/// Most bytes of a JSON file that is looked into.
const LARGEST_JSON: u64 = 4 << 20;

/// What is shown of a file or directory; `masked` hides secrets before anything is cut, `room` are the bytes that pictures
/// may still take.
pub(super) fn of(path: &Path, masked: &dyn Fn(&str) -> String, room: &mut u64) -> Shown {
    if path.is_file() {
        if let Some(kind) = image_kind(path) {
            return image(path, kind, room);
        }
        if let Some(table) = Frame::read(path, Part::Head(ROWS)) {
            return match table {
                Ok(table) => rows(&table, masked),
                Err(why) => Shown::Other(format!("It cannot be shown: {why}.")),
            };
        }
        if let Some(value) = json(path)
            && let Some(values) = values(&value, masked)
        {
            return values;
        }
    }
    if !path.is_file() && !path.is_dir() {
        return Shown::Other("It is neither a file nor a directory.".to_owned());
    }
    match Content::read(path, LINES, masked) {
        Ok(Content::Text { lines, more, .. }) => Shown::Text(lines, more),
        Ok(Content::Directory { files, count, .. }) => Shown::Files(files, count),
        Ok(Content::Rows(_)) => Shown::Other("A table.".to_owned()),
        Ok(Content::Other { what, .. }) => Shown::Other(format!("It holds {what}.")),
        Err(error) => Shown::Other(format!("It cannot be read: {error}.")),
    }
}

/// The value of a small JSON file.
pub(super) fn json(path: &Path) -> Option<Value> {
    let is_json = path.extension().is_some_and(|end| end == "json");
    let bytes = is_json.then(|| small_file::read(path, LARGEST_JSON).ok())??;
    serde_json::from_slice(&bytes).ok()
}

fn rows(table: &Frame, masked: &dyn Fn(&str) -> String) -> Shown {
    let cells = |row: Vec<String>| row.iter().take(COLUMNS).map(|cell| cut(&masked(cell))).collect();
    Shown::Table {
        columns: table
            .names
            .iter()
            .take(COLUMNS)
            .map(|name| cut(&masked(name)))
            .collect(),
        more_columns: table.names.len().saturating_sub(COLUMNS),
        rows: (0..table.rows).map(|at| cells(table.row(at))).collect(),
        count: table.count,
    }
}

/// The values of an object with few levels, by their paths; none of anything else.
fn values(value: &Value, masked: &dyn Fn(&str) -> String) -> Option<Shown> {
    let Value::Object(_) = value else { return None };
    let mut found = Vec::new();
    let is_whole = flatten("", value, &mut found);
    let found = found
        .into_iter()
        .map(|(name, text)| (masked(&name), cut(&masked(&text))));
    Some(Shown::Values(found.collect(), !is_whole))
}

/// Collects values in order; whether there was room for all.
fn flatten(path: &str, value: &Value, found: &mut Vec<(String, String)>) -> bool {
    let text = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let below = |name: &str| {
                if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                }
            };
            return fields.iter().all(|(name, value)| flatten(&below(name), value, found));
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            return items
                .iter()
                .enumerate()
                .all(|(at, item)| flatten(&format!("{path}[{at}]"), item, found));
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        value => plain(value),
    };
    let has_room = found.len() < VALUES;
    if has_room {
        found.push((path.to_owned(), text));
    }
    has_room
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// The kind of a picture, by its first bytes.
fn image_kind(path: &Path) -> Option<&'static str> {
    use std::io::Read as _;
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(256).read_to_end(&mut head).ok()?;
    let is_svg = || path.extension().is_some_and(|end| end == "svg") && head.trim_ascii_start().starts_with(b"<");
    match head.as_slice() {
        bytes if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        bytes if bytes.starts_with(b"\xff\xd8\xff") => Some("image/jpeg"),
        bytes if bytes.starts_with(b"GIF8") => Some("image/gif"),
        bytes if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Some("image/webp"),
        _ if is_svg() => Some("image/svg+xml"),
        _ => None,
    }
}

fn image(path: &Path, kind: &str, room: &mut u64) -> Shown {
    let Ok(bytes) = small_file::read(path, LARGEST_IMAGE.min(*room)) else {
        return Shown::Other("A picture that is too large to be put into this page.".to_owned());
    };
    *room = room.saturating_sub(bytes.len() as u64);
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    Shown::Image(format!("data:{kind};base64,{text}"))
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    fn shown(name: &str, bytes: &[u8]) -> Shown {
        let (_dir, path) = written(name, bytes);
        of(&path, &|text| text.replace("hunter2", "***"), &mut 1000)
    }

    #[test]
    fn what_is_shown_follows_what_a_file_holds() {
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let metrics = br#"{"rmse": 1.5, "by": {"a": [1, 2], "b": [{"c": "hunter2"}]}}"#;
        let values = vec![text("rmse", "1.5"), text("by.a", "1, 2"), text("by.b[0].c", "***")];
        assert_eq!(shown("m.json", metrics), Shown::Values(values, false));
        assert_eq!(
            shown("a.txt", b"one\ntwo\n"),
            Shown::Text(vec!["one".to_owned(), "two".to_owned()], false)
        );
        let Shown::Image(address) = shown("a.png", b"\x89PNG\r\n\x1a\n") else {
            panic!("no image");
        };
        assert_eq!(address, "data:image/png;base64,iVBORw0KGgo=");
        assert!(matches!(shown("a.svg", &[b'<'; 2000]), Shown::Other(_)), "too large");
        let Shown::Table {
            columns, rows, count, ..
        } = shown("a.csv", b"a,b\n1,hunter2\n")
        else {
            panic!("no table");
        };
        assert_eq!((columns.len(), rows[0][1].as_str(), count), (2, "***", 1));
    }

    #[test]
    fn a_pipe_is_not_opened() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pipe.csv");
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .expect("started");
        assert!(made.success());
        assert!(Frame::read(&path, Part::Head(1)).is_none());
        assert!(matches!(of(&path, &str::to_owned, &mut 1000), Shown::Other(_)));
    }

    #[test]
    fn only_so_many_values_are_shown() {
        let many: Value = (0..100)
            .map(|at| (format!("m{at}"), Value::from(at)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let Some(Shown::Values(values, true)) = values(&many, &str::to_owned) else {
            panic!("not cut");
        };
        assert_eq!(values.len(), VALUES);
    }
}
