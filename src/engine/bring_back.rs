//! Brings back what an earlier run left of a target, since the user asks for it, whether it fits today or not.
//!
//! It goes the way of a restore: the copies are verified, what is about to lie there is written down, placed, and written
//! down as done. What then stands in the record is what the artifacts were made from, so a judgement compares that with
//! today, as ever. What a judgement would never restore is not brought back either: the record would say too much.

use std::collections::BTreeMap;
use std::time::Instant;

use super::clock;
use super::event::{Event, Failure, Observer, Outcome, Summary};
use super::graph::TargetId;
use super::judge;
use super::look::Past as _;
use super::plan::PlanContext;
use super::run_id::RunId;
use super::spec::Output;
use super::store::entry::{Artifact, Entry, ResultEntry, RunEntry};
use super::store::restore::RestoreRequest;
use super::store::{Displaced, Held, Holder, StoreError, StoredResult};
use super::survivors;
use crate::outward::Mask;

/// What is to come back.
pub struct BringBack<'a> {
    /// Targets, each with the result that an earlier run left.
    pub results: Vec<(TargetId, ResultEntry)>,
    /// The goals as the user wrote them, for the journal.
    pub asked: Vec<String>,
    /// Parameters set on the command line, for the journal.
    pub set: Vec<(String, String)>,
    /// Hides secrets.
    pub mask: &'a Mask,
}

/// Why a result cannot be brought back.
#[derive(Debug)]
pub enum Refusal {
    /// It acted outside the project, which no copy repeats.
    Effect,
    /// Its command writes a source of another target, of which there is no copy.
    WritesSource,
    /// Nobody looked at what it used, and others of the same declaration used more.
    Blind,
    /// The target has other outputs by now: this one was not among those of then.
    OtherOutputs(String),
    /// The store has no copy of this output any more.
    Gone(String),
    /// A build is at it.
    Busy(Holder),
}

/// Why nothing was brought back.
#[derive(Debug, thiserror::Error)]
pub enum BringBackError {
    /// These cannot be.
    #[error("not all can be brought back")]
    Refused(Vec<(TargetId, Refusal)>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings back all or, if one of them is refused, none; tells `observer` what became of each. What lies in its place as it
/// was then stays, and is not told.
///
/// # Errors
/// [`BringBackError`]; nothing was changed if something was refused.
pub fn bring_back(
    context: PlanContext<'_>,
    wanted: &BringBack<'_>,
    observer: &dyn Observer,
) -> Result<Summary, BringBackError> {
    let begun = Instant::now();
    let is_other = |(id, made): &&(TargetId, ResultEntry)| !is_in_place(context, *id, made);
    let others: Vec<&(TargetId, ResultEntry)> = wanted.results.iter().filter(is_other).collect();
    check(context, &others)?;
    let mut summary = Summary::default();
    if others.is_empty() {
        return Ok(summary);
    }
    let store = context.store;
    let run = RunId::new();
    let steps: Vec<TargetId> = others.iter().map(|(id, _)| *id).collect();
    store.prepare()?;
    let (_live, cut_short) = store.begin(run)?;
    survivors::end_cut_short(context, &cut_short, wanted.mask, observer);
    let _held = lock(context, &steps, run)?;
    store.records.refresh()?;
    // What another build has done meanwhile counts.
    check(context, &others)?;
    store.records.append(&[Entry::Run(RunEntry {
        run,
        boot: super::store::boot_id(),
        pid: std::process::id(),
        goals: wanted.asked.clone(),
        set: wanted.set.clone(),
    })])?;
    observer.observe(&Event::Planned {
        run,
        steps,
        fresh: 0,
        expected: BTreeMap::new(),
    });
    let done = others
        .iter()
        .try_for_each(|(id, made)| one(context, *id, made, run, observer, &mut summary));
    store.clear_staging(run, run);
    done?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    store.records.append(&[Entry::Ended {
        run,
        duration: clock::milliseconds(begun.elapsed()),
        counts: [0, summary.restored, summary.failed, 0].map(count),
        interrupted: false,
    }])?;
    store.finish(context.files, &context.graph.spec)?;
    summary.duration = begun.elapsed();
    for message in store.records.warnings() {
        observer.observe(&Event::Warning { message });
    }
    observer.observe(&Event::Ended { run, summary });
    Ok(summary)
}

/// Takes the locks of all targets, or none.
fn lock(context: PlanContext<'_>, targets: &[TargetId], run: RunId) -> Result<Vec<Held>, BringBackError> {
    let mut held = Vec::with_capacity(targets.len());
    for id in targets {
        match context.store.lock(context.graph.name(*id), &[], run)? {
            Ok(one) => held.push(one),
            Err(holder) => return Err(BringBackError::Refused(vec![(*id, Refusal::Busy(holder))])),
        }
    }
    Ok(held)
}

/// Whether all artifacts lie in their places as the result left them.
fn is_in_place(context: PlanContext<'_>, id: TargetId, made: &ResultEntry) -> bool {
    let mut outputs = context.graph.target(id).outputs.iter();
    outputs.all(|output| {
        let artifact = made.artifacts.iter().find(|it| it.name == output.port);
        artifact.is_some_and(|artifact| lies_there(context, output, artifact))
    })
}

/// Whether an artifact lies at the path of an output.
fn lies_there(context: PlanContext<'_>, output: &Output, artifact: &Artifact) -> bool {
    let found = context.files.digest_beside(&output.path, Some(artifact.bytes));
    found.ok().flatten() == Some((artifact.bytes, artifact.kind))
}

fn check(context: PlanContext<'_>, wanted: &[&(TargetId, ResultEntry)]) -> Result<(), BringBackError> {
    let refused = wanted
        .iter()
        .filter_map(|(id, made)| Some((*id, refusal(context, *id, made)?)));
    let refused: Vec<(TargetId, Refusal)> = refused.collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(BringBackError::Refused(refused)),
    }
}

fn refusal(context: PlanContext<'_>, id: TargetId, made: &ResultEntry) -> Option<Refusal> {
    let PlanContext { graph, store, .. } = context;
    let target = graph.target(id);
    if target.settings.effect || made.effect {
        return Some(Refusal::Effect);
    }
    if judge::writes_a_source(graph, id) {
        return Some(Refusal::WritesSource);
    }
    let result = StoredResult::new(made);
    for output in &target.outputs {
        let artifact = result.artifact(&output.port);
        if artifact.is_none_or(|artifact| artifact.kind != output.kind) {
            return Some(Refusal::OtherOutputs(output.name.to_string()));
        }
    }
    let is_in_place = |artifact: &Artifact| {
        let output = target.outputs.iter().find(|output| output.port == artifact.name);
        output.is_some_and(|output| lies_there(context, output, artifact))
    };
    for output in &target.outputs {
        let alone = StoredResult {
            artifacts: result.artifact(&output.port).cloned().into_iter().collect(),
            ..result.clone()
        };
        if !store.can_restore(&alone, &is_in_place) {
            return Some(Refusal::Gone(output.name.to_string()));
        }
    }
    if store.result(made.id).is_none() {
        return target
            .outputs
            .first()
            .map(|output| Refusal::Gone(output.name.to_string()));
    }
    judge::is_blind(target, &result, &store.results_of(made.declared)).then_some(Refusal::Blind)
}

fn one(
    context: PlanContext<'_>,
    id: TargetId,
    made: &ResultEntry,
    run: RunId,
    observer: &dyn Observer,
    summary: &mut Summary,
) -> Result<(), StoreError> {
    let PlanContext {
        graph, store, files, ..
    } = context;
    let target = graph.target(id);
    let mut displaced = Vec::new();
    let has_aside = store.records.ledger(|ledger| {
        ledger
            .target(&target.name)
            .is_some_and(|history| !history.aside().is_empty())
    });
    if has_aside {
        displaced.extend(store.put_back(target, run, files)?);
    }
    let request = RestoreRequest {
        target,
        fingerprint: made.fingerprint.as_ref(),
        reasons: &[],
        run,
    };
    let outcome = if let Some(restored) = store.restore(made, &request, files)? {
        displaced.extend(restored.displaced);
        summary.restored += 1;
        Outcome::Restored {
            from: made.run,
            reasons: Vec::new(),
        }
    } else {
        summary.failed += 1;
        let mut failure = Failure::of(format!("a copy of what run {} left is damaged", made.run.short()));
        failure.notes.push("nothing of it was put into its place".to_owned());
        Outcome::Failed(failure)
    };
    for Displaced { path, to } in displaced {
        observer.observe(&Event::Displaced { path, to });
    }
    observer.observe(&Event::Finished { target: id, outcome });
    Ok(())
}
