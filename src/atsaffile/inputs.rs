//! What targets read: artifacts, sources and globs.

use std::collections::HashMap;

use super::mistakes::Mistakes;
use super::names::{is_instance, reserved_instance};
use super::path;
use super::resolve::Resolver;
use super::scope::Scope;
use super::sections::is_name;
use super::syntax::Word;
use super::targets::Draft;
use crate::engine::spec::{From, Goal, Input, Span};

impl<'t> Resolver<'_, 't> {
    /// Resolves the inputs of a target; the flag says whether all of them could be.
    pub(super) fn inputs(
        &self,
        draft: &Draft<'t>,
        scope: Scope<'_, 't>,
        mistakes: &mut Mistakes,
    ) -> (Vec<Input>, bool) {
        let mut whole = !draft.broken.inputs;
        let mut inputs = Vec::with_capacity(draft.inputs.len());
        let mut seen: HashMap<(String, String), Span> = HashMap::new();
        for (role, word) in &draft.inputs {
            let from = scope
                .render(self.text, *word, mistakes)
                .and_then(|rendered| self.input(*word, &rendered, mistakes));
            let Some(from) = from else {
                whole = false;
                continue;
            };
            let (From::Artifact(what) | From::Source(what) | From::Glob(what)) = &from;
            let role = role.map_or(what.as_str(), |role| role.text).to_owned();
            if draft.inputs.len() > 1
                && let Some(first) = seen.insert((role.clone(), what.clone()), word.span)
            {
                mistakes
                    .error(word.span, format!("the input `{what}` is listed twice"))
                    .also(first, "first here");
                continue;
            }
            let span = word.span;
            inputs.push(Input { role, from, span });
        }
        (inputs, whole)
    }

    /// Finds what an input is, its parameters already put in.
    fn input(&self, word: Word<'_>, rendered: &str, mistakes: &mut Mistakes) -> Option<From> {
        if self.names.artifacts.contains_key(rendered) {
            return Some(From::Artifact(rendered.to_owned()));
        }
        if is_instance(rendered) {
            reserved_instance(word, mistakes);
            return None;
        }
        if let Some((_, name)) = self.names.artifact_at(rendered) {
            return Some(From::Artifact(name.to_owned()));
        }
        if !path::is_glob(rendered) && !path::looks_like_path(rendered) {
            self.unknown_artifact(word, rendered, mistakes);
            return None;
        }
        let path = path::normalise(rendered);
        let problem = if rendered.contains(|c: char| c.is_control() && c != '\0') {
            "has a control character in it"
        } else if path.is_empty() || path == "/" || path.split('/').all(|part| part == "..") {
            "is a whole project or more"
        } else if path::is_store(&path) {
            "lies in `.atsaf/`, which belongs to atsaf"
        } else if path::is_glob(&path) && path::is_outside(&path) {
            "is a pattern that leads out of the project"
        } else if path::is_glob(&path) {
            return Some(From::Glob(path));
        } else {
            return Some(From::Source(path));
        };
        let shown = rendered.escape_debug();
        mistakes
            .error(word.span, format!("the input `{shown}` {problem}"))
            .help("name an artifact, or the path of a file or directory that no target makes");
        None
    }

    fn unknown_artifact(&self, word: Word<'_>, name: &str, mistakes: &mut Mistakes) {
        if let Some(made) = self.names.targets.get(name) {
            let mistake = mistakes.error(word.span, format!("the input `{name}` is a target, not an artifact"));
            match made.is_empty() {
                true => mistake.help(format!("give `{name}` an output, and name that")),
                false => mistake.help(format!("name what it makes: `{}`", made.join("`, `"))),
            };
        } else if self.names.aliases.contains_key(name) {
            mistakes
                .error(word.span, format!("the input `{name}` is an alias, not an artifact"))
                .help("name the artifacts themselves");
        } else {
            let what = format!("unknown artifact `{name}`");
            let names = self.names.artifact_names();
            let mistake = mistakes.unknown(Some(word.span), what, name, "artifacts", names);
            if is_name(name) {
                mistake.or_help(format!("for a file of that name, write `./{name}`"));
            }
        }
    }

    /// Resolves what a target comes after.
    pub(super) fn after(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) -> Vec<Goal> {
        let mut after = Vec::with_capacity(draft.after.len());
        for word in &draft.after {
            let name = word.text;
            let path = self.names.artifact_at(name).map(|(_, artifact)| artifact);
            if self.names.targets.contains_key(name) || self.names.artifacts.contains_key(name) {
                after.push(Goal {
                    name: name.to_owned(),
                    span: word.span,
                });
            } else if let Some(artifact) = path {
                after.push(Goal {
                    name: artifact.to_owned(),
                    span: word.span,
                });
            } else if is_instance(name) {
                reserved_instance(*word, mistakes);
            } else if self.names.aliases.contains_key(name) {
                mistakes
                    .error(word.span, format!("`after` takes targets, and `{name}` is an alias"))
                    .help("name the targets themselves");
            } else {
                let aliases = &self.names.aliases;
                let known = self
                    .names
                    .order
                    .iter()
                    .copied()
                    .filter(|name| !aliases.contains_key(name));
                let what = format!("unknown target `{name}` in `after`");
                mistakes.unknown(Some(word.span), what, name, "targets and artifacts", known);
            }
        }
        after
    }
}
