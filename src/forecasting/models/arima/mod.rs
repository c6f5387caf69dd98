//! ARIMA models with a season, whose order is searched for.
//!
//! Source: Box and Jenkins (1970) for the models; Hyndman and Khandakar (2008), "Automatic time series forecasting",
//! section 3, for the search of [`AutoArima`]; statsforecast's `AutoARIMA` for its defaults.
//!
//! ```text
//! series ─▶ differencing ─▶ css (coefficients) ─▶ exact (likelihood) ─▶ forecast
//!            strength             ▲    least_squares    │
//!        hannan_rissanen,         │                     │
//!        cancelling (starts) ─────┴────── search ◀──────┘   order, criterion
//! ```
//!
//! State: `max(p + P m, q + Q m + 1)` numbers, and the last `d + D m` values. Cost of an evaluation, with n values: the
//! conditional sum of squares O(n (p + q + P + Q)); the exact likelihood O(r) a step until the filter is steady and
//! O(p + q + P + Q) after, where the usual filter takes O(r^2) to O(r^3).
//!
//! Departures from the reference, and why:
//! - Values before the differences are conditioned on, not given a diffuse prior: the likelihood is that of the
//!   differenced series, to which the diffuse one tends.
//! - While searching, the coefficients come from the conditional sum of squares, as there, but the criterion is the
//!   exact likelihood at them: it costs no more, and conditional sums over different numbers of values cannot be compared.
//! - The search moves to the best neighbour and not to the first better one, so neighbours are estimated in parallel and
//!   the result is the same at any number of threads.
//! - As there, a candidate with a root closer to the unit circle than 1.01 is refused, with the polynomials multiplied out;
//!   so with 24 steps a seasonal moving average is refused from 0.787 on. It looks like an accident and is not undone:
//!   on a year of hourly generation the models thus refused have a criterion lower by 1,600 and errors higher by a tenth.
//!   Of the minima of one candidate the best that is not refused counts, and an estimation that leads to such roots is
//!   given up.
//! - A mixed model's sum of squares has several minima, and the reference starts from zeros alone. Here a candidate
//!   starts from two regressions (Hannan and Rissanen 1982), and those around the best of them once more, beside the
//!   smaller model where one rhythm more helps most: the search's four passes stand in `search`.
//! - The few best candidates, not only the first, are estimated by exact likelihood before one is chosen, and so are
//!   that one's neighbours.
//! - Mean and drift, and the noise's variance, are concentrated out of the likelihood (generalised least squares).
//!
//! Warm starts: the search on a long series goes on from the last candidates of a search over its beginning, each from
//! the coefficients that it had there. That beginning is common to the windows of a back-test, and searched once for all:
//! five windows of a year of hours took 0.96 CPU seconds instead of 2.7, of four months 0.41 instead of 1.6. Which of the
//! many minima is found differs, for better and for worse: with a season of 24 the criterion was lower in four of these
//! ten windows, by up to 370, and higher in two, by 10; without a season, higher in four of five, by 200. MSTL does
//! without: what it leaves of each window's past is another series.

mod auto;
mod cancelling;
mod candidates;
mod css;
mod differencing;
mod estimate;
mod exact;
mod exact_derivatives;
mod forecast;
mod hannan_rissanen;
mod harmonic;
mod known;
mod least_squares;
mod likelihood;
mod order;
mod polynomial;
mod sample;
mod search;
mod strength;
#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "short series, and values that are exact"
)]
mod tests;

pub(crate) use auto::AutoArima;
pub(crate) use harmonic::HarmonicArima;
pub(super) use polynomial::roots_beyond;

use super::super::named_enum::named_enum;
use super::{FitError, Fitted};
use estimate::ArmaEstimate;
use forecast::{Constant, Finished, FittedArima, Regressors, SearchEffort};
use likelihood::Likelihood;
use order::Order;
use sample::DifferencedSample;

named_enum! {
    /// How the coefficients are estimated.
    pub(crate) enum Method {
        /// Conditional sum of squares.
        Css = "css",
        /// Exact maximum likelihood.
        Ml = "ml",
        /// Exact maximum likelihood, started from the conditional sum of squares.
        CssMl = "css-ml",
    }
}

named_enum! {
    /// What models are compared by.
    pub(crate) enum Criterion {
        /// Akaike's, corrected for short series (Hurvich and Tsai 1989).
        Aicc = "aicc",
        /// Akaike's.
        Aic = "aic",
        /// Schwarz's.
        Bic = "bic",
    }
}

impl Criterion {
    /// The criterion of a model with `parameters` (the noise's variance included) on `n` values.
    #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
    fn value(self, log_likelihood: f64, parameters: usize, n: usize) -> f64 {
        let (k, n) = (parameters as f64, n as f64);
        let fit = -2.0 * log_likelihood;
        match self {
            Self::Aic => fit + 2.0 * k,
            Self::Bic => fit + k * n.ln(),
            Self::Aicc if n - k - 1.0 > 0.0 => fit + 2.0 * k * n / (n - k - 1.0),
            Self::Aicc => f64::INFINITY,
        }
    }
}

/// The largest value that leaves room for sums and forecasts.
const LARGEST: f64 = 1e300;

/// The power of two next to the largest value in size: dividing by it is exact, and keeps squares in range.
fn scale_of(model: &'static str, y: &[f64]) -> Result<f64, FitError> {
    let largest = y.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest > LARGEST {
        let why = format!("the largest value, {largest:e}, is beyond {LARGEST:e}");
        return Err(FitError::NoFit { model, why });
    }
    // The exponent's bits alone, kept away from the end of the range so that the inverse exists too.
    let exponent = (largest.to_bits() >> 52).max(24);
    Ok(f64::from_bits(exponent << 52))
}

/// A scaled and differenced series.
struct Differenced {
    series: Vec<f64>,
    /// The differenced mean or drift.
    constant: f64,
    /// Differenced columns that are a part of every candidate.
    columns: Vec<Vec<f64>>,
}

impl Differenced {
    /// Takes the differences of an order.
    fn new(scaled: &[f64], order: &Order) -> Self {
        let seasonal = differencing::difference(scaled, order.season_length, order.seasonal_d);
        let series = differencing::difference(&seasonal, 1, order.d);
        #[expect(clippy::cast_precision_loss, reason = "a season has few steps")]
        let constant = if order.seasonal_d == 1 {
            order.season_length as f64
        } else {
            1.0
        };
        Self {
            series,
            constant,
            columns: Vec::new(),
        }
    }

    /// With or without a constant, which stands behind the columns.
    fn sample(&self, constant: bool) -> DifferencedSample {
        let mut regressors = self.columns.clone();
        if constant {
            regressors.push(vec![self.constant; self.series.len()]);
        }
        DifferencedSample {
            series: self.series.clone(),
            regressors,
        }
    }
}

/// Turns an estimate into a model that forecasts; `None` if it has no likelihood.
fn finish(
    y: &[f64],
    scale: f64,
    sample: &DifferencedSample,
    estimate: &ArmaEstimate,
    constant: bool,
    effort: SearchEffort,
) -> Option<Box<dyn Fitted>> {
    let order = &estimate.order;
    let likelihood = Likelihood::at(sample, &estimate.coefficients)?;
    let drift = order.d + order.seasonal_d > 0;
    let regressors = constant.then(|| {
        let coefficient = likelihood.regression[0] * scale;
        Box::new(Constant { coefficient, drift }) as Box<dyn Regressors>
    });
    let text = order.text(constant);
    let finished = Finished {
        y,
        scale,
        sample,
        estimate,
        likelihood,
        regressors,
        text,
        effort,
    };
    Some(Box::new(FittedArima::new(finished)))
}
