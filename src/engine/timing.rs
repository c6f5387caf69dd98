//! How time counts for a verdict: how old a result is, whether the outside world has to be asked, and until when new
//! data waits.
//!
//! | declared | from when on | and then |
//! |---|---|---|
//! | `max_age` with a probe | the moment of its last answer | undecided, until it is asked again |
//! | `max_age` without one | the beginning of the attempt that made the result | stale, and never restored |
//! | `every` | the beginning of that attempt | until then, new data alone makes nothing stale |
//!
//! A build judges all ages as of its beginning, so that what it has made does not grow too old for it. Of a moment that
//! is still to come, since the clock went back, nobody knows how long ago it was: it counts as too old.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::clock::{at_milliseconds, milliseconds_of};
use super::digest::{Digest, Encoder};
use super::fingerprint::Field;
use super::graph::{How, TargetId};
use super::plan::VerdictInputs;
use super::reason::{Difference, Reason};
use super::spec::{Action, From, Target, Timing, Value};
use super::store::entry::{Acceptance, Answer};
use super::store::{History, StoredResult};
use super::task::Tasks;

/// How time counts for one target now.
pub(crate) struct Timed<'a> {
    timing: &'a Timing,
    probe: Probe<'a>,
    /// How long new data may wait: that holds also where ages are left aside.
    every: Option<Duration>,
    /// The moment as of which ages are judged, in whole milliseconds as records have them.
    as_of: SystemTime,
    now: SystemTime,
}

/// What is known of a target's probe.
#[derive(Clone, Copy)]
enum Probe<'a> {
    /// It has none, or its age is left aside.
    Absent,
    /// The question was never asked.
    Unasked,
    /// Its last answer.
    Answered(&'a Answer),
}

impl<'a> Timed<'a> {
    /// What the declaration, the clock and the last answer say.
    pub(crate) fn of(inputs: VerdictInputs<'a>, id: TargetId, history: &'a History) -> Self {
        const NEVER: &Timing = &Timing {
            max_age: None,
            every: None,
            probe: None,
        };
        let target = inputs.graph.target(id);
        let is_plain = target.settings.timing == *NEVER;
        let now = if is_plain {
            SystemTime::UNIX_EPOCH
        } else {
            inputs.disk.now()
        };
        let as_of = inputs.as_of.unwrap_or(now);
        let probe = match question(target, inputs.tasks, inputs.env) {
            None => Probe::Absent,
            Some(asked) => match history.answer().filter(|answer| answer.question == asked) {
                Some(answer) => Probe::Answered(answer),
                None => Probe::Unasked,
            },
        };
        Self {
            timing: if inputs.ages_count_for(id) {
                &target.settings.timing
            } else {
                NEVER
            },
            probe,
            every: target.settings.timing.every,
            as_of: at_milliseconds(milliseconds_of(as_of)),
            now,
        }
    }

    /// The last answer of the probe.
    pub(crate) fn answer(&self) -> Option<&'a str> {
        match self.probe {
            Probe::Answered(answer) => Some(&answer.answer),
            Probe::Absent | Probe::Unasked => None,
        }
    }

    /// Whether nothing can be said before the probe, which was never asked, is asked.
    pub(crate) fn has_to_ask(&self) -> bool {
        self.is_unasked() && self.counts()
    }

    /// Whether the probe was never asked, and is not to be, since ages are left aside.
    pub(crate) fn is_left_aside(&self) -> bool {
        self.is_unasked() && !self.counts()
    }

    fn is_unasked(&self) -> bool {
        matches!(self.probe, Probe::Unasked)
    }

    /// Whether the ages of results count.
    fn counts(&self) -> bool {
        self.timing.max_age.is_some()
    }

    /// From when on a result counts.
    pub(crate) fn since(&self, result: &StoredResult) -> SystemTime {
        match self.probe {
            Probe::Answered(answer) => at_milliseconds(answer.at),
            Probe::Absent | Probe::Unasked => result.begun(),
        }
    }

    /// From when on the user's word counts: an answer since then that changes nothing confirms it, also where the clock
    /// went back between the two.
    pub(crate) fn since_accepted(&self, acceptance: &Acceptance) -> SystemTime {
        let accepted = at_milliseconds(acceptance.at);
        match self.probe {
            Probe::Answered(answer) => {
                let answered = at_milliseconds(answer.at);
                let is_past = |moment: &SystemTime| *moment <= self.now;
                let past = [accepted, answered].into_iter().filter(is_past).max();
                past.unwrap_or(accepted)
            }
            Probe::Absent | Probe::Unasked => accepted,
        }
    }

    /// The age that what counts from a moment on has passed, if it has passed one.
    pub(crate) fn passed(&self, since: SystemTime) -> Option<Duration> {
        self.timing.max_age.filter(|limit| self.is_over(since, *limit))
    }

    /// Why a result that counts from a moment on is too old, if no probe can say otherwise.
    pub(crate) fn too_old(&self, since: SystemTime) -> Option<Reason> {
        let limit = self.passed(since).filter(|_| matches!(self.probe, Probe::Absent))?;
        let limit = super::clock::milliseconds(limit);
        Some(Reason::TooOld { limit })
    }

    /// Whether a result of today's fingerprint may be put back.
    pub(crate) fn allows(&self, result: &StoredResult) -> bool {
        !self.has_to_ask() && self.passed(self.since(result)).is_none()
    }

    /// When the verdict on what counts from a moment on may change by time alone.
    pub(crate) fn deadline(&self, since: SystemTime) -> Option<SystemTime> {
        since.checked_add(self.timing.max_age?)
    }

    /// Until when new data waits that makes a result stale; `None` if it does not.
    pub(crate) fn held_until(&self, record: &StoredResult) -> Option<SystemTime> {
        let (begun, every) = (record.begun(), self.every?);
        let until = begun.checked_add(every)?;
        (begun <= self.now && self.as_of < until).then_some(until)
    }

    fn is_over(&self, since: SystemTime, limit: Duration) -> bool {
        since > self.now || self.as_of.duration_since(since).unwrap_or_default() > limit
    }
}

/// What a target's probe asks, as one digest; `None` if it has none, or no answer would count.
pub(crate) fn question(target: &Target, tasks: &Tasks, env: &BTreeMap<String, String>) -> Option<Digest> {
    target.settings.timing.max_age?;
    let params = params_of(target);
    let mut encoder = Encoder::new("atsaf probe");
    match &target.action {
        Action::Command(command) => {
            let words = target.settings.timing.probe.as_ref()?.to_execute();
            encoder.tag(0).number(words.len() as u64);
            for word in &words {
                encoder.text(word);
            }
            encoder.text(command.cwd.as_deref().unwrap_or_default());
        }
        Action::Builtin { task, version, .. } => {
            tasks.get(task).filter(|task| task.has_probe(&params))?;
            encoder.tag(1).text(task).number(u64::from(*version));
        }
    }
    for (name, value) in &params {
        encoder.text(name);
        value.encode(&mut encoder);
    }
    for name in &target.settings.env {
        encoder.text(name).text(env.get(name).map_or("", String::as_str));
    }
    Some(encoder.finish())
}

/// The values of a target's parameters, by name.
pub(crate) fn params_of(target: &Target) -> BTreeMap<String, Value> {
    let params = target.params.iter();
    params.map(|param| (param.name.clone(), param.value.clone())).collect()
}

/// Whether all reasons are new data, and none is a change of what is declared or of what is in place.
pub(crate) fn are_new_data(inputs: VerdictInputs<'_>, id: TargetId, reasons: &[Reason]) -> bool {
    let change = |reason: &Reason| match reason {
        Reason::Changed(Difference { field, before, after }) => {
            Some((field.clone(), before.is_some() && after.is_some()))
        }
        _ => None,
    };
    let Some(changes) = reasons.iter().map(change).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let comes_or_goes = |(field, is_other): &(Field, bool)| matches!(field, Field::Input { .. }) && !is_other;
    let is_data = |(field, is_other): &(Field, bool)| match field {
        Field::Discovered(_) => true,
        Field::Probe => *is_other,
        Field::Input { role, path } => *is_other || is_found(inputs, id, role, path.as_deref()),
        // In another order alone they are by what is declared.
        Field::InputOrder => changes.iter().any(comes_or_goes),
        _ => false,
    };
    changes.iter().all(is_data)
}

/// Whether an input is read since it is there: it matches a pattern, or it may be absent.
fn is_found(inputs: VerdictInputs<'_>, id: TargetId, role: &str, path: Option<&str>) -> bool {
    let reads = inputs.graph.node(id).reads_as(role, path);
    if reads.iter().any(|read| read.how == How::Matched) {
        return true;
    }
    let mut declared = inputs.graph.target(id).inputs.iter();
    declared.any(|input| input.role == role && (input.optional || matches!(input.from, From::Glob(_))))
}
