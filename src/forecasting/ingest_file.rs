//! `ingest_file`: anybody's CSV, Parquet and JSON files as series, with good guesses where nothing is said.

mod ids;
mod layout;
mod local_time;
mod numbers;
mod series_of_file;
mod survey;
mod text_table;
mod unpack;

use chrono_tz::TZ_VARIANTS;
use serde_json::{Value as Json, json};

use self::layout::Said;
pub(crate) use self::local_time::Zone;
use self::series_of_file::{FileReader, FileSeries};
pub(crate) use self::survey::{Survey, survey};
use self::text_table::TextForm;
use super::document;
use super::frequency::{Calendars, FREQUENCY};
use super::limits::{MAX_MB, MAX_ROWS, TableLimits};
use super::series::Observation;
use super::table::ParquetTable;
use super::times::UNIT_NAMES;
use super::timestamp;
use crate::engine::spec::schema::{self, ANY, AUTO, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

/// A parameter that is guessed where it is not given.
const fn guessed(name: &'static str, kind: &'static Kind, doc: &'static str) -> ParamSchema {
    ParamSchema {
        name,
        kind: Kind::Auto(kind),
        default: Some(Literal::Text(AUTO)),
        doc,
    }
}

pub(super) static ZONE: schema::TextForm = schema::TextForm {
    what: "a time zone such as America/New_York, UTC or +01:00",
    accepts: |text| Zone::parse(text).is_some(),
    nearest: |text| crate::diagnostic::nearest(text, TZ_VARIANTS.iter().map(|zone| zone.name())),
};
static FORMAT: schema::TextForm = schema::TextForm {
    what: "a format such as %d/%m/%Y %H:%M, as `strftime` has them",
    accepts: timestamp::is_format,
    nearest: |_| None,
};
static SEPARATOR: schema::TextForm = schema::TextForm {
    what: "one character, such as ; or a tab",
    accepts: |text| separator(text).is_some(),
    nearest: |_| None,
};
static ENCODING: schema::TextForm = schema::TextForm {
    what: "an encoding such as utf-8, utf-16 or windows-1252",
    accepts: |text| text_table::encoding(text).is_some(),
    nearest: |text| {
        let known = [
            "utf-8",
            "utf-16",
            "utf-16le",
            "utf-16be",
            "windows-1252",
            "iso-8859-1",
            "latin1",
        ];
        crate::diagnostic::nearest(text, known)
    },
};

static SCHEMA: Schema = Schema {
    name: "ingest_file",
    version: 2,
    summary: "reads series from CSV, Parquet or JSON files, and reports what it guessed",
    params: &[
        guessed(
            "id",
            &Kind::OneOrMany(&Kind::Text),
            "the column that names the series, or several; or a name, where the files hold one series",
        ),
        guessed("time", &Kind::Text, "the column of the times"),
        guessed(
            "value",
            &Kind::OneOrMany(&Kind::Text),
            "the column of the values, or several, which are a series each",
        ),
        guessed(
            "time_zone",
            &Kind::Form(&ZONE),
            "where the times are local; auto takes those without an offset as UTC",
        ),
        guessed("format", &Kind::Form(&FORMAT), "how the times are written"),
        guessed(
            "unit",
            &Kind::Choice(&UNIT_NAMES),
            "the unit of times that are numbers, counted from 1970; or `excel` for days as Excel counts them",
        ),
        guessed(
            "separator",
            &Kind::Form(&SEPARATOR),
            "what separates the fields of a row",
        ),
        guessed(
            "decimal",
            &Kind::Choice(&[".", ","]),
            "what stands before the fraction of a number",
        ),
        ParamSchema {
            name: "thousands",
            kind: Kind::Choice(&["none", ",", ".", " ", "'", "_"]),
            default: Some(Literal::Text("none")),
            doc: "what separates the thousands of a number; it is never guessed",
        },
        guessed(
            "null_values",
            &Kind::OneOrMany(&Kind::Text),
            "words for no value, beside NA, N/A, NaN, null, none, -, --, . and w",
        ),
        guessed("encoding", &Kind::Form(&ENCODING), "the encoding of the text"),
        FREQUENCY,
        MAX_MB,
        MAX_ROWS,
    ],
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
        let reader = reader(context);
        let limits = TableLimits::of(context);
        let mut rows: Vec<Observation> = Vec::new();
        let mut files: Vec<Json> = Vec::new();
        for role in context.inputs.keys() {
            context.check_cancelled()?;
            let FileSeries { rows: own, report } = reader.read(context, role)?;
            context.log(&format!("{} rows of `{role}`", own.len()));
            rows.extend(own);
            limits
                .rows(rows.len() as u64)
                .map_err(|excess| excess.in_input("all files together"))?;
            files.push(report);
        }
        document::write(context, "metadata", &report(context, &rows, &files))?;
        ParquetTable::default()
            .texts("unique_id", rows.iter().map(|row| Some(row.unique_id.as_str())))
            .times("ds", rows.iter().map(|row| row.ds))
            .numbers("y", rows.iter().map(|row| row.y))
            .write(context, "raw")
    }
}

/// How files are read, as far as the parameters say it.
fn reader(context: &Context<'_>) -> FileReader {
    let one = |name: &str| Some(context.text(name).to_owned()).filter(|text| text != AUTO);
    let many = |name: &str| -> Vec<String> {
        let texts = context.texts(name).into_iter().map(str::to_owned);
        texts.filter(|text| text != AUTO).collect()
    };
    FileReader {
        said: Said {
            ids: many("id"),
            time: one("time"),
            values: many("value"),
        },
        text: TextForm {
            encoding: one("encoding"),
            separator: one("separator").and_then(|text| separator(&text)),
        },
        zone: one("time_zone").and_then(|text| Some((Zone::parse(&text)?, text))),
        format: one("format"),
        unit: one("unit").and_then(|text| UNIT_NAMES.into_iter().find(|unit| *unit == text)),
        decimal: one("decimal").and_then(|text| text.chars().next()),
        thousands: one("thousands")
            .filter(|text| text != "none")
            .and_then(|text| text.chars().next()),
        nulls: many("null_values"),
    }
}

/// The byte of a separator; a tab may be written as a word.
fn separator(text: &str) -> Option<u8> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Some(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(byte) => Some(*byte),
        _ => None,
    }
}

/// What stands in `metadata.json`.
fn report(context: &Context<'_>, rows: &[Observation], files: &[Json]) -> Json {
    let mut names: Vec<&str> = rows.iter().map(|row| row.unique_id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let day = |time: Option<chrono::NaiveDateTime>| time.map(|time| time.to_string());
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
