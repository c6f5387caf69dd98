//! The run: found by its key or made, and what is logged to it.

use serde_json::{Value, json};

use super::api::{self, Api, pairs};
use crate::engine::task::TaskError;
use crate::forecasting::mlflow::registration::{EFFECT_KEY, LoggedDataset, MetricPoint, Registration};

/// Most parameters, and tags, in one call.
const PAIRS: usize = 100;
/// Metrics in one call: half of what is allowed, and far below the size that is.
const METRICS: usize = 500;

/// A run of the server.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) experiment_id: String,
    pub(super) artifact_uri: String,
    start_time: i64,
    is_finished: bool,
    /// Its logged model, once that is an output of it.
    output: Option<String>,
}

/// The run with the key of the effect; of several, the first.
fn found(api: &Api<'_>, experiment_id: &str, effect_key: &str) -> Result<Vec<Run>, TaskError> {
    let body = json!({
        "experiment_ids": [experiment_id],
        "filter": format!("tags.`{EFFECT_KEY}` = '{effect_key}'"),
        "run_view_type": "ACTIVE_ONLY",
        "max_results": 100,
    });
    let answer = api.post("runs/search", &body)?;
    let runs = answer.get("runs").and_then(Value::as_array);
    let mut runs: Vec<Run> = runs.into_iter().flatten().map(Run::of).collect::<Result<_, _>>()?;
    runs.sort_by(|a, b| (a.start_time, &a.id).cmp(&(b.start_time, &b.id)));
    Ok(runs)
}

/// The run of a registration.
pub(super) fn found_or_made(api: &Api<'_>, experiment_id: &str, registration: &Registration) -> Result<Run, TaskError> {
    let find = || found(api, experiment_id, &registration.effect_key);
    if let Some(first) = find()?.into_iter().next() {
        return Ok(first);
    }
    let own = [
        (EFFECT_KEY, registration.effect_key.as_str()),
        ("mlflow.source.name", "atsaf"),
        ("mlflow.source.type", "JOB"),
    ];
    let others = registration
        .tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let body = json!({
        "experiment_id": experiment_id,
        "run_name": registration.run_name,
        "start_time": registration.time_ms,
        "tags": pairs(own.into_iter().chain(others)),
    });
    let answer = api.create("runs/create", &body)?;
    let made = Run::of(answer.get("run").unwrap_or(&Value::Null))?;
    // Somebody else may have made one at the same moment.
    match find()?.into_iter().next() {
        Some(first) if first.id != made.id => {
            api.post("runs/delete", &json!({ "run_id": made.id }))?;
            Ok(first)
        }
        _ => Ok(made),
    }
}

impl Run {
    fn of(run: &Value) -> Result<Self, TaskError> {
        let text = |pointer| run.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let output = run.pointer("/outputs/model_outputs/0").is_some();
        Ok(Self {
            id: api::id(run, "/info/run_id")?,
            experiment_id: api::id(run, "/info/experiment_id")?,
            artifact_uri: text("/info/artifact_uri").to_owned(),
            start_time: run
                .pointer("/info/start_time")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            is_finished: text("/info/status") == "FINISHED",
            output: match output {
                true => Some(api::id(run, "/outputs/model_outputs/0/model_id")?),
                false => None,
            },
        })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// The model of a run that has ended with all that belongs to it.
    pub(super) fn finished_with(&self) -> Option<String> {
        self.output.clone().filter(|_| self.is_finished)
    }

    pub(super) fn log_inputs(&self, api: &Api<'_>, dataset: &LoggedDataset) -> Result<(), TaskError> {
        let body = json!({
            "run_id": self.id,
            "datasets": [{
                "tags": pairs([("mlflow.data.context", "training")]),
                "dataset": {
                    "name": dataset.name,
                    "digest": dataset.digest,
                    "source_type": "local",
                    "source": dataset.source,
                    "schema": dataset.schema,
                    "profile": dataset.profile,
                },
            }],
        });
        api.post("runs/log-inputs", &body)?;
        Ok(())
    }

    /// Logs parameters and metrics, in as many calls as the limits ask for.
    pub(super) fn log_batches(
        &self,
        api: &Api<'_>,
        registration: &Registration,
        model_id: &str,
    ) -> Result<(), TaskError> {
        for part in registration.params.chunks(PAIRS) {
            let params = pairs(part.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            api.post("runs/log-batch", &json!({ "run_id": self.id, "params": params }))?;
        }
        for part in registration.metrics.chunks(METRICS) {
            let metric = |point| self.metric(point, &registration.dataset, model_id);
            let metrics: Value = part.iter().map(metric).collect();
            api.post("runs/log-batch", &json!({ "run_id": self.id, "metrics": metrics }))?;
        }
        Ok(())
    }

    fn metric(&self, point: &MetricPoint, dataset: &LoggedDataset, model_id: &str) -> Value {
        let mut metric = json!({
            "key": point.key,
            "value": number(point.value),
            "timestamp": self.start_time,
            "step": point.step,
        });
        if point.of_model {
            metric["model_id"] = model_id.into();
            metric["dataset_name"] = dataset.name.as_str().into();
            metric["dataset_digest"] = dataset.digest.as_str().into();
        }
        metric
    }

    /// Says that the model came of the run; a second time would be an error.
    pub(super) fn log_output(&self, api: &Api<'_>, model_id: &str) -> Result<(), TaskError> {
        if self.output.as_deref() == Some(model_id) {
            return Ok(());
        }
        let body = json!({ "run_id": self.id, "models": [{ "model_id": model_id, "step": 0 }] });
        let Err(error) = api.create("runs/outputs", &body) else {
            return Ok(());
        };
        // Somebody else may have said it meanwhile.
        let now = api.get("runs/get", &[("run_id", &self.id)])?;
        match Run::of(now.get("run").unwrap_or(&Value::Null))?.output {
            Some(output) if output == model_id => Ok(()),
            _ => Err(error.into()),
        }
    }

    pub(super) fn finish(&self, api: &Api<'_>, registration: &Registration) -> Result<(), TaskError> {
        let end = registration.end_ms.max(self.start_time);
        let body = json!({ "run_id": self.id, "status": "FINISHED", "end_time": end });
        api.post("runs/update", &body)?;
        Ok(())
    }
}

/// A number as the API has it: JSON knows none that is not finite.
fn number(value: f64) -> Value {
    match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_does_not_know_are_texts() {
        let numbers = [1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(number);
        assert_eq!(json!(numbers), json!([1.5, "NaN", "Infinity", "-Infinity"]));
    }
}
