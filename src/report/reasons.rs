//! Reasons in words: what differs, before and after, and where that is written.

use std::collections::BTreeSet;
use std::time::Duration;

use super::line_edits::{Edit, line_edits};
use super::notes;
use crate::engine::fingerprint::{Field, FieldValue};
use crate::engine::graph::{Graph, How, Read, TargetId};
use crate::engine::reason::{Difference, Reason};
use crate::engine::spec::{ArtifactKind, Means, Origin, Param, Value};

/// Texts of one line that are longer together are shown below each other.
const WIDE: usize = 72;

/// A reason in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasonText {
    /// What differs, by name; empty if it is the target as a whole.
    pub subject: String,
    /// How it differs, in one line.
    pub what: String,
    /// Where that is written.
    pub place: Option<String>,
    /// Lines that were taken away and added, if one line does not hold the difference.
    pub lines: Vec<Edit>,
}

impl ReasonText {
    fn whole(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            ..Self::default()
        }
    }

    /// Everything but the place and the lines, in one line.
    #[must_use]
    pub fn brief(&self) -> String {
        match self.subject.is_empty() {
            true => self.what.clone(),
            false => format!("{} {}", self.subject, self.what),
        }
    }
}

/// Puts reasons in one line, the first three of them.
#[must_use]
pub fn brief(reasons: &[Reason]) -> String {
    const SHOWN: usize = 3;
    let mut texts: Vec<String> = reasons.iter().take(SHOWN).map(|reason| told(reason).brief()).collect();
    if reasons.len() > SHOWN {
        texts.push(format!("and {} more", reasons.len() - SHOWN));
    }
    texts.join("; ")
}

/// Puts a reason in words.
#[must_use]
pub fn told(reason: &Reason) -> ReasonText {
    match reason {
        Reason::NeverBuilt => ReasonText::whole("never built"),
        Reason::Forced => ReasonText::whole("--force asks for it"),
        Reason::Unknown => ReasonText::whole("the journal no longer tells what it was built from"),
        Reason::Interrupted => ReasonText::whole("a build was cut short while it placed the artifacts"),
        Reason::Unfinished => {
            ReasonText::whole("its last attempt began to act outside the project and did not succeed")
        }
        Reason::TooOld { limit } => ReasonText::whole(&notes::older_than(Duration::from_millis(*limit))),
        Reason::NeededBy { target } => ReasonText::whole(&format!("needed by {target}, and gone since it was read")),
        Reason::Missing { artifact, path } => ReasonText {
            subject: artifact.clone(),
            what: format!("{path} is missing"),
            ..ReasonText::default()
        },
        Reason::Altered { artifact, path } => ReasonText {
            subject: artifact.clone(),
            what: format!("{path} is not as atsaf left it"),
            ..ReasonText::default()
        },
        Reason::Changed(difference) => changed(difference),
    }
}

/// Puts a reason in words, with the place that explains it in the graph as it is now.
#[must_use]
pub fn told_in(reason: &Reason, graph: &Graph, target: TargetId) -> ReasonText {
    let mut told = told(reason);
    if let Reason::Changed(difference) = reason {
        told.place = place(&difference.field, graph, target);
    }
    told
}

/// A field's name: of an input its role, save where a role names a pattern and each path counts.
#[must_use]
pub fn field_name(field: &Field) -> String {
    match field {
        Field::Input { role, path } if role.contains(['*', '?', '[', '{']) => {
            path.clone().unwrap_or_else(|| role.clone())
        }
        Field::Input { role, .. } => role.clone(),
        other => other.to_string(),
    }
}

fn changed(difference: &Difference) -> ReasonText {
    let Difference { field, before, after } = difference;
    let subject = field_name(field);
    let (before, after) = (before.as_ref(), after.as_ref());
    match field {
        Field::Format | Field::Task | Field::Shell | Field::Cwd | Field::Means => one_line(subject, before, after),
        Field::TaskVersion | Field::Part(_) => {
            let mut text = one_line(subject, before, after);
            text.what = format!("version {}", text.what);
            text
        }
        Field::Command => command(subject, before, after),
        Field::Param(_) => param(subject, before, after),
        Field::Input { .. } => content(subject, before, after, ["new input", "no longer read"]),
        Field::Discovered(path) if path.ends_with('/') => names_in(subject, before, after),
        Field::Discovered(_) => content(subject, before, after, ["was seen to be used", "no longer used"]),
        Field::InputOrder | Field::OutputOrder => below(subject, "other than before", before, after),
        Field::Direct => ReasonText {
            subject,
            what: match after {
                Some(_) => "new: the command writes the declared paths itself",
                None => "gone: the command writes where it is told",
            }
            .to_owned(),
            ..ReasonText::default()
        },
        Field::Installed(_) => installed(subject, before, after),
        Field::Env(_) => {
            let what = match (before, after) {
                (None, _) => "new variable",
                (Some(_), None) => "no longer read",
                (Some(FieldValue::Absent), _) => "not set -> set",
                (_, Some(FieldValue::Absent)) => "set -> not set",
                _ => "another value (values of the environment are not kept)",
            };
            ReasonText {
                subject,
                what: what.to_owned(),
                ..ReasonText::default()
            }
        }
        Field::Probe => {
            let mut text = one_line(subject, before, after);
            text.what = format!("answers {}", text.what);
            text
        }
        // A command's single output is just that.
        Field::Output(port) if port == "output" => one_line(subject, before, after),
        Field::Output(port) => one_line(format!("output {port}"), before, after),
    }
}

/// A value in one line.
fn shown(value: &FieldValue<'_>) -> String {
    match value {
        FieldValue::Version(number) => number.to_string(),
        FieldValue::Text(text) => text.to_string(),
        FieldValue::Texts(texts) => texts.join(" "),
        FieldValue::Param(value) => value.to_string(),
        FieldValue::Digest(digest) => digest.hex()[..8].to_owned(),
        FieldValue::Absent => "absent".to_owned(),
        FieldValue::Output { kind, path } => {
            let kind = match kind {
                ArtifactKind::File => "file",
                ArtifactKind::Directory => "directory",
            };
            match path {
                Some(path) => format!("{kind} {path}"),
                None => kind.to_owned(),
            }
        }
    }
}

/// The content of an input; `words` for one that is new and one that is gone.
fn content(
    subject: String,
    before: Option<&FieldValue<'_>>,
    after: Option<&FieldValue<'_>>,
    words: [&str; 2],
) -> ReasonText {
    let what = match (before, after) {
        (Some(FieldValue::Absent), Some(FieldValue::Digest(_))) => "is there now".to_owned(),
        (Some(FieldValue::Digest(_)), Some(FieldValue::Absent)) => "is gone".to_owned(),
        (Some(before), Some(after)) => format!("content {} -> {}", shown(before), shown(after)),
        (None, _) => words[0].to_owned(),
        (Some(_), None) => words[1].to_owned(),
    };
    ReasonText {
        subject,
        what,
        ..ReasonText::default()
    }
}

/// The names in a directory that was listed.
fn names_in(subject: String, before: Option<&FieldValue<'_>>, after: Option<&FieldValue<'_>>) -> ReasonText {
    match (before, after) {
        (Some(FieldValue::Digest(_)), Some(FieldValue::Digest(_))) => ReasonText {
            subject,
            what: "has other names in it".to_owned(),
            ..ReasonText::default()
        },
        _ => content(subject, before, after, ["was seen to be listed", "no longer listed"]),
    }
}

/// A package or an interpreter, by its version.
fn installed(subject: String, before: Option<&FieldValue<'_>>, after: Option<&FieldValue<'_>>) -> ReasonText {
    match after {
        Some(FieldValue::Absent) | None => ReasonText {
            subject,
            what: format!("{} is no longer installed", before.map(shown).unwrap_or_default()),
            ..ReasonText::default()
        },
        after => one_line(subject, before, after),
    }
}

fn one_line(subject: String, before: Option<&FieldValue<'_>>, after: Option<&FieldValue<'_>>) -> ReasonText {
    in_line(subject, before.map(shown), after.map(shown))
}

fn in_line(subject: String, before: Option<String>, after: Option<String>) -> ReasonText {
    let what = match (before, after) {
        (Some(before), Some(after)) => format!("{before} -> {after}"),
        (None, Some(after)) => format!("new: {after}"),
        (Some(before), None) => format!("no longer used (was {before})"),
        (None, None) => "changed".to_owned(),
    };
    ReasonText {
        subject,
        what,
        ..ReasonText::default()
    }
}

fn below(subject: String, what: &str, before: Option<&FieldValue<'_>>, after: Option<&FieldValue<'_>>) -> ReasonText {
    ReasonText {
        subject,
        what: what.to_owned(),
        lines: line_edits(&lines(before), &lines(after)),
        ..ReasonText::default()
    }
}

/// A value line by line.
fn lines(value: Option<&FieldValue<'_>>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(FieldValue::Texts(texts)) => texts.iter().map(ToString::to_string).collect(),
        Some(other) => shown(other).lines().map(str::to_owned).collect(),
    }
}

/// A command's text or words.
fn command(subject: String, before: Option<&FieldValue<'_>>, after: Option<&FieldValue<'_>>) -> ReasonText {
    let what = match (before, after) {
        (None, _) => "instead of a built-in",
        (_, None) => "no longer, a built-in instead",
        (Some(FieldValue::Texts(_)), Some(FieldValue::Texts(_))) => "other words",
        (Some(FieldValue::Text(_)), Some(FieldValue::Text(_))) => "another text",
        _ => "with a shell or without",
    };
    below(subject, what, before, after)
}

fn param(subject: String, before: Option<&FieldValue<'_>>, after: Option<&FieldValue<'_>>) -> ReasonText {
    let (Some(FieldValue::Param(before)), Some(FieldValue::Param(after))) = (before, after) else {
        return one_line(subject, before, after);
    };
    if let Some((entry, old, new)) = only_difference(before, after) {
        let name = format!("{subject}.{entry}");
        return in_line(name, old.map(ToString::to_string), new.map(ToString::to_string));
    }
    let (old, new) = (before.to_string(), after.to_string());
    if before.type_name() != after.type_name() {
        let (old, new) = (
            format!("{old} ({})", before.type_name()),
            format!("{new} ({})", after.type_name()),
        );
        return in_line(subject, Some(old), Some(new));
    }
    if old.chars().count() + new.chars().count() <= WIDE {
        return in_line(subject, Some(old), Some(new));
    }
    let (what, lines) = match (before.as_ref(), after.as_ref()) {
        (Value::List(old), Value::List(new)) => {
            let items = |items: &[Value]| items.iter().map(Value::to_string).collect::<Vec<_>>();
            let lines = line_edits(&items(old), &items(new));
            ("other items", lines)
        }
        _ => ("another value", line_edits(&[old], &[new])),
    };
    ReasonText {
        subject,
        what: what.to_owned(),
        lines,
        place: None,
    }
}

/// The one entry in which two tables differ, by the names that lead to it, with what it was and what it is.
fn only_difference<'v>(before: &'v Value, after: &'v Value) -> Option<(String, Option<&'v Value>, Option<&'v Value>)> {
    let (Value::Table(old), Value::Table(new)) = (before, after) else {
        return None;
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let (name, None) = (differ.next()?, differ.next()) else {
        return None;
    };
    let (old, new) = (old.get(name), new.get(name));
    match old.zip(new).map(|(old, new)| (old, new, only_difference(old, new))) {
        Some((_, _, Some((below, old, new)))) => Some((format!("{name}.{below}"), old, new)),
        Some((Value::Table(_), Value::Table(_), None)) => None,
        _ => Some((name.clone(), old, new)),
    }
}

/// Where a field of a target is written: `Atsaffile:14 (set on the command line)`.
#[must_use]
pub fn place(field: &Field, graph: &Graph, target: TargetId) -> Option<String> {
    let text = &graph.spec.text;
    let declared = graph.target(target);
    match field {
        Field::Format => None,
        Field::Task
        | Field::TaskVersion
        | Field::Part(_)
        | Field::Command
        | Field::Shell
        | Field::Cwd
        | Field::InputOrder
        | Field::OutputOrder
        | Field::Direct
        | Field::Means
        | Field::Env(_)
        | Field::Probe => Some(text.line_of(declared.span)),
        Field::Discovered(_) | Field::Installed(_) => Some(seen_by(declared.settings.discover).to_owned()),
        Field::Param(name) => {
            let param = declared.params.iter().find(|param| param.name == *name)?;
            Some(origin(param, graph))
        }
        Field::Input { role, path } => {
            read_of(graph, target, role, path.as_deref()).map(|read| read_place(read, graph))
        }
        Field::Output(name) => {
            let output = declared.outputs.iter().find(|output| output.port == *name)?;
            Some(text.line_of(output.span))
        }
    }
}

/// How it came to be known what a target uses.
#[must_use]
pub fn seen_by(means: Option<Means>) -> &'static str {
    match means {
        Some(Means::Depfile) => "listed in its depfile",
        Some(Means::Python) => "seen by Python",
        Some(Means::Trace) => "seen by strace",
        None => "seen to be used",
    }
}

/// Where a parameter's value comes from.
#[must_use]
pub fn origin(param: &Param, graph: &Graph) -> String {
    let text = &graph.spec.text;
    match param.origin {
        Origin::Atsaffile(span) => text.line_of(span),
        Origin::CommandLine(Some(span)) => format!("{} (set on the command line)", text.line_of(span)),
        Origin::CommandLine(None) => "(set on the command line)".to_owned(),
        Origin::Default => "(the task's default)".to_owned(),
        Origin::Environment => "(the environment)".to_owned(),
    }
}

/// What a target reads under a role.
#[must_use]
pub fn read_of<'a>(graph: &'a Graph, target: TargetId, role: &str, path: Option<&str>) -> Option<&'a Read> {
    graph.node(target).reads_as(role, path).first().copied()
}

/// What a read is and where it is written: `fixtures/eia, Atsaffile:8`.
fn read_place(read: &Read, graph: &Graph) -> String {
    let line = graph.spec.text.line_of(read.span);
    if let Some(artifact) = read.artifact {
        return format!("made by {}", graph.name(artifact.target));
    }
    match read.how {
        How::Matched => line,
        How::Declared if read.role == read.path => line,
        How::Declared | How::Param => format!("{}, {line}", read.path),
        How::Word => format!("named by the command, {line}"),
    }
}

#[cfg(test)]
mod tests;
