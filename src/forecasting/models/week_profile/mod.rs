//! `WeekProfile`: the course of the week, repeated around the mean of the last one.
//!
//! The mean of past weeks, each less its own mean, with weights that fade by 0.8 a week; what a day of the week adds to the
//! mean day is smoothed over neighbouring hours, and the table of days by hours is brought to rank 4. Fading means of
//! profiles: the seasonal part of exponential smoothing (Winters 1960), here from all weeks at once; low rank: Eckart and
//! Young (1936). It knows neither the level's course within the last week nor any error, so it errs differently from
//! autoregression and smoothing, which is what a combination lives on.
//!
//! Prediction intervals rest on the errors that it made from earlier ends of the series ([`PastErrors`]).
//!
//! State: m₂ numbers. Cost: n for each forecast, and ten forecasts for a fit. It needs two long seasons.

pub(super) mod profile;

use super::past_errors::PastErrors;
use super::scale::{FitRequest, FitResult, Scale, fit_by_scale};
use super::{Estimate, FitError, Fitted, Forecast, Model, fit_in_one_pass};

const NAME: &str = "WeekProfile";

/// The model with its two season lengths, such as 24 and 168 for hourly data; equal ones are one season.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WeekProfile {
    /// The shorter season, m₁: a day.
    pub(crate) short: usize,
    /// The longer season, m₂: a week.
    pub(crate) long: usize,
}

impl Model for WeekProfile {
    fn fit(&self, y: &[f64]) -> FitResult {
        fit_in_one_pass(self, y)
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<FitResult> {
        let past = FitRequest {
            model: NAME,
            needed: 2 * self.long,
            season: self.short,
            y,
        };
        fit_by_scale(&past, cutoffs, |x, scale, ascending| {
            ascending.iter().map(|&n| self.fit_past(&x[..n], scale)).collect()
        })
    }
}

impl WeekProfile {
    fn fit_past(&self, x: &[f64], scale: Scale) -> FitResult {
        let Self { short, long } = *self;
        let path = profile::path(x, short, long, long).unwrap_or_default();
        let long_enough = |past: &[f64]| past.len() >= long;
        let errors = PastErrors::of(x, short, |past, steps| {
            long_enough(past).then(|| profile::path(past, short, long, steps))?
        });
        match path.iter().all(|value| value.is_finite()) && errors.are_finite() {
            true => Ok(Box::new(ProfileFit { scale, path, errors })),
            false => Err(FitError::NoFit {
                model: NAME,
                why: "its sums are too large".to_owned(),
            }),
        }
    }
}

/// The next week.
#[derive(Debug)]
struct ProfileFit {
    scale: Scale,
    path: Vec<f64>,
    errors: PastErrors,
}

impl Fitted for ProfileFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let path: Vec<f64> = self.path.iter().copied().cycle().take(horizon).collect();
        self.scale.forecast(&path, &self.errors.deviations(horizon), levels)
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        vec![
            ("scale", Estimate::Text(self.scale.description().to_owned())),
            ("profile", Estimate::Numbers(self.path.clone())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::sample;
    use super::*;

    const MODEL: WeekProfile = WeekProfile { short: 24, long: 168 };

    #[test]
    fn a_pure_double_season_is_reproduced() {
        // A day, and a level by the day of the week: of rank 2, and smooth within a day.
        let pure = |t: u32| 100.0 + [3.0, -1.0, -2.0][t as usize % 3] + f64::from(t / 3 % 7);
        let y: Vec<f64> = (0..210).map(|t| pure(t) - 300.0).collect();
        let forecast = WeekProfile { short: 3, long: 21 }.fit(&y).unwrap().forecast(24, &[]);
        for (t, found) in (210..).zip(forecast.mean) {
            let smoothed = [t - 1, t, t + 1].map(|t| f64::from(t / 3 % 7));
            let wanted = pure(t) - f64::from(t / 3 % 7) + 0.1 * (smoothed[0] + smoothed[2]) + 0.8 * smoothed[1] - 300.0;
            assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
        }
    }

    #[test]
    fn a_week_fades_by_a_fifth() {
        let x: Vec<f64> = [[4.0, -4.0], [8.0, -8.0], [1.0, -1.0]].concat();
        let found = profile::profile(&x, 2, 2).unwrap();
        let wanted = (1.0 + 0.8 * 8.0 + 0.64 * 4.0) / 2.44;
        assert!(
            (found[0] - wanted).abs() < 1e-12 && (found[1] + wanted).abs() < 1e-12,
            "{found:?}"
        );
    }

    #[test]
    fn a_factor_passes_through() {
        sample::assert_equivariant(&MODEL);
    }

    #[test]
    fn one_pass_serves_all_cutoffs() {
        sample::assert_one_pass_serves_all(&MODEL);
    }

    #[test]
    fn a_repeated_day_is_repeated() {
        sample::assert_a_day_is_repeated(&MODEL);
    }

    #[test]
    fn hostile_series_do_no_harm() {
        sample::fuzz(&MODEL);
        sample::fuzz(&WeekProfile { short: 5, long: 12 });
        sample::fuzz(&WeekProfile { short: 1, long: 1 });
    }

    #[test]
    fn intervals_widen_and_nest() {
        sample::assert_intervals_widen_and_nest(&MODEL, 60, 1e-12);
    }
}
