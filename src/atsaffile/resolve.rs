//! From what is written to what is meant: puts values into templates, names into references, and all into the Spec.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::mistakes::Mistakes;
use super::names::Names;
use super::overrides;
use super::params::{Declared, Params};
use super::scope::Scope;
use super::sections::Sections;
use super::targets::{self, Draft};
use super::{Overrides, credentials, goals, outputs, unread};
use crate::engine::spec::schema::Catalog;
use crate::engine::spec::{Action, Command, IgnorePattern, Input, Output, Param, Secret, Spec, Target};

/// Everything that one target is resolved against.
pub(super) struct Resolver<'p, 't> {
    /// The whole text.
    pub(super) text: &'t str,
    pub(super) params: &'p Params<'t>,
    pub(super) secrets: &'p BTreeMap<String, Secret>,
    pub(super) names: &'p Names<'p>,
    /// The words of the project's shell, if they are written.
    pub(super) shell: Option<&'p [String]>,
    pub(super) catalog: &'p Catalog,
    /// Variables that tasks take without being told.
    pub(super) environment: &'p BTreeMap<String, String>,
}

/// Fills the Spec from the tables of the file.
pub(super) fn fill<'t>(
    spec: &mut Spec,
    text: &'t str,
    root: &'t DeTable<'t>,
    overrides: &Overrides,
    catalog: &Catalog,
    mistakes: &mut Mistakes,
) {
    let sections = Sections::read(root, mistakes);
    let project = sections.project(mistakes);
    let aliases = sections.aliases(mistakes);
    spec.secrets = sections.secrets(mistakes);
    let drafts = targets::read(sections.target, mistakes);
    declare_known(&mut spec.secrets, &drafts, catalog);
    let mut params = Params::read(sections.params, catalog, mistakes);
    overrides::apply(overrides, &mut params, &drafts, catalog, mistakes);

    let file = spec.text.path.rsplit('/').next().unwrap_or_default().to_owned();
    let made: Vec<Vec<Output>> = drafts
        .iter()
        .map(|draft| outputs::read(text, draft, Scope::of(&params, draft), &file, mistakes))
        .collect();
    let names = Names::new(&drafts, &made, &aliases, mistakes);
    let whole = Resolver {
        text,
        params: &params,
        secrets: &spec.secrets,
        names: &names,
        shell: project.shell.as_deref(),
        catalog,
        environment: &overrides.environment,
    };
    let targets = drafts
        .iter()
        .zip(&made)
        .map(|(draft, outputs)| whole.target(draft, outputs, mistakes))
        .collect();
    let (default, resolved) = goals::read(&project, &aliases, &names, mistakes);
    unread::report(&params, &drafts, catalog, mistakes);
    credentials::report(overrides, &params, &drafts, mistakes);

    spec.targets = targets;
    spec.share_shells();
    spec.name = project.name;
    spec.ignore = project
        .ignore
        .iter()
        .map(|pattern| IgnorePattern {
            text: pattern.text.to_owned(),
            span: pattern.span,
        })
        .collect();
    spec.default = default;
    spec.aliases = resolved;
    spec.params = params.list.iter().filter_map(Declared::param).collect();
}

/// Declares the secrets that tasks get without being told, as optional ones.
fn declare_known(secrets: &mut BTreeMap<String, Secret>, drafts: &[Draft<'_>], catalog: &Catalog) {
    for uses in drafts.iter().filter_map(|draft| draft.uses) {
        let schema = catalog.get(uses.text);
        for name in schema.into_iter().flat_map(|schema| schema.known_secrets()) {
            secrets.entry(name.to_owned()).or_insert(Secret {
                optional: true,
                span: uses.span,
            });
        }
    }
}

impl Resolver<'_, '_> {
    fn target(&self, draft: &Draft<'_>, outputs: &[Output], mistakes: &mut Mistakes) -> Target {
        let scope = Scope::of(self.params, draft);
        let resolved = self.inputs(draft, scope, mistakes);
        let ports = Ports {
            inputs: &resolved.inputs,
            inputs_whole: resolved.whole,
            outputs,
        };
        let (action, params) = self.action(draft, &ports, mistakes);
        let mut target = Target {
            name: draft.name.text.to_owned(),
            span: draft.name.span,
            desc: draft.desc.clone(),
            action,
            params,
            inputs: resolved.inputs,
            without: resolved.without,
            outputs: outputs.to_vec(),
            env: draft.env.iter().map(|name| name.text.to_owned()).collect(),
            secrets: self.target_secrets(draft, mistakes),
            after: self.after(draft, mistakes),
            retries: draft.retries,
            retry_delay: draft.retry_delay,
            timeout: draft.timeout,
            effect: draft.effect || self.acts_outside(draft),
            direct: draft.direct.is_some(),
            cache: draft.cache,
            secrets_in_output: draft.secrets_in_output,
        };
        target.params.sort_by(|a, b| a.name.cmp(&b.name));
        target.env.sort();
        target.env.dedup();
        target.secrets.sort();
        target.secrets.dedup();
        target
    }

    /// Whether the built-in task of a target acts outside the project, whatever the target says.
    fn acts_outside(&self, draft: &Draft<'_>) -> bool {
        let schema = draft.uses.and_then(|uses| self.catalog.get(uses.text));
        schema.is_some_and(|schema| schema.effect)
    }

    fn action(&self, draft: &Draft<'_>, ports: &Ports<'_>, mistakes: &mut Mistakes) -> (Action, Vec<Param>) {
        let name = draft.name;
        match (&draft.uses, &draft.run) {
            (Some(uses), Some(run)) => {
                mistakes
                    .error(run.key, format!("the target `{}` has both `uses` and `run`", name.text))
                    .also(uses.span, "the built-in task")
                    .help("make two targets of it, or leave one of the two out");
                (nothing(), Vec::new())
            }
            (Some(uses), None) => self.builtin(draft, *uses, ports, mistakes),
            (None, Some(run)) => self.command(draft, run, ports, mistakes),
            (None, None) => {
                if !draft.broken.action {
                    mistakes
                        .error(
                            name.span,
                            format!("the target `{}` has neither `uses` nor `run`", name.text),
                        )
                        .help("say what it does: `uses = \"a built-in task\"` or `run = \"a command\"`");
                }
                (nothing(), Vec::new())
            }
        }
    }

    fn target_secrets(&self, draft: &Draft<'_>, mistakes: &mut Mistakes) -> Vec<String> {
        for name in &draft.env {
            if self.secrets.contains_key(name.text) {
                mistakes
                    .error(name.span, format!("`{}` is a secret and cannot be in `env`", name.text))
                    .note("the digest of what is in `env` is stored; nothing of a secret is")
                    .help(format!("name it in `secrets = [\"{}\"]` instead", name.text));
            }
        }
        let schema = draft.uses.and_then(|uses| self.catalog.get(uses.text));
        let known = schema.into_iter().flat_map(|schema| schema.known_secrets());
        let mut secrets: Vec<String> = known.map(str::to_owned).collect();
        for name in &draft.secrets {
            if self.secrets.contains_key(name.text) {
                secrets.push(name.text.to_owned());
            } else {
                let known = self.secrets.keys().map(String::as_str);
                mistakes
                    .unknown(
                        Some(name.span),
                        format!("unknown secret `{}`", name.text),
                        name.text,
                        "secrets",
                        known,
                    )
                    .or_help(format!("declare it in `[secrets]`: `{} = {{}}`", name.text));
            }
        }
        secrets
    }
}

/// What a target reads and makes, for the checks of its action.
pub(super) struct Ports<'p> {
    pub(super) inputs: &'p [Input],
    /// Whether `inputs` is all that is written, and no mistake is told already.
    pub(super) inputs_whole: bool,
    pub(super) outputs: &'p [Output],
}

/// The action of a target that has none after a mistake.
pub(super) fn nothing() -> Action {
    Action::Command(Command {
        words: Vec::new(),
        shell: None,
        file_words: Vec::new(),
    })
}
