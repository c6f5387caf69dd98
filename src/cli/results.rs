//! The end of a build: leaderboards before and after, where the goals lie, a forecast's chart, what to do after a failure,
//! and the page for a CI.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::setup::Project;
use super::show;
use super::{CommandError, Session, build, small_file};
use crate::diagnostic::Diagnostic;
use crate::engine::graph::{ArtifactId, Graph, TargetId};
use crate::engine::spec::{Action, ArtifactKind, Value as Param};
use crate::report::human;
use crate::report::leaderboard::{Leaderboard, RebuiltLeaderboard};
use crate::report::results::{self, RunResults};

/// The name of the artifacts that are leaderboards.
const LEADERBOARD: &str = "leaderboard";
/// Most bytes of one that is read.
const LARGEST: u64 = 4 << 20;
/// Most of them that are compared.
const MOST: usize = 100;
/// The error by which one ranks where nothing is said.
const METRIC: &str = "rmse";
/// Most columns of a chart.
const WIDEST: usize = 100;
/// The file that GitHub Actions shows with a run.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Whether an artifact is a leaderboard by its name.
pub(super) fn is_leaderboard(graph: &Graph, id: ArtifactId) -> bool {
    let output = &graph.target(id.target).outputs[id.output as usize];
    let is_named = output.port == LEADERBOARD || output.name == LEADERBOARD;
    is_named && output.kind == ArtifactKind::File
}

/// The leaderboards of a build's targets as they are before it.
pub(super) struct Before(Vec<(ArtifactId, Vec<u8>)>);

impl Before {
    /// Reads those of some targets.
    pub(super) fn of(project: &Project, targets: &[TargetId]) -> Self {
        let graph = &project.graph;
        let all = targets.iter().flat_map(|target| graph.artifacts_of(*target));
        let boards = all.filter(|id| is_leaderboard(graph, *id));
        let read = |id: ArtifactId| {
            let bytes = small_file::read(&project.files.at(graph.path(id)), LARGEST);
            (id, bytes.unwrap_or_default())
        };
        Self(boards.take(MOST).map(read).collect())
    }

    /// Those that were made anew, with what they say by now.
    fn rebuilt(self, project: &Project, renewed: &BTreeSet<TargetId>) -> Vec<RebuiltLeaderboard> {
        let graph = &project.graph;
        let boards = self.0.into_iter().filter(|(id, _)| renewed.contains(&id.target));
        boards
            .filter_map(|(id, before)| {
                let target = graph.target(id.target);
                let metric = target.params.iter().find(|param| param.name == "metric");
                let metric = match metric.map(|param| &param.value) {
                    Some(Param::Text(metric)) => metric.as_str(),
                    _ => METRIC,
                };
                let after = small_file::read(&project.files.at(graph.path(id)), LARGEST).ok()?;
                Some(RebuiltLeaderboard {
                    name: graph.shown_name(id).into_owned(),
                    before: leaderboard(&before, metric),
                    after: leaderboard(&after, metric)?,
                })
            })
            .collect()
    }
}

/// A leaderboard in a Parquet or CSV file.
fn leaderboard(bytes: &[u8], metric: &str) -> Option<Leaderboard> {
    let (columns, rows) = show::table_of(bytes)?;
    Leaderboard::of_table(&columns, &rows, metric)
}

/// Where a page is to be written: what the command line says, else what GitHub Actions does.
pub(super) fn summary_file(named: Option<&Path>, session: &Session) -> Option<PathBuf> {
    let directory = session.common.directory.as_deref().unwrap_or(Path::new("."));
    let variable = || session.env.get(STEP_SUMMARY).filter(|path| !path.is_empty());
    named
        .map(|path| directory.join(path))
        .or_else(|| variable().map(PathBuf::from))
}

/// Whether a file tells how a build ended.
pub(super) fn are_written(args: &build::Args, session: &Session) -> bool {
    args.junit.is_some() || summary_file(args.summary.as_deref(), session).is_some()
}

/// Tells how a build ended, beyond the line of counts: `goals` are what was asked for, `asked` the same in the user's words.
pub(super) fn tell(
    project: &Project,
    session: &Session,
    before: Before,
    heard: &RunResults,
    goals: &[TargetId],
    asked: &[String],
) -> Vec<RebuiltLeaderboard> {
    let (graph, screen) = (&project.graph, &session.screen);
    let renewed = heard.renewed();
    let boards = before.rebuilt(project, &renewed);
    if screen.json() {
        if !boards.is_empty() {
            let all: Vec<Value> = boards.iter().map(board_json).collect();
            screen.print_json(&json!({ "event": "leaderboards", "leaderboards": all }));
        }
        return boards;
    }
    let ink = screen.err_ink();
    screen.say(&results::boards_text(&boards, ink));
    // A person who watches wants to know what to do with it; a log has said it line by line.
    if !screen.is_live() {
        return boards;
    }
    let failed: Vec<String> = heard.failed().iter().map(|id| graph.name(*id).to_owned()).collect();
    if !failed.is_empty() {
        let sets = session.common.set.iter().map(|(name, value)| format!("{name}={value}"));
        let sets: Vec<String> = sets.collect();
        let goals = human::words("", asked.iter().map(String::as_str));
        let sets = human::words("-s ", sets.iter().map(String::as_str));
        let asked = [goals, sets].join(" ");
        let runs_command = |id: &&TargetId| matches!(graph.target(**id).action, Action::Command(_));
        let all = heard.failed();
        let by_hand = all.iter().find(runs_command).map(|id| graph.name(*id));
        screen.say(&results::next_text(
            &failed,
            by_hand,
            asked.trim(),
            heard.has_unfinished(),
            ink,
        ));
        return boards;
    }
    let new: Vec<ArtifactId> = goals
        .iter()
        .filter(|goal| renewed.contains(goal))
        .flat_map(|target| graph.artifacts_of(*target))
        .collect();
    let places: Vec<(String, String)> = new
        .iter()
        .map(|id| (graph.shown_name(*id).into_owned(), graph.path(*id).to_owned()))
        .collect();
    screen.say(&results::goals_text(&places, ink));
    if let [only] = new.as_slice()
        && let Some(drawn) = curve(project, *only, session)
    {
        screen.say(&format!("\n{drawn}"));
    }
    boards
}

/// The charts of a goal that is a forecast.
fn curve(project: &Project, artifact: ArtifactId, session: &Session) -> Option<String> {
    let path = project.files.at(project.graph.path(artifact));
    let name = project.graph.name(artifact.target);
    let history = project.store.records.ledger(|ledger| ledger.target(name));
    let made = (artifact.target, history.as_ref().and_then(|history| history.record()));
    let drawn = show::charts(project, made, &path, &[], session.width().min(WIDEST)).ok()?;
    (!drawn.is_empty()).then_some(drawn)
}

fn board_json(board: &RebuiltLeaderboard) -> Value {
    let RebuiltLeaderboard { name, before, after } = board;
    let lines = |board: &Leaderboard| -> Vec<Value> {
        let line = |it: &crate::report::leaderboard::Standing| json!({ "model": it.model, "score": it.score, "rank": it.rank });
        board.lines.iter().map(line).collect()
    };
    json!({ "artifact": name, "metric": after.metric, "before": before.as_ref().map(lines), "after": lines(after) })
}

/// Appends the page of a build to a file.
pub(super) fn write_summary(
    file: &Path,
    project: &Project,
    heard: &RunResults,
    boards: &[RebuiltLeaderboard],
    session: &Session,
) -> Result<(), CommandError> {
    let page = session.screen.masked(&heard.markdown(&project.graph, boards));
    append(file, &page).map_err(|error| {
        let what = format!("the summary cannot be written to `{}`: {error}", file.display());
        CommandError::usage(Diagnostic::error(what).note("the build itself is done").help(format!(
            "name another file with `--summary`, or correct `{STEP_SUMMARY}`"
        )))
    })
}

fn append(file: &Path, page: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(format!("{page}\n").as_bytes())
}
