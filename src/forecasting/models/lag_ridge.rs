//! `LagRidge`: a ridge regression on the lags around the day and the week, forecast recursively.
//!
//! With `x` the series on its [`Scale`] and `μ[t]` the mean of the week before `t`, the row of `t` is `x[t−l] − μ[t]` for
//! each lag `l` in Λ, and its target is `x[t] − μ[t]`. With G the sum of row times row and c that of row times target, the
//! coefficients solve (G + λ tr(G) / p · I) β = c, without intercept. Taking out the rolling mean rather than a fixed one
//! lets the level wander as the data do, and shrinks towards *the week's mean* where the lags say nothing.
//! Ridge: Hoerl and Kennard (1970). There are two sets of lags:
//!
//! * [`LagRidge::new`]: Λ = {1..m₁+4} ∪ {m₂−27..m₂+4}, the last day, and the same hours a week ago with a day before
//!   them, so that the regression can carry over how last week went on from this hour.
//! * [`LagRidge::sparse`]: Λ = {1..3} ∪ {m₁−1..m₁+2} ∪ {m₂−3..m₂+2} ∪ {2m₂−1..2m₂+1}, 16 lags for 60, with which the
//!   lags of two weeks help that only made the dense set worse. It errs differently, which is what a combination lives
//!   on: on 207 hourly series of the M4 competition, the weighted mean of both and double seasonal smoothing had 0.978 ±
//!   0.005 of the error of dense and smoothing at six cutoffs within the training part, and 0.998 of it on the test part.
//!
//! What was tried beyond these at the same cutoffs: two days of lags and the week, {1..2m₁+2} ∪ {m₂−3..m₂+4}, had 0.98 of
//! the dense set's error alone and 0.996 ± 0.003 of it in a combination of four, too little to leave the recipe. Differencing
//! and the raw scale of positive series made it worse; powers and shifted logarithms made no difference. Robust rows
//! (Huber), rows weighted by the unrest of their hour and coefficients by hour of the day gained 1 to 2 % alone and nothing
//! beside the sparse set; a regression of its own for each step, other penalties and rows that fade with age gained nothing.
//! Pooling over similar series gained 4 % alone and 0.5 % in a combination of four, too little to make each fit depend on
//! all series.
//!
//! With columns that are known ahead it is a regression with the errors above: `x[t] = Σ β_j z_j[t] + n[t]`, where `n` has
//! the lags; see [`known`].
//!
//! A forecast begins from a past whose [spikes](super::spikes) are drawn in: on logarithms a single value of ten thousand times the level
//! would come again a week later, and grow. The coefficients are fitted to all values as they are.
//!
//! The prediction intervals are those of the autoregression that it is, from its moving-average weights and the variance
//! of its residuals, so they know nothing of the error of β.
//!
//! State: p coefficients and as many last values as the longest lag. Cost: n p² / 2 for the sums, which every cutoff of a
//! back-test shares because a row does not depend on what follows it, p³ / 6 for each fit, and p for each step of a
//! forecast.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

mod known;

use std::collections::BTreeSet;
use std::ops::Range;

use self::known::KnownEffect;

use super::linalg::{Cholesky, dot};
use super::scale::{FitRequest, FitResult, Scale, cut_off, fit_by_scale};
use super::spikes::drawn_in;
use super::{Estimate, FitError, Fitted, Forecast, Model, RegressionModel, fit_in_one_pass};

const NAME: &str = "LagRidge";

/// The magnitude at which a recursion that runs away is held, so that it stays finite.
const FAR: f64 = 1e100;

/// The name of the model with the sparse lags.
const SPARSE: &str = "SparseLagRidge";

/// The model with its two season lengths, such as 24 and 168 for hourly data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LagRidge {
    /// Which lags it looks at.
    pub(crate) lags: LagSet,
    /// The shorter season, m₁.
    pub(crate) short: usize,
    /// The longer season, m₂.
    pub(crate) long: usize,
    /// The penalty λ, in units of the mean diagonal of G.
    pub(crate) penalty: f64,
}

/// The sets of lags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LagSet {
    /// All around the day and the week.
    Dense,
    /// The few that matter most, two weeks included.
    Sparse,
}

impl LagRidge {
    /// Has the dense lags and a penalty of 1e-4.
    pub(crate) fn new(short: usize, long: usize) -> Self {
        Self {
            lags: LagSet::Dense,
            short: short.max(1),
            long: long.max(1),
            penalty: 1e-4,
        }
    }

    /// Has the sparse lags.
    pub(crate) fn sparse(short: usize, long: usize) -> Self {
        Self {
            lags: LagSet::Sparse,
            ..Self::new(short, long)
        }
    }

    fn known_as(&self) -> &'static str {
        match self.lags {
            LagSet::Dense => NAME,
            LagSet::Sparse => SPARSE,
        }
    }

    /// How far the mean reaches back.
    fn week(&self) -> usize {
        self.long.max(self.short)
    }

    /// The runs of lags, the longest lag first; runs that touch are one.
    fn runs(&self) -> Vec<Range<usize>> {
        let (day, week) = (self.short, self.week());
        let around = |centre: usize, before: usize, after: usize| centre.saturating_sub(before)..=centre + after;
        let lags: BTreeSet<usize> = match self.lags {
            LagSet::Dense => (1..=day + 4).chain(around(week, 27, 4)).collect(),
            LagSet::Sparse => (1..=3)
                .chain(around(day, 1, 2))
                .chain(around(week, 3, 2))
                .chain(around(2 * week, 1, 1))
                .collect(),
        };
        let mut runs: Vec<Range<usize>> = Vec::new();
        for lag in lags.into_iter().filter(|&lag| lag > 0) {
            match runs.last_mut() {
                Some(run) if run.end == lag => run.end += 1,
                _ => runs.push(lag..lag + 1),
            }
        }
        runs.reverse();
        runs
    }

    /// The fewest values: twice as many rows as coefficients, and a few.
    fn needed(&self) -> usize {
        let lags = self.runs();
        lags[0].end - 1 + 2 * lags.iter().map(ExactSizeIterator::len).sum::<usize>() + 8
    }

    /// Reads a fit off the running sums at each of the ascending cutoffs.
    fn pass(&self, x: &[f64], scale: Scale, cutoffs: &[usize]) -> Vec<FitResult> {
        let design = Design::new(x, self.runs(), self.week());
        let mut sums = Sums::new(design.width);
        let mut row = vec![0.0; design.width];
        let mut t = design.first();
        let mut fit = |&n: &usize| -> FitResult {
            while t < n {
                let target = design.row(t, &mut row);
                sums.add(&row, target);
                t += 1;
            }
            let (beta, variance) = sums.solve(self.penalty).ok_or_else(|| self.no_solution())?;
            Ok(Box::new(RidgeFit::new(&design, &x[..n], scale, beta, variance)))
        };
        cutoffs.iter().map(&mut fit).collect()
    }
}

impl LagRidge {
    fn no_solution(&self) -> FitError {
        FitError::NoFit {
            model: self.known_as(),
            why: "the normal equations have no finite solution".to_owned(),
        }
    }
}

impl Model for LagRidge {
    fn fit(&self, y: &[f64]) -> FitResult {
        fit_in_one_pass(self, y)
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<FitResult> {
        let past = FitRequest {
            model: self.known_as(),
            needed: self.needed(),
            season: self.short,
            y,
        };
        fit_by_scale(&past, cutoffs, |x, scale, ascending| self.pass(x, scale, ascending))
    }

    fn regression(&self) -> Option<&dyn RegressionModel> {
        Some(self)
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
/// The running sum is recomputed every `week` positions, so that an enormous value that has left it leaves no error.
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

/// A fitted `LagRidge`.
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
    /// What columns that are known ahead add, if there are any.
    known: Option<KnownEffect>,
}

impl RidgeFit {
    fn new(design: &Design, past: &[f64], scale: Scale, beta: Vec<f64>, variance: f64) -> Self {
        let past = drawn_in(past);
        Self {
            scale,
            lags: design.lags.clone(),
            week: design.means.iter().take_while(|mean| mean.is_nan()).count(),
            beta,
            variance,
            tail: past[past.len() - design.first()..].to_vec(),
            bounds: cut_off(&past),
            known: None,
        }
    }

    /// What the regression says follows `past`, step by step on its own forecasts.
    fn recurse(&self, past: &[f64], horizon: usize) -> Vec<f64> {
        let mut path = past.to_vec();
        let mut row = vec![0.0; self.beta.len()];
        for _ in 0..horizon {
            let mean = path[path.len() - self.week..].iter().sum::<f64>() / self.week as f64;
            fill(&mut row, &self.lags, &path, mean);
            let next = mean + dot(&row, &self.beta);
            // Of what is infinite in both directions nothing is known but the mean.
            path.push(if next.is_nan() { mean } else { next.clamp(-FAR, FAR) });
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
        let mut path: Vec<f64> = self
            .recurse(&self.tail, horizon)
            .into_iter()
            .map(|x| x.clamp(low, high))
            .collect();
        if let Some(known) = &self.known {
            known.add_to(&mut path);
        }
        self.scale.forecast(&path, &self.deviations(horizon), levels)
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let lags = self
            .lags
            .iter()
            .map(|run| format!("{}..{}", run.start, run.end - 1))
            .collect::<Vec<_>>();
        let mut summary = vec![
            ("scale", Estimate::Text(self.scale.description().to_owned())),
            ("lags", Estimate::Text(lags.join(", "))),
            ("coefficients", Estimate::Numbers(self.beta.clone())),
            ("sigma2", Estimate::Number(self.variance)),
        ];
        summary.extend(self.known.iter().flat_map(KnownEffect::summary));
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::sample;
    use super::*;

    #[test]
    fn forecasts_are_those_of_a_plain_solution_of_the_equations() {
        // From the equations above in numpy, with `linalg.solve` and the series divided by its seasonal difference.
        let dense = [
            185.618_007_053_475_42,
            191.834_024_371_200_34,
            196.702_447_852_231_42,
            206.031_537_161_831_18,
        ];
        sample::assert_steps(&LagRidge::new(24, 168), dense);
        let sparse = [
            184.788_445_850_592_4,
            184.498_610_543_890_38,
            187.647_311_873_038_66,
            191.873_349_015_462_76,
        ];
        sample::assert_steps(&LagRidge::sparse(24, 168), sparse);
    }

    #[test]
    fn a_spike_does_not_come_again() {
        let plain: Vec<f64> = (0..1_000).map(sample::double_season).collect();
        for model in [LagRidge::new(24, 168), LagRidge::sparse(24, 168)] {
            let usual = model.fit(&plain).unwrap().forecast(48, &[95.0]);
            for at in [500, 900, 976, 990, 998] {
                let mut y = plain.clone();
                y[at] *= 10_000.0;
                let forecast = model.fit(&y).unwrap().forecast(48, &[95.0]);
                for (found, usual) in forecast.mean.iter().zip(&usual.mean) {
                    assert!(
                        (0.3..3.0).contains(&(found / usual)),
                        "{} at {at}: {found}, not {usual}",
                        model.known_as()
                    );
                }
            }
        }
    }

    #[test]
    fn a_pure_double_season_is_reproduced() {
        let y: Vec<f64> = (0..700).map(sample::double_season).collect();
        for model in [LagRidge::new(24, 168), LagRidge::sparse(24, 168)] {
            let forecast = model.fit(&y).unwrap().forecast(48, &[]);
            for (t, found) in (700..).zip(forecast.mean) {
                // The penalty leaves a little: 1 % of the series' range.
                assert!(
                    (found - sample::double_season(t)).abs() < 8.0,
                    "{}: {found} is not {}",
                    model.known_as(),
                    sample::double_season(t)
                );
            }
        }
    }

    #[test]
    fn one_pass_serves_all_cutoffs() {
        sample::assert_one_pass_serves_all(&LagRidge::new(24, 168));
        sample::assert_one_pass_serves_all(&LagRidge::sparse(24, 168));
    }

    #[test]
    fn a_repeated_day_is_repeated() {
        sample::assert_a_day_is_repeated(&LagRidge::new(24, 168));
    }

    #[test]
    fn a_factor_passes_through() {
        sample::assert_equivariant(&LagRidge::new(24, 168));
    }

    #[test]
    fn hostile_series_do_no_harm() {
        sample::fuzz(&LagRidge::new(24, 168));
        sample::fuzz(&LagRidge::sparse(3, 5));
        sample::fuzz(&LagRidge::new(1, 1));
    }

    #[test]
    fn a_path_that_runs_away_in_both_directions_stays_a_number() {
        let pieces = [(0.0, 171), (f64::MIN_POSITIVE, 161), (-1.89e203, 141), (0.0, 193)];
        let steps = pieces
            .iter()
            .flat_map(|&(value, times)| std::iter::repeat_n(value, times));
        let y: Vec<f64> = steps.zip(sample::hourly(1_600)).map(|(a, b)| a + b).collect();
        for model in [LagRidge::new(24, 168), LagRidge::sparse(3, 5), LagRidge::new(1, 1)] {
            for fit in model.fit_at(&y, &[y.len() / 2, y.len()]).into_iter().flatten() {
                let forecast = fit.forecast(50, &[80.0]);
                assert!(forecast.mean.iter().all(|value| value.is_finite()));
            }
        }
    }

    #[test]
    fn lags_of_short_seasons_do_not_overlap() {
        assert_eq!(LagRidge::new(24, 168).runs(), [141..173, 1..29]);
        assert_eq!(LagRidge::new(7, 30).runs(), vec![Range { start: 1, end: 35 }]);
        assert_eq!(LagRidge::sparse(24, 168).runs(), [335..338, 165..171, 23..27, 1..4]);
        assert_eq!(LagRidge::sparse(1, 1).runs(), vec![Range { start: 1, end: 4 }]);
    }

    #[test]
    fn a_short_series_is_reported() {
        let error = LagRidge::new(24, 168).fit(&[1.0; 299]).err();
        assert_eq!(
            error,
            Some(FitError::TooShort {
                model: NAME,
                needed: 300,
                found: 299
            })
        );
    }

    #[test]
    fn intervals_widen_and_nest() {
        sample::assert_intervals_widen_and_nest(&LagRidge::new(24, 168), 48, 0.0);
    }
}
