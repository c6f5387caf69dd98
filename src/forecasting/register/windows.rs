//! How each model did in each window of the back-test: points of a curve that MLflow draws.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;

use super::label;
use super::logged::Logged;
use crate::engine::task::TaskError;
use crate::forecasting::metrics;
use crate::forecasting::mlflow::MetricPoint;
use crate::forecasting::series::Observation;
use crate::forecasting::table::{self, Columns};

/// What a model forecast of one series in one window, and what happened.
#[derive(Default)]
struct WindowRows {
    actual: Vec<f64>,
    forecast: Vec<f64>,
    /// By level.
    lower: Vec<Vec<f64>>,
    upper: Vec<Vec<f64>>,
}

/// The rows by series, each with its cutoff.
type BySeries<'r> = BTreeMap<&'r str, (NaiveDateTime, WindowRows)>;

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
    let frame = table::read(logged.context, "cv_results")?;
    let columns = Columns::of(logged.context, &frame, "cv_results");
    let (models, ids, cutoffs) = (
        columns.texts("model")?,
        columns.texts("unique_id")?,
        columns.times("cutoff")?,
    );
    let (y, yhat) = (columns.numbers("y")?, columns.numbers("yhat")?);
    let levels = levels(&frame.get_column_names());
    let bounds = |side: &str| -> Result<Vec<_>, TaskError> {
        let names = levels.iter().map(|level| format!("{side}{level}"));
        names.map(|name| columns.numbers(&name)).collect()
    };
    let (lower, upper) = (bounds("lo")?, bounds("hi")?);
    // Series that end at different times have the same windows at other cutoffs.
    let mut steps: BTreeMap<&str, BTreeSet<NaiveDateTime>> = BTreeMap::new();
    for (id, cutoff) in ids.iter().zip(&cutoffs) {
        steps.entry(id).or_default().insert(*cutoff);
    }
    let mut windows: BTreeMap<(&str, usize), BySeries<'_>> = BTreeMap::new();
    for (at, model) in models.iter().enumerate() {
        let (Some(y), Some(yhat)) = (y[at], yhat[at]) else {
            continue;
        };
        let id = ids[at].as_str();
        let step = steps[id].range(..cutoffs[at]).count();
        let window = windows.entry((model, step)).or_default();
        let (_, rows) = window.entry(id).or_insert_with(|| (cutoffs[at], WindowRows::default()));
        rows.actual.push(y);
        rows.forecast.push(yhat);
        for (own, all) in [(&mut rows.lower, &lower), (&mut rows.upper, &upper)] {
            own.resize_with(levels.len(), Vec::new);
            for (own, column) in own.iter_mut().zip(all) {
                own.push(column[at].unwrap_or(f64::NAN));
            }
        }
    }
    let mut points = Vec::new();
    for ((model, step), window) in &windows {
        let errors = scores(logged, window, &levels);
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

fn scores(logged: &Logged<'_>, window: &BySeries<'_>, levels: &[String]) -> Vec<(String, Option<f64>)> {
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| metrics::mean(&values));
    let rows = || window.values().map(|(_, rows)| rows);
    let scaled = window.iter().filter_map(|(id, (cutoff, rows))| {
        let past = past(logged.series, id, *cutoff);
        let scale = metrics::seasonal_scale(&past, season(logged))?;
        Some(metrics::mase(&rows.actual, &rows.forecast, scale))
    });
    let rmse = rows().map(|rows| metrics::rmse(&rows.actual, &rows.forecast));
    let mae = rows().map(|rows| metrics::mae(&rows.actual, &rows.forecast));
    let percentage = rows().filter_map(|rows| metrics::mape(&rows.actual, &rows.forecast));
    let mut found = vec![
        ("rmse".to_owned(), mean(rmse.collect())),
        ("mae".to_owned(), mean(mae.collect())),
        ("mape".to_owned(), mean(percentage.collect())),
        ("mase".to_owned(), mean(scaled.collect())),
    ];
    for (at, level) in levels.iter().enumerate() {
        let inside = rows().map(|rows| metrics::coverage(&rows.actual, &rows.lower[at], &rows.upper[at]));
        found.push((format!("coverage{level}"), mean(inside.collect())));
    }
    found
}

/// The values of a series up to a cutoff, in the order of time.
fn past(series: &[Observation], id: &str, cutoff: NaiveDateTime) -> Vec<f64> {
    let is_past = |row: &&Observation| row.unique_id == id && row.ds <= cutoff;
    let mut rows: Vec<&Observation> = series.iter().filter(is_past).collect();
    rows.sort_by_key(|row| row.ds);
    rows.iter().filter_map(|row| row.y).collect()
}

/// The season by which errors are scaled: the shortest that the models were given.
fn season(logged: &Logged<'_>) -> usize {
    let seasons = logged.selected["season_length"].as_array();
    let first = seasons.and_then(|seasons| seasons.first()?.as_u64());
    first.and_then(|season| usize::try_from(season).ok()).unwrap_or(1)
}
