//! Holt-Winters' exponential smoothing with a season within a season, and autocorrelated errors.
//!
//! Taylor (2003), Short-term electricity demand forecasting using double seasonal exponential smoothing; additive,
//! without trend, on the [`Scale`] of the series. With `u = x[t] − l − D[t mod m₁] − W[t mod m₂]` and `e = u − φ e₁`, step
//! `t` is `l += α e`, `D += δ e`, `W += ω e`, `e₁ = u`; the forecast `h` steps after it is `l + D + W + φ^h e₁`.
//!
//! The start is read off the first two long seasons: their mean, the mean course of the short season about its own mean,
//! and 0.7 of what the long season adds to that. The smoothing runs over them again and is judged after them.
//!
//! The four parameters are the best of a grid, by a loss close to what the model is for: the absolute errors of the
//! forecasts made m₁ and 2 m₁ steps ahead, of which older ones count for less (0.995 a step). A grid has no local optima
//! and no stopping rule, and *one pass over the series serves every cutoff of a back-test*, since loss and state can be
//! read at each. Taylor minimises squared one-step errors instead, for one cutoff at a time. A grid of five times as many
//! points lowered the error of a combination by 0.5 %; averages over the grid raised it.
//!
//! With `parameters = "average"` all 192 points of another grid forecast, weighted by the 80th power of the inverse of their
//! losses, which forget more slowly (0.998 a step). It is a
//! member of [`HourlyPanel`](super::hourly_panel::HourlyPanel).
//!
//! Prediction intervals are those of a single source of error: the effect of `e` on the forecast `h` steps ahead is
//! α + φ^h, with δ more where m₁ divides `h` and ω more where m₂ does.
//!
//! State: 2 + m₁ + m₂ numbers. Cost: n steps of about 30 operations for each of the 192 points of the grid, which lie
//! side by side in memory so that they run in vector registers.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]

pub(super) mod grid;

use self::grid::{AveragedState, BEST_OF, DoubleSeasonalState, MEAN_OVER, SmoothingGrid, SmoothingParameters};
use super::super::named_enum::named_enum;
use super::scale::{FitRequest, FitResult, Scale, fit_by_scale};
use super::settings::model_settings;
use super::{Estimate, FitError, Fitted, Forecast, Model, fit_in_one_pass};
use crate::engine::spec::schema::Kind;
use crate::engine::spec::schema::Literal::Text;

const NAME: &str = "DoubleSeasonalHoltWinters";

named_enum! {
    /// What is made of the grid of parameters.
    pub(crate) enum GridUse {
        /// The point with the least loss forecasts.
        Best = "best",
        /// All points forecast, those with the least losses counting most.
        Average = "average",
    }
}

model_settings! {
    /// The model with its two season lengths, such as 24 and 168 for hourly data.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct DoubleSeasonalHoltWinters {
        /// The shorter season, m₁.
        short: usize = 24,
        /// The longer season, m₂: at least twice the shorter.
        long: usize = 168,
    }
    "parameters" => parameters: GridUse = Some(Text(GridUse::Best.name())), Kind::Choice(GridUse::NAMES),
        "the smoothing parameters: the best point of a grid, or the average over another one";
}

impl DoubleSeasonalHoltWinters {
    /// Names the two season lengths.
    pub(crate) fn new(short: usize, long: usize) -> Self {
        Self {
            short: short.max(1),
            long: long.max(1),
            ..Self::default()
        }
    }

    /// Reads the grid at each of the ascending cutoffs.
    fn pass(&self, x: &[f64], scale: Scale, cutoffs: &[usize]) -> Vec<FitResult> {
        let start = DoubleSeasonalState::start(x, self.short, self.long);
        let values = match self.parameters {
            GridUse::Best => &BEST_OF,
            GridUse::Average => &MEAN_OVER,
        };
        let mut grid = SmoothingGrid::new(values, &start);
        let mut t = 0;
        let fit = |&n: &usize| -> FitResult {
            while t < n {
                grid.step(t, x[t], t >= 2 * self.long);
                t += 1;
            }
            let mut fit = match self.parameters {
                GridUse::Best => SmoothingFit::new(&start, grid.best(), &x[..n], scale),
                GridUse::Average => {
                    let averaged = grid.averaged(n);
                    // The intervals are those of the smoothing with the mean parameters.
                    let fit = SmoothingFit::new(&start, averaged.parameters, &x[..n], scale);
                    SmoothingFit {
                        averaged: Some(averaged),
                        ..fit
                    }
                }
            };
            fit.averaged = fit.averaged.filter(AveragedState::is_finite);
            if fit.variance.is_finite() && (self.parameters == GridUse::Best || fit.averaged.is_some()) {
                Ok(Box::new(fit))
            } else {
                Err(FitError::NoFit {
                    model: NAME,
                    why: "its errors are too large to be squared".to_owned(),
                })
            }
        };
        cutoffs.iter().map(fit).collect()
    }
}

impl Model for DoubleSeasonalHoltWinters {
    fn fit(&self, y: &[f64]) -> FitResult {
        fit_in_one_pass(self, y)
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<FitResult> {
        if self.long < 2 * self.short {
            let why = format!(
                "the long season ({}) is not twice the short one ({})",
                self.long, self.short
            );
            return cutoffs
                .iter()
                .map(|_| {
                    Err(FitError::NoFit {
                        model: NAME,
                        why: why.clone(),
                    })
                })
                .collect();
        }
        // Two long seasons to start from, and the farthest forecast that the loss looks at.
        let past = FitRequest {
            model: NAME,
            needed: 2 * (self.long + self.short),
            season: self.short,
            y,
        };
        fit_by_scale(&past, cutoffs, |x, scale, ascending| self.pass(x, scale, ascending))
    }
}

/// The smoothing with the best parameters, after its last step.
#[derive(Debug)]
struct SmoothingFit {
    scale: Scale,
    parameters: SmoothingParameters,
    state: DoubleSeasonalState,
    /// How many values were taken in.
    n: usize,
    variance: f64,
    /// The mean over the grid, where that forecasts.
    averaged: Option<AveragedState>,
}

impl SmoothingFit {
    fn new(start: &DoubleSeasonalState, parameters: SmoothingParameters, x: &[f64], scale: Scale) -> Self {
        let mut state = start.clone();
        let judged = 2 * start.weekly.len();
        let mut square = 0.0;
        for (t, &value) in x.iter().enumerate() {
            let surprise = state.step(parameters, t, value);
            if t >= judged {
                square += surprise * surprise;
            }
        }
        let variance = square / (x.len() - judged) as f64;
        Self {
            scale,
            parameters,
            state,
            n: x.len(),
            variance,
            averaged: None,
        }
    }
}

impl Fitted for SmoothingFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let SmoothingParameters {
            alpha,
            delta,
            omega,
            phi,
        } = self.parameters;
        let DoubleSeasonalState {
            level,
            daily,
            weekly,
            error,
        } = &self.state;
        let (short, long) = (daily.len(), weekly.len());
        let (mut path, mut deviations) = (Vec::with_capacity(horizon), Vec::with_capacity(horizon));
        let (mut decay, mut sum) = (1.0, 1.0);
        for h in 1..=horizon {
            decay *= phi;
            let t = self.n + h - 1;
            path.push(level + daily[t % short] + weekly[t % long] + decay * error);
            deviations.push((self.variance * sum).sqrt());
            let season = |length: usize, gain: f64| if h.is_multiple_of(length) { gain } else { 0.0 };
            let weight: f64 = alpha + season(short, delta) + season(long, omega) + decay;
            sum += weight * weight;
        }
        if let Some(averaged) = &self.averaged {
            path = averaged.path(horizon);
        }
        self.scale.forecast(&path, &deviations, levels)
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let SmoothingParameters {
            alpha,
            delta,
            omega,
            phi,
        } = self.parameters;
        vec![
            ("scale", Estimate::Text(self.scale.description().to_owned())),
            ("alpha", Estimate::Number(alpha)),
            ("delta", Estimate::Number(delta)),
            ("omega", Estimate::Number(omega)),
            ("phi", Estimate::Number(phi)),
            ("sigma2", Estimate::Number(self.variance)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::sample;
    use super::*;

    fn model() -> DoubleSeasonalHoltWinters {
        DoubleSeasonalHoltWinters::new(24, 168)
    }

    #[test]
    fn forecasts_are_those_of_a_plain_search_of_the_grid() {
        let fit = model().fit(&sample::hourly(600)).unwrap();
        let found = |name: &str| {
            fit.summary()
                .into_iter()
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        for (name, value) in [("alpha", 0.01), ("delta", 0.03), ("omega", 0.4), ("phi", 0.5)] {
            assert_eq!(found(name), Some(Estimate::Number(value)), "{name}");
        }
        // From a loop over the grid in numpy, one point at a time and every forecast kept until it is judged.
        let figures = [
            179.703_492_894_679_67,
            185.051_299_941_658_2,
            194.664_376_743_802_42,
            196.593_383_957_176_94,
        ];
        let forecast = fit.forecast(48, &[]);
        for (step, figure) in [0, 23, 24, 47].into_iter().zip(figures) {
            assert!(
                (forecast.mean[step] / figure - 1.0).abs() < 1e-9,
                "{} is not {figure}",
                forecast.mean[step]
            );
        }
    }

    #[test]
    fn a_pure_double_season_is_reproduced() {
        // A day with a mean of 0 and a week that does not depend on the hour: what the start tells apart exactly.
        let pure = |t: u32| 100.0 + [3.0, -1.0, -2.0][t as usize % 3] + [5.0, -5.0][t as usize / 3 % 2];
        let y: Vec<f64> = (0..600).map(|t| pure(t) - 200.0).collect();
        let forecast = DoubleSeasonalHoltWinters::new(3, 6).fit(&y).unwrap().forecast(12, &[]);
        for (t, found) in (600..).zip(forecast.mean) {
            assert!(
                (found - pure(t) + 200.0).abs() < 1e-6,
                "{found} is not {}",
                pure(t) - 200.0
            );
        }
    }

    #[test]
    fn one_pass_serves_all_cutoffs() {
        sample::assert_one_pass_serves_all(&model());
    }

    #[test]
    fn a_repeated_day_is_repeated() {
        sample::assert_a_day_is_repeated(&model());
    }

    #[test]
    fn a_factor_passes_through() {
        sample::assert_equivariant(&model());
    }

    #[test]
    fn hostile_series_do_no_harm() {
        sample::fuzz(&model());
        sample::fuzz(&DoubleSeasonalHoltWinters::new(1, 5));
    }

    #[test]
    fn what_cannot_be_fitted_is_reported() {
        let error = model().fit(&[1.0; 383]).err();
        assert_eq!(
            error,
            Some(FitError::TooShort {
                model: NAME,
                needed: 384,
                found: 383
            })
        );
        let error = DoubleSeasonalHoltWinters::new(24, 24).fit(&[1.0; 900]).err();
        assert!(matches!(error, Some(FitError::NoFit { .. })), "{error:?}");
    }

    #[test]
    fn intervals_widen_and_nest() {
        sample::assert_intervals_widen_and_nest(&model(), 48, 0.0);
    }
}
