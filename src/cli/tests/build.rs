//! `build`: what it tells, and how it ends.

use super::{Exit, Sandbox};

#[test]
fn a_first_build_tells_each_target_and_the_sum() {
    let said = Sandbox::pipeline().atsaf(&["build"]);
    assert_eq!(said.exit, Exit::Done);
    assert_eq!(said.out, "");
    let expected = "\
run RUN: 4 targets to look at, 0 fresh
start  ingest  never built
built  ingest  TIME
start  prepare  never built
built  prepare  TIME
start  train  never built
built  train  TIME
start  report  never built
built  report  TIME
4 built in TIME
";
    assert_eq!(said.err, expected);
}

#[test]
fn a_second_build_has_nothing_to_do() {
    let said = Sandbox::built().atsaf(&["build"]);
    assert_eq!(said.err, "nothing to do: 4 targets are fresh\n");
}

#[test]
fn an_artifact_that_came_out_the_same_stops_what_follows() {
    let sandbox = Sandbox::built();
    sandbox.edit("Atsaffile", "tr a-z A-Z < {{input.raw}}", "tr a-y A-Y < {{input.raw}}");
    let said = sandbox.atsaf(&["build"]);
    let expected = "\
run RUN: 3 targets to look at, 1 fresh
start  prepare  command another text
unchanged  prepare  TIME, made the same as before
fresh  train  nothing that it depends on changed
fresh  report  nothing that it depends on changed
1 built, 3 fresh in TIME
";
    assert_eq!(said.err, expected);
}

#[test]
fn a_parameter_turned_back_restores() {
    let sandbox = Sandbox::built();
    sandbox.atsaf(&["build", "-s", "horizon=48"]);
    let said = sandbox.atsaf(&["build"]);
    let expected = "\
run RUN: 2 targets to look at, 2 fresh
restored  train  from run RUN (AGO); horizon 48 -> 24
restored  report  from run RUN (AGO); board content 379128c3 -> e03d4189
2 restored, 2 fresh in TIME
";
    assert_eq!(said.err, expected);
}

const FAILING: &str = r#"
[target.first]
run = "echo begun; echo x > {{output}}; exit 3"
output = "first.txt"

[target.second]
run = "cp {{input.first}} {{output}}"
inputs = ["first"]
output = "second.txt"

[target.third]
run = "echo x > {{output}}"
output = "third.txt"
"#;

#[test]
fn a_failure_tells_what_it_printed_and_where_its_files_are() {
    let sandbox = Sandbox::new(FAILING);
    let said = sandbox.atsaf(&["build", "second"]);
    assert_eq!(said.exit, Exit::Failed);
    let expected = "\
run RUN: 2 targets to look at, 0 fresh
start  first  never built
error: `first` failed: the command ended with exit code 3
  --> Atsaffile:1:9
 1 | [target.first]
   |         ^^^^^
  note: the command: echo begun; echo x > .atsaf/v1/staging/KEY/first.txt; exit 3
  note: the last that it printed:
        begun
  note: its whole output and the files that it wrote are in `.atsaf/v1/outputs/RUN/first`
skipped  second  first failed
1 failed (first), 1 skipped in TIME
";
    assert_eq!(said.err, expected);
}

#[test]
fn quiet_tells_failures_and_nothing_else() {
    let sandbox = Sandbox::new(FAILING);
    let said = sandbox.atsaf(&["build", "-q", "-k"]);
    assert_eq!(said.exit, Exit::Failed);
    assert!(said.err.starts_with("error: `first` failed"), "{}", said.err);
    assert!(!said.err.contains("skipped"), "{}", said.err);
    assert!(sandbox.path().join("third.txt").exists());
}

#[test]
fn verbose_tells_what_commands_print() {
    let sandbox = Sandbox::new("[target.a]\nrun = \"echo hello; echo x > {{output}}\"\noutput = \"a.txt\"\n");
    let said = sandbox.atsaf(&["build", "-v"]);
    assert!(said.err.contains("a | hello\n"), "{}", said.err);
}

#[test]
fn json_is_one_object_an_event() {
    let sandbox = Sandbox::new(FAILING);
    let said = sandbox.raw(&["build", "second", "--json"]);
    assert_eq!(said.err, "");
    let events: Vec<serde_json::Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().expect("named"))
        .collect();
    assert_eq!(names, ["planned", "started", "output", "finished", "finished", "ended"]);
    assert_eq!(events[1]["reasons"][0]["reason"], "never_built");
    assert_eq!(events[3]["failure"]["tail"][0], "begun");
    assert_eq!(events[4]["because"], "first");
    assert_eq!((&events[5]["failed"], &events[5]["skipped"]), (&1.into(), &1.into()));
}

#[test]
fn a_dry_run_is_the_plan() {
    let sandbox = Sandbox::pipeline();
    let dry = sandbox.atsaf(&["build", "-n"]);
    assert_eq!(dry.out, sandbox.atsaf(&["plan"]).out);
    assert!(!sandbox.path().join(".atsaf").exists());
}

#[test]
fn a_missing_source_and_a_missing_secret_stop_it_before_anything_runs() {
    let sandbox = Sandbox::new(
        r#"
[secrets]
KEY = {}

[target.a]
run = "cp {{input.x}} {{output}}"
inputs = { x = "a.tx" }
output = "b.txt"

[target.c]
run = "echo $KEY > {{output}}"
output = "a.txt"
secrets = ["KEY"]
"#,
    );
    let said = sandbox.atsaf(&["build", "a"]);
    assert_eq!(said.exit, Exit::Usage);
    let expected = "\
error: `a.tx` does not exist, and no target makes it
  --> Atsaffile:6:16
 6 | inputs = { x = \"a.tx\" }
   |                ^^^^^^ read by `a`
  help: did you mean `a.txt`?
  help: put the file there, or name the artifact that is meant
";
    assert_eq!(said.err, expected);
    let said = sandbox.atsaf(&["build", "c"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err.starts_with("error: the secret `KEY` is not set\n"),
        "{}",
        said.err
    );
    assert!(!sandbox.path().join(".atsaf").exists());
}
