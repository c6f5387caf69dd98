//! `resume`: what a failed or interrupted attempt left is given to the next one of the same result, and to no other.

use crate::project::{Project, has_python, interrupt, until};

/// Adds a line at each attempt and ends well at the third.
const PROJECT: &str = r#"
[params]
a = 1

[target.t]
run = "echo t >> ../ran; echo {{a}} | cat - raw.txt >> {{output}}; test $(wc -l < {{output}}) -ge 6"
output = "t.txt"
resume = true
"#;

fn project() -> Project {
    let project = Project::new(PROJECT);
    project.write("raw.txt", "raw\n");
    project
}

#[test]
fn the_next_attempt_goes_on_with_what_a_failed_one_left() {
    let project = project();
    let told = project.build("");
    told.exits(1);
    told.has("the next attempt goes on with what this one wrote");
    assert!(!project.at("t.txt").exists());
    project.build("").exits(1);
    project.build("").ok();
    assert_eq!(project.read("t.txt"), "1\nraw\n1\nraw\n1\nraw\n");
    project.atsaf("list").has("goes on with what a failed attempt left");
    project.build("").has("nothing to do");
    assert!(
        project.store().keys().all(|path| !path.contains("resume/")),
        "nothing is left of it"
    );
}

#[test]
fn retries_of_one_build_go_on_as_well() {
    let project = project();
    project.edit(
        "Atsaffile",
        "resume = true",
        "resume = true\nretries = 2\nretry_delay = \"0s\"",
    );
    project.build("").ok();
    assert_eq!(project.ran(), "t t t");
}

#[test]
fn another_result_begins_anew() {
    let project = project();
    for (what, ask) in [("a value", "-s a=2"), ("force", "-B"), ("the command", "")] {
        project.build("").exits(1);
        project.build("").exits(1);
        if what == "the command" {
            project.edit("Atsaffile", "test $(", "test  $(");
        }
        // It would have ended well.
        assert_eq!(project.build(ask).code, Some(1), "{what}");
        if what == "force" {
            // The forced attempt is the first of three.
            project.build("").exits(1);
            project.build("").ok();
            project.remove("t.txt");
            project.edit("Atsaffile", "a = 1", "a = 3");
        }
    }
    let project = self::project();
    project.build("").exits(1);
    project.build("").exits(1);
    project.write("raw.txt", "other\n");
    project.build("").exits(1);
}

#[test]
fn an_input_that_moves_during_a_failing_attempt_leaves_nothing_to_go_on_with() {
    let project = Project::new(
        r#"
[target.t]
run = "cat raw.txt >> {{output}}; echo x > ../begun; while [ ! -e ../go ]; do sleep 0.01; done; test -e ../well"
output = "t.txt"
resume = true
"#,
    );
    project.write("raw.txt", "one\n");
    let build = project.start("build");
    until("the command", || project.at("../begun").exists());
    project.write("raw.txt", "two\n");
    project.write("raw.txt", "one\n");
    project.write("../go", "");
    build.collect().exits(1);
    project.write("../well", "");
    project.build("").ok();
    assert_eq!(project.read("t.txt"), "one\n");
}

#[test]
fn what_an_interrupted_attempt_left_is_given_on() {
    let project = Project::new(
        r#"
[target.t]
run = "mkdir -p {{output}}; echo x >> {{output}}/lines; echo x > ../begun; [ -e ../go ] || sleep 1000"
output = "t/"
resume = true
"#,
    );
    let build = project.start("build");
    until("the command", || project.at("../begun").exists());
    interrupt(build.id());
    build.collect().exits(130);
    project.write("../go", "");
    project.build("").ok();
    assert_eq!(project.read("t/lines"), "x\nx\n");
}

#[test]
fn gc_gives_it_up_by_age_and_a_store_from_elsewhere_has_none() {
    let project = project();
    project.build("").exits(1);
    assert!(project.store().keys().any(|path| path.contains("resume/")));
    project.atsaf("gc --older-than 0s").ok();
    assert!(project.store().keys().all(|path| !path.contains("resume/")));
    project.build("").exits(1);
    project.build("--trust-store").exits(1);
    project.build("").exits(1);
}

#[test]
fn it_is_for_commands_that_write_where_they_are_told() {
    let project = project();
    project.edit("Atsaffile", "resume = true", "resume = true\ndirect = true");
    project.build("").has("the target `t` is `direct`, and cannot `resume`");
}

#[test]
fn what_a_failed_attempt_was_seen_to_use_has_to_be_as_it_was() {
    if !has_python() {
        return;
    }
    let project = Project::new("[target.t]\nrun = \"python3 main.py {{output}}\"\noutput = \"t.txt\"\nresume = true\n");
    let script = "import sys
f = open(sys.argv[1], 'a')
n = sum(1 for _ in open(sys.argv[1]))
if n < 2:
    f.write(open('conf').read() * 2)
    sys.exit(1)
f.write('end\\n')
";
    project.write("main.py", script);
    project.write("conf", "old\n");
    project.build("").exits(1);
    project.write("conf", "new\n");
    project.build("").exits(1);
    project.build("").ok();
    assert_eq!(project.read("t.txt"), "new\nnew\nend\n");
    project.build("").has("nothing to do");
    // The last attempt did not open it, and what it went on with depends on it.
    project.write("conf", "newer\n");
    project.atsaf("why t").has("conf ");
}

#[test]
fn what_is_installed_has_to_be_as_a_failed_attempt_had_it() {
    if !has_python() {
        return;
    }
    let project = Project::new(
        "[target.t]\nrun = \"PYTHONPATH=\\\"$PYTHONPATH:$PACKAGES\\\" python3 main.py {{output}}\"\noutput = \"t.txt\"\n\
         resume = true\nenv = [\"PACKAGES\"]\n",
    );
    let install = |version: &str| {
        project.write("../packages/pkg/__init__.py", format!("version = {version:?}\n"));
        for other in ["1.0", "10.0"] {
            let path = project.at(&format!("../packages/pkg-{other}.dist-info"));
            let _ = std::fs::remove_dir_all(path);
        }
        let info = format!("Metadata-Version: 2.1\nName: pkg\nVersion: {version}\n");
        project.write(&format!("../packages/pkg-{version}.dist-info/METADATA"), info);
        project.write(&format!("../packages/pkg-{version}.dist-info/top_level.txt"), "pkg\n");
    };
    let script = "import pkg, sys
n = sum(1 for _ in open(sys.argv[1], 'a+')) + len(open(sys.argv[1]).read().split())
open(sys.argv[1], 'a').write('made by ' + pkg.version + '\\n')
sys.exit(n < 3)
";
    project.write("main.py", script);
    let packages = project.at("../packages");
    let build = || {
        let mut command = project.command("build -j1");
        crate::project::Told::of(command.env("PACKAGES", &packages))
    };
    install("1.0");
    build().exits(1);
    install("10.0");
    build().exits(1);
    build().ok();
    assert_eq!(project.read("t.txt"), "made by 10.0\nmade by 10.0\n");
}
