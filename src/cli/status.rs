//! `atsaf status`: one line a target, stale first.

use super::{Exit, Failure, Session, plan};
use crate::engine::run;
use crate::report::status;

/// Show the state of each target, stale first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Exit with 3 if anything is not fresh
    #[arg(long)]
    exit_code: bool,
}

/// Shows the state.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let project = session.load()?;
    let goals = project.goals(&args.goals)?;
    let plan = plan::make(&project, &goals, false)?;
    let (graph, store, screen) = (&project.graph, &project.store, &session.screen);
    match screen.json() {
        true => screen.print_json(&status::json(&plan, graph, store)),
        false => screen.print(&status::text(&plan, graph, store, run::now(), screen.out_ink())),
    }
    match args.exit_code && plan.open().next().is_some() {
        true => Ok(Exit::Stale),
        false => Ok(Exit::Done),
    }
}
