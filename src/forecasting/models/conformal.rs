//! Prediction intervals from the errors of a back-test.

#![expect(clippy::cast_precision_loss, reason = "a back-test is far smaller than 2^52")]

/// Smooths errors by step.
pub fn smoothed(errors: &[f64]) -> Vec<f64> {
    let steps = errors.len();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let growth: Vec<f64> = (1..=steps).map(|h| (h as f64).powf(0.3)).collect();
    let (overall, unit) = (mean(errors), mean(&growth));
    (0..steps)
        .map(|h| 0.4 * mean(&errors[h.saturating_sub(2)..(h + 3).min(steps)]) + 0.6 * overall * growth[h] / unit)
        .collect()
}
