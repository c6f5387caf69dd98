//! Conformal intervals in the place of the models' own: calibrated on the back-test, and honest within it.

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
