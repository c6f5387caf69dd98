//! The seal: all that a plan looked at when everything was fresh, so that the next one need not be made as long as none
//! of it has moved.
//!
//! It holds the identity of every file whose content counts, what was found absent, and the identity of every directory
//! in which a name was looked up or that was listed: whatever comes, goes or is replaced in one shows in its times. It is
//! made only of what stood still since before the plan was made, by the clock that stamps files; so a change while the
//! plan was made, or in the tick in which it was made, is none that it could miss. What it does not tell (a link that was met in
//! a directory, a file that was just written) leaves no seal, and the next build makes its plan as ever.
//!
//! ```text
//! head ─▶ groups, each a directory: path, its identity if it counts, and the names in it with what stands at each
//!      ─▶ targets: what reports tell of them
//! ```
//!
//! Of each name it says whether it counts for one target alone: of goals that are a part of what was fresh, only what counts
//! for all and for what they need is looked at.

mod packed;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use rustix::fs::{AtFlags, FileType, Mode, openat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use self::packed::{ALL, Group, Owner, Reader, State, encode};
use self::targets::{SealedPlan, SealedTargets, TargetsAt};
use super::clock;
use super::digest::Digest;
use super::file_clock::{Probe, Since};
use super::files::{AS_DIRECTORY, Files, Identity, Looks, PathState, identity, identity_of, look};
use super::graph::Graph;
use super::look::Look as _;
use super::lookups::Lookups;
use super::plan::{Plan, Verdict};
use crate::fast_map::{self, FastMap, FastSet};

/// With fewer names than this, a second thread costs more than it saves.
const SIDE_BY_SIDE: usize = 2048;

/// By what a seal is found: it answers the same goals under the same circumstances, and others that it covers.
#[derive(Clone, Copy, Debug)]
pub struct SealKey {
    /// Stands for the program, the Atsaffile and the values that are set.
    pub circumstances: Digest,
    /// Stands for the goals.
    pub goals: Digest,
}

/// Under what a seal is kept.
#[derive(Clone, Debug)]
pub struct SealRequest {
    /// By what it is found.
    pub key: SealKey,
    /// Whether a build that makes something leaves none.
    pub only_if_idle: bool,
    /// The secrets that the project declares.
    pub secrets: Vec<String>,
    /// The variables of the environment that matter, and what stands for their values.
    pub variables: Vec<String>,
    /// Stands for their values.
    pub environment: [u8; 32],
    /// When reading the project began.
    pub loading: Loading,
}

/// What reading a project asked of the disk.
#[derive(Clone, Debug)]
pub struct Loading {
    since: Since,
    /// Files that it read, and directories in which it looked; relative to the project.
    pub lookups: Arc<Lookups>,
}

impl Loading {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            since: Since::now(),
            lookups: Arc::default(),
        }
    }

    /// Before which files were last changed that stood still since.
    pub(super) fn since(&self) -> Since {
        self.since
    }

    /// The same, with where it was looked.
    #[must_use]
    pub fn with(self, lookups: Lookups) -> Self {
        let lookups = Arc::new(lookups);
        Self { lookups, ..self }
    }
}

/// How things stood when all was fresh.
#[derive(Debug)]
pub(crate) struct Standing {
    since: Since,
    looks: Looks,
    /// For which target alone each path of them counts.
    owners: Vec<Owner>,
    /// Where the graph was looked for.
    lookups: Arc<Lookups>,
    targets: SealedTargets,
    fresh: usize,
    deadline: Option<SystemTime>,
}

impl Standing {
    /// How things stand by a plan that was made of `looks` after `since`, for a graph that looked names up in `lookups`; `None`
    /// if anything is to do or to be told.
    pub(super) fn of(
        plan: &Plan,
        looks: Option<Looks>,
        since: Since,
        graph: &Graph,
        lookups: &Arc<Lookups>,
    ) -> Option<Self> {
        let looks = looks?;
        let mut steps = plan.steps.iter();
        let is_plain = steps.all(|step| step.verdict == Verdict::Fresh && step.note.is_none());
        (is_plain && !looks.is_partial).then(|| Self {
            since,
            owners: owners(plan, graph, &looks),
            looks,
            lookups: Arc::clone(lookups),
            targets: SealedTargets::of(plan, graph),
            fresh: plan.steps.len(),
            deadline: plan.steps.iter().filter_map(|step| step.deadline).min(),
        })
    }
}

/// For which target alone each path that was looked at counts: the one that makes it, or the only one that reads it or was
/// seen to use it. Whoever reads what another target makes needs that target; what lies in a directory that was read or
/// listed counts for all.
fn owners(plan: &Plan, graph: &Graph, looks: &Looks) -> Vec<Owner> {
    let mut owners: FastMap<&str, Owner> = fast_map::with_room(looks.paths.len());
    let places = || (0..).zip(&plan.steps);
    for (place, step) in places() {
        let outputs = graph.target(step.target).outputs.iter();
        owners.extend(outputs.map(|output| (output.path.as_str(), place)));
    }
    for (place, step) in places() {
        let reads = graph.node(step.target).reads.iter();
        let sources = reads.filter(|read| read.artifact.is_none());
        let records = || step.history.record().into_iter();
        let discovered = records()
            .flat_map(|record| &record.discovered)
            .map(|it| it.path.as_str());
        let installed = records().flat_map(|record| &record.installed).map(|it| it.at.as_str());
        let used = discovered.chain(installed);
        for path in sources.map(|read| read.path.as_str()).chain(used) {
            let owner = owners.entry(path).or_insert(place);
            if *owner != place {
                *owner = ALL;
            }
        }
    }
    let listed: FastSet<&str> = looks.directories.iter().map(|path| plain(path)).collect();
    let owner = |path: &str| match is_below(path, &listed) {
        true => ALL,
        false => owners.get(path).copied().unwrap_or(ALL),
    };
    looks.paths.iter().map(|(path, _)| owner(path)).collect()
}

/// A path without `.` before it and `/` behind it; empty for the project itself.
fn plain(path: &str) -> &str {
    let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    if path == "." { "" } else { path }
}

/// Whether a path lies in one of some directories.
fn is_below(path: &str, directories: &FastSet<&str>) -> bool {
    let path = plain(path);
    let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
    directories.contains("") || above.any(|above| directories.contains(above))
}

/// What stands before the groups.
#[derive(Debug, Serialize, Deserialize)]
pub struct SealHead {
    /// The variables of the environment that matter.
    pub variables: Vec<String>,
    /// Stands for their values.
    pub environment: [u8; 32],
    /// The secrets that the project declares, whose values are hidden in all that is printed.
    pub secrets: Vec<String>,
    /// How many targets were fresh.
    pub fresh: usize,
    /// When it was made; an earlier time is no time at which it counts.
    made: u64,
    /// Until when it counts, where age does.
    deadline: Option<u64>,
    /// Where each group begins.
    groups: Vec<usize>,
    /// Where the targets are, behind all groups.
    targets: TargetsAt,
    /// How many names there are.
    names: usize,
}

/// A seal as it is kept.
#[derive(Debug)]
pub struct Seal {
    /// What it says but for files and targets.
    pub head: SealHead,
    body: Vec<u8>,
}

/// Collects what a seal holds; becomes nothing as soon as something of it did not stand still.
struct Collector<'a> {
    root: &'a Path,
    probe: Option<&'a Probe>,
    groups: BTreeMap<&'a str, Group<'a>>,
    is_whole: bool,
}

/// Whether nothing came, went or moved where names were looked up, since a moment before that.
pub(super) fn stand_still(lookups: &Lookups, since: &Since, root: &Path, probe: Option<&Probe>) -> bool {
    let mut collector = Collector::new(root, probe);
    collector.lookups(lookups, since);
    collector.is_whole
}

impl<'a> Collector<'a> {
    fn new(root: &'a Path, probe: Option<&'a Probe>) -> Self {
        Self {
            root,
            probe,
            groups: BTreeMap::new(),
            is_whole: true,
        }
    }

    /// Adds what stood at a path, which must have stood still since.
    fn path(&mut self, path: &'a str, state: PathState, owner: Owner, since: &Since) {
        let state = match state {
            PathState::Missing => State::Missing,
            PathState::Directory => State::Directory,
            PathState::File(identity) => {
                self.is_whole &= since.is_after(&identity, self.probe);
                State::File(identity)
            }
            PathState::Other | PathState::Unreadable(_) => {
                self.is_whole = false;
                return;
            }
        };
        // A directory that was listed has a `/` at its end.
        let path = path.strip_suffix('/').unwrap_or(path);
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || name == ".." || path.contains('\0') {
            self.is_whole = false;
            return;
        }
        let directory = match directory {
            "" if path.starts_with('/') => "/",
            directory => directory,
        };
        let group = self.groups.entry(directory).or_default();
        match group.names.get_mut(name) {
            Some((before, of)) => {
                self.is_whole &= *before == state;
                if *of != owner {
                    *of = ALL;
                }
            }
            None => drop(group.names.insert(name, (state, owner))),
        }
    }

    /// Adds a directory in which a name was looked up: of one that is not there, the next one above it that is.
    fn directory(&mut self, path: &'a Path, since: &Since) {
        let mut at = path;
        let metadata = loop {
            let place = self.root.join(at);
            match (std::fs::metadata(&place), at.parent()) {
                (Ok(metadata), _) if metadata.is_dir() => break metadata,
                // What comes into being there is told by the directory above, unless it is one that a link leads to.
                (_, Some(above)) if !place.is_symlink() => at = above,
                _ => {
                    self.is_whole = false;
                    return;
                }
            }
        };
        let identity = identity(&metadata);
        let Some(path) = at.to_str().filter(|path| !path.contains('\0')) else {
            self.is_whole = false;
            return;
        };
        self.is_whole &= since.is_after(&identity, self.probe);
        self.groups.entry(path).or_default().identity = Some(identity);
    }

    fn lookups(&mut self, lookups: &'a Lookups, since: &Since) {
        self.is_whole &= !lookups.is_partial();
        for directory in lookups.directories() {
            self.directory(directory, since);
        }
        for file in lookups.files() {
            match file.to_str() {
                Some(path) => self.path(path, look(&self.root.join(file)), ALL, since),
                None => self.is_whole = false,
            }
        }
    }
}

impl Seal {
    /// Makes the seal of a project in which all is fresh; `None` where not all of it stood still.
    ///
    /// `journal` is the journal's path and identity, as far as it was read.
    pub(super) fn make(
        request: &SealRequest,
        standing: &Standing,
        files: &Files,
        journal: &(String, Identity),
        probe: Option<&Probe>,
    ) -> Option<Self> {
        let mut collector = Collector::new(files.root(), probe);
        let Loading { since, lookups } = &request.loading;
        collector.lookups(lookups, since);
        collector.lookups(&standing.lookups, &standing.since);
        for ((path, state), owner) in standing.looks.paths.iter().zip(&standing.owners) {
            collector.path(path, *state, *owner, &standing.since);
        }
        for directory in &standing.looks.directories {
            collector.directory(Path::new(directory), &standing.since);
        }
        let (directory, name) = journal.0.rsplit_once('/')?;
        let group = collector.groups.entry(directory).or_default();
        group.names.insert(name, (State::File(journal.1), ALL));
        if !collector.is_whole {
            return None;
        }
        let ((groups, mut body, names), (encoded, targets)) =
            rayon::join(|| encode(&collector.groups), || standing.targets.encode());
        let targets = targets.behind(body.len());
        body.extend(encoded);
        let head = SealHead {
            variables: request.variables.clone(),
            environment: request.environment,
            secrets: request.secrets.clone(),
            fresh: standing.fresh,
            made: clock::milliseconds_of(files.now()),
            deadline: standing.deadline.map(clock::milliseconds_of),
            groups,
            targets,
            names,
        };
        Some(Self { head, body })
    }

    /// The seal of what was kept: its head, and the groups and targets behind it.
    pub(super) fn of_parts(head: SealHead, body: Vec<u8>) -> Self {
        Self { head, body }
    }

    /// What is kept behind the head.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The plan in which all is fresh that the seal was made for, as of a moment, with a graph that knows its targets by name.
    #[must_use]
    pub fn plan(&self, at: SystemTime) -> Option<(Graph, Plan)> {
        let SealedPlan { graph, plan, .. } = SealedPlan::of(&self.body, self.head.targets, &[], at)?;
        Some((graph, plan))
    }

    /// The same for some goals, if nothing has moved that counts for them, and the seal counts at the moment. `None` also if
    /// one is not among what it was made for, or is no name of a target or alias.
    #[must_use]
    pub fn part(&self, goals: &[String], root: &Path, at: SystemTime) -> Option<(Graph, Plan)> {
        if goals.is_empty() || !self.is_in_time(at) {
            return None;
        }
        let SealedPlan { graph, plan, places } = SealedPlan::of(&self.body, self.head.targets, goals, at)?;
        let counts = |owner| owner == ALL || places.binary_search(&owner).is_ok();
        self.stands(root, &counts).then_some((graph, plan))
    }

    /// Whether nothing that it tells of has moved in the project's directory, and it counts at a moment.
    #[must_use]
    pub fn holds(&self, root: &Path, now: SystemTime) -> bool {
        self.is_in_time(now) && self.stands(root, &|_| true)
    }

    fn is_in_time(&self, now: SystemTime) -> bool {
        let now = clock::milliseconds_of(now);
        now >= self.head.made && self.head.deadline.is_none_or(|deadline| now < deadline)
    }

    /// Whether nothing has moved that counts for some targets.
    fn stands(&self, root: &Path, counts: &(dyn Fn(Owner) -> bool + Sync)) -> bool {
        File::open(root).is_ok_and(|root| self.groups_hold(OwnedFd::from(root).as_fd(), counts))
    }

    fn groups_hold(&self, root: BorrowedFd<'_>, counts: &(dyn Fn(Owner) -> bool + Sync)) -> bool {
        let starts = &self.head.groups;
        let next = AtomicUsize::new(0);
        let has_moved = AtomicBool::new(false);
        let work = || {
            while !has_moved.load(Ordering::Relaxed) {
                let Some(start) = starts.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return;
                };
                let group = self.body.get(*start..).map(Reader);
                if group.and_then(|mut group| holds(&mut group, root, counts)) != Some(true) {
                    has_moved.store(true, Ordering::Relaxed);
                }
            }
        };
        let threads = match self.head.names {
            0..SIDE_BY_SIDE => 1,
            _ => thread::available_parallelism().map_or(1, |cores| cores.get().min(8)),
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                // Without a thread the others do all of it.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        !has_moved.into_inner()
    }
}

/// Whether one group is as it was, as far as it counts; `None` where it cannot be read.
fn holds(group: &mut Reader<'_>, root: BorrowedFd<'_>, counts: &dyn Fn(Owner) -> bool) -> Option<bool> {
    let path = group.text()?;
    let wanted = match group.byte()? {
        0 => None,
        _ => Some(group.identity()?),
    };
    let count = group.number::<4>().map(u32::from_le_bytes)?;
    let path = if path.is_empty() { c"." } else { path };
    let directory = openat(root, path, AS_DIRECTORY, Mode::empty());
    let directory = match directory {
        Ok(directory) => directory,
        // In what is not there nothing is.
        Err(error) if wanted.is_none() && is_absence(error) => {
            let is_same = |(_, state, owner)| state == State::Missing || !counts(owner);
            return (0..count)
                .map(|_| group.state().map(is_same))
                .try_fold(true, |all, is| Some(all && is?));
        }
        Err(_) => return Some(false),
    };
    if let Some(wanted) = wanted {
        let now = rustix::fs::fstat(&directory).ok()?;
        if identity_of(&now) != wanted {
            return Some(false);
        }
    }
    for _ in 0..count {
        let (name, wanted, owner) = group.state()?;
        if !counts(owner) {
            continue;
        }
        let is_same = match (statat(&directory, name, AtFlags::empty()), wanted) {
            (Ok(now), State::File(wanted)) => identity_of(&now) == wanted,
            (Ok(now), State::Directory) => FileType::from_raw_mode(now.st_mode) == FileType::Directory,
            (Err(error), State::Missing) => is_absence(error),
            _ => false,
        };
        if !is_same {
            return Some(false);
        }
    }
    Some(true)
}

/// As [`look`] takes it.
fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}
