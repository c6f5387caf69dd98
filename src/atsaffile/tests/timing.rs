//! `max_age`, `every` and `probe`: what they say, and what does not go together.

use std::time::Duration;

use super::{mistakes, spec};

#[test]
fn a_probe_has_its_parameters_put_in_and_makes_the_target_depend_on_none() {
    let spec = spec(
        r#"
[params]
url = "https://example.org/a b"
unused_by_run = 7

[target.a]
run = "x > {{output}}"
output = "a"
max_age = "6h"
every = "1h"
probe = "curl -sI {{url}} {{unused_by_run}}"

[target.b]
run = ["x", "{{output}}"]
output = "b"
max_age = "0s"
probe = ["head", "{{url}}"]
"#,
    );
    let timing = &spec.targets[0].settings.timing;
    assert_eq!(timing.max_age, Some(Duration::from_hours(6)));
    assert_eq!(timing.every, Some(Duration::from_hours(1)));
    let probe = timing.probe.as_ref().expect("a probe");
    assert_eq!(
        probe.to_execute(),
        ["bash", "-euo", "pipefail", "-c", "curl -sI 'https://example.org/a b' 7"]
    );
    assert_eq!(*spec.targets[0].params, []);
    let probe = spec.targets[1].settings.timing.probe.as_ref().expect("a probe");
    assert_eq!(probe.to_execute(), ["head", "https://example.org/a b"]);
}

#[test]
fn a_probe_needs_an_age_and_is_for_commands() {
    let said = mistakes(
        r#"
[target.a]
run = "x > {{output}}"
output = "a"
probe = "date"

[target.raw]
uses = "ingest_eia"
outputs = { raw = "raw.parquet" }
max_age = "1h"
probe = "date"

[params]
source = "pages"
start_date = 2023-01-01
end_date = 2023-02-01
"#,
    );
    let expected = r#"error: `probe` needs `max_age`
  --> Atsaffile:5:1
 5 | probe = "date"
   | ^^^^^
  help: say how long an answer counts: `max_age = "6h"`; with "0s" each build asks
error: `probe` is for commands
   --> Atsaffile:11:1
 11 | probe = "date"
    | ^^^^^
  note: a built-in task that reads from a server asks it itself
  help: remove it: with `max_age`, the task's own question is asked
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_probe_sees_parameters_only() {
    let said = mistakes(
        r#"
[secrets]
TOKEN = {}

[target.a]
run = "x {{inputs}} > {{output}}"
inputs = ["b.txt"]
output = "a"
max_age = "1h"
probe = "cat {{inputs}} {{nothing}} $TOKEN"
"#,
    );
    for text in ["`{{inputs}}` cannot stand in a probe", "unknown parameter `nothing`"] {
        assert!(said.contains(text), "{said}");
    }
    let said = mistakes(
        r#"
[secrets]
TOKEN = {}

[target.a]
run = "x > {{output}}"
output = "a"
max_age = "1h"
probe = "curl -H $TOKEN https://user:password-1@example.org"
"#,
    );
    assert!(said.contains("does not get the secret `TOKEN`"), "{said}");
    assert!(said.contains("has an address with credentials"), "{said}");
    assert!(!said.contains("password-1"), "{said}");
}

#[test]
fn new_data_does_not_wait_longer_than_a_result_counts() {
    let said = mistakes(
        r#"
[target.a]
run = "x > {{output}}"
output = "a"
max_age = "1h"
every = "1d"
"#,
    );
    let expected = r#"error: `every` is longer than `max_age`
  --> Atsaffile:6:1
 6 | every = "1d"
   | ^^^^^
  --> Atsaffile:5:1
 5 | max_age = "1h"
   | ^^^^^^^ `max_age`
  note: a result that is too old has to be made anew, and `every` would not let it
  help: let `max_age` be at least as long as `every`
"#;
    assert_eq!(said, expected);
    let said = mistakes("[target.a]\nrun = \"x > {{output}}\"\noutput = \"a\"\nevery = \"0s\"\n");
    assert!(said.contains("`every` must be longer than nothing"), "{said}");
}
