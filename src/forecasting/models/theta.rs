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

use super::classical::{Composition, seasonal_pattern};
use super::normal;
use super::optimise::minimise_line;
use super::{FitError, Finding, Fitted, Forecast, Model, check};

/// The four models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
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
    const ALL: [Self; 4] = [Self::Standard, Self::Optimized, Self::DynamicStandard, Self::DynamicOptimized];

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

/// A theta model, on the seasonally adjusted series if it is seasonal.
#[derive(Clone, Debug)]
pub struct Theta {
    name: &'static str,
    variants: Vec<Variant>,
    season_length: usize,
    composition: Composition,
}

impl Theta {
    /// One of the four models, with steps in a season, 1 for none.
    pub fn new(variant: Variant, season_length: usize) -> Self {
        let name = match variant {
            Variant::Standard => "Theta",
            Variant::Optimized => "OptimizedTheta",
            Variant::DynamicStandard => "DynamicTheta",
            Variant::DynamicOptimized => "DynamicOptimizedTheta",
        };
        Self { name, variants: vec![variant], season_length, composition: Composition::Multiplicative }
    }

    /// `DynamicOptimizedTheta`.
    pub fn dynamic_optimized(season_length: usize) -> Self {
        Self::new(Variant::DynamicOptimized, season_length)
    }

    /// `AutoTheta`: the one of the four whose one-step errors are least.
    pub fn auto(season_length: usize) -> Self {
        Self {
            name: "AutoTheta",
            variants: Variant::ALL.to_vec(),
            season_length,
            composition: Composition::Multiplicative,
        }
    }

    /// The same with a season that is multiplied, as from the start, or added.
    #[must_use]
    pub fn seasoned(self, composition: Composition) -> Self {
        Self { composition, ..self }
    }
}

impl Model for Theta {
    fn name(&self) -> &str {
        self.name
    }

    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        check(self.name, y, UNSCORED + 3)?;
        let season = Season::find(y, self.season_length, self.composition);
        let adjusted = season.adjust(y);
        let overflow = || FitError::NoFit { model: self.name, why: "the numbers overflow".to_owned() };
        let fit = |&variant: &Variant| Estimate::find(&adjusted, variant);
        let estimates = self.variants.iter().map(fit).filter(|found| found.squares.is_finite());
        let best = estimates.min_by(|a, b| a.squares.total_cmp(&b.squares)).ok_or_else(overflow)?;
        Ok(Box::new(ThetaFit::new(&adjusted, best, season)))
    }
}

/// One-step errors at the beginning that are not scored, as in the reference: the line has hardly begun.
const UNSCORED: usize = 3;

/// Bounds of α.
const ALPHA: (f64, f64) = (0.1, 0.99);

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
        let none = Self { pattern: Vec::new(), composition: Composition::Additive };
        // Shorter ones are not tested, as in the reference.
        if season_length < 4 || y.len() < 2 * season_length || !is_seasonal(y, season_length) {
            return none;
        }
        found(composition).or_else(|| found(Composition::Additive)).unwrap_or(none)
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

/// A regression line, by its value at time zero and its slope.
#[derive(Clone, Copy, Debug)]
struct Line {
    intercept: f64,
    slope: f64,
}

/// The line that stands before a value of the series, and how it moves on with it.
#[derive(Clone, Copy, Debug)]
struct RunningLine {
    line: Line,
    mean: f64,
    /// Values seen.
    count: f64,
}

impl RunningLine {
    fn after_first(y: f64) -> Self {
        Self { line: Line { intercept: y, slope: 0.0 }, mean: y, count: 1.0 }
    }

    /// Takes in the next value (equations 13 to 15 of the source).
    fn advance(&mut self, y: f64) {
        let i = self.count;
        let slope = ((i - 1.0) * self.line.slope + 6.0 * (y - self.mean) / (i + 1.0)) / (i + 2.0);
        self.mean = (i * self.mean + y) / (i + 1.0);
        self.count = i + 1.0;
        self.line = Line { intercept: self.mean - slope * (i + 2.0) / 2.0, slope };
    }
}

/// The regression line of all values.
fn whole_line(y: &[f64]) -> Line {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let centre = (n + 1.0) / 2.0;
    let product: f64 = y.iter().enumerate().map(|(t, value)| ((t + 1) as f64 - centre) * (value - mean)).sum();
    let slope = 12.0 * product / (n * (n * n - 1.0));
    Line { intercept: mean - slope * centre, slope }
}

/// The parameters that fit best.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    variant: Variant,
    alpha: f64,
    /// 1 − 1/θ.
    weight: f64,
    level: f64,
    /// Sum of the squared one-step errors that are scored.
    squares: f64,
}

impl Estimate {
    fn find(y: &[f64], variant: Variant) -> Self {
        let lines = lines(y, variant);
        let bound = 2.0 * y.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let at = |alpha: f64| solve(y, &lines, bound, alpha, variant);
        // A rough look at all of α first, for there may be several valleys; then down into the deepest.
        const LOOKS: u32 = 24;
        let step = (ALPHA.1 - ALPHA.0) / f64::from(LOOKS);
        let looks = (0..=LOOKS).map(|k| at(ALPHA.0 + step * f64::from(k)));
        let Some(rough) = looks.min_by(|a, b| a.squares.total_cmp(&b.squares)) else { return at(ALPHA.0) };
        let (from, to) = ((rough.alpha - step).max(ALPHA.0), (rough.alpha + step).min(ALPHA.1));
        let (alpha, _) = minimise_line(|alpha| at(alpha).squares, from, to, 1e-7);
        let fine = at(alpha);
        if fine.squares <= rough.squares { fine } else { rough }
    }

    fn theta(&self) -> f64 {
        1.0 / (1.0 - self.weight)
    }
}

/// The line before each value from the second on.
fn lines(y: &[f64], variant: Variant) -> Vec<Line> {
    if !variant.is_dynamic() {
        return vec![whole_line(y); y.len() - 1];
    }
    let mut running = RunningLine::after_first(y[0]);
    let mut lines = Vec::with_capacity(y.len() - 1);
    for &value in &y[1..] {
        lines.push(running.line);
        running.advance(value);
    }
    lines
}

/// How the line enters the forecast of step `i`, from 0: by its own continuation, discounted (equation 12).
#[derive(Clone, Copy, Debug)]
struct Discount {
    alpha: f64,
    /// (1 − α) to the power of the step.
    power: f64,
}

impl Discount {
    fn of_second(alpha: f64) -> Self {
        Self { alpha, power: 1.0 - alpha }
    }

    fn apply(self, line: Line) -> f64 {
        line.intercept * self.power + line.slope * (1.0 - self.power * (1.0 - self.alpha)) / self.alpha
    }

    fn next(self) -> Self {
        Self { power: self.power * (1.0 - self.alpha), ..self }
    }
}

/// Finds the initial level, within ± `bound`, and the weight of the line that leave the least squares for a given α.
fn solve(y: &[f64], lines: &[Line], bound: f64, alpha: f64, variant: Variant) -> Estimate {
    // An error is `rest − level · fade − weight · drift`; the sums of products of these three are all that is needed.
    let (mut rest_fade, mut rest_drift) = (0.0, 0.0);
    let (mut fade_fade, mut fade_drift, mut drift_drift) = (0.0, 0.0, 0.0);
    let mut rest_rest = 0.0;
    let mut smooth = alpha * y[0];
    let mut discount = Discount::of_second(alpha);
    let keep = 1.0 - alpha;
    for (step, (&value, &line)) in (1..).zip(y[1..].iter().zip(lines)) {
        let drift = discount.apply(line);
        let fade = discount.power;
        let rest = value - smooth;
        if step >= UNSCORED {
            rest_rest += rest * rest;
            rest_fade += rest * fade;
            rest_drift += rest * drift;
            fade_fade += fade * fade;
            fade_drift += fade * drift;
            drift_drift += drift * drift;
        }
        smooth = alpha * value + keep * smooth;
        discount = discount.next();
    }
    // Theta from 1 up means a weight from 0 to 1.
    let within = |slope: f64, curvature: f64| match variant.is_optimized() {
        true if curvature > 1e-14 * drift_drift => (slope / curvature).clamp(0.0, MOST_WEIGHT),
        _ => 0.5,
    };
    let level_for = |weight: f64| (rest_fade - weight * fade_drift) / fade_fade;
    // The level taken out, one variable is left.
    let share = fade_drift / fade_fade;
    let mut weight = within(rest_drift - share * rest_fade, drift_drift - share * fade_drift);
    let mut level = level_for(weight);
    // With a large α the scored errors hardly know the level, and least squares may put it anywhere.
    if !(-bound..=bound).contains(&level) {
        level = if level.is_nan() { y[0] / 2.0 } else { level.clamp(-bound, bound) };
        weight = within(rest_drift - level * fade_drift, drift_drift);
    }
    let squares = rest_rest - 2.0 * (level * rest_fade + weight * rest_drift)
        + level * level * fade_fade
        + 2.0 * level * weight * fade_drift
        + weight * weight * drift_drift;
    Estimate { variant, alpha, weight, level, squares: squares.max(0.0) }
}

/// The weight of theta's upper bound of 10¹⁰.
const MOST_WEIGHT: f64 = 1.0 - 1e-10;

/// A theta model after its fit.
#[derive(Debug)]
struct ThetaFit {
    estimate: Estimate,
    season: Season,
    end: End,
    /// Standard deviation of the scored one-step errors.
    deviation: f64,
    fitted: Vec<f64>,
}

/// The states after the last value.
#[derive(Clone, Copy, Debug)]
struct End {
    level: f64,
    running: RunningLine,
    discount: Discount,
}

impl End {
    /// Returns the next value as forecast, and takes it in with an error added.
    fn advance(&mut self, estimate: &Estimate, error: f64) -> f64 {
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
    fn variances(&self, estimate: &Estimate, horizon: usize) -> Vec<f64> {
        let mut variances = vec![1.0; horizon];
        // Forecasts are linear in the states, so an error of one is followed from states of zero.
        let nought = Line { intercept: 0.0, slope: 0.0 };
        let mut before = Self { level: 0.0, running: RunningLine { line: nought, mean: 0.0, ..self.running }, ..*self };
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
    fn new(y: &[f64], estimate: Estimate, season: Season) -> Self {
        let Estimate { variant, alpha, level, .. } = estimate;
        let running = match variant.is_dynamic() {
            true => RunningLine::after_first(y[0]),
            false => RunningLine { line: whole_line(y), mean: 0.0, count: 1.0 },
        };
        let level = alpha * y[0] + (1.0 - alpha) * level;
        let mut end = End { level, running, discount: Discount::of_second(alpha) };
        let mut fitted = vec![f64::NAN];
        for &value in &y[1..] {
            let forecast = end.level + estimate.weight * end.discount.apply(end.running.line);
            fitted.push(forecast);
            end.advance(&estimate, value - forecast);
        }
        let errors: Vec<f64> = y.iter().zip(&fitted).skip(UNSCORED).map(|(y, f)| y - f).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let squares: f64 = errors.iter().map(|error| (error - mean).powi(2)).sum();
        season.restore(&mut fitted, 0);
        Self { estimate, season, end, deviation: (squares / (errors.len() - 1) as f64).sqrt(), fitted }
    }
}

impl Fitted for ThetaFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mut end = self.end;
        let mut mean: Vec<f64> = (0..horizon).map(|_| end.advance(&self.estimate, 0.0)).collect();
        let mut intervals = Vec::new();
        if !levels.is_empty() {
            let variances = self.end.variances(&self.estimate, horizon);
            let deviation: Vec<f64> = variances.iter().map(|variance| self.deviation * variance.sqrt()).collect();
            intervals = normal::intervals(&mean, &deviation, levels);
        }
        let bounds = intervals.iter_mut().flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
        for values in std::iter::once(&mut mean).chain(bounds) {
            self.season.restore(values, self.fitted.len());
        }
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Finding)> {
        let Estimate { variant, alpha, level, squares, .. } = self.estimate;
        let season = match (self.season.pattern.is_empty(), self.season.composition) {
            (true, _) => "none",
            (false, Composition::Additive) => "additive",
            (false, Composition::Multiplicative) => "multiplicative",
        };
        let mut found = vec![
            ("form", Finding::Text(variant.abbreviation().to_owned())),
            ("decomposition", Finding::Text(season.to_owned())),
            ("alpha", Finding::Number(alpha)),
            ("theta", Finding::Number(self.estimate.theta())),
            ("level", Finding::Number(level)),
            ("sigma", Finding::Number(self.deviation)),
            ("mse", Finding::Number(squares / (self.fitted.len() - UNSCORED) as f64)),
        ];
        if !self.season.pattern.is_empty() {
            found.push(("season", Finding::Numbers(self.season.pattern.clone())));
        }
        found
    }

    fn fitted_values(&self) -> Option<&[f64]> {
        Some(&self.fitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates the recursion as the source writes it: the errors of given parameters, one after the other.
    fn errors(y: &[f64], variant: Variant, alpha: f64, theta: f64, level: f64) -> Vec<f64> {
        let keep = 1.0 - alpha;
        let line = whole_line(y);
        let (mut intercept, mut slope) = if variant.is_dynamic() { (y[0], 0.0) } else { (line.intercept, line.slope) };
        let (mut smooth, mut mean) = (alpha * y[0] + keep * level, y[0]);
        let mut errors = vec![f64::NAN];
        for i in 1..y.len() {
            let k = i as f64;
            let line = intercept * keep.powf(k) + slope * (1.0 - keep.powf(k + 1.0)) / alpha;
            errors.push(y[i] - smooth - (1.0 - 1.0 / theta) * line);
            smooth = alpha * y[i] + keep * smooth;
            let before = mean;
            mean = (k * mean + y[i]) / (k + 1.0);
            if variant.is_dynamic() {
                slope = ((k - 1.0) * slope + 6.0 * (y[i] - before) / (k + 1.0)) / (k + 2.0);
                intercept = mean - slope * (k + 2.0) / 2.0;
            }
        }
        errors
    }

    fn series(n: u32) -> Vec<f64> {
        (0..n).map(|t| 20.0 + 0.3 * f64::from(t) + 3.0 * f64::from(t * t % 7) - f64::from(t * 13 % 5)).collect()
    }

    fn scored(errors: &[f64]) -> f64 {
        errors[UNSCORED..].iter().map(|e| e * e).sum()
    }

    #[test]
    fn the_estimate_is_a_minimum_of_the_sum_of_squares() {
        let y = series(60);
        for variant in Variant::ALL {
            let found = Estimate::find(&y, variant);
            let at = |alpha: f64, weight: f64, level: f64| {
                scored(&errors(&y, variant, alpha, 1.0 / (1.0 - weight), level))
            };
            let least = at(found.alpha, found.weight, found.level);
            assert!((least - found.squares).abs() < 1e-8 * least, "{variant:?}: {least} {found:?}");
            for sign in [-1.0, 1.0] {
                let alpha = (found.alpha + sign * 0.01).clamp(ALPHA.0, ALPHA.1);
                let weight = (found.weight + sign * 0.01).clamp(0.0, 0.99);
                assert!(at(alpha, found.weight, found.level) >= least - 1e-9 * least);
                assert!(at(found.alpha, found.weight, found.level + sign) >= least - 1e-9 * least);
                assert!(!variant.is_optimized() || at(found.alpha, weight, found.level) >= least - 1e-9 * least);
            }
        }
    }

    #[test]
    fn the_running_line_is_the_regression_of_the_values_seen() {
        let y = series(15);
        let mut running = RunningLine::after_first(y[0]);
        y[1..].iter().for_each(|&value| running.advance(value));
        let whole = whole_line(&y);
        assert!((running.line.slope - whole.slope).abs() < 1e-10, "{running:?} {whole:?}");
        assert!((running.line.intercept - whole.intercept).abs() < 1e-9);
    }

    #[test]
    fn variances_agree_with_paths_that_are_drawn() {
        let y = series(40);
        let fit = Theta::dynamic_optimized(1).fit(&y).unwrap();
        let forecast = fit.forecast(6, &[95.0]);
        let found: Vec<f64> =
            (0..6).map(|h| (forecast.intervals[0].upper[h] - forecast.mean[h]) / normal::reach(95.0)).collect();
        // Each path from quantiles of errors in a fixed, mixed order.
        let estimate = Estimate::find(&y, Variant::DynamicOptimized);
        let whole = ThetaFit::new(&y, estimate, Season::find(&y, 1, Composition::Additive));
        let mut sums = [0.0; 6];
        let paths = 20_000_u64;
        let mut state = 1_u64;
        for _ in 0..paths {
            let mut end = whole.end;
            for (h, sum) in sums.iter_mut().enumerate() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
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
}
