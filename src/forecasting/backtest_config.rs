//! What a back-test is asked for, and what follows from that alone.

use super::backtest::{Outcomes, RollingOrigin};
use super::cached_fit::ForecastRequest;
use super::frequency::Frequency;
use super::intervals::{self, Calibration, IntervalMethod};
use super::models::combine::WindowValues;
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
    pub(super) fn actual(&self, series: &Series, cutoffs: &[usize]) -> WindowValues {
        intervals::actual(series, cutoffs, self.windows.horizon)
    }

    /// The point forecasts of each window.
    pub(super) fn point_forecasts(&self, outcomes: &Outcomes) -> WindowValues {
        intervals::point_forecasts(outcomes, self.windows.horizon)
    }

    /// What intervals are calibrated on; `None` if the models' own are wanted. `outcomes` are by model and series.
    pub(super) fn calibration<'a>(
        &'a self,
        season: usize,
        series: &'a [(&'a Series, Vec<usize>)],
        outcomes: &[Vec<Outcomes>],
    ) -> Option<Calibration<'a>> {
        let tested = (series, self.windows.horizon);
        let calibration = || Calibration::new((self.intervals, &self.levels), season, tested, outcomes);
        (self.intervals != IntervalMethod::Own).then(calibration)
    }

    /// Makes of the forecasts of all models what would be published: intervals as asked for, nothing below zero.
    ///
    /// What is below zero is raised first, so that errors are those of what is published.
    pub(super) fn finish(&self, season: usize, series: &[(&Series, Vec<usize>)], outcomes: &mut [Vec<Outcomes>]) {
        self.raise(outcomes.iter_mut().flatten());
        let Some(calibration) = self.calibration(season, series, outcomes) else {
            return;
        };
        for of_model in outcomes.iter_mut() {
            let forecasts: Vec<WindowValues> = of_model.iter().map(|one| self.point_forecasts(one)).collect();
            calibration.recalibrate(&forecasts, of_model.iter_mut().map(Some).collect());
        }
        self.raise(outcomes.iter_mut().flatten());
    }

    /// Raises what is below zero to zero, if that is asked for.
    pub(super) fn raise<'a>(&self, outcomes: impl Iterator<Item = &'a mut Outcomes>) {
        if self.non_negative {
            outcomes.for_each(intervals::raise);
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
