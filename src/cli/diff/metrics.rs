//! `atsaf diff --metrics`: the numbers of declared metrics and leaderboards then and now.

use super::numbers;
use crate::cli::past::{self, Stood};
use crate::cli::setup::Project;
use crate::cli::{CommandError, Exit, Session, log, results, small_file};
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;
use crate::engine::graph::ArtifactId;
use crate::engine::run_id::RunId;
use crate::engine::store::entry::{Artifact, ResultEntry};
use crate::report::history::Story;
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
    pub(super) most: Option<usize>,
    pub(super) markdown: bool,
    pub(super) exit_code: bool,
}

/// Compares.
pub(super) fn run(asked: &Asked<'_>, session: &Session) -> Result<Exit, CommandError> {
    let project = session.load()?;
    let story = log::story(&project)?;
    let all = Board::all(&project, &story)?;
    if all.is_empty() {
        return Err(CommandError::usage(
            Diagnostic::error("no target declares metrics")
                .help("name the files in the target that makes them: `metrics = [\"eval.json\"]`"),
        ));
    }
    let run = |id: &str| log::find_run(&story, id);
    let after = asked.after.map(run).transpose()?;
    let before = match asked.before {
        Some(id) => Some(run(id)?),
        None => earlier(&all),
    };
    let mut diff = MetricsDiff::default();
    for board in &all {
        board.compare(&project, before, after, &mut diff);
    }
    let name =
        |run: Option<RunId>, none: &str| run.map_or_else(|| none.to_owned(), |run| format!("run {}", run.short()));
    let names = (name(before, "nothing"), name(after, "now"));
    let (screen, most) = (&session.screen, asked.most.unwrap_or(SHOWN));
    if screen.json() {
        let mut value = diff.to_json();
        value["before"] = before.map(|run| run.to_string()).into();
        value["after"] = after.map(|run| run.to_string()).into();
        screen.print_json(&value);
    } else if asked.markdown {
        screen.print(&diff.markdown((&names.0, &names.1), most));
    } else {
        let ink = screen.out_ink();
        let head = format!("{}  {} -> {}\n", ink.paint(Tone::Strong, "metrics"), names.0, names.1);
        screen.print(&(head + &diff.text(most, ink)));
    }
    Ok(match asked.exit_code && !diff.is_same() {
        true => Exit::Stale,
        false => Exit::Done,
    })
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
    artifact: ArtifactId,
    story: &'s Story,
    target: &'s str,
    port: &'s str,
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
    /// It is not known any more what stood there after this run.
    Unknown(RunId),
}

impl<'s> Board<'s> {
    /// Those of a project.
    fn all(project: &'s Project, story: &'s Story) -> Result<Vec<Self>, CommandError> {
        let graph = &project.graph;
        let mut all = Vec::new();
        for target in graph.order() {
            let declared = &graph.target(*target).metrics;
            let ids = graph.artifacts_of(*target);
            let ids = ids.filter(|id| {
                declared.iter().any(|port| port == graph.port(*id)) || results::is_leaderboard(graph, *id)
            });
            for artifact in ids {
                let (port, path) = (graph.port(artifact), graph.path(artifact));
                let here = project.files.digest(path).map_err(|error| {
                    CommandError::usage(Diagnostic::error(format!("`{path}` cannot be read: {error}")))
                })?;
                all.push(Self {
                    artifact,
                    story,
                    target: graph.name(*target),
                    port,
                    is_declared: declared.iter().any(|it| it == port),
                    results: past::results(story, graph.name(*target)),
                    here: here.map(|(bytes, _)| bytes),
                });
            }
        }
        Ok(all)
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

    fn then(&self, run: Option<RunId>) -> Then<'s> {
        let Some(run) = run else {
            return Then::Absent;
        };
        match past::stood(self.story, self.target, run) {
            Stood::Unknown => Then::Unknown(run),
            Stood::Nothing => Then::Absent,
            Stood::Result(made) => match self.of(made) {
                None => Then::Absent,
                Some(artifact) if self.here == Some(artifact.bytes) => Then::Here,
                Some(_) => Then::Kept(made),
            },
        }
    }

    fn now(&self, run: Option<RunId>) -> Then<'s> {
        match run {
            Some(run) => self.then(Some(run)),
            None if self.here.is_some() => Then::Here,
            None => Then::Absent,
        }
    }

    fn compare(&self, project: &Project, before: Option<RunId>, after: Option<RunId>, diff: &mut MetricsDiff) {
        let path = project.graph.path(self.artifact);
        let (then, now) = (self.then(before), self.now(after));
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
        let path = project.graph.path(self.artifact);
        let place = match then {
            Then::Absent => return Ok(Metrics::new()),
            Then::Unknown(run) => {
                let run = run.short();
                return Err(Wrong::Copy(format!(
                    "what it was after run {run} is not known any more: the journal was shortened since"
                )));
            }
            Then::Here => return read(path, &project.files.at(path)),
            Then::Kept(made) => past::copy(project, self.artifact, made).map_err(|failure| {
                let first = failure.diagnostics.into_iter().next();
                let why = first.map(|it| [vec![it.what], it.notes].concat().join("; "));
                Wrong::Copy(why.unwrap_or_default())
            })?,
        };
        read(path, place.path())
    }
}

/// Why there are no numbers.
enum Wrong {
    /// There is no copy.
    Copy(String),
    /// The file holds none.
    Content(String),
}

fn read(path: &str, place: &std::path::Path) -> Result<Metrics, Wrong> {
    let bytes = small_file::read(place, LARGEST).map_err(|error| Wrong::Content(error.to_string()))?;
    numbers::read(path, &bytes).map_err(Wrong::Content)
}
