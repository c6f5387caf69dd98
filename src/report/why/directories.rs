//! What changed in a source: the file itself, or the files of a directory that came, went or changed.

use serde_json::json;

use super::{Cause, DirectoryOf, WhyContext, record};
use crate::engine::digest::Digest;
use crate::engine::fingerprint::FieldValue;
use crate::engine::graph::{Read, TargetId};
use crate::engine::reason::Difference;
use crate::engine::tree::{self, Change, What};
use crate::report::human;
use crate::report::reasons::ReasonText;

/// How many files of one directory are named.
const SHOWN: usize = 5;

/// What changed at the path of a source.
pub(super) fn in_source(context: &WhyContext<'_>, read: &Read, difference: &Difference) -> Vec<Cause> {
    let path = read.path.as_str();
    match (context.tree)(path, DirectoryOf::Source(context.graph.ignore_of(read))) {
        Some(now) => in_directory(context, path, digests(difference).0, &now),
        None => in_file(context, path, digests(difference)).into_iter().collect(),
    }
}

/// What changed in a directory that is an artifact, since it was read.
pub(super) fn in_input(context: &WhyContext<'_>, path: &str, difference: &Difference) -> Vec<Cause> {
    let now = (context.tree)(path, DirectoryOf::Input);
    now.map(|now| in_directory(context, path, digests(difference).0, &now))
        .unwrap_or_default()
}

/// What changed in a directory that is an artifact, since it was placed.
pub(super) fn in_artifact(context: &WhyContext<'_>, target: TargetId, name: &str, path: &str) -> Vec<Cause> {
    let WhyContext { graph, past, .. } = *context;
    let port = graph.target(target).outputs.iter().find(|output| output.name == name);
    let placed = port.and_then(|output| Some(record(past, graph, target)?.artifact(&output.port)?.bytes));
    let now = (context.tree)(path, DirectoryOf::Output);
    now.map(|now| in_directory(context, path, placed, &now))
        .unwrap_or_default()
}

/// The digests of an input before and after.
fn digests(difference: &Difference) -> (Option<Digest>, Option<Digest>) {
    let digest = |value: &Option<FieldValue<'_>>| match value {
        Some(FieldValue::Digest(digest)) => Some(*digest),
        _ => None,
    };
    (digest(&difference.before), digest(&difference.after))
}

fn in_file(context: &WhyContext<'_>, path: &str, digests: (Option<Digest>, Option<Digest>)) -> Option<Cause> {
    if let (Some(before), Some(after)) = digests
        && tree::of_file(before, after) == What::Permission
    {
        return Some(cause(&Change {
            path: path.to_owned(),
            what: What::Permission,
        }));
    }
    let at = (context.modified)(path)?;
    Some(Cause {
        told: ReasonText {
            subject: path.to_owned(),
            what: format!("was modified {}", human::ago(at, context.now)),
            ..ReasonText::default()
        },
        json: json!({ "reason": "modified", "path": path, "time": human::timestamp(at) }),
        because: Vec::new(),
    })
}

/// The entries of a directory in which it differs from what was kept; nothing, if nothing was kept.
fn in_directory(context: &WhyContext<'_>, path: &str, before: Option<Digest>, now: &tree::Tree) -> Vec<Cause> {
    let Some(before) = before.and_then(|digest| (context.listing)(digest)) else {
        return Vec::new();
    };
    let changes = tree::changes(&before, now);
    let below = |change: &Change| Change {
        path: format!("{path}/{}", change.path),
        what: change.what,
    };
    let mut causes: Vec<Cause> = changes.iter().take(SHOWN).map(|change| cause(&below(change))).collect();
    if changes.len() > SHOWN {
        let more = changes.len() - SHOWN;
        causes.push(Cause {
            told: ReasonText {
                what: format!("and {} more", human::count(more, "file")),
                ..ReasonText::default()
            },
            json: json!({ "reason": "more", "count": more }),
            because: Vec::new(),
        });
    }
    causes
}

fn cause(change: &Change) -> Cause {
    let (word, what) = match change.what {
        What::Came => ("came", "is new"),
        What::Went => ("went", "is gone"),
        What::Content => ("content", "has other content"),
        What::Permission => (
            "permission",
            "has another permission to be executed, and the same content",
        ),
        What::Kind => ("kind", "is of another kind: a file, a directory or a link"),
        What::Link => ("link", "leads elsewhere"),
    };
    Cause {
        told: ReasonText {
            subject: change.path.clone(),
            what: what.to_owned(),
            ..ReasonText::default()
        },
        json: json!({ "reason": word, "path": change.path }),
        because: Vec::new(),
    }
}
