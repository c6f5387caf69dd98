//! The last run that did something: what it did to each target, and when.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, UNIX_EPOCH};

use super::cut;
use crate::cli::log;
use crate::cli::setup::Project;
use crate::engine::graph::TargetId;
use crate::engine::plan::{Plan, Verdict};
use crate::engine::run_id::RunId;
use crate::engine::store::entry::ResultEntry;
use crate::report::history::{self, PastRun, Story, TargetRun};
use crate::report::human;
use crate::report::page::{LastRun, TargetTurn, Timed};
use crate::report::reasons::brief;

/// Targets that are told one by one.
const TARGETS: usize = 200;

/// The last run that did something, else the last one; and how many came after it.
pub(super) fn last(story: &Story) -> Option<(&PastRun, usize)> {
    let past = |id: RunId| story.runs.iter().find(|past| past.run.run == id);
    let runs: Vec<&PastRun> = log::latest(story).into_iter().filter_map(past).collect();
    let touched: HashSet<RunId> = story.turns.iter().map(TargetRun::run).collect();
    let did = |past: &&PastRun| {
        let has_counts = past.end.is_some_and(|end| end.counts.iter().any(|count| *count > 0));
        has_counts || touched.contains(&past.run.run)
    };
    let at = runs.iter().position(did).unwrap_or(0);
    Some((*runs.get(at)?, at))
}

/// What a run did to some targets.
pub(super) fn of(
    project: &Project,
    story: &Story,
    (past, idle_after): (&PastRun, usize),
    targets: &[TargetId],
    plan: Option<&Plan>,
    masked: &dyn Fn(&str) -> String,
) -> LastRun {
    let run = &past.run;
    let graph = &project.graph;
    let goals = graph.goals(&run.goals).unwrap_or_default();
    let needed: HashSet<TargetId> = graph.needed(&goals).into_iter().collect();
    // The newest first, so the first one of a target is how it ended.
    let mut turns: HashMap<&str, &TargetRun> = HashMap::new();
    for turn in story.turns.iter().filter(|turn| turn.run() == run.run) {
        turns.entry(turn.target()).or_insert(turn);
    }
    let told: Vec<TargetTurn> = targets
        .iter()
        .take(TARGETS)
        .map(|id| {
            let state = plan
                .and_then(|plan| plan.step(*id))
                .map_or("", |step| word(&step.verdict));
            let name = graph.name(*id);
            let mut turn = match turns.get(name) {
                Some(turn) => turned(turn, run.run, masked),
                None => TargetTurn {
                    outcome: match (needed.contains(id), state) {
                        (false, _) => "not in this run",
                        (true, "fresh" | "held") => "fresh",
                        (true, _) => "not reached",
                    }
                    .to_owned(),
                    ..TargetTurn::default()
                },
            };
            name.clone_into(&mut turn.target);
            state.clone_into(&mut turn.state);
            turn
        })
        .collect();
    let alive = past.end.is_none() && project.store.is_live(run.run);
    LastRun {
        id: (run.run.short(), run.run.to_string()),
        began: second(run.run.time()),
        took: past.end.map(|end| human::duration(end.duration)).unwrap_or_default(),
        ended: history::end_words(past.end, alive),
        goals: run.goals.join(", "),
        set: run.set.clone(),
        idle_after,
        targets_left: targets.len() - told.len(),
        targets: told,
        seconds: past.end.map_or(0.0, |end| end.duration.as_secs_f64()),
    }
}

/// A moment to the second.
pub(super) fn second(at: std::time::SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(at)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Fresh => "fresh",
        Verdict::Held { .. } => "held",
        Verdict::Stale { restore: None, .. } => "stale",
        Verdict::Stale { restore: Some(_), .. } => "stale, restorable",
        Verdict::Undecided => "undecided",
    }
}

fn turned(turn: &TargetRun, run: RunId, masked: &dyn Fn(&str) -> String) -> TargetTurn {
    let milliseconds = |milliseconds: u64| human::duration(Duration::from_millis(milliseconds));
    let (outcome, took, why, timed) = match turn {
        TargetRun::Made { made, placed } => (
            if *placed { "built" } else { "cut short" },
            milliseconds(made.duration),
            brief(&made.reasons),
            timed(made, run),
        ),
        TargetRun::Restored { from, reasons, .. } => {
            let why = [format!("from run {}", from.short()), brief(reasons)].join("; ");
            ("restored", String::new(), why, None)
        }
        TargetRun::Failed(failed) => ("failed", milliseconds(failed.duration), failed.what.clone(), None),
        TargetRun::Accepted { acceptance, .. } => ("accepted", String::new(), acceptance.why.clone(), None),
    };
    TargetTurn {
        outcome: outcome.to_owned(),
        took,
        why: cut(&masked(&why)),
        timed,
        ..TargetTurn::default()
    }
}

/// When the attempt ran, counted from the beginning of its run; none if a clock was turned back meanwhile.
fn timed(made: &ResultEntry, run: RunId) -> Option<Timed> {
    let began = UNIX_EPOCH.checked_add(Duration::from_millis(made.ended.checked_sub(made.duration)?))?;
    // A run's id has its moment to the millisecond, and an attempt may begin within the same.
    let start = began.duration_since(run.time()).ok()?.as_secs_f64();
    let duration = Duration::from_millis(made.duration).as_secs_f64();
    Some(Timed { start, duration })
}
