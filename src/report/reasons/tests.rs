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
    let listed = differs(Field::Discovered("data/".to_owned()), digest("one"), digest("two"));
    assert_eq!(said(&listed), "data/ has other names in it");
    let version = |text: &'static str| Some(FieldValue::Text(text.into()));
    let package = |before, after| said(&differs(Field::Installed("pandas".to_owned()), before, after));
    assert_eq!(package(version("2.1"), version("2.2")), "pandas 2.1 -> 2.2");
    assert_eq!(
        package(version("2.1"), Some(FieldValue::Absent)),
        "pandas 2.1 is no longer installed"
    );
    assert_eq!(
        said(&differs(Field::Means, version("auto"), version("trace"))),
        "discover auto -> trace"
    );
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
