//! `ingest_eia`: hourly generation from the EIA API, or from pages of it that were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime};

use super::data_file;
use super::eia::Query;
use super::eia::client::{Client, RequestLimits};
use super::eia::error::EiaError;
use super::eia::pages::{EiaPage, GenerationRow};
use super::limits::{MAX_MB, MAX_ROWS, SizeLimit, TableLimits};
use super::table::{self, ParquetTable};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Kind, LATEST, Literal, ParamSchema, Port, Schema, is_url};
use crate::engine::task::{Context, Task, TaskError};

/// The name of the secret that holds the API's key.
const KEY: &str = "EIA_API_KEY";

static SCHEMA: Schema = Schema {
    name: "ingest_eia",
    version: 1,
    summary: "reads hourly generation from the EIA API v2, or from recorded pages of it",
    params: &[
        ParamSchema {
            name: "source",
            kind: Kind::PathOrUrl,
            default: None,
            doc: "a folder of recorded pages (.json, .json.gz), or the API's address, https://api.eia.gov/v2",
        },
        ParamSchema {
            name: "start_date",
            kind: Kind::Date,
            default: None,
            doc: "first day, in UTC",
        },
        ParamSchema {
            name: "end_date",
            kind: Kind::DateOrLatest,
            default: None,
            doc: "last day, in UTC, wholly included; or \"latest\", for all that there is: with `max_age` it is asked whether there is more",
        },
        ParamSchema {
            name: "respondent",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("US48")),
            doc: "balancing authority or region, such as US48, TEX or CISO",
        },
        ParamSchema {
            name: "fueltype",
            kind: Kind::OneOrMany(&Kind::Text),
            default: Some(Literal::Text("NG")),
            doc: "energy source, such as NG, SUN or WND",
        },
        ParamSchema {
            name: "allow_http",
            kind: Kind::Bool,
            default: Some(Literal::Bool(false)),
            doc: "whether the key may go to an address without encryption; to this machine itself it may",
        },
        ParamSchema {
            default: Some(Literal::Int(64)),
            doc: "largest page that is read, in MB as it is unpacked",
            ..MAX_MB
        },
        MAX_ROWS,
    ],
    inputs: &[],
    outputs: &[Port {
        name: "raw",
        doc: "time (UTC, the end of the hour), respondent, fueltype, value (MWh)",
    }],
    optional: &[],
    directories: &[],
    secrets: &[KEY],
    variables: &[],
    effect: false,
    ordered: &[("start_date", "end_date")],
};

/// The task.
#[derive(Debug)]
pub(crate) struct IngestEia;

impl Task for IngestEia {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn has_probe(&self, params: &BTreeMap<String, Value>) -> bool {
        matches!(params.get("source"), Some(Value::Text(source)) if is_url(source))
    }

    /// The newest hour of the query and how many rows it has.
    fn probe(&self, context: &Context<'_>) -> Result<Option<String>, TaskError> {
        if !self.has_probe(&context.params) {
            return Ok(None);
        }
        let query = query(context)?;
        let client = client(context, context.flag("allow_http"))?;
        context.request()?;
        let page = client.newest(&query)?;
        let newest = page.rows.iter().map(|row| row.period).max().map(hour);
        let newest = newest.unwrap_or_else(|| "nothing".to_owned());
        Ok(Some(format!("{newest}, rows: {}", page.total)))
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let query = query(context)?;
        let allow_http = context.flag("allow_http");
        let read = match is_url(context.text("source")) {
            true => live(context, &query, allow_http)?,
            false => recorded(context)?,
        };
        let rows = select(&read, &query)?;
        context.log(&format!("{} rows", rows.len()));
        ParquetTable::default()
            .times("time", rows.iter().map(|row| row.period))
            .texts("respondent", rows.iter().map(|row| Some(row.respondent.as_str())))
            .texts("fueltype", rows.iter().map(|row| Some(row.fueltype.as_str())))
            .numbers("value", rows.iter().map(|row| row.value))
            .write(context, "raw")
    }
}

fn query(context: &Context<'_>) -> Result<Query, TaskError> {
    let date = |name: &str| {
        let text = context.text(name);
        text.parse::<NaiveDate>()
            .map_err(|_| TaskError::new(format!("`{name}` is no date: {text}")))
    };
    let codes = |name: &str| context.texts(name).into_iter().map(str::to_owned).collect();
    let query = Query {
        start: date("start_date")?,
        end: match context.text("end_date") {
            LATEST => None,
            _ => Some(date("end_date")?),
        },
        respondents: codes("respondent"),
        fueltypes: codes("fueltype"),
    };
    match query.end.filter(|end| query.start > *end) {
        None => Ok(query),
        Some(end) => Err(TaskError::new(format!(
            "`start_date` {} is after `end_date` {end}",
            query.start
        ))),
    }
}

/// A client of the live API.
fn client<'c>(context: &'c Context<'_>, allow_http: bool) -> Result<Client<'c>, TaskError> {
    let key = context
        .secrets
        .get(KEY)
        .filter(|key| !key.is_empty())
        .ok_or(EiaError::NoKey)?;
    let limits = RequestLimits {
        page: SizeLimit::of(context),
        rows: TableLimits::of(context),
        allow_http,
        ..RequestLimits::default()
    };
    let client = Client::new(context.text("source"), key, limits, context.cancelled)?;
    if let Some(proxy) = client.proxy() {
        context.warn(&proxy);
    }
    Ok(client)
}

/// The pages of the live API.
fn live(context: &Context<'_>, query: &Query, allow_http: bool) -> Result<Vec<GenerationRow>, TaskError> {
    let whole = client(context, allow_http)?.fetch(query, |found, total| {
        context.check_cancelled()?;
        context.progress(&match total {
            Some(total) => format!("{found} of {total} rows"),
            None => "asking the EIA API".to_owned(),
        });
        context.request()
    })?;
    let warnings: BTreeSet<&String> = whole.warnings.iter().collect();
    for warning in warnings {
        context.log(&format!("the EIA API warns: {warning}"));
    }
    Ok(whole.rows)
}

/// The pages in a folder, or in one file.
fn recorded(context: &Context<'_>) -> Result<Vec<GenerationRow>, TaskError> {
    let source = context.text("source");
    let paths = page_files(context.input("source"))
        .map_err(|error| TaskError::new(format!("cannot read the pages in `{source}`: {error}")))?;
    if paths.is_empty() {
        return Err(TaskError::new(format!("`{source}` holds no recorded pages"))
            .note("a page is a file that ends in `.json` or `.json.gz`")
            .help("record the API's answers there, or name the API: `source = \"https://api.eia.gov/v2\"`"));
    }
    let limits = TableLimits::of(context);
    let mut rows = Vec::new();
    let mut totals = Vec::new();
    for path in &paths {
        let name = table::file_name(path);
        let holder = format!("the page `{name}` of `{source}`");
        let bytes = data_file::read(context, path, &holder, SizeLimit::of(context))?;
        let page = EiaPage::parse(&bytes).map_err(|error| in_recording(error, &name, source))?;
        rows.extend(page.rows);
        limits
            .rows(rows.len() as u64)
            .map_err(|excess| excess.in_input(&format!("`{source}`")))?;
        totals.push((name, page.total));
    }
    if let Some((name, total)) = totals.iter().find(|(_, total)| *total > rows.len() as u64) {
        return Err(TaskError::new(format!(
            "pages are missing in `{source}`: {} of {total} rows are there",
            rows.len()
        ))
        .note(format!("`{name}` says that its query has {total} rows"))
        .help("record all pages of the query, with `offset` 0, 5000, 10000 and so on"));
    }
    Ok(rows)
}

/// An error of a recorded page: it will be the same at the next attempt, and the file is what to mend.
fn in_recording(error: EiaError, name: &str, source: &str) -> TaskError {
    let mut task_error = TaskError::new(format!("the page `{name}` of `{source}` cannot be used"));
    let inner = TaskError::from(error);
    task_error = task_error.note(inner.what);
    task_error.help = match inner.help.is_empty() || inner.retry {
        true => vec!["record the page again".to_owned()],
        false => inner.help,
    };
    task_error
}

fn page_files(source: &Path) -> std::io::Result<Vec<PathBuf>> {
    if source.exists() && !source.is_dir() {
        return Ok(vec![source.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(source)? {
        let path = entry?.path();
        let unpacked = match path.extension().is_some_and(|end| end == "gz") {
            true => path.with_extension(""),
            false => path.clone(),
        };
        if unpacked.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The rows that the query wants, sorted, each once.
fn select(all: &[GenerationRow], query: &Query) -> Result<Vec<GenerationRow>, TaskError> {
    let wanted = |row: &GenerationRow| {
        query.covers(row.period.date())
            && query.respondents.contains(&row.respondent)
            && query.fueltypes.contains(&row.fueltype)
    };
    let mut rows: Vec<GenerationRow> = all.iter().filter(|row| wanted(row)).cloned().collect();
    if rows.is_empty() {
        return Err(nothing(all, query));
    }
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    let clashes: Vec<&[GenerationRow]> = rows
        .chunk_by(|a, b| a.key() == b.key())
        .filter(|same| same.iter().any(|row| row.value != same[0].value))
        .collect();
    if let Some(first) = clashes.first() {
        return Err(contradiction(first, clashes.len()));
    }
    rows.dedup_by(|a, b| a.key() == b.key());
    Ok(rows)
}

fn contradiction(rows: &[GenerationRow], count: usize) -> TaskError {
    let (period, respondent, fueltype) = rows[0].key();
    let values: Vec<String> = rows
        .iter()
        .map(|row| row.value.map_or_else(|| "none".to_owned(), |value| value.to_string()))
        .collect();
    TaskError::new(format!(
        "rows of the same hour contradict each other, in {count} of the hours"
    ))
    .note(format!(
        "the first: {respondent} {fueltype} at {} has the values {}",
        hour(period),
        values.join(" and ")
    ))
    .help("keep pages of one recording only, or take the rows of one kind out of them")
}

fn nothing(all: &[GenerationRow], query: &Query) -> TaskError {
    let error = TaskError::new(format!(
        "no rows of {} {} from {} to {}",
        query.respondents.join(", "),
        query.fueltypes.join(", "),
        query.start,
        query.end.map_or_else(|| LATEST.to_owned(), |end| end.to_string())
    ));
    let (Some(first), Some(last)) = (
        all.iter().map(|row| row.period).min(),
        all.iter().map(|row| row.period).max(),
    ) else {
        return error
            .note("the pages hold no rows at all; the API answers so to a respondent or fuel that it does not know")
            .help("check `respondent` and `fueltype`");
    };
    let distinct = |code: fn(&GenerationRow) -> &str| {
        let codes: BTreeSet<&str> = all.iter().map(code).collect();
        let shown: Vec<&str> = codes.iter().take(20).copied().collect();
        match codes.len() - shown.len() {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    error
        .note(format!("the pages hold {} to {}", hour(first), hour(last)))
        .note(format!("respondents: {}", distinct(|row| &row.respondent)))
        .note(format!("fuels: {}", distinct(|row| &row.fueltype)))
        .help("change `start_date`, `end_date`, `respondent` or `fueltype`, or take another `source`")
}

fn hour(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}
