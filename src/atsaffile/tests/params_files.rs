//! Parameters of files: what tasks take of them, and where mistakes in them are told.

use super::{catalog, sets};
use crate::atsaffile::{FileAnswers, FoundParamsFile, file_questions, load_with};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::{Origin, Param, Spec, Value};

const HEAD: &str = "[project]\nparams_files = [\"conf/params.yaml\"]\n";

/// The Spec of a text below [`HEAD`] and a parameter file, and all that is said about them.
fn read(text: &str, params: &str, overrides: &[(&str, &str)]) -> (Spec, String) {
    let text = format!("{HEAD}{text}");
    assert_eq!(file_questions(&text).params_files, ["conf/params.yaml"]);
    let found = FileAnswers {
        params_files: vec![FoundParamsFile {
            path: "conf/params.yaml".to_owned(),
            bytes: Ok(params.as_bytes().to_vec()),
        }],
        ..FileAnswers::default()
    };
    let (spec, said) = load_with("sub/Atsaffile", &text, &sets(overrides), &found, &catalog::catalog());
    (spec, said.iter().map(Diagnostic::render).collect())
}

fn param<'s>(spec: &'s Spec, name: &str) -> &'s Param {
    let mut params = spec.targets[0].params.iter();
    params.find(|param| param.name == name).expect("a parameter")
}

const INGEST: &str = r#"
[target.ingest]
uses = "ingest_eia"
outputs = { raw = "raw.parquet" }
with = { end_date = "{{data.last}}", respondent = "{{data.code}}", fueltype = "of-{{data.fuel}}" }
"#;

#[test]
fn a_task_takes_what_is_named_as_its_parameter_and_by_with_what_is_not() {
    let params =
        "source: fixtures\nstart_date: 2024-01-01\ndata:\n  last: 2024-02-01\n  code: '7'\n  fuel: 8\n  unread: .nan\n";
    let (spec, said) = read(INGEST, params, &[]);
    assert_eq!(said, "");
    assert_eq!(param(&spec, "source").value, Value::Path("fixtures".to_owned()));
    assert_eq!(param(&spec, "start_date").value, Value::Date("2024-01-01".to_owned()));
    // The value itself where the task takes such, and else the text.
    let last = param(&spec, "end_date");
    assert_eq!(last.value, Value::Date("2024-02-01".to_owned()));
    assert_eq!(param(&spec, "respondent").value, Value::Text("7".to_owned()));
    assert_eq!(param(&spec, "fueltype").value, Value::Text("of-8".to_owned()));
    let Origin::Atsaffile(span) = last.origin else {
        panic!("{last:?}")
    };
    assert_eq!(spec.text.line_of(span), "sub/conf/params.yaml:4");
    assert_eq!(spec.text.file_of(span), Some(0));
    let (spec, said) = read(INGEST, params, &[("data.last", "2024-03-01"), ("source", "other")]);
    assert_eq!(said, "");
    assert_eq!(param(&spec, "end_date").value, Value::Date("2024-03-01".to_owned()));
    assert_eq!(param(&spec, "source").value, Value::Path("other".to_owned()));
}

#[test]
fn a_value_that_does_not_fit_is_told_where_it_stands() {
    let params = "source: fixtures\nstart_date: soon\ndata: {last: 2023-01-01, code: x, fuel: y}\n";
    let (_, said) = read(INGEST, params, &[]);
    let expected = "error: `start_date` must be a date such as 2023-06-01; found string \"soon\"
  --> sub/conf/params.yaml:2:1
 2 | start_date: soon
   | ^^^^^^^^^^
  note: the task `ingest_eia` of the target `ingest` reads it
";
    assert_eq!(said, expected);
    let params = params.replace("soon", "2024-01-01");
    let (_, said) = read(INGEST, &params, &[]);
    assert!(
        said.contains("`start_date` is 2024-01-01, and `end_date`, 2023-01-01, is before it"),
        "{said}"
    );
    assert!(said.contains("sub/conf/params.yaml:3:8"), "{said}");
}

#[test]
fn mistakes_of_both_files_stand_in_order_with_their_lines() {
    let text = "\n[params]\nseed = 1\n\n[target.t]\nrun = \"echo {{seed}} {{fit.rat}} > {{output}}\"\noutput = \"t\"\n";
    let (_, said) = read(text, "# ä\nfit:\n  rate: 1\n  rate: 2\nseed: 3\n", &[]);
    let places: Vec<&str> = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--> "))
        .collect();
    assert_eq!(
        places,
        [
            "sub/conf/params.yaml:4:3",
            "sub/conf/params.yaml:3:3",
            "sub/conf/params.yaml:5:1",
            "sub/Atsaffile:5:1"
        ],
        "nothing is said of `fit.rat`, which may be meant to stand there: {said}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_where_it_is_named() {
    for (name, told) in [
        ("params.ini", "`params.ini` is no parameter file"),
        (".atsaf/p.yaml", "a parameter file lies in atsaf's own directory"),
        ("p.yaml\", \"./p.yaml", "the parameter file `p.yaml` is named twice"),
    ] {
        let text = format!("[project]\nparams_files = [\"{name}\"]\n");
        let answer = |path: &String| FoundParamsFile {
            path: path.clone(),
            bytes: Ok(Vec::new()),
        };
        let found = FileAnswers {
            params_files: file_questions(&text).params_files.iter().map(answer).collect(),
            ..FileAnswers::default()
        };
        let (_, said) = load_with("Atsaffile", &text, &sets(&[]), &found, &catalog::catalog());
        let said: String = said.iter().map(Diagnostic::render).collect();
        assert!(said.contains(told), "no `{told}` in {said}");
        assert!(said.contains("--> Atsaffile:2:"), "{said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn what_can_be_put_into_no_text_is_refused_in_a_probe_too() {
    let (_, said) = read(
        "[target.a]\nrun = \"x > {{output}}\"\noutput = \"a\"\nmax_age = \"1h\"\nprobe = \"echo {{train}} {{none}} {{depfile}}\"\n",
        "train:\n  n: 1\nnone: null\n",
        &[],
    );
    assert_eq!(said.matches("error: ").count(), 3, "{said}");
    assert!(said.contains("`{{depfile}}` cannot stand in a probe"), "{said}");
}
