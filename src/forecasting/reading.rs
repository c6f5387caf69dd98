//! The parameter `reading`: how tables are written that a task reads, where they are files of the user's.
//!
//! Its entries are those parameters of `ingest_file` that say how a file is read. They are about the series that a task reads; a table
//! among them is about the input of its name. An Atsaffile is refused that says something of an input which another built-in task
//! makes (`atsaffile/reading.rs`).

use serde_json::Value as Json;

use super::ingest_file::{FILE_PARAMS, FileReader, FileSeries, TABLE_PARAMS};
use super::series::Observation;
use super::table::{self, Table};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, Literal, ParamSchema, READING};
use crate::engine::task::{Context, TaskError};

/// The roles of series, of which the entries themselves tell.
const SERIES: [&str; 2] = ["raw", "clean"];

const fn reading(entries: &'static [ParamSchema], doc: &'static str) -> ParamSchema {
    ParamSchema {
        name: READING,
        kind: Kind::Table(entries),
        default: Some(Literal::NoEntries),
        doc,
    }
}

/// What is said of the input of another role than the series.
const fn of_role(role: &'static str, entries: &'static [ParamSchema]) -> ParamSchema {
    ParamSchema {
        name: role,
        kind: Kind::Table(entries),
        default: None,
        doc: "the same of the input of this name",
    }
}

/// The entries about series, and those of further roles.
const fn with<const M: usize, const N: usize>(roles: [ParamSchema; M]) -> [ParamSchema; N] {
    assert!(N == M + FILE_PARAMS.len(), "an entry has no place");
    let mut all = [FILE_PARAMS[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < FILE_PARAMS.len() {
            FILE_PARAMS[at]
        } else {
            roles[at - FILE_PARAMS.len()]
        };
        at += 1;
    }
    all
}

const ONE: usize = FILE_PARAMS.len() + 1;
const THREE: usize = FILE_PARAMS.len() + 3;

const KNOWN: ParamSchema = of_role("known", &FILE_PARAMS);
const BASELINE: ParamSchema = of_role("baseline", &FILE_PARAMS);
const LEADERBOARD: ParamSchema = of_role("leaderboard", &TABLE_PARAMS);
const CV_RESULTS: ParamSchema = of_role("cv_results", &TABLE_PARAMS);

const SERIES_AND_KNOWN: [ParamSchema; ONE] = with([KNOWN]);
const SERIES_AND_BASELINE: [ParamSchema; ONE] = with([BASELINE]);
const SERIES_AND_RESULTS: [ParamSchema; THREE] = with([LEADERBOARD, CV_RESULTS, KNOWN]);

/// Of a task that reads `raw`.
pub(super) const OF_RAW: ParamSchema = reading(
    &FILE_PARAMS,
    "how `raw` is read where it is a file of any form: the parameters of `ingest_file` that say so",
);
/// Of a task that reads `clean`, and `known`.
pub(super) const OF_CLEAN_AND_KNOWN: ParamSchema = reading(
    &SERIES_AND_KNOWN,
    "how `clean` is read where it is a file of any form: the parameters of `ingest_file` that say so; and in a table `known` that input",
);
/// Of a task that reads `clean`, and `baseline`.
pub(super) const OF_CLEAN_AND_BASELINE: ParamSchema = reading(
    &SERIES_AND_BASELINE,
    "how `clean` is read where it is a file of any form: the parameters of `ingest_file` that say so; and in a table `baseline` that input",
);
/// Of a task that reads `clean`, `known` and what a back-test leaves.
pub(super) const OF_CLEAN_AND_RESULTS: ParamSchema = reading(
    &SERIES_AND_RESULTS,
    "how `clean` is read where it is a file of any form: the parameters of `ingest_file` that say so; and in tables of their names the other inputs",
);
/// Of a task that reads tables of any columns.
pub(super) const OF_TABLES: ParamSchema = reading(
    &TABLE_PARAMS,
    "how the tables are written where they are text files of any form: the parameters of `ingest_file` that say so",
);

/// How the input `role` is read, if something is said of it.
fn said(context: &Context<'_>, role: &str) -> Option<FileReader> {
    match context.params.get(READING)? {
        Value::Table(said) => match said.get(role) {
            Some(Value::Table(own)) => Some(FileReader::of(&|name| own.get(name))),
            _ => SERIES.contains(&role).then(|| of_entries(context)).flatten(),
        },
        _ => None,
    }
}

/// How tables are read of which the entries themselves tell, if any does.
fn of_entries(context: &Context<'_>) -> Option<FileReader> {
    let Some(Value::Table(said)) = context.params.get(READING) else {
        return None;
    };
    let is_any = said.values().any(|value| !matches!(value, Value::Table(_)));
    is_any.then(|| FileReader::of(&|name| said.get(name)))
}

/// The rows of the series in the input `role`, and how it was read, where `reading` says something of it.
///
/// # Errors
/// [`TaskError`] as of `ingest_file`.
pub(super) fn series(context: &Context<'_>, role: &str) -> Result<Option<(Vec<Observation>, Json)>, TaskError> {
    let Some(reader) = said(context, role) else {
        return Ok(None);
    };
    let FileSeries { rows, report } = reader.read(context, role)?;
    context.log(&told(role, &report));
    Ok(Some((rows, report)))
}

/// The reader of the columns of numbers in the input `role`, where `reading` says something of it.
pub(super) fn columns(context: &Context<'_>, role: &str) -> Option<FileReader> {
    said(context, role)
}

/// The whole table in the input `role`, as `reading` says of all tables that the task reads, or of this one.
///
/// # Errors
/// [`TaskError`] if it cannot be read, or not as it is said.
pub(super) fn table(context: &Context<'_>, role: &str) -> Result<Table, TaskError> {
    let of_all = || of_entries(context).filter(|_| is_of_tables(context));
    match said(context, role).or_else(of_all) {
        Some(reader) => reader.whole_table(context, role),
        None => table::read(context, role).map(Table::of),
    }
}

/// Whether the task reads no series: its entries tell of every table.
fn is_of_tables(context: &Context<'_>) -> bool {
    !SERIES.iter().any(|role| context.inputs.contains_key(*role))
}

/// How a file was read, in a line.
pub(super) fn told(role: &str, report: &Json) -> String {
    let names = |what: &str| {
        let columns = &report["columns"][what];
        let one = columns.as_str().into_iter();
        let many = columns.as_array().into_iter().flatten().filter_map(Json::as_str);
        let names: Vec<String> = one.chain(many).map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let columns = ["id", "time", "value"].into_iter().filter_map(names);
    let form = report["form"].as_object().into_iter().flatten();
    let form = form.map(|(name, value)| format!("{name} `{}`", value.as_str().unwrap_or_default()));
    let kind = report["kind"].as_str().unwrap_or_default();
    let parts: Vec<String> = columns.chain(form).collect();
    format!("`{role}` is read as {kind}: {}", parts.join("; "))
}
