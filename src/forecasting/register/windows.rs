//! How each model did in each window of the back-test: points of a curve that MLflow draws.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;

use super::label;
use super::logged::Logged;
use crate::engine::task::TaskError;
use crate::forecasting::columns::Columns;
use crate::forecasting::leaderboard::WindowScore;
use crate::forecasting::metrics;
use crate::forecasting::mlflow::MetricPoint;
use crate::forecasting::models::{Forecast, Interval};
use crate::forecasting::reading;
use crate::forecasting::series::Observation;

/// What a model forecast of one series in one window, and what happened.
struct WindowRows {
    cutoff: NaiveDateTime,
    actual: Vec<f64>,
    forecast: Forecast,
}

/// The metrics of each model in each window, a step a window; none without the back-test's forecasts.
///
/// Each is the mean over the series where it is defined, so that the means over the windows are those of the leaderboard.
///
/// # Errors
/// [`TaskError`] if the forecasts cannot be read.
pub(super) fn points(logged: &Logged<'_>) -> Result<Vec<MetricPoint>, TaskError> {
    if !logged.context.inputs.contains_key("cv_results") {
        return Ok(Vec::new());
    }
    let table = reading::table(logged.context, "cv_results")?;
    let columns = Columns::of(logged.context, &table, "cv_results");
    let (models, ids, cutoffs) = (
        columns.texts("model")?,
        columns.texts("unique_id")?,
        columns.times("cutoff")?,
    );
    let (y, yhat) = (columns.numbers("y")?, columns.numbers("yhat")?);
    let suffixes = levels(&table.frame.get_column_names());
    let bounds = |side: &str| -> Result<Vec<_>, TaskError> {
        let names = suffixes.iter().map(|suffix| format!("{side}{suffix}"));
        names.map(|name| columns.numbers(&name)).collect()
    };
    let (lower, upper) = (bounds("lo")?, bounds("hi")?);
    // Series that end at different times have the same windows at other cutoffs.
    let mut steps: BTreeMap<&str, BTreeSet<NaiveDateTime>> = BTreeMap::new();
    for (id, cutoff) in ids.iter().zip(&cutoffs) {
        steps.entry(id).or_default().insert(*cutoff);
    }
    let mut windows: BTreeMap<(&str, usize), BTreeMap<&str, WindowRows>> = BTreeMap::new();
    for (at, model) in models.iter().enumerate() {
        let (Some(y), Some(yhat)) = (y[at], yhat[at]) else {
            continue;
        };
        let (id, cutoff) = (ids[at].as_str(), cutoffs[at]);
        let step = steps[id].range(..cutoff).count();
        let window = windows.entry((model, step)).or_default();
        let rows = window.entry(id).or_insert_with(|| WindowRows {
            cutoff,
            actual: Vec::new(),
            forecast: Forecast {
                mean: Vec::new(),
                intervals: suffixes.iter().map(|suffix| no_interval(suffix)).collect(),
            },
        });
        rows.actual.push(y);
        rows.forecast.mean.push(yhat);
        for (interval, (lower, upper)) in rows.forecast.intervals.iter_mut().zip(lower.iter().zip(&upper)) {
            interval.lower.push(lower[at].unwrap_or(f64::NAN));
            interval.upper.push(upper[at].unwrap_or(f64::NAN));
        }
    }
    let pasts = pasts(logged.series);
    let mut points = Vec::new();
    for ((model, step), window) in &windows {
        let errors = errors(window, &pasts, season(logged), &suffixes);
        let own = (*model == logged.champion.name).then(String::new);
        for prefix in own.into_iter().chain([format!("{}/", label(model))]) {
            points.extend(errors.iter().map(|(name, value)| MetricPoint {
                key: format!("{prefix}{name}"),
                value: value.unwrap_or(f64::NAN),
                step: i64::try_from(*step).unwrap_or(i64::MAX),
                of_model: prefix.is_empty(),
            }));
        }
    }
    Ok(points)
}

/// What follows `lo` in the names of the lower bounds: nothing for one level, else `-80`, `-95`.
fn levels(names: &[impl AsRef<str>]) -> Vec<String> {
    let names: BTreeSet<&str> = names.iter().map(AsRef::as_ref).collect();
    let level = |name: &&str| {
        let level = name.strip_prefix("lo")?;
        let is_level = level.is_empty() || level.starts_with('-');
        (is_level && names.contains(format!("hi{level}").as_str())).then(|| level.to_owned())
    };
    names.iter().filter_map(level).collect()
}

/// An interval of the level that is named so, without steps; of the one level there is the name says nothing.
fn no_interval(suffix: &str) -> Interval {
    Interval {
        level: suffix.trim_start_matches('-').parse().unwrap_or(f64::NAN),
        lower: Vec::new(),
        upper: Vec::new(),
    }
}

/// The means over the series of one window.
fn errors(
    window: &BTreeMap<&str, WindowRows>,
    pasts: &BTreeMap<&str, Past>,
    season: usize,
    suffixes: &[String],
) -> Vec<(String, Option<f64>)> {
    let score = |(id, rows): (&&str, &WindowRows)| {
        let past = pasts.get(id).map_or(&[][..], |past| past.until(rows.cutoff));
        WindowScore::of(past, &rows.actual, &rows.forecast, season)
    };
    let scores: Vec<WindowScore> = window.iter().map(score).collect();
    let mean = |metric: &dyn Fn(&WindowScore) -> Option<f64>| {
        let values: Vec<f64> = scores.iter().filter_map(metric).collect();
        (!values.is_empty()).then(|| metrics::mean(&values))
    };
    let mut found = vec![
        ("rmse".to_owned(), mean(&|score| Some(score.rmse))),
        ("mae".to_owned(), mean(&|score| Some(score.mae))),
        ("mape".to_owned(), mean(&|score| score.mape)),
        ("mase".to_owned(), mean(&|score| score.mase)),
    ];
    for (at, suffix) in suffixes.iter().enumerate() {
        found.push((format!("coverage{suffix}"), mean(&|score| Some(score.coverage[at]))));
    }
    found
}

/// A series, the oldest value first.
#[derive(Default)]
struct Past {
    times: Vec<NaiveDateTime>,
    values: Vec<f64>,
}

impl Past {
    fn until(&self, cutoff: NaiveDateTime) -> &[f64] {
        &self.values[..self.times.partition_point(|time| *time <= cutoff)]
    }
}

fn pasts(rows: &[Observation]) -> BTreeMap<&str, Past> {
    let rows = rows
        .iter()
        .filter_map(|row| Some((row.unique_id.as_str(), row.ds, row.y?)));
    let mut rows: Vec<(&str, NaiveDateTime, f64)> = rows.collect();
    rows.sort_by_key(|(id, time, _)| (*id, *time));
    let mut pasts: BTreeMap<&str, Past> = BTreeMap::new();
    for (id, time, value) in rows {
        let past = pasts.entry(id).or_default();
        past.times.push(time);
        past.values.push(value);
    }
    pasts
}

/// The season by which errors are scaled: the shortest that the models were given.
fn season(logged: &Logged<'_>) -> usize {
    let seasons = logged.selected["season_length"].as_array();
    let first = seasons.and_then(|seasons| seasons.first()?.as_u64());
    first.and_then(|season| usize::try_from(season).ok()).unwrap_or(1)
}
