//! The theta method as state space models, with and without optimised parameters.
//!
//! A series is a mean of two lines of it: one without curvature, the regression line, and one with its curvature times
//! theta, which simple exponential smoothing continues. The *standard* models keep theta at 2, the *optimised* ones
//! estimate it; the *dynamic* ones let the regression line follow the values seen so far.
//!
//! Source: Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler (2016), *Models for optimising the theta method and
//! their relationship to state space models*, sections 2 and 3; the seasonal test and decomposition of Assimakopoulos
//! and Nikolopoulos (2000).
//!
//! State: the level, the mean of all values, and the regression line. Cost: O(n) an evaluation, some fifty of them:
//! given α the one-step errors are linear in the initial level and in 1 − 1/θ, so those two are solved for exactly, and
//! only α is searched. The regression lines depend on the values alone and are computed once.
//!
//! Departures from the reference (statsforecast): it searches all three by a simplex. And it draws 200 paths for its
//! intervals; a path is linear in its errors, so their variance is computed here instead.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

mod estimate;

use super::classical::{Composition, seasonal_pattern};
use super::normal;
use super::settings::model_settings;
use super::{Estimate, FitError, Fitted, Forecast, Model, check};
use crate::engine::spec::schema::Kind;
use crate::engine::spec::schema::Literal::Text;
use estimate::{Discount, RegressionLine, RunningLine, ThetaEstimate, whole_line};

/// The four models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Theta is 2, the line is that of all values.
    Standard,
    /// Theta is estimated, the line is that of all values.
    Optimized,
    /// Theta is 2, the line follows the values.
    DynamicStandard,
    /// Theta is estimated, the line follows the values.
    DynamicOptimized,
}

impl Variant {
    const ALL: [Self; 4] = [
        Self::Standard,
        Self::Optimized,
        Self::DynamicStandard,
        Self::DynamicOptimized,
    ];

    fn is_dynamic(self) -> bool {
        matches!(self, Self::DynamicStandard | Self::DynamicOptimized)
    }

    fn is_optimized(self) -> bool {
        matches!(self, Self::Optimized | Self::DynamicOptimized)
    }

    fn abbreviation(self) -> &'static str {
        match self {
            Self::Standard => "STM",
            Self::Optimized => "OTM",
            Self::DynamicStandard => "DSTM",
            Self::DynamicOptimized => "DOTM",
        }
    }
}

model_settings! {
    /// A theta model, on the seasonally adjusted series if it is seasonal.
    #[derive(Clone, Debug)]
    pub(crate) struct Theta {
        /// The name under which `models` lists it.
        name: &'static str = "DynamicOptimizedTheta",
        /// The models to choose from, by the least one-step errors.
        variants: Vec<Variant> = vec![Variant::DynamicOptimized],
        /// Steps in a season; 1 for none.
        season_length: usize = 1,
    }
    "decomposition" => decomposition: Composition = Some(Text(Composition::Multiplicative.name())),
        Kind::Choice(Composition::NAMES), "how the season joins";
}

impl Theta {
    /// `DynamicOptimizedTheta`.
    pub(crate) fn dynamic_optimized(season_length: usize) -> Self {
        Self {
            season_length,
            ..Self::default()
        }
    }

    /// `AutoTheta`: the one of the four whose one-step errors are least.
    pub(crate) fn auto(season_length: usize) -> Self {
        Self {
            name: "AutoTheta",
            variants: Variant::ALL.to_vec(),
            ..Self::dynamic_optimized(season_length)
        }
    }
}

impl Model for Theta {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        check(self.name, y, UNSCORED + 3)?;
        let season = Season::find(y, self.season_length, self.decomposition);
        let adjusted = season.adjust(y);
        let overflow = || FitError::NoFit {
            model: self.name,
            why: "the numbers overflow".to_owned(),
        };
        let fit = |&variant: &Variant| ThetaEstimate::find(&adjusted, variant);
        let estimates = self.variants.iter().map(fit).filter(|found| found.squares.is_finite());
        let best = estimates
            .min_by(|a, b| a.squares.total_cmp(&b.squares))
            .ok_or_else(overflow)?;
        Ok(Box::new(ThetaFit::new(&adjusted, best, season)))
    }
}

/// One-step errors at the beginning that are not scored, as in the reference: the line has hardly begun.
const UNSCORED: usize = 3;

/// A seasonal pattern, if the series has one.
#[derive(Debug)]
struct Season {
    pattern: Vec<f64>,
    composition: Composition,
}

impl Season {
    /// Looks for a season by the autocorrelation at its length, at the level of 90 percent.
    fn find(y: &[f64], season_length: usize, composition: Composition) -> Self {
        let found = |composition| {
            let pattern = seasonal_pattern(y, season_length, composition)?;
            let is_usable = composition == Composition::Additive || pattern.iter().all(|&value| value >= 0.01);
            is_usable.then_some(Self { pattern, composition })
        };
        let none = Self {
            pattern: Vec::new(),
            composition: Composition::Additive,
        };
        // Shorter ones are not tested, as in the reference.
        if season_length < 4 || y.len() < 2 * season_length || !is_seasonal(y, season_length) {
            return none;
        }
        found(composition)
            .or_else(|| found(Composition::Additive))
            .unwrap_or(none)
    }

    fn adjust(&self, y: &[f64]) -> Vec<f64> {
        if self.pattern.is_empty() {
            return y.to_vec();
        }
        let adjust = |(value, season): (&f64, &f64)| match self.composition {
            Composition::Additive => value - season,
            Composition::Multiplicative => value / season,
        };
        y.iter().zip(self.pattern.iter().cycle()).map(adjust).collect()
    }

    /// Puts the season back into values that begin `from` steps after the first.
    fn restore(&self, values: &mut [f64], from: usize) {
        if self.pattern.is_empty() {
            return;
        }
        let seasons = self.pattern.iter().cycle().skip(from % self.pattern.len());
        for (value, season) in values.iter_mut().zip(seasons) {
            match self.composition {
                Composition::Additive => *value += season,
                Composition::Multiplicative => *value *= season,
            }
        }
    }
}

fn is_seasonal(y: &[f64], season_length: usize) -> bool {
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let covariance = |lag: usize| -> f64 { y.iter().zip(&y[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let total = covariance(0);
    let earlier: f64 = (1..season_length).map(|lag| (covariance(lag) / total).powi(2)).sum();
    let limit = normal::quantile(0.95) * ((1.0 + 2.0 * earlier) / y.len() as f64).sqrt();
    (covariance(season_length) / total).abs() > limit
}

/// A theta model after its fit.
#[derive(Debug)]
struct ThetaFit {
    estimate: ThetaEstimate,
    season: Season,
    end: ThetaEnd,
    /// Standard deviation of the scored one-step errors.
    deviation: f64,
    /// How many values there are.
    n: usize,
}

/// The states after the last value.
#[derive(Clone, Copy, Debug)]
struct ThetaEnd {
    level: f64,
    running: RunningLine,
    discount: Discount,
}

impl ThetaEnd {
    /// Returns the next value as forecast, and takes it in with an error added.
    fn advance(&mut self, estimate: &ThetaEstimate, error: f64) -> f64 {
        let forecast = self.level + estimate.weight * self.discount.apply(self.running.line);
        let value = forecast + error;
        self.level = estimate.alpha * value + (1.0 - estimate.alpha) * self.level;
        self.discount = self.discount.next();
        if estimate.variant.is_dynamic() {
            self.running.advance(value);
        }
        forecast
    }

    /// The variances of the coming steps, in units of a one-step error's: how far each error passes into later values.
    fn variances(&self, estimate: &ThetaEstimate, horizon: usize) -> Vec<f64> {
        let mut variances = vec![1.0; horizon];
        // Forecasts are linear in the states, so an error of one is followed from states of zero.
        let nought = RegressionLine {
            intercept: 0.0,
            slope: 0.0,
        };
        let mut before = Self {
            level: 0.0,
            running: RunningLine {
                line: nought,
                mean: 0.0,
                ..self.running
            },
            ..*self
        };
        for step in 0..horizon {
            let mut states = before;
            states.advance(estimate, 1.0);
            for variance in &mut variances[step + 1..] {
                *variance += states.advance(estimate, 0.0).powi(2);
            }
            before.advance(estimate, 0.0);
        }
        variances
    }
}

impl ThetaFit {
    fn new(y: &[f64], estimate: ThetaEstimate, season: Season) -> Self {
        let ThetaEstimate {
            variant, alpha, level, ..
        } = estimate;
        let running = match variant.is_dynamic() {
            true => RunningLine::after_first(y[0]),
            false => RunningLine {
                line: whole_line(y),
                mean: 0.0,
                count: 1.0,
            },
        };
        let level = alpha * y[0] + (1.0 - alpha) * level;
        let mut end = ThetaEnd {
            level,
            running,
            discount: Discount::of_second(alpha),
        };
        let mut errors = Vec::with_capacity(y.len());
        for (step, &value) in (1..).zip(&y[1..]) {
            let forecast = end.level + estimate.weight * end.discount.apply(end.running.line);
            let error = value - forecast;
            errors.extend((step >= UNSCORED).then_some(error));
            end.advance(&estimate, error);
        }
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let squares: f64 = errors.iter().map(|error| (error - mean).powi(2)).sum();
        Self {
            estimate,
            season,
            end,
            deviation: (squares / (errors.len() - 1) as f64).sqrt(),
            n: y.len(),
        }
    }
}

impl Fitted for ThetaFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mut end = self.end;
        let mut mean: Vec<f64> = (0..horizon).map(|_| end.advance(&self.estimate, 0.0)).collect();
        let mut intervals = Vec::new();
        if !levels.is_empty() {
            let variances = self.end.variances(&self.estimate, horizon);
            let deviation: Vec<f64> = variances
                .iter()
                .map(|variance| self.deviation * variance.sqrt())
                .collect();
            intervals = normal::intervals(&mean, &deviation, levels);
        }
        let bounds = intervals
            .iter_mut()
            .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
        for values in std::iter::once(&mut mean).chain(bounds) {
            self.season.restore(values, self.n);
        }
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let ThetaEstimate {
            variant,
            alpha,
            level,
            squares,
            ..
        } = self.estimate;
        let season = match (self.season.pattern.is_empty(), self.season.composition) {
            (true, _) => "none",
            (false, Composition::Additive) => "additive",
            (false, Composition::Multiplicative) => "multiplicative",
        };
        let mut found = vec![
            ("form", Estimate::Text(variant.abbreviation().to_owned())),
            ("decomposition", Estimate::Text(season.to_owned())),
            ("alpha", Estimate::Number(alpha)),
            ("theta", Estimate::Number(self.estimate.theta())),
            ("level", Estimate::Number(level)),
            ("sigma", Estimate::Number(self.deviation)),
            ("mse", Estimate::Number(squares / (self.n - UNSCORED) as f64)),
        ];
        if !self.season.pattern.is_empty() {
            found.push(("season", Estimate::Numbers(self.season.pattern.clone())));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(n: u32) -> Vec<f64> {
        (0..n)
            .map(|t| 20.0 + 0.3 * f64::from(t) + 3.0 * f64::from(t * t % 7) - f64::from(t * 13 % 5))
            .collect()
    }

    #[test]
    fn variances_agree_with_paths_that_are_drawn() {
        let y = series(40);
        let fit = Theta::dynamic_optimized(1).fit(&y).unwrap();
        let forecast = fit.forecast(6, &[95.0]);
        let found: Vec<f64> = (0..6)
            .map(|h| (forecast.intervals[0].upper[h] - forecast.mean[h]) / normal::reach(95.0))
            .collect();
        // Each path from quantiles of errors in a fixed, mixed order.
        let estimate = ThetaEstimate::find(&y, Variant::DynamicOptimized);
        let whole = ThetaFit::new(&y, estimate, Season::find(&y, 1, Composition::Additive));
        let mut sums = [0.0; 6];
        let paths = 20_000_u64;
        let mut state = 1_u64;
        for _ in 0..paths {
            let mut end = whole.end;
            for (h, sum) in sums.iter_mut().enumerate() {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let error = whole.deviation * normal::quantile(((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64);
                *sum += (end.advance(&estimate, error) + error - forecast.mean[h]).powi(2);
            }
        }
        for (h, sum) in sums.iter().enumerate() {
            let drawn = (sum / paths as f64).sqrt();
            assert!((drawn / found[h] - 1.0).abs() < 0.03, "step {h}: {drawn} {}", found[h]);
        }
    }

    #[test]
    fn a_multiplied_season_is_taken_out_and_put_back() {
        let pattern = [0.5, 1.5, 1.2, 0.8];
        let y: Vec<f64> = (0..80).map(|t| 100.0 * pattern[t % 4]).collect();
        let fit = Theta::auto(4).fit(&y).unwrap();
        for (h, value) in fit.forecast(10, &[]).mean.iter().enumerate() {
            assert!((value - 100.0 * pattern[h % 4]).abs() < 1e-6, "{value}");
        }
    }

    #[test]
    fn scaled_series_have_scaled_forecasts_and_shifted_ones_shifted() {
        let y = series(48);
        for model in [Theta::auto(12), Theta::dynamic_optimized(1)] {
            let model = Theta {
                decomposition: Composition::Additive,
                ..model
            };
            let plain = model.fit(&y).unwrap().forecast(6, &[90.0]);
            let scaled: Vec<f64> = y.iter().map(|value| value * 1e-3).collect();
            let found = model.fit(&scaled).unwrap().forecast(6, &[90.0]);
            for h in 0..6 {
                assert!((found.mean[h] * 1e3 - plain.mean[h]).abs() < 1e-3 * plain.mean[h].abs());
                let width = |f: &Forecast| f.intervals[0].upper[h] - f.intervals[0].lower[h];
                assert!((width(&found) * 1e3 / width(&plain) - 1.0).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn intervals_nest_and_widen() {
        for variant in Variant::ALL {
            let model = Theta {
                variants: vec![variant],
                ..Theta::default()
            };
            let forecast = model.fit(&series(60)).unwrap().forecast(12, &[50.0, 95.0]);
            let width = |k: usize, h: usize| forecast.intervals[k].upper[h] - forecast.intervals[k].lower[h];
            assert!((0..12).all(|h| width(0, h) < width(1, h) && (h == 0 || width(1, h - 1) < width(1, h))));
        }
    }

    #[test]
    fn short_and_constant_series_are_no_trouble() {
        let model = Theta::auto(4);
        let error = model.fit(&[1.0; 5]).err();
        assert_eq!(
            error,
            Some(FitError::TooShort {
                model: "AutoTheta",
                needed: 6,
                found: 5
            })
        );
        for value in [0.0, 3.0, -7.5] {
            let forecast = model.fit(&[value; 20]).unwrap().forecast(4, &[95.0]);
            assert!(
                forecast.mean.iter().all(|found| (found - value).abs() < 1e-6),
                "{forecast:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_series_makes_it_panic(
            y in prop::collection::vec(prop_oneof![Just(0.0), -1e3..1e3_f64, Just(1e300), 1.0..2.0_f64], 0..30),
            season_length in 0..9_usize,
        ) {
            if let Ok(fit) = Theta::auto(season_length).fit(&y) {
                prop_assert_eq!(fit.forecast(5, &[80.0]), fit.forecast(5, &[80.0]));
            }
        }
    }
}
