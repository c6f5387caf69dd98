//! What a run tells of a champion: parameters, metrics of every model, the data, the artifacts.

use std::collections::BTreeMap;

use polars_core::prelude::DataFrame;
use serde_json::{Map, Value, json};

use super::{Champion, digest_of, label, scores, unique_ids, windows};
use crate::engine::task::{Context, TaskError};
use crate::forecasting::frequency::Calendars;
use crate::forecasting::leaderboard::NO_MODEL;
use crate::forecasting::limits::SizeLimit;
use crate::forecasting::mlflow::{LoggedDataset, MetricPoint};
use crate::forecasting::table;
use crate::forecasting::{data_file, series};

/// Most characters of a parameter's value, as the server has it.
const LONGEST_VALUE: usize = 6000;
/// Characters of a dataset's digest, which must be fewer than 37.
const DATASET_DIGEST: usize = 32;

/// What a champion is logged from.
pub(super) struct Logged<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) champion: &'a Champion,
    pub(super) selected: &'a Value,
    pub(super) leaderboard: &'a DataFrame,
    pub(super) series: &'a [series::Observation],
}

impl Logged<'_> {
    /// Artifacts as they lie, each under the name of its role.
    pub(super) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, TaskError> {
        let roles = ["leaderboard", "selected", "cv_results", "validation", "metadata"];
        let mut files = Vec::new();
        for role in roles {
            let Some(path) = self.context.inputs.get(role) else {
                continue;
            };
            let holder = format!("`{role}`");
            let bytes = data_file::read(self.context, path, &holder, SizeLimit::of(self.context))?;
            let name = table::file_name(path);
            let name = name.strip_suffix(".gz").unwrap_or(&name);
            let end = name.rsplit_once('.').map_or("", |(_, end)| end);
            files.push((
                match end {
                    "" => role.to_owned(),
                    end => format!("{role}.{end}"),
                },
                bytes,
            ));
        }
        let mut leaderboard = self.leaderboard.clone();
        files.push(("leaderboard.csv".to_owned(), table::csv_bytes(&mut leaderboard)?));
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        Ok(files)
    }

    pub(super) fn tags(&self) -> Vec<(String, String)> {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        vec![
            pair("atsaf.target", self.context.target),
            pair("atsaf.version", env!("CARGO_PKG_VERSION")),
            pair("atsaf.data", &digest_of(self.series)),
        ]
    }

    pub(super) fn params(&self) -> Vec<(String, String)> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let frequency = Calendars::declared_or_found(self.context, self.series).common();
        let horizon = frequency.horizon(self.context);
        let mut params = BTreeMap::from([
            ("model".to_owned(), self.champion.name.clone()),
            ("horizon".to_owned(), horizon.to_string()),
            ("row_count".to_owned(), self.series.len().to_string()),
        ]);
        for name in ["select", "metric", "season_length", "non_negative", "intervals"] {
            if let Some(value) = self.selected.get(name).filter(|value| !value.is_object()) {
                params.insert(name.to_owned(), text(value));
            }
        }
        for model in self.selected["models"].as_array().into_iter().flatten() {
            let name = model["name"].as_str().unwrap_or_default();
            let versions = model["versions"].as_object();
            if let Some(version) = versions.and_then(|versions| versions.get(name)) {
                params.insert(format!("{name}.version"), text(version));
            }
            if let Some(run) = model.get("run") {
                params.insert(format!("{name}.run"), text(run));
            }
            for (setting, value) in model["settings"].as_object().into_iter().flatten() {
                params.insert(format!("{name}.{setting}"), text(value));
            }
        }
        let cut = |text: String| text.chars().take(LONGEST_VALUE).collect();
        params.into_iter().map(|(key, value)| (key, cut(value))).collect()
    }

    /// The leaderboard's numbers of what will be forecast by their own names, those of each line below its name; and by
    /// window where the forecasts of the back-test are there.
    pub(super) fn metrics(&self) -> Result<Vec<MetricPoint>, TaskError> {
        let mut points = Vec::new();
        let mut line = |prefix: &str, numbers: &Map<String, Value>, of_model| {
            points.extend(numbers.iter().map(|(name, value)| MetricPoint {
                key: format!("{prefix}{name}"),
                value: value.as_f64().unwrap_or(f64::NAN),
                step: 0,
                of_model,
            }));
        };
        let champion = self.champion.name.as_str();
        if let Some(numbers) = scores(self.leaderboard, champion) {
            line("", &numbers, true);
        }
        let names = models_of(self.leaderboard);
        // What is not forecast has no numbers.
        let mut seen = vec![NO_MODEL.to_owned()];
        for name in names {
            if !seen.contains(&name) {
                if let Some(numbers) = scores(self.leaderboard, &name) {
                    line(&format!("{}/", label(&name)), &numbers, false);
                }
                seen.push(name);
            }
        }
        points.extend(windows::points(self)?);
        Ok(points)
    }

    /// The series that the models were compared on.
    pub(super) fn dataset(&self) -> LoggedDataset {
        let path = self.context.input("clean");
        let project = self.context.project.as_deref();
        let below = project.and_then(|project| path.strip_prefix(project).ok());
        let uri = below.map_or_else(|| table::file_name(path), |path| path.display().to_string());
        let column = |kind: &str, name: &str| json!({ "type": kind, "name": name, "required": true });
        let columns = [
            column("string", "unique_id"),
            column("datetime", "ds"),
            column("double", "y"),
        ];
        LoggedDataset {
            name: "clean".to_owned(),
            digest: digest_of(self.series)[..DATASET_DIGEST].to_owned(),
            source: json!({ "uri": uri }).to_string(),
            schema: json!({ "mlflow_colspec": columns }).to_string(),
            profile: json!({ "num_rows": self.series.len(), "num_series": unique_ids(self.series).len() }).to_string(),
        }
    }
}

/// The models that the lines of a leaderboard are about.
fn models_of(leaderboard: &DataFrame) -> Vec<String> {
    let column = leaderboard.column("model").ok();
    let names = column.and_then(|column| column.str().ok());
    names
        .map(|names| names.iter().flatten().map(str::to_owned).collect())
        .unwrap_or_default()
}
