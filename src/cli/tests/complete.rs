//! What a shell is answered while a word is typed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::cli::completions::{VARIABLE, answer};
use crate::cli::trial::Trial;
use crate::engine::task::Tasks;

const ATSAFFILE: &str = r#"
[alias]
all = ["fit", "report"]

[params]
horizon = 24
fast = false

[matrix]
region = ["TEX", "CAL"]

[target.fit]
desc = "one a region"
each = ["region"]
run = "echo {{region}} {{horizon}} {{fast}} > {{output}}"
output = "out/{{region}}.txt"

[target.report]
run = "cat {{inputs}} > {{output.page}}; echo > {{output.data}}"
inputs = ["fit@*"]
outputs = { page = "out/page.txt", data = "out/data.txt" }
"#;

fn trial() -> Trial {
    Trial::new(ATSAFFILE)
}

/// The candidates of the last word of a line, for fish, which takes them as they are.
fn candidates(trial: &Trial, line: &[&str]) -> Vec<String> {
    candidates_with(trial, line, Tasks::default)
}

fn candidates_with(trial: &Trial, line: &[&str], tasks: fn() -> Tasks) -> Vec<String> {
    let dir = trial.at("").to_str().expect("UTF-8").to_owned();
    let words = ["atsaf", "--", "atsaf", "-C", &dir]
        .into_iter()
        .chain(line.iter().copied());
    let words: Vec<OsString> = words.map(OsString::from).collect();
    let mut env = trial.env().clone();
    env.insert(VARIABLE.to_owned(), "fish".to_owned());
    let told = answer(&words, &env, tasks).expect("a shell that asks");
    told.lines()
        .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn goals_are_targets_artifacts_aliases_and_instances() {
    let trial = trial();
    let mut fits = candidates(&trial, &["build", "f"]);
    fits.sort_unstable();
    assert_eq!(fits, ["fit", "fit@CAL", "fit@TEX"]);
    assert_eq!(candidates(&trial, &["show", "pa"]), ["page"]);
    assert_eq!(candidates(&trial, &["why", "al"]), ["all"]);
    assert_eq!(candidates(&trial, &["plan", "fit@T"]), ["fit@TEX"]);
    assert_eq!(candidates(&trial, &["log", "rep"]), ["report"]);
    assert!(candidates(&trial, &["bu"]).contains(&"build".to_owned()));
    assert!(candidates(&trial, &["help", "atsaf"]).contains(&"atsaffile".to_owned()));
}

#[test]
fn what_the_last_build_kept_of_the_atsaffile_answers_as_the_text_does() {
    let trial = trial().with_key();
    let all = || {
        let lines = [
            &["build", ""][..],
            &["log", ""],
            &["build", "-s", ""],
            &["build", "-s", "horizon="],
            &["run", "--"],
        ];
        lines.map(|line| candidates(&trial, line))
    };
    let of_text = all();
    trial.out(&["build"]);
    assert!(trial.at(".atsaf/v1/specs").is_dir());
    assert_eq!(all(), of_text);
    trial.out(&["build", "-s", "horizon=48"]);
    assert_eq!(all(), of_text, "what was set for one build is no value of the project");
    trial.write("Atsaffile", &ATSAFFILE.replace("[alias]", "[alias]\nevery = [\"fit\"]"));
    assert_eq!(candidates(&trial, &["build", "ev"]), ["every"]);
}

#[test]
fn parameters_have_their_values() {
    let trial = trial();
    assert_eq!(candidates(&trial, &["build", "-s", "h"]), ["horizon="]);
    assert_eq!(candidates(&trial, &["build", "-s", "horizon="]), ["horizon=24"]);
    assert_eq!(candidates(&trial, &["build", "-s", "fast=t"]), ["fast=true"]);
    assert_eq!(candidates(&trial, &["run", "--hor"]), ["--horizon"]);
}

#[cfg(feature = "forecasting")]
#[test]
fn models_are_completed_one_after_the_other() {
    let trial = Trial::new(include_str!("../init/demo.Atsaffile"));
    trial.write("demand.csv", "time,demand\n");
    let of = |line: &[&str]| candidates_with(&trial, line, crate::forecasting::tasks);
    assert_eq!(of(&["build", "-s", "models=HoltW"]), ["models=HoltWinters"]);
    assert_eq!(of(&["build", "-s", "models=Naive,MSTL_A"]), ["models=Naive,MSTL_ARIMA"]);
    assert_eq!(of(&["build", "-s", "metr"]), ["metric="]);
}

#[test]
fn past_runs_are_named_and_nothing_is_written() {
    let trial = trial();
    assert_eq!(candidates(&trial, &["why", "report", "--run", ""]), [""; 0]);
    assert!(!trial.at(".atsaf").exists());
    trial.out(&["build"]);
    let runs = candidates(&trial, &["logs", "report", "--run", ""]);
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert!(trial.out(&["log"]).contains(&runs[0]), "{runs:?}");
}

#[test]
fn a_broken_or_absent_project_proposes_nothing() {
    let trial = Trial::new("[target.a\n");
    assert_eq!(candidates(&trial, &["build", "a"]), [""; 0]);
    std::fs::remove_file(trial.at("Atsaffile")).expect("removed");
    assert_eq!(candidates(&trial, &["build", "a"]), [""; 0]);
    let env = BTreeMap::new();
    assert!(answer(&["atsaf".into(), "build".into()], &env, Tasks::default).is_none());
}

#[test]
fn bash_gets_what_follows_the_signs_at_which_it_cuts() {
    let trial = Trial::new(&ATSAFFILE.replace("\"CAL\"", "\"New York\""));
    let dir = trial.at("").to_str().expect("UTF-8").to_owned();
    let of = |words: &[&str], index: usize, typed: &str| {
        let line = ["atsaf", "--", "atsaf", "-C", &dir]
            .into_iter()
            .chain(words.iter().copied());
        let line: Vec<OsString> = line.map(OsString::from).collect();
        let env = [
            (VARIABLE, "bash"),
            ("_CLAP_COMPLETE_INDEX", &(index + 3).to_string()),
            ("_ATSAF_COMPLETE_WORD", typed),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        answer(&line, &env.into(), Tasks::default).expect("a shell that asks")
    };
    assert_eq!(of(&["build", "fit", "@", "T"], 3, "@T"), "@TEX");
    assert_eq!(of(&["build", "fit", "@", "N"], 3, "@N"), "@New\\ York");
    assert_eq!(of(&["build", "fit", "@", "New\\ Y"], 3, "@New\\ Y"), "@New\\ York");
    assert_eq!(of(&["build", "'fit@New Y"], 1, "fit@New Y"), "fit@New York");
    assert_eq!(of(&["build", "\"fit@New Y"], 1, "fit@New Y"), "fit@New York");
    assert_eq!(
        of(&["-f", "\"Atsaffile\"", "build", "fit", "@", "N"], 5, "@N"),
        "@New\\ York"
    );
    assert_eq!(of(&["build", "-s", "horizon", "="], 3, ""), "24");
    assert_eq!(of(&["build", "-s", "hor"], 2, "hor"), "horizon=");
    let script = trial.out(&["completions", "bash"]);
    assert!(
        script.contains("ATSAF_COMPLETE=bash") && script.contains("complete -o bashdefault"),
        "{script}"
    );
    let checked = std::process::Command::new("bash").args(["-n", "-c", &script]).status();
    assert!(checked.expect("bash").success());
}

/// The time is that of a whole look-up, of a project with five hundred targets, in a program without optimisation: half a
/// second is ten times what a person may wait for, and what a busy machine takes.
#[test]
fn a_large_project_is_looked_up_at_once() {
    let mut targets = String::new();
    for number in 0..500 {
        let run = format!("echo {number} > {{{{output}}}}");
        let _ = write!(
            targets,
            "[target.t{number}]\nrun = \"{run}\"\noutput = \"out/{number}\"\n\n"
        );
    }
    let trial = Trial::new(&targets);
    let fastest = (0..5)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(candidates(&trial, &["build", "t49"]).len(), 11);
            begun.elapsed()
        })
        .min();
    assert!(fastest < Some(Duration::from_millis(500)), "{fastest:?}");
}
