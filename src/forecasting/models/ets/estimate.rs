//! Maximum likelihood for one form on one series.
//!
//! The search runs over the smoothing parameters and all initial states at once, with the exact gradient, within the
//! usual bounds (Hyndman and others 2008, section 2.7): α in [1e-4, 0.9999], β up to α and 0.2, γ up to 1 − α,
//! φ in [0.8, 0.98]. With the gradient, some tens of steps reach an optimum even where a season brings tens of variables;
//! several starts are followed, for there may be more than one.
//!
//! The bound of 0.2 for β is the reference's for forms without a season. Without it the likelihood of one-step errors is
//! best, for hourly values, where the trend is the last difference, and that forecasts nothing.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::super::optimise::{DescentLimits, LocalMinimum, Objective, Variable, minimise};
use super::form::{Component, EtsForm};
use super::lane::LANES;
use super::recursion::{Recursion, Slopes, Smoothing, States};
use super::side_by_side::{Joining, LanePoint, LaneSeries, SideBySide};
use super::start::first_states;
use rayon::prelude::*;

/// A form to fit to a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct FormSearch<'a> {
    /// The series, whose largest value is of the order of one.
    pub(super) y: &'a [f64],
    /// Steps in a season.
    pub(super) season_length: usize,
    pub(super) form: EtsForm,
    /// What is added to the mean square of the errors, so that a perfect fit has a finite likelihood.
    pub(super) floor: f64,
}

/// A form with its parameters.
#[derive(Clone, Debug)]
pub(super) struct EtsEstimate {
    pub(super) form: EtsForm,
    pub(super) smoothing: Smoothing,
    pub(super) start: States,
    /// Minus twice the log-likelihood, without its constant.
    pub(super) deviance: f64,
    pub(super) iterations: usize,
    /// Whether the limit on iterations ended the search.
    pub(super) limited: bool,
}

/// Seasons that the first guess of the pattern is taken from: where it changes over a year, its beginning is closer.
const SEASONS: usize = 6;

/// Most steps of a search. Searches take 20 to 80, so it binds on odd series only.
const LIMITS: DescentLimits = DescentLimits {
    iterations: 300,
    decrease: 1e-6,
};

/// Bounds of α, and the least of what the others share of it.
pub(super) const LEAST: f64 = 1e-4;
pub(super) const MOST: f64 = 0.9999;
/// Bounds of φ.
pub(super) const DAMPING: (f64, f64) = (0.8, 0.98);
/// The most that β may be, whatever α.
const MOST_TREND: f64 = 0.2;

/// Fits each form to its series; `None` for one that has no likelihood there.
pub(super) fn estimate(searches: &[FormSearch<'_>]) -> Vec<Option<EtsEstimate>> {
    searches.par_iter().map(estimate_one).collect()
}

fn estimate_one(wanted: &FormSearch<'_>) -> Option<EtsEstimate> {
    let &FormSearch {
        y,
        season_length,
        form,
        floor,
    } = wanted;
    let first = first_states(y, season_length, form, SEASONS.saturating_mul(season_length))?;
    let recursion = Recursion::new(y, form, floor);
    let mut search = LikelihoodSearch {
        recursion,
        form,
        smoothing: Smoothing::default(),
        states: first.clone(),
        slopes: Slopes::default(),
    };
    let mut best: Option<LocalMinimum> = None;
    for smoothing in search.starts(LaneSeries { y, floor }) {
        search.smoothing = smoothing;
        search.states.clone_from(&first);
        let variables = search.variables();
        let found = minimise(&mut search, &variables, LIMITS);
        if found.value.is_finite() && best.as_ref().is_none_or(|best| found.value < best.value) {
            best = Some(found);
        }
    }
    let found = best?;
    search.put(&found.x);
    Some(EtsEstimate {
        form,
        smoothing: search.smoothing,
        start: search.states,
        deviance: found.value,
        iterations: found.iterations,
        limited: found.limited,
    })
}

fn most_trend(alpha: f64) -> f64 {
    alpha.min(MOST_TREND)
}

/// The likelihood as a function of one list of numbers: α, β and γ as shares of the most that they may be, φ, level,
/// trend, seasons; as far as the form has them.
struct LikelihoodSearch<'a> {
    recursion: Recursion<'a>,
    form: EtsForm,
    smoothing: Smoothing,
    states: States,
    slopes: Slopes,
}

/// Values of α to start from, each with the best of a few values of β and γ.
const ALPHAS: [f64; 4] = [0.05, 0.2, 0.5, 0.9];

/// How many of these are followed: the likelihood often has a valley for a slow level, and one for a quick season.
const FOLLOWED: usize = 3;

impl LikelihoodSearch<'_> {
    /// Tries a few smoothing parameters with the first guess of the states, and returns the most likely ones.
    fn starts(&mut self, series: LaneSeries<'_>) -> Vec<Smoothing> {
        let pick = |component, values: &'static [f64]| if component == Component::Absent { &[0.0] } else { values };
        let phi = if self.form.damped { 0.95 } else { 1.0 };
        let mut tried: Vec<Smoothing> = Vec::new();
        for alpha in ALPHAS {
            for share in pick(self.form.trend, &[0.01, 0.5]) {
                for rest in pick(self.form.season, &[0.02, 0.3, 0.8]) {
                    tried.push(Smoothing {
                        alpha,
                        beta: most_trend(alpha) * share,
                        gamma: (1.0 - alpha) * rest,
                        phi,
                    });
                }
            }
        }
        let values = self.likelihoods(series, &tried);
        let of_one_alpha = tried.len() / ALPHAS.len();
        let mut starts: Vec<(f64, Smoothing)> = Vec::new();
        for (values, tried) in values.chunks(of_one_alpha).zip(tried.chunks(of_one_alpha)) {
            let finite = values.iter().zip(tried).filter(|(value, _)| value.is_finite());
            // The first of equals.
            let best = finite.min_by(|a, b| a.0.total_cmp(b.0));
            starts.extend(best.map(|(&value, &p)| (value, p)));
        }
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        starts.into_iter().take(FOLLOWED).map(|(_, p)| p).collect()
    }

    /// The likelihoods of some smoothing parameters with the present states.
    fn likelihoods(&mut self, series: LaneSeries<'_>, tried: &[Smoothing]) -> Vec<f64> {
        let Some(joining) = Joining::of(self.form) else {
            return tried
                .iter()
                .map(|p| self.recursion.likelihood(p, &self.states))
                .collect();
        };
        let mut lanes = SideBySide::new(joining, &[series; LANES]);
        let groups = tried.chunks(LANES).flat_map(|group| {
            let points: Vec<LanePoint<'_>> = group.iter().map(|p| (*p, &self.states)).collect();
            let mut values = lanes.likelihoods(&points);
            values.truncate(group.len());
            values
        });
        groups.collect()
    }

    /// The size of a one-step error at the present point: how far a state must move to matter.
    fn unit(&mut self) -> f64 {
        self.recursion.likelihood(&self.smoothing, &self.states);
        let error = (self.recursion.squares() / self.recursion.steps() as f64).sqrt();
        if self.form.error == Component::Multiplicative {
            error * self.states.level.abs()
        } else {
            error
        }
    }

    /// Lists the variables at the present point.
    fn variables(&mut self) -> Vec<Variable> {
        let unit = self.unit();
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = self.smoothing;
        let within = |start, lower, upper| Variable {
            start,
            lower,
            upper,
            scale: 0.02,
        };
        let free = |start, scale: f64| Variable {
            start,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            scale: scale.max(f64::MIN_POSITIVE),
        };
        let mut variables = vec![within(alpha, LEAST, MOST)];
        if self.form.trend != Component::Absent {
            variables.push(within(beta / most_trend(alpha), LEAST, 1.0));
        }
        if self.form.season != Component::Absent {
            variables.push(within(gamma / (1.0 - alpha), LEAST, 1.0));
        }
        if self.form.damped {
            variables.push(within(phi, DAMPING.0, DAMPING.1));
        }
        let level = self.states.level;
        variables.push(free(level, unit));
        match self.form.trend {
            Component::Absent => {}
            Component::Additive => variables.push(free(self.states.trend, 0.2 * unit)),
            Component::Multiplicative => variables.push(free(self.states.trend, 0.2 * unit / level.abs())),
        }
        let by_level = if self.form.season == Component::Multiplicative {
            level.abs()
        } else {
            1.0
        };
        variables.extend(self.states.season.iter().map(|&value| free(value, unit / by_level)));
        variables
    }

    /// Takes a point over into parameters and states.
    fn put(&mut self, x: &[f64]) {
        let mut values = x.iter().copied();
        let mut next = || values.next().unwrap_or(f64::NAN);
        let p = &mut self.smoothing;
        p.alpha = next();
        if self.form.trend != Component::Absent {
            p.beta = most_trend(p.alpha) * next();
        }
        if self.form.season != Component::Absent {
            p.gamma = (1.0 - p.alpha) * next();
        }
        if self.form.damped {
            p.phi = next();
        }
        self.states.level = next();
        if self.form.trend != Component::Absent {
            self.states.trend = next();
        }
        self.states.season.iter_mut().for_each(|value| *value = next());
    }
}

impl Objective for LikelihoodSearch<'_> {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.put(x);
        let value = self.recursion.likelihood(&self.smoothing, &self.states);
        if !value.is_finite() {
            return value;
        }
        self.recursion.slopes(&self.smoothing, &mut self.slopes);
        let Slopes { smoothing: by, states } = &self.slopes;
        let alpha = self.smoothing.alpha;
        let mut at = 1;
        let mut put = |slope: f64| {
            gradient[at] = slope;
            at += 1;
        };
        let mut by_alpha = by.alpha;
        if self.form.trend != Component::Absent {
            if alpha < MOST_TREND {
                by_alpha += by.beta * x[1];
            }
            put(by.beta * most_trend(alpha));
        }
        if self.form.season != Component::Absent {
            by_alpha -= by.gamma * self.smoothing.gamma / (1.0 - alpha);
            put(by.gamma * (1.0 - alpha));
        }
        if self.form.damped {
            put(by.phi);
        }
        put(states.level);
        if self.form.trend != Component::Absent {
            put(states.trend);
        }
        states.season.iter().for_each(|&slope| put(slope));
        gradient[0] = by_alpha;
        value
    }
}
