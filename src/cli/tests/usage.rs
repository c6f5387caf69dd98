//! Arguments, and what is wrong with them.

use clap::CommandFactory as _;

use super::super::Cli;
use super::{Exit, Sandbox};

#[test]
fn the_arguments_are_declared_without_contradiction() {
    Cli::command().debug_assert();
}

#[test]
fn a_wrong_argument_ends_with_two() {
    let sandbox = Sandbox::pipeline();
    let said = sandbox.atsaf(&["build", "--jbs", "2"]);
    assert_eq!((said.exit, said.out.as_str()), (Exit::Usage, ""));
    assert!(said.err.contains("unexpected argument '--jbs'"), "{}", said.err);
    assert_eq!(sandbox.atsaf(&["build", "-j", "0"]).exit, Exit::Usage);
    let said = sandbox.atsaf(&["plan", "-s", "horizon"]);
    assert!(said.err.contains("`horizon` is not KEY=VALUE"), "{}", said.err);
}

#[test]
fn every_command_answers_in_json_right_or_wrong() {
    let sandbox = Sandbox::pipeline();
    sandbox.atsaf(&["build"]);
    let goods = [
        "build",
        "plan",
        "why report",
        "status",
        "show report",
        "log",
        "log train",
        "logs train",
        "graph",
        "list",
        "list --tasks",
        "check",
        "check --undeclared",
        "clean -n",
        "gc -n",
        "doctor",
        "help",
        "help build",
        "help atsaffile",
        "schema",
        "completions bash",
        "man",
        "man build",
        "init",
        "report -o page.html",
    ];
    let bads = [
        "build nope",
        "plan nope",
        "why nope",
        "status nope",
        "show nope",
        "diff nope",
        "log nope",
        "logs nope",
        "graph nope",
        "list nope",
        "clean nope",
        "restore nope --run 0",
        "accept nope -m why",
        "shell nope",
        "report nope",
        "export nope",
        "help nope",
        "man nope",
        "init nope",
        "build -s nope=1",
        "plan -s horizon",
        "build -j 0",
        "nope",
        "logs train --run ffff",
        "show report --run ffff",
    ];
    for (line, is_good) in goods.iter().map(|it| (*it, true)).chain(bads.map(|it| (it, false))) {
        let words: Vec<&str> = ["--json"].into_iter().chain(line.split(' ')).collect();
        let said = sandbox.atsaf(&words);
        assert_eq!(said.exit == Exit::Done, is_good, "{line}: {}", said.err);
        // A value that is laid out, or one a line.
        let values: Vec<serde_json::Value> = match serde_json::from_str(&said.out) {
            Ok(value) => vec![value],
            Err(_) => said
                .out
                .lines()
                .map(|it| serde_json::from_str(it).unwrap_or_else(|_| panic!("{line}: {it}")))
                .collect(),
        };
        let last = values.last().unwrap_or_else(|| panic!("{line}: nothing"));
        let exit = last.pointer("/error/exit").and_then(serde_json::Value::as_u64);
        assert_eq!(exit, (!is_good).then_some(said.exit as u64), "{line}: {last}");
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let sandbox = Sandbox::pipeline();
    let said = sandbox.atsaf(&["--version"]);
    assert_eq!(said.exit, Exit::Done);
    assert_eq!(said.out, format!("atsaf {}\n", env!("CARGO_PKG_VERSION")));
    assert!(sandbox.atsaf(&["build", "--help"]).out.contains("--keep-going"));
}

#[test]
fn an_unknown_goal_is_told_with_a_near_one() {
    let said = Sandbox::pipeline().atsaf(&["build", "reprot"]);
    assert_eq!(said.exit, Exit::Usage);
    let expected = "\
error: no target, artifact or alias is named `reprot`
  help: did you mean `report`?
";
    assert_eq!(said.err, expected);
}

#[test]
fn an_alias_of_several_targets_is_no_target() {
    let sandbox = Sandbox::new(&format!(
        "{}\n[alias]\nboth = [\"train\", \"report\"]\n",
        super::PIPELINE
    ));
    let said = sandbox.atsaf(&["logs", "both"]);
    assert_eq!(said.exit, Exit::Usage);
    let expected = "\
error: `both` means several targets, and one is wanted
  help: name one of train, report
";
    assert_eq!(said.err, expected);
}

#[test]
fn a_missing_atsaffile_is_told() {
    let sandbox = Sandbox::pipeline();
    let said = sandbox.atsaf(&["plan", "-f", "none"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(said.err.starts_with("error: `none` cannot be read: "), "{}", said.err);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let sandbox = Sandbox::built();
    let plain = sandbox.raw(&["plan", "-s", "horizon=48"]).out;
    let coloured = sandbox.raw(&["plan", "-s", "horizon=48", "--color", "always"]).out;
    assert!(coloured.contains('\u{1b}'), "{coloured:?}");
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped += before;
        rest = after.split_once('m').expect("a whole sequence").1;
    }
    assert_eq!(stripped + rest, plain);
    let said = sandbox.raw(&["plan", "--colour", "--color=always"]);
    assert!(said.err.contains('\u{1b}'), "{:?}", said.err);
}

/// The one line of an error in JSON.
fn told_in_json(sandbox: &Sandbox, args: &[&str]) -> (Exit, serde_json::Value) {
    let said = sandbox.raw(args);
    let last = said.out.lines().last().unwrap_or_default();
    (
        said.exit,
        serde_json::from_str(last).unwrap_or_else(|_| panic!("{said:?}")),
    )
}

#[test]
fn an_error_is_json_where_json_is_asked_for() {
    let sandbox = Sandbox::pipeline();
    for (args, exit, what) in [
        (
            &["why", "nope", "--json"][..],
            Exit::Usage,
            "no target, artifact or alias is named `nope`",
        ),
        (
            &["plan", "-f", "none", "--json"],
            Exit::Usage,
            "/none` cannot be read: No such file or directory (os error 2)",
        ),
        (
            &["build", "--jbs", "2", "--json"],
            Exit::Usage,
            "unexpected argument '--jbs' found",
        ),
        (
            &["run", "--horizon", "--json"],
            Exit::Usage,
            "a value is required for '--horizon <VALUE>' but none was supplied",
        ),
        (
            &["log", "nope", "--json"],
            Exit::Usage,
            "no target, artifact or alias is named `nope`",
        ),
        (
            &["show", "report", "--json"],
            Exit::Usage,
            "the artifact `report` is not there: `out/report.txt` does not exist",
        ),
    ] {
        let (ended, told) = told_in_json(&sandbox, args);
        assert_eq!(ended, exit, "{args:?}");
        let error = &told["error"];
        assert_eq!(error["exit"], exit as u8, "{told}");
        let said = error["diagnostics"][0]["what"].as_str().expect("a sentence");
        assert!(said.contains(what), "{args:?}: {said}");
    }
}

#[test]
fn a_plan_says_by_its_exit_code_whether_there_is_something_to_do() {
    let sandbox = Sandbox::pipeline();
    assert_eq!(sandbox.raw(&["plan"]).exit, Exit::Done);
    assert_eq!(sandbox.raw(&["plan", "--exit-code"]).exit, Exit::Stale);
    assert_eq!(sandbox.raw(&["build"]).exit, Exit::Done);
    assert_eq!(sandbox.raw(&["plan", "--exit-code"]).exit, Exit::Done);
    assert_eq!(
        sandbox.raw(&["plan", "--exit-code", "-s", "horizon=48"]).exit,
        Exit::Stale
    );
}

#[test]
fn an_atsaffile_without_targets_says_so() {
    let sandbox = Sandbox::new("# nothing\n");
    for command in ["build", "plan", "check"] {
        let said = sandbox.atsaf(&[command]);
        assert_eq!(said.exit, Exit::Done, "{}", said.err);
        assert!(
            said.err
                .starts_with("warning: `Atsaffile` declares no target, so there is nothing to make\n"),
            "{command}: {}",
            said.err
        );
    }
}

#[test]
fn what_is_cleaned_quietly_is_not_told() {
    let sandbox = Sandbox::built();
    let said = sandbox.raw(&["clean", "-q"]);
    assert_eq!((said.exit, said.out.as_str(), said.err.as_str()), (Exit::Done, "", ""));
    assert!(sandbox.raw(&["clean"]).err.contains("nothing to remove"));
}
