//! `why`: for stale, undecided and fresh goals, and for past runs.

use std::fmt::Write as _;

use super::{Exit, Sandbox};

#[test]
fn a_what_if_tells_both_values_and_what_follows() {
    let said = Sandbox::built().atsaf(&["why", "board", "-s", "horizon=48"]);
    assert_eq!(said.exit, Exit::Done);
    let expected = "\
board is stale: train must run
  horizon  24 -> 48  Atsaffile:6 (set on the command line)
same as in run RUN (AGO, TIME): clean, fit.sh, level
then  report  about TIME in all
kept  ingest, prepare
";
    assert_eq!(said.out, expected);
}

#[test]
fn an_edited_page_is_traced_to_the_goal() {
    let sandbox = Sandbox::built();
    sandbox.write("pages/a.txt", "another\n");
    let out = sandbox.atsaf(&["why", "report"]).out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[0],
        "report is undecided: it runs if what it reads comes out different"
    );
    assert_eq!(lines[1], "  board  is made by train, which may have to run");
    assert_eq!(
        lines[2],
        "            because clean is made by prepare, which may have to run"
    );
    assert_eq!(lines[3], "              because raw is made by ingest, which must run");
    let content = "                because pages/a.txt content ";
    assert!(
        lines[4].starts_with(content) && lines[4].ends_with("(Atsaffile:11)"),
        "{}",
        lines[4]
    );
    assert_eq!(lines[5], "                  because pages/a.txt was modified AGO");
    assert_eq!(lines[6], "built last in run RUN (AGO, TIME)");
    assert_eq!(lines[7], "first  ingest, prepare, train  about TIME in all");
    assert_eq!(lines.len(), 8);
}

#[test]
fn an_input_that_was_made_again_is_traced_through_its_run() {
    let sandbox = Sandbox::built();
    sandbox.write("pages/a.txt", "another\n");
    sandbox.atsaf(&["build", "prepare"]);
    let out = sandbox.atsaf(&["why", "train"]).out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "train is stale: it must run");
    assert!(
        lines[1].starts_with("  clean  content ") && lines[1].ends_with("  made by prepare"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2], "            because prepare ran in run RUN (AGO)");
    assert!(
        lines[3].starts_with("              because raw content "),
        "{}",
        lines[3]
    );
    assert!(
        lines[4].starts_with("                because pages/a.txt content "),
        "{}",
        lines[4]
    );
    assert_eq!(lines[5], "same as in run RUN (AGO, TIME): fit.sh, horizon, level");
}

#[test]
fn a_fresh_artifact_tells_what_it_was_built_from() {
    let sandbox = Sandbox::built();
    sandbox.atsaf(&["build", "-s", "horizon=48"]);
    let said = sandbox.atsaf(&["why", "board", "-s", "horizon=48"]);
    let expected = "\
board is fresh: built by train in run RUN (AGO, TIME)
because
  horizon  24 -> 48
from
  clean  data/clean.txt  made by prepare in run RUN
            fit.sh  Atsaffile:19
  horizon  48  Atsaffile:6 (set on the command line)
  level  95  Atsaffile:7
is  out/board.txt  18 B
";
    assert_eq!(said.out, expected);
}

#[test]
fn a_command_is_shown_as_a_difference() {
    let sandbox = Sandbox::built();
    sandbox.edit("Atsaffile", "wc -l", "wc -c");
    let said = sandbox.atsaf(&["why", "report"]);
    let expected = "\
report is stale: it must run
  command  another text  Atsaffile:24
            - wc -l < {{input.board}} > {{output}}
            + wc -c < {{input.board}} > {{output}}
same as in run RUN (AGO, TIME): board
takes  about TIME in all
kept  ingest, prepare, train
";
    assert_eq!(said.out, expected);
}

#[test]
fn a_target_that_comes_back_says_from_where() {
    let sandbox = Sandbox::built();
    std::fs::remove_file(sandbox.path().join("data/clean.txt")).expect("removed");
    let said = sandbox.atsaf(&["why", "prepare"]);
    let expected = "\
prepare is stale: it comes back from run RUN (AGO)
  clean  data/clean.txt is missing
same as in run RUN (AGO, TIME): raw
kept  ingest, train, report
";
    // Nothing follows: what comes back has the content that train was built from.
    assert_eq!(said.out, expected);
}

#[test]
fn a_target_that_was_never_built_says_so() {
    let said = Sandbox::pipeline().atsaf(&["why", "prepare"]);
    let expected = "\
prepare is stale: it must run
  never built
first  ingest
then  train, report
";
    assert_eq!(said.out, expected);
}

#[test]
fn a_failed_target_points_to_its_output() {
    let sandbox = Sandbox::new("[target.a]\nrun = \"echo x > {{output}}; exit 1\"\noutput = \"a.txt\"\n");
    sandbox.atsaf(&["build"]);
    let said = sandbox.atsaf(&["why", "a"]);
    let expected = "\
a is stale: it must run
  never built
failed  in run RUN (AGO): `atsaf logs a` tells more
";
    assert_eq!(said.out, expected);
}

#[test]
fn a_past_run_tells_its_reasons() {
    let sandbox = Sandbox::built();
    let first = newest(&sandbox);
    sandbox.atsaf(&["build", "-s", "horizon=48"]);
    let second = newest(&sandbox);
    let said = sandbox.atsaf(&["why", "board", "--run", &second]);
    assert_eq!(said.out, "train was built in run RUN (AGO), TIME\n  horizon 24 -> 48\n");
    let said = sandbox.atsaf(&["why", "ingest", "--run", &second]);
    assert_eq!(
        said.out,
        "ingest was not touched in run RUN (AGO): it was fresh, or no goal needed it\n"
    );
    let json = sandbox.json(&["why", "board", "--run", &first]);
    assert_eq!(json["targets"][0]["turns"][0]["reasons"][0]["reason"], "never_built");
}

#[test]
fn a_run_must_be_named_so_that_one_is_meant() {
    let sandbox = Sandbox::built();
    let said = sandbox.atsaf(&["why", "board", "--run", "zz"]);
    assert_eq!(said.exit, Exit::Usage);
    assert_eq!(
        said.err,
        "error: no run is named `zz`\n  help: `atsaf log` shows the runs\n"
    );
    sandbox.atsaf(&["build", "-s", "horizon=48"]);
    let said = sandbox.atsaf(&["why", "board", "--run", "0"]);
    let expected = "\
error: `0` could be 2 runs
  note: `RUN` and `RUN` among them
  help: give more digits of the id
";
    assert_eq!(said.err, expected);
}

#[test]
fn json_has_the_same_content() {
    let sandbox = Sandbox::built();
    sandbox.write("pages/a.txt", "another\n");
    let json = sandbox.json(&["why", "report"]);
    let target = &json["targets"][0];
    assert_eq!(
        (&target["state"], &target["verdict"]),
        (&"undecided".into(), &"undecided".into())
    );
    let mut cause = &target["causes"][0];
    for by in ["train", "prepare", "ingest"] {
        assert_eq!((&cause["reason"], &cause["by"]), (&"not_known_yet".into(), &by.into()));
        cause = &cause["because"][0];
    }
    assert_eq!(
        (&cause["field"], &cause["path"]),
        (&"input".into(), &"pages/a.txt".into())
    );
    assert_eq!(cause["because"][0]["reason"], "modified");
    assert_eq!(target["first"], serde_json::json!(["ingest", "prepare", "train"]));
}

#[test]
fn a_long_chain_is_told_from_both_ends() {
    let mut text = "[target.t0]\nrun = \"cat s.txt > {{output}}\"\noutput = \"o/0.txt\"\n".to_owned();
    for at in 1..300 {
        let _ = writeln!(
            text,
            "[target.t{at}]\nrun = \"cat {{{{inputs}}}} > {{{{output}}}}\"\ninputs = [\"t{}\"]\noutput = \"o/{at}.txt\"",
            at - 1
        );
    }
    let sandbox = Sandbox::new(&text);
    sandbox.write("s.txt", "one\n");
    assert_eq!(sandbox.atsaf(&["build", "-q"]).exit, Exit::Done);
    sandbox.write("s.txt", "two\n");
    let out = sandbox.atsaf(&["why", "t299"]).out;
    assert!(out.contains("because s.txt content "), "{out}");
    assert!(out.contains("(in t0, further back)"), "{out}");
    assert!(out.lines().count() < 20, "{out}");
}

fn newest(sandbox: &Sandbox) -> String {
    sandbox.json(&["log"])["runs"][0]["run"]
        .as_str()
        .expect("a run")
        .to_owned()
}
