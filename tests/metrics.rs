//! Declared metrics: what is refused, that they make nothing stale, and what became of their numbers.

use std::fs;
use std::process::Command;

use crate::project::{PATH, Project, Told};

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

#[test]
fn values_that_were_built_are_compared_with_those_in_place_and_change_nothing() {
    let project = Project::new(EVAL);
    project.build("").ok();
    let told = project.atsaf("diff --metrics -s acc=0.95");
    told.is(
        0,
        "\
metrics  now -> with acc=0.95
out/eval.json  not compared: no result of these values is kept
out/folds.csv  not compared: no result of these values is kept
out/leaderboard.csv  not compared: no result of these values is kept
to have them: `atsaf build -s acc=0.95 eval leaderboard`
",
    );
    project.build("-s acc=0.95 eval").ok();
    project.build("").ok();
    let before = (project.files(), project.store());
    let told = project.atsaf("diff --metrics -s acc=0.95 --exit-code");
    told.is(
        3,
        "\
metrics  now -> with acc=0.95
out/eval.json  accuracy  0.91 -> 0.95  +4.4 %
out/folds.csv  1.f1      0.91 -> 0.95  +4.4 %
2 others are the same
out/leaderboard.csv  not compared: no result of these values is kept
to have them: `atsaf build -s acc=0.95 leaderboard`
",
    );
    assert_eq!((project.files(), project.store()), before);
    // With the values in place there is nothing to tell, and a run may stand in the place of what is there.
    project
        .atsaf("diff --metrics -s acc=0.91")
        .has("no difference in 6 numbers");
    let runs = runs(&project);
    let told = project.atsaf(&format!("diff --metrics {} -s acc=0.91", runs[1]));
    told.has(" -> with acc=0.91\nout/eval.json  accuracy  0.95 -> 0.91  -4.2 %");
    let json = project.atsaf("diff --metrics -s acc=0.95 --json");
    let json: serde_json::Value = serde_json::from_str(&json.text).expect("JSON");
    assert_eq!(json["set"]["acc"], "0.95");
    assert_eq!(json["metrics"][0]["after"], 0.95);
    let told = project.atsaf(&format!("diff --metrics {} {} -s acc=1.0", runs[1], runs[0]));
    told.exits(2);
    project.atsaf("diff --metrics -s ac=1.0").exits(2);
}

/// Runs git in a project's directory; false where there is no git.
fn git(project: &Project, args: &str) -> bool {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "init.defaultBranch=main",
    ]);
    command.args(args.split_whitespace()).current_dir(project.at("."));
    command.env_clear().env("PATH", PATH).env("HOME", project.at(".."));
    command.output().is_ok_and(|output| output.status.success())
}

fn in_git() -> Option<Project> {
    let project = Project::new(
        r#"
[params]
scale = 2

[target.sum]
run = "awk '{ s += $1 } END { print \"{\\\"sum\\\": \" s * {{scale}} \"}\" }' {{inputs}} > {{output}}"
inputs = ["raw/*.csv", "factor.txt"]
output = "out/sum.json"
metrics = ["sum"]
"#,
    );
    project.write("raw/a.csv", "1\n2\n");
    project.write("factor.txt", "10\n");
    project.write(".gitignore", "/raw\n/out\n/.atsaf\n");
    let is_there = git(&project, "init -q") && git(&project, "add -A") && git(&project, "commit -qm one");
    is_there.then_some(project)
}

#[test]
fn a_commit_is_compared_by_the_kept_results_of_its_atsaffile_and_inputs() {
    let Some(project) = in_git() else { return };
    project.build("").ok();
    assert!(git(&project, "tag first"));
    project.edit("Atsaffile", "scale = 2", "scale = 3");
    project.write("factor.txt", "20\n");
    assert!(git(&project, "commit -qam two"));
    project.build("").ok();
    let files = project.files();
    let told = project.atsaf("diff --metrics --against first --exit-code");
    told.exits(3);
    told.has("metrics  commit ");
    told.has(" -> now\nout/sum.json  sum  26 -> 69  +165 %\n");
    assert_eq!(project.files(), files);
    // From a subdirectory, with other values, and in JSON.
    project.build("-s scale=1").ok();
    let told = project.atsaf("diff --metrics --against HEAD~1 -s scale=1 -C raw");
    told.has(" -> with scale=1\nout/sum.json  sum  26 -> 23  -11.5 %\n");
    let json = project.atsaf("diff --metrics --against first --json");
    let json: serde_json::Value = serde_json::from_str(&json.text).expect("JSON");
    assert_eq!(json["commit"].as_str().expect("an id").len(), 40);
    assert_eq!(json["before"], serde_json::Value::Null);
    // What was never built cannot be told, and neither can what a pattern would have matched.
    project.edit("Atsaffile", "scale = 3", "scale = 4");
    assert!(git(&project, "commit -qam three"));
    let told = project.atsaf("diff --metrics --against HEAD");
    told.ok();
    told.has("out/sum.json  not compared: no result of that commit is kept\nto have them: `git checkout ");
    told.has("`, `atsaf build sum`, and back with `git checkout -`\n");
    project.write("raw/.gitignore", "*.csv\n");
    assert!(git(&project, "add -f raw/.gitignore") && git(&project, "commit -qm four"));
    let told = project.atsaf("diff --metrics --against HEAD");
    told.has("out/sum.json  not compared: git does not hold `raw/a.csv`, which a pattern would match\n");
}

#[test]
fn a_directory_that_is_read_holds_for_a_commit_what_git_does_not() {
    let Some(project) = in_git() else { return };
    project.write("raw/.gitkeep", "");
    project.edit(
        "Atsaffile",
        "inputs = [\"raw/*.csv\", \"factor.txt\"]",
        "inputs = [\"rows/\"]",
    );
    project.edit("Atsaffile", "{{inputs}} >", "rows/*.csv >");
    project.write("rows/a.csv", "3\n");
    project.write("rows/left/b.csv", "4\n");
    project.write(".gitignore", project.read(".gitignore") + "left\nb.csv\n");
    project.write("rows/b.csv", "5\n");
    assert!(git(&project, "add -A") && git(&project, "commit -qm rows"));
    project.build("").ok();
    project.edit("Atsaffile", "scale = 2", "scale = 3");
    assert!(git(&project, "commit -qam three"));
    project.build("").ok();
    let told = project.atsaf("diff --metrics --against HEAD~1");
    told.ok();
    told.has(" -> now\nout/sum.json  sum  16 -> 24  +50.0 %\n");
}

#[test]
fn a_command_that_is_advised_is_one_that_a_shell_reads_as_it_is_meant() {
    let project = Project::new(
        r#"
[params]
title = "a"

[target.m]
run = "echo '{\"v\": 1}' > {{output}}"
params = ["title"]
output = "m.json"
metrics = ["m"]
"#,
    );
    project.build("").ok();
    let mut command = project.command("diff --metrics -s");
    let told = Told::of(command.arg("title=$5 & more"));
    told.has("to have them: `atsaf build -s 'title=$5 & more' m`\n");
}

#[test]
fn metrics_that_git_holds_are_read_as_they_stood_there() {
    let Some(project) = in_git() else { return };
    project.build("").ok();
    assert!(git(&project, "add -f out/sum.json") && git(&project, "commit -qm metrics"));
    project.remove(".atsaf");
    project.build("-s scale=5").ok();
    let told = project.atsaf("diff --metrics --against main");
    told.ok();
    told.has("out/sum.json  sum  26 -> 65  +150 %\n");
}

#[test]
fn a_commit_that_is_none_is_an_error_with_the_next_step() {
    let Some(project) = in_git() else { return };
    for rev in ["nope", "-q", "HEAD:factor.txt"] {
        let told = project.atsaf(&format!("diff --metrics --against={rev}"));
        told.exits(2);
        told.has(&format!(
            "error: git knows no commit `{rev}`\n  help: `git log --oneline`"
        ));
    }
    project.atsaf("diff --against HEAD").exits(2);
    project.atsaf("diff --metrics --against HEAD 0123").exits(2);
    // The Atsaffile of a commit may be missing or wrong: its places say of which commit it is.
    project.edit("Atsaffile", "[params]", "[parms]");
    assert!(git(&project, "commit -qam wrong"));
    project.edit("Atsaffile", "[parms]", "[params]");
    let told = project.atsaf("diff --metrics --against HEAD");
    told.exits(2);
    told.has(":Atsaffile:2:2");
    assert!(git(&project, "rm -q --cached Atsaffile") && git(&project, "commit -qm gone"));
    let told = project.atsaf("diff --metrics --against HEAD");
    told.exits(2);
    told.has(" has no `Atsaffile`");
    project.remove(".git");
    let told = project.atsaf("diff --metrics --against HEAD");
    told.exits(2);
    told.has("error: git knows no repository here");
}

#[test]
fn comparing_with_a_commit_writes_through_none_of_its_links_and_leaves_submodules_alone() {
    let Some(project) = in_git() else { return };
    fs::create_dir(project.at("../elsewhere")).expect("made");
    std::os::unix::fs::symlink("../elsewhere", project.at("data")).expect("linked");
    project.write("more", "a file then");
    assert!(git(&project, "add -A") && git(&project, "commit -qm links"));
    project.build("").ok();
    fs::remove_file(project.at("data")).expect("removed");
    project.remove("more");
    for path in ["data", "more"] {
        project.write(&format!("{path}/held"), "git holds it");
        project.write(&format!("{path}/free"), "git does not");
    }
    project.write(".gitignore", project.read(".gitignore") + "free\n");
    assert!(git(&project, "add -A") && git(&project, "commit -qm directories"));
    assert!(git(&project, "config submodule.recurse true") && git(&project, "config core.splitIndex true"));
    let told = project.atsaf("diff --metrics --against HEAD~1");
    told.ok();
    assert_eq!(fs::read_dir(project.at("../elsewhere")).expect("read").count(), 0);
    let entries = || fs::read_dir(project.at(".git")).expect("read").count();
    let before = entries();
    project.atsaf("diff --metrics --against HEAD~1").ok();
    assert_eq!(entries(), before);
}
