//! The verdict of one target: fresh, stale or undecided, and what it leaves to those that read it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::dependencies::{reads_of, take_fingerprint};
use super::digest::Digest;
use super::discover::Today;
use super::fingerprint::{Field, FieldValue, Fingerprint};
use super::graph::{ArtifactId, Graph, TargetId};
use super::look::Look;
use super::plan::{Contents, Note, PlanError, Restorable, Step, Verdict, VerdictInputs};
use super::reason::{self, Difference, Evidence, InPlace, Reason};
use super::result_id::result_id;
use super::spec::{Action, ArtifactKind, Means, Output, Target};
use super::store::entry::{Artifact, ResultEntry};
use super::store::{History, StoredResult};
use super::timing::{Timed, are_new_data};
use super::writes::{self, Writes, writes};

/// Why a target is to run although nothing that it depends on may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It is not.
    Nothing,
    /// It is forced to.
    Forced,
    /// A target that has to run reads its artifacts, should they be gone.
    NeededBy(TargetId),
}

impl Demand {
    pub(crate) fn of(force: bool, needed_by: Option<TargetId>) -> Self {
        match (force, needed_by) {
            (true, _) => Self::Forced,
            (false, Some(reader)) => Self::NeededBy(reader),
            (false, None) => Self::Nothing,
        }
    }
}

/// A target's step, with the contents of what it leaves, unless it has to run; or why it cannot be planned.
pub(super) type Judged = Result<(Step, Option<Contents>), Vec<PlanError>>;

/// Judges one target; `known` gives the content of an artifact that it reads.
pub(crate) fn judge(
    inputs: VerdictInputs<'_>,
    id: TargetId,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
    demand: Demand,
) -> Judged {
    let history = inputs.past.histories(&[inputs.graph.name(id)]).pop();
    judge_by(inputs, id, &history.unwrap_or_default(), known, demand)
}

pub(super) fn judge_by(
    inputs: VerdictInputs<'_>,
    id: TargetId,
    history: &Arc<History>,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
    demand: Demand,
) -> Judged {
    let force = demand == Demand::Forced;
    let target = inputs.graph.target(id);
    let timed = Timed::of(inputs, id, history);
    let reads = reads_of(inputs, id, history);
    let (mut fingerprint, waits_for) = take_fingerprint(inputs, id, &reads, known)?;
    let record = history.record();
    fingerprint.probe = match timed.is_left_aside() {
        // A result stands for what it was made of.
        true => record.and_then(|record| inputs.past.result(record.id)?.fingerprint?.probe),
        false => timed.answer().map(str::to_owned),
    };
    let today = fingerprint.hash();
    let case = Case {
        inputs,
        id,
        history,
        fingerprint: &fingerprint,
        today,
        hash: today.filter(|_| !timed.has_to_ask()),
        demand,
        timed: &timed,
    };
    let mut finding = case.by_record()?;
    if finding.is_open()
        && let Some(accepted) = case.by_acceptance()?
        && accepted.reasons.is_empty()
    {
        finding = accepted;
    }
    let Finding {
        mut reasons,
        asks,
        accepted,
        since,
        gone,
    } = finding;
    // A plan keeps those of all its targets, and most have one.
    reasons.shrink_to_fit();
    let mut contents = None;
    let in_place = accepted.as_ref().or(record);
    let held = record
        .filter(|_| !reasons.is_empty() && are_new_data(inputs, id, &reasons))
        .and_then(|record| timed.held_until(record));
    let verdict = if let Some(until) = held {
        contents = record.map(|record| contents_of(inputs.disk, target, record, true));
        Verdict::Held { until, reasons }
    } else if !reasons.is_empty() {
        let earlier = case
            .hash
            .filter(|_| !force)
            .and_then(|hash| restorable(inputs, target, history, hash, &timed))
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
    } else if today.is_none() || asks.is_some() {
        Verdict::Undecided
    } else {
        contents = in_place.map(|result| contents_of(inputs.disk, target, result, true));
        Verdict::Fresh
    };
    let deadline = match &verdict {
        Verdict::Held { until, .. } => Some(*until),
        Verdict::Fresh => since.and_then(|since| timed.deadline(since)),
        Verdict::Stale { .. } | Verdict::Undecided => None,
    };
    let note = match accepted.is_some() && verdict == Verdict::Fresh {
        true => Some(Note::Accepted),
        false => asks.filter(|_| verdict == Verdict::Undecided),
    };
    let hash = case.hash;
    let is_kept = inputs.keeps_fingerprints && verdict != Verdict::Fresh;
    let fingerprint = is_kept.then(|| Box::new(fingerprint));
    let step = Step {
        target: id,
        declared: hash,
        fingerprint,
        verdict,
        waits_for,
        note,
        deadline,
        last: record
            .or(history.open())
            .map(|last| Duration::from_millis(last.duration)),
        history: Arc::clone(history),
        is_gone: gone.is_gone,
        needed_by: gone.needed_by,
    };
    Ok((step, contents))
}

/// One target, with all that its verdict depends on.
struct Case<'a> {
    inputs: VerdictInputs<'a>,
    id: TargetId,
    history: &'a History,
    fingerprint: &'a Fingerprint,
    /// The hash of what is declared, if all inputs are known.
    today: Option<Digest>,
    /// The same, if the probe was asked as well.
    hash: Option<Digest>,
    demand: Demand,
    timed: &'a Timed<'a>,
}

/// What is found against one idea of what is in place.
struct Finding {
    reasons: Vec<Reason>,
    /// Why the outside world has to be asked.
    asks: Option<Note>,
    /// The result as the user took it for fresh, if that is the idea.
    accepted: Option<StoredResult>,
    /// From when on it counts.
    since: Option<SystemTime>,
    gone: Gone,
}

/// What is gone of a target's artifacts, and may be: all that reads them was built.
#[derive(Clone, Copy, Default)]
struct Gone {
    is_gone: bool,
    /// The target for which they are made again.
    needed_by: Option<TargetId>,
}

impl Finding {
    fn is_open(&self) -> bool {
        !self.reasons.is_empty() || self.asks.is_some()
    }
}

impl Case<'_> {
    /// Against the result that is in place.
    fn by_record(&self) -> Result<Finding, Vec<PlanError>> {
        let Self { history, timed, .. } = *self;
        let record = history.record();
        let since = record.map(|record| timed.since(record));
        let (mut reasons, gone) =
            self.reasons_against(record, self.hash, &|| self.inputs.past.result(record?.id)?.fingerprint)?;
        if timed.has_to_ask() {
            // What it would answer is not known: that it is asked no longer is no reason.
            reasons.retain(|reason| !reason.is_answer());
        }
        reasons.extend(since.and_then(|since| timed.too_old(since)));
        let asks = match timed.has_to_ask() {
            true => record.map(|_| Note::NotAsked),
            false => since.and_then(|since| timed.passed(since)).map(Note::OlderThan),
        };
        Ok(Finding {
            reasons,
            asks,
            accepted: None,
            since,
            gone,
        })
    }

    /// Against what the user has taken for fresh, if that is so.
    fn by_acceptance(&self) -> Result<Option<Finding>, Vec<PlanError>> {
        let Self { history, timed, .. } = *self;
        let Some((acceptance, record)) = history.accepted().zip(history.record()) else {
            return Ok(None);
        };
        let accepted = StoredResult {
            declared: acceptance.declared,
            discovered: acceptance.discovered.clone(),
            installed: acceptance.installed.clone(),
            artifacts: acceptance.artifacts.clone(),
            // By the user's word, by which means it was looked is no reason.
            seen_by: self.inputs.graph.target(self.id).settings.discover,
            ..record.clone()
        };
        let since = timed.since_accepted(acceptance);
        let (mut reasons, gone) = self.reasons_against(Some(&accepted), self.today, &|| None)?;
        reasons.extend(timed.too_old(since));
        Ok(Some(Finding {
            reasons,
            asks: timed.passed(since).map(Note::OlderThan),
            accepted: Some(accepted),
            since: Some(since),
            gone,
        }))
    }

    /// All reasons against one idea of what is in place.
    fn reasons_against(
        &self,
        result: Option<&StoredResult>,
        hash: Option<Digest>,
        recall: &dyn Fn() -> Option<Fingerprint>,
    ) -> Result<(Vec<Reason>, Gone), Vec<PlanError>> {
        let VerdictInputs { graph, disk, .. } = self.inputs;
        let target = graph.target(self.id);
        let mut artifacts = Vec::with_capacity(target.outputs.len());
        let mut gone = Gone::default();
        for output in &target.outputs {
            let recorded = result.and_then(|result| result.artifact(&output.port));
            let look = look_at(disk, &output.path, recorded).map_err(|error| {
                let path = output.path.clone();
                vec![PlanError::Unreadable {
                    target: self.id,
                    path: path.to_string(),
                    error,
                }]
            })?;
            // What may go once it is read tells nothing by its absence. What links lead to is known only in its place.
            let may_be_gone = target.settings.temp && recorded.is_some_and(|recorded| !holds_links(recorded));
            let is_absent = may_be_gone && look == InPlace::Missing;
            gone.is_gone |= is_absent;
            let look = if is_absent { InPlace::Intact } else { look };
            artifacts.push((output.name.as_str(), output.path.as_str(), look));
        }
        if let Demand::NeededBy(reader) = self.demand
            && gone.is_gone
        {
            gone.needed_by = Some(reader);
        }
        // As long as an input is not known, what was used and has moved is reason enough.
        let same = result.filter(|result| hash.is_none_or(|hash| hash == result.declared));
        let discovered = same.map(|result| moved(self.inputs, target, result));
        let reasons = reason::diff(&Evidence {
            fingerprint: self.fingerprint,
            hash,
            recorded: result.map(|result| result.declared),
            discovered: &discovered.unwrap_or_default(),
            recall,
            artifacts: &artifacts,
            forced: self.demand == Demand::Forced,
            interrupted: self.history.interrupted(),
            unfinished: self.history.unfinished(),
            needed_by: gone.needed_by.map(|reader| match reader == self.id {
                true => "this command, which asks for it alone",
                false => graph.name(reader),
            }),
        });
        Ok((reasons, gone))
    }
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
        after: word(target.settings.discover),
    });
    means.into_iter().chain(Today::new(inputs).moved(record)).collect()
}

/// Whether what a result was seen to use was looked at by the means that a target asks for.
fn counts_for(target: &Target, result: &StoredResult) -> bool {
    match target.settings.discover {
        // A result of which nothing was seen counts as far as it was declared.
        None | Some(Means::Python) => true,
        Some(Means::Depfile | Means::Trace) => result.seen_by == target.settings.discover,
    }
}

/// The key under which an effect acts: that under which it acted before for the same, or else the expected id.
pub(crate) fn effect_key(inputs: VerdictInputs<'_>, declared: Digest, record: Option<&StoredResult>) -> Digest {
    let is_same = |result: &StoredResult| result.declared == declared && Today::new(inputs).moved(result).is_empty();
    let before = || {
        let earlier = inputs.past.results_of(declared);
        let mut earlier = earlier.iter().map(StoredResult::new);
        earlier.find(|result| result.effect_key.is_some() && is_same(result))
    };
    let same = record
        .filter(|record| is_same(record))
        .and_then(|record| record.effect_key);
    let acted_before = same.or_else(|| before()?.effect_key);
    acted_before.unwrap_or_else(|| expected_id(inputs, declared, record))
}

/// The id of a result as far as it is known before the attempt.
pub(crate) fn expected_id(inputs: VerdictInputs<'_>, declared: Digest, record: Option<&StoredResult>) -> Digest {
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
pub(super) fn holds_links(artifact: &Artifact) -> bool {
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
pub(crate) fn writes_a_source(graph: &Graph, id: TargetId) -> bool {
    let Action::Command(command) = &graph.target(id).action else {
        return false;
    };
    let named = writes::words(command);
    let mut sources = named.iter().filter(|word| graph.is_source_of_another(word, id));
    sources.any(|path| writes(command, path) == Writes::Yes)
}

/// The earlier result that may be put back for a declared fingerprint: never of an effect, which has to act; only a
/// commit of one that was cut short, after it had acted, is completed.
///
/// Never one that is too old, nor one whose probe has to be asked.
fn restorable(
    inputs: VerdictInputs<'_>,
    target: &Target,
    history: &History,
    declared: Digest,
    timed: &Timed<'_>,
) -> Option<StoredResult> {
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
        is_today && timed.allows(result) && inputs.past.can_restore(result, &in_place)
    };
    if target.settings.effect {
        let cut_short = history
            .open()
            .filter(|open| open.declared == declared && !history.unfinished());
        return cut_short.filter(|open| can_restore(open)).cloned();
    }
    let all = inputs.past.results_of(declared);
    let mut results = all.iter().map(StoredResult::new);
    results.find(|result| !result.effect && !is_blind(target, result, &all) && can_restore(result))
}

/// Whether a result does not say what its attempt used: of one at which nobody looked, or of which Python told nothing,
/// only others of the same declaration tell.
pub(crate) fn is_blind(target: &Target, result: &StoredResult, all: &[ResultEntry]) -> bool {
    let uses_more = || all.iter().any(|other| !other.discovered.is_empty());
    let is_told = matches!(result.seen_by, Some(Means::Depfile | Means::Trace)) || !result.installed.is_empty();
    target.settings.discover.is_some() && !is_told && result.discovered.is_empty() && uses_more()
}

#[cfg(test)]
mod tests;
