//! All that a page tells, gathered from the artifacts and the records.

use std::collections::HashMap;
use std::path::PathBuf;

use super::forecasts::{self, SeriesChoice, TableKind};
use super::frame::{Frame, Part};
use super::{backtests, differences, origins, previews, quality, standing, turns};
use crate::cli::setup::Project;
use crate::cli::{CommandError, Session, log};
use crate::engine::graph::{ArtifactId, TargetId};
use crate::engine::plan::{Plan, plan};
use crate::engine::run_id::RunId;
use crate::engine::spec::Value as Param;
use crate::export::{Picture, svg};
use crate::report::history::Story;
use crate::report::human;
use crate::report::page::{Page, Preview, Shown};

/// Artifacts that are looked into, and of which the page tells where they came from.
const LOOKED_AT: usize = 400;
const PREVIEWED: usize = 40;
const TOLD: usize = 200;
/// Tables that have a part of the page.
const FORECASTS: usize = 4;
/// Series that are drawn of all of them together.
const SERIES: usize = 24;
const BOARDS: usize = 8;
const BACKTESTS: usize = 4;
const QUALITY: usize = 12;
/// Most bytes of all pictures together.
const IMAGES: u64 = 900 << 10;
/// Boxes of a graph that is still drawn.
const DRAWN: usize = 120;
/// The error by which one ranks where nothing is said.
const METRIC: &str = "rmse";

/// The page of some goals and all that they need.
pub(super) fn page(project: &Project, session: &Session, goals: &[TargetId]) -> Result<Page, CommandError> {
    let graph = &project.graph;
    let story = log::story(project)?;
    let plan = plan(project.context().inputs(), goals, false);
    let notes = match &plan {
        Ok(_) => Vec::new(),
        Err(errors) => {
            let wrong = project.plan_failure(errors).diagnostics;
            let told = wrong
                .into_iter()
                .take(8)
                .map(|it| format!("The state of the project is not known: {}.", it.what));
            told.collect()
        }
    };
    let plan = plan.ok();
    let targets = graph.needed(goals);
    let last = turns::last(&story);
    let masked = |text: &str| session.screen.masked(text);
    let run = last.map(|last| turns::of(project, &story, last, &targets, plan.as_ref(), &masked));
    let mut page = Page {
        made_from: standing::made_from(project, goals),
        project: graph.spec.name.clone(),
        goals: goals.iter().map(|id| graph.name(*id).to_owned()).collect(),
        notes,
        state: state(plan.as_ref(), targets.len()),
        graph: Some(picture(project, goals, plan.as_ref(), run.as_ref()))
            .filter(|_| !targets.is_empty())
            .flatten(),
        run,
        ..Page::default()
    };
    let mut artifacts: Vec<ArtifactId> = targets.iter().flat_map(|target| graph.artifacts_of(*target)).collect();
    let mut gatherer = Gatherer {
        project,
        masked: &masked,
        kinds: HashMap::new(),
        room: IMAGES,
    };
    gatherer.tables(&mut page, &artifacts);
    gatherer.others(&mut page, &artifacts);
    page.provenance = artifacts
        .iter()
        .take(TOLD)
        .map(|id| origins::of(project, *id, &masked))
        .collect();
    page.provenance_left = artifacts.len() - page.provenance.len();
    if let Some((past, _)) = last {
        // The long tables of back-tests last.
        artifacts.sort_by_key(|id| gatherer.kinds.get(id) == Some(&TableKind::Backtest));
        page.changes = changes(project, &story, &artifacts, past.run.run);
    }
    Ok(page)
}

/// Whether what is there is what a build would leave.
fn state(plan: Option<&Plan>, targets: usize) -> String {
    match plan.map(|plan| plan.open().count()) {
        _ if targets == 0 => String::new(),
        None => "not known".to_owned(),
        Some(0) => "fresh".to_owned(),
        Some(open) => format!("{open} of {} not fresh", human::count(targets, "target")),
    }
}

/// The graph with what the run did to each target; none of one that nobody could read.
fn picture(
    project: &Project,
    goals: &[TargetId],
    plan: Option<&Plan>,
    run: Option<&crate::report::page::LastRun>,
) -> Option<String> {
    let mut picture = Picture::new(&project.graph, goals, plan);
    if let Some(run) = run {
        let outcome =
            |turn: &crate::report::page::TargetTurn| Some((project.graph.owner(&turn.target)?, turn.outcome.clone()));
        picture.tell(run.targets.iter().filter_map(outcome).collect());
    }
    picture.collapse();
    (picture.boxes() <= DRAWN).then(|| svg::inline(&picture))
}

fn changes(
    project: &Project,
    story: &Story,
    artifacts: &[ArtifactId],
    run: RunId,
) -> Vec<crate::report::page::Changed> {
    let changed = artifacts
        .iter()
        .filter_map(|id| differences::of(project, story, *id, run));
    changed.take(differences::MOST).collect()
}

struct Gatherer<'a> {
    project: &'a Project,
    masked: &'a dyn Fn(&str) -> String,
    /// What the tables are.
    kinds: HashMap<ArtifactId, TableKind>,
    /// Bytes that pictures may still take.
    room: u64,
}

impl Gatherer<'_> {
    fn path(&self, id: ArtifactId) -> PathBuf {
        self.project.files.at(self.project.graph.path(id))
    }

    fn name(&self, id: ArtifactId) -> String {
        self.project.graph.shown_name(id).into_owned()
    }

    /// Forecasts, leaderboards and back-tests.
    fn tables(&mut self, page: &mut Page, artifacts: &[ArtifactId]) {
        for id in artifacts.iter().take(LOOKED_AT) {
            let head = Frame::read(&self.path(*id), Part::Head(1));
            if let Some(Ok(head)) = head {
                self.kinds.insert(*id, TableKind::of(&head));
            }
        }
        for id in artifacts {
            let (name, path) = (self.name(*id), self.path(*id));
            match self.kinds.get(id) {
                Some(TableKind::Leaderboard) if page.boards.len() < BOARDS => {
                    let metric = match self.param(*id, "metric") {
                        Some(Param::Text(metric)) => metric,
                        _ => METRIC.to_owned(),
                    };
                    match forecasts::board(name, &path, &metric) {
                        Ok(board) => page.boards.push(board),
                        Err(why) => self.unread(page, *id, &why),
                    }
                }
                Some(TableKind::Forecast) if page.forecasts.len() < FORECASTS => {
                    let history = self.history(*id).map(|id| (self.name(id), self.path(id)));
                    let history = history.as_ref().map(|(name, path)| (name.clone(), path.as_path()));
                    let drawn: usize = page.forecasts.iter().map(|forecast| forecast.series.len()).sum();
                    let most = forecasts::DRAWN.min(SERIES - drawn.min(SERIES));
                    match forecasts::forecast(name, &path, history, SeriesChoice::First(most)) {
                        Ok(forecast) => page.forecasts.push(forecast),
                        Err(why) => self.unread(page, *id, &why),
                    }
                }
                _ => {}
            }
        }
        for id in artifacts
            .iter()
            .filter(|id| self.kinds.get(id) == Some(&TableKind::Backtest))
            .take(BACKTESTS)
        {
            let order = self.order(page, *id, artifacts);
            let level = match self.param(*id, "level") {
                Some(Param::List(levels)) => levels.first().and_then(number),
                Some(level) => number(&level),
                None => None,
            };
            page.backtests
                .push(backtests::backtest(self.name(*id), &self.path(*id), &order, level));
        }
    }

    /// The models in the order of the leaderboard that the same target makes.
    fn order(&self, page: &Page, id: ArtifactId, artifacts: &[ArtifactId]) -> Vec<String> {
        let mut beside = artifacts
            .iter()
            .filter(|other| other.target == id.target)
            .map(|other| self.name(*other));
        let board = beside.find_map(|name| page.boards.iter().find(|board| board.artifact == name));
        board
            .into_iter()
            .flat_map(|board| board.rows.iter().map(|row| row.model.clone()))
            .collect()
    }

    /// The value of a parameter of the target that makes an artifact, as that was made.
    fn param(&self, id: ArtifactId, name: &str) -> Option<Param> {
        let target = self.project.graph.target(id.target);
        let records = &self.project.store.records;
        let used = records
            .record(&target.name)
            .and_then(|record| records.fingerprint(&record));
        let used = used.and_then(|used| {
            used.params
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| value.clone())
        });
        used.or_else(|| {
            target
                .params
                .iter()
                .find(|param| param.name == name)
                .map(|param| param.value.clone())
        })
    }

    /// The table with the values before a forecast: what its target reads.
    fn history(&self, id: ArtifactId) -> Option<ArtifactId> {
        let reads = &self.project.graph.node(id.target).reads;
        let mut artifacts = reads.iter().filter_map(|read| read.artifact);
        artifacts.find(|id| self.kinds.get(id) == Some(&TableKind::History))
    }

    fn unread(&self, page: &mut Page, id: ArtifactId, why: &str) {
        page.notes.push(format!(
            "The artifact {} cannot be shown: {}.",
            self.name(id),
            (self.masked)(why)
        ));
    }

    /// What is known of the data, and the beginnings of all that has no part to itself.
    fn others(&mut self, page: &mut Page, artifacts: &[ArtifactId]) {
        let graph = &self.project.graph;
        for id in artifacts {
            let path = self.path(*id);
            if matches!(
                self.kinds.get(id),
                Some(TableKind::Forecast | TableKind::Leaderboard | TableKind::Backtest)
            ) {
                continue;
            }
            let known = (page.quality.len() < QUALITY)
                .then(|| previews::json(&path))
                .flatten()
                .and_then(|value| quality::of(&self.name(*id), &value, self.masked));
            if let Some(known) = known {
                page.quality.push(known);
                continue;
            }
            if page.previews.len() == PREVIEWED {
                page.previews_left += 1;
                continue;
            }
            let is_there = path.exists();
            let shown = match is_there {
                true => previews::of(&path, self.masked, &mut self.room),
                false => Shown::NotBuilt,
            };
            let size = path
                .metadata()
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|it| it.len());
            page.previews.push(Preview {
                artifact: self.name(*id),
                path: graph.path(*id).to_owned(),
                size,
                shown,
            });
        }
    }
}

fn number(value: &Param) -> Option<f64> {
    match value {
        Param::Float(number) => Some(*number),
        #[expect(clippy::cast_precision_loss, reason = "a level is small")]
        Param::Int(number) => Some(*number as f64),
        _ => None,
    }
}
