//! `atsaf check`: the Atsaffile wholly checked, and nothing run.
//!
//! What a build of the goals would refuse is an error; a source that only other targets lack is a warning.

use std::collections::HashSet;

use serde_json::json;

use super::setup::{self, Project};
use super::{CommandError, Exit, Session, needed_secrets};
use crate::diagnostic::{Diagnostic, Severity, few_at_each_place};
use crate::engine::files::{PathState, neither};
use crate::engine::graph::TargetId;
use crate::engine::plan::PlanError;
use crate::report::{discovered, human, json};

/// Check the Atsaffile, sources and secrets without running anything
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases whose sources must be there [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Instead, list the targets whose last attempt used more than they declare, with what to add to `inputs`
    #[arg(long)]
    undeclared: bool,
    /// With --undeclared, end with 3 if there is such a target
    #[arg(long, requires = "undeclared")]
    exit_code: bool,
}

/// Checks.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    if args.undeclared {
        return undeclared(args, session);
    }
    let (found, exit, counts) = match setup::load(session) {
        Ok(project) => {
            let goals = project.goals(&args.goals)?;
            let mut found = project.warnings.clone();
            found.extend(look(&project, &goals));
            let targets = &project.graph.spec.targets;
            let artifacts: usize = targets.iter().map(|target| target.outputs.len()).sum();
            (found, Exit::Usage, (targets.len(), artifacts))
        }
        Err(failure) => (failure.diagnostics, failure.exit, (0, 0)),
    };
    for diagnostic in &found {
        session.screen.tell(diagnostic);
    }
    let wrong = found.iter().any(|it| it.severity == Severity::Error);
    if session.screen.json() {
        session.screen.print_json(&json!({
            "ok": !wrong,
            "targets": counts.0,
            "artifacts": counts.1,
            "diagnostics": found.iter().map(json::diagnostic).collect::<Vec<_>>(),
        }));
    } else if !wrong {
        let (targets, artifacts) = (human::count(counts.0, "target"), human::count(counts.1, "artifact"));
        session.screen.print(&format!("ok: {targets}, {artifacts}\n"));
    }
    Ok(if wrong { exit } else { Exit::Done })
}

/// Missing secrets, and missing sources and globs that match nothing: those of the goals as errors, the others as warnings.
fn look(project: &Project, goals: &[TargetId]) -> Vec<Diagnostic> {
    let graph = &project.graph;
    let needed = graph.needed(goals);
    let is_needed: HashSet<TargetId> = needed.iter().copied().collect();
    let mut missing: Vec<(PlanError, bool)> = Vec::new();
    for id in graph.order() {
        missing.extend(graph.node(*id).unmatched.iter().map(|glob| {
            let error = PlanError::Unmatched {
                target: *id,
                pattern: glob.pattern.clone(),
                span: glob.span,
            };
            (error, is_needed.contains(id))
        }));
        for read in &graph.node(*id).reads {
            let look = read.artifact.is_none().then(|| project.files.look(&read.path));
            let (target, path) = (*id, read.path.clone());
            let error = match look {
                Some(PathState::Missing) => PlanError::MissingSource {
                    target,
                    path: path.to_string(),
                    span: read.span,
                },
                Some(PathState::Other) => PlanError::Unreadable {
                    target,
                    error: neither(&path),
                    path: path.to_string(),
                },
                _ => continue,
            };
            missing.push((error, is_needed.contains(id)));
        }
    }
    let told = |((error, needed), more): (&(PlanError, bool), usize)| {
        let mut diagnostics = project.plan_failure(std::slice::from_ref(error)).diagnostics;
        for diagnostic in diagnostics.iter_mut().filter(|_| !needed) {
            diagnostic.severity = Severity::Warning;
            diagnostic.notes.push("no goal of this check needs it".to_owned());
        }
        diagnostics.into_iter().map(move |diagnostic| diagnostic.and_more(more))
    };
    let place = |(error, _): &(PlanError, bool)| project.place_of_instances(error);
    let few = few_at_each_place(&missing, |(error, needed)| format!("{needed} {error}"), place);
    let mut found: Vec<Diagnostic> = few.into_iter().flat_map(told).collect();
    let required = needed_secrets::require_secrets(project, &needed);
    let by_tasks = needed_secrets::require_what_tasks_need(project, goals, &|_| false);
    for failure in [required, by_tasks.map(drop)].into_iter().filter_map(Result::err) {
        found.extend(failure.diagnostics);
    }
    found
}

/// Lists the targets whose last attempt used more than they declare.
fn undeclared(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let graph = &project.graph;
    let needed = graph.needed(&project.goals(&args.goals)?);
    let found: Vec<(TargetId, Vec<String>)> = needed
        .into_iter()
        .filter_map(|id| {
            let record = project.store.records.record(graph.name(id))?;
            let mut inputs = discovered::undeclared(&record);
            inputs.retain(|path| !graph.declares(id, path));
            (!inputs.is_empty()).then_some((id, inputs))
        })
        .collect();
    if session.screen.json() {
        let targets = found.iter().map(|(id, inputs)| {
            json!({ "target": graph.name(*id), "inputs": inputs, "line": graph.with_inputs(*id, inputs) })
        });
        session
            .screen
            .print_json(&json!({ "targets": targets.collect::<Vec<_>>() }));
    } else {
        let told = found.iter().map(|(id, inputs)| {
            let count = human::count(inputs.len(), "file");
            let help = graph.with_inputs(*id, inputs);
            format!("{}  used {count} that it does not declare: {help}\n", graph.name(*id))
        });
        let text: String = told.collect();
        let none = "no target was seen to use more than it declares\n";
        session.screen.print(if text.is_empty() { none } else { &text });
    }
    Ok(match args.exit_code && !found.is_empty() {
        true => Exit::Stale,
        false => Exit::Done,
    })
}
