//! The champion as a directory that MLflow loads, without a pickle: its forecasts as data, and what reads them in Python.
//!
//! ```text
//! MLmodel                          what MLflow reads first: loader, signature, environment
//! model.json                       the champion, how it was chosen, and its forecasts
//! code/atsaf_pyfunc_<hash8>.py     the loader, named by its content: two versions in one process are two modules
//! input_example.json, serving_input_example.json, requirements.txt, python_env.yaml, conda.yaml
//! ```
//!
//! The bytes are a function of the selection, the series and the parameters: no run, no clock, no path.

mod document;
mod mlmodel;
mod picture;

pub(crate) use document::{ModelDocument, iso};

use serde_json::Value;

use super::backtest_config::levels;
use super::cached_fit::ForecastRequest;
use super::forecaster::{Forecaster, SeriesForecast};
use super::frequency::Calendars;
use super::selection::Selection;
use super::series::{self, Series};
use crate::engine::digest::Digest;
use crate::engine::task::{Context, TaskError};

/// The module that MLflow imports.
const LOADER: &str = include_str!("atsaf_pyfunc.py");

/// The file with the model; what `MLmodel` calls its data.
pub(crate) const MODEL: &str = "model.json";

/// A champion as MLflow takes it: the files of the model directory, by relative path, and the picture of its forecast.
pub(crate) struct ModelPackage {
    /// The files.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// `forecast.svg`.
    pub(crate) picture: Vec<u8>,
}

impl ModelPackage {
    /// Packages what `selected` (the content of `selected.json`) forecasts of the series.
    ///
    /// Reads the parameters `horizon`, `level` and `frequency`, so a task that packages declares
    /// [`HORIZON`](super::train::HORIZON), [`LEVEL`](super::train::LEVEL) and [`FREQUENCY`](super::frequency::FREQUENCY).
    ///
    /// # Errors
    /// [`TaskError`] as the forecast has it: for a selection that cannot be used, or a series that cannot be forecast.
    pub(crate) fn of(
        context: &Context<'_>,
        selected: &Value,
        series: &[series::Observation],
    ) -> Result<ModelPackage, TaskError> {
        let forecaster = Forecaster::new(context, Selection::of(selected, "selected")?)?;
        let calendars = Calendars::declared_or_found(context, series);
        let mut ordered = forecaster.series(context, series, calendars)?;
        let frequency = calendars.common();
        let (horizon, levels) = (frequency.horizon(context), levels(context));
        let own_calendars = ordered.iter().any(|one| one.frequency != frequency);
        let forecasts = as_far_as_possible(context, &forecaster, &mut ordered, horizon, &levels)?;
        let document = ModelDocument::new(selected, frequency, own_calendars, horizon, &levels);
        let module = format!("atsaf_pyfunc_{}", &Digest::of(LOADER.as_bytes()).hex()[..8]);
        let mut files = mlmodel::files(&module, horizon, &levels);
        files.push((MODEL.to_owned(), document.bytes(&forecasts)));
        files.push((format!("code/{module}.py"), LOADER.as_bytes().to_owned()));
        files.sort();
        let picture = picture::draw(&forecasts, horizon).into_bytes();
        Ok(ModelPackage { files, picture })
    }
}

/// How many steps a package holds: four of the longest seasons, and twice the horizon where that is more.
fn limit(horizon: usize, seasons: &[usize]) -> usize {
    let longest = seasons.last().copied().unwrap_or(1);
    (4 * longest).max(2 * horizon)
}

/// Forecasts up to the limit, or as far as the horizon where a model goes no further.
///
/// No model's forecast depends on how far it goes, so the first steps are those of the predictions; of a program nobody
/// knows that, so with one it is the horizon.
fn as_far_as_possible<'s>(
    context: &Context<'_>,
    forecaster: &Forecaster,
    series: &'s mut [Series],
    horizon: usize,
    levels: &[f64],
) -> Result<Vec<SeriesForecast<'s>>, TaskError> {
    let far = limit(horizon, forecaster.seasons());
    let known = forecaster.known(context)?;
    let known_far = forecaster.look_up(known.as_ref(), series, far);
    if known_far.is_err() {
        forecaster.look_up(known.as_ref(), series, horizon)?;
    }
    let series = &*series;
    let to = |horizon| forecaster.forecasts(context, series, ForecastRequest { horizon, levels });
    if forecaster.runs_programs() {
        return to(horizon);
    }
    known_far.and_then(|()| to(far)).or_else(|why| {
        context.check_cancelled()?;
        let near = to(horizon)?;
        context.log(&format!("the packaged model ends with the horizon: {why}"));
        Ok(near)
    })
}
