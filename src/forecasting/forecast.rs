//! `forecast_publish`: fits the selected models to all clean data and forecasts beyond its end.

use rayon::prelude::*;

use super::backtest_config::levels;
use super::cached_fit::{CandidateModel, FitEffort, ForecastRequest};
use super::intervals::raise_to_zero;
use super::limits::{MAX_MB, MAX_ROWS};
use super::models::combine::Combination;
use super::models::conformal::Conformal;
use super::models::{Forecast, Interval};
use super::selection::Selection;
use super::series::{self, FREQUENCY, Series};
use super::table::ParquetTable;
use super::train::{HORIZON, LEVEL, validated};
use crate::engine::spec::schema::{Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

static SCHEMA: Schema = Schema {
    name: "forecast_publish",
    version: 3,
    summary: "fits the selected models to all clean data and forecasts beyond its end",
    params: &[HORIZON, LEVEL, FREQUENCY, MAX_MB, MAX_ROWS],
    inputs: &[
        Port {
            name: "clean",
            doc: "unique_id, ds (UTC), y; without gaps",
        },
        Port {
            name: "validation",
            doc: "the verdict on it, which must be `valid`",
        },
        Port {
            name: "selected",
            doc: "the models to forecast with, their versions and settings",
        },
    ],
    outputs: &[Port {
        name: "predictions",
        doc: "unique_id, ds (UTC), yhat, lo-95, hi-95 (one pair for each level), model",
    }],
    optional: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct ForecastPublish;

impl Task for ForecastPublish {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        validated(context)?;
        let selection = Selection::read(context, "selected")?;
        let candidates = selection.candidates()?;
        let series = series::read(context, "clean")?;
        let (horizon, levels) = (context.count("horizon"), levels(context));
        let request = ForecastRequest {
            horizon,
            levels: &levels,
        };
        if let Some(far) = series.iter().find(|series| series.ends_of_time(horizon)) {
            return Err(TaskError::new(format!(
                "{horizon} steps after the series `{}` there is no time",
                far.unique_id
            ))
            .help("lower `horizon`, or look at the times of the series"));
        }
        let results: Vec<(Forecast, &Combination, FitEffort)> = series
            .par_iter()
            .map(|series| {
                context.check_cancelled()?;
                forecast(context, &selection, &candidates, series, request)
            })
            .collect::<Result<_, TaskError>>()?;
        let effort = results
            .iter()
            .fold(FitEffort::default(), |sum, result| sum.and(result.2));
        context.log(&format!(
            "{} fits in {:.2} s, {} remembered",
            effort.fitted,
            effort.time.as_secs_f64(),
            effort.remembered
        ));
        let rows = || {
            series
                .iter()
                .zip(&results)
                .flat_map(|(series, result)| (0..horizon).map(move |step| (series, result, step)))
        };
        let names: Vec<String> = results
            .iter()
            .map(|(_, combination, _)| selection.name_of(combination))
            .collect();
        let mut table = ParquetTable::default()
            .texts(
                "unique_id",
                rows().map(|(series, _, _)| Some(series.unique_id.as_str())),
            )
            .times("ds", rows().map(|(series, _, step)| series.time(series.y.len() + step)))
            .numbers("yhat", rows().map(|(_, result, step)| Some(result.0.mean[step])));
        for (at, level) in levels.iter().enumerate() {
            table = table
                .numbers(
                    &format!("lo-{level}"),
                    rows().map(|(_, result, step)| Some(result.0.intervals[at].lower[step])),
                )
                .numbers(
                    &format!("hi-{level}"),
                    rows().map(|(_, result, step)| Some(result.0.intervals[at].upper[step])),
                );
        }
        table
            .texts(
                "model",
                names
                    .iter()
                    .flat_map(|name| std::iter::repeat_n(Some(name.as_str()), horizon)),
            )
            .write(context, "predictions")
    }
}

/// Forecasts one series with the models that were chosen for it.
fn forecast<'s>(
    context: &Context<'_>,
    selection: &'s Selection,
    candidates: &[CandidateModel],
    series: &Series,
    request: ForecastRequest<'_>,
) -> Result<(Forecast, &'s Combination, FitEffort), TaskError> {
    let id = &series.unique_id;
    let combination = selection.series.get(id).ok_or_else(|| {
        TaskError::new(format!("no model was selected for the series `{id}`"))
            .help("build `selected` from the same series")
    })?;
    let mut forecasts: Vec<Option<Forecast>> = vec![None; candidates.len()];
    let mut effort = FitEffort::default();
    for model in combination.models() {
        let candidate = &candidates[model];
        let (outcomes, cost) = candidate.forecasts(context.memo, &series.y, &[series.y.len()], request);
        effort = effort.and(cost);
        for outcome in outcomes {
            let mut window = outcome.map_err(|why| {
                TaskError::new(format!("`{}` cannot forecast the series `{id}`: {why}", candidate.name))
            })?;
            // Before anything is made of it, as in the back-test.
            if selection.non_negative {
                raise_to_zero(&mut window.forecast);
            }
            forecasts[model] = Some(window.forecast);
        }
    }
    let combined = combination.forecast(|model| forecasts[model].as_ref());
    let mut combined =
        combined.ok_or_else(|| TaskError::new(format!("no model was selected for the series `{id}`")))?;
    if let Some(conformal) = selection.conformal.get(id) {
        combined.intervals = calibrated(conformal, &combined, request.levels)?;
    }
    if selection.non_negative {
        raise_to_zero(&mut combined);
    }
    Ok((combined, combination, effort))
}

/// The conformal intervals of these levels, in their order.
fn calibrated(conformal: &Conformal, forecast: &Forecast, levels: &[f64]) -> Result<Vec<Interval>, TaskError> {
    let all = conformal.intervals(&forecast.mean);
    let of_level = |level: &f64| {
        let found = all.iter().find(|interval| interval.level.to_bits() == level.to_bits());
        found.cloned().ok_or_else(|| {
            TaskError::new(format!("the intervals of level {level} were not calibrated"))
                .help("give the back-test and the forecast the same `level`, in `[params]`")
        })
    };
    levels.iter().map(of_level).collect()
}
