//! What a back-test is asked for, and what follows from that alone.

use super::backtest::{Outcomes, RollingOrigin};
use super::cached_fit::ForecastRequest;
use super::frequency::Frequency;
use super::intervals::{self, IntervalMethod};
use super::models::combine;
use super::named_enum::of_param;
use super::series::Series;
use super::weighting::{EnsembleRule, Score, Select};
use crate::engine::task::Context;

/// The parameters of the back-test.
pub(super) struct BacktestConfig {
    /// How the windows lie.
    pub(super) windows: RollingOrigin,
    /// Levels of the intervals in percent, the narrowest first.
    pub(super) levels: Vec<f64>,
    /// What ranks the models.
    pub(super) score: Score,
    /// What forecasts a series.
    pub(super) select: Select,
    /// How many models an ensemble has.
    pub(super) ensemble_size: usize,
    /// How an ensemble combines its members.
    pub(super) ensemble_rule: EnsembleRule,
    /// Which intervals are published.
    pub(super) intervals: IntervalMethod,
    /// Whether what is below zero becomes zero.
    pub(super) non_negative: bool,
}

impl BacktestConfig {
    /// Reads them.
    pub(super) fn of(context: &Context<'_>, frequency: Frequency) -> Self {
        Self {
            windows: RollingOrigin {
                horizon: frequency.horizon(context),
                count: context.count("n_windows"),
                step: frequency.step_size(context),
            },
            levels: levels(context),
            score: of_param(context, "metric"),
            select: of_param(context, "select"),
            ensemble_size: context.count("ensemble_size"),
            ensemble_rule: of_param(context, "ensemble_rule"),
            intervals: of_param(context, "intervals"),
            non_negative: context.flag("non_negative"),
        }
    }

    /// What happened in each window of a series.
    pub(super) fn actual(&self, series: &Series, cutoffs: &[usize]) -> combine::WindowValues {
        let mut actual = combine::WindowValues::new(self.windows.horizon);
        for &cutoff in cutoffs {
            actual.push(Some(&series.y[cutoff..cutoff + self.windows.horizon]));
        }
        actual
    }

    /// Makes of the forecasts of one series what would be published: intervals as asked for, nothing below zero.
    ///
    /// What is below zero is raised first, so that errors are those of what is published.
    pub(super) fn finish(&self, actual: &combine::WindowValues, outcomes: &mut Outcomes) {
        if self.non_negative {
            intervals::raise(outcomes);
        }
        if self.intervals == IntervalMethod::Conformal {
            intervals::recalibrate(actual, outcomes, &self.levels);
            if self.non_negative {
                intervals::raise(outcomes);
            }
        }
    }

    /// What each window is forecast for.
    pub(super) fn request(&self) -> ForecastRequest<'_> {
        ForecastRequest {
            horizon: self.windows.horizon,
            levels: &self.levels,
        }
    }
}

/// The levels of the intervals, the narrowest first, each once.
pub(super) fn levels(context: &Context<'_>) -> Vec<f64> {
    let mut levels = context.numbers("level");
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
}
