//! `plan` and `status`.

use super::{Exit, Sandbox};

/// Text without what depends on the width of a duration.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_start).collect()
}

#[test]
fn a_plan_of_nothing_built_runs_everything() {
    let said = Sandbox::pipeline().atsaf(&["plan"]);
    let expected = [
        "run  ingest  never built",
        "run  prepare  never built",
        "run  train  never built",
        "run  report  never built",
        "4 to run",
    ];
    assert_eq!(lines(&said.out), expected);
    assert_eq!(said.err, "");
}

#[test]
fn a_plan_tells_why_and_for_how_long() {
    let sandbox = Sandbox::built();
    let said = sandbox.atsaf(&["plan", "-s", "horizon=48"]);
    let expected = [
        "run  train  TIME  horizon 24 -> 48  Atsaffile:6 (set on the command line)",
        "undecided  report  TIME  depends on what train makes",
        "keep  ingest, prepare",
        "1 to run, 1 undecided, 2 kept: about TIME",
    ];
    assert_eq!(lines(&said.out), expected);
    let said = sandbox.atsaf(&["plan"]);
    assert_eq!(
        lines(&said.out),
        [
            "keep  ingest, prepare, train, report",
            "nothing to do: 4 targets are fresh"
        ]
    );
}

#[test]
fn a_plan_tells_what_comes_back() {
    let sandbox = Sandbox::built();
    sandbox.atsaf(&["build", "-s", "horizon=48"]);
    let said = sandbox.atsaf(&["plan"]);
    let expected = [
        "restore  train  horizon 48 -> 24  Atsaffile:6",
        "from run RUN (AGO)",
        "restore  report  board content 379128c3 -> e03d4189  made by train",
        "from run RUN (AGO)",
        "keep  ingest, prepare",
        "2 to restore, 2 kept",
    ];
    assert_eq!(lines(&said.out), expected);
}

#[test]
fn a_plan_as_json_has_every_step() {
    let sandbox = Sandbox::built();
    let plan = sandbox.json(&["plan", "-s", "horizon=48"]);
    let verdicts: Vec<&str> = plan["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| step["verdict"].as_str().expect("a verdict"))
        .collect();
    assert_eq!(verdicts, ["keep", "keep", "run", "undecided"]);
    let reason = serde_json::json!({
        "reason": "changed", "field": "param", "name": "horizon", "before": 24, "after": 48,
        "place": format!("{}Atsaffile:6 (set on the command line)", sandbox.path().display()),
    });
    assert_eq!(plan["steps"][2]["reasons"][0], reason);
    assert_eq!(plan["steps"][3]["waits_for"][0], "train");
}

#[test]
fn status_shows_the_stale_first_and_may_end_with_three() {
    let sandbox = Sandbox::built();
    let said = sandbox.atsaf(&["status", "--exit-code"]);
    assert_eq!(said.exit, Exit::Done);
    std::fs::remove_file(sandbox.path().join("out/report.txt")).expect("removed");
    sandbox.write("fit.sh", "echo other $@\n");
    let said = sandbox.atsaf(&["status", "--exit-code"]);
    assert_eq!(said.exit, Exit::Stale);
    let (stale, fresh) = said.out.split_once("fresh").expect("both");
    assert!(stale.starts_with("stale  train  fit.sh content "), "{stale}");
    assert!(
        stale.ends_with("\nstale  report  report out/report.txt is missing\n"),
        "{stale}"
    );
    assert_eq!(fresh, "  ingest  built AGO\nfresh  prepare  built AGO\n");
    let json = sandbox.json(&["status"]);
    assert_eq!(json["targets"][0]["target"], "train");
    assert_eq!(json["targets"][0]["state"], "stale");
    assert_eq!(json["targets"][3]["built"]["restored_by"], serde_json::Value::Null);
}

#[test]
fn status_of_a_target_that_waits_is_undecided() {
    let sandbox = Sandbox::built();
    let said = sandbox.atsaf(&["status", "-s", "horizon=48"]);
    assert!(
        said.out.contains("undecided  report  depends on what train makes\n"),
        "{}",
        said.out
    );
}
