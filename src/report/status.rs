//! One line a target, stale first; in words and as JSON.

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
use crate::engine::store::StoredResult;

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
pub fn text(plan: &Plan, graph: &Graph, ink: Ink) -> String {
    let mut table = TextTable::new();
    for step in sorted(plan) {
        let (tone, word) = word(&step.verdict);
        table.row([
            (tone, word.to_owned()),
            (Tone::Strong, graph.name(step.target).to_owned()),
            (Tone::Plain, words(step, graph, plan.at)),
        ]);
    }
    table.draw(ink)
}

/// What there is to say of a target besides its state.
fn words(step: &Step, graph: &Graph, now: SystemTime) -> String {
    let mut parts = Vec::new();
    if let Some((run, _)) = step.history.failed() {
        parts.push(format!("failed {}", human::ago(run.time(), now)));
    }
    match &step.verdict {
        Verdict::Stale { reasons, .. } => parts.push(brief(reasons)),
        Verdict::Undecided => parts.push(waits(step, graph)),
        Verdict::Fresh => parts.extend(step.history.record().map(|record| built(record, now))),
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
pub fn json(plan: &Plan, graph: &Graph) -> Value {
    let one = |step: &Step| {
        let built = step.history.record().map(|record| {
            let restored = (record.placed_by != record.run).then(|| record.placed_by.to_string());
            json!({
                "run": record.run.to_string(),
                "time": human::timestamp(record.run.time()),
                "duration": json::milliseconds(record.duration),
                "restored_by": restored,
            })
        });
        let failed = step.history.failed().map(|(run, attempt)| {
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
    let targets: Vec<Value> = sorted(plan).into_iter().map(one).collect();
    json!({ "targets": targets })
}
