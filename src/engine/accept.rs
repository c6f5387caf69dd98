//! Takes a target for fresh since the user says so, until something changes again.
//!
//! The result in place stays the result of what it was made from: nothing is restored by what was accepted, and no
//! artifact becomes atsaf's own by it. It is a mark on the record, with what is declared and what lies in place at that
//! moment.

use std::io;

use super::clock;
use super::discover::Today;
use super::graph::TargetId;
use super::look::Look as _;
use super::plan::{self, Note, PlanContext, PlanError, Step, Verdict};
use super::reason::Reason;
use super::run_id::RunId;
use super::spec::Output;
use super::store::entry::{Acceptance, Artifact, Entry, Mode};
use super::store::{Holder, StoreError, StoredResult};

/// What became of a target that the user wants to be taken for fresh.
#[derive(Debug)]
pub enum Accepting {
    /// It is accepted; these reasons count no longer.
    Accepted {
        /// Why it was stale, or would have been.
        reasons: Vec<Reason>,
    },
    /// It is fresh, so there is nothing to accept.
    IsFresh,
    /// It cannot be accepted.
    Refused(Refusal),
}

/// Why a target cannot be taken for fresh.
#[derive(Debug)]
pub enum Refusal {
    /// It was never built: there is no result.
    NeverBuilt,
    /// A build was cut short while it placed the artifacts.
    CutShort,
    /// An artifact is not there.
    Missing {
        /// Its path.
        path: String,
    },
    /// At an artifact's path stands something of another kind.
    OtherKind {
        /// Its path.
        path: String,
    },
    /// What it reads is not fresh itself.
    Needs(Vec<TargetId>),
    /// A build is at it.
    Busy(Holder),
}

/// Why nothing could be accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Its state is not known.
    #[error("no plan can be made")]
    Plan(Vec<PlanError>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes targets for fresh, one after the other in build order, for a reason in the user's words.
///
/// # Errors
/// [`AcceptError`] if a plan cannot be made or the store cannot be used; what was accepted before that is accepted.
pub fn accept(
    context: PlanContext<'_>,
    targets: &[TargetId],
    why: &str,
) -> Result<Vec<(TargetId, Accepting)>, AcceptError> {
    let PlanContext { graph, store, .. } = context;
    store.prepare()?;
    let run = RunId::new();
    let mut order = graph.needed(targets);
    order.retain(|id| targets.contains(id));
    let mut told = Vec::with_capacity(order.len());
    for id in order {
        told.push((id, one(context, id, why, run)?));
    }
    store.finish(context.files, &graph.spec)?;
    Ok(told)
}

fn one(context: PlanContext<'_>, id: TargetId, why: &str, run: RunId) -> Result<Accepting, AcceptError> {
    let PlanContext { graph, store, .. } = context;
    let needs: Vec<&str> = graph.node(id).needs.iter().map(|need| graph.name(*need)).collect();
    let _held = match store.lock(graph.name(id), &needs, run)? {
        Ok(held) => held,
        Err(holder) => return Ok(Accepting::Refused(Refusal::Busy(holder))),
    };
    store.records.refresh()?;
    let plan = plan::plan(context.inputs(), &[id], false).map_err(AcceptError::Plan)?;
    let Some(step) = plan.step(id) else {
        return Ok(Accepting::IsFresh);
    };
    let acceptance = match found(context, step, why, run) {
        Ok(Some(acceptance)) => acceptance,
        Ok(None) => return Ok(Accepting::IsFresh),
        Err(refusal) => return Ok(Accepting::Refused(refusal)),
    };
    let reasons = step.verdict.reasons().to_vec();
    store.records.append(&[Entry::Accepted {
        target: graph.name(id).to_owned(),
        acceptance: Box::new(acceptance),
    }])?;
    Ok(Accepting::Accepted { reasons })
}

/// What is to be accepted; nothing of what is fresh by itself.
fn found(context: PlanContext<'_>, step: &Step, why: &str, run: RunId) -> Result<Option<Acceptance>, Refusal> {
    let at = clock::milliseconds_of(context.files.now());
    if let (Verdict::Fresh, accepted) = (&step.verdict, step.history.accepted()) {
        let accepted = accepted.filter(|_| step.note == Some(Note::Accepted));
        return Ok(accepted.map(|accepted| Acceptance {
            run,
            why: why.to_owned(),
            at,
            ..accepted.clone()
        }));
    }
    let record = step.history.record().ok_or(Refusal::NeverBuilt)?;
    if step.history.interrupted() {
        return Err(Refusal::CutShort);
    }
    if !step.waits_for.is_empty() {
        return Err(Refusal::Needs(step.waits_for.clone()));
    }
    let graph = context.graph;
    let outputs = graph.target(step.target).outputs.iter();
    let artifacts = outputs.map(|output| in_place(context, output, record));
    let artifacts = artifacts.collect::<Result<Vec<Artifact>, Refusal>>()?;
    let declared = step.fingerprint.as_ref().and_then(|fingerprint| fingerprint.hash());
    let declared = declared.ok_or_else(|| Refusal::Needs(Vec::new()))?;
    let (discovered, installed) = Today::new(context.inputs()).of(record);
    Ok(Some(Acceptance {
        run,
        why: why.to_owned(),
        id: record.id,
        declared,
        discovered,
        installed,
        artifacts,
        at,
    }))
}

/// An artifact as it lies in its place: as the record has it, or as somebody has left it.
fn in_place(context: PlanContext<'_>, output: &Output, record: &StoredResult) -> Result<Artifact, Refusal> {
    let path = || output.path.clone();
    let files = context.files;
    let recorded = record.artifact(&output.port);
    let unreadable = |_: io::Error| Refusal::OtherKind {
        path: path().to_string(),
    };
    let found = files.digest_beside(&output.path, recorded.map(|old| old.bytes));
    let (bytes, kind) = found.map_err(unreadable)?.ok_or_else(|| Refusal::Missing {
        path: path().to_string(),
    })?;
    if kind != output.kind {
        return Err(Refusal::OtherKind {
            path: path().to_string(),
        });
    }
    if let Some(same) = recorded.filter(|old| (old.bytes, old.kind) == (bytes, kind)) {
        return Ok(Artifact {
            path: path(),
            ..same.clone()
        });
    }
    let followed = files.content(&output.path).map_err(unreadable)?;
    let (followed, _) = followed.ok_or_else(|| Refusal::Missing {
        path: path().to_string(),
    })?;
    Ok(Artifact {
        name: output.port.clone(),
        path: path(),
        kind,
        content: followed,
        bytes,
        object: None,
        mode: Mode::Plain,
        size: files.at(&output.path).metadata().map_or(0, |it| it.len()),
        run: record.run,
    })
}
