//! LagRidge: a ridge regression on the lags around the day and the week, forecast recursively.
//!
//! With x the series on its [`Scale`] and μ_t the mean of the week before t, the rows a_t = (x[t−l] − μ_t), l in Λ, and
//! targets b_t = x_t − μ_t give the normal equations (G + λ tr(G)/p · I) β = c, G = Σ a aᵀ, c = Σ a b, no intercept.
//! Taking out the rolling mean rather than a fixed one lets the level wander as the data do, and shrinks towards
//! *the week's mean* where the lags say nothing. Λ = {1..m₁+4} ∪ {m₂−27..m₂+4}: the last day, and the same hours a week
//! ago with a day before them, so that the regression can carry over how last week went on from this hour. Lags around
//! two weeks, differencing and the raw scale of positive series all made it worse on hourly data.
//!
//! Ridge: Hoerl and Kennard (1970). The prediction intervals are those of the autoregression that it is, from its
//! moving-average weights and the variance of its residuals, so they know nothing of the error of β.
//!
//! State: p coefficients and the last m₂ + 4 values. Cost: n p²/2 for the sums, which every cutoff of a back-test shares
//! because a row does not depend on what follows it, p³/6 for each fit, and p for each step of a forecast.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

use std::ops::Range;

use super::linalg::{Cholesky, dot};
use super::scale::{Outcome, Past, Scale, fit_by_scale};
use super::{Finding, FitError, Fitted, Forecast, Model};

const NAME: &str = "LagRidge";

/// The magnitude at which a recursion that runs away is held, so that it stays finite.
const FAR: f64 = 1e100;

/// The model with its two season lengths, such as 24 and 168 for hourly data.
#[derive(Clone, Debug, PartialEq)]
pub struct LagRidge {
    /// The shorter season, m₁.
    pub short: usize,
    /// The longer season, m₂.
    pub long: usize,
    /// The penalty λ, in units of the mean diagonal of G.
    pub penalty: f64,
}

impl LagRidge {
    /// Has the penalty of the recipe, 1e-4.
    pub fn new(short: usize, long: usize) -> Self {
        Self {
            short: short.max(1),
            long: long.max(1),
            penalty: 1e-4,
        }
    }

    /// How far the mean reaches back.
    fn week(&self) -> usize {
        self.long.max(self.short)
    }

    /// The runs of lags, the longest lag first, without overlap.
    fn lags(&self) -> Vec<Range<usize>> {
        let (recent, season) = (
            1..self.short + 5,
            self.week().saturating_sub(27).max(1)..self.week() + 5,
        );
        if season.start <= recent.end {
            vec![1..season.end.max(recent.end)]
        } else {
            vec![season, recent]
        }
    }

    /// The fewest values: twice as many rows as coefficients, and a few.
    fn needed(&self) -> usize {
        let lags = self.lags();
        lags[0].end - 1 + 2 * lags.iter().map(ExactSizeIterator::len).sum::<usize>() + 8
    }

    /// Reads a fit off the running sums at each of the ascending cutoffs.
    fn pass(&self, x: &[f64], scale: Scale, cutoffs: &[usize]) -> Vec<Outcome> {
        let design = Design::new(x, self.lags(), self.week());
        let mut sums = Sums::new(design.width);
        let mut row = vec![0.0; design.width];
        let mut t = design.first();
        let mut fit = |&n: &usize| -> Outcome {
            while t < n {
                let target = design.row(t, &mut row);
                sums.add(&row, target);
                t += 1;
            }
            let (beta, variance) = sums.solve(self.penalty).ok_or_else(|| FitError::NoFit {
                model: NAME,
                why: "the normal equations have no finite solution".to_owned(),
            })?;
            Ok(Box::new(RidgeFit::new(&design, &x[..n], scale, beta, variance)))
        };
        cutoffs.iter().map(&mut fit).collect()
    }
}

impl Model for LagRidge {
    fn name(&self) -> &str {
        NAME
    }

    fn fit(&self, y: &[f64]) -> Outcome {
        self.fit_at(y, &[y.len()])
            .pop()
            .expect("internal error: one cutoff, no outcome")
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<Outcome> {
        let past = Past {
            model: NAME,
            needed: self.needed(),
            season: self.short,
            y,
        };
        fit_by_scale(&past, cutoffs, |x, scale, ascending| self.pass(x, scale, ascending))
    }
}

/// The rows of the regression, made on demand.
struct Design<'a> {
    x: &'a [f64],
    lags: Vec<Range<usize>>,
    /// The mean of the `week` values before each position; NaN before the first.
    means: Vec<f64>,
    width: usize,
}

impl<'a> Design<'a> {
    fn new(x: &'a [f64], lags: Vec<Range<usize>>, week: usize) -> Self {
        let width = lags.iter().map(ExactSizeIterator::len).sum();
        Self {
            x,
            lags,
            means: rolling_means(x, week),
            width,
        }
    }

    /// The first position with a whole row: that of the longest lag.
    fn first(&self) -> usize {
        self.lags[0].end - 1
    }

    /// Writes row `t` and gives its target.
    fn row(&self, t: usize, row: &mut [f64]) -> f64 {
        let mean = self.means[t];
        fill(row, &self.lags, &self.x[..t], mean);
        self.x[t] - mean
    }
}

/// Writes the lags of what follows `past`, less `mean`, the oldest first.
fn fill(row: &mut [f64], lags: &[Range<usize>], past: &[f64], mean: f64) {
    let n = past.len();
    let values = lags.iter().flat_map(|run| &past[n + 1 - run.end..n + 1 - run.start]);
    for (cell, value) in row.iter_mut().zip(values) {
        *cell = value - mean;
    }
}

/// The mean of the `week` values before each position.
///
/// The running sum is made anew every `week` positions, so that an enormous value that has left it leaves no error.
fn rolling_means(x: &[f64], week: usize) -> Vec<f64> {
    let mut means = vec![f64::NAN; x.len().min(week)];
    let mut sum = 0.0;
    for t in week..x.len() {
        if t % week == 0 {
            sum = x[t - week..t].iter().sum();
        } else {
            sum += x[t - 1] - x[t - 1 - week];
        }
        means.push(sum / week as f64);
    }
    means
}

/// The sums that the normal equations are made of.
struct Sums {
    width: usize,
    /// Σ a aᵀ, row by row, its lower triangle alone.
    gram: Vec<f64>,
    /// Σ a b.
    cross: Vec<f64>,
    /// Σ b².
    square: f64,
    rows: usize,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self {
            width,
            gram: vec![0.0; width * width],
            cross: vec![0.0; width],
            square: 0.0,
            rows: 0,
        }
    }

    fn add(&mut self, row: &[f64], target: f64) {
        for (i, (&a, line)) in row.iter().zip(self.gram.chunks_exact_mut(self.width)).enumerate() {
            for (sum, b) in line[..=i].iter_mut().zip(row) {
                *sum += a * b;
            }
        }
        for (sum, a) in self.cross.iter_mut().zip(row) {
            *sum += a * target;
        }
        self.square += target * target;
        self.rows += 1;
    }

    /// The coefficients, and the variance of the residuals by the degrees of freedom that are left.
    fn solve(&self, penalty: f64) -> Option<(Vec<f64>, f64)> {
        let width = self.width;
        let trace: f64 = self.gram.iter().step_by(width + 1).sum();
        let mut ridge = self.gram.clone();
        for diagonal in ridge.iter_mut().step_by(width + 1) {
            *diagonal += penalty * trace / width as f64;
        }
        let beta = Cholesky::new(&ridge, width)?.solve(&self.cross);
        let mut fitted_square = 0.0;
        for (i, line) in self.gram.chunks_exact(width).enumerate() {
            fitted_square += beta[i] * (2.0 * dot(&line[..i], &beta[..i]) + line[i] * beta[i]);
        }
        let residual = (self.square - 2.0 * dot(&beta, &self.cross) + fitted_square).max(0.0);
        let variance = residual / self.rows.saturating_sub(width).max(1) as f64;
        (variance.is_finite() && beta.iter().all(|value| value.is_finite())).then_some((beta, variance))
    }
}

/// A fitted LagRidge.
#[derive(Debug)]
struct RidgeFit {
    scale: Scale,
    lags: Vec<Range<usize>>,
    week: usize,
    beta: Vec<f64>,
    variance: f64,
    /// The last values on the scale, as many as the longest lag.
    tail: Vec<f64>,
    /// Where forecasts are cut off, on the scale.
    bounds: [f64; 2],
    fitted: Vec<f64>,
}

impl RidgeFit {
    fn new(design: &Design, past: &[f64], scale: Scale, beta: Vec<f64>, variance: f64) -> Self {
        let mut row = vec![0.0; design.width];
        let mut fitted = vec![f64::NAN; design.first()];
        fitted.extend((design.first()..past.len()).map(|t| {
            design.row(t, &mut row);
            scale.undo(design.means[t] + dot(&row, &beta))
        }));
        let (low, high) = past
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
        let slack = 0.3 * (high - low);
        Self {
            scale,
            lags: design.lags.clone(),
            week: design.means.iter().take_while(|mean| mean.is_nan()).count(),
            beta,
            variance,
            tail: past[past.len() - design.first()..].to_vec(),
            bounds: [low - slack, high + slack],
            fitted,
        }
    }

    /// What the regression says follows `past`, step by step on its own forecasts.
    fn recurse(&self, past: &[f64], horizon: usize) -> Vec<f64> {
        let mut path = past.to_vec();
        let mut row = vec![0.0; self.beta.len()];
        for _ in 0..horizon {
            let mean = path[path.len() - self.week..].iter().sum::<f64>() / self.week as f64;
            fill(&mut row, &self.lags, &path, mean);
            path.push((mean + dot(&row, &self.beta)).clamp(-FAR, FAR));
        }
        path.split_off(past.len())
    }

    /// The standard deviation of the forecast's error at each step, from the moving-average weights.
    fn deviations(&self, horizon: usize) -> Vec<f64> {
        let mut impulse = vec![0.0; self.tail.len()];
        impulse[self.tail.len() - 1] = 1.0;
        let mut sum = 1.0;
        let mut deviations = vec![self.variance.sqrt()];
        for weight in self.recurse(&impulse, horizon.saturating_sub(1)) {
            sum += weight * weight;
            deviations.push((self.variance * sum).sqrt());
        }
        deviations
    }
}

impl Fitted for RidgeFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let [low, high] = self.bounds;
        // Cut off after the recursion, not within it: a path that leaves the range may come back.
        let path: Vec<f64> = self
            .recurse(&self.tail, horizon)
            .into_iter()
            .map(|x| x.clamp(low, high))
            .collect();
        self.scale.forecast(&path, &self.deviations(horizon), levels)
    }

    fn summary(&self) -> Vec<(&'static str, Finding)> {
        let lags = self
            .lags
            .iter()
            .map(|run| format!("{}..{}", run.start, run.end - 1))
            .collect::<Vec<_>>();
        vec![
            ("scale", Finding::Text(self.scale.to_string())),
            ("lags", Finding::Text(lags.join(", "))),
            ("coefficients", Finding::Numbers(self.beta.clone())),
            ("sigma2", Finding::Number(self.variance)),
        ]
    }

    fn fitted_values(&self) -> Option<&[f64]> {
        Some(&self.fitted)
    }
}
