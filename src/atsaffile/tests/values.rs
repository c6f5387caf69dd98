//! Values of the declared type, parameters that nothing reads, and dates in order.

use super::{mistakes, mistakes_with, spec, spec_with};
use crate::engine::spec::Value;

/// The value of a parameter of the first target.
fn value(text: &str, sets: &[(&str, &str)], name: &str) -> Value {
    let spec = spec_with(text, sets);
    let mut params = spec.targets[0].params.iter();
    params.find(|param| param.name == name).expect("used").value.clone()
}

const NUMBERS: &str = r#"[params]
v = [1.0, 2.0]
w = [1, 2.5]
x = 0.25
n = 3
day = 2023-06-01

[target.t]
run = "echo {{v}} {{w}} {{x}} {{n}} {{day}} > {{output}}"
output = "o"
"#;

#[test]
fn a_value_of_the_command_line_is_of_the_declared_type() {
    let floats = |items: &[f64]| Value::List(items.iter().copied().map(Value::Float).collect());
    assert_eq!(value(NUMBERS, &[], "v"), value(NUMBERS, &[("v", "[1, 2]")], "v"));
    assert_eq!(value(NUMBERS, &[], "v"), value(NUMBERS, &[("v", "1,2.0")], "v"));
    assert_eq!(
        value(NUMBERS, &[], "w"),
        floats(&[1.0, 2.5]),
        "a mixed list is one of numbers"
    );
    assert_eq!(value(NUMBERS, &[("w", "[1, 3]")], "w"), floats(&[1.0, 3.0]));
    assert_eq!(value(NUMBERS, &[("x", ".5")], "x"), Value::Float(0.5));
    assert_eq!(value(NUMBERS, &[("x", "5")], "x"), Value::Float(5.0));
    assert_eq!(
        value(NUMBERS, &[("n", "5")], "n"),
        Value::Int(5),
        "a whole number stays one"
    );
    assert_eq!(
        value(NUMBERS, &[("day", "\"2023-06-01\"")], "day"),
        value(NUMBERS, &[], "day")
    );
    let said = mistakes_with(NUMBERS, &[("n", "5.5"), ("v", "a,b")]);
    assert!(said.contains("`-s n=5.5` must give a whole number"), "{said}");
    assert!(said.contains("`-s v=a,b` must give a list"), "{said}");
}

const DATES: &str = r#"[params]
source = "pages/"
start_date = 2023-06-01
end_date = "2023-12-01"

[target.ingest]
uses = "ingest_eia"
outputs = { raw = "raw.parquet" }
"#;

#[test]
fn a_date_as_text_is_that_date_where_a_date_is_taken() {
    let date = Value::Date("2023-12-01".to_owned());
    assert_eq!(value(DATES, &[], "end_date"), date);
    assert_eq!(value(DATES, &[("end_date", "2023-12-01")], "end_date"), date);
}

#[test]
fn the_newest_can_be_asked_for_in_the_place_of_a_day_where_a_task_says_so() {
    let latest = Value::Text("latest".to_owned());
    let written = DATES.replace("\"2023-12-01\"", "\"latest\"");
    assert_eq!(value(&written, &[], "end_date"), latest);
    let day = DATES.replace("\"2023-12-01\"", "2023-12-01");
    assert_eq!(value(&day, &[("end_date", "latest")], "end_date"), latest);
    let date = Value::Date("2023-11-01".to_owned());
    assert_eq!(value(&written, &[("end_date", "2023-11-01")], "end_date"), date);
    let said = mistakes_with(&day, &[("start_date", "latest")]);
    assert!(said.contains("a date such as 2023-06-01"), "{said}");
}

#[test]
fn a_parameter_that_nothing_reads_is_a_warning_with_the_name_that_is_near() {
    const TEXT: &str = r#"[params]
horizn = 48
xyz = 1
dir = "out"

[target.train]
uses = "train_backtest_select"
inputs = { clean = "series.csv", validation = "v.json" }
outputs = { cv_results = "{{dir}}/cv.parquet", leaderboard = "lb.parquet", selected = "s.json" }
"#;
    let expected = r#"warning: nothing reads the parameter `horizn`
  --> Atsaffile:2:1
 2 | horizn = 48
   | ^^^^^^
  help: did you mean `horizon`, which `train` takes from its default?
warning: nothing reads the parameter `xyz`
  --> Atsaffile:3:1
 3 | xyz = 1
   | ^^^
  help: remove it, or read it: by `{{xyz}}` in a command or a path, or by `params = ["xyz"]`
"#;
    assert_eq!(mistakes(TEXT), expected);
    let said = mistakes_with(TEXT, &[("xyz", "2")]);
    assert!(
        said.contains("note: it is set on the command line with `-s`, which changes nothing"),
        "{said}"
    );
    let given = TEXT.replace("horizn = 48", "horizon = 24").replace("xyz = 1\n", "");
    assert_eq!(mistakes(&given), "", "one that only a path has is read");
}

#[test]
fn what_is_wrong_may_be_what_reads_a_parameter() {
    let said = mistakes("[params]\nhorizn = 48\n[target.a]\nuses = \"nothing\"\noutput = \"a\"\n");
    assert!(!said.contains("nothing reads"), "{said}");
}

#[test]
fn a_parameter_that_every_reader_has_of_its_own_is_not_read() {
    let text = DATES.replace("outputs", "with = { end_date = 2024-01-01 }\noutputs");
    let said = mistakes(&text);
    assert!(
        said.starts_with("warning: nothing reads the parameter `end_date`"),
        "{said}"
    );
}

#[test]
fn a_parameter_that_a_command_reads_from_its_environment_is_read() {
    let text = "[params]\na = 1\n[target.t]\nrun = \"x > {{output}}\"\noutput = \"t\"\nparams = [\"a\"]\n";
    assert_eq!(mistakes(text), "");
}

#[test]
fn a_span_does_not_end_before_it_begins() {
    let text = DATES.replace("\"2023-12-01\"", "2023-05-01");
    let expected = r"error: `start_date` is 2023-06-01, and `end_date`, 2023-05-01, is before it
  --> Atsaffile:4:12
 4 | end_date = 2023-05-01
   |            ^^^^^^^^^^
  --> Atsaffile:3:14
 3 | start_date = 2023-06-01
   |              ^^^^^^^^^^ `start_date`
  note: the task `ingest_eia` of the target `ingest` reads both
  help: exchange the two, or correct one of them
";
    assert_eq!(mistakes(&text), expected);
    let said = mistakes_with(DATES, &[("start_date", "2024-01-01")]);
    assert!(
        said.contains("note: `start_date` is set on the command line with `-s`"),
        "{said}"
    );
    spec_with(DATES, &[("start_date", "2023-12-01")]);
}

#[test]
fn a_task_that_acts_outside_is_an_effect_whatever_its_target_says() {
    let text = r#"[target.register]
uses = "register_champion"
inputs = { clean = "c", leaderboard = "l", selected = "s" }
outputs = { champion = "champion.json" }
"#;
    let text = text
        .replace("\"c\"", "\"./c\"")
        .replace("\"l\"", "\"./l\"")
        .replace("\"s\"", "\"./s\"");
    assert!(spec(&text).targets[0].settings.effect);
}
