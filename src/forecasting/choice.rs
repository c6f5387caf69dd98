//! Which model, or combination of models, forecasts which series: decided on the back-test alone.
//!
//! Every way to choose ends in a [`Combination`] for each series, one model alone included, so that what forecasts needs
//! to know only that. Pure data in, pure data out.

use super::metrics;
use super::models::combine::{Combination, Windows};

/// What every model forecast for every series at every cutoff of a back-test.
#[derive(Clone, Debug, Default)]
pub struct Backtest {
    /// Names of the models; elsewhere a model is its position here.
    pub models: Vec<String>,
    /// The series, in the order of the frame.
    pub series: Vec<Tested>,
}

/// One series of a back-test.
#[derive(Clone, Debug, Default)]
pub struct Tested {
    /// The series' `unique_id`.
    pub name: String,
    /// What happened: windows × steps.
    pub actual: Windows,
    /// What each model forecast, in the order of `models`, of the same shape; a window that failed is NaN.
    pub forecasts: Vec<Windows>,
    /// The mean absolute seasonal difference of its past, by which its errors become comparable with those of others;
    /// 1 where that is not defined.
    pub scale: f64,
}

/// The error by which models are compared; the lower the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Score {
    /// Root of the mean squared error over all windows and steps.
    Rmse,
    /// Mean absolute error: over several series, it ranks like MASE.
    #[default]
    Mae,
    /// Symmetric mean absolute percentage error.
    Smape,
}

/// How an ensemble combines its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The mean, with weights ∝ 1 / E² by series.
    Weighted,
    /// The median.
    Median,
}

/// A model's place in the comparison over all series.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Position of the model.
    pub model: usize,
    /// On how many series it can be used.
    pub series: usize,
    /// Mean of its scores on them, each but sMAPE in units of the series' scale; NaN where it has none.
    pub score: f64,
}

impl Tested {
    /// The error of each model over the windows that all usable models have in common; `None` for one that is not usable.
    ///
    /// A model is usable if it has the last window, the one most like the forecast to come. Where some of the usable
    /// models failed on earlier windows, these count for none, so that nobody gains from having failed.
    pub fn errors(&self, score: Score) -> Vec<Option<f64>> {
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
        let all = |of: &Windows| {
            windows
                .iter()
                .flat_map(|&window| of.window(window))
                .copied()
                .collect::<Vec<_>>()
        };
        let actual = all(&self.actual);
        let error = |(windows, &usable): (&Windows, &bool)| {
            (usable && !actual.is_empty()).then(|| score.of(&actual, &all(windows)))
        };
        self.forecasts.iter().zip(&usable).map(error).collect()
    }

    /// What a combination would have forecast in the back-test: what its conformal intervals are calibrated on.
    ///
    /// A window is NaN only if all of the combination's models failed on it.
    pub fn combined(&self, combination: &Combination) -> Windows {
        let mut combined = Windows::new(self.actual.steps());
        for window in 0..self.actual.len() {
            let path = combination.path(|model| {
                let forecasts = &self.forecasts[model];
                forecasts.is_whole(window).then(|| forecasts.window(window))
            });
            combined.push(path.as_deref());
        }
        combined
    }

    /// The usable models with their errors, the best first, the earlier of equals first.
    fn ranked(&self, score: Score) -> Vec<(usize, f64)> {
        let mut ranked: Vec<(usize, f64)> = self
            .errors(score)
            .into_iter()
            .enumerate()
            .filter_map(|(model, error)| Some((model, error?)))
            .collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
        ranked
    }
}

impl Backtest {
    /// Ranks the models over all series, the overall champion first.
    ///
    /// A model that can be used on more of the series comes before one that can be used on fewer; then the mean score
    /// decides, then the order of the models.
    pub fn ranking(&self, score: Score) -> Vec<Ranked> {
        let errors: Vec<Vec<Option<f64>>> = self.series.iter().map(|series| series.errors(score)).collect();
        let mut ranking: Vec<Ranked> = (0..self.models.len())
            .map(|model| {
                let scaled = |(errors, series): (&Vec<Option<f64>>, &Tested)| {
                    let unit = if score == Score::Smape { 1.0 } else { series.scale };
                    errors[model].map(|error| error / unit)
                };
                let scores: Vec<f64> = errors.iter().zip(&self.series).filter_map(scaled).collect();
                Ranked {
                    model,
                    series: scores.len(),
                    score: metrics::mean(&scores),
                }
            })
            .collect();
        ranking.sort_by(|a, b| b.series.cmp(&a.series).then(a.score.total_cmp(&b.score)));
        ranking
    }

    /// The overall champion for every series.
    ///
    /// `None` for a series on which it cannot be used.
    pub fn overall(&self, score: Score) -> Vec<Option<Combination>> {
        let champion = self.ranking(score).first().map(|ranked| ranked.model);
        let usable = |series: &Tested| {
            let champion = champion?;
            series.errors(score)[champion].map(|_| Combination::one(champion))
        };
        self.series.iter().map(usable).collect()
    }

    /// The champion of each series; `None` where no model can be used.
    pub fn per_series(&self, score: Score) -> Vec<Option<Combination>> {
        let champion = |series: &Tested| series.ranked(score).first().map(|&(model, _)| Combination::one(model));
        self.series.iter().map(champion).collect()
    }

    /// A combination of the `best` models of each series, at least one; `None` where no model can be used.
    pub fn ensemble(&self, rule: Rule, best: usize, score: Score) -> Vec<Option<Combination>> {
        let combine = |series: &Tested| {
            let mut members = series.ranked(score);
            members.truncate(best.max(1));
            match rule {
                Rule::Weighted => Combination::inverse_square(&members),
                Rule::Median if members.is_empty() => None,
                Rule::Median => Some(Combination::Median(
                    members.into_iter().map(|(model, _)| model).collect(),
                )),
            }
        };
        self.series.iter().map(combine).collect()
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

    fn windows(rows: &[Option<[f64; 2]>]) -> Windows {
        let mut windows = Windows::new(2);
        for row in rows {
            windows.push(row.as_ref().map(<[f64; 2]>::as_slice));
        }
        windows
    }

    /// A series of zeros on which each model is wrong by a constant; `None` for a model that failed.
    fn tested(scale: f64, errors: [Option<f64>; 3]) -> Tested {
        let forecast = |error: Option<f64>| windows(&[error.map(|e| [e, e]), error.map(|e| [-e, e])]);
        Tested {
            name: String::new(),
            actual: windows(&[Some([0.0; 2]); 2]),
            forecasts: errors.map(forecast).into(),
            scale,
        }
    }

    fn backtest(series: Vec<Tested>) -> Backtest {
        Backtest {
            models: ["a", "b", "c"].map(str::to_owned).into(),
            series,
        }
    }

    #[test]
    fn the_overall_champion_is_best_in_units_of_the_series() {
        // In plain units the second series would decide for `b`.
        let found = backtest(vec![
            tested(1.0, [Some(1.0), Some(3.0), None]),
            tested(1e3, [Some(900.0), Some(800.0), None]),
        ]);
        let ranking = found.ranking(Score::Mae);
        assert_eq!(ranking.iter().map(|ranked| ranked.model).collect::<Vec<_>>(), [0, 1, 2]);
        assert!((ranking[0].score - 0.95).abs() < 1e-12);
        assert_eq!(
            found.overall(Score::Rmse),
            [Some(Combination::one(0)), Some(Combination::one(0))]
        );
        assert_eq!(
            found.per_series(Score::Mae),
            [Some(Combination::one(0)), Some(Combination::one(1))]
        );
    }

    #[test]
    fn a_model_that_serves_more_series_comes_first() {
        let found = backtest(vec![
            tested(1.0, [Some(1.0), Some(3.0), None]),
            tested(1.0, [None, Some(3.0), None]),
        ]);
        assert_eq!(found.ranking(Score::Mae)[0].model, 1);
        assert_eq!(found.ranking(Score::Mae)[1].series, 1);
    }

    #[test]
    fn an_ensemble_takes_the_best_few_of_each_series() {
        let found = backtest(vec![
            tested(1.0, [Some(4.0), Some(1.0), Some(2.0)]),
            tested(1.0, [None; 3]),
        ]);
        let weighted = found.ensemble(Rule::Weighted, 2, Score::Mae);
        let members = vec![Member { model: 1, weight: 0.8 }, Member { model: 2, weight: 0.2 }];
        assert_eq!(weighted, [Some(Combination::Weighted(members)), None]);
        let median = found.ensemble(Rule::Median, 9, Score::Rmse);
        assert_eq!(median, [Some(Combination::Median(vec![1, 2, 0])), None]);
    }

    #[test]
    fn nobody_gains_from_a_window_that_it_failed_on() {
        let mut series = tested(1.0, [Some(1.0), Some(3.0), None]);
        series.forecasts[0] = windows(&[Some([9.0; 2]), Some([1.0; 2])]);
        series.forecasts[1] = windows(&[None, Some([3.0; 2])]);
        assert_eq!(series.errors(Score::Mae), [Some(1.0), Some(3.0), None]);
        series.forecasts[1] = windows(&[Some([3.0; 2]), None]);
        assert_eq!(series.errors(Score::Mae), [Some(5.0), None, None]);
    }

    #[test]
    fn a_combination_has_a_back_test_of_its_own() {
        let mut series = tested(1.0, [Some(2.0), Some(4.0), None]);
        let both = Combination::inverse_square(&[(0, 1.0), (1, 1.0)]).unwrap();
        assert_eq!(series.combined(&both), windows(&[Some([3.0; 2]), Some([-3.0, 3.0])]));
        series.forecasts[0] = windows(&[None, None]);
        assert_eq!(series.combined(&both), series.forecasts[1]);
    }
}
