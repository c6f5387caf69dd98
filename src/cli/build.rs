//! `atsaf build`: makes the goals and what they need.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::thread;

use super::setup::{self, Project};
use super::{CommandError, Exit, Session, interrupt, plan};
use crate::engine;
use crate::engine::build::{self, BuildError, Options};
use crate::engine::event::{Observer, Summary};
use crate::report::json;
use crate::report::terminal::Terminal;

/// Make the goals and what they need, as far as they are stale
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    pub(super) goals: Vec<String>,
    /// Run the goals and all that they need, stale or not
    #[arg(short = 'B', long)]
    pub(super) force: bool,
    /// Print the plan and run nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Go on with targets that do not need a failed one
    #[arg(short, long)]
    pub(super) keep_going: bool,
    /// How many targets may run at once [default: one for each core]
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
}

/// Builds.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    if args.dry_run {
        let goals = project.goals(&args.goals)?;
        return plan::show(&project, &goals, args.force, session);
    }
    let summary = once(args, &project, session, interrupt::watch())?;
    Ok(exit_of(&summary))
}

/// Builds once in a project that was loaded; ends soon after `interrupted` is set.
pub(super) fn once(
    args: &Args,
    project: &Project,
    session: &Session,
    interrupted: &AtomicBool,
) -> Result<Summary, CommandError> {
    let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = args.jobs.map_or_else(cores, NonZeroUsize::get);
    // Models and windows share the budget of the targets. A second build of one process keeps the first one's pool.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs).build_global();
    let goals = project.goals(&args.goals)?;
    let needed = project.graph.needed(&goals);
    setup::require_secrets(project, &needed).map_err(|mut failure| {
        // Whatever else is missing is told at once.
        if let Err(errors) = engine::plan::plan(project.context(), &goals, args.force) {
            failure.diagnostics.extend(project.plan_failure(&errors).diagnostics);
        }
        failure
    })?;
    let options = Options {
        goals,
        asked: args.goals.clone(),
        set: session.common.set.clone(),
        force: args.force,
        keep_going: args.keep_going,
        jobs,
        secrets: project.secrets.clone(),
        interrupted,
    };
    build(project, &options, session)
}

/// Builds what `options` ask for, and tells it in the manner of the session.
pub(super) fn build(project: &Project, options: &Options<'_>, session: &Session) -> Result<Summary, CommandError> {
    let screen = &session.screen;
    let (people, lines);
    let observer: &dyn Observer = if screen.json() {
        lines = json::EventLines::new(&project.graph, screen);
        &lines
    } else {
        people = Terminal::new(&project.graph, screen);
        &people
    };
    build::build(project.context(), options, observer).map_err(|error| match error {
        BuildError::Plan(errors) => project.plan_failure(&errors),
        BuildError::Store(error) => CommandError::store(error),
    })
}

/// How a command ends after a build.
pub(super) fn exit_of(summary: &Summary) -> Exit {
    match summary {
        Summary { interrupted: true, .. } => Exit::Interrupted,
        Summary { failed: 1.., .. } => Exit::Failed,
        _ => Exit::Done,
    }
}
