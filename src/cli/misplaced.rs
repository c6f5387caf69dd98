//! Values of secrets where they do not belong, and secrets that are too short to be hidden.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::engine::graph::Graph;
use crate::engine::spec::{Origin, Param, Value};
use crate::outward::{Mask, SHORTEST};

/// An error for each parameter that has the value of a secret.
pub(super) fn in_parameters(
    graph: &Graph,
    sets: &[(String, String)],
    secrets: &BTreeMap<String, String>,
) -> Vec<Diagnostic> {
    // A short value may be the same by chance.
    let long: Vec<(&str, &str)> = secrets
        .iter()
        .filter(|(_, value)| !Mask::is_short(value))
        .map(|(name, value)| (name.as_str(), value.trim()))
        .collect();
    if long.is_empty() {
        return Vec::new();
    }
    let is = |text: &str| {
        long.iter()
            .find(|(_, value)| text.trim() == *value)
            .map(|(name, _)| *name)
    };
    let spec = &graph.spec;
    let mut found = Vec::new();
    let own = spec.targets.iter().flat_map(|target| &target.params);
    for Param { name, value, origin } in spec.params.iter().chain(own) {
        let Origin::Atsaffile(span) = origin else { continue };
        let Some(secret) = any(value, &is) else { continue };
        let what = format!("the parameter `{name}` has the value of the secret `{secret}`");
        let diagnostic = help(Diagnostic::error(what).at(spec.text.place(*span)), secret);
        if !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    for axis in &spec.axes {
        if let Some(secret) = axis.values.iter().find_map(|value| is(value)) {
            let what = format!("a value of the axis `{}` is that of the secret `{secret}`", axis.name);
            found.push(help(Diagnostic::error(what).at(spec.text.place(axis.span)), secret));
        }
    }
    for (name, text) in sets {
        let items = text
            .split(',')
            .map(|item| item.trim().trim_matches(['[', ']', '"', '\'', ' ']));
        if let Some(secret) = std::iter::once(text.as_str()).chain(items).find_map(is) {
            let what = format!("`-s {name}=…` has the value of the secret `{secret}`");
            found.push(help(Diagnostic::error(what), secret));
        }
    }
    found
}

fn help(diagnostic: Diagnostic, secret: &str) -> Diagnostic {
    diagnostic
        .note("parameters are kept in the journal and shown; the value is not shown here")
        .help(format!(
            "leave its value in `.env` or in the environment, write `secrets = [\"{secret}\"]` in the target that needs it, \
             and let its command read `${secret}`"
        ))
}

/// The secret whose value stands somewhere in a value.
fn any<'s>(value: &Value, is: &dyn Fn(&str) -> Option<&'s str>) -> Option<&'s str> {
    match value {
        Value::Text(text) | Value::Date(text) | Value::Path(text) => is(text),
        Value::List(items) => items.iter().find_map(|item| any(item, is)),
        Value::Table(entries) => entries.values().find_map(|value| any(value, is)),
        Value::Int(_) | Value::Float(_) => is(&value.plain()),
        Value::Bool(_) | Value::Null => None,
    }
}

/// A warning for each secret that is too short to be hidden wherever it occurs.
pub(super) fn too_short(graph: &Graph, secrets: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let spec = &graph.spec;
    let short = secrets.iter().filter(|(_, value)| Mask::is_short(value));
    let warn = |(name, _): (&String, &String)| {
        let what = format!("the value of the secret `{name}` has fewer than {SHORTEST} characters");
        let declared = spec.secrets.get(name).map(|secret| spec.text.place(secret.span));
        let warning = Diagnostic::warning(what)
            .note("it is hidden only where it stands as a word of its own, and not looked for in artifacts")
            .help("give it a longer value; what is no secret can be a parameter or, under `env`, a variable");
        declared.into_iter().fold(warning, Diagnostic::at)
    };
    short.map(warn).collect()
}
