//! The JSON schema of an Atsaffile, made from the tables of keys that its reader goes by, the tasks' own descriptions, and
//! the rows of the reference page.
//!
//! A schema cannot say all that the reader checks: names that must exist, cycles, two writers of one path. What it refuses,
//! the reader refuses as well.

use serde_json::{Map, Value, json};

use super::{airflow, load, matrix, sections, targets};
use crate::engine::spec::schema::{AUTO, Catalog, Kind, LATEST, ParamSchema, Schema};

/// The page that describes the keys.
const PAGE: &str = include_str!("../../docs/atsaffile.md");

/// What a name is made of.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_-]*$";
/// What the name of a variable of the environment is made of.
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
/// Spans of time, such as `1h30m`.
const DURATION: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

/// Makes the schema, with the tasks of a catalog.
#[must_use]
pub fn json_schema(catalog: &Catalog) -> Value {
    let sections = sections::SECTIONS
        .iter()
        .map(|name| ((*name).to_owned(), section(name, catalog)));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Atsaffile",
        "description": "What a project makes, from what, and with which parameters: `atsaf help atsaffile`.",
        "type": "object",
        "additionalProperties": false,
        "properties": sections.collect::<Map<_, _>>(),
    })
}

/// What a table at the top may hold.
fn section(name: &str, catalog: &Catalog) -> Value {
    match name {
        "project" => object(&sections::PROJECT, project_key),
        "alias" => named(NAME, &described(texts(), "Further names for goals: a list of goals.")),
        "params" => params(catalog),
        "matrix" => matrix(),
        "pools" => named(NAME, &{
            let mut pool = object(&load::POOL, pool_key);
            pool["minProperties"] = 1.into();
            pool
        }),
        "secrets" => named(VARIABLE, &object(&sections::SECRET, |_| json!({ "type": "boolean" }))),
        "airflow" => object(&airflow::KEYS, airflow_key),
        "target" => named(NAME, &target(catalog)),
        other => unreachable!("internal error: the table `{other}` has no schema"),
    }
}

/// A table with these keys, each described by its row on the page.
fn object(keys: &[&str], key: impl Fn(&str) -> Value) -> Value {
    let entry = |name: &&str| {
        let mut value = key(name);
        if let Some(text) = row(name)
            && value.get("description").is_none()
        {
            value["description"] = text.into();
        }
        ((*name).to_owned(), value)
    };
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": keys.iter().map(entry).collect::<Map<_, _>>(),
    })
}

/// A table whose keys are names, and whose values are all alike.
fn named(pattern: &str, value: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "patternProperties": { pattern: value } })
}

fn described(mut value: Value, text: &str) -> Value {
    value["description"] = text.into();
    value
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn text_or_texts() -> Value {
    json!({ "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
}

fn duration() -> Value {
    json!({ "type": "string", "minLength": 2, "pattern": DURATION, "examples": ["90s", "5m", "1h30m", "2d"] })
}

fn from_to(least: u32, most: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

fn project_key(key: &str) -> Value {
    match key {
        "name" => text(),
        "default" | "ignore" | "params_files" => texts(),
        "shell" => shell(),
        "report" => json!({ "type": "boolean" }),
        other => unreachable!("internal error: the key `{other}` of `[project]` has no schema"),
    }
}

fn shell() -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "examples": [["sh", "-eu", "-c"]] })
}

fn pool_key(key: &str) -> Value {
    match key {
        "slots" => from_to(1, load::MOST),
        "rate" => {
            json!({ "type": "string", "pattern": "^\\s*[0-9]+\\s*/\\s*(s|min|h|d)\\s*$", "examples": ["4/s", "100/min"] })
        }
        other => unreachable!("internal error: the key `{other}` of a pool has no schema"),
    }
}

fn airflow_key(key: &str) -> Value {
    match key {
        "dag_id" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]+$" }),
        "schedule" => described(text(), "A cron expression, a word such as @daily, or \"none\"."),
        "start_date" => json!({ "type": "string", "format": "date" }),
        "owner" => described(text(), "Who is shown as the DAG's owner."),
        "as_of" => text(),
        "tags" => described(texts(), "Words under which the DAG is found."),
        "project" => json!({ "type": "string", "pattern": "^/" }),
        "connections" => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        other => unreachable!("internal error: the key `{other}` of `[airflow]` has no schema"),
    }
}

/// `[params]`: any value, with a word about those that tasks read.
fn params(catalog: &Catalog) -> Value {
    let mut known = Map::new();
    for param in catalog.values().flat_map(|schema| schema.params) {
        let about = format!("{}; {}", param.doc, param.kind.describe());
        known
            .entry(param.name)
            .or_insert_with(|| json!({ "description": about }));
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": known,
        "patternProperties": { NAME: { "type": ["string", "number", "boolean", "array", "object"] } },
    })
}

/// `[matrix]`: axes, what is left out, and parameters for single values.
fn matrix() -> Value {
    let value = json!({ "type": ["string", "integer", "boolean"] });
    let one_key = |required: &[&str]| {
        let keys: Map<String, Value> = required.iter().map(|key| ((*key).to_owned(), text())).collect();
        json!({ "type": "object", "additionalProperties": false, "properties": keys, "required": required })
    };
    let mut axes = json!({
        "anyOf": [
            { "type": "array", "items": value, "minItems": 1 },
            one_key(&["glob"]),
            one_key(&["rows", "key"]),
        ],
    });
    axes["description"] = "The values of an axis: a list, the files of a pattern, or the rows of a CSV file.".into();
    let exclude = json!({ "type": "array", "items": { "type": "object", "additionalProperties": value } });
    let with = json!({ "type": "object", "additionalProperties": { "type": "object", "additionalProperties": { "type": "object" } } });
    let key = |name: &str| match name {
        "exclude" => (
            exclude.clone(),
            "Instances that are left out: tables from axes to values.",
        ),
        "with" => (
            with.clone(),
            "Parameters for the instances with one value: [matrix.with.AXIS.VALUE].",
        ),
        other => unreachable!("internal error: the key `{other}` of `[matrix]` has no schema"),
    };
    let own: Map<String, Value> = matrix::KEYS
        .iter()
        .map(|name| {
            let (value, about) = key(name);
            ((*name).to_owned(), described(value, about))
        })
        .collect();
    json!({
        "type": "object",
        "properties": own,
        "additionalProperties": axes,
        "propertyNames": { "pattern": NAME },
    })
}

/// A target: exactly one of `run` and `uses`, and what a task takes in its `with`.
fn target(catalog: &Catalog) -> Value {
    let mut target = object(&targets::KEYS, |key| target_key(key, catalog));
    target["oneOf"] = json!([{ "required": ["run"] }, { "required": ["uses"] }]);
    target["not"] = json!({ "required": ["output", "outputs"] });
    let rules: Vec<Value> = catalog.values().map(|schema| of_task(schema)).collect();
    if !rules.is_empty() {
        target["allOf"] = rules.into();
    }
    target
}

/// What the task of a target says of its `with` and its outputs.
fn of_task(schema: &Schema) -> Value {
    let with: Map<String, Value> = schema
        .params
        .iter()
        .map(|param| (param.name.to_owned(), param_schema(param)))
        .collect();
    let ports: Map<String, Value> = schema
        .outputs
        .iter()
        .map(|port| (port.name.to_owned(), json!({ "description": port.doc })))
        .collect();
    let required: Vec<&str> = schema.outputs.iter().map(|port| port.name).collect();
    json!({
        "if": { "required": ["uses"], "properties": { "uses": { "const": schema.name } } },
        "then": {
            "properties": {
                "with": { "type": "object", "additionalProperties": false, "properties": with },
                "outputs": { "properties": ports, "required": required },
            },
        },
    })
}

fn target_key(key: &str, catalog: &Catalog) -> Value {
    let flag = || json!({ "type": "boolean" });
    match key {
        "uses" => {
            let names: Vec<Value> = catalog
                .values()
                .map(|schema| json!({ "const": schema.name, "description": schema.summary }))
                .collect();
            match names.is_empty() {
                true => text(),
                false => json!({ "type": "string", "anyOf": names }),
            }
        }
        "run" | "probe" | "pool" => text_or_texts(),
        "each" => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        "inputs" => json!({
            "anyOf": [texts(), { "type": "object", "additionalProperties": { "anyOf": [text(), texts()] } }],
        }),
        "outputs" => json!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    { "type": "string" },
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": { "path": text(), "name": { "type": "string", "pattern": NAME } },
                        "required": ["path"],
                    },
                ],
            },
        }),
        "output" | "cwd" | "desc" => text(),
        "params" | "env" | "secrets" | "after" | "metrics" => texts(),
        "with" => json!({ "type": "object" }),
        "shell" => shell(),
        "secrets_in_output" => json!({ "const": "allow" }),
        "retries" => json!({ "type": "integer", "minimum": 0, "maximum": targets::MOST_RETRIES }),
        "retry_delay" | "timeout" | "max_age" | "every" => duration(),
        "threads" => from_to(1, load::MOST_THREADS),
        "memory" => json!({ "type": "string", "examples": ["500MB", "4GiB"] }),
        "effect" | "direct" | "cache" | "temp" | "resume" => flag(),
        "discover" => json!({ "enum": ["auto", "trace", "depfile", "off"] }),
        other => unreachable!("internal error: the key `{other}` of a target has no schema"),
    }
}

/// A parameter of a task: its kind, or a text that puts another parameter in.
fn param_schema(param: &ParamSchema) -> Value {
    let mut schema = json!({ "anyOf": [kind(param.kind), { "type": "string", "pattern": "\\{\\{" }] });
    schema["description"] = format!("{}; {}", param.doc, param.kind.describe()).into();
    if let Some(default) = param.default {
        schema["default"] = default.value().to_json();
    }
    schema
}

/// The values of a kind. A whole number is taken where a number is, and a date may be a text.
fn kind(of: Kind) -> Value {
    match of {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Float { min, max, open: true } => {
            json!({ "type": "number", "exclusiveMinimum": min, "exclusiveMaximum": max })
        }
        Kind::Float { min, max, open: false } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Choice(values) => json!({ "enum": values }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::DateOrLatest => json!({ "anyOf": [{ "const": LATEST }, { "type": "string", "format": "date" }] }),
        Kind::Text | Kind::Form(_) | Kind::PathOrUrl | Kind::Uri => text(),
        Kind::List(items) => json!({ "type": "array", "items": kind(*items) }),
        Kind::OneOrMany(items) => json!({ "anyOf": [kind(*items), { "type": "array", "items": kind(*items) }] }),
        Kind::Auto(of) => json!({ "anyOf": [{ "const": AUTO }, kind(*of)] }),
        Kind::Table(entries) => {
            let entries: Map<String, Value> = entries
                .iter()
                .map(|entry| (entry.name.to_owned(), param_schema(entry)))
                .collect();
            json!({ "type": "object", "additionalProperties": false, "properties": entries })
        }
        Kind::Record(entries) => {
            let needed = entries.iter().filter(|entry| entry.default.is_none());
            let mut record = kind(Kind::Table(entries));
            record["required"] = needed.map(|entry| entry.name).collect();
            record
        }
        Kind::AnyTable => json!({ "type": "object" }),
        Kind::Command => text_or_texts(),
        Kind::Either(one, other) => json!({ "anyOf": [kind(*one), kind(*other)] }),
    }
}

/// The last cell of a key's row on the page, without links.
fn row(key: &str) -> Option<String> {
    let head = format!("| `{key}` |");
    let line = PAGE.lines().find(|line| line.starts_with(&head))?;
    let cell = line.trim_end_matches('|').rsplit(" | ").next()?.trim();
    let mut out = cell.to_owned();
    while let Some(middle) = out.find("](") {
        let end = middle + out[middle..].find(')')?;
        let start = opening(&out[..middle])?;
        out.replace_range(middle..=end, "");
        out.remove(start);
    }
    Some(out)
}

/// Where the bracket opens that would close at the end of a text.
fn opening(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().rev().find_map(|(at, c)| {
        match c {
            ']' => depth += 1,
            '[' if depth == 0 => return Some(at),
            '[' => depth -= 1,
            _ => {}
        }
        None
    })
}
