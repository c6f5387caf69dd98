//! From what is written to what is meant: puts values into templates, names into references, and all into the Spec.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::asked::FileAnswers;
use super::matrix::{self, Matrix};
use super::mistakes::Mistakes;
use super::names::Names;
use super::overrides;
use super::params::{Declared, Params};
use super::pieces::Pieces;
use super::scope::Scope;
use super::sections::{Sections, check_variable};
use super::side_by_side::side_by_side;
use super::syntax::Word;
use super::targets::{self, Draft};
use super::{Overrides, airflow, credentials, goals, instances, load, metrics, outputs, params_file, unread};
use crate::engine::spec::schema::Catalog;
use crate::engine::spec::{
    Action, Command, IgnorePattern, Input, Output, Param, ParamsFile, Pool, REPORT_PAGE, Secret, Settings, Span, Spec,
    Target, Text,
};

/// So many are freed side by side with others.
const MANY: usize = 256;

/// Everything that one target is resolved against.
pub(super) struct Resolver<'p, 't> {
    /// The whole text.
    pub(super) text: &'t str,
    pub(super) params: &'p Params<'t>,
    pub(super) secrets: &'p BTreeMap<String, Secret>,
    pub(super) pools: &'p BTreeMap<String, Pool>,
    pub(super) names: &'p Names<'p>,
    /// The words of the project's shell, if they are written.
    pub(super) shell: Option<&'p [String]>,
    pub(super) catalog: &'p Catalog,
    /// Variables that tasks take without being told.
    pub(super) environment: &'p BTreeMap<String, String>,
    /// The text with those of the parameter files.
    pub(super) sources: &'p Text,
    pub(super) params_files: &'p [ParamsFile],
}

/// Fills the Spec from the tables of the file.
pub(super) fn fill<'t>(
    spec: &mut Spec,
    text: &'t str,
    pieces: &'t Pieces<'t>,
    given: (&Overrides, &FileAnswers),
    catalog: &Catalog,
    mistakes: &mut Mistakes,
) {
    let (overrides, found) = given;
    let sections = Sections::read(&pieces.root, mistakes);
    let project = sections.project(mistakes);
    let aliases = sections.aliases(mistakes);
    spec.secrets = sections.secrets(mistakes);
    spec.pools = load::pools(sections.pools, mistakes);
    let written = targets::read(sections.target, &pieces.more, mistakes);
    declare_known(&mut spec.secrets, &written, catalog);
    let files = params_file::read(&project.params_files, found, &spec.text, mistakes);
    let mut params = Params::read(sections.params, &files, catalog, mistakes);
    let on_disk = matrix::file_values(sections.matrix, found, mistakes);
    let matrix = Matrix::read(sections.matrix, &on_disk, mistakes);
    matrix.check_params(&params, overrides, mistakes);
    overrides::apply(overrides, &mut params, &matrix, &written, catalog, mistakes);
    matrix.outweighs(overrides, mistakes);
    let drafts = instances::expand(text, &written, &matrix, &params, catalog, mistakes);

    let file = spec.text.path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut made = outputs::read_all(text, &drafts, &params, &file, mistakes);
    outputs::same_paths(&drafts, &mut made, &matrix, mistakes);
    let names = Names::new(&drafts, &made, &aliases, &matrix, mistakes);
    let whole = Resolver {
        text,
        params: &params,
        secrets: &spec.secrets,
        pools: &spec.pools,
        names: &names,
        shell: project.shell.as_deref(),
        catalog,
        environment: &overrides.environment,
        sources: &spec.text,
        params_files: &files.files,
    };
    let targets = whole.targets(&drafts, &made, mistakes);
    let (default, resolved) = goals::read(&project, &aliases, &names, mistakes);
    spec.airflow = airflow::read(sections.airflow, &params, &spec.secrets, mistakes);
    load::unused(&spec.pools, &written, mistakes);
    params.report_unfit(&files, mistakes);
    unread::report(&params, &matrix, &written, catalog, mistakes);
    credentials::report(overrides, &params, &matrix, &written, mistakes);

    spec.axes = matrix.axes.iter().map(matrix::Axis::to_spec).collect();
    spec.targets = targets;
    spec.name = project.name;
    spec.report = project.report;
    spec.ignore = project
        .ignore
        .iter()
        .map(|pattern| IgnorePattern {
            text: pattern.text.to_owned(),
            span: pattern.span,
        })
        .collect();
    if spec.report {
        // Each build writes it anew, so nothing that a pattern finds can depend on it.
        spec.ignore.push(IgnorePattern {
            text: format!("/{REPORT_PAGE}"),
            span: Span::default(),
        });
    }
    spec.default = default;
    spec.aliases = resolved;
    let of_files = params.of_files().iter().filter(|param| param.is_read.is_set());
    let of_files = of_files.filter(|param| !params.has_entries(param.name.text));
    spec.params = params
        .own()
        .iter()
        .chain(of_files)
        .filter_map(Declared::param)
        .collect();
    spec.params_files = files.files;
    free(made);
    free(written);
}

/// Frees what may be much side by side.
fn free<T: Send>(many: Vec<T>) {
    many.into_par_iter().with_min_len(MANY).for_each(drop);
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
    /// All targets: many side by side, and where anything is wrong in their order, in which it is told.
    fn targets(&self, drafts: &[Draft<'_>], made: &[Vec<Output>], mistakes: &mut Mistakes) -> Vec<Target> {
        if mistakes.len() == 0 {
            let parts = drafts.par_iter().zip(made);
            let all = side_by_side(parts, |(draft, outputs), none| Some(self.target(draft, outputs, none)));
            if let Some(all) = all {
                return all;
            }
        }
        let target = |(draft, outputs): (&Draft<'_>, &Vec<Output>)| {
            mistakes.of_instance(draft.instance_of());
            self.target(draft, outputs, mistakes)
        };
        let targets = drafts.iter().zip(made).map(target).collect();
        mistakes.of_instance(None);
        targets
    }

    fn target(&self, draft: &Draft<'_>, outputs: &[Output], mistakes: &mut Mistakes) -> Target {
        let scope = Scope::of(self.params, draft);
        let resolved = self.inputs(draft, scope, mistakes);
        let ports = Ports {
            inputs: &resolved.inputs,
            inputs_whole: resolved.whole,
            outputs,
        };
        let (mut action, mut params) = self.action(draft, &ports, mistakes);
        // What a built-in task itself reads is declared.
        let discover = match action.programs() {
            [program, ..] => program.discover,
            [] => draft.means(),
        };
        let written = draft.settings();
        let mut settings = Settings {
            without: resolved.without,
            env: self.env(draft, scope, mistakes),
            secrets: self.target_secrets(draft, mistakes),
            after: self.after(draft, mistakes),
            retries: written.retries,
            retry_delay: written.retry_delay,
            timeout: written.timeout,
            timing: self.timing(draft, mistakes),
            load: self.load(draft, mistakes),
            effect: written.effect || self.acts_outside(draft),
            direct: written.direct.is_some(),
            cache: written.cache && written.temp.is_none(),
            temp: written.temp.is_some(),
            resume: written.resume.is_some(),
            discover,
            secrets_in_output: written.secrets_in_output,
            metrics: metrics::read(draft, outputs, mistakes),
        };
        if let Some((span, direct)) = written.resume.zip(written.direct) {
            mistakes
                .error(span, format!("the target `{}` is `direct`, and cannot `resume`", draft.name.text))
                .also(direct, "`direct`")
                .note("what a failed attempt left is given to the next one in `{{output}}`, which is not where such a command writes")
                .help("remove one of the two");
        }
        if let Some(span) = written.temp.filter(|_| settings.effect) {
            mistakes
                .error(
                    span,
                    format!(
                        "the target `{}` acts outside the project, and is `temp`",
                        draft.name.text
                    ),
                )
                .note("its artifact is the receipt: without it, it would act again")
                .help("remove one of the two");
        }
        params.sort_by(|a, b| a.name.cmp(&b.name));
        for names in [&mut settings.env, &mut settings.secrets] {
            names.sort();
            names.dedup();
        }
        if let Action::Builtin { programs, .. } = &mut action {
            for program in programs {
                program.env.clone_from(&settings.env);
                program.secrets.clone_from(&settings.secrets);
            }
        }
        Target {
            name: draft.instance_name(draft.name.text).into(),
            instance: draft.spec_instance(self.names.matrix).map(Box::new),
            span: draft.name.span,
            desc: draft.desc.as_deref().map(Box::from),
            action,
            params: params.into(),
            inputs: resolved.inputs.into(),
            outputs: outputs.into(),
            settings: settings.shared(),
        }
    }

    /// The environment variables of a target; a name may have values put into it.
    fn env(&self, draft: &Draft<'_>, scope: Scope<'_, '_>, mistakes: &mut Mistakes) -> Vec<String> {
        let mut names = Vec::with_capacity(draft.settings().env.len());
        for word in &draft.settings().env {
            let Some(name) = scope.render(self.text, *word, mistakes) else {
                continue;
            };
            let rendered = Word { text: &name, ..*word };
            if !word.text.contains("{{") || check_variable(rendered, "an environment variable", mistakes) {
                names.push(name.into_owned());
            }
        }
        names
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
        for name in &draft.settings().env {
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
        for name in &draft.settings().secrets {
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
        words: [].into(),
        shell: None,
        cwd: None,
        file_words: [].into(),
    })
}
