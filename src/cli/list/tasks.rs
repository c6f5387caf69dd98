//! The built-in tasks, as they describe themselves.

use serde_json::{Map, Value, json};

use crate::cli::{Exit, Session};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::schema::{Kind, LATEST, ParamSchema, Port, Schema, Variable, VariableRole};
use crate::report::ink::{Ink, Tone};
use crate::report::table::TextTable;

pub(super) fn run(session: &Session) -> Exit {
    let tasks = (session.tasks)();
    let catalog = tasks.catalog();
    if session.screen.json() {
        let tasks: Vec<Value> = catalog.values().map(|schema| json(schema)).collect();
        session.screen.print_json(&json!({ "tasks": tasks }));
        return Exit::Done;
    }
    if catalog.is_empty() {
        session.screen.tell(
            &Diagnostic::warning("this atsaf has no built-in tasks")
                .help("build it with the feature `forecasting`, which is on by default"),
        );
    }
    let ink = session.screen.out_ink();
    let listed: Vec<String> = catalog.values().map(|schema| text(schema, ink)).collect();
    session.print_folded(&listed.join("\n"));
    Exit::Done
}

fn text(schema: &Schema, ink: Ink) -> String {
    let mut out = format!(
        "{}  {}, version {}\n",
        ink.paint(Tone::Strong, schema.name),
        schema.summary,
        schema.version
    );
    let faint = |text: &str| (Tone::Faint, text.to_owned());
    let plain = |text: String| (Tone::Plain, text);
    let mut ports = TextTable::new();
    let lists = [
        ("reads", schema.inputs),
        ("or also", schema.optional),
        ("makes", schema.outputs),
    ];
    for (label, list) in lists {
        for (at, Port { name, doc }) in list.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            ports.row([
                faint(&format!("  {label:7}")),
                plain((*name).to_owned()),
                plain((*doc).to_owned()),
            ]);
        }
    }
    for (at, name) in schema.secrets.iter().enumerate() {
        let label = if at == 0 { "secrets" } else { "" };
        ports.row([faint(&format!("  {label:7}")), plain((*name).to_owned())]);
    }
    for (at, Variable { name, doc, .. }) in schema.variables.iter().enumerate() {
        let label = if at == 0 { "env" } else { "" };
        ports.row([
            faint(&format!("  {label:7}")),
            plain((*name).to_owned()),
            plain((*doc).to_owned()),
        ]);
    }
    out += &ports.draw(ink);
    let mut params = TextTable::new();
    for (
        at,
        ParamSchema {
            name,
            kind,
            default,
            doc,
        },
    ) in schema.params.iter().enumerate()
    {
        let label = if at == 0 { "params" } else { "" };
        let default = default.map_or_else(|| "required".to_owned(), |default| default.value().to_string());
        params.row([
            faint(&format!("  {label:7}")),
            plain((*name).to_owned()),
            plain(default),
            plain(format!("{doc}; {}", kind.describe())),
        ]);
    }
    out + &params.draw(ink)
}

fn json(schema: &Schema) -> Value {
    let ports = |ports: &[Port]| -> Value {
        ports
            .iter()
            .map(|it| json!({ "name": it.name, "doc": it.doc }))
            .collect()
    };
    json!({
        "name": schema.name,
        "version": schema.version,
        "summary": schema.summary,
        "params": params(schema.params),
        "inputs": ports(schema.inputs),
        "optional": ports(schema.optional),
        "outputs": ports(schema.outputs),
        "secrets": schema.secrets,
        "variables": schema.variables.iter().map(variable).collect::<Value>(),
        "effect": schema.effect,
    })
}

fn variable(of: &Variable) -> Value {
    let role = match of.role {
        VariableRole::Param(param) => json!({ "param": param }),
        VariableRole::Secret => json!("secret"),
        VariableRole::Access => json!("access"),
    };
    json!({ "name": of.name, "role": role, "doc": of.doc })
}

fn params(params: &[ParamSchema]) -> Value {
    let param = |param: &ParamSchema| {
        json!({
            "name": param.name,
            "kind": kind(param.kind),
            "default": param.default.map(|default| default.value().to_json()),
            "doc": param.doc,
        })
    };
    params.iter().map(param).collect()
}

fn kind(of: Kind) -> Value {
    match of {
        Kind::Bool => json!({ "type": "bool" }),
        Kind::Int { min, max } => json!({ "type": "integer", "min": min, "max": max }),
        Kind::Float { min, max, open } => json!({ "type": "float", "min": min, "max": max, "open": open }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Choice(values) => json!({ "type": "choice", "values": values }),
        Kind::Form(form) => json!({ "type": "string", "form": form.what }),
        Kind::Date => json!({ "type": "date" }),
        Kind::DateOrLatest => json!({ "type": "date", "or": LATEST }),
        Kind::PathOrUrl => json!({ "type": "path or url" }),
        Kind::Uri => json!({ "type": "uri" }),
        Kind::List(items) => json!({ "type": "list", "items": kind(*items) }),
        Kind::OneOrMany(items) => json!({ "type": "one or many", "items": kind(*items) }),
        Kind::Auto(of) => json!({ "type": "auto", "or": kind(*of) }),
        Kind::Table(entries) => {
            let entry = |entry: &ParamSchema| (entry.name.to_owned(), kind(entry.kind));
            json!({ "type": "table", "entries": entries.iter().map(entry).collect::<Map<_, _>>() })
        }
        Kind::Record(entries) => {
            let needed = entries.iter().filter(|entry| entry.default.is_none());
            let mut record = kind(Kind::Table(entries));
            record["needed"] = needed.map(|entry| entry.name).collect();
            record
        }
        Kind::AnyTable => json!({ "type": "table" }),
        Kind::Command => json!({ "type": "command" }),
        Kind::Either(one, other) => json!({ "type": "either", "of": [kind(*one), kind(*other)] }),
    }
}
