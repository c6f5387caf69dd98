//! Builds that are killed or interrupted while a command runs, and sources that change meanwhile.

use std::fs;

use snapbox::str;

use crate::project::{Project, interrupt, is_ignored, kill, until};

#[test]
fn a_killed_direct_command_is_undone_by_the_next_build() {
    let project = Project::new(
        r#"
[params]
word = "one"

[target.direct]
run = "echo {{word}} > direct.txt; touch ../begun; while test ! -e ../go; do sleep 0.02; done"
output = "direct.txt"
direct = true
"#,
    );
    project.write("../go", "");
    project.build("").ok();
    project.remove("../go");
    project.remove("../begun");
    let child = project.start("build -s word=two");
    until("the command has begun", || project.at("../begun").exists());
    child.kill();
    assert_eq!(project.read("direct.txt"), "two\n", "half done");
    let told = project.build("");
    for part in [
        "warning: an earlier attempt of `direct` was still running, and was ended",
        "warning: `direct.txt` was not as atsaf left it, and was kept",
        "nothing to do: 1 target is fresh",
    ] {
        assert!(told.text.contains(part), "{part}: {}", told.text);
    }
    assert_eq!(project.read("direct.txt"), "one\n");
    project.build("").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
}

#[test]
fn the_effect_of_a_killed_build_is_waited_for() {
    let project = Project::new(
        r#"
[target.slow]
run = "echo begin >> ../ran; while test ! -e ../go; do sleep 0.02; done; echo end >> ../ran; echo slow > {{output}}"
output = "slow.txt"
effect = true
"#,
    );
    let child = project.start("build");
    until("the command has begun", || project.at("../ran").exists());
    child.kill();
    let second = project.start("build");
    second.until_it_waits();
    assert_eq!(project.read("../ran"), "begin\n");
    project.write("../go", "");
    second.collect().ok();
    assert_eq!(project.ran(), "begin end begin end");
}

#[test]
fn an_interrupted_build_ends_its_children_and_leaves_nothing_half_done() {
    let project = Project::new(
        r#"
[target.first]
run = "echo first > {{output}}"
output = "first.txt"

[target.slow]
run = "cat {{inputs}} > {{output}}; touch ../begun; sleep 61; : {{output}}"
inputs = ["first"]
output = "slow.txt"

[target.last]
run = "cat {{inputs}} > {{output}}"
inputs = ["slow"]
output = "last.txt"
"#,
    );
    for name in ["TERM", "INT", "HUP"].into_iter().filter(|name| !is_ignored(name)) {
        let child = project.start("build -j1");
        until("the command has begun", || project.at("../begun").exists());
        kill(child.id(), name);
        let told = child.collect();
        assert_eq!(told.code, Some(130), "{}", told.text);
        if name == "TERM" {
            told.is(
                130,
                str![[r#"
run [RUN]: 3 targets to look at, 0 fresh
start      first  never built
built      first  [TIME]
start      slow   never built
stopping   slow   waits for it to tidy up; Ctrl-C again ends it by force
stopped    slow   interrupted
interrupted: 1 built in [TIME]

"#]],
            );
        }
        assert!(project.running("sleep 61").is_empty());
        assert_eq!(project.files().into_keys().collect::<Vec<_>>(), ["first.txt"]);
        assert!(!project.store().keys().any(|path| path.contains("staging/")));
        fs::remove_file(project.at("../begun")).expect("removed");
    }
    project.edit("Atsaffile", "sleep 61", "sleep 0");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 1 fresh
start      slow  never built
built      slow  [TIME]
start      last  never built
built      last  [TIME]
2 built, 1 fresh in [TIME]

"#]],
    );
}

#[test]
fn a_source_that_keeps_changing_is_named() {
    let project = Project::new(
        r#"
[target.reader]
run = "echo reader >> ../ran; cat source.txt > {{output}}; echo more >> source.txt"
inputs = ["source.txt"]
output = "reader.txt"
"#,
    );
    project.write("source.txt", "one\n");
    project.build("").is(
        1,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      reader  never built
start      reader  never built
start      reader  never built
start      reader  never built
error: `reader` failed: `source.txt` was changed again and again while it was being read
  --> Atsaffile:2:9
 2 | [target.reader]
   |         ^^^^^^
  help: build again when it is at rest
1 failed (reader) in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "reader reader reader reader");
    assert!(!project.at("reader.txt").exists());
}

#[test]
fn a_source_that_changed_while_it_was_read_is_read_again() {
    let project = Project::new(
        r#"
[target.reader]
run = "echo reader >> ../ran; cat source.txt > {{output}}; test -e ../once || { touch ../once; echo more >> source.txt; }"
inputs = ["source.txt"]
output = "reader.txt"
"#,
    );
    project.write("source.txt", "one\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      reader  never built
start      reader  never built
built      reader  [TIME]
1 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "reader reader");
    assert_eq!(project.read("reader.txt"), "one\nmore\n");
    project.build("").is(
        0,
        str![[r#"
nothing to do: 1 target is fresh

"#]],
    );
}

#[test]
fn termination_ends_a_build_in_order_even_where_interrupts_are_ignored() {
    let project = Project::new(
        r#"
[target.slow]
run = "touch ../begun; sleep 60; echo slow > {{output}}"
output = "slow.txt"
"#,
    );
    // As a shell starts what it puts in the background of a script.
    let mut command = std::process::Command::new("/bin/sh");
    command
        .args(["-c", "trap '' INT; exec \"$0\" build", env!("CARGO_BIN_EXE_atsaf")])
        .current_dir(project.at("."))
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("started");
    until("the command has begun", || project.at("../begun").exists());
    kill(child.id(), "INT");
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(child.try_wait().expect("looked at"), None, "it is ignored");
    kill(child.id(), "TERM");
    assert_eq!(child.wait().expect("waited for").code(), Some(130));
    assert_eq!(project.running("sleep 60"), [0; 0]);
}

#[test]
fn a_second_interrupt_ends_the_build_and_its_commands_at_once() {
    let project = Project::new(
        r#"
[target.stubborn]
run = "trap '' TERM; touch ../begun; while true; do sleep 62; done; echo stubborn > {{output}}"
output = "stubborn.txt"
"#,
    );
    let child = project.start("build");
    until("the command has begun", || project.at("../begun").exists());
    interrupt(child.id());
    // The first is taken note of before the second arrives, or both would be one.
    until("the command is being ended", || project.running("sleep 62").is_empty());
    interrupt(child.id());
    assert_eq!(child.collect().code, Some(130));
    until("nothing is left", || project.running("sleep 62").is_empty());
    project.edit("Atsaffile", "while true; do sleep 62; done", ":");
    project.build("").ok();
}

#[test]
fn processes_that_nobody_waits_for_delay_no_end() {
    let project = Project::new(
        r#"
[target.slow]
run = "sleep 0.01 & touch ../begun; sleep 63; echo slow > {{output}}"
output = "slow.txt"
"#,
    );
    let child = project.start("build");
    until("the command has begun", || project.at("../begun").exists());
    interrupt(child.id());
    assert_eq!(child.collect().code, Some(130));
    assert!(project.running("sleep 63").is_empty());
}
