//! The weights of the members: by their errors in the back-test, and by those of the series whose members erred alike.

use super::super::neighbourhood::Neighbourhood;

/// How much the neighbours' errors count beside a series' own.
const LENT: f64 = 2.0;

/// How steeply a weight falls with the logarithm of the error.
const STEEPNESS: f64 = 5.0;

/// How steeply it falls with the error itself where there are no neighbours.
const STEEPNESS_ALONE: i32 = 3;

/// The weights of the members of every series, from the relative logarithms of their errors.
pub(crate) fn pooled(relative: &[Vec<f64>], neighbours: &Neighbourhood) -> Vec<Vec<f64>> {
    let members = relative.first().map_or(0, Vec::len);
    let mut smoothed = relative.to_vec();
    for member in 0..members {
        let own: Vec<f64> = relative.iter().map(|one| one[member]).collect();
        for (i, lent) in neighbours.lent(&own).into_iter().enumerate() {
            if let Some(lent) = lent {
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
