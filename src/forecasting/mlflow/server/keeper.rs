//! The alias of registered models on a server.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::{self, Api};
use super::model::number_of;
use crate::engine::task::TaskError;
use crate::forecasting::mlflow::alias::{AliasKeeper, ModelVersion};
use crate::forecasting::mlflow::registration::{CHAMPION_OF, REPLACED, Registration};
use crate::http::Repeat;

/// Asks and tells a server.
pub(super) struct ServerKeeper<'a> {
    api: &'a Api<'a>,
    registration: &'a Registration,
}

impl<'a> ServerKeeper<'a> {
    pub(super) fn new(api: &'a Api<'a>, registration: &'a Registration) -> Self {
        Self { api, registration }
    }

    /// The version of a model that holds an alias.
    fn holder(&self, model: &str, alias: &str) -> Result<Option<ModelVersion>, TaskError> {
        let answer = match self
            .api
            .get("registered-models/alias", &[("name", model), ("alias", alias)])
        {
            Ok(answer) => answer,
            // An alias that is not there is an invalid value to MLflow.
            Err(error) if error.is("RESOURCE_DOES_NOT_EXIST") || error.is("INVALID_PARAMETER_VALUE") => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let version = &answer["model_version"];
        Ok(Some(ModelVersion {
            model: model.to_owned(),
            version: number_of(version)?,
            run_id: version["run_id"].as_str().unwrap_or_default().to_owned(),
        }))
    }

    fn version(&self, own: &ModelVersion) -> Result<Value, TaskError> {
        let version = own.version.to_string();
        let query = [("name", own.model.as_str()), ("version", version.as_str())];
        Ok(self.api.get("model-versions/get", &query)?)
    }
}

impl AliasKeeper for ServerKeeper<'_> {
    fn holders(&mut self, alias: &str) -> Result<Vec<ModelVersion>, TaskError> {
        let Registration { model, champion_of, .. } = self.registration;
        let filter = format!("tags.`{CHAMPION_OF}` = '{champion_of}'");
        let query = [("filter", filter.as_str()), ("max_results", "100")];
        let answer = self.api.get("registered-models/search", &query)?;
        let models = answer.get("registered_models").and_then(Value::as_array);
        let names = models.into_iter().flatten().filter_map(|it| it["name"].as_str());
        let others = names.filter(|name| name != model);
        std::iter::once(model.as_str())
            .chain(others)
            .filter_map(|name| self.holder(name, alias).transpose())
            .collect()
    }

    fn metric(&mut self, run_id: &str, key: &str) -> Result<Option<f64>, TaskError> {
        let answer = match self.api.get("runs/get", &[("run_id", run_id)]) {
            Ok(answer) => answer,
            Err(error) if error.is("RESOURCE_DOES_NOT_EXIST") || error.is("INVALID_PARAMETER_VALUE") => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let metrics = answer.pointer("/run/data/metrics").and_then(Value::as_array);
        let found = metrics.into_iter().flatten().find(|metric| metric["key"] == key);
        Ok(found.and_then(|metric| metric["value"].as_f64()))
    }

    fn replaced(&mut self, own: &ModelVersion) -> Result<Option<String>, TaskError> {
        let answer = self.version(own)?;
        Ok(api::tag(&answer["model_version"], REPLACED).map(str::to_owned))
    }

    fn keep_replaced(&mut self, own: &ModelVersion, replaced: &str) -> Result<(), TaskError> {
        let body = json!({
            "name": own.model,
            "version": own.version.to_string(),
            "key": REPLACED,
            "value": replaced,
        });
        self.api.post("model-versions/set-tag", &body)?;
        Ok(())
    }

    fn set(&mut self, alias: &str, own: &ModelVersion) -> Result<(), TaskError> {
        let body = json!({ "name": own.model, "alias": alias, "version": own.version.to_string() });
        self.api.post("registered-models/alias", &body)?;
        Ok(())
    }

    fn remove(&mut self, alias: &str, holder: &ModelVersion) -> Result<(), TaskError> {
        let body = json!({ "name": holder.model, "alias": alias });
        self.api
            .with_body(Method::DELETE, "registered-models/alias", &body, Repeat::Times(4))?;
        Ok(())
    }
}
