//! Why a target is stale or fresh: every reason back to what was changed, what follows, and what stays.
//!
//! [`explain`] gathers it as data; [`text`] and [`json`] draw the same data.

mod directories;
mod groups;
mod json;
mod search;
mod text;

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

pub use self::groups::{grouped, text_of_many};
pub use self::json::json;
use self::search::CauseSearch;
pub use self::text::text;
use super::discovered;
use super::plan::{Fate, TimeEstimate};
use super::reasons::{self, ReasonText};
use crate::engine::digest::Digest;
use crate::engine::fingerprint::{Field, FieldValue, Fingerprint};
use crate::engine::graph::{ArtifactId, Graph, TargetId};
use crate::engine::ignore::Ignore;
use crate::engine::look::Past;
use crate::engine::plan::{Plan, Step, Verdict};
use crate::engine::run_id::RunId;
use crate::engine::spec::Value;
use crate::engine::store::StoredResult;
use crate::engine::store::entry::Artifact;
use crate::engine::tree::Tree;

/// Where an explanation looks.
pub struct WhyContext<'a> {
    /// The targets.
    pub graph: &'a Graph,
    /// The plan of the target, of what it needs, and of what follows it.
    pub plan: &'a Plan,
    /// What was built.
    pub past: &'a dyn Past,
    /// When the file at a path was modified, if there is one.
    pub modified: &'a dyn Fn(&str) -> Option<SystemTime>,
    /// What is in a directory now.
    pub tree: &'a dyn Fn(&str, DirectoryOf<'_>) -> Option<Tree>,
    /// What was in a directory of some digest.
    pub listing: &'a dyn Fn(Digest) -> Option<Tree>,
    /// The last line that a target printed in a run.
    pub said: &'a dyn Fn(RunId, &str) -> Option<String>,
    /// The present.
    pub now: SystemTime,
    /// The columns of the terminal, if it is one.
    pub columns: Option<usize>,
    /// Whether the graph has no more than the target and what it needs: enough for one that is fresh, unless its past leads
    /// to others.
    pub is_part: bool,
}

/// Whose directory it is, and how it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryOf<'a> {
    /// A source that a target reads, without what is left out of it.
    Source(&'a Ignore),
    /// An artifact that a target reads.
    Input,
    /// An artifact in its place.
    Output,
}

/// Why a target is as it is.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The target.
    pub target: TargetId,
    /// The artifact, if the goal named one.
    pub artifact: Option<ArtifactId>,
    /// Its step of the plan.
    pub step: &'a Step,
    /// What becomes of it.
    pub fate: Fate,
    /// Why it is stale or undecided; of a fresh one, why it was built.
    pub causes: Vec<Cause>,
    /// The result in place.
    pub record: Option<StoredResult>,
    /// The last line that was printed when it was made: a built-in task's says what was remembered.
    pub said: Option<String>,
    /// Fields that are what they were in that result.
    pub same: Vec<Field>,
    /// Targets that must run before it, or may have to.
    pub first: Vec<TargetId>,
    /// Targets that are stale or undecided after it.
    pub then: Vec<TargetId>,
    /// Targets that stay.
    pub kept: Vec<TargetId>,
    /// Run and attempt of its last failure, if nothing succeeded since.
    pub failed: Option<(RunId, u32)>,
    /// How long it takes with what comes first and what follows.
    pub estimate: TimeEstimate,
}

/// One cause, and what stands behind it.
#[derive(Clone, Debug, Default)]
pub struct Cause {
    /// In words.
    pub told: ReasonText,
    /// For programs.
    pub json: serde_json::Value,
    /// What stands behind it.
    pub because: Vec<Cause>,
}

/// Explains a target of the plan; `None` if the plan does not hold it, or more than a part of the graph is needed.
#[must_use]
pub fn explain<'a>(
    context: &WhyContext<'a>,
    target: TargetId,
    artifact: Option<ArtifactId>,
) -> Option<Explanation<'a>> {
    let WhyContext { graph, plan, past, .. } = *context;
    let steps: HashMap<TargetId, &'a Step> = plan.steps.iter().map(|step| (step.target, step)).collect();
    let step = *steps.get(&target)?;
    let record = record(past, graph, target);
    let mut search = CauseSearch::new(context, &steps);
    let causes = match &step.verdict {
        Verdict::Fresh => record.as_ref().map(|result| search.past(result, 0)).unwrap_or_default(),
        _ => search.present(step, 0),
    };
    if search.lacks_targets {
        return None;
    }
    let earlier = record.as_ref().and_then(|record| past.result(record.id)?.fingerprint);
    let open = |ids: &[TargetId]| -> Vec<TargetId> {
        let open = |id: &&TargetId| steps.get(id).is_some_and(|step| !step.verdict.stays());
        ids.iter().filter(open).copied().collect()
    };
    let mut first = open(&graph.needed(&[target]));
    first.retain(|id| *id != target);
    let followers = graph.followers(&[target]);
    let then = match step.verdict.stays() {
        true => Vec::new(),
        false => open(&followers),
    };
    let involved: Vec<TargetId> = followers.iter().copied().chain([target]).collect();
    let kept = graph.needed(&involved);
    let fresh = |id: &TargetId| steps.get(id).is_some_and(|step| step.verdict.stays()) && *id != target;
    let working = first
        .iter()
        .chain([&target])
        .chain(&then)
        .filter_map(|id| steps.get(id).copied());
    Some(Explanation {
        target,
        artifact,
        step,
        fate: Fate::of(step),
        causes,
        same: earlier
            .map(|earlier| same(&earlier, step.fingerprint.as_deref().unwrap_or(&earlier)))
            .unwrap_or_default(),
        said: record
            .as_ref()
            .and_then(|past| (context.said)(past.run, graph.name(target))),
        record,
        failed: step.history.failed(),
        estimate: TimeEstimate::of(working),
        first,
        then,
        kept: kept.into_iter().filter(fresh).collect(),
    })
}

fn record(past: &dyn Past, graph: &Graph, target: TargetId) -> Option<StoredResult> {
    past.histories(&[graph.name(target)]).first()?.record().cloned()
}

/// The fields that have the same value in both; inputs first, then parameters and the rest.
fn same(before: &Fingerprint, after: &Fingerprint) -> Vec<Field> {
    let before: HashMap<Field<&str>, Option<FieldValue<'_>>> = before.fields().into_iter().collect();
    let mut same: Vec<Field> = after
        .fields()
        .into_iter()
        .filter(|(field, value)| value.is_some() && before.get(field) == Some(value))
        .map(|(field, _)| field.owned())
        .filter(|field| matches!(field, Field::Input { .. } | Field::Param(_) | Field::Env(_)))
        .collect();
    same.sort_by_key(|field| match field {
        Field::Input { .. } => 0,
        Field::Param(_) => 1,
        _ => 2,
    });
    same
}

impl Explanation<'_> {
    /// The name that was asked for.
    #[must_use]
    pub fn name<'g>(&self, graph: &'g Graph) -> Cow<'g, str> {
        match self.artifact {
            Some(artifact) => graph.shown_name(artifact),
            None => Cow::Borrowed(graph.name(self.target)),
        }
    }

    /// What the result in place was made from, a line each: name, value and place.
    #[must_use]
    pub fn made_from(&self, graph: &Graph, past: &dyn Past) -> Vec<(String, String, String)> {
        let mut lines = Vec::new();
        for read in &graph.node(self.target).reads {
            let (value, place) = match read.artifact {
                Some(artifact) => {
                    let run = record(past, graph, artifact.target).map(|record| record.run.short());
                    let run = run.map(|run| format!(" in run {run}")).unwrap_or_default();
                    (
                        read.path.to_string(),
                        format!("made by {}{run}", graph.name(artifact.target)),
                    )
                }
                None => (read.path.to_string(), graph.spec.text.line_of(read.span)),
            };
            let name = if read.role == read.path {
                String::new()
            } else {
                read.role.to_string()
            };
            lines.push((name, value, place));
        }
        let declared = graph.target(self.target);
        let values = declared
            .params
            .iter()
            .filter(|param| !matches!(param.value, Value::Path(_)));
        lines.extend(values.map(|param| {
            let origin = reasons::origin(param, graph);
            (param.name.clone(), param.value.to_string(), origin)
        }));
        if let Some(record) = &self.record {
            let how = reasons::seen_by(record.seen_by);
            let used = discovered::lines(record).into_iter();
            lines.extend(used.map(|(name, what)| match what.is_empty() || what == "not there" {
                true => (
                    String::new(),
                    format!("{name} {what}").trim_end().to_owned(),
                    how.to_owned(),
                ),
                false => (name, what, how.to_owned()),
            }));
        }
        for name in &declared.settings.env {
            lines.push((
                format!("${name}"),
                String::new(),
                graph.spec.text.line_of(declared.span),
            ));
        }
        lines
    }

    /// The artifacts of the result in place: the named one, or all.
    #[must_use]
    pub fn artifacts(&self, graph: &Graph) -> Vec<&Artifact> {
        let wanted = self.artifact.map(|artifact| graph.port(artifact));
        let all = self.record.iter().flat_map(|past| &past.artifacts);
        all.filter(|it| wanted.is_none_or(|wanted| it.name == wanted)).collect()
    }
}
