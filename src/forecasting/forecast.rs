//! `forecast_publish`: fits the selected models to all clean data and forecasts beyond its end.

use super::backtest_config::levels;
use super::cached_fit::ForecastRequest;
use super::forecaster::{self, Forecaster};
use super::frequency::{Calendars, FREQUENCY};
use super::known_ahead;
use super::limits::{MAX_MB, MAX_ROWS};
use super::reading;
use super::selection::Selection;
use super::series;
use super::train::{HORIZON, LEVEL, validated};
use crate::engine::spec::schema::{Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

/// What is read to fit the selected models to all data.
pub(super) const INPUTS: [Port; 3] = [
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
];

static SCHEMA: Schema = Schema {
    name: "forecast_publish",
    version: 6,
    summary: "fits the selected models to all clean data and forecasts beyond its end",
    params: &[HORIZON, LEVEL, reading::OF_CLEAN_AND_KNOWN, FREQUENCY, MAX_MB, MAX_ROWS],
    inputs: &INPUTS,
    outputs: &[Port {
        name: "predictions",
        doc: "unique_id, ds (UTC), yhat, lo-95, hi-95 (one pair for each level), model",
    }],
    optional: &[known_ahead::PORT],
    directories: &[],
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

    fn is_parallel(&self) -> bool {
        true
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        validated(context)?;
        let forecaster = Forecaster::new(context, Selection::read(context, "selected")?)?;
        let rows = series::observations(context, "clean")?;
        let calendars = Calendars::declared_or_found(context, &rows);
        let mut series = forecaster.series(context, &rows, calendars)?;
        let request = ForecastRequest {
            horizon: calendars.common().horizon(context),
            levels: &levels(context),
        };
        forecaster.look_up(forecaster.known(context)?.as_ref(), &mut series, request.horizon)?;
        let forecasts = forecaster.forecasts(context, &series, request)?;
        forecaster::table(&forecasts).write(context, "predictions")
    }
}
