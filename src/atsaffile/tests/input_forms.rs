//! `reading`, which says how files are written that a built-in task reads: where that may be said.

use std::collections::BTreeMap;

use super::{Overrides, load};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::schema::{ANY, Catalog, Kind, Literal, ParamSchema, Port, READING, Schema};

const fn entry(name: &'static str, kind: Kind) -> ParamSchema {
    ParamSchema {
        name,
        kind,
        default: None,
        doc: "",
    }
}

const fn reading(entries: &'static [ParamSchema]) -> ParamSchema {
    ParamSchema {
        name: READING,
        kind: Kind::Table(entries),
        default: Some(Literal::NoEntries),
        doc: "how its inputs are written",
    }
}

const fn port(name: &'static str) -> Port {
    Port { name, doc: "" }
}

const FORM: [ParamSchema; 2] = [entry("separator", Kind::Text), entry("time", Kind::Text)];

static TASKS: [Schema; 4] = [
    Schema {
        name: "prepare",
        params: &[reading(&FORM)],
        inputs: &[port("raw")],
        outputs: &[port("clean")],
        ..Schema::EMPTY
    },
    Schema {
        name: "train",
        params: &[reading(&[
            entry("separator", Kind::Text),
            entry("time", Kind::Text),
            entry("known", Kind::Table(&FORM)),
        ])],
        inputs: &[port("clean")],
        outputs: &[port("selected")],
        optional: &[port("known")],
        ..Schema::EMPTY
    },
    Schema {
        name: "gather",
        params: &[reading(&FORM)],
        inputs: &[port(ANY)],
        outputs: &[port("table")],
        ..Schema::EMPTY
    },
    Schema {
        name: "ingest",
        inputs: &[port(ANY)],
        outputs: &[port("raw")],
        ..Schema::EMPTY
    },
];

/// What `reading` is of each target that has one, or everything that is said.
fn of_targets(text: &str) -> Vec<String> {
    let catalog: Catalog = TASKS.iter().map(|task| (task.name, task)).collect();
    let (spec, said) = load("Atsaffile", text, &Overrides::default(), &catalog);
    if !said.is_empty() {
        return said.iter().map(Diagnostic::render).collect();
    }
    let of_target = |target: &crate::engine::spec::Target| {
        let param = target.params.iter().find(|param| param.name == READING)?;
        Some(format!("{}: {}", target.name, param.value))
    };
    let by_name: BTreeMap<_, _> = spec
        .targets
        .iter()
        .map(|target| (target.name.clone(), of_target(target)))
        .collect();
    by_name.into_values().flatten().collect()
}

const PIPELINE: &str = r#"
[target.prepare]
uses = "prepare"
inputs = { raw = "raw.csv" }
outputs = { clean = "clean.parquet" }

[target.train]
uses = "train"
inputs = { clean = "clean", known = "weather.csv" }
outputs = { selected = "selected.json" }
"#;

#[test]
fn what_all_targets_share_is_said_of_the_files_that_each_reads() {
    let params = "[params]\nreading = { separator = \";\", known = { time = \"when\" } }\n";
    assert_eq!(
        of_targets(&format!("{params}{PIPELINE}")),
        [
            "prepare: { separator = \";\" }",
            "train: { known = { time = \"when\" } }"
        ]
    );
    let on_file = PIPELINE.replace("clean = \"clean\", known = \"weather.csv\"", "clean = \"sales.csv\"");
    assert_eq!(
        of_targets(&format!("{params}{on_file}")),
        ["prepare: { separator = \";\" }", "train: { separator = \";\" }"]
    );
    assert_eq!(of_targets(PIPELINE), [""; 0]);
}

#[test]
fn what_is_said_to_no_target_is_told() {
    let text = r#"
[params]
reading = { separator = ";" }

[target.ingest]
uses = "ingest"
inputs = ["raw.csv"]
outputs = { raw = "raw.parquet" }

[target.prepare]
uses = "prepare"
inputs = ["raw"]
outputs = { clean = "clean.parquet" }
"#;
    let told = of_targets(text).concat();
    assert!(
        told.starts_with("warning: nothing reads the parameter `reading`\n"),
        "{told}"
    );
}

#[test]
fn what_a_built_in_task_makes_needs_no_word_on_its_form() {
    let text = format!("{PIPELINE}with = {{ reading = {{ separator = \";\", time = \"when\" }} }}\n");
    assert_eq!(
        of_targets(&text).concat(),
        r#"error: `reading` says how `clean` is written, which the target `prepare` makes
   --> Atsaffile:11:34
 11 | with = { reading = { separator = ";", time = "when" } }
    |                                  ^^^
   --> Atsaffile:9:20
  9 | inputs = { clean = "clean", known = "weather.csv" }
    |                    ^^^^^^^ `clean`
  note: the task `prepare` writes it as `train` reads it
  help: take this out: it is for files, and for what commands make
"#
    );
    let by_command = text.replace(
        "uses = \"prepare\"\ninputs = { raw = \"raw.csv\" }",
        "run = \"sort raw.csv > {{output}}\"",
    );
    assert_eq!(
        of_targets(&by_command),
        ["train: { separator = \";\", time = \"when\" }"]
    );
    let gathered = text
        .replace(
            "uses = \"prepare\"\ninputs = { raw = \"raw.csv\" }",
            "uses = \"gather\"\ninputs = [\"raw.csv\"]",
        )
        .replace(
            "outputs = { clean = \"clean.parquet\" }",
            "outputs = { table = \"clean.parquet\" }",
        )
        .replace("clean = \"clean\"", "clean = \"table\"");
    assert_eq!(of_targets(&gathered), ["train: { separator = \";\", time = \"when\" }"]);
}

#[test]
fn what_is_said_of_no_input_is_refused_and_a_name_is_suggested() {
    let with = |entries: &str| of_targets(&format!("{PIPELINE}with = {{ reading = {{ {entries} }} }}\n")).concat();
    assert_eq!(
        with("knwon = { time = \"when\" }"),
        r#"error: `reading` has no entry `knwon`; its entries: separator, time, known
   --> Atsaffile:11:22
 11 | with = { reading = { knwon = { time = "when" } } }
    |                      ^^^^^
  note: the task `train` of the target `train` reads it
  help: did you mean `known`?
"#
    );
    assert!(with("known = { seperator = \"x\" }").contains("`reading.known` has no entry `seperator`"));
    let without = PIPELINE.replace(", known = \"weather.csv\"", "");
    assert_eq!(
        of_targets(&format!(
            "{without}with = {{ reading = {{ known = {{ time = \"when\" }} }} }}\n"
        ))
        .concat(),
        r#"error: `reading` says how `known` is written, and the target reads no `known`
   --> Atsaffile:11:22
 11 | with = { reading = { known = { time = "when" } } }
    |                      ^^^^^
  help: bind a file to it, `inputs = { known = "a path" }`, or take this out
"#
    );
    let unknown = of_targets(&format!("[params]\nreading = {{ knwon = {{}} }}\n{PIPELINE}")).concat();
    assert!(unknown.contains("`reading` has no entry `knwon`"), "{unknown}");
}
