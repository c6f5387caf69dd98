//! The verdict of one target: fresh, stale or undecided, and what it leaves to those that read it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::dependencies::{reads_of, take_fingerprint};
use super::digest::Digest;
use super::discover::Today;
use super::fingerprint::{Field, FieldValue};
use super::graph::{ArtifactId, Graph, TargetId};
use super::look::Look;
use super::plan::{Contents, PlanError, Restorable, Step, Verdict, VerdictInputs};
use super::reason::{self, Difference, Evidence, InPlace};
use super::result_id::result_id;
use super::spec::{Action, ArtifactKind, Means, Output, Target};
use super::store::entry::Artifact;
use super::store::{History, StoredResult};
use super::writes::{self, Writes, writes};

/// A target's step, with the contents of what it leaves, unless it has to run; or why it cannot be planned.
pub(super) type Judged = Result<(Step, Option<Contents>), Vec<PlanError>>;

/// Judges one target; `known` gives the content of an artifact that it reads.
pub(crate) fn judge(
    inputs: VerdictInputs<'_>,
    id: TargetId,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
    force: bool,
) -> Judged {
    let history = inputs.past.histories(&[inputs.graph.name(id)]).pop();
    judge_by(inputs, id, &history.unwrap_or_default(), known, force)
}

pub(super) fn judge_by(
    inputs: VerdictInputs<'_>,
    id: TargetId,
    history: &Arc<History>,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
    force: bool,
) -> Judged {
    let target = inputs.graph.target(id);
    let reads = reads_of(inputs, id, history);
    let (fingerprint, waits_for) = take_fingerprint(inputs, id, &reads, known)?;
    let hash = fingerprint.hash();
    let record = history.record();
    let mut artifacts = Vec::with_capacity(target.outputs.len());
    for output in &target.outputs {
        let recorded = record.and_then(|record| record.artifact(&output.port));
        let look = look_at(inputs.disk, &output.path, recorded).map_err(|error| {
            let path = output.path.clone();
            vec![PlanError::Unreadable {
                target: id,
                path,
                error,
            }]
        })?;
        artifacts.push((output.name.as_str(), output.path.as_str(), look));
    }
    // As long as an input is not known, what was used and has moved is reason enough.
    let same = record.filter(|record| hash.is_none_or(|hash| hash == record.declared));
    let discovered = same.map(|record| moved(inputs, target, record));
    let reasons = reason::diff(&Evidence {
        fingerprint: &fingerprint,
        hash,
        recorded: record.map(|record| record.declared),
        discovered: &discovered.unwrap_or_default(),
        recall: &|| inputs.past.result(record?.id)?.fingerprint,
        artifacts: &artifacts,
        forced: force,
        interrupted: history.interrupted(),
        unfinished: history.unfinished(),
    });
    let last = record.or(history.open());
    let mut contents = None;
    let verdict = if !reasons.is_empty() {
        let earlier = hash
            .filter(|_| !force)
            .and_then(|hash| restorable(inputs, target, history, hash))
            .filter(|_| !writes_a_source(inputs.graph, id));
        contents = earlier
            .as_ref()
            .map(|earlier| contents_of(inputs.disk, target, earlier, false));
        Verdict::Stale {
            reasons,
            restore: earlier.map(|earlier| Restorable {
                id: earlier.id,
                run: earlier.run,
            }),
        }
    } else if hash.is_none() {
        Verdict::Undecided
    } else {
        contents = record.map(|record| contents_of(inputs.disk, target, record, true));
        Verdict::Fresh
    };
    let fingerprint = (verdict != Verdict::Fresh).then(|| Box::new(fingerprint));
    let step = Step {
        target: id,
        declared: hash,
        fingerprint,
        verdict,
        waits_for,
        last: last.map(|last| Duration::from_millis(last.duration)),
        history: Arc::clone(history),
    };
    Ok((step, contents))
}

/// Compares what lies at an artifact's path with the record.
fn look_at(disk: &dyn Look, path: &str, recorded: Option<&Artifact>) -> io::Result<InPlace> {
    match disk.placed(path, recorded.map(|old| old.bytes)) {
        Ok(None) => Ok(InPlace::Missing),
        Ok(found) if found == recorded.map(|old| (old.bytes, old.kind)) => Ok(InPlace::Intact),
        Ok(_) => Ok(InPlace::Altered),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(InPlace::Altered),
        Err(error) => Err(error),
    }
}

/// What a record was seen to use and is not as it was; and that nobody has looked by the means that the target asks for.
fn moved(inputs: VerdictInputs<'_>, target: &Target, record: &StoredResult) -> Vec<Difference> {
    let word = |means: Option<Means>| Some(FieldValue::Text(means.map_or("off", Means::word).into()));
    let means = (!counts_for(target, record)).then(|| Difference {
        field: Field::Means,
        before: word(record.seen_by),
        after: word(target.discover),
    });
    means.into_iter().chain(Today::new(inputs).moved(record)).collect()
}

/// Whether what a result was seen to use was looked at by the means that a target asks for.
fn counts_for(target: &Target, result: &StoredResult) -> bool {
    match target.discover {
        // A result of which nothing was seen counts as far as it was declared.
        None | Some(Means::Python) => true,
        Some(Means::Depfile | Means::Trace) => result.seen_by == target.discover,
    }
}

/// The key under which an effect acts: the id of its result as far as it is known before the attempt.
pub(crate) fn effect_key(inputs: VerdictInputs<'_>, declared: Digest, record: Option<&StoredResult>) -> Digest {
    let used = record.map(|record| Today::new(inputs).of(record));
    let (discovered, installed) = used.unwrap_or_default();
    result_id(declared, &discovered, &installed)
}

/// What a result leaves; what links lead to is known only of artifacts that are in place.
fn contents_of(disk: &dyn Look, target: &Target, result: &StoredResult, in_place: bool) -> Contents {
    let content = |output: &Output| {
        let artifact = result.artifact(&output.port)?;
        match in_place || !holds_links(artifact) {
            true => content_in_place(disk, &output.path, artifact),
            false => None,
        }
    };
    target.outputs.iter().map(content).collect()
}

/// Whether an artifact is a directory with links that lead out of it.
fn holds_links(artifact: &Artifact) -> bool {
    artifact.kind == ArtifactKind::Directory && artifact.content != artifact.bytes
}

/// What those who read an artifact depend on: what its links lead to today, if it has any.
pub(crate) fn content_in_place(disk: &dyn Look, path: &str, artifact: &Artifact) -> Option<Digest> {
    match holds_links(artifact) {
        true => disk.content(path).ok().flatten().map(|(content, _)| content),
        false => Some(artifact.content),
    }
}

/// Whether a command says that it writes what is a source of another target: a restore would leave that as it is.
fn writes_a_source(graph: &Graph, id: TargetId) -> bool {
    let Action::Command(command) = &graph.target(id).action else {
        return false;
    };
    let named = writes::words(command);
    let mut sources = named.iter().filter(|word| graph.is_source_of_another(word, id));
    sources.any(|path| writes(command, path) == Writes::Yes)
}

/// The earlier result that may be put back for a declared fingerprint: never of an effect, which has to act; only a
/// commit of one that was cut short, after it had acted, is completed.
fn restorable(inputs: VerdictInputs<'_>, target: &Target, history: &History, declared: Digest) -> Option<StoredResult> {
    let path_of = |artifact: &Artifact| {
        let output = target.outputs.iter().find(|output| output.port == artifact.name)?;
        Some(output.path.as_str())
    };
    let in_place = |artifact: &Artifact| {
        let found = path_of(artifact).map(|path| inputs.disk.placed(path, Some(artifact.bytes)));
        found.and_then(Result::ok).flatten() == Some((artifact.bytes, artifact.kind))
    };
    let can_restore = |result: &StoredResult| {
        let is_today = counts_for(target, result) && Today::new(inputs).moved(result).is_empty();
        is_today && inputs.past.can_restore(result, &in_place)
    };
    if target.effect {
        let cut_short = history
            .open()
            .filter(|open| open.declared == declared && !history.unfinished());
        return cut_short.filter(|open| can_restore(open)).cloned();
    }
    let results = inputs.past.results_of(declared);
    let mut results = results.iter().map(StoredResult::new);
    // What an attempt used at which nobody looked, or of which Python told nothing, only others tell.
    let uses_more = results.clone().any(|result| !result.discovered.is_empty());
    let is_blind = |result: &StoredResult| {
        let is_told = matches!(result.seen_by, Some(Means::Depfile | Means::Trace)) || !result.installed.is_empty();
        target.discover.is_some() && uses_more && !is_told && result.discovered.is_empty()
    };
    results.find(|result| !result.effect && !is_blind(result) && can_restore(result))
}

#[cfg(test)]
mod tests;
