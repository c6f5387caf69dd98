//! What is made of the models' intervals: others in their place, honest within the back-test, and none below zero.

use rayon::prelude::*;

use super::backtest::Outcomes;
use super::metrics;
use super::models::Forecast;
use super::models::combine::WindowValues;
use super::models::conformal::Conformal;
use super::models::pooled_intervals::{self, TestedSeries};
use super::named_enum::named_enum;
use super::series::Series;

named_enum! {
    /// Which prediction intervals are published.
    pub(crate) enum IntervalMethod {
        /// The models' own.
        Own = "own",
        /// Conformal ones, calibrated on the errors of the back-test.
        Conformal = "conformal",
        /// Of the errors of the back-test and those of series whose models err alike; conformal where there are too few.
        Pooled = "pooled",
    }
}

/// The series of a back-test, each with the cutoffs of its windows, the earliest first.
type TestedPanel<'a> = &'a [(&'a Series, Vec<usize>)];

/// What intervals are calibrated on, beside the forecasts that they are for.
pub(crate) struct Calibration<'a> {
    method: IntervalMethod,
    levels: &'a [f64],
    season: usize,
    series: TestedPanel<'a>,
    /// What happened, by series.
    actual: Vec<WindowValues>,
    /// The mean absolute error by series, model and window; NaN for a window that the model failed on.
    model_errors: Vec<Vec<Vec<f64>>>,
}

impl<'a> Calibration<'a> {
    /// For the back-test of some models, whose outcomes are by model and series.
    pub(crate) fn new(
        (method, levels): (IntervalMethod, &'a [f64]),
        season: usize,
        (series, horizon): (TestedPanel<'a>, usize),
        outcomes: &[Vec<Outcomes>],
    ) -> Self {
        let actual_of = |(series, cutoffs): &(&Series, Vec<usize>)| actual(series, cutoffs, horizon);
        let actual: Vec<WindowValues> = series.iter().map(actual_of).collect();
        let errors = |at: usize, model: &Vec<Outcomes>| -> Vec<f64> {
            let windows = actual[at].iter().zip(&model[at]);
            windows
                .map(|(y, outcome)| {
                    outcome
                        .as_ref()
                        .map_or(f64::NAN, |window| metrics::mae(y, &window.forecast.mean))
                })
                .collect()
        };
        // Only pooled intervals ask for them.
        let models = if method == IntervalMethod::Pooled {
            outcomes
        } else {
            &[]
        };
        let model_errors = (0..series.len())
            .map(|at| models.iter().map(|model| errors(at, model)).collect())
            .collect();
        Self {
            method,
            levels,
            season,
            series,
            actual,
            model_errors,
        }
    }

    /// Intervals for what follows each series, from the point forecasts of its windows; `None` for one of which no window
    /// was forecast. Beside them, the positions of series that could not be pooled though they were to be.
    pub(crate) fn beyond(&self, forecasts: &[WindowValues]) -> (Vec<Option<Conformal>>, Vec<usize>) {
        let pooled = self.pooled(forecasts, None);
        let alone = (0..pooled.len()).filter(|&at| self.method == IntervalMethod::Pooled && pooled[at].is_none());
        let alone = alone.collect();
        (self.or_conformal(pooled, forecasts), alone)
    }

    /// Gives the windows of a back-test intervals that are calibrated on the other windows; `None` for series that keep
    /// theirs. `forecasts` has the point forecasts of all of them.
    ///
    /// A window's errors have no part in its intervals, nor have those of other series in the window that is as far from
    /// their end, so the observed coverage holds for new data. Where no other window has a forecast, the intervals stay.
    pub(crate) fn recalibrate(&self, forecasts: &[WindowValues], mut outcomes: Vec<Option<&mut Outcomes>>) {
        let most = forecasts.iter().map(WindowValues::len).max().unwrap_or(0);
        for back in 0..most {
            let others: Vec<WindowValues> = forecasts.iter().map(|windows| without(windows, back)).collect();
            let found = self.or_conformal(self.pooled(&others, Some(back)), &others);
            let windows = outcomes.par_iter_mut().zip(found);
            windows.for_each(|(outcomes, found)| {
                let (Some(outcomes), Some(found)) = (outcomes, found) else {
                    return;
                };
                let Some(at) = outcomes.len().checked_sub(back + 1) else {
                    return;
                };
                if let Ok(window) = &mut outcomes[at] {
                    window.forecast.intervals = found.intervals(&window.forecast.mean);
                }
            });
        }
    }

    /// The pooled intervals, from all windows or all but the one so many before the last; none if they are not wanted.
    fn pooled(&self, forecasts: &[WindowValues], left_out: Option<usize>) -> Vec<Option<Conformal>> {
        if self.method != IntervalMethod::Pooled {
            return vec![None; forecasts.len()];
        }
        let tested = |at: usize| {
            let (series, cutoffs) = &self.series[at];
            let end = match left_out {
                None => series.y.len(),
                Some(back) => cutoffs[cutoffs.len().saturating_sub(back + 1)],
            };
            TestedSeries {
                past: &series.y[..end],
                actual: &self.actual[at],
                forecast: &forecasts[at],
                model_errors: &self.model_errors[at],
            }
        };
        let panel: Vec<TestedSeries<'_>> = (0..forecasts.len()).map(tested).collect();
        pooled_intervals::calibrate(&panel, self.season, self.levels)
    }

    /// The intervals that were found, and conformal ones for series without.
    fn or_conformal(&self, found: Vec<Option<Conformal>>, forecasts: &[WindowValues]) -> Vec<Option<Conformal>> {
        let one = |(at, found): (usize, Option<Conformal>)| {
            found.or_else(|| Conformal::calibrate(&self.actual[at], &forecasts[at], self.levels))
        };
        found.into_par_iter().enumerate().map(one).collect()
    }
}

/// What happened in each window of a series.
pub(crate) fn actual(series: &Series, cutoffs: &[usize], horizon: usize) -> WindowValues {
    let mut actual = WindowValues::new(horizon);
    for &cutoff in cutoffs {
        actual.push(Some(&series.y[cutoff..cutoff + horizon]));
    }
    actual
}

/// The point forecasts of each window; a window without one is not a number.
pub(crate) fn point_forecasts(outcomes: &Outcomes, horizon: usize) -> WindowValues {
    let mut windows = WindowValues::new(horizon);
    for outcome in outcomes {
        windows.push(outcome.as_ref().ok().map(|window| window.forecast.mean.as_slice()));
    }
    windows
}

/// The windows without the one so many before the last.
fn without(windows: &WindowValues, back: usize) -> WindowValues {
    let mut others = WindowValues::new(windows.steps());
    for (at, window) in windows.iter().enumerate() {
        others.push(Some(window).filter(|_| at + back + 1 != windows.len()));
    }
    others
}

/// Raises what the forecasts of a back-test have below zero to zero.
pub(crate) fn raise(outcomes: &mut Outcomes) {
    for window in outcomes.iter_mut().flatten() {
        raise_to_zero(&mut window.forecast);
    }
}

/// Raises what a forecast has below zero to zero.
pub(crate) fn raise_to_zero(forecast: &mut Forecast) {
    let bounds = forecast
        .intervals
        .iter_mut()
        .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
    for value in std::iter::once(&mut forecast.mean).chain(bounds).flatten() {
        *value = value.max(0.0);
    }
}
