//! The progress of many instances of one target, which are told together once all of them have ended.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::human;
use super::instances::EACH;
use crate::engine::event::{Event, Outcome};
use crate::engine::graph::{Graph, TargetId};

/// What became of instances so far, by the names of their targets.
#[derive(Default)]
pub(super) struct InstanceProgress {
    targets: HashMap<String, Ended>,
}

/// How an event is told.
pub(super) enum Telling {
    /// By itself.
    Alone,
    /// With those of other instances, once all of them have ended.
    Later,
    /// With those of all others, by this name and text.
    All { name: String, text: String },
}

/// The instances of one target.
#[derive(Default)]
struct Ended {
    open: usize,
    /// How many ended in which way, in the order in which it is told.
    counts: [usize; WORDS.len()],
    took: Duration,
}

const WORDS: [&str; 7] = ["built", "unchanged", "restored", "fresh", "skipped", "stopped", "held"];

impl InstanceProgress {
    /// Takes account of the targets that are to be looked at: those with many instances among them are told together.
    pub(super) fn plan(&mut self, steps: &[TargetId], graph: &Graph) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for instance in steps.iter().filter_map(|id| graph.target(*id).instance.as_ref()) {
            *counts.entry(&instance.of).or_default() += 1;
        }
        self.targets.values_mut().for_each(|ended| ended.open = 0);
        for (of, count) in counts {
            if count > EACH || self.targets.contains_key(of) {
                self.targets.entry(of.to_owned()).or_default().open = count;
            }
        }
    }

    /// How an event is told.
    pub(super) fn take(&mut self, event: &Event, graph: &Graph) -> Telling {
        let (Event::Started { target, .. } | Event::Finished { target, .. }) = event else {
            return Telling::Alone;
        };
        let instance = graph.target(*target).instance.as_ref();
        let Some((of, ended)) = instance.and_then(|it| Some((&it.of, self.targets.get_mut(&it.of)?))) else {
            return Telling::Alone;
        };
        let Event::Finished { outcome, .. } = event else {
            return Telling::Later;
        };
        ended.open = ended.open.saturating_sub(1);
        let at = match outcome {
            Outcome::Built { changed, unchanged, .. } if changed.is_empty() && !unchanged.is_empty() => Some(1),
            Outcome::Built { .. } => Some(0),
            Outcome::Restored { .. } => Some(2),
            Outcome::Fresh => Some(3),
            Outcome::Failed(_) => None,
            Outcome::Skipped { .. } => Some(4),
            Outcome::Superseded | Outcome::Interrupted => Some(5),
            Outcome::Held { .. } => Some(6),
        };
        if let Some(at) = at {
            ended.counts[at] += 1;
        }
        if let Outcome::Built { duration, .. } = outcome {
            ended.took += *duration;
        }
        let line = (ended.open == 0).then(|| ended.line(of)).flatten();
        // A failure is told by itself as well.
        match (line, at) {
            (Some((name, text)), _) => Telling::All { name, text },
            (None, Some(_)) => Telling::Later,
            (None, None) => Telling::Alone,
        }
    }

    /// The lines of those targets whose instances have not all ended.
    pub(super) fn rest(&mut self) -> Vec<(String, String)> {
        let mut rest: Vec<_> = self
            .targets
            .iter_mut()
            .filter_map(|(of, ended)| ended.line(of))
            .collect();
        rest.sort();
        rest
    }
}

impl Ended {
    /// What is not told yet, as name and text.
    fn line(&mut self, of: &str) -> Option<(String, String)> {
        let Self { counts, took, .. } = std::mem::take(self);
        let told = WORDS.iter().zip(counts).filter(|(_, count)| *count > 0);
        let mut text = told
            .map(|(word, count)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ");
        if !took.is_zero() {
            let _ = write!(text, ", {} in all", human::duration(took));
        }
        (!text.is_empty()).then(|| (format!("{of}@*"), text))
    }
}
