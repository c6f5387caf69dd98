//! How good forecasts and prediction intervals are.
//!
//! Slices of one series, step by step; the caller decides over which windows a metric runs and takes [`mean`] and
//! [`sample_std`] over them. A metric that is not defined for its data is `None`, never a number that looks like one.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

/// Root of the mean squared error.
pub(crate) fn rmse(y: &[f64], forecast: &[f64]) -> f64 {
    average(errors(y, forecast).map(|error| error * error)).sqrt()
}

/// Mean absolute error.
pub(crate) fn mae(y: &[f64], forecast: &[f64]) -> f64 {
    average(errors(y, forecast).map(f64::abs))
}

/// Mean absolute error in percent of the value; `None` if a value is zero.
pub(crate) fn mape(y: &[f64], forecast: &[f64]) -> Option<f64> {
    y.iter()
        .all(|&value| value != 0.0)
        .then(|| 100.0 * average(errors(y, forecast).zip(y).map(|(error, value)| (error / value).abs())))
}

/// Symmetric mean absolute percentage error, `200 |y − f| / (|y| + |f|)` as in the M4 competition, in 0..=200.
///
/// A step whose value and forecast are both zero counts as exact.
pub(crate) fn smape(y: &[f64], forecast: &[f64]) -> f64 {
    let step = |(y, f): (&f64, &f64)| {
        let size = y.abs() + f.abs();
        if size == 0.0 { 0.0 } else { 200.0 * (y - f).abs() / size }
    };
    average(y.iter().zip(forecast).map(step))
}

/// Mean absolute seasonal difference of a past, by which MASE and MSIS divide (Hyndman and Koehler, 2006).
///
/// `None` if the past is no longer than the season or repeats it exactly.
pub(crate) fn seasonal_scale(past: &[f64], season: usize) -> Option<f64> {
    let scale = average(
        past.iter()
            .zip(past.get(season..)?)
            .map(|(before, now)| (now - before).abs()),
    );
    (scale > 0.0).then_some(scale)
}

/// Mean absolute scaled error: [`mae`] in units of [`seasonal_scale`].
pub(crate) fn mase(y: &[f64], forecast: &[f64], scale: f64) -> f64 {
    mae(y, forecast) / scale
}

/// Share of the values inside an interval, in percent; its bounds belong to it.
pub(crate) fn coverage(y: &[f64], lower: &[f64], upper: &[f64]) -> f64 {
    let inside = y
        .iter()
        .zip(lower.iter().zip(upper))
        .map(|(y, (low, high))| low <= y && y <= high);
    100.0 * average(inside.map(|inside| f64::from(u8::from(inside))))
}

/// Mean width of an interval, in units of the series.
pub(crate) fn mean_width(lower: &[f64], upper: &[f64]) -> f64 {
    average(errors(upper, lower))
}

/// Mean scaled interval score of the intervals of one `level` in percent (Gneiting and Raftery, 2007, eq. 43).
///
/// Width, and 2 / (1 − level) times what a value lies outside, in units of [`seasonal_scale`].
pub(crate) fn msis(y: &[f64], lower: &[f64], upper: &[f64], level: f64, scale: f64) -> f64 {
    let fine = 2.0 / (1.0 - level / 100.0);
    let score =
        |(y, (low, high)): (&f64, (&f64, &f64))| high - low + fine * (low - y).max(0.0) + fine * (y - high).max(0.0);
    average(y.iter().zip(lower.iter().zip(upper)).map(score)) / scale
}

/// Mean pinball loss of a forecast of the quantile `tau`, in (0, 1).
pub(crate) fn pinball(y: &[f64], quantile: &[f64], tau: f64) -> f64 {
    average(errors(y, quantile).map(|error| if error >= 0.0 { tau * error } else { (tau - 1.0) * error }))
}

/// Continuous ranked probability score from forecasts of quantiles, pairs of `tau` and path.
///
/// Twice the mean pinball loss over them, which is the integral over `tau` as far as the quantiles show it: with the
/// median alone it is the [`mae`], and it is comparable only between forecasts of the same quantiles. `None` of none.
pub(crate) fn crps(y: &[f64], quantiles: &[(f64, &[f64])]) -> Option<f64> {
    (!quantiles.is_empty()).then(|| 2.0 * average(quantiles.iter().map(|&(tau, path)| pinball(y, path, tau))))
}

/// The mean; NaN of no values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    average(values.iter().copied())
}

/// The sample's standard deviation, with n − 1; `None` of fewer than two values.
pub(crate) fn sample_std(values: &[f64]) -> Option<f64> {
    let middle = mean(values);
    let square: f64 = values.iter().map(|value| (value - middle) * (value - middle)).sum();
    (values.len() > 1).then(|| (square / (values.len() - 1) as f64).sqrt())
}

fn errors(y: &[f64], forecast: &[f64]) -> impl Iterator<Item = f64> {
    y.iter().zip(forecast).map(|(y, forecast)| y - forecast)
}

fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    sum / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within rounding of a few operations.
    fn close(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() <= 1e-12 * wanted.abs().max(1.0)
    }

    const Y: [f64; 4] = [10.0, 20.0, 30.0, 40.0];
    const F: [f64; 4] = [12.0, 18.0, 30.0, 44.0];

    #[test]
    fn point_metrics_are_those_computed_by_hand() {
        assert!(close(rmse(&Y, &F), 6.0_f64.sqrt()));
        assert!(close(mae(&Y, &F), 2.0));
        assert!(close(mape(&Y, &F).expect("no zero"), 10.0));
        assert!(close(
            smape(&Y, &F),
            200.0 * (2.0 / 22.0 + 2.0 / 38.0 + 4.0 / 84.0) / 4.0
        ));
        let scale = seasonal_scale(&[1.0, 2.0, 4.0, 7.0], 2).expect("it differs");
        assert!(close(scale, 4.0));
        assert!(close(mase(&Y, &F, scale), 0.5));
    }

    #[test]
    fn a_percentage_of_zero_is_undefined_and_a_symmetric_one_is_not() {
        assert_eq!(mape(&[0.0, 1.0], &[1.0, 1.0]), None);
        assert!(close(smape(&[0.0, 0.0], &[0.0, 5.0]), 100.0));
    }

    #[test]
    fn a_past_that_repeats_its_season_has_no_scale() {
        assert_eq!(seasonal_scale(&[1.0, 2.0, 1.0, 2.0], 2), None);
        assert_eq!(seasonal_scale(&[1.0, 2.0], 2), None);
        assert_eq!(seasonal_scale(&[1.0], 2), None);
    }

    #[test]
    fn interval_metrics_are_those_computed_by_hand() {
        let (low, high) = ([9.0, 21.0, 30.0, 30.0], [11.0, 25.0, 34.0, 38.0]);
        assert!(close(coverage(&Y, &low, &high), 50.0));
        assert!(close(mean_width(&low, &high), 4.5));
        // Outside by 1 and by 2; at 90 % each unit costs 20.
        assert!(close(msis(&Y, &low, &high, 90.0, 2.0), (18.0 + 20.0 * 3.0) / 4.0 / 2.0));
    }

    #[test]
    fn the_score_of_the_median_alone_is_the_absolute_error() {
        assert!(close(pinball(&Y, &F, 0.9), (0.1 * 2.0 + 0.9 * 2.0 + 0.1 * 4.0) / 4.0));
        assert!(close(crps(&Y, &[(0.5, &F)]).expect("a quantile"), mae(&Y, &F)));
        assert_eq!(crps(&Y, &[]), None);
    }

    #[test]
    fn the_deviation_over_windows_is_the_samples() {
        assert!(close(mean(&[1.0, 2.0, 6.0]), 3.0));
        assert!(close(sample_std(&[1.0, 2.0, 6.0]).expect("three"), 7.0_f64.sqrt()));
        assert_eq!(sample_std(&[1.0]), None);
    }
}
