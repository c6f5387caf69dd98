//! One line a target, stale first; in words and as JSON. Many instances of a target are one line.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::human;
use super::ink::{Ink, Tone};
use super::instances::{axes, grouped, in_common, name_of, values_of_few};
use super::json;
use super::notes;
use super::plan::waits;
use super::reasons::brief;
use super::table::TextTable;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::{Plan, Step, Verdict};
use crate::engine::store::StoredResult;

/// The steps of a plan as they are shown: stale, undecided, held, fresh; each in build order.
fn sorted(plan: &Plan) -> Vec<&Step> {
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    steps.sort_by_key(|step| match step.verdict {
        Verdict::Stale { .. } => 0,
        Verdict::Undecided => 1,
        Verdict::Held { .. } => 2,
        Verdict::Fresh => 3,
    });
    steps
}

/// The state of one target: tone, word, and what there is to say.
pub(super) fn state(step: &Step, graph: &Graph, now: SystemTime) -> (Tone, &'static str, String) {
    let (tone, word) = word(&step.verdict);
    (tone, word, words(step, graph, now))
}

fn word(verdict: &Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Stale { .. } => (Tone::Stale, "stale"),
        Verdict::Undecided => (Tone::Stale, "undecided"),
        Verdict::Held { .. } => (Tone::Stale, "held"),
        Verdict::Fresh => (Tone::Good, "fresh"),
    }
}

/// Draws the state of each target, and of the page that each build ends with: state, path and why.
#[must_use]
pub fn text(plan: &Plan, graph: &Graph, expand: bool, page: Option<(&str, &str, &str)>, ink: Ink) -> String {
    let mut table = TextTable::new();
    for group in grouped(sorted(plan), graph, expand, |step| step.target, |_| ()) {
        // The steps are sorted, so this is the one that needs most.
        let (tone, word) = word(&group[0].verdict);
        let targets: Vec<TargetId> = group.iter().map(|step| step.target).collect();
        let told = match group.as_slice() {
            [step] => words(step, graph, plan.at),
            steps => words_of_many(steps, graph),
        };
        table.row([
            (tone, word.to_owned()),
            (Tone::Strong, name_of(&targets, graph)),
            (Tone::Plain, told),
        ]);
    }
    if let Some((state, path, why)) = page {
        let tone = if state == "fresh" { Tone::Good } else { Tone::Stale };
        table.row([
            (tone, state.to_owned()),
            (Tone::Strong, path.to_owned()),
            (Tone::Plain, why.to_owned()),
        ]);
    }
    table.draw(ink)
}

/// How many of some instances are in which state, and why they are stale if that is the same for all.
fn words_of_many(steps: &[&Step], graph: &Graph) -> String {
    let count = |wanted: &str| steps.iter().filter(|step| word(&step.verdict).1 == wanted).count();
    let failed = steps.iter().filter(|step| step.history.failed().is_some()).count();
    let counts = ["stale", "undecided", "held", "fresh"].map(|state| (count(state), state));
    let counts = counts
        .into_iter()
        .chain([(failed, "failed")])
        .filter(|(count, _)| *count > 0);
    let mut told = counts
        .map(|(count, state)| format!("{count} {state}"))
        .collect::<Vec<_>>()
        .join(", ");
    let stale: Vec<&Step> = steps
        .iter()
        .copied()
        .filter(|step| matches!(step.verdict, Verdict::Stale { .. }))
        .collect();
    let targets: Vec<TargetId> = stale.iter().map(|step| step.target).collect();
    if stale.len() < steps.len() {
        told += &values_of_few(&targets, graph);
    }
    let mut why = stale
        .iter()
        .map(|step| in_common(&brief(step.verdict.reasons()), step.target, graph));
    if let Some(first) = why.next() {
        let one = stale
            .first()
            .filter(|_| stale.len() == 1)
            .map(|step| brief(step.verdict.reasons()));
        match why.all(|other| other == first) {
            true => told.extend([": ", &one.unwrap_or(first)]),
            false => told += ", for different reasons",
        }
    }
    told
}

/// What there is to say of a target besides its state.
fn words(step: &Step, graph: &Graph, now: SystemTime) -> String {
    let mut parts = Vec::new();
    if let Some((run, _)) = step.history.failed() {
        parts.push(format!("failed {}", human::ago(run.time(), now)));
    }
    match &step.verdict {
        Verdict::Stale { reasons, .. } => parts.push(brief(reasons)),
        Verdict::Undecided => parts.push(waits(step, graph, now)),
        Verdict::Held { until, reasons } => parts.extend([notes::until(*until), brief(reasons)]),
        Verdict::Fresh => {
            parts.extend(step.history.record().map(|record| built(record, now)));
            parts.extend(step.is_gone.then(|| "gone since it was read".to_owned()));
        }
    }
    if step.verdict == Verdict::Fresh {
        parts.extend(notes::text(step, now));
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

/// The state of each target: `{"targets": [..]}`, stale first. What [`notes::add_to`] adds is there as well.
///
/// A target has `target`; `axes`, its axes with their values if it is an instance, or null; `state`: `stale`, `undecided`, `held` or `fresh`; `reasons` ([`json::reason`]); `built` with `run`,
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
        let mut object = json!({
            "target": graph.name(step.target),
            "axes": axes(graph, step.target),
            "state": word(&step.verdict).1,
            "reasons": json::reasons(step.verdict.reasons(), graph, step.target),
            "built": built,
            "failed": failed,
        });
        notes::add_to(&mut object, step);
        object
    };
    let targets: Vec<Value> = sorted(plan).into_iter().map(one).collect();
    json!({ "targets": targets })
}
