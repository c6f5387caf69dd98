//! `train_backtest_select`: compares models on the past, and chooses the one to forecast with, or several.

use std::collections::BTreeMap;

use super::backtest::{self, Outcomes, Windows};
use super::choice::{self, Backtest, Score, Tested};
use super::document;
use super::leaderboard::{self, Line, WindowScore};
use super::metrics;
use super::models::combine::{self, Combination};
use super::models::{Finding, Forecast};
use super::piece::{Candidate, Effort, Span};
use super::roster;
use super::selection::{Chosen, Selection};
use super::series::{self, FREQUENCY, Series};
use super::table::Table;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind, Literal, Param, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

/// The parameter `horizon` of this task and of the forecast.
pub(super) const HORIZON: Param = Param {
    name: "horizon",
    kind: Kind::Int { min: 1, max: 10_000 },
    default: Some(Literal::Int(24)),
    doc: "steps to forecast (hours of hourly data)",
};

/// The parameter `level` of this task and of the forecast.
pub(super) const LEVEL: Param = Param {
    name: "level",
    kind: Kind::OneOrMany(&Kind::Float {
        min: 0.0,
        max: 100.0,
        open: true,
    }),
    default: Some(Literal::Float(95.0)),
    doc: "level of the prediction intervals in %, or several",
};

const OWN: [Param; 10] = [
    HORIZON,
    LEVEL,
    Param {
        name: "n_windows",
        kind: Kind::Int { min: 1, max: 10_000 },
        default: Some(Literal::Int(5)),
        doc: "windows of the back-test",
    },
    Param {
        name: "step_size",
        kind: Kind::Int { min: 1, max: 100_000 },
        default: Some(Literal::Int(168)),
        doc: "steps from one cutoff of the back-test to the next",
    },
    Param {
        name: "models",
        kind: Kind::List(&Kind::Choice(&roster::NAMES)),
        default: Some(Literal::Texts(&roster::DEFAULT)),
        doc: "the models to compare",
    },
    Param {
        name: "season_length",
        kind: Kind::Auto(&Kind::OneOrMany(&Kind::Int { min: 1, max: 100_000 })),
        default: Some(Literal::Text(AUTO)),
        doc: "lengths of the seasons in steps; auto takes those of the frequency (24 and 168 for hours)",
    },
    FREQUENCY,
    Param {
        name: "metric",
        kind: Kind::Choice(&["rmse", "mae", "smape"]),
        default: Some(Literal::Text("rmse")),
        doc: "the error that ranks the models; over several series it is scaled by each one's seasonal differences",
    },
    Param {
        name: "select",
        kind: Kind::Choice(&["overall", "per_series", "ensemble"]),
        default: Some(Literal::Text("overall")),
        doc: "forecast all series with the best model, each with its own best, or each with a weighted mean of its best three",
    },
    Param {
        name: "non_negative",
        kind: Kind::Bool,
        default: Some(Literal::Bool(false)),
        doc: "whether forecasts and bounds below zero become zero",
    },
];

/// Members of an ensemble.
const ENSEMBLE: usize = 3;

/// The task's own parameters, then one for each model's settings.
const PARAMS: [Param; OWN.len() + roster::SETTINGS.len()] = {
    let mut params = [HORIZON; OWN.len() + roster::SETTINGS.len()];
    let mut at = 0;
    while at < params.len() {
        params[at] = if at < OWN.len() {
            OWN[at]
        } else {
            roster::SETTINGS[at - OWN.len()]
        };
        at += 1;
    }
    params
};

static SCHEMA: Schema = Schema {
    name: "train_backtest_select",
    version: 1,
    summary: "compares models in a back-test with a rolling origin, and selects the best",
    params: &PARAMS,
    inputs: &[
        Port {
            name: "clean",
            doc: "unique_id, ds (UTC), y; without gaps",
        },
        Port {
            name: "validation",
            doc: "the verdict on it, which must be `valid`",
        },
    ],
    outputs: &[
        Port {
            name: "cv_results",
            doc: "unique_id, ds, cutoff, y, model, yhat, lo, hi: every forecast of the back-test",
        },
        Port {
            name: "leaderboard",
            doc: "one row a model, the best first: its errors, coverage and rank, or why it failed",
        },
        Port {
            name: "selected",
            doc: "the models to forecast with and their settings",
        },
    ],
    secrets: &[],
};

/// The task.
#[derive(Debug)]
pub struct TrainBacktestSelect;

impl Task for TrainBacktestSelect {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        validated(context)?;
        let setup = Setup::of(context);
        let series = series::read(context, "clean")?;
        let seasons = seasons(context, &series);
        let placed = setup.place(&series, &seasons)?;
        let candidates = setup.candidates(context, &seasons);
        let mut results = backtest::run(context, &candidates, &placed, setup.span())?;
        if setup.non_negative {
            let pieces = results
                .iter_mut()
                .flat_map(|(outcomes, _)| outcomes)
                .flatten()
                .flatten();
            pieces.for_each(|piece| raise_to_zero(&mut piece.forecast));
        }
        log(context, &candidates, &results);
        let outcomes: Vec<Vec<Outcomes>> = results.into_iter().map(|(outcomes, _)| outcomes).collect();
        let compared = Compared {
            setup,
            seasons,
            series: &placed,
            candidates: &candidates,
            outcomes,
        };
        let lines = compared.lines()?;
        compared.write_results(context)?;
        leaderboard::write(context, "leaderboard", &lines, &compared.setup.levels)?;
        compared.select(context, &lines)
    }
}

/// Checks that the validation passed, since an input may be bound to any file.
pub(super) fn validated(context: &Context<'_>) -> Result<(), TaskError> {
    let validation = document::read(context, "validation")?;
    match validation.get("status").and_then(serde_json::Value::as_str) {
        Some("valid") => Ok(()),
        status => Err(TaskError::new(format!(
            "`validation` does not say that the series are valid; its status is {}",
            status.map_or("missing".to_owned(), |status| format!("`{status}`"))
        ))),
    }
}

/// Raises what a forecast has below zero to zero.
pub(super) fn raise_to_zero(forecast: &mut Forecast) {
    let bounds = forecast
        .intervals
        .iter_mut()
        .flat_map(|interval| [&mut interval.lower, &mut interval.upper]);
    for value in std::iter::once(&mut forecast.mean).chain(bounds).flatten() {
        *value = value.max(0.0);
    }
}

/// The lengths of the seasons, the shortest first.
fn seasons(context: &Context<'_>, series: &[Series]) -> Vec<usize> {
    let mut seasons = match context.param("season_length") {
        Value::Text(_) => series
            .first()
            .map_or_else(|| vec![1], |first| first.frequency.seasons()),
        _ => context.counts("season_length"),
    };
    seasons.sort_unstable();
    seasons.dedup();
    seasons
}

/// The parameters of the back-test.
struct Setup {
    windows: Windows,
    levels: Vec<f64>,
    score: Score,
    non_negative: bool,
}

impl Setup {
    fn of(context: &Context<'_>) -> Self {
        Self {
            windows: Windows {
                horizon: context.count("horizon"),
                count: context.count("n_windows"),
                step: context.count("step_size"),
            },
            levels: levels(context),
            score: match context.text("metric") {
                "mae" => Score::Mae,
                "smape" => Score::Smape,
                _ => Score::Rmse,
            },
            non_negative: context.flag("non_negative"),
        }
    }

    fn span(&self) -> Span<'_> {
        Span {
            horizon: self.windows.horizon,
            levels: &self.levels,
        }
    }

    /// Places the windows in each series.
    fn place<'s>(&self, series: &'s [Series], seasons: &[usize]) -> Result<Vec<(&'s Series, Vec<usize>)>, TaskError> {
        let Windows { horizon, count, step } = self.windows;
        let season = seasons.first().copied().unwrap_or(1);
        let place = |series: &'s Series| {
            let n = series.y.len();
            let cutoffs = self.windows.cutoffs(n).filter(|cutoffs| cutoffs[0] > season);
            let cutoffs = cutoffs.ok_or_else(|| {
                let needed = (count - 1)
                    .saturating_mul(step)
                    .saturating_add(horizon)
                    .saturating_add(season + 1);
                TaskError::new(format!(
                    "the series `{}` has {n} values; the back-test needs at least {needed}",
                    series.unique_id
                ))
                .note(format!(
                    "{count} windows, {step} steps apart, of {horizon} steps, after more than one season of {season}"
                ))
                .help("lower `n_windows`, `step_size` or `horizon`, or take a longer span of data")
            })?;
            Ok((series, cutoffs))
        };
        series.iter().map(place).collect()
    }

    fn candidates(&self, context: &Context<'_>, seasons: &[usize]) -> Vec<Candidate> {
        let names = context.texts("models");
        let first = |at: &usize| !names[..*at].contains(&names[*at]);
        let entries = (0..names.len()).filter(first).filter_map(|at| roster::find(names[at]));
        entries
            .map(|entry| Candidate {
                name: entry.name,
                version: entry.version,
                model: entry.model(seasons, context.table(entry.name)),
            })
            .collect()
    }
}

/// The levels of the intervals, the narrowest first, each once.
pub(super) fn levels(context: &Context<'_>) -> Vec<f64> {
    let mut levels = context.numbers("level");
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
}

/// Tells what the models cost: in the log, for an artifact has no times in it.
fn log(context: &Context<'_>, candidates: &[Candidate], results: &[(Vec<Outcomes>, Effort)]) {
    for (candidate, (_, effort)) in candidates.iter().zip(results) {
        context.log(&format!(
            "{}: {} fits in {:.2} s, {} remembered",
            candidate.name,
            effort.fitted,
            effort.time.as_secs_f64(),
            effort.remembered
        ));
    }
    let all = results
        .iter()
        .fold(Effort::default(), |sum, (_, effort)| sum.and(*effort));
    context.log(&format!(
        "{} of {} forecasts were remembered",
        all.remembered,
        all.fitted + all.remembered
    ));
}

/// A back-test that is done.
struct Compared<'a> {
    setup: Setup,
    seasons: Vec<usize>,
    series: &'a [(&'a Series, Vec<usize>)],
    candidates: &'a [Candidate],
    /// By candidate, series and window.
    outcomes: Vec<Vec<Outcomes>>,
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
    fn lines(&self) -> Result<Vec<Line>, TaskError> {
        let mut lines: Vec<Line> = (0..self.candidates.len())
            .map(|candidate| self.line(candidate))
            .collect();
        leaderboard::rank(&mut lines, self.setup.score, &self.units());
        match lines.first().and_then(|line| line.rank) {
            Some(_) => Ok(lines),
            None => {
                let told = lines
                    .iter()
                    .filter_map(|line| line.reason.clone().map(|reason| (line, reason)));
                let error = TaskError::new("no model could forecast any window");
                Err(told.fold(error, |error, (line, reason)| {
                    error.note(format!("`{}`: {reason}", line.model))
                }))
            }
        }
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
    fn write_results(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let mut rows = Vec::new();
        for (at, (series, cutoffs)) in self.series.iter().enumerate() {
            for (candidate, outcomes) in self.candidates.iter().zip(&self.outcomes) {
                for (window, piece) in outcomes[at]
                    .iter()
                    .enumerate()
                    .filter_map(|(w, o)| Some((w, o.as_ref().ok()?)))
                {
                    let steps = 0..self.setup.windows.horizon;
                    rows.extend(steps.map(|step| {
                        (
                            *series,
                            cutoffs[window],
                            candidate.name,
                            self.actual(at, window)[step],
                            &piece.forecast,
                            step,
                        )
                    }));
                }
            }
        }
        let mut table = Table::default()
            .texts("unique_id", rows.iter().map(|row| Some(row.0.unique_id.as_str())))
            .times("ds", rows.iter().map(|row| row.0.time(row.1 + row.5)))
            .times("cutoff", rows.iter().map(|row| row.0.time(row.1 - 1)))
            .numbers("y", rows.iter().map(|row| Some(row.3)))
            .texts("model", rows.iter().map(|row| Some(row.2)))
            .numbers("yhat", rows.iter().map(|row| Some(row.4.mean[row.5])));
        for (at, level) in self.setup.levels.iter().enumerate() {
            let name = |bound: &str| match self.setup.levels.as_slice() {
                [_] => bound.to_owned(),
                _ => format!("{bound}-{level}"),
            };
            table = table
                .numbers(
                    &name("lo"),
                    rows.iter().map(|row| Some(row.4.intervals[at].lower[row.5])),
                )
                .numbers(
                    &name("hi"),
                    rows.iter().map(|row| Some(row.4.intervals[at].upper[row.5])),
                );
        }
        table.write(context, "cv_results")
    }

    /// Chooses by series, and writes what was chosen.
    fn select(&self, context: &Context<'_>, lines: &[Line]) -> Result<(), TaskError> {
        let select = context.text("select");
        let chosen = match select {
            "per_series" => self.compared().per_series(self.setup.score),
            "ensemble" => self
                .compared()
                .ensemble(choice::Rule::Weighted, ENSEMBLE, self.setup.score),
            _ => {
                let best = lines
                    .first()
                    .and_then(|line| self.candidates.iter().position(|one| one.name == line.model));
                self.series.iter().map(|_| best.map(Combination::one)).collect()
            }
        };
        let mut by_series = BTreeMap::new();
        for ((series, _), combination) in self.series.iter().zip(chosen) {
            let combination = combination.ok_or_else(|| {
                TaskError::new(format!(
                    "no model could forecast the last window of the series `{}`",
                    series.unique_id
                ))
            })?;
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
                    settings: context.table(self.candidates[at].name).clone(),
                })
                .collect(),
            series,
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
        let tested = |at: usize| {
            let (series, cutoffs) = &self.series[at];
            let mut actual = combine::Windows::new(horizon);
            (0..cutoffs.len()).for_each(|window| actual.push(Some(self.actual(at, window))));
            let forecasts = self.outcomes.iter().map(|outcomes| {
                let mut windows = combine::Windows::new(horizon);
                for outcome in &outcomes[at] {
                    windows.push(outcome.as_ref().ok().map(|piece| piece.forecast.mean.as_slice()));
                }
                windows
            });
            Tested {
                name: series.unique_id.clone(),
                actual,
                forecasts: forecasts.collect(),
                scale: self.units()[at],
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

/// The same combination with its models at other positions.
fn moved(combination: Combination, position: impl Fn(usize) -> usize) -> Combination {
    match combination {
        Combination::Weighted(mut members) => {
            members
                .iter_mut()
                .for_each(|member| member.model = position(member.model));
            Combination::Weighted(members)
        }
        Combination::Median(models) => Combination::Median(models.into_iter().map(position).collect()),
    }
}
