//! What the project talks to, as far as it is configured: MLflow and Airflow.

#[cfg(feature = "forecasting")]
use std::time::Duration;

use super::{Finding, State, programs};
use crate::cli::Session;
use crate::cli::setup::Project;
use crate::engine::spec::Dag;

/// Looks whether they can be reached.
pub(super) fn look(project: Option<&Project>, session: &Session) -> Vec<Finding> {
    let mut findings = Vec::new();
    #[cfg(feature = "forecasting")]
    findings.extend(mlflow(project, session));
    findings.extend(airflow(project, session));
    findings
}

/// The places where champions are registered.
#[cfg(feature = "forecasting")]
fn mlflow(project: Option<&Project>, session: &Session) -> Vec<Finding> {
    use crate::engine::spec::{Action, Value};
    const TASK: &str = "register_champion";
    let Some(project) = project else {
        let uri = session.env.get("MLFLOW_TRACKING_URI");
        return uri.map(|uri| place(uri, None)).into_iter().collect();
    };
    let registers =
        |target: &&crate::engine::spec::Target| matches!(&target.action, Action::Builtin { task, .. } if task == TASK);
    let mut uris: Vec<String> = project
        .graph
        .spec
        .targets
        .iter()
        .filter(registers)
        .filter_map(|target| target.params.iter().find(|param| param.name == "tracking_uri"))
        .filter_map(|param| match &param.value {
            Value::Text(uri) => Some(uri.clone()),
            _ => None,
        })
        .collect();
    uris.sort_unstable();
    uris.dedup();
    uris.iter().map(|uri| place(uri, Some(project))).collect()
}

#[cfg(feature = "forecasting")]
fn place(uri: &str, project: Option<&Project>) -> Finding {
    use crate::engine::spec::uri::is_url;
    use crate::outward::without_credentials;
    const WHAT: &str = "MLflow";
    let shown = without_credentials(uri).into_owned();
    if is_url(uri) {
        return match asked(uri) {
            Ok(status @ (200 | 401 | 403)) => {
                let how = if status == 200 {
                    "answers"
                } else {
                    "answers, and wants a name and a password"
                };
                Finding::ok(WHAT, format!("{shown} {how}"))
            }
            Ok(status) => Finding::new(
                State::Trouble,
                WHAT,
                format!("{shown} answers with status {status}"),
                "see whether that is the address of an MLflow server",
            ),
            Err(why) => Finding::new(
                State::Trouble,
                WHAT,
                format!("{shown} cannot be reached: {why}"),
                "start the server, or correct `MLFLOW_TRACKING_URI`; without it champions are registered in `mlflow/`",
            ),
        };
    }
    let file = uri.strip_prefix("sqlite:///").unwrap_or(uri);
    let root = project
        .map(|project| project.files.root().to_owned())
        .unwrap_or_default();
    match root.join(file).is_file() {
        true => Finding::ok(WHAT, format!("{shown}, a file of this machine")),
        false => Finding::ok(WHAT, format!("{shown}, which the first registration makes")),
    }
}

/// The status with which a server says that it lives.
#[cfg(feature = "forecasting")]
fn asked(uri: &str) -> Result<u16, String> {
    use crate::cli::interrupt;
    use crate::http::{HttpClient, HttpLimits, HttpSettings, Repeat};
    let settings = HttpSettings {
        limits: HttpLimits {
            connect: Duration::from_secs(3),
            first_byte: Duration::from_secs(5),
            whole: Duration::from_secs(6),
            body: 1 << 20,
        },
        certificates: None,
        any_certificate: false,
        secrets: Vec::new(),
    };
    let address = format!("{}/health", uri.trim_end_matches('/'));
    let client = HttpClient::new(&address, &settings, interrupt::watch()).map_err(|error| error.to_string())?;
    let request = client.request(reqwest::Method::GET, client.address().clone());
    let answer = client.send(request, Repeat::Never).map_err(|error| error.to_string())?;
    Ok(answer.status)
}

/// Airflow, where the Atsaffile has a word about it or the environment a home of it.
fn airflow(project: Option<&Project>, session: &Session) -> Option<Finding> {
    const WHAT: &str = "Airflow";
    let is_written = project.is_some_and(|project| project.graph.spec.airflow != Dag::default());
    let home = session.env.get("AIRFLOW_HOME").filter(|home| !home.is_empty());
    if !is_written && home.is_none() {
        return None;
    }
    let Some(at) = programs::find("airflow", &session.env) else {
        return Some(Finding::new(
            State::Note,
            WHAT,
            "no program `airflow` in PATH",
            "the DAG can be made without it: `atsaf export airflow -o FILE`, for the machine that has it",
        ));
    };
    let user = session.env.get("HOME").map(|home| format!("{home}/airflow"));
    let dags = home.cloned().or(user).map(|home| format!("{home}/dags"));
    Some(match dags.filter(|dags| std::path::Path::new(dags).is_dir()) {
        Some(dags) => Finding::ok(WHAT, format!("{}, and the folder of DAGs `{dags}`", at.display())),
        None => Finding::new(
            State::Note,
            WHAT,
            format!("{}, without a folder of DAGs", at.display()),
            "make it: `mkdir -p ~/airflow/dags`, or set `AIRFLOW_HOME`",
        ),
    })
}
