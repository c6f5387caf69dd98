//! What the user takes for fresh: until when, with which words, and what it never does.

use std::fs;

use snapbox::str;

use crate::project::{Project, Told};

const READER: &str = r#"
[target.fit]
run = "echo fit >> ../ran; sh fit.sh {{inputs}} > {{output}}"
inputs = ["a.txt"]
output = "model.json"

[target.page]
run = "echo page >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["fit"]
output = "page.html"
"#;

fn reader() -> Project {
    let project = Project::new(READER);
    project.write("fit.sh", "cat $1");
    project.write("a.txt", "one");
    project.build("").ok();
    project.ran();
    project
}

fn accept(project: &Project, targets: &str, why: &str) -> Told {
    let mut command = project.command(&format!("accept {targets} -m"));
    Told::of(command.arg(why))
}

#[test]
fn what_is_accepted_is_fresh_until_something_changes_again() {
    let project = reader();
    project.write("fit.sh", "# a comment\ncat $1");
    accept(&project, "fit", "only a comment").is(
        0,
        str![[r#"
accepted  fit, although fit.sh content [CONTENT] -> [CONTENT]

"#]],
    );
    project.build("").has("nothing to do: 2 targets are fresh");
    project.atsaf("status").is(
        0,
        str![[r#"
fresh  fit   built [TIME] ago; accepted [TIME] ago: only a comment
fresh  page  built [TIME] ago

"#]],
    );
    project.atsaf("plan").has("accepted just now: only a comment");
    project.atsaf("why fit").has("accepted just now: only a comment");
    project.atsaf("log fit").has("accepted");
    project.atsaf("log fit --json").has(r#""why":"only a comment""#);
    project.atsaf("status --json").has(r#""why":"only a comment""#);
    project.atsaf("gc --keep-runs 0").ok();
    fs::remove_file(project.at(".atsaf/v1/index")).expect("there");
    project.build("").has("nothing to do");
    project.write("a.txt", "two");
    let told = project.build("");
    told.has("a.txt content");
    assert_eq!(project.ran(), "fit page");
    project.atsaf("status").is(
        0,
        str![[r#"
fresh  fit   built [TIME] ago
fresh  page  built [TIME] ago

"#]],
    );
}

#[test]
fn an_edit_back_needs_no_acceptance_and_an_accepted_state_is_never_restored() {
    let project = reader();
    project.write("fit.sh", "echo two");
    accept(&project, "fit", "later").ok();
    project.write("fit.sh", "cat $1");
    project.atsaf("status").is(
        0,
        str![[r#"
fresh  fit   built [TIME] ago
fresh  page  built [TIME] ago

"#]],
    );
    project.write("a.txt", "other");
    project.build("").ok();
    project.write("a.txt", "one");
    project.write("fit.sh", "echo two");
    project.build("").ok();
    assert_eq!(
        project.read("page.html"),
        "two\n",
        "what it makes of this was never made"
    );
}

#[test]
fn a_file_that_was_written_by_hand_can_be_accepted_and_is_kept_when_the_target_runs() {
    let project = reader();
    project.write("model.json", "by hand");
    project.atsaf("status").has("model.json is not as atsaf left it");
    accept(&project, "model.json", "mended by hand").ok();
    project.build("").ok();
    assert_eq!(
        (project.ran().as_str(), project.read("page.html").as_str()),
        ("page", "by hand")
    );
    project.build("").has("nothing to do");
    project.write("a.txt", "two");
    project.build("").has("was not as atsaf left it, and was kept");
    assert_eq!(project.displaced(), ["by hand"]);
    assert_eq!(project.read("page.html"), "two");
}

#[test]
fn what_cannot_be_accepted_says_why() {
    let project = Project::new(READER);
    project.write("fit.sh", "cat $1");
    project.write("a.txt", "one");
    accept(&project, "fit", "so").is(
        1,
        str![[r#"
error: `fit` cannot be accepted: it was never built, so there is no result to take for fresh
  help: build it: `atsaf build fit`

"#]],
    );
    project.build("").ok();
    accept(&project, "fit", "so").is(
        0,
        str![[r#"
fit is fresh: there is nothing to accept

"#]],
    );
    project.write("a.txt", "two");
    accept(&project, "page", "so").has("what it reads is not known, since fit must run first");
    project.remove("model.json");
    accept(&project, "fit", "so").has("`model.json` is missing");
    accept(&project, "fit", " ").has("say why");
    project.atsaf("accept fit").exits(2);
}

#[test]
fn an_effect_of_which_nobody_knows_how_it_ended_can_be_accepted() {
    let project = Project::new(
        r#"
[params]
v = 1

[target.send]
run = "echo send >> ../ran; test ! -e ../broken; echo {{v}} > {{output}}"
output = "receipt.json"
effect = true
"#,
    );
    project.build("").ok();
    project.write("../broken", "");
    project.build("-B").exits(1);
    project.atsaf("status").has("stale");
    accept(&project, "send", "it has arrived").ok();
    project.ran();
    project.build("").has("nothing to do");
    assert_eq!(project.ran(), "");
}
