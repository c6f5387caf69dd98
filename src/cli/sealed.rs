//! Asks the seal before anything is read: where nothing has moved since all was fresh, a build has nothing to do.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::setup::{self, Project};
use super::{Exit, Session, build, lineage, results};
use crate::engine::clock;
use crate::engine::digest::Digest;
use crate::engine::event::{Event, Summary};
use crate::engine::fast_map::FastMap;
use crate::engine::files::Files;
use crate::engine::graph::Graph;
use crate::engine::nesting;
use crate::engine::run_id::RunId;
use crate::engine::seal::{SealHead, SealRequest};
use crate::engine::spec::Spec;
use crate::engine::store::{Store, UserKey};

/// A build as it is asked for, if a seal can answer it.
struct Asked {
    root: PathBuf,
    user: UserKey,
    key: Digest,
}

impl Asked {
    /// `None` for a build that has to look for itself, or that is watched by others.
    fn of(args: &build::Args, session: &Session) -> Option<Self> {
        let common = &session.common;
        let is_plain = !(args.force || args.only || args.no_effects || args.dry_run || common.trust_store);
        let is_told = args.junit.is_some() || results::summary_file(args.summary.as_deref(), session).is_some();
        if !is_plain || is_told || nesting::is_inside(&session.env) {
            return None;
        }
        let file = setup::find(common).ok()?;
        let root = setup::root_of(&file);
        if lineage::is_asked_for(&session.env, &root) {
            return None;
        }
        let typed_in = match args.goals.is_empty() {
            true => String::new(),
            false => setup::typed_in(common, &root),
        };
        let asked = (file.file_name()?, typed_in, &args.goals, &common.set);
        let text = format!("build {} {asked:?}", env!("CARGO_PKG_VERSION"));
        Some(Self {
            user: UserKey::in_directory(setup::state_directory(&session.env)),
            key: Digest::of(text.as_bytes()),
            root,
        })
    }

    /// Stands for what some variables say.
    fn environment(&self, variables: &[String], session: &Session) -> Option<[u8; 32]> {
        let value = |name: &String| session.env.get(name).map(String::as_str);
        Store::environment_mark(&self.user, variables.iter().map(|name| (name.as_str(), value(name))))
    }
}

/// Ends a build with nothing to do, if a seal says that it is one.
pub(super) fn answer(args: &build::Args, session: &Session) -> Option<Exit> {
    let begun = Instant::now();
    let asked = Asked::of(args, session)?;
    let seal = Store::seal(&asked.root, asked.key, &asked.user)?;
    let SealHead {
        variables,
        environment,
        fresh,
        ..
    } = &seal.head;
    let is_same = asked.environment(variables, session)? == *environment;
    if !is_same || !seal.holds(&asked.root, clock::now()) {
        return None;
    }
    tell(*fresh, begun, session, &asked.root);
    // What it holds goes with the process.
    std::mem::forget(seal);
    Some(Exit::Done)
}

/// Reports the build as one that has found everything fresh.
fn tell(fresh: usize, begun: Instant, session: &Session, root: &Path) {
    // No target is named.
    let Ok(graph) = Graph::new(Spec::default(), &Files::new(root, FastMap::default())) else {
        return;
    };
    let run = RunId::new();
    build::observing(&graph, session, |observer| {
        let steps = Vec::new();
        observer.observe(&Event::Planned { run, steps, fresh });
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
    let asked = Asked::of(args, session).filter(|_| project.warnings.is_empty())?;
    let variables = project.variables();
    Some(SealRequest {
        key: asked.key,
        environment: asked.environment(&variables, session)?,
        variables,
        loading: project.loading.clone(),
    })
}
