//! Exponential smoothing: the ETS family, with Holt's and the Holt-Winters method as members of it.
//!
//! Source: Hyndman, Koehler, Ord and Snyder (2008), *Forecasting with exponential smoothing*: the forms in chapter 2,
//! estimation and selection in chapters 5 and 7, intervals in chapter 6.
//!
//! State: level, trend and one season of m values. Cost of a fit: O(n) a pass over the series, whatever the season's
//! length: some tens to hundreds of passes a form for up to twelve steps in a season, beyond that some 1,000, and up to
//! m = 250, where the values of the season are searched too, m more and O(m²) beside each. Of forms that join alike, and of
//! the windows of a back-test, four go side by side in the time of one (see `side_by_side`).
//!
//! Departures from the reference (statsforecast), each with its reason:
//! - A damped trend is continued by φ, φ + φ², …; the reference adds the first φ twice. That is the whole difference
//!   of `MSTL_ETS` and `MSTL_HoltWinters`, which come out better for it.
//! - The reference bounds β by its first α, 0.2 without a season and less with one, in an array that its fits share, so
//!   that a bound depends on which forms were tried before. Here it depends on the form alone.
//! - Seasons of up to twelve steps are fitted to an optimum by gradient. There the reference's search ends far from
//!   it: on the airline passengers at a criterion of 1,458, where the optimum of ETS(M,Ad,M) has 1,399.7.
//! - A season needs two full seasons of values; the reference fits waves to less.
//! - A form that names its season needs a series long enough for it; the reference falls back to one without.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

mod estimate;
pub(crate) mod form;
mod interval;
mod lane;
mod recursion;
mod side_by_side;
mod start;
#[cfg(test)]
mod tests;
mod walk;

use super::classical::Composition;
use super::settings::model_settings;
use super::{Estimate, FitError, Fitted, Forecast, Model, check, fit_in_one_pass};
use estimate::{EtsEstimate, FormSearch, estimate};
pub(super) use form::FormPattern;
use form::{Component, EtsForm};
use interval::EtsEnd;
use recursion::Recursion;
pub(crate) use recursion::{Smoothing, States};
use walk::walk;

use crate::engine::spec::schema::Kind;
use crate::engine::spec::schema::Literal::Text;

/// Estimates forms on series, each by itself; `None` for a form that has no likelihood on its series.
type Estimator = fn(&[FormSearch<'_>]) -> Vec<Option<EtsEstimate>>;

/// Follows the gradient to an optimum for seasons of up to twelve steps (see `estimate`), and takes the reference's bounded
/// walk for longer ones and without a season (see `walk`).
fn estimator(season_length: usize) -> Estimator {
    match season_length {
        2..=12 => estimate,
        _ => walk,
    }
}

/// A model that is a choice among forms.
macro_rules! fits_by_choice {
    ($model:ty) => {
        impl Model for $model {
            fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
                fit_in_one_pass(self, y)
            }

            fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
                let pasts: Vec<&[f64]> = cutoffs.iter().map(|&n| &y[..n]).collect();
                self.fit_each(&pasts)
            }

            fn fit_each(&self, series: &[&[f64]]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
                self.choice().fit_each(series)
            }

            fn fits_together(&self) -> bool {
                true
            }
        }
    };
}

model_settings! {
    /// The form of exponential smoothing that fits a series best, by the corrected criterion of Akaike.
    #[derive(Clone, Debug)]
    pub(crate) struct AutoEts {
        /// Steps in a season; 1 for none.
        season_length: usize = 1,
    }
    "model" => pattern: FormPattern = Some(Text("ZZZ")), Kind::Choice(&FormPattern::NAMES),
        "forms to choose from: error, trend and season, each A, M, N or Z for any";
}

impl AutoEts {
    fn choice(&self) -> FormChoice {
        FormChoice::new("AutoETS", self.season_length, self.pattern)
    }
}

fits_by_choice!(AutoEts);

/// Holt's method: a level and a linear trend, damped if that fits better. It is the trend forecaster of MSTL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holt {
    /// How the errors join.
    pub(crate) error: Composition,
}

impl Holt {
    fn choice(self) -> FormChoice {
        FormChoice::new("Holt", 1, FormPattern::holt(self.error))
    }
}

fits_by_choice!(Holt);

model_settings! {
    /// The Holt-Winters method: a level, a linear trend, damped if that fits better, and a season.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct HoltWinters {
        /// Steps in a season; 1 leaves Holt's method.
        season_length: usize = 1,
    }
    "error" => error: Composition = Some(Text(Composition::Additive.name())), Kind::Choice(Composition::NAMES),
        "how errors join, and the season with them";
}

impl HoltWinters {
    fn choice(&self) -> FormChoice {
        let pattern = if self.season_length > 1 {
            FormPattern::holt_winters(self.error)
        } else {
            FormPattern::holt(self.error)
        };
        FormChoice::new("HoltWinters", self.season_length, pattern)
    }
}

fits_by_choice!(HoltWinters);

/// Fits each form that a pattern allows, and keeps the one with the least criterion.
#[derive(Debug)]
struct FormChoice {
    model: &'static str,
    season_length: usize,
    pattern: FormPattern,
    estimator: Estimator,
}

/// A series in the unit of its fit, and what is to be tried on it.
struct FormTrial {
    unit: f64,
    scaled: Vec<f64>,
    forms: Vec<EtsForm>,
    /// What is added to the mean square of additive errors.
    floor: f64,
}

/// What there is to do for a series.
enum Begun {
    Constant(Smoothed),
    Trial(FormTrial),
}

impl FormChoice {
    fn new(model: &'static str, season_length: usize, pattern: FormPattern) -> Self {
        Self {
            model,
            season_length: season_length.max(1),
            pattern,
            estimator: estimator(season_length),
        }
    }

    /// Fits several series; the forms of all of them go into one search, side by side.
    fn fit_each(&self, series: &[&[f64]]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
        let begun: Vec<Result<Begun, FitError>> = series.iter().map(|y| self.begin(y)).collect();
        let trials = begun.iter().filter_map(|one| match one {
            Ok(Begun::Trial(trial)) => Some(trial),
            _ => None,
        });
        let searches: Vec<FormSearch<'_>> = trials.flat_map(|trial| self.searches(trial)).collect();
        let mut estimates = (self.estimator)(&searches).into_iter();
        let mut finish = |one: &Result<Begun, FitError>| match one {
            Err(error) => Err(error.clone()),
            Ok(Begun::Constant(fit)) => Ok(fit.clone()),
            Ok(Begun::Trial(trial)) => self.best(trial, estimates.by_ref().take(trial.forms.len())),
        };
        let boxed = |fit: Smoothed| Box::new(fit) as Box<dyn Fitted>;
        begun.iter().map(|one| finish(one).map(boxed)).collect()
    }

    /// Finds out which forms a series is long enough for, and its unit.
    fn begin(&self, y: &[f64]) -> Result<Begun, FitError> {
        let &Self {
            model,
            season_length,
            pattern,
            ..
        } = self;
        check(model, y, 1)?;
        let is_seasonal = season_length > 1 && y.len() >= 2 * season_length;
        let is_positive = y.iter().all(|&value| value > 0.0);
        if let Some(constant) = constant(y) {
            return Ok(Begun::Constant(constant));
        }
        let mut forms = pattern.forms(is_seasonal || pattern.needs_season(), is_positive);
        if forms.is_empty() {
            return Err(self.no_fit("a part that multiplies needs values above zero"));
        }
        let needs = |form: &EtsForm| {
            let seasons = if form.season == Component::Absent {
                0
            } else {
                2 * season_length
            };
            seasons.max(form.parameters(season_length) + 2)
        };
        let needed = forms.iter().map(needs).min().unwrap_or(0);
        check(model, y, needed)?;
        forms.retain(|form| y.len() >= needs(form));

        // By a power of two, so that a series in another unit of that kind has the very same fit.
        let unit = y
            .iter()
            .fold(0.0_f64, |most, value| most.max(value.abs()))
            .log2()
            .floor()
            .exp2();
        let scaled: Vec<f64> = y.iter().map(|value| value / unit).collect();
        let floor = 1e-20 * spread(&scaled);
        Ok(Begun::Trial(FormTrial {
            unit,
            scaled,
            forms,
            floor,
        }))
    }

    fn searches<'a>(&self, trial: &'a FormTrial) -> impl Iterator<Item = FormSearch<'a>> {
        let season_length = self.season_length;
        trial.forms.iter().map(move |&form| FormSearch {
            y: &trial.scaled,
            season_length,
            form,
            floor: if form.error == Component::Multiplicative {
                1e-20
            } else {
                trial.floor
            },
        })
    }

    /// Takes the estimate with the least criterion, the first of equals.
    fn best(
        &self,
        trial: &FormTrial,
        estimates: impl Iterator<Item = Option<EtsEstimate>>,
    ) -> Result<Smoothed, FitError> {
        let FormTrial { unit, scaled, .. } = trial;
        let mut best: Option<(f64, EtsEstimate)> = None;
        let mut tried = 0_usize;
        for estimate in estimates.flatten() {
            tried += 1;
            let criterion = InformationCriteria::new(&estimate, scaled.len(), self.season_length, *unit).aicc;
            if best.as_ref().is_none_or(|(least, _)| criterion < *least) {
                best = Some((criterion, estimate));
            }
        }
        let (_, estimate) = best.ok_or_else(|| self.no_fit("no form has a finite likelihood on this series"))?;
        Ok(Smoothed::new(scaled, self.season_length, *unit, estimate, tried))
    }

    fn no_fit(&self, why: &str) -> FitError {
        FitError::NoFit {
            model: self.model,
            why: why.to_owned(),
        }
    }
}

/// The mean square about the mean.
fn spread(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n
}

/// The fit of a series whose values are all the same: that value, for ever and surely.
#[expect(clippy::float_cmp, reason = "the very same value is meant")]
fn constant(y: &[f64]) -> Option<Smoothed> {
    let first = *y.first()?;
    y.iter().all(|value| *value == first).then(|| Smoothed {
        end: EtsEnd {
            form: EtsForm {
                error: Component::Additive,
                trend: Component::Absent,
                damped: false,
                season: Component::Absent,
            },
            smoothing: Smoothing {
                alpha: 1.0,
                phi: 1.0,
                ..Smoothing::default()
            },
            states: States {
                level: first,
                ..States::default()
            },
            variance: 0.0,
            steps: y.len(),
        },
        start: States {
            level: first,
            ..States::default()
        },
        criteria: None,
        tried: 0,
        iterations: 0,
        limited: false,
    })
}

/// The information criteria of a fit, with the likelihood's constant left out, as in the R package forecast.
#[derive(Clone, Copy, Debug)]
struct InformationCriteria {
    aic: f64,
    aicc: f64,
    bic: f64,
}

impl InformationCriteria {
    fn new(estimate: &EtsEstimate, n: usize, season_length: usize, unit: f64) -> Self {
        let n = n as f64;
        let k = estimate.form.parameters(season_length) as f64;
        let deviance = estimate.deviance + 2.0 * n * unit.ln();
        let aic = deviance + 2.0 * k;
        Self {
            aic,
            aicc: aic + 2.0 * k * (k + 1.0) / (n - k - 1.0),
            bic: deviance + k * n.ln(),
        }
    }
}

/// One form of exponential smoothing, fitted.
#[derive(Clone, Debug)]
struct Smoothed {
    end: EtsEnd,
    start: States,
    /// None for a constant series, which has no likelihood.
    criteria: Option<InformationCriteria>,
    /// Forms that could be fitted.
    tried: usize,
    iterations: usize,
    limited: bool,
}

impl Smoothed {
    /// Runs the estimate over the series once more, and turns its numbers back into the series' unit.
    fn new(scaled: &[f64], season_length: usize, unit: f64, mut estimate: EtsEstimate, tried: usize) -> Self {
        let EtsEstimate {
            form,
            smoothing,
            iterations,
            limited,
            ..
        } = estimate;
        normalise(form, &mut estimate.start);
        let mut recursion = Recursion::new(scaled, form, 0.0);
        recursion.likelihood(&smoothing, &estimate.start);
        let degrees = scaled.len() - (form.parameters(season_length) - 1);
        let is_relative = form.error == Component::Multiplicative;
        let variance = recursion.squares() / degrees as f64 * if is_relative { 1.0 } else { unit * unit };
        let criteria = InformationCriteria::new(&estimate, scaled.len(), season_length, unit);
        let mut states = recursion.last(&smoothing);
        let mut start = estimate.start;
        for states in [&mut states, &mut start] {
            states.level *= unit;
            if form.trend == Component::Additive {
                states.trend *= unit;
            }
            if form.season == Component::Additive {
                states.season.iter_mut().for_each(|value| *value *= unit);
            }
        }
        let end = EtsEnd {
            form,
            smoothing,
            states,
            variance,
            steps: scaled.len(),
        };
        Self {
            end,
            start,
            criteria: Some(criteria),
            tried,
            iterations,
            limited,
        }
    }
}

/// Moves the seasons' mean into the level, which changes no forecast.
fn normalise(form: EtsForm, states: &mut States) {
    if states.season.is_empty() {
        return;
    }
    let mean = states.season.iter().sum::<f64>() / states.season.len() as f64;
    if form.season == Component::Additive {
        states.level += mean;
        states.season.iter_mut().for_each(|value| *value -= mean);
    } else {
        states.level *= mean;
        if form.trend == Component::Additive {
            states.trend *= mean;
        }
        states.season.iter_mut().for_each(|value| *value /= mean);
    }
}

impl Fitted for Smoothed {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        self.end.forecast(horizon, levels)
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let EtsEnd {
            form,
            smoothing,
            variance,
            ..
        } = &self.end;
        let mut found = vec![
            ("form", Estimate::Text(form.to_string())),
            ("alpha", Estimate::Number(smoothing.alpha)),
        ];
        if form.trend != Component::Absent {
            found.push(("beta", Estimate::Number(smoothing.beta)));
        }
        if form.damped {
            found.push(("phi", Estimate::Number(smoothing.phi)));
        }
        if form.season != Component::Absent {
            found.push(("gamma", Estimate::Number(smoothing.gamma)));
        }
        found.push(("level", Estimate::Number(self.start.level)));
        if form.trend != Component::Absent {
            found.push(("trend", Estimate::Number(self.start.trend)));
        }
        if form.season != Component::Absent {
            found.push(("season", Estimate::Numbers(self.start.season.clone())));
        }
        found.push(("sigma", Estimate::Number(variance.sqrt())));
        if let Some(InformationCriteria { aic, aicc, bic }) = self.criteria {
            found.extend([
                ("aic", Estimate::Number(aic)),
                ("aicc", Estimate::Number(aicc)),
                ("bic", Estimate::Number(bic)),
                ("forms_tried", Estimate::Number(self.tried as f64)),
                ("iterations", Estimate::Number(self.iterations as f64)),
            ]);
        }
        if self.limited {
            found.push((
                "limit",
                Estimate::Text(format!("stopped after {} steps of the search", self.iterations)),
            ));
        }
        found
    }
}
