//! The normal equations of one series: sums over rows of lagged values, that grow with the past.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

use super::super::linalg::{Cholesky, dot};
use super::lags::Regression;

/// How many rows are taken into the sums at once.
const TOGETHER: usize = 4;

/// The magnitude at which a recursion that runs away is held, so that it stays finite.
const FAR: f64 = 1e100;

/// A series as a regression sees it: differenced, and with the rolling means.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    z: Vec<f64>,
    /// The mean of the values before each position, as many as the regression says; empty where there is none.
    means: Vec<f64>,
}

impl Design {
    /// Prepares a series on its scale.
    pub(crate) fn new(regression: &Regression, x: &[f64]) -> Self {
        let d = regression.difference;
        let z: Vec<f64> = match d {
            0 => x.to_vec(),
            d => x
                .iter()
                .zip(x.iter().skip(d))
                .map(|(before, now)| now - before)
                .collect(),
        };
        let means = rolling_means(&z, regression.mean);
        Self { z, means }
    }

    fn mean(&self, t: usize) -> f64 {
        self.means.get(t).copied().unwrap_or(0.0)
    }

    /// Writes row `t` and gives its target.
    fn row(&self, regression: &Regression, t: usize, row: &mut [f64]) -> f64 {
        let mean = self.mean(t);
        fill(row, regression, &self.z[..t], mean);
        self.z[t] - mean
    }
}

/// Writes the lags of what follows `past`, less `mean`, the oldest first.
fn fill(row: &mut [f64], regression: &Regression, past: &[f64], mean: f64) {
    let n = past.len();
    let values = regression
        .lags
        .iter()
        .flat_map(|run| &past[n + 1 - run.end..n + 1 - run.start]);
    for (cell, value) in row.iter_mut().zip(values) {
        *cell = value - mean;
    }
}

/// The mean of the `length` values before each position, NaN before the first; nothing where the length is 0.
///
/// The running sum is recomputed every `length` positions, so that an enormous value that has left it leaves no error.
fn rolling_means(z: &[f64], length: usize) -> Vec<f64> {
    if length == 0 {
        return Vec::new();
    }
    let mut means = vec![f64::NAN; z.len().min(length)];
    let mut sum = 0.0;
    for t in length..z.len() {
        if t % length == 0 {
            sum = z[t - length..t].iter().sum();
        } else {
            sum += z[t - 1] - z[t - 1 - length];
        }
        means.push(sum / length as f64);
    }
    means
}

/// The sums of a past: the lower triangle of Σ a aᵀ row by row, Σ a b, Σ b², and the weight of the rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Equations {
    /// How many coefficients.
    pub(crate) width: usize,
    /// Σ a aᵀ: the lower triangle, row by row.
    pub(crate) gram: Vec<f64>,
    /// Σ a b.
    pub(crate) cross: Vec<f64>,
    /// Σ b².
    pub(crate) square: f64,
    /// The sum of the rows' weights.
    pub(crate) weight: f64,
}

impl Equations {
    /// Of no rows.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            gram: vec![0.0; width * (width + 1) / 2],
            cross: vec![0.0; width],
            square: 0.0,
            weight: 0.0,
        }
    }

    /// Adds rows with their targets, each of weight 1.
    fn add(&mut self, rows: &[Vec<f64>; TOGETHER], targets: [f64; TOGETHER]) {
        let [first, second, third, fourth] = rows;
        let mut start = 0;
        for i in 0..self.width {
            let line = &mut self.gram[start..=start + i];
            start += i + 1;
            let by = [first[i], second[i], third[i], fourth[i]];
            for ((((sum, one), two), three), four) in line.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
                *sum += (by[0] * one + by[1] * two) + (by[2] * three + by[3] * four);
            }
            self.cross[i] += (by[0] * targets[0] + by[1] * targets[1]) + (by[2] * targets[2] + by[3] * targets[3]);
        }
        self.square += targets.iter().map(|target| target * target).sum::<f64>();
    }

    /// Takes the rows from `from` to before `to` into the sums with their weights.
    fn take(
        &mut self,
        (regression, design): (&Regression, &Design),
        (from, to): (usize, usize),
        weight: impl Fn(usize) -> f64,
    ) {
        let mut rows: [Vec<f64>; TOGETHER] = std::array::from_fn(|_| vec![0.0; self.width]);
        for first in (from..to).step_by(TOGETHER) {
            let mut targets = [0.0; TOGETHER];
            for (offset, row) in rows.iter_mut().enumerate() {
                let t = first + offset;
                if t >= to {
                    row.fill(0.0);
                    continue;
                }
                targets[offset] = design.row(regression, t, row);
                let weight = weight(t);
                self.weight += weight;
                if weight < 1.0 {
                    let root = weight.sqrt();
                    targets[offset] *= root;
                    for cell in row.iter_mut() {
                        *cell *= root;
                    }
                }
            }
            self.add(&rows, targets);
        }
    }

    /// The means instead of the sums, of values that are divided by `unit`.
    pub(crate) fn normalised(&self, unit: f64) -> Self {
        let factor = 1.0 / self.weight / unit / unit;
        let times = |values: &[f64]| values.iter().map(|value| value * factor).collect();
        Self {
            width: self.width,
            gram: times(&self.gram),
            cross: times(&self.cross),
            square: self.square * factor,
            weight: 1.0,
        }
    }

    /// The coefficients of least squares with a penalty λ · tr(G) / p; `None` if there are no finite ones.
    ///
    /// Ridge regression: Hoerl and Kennard (1970).
    pub(crate) fn solve(&self, penalty: f64) -> Option<Vec<f64>> {
        let p = self.width;
        let mut whole = vec![0.0; p * p];
        let (mut start, mut trace) = (0, 0.0);
        for i in 0..p {
            whole[i * p..=i * p + i].copy_from_slice(&self.gram[start..=start + i]);
            trace += self.gram[start + i];
            start += i + 1;
        }
        for i in 0..p {
            whole[i * p + i] += penalty * trace / p as f64;
        }
        let beta = Cholesky::new(&whole, p)?.solve(&self.cross);
        beta.iter().all(|value| value.is_finite()).then_some(beta)
    }

    /// Whether every sum is a number.
    pub(crate) fn are_finite(&self) -> bool {
        let sums = self.gram.iter().chain(&self.cross).chain([&self.square]);
        sums.into_iter().all(|value| value.is_finite())
    }

    /// The mean square of what coefficients leave of the targets, of normalised equations.
    pub(crate) fn error(&self, beta: &[f64]) -> f64 {
        let (mut start, mut fitted) = (0, 0.0);
        for (i, value) in beta.iter().enumerate() {
            let line = &self.gram[start..start + i];
            fitted += value * (2.0 * dot(line, &beta[..i]) + self.gram[start + i] * value);
            start += i + 1;
        }
        self.square - 2.0 * dot(beta, &self.cross) + fitted
    }
}

/// The equations of one series while the past grows.
///
/// Rows are taken in whole blocks from the first row on, so that the sums of a past are the same bits whatever was asked
/// for before.
#[derive(Clone, Debug)]
pub(crate) struct GrowingEquations {
    design: Design,
    sums: Equations,
    /// The first position, in the differenced series, that is not in the sums.
    next: usize,
}

impl GrowingEquations {
    /// Of no past.
    pub(crate) fn new(regression: &Regression, x: &[f64]) -> Self {
        Self {
            design: Design::new(regression, x),
            sums: Equations::new(regression.width()),
            next: regression.first,
        }
    }

    /// The equations of the first `n` values of the series.
    pub(crate) fn at(&mut self, regression: &Regression, n: usize) -> Equations {
        let to = n - regression.difference;
        if to < self.next {
            (self.sums, self.next) = (Equations::new(regression.width()), regression.first);
        }
        let whole = to - (to - self.next) % TOGETHER;
        let rows = (regression, &self.design);
        self.sums.take(rows, (self.next, whole), |_| 1.0);
        self.next = whole;
        let mut sums = self.sums.clone();
        sums.take(rows, (whole, to), |_| 1.0);
        sums
    }

    /// The equations of the first `n` values with weights that bound the influence of each row's error under `beta`.
    ///
    /// Huber (1964): a row whose error is beyond 0.7 robust standard deviations counts less, as the inverse of it.
    pub(crate) fn robust(&self, regression: &Regression, (n, unit): (usize, f64), beta: &[f64]) -> Equations {
        let to = n - regression.difference;
        let mut row = vec![0.0; regression.width()];
        let errors: Vec<f64> = (regression.first..to)
            .map(|t| {
                let target = self.design.row(regression, t, &mut row);
                (target - dot(&row, beta)).abs() / unit
            })
            .collect();
        let deviation = 1.4826 * median(&errors) + 1e-9;
        let weight = |t: usize| (0.7 * deviation / errors[t - regression.first]).min(1.0);
        let mut sums = Equations::new(regression.width());
        sums.take((regression, &self.design), (regression.first, to), weight);
        sums
    }
}

/// What coefficients say follows a series, step by step on their own forecasts; on the series' scale.
pub(crate) fn recursion(regression: &Regression, x: &[f64], beta: &[f64], horizon: usize) -> Vec<f64> {
    let (n, d) = (x.len(), regression.difference);
    let reach = regression.longest().max(regression.mean).min(n - d);
    let first = n - reach;
    let mut z: Vec<f64> = match d {
        0 => x[first..].to_vec(),
        d => x[first..]
            .iter()
            .zip(&x[first - d..])
            .map(|(now, before)| now - before)
            .collect(),
    };
    let mut row = vec![0.0; beta.len()];
    let mut path: Vec<f64> = Vec::with_capacity(horizon);
    for h in 0..horizon {
        let mean = match regression.mean {
            0 => 0.0,
            length => z[z.len() - length..].iter().sum::<f64>() / length as f64,
        };
        fill(&mut row, regression, &z, mean);
        let next = mean + dot(&row, beta);
        // Of what is infinite in both directions nothing is known but the mean.
        let next = if next.is_nan() { mean } else { next.clamp(-FAR, FAR) };
        z.push(next);
        let before = match d {
            0 => 0.0,
            d if h < d => x[n - d + h],
            d => path[h - d],
        };
        path.push(before + next);
    }
    path
}

/// The middle value, or the mean of the two in the middle; 0 of none.
fn median(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mut values = values.to_vec();
    let (half, is_odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if is_odd {
        return *middle;
    }
    let below = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(below, *middle)
}
