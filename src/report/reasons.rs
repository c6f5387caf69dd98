//! Reasons in words: what differs, before and after, and where that is written.

use crate::engine::fingerprint::Field;
use crate::engine::graph::{Graph, How, Read, TargetId};
use crate::engine::reason::{Difference, Reason};
use crate::engine::spec::{Origin, Param};

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
    let (before, after) = (before.as_deref(), after.as_deref());
    match field {
        Field::Format => one_line(subject, before, after),
        Field::Task => task(before, after),
        Field::Param(_) => param(subject, before, after),
        Field::Input { .. } => {
            let what = match (before, after) {
                (Some(before), Some(after)) => format!("content {} -> {}", digits(before), digits(after)),
                (None, _) => "new input".to_owned(),
                (Some(_), None) => "no longer read".to_owned(),
            };
            ReasonText {
                subject,
                what,
                ..ReasonText::default()
            }
        }
        Field::InputOrder => below(subject, "other than before", before, after),
        Field::Env(_) => {
            let set = |text: Option<&str>| text.is_some_and(|text| text != "not set");
            let what = match (before, after) {
                (None, _) => "new variable",
                (Some(_), None) => "no longer read",
                _ if !set(before) => "not set -> set",
                _ if !set(after) => "set -> not set",
                _ => "another value (values of the environment are not kept)",
            };
            ReasonText {
                subject,
                what: what.to_owned(),
                ..ReasonText::default()
            }
        }
        Field::Output(_) => {
            let mut told = one_line(subject, before, after);
            told.what = format!("output {}", told.what);
            told
        }
    }
}

/// The first digits of a digest.
fn digits(hex: &str) -> &str {
    hex.get(..8).unwrap_or(hex)
}

fn one_line(subject: String, before: Option<&str>, after: Option<&str>) -> ReasonText {
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

fn below(subject: String, what: &str, before: Option<&str>, after: Option<&str>) -> ReasonText {
    ReasonText {
        subject,
        what: what.to_owned(),
        lines: edits(before.unwrap_or_default(), after.unwrap_or_default()),
        ..ReasonText::default()
    }
}

/// A built-in's name and version in one line, a command's text below.
fn task(before: Option<&str>, after: Option<&str>) -> ReasonText {
    let subject = "task".to_owned();
    match (before.and_then(command), after.and_then(command)) {
        (Some(old), Some(new)) if old == new => below(subject, "another shell, or none", before, after),
        (Some(old), Some(new)) => below("command".to_owned(), "another text", Some(old), Some(new)),
        (None, None) => one_line(subject, before, after),
        _ => below(subject, "a command or a built-in", before, after),
    }
}

/// The text of a command, without the way in which it is run.
fn command(text: &str) -> Option<&str> {
    let of_shell = || text.strip_prefix("shell ").and_then(|rest| rest.split_once('\n'));
    text.strip_prefix("exec ").or_else(|| of_shell().map(|(_, text)| text))
}

/// A value's type and text.
fn typed(text: &str) -> (&str, &str) {
    text.split_once(": ").unwrap_or(("", text))
}

fn param(subject: String, before: Option<&str>, after: Option<&str>) -> ReasonText {
    let (Some(before), Some(after)) = (before.map(typed), after.map(typed)) else {
        return one_line(
            subject,
            before.map(|text| typed(text).1),
            after.map(|text| typed(text).1),
        );
    };
    if before.0 != after.0 {
        let (before, after) = (
            format!("{} ({})", before.1, before.0),
            format!("{} ({})", after.1, after.0),
        );
        return one_line(subject, Some(&before), Some(&after));
    }
    if before.1.chars().count() + after.1.chars().count() <= WIDE {
        return one_line(subject, Some(before.1), Some(after.1));
    }
    match (items(before.1), items(after.1)) {
        (Some(old), Some(new)) => {
            let lines = line_edits(&old, &new);
            let what = match lines.is_empty() {
                true => "in another order",
                false => "other items",
            };
            ReasonText {
                subject,
                what: what.to_owned(),
                lines,
                place: None,
            }
        }
        _ => below(subject, "another value", Some(before.1), Some(after.1)),
    }
}

/// The items of a list's canonical text, as far as it is JSON as well.
fn items(text: &str) -> Option<Vec<String>> {
    let items: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    Some(items.iter().map(serde_json::Value::to_string).collect())
}

/// The lines that differ between two texts.
fn edits(before: &str, after: &str) -> Vec<Edit> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    line_edits(&lines(before), &lines(after))
}

/// The shortest edit between two short lists, by their longest common subsequence; what is common is left out.
fn line_edits(before: &[String], after: &[String]) -> Vec<Edit> {
    let (rows, columns) = (before.len(), after.len());
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
        Field::Task | Field::InputOrder | Field::Env(_) => Some(text.line_of(declared.span)),
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
    let mut reads = graph.node(target).reads.iter();
    reads.find(|read| read.role == role && path.is_none_or(|path| read.path == path))
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
    use super::*;

    fn differs(field: Field, before: Option<&str>, after: Option<&str>) -> Reason {
        Reason::Changed(Difference {
            field,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        })
    }

    fn said(reason: &Reason) -> String {
        told(reason).brief()
    }

    fn param(before: Option<&str>, after: Option<&str>) -> ReasonText {
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
        assert_eq!(param(Some("integer: 24"), Some("integer: 48")).brief(), "p 24 -> 48");
        assert_eq!(
            param(Some("integer: 24"), Some("float: 24.0")).brief(),
            "p 24 (integer) -> 24.0 (float)"
        );
        assert_eq!(param(None, Some("string: \"a: b\"")).brief(), "p new: \"a: b\"");
        assert_eq!(param(Some("bool: true"), None).brief(), "p no longer used (was true)");
    }

    #[test]
    fn a_long_list_tells_its_items() {
        let list = |items: &[&str]| format!("list: [{}]", items.join(", "));
        let (a, b, c) = (
            format!("\"{}\"", "a".repeat(20)),
            format!("\"{}\"", "b".repeat(20)),
            format!("\"{}\"", "c".repeat(20)),
        );
        let before = list(&[&a, &b]);
        let told = param(Some(&before), Some(&list(&[&b, &c])));
        assert_eq!(told.what, "other items");
        assert_eq!(told.lines, [Edit::Taken(a.clone()), Edit::Added(c)]);
        let told = param(Some(&before), Some(&list(&[&b, &a])));
        assert_eq!(told.lines, [Edit::Taken(a.clone()), Edit::Added(a)]);
    }

    #[test]
    fn a_long_text_stands_below() {
        let (before, after) = (format!("string: \"{}\"", "a".repeat(80)), "string: \"b\"".to_owned());
        let told = param(Some(&before), Some(&after));
        assert_eq!(told.what, "another value");
        assert_eq!(told.lines.len(), 2);
    }

    #[test]
    fn inputs_tell_their_contents() {
        let input = |path: Option<&str>| Field::Input {
            role: "clean".to_owned(),
            path: path.map(str::to_owned),
        };
        let (one, two) = ("0123456789abcdef", "fedcba9876543210");
        let changed = differs(input(Some("data/clean.txt")), Some(one), Some(two));
        assert_eq!(said(&changed), "clean content 01234567 -> fedcba98");
        assert_eq!(said(&differs(input(None), None, Some(two))), "clean new input");
        assert_eq!(said(&differs(input(None), None, None)), "clean new input");
        assert_eq!(said(&differs(input(None), Some(one), None)), "clean no longer read");
        let globbed = Field::Input {
            role: "pages/*.txt".to_owned(),
            path: Some("pages/a.txt".to_owned()),
        };
        assert_eq!(said(&differs(globbed, None, Some(one))), "pages/a.txt new input");
        let order = told(&differs(Field::InputOrder, Some("a\nb"), Some("b\na")));
        assert_eq!(order.brief(), "order of the inputs other than before");
        assert_eq!(order.lines, [Edit::Taken("a".to_owned()), Edit::Added("a".to_owned())]);
    }

    #[test]
    fn the_environment_is_told_without_its_values() {
        let env = |before, after| said(&differs(Field::Env("TZ".to_owned()), before, after));
        assert_eq!(
            env(Some("0123"), Some("4567")),
            "$TZ another value (values of the environment are not kept)"
        );
        assert_eq!(env(Some("not set"), Some("4567")), "$TZ not set -> set");
        assert_eq!(env(Some("0123"), Some("not set")), "$TZ set -> not set");
        assert_eq!(env(None, Some("0123")), "$TZ new variable");
        assert_eq!(env(Some("0123"), None), "$TZ no longer read");
    }

    #[test]
    fn tasks_outputs_and_the_format() {
        let task = |before, after| told(&differs(Field::Task, Some(before), Some(after)));
        assert_eq!(
            task("prepare version 1", "prepare version 2").brief(),
            "task prepare version 1 -> prepare version 2"
        );
        let command = task("shell [\"sh\"]\na\nb\nc", "shell [\"sh\"]\na\nB\nc");
        assert_eq!(command.brief(), "command another text");
        assert_eq!(
            command.lines,
            [Edit::Taken("b".to_owned()), Edit::Added("B".to_owned())]
        );
        assert_eq!(
            task("shell [\"sh\"]\na", "exec a").brief(),
            "task another shell, or none"
        );
        assert_eq!(
            task("exec a", "prepare version 1").brief(),
            "task a command or a built-in"
        );
        let output = differs(Field::Output("raw".to_owned()), Some("file a.txt"), Some("file b.txt"));
        assert_eq!(said(&output), "raw output file a.txt -> file b.txt");
        assert_eq!(
            said(&differs(Field::Format, Some("1"), Some("2"))),
            "fingerprint format 1 -> 2"
        );
    }

    #[test]
    fn only_the_first_reasons_are_told_in_brief() {
        let reasons = vec![Reason::Forced; 5];
        let forced = "--force asks for it";
        assert_eq!(brief(&reasons), format!("{forced}; {forced}; {forced}; and 2 more"));
    }
}
