//! How wide the intervals are: from the errors of the back-test by step, and those of the neighbours.

#![expect(clippy::cast_precision_loss, reason = "a back-test is far smaller than 2^52")]

/// The exponent of the step by which errors grow.
const GROWTH: f64 = 0.3;

/// How much the neighbours' errors count beside a series' own.
pub(crate) const LENT: f64 = 0.5;

/// How many spreads the interval of 95 % reaches to either side.
pub(crate) const REACH_AT_95: f64 = 2.6;

/// The mean errors of a back-test by step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepErrors {
    /// By step, smoothed.
    smooth: Vec<f64>,
    /// Their mean.
    pub(crate) mean: f64,
}

impl StepErrors {
    /// Of errors by origin and step.
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
