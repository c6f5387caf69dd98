//! What is made of the models' intervals: conformal ones in their place, honest within the back-test, and none below zero.

use super::models::Forecast;
use super::models::combine::Windows;
use super::models::conformal::Conformal;
use super::piece::Outcome;

/// Gives each window of a back-test intervals that are calibrated on its other windows.
///
/// A window's own errors have no part in its intervals, so their observed coverage tells of new data. Where no other
/// window has a forecast, the intervals stay.
pub fn recalibrate(actual: &Windows, outcomes: &mut [Outcome], levels: &[f64]) {
    let forecasts: Vec<Option<Vec<f64>>> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().ok().map(|piece| piece.forecast.mean.clone()))
        .collect();
    for (window, outcome) in outcomes.iter_mut().enumerate() {
        let Ok(piece) = outcome else { continue };
        let mut others = Windows::new(actual.steps());
        for (at, forecast) in forecasts.iter().enumerate() {
            others.push(forecast.as_deref().filter(|_| at != window));
        }
        if let Some(conformal) = Conformal::calibrate(actual, &others, levels) {
            piece.forecast.intervals = conformal.intervals(&piece.forecast.mean);
        }
    }
}

/// Raises what the forecasts of a back-test have below zero to zero.
pub fn raise(outcomes: &mut [Outcome]) {
    for piece in outcomes.iter_mut().flatten() {
        raise_to_zero(&mut piece.forecast);
    }
}

/// Raises what a forecast has below zero to zero.
pub fn raise_to_zero(forecast: &mut Forecast) {
    let bounds = forecast
        .intervals
        .iter_mut()
        .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
    for value in std::iter::once(&mut forecast.mean).chain(bounds).flatten() {
        *value = value.max(0.0);
    }
}
