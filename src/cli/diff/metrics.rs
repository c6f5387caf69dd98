//! `atsaf diff --metrics`: the numbers of declared metrics and leaderboards at two moments: after runs, now, of a git
//! commit, or with other values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::commit::Commit;
use super::kept::{self, KeptResults, NotKept};
use super::numbers;
use crate::cli::past::{self, Stood};
use crate::cli::read_atsaffile;
use crate::cli::setup::{self, OtherAtsaffile, Project};
use crate::cli::{CommandError, Exit, Session, log, results, small_file};
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::graph::{ArtifactId, Graph, TargetId};
use crate::engine::run_id::RunId;
use crate::engine::store::entry::{Artifact, ResultEntry};
use crate::report::history::Story;
use crate::report::human;
use crate::report::ink::Tone;
use crate::report::metrics::{Metrics, MetricsDiff, UnknownMetrics};

/// Most bytes of a file of metrics.
const LARGEST: u64 = 64 << 20;
/// Most numbers that are shown where nothing is said.
const SHOWN: usize = 100;

/// What is compared, and how it is told.
pub(super) struct Asked<'a> {
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    pub(super) against: Option<&'a str>,
    pub(super) most: Option<usize>,
    pub(super) markdown: bool,
    pub(super) exit_code: bool,
}

/// Compares.
pub(super) fn run(asked: &Asked<'_>, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let set = &session.common.set;
    if let Some(after) = asked.after.filter(|_| !set.is_empty()) {
        return Err(CommandError::usage(
            Diagnostic::error("two runs are compared, and values that are set have no place beside them")
                .help(format!("leave out `-s`, or `{after}`")),
        ));
    }
    // What lies in place has the values of the Atsaffile, and those of `-s` are compared with them.
    let plain = match set.is_empty() {
        true => None,
        false => Some(without_values(&project, session)?),
    };
    let today = plain.as_ref().unwrap_or(&project.graph);
    let commit = asked
        .against
        .map(|rev| Commit::of(rev, &project, session))
        .transpose()?;
    let story = log::story(&project)?;
    let others = [
        commit.as_ref().map(|commit| &commit.graph),
        plain.is_some().then_some(&project.graph),
    ];
    let all = Board::all(&project, today, others.into_iter().flatten(), &story)?;
    if all.is_empty() {
        return Err(CommandError::usage(
            Diagnostic::error("no target declares metrics")
                .help("name the files in the target that makes them: `metrics = [\"eval.json\"]`"),
        ));
    }
    let run = |id: &str| log::find_run(&story, id);
    let with_values = plain.is_some().then(|| Kept::with_values(&project, set, &all));
    let of_commit = commit.as_ref().map(|commit| Kept::of_commit(commit, &project, &all));
    let before = match (asked.before, &of_commit) {
        (Some(id), _) => Moment::Run(run(id)?),
        (None, Some(kept)) => Moment::Kept(kept),
        (None, None) if with_values.is_some() => Moment::Now,
        (None, None) => earlier(&all).map_or(Moment::Nothing, Moment::Run),
    };
    let after = match (asked.after, &with_values) {
        (Some(id), _) => Moment::Run(run(id)?),
        (None, Some(kept)) => Moment::Kept(kept),
        (None, None) => Moment::Now,
    };
    let mut diff = MetricsDiff::default();
    for board in &all {
        board.compare(&project, before, after, &mut diff);
    }
    tell(asked, (before, after), &diff, session);
    if !session.screen.json() {
        let kept = [&of_commit, &with_values].into_iter().flatten();
        kept.filter_map(Kept::advice)
            .for_each(|advice| session.screen.say(&advice));
    }
    Ok(match asked.exit_code && !diff.is_same() {
        true => Exit::Stale,
        false => Exit::Done,
    })
}

/// The targets with the values of the Atsaffile alone.
fn without_values(project: &Project, session: &Session) -> Result<Graph, CommandError> {
    let (name, text) = read_atsaffile::read(&project.file)?;
    let other = OtherAtsaffile {
        root: project.files.root(),
        name: &name,
        text,
        set: &[],
    };
    setup::other_graph(other, project, session)
}

fn tell(asked: &Asked<'_>, (before, after): (Moment<'_>, Moment<'_>), diff: &MetricsDiff, session: &Session) {
    let names = (before.name(), after.name());
    let (screen, most) = (&session.screen, asked.most.unwrap_or(SHOWN));
    if screen.json() {
        let mut value = diff.to_json();
        value["before"] = before.run().map(|run| run.to_string()).into();
        value["after"] = after.run().map(|run| run.to_string()).into();
        for kept in [before, after].into_iter().filter_map(Moment::kept) {
            match &kept.of {
                Of::Commit(commit) => value["commit"] = commit.id.as_str().into(),
                Of::Values(set) => value["set"] = set.iter().map(|(name, it)| (name.clone(), json!(it))).collect(),
            }
        }
        screen.print_json(&value);
    } else if asked.markdown {
        screen.print(&diff.markdown((&names.0, &names.1), most));
    } else {
        let ink = screen.out_ink();
        let head = format!("{}  {} -> {}\n", ink.paint(Tone::Strong, "metrics"), names.0, names.1);
        screen.print(&(head + &diff.text(most, session.width(), ink)));
    }
}

/// A moment whose numbers are compared.
#[derive(Clone, Copy)]
enum Moment<'a> {
    /// Before anything was built.
    Nothing,
    /// When a run was over.
    Run(RunId),
    /// As it lies in place.
    Now,
    /// Another Atsaffile, or other values.
    Kept(&'a Kept<'a>),
}

impl<'a> Moment<'a> {
    fn name(self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Run(run) => format!("run {}", run.short()),
            Self::Now => "now".to_owned(),
            Self::Kept(kept) => kept.name(),
        }
    }

    fn run(self) -> Option<RunId> {
        match self {
            Self::Run(run) => Some(run),
            _ => None,
        }
    }

    fn kept(self) -> Option<&'a Kept<'a>> {
        match self {
            Self::Kept(kept) => Some(kept),
            _ => None,
        }
    }
}

/// What was kept of a commit, or for other values.
struct Kept<'a> {
    of: Of<'a>,
    results: KeptResults,
    /// The places of the metrics that the commit itself holds, by target and port.
    files: BTreeMap<(String, String), PathBuf>,
}

/// Of what results were kept.
enum Of<'a> {
    Commit(&'a Commit),
    Values(&'a [(String, String)]),
}

impl<'a> Kept<'a> {
    fn of_commit(commit: &'a Commit, project: &Project, all: &[Board<'_>]) -> Self {
        let graph = &commit.graph;
        let mut files = BTreeMap::new();
        let mut targets = Vec::new();
        for target in targets_of(graph, all) {
            let name = graph.name(target);
            for board in all.iter().filter(|board| board.target == name) {
                let artifact = graph.artifacts_of(target).find(|id| graph.port(*id) == board.port);
                let place = artifact.and_then(|id| commit.own_file(graph.path(id)));
                files.extend(place.map(|place| ((name.to_owned(), board.port.to_owned()), place)));
            }
            targets.push(target);
        }
        Self {
            of: Of::Commit(commit),
            results: kept::results((graph, &commit.files), &targets, &commit.links, project),
            files,
        }
    }

    fn with_values(project: &Project, set: &'a [(String, String)], all: &[Board<'_>]) -> Self {
        let graph = &project.graph;
        let targets: Vec<TargetId> = targets_of(graph, all).collect();
        Self {
            of: Of::Values(set),
            results: kept::results((graph, &project.files), &targets, &BTreeSet::new(), project),
            files: BTreeMap::new(),
        }
    }

    fn name(&self) -> String {
        match &self.of {
            Of::Commit(commit) => format!("commit {}", commit.short()),
            Of::Values(set) => format!("with {}", set.iter().map(assignment).collect::<Vec<_>>().join(", ")),
        }
    }

    /// How what is not kept would be made.
    fn advice(&self) -> Option<String> {
        let never = |(_, result): &(&String, &Result<ResultEntry, NotKept>)| matches!(result, Err(NotKept::NeverBuilt));
        let is_file = |name: &str| self.files.keys().any(|(target, _)| target == name);
        let missing = self.results.iter().filter(never).map(|(name, _)| name.as_str());
        let missing: Vec<&str> = missing.filter(|name| !is_file(name)).collect();
        let goals = match missing.as_slice() {
            [] => return None,
            few @ ([_] | [_, _] | [_, _, _]) => human::words("", few.iter().copied()),
            _ => String::new(),
        };
        Some(
            match &self.of {
                Of::Commit(commit) => format!(
                    "to have them: `git checkout {}`, `atsaf build {goals}`, and back with `git checkout -`\n",
                    commit.short()
                ),
                Of::Values(set) => {
                    let sets: Vec<String> = set.iter().map(assignment).collect();
                    let sets = human::words("-s ", sets.iter().map(String::as_str));
                    format!("to have them: `atsaf build {sets} {goals}`\n")
                }
            }
            .replace(" `,", "`,")
            .replace(" `\n", "`\n"),
        )
    }
}

fn assignment((name, value): &(String, String)) -> String {
    format!("{name}={value}")
}

/// The targets of a graph that some metrics are of.
fn targets_of<'g>(graph: &'g Graph, all: &'g [Board<'_>]) -> impl Iterator<Item = TargetId> + 'g {
    let is_one = |id: &TargetId| all.iter().any(|board| board.target == graph.name(*id));
    graph.order().iter().copied().filter(is_one)
}

/// The run whose state is compared with that of now: the last one that left another; none if nothing was built before.
fn earlier(all: &[Board<'_>]) -> Option<RunId> {
    let mut runs: Vec<RunId> = all.iter().flat_map(|it| &it.results).map(|(run, _)| *run).collect();
    runs.sort_unstable();
    runs.dedup();
    let is_of_now = |run: RunId| all.iter().all(|it| it.after_run(run).map(|it| it.bytes) == it.here);
    let before = |run: RunId| runs.iter().copied().rfind(|it| *it < run);
    let last = runs.last().copied()?;
    let other = runs.iter().rev().copied().find(|run| !is_of_now(*run));
    other.or_else(|| before(last))
}

/// A file of metrics with its past.
struct Board<'s> {
    story: &'s Story,
    target: &'s str,
    port: &'s str,
    /// Its name in messages.
    name: String,
    /// The path that is shown: today's, or else the one that another Atsaffile gives it.
    path: &'s str,
    /// Whether a target says that it is one; a leaderboard is one by its name.
    is_declared: bool,
    /// The results of its target, each with the run that put it in place.
    results: Vec<(RunId, &'s ResultEntry)>,
    /// The digest of what lies in its place.
    here: Option<Digest>,
}

/// Where the numbers of a moment are.
enum Then<'s> {
    Absent,
    Here,
    Kept(&'s ResultEntry),
    /// In this file.
    File(&'s Path),
    /// It is not known any more, and why.
    Unknown(String),
}

impl<'s> Board<'s> {
    /// Those of today's targets, and those that other Atsaffiles have beside them.
    fn all(
        project: &Project,
        today: &'s Graph,
        others: impl Iterator<Item = &'s Graph>,
        story: &'s Story,
    ) -> Result<Vec<Self>, CommandError> {
        let mut all = Vec::new();
        for artifact in metrics_of(today) {
            let mut board = Self::of_graph(today, artifact, story);
            let path = board.path;
            let here = project
                .files
                .digest(path)
                .map_err(|error| CommandError::usage(Diagnostic::error(format!("`{path}` cannot be read: {error}"))))?;
            board.here = here.map(|(bytes, _)| bytes);
            all.push(board);
        }
        for graph in others {
            for artifact in metrics_of(graph) {
                let board = Self::of_graph(graph, artifact, story);
                let is_known = |it: &Self| (it.target, it.port) == (board.target, board.port);
                if !all.iter().any(is_known) {
                    all.push(board);
                }
            }
        }
        Ok(all)
    }

    fn of_graph(graph: &'s Graph, artifact: ArtifactId, story: &'s Story) -> Self {
        let (target, port) = (graph.name(artifact.target), graph.port(artifact));
        Self {
            story,
            target,
            port,
            name: graph.shown_name(artifact).into_owned(),
            path: graph.path(artifact),
            is_declared: is_declared(graph, artifact),
            results: past::results(story, target),
            here: None,
        }
    }

    fn of<'r>(&self, made: &'r ResultEntry) -> Option<&'r Artifact> {
        made.artifacts.iter().find(|it| it.name == self.port)
    }

    fn after_run(&self, run: RunId) -> Option<&'s Artifact> {
        match past::stood(self.story, self.target, run) {
            Stood::Result(made) => self.of(made),
            Stood::Nothing | Stood::Unknown => None,
        }
    }

    fn at<'a>(&self, moment: Moment<'a>) -> Then<'a>
    where
        's: 'a,
    {
        match moment {
            Moment::Now if self.here.is_some() => Then::Here,
            Moment::Nothing | Moment::Now => Then::Absent,
            Moment::Run(run) => match past::stood(self.story, self.target, run) {
                Stood::Unknown => Then::Unknown(format!(
                    "what it was after run {} is not known any more: the journal was shortened since",
                    run.short()
                )),
                Stood::Nothing => Then::Absent,
                Stood::Result(made) => self.kept(made),
            },
            Moment::Kept(kept) => self.of_kept(kept),
        }
    }

    fn kept<'a>(&self, made: &'a ResultEntry) -> Then<'a> {
        match self.of(made) {
            None => Then::Absent,
            Some(artifact) if self.here == Some(artifact.bytes) => Then::Here,
            Some(_) => Then::Kept(made),
        }
    }

    fn of_kept<'a>(&self, kept: &'a Kept<'a>) -> Then<'a> {
        if let Some(place) = kept.files.get(&(self.target.to_owned(), self.port.to_owned())) {
            return Then::File(place);
        }
        match kept.results.get(self.target) {
            // There was no such target.
            None => Then::Absent,
            Some(Ok(made)) => self.kept(made),
            Some(Err(NotKept::NeverBuilt)) => Then::Unknown(match &kept.of {
                Of::Commit(_) => "no result of that commit is kept".to_owned(),
                Of::Values(_) => "no result of these values is kept".to_owned(),
            }),
            Some(Err(NotKept::Unknown(why))) => Then::Unknown(why.clone()),
        }
    }

    fn compare(&self, project: &Project, before: Moment<'_>, after: Moment<'_>, diff: &mut MetricsDiff) {
        let path = self.path;
        let (then, now) = (self.at(before), self.at(after));
        // Without a copy there is still nothing to tell.
        if let (Then::Kept(one), Then::Kept(other)) = (&then, &now)
            && self.of(one).map(|it| it.content) == self.of(other).map(|it| it.content)
            && self.read(project, &then).is_err()
        {
            return;
        }
        let is_there = !matches!((&then, &now), (Then::Absent, Then::Absent));
        match (self.read(project, &then), self.read(project, &now)) {
            (Ok(one), Ok(other)) if self.is_declared && is_there && one.is_empty() && other.is_empty() => {
                let (path, why) = (path.to_owned(), "no numbers can be read from it".to_owned());
                diff.unknown.push(UnknownMetrics { path, why });
            }
            (Ok(then), Ok(now)) => diff.compare(path, &then, &now),
            // A table that only has the name of a leaderboard.
            (Err(Wrong::Content(_)), _) | (_, Err(Wrong::Content(_))) if !self.is_declared => {}
            (Err(Wrong::Content(why) | Wrong::Copy(why)), _) | (_, Err(Wrong::Content(why) | Wrong::Copy(why))) => {
                let path = path.to_owned();
                diff.unknown.push(UnknownMetrics { path, why });
            }
        }
    }

    fn read(&self, project: &Project, then: &Then<'_>) -> Result<Metrics, Wrong> {
        let path = self.path;
        let place = match then {
            Then::Absent => return Ok(Metrics::new()),
            Then::Unknown(why) => return Err(Wrong::Copy(why.clone())),
            Then::Here => return read(path, &project.files.at(path)),
            Then::File(place) => return read(path, place),
            Then::Kept(made) => past::copy_of(&project.store, (&self.name, self.port), made).map_err(|failure| {
                let first = failure.diagnostics.into_iter().next();
                let why = first.map(|it| [vec![it.what], it.notes].concat().join("; "));
                Wrong::Copy(why.unwrap_or_default())
            })?,
        };
        read(path, place.path())
    }
}

/// The artifacts that hold metrics: declared ones, and leaderboards.
fn metrics_of(graph: &Graph) -> impl Iterator<Item = ArtifactId> + '_ {
    let all = graph.order().iter().flat_map(|target| graph.artifacts_of(*target));
    all.filter(|id| is_declared(graph, *id) || results::is_leaderboard(graph, *id))
}

fn is_declared(graph: &Graph, id: ArtifactId) -> bool {
    graph
        .target(id.target)
        .settings
        .metrics
        .iter()
        .any(|port| port == graph.port(id))
}

/// Why there are no numbers.
enum Wrong {
    /// There is no copy.
    Copy(String),
    /// The file holds none.
    Content(String),
}

fn read(path: &str, place: &Path) -> Result<Metrics, Wrong> {
    let bytes = small_file::read(place, LARGEST).map_err(|error| Wrong::Content(error.to_string()))?;
    numbers::read(path, &bytes).map_err(Wrong::Content)
}
