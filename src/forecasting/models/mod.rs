//! Forecasting models: fit on a series, then forecast.
//!
//! An unfitted model cannot forecast: [`Model::fit`] gives a [`Fitted`], and only that has a forecast. A fit is a pure
//! function of the model and the series: no clock, no random source, the same bits at any thread count. The models
//! know no tables and no electricity, and of the engine only how a setting is declared.

pub(super) mod analogues;
pub(super) mod arima;
pub(super) mod classical;
pub(super) mod combine;
pub(super) mod conformal;
pub(super) mod double_seasonal;
pub(super) mod ets;
pub(super) mod hourly_panel;
pub(super) mod known;
pub(super) mod lag_ridge;
mod linalg;
pub(super) mod mstl;
pub(super) mod nearest_neighbours;
mod neighbourhood;
mod normal;
mod optimise;
pub(super) mod panel_model;
mod past_errors;
pub(super) mod pooled_ar;
pub(super) mod pooled_intervals;
mod repeated_season;
pub(super) mod scale;
pub(super) mod seasonal_naive;
pub(super) mod settings;
pub(super) mod simple;
mod simplex;
mod spikes;
mod step_errors;
mod stl;
mod student;
pub(super) mod tbats;
pub(super) mod theta;
pub(super) mod week_profile;

use std::fmt::Debug;

use known::KnownAhead;

/// A forecasting model with its settings, not yet fitted.
pub(crate) trait Model: Debug + Send + Sync {
    /// Fits the model to a series of `n` finite values at regular steps, the oldest first.
    ///
    /// # Errors
    /// [`FitError`] if the series cannot be fitted.
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError>;

    /// Fits the model to the first `n` values of `y` for each `n` in `cutoffs`, in that order.
    ///
    /// Each result equals that of [`Model::fit`] on the same past; a model that can read several states off one pass
    /// does so here.
    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
        cutoffs.iter().map(|&n| self.fit(&y[..n])).collect()
    }

    /// Fits the model to several series, in that order.
    ///
    /// Each result equals that of [`Model::fit`] on the series; a model that can fit several side by side does so here.
    fn fit_each(&self, series: &[&[f64]]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
        series.iter().map(|y| self.fit(y)).collect()
    }

    /// Whether [`Model::fit_at`] does in one go what would be done again for each past alone, so that it is worth more
    /// than a thread for each.
    fn fits_together(&self) -> bool {
        false
    }

    /// The model as a regression on columns that are known ahead; `None` for one that cannot use any.
    fn regression(&self) -> Option<&dyn RegressionModel> {
        None
    }
}

/// A model that can be a regression on columns that are known ahead.
pub(crate) trait RegressionModel: Model {
    /// Fits the model to a series with columns that are known for its past and for the steps to forecast.
    ///
    /// The fit forecasts as far as the columns go, and no further. It leaves out columns whose effect the past cannot
    /// tell, and says in its summary, under `known`, which it used.
    ///
    /// # Errors
    /// As those of [`Model::fit`].
    fn fit_known(&self, y: &[f64], known: &KnownAhead<'_>) -> Result<Box<dyn Fitted>, FitError>;
}

/// [`Model::fit`] of a model whose fit is [`Model::fit_at`] with one cutoff, the end.
fn fit_in_one_pass(model: &dyn Model, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
    let outcome = model.fit_at(y, &[y.len()]).pop();
    outcome.expect("internal error: one cutoff, no outcome")
}

/// A model after its fit to one series.
pub(crate) trait Fitted: Debug + Send + Sync {
    /// Forecasts the next `horizon` steps, with a prediction interval for each of `levels` (percent, in (0, 100)).
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast;

    /// What was found: orders, coefficients, criteria, by name; what `selected.json` and the registry show people.
    ///
    /// Where a limit on the work of the fit was reached, one of the entries says so.
    fn summary(&self) -> Vec<(&'static str, Estimate)>;
}

/// One thing that a fit found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Estimate {
    /// A number.
    Number(f64),
    /// Several, such as coefficients.
    Numbers(Vec<f64>),
    /// Words, such as `ARIMA(3,0,1)(2,1,0)[24]`.
    Text(String),
}

/// Point forecasts and prediction intervals of one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Forecast {
    /// The point forecasts, one for each step.
    pub(crate) mean: Vec<f64>,
    /// One interval for each level asked for, in that order.
    pub(crate) intervals: Vec<Interval>,
}

/// The prediction interval of one level.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Nominal coverage in percent.
    pub(crate) level: f64,
    /// Lower bounds, one for each step.
    pub(crate) lower: Vec<f64>,
    /// Upper bounds, one for each step.
    pub(crate) upper: Vec<f64>,
}

/// Why a series could not be fitted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum FitError {
    /// Fewer values than the model can work with.
    #[error("{model} needs at least {needed} values, found {found}")]
    TooShort {
        /// The model.
        model: &'static str,
        /// How many it needs.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A value that is no finite number.
    #[error("the value at position {at} is not a finite number")]
    NotFinite {
        /// Position, counted from 0.
        at: usize,
    },
    /// The numbers led nowhere.
    #[error("{model} found no fit: {why}")]
    NoFit {
        /// The model.
        model: &'static str,
        /// What happened.
        why: String,
    },
}

/// Checks that all values are finite and that there are enough of them.
///
/// # Errors
/// [`FitError`] for the first that is not, or if there are fewer than `needed`.
pub(crate) fn check(model: &'static str, y: &[f64], needed: usize) -> Result<(), FitError> {
    if let Some(at) = y.iter().position(|value| !value.is_finite()) {
        return Err(FitError::NotFinite { at });
    }
    if y.len() < needed {
        let found = y.len();
        return Err(FitError::TooShort { model, needed, found });
    }
    Ok(())
}
