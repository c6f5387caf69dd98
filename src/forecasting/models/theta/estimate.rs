//! The parameters of a theta model: the errors of one step, and where their squares are least.
//!
//! Given α, the level's first value and the weight 1 − 1/θ enter an error linearly, so the best of both follow from the
//! sums of six products; α is searched. What depends on the values alone, the regression lines, is computed before.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::super::optimise::minimise_line;
use super::{UNSCORED, Variant};

/// Values of α that are tried before one is refined: there may be several valleys.
const LOOKS: u32 = 24;

/// Bounds of α.
const ALPHA: (f64, f64) = (0.1, 0.99);

/// A regression line, by its value at time zero and its slope.
#[derive(Clone, Copy, Debug)]
pub(super) struct RegressionLine {
    pub(super) intercept: f64,
    pub(super) slope: f64,
}

/// The line that stands before a value of the series, and how it moves on with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningLine {
    pub(super) line: RegressionLine,
    pub(super) mean: f64,
    /// Values seen.
    pub(super) count: f64,
}

impl RunningLine {
    pub(super) fn after_first(y: f64) -> Self {
        Self {
            line: RegressionLine {
                intercept: y,
                slope: 0.0,
            },
            mean: y,
            count: 1.0,
        }
    }

    /// Takes in the next value (equations 13 to 15 of the source).
    pub(super) fn advance(&mut self, y: f64) {
        let i = self.count;
        let slope = ((i - 1.0) * self.line.slope + 6.0 * (y - self.mean) / (i + 1.0)) / (i + 2.0);
        self.mean = (i * self.mean + y) / (i + 1.0);
        self.count = i + 1.0;
        self.line = RegressionLine {
            intercept: self.mean - slope * (i + 2.0) / 2.0,
            slope,
        };
    }
}

/// The regression line of all values.
pub(super) fn whole_line(y: &[f64]) -> RegressionLine {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let centre = f64::midpoint(n, 1.0);
    let product: f64 = y
        .iter()
        .enumerate()
        .map(|(t, value)| ((t + 1) as f64 - centre) * (value - mean))
        .sum();
    let slope = 12.0 * product / (n * (n * n - 1.0));
    RegressionLine {
        intercept: mean - slope * centre,
        slope,
    }
}

/// The parameters that fit best.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThetaEstimate {
    pub(super) variant: Variant,
    pub(super) alpha: f64,
    /// 1 − 1/θ.
    pub(super) weight: f64,
    pub(super) level: f64,
    /// Sum of the squared one-step errors that are scored.
    pub(super) squares: f64,
}

impl ThetaEstimate {
    pub(super) fn find(y: &[f64], variant: Variant) -> Self {
        let lines = lines(y, variant);
        let bound = 2.0 * y.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let at = |alpha: f64| solve(y, &lines, bound, alpha, variant);
        // A rough look at all of α first, then down into the deepest valley.
        let step = (ALPHA.1 - ALPHA.0) / f64::from(LOOKS);
        let looks = (0..=LOOKS).map(|k| at(ALPHA.0 + step * f64::from(k)));
        let Some(rough) = looks.min_by(|a, b| a.squares.total_cmp(&b.squares)) else {
            return at(ALPHA.0);
        };
        let (from, to) = ((rough.alpha - step).max(ALPHA.0), (rough.alpha + step).min(ALPHA.1));
        let (alpha, _) = minimise_line(|alpha| at(alpha).squares, from, to, 1e-7);
        let fine = at(alpha);
        if fine.squares <= rough.squares { fine } else { rough }
    }

    pub(super) fn theta(&self) -> f64 {
        1.0 / (1.0 - self.weight)
    }
}

/// The line before each value from the second on.
fn lines(y: &[f64], variant: Variant) -> Vec<RegressionLine> {
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
pub(super) struct Discount {
    alpha: f64,
    /// (1 − α) to the power of the step.
    power: f64,
}

impl Discount {
    pub(super) fn of_second(alpha: f64) -> Self {
        Self {
            alpha,
            power: 1.0 - alpha,
        }
    }

    pub(super) fn apply(self, line: RegressionLine) -> f64 {
        line.intercept * self.power + line.slope * (1.0 - self.power * (1.0 - self.alpha)) / self.alpha
    }

    pub(super) fn next(self) -> Self {
        Self {
            power: self.power * (1.0 - self.alpha),
            ..self
        }
    }
}

/// Finds the initial level, within ± `bound`, and the weight of the line that leave the least squares for a given α.
fn solve(y: &[f64], lines: &[RegressionLine], bound: f64, alpha: f64, variant: Variant) -> ThetaEstimate {
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
        level = if level.is_nan() {
            y[0] / 2.0
        } else {
            level.clamp(-bound, bound)
        };
        weight = within(rest_drift - level * fade_drift, drift_drift);
    }
    let squares = rest_rest - 2.0 * (level * rest_fade + weight * rest_drift)
        + level * level * fade_fade
        + 2.0 * level * weight * fade_drift
        + weight * weight * drift_drift;
    ThetaEstimate {
        variant,
        alpha,
        weight,
        level,
        squares: squares.max(0.0),
    }
}

/// The weight of theta's upper bound of 10¹⁰.
const MOST_WEIGHT: f64 = 1.0 - 1e-10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates the recursion as the source writes it: the errors of given parameters, one after the other.
    fn errors(y: &[f64], variant: Variant, alpha: f64, theta: f64, level: f64) -> Vec<f64> {
        let keep = 1.0 - alpha;
        let line = whole_line(y);
        let (mut intercept, mut slope) = if variant.is_dynamic() {
            (y[0], 0.0)
        } else {
            (line.intercept, line.slope)
        };
        let (mut smooth, mut mean) = (alpha * y[0] + keep * level, y[0]);
        let mut errors = vec![f64::NAN];
        for (i, &value) in y.iter().enumerate().skip(1) {
            let k = i as f64;
            let line = intercept * keep.powf(k) + slope * (1.0 - keep.powf(k + 1.0)) / alpha;
            errors.push(value - smooth - (1.0 - 1.0 / theta) * line);
            smooth = alpha * value + keep * smooth;
            let before = mean;
            mean = (k * mean + value) / (k + 1.0);
            if variant.is_dynamic() {
                slope = ((k - 1.0) * slope + 6.0 * (value - before) / (k + 1.0)) / (k + 2.0);
                intercept = mean - slope * (k + 2.0) / 2.0;
            }
        }
        errors
    }

    fn series(n: u32) -> Vec<f64> {
        (0..n)
            .map(|t| 20.0 + 0.3 * f64::from(t) + 3.0 * f64::from(t * t % 7) - f64::from(t * 13 % 5))
            .collect()
    }

    fn scored(errors: &[f64]) -> f64 {
        errors[UNSCORED..].iter().map(|e| e * e).sum()
    }

    #[test]
    fn the_estimate_is_a_minimum_of_the_sum_of_squares() {
        let y = series(60);
        for variant in Variant::ALL {
            let found = ThetaEstimate::find(&y, variant);
            let at =
                |alpha: f64, weight: f64, level: f64| scored(&errors(&y, variant, alpha, 1.0 / (1.0 - weight), level));
            let least = at(found.alpha, found.weight, found.level);
            assert!(
                (least - found.squares).abs() < 1e-8 * least,
                "{variant:?}: {least} {found:?}"
            );
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
        assert!(
            (running.line.slope - whole.slope).abs() < 1e-10,
            "{running:?} {whole:?}"
        );
        assert!((running.line.intercept - whole.intercept).abs() < 1e-9);
    }
}
