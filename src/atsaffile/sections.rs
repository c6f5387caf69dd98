//! The top of the file: which tables there are, the project, its aliases and its secrets.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::mistakes::Mistakes;
use super::syntax::{self, Word, key_of, span_of};
use super::targets;
use crate::engine::spec::Secret;

/// The tables at the top of the file.
pub(super) const SECTIONS: [&str; 8] = [
    "project", "alias", "params", "matrix", "pools", "secrets", "airflow", "target",
];
/// The keys of `[project]`.
pub(super) const PROJECT: [&str; 6] = ["name", "default", "ignore", "shell", "params_files", "report"];
/// The keys of a secret.
pub(super) const SECRET: [&str; 1] = ["optional"];

/// The tables of the file.
#[derive(Default)]
pub(super) struct Sections<'t> {
    project: Option<&'t DeTable<'t>>,
    alias: Option<&'t DeTable<'t>>,
    secrets: Option<&'t DeTable<'t>>,
    /// `[airflow]`
    pub(super) airflow: Option<&'t DeTable<'t>>,
    /// `[params]`
    pub(super) params: Option<&'t DeTable<'t>>,
    /// `[matrix]`
    pub(super) matrix: Option<&'t DeTable<'t>>,
    /// `[pools]`
    pub(super) pools: Option<&'t DeTable<'t>>,
    /// `[target.…]`
    pub(super) target: Option<&'t DeTable<'t>>,
}

/// `[project]`.
#[derive(Default)]
pub(super) struct ProjectTable<'t> {
    pub(super) name: String,
    pub(super) default: Vec<Word<'t>>,
    /// Names and patterns that globs and directories leave out.
    pub(super) ignore: Vec<Word<'t>>,
    /// The words of the shell, if they are written.
    pub(super) shell: Option<Vec<String>>,
    /// Files from which parameters come.
    pub(super) params_files: Vec<Word<'t>>,
    /// Whether builds write the page about what was built.
    pub(super) report: bool,
}

/// A name for goals, as written.
pub(super) struct Alias<'t> {
    pub(super) name: Word<'t>,
    pub(super) goals: Vec<Word<'t>>,
}

impl<'t> Sections<'t> {
    /// Finds the tables.
    pub(super) fn read(root: &'t DeTable<'t>, mistakes: &mut Mistakes) -> Self {
        let mut sections = Self::default();
        for (key, node) in root {
            let key = key_of(key);
            let section = match key.text {
                "project" => &mut sections.project,
                "alias" => &mut sections.alias,
                "params" => &mut sections.params,
                "matrix" => &mut sections.matrix,
                "pools" => &mut sections.pools,
                "secrets" => &mut sections.secrets,
                "airflow" => &mut sections.airflow,
                "target" => &mut sections.target,
                _ => {
                    unknown_key(key, "at the top of the file", &SECTIONS, mistakes);
                    continue;
                }
            };
            *section = syntax::table(node, key.text, mistakes);
        }
        sections
    }

    /// Reads `[project]`.
    pub(super) fn project(&self, mistakes: &mut Mistakes) -> ProjectTable<'t> {
        let mut project = ProjectTable::default();
        for (key, node) in self.project.into_iter().flatten() {
            let key = key_of(key);
            match key.text {
                "name" => {
                    if let Some(name) = syntax::text(node, "name", "a string", mistakes) {
                        name.text.clone_into(&mut project.name);
                    }
                }
                "default" => project.default = syntax::texts(node, "default", "a list of goals", mistakes),
                "ignore" => project.ignore = ignore(node, mistakes),
                "shell" => project.shell = Some(targets::shell(node, mistakes)),
                "params_files" => {
                    project.params_files = syntax::texts(node, "params_files", "a list of parameter files", mistakes);
                }
                "report" => project.report = syntax::flag(node, "report", mistakes).unwrap_or_default(),
                _ => unknown_key(key, "in `[project]`", &PROJECT, mistakes),
            }
        }
        project
    }

    /// Reads `[alias]`.
    pub(super) fn aliases(&self, mistakes: &mut Mistakes) -> Vec<Alias<'t>> {
        let mut aliases = Vec::new();
        for (key, node) in self.alias.into_iter().flatten() {
            let name = key_of(key);
            check_name(name, "an alias", mistakes);
            let goals = syntax::texts(node, name.text, "a list of goals", mistakes);
            aliases.push(Alias { name, goals });
        }
        aliases
    }

    /// Reads `[secrets]`.
    pub(super) fn secrets(&self, mistakes: &mut Mistakes) -> BTreeMap<String, Secret> {
        let mut secrets = BTreeMap::new();
        for (key, node) in self.secrets.into_iter().flatten() {
            let name = key_of(key);
            check_variable(name, "a secret", mistakes);
            let mut secret = Secret {
                optional: false,
                span: name.span,
            };
            if node.get_ref().is_table() {
                for (key, node) in syntax::table(node, name.text, mistakes).into_iter().flatten() {
                    let key = key_of(key);
                    if key.text == "optional" {
                        secret.optional = syntax::flag(node, "optional", mistakes).unwrap_or_default();
                    } else {
                        let place = format!("in the secret `{}`", name.text);
                        unknown_key(key, &place, &SECRET, mistakes);
                    }
                }
            } else {
                mistakes
                    .error(
                        span_of(node),
                        format!("the secret `{}` must be a table, found {}", name.text, kind(node)),
                    )
                    .note("a secret's value is never in the Atsaffile: it comes from the environment or from `.env`")
                    .help(format!(
                        "write `{name} = {{}}`, or `{name} = {{ optional = true }}`",
                        name = name.text
                    ));
            }
            secrets.insert(name.text.to_owned(), secret);
        }
        secrets
    }
}

/// Reads the names and patterns that globs and directories leave out.
fn ignore<'t>(node: &'t syntax::TomlNode<'t>, mistakes: &mut Mistakes) -> Vec<Word<'t>> {
    let mut patterns = syntax::texts(node, "ignore", "a list of names and patterns", mistakes);
    patterns.retain(|pattern| {
        let is_empty = pattern.text.trim_matches('/').is_empty();
        if is_empty {
            mistakes
                .error(pattern.span, "a pattern of `ignore` is empty")
                .help("write a name such as `tmp`, a pattern such as `*.tmp`, or a path such as `data/old/`");
        }
        !is_empty
    });
    patterns
}

/// Names the type of a value without showing it: it may be a secret that does not belong here.
fn kind(node: &syntax::TomlNode<'_>) -> String {
    match node.get_ref().as_str() {
        Some(_) => "a string".to_owned(),
        None => syntax::describe(node),
    }
}

/// Adds the error about a key that does not exist.
pub(super) fn unknown_key(key: Word<'_>, place: &str, known: &[&str], mistakes: &mut Mistakes) {
    let what = format!("unknown key `{}` {place}", key.text);
    mistakes.unknown(Some(key.span), what, key.text, "keys", known.iter().copied());
}

/// Checks the name of a target, an artifact, an alias, a role or a parameter.
pub(super) fn check_name(name: Word<'_>, of: &str, mistakes: &mut Mistakes) {
    if !is_name(name.text) {
        mistakes
            .error(name.span, format!("`{}` cannot be the name of {of}", name.text))
            .help(
                "a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`",
            );
    }
}

/// Checks the name of an environment variable.
pub(super) fn check_variable(name: Word<'_>, of: &str, mistakes: &mut Mistakes) -> bool {
    let valid = is_name(name.text) && !name.text.contains('-');
    if !valid {
        mistakes
            .error(name.span, format!("`{}` cannot be the name of {of}", name.text))
            .help("the name of an environment variable is made of the letters A to Z and a to z, digits and `_`, and begins with no digit");
    } else if name.text.starts_with("ATSAF_") {
        mistakes
            .error(name.span, format!("`{}` cannot be the name of {of}", name.text))
            .help("the variables that begin with `ATSAF_` are made by atsaf itself: choose another name");
        return false;
    }
    valid
}

/// Whether a text can be a name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
