//! `expand` and `glob_wildcards`: paths of patterns and values, and values of patterns and files.

use std::collections::BTreeMap;

use super::Disk;
use super::expressions::Known;
use super::patterns::Pattern;
use super::statements::Argument;
use super::values::{Globbed, Value};

/// Most texts of one `expand`.
const MOST_TEXTS: usize = 10_000;

impl Known<'_> {
    /// The texts of `expand`, in Snakemake's order: the last list goes first.
    pub(super) fn expand(&mut self, given: &[Argument]) -> Result<Value, String> {
        let mut patterns = None;
        let mut lists: Vec<(String, Vec<String>)> = Vec::new();
        let mut is_zip = false;
        let mut may_miss = false;
        for argument in given {
            match argument.name.as_deref() {
                None if patterns.is_none() => patterns = Some(self.value(&argument.tokens)?),
                None if matches!(argument.tokens.as_slice(), [zip] if zip.is("zip")) => is_zip = true,
                None => return Err("a function says how `expand` combines".to_owned()),
                Some("allow_missing") => may_miss = matches!(self.value(&argument.tokens)?, Value::Bool(true)),
                Some(name) => {
                    let value = self.value(&argument.tokens)?;
                    let texts: Result<Vec<String>, String> = value.items()?.iter().map(Value::in_text).collect();
                    let texts = texts?;
                    match value.bare() {
                        Value::Globbed(globbed) => self.open.push(globbed.clone()),
                        Value::Paths(_) => return Err("`expand` over paths".to_owned()),
                        _ => {
                            self.is_from_config |= matches!(value, Value::Config(..));
                            self.closed.push(texts.clone());
                        }
                    }
                    lists.push((name.to_owned(), texts));
                }
            }
        }
        let patterns = patterns.ok_or("`expand` is given nothing")?;
        let is_config = matches!(patterns, Value::Config(..));
        let mut all = Vec::new();
        for pattern in patterns.paths()? {
            let used: Vec<&(String, Vec<String>)> =
                lists.iter().filter(|(name, _)| uses(&pattern.text, name)).collect();
            for values in combined(&used, is_zip)? {
                all.push(Value::Text(formatted(&pattern.text, &values, may_miss)?));
                if all.len() > MOST_TEXTS {
                    return Err(format!("`expand` makes more than {MOST_TEXTS} paths"));
                }
            }
        }
        let all = Value::List(all);
        Ok(if is_config {
            Value::Marked("config", all.into())
        } else {
            all
        })
    }
}

/// Whether a text has a hole of this name.
fn uses(text: &str, name: &str) -> bool {
    text.replace("{{", "").contains(&format!("{{{name}}}"))
}

type Combination<'l> = Vec<(&'l str, &'l str)>;

/// The combinations of values, the last list the fastest; or side by side.
fn combined<'l>(lists: &[&'l (String, Vec<String>)], is_zip: bool) -> Result<Vec<Combination<'l>>, String> {
    if is_zip {
        let length = lists.iter().map(|(_, values)| values.len()).min().unwrap_or(1);
        let row = |at: usize| {
            lists
                .iter()
                .map(|(name, values)| (name.as_str(), values[at].as_str()))
                .collect()
        };
        return Ok((0..length).map(row).collect());
    }
    let mut all: Vec<Combination<'l>> = vec![Vec::new()];
    for (name, values) in lists {
        if all.len().saturating_mul(values.len()) > MOST_TEXTS {
            return Err(format!("`expand` makes more than {MOST_TEXTS} paths"));
        }
        let longer = all.iter().flat_map(|known| {
            let with = move |value: &'l String| [known.as_slice(), &[(name.as_str(), value.as_str())]].concat();
            values.iter().map(with)
        });
        all = longer.collect();
    }
    Ok(all)
}

/// A text with values in its braces.
pub(super) fn formatted(text: &str, values: &[(&str, &str)], may_miss: bool) -> Result<String, String> {
    with_braces(text, |name| match values.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Ok((*value).to_owned()),
        None if may_miss => Ok(format!("{{{name}}}")),
        None => Err(format!("`expand` has no values for `{name}`")),
    })
}

/// A text with what belongs into its braces; doubled ones are single afterwards.
pub(super) fn with_braces(text: &str, mut fill: impl FnMut(&str) -> Result<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out += &rest[..at];
        let behind = &rest[at..];
        if behind.starts_with("{{") || behind.starts_with("}}") {
            out += &behind[..1];
            rest = &behind[2..];
            continue;
        }
        let (inside, after) = behind[1..]
            .split_once('}')
            .ok_or_else(|| format!("`{text}` has a brace that is not closed"))?;
        out += &fill(inside)?;
        rest = after;
    }
    Ok(out + rest)
}

/// The wildcards of a pattern in the files there are, as `glob_wildcards` finds them.
pub(super) fn globbed(text: &str, disk: &dyn Disk) -> Result<Vec<Globbed>, String> {
    let text = crate::atsaffile::path::normalise(text);
    let pattern = Pattern::read(&text, &BTreeMap::new())?;
    let fixed = text.split('{').next().unwrap_or_default();
    let directory = fixed.rsplit_once('/').map_or("", |(directory, _)| directory);
    let matched: Vec<_> = disk
        .below(directory)
        .iter()
        .filter_map(|path| pattern.matched(path))
        .collect();
    let wildcards = pattern.wildcards();
    // A pattern of files has no constraint.
    let is_free = wildcards.len() == 1 && !pattern.is_constrained();
    let axis = is_free.then(|| pattern.as_glob()).flatten();
    let all = wildcards.into_iter().map(|wildcard| Globbed {
        values: matched
            .iter()
            .filter_map(|values| values.get(&wildcard).cloned())
            .collect(),
        axis: axis.clone(),
        wildcard,
    });
    Ok(all.collect())
}
