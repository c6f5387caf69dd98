//! A fitted ARIMA model: forecasts, prediction intervals, fitted values, and what was found.

use super::super::{Finding, Fitted, Forecast, Interval};
use super::Criterion;
use super::differencing::difference_lags;
use super::estimate::{Estimate, Likelihood, Sample};
use super::order::Order;
use super::polynomial::Lags;

/// How the search for an order went.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Effort {
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

    /// The coefficients by name.
    fn summary(&self) -> Vec<(&'static str, Finding)>;
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

    fn summary(&self) -> Vec<(&'static str, Finding)> {
        vec![(
            if self.drift { "drift" } else { "mean" },
            Finding::Number(self.coefficient),
        )]
    }
}

/// A fitted model.
#[derive(Debug)]
pub(super) struct FittedArima {
    /// What was found.
    summary: Vec<(&'static str, Finding)>,
    /// The length of the series.
    n: usize,
    /// Fitted values, NaN where the differences have none.
    fitted: Vec<f64>,
    /// The last values of the errors, as many as the differences reach back.
    tail: Vec<f64>,
    /// The differences, as a recursion.
    differences: Lags,
    /// The autoregressive and the moving-average side, multiplied out.
    ar: Lags,
    ma: Lags,
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
    pub(super) sample: &'a Sample,
    /// The estimate.
    pub(super) estimate: &'a Estimate,
    /// The exact likelihood at it.
    pub(super) likelihood: Likelihood,
    /// The regressors, with coefficients for the series that is not scaled.
    pub(super) regressors: Option<Box<dyn Regressors>>,
    /// The order in words.
    pub(super) text: String,
    /// How the search went.
    pub(super) effort: Effort,
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
            regressors,
            text,
            effort,
        } = finished;
        let Order {
            d,
            seasonal_d,
            season_length,
            ..
        } = estimate.order;
        let whitened = &likelihood.whitened;
        // The filter is linear: what holds for the columns holds for the errors.
        let combine = |columns: &[Vec<f64>]| -> Vec<f64> {
            let mut rest = columns[0].clone();
            for (column, c) in columns[1..].iter().zip(&likelihood.regression) {
                for (out, value) in rest.iter_mut().zip(column) {
                    *out -= c * value;
                }
            }
            rest.into_iter().map(|value| value * scale).collect()
        };
        let innovations = combine(&whitened.innovations);
        let state = combine(&whitened.states);
        let lost = y.len() - sample.series.len();
        let fitted = y
            .iter()
            .enumerate()
            .map(|(t, value)| {
                if t < lost {
                    f64::NAN
                } else {
                    value - innovations[t - lost]
                }
            })
            .collect();
        let effect = |t| regressors.as_ref().map_or(0.0, |regressors| regressors.effect(t));
        let tail = (y.len() - lost..y.len()).map(|t| y[t] - effect(t)).collect();
        // A perfect fit leaves no noise at all.
        let left = if likelihood.variance <= f64::MIN_POSITIVE {
            0.0
        } else {
            likelihood.variance
        };
        let variance = left * estimate.variance_inflation() * scale * scale;

        let coefficients = &estimate.coefficients;
        let mut summary = vec![("order", Finding::Text(text))];
        let polynomials = [
            ("ar", &coefficients.ar),
            ("ma", &coefficients.ma),
            ("seasonal_ar", &coefficients.seasonal_ar),
            ("seasonal_ma", &coefficients.seasonal_ma),
        ];
        for (name, values) in polynomials {
            if !values.is_empty() {
                summary.push((name, Finding::Numbers(values.clone())));
            }
        }
        summary.extend(regressors.iter().flat_map(|regressors| regressors.summary()));
        // The density of the series itself, not of the scaled one.
        #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
        let shift = sample.series.len() as f64 * scale.ln();
        let numbers = [
            ("sigma2", variance),
            ("log_likelihood", likelihood.log - shift),
            ("aicc", estimate.criterion(Criterion::Aicc) + 2.0 * shift),
            ("aic", estimate.criterion(Criterion::Aic) + 2.0 * shift),
            ("bic", estimate.criterion(Criterion::Bic) + 2.0 * shift),
        ];
        summary.extend(numbers.map(|(name, value)| (name, Finding::Number(value))));
        summary.extend(effort_summary(&effort));
        Self {
            summary,
            n: y.len(),
            fitted,
            tail,
            differences: difference_lags(d, seasonal_d, season_length),
            ar: coefficients.ar_lags(),
            ma: coefficients.ma_lags(),
            state,
            variance,
            regressors,
        }
    }

    /// A series that differences and a constant explain wholly: its forecast has no width.
    pub(super) fn without_noise(y: &[f64], order: &Order, constant: Option<Constant>) -> Self {
        let effect = |t| constant.map_or(0.0, |constant| constant.effect(t));
        let lost = order.lost();
        let mut summary = vec![("order", Finding::Text(order.text(constant.is_some())))];
        summary.extend(constant.iter().flat_map(Regressors::summary));
        summary.push(("sigma2", Finding::Number(0.0)));
        summary.extend(effort_summary(&Effort::default()));
        Self {
            summary,
            n: y.len(),
            fitted: y
                .iter()
                .enumerate()
                .map(|(t, value)| if t < lost { f64::NAN } else { *value })
                .collect(),
            tail: (y.len() - lost..y.len()).map(|t| y[t] - effect(t)).collect(),
            differences: difference_lags(order.d, order.seasonal_d, order.season_length),
            ar: Lags::default(),
            ma: Lags::default(),
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

/// What the work came to.
fn effort_summary(effort: &Effort) -> Vec<(&'static str, Finding)> {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let number = |count: usize| Finding::Number(count as f64);
    let mut summary = vec![
        ("candidates", number(effort.candidates)),
        ("iterations", number(effort.iterations)),
    ];
    if !effort.limits.is_empty() {
        summary.push(("limits_reached", Finding::Text(effort.limits.join("; "))));
    }
    summary
}

impl Fitted for FittedArima {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
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
        let intervals = levels
            .iter()
            .map(|&level| {
                let width = normal_quantile(0.5 + level / 200.0);
                let bound = |side: f64| {
                    mean.iter()
                        .zip(&deviations)
                        .map(|(m, s)| m + side * width * s)
                        .collect()
                };
                Interval {
                    level,
                    lower: bound(-1.0),
                    upper: bound(1.0),
                }
            })
            .collect();
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Finding)> {
        self.summary.clone()
    }

    fn fitted_values(&self) -> Option<&[f64]> {
        Some(&self.fitted)
    }
}

/// The quantile of the standard normal distribution at `p` in (0, 1), to about 1e-15 (Wichura 1988, AS 241, PPND16).
pub(super) fn normal_quantile(p: f64) -> f64 {
    let ratio = |numerator: [f64; 8], denominator: [f64; 8], r: f64| {
        let horner = |c: [f64; 8]| c.into_iter().rev().fold(0.0, |sum, c| sum * r + c);
        horner(numerator) / horner(denominator)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(CENTRE.0, CENTRE.1, 0.180_625 - q * q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt();
    let size = if r <= 5.0 {
        ratio(MIDDLE.0, MIDDLE.1, r - 1.6)
    } else {
        ratio(FAR.0, FAR.1, r - 5.0)
    };
    size.copysign(q)
}

/// Numerator and denominator of AS 241 within 0.425 of one half.
const CENTRE: ([f64; 8], [f64; 8]) = (
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
);

/// Numerator and denominator of AS 241 in the middle of the tails.
const MIDDLE: ([f64; 8], [f64; 8]) = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        0.000_774_545_014_278_341_4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        0.000_547_593_808_499_534_5,
        1.050_750_071_644_416_9e-9,
    ],
);

/// Numerator and denominator of AS 241 far out in the tails.
const FAR: ([f64; 8], [f64; 8]) = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        0.000_786_869_131_145_613_3,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_7e-15,
    ],
);
