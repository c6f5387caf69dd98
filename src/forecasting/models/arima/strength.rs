//! The strength of a season: how much of the variance, after the trend, it explains.
//!
//! Source: Wang, Smith and Hyndman (2006), from a decomposition by STL whose season is averaged over 11 seasons, as the
//! reference's. O(n m).

use super::super::stl::Stl;

/// Seasons over which a value of the pattern is averaged.
const SEASONAL_WINDOW: usize = 11;

/// `max(0, 1 - Var(R) / Var(S + R))` of the season S and the remainder R.
///
/// The series must be longer than two seasons, and a season longer than one step.
pub(super) fn seasonal_strength(y: &[f64], season_length: usize) -> f64 {
    let (mut season, mut trend) = (vec![0.0; y.len()], vec![0.0; y.len()]);
    Stl::new(y.len(), season_length, SEASONAL_WINDOW).decompose(y, &mut season, &mut trend);
    let detrended: Vec<f64> = y.iter().zip(&trend).map(|(y, t)| y - t).collect();
    let remainder: Vec<f64> = detrended.iter().zip(&season).map(|(d, s)| d - s).collect();
    let strength = 1.0 - variance(&remainder) / variance(&detrended);
    if strength.is_nan() {
        0.0
    } else {
        strength.clamp(0.0, 1.0)
    }
}

/// The mean squared deviation from the mean.
#[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
fn variance(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    x.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n
}
