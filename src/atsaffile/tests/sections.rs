//! What is wrong at the top of the file: syntax, sections, `[project]`, `[params]`, `[secrets]`.

use super::mistakes;

#[test]
fn all_syntax_errors_are_told_at_once() {
    const TEXT: &str = r#"a = 
[params]
horizon = 24 25
name = "open
x = 1
[target.x
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: this is not TOML: a value is missing
  --> Atsaffile:1:5
 1 | a = 
   |     ^
  help: give the key a value, or remove it
error: this is not TOML: `24 25` is no value
  --> Atsaffile:3:11
 3 | horizon = 24 25
   |           ^^^^^
  help: put a text in quotes, and one value only after each key
error: this is not TOML: invalid basic string, expected `"`
  --> Atsaffile:4:13
 4 | name = "open
   |             ^
  help: see https://toml.io/en/v1.0.0 for how it is written
error: this is not TOML: unclosed table, expected `]`
  --> Atsaffile:6:10
 6 | [target.x
   |          ^
  help: see https://toml.io/en/v1.0.0 for how it is written
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_key_that_is_written_twice_shows_both_places() {
    const TEXT: &str = r"[params]
horizon = 24
level = 95
horizon = 48
";
    let said = mistakes(TEXT);
    let expected = r"error: `horizon` is written twice
  --> Atsaffile:4:1
 4 | horizon = 48
   | ^^^^^^^
  --> Atsaffile:2:1
 2 | horizon = 24
   | ^^^^^^^ first here
";
    assert_eq!(said, expected);
}

#[test]
fn a_target_that_is_opened_twice_shows_both_places() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"

[target.a]
desc = "again"
"#;
    let said = mistakes(TEXT);
    let expected = r"error: `a` is written twice
  --> Atsaffile:5:9
 5 | [target.a]
   |         ^
  --> Atsaffile:1:9
 1 | [target.a]
   |         ^ first here
";
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_section_is_told_with_a_similar_one() {
    const TEXT: &str = r#"[targets.a]
run = "x"
"#;
    let said = mistakes(TEXT);
    let expected = r"error: unknown key `targets` at the top of the file
  --> Atsaffile:1:2
 1 | [targets.a]
   |  ^^^^^^^
  help: did you mean `target`?
";
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_section_without_a_similar_one_lists_them() {
    const TEXT: &str = r"horizon = 24
";
    let said = mistakes(TEXT);
    let expected = r"error: unknown key `horizon` at the top of the file
  --> Atsaffile:1:1
 1 | horizon = 24
   | ^^^^^^^
  note: keys: project, alias, params, matrix, pools, secrets, airflow, target
";
    assert_eq!(said, expected);
}

#[test]
fn a_section_must_be_a_table() {
    const TEXT: &str = r#"params = 3
[[target]]
name = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r"error: `params` must be a table, found the integer 3
  --> Atsaffile:1:10
 1 | params = 3
   |          ^
error: `target` must be a table, found a list
  --> Atsaffile:2:1
 2 | [[target]]
   | ^^^^^^^^^^
";
    assert_eq!(said, expected);
}

#[test]
fn the_project_has_a_name_and_a_default() {
    const TEXT: &str = r#"[project]
name = 3
default = "a"
version = "1"

[target.a]
run = "x > {{output}}"
output = "a.txt"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `name` must be a string, found the integer 3
  --> Atsaffile:2:8
 2 | name = 3
   |        ^
error: `default` must be a list of goals, found the string "a"
  --> Atsaffile:3:11
 3 | default = "a"
   |           ^^^
  help: write `default = ["a"]`
error: unknown key `version` in `[project]`
  --> Atsaffile:4:1
 4 | version = "1"
   | ^^^^^^^
  note: keys: name, default, ignore, shell, params_files, report
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_parameter_is_a_finite_number() {
    const TEXT: &str = r"[params]
level = nan
low = -inf
huge = 9999999999999999999
";
    let said = mistakes(TEXT);
    let expected = r"error: the value of `level` must be a finite number, found nan
  --> Atsaffile:2:9
 2 | level = nan
   |         ^^^
  help: say it as a string if it is meant as a word
error: the value of `low` must be a finite number, found -inf
  --> Atsaffile:3:7
 3 | low = -inf
   |       ^^^^
  help: say it as a string if it is meant as a word
error: the value of `huge` is too large for an integer
  --> Atsaffile:4:8
 4 | huge = 9999999999999999999
   |        ^^^^^^^^^^^^^^^^^^^
  note: integers go from -9223372036854775808 to 9223372036854775807
";
    assert_eq!(said, expected);
}

#[test]
fn a_parameter_is_no_table() {
    const TEXT: &str = r#"[params]
model = { name = "a" }
list = [1, { b = 2 }]

[params.deep]
x = 1
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the value of `model` is a table
  --> Atsaffile:2:9
 2 | model = { name = "a" }
   |         ^^^^^^^^^^^^^^
  note: a parameter is a bool, a number, a string, a date, or a list of these
  help: declare one parameter for each entry
error: the value of `list` is a table
  --> Atsaffile:3:12
 3 | list = [1, { b = 2 }]
   |            ^^^^^^^^^
  note: a parameter is a bool, a number, a string, a date, or a list of these
  help: declare one parameter for each entry
error: the value of `deep` is a table
  --> Atsaffile:5:1
 5 | [params.deep]
   | ^^^^^^^^^^^^^
  note: a parameter is a bool, a number, a string, a date, or a list of these
  help: declare one parameter for each entry
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_parameter_has_a_plain_name() {
    const TEXT: &str = r#"[params]
"a.b" = 1
2x = 3
output = "x"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `a.b` cannot be the name of a parameter
  --> Atsaffile:2:1
 2 | "a.b" = 1
   | ^^^^^
  help: a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`
error: `2x` cannot be the name of a parameter
  --> Atsaffile:3:1
 3 | 2x = 3
   | ^^
  help: a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`
error: `output` cannot be the name of a parameter
  --> Atsaffile:4:1
 4 | output = "x"
   | ^^^^^^
  note: in a template, `{{inputs}}`, `{{input.name}}`, `{{inputs_file}}`, `{{output}}`, `{{output.name}}`, `{{params_file}}` and `{{depfile}}` are paths
  help: choose another name
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_secret_is_declared_without_its_value() {
    const TEXT: &str = r#"[secrets]
KEY = "abc123"
OTHER = { optionl = true }
my-key = {}
ATSAF_KEY = {}
THIRD = { optional = "yes" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the secret `KEY` must be a table, found a string
  --> Atsaffile:2:7
 2 | KEY = "abc123"
   |       ^^^^^^^^
  note: a secret's value is never in the Atsaffile: it comes from the environment or from `.env`
  help: write `KEY = {}`, or `KEY = { optional = true }`
error: unknown key `optionl` in the secret `OTHER`
  --> Atsaffile:3:11
 3 | OTHER = { optionl = true }
   |           ^^^^^^^
  help: did you mean `optional`?
error: `my-key` cannot be the name of a secret
  --> Atsaffile:4:1
 4 | my-key = {}
   | ^^^^^^
  help: the name of an environment variable is made of the letters A to Z and a to z, digits and `_`, and begins with no digit
error: `ATSAF_KEY` cannot be the name of a secret
  --> Atsaffile:5:1
 5 | ATSAF_KEY = {}
   | ^^^^^^^^^
  help: the variables that begin with `ATSAF_` are made by atsaf itself: choose another name
error: `optional` must be true or false, found the string "yes"
  --> Atsaffile:6:22
 6 | THIRD = { optional = "yes" }
   |                      ^^^^^
"#;
    assert_eq!(said, expected);
}

#[test]
fn two_parameters_differ_by_more_than_their_case() {
    const TEXT: &str = r"[params]
step-size = 1
STEP_SIZE = 2
";
    let said = mistakes(TEXT);
    let expected = r"error: the parameters `step-size` and `STEP_SIZE` differ too little
  --> Atsaffile:3:1
 3 | STEP_SIZE = 2
   | ^^^^^^^^^
  --> Atsaffile:2:1
 2 | step-size = 1
   | ^^^^^^^^^ first here
  note: both would reach a command as `$ATSAF_PARAM_STEP_SIZE`
  help: choose another name for one of them
";
    assert_eq!(said, expected);
}
