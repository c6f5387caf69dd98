//! `register_champion`: registers which model won, on what data, and how well it did, and records what was registered.

mod logged;
mod windows;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use polars_core::prelude::{AnyValue, Column, DataFrame};

use self::logged::Logged;
use super::document;
use super::frequency::FREQUENCY;
use super::known_ahead;
use super::limits::{MAX_MB, MAX_ROWS};
use super::mlflow::{self, DEFAULT_URI, Guard, Place, Registered, Registration, VARIABLES};
use super::model_package::ModelPackage;
use super::train::{HORIZON, LEVEL};
use super::{reading, series};
use crate::engine::digest;
use crate::engine::run_id::RunId;
use crate::engine::spec::schema::{AUTO, Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

/// Errors of the leaderboard by which a challenger can be compared with the present champion; the lower the better.
const COMPARED: [&str; 6] = [
    "rmse_mean",
    "mae_mean",
    "mape_mean",
    "smape_mean",
    "mase_mean",
    "crps_mean",
];

static SCHEMA: Schema = Schema {
    name: "register_champion",
    version: 4,
    summary: "registers the winning model with its data and its errors in MLflow",
    params: &[
        ParamSchema {
            name: "tracking_uri",
            kind: Kind::Uri,
            default: Some(Literal::Text(DEFAULT_URI)),
            doc: "where to register: an MLflow server, or a database of SQLite, relative to the project",
        },
        ParamSchema {
            name: "experiment_name",
            kind: Kind::Text,
            default: Some(Literal::Text("eia_forecasting")),
            doc: "name of the experiment",
        },
        ParamSchema {
            name: "registered_model",
            kind: Kind::Text,
            default: Some(Literal::Text("{experiment_name}_{model}")),
            doc: "name of the registered model; `{model}` is that of what won",
        },
        ParamSchema {
            name: "model_alias",
            kind: Kind::Text,
            default: Some(Literal::Text("champion")),
            doc: "alias of the winning model",
        },
        ParamSchema {
            name: "champion_metric",
            kind: Kind::Choice(&COMPARED),
            default: Some(Literal::Text(COMPARED[0])),
            doc: "what `min_improvement` compares",
        },
        ParamSchema {
            name: "min_improvement",
            kind: Kind::Auto(&Kind::Float {
                min: 0.0,
                max: 100.0,
                open: false,
            }),
            default: Some(Literal::Text(AUTO)),
            doc: "by how many % a challenger must be better than the present champion to get its alias; auto: it need not",
        },
        ParamSchema {
            name: "workspace",
            kind: Kind::Text,
            default: Some(Literal::Text("default")),
            doc: "workspace of an MLflow server that has several",
        },
        HORIZON,
        LEVEL,
        reading::OF_CLEAN_AND_RESULTS,
        FREQUENCY,
        MAX_MB,
        MAX_ROWS,
    ],
    inputs: &[
        Port {
            name: "clean",
            doc: "the series that the models were compared on",
        },
        Port {
            name: "leaderboard",
            doc: "a row for what will be forecast, then the models by rank: errors and coverage",
        },
        Port {
            name: "selected",
            doc: "the models to forecast with, their versions and settings",
        },
    ],
    optional: &[
        Port {
            name: "cv_results",
            doc: "the forecasts of the back-test: for the errors by window, and logged",
        },
        Port {
            name: "validation",
            doc: "the verdict on the series, logged",
        },
        Port {
            name: "metadata",
            doc: "what was made of the raw data, logged",
        },
        known_ahead::PORT,
    ],
    outputs: &[Port {
        name: "champion",
        doc: "the winner: model, settings, errors, series, digest of the data; run, version and alias in MLflow",
    }],
    directories: &[],
    secrets: &[],
    variables: &VARIABLES,
    effect: true,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct RegisterChampion;

impl Task for RegisterChampion {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let selected: Value = document::read(context, "selected")?.into();
        let series = series::observations(context, "clean")?;
        let leaderboard = reading::table(context, "leaderboard")?.frame;
        let champion = Champion::of(&selected, &leaderboard)?;
        let project = context.project.as_deref();
        let project = project.ok_or_else(|| TaskError::new("internal error: an effect has no project"))?;
        let place = Place::of(context.text("tracking_uri"), project)?;
        let registration = registration(context, &champion, &selected, &leaderboard, &series)?;
        let registered = mlflow::register(context, &place, &registration)?;
        for line in registered.lines(&registration) {
            context.log(&line);
        }
        let part = |name: &str| selected.get(name).cloned().unwrap_or_default();
        document::write(
            context,
            "champion",
            &json!({
                "experiment_name": context.text("experiment_name"),
                "alias": context.text("model_alias"),
                "select": part("select"),
                "models": part("models"),
                "series": part("series"),
                "metrics": champion.metrics,
                "data": {
                    "unique_ids": unique_ids(&series),
                    "row_count": series.len(),
                    "digest": digest_of(&series),
                },
                "registered": true,
                "registration": registered.record(context, &registration),
            }),
        )
    }
}

/// What won, and the numbers of the leaderboard about it.
struct Champion {
    /// The name of what will be forecast, as the leaderboard has it.
    name: String,
    /// The numbers of each of its models, and of itself.
    metrics: Map<String, Value>,
}

impl Champion {
    fn of(selected: &Value, leaderboard: &DataFrame) -> Result<Self, TaskError> {
        let models = selected["models"].as_array();
        let names: Vec<&str> = models
            .into_iter()
            .flatten()
            .filter_map(|model| model["name"].as_str())
            .collect();
        let of_name = |name: &str| Some((name.to_owned(), Value::from(scores(leaderboard, name)?)));
        let mut metrics: Map<String, Value> = names.iter().filter_map(|name| of_name(name)).collect();
        let complete = metrics.len() == names.len() && !names.is_empty();
        // The first line is about what will be forecast: one of the models, or what they are combined to.
        let column = leaderboard.column("model").ok();
        let first = column.and_then(|names| names.str().ok()?.get(0)).map(str::to_owned);
        let Some(name) = first.filter(|_| complete) else {
            return Err(
                TaskError::new("`selected` and `leaderboard` are not of the same back-test")
                    .help("build both with one target of the task `train_backtest_select`"),
            );
        };
        metrics.extend(of_name(&name));
        Ok(Self { name, metrics })
    }

    /// A name for addresses and metrics: that of the model, or what a combination is called without its members.
    fn label(&self) -> &str {
        label(&self.name)
    }
}

/// The name of a line of the leaderboard without the members of a combination.
fn label(name: &str) -> &str {
    name.split('(').next().unwrap_or(name)
}

/// All that is registered.
fn registration(
    context: &Context<'_>,
    champion: &Champion,
    selected: &Value,
    leaderboard: &DataFrame,
    series: &[series::Observation],
) -> Result<Registration, TaskError> {
    let effect_key = context.effect_key.map(|key| key.hex());
    let effect_key = effect_key.ok_or_else(|| TaskError::new("internal error: an effect has no key"))?;
    let experiment = context.text("experiment_name").to_owned();
    let model = context
        .text("registered_model")
        .replace("{experiment_name}", &experiment)
        .replace("{model}", champion.label());
    for (name, value) in [
        ("registered_model", &model),
        ("model_alias", &context.text("model_alias").to_owned()),
    ] {
        check_name(name, value)?;
    }
    let milliseconds = |time: Option<SystemTime>| {
        let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or_default()
    };
    let time_ms = milliseconds(context.run.map(RunId::time));
    let package = ModelPackage::of(context, selected, series)?;
    let logged = Logged {
        context,
        champion,
        selected,
        leaderboard,
        series,
    };
    let mut run_files = logged.files()?;
    run_files.push(("forecast.svg".to_owned(), package.picture));
    Ok(Registration {
        champion_of: format!("{experiment}: {}", &ids_digest(series)[..16]),
        experiment,
        model,
        alias: Some(context.text("model_alias").to_owned()),
        effect_key,
        time_ms,
        end_ms: milliseconds(context.effect_time()).max(time_ms),
        run_name: format!("{} {}", context.target, champion.label()),
        tags: logged.tags(),
        params: logged.params(),
        metrics: logged.metrics()?,
        dataset: logged.dataset(),
        run_files,
        model_files: package.files,
        guard: guard(context),
    })
}

fn guard(context: &Context<'_>) -> Option<Guard> {
    let metric = context.text("champion_metric").to_owned();
    match context.param("min_improvement") {
        crate::engine::spec::Value::Float(percent) => Some(Guard {
            metric,
            min_improvement: *percent,
        }),
        _ => None,
    }
}

/// Refuses a name that MLflow would, or that no filter of its search can hold.
fn check_name(param: &str, name: &str) -> Result<(), TaskError> {
    let is_bad = |c: char| "/:'\"`\\".contains(c) || c.is_control();
    let is_version = name
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()));
    match name.contains(is_bad) || name.len() > 250 || name.trim().is_empty() {
        true => Err(
            TaskError::new(format!("`{param}` gives the name `{name}`, which MLflow does not take"))
                .help("leave out `/`, `:`, quotes and control characters; 250 characters at most"),
        ),
        false if param == "model_alias" && (is_version || name.eq_ignore_ascii_case("latest")) => Err(TaskError::new(
            format!("`{param}` is `{name}`, which MLflow keeps for versions"),
        )
        .help("take another word, such as `champion`")),
        false => Ok(()),
    }
}

impl Registered {
    /// What people are told.
    fn lines(&self, registration: &Registration) -> Vec<String> {
        let Registration { experiment, model, .. } = registration;
        vec![
            format!("run {} in the experiment `{experiment}`", self.run_id),
            format!("`{model}` version {}: {}", self.version, self.alias.why),
        ]
    }

    /// What `champion.json` keeps.
    fn record(&self, context: &Context<'_>, registration: &Registration) -> Value {
        let alias = registration.alias.as_ref().filter(|_| self.alias.holds);
        let uri = match alias {
            Some(alias) => format!("models:/{}@{alias}", registration.model),
            None => format!("models:/{}/{}", registration.model, self.version),
        };
        json!({
            "tracking_uri": context.text("tracking_uri"),
            "workspace": context.text("workspace"),
            "experiment_id": self.experiment_id,
            "run_id": self.run_id,
            "model_id": self.model_id,
            "model": registration.model,
            "version": self.version,
            "alias": alias,
            "uri": uri,
            "effect_key": registration.effect_key,
            "replaced": self.alias.replaced,
            "why": self.alias.why,
        })
    }
}

fn unique_ids(series: &[series::Observation]) -> Vec<&str> {
    let mut ids: Vec<&str> = series.iter().map(|row| row.unique_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn ids_digest(series: &[series::Observation]) -> String {
    digest::Digest::of(unique_ids(series).join("\n").as_bytes()).hex()
}

/// The digest of the series as such, whatever file they stand in: names, times and values in order.
fn digest_of(rows: &[series::Observation]) -> String {
    let mut bytes = Vec::with_capacity(rows.len() * 32);
    for row in rows {
        bytes.extend((row.unique_id.len() as u64).to_le_bytes());
        bytes.extend(row.unique_id.as_bytes());
        bytes.extend(row.ds.and_utc().timestamp_micros().to_le_bytes());
        bytes.extend(row.y.map_or([0xff; 8], |y| y.to_bits().to_le_bytes()));
    }
    digest::Digest::of(&bytes).hex()
}

/// The numbers of a model's first row of the leaderboard, which is that over all series.
fn scores(leaderboard: &DataFrame, model: &str) -> Option<Map<String, Value>> {
    let names = leaderboard.column("model").ok()?.str().ok()?.clone();
    let row = names.iter().position(|name| name == Some(model))?;
    let columns = leaderboard
        .columns()
        .iter()
        .filter(|column| !column.dtype().is_string());
    let number = |column: &Column| {
        let value = match column.get(row).ok()? {
            AnyValue::Float64(number) => number.into(),
            AnyValue::UInt32(number) => number.into(),
            AnyValue::Null => Value::Null,
            _ => return None,
        };
        Some((column.name().to_string(), value))
    };
    Some(columns.filter_map(number).collect())
}
