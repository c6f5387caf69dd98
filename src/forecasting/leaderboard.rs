//! The leaderboard: how each model did in the back-test, the best first.
//!
//! Each metric is computed by window and series; its mean is over all of them. The standard deviation of the RMSE is the
//! sample's, over the windows' means. A model that failed on some windows is listed with the reason, and ranks after all
//! that did not; one that failed on all has no rank. Several series have the lines over all of them first, then those of
//! each. What will be forecast is always the first line: the best model, or the line of the ensemble, which has no rank. At
//! the end stand the series that are not forecast like the others, each with the reason.

use std::cmp::Ordering;

use super::metrics;
use super::models::Forecast;
use super::table::ParquetTable;
use super::weighting::Score;
use crate::engine::task::{Context, TaskError};

/// What stands in the place of the model of a series that none forecasts.
pub(crate) const NO_MODEL: &str = "none";

/// How a model did on one window of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowScore {
    /// Root mean squared error, in units of the series.
    pub(crate) rmse: f64,
    /// Mean absolute error, in units of the series.
    pub(crate) mae: f64,
    /// Mean absolute percentage error; undefined if a value is zero.
    pub(crate) mape: Option<f64>,
    /// Symmetric mean absolute percentage error, 0 to 200.
    pub(crate) smape: f64,
    /// Mean absolute scaled error; undefined if the past repeats its season exactly.
    pub(crate) mase: Option<f64>,
    /// Continuous ranked probability score from the median and the bounds, in units of the series.
    pub(crate) crps: Option<f64>,
    /// By level: share of the values inside the interval, in percent.
    pub(crate) coverage: Vec<f64>,
    /// By level: mean width of the interval, in units of the series.
    pub(crate) width: Vec<f64>,
    /// By level: mean scaled interval score; undefined as MASE is.
    pub(crate) msis: Vec<Option<f64>>,
}

impl WindowScore {
    /// Compares a forecast with what happened; `past` ends at the cutoff, and `season` scales its differences.
    #[must_use]
    pub(crate) fn of(past: &[f64], actual: &[f64], forecast: &Forecast, season: usize) -> Self {
        let scale = metrics::seasonal_scale(past, season);
        let mut quantiles: Vec<(f64, &[f64])> = vec![(0.5, &forecast.mean)];
        for interval in &forecast.intervals {
            let tail = (1.0 - interval.level / 100.0) / 2.0;
            quantiles.push((tail, &interval.lower));
            quantiles.push((1.0 - tail, &interval.upper));
        }
        let by_level = || forecast.intervals.iter();
        Self {
            rmse: metrics::rmse(actual, &forecast.mean),
            mae: metrics::mae(actual, &forecast.mean),
            mape: metrics::mape(actual, &forecast.mean),
            smape: metrics::smape(actual, &forecast.mean),
            mase: scale.map(|scale| metrics::mase(actual, &forecast.mean, scale)),
            crps: metrics::crps(actual, &quantiles),
            coverage: by_level()
                .map(|i| metrics::coverage(actual, &i.lower, &i.upper))
                .collect(),
            width: by_level().map(|i| metrics::mean_width(&i.lower, &i.upper)).collect(),
            msis: by_level()
                .map(|i| Some(metrics::msis(actual, &i.lower, &i.upper, i.level, scale?)))
                .collect(),
        }
    }
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct LeaderboardLine {
    /// The series that it is about; `None` for all of them together.
    pub(crate) unique_id: Option<String>,
    /// The model; empty for a series that none forecasts.
    pub(crate) model: String,
    /// How it did on each of those series.
    pub(crate) series: Vec<Scored>,
    /// 1 for the best; `None` if it failed everywhere, and for a combination of models.
    pub(crate) rank: Option<u32>,
}

/// How a model did on one series.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    /// Its scores by window; `None` where it failed.
    pub(crate) windows: Vec<Option<WindowScore>>,
    /// The first failure.
    pub(crate) reason: Option<String>,
}

impl LeaderboardLine {
    /// The line of one of its series alone.
    #[must_use]
    pub(crate) fn of(&self, at: usize, unique_id: &str) -> Self {
        Self {
            unique_id: Some(unique_id.to_owned()),
            model: self.model.clone(),
            series: vec![self.series[at].clone()],
            rank: None,
        }
    }

    /// The model's name, or that of none.
    fn name(&self) -> &str {
        match self.model.as_str() {
            "" => NO_MODEL,
            model => model,
        }
    }

    /// Whether its model, or one that is combined, is one of these.
    fn is_of(&self, models: &[&str]) -> bool {
        let mut names = self.model.split(['(', ')', ',', ' ']);
        names.any(|name| models.contains(&name))
    }

    /// The first failure.
    #[must_use]
    pub(crate) fn reason(&self) -> Option<&str> {
        self.series.iter().find_map(|series| series.reason.as_deref())
    }

    /// On how many series it failed on the last window, the one most like the forecast to come.
    #[must_use]
    pub(crate) fn failed_last(&self) -> usize {
        let failed = |series: &&Scored| series.windows.last().is_none_or(Option::is_none);
        self.series.iter().filter(failed).count()
    }

    fn all(&self) -> impl Iterator<Item = &WindowScore> {
        self.series.iter().flat_map(|series| &series.windows).flatten()
    }

    /// Mean of a metric over all windows and series where it is defined.
    fn mean(&self, metric: impl Fn(&WindowScore) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.all().filter_map(metric).collect();
        (!values.is_empty()).then(|| metrics::mean(&values))
    }

    /// Sample standard deviation of the RMSE over windows, each the mean over the series.
    fn rmse_std(&self) -> Option<f64> {
        let windows = self.series.iter().map(|series| series.windows.len()).max().unwrap_or(0);
        let of_window = |window: usize| {
            let at = |series: &Scored| Some(series.windows.get(window)?.as_ref()?.rmse);
            let values: Vec<f64> = self.series.iter().filter_map(at).collect();
            (!values.is_empty()).then(|| metrics::mean(&values))
        };
        metrics::sample_std(&(0..windows).filter_map(of_window).collect::<Vec<_>>())
    }

    fn failed(&self) -> usize {
        let windows = self.series.iter().flat_map(|series| &series.windows);
        windows.filter(|score| score.is_none()).count()
    }

    /// The error that ranks it; `units` makes series comparable.
    fn error(&self, score: Score, units: &[f64]) -> Option<f64> {
        let of = |window: &WindowScore, unit: f64| match score {
            Score::Rmse => window.rmse / unit,
            Score::Mae => window.mae / unit,
            Score::Smape => window.smape,
        };
        let by_series = self.series.iter().zip(units);
        let values: Vec<f64> = by_series
            .flat_map(|(series, unit)| series.windows.iter().flatten().map(move |window| of(window, *unit)))
            .collect();
        (!values.is_empty()).then(|| metrics::mean(&values))
    }
}

/// Ranks the lines and sorts them; `units` has one entry a series, by which errors are divided.
///
/// Failures on last windows count first, then those on any, then the mean of `score`, then the order of the lines.
pub(crate) fn rank(lines: &mut [LeaderboardLine], score: Score, units: &[f64]) {
    let error = |line: &LeaderboardLine| line.error(score, units);
    let failures = |line: &LeaderboardLine| (line.failed_last(), line.failed());
    lines.sort_by(|a, b| match (error(a), error(b)) {
        (Some(first), Some(second)) => failures(a).cmp(&failures(b)).then(first.total_cmp(&second)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    for (rank, line) in (1..).zip(lines) {
        line.rank = error(line).map(|_| rank);
    }
}

/// What is known ahead, and who uses it.
pub(crate) struct KnownUse<'a> {
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// The names of the models that get them.
    pub(crate) models: Vec<&'a str>,
}

/// Writes the lines as the artifact `name`; where something is known ahead, with a column that says which models used it.
///
/// # Errors
/// [`TaskError`] if the file cannot be written.
pub(crate) fn write(
    context: &Context<'_>,
    name: &str,
    lines: &[&LeaderboardLine],
    levels: &[f64],
    known: Option<&KnownUse<'_>>,
) -> Result<(), TaskError> {
    let column = |metric: fn(&WindowScore) -> Option<f64>| lines.iter().map(move |line| line.mean(metric));
    let count = |count: usize| Some(u32::try_from(count).unwrap_or(u32::MAX));
    let mut table = ParquetTable::default()
        .texts("unique_id", lines.iter().map(|line| line.unique_id.as_deref()))
        .texts("model", lines.iter().map(|line| Some(line.name())))
        .numbers("rmse_mean", column(|window| Some(window.rmse)))
        .numbers("rmse_std", lines.iter().map(|line| line.rmse_std()))
        .numbers("mae_mean", column(|window| Some(window.mae)))
        .numbers("mape_mean", column(|window| window.mape))
        .numbers("smape_mean", column(|window| Some(window.smape)))
        .numbers("mase_mean", column(|window| window.mase))
        .numbers("crps_mean", column(|window| window.crps));
    for (at, level) in levels.iter().enumerate() {
        let name = |metric: &str| match levels {
            [_] => format!("{metric}_mean"),
            _ => format!("{metric}_mean-{level}"),
        };
        table = table
            .numbers(
                &name("coverage"),
                lines.iter().map(|line| line.mean(|window| Some(window.coverage[at]))),
            )
            .numbers(
                &name("width"),
                lines.iter().map(|line| line.mean(|window| Some(window.width[at]))),
            )
            .numbers(
                &name("msis"),
                lines.iter().map(|line| line.mean(|window| window.msis[at])),
            );
    }
    table = table
        .counts("windows", lines.iter().map(|line| count(line.all().count())))
        .counts("failed", lines.iter().map(|line| count(line.failed())))
        .texts("reason", lines.iter().map(|line| line.reason()))
        .counts("rank", lines.iter().map(|line| line.rank));
    if let Some(known) = known {
        let columns = known.columns.join(", ");
        let of_line = |line: &&LeaderboardLine| line.is_of(&known.models).then_some(columns.as_str());
        table = table.texts("known", lines.iter().map(of_line));
    }
    table.write(context, name)
}
