//! Prediction intervals of a panel: widths from the errors of a back-test by step, drawn to those of the series whose
//! models err alike.
//!
//! A series alone knows its errors from a few windows, and a quantile of so few scores is noise. In a panel, how errors
//! stand to the differences from season to season is known of many series. So `HourlyPanel` makes its own intervals from
//! the origins within each past; here they are made for any model, from the windows of the task's back-test:
//!
//! 1. Errors are |ln y − ln f| where past, windows and forecasts are positive, else |y − f|; the unit of a series is the
//!    mean absolute difference of its past, on that scale, one short season apart.
//! 2. Neighbours ([`super::neighbourhood`]) are series whose models, all that were compared, err alike. Only series that
//!    the same models forecast can be compared, and below [`POOL_FROM`] of them none is pooled.
//! 3. The width of a step is the spread of [`super::step_errors`], with the short season as the day. Where the horizon is
//!    not made of whole ones, there are no hours that repeat, and it follows the errors by step alone. A tenth of the
//!    resolution of the values is added, as the root of the sum of squares.
//! 4. A score is an error in units of the width that the *other* windows of the panel give. The interval of a level
//!    reaches as many widths as the quantile of the series' own scores says, drawn to the quantile of all scores of the
//!    panel, which counts for [`PRIOR_WINDOWS`] windows. Where one window is all there is, it is 2.6 at 95 %, and at other
//!    levels in the proportions of the normal distribution.
//! 5. As for conformal intervals, no bound lies farther from its forecast than three times the largest error near that
//!    step; it is larger in the same measure where the neighbours say that errors are.
//!
//! `HourlyPanel` always reaches 2.6, for its nine origins. With the few windows of a back-test widths are less certain, and
//! that covered 1 to 2 % less than promised on the hourly series of the M4 competition; `docs/forecasting.md` has figures.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::combine::WindowValues;
use super::conformal::{Conformal, PRIOR_WINDOWS, Reach, WindowErrors, quantile};
use super::hourly_panel::resolution::resolution;
use super::neighbourhood::{lent_to, relative};
use super::normal::reach;
use super::scale::Scale;
use super::step_errors::{self, REACH_AT_95, StepErrors};

/// From how many series on that can be compared they are pooled, as in `PooledAR`.
pub(crate) const POOL_FROM: usize = 25;

/// What part of the resolution of a series its rounded values err by.
const GRAIN: f64 = 0.1;

/// A series of a panel with its back-test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestedSeries<'a> {
    /// The values before what is to be forecast, the oldest first.
    pub(crate) past: &'a [f64],
    /// What happened, windows × steps.
    pub(crate) actual: &'a WindowValues,
    /// What was forecast, of the same shape; windows that are not whole do not count.
    pub(crate) forecast: &'a WindowValues,
    /// The mean absolute error by model and window; not finite where a model failed.
    pub(crate) model_errors: &'a [Vec<f64>],
}

/// A series whose errors can be pooled.
struct Judged {
    /// Position in the panel.
    at: usize,
    errors: WindowErrors,
    /// How many windows there are, those that do not count included.
    of: usize,
    /// The errors by step: of all windows that count, then without each of them; nothing where that leaves none.
    steps: Vec<Option<StepErrors>>,
    unit: f64,
    grain: f64,
    /// The logarithms of the models' errors, less their mean.
    relative: Vec<f64>,
}

/// Calibrates intervals of the given levels (percent) for every series of a panel, in its order.
///
/// Windows that are equally far from the last belong together. `None` for a series without a whole window, without a
/// difference from season to season, or with fewer than [`POOL_FROM`] series, itself included, that the same models forecast.
pub(crate) fn calibrate(panel: &[TestedSeries<'_>], season: usize, levels: &[f64]) -> Vec<Option<Conformal>> {
    let judged = panel
        .par_iter()
        .enumerate()
        .map(|(at, series)| judged(series, at, season));
    let judged: Vec<Option<(Vec<usize>, Judged)>> = judged.collect();
    let mut groups: BTreeMap<Vec<usize>, Vec<Judged>> = BTreeMap::new();
    for (models, one) in judged.into_iter().flatten() {
        groups.entry(models).or_default().push(one);
    }
    let mut found = vec![None; panel.len()];
    for group in groups.into_values().filter(|group| group.len() >= POOL_FROM) {
        for (one, conformal) in group.iter().zip(of_group(&group, levels)) {
            found[one.at] = Some(conformal);
        }
    }
    found
}

/// What a series erred by, and which models forecast it.
fn judged(series: &TestedSeries<'_>, at: usize, season: usize) -> Option<(Vec<usize>, Judged)> {
    let errors = WindowErrors::of(series.actual, series.forecast, series.past)?;
    let unit = seasonal_difference(series.past, errors.scale, season)?;
    let mean_error = |by_window: &Vec<f64>| mean(errors.windows.iter().map(|&window| by_window[window]));
    let (models, model_errors): (Vec<usize>, Vec<f64>) = series
        .model_errors
        .iter()
        .map(mean_error)
        .enumerate()
        .filter(|(_, error)| error.is_finite())
        .unzip();
    if models.is_empty() {
        return None;
    }
    let horizon = series.actual.steps();
    let day = if horizon.is_multiple_of(season) {
        season
    } else {
        horizon
    };
    let without = |left_out: Option<usize>| {
        let others = errors.errors.iter().enumerate().filter(|(at, _)| Some(*at) != left_out);
        let others: Vec<Vec<f64>> = others.map(|(_, window)| window.clone()).collect();
        (!others.is_empty()).then(|| StepErrors::of(&others, day))
    };
    let left_out = std::iter::once(None).chain((0..errors.windows.len()).map(Some));
    let one = Judged {
        at,
        of: series.actual.len(),
        steps: left_out.map(without).collect(),
        unit,
        grain: GRAIN * resolution(series.past).unwrap_or(0.0),
        relative: relative(&model_errors),
        errors,
    };
    Some((models, one))
}

/// The mean absolute difference of a past on its scale one season apart; `None` where there is none to measure by.
fn seasonal_difference(past: &[f64], scale: Scale, season: usize) -> Option<f64> {
    let pairs = past.iter().zip(past.get(season..)?);
    let unit = mean(pairs.map(|(before, now)| (scale.apply(*now) - scale.apply(*before)).abs()));
    (unit > 0.0 && unit.is_finite()).then_some(unit)
}

/// The mean; NaN of none.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

impl Judged {
    /// The errors by step without the window so many before the last, or of all.
    fn steps(&self, without: Option<usize>) -> Option<&StepErrors> {
        match without.and_then(|back| self.counted(back)) {
            Some(at) => self.steps[1 + at].as_ref(),
            None => self.steps[0].as_ref(),
        }
    }

    /// The place of the window so many before the last among those that count.
    fn counted(&self, back: usize) -> Option<usize> {
        let window = self.of.checked_sub(back + 1)?;
        self.errors.windows.iter().position(|one| *one == window)
    }

    /// ρ without a window, or of all: where nothing else is known, of all.
    fn ratio(&self, without: Option<usize>) -> f64 {
        let steps = self.steps(without).or(self.steps(None));
        let mean = steps.map_or(self.unit, |steps| steps.mean);
        step_errors::log_ratio(mean, self.unit)
    }
}

/// The intervals of series that the same models forecast.
fn of_group(group: &[Judged], levels: &[f64]) -> Vec<Conformal> {
    let relative: Vec<Vec<f64>> = group.iter().map(|one| one.relative.clone()).collect();
    let most = group.iter().map(|one| one.of).max().unwrap_or(0);
    // Of all windows, then without each of them, the last first.
    let left_out: Vec<Option<usize>> = std::iter::once(None).chain((0..most).map(Some)).collect();
    let ratios: Vec<Vec<f64>> = left_out
        .iter()
        .map(|without| group.iter().map(|one| one.ratio(*without)).collect())
        .collect();
    let of_series = |(i, one): (usize, &Judged)| {
        let lent = lent_to(&relative, i, &ratios);
        let level = |at: usize| step_errors::level(one.unit, ratios[at][i], lent.as_ref().map(|lent| lent[at]));
        let scores = (0..most).filter_map(|back| {
            let window = &one.errors.errors[one.counted(back)?];
            let widths = one.steps(Some(back))?.spread(level(1 + back), window.len());
            Some(
                window
                    .iter()
                    .zip(widths)
                    .map(|(error, width)| error / width)
                    .collect::<Vec<f64>>(),
            )
        });
        (level(0), scores.collect::<Vec<_>>())
    };
    let found: Vec<(f64, Vec<Vec<f64>>)> = group.par_iter().enumerate().map(of_series).collect();
    let all = ascending(found.iter().flat_map(|(_, scores)| scores));
    let conformal = |(one, (level, scores)): (&Judged, &(f64, Vec<Vec<f64>>))| {
        let own = ascending(scores.iter());
        #[expect(clippy::cast_precision_loss, reason = "a back-test is far smaller than 2^52")]
        let share = scores.len() as f64 / (scores.len() as f64 + PRIOR_WINDOWS);
        let reach_of = |&level: &f64| {
            let of_all = quantile(&all, level / 100.0).unwrap_or(REACH_AT_95 * reach(level) / reach(95.0));
            let widths = quantile(&own, level / 100.0).map_or(of_all, |own| of_all + share * (own - of_all));
            Reach { level, widths }
        };
        let steps = one.steps(None);
        let seen = steps.map(|steps| steps.mean).filter(|mean| *mean > 0.0);
        let larger = seen.map_or(1.0, |mean| (level / mean).max(1.0));
        let largest = &one.errors.largest;
        Conformal {
            scale: one.errors.scale,
            widths: steps.map_or_else(Vec::new, |steps| steps.spread(*level, largest.len())),
            largest: largest.iter().map(|error| (error * larger).min(f64::MAX)).collect(),
            reaches: levels.iter().map(reach_of).collect(),
            grain: one.grain,
        }
    };
    group.par_iter().zip(&found).map(conformal).collect()
}

/// All scores that are numbers, sorted.
fn ascending<'a>(scores: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let mut all: Vec<f64> = scores.flatten().copied().filter(|score| score.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEASON: usize = 4;

    /// Windows of two seasons.
    fn windows(rows: &[[f64; 8]]) -> WindowValues {
        let mut windows = WindowValues::new(8);
        for row in rows {
            windows.push(Some(row));
        }
        windows
    }

    /// A series that owns what it is made of.
    struct Sample {
        past: Vec<f64>,
        actual: WindowValues,
        forecast: WindowValues,
        model_errors: Vec<Vec<f64>>,
    }

    impl Sample {
        /// Values from −50 on, which go up by `unit` a season, and two windows in which every forecast is `error` too low.
        fn new(unit: f64, error: f64, model_errors: &[f64]) -> Self {
            let past = (0..40_i32).map(|t| -50.0 + unit * f64::from(t / 4)).collect();
            Self {
                past,
                actual: windows(&[[10.0; 8], [20.0; 8]]),
                forecast: windows(&[[10.0 - error; 8], [20.0 - error; 8]]),
                model_errors: model_errors.iter().map(|error| vec![*error; 2]).collect(),
            }
        }

        fn tested(&self) -> TestedSeries<'_> {
            TestedSeries {
                past: &self.past,
                actual: &self.actual,
                forecast: &self.forecast,
                model_errors: &self.model_errors,
            }
        }
    }

    fn calibrated(samples: &[Sample], levels: &[f64]) -> Vec<Option<Conformal>> {
        let panel: Vec<TestedSeries<'_>> = samples.iter().map(Sample::tested).collect();
        calibrate(&panel, SEASON, levels)
    }

    fn mean_width(conformal: &Conformal) -> f64 {
        conformal.widths.iter().sum::<f64>() / 8.0
    }

    #[test]
    fn widths_are_those_of_a_computation_by_hand() {
        // Thirty series whose models err alike: units of 1 and errors of 2, but the last one errs by 0.25.
        let mut samples: Vec<Sample> = (0..29).map(|_| Sample::new(1.0, 2.0, &[1.0, 3.0])).collect();
        samples.push(Sample::new(1.0, 0.25, &[1.0, 3.0]));
        let found = calibrated(&samples, &[95.0]);
        let last = found[29].as_ref().expect("pooled");
        // ρ′ = (ln 0.25 + 0.5 ln 2) / 1.5, so the level is (0.25 √2)^(2/3) = 0.5: twice what its own errors say.
        assert!((mean_width(last) - 0.5).abs() < 1e-12, "{last:?}");
        // Half of it is the same at every step, half grows with h^0.3, whose mean over eight steps is the unit.
        let growth: Vec<f64> = (1..=8).map(|h| f64::from(h).powf(0.3)).collect();
        let unit = growth.iter().sum::<f64>() / 8.0;
        for (width, growth) in last.widths.iter().zip(&growth) {
            assert!((width - 0.5 * (0.5 + 0.5 * growth / unit)).abs() < 1e-12, "{last:?}");
        }
        // The largest error is twice what was seen, in the same measure.
        assert!(last.largest.iter().all(|error| (error - 0.5).abs() < 1e-12), "{last:?}");
        assert_eq!(last.scale, Scale::Raw);
        // One of the others: 28 of its 29 neighbours are as it is.
        let other = found[0].as_ref().expect("pooled");
        let lent = (28.0 * 2.0_f64.ln() + 0.25_f64.ln()) / 29.0;
        let level = ((2.0_f64.ln() + 0.5 * lent) / 1.5).exp();
        assert!((mean_width(other) - level).abs() < 1e-12 && level < 2.0, "{other:?}");
        assert!(
            other.largest.iter().all(|error| (error - 2.0).abs() < 1e-12),
            "{other:?}"
        );
        // Both windows of a series are alike, so the other one gives the widths of both. Of 480 scores the 457th smallest
        // is the panel's quantile, of its own 16 the largest is the series', which counts for two windows of nine.
        let scores = |one: &Conformal, error: f64| -> Vec<f64> {
            let once: Vec<f64> = one.widths.iter().map(|width| error / width).collect();
            [once.clone(), once].concat()
        };
        let of_others = (0..29).flat_map(|_| scores(other, 2.0));
        let all: Vec<f64> = of_others.chain(scores(last, 0.25)).collect();
        let nth = |mut scores: Vec<f64>, rank: usize| {
            scores.sort_by(f64::total_cmp);
            scores[rank - 1]
        };
        for (one, error) in [(other, 2.0), (last, 0.25)] {
            let (of_all, own) = (nth(all.clone(), 457), nth(scores(one, error), 16));
            let expected = of_all + 2.0 / 9.0 * (own - of_all);
            assert!((one.reaches[0].widths - expected).abs() < 1e-12, "{one:?} {expected}");
        }
        let interval = &last.intervals(&[0.0; 8])[0];
        let bound = last.reaches[0].widths * last.widths[0].hypot(0.1);
        assert!((interval.upper[0] - bound).abs() < 1e-12 && (interval.lower[0] + bound).abs() < 1e-12);
    }

    #[test]
    fn a_series_follows_those_whose_models_err_alike() {
        // Two kinds of series by which model is the better; those of the second kind are twice as hard.
        let sample = |kind: bool| match kind {
            false => Sample::new(1.0, 1.0, &[1.0, 4.0]),
            true => Sample::new(1.0, 2.0, &[4.0, 1.0]),
        };
        let mut samples: Vec<Sample> = (0..40).map(|at| sample(at % 2 == 1)).collect();
        samples.push(Sample::new(1.0, 1.0, &[4.0, 1.0]));
        let found = calibrated(&samples, &[95.0]);
        let easy = mean_width(found[0].as_ref().expect("pooled"));
        let odd = mean_width(found[40].as_ref().expect("pooled"));
        assert!((easy - 1.0).abs() < 1e-9, "its neighbours are as it is: {easy}");
        // ρ′ = 0.5 ln 2 / 1.5.
        assert!(
            (odd - 2.0_f64.powf(1.0 / 3.0)).abs() < 1e-9,
            "its neighbours are twice as hard: {odd}"
        );
    }

    #[test]
    fn of_one_window_levels_nest_in_the_proportions_of_the_normal_distribution() {
        let sample = || Sample {
            actual: windows(&[[10.0; 8]]),
            forecast: windows(&[[8.0; 8]]),
            ..Sample::new(1.0, 2.0, &[1.0])
        };
        let samples: Vec<Sample> = (0..25).map(|_| sample()).collect();
        let found = calibrated(&samples, &[50.0, 80.0, 95.0, 99.0])
            .remove(0)
            .expect("pooled");
        let reaches: Vec<f64> = found.reaches.iter().map(|reach| reach.widths).collect();
        let normal = [
            0.674_489_750_196,
            1.281_551_565_545,
            1.959_963_984_540,
            2.575_829_303_549,
        ];
        for (reach, normal) in reaches.iter().zip(normal) {
            assert!((reach - 2.6 * normal / 1.959_963_984_540).abs() < 1e-9, "{reaches:?}");
        }
    }

    #[test]
    fn what_cannot_be_pooled_is_none() {
        let panel = |count: usize| -> Vec<Sample> { (0..count).map(|_| Sample::new(1.0, 2.0, &[1.0, 2.0])).collect() };
        assert!(calibrated(&panel(24), &[95.0]).iter().all(Option::is_none));
        assert!(calibrated(&panel(25), &[95.0]).iter().all(Option::is_some));
        let odd = [
            // Another model forecasts it, none does, it repeats its season, it is too short, none of its windows is whole.
            Sample::new(1.0, 2.0, &[1.0, f64::NAN]),
            Sample::new(1.0, 2.0, &[f64::NAN; 2]),
            Sample::new(0.0, 2.0, &[1.0, 2.0]),
            Sample {
                past: vec![1.0; 3],
                ..Sample::new(1.0, 2.0, &[1.0, 2.0])
            },
            Sample::new(1.0, f64::NAN, &[1.0, 2.0]),
        ];
        let samples: Vec<Sample> = panel(25).into_iter().chain(odd).collect();
        let found = calibrated(&samples, &[95.0]);
        let pooled: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(pooled, [vec![true; 25], vec![false; 5]].concat());
        assert_eq!(
            found[..25],
            calibrated(&panel(25), &[95.0]),
            "the others are as without them"
        );
    }

    #[test]
    fn a_series_without_errors_has_no_width_and_no_step_is_wider_than_what_was_seen() {
        let mut samples: Vec<Sample> = (0..25).map(|_| Sample::new(1.0, 2.0, &[1.0])).collect();
        samples.push(Sample::new(1.0, 0.0, &[1.0]));
        let found = calibrated(&samples, &[95.0]).remove(25).expect("pooled");
        let interval = &found.intervals(&[7.0; 12])[0];
        assert_eq!((&interval.lower, &interval.upper), (&vec![7.0; 12], &vec![7.0; 12]));
    }

    #[test]
    fn positive_series_are_measured_on_logarithms() {
        let positive = || Sample {
            past: (0..40_i32).map(|t| 2.0_f64.powi(t / 4)).collect(),
            ..Sample::new(1.0, 5.0, &[1.0])
        };
        let samples: Vec<Sample> = (0..25).map(|_| positive()).collect();
        let found = calibrated(&samples, &[95.0]).remove(0).expect("pooled");
        assert_eq!(found.scale, Scale::Log);
        let error = f64::midpoint((10.0_f64 / 5.0).ln(), (20.0_f64 / 15.0).ln());
        assert!((mean_width(&found) - error).abs() < 1e-12, "{found:?}");
    }
}
