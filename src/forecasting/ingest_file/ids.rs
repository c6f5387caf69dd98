//! The series of a file: by the columns that name them.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use polars_core::prelude::{Column, DataType};

use super::series_of_file::{Held, HeldColumn, empty};
use crate::engine::task::TaskError;

/// Bytes of a name of a series.
const LONGEST_ID: usize = 1000;

/// The series of a file.
pub(super) struct Ids {
    pub(super) names: Vec<String>,
    pub(super) of_row: Vec<usize>,
    /// Whether the file or somebody says the names.
    pub(super) is_said: bool,
}

impl Ids {
    /// The names of the series, and which is that of each row.
    pub(super) fn of(held: &Held, role: &str) -> Result<Self, TaskError> {
        let layout = &held.layout;
        if layout.ids.is_empty() {
            let name = layout.constant.clone().unwrap_or_else(|| stem(role));
            return Ok(Self {
                names: vec![name],
                of_row: vec![0; held.rows],
                is_said: layout.constant.is_some(),
            });
        }
        let mut parts: Vec<Vec<String>> = Vec::new();
        for at in &layout.ids {
            parts.push(names_in(&held.columns[at], &held.heads[*at].name, role)?);
        }
        // By name: the place of the series, and its first row.
        let mut places: HashMap<String, (usize, usize)> = HashMap::new();
        let mut ids = Self {
            names: Vec::new(),
            of_row: Vec::with_capacity(held.rows),
            is_said: true,
        };
        for row in 0..held.rows {
            let mut name = parts[0][row].clone();
            for part in &parts[1..] {
                name = format!("{name}_{}", part[row]);
            }
            if name.len() > LONGEST_ID {
                let what = format!(
                    "the name of the series in row {} of `{role}` has {} bytes",
                    row + 1,
                    name.len()
                );
                return Err(TaskError::new(what).note(format!("a name has {LONGEST_ID} at most")));
            }
            let next = places.len();
            let (place, first) = *places.entry(name.clone()).or_insert((next, row));
            if parts.iter().any(|part| part[row] != part[first]) {
                let said = |row: usize| {
                    parts
                        .iter()
                        .map(|part| format!("`{}`", part[row]))
                        .collect::<Vec<_>>()
                        .join(" and ")
                };
                let what = format!(
                    "two series of `{role}` would both be called `{name}`: {} in row {}, and {} in row {}",
                    said(first),
                    first + 1,
                    said(row),
                    row + 1
                );
                return Err(TaskError::new(what)
                    .note("the texts of several columns are joined by `_`")
                    .help(
                        "let the file have a column with one name for each series, and say so: `id = \"a column\"`",
                    ));
            }
            if place == next {
                ids.names.push(name);
            }
            ids.of_row.push(place);
        }
        Ok(ids)
    }
}

/// The name of a file without its folder and endings: that of its only series.
fn stem(role: &str) -> String {
    let file = role.rsplit('/').next().unwrap_or(role);
    let name = file.split('.').find(|part| !part.is_empty()).unwrap_or(file);
    name.to_owned()
}

/// The names in a column, none of them missing.
fn names_in(column: &HeldColumn, name: &str, role: &str) -> Result<Vec<String>, TaskError> {
    let texts: Vec<String> = match column {
        HeldColumn::Texts(texts) => texts.iter().map(str::to_owned).collect(),
        HeldColumn::Values(column) => {
            let is_name = column.dtype().is_integer() || *column.dtype() == DataType::String;
            let texts = column.cast(&DataType::String).ok().filter(|_| is_name);
            let texts = texts.as_ref().and_then(|column| column.str().ok());
            let Some(texts) = texts else {
                let what = format!(
                    "the column `{name}` of `{role}` must hold names; it holds {}",
                    column.dtype()
                );
                return Err(TaskError::new(what).help("say which column names the series: `id = \"a column\"`"));
            };
            texts
                .iter()
                .map(|text| text.unwrap_or_default().trim().to_owned())
                .collect()
        }
    };
    match texts.iter().position(String::is_empty) {
        Some(at) => Err(empty(name, role, at)),
        None => Ok(texts),
    }
}

/// What each row of a column says, as a number that is the same for the same; `None` for what can name no series.
pub(super) fn keys(column: &HeldColumn, hasher: &RandomState) -> Option<Vec<u64>> {
    let of_texts = |column: &Column| {
        let texts = column.str().ok()?;
        Some(texts.iter().map(|text| hasher.hash_one(text)).collect())
    };
    match column {
        HeldColumn::Texts(texts) => Some(texts.iter().map(|text| hasher.hash_one(text)).collect()),
        HeldColumn::Values(column) if *column.dtype() == DataType::String => of_texts(column),
        HeldColumn::Values(column) => {
            let numbers = column.cast(&DataType::Int64).ok()?;
            let is_whole = column.dtype().is_integer() || column.dtype().is_temporal();
            let numbers = numbers.i64().ok().filter(|_| is_whole)?;
            Some(numbers.iter().map(|number| hasher.hash_one(number)).collect())
        }
    }
}
