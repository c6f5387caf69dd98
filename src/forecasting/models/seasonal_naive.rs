//! The seasonal naive model: each step repeats the value one season earlier.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: principles and practice*, 3rd edition, sections 5.2 and 5.5.
//! State: the last season. Cost: O(n), not depending on the season's length. It departs from the reference
//! implementation (statsforecast) in nothing.
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::normal;
use super::{Estimate, FitError, Fitted, Forecast, Model, check};

const NAME: &str = "SeasonalNaive";

/// The seasonal naive model with its season length; 1 makes it the naive model, the random walk's best forecast.
#[derive(Clone, Debug)]
pub(crate) struct SeasonalNaive {
    /// Steps in a season, at least 1.
    pub(crate) season_length: usize,
}

impl Model for SeasonalNaive {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        let season = self.season_length.max(1);
        // One full season to repeat, and one error to know how far it goes wrong.
        check(NAME, y, season + 1)?;
        let squares: f64 = y
            .iter()
            .zip(&y[season..])
            .map(|(before, now)| (now - before).powi(2))
            .sum();
        Ok(Box::new(LastSeason {
            values: y[y.len() - season..].to_vec(),
            deviation: (squares / (y.len() - season) as f64).sqrt(),
        }))
    }
}

/// The last season of a series, to be repeated.
#[derive(Debug)]
struct LastSeason {
    values: Vec<f64>,
    /// Root mean square of the one-season differences.
    deviation: f64,
}

impl Fitted for LastSeason {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mean: Vec<f64> = self.values.iter().copied().cycle().take(horizon).collect();
        // A season ahead, the error of the season before comes on top.
        let at = |step: usize| self.deviation * ((step / self.values.len() + 1) as f64).sqrt();
        let deviation: Vec<f64> = (0..horizon).map(at).collect();
        let intervals = normal::intervals(&mean, &deviation, levels);
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        vec![
            ("season_length", Estimate::Number(self.values.len() as f64)),
            ("sigma", Estimate::Number(self.deviation)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(season_length: usize, y: &[f64]) -> Box<dyn Fitted> {
        SeasonalNaive { season_length }.fit(y).unwrap()
    }

    #[test]
    fn the_last_season_is_repeated() {
        let forecast = fit(3, &[9.0, 9.0, 9.0, 1.0, 2.0, 4.0]).forecast(7, &[]);
        assert_eq!(forecast.mean, [1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 1.0]);
    }

    #[test]
    fn intervals_widen_from_season_to_season() {
        let forecast = fit(2, &[1.0, 5.0, 2.0, 7.0, 4.0, 6.0]).forecast(6, &[95.0]);
        // Differences 1, 2, 2, -1: a mean square of 2.5.
        let width = |step: usize| forecast.intervals[0].upper[step] - forecast.mean[step];
        for (step, seasons) in [(0, 1.0), (1, 1.0), (2, 2.0), (5, 3.0)] {
            let expected = 1.959_963_984_540_054 * (2.5_f64 * seasons).sqrt();
            assert!((width(step) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_series_of_one_season_is_too_short() {
        let error = SeasonalNaive { season_length: 3 }.fit(&[1.0, 2.0, 3.0]).err();
        assert_eq!(
            error,
            Some(FitError::TooShort {
                model: NAME,
                needed: 4,
                found: 3
            })
        );
    }
}
