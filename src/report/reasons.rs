//! Reasons in words: what differs, before and after, and where that is written.

use crate::engine::fingerprint::{Field, FieldValue};
use crate::engine::graph::{Graph, How, Read, TargetId};
use crate::engine::reason::{Difference, Reason};
use crate::engine::spec::{ArtifactKind, Origin, Param, Value};

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

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It stood there before.
    Taken(String),
    /// It stands there now.
    Added(String),
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
        Field::Format | Field::Task | Field::Shell => one_line(subject, before, after),
        Field::TaskVersion | Field::Part(_) => {
            let mut text = one_line(subject, before, after);
            text.what = format!("version {}", text.what);
            text
        }
        Field::Command => command(subject, before, after),
        Field::Param(_) => param(subject, before, after),
        Field::Input { .. } => content(subject, before, after, ["new input", "no longer read"]),
        Field::Discovered(_) => content(subject, before, after, ["was seen to be read", "no longer read"]),
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

/// Pairs of lines that are compared at most, in search of the shortest edit.
const PAIRS: usize = 1 << 20;

/// The shortest edit between two lists, by their longest common subsequence; what is common is left out. Of lists that
/// differ in too much, all that differs is taken away and added.
fn line_edits(before: &[String], after: &[String]) -> Vec<Edit> {
    let same = |pairs: &mut dyn Iterator<Item = (&String, &String)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut before.iter().zip(after));
    let (before, after) = (&before[head..], &after[head..]);
    let tail = same(&mut before.iter().rev().zip(after.iter().rev()));
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    let (rows, columns) = (before.len(), after.len());
    if rows.saturating_mul(columns) > PAIRS {
        let taken = before.iter().cloned().map(Edit::Taken);
        return taken.chain(after.iter().cloned().map(Edit::Added)).collect();
    }
    let mut common = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = match before[row] == after[column] {
                true => common[row + 1][column + 1] + 1,
                false => common[row + 1][column].max(common[row][column + 1]),
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut edits = Vec::new();
    while row < rows || column < columns {
        if row < rows && column < columns && before[row] == after[column] {
            (row, column) = (row + 1, column + 1);
        } else if column == columns || (row < rows && common[row + 1][column] >= common[row][column + 1]) {
            edits.push(Edit::Taken(before[row].clone()));
            row += 1;
        } else {
            edits.push(Edit::Added(after[column].clone()));
            column += 1;
        }
    }
    edits
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
        | Field::InputOrder
        | Field::OutputOrder
        | Field::Direct
        | Field::Env(_)
        | Field::Probe => Some(text.line_of(declared.span)),
        Field::Discovered(_) => Some("seen to be used".to_owned()),
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

/// Where a parameter's value comes from.
#[must_use]
pub fn origin(param: &Param, graph: &Graph) -> String {
    let text = &graph.spec.text;
    match param.origin {
        Origin::Atsaffile(span) => text.line_of(span),
        Origin::CommandLine(Some(span)) => format!("{} (set on the command line)", text.line_of(span)),
        Origin::CommandLine(None) => "(set on the command line)".to_owned(),
        Origin::Default => "(the task's default)".to_owned(),
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
mod tests {
    #![expect(clippy::unnecessary_wraps, reason = "a side of a difference may be absent")]

    use super::*;
    use crate::engine::digest::Digest;

    type Side = Option<FieldValue<'static>>;

    fn differs(field: Field, before: Side, after: Side) -> Reason {
        Reason::Changed(Difference { field, before, after })
    }

    fn value(value: Value) -> Side {
        Some(FieldValue::Param(std::borrow::Cow::Owned(value)))
    }

    fn word(text: &str) -> Side {
        Some(FieldValue::Text(text.to_owned().into()))
    }

    fn words(texts: &[&str]) -> Side {
        let texts = texts.iter().map(|text| (*text).to_owned().into());
        Some(FieldValue::Texts(texts.collect()))
    }

    fn digest(text: &str) -> Side {
        Some(FieldValue::Digest(Digest::of(text.as_bytes())))
    }

    fn said(reason: &Reason) -> String {
        told(reason).brief()
    }

    fn param(before: Side, after: Side) -> ReasonText {
        told(&differs(Field::Param("p".to_owned()), before, after))
    }

    #[test]
    fn reasons_that_are_no_difference() {
        let (artifact, path) = ("raw".to_owned(), "data/raw.txt".to_owned());
        for (reason, text) in [
            (Reason::NeverBuilt, "never built"),
            (Reason::Forced, "--force asks for it"),
            (Reason::Unknown, "the journal no longer tells what it was built from"),
            (
                Reason::Interrupted,
                "a build was cut short while it placed the artifacts",
            ),
            (
                Reason::Unfinished,
                "its last attempt began to act outside the project and did not succeed",
            ),
            (
                Reason::Missing {
                    artifact: artifact.clone(),
                    path: path.clone(),
                },
                "raw data/raw.txt is missing",
            ),
            (
                Reason::Altered { artifact, path },
                "raw data/raw.txt is not as atsaf left it",
            ),
        ] {
            assert_eq!(said(&reason), text);
        }
    }

    #[test]
    fn a_short_value_stands_in_one_line() {
        let int = |number| value(Value::Int(number));
        assert_eq!(param(int(24), int(48)).brief(), "p 24 -> 48");
        assert_eq!(
            param(int(24), value(Value::Float(24.0))).brief(),
            "p 24 (integer) -> 24.0 (float)"
        );
        assert_eq!(
            param(None, value(Value::Text("a: b".to_owned()))).brief(),
            "p new: \"a: b\""
        );
        assert_eq!(
            param(value(Value::Bool(true)), None).brief(),
            "p no longer used (was true)"
        );
    }

    #[test]
    fn a_long_list_tells_its_items() {
        let list = |items: &[&str]| {
            let items = items.iter().map(|item| Value::Text((*item).to_owned()));
            value(Value::List(items.collect()))
        };
        let (a, b, c) = ("a".repeat(20), "b".repeat(20), "c".repeat(20));
        let quoted = |item: &str| format!("\"{item}\"");
        let text = param(list(&[&a, &b]), list(&[&b, &c]));
        assert_eq!(text.what, "other items");
        assert_eq!(text.lines, [Edit::Taken(quoted(&a)), Edit::Added(quoted(&c))]);
        let text = param(list(&[&a, &b]), list(&[&b, &a]));
        assert_eq!(text.lines, [Edit::Taken(quoted(&a)), Edit::Added(quoted(&a))]);
    }

    #[test]
    fn a_long_text_stands_below() {
        let text = param(value(Value::Text("a".repeat(80))), value(Value::Text("b".to_owned())));
        assert_eq!(text.what, "another value");
        assert_eq!(text.lines.len(), 2);
    }

    #[test]
    fn inputs_tell_their_contents() {
        let input = |path: Option<&str>| Field::Input {
            role: "clean".to_owned(),
            path: path.map(str::to_owned),
        };
        let (one, two) = (digest("one"), digest("two"));
        let digits = |text: &str| Digest::of(text.as_bytes()).hex()[..8].to_owned();
        let changed = differs(input(Some("data/clean.txt")), one.clone(), two.clone());
        assert_eq!(
            said(&changed),
            format!("clean content {} -> {}", digits("one"), digits("two"))
        );
        assert_eq!(said(&differs(input(None), None, two)), "clean new input");
        assert_eq!(said(&differs(input(None), None, None)), "clean new input");
        assert_eq!(said(&differs(input(None), one.clone(), None)), "clean no longer read");
        let globbed = Field::Input {
            role: "pages/*.txt".to_owned(),
            path: Some("pages/a.txt".to_owned()),
        };
        assert_eq!(said(&differs(globbed, None, one.clone())), "pages/a.txt new input");
        let order = told(&differs(Field::InputOrder, words(&["a", "b"]), words(&["b", "a"])));
        assert_eq!(order.brief(), "order of the inputs other than before");
        assert_eq!(order.lines, [Edit::Taken("a".to_owned()), Edit::Added("a".to_owned())]);
        let seen = Field::Discovered("lib/model.py".to_owned());
        let gone = differs(seen, one, Some(FieldValue::Absent));
        assert_eq!(said(&gone), "lib/model.py is gone");
    }

    #[test]
    fn the_environment_is_told_without_its_values() {
        let env = |before, after| said(&differs(Field::Env("TZ".to_owned()), before, after));
        let absent = || Some(FieldValue::Absent);
        assert_eq!(
            env(digest("one"), digest("two")),
            "$TZ another value (values of the environment are not kept)"
        );
        assert_eq!(env(absent(), digest("two")), "$TZ not set -> set");
        assert_eq!(env(digest("one"), absent()), "$TZ set -> not set");
        assert_eq!(env(None, digest("one")), "$TZ new variable");
        assert_eq!(env(digest("one"), None), "$TZ no longer read");
    }

    #[test]
    fn tasks_commands_outputs_and_the_format() {
        let version = |number| Some(FieldValue::Version(number));
        assert_eq!(
            said(&differs(Field::TaskVersion, version(1), version(2))),
            "task version 1 -> 2"
        );
        assert_eq!(
            said(&differs(Field::Part("HoltWinters".to_owned()), version(2), version(3))),
            "HoltWinters version 2 -> 3"
        );
        assert_eq!(
            said(&differs(Field::Task, word("prepare"), word("validate"))),
            "task prepare -> validate"
        );
        let command = told(&differs(Field::Command, word("a\nb\nc"), word("a\nB\nc")));
        assert_eq!(command.brief(), "command another text");
        assert_eq!(
            command.lines,
            [Edit::Taken("b".to_owned()), Edit::Added("B".to_owned())]
        );
        let command = |before, after| said(&differs(Field::Command, before, after));
        assert_eq!(command(word("a"), words(&["a"])), "command with a shell or without");
        assert_eq!(command(None, word("a")), "command instead of a built-in");
        assert_eq!(
            said(&differs(
                Field::Shell,
                words(&["sh", "-c"]),
                words(&["bash", "-euo", "pipefail", "-c"])
            )),
            "shell sh -c -> bash -euo pipefail -c"
        );
        let output = |path: &str| {
            Some(FieldValue::Output {
                kind: ArtifactKind::File,
                path: Some(path.to_owned().into()),
            })
        };
        let moved = differs(Field::Output("raw".to_owned()), output("a.txt"), output("b.txt"));
        assert_eq!(said(&moved), "output raw file a.txt -> file b.txt");
        let moved = differs(Field::Output("output".to_owned()), output("a.txt"), output("b.txt"));
        assert_eq!(said(&moved), "output file a.txt -> file b.txt");
        assert_eq!(
            said(&differs(Field::Format, version(1), version(2))),
            "fingerprint format 1 -> 2"
        );
    }

    #[test]
    fn only_the_first_reasons_are_told_in_brief() {
        let reasons = vec![Reason::Forced; 5];
        let forced = "--force asks for it";
        assert_eq!(brief(&reasons), format!("{forced}; {forced}; {forced}; and 2 more"));
    }

    #[test]
    fn long_lists_are_compared_by_what_differs_and_within_bounds() {
        let paths: Vec<String> = (0..20_000).map(|number| format!("d/{number:05}")).collect();
        let mut more = paths.clone();
        more.insert(7, "d/new".to_owned());
        assert_eq!(line_edits(&paths, &more), [Edit::Added("d/new".to_owned())]);
        assert_eq!(line_edits(&more, &paths), [Edit::Taken("d/new".to_owned())]);
        let reversed: Vec<String> = paths.iter().rev().cloned().collect();
        assert_eq!(line_edits(&paths, &reversed).len(), 40_000);
    }
}
