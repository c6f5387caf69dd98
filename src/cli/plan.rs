//! `atsaf plan`: what a build would do, and why; writes nothing.

use super::setup::Project;
use super::{CommandError, Exit, Session};
use crate::engine::clock;
use crate::engine::graph::TargetId;
use crate::engine::plan::{self, Plan};
use crate::report;

/// Show what would run, be restored or be kept, why, and for how long; write nothing
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// As if the goals and all that they need had to run
    #[arg(short = 'B', long)]
    force: bool,
}

/// Shows the plan.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    show(&project, &goals, args.force, session)
}

/// Makes and prints the plan of some goals.
pub(super) fn show(
    project: &Project,
    goals: &[TargetId],
    force: bool,
    session: &Session,
) -> Result<Exit, CommandError> {
    let plan = make(project, goals, force)?;
    let (graph, store, screen) = (&project.graph, &project.store, &session.screen);
    match screen.json() {
        true => screen.print_json(&report::plan::json(&plan, graph, store)),
        false => screen.print(&report::plan::text(&plan, graph, store, clock::now(), screen.out_ink())),
    }
    Ok(Exit::Done)
}

/// Makes the plan of some goals.
pub(super) fn make(project: &Project, goals: &[TargetId], force: bool) -> Result<Plan, CommandError> {
    plan::plan(project.context(), goals, force).map_err(|errors| project.plan_failure(&errors))
}
