//! What targets read: artifacts, sources and globs; and what is taken out of them.

use ecow::EcoString;

use super::joins::Asker;
use super::mistakes::Mistakes;
use super::names::{Made, Meaning, Names};
use super::path;
use super::resolve::Resolver;
use super::scope::Scope;
use super::sections::is_name;
use super::syntax::Word;
use super::targets::Draft;
use crate::engine::spec::pattern::is_pattern;
use crate::engine::spec::schema::ANY;
use crate::engine::spec::{Exclusion, From, Goal, Input, Span, base_name, values_of};
use crate::fast_map::FastMap;

/// The inputs of a target as far as they could be resolved.
#[derive(Default)]
pub(super) struct ResolvedInputs {
    pub(super) inputs: Vec<Input>,
    pub(super) without: Vec<Exclusion>,
    /// Whether all of them could be resolved.
    pub(super) whole: bool,
}

/// What an input is, and how it is written.
struct ResolvedInput {
    from: From,
    /// The artifact that it is, if it is one.
    made: Option<Made>,
    named: bool,
}

impl<'t> Resolver<'_, 't> {
    /// Resolves the inputs of a target.
    pub(super) fn inputs(&self, draft: &Draft<'t>, scope: Scope<'_, 't>, mistakes: &mut Mistakes) -> ResolvedInputs {
        let mut resolved = ResolvedInputs {
            whole: !draft.broken.inputs,
            ..ResolvedInputs::default()
        };
        let mut seen: FastMap<(&str, EcoString), Span> = FastMap::default();
        for (role, word) in &draft.inputs {
            let Some(rendered) = scope.render(self.text, *word, mistakes) else {
                resolved.whole = false;
                continue;
            };
            if word.text.starts_with('!') {
                let exclusion = self.exclusion(draft, role.map(|role| role.text), *word, &rendered[1..], mistakes);
                resolved.whole &= exclusion.is_some();
                resolved.without.extend(exclusion);
                continue;
            }
            let optional = word.text.starts_with('?');
            let text = &rendered[usize::from(optional)..];
            let all = self.input(draft, *word, text, mistakes).filter(|all| {
                let sound = !optional || all.iter().all(|found| found.made.is_none());
                if !sound {
                    mistakes
                        .error(word.span, format!("`{text}` is an artifact, which is never absent"))
                        .help("leave the `?` out");
                }
                sound
            });
            resolved.whole &= all.is_some();
            for found in all.into_iter().flatten() {
                let (From::Artifact(what) | From::Source(what) | From::Glob(what)) = &found.from;
                let key = (role.map_or("", |role| role.text), what.clone());
                if let Some(first) = seen.insert(key, word.span) {
                    mistakes
                        .error(word.span, format!("the input `{what}` is listed twice"))
                        .also(first, "first here");
                    break;
                }
                let role = match (role, found.made) {
                    (Some(role), _) => role.text.into(),
                    (None, Some(made)) => self.role_of(draft, made, text, found.named),
                    (None, None) => what.to_string(),
                };
                resolved.inputs.push(Input {
                    role: role.into(),
                    from: found.from,
                    named: found.named,
                    optional,
                    span: word.span,
                });
            }
        }
        resolved
    }

    /// The role of an artifact that is listed without one: for a built-in task the port that fits, for a command what is
    /// written.
    fn role_of(&self, draft: &Draft<'_>, made: Made, text: &str, named: bool) -> String {
        let output = self.names.output(made);
        if let Some(schema) = draft.uses.and_then(|uses| self.catalog.get(uses.text)) {
            let fits = |name: &&str| {
                let mut ports = schema.inputs.iter().chain(schema.optional);
                ports.any(|port| port.name == *name)
            };
            if let Some(port) = [&output.port, base_name(&output.name)].into_iter().find(fits) {
                return port.to_owned();
            }
            if schema.inputs.iter().any(|port| port.name == ANY) {
                return self.names.shown(made).into_owned();
            }
        } else if named {
            return base_name(text).to_owned();
        }
        self.names.shown_base(made).into_owned()
    }

    /// Finds what an input is, its parameters already put in: of an artifact on axes perhaps several.
    fn input(
        &self,
        draft: &Draft<'_>,
        word: Word<'_>,
        rendered: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<ResolvedInput>> {
        let meaning = self.names.artifact(rendered);
        let artifact = |made, named| ResolvedInput {
            from: From::Artifact(self.names.shown(made).into()),
            made: Some(made),
            named,
        };
        match meaning {
            Meaning::Artifact { made, named } => return Some(vec![artifact(made, named)]),
            Meaning::OnAxes(made) => {
                let asker = Asker::Input(draft);
                let all = self.names.artifacts_of(made, word, rendered, asker, mistakes)?;
                return Some(all.into_iter().map(|made| artifact(made, true)).collect());
            }
            _ => {}
        }
        if self.names.refuse(word, rendered, &meaning, mistakes) {
            return None;
        }
        let is_named = values_of(rendered).is_some() && is_name(base_name(rendered));
        if (is_named || !is_pattern(rendered)) && !path::looks_like_path(rendered) {
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
        } else if is_pattern(&path) && path::is_outside(&path) {
            "is a pattern that leads out of the project"
        } else {
            // A built-in task reads one file, so brackets and braces are of its name.
            let is_file = draft.uses.is_some() && !path.contains(['*', '?']);
            let from = match is_pattern(&path) && !is_file {
                true => From::Glob(path.into()),
                false => From::Source(path.into()),
            };
            let (made, named) = (None, false);
            return Some(vec![ResolvedInput { from, made, named }]);
        };
        let shown = rendered.escape_debug();
        mistakes
            .error(word.span, format!("the input `{shown}` {problem}"))
            .help("name an artifact, or the path of a file or directory that no target makes");
        None
    }

    /// Reads what is taken out: the path of a word of the command, or of something that a pattern or directory has.
    fn exclusion(
        &self,
        draft: &Draft<'_>,
        role: Option<&str>,
        word: Word<'_>,
        rendered: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Exclusion> {
        let meaning = self.names.artifact(rendered);
        let pattern = match meaning {
            Meaning::Artifact { made, .. } => self.names.output(made).path.clone(),
            Meaning::OnAxes(made) => {
                let all = self
                    .names
                    .artifacts_of(made, word, rendered, Asker::Input(draft), mistakes)?;
                self.names.output(all[0]).path.clone()
            }
            _ if self.names.refuse(word, rendered, &meaning, mistakes) => return None,
            _ => path::normalise(rendered).into(),
        };
        if pattern.is_empty() || path::is_outside(&pattern) {
            mistakes
                .error(word.span, format!("`!{}` takes nothing out", rendered.escape_debug()))
                .note("a `!` is followed by a word of the command, or by what a pattern or a directory of the project has")
                .help("write the path from the Atsaffile on, such as `!data/test.csv`");
            return None;
        }
        Some(Exclusion {
            role: role.map(EcoString::from),
            pattern,
            span: word.span,
        })
    }

    fn unknown_artifact(&self, word: Word<'_>, text: &str, mistakes: &mut Mistakes) {
        let name = base_name(text);
        if let Some(target) = self.names.targets.get(name) {
            let made = self.names.made_by(*target);
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
                mistake.or_help(format!("for a file of that name, write `./{text}`"));
            }
        }
    }

    /// Resolves what a target comes after.
    pub(super) fn after(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) -> Vec<Goal> {
        let mut after = Vec::with_capacity(draft.settings().after.len());
        for word in &draft.settings().after {
            let (name, span) = (word.text, word.span);
            let meaning = self.names.artifact(name);
            let asker = Asker::After(draft);
            if let Some(first) = self.names.targets.get(base_name(name)).copied() {
                if self.names.drafts[first].instance.is_some() {
                    let found = self.names.instances(first, *word, name, asker, mistakes);
                    let named = |at: usize| self.names.drafts[at].instance_name(base_name(name)).into_owned();
                    let found = found.into_iter().flatten().map(named);
                    after.extend(found.map(|name| Goal { name, span }));
                } else if values_of(name).is_some() {
                    Names::refuse_values(*word, name, mistakes);
                } else {
                    let name = name.to_owned();
                    after.push(Goal { name, span });
                }
            } else if let Meaning::OnAxes(made) = meaning {
                let found = self.names.artifacts_of(made, *word, name, asker, mistakes);
                let found = found
                    .into_iter()
                    .flatten()
                    .map(|made| self.names.shown(made).into_owned());
                after.extend(found.map(|name| Goal { name, span }));
            } else if let Meaning::Artifact { made, .. } = meaning {
                let name = self.names.shown(made).into_owned();
                after.push(Goal { name, span });
            } else if self.names.aliases.contains_key(name) {
                mistakes
                    .error(span, format!("`after` takes targets, and `{name}` is an alias"))
                    .help("name the targets themselves");
            } else if !self.names.refuse(*word, name, &meaning, mistakes) {
                let aliases = &self.names.aliases;
                let known = self.names.all().filter(|name| !aliases.contains_key(name));
                let what = format!("unknown target `{name}` in `after`");
                mistakes.unknown(Some(span), what, name, "targets and artifacts", known);
            }
        }
        after
    }
}
