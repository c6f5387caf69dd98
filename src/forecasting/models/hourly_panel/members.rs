//! The members of the recipe, each with what it forecasts from every origin.

use rayon::prelude::*;

use super::super::analogues::search;
use super::super::double_seasonal::grid::{DoubleSeasonalState, MEAN_OVER, SmoothingGrid};
use super::super::panel_model::{PanelControl, Stopped};
use super::super::pooled_ar::lags::{Regression, SeasonPair};
use super::super::pooled_ar::pool::{Pool, PoolPast, PoolRule, PoolSeries};
use super::super::week_profile::profile;
use super::tracks::Origin;

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Member {
    /// A regression on lags, pooled or not.
    Regression(Regression, PoolRule),
    /// The profile of the week.
    WeekProfile,
    /// Double seasonal smoothing, averaged over its parameters.
    DoubleSeasonal,
    /// What followed the days most like the last.
    Analogues,
}

/// Gives so many steps after a past, on its scale; `None` where it is too short.
type LocalPath<'a> = dyn Fn(&[f64], usize) -> Option<Vec<f64>> + Sync + 'a;

/// What a member forecasts, on the scale: by origin and track.
pub(crate) type MemberPaths = Vec<Vec<Option<Vec<f64>>>>;

impl Member {
    /// The fewest values that it is fitted to; `None` where the seasons are not what it is for.
    pub(crate) fn needed(&self, SeasonPair { short, long }: SeasonPair) -> Option<usize> {
        match self {
            Self::Regression(regression, _) => Some(regression.needed(long)),
            Self::WeekProfile => Some(2 * long),
            Self::DoubleSeasonal => (long >= 2 * short).then_some(2 * (long + short)),
            Self::Analogues => Some(long + 2 * short),
        }
    }

    /// What it forecasts from every origin; the origins stand in the order in which pasts grow.
    ///
    /// # Errors
    /// [`Stopped`] if it is to stop.
    pub(crate) fn paths(
        &self,
        tracks: &[PoolSeries],
        origins: &[Origin],
        seasons: SeasonPair,
        control: PanelControl<'_>,
    ) -> Result<MemberPaths, Stopped> {
        let needed = self.needed(seasons);
        let enough = |n: usize| needed.is_some_and(|needed| n >= needed);
        let SeasonPair { short, long } = seasons;
        let local = |path: &LocalPath<'_>| {
            let of_origin = |origin: &Origin| {
                control.check()?;
                let one = |(track, past): (&PoolSeries, &Option<PoolPast>)| {
                    let past = past.filter(|past| enough(past.n))?;
                    path(&track.x[..past.n], origin.horizon)
                };
                Ok(tracks.par_iter().zip(&origin.pasts).map(one).collect())
            };
            origins.iter().map(of_origin).collect()
        };
        match self {
            Self::Regression(regression, rule) => {
                let mut pool = Pool::new(regression, *rule, tracks);
                let of_origin = |origin: &Origin| {
                    control.check()?;
                    let pasts: Vec<_> = origin
                        .pasts
                        .iter()
                        .map(|past| past.filter(|past| enough(past.n)))
                        .collect();
                    let fits = pool.fit(&pasts, origin.horizon);
                    Ok(fits.into_iter().map(|fit| fit.map(|fit| fit.path)).collect())
                };
                origins.iter().map(of_origin).collect()
            }
            Self::WeekProfile => local(&|x, horizon| profile::path(x, short, long, horizon)),
            Self::Analogues => local(&|x, horizon| search::path(x, short, long, horizon)),
            Self::DoubleSeasonal => {
                let by_track: Vec<Vec<Option<Vec<f64>>>> = tracks
                    .par_iter()
                    .enumerate()
                    .map(|(at, track)| {
                        control.check()?;
                        let wanted: Vec<Option<(usize, usize)>> = origins
                            .iter()
                            .map(|origin| Some((origin.pasts[at]?.n, origin.horizon)).filter(|(n, _)| enough(*n)))
                            .collect();
                        Ok(smoothed(&track.x, seasons, &wanted))
                    })
                    .collect::<Result<_, Stopped>>()?;
                let mut by_origin: MemberPaths = origins.iter().map(|_| Vec::with_capacity(tracks.len())).collect();
                for track in by_track {
                    for (paths, path) in by_origin.iter_mut().zip(track) {
                        paths.push(path);
                    }
                }
                Ok(by_origin)
            }
        }
    }
}

/// Double seasonal smoothing of one series, averaged over its parameters, from each of some pasts: one pass serves them.
fn smoothed(
    x: &[f64],
    SeasonPair { short, long }: SeasonPair,
    wanted: &[Option<(usize, usize)>],
) -> Vec<Option<Vec<f64>>> {
    let mut paths = vec![None; wanted.len()];
    let mut order: Vec<(usize, usize, usize)> = wanted
        .iter()
        .enumerate()
        .filter_map(|(at, wanted)| wanted.map(|(n, horizon)| (n, horizon, at)))
        .collect();
    order.sort_unstable();
    if order.is_empty() {
        return paths;
    }
    let mut grid = SmoothingGrid::new(&MEAN_OVER, &DoubleSeasonalState::start(x, short, long));
    let mut t = 0;
    for (n, horizon, at) in order {
        while t < n {
            grid.step(t, x[t], t >= 2 * long);
            t += 1;
        }
        paths[at] = Some(grid.averaged(n).path(horizon));
    }
    paths
}
