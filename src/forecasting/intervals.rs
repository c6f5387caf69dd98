//! What is made of the models' intervals: conformal ones in their place, honest within the back-test, and none below zero.

use super::cached_fit::WindowOutcome;
use super::models::Forecast;
use super::models::combine::WindowValues;
use super::models::conformal::Conformal;
use super::named_enum::named_enum;

named_enum! {
    /// Which prediction intervals are published.
    pub(crate) enum IntervalMethod {
        /// The models' own.
        Own = "own",
        /// Conformal ones, calibrated on the errors of the back-test.
        Conformal = "conformal",
    }
}

/// Gives each window of a back-test intervals that are calibrated on its other windows.
///
/// A window's own errors have no part in its intervals, so their observed coverage holds for new data. Where no other
/// window has a forecast, the intervals stay.
pub(crate) fn recalibrate(actual: &WindowValues, outcomes: &mut [WindowOutcome], levels: &[f64]) {
    let forecasts: Vec<Option<Vec<f64>>> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().ok().map(|window| window.forecast.mean.clone()))
        .collect();
    for (window, outcome) in outcomes.iter_mut().enumerate() {
        let Ok(tested) = outcome else { continue };
        let mut others = WindowValues::new(actual.steps());
        for (at, forecast) in forecasts.iter().enumerate() {
            others.push(forecast.as_deref().filter(|_| at != window));
        }
        if let Some(conformal) = Conformal::calibrate(actual, &others, levels) {
            tested.forecast.intervals = conformal.intervals(&tested.forecast.mean);
        }
    }
}

/// Raises what the forecasts of a back-test have below zero to zero.
pub(crate) fn raise(outcomes: &mut [WindowOutcome]) {
    for window in outcomes.iter_mut().flatten() {
        raise_to_zero(&mut window.forecast);
    }
}

/// Raises what a forecast has below zero to zero.
pub(crate) fn raise_to_zero(forecast: &mut Forecast) {
    let bounds = forecast
        .intervals
        .iter_mut()
        .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
    for value in std::iter::once(&mut forecast.mean).chain(bounds).flatten() {
        *value = value.max(0.0);
    }
}
