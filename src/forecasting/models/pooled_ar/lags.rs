//! The lag sets of the pooled regression, as presets that follow the seasons.

use std::collections::BTreeSet;
use std::ops::Range;

/// A mean over fewer values would be the last value under another name.
const SHORTEST_MEAN: usize = 12;

/// A regression of what comes next on lagged values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Regression {
    /// Runs of lags, the longest lag first; runs that touch are one.
    pub(crate) lags: Vec<Range<usize>>,
    /// Over how many values the rolling mean goes that lags and target are taken relative to; 0 for none.
    pub(crate) mean: usize,
    /// The season that is differenced away; 0 for none.
    pub(crate) difference: usize,
    /// The first position, in the differenced series, that has a row.
    pub(crate) first: usize,
    /// The penalty λ, in units of the mean diagonal of the normal equations.
    pub(crate) penalty: f64,
}

/// The seasons that lag sets follow: m₁, and m₂ where there is a longer one; 1 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeasonPair {
    /// The shorter season, m₁.
    pub(crate) short: usize,
    /// The longer season, m₂, or m₁ again.
    pub(crate) long: usize,
}

impl SeasonPair {
    /// Of lengths in ascending order: the first two that differ; one alone stands for both.
    pub(crate) fn of(seasons: &[usize]) -> Self {
        let short = seasons.first().copied().unwrap_or(1).max(1);
        let long = seasons.get(1).copied().unwrap_or(short).max(short);
        Self { short, long }
    }
}

impl Regression {
    /// The lags around the day, the week and two weeks: {1..3, m₁−1..m₁+2, m₂−3..m₂+2, 2m₂−1..2m₂+1}.
    pub(crate) fn sparse(SeasonPair { short, long }: SeasonPair) -> Self {
        let lags = [(1, 3), near(short, 1, 2), near(long, 3, 2), near(2 * long, 1, 1)];
        Self::on_means(&lags, 2 * long, 1e-6)
    }

    /// Two days of lags and the week: {1..2m₁+2, m₂−3..m₂+4}.
    pub(crate) fn dense(SeasonPair { short, long }: SeasonPair) -> Self {
        Self::on_means(&[(1, 2 * short + 2), near(long, 3, 4)], long, 1e-6)
    }

    /// Of the daily differences the last day, and the hours around this one on every day of two weeks:
    /// {1..m₁+3} ∪ {m₁k−1..m₁k+1: k = 2..2m₂/m₁+2}.
    pub(crate) fn by_day(seasons: SeasonPair) -> Self {
        Self::on_differences(seasons, (1, seasons.short + 3), 2)
    }

    /// The same with two days: {1..2m₁+2} ∪ {m₁k−1..m₁k+1: k = 3..2m₂/m₁+2}.
    pub(crate) fn by_two_days(seasons: SeasonPair) -> Self {
        Self::on_differences(seasons, (1, 2 * seasons.short + 2), 3)
    }

    fn on_means(lags: &[(usize, usize)], mean: usize, penalty: f64) -> Self {
        let lags = runs(lags);
        let mean = mean.max(SHORTEST_MEAN);
        Self {
            first: (lags[0].end - 1).max(mean),
            lags,
            mean,
            difference: 0,
            penalty,
        }
    }

    fn on_differences(SeasonPair { short, long }: SeasonPair, last: (usize, usize), from: usize) -> Self {
        let days = (from..=2 * long.div_ceil(short) + 2).map(|day| near(day * short, 1, 1));
        let lags = runs(&std::iter::once(last).chain(days).collect::<Vec<_>>());
        Self {
            first: (lags[0].end - 1).max(long),
            lags,
            mean: 0,
            difference: short,
            penalty: 1e-4,
        }
    }

    /// How many coefficients it has.
    pub(crate) fn width(&self) -> usize {
        self.lags.iter().map(ExactSizeIterator::len).sum()
    }

    /// The longest lag.
    pub(crate) fn longest(&self) -> usize {
        self.lags[0].end - 1
    }

    /// The fewest values of a series that it is fitted to: 60 more than a row needs.
    pub(crate) fn needed(&self, long: usize) -> usize {
        self.longest().max(long).max(self.first) + 60 + self.difference
    }
}

fn near(centre: usize, before: usize, after: usize) -> (usize, usize) {
    (centre.saturating_sub(before).max(1), centre + after)
}

/// Runs of the lags in these inclusive ranges, the longest lag first.
fn runs(ranges: &[(usize, usize)]) -> Vec<Range<usize>> {
    let lags: BTreeSet<usize> = ranges.iter().flat_map(|&(from, to)| from..=to).collect();
    let mut runs: Vec<Range<usize>> = Vec::new();
    for lag in lags {
        match runs.last_mut() {
            Some(run) if run.end == lag => run.end += 1,
            _ => runs.push(lag..lag + 1),
        }
    }
    runs.reverse();
    runs
}
