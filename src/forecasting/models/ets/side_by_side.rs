//! Likelihoods of several fits side by side, without a trace: what a search without gradient asks for.
//!
//! A step of the recursion has to wait for the one before, and a fit alone leaves most of the processor idle meanwhile.
//! Four fits of forms whose errors and seasons join alike, of one series or of several, take the time of one. A lane
//! knows nothing of the others: its value is the same to the bit, whatever stands beside it.
//!
//! The recursion is that of `recursion`, for trends that are added or absent, written in the forecast of level and trend
//! and the trend's part of it, so that an error passes into the next forecast by one multiplication and one addition:
//! the chain of these is the time that a step takes.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::form::{Component, EtsForm};
use super::lane::{LANES, Lane};
use super::recursion::{ABSENT, ADDITIVE, IN_RANGE, MULTIPLICATIVE, Smoothing, States};

/// How errors and the season join; what stands side by side has this in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Joining {
    is_relative: bool,
    season: u8,
}

impl Joining {
    /// That of a form; `None` for one whose trend is multiplied, which has no place here.
    pub(super) fn of(form: EtsForm) -> Option<Self> {
        let season = match form.season {
            Component::Absent => ABSENT,
            Component::Additive => ADDITIVE,
            Component::Multiplicative => MULTIPLICATIVE,
        };
        (form.trend != Component::Multiplicative).then_some(Self {
            is_relative: form.error == Component::Multiplicative,
            season,
        })
    }
}

/// A series in a lane, and what is added to the mean square of its errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneSeries<'a> {
    pub(super) y: &'a [f64],
    pub(super) floor: f64,
}

/// Parameters and first states of a lane.
pub(super) type LanePoint<'a> = (Smoothing, &'a States);

/// Some series, one in a lane.
#[derive(Debug)]
pub(super) struct SideBySide {
    joining: Joining,
    /// The values of each step, of the lanes in their order; a series that is over goes on with its last value.
    y: Vec<Lane>,
    /// Each lane's count of values and floor.
    series: Vec<(usize, f64)>,
    /// The counts in ascending order, each once.
    stops: Vec<usize>,
    ring: Vec<Lane>,
}

impl SideBySide {
    /// Sets up to [`LANES`] series side by side.
    pub(super) fn new(joining: Joining, series: &[LaneSeries<'_>]) -> Self {
        assert!(
            (1..=LANES).contains(&series.len()),
            "internal error: {} lanes",
            series.len()
        );
        let mut stops: Vec<usize> = series.iter().map(|one| one.y.len()).collect();
        stops.sort_unstable();
        stops.dedup();
        let value = |t: usize, lane: usize| {
            let y = series.get(lane).unwrap_or(&series[0]).y;
            y.get(t).or(y.last()).copied().unwrap_or(0.0)
        };
        let longest = stops.last().copied().unwrap_or(0);
        Self {
            joining,
            y: (0..longest).map(|t| Lane::from_fn(|lane| value(t, lane))).collect(),
            series: series.iter().map(|one| (one.y.len(), one.floor)).collect(),
            stops,
            ring: Vec::new(),
        }
    }

    /// Runs over the series; gives for each minus twice the log-likelihood without its constant.
    ///
    /// Infinite or NaN where a lane leaves its form's domain, as for [`Recursion::likelihood`](super::recursion::Recursion::likelihood).
    pub(super) fn likelihoods(&mut self, points: &[LanePoint<'_>]) -> Vec<f64> {
        let sums = match (self.joining.is_relative, self.joining.season) {
            (false, ABSENT) => self.run::<false, ABSENT>(points),
            (false, ADDITIVE) => self.run::<false, ADDITIVE>(points),
            (false, _) => self.run::<false, MULTIPLICATIVE>(points),
            (true, ABSENT) => self.run::<true, ABSENT>(points),
            (true, ADDITIVE) => self.run::<true, ADDITIVE>(points),
            (true, _) => self.run::<true, MULTIPLICATIVE>(points),
        };
        let value = |(&(count, floor), (squares, logarithms)): (&(usize, f64), &(f64, f64))| {
            let n = count as f64;
            n * (squares + n * floor).ln() + 2.0 * logarithms
        };
        self.series.iter().zip(&sums).map(value).collect()
    }

    /// The sums of squares and of the forecasts' logarithms of each lane.
    fn run<const RELATIVE: bool, const SEASON: u8>(&mut self, points: &[LanePoint<'_>]) -> [(f64, f64); LANES] {
        let points: [LanePoint<'_>; LANES] = std::array::from_fn(|lane| *points.get(lane).unwrap_or(&points[0]));
        // Without a season a ring of one, which nothing reads.
        let length = if SEASON == ABSENT { 1 } else { points[0].1.season.len() };
        let season = |place: usize| Lane::from_fn(|lane| points[lane].1.season.get(place).copied().unwrap_or(0.0));
        self.ring.clear();
        self.ring.extend((0..length).map(season));
        let mut pass = LanePass::new(&points);
        let mut sums = [(f64::INFINITY, 0.0); LANES];
        let mut from = 0;
        for &to in &self.stops {
            if SEASON == ABSENT {
                for y in &self.y[from..to] {
                    pass.step::<RELATIVE, SEASON>(*y, &mut self.ring[0]);
                }
                from = to;
            }
            while from < to {
                let place = from % length;
                let count = (length - place).min(to - from);
                for (y, slot) in self.y[from..from + count].iter().zip(&mut self.ring[place..]) {
                    pass.step::<RELATIVE, SEASON>(*y, slot);
                }
                from += count;
            }
            for ((sum, now), (count, _)) in sums.iter_mut().zip(pass.sums()).zip(&self.series) {
                if *count == to {
                    *sum = now;
                }
            }
        }
        sums
    }
}

/// The running states and sums of one pass.
///
/// Copied wherever it is not just stepped on: what has an address is kept in memory, and the steps wait for that.
#[derive(Clone, Copy)]
struct LanePass {
    /// How an error passes into the forecast, into the trend's part of it, and into the season.
    gain: Lane,
    fade: Lane,
    gamma: Lane,
    phi: Lane,
    /// The forecast of level and trend, and the trend's part of it.
    grown: Lane,
    carried: Lane,
    squares: Lane,
    logarithms: Lane,
    /// Forecasts whose logarithm is still to be added.
    product: Lane,
    /// The least of what must stay above zero.
    least: Lane,
}

impl LanePass {
    fn new(points: &[LanePoint<'_>; LANES]) -> Self {
        let of =
            |value: &dyn Fn(&Smoothing, &States) -> f64| Lane::from_fn(|lane| value(&points[lane].0, points[lane].1));
        Self {
            gain: of(&|p, _| p.alpha + p.phi * p.beta),
            fade: of(&|p, _| p.phi * p.beta),
            gamma: of(&|p, _| p.gamma),
            phi: of(&|p, _| p.phi),
            grown: of(&|p, start| start.level + p.phi * start.trend),
            carried: of(&|p, start| p.phi * start.trend),
            squares: Lane::splat(0.0),
            logarithms: Lane::splat(0.0),
            product: Lane::splat(1.0),
            least: Lane::splat(f64::INFINITY),
        }
    }

    /// Takes in one value of each series; `slot` holds the season of its position.
    #[inline]
    fn step<const RELATIVE: bool, const SEASON: u8>(&mut self, y: Lane, slot: &mut Lane) {
        let season = *slot;
        let error = match SEASON {
            ABSENT => y - self.grown,
            ADDITIVE => (y - season) - self.grown,
            _ => y - self.grown * season,
        };
        let forecast = y - error;
        let relative = if RELATIVE { error / forecast } else { error };
        let adjusted = if SEASON == MULTIPLICATIVE {
            error * (Lane::splat(1.0) / season)
        } else {
            error
        };
        if SEASON == ADDITIVE {
            *slot = season + self.gamma * error;
        } else if SEASON == MULTIPLICATIVE {
            let by_level = if RELATIVE {
                relative * season
            } else {
                error / self.grown
            };
            *slot = season + self.gamma * by_level;
            self.least = self.least.lesser(season).lesser(self.grown);
        }
        let slide = self.phi * self.carried;
        self.grown = (self.grown + slide) + self.gain * adjusted;
        self.carried = slide + self.fade * adjusted;
        if RELATIVE {
            self.least = self.least.lesser(forecast);
            self.product = self.product * forecast;
            if !self.product.all_within(&IN_RANGE) {
                (self.product, self.logarithms, self.least) =
                    take_logarithms(self.product, self.logarithms, self.least);
            }
        }
        self.squares = self.squares + relative * relative;
    }

    /// Sums of the squares and of the forecasts' logarithms; infinite where the lane left the domain.
    fn sums(self) -> [(f64, f64); LANES] {
        std::array::from_fn(|lane| {
            if self.least.at(lane) <= 0.0 {
                (f64::INFINITY, 0.0)
            } else {
                let logarithms = self.logarithms.at(lane) + self.product.at(lane).ln();
                (self.squares.at(lane), logarithms)
            }
        })
    }
}

/// Adds the logarithms of products that are about to leave the range of numbers, which begin again at one.
#[cold]
#[inline(never)]
fn take_logarithms(mut product: Lane, mut logarithms: Lane, mut least: Lane) -> (Lane, Lane, Lane) {
    for lane in 0..LANES {
        let value = product.at(lane);
        if !IN_RANGE.contains(&value) {
            if value.is_nan() {
                // Not all forecasts were numbers, let alone above zero.
                least = least.with(lane, f64::NEG_INFINITY);
            }
            logarithms = logarithms.with(lane, logarithms.at(lane) + value.ln());
            product = product.with(lane, 1.0);
        }
    }
    (product, logarithms, least)
}
