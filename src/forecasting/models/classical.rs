//! Classical decomposition: a seasonal pattern as averages of what a moving average over one season leaves.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: principles and practice*, 3rd edition, section 3.4. Cost: O(n).
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::super::named_enum::named_enum;

named_enum! {
    /// How a component joins the others.
    pub(crate) enum Composition {
        /// It is added; a pattern sums to zero.
        Additive = "additive",
        /// The rest is multiplied by it; a pattern averages one.
        Multiplicative = "multiplicative",
    }
}

/// Returns the average value of each position in the season, the position of `y[0]` first.
///
/// `None` for fewer than two seasons, or where a multiplicative pattern meets values that are not positive, or where
/// the numbers overflow.
pub(crate) fn seasonal_pattern(y: &[f64], season_length: usize, composition: Composition) -> Option<Vec<f64>> {
    if season_length < 2 || y.len() < 2 * season_length {
        return None;
    }
    if composition == Composition::Multiplicative && y.iter().any(|&value| value <= 0.0) {
        return None;
    }
    let mut pattern = vec![0.0; season_length];
    let mut counts = vec![0_usize; season_length];
    let first = season_length / 2;
    for (at, trend) in (first..).zip(moving_averages(y, season_length)) {
        pattern[at % season_length] += match composition {
            Composition::Additive => y[at] - trend,
            Composition::Multiplicative => y[at] / trend,
        };
        counts[at % season_length] += 1;
    }
    for (sum, &count) in pattern.iter_mut().zip(&counts) {
        *sum /= count as f64;
    }
    let mean = pattern.iter().sum::<f64>() / season_length as f64;
    for value in &mut pattern {
        match composition {
            Composition::Additive => *value -= mean,
            Composition::Multiplicative => *value /= mean,
        }
    }
    pattern.iter().all(|value| value.is_finite()).then_some(pattern)
}

/// Averages over one season, centred; for an even length the two outermost values count half.
fn moving_averages(y: &[f64], season_length: usize) -> impl Iterator<Item = f64> {
    let outer = season_length + usize::from(season_length.is_multiple_of(2));
    y.windows(outer).map(move |window| {
        let sum: f64 = window.iter().sum();
        let ends = if outer > season_length {
            0.5 * (window[0] + window[outer - 1])
        } else {
            0.0
        };
        (sum - ends) / season_length as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with a pattern on it, five seasons.
    fn series(pattern: &[f64], join: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..5 * pattern.len())
            .map(|t| join(10.0 + 0.5 * t as f64, pattern[t % pattern.len()]))
            .collect()
    }

    #[test]
    fn an_additive_pattern_on_a_line_is_found_exactly() {
        for pattern in [vec![1.0, -3.0, 2.0], vec![4.0, -1.0, -2.0, -1.0]] {
            let y = series(&pattern, |trend, season| trend + season);
            let found = seasonal_pattern(&y, pattern.len(), Composition::Additive).unwrap();
            assert!(
                found.iter().zip(&pattern).all(|(a, b)| (a - b).abs() < 1e-12),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_multiplicative_pattern_averages_one_and_is_found_nearly() {
        let pattern = [0.8, 1.1, 1.3, 0.8];
        let y = series(&pattern, |trend, season| trend * season);
        let found = seasonal_pattern(&y, 4, Composition::Multiplicative).unwrap();
        assert!((found.iter().sum::<f64>() - 4.0).abs() < 1e-12);
        assert!(
            found.iter().zip(&pattern).all(|(a, b)| (a - b).abs() < 0.02),
            "{found:?}"
        );
    }

    #[test]
    fn without_two_seasons_or_with_zeros_there_is_no_pattern() {
        assert_eq!(seasonal_pattern(&[1.0; 7], 4, Composition::Additive), None);
        assert_eq!(
            seasonal_pattern(&[1.0, 0.0, 1.0, 2.0], 2, Composition::Multiplicative),
            None
        );
        assert_eq!(seasonal_pattern(&[1.0; 7], 1, Composition::Additive), None);
    }
}
