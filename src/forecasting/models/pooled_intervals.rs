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
//!    not made of whole ones, there are no hours that repeat, and it follows the errors by step alone.
//! 4. The interval of 95 % reaches 2.6 widths to either side, others in the proportions of the normal distribution.
//! 5. As for conformal intervals, no bound lies farther from its forecast than three times the largest error near that
//!    step; it is larger in the same measure where the neighbours say that errors are.
//!
//! The reach is a constant, found on hourly series whose back-tests have a panel's errors in them; a single long series is
//! covered better by the quantile of its own scores.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::combine::WindowValues;
use super::conformal::{Conformal, Reach, WindowErrors};
use super::neighbourhood::{lent_to, relative};
use super::normal::reach;
use super::scale::Scale;
use super::step_errors::{self, REACH_AT_95, StepErrors};

/// From how many series on that can be compared they are pooled, as in `PooledAR`.
pub(crate) const POOL_FROM: usize = 25;

/// A series of a panel with its back-test.
#[derive(Clone, Debug)]
pub(crate) struct TestedSeries<'a> {
    /// The values before what is to be forecast, the oldest first.
    pub(crate) past: &'a [f64],
    /// What happened, windows × steps.
    pub(crate) actual: &'a WindowValues,
    /// What was forecast, of the same shape.
    pub(crate) forecast: &'a WindowValues,
    /// The mean absolute error of each model in these windows; not finite for one that failed.
    pub(crate) model_errors: Vec<f64>,
}

/// A series whose errors can be pooled.
struct Judged {
    /// Position in the panel.
    at: usize,
    scale: Scale,
    largest: Vec<f64>,
    steps: StepErrors,
    unit: f64,
    /// The logarithms of the models' errors, less their mean.
    relative: Vec<f64>,
}

/// Calibrates intervals of the given levels (percent) for every series of a panel, in its order.
///
/// `None` for a series without a whole window, without a difference from season to season, or with fewer than
/// [`POOL_FROM`] series, itself included, that the same models forecast.
pub(crate) fn calibrate(panel: &[TestedSeries<'_>], season: usize, levels: &[f64]) -> Vec<Option<Conformal>> {
    let judged: Vec<Option<(Vec<usize>, Judged)>> = (0..panel.len())
        .into_par_iter()
        .map(|at| judged(&panel[at], at, season))
        .collect();
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
    let WindowErrors { scale, errors, largest } = WindowErrors::of(series.actual, series.forecast, series.past)?;
    let unit = seasonal_difference(series.past, scale, season)?;
    let (models, model_errors): (Vec<usize>, Vec<f64>) = series
        .model_errors
        .iter()
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
    let one = Judged {
        at,
        scale,
        largest,
        steps: StepErrors::of(&errors, day),
        unit,
        relative: relative(&model_errors),
    };
    Some((models, one))
}

/// The mean absolute difference of a past on its scale one season apart; `None` where there is none to measure by.
fn seasonal_difference(past: &[f64], scale: Scale, season: usize) -> Option<f64> {
    let on_scale = |y: &f64| scale.apply(*y);
    let later = past.get(season..)?;
    let sum: f64 = past
        .iter()
        .zip(later)
        .map(|(before, now)| (on_scale(now) - on_scale(before)).abs())
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
    let unit = sum / later.len() as f64;
    (unit > 0.0 && unit.is_finite()).then_some(unit)
}

/// The intervals of series that the same models forecast.
fn of_group(group: &[Judged], levels: &[f64]) -> Vec<Conformal> {
    let relative: Vec<Vec<f64>> = group.iter().map(|one| one.relative.clone()).collect();
    let ratios: Vec<f64> = group
        .iter()
        .map(|one| step_errors::log_ratio(one.steps.mean, one.unit))
        .collect();
    let reach_of = |&level: &f64| Reach {
        level,
        widths: REACH_AT_95 * reach(level) / reach(95.0),
    };
    let reaches: Vec<Reach> = levels.iter().map(reach_of).collect();
    let one = |(i, one): (usize, &Judged)| {
        let level = step_errors::level(one.unit, ratios[i], lent_to(&relative, i, &ratios));
        let larger = if one.steps.mean > 0.0 {
            (level / one.steps.mean).max(1.0)
        } else {
            1.0
        };
        Conformal {
            scale: one.scale,
            widths: one.steps.spread(level, one.largest.len()),
            largest: one.largest.iter().map(|error| (error * larger).min(f64::MAX)).collect(),
            reaches: reaches.clone(),
        }
    };
    group.par_iter().enumerate().map(one).collect()
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
        model_errors: Vec<f64>,
    }

    impl Sample {
        /// Values from −50 on, which go up by `unit` a season, and two windows in which every forecast is `error` too low.
        fn new(unit: f64, error: f64, model_errors: &[f64]) -> Self {
            let past = (0..40_i32).map(|t| -50.0 + unit * f64::from(t / 4)).collect();
            Self {
                past,
                actual: windows(&[[10.0; 8], [20.0; 8]]),
                forecast: windows(&[[10.0 - error; 8], [20.0 - error; 8]]),
                model_errors: model_errors.to_vec(),
            }
        }

        fn tested(&self) -> TestedSeries<'_> {
            TestedSeries {
                past: &self.past,
                actual: &self.actual,
                forecast: &self.forecast,
                model_errors: self.model_errors.clone(),
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
        let interval = &last.intervals(&[0.0; 8])[0];
        assert!((interval.upper[0] - 2.6 * last.widths[0]).abs() < 1e-12 && interval.lower[0] == -interval.upper[0]);
        // One of the others: 28 of its 29 neighbours are as it is.
        let other = found[0].as_ref().expect("pooled");
        let lent = (28.0 * 2.0_f64.ln() + 0.25_f64.ln()) / 29.0;
        let level = ((2.0_f64.ln() + 0.5 * lent) / 1.5).exp();
        assert!((mean_width(other) - level).abs() < 1e-12 && level < 2.0, "{other:?}");
        assert!(
            other.largest.iter().all(|error| (error - 2.0).abs() < 1e-12),
            "{other:?}"
        );
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
    fn levels_nest_in_the_proportions_of_the_normal_distribution() {
        let samples: Vec<Sample> = (0..25).map(|_| Sample::new(1.0, 2.0, &[1.0])).collect();
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
