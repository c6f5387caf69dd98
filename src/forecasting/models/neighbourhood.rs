//! Which series of a panel lend each other what is known of their errors: those whose models err alike.
//!
//! With la the logarithms of a series' mean errors by model, less their mean, and D[i,j] the mean squared difference of la
//! between two series, the weights are V[i,j] ∝ exp(−D[i,j] / the 11th smallest of row i of D), j ≠ i, to sum 1.

#![expect(clippy::cast_precision_loss, reason = "a count of models")]

/// Which neighbour's distance is the unit, counted from the nearest.
const NEAR: usize = 10;

/// Which series lend which their errors: V, row by row.
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

    /// From the logarithms of the models' errors, each series' less their mean ([`relative`]).
    pub(crate) fn of(relative: &[Vec<f64>]) -> Self {
        let n = relative.len();
        Self {
            n,
            weights: (0..n).flat_map(|i| shares(relative, i)).collect(),
        }
    }

    /// The mean of the neighbours' numbers, for each series; `None` for one without neighbours.
    pub(crate) fn lent(&self, numbers: &[f64]) -> Vec<Option<f64>> {
        let row = |i: usize| &self.weights[i * self.n..(i + 1) * self.n];
        (0..self.n).map(|i| weighted(row(i), numbers)).collect()
    }
}

/// What its neighbours lend to one series of many, for each of several lists of numbers; `None` without neighbours. Rows of
/// other series need not be kept for it.
pub(crate) fn lent_to(relative: &[Vec<f64>], i: usize, numbers: &[Vec<f64>]) -> Option<Vec<f64>> {
    let shares = shares(relative, i);
    numbers.iter().map(|numbers| weighted(&shares, numbers)).collect()
}

fn weighted(shares: &[f64], numbers: &[f64]) -> Option<f64> {
    let has_neighbours = shares.iter().any(|share| *share > 0.0);
    has_neighbours.then(|| shares.iter().zip(numbers).map(|(share, number)| share * number).sum())
}

/// The row of a series: the weight of every other, to sum 1 or, without neighbours, 0.
fn shares(relative: &[Vec<f64>], i: usize) -> Vec<f64> {
    let distance = |other: &Vec<f64>| {
        let squares = relative[i].iter().zip(other).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>() / other.len() as f64
    };
    let apart: Vec<f64> = relative.iter().map(distance).collect();
    let mut others: Vec<f64> = apart.clone();
    others.swap_remove(i);
    let unit = match others.len().checked_sub(1) {
        Some(last) => *others.select_nth_unstable_by(NEAR.min(last), f64::total_cmp).1,
        None => 0.0,
    };
    let share = |(j, apart): (usize, &f64)| match (j == i, unit > 0.0) {
        (true, _) => 0.0,
        (false, true) => (-apart / unit).exp(),
        (false, false) => f64::from(u8::from(*apart == 0.0)),
    };
    let mut shares: Vec<f64> = apart.iter().enumerate().map(share).collect();
    let total: f64 = shares.iter().sum();
    for share in &mut shares {
        *share = if total > 0.0 { *share / total } else { 0.0 };
    }
    shares
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
