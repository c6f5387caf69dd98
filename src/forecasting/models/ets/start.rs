//! First guesses of the initial states, from a decomposition.
//!
//! Source: Hyndman and others (2008), section 2.6.1.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::super::classical::{Composition, seasonal_pattern};
use super::form::{Component, EtsForm};
use super::recursion::States;

/// Returns a first guess for the states before `y[0]`, the pattern taken from the first `reach` values.
///
/// `None` if the form does not suit the series.
pub(super) fn first_states(y: &[f64], season_length: usize, form: EtsForm, reach: usize) -> Option<States> {
    let head = &y[..y.len().min(reach)];
    let season = match form.season {
        Component::Absent => Vec::new(),
        Component::Additive => seasonal_pattern(head, season_length, Composition::Additive)?,
        Component::Multiplicative => {
            let mut pattern = seasonal_pattern(head, season_length, Composition::Multiplicative)?;
            for value in &mut pattern {
                *value = value.max(0.01);
            }
            pattern
        }
    };
    let adjusted: Vec<f64> = y
        .iter()
        .take(if season.is_empty() {
            10
        } else {
            (2 * season_length).max(10)
        })
        .enumerate()
        .map(|(t, value)| match form.season {
            Component::Absent => *value,
            Component::Additive => value - season[t % season_length],
            Component::Multiplicative => value / season[t % season_length],
        })
        .collect();
    let (intercept, slope) = line(&adjusted);
    let mean = adjusted.iter().sum::<f64>() / adjusted.len() as f64;
    let (level, trend) = match form.trend {
        Component::Absent => (mean, 0.0),
        Component::Additive => (intercept, slope),
        Component::Multiplicative => {
            let ratio = 1.0 + slope / mean;
            if intercept > 0.0 && ratio > 0.0 {
                (intercept, ratio)
            } else {
                (mean, 1.0)
            }
        }
    };
    // What multiplies must be above zero.
    let is_inside = !form.needs_positive() || level > 0.0;
    let (level, trend) = if is_inside {
        (level, trend)
    } else {
        (mean, if form.is_linear() { 0.0 } else { 1.0 })
    };
    (level.is_finite() && trend.is_finite()).then_some(States { level, trend, season })
}

/// Fits a line by least squares; returns its value one step before the first, and its slope.
fn line(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let centre = 0.5 * (n + 1.0);
    let mean = values.iter().sum::<f64>() / n;
    let spread = n * (n * n - 1.0) / 12.0;
    let slope = if spread > 0.0 {
        values
            .iter()
            .enumerate()
            .map(|(t, value)| ((t + 1) as f64 - centre) * (value - mean))
            .sum::<f64>()
            / spread
    } else {
        0.0
    };
    (mean - slope * centre, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_pattern_is_taken_apart() {
        let pattern = [2.0, -1.0, -1.0];
        let y: Vec<f64> = (0..30).map(|t| 5.0 + 0.5 * (t + 1) as f64 + pattern[t % 3]).collect();
        let form = EtsForm {
            error: Component::Additive,
            trend: Component::Additive,
            damped: false,
            season: Component::Additive,
        };
        let found = first_states(&y, 3, form, 18).unwrap();
        assert!(
            (found.level - 5.0).abs() < 1e-9 && (found.trend - 0.5).abs() < 1e-9,
            "{found:?}"
        );
        assert!(found.season.iter().zip(&pattern).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}
