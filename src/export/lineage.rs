//! A run in the words of OpenLineage: when it and each of its targets began and ended, with what they read and made.
//!
//! [`Tracker`] hears the engine's events and makes [`LineageEvent`]s, plain data that costs a build next to nothing;
//! [`facets`] makes the JSON of one, which may look at files and is for whoever sends it. Versions of facets are those of
//! the specification 2-0-2.

pub mod facets;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::engine::clock;
use crate::engine::event::{Event, Failure, Observer, Outcome, Summary};
use crate::engine::graph::{ArtifactId, Graph, TargetId};
use crate::engine::reason::Reason;
use crate::engine::run_id::RunId;
use crate::engine::spec::Value;

/// Most data sets of one kind that an event names.
const DATASETS: usize = 500;

/// Something began or ended.
#[derive(Clone, Debug)]
pub struct LineageEvent {
    /// What.
    pub stage: Stage,
    /// When.
    pub time: SystemTime,
    /// Its id: the run's, or one of the target's own.
    pub run: RunId,
    /// The run that it is a part of; none for the run itself.
    pub within: Option<RunId>,
    /// The target; none for the run.
    pub target: Option<TargetId>,
    /// Why it ran.
    pub reasons: Vec<Reason>,
    /// How it ended, in a word.
    pub outcome: Option<&'static str>,
    /// The run whose result came back.
    pub restored_from: Option<RunId>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How the run went.
    pub summary: Option<Summary>,
    /// What it reads.
    pub inputs: Vec<Dataset>,
    /// What it made.
    pub outputs: Vec<Dataset>,
}

/// What an event says of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It began.
    Start,
    /// It succeeded.
    Complete,
    /// It failed.
    Fail,
    /// It was ended before it was done.
    Abort,
}

/// A file, a directory, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Its path as the project has it, or the address.
    pub place: String,
    /// The digest of its content, of an artifact.
    pub version: Option<String>,
}

/// Hears a run, and tells its beginning and end and those of its targets.
pub struct Tracker<'a> {
    graph: &'a Graph,
    /// The digest of an artifact's content, as it is recorded.
    version: &'a (dyn Fn(ArtifactId) -> Option<String> + Sync),
    /// The files that the last attempt of a target was seen to use.
    used: &'a (dyn Fn(TargetId) -> Vec<String> + Sync),
    tell: &'a (dyn Fn(LineageEvent) + Sync),
    state: Mutex<Tracked>,
}

/// What is going on.
#[derive(Default)]
struct Tracked {
    run: Option<RunId>,
    ended: bool,
    /// The targets that run, each with the id of its own run.
    targets: HashMap<TargetId, RunId>,
}

impl<'a> Tracker<'a> {
    /// Nothing has begun yet.
    #[must_use]
    pub fn new(
        graph: &'a Graph,
        version: &'a (dyn Fn(ArtifactId) -> Option<String> + Sync),
        used: &'a (dyn Fn(TargetId) -> Vec<String> + Sync),
        tell: &'a (dyn Fn(LineageEvent) + Sync),
    ) -> Self {
        Self {
            graph,
            version,
            used,
            tell,
            state: Mutex::default(),
        }
    }

    /// Tells the end of whatever began and did not end: the build itself has failed.
    pub fn close(&self) {
        let mut state = self.state();
        let Some(run) = state.run.filter(|_| !state.ended) else {
            return;
        };
        state.ended = true;
        for (target, id) in state.targets.drain() {
            (self.tell)(self.of_target(Stage::Abort, target, id, run));
        }
        (self.tell)(LineageEvent::new(Stage::Fail, run));
    }

    fn state(&self) -> MutexGuard<'_, Tracked> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_target(&self, stage: Stage, target: TargetId, id: RunId, run: RunId) -> LineageEvent {
        let outputs = match stage {
            Stage::Complete => self.makes(target),
            Stage::Start | Stage::Fail | Stage::Abort => Vec::new(),
        };
        LineageEvent {
            within: Some(run),
            target: Some(target),
            inputs: self.reads(target, stage),
            outputs,
            ..LineageEvent::new(stage, id)
        }
    }

    /// What a target reads; once it is done, with what it was seen to use.
    fn reads(&self, target: TargetId, stage: Stage) -> Vec<Dataset> {
        let used = match stage {
            Stage::Complete => (self.used)(target),
            Stage::Start | Stage::Fail | Stage::Abort => Vec::new(),
        };
        let used = used.into_iter().map(|place| Dataset { place, version: None });
        let reads = self.graph.node(target).reads.iter().map(|read| Dataset {
            place: read.path.to_string(),
            version: read.artifact.and_then(self.version),
        });
        let params = self.graph.target(target).params.iter();
        let addresses = params.filter_map(|param| match &param.value {
            Value::Text(text) if facets::is_address(text) => Some(Dataset {
                place: text.clone(),
                version: None,
            }),
            _ => None,
        });
        let mut all: Vec<Dataset> = Vec::new();
        for dataset in reads.chain(addresses).chain(used).take(DATASETS) {
            if !all.contains(&dataset) {
                all.push(dataset);
            }
        }
        all
    }

    fn makes(&self, target: TargetId) -> Vec<Dataset> {
        let outputs = self.graph.target(target).outputs.iter().zip(0..).take(DATASETS);
        let dataset = |(output, at): (&crate::engine::spec::Output, u32)| Dataset {
            place: output.path.to_string(),
            version: (self.version)(ArtifactId { target, output: at }),
        };
        outputs.map(dataset).collect()
    }

    fn finished(&self, tracked: &mut Tracked, target: TargetId, outcome: &Outcome) {
        let Some(run) = tracked.run else { return };
        let begun = tracked.targets.remove(&target);
        let (stage, ending) = match outcome {
            Outcome::Built { .. } => (Stage::Complete, "built"),
            Outcome::Restored { .. } => (Stage::Complete, "restored"),
            Outcome::Failed(_) => (Stage::Fail, "failed"),
            Outcome::Interrupted => (Stage::Abort, "interrupted"),
            Outcome::Superseded => (Stage::Abort, "superseded"),
            // Nothing of it ran.
            Outcome::Fresh | Outcome::Held { .. } | Outcome::Skipped { .. } => match begun {
                Some(_) => (Stage::Abort, "not needed"),
                None => return,
            },
        };
        let (reasons, restored_from) = match outcome {
            Outcome::Restored { from, reasons } => (reasons.clone(), Some(*from)),
            _ => (Vec::new(), None),
        };
        let id = match begun {
            Some(id) => id,
            // What comes back does so at once; what was ended before it began has not run.
            None if stage == Stage::Abort => return,
            None => {
                let id = RunId::new();
                (self.tell)(LineageEvent {
                    reasons: reasons.clone(),
                    ..self.of_target(Stage::Start, target, id, run)
                });
                id
            }
        };
        (self.tell)(LineageEvent {
            reasons,
            restored_from,
            outcome: Some(ending),
            failure: match outcome {
                Outcome::Failed(failure) => Some(failure.clone()),
                _ => None,
            },
            ..self.of_target(stage, target, id, run)
        });
    }
}

impl LineageEvent {
    fn new(stage: Stage, run: RunId) -> Self {
        Self {
            stage,
            time: clock::now(),
            run,
            within: None,
            target: None,
            reasons: Vec::new(),
            outcome: None,
            restored_from: None,
            failure: None,
            summary: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

impl Observer for Tracker<'_> {
    fn observe(&self, event: &Event) {
        let mut tracked = self.state();
        match event {
            // It is planned again after another build came between.
            Event::Planned { run, .. } if tracked.run.is_none() => {
                tracked.run = Some(*run);
                (self.tell)(LineageEvent::new(Stage::Start, *run));
            }
            Event::Started { target, reasons, .. } => {
                // A further attempt is part of the same run of the target.
                if let (Some(run), false) = (tracked.run, tracked.targets.contains_key(target)) {
                    let id = RunId::new();
                    tracked.targets.insert(*target, id);
                    (self.tell)(LineageEvent {
                        reasons: reasons.clone(),
                        ..self.of_target(Stage::Start, *target, id, run)
                    });
                }
            }
            Event::Finished { target, outcome } => self.finished(&mut tracked, *target, outcome),
            Event::Ended { run, summary } => {
                tracked.ended = true;
                let (stage, ending) = match summary {
                    Summary { interrupted: true, .. } => (Stage::Abort, "interrupted"),
                    Summary { failed: 1.., .. } => (Stage::Fail, "failed"),
                    _ => (Stage::Complete, "done"),
                };
                (self.tell)(LineageEvent {
                    outcome: Some(ending),
                    summary: Some(*summary),
                    ..LineageEvent::new(stage, *run)
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
