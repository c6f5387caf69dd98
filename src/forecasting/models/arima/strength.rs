//! The strength of a season: how much of the variance, after the trend, it explains.
//!
//! From a decomposition by loess as in Cleveland and others (1990, STL), without robustness
//! weights: windows of 11 seasons (degree 0), `1.5 m / (1 - 1.5 / 11)` steps for the trend and `m + 1` for the low-pass
//! filter (degree 1), and two passes, which is enough for a share of variance. O(n m).

/// Seasons in the window that smooths each position of the season over the years.
const SEASONAL_WINDOW: usize = 11;

/// Passes of the inner loop.
const PASSES: usize = 2;

/// `max(0, 1 - Var(R) / Var(S + R))` of the season S and the remainder R (Wang, Smith and Hyndman 2006).
///
/// The series must be longer than two seasons.
pub(super) fn seasonal_strength(y: &[f64], season_length: usize) -> f64 {
    let (trend, seasonal) = decompose(y, season_length);
    let remainder: Vec<f64> = y
        .iter()
        .zip(&trend)
        .zip(&seasonal)
        .map(|((y, t), s)| y - t - s)
        .collect();
    let detrended: Vec<f64> = y.iter().zip(&trend).map(|(y, t)| y - t).collect();
    let strength = 1.0 - variance(&remainder) / variance(&detrended);
    if strength.is_nan() {
        0.0
    } else {
        strength.clamp(0.0, 1.0)
    }
}

/// The mean squared deviation from the mean.
fn variance(x: &[f64]) -> f64 {
    let mean = average(x);
    average(&x.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>())
}

/// The mean.
#[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
fn average(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Trend and season.
fn decompose(y: &[f64], season_length: usize) -> (Vec<f64>, Vec<f64>) {
    let n = y.len();
    // 1.5 m / (1 - 1.5 / 11) = 33 m / 19, rounded up, to an odd number.
    let trend_window = (33 * season_length).div_ceil(19) | 1;
    let low_pass_window = (season_length + 1) | 1;
    let mut trend = vec![0.0; n];
    let mut seasonal = vec![0.0; n];
    for _ in 0..PASSES {
        let detrended: Vec<f64> = y.iter().zip(&trend).map(|(y, t)| y - t).collect();
        // One season longer at either end, as the moving averages take that away.
        let cycles = smooth_cycles(&detrended, season_length);
        let averaged = moving_average(
            &moving_average(&moving_average(&cycles, season_length), season_length),
            3,
        );
        let low = loess(&averaged, low_pass_window, true);
        for t in 0..n {
            seasonal[t] = cycles[t + season_length] - low[t];
        }
        let adjusted: Vec<f64> = y.iter().zip(&seasonal).map(|(y, s)| y - s).collect();
        trend = loess(&adjusted, trend_window, true);
    }
    (trend, seasonal)
}

/// Smooths the values at each position of the season, from one season before the first to one after the last.
fn smooth_cycles(x: &[f64], season_length: usize) -> Vec<f64> {
    let n = x.len();
    let mut smooth = vec![0.0; n + 2 * season_length];
    for position in 0..season_length {
        let values: Vec<f64> = x[position..].iter().step_by(season_length).copied().collect();
        let smoothed = loess_beyond(&values, SEASONAL_WINDOW, false);
        for (k, value) in smoothed.into_iter().enumerate() {
            smooth[position + k * season_length] = value;
        }
    }
    smooth
}

/// Averages of `length` neighbours.
fn moving_average(x: &[f64], length: usize) -> Vec<f64> {
    x.windows(length).map(average).collect()
}

/// Local regression at every point.
fn loess(x: &[f64], window: usize, linear: bool) -> Vec<f64> {
    (0..x.len()).map(|at| local_fit(x, at + 1, window, linear)).collect()
}

/// Local regression at every point, and at one before the first and one after the last.
fn loess_beyond(x: &[f64], window: usize, linear: bool) -> Vec<f64> {
    (0..x.len() + 2).map(|at| local_fit(x, at, window, linear)).collect()
}

/// The value of a local regression with tricube weights, at the position `at` counted from 1.
#[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
fn local_fit(x: &[f64], at: usize, window: usize, linear: bool) -> f64 {
    let n = x.len();
    let (first, last) = if window >= n {
        (1, n)
    } else {
        let first = at.saturating_sub(window / 2).clamp(1, n - window + 1);
        (first, first + window - 1)
    };
    let mut reach = at.abs_diff(first).max(at.abs_diff(last)) as f64;
    if window > n {
        reach += ((window - n) / 2) as f64;
    }
    let weight = |j: usize| {
        let distance = at.abs_diff(j) as f64;
        if distance <= 0.001 * reach {
            1.0
        } else if distance <= 0.999 * reach {
            (1.0 - (distance / reach).powi(3)).powi(3)
        } else {
            0.0
        }
    };
    let (mut total, mut centre, mut level) = (0.0, 0.0, 0.0);
    let weights: Vec<f64> = (first..=last).map(weight).collect();
    for (j, w) in (first..=last).zip(&weights) {
        total += w;
        centre += w * j as f64;
        level += w * x[j - 1];
    }
    if total <= 0.0 {
        return x[at.clamp(1, n) - 1];
    }
    centre /= total;
    level /= total;
    if !linear {
        return level;
    }
    let (mut spread, mut together) = (0.0, 0.0);
    for (j, w) in (first..=last).zip(&weights) {
        let off = j as f64 - centre;
        spread += w * off * off;
        together += w * off * x[j - 1];
    }
    if spread.sqrt() <= 0.001 * (n as f64 - 1.0) {
        return level;
    }
    level + together / spread * (at as f64 - centre)
}
