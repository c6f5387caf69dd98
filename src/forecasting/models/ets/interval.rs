//! Prediction intervals of the ETS family.
//!
//! Source: Hyndman, Koehler, Ord and Snyder (2008), chapter 6, which orders the forms in five classes. In class 1, all
//! parts and the errors are added, and in class 2 the errors are multiplied with them: the variance is exact. In class 3
//! the season is multiplied as well: it is exact within one season, and beyond it neglects how level and season vary
//! together, as section 6.4 does. For classes 4 and 5, with a multiplied trend, or an added error and a multiplied
//! season, no formula is known: paths are drawn, by a generator with a fixed seed, so that the same fit has the same
//! intervals.
//!
//! It departs from the reference in class 3, where that multiplies out matrices of the season's length; the
//! difference is of the order of σ⁴.
#![expect(clippy::cast_precision_loss, reason = "counts of steps and paths are small")]

use super::super::normal;
use super::super::{Forecast, Interval};
use super::form::{Component, EtsForm};
use super::recursion::{Smoothing, States};

/// A model at the end of its series.
#[derive(Clone, Debug)]
pub(super) struct EtsEnd {
    pub(super) form: EtsForm,
    pub(super) smoothing: Smoothing,
    pub(super) states: States,
    /// Variance of the one-step errors, relative for multiplicative errors.
    pub(super) variance: f64,
    /// Steps in the series: the next falls on this position, modulo the season.
    pub(super) steps: usize,
}

const PATHS: usize = 5000;

impl EtsEnd {
    pub(super) fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let paths = self.means(horizon);
        let mean: Vec<f64> = (0..horizon).map(|h| self.join(paths[h], self.season(h))).collect();
        let is_closed = self.form.trend != Component::Multiplicative
            && (self.form.season != Component::Multiplicative || self.form.error == Component::Multiplicative);
        let intervals = if levels.is_empty() {
            Vec::new()
        } else if is_closed {
            let deviation: Vec<f64> = self
                .variances(&paths, &mean)
                .iter()
                .map(|v| v.max(0.0).sqrt())
                .collect();
            normal::intervals(&mean, &deviation, levels)
        } else {
            self.simulate(horizon, levels)
        };
        Forecast { mean, intervals }
    }

    /// Level and trend continued, without the season.
    fn means(&self, horizon: usize) -> Vec<f64> {
        let mut faded = 1.0;
        let mut sum = 0.0;
        let continued = |_| {
            faded *= self.smoothing.phi;
            sum += faded;
            match self.form.trend {
                Component::Absent => self.states.level,
                Component::Additive => self.states.level + sum * self.states.trend,
                Component::Multiplicative => self.states.level * self.states.trend.powf(sum),
            }
        };
        (0..horizon).map(continued).collect()
    }

    fn season(&self, step: usize) -> f64 {
        match self.states.season.len() {
            0 => 0.0,
            length => self.states.season[(self.steps + step) % length],
        }
    }

    fn join(&self, path: f64, season: f64) -> f64 {
        match self.form.season {
            Component::Absent => path,
            Component::Additive => path + season,
            Component::Multiplicative => path * season,
        }
    }

    /// What an error of one passes on to the forecasts 1, 2, … steps later.
    fn responses(&self, horizon: usize) -> Vec<f64> {
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = self.smoothing;
        let added_season = if self.form.season == Component::Additive {
            self.states.season.len()
        } else {
            0
        };
        let mut faded = 1.0;
        let mut sum = 0.0;
        let response = |step: usize| {
            faded *= phi;
            sum += faded;
            let is_same_position = added_season > 0 && step.is_multiple_of(added_season);
            alpha + beta * sum + if is_same_position { gamma } else { 0.0 }
        };
        (1..horizon).map(response).collect()
    }

    fn variances(&self, paths: &[f64], mean: &[f64]) -> Vec<f64> {
        let variance = self.variance;
        let squares: Vec<f64> = self.responses(mean.len()).iter().map(|c| c * c).collect();
        if self.form.error == Component::Additive {
            let mut sum = 1.0;
            let passed = std::iter::once(0.0).chain(squares);
            return passed
                .map(|c| {
                    sum += c;
                    variance * sum
                })
                .take(mean.len())
                .collect();
        }
        let is_class_three = self.form.season == Component::Multiplicative;
        let centre = if is_class_three { paths } else { mean };
        // Second moments of the forecast that errors passed on so far leave (equation 6.2).
        let mut moments: Vec<f64> = Vec::with_capacity(mean.len());
        for (h, middle) in centre.iter().enumerate() {
            let passed: f64 = squares
                .iter()
                .zip(moments.iter().rev())
                .map(|(c, moment)| c * moment)
                .sum();
            debug_assert!(squares.len() >= h);
            moments.push(middle * middle + variance * passed);
        }
        let season_length = self.states.season.len().max(1);
        let total = |(h, (moment, middle)): (usize, (&f64, &f64))| {
            if !is_class_three {
                return (1.0 + variance) * moment - middle * middle;
            }
            let seasons = i32::try_from(h / season_length).unwrap_or(i32::MAX);
            let spread = (1.0 + self.smoothing.gamma.powi(2) * variance).powi(seasons);
            let season = self.season(h);
            season * season * ((1.0 + variance) * spread * moment - middle * middle)
        };
        moments.iter().zip(centre).enumerate().map(total).collect()
    }

    /// Draws paths, and takes their quantiles.
    fn simulate(&self, horizon: usize, levels: &[f64]) -> Vec<Interval> {
        let deviation = self.variance.sqrt();
        let mut draws = vec![Vec::with_capacity(PATHS); horizon];
        let mut states = self.states.clone();
        for path in 0..PATHS {
            // A seed for each path: a longer horizon leaves the first steps as they were.
            let mut random = SplitMix64(path as u64);
            states.clone_from(&self.states);
            for (step, values) in draws.iter_mut().enumerate() {
                values.push(self.advance(&mut states, step, deviation * random.normal()));
            }
        }
        for values in &mut draws {
            values.sort_by(f64::total_cmp);
        }
        let bounds = |p: f64| draws.iter().map(|sorted| quantile(sorted, p)).collect();
        let of_level = |&level: &f64| Interval {
            level,
            lower: bounds(0.5 - level / 200.0),
            upper: bounds(0.5 + level / 200.0),
        };
        levels.iter().map(of_level).collect()
    }

    /// Moves the states by one step with an error, and returns the value.
    fn advance(&self, states: &mut States, step: usize, error: f64) -> f64 {
        let Smoothing {
            alpha,
            beta,
            gamma,
            phi,
        } = self.smoothing;
        let (grown, carried) = match self.form.trend {
            Component::Absent => (states.level, 0.0),
            Component::Additive => (states.level + phi * states.trend, phi * states.trend),
            Component::Multiplicative => {
                let ratio = states.trend.powf(phi);
                (states.level * ratio, ratio)
            }
        };
        let place = if states.season.is_empty() {
            None
        } else {
            Some((self.steps + step) % states.season.len())
        };
        let season = place.map_or(0.0, |place| states.season[place]);
        let forecast = self.join(grown, season);
        let error = if self.form.error == Component::Multiplicative {
            error * forecast
        } else {
            error
        };
        let adjusted = if self.form.season == Component::Multiplicative {
            error / season
        } else {
            error
        };
        states.trend = match self.form.trend {
            Component::Absent => 0.0,
            Component::Additive => carried + beta * adjusted,
            // A ratio cannot fall to zero, whatever was drawn.
            Component::Multiplicative => (carried + beta * adjusted / states.level).max(f64::MIN_POSITIVE),
        };
        states.level = grown + alpha * adjusted;
        if let Some(place) = place {
            let by = if self.form.season == Component::Multiplicative {
                grown
            } else {
                1.0
            };
            states.season[place] = season + gamma * error / by;
        }
        let value = forecast + error;
        if value.is_finite() { value } else { forecast }
    }
}

/// Takes the quantile of sorted values, between the two nearest.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place within the list"
    )]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// Splitmix64, by Vigna and Steele: a generator of independent streams from consecutive seeds.
struct SplitMix64(u64);

impl SplitMix64 {
    fn normal(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0.wrapping_mul(0xD134_2543_DE82_EF95);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        normal::quantile(((z >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
    }
}
