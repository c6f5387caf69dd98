//! The search for the days most like the last one, at any hour.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

/// How many of the past that are most like the last season are followed.
const NEAREST: usize = 4;

/// What follows a series, season by season: the weighted mean of what followed its analogues.
///
/// `None` of less than two short seasons and one value.
pub(crate) fn path(x: &[f64], short: usize, long: usize, horizon: usize) -> Option<Vec<f64>> {
    if x.len() < 2 * short + 1 {
        return None;
    }
    let mut known = x.to_vec();
    while known.len() < x.len() + horizon {
        let next = season(&known, short, long);
        known.extend(next);
    }
    known.truncate(x.len() + horizon);
    Some(known.split_off(x.len()))
}

/// A stretch that is like the last season.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Analogue {
    /// How many values lie before its end.
    pub(crate) end: usize,
    /// The mean of the season before its end.
    level: f64,
    /// How far it is from the last season.
    apart: f64,
    /// What it counts for; those of all analogues sum to 1.
    pub(crate) weight: f64,
}

/// The next season of a series.
fn season(x: &[f64], short: usize, long: usize) -> Vec<f64> {
    let mut next = vec![mean(&x[x.len() - short..]); short];
    for one in nearest(x, short, long) {
        for (sum, value) in next.iter_mut().zip(&x[one.end..one.end + short]) {
            *sum += one.weight * (value - one.level);
        }
    }
    next
}

/// The stretches most like the last season, the nearest first, with weights ∝ 1 / d²; those at no distance share all.
pub(crate) fn nearest(x: &[f64], short: usize, long: usize) -> Vec<Analogue> {
    let n = x.len();
    let level = mean(&x[n - short..]);
    let last: Vec<f64> = x[n - short..].iter().map(|value| value - level).collect();
    let mut nearest: Vec<Analogue> = Vec::with_capacity(NEAREST + 1);
    for end in short..=n - short {
        let before = &x[end - short..end];
        let level = mean(before);
        let apart = before
            .iter()
            .zip(&last)
            .map(|(a, b)| (a - level - b).abs())
            .sum::<f64>()
            / short as f64;
        let apart = if (n - end).is_multiple_of(long) {
            apart / 2.0
        } else {
            apart
        };
        let is_near = nearest.len() < NEAREST || nearest.last().is_some_and(|most| apart < most.apart);
        if is_near && !apart.is_nan() {
            let at = nearest.partition_point(|other| other.apart <= apart);
            let weight = 0.0;
            nearest.insert(
                at,
                Analogue {
                    end,
                    level,
                    apart,
                    weight,
                },
            );
            nearest.truncate(NEAREST);
        }
    }
    let shortest = nearest.first().map_or(0.0, |one| one.apart);
    for one in &mut nearest {
        one.weight = if one.apart <= shortest {
            1.0
        } else {
            (shortest / one.apart).powi(2)
        };
    }
    let total: f64 = nearest.iter().map(|one| one.weight).sum();
    for one in &mut nearest {
        one.weight /= total;
    }
    nearest
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
