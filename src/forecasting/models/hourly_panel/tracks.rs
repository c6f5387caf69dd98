//! The series of a panel on their scales, and the origins from which they are forecast.

use std::collections::BTreeMap;

use super::super::panel_model::{PanelPasts, Past};
use super::super::pooled_ar::pool::{PoolPast, PoolSeries};
use super::super::scale::Scale;

/// The series on their scales. A series that is not positive throughout has two: logarithms for the pasts that are, and
/// its own values for the others.
pub(crate) struct Tracks {
    /// The tracks.
    pub(crate) all: Vec<PoolSeries>,
    /// Of each, the series and the scale.
    pub(crate) of: Vec<(usize, Scale)>,
    /// By series: how many of its first values are positive, and the positions of its tracks on logarithms and on values.
    by_series: Vec<(usize, [Option<usize>; 2])>,
}

impl Tracks {
    /// Those of a panel, as far as its windows go.
    pub(crate) fn of(panel: &PanelPasts<'_>) -> Self {
        let mut longest = vec![0; panel.series.len()];
        for past in panel.windows.iter().flatten() {
            longest[past.series] = past.n.max(longest[past.series]);
        }
        let mut tracks = Self {
            all: Vec::new(),
            of: Vec::new(),
            by_series: Vec::new(),
        };
        for (at, (series, n)) in panel.series.iter().zip(longest).enumerate() {
            let y = &series.y[..n];
            let positive = y.iter().take_while(|value| **value > 0.0).count();
            let mut add = |scale: Scale, y: &[f64]| {
                let is_known = !y.is_empty() && y.iter().all(|value| value.is_finite());
                is_known.then(|| {
                    tracks.all.push(PoolSeries {
                        x: y.iter().map(|value| scale.apply(*value)).collect(),
                    });
                    tracks.of.push((at, scale));
                    tracks.all.len() - 1
                })
            };
            let on_logs = add(Scale::Log, &y[..positive]);
            let as_they_are = if positive < n { add(Scale::Raw, y) } else { None };
            tracks.by_series.push((positive, [on_logs, as_they_are]));
        }
        tracks
    }

    /// The track of a past; `None` for one with a value that is not finite.
    pub(crate) fn track(&self, past: Past) -> Option<usize> {
        let (positive, [on_logs, as_they_are]) = self.by_series[past.series];
        if past.n <= positive { on_logs } else { as_they_are }
    }

    /// The tracks of a series.
    pub(crate) fn of_series(&self, series: usize) -> impl Iterator<Item = usize> {
        self.by_series[series].1.into_iter().flatten()
    }

    /// A past as the pool knows it; `None` for one that is too short for a season's difference, or repeats itself.
    pub(crate) fn pool_past(&self, past: Past, season: usize) -> Option<(usize, PoolPast)> {
        let track = self.track(past)?;
        let x = &self.all[track].x[..past.n];
        let unit = seasonal_difference(x, season)?;
        // What repeats itself needs no model, and would lend the others its certainty.
        (unit > 0.0 && unit.is_finite()).then_some((track, PoolPast { n: past.n, unit }))
    }
}

/// The mean absolute difference of values one season apart; `None` if there are none.
fn seasonal_difference(x: &[f64], season: usize) -> Option<f64> {
    let pairs = x.len().checked_sub(season).filter(|pairs| *pairs > 0)?;
    let sum: f64 = x
        .iter()
        .zip(&x[season..])
        .map(|(before, now)| (now - before).abs())
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
    let count = pairs as f64;
    Some(sum / count)
}

/// What tells origins apart: by track, how many values are past, and their unit.
type OriginKey = Vec<Option<(usize, u64)>>;

/// A window, and which of its origins: 0 for its end, else the place in its back-test counted from 1.
type OriginUse = (usize, usize);

/// A moment from which all series are forecast.
pub(crate) struct Origin {
    /// By track: its past, if it has one there.
    pub(crate) pasts: Vec<Option<PoolPast>>,
    /// How many steps are to be forecast.
    pub(crate) horizon: usize,
}

/// All origins that some windows need, each once, the earliest first.
pub(crate) struct Origins {
    /// The origins.
    pub(crate) all: Vec<Origin>,
    /// By window: the positions of its end, and of the origins of its back-test.
    pub(crate) by_window: Vec<(usize, Vec<usize>)>,
}

/// How the origins of a back-test lie within a window's past.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BacktestOrigins {
    /// How many there are.
    pub(crate) count: usize,
    /// Steps from one to the next.
    pub(crate) step: usize,
    /// Steps that are forecast from each.
    pub(crate) horizon: usize,
}

impl Origins {
    /// Those of some windows.
    pub(crate) fn of(
        tracks: &Tracks,
        windows: &[&[Past]],
        backtest: BacktestOrigins,
        (season, horizon): (usize, usize),
    ) -> Self {
        // By the pasts of all tracks, so that windows share what they have in common; sums over the first values of a
        // series grow from one to the next.
        let mut found: BTreeMap<OriginKey, (Origin, Vec<OriginUse>)> = BTreeMap::new();
        for (window, pasts) in windows.iter().enumerate() {
            for back in 0..=backtest.count {
                let behind = match back {
                    0 => 0,
                    back => backtest.horizon + (back - 1) * backtest.step,
                };
                let mut origin = Origin {
                    pasts: vec![None; tracks.all.len()],
                    horizon: 0,
                };
                for past in *pasts {
                    let Some(n) = past.n.checked_sub(behind) else { continue };
                    if let Some((track, past)) = tracks.pool_past(Past { n, ..*past }, season) {
                        origin.pasts[track] = Some(past);
                    }
                }
                let key = origin
                    .pasts
                    .iter()
                    .map(|past| past.map(|past| (past.n, past.unit.to_bits())));
                let (known, users) = found.entry(key.collect()).or_insert_with(|| (origin, Vec::new()));
                known.horizon = known.horizon.max(if back == 0 { horizon } else { backtest.horizon });
                users.push((window, back));
            }
        }
        let mut by_window = vec![(0, vec![0; backtest.count]); windows.len()];
        let mut all = Vec::with_capacity(found.len());
        for (origin, users) in found.into_values() {
            for (window, back) in users {
                match back {
                    0 => by_window[window].0 = all.len(),
                    back => by_window[window].1[back - 1] = all.len(),
                }
            }
            all.push(origin);
        }
        Self { all, by_window }
    }
}
