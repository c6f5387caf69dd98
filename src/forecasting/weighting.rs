//! Which model, or combination of models, forecasts which series: decided on the back-test alone.
//!
//! Every way to choose ends in a [`Combination`] for each series, one model alone included, so that what forecasts needs
//! to know only that. Who is best is said by the ranks of the leaderboard; here the best few are weighted. Pure data in,
//! pure data out.

use super::metrics;
use super::models::combine::{Combination, WindowValues};
use super::named_enum::named_enum;

/// One series of a back-test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tested {
    /// What happened: windows × steps.
    pub(crate) actual: WindowValues,
    /// What each model forecast, in the order of `models`, of the same shape; a window that failed is NaN.
    pub(crate) forecasts: Vec<WindowValues>,
}

named_enum! {
    /// What forecasts a series.
    pub(crate) enum Select {
        /// The best model over all series.
        Overall = "overall",
        /// The best model of each series.
        PerSeries = "per_series",
        /// A combination of the best few of each series.
        Ensemble = "ensemble",
    }
}

named_enum! {
    /// The error by which models are compared: its mean over the windows; the lower the better.
    pub(crate) enum Score {
        /// Root of the mean squared error over the steps.
        Rmse = "rmse",
        /// Mean absolute error: over several series, it ranks like MASE.
        Mae = "mae",
        /// Symmetric mean absolute percentage error.
        Smape = "smape",
    }
}

named_enum! {
    /// How an ensemble combines its members.
    pub(crate) enum EnsembleRule {
        /// The mean, with weights ∝ 1 / E² by series.
        Weighted = "weighted",
        /// The median.
        Median = "median",
    }
}

impl Tested {
    /// The error of each model over the windows that all usable models have in common; `None` for one that is not usable.
    ///
    /// A model is usable if it has the last window, the one most like the forecast to come. Where some of the usable
    /// models failed on earlier windows, these count for none, so that nobody gains from having failed.
    pub(crate) fn errors(&self, score: Score) -> Vec<Option<f64>> {
        let Some(last) = self.actual.len().checked_sub(1) else {
            return vec![None; self.forecasts.len()];
        };
        let usable: Vec<bool> = self.forecasts.iter().map(|windows| windows.is_whole(last)).collect();
        let shared = |&window: &usize| {
            self.actual.is_whole(window)
                && self
                    .forecasts
                    .iter()
                    .zip(&usable)
                    .all(|(windows, usable)| !usable || windows.is_whole(window))
        };
        let windows: Vec<usize> = (0..=last).filter(shared).collect();
        let error = |(forecasts, &usable): (&WindowValues, &bool)| {
            let by_window = windows
                .iter()
                .map(|&window| score.of(self.actual.window(window), forecasts.window(window)));
            (usable && !windows.is_empty()).then(|| metrics::mean(&by_window.collect::<Vec<_>>()))
        };
        self.forecasts.iter().zip(&usable).map(error).collect()
    }

    /// Combines models of this series, the best first; `None` if none of them is usable.
    pub(crate) fn combine(&self, models: &[usize], rule: EnsembleRule, score: Score) -> Option<Combination> {
        let errors = self.errors(score);
        let members: Vec<(usize, f64)> = models
            .iter()
            .filter_map(|&model| Some((model, errors[model]?)))
            .collect();
        match rule {
            EnsembleRule::Weighted => Combination::inverse_square(&members),
            EnsembleRule::Median if members.is_empty() => None,
            EnsembleRule::Median => Some(Combination::Median(
                members.into_iter().map(|(model, _)| model).collect(),
            )),
        }
    }
}

impl Score {
    fn of(self, actual: &[f64], forecast: &[f64]) -> f64 {
        match self {
            Self::Rmse => metrics::rmse(actual, forecast),
            Self::Mae => metrics::mae(actual, forecast),
            Self::Smape => metrics::smape(actual, forecast),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::combine::Member;
    use super::*;

    fn windows(rows: &[Option<[f64; 2]>]) -> WindowValues {
        let mut windows = WindowValues::new(2);
        for row in rows {
            windows.push(row.as_ref().map(<[f64; 2]>::as_slice));
        }
        windows
    }

    /// A series of zeros on which each model is wrong by a constant; `None` for a model that failed.
    fn tested(errors: [Option<f64>; 3]) -> Tested {
        let forecast = |error: Option<f64>| windows(&[error.map(|e| [e, e]), error.map(|e| [-e, e])]);
        Tested {
            actual: windows(&[Some([0.0; 2]); 2]),
            forecasts: errors.map(forecast).into(),
        }
    }

    #[test]
    fn an_ensemble_is_weighted_by_its_errors_or_the_median() {
        let series = tested([Some(4.0), Some(1.0), Some(2.0)]);
        let members = vec![Member { model: 1, weight: 0.8 }, Member { model: 2, weight: 0.2 }];
        assert_eq!(
            series.combine(&[1, 2], EnsembleRule::Weighted, Score::Mae),
            Some(Combination::Weighted(members))
        );
        assert_eq!(
            series.combine(&[1, 2, 0], EnsembleRule::Median, Score::Rmse),
            Some(Combination::Median(vec![1, 2, 0]))
        );
        for rule in [EnsembleRule::Weighted, EnsembleRule::Median] {
            assert_eq!(tested([None; 3]).combine(&[0, 1, 2], rule, Score::Mae), None);
        }
    }

    #[test]
    fn an_error_is_the_mean_over_the_windows() {
        let mut series = tested([Some(1.0), None, None]);
        series.forecasts[0] = windows(&[Some([1.0; 2]), Some([7.0; 2])]);
        assert_eq!(series.errors(Score::Rmse), [Some(4.0), None, None]);
    }

    #[test]
    fn nobody_gains_from_a_window_that_it_failed_on() {
        let mut series = tested([Some(1.0), Some(3.0), None]);
        series.forecasts[0] = windows(&[Some([9.0; 2]), Some([1.0; 2])]);
        series.forecasts[1] = windows(&[None, Some([3.0; 2])]);
        assert_eq!(series.errors(Score::Mae), [Some(1.0), Some(3.0), None]);
        series.forecasts[1] = windows(&[Some([3.0; 2]), None]);
        assert_eq!(series.errors(Score::Mae), [Some(5.0), None, None]);
    }
}
