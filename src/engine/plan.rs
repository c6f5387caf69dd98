//! What would run, be restored or be kept, and why; made without running or writing anything.
//!
//! [`judge`] looks at one target. A plan asks it for every target that the goals need, in build order; a build asks it
//! again for each target when it is that target's turn, so the two cannot disagree about the same files.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::digest::Digest;
use super::files::Files;
use super::fingerprint::{self, Fingerprint};
use super::graph::{ArtifactId, Graph, TargetId};
use super::reason::{self, Evidence, InPlace, Reason};
use super::spec::{Action, Span, Value};
use super::store::{History, Store, StoredResult};
use super::task::Tasks;

/// Everything that a verdict looks at.
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

/// The verdict of every target that some goals need.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The goals.
    pub goals: Vec<TargetId>,
    /// One step for each target, in build order.
    pub steps: Vec<Step>,
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
}

/// Whether a target is stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is as it was when the record was made.
    Fresh,
    /// Something is not, or nothing was made yet.
    Stale {
        /// All reasons.
        reasons: Vec<Reason>,
        /// The fingerprint hash of the earlier result that can be put back instead of running.
        restore: Option<Digest>,
    },
    /// Nothing is known to have changed, but something that it needs must run first.
    Undecided,
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
pub fn plan(context: PlanContext<'_>, goals: &[TargetId], force: bool) -> Result<Plan, Vec<PlanError>> {
    plan_with(context, goals, &|_| force)
}

/// As [`plan`]; `force` says of each target whether it is stale in any evidence.
pub(crate) fn plan_with(
    context: PlanContext<'_>,
    goals: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Result<Plan, Vec<PlanError>> {
    let needed = context.graph.needed(goals);
    look_ahead(context, &needed);
    let judged_optimistically = judge_optimistically(context, &needed, force);
    let mut errors = Vec::new();
    let mut steps = Vec::with_capacity(needed.len());
    let mut is_fresh = vec![false; context.graph.order().len()];
    // Content digests of what each target leaves, where that is known.
    let mut contents: Vec<Option<Contents>> = vec![None; context.graph.order().len()];
    for (id, judged_optimistically) in needed.into_iter().zip(judged_optimistically) {
        let known = |artifact: ArtifactId| {
            let contents = contents[artifact.target.index()].as_ref()?;
            contents.get(artifact.output as usize).copied().flatten()
        };
        let holds = context.graph.node(id).needs.iter().all(|need| is_fresh[need.index()]);
        let judged = match holds {
            true => judged_optimistically,
            false => judge(context, id, &known, force(id)),
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
    context.files.forget_looks();
    if errors.is_empty() {
        let goals = goals.to_vec();
        Ok(Plan { goals, steps })
    } else {
        Err(errors)
    }
}

/// Content digests of a target's outputs, in their order.
pub(crate) type Contents = Vec<Option<Digest>>;

/// Takes a look at every path of some targets, all at once.
fn look_ahead(context: PlanContext<'_>, targets: &[TargetId]) {
    let mut paths: Vec<&str> = Vec::with_capacity(2 * targets.len());
    for id in targets {
        let sources = context
            .graph
            .node(*id)
            .reads
            .iter()
            .filter(|read| read.artifact.is_none());
        paths.extend(sources.map(|read| read.path.as_str()));
        paths.extend(
            context
                .graph
                .target(*id)
                .outputs
                .iter()
                .map(|output| output.path.as_str()),
        );
    }
    let mut seen = HashSet::with_capacity(paths.len());
    paths.retain(|path| seen.insert(*path));
    context.files.look_ahead(&paths);
}

/// Judges all targets side by side, each as if what it needs were fresh: most often it is.
fn judge_optimistically(
    context: PlanContext<'_>,
    targets: &[TargetId],
    force: &(dyn Fn(TargetId) -> bool + Sync),
) -> Vec<Judged> {
    let mut histories: Vec<Arc<History>> = vec![Arc::default(); context.graph.order().len()];
    context.store.ledger(|ledger| {
        for id in targets {
            if let Some(history) = ledger.target(context.graph.name(*id)) {
                histories[id.index()] = Arc::clone(history);
            }
        }
    });
    let recorded = |artifact: ArtifactId| {
        let port = context.graph.port(artifact);
        let record = histories[artifact.target.index()].record()?;
        record.artifact(port).map(|artifact| artifact.content)
    };
    targets
        .par_iter()
        .with_min_len(64)
        .map(|id| judge_by(context, *id, &histories[id.index()], &recorded, force(*id)))
        .collect()
}

/// A target's step, with the contents of what it leaves, unless it has to run; or why it cannot be planned.
type Judged = Result<(Step, Option<Contents>), Vec<PlanError>>;

/// Judges one target; `known` gives the content of an artifact that it reads.
pub(crate) fn judge(
    context: PlanContext<'_>,
    id: TargetId,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
    force: bool,
) -> Judged {
    let name = context.graph.name(id);
    let history = context.store.ledger(|ledger| ledger.target(name).cloned());
    judge_by(context, id, &history.unwrap_or_default(), known, force)
}

fn judge_by(
    context: PlanContext<'_>,
    id: TargetId,
    history: &History,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
    force: bool,
) -> Judged {
    let target = context.graph.target(id);
    let (fingerprint, waits_for) = take_fingerprint(context, id, known)?;
    let hash = fingerprint.hash();
    let record = history.record();
    let mut artifacts = Vec::with_capacity(target.outputs.len());
    for output in &target.outputs {
        let recorded = record.and_then(|past| past.artifact(&output.port));
        let look = match context.files.digest(&output.path) {
            Ok(None) => InPlace::Missing,
            Ok(found) if found == recorded.map(|old| (old.bytes, old.kind)) => InPlace::Intact,
            Ok(_) => InPlace::Altered,
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => InPlace::Altered,
            Err(error) => {
                let path = output.path.clone();
                return Err(vec![PlanError::Unreadable {
                    target: id,
                    path,
                    error,
                }]);
            }
        };
        artifacts.push((output.name.as_str(), output.path.as_str(), look));
    }
    let reasons = reason::diff(&Evidence {
        fingerprint: &fingerprint,
        hash,
        recorded: record.map(|past| past.hash),
        recall: &|| record.and_then(|past| context.store.fingerprint(past)),
        artifacts: &artifacts,
        forced: force,
        interrupted: history.interrupted(),
        unfinished: history.unfinished(),
    });
    let last = record
        .or(history.results().last())
        .map(|past| Duration::from_millis(past.duration));
    let mut contents = None;
    let verdict = if !reasons.is_empty() {
        let earlier = hash
            .filter(|_| !force)
            .and_then(|hash| restorable(context, id, history, hash));
        contents = earlier.map(|past| contents_of(context, id, past));
        Verdict::Stale {
            reasons,
            restore: earlier.map(|past| past.hash),
        }
    } else if hash.is_none() {
        Verdict::Undecided
    } else {
        contents = record.map(|past| contents_of(context, id, past));
        Verdict::Fresh
    };
    let step = Step {
        target: id,
        fingerprint,
        verdict,
        waits_for,
        last,
    };
    Ok((step, contents))
}

fn contents_of(context: PlanContext<'_>, id: TargetId, past: &StoredResult) -> Contents {
    let outputs = context.graph.target(id).outputs.iter();
    outputs
        .map(|output| Some(past.artifact(&output.port)?.content))
        .collect()
}

/// The earlier result that may be put back for a fingerprint: never of an effect, save while its record still holds
/// or when only its commit was cut short.
fn restorable<'a>(
    context: PlanContext<'_>,
    id: TargetId,
    history: &'a History,
    hash: Digest,
) -> Option<&'a StoredResult> {
    let target = context.graph.target(id);
    let past = history.result(hash)?;
    if target.effect {
        // A commit that was cut short acted out there after the record did.
        let last = history.open().or(history.record());
        if history.unfinished() || last.is_none_or(|last| last.at != past.at) {
            return None;
        }
    }
    let in_place = |artifact: &super::store::entry::Artifact| {
        let output = target.outputs.iter().find(|output| output.port == artifact.name);
        output.is_some_and(|output| {
            context.files.digest(&output.path).ok().flatten() == Some((artifact.bytes, artifact.kind))
        })
    };
    context.store.can_restore(past, &in_place).then_some(past)
}

/// Gathers everything that a target's result depends on; also tells who must run before all of it is known.
fn take_fingerprint(
    context: PlanContext<'_>,
    id: TargetId,
    known: &dyn Fn(ArtifactId) -> Option<Digest>,
) -> Result<(Fingerprint, Vec<TargetId>), Vec<PlanError>> {
    let target = context.graph.target(id);
    let reads = &context.graph.node(id).reads;
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
            None => match context.files.digest(&read.path) {
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
        inputs.push(fingerprint::Input {
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
    let task = match &target.action {
        Action::Builtin { task, version } => fingerprint::Task::Builtin {
            name: task.clone(),
            version: *version,
        },
        Action::Command(command) => fingerprint::Task::Command {
            text: command.text(),
            shell: command.shell.clone(),
        },
    };
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
    let outputs = target.outputs.iter().map(|output| fingerprint::Output {
        name: output.port.clone(),
        kind: output.kind,
        path: is_command.then(|| output.path.clone()),
    });
    let fingerprint = Fingerprint {
        format: fingerprint::FORMAT,
        task,
        params: values.map(|param| (param.name.clone(), param.value.clone())).collect(),
        inputs,
        env: target.env.iter().map(env).collect(),
        outputs: outputs.collect(),
    };
    Ok((fingerprint, waits_for))
}

/// A built-in knows its inputs by role alone; several files of one role count as one.
fn by_role(mut inputs: Vec<fingerprint::Input>) -> Vec<fingerprint::Input> {
    inputs.sort_by(|a, b| a.role.cmp(&b.role));
    let mut merged: Vec<fingerprint::Input> = Vec::with_capacity(inputs.len());
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

/// Role and path of everything that a target reads.
pub(crate) fn read_paths(graph: &Graph, id: TargetId) -> Vec<(String, String)> {
    let reads = graph.node(id).reads.iter();
    reads.map(|read| (read.role.clone(), read.path.clone())).collect()
}
