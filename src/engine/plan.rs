//! What would run, be restored or be kept, and why; made without running or writing anything.
//!
//! [`judge`] looks at one target. A plan asks it for every target that the goals need, in build order; a build asks it
//! again for each target when it is that target's turn, so the two cannot disagree about the same files.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::digest::Digest;
use super::files::Files;
use super::fingerprint::{self, ActionFields, Field, FieldValue, Fingerprint};
use super::graph::{ArtifactId, Graph, How, Read, TargetId};
use super::look::{Look, Past};
use super::reason::{self, Difference, Evidence, InPlace, Reason};
use super::result_id::{Discovered, result_id};
use super::run_id::RunId;
use super::spec::{Action, ArtifactKind, Output, Span, Target, Value};
use super::store::entry::Artifact;
use super::store::{History, Store, StoredResult};
use super::task::Tasks;

/// What plans are made from.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// The targets.
    pub graph: &'a Graph,
    /// What was built.
    pub store: &'a Store,
    /// The disk.
    pub files: &'a Files,
    /// The environment of this program.
    pub env: &'a BTreeMap<String, String>,
    /// The built-in tasks.
    pub tasks: &'a Tasks,
}

/// Everything that a verdict looks at.
#[derive(Clone, Copy)]
pub struct VerdictInputs<'a> {
    /// The targets.
    pub graph: &'a Graph,
    /// What was built.
    pub past: &'a dyn Past,
    /// The disk and the clock.
    pub disk: &'a dyn Look,
    /// The environment of this program.
    pub env: &'a BTreeMap<String, String>,
    /// The built-in tasks.
    pub tasks: &'a Tasks,
}

impl<'a> PlanContext<'a> {
    /// What a verdict looks at.
    #[must_use]
    pub fn inputs(&self) -> VerdictInputs<'a> {
        VerdictInputs {
            graph: self.graph,
            past: self.store,
            disk: self.files,
            env: self.env,
            tasks: self.tasks,
        }
    }
}

/// The verdict of every target that some goals need.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The goals.
    pub goals: Vec<TargetId>,
    /// One step for each target, in build order.
    pub steps: Vec<Step>,
    /// When it was made.
    pub at: SystemTime,
}

/// The verdict of one target.
#[derive(Clone, Debug)]
pub struct Step {
    /// The target.
    pub target: TargetId,
    /// What its result depends on, as far as it is known.
    pub fingerprint: Fingerprint,
    /// Whether it is stale.
    pub verdict: Verdict,
    /// Targets that must run before all of its inputs are known; empty if they are.
    pub waits_for: Vec<TargetId>,
    /// How long its last successful attempt took.
    pub last: Option<Duration>,
    /// What is known of its past.
    pub history: Arc<History>,
}

/// Whether a target is stale.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Everything is as it was when the record was made.
    Fresh,
    /// Something is not, or nothing was made yet.
    Stale {
        /// All reasons.
        reasons: Vec<Reason>,
        /// The earlier result that can be put back instead of running.
        restore: Option<Earlier>,
    },
    /// Nothing is known to have changed, but something that it needs must run first.
    Undecided,
}

/// An earlier result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its id.
    pub id: Digest,
    /// The run that made it.
    pub run: RunId,
}

impl Plan {
    /// The step of a target.
    #[must_use]
    pub fn step(&self, target: TargetId) -> Option<&Step> {
        self.steps.iter().find(|step| step.target == target)
    }

    /// The targets that are not fresh, in build order.
    pub fn open(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.verdict != Verdict::Fresh)
    }
}

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A source that a goal needs is not there.
    #[error("`{path}` does not exist, and no target makes it")]
    MissingSource {
        /// The target that reads it.
        target: TargetId,
        /// Its path.
        path: String,
        /// Where it is written.
        span: Span,
    },
    /// A glob of a target that a goal needs matches no file.
    #[error("the glob `{pattern}` matches no file")]
    Unmatched {
        /// The target that reads what it matches.
        target: TargetId,
        /// The pattern.
        pattern: String,
        /// Where it is written.
        span: Span,
    },
    /// Something that must be read cannot be.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// The target that reads or makes it.
        target: TargetId,
        /// Its path.
        path: String,
        /// What the system said.
        error: io::Error,
    },
}

impl PlanError {
    /// The target that cannot be planned.
    #[must_use]
    pub fn target(&self) -> TargetId {
        match self {
            Self::MissingSource { target, .. } | Self::Unmatched { target, .. } | Self::Unreadable { target, .. } => {
                *target
            }
        }
    }
}

/// Makes the plan for some goals; with `force`, everything that they need is stale.
///
/// # Errors
/// Every source that is missing or cannot be read.
pub fn plan(inputs: VerdictInputs<'_>, goals: &[TargetId], force: bool) -> Result<Plan, Vec<PlanError>> {
    plan_with(inputs, goals, &|_| force)
}

/// As [`plan`]; `force` says of each target whether it is stale in any case.
///
/// # Errors
/// Every source that is missing or cannot be read.
pub fn plan_with(
    inputs: VerdictInputs<'_>,
    goals: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Result<Plan, Vec<PlanError>> {
    let needed = inputs.graph.needed(goals);
    look_ahead(inputs, &needed);
    let judged_optimistically = judge_optimistically(inputs, &needed, force);
    let mut errors = Vec::new();
    let mut steps = Vec::with_capacity(needed.len());
    let mut is_fresh = vec![false; inputs.graph.order().len()];
    // Content digests of what each target leaves, where that is known.
    let mut contents: Vec<Option<Contents>> = vec![None; inputs.graph.order().len()];
    for (id, optimistic) in needed.into_iter().zip(judged_optimistically) {
        let known = |artifact: ArtifactId| {
            let contents = contents[artifact.target.index()].as_ref()?;
            contents.get(artifact.output as usize).copied().flatten()
        };
        let holds = inputs.graph.node(id).needs.iter().all(|need| is_fresh[need.index()]);
        let judged = match holds {
            true => optimistic,
            false => judge(inputs, id, &known, force(id)),
        };
        match judged {
            Ok((step, left)) => {
                is_fresh[id.index()] = step.verdict == Verdict::Fresh;
                contents[id.index()] = left;
                steps.push(step);
            }
            Err(found) => errors.extend(found),
        }
    }
    inputs.disk.forget_looks();
    if errors.is_empty() {
        Ok(Plan {
            goals: goals.to_vec(),
            steps,
            at: inputs.disk.now(),
        })
    } else {
        Err(errors)
    }
}

/// Content digests of a target's outputs, in their order.
pub(crate) type Contents = Vec<Option<Digest>>;

/// Takes a look at every path of some targets, all at once.
fn look_ahead(inputs: VerdictInputs<'_>, targets: &[TargetId]) {
    let graph = inputs.graph;
    let mut paths: Vec<&str> = Vec::with_capacity(2 * targets.len());
    for id in targets {
        let sources = graph.node(*id).reads.iter().filter(|read| read.artifact.is_none());
        paths.extend(sources.map(|read| read.path.as_str()));
        paths.extend(graph.target(*id).outputs.iter().map(|output| output.path.as_str()));
    }
    let mut seen = HashSet::with_capacity(paths.len());
    paths.retain(|path| seen.insert(*path));
    inputs.disk.look_ahead(&paths);
}

/// Judges all targets side by side, each as if what it needs were fresh: most often it is.
fn judge_optimistically(
    inputs: VerdictInputs<'_>,
    targets: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Vec<Judged> {
    let names: Vec<&str> = targets.iter().map(|id| inputs.graph.name(*id)).collect();
    let mut histories: Vec<Arc<History>> = vec![Arc::default(); inputs.graph.order().len()];
    for (id, history) in targets.iter().zip(inputs.past.histories(&names)) {
        histories[id.index()] = history;
    }
    let recorded = |artifact: ArtifactId| {
        let port = inputs.graph.port(artifact);
        let record = histories[artifact.target.index()].record()?;
        content_in_place(inputs.disk, inputs.graph.path(artifact), record.artifact(port)?)
    };
    targets
        .par_iter()
        .with_min_len(64)
        .map(|id| judge_by(inputs, *id, &histories[id.index()], &recorded, force(*id)))
        .collect()
}

/// A target's step, with the contents of what it leaves, unless it has to run; or why it cannot be planned.
type Judged = Result<(Step, Option<Contents>), Vec<PlanError>>;

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

fn judge_by(
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
    let same = record.filter(|record| hash == Some(record.declared));
    let discovered = same.map(|record| moved(inputs.disk, inputs.graph, &record.discovered));
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
            .and_then(|hash| restorable(inputs, target, history, hash));
        contents = earlier
            .as_ref()
            .map(|earlier| contents_of(inputs.disk, target, earlier, false));
        Verdict::Stale {
            reasons,
            restore: earlier.map(|earlier| Earlier {
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
    let step = Step {
        target: id,
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

/// Those of some discovered inputs that are not as they were.
fn moved(disk: &dyn Look, graph: &Graph, discovered: &[Discovered]) -> Vec<Difference> {
    let value = |content: Option<Digest>| Some(content.map_or(FieldValue::Absent, FieldValue::Digest));
    let difference = |before: &Discovered| {
        let now = today(disk, graph, &before.path);
        (now != before.content).then(|| Difference {
            field: Field::Discovered(before.path.clone()),
            before: value(before.content),
            after: value(now),
        })
    };
    discovered.iter().filter_map(difference).collect()
}

/// What is at a path that an attempt was seen to use; what cannot be read counts as not there.
fn today(disk: &dyn Look, graph: &Graph, path: &str) -> Option<Digest> {
    disk.source(path, graph.ignore())
        .ok()
        .flatten()
        .map(|(digest, _)| digest)
}

/// The key under which an effect acts: the id of its result as far as it is known before the attempt.
pub(crate) fn effect_key(inputs: VerdictInputs<'_>, declared: Digest, record: Option<&StoredResult>) -> Digest {
    let used = record.into_iter().flat_map(|record| &record.discovered);
    let discovered: Vec<Discovered> = used
        .map(|used| Discovered {
            path: used.path.clone(),
            content: today(inputs.disk, inputs.graph, &used.path),
        })
        .collect();
    result_id(declared, &discovered)
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

/// What a target reads, without the words of its command that the command was seen to write itself.
///
/// Such a word counts again once something else than a run of the target left it as it is.
pub(crate) fn reads_of<'g>(inputs: VerdictInputs<'g>, id: TargetId, history: &History) -> Vec<&'g Read> {
    let reads = inputs.graph.node(id).reads.iter();
    let left = history.written();
    if left.is_empty() {
        return reads.collect();
    }
    let is_written = |read: &&Read| {
        read.how == How::Word
            && read.artifact.is_none()
            && left
                .iter()
                .any(|(path, digest)| *path == read.path && today(inputs.disk, inputs.graph, path) == Some(*digest))
    };
    reads.filter(|read| !is_written(read)).collect()
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
        let is_today = moved(inputs.disk, inputs.graph, &result.discovered).is_empty();
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
    results.find(|result| !result.effect && can_restore(result))
}

/// Gathers everything that a target's result depends on; also tells who must run before all of it is known.
pub(crate) fn take_fingerprint(
    context: VerdictInputs<'_>,
    id: TargetId,
    reads: &[&Read],
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
) -> Result<(Fingerprint, Vec<TargetId>), Vec<PlanError>> {
    let target = context.graph.target(id);
    let unmatched = context.graph.node(id).unmatched.iter();
    let mut errors: Vec<PlanError> = unmatched
        .map(|glob| PlanError::Unmatched {
            target: id,
            pattern: glob.pattern.clone(),
            span: glob.span,
        })
        .collect();
    let mut waits_for = Vec::new();
    let mut inputs = Vec::with_capacity(reads.len());
    let is_command = matches!(target.action, Action::Command(_));
    for read in reads {
        let digest = match read.artifact {
            Some(artifact) => {
                let digest = known(artifact);
                if digest.is_none() {
                    waits_for.push(artifact.target);
                }
                digest
            }
            None => match context.disk.source(&read.path, context.graph.ignore_of(read)) {
                Ok(Some((digest, _))) => Some(digest),
                Ok(None) => {
                    let (path, span) = (read.path.clone(), read.span);
                    errors.push(PlanError::MissingSource { target: id, path, span });
                    None
                }
                Err(error) => {
                    let path = read.path.clone();
                    errors.push(PlanError::Unreadable {
                        target: id,
                        path,
                        error,
                    });
                    None
                }
            },
        };
        inputs.push(fingerprint::InputField {
            role: read.role.clone(),
            path: is_command.then(|| read.path.clone()),
            content: digest,
        });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if !is_command {
        inputs = by_role(inputs);
    }
    waits_for.sort_unstable();
    waits_for.dedup();
    // A path among the parameters counts through what stands there.
    let values = target
        .params
        .iter()
        .filter(|param| !matches!(param.value, Value::Path(_)));
    let env = |name: &String| {
        (
            name.clone(),
            context.env.get(name).map(|value| Digest::of(value.as_bytes())),
        )
    };
    let outputs = target.outputs.iter().map(|output| fingerprint::OutputField {
        port: output.port.clone(),
        kind: output.kind,
        path: is_command.then(|| output.path.clone()),
    });
    let fingerprint = Fingerprint {
        format: fingerprint::FORMAT,
        action: action_fields(context.tasks, target),
        params: values.map(|param| (param.name.clone(), param.value.clone())).collect(),
        inputs,
        env: target.env.iter().map(env).collect(),
        probe: None,
        outputs: outputs.collect(),
    };
    Ok((fingerprint, waits_for))
}

/// What a target does, as far as its result depends on it.
fn action_fields(tasks: &Tasks, target: &Target) -> ActionFields {
    match &target.action {
        Action::Builtin { task, version } => {
            let params: BTreeMap<String, Value> = target
                .params
                .iter()
                .map(|param| (param.name.clone(), param.value.clone()))
                .collect();
            let parts = tasks.get(task).map(|task| task.parts(&params)).unwrap_or_default();
            ActionFields::Builtin {
                name: task.clone(),
                version: *version,
                parts: parts.into_iter().map(|part| (part.name, part.version)).collect(),
            }
        }
        Action::Command(command) => match &command.shell {
            Some(shell) => ActionFields::Shell {
                text: command.text(),
                shell: shell.clone(),
            },
            None => ActionFields::Words {
                words: command.words.iter().map(|word| word.text.clone()).collect(),
            },
        },
    }
}

/// A built-in knows its inputs by role alone; several files of one role count as one.
fn by_role(mut inputs: Vec<fingerprint::InputField>) -> Vec<fingerprint::InputField> {
    inputs.sort_by(|a, b| a.role.cmp(&b.role));
    let mut merged: Vec<fingerprint::InputField> = Vec::with_capacity(inputs.len());
    for input in inputs {
        match merged.last_mut() {
            Some(last) if last.role == input.role => {
                let both = last.content.zip(input.content);
                last.content = both.map(|(one, two)| Digest::of(format!("{one} {two}").as_bytes()));
            }
            _ => merged.push(input),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
