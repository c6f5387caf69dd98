//! Pooling: what the coefficients of one series say of another, and the coefficients that follow.

use rayon::prelude::*;

use super::super::scale::cut_off;
use super::equations::{Equations, GrowingEquations, recursion};
use super::lags::Regression;
use super::product::PackedColumns;

/// How much more the neighbours of a series count together than the series itself.
const NEIGHBOURS: f64 = 4.0;

/// How steeply the weight of a neighbour falls with the error of its coefficients.
const STEEPNESS: i32 = 20;

/// A weight below this share of the largest changes no digit.
const NEGLIGIBLE: f64 = 1e-18;

/// A series on its scale, as a pool knows it.
#[derive(Clone, Debug)]
pub(crate) struct PoolSeries {
    /// Its values on the scale, the oldest first.
    pub(crate) x: Vec<f64>,
}

/// One past of a series in the pool at an origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PoolPast {
    /// How many values are past.
    pub(crate) n: usize,
    /// What the values are divided by, so that errors of several series compare: their mean absolute seasonal difference.
    pub(crate) unit: f64,
}

/// A regression that was fitted to one past.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PooledFit {
    /// The coefficients, the longest lag first.
    pub(crate) beta: Vec<f64>,
    /// The mean square of the errors that they leave, on the scale.
    pub(crate) variance: f64,
    /// What they say follows, cut off at three tenths of the past's range below and above it.
    pub(crate) path: Vec<f64>,
}

/// How coefficients are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolRule {
    /// Whether series lend each other their equations.
    pub(crate) pooled: bool,
    /// Whether rows with large errors count less.
    pub(crate) robust: bool,
}

/// The equations of all series while their pasts grow: what serves one origin after the other, the earliest first.
pub(crate) struct Pool<'a> {
    regression: &'a Regression,
    rule: PoolRule,
    series: &'a [PoolSeries],
    growing: Vec<GrowingEquations>,
}

impl<'a> Pool<'a> {
    /// Prepares the series.
    pub(crate) fn new(regression: &'a Regression, rule: PoolRule, series: &'a [PoolSeries]) -> Self {
        Self {
            regression,
            rule,
            series,
            growing: series
                .par_iter()
                .map(|one| GrowingEquations::new(regression, &one.x))
                .collect(),
        }
    }

    /// Fits the pasts of an origin, one for each series or none, and forecasts `horizon` steps from each.
    ///
    /// A series without a past has no part in it; one whose equations have no solution has no fit.
    pub(crate) fn fit(&mut self, pasts: &[Option<PoolPast>], horizon: usize) -> Vec<Option<PooledFit>> {
        let regression = self.regression;
        let own: Vec<Option<Equations>> = self
            .growing
            .par_iter_mut()
            .zip(pasts)
            .map(|(growing, past)| past.map(|past| growing.at(regression, past.n).normalised(past.unit)))
            .collect();
        let members: Vec<usize> = (0..own.len())
            .filter(|&at| own[at].as_ref().is_some_and(Equations::are_finite))
            .collect();
        let mut equations: Vec<Equations> = own.into_iter().flatten().filter(Equations::are_finite).collect();
        let mut betas = self.coefficients(&equations);
        for _ in 0..if self.rule.robust { 2 } else { 0 } {
            let reweighted = |(&at, beta): (&usize, &Option<Vec<f64>>)| {
                let past = pasts[at].expect("internal error: a member without a past");
                let beta = beta.as_ref()?;
                let sums = self.growing[at].robust(regression, (past.n, past.unit), beta);
                Some(sums.normalised(past.unit)).filter(Equations::are_finite)
            };
            let robust: Vec<Option<Equations>> = members.par_iter().zip(&betas).map(reweighted).collect();
            for (old, new) in equations.iter_mut().zip(robust) {
                *old = new.unwrap_or_else(|| old.clone());
            }
            betas = self.coefficients(&equations);
        }
        let mut fits = vec![None; pasts.len()];
        let found: Vec<Option<PooledFit>> = (&members, &equations, betas)
            .into_par_iter()
            .map(|(&at, equations, beta)| {
                let past = pasts[at].expect("internal error: a member without a past");
                let beta = beta?;
                let x = &self.series[at].x[..past.n];
                let [low, high] = cut_off(x);
                let path = recursion(regression, x, &beta, horizon);
                let variance = equations.error(&beta).max(0.0) * past.unit * past.unit;
                let path: Vec<f64> = path.iter().map(|value| value.clamp(low, high)).collect();
                Some(PooledFit { beta, variance, path })
            })
            .collect();
        for (at, fit) in members.into_iter().zip(found) {
            fits[at] = fit;
        }
        fits
    }

    /// The coefficients of each series: its own, or those of its equations and its neighbours' together.
    fn coefficients(&self, equations: &[Equations]) -> Vec<Option<Vec<f64>>> {
        let penalty = self.regression.penalty;
        let own: Vec<Option<Vec<f64>>> = equations.par_iter().map(|one| one.solve(penalty)).collect();
        if !self.rule.pooled || equations.len() < 2 {
            return own;
        }
        let weights = weights(&errors(equations, &own));
        let width = self.regression.width();
        let size = width * (width + 1) / 2;
        // The cross products are a further stretch of the same row.
        let packed = PackedColumns::new(equations.len(), size + width, |row, column| match column < size {
            true => equations[row].gram[column],
            false => equations[row].cross[column - size],
        });
        let neighbours = packed.product(&weights);
        equations
            .par_iter()
            .zip(neighbours.par_chunks_exact(size + width))
            .zip(own)
            .map(|((one, neighbours), own)| {
                let sum = |own: &[f64], others: &[f64]| -> Vec<f64> {
                    own.iter()
                        .zip(others)
                        .map(|(own, others)| own + NEIGHBOURS * others)
                        .collect()
                };
                let together = Equations {
                    gram: sum(&one.gram, &neighbours[..size]),
                    cross: sum(&one.cross, &neighbours[size..]),
                    ..*one
                };
                together.solve(penalty).or(own)
            })
            .collect()
    }
}

/// Row by row: the mean square of what the coefficients of each series leave of the targets of one.
fn errors(equations: &[Equations], betas: &[Option<Vec<f64>>]) -> Vec<Vec<f64>> {
    let Some(width) = equations.first().map(|one| one.width) else {
        return Vec::new();
    };
    let size = width * (width + 1) / 2;
    // βᵀGβ − 2βᵀc is the scalar product of (the triangle of G with its sides doubled, −2c) and (the triangle of ββᵀ, β).
    let positions: Vec<(usize, usize)> = (0..width).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
    let left: Vec<f64> = equations
        .par_iter()
        .flat_map_iter(|one| {
            let gram = positions.iter().zip(&one.gram);
            let gram = gram.map(|((i, j), value)| if i == j { *value } else { 2.0 * value });
            gram.chain(one.cross.iter().map(|value| -2.0 * value))
        })
        .collect();
    let packed = PackedColumns::new(size + width, betas.len(), |row, column| {
        let Some(beta) = &betas[column] else { return f64::NAN };
        match row < size {
            true => beta[positions[row].0] * beta[positions[row].1],
            false => beta[row - size],
        }
    });
    let product = packed.product(&left);
    let floored = |(one, row): (&Equations, &[f64])| {
        let least = 1e-9 * one.square + 1e-12;
        let floored = |value: &f64| match value.is_nan() {
            true => f64::INFINITY,
            false => (one.square + value).max(least),
        };
        row.iter().map(floored).collect()
    };
    equations
        .iter()
        .zip(product.chunks_exact(betas.len()))
        .map(floored)
        .collect()
}

/// The weight of each series for one, row by row: none for itself, and 1 for all others together.
fn weights(errors: &[Vec<f64>]) -> Vec<f64> {
    let n = errors.len();
    let mut weights = vec![0.0; n * n];
    for (i, (row, errors)) in weights.chunks_exact_mut(n).zip(errors).enumerate() {
        let others = errors.iter().enumerate().filter(|&(j, _)| j != i);
        let least = others.map(|(_, error)| *error).fold(f64::INFINITY, f64::min);
        if !least.is_finite() {
            continue;
        }
        for (j, (weight, error)) in row.iter_mut().zip(errors).enumerate() {
            let share = (least / error).powi(STEEPNESS);
            if j != i && share > NEGLIGIBLE {
                *weight = share;
            }
        }
        let sum: f64 = row.iter().sum();
        for weight in row {
            *weight /= sum;
        }
    }
    weights
}
