//! `Analogues`: the next day is a weighted mean of what followed the four stretches most like the last day, at any hour.
//!
//! Forecasting by analogues: Lorenz (1969); Yakowitz (1987), Nearest-neighbour methods for time series analysis. Every end
//! within the series is looked at, not only those a whole number of days ago; the short season before it, less its mean, is
//! compared with the last one by the mean absolute difference, which is halved where whole long seasons lie between. The
//! four nearest are weighted by the inverse square of that, and what followed them, less the mean before, follows on the
//! mean of the last season. The next season is found in the same way, with the forecast as the season before it.
//!
//! [`NearestNeighbours`](super::nearest_neighbours::NearestNeighbours) looks at whole seasons before the end alone, and takes
//! more of them. Days of another hour are worth looking at where a shape moves along the clock, as wind does.
//!
//! Prediction intervals rest on the errors that it made from earlier ends of the series ([`PastErrors`]).
//!
//! State: the series. Cost: n m₁ for each season that is forecast, and 17 seasons for a fit.

pub(super) mod search;

use super::past_errors::PastErrors;
use super::scale::{FitRequest, FitResult, Scale, cut_off, fit_by_scale};
use super::{Estimate, FitError, Fitted, Forecast, Model, fit_in_one_pass};

const NAME: &str = "Analogues";

/// The model with its two season lengths, such as 24 and 168 for hourly data; equal ones are one season.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Analogues {
    /// The shorter season, m₁: what is compared, and forecast, as a whole.
    pub(crate) short: usize,
    /// The longer season, m₂: whole ones apart, ends count as more alike.
    pub(crate) long: usize,
}

impl Model for Analogues {
    fn fit(&self, y: &[f64]) -> FitResult {
        fit_in_one_pass(self, y)
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<FitResult> {
        let past = FitRequest {
            model: NAME,
            needed: self.long + 2 * self.short,
            season: self.short,
            y,
        };
        fit_by_scale(&past, cutoffs, |x, scale, ascending| {
            ascending.iter().map(|&n| self.fit_past(&x[..n], scale)).collect()
        })
    }
}

impl Analogues {
    fn fit_past(&self, x: &[f64], scale: Scale) -> FitResult {
        let Self { short, long } = *self;
        // Divided so that sums of values beyond 1e300 are numbers.
        let unit = match scale {
            Scale::Log => 1.0,
            Scale::Raw => x.iter().fold(0.0_f64, |most, value| most.max(value.abs())),
        };
        let x: Vec<f64> = x.iter().map(|value| value / unit).collect();
        let errors = PastErrors::of(&x, short, |past, steps| search::path(past, short, long, steps));
        match errors.are_finite() && x.iter().all(|value| value.is_finite()) {
            true => Ok(Box::new(AnaloguesFit {
                scale,
                unit,
                seasons: (short, long),
                bounds: cut_off(&x),
                x,
                errors,
            })),
            false => Err(FitError::NoFit {
                model: NAME,
                why: "its values are too large".to_owned(),
            }),
        }
    }
}

/// A series, ready to be searched.
#[derive(Debug)]
struct AnaloguesFit {
    scale: Scale,
    unit: f64,
    seasons: (usize, usize),
    x: Vec<f64>,
    /// Where forecasts are cut off.
    bounds: [f64; 2],
    errors: PastErrors,
}

impl Fitted for AnaloguesFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let (short, long) = self.seasons;
        let [low, high] = self.bounds;
        let undo = |value: f64| (value * self.unit).clamp(-f64::MAX, f64::MAX);
        let path = search::path(&self.x, short, long, horizon).unwrap_or_default();
        let path: Vec<f64> = path.iter().map(|value| undo(value.clamp(low, high))).collect();
        let deviations: Vec<f64> = self.errors.deviations(horizon).into_iter().map(undo).collect();
        self.scale.forecast(&path, &deviations, levels)
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let (short, long) = self.seasons;
        let nearest = search::nearest(&self.x, short, long);
        let numbers = |of: &dyn Fn(&search::Analogue) -> f64| Estimate::Numbers(nearest.iter().map(of).collect());
        vec![
            ("scale", Estimate::Text(self.scale.description().to_owned())),
            (
                "steps_back",
                numbers(&|one| f64::from(u32::try_from(self.x.len() - one.end).unwrap_or(u32::MAX))),
            ),
            ("weights", numbers(&|one| one.weight)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::sample;
    use super::*;

    const MODEL: Analogues = Analogues { short: 24, long: 168 };

    #[test]
    fn a_stretch_that_was_seen_before_goes_on_as_it_did_at_any_hour() {
        // What follows 5, 9, 7 was 1, 2, 3, at another hour and on another level; all else is far from it.
        let x = [
            0.0, 3.0, 1.0, 2.0, 5.0, 9.0, 7.0, 1.0, 2.0, 3.0, 4.0, 0.0, 6.0, 2.0, 15.0, 19.0, 17.0,
        ];
        let path = search::path(&x, 3, 6, 3).unwrap();
        for (found, wanted) in path.iter().zip([11.0, 12.0, 13.0]) {
            assert!((found - wanted).abs() < 1e-9, "{path:?}");
        }
    }

    #[test]
    fn a_forecast_does_not_depend_on_how_far_it_goes() {
        let fit = MODEL.fit(&sample::hourly(600)).unwrap();
        assert_eq!(fit.forecast(100, &[95.0]).mean[..30], fit.forecast(30, &[95.0]).mean);
    }

    #[test]
    fn a_pure_double_season_is_reproduced() {
        let y: Vec<f64> = (0..700).map(sample::double_season).collect();
        let forecast = MODEL.fit(&y).unwrap().forecast(48, &[]);
        for (t, found) in (700..).zip(forecast.mean) {
            assert!((found / sample::double_season(t) - 1.0).abs() < 1e-9, "{found}");
        }
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
        sample::fuzz(&Analogues { short: 3, long: 5 });
        sample::fuzz(&Analogues { short: 1, long: 1 });
    }

    #[test]
    fn intervals_widen_and_nest() {
        sample::assert_intervals_widen_and_nest(&MODEL, 60, 1e-12);
    }
}
