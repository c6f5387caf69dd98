//! The weights of the members: by their errors in the back-test, and by those of the series whose members erred alike.

#![expect(clippy::cast_precision_loss, reason = "a count of members")]

/// Which neighbour's distance is the unit, counted from the nearest.
const NEAR: usize = 10;

/// How much the neighbours' errors count beside a series' own.
const LENT: f64 = 2.0;

/// How steeply a weight falls with the logarithm of the error.
const STEEPNESS: f64 = 5.0;

/// How steeply it falls with the error itself where there are no neighbours.
const STEEPNESS_ALONE: i32 = 3;

/// Which series lend which their errors: V, row by row, each row summing to 1 or, without neighbours, to 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Neighbourhood {
    n: usize,
    weights: Vec<f64>,
}

impl Neighbourhood {
    /// Of series none of which has a neighbour.
    pub(crate) fn none(n: usize) -> Self {
        Self {
            n,
            weights: vec![0.0; n * n],
        }
    }

    /// From the logarithms of the members' errors, each series' relative to their mean: V[i,j] ∝ exp(−D[i,j] / the unit of i),
    /// with D the mean squared difference.
    pub(crate) fn of(relative: &[Vec<f64>]) -> Self {
        let n = relative.len();
        let distance = |a: &[f64], b: &[f64]| {
            let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
            squares.sum::<f64>() / a.len() as f64
        };
        let mut weights = Vec::with_capacity(n * n);
        for (i, own) in relative.iter().enumerate() {
            let apart: Vec<f64> = relative.iter().map(|other| distance(own, other)).collect();
            let mut sorted: Vec<f64> = apart
                .iter()
                .enumerate()
                .filter(|&(j, _)| j != i)
                .map(|(_, d)| *d)
                .collect();
            sorted.sort_by(f64::total_cmp);
            let unit = sorted
                .get(NEAR.min(sorted.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0.0);
            let share = |(j, apart): (usize, &f64)| match (j == i, unit > 0.0) {
                (true, _) => 0.0,
                (false, true) => (-apart / unit).exp(),
                (false, false) => f64::from(u8::from(*apart == 0.0)),
            };
            let shares: Vec<f64> = apart.iter().enumerate().map(share).collect();
            let total: f64 = shares.iter().sum();
            weights.extend(
                shares
                    .into_iter()
                    .map(|share| if total > 0.0 { share / total } else { 0.0 }),
            );
        }
        Self { n, weights }
    }

    /// The mean of the neighbours' numbers, for each series; 0 for one without neighbours.
    pub(crate) fn lent(&self, numbers: &[f64]) -> Vec<f64> {
        let row = |i: usize| &self.weights[i * self.n..(i + 1) * self.n];
        (0..self.n)
            .map(|i| row(i).iter().zip(numbers).map(|(weight, number)| weight * number).sum())
            .collect()
    }

    /// Whether a series has neighbours.
    pub(crate) fn has(&self, i: usize) -> bool {
        self.weights[i * self.n..(i + 1) * self.n]
            .iter()
            .any(|weight| *weight > 0.0)
    }
}

/// The logarithms of errors less their mean.
///
/// An error of nothing counts as a billionth of the largest, so that its logarithm is a number.
pub(crate) fn relative(errors: &[f64]) -> Vec<f64> {
    let most = errors.iter().copied().fold(f64::MIN_POSITIVE, f64::max).min(f64::MAX);
    let log = |error: &f64| error.clamp(most * 1e-9, f64::MAX).ln();
    let logs: Vec<f64> = errors.iter().map(log).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter().map(|log| log - mean).collect()
}

/// The weights of the members of every series, from the relative logarithms of their errors.
pub(crate) fn pooled(relative: &[Vec<f64>], neighbours: &Neighbourhood) -> Vec<Vec<f64>> {
    let members = relative.first().map_or(0, Vec::len);
    let mut smoothed = relative.to_vec();
    for member in 0..members {
        let own: Vec<f64> = relative.iter().map(|one| one[member]).collect();
        for (i, lent) in neighbours.lent(&own).into_iter().enumerate() {
            if neighbours.has(i) {
                smoothed[i][member] = (own[i] + LENT * lent) / (1.0 + LENT);
            }
        }
    }
    let shares = |one: Vec<f64>| normalised(one.iter().map(|log| (-STEEPNESS * log).exp()).collect());
    smoothed.into_iter().map(shares).collect()
}

/// The weights of one series' members alone, ∝ A⁻³.
pub(crate) fn alone(errors: &[f64]) -> Vec<f64> {
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let share = |error: &f64| {
        if *error <= least {
            1.0
        } else {
            (least / error).powi(STEEPNESS_ALONE)
        }
    };
    normalised(errors.iter().map(share).collect())
}

fn normalised(shares: Vec<f64>) -> Vec<f64> {
    let total: f64 = shares.iter().sum();
    shares.into_iter().map(|share| share / total).collect()
}

/// Half the weighted mean and half the weighted median of the members' paths, step by step; the weights need not sum to 1.
pub(crate) fn combined(paths: &[&[f64]], weights: &[f64]) -> Vec<f64> {
    let steps = paths.first().map_or(0, |path| path.len());
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    (0..steps)
        .map(|h| {
            let mut values: Vec<(f64, f64)> = paths
                .iter()
                .zip(&weights)
                .map(|(path, weight)| (path[h], *weight))
                .collect();
            let mean: f64 = values.iter().map(|(value, weight)| value * weight).sum();
            f64::midpoint(mean, weighted_median(&mut values))
        })
        .collect()
}

/// The first value, in ascending order, with which half of the weight is reached.
fn weighted_median(values: &mut [(f64, f64)]) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half: f64 = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    for (value, weight) in values.iter() {
        sum += weight;
        if sum >= half {
            return *value;
        }
    }
    values.last().map_or(f64::NAN, |(value, _)| *value)
}
