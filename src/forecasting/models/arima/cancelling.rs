//! Starting values of a mixed model from a smaller one, by a pair of factors that nearly cancel.
//!
//! A model with two more coefficients on both sides holds the smaller one wherever the new factors cancel: a ridge of
//! equal likelihood, one point for each frequency and radius, along which an optimiser has nothing to follow. Its
//! minima, one for each rhythm that the smaller model leaves over, lie beside it. So the start is the point of the ridge
//! where the sum of squares falls most steeply, as the score test of the smaller model against the larger one has it.

use super::super::linalg::dot;
use super::least_squares::solve;
use super::order::{Coefficients, Order};
use super::polynomial::{self, LagPolynomial};

/// The radius of the new roots, inverted: a rhythm that is remembered for some twenty steps.
const RADIUS: f64 = 0.95;

/// Frequencies tried between zero and the highest one: as many as such a pair can tell apart.
const FREQUENCIES: usize = 32;

/// Pairs that go side by side.
const LANES: usize = 4;

/// Coefficients that are new on either side.
pub(super) const NEW: usize = 2;

/// The free parameters of a model with [`NEW`] coefficients more on both sides, from the residuals of a smaller one.
///
/// `None` if the residuals are none.
pub(super) fn start(order: &Order, free: &[f64], residuals: &[f64]) -> Option<Vec<f64>> {
    let model = Coefficients::from_free(order, free);
    let (pair, change) = steepest(residuals)?;
    let changed: Vec<f64> = pair.iter().zip(&change).map(|(c, change)| c + change).collect();
    let negated = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<_>>();
    let ar = LagPolynomial::product(&model.ar, &changed, 1).dense(order.p + NEW);
    let ma = LagPolynomial::product(&negated(&model.ma), &pair, 1).dense(order.q + NEW);
    let mut start = polynomial::nearest_free(ar);
    start.extend(polynomial::nearest_free(ma));
    start.extend_from_slice(&free[order.p + order.q..]);
    Some(start)
}

/// The pair of coefficients `1 - c_1 B - c_2 B^2` beside which most is gained, and by how much to change it.
fn steepest(residuals: &[f64]) -> Option<([f64; NEW], Vec<f64>)> {
    let mut best: Option<(f64, [f64; NEW], Vec<f64>)> = None;
    for first in (1..FREQUENCIES).step_by(LANES) {
        #[expect(clippy::cast_precision_loss, reason = "few frequencies")]
        let cosine = |k: usize| (std::f64::consts::PI * k as f64 / FREQUENCIES as f64).cos();
        let ones: [f64; LANES] = std::array::from_fn(|lane| 2.0 * RADIUS * cosine(first + lane));
        for (one, [squares, mixed, first, second, square_of_second]) in ones.into_iter().zip(products(ones, residuals))
        {
            let system = vec![vec![squares], vec![mixed, square_of_second]];
            let slope = [first, second];
            let Some(change) = solve(system, &slope) else { continue };
            let gain = dot(&change, &slope);
            if best.as_ref().is_none_or(|(most, ..)| gain > *most) {
                best = Some((gain, [one, -RADIUS * RADIUS], change));
            }
        }
    }
    best.map(|(_, pair, change)| (pair, change))
}

/// Products of the derivatives by both coefficients of each pair, with one another and with the residuals.
///
/// The derivatives are the residuals passed through the pair's own recursion, one and two steps ago. Four pairs go side
/// by side, as a step of one has to wait for the one before.
fn products(ones: [f64; LANES], residuals: &[f64]) -> [[f64; 5]; LANES] {
    let mut past = [[0.0; LANES]; NEW];
    let mut sums = [[0.0; LANES]; 5];
    for value in residuals {
        let [one, two] = past;
        for lane in 0..LANES {
            sums[0][lane] += one[lane] * one[lane];
            sums[1][lane] += one[lane] * two[lane];
            sums[2][lane] += one[lane] * value;
            sums[3][lane] += two[lane] * value;
            sums[4][lane] += two[lane] * two[lane];
            past[0][lane] = value - RADIUS * RADIUS * two[lane] + ones[lane] * one[lane];
        }
        past[1] = one;
    }
    std::array::from_fn(|lane| sums.map(|sum| sum[lane]))
}
