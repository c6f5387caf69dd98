//! A back-test that is done: the ranking of its models, and the choice that follows from it.

mod results;

use std::borrow::Cow;

use super::backtest::Outcomes;
use super::backtest_config::BacktestConfig;
use super::cached_fit::{CandidateModel, WindowForecast, WindowOutcome};
use super::exceptions::{self, Exception, Treatment};
use super::intervals::Calibration;
use super::known_ahead::KnownSources;
use super::leaderboard::{self, LeaderboardLine, Scored, WindowScore};
use super::metrics;
use super::models::Forecast;
use super::models::combine::{Combination, WindowValues};
use super::panel::{Fault, OnBadSeries};
use super::selection;
use super::series::Series;
use super::weighting::{Select, Tested};
use crate::engine::task::{Context, TaskError};

/// A back-test that is done.
pub(super) struct BacktestReport<'a> {
    /// The back-test's parameters.
    pub(super) config: BacktestConfig,
    /// Lengths of the seasons, the shortest first.
    pub(super) seasons: Vec<usize>,
    /// The series that were back-tested, and the cutoffs of their windows.
    pub(super) series: &'a [(&'a Series, Vec<usize>)],
    /// The models: those that were compared, then those that stand in.
    pub(super) candidates: &'a [CandidateModel],
    /// By candidate that was compared, series and window.
    pub(super) outcomes: Vec<Vec<Outcomes>>,
    /// What becomes of a series that the models cannot forecast.
    pub(super) on_bad_series: OnBadSeries,
    /// What was known ahead, if anything was.
    pub(super) known: Option<&'a KnownSources>,
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
        if self.series.is_empty() {
            return Ok(Ranking {
                overall: Vec::new(),
                by_series: Vec::new(),
            });
        }
        let mut overall: Vec<LeaderboardLine> =
            (0..self.outcomes.len()).map(|candidate| self.line(candidate)).collect();
        let units = self.units();
        let by_series = self.series.iter().enumerate().map(|(at, (series, _))| {
            let mut lines: Vec<LeaderboardLine> = overall.iter().map(|line| line.of(at, &series.unique_id)).collect();
            leaderboard::rank(&mut lines, self.config.score, &units[at..=at]);
            lines
        });
        let by_series = by_series.collect();
        leaderboard::rank(&mut overall, self.config.score, &units);
        if overall.iter().all(|line| line.rank.is_none()) {
            let error = with_reasons("no model could forecast any window", &overall);
            return Err(match self.advice() {
                Some(advice) => error.help(advice),
                None => error,
            });
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
            model: self.candidates[candidate].name.clone(),
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

    /// Chooses by series; for one that what is chosen cannot forecast, its own best model, or nothing.
    ///
    /// # Errors
    /// [`TaskError`] for such a series where bad ones stop the task.
    pub(super) fn choose(&self, ranking: &Ranking) -> Result<Vec<Option<Choice>>, TaskError> {
        let position = |line: &LeaderboardLine| self.candidates.iter().position(|one| one.name == line.model);
        let usable = |lines: &[LeaderboardLine]| -> Vec<usize> {
            let usable = lines.iter().filter(|line| line.failed_last() == 0);
            usable.filter_map(position).collect()
        };
        let choose = |(at, lines): (usize, &Vec<LeaderboardLine>)| {
            let ranked = usable(lines);
            let goes_on = self.on_bad_series == OnBadSeries::Fallback;
            let combination = match self.config.select {
                Select::Overall => {
                    let best = ranking.overall.first().and_then(position);
                    let best = best.filter(|best| ranked.contains(best));
                    best.or_else(|| ranked.first().copied().filter(|_| goes_on))
                        .map(Combination::one)
                }
                Select::PerSeries => ranked.first().copied().map(Combination::one),
                Select::Ensemble => {
                    let few = &ranked[..ranked.len().min(self.config.ensemble_size)];
                    self.tested(at)
                        .combine(few, self.config.ensemble_rule, self.config.score)
                }
            };
            match combination {
                Some(combination) => Ok(Some(self.choice(at, combination))),
                None if self.on_bad_series == OnBadSeries::Error => Err(self.unchosen(at, ranking, ranked.is_empty())),
                None => Ok(None),
            }
        };
        let choices = ranking.by_series.iter().enumerate().map(choose);
        let mut choices = choices.collect::<Result<Vec<_>, _>>()?;
        self.finish_ensembles(&mut choices);
        Ok(choices)
    }

    /// What becomes of the series that are not forecast like the others: those that `bad` and `shortened` name, and
    /// those for which the best model was none; by name.
    pub(super) fn exceptions(
        &self,
        context: &Context<'_>,
        ranking: &Ranking,
        choices: &[Option<Choice>],
        bad: &[(&str, Option<&Series>, Fault)],
        shortened: &[(&Series, Fault)],
    ) -> Vec<Exception> {
        let settle = |bad: (&str, Option<&Series>, &Fault)| {
            let models = (self.candidates, self.season());
            exceptions::settle(context, bad, self.on_bad_series, models, self.config.request())
        };
        let mut all: Vec<Exception> = bad
            .iter()
            .map(|(id, series, fault)| settle((id, *series, fault)))
            .collect();
        for ((series, _), (choice, lines)) in self.series.iter().zip(choices.iter().zip(&ranking.by_series)) {
            let id = &series.unique_id;
            let best = ranking
                .overall
                .first()
                .map(|line| line.model.as_str())
                .unwrap_or_default();
            let noted = |treatment, reason| Exception {
                unique_id: id.clone(),
                treatment,
                reason,
                simple: None,
            };
            let own = |choice: &Choice| self.config.select == Select::Overall && choice.name != best;
            match choice {
                None => {
                    let reason = lines.iter().find_map(LeaderboardLine::reason).unwrap_or_default();
                    let fault = Fault::Unforecastable(format!("no model could forecast its last window: {reason}"));
                    all.push(settle((id, Some(series), &fault)));
                }
                Some(choice) if own(choice) => all.push(noted(
                    Treatment::Fallback,
                    format!(
                        "`{best}`, the best over all series, could not forecast its last window; `{}` could",
                        choice.name
                    ),
                )),
                Some(_) => {
                    let fault = shortened.iter().find(|(one, _)| one.unique_id == *id);
                    all.extend(fault.map(|(_, fault)| noted(Treatment::Shortened, fault.to_string())));
                }
            }
        }
        all.sort_by(|a, b| a.unique_id.cmp(&b.unique_id));
        all
    }

    /// What to lower so that the model which needs least can forecast the last window of the longest series.
    fn advice(&self) -> Option<String> {
        let failures = self.outcomes.iter().flatten().flatten();
        let needed = failures.filter_map(|outcome| outcome.as_ref().err()?.needed).min()?;
        let longest = self.series.iter().map(|(series, _)| series.y.len()).max()?;
        let horizon = longest.checked_sub(needed).filter(|horizon| *horizon > 0);
        // What a model needs grows with its seasons.
        let past = longest.saturating_sub(self.config.windows.horizon);
        let season = (self.season() * past / needed.max(1)).max(1);
        let of_least = format!("the model that needs least needs {needed} values before the last window");
        Some(match horizon {
            Some(horizon) => format!("{of_least}: lower `horizon` to {horizon}, or take models that need less"),
            None if season < self.season() => {
                format!("{of_least}: lower `season_length` to {season}, or take models that need less, such as `Naive`")
            }
            None => format!("{of_least}: take models that need less, such as `Naive`, or a longer span of data"),
        })
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
            name: selection::name_of(&combination, |model| &self.candidates[model].name),
            ensemble: (combination.models().len() > 1).then(|| self.ensemble(at, &combination)),
            combination,
        }
    }

    /// The back-test of an ensemble: in each window what its members forecast, combined as the forecast will be.
    ///
    /// A window that a member failed on has none: what the others make of it without that member says little of all.
    fn ensemble(&self, at: usize, combination: &Combination) -> Outcomes {
        let members = combination.models();
        let combined = |window: usize| -> WindowOutcome {
            let of = |model: usize| self.outcomes[model][at][window].as_ref();
            if let Some((model, why)) = members.iter().find_map(|&model| Some((model, of(model).err()?))) {
                return Err(format!("{}: {why}", self.candidates[model].name).into());
            }
            let forecast = combination
                .forecast(|model| Some(&of(model).ok()?.forecast))
                .ok_or_else(|| "the ensemble has no members".to_owned())?;
            Ok(WindowForecast {
                forecast,
                found: Vec::new(),
            })
        };
        (0..self.series[at].1.len()).map(combined).collect()
    }

    /// Makes of the back-tests of ensembles what would be published, each among what forecasts the other series.
    fn finish_ensembles(&self, choices: &mut [Option<Choice>]) {
        self.config.raise(ensembles(choices).flatten());
        let has_ensemble = choices.iter().flatten().any(|choice| choice.ensemble.is_some());
        if let Some(calibration) = self.calibration().filter(|_| has_ensemble) {
            let forecasts = self.chosen_forecasts(choices);
            calibration.recalibrate(&forecasts, ensembles(choices).collect());
        }
        self.config.raise(ensembles(choices).flatten());
    }

    /// What intervals are calibrated on; `None` if the models' own are wanted.
    fn calibration(&self) -> Option<Calibration<'_>> {
        self.config.calibration(self.season(), self.series, &self.outcomes)
    }

    /// The point forecasts of what was chosen, by series; those of a series for which nothing was are not numbers.
    fn chosen_forecasts(&self, choices: &[Option<Choice>]) -> Vec<WindowValues> {
        let none = |at: usize| {
            let mut windows = WindowValues::new(self.config.windows.horizon);
            self.series[at].1.iter().for_each(|_| windows.push(None));
            windows
        };
        let one = |(at, choice): (usize, &Option<Choice>)| {
            let chosen = choice.as_ref();
            let forecasts = chosen.map(|choice| self.config.point_forecasts(self.outcomes(at, choice)));
            forecasts.unwrap_or_else(|| none(at))
        };
        choices.iter().enumerate().map(one).collect()
    }

    /// The forecasts of the back-test that a choice stands for.
    fn outcomes<'s>(&'s self, at: usize, choice: &'s Choice) -> &'s Outcomes {
        let one = || &self.outcomes[choice.combination.models()[0]][at];
        choice.ensemble.as_ref().unwrap_or_else(one)
    }

    /// A series in the form in which models are weighted.
    fn tested(&self, at: usize) -> Tested {
        let (series, cutoffs) = &self.series[at];
        let models = self.outcomes.iter();
        Tested {
            actual: self.config.actual(series, cutoffs),
            forecasts: models
                .map(|outcomes| self.config.point_forecasts(&outcomes[at]))
                .collect(),
        }
    }
}

/// By choice, the back-test of an ensemble.
fn ensembles(choices: &mut [Option<Choice>]) -> impl Iterator<Item = Option<&mut Outcomes>> {
    choices.iter_mut().map(|choice| choice.as_mut()?.ensemble.as_mut())
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
