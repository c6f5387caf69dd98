//! Sources that moved between the first plan of a build and the turn of a target that reads them, and which targets of
//! the build may have written them: what one target writes and another reads is an output, and should be declared.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::dependencies::{reads_of, take_fingerprint};
use super::digest::Digest;
use super::event::{Event, Notice};
use super::fingerprint::Fingerprint;
use super::graph::{Graph, TargetId};
use super::plan::{Plan, PlanContext, PlanError, Step};
use super::run::Run;
use super::spec::Action;
use super::writes::{Writes, writes};

/// What the sources of each target said when the build began.
#[derive(Default)]
pub(crate) struct FirstSources {
    contents: HashMap<(TargetId, String), Digest>,
    told: Mutex<HashSet<(TargetId, String)>>,
}

impl FirstSources {
    /// What a build's first plan has seen.
    pub(crate) fn of(context: PlanContext<'_>, plan: &Plan) -> Self {
        let graph = context.graph;
        let has_sources = |step: &&Step| graph.node(step.target).reads.iter().any(|read| read.artifact.is_none());
        let mut contents = HashMap::new();
        for step in plan.steps.iter().filter(has_sources) {
            let Some(fingerprint) = fingerprint_of(context, step) else {
                continue;
            };
            for (path, content) in sources(graph, step.target, &fingerprint) {
                contents.insert((step.target, path.to_owned()), content);
            }
        }
        Self {
            contents,
            told: Mutex::default(),
        }
    }

    /// The sources of a target that say something else by now, or were not there; each is given once.
    fn moved(&self, graph: &Graph, target: TargetId, now: &Fingerprint) -> Vec<String> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_moved = |(path, content): &(&str, Digest)| {
            let key = (target, (*path).to_owned());
            self.contents.get(&key) != Some(content) && told.insert(key)
        };
        let moved = sources(graph, target, now).filter(is_moved);
        moved.map(|(path, _)| path.to_owned()).collect()
    }
}

/// What a target depends on, as far as its sources say it.
fn fingerprint_of(context: PlanContext<'_>, step: &Step) -> Option<Fingerprint> {
    let reads = reads_of(context.inputs(), step.target, &step.history);
    let taken = take_fingerprint(context.inputs(), step.target, &reads, &|_| None);
    taken.ok().map(|(fingerprint, _)| fingerprint)
}

/// The sources of a target, by path; those of one role of a built-in say together what they say.
fn sources<'g>(
    graph: &'g Graph,
    target: TargetId,
    fingerprint: &Fingerprint,
) -> impl Iterator<Item = (&'g str, Digest)> {
    let fields = fingerprint.inputs.iter();
    let contents: HashMap<(&str, Option<&str>), Digest> = fields
        .filter_map(|field| Some(((field.role.as_str(), field.path.as_deref()), field.content?)))
        .collect();
    let reads = graph.node(target).reads.iter().filter(|read| read.artifact.is_none());
    let found = reads.filter_map(|read| {
        let role = read.role.as_str();
        let content = contents.get(&(role, Some(read.path.as_str())));
        Some((read.path.as_str(), *content.or_else(|| contents.get(&(role, None)))?))
    });
    found.collect::<Vec<_>>().into_iter()
}

/// Says which sources of a target, whose turn it is, have moved since the build began, and while whose attempts.
pub(crate) fn tell(run: &Run<'_>, target: TargetId, now: &Fingerprint) {
    let graph = run.context.graph;
    let moved = run.first_sources.get().map(|first| first.moved(graph, target, now));
    for path in moved.unwrap_or_default() {
        // What moves while it is read is read again, and there is nothing to do about it.
        let Some((writers, is_certain)) = writers(run, target, &path) else {
            continue;
        };
        let notice = Notice::SourceMoved {
            path,
            writers,
            is_certain,
        };
        run.observer.observe(&Event::Noticed { target, notice });
    }
}

/// Says of sources that are missing at the turn of their readers that they were there when the build began.
pub(crate) fn gone(run: &Run<'_>, errors: &[PlanError]) -> Vec<String> {
    let was_there = |error: &PlanError| match error {
        PlanError::MissingSource { target, path, .. } => {
            let first = run.first_sources.get()?;
            let was_there = first.contents.contains_key(&(*target, path.clone()));
            was_there.then(|| format!("`{path}` was there when the build began"))
        }
        PlanError::Unmatched { .. } | PlanError::Unreadable { .. } => None,
    };
    errors.iter().filter_map(was_there).collect()
}

/// The targets that may have written a path, and whether their commands say so: of those that ran when it was changed,
/// the ones that write it or else name it, else all; `None` if only its reader ran.
pub(crate) fn writers(run: &Run<'_>, reader: TargetId, path: &str) -> Option<(Vec<TargetId>, bool)> {
    let graph = run.context.graph;
    let mut running = last_change(run.context, path)
        .map(|at| run.running_at(at))
        .unwrap_or_default();
    if running == [reader] {
        return None;
    }
    running.retain(|id| *id != reader);
    let named = match run.context.files.at(path).is_dir() {
        true => format!("{}/", path.trim_end_matches('/')),
        false => path.to_owned(),
    };
    let command = |id: &TargetId| match &graph.target(*id).action {
        Action::Command(command) => Some(command),
        Action::Builtin { .. } => None,
    };
    let writing = |id: &TargetId| command(id).is_some_and(|command| writes(command, path) == Writes::Yes);
    let naming = |id: &TargetId| command(id).is_some_and(|command| command.text().contains(&*command.from_cwd(&named)));
    let all = |is: &dyn Fn(&TargetId) -> bool| running.iter().copied().filter(is).collect::<Vec<_>>();
    Some(match (all(&writing), all(&naming)) {
        (writing, _) if !writing.is_empty() => (writing, true),
        (_, naming) if !naming.is_empty() => (naming, false),
        _ => (running, false),
    })
}

/// When a file, or a directory or anything in it, was changed last.
fn last_change(context: PlanContext<'_>, path: &str) -> Option<SystemTime> {
    let walk = walkdir::WalkDir::new(context.files.at(path)).follow_links(true);
    let entries = walk.into_iter().flatten().filter_map(|entry| entry.metadata().ok());
    let changes = entries.filter_map(|it| {
        let seconds = Duration::from_secs(u64::try_from(it.ctime()).ok()?);
        let rest = Duration::from_nanos(u64::try_from(it.ctime_nsec()).ok()?);
        UNIX_EPOCH.checked_add(seconds + rest)
    });
    changes.max()
}
