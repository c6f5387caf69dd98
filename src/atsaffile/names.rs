//! The one namespace of targets, artifacts and aliases, and the paths of the artifacts.

use std::collections::{HashMap, HashSet};

use super::mistakes::Mistakes;
use super::path;
use super::sections::{Alias, is_name};
use super::syntax::Word;
use super::targets::Draft;
use crate::engine::spec::{Output, Span};

/// Finds what a name or a path means.
pub(super) struct Names<'n> {
    /// Targets, with the names of their artifacts.
    pub(super) targets: HashMap<&'n str, Vec<&'n str>>,
    /// Names of artifacts, with the target that makes them.
    pub(super) artifacts: HashMap<&'n str, &'n str>,
    /// Aliases, with their number.
    pub(super) aliases: HashMap<&'n str, usize>,
    /// Paths of artifacts, with the artifact's name.
    pub(super) paths: HashMap<&'n str, &'n str>,
    /// All names in the order of the text, for suggestions.
    pub(super) order: Vec<&'n str>,
}

/// One place where a name is given to something.
struct Given<'n> {
    name: &'n str,
    span: Span,
    /// What has the name, for messages.
    to: String,
}

impl<'n> Names<'n> {
    /// Collects all names; a name that is given twice is a mistake.
    pub(super) fn new(
        drafts: &'n [Draft<'n>],
        made: &'n [Vec<Output>],
        aliases: &'n [Alias<'n>],
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut names = Self {
            targets: HashMap::with_capacity(drafts.len()),
            artifacts: HashMap::with_capacity(drafts.len()),
            aliases: HashMap::with_capacity(aliases.len()),
            paths: HashMap::with_capacity(drafts.len()),
            order: Vec::with_capacity(2 * drafts.len()),
        };
        let mut clashes: Vec<Given<'n>> = Vec::new();
        let mut taken: HashMap<&'n str, Span> = HashMap::with_capacity(2 * drafts.len());
        for (draft, outputs) in drafts.iter().zip(made) {
            let artifacts: Vec<&str> = draft.outputs.iter().map(|(name, _)| name.text).collect();
            if taken.insert(draft.name.text, draft.name.span).is_some() {
                clashes.push(Given::target(draft));
            }
            for (name, _) in &draft.outputs {
                let own = name.text == draft.name.text && draft.outputs.len() == 1;
                if !own && taken.insert(name.text, name.span).is_some() {
                    clashes.push(Given::artifact(*name, draft));
                }
                names.artifacts.entry(name.text).or_insert(draft.name.text);
                if !own {
                    names.order.push(name.text);
                }
            }
            for output in outputs {
                names.paths.entry(&output.path).or_insert(&output.name);
            }
            names.order.push(draft.name.text);
            names.targets.insert(draft.name.text, artifacts);
        }
        for (at, alias) in aliases.iter().enumerate() {
            if taken.insert(alias.name.text, alias.name.span).is_some() {
                clashes.push(Given::alias(alias));
            }
            names.aliases.insert(alias.name.text, at);
            names.order.push(alias.name.text);
        }
        if !clashes.is_empty() {
            report(drafts, aliases, &clashes, mistakes);
        }
        names
    }

    /// The path of an artifact in its one form, if `written` is one.
    pub(super) fn artifact_at(&self, written: &str) -> Option<(&'n str, &'n str)> {
        if let Some((path, name)) = self.paths.get_key_value(written) {
            return Some((path, name));
        }
        let (path, name) = self.paths.get_key_value(path::normalise(written).as_str())?;
        Some((path, name))
    }

    /// Names of all artifacts in the order of the text.
    pub(super) fn artifact_names(&self) -> impl Iterator<Item = &'n str> + Clone {
        self.order
            .iter()
            .copied()
            .filter(|name| self.artifacts.contains_key(name))
    }
}

/// Whether a name asks for an instance of a target: `train@TEX` or `train@*`.
pub(super) fn is_instance(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, of)| is_name(name) && !path::looks_like_path(of))
}

/// Adds the error that instances are not there yet.
pub(super) fn reserved_instance(word: Word<'_>, mistakes: &mut Mistakes) {
    let what = format!(
        "`{}`: instances of a target are reserved for a later version of atsaf",
        word.text
    );
    mistakes.error(word.span, what);
}

/// Adds an error for each name that is given twice, with both places.
fn report<'n>(drafts: &'n [Draft<'n>], aliases: &'n [Alias<'n>], clashes: &[Given<'n>], mistakes: &mut Mistakes) {
    let wanted: HashSet<&str> = clashes.iter().map(|given| given.name).collect();
    let mut all: Vec<Given<'n>> = Vec::new();
    for draft in drafts {
        if wanted.contains(draft.name.text) {
            all.push(Given::target(draft));
        }
        for (name, _) in &draft.outputs {
            let own = name.text == draft.name.text && draft.outputs.len() == 1;
            if !own && wanted.contains(name.text) {
                all.push(Given::artifact(*name, draft));
            }
        }
    }
    all.extend(
        aliases
            .iter()
            .filter(|alias| wanted.contains(alias.name.text))
            .map(Given::alias),
    );
    all.sort_by_key(|given| given.span.start);
    let mut first: HashMap<&str, &Given<'_>> = HashMap::new();
    for given in &all {
        if let Some(first) = first.get(given.name) {
            mistakes
                .error(given.span, format!("the name `{}` is given twice", given.name))
                .label(format!("to {}", given.to))
                .also(first.span, format!("and to {}", first.to))
                .note("targets, artifacts and aliases share one namespace; only the single artifact of a target may have its name");
        } else {
            first.insert(given.name, given);
        }
    }
}

impl<'n> Given<'n> {
    fn target(draft: &'n Draft<'n>) -> Self {
        Self {
            name: draft.name.text,
            span: draft.name.span,
            to: "a target".to_owned(),
        }
    }

    fn artifact(name: Word<'n>, draft: &Draft<'_>) -> Self {
        Self {
            name: name.text,
            span: name.span,
            to: format!("an artifact of `{}`", draft.name.text),
        }
    }

    fn alias(alias: &'n Alias<'n>) -> Self {
        Self {
            name: alias.name.text,
            span: alias.name.span,
            to: "an alias".to_owned(),
        }
    }
}
