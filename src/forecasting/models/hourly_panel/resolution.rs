//! The resolution of a series: the step of which all its values are multiples.

/// The steps that are looked for, the coarsest first.
const STEPS: [f64; 7] = [1000.0, 100.0, 10.0, 1.0, 0.1, 0.01, 0.001];

/// The largest of the steps of which all values are multiples, but for the last digits of their binary form.
pub(crate) fn resolution(y: &[f64]) -> Option<f64> {
    let is_multiple = |value: f64, step: f64| {
        let times = value / step;
        (times - times.round()).abs() <= 1e-9 + 4.0 * f64::EPSILON * times.abs()
    };
    STEPS
        .into_iter()
        .find(|&step| y.iter().all(|&value| is_multiple(value, step)))
}

/// The nearest multiple of a step.
pub(crate) fn rounded(value: f64, step: f64) -> f64 {
    // Multiples of a fraction by division, so that 0.1 times 3 is 0.3.
    let multiple = match step < 1.0 {
        true => (value / step).round() / (1.0 / step).round(),
        false => (value / step).round() * step,
    };
    if multiple.is_finite() { multiple } else { value }
}
