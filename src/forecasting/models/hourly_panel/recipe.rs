//! The recipe: members that are refitted at origins within each past, weighted by their errors there, and combined.

#![expect(clippy::cast_precision_loss, reason = "counts of values and of origins")]

use super::super::neighbourhood::{Neighbourhood, relative};
use super::super::normal::reach;
use super::super::panel_model::{
    PanelControl, PanelForecast, PanelModel, PanelOutcome, PanelPasts, PanelRequest, Past, Stopped,
};
use super::super::pooled_ar::lags::{Regression, SeasonPair};
use super::super::pooled_ar::pool::PoolRule;
use super::super::repeated_season::RepeatedSeason;
use super::super::scale::Scale;
use super::super::step_errors::{self, StepErrors};
use super::super::{Estimate, FitError, Forecast, Interval, check};
use super::members::{Member, MemberPaths};
use super::resolution::{resolution, rounded};
use super::tracks::{BacktestOrigins, Origins, Tracks};
use super::weights;

/// How many origins the back-test within a past has.
const ORIGINS: usize = 9;

/// How many windows share their members; the memory that they take grows with it.
const WINDOWS_TOGETHER: usize = 6;

/// The fewest steps that the back-test within a past forecasts, where two seasons are shorter.
const SHORTEST: usize = 8;

/// What the recipe is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    /// The model, for messages.
    pub(crate) name: &'static str,
    /// The seasons.
    pub(crate) seasons: SeasonPair,
    /// The members where series are pooled, each with its name.
    pub(crate) pooled: Vec<(&'static str, Member)>,
    /// The members where they are not.
    pub(crate) local: Vec<(&'static str, Member)>,
    /// From how many series on they are pooled.
    pub(crate) pool_from: usize,
    /// Whether forecasts and bounds go to the nearest multiple of the series' resolution.
    pub(crate) rounding: bool,
}

/// The windows that share their members.
struct Run<'a> {
    recipe: &'a Recipe,
    panel: &'a PanelPasts<'a>,
    tracks: &'a Tracks,
    origins: Origins,
    members: &'a [(&'static str, Member)],
    /// By member, origin and track.
    paths: Vec<MemberPaths>,
    /// Whether series lend each other their equations and errors.
    pooled: bool,
}

/// One series of a window, with what its members erred by.
struct Judged {
    past: Past,
    /// Position among the pasts of the window.
    at: usize,
    track: usize,
    scale: Scale,
    /// The mean absolute difference one season apart, on the scale.
    unit: f64,
    /// The members that forecast it.
    members: Vec<usize>,
    /// The origins from which any of them forecasts it, with how many values are known there.
    origins: Vec<(usize, usize)>,
    /// How many of these all of them forecast it from.
    compared: usize,
    /// The mean absolute error of each member; 1 for all where there are no origins.
    errors: Vec<f64>,
}

impl PanelModel for Recipe {
    fn forecasts(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped> {
        let tracks = Tracks::of(panel);
        let mut outcomes = vec![Vec::new(); panel.windows.len()];
        for pooled in [false, true] {
            let of_kind = |&at: &usize| (self.poolable(panel, &panel.windows[at]) >= self.pool_from.max(2)) == pooled;
            let positions: Vec<usize> = (0..panel.windows.len()).filter(of_kind).collect();
            for positions in positions.chunks(WINDOWS_TOGETHER) {
                let windows: Vec<&[Past]> = positions.iter().map(|&at| panel.windows[at].as_slice()).collect();
                let run = self.run(&tracks, panel, (&windows, pooled), request, control)?;
                for (window, &at) in positions.iter().enumerate() {
                    control.check()?;
                    outcomes[at] = run.window(window, windows[window], request);
                }
            }
        }
        Ok(outcomes)
    }
}

impl Recipe {
    /// Fits the members of some windows.
    fn run<'a>(
        &'a self,
        tracks: &'a Tracks,
        panel: &'a PanelPasts<'a>,
        (windows, pooled): (&[&[Past]], bool),
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Run<'a>, Stopped> {
        let origins = Origins::of(tracks, windows, self.backtest(), (self.seasons.short, request.horizon));
        let members = if pooled { &self.pooled } else { &self.local };
        let mut paths = Vec::with_capacity(members.len());
        for (done, (name, member)) in members.iter().enumerate() {
            (control.progress)(&format!("member {} of {}, {name}", done + 1, members.len()));
            paths.push(member.paths(&tracks.all, &origins.all, self.seasons, control)?);
        }
        Ok(Run {
            recipe: self,
            panel,
            tracks,
            origins,
            members,
            paths,
            pooled,
        })
    }

    /// How the origins of the back-test lie: two short seasons, from each of the last days before them.
    fn backtest(&self) -> BacktestOrigins {
        BacktestOrigins {
            count: ORIGINS,
            step: self.seasons.short,
            horizon: (2 * self.seasons.short).max(SHORTEST),
        }
    }

    /// How many pasts of a window can be pooled.
    fn poolable(&self, panel: &PanelPasts<'_>, pasts: &[Past]) -> usize {
        let needed = self.pooled.iter().filter_map(|(_, member)| match member {
            Member::Regression(..) => member.needed(self.seasons),
            _ => None,
        });
        let least = needed.min().unwrap_or(usize::MAX);
        let is_poolable = |past: &&Past| {
            let y = panel.past(**past).y;
            y.len() >= least
                && check(self.name, y, 0).is_ok()
                && RepeatedSeason::of_repeating(y, self.seasons.short).is_none()
        };
        pasts.iter().filter(is_poolable).count()
    }

    /// The fewest values that any member is fitted to.
    fn needed(&self) -> usize {
        let needed = self.local.iter().filter_map(|(_, member)| member.needed(self.seasons));
        needed.min().unwrap_or(0)
    }

    /// What can be said of a past before any member is fitted.
    fn without_members(&self, y: &[f64], request: PanelRequest<'_>) -> Option<PanelOutcome> {
        if let Err(error) = check(self.name, y, self.needed()) {
            return Some(Err(error));
        }
        let repeated = RepeatedSeason::of_repeating(y, self.seasons.short)?;
        Some(Ok(PanelForecast::of(&repeated, request)))
    }
}

impl Run<'_> {
    fn path(&self, member: usize, origin: usize, track: usize) -> Option<&[f64]> {
        self.paths[member][origin][track].as_deref()
    }

    /// The outcomes of a window, in the order of its pasts.
    fn window(&self, window: usize, pasts: &[Past], request: PanelRequest<'_>) -> Vec<PanelOutcome> {
        let mut outcomes: Vec<Option<PanelOutcome>> = pasts
            .iter()
            .map(|past| self.recipe.without_members(self.panel.past(*past).y, request))
            .collect();
        let judged: Vec<Judged> = (0..pasts.len())
            .filter(|&at| outcomes[at].is_none())
            .filter_map(|at| self.judged(window, pasts[at], at))
            .collect();
        // Only series with the same members can lend each other their errors.
        let mut groups: Vec<Vec<&Judged>> = Vec::new();
        for one in &judged {
            match groups.iter_mut().find(|group| group[0].members == one.members) {
                Some(group) => group.push(one),
                None => groups.push(vec![one]),
            }
        }
        for group in groups {
            for (one, forecast) in group.iter().zip(self.group(window, &group, judged.len(), request)) {
                outcomes[one.at] = Some(Ok(forecast));
            }
        }
        let no_fit = || FitError::NoFit {
            model: self.recipe.name,
            why: "none of its members has a finite forecast".to_owned(),
        };
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|| Err(no_fit())))
            .collect()
    }

    /// What the members of a past erred by at the origins within it; `None` if none of them forecasts it.
    fn judged(&self, window: usize, past: Past, at: usize) -> Option<Judged> {
        let track = self.tracks.track(past)?;
        let (end, origins) = &self.origins.by_window[window];
        let unit = self.origins.all[*end].pasts[track]?.unit;
        let scale = self.tracks.of[track].1;
        let members: Vec<usize> = (0..self.members.len())
            .filter(|&member| self.path(member, *end, track).is_some_and(is_finite))
            .collect();
        if members.is_empty() {
            return None;
        }
        let y = self.panel.past(past).y;
        let horizon = self.recipe.backtest().horizon;
        let is_whole = |origin: usize, member: usize| {
            let (track, _) = self.at_origin(origin, past)?;
            Some(self.path(member, origin, track).is_some_and(is_finite))
        };
        let is_whole = |origin: usize, member: usize| is_whole(origin, member).unwrap_or(false);
        let known = |&origin: &usize| {
            // A past that was positive and is no more is on another track there.
            let (_, n) = self.at_origin(origin, past)?;
            (n + horizon <= y.len() && members.iter().any(|&member| is_whole(origin, member))).then_some((origin, n))
        };
        let origins: Vec<(usize, usize)> = origins.iter().filter_map(known).collect();
        let by_all = |(origin, _): &&(usize, usize)| members.iter().all(|&member| is_whole(*origin, member));
        let compared: Vec<(usize, usize)> = origins.iter().filter(by_all).copied().collect();
        let error = |&member: &usize| {
            let sum: f64 = compared
                .iter()
                .map(|&(origin, n)| {
                    let path = self.forecast(member, origin, past).unwrap_or_default();
                    path.iter()
                        .zip(&y[n..n + horizon])
                        .map(|(f, y)| (y - f).abs())
                        .sum::<f64>()
                })
                .sum();
            if compared.is_empty() {
                1.0
            } else {
                sum / (compared.len() * horizon) as f64
            }
        };
        Some(Judged {
            past,
            at,
            track,
            scale,
            unit,
            errors: members.iter().map(error).collect(),
            members,
            compared: compared.len(),
            origins,
        })
    }

    /// The track of a series at an origin, and how many of its values are known there.
    fn at_origin(&self, origin: usize, past: Past) -> Option<(usize, usize)> {
        let pasts = &self.origins.all[origin].pasts;
        self.tracks
            .of_series(past.series)
            .find_map(|track| Some((track, pasts[track]?.n)))
    }

    /// What a member forecasts from an origin of the back-test, on the series' own scale.
    fn forecast(&self, member: usize, origin: usize, past: Past) -> Option<Vec<f64>> {
        let (track, _) = self.at_origin(origin, past)?;
        let scale = self.tracks.of[track].1;
        let path = self.path(member, origin, track)?;
        let steps = self.recipe.backtest().horizon.min(path.len());
        Some(path[..steps].iter().map(|x| scale.undo(*x)).collect())
    }

    /// The forecasts of series with the same members.
    fn group(&self, window: usize, group: &[&Judged], all: usize, request: PanelRequest<'_>) -> Vec<PanelForecast> {
        let relative: Vec<Vec<f64>> = group.iter().map(|one| relative(&one.errors)).collect();
        let (neighbours, weights) = if self.pooled {
            let neighbours = Neighbourhood::of(&relative);
            let weights = weights::pooled(&relative, &neighbours);
            (neighbours, weights)
        } else {
            let alone = group.iter().map(|one| weights::alone(&one.errors)).collect();
            (Neighbourhood::none(group.len()), alone)
        };
        let errors: Vec<Option<StepErrors>> = group
            .iter()
            .zip(&weights)
            .map(|(one, weights)| self.step_errors(one, weights))
            .collect();
        // How much larger the errors are than the differences from day to day.
        let ratio = |(one, errors): (&&Judged, &Option<StepErrors>)| {
            let mean = errors.as_ref().map_or(one.unit, |errors| errors.mean);
            step_errors::log_ratio(mean, one.unit)
        };
        let ratios: Vec<f64> = group.iter().zip(&errors).map(ratio).collect();
        let lent = neighbours.lent(&ratios);
        group
            .iter()
            .enumerate()
            .map(|(i, one)| {
                let level = step_errors::level(one.unit, ratios[i], lent[i]);
                let own = errors[i].clone().unwrap_or_else(|| self.no_errors());
                let spread = own.spread(level, request.horizon);
                self.published(window, one, (&weights[i], &spread), all, request)
            })
            .collect()
    }

    /// The errors by step of what the members together forecast from the origins; `None` where there are none.
    fn step_errors(&self, one: &Judged, weights: &[f64]) -> Option<StepErrors> {
        let y = self.panel.past(one.past).y;
        let errors = |&(origin, n): &(usize, usize)| -> Vec<f64> {
            let members = one.members.iter().zip(weights);
            let present = members.filter_map(|(&member, weight)| {
                let path = self.forecast(member, origin, one.past)?;
                is_finite(&path).then_some((path, *weight))
            });
            let (paths, weights): (Vec<Vec<f64>>, Vec<f64>) = present.unzip();
            let paths: Vec<&[f64]> = paths.iter().map(Vec::as_slice).collect();
            let combined = weights::combined(&paths, &weights);
            let pairs = combined.iter().zip(&y[n..]);
            pairs
                .map(|(f, y)| (one.scale.apply(*y) - one.scale.apply(*f)).abs())
                .collect()
        };
        let errors: Vec<Vec<f64>> = one.origins.iter().map(errors).collect();
        let is_known = !errors.is_empty() && errors.iter().flatten().all(|error| error.is_finite());
        is_known.then(|| StepErrors::of(&errors, self.recipe.seasons.short))
    }

    /// Errors of one size throughout, where nothing is known of them.
    fn no_errors(&self) -> StepErrors {
        StepErrors::of(&[vec![1.0; self.recipe.backtest().horizon]], self.recipe.seasons.short)
    }

    /// The forecast of one series with its intervals.
    fn published(
        &self,
        window: usize,
        one: &Judged,
        (weights, spread): (&[f64], &[f64]),
        all: usize,
        request: PanelRequest<'_>,
    ) -> PanelForecast {
        let end = self.origins.by_window[window].0;
        let paths: Vec<Vec<f64>> = one
            .members
            .iter()
            .map(|&member| {
                let path = self.path(member, end, one.track).unwrap_or_default();
                path[..request.horizon].iter().map(|x| one.scale.undo(*x)).collect()
            })
            .collect();
        let paths: Vec<&[f64]> = paths.iter().map(Vec::as_slice).collect();
        let mean = weights::combined(&paths, weights);
        let y = self.panel.past(one.past).y;
        let step = resolution(y);
        // Values that are rounded err by that, too.
        let grain = 0.1 * step.unwrap_or(0.0);
        let spread: Vec<f64> = mean
            .iter()
            .zip(spread)
            .map(|(f, s)| match one.scale {
                Scale::Log => s.hypot(grain / f.max(f64::MIN_POSITIVE)),
                Scale::Raw => s.hypot(grain),
            })
            .collect();
        let bound = |reach: f64| -> Vec<f64> {
            let pairs = mean.iter().zip(&spread);
            pairs
                .map(|(f, s)| match one.scale {
                    // Nothing times infinity is nothing here.
                    Scale::Log if *f == 0.0 => 0.0,
                    Scale::Log => (f * (reach * s).exp()).min(f64::MAX),
                    Scale::Raw => (f + reach * s).clamp(-f64::MAX, f64::MAX),
                })
                .collect()
        };
        let interval = |&level: &f64| {
            let reach = step_errors::REACH_AT_95 * reach(level) / reach(95.0);
            Interval {
                level,
                lower: bound(-reach),
                upper: bound(reach),
            }
        };
        let intervals = request.levels.iter().map(interval).collect();
        let mut forecast = Forecast { mean, intervals };
        if let Some(step) = step.filter(|_| self.recipe.rounding) {
            round(&mut forecast, step);
        }
        PanelForecast {
            forecast,
            summary: self.summary(one, weights, all, step),
        }
    }

    fn summary(&self, one: &Judged, weights: &[f64], all: usize, step: Option<f64>) -> Vec<(String, Estimate)> {
        let names: Vec<&str> = one.members.iter().map(|&member| self.members[member].0).collect();
        let pooled = if self.pooled { all as f64 } else { 1.0 };
        let mut summary = vec![
            ("scale".to_owned(), Estimate::Text(one.scale.description().to_owned())),
            ("pooled_series".to_owned(), Estimate::Number(pooled)),
            ("members".to_owned(), Estimate::Text(names.join(", "))),
            ("weights".to_owned(), Estimate::Numbers(weights.to_vec())),
            ("origins".to_owned(), Estimate::Number(one.compared as f64)),
        ];
        summary.extend(step.map(|step| ("resolution".to_owned(), Estimate::Number(step))));
        summary
    }
}

fn is_finite(path: &[f64]) -> bool {
    path.iter().all(|value| value.is_finite())
}

/// Brings a forecast and its bounds to the nearest multiples of a step.
fn round(forecast: &mut Forecast, step: f64) {
    let bounds = forecast
        .intervals
        .iter_mut()
        .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
    for value in std::iter::once(&mut forecast.mean).chain(bounds).flatten() {
        *value = rounded(*value, step);
    }
}

impl Recipe {
    /// The recipe for these seasons: the members that pool, the further one of them if `seven`, and those of one series.
    pub(crate) fn new(
        name: &'static str,
        seasons: SeasonPair,
        (seven, rounding): (bool, bool),
        pool_from: usize,
    ) -> Self {
        let pooled = |robust| PoolRule { pooled: true, robust };
        let regression = |name, regression, rule| (name, Member::Regression(regression, rule));
        let others = [
            ("week profile", Member::WeekProfile),
            ("double seasonal", Member::DoubleSeasonal),
            ("analogues", Member::Analogues),
        ];
        let mut pool = vec![
            regression("sparse lags", Regression::sparse(seasons), pooled(false)),
            regression("dense lags", Regression::dense(seasons), pooled(false)),
            regression("lags by day", Regression::by_day(seasons), pooled(seven)),
        ];
        if seven {
            pool.push(regression(
                "lags by two days",
                Regression::by_two_days(seasons),
                pooled(true),
            ));
        }
        pool.extend(others.clone());
        let alone = PoolRule {
            pooled: false,
            robust: false,
        };
        let sparse = Regression {
            penalty: 1e-5,
            ..Regression::sparse(seasons)
        };
        let mut local = vec![
            regression("sparse lags", sparse, alone),
            regression("dense lags", Regression::dense(seasons), alone),
        ];
        local.extend(others);
        Self {
            name,
            seasons,
            pooled: pool,
            local,
            pool_from,
            rounding,
        }
    }
}
