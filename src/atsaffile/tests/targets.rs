//! What is wrong with the keys of a target.

use super::mistakes;

#[test]
fn a_target_is_a_table() {
    const TEXT: &str = r"[target]
a = 3
";
    let said = mistakes(TEXT);
    let expected = r"error: `a` must be a table, found the integer 3
  --> Atsaffile:2:5
 2 | a = 3
   |     ^
  help: open a target with a line `[target.a]`
";
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_key_is_told_with_a_similar_one() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
inptus = ["x.csv"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown key `inptus` in the target `a`
  --> Atsaffile:4:1
 4 | inptus = ["x.csv"]
   | ^^^^^^
  help: did you mean `inputs`?
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_key_without_a_similar_one_lists_the_keys() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
when = "never"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown key `when` in the target `a`
  --> Atsaffile:4:1
 4 | when = "never"
   | ^^^^
  note: keys: uses, run, each, inputs, outputs, output, params, with, env, secrets, secrets_in_output, after, retries, retry_delay, timeout, max_age, every, probe, pool, threads, memory, effect, direct, cache, temp, resume, discover, shell, cwd, metrics, desc
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_name_has_no_dot() {
    const TEXT: &str = r#"[target.eia.ingest]
run = "x > {{output}}"
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r"error: unknown table `ingest` in the target `eia`
  --> Atsaffile:1:13
 1 | [target.eia.ingest]
   |             ^^^^^^
  help: if it is a target, write `[target.eia_ingest]`: a name has no dot in it
";
    assert_eq!(said, expected);
}

#[test]
fn a_name_is_made_of_letters_and_digits() {
    const TEXT: &str = r#"[target."a b"]
run = "x > {{output}}"
outputs = { "x.y" = "a" }

[alias]
"p@q" = ["x.y"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `a b` cannot be the name of a target
  --> Atsaffile:1:9
 1 | [target."a b"]
   |         ^^^^^
  help: a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`
error: `x.y` cannot be the name of an artifact
  --> Atsaffile:3:13
 3 | outputs = { "x.y" = "a" }
   |             ^^^^^
  help: a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`
error: `p@q` cannot be the name of an alias
  --> Atsaffile:6:1
 6 | "p@q" = ["x.y"]
   | ^^^^^
  help: a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_target_does_exactly_one_thing() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
uses = "prepare_clean"
output = "a"

[target.b]
output = "b"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the target `a` has both `uses` and `run`
  --> Atsaffile:2:1
 2 | run = "x > {{output}}"
   | ^^^
  --> Atsaffile:3:8
 3 | uses = "prepare_clean"
   |        ^^^^^^^^^^^^^^^ the built-in task
  help: make two targets of it, or leave one of the two out
error: the target `b` has neither `uses` nor `run`
  --> Atsaffile:6:9
 6 | [target.b]
   |         ^
  help: say what it does: `uses = "a built-in task"` or `run = "a command"`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_command_is_not_empty() {
    const TEXT: &str = r#"[target.a]
run = ""
output = "a"

[target.b]
run = []
output = "b"

[target.c]
run = 3
output = "c"

[target.d]
run = ["x", 3]
output = "d"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the command is empty
  --> Atsaffile:2:7
 2 | run = ""
   |       ^^
error: the command is empty
  --> Atsaffile:6:7
 6 | run = []
   |       ^^
error: `run` must be a command: a string for the shell, or a list of words, found the integer 3
   --> Atsaffile:10:7
 10 | run = 3
    |       ^
error: `run` must be a command: a string for the shell, or a list of words, found the integer 3 in it
   --> Atsaffile:14:13
 14 | run = ["x", 3]
    |             ^
"#;
    assert_eq!(said, expected);
}

#[test]
fn every_key_has_its_type() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = 3
inputs = 5
params = "horizon"
with = 1
env = true
secrets = 1.5
after = {}
retries = "3"
retry_delay = 90
timeout = "5 minutes"
effect = "yes"
direct = 1
cache = 2023-06-01
desc = ["x"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `output` must be a path, found the integer 3
  --> Atsaffile:3:10
 3 | output = 3
   |          ^
error: `inputs` must be a list of artifacts and paths, or a table from roles to them, found the integer 5
  --> Atsaffile:4:10
 4 | inputs = 5
   |          ^
error: `params` must be a list of parameters, found the string "horizon"
  --> Atsaffile:5:10
 5 | params = "horizon"
   |          ^^^^^^^^^
  help: write `params = ["horizon"]`
error: `with` is for built-in tasks
  --> Atsaffile:6:1
 6 | with = 1
   | ^^^^
  help: a command reads parameters through `{{name}}` in its text, or through `params = ["name"]`
error: `with` must be a table, found the integer 1
  --> Atsaffile:6:8
 6 | with = 1
   |        ^
error: `env` must be a list of environment variables, found true
  --> Atsaffile:7:7
 7 | env = true
   |       ^^^^
error: `secrets` must be a list of secrets, found the float 1.5
  --> Atsaffile:8:11
 8 | secrets = 1.5
   |           ^^^
error: `after` must be a list of targets, found a table
  --> Atsaffile:9:9
 9 | after = {}
   |         ^^
error: `retries` must be a whole number from 0 to 100, found the string "3"
   --> Atsaffile:10:11
 10 | retries = "3"
    |           ^^^
error: `retry_delay` must be a duration such as "90s", "5m" or "1h30m", of at most 366 days, found the integer 90
   --> Atsaffile:11:15
 11 | retry_delay = 90
    |               ^^
  help: write "90s" for seconds
error: `timeout` must be a duration such as "90s", "5m" or "1h30m", of at most 366 days, found the string "5 minutes"
   --> Atsaffile:12:11
 12 | timeout = "5 minutes"
    |           ^^^^^^^^^^^
error: `effect` must be true or false, found the string "yes"
   --> Atsaffile:13:10
 13 | effect = "yes"
    |          ^^^^^
error: `direct` must be true or false, found the integer 1
   --> Atsaffile:14:10
 14 | direct = 1
    |          ^
error: `cache` must be true or false, found the date 2023-06-01
   --> Atsaffile:15:9
 15 | cache = 2023-06-01
    |         ^^^^^^^^^^
error: `desc` must be a string, found a list
   --> Atsaffile:16:8
 16 | desc = ["x"]
    |        ^^^^^
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_item_of_a_list_has_its_type() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
inputs = ["x.csv", 3]
env = [true]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `inputs` must be a list of artifacts and paths, or a table from roles to them, found the integer 3 in it
  --> Atsaffile:4:20
 4 | inputs = ["x.csv", 3]
   |                    ^
error: `env` must be a list of environment variables, found true in it
  --> Atsaffile:5:8
 5 | env = [true]
   |        ^^^^
"#;
    assert_eq!(said, expected);
}

#[test]
fn retries_have_a_range() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
retries = -1

[target.b]
run = "x > {{output}}"
output = "b"
retries = 101
"#;
    let said = mistakes(TEXT);
    let expected = r"error: `retries` must be a whole number from 0 to 100, found the integer -1
  --> Atsaffile:4:11
 4 | retries = -1
   |           ^^
error: `retries` must be a whole number from 0 to 100, found the integer 101
  --> Atsaffile:9:11
 9 | retries = 101
   |           ^^^
";
    assert_eq!(said, expected);
}

#[test]
fn a_timeout_is_longer_than_nothing() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
timeout = "0s"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `timeout` must be longer than nothing
  --> Atsaffile:4:11
 4 | timeout = "0s"
   |           ^^^^
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_environment_variable_has_a_name_of_its_own() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
env = ["MY-VAR", "ATSAF_RUN"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `MY-VAR` cannot be the name of an environment variable
  --> Atsaffile:4:8
 4 | env = ["MY-VAR", "ATSAF_RUN"]
   |        ^^^^^^^^
  help: the name of an environment variable is made of the letters A to Z and a to z, digits and `_`, and begins with no digit
error: `ATSAF_RUN` cannot be the name of an environment variable
  --> Atsaffile:4:18
 4 | env = ["MY-VAR", "ATSAF_RUN"]
   |                  ^^^^^^^^^^^
  help: the variables that begin with `ATSAF_` are made by atsaf itself: choose another name
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_secret_is_not_environment() {
    const TEXT: &str = r#"[secrets]
KEY = {}

[target.a]
run = "x > {{output}}"
output = "a"
env = ["KEY"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `KEY` is a secret and cannot be in `env`
  --> Atsaffile:7:8
 7 | env = ["KEY"]
   |        ^^^^^
  note: the digest of what is in `env` is stored; nothing of a secret is
  help: name it in `secrets = ["KEY"]` instead
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_secret_is_told() {
    const TEXT: &str = r#"[secrets]
EIA_API_KEY = {}

[target.a]
run = "x > {{output}}"
output = "a"
secrets = ["EIA_API_KY", "TOKEN"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown secret `EIA_API_KY`
  --> Atsaffile:7:12
 7 | secrets = ["EIA_API_KY", "TOKEN"]
   |            ^^^^^^^^^^^^
  help: did you mean `EIA_API_KEY`?
error: unknown secret `TOKEN`
  --> Atsaffile:7:26
 7 | secrets = ["EIA_API_KY", "TOKEN"]
   |                          ^^^^^^^
  note: secrets: EIA_API_KEY
  help: declare it in `[secrets]`: `TOKEN = {}`
"#;
    assert_eq!(said, expected);
}
