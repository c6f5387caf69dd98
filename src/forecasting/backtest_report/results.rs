//! What a back-test leaves for people and for the forecast: its leaderboard, its table, and what was chosen.

use std::collections::{BTreeMap, BTreeSet};

use super::{BacktestReport, Choice, Ranking};
use crate::engine::task::{Context, TaskError};
use crate::forecasting::cached_fit::CandidateModel;
use crate::forecasting::exceptions::{Exception, Treatment};
use crate::forecasting::leaderboard::{self, KnownUse, LeaderboardLine, Scored};
use crate::forecasting::models::combine::Combination;
use crate::forecasting::models::conformal::Conformal;
use crate::forecasting::models::pooled_intervals::POOL_FROM;
use crate::forecasting::models::{Estimate, Forecast};
use crate::forecasting::registry;
use crate::forecasting::selection::{Chosen, Selection};
use crate::forecasting::series::Series;
use crate::forecasting::table::ParquetTable;

impl BacktestReport<'_> {
    /// Writes the leaderboard: what will be forecast, then the models; over all series, then by series.
    pub(in super::super) fn write_leaderboard(
        &self,
        context: &Context<'_>,
        ranking: &Ranking,
        choices: &[Option<Choice>],
        exceptions: &[Exception],
    ) -> Result<(), TaskError> {
        let forecast = |(at, choice): (usize, &Choice)| LeaderboardLine {
            unique_id: Some(self.series[at].0.unique_id.clone()),
            model: choice.name.clone(),
            series: vec![self.scored(at, self.outcomes(at, choice))],
            rank: None,
        };
        let forecast: Vec<Option<LeaderboardLine>> = (0..choices.len())
            .map(|at| choices[at].as_ref().map(|choice| forecast((at, choice))))
            .collect();
        let mut names = choices.iter().flatten().map(|choice| choice.name.as_str());
        let name = names
            .next()
            .filter(|first| names.all(|name| name == *first))
            .unwrap_or(self.config.select.name());
        let together = LeaderboardLine {
            unique_id: None,
            model: name.to_owned(),
            series: forecast.iter().flatten().flat_map(|line| line.series.clone()).collect(),
            rank: None,
        };
        let mut blocks = Vec::new();
        if self.series.len() > 1 {
            blocks.push((Some(&together), &ranking.overall));
        }
        blocks.extend(forecast.iter().map(Option::as_ref).zip(&ranking.by_series));
        let mut lines: Vec<&LeaderboardLine> = Vec::new();
        for (chosen, models) in blocks {
            let is_new = |chosen: &&LeaderboardLine| models.iter().all(|line| line.model != chosen.model);
            lines.extend(chosen.filter(is_new));
            lines.extend(models);
        }
        let exceptions = self.exception_lines(exceptions, choices);
        lines.extend(&exceptions);
        let using = self.candidates.iter().filter(|candidate| candidate.uses_known());
        let known = self.known.map(|known| KnownUse {
            columns: known.names(),
            models: using.map(|candidate| candidate.name.as_str()).collect(),
        });
        leaderboard::write(context, "leaderboard", &lines, &self.config.levels, known.as_ref())
    }

    /// A line for each exception, those that are forecast first: what will be forecast is the first line of all.
    fn exception_lines(&self, exceptions: &[Exception], choices: &[Option<Choice>]) -> Vec<LeaderboardLine> {
        let chosen = |id: &str| {
            let at = self.series.iter().position(|(series, _)| series.unique_id == id)?;
            Some(choices[at].as_ref()?.name.clone())
        };
        let line = |exception: &Exception| LeaderboardLine {
            unique_id: Some(exception.unique_id.clone()),
            model: match &exception.simple {
                Some((at, _)) => self.candidates[*at].name.clone(),
                None => chosen(&exception.unique_id).unwrap_or_default(),
            },
            series: vec![Scored {
                windows: Vec::new(),
                reason: Some(exception.told()),
            }],
            rank: None,
        };
        let mut lines: Vec<LeaderboardLine> = exceptions.iter().map(line).collect();
        lines.sort_by_key(|line| line.model.is_empty());
        lines
    }

    /// Writes every forecast: by series, then by model in the order of `models` and the ensemble, then by time.
    pub(in super::super) fn write_results(
        &self,
        context: &Context<'_>,
        choices: &[Option<Choice>],
    ) -> Result<(), TaskError> {
        let rows: Vec<ForecastRow<'_>> = (0..self.series.len())
            .flat_map(|at| self.rows(at, choices[at].as_ref()))
            .collect();
        let mut table = ParquetTable::default()
            .texts("unique_id", rows.iter().map(|row| Some(row.series.unique_id.as_str())))
            .times("ds", rows.iter().map(|row| row.series.time(row.cutoff + row.step)))
            .times("cutoff", rows.iter().map(|row| row.series.time(row.cutoff - 1)))
            .numbers("y", rows.iter().map(|row| Some(row.series.y[row.cutoff + row.step])))
            .texts("model", rows.iter().map(|row| Some(row.model)))
            .numbers("yhat", rows.iter().map(|row| Some(row.forecast.mean[row.step])));
        for (at, level) in self.config.levels.iter().enumerate() {
            let name = |bound: &str| match self.config.levels.as_slice() {
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
    fn rows<'s>(&'s self, at: usize, choice: Option<&'s Choice>) -> impl Iterator<Item = ForecastRow<'s>> {
        let (series, cutoffs) = &self.series[at];
        let horizon = self.config.windows.horizon;
        let models = self.candidates.iter().zip(&self.outcomes);
        let models = models.map(move |(candidate, outcomes)| (candidate.name.as_str(), &outcomes[at]));
        let ensemble = choice.and_then(|choice| Some((choice.name.as_str(), choice.ensemble.as_ref()?)));
        models.chain(ensemble).flat_map(move |(model, outcomes)| {
            let made = cutoffs
                .iter()
                .zip(outcomes)
                .filter_map(|(cutoff, outcome)| Some((*cutoff, outcome.as_ref().ok()?)));
            made.flat_map(move |(cutoff, window)| {
                let open = move |step: &usize| !series.is_holiday(cutoff + step);
                (0..horizon).filter(open).map(move |step| ForecastRow {
                    series,
                    model,
                    cutoff,
                    step,
                    forecast: &window.forecast,
                })
            })
        })
    }

    /// Warns of chosen models that do not use what is known ahead, where others of those that were compared do.
    pub(in super::super) fn warn_of_known_unused(&self, context: &Context<'_>, choices: &[Option<Choice>]) {
        let compared = &self.candidates[..self.outcomes.len()];
        if self.known.is_none() || !compared.iter().any(CandidateModel::uses_known) {
            return;
        }
        let combinations = choices.iter().flatten().map(|choice| &choice.combination);
        let chosen: BTreeSet<usize> = combinations.flat_map(Combination::models).collect();
        let (using, idle): (Vec<usize>, Vec<usize>) =
            chosen.into_iter().partition(|at| self.candidates[*at].uses_known());
        let names: Vec<String> = idle
            .iter()
            .map(|at| format!("`{}`", self.candidates[*at].name))
            .collect();
        match (using.is_empty(), names.is_empty()) {
            (_, true) => {}
            (true, false) => context.warn(&format!(
                "what is known ahead has no part in the forecast: {} did better without it than the models that use it",
                names.join(", ")
            )),
            (false, false) => context.warn(&format!(
                "of the models that were chosen, {} cannot use what is known ahead; the column `known` of the leaderboard \
                 has those that do",
                names.join(", ")
            )),
        }
    }

    /// Writes what was chosen.
    ///
    /// # Errors
    /// [`TaskError`] if nothing can be forecast, or the file cannot be written.
    pub(in super::super) fn write_selection(
        &self,
        context: &Context<'_>,
        choices: Vec<Option<Choice>>,
        exceptions: &[Exception],
    ) -> Result<(), TaskError> {
        let conformal = self.published_intervals(context, &choices);
        let mut by_series = BTreeMap::new();
        for ((series, _), choice) in self.series.iter().zip(choices) {
            by_series.extend(choice.map(|choice| (series.unique_id.clone(), choice.combination)));
        }
        for exception in exceptions {
            let simple = exception.simple.as_ref().map(|(model, _)| Combination::one(*model));
            by_series.extend(simple.map(|one| (exception.unique_id.clone(), one)));
        }
        // Positions among the chosen, in the order of the registry: the losers leave no trace, nor does their order.
        let mut used: Vec<usize> = by_series.values().flat_map(Combination::models).collect();
        used.sort_by_key(|&at| registry::place(&self.candidates[at].name));
        used.dedup();
        let position = |at: usize| used.iter().position(|&one| one == at).unwrap_or_default();
        let series = by_series
            .into_iter()
            .map(|(id, one)| (id, moved(one, position)))
            .collect();
        let selection = Selection {
            select: self.config.select,
            metric: self.config.score,
            seasons: self.seasons.clone(),
            non_negative: self.config.non_negative,
            models: used
                .iter()
                .map(|&at| Chosen::of(context, &self.candidates[at]))
                .collect(),
            series,
            conformal,
            noted: noted(exceptions, |treatment| treatment != Treatment::LeftOut),
            left_out: noted(exceptions, |treatment| treatment == Treatment::LeftOut),
            // What only losers used is of no use to the forecast.
            known: self
                .known
                .filter(|_| used.iter().any(|&at| self.candidates[at].uses_known()))
                .cloned(),
        };
        let simple = |id: &str| exceptions.iter().find(|one| one.unique_id == id)?.simple.as_ref();
        selection.write(context, "selected", |id, model| match simple(id) {
            Some((_, found)) => Some(found),
            None => self.found(id, used[model]),
        })
    }

    /// The intervals that replace the models' own, by series; tells which are conformal though they were to be pooled.
    fn published_intervals(&self, context: &Context<'_>, choices: &[Option<Choice>]) -> BTreeMap<String, Conformal> {
        let Some(calibration) = self.calibration() else {
            return BTreeMap::new();
        };
        let (found, alone) = calibration.beyond(&self.chosen_forecasts(choices));
        let id = |at: usize| self.series[at].0.unique_id.clone();
        let alone: Vec<String> = alone.into_iter().filter(|at| choices[*at].is_some()).map(id).collect();
        if !alone.is_empty() {
            let told = format!(
                "{} of {} series have conformal intervals: pooled ones need {POOL_FROM} series that the same models forecast \
                 in all windows, and that change from season to season",
                alone.len(),
                choices.iter().flatten().count()
            );
            context.log(&format!("{told}; these have not: {}", alone.join(", ")));
            context.warn(&told);
        }
        let found = found.into_iter().enumerate();
        found.filter_map(|(at, found)| Some((id(at), found?))).collect()
    }

    /// What a candidate found in the last window of a series.
    fn found(&self, id: &str, candidate: usize) -> Option<&[(String, Estimate)]> {
        let at = self.series.iter().position(|(series, _)| series.unique_id == id)?;
        let last = self.outcomes[candidate][at].last()?;
        last.as_ref().ok().map(|window| window.found.as_slice())
    }
}

/// What is to be told of some exceptions, by series.
fn noted(exceptions: &[Exception], of: impl Fn(Treatment) -> bool) -> BTreeMap<String, String> {
    let some = exceptions.iter().filter(|exception| of(exception.treatment));
    some.map(|exception| (exception.unique_id.clone(), exception.told()))
        .collect()
}

/// One step of one forecast.
struct ForecastRow<'a> {
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
