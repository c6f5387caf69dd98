//! A back-test that is done: its table, its leaderboard, and the choice that follows from it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::backtest::Outcomes;
use super::backtest_config::BacktestConfig;
use super::cached_fit::{CandidateModel, WindowForecast, WindowOutcome};
use super::intervals::IntervalMethod;
use super::leaderboard::{self, LeaderboardLine, Scored, WindowScore};
use super::metrics;
use super::models::combine::{self, Combination};
use super::models::conformal::Conformal;
use super::models::{Estimate, Forecast};
use super::registry;
use super::selection::{self, Chosen, Selection};
use super::series::Series;
use super::table::ParquetTable;
use super::weighting::{Select, Tested};
use crate::engine::task::{Context, TaskError};

/// A back-test that is done.
pub(super) struct BacktestReport<'a> {
    /// The back-test's parameters.
    pub(super) config: BacktestConfig,
    /// Lengths of the seasons, the shortest first.
    pub(super) seasons: Vec<usize>,
    /// The series and the cutoffs of their windows.
    pub(super) series: &'a [(&'a Series, Vec<usize>)],
    /// The models.
    pub(super) candidates: &'a [CandidateModel],
    /// By candidate, series and window.
    pub(super) outcomes: Vec<Vec<Outcomes>>,
}

/// The lines of the models, ranked.
pub(super) struct Ranking {
    /// Over all series.
    overall: Vec<LeaderboardLine>,
    /// By series.
    by_series: Vec<Vec<LeaderboardLine>>,
}

/// What forecasts a series.
pub(super) struct Choice {
    combination: Combination,
    /// The model's name, or that of the ensemble.
    name: String,
    /// The back-test of an ensemble; that of one model is among the others.
    ensemble: Option<Outcomes>,
}

impl BacktestReport<'_> {
    fn season(&self) -> usize {
        self.seasons.first().copied().unwrap_or(1)
    }

    /// Ranks the models over all series, and by series.
    ///
    /// # Errors
    /// [`TaskError`] with every model's reason if all failed on all windows.
    pub(super) fn ranking(&self) -> Result<Ranking, TaskError> {
        let mut overall: Vec<LeaderboardLine> = (0..self.candidates.len())
            .map(|candidate| self.line(candidate))
            .collect();
        let units = self.units();
        let by_series = self.series.iter().enumerate().map(|(at, (series, _))| {
            let mut lines: Vec<LeaderboardLine> = overall.iter().map(|line| line.of(at, &series.unique_id)).collect();
            leaderboard::rank(&mut lines, self.config.score, &units[at..=at]);
            lines
        });
        let by_series = by_series.collect();
        leaderboard::rank(&mut overall, self.config.score, &units);
        if overall.iter().all(|line| line.rank.is_none()) {
            return Err(with_reasons("no model could forecast any window", &overall));
        }
        Ok(Ranking { overall, by_series })
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

    fn line(&self, candidate: usize) -> LeaderboardLine {
        let outcomes = self.outcomes[candidate].iter().enumerate();
        LeaderboardLine {
            unique_id: None,
            model: self.candidates[candidate].name.to_owned(),
            series: outcomes.map(|(at, outcomes)| self.scored(at, outcomes)).collect(),
            rank: None,
        }
    }

    /// Compares the forecasts of one series with what happened.
    fn scored(&self, at: usize, outcomes: &Outcomes) -> Scored {
        let (series, cutoffs) = &self.series[at];
        let mut reason = None;
        let windows = cutoffs.iter().zip(outcomes).map(|(&cutoff, outcome)| match outcome {
            Ok(window) => {
                let past = &series.y[..cutoff];
                let (actual, forecast) = open_steps(series, cutoff, &window.forecast);
                // Of a window of holidays alone there is nothing to say.
                (!actual.is_empty()).then(|| WindowScore::of(past, &actual, &forecast, self.season()))
            }
            Err(why) => {
                let cutoff = series.time(cutoff - 1);
                reason.get_or_insert_with(|| format!("`{}` at the cutoff {cutoff}: {why}", series.unique_id));
                None
            }
        });
        Scored {
            windows: windows.collect(),
            reason,
        }
    }

    /// Chooses by series.
    ///
    /// # Errors
    /// [`TaskError`] for a series that what is chosen cannot forecast.
    pub(super) fn choose(&self, ranking: &Ranking) -> Result<Vec<Choice>, TaskError> {
        let position = |line: &LeaderboardLine| self.candidates.iter().position(|one| one.name == line.model);
        let usable = |lines: &[LeaderboardLine]| -> Vec<usize> {
            let usable = lines.iter().filter(|line| line.failed_last() == 0);
            usable.filter_map(position).collect()
        };
        let choose = |(at, lines): (usize, &Vec<LeaderboardLine>)| {
            let ranked = usable(lines);
            let combination = match self.config.select {
                Select::Overall => {
                    let best = ranking.overall.first().and_then(position);
                    best.filter(|best| ranked.contains(best)).map(Combination::one)
                }
                Select::PerSeries => ranked.first().copied().map(Combination::one),
                Select::Ensemble => {
                    let few = &ranked[..ranked.len().min(self.config.ensemble_size)];
                    self.tested(at)
                        .combine(few, self.config.ensemble_rule, self.config.score)
                }
            };
            match combination {
                Some(combination) => Ok(self.choice(at, combination)),
                None => Err(self.unchosen(at, ranking, ranked.is_empty())),
            }
        };
        ranking.by_series.iter().enumerate().map(choose).collect()
    }

    fn unchosen(&self, at: usize, ranking: &Ranking, nobody: bool) -> TaskError {
        let id = &self.series[at].0.unique_id;
        if nobody {
            let what = format!("no model could forecast the last window of the series `{id}`");
            return with_reasons(&what, &ranking.by_series[at]);
        }
        let best = &ranking.overall[0].model;
        let what = format!("`{best}` is best over all series and could not forecast the last window of `{id}`");
        let own: Vec<LeaderboardLine> = ranking.by_series[at]
            .iter()
            .filter(|line| line.model == *best)
            .cloned()
            .collect();
        with_reasons(&what, &own).help("take a model for each series: `select = \"per_series\"`")
    }

    fn choice(&self, at: usize, combination: Combination) -> Choice {
        Choice {
            name: selection::name_of(&combination, |model| self.candidates[model].name),
            ensemble: (combination.models().len() > 1).then(|| self.ensemble(at, &combination)),
            combination,
        }
    }

    /// The back-test of an ensemble: in each window what its members forecast, combined as the forecast will be.
    ///
    /// A window that a member failed on has none: what the others make of it without that member says little of all.
    fn ensemble(&self, at: usize, combination: &Combination) -> Outcomes {
        let (series, cutoffs) = &self.series[at];
        let members = combination.models();
        let combined = |window: usize| -> WindowOutcome {
            let of = |model: usize| self.outcomes[model][at][window].as_ref();
            if let Some((model, why)) = members.iter().find_map(|&model| Some((model, of(model).err()?))) {
                return Err(format!("{}: {why}", self.candidates[model].name));
            }
            let forecast = combination
                .forecast(|model| Some(&of(model).ok()?.forecast))
                .ok_or("the ensemble has no members")?;
            Ok(WindowForecast {
                forecast,
                found: Vec::new(),
            })
        };
        let mut outcomes: Outcomes = (0..cutoffs.len()).map(combined).collect();
        self.config.finish(&self.config.actual(series, cutoffs), &mut outcomes);
        outcomes
    }

    /// The forecasts of the back-test that a choice stands for.
    fn outcomes<'s>(&'s self, at: usize, choice: &'s Choice) -> &'s Outcomes {
        let one = || &self.outcomes[choice.combination.models()[0]][at];
        choice.ensemble.as_ref().unwrap_or_else(one)
    }

    /// Writes the leaderboard: what will be forecast, then the models; over all series, then by series.
    pub(super) fn write_leaderboard(
        &self,
        context: &Context<'_>,
        ranking: &Ranking,
        choices: &[Choice],
    ) -> Result<(), TaskError> {
        let forecast = |(at, choice): (usize, &Choice)| LeaderboardLine {
            unique_id: Some(self.series[at].0.unique_id.clone()),
            model: choice.name.clone(),
            series: vec![self.scored(at, self.outcomes(at, choice))],
            rank: None,
        };
        let forecast: Vec<LeaderboardLine> = choices.iter().enumerate().map(forecast).collect();
        let name = match choices.iter().all(|choice| choice.name == choices[0].name) {
            true => choices[0].name.as_str(),
            false => self.config.select.name(),
        };
        let together = LeaderboardLine {
            unique_id: None,
            model: name.to_owned(),
            series: forecast.iter().flat_map(|line| line.series.clone()).collect(),
            rank: None,
        };
        let mut blocks = Vec::new();
        if self.series.len() > 1 {
            blocks.push((&together, &ranking.overall));
        }
        blocks.extend(forecast.iter().zip(&ranking.by_series));
        let mut lines: Vec<&LeaderboardLine> = Vec::new();
        for (chosen, models) in blocks {
            let new = models.iter().all(|line| line.model != chosen.model);
            lines.extend(new.then_some(chosen));
            lines.extend(models);
        }
        leaderboard::write(context, "leaderboard", &lines, &self.config.levels)
    }

    /// Writes every forecast: by series, then by model in the order of `models` and the ensemble, then by time.
    pub(super) fn write_results(&self, context: &Context<'_>, choices: &[Choice]) -> Result<(), TaskError> {
        let rows: Vec<ForecastRow<'_>> = (0..self.series.len())
            .flat_map(|at| self.rows(at, &choices[at]))
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
    fn rows<'s>(&'s self, at: usize, choice: &'s Choice) -> impl Iterator<Item = ForecastRow<'s>> {
        let (series, cutoffs) = &self.series[at];
        let horizon = self.config.windows.horizon;
        let models = self.candidates.iter().zip(&self.outcomes);
        let models = models.map(move |(candidate, outcomes)| (candidate.name, &outcomes[at]));
        let ensemble = choice.ensemble.iter().map(|outcomes| (choice.name.as_str(), outcomes));
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

    /// Writes what was chosen.
    pub(super) fn write_selection(&self, context: &Context<'_>, choices: Vec<Choice>) -> Result<(), TaskError> {
        let mut by_series = BTreeMap::new();
        let mut conformal = BTreeMap::new();
        for ((at, (series, cutoffs)), choice) in self.series.iter().enumerate().zip(choices) {
            if self.config.intervals == IntervalMethod::Conformal {
                let actual = self.config.actual(series, cutoffs);
                let forecast = self.forecasts(self.outcomes(at, &choice));
                let calibrated = Conformal::calibrate(&actual, &forecast, &self.config.levels);
                conformal.extend(calibrated.map(|calibrated| (series.unique_id.clone(), calibrated)));
            }
            by_series.insert(series.unique_id.clone(), choice.combination);
        }
        // Positions among the chosen, in the order of the registry: the losers leave no trace, nor does their order.
        let mut used: Vec<usize> = by_series.values().flat_map(Combination::models).collect();
        used.sort_by_key(|&at| {
            registry::NAMES
                .iter()
                .position(|name| *name == self.candidates[at].name)
        });
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
                .map(|&at| Chosen {
                    name: self.candidates[at].name.to_owned(),
                    parts: self.candidates[at].parts.clone(),
                    settings: registry::settings(&context.params, self.candidates[at].name),
                })
                .collect(),
            series,
            conformal,
        };
        selection.write(context, "selected", |id, model| self.found(id, used[model]))
    }

    /// What a candidate found in the last window of a series.
    fn found(&self, id: &str, candidate: usize) -> Option<&[(String, Estimate)]> {
        let at = self.series.iter().position(|(series, _)| series.unique_id == id)?;
        let last = self.outcomes[candidate][at].last()?;
        last.as_ref().ok().map(|window| window.found.as_slice())
    }

    /// A series in the form in which models are weighted.
    fn tested(&self, at: usize) -> Tested {
        let (series, cutoffs) = &self.series[at];
        let models = self.outcomes.iter();
        Tested {
            actual: self.config.actual(series, cutoffs),
            forecasts: models.map(|outcomes| self.forecasts(&outcomes[at])).collect(),
        }
    }

    /// The point forecasts of each window.
    fn forecasts(&self, outcomes: &Outcomes) -> combine::WindowValues {
        let mut windows = combine::WindowValues::new(self.config.windows.horizon);
        for outcome in outcomes {
            windows.push(outcome.as_ref().ok().map(|window| window.forecast.mean.as_slice()));
        }
        windows
    }
}

/// What happened after a cutoff and what was forecast, without holidays.
fn open_steps<'f>(series: &Series, cutoff: usize, forecast: &'f Forecast) -> (Vec<f64>, Cow<'f, Forecast>) {
    let open: Vec<usize> = (0..forecast.mean.len())
        .filter(|step| !series.is_holiday(cutoff + step))
        .collect();
    let pick = |path: &[f64]| -> Vec<f64> { open.iter().map(|step| path[*step]).collect() };
    let actual = pick(&series.y[cutoff..]);
    if open.len() == forecast.mean.len() {
        return (actual, Cow::Borrowed(forecast));
    }
    let mut picked = forecast.clone();
    picked.mean = pick(&forecast.mean);
    for interval in &mut picked.intervals {
        (interval.lower, interval.upper) = (pick(&interval.lower), pick(&interval.upper));
    }
    (actual, Cow::Owned(picked))
}

/// An error that says why each model failed.
fn with_reasons(what: &str, lines: &[LeaderboardLine]) -> TaskError {
    let reported = lines.iter().filter_map(|line| Some((line, line.reason()?)));
    reported.fold(TaskError::new(what), |error, (line, reason)| {
        error.note(format!("`{}`: {reason}", line.model))
    })
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
