//! The same as JSON, for programs.
//!
//! Names of targets and artifacts are text, run ids whole, durations seconds, moments RFC 3339 in UTC. Keys are only
//! ever added; a reader ignores those that it does not know.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::reasons::{place, read_of};
use super::screen::Screen;
use super::{advice, human};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::clock;
use crate::engine::event::{Event, Failure, Notice, Observer, Outcome, Summary, WaitingFor};
use crate::engine::fingerprint::{Field, FieldValue};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::reason::{Difference, Reason};
use crate::engine::spec::ArtifactKind;
use crate::engine::store::Holder;

/// Prints one JSON object an event, each on its line: [`event`] and the `time` at which it happened.
pub struct EventLines<'a> {
    graph: &'a Graph,
    screen: &'a Screen,
}

impl<'a> EventLines<'a> {
    /// Lines of one run.
    #[must_use]
    pub fn new(graph: &'a Graph, screen: &'a Screen) -> Self {
        Self { graph, screen }
    }
}

impl Observer for EventLines<'_> {
    fn observe(&self, what: &Event) {
        let mut object = event(what, self.graph);
        object["time"] = human::timestamp(clock::now()).into();
        self.screen.print_json(&object);
    }
}

/// An event: `{"event": NAME, ..}`.
///
/// | event | further keys |
/// |---|---|
/// | `planned` | `run`, `targets` (stale or undecided, in build order), `fresh` (a count) |
/// | `waiting` | `target`; `run`, `process` and `at` (a target) of who is waited for, each null where it is not known; `pool`, if it waits for a place in one or for its rate, or null |
/// | `started` | `target`, `attempt`, `reasons` ([`reason`]) |
/// | `progress` | `target`, `message` |
/// | `output` | `target`, `line` |
/// | `retrying` | `target`, `attempt`, `delay`, `failure` |
/// | `finished` | `target`, `outcome`: `built` (`duration`, `changed`, `unchanged`), `restored` (`from`, `reasons`), `fresh`, `held` (`until`), `failed` (`failure`), `skipped` (`because`), `superseded`, `interrupted` |
/// | `stopping` | `target` |
/// | `noticed` | `target`, `notice`: `written_beside` (`paths`, `output`), `staging_path_inside` (`artifact`, `staging`), `survivors_ended` or `survivors_running` (`processes`), `answered` (`answer` of the probe, `before` if it was another, else null) |
/// | `displaced` | `path`, `to` |
/// | `warning` | `message` |
/// | `ended` | `run`, `built`, `restored`, `fresh`, `held`, `failed`, `skipped`, `superseded`, `interrupted`, `duration` |
///
/// A `failure` has `what`, `place` (`Atsaffile:12`), `command` (as it ran, or null), `notes`, `help`, `tail` (the last
/// lines printed), `left` (a directory, or null).
#[must_use]
pub fn event(event: &Event, graph: &Graph) -> Value {
    let name = |target: &TargetId| graph.name(*target);
    match event {
        Event::Planned { run, steps, fresh, .. } => {
            let targets: Vec<&str> = steps.iter().map(name).collect();
            json!({ "event": "planned", "run": run.to_string(), "targets": targets, "fresh": fresh })
        }
        Event::Waiting { target, on } => {
            let pool = match on {
                WaitingFor::Pool { pool, .. } | WaitingFor::Rate { pool } => Some(pool),
                _ => None,
            };
            let (run, process, at) = match on {
                WaitingFor::Holder(holder) | WaitingFor::Pool { holder, .. } => {
                    let Holder { run, process, target } = holder;
                    (*run, *process, target.as_deref())
                }
                WaitingFor::OtherValues(run) => (Some(*run), None, None),
                WaitingFor::SameFiles | WaitingFor::Rate { .. } => (None, None, None),
            };
            let run = run.map(|run| run.to_string());
            json!({ "event": "waiting", "target": name(target), "run": run, "process": process, "at": at, "pool": pool })
        }
        Event::Started {
            target,
            attempt,
            reasons: why,
        } => json!({
            "event": "started", "target": name(target), "attempt": attempt,
            "reasons": reasons(why, graph, *target),
        }),
        Event::Progress { target, message } => {
            json!({ "event": "progress", "target": name(target), "message": message })
        }
        Event::Output { target, line } => json!({ "event": "output", "target": name(target), "line": line }),
        Event::Retrying {
            target,
            failure: why,
            attempt,
            delay,
        } => json!({
            "event": "retrying", "target": name(target), "attempt": attempt, "delay": seconds(*delay),
            "failure": failure(why, graph, *target),
        }),
        Event::Finished { target, outcome } => finished(*target, outcome, graph),
        Event::Stopping { target } => json!({ "event": "stopping", "target": name(target) }),
        Event::Noticed { target, notice } => noticed(notice, graph, *target),
        Event::Displaced { path, to } => json!({ "event": "displaced", "path": path, "to": to }),
        Event::Warning { message } => json!({ "event": "warning", "message": message }),
        Event::Ended { run, summary } => {
            let Summary {
                built,
                restored,
                fresh,
                held,
                failed,
                skipped,
                superseded,
                interrupted,
                duration,
            } = *summary;
            json!({
                "event": "ended", "run": run.to_string(), "built": built, "restored": restored, "fresh": fresh,
                "held": held, "failed": failed, "skipped": skipped, "superseded": superseded,
                "interrupted": interrupted, "duration": seconds(duration),
            })
        }
    }
}

fn finished(target: TargetId, outcome: &Outcome, graph: &Graph) -> Value {
    let mut object = match outcome {
        Outcome::Built {
            duration,
            changed,
            unchanged,
        } => json!({
            "outcome": "built", "duration": seconds(*duration), "changed": changed, "unchanged": unchanged,
        }),
        Outcome::Restored { from, reasons: why } => json!({
            "outcome": "restored", "from": from.to_string(), "reasons": reasons(why, graph, target),
        }),
        Outcome::Fresh => json!({ "outcome": "fresh" }),
        Outcome::Held { until } => json!({ "outcome": "held", "until": human::timestamp(*until) }),
        Outcome::Failed(why) => json!({ "outcome": "failed", "failure": failure(why, graph, target) }),
        Outcome::Skipped { because } => json!({ "outcome": "skipped", "because": graph.name(*because) }),
        Outcome::Superseded => json!({ "outcome": "superseded" }),
        Outcome::Interrupted => json!({ "outcome": "interrupted" }),
    };
    let mut whole = json!({ "event": "finished", "target": graph.name(target) });
    merge(&mut whole, &mut object);
    whole
}

fn noticed(notice: &Notice, graph: &Graph, target: TargetId) -> Value {
    let mut object = match notice {
        Notice::WrittenBeside { paths, output } => {
            json!({ "notice": "written_beside", "paths": paths, "output": output })
        }
        Notice::StagingPathInside { artifact, staging } => {
            json!({ "notice": "staging_path_inside", "artifact": artifact, "staging": staging })
        }
        Notice::LinkLost { link, leads } => json!({ "notice": "link_lost", "link": link, "leads": leads }),
        Notice::SourceMoved {
            path,
            writers,
            is_certain,
        } => {
            let writers: Vec<&str> = writers.iter().map(|id| graph.name(*id)).collect();
            json!({ "notice": "source_moved", "path": path, "writers": writers, "is_certain": is_certain })
        }
        Notice::Answered { answer, before } => json!({ "notice": "answered", "answer": answer, "before": before }),
        Notice::SurvivorsEnded { processes } => json!({ "notice": "survivors_ended", "processes": processes }),
        Notice::SurvivorsRunning { processes } => json!({ "notice": "survivors_running", "processes": processes }),
    };
    let mut whole = json!({ "event": "noticed", "target": graph.name(target) });
    merge(&mut whole, &mut object);
    whole
}

fn failure(failure: &Failure, graph: &Graph, target: TargetId) -> Value {
    let Failure {
        what,
        notes,
        help,
        advice: causes,
        command,
        tail,
        left,
        has_files: _,
        retry: _,
    } = failure;
    let left = left.as_ref().map(|left| left.display().to_string());
    let help: Vec<String> = causes
        .iter()
        .map(advice::next_step)
        .chain(help.iter().cloned())
        .collect();
    let place = graph.spec.text.line_of(graph.target(target).span);
    json!({
        "what": what, "place": place, "command": command, "notes": notes, "help": help, "tail": tail, "left": left,
    })
}

/// The reasons for which a target is stale: of each, [`reason`], and `place`, where it is written in the Atsaffile or
/// what it came from, where there is one.
#[must_use]
pub fn reasons(reasons: &[Reason], graph: &Graph, target: TargetId) -> Value {
    reasons.iter().map(|it| reason_in(it, graph, target)).collect()
}

/// [`reason`], with the `place` in the graph as it is now, and the `path` of an input.
#[must_use]
pub fn reason_in(why: &Reason, graph: &Graph, target: TargetId) -> Value {
    let mut object = reason(why);
    if let Reason::Changed(Difference { field, .. }) = why {
        if let Field::Input { role, path: None } = field {
            let read = read_of(graph, target, role, None);
            object["path"] = read.map(|read| read.path.as_str()).into();
        }
        if let Some(place) = place(field, graph, target) {
            object["place"] = place.into();
        }
    }
    object
}

/// A reason: `{"reason": NAME, ..}`.
///
/// | reason | further keys |
/// |---|---|
/// | `never_built`, `forced`, `unknown`, `interrupted`, `unfinished` | |
/// | `needed_by` | `target`: what reads the artifacts of a `temp` target, which are gone |
/// | `missing`, `altered` | `artifact`, `path` |
/// | `too_old` | `max_age` in seconds |
/// | `changed` | `field`: `format`, `task`, `task_version`, `part`, `command`, `shell`, `param`, `input`, `input_order`, `env`, `probe`, `output`, `discovered`, `output_order`, `direct`, `cwd`, `installed` or `discover`; `name` and `path`, where the field has one; `before` and `after`, null where it is new or gone |
///
/// A parameter's values are JSON values, versions numbers, the words of a command a list; contents and values of the
/// environment are digests, or `absent`; an output has `kind` and `path`.
#[must_use]
pub fn reason(reason: &Reason) -> Value {
    match reason {
        Reason::NeverBuilt => json!({ "reason": "never_built" }),
        Reason::Forced => json!({ "reason": "forced" }),
        Reason::Unknown => json!({ "reason": "unknown" }),
        Reason::Interrupted => json!({ "reason": "interrupted" }),
        Reason::Unfinished => json!({ "reason": "unfinished" }),
        Reason::TooOld { limit } => json!({ "reason": "too_old", "max_age": milliseconds(*limit) }),
        Reason::NeededBy { target } => json!({ "reason": "needed_by", "target": target }),
        Reason::Missing { artifact, path } => json!({ "reason": "missing", "artifact": artifact, "path": path }),
        Reason::Altered { artifact, path } => json!({ "reason": "altered", "artifact": artifact, "path": path }),
        Reason::Changed(Difference { field, before, after }) => {
            let (kind, name, path) = match field {
                Field::Format => ("format", None, None),
                Field::Task => ("task", None, None),
                Field::TaskVersion => ("task_version", None, None),
                Field::Part(name) => ("part", Some(name), None),
                Field::Command => ("command", None, None),
                Field::Shell => ("shell", None, None),
                Field::Param(name) => ("param", Some(name), None),
                Field::Input { role, path } => ("input", Some(role), path.as_ref()),
                Field::InputOrder => ("input_order", None, None),
                Field::Env(name) => ("env", Some(name), None),
                Field::Probe => ("probe", None, None),
                Field::Output(name) => ("output", Some(name), None),
                Field::Discovered(path) => ("discovered", None, Some(path)),
                Field::OutputOrder => ("output_order", None, None),
                Field::Direct => ("direct", None, None),
                Field::Cwd => ("cwd", None, None),
                Field::Installed(name) => ("installed", Some(name), None),
                Field::Means => ("discover", None, None),
            };
            let mut object = json!({ "reason": "changed", "field": kind });
            for (key, text) in [("name", name), ("path", path)] {
                if let Some(text) = text {
                    object[key] = text.as_str().into();
                }
            }
            object["before"] = before.as_ref().map_or(Value::Null, value);
            object["after"] = after.as_ref().map_or(Value::Null, value);
            object
        }
    }
}

/// The value of a field.
fn value(value: &FieldValue<'_>) -> Value {
    match value {
        FieldValue::Version(number) => (*number).into(),
        FieldValue::Text(text) => text.as_ref().into(),
        FieldValue::Texts(texts) => texts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().into(),
        FieldValue::Param(value) => value.to_json(),
        FieldValue::Digest(digest) => digest.hex().into(),
        FieldValue::Absent => "absent".into(),
        FieldValue::Output { kind, path } => {
            let kind = match kind {
                ArtifactKind::File => "file",
                ArtifactKind::Directory => "directory",
            };
            json!({ "kind": kind, "path": path })
        }
    }
}

/// A mistake or a warning: `severity`, `what`, `places` with `file`, `line`, `column`, `length` and `label`, `notes`, `help`.
#[must_use]
pub fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let Diagnostic {
        severity,
        what,
        places,
        notes,
        help,
    } = diagnostic;
    let places = places.iter().map(|place| {
        json!({
            "file": place.file, "line": place.line, "column": place.column, "length": place.length,
            "label": place.label,
        })
    });
    json!({
        "severity": if *severity == Severity::Error { "error" } else { "warning" },
        "what": what, "places": places.collect::<Vec<_>>(), "notes": notes, "help": help,
    })
}

/// Why a command did not do what was asked, as one more line: `{"error": {"exit": 2, "diagnostics": [..]}}`.
#[must_use]
pub fn error(exit: u8, diagnostics: &[Diagnostic]) -> Value {
    json!({ "error": { "exit": exit, "diagnostics": diagnostics.iter().map(self::diagnostic).collect::<Vec<_>>() } })
}

/// A duration in seconds, to the millisecond.
#[must_use]
pub fn seconds(duration: Duration) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^53")]
    let seconds = duration.as_millis() as f64 / 1000.0;
    seconds.into()
}

/// Milliseconds as seconds.
#[must_use]
pub fn milliseconds(milliseconds: u64) -> Value {
    seconds(Duration::from_millis(milliseconds))
}

fn merge(into: &mut Value, from: &mut Value) {
    let empty = &mut Map::new();
    let from = from.as_object_mut().unwrap_or(empty);
    if let Some(into) = into.as_object_mut() {
        into.append(from);
    }
}
