//! A tracking server: the sequence of calls, each of which looks first at what is there.
//!
//! | step | what makes it safe to repeat |
//! |---|---|
//! | experiment | found by its name |
//! | run | found by the tag of the effect key |
//! | inputs, parameters, metrics, tags | logged twice they are the same, for their time is that of the run |
//! | logged model, artifacts | found by its run; files are put again until it is ready |
//! | registered model, version | found by name, and by the run |
//! | end of the run | after it, nothing of the above is done again |
//! | alias | last, and asserted each time |
//!
//! Two that find nothing at the same moment both make a run; each looks again then, and all but the first are deleted.

mod api;
mod error;
mod keeper;
mod model;
mod run;
mod upload;

use serde_json::{Value, json};

use self::api::Api;
pub(crate) use self::api::{ServerAccess, VARIABLES};
use self::keeper::ServerKeeper;
use self::run::Run;
use super::alias::{self, ModelVersion};
use super::registration::{Registered, Registration};
use crate::engine::task::{Context, TaskError};

/// Makes a registration on a server, or goes on with it.
pub(super) fn register(
    context: &Context<'_>,
    access: &ServerAccess,
    registration: &Registration,
) -> Result<Registered, TaskError> {
    let api = Api::connect(context, access)?;
    let experiment_id = experiment(&api, &registration.experiment)?;
    let run = run::found_or_made(&api, &experiment_id, registration)?;
    let model_id = match run.finished_with() {
        Some(model_id) => model_id,
        None => log(context, &api, &run, registration)?,
    };
    model::registered(&api, registration)?;
    let version = model::version(&api, registration, &run.id, &model_id)?;
    if !run.is_finished() {
        run.finish(&api, registration)?;
    }
    let own = ModelVersion {
        model: registration.model.clone(),
        version,
        run_id: run.id.clone(),
    };
    let mut keeper = ServerKeeper::new(&api, registration);
    let alias = alias::assert(&mut keeper, &own, registration)?;
    Ok(Registered {
        experiment_id,
        run_id: run.id,
        model_id,
        version,
        alias,
    })
}

/// Logs everything of a run that has not ended; gives the id of its model.
fn log(context: &Context<'_>, api: &Api<'_>, run: &Run, registration: &Registration) -> Result<String, TaskError> {
    context.progress("MLflow: logging the run");
    run.log_inputs(api, &registration.dataset)?;
    let logged = model::logged(api, run, registration)?;
    run.log_batches(api, registration, &logged.id)?;
    for (name, bytes) in &registration.run_files {
        context.progress(&format!("MLflow: {name}"));
        upload::put(api, &run.artifact_uri, &run.id, name, bytes)?;
    }
    if !logged.is_ready {
        for (name, bytes) in &registration.model_files {
            context.progress(&format!("MLflow: model/{name}"));
            let bytes = logged.file(name, bytes, &run.id);
            upload::put(api, &logged.artifact_uri, &logged.id, name, &bytes)?;
        }
        logged.finalise(api)?;
    }
    run.log_output(api, &logged.id)?;
    Ok(logged.id)
}

/// The experiment of a name, made if it is not there.
fn experiment(api: &Api<'_>, name: &str) -> Result<String, TaskError> {
    let find = || api.get("experiments/get-by-name", &[("experiment_name", name)]);
    let found = match find() {
        Ok(found) => found,
        Err(error) if error.is("RESOURCE_DOES_NOT_EXIST") => {
            match api.create("experiments/create", &json!({ "name": name })) {
                Ok(made) => return api::id(&made, "/experiment_id"),
                // Somebody else was quicker.
                Err(error) if error.is("RESOURCE_ALREADY_EXISTS") => find()?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(error) => return Err(error.into()),
    };
    let id = api::id(&found, "/experiment/experiment_id")?;
    match found.pointer("/experiment/lifecycle_stage").and_then(Value::as_str) {
        Some("deleted") => Err(
            TaskError::new(format!("the experiment `{name}` of {} was deleted", api.server())).help(format!(
                "restore it there (`mlflow experiments restore --experiment-id {id}`), or set another `experiment_name`"
            )),
        ),
        _ => Ok(id),
    }
}
