//! What the readers of the formats make of a file, and what they refuse.

use std::collections::BTreeMap;

use super::{FORMATS, Key, Node, Reader, yaml_scalar};
use crate::atsaffile::mistakes::Mistakes;
use crate::engine::spec::{ParamsText, Text, Value};
use crate::fuzz::Fuzz;

fn reader(ending: &str) -> Reader {
    FORMATS.iter().find(|(it, _)| *it == ending).expect("a format").1
}

/// Each name with its value and its line.
type Said = BTreeMap<String, (Result<Value, String>, usize)>;

/// What a text says, each key with its line; and what is said about it.
fn read(ending: &str, text: &str) -> (Said, String) {
    let mut mistakes = Mistakes::default();
    let entries = reader(ending)(text, &mut mistakes);
    let mut into = Vec::new();
    super::flatten(&entries, "", 0, &mut into);
    let line = |at: u32| text[..at as usize].matches('\n').count() + 1;
    let params = into.into_iter().map(|it| (it.name, (it.value, line(it.span.start))));
    let params = params.collect();
    let text = Text {
        path: "params".to_owned(),
        text: text.to_owned(),
        files: Vec::<ParamsText>::new(),
    };
    let said = mistakes.into_diagnostics(&text);
    (params, said.iter().map(crate::diagnostic::Diagnostic::render).collect())
}

/// Every name with its value and its line, in a line each.
fn listed(ending: &str, text: &str) -> Vec<String> {
    let (params, said) = read(ending, text);
    assert_eq!(said, "", "{text}");
    let shown = |(name, (value, line)): (String, (Result<Value, String>, usize))| match value {
        Ok(value) => format!("{line} {name}: {} {value}", value.type_name()),
        Err(what) => format!("{line} {name}: {what}"),
    };
    params.into_iter().map(shown).collect()
}

#[test]
fn the_three_formats_say_the_same() {
    let yaml = "# of the model\ntrain:\n  seed: 1\n  rate: 0.5\n  names: [a, b]\n  deep:\n    on: true\nday: 2024-01-02\nnone: null\n";
    let toml = "# of the model\n[train]\nseed = 1\nrate = 0.5\nnames = [\"a\", \"b\"]\n[train.deep]\non = true\n";
    let json = "{\n  \"train\":\n  { \"seed\": 1,\n    \"rate\": 0.5, \"names\": [\"a\", \"b\"],\n    \"deep\": {\n    \"on\": true } },\n  \"none\": null\n}";
    assert_eq!(
        listed(".yaml", yaml),
        [
            "8 day: date 2024-01-02",
            "9 none: null null",
            "2 train: table { deep = { on = true }, names = [\"a\", \"b\"], rate = 0.5, seed = 1 }",
            "6 train.deep: table { on = true }",
            "7 train.deep.on: bool true",
            "5 train.names: list [\"a\", \"b\"]",
            "4 train.rate: float 0.5",
            "3 train.seed: integer 1",
        ]
    );
    let without_place = |all: Vec<String>| -> Vec<String> {
        let all = all.into_iter().filter(|line| line.contains("train"));
        all.map(|line| line.split_once(' ').expect("a line").1.to_owned())
            .collect()
    };
    let expected = without_place(listed(".yml", yaml));
    assert_eq!(without_place(listed(".toml", toml)), expected);
    assert_eq!(without_place(listed(".json", json)), expected);
    assert_eq!(listed(".json", json)[0], "7 none: null null");
    assert!(listed(".json", json).contains(&"6 train.deep.on: bool true".to_owned()));
    assert!(listed(".toml", toml).contains(&"3 train.seed: integer 1".to_owned()));
}

/// Type and value of a scalar, as `yaml.safe_load` of Python gives them (6.0.3).
const SCALARS: &[(&str, &str)] = &[
    ("yes", "bool true"),
    ("No", "bool false"),
    ("off", "bool false"),
    ("y", "string \"y\""),
    ("true", "bool true"),
    ("tRue", "string \"tRue\""),
    ("~", "null null"),
    ("null", "null null"),
    ("", "null null"),
    ("1", "integer 1"),
    ("-1", "integer -1"),
    ("+12", "integer 12"),
    ("1_000", "integer 1000"),
    ("010", "integer 8"),
    ("0o7", "string \"0o7\""),
    ("09", "string \"09\""),
    ("0x1F", "integer 31"),
    ("-0b101", "integer -5"),
    ("1:30", "integer 90"),
    ("-1:30:01", "integer -5401"),
    ("1:60", "string \"1:60\""),
    ("1.5", "float 1.5"),
    ("1.", "float 1.0"),
    (".5", "float 0.5"),
    ("-.5", "string \"-.5\""),
    ("1e3", "string \"1e3\""),
    ("1.0e3", "string \"1.0e3\""),
    ("1.0e+3", "float 1000.0"),
    ("1.5E-2", "float 0.015"),
    ("1:30.5", "float 90.5"),
    ("1.2.3", "string \"1.2.3\""),
    ("2024-01-02", "date 2024-01-02"),
    ("2024-1-2", "string \"2024-1-2\""),
    ("2024-1-2 3:04:05", "date 2024-1-2 3:04:05"),
    ("2001-12-14t21:59:43.10-05:00", "date 2001-12-14t21:59:43.10-05:00"),
    ("2001-12-14 21:59:43.10 -5", "date 2001-12-14 21:59:43.10 -5"),
    ("2001-12-14 21:59", "string \"2001-12-14 21:59\""),
    ("12e03", "string \"12e03\""),
    ("v1", "string \"v1\""),
    ("a b", "string \"a b\""),
];

#[test]
fn a_scalar_of_yaml_is_what_pyyaml_reads() {
    for (text, expected) in SCALARS {
        let value = yaml_scalar::plain(text).value().expect("a value");
        assert_eq!(format!("{} {value}", value.type_name()), *expected, "{text}");
    }
    for text in [".inf", "-.INF", ".nan", "99999999999999999999", "2024-02-30", "="] {
        assert!(yaml_scalar::plain(text).value().is_err(), "{text}");
    }
}

#[test]
fn tags_and_quotes_say_what_a_scalar_is() {
    let text = "a: '1'\nb: \"no\"\nc: !!str 1\nd: !!float 1\ne: !!int '3'\nf: !own x\ng: !!set {a, b}\nh: |\n  x\n  y\ni: ! 1\nj: !!binary aGk=\n";
    assert_eq!(
        listed(".yaml", text),
        [
            "1 a: string \"1\"",
            "2 b: string \"no\"",
            "3 c: string \"1\"",
            "4 d: float 1.0",
            "5 e: integer 3",
            "6 f: what has the tag `!own`, which means something only to the file's own reader",
            "7 g: what has the tag `!!set`, which means something only to the file's own reader",
            "8 h: string \"x\\ny\\n\"",
            "11 i: string \"1\"",
            "12 j: what has the tag `!!binary`, which means something only to the file's own reader",
        ]
    );
}

#[test]
fn aliases_and_merge_keys_stand_for_what_they_mean() {
    let text = "base: &base {lr: 0.1, depth: 3}\nother: &other\n  lr: 9\n  width: 2\nfit:\n  <<: [*base, *other]\n  depth: 5\nlist: [*base]\nsame: *base\nquoted: {'<<': 1}\n";
    let (params, said) = read(".yaml", text);
    assert_eq!(said, "");
    let value = |name: &str| params[name].0.clone().expect("a value").to_string();
    assert_eq!(value("fit"), "{ depth = 5, lr = 0.1, width = 2 }");
    assert_eq!(params["fit.lr"].1, 1, "the line where it is written");
    assert_eq!(params["fit.depth"].1, 7);
    assert_eq!(value("list"), "[{ depth = 3, lr = 0.1 }]");
    assert_eq!(value("same.lr"), "0.1");
    assert_eq!(value("quoted"), "{ \"<<\" = 1 }");
}

#[test]
fn keys_count_by_their_text() {
    let (params, _) = read(".yaml", "1: a\nyes: b\nx.y: c\n'': d\nlr rate: 1\n");
    let names: Vec<&str> = params.keys().map(String::as_str).collect();
    assert_eq!(names, ["1", "lr rate", "yes"]);
}

#[test]
fn what_is_no_parameter_file_is_told_with_its_place() {
    let bomb = |levels: usize| {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..levels {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            let line = format!("a{level}: &a{level} [{aliases}]\n");
            text.push_str(&line);
        }
        text
    };
    for (ending, text, told) in [
        (".yaml", "a: [b\n", "this is not YAML"),
        (".yaml", "a: 1\na: 2\n", "`a` is written twice\n  --> params:2:1"),
        (".yaml", "- a\n", "a parameter file is a mapping of names and values"),
        (".yaml", "a: 1\n---\nb: 2\n", "a parameter file has one document"),
        (
            ".yaml",
            "? [a]\n: 1\n",
            "a key is a text, and this is a list or a mapping",
        ),
        (".yaml", "a: &a 1\n*a : 2\n", "a key is a text, and this is an alias"),
        (
            ".yaml",
            "a: &a [*a]\n",
            "this alias means the list or mapping that it stands in",
        ),
        (".yaml", "a: {<<: 1}\n", "`<<` takes a mapping or a list of mappings"),
        (
            ".yaml",
            &format!("a: {}1{}", "[".repeat(40), "]".repeat(40)),
            "more than 32 deep",
        ),
        (".yaml", &"- ".repeat(100_000), "more than 32 deep"),
        (".yaml", &bomb(9), "more than 50000 values"),
        (
            ".yaml",
            &format!("a: [{}]", "1, ".repeat(60_000)),
            "more than 50000 values",
        ),
        (".toml", "a = \n", "this is not TOML"),
        (".toml", "a = 1\na = 2\n", "`a` is written twice"),
        (
            ".toml",
            &format!("a = {}1{}", "[".repeat(40), "]".repeat(40)),
            "more than 32 deep",
        ),
        (
            ".toml",
            &format!("a = [{}]", "1, ".repeat(60_000)),
            "more than 50000 values",
        ),
        (
            ".json",
            "{\"a\": }",
            "this is not JSON: expected value\n  --> params:1:7",
        ),
        (
            ".json",
            "{\"a\": 1,\n\"a\": 2}",
            "`a` is written twice\n  --> params:2:6",
        ),
        (".json", "[1]", "a parameter file is an object of names and values"),
        (
            ".json",
            &format!("{{\"a\": {}1{}}}", "[".repeat(40), "]".repeat(40)),
            "more than 32 deep",
        ),
        (
            ".json",
            &"[".repeat(100_000),
            "this is not JSON: EOF while parsing a list",
        ),
        (
            ".json",
            &format!("{{\"a\": [{}1]}}", "1, ".repeat(60_000)),
            "more than 50000 values",
        ),
    ] {
        let (_, said) = read(ending, text);
        assert!(said.contains(told), "no `{told}` in\n{said}");
        assert_eq!(said.matches("error:").count(), 1, "{said}");
    }
}

#[test]
fn a_file_without_anything_has_no_parameters() {
    for (ending, text) in [
        (".yaml", ""),
        (".yaml", "# later\n"),
        (".yaml", "---\n"),
        (".yaml", "~\n"),
        (".toml", ""),
        (".json", " \n"),
        (".json", "{}"),
    ] {
        assert_eq!(listed(ending, text), [""; 0], "{text}");
    }
}

#[test]
fn fuzz_parameter_files() {
    let yaml = "a: &a {b: [1, 2.5, ~], c: 'x'}\nd:\n  <<: *a\n  e: 2024-01-02\n  f: !!str 1:30\nü: \"\\u00fc\"\n";
    let toml = "a = 1\n[b]\nc = [1.5, \"x\", { d = 2024-01-02 }]\n";
    let json = "{\"a\": [1, 2.5e3, null], \"b\": {\"c\": \"\\u00fc\", \"d\": true}}";
    for ending in [".yaml", ".toml", ".json"] {
        Fuzz::of(
            "parameter files",
            [yaml, toml, json].map(|text| text.as_bytes().to_vec()),
        )
        .words(&[
            "&a ", "*a", "<<: ", "- ", "? ", "{", "[", "---", "!!int ", "\"", "1:2", "0x", "\u{fc}",
        ])
        .run(|bytes| {
            if let Ok(text) = str::from_utf8(bytes) {
                let mut mistakes = Mistakes::default();
                let entries: Vec<(Key, Node)> = reader(ending)(text, &mut mistakes);
                let mut into = Vec::new();
                super::flatten(&entries, "", 0, &mut into);
                let is_within = |at: u32| text.get(at as usize..).is_some();
                assert!(into.iter().all(|it| is_within(it.span.start) && is_within(it.span.end)));
            }
        });
    }
}
