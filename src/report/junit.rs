//! What a build has done as JUnit XML, which CI systems draw: a suite for the run, a case for each target.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::events;
use super::reasons::brief;
use super::results::{Heard, RunResults};
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Failure, Outcome};
use crate::engine::graph::{Graph, TargetId};
use crate::outward::{visible, visible_line};

/// The value of the property by which a report is known again.
const PROGRAM: &str = "atsaf";
/// In so many of its first bytes it stands.
const HEAD: usize = 8192;

/// A text without what nobody may see.
type Masked<'a> = dyn Fn(&str) -> String + 'a;

impl RunResults {
    /// The report of the build of `targets`, in their order; `wrong` is what kept it from being done, if that is no
    /// failure of a target. Texts are masked before they are taken apart.
    #[must_use]
    pub fn junit(&self, graph: &Graph, targets: &[TargetId], wrong: &[Diagnostic], masked: &Masked<'_>) -> String {
        let heard = self.heard();
        let pen = Pen { graph, masked };
        let project = match graph.spec.name.as_str() {
            "" => "atsaf".to_owned(),
            name => pen.line(name),
        };
        let mut suite = TestSuite::new(project.clone());
        suite.add_property(Property::new("program", PROGRAM));
        if let Some(run) = heard.run {
            suite.set_timestamp(DateTime::<Utc>::from(run.time()));
            suite.add_property(Property::new("run", run.to_string()));
        }
        let duration = heard.summary.map(|summary| summary.duration).unwrap_or_default();
        suite.set_time(duration);
        let ended = &heard.details.ended;
        let outcomes: BTreeMap<TargetId, &Outcome> = ended.iter().map(|(id, outcome)| (*id, outcome)).collect();
        let known: BTreeSet<&TargetId> = targets.iter().collect();
        let further = ended.iter().map(|(id, _)| *id).filter(|id| !known.contains(id));
        let is_whole = wrong.is_empty() && heard.summary.is_some();
        for id in targets.iter().copied().chain(further) {
            let mut case = pen.case(&heard, id, outcomes.get(&id).copied(), is_whole);
            case.set_classname(project.clone());
            suite.add_test_case(case);
        }
        if let Some(first) = wrong.first() {
            let all: Vec<String> = wrong.iter().map(Diagnostic::render).collect();
            let status = pen.non_success(NonSuccessKind::Error, &first.what, &all.join("\n"));
            let mut case = TestCase::new("build", status);
            case.set_classname(project.clone()).set_time(duration);
            suite.add_test_case(case);
        }
        let mut report = Report::new(project);
        report.set_time(duration).add_test_suite(suite);
        report.to_string().unwrap_or_default()
    }
}

/// Whether a file is a report that this program wrote: whatever others wrote is none of its own to replace.
#[must_use]
pub fn is_own(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]);
    let own = format!("<property name=\"program\" value=\"{PROGRAM}\"/>");
    head.trim_start().starts_with("<?xml") && head.contains(&own)
}

/// Puts targets in the words of such a report.
struct Pen<'a> {
    graph: &'a Graph,
    masked: &'a Masked<'a>,
}

impl Pen<'_> {
    fn line(&self, text: &str) -> String {
        visible_line(&self.text(text)).into_owned()
    }

    /// A masked text without the two characters that are no control characters and that XML has no place for.
    fn text(&self, text: &str) -> String {
        let masked = visible(&(self.masked)(text)).into_owned();
        masked.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
    }

    fn non_success(&self, kind: NonSuccessKind, what: &str, description: &str) -> TestCaseStatus {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(self.line(what));
        if !description.is_empty() {
            status.set_description(self.text(description));
        }
        status
    }

    fn skipped(&self, why: &str) -> TestCaseStatus {
        let mut status = TestCaseStatus::skipped();
        status.set_message(self.line(why));
        status
    }

    /// A target, and how it ended if it had a turn; `is_whole` says whether the build came to its end, so that what it did
    /// not look at was fresh.
    fn case(&self, heard: &Heard, id: TargetId, outcome: Option<&Outcome>, is_whole: bool) -> TestCase {
        let (word, status) = match outcome {
            Some(outcome) => self.status(id, outcome),
            None if heard.planned.contains(&id) || !is_whole => ("not begun", self.skipped("not begun")),
            None => ("fresh", TestCaseStatus::success()),
        };
        let details = &heard.details;
        let took = match outcome {
            Some(Outcome::Built { duration, .. }) => *duration,
            _ => details.took.get(&id).copied().unwrap_or(Duration::ZERO),
        };
        let mut case = TestCase::new(self.line(self.graph.name(id)), status);
        case.set_time(took).add_property(Property::new("outcome", word));
        let why = match outcome {
            Some(Outcome::Restored { reasons, .. }) => brief(reasons),
            _ => details.reasons.get(&id).cloned().unwrap_or_default(),
        };
        if !why.is_empty() {
            case.add_property(Property::new("why", self.line(&why)));
        }
        case
    }

    fn status(&self, id: TargetId, outcome: &Outcome) -> (&'static str, TestCaseStatus) {
        let success = TestCaseStatus::success();
        match outcome {
            Outcome::Built { changed, unchanged, .. } if changed.is_empty() && !unchanged.is_empty() => {
                ("unchanged", success)
            }
            Outcome::Built { .. } => ("built", success),
            Outcome::Restored { .. } => ("restored", success),
            Outcome::Fresh => ("fresh", success),
            Outcome::Held { .. } => ("held", success),
            Outcome::Failed(failure) => ("failed", self.failure(id, failure)),
            Outcome::Skipped { because } => {
                let why = format!("{} failed", self.graph.name(*because));
                ("skipped", self.skipped(&why))
            }
            Outcome::Interrupted => (
                "interrupted",
                self.non_success(NonSuccessKind::Error, "interrupted", ""),
            ),
            Outcome::Superseded => ("stopped", self.skipped("an edit made it stale")),
        }
    }

    fn failure(&self, id: TargetId, failure: &Failure) -> TestCaseStatus {
        let text = events::failure(self.graph, id, failure).render();
        self.non_success(NonSuccessKind::Failure, &failure.what, &text)
    }
}

#[cfg(test)]
mod tests;
