//! `train_backtest_select`: compares models on the past, and chooses the one to forecast with, or several.

use std::collections::{BTreeMap, BTreeSet};

use super::backtest::{self, Outcomes};
use super::backtest_config::BacktestConfig;
use super::backtest_report::BacktestReport;
use super::cached_fit::{CandidateModel, FitEffort};
use super::document;
use super::exceptions::{self, Exception, Treatment};
use super::frequency::{Calendars, FREQUENCY, Frequency};
use super::intervals::IntervalMethod;
use super::known_ahead::{self, Known};
use super::limits::{MAX_MB, MAX_ROWS};
use super::panel::{self, BrokenRule, ENDED_AFTER, ON_BAD_SERIES, OnBadSeries, Panel, Verdicts};
use super::placement::{Placement, WantedWindows};
use super::program_model::{self, ProgramModel};
use super::reading;
use super::registry::{self, RegisteredModel};
use super::series::{self, Series};
use super::validate::ValidationStatus;
use super::weighting::{EnsembleRule, Score, Select};
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Part, Task, TaskError};

/// Most steps that a forecast may be asked for.
pub(super) const MOST_STEPS: i64 = 10_000;

/// The parameter `horizon` of this task and of the forecast.
pub(super) const HORIZON: ParamSchema = ParamSchema {
    name: "horizon",
    kind: Kind::Auto(&Kind::Int {
        min: 1,
        max: MOST_STEPS,
    }),
    default: Some(Literal::Text(AUTO)),
    doc: "steps to forecast; auto follows the frequency: 24 hours, 14 days, 13 weeks, 12 months, 4 quarters, 5 years",
};

/// The parameter `level` of this task and of the forecast.
pub(super) const LEVEL: ParamSchema = ParamSchema {
    name: "level",
    kind: Kind::OneOrMany(&Kind::Float {
        min: 0.0,
        max: 100.0,
        open: true,
    }),
    default: Some(Literal::Float(95.0)),
    doc: "level of the prediction intervals in %, or several",
};

const OWN: [ParamSchema; 19] = [
    HORIZON,
    LEVEL,
    ParamSchema {
        name: "n_windows",
        kind: Kind::Int { min: 1, max: 10_000 },
        default: Some(Literal::Int(5)),
        doc: "windows of the back-test",
    },
    ParamSchema {
        name: "step_size",
        kind: Kind::Auto(&Kind::Int { min: 1, max: 100_000 }),
        default: Some(Literal::Text(AUTO)),
        doc: "steps from one cutoff of the back-test to the next; auto follows the frequency: 168 hours, 7 days, 4 weeks, \
              3 months, a quarter, a year",
    },
    ParamSchema {
        name: "models",
        kind: Kind::List(&registry::MODEL),
        default: Some(Literal::Texts(&registry::DEFAULT)),
        doc: "the models to compare; a table is a program of your own",
    },
    ParamSchema {
        name: "season_length",
        kind: Kind::Auto(&Kind::OneOrMany(&Kind::Int { min: 1, max: 100_000 })),
        default: Some(Literal::Text(AUTO)),
        doc: "lengths of the seasons in steps; auto takes those of the frequency (24 and 168 for hours)",
    },
    reading::OF_CLEAN_AND_KNOWN,
    FREQUENCY,
    ParamSchema {
        name: "metric",
        kind: Kind::Choice(Score::NAMES),
        default: Some(Literal::Text(Score::Rmse.name())),
        doc: "the error that ranks the models; over several series it is scaled by each one's seasonal differences",
    },
    ParamSchema {
        name: "select",
        kind: Kind::Choice(Select::NAMES),
        default: Some(Literal::Text(Select::Overall.name())),
        doc: "forecast all series with the best model, each with its own best, or each with an ensemble of its best few",
    },
    ParamSchema {
        name: "ensemble_size",
        kind: Kind::Int { min: 1, max: 100 },
        default: Some(Literal::Int(3)),
        doc: "how many models an ensemble has",
    },
    ParamSchema {
        name: "ensemble_rule",
        kind: Kind::Choice(EnsembleRule::NAMES),
        default: Some(Literal::Text(EnsembleRule::Weighted.name())),
        doc: "an ensemble is the mean, weighted by the inverse squares of the errors, or the median",
    },
    ParamSchema {
        name: "intervals",
        kind: Kind::Choice(IntervalMethod::NAMES),
        default: Some(Literal::Text(IntervalMethod::Own.name())),
        doc: "the models' own intervals; conformal ones, calibrated on the errors of the back-test; or, of 25 series or \
              more, pooled ones, of the errors of each series and of those whose models err alike",
    },
    ParamSchema {
        name: "non_negative",
        kind: Kind::Bool,
        default: Some(Literal::Bool(false)),
        doc: "whether forecasts and bounds below zero become zero",
    },
    known_ahead::KNOWN,
    ON_BAD_SERIES,
    ENDED_AFTER,
    MAX_MB,
    MAX_ROWS,
];

/// The task's own parameters, then one for each model's settings.
const PARAMS: [ParamSchema; OWN.len() + registry::SETTINGS.len()] = {
    let mut params = [HORIZON; OWN.len() + registry::SETTINGS.len()];
    let mut at = 0;
    while at < params.len() {
        params[at] = if at < OWN.len() {
            OWN[at]
        } else {
            registry::SETTINGS[at - OWN.len()]
        };
        at += 1;
    }
    params
};

static SCHEMA: Schema = Schema {
    name: "train_backtest_select",
    version: 6,
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
            doc: "unique_id, ds, cutoff, y, model, yhat, lo, hi: every forecast of the back-test, the ensemble's too",
        },
        Port {
            name: "leaderboard",
            doc: "a row for what will be forecast, then the models by rank: errors, coverage, or why one failed; over all series, then by series",
        },
        Port {
            name: "selected",
            doc: "the models to forecast with, their versions and settings",
        },
    ],
    optional: &[known_ahead::PORT],
    directories: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct TrainBacktestSelect;

impl Task for TrainBacktestSelect {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn is_parallel(&self) -> bool {
        true
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        compare(context, candidates)
    }

    /// The models in `models` and those that they contain; and those that stand in for a series that they cannot forecast.
    fn parts(&self, params: &BTreeMap<String, Value>) -> Vec<Part> {
        let named = params.get("models").map(|models| match models {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        });
        let runs_program = named
            .into_iter()
            .flatten()
            .any(|model| matches!(model, Value::Table(_)));
        let models = named.into_iter().flatten().filter_map(|name| match name {
            Value::Text(name) => registry::find(name),
            _ => None,
        });
        let falls_back = params.get(ON_BAD_SERIES.name) == Some(&Value::Text(OnBadSeries::Fallback.name().to_owned()));
        let stand_ins = exceptions::STAND_INS
            .into_iter()
            .filter(|_| falls_back)
            .filter_map(registry::find);
        let mut parts: BTreeSet<Part> = models.chain(stand_ins).flat_map(RegisteredModel::parts).collect();
        parts.extend(known_ahead::part(params));
        parts.extend(runs_program.then(program_model::part));
        parts.into_iter().collect()
    }
}

/// Compares the models that `candidates` makes for the lengths of the seasons, and writes what came of it.
pub(super) fn compare(
    context: &Context<'_>,
    candidates: impl FnOnce(&Context<'_>, &[usize]) -> Result<Vec<CandidateModel>, TaskError>,
) -> Result<(), TaskError> {
    let verdicts = validated(context)?;
    let policy = OnBadSeries::of(context);
    let rows = series::observations(context, "clean")?;
    let calendars = Calendars::declared_or_found(context, &rows);
    let frequency = calendars.common();
    let config = BacktestConfig::of(context, frequency);
    let is_calibrated = config.intervals != IntervalMethod::Own;
    if is_calibrated && config.windows.count < 2 {
        return Err(TaskError::new(format!(
            "{} intervals need a back-test of at least two windows",
            config.intervals.name()
        ))
        .help("raise `n_windows`, or set `intervals = \"own\"`"));
    }
    let seasons = seasons(context, frequency);
    let long = [seasons.clone(), frequency.seasons()].concat();
    let ended_after = panel::ended_after(context, &long, config.windows.horizon);
    let mut panel = match policy {
        OnBadSeries::Error => Panel::strict(&rows, calendars, ended_after)?,
        OnBadSeries::Fallback | OnBadSeries::Drop => Panel::of(&rows, calendars, &verdicts, ended_after)?,
    };
    drop(rows);
    let known = Known::of(context)?;
    if let Some(known) = &known {
        panel.fittable().try_for_each(|series| known.look_up(series, 0))?;
    }
    let wanted = WantedWindows {
        windows: config.windows,
        season: seasons.first().copied().unwrap_or(1),
        least: if is_calibrated { 2 } else { 1 },
    };
    let placement = wanted.place(&panel, policy)?;
    tell_of_own_hours(context, frequency, &placement);
    let mut candidates = candidates(context, &seasons)?;
    if let Some(known) = &known {
        tell(context, known, &candidates, &placement, config.windows.horizon);
    }
    let results = backtest::run(context, &candidates, &placement.tested, config.request())?;
    log(context, &candidates, &results);
    let mut outcomes: Vec<Vec<Outcomes>> = results.into_iter().map(|(outcomes, _)| outcomes).collect();
    config.finish(wanted.season, &placement.tested, &mut outcomes);
    if policy == OnBadSeries::Fallback {
        exceptions::add_stand_ins(&mut candidates, &seasons);
    }
    let report = BacktestReport {
        config,
        seasons,
        series: &placement.tested,
        candidates: &candidates,
        outcomes,
        on_bad_series: policy,
        known: known.as_ref().map(Known::sources),
    };
    let ranking = report.ranking()?;
    let choices = report.choose(&ranking)?;
    let exceptions = report.exceptions(context, &ranking, &choices, &placement.bad, &placement.shortened);
    let all = placement.tested.len() + placement.bad.len();
    if exceptions.len() == all && exceptions.iter().all(|one| one.treatment == Treatment::LeftOut) {
        return Err(nothing_left(&exceptions));
    }
    let warning = exceptions::warning(&exceptions, all, |at| candidates[at].name.clone());
    if let Some(warning) = warning {
        context.warn(&warning);
    }
    report.warn_of_known_unused(context, &choices);
    report.write_results(context, &choices)?;
    report.write_leaderboard(context, &ranking, &choices, &exceptions)?;
    report.write_selection(context, choices, &exceptions)
}

/// Warns of series whose days or weeks have other numbers of steps than those of the panel, which the models are made for.
fn tell_of_own_hours(context: &Context<'_>, frequency: Frequency, placement: &Placement<'_>) {
    if *context.param("season_length") != Value::Text(AUTO.to_owned()) {
        return;
    }
    let usual = frequency.seasons();
    let tested = placement.tested.iter().map(|(series, _)| *series);
    let mut others = tested.filter(|series| series.frequency.seasons() != usual);
    let Some(first) = others.next() else { return };
    let lengths = |seasons: &[usize]| {
        seasons
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" and ")
    };
    let own = first.frequency.seasons();
    let more = match others.count() {
        0 => String::new(),
        more => format!(", and {more} more have others than the panel"),
    };
    context.warn(&format!(
        "the series `{}` has seasons of {} steps by its own open days and hours{more}; the models are made for those of the panel, {}: \
         a target of its own for such series is fitted to theirs",
        first.unique_id,
        lengths(&own),
        lengths(&usual),
    ));
}

/// Warns of what is known ahead to no end.
fn tell(
    context: &Context<'_>,
    known: &Known,
    candidates: &[CandidateModel],
    placement: &Placement<'_>,
    horizon: usize,
) {
    let tested: Vec<&Series> = placement.tested.iter().map(|(series, _)| *series).collect();
    for warning in known.warnings(&tested, horizon) {
        context.warn(&warning);
    }
    if !candidates.iter().any(CandidateModel::uses_known) {
        context.warn(&format!(
            "none of the models uses what is known ahead; these can, and a program of your own: {}",
            registry::regressions().join(", ")
        ));
    }
}

/// The error of a panel of which no series can be forecast.
fn nothing_left(exceptions: &[Exception]) -> TaskError {
    let error = TaskError::new("none of the series can be forecast");
    let error = exceptions.iter().take(10).fold(error, |error, one| {
        error.note(format!("`{}`: {}", one.unique_id, one.reason))
    });
    error.help("look at the series; `metadata` and `validation` say more of them")
}

/// Checks that the validation passed, since an input may be bound to any file; gives what it says of single series.
pub(super) fn validated(context: &Context<'_>) -> Result<Verdicts, TaskError> {
    let validation = document::read(context, "validation")?;
    let status = validation.get("status").and_then(serde_json::Value::as_str);
    match status.and_then(|status| status.parse().ok()) {
        Some(ValidationStatus::Valid) => Ok(verdicts(&validation)),
        Some(ValidationStatus::Broken) | None => Err(TaskError::new(format!(
            "`validation` does not say that the series are valid; its status is {}",
            status.map_or("missing".to_owned(), |status| format!("`{status}`"))
        ))),
    }
}

/// The rules that single series break, as the validation lists them under `bad_series`.
fn verdicts(validation: &serde_json::Map<String, serde_json::Value>) -> Verdicts {
    let mut verdicts = Verdicts::new();
    let listed = validation.get("bad_series").and_then(serde_json::Value::as_array);
    for one in listed.into_iter().flatten() {
        let field = |name: &str| one.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        if let (Some(id), Some(rule), Some(why)) = (field("unique_id"), field("rule"), field("why")) {
            verdicts.entry(id).or_default().push(BrokenRule { rule, why });
        }
    }
    verdicts
}

/// The lengths of the seasons, the shortest first.
fn seasons(context: &Context<'_>, frequency: Frequency) -> Vec<usize> {
    let mut seasons = match context.param("season_length") {
        Value::Text(_) => frequency.seasons(),
        _ => context.counts("season_length"),
    };
    seasons.sort_unstable();
    seasons.dedup();
    seasons
}

/// The models of `models` with their settings, each once.
///
/// # Errors
/// [`TaskError`] if a program cannot be found.
pub(super) fn candidates(context: &Context<'_>, seasons: &[usize]) -> Result<Vec<CandidateModel>, TaskError> {
    let items = context.items("models");
    let first = (0..items.len()).filter(|at| !items[..*at].contains(&items[*at]));
    let candidate = |at: usize| match &items[at] {
        Value::Text(name) => {
            let entry = registry::find(name)?;
            let settings = registry::settings(&context.params, entry.name);
            Some(Ok(CandidateModel::registered(entry, seasons, &settings)))
        }
        Value::Table(entries) => Some(ProgramModel::declared(context, entries, seasons).map(CandidateModel::program)),
        _ => None,
    };
    first.filter_map(candidate).collect()
}

/// Reports what the models cost: in the log, for an artifact has no times in it.
fn log(context: &Context<'_>, candidates: &[CandidateModel], results: &[(Vec<Outcomes>, FitEffort)]) {
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
        .fold(FitEffort::default(), |sum, (_, effort)| sum.and(*effort));
    context.log(&format!(
        "{} of {} forecasts were remembered",
        all.remembered,
        all.fitted + all.remembered
    ));
}
