//! Which harmonics a season has: those that stand out from the noise around their own frequency.
//!
//! The source tests a regression of the de-trended series on harmonics, one more after another. Its residuals are far
//! from white, and many harmonics pass that are none. Here the series is differenced, which takes off the trend, and cut
//! into seasons; a harmonic's coefficient is found in each, where waves of whole periods are orthogonal. Their mean is
//! the harmonic, and their spread is the noise at that very frequency, whatever its colour elsewhere.
#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

use super::form::Harmonics;

/// How many real numbers a noise level should at least be estimated from; those of neighbouring harmonics are taken in.
const NOISE_VALUES: usize = 16;

/// How many times the noise's variance a squared coefficient must reach: what noise alone does in the mean.
///
/// Akaike's criterion would ask for 2. On hourly series that had the larger errors: what is missing from the start is never
/// learned, and what is too much fades.
const PROMINENCE: f64 = 1.0;

/// Values that a series must have for each number of the seed state.
const VALUES_PER_SEED: usize = 3;

/// Chooses the harmonics of seasons, the shortest first; a season that the series does not hold twice has none.
pub(super) fn choose(y: &[f64], season_lengths: &[usize]) -> Harmonics {
    let mut lengths: Vec<usize> = season_lengths.iter().copied().filter(|&m| m > 1).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let changes: Vec<f64> = y.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut left = y.len() / VALUES_PER_SEED;
    let mut seasons: Vec<(usize, Vec<usize>)> = Vec::new();
    for m in lengths {
        if changes.len() < 2 * m {
            continue;
        }
        // A frequency that a shorter season has is not doubled.
        let is_new = |j: &usize| seasons.iter().all(|(shorter, _)| !(j * shorter).is_multiple_of(m));
        let mut found: Vec<(f64, usize)> = prominences(&changes, m)
            .into_iter()
            .zip(1..)
            .filter(|(prominence, j)| *prominence > PROMINENCE && is_new(j))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(left / 2);
        left -= 2 * found.len();
        let mut harmonics: Vec<usize> = found.into_iter().map(|(_, j)| j).collect();
        harmonics.sort_unstable();
        if !harmonics.is_empty() {
            seasons.push((m, harmonics));
        }
    }
    Harmonics::new(seasons)
}

/// The squared mean coefficient of each harmonic of a season, in units of its variance by noise.
fn prominences(x: &[f64], m: usize) -> Vec<f64> {
    let blocks: Vec<&[f64]> = x[x.len() % m..].chunks_exact(m).collect();
    let waves: Vec<(f64, f64)> = (0..m)
        .map(|t| std::f64::consts::TAU * t as f64 / m as f64)
        .map(|angle| (angle.cos(), angle.sin()))
        .collect();
    let count = blocks.len() as f64;
    let mut signals = Vec::new();
    let mut noises = Vec::new();
    for j in 1..=m / 2 {
        let coefficients: Vec<(f64, f64)> = blocks.iter().map(|block| coefficient(block, &waves, j)).collect();
        let sum = coefficients
            .iter()
            .fold((0.0, 0.0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
        let mean = (sum.0 / count, sum.1 / count);
        let spread: f64 = coefficients
            .iter()
            .map(|c| (c.0 - mean.0).powi(2) + (c.1 - mean.1).powi(2))
            .sum();
        signals.push(mean.0 * mean.0 + mean.1 * mean.1);
        noises.push(spread / (count - 1.0) / count);
    }
    let reach = (NOISE_VALUES / (2 * (blocks.len() - 1))) / 2;
    let size = signals.iter().fold(0.0_f64, |most, s| most.max(*s));
    let around = |i: usize| {
        let near = &noises[i.saturating_sub(reach)..(i + reach + 1).min(noises.len())];
        near.iter().sum::<f64>() / near.len() as f64
    };
    // What is below rounding counts as nothing.
    (0..signals.len())
        .map(|i| signals[i] / around(i).max(1e-28 * size).max(f64::MIN_POSITIVE))
        .collect()
}

/// The coefficient of the `j`-th harmonic in one season.
fn coefficient(block: &[f64], waves: &[(f64, f64)], j: usize) -> (f64, f64) {
    let mut sum = (0.0, 0.0);
    let mut phase = 0;
    for value in block {
        let (cos, sin) = waves[phase];
        sum.0 += value * cos;
        sum.1 += value * sin;
        phase += j;
        if phase >= waves.len() {
            phase -= waves.len();
        }
    }
    sum
}
