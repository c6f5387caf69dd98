//! Detectors that look at the values of one series: outliers, shifts of the level, and seasons.
//!
//! Outliers and shifts are found by the detectors of the crate augurs, and the lengths of seasons are proposed by its periodogram.

mod seasons;

use augurs::changepoint::{Detector as _, NormalGammaDetector};
use augurs::outlier::{MADDetector, OutlierDetector as _};

pub(crate) use self::seasons::seasons;

/// The positions of the values that lie more than `threshold` median absolute deviations from the median, each side of
/// it having its own (Rosenmai, 2013: the double MAD).
pub(crate) fn far(values: &[f64], threshold: f64) -> Vec<usize> {
    let detector = MADDetector::with_threshold(threshold);
    // A series of which more than half is one value has no deviation to measure with.
    let Ok(prepared) = detector.preprocess(&[values]) else {
        return Vec::new();
    };
    let Ok(found) = detector.detect(&prepared) else {
        return Vec::new();
    };
    let mut far = Vec::new();
    for series in &found.series_results {
        for interval in &series.outlier_intervals.intervals {
            far.extend(interval.start..interval.end.unwrap_or(values.len()));
        }
    }
    far
}

/// A level that changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LevelShift {
    /// Position of the first value after it.
    pub(crate) at: usize,
    /// The median before, from the shift before on.
    pub(crate) before: f64,
    /// The median after, up to the next shift.
    pub(crate) after: f64,
    /// Their difference in units of the interquartile range of the seasons' medians within their levels.
    pub(crate) size: f64,
}

/// The largest shift of the level of a series with seasons of these lengths, the shortest first.
///
/// Changes within a season are none of the level: what is looked at is the median of each of the shortest seasons, by Bayesian
/// online change point detection (Adams and `MacKay`, 2007). `None` if there is none, or fewer than eight seasons.
pub(crate) fn level_shift(values: &[f64], seasons: &[usize]) -> Option<LevelShift> {
    let season = seasons.first().copied().unwrap_or(1).max(1);
    let medians: Vec<f64> = values.chunks_exact(season).map(median).collect();
    if medians.len() < 8 {
        return None;
    }
    let (middle, spread) = (median(&medians), deviation(&medians));
    if spread <= 0.0 {
        return None;
    }
    let scaled: Vec<f64> = medians.iter().map(|value| (value - middle) / spread).collect();
    let mut bounds = NormalGammaDetector::default().detect_changepoints(&scaled);
    bounds.retain(|at| 0 < *at && *at < medians.len());
    bounds.sort_unstable();
    bounds.dedup();
    let begins: Vec<usize> = std::iter::once(0).chain(bounds.iter().copied()).collect();
    let ends = bounds.iter().copied().chain([medians.len()]);
    let levels: Vec<&[f64]> = begins
        .iter()
        .zip(ends)
        .map(|(begin, end)| &medians[*begin..end])
        .collect();
    let around = levels.iter().flat_map(|level| {
        let middle = median(level);
        level.iter().map(move |value| (value - middle).abs())
    });
    // Twice the median distance from the middle: the interquartile range, where values lie evenly around it.
    let unit = 2.0 * median(&around.collect::<Vec<_>>());
    let shift = |at: usize| {
        let (before, after) = (median(levels[at]), median(levels[at + 1]));
        LevelShift {
            at: begins[at + 1] * season,
            before,
            after,
            size: (after - before).abs() / unit.max(f64::MIN_POSITIVE),
        }
    };
    let shifts = (0..levels.len() - 1).map(shift);
    shifts.max_by(|a, b| a.size.total_cmp(&b.size))
}

/// Whether a lag is a multiple of a season, or beside one: noise moves a peak by some steps.
pub(crate) fn is_multiple(lag: usize, season: usize) -> bool {
    let beside = season / 8;
    let over = lag % season;
    lag + beside >= season && over.min(season - over) <= beside
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
pub(crate) fn number(count: usize) -> f64 {
    count as f64
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

/// The standard deviation; 0 of none.
fn deviation(values: &[f64]) -> f64 {
    super::metrics::sample_std(values).unwrap_or_default()
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
        assert!(none.is_none_or(|shift| shift.size < 5.0), "{none:?}");
        assert_eq!(level_shift(&[1.0; 500], &[24]), None);
        assert_eq!(level_shift(&[1.0, 2.0], &[1]), None);
    }

    #[test]
    fn what_lies_beside_a_multiple_of_a_season_is_none() {
        let multiples = [24, 23, 26, 48, 119, 121, 170].map(|lag| is_multiple(lag, 24));
        assert_eq!(multiples, [true; 7]);
        let others = [(12, 24), (2, 24), (30, 24), (15, 7), (30, 168)];
        assert!(others.iter().all(|(lag, season)| !is_multiple(*lag, *season)));
        assert!(is_multiple(14, 7));
    }
}
