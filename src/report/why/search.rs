//! Follows causes back to what was changed, each target once.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::{Cause, WhyContext, directories, record};
use crate::engine::fingerprint::Field;
use crate::engine::graph::TargetId;
use crate::engine::plan::{Step, Verdict};
use crate::engine::reason::{Difference, Reason};
use crate::engine::store::StoredResult;
use crate::report::plan::Fate;
use crate::report::reasons::{self, ReasonText, told, told_in};
use crate::report::{human, json, notes};

/// How many steps back a chain of causes is told one by one.
const DEPTH: usize = 8;
/// How many causes of one thing are told, below the first level.
const BREADTH: usize = 5;

/// Follows causes back to what was changed.
pub(super) struct CauseSearch<'s, 'a> {
    context: &'s WhyContext<'a>,
    steps: &'s HashMap<TargetId, &'a Step>,
    /// Targets whose causes were told already.
    told: HashSet<TargetId>,
    /// Whether a result leads to a target that a part of the graph does not have.
    pub(super) lacks_targets: bool,
}

impl<'s, 'a> CauseSearch<'s, 'a> {
    pub(super) fn new(context: &'s WhyContext<'a>, steps: &'s HashMap<TargetId, &'a Step>) -> Self {
        Self {
            context,
            steps,
            told: HashSet::new(),
            lacks_targets: false,
        }
    }

    /// The causes for which a target is not fresh.
    pub(super) fn present(&mut self, step: &Step, depth: usize) -> Vec<Cause> {
        let graph = self.context.graph;
        let mut causes = Vec::new();
        for reason in step.verdict.reasons() {
            let because = match reason {
                Reason::Changed(
                    difference @ Difference {
                        field: Field::Input { role, path },
                        after: Some(_),
                        ..
                    },
                ) => self.behind(step.target, (role, path.as_deref()), difference, depth),
                Reason::Altered { artifact, path } => {
                    directories::in_artifact(self.context, step.target, artifact, path)
                }
                _ => Vec::new(),
            };
            causes.push(Cause {
                told: told_in(reason, graph, step.target),
                json: json::reason_in(reason, graph, step.target),
                because,
            });
        }
        // Where all would run anyway, the inputs say nothing more.
        let all = |reason: &Reason| matches!(reason, Reason::NeverBuilt | Reason::Forced);
        let runs_anyway = matches!(&step.verdict, Verdict::Stale { reasons, .. } if reasons.iter().any(all));
        if let Some(text) = notes::text(step, self.context.now) {
            causes.push(Cause {
                told: ReasonText {
                    what: text,
                    ..ReasonText::default()
                },
                json: json!({ "reason": "not_asked" }),
                because: Vec::new(),
            });
        }
        if !runs_anyway {
            causes.extend(self.waits(step, depth));
        }
        causes
    }

    /// The inputs that are not known before something ran.
    fn waits(&mut self, step: &Step, depth: usize) -> Vec<Cause> {
        let graph = self.context.graph;
        let mut causes = Vec::new();
        for read in &graph.node(step.target).reads {
            let Some(artifact) = read.artifact else { continue };
            let Some(before) = self.steps.get(&artifact.target).copied() else {
                continue;
            };
            if step.waits_for.binary_search(&artifact.target).is_err() {
                continue;
            }
            let (by, what) = (
                graph.name(artifact.target),
                match before.verdict {
                    Verdict::Undecided => "may have to run",
                    _ => "must run",
                },
            );
            causes.push(Cause {
                told: ReasonText {
                    subject: read.role.to_string(),
                    what: format!("is made by {by}, which {what}"),
                    ..ReasonText::default()
                },
                json: json!({ "reason": "not_known_yet", "name": read.role, "path": read.path, "by": by }),
                because: self.again(artifact.target, depth, |search| search.present(before, depth + 1)),
            });
        }
        causes
    }

    /// Why the content of an input differs from the record.
    fn behind(
        &mut self,
        target: TargetId,
        (role, path): (&str, Option<&str>),
        difference: &Difference,
        depth: usize,
    ) -> Vec<Cause> {
        let WhyContext { graph, past, now, .. } = *self.context;
        let mut causes = Vec::new();
        for read in graph.node(target).reads_as(role, path) {
            let Some(artifact) = read.artifact else {
                causes.extend(directories::in_source(self.context, read, difference));
                continue;
            };
            let by = artifact.target;
            let Some(step) = self.steps.get(&by).copied() else {
                continue;
            };
            let name = graph.name(by);
            if !step.verdict.stays() {
                let because = self.again(by, depth, |search| search.present(step, depth + 1));
                let fate = Fate::of(step);
                causes.push(Cause {
                    told: ReasonText {
                        subject: name.to_owned(),
                        what: match fate {
                            Fate::Restore(from) => format!("comes back from run {}", from.short()),
                            _ => "must run".to_owned(),
                        },
                        ..ReasonText::default()
                    },
                    json: json!({ "reason": "made_again", "by": name }),
                    because,
                });
            } else if let Some(result) = record(past, graph, by) {
                let how = if result.placed_by == result.run {
                    "ran"
                } else {
                    "was restored"
                };
                causes.push(Cause {
                    told: ReasonText {
                        subject: name.to_owned(),
                        what: format!(
                            "{how} in run {} ({})",
                            result.placed_by.short(),
                            human::ago(result.placed_by.time(), now)
                        ),
                        ..ReasonText::default()
                    },
                    json: json!({ "reason": "was_made_again", "by": name, "run": result.placed_by.to_string() }),
                    because: match result.placed_by == result.run {
                        true => self.again(by, depth, |search| search.past(&result, depth + 1)),
                        false => Vec::new(),
                    },
                });
                causes.extend(directories::in_input(self.context, &read.path, difference));
            }
        }
        causes
    }

    /// The causes for which a result was made, as the journal tells them.
    pub(super) fn past(&mut self, result: &StoredResult, depth: usize) -> Vec<Cause> {
        let WhyContext { graph, past, .. } = *self.context;
        let Some(made) = past.result(result.id) else {
            return Vec::new();
        };
        let Some(target) = graph.owner(&made.target) else {
            self.lacks_targets |= self.context.is_part;
            return Vec::new();
        };
        let mut causes = Vec::new();
        for reason in &made.reasons {
            let mut because = Vec::new();
            if let Reason::Changed(Difference {
                field: Field::Input { role, path },
                ..
            }) = reason
            {
                let read = reasons::read_of(graph, target, role, path.as_deref());
                let by = read.and_then(|read| read.artifact).map(|artifact| artifact.target);
                // Only what ran in the same run is known to have been the cause.
                let before = by.and_then(|by| Some((by, record(past, graph, by).filter(|it| it.run == result.run)?)));
                if let Some((by, before)) = before {
                    because = self.again(by, depth, |search| search.past(&before, depth + 1));
                }
            }
            causes.push(Cause {
                told: told(reason),
                json: json::reason(reason),
                because,
            });
        }
        causes
    }

    /// The causes of a target, unless they were told already or lie too far back.
    fn again(&mut self, target: TargetId, depth: usize, tell: impl FnOnce(&mut Self) -> Vec<Cause>) -> Vec<Cause> {
        if !self.told.insert(target) {
            return Vec::new();
        }
        if depth >= DEPTH {
            return self.roots(target);
        }
        let mut causes = tell(self);
        if causes.len() > BREADTH {
            let more = causes.len() - BREADTH;
            causes.truncate(BREADTH);
            causes.push(Cause {
                told: ReasonText {
                    what: format!("and {more} more"),
                    ..ReasonText::default()
                },
                json: json!({ "reason": "more", "count": more }),
                because: Vec::new(),
            });
        }
        causes
    }

    /// What was changed, without the steps between.
    fn roots(&mut self, from: TargetId) -> Vec<Cause> {
        let graph = self.context.graph;
        let mut open = vec![from];
        let mut seen = HashSet::from([from]);
        let mut causes = Vec::new();
        while let Some(target) = open.pop() {
            let Some(step) = self.steps.get(&target).copied() else {
                continue;
            };
            if let Verdict::Stale { reasons, .. } = &step.verdict {
                for reason in reasons {
                    let mut told = told_in(reason, graph, target);
                    told.what = format!("{} (in {}, further back)", told.what, graph.name(target));
                    let mut json = json::reason_in(reason, graph, target);
                    json["target"] = graph.name(target).into();
                    causes.push(Cause {
                        told,
                        json,
                        because: Vec::new(),
                    });
                }
            }
            if causes.len() >= BREADTH {
                break;
            }
            open.extend(step.waits_for.iter().copied().filter(|id| seen.insert(*id)));
        }
        causes
    }
}
