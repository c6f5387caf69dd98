//! Detectors that look at the values of one series: outliers, shifts of the level, and seasons.
//!
//! A few lines each; the crates that have such detectors bring dozens of others, and change the features of those that
//! tables are read with.

/// The positions of the values that lie more than `threshold` median absolute deviations from the median, each side of
/// it having its own (Rosenmai, 2013: the double MAD).
pub(crate) fn far(values: &[f64], threshold: f64) -> Vec<usize> {
    let middle = median(values);
    let deviation = |side: fn(f64) -> bool| {
        let distances: Vec<f64> = values
            .iter()
            .map(|value| value - middle)
            .filter(|d| side(*d))
            .map(f64::abs)
            .collect();
        median(&distances)
    };
    let (below, above) = (
        deviation(|distance| distance <= 0.0),
        deviation(|distance| distance >= 0.0),
    );
    let is_far = |value: &f64| {
        let unit = if *value < middle { below } else { above };
        // Where more than half of a side is one value, there is no deviation to measure with.
        unit > 0.0 && (value - middle).abs() > threshold * unit
    };
    (0..values.len()).filter(|at| is_far(&values[*at])).collect()
}

/// A level that changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LevelShift {
    /// Position of the first value after it.
    pub(crate) at: usize,
    /// The median before it.
    pub(crate) before: f64,
    /// The median after it.
    pub(crate) after: f64,
    /// Their difference in units of the interquartile range around the two.
    pub(crate) size: f64,
}

/// Fewest seasons in which a level can be seen to shift.
const FEWEST_SEASONS: usize = 8;

/// The clearest shift of the level of a series with seasons of these lengths, the shortest first.
///
/// Changes within a season are none of the level: what is looked at is the median of each of the shortest seasons. The shift
/// lies where the cumulative sum of their deviations from the mean is farthest from zero (Page, 1954). `None` of fewer than
/// eight seasons.
pub(crate) fn level_shift(values: &[f64], seasons: &[usize]) -> Option<LevelShift> {
    let season = seasons.first().copied().unwrap_or(1).max(1);
    let medians: Vec<f64> = values.chunks_exact(season).map(median).collect();
    if medians.len() < FEWEST_SEASONS {
        return None;
    }
    let mean = super::metrics::mean(&medians);
    let sums = medians.iter().scan(0.0, |sum: &mut f64, value| {
        *sum += value - mean;
        Some(sum.abs())
    });
    // The last sum is that of all deviations, which is nothing.
    let (at, _) = sums
        .enumerate()
        .take(medians.len() - 1)
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (first, second) = medians.split_at(at + 1);
    let (before, after) = (median(first), median(second));
    let around = first.iter().map(|value| (value - before).abs());
    let around: Vec<f64> = around.chain(second.iter().map(|value| (value - after).abs())).collect();
    // Twice the median distance from the middle: the interquartile range, where values lie evenly around it.
    let unit = 2.0 * median(&around);
    let difference = (after - before).abs();
    (difference > 0.0).then(|| LevelShift {
        at: (at + 1) * season,
        before,
        after,
        size: difference / unit.max(f64::MIN_POSITIVE),
    })
}

/// The longest season that is looked for, in steps.
const LONGEST: usize = 512;

/// The autocorrelation from which a season counts as one.
const CLEAR: f64 = 0.3;

/// The lengths of the seasons that show in a series, in steps, the clearest first: peaks of its autocorrelation.
///
/// What is correlated are the changes from step to step, so that a level that drifts is none. Multiples of a season peak as it
/// does, and are left out. A season is looked for from 4 steps on, of which three have to be there.
pub(crate) fn seasons(values: &[f64]) -> Vec<usize> {
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let squares: f64 = changes.iter().map(|change| change * change).sum();
    let longest = LONGEST.min(values.len() / 3);
    if squares <= 0.0 || longest < 5 {
        return Vec::new();
    }
    let correlation = |lag: usize| changes.iter().zip(&changes[lag..]).map(|(a, b)| a * b).sum::<f64>() / squares;
    let by_lag: Vec<f64> = (0..=longest + 1).map(correlation).collect();
    let is_peak =
        |lag: &usize| by_lag[*lag] > CLEAR && by_lag[*lag] >= by_lag[lag - 1] && by_lag[*lag] >= by_lag[lag + 1];
    let mut peaks: Vec<usize> = (4..=longest).filter(is_peak).collect();
    peaks.sort_by(|a, b| by_lag[*b].total_cmp(&by_lag[*a]));
    let mut found: Vec<usize> = Vec::new();
    for peak in peaks {
        if found.iter().all(|known| peak % known != 0) {
            found.push(peak);
        }
    }
    found
}

/// The middle value, or the mean of the two in the middle; NaN of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (n, half) if n % 2 == 1 => sorted[half],
        (_, half) => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten weeks of hours with a day's pattern and something that has none.
    fn hourly(shift: impl Fn(usize) -> f64) -> Vec<f64> {
        let at = |t: usize| f64::from(u32::try_from(t).expect("small"));
        let value = |t: usize| {
            let day = at(t % 24) * (24.0 - at(t % 24));
            // Bits of a product, which have no pattern.
            let odd = at((t.wrapping_mul(0x9E37_79B9) >> 7) % 23);
            500.0 + day + odd + shift(t)
        };
        (0..1_680).map(value).collect()
    }

    #[test]
    fn values_far_from_all_others_are_found() {
        let mut values = hourly(|_| 0.0);
        assert_eq!(far(&values, 10.0), [0; 0]);
        values[100] = 9_000.0;
        values[200] = -9_000.0;
        assert_eq!(far(&values, 10.0), [100, 200]);
        assert_eq!(far(&[0.0; 50], 10.0), [0; 0]);
        assert_eq!(far(&[], 10.0), [0; 0]);
    }

    #[test]
    fn a_level_that_shifts_is_found_where_it_does() {
        let shift = level_shift(&hourly(|t| if t < 960 { 0.0 } else { 300.0 }), &[24, 168]).expect("a shift");
        assert!(shift.at.abs_diff(960) <= 48, "{shift:?}");
        assert!(shift.size > 5.0 && shift.after - shift.before > 200.0, "{shift:?}");
        let none = level_shift(&hourly(|_| 0.0), &[24, 168]);
        assert!(none.is_none_or(|shift| shift.size < 3.0), "{none:?}");
        assert_eq!(level_shift(&[1.0; 500], &[24]), None);
        assert_eq!(level_shift(&[1.0, 2.0], &[1]), None);
    }

    #[test]
    fn a_season_shows() {
        assert_eq!(seasons(&hourly(|_| 0.0)).first(), Some(&24));
        assert_eq!(seasons(&[1.0; 100]), [0; 0]);
        assert_eq!(seasons(&[1.0, 2.0]), [0; 0]);
    }
}
