//! Asks the seal before anything is read: where nothing has moved since all was fresh, a build has nothing to do, `plan` and
//! `status` say that all is fresh, and `why` reads no more than what its goal needs.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::read_atsaffile;
use super::report::standing::{self, Standing};
use super::setup::{self, Project};
use super::{CliCommand, Exit, Session, build, lineage, plan, results, status, why};
use crate::engine::clock;
use crate::engine::digest::Digest;
use crate::engine::event::{Event, Summary};
use crate::engine::files::Files;
use crate::engine::graph::Graph;
use crate::engine::nesting;
use crate::engine::plan::Plan;
use crate::engine::run_id::RunId;
use crate::engine::seal::{Seal, SealKey, SealRequest};
use crate::engine::spec::Spec;
use crate::engine::store::{Store, UserKey};
use crate::fast_map::FastMap;

/// Goals as they are asked for.
struct Asked<'a> {
    goals: &'a [String],
    root: PathBuf,
    user: UserKey,
    key: SealKey,
}

/// A seal that holds.
struct Holding {
    seal: Seal,
    /// The plan of the goals that are asked for, if they are a part of what it was made for.
    part: Option<(Graph, Plan)>,
}

impl<'a> Asked<'a> {
    fn of(goals: &'a [String], session: &Session) -> Option<Self> {
        let common = &session.common;
        if common.trust_store {
            return None;
        }
        let file = read_atsaffile::find(common).ok()?;
        let root = read_atsaffile::root_of(&file);
        let typed_in = match goals.is_empty() {
            true => String::new(),
            false => read_atsaffile::typed_in(common, &root),
        };
        // A program of another place may have other tasks, whatever its version; what is at this one, the seal looks at.
        let program = std::env::current_exe().ok()?;
        let circumstances = (env!("CARGO_PKG_VERSION"), program, file.file_name()?, &common.set);
        let digest = |text: String| Digest::of(text.as_bytes());
        Some(Self {
            user: UserKey::in_directory(setup::state_directory(&session.env)),
            key: SealKey {
                circumstances: digest(format!("{circumstances:?}")),
                goals: digest(format!("{:?}", (typed_in, goals))),
            },
            root,
            goals,
        })
    }

    /// Stands for what some variables say.
    fn environment(&self, variables: &[String], session: &Session) -> Option<[u8; 32]> {
        let value = |name: &String| session.env.get(name).map(String::as_str);
        Store::environment_mark(&self.user, variables.iter().map(|name| (name.as_str(), value(name))))
    }

    /// Whether a seal was made where the variables that matter say what they say now.
    fn is_here(&self, seal: &Seal, session: &Session) -> bool {
        let environment = self.environment(&seal.head.variables, session);
        environment == Some(seal.head.environment)
    }

    /// The seal that says that all of the goals is fresh, if one holds: their own, or that of a request of which they are a
    /// part. From here on the screen hides what the project keeps secret.
    fn holding(&self, session: &Session) -> Option<Holding> {
        let holds = |seal: &Seal| self.is_here(seal, session) && seal.holds(&self.root, clock::now());
        let Some(seal) = Store::seal(&self.root, self.key, &self.user).filter(holds) else {
            let others = Store::seals_of_other_goals(&self.root, self.key, &self.user);
            return self.part_of(others, session);
        };
        hide_secrets(&seal, &self.root, session);
        Some(Holding { seal, part: None })
    }

    /// The same of goals that are names of targets, instances or aliases, with their plan.
    fn by_names(&self, session: &Session) -> Option<Holding> {
        let own = Store::seal(&self.root, self.key, &self.user).into_iter();
        let others = Store::seals_of_other_goals(&self.root, self.key, &self.user);
        self.part_of(own.chain(others), session)
    }

    /// The first of some seals that says of the goals, as names of targets, instances or aliases, that they are fresh. Which
    /// goals are meant where none is named, only the Atsaffile says.
    fn part_of(&self, seals: impl Iterator<Item = Seal>, session: &Session) -> Option<Holding> {
        let mut seals = seals.filter(|seal| self.is_here(seal, session));
        seals.find_map(|seal| {
            let part = Some(seal.part(self.goals, &self.root, clock::now())?);
            hide_secrets(&seal, &self.root, session);
            Some(Holding { seal, part })
        })
    }
}

/// From here on the screen hides what the project keeps secret.
fn hide_secrets(seal: &Seal, root: &Path, session: &Session) {
    let secrets = &seal.head.secrets;
    if !secrets.is_empty() {
        let env_file = setup::env_file(&root.join(".env"), &mut Vec::new());
        setup::hidden_secrets(secrets.iter(), &env_file, session);
    }
}

/// Whether a build is answered by a seal, and leaves one: not if it has to look for itself, or others watch it.
fn is_plain(args: &build::Args, session: &Session) -> bool {
    let is_forced = args.force || args.only || args.no_effects;
    let is_told = || results::are_written(args, session) || nesting::is_inside(&session.env);
    !is_forced && (args.dry_run || !is_told())
}

/// Ends a command by what a seal says, if one holds that answers it.
pub(super) fn answer(command: &CliCommand, session: &Session) -> Option<Exit> {
    match command {
        CliCommand::Build(args) if !is_plain(args, session) => return None,
        CliCommand::Build(args) if args.dry_run => show(&args.goals, plan::print, session)?,
        CliCommand::Build(args) => build(&args.goals, session)?,
        CliCommand::Plan(args) if !args.force => show(&args.goals, plan::print, session)?,
        CliCommand::Status(args) => show(&args.goals, status::show_fresh, session)?,
        // What JSON tells of what follows from a target takes the whole graph.
        CliCommand::Why(args) if !session.screen.json() => why(args.of_now()?, session)?,
        _ => return None,
    }
    Some(Exit::Done)
}

/// Shows the plan of some goals, of which nothing is to do.
fn show(goals: &[String], print: fn(&Plan, &Graph, &Session), session: &Session) -> Option<()> {
    let Holding { seal, part } = Asked::of(goals, session)?.holding(session)?;
    let (graph, plan) = part.or_else(|| seal.plan(clock::now()))?;
    print(&plan, &graph, session);
    // What they hold goes with the process.
    std::mem::forget((seal, graph, plan));
    Some(())
}

/// Explains a goal of which all is fresh.
fn why(goal: &String, session: &Session) -> Option<()> {
    let held = Asked::of(std::slice::from_ref(goal), session)?.by_names(session)?;
    let (graph, plan) = held.part?;
    why::fresh(goal, &graph, &plan, session)
}

/// Reports a build that has nothing to do.
fn build(goals: &[String], session: &Session) -> Option<()> {
    let begun = Instant::now();
    let asked = Asked::of(goals, session)?;
    if lineage::is_asked_for(&session.env, &asked.root) {
        return None;
    }
    let Holding { seal, part } = asked.holding(session)?;
    let fresh = part.as_ref().map_or(seal.head.fresh, |(_, plan)| plan.steps.len());
    tell(fresh, begun, session, &asked.root);
    std::mem::forget((seal, part));
    Some(())
}

/// Reports the build as one that has found everything fresh.
fn tell(fresh: usize, begun: Instant, session: &Session, root: &Path) {
    // No target is named.
    let Ok(graph) = Graph::new(Spec::default(), &Files::new(root, FastMap::default())) else {
        return;
    };
    let run = RunId::new();
    build::observing(&graph, session, false, |observer| {
        let steps = Vec::new();
        observer.observe(&Event::Planned {
            run,
            steps,
            fresh,
            expected: BTreeMap::new(),
        });
        let summary = Summary {
            fresh,
            duration: begun.elapsed(),
            ..Summary::default()
        };
        observer.observe(&Event::Ended { run, summary });
    });
}

/// Under what a build keeps a seal once everything is fresh; `None` where it keeps none.
pub(super) fn request(args: &build::Args, project: &Project, session: &Session) -> Option<SealRequest> {
    // What has to be told each time is found out each time.
    if !is_plain(args, session) || !project.warnings.is_empty() {
        return None;
    }
    // A seal says of the page of `report = true`, too, that it is fresh.
    if project.graph.spec.report && standing::standing(project).ok() != Some(Standing::Fresh) {
        return None;
    }
    let asked = Asked::of(&args.goals, session)?;
    if lineage::is_asked_for(&session.env, &asked.root) {
        return None;
    }
    let variables = project.variables();
    Some(SealRequest {
        key: asked.key,
        // What this build makes, the page tells only after it.
        only_if_idle: project.graph.spec.report,
        secrets: project.graph.spec.secrets.keys().cloned().collect(),
        environment: asked.environment(&variables, session)?,
        variables,
        loading: project.loading.clone(),
    })
}
