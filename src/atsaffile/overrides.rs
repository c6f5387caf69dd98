//! `-s KEY=VALUE`: values from the command line, put over `[params]`.

use std::collections::{BTreeMap, HashMap};

use super::Overrides;
use super::mistakes::Mistakes;
use super::params::{self, Params};
use super::syntax::span_of;
use super::targets::Draft;
use crate::engine::spec::schema::{AUTO, Catalog, Kind, Param};
use crate::engine::spec::{Origin, Value};

/// Puts the values of the command line over the declared ones.
pub(super) fn apply(
    overrides: &Overrides,
    params: &mut Params<'_>,
    drafts: &[Draft<'_>],
    catalog: &Catalog,
    mistakes: &mut Mistakes,
) {
    if overrides.sets.is_empty() {
        return;
    }
    let used = used(drafts, catalog);
    let last: HashMap<&str, usize> = overrides
        .sets
        .iter()
        .enumerate()
        .map(|(at, (key, _))| (key.as_str(), at))
        .collect();
    for (at, (key, text)) in overrides.sets.iter().enumerate() {
        if last.get(key.as_str()) != Some(&at) {
            continue;
        }
        let readers = used.get(key.as_str()).map_or(&[][..], Vec::as_slice);
        if let Some(declared) = params.get_mut(key) {
            let Some(like) = &declared.value else { continue };
            let span = span_of(declared.node);
            match read(like, text, readers) {
                Ok(value) => {
                    declared.value = Some(value);
                    declared.origin = Origin::CommandLine(Some(span));
                }
                Err(wanted) => {
                    mistakes
                        .error(span, format!("`-s {key}={text}` must give {wanted}"))
                        .label("of the same type as the declared value");
                }
            }
        } else if let Some(reader) = readers.first() {
            let value = read(&sample(reader.kind), text, readers);
            if let Err(wanted) = &value {
                mistakes.error_outside(format!("`-s {key}={text}` must give {wanted}"));
            }
            params.undeclared.insert(key.clone(), value.ok());
        } else if drafts
            .iter()
            .filter_map(|draft| draft.uses)
            .all(|uses| catalog.contains_key(uses.text))
        {
            // A task that is not known, which is told elsewhere, may have had this parameter.
            unknown(key, text, params, &used, mistakes);
        }
        outweighed(key, text, drafts, mistakes);
    }
}

fn unknown(key: &str, text: &str, params: &Params<'_>, used: &BTreeMap<&str, Vec<&Param>>, mistakes: &mut Mistakes) {
    let names = params
        .names()
        .chain(used.keys().copied().filter(|name| params.get(name).is_none()));
    let what = format!("unknown parameter `{key}` in `-s {key}={text}`");
    mistakes.unknown(None, what, key, "parameters", names);
}

/// Warns of targets for which the Atsaffile itself sets another value.
fn outweighed(key: &str, text: &str, drafts: &[Draft<'_>], mistakes: &mut Mistakes) {
    for draft in drafts {
        for own in draft.with.iter().filter(|own| own.name.text == key) {
            mistakes
                .warning(
                    span_of(own.node),
                    format!("`-s {key}={text}` changes nothing for the target `{}`", draft.name.text),
                )
                .note("its `with` sets a value for this target alone, which counts before the project's")
                .help("change it here, or remove it from `with`");
        }
    }
}

/// The parameters of the built-in tasks that the Atsaffile uses.
fn used<'s>(drafts: &[Draft<'_>], catalog: &'s Catalog) -> BTreeMap<&'s str, Vec<&'s Param>> {
    let mut tasks: Vec<&str> = drafts
        .iter()
        .filter_map(|draft| draft.uses)
        .map(|uses| uses.text)
        .collect();
    tasks.sort_unstable();
    tasks.dedup();
    let mut used: BTreeMap<&str, Vec<&Param>> = BTreeMap::new();
    for schema in tasks.into_iter().filter_map(|task| catalog.get(task)) {
        for param in schema.params {
            used.entry(param.name).or_default().push(param);
        }
    }
    used
}

/// A value of the type that a kind is written as.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int { .. } => Value::Int(0),
        Kind::Float { .. } => Value::Float(0.0),
        Kind::Text | Kind::Choice(_) | Kind::Date | Kind::PathOrUrl | Kind::Uri => Value::Text(String::new()),
        Kind::List(item) => Value::List(vec![sample(*item)]),
        Kind::OneOrMany(kind) | Kind::Auto(kind) => sample(*kind),
        Kind::Table(_) => Value::Table(BTreeMap::new()),
    }
}

/// Reads a text as a value of the type of `like`; a whole number may become a fraction where every reader takes one, and
/// a reader that takes values of several types decides itself.
fn read(like: &Value, text: &str, readers: &[&Param]) -> Result<Value, &'static str> {
    let several = readers.iter().map(|reader| reader.kind);
    if let Some(kind) = several
        .into_iter()
        .find(|kind| matches!(kind, Kind::OneOrMany(_) | Kind::Auto(_)))
    {
        return read_as(kind, text);
    }
    let fraction = !readers.is_empty() && readers.iter().all(|param| matches!(param.kind, Kind::Float { .. }));
    match like {
        Value::Int(_) if fraction => typed(like, text).or_else(|_| typed(&Value::Float(0.0), text)),
        _ => typed(like, text),
    }
}

/// Reads a text as a kind is written, one value or several.
fn read_as(kind: Kind, text: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Auto(_) if text.trim() == AUTO => Ok(Value::Text(AUTO.to_owned())),
        Kind::OneOrMany(kind) if text.contains(',') || text.starts_with('[') => {
            list(Some(&sample(*kind)), text, params::value_of_text(text))
        }
        Kind::Auto(kind) | Kind::OneOrMany(kind) => read_as(*kind, text),
        _ => typed(&sample(kind), text),
    }
}

fn typed(like: &Value, text: &str) -> Result<Value, &'static str> {
    let text = match like {
        Value::Text(_) => return Ok(Value::Text(text.to_owned())),
        _ => text.trim(),
    };
    #[expect(clippy::cast_precision_loss, reason = "parameters are far below 2^53")]
    match (like, params::value_of_text(text)) {
        (Value::List(items), value) => list(items.first(), text, value),
        (Value::Bool(_), Some(value @ Value::Bool(_)))
        | (Value::Int(_), Some(value @ Value::Int(_)))
        | (Value::Float(_), Some(value @ Value::Float(_)))
        | (Value::Date(_), Some(value @ Value::Date(_)))
        | (Value::Table(_), Some(value @ Value::Table(_))) => Ok(value),
        (Value::Float(_), Some(Value::Int(number))) => Ok(Value::Float(number as f64)),
        (Value::Bool(_), _) => Err("true or false"),
        (Value::Int(_), _) => Err("a whole number"),
        (Value::Float(_), _) => Err("a number"),
        (Value::Table(_), _) => Err("a table such as `{ name = value }`"),
        _ => Err("a date such as 2023-06-01"),
    }
}

/// Reads a list, as TOML or as items between commas, each of the type of `like`, or text if there is none.
fn list(like: Option<&Value>, text: &str, value: Option<Value>) -> Result<Value, &'static str> {
    const WANTED: &str = "a list such as `a,b` or `[\"a\", \"b\"]`, of items of the declared type";
    let text_item = Value::Text(String::new());
    let like = like.unwrap_or(&text_item);
    if text.starts_with('[') {
        // A whole number is a number as well.
        let fits = |item: &Value| {
            item.type_name() == like.type_name() || matches!((item, like), (Value::Int(_), Value::Float(_)))
        };
        return match value {
            Some(Value::List(items)) if items.iter().all(fits) => Ok(Value::List(items)),
            _ => Err(WANTED),
        };
    }
    if text.is_empty() {
        return Ok(Value::List(Vec::new()));
    }
    text.split(',')
        .map(|item| typed(like, item.trim()))
        .collect::<Result<_, _>>()
        .map(Value::List)
        .map_err(|_| WANTED)
}
