//! The logged model of a run, the registered model, and its version.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::{self, Api, pairs};
use super::run::Run;
use crate::engine::task::TaskError;
use crate::forecasting::mlflow::registration::{CHAMPION_OF, EFFECT_KEY, MLMODEL, Registration, with_ids};
use crate::http::Repeat;

/// The name of a logged model within its run.
const NAME: &str = "model";

/// A logged model.
#[derive(Debug)]
pub(super) struct LoggedModel {
    pub(super) id: String,
    pub(super) artifact_uri: String,
    pub(super) is_ready: bool,
}

/// The logged model of a run, made if it is not there.
pub(super) fn logged(api: &Api<'_>, run: &Run, registration: &Registration) -> Result<LoggedModel, TaskError> {
    let experiment_id = run.experiment_id.as_str();
    let body = json!({
        "experiment_ids": [experiment_id],
        "filter": format!("source_run_id = '{}'", run.id),
    });
    let answer = api.post("logged-models/search", &body)?;
    if let Some(first) = answer.pointer("/models/0") {
        return LoggedModel::of(first);
    }
    let params = registration
        .params
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let body = json!({
        "experiment_id": experiment_id,
        "name": NAME,
        "model_type": "",
        "source_run_id": run.id,
        "params": pairs(params),
        "tags": pairs([(EFFECT_KEY, registration.effect_key.as_str())]),
    });
    let answer = api.create("logged-models", &body)?;
    LoggedModel::of(answer.get("model").unwrap_or(&Value::Null))
}

impl LoggedModel {
    fn of(model: &Value) -> Result<Self, TaskError> {
        let text = |pointer| model.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            id: api::id(model, "/info/model_id")?,
            artifact_uri: text("/info/artifact_uri").to_owned(),
            is_ready: text("/info/status") == "LOGGED_MODEL_READY",
        })
    }

    /// A file of the model as it is put there.
    pub(super) fn file(&self, name: &str, bytes: &[u8], run_id: &str) -> Vec<u8> {
        match name {
            MLMODEL => with_ids(bytes, &self.artifact_uri, &self.id, run_id),
            _ => bytes.to_vec(),
        }
    }

    /// Says that all its files are there.
    pub(super) fn finalise(&self, api: &Api<'_>) -> Result<(), TaskError> {
        let body = json!({ "model_id": self.id, "status": "LOGGED_MODEL_READY" });
        api.with_body(
            Method::PATCH,
            &format!("logged-models/{}", self.id),
            &body,
            Repeat::Times(4),
        )?;
        Ok(())
    }
}

/// Sees to it that the registered model is there, and says of what its versions are champions.
pub(super) fn registered(api: &Api<'_>, registration: &Registration) -> Result<(), TaskError> {
    let name = registration.model.as_str();
    let found = match api.get("registered-models/get", &[("name", name)]) {
        Ok(found) => found,
        Err(error) if error.is("RESOURCE_DOES_NOT_EXIST") => {
            let body = json!({
                "name": name,
                "description": "champions that atsaf registers",
                "tags": pairs([(CHAMPION_OF, registration.champion_of.as_str())]),
            });
            return match api.create("registered-models/create", &body) {
                Ok(_) => Ok(()),
                Err(error) if error.is("RESOURCE_ALREADY_EXISTS") => Ok(()),
                Err(error) => Err(error.into()),
            };
        }
        Err(error) => return Err(error.into()),
    };
    if api::tag(&found["registered_model"], CHAMPION_OF).is_none() {
        let body = json!({ "name": name, "key": CHAMPION_OF, "value": registration.champion_of });
        api.post("registered-models/set-tag", &body)?;
    }
    Ok(())
}

/// The version that a run has made, made if it is not there.
pub(super) fn version(
    api: &Api<'_>,
    registration: &Registration,
    run_id: &str,
    model_id: &str,
) -> Result<u64, TaskError> {
    let name = registration.model.as_str();
    if let Some(first) = first_version(api, name, run_id)? {
        return Ok(first);
    }
    let body = json!({
        "name": name,
        "source": format!("models:/{model_id}"),
        "run_id": run_id,
        "model_id": model_id,
        "tags": pairs([(EFFECT_KEY, registration.effect_key.as_str())]),
    });
    let answer = api.create("model-versions/create", &body)?;
    let made = number_of(&answer["model_version"])?;
    // Somebody else may have made one at the same moment.
    match first_version(api, name, run_id)? {
        Some(first) if first < made => {
            let body = json!({ "name": name, "version": made.to_string() });
            api.with_body(Method::DELETE, "model-versions/delete", &body, Repeat::Never)?;
            Ok(first)
        }
        _ => Ok(made),
    }
}

fn first_version(api: &Api<'_>, name: &str, run_id: &str) -> Result<Option<u64>, TaskError> {
    let filter = format!("name = '{name}' AND run_id = '{run_id}'");
    let answer = api.get("model-versions/search", &[("filter", &filter)])?;
    let versions = answer.get("model_versions").and_then(Value::as_array);
    let numbers: Vec<u64> = versions
        .into_iter()
        .flatten()
        .map(number_of)
        .collect::<Result<_, _>>()?;
    Ok(numbers.into_iter().min())
}

/// The number of a version, which the API has as a text.
pub(super) fn number_of(version: &Value) -> Result<u64, TaskError> {
    let text = version["version"].as_str();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| TaskError::new("the answer of MLflow has no version of the model"))
}
