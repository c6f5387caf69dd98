//! `atsaf why`: why a target is stale or fresh, back to what was changed.

use std::mem::ManuallyDrop;

use serde_json::json;

use super::report::standing;
use super::setup::{self, Project};
use super::{CommandError, Exit, Session, log, logs, plan};
use crate::engine::clock;
use crate::engine::files::{Files, PathState};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::{Plan, Step};
use crate::engine::tree::Tree;
use crate::report::history::{self, TargetRun};
use crate::report::why::{self, DirectoryOf, WhyContext};

/// Show why a goal is stale or fresh: each value before and after, where it is written, what follows
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A target, an artifact, an artifact's path or an alias
    #[arg(value_name = "GOAL")]
    goal: String,
    /// Why it was built in this past run; the first digits of its id are enough
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

impl Args {
    /// The goal that is to be explained as it is now; `None` for one of a past run.
    pub(super) fn of_now(&self) -> Option<&String> {
        self.run.is_none().then_some(&self.goal)
    }

    /// Why a goal is as it is now.
    pub(super) fn of(goal: &str) -> Self {
        Self {
            goal: goal.to_owned(),
            run: None,
        }
    }
}

/// Explains.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    if project.is_report(&args.goal) && args.run.is_none() {
        let page = standing::standing(&project)?;
        let (word, why) = (page.word(), page.why());
        match session.screen.json() {
            true => session
                .screen
                .print_json(&json!({ "goal": args.goal, "state": word, "why": why })),
            false => session.screen.print(&format!("`{}` is {word}: {why}\n", args.goal)),
        }
        return Ok(Exit::Done);
    }
    let targets = project.goals(std::slice::from_ref(&args.goal))?;
    match &args.run {
        Some(id) => in_run(&args.goal, id, &targets, &project, session)?,
        None => now(&args.goal, &targets, &project, session)?,
    }
    Ok(Exit::Done)
}

/// Explains targets as they are.
fn now(goal: &str, targets: &[TargetId], project: &Project, session: &Session) -> Result<(), CommandError> {
    let graph = &project.graph;
    let mut involved = graph.followers(targets);
    involved.extend(targets);
    // A source that only a follower needs is no reason to be silent about the goal itself.
    let plan = plan::make(project, &involved, &|_| false).or_else(|_| plan::make(project, targets, &|_| false))?;
    explain(Asked { goal, targets }, project, &plan, false, session);
    Ok(())
}

/// Explains a goal of which all is fresh, by a plan with a graph of no more than that and what it needs; `None` if more has
/// to be read.
pub(super) fn fresh(goal: &str, graph: &Graph, plan: &Plan, session: &Session) -> Option<()> {
    // For what follows, of which nothing is known here, it may have to be made again.
    if plan.steps.iter().any(|step| step.is_gone) {
        return None;
    }
    let names: Vec<&str> = graph.spec.targets.iter().map(|target| target.name.as_str()).collect();
    let part = setup::load_part(session, &names).ok()??;
    // What it holds goes with the process.
    let project = ManuallyDrop::new(part);
    let goals = project.goals(&[goal.to_owned()]).ok()?;
    let of_part = |step: &Step| {
        let target = project.graph.owner(graph.name(step.target))?;
        Some(Step { target, ..step.clone() })
    };
    let plan = Plan {
        goals: goals.clone(),
        steps: plan.steps.iter().map(of_part).collect::<Option<_>>()?,
        at: plan.at,
    };
    let asked = Asked { goal, targets: &goals };
    (project.warnings.is_empty() && explain(asked, &project, &plan, true, session)).then_some(())
}

/// A goal, and the targets that it means.
#[derive(Clone, Copy)]
struct Asked<'a> {
    goal: &'a str,
    targets: &'a [TargetId],
}

/// Explains a goal by a plan; says whether that could be done by a part of the graph, if it is one.
fn explain(asked: Asked<'_>, project: &Project, plan: &Plan, is_part: bool, session: &Session) -> bool {
    let Asked { goal, targets } = asked;
    let (graph, screen) = (&project.graph, &session.screen);
    let context = WhyContext {
        graph,
        plan,
        past: &project.store,
        modified: &|path| project.files.at(path).metadata().ok()?.modified().ok(),
        tree: &|path, of| tree(&project.files, path, of),
        listing: &|digest| project.store.listing(digest),
        said: &|run, target| logs::last_line(&project.store, run, target),
        now: clock::now(),
        columns: screen.is_terminal().then(|| session.width()),
        is_part,
    };
    let artifacts = project.artifacts_named(goal);
    let artifact_of = |target| artifacts.iter().copied().find(|it| it.target == target);
    let explanations = targets.iter();
    let explanations: Vec<_> = explanations
        .filter_map(|target| why::explain(&context, *target, artifact_of(*target)))
        .collect();
    if is_part && explanations.len() < targets.len() {
        return false;
    }
    if screen.json() {
        let targets: Vec<_> = explanations.iter().map(|it| why::json(it, graph)).collect();
        screen.print_json(&json!({ "goal": goal, "targets": targets }));
    } else {
        let groups = why::grouped(explanations, graph, session.common.expand);
        let text = |group: &Vec<_>| why::text_of_many(group, &context, screen.out_ink());
        let texts: Vec<String> = groups.iter().map(text).collect();
        session.print_folded(&texts.join("\n"));
    }
    true
}

/// Tells what became of targets in a past run, and why.
fn in_run(
    goal: &str,
    id: &str,
    targets: &[TargetId],
    project: &Project,
    session: &Session,
) -> Result<(), CommandError> {
    let (graph, screen) = (&project.graph, &session.screen);
    let story = log::story(project)?;
    let run = log::find_run(&story, id)?;
    let turns = |target: TargetId| -> Vec<&TargetRun> {
        let turns = story.of(graph.name(target));
        let mut turns: Vec<&TargetRun> = turns.filter(|turn| turn.run() == run).collect();
        turns.reverse();
        turns
    };
    if screen.json() {
        let targets: Vec<_> = targets
            .iter()
            .map(|target| {
                let turns: Vec<_> = turns(*target).into_iter().map(history::turn_json).collect();
                json!({ "target": graph.name(*target), "turns": turns })
            })
            .collect();
        screen.print_json(&json!({ "goal": goal, "run": run.to_string(), "targets": targets }));
    } else {
        let texts: Vec<String> = targets
            .iter()
            .map(|target| {
                let name = graph.name(*target);
                let text = history::turns_text(name, run, &turns(*target), clock::now(), screen.out_ink());
                match logs::last_line(&project.store, run, name) {
                    Some(line) => format!("{text}  said {line}\n"),
                    None => text,
                }
            })
            .collect();
        session.print_folded(&texts.join("\n"));
    }
    Ok(())
}

/// What is in a directory now.
fn tree(files: &Files, path: &str, of: DirectoryOf<'_>) -> Option<Tree> {
    if files.look(path) != PathState::Directory {
        return None;
    }
    let tree = match of {
        DirectoryOf::Source(ignore) => files.source_tree(path, ignore),
        DirectoryOf::Input => files.content_tree(path),
        DirectoryOf::Output => files.tree(path),
    };
    tree.ok()
}
