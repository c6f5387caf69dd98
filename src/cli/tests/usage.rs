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
