//! `atsaf clean`: takes artifacts out of the project that atsaf had put there.

use serde_json::json;

use super::setup::Project;
use super::{CommandError, Exit, Session, build};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::Output;
use crate::engine::store::clean::{CleanOutcome, Swept};
use crate::report::ink::Tone;
use crate::report::table::TextTable;
use crate::report::{events, human};

/// Remove artifacts that atsaf made; files that were changed since stay
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: every target]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Remove what no target makes any more instead: artifacts of targets that are gone, renamed, or write elsewhere by now
    #[arg(long, conflicts_with = "goals")]
    orphans: bool,
    /// Say what would be removed and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Refuses to remove what only a journal of unknown origin calls atsaf's own.
fn not_own() -> CommandError {
    let diagnostic = Diagnostic::error("`.atsaf` was not begun by you on this machine")
        .note("the Atsaffile does not name the files that would go: only `.atsaf` says that atsaf made them")
        .help("look at them with `atsaf clean --orphans -n`, then remove them by hand")
        .help("if you restored `.atsaf` yourself: `atsaf clean --orphans --trust-store`");
    CommandError {
        diagnostics: vec![diagnostic],
        exit: Exit::Store,
    }
}

/// Says what is removed, and removes it.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    if !args.dry_run {
        build::refuse_inside(&project)?;
    }
    let orphans = match args.orphans {
        true => {
            let mut orphans = project.store.orphans(&declared(&project), &project.files);
            orphans.retain(|orphan| !is_read(&project, &orphan.path));
            orphans
        }
        false => Vec::new(),
    };
    let outputs = match args.orphans {
        true => orphans.iter().map(|orphan| (orphan.path.as_str(), orphan)).collect(),
        false => outputs(&project, &args.goals)?,
    };
    if !args.dry_run && !orphans.is_empty() && !project.store.records.are_own() {
        return Err(not_own());
    }
    let planned = project
        .store
        .survey(&outputs, &project.files)
        .map_err(CommandError::store)?;
    if !session.screen.json() && !session.screen.quiet() {
        session.print_folded(&table(&planned, args.dry_run, session));
    }
    let swept = match args.dry_run {
        true => planned,
        false => project
            .store
            .clean(&outputs, &project.files)
            .map_err(CommandError::store)?,
    };
    for it in &swept {
        match &it.outcome {
            CleanOutcome::Altered => session.screen.tell(
                &Diagnostic::warning(format!("`{}` stays: it is not what atsaf put there", it.path))
                    .help("remove it by hand if it is not needed; a build keeps it under `.atsaf/displaced/`"),
            ),
            CleanOutcome::Busy(holder) => {
                session.screen.tell(&Diagnostic::warning(format!(
                    "`{}` stays: {} is at it",
                    it.path,
                    events::holder(holder)
                )));
            }
            CleanOutcome::Absent | CleanOutcome::Removed { .. } => {}
        }
    }
    if session.screen.json() {
        let artifacts: Vec<_> = swept.iter().map(json).collect();
        session
            .screen
            .print_json(&json!({ "dry_run": args.dry_run, "artifacts": artifacts }));
    } else {
        let graph = &project.graph;
        let is_receipt = |it: &Swept| {
            graph
                .artifact(&it.path)
                .is_some_and(|id| graph.target(id.target).settings.effect)
        };
        let is_removed = |it: &&Swept| matches!(it.outcome, CleanOutcome::Removed { .. });
        let acts = swept.iter().filter(is_removed).any(is_receipt);
        session.screen.say(&summary(&swept, args, acts));
    }
    Ok(Exit::Done)
}

/// The paths of all artifacts that targets make.
fn declared(project: &Project) -> Vec<&str> {
    let outputs = project.graph.spec.targets.iter().flat_map(|target| &target.outputs);
    outputs.map(|output| output.path.as_str()).collect()
}

/// Whether a path is a source by now, or lies in one, or holds one.
fn is_read(project: &Project, path: &str) -> bool {
    let graph = &project.graph;
    let mut reads = graph.order().iter().flat_map(|id| &graph.node(*id).reads);
    let is_in = |inner: &str, outer: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|below| below.starts_with('/'))
    };
    reads.any(|read| is_in(path, &read.path) || is_in(&read.path, path))
}

/// The artifacts that the goals name: one by its own name or path, else all of a target.
fn outputs<'p>(project: &'p Project, names: &[String]) -> Result<Vec<(&'p str, &'p Output)>, CommandError> {
    let graph = &project.graph;
    let of_target = |id| {
        let target = graph.target(id);
        target.outputs.iter().map(|output| (target.name.as_str(), output))
    };
    if names.is_empty() {
        return Ok(graph.order().iter().flat_map(|id| of_target(*id)).collect());
    }
    // Every name is looked at before anything is said.
    project.goals(names)?;
    let mut found: Vec<(&str, &Output)> = Vec::new();
    for name in names {
        let artifacts = project.artifacts_named(name);
        for artifact in &artifacts {
            let target = graph.target(artifact.target);
            found.push((target.name.as_str(), &target.outputs[artifact.output as usize]));
        }
        if artifacts.is_empty() {
            let goals = project.goals(std::slice::from_ref(name))?;
            found.extend(goals.into_iter().flat_map(of_target));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|(_, output)| seen.insert(output.path.as_str()));
    Ok(found)
}

/// What is about to happen, a line each; what is not there is left out.
fn table(planned: &[Swept], dry_run: bool, session: &Session) -> String {
    let mut table = TextTable::new().right(2);
    let remove = if dry_run { "would remove" } else { "remove" };
    for it in planned {
        let (what, note) = match &it.outcome {
            CleanOutcome::Absent => continue,
            CleanOutcome::Removed { copy: true } => (remove, ""),
            CleanOutcome::Removed { copy: false } => (remove, "no copy in the store: it has to be made anew"),
            CleanOutcome::Altered | CleanOutcome::Busy(_) => ("leave", ""),
        };
        table.row([
            (Tone::Plain, what.to_owned()),
            (Tone::Strong, it.path.clone()),
            (Tone::Plain, human::size(it.size)),
            (Tone::Stale, note.to_owned()),
        ]);
    }
    table.draw(session.screen.out_ink())
}

/// `acts` says whether a receipt of an effect is among what is removed.
fn summary(swept: &[Swept], args: &Args, acts: bool) -> String {
    let removed: Vec<&Swept> = swept
        .iter()
        .filter(|it| matches!(it.outcome, CleanOutcome::Removed { .. }))
        .collect();
    if removed.is_empty() {
        return "nothing to remove\n".to_owned();
    }
    let size = human::size(removed.iter().map(|it| it.size).sum());
    let count = human::count(removed.len(), "artifact");
    match args {
        Args { dry_run: true, .. } => format!("would remove {count}, {size}; nothing was changed\n"),
        Args { orphans: true, .. } => format!("removed {count}, {size}\n"),
        _ if acts => format!(
            "removed {count}, {size}; `atsaf build` brings back what the store has a copy of, and an effect acts again\n"
        ),
        _ => format!("removed {count}, {size}; `atsaf build` brings back what the store has a copy of\n"),
    }
}

fn json(swept: &Swept) -> serde_json::Value {
    let Swept {
        artifact,
        path,
        size,
        outcome,
    } = swept;
    let (outcome, copy) = match outcome {
        CleanOutcome::Absent => ("absent", None),
        CleanOutcome::Removed { copy } => ("removed", Some(*copy)),
        CleanOutcome::Altered => ("altered", None),
        CleanOutcome::Busy(_) => ("busy", None),
    };
    json!({ "artifact": artifact, "path": path, "size": size, "outcome": outcome, "copy": copy })
}
