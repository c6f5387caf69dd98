//! One target's turn in a build: judged again under its locks, then left, restored, or attempted and committed.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::attempt_error::AttemptError;
use super::basis::{Basis, edited_params_file};
use super::clock;
use super::dependencies;
use super::digest::Digest;
use super::event::{Event, Failure, Outcome, WaitingFor};
use super::graph::{ArtifactId, Graph, Read, TargetId};
use super::judge;
use super::look::Look as _;
use super::moved_sources;
use super::moves::{Seen, Unreadable};
use super::plan::{PlanContext, PlanError, Restorable, Step, Verdict};
use super::reason::Reason;
use super::result_id::result_id;
use super::run::Run;
use super::run_id::RunId;
use super::sight::Moved;
use super::spec::{Action, Target};
use super::store::entry::{self, Artifact, Entry, ResultEntry};
use super::store::restore::RestoreRequest;
use super::store::{Displaced, Held, History, Staged, StoreError};
use super::turns::Pace;

/// How a turn ended.
pub(crate) enum Executed {
    /// With the target's artifacts in place.
    Done(Outcome, Vec<Artifact>),
    /// With a failure that no further attempt mends.
    Failed(Failure),
    /// To be taken again, not before this time is over.
    Again(Duration),
    /// With the finding that the plan no longer holds.
    Overtaken(Overtaken),
    /// Since the build is to end, or an edit made the target stale.
    Interrupted,
}

/// Something that the plan took for granted was changed by somebody else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overtaken {
    /// The target that found it.
    pub(crate) target: TargetId,
    /// The build that did it, if it still runs.
    pub(crate) by: Option<RunId>,
}

/// What a build remembers of a target from one turn to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    /// Attempts made.
    pub(super) made: u32,
    /// How often something that it reads was changed meanwhile.
    pub(super) changed: u32,
    /// Inputs that moved during the last attempt and said the same afterwards, and how.
    pub(super) moved_alike: Vec<(String, Moved)>,
    /// What the last attempt was seen to use and moved meanwhile.
    pub(super) moved_used: Vec<String>,
    /// Whether it was told for whom it waits.
    waiting: bool,
}

/// How often a target is planned again since something that it reads was changed, before that is its failure.
pub(super) const CHANGES: u32 = 3;
/// The pause before a busy lock is tried again.
const BUSY: Duration = Duration::from_millis(20);

/// One turn.
pub(crate) struct Execution<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) id: TargetId,
    /// How it waits.
    pub(crate) pace: &'a Pace,
    /// How many threads it may keep busy.
    pub(crate) threads: usize,
}

impl<'a> Execution<'a> {
    pub(super) fn target(&self) -> &'a Target {
        self.run.context.graph.target(self.id)
    }

    /// Takes the turn.
    pub(crate) async fn take(&self, attempts: &mut Attempts) -> Result<Executed, StoreError> {
        if self.run.superseded(self.id) {
            return Ok(Executed::Interrupted);
        }
        let store = self.run.context.store;
        let Some(held) = self.lock(attempts)? else {
            return Ok(Executed::Again(BUSY));
        };
        attempts.waiting = false;
        store.records.refresh()?;
        self.put_back()?;
        // Looked at before the fingerprint is taken: whatever changes from here on is found after the attempt.
        let seen = match self.look(dependencies::reads_of(self.run.inputs(), self.id, &self.history())) {
            Ok(seen) => seen,
            Err(failure) => return Ok(Executed::Failed(*failure)),
        };
        let mut step = match self.judged() {
            Ok(step) => step,
            Err(failure) => return Ok(self.without_its_inputs(*failure, attempts)),
        };
        if self.asks_before(&step) {
            if let Some(end) = self.ask(&held, attempts).await? {
                return Ok(end);
            }
            step = match self.judged() {
                Ok(step) => step,
                Err(failure) => return Ok(self.without_its_inputs(*failure, attempts)),
            };
        }
        if let Some(fingerprint) = &step.fingerprint {
            moved_sources::tell(self.run, self.id, fingerprint);
        }
        let history = self.history();
        if let Some(overtaken) = self.overtaken(&step, &history, &seen) {
            if overtaken.by.is_none() {
                attempts.changed += 1;
                if attempts.changed > CHANGES {
                    return Ok(Executed::Failed(self.keeps_changing(&seen)));
                }
            }
            return Ok(Executed::Overtaken(overtaken));
        }
        match &step.verdict {
            Verdict::Fresh => return Ok(Executed::Done(Outcome::Fresh, step.in_place())),
            Verdict::Held { until, .. } => {
                let until = *until;
                return Ok(Executed::Done(Outcome::Held { until }, step.in_place()));
            }
            Verdict::Stale {
                reasons,
                restore: Some(earlier),
            } => {
                if let Some(done) = self.restore(&step, *earlier, reasons)? {
                    return Ok(done);
                }
            }
            Verdict::Stale { .. } | Verdict::Undecided => {}
        }
        if let Some(path) = self.lacks_what_is_gone(&seen) {
            attempts.changed += 1;
            if attempts.changed > CHANGES {
                return Ok(Executed::Failed(changes_too_often(path)));
            }
            // The next plan has it made again.
            let target = self.id;
            return Ok(Executed::Overtaken(Overtaken { target, by: None }));
        }
        self.attempt(&step, &history, &seen, &held, attempts).await
    }

    /// What it reads that went once it had been read, and is needed after all.
    fn lacks_what_is_gone(&self, seen: &Seen<'a>) -> Option<&'a str> {
        let mut pairs = seen.pairs();
        let gone = pairs.find(|(read, seen)| self.may_be_gone(read) && seen.found.is_none());
        gone.map(|(read, _)| read.path.as_str())
    }

    fn may_be_gone(&self, read: &Read) -> bool {
        read.artifact
            .is_some_and(|id| self.run.context.graph.target(id.target).settings.temp)
    }

    /// The target's verdict now.
    fn judged(&self) -> Result<Step, Box<Failure>> {
        let demand = self.run.demand(self.id);
        let judged = judge::judge(self.run.inputs(), self.id, &|id| self.content(id), demand);
        judged.map(|(step, _)| step).map_err(|errors| {
            let mut failure = cannot_plan(&errors);
            failure.notes = moved_sources::gone(self.run, &errors);
            Box::new(failure)
        })
    }

    /// How a turn ends at which something is not there that the target reads. What a pattern matched, an optional input and
    /// a word of the command may go: then the next plan, with the graph as the disk has it, knows of it no more.
    fn without_its_inputs(&self, failure: Failure, attempts: &mut Attempts) -> Executed {
        let PlanContext { graph, files, .. } = self.run.context;
        let now = Graph::new(Arc::clone(&graph.spec), files);
        let reads_others = now.is_ok_and(|now| now.node(self.id).reads != graph.node(self.id).reads);
        if !reads_others || attempts.changed >= CHANGES {
            return Executed::Failed(failure);
        }
        attempts.changed += 1;
        let target = self.id;
        Executed::Overtaken(Overtaken { target, by: None })
    }

    /// An attempt with a number, and with the key under which an effect acts.
    pub(super) fn attempt_of<'h>(&'h self, number: u32, effect_key: Digest, held: &'h Held) -> Attempt<'h> {
        Attempt {
            context: self.run.context,
            options: self.run.options,
            observer: self.run.observer,
            mask: &self.run.mask,
            run: self.run.id,
            target: self.id,
            number,
            threads: self.threads,
            effect_key,
            is_forced: self.run.forced(self.id),
            held,
            left_running: AtomicBool::new(false),
            claim: OnceLock::new(),
            observed: OnceLock::new(),
            inherited: OnceLock::new(),
            remembered: OnceLock::new(),
        }
    }

    /// Takes all locks of the turn, or none.
    fn lock(&self, attempts: &mut Attempts) -> Result<Option<Held>, StoreError> {
        let Run {
            context,
            id: run,
            observer,
            ..
        } = self.run;
        let needs = context.graph.node(self.id).needs.iter();
        let reads: Vec<&str> = needs.map(|need| context.graph.name(*need)).collect();
        let (store, name) = (context.store, &self.target().name);
        let (holder, on) = match store.lock(name, &reads, *run)? {
            Ok(held) => match store.take_slots(&self.slots(), name, *run)? {
                Ok(slots) => return Ok(Some(held.and(slots))),
                Err((pool, holder)) => (holder.clone(), WaitingFor::Pool { pool, holder }),
            },
            Err(holder) => (holder.clone(), WaitingFor::Holder(holder)),
        };
        // This build's own targets may share a lock; that is nobody to be told of.
        if !attempts.waiting && holder.run != Some(*run) {
            attempts.waiting = true;
            observer.observe(&Event::Waiting { target: self.id, on });
        }
        Ok(None)
    }

    /// The pools of the target that have slots, with how many.
    fn slots(&self) -> Vec<(&'a str, u32)> {
        let pools = &self.run.context.graph.spec.pools;
        let slots = |name: &'a String| Some((name.as_str(), pools.get(name)?.slots?));
        self.target().settings.load.pools.iter().filter_map(slots).collect()
    }

    /// Puts back what a killed build had set aside.
    fn put_back(&self) -> Result<(), StoreError> {
        if !self.history().aside().is_empty() {
            let Run { context, id: run, .. } = self.run;
            let displaced = context.store.put_back(self.target(), *run, context.files)?;
            self.tell_displaced(displaced);
        }
        Ok(())
    }

    pub(super) fn history(&self) -> Arc<History> {
        let name = &self.target().name;
        let store = self.run.context.store;
        store.records.ledger(|ledger| ledger.target(name)).unwrap_or_default()
    }

    pub(super) fn look(&self, reads: Vec<&'a Read>) -> Result<Seen<'a>, Box<Failure>> {
        let placed = |id| self.run.left(id).map(|artifact| artifact.bytes);
        Seen::take(self.run.context, self.target(), reads, &placed)
            .map_err(|Unreadable { path, error }| Box::new(Failure::of(format!("`{path}` cannot be read: {error}"))))
    }

    pub(super) fn content(&self, id: ArtifactId) -> Option<Digest> {
        self.run.left(id).map(|artifact| artifact.content)
    }

    /// Finds out whether somebody else changed what the plan took for granted.
    ///
    /// Of two builds that want different things, the younger waits for the older: so a record that an older one has
    /// just placed is not replaced, while one of a younger is.
    fn overtaken(&self, step: &Step, history: &History, seen: &Seen<'a>) -> Option<Overtaken> {
        let Run { context, id: run, .. } = self.run;
        let rival = |placed_by: RunId| (placed_by != *run && context.store.is_live(placed_by)).then_some(placed_by);
        let target = self.id;
        let changed = seen.pairs().find_map(|(read, seen)| {
            let id = read.artifact?;
            if seen.found.is_none() && self.may_be_gone(read) {
                return None;
            }
            let expected = self.run.left(id).map(|artifact| (artifact.bytes, artifact.kind));
            (expected != seen.found).then_some(id)
        });
        if let Some(id) = changed {
            let name = context.graph.name(id.target);
            let placed_by = context
                .store
                .records
                .ledger(|ledger| Some(ledger.target(name)?.record()?.placed_by));
            let by = placed_by.and_then(rival);
            return Some(Overtaken { target, by });
        }
        let record = history.record()?;
        if step.verdict.stays() || step.declared == Some(record.declared) {
            return None;
        }
        let by = rival(record.placed_by).filter(|other| *other < *run)?;
        Some(Overtaken { target, by: Some(by) })
    }

    fn keeps_changing(&self, seen: &Seen<'a>) -> Failure {
        let path = seen.pairs().find(|(read, seen)| {
            let expected = read.artifact.and_then(|id| self.run.left(id));
            expected.is_some_and(|artifact| Some((artifact.bytes, artifact.kind)) != seen.found)
        });
        changes_too_often(path.map_or("something that it reads", |(read, _)| &read.path))
    }

    fn restore(&self, step: &Step, earlier: Restorable, reasons: &[Reason]) -> Result<Option<Executed>, StoreError> {
        let Run {
            context,
            id: run,
            observer,
            ..
        } = self.run;
        let result = context.store.records.result(earlier.id);
        let Some((result, fingerprint)) = result.zip(step.fingerprint.as_deref()) else {
            return Ok(None);
        };
        let target = self.target();
        let request = RestoreRequest {
            target,
            fingerprint: Some(fingerprint),
            reasons,
            run: *run,
        };
        let Some(restored) = context.store.restore(&result, &request, context.files)? else {
            observer.observe(&Event::Warning {
                message: format!(
                    "a copy of the artifacts of `{}` is damaged or gone: it is built again",
                    target.name
                ),
            });
            return Ok(None);
        };
        self.tell_displaced(restored.displaced);
        let outcome = Outcome::Restored {
            from: result.run,
            reasons: reasons.to_vec(),
        };
        Ok(Some(Executed::Done(outcome, restored.result.artifacts)))
    }

    async fn attempt(
        &self,
        step: &Step,
        history: &History,
        seen: &Seen<'a>,
        held: &Held,
        attempts: &mut Attempts,
    ) -> Result<Executed, StoreError> {
        let Run {
            context,
            id: run,
            observer,
            ..
        } = self.run;
        let Some((fingerprint, declared)) = step.fingerprint.as_deref().zip(step.declared) else {
            return Ok(Executed::Failed(Failure::of(
                "internal error: an input is not known at its turn".to_owned(),
            )));
        };
        if let Some(file) = seen.edited_params_file() {
            return Ok(Executed::Failed(edited_params_file(file)));
        }
        let reasons = match &step.verdict {
            Verdict::Stale { reasons, .. } => reasons.clone(),
            _ => Vec::new(),
        };
        let key_of = match self.target().settings.effect {
            true => judge::effect_key,
            false => judge::expected_id,
        };
        let key = key_of(context.inputs(), declared, history.record());
        let attempt = self.attempt_of(attempts.made + 1, key, held);
        if matches!(self.target().action, Action::Command(_)) {
            // Before it counts as begun: what waits for a rate has done nothing yet.
            match attempt.may_start(self.pace).await {
                Ok(()) => {}
                Err(AttemptError::Interrupted) => return Ok(Executed::Interrupted),
                Err(AttemptError::Store(error)) => return Err(error),
                Err(AttemptError::Failed(failure)) => return self.failed(*failure, Duration::ZERO, attempts),
            }
        }
        attempts.made += 1;
        observer.observe(&Event::Started {
            target: self.id,
            attempt: attempts.made,
            reasons: reasons.clone(),
        });
        if self.target().settings.effect {
            let target = self.target().name.clone();
            context.store.records.append(&[Entry::Acting {
                target: target.to_string(),
            }])?;
        }
        let begun = Instant::now();
        self.run.attempt_begins(self.id);
        let staged = attempt.run(self.pace).await;
        self.run.attempt_has_ended(self.id);
        let staged = match staged {
            Ok(staged) => staged,
            Err(AttemptError::Failed(mut failure)) => {
                if self.confirm_unfinished(seen, &attempt, history) {
                    let note = "the next attempt goes on with what this one wrote (`resume`)";
                    failure.notes.push(note.to_owned());
                }
                return self.failed(*failure, begun.elapsed(), attempts);
            }
            Err(AttemptError::Interrupted) => {
                self.confirm_unfinished(seen, &attempt, history);
                return Ok(Executed::Interrupted);
            }
            Err(AttemptError::Store(error)) => return Err(error),
        };
        let duration = begun.elapsed();
        let mut basis = match self.changed_meanwhile(fingerprint, history, seen, attempts) {
            Ok(basis) => basis,
            // It has acted: the result stands for what was there before, and is stale.
            Err(_) if self.target().settings.effect => Basis::before(fingerprint, seen),
            Err(executed) => {
                attempt.clear(self.target());
                return Ok(*executed);
            }
        };
        let mut uses = match self.uses(attempt.observed.get(), &basis, history, attempts) {
            Ok(uses) => uses,
            Err(executed) => {
                attempt.clear(self.target());
                return Ok(*executed);
            }
        };
        uses.inherit(&attempt);
        if let Some(answers) = self.changed_answer(&attempt, &basis.fingerprint).await {
            basis.fingerprint.probe = Some(answers);
        }
        self.keep_listings(&basis.reads);
        for (key, bytes) in attempt.remembered.get().into_iter().flatten() {
            context.store.memo().put(key, bytes);
        }
        let declared = basis.fingerprint.hash().unwrap_or(declared);
        let made = ResultEntry {
            run: *run,
            target: self.target().name.to_string(),
            id: result_id(declared, &uses.discovered, &uses.installed),
            declared,
            discovered: uses.discovered,
            fingerprint: Some(basis.fingerprint),
            artifacts: Vec::new(),
            read: basis
                .reads
                .iter()
                .map(|read| (read.role.to_string(), read.path.to_string()))
                .collect(),
            written: [basis.written, uses.written].concat(),
            installed: uses.installed,
            seen_by: uses.seen_by,
            effect_key: self.target().settings.effect.then_some(attempt.effect_key),
            reasons,
            attempt: attempts.made,
            ended: clock::milliseconds_of(context.files.now()),
            duration: clock::milliseconds(duration),
            effect: self.target().settings.effect,
        };
        let done = self.commit(made, &staged, history, duration)?;
        attempt.clear(self.target());
        Ok(done)
    }

    fn commit(
        &self,
        made: ResultEntry,
        staged: &[Staged],
        history: &History,
        duration: Duration,
    ) -> Result<Executed, StoreError> {
        let Run {
            context,
            id: run,
            observer,
            ..
        } = self.run;
        let cache = self.target().settings.cache;
        let committed = context
            .store
            .commit(made, staged, history.record(), cache, context.files)?;
        self.tell_displaced(committed.displaced);
        if let Some(message) = committed.trouble {
            observer.observe(&Event::Warning { message });
        }
        let (changed, unchanged): (Vec<&Artifact>, Vec<&Artifact>) =
            committed.artifacts.iter().partition(|artifact| artifact.run == *run);
        let names = |artifacts: Vec<&Artifact>| artifacts.iter().map(|artifact| artifact.name.to_string()).collect();
        let outcome = Outcome::Built {
            duration,
            changed: names(changed),
            unchanged: names(unchanged),
        };
        Ok(Executed::Done(outcome, committed.artifacts))
    }

    pub(super) fn failed(
        &self,
        failure: Failure,
        duration: Duration,
        attempts: &Attempts,
    ) -> Result<Executed, StoreError> {
        let Run {
            context,
            id: run,
            observer,
            ..
        } = self.run;
        let target = self.target();
        context.store.records.append(&[Entry::Failure(entry::Failed {
            run: *run,
            target: target.name.to_string(),
            attempt: attempts.made,
            duration: clock::milliseconds(duration),
            what: failure.what.clone(),
        })])?;
        let retries = self.run.options.retries.unwrap_or(target.settings.retries);
        if !failure.retry || attempts.made > retries {
            return Ok(Executed::Failed(failure));
        }
        let delay = self.delay(attempts.made);
        observer.observe(&Event::Retrying {
            target: self.id,
            failure,
            attempt: attempts.made + 1,
            delay,
        });
        Ok(Executed::Again(delay))
    }

    /// The pause after a failed attempt: it doubles each time, and differs a little between targets and runs, so that
    /// several that failed together do not come back together.
    fn delay(&self, attempts: u32) -> Duration {
        const LONGEST: Duration = Duration::from_hours(1);
        let target = self.target();
        let seed = Digest::of(format!("{} {} {attempts}", self.run.id, target.name).as_bytes()).hex();
        let share = u32::from_str_radix(&seed[..4], 16).unwrap_or_default();
        let jitter = 0.75 + 0.5 * f64::from(share) / 65536.0;
        let doubled = target.settings.retry_delay.saturating_mul(1 << (attempts - 1).min(20));
        doubled.min(LONGEST).mul_f64(jitter)
    }

    fn tell_displaced(&self, displaced: Vec<Displaced>) {
        for Displaced { path, to } in displaced {
            self.run.observer.observe(&Event::Displaced { path, to });
        }
    }
}

pub(super) fn changes_too_often(path: &str) -> Failure {
    let mut failure = Failure::of(format!("`{path}` was changed again and again while it was being read"));
    failure.help.push("build again when it is at rest".to_owned());
    failure
}

/// What was there when the build began can be gone at a target's turn.
pub(super) fn cannot_plan(errors: &[PlanError]) -> Failure {
    let texts: Vec<String> = errors.iter().map(PlanError::to_string).collect();
    Failure::of(texts.join("; "))
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::of(error.to_string())
    }
}
