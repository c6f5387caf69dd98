//! One call of the REST API: address, name and password, JSON in and out.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::blocking::RequestBuilder;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::error::{CallError, CallFault};
use crate::engine::spec::schema::{Variable, VariableRole};
use crate::engine::task::{Context, TaskError};
use crate::http::{Answer, HttpClient, HttpLimits, HttpSettings, Repeat};

/// The first version with logged models.
const OLDEST: u32 = 3;
/// Below the address that the user gives.
const ROUTE: &str = "api/2.0/mlflow";
/// Further tries of a call that does no more the second time.
const AGAIN: Repeat = Repeat::Times(4);
/// A server with passwords takes seconds for each call, and one of a registry's own client waits two minutes.
const LIMITS: HttpLimits = HttpLimits {
    connect: Duration::from_secs(10),
    first_byte: Duration::from_mins(2),
    whole: Duration::from_mins(5),
    body: 64 << 20,
};
/// The workspace of a server that has no others.
const DEFAULT_WORKSPACE: &str = "default";

const USERNAME: &str = "MLFLOW_TRACKING_USERNAME";
const PASSWORD: &str = "MLFLOW_TRACKING_PASSWORD";
const TOKEN: &str = "MLFLOW_TRACKING_TOKEN";
const INSECURE: &str = "MLFLOW_TRACKING_INSECURE_TLS";
const CERTIFICATES: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";

/// What every client of MLflow takes from the environment.
pub(crate) static VARIABLES: [Variable; 8] = [
    Variable {
        name: "MLFLOW_TRACKING_URI",
        role: VariableRole::Param("tracking_uri"),
        doc: "where to register",
    },
    Variable {
        name: "MLFLOW_EXPERIMENT_NAME",
        role: VariableRole::Param("experiment_name"),
        doc: "name of the experiment",
    },
    Variable {
        name: "MLFLOW_WORKSPACE",
        role: VariableRole::Param("workspace"),
        doc: "workspace of the server",
    },
    Variable {
        name: USERNAME,
        role: VariableRole::Access,
        doc: "name that the server knows",
    },
    Variable {
        name: PASSWORD,
        role: VariableRole::Secret,
        doc: "its password",
    },
    Variable {
        name: TOKEN,
        role: VariableRole::Secret,
        doc: "token, in place of name and password",
    },
    Variable {
        name: INSECURE,
        role: VariableRole::Access,
        doc: "`true` to believe any certificate",
    },
    Variable {
        name: CERTIFICATES,
        role: VariableRole::Access,
        doc: "file of certificates to believe, in PEM",
    },
];

/// How a server is reached, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct ServerAccess {
    address: String,
    workspace: Option<String>,
    credentials: Credentials,
    certificates: Option<PathBuf>,
    any_certificate: bool,
}

#[derive(Clone)]
enum Credentials {
    Nobody,
    Basic { name: String, password: String },
    Token(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Basic { .. } => "Basic(***)",
            Self::Token(_) => "Token(***)",
        })
    }
}

impl ServerAccess {
    /// What the task's variables and parameters say of the server at an address.
    pub(crate) fn of(context: &Context<'_>, address: &str) -> Self {
        let secret = |name: &str| context.secrets.get(name).filter(|it| !it.is_empty()).cloned();
        let access = |name: &str| context.access.get(name).filter(|it| !it.is_empty());
        let credentials = match (access(USERNAME), secret(PASSWORD), secret(TOKEN)) {
            (Some(name), Some(password), _) => Credentials::Basic {
                name: name.clone(),
                password,
            },
            (_, _, Some(token)) => Credentials::Token(token),
            _ => Credentials::Nobody,
        };
        let is_true = |text: &String| ["true", "1"].contains(&text.to_ascii_lowercase().as_str());
        let workspace = context.text("workspace");
        Self {
            address: address.to_owned(),
            workspace: (workspace != DEFAULT_WORKSPACE).then(|| workspace.to_owned()),
            credentials,
            certificates: access(CERTIFICATES).map(PathBuf::from),
            any_certificate: access(INSECURE).is_some_and(is_true),
        }
    }

    fn secrets(&self) -> Vec<String> {
        match &self.credentials {
            Credentials::Nobody => Vec::new(),
            Credentials::Basic { password, .. } => vec![password.clone()],
            Credentials::Token(token) => vec![token.clone()],
        }
    }
}

/// A server that was found to be MLflow.
pub(super) struct Api<'a> {
    pub(super) http: HttpClient<'a>,
    access: &'a ServerAccess,
}

impl<'a> Api<'a> {
    /// Asks a server for its version, and warns of what everybody on the way could read.
    pub(super) fn connect(context: &'a Context<'_>, access: &'a ServerAccess) -> Result<Self, TaskError> {
        let settings = HttpSettings {
            limits: LIMITS,
            certificates: access.certificates.clone(),
            any_certificate: access.any_certificate,
            secrets: access.secrets(),
        };
        let http = HttpClient::new(&access.address, &settings, context.cancelled).map_err(CallError::from)?;
        let api = Self { http, access };
        api.warn(context);
        let request = api.request(Method::GET, &api.address(&["version"])?);
        let answer = api.send("version", request, AGAIN)?;
        let version = String::from_utf8_lossy(&answer.body).trim().to_owned();
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        match major.filter(|_| answer.status == 200 && version.len() < 40) {
            Some(major) if major >= OLDEST => Ok(api),
            Some(_) => Err(TaskError::new(format!(
                "{} is MLflow {version}, which has no logged models",
                api.server()
            ))
            .help(format!("take MLflow {OLDEST} or later"))),
            None => Err(api.fault("version", &answer).into()),
        }
    }

    fn warn(&self, context: &Context<'_>) {
        let has_secret = !matches!(self.access.credentials, Credentials::Nobody);
        if has_secret && self.http.address().scheme() != "https" && !self.http.is_here() {
            context.warn(&format!(
                "the password goes to `{}` without encryption",
                self.http.origin()
            ));
        }
        if let Some(proxy) = self.http.proxy() {
            context.warn(&format!(
                "the requests to `{}` go through the proxy `{}` of the environment",
                self.http.origin(),
                proxy.address
            ));
        }
    }

    /// ``MLflow at `http://host:5000` ``, for messages.
    pub(super) fn server(&self) -> String {
        format!("MLflow at `{}`", self.http.origin())
    }

    /// An address below that of the server.
    pub(super) fn address(&self, parts: &[&str]) -> Result<Url, TaskError> {
        let mut address = self.http.address().clone();
        match address.path_segments_mut() {
            Ok(mut path) => drop(
                path.pop_if_empty()
                    .extend(parts.iter().flat_map(|part| part.split('/'))),
            ),
            Err(()) => {
                return Err(TaskError::new(format!(
                    "`{}` is no server's address",
                    self.http.origin()
                )));
            }
        }
        Ok(address)
    }

    pub(super) fn request(&self, method: Method, address: &Url) -> RequestBuilder {
        let request = self.http.request(method, address.clone());
        let request = match &self.access.credentials {
            Credentials::Nobody => request,
            Credentials::Basic { name, password } => request.basic_auth(name, Some(password)),
            Credentials::Token(token) => request.bearer_auth(token),
        };
        match &self.access.workspace {
            Some(workspace) => request.header("X-MLFLOW-WORKSPACE", workspace),
            None => request,
        }
    }

    /// Sends a request; `what` names the call in errors.
    fn send(&self, what: &str, request: RequestBuilder, repeat: Repeat) -> Result<Answer, CallError> {
        let sent = self.http.send(request, repeat);
        sent.map_err(|error| CallError {
            call: what.to_owned(),
            server: self.http.origin(),
            fault: CallFault::Http(error.fault),
        })
    }

    /// Asks for something.
    pub(super) fn get(&self, call: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let address = self
            .address(&[ROUTE, call])
            .map_err(|error| self.unusable(call, error))?;
        let request = self.request(Method::GET, &address).query(query);
        self.json(call, request, AGAIN)
    }

    /// Posts what may be posted twice.
    pub(super) fn post(&self, call: &str, body: &Value) -> Result<Value, CallError> {
        self.with_body(Method::POST, call, body, AGAIN)
    }

    /// Posts what makes something new each time.
    pub(super) fn create(&self, call: &str, body: &Value) -> Result<Value, CallError> {
        self.with_body(Method::POST, call, body, Repeat::Never)
    }

    /// Calls with a body.
    pub(super) fn with_body(
        &self,
        method: Method,
        call: &str,
        body: &Value,
        repeat: Repeat,
    ) -> Result<Value, CallError> {
        let address = self
            .address(&[ROUTE, call])
            .map_err(|error| self.unusable(call, error))?;
        self.json(call, self.request(method, &address).json(body), repeat)
    }

    /// Puts a file at a path below that of the server.
    pub(super) fn put(&self, path: &[&str], bytes: &[u8]) -> Result<(), CallError> {
        let call = path.join("/");
        let address = self.address(path).map_err(|error| self.unusable(&call, error))?;
        let request = self.request(Method::PUT, &address).body(bytes.to_vec());
        let answer = self.send(&call, request, AGAIN)?;
        match answer.status {
            200..300 => Ok(()),
            _ => Err(self.fault(&call, &answer)),
        }
    }

    fn json(&self, call: &str, request: RequestBuilder, repeat: Repeat) -> Result<Value, CallError> {
        let answer = self.send(call, request, repeat)?;
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        match (answer.status, body) {
            (200..300, Some(body)) => Ok(body),
            _ => Err(self.fault(call, &answer)),
        }
    }

    fn unusable(&self, call: &str, error: TaskError) -> CallError {
        CallError {
            call: call.to_owned(),
            server: self.http.origin(),
            fault: CallFault::Strange(error.what),
        }
    }

    /// What an answer that is none means.
    fn fault(&self, call: &str, answer: &Answer) -> CallError {
        let has_credentials = !matches!(self.access.credentials, Credentials::Nobody);
        let text = self.http.hide(&String::from_utf8_lossy(&answer.body));
        CallError {
            call: call.to_owned(),
            server: self.http.origin(),
            fault: CallFault::of(answer.status, &answer.media_type, &text, has_credentials),
        }
    }
}

/// An id in an answer, which becomes a part of addresses and paths.
pub(super) fn id(answer: &Value, pointer: &str) -> Result<String, TaskError> {
    let is_plain = |id: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !id.is_empty() && id.len() < 100 && id.chars().all(plain)
    };
    let found = answer.pointer(pointer).and_then(Value::as_str).filter(is_plain);
    found
        .map(str::to_owned)
        .ok_or_else(|| TaskError::new(format!("the answer of MLflow has no id at `{pointer}`")))
}

/// Tags or parameters as the API has them.
pub(super) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let pair = |(key, value): (&str, &str)| json!({ "key": key, "value": value });
    pairs.into_iter().map(pair).collect()
}

/// The value of a tag among those of an answer.
pub(super) fn tag<'v>(of: &'v Value, key: &str) -> Option<&'v str> {
    let tags = of.get("tags")?.as_array()?;
    let found = tags.iter().find(|tag| tag["key"] == key)?;
    found["value"].as_str()
}
