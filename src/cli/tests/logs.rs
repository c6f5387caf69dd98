//! `log` and `logs`.

use super::{Exit, Sandbox};

const CHATTY: &str = r#"
[params]
n = 1

[target.a]
run = "echo says {{n}}; echo {{n}} > {{output}}; test {{n}} != 3"
output = "a.txt"
"#;

/// Built with 1, built with 2, restored with 1, failed with 3.
fn chatty() -> Sandbox {
    let sandbox = Sandbox::new(CHATTY);
    for n in ["n=1", "n=2", "n=1"] {
        assert_eq!(sandbox.atsaf(&["build", "-s", n]).exit, Exit::Done);
    }
    assert_eq!(sandbox.atsaf(&["build", "a", "-s", "n=3"]).exit, Exit::Failed);
    sandbox
}

#[test]
fn a_project_without_runs_says_so() {
    let sandbox = Sandbox::new(CHATTY);
    let said = sandbox.atsaf(&["log"]);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "nothing was built yet\n"));
    let said = sandbox.atsaf(&["log", "a"]);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "`a` was never tried\n"));
    let said = sandbox.atsaf(&["logs", "a"]);
    assert_eq!(
        (said.exit, said.err.as_str()),
        (Exit::Usage, "error: `a` was never tried\n")
    );
}

#[test]
fn the_log_has_a_line_a_run_and_below_it_what_had_changed() {
    let said = chatty().atsaf(&["log"]);
    let expected = "\
RUN  AGO  TIME  1 failed  a  n=3
    a: the command ended with exit code 1
RUN  AGO  TIME  1 restored  (default)  n=1
    n 2 -> 1
RUN  AGO  TIME  1 built  (default)  n=2
    n 1 -> 2
RUN  AGO  TIME  1 built  (default)  n=1
    a: never built
";
    assert_eq!(said.out, expected);
}

#[test]
fn the_log_of_a_target_tells_why() {
    let sandbox = chatty();
    let said = sandbox.atsaf(&["log", "a"]);
    let expected = "\
failed  RUN  AGO  TIME  the command ended with exit code 1
restored  RUN  AGO  from run RUN; n 2 -> 1
built  RUN  AGO  TIME  n 1 -> 2
built  RUN  AGO  TIME  never built
";
    assert_eq!(said.out, expected);
    let json = sandbox.json(&["log", "a"]);
    let outcomes: Vec<&str> = json["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(|turn| turn["outcome"].as_str().expect("an outcome"))
        .collect();
    assert_eq!(outcomes, ["failed", "restored", "built", "built"]);
}

#[test]
fn logs_are_those_of_the_last_attempt_or_of_a_run() {
    let sandbox = chatty();
    let said = sandbox.atsaf(&["logs", "a"]);
    assert_eq!(said.out, "says 3\n");
    assert_eq!(
        said.err,
        "run RUN, Atsaffile:4: echo says 3; echo 3 > .atsaf/v1/staging/KEY/a.txt; test 3 != 3\n\
         the files that it wrote are in `.atsaf/v1/outputs/RUN/a/files`\n"
    );
    let runs = sandbox.json(&["log"]);
    let first = runs["runs"][3]["run"].as_str().expect("a run");
    assert_eq!(sandbox.atsaf(&["logs", "a", "--run", first]).out, "says 1\n");
    let why = sandbox.atsaf(&["why", "a", "--run", first]).out;
    assert_eq!(
        why,
        "a was built in run RUN (AGO), TIME\n  never built\n  said says 1\n"
    );
    let why = sandbox.atsaf(&["why", "a"]).out;
    assert_eq!(why.lines().last(), Some("said  says 1  atsaf logs a"), "{why}");
    let json = sandbox.json(&["logs", "a"]);
    assert_eq!((&json["lines"][0], &json["attempt"]), (&"says 3".into(), &1.into()));
}

#[test]
fn logs_after_a_restore_are_those_of_the_run_that_made_it() {
    let sandbox = Sandbox::new(CHATTY);
    for n in ["n=1", "n=2", "n=1"] {
        assert_eq!(sandbox.atsaf(&["build", "-s", n]).exit, Exit::Done);
    }
    let said = sandbox.atsaf(&["logs", "a"]);
    assert_eq!(said.out, "says 1\n");
    let first = said.err.lines().next();
    assert_eq!(first, Some("run RUN made what run RUN restored: this is its output"));
    let runs = sandbox.json(&["log"]);
    let json = sandbox.json(&["logs", "a"]);
    assert_eq!(json["run"], runs["runs"][2]["run"]);
    assert_eq!(json["restored_by"], runs["runs"][0]["run"]);
}

#[test]
fn an_attempt_that_printed_nothing_is_no_error() {
    let sandbox = Sandbox::built();
    let said = sandbox.atsaf(&["logs", "prepare"]);
    assert_eq!((said.exit, said.out.as_str()), (Exit::Done, ""));
    assert_eq!(said.err, "`prepare` printed nothing in run RUN\n");
}

#[test]
fn of_a_progress_bar_the_last_state_is_shown_and_all_of_it_with_raw() {
    let sandbox = Sandbox::new(
        r#"
[target.a]
run = "printf 'begin\\n'; for i in 1 2 3; do printf '\\r%s0 %%' $i; done; printf '\\ndone\\r\\n'; echo 1 > {{output}}"
output = "a.txt"
"#,
    );
    let said = sandbox.atsaf(&["build", "--show-output"]);
    let shown: Vec<&str> = said.err.lines().filter(|line| line.starts_with("a | ")).collect();
    assert_eq!(shown, ["a | begin", "a | 10 %", "a | 30 %", "a | done"]);
    assert_eq!(sandbox.atsaf(&["logs", "a"]).out, "begin\n30 %\ndone\n");
    let raw = sandbox.atsaf(&["logs", "a", "--raw"]).out;
    assert!(raw.contains("10 %\r20 %\r30 %\n"), "{raw:?}");
}

#[test]
fn a_bar_that_is_the_last_that_is_printed_is_shown_as_it_was_left() {
    for (printed, left) in [
        ("1 %%\\r9 %%\\r", &["a | 1 %", "a | 9 %"][..]),
        ("1 %%\\r9 %%", &["a | 1 %", "a | 9 %"]),
        ("1 %%\\r5 %%\\r9 %%\\r\\n", &["a | 1 %", "a | 9 %"]),
        ("1 %%\\r9 %%\\r   \\r", &["a | 1 %"]),
    ] {
        let sandbox = Sandbox::new(&format!(
            "[target.a]\nrun = \"printf '{printed}'; echo 1 > {{{{output}}}}\"\noutput = \"a.txt\"\n"
        ));
        let said = sandbox.atsaf(&["build", "--show-output"]);
        let shown: Vec<&str> = said.err.lines().filter(|line| line.starts_with("a | ")).collect();
        assert_eq!(shown, left, "{printed}");
    }
}
