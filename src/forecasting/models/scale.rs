//! The scale on which the recipe's models work: logarithms where a series is positive, its own values where not.
//!
//! A multiplicative season is additive in logarithms, and errors of power data grow with the level. Both models built
//! on this scale are equivariant to a factor on it, so the normalisation by the mean absolute seasonal difference that
//! pooled models need is left out: a factor that moved with the cutoff would keep one pass from serving them all.

use std::fmt;

use super::last_day::LastDay;
use super::{FitError, Fitted, Forecast, Interval, check};

/// Logarithms or the values themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// `x = ln y`, for a series that is positive throughout.
    Log,
    /// `x = y`.
    Raw,
}

impl Scale {
    /// The scale that suits a series.
    pub fn of(y: &[f64]) -> Self {
        if y.iter().all(|&value| value > 0.0) {
            Self::Log
        } else {
            Self::Raw
        }
    }

    /// Takes a value to the scale.
    pub fn apply(self, y: f64) -> f64 {
        match self {
            Self::Log => y.ln(),
            Self::Raw => y,
        }
    }

    /// Takes a value back; what would overflow becomes the largest number.
    pub fn undo(self, x: f64) -> f64 {
        match self {
            Self::Log => x.exp().min(f64::MAX),
            Self::Raw => x,
        }
    }

    /// Takes back a path with normal errors of the given standard deviations.
    ///
    /// The point forecast is the median on the series' own scale: logarithms are not corrected to the mean, which costs
    /// accuracy by absolute errors.
    pub fn forecast(self, path: &[f64], deviations: &[f64], levels: &[f64]) -> Forecast {
        let bound = |z: f64| path.iter().zip(deviations).map(|(x, s)| self.undo(x + z * s)).collect();
        let interval = |&level: &f64| {
            let z = reach(level);
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

impl fmt::Display for Scale {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Log => "logarithms",
            Self::Raw => "raw",
        })
    }
}

/// A fit of one cutoff, or why there is none.
pub type Outcome = Result<Box<dyn Fitted>, FitError>;

/// A series, and what a model asks of it.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The model, for messages.
    pub model: &'static str,
    /// The fewest values it can be fitted to.
    pub needed: usize,
    /// The season: a past that repeats itself with it needs no model.
    pub season: usize,
    /// The series.
    pub y: &'a [f64],
}

/// Fits a model at many cutoffs with at most one pass for each scale.
///
/// A past may be positive up to some cutoff and not beyond it, so the cutoffs are divided by the scale of their own
/// past. `pass` gets the series on a scale and the ascending cutoffs on it, and gives an outcome for each; the results
/// stand in the order of `cutoffs`. A past that [`check`] refuses, or that repeats one season, never reaches `pass`.
pub fn fit_by_scale(
    past: &Past,
    cutoffs: &[usize],
    pass: impl Fn(&[f64], Scale, &[usize]) -> Vec<Outcome>,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = cutoffs.iter().map(|&n| without_model(past, &past.y[..n])).collect();
    for scale in [Scale::Log, Scale::Raw] {
        let mut open: Vec<usize> = (0..cutoffs.len())
            .filter(|&i| outcomes[i].is_none() && Scale::of(&past.y[..cutoffs[i]]) == scale)
            .collect();
        open.sort_by_key(|&i| cutoffs[i]);
        let ascending: Vec<usize> = open.iter().map(|&i| cutoffs[i]).collect();
        let Some(&longest) = ascending.last() else { continue };
        let x: Vec<f64> = past.y[..longest].iter().map(|&value| scale.apply(value)).collect();
        for (i, outcome) in open.into_iter().zip(pass(&x, scale, &ascending)) {
            outcomes[i] = Some(outcome);
        }
    }
    outcomes
        .into_iter()
        .map(|outcome| outcome.expect("internal error: a cutoff on no scale"))
        .collect()
}

/// What can be said of a past before any model is fitted.
fn without_model(past: &Past, y: &[f64]) -> Option<Outcome> {
    if let Err(error) = check(past.model, y, past.needed) {
        return Some(Err(error));
    }
    LastDay::of_repeating(y, past.season).map(|fit| -> Outcome { Ok(Box::new(fit)) })
}

pub(super) fn reach(level: f64) -> f64 {
    // TEMP
    let q = level / 200.0;
    let num = |c: &[f64], r: f64| c.iter().rev().fold(0.0, |s, c| s * r + c);
    if q <= 0.425 {
        let r = 0.180625 - q * q;
        q * num(
            &[
                3.3871328727963666080,
                1.3314166789178437745e2,
                1.9715909503065514427e3,
                1.3731693765509461125e4,
                4.5921953931549871457e4,
                6.7265770927008700853e4,
                3.3430575583588128105e4,
                2.5090809287301226727e3,
            ],
            r,
        ) / num(
            &[
                1.0,
                4.2313330701600911252e1,
                6.8718700749205790830e2,
                5.3941960214247511077e3,
                2.1213794301586595867e4,
                3.9307895800092710610e4,
                2.8729085735721942674e4,
                5.2264952788528545610e3,
            ],
            r,
        )
    } else {
        let r = (-(0.5 - q).ln()).sqrt() - 1.6;
        num(
            &[
                1.42343711074968357734,
                4.63033784615654529590,
                5.76949722146069140550,
                3.64784832476320460504,
                1.27045825245236838258,
                2.41780725177450611770e-1,
                2.27238449892691845833e-2,
                7.74545014278341407640e-4,
            ],
            r,
        ) / num(
            &[
                1.0,
                2.05319162663775882187,
                1.67638483018380384940,
                6.89767334985100004550e-1,
                1.48103976427480074590e-1,
                1.51986665636164571966e-2,
                5.47593808499534494600e-4,
                1.05075007164441684324e-9,
            ],
            r,
        )
    }
}
