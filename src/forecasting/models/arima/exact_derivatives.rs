//! The derivatives of the residuals whose sum of squares the exact likelihood minimises.
//!
//! Once the filter is steady, the derivatives of the innovations follow recursions as sparse as their own, those of the
//! conditional sum of squares. Only the steps before are derived numerically, and there are few of them: so all
//! derivatives cost about as much as two or three likelihoods, and not one likelihood for each coefficient.

use super::css::{apply, negated_at_lag};
use super::exact::{continue_steady, whiten_start};
use super::likelihood::Likelihood;
use super::order::{Coefficients, Order};
use super::sample::{DifferencedSample, Regression};

/// The step of the numerical derivatives, for coefficients of the size of one.
const STEP: f64 = 1e-6;

/// How close to one the variance of an innovation is where its derivatives count as zero.
///
/// The gain differs from its limit by the square root of this: less than the numerical derivatives are exact to.
const STEADY: f64 = 1e-8;

/// The derivatives, by each coefficient, of the residuals that are concentrated as [`Likelihood::concentrated`] has it.
///
/// The coefficients of the regressors are held fixed, and what they explain is left out, as in the conditional sum.
/// `None` where the likelihood does not exist a step away.
pub(super) fn derivatives(
    sample: &DifferencedSample,
    order: &Order,
    model: &Coefficients,
    likelihood: &Likelihood,
) -> Option<Vec<Vec<f64>>> {
    let values = sample.without_regressors(&likelihood.regression);
    let innovations = likelihood.innovations();
    let variances = &likelihood.whitened.variances;
    let reach = order.ar_degree().max(order.ma_degree() + 1);
    let from = variances
        .partition_point(|variance| variance - 1.0 > STEADY)
        .max(reach)
        .min(variances.len());

    let mut heads = Vec::with_capacity(order.coefficients());
    let mut changes = Vec::with_capacity(order.coefficients());
    for i in 0..order.coefficients() {
        let moved = |step: f64| whiten_start(&model.moved(i, step), &values, from).map(|moved| (step, moved));
        let (step, moved) = moved(STEP).or_else(|| moved(-STEP))?;
        let base = innovations.iter().zip(variances);
        let there = moved.innovations[0].iter().zip(&moved.variances);
        let slope = |of: fn(f64, f64) -> f64| -> Vec<f64> {
            there
                .clone()
                .zip(base.clone())
                .map(|((v, f), (v0, f0))| (of(*v, *f) - of(*v0, *f0)) / step)
                .collect()
        };
        heads.push((slope(|v, _| v), slope(|v, f| v / f.sqrt())));
        let change: f64 = moved.variances.iter().zip(variances).map(|(f, f0)| (f / f0).ln()).sum();
        changes.push(change / step);
    }
    let (heads, scaled_heads): (Vec<_>, Vec<_>) = heads.into_iter().unzip();
    let mut rows = right_sides(model, order, &values, &innovations);
    if from < values.len() {
        continue_steady(model, &mut rows, &heads);
    }
    for (row, head) in rows.iter_mut().zip(&scaled_heads) {
        row[..from].copy_from_slice(head);
    }
    concentrate(&mut rows, &changes, likelihood);
    Some(rows)
}

/// What `θ(B) Θ(B^m)` makes of the derivatives of the innovations, in the order of the free parameters.
fn right_sides(model: &Coefficients, order: &Order, values: &[f64], innovations: &[f64]) -> Vec<Vec<f64>> {
    let m = model.season_length;
    let negated = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<_>>();
    let mut rows = Vec::with_capacity(order.coefficients());
    let mut add = |count: usize, step: usize, others: &[f64], other_step: usize, series: &[f64]| {
        if count > 0 {
            let series = apply(others, other_step, series);
            rows.extend((1..=count).map(|k| negated_at_lag(&series, k * step)));
        }
    };
    add(order.p, 1, &model.seasonal_ar, m, values);
    add(order.q, 1, &negated(&model.seasonal_ma), m, innovations);
    add(order.seasonal_p, m, &model.ar, 1, values);
    add(order.seasonal_q, m, &negated(&model.ma), 1, innovations);
    rows
}

/// Weighs derivatives of scaled innovations as the residuals are weighed, and adds those of the weight.
fn concentrate(rows: &mut [Vec<f64>], changes: &[f64], likelihood: &Likelihood) {
    let n = likelihood.residuals.len();
    let scaled: Vec<Vec<f64>> = (0..=likelihood.regression.len())
        .map(|column| likelihood.whitened.scaled(column))
        .collect();
    let regression = Regression::new(&scaled);
    if let Some(regression) = &regression {
        regression.project_out(&scaled[1..], rows);
    }
    let weight = likelihood.weight();
    for (row, change) in rows.iter_mut().zip(changes) {
        #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
        let of_weight = 0.5 * change / n as f64;
        for (row, residual) in row.iter_mut().zip(&likelihood.residuals) {
            *row = weight * (*row + of_weight * residual);
        }
    }
}
