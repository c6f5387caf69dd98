//! `atsaf shell`: what a command finds when it is tried by hand, and that nothing of it is recorded.

use std::fs;
use std::process::Stdio;

use crate::project::{Project, Told};

const FIT: &str = r#"
[params]
horizon = 24

[secrets]
TOKEN = {}

[target.clean]
run = "echo clean > {{output}}"
output = "clean.csv"

[target.fit]
run = "cat {{input.clean}} {{inputs_file}} {{params_file}} > {{output.a}}; echo $HORIZON_EXTRA > {{output.b}}/x; false"
inputs = { clean = "clean", more = "src/*.txt" }
outputs = { a = "out/a.txt", b = "out/b/" }
env = ["HORIZON_EXTRA"]
secrets = ["TOKEN"]
params = ["horizon"]
cwd = "src"

[target.site]
run = "echo by hand > site.txt"
output = "site.txt"
direct = true

[target.send]
run = "echo sent > {{output}}"
output = "receipt"
effect = true
"#;

fn project() -> Project {
    let project = Project::new(FIT);
    project.write("src/one.txt", "one\n");
    project.write(".env", "TOKEN=correct-horse-battery\n");
    project.build("clean").ok();
    project
}

/// `atsaf shell fit -- bash -c TEXT`.
fn in_shell(project: &Project, target: &str, text: &str) -> Told {
    let mut command = project.command(&format!("shell {target} -- bash -c"));
    command.arg(text).env("HORIZON_EXTRA", "7").env("OTHER", "no");
    Told::of(&mut command)
}

#[test]
fn a_command_finds_what_an_attempt_would_find_and_leaves_no_trace() {
    let project = project();
    let (files, store) = (project.files(), project.store());
    let told = in_shell(
        &project,
        "fit",
        "pwd; echo $ATSAF_PARAM_HORIZON $HORIZON_EXTRA ${OTHER-unset} ${ATSAF_ATTEMPT-unset} ${#TOKEN}; ls; env | cut -d= -f1 | sort | tr '\\n' ' '",
    );
    told.ok();
    told.has("/project/src\n24 7 unset unset 21\none.txt\nATSAF_PARAMS ATSAF_PARAM_HORIZON HORIZON_EXTRA LANG ");
    told.has("fit  in `src`, with its environment; it writes to `/");
    told.has("bash -euo pipefail -c 'cat ../clean.csv /");
    assert_eq!((project.files(), project.store()), (files, store));
}

#[test]
fn the_command_is_printed_and_an_empty_directory_goes() {
    let project = project();
    let told = in_shell(&project, "fit", "true");
    let line = told
        .text
        .lines()
        .find(|line| line.starts_with("bash -euo"))
        .expect("the command");
    let line = line.to_owned();
    // The directory of that time is gone, since nothing was written there.
    let gone = told
        .text
        .split("it writes to `")
        .nth(1)
        .and_then(|it| it.split('`').next())
        .expect("a place");
    assert!(!fs::exists(gone).expect("asked"), "{gone}");
    assert!(
        line.contains("/out/out/a.txt; echo $HORIZON_EXTRA > ") && line.ends_with("; false'"),
        "{line}"
    );
    let told = in_shell(&project, "fit", "exit 3");
    told.exits(1);
    told.has("`bash` ended with exit status: 3");
    let told = in_shell(&project, "clean", "exit 0");
    told.ok();
    let written = Project::new("[target.t]\nrun = \"echo made > {{output}}\"\noutput = \"t\"\n");
    let mut command = written.command("shell t");
    command
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"echo $PS1; exit 4\n").expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "how a shell ends is nobody's failure");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[t] $\n");
}

#[test]
fn what_is_written_is_kept_and_named() {
    let project = project();
    // A program that is given the path writes there.
    let mut command = project.command("shell clean -- sh -c");
    command.arg("for dir in \"${TMPDIR:-/tmp}\"/atsaf-*/out; do :; done; echo tried > \"$dir/clean.csv\"");
    let scratch = tempfile::tempdir().expect("a directory");
    let told = Told::of(command.env("TMPDIR", scratch.path()));
    told.ok();
    let kept = told
        .text
        .split("what it wrote is in `")
        .nth(1)
        .and_then(|it| it.split('`').next())
        .expect("a place");
    assert_eq!(
        fs::read_to_string(format!("{kept}/clean.csv")).expect("read"),
        "tried\n"
    );
    assert_eq!(project.read("clean.csv"), "clean\n");
}

#[test]
fn what_differs_from_a_build_is_a_warning_and_what_cannot_be_tried_an_error() {
    let project = project();
    in_shell(&project, "site", "true").has("`site` writes its declared paths itself");
    in_shell(&project, "send", "true").has("`send` acts outside the project");
    project.remove("clean.csv");
    in_shell(&project, "fit", "true").has("`clean.csv` is not there");
    project.write(".env", "");
    let told = in_shell(&project, "fit", "true");
    told.exits(2);
    told.has("TOKEN");
    project.atsaf("shell nope").exits(2);
    let told = project.atsaf("shell clean -- absent-program");
    told.exits(2);
    told.has("`absent-program` cannot be started");
}
