//! Refuses credentials in parameters and commands: they would be in fingerprints, in the journal and on the screen.

use toml::de::DeValue;

use super::Overrides;
use super::matrix::Matrix;
use super::mistakes::{Mistake, Mistakes};
use super::params::{Declared, Params};
use super::syntax::TomlNode;
use super::targets::Draft;
use crate::engine::spec::Value;
use crate::outward::credentials;

/// Looks at every value and every command.
pub(super) fn report(
    overrides: &Overrides,
    params: &Params<'_>,
    matrix: &Matrix<'_>,
    drafts: &[Draft<'_>],
    mistakes: &mut Mistakes,
) {
    let declared = params.own().iter().chain(drafts.iter().flat_map(|draft| &draft.with));
    let values = matrix.axes.iter().flat_map(|axis| &axis.values);
    let declared = declared.chain(values.flat_map(|value| value.params.iter().take(1).chain(&value.with)));
    // Of a parameter file, only what is read is kept and shown.
    let of_files = params.of_files().iter().filter(|param| param.is_read.is_set());
    for Declared {
        name,
        node,
        span,
        value,
        ..
    } in declared.chain(of_files)
    {
        let is_bad = node.map_or_else(|| value.as_ref().is_some_and(has_any), holds);
        if is_bad && !mistakes.has_error_in(*span) {
            let what = format!("the parameter `{}` has an address with credentials", name.text);
            help(mistakes.error(*span, what), "put the address together from it there");
        }
    }
    for axis in &matrix.axes {
        for own in axis.values.iter().flat_map(|value| value.params.iter().skip(1)) {
            let is_bad = |value: &Value| !credentials(&value.plain()).is_empty();
            if own.is_read.is_set() && own.value.as_ref().is_some_and(is_bad) {
                let what = format!("`{}` has an address with credentials in one of its rows", own.name.text);
                help(
                    mistakes.error(axis.name.span, what),
                    "put the address together from it there",
                );
                break;
            }
        }
    }
    for (name, _) in overrides
        .sets
        .iter()
        .filter(|(_, value)| !credentials(value).is_empty())
    {
        let what = format!("`-s {name}=…` has an address with credentials");
        help(mistakes.error_outside(what), "put the address together from it there");
    }
    for draft in drafts {
        for word in draft
            .run
            .iter()
            .chain(&draft.settings().probe)
            .flat_map(|run| &run.words)
        {
            if !credentials(word.text).is_empty() {
                let what = format!(
                    "the command of the target `{}` has an address with credentials",
                    draft.name.text
                );
                help(
                    mistakes.error(word.span, what),
                    "write `$NAME` in the place of the value",
                );
            }
        }
    }
}

fn help(mistake: &mut Mistake, then: &str) {
    mistake
        .note("parameters and commands are kept in the journal and shown; the value is not shown here")
        .help(format!(
            "declare a secret in `[secrets]`, write its value to `.env`, name it in `secrets` of the target whose command reads it as `$NAME`, and {then}"
        ));
}

fn has_any(value: &Value) -> bool {
    match value {
        Value::Text(text) => !credentials(text).is_empty(),
        Value::List(items) => items.iter().any(has_any),
        Value::Table(entries) => entries.values().any(has_any),
        _ => false,
    }
}

fn holds(node: &TomlNode<'_>) -> bool {
    match node.get_ref() {
        DeValue::String(text) => !credentials(text).is_empty(),
        DeValue::Array(items) => items.iter().any(holds),
        DeValue::Table(entries) => entries.iter().any(|(_, value)| holds(value)),
        _ => false,
    }
}
