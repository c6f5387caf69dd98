//! `model.json`: what a champion is, and what it forecasts.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::forecaster::SeriesForecast;
use super::super::frequency::{Calendars, Frequency};
use super::super::selection::estimate_json;
use super::super::train::MOST_STEPS;

/// The layout of the file; raised when a reader of the former would misread it.
const FORMAT: &str = "atsaf.model/1";

/// A packaged model without its forecasts: all that it takes to fit it to newer data.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ModelDocument {
    format: String,
    /// Steps that are forecast unless another number is asked for.
    pub(crate) horizon: usize,
    /// Levels of the intervals in percent, the narrowest first.
    pub(crate) levels: Vec<f64>,
    /// The step of the series.
    frequency: Frequency,
    /// Whether each series has closed days of its own.
    #[serde(default)]
    own_calendars: bool,
    /// What `selected.json` says.
    pub(crate) selected: Map<String, Value>,
}

impl ModelDocument {
    /// The model that forecasts so, as `selected` says.
    pub(super) fn new(
        selected: &Value,
        frequency: Frequency,
        own_calendars: bool,
        horizon: usize,
        levels: &[f64],
    ) -> Self {
        let mut selected = selected.as_object().cloned().unwrap_or_default();
        // Which run wrote it is none of the model's business.
        selected.retain(|name, _| !["run_id", "target"].contains(&name.as_str()));
        Self {
            format: FORMAT.to_owned(),
            horizon,
            levels: levels.to_owned(),
            frequency,
            own_calendars,
            selected,
        }
    }

    /// The frequency of the series that it forecasts.
    pub(crate) fn calendars(&self) -> Calendars {
        match self.own_calendars {
            true => Calendars::own(self.frequency),
            false => Calendars::of(self.frequency),
        }
    }

    /// Reads the bytes of a `model.json`; the error is a sentence.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let document: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no packaged model: {error}"))?;
        let format = &document.format;
        if format != FORMAT {
            return Err(format!("its format is `{format}`; this atsaf reads `{FORMAT}`"));
        }
        let is_level = |level: &f64| 0.0 < *level && *level < 100.0;
        let steps = i64::try_from(document.horizon).unwrap_or(i64::MAX);
        let whole =
            (1..=MOST_STEPS).contains(&steps) && document.levels.iter().all(is_level) && document.frequency.is_step();
        whole
            .then_some(document)
            .ok_or_else(|| "its horizon, its levels or its frequency are none".to_owned())
    }

    /// The file, with the forecasts.
    pub(super) fn bytes(&self, forecasts: &[SeriesForecast<'_>]) -> Vec<u8> {
        let limit = forecasts.iter().map(SeriesForecast::steps).min().unwrap_or_default();
        let mut document = json!({
            "format": self.format,
            "horizon": self.horizon,
            "limit": limit,
            "levels": self.levels,
            "frequency": self.frequency,
            "selected": self.selected,
            "series": forecasts.iter().map(series).collect::<Vec<_>>(),
        });
        if self.own_calendars {
            document["own_calendars"] = true.into();
        }
        format!("{document}\n").into_bytes()
    }
}

/// One series: where it ended, what was fitted to it, and its forecast by column.
fn series(one: &SeriesForecast<'_>) -> Value {
    let found: Map<String, Value> = one
        .found
        .iter()
        .map(|(model, estimates)| {
            let estimates = estimates.iter();
            let estimates = estimates.map(|(name, estimate)| (name.clone(), estimate_json(estimate)));
            (model.clone(), Value::Object(estimates.collect()))
        })
        .collect();
    let times: Vec<String> = (0..one.steps()).map(|step| iso(one.time(step))).collect();
    let mut forecast = Map::from_iter([("ds".to_owned(), times.into())]);
    forecast.extend(one.columns().into_iter().map(|(name, numbers)| (name, numbers.into())));
    json!({
        "unique_id": one.series.unique_id,
        "model": one.model,
        "history": { "values": one.series.y.len(), "start": iso(one.series.start()), "end": iso(one.end()) },
        "found": found,
        "forecast": forecast,
    })
}

/// A time as Python's `datetime.fromisoformat` reads it.
pub(crate) fn iso(time: chrono::NaiveDateTime) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f")
        .to_string()
        .trim_end_matches(".000000")
        .to_owned()
}
