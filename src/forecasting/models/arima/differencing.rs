//! Differences, and the tests that say how many a series needs.
//!
//! Ordinary ones as long as the test of Kwiatkowski, Phillips, Schmidt and Shin (1992) refuses a stationary level at
//! 5 %; a seasonal one where the seasonal strength of Wang, Smith and Hyndman (2006) is above 0.64, as in Hyndman and
//! Khandakar's later practice.

use super::polynomial::LagPolynomial;
use super::strength::seasonal_strength;

/// The seasonal strength above which a seasonal difference is taken.
const STRONG: f64 = 0.64;

/// The 5 % critical value of the KPSS statistic for a level (their table 1).
const KPSS_CRITICAL: f64 = 0.463;

/// `(1 - B^lag)^times x`, shorter by `lag * times` (empty if there is not that much).
pub(super) fn difference(x: &[f64], lag: usize, times: usize) -> Vec<f64> {
    let mut out = x.to_vec();
    for _ in 0..times {
        out = (lag..out.len()).map(|t| out[t] - out[t - lag]).collect();
    }
    out
}

/// The polynomial `(1 - B)^d (1 - B^m)^D`, written as `1 - Σ c_k B^k`.
pub(super) fn difference_lags(d: usize, seasonal_d: usize, season_length: usize) -> LagPolynomial {
    let power = |times: usize| {
        let mut coefficients: Vec<f64> = Vec::new();
        for _ in 0..times {
            let before = coefficients.clone();
            coefficients.push(0.0);
            coefficients[0] += 1.0;
            for (c, b) in coefficients[1..].iter_mut().zip(before) {
                *c -= b;
            }
        }
        coefficients
    };
    LagPolynomial::product(&power(d), &power(seasonal_d), season_length)
}

/// Returns whether all values are the same.
pub(super) fn is_constant(x: &[f64]) -> bool {
    x.windows(2).all(|pair| pair[0] - pair[1] == 0.0)
}

/// How many ordinary differences, up to `most`, the series needs.
pub(super) fn needed(x: &[f64], most: usize) -> usize {
    let mut x = x.to_vec();
    for d in 0..most {
        if x.len() < 3 || is_constant(&x) || kpss_level(&x) <= KPSS_CRITICAL {
            return d;
        }
        x = difference(&x, 1, 1);
    }
    most
}

/// How many seasonal differences, up to `most`, the series needs.
pub(super) fn seasonal_needed(x: &[f64], season_length: usize, most: usize) -> usize {
    let mut x = x.to_vec();
    for d in 0..most {
        if x.len() <= 2 * season_length || is_constant(&x) || seasonal_strength(&x, season_length) <= STRONG {
            return d;
        }
        x = difference(&x, season_length, 1);
    }
    most
}

/// The KPSS statistic for stationarity around a level, with Bartlett weights up to the lag `3 sqrt(n) / 13`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a series is far shorter than 2^52, and the root of its length no more than that"
)]
pub(super) fn kpss_level(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let lags = (3.0 * n.sqrt() / 13.0) as usize;
    let mean = x.iter().sum::<f64>() / n;
    let centred: Vec<f64> = x.iter().map(|value| value - mean).collect();
    let mut partial_sum = 0.0;
    let mut eta = 0.0;
    for value in &centred {
        partial_sum += value;
        eta += partial_sum * partial_sum;
    }
    let mut long_run: f64 = centred.iter().map(|value| value * value).sum();
    for lag in 1..=lags {
        let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
        long_run += 2.0 * weight * centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).sum::<f64>();
    }
    eta / (n * long_run)
}
