//! `[airflow]`: what the DAG of the project is to say of itself.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;
use super::params::Params;
use super::sections::{is_name, unknown_key};
use super::syntax::{self, TomlNode, Word, key_of};
use super::{ValueType, cron};
use crate::engine::spec::{Dag, Secret, Value};

/// The keys of the table.
pub(super) const KEYS: [&str; 8] = [
    "dag_id",
    "schedule",
    "start_date",
    "owner",
    "tags",
    "as_of",
    "project",
    "connections",
];

/// Most characters of a name, and of a tag, in Airflow.
const LONGEST_ID: usize = 250;
const LONGEST_TAG: usize = 100;

/// The schedule of a DAG that is only run when somebody asks for it.
const BY_HAND: &str = "none";

/// Reads `[airflow]`.
pub(super) fn read(
    table: Option<&DeTable<'_>>,
    params: &Params<'_>,
    secrets: &BTreeMap<String, Secret>,
    mistakes: &mut Mistakes,
) -> Dag {
    let mut dag = Dag::default();
    for (key, node) in table.into_iter().flatten() {
        let key = key_of(key);
        match key.text {
            "dag_id" => dag.id = id(node, mistakes),
            "schedule" => dag.schedule = schedule(node, mistakes),
            "start_date" => dag.start_date = date(node, mistakes).unwrap_or(dag.start_date),
            "owner" => {
                if let Some(owner) = filled(node, "owner", mistakes) {
                    owner.text.clone_into(&mut dag.owner);
                }
            }
            "tags" => dag.tags = tags(node, mistakes),
            "as_of" => dag.as_of = as_of(node, params, mistakes),
            "project" => dag.project = project(node, mistakes),
            "connections" => dag.connections = connections(node, secrets, mistakes),
            _ => unknown_key(key, "in `[airflow]`", &KEYS, mistakes),
        }
    }
    dag
}

/// A text that is not empty.
fn filled<'t>(node: &'t TomlNode<'t>, key: &str, mistakes: &mut Mistakes) -> Option<Word<'t>> {
    let word = syntax::text(node, key, "a string", mistakes)?;
    if word.text.trim().is_empty() {
        mistakes.error(word.span, format!("`{key}` is empty"));
        return None;
    }
    Some(word)
}

fn id(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let word = filled(node, "dag_id", mistakes)?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if word.text.len() > LONGEST_ID || !word.text.chars().all(is_allowed) {
        mistakes
            .error(word.span, "this cannot be the name of a DAG")
            .help(format!(
                "Airflow takes letters of ASCII, digits, `_`, `-` and `.`, {LONGEST_ID} at the most"
            ));
        return None;
    }
    Some(word.text.to_owned())
}

fn schedule(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let wanted = "a cron expression such as \"0 6 * * *\"";
    let word = syntax::text(node, "schedule", wanted, mistakes)?;
    let text = word.text.trim();
    if text == BY_HAND {
        return None;
    }
    if text.starts_with('@') {
        if !cron::WORDS.contains(&text) {
            let what = format!("unknown schedule `{text}`");
            mistakes.unknown(Some(word.span), what, text, "schedules", cron::WORDS.iter().copied());
            return None;
        }
    } else if let Some(fault) = cron::fault(text) {
        mistakes
            .error(word.span, format!("this is no schedule: {fault}"))
            .help(format!(
                "write {wanted}, a word such as \"@daily\", or \"{BY_HAND}\" for runs by hand only"
            ));
        return None;
    }
    Some(text.to_owned())
}

fn date(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let text = match node.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Datetime(date) => Some(date.to_string()),
        _ => None,
    };
    if let Some(Ok(Value::Date(date))) = text.map(|text| ValueType::Date.read(&text)) {
        return Some(date);
    }
    syntax::expected(node, "start_date", "a date such as 2024-01-01", mistakes)
        .note("a schedule begins on a day that is the same whenever the file is read");
    None
}

fn tags(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    let tags = syntax::texts(node, "tags", "a list of words", mistakes);
    let mut kept = Vec::with_capacity(tags.len());
    for tag in tags {
        if tag.text.trim().is_empty() || tag.text.chars().count() > LONGEST_TAG {
            mistakes
                .error(tag.span, "this cannot be a tag")
                .help(format!("Airflow takes 1 to {LONGEST_TAG} characters"));
        } else if !kept.iter().any(|known| known == tag.text) {
            kept.push(tag.text.to_owned());
        }
    }
    kept
}

fn as_of(node: &TomlNode<'_>, params: &Params<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let word = syntax::text(node, "as_of", "the name of a parameter", mistakes)?;
    let Some(param) = params.get(word.text) else {
        let what = format!("unknown parameter `{}`", word.text);
        mistakes
            .unknown(Some(word.span), what, word.text, "parameters", params.names())
            .or_help("declare it in `[params]`");
        return None;
    };
    match &param.value {
        None => return None,
        Some(Value::Date(_) | Value::Text(_)) => {}
        Some(other) => {
            mistakes
                .error(
                    word.span,
                    format!(
                        "`as_of` gives a date, and `{}` is of the type {}",
                        word.text,
                        other.type_name()
                    ),
                )
                .also(param.span, "declared here")
                .help("name a parameter that is a date or a text");
            return None;
        }
    }
    Some(word.text.to_owned())
}

fn project(node: &TomlNode<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let word = syntax::text(node, "project", "an absolute path", mistakes)?;
    if !word.text.starts_with('/') {
        mistakes
            .error(
                word.span,
                format!("`project` must be an absolute path, found `{}`", word.text),
            )
            .help("write where the project lies on the workers of Airflow, such as \"/srv/eia\"");
        return None;
    }
    Some(word.text.to_owned())
}

fn connections(
    node: &TomlNode<'_>,
    secrets: &BTreeMap<String, Secret>,
    mistakes: &mut Mistakes,
) -> BTreeMap<String, String> {
    let mut connections = BTreeMap::new();
    for (key, node) in syntax::table(node, "connections", mistakes).into_iter().flatten() {
        let secret = key_of(key);
        if !secrets.contains_key(secret.text) {
            let what = format!("unknown secret `{}`", secret.text);
            let known = secrets.keys().map(String::as_str);
            mistakes
                .unknown(Some(secret.span), what, secret.text, "secrets", known)
                .or_help(format!("declare it in `[secrets]`: `{} = {{}}`", secret.text));
        }
        let Some(word) = syntax::text(node, secret.text, "the name of a connection of Airflow", mistakes) else {
            continue;
        };
        if is_name(word.text) && !word.text.contains('-') {
            connections.insert(secret.text.to_owned(), word.text.to_owned());
        } else {
            mistakes
                .error(word.span, "this cannot be the name of a connection here")
                .note(
                    "the password of the connection is the secret's value: it stands in Airflow, not in the Atsaffile",
                )
                .help("name the connection by letters of ASCII, digits and `_`");
        }
    }
    connections
}
