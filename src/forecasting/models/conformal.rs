//! Prediction intervals from the errors of a back-test: split conformal, scaled by step.
//!
//! What a model says of its own uncertainty rests on its assumptions; what it erred by at past cutoffs does not. For a
//! series with windows w = 1..W of steps h = 1..H, and errors `r = |ln y − ln f|` where all is positive, else `|y − f|`:
//!
//! 1. The error to expect at step h is the mean of `r` over the windows. With few windows that is noise, so it is
//!    smoothed over h ± 2 and drawn towards a curve that most series follow roughly: the width is 0.4 of the smoothed
//!    error and 0.6 of the mean error of all steps times a growth ∝ h^0.3 whose mean is 1. Beyond step H, of which no
//!    error is known, the last width goes on along that curve.
//! 2. A score says how far an outcome lay outside what was to be expected of it: `r` in units of the width that the
//!    *other* windows give, so that no error is measured by itself.
//! 3. The interval of a level is `f · exp(± q · width)`, or `f ± q · width`, with q the level's quantile of the scores: the
//!    k-th smallest of N with k = ⌈(N + 1) · level⌉, the finite-sample rule of split conformal prediction (Vovk and others,
//!    2005; Lei and others, 2018). Scaling by step before pooling over steps lets each step have its own width from W · H
//!    scores; Stankevičiūtė and others (2021) take the W scores of each step; Zaffran and others (2022) discuss series.
//! 4. Errors within a window go together, so N scores say less than N independent ones: q is drawn to a prior, 2.8 at
//!    95 % and in the proportions of the normal distribution at other levels, which counts for [`PRIOR_WINDOWS`] windows.
//!    With one window there is no other, and the prior stands alone.
//! 5. No bound lies farther from its forecast than [`FARTHEST`] times the largest error, as a difference, that the back-test
//!    saw at that step or the two on either side. It says nothing where errors are of one size. After a level that fell,
//!    an outage, or a value near zero, one window's errors are a thousand of the others' units, and a factor of that size
//!    means nothing; there it is what holds. Where even that is too large for a number, [`LARGEST_BOUND`] is.
//!
//! q grows with the level and the width does not depend on it, so intervals nest. Calibration knows only the windows that
//! it is given. At 95 %, the 26 weekly windows of a year of hourly generation, each calibrated on the 7 before it, were
//! covered to 95.5 % (the pair of `LagRidge` and double seasonal smoothing), 98.2 % and 94.1 % (each alone).

#![expect(clippy::cast_precision_loss, reason = "a back-test is far smaller than 2^52")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is at least 0 and below the count"
)]

use super::Interval;
use super::combine::WindowValues;
use super::normal::reach;
use super::scale::Scale;

/// How many windows the prior of the quantile counts for.
pub(crate) const PRIOR_WINDOWS: f64 = 7.0;

/// The exponent of the step by which errors grow.
const GROWTH: f64 = 0.3;

/// How many of the largest errors near a step a bound may lie from its forecast.
const FARTHEST: f64 = 3.0;

/// No bound lies farther from zero unless its forecast does: of errors near the largest number the triple is none, and
/// what lies between two bounds has to be one.
const LARGEST_BOUND: f64 = f64::MAX / 4.0;

/// The prior: how many widths the interval of 95 % reaches to either side.
const PRIOR_AT_95: f64 = 2.8;

/// Intervals for the forecasts of one series, calibrated on its back-test.
///
/// Plain data, so that it can be written down with the model that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conformal {
    /// Whether errors are those of logarithms, so that the intervals are factors.
    pub(crate) scale: Scale,
    /// The error to expect at each step, on that scale.
    pub(crate) widths: Vec<f64>,
    /// The largest error at each step and the two on either side, as a difference whatever the scale.
    pub(crate) largest: Vec<f64>,
    /// How far the interval of each level reaches.
    pub(crate) reaches: Vec<Reach>,
    /// What values that are rounded err by beside that, in units of the series; 0 where it is no part of the widths.
    pub(crate) grain: f64,
}

/// How far the interval of one level reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reach {
    /// Nominal coverage in percent.
    pub(crate) level: f64,
    /// How many widths it reaches to either side.
    pub(crate) widths: f64,
}

/// What the forecasts of a back-test erred by.
pub(crate) struct WindowErrors {
    /// Whether errors are those of logarithms.
    pub(crate) scale: Scale,
    /// The positions of the windows that count.
    pub(crate) windows: Vec<usize>,
    /// The absolute errors on that scale, windows that count × steps.
    pub(crate) errors: Vec<Vec<f64>>,
    /// The largest error at each step and the two on either side, as a difference whatever the scale.
    pub(crate) largest: Vec<f64>,
}

impl WindowErrors {
    /// Of what happened and what was forecast, windows × steps; `past` are further values that have to be positive for
    /// logarithms.
    ///
    /// A window with a value or forecast that is not finite is left out; `None` if none remains.
    pub(crate) fn of(actual: &WindowValues, forecast: &WindowValues, past: &[f64]) -> Option<Self> {
        let whole = |&window: &usize| actual.is_whole(window) && forecast.is_whole(window);
        let windows: Vec<usize> = (0..actual.len().min(forecast.len())).filter(whole).collect();
        if actual.steps() == 0 || windows.is_empty() {
            return None;
        }
        let in_windows = |of: &WindowValues| windows.iter().all(|&window| Scale::of(of.window(window)) == Scale::Log);
        let scale = match in_windows(actual) && in_windows(forecast) {
            true => Scale::of(past),
            false => Scale::Raw,
        };
        let errors = |&window: &usize| -> Vec<f64> {
            let pairs = actual.window(window).iter().zip(forecast.window(window));
            pairs.map(|(&y, &f)| (scale.apply(y) - scale.apply(f)).abs()).collect()
        };
        let largest_at = |step: usize| {
            let difference = |&window: &usize| (actual.window(window)[step] - forecast.window(window)[step]).abs();
            windows.iter().map(difference).fold(0.0, f64::max)
        };
        let largest: Vec<f64> = (0..actual.steps()).map(largest_at).collect();
        let largest_near = |step: usize| near(&largest, step).iter().copied().fold(0.0, f64::max);
        Some(Self {
            scale,
            errors: windows.iter().map(errors).collect(),
            windows,
            // Plain data has no infinite numbers.
            largest: (0..actual.steps())
                .map(|step| largest_near(step).min(f64::MAX))
                .collect(),
        })
    }
}

impl Conformal {
    /// Calibrates intervals of the given levels (percent) on what happened and what was forecast, windows × steps.
    ///
    /// A window with a value or forecast that is not finite is left out; `None` if none remains.
    pub(crate) fn calibrate(actual: &WindowValues, forecast: &WindowValues, levels: &[f64]) -> Option<Self> {
        let WindowErrors {
            scale, errors, largest, ..
        } = WindowErrors::of(actual, forecast, &[])?;
        let scores = scores(&errors);
        let share = errors.len() as f64 / (errors.len() as f64 + PRIOR_WINDOWS);
        let reach_of = |&level: &f64| {
            let prior = PRIOR_AT_95 * reach(level) / reach(95.0);
            let widths = quantile(&scores, level / 100.0).map_or(prior, |found| prior + share * (found - prior));
            Reach { level, widths }
        };
        Some(Self {
            scale,
            largest,
            widths: smoothed(&means(&errors, None))
                .into_iter()
                .map(|width| width.min(f64::MAX))
                .collect(),
            reaches: levels.iter().map(reach_of).collect(),
            grain: 0.0,
        })
    }

    /// The intervals around point forecasts, in the order of the levels.
    pub(crate) fn intervals(&self, mean: &[f64]) -> Vec<Interval> {
        let bound = |f: f64, reach: f64| match self.scale {
            Scale::Log => f * reach.exp(),
            Scale::Raw => f + reach,
        };
        let interval = |reach: &Reach| {
            let pairs = mean.iter().enumerate().map(|(step, &f)| {
                let most = FARTHEST * at(&self.largest, step);
                let grain = match self.scale {
                    Scale::Log if self.grain > 0.0 => self.grain / f.max(f64::MIN_POSITIVE),
                    Scale::Log | Scale::Raw => self.grain,
                };
                let width = at(&self.widths, step).hypot(grain);
                let (a, b) = (bound(f, -reach.widths * width), bound(f, reach.widths * width));
                // A factor turns the bounds of a negative forecast round, and an infinite one of zero is no number.
                let (lower, upper) = (a.min(b).max(f - most), a.max(b).min(f + most));
                (lower.max(-LARGEST_BOUND).min(f), upper.min(LARGEST_BOUND).max(f))
            });
            let (lower, upper) = pairs.unzip();
            Interval {
                level: reach.level,
                lower,
                upper,
            }
        };
        self.reaches.iter().map(interval).collect()
    }
}

/// What is known of a step, the first being 0; beyond those of the back-test it grows on.
fn at(known: &[f64], step: usize) -> f64 {
    let last = known.last().copied().unwrap_or_default();
    let grown = || last * ((step + 1) as f64 / known.len() as f64).powf(GROWTH);
    known
        .get(step)
        .copied()
        .unwrap_or_else(|| if known.is_empty() { last } else { grown() })
}

/// The values of a step and the two on either side.
fn near(values: &[f64], step: usize) -> &[f64] {
    &values[step.saturating_sub(2)..(step + 3).min(values.len())]
}

/// Smooths the mean errors of the steps, and draws them towards the curve of the horizon's growth.
fn smoothed(errors: &[f64]) -> Vec<f64> {
    let steps = errors.len();
    let growth: Vec<f64> = (1..=steps).map(|h| (h as f64).powf(GROWTH)).collect();
    let (overall, unit) = (mean(errors), mean(&growth));
    (0..steps)
        .map(|h| 0.4 * mean(near(errors, h)) + 0.6 * overall * growth[h] / unit)
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean error of each step over the windows, without one of them.
fn means(errors: &[Vec<f64>], without: Option<usize>) -> Vec<f64> {
    let others: Vec<&Vec<f64>> = errors
        .iter()
        .enumerate()
        .filter(|&(w, _)| Some(w) != without)
        .map(|(_, window)| window)
        .collect();
    (0..errors[0].len())
        .map(|h| others.iter().map(|window| window[h]).sum::<f64>() / others.len() as f64)
        .collect()
}

/// The errors in units of what the other windows let expect, ascending.
fn scores(errors: &[Vec<f64>]) -> Vec<f64> {
    let mut scores = Vec::new();
    if errors.len() > 1 {
        for (w, window) in errors.iter().enumerate() {
            let widths = smoothed(&means(errors, Some(w)));
            scores.extend(window.iter().zip(widths).map(|(error, width)| error / width));
        }
    }
    // What is measured in units of nothing says nothing.
    scores.retain(|score| score.is_finite());
    scores.sort_by(f64::total_cmp);
    scores
}

/// The value that a further score does not exceed with the given probability; the largest where that needs more scores.
pub(super) fn quantile(ascending: &[f64], probability: f64) -> Option<f64> {
    let rank = ((ascending.len() as f64 + 1.0) * probability).ceil() as usize;
    ascending
        .get(rank.saturating_sub(1).min(ascending.len().saturating_sub(1)))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::super::normal;
    use super::*;

    /// Numbers in (0, 1) that look random and repeat: the fractional parts of a multiple of the golden section.
    fn spread(count: usize, start: f64) -> Vec<f64> {
        (0..count)
            .map(|i| (0.618_033_988_749_894_9 * (i as f64 + 1.0) + start).fract())
            .collect()
    }

    /// A back-test whose errors are normal and grow with the step: what happened, and what was forecast.
    fn simulated(windows: usize, steps: usize, start: f64) -> (WindowValues, WindowValues) {
        let (mut actual, mut forecast) = (WindowValues::new(steps), WindowValues::new(steps));
        for noise in spread(windows * steps, start).chunks_exact(steps) {
            let error = |h: usize| 2.0 * (h as f64 + 1.0).powf(0.4) * normal::quantile(noise[h]);
            actual.push(Some(&(0..steps).map(|h| 500.0 + error(h)).collect::<Vec<_>>()));
            forecast.push(Some(&vec![500.0; steps]));
        }
        (actual, forecast)
    }

    /// The share of new values inside the interval of one level, in percent.
    fn observed(level: f64) -> f64 {
        let (actual, forecast) = simulated(40, 24, 0.0);
        let conformal = Conformal::calibrate(&actual, &forecast, &[level]).unwrap();
        let interval = &conformal.intervals(&[500.0; 24])[0];
        let (new, _) = simulated(100, 24, 0.37);
        let inside = |y: &[f64]| {
            (0..24)
                .filter(|&h| interval.lower[h] <= y[h] && y[h] <= interval.upper[h])
                .count()
        };
        100.0 * new.iter().map(inside).sum::<usize>() as f64 / 2400.0
    }

    #[test]
    fn simulated_errors_are_covered_as_promised() {
        for level in [50.0, 80.0, 95.0] {
            assert!((observed(level) - level).abs() < 3.0, "{level}: {}", observed(level));
        }
    }

    #[test]
    fn levels_nest_at_every_step() {
        let (actual, forecast) = simulated(7, 48, 0.1);
        let intervals = Conformal::calibrate(&actual, &forecast, &[50.0, 80.0, 95.0, 99.0])
            .unwrap()
            .intervals(&[40.0; 60]);
        for pair in intervals.windows(2) {
            for h in 0..60 {
                assert!(pair[1].lower[h] <= pair[0].lower[h] && pair[0].upper[h] <= pair[1].upper[h]);
            }
        }
    }

    #[test]
    fn beyond_the_back_test_the_width_goes_on_from_its_last() {
        let (actual, forecast) = simulated(40, 24, 0.0);
        let conformal = Conformal::calibrate(&actual, &forecast, &[95.0]).unwrap();
        let known = conformal.intervals(&[500.0; 24]).remove(0);
        let far = conformal.intervals(&[500.0; 192]).remove(0);
        assert_eq!((&far.lower[..24], &far.upper[..24]), (&*known.lower, &*known.upper));
        assert!(far.upper[23..].windows(2).all(|pair| pair[0] < pair[1]));
        // Errors that grow somewhat faster than the curve, eight times as far; with the last width far more escape.
        let (new, _) = simulated(100, 192, 0.37);
        let covered = |bound: &dyn Fn(usize) -> (f64, f64)| {
            let inside = |y: &[f64]| (24..192).filter(|&h| bound(h).0 <= y[h] && y[h] <= bound(h).1).count();
            100.0 * new.iter().map(inside).sum::<usize>() as f64 / (100.0 * 168.0)
        };
        let (grown, held) = (
            covered(&|h| (far.lower[h], far.upper[h])),
            covered(&|_| (known.lower[23], known.upper[23])),
        );
        assert!((88.0..=95.0).contains(&grown) && held < grown - 10.0, "{grown} {held}");
    }

    #[test]
    fn one_window_is_enough_for_the_prior() {
        let (mut actual, mut forecast) = (WindowValues::new(2), WindowValues::new(2));
        actual.push(Some(&[1.0, -1.0]));
        forecast.push(Some(&[0.0, 0.0]));
        let conformal = Conformal::calibrate(&actual, &forecast, &[95.0]).unwrap();
        assert_eq!(
            conformal.reaches,
            [Reach {
                level: 95.0,
                widths: PRIOR_AT_95
            }]
        );
        // Errors of 1 at both steps, so the widths are 1 on average and grow.
        assert!(conformal.widths[0] < 1.0 && (conformal.widths.iter().sum::<f64>() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_failed_window_is_left_out_and_none_is_no_calibration() {
        let (mut actual, mut forecast) = simulated(5, 3, 0.2);
        let before = Conformal::calibrate(&actual, &forecast, &[90.0]);
        actual.push(Some(&[1.0, 2.0, 3.0]));
        forecast.push(None);
        assert_eq!(Conformal::calibrate(&actual, &forecast, &[90.0]), before);
        assert_eq!(
            Conformal::calibrate(&WindowValues::new(3), &WindowValues::new(3), &[90.0]),
            None
        );
    }

    #[test]
    fn no_bound_lies_far_beyond_the_largest_error_that_was_seen() {
        // Five windows of three steps, positive throughout; in one the level is a thousandth of what was forecast.
        let (mut actual, mut forecast) = (WindowValues::new(3), WindowValues::new(3));
        for level in [1000.0, 1003.0, 998.0, 1.0, 1001.0] {
            actual.push(Some(&[level, level + 1.0, level - 0.5]));
            forecast.push(Some(&[1000.0; 3]));
        }
        let conformal = Conformal::calibrate(&actual, &forecast, &[80.0, 95.0]).unwrap();
        assert_eq!((conformal.scale, &*conformal.largest), (Scale::Log, &[999.5; 3][..]));
        for interval in conformal.intervals(&[1000.0, 0.0, -5.0, 1e9, 1e-9]) {
            for (step, f) in [1000.0, 0.0, -5.0, 1e9, 1e-9].into_iter().enumerate() {
                let most = 3.0 * at(&conformal.largest, step) * (1.0 + 1e-12);
                let (lower, upper) = (interval.lower[step], interval.upper[step]);
                assert!(
                    f - most <= lower && lower <= f && f <= upper && upper <= f + most,
                    "{f}: {lower} {upper}"
                );
            }
        }
        // The factor itself has no number.
        let exploded = Conformal {
            reaches: vec![Reach {
                level: 95.0,
                widths: 1e6,
            }],
            ..conformal
        };
        assert!(
            exploded.intervals(&[1000.0, 0.0])[0]
                .upper
                .iter()
                .all(|bound| bound.is_finite())
        );
    }

    #[test]
    fn no_bound_is_infinite_whatever_was_forecast() {
        let finite = |actual: [f64; 3], forecast: [f64; 3], next: &[f64]| {
            let (mut happened, mut said) = (WindowValues::new(1), WindowValues::new(1));
            for (y, f) in actual.into_iter().zip(forecast) {
                happened.push(Some(&[y]));
                said.push(Some(&[f]));
            }
            let conformal = Conformal::calibrate(&happened, &said, &[80.0, 99.9]).unwrap();
            let numbers = conformal.widths.iter().chain(&conformal.largest);
            assert!(numbers.into_iter().all(|number| number.is_finite()), "{conformal:?}");
            for interval in conformal.intervals(next) {
                for ((lower, upper), f) in interval.lower.iter().zip(&interval.upper).zip(next) {
                    let width = upper - lower;
                    let is_sound = lower.is_finite() && upper.is_finite() && lower <= f && f <= upper;
                    assert!(is_sound, "{actual:?} {forecast:?} {f}: {lower} {upper}");
                    assert!(width.is_finite() || f.abs() > LARGEST_BOUND, "{f}: {lower} {upper}");
                }
            }
        };
        let next = [1e149, 0.0, 1.0, -1e149, 1e300, f64::MAX, f64::MIN];
        // Logarithms, for all is positive; then differences.
        finite([1.0, 2.0, 3.0], [1e149, 1e-300, 3.0], &next);
        finite([1.0, 2.0, 3.0], [f64::MAX, f64::MAX, f64::MIN_POSITIVE], &next);
        finite([0.0, -2.0, 3.0], [1e149, -1e149, 3.0], &next);
        finite([-1.7e308, 1.7e308, 3.0], [1.7e308, f64::MIN, f64::MAX], &next);
        finite([f64::MAX; 3], [-1.0, 0.0, 1.0], &next);
    }

    #[test]
    fn where_errors_are_of_one_size_the_largest_says_nothing() {
        let (actual, forecast) = simulated(7, 24, 0.3);
        let conformal = Conformal::calibrate(&actual, &forecast, &[95.0]).unwrap();
        let free = Conformal {
            largest: vec![f64::INFINITY; 24],
            ..conformal.clone()
        };
        assert_eq!(conformal.intervals(&[500.0; 48]), free.intervals(&[500.0; 48]));
    }

    #[test]
    fn a_forecast_without_error_has_no_width() {
        let mut exact = WindowValues::new(2);
        exact.push(Some(&[3.0, 4.0]));
        exact.push(Some(&[5.0, 6.0]));
        let interval = &Conformal::calibrate(&exact, &exact, &[95.0])
            .unwrap()
            .intervals(&[7.0, 8.0])[0];
        assert_eq!(
            (interval.lower.as_slice(), interval.upper.as_slice()),
            (&[7.0, 8.0][..], &[7.0, 8.0][..])
        );
    }
}
