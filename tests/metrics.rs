//! Declared metrics: what is refused, that they make nothing stale, and what became of their numbers.

use crate::project::Project;

const EVAL: &str = r#"
[params]
acc = 0.91

[target.eval]
run = "echo '{\"accuracy\": {{acc}}, \"loss\": {\"test\": NaN}, \"who\": \"me\"}' > {{output.scores}}; printf 'fold,f1\n1,{{acc}}\n2,0.5\n' > {{output.folds}}"
outputs = { scores = "out/eval.json", folds = "out/folds.csv" }
metrics = ["out/eval.json", "folds"]

[target.leaderboard]
run = "printf 'model,rank,rmse_mean\nA,1,{{acc}}\n' > {{output}}"
output = "out/leaderboard.csv"
"#;

#[test]
fn numbers_are_compared_with_the_last_run_that_left_others() {
    let project = Project::new(EVAL);
    project
        .atsaf("diff --metrics")
        .is(0, "metrics  nothing -> now\nno numbers\n");
    project.build("").ok();
    project.atsaf("diff --metrics").is(
        0,
        "\
metrics  nothing -> now
out/eval.json        accuracy     - -> 0.91  new
            loss.test    - -> NaN   new
out/folds.csv        1.f1         - -> 0.91  new
            2.f1         - -> 0.5   new
out/leaderboard.csv  A.rank       - -> 1     new
            A.rmse_mean  - -> 0.91  new
",
    );
    project.edit("Atsaffile", "acc = 0.91", "acc = 0.93");
    project.build("").ok();
    project.atsaf("diff --metrics").is(
        0,
        "\
metrics  run [RUN] -> now
out/eval.json        accuracy     0.91 -> 0.93  +2.2 %
out/folds.csv        1.f1         0.91 -> 0.93  +2.2 %
out/leaderboard.csv  A.rmse_mean  0.91 -> 0.93  +2.2 %
3 others are the same
",
    );
    let told = project.atsaf("diff --metrics --md -n 1 --exit-code");
    told.exits(3);
    told.has("| out/eval.json | accuracy | 0.91 | 0.93 | +2.2 % |\n| and 2 more");
    let json: serde_json::Value = serde_json::from_str(&project.atsaf("diff --metrics --json").text).expect("JSON");
    assert_eq!(json["metrics"][1]["after"], "NaN");
    assert_eq!(json["metrics"][1]["state"], "same");
    assert_eq!(json["metrics"][0]["before"], 0.91);
    assert_eq!(json["after"], serde_json::Value::Null);
}

/// Ids of the runs, the latest first.
fn runs(project: &Project) -> Vec<String> {
    let told: serde_json::Value = serde_json::from_str(&project.atsaf("log --json").text).expect("JSON");
    let mut runs: Vec<String> = told["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| run["run"].as_str().expect("an id").to_owned())
        .collect();
    runs.sort();
    runs.reverse();
    runs
}

#[test]
fn two_runs_are_compared_and_an_edit_by_hand_with_the_last() {
    let project = Project::new(EVAL);
    for acc in ["0.91", "0.93", "0.5"] {
        project.build(&format!("-s acc={acc}")).ok();
    }
    let runs = runs(&project);
    let told = project.atsaf(&format!("diff --metrics {} {}", runs[2], runs[1]));
    told.ok();
    told.has("accuracy     0.91 -> 0.93  +2.2 %");
    let told = project.atsaf(&format!("diff --metrics {}", runs[2]));
    told.has("accuracy     0.91 -> 0.5  -45.1 %");
    // What came back is what was.
    project.build("-s acc=0.91").ok();
    project
        .atsaf(&format!("diff --metrics {}", runs[2]))
        .has("no difference in 6 numbers");
    project.write("out/eval.json", "{\"accuracy\": 1}");
    let told = project.atsaf("diff --metrics");
    told.has("accuracy   0.91 -> 1  +9.9 %");
    told.has("loss.test  NaN -> -   gone");
    project.write("out/eval.json", "{");
    let told = project.atsaf("diff --metrics");
    told.ok();
    told.has("out/eval.json  not compared: it is no JSON");
}

#[test]
fn a_copy_that_is_gone_is_told_and_what_lies_in_place_needs_none() {
    let project = Project::new(EVAL);
    project.edit("Atsaffile", "metrics = [", "cache = false\nmetrics = [");
    project.build("").ok();
    project.build("-s acc=0.93").ok();
    let told = project.atsaf("diff --metrics");
    told.ok();
    told.has("out/eval.json  not compared: the store has no copy of `scores` of run ");
    told.has("rmse_mean  0.91 -> 0.93");
    let runs = runs(&project);
    project
        .atsaf(&format!("diff --metrics {}", runs[0]))
        .has("no difference in 6 numbers");
}

#[test]
fn metrics_make_nothing_stale_and_a_wrong_one_is_an_error_at_its_place() {
    let project = Project::new(EVAL);
    project.build("").ok();
    project.edit(
        "Atsaffile",
        "metrics = [\"out/eval.json\", \"folds\"]",
        "metrics = [\"scores\"]",
    );
    project.build("").has("nothing to do: 2 targets are fresh");
    project.atsaf("list").ok();
    project.edit(
        "Atsaffile",
        "metrics = [\"scores\"]",
        "metrics = [\"scoers\", \"out/eval.json\"]",
    );
    project.build("").is(
        2,
        "\
error: `scoers` in `metrics` is no output of the target `eval`
  --> Atsaffile:8:12
 8 | metrics = [\"scoers\", \"out/eval.json\"]
   |            ^^^^^^^^
  help: did you mean `scores`?
",
    );
    let project = Project::new(
        "[target.t]\nrun = \"mkdir {{output.d}}; touch {{output.x}}\"\noutputs = { d = \"d/\", x = \"x.bin\" }\nmetrics = [\"d\", \"x.bin\"]\n",
    );
    let told = project.build("");
    told.exits(2);
    told.has("`d` in `metrics` is a directory");
    told.has("metrics cannot be read from `x.bin`");
    project.write("Atsaffile", "[target.t]\nrun = \"touch {{output}}\"\noutput = \"t\"\n");
    let told = project.atsaf("diff --metrics");
    told.exits(2);
    told.has("no target declares metrics");
    project.atsaf("diff").exits(2);
    project.atsaf("diff t --md").exits(2);
    project.atsaf("diff --metrics a b c").exits(2);
}

#[test]
fn each_instance_has_its_own() {
    let project = Project::new(
        "[matrix]\nx = [\"a\", \"b\"]\n\n[target.m]\neach = [\"x\"]\nrun = \"echo '{\\\"n\\\": 1}' > {{output}}\"\noutput = \"out/{{x}}.json\"\nmetrics = [\"out/{{x}}.json\"]\n",
    );
    project.build("").ok();
    let told = project.atsaf("diff --metrics");
    told.has("out/a.json  n  - -> 1  new\nout/b.json  n  - -> 1  new\n");
}
