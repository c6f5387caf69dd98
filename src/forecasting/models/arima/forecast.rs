//! A fitted ARIMA model: forecasts, prediction intervals, and what was found.

use super::super::{Estimate, Fitted, Forecast, normal};
use super::Criterion;
use super::differencing::difference_lags;
use super::estimate::ArmaEstimate;
use super::likelihood::Likelihood;
use super::order::{Coefficients, Order};
use super::polynomial::LagPolynomial;
use super::sample::{DifferencedSample, subtract};

/// How the search for an order went.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SearchEffort {
    /// Candidates that were estimated.
    pub(super) candidates: usize,
    /// Iterations of all estimations.
    pub(super) iterations: usize,
    /// Limits that were reached, in words.
    pub(super) limits: Vec<String>,
}

/// What the regressors add to the forecast of the ARIMA errors.
pub(super) trait Regressors: std::fmt::Debug + Send + Sync {
    /// The sum of all regressors times their coefficients at the position `t`, counted from the first value.
    fn effect(&self, t: usize) -> f64;

    /// How many positions there are; `None` if any.
    fn end(&self) -> Option<usize> {
        None
    }

    /// The coefficients by name.
    fn summary(&self) -> Vec<(&'static str, Estimate)>;
}

/// A mean (without differences) or a drift (with one): `coefficient` times 1 or times `t + 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Constant {
    /// The mean, or the slope.
    pub(super) coefficient: f64,
    /// Whether it is a slope.
    pub(super) drift: bool,
}

impl Regressors for Constant {
    #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
    fn effect(&self, t: usize) -> f64 {
        if self.drift {
            self.coefficient * (t + 1) as f64
        } else {
            self.coefficient
        }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        vec![(
            if self.drift { "drift" } else { "mean" },
            Estimate::Number(self.coefficient),
        )]
    }
}

/// A fitted model.
#[derive(Debug)]
pub(super) struct FittedArima {
    /// What was found.
    summary: Vec<(&'static str, Estimate)>,
    /// The length of the series.
    n: usize,
    /// The last values of the errors, as many as the differences reach back.
    tail: Vec<f64>,
    /// The differences, as a recursion.
    differences: LagPolynomial,
    /// The autoregressive and the moving-average side, multiplied out.
    ar: LagPolynomial,
    ma: LagPolynomial,
    /// The state that predicts the differenced errors.
    state: Vec<f64>,
    /// The variance of the noise.
    variance: f64,
    /// The regressors, if any.
    regressors: Option<Box<dyn Regressors>>,
}

/// A finished estimation of a series that was divided by `scale` before.
pub(super) struct Finished<'a> {
    /// The series, not scaled.
    pub(super) y: &'a [f64],
    /// The divisor.
    pub(super) scale: f64,
    /// The scaled, differenced series and regressors.
    pub(super) sample: &'a DifferencedSample,
    /// The estimate.
    pub(super) estimate: &'a ArmaEstimate,
    /// The exact likelihood at it.
    pub(super) likelihood: Likelihood,
    /// The regressors, with coefficients for the series that is not scaled.
    pub(super) regressors: Option<Box<dyn Regressors>>,
    /// The order in words.
    pub(super) text: String,
    /// How the search went.
    pub(super) effort: SearchEffort,
}

impl Finished<'_> {
    /// The variance of the noise, not scaled, and less biased by the fit.
    fn variance(&self) -> f64 {
        // A perfect fit leaves no noise at all.
        let left = if self.likelihood.variance <= f64::MIN_POSITIVE {
            0.0
        } else {
            self.likelihood.variance
        };
        left * self.estimate.variance_inflation() * self.scale * self.scale
    }

    /// What was found.
    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let mut summary = vec![("order", Estimate::Text(self.text.clone()))];
        summary.extend(coefficient_summary(&self.estimate.coefficients));
        summary.extend(self.regressors.iter().flat_map(|regressors| regressors.summary()));
        // The density of the series itself, not of the scaled one.
        #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
        let shift = self.sample.series.len() as f64 * self.scale.ln();
        let criterion = |criterion| self.estimate.criterion(criterion) + 2.0 * shift;
        let numbers = [
            ("sigma2", self.variance()),
            ("log_likelihood", self.likelihood.log - shift),
            ("aicc", criterion(Criterion::Aicc)),
            ("aic", criterion(Criterion::Aic)),
            ("bic", criterion(Criterion::Bic)),
        ];
        summary.extend(numbers.map(|(name, value)| (name, Estimate::Number(value))));
        summary.extend(effort_summary(&self.effort));
        summary
    }
}

impl FittedArima {
    /// Makes a model that forecasts out of a finished estimation.
    pub(super) fn new(finished: Finished<'_>) -> Self {
        let Finished {
            y,
            scale,
            sample,
            estimate,
            likelihood,
            ..
        } = &finished;
        let Order {
            d,
            seasonal_d,
            season_length,
            ..
        } = estimate.order;
        // The filter is linear: what holds for the columns holds for the errors.
        let combine = |columns: &[Vec<f64>]| -> Vec<f64> {
            let mut rest = columns[0].clone();
            subtract(&columns[1..], &likelihood.regression, &mut rest);
            rest.into_iter().map(|value| value * scale).collect()
        };
        let lost = y.len() - sample.series.len();
        let effect = |t| {
            finished
                .regressors
                .as_ref()
                .map_or(0.0, |regressors| regressors.effect(t))
        };
        Self {
            summary: finished.summary(),
            n: y.len(),
            tail: (y.len() - lost..y.len()).map(|t| y[t] - effect(t)).collect(),
            differences: difference_lags(d, seasonal_d, season_length),
            ar: estimate.coefficients.ar_lags(),
            ma: estimate.coefficients.ma_lags(),
            state: combine(&likelihood.whitened.states),
            variance: finished.variance(),
            regressors: finished.regressors,
        }
    }

    /// A series that differences and a constant explain wholly: its forecast has no width.
    pub(super) fn without_noise(y: &[f64], order: &Order, constant: Option<Constant>) -> Self {
        let effect = |t| constant.map_or(0.0, |constant| constant.effect(t));
        let lost = order.lost();
        let mut summary = vec![("order", Estimate::Text(order.text(constant.is_some())))];
        summary.extend(constant.iter().flat_map(Regressors::summary));
        summary.push(("sigma2", Estimate::Number(0.0)));
        summary.extend(effort_summary(&SearchEffort::default()));
        Self {
            summary,
            n: y.len(),
            tail: (y.len() - lost..y.len()).map(|t| y[t] - effect(t)).collect(),
            differences: difference_lags(order.d, order.seasonal_d, order.season_length),
            ar: LagPolynomial::default(),
            ma: LagPolynomial::default(),
            state: Vec::new(),
            variance: 0.0,
            regressors: constant.map(|constant| Box::new(constant) as Box<dyn Regressors>),
        }
    }

    /// The weights of past noise in the values, `ψ_0 = 1` first.
    fn noise_weights(&self, count: usize) -> Vec<f64> {
        let mut stationary = Vec::with_capacity(count);
        let mut weights = Vec::with_capacity(count);
        let ma = self.ma.dense(count.max(self.ma.degree()));
        for j in 0..count {
            let own = if j == 0 { 1.0 } else { ma[j - 1] };
            let psi = own + self.ar.sum_before(&stationary, j);
            stationary.push(psi);
            let weight = psi + self.differences.sum_before(&weights, j);
            weights.push(weight);
        }
        weights
    }
}

/// The coefficients by name, as far as the order has any.
fn coefficient_summary(coefficients: &Coefficients) -> Vec<(&'static str, Estimate)> {
    let all = [
        ("ar", &coefficients.ar),
        ("ma", &coefficients.ma),
        ("seasonal_ar", &coefficients.seasonal_ar),
        ("seasonal_ma", &coefficients.seasonal_ma),
    ];
    let some = all.into_iter().filter(|(_, values)| !values.is_empty());
    some.map(|(name, values)| (name, Estimate::Numbers(values.clone())))
        .collect()
}

/// What the work came to.
fn effort_summary(effort: &SearchEffort) -> Vec<(&'static str, Estimate)> {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let number = |count: usize| Estimate::Number(count as f64);
    let mut summary = vec![
        ("candidates", number(effort.candidates)),
        ("iterations", number(effort.iterations)),
    ];
    if !effort.limits.is_empty() {
        summary.push(("limits_reached", Estimate::Text(effort.limits.join("; "))));
    }
    summary
}

impl Fitted for FittedArima {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let end = self.regressors.as_ref().and_then(|regressors| regressors.end());
        let horizon = end.map_or(horizon, |end| horizon.min(end.saturating_sub(self.n)));
        let ar = self.ar.dense(self.state.len().saturating_sub(1));
        let mut state = self.state.clone();
        let mut errors = self.tail.clone();
        let mut mean = Vec::with_capacity(horizon);
        for h in 0..horizon {
            let first = state.first().copied().unwrap_or(0.0);
            for (i, phi) in ar.iter().enumerate() {
                state[i] = state[i + 1] + phi * first;
            }
            let error = first + self.differences.sum_before(&errors, errors.len());
            errors.push(error);
            let effect = self
                .regressors
                .as_ref()
                .map_or(0.0, |regressors| regressors.effect(self.n + h));
            mean.push(error + effect);
        }
        let mut sum = 0.0;
        let deviations: Vec<f64> = self
            .noise_weights(horizon)
            .into_iter()
            .map(|weight| {
                sum += weight * weight;
                (self.variance * sum).sqrt()
            })
            .collect();
        let intervals = normal::intervals(&mean, &deviations, levels);
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        self.summary.clone()
    }
}
