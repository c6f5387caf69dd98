//! Parameters that are tables, and those that take one value or several.

use std::collections::BTreeMap;

use super::{Overrides, load, sets};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{AUTO, Catalog, Kind, Literal, ParamSchema, Port, Schema};

const COUNT: Kind = Kind::Int { min: 0, max: 9 };

static FIT: Schema = Schema {
    name: "fit",
    summary: "fits models",
    params: &[
        ParamSchema {
            name: "AutoARIMA",
            kind: Kind::Table(&[
                ParamSchema {
                    name: "max_p",
                    kind: COUNT,
                    default: None,
                    doc: "highest order",
                },
                ParamSchema {
                    name: "seasonal",
                    kind: Kind::Bool,
                    default: None,
                    doc: "whether it has seasons",
                },
                ParamSchema {
                    name: "method",
                    kind: Kind::Choice(&["css", "ml"]),
                    default: None,
                    doc: "how it is fitted",
                },
            ]),
            default: Some(Literal::NoEntries),
            doc: "settings of the model",
        },
        ParamSchema {
            name: "Naive",
            kind: Kind::Table(&[]),
            default: Some(Literal::NoEntries),
            doc: "settings of the model",
        },
        ParamSchema {
            name: "season_length",
            kind: Kind::Auto(&Kind::OneOrMany(&COUNT)),
            default: Some(Literal::Text(AUTO)),
            doc: "lengths of seasons",
        },
        ParamSchema {
            name: "level",
            kind: Kind::OneOrMany(&Kind::Float {
                min: 0.0,
                max: 100.0,
                open: true,
            }),
            default: Some(Literal::Float(95.0)),
            doc: "% of the intervals",
        },
    ],
    outputs: &[Port {
        name: "fit",
        doc: "what was fitted",
    }],
    ..Schema::EMPTY
};

fn catalog() -> Catalog {
    BTreeMap::from([(FIT.name, &FIT)])
}

/// The values of the target, or everything that is said.
fn values(text: &str, overrides: &[(&str, &str)]) -> Result<BTreeMap<String, Value>, String> {
    let text = format!("{text}\n[target.fit]\nuses = \"fit\"\noutput = \"fit.json\"\n");
    read(&text, &sets(overrides))
}

fn read(text: &str, overrides: &Overrides) -> Result<BTreeMap<String, Value>, String> {
    let (spec, said) = load("Atsaffile", text, overrides, &catalog());
    match said.is_empty() {
        true => Ok(spec.targets[0]
            .params
            .iter()
            .map(|param| (param.name.clone(), param.value.clone()))
            .collect()),
        false => Err(said.iter().map(Diagnostic::render).collect()),
    }
}

fn shown(values: &Result<BTreeMap<String, Value>, String>, name: &str) -> String {
    values.as_ref().map_or_else(Clone::clone, |values| {
        values.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string)
    })
}

#[test]
fn a_table_is_read_from_params_with_and_the_command_line() {
    let expected = "{ max_p = 3, seasonal = true }";
    let in_params = values("[params]\nAutoARIMA = { seasonal = true, max_p = 3 }", &[]);
    assert_eq!(shown(&in_params, "AutoARIMA"), expected);
    let section = values("[params.AutoARIMA]\nmax_p = 3\nseasonal = true", &[]);
    assert_eq!(shown(&section, "AutoARIMA"), expected);
    let text = "[target.fit]\nuses = \"fit\"\noutput = \"f\"\nwith = { AutoARIMA = { max_p = 3, seasonal = true } }\n";
    assert_eq!(shown(&read(text, &sets(&[])), "AutoARIMA"), expected);
    let set = values("", &[("AutoARIMA", "{ max_p = 3, seasonal = true }")]);
    assert_eq!(shown(&set, "AutoARIMA"), expected);
    assert_eq!(shown(&values("", &[]), "AutoARIMA"), "nothing");
}

#[test]
fn each_wrong_entry_of_a_table_is_told_at_its_place() {
    let said = values(
        "[params]\nAutoARIMA = { max_pp = 3, seasonal = 1, method = \"mle\" }\nNaive = { a = 1 }",
        &[],
    );
    let expected = r#"error: `AutoARIMA` has no entry `max_pp`; its entries: max_p, seasonal, method
  --> Atsaffile:2:15
 2 | AutoARIMA = { max_pp = 3, seasonal = 1, method = "mle" }
   |               ^^^^^^
  note: the task `fit` of the target `fit` reads it
  help: did you mean `max_p`?
error: `seasonal` of `AutoARIMA` must be true or false; found integer 1
  --> Atsaffile:2:38
 2 | AutoARIMA = { max_pp = 3, seasonal = 1, method = "mle" }
   |                                      ^
  note: the task `fit` of the target `fit` reads it
error: `method` of `AutoARIMA` must be one of css, ml; found string "mle"
  --> Atsaffile:2:50
 2 | AutoARIMA = { max_pp = 3, seasonal = 1, method = "mle" }
   |                                                  ^^^^^
  note: the task `fit` of the target `fit` reads it
  help: did you mean `ml`?
error: `Naive` has no entry `a`, nor any other
  --> Atsaffile:3:11
 3 | Naive = { a = 1 }
   |           ^
  note: the task `fit` of the target `fit` reads it
"#;
    assert_eq!(said.expect_err("mistakes"), expected);
}

#[test]
fn what_is_no_table_is_told() {
    let said = values("[params]\nAutoARIMA = 3", &[]);
    let expected = r"error: `AutoARIMA` must be a table with entries among max_p, seasonal, method; found integer 3
  --> Atsaffile:2:13
 2 | AutoARIMA = 3
   |             ^
  note: the task `fit` of the target `fit` reads it
";
    assert_eq!(said.expect_err("a mistake"), expected);
    let said = values("", &[("AutoARIMA", "3")]);
    let expected = "error: `-s AutoARIMA=3` must give a table such as `{ name = value }`\n";
    assert_eq!(said.expect_err("a mistake"), expected);
}

#[test]
fn one_value_stands_for_a_list_of_one() {
    for (written, expected) in [("95", "95.0"), ("[80, 95.5]", "[80.0, 95.5]")] {
        assert_eq!(
            shown(&values(&format!("[params]\nlevel = {written}"), &[]), "level"),
            expected
        );
        assert_eq!(shown(&values("", &[("level", written)]), "level"), expected);
        assert_eq!(
            shown(&values("[params]\nlevel = 90", &[("level", written)]), "level"),
            expected
        );
    }
    assert_eq!(shown(&values("", &[("level", "80,95.5")]), "level"), "[80.0, 95.5]");
    let said = values("[params]\nlevel = [80, 100]", &[]);
    let expected = r"error: `level` must be a number between 0 and 100, or a list of such; found list [80, 100]
  --> Atsaffile:2:9
 2 | level = [80, 100]
   |         ^^^^^^^^^
  note: the task `fit` of the target `fit` reads it
";
    assert_eq!(said.expect_err("a mistake"), expected);
}

#[test]
fn auto_leaves_it_to_the_task() {
    assert_eq!(shown(&values("", &[]), "season_length"), r#""auto""#);
    for (written, expected) in [
        ("auto", r#""auto""#),
        ("7", "7"),
        ("2,7", "[2, 7]"),
        ("[2, 7]", "[2, 7]"),
    ] {
        assert_eq!(
            shown(&values("", &[("season_length", written)]), "season_length"),
            expected
        );
        let declared = values("[params]\nseason_length = \"auto\"", &[("season_length", written)]);
        assert_eq!(shown(&declared, "season_length"), expected);
    }
    let said = values("[params]\nseason_length = \"aut\"", &[]);
    let expected = r#"error: `season_length` must be "auto" or a whole number from 0 to 9, or a list of such; found string "aut"
  --> Atsaffile:2:17
 2 | season_length = "aut"
   |                 ^^^^^
  note: the task `fit` of the target `fit` reads it
"#;
    assert_eq!(said.expect_err("a mistake"), expected);
}
