//! What time and the user have to say about a target beside its state, in words and as JSON.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{human, json};
use crate::engine::plan::{Note, Step, Verdict};
use crate::engine::store::entry::Acceptance;

/// The note of a step in words, if it has one: `older than 6 h`.
#[must_use]
pub fn text(step: &Step, now: SystemTime) -> Option<String> {
    match step.note? {
        Note::Accepted => accepted(step).map(|it| in_words(it, now)),
        Note::OlderThan(age) => Some(older_than(age)),
        Note::NotAsked => Some("its probe was never asked".to_owned()),
    }
}

/// `older than 6 h`.
#[must_use]
pub fn older_than(age: Duration) -> String {
    format!("older than {}", human::duration(age))
}

/// `until 2026-03-01 06:00 UTC`.
#[must_use]
pub fn until(moment: SystemTime) -> String {
    let moment = chrono::DateTime::<chrono::Utc>::from(moment);
    format!("until {} UTC", moment.format("%Y-%m-%d %H:%M"))
}

/// Why the user takes a step's target for fresh, if that is why it is.
#[must_use]
pub fn accepted(step: &Step) -> Option<&Acceptance> {
    step.history.accepted().filter(|_| step.note == Some(Note::Accepted))
}

/// `accepted 2 h ago: only a comment changed`.
#[must_use]
pub fn in_words(acceptance: &Acceptance, now: SystemTime) -> String {
    format!(
        "accepted {}: {}",
        human::ago(acceptance.run.time(), now),
        acceptance.why
    )
}

/// Adds to what is said of a step: `held_until`, a moment; `accepted`, `why` and `time` of the user's word for it;
/// `older_than`, the age in seconds beyond which its probe has to be asked; and `not_asked`, whether it never was. Each
/// is null, or false, where it does not apply.
pub fn add_to(object: &mut Value, step: &Step) {
    let held_until = match step.verdict {
        Verdict::Held { until, .. } => Some(human::timestamp(until)),
        _ => None,
    };
    let older_than = match step.note {
        Some(Note::OlderThan(age)) => Some(json::seconds(age)),
        _ => None,
    };
    object["held_until"] = held_until.into();
    object["accepted"] = accepted(step)
        .map(|it| json!({ "why": it.why, "time": human::timestamp(it.run.time()) }))
        .into();
    object["older_than"] = older_than.into();
    object["not_asked"] = (step.note == Some(Note::NotAsked)).into();
}
