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

use super::super::simplex::{Simplex, SimplexLimits};
use super::estimate::{DAMPING, EtsEstimate, FormSearch, LEAST, MOST};
use super::form::{Component, EtsForm};
use super::lane::LANES;
use super::recursion::{Recursion, Smoothing, States};
use super::side_by_side::{Joining, LanePoint, LaneSeries, SideBySide};
use super::start::first_states;
use rayon::prelude::*;

const LIMITS: SimplexLimits = SimplexLimits {
    iterations: 1000,
    spread: 1e-4,
};

/// The longest season whose values are searched too: of more variables, the steps that there are would hardly move each
/// once, so the decomposition's stay.
const FREE_SEASON: usize = 250;

/// Fits each form to its series; `None` for one that does not suit it.
pub(super) fn walk(searches: &[FormSearch<'_>]) -> Vec<Option<EtsEstimate>> {
    // What can go side by side, and takes about as many steps, in one row.
    let alike = |at: usize| {
        let FormSearch {
            form, season_length, ..
        } = searches[at];
        let season = if form.season == Component::Absent {
            1
        } else {
            season_length
        };
        (Joining::of(form), season, form.trend != Component::Absent, form.damped)
    };
    let mut order: Vec<usize> = (0..searches.len()).collect();
    order.sort_by_key(|&at| alike(at));
    let mut groups: Vec<&[usize]> = Vec::new();
    for row in order.chunk_by(|&a, &b| (alike(a).0, alike(a).1) == (alike(b).0, alike(b).1)) {
        groups.extend(row.chunks(if alike(row[0]).0.is_some() { LANES } else { 1 }));
    }
    let found: Vec<Vec<Option<EtsEstimate>>> = groups
        .par_iter()
        .map(|group| walk_together(group.iter().map(|&at| searches[at])))
        .collect();
    let mut estimates = vec![None; searches.len()];
    for (at, estimate) in groups.into_iter().flatten().zip(found.into_iter().flatten()) {
        estimates[*at] = estimate;
    }
    estimates
}

/// Walks with forms that join alike, side by side.
fn walk_together<'a>(searches: impl Iterator<Item = FormSearch<'a>>) -> Vec<Option<EtsEstimate>> {
    let mut walks: Vec<Option<FormWalk<'_>>> = searches.map(FormWalk::new).collect();
    let mut going: Vec<&mut FormWalk<'_>> = walks.iter_mut().flatten().collect();
    let series: Vec<LaneSeries<'_>> = going.iter().map(|walk| walk.series()).collect();
    match going.first().map(|first| Joining::of(first.search.form)) {
        Some(Some(joining)) => {
            let mut lanes = SideBySide::new(joining, &series);
            loop {
                let mut goes_on = false;
                for walk in &mut going {
                    goes_on |= walk.take_point();
                }
                if !goes_on {
                    break;
                }
                let points: Vec<LanePoint<'_>> = going.iter().map(|walk| (walk.smoothing, &walk.states)).collect();
                let values = lanes.likelihoods(&points);
                for (walk, value) in going.iter_mut().zip(values) {
                    walk.simplex.tell(value);
                }
            }
        }
        Some(None) => {
            for walk in going {
                let mut recursion = Recursion::new(walk.search.y, walk.search.form, walk.search.floor);
                while walk.take_point() {
                    walk.simplex.tell(recursion.likelihood(&walk.smoothing, &walk.states));
                }
            }
        }
        None => {}
    }
    walks.into_iter().map(|walk| walk?.finish()).collect()
}

/// The walk of one form on one series.
struct FormWalk<'a> {
    search: FormSearch<'a>,
    simplex: Simplex,
    /// The point whose value is wanted, taken apart.
    smoothing: Smoothing,
    states: States,
}

impl<'a> FormWalk<'a> {
    /// The walk at its start; `None` if the form does not suit the series.
    fn new(search: FormSearch<'a>) -> Option<Self> {
        let FormSearch { y, form, .. } = search;
        let has_trend = form.trend != Component::Absent;
        let has_season = form.season != Component::Absent;
        let season_length = if has_season { search.season_length } else { 1 };
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
        Some(Self {
            search,
            simplex: Simplex::new(&start, &bounds, LIMITS),
            smoothing: Smoothing::default(),
            states: first,
        })
    }

    fn series(&self) -> LaneSeries<'a> {
        let FormSearch { y, floor, .. } = self.search;
        LaneSeries { y, floor }
    }

    /// Takes over the point whose value is wanted; at the end of the walk there is none, and the last one stays.
    fn take_point(&mut self) -> bool {
        let Some(x) = self.simplex.point() else { return false };
        self.smoothing = put(x, self.search.form, &mut self.states);
        true
    }

    fn finish(self) -> Option<EtsEstimate> {
        let Self {
            search,
            simplex,
            mut states,
            ..
        } = self;
        let found = simplex.lowest();
        let smoothing = put(&found.x, search.form, &mut states);
        found.value.is_finite().then_some(EtsEstimate {
            form: search.form,
            smoothing,
            start: states,
            deviance: found.value,
            iterations: found.iterations,
            limited: found.limited,
        })
    }
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
