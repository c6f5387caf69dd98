//! What changed from run to run: of all reasons for what a run did, those that lie in no other target.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Story, TargetRun};
use super::reasons::told;
use crate::engine::fingerprint::Field;
use crate::engine::reason::{Difference, Reason};
use crate::engine::run_id::RunId;
use crate::engine::store::entry::ResultEntry;

/// Most causes that a line has.
const SHOWN: usize = 3;
/// Most targets that a cause names.
const NAMED: usize = 2;

/// The causes of each run that did something, in the order in which they were met.
#[must_use]
pub fn causes(story: &Story) -> BTreeMap<RunId, Vec<String>> {
    let made = story.turns.iter().filter_map(|turn| match turn {
        TargetRun::Made { made, .. } => Some(made.as_ref()),
        _ => None,
    });
    let past = Past {
        paths: made
            .clone()
            .flat_map(|made| made.artifacts.iter().map(|artifact| artifact.path.as_str()))
            .collect(),
        made: made.map(|made| ((made.run, made.target.as_str()), made)).collect(),
    };
    let mut met: BTreeMap<RunId, Vec<Cause<'_>>> = BTreeMap::new();
    for turn in story.turns.iter().rev() {
        for (text, is_of_target) in past.texts(turn) {
            let causes = met.entry(turn.run()).or_default();
            match causes.iter_mut().find(|cause| cause.text == text) {
                Some(cause) if cause.targets.contains(&turn.target()) => {}
                Some(cause) => cause.targets.push(turn.target()),
                None => causes.push(Cause {
                    text,
                    is_of_target,
                    targets: vec![turn.target()],
                }),
            }
        }
    }
    let told = |causes: Vec<Cause<'_>>| causes.iter().map(Cause::told).collect();
    met.into_iter().map(|(run, causes)| (run, told(causes))).collect()
}

/// Causes in one line, the first of them.
#[must_use]
pub fn in_one_line(causes: &[String]) -> String {
    let mut shown: Vec<String> = causes.iter().take(SHOWN).cloned().collect();
    if causes.len() > SHOWN {
        shown.push(format!("and {} more", causes.len() - SHOWN));
    }
    shown.join("; ")
}

/// One cause, and the targets that have it.
struct Cause<'s> {
    text: String,
    /// Whether it says nothing without the targets' names.
    is_of_target: bool,
    targets: Vec<&'s str>,
}

impl Cause<'_> {
    fn told(&self) -> String {
        if !self.is_of_target {
            return self.text.clone();
        }
        let named = self.targets.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let all = match self.targets.len() {
            more if more > NAMED => format!("{named} and {} more", more - NAMED),
            _ => named,
        };
        format!("{all}: {}", self.text)
    }
}

/// What was ever made, to tell sources from artifacts.
struct Past<'s> {
    /// The paths of all artifacts.
    paths: BTreeSet<&'s str>,
    /// What each run made of each target.
    made: BTreeMap<(RunId, &'s str), &'s ResultEntry>,
}

impl Past<'_> {
    /// The causes of one turn, each with whether it needs the target's name.
    fn texts(&self, turn: &TargetRun) -> Vec<(String, bool)> {
        let (reasons, read) = match turn {
            TargetRun::Made { made, .. } => (&made.reasons, Some(made.as_ref())),
            TargetRun::Restored { from, reasons, .. } if reasons.is_empty() => {
                return vec![(format!("put back as run {} had made it", from.short()), true)];
            }
            TargetRun::Restored {
                target, from, reasons, ..
            } => (reasons, self.made.get(&(*from, target.as_str())).copied()),
            TargetRun::Failed(failed) => return vec![(failed.what.clone(), true)],
            TargetRun::Accepted { .. } => return Vec::new(),
        };
        reasons.iter().filter_map(|reason| self.text(reason, read)).collect()
    }

    /// One reason, unless it is that another target made something else.
    fn text(&self, reason: &Reason, read: Option<&ResultEntry>) -> Option<(String, bool)> {
        let Reason::Changed(Difference { field, before, after }) = reason else {
            let is_consequence = matches!(reason, Reason::NeededBy { .. });
            return (!is_consequence).then(|| (told(reason).brief(), true));
        };
        let is_other = before.is_some() && after.is_some();
        match field {
            Field::Input { role, path } => {
                let path = path.as_deref().or_else(|| path_of(read?, role)).unwrap_or(role);
                if self.is_made(path) {
                    return None;
                }
                Some(match is_other {
                    true => (format!("{path} changed"), false),
                    false => (told(reason).brief(), false),
                })
            }
            Field::Discovered(path) if is_other && !path.ends_with('/') => Some((format!("{path} changed"), false)),
            Field::Param(_) | Field::Discovered(_) | Field::Installed(_) | Field::Env(_) => {
                Some((told(reason).brief(), false))
            }
            _ => Some((told(reason).brief(), true)),
        }
    }

    /// Whether some target has made what lies at a path, or a directory that it is in.
    fn is_made(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]);
        ends.into_iter().any(|part| self.paths.contains(part))
    }
}

/// The path of a role that one file has.
fn path_of<'e>(made: &'e ResultEntry, role: &str) -> Option<&'e str> {
    let mut paths = made
        .read
        .iter()
        .filter(|(other, _)| other == role)
        .map(|(_, path)| path.as_str());
    paths.next().filter(|_| paths.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_few_causes_and_a_cause_few_targets() {
        let all: Vec<String> = (0..5).map(|at| format!("c{at}")).collect();
        assert_eq!(in_one_line(&all), "c0; c1; c2; and 2 more");
        let cause = |targets: Vec<&'static str>, is_of_target| Cause {
            text: "never built".to_owned(),
            is_of_target,
            targets,
        };
        assert_eq!(cause(vec!["a"], true).told(), "a: never built");
        assert_eq!(
            cause(vec!["a", "b", "c", "d"], true).told(),
            "a, b and 2 more: never built"
        );
        assert_eq!(cause(vec!["a", "b"], false).told(), "never built");
    }
}
