//! `ingest_file`: anybody's CSV, Parquet and JSON files as series, with good guesses where nothing is said.

mod file_form;
mod file_times;
mod header;
mod ids;
mod layout;
mod local_time;
mod numbers;
mod series_of_file;
mod survey;
mod text_table;
mod unpack;
mod whole_table;

use chrono::NaiveDateTime;
use serde_json::{Value as Json, json};

pub(super) use self::file_form::{PARAMS as FILE_PARAMS, TABLE_PARAMS, ZONE};
pub(crate) use self::local_time::Zone;
pub(super) use self::series_of_file::{FileReader, FileSeries};
pub(crate) use self::survey::{Survey, survey};
use super::document;
use super::frequency::{Calendars, FREQUENCY};
use super::limits::{MAX_MB, MAX_ROWS, TableLimits};
use super::series::Observation;
use super::table::ParquetTable;
use crate::engine::spec::schema::{ANY, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

const PARAMS: [ParamSchema; file_form::PARAMS.len() + 3] = {
    let mut params = [FREQUENCY; file_form::PARAMS.len() + 3];
    let mut at = 0;
    while at < file_form::PARAMS.len() {
        params[at] = file_form::PARAMS[at];
        at += 1;
    }
    params[at + 1] = MAX_MB;
    params[at + 2] = MAX_ROWS;
    params
};

static SCHEMA: Schema = Schema {
    name: "ingest_file",
    version: 3,
    summary: "reads series from CSV, Parquet or JSON files, and reports what it guessed",
    params: &PARAMS,
    inputs: &[Port {
        name: ANY,
        doc: "files with a table: CSV, Parquet or JSON, also .gz, .zst or .zip; or a pattern such as \"data/*.csv\"",
    }],
    outputs: &[
        Port {
            name: "raw",
            doc: "unique_id, ds (UTC), y; in the order of the files and their rows",
        },
        Port {
            name: "metadata",
            doc: "of each file how it was read: its columns, and what was guessed; rows, series, dates, frequency",
        },
    ],
    optional: &[],
    directories: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct IngestFile;

impl Task for IngestFile {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let reader = FileReader::of(&|name| Some(context.param(name)));
        let limits = TableLimits::of(context);
        let mut rows: Vec<Observation> = Vec::new();
        let mut files: Vec<Json> = Vec::new();
        let mut spans = Vec::new();
        for role in context.inputs.keys() {
            context.check_cancelled()?;
            let FileSeries { rows: own, report } = reader.read(context, role)?;
            context.log(&format!("{} rows of `{role}`", own.len()));
            if reader.said.ids.is_empty() && report["columns"]["id"]["constant"].is_string() {
                let times = || own.iter().map(|row| row.ds);
                spans.extend(times().min().zip(times().max()));
            }
            rows.extend(own);
            limits
                .rows(rows.len() as u64)
                .map_err(|excess| excess.in_input("all files together"))?;
            files.push(report);
        }
        if rows.is_empty() {
            let roles: Vec<String> = context.inputs.keys().map(|role| format!("`{role}`")).collect();
            let have = if roles.len() == 1 { "has" } else { "have" };
            return Err(TaskError::new(format!("{} {have} no rows", roles.join(", "))));
        }
        if is_in_parts(&mut spans) {
            context.warn(&format!(
                "no column names the series, so each of the {} files is one of its own; their times follow each other: if they are \
                 the parts of one series, give it a name that no column has, as in `id = \"total\"`",
                spans.len()
            ));
        }
        document::write(context, "metadata", &report(context, &rows, &files))?;
        ParquetTable::default()
            .texts("unique_id", rows.iter().map(|row| Some(row.unique_id.as_str())))
            .times("ds", rows.iter().map(|row| row.ds))
            .numbers("y", rows.iter().map(|row| row.y))
            .write(context, "raw")
    }
}

/// Whether there are several spans of time, each of which ends before another begins.
fn is_in_parts(spans: &mut [(NaiveDateTime, NaiveDateTime)]) -> bool {
    spans.sort_unstable();
    spans.len() > 1 && spans.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

/// What stands in `metadata.json`.
fn report(context: &Context<'_>, rows: &[Observation], files: &[Json]) -> Json {
    let mut names: Vec<&str> = rows.iter().map(|row| row.unique_id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let day = |time: Option<NaiveDateTime>| time.map(|time| time.to_string());
    let frequency = Calendars::declared_or_found(context, rows).common();
    json!({
        "row_count": rows.len(),
        "series": names.len(),
        "date_range": {
            "start": day(rows.iter().map(|row| row.ds).min()),
            "end": day(rows.iter().map(|row| row.ds).max()),
        },
        "frequency": frequency.to_string(),
        "values_missing": rows.iter().filter(|row| row.y.is_none()).count(),
        "files": files,
    })
}
