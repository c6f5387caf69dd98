//! The scale on which the recipe's models work: logarithms where a series is positive, its own values where not.
//!
//! A multiplicative season is additive in logarithms, and errors of power data grow with the level. Both models built
//! on this scale are equivariant to a factor on it, so the normalisation by the mean absolute seasonal difference that
//! pooled models need is left out: a factor that moved with the cutoff would keep one pass from serving them all.

use super::super::named_enum::named_enum;
use super::repeated_season::RepeatedSeason;
use super::{FitError, Fitted, Forecast, Interval, check, normal};

named_enum! {
    /// Logarithms or the values themselves.
    pub(crate) enum Scale {
        /// `x = ln y`, for a series that is positive throughout.
        Log = "log",
        /// `x = y`.
        Raw = "raw",
    }
}

impl Scale {
    /// The scale that suits a series.
    pub(crate) fn of(y: &[f64]) -> Self {
        if y.iter().all(|&value| value > 0.0) {
            Self::Log
        } else {
            Self::Raw
        }
    }

    /// The word for it in what a fit reports.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Log => "logarithms",
            Self::Raw => "raw",
        }
    }

    /// Takes a value to the scale.
    pub(crate) fn apply(self, y: f64) -> f64 {
        match self {
            Self::Log => y.ln(),
            Self::Raw => y,
        }
    }

    /// Takes a value back; what would overflow becomes the largest number.
    pub(crate) fn undo(self, x: f64) -> f64 {
        match self {
            Self::Log => x.exp().min(f64::MAX),
            Self::Raw => x,
        }
    }

    /// Takes back a path with normal errors of the given standard deviations.
    ///
    /// The point forecast is the median on the series' own scale: logarithms are not corrected to the mean, which costs
    /// accuracy by absolute errors.
    pub(crate) fn forecast(self, path: &[f64], deviations: &[f64], levels: &[f64]) -> Forecast {
        let bound = |z: f64| path.iter().zip(deviations).map(|(x, s)| self.undo(x + z * s)).collect();
        let interval = |&level: &f64| {
            let z = normal::reach(level);
            Interval {
                level,
                lower: bound(-z),
                upper: bound(z),
            }
        };
        Forecast {
            mean: bound(0.0),
            intervals: levels.iter().map(interval).collect(),
        }
    }
}

/// A fit of one cutoff, or why there is none.
pub(crate) type FitResult = Result<Box<dyn Fitted>, FitError>;

/// A series, and what a model asks of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FitRequest<'a> {
    /// The model, for messages.
    pub(crate) model: &'static str,
    /// The fewest values it can be fitted to.
    pub(crate) needed: usize,
    /// The season: a past that repeats itself with it needs no model.
    pub(crate) season: usize,
    /// The series.
    pub(crate) y: &'a [f64],
}

/// Fits a model at many cutoffs with at most one pass for each scale.
///
/// A past may be positive up to some cutoff and not beyond it, so the cutoffs are divided by the scale of their own
/// past. `fit_all` gets the series on a scale and the ascending cutoffs on it, and gives an outcome for each; the results
/// stand in the order of `cutoffs`. A past that [`check`] refuses, or that repeats one season, never reaches it.
pub(crate) fn fit_by_scale(
    past: &FitRequest,
    cutoffs: &[usize],
    fit_all: impl Fn(&[f64], Scale, &[usize]) -> Vec<FitResult>,
) -> Vec<FitResult> {
    let mut outcomes: Vec<Option<FitResult>> = cutoffs.iter().map(|&n| without_model(past, &past.y[..n])).collect();
    for scale in [Scale::Log, Scale::Raw] {
        let mut open: Vec<usize> = (0..cutoffs.len())
            .filter(|&i| outcomes[i].is_none() && Scale::of(&past.y[..cutoffs[i]]) == scale)
            .collect();
        open.sort_by_key(|&i| cutoffs[i]);
        let ascending: Vec<usize> = open.iter().map(|&i| cutoffs[i]).collect();
        let Some(&longest) = ascending.last() else { continue };
        let x: Vec<f64> = past.y[..longest].iter().map(|&value| scale.apply(value)).collect();
        for (i, outcome) in open.into_iter().zip(fit_all(&x, scale, &ascending)) {
            outcomes[i] = Some(outcome);
        }
    }
    outcomes
        .into_iter()
        .map(|outcome| outcome.expect("internal error: a cutoff on no scale"))
        .collect()
}

/// Where forecasts are cut off: three tenths of the range of the past below and above it.
pub(crate) fn cut_off(past: &[f64]) -> [f64; 2] {
    let (low, high) = past
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &v| (a.min(v), b.max(v)));
    let slack = 0.3 * (high - low);
    [low - slack, high + slack]
}

/// What can be said of a past before any model is fitted.
fn without_model(past: &FitRequest, y: &[f64]) -> Option<FitResult> {
    if let Err(error) = check(past.model, y, past.needed) {
        return Some(Err(error));
    }
    RepeatedSeason::of_repeating(y, past.season).map(|fit| -> FitResult { Ok(Box::new(fit)) })
}

/// Series for the tests of the models on a scale.
#[cfg(test)]
pub(super) mod sample {
    use std::f64::consts::TAU;

    use super::super::Model;

    /// Positive, with a day, a week and repeatable noise: what the reference figures in the tests were computed on.
    pub(in super::super) fn hourly(n: u32) -> Vec<f64> {
        let value = |t: u32| {
            let hours = f64::from(t);
            let noise = f64::from(t * 7919 % 101) / 101.0 - 0.5;
            let unrest = f64::from(t * 104_729 % 97) / 97.0 + 0.5;
            let season = 0.2 * (TAU * hours / 24.0).sin() + 0.1 * (TAU * hours / 168.0).cos();
            200.0 * (season + 0.05 * noise * unrest + 0.03 * (hours / 90.0).sin()).exp()
        };
        (0..n).map(value).collect()
    }

    /// Value `t` of a series that is a day of 24 steps and a week of 168, and nothing else.
    pub(in super::super) fn double_season(t: u32) -> f64 {
        let season = |length: u32| (f64::from(t % length) / f64::from(length) * TAU).sin();
        1e3 * (0.3 * season(24) + 0.1 * season(168)).exp()
    }

    /// Asserts that steps 1, 24, 25 and 48 of a forecast agree with figures to 1 part in 10⁹.
    pub(in super::super) fn assert_steps(model: &dyn Model, figures: [f64; 4]) {
        let forecast = model.fit(&hourly(600)).expect("long enough").forecast(48, &[]);
        for (step, figure) in [0, 23, 24, 47].into_iter().zip(figures) {
            let found = forecast.mean[step];
            assert!((found / figure - 1.0).abs() < 1e-9, "{found} is not {figure}");
        }
    }

    /// Asserts that intervals of the higher level are wider, and that none is narrower than the step's before it, but for
    /// a share of `rounding`.
    pub(in super::super) fn assert_intervals_widen_and_nest(model: &dyn Model, horizon: usize, rounding: f64) {
        let fit = model.fit(&hourly(600)).expect("long enough");
        let forecast = fit.forecast(horizon, &[80.0, 95.0]);
        let width = |level: usize, h: usize| forecast.intervals[level].upper[h] / forecast.intervals[level].lower[h];
        for h in 0..horizon {
            assert!(1.0 < width(0, h) && width(0, h) < width(1, h));
            assert!(h == 0 || width(1, h - 1) <= width(1, h) * (1.0 + rounding));
        }
    }

    /// Asserts that a fit at each cutoff forecasts, to the bit, what a fit on that past does.
    pub(in super::super) fn assert_one_pass_serves_all(model: &dyn Model) {
        // The later cutoffs see a value that is not positive, so two of the fits are on another scale.
        let mut y = hourly(620);
        y[560] = -1.0;
        let cutoffs = [600, 430, 560, 20, 620, 561, 430];
        for (fit, n) in model.fit_at(&y, &cutoffs).into_iter().zip(cutoffs) {
            let content = |fit: super::FitResult| fit.map(|fit| (fit.forecast(48, &[50.0, 95.0]), fit.summary()));
            assert_eq!(content(fit), content(model.fit(&y[..n])), "at {n}");
        }
    }

    /// Asserts that what a model says of a series repeats is that repetition, and exactly so.
    pub(in super::super) fn assert_a_day_is_repeated(model: &dyn Model) {
        let day: Vec<f64> = hourly(24);
        let y: Vec<f64> = day.iter().copied().cycle().take(410).collect();
        let forecast = model.fit(&y).expect("long enough").forecast(30, &[95.0]);
        let next: Vec<f64> = day.iter().copied().cycle().skip(410 % 24).take(30).collect();
        assert_eq!(
            (
                &forecast.mean,
                &forecast.intervals[0].lower,
                &forecast.intervals[0].upper
            ),
            (&next, &next, &next)
        );
    }

    /// Asserts that a model on the series times a factor forecasts the forecast times that factor.
    pub(in super::super) fn assert_equivariant(model: &dyn Model) {
        let y = hourly(500);
        let path = |y: Vec<f64>| model.fit(&y).expect("long enough").forecast(48, &[]).mean;
        let plain = path(y.clone());
        let by = |f: &dyn Fn(f64) -> f64| path(y.iter().map(|&v| f(v)).collect());
        let raw = by(&|v| v - 1e4);
        for h in 0..48 {
            // Rounding of the logarithms, carried through 48 steps.
            assert!(
                (by(&|v| v * 1e-6)[h] / plain[h] - 1e-6).abs() < 1e-14,
                "scaled, step {h}"
            );
            assert!(
                (by(&|v| 3.0 * (v - 1e4))[h] / raw[h] - 3.0).abs() < 1e-9,
                "negative and scaled, step {h}"
            );
        }
    }

    /// Asserts that a model gives an error or finite forecasts on hostile series, and never panics.
    pub(in super::super) fn fuzz(model: &dyn Model) {
        use proptest::prelude::*;
        let value = prop_oneof![
            4 => -1e3..1e3,
            2 => Just(0.0),
            1 => prop::num::f64::ANY,
            1 => Just(1e300),
            1 => Just(f64::MIN_POSITIVE),
        ];
        let pieces = prop::collection::vec((value, 1_usize..200), 0..8);
        proptest!(ProptestConfig::with_cases(48), |(pieces in pieces, wobble in prop_oneof![Just(0.0), Just(1.0)])| {
            let steps = pieces.iter().flat_map(|&(value, times)| std::iter::repeat_n(value, times));
            let y: Vec<f64> = steps.zip(hourly(1_600)).map(|(value, noise)| value + wobble * noise).collect();
            for fit in model.fit_at(&y, &[y.len() / 2, y.len()]).into_iter().flatten() {
                let forecast = fit.forecast(50, &[80.0]);
                prop_assert!(forecast.mean.iter().all(|v| v.is_finite()), "{:?}", forecast.mean);
                let interval = &forecast.intervals[0];
                prop_assert!(interval.lower.iter().zip(&interval.upper).all(|(low, high)| low <= high));
            }
        });
    }
}
