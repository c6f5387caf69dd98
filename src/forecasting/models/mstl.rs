//! MSTL: several seasons taken out of a series one after the other, and the rest forecast by a model without seasons.
//!
//! Source: Bandara, Hyndman and Bergmeir (2021), *MSTL: a seasonal-trend decomposition algorithm for time series with
//! multiple seasonal patterns*, algorithm 1; windows and rounds as in the R package forecast. Each season repeats its
//! last values; intervals are the trend model's, so they know nothing of a season that changes.
//!
//! State: the last season of each length, and the trend model's own. Cost: O(n) a season length for windows of a fixed
//! width, in proportion to the widths; then the trend model's.
//!
//! It departs from the reference (statsforecast) where a season has less than two repetitions: that season is left out,
//! as R does it, and without any the trend model takes the series as it is. The crate augurs has MSTL too, as fast, but
//! in single precision: on a year of hours its forecast is 2e-3 of the level from the reference's, this one 1e-8.
#![expect(clippy::cast_precision_loss, reason = "season lengths are far below 2^52")]

use super::classical::Composition;
use super::ets::{AutoEts, Holt};
use super::stl::Stl;
use super::theta::Theta;
use super::{Estimate, FitError, Fitted, Forecast, Model, check, fit_in_one_pass};
use rayon::prelude::*;

/// A series taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Decomposition {
    /// Season lengths, ascending, each with its component; as long as the series.
    pub(crate) seasons: Vec<(usize, Vec<f64>)>,
    /// What is left once the seasons are taken out: the trend and the remainder.
    pub(crate) adjusted: Vec<f64>,
}

/// Passes over all seasons; one is enough for a single season.
const ROUNDS: usize = 2;

/// Takes a series apart into a season of each length that repeats at least twice, a trend and a remainder.
pub(crate) fn decompose(y: &[f64], season_lengths: &[usize]) -> Decomposition {
    let mut lengths: Vec<usize> = season_lengths
        .iter()
        .copied()
        .filter(|&m| m > 1 && 2 * m <= y.len())
        .collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut trend = y.to_vec();
    let mut adjusted = y.to_vec();
    let mut seasons: Vec<(usize, Vec<f64>)> = lengths.iter().map(|&m| (m, vec![0.0; y.len()])).collect();
    // The longer the season, the fewer of them there are, and the wider the window over them: 11, 15, 19, …
    let windows = (0..).map(|k| 11 + 4 * k);
    let mut steps: Vec<Stl> = lengths
        .iter()
        .zip(windows)
        .map(|(&m, window)| Stl::new(y.len(), m, window))
        .collect();
    for _ in 0..if lengths.len() > 1 { ROUNDS } else { 1 } {
        for (stl, (_, season)) in steps.iter_mut().zip(&mut seasons) {
            adjusted
                .iter_mut()
                .zip(&*season)
                .for_each(|(rest, value)| *rest += value);
            stl.decompose(&adjusted, season, &mut trend);
            adjusted
                .iter_mut()
                .zip(&*season)
                .for_each(|(rest, value)| *rest -= value);
        }
    }
    Decomposition { seasons, adjusted }
}

/// MSTL with a model for what is left once the seasons are taken out.
#[derive(Debug)]
pub(crate) struct Mstl {
    season_lengths: Vec<usize>,
    trend: Box<dyn Model>,
}

impl Mstl {
    /// MSTL with these season lengths, in any order, and a model without seasons.
    pub(crate) fn new(season_lengths: &[usize], trend: Box<dyn Model>) -> Self {
        Self {
            season_lengths: season_lengths.to_vec(),
            trend,
        }
    }

    /// `MSTL_HoltWinters`: with Holt's linear trend.
    pub(crate) fn with_holt(season_lengths: &[usize]) -> Self {
        Self::new(
            season_lengths,
            Box::new(Holt {
                error: Composition::Additive,
            }),
        )
    }

    /// `MSTL_ETS`: with the best exponential smoothing without a season.
    pub(crate) fn with_ets(season_lengths: &[usize]) -> Self {
        Self::new(season_lengths, Box::new(AutoEts::default()))
    }

    /// `MSTL_Theta`: with the dynamic optimised theta model.
    pub(crate) fn with_theta(season_lengths: &[usize]) -> Self {
        Self::new(season_lengths, Box::new(Theta::dynamic_optimized(1)))
    }
}

impl Mstl {
    /// The last season of each length, and what is left of the series without its seasons.
    fn take_apart(&self, y: &[f64]) -> Result<(Vec<Vec<f64>>, Vec<f64>), FitError> {
        check("MSTL", y, 1)?;
        let Decomposition { seasons, adjusted } = decompose(y, &self.season_lengths);
        if adjusted.iter().any(|value| !value.is_finite()) {
            return Err(FitError::NoFit {
                model: "MSTL",
                why: "the decomposition overflows".to_owned(),
            });
        }
        let last = seasons
            .iter()
            .map(|(m, season)| season[season.len() - m..].to_vec())
            .collect();
        Ok((last, adjusted))
    }
}

impl Model for Mstl {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        fit_in_one_pass(self, y)
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<Result<Box<dyn Fitted>, FitError>> {
        let parts: Vec<_> = cutoffs.par_iter().map(|&n| self.take_apart(&y[..n])).collect();
        let adjusted: Vec<&[f64]> = parts
            .iter()
            .flatten()
            .map(|(_, adjusted)| adjusted.as_slice())
            .collect();
        let mut trends = self.trend.fit_each(&adjusted).into_iter();
        let put_together = |part: Result<(Vec<Vec<f64>>, Vec<f64>), FitError>| {
            let (last, _) = part?;
            let trend = trends.next().expect("internal error: a series without a trend")?;
            Ok(Box::new(Reseasoned { last, trend }) as Box<dyn Fitted>)
        };
        parts.into_iter().map(put_together).collect()
    }

    fn fits_together(&self) -> bool {
        self.trend.fits_together()
    }
}

/// A fitted trend, and what to add to its forecasts.
#[derive(Debug)]
struct Reseasoned {
    /// The last season of each length.
    last: Vec<Vec<f64>>,
    trend: Box<dyn Fitted>,
}

impl Fitted for Reseasoned {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mut forecast = self.trend.forecast(horizon, levels);
        let bounds = forecast
            .intervals
            .iter_mut()
            .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
        for values in std::iter::once(&mut forecast.mean).chain(bounds) {
            for season in &self.last {
                values
                    .iter_mut()
                    .zip(season.iter().cycle())
                    .for_each(|(sum, value)| *sum += value);
            }
        }
        forecast
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let lengths = self.last.iter().map(|season| season.len() as f64).collect();
        let mut found = vec![("season_lengths", Estimate::Numbers(lengths))];
        found.extend(self.trend.summary());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::seasonal_naive::SeasonalNaive;
    use super::*;
    use proptest::prelude::*;

    /// A slow wave with a daily and a weekly pattern, of exactly repeating values.
    fn series(n: usize) -> Vec<f64> {
        let daily = |t: usize| [3.0, -1.0, -2.0, 0.0][t % 4];
        let weekly = |t: usize| [1.0, 0.0, 2.0, -3.0, 0.0, 0.5, -0.5, 1.0, -1.0, 0.0, 0.0, 0.0][t % 12];
        (0..n).map(|t| 50.0 + 0.01 * t as f64 + daily(t) + weekly(t)).collect()
    }

    #[test]
    fn the_parts_sum_to_the_series() {
        let y = series(200);
        let parts = decompose(&y, &[12, 4, 4, 1, 150]);
        assert_eq!(parts.seasons.iter().map(|(m, _)| *m).collect::<Vec<_>>(), [4, 12]);
        for t in 0..y.len() {
            let sum: f64 = parts.seasons.iter().map(|(_, season)| season[t]).sum::<f64>() + parts.adjusted[t];
            assert!((sum - y[t]).abs() < 1e-12);
        }
    }

    /// Another implementation, which works in single precision: hence the tolerance of 1e-4 of the level.
    #[test]
    fn the_decomposition_is_that_of_augurs() {
        use augurs::mstl::MSTLModel;
        use augurs::{Fit as _, Predict as _};
        let noise = |t: usize| ((t * 7919 + 13) % 101) as f64 / 101.0 - 0.5;
        let y: Vec<f64> = series(252).iter().enumerate().map(|(t, y)| y + noise(t)).collect();
        let theirs = MSTLModel::naive(vec![4, 12])
            .fit(y.as_slice())
            .expect("fitted by augurs");
        let theirs = theirs.predict(24, None).expect("forecast by augurs").point;
        let naive = Mstl::new(&[4, 12], Box::new(SeasonalNaive { season_length: 1 }));
        let ours = naive.fit(&y).expect("fitted").forecast(24, &[]).mean;
        for (step, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert!((ours - theirs).abs() < 1e-4 * 50.0, "step {step}: {ours} and {theirs}");
        }
    }

    #[test]
    fn two_seasons_on_a_line_are_continued() {
        let y = series(252);
        let fit = Mstl::with_holt(&[4, 12]).fit(&y[..240]).unwrap();
        let forecast = fit.forecast(12, &[95.0]);
        for (h, value) in forecast.mean.iter().enumerate() {
            assert!((value - y[240 + h]).abs() < 0.05, "{h}: {value} is not {}", y[240 + h]);
            assert!(forecast.intervals[0].lower[h] <= *value && *value <= forecast.intervals[0].upper[h]);
        }
    }

    #[test]
    fn without_a_full_season_the_trend_model_stands_alone() {
        let y = series(20);
        let trend = SeasonalNaive { season_length: 1 };
        let model = Mstl::new(&[12], Box::new(trend.clone()));
        assert_eq!(
            model.fit(&y).unwrap().forecast(3, &[80.0]),
            trend.fit(&y).unwrap().forecast(3, &[80.0])
        );
    }

    proptest! {
        #[test]
        fn no_series_makes_it_panic(
            y in prop::collection::vec(prop_oneof![Just(0.0), -1e3..1e3_f64, Just(1e300), 1.0..2.0_f64], 0..40),
            lengths in prop::collection::vec(0..12_usize, 0..3),
        ) {
            for model in [Mstl::with_theta(&lengths), Mstl::with_ets(&lengths)] {
                if let Ok(fit) = model.fit(&y) {
                    prop_assert_eq!(fit.forecast(5, &[80.0]).mean.len(), 5);
                }
            }
        }
    }
}
