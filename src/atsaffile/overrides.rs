//! `-s KEY=VALUE`: values from the command line, put over `[params]`.

use std::collections::{BTreeMap, HashMap};

use super::Overrides;
use super::matrix::Matrix;
use super::mistakes::Mistakes;
use super::params::Params;
use super::targets::Draft;
use super::typed::ValueType;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Catalog, Kind, LATEST, ParamSchema};

/// Puts the values of the command line over the declared ones.
pub(super) fn apply(
    overrides: &Overrides,
    params: &mut Params<'_>,
    matrix: &Matrix<'_>,
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
        // An axis is refused elsewhere.
        if last.get(key.as_str()) != Some(&at) || matrix.axis(key).is_some() {
            continue;
        }
        let readers = used.get(key.as_str()).map_or(&[][..], Vec::as_slice);
        if let Some(declared) = params.get(key) {
            let Some(like) = &declared.value else { continue };
            let span = declared.span;
            if params.has_entries(key) {
                mistakes
                    .error(span, format!("`-s {key}={text}` sets a table of a parameter file"))
                    .help(format!("set one of its entries: `-s {key}.NAME=VALUE`"));
                continue;
            }
            match read(Some(like), text, readers) {
                Ok(value) => params.set(key, &value),
                Err(wanted) => {
                    mistakes
                        .error(span, format!("`-s {key}={text}` must give {wanted}"))
                        .label("of the same type as the declared value");
                }
            }
        } else if !readers.is_empty() {
            let value = read(None, text, readers);
            if let Err(wanted) = &value {
                mistakes.error_outside(format!("`-s {key}={text}` must give {wanted}"));
            }
            params.undeclared.insert(key.clone(), value.ok());
        } else if !params.is_broken
            && drafts
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

fn unknown(
    key: &str,
    text: &str,
    params: &Params<'_>,
    used: &BTreeMap<&str, Vec<&ParamSchema>>,
    mistakes: &mut Mistakes,
) {
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
                    own.span,
                    format!("`-s {key}={text}` changes nothing for the target `{}`", draft.name.text),
                )
                .note("its `with` sets a value for this target alone, which counts before the project's")
                .help("change it here, or remove it from `with`");
        }
    }
}

/// The parameters of the built-in tasks that the Atsaffile uses.
fn used<'s>(drafts: &[Draft<'_>], catalog: &'s Catalog) -> BTreeMap<&'s str, Vec<&'s ParamSchema>> {
    let mut tasks: Vec<&str> = drafts
        .iter()
        .filter_map(|draft| draft.uses)
        .map(|uses| uses.text)
        .collect();
    tasks.sort_unstable();
    tasks.dedup();
    let mut used: BTreeMap<&str, Vec<&ParamSchema>> = BTreeMap::new();
    for schema in tasks.into_iter().filter_map(|task| catalog.get(task)) {
        for param in schema.params {
            used.entry(param.name).or_default().push(param);
        }
    }
    used
}

/// Reads a text as a value of the declared type, or of that of its readers where they take values of several types; a
/// whole number may become one with a fraction where every reader takes such.
fn read(declared: Option<&Value>, text: &str, readers: &[&ParamSchema]) -> Result<Value, &'static str> {
    let kinds = || readers.iter().map(|reader| ValueType::of_kind(reader.kind));
    let several = |kind: &ValueType| matches!(kind, ValueType::OneOrMany(_) | ValueType::Auto(_));
    let Some(declared) = declared.map(ValueType::of_value) else {
        let first = kinds().find(several).or_else(|| kinds().next());
        return first.unwrap_or(ValueType::Text).read(text);
    };
    if let Some(kind) = kinds().find(several) {
        return kind.read(text);
    }
    let is_latest = |reader: &&ParamSchema| matches!(reader.kind, Kind::DateOrLatest) && text.trim() == LATEST;
    if !readers.is_empty() && readers.iter().all(is_latest) {
        return Ok(Value::Text(LATEST.to_owned()));
    }
    let fraction = match &declared {
        ValueType::Int => Some(ValueType::Float),
        ValueType::List(item) if **item == ValueType::Int => Some(ValueType::List(Box::new(ValueType::Float))),
        _ => None,
    };
    let fraction = fraction.filter(|wanted| !readers.is_empty() && kinds().all(|kind| kind == *wanted));
    declared
        .read(text)
        .or_else(|wanted| fraction.map_or(Err(wanted), |kind| kind.read(text)))
}
