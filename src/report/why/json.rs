//! An explanation for programs.

use serde_json::{Value, json};

use super::{Cause, Explanation};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::store::StoredResult;
use crate::report::plan::Fate;
use crate::report::reasons::field_name;
use crate::report::{discovered, human, instances, json, notes};

/// An explanation: `target`; `axes`, its axes with their values if it is an instance, or null; `artifact`, if the goal named one, or null; `state`: `stale`, `undecided`, `held` or `fresh`;
/// `verdict`: `run`, `restore`, `undecided`, `held` or `keep`; `from`, the run whose result comes back, or null; `causes`;
/// `built`, the result in place with what it was seen to use, [`discovered::json`], or null; `said`, the last line that was printed when it was made, or null; `failed`, the `run` and `attempt` that failed since, or null; `same`, the names of what is as it was in it; `first`, `then` and `kept`, the
/// targets before it that are not fresh, after it that are not, and those that stay; `estimate`, the seconds that all
/// of it took last time, and `unknown`, how many targets never ran; and what [`notes::add_to`] adds.
///
/// A cause is a [`json::reason`] with `place`, or one of
///
/// | reason | further keys |
/// |---|---|
/// | `not_known_yet` | `name`, `path`: an input that `by`, a target, must make first |
/// | `made_again` | `by`: a target that makes the input anew before |
/// | `was_made_again` | `by`, `run`: a target that made the input anew since |
/// | `modified` | `path`, `time`: a file with other content, and when it was modified |
/// | `came`, `went`, `content`, `permission`, `kind`, `link` | `path`: in what a file, or an entry of a directory, differs |
/// | `not_asked` | the target's probe has to be asked |
/// | `more` | `count` of causes left out |
///
/// and `because`, the causes behind it. Of a fresh target they are those for which it was built.
#[must_use]
pub fn json(explanation: &Explanation<'_>, graph: &Graph) -> Value {
    let names =
        |targets: &[TargetId]| -> Vec<String> { targets.iter().map(|target| graph.name(*target).to_owned()).collect() };
    let from = match explanation.fate {
        Fate::Restore(run) => Some(run.to_string()),
        _ => None,
    };
    let mut object = json!({
        "target": graph.name(explanation.target),
        "axes": instances::axes(graph, explanation.target),
        "artifact": explanation.artifact.map(|artifact| graph.shown_name(artifact)),
        "state": explanation.fate.state(),
        "verdict": explanation.fate.word().1,
        "from": from,
        "causes": causes_json(&explanation.causes),
        "built": explanation.record.as_ref().map(built_json),
        "said": explanation.said,
        "failed": explanation.failed.map(|(run, attempt)| json!({ "run": run.to_string(), "attempt": attempt })),
        "same": explanation.same.iter().map(field_name).collect::<Vec<_>>(),
        "first": names(&explanation.first),
        "then": names(&explanation.then),
        "kept": names(&explanation.kept),
        "estimate": json::seconds(explanation.estimate.known),
        "unknown": explanation.estimate.unknown,
    });
    notes::add_to(&mut object, explanation.step);
    object
}

fn causes_json(causes: &[Cause]) -> Value {
    let one = |cause: &Cause| {
        let mut object = cause.json.clone();
        object["because"] = causes_json(&cause.because);
        object
    };
    causes.iter().map(one).collect()
}

fn built_json(past: &StoredResult) -> Value {
    let restored = (past.placed_by != past.run).then_some(past.placed_by);
    json!({
        "run": past.run.to_string(),
        "time": human::timestamp(past.run.time()),
        "duration": json::milliseconds(past.duration),
        "restored_by": restored.map(|run| run.to_string()),
        "discovered": discovered::json(past),
    })
}
