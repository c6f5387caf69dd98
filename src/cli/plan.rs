//! `atsaf plan`: what a build would do, and why; writes nothing.

use std::fmt::Write as _;

use super::setup::Project;
use super::{CommandError, Exit, Session};
use crate::engine::command;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::{self, Plan, Step};
use crate::report;
use crate::report::plan::Fate;

/// Show what would run, be restored or be kept, why, and for how long; write nothing
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    pub(super) goals: Vec<String>,
    /// As if the goals and all that they need had to run
    #[arg(short = 'B', long)]
    pub(super) force: bool,
    /// Exit with 3 if anything would run or be restored, or may
    #[arg(long)]
    exit_code: bool,
}

/// Shows the plan.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    let plan = show(&project, &goals, &|_| args.force, session)?;
    Ok(match args.exit_code && plan.open().next().is_some() {
        true => Exit::Stale,
        false => Exit::Done,
    })
}

/// Makes and prints the plan of some goals.
pub(super) fn show(
    project: &Project,
    goals: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
    session: &Session,
) -> Result<Plan, CommandError> {
    let plan = make(project, goals, force)?;
    print(&plan, &project.graph, session);
    let screen = &session.screen;
    if screen.verbose() && !screen.json() {
        screen.print(&commands(project, &plan));
    }
    Ok(plan)
}

/// Prints a plan, without commands.
pub(super) fn print(plan: &Plan, graph: &Graph, session: &Session) {
    let screen = &session.screen;
    match screen.json() {
        true => screen.print_json(&report::plan::json(plan, graph)),
        false => session.print_folded(&report::plan::text(
            plan,
            graph,
            session.common.expand,
            screen.out_ink(),
        )),
    }
}

/// The command of each step that may run, as it would run, with the target's place.
fn commands(project: &Project, plan: &Plan) -> String {
    let graph = &project.graph;
    let runs = |step: &&Step| !matches!(Fate::of(step), Fate::Keep | Fate::Restore(_));
    let mut text = String::new();
    for step in plan.steps.iter().filter(runs) {
        let Some(command) = command::command_line(project.context(), step.target) else {
            continue;
        };
        let place = graph.spec.text.line_of(graph.target(step.target).span);
        let command = command.trim_end().replace('\n', "\n  ");
        let _ = write!(text, "\n{}  {place}\n  {command}\n", graph.name(step.target));
    }
    text
}

/// Makes the plan of some goals.
pub(super) fn make(
    project: &Project,
    goals: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Result<Plan, CommandError> {
    plan::plan_with(project.context().inputs(), goals, force).map_err(|errors| project.plan_failure(&errors))
}
