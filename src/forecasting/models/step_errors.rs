//! How wide the intervals of a panel are: from the errors of a back-test by step, and those of the neighbours.
//!
//! A day is the shortest season, an hour a step of it. With e the mean errors by step, v is at each step the mean of e over
//! its day, times how e at its hour, over all days, stands to that of a day; then the mean over the step and the two on
//! either side. With s the mean absolute difference one day apart, ρ = ln(mean v / s) says how hard a series is to
//! forecast. It is drawn to that of the neighbours ([`super::neighbourhood`]), ρ′ = (ρ + 0.5 V ρ) / 1.5, and the spread is
//! S = s exp(ρ′) (0.5 v / mean v + 0.5 g), with g ∝ h^0.3 of mean 1.

#![expect(clippy::cast_precision_loss, reason = "a back-test is far smaller than 2^52")]

/// The exponent of the step by which errors grow.
const GROWTH: f64 = 0.3;

/// How much the neighbours' errors count beside a series' own.
const LENT: f64 = 0.5;

/// How many spreads the interval of 95 % reaches to either side.
pub(crate) const REACH_AT_95: f64 = 2.6;

/// The least error that counts, in units: so that the logarithm of none is a number.
const LEAST: f64 = 1e-6;

/// How the mean error of a series stands to its unit, the mean absolute difference one season apart: ρ, a logarithm.
pub(crate) fn log_ratio(mean: f64, unit: f64) -> f64 {
    (mean.max(unit * LEAST) / unit).ln()
}

/// The mean error to expect of a series: from its own ρ and that of its neighbours, if it has any.
pub(crate) fn level(unit: f64, own: f64, lent: Option<f64>) -> f64 {
    let ratio = lent.map_or(own, |lent| (own + LENT * lent) / (1.0 + LENT));
    unit * ratio.exp()
}

/// The mean errors of a back-test by step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepErrors {
    /// By step, smoothed.
    smooth: Vec<f64>,
    /// Their mean.
    pub(crate) mean: f64,
}

impl StepErrors {
    /// Of errors by origin and step; at least one origin and one step.
    ///
    /// The error of a step is that of its day, times how the error of its hour, over all days, stands to that of a day; then
    /// the mean over the step and the two on either side.
    pub(crate) fn of(errors: &[Vec<f64>], day: usize) -> Self {
        let steps = errors.first().map_or(0, Vec::len);
        let raw: Vec<f64> = (0..steps)
            .map(|h| errors.iter().map(|origin| origin[h]).sum::<f64>() / errors.len() as f64)
            .collect();
        let days: Vec<f64> = raw.chunks(day).map(mean).collect();
        let overall: f64 = days.iter().sum();
        let hour = |hour: usize| match overall > 0.0 {
            true => (hour..steps).step_by(day).map(|h| raw[h]).sum::<f64>() / overall,
            false => 1.0,
        };
        let hours: Vec<f64> = (0..day.min(steps)).map(hour).collect();
        let product: Vec<f64> = (0..steps).map(|h| days[h / day] * hours[h % day]).collect();
        let smooth: Vec<f64> = (0..steps)
            .map(|h| mean(&product[h.saturating_sub(2)..(h + 3).min(steps)]))
            .collect();
        let mean = mean(&smooth);
        Self { smooth, mean }
    }

    /// The spread of each of `horizon` steps, with `level` the mean that is to be expected of all.
    ///
    /// Half follows the errors by step, half the growth with the step; beyond the back-test all follows the growth.
    pub(crate) fn spread(&self, level: f64, horizon: usize) -> Vec<f64> {
        let steps = self.smooth.len();
        let growth = |h: usize| ((h + 1) as f64).powf(GROWTH);
        let unit = mean(&(0..steps).map(growth).collect::<Vec<_>>());
        let own = |h: usize| {
            if self.mean > 0.0 {
                self.smooth[h] / self.mean
            } else {
                1.0
            }
        };
        let within = |h: usize| level * (0.5 * own(h) + 0.5 * growth(h) / unit);
        (0..horizon)
            .map(|h| match h < steps {
                true => within(h),
                false => within(steps - 1) * growth(h) / growth(steps - 1),
            })
            .collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_follows_the_errors_by_day_and_hour_and_grows_on_beyond_them() {
        // The second day errs twice as much as the first, and the last two hours of a day four times as much as the others.
        let day = [[1.0; 4], [4.0; 4]].concat();
        let errors: Vec<f64> = [day.clone(), day.iter().map(|error| 2.0 * error).collect()].concat();
        let found = StepErrors::of(&[errors], 8);
        let spread = found.spread(1.0, 32);
        assert!(
            spread[6] > 1.5 * spread[1] && spread[14] > 1.5 * spread[6],
            "{spread:?}"
        );
        assert!((spread[31] / spread[15] - 2.0_f64.powf(0.3)).abs() < 1e-12);
        let mean = spread[..16].iter().sum::<f64>() / 16.0;
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    }
}
