//! Parameters of `[params]` that nothing reads: most often a slip in the name.

use std::collections::HashSet;

use super::matrix::Matrix;
use super::mistakes::Mistakes;
use super::params::{Declared, Params};
use super::targets::Draft;
use crate::engine::spec::Origin;
use crate::engine::spec::schema::Catalog;

/// Warns of each, unless something is wrong already: what is wrong may be the reader.
pub(super) fn report(
    params: &Params<'_>,
    matrix: &Matrix<'_>,
    drafts: &[Draft<'_>],
    catalog: &Catalog,
    mistakes: &mut Mistakes,
) {
    if mistakes.has_errors() {
        return;
    }
    let values = || {
        matrix
            .axes
            .iter()
            .filter(|axis| axis.is_used.is_set())
            .flat_map(|axis| &axis.values)
    };
    // A parameter file is also there for others than atsaf; but what `-s` sets in it is meant for a target.
    let is_set = |param: &&Declared<'_>| matches!(param.origin, Origin::CommandLine(_));
    let set = || {
        let set = params.of_files().iter().filter(is_set);
        set.filter(|param| !params.has_entries(param.name.text) && !params.is_read_with(param.name.text))
    };
    let declared = || {
        params
            .own()
            .iter()
            .chain(set())
            .chain(values().flat_map(|value| &value.with))
    };
    let unread = || declared().filter(|param| !param.is_read.is_set());
    if unread().next().is_none() {
        return;
    }
    let defaults = defaults(params, drafts, catalog);
    for param in unread() {
        let name = param.name;
        let near = mistakes.nearest(name.text, defaults.iter().map(|(name, _)| *name));
        let reader = near.and_then(|near| defaults.iter().find(|(name, _)| *name == near));
        let mistake = mistakes.warning(name.span, format!("nothing reads the parameter `{}`", name.text));
        if matches!(param.origin, Origin::CommandLine(_)) {
            mistake.note("it is set on the command line with `-s`, which changes nothing");
        }
        match reader {
            Some((near, target)) => mistake.help(format!(
                "did you mean `{near}`, which `{target}` takes from its default?"
            )),
            None => mistake.help(format!(
                "remove it, or read it: by `{{{{{0}}}}}` in a command or a path, or by `params = [\"{0}\"]`",
                name.text
            )),
        };
    }
}

/// The parameters that built-in tasks take from their defaults, each with the first target that does.
fn defaults<'s>(params: &Params<'_>, drafts: &'s [Draft<'_>], catalog: &Catalog) -> Vec<(&'static str, &'s str)> {
    let mut seen = HashSet::new();
    let mut defaults = Vec::new();
    for draft in drafts {
        let schema = draft.uses.and_then(|uses| catalog.get(uses.text));
        for param in schema.map_or(&[][..], |schema| schema.params) {
            let is_own = draft.with.iter().any(|own| own.name.text == param.name);
            let is_set = params.get(param.name).is_some() || params.undeclared.contains_key(param.name);
            if !is_own && !is_set && seen.insert(param.name) {
                defaults.push((param.name, draft.name.text));
            }
        }
    }
    defaults
}
