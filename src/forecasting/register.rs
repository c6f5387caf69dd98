//! `register_champion`: records which model won, on what data, and how well it did.

use serde_json::{Map, Value, json};

use polars::prelude::{AnyValue, Column, DataFrame};

use super::document;
use super::limits::{MAX_MB, MAX_ROWS};
use super::series;
use super::table;
use crate::engine::digest;
use crate::engine::spec::schema::{Kind, Literal, ParamSchema, Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

static SCHEMA: Schema = Schema {
    name: "register_champion",
    version: 2,
    summary: "records the winning model with its data and its errors",
    params: &[
        ParamSchema {
            name: "experiment_name",
            kind: Kind::Text,
            default: Some(Literal::Text("eia_forecasting")),
            doc: "name of the experiment",
        },
        ParamSchema {
            name: "model_alias",
            kind: Kind::Text,
            default: Some(Literal::Text("champion")),
            doc: "alias of the winning model",
        },
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
    outputs: &[Port {
        name: "champion",
        doc: "the winner: model, settings, errors, series, digest of the data",
    }],
    optional: &[],
    secrets: &[],
    variables: &[],
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
        let selected = document::read(context, "selected")?;
        let part = |name: &str| selected.get(name).cloned().unwrap_or_default();
        let series = series::observations(context, "clean")?;
        let mut ids: Vec<&str> = series.iter().map(|row| row.unique_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = series.len();
        let digest = digest_of(&series);
        let leaderboard = table::read(context, "leaderboard")?;
        let names: Vec<Value> = part("models")
            .as_array()
            .into_iter()
            .flatten()
            .map(|model| model["name"].clone())
            .collect();
        let of_name = |name: &Value| Some((name.as_str()?.to_owned(), scores(&leaderboard, name.as_str()?)?.into()));
        let mut metrics: Map<String, Value> = names.iter().filter_map(of_name).collect();
        let complete = metrics.len() == names.len() && !names.is_empty();
        // The first line is about what will be forecast: one of the models, or what they are combined to.
        let forecast = leaderboard
            .column("model")
            .ok()
            .and_then(|names| names.str().ok()?.get(0));
        metrics.extend(forecast.and_then(|name| of_name(&name.into())));
        if !complete {
            return Err(
                TaskError::new("`selected` and `leaderboard` are not of the same back-test")
                    .help("build both with one target of the task `train_backtest_select`"),
            );
        }
        context.log("nothing was registered in MLflow: no tracking server is configured");
        document::write(
            context,
            "champion",
            &json!({
                "experiment_name": context.text("experiment_name"),
                "alias": context.text("model_alias"),
                "select": part("select"),
                "models": part("models"),
                "series": part("series"),
                "metrics": metrics,
                "data": { "unique_ids": ids, "row_count": rows, "digest": digest },
                "registered": false,
                "registration": "nothing was registered in MLflow: no tracking server is configured",
            }),
        )
    }
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
