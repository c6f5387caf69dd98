//! `NearestNeighbours`: the next season is a weighted mean of what followed the seasons most like the last one.
//!
//! Forecasting by analogues: Lorenz (1969); Yakowitz (1987), Nearest-neighbour methods for time series analysis. With `x`
//! the series on its [`Scale`], whole seasons of length m₁ are counted back from its end, so that all begin at the same
//! hour. For a cutoff and each earlier season's end:
//!
//! 1. The *level* is the mean of the season before it; what went before and what followed are taken relative to it, so
//!    that a season of another level can be like this one.
//! 2. The distance of two ends is the mean absolute difference of the seasons before them, halved where whole long
//!    seasons m₂ lie between them: the same weekday is believed to be more alike than it looks.
//! 3. The K = ⌈√(N/2)⌉ nearest of the N are weighted by the inverse square of their distances, and their mean, on the
//!    level of the cutoff, is the next season. The season after that is found in the same way, with the forecast as the
//!    season before it, so a forecast does not depend on how far it goes.
//!
//! It fits no coefficients and assumes no linearity, so it errs differently from autoregression and smoothing, which is
//! what a combination lives on. On 207 hourly series of the M4 competition the weighted mean of both lag regressions and
//! double seasonal smoothing had 0.986 ± 0.003 of its error with this model added, at six cutoffs within the training part,
//! and 1.006 on the test part, where the days were less like those before. On five weekly windows of a year of hourly
//! generation its RMSE was 10,274 where the regressions had 13,070 and more, in less time than either.
//!
//! What was tried at the same cutoffs: √N neighbours, distances over two days, and two days forecast from one search were no
//! better by more than the noise; distances over a week, the level of a week, equal regard for all weekdays, and the errors
//! of a lag regression in the place of the values were worse, as was a kernel regression on the lags.
//!
//! Prediction intervals rest on the errors that the same search made for each of the last [`JUDGED`] seasons with that
//! season itself left out: their mean square at each step, and from season to season the mean square of the level's error
//! more; the deviation never shrinks with the step.
//!
//! State: the series. Cost: N m₁ for each season that is forecast, and as often as [`JUDGED`] for a fit.

#![expect(clippy::cast_precision_loss, reason = "a series is far shorter than 2^52")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a square root of a count is a count"
)]

use super::combine::Combination;
use super::scale::{FitRequest, FitResult, Scale, cut_off, fit_by_scale};
use super::{Estimate, Fitted, Forecast, Model, fit_in_one_pass};

const NAME: &str = "NearestNeighbours";

/// Of how many seasons, the last ones, the errors make up the prediction intervals.
pub(crate) const JUDGED: usize = 200;

/// The model with its two season lengths, such as 24 and 168 for hourly data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NearestNeighbours {
    /// The shorter season, m₁: what is compared, and forecast, as a whole.
    pub(crate) short: usize,
    /// The longer season, m₂: whole ones apart, seasons count as more alike.
    pub(crate) long: usize,
}

impl NearestNeighbours {
    /// Names the two season lengths.
    pub(crate) fn new(short: usize, long: usize) -> Self {
        Self {
            short: short.max(1),
            long: long.max(1),
        }
    }
}

impl Model for NearestNeighbours {
    fn fit(&self, y: &[f64]) -> FitResult {
        fit_in_one_pass(self, y)
    }

    fn fit_at(&self, y: &[f64], cutoffs: &[usize]) -> Vec<FitResult> {
        // Two long seasons, so that a neighbour may lie one apart; and two to choose from where there is but one length.
        let past = FitRequest {
            model: NAME,
            needed: 2 * self.long.max(self.short) + 2 * self.short,
            season: self.short,
            y,
        };
        fit_by_scale(&past, cutoffs, |x, scale, ascending| {
            let fit = |&n: &usize| -> FitResult { Ok(Box::new(NeighboursFit::new(self, &x[..n], scale))) };
            ascending.iter().map(fit).collect()
        })
    }
}

/// The end of a season with what followed it.
#[derive(Debug)]
struct SeasonEnd {
    /// How many values lie before it.
    at: usize,
    /// The season before it, less its mean.
    before: Vec<f64>,
    /// The season after it, less the mean of the one before.
    after: Vec<f64>,
}

/// A season's neighbours: positions among the ends, with their weights.
type Neighbours = Vec<(usize, f64)>;

/// The seasons of a past, ready to be searched.
#[derive(Debug)]
struct NeighboursFit {
    scale: Scale,
    short: usize,
    long: usize,
    /// What the values are divided by, so that none is beyond 1 where they are not logarithms.
    unit: f64,
    /// How many values there are.
    n: usize,
    /// The last season.
    last: Vec<f64>,
    /// Every end that a whole season follows, the oldest first.
    ends: Vec<SeasonEnd>,
    /// Where forecasts are cut off.
    bounds: [f64; 2],
    /// The mean squares of the errors at each step of a season.
    squares: Vec<f64>,
    /// The mean square of the error of a season's mean.
    level_square: f64,
}

impl NeighboursFit {
    fn new(model: &NearestNeighbours, x: &[f64], scale: Scale) -> Self {
        let (short, n) = (model.short, x.len());
        let unit = match scale {
            Scale::Log => 1.0,
            Scale::Raw => x.iter().fold(0.0_f64, |most, value| most.max(value.abs())),
        };
        let x: Vec<f64> = x.iter().map(|value| value / unit).collect();
        let end = |at: usize| {
            let level = mean(&x[at - short..at]);
            let less = |values: &[f64]| values.iter().map(|value| value - level).collect();
            SeasonEnd {
                at,
                before: less(&x[at - short..at]),
                after: less(&x[at..at + short]),
            }
        };
        let mut fit = Self {
            scale,
            short,
            long: model.long,
            unit,
            n,
            last: x[n - short..].to_vec(),
            ends: (1..n / short).rev().map(|seasons| end(n - seasons * short)).collect(),
            bounds: cut_off(&x),
            squares: vec![0.0; short],
            level_square: 0.0,
        };
        fit.judge();
        fit
    }

    /// Searches for the neighbours of each of the last seasons among the others, and keeps the errors.
    fn judge(&mut self) {
        let judged = self.ends.len().saturating_sub(JUDGED)..self.ends.len();
        let share = 1.0 / judged.len() as f64;
        let (mut squares, mut level_square) = (vec![0.0; self.short], 0.0);
        for left_out in judged {
            let end = &self.ends[left_out];
            let course = self.course(&self.neighbours(end.at, &end.before, Some(left_out)));
            let errors: Vec<f64> = end.after.iter().zip(&course).map(|(y, f)| y - f).collect();
            for (square, error) in squares.iter_mut().zip(&errors) {
                *square += share * error * error;
            }
            level_square += share * mean(&errors).powi(2);
        }
        (self.squares, self.level_square) = (squares, level_square);
    }

    /// The ends most like one at `at` after the season `before`.
    fn neighbours(&self, at: usize, before: &[f64], left_out: Option<usize>) -> Neighbours {
        let distance = |end: &SeasonEnd| {
            let apart = before.iter().zip(&end.before).map(|(a, b)| (a - b).abs()).sum::<f64>();
            let alike = at.abs_diff(end.at).is_multiple_of(self.long);
            if alike { apart / 2.0 } else { apart }
        };
        let mut found: Vec<(usize, f64)> = self
            .ends
            .iter()
            .enumerate()
            .filter(|&(i, _)| Some(i) != left_out)
            .map(|(i, end)| (i, distance(end)))
            .collect();
        let wanted = (found.len() as f64 / 2.0).sqrt().ceil() as usize;
        if wanted < found.len() {
            found.select_nth_unstable_by(wanted, |a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            found.truncate(wanted);
        }
        // In the order of time, so that sums do not depend on how the selection left them.
        found.sort_unstable_by_key(|&(i, _)| i);
        match Combination::inverse_square(&found) {
            Some(Combination::Weighted(members)) => members.iter().map(|one| (one.model, one.weight)).collect(),
            Some(Combination::Median(_)) | None => Neighbours::new(),
        }
    }

    /// The weighted mean of what followed some ends.
    fn course(&self, neighbours: &Neighbours) -> Vec<f64> {
        let mut course = vec![0.0; self.short];
        for &(i, weight) in neighbours {
            for (sum, value) in course.iter_mut().zip(&self.ends[i].after) {
                *sum += weight * value;
            }
        }
        course
    }

    /// The neighbours of the end of the series, and of `seasons` − 1 forecast ends after it; and the path that follows.
    fn path(&self, seasons: usize) -> (Vec<Neighbours>, Vec<f64>) {
        let (mut all, mut path) = (Vec::new(), Vec::new());
        let mut before = self.last.clone();
        for season in 0..seasons {
            let level = mean(&before);
            for value in &mut before {
                *value -= level;
            }
            let found = self.neighbours(self.n + season * self.short, &before, None);
            before = self.course(&found).iter().map(|value| level + value).collect();
            path.extend(&before);
            all.push(found);
        }
        (all, path)
    }

    /// The standard deviation of the error at each step.
    fn deviations(&self, horizon: usize) -> Vec<f64> {
        let square = |h: usize| self.squares[h % self.short] + (h / self.short) as f64 * self.level_square;
        let mut most = 0.0_f64;
        (0..horizon)
            .map(|h| {
                most = most.max(square(h).sqrt());
                most
            })
            .collect()
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

impl Fitted for NeighboursFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let [low, high] = self.bounds;
        let (_, path) = self.path(horizon.div_ceil(self.short));
        let undo = |value: f64| (value * self.unit).clamp(-f64::MAX, f64::MAX);
        let path: Vec<f64> = path[..horizon].iter().map(|x| undo(x.clamp(low, high))).collect();
        let deviations: Vec<f64> = self.deviations(horizon).iter().map(|s| undo(*s)).collect();
        self.scale.forecast(&path, &deviations, levels)
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        let (found, _) = self.path(1);
        let back = |&(i, _): &(usize, f64)| ((self.n - self.ends[i].at) / self.short) as f64;
        vec![
            ("scale", Estimate::Text(self.scale.description().to_owned())),
            ("seasons", Estimate::Number(self.ends.len() as f64)),
            ("seasons_back", Estimate::Numbers(found[0].iter().map(back).collect())),
            (
                "weights",
                Estimate::Numbers(found[0].iter().map(|&(_, weight)| weight).collect()),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::FitError;
    use super::super::scale::sample;
    use super::*;

    fn model() -> NearestNeighbours {
        NearestNeighbours::new(24, 168)
    }

    #[test]
    fn forecasts_are_those_of_a_plain_search() {
        // From the definition above in numpy.
        let figures = [
            183.845_891_192_399_62,
            184.061_283_636_630_6,
            195.830_681_947_609_12,
            196.604_156_627_630_54,
        ];
        sample::assert_steps(&model(), figures);
    }

    #[test]
    fn a_day_that_was_seen_before_goes_on_as_it_did() {
        // Days of three kinds in no order that a week explains, of which the first was always followed by the second.
        let day = |kind: u32| (0..4).map(move |hour| f64::from(10 + [hour, 3 - hour, hour % 2][kind as usize]));
        let y: Vec<f64> = [0, 1, 2, 2, 1, 0, 1, 1, 2, 0, 1, 0].into_iter().flat_map(day).collect();
        let fit = NearestNeighbours::new(4, 8).fit(&y).unwrap();
        let forecast = fit.forecast(4, &[]);
        for (found, wanted) in forecast.mean.iter().zip(day(1)) {
            assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
        }
    }

    #[test]
    fn a_forecast_does_not_depend_on_how_far_it_goes() {
        let fit = model().fit(&sample::hourly(600)).unwrap();
        assert_eq!(fit.forecast(100, &[95.0]).mean[..30], fit.forecast(30, &[95.0]).mean);
    }

    #[test]
    fn a_pure_double_season_is_reproduced() {
        let y: Vec<f64> = (0..700).map(sample::double_season).collect();
        let forecast = model().fit(&y).unwrap().forecast(48, &[]);
        for (t, found) in (700..).zip(forecast.mean) {
            assert!(
                (found / sample::double_season(t) - 1.0).abs() < 1e-9,
                "{found} is not {}",
                sample::double_season(t)
            );
        }
    }

    #[test]
    fn each_cutoff_is_fitted_on_its_own_past() {
        let mut y = sample::hourly(620);
        y[560] = -1.0;
        let cutoffs = [600, 430, 560, 20, 620, 561];
        for (fit, n) in model().fit_at(&y, &cutoffs).into_iter().zip(cutoffs) {
            let content = |fit: FitResult| fit.map(|fit| (fit.forecast(48, &[50.0, 95.0]), fit.summary()));
            assert_eq!(content(fit), content(model().fit(&y[..n])), "at {n}");
        }
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
        sample::fuzz(&NearestNeighbours::new(3, 5));
        sample::fuzz(&NearestNeighbours::new(1, 1));
    }

    #[test]
    fn a_short_series_is_reported() {
        let error = model().fit(&[1.0; 383]).err();
        assert_eq!(
            error,
            Some(FitError::TooShort {
                model: NAME,
                needed: 384,
                found: 383
            })
        );
    }

    #[test]
    fn intervals_widen_and_nest() {
        sample::assert_intervals_widen_and_nest(&model(), 60, 1e-12);
    }
}
