//! Where events of OpenLineage go, by the variables and the file that its own clients read.
//!
//! In this order: `OPENLINEAGE_DISABLED`; the file of `OPENLINEAGE_CONFIG`, `openlineage.yml` in the project or in
//! `~/.openlineage`; `OPENLINEAGE__TRANSPORT__…`; `OPENLINEAGE_URL`. Where none of them says anything, nothing is sent.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::cli::plain_yaml;
use crate::cli::small_file;
use crate::export::lineage::facets::KnownRun;

/// Most bytes of a file of settings.
const LARGEST: u64 = 1 << 20;
/// Where events go on a server, unless something else is said.
const ENDPOINT: &str = "api/v1/lineage";
/// How long a server may take for one event.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most transports that one of the kind `composite` may have, in all.
const TRANSPORTS: usize = 8;

const DYNAMIC: &str = "OPENLINEAGE__";

/// Where events go, and what they say of their surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineageSettings {
    /// At least one.
    pub(super) transports: Vec<Transport>,
    pub(super) namespace: String,
    pub(super) parent: Option<KnownRun>,
    pub(super) root_parent: Option<KnownRun>,
}

/// One place to which events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Standard output, a line each.
    Console,
    /// A file: lines of one, or one each.
    File { path: PathBuf, append: bool },
    /// A server.
    Http(HttpTransport),
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HttpTransport {
    /// The whole address.
    pub(super) address: String,
    pub(super) key: Option<String>,
    pub(super) timeout: Duration,
    /// Whether its certificate must be one that is believed.
    pub(super) verify: bool,
    /// A file of certificates that are believed in place of the system's.
    pub(super) certificates: Option<PathBuf>,
}

/// Reads the settings; what is wrong is a sentence each, and what it is about is left out.
pub(super) fn read(env: &BTreeMap<String, String>, root: &Path, wrong: &mut Vec<String>) -> Option<LineageSettings> {
    let set = |name| set(env, name);
    if set("OPENLINEAGE_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let configured = from_file(env, root, wrong).or_else(|| from_variables(env, wrong));
    let transport = configured.or_else(|| {
        let mut transport = Map::new();
        transport.insert("type".to_owned(), "http".into());
        transport.insert("url".to_owned(), set("OPENLINEAGE_URL")?.into());
        let more = [("endpoint", "OPENLINEAGE_ENDPOINT"), ("api_key", "OPENLINEAGE_API_KEY")];
        for (key, value) in more.into_iter().filter_map(|(key, name)| Some((key, set(name)?))) {
            transport.insert(key.to_owned(), value.into());
        }
        Some(transport)
    })?;
    let mut transports = Vec::new();
    add(&transport, root, &mut transports, wrong);
    let parent = known(env, "OPENLINEAGE_PARENT_ID", wrong);
    let root_parent = known(env, "OPENLINEAGE_ROOT_PARENT_ID", wrong);
    (!transports.is_empty()).then(|| LineageSettings {
        transports,
        namespace: set("OPENLINEAGE_NAMESPACE").unwrap_or("default").to_owned(),
        parent,
        root_parent,
    })
}

/// A variable that says something.
fn set<'e>(env: &'e BTreeMap<String, String>, name: &str) -> Option<&'e str> {
    let value = env.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}

/// `transport` of the first file that is there.
fn from_file(env: &BTreeMap<String, String>, root: &Path, wrong: &mut Vec<String>) -> Option<Map<String, Value>> {
    let named = env.get("OPENLINEAGE_CONFIG").filter(|path| !path.is_empty());
    let home = env
        .get("HOME")
        .map(|home| Path::new(home).join(".openlineage/openlineage.yml"));
    let places = named.map(|path| root.join(path)).into_iter();
    for place in places.chain([root.join("openlineage.yml")]).chain(home) {
        let is_named = named.is_some_and(|path| root.join(path) == place);
        let bytes = match small_file::read(&place, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound && !is_named => continue,
            Err(error) => {
                wrong.push(format!("`{}` cannot be read: {error}", place.display()));
                continue;
            }
        };
        let parsed = str::from_utf8(&bytes)
            .map_err(|_| "it is no UTF-8 text")
            .and_then(plain_yaml::read);
        return match parsed {
            Ok(Value::Object(mut settings)) => match settings.remove("transport") {
                Some(Value::Object(transport)) if transport.contains_key("type") => Some(transport),
                _ => None,
            },
            Ok(_) => None,
            Err(why) => {
                wrong.push(format!("`{}` cannot be used: {why}", place.display()));
                None
            }
        };
    }
    None
}

/// `OPENLINEAGE__TRANSPORT__…`: two underscores lead one level down; a value may be JSON.
fn from_variables(env: &BTreeMap<String, String>, wrong: &mut Vec<String>) -> Option<Map<String, Value>> {
    let mut all = Value::Object(Map::new());
    for (name, text) in env {
        let Some(path) = name.strip_prefix(DYNAMIC) else {
            continue;
        };
        let value = match text.trim_start().starts_with(['{', '[']) {
            true => serde_json::from_str(text).unwrap_or_else(|_| {
                wrong.push(format!("the variable `{name}` is no JSON"));
                Value::Null
            }),
            false => Value::from(text.as_str()),
        };
        let path = path.to_ascii_lowercase();
        let mut at = &mut all;
        for part in path.split("__") {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            at = &mut at[part];
        }
        match (at, value) {
            // What is said level by level stands over what is said at once.
            (Value::Object(known), Value::Object(new)) => {
                for (key, value) in new {
                    known.entry(key).or_insert(value);
                }
            }
            (at, value) => *at = value,
        }
    }
    match all["transport"].take() {
        Value::Object(transport) if transport.contains_key("type") => Some(transport),
        _ => None,
    }
}

/// Adds the transports that a setting means.
fn add(transport: &Map<String, Value>, root: &Path, into: &mut Vec<Transport>, wrong: &mut Vec<String>) {
    let text = |key: &str| transport.get(key).and_then(Value::as_str);
    match text("type").unwrap_or_default() {
        "console" => into.push(Transport::Console),
        "noop" => {}
        "file" => match text("log_file_path").or_else(|| text("logFilePath")) {
            Some(path) => into.push(Transport::File {
                path: root.join(path.strip_prefix("file://").unwrap_or(path)),
                append: flag(transport.get("append")).unwrap_or(false),
            }),
            None => wrong.push("the transport `file` has no `log_file_path`".to_owned()),
        },
        "http" | "async_http" => match text("url") {
            Some(url) => into.push(Transport::Http(http(transport, url, root))),
            None => wrong.push("the transport `http` has no `url`".to_owned()),
        },
        "composite" => {
            let all = match transport.get("transports") {
                Some(Value::Array(all)) => all.iter().collect(),
                Some(Value::Object(all)) => all.values().collect(),
                _ => Vec::new(),
            };
            let objects = all.into_iter().filter_map(Value::as_object);
            for one in objects.take(TRANSPORTS) {
                if into.len() < TRANSPORTS && one.get("type").and_then(Value::as_str) != Some("composite") {
                    add(one, root, into, wrong);
                }
            }
        }
        other => wrong.push(format!(
            "the transport `{other}` is none that atsaf has: these are `http`, `file`, `console` and `composite`"
        )),
    }
}

fn http(transport: &Map<String, Value>, url: &str, root: &Path) -> HttpTransport {
    let text = |key: &str| transport.get(key).and_then(Value::as_str);
    let auth = transport.get("auth");
    let of_auth = ["apiKey", "api_key", "apikey"]
        .iter()
        .find_map(|key| auth?.get(key)?.as_str());
    let endpoint = text("endpoint").unwrap_or(ENDPOINT);
    let address = format!("{}/{}", url.trim_end_matches('/'), endpoint.trim_start_matches('/'));
    let seconds = transport.get("timeout").and_then(number);
    let tls = transport.get("sslContext").or_else(|| transport.get("ssl_context"));
    let certificates = ["caCertPath", "ca_cert_path"]
        .iter()
        .find_map(|key| tls?.get(key)?.as_str());
    let verify = transport.get("verify");
    HttpTransport {
        address,
        key: of_auth.or_else(|| text("api_key")).map(str::to_owned),
        timeout: seconds
            .filter(|seconds| (0.1..=60.0).contains(seconds))
            .map_or(TIMEOUT, Duration::from_secs_f64),
        verify: flag(verify).unwrap_or(true),
        // As the Python client has it, `verify` may be the path of a file.
        certificates: certificates
            .or_else(|| verify?.as_str().filter(|_| flag(verify).is_none()))
            .map(|path| root.join(path)),
    }
}

fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The run of another program: `namespace/job/run`, of which the namespace may have slashes.
fn known(env: &BTreeMap<String, String>, variable: &str, wrong: &mut Vec<String>) -> Option<KnownRun> {
    let text = set(env, variable)?;
    let mut parts = text.rsplitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(run), Some(job), Some(namespace))
            if uuid::Uuid::try_parse(run).is_ok() && !job.is_empty() && !namespace.is_empty() =>
        {
            Some(KnownRun {
                namespace: namespace.to_owned(),
                job: job.to_owned(),
                run: run.to_ascii_lowercase(),
            })
        }
        _ => {
            wrong.push(format!(
                "`{variable}` is not `namespace/job/run`, with a UUID as its run"
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(root: &Path, env: &[(&str, &str)]) -> (Option<LineageSettings>, Vec<String>) {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut wrong = Vec::new();
        let settings = read(&env.collect(), root, &mut wrong);
        (settings, wrong)
    }

    /// The transports of an environment in which nothing is wrong.
    fn transports(env: &[(&str, &str)]) -> Vec<Transport> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (settings, wrong) = read_in(dir.path(), env);
        assert_eq!(wrong, [""; 0]);
        settings.map(|settings| settings.transports).unwrap_or_default()
    }

    fn http_to(address: &str, key: Option<&str>) -> Transport {
        Transport::Http(HttpTransport {
            address: address.to_owned(),
            key: key.map(str::to_owned),
            timeout: TIMEOUT,
            verify: true,
            certificates: None,
        })
    }

    #[test]
    fn nothing_is_sent_where_nothing_is_said() {
        assert_eq!(transports(&[]), []);
        assert_eq!(
            transports(&[("OPENLINEAGE_NAMESPACE", "team"), ("OPENLINEAGE_URL", " ")]),
            []
        );
        let url = ("OPENLINEAGE_URL", "http://localhost:5000");
        assert_eq!(transports(&[url, ("OPENLINEAGE_DISABLED", "True")]), []);
        assert_eq!(transports(&[("OPENLINEAGE__TRANSPORT__TYPE", "noop"), url]), []);
    }

    #[test]
    fn variables_say_where() {
        let url = ("OPENLINEAGE_URL", "http://localhost:5000/");
        assert_eq!(
            transports(&[url]),
            [http_to("http://localhost:5000/api/v1/lineage", None)]
        );
        let more = [url, ("OPENLINEAGE_ENDPOINT", "/x"), ("OPENLINEAGE_API_KEY", "k3y")];
        assert_eq!(transports(&more), [http_to("http://localhost:5000/x", Some("k3y"))]);
        let nested = [
            url,
            ("OPENLINEAGE__TRANSPORT__TYPE", "http"),
            ("OPENLINEAGE__TRANSPORT__URL", "https://other"),
            (
                "OPENLINEAGE__TRANSPORT__AUTH",
                "{\"type\": \"api_key\", \"apiKey\": \"k\"}",
            ),
        ];
        assert_eq!(
            transports(&nested),
            [http_to("https://other/api/v1/lineage", Some("k"))]
        );
        let by_level = [
            ("OPENLINEAGE__TRANSPORT", "{\"type\": \"http\", \"url\": \"https://a\"}"),
            ("OPENLINEAGE__TRANSPORT__AUTH__API_KEY", "k"),
            ("OPENLINEAGE__TRANSPORT__URL", "https://b"),
        ];
        assert_eq!(transports(&by_level), [http_to("https://b/api/v1/lineage", Some("k"))]);
    }

    #[test]
    fn a_file_of_settings_stands_over_the_variables() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let write = |text: &str| {
            #[expect(clippy::disallowed_methods, reason = "a test's own file")]
            std::fs::write(dir.path().join("openlineage.yml"), text).expect("written");
        };
        let url = [("OPENLINEAGE_URL", "http://localhost:5000")];
        write(
            "transport:\n  type: composite\n  transports:\n    - {type: console}\n    - type: file\n      log_file_path: events\n      append: true\n    - type: http\n      url: https://s\n      timeout: 1.5\n      auth: {type: api_key, apiKey: k}\n      verify: false\n",
        );
        let (settings, wrong) = read_in(dir.path(), &url);
        assert_eq!(wrong, [""; 0]);
        let file = Transport::File {
            path: dir.path().join("events"),
            append: true,
        };
        let Transport::Http(mut server) = http_to("https://s/api/v1/lineage", Some("k")) else {
            unreachable!("it is one")
        };
        server.timeout = Duration::from_millis(1500);
        server.verify = false;
        let expected = [Transport::Console, file, Transport::Http(server)];
        assert_eq!(settings.expect("settings").transports, expected);
        write("transport: {type: kafka, topic: t}\n");
        let (settings, wrong) = read_in(dir.path(), &url);
        assert_eq!(settings, None);
        assert!(
            wrong[0].starts_with("the transport `kafka` is none that atsaf has"),
            "{wrong:?}"
        );
        write("facets: {}\n");
        let (settings, _) = read_in(dir.path(), &url);
        assert_eq!(settings.expect("settings").transports.len(), 1, "the variable counts");
        write("transport: [s3cr3t\n");
        let (_, wrong) = read_in(dir.path(), &[("OPENLINEAGE_CONFIG", "absent.yml")]);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(!wrong.concat().contains("s3cr3t"), "{wrong:?}");
    }

    #[test]
    fn a_parent_is_a_namespace_a_job_and_a_run() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let run = "0193A1C2-7b2e-7000-8000-000000000000";
        let parent = format!("arn:x/team/dag.task/{run}");
        let console = ("OPENLINEAGE__TRANSPORT__TYPE", "console");
        let (settings, wrong) = read_in(dir.path(), &[console, ("OPENLINEAGE_PARENT_ID", &parent)]);
        assert_eq!(wrong, [""; 0]);
        let parent = settings.expect("settings").parent.expect("a parent");
        assert_eq!(
            (parent.namespace.as_str(), parent.job.as_str()),
            ("arn:x/team", "dag.task")
        );
        assert_eq!(parent.run, run.to_ascii_lowercase());
        for text in ["x", "a/b/c", &format!("a/{run}"), &format!("/b/{run}")] {
            let (settings, wrong) = read_in(dir.path(), &[console, ("OPENLINEAGE_ROOT_PARENT_ID", text)]);
            assert_eq!(settings.expect("settings").root_parent, None);
            assert_eq!(wrong.len(), 1, "{text}");
        }
    }
}
