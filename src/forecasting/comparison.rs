//! A back-test that is done: its table, its leaderboard, and the choice that follows from it.

use std::collections::BTreeMap;

use super::backtest::Outcomes;
use super::choice::{self, Backtest, Tested};
use super::leaderboard::{self, Line, WindowScore};
use super::metrics;
use super::models::combine::{self, Combination};
use super::models::conformal::Conformal;
use super::models::{Finding, Forecast};
use super::piece::Candidate;
use super::roster;
use super::selection::{Chosen, Selection};
use super::series::Series;
use super::table::Table;
use super::train::Setup;
use crate::engine::task::{Context, TaskError};

/// A back-test that is done.
pub(super) struct Compared<'a> {
    /// The back-test's parameters.
    pub(super) setup: Setup,
    /// Lengths of the seasons, the shortest first.
    pub(super) seasons: Vec<usize>,
    /// The series and the cutoffs of their windows.
    pub(super) series: &'a [(&'a Series, Vec<usize>)],
    /// The models.
    pub(super) candidates: &'a [Candidate],
    /// By candidate, series and window.
    pub(super) outcomes: Vec<Vec<Outcomes>>,
}

impl Compared<'_> {
    fn season(&self) -> usize {
        self.seasons.first().copied().unwrap_or(1)
    }

    fn actual(&self, at: usize, window: usize) -> &[f64] {
        let (series, cutoffs) = &self.series[at];
        &series.y[cutoffs[window]..cutoffs[window] + self.setup.windows.horizon]
    }

    /// The lines of the leaderboard, ranked.
    pub(super) fn lines(&self) -> Result<Vec<Line>, TaskError> {
        let mut lines: Vec<Line> = (0..self.candidates.len())
            .map(|candidate| self.line(candidate))
            .collect();
        leaderboard::rank(&mut lines, self.setup.score, &self.units());
        if lines.first().is_some_and(|line| line.rank.is_some()) {
            return Ok(lines);
        }
        let told = lines
            .iter()
            .filter_map(|line| line.reason.clone().map(|reason| (line, reason)));
        let error = TaskError::new("no model could forecast any window");
        Err(told.fold(error, |error, (line, reason)| {
            error.note(format!("`{}`: {reason}", line.model))
        }))
    }

    /// By series: what its errors are divided by, so that several can be averaged.
    fn units(&self) -> Vec<f64> {
        let unit = |(series, cutoffs): &(&Series, Vec<usize>)| {
            let past = &series.y[..cutoffs[cutoffs.len() - 1]];
            metrics::seasonal_scale(past, self.season())
                .filter(|_| self.series.len() > 1)
                .unwrap_or(1.0)
        };
        self.series.iter().map(unit).collect()
    }

    fn line(&self, candidate: usize) -> Line {
        let mut reason = None;
        let mut scores = Vec::new();
        for (at, (series, cutoffs)) in self.series.iter().enumerate() {
            let mut by_window = Vec::new();
            for (window, outcome) in self.outcomes[candidate][at].iter().enumerate() {
                let past = &series.y[..cutoffs[window]];
                by_window.push(match outcome {
                    Ok(piece) => Some(WindowScore::of(
                        past,
                        self.actual(at, window),
                        &piece.forecast,
                        self.season(),
                    )),
                    Err(why) => {
                        let cutoff = series.time(cutoffs[window] - 1);
                        reason.get_or_insert_with(|| format!("`{}` at the cutoff {cutoff}: {why}", series.unique_id));
                        None
                    }
                });
            }
            scores.push(by_window);
        }
        Line {
            model: self.candidates[candidate].name.to_owned(),
            scores,
            reason,
            rank: None,
        }
    }

    /// Writes every forecast: by series, then by model in the order of `models`, then by time.
    pub(super) fn write_results(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let rows: Vec<Row<'_>> = (0..self.series.len()).flat_map(|at| self.rows(at)).collect();
        let mut table = Table::default()
            .texts("unique_id", rows.iter().map(|row| Some(row.series.unique_id.as_str())))
            .times("ds", rows.iter().map(|row| row.series.time(row.cutoff + row.step)))
            .times("cutoff", rows.iter().map(|row| row.series.time(row.cutoff - 1)))
            .numbers("y", rows.iter().map(|row| Some(row.series.y[row.cutoff + row.step])))
            .texts("model", rows.iter().map(|row| Some(row.model)))
            .numbers("yhat", rows.iter().map(|row| Some(row.forecast.mean[row.step])));
        for (at, level) in self.setup.levels.iter().enumerate() {
            let name = |bound: &str| match self.setup.levels.as_slice() {
                [_] => bound.to_owned(),
                _ => format!("{bound}-{level}"),
            };
            table = table
                .numbers(
                    &name("lo"),
                    rows.iter().map(|row| Some(row.forecast.intervals[at].lower[row.step])),
                )
                .numbers(
                    &name("hi"),
                    rows.iter().map(|row| Some(row.forecast.intervals[at].upper[row.step])),
                );
        }
        table.write(context, "cv_results")
    }

    /// The forecasts of one series; a window that a model failed on has none.
    fn rows(&self, at: usize) -> impl Iterator<Item = Row<'_>> {
        let (series, cutoffs) = &self.series[at];
        let horizon = self.setup.windows.horizon;
        self.candidates
            .iter()
            .zip(&self.outcomes)
            .flat_map(move |(candidate, outcomes)| {
                let made = cutoffs
                    .iter()
                    .zip(&outcomes[at])
                    .filter_map(|(cutoff, outcome)| Some((*cutoff, outcome.as_ref().ok()?)));
                made.flat_map(move |(cutoff, piece)| {
                    (0..horizon).map(move |step| Row {
                        series,
                        model: candidate.name,
                        cutoff,
                        step,
                        forecast: &piece.forecast,
                    })
                })
            })
    }

    /// Chooses by series, and writes what was chosen.
    pub(super) fn select(&self, context: &Context<'_>, lines: &[Line]) -> Result<(), TaskError> {
        /// How many models an ensemble takes: the best few, for each further one errs more like those before it.
        const ENSEMBLE: usize = 3;
        let select = context.text("select");
        let compared = self.compared();
        let chosen = match select {
            "per_series" => compared.per_series(self.setup.score),
            "ensemble" => compared.ensemble(choice::Rule::Weighted, ENSEMBLE, self.setup.score),
            _ => {
                let best = lines
                    .first()
                    .and_then(|line| self.candidates.iter().position(|one| one.name == line.model));
                self.series.iter().map(|_| best.map(Combination::one)).collect()
            }
        };
        let mut by_series = BTreeMap::new();
        let mut conformal = BTreeMap::new();
        for ((at, (series, _)), combination) in self.series.iter().enumerate().zip(chosen) {
            let combination = combination.ok_or_else(|| {
                TaskError::new(format!(
                    "no model could forecast the last window of the series `{}`",
                    series.unique_id
                ))
            })?;
            if self.setup.conformal {
                let tested = &compared.series[at];
                let calibrated =
                    Conformal::calibrate(&tested.actual, &tested.combined(&combination), &self.setup.levels);
                conformal.extend(calibrated.map(|calibrated| (series.unique_id.clone(), calibrated)));
            }
            by_series.insert(series.unique_id.clone(), combination);
        }
        // Positions among the chosen, in the order of the roster: the losers leave no trace, nor does their order.
        let mut used: Vec<usize> = by_series.values().flat_map(Combination::models).collect();
        used.sort_by_key(|&at| roster::NAMES.iter().position(|name| *name == self.candidates[at].name));
        used.dedup();
        let position = |at: usize| used.iter().position(|&one| one == at).unwrap_or_default();
        let series = by_series
            .into_iter()
            .map(|(id, one)| (id, moved(one, position)))
            .collect();
        let selection = Selection {
            select: select.to_owned(),
            metric: context.text("metric").to_owned(),
            seasons: self.seasons.clone(),
            non_negative: self.setup.non_negative,
            models: used
                .iter()
                .map(|&at| Chosen {
                    name: self.candidates[at].name.to_owned(),
                    settings: roster::settings(&context.params, self.candidates[at].name),
                })
                .collect(),
            series,
            conformal,
        };
        selection.write(context, "selected", |id, model| self.found(id, used[model]))
    }

    /// What a candidate found in the last window of a series.
    fn found(&self, id: &str, candidate: usize) -> Option<&[(String, Finding)]> {
        let at = self.series.iter().position(|(series, _)| series.unique_id == id)?;
        let last = self.outcomes[candidate][at].last()?;
        last.as_ref().ok().map(|piece| piece.found.as_slice())
    }

    /// The back-test in the form from which choices are made.
    fn compared(&self) -> Backtest {
        let horizon = self.setup.windows.horizon;
        let units = self.units();
        let tested = |at: usize| {
            let (series, cutoffs) = &self.series[at];
            let forecasts = self.outcomes.iter().map(|outcomes| {
                let mut windows = combine::Windows::new(horizon);
                for outcome in &outcomes[at] {
                    windows.push(outcome.as_ref().ok().map(|piece| piece.forecast.mean.as_slice()));
                }
                windows
            });
            Tested {
                name: series.unique_id.clone(),
                actual: self.setup.actual(series, cutoffs),
                forecasts: forecasts.collect(),
                scale: units[at],
            }
        };
        Backtest {
            models: self
                .candidates
                .iter()
                .map(|candidate| candidate.name.to_owned())
                .collect(),
            series: (0..self.series.len()).map(tested).collect(),
        }
    }
}

/// One step of one forecast.
struct Row<'a> {
    series: &'a Series,
    model: &'a str,
    /// Values in the past of its window.
    cutoff: usize,
    /// Steps after the cutoff, from 0.
    step: usize,
    forecast: &'a Forecast,
}

/// The same combination with its models at other positions.
fn moved(combination: Combination, position: impl Fn(usize) -> usize) -> Combination {
    match combination {
        Combination::Weighted(mut members) => {
            for member in &mut members {
                member.model = position(member.model);
            }
            Combination::Weighted(members)
        }
        Combination::Median(models) => Combination::Median(models.into_iter().map(position).collect()),
    }
}
