//! How far a model's forecasts lie from the truth, measured by forecasting again from earlier ends of the series.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

/// From how many earlier ends, one short season apart, it is forecast again.
const ENDS: usize = 8;

/// The exponent of the step by which errors grow beyond those that were measured.
const GROWTH: f64 = 0.3;

/// The errors of a model at each of the next steps: their root mean square, which never shrinks with the step.
#[derive(Clone, Debug, Default)]
pub(crate) struct PastErrors {
    /// Over two short seasons.
    deviations: Vec<f64>,
}

impl PastErrors {
    /// Measures `path`, which gives the next steps after a past, or nothing for one that is too short.
    ///
    /// No value that is forecast is part of the past it is forecast from.
    pub(crate) fn of(x: &[f64], short: usize, path: impl Fn(&[f64], usize) -> Option<Vec<f64>>) -> Self {
        let steps = 2 * short;
        let mut squares = vec![0.0; steps];
        let mut count = 0;
        for back in 0..ENDS {
            let Some(n) = x.len().checked_sub(steps + back * short) else {
                break;
            };
            let Some(path) = path(&x[..n], steps) else { break };
            for ((square, f), y) in squares.iter_mut().zip(path).zip(&x[n..]) {
                *square += (y - f).powi(2);
            }
            count += 1;
        }
        let mut most = 0.0_f64;
        let mut largest = |square: &f64| {
            most = most.max((square / f64::from(count.max(1))).sqrt());
            most
        };
        Self {
            deviations: squares.iter().map(&mut largest).collect(),
        }
    }

    /// The standard deviation of each of the next steps; beyond those that were measured it grows with h^0.3.
    pub(crate) fn deviations(&self, horizon: usize) -> Vec<f64> {
        let last = self.deviations.last().copied().unwrap_or_default();
        let grown = |h: usize| last * ((h + 1) as f64 / self.deviations.len() as f64).powf(GROWTH);
        (0..horizon)
            .map(|h| self.deviations.get(h).copied().unwrap_or_else(|| grown(h)))
            .collect()
    }

    /// Whether every deviation is a number.
    pub(crate) fn are_finite(&self) -> bool {
        self.deviations.iter().all(|deviation| deviation.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_forecasts_from_earlier_ends() {
        // The last value as the forecast of a line: h steps ahead it errs by h.
        let x: Vec<f64> = (0..100).map(f64::from).collect();
        let errors = PastErrors::of(&x, 3, |past, steps| Some(vec![*past.last()?; steps]));
        assert_eq!(errors.deviations(6), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!((errors.deviations(12)[11] - 6.0 * 2.0_f64.powf(0.3)).abs() < 1e-12);
    }

    #[test]
    fn a_series_too_short_to_be_forecast_again_has_no_errors() {
        assert_eq!(PastErrors::of(&[1.0; 5], 3, |_, _| None).deviations(2), [0.0, 0.0]);
    }
}
