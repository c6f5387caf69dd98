//! `atsaf mlflow push`: what was registered in the embedded store, made on a server as well, each once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::registration::Registered;
use super::{Place, ServerAccess, embedded, server};
use crate::engine::spec::Value;
use crate::engine::task::{Context, Message, TaskError};

/// What a push goes by.
#[derive(Clone, Copy)]
pub struct PushRequest<'a> {
    /// The project's directory.
    pub project: &'a Path,
    /// The URI of the embedded store.
    pub from: &'a str,
    /// The address of the server.
    pub to: &'a str,
    /// The workspace of the server.
    pub workspace: &'a str,
    /// Secrets and other variables for it.
    pub variables: &'a BTreeMap<String, String>,
    /// Set when it has to end.
    pub cancelled: &'a AtomicBool,
    /// Takes what there is to say.
    pub say: &'a (dyn Fn(Message<'_>) + Sync),
}

/// A version that a push has made on the server, or found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedVersion {
    /// The registered model.
    pub model: String,
    /// Its version on the server.
    pub version: u64,
    /// The alias that it holds there.
    pub alias: Option<String>,
    /// The run on the server.
    pub run_id: String,
}

/// Registers on a server all that is in the embedded store, the oldest first.
///
/// # Errors
/// [`TaskError`]; what was made by then is found by the next push.
pub fn push(request: PushRequest<'_>) -> Result<Vec<PushedVersion>, TaskError> {
    let place = |uri| Place::of(uri, request.project);
    let (Place::Embedded(store), Place::Server(address)) = (place(request.from)?, place(request.to)?) else {
        return Err(
            TaskError::new(format!("cannot push from `{}` to `{}`", request.from, request.to)).help(
                "push from a database, `--from sqlite:///mlflow/mlflow.db`, to a server, `--to http://localhost:5000`",
            ),
        );
    };
    let context = Context {
        params: BTreeMap::from([("workspace".to_owned(), Value::Text(request.workspace.to_owned()))]),
        secrets: request.variables.clone(),
        access: request.variables.clone(),
        project: Some(request.project.to_owned()),
        ..Context::outside("push", request.cancelled, request.say)
    };
    let access = ServerAccess::of(&context, &address);
    let registrations = embedded::registrations(&store)?;
    let pushed = registrations.iter().map(|registration| {
        let Registered {
            run_id, version, alias, ..
        } = server::register(&context, &access, registration)?;
        Ok(PushedVersion {
            model: registration.model.clone(),
            version,
            alias: registration.alias.clone().filter(|_| alias.holds),
            run_id,
        })
    });
    pushed.collect()
}
