//! STL: a series taken apart into a season, a trend and a remainder by local regression.
//!
//! Source: Cleveland, Cleveland, `McRae` and Terpenning (1990), *STL: a seasonal-trend decomposition procedure based on
//! loess*, Journal of Official Statistics 6, sections 2 and 3; without the outer, robust loop. Windows and degrees are
//! those that MSTL takes (Bandara, Hyndman and Bergmeir 2021): the season locally constant, trend and low-pass filter
//! locally linear.
//!
//! The points are equally spaced and all weigh the same, so a local regression is a fixed linear filter: one symmetric
//! kernel for the interior, and one row of weights for each point near an end. Both are made once and serve every pass.
//! Cost: O(n w) a pass for a window of w points, with one addition and one multiplication a pair of them.
//!
//! It departs from the reference (`STL` of statsmodels) in the order of the sums alone.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

/// Degree of the polynomial of a local regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Degree {
    Constant,
    Linear,
}

/// STL for one length of series, season and windows.
#[derive(Debug)]
pub(crate) struct Stl {
    season_length: usize,
    /// Smoothers of the subseries: of those one value longer, then of the others.
    seasonal: [Loess; 2],
    low_pass: Loess,
    trend: Loess,
    work: StlBuffers,
}

/// Space for one decomposition.
#[derive(Debug, Default)]
struct StlBuffers {
    detrended: Vec<f64>,
    /// The smoothed subseries, in the order of time, one season longer at either end.
    cycle: Vec<f64>,
    filtered: Vec<f64>,
    low: Vec<f64>,
    subseries: Vec<f64>,
    smooth: Vec<f64>,
}

/// Passes of the inner loop; the series' noise gone, more change nothing that matters.
const PASSES: usize = 5;

impl Stl {
    /// Prepares the decomposition of `n` values with a season of `season_length`, from 2 to n / 2.
    ///
    /// `seasonal_window` is the odd number of seasons that a value of the pattern is averaged over.
    pub(crate) fn new(n: usize, season_length: usize, seasonal_window: usize) -> Self {
        assert!(
            season_length >= 2 && 2 * season_length <= n,
            "internal error: a season of {season_length} in {n} values"
        );
        let longest = n.div_ceil(season_length);
        let seasonal = [longest, n / season_length].map(|k| Loess::new(k, seasonal_window, Degree::Constant));
        Self {
            season_length,
            seasonal,
            low_pass: Loess::new(n, next_odd(season_length + 1), Degree::Linear),
            trend: Loess::new(n, trend_window(season_length, seasonal_window), Degree::Linear),
            work: StlBuffers::default(),
        }
    }

    /// Decomposes `y` into `season` and `trend`; what is left is the remainder. All have the length prepared for.
    pub(crate) fn decompose(&mut self, y: &[f64], season: &mut [f64], trend: &mut [f64]) {
        trend.fill(0.0);
        for _ in 0..PASSES {
            self.work.detrended.clear();
            self.work.detrended.extend(y.iter().zip(&*trend).map(|(y, t)| y - t));
            self.smooth_subseries();
            self.filter();
            self.low_pass.smooth(&self.work.filtered, &mut self.work.low);
            let cycle = &self.work.cycle[self.season_length..];
            for (((season, cycle), low), (y, rest)) in season
                .iter_mut()
                .zip(cycle)
                .zip(&self.work.low)
                .zip(y.iter().zip(&mut self.work.detrended))
            {
                *season = cycle - low;
                *rest = y - *season;
            }
            self.trend.smooth(&self.work.detrended, &mut self.work.low);
            trend.copy_from_slice(&self.work.low);
        }
    }

    /// Smooths the values of each position in the season, and continues them by one at either end (step 2).
    fn smooth_subseries(&mut self) {
        let StlBuffers {
            detrended,
            cycle,
            subseries,
            smooth,
            ..
        } = &mut self.work;
        let (n, m) = (detrended.len(), self.season_length);
        cycle.resize(n + 2 * m, 0.0);
        for position in 0..m {
            subseries.clear();
            subseries.extend(detrended.iter().skip(position).step_by(m));
            let loess = &self.seasonal[usize::from(subseries.len() < self.seasonal[0].n)];
            loess.smooth(subseries, smooth);
            let before = loess.before(subseries);
            let after = loess.after(subseries);
            let whole = std::iter::once(before)
                .chain(smooth.iter().copied())
                .chain(std::iter::once(after));
            for (place, value) in cycle.iter_mut().skip(position).step_by(m).zip(whole) {
                *place = value;
            }
        }
    }

    /// Takes moving averages over a season, a season again, and three values (step 3).
    fn filter(&mut self) {
        let StlBuffers {
            cycle, filtered, low, ..
        } = &mut self.work;
        moving_average(cycle, self.season_length, filtered);
        moving_average(filtered, self.season_length, low);
        moving_average(low, 3, filtered);
    }
}

fn next_odd(length: usize) -> usize {
    length | 1
}

/// The least odd window that keeps trend and season apart (section 3.4).
fn trend_window(season_length: usize, seasonal_window: usize) -> usize {
    // 1.5 m / (1 - 1.5 / w), in whole numbers.
    next_odd((3 * season_length * seasonal_window).div_ceil(2 * seasonal_window - 3))
}

fn moving_average(values: &[f64], length: usize, averages: &mut Vec<f64>) {
    averages.clear();
    let mut sum: f64 = values[..length].iter().sum();
    averages.push(sum / length as f64);
    for (gone, new) in values.iter().zip(&values[length..]) {
        sum += new - gone;
        averages.push(sum / length as f64);
    }
}

/// A local regression over `n` equally spaced points, as a linear filter.
#[derive(Debug)]
struct Loess {
    n: usize,
    /// Weights of the interior by distance, 0 first; empty if the window covers all points.
    kernel: Vec<f64>,
    /// Points at either end that have rows of their own.
    ends: usize,
    /// Points that a row spans.
    span: usize,
    /// Weights for each point near the beginning, then for each near the end, or for all.
    rows: Vec<f64>,
    /// Weights for the points just before the first and just after the last.
    beyond: [Vec<f64>; 2],
}

impl Loess {
    fn new(n: usize, window: usize, degree: Degree) -> Self {
        let half = window / 2;
        let span = window.min(n);
        let ends = if window < n { half } else { n };
        let mut rows = Vec::new();
        let last = if window < n { n - half..n } else { 0..0 };
        for point in (0..ends).chain(last) {
            let first = if point < ends { 0 } else { n - span };
            rows.extend(weights(point as f64, first, span, window, n, degree));
        }
        let kernel = if window < n {
            let all = weights(half as f64, 0, span, window, n, degree);
            // The outermost weigh nothing.
            all[half..window - 1].to_vec()
        } else {
            Vec::new()
        };
        let beyond = [
            weights(-1.0, 0, span, window, n, degree),
            weights(n as f64, n - span, span, window, n, degree),
        ];
        Self {
            n,
            kernel,
            ends,
            span,
            rows,
            beyond,
        }
    }

    fn before(&self, y: &[f64]) -> f64 {
        dot(&self.beyond[0], &y[..self.span])
    }

    fn after(&self, y: &[f64]) -> f64 {
        dot(&self.beyond[1], &y[self.n - self.span..])
    }

    fn smooth(&self, y: &[f64], smooth: &mut Vec<f64>) {
        smooth.clear();
        let (head, tail) = self.rows.split_at(self.ends * self.span);
        smooth.extend(head.chunks_exact(self.span).map(|row| dot(row, &y[..self.span])));
        self.interior(y, smooth);
        smooth.extend(
            tail.chunks_exact(self.span)
                .map(|row| dot(row, &y[self.n - self.span..])),
        );
    }

    /// Applies the kernel block by block, distance by distance, so that a block's sums stay in the nearest cache.
    fn interior(&self, y: &[f64], smooth: &mut Vec<f64>) {
        const BLOCK: usize = 512;
        let Some((centre, sides)) = self.kernel.split_first() else {
            return;
        };
        let mut from = self.ends;
        while from < self.n - self.ends {
            let to = (from + BLOCK).min(self.n - self.ends);
            let start = smooth.len();
            smooth.extend(y[from..to].iter().map(|value| centre * value));
            let sums = &mut smooth[start..];
            // Several distances at a time, so that a sum is read and written once for them.
            let (quartets, rest) = sides.as_chunks::<4>();
            for (first, weights) in (1..).step_by(4).zip(quartets) {
                add_distances(sums, y, from, first, *weights);
            }
            for (distance, weight) in (1 + 4 * quartets.len()..).zip(rest) {
                add_distances(sums, y, from, distance, [*weight]);
            }
            from = to;
        }
    }
}

/// Adds the values at some distances from `first` on, on both sides of each point from `from` on, with their weights.
fn add_distances<const K: usize>(sums: &mut [f64], y: &[f64], from: usize, first: usize, weights: [f64; K]) {
    let count = sums.len();
    let left: [&[f64]; K] = std::array::from_fn(|k| &y[from - (first + k)..][..count]);
    let right: [&[f64]; K] = std::array::from_fn(|k| &y[from + first + k..][..count]);
    for (i, total) in sums.iter_mut().enumerate() {
        let mut sum = *total;
        for k in 0..K {
            sum += weights[k] * (left[k][i] + right[k][i]);
        }
        *total = sum;
    }
}

/// Weights of the points `first..first + span` in the regression at `point`: tricube, then tilted for a line.
fn weights(point: f64, first: usize, span: usize, window: usize, n: usize, degree: Degree) -> Vec<f64> {
    let places = || (first..first + span).map(|place| place as f64);
    let mut reach = (point - first as f64).max((first + span - 1) as f64 - point);
    if window > n {
        reach += ((window - n) / 2) as f64;
    }
    let tricube = |place: f64| {
        let distance = (place - point).abs();
        if distance <= 0.001 * reach {
            1.0
        } else if distance <= 0.999 * reach {
            (1.0 - (distance / reach).powi(3)).powi(3)
        } else {
            0.0
        }
    };
    let mut weights: Vec<f64> = places().map(tricube).collect();
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        // No other point in reach: the nearest one stands for the value.
        let nearest = if point < first as f64 { 0 } else { span - 1 };
        weights[nearest] = 1.0;
        return weights;
    }
    for weight in &mut weights {
        *weight /= sum;
    }
    if degree == Degree::Linear && reach > 0.0 {
        let mean: f64 = places().zip(&weights).map(|(place, weight)| place * weight).sum();
        let spread: f64 = places()
            .zip(&weights)
            .map(|(place, weight)| weight * (place - mean).powi(2))
            .sum();
        // The bound of the original routine `est`: points this close give no slope.
        if spread.sqrt() > 0.001 * (n as f64 - 1.0) {
            let tilt = (point - mean) / spread;
            places()
                .zip(&mut weights)
                .for_each(|(place, weight)| *weight *= 1.0 + tilt * (place - mean));
        }
    }
    weights
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decompose(y: &[f64], m: usize, window: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut season, mut trend) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        Stl::new(y.len(), m, window).decompose(y, &mut season, &mut trend);
        (season, trend)
    }

    #[test]
    fn a_pattern_on_a_level_is_found_exactly() {
        let pattern = [2.0, -1.0, 0.5, -1.5, 0.0];
        let y: Vec<f64> = (0..63).map(|t| 7.0 + pattern[t % 5]).collect();
        let (season, trend) = decompose(&y, 5, 11);
        for t in 0..y.len() {
            assert!(
                (season[t] - pattern[t % 5]).abs() < 1e-9 && (trend[t] - 7.0).abs() < 1e-9,
                "{t}"
            );
        }
    }

    #[test]
    fn windows_are_those_of_the_original() {
        // Section 3.4 for monthly values: n_t = 23 with n_s = 7 would be 22.9 rounded up to odd; and two of hourly ones.
        assert_eq!(trend_window(12, 7), 23);
        assert_eq!(trend_window(24, 11), 43);
        assert_eq!(trend_window(168, 15), 281);
        assert_eq!((next_odd(25), next_odd(24)), (25, 25));
    }

    #[test]
    fn a_local_line_reproduces_a_line_up_to_its_ends() {
        let y: Vec<f64> = (0..40).map(|t| 3.0 - 0.25 * f64::from(t)).collect();
        for window in [9, 41, 61] {
            let loess = Loess::new(y.len(), window, Degree::Linear);
            let mut smooth = Vec::new();
            loess.smooth(&y, &mut smooth);
            assert!(smooth.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-10), "{window}");
            assert!((loess.before(&y) - 3.25).abs() < 1e-10 && (loess.after(&y) - (3.0 - 10.0)).abs() < 1e-10);
        }
    }

    #[test]
    fn the_kernel_equals_the_regression_point_by_point() {
        let y: Vec<f64> = (0..1300).map(|t| f64::from(t * t % 17) - f64::from(t % 5)).collect();
        let loess = Loess::new(y.len(), 31, Degree::Linear);
        let mut smooth = Vec::new();
        loess.smooth(&y, &mut smooth);
        for point in [15_usize, 16, 600, 1284] {
            let row = weights(point as f64, point - 15, 31, 31, y.len(), Degree::Linear);
            assert!((smooth[point] - dot(&row, &y[point - 15..])).abs() < 1e-10, "{point}");
        }
    }
}
