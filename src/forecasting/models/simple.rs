//! The models of a series about which little is known: its last value, or its mean.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: principles and practice*, 3rd edition, sections 5.2 and 5.5. They depart
//! from the reference implementation (statsforecast) in one thing: the intervals are those of Student's distribution, since
//! of a handful of values the deviation itself is hardly known. From some thirty values on the two agree.
//! Cost: O(n).
#![expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]

use super::{Estimate, FitError, Fitted, Forecast, Model, check, student};

/// The last value, for every step: the best forecast of a random walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naive;

/// The mean of all values, for every step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoricAverage;

impl Model for Naive {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        check("Naive", y, 2)?;
        let squares: f64 = y.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
        let freedom = y.len() - 1;
        Ok(Box::new(Level {
            value: y[freedom],
            deviation: (squares / freedom as f64).sqrt(),
            freedom,
            growth: Growth::Walk,
        }))
    }
}

impl Model for HistoricAverage {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        check("HistoricAverage", y, 2)?;
        let freedom = y.len() - 1;
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let squares: f64 = y.iter().map(|value| (value - mean).powi(2)).sum();
        Ok(Box::new(Level {
            value: mean,
            deviation: (squares / freedom as f64).sqrt(),
            freedom,
            growth: Growth::Mean { values: y.len() },
        }))
    }
}

/// One value for all steps.
#[derive(Debug)]
struct Level {
    value: f64,
    /// Standard deviation of one step.
    deviation: f64,
    /// Values that it was estimated from, less those that it follows from.
    freedom: usize,
    growth: Growth,
}

/// How the deviation of a forecast depends on the step.
#[derive(Clone, Copy, Debug)]
enum Growth {
    /// The errors of the steps add up.
    Walk,
    /// No step is harder than another; the mean itself is known from so many values only.
    Mean { values: usize },
}

impl Growth {
    fn factor(self, step: usize) -> f64 {
        match self {
            Self::Walk => ((step + 1) as f64).sqrt(),
            Self::Mean { values } => (1.0 + 1.0 / values as f64).sqrt(),
        }
    }
}

impl Fitted for Level {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mean = vec![self.value; horizon];
        let deviation = |step| self.deviation * self.growth.factor(step);
        let deviation: Vec<f64> = (0..horizon).map(deviation).collect();
        let intervals = student::intervals(&mean, &deviation, self.freedom, levels);
        Forecast { mean, intervals }
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        vec![
            ("level", Estimate::Number(self.value)),
            ("sigma", Estimate::Number(self.deviation)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half the width of the interval of 95 % at each of four steps.
    fn reach(model: &dyn Model, y: &[f64]) -> Vec<f64> {
        let forecast = model.fit(y).expect("a fit").forecast(4, &[95.0]);
        let upper = forecast.intervals[0].upper.iter();
        upper.zip(forecast.mean).map(|(upper, mean)| upper - mean).collect()
    }

    #[test]
    fn the_last_value_or_the_mean_goes_on() {
        let y = [1.0, 5.0, 3.0];
        let mean = |model: &dyn Model| model.fit(&y).expect("a fit").forecast(2, &[]).mean;
        assert_eq!(mean(&Naive), [3.0, 3.0]);
        assert_eq!(mean(&HistoricAverage), [3.0, 3.0]);
        assert_eq!(
            HistoricAverage.fit(&[1.0, 2.0]).expect("a fit").forecast(1, &[]).mean,
            [1.5]
        );
    }

    #[test]
    fn intervals_are_wide_where_little_is_known() {
        // Differences 4 and -2: a mean square of 10 with two degrees of freedom, whose quantile is 4.3027.
        let walk = reach(&Naive, &[1.0, 5.0, 3.0]);
        assert!((walk[0] - 4.302_652_73 * 10.0_f64.sqrt()).abs() < 1e-6, "{walk:?}");
        assert!((walk[3] - 2.0 * walk[0]).abs() < 1e-9);
        // A variance of 4, and the mean's own on top.
        let flat = reach(&HistoricAverage, &[1.0, 5.0, 3.0]);
        assert!(
            flat.iter()
                .all(|reach| (reach - 4.302_652_73 * (16.0_f64 / 3.0).sqrt()).abs() < 1e-6)
        );
    }

    #[test]
    fn a_constant_goes_on_without_doubt_and_one_value_says_nothing() {
        for model in [&Naive as &dyn Model, &HistoricAverage] {
            assert_eq!(reach(model, &[0.0; 5]), [0.0; 4]);
            assert!(matches!(model.fit(&[1.0]), Err(FitError::TooShort { needed: 2, .. })));
            assert!(model.fit(&[1.0, f64::NAN]).is_err());
        }
    }
}
