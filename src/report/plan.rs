//! What a build would do, in words and as JSON.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::events::nothing_to_do;
use super::human;
use super::ink::{Ink, Tone};
use super::instances::{axes, grouped, in_common, name_of};
use super::json;
use super::notes;
use super::reasons::told_in;
use super::table::TextTable;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::{Plan, Step, Verdict};
use crate::engine::run_id::RunId;

/// How many names one line holds.
const NAMES: usize = 20;

/// What becomes of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs.
    Run,
    /// It comes back from the store, where this run's build had left it.
    Restore(RunId),
    /// It runs if what it reads comes out different.
    Undecided,
    /// It stays until then, whatever is new.
    Hold(SystemTime),
    /// It stays.
    Keep,
}

impl Fate {
    /// What becomes of a step's target.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        match &step.verdict {
            Verdict::Fresh => Self::Keep,
            Verdict::Held { until, .. } => Self::Hold(*until),
            Verdict::Undecided => Self::Undecided,
            Verdict::Stale { restore: None, .. } => Self::Run,
            Verdict::Stale {
                restore: Some(earlier), ..
            } => Self::Restore(earlier.run),
        }
    }

    /// The state in a word: the fate's own, but for those of a stale target.
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Run | Self::Restore(_) => "stale",
            Self::Keep => "fresh",
            Self::Undecided | Self::Hold(_) => self.word().1,
        }
    }

    pub(super) fn word(self) -> (Tone, &'static str) {
        match self {
            Self::Run => (Tone::Stale, "run"),
            Self::Restore(_) => (Tone::Good, "restore"),
            Self::Undecided => (Tone::Stale, "undecided"),
            Self::Hold(_) => (Tone::Stale, "held"),
            Self::Keep => (Tone::Good, "keep"),
        }
    }
}

/// How long some targets would run, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeEstimate {
    /// Of those that ran before, together.
    pub known: Duration,
    /// How many of them never did.
    pub unknown: usize,
}

impl TimeEstimate {
    /// The sum of the last durations of those steps that may run.
    #[must_use]
    pub fn of<'s>(steps: impl IntoIterator<Item = &'s Step>) -> Self {
        let mut estimate = Self::default();
        for step in steps.into_iter().filter(|step| step.verdict.may_run()) {
            match step.last {
                Some(last) => estimate.known = estimate.known.saturating_add(last),
                None => estimate.unknown += 1,
            }
        }
        estimate
    }

    /// `about 12 s in all`, for `of` being ` in all`; empty if nothing runs or nothing is known.
    #[must_use]
    pub fn words(self, of: &str) -> String {
        let never = match self.unknown {
            0 => String::new(),
            unknown => format!(" ({unknown} never ran)"),
        };
        match self.known {
            Duration::ZERO => String::new(),
            known => format!("about {}{of}{never}", human::duration(known)),
        }
    }
}

/// Puts names in one line, the first twenty of them; many instances of one target count as one.
#[must_use]
pub fn names(graph: &Graph, targets: &[TargetId]) -> String {
    let groups = grouped(targets.to_vec(), graph, false, |target| *target, |_| ());
    let name = |group: &Vec<TargetId>| match group.len() {
        1 => graph.name(group[0]).to_owned(),
        count => format!("{} ({count})", name_of(group, graph)),
    };
    let shown: Vec<String> = groups.iter().take(NAMES).map(name).collect();
    match groups.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Names those of some targets that act outside the project: `; acts outside the project: register`.
#[must_use]
pub fn acting_outside(graph: &Graph, targets: &[TargetId]) -> String {
    let acting = targets.iter().copied().filter(|id| graph.target(*id).settings.effect);
    match acting.collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        [one] => format!("; acts outside the project: {}", graph.name(*one)),
        many => format!("; act outside the project: {}", names(graph, many)),
    }
}

/// What keeps a step from being decided, in words.
#[must_use]
pub fn waits(step: &Step, graph: &Graph, now: SystemTime) -> String {
    let note = notes::text(step, now);
    if step.waits_for.is_empty() {
        return note.unwrap_or_default();
    }
    let waits = waits_for(step, graph);
    note.map_or_else(|| waits.clone(), |note| format!("{note}; {waits}"))
}

fn waits_for(step: &Step, graph: &Graph) -> String {
    match step.waits_for.as_slice() {
        [one] => format!("depends on what {} makes", graph.name(*one)),
        [one, two] => format!("depends on what {} and {} make", graph.name(*one), graph.name(*two)),
        many => format!("depends on what these make: {}", names(graph, many)),
    }
}

/// Draws a plan: a line a reason, and at the end what it comes to. Instances with the same reasons are one, unless
/// `expand` says otherwise.
#[must_use]
pub fn text(plan: &Plan, graph: &Graph, expand: bool, ink: Ink) -> String {
    let mut table = TextTable::new().right(2);
    let mut counts = [0_usize; 5];
    let mut kept = Vec::new();
    let mut open = Vec::new();
    for step in &plan.steps {
        let fate = Fate::of(step);
        counts[match fate {
            Fate::Run => 0,
            Fate::Undecided => 1,
            Fate::Restore(_) => 2,
            Fate::Hold(_) => 3,
            Fate::Keep => 4,
        }] += 1;
        match fate {
            Fate::Keep if step.note.is_none() => kept.push(step.target),
            _ => open.push((step, fate, why(step, fate, graph, plan.at))),
        }
    }
    let key = |(step, fate, lines): &(&Step, Fate, Vec<String>)| {
        let common: Vec<String> = lines.iter().map(|line| in_common(line, step.target, graph)).collect();
        (fate.word().1, common)
    };
    for group in grouped(open, graph, expand, |(step, ..)| step.target, key) {
        let (step, fate, own) = &group[0];
        let (tone, word) = fate.word();
        let took = match fate {
            Fate::Restore(_) | Fate::Hold(_) | Fate::Keep => String::new(),
            _ => took(&group),
        };
        let is_same = group.iter().all(|(_, _, lines)| lines == own);
        let lines = own.iter().map(|line| match is_same {
            true => line.clone(),
            false => in_common(line, step.target, graph),
        });
        let targets: Vec<TargetId> = group.iter().map(|(step, ..)| step.target).collect();
        let name = match targets.len() {
            1 => name_of(&targets, graph),
            count => format!("{} ({count})", name_of(&targets, graph)),
        };
        let mut head = [(tone, word.to_owned()), (Tone::Strong, name), (Tone::Plain, took)];
        for line in lines {
            let cells = std::mem::replace(&mut head, [const { (Tone::Plain, String::new()) }; 3]);
            table.row(cells.into_iter().chain([(Tone::Plain, line)]));
        }
    }
    if !kept.is_empty() {
        let (tone, word) = Fate::Keep.word();
        table.row([(tone, word.to_owned()), (Tone::Plain, names(graph, &kept))]);
    }
    let open: Vec<TargetId> = plan.open().map(|step| step.target).collect();
    table.draw(ink) + &total(counts, plan, &acting_outside(graph, &open))
}

/// How long the steps of a group took last, together; nothing if one of them never ran.
fn took(group: &[(&Step, Fate, Vec<String>)]) -> String {
    let all: Option<Duration> = group.iter().map(|(step, ..)| step.last).sum();
    all.map(human::duration).unwrap_or_default()
}

/// The reasons of a step, a line each.
fn why(step: &Step, fate: Fate, graph: &Graph, now: SystemTime) -> Vec<String> {
    let mut lines = Vec::new();
    if let Fate::Hold(until) = fate {
        lines.push(notes::until(until));
    }
    for reason in step.verdict.reasons() {
        let told = told_in(reason, graph, step.target);
        let place = told
            .place
            .as_ref()
            .map(|place| format!("  {place}"))
            .unwrap_or_default();
        lines.push(format!("{}{place}", told.brief()));
    }
    if let Fate::Restore(run) = fate {
        lines.push(format!("from run {} ({})", run.short(), human::ago(run.time(), now)));
    }
    match fate {
        Fate::Undecided => lines.push(waits(step, graph, now)),
        Fate::Keep => lines.extend(notes::text(step, now)),
        Fate::Run | Fate::Restore(_) | Fate::Hold(_) => {}
    }
    lines
}

fn total([run, undecided, restore, held, keep]: [usize; 5], plan: &Plan, outside: &str) -> String {
    if run + undecided + restore == 0 {
        return nothing_to_do(keep, held) + "\n";
    }
    let parts = [
        (run, "to run"),
        (undecided, "undecided"),
        (restore, "to restore"),
        (held, "held"),
        (keep, "kept"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    match TimeEstimate::of(&plan.steps).words("") {
        time if time.is_empty() => format!("{}{outside}\n", told.join(", ")),
        time => format!("{}: {time}{outside}\n", told.join(", ")),
    }
}

/// A plan: `goals`, `steps` in build order, and `estimate`, the seconds that the targets to run took last time together,
/// with `unknown`, how many of them never ran.
///
/// A step has `target`; `axes`, its axes with their values if it is an instance, or null; `verdict`: `run`, `restore`, `undecided`, `held` or `keep`; `reasons` ([`json::reason`]); `waits_for`,
/// the targets that must run before it is decided; `from`, the run whose result comes back, or null; `last`, the seconds
/// of its last success, or null; `fingerprint`, the hash of all that its result depends on, or null as long as an input
/// is not known; and what [`notes::add_to`] adds.
#[must_use]
pub fn json(plan: &Plan, graph: &Graph) -> Value {
    let names =
        |targets: &[TargetId]| -> Vec<String> { targets.iter().map(|target| graph.name(*target).to_owned()).collect() };
    let step = |step: &Step| {
        let fate = Fate::of(step);
        let from = match fate {
            Fate::Restore(run) => Some(run.to_string()),
            _ => None,
        };
        let mut object = json!({
            "target": graph.name(step.target),
            "axes": axes(graph, step.target),
            "verdict": fate.word().1,
            "reasons": json::reasons(step.verdict.reasons(), graph, step.target),
            "waits_for": names(&step.waits_for),
            "from": from,
            "last": step.last.map(json::seconds),
            "fingerprint": step.declared.map(|hash| hash.hex()),
        });
        notes::add_to(&mut object, step);
        object
    };
    let estimate = TimeEstimate::of(&plan.steps);
    json!({
        "goals": names(&plan.goals),
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
        "estimate": json::seconds(estimate.known),
        "unknown": estimate.unknown,
    })
}
