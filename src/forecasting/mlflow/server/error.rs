//! What a call of the API that went wrong means, and what to do then.

use serde_json::Value;

use crate::engine::task::TaskError;
use crate::http::{HttpError, HttpFault, may_pass};

/// A call without the answer that was wanted.
#[derive(Debug)]
pub(super) struct CallError {
    /// The call, such as `runs/create`.
    pub(super) call: String,
    /// Scheme, host and port.
    pub(super) server: String,
    /// What went wrong.
    pub(super) fault: CallFault,
}

/// What went wrong with a call.
#[derive(Debug)]
pub(super) enum CallFault {
    /// No answer came.
    Http(HttpFault),
    /// MLflow says no.
    Said { status: u16, code: String, message: String },
    /// It wants to know who asks, or does not believe it.
    Unknown { has_credentials: bool },
    /// Whoever asks may not.
    Forbidden,
    /// It does not serve the name under which it was asked.
    WrongHost,
    /// A server in front of it, or itself, failed.
    Failed { status: u16 },
    /// It is something else.
    Strange(String),
}

impl CallFault {
    /// What an answer means that is not what was wanted.
    pub(super) fn of(status: u16, media_type: &str, text: &str, has_credentials: bool) -> Self {
        let json: Option<Value> = serde_json::from_str(text).ok();
        let said = json.as_ref().and_then(|json| {
            let code = json.get("error_code")?.as_str()?;
            let message = json.get("message").and_then(Value::as_str).unwrap_or_default();
            Some((code.to_owned(), shortened(message)))
        });
        match (status, said) {
            (401, _) => Self::Unknown { has_credentials },
            (403, None) if text.contains("Host header") => Self::WrongHost,
            (403, _) => Self::Forbidden,
            (_, Some((code, message))) => Self::Said { status, code, message },
            (status, None) if status >= 500 || may_pass(status) => Self::Failed { status },
            (status, None) => Self::Strange(match media_type.split(';').next().unwrap_or_default() {
                "" => format!("status {status}"),
                kind => format!("status {status}, {}", shortened(kind)),
            }),
        }
    }
}

/// As much of a message as people read.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

impl CallError {
    /// Whether MLflow gave this code.
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(&self.fault, CallFault::Said { code, .. } if code == wanted)
    }
}

impl From<HttpError> for CallError {
    fn from(error: HttpError) -> Self {
        Self {
            call: "version".to_owned(),
            server: error.request,
            fault: CallFault::Http(error.fault),
        }
    }
}

impl From<CallError> for TaskError {
    fn from(error: CallError) -> Self {
        let CallError { call, server, fault } = error;
        let asked = format!("the call was `{call}`");
        match fault {
            CallFault::Http(HttpFault::Stopped) => TaskError::stopped(),
            CallFault::Http(fault @ (HttpFault::Address { .. } | HttpFault::Certificates { .. })) => {
                TaskError::new(format!("`{server}` {fault}"))
                    .help("correct `tracking_uri`, or the variables `MLFLOW_TRACKING_…`")
            }
            CallFault::Http(fault @ HttpFault::Untrusted { .. }) => TaskError::new(format!("MLflow at `{server}` {fault}"))
                .help("name the file of the authority that signed its certificate in `MLFLOW_TRACKING_SERVER_CERT_PATH`"),
            CallFault::Http(fault) => {
                let may_pass = fault.may_pass();
                let error = TaskError::new(format!("MLflow at `{server}` {fault}"))
                    .note(asked)
                    .help("see that the server runs and that this is its address: `tracking_uri`, or `MLFLOW_TRACKING_URI`");
                match may_pass {
                    true => error
                        .note("what was registered by then stays without the alias; the next build goes on from there")
                        .retryable(),
                    false => error,
                }
            }
            CallFault::Unknown { has_credentials: false } => {
                TaskError::new(format!("MLflow at `{server}` wants a name and a password"))
                    .help("set `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`, in the environment or in `.env`")
            }
            CallFault::Unknown { has_credentials: true } => {
                TaskError::new(format!("MLflow at `{server}` does not accept the name and the password"))
                    .note("they are those of `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`")
                    .help("correct them in the environment or in `.env`")
            }
            CallFault::Forbidden => TaskError::new(format!("MLflow at `{server}` does not permit `{call}`"))
                .help("ask whoever runs it for the permission to edit the experiment and the registered model"),
            CallFault::WrongHost => TaskError::new(format!("MLflow at `{server}` is not served under this name"))
                .help("start it with `--allowed-hosts` and this name, or ask it under another"),
            CallFault::Failed { status } => {
                TaskError::new(format!("`{server}` failed with status {status}"))
                    .note(asked)
                    .help("see what its log says")
                    .retryable()
            }
            CallFault::Strange(what) => TaskError::new(format!("`{server}` is no MLflow server, or not at this path"))
                .note(format!("it answered `{call}` with {what}"))
                .help("correct `tracking_uri`, or `MLFLOW_TRACKING_URI`: it is the address that opens MLflow's page in a browser"),
            CallFault::Said { status, code, message } => {
                let error = TaskError::new(format!("MLflow at `{server}` rejects `{call}`: {message}"))
                    .note(format!("status {status}, {code}"));
                match () {
                    () if may_pass(status) => error.retryable(),
                    () if message.starts_with("Workspace") => {
                        error.help("make that workspace on the server, or name another in `MLFLOW_WORKSPACE` or `workspace`")
                    }
                    () => error,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, media_type: &str, text: &str, has_credentials: bool) -> TaskError {
        CallError {
            call: "runs/create".to_owned(),
            server: "http://h:5000".to_owned(),
            fault: CallFault::of(status, media_type, text, has_credentials),
        }
        .into()
    }

    #[test]
    fn what_a_server_answers_is_told_by_what_it_means() {
        let json = r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"no such thing\nSQL: ..."}"#;
        for (status, text, has_credentials, what) in [
            (401, "You are not authenticated", false, "wants a name and a password"),
            (
                401,
                "You are not authenticated",
                true,
                "does not accept the name and the password",
            ),
            (403, "Permission denied", true, "does not permit `runs/create`"),
            (
                403,
                "Invalid Host header - possible DNS rebinding attack detected",
                false,
                "is not served under this name",
            ),
            (400, json, false, "rejects `runs/create`: no such thing"),
        ] {
            let error = told(status, "text/html", text, has_credentials);
            assert_eq!(error.what, format!("MLflow at `http://h:5000` {what}"));
            assert!(!error.retry, "{}", error.what);
        }
        let strange = told(404, "text/html; charset=utf-8", "<html>Not Found</html>", false);
        assert_eq!(strange.what, "`http://h:5000` is no MLflow server, or not at this path");
        assert_eq!(strange.notes, ["it answered `runs/create` with status 404, text/html"]);
        let down = told(502, "text/html", "<html>Bad Gateway</html>", false);
        assert_eq!(down.what, "`http://h:5000` failed with status 502");
        assert!(down.retry);
    }
}
