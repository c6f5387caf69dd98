//! `atsaf build`: makes the goals and what they need.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::junit::JunitFile;
use super::read_atsaffile;
use super::report::standing;
use super::results::{self, Before};
use super::setup::Project;
use super::{CommandError, Exit, Session, interrupt, junit, lineage, needed_secrets, plan, sealed, threads};
use crate::diagnostic::Diagnostic;
use crate::engine;
use crate::engine::build::{self, BuildError, Options};
use crate::engine::event::{Observer, Observers, Summary};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::nesting;
use crate::engine::pages;
use crate::engine::seal::SealRequest;
use crate::engine::store::private_key;
use crate::report;
use crate::report::advice;
use crate::report::human;
use crate::report::json;
use crate::report::results::RunResults;
use crate::report::terminal::{self, Detail};

/// Make the goals and what they need, as far as they are stale
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    pub(super) goals: Vec<String>,
    /// Run the goals and all that they need, stale or not
    #[arg(short = 'B', long)]
    pub(super) force: bool,
    /// Run the goals alone; what they need has to be fresh
    #[arg(long)]
    pub(super) only: bool,
    /// Leave out targets that act outside the project, and what needs them
    #[arg(long)]
    pub(super) no_effects: bool,
    /// Print the plan and run nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Go on with targets that do not need a failed one
    #[arg(short, long)]
    pub(super) keep_going: bool,
    /// How many targets may run at once, those with `threads` as several [default: one for each core]
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Print what commands and tasks print, line by line
    #[arg(long)]
    pub(super) show_output: bool,
    /// Attempts after a failure, for every target [default: what each declares]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=100))]
    pub(super) retries: Option<u32>,
    /// Append a page in Markdown to this file: what ran and why, leaderboards, failures [default: `$GITHUB_STEP_SUMMARY`]
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// Write what became of each target to this file as JUnit XML: a suite for the run, a case for each target
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(super) junit: Option<PathBuf>,
}

/// Builds.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    pages::begin_small();
    let loaded = session.load();
    let project = loaded.map_err(|failure| junit::of_failure(args.junit.as_deref(), failure, session))?;
    if args.dry_run {
        let goals = goals(args, &project, session)?;
        let force = |id| args.force && (!args.only || goals.contains(&id));
        plan::show(&project, &goals, &force, session)?;
        return Ok(Exit::Done);
    }
    refuse_inside(&project)?;
    let seal = sealed::request(args, &project, session);
    let summary = once(args, &project, session, interrupt::watch(), None, seal)?;
    Ok(exit_of(&summary))
}

/// Refuses to change a project from within the command of one of its own targets, which would wait for itself.
///
/// # Errors
/// [`CommandError`] that names the target.
pub(super) fn refuse_inside(project: &Project) -> Result<(), CommandError> {
    let Some(key) = nesting::enclosing(&project.env, project.files.root()) else {
        return Ok(());
    };
    let graph = &project.graph;
    let is_it = |id: &&TargetId| private_key(&graph.target(**id).outputs) == key;
    let of = graph.order().iter().find(is_it);
    let name = of.map_or_else(String::new, |id| format!(" `{}`", graph.name(*id)));
    let mut diagnostic = Diagnostic::error(format!(
        "this is a part of the target{name} of the same project, which cannot be built from within"
    ));
    if let Some(id) = of {
        diagnostic = diagnostic.at(advice::place(graph, *id));
    }
    Err(CommandError::usage(
        diagnostic
            .help("name what it needs in its `inputs`: the build makes that first")
            .help("if this shell has only inherited the variable `ATSAF_PROJECT`, unset it"),
    ))
}

/// Says of a target whether an edit has made it stale since the build began.
pub(super) type Superseded<'a> = dyn Fn(TargetId) -> bool + Sync + 'a;

/// A build while `watch` looks at the files.
#[derive(Clone, Copy)]
pub(super) struct Watching<'a> {
    /// Says which targets edits have made stale.
    pub(super) superseded: &'a Superseded<'a>,
    /// Hears the build as well.
    pub(super) listener: Option<&'a dyn Observer>,
}

/// Builds once in a project that was loaded; ends soon after `interrupted` is set, or an edit makes a target stale that
/// runs. Keeps a seal, if that is asked for, once all is fresh.
pub(super) fn once(
    args: &Args,
    project: &Project,
    session: &Session,
    interrupted: &AtomicBool,
    watching: Option<Watching<'_>>,
    seal: Option<SealRequest>,
) -> Result<Summary, CommandError> {
    let heard = match results::are_written(args, session) {
        true => RunResults::in_full(),
        false => RunResults::default(),
    };
    let mut looked_at = Vec::new();
    let asked = Asked {
        args,
        interrupted,
        watching,
        seal,
    };
    let Some(file) = &args.junit else {
        return asked.build(project, session, &heard, &mut looked_at);
    };
    let file = JunitFile::of(file, project, session)?;
    let built = asked.build(project, session, &heard, &mut looked_at);
    file.write(&project.graph, &heard, &looked_at, built, session)
}

/// A build as it is asked for.
struct Asked<'a> {
    args: &'a Args,
    interrupted: &'a AtomicBool,
    watching: Option<Watching<'a>>,
    seal: Option<SealRequest>,
}

impl Asked<'_> {
    /// Builds; `heard` hears it, and `looked_at` becomes the targets that it is about.
    fn build(
        self,
        project: &Project,
        session: &Session,
        heard: &RunResults,
        looked_at: &mut Vec<TargetId>,
    ) -> Result<Summary, CommandError> {
        let Self {
            args,
            interrupted,
            watching,
            seal,
        } = self;
        let jobs = args.jobs.unwrap_or_else(threads::cores).get();
        let goals = goals(args, project, session)?;
        let needed = project.graph.needed(&goals);
        looked_at.clone_from(&needed);
        needed_secrets::require_secrets(project, &needed).map_err(|mut failure| {
            // Whatever else is missing is told at once.
            if let Err(errors) = engine::plan::plan(project.context().inputs(), &goals, args.force) {
                failure.diagnostics.extend(project.plan_failure(&errors).diagnostics);
            }
            failure
        })?;
        let force = |id| args.force && (!args.only || goals.contains(&id));
        let running = needed_secrets::require_what_tasks_need(project, &goals, &force)?;
        needed_secrets::require_accepted(project, &running, interrupted)?;
        standing::require_place(project)?;
        let before = Before::of(project, &needed);
        let options = Options {
            goals: goals.clone(),
            asked: args.goals.clone(),
            set: session.common.set.clone(),
            force: args.force,
            only: args.only,
            keep_going: args.keep_going,
            jobs,
            memory: threads::memory(),
            retries: args.retries,
            secrets: project.secrets.clone(),
            interrupted,
            superseded: watching.map(|watching| watching.superseded),
            seal,
        };
        let listener = watching.and_then(|watching| watching.listener);
        let summary = build(project, &options, session, args.show_output, (heard, listener))?;
        // While watching, one build follows the other, and nothing is asked of their reader.
        if watching.is_none() {
            let boards = results::tell(project, session, before, heard, &goals, &args.goals);
            if let Some(file) = results::summary_file(args.summary.as_deref(), session) {
                results::write_summary(&file, project, heard, &boards, session)?;
            }
        }
        if !summary.interrupted {
            standing::renew(project, session)?;
        }
        Ok(summary)
    }
}

/// The targets that a build is asked for: without effects that would act, and what needs them, if these are left out.
fn goals(args: &Args, project: &Project, session: &Session) -> Result<Vec<TargetId>, CommandError> {
    let goals = project.goals(&args.goals)?;
    if !args.no_effects {
        return Ok(goals);
    }
    let graph = &project.graph;
    let plan = plan::make(project, &goals, &|_| args.force)?;
    let acting = plan
        .open()
        .map(|step| step.target)
        .filter(|id| graph.target(*id).settings.effect);
    let mut left_out: Vec<TargetId> = acting.collect();
    let followers = graph.followers(&left_out);
    let needed = graph.needed(&goals);
    left_out.extend(followers.into_iter().filter(|id| needed.contains(id)));
    if !left_out.is_empty() {
        let names = report::plan::names(graph, &left_out);
        session.screen.say(&format!("left out: {names}\n"));
    }
    let all = if args.only { goals } else { needed };
    Ok(all.into_iter().filter(|id| !left_out.contains(id)).collect())
}

fn not_fresh(project: &Project, targets: &[TargetId]) -> CommandError {
    let names: Vec<&str> = targets.iter().map(|id| project.graph.name(*id)).collect();
    let (what, them) = match names.as_slice() {
        [one] => (format!("`{one}` is not fresh"), "it"),
        _ => (format!("`{}` are not fresh", names.join("`, `")), "them"),
    };
    // What is gone since it was read is fresh, unless it is asked for alone.
    let only = match targets.iter().any(|id| project.graph.target(*id).settings.temp) {
        true => "--only ",
        false => "",
    };
    let diagnostic = Diagnostic::error(format!("{what}, and with `--only` nothing but the goals may run"))
        .help(format!(
            "build {them} first: `atsaf build {only}{}`",
            human::words("", names.iter().copied())
        ))
        .help(format!("`atsaf why {}` tells why", human::word(names[0])));
    CommandError {
        diagnostics: vec![diagnostic],
        exit: Exit::Failed,
    }
}

/// Runs `build` with an observer that reports it in the manner of the session; `output` is what commands print.
pub(super) fn observing<T>(
    graph: &Graph,
    session: &Session,
    output: bool,
    build: impl FnOnce(&dyn Observer) -> T,
) -> T {
    let screen = &session.screen;
    let expand = session.common.expand;
    match screen.json() {
        true => build(&json::EventLines::new(graph, screen)),
        false => terminal::during(graph, screen, Detail { expand, output }, build),
    }
}

/// Builds what `options` ask for, and tells it in the manner of the session; `heard` and a listener hear it as well.
fn build(
    project: &Project,
    options: &Options<'_>,
    session: &Session,
    output: bool,
    (heard, listener): (&RunResults, Option<&dyn Observer>),
) -> Result<Summary, CommandError> {
    let built = observing(&project.graph, session, output, |observer| {
        let all: Vec<&dyn Observer> = [observer, heard].into_iter().chain(listener).collect();
        lineage::during(project, session, &Observers(all), |observer| {
            build::build(project.context(), options, observer)
        })
    });
    built.map_err(|error| match error {
        BuildError::Plan(errors) => project.plan_failure(&errors),
        BuildError::NotFresh(targets) => not_fresh(project, &targets),
        BuildError::Store(error) => CommandError::store(error),
        BuildError::Graph(errors) => CommandError {
            diagnostics: read_atsaffile::graph_failure(&errors, &project.graph.spec),
            exit: Exit::Usage,
        },
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
