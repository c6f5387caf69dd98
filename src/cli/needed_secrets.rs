//! The secrets that a command cannot do without: what is missing or refused is told before anything runs.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicBool;

use super::setup::Project;
use super::{CommandError, Exit};
use crate::diagnostic::{Diagnostic, few_of_each_kind};
use crate::engine::graph::TargetId;
use crate::engine::plan::{Step, Verdict, plan_with};
use crate::engine::refused_secrets::refused_secrets;
use crate::engine::task::{NeededSecret, TaskError};
use crate::report;

/// Every required secret that some targets use and nobody set.
///
/// # Errors
/// [`CommandError`] that tells all of them.
pub(super) fn require_secrets(project: &Project, targets: &[TargetId]) -> Result<(), CommandError> {
    let spec = &project.graph.spec;
    let mut missing = BTreeMap::new();
    for id in targets {
        for name in &project.graph.target(*id).settings.secrets {
            let required = spec.secrets.get(name).is_some_and(|secret| !secret.optional);
            if required && !project.secrets.contains_key(name) {
                missing.entry(name).or_insert(*id);
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<(&String, TargetId)> = missing.into_iter().collect();
    let diagnostics = few_of_each_kind(&missing, |_| String::new()).into_iter();
    let diagnostics = diagnostics.map(|((name, id), more)| {
        Diagnostic::error(format!("the secret `{name}` is not set"))
            .and_more(more)
            .at(spec
                .text
                .place(spec.secrets[*name].span)
                .labelled(format!("needed by `{}`", project.graph.name(*id))))
            .help(format!(
                "set the environment variable `{name}`, or write `{name}=…` to `.env` beside the Atsaffile"
            ))
    });
    Err(CommandError {
        diagnostics: diagnostics.collect(),
        exit: Exit::Usage,
    })
}

/// Finds the targets that may run and whose tasks need secrets, all of which get them.
///
/// # Errors
/// [`CommandError`] that tells one target for each secret that is lacking.
pub(super) fn require_what_tasks_need(
    project: &Project,
    goals: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Result<Vec<TargetId>, CommandError> {
    let needing = |id: &TargetId| !project.tasks.needs_of(project.graph.target(*id)).is_empty();
    let needing: Vec<TargetId> = project.graph.needed(goals).into_iter().filter(needing).collect();
    if needing.is_empty() {
        return Ok(Vec::new());
    }
    // What is fresh or put back does not run; what cannot be planned is told by the build.
    let Ok(plan) = plan_with(project.context().inputs(), goals, force) else {
        return Ok(Vec::new());
    };
    let runs = |step: &&Step| !matches!(step.verdict, Verdict::Stale { restore: Some(_), .. });
    let may_run: HashSet<TargetId> = plan.open().filter(runs).map(|step| step.target).collect();
    let running: Vec<TargetId> = needing.into_iter().filter(|id| may_run.contains(id)).collect();
    let lacking = running
        .iter()
        .flat_map(|&id| lacked(project, id).into_iter().map(move |need| (id, need)));
    let lacking: Vec<_> = lacking.collect();
    let diagnostics = few_of_each_kind(&lacking, |(_, need)| need.name.to_owned()).into_iter();
    let diagnostics: Vec<Diagnostic> = diagnostics
        .map(|((id, need), more)| lack(project, *id, *need).and_more(more))
        .collect();
    match diagnostics.is_empty() {
        true => Ok(running),
        false => Err(CommandError {
            diagnostics,
            exit: Exit::Usage,
        }),
    }
}

/// Asks the outside world whether it takes the secrets of the targets that run.
///
/// # Errors
/// [`CommandError`] that tells each that is refused.
pub(super) fn require_accepted(
    project: &Project,
    running: &[TargetId],
    interrupted: &AtomicBool,
) -> Result<(), CommandError> {
    let refused = refused_secrets(project.context(), &project.secrets, running, interrupted);
    let diagnostics: Vec<Diagnostic> = refused
        .into_iter()
        .map(|(id, TaskError { what, notes, help, .. })| {
            let place = report::advice::place(&project.graph, id);
            let error = Diagnostic::error(format!("`{}` cannot run: {what}", project.graph.name(id))).at(place);
            let error = notes.into_iter().fold(error, Diagnostic::note);
            help.into_iter().fold(error, Diagnostic::help)
        })
        .collect();
    match diagnostics.is_empty() {
        true => Ok(()),
        false => Err(CommandError {
            diagnostics,
            exit: Exit::Usage,
        }),
    }
}

/// The secrets that a target's task needs and does not get.
fn lacked(project: &Project, id: TargetId) -> Vec<NeededSecret> {
    let target = project.graph.target(id);
    let mut needs = project.tasks.needs_of(target);
    needs.retain(|need| {
        let is_named = target.settings.secrets.iter().any(|name| name == need.name);
        !is_named || !project.secrets.contains_key(need.name)
    });
    needs
}

/// That a target does not get what its task needs.
fn lack(project: &Project, id: TargetId, need: NeededSecret) -> Diagnostic {
    let NeededSecret { name, why, help } = need;
    let (graph, target) = (&project.graph, project.graph.target(id));
    let what = format!("`{}` cannot run: {why}, and the secret `{name}` is not", graph.name(id));
    let place = report::advice::place(graph, id);
    let error = match target.settings.secrets.iter().any(|it| it == name) {
        true => Diagnostic::error(format!("{what} set")).at(place).help(format!(
            "set the environment variable `{name}`, or write `{name}=…` to `.env` beside the Atsaffile"
        )),
        false => Diagnostic::error(format!("{what} given to it")).at(place).help(format!(
            "add `secrets = [\"{name}\"]` to the target, and `{name} = {{ optional = true }}` to `[secrets]`"
        )),
    };
    error.help(format!("a key is free: {help}"))
}
