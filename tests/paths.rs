//! Paths that meet: files below directories that are artifacts, files where directories have to be, and pipes.

use std::path::Path;
use std::process::Command;

use snapbox::str;

use crate::project::Project;

/// Makes a pipe, which would keep whoever opens it waiting.
fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("started");
    assert!(made.success());
}

#[test]
fn a_word_that_lies_in_the_directory_of_an_artifact_is_that_artifact() {
    let project = Project::new(
        r#"
[target.second]
run = "cat out/dir/x > {{output}}"
output = "second.txt"

[target.first]
run = "echo one > {{output}}/x"
output = "out/dir/"
"#,
    );
    project.build("").ok();
    project.build("").is(
        0,
        str![[r#"
nothing to do: 2 targets are fresh

"#]],
    );
    project.edit("Atsaffile", "echo one", "echo two");
    project.atsaf("plan").is(
        0,
        str![[r#"
run        first  [TIME]  command another text  Atsaffile:6
undecided  second  [TIME]  depends on what first makes
1 to run, 1 undecided: about [TIME]

"#]],
    );
    project.build("").ok();
    assert_eq!(project.read("second.txt"), "two\n");
    project.atsaf("status --exit-code").ok();
}

#[test]
fn a_file_gives_way_to_the_directory_that_has_to_be_there() {
    let project = Project::new("[target.a]\nrun = \"echo a > {{output}}\"\noutput = \"out/x\"\n");
    project.write("out", "by hand\n");
    project.build("").ok();
    assert_eq!(project.read("out/x"), "a\n");
    assert_eq!(project.displaced(), ["by hand\n"]);
    // A former artifact is nobody's work.
    project.edit("Atsaffile", "out/x", "out/x/y");
    project.build("").ok();
    assert_eq!(project.read("out/x/y"), "a\n");
    assert_eq!(project.displaced(), ["by hand\n"]);
}

#[test]
fn a_pipe_in_a_directory_is_told_and_never_opened() {
    let project = Project::new(
        r#"
[target.a]
run = "ls {{inputs}} > {{output}}"
inputs = ["./source"]
output = "a.txt"

[target.b]
run = "echo b > {{output}}/b"
output = "b/"

[target.c]
run = "mkfifo {{output}}/c"
output = "c/"
"#,
    );
    project.write("source/f", "1");
    project.build("a b").ok();
    pipe(&project.at("b/pipe"));
    project.build("b").ok();
    assert!(!project.at("b/pipe").exists(), "what was there was displaced");
    pipe(&project.at("source/pipe"));
    project.atsaf("status a").is(
        2,
        str![[r#"
error: `source` cannot be read: `pipe` in it is neither a file nor a directory
  note: `a` needs it
  note: without it, the state of a is not known

"#]],
    );
    project.remove("source/pipe");
    let told = project.build("c");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(
        told.text.contains("`c` in it is neither a file nor a directory"),
        "{}",
        told.text
    );
}
