//! `build --junit`: what a CI's list of tests is told of a build, however it ends.

use std::os::unix::fs::symlink;

use quick_junit::{Report, TestCaseStatus};

use crate::project::{Project, interrupt, until};

const THREE: &str = r#"
[project]
name = "three"

[target.good]
run = "echo a > {{output}}"
output = "good"

[target.bad]
run = "echo the last words; false > {{output}}"
output = "bad"

[target.after]
run = "cat {{inputs}} > {{output}}"
inputs = ["bad"]
output = "after"
"#;

fn report(project: &Project, path: &str) -> Report {
    let text = project.read(path);
    Report::deserialize_from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// `name outcome` of each case.
fn outcomes(report: &Report) -> Vec<String> {
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let outcome = |case: &quick_junit::TestCase| case.properties.first().map(|it| it.value.as_str().to_owned());
    cases
        .map(|case| format!("{} {}", case.name.as_str(), outcome(case).unwrap_or_default()))
        .collect()
}

#[test]
fn a_build_is_a_suite_and_a_target_a_case_whatever_became_of_it() {
    let project = Project::new(THREE);
    project.build("-k --junit out.xml").exits(1);
    let first = report(&project, "out.xml");
    assert_eq!(outcomes(&first), ["good built", "bad failed", "after skipped"]);
    assert_eq!((first.tests, first.failures, first.skipped), (3, 1, 1));
    let TestCaseStatus::NonSuccess {
        message, description, ..
    } = &first.test_suites[0].test_cases[1].status
    else {
        panic!("{first:?}");
    };
    assert!(
        message.as_ref().is_some_and(|it| it.as_str().contains("exit")),
        "{message:?}"
    );
    assert!(
        description
            .as_ref()
            .is_some_and(|it| it.as_str().contains("the last words")),
        "{description:?}"
    );
    project.edit("Atsaffile", "false", "echo b");
    project.build("--junit out.xml").ok();
    assert_eq!(
        outcomes(&report(&project, "out.xml")),
        ["good fresh", "bad built", "after built"]
    );
    project.remove("after");
    project.build("--junit out.xml").ok();
    assert_eq!(
        outcomes(&report(&project, "out.xml")),
        ["good fresh", "bad fresh", "after restored"]
    );
}

#[test]
fn a_build_that_a_seal_could_answer_writes_it_all_the_same() {
    let project = Project::new(THREE);
    project.edit("Atsaffile", "false", "echo b");
    for _ in 0..3 {
        project.build("").ok();
    }
    project.build("--junit out.xml").ok();
    project.remove("out.xml");
    project.build("--junit out.xml").ok();
    assert_eq!(
        outcomes(&report(&project, "out.xml")),
        ["good fresh", "bad fresh", "after fresh"]
    );
}

#[test]
fn what_keeps_a_build_from_beginning_is_an_error_in_it() {
    let project = Project::new(THREE);
    project.edit("Atsaffile", "inputs = [\"bad\"]", "inputs = [\"bda\"]");
    let told = project.build("--junit out.xml");
    told.exits(2);
    let written = report(&project, "out.xml");
    assert_eq!((written.tests, written.errors), (1, 1));
    assert!(project.read("out.xml").contains("unknown artifact `bda`"));
    project.edit("Atsaffile", "inputs = [\"bda\"]", "inputs = [\"./absent.csv\"]");
    project.build("--junit out.xml").exits(2);
    let written = report(&project, "out.xml");
    assert_eq!((written.errors, written.skipped), (1, 3), "{}", project.read("out.xml"));
    assert!(project.read("out.xml").contains("absent.csv"));
}

#[test]
fn an_interrupted_build_writes_what_it_came_to() {
    let project = Project::new(
        "[target.slow]\nrun = \"touch ../begun; sleep 100; touch {{output}}\"\noutput = \"slow\"\n\n\
         [target.after]\nrun = \"cp {{inputs}} {{output}}\"\ninputs = [\"slow\"]\noutput = \"after\"\n",
    );
    let running = project.start("build -j1 --junit out.xml");
    until("a command that runs", || project.at("../begun").exists());
    interrupt(running.id());
    running.collect().exits(130);
    let written = report(&project, "out.xml");
    assert_eq!(outcomes(&written), ["slow interrupted", "after not begun"]);
    assert_eq!((written.errors, written.skipped), (1, 1));
}

#[test]
fn nothing_but_an_earlier_report_is_replaced_and_nothing_runs_before_that_is_seen() {
    let project = Project::new(THREE);
    project.write("mine.xml", "<html>mine</html>");
    for (file, why) in [
        ("mine.xml", "is there, and is no report of `atsaf build`"),
        ("Atsaffile", "is there, and is no report of `atsaf build`"),
        ("good", "is the artifact `good`"),
        ("good/x.xml", "is the artifact `good`, or lies in it"),
        (".atsaf/x.xml", "lies in the store"),
    ] {
        let told = project.build(&format!("-k --junit {file}"));
        told.exits(2);
        told.has(why);
        assert!(!project.at("bad").exists() && !project.at("good").exists(), "{file}");
    }
    assert_eq!(project.read("mine.xml"), "<html>mine</html>");
    assert!(project.read("Atsaffile").contains("three"));
    project.edit("Atsaffile", "false", "echo b");
    let told = project.build("--junit absent/x.xml");
    told.exits(2);
    told.has("the JUnit file cannot be written to `absent/x.xml`");
    assert!(!project.at("bad").exists(), "nothing ran");
    symlink("good", project.at("link.xml")).expect("linked");
    project.build("--junit link.xml").exits(2);
    project.build("").ok();
    project.build("--junit link.xml").exits(2);
    assert_eq!(project.read("good"), "a\n");
}

#[test]
fn what_a_target_reads_is_none_of_its_places_whether_it_is_there_or_not() {
    let project = Project::new(
        "[target.a]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"./s.xml\"]\noutput = \"a.xml\"\n\n\
         [target.b]\nrun = \"cat tests/expected.xml > {{output}}\"\noutput = \"b.xml\"\n",
    );
    let others = "<?xml version=\"1.0\"?>\n<testsuites name=\"pytest\"/>\n";
    project.write("tests/expected.xml", others);
    for file in ["s.xml", "tests/expected.xml"] {
        let told = project.build(&format!("--junit {file}"));
        told.exits(2);
    }
    assert!(!project.at("s.xml").exists());
    project.write("s.xml", others);
    project.build("").ok();
    let told = project.build("--junit s.xml");
    told.exits(2);
    assert_eq!(project.read("s.xml"), others);
    assert_eq!(project.read("tests/expected.xml"), others);
}

#[test]
fn secrets_are_masked_in_it_and_control_characters_written_out() {
    let project = Project::new(
        "[secrets]\nTOKEN = {}\n\n[target.t]\nrun = \"printf 'a\\\\033[31m%s\\\\001\\\\n' $TOKEN; false > {{output}}\"\noutput = \"t\"\nsecrets = [\"TOKEN\"]\n",
    );
    project.write(".env", "TOKEN=correct-horse-battery\n");
    project.build("--junit out.xml").exits(1);
    let text = project.read("out.xml");
    report(&project, "out.xml");
    assert!(!text.contains("correct-horse") && text.contains("***"), "{text}");
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
}
