//! A walk of bounded length from a decomposition of the whole series: the search of the reference.
//!
//! For an hourly series the likelihood of one-step errors has its optimum where the level follows every wiggle, and a
//! forecast of a day starts from the last one. A walk from small smoothing parameters that ends after 1,000 steps stays
//! near the pattern of the whole series instead, which often forecasts better: on a year of hourly power generation,
//! the Holt-Winters method has a root mean square error of 14,011 over a day so, and of 19,466 at the optimum; on 207
//! hourly series of the M4 competition the best of all forms has a scaled error of 1.6 so, and of 1.8 at the optimum.
//! That the search is part of the method is unlovely, so the summary says when the limit ended it, and
//! `Search::Optimum` is there to be asked for. Start, steps and limit are the reference's.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::super::simplex::{SimplexLimits, descend};
use super::estimate::{DAMPING, EtsEstimate, LEAST, MOST};
use super::form::{Component, EtsForm};
use super::recursion::{Recursion, Smoothing, States};
use super::start::first_states;

const LIMITS: SimplexLimits = SimplexLimits {
    iterations: 1000,
    spread: 1e-4,
};

/// The longest season whose values are searched too: of more variables, the steps that there are would hardly move each
/// once, so the decomposition's stay.
const FREE_SEASON: usize = 250;

/// Fits `form` to `y`; `None` if it does not suit the series.
pub(super) fn walk(y: &[f64], season_length: usize, form: EtsForm, floor: f64) -> Option<EtsEstimate> {
    let has_trend = form.trend != Component::Absent;
    let has_season = form.season != Component::Absent;
    let season_length = if has_season { season_length } else { 1 };
    let first = first_states(y, season_length, form, y.len())?;

    // Variables: α, β, γ, φ, level, trend, all seasons but the first, the latest first; as far as the form has them, and
    // the seasons are searched.
    let alpha = LEAST + 0.2 * (MOST - LEAST) / season_length as f64;
    let mut start = vec![alpha];
    let mut bounds = vec![(LEAST, MOST)];
    if has_trend {
        start.push(LEAST + 0.1 * (alpha - LEAST));
        bounds.push((LEAST, alpha));
    }
    if has_season {
        start.push(LEAST + 0.05 * (1.0 - alpha - LEAST));
        bounds.push((LEAST, 1.0 - alpha));
    }
    if form.damped {
        start.push(DAMPING.0 + 0.99 * (DAMPING.1 - DAMPING.0));
        bounds.push(DAMPING);
    }
    start.push(first.level);
    if has_trend {
        start.push(first.trend);
    }
    if season_length <= FREE_SEASON {
        start.extend(first.season.iter().skip(1).rev());
    }
    bounds.resize(start.len(), (f64::NEG_INFINITY, f64::INFINITY));

    let mut states = first;
    let mut recursion = Recursion::new(y, form, floor);
    let found = descend(
        |x| recursion.likelihood_alone(&put(x, form, &mut states), &states),
        &start,
        &bounds,
        LIMITS,
    );
    let smoothing = put(&found.x, form, &mut states);
    found.value.is_finite().then_some(EtsEstimate {
        form,
        smoothing,
        start: states,
        deviance: found.value,
        iterations: found.iterations,
        limited: found.limited,
    })
}

/// Takes a point apart; the first season is what makes their mean that of a season without effect.
fn put(x: &[f64], form: EtsForm, states: &mut States) -> Smoothing {
    let mut values = x.iter().copied();
    let mut next = || values.next().unwrap_or(f64::NAN);
    let alpha = next();
    let beta = if form.trend == Component::Absent { 0.0 } else { next() };
    let gamma = if form.season == Component::Absent { 0.0 } else { next() };
    let phi = if form.damped { next() } else { 1.0 };
    states.level = next();
    if form.trend != Component::Absent {
        states.trend = next();
    }
    if states.season.len() > FREE_SEASON {
        return Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        };
    }
    let mut rest = if form.season == Component::Multiplicative {
        states.season.len() as f64
    } else {
        0.0
    };
    if let Some((first, others)) = states.season.split_first_mut() {
        for season in others.iter_mut().rev() {
            *season = next();
            rest -= *season;
        }
        *first = rest;
    }
    Smoothing {
        alpha,
        beta,
        gamma,
        phi,
    }
}
