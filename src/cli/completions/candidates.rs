//! What words may be, looked up in the project; where there is none, nothing is proposed.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use clap_complete::engine::CompletionCandidate;

use crate::atsaffile::Overrides;
use crate::cli::read_atsaffile::AtsaffileText;
use crate::cli::{Common, help, log, read_atsaffile, run};
use crate::engine::clock;
use crate::engine::spec::schema::{Catalog, Kind as ValueKind, LATEST};
use crate::engine::spec::{Action, Spec, Value};
use crate::engine::store::{Store, UserKey};
use crate::engine::task::Tasks;
use crate::outward::{visible_line, without_credentials};
use crate::report::history::Story;
use crate::report::human;

/// Most runs that are proposed.
const RUNS: usize = 30;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Goal,
    Target,
    Run,
    /// `KEY=VALUE`.
    Setting,
    /// A flag of `atsaf run`, or a goal.
    Flag,
    /// A command or a topic of the help.
    Word,
}

/// A project whose names are asked for.
pub(super) struct Asked {
    common: Common,
    tasks: fn() -> Tasks,
    user: UserKey,
    spec: OnceLock<Spec>,
}

impl Asked {
    pub(super) fn new(common: Common, tasks: fn() -> Tasks, user: UserKey) -> Self {
        Self {
            common,
            tasks,
            user,
            spec: OnceLock::new(),
        }
    }

    /// What a word that begins with `current` may be.
    pub(super) fn candidates(&self, kind: Kind, current: &str) -> Vec<CompletionCandidate> {
        let mut found = match kind {
            Kind::Flag if current.starts_with('-') => self.flags(),
            Kind::Goal | Kind::Flag => self.goals(),
            Kind::Target => self.targets(),
            Kind::Run => self.runs().unwrap_or_default(),
            Kind::Setting => self.settings(current),
            Kind::Word => words(),
        };
        found.retain(|(name, _)| name.starts_with(current) && !name.contains(char::is_control));
        let candidate = |(name, what): (String, String)| {
            let what = visible_line(&without_credentials(&what)).into_owned();
            CompletionCandidate::new(name).help((!what.is_empty()).then(|| what.into()))
        };
        found.into_iter().map(candidate).collect()
    }

    fn catalog(&self) -> Catalog {
        (self.tasks)().catalog()
    }

    /// The Atsaffile as far as it can be read.
    fn spec(&self) -> &Spec {
        self.spec.get_or_init(|| {
            let read = || {
                let file = read_atsaffile::find(&self.common).ok()?;
                let (path, text) = read_atsaffile::read(&file).ok()?;
                let root = read_atsaffile::root_of(&file);
                let text = AtsaffileText {
                    root: &root,
                    path: &path,
                    content: text,
                    overrides: &Overrides::default(),
                    catalog: &self.catalog(),
                    user: &self.user,
                };
                Some(read_atsaffile::spec_of_text(text).spec)
            };
            read().unwrap_or_default()
        })
    }

    fn targets(&self) -> Vec<(String, String)> {
        let targets = self.spec().targets.iter();
        targets
            .map(|target| {
                (
                    target.name.to_string(),
                    target.desc.as_deref().unwrap_or_default().to_owned(),
                )
            })
            .collect()
    }

    /// Targets, aliases and artifacts; of many instances the whole as well.
    fn goals(&self) -> Vec<(String, String)> {
        let spec = self.spec();
        let mut found = self.targets();
        let groups: BTreeSet<&str> = found
            .iter()
            .filter_map(|(name, _)| Some(name.split_once('@')?.0))
            .collect();
        let groups: Vec<(String, String)> = groups
            .into_iter()
            .map(|name| (name.to_owned(), "all instances".to_owned()))
            .collect();
        found.extend(groups);
        found.extend(spec.aliases.keys().map(|name| (name.clone(), "alias".to_owned())));
        for target in &spec.targets {
            let instance = target.name.split_once('@').map(|(_, values)| values);
            found.extend(target.outputs.iter().map(|output| {
                let name = match instance {
                    Some(values) if !output.name.contains('@') => format!("{}@{values}", output.name),
                    _ => output.name.to_string(),
                };
                (name, format!("made by {}", target.name))
            }));
        }
        let mut seen = BTreeSet::new();
        found.retain(|(name, _)| name != "output" && seen.insert(name.clone()));
        found
    }

    /// Past runs, the latest first.
    fn runs(&self) -> Option<Vec<(String, String)>> {
        let file = read_atsaffile::find(&self.common).ok()?;
        let opened = Store::open(&read_atsaffile::root_of(&file)).ok()?;
        let story = Story::new(opened.0.records.entries().ok()?);
        let now = clock::now();
        let run = |run: crate::engine::run_id::RunId| (run.short(), human::ago(run.time(), now));
        Some(log::latest(&story).into_iter().take(RUNS).map(run).collect())
    }

    /// `KEY=`, and after it the values that the key can have.
    fn settings(&self, current: &str) -> Vec<(String, String)> {
        let catalog = self.catalog();
        let spec = self.spec();
        let kind = |name: &str| {
            let mut tasks = spec.targets.iter().filter_map(|target| match &target.action {
                Action::Builtin { task, .. } => catalog.get(task.as_str()),
                Action::Command(_) => None,
            });
            tasks.find_map(|schema| schema.param(name))
        };
        if let Some((name, typed)) = current.split_once('=') {
            let now = spec
                .params
                .iter()
                .find(|param| param.name == name)
                .map(|param| &param.value);
            let values = kind(name).map_or_else(|| of_value(now), |param| values(param.kind));
            // Of a list, the item that is typed.
            let begun = typed
                .rsplit_once(',')
                .map_or(String::new(), |(begun, _)| format!("{begun},"));
            return values
                .into_iter()
                .map(|value| (format!("{name}={begun}{value}"), String::new()))
                .collect();
        }
        let mut found: Vec<(String, String)> = spec
            .params
            .iter()
            .map(|param| (format!("{}=", param.name), format!("now {}", param.value)))
            .collect();
        let mut seen: BTreeSet<&str> = spec.params.iter().map(|param| param.name.as_str()).collect();
        for target in &spec.targets {
            let Action::Builtin { task, .. } = &target.action else {
                continue;
            };
            for param in catalog.get(task.as_str()).map_or(&[][..], |schema| schema.params) {
                if seen.insert(param.name) {
                    found.push((format!("{}=", param.name), param.doc.to_owned()));
                }
            }
        }
        found
    }

    /// The flags of `atsaf run`.
    fn flags(&self) -> Vec<(String, String)> {
        run::flag_names(self.spec(), &self.catalog())
    }
}

/// The values that a kind has, if they can be listed.
fn values(kind: ValueKind) -> Vec<String> {
    match kind {
        ValueKind::Bool => ["true", "false"].map(str::to_owned).into(),
        ValueKind::Choice(values) => values.iter().map(ToString::to_string).collect(),
        ValueKind::DateOrLatest => vec![LATEST.to_owned()],
        ValueKind::List(items) | ValueKind::OneOrMany(items) | ValueKind::Either(items, _) => values(*items),
        ValueKind::Auto(of) => {
            let mut all = vec!["auto".to_owned()];
            all.extend(values(*of));
            all
        }
        _ => Vec::new(),
    }
}

/// The value that a parameter has now, to be edited; of `true` or `false` both.
fn of_value(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Bool(_)) => values(ValueKind::Bool),
        Some(value) => vec![value.plain()],
        None => Vec::new(),
    }
}

/// The topics of the help; its commands come from the command line itself.
fn words() -> Vec<(String, String)> {
    help::words()
}
