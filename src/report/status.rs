//! One line a target, stale first; in words and as JSON.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::human;
use super::ink::{Ink, Tone};
use super::json;
use super::plan::waits;
use super::reasons::brief;
use super::table::TextTable;
use crate::engine::graph::Graph;
use crate::engine::plan::{Plan, Step, Verdict};
use crate::engine::reason::Reason;
use crate::engine::store::{History, Store, StoredResult};

/// The steps of a plan as they are shown: stale, undecided, fresh; each in build order.
fn sorted(plan: &Plan) -> Vec<&Step> {
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    steps.sort_by_key(|step| match step.verdict {
        Verdict::Stale { .. } => 0,
        Verdict::Undecided => 1,
        Verdict::Fresh => 2,
    });
    steps
}

fn word(verdict: &Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Stale { .. } => (Tone::Stale, "stale"),
        Verdict::Undecided => (Tone::Stale, "undecided"),
        Verdict::Fresh => (Tone::Good, "fresh"),
    }
}

fn reasons(verdict: &Verdict) -> &[Reason] {
    match verdict {
        Verdict::Stale { reasons, .. } => reasons,
        _ => &[],
    }
}

/// Draws the state of each target.
#[must_use]
pub fn text(plan: &Plan, graph: &Graph, store: &Store, now: SystemTime, ink: Ink) -> String {
    let mut table = TextTable::new();
    store.ledger(|ledger| {
        for step in sorted(plan) {
            let name = graph.name(step.target);
            let (tone, word) = word(&step.verdict);
            table.row([
                (tone, word.to_owned()),
                (Tone::Strong, name.to_owned()),
                (
                    Tone::Plain,
                    words(step, ledger.target(name).map(Arc::as_ref), graph, now),
                ),
            ]);
        }
    });
    table.draw(ink)
}

/// What there is to say of a target besides its state.
fn words(step: &Step, history: Option<&History>, graph: &Graph, now: SystemTime) -> String {
    let mut parts = Vec::new();
    if let Some((run, _)) = history.and_then(History::failed) {
        parts.push(format!("failed {}", human::ago(run.time(), now)));
    }
    match &step.verdict {
        Verdict::Stale { reasons, .. } => parts.push(brief(reasons)),
        Verdict::Undecided => parts.push(waits(step, graph)),
        Verdict::Fresh => parts.extend(history.and_then(History::record).map(|record| built(record, now))),
    }
    parts.join("; ")
}

fn built(record: &StoredResult, now: SystemTime) -> String {
    let built = format!("built {}", human::ago(record.run.time(), now));
    match record.placed_by == record.run {
        true => built,
        false => format!("{built}, restored {}", human::ago(record.placed_by.time(), now)),
    }
}

/// The state of each target: `{"targets": [..]}`, stale first.
///
/// A target has `target`; `state`: `stale`, `undecided` or `fresh`; `reasons` ([`json::reason`]); `built` with `run`,
/// `time` and `duration` of the result in place and `restored_by`, the run that put it there if another one made it, or
/// null; `failed` with `run`, `time` and `attempt` if its last attempt failed, or null.
#[must_use]
pub fn json(plan: &Plan, graph: &Graph, store: &Store) -> Value {
    let one = |step: &Step, history: Option<&History>| {
        let built = history.and_then(History::record).map(|record| {
            let restored = (record.placed_by != record.run).then(|| record.placed_by.to_string());
            json!({
                "run": record.run.to_string(),
                "time": human::timestamp(record.run.time()),
                "duration": json::milliseconds(record.duration),
                "restored_by": restored,
            })
        });
        let failed = history.and_then(History::failed).map(|(run, attempt)| {
            json!({ "run": run.to_string(), "time": human::timestamp(run.time()), "attempt": attempt })
        });
        json!({
            "target": graph.name(step.target),
            "state": word(&step.verdict).1,
            "reasons": json::reasons(reasons(&step.verdict), graph, step.target),
            "built": built,
            "failed": failed,
        })
    };
    let targets: Vec<Value> = store.ledger(|ledger| {
        let steps = sorted(plan).into_iter();
        steps
            .map(|step| one(step, ledger.target(graph.name(step.target)).map(Arc::as_ref)))
            .collect()
    });
    json!({ "targets": targets })
}
