//! `atsaf watch`: builds, and builds again when the Atsaffile, a source or `.env` changes.
//!
//! Changes that come while a build runs are kept, and call for one further build together.

mod watched;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use serde_json::json;

use self::watched::Watched;
use super::{CommandError, Exit, Session, build, interrupt, setup};
use crate::diagnostic::Diagnostic;
use crate::report::human;

/// Changes within this time count as one.
const TOGETHER: Duration = Duration::from_millis(100);
/// How often a wait looks whether it is to end.
const BEAT: Duration = Duration::from_millis(200);

/// Build, and build again whenever the Atsaffile, a source or `.env` changes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Targets, artifacts, artifacts' paths or aliases [default: the project's own]
    #[arg(value_name = "GOAL")]
    goals: Vec<String>,
    /// Go on with targets that do not need a failed one
    #[arg(short, long)]
    keep_going: bool,
    /// How many targets may run at once [default: one for each core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// Watches until it is interrupted.
pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, CommandError> {
    watch(args, session, interrupt::watch())
}

fn watch(args: &Args, session: &Session, interrupted: &AtomicBool) -> Result<Exit, CommandError> {
    let args = build::Args {
        goals: args.goals.clone(),
        force: false,
        only: false,
        no_effects: false,
        dry_run: false,
        keep_going: args.keep_going,
        jobs: args.jobs,
    };
    let mut watched = Watched::of_file(&setup::find(&session.common)?);
    let mut observer = WatchObserver::new()?;
    loop {
        // Observed before it is read, so that no change falls between the two.
        observer.observe(&watched, session);
        match session.load() {
            Ok(project) => {
                match project.goals(&args.goals) {
                    Ok(goals) => watched = Watched::of_goals(&project, &goals),
                    Err(failure) => tell(&failure, session),
                }
                observer.observe(&watched, session);
                match build::once(&args, &project, session, interrupted) {
                    Ok(summary) if summary.interrupted => return Ok(Exit::Interrupted),
                    Ok(_) => {}
                    Err(failure) if failure.exit == Exit::Store => return Err(failure),
                    Err(failure) => tell(&failure, session),
                }
            }
            // The files of the last sound Atsaffile are still waited for.
            Err(failure) => tell(&failure, session),
        }
        announce(&watched, session);
        let Some(changed) = observer.wait(&watched, interrupted) else {
            return Ok(Exit::Interrupted);
        };
        if session.screen.json() {
            session
                .screen
                .print_json(&json!({ "event": "changed", "paths": changed }));
        } else {
            session.screen.say(&format!("\nchanged: {}\n", some_of(&changed)));
        }
    }
}

fn tell(failure: &CommandError, session: &Session) {
    for diagnostic in &failure.diagnostics {
        session.screen.tell(diagnostic);
    }
}

/// Says what is waited for.
fn announce(watched: &Watched, session: &Session) {
    if session.screen.json() {
        let sources = watched.sources();
        session
            .screen
            .print_json(&json!({ "event": "watching", "sources": sources }));
    } else {
        let sources = human::count(watched.sources(), "source");
        session.screen.say(&format!(
            "waiting for a change of the Atsaffile, `.env` or {sources}; Ctrl-C ends\n"
        ));
    }
}

/// The first few of some paths, and how many more there are.
fn some_of(paths: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut text = paths
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if paths.len() > SHOWN {
        text = format!("{text} and {} more", paths.len() - SHOWN);
    }
    text
}

/// The system's word about changes in some directories.
struct WatchObserver {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    changes: Receiver<DebounceEventResult>,
    observed: BTreeSet<PathBuf>,
}

impl WatchObserver {
    fn new() -> Result<Self, CommandError> {
        let (sender, changes) = mpsc::channel();
        let debouncer = new_debouncer(TOGETHER, None, sender)
            .map_err(|error| CommandError::usage(Diagnostic::error(format!("files cannot be watched: {error}"))))?;
        Ok(Self {
            debouncer,
            changes,
            observed: BTreeSet::new(),
        })
    }

    /// Observes what is needed now, and nothing else.
    fn observe(&mut self, watched: &Watched, session: &Session) {
        let wanted = watched.directories();
        for gone in self.observed.difference(&wanted) {
            // It may be gone from the disk, too.
            let _ = self.debouncer.unwatch(gone);
        }
        let mut observed = BTreeSet::new();
        for directory in wanted {
            // Said again each time: a directory may have been replaced by another of its name.
            match self.debouncer.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    observed.insert(directory);
                }
                Err(error) => session.screen.tell(&Diagnostic::warning(format!(
                    "`{}` cannot be watched: {error}",
                    watched.shown(&directory)
                ))),
            }
        }
        self.observed = observed;
    }

    /// Waits for changes that matter; gives their paths, or `None` if the wait is to end.
    fn wait(&self, watched: &Watched, interrupted: &AtomicBool) -> Option<Vec<String>> {
        loop {
            if interrupted.load(Ordering::Relaxed) {
                return None;
            }
            let mut changed = BTreeSet::new();
            match self.changes.recv_timeout(BEAT) {
                Ok(first) => {
                    collect(first, watched, &mut changed);
                    // All that came meanwhile calls for one build.
                    while let Ok(next) = self.changes.try_recv() {
                        collect(next, watched, &mut changed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            if !changed.is_empty() {
                return Some(changed.into_iter().collect());
            }
        }
    }
}

fn collect(result: DebounceEventResult, watched: &Watched, changed: &mut BTreeSet<String>) {
    // Events that were lost may have been any.
    let Ok(events) = result else {
        changed.insert("something".to_owned());
        return;
    };
    for event in events {
        let structural = match event.kind {
            // Reading is no change, and builds read.
            EventKind::Access(_) => continue,
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
            _ => false,
        };
        if event.need_rescan() {
            changed.insert("something".to_owned());
        }
        for path in event.paths.iter().filter(|path| watched.concerns(path, structural)) {
            changed.insert(watched.shown(path));
        }
    }
}

#[cfg(test)]
mod tests;
