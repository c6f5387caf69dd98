//! `atsaf status`: one line a target, stale first.

use std::collections::HashSet;

use serde_json::json;

use super::report::{DEFAULT, standing};
use super::setup::Project;
use super::{CommandError, Exit, Session};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::{self, Plan, PlanError};
use crate::report::{self, status};

/// Show the state of each target, stale first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    pub(super) goals: Vec<String>,
    /// Exit with 3 if anything is stale or undecided
    #[arg(long)]
    exit_code: bool,
}

/// Shows the state.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    let (plan, missing) = known(&project, &goals)?;
    let page = match project.graph.spec.report {
        true => Some(standing::standing(&project)?),
        false => None,
    };
    show(&plan, &project.graph, page, session);
    if let Some(failure) = missing {
        return Err(failure);
    }
    let is_stale = plan.open().next().is_some() || page.is_some_and(|page| page != standing::Standing::Fresh);
    match args.exit_code && is_stale {
        true => Ok(Exit::Stale),
        false => Ok(Exit::Done),
    }
}

/// Prints the state of targets that are all fresh by a seal, which holds only as long as the page is as well.
pub(super) fn show_fresh(plan: &Plan, graph: &Graph, session: &Session) {
    let page = graph.spec.report.then_some(standing::Standing::Fresh);
    show(plan, graph, page, session);
}

/// Prints the state of a plan's targets, and of the page.
fn show(plan: &Plan, graph: &Graph, page: Option<standing::Standing>, session: &Session) {
    let screen = &session.screen;
    if screen.json() {
        let mut value = status::json(plan, graph);
        if let Some(page) = page {
            value["report"] = json!({ "file": DEFAULT, "state": page.word(), "why": page.why() });
        }
        screen.print_json(&value);
    } else {
        let page = page.map(|page| (page.word(), DEFAULT, page.why()));
        let ink = screen.out_ink();
        session.print_folded(&status::text(plan, graph, session.common.expand, page, ink));
    }
}

/// The plan of the goals; where sources are missing, of what does not depend on them, and the failure that tells them.
fn known(project: &Project, goals: &[TargetId]) -> Result<(Plan, Option<CommandError>), CommandError> {
    let make = |goals: &[TargetId]| plan::plan(project.context().inputs(), goals, false);
    let errors = match make(goals) {
        Ok(plan) => return Ok((plan, None)),
        Err(errors) => errors,
    };
    let graph = &project.graph;
    let without_source: Vec<TargetId> = errors.iter().map(PlanError::target).collect();
    let mut blocked: HashSet<TargetId> = graph.followers(&without_source).into_iter().collect();
    blocked.extend(without_source);
    let (unknown, known): (Vec<TargetId>, Vec<TargetId>) =
        graph.needed(goals).into_iter().partition(|id| blocked.contains(id));
    let plan = make(&known).map_err(|errors| project.plan_failure(&errors))?;
    let mut failure = project.plan_failure(&errors);
    let names = report::plan::names(graph, &unknown);
    let without = if errors.len() == 1 { "it" } else { "them" };
    if let Some(last) = failure.diagnostics.pop() {
        let note = format!("without {without}, the state of {names} is not known");
        failure.diagnostics.push(last.note(note));
    }
    Ok((plan, Some(failure)))
}
