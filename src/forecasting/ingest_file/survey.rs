//! What a file holds, found as the task finds it, for whoever is about to declare a pipeline on it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::Value as Json;

use super::super::frequency::{Calendars, Frequency};
use super::super::series::Observation;
use super::SCHEMA;
use super::series_of_file::{FileReader, FileSeries};
use crate::engine::spec::Value;
use crate::engine::spec::schema::Literal;
use crate::engine::task::{Context, Message, TaskError};

/// Most windows of a back-test that are proposed.
const WINDOWS: usize = 5;

/// A file as it was read, and what usually follows from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// CSV, Parquet or JSON lines.
    pub(crate) kind: String,
    /// Which columns are what: values of the parameters `id`, `time` and `value`; those that only a guess can give are
    /// left out.
    pub(crate) columns: Vec<(&'static str, Vec<String>)>,
    /// What was found out about how it is written, such as its separator.
    pub(crate) form: Vec<(String, String)>,
    pub(crate) rows: usize,
    pub(crate) series: usize,
    /// The first and the last time.
    pub(crate) span: Option<(String, String)>,
    /// The step in words.
    pub(crate) frequency: String,
    /// Steps of a forecast, as is usual.
    pub(crate) horizon: usize,
    /// Steps from one cutoff of a back-test to the next, as is usual.
    pub(crate) step_size: usize,
    /// Windows of a back-test for which the shortest series is long enough; none if it is too short for one.
    pub(crate) n_windows: Option<usize>,
}

/// Reads a file by the task's own code, with its defaults and what `params` says instead; messages call it `name`.
///
/// # Errors
/// [`TaskError`] as the task's own, where it cannot be read or its columns cannot be told apart.
pub(crate) fn survey(
    file: &Path,
    name: &str,
    params: &BTreeMap<String, Value>,
    cancelled: &AtomicBool,
) -> Result<Survey, TaskError> {
    let default = |param: &crate::engine::spec::schema::ParamSchema| {
        let value = params.get(param.name).cloned();
        Some((param.name.to_owned(), value.or(param.default.map(Literal::value))?))
    };
    let context = Context {
        params: SCHEMA.params.iter().filter_map(default).collect(),
        inputs: BTreeMap::from([(name.to_owned(), file.to_owned())]),
        ..Context::outside("init", cancelled, &|_: Message<'_>| {})
    };
    let FileSeries { rows, report } = FileReader::of(&|name| Some(context.param(name))).read(&context, name)?;
    let frequency = Calendars::declared_or_found(&context, &rows).common();
    let times = || rows.iter().map(|row| row.ds);
    let lengths = lengths(&rows);
    let (horizon, step_size) = frequency.usual_forecast();
    let shortest = lengths.values().min().copied().unwrap_or_default();
    Ok(Survey {
        kind: report["kind"].as_str().unwrap_or_default().to_owned(),
        columns: columns(&report["columns"]),
        form: form(&report["form"]),
        rows: rows.len(),
        series: lengths.len(),
        span: times()
            .min()
            .zip(times().max())
            .map(|(first, last)| (first.to_string(), last.to_string())),
        n_windows: windows(frequency, shortest, horizon, step_size),
        frequency: frequency.to_string(),
        horizon,
        step_size,
    })
}

/// Rows of each series.
fn lengths(rows: &[Observation]) -> BTreeMap<&str, usize> {
    let mut lengths = BTreeMap::new();
    for row in rows {
        *lengths.entry(row.unique_id.as_str()).or_default() += 1;
    }
    lengths
}

/// As many windows as leave two of the longest seasons before the first, or one where there is little.
fn windows(frequency: Frequency, length: usize, horizon: usize, step_size: usize) -> Option<usize> {
    let season = frequency.seasons().last().copied().unwrap_or(1);
    let fits = |before: usize| {
        let spare = length.checked_sub(before + horizon)?;
        Some((spare / step_size.max(1) + 1).min(WINDOWS))
    };
    fits(2 * season).or_else(|| fits(2 * horizon).map(|windows| windows.min(1)))
}

/// The columns of a report as values of the parameters that say them.
fn columns(report: &Json) -> Vec<(&'static str, Vec<String>)> {
    let texts = |of: &Json| -> Vec<String> {
        let one = of.as_str().into_iter();
        let many = of.as_array().into_iter().flatten().filter_map(Json::as_str);
        one.chain(many).map(str::to_owned).collect()
    };
    // The name of an only series is the file's, and might be taken for a column.
    let id = match &report["id"] {
        Json::Array(_) => texts(&report["id"]),
        _ => Vec::new(),
    };
    let all = [
        ("id", id),
        ("time", texts(&report["time"])),
        ("value", texts(&report["value"])),
    ];
    // A column without a name can only be guessed.
    let is_said = |(_, names): &(&str, Vec<String>)| !names.is_empty() && names.iter().all(|name| !name.is_empty());
    all.into_iter().filter(is_said).collect()
}

fn form(report: &Json) -> Vec<(String, String)> {
    let entries = report.as_object().into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
