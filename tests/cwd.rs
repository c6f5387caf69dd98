//! `cwd` and `shell`: where and by what a command runs, and what that makes stale.

use crate::project::Project;

const PROJECT: &str = r#"
[target.fit]
run = "echo fit >> ../../ran; cat fit.txt ../data/a.csv {{inputs}} {{inputs_file}} {{params_file}} > {{output}}; pwd -P | sed 's|.*/||' >> {{output}}"
cwd = "src"
inputs = ["data/b.csv", "src/own.csv"]
output = "out/model.txt"
"#;

fn project() -> Project {
    let project = Project::new(PROJECT);
    project.write("src/fit.txt", "fit\n");
    project.write("src/own.csv", "own\n");
    project.write("data/a.csv", "a\n");
    project.write("data/b.csv", "b\n");
    project
}

#[test]
fn paths_in_a_command_lead_from_the_directory_in_which_it_runs() {
    let project = project();
    project.build("").ok();
    assert_eq!(
        project.read("out/model.txt"),
        "fit\na\nb\nown\n../data/b.csv\nown.csv\n{}\nsrc\n"
    );
    project.build("").has("nothing to do");
    project.ran();
    // Its words are files, found from there.
    for path in ["src/fit.txt", "data/a.csv", "data/b.csv", "src/own.csv"] {
        project.write(path, "other\n");
        project.build("").ok();
        assert_eq!(project.ran(), "fit", "{path}");
    }
    project.write("fit.txt", "of the project\n");
    project.build("").has("nothing to do");
    let listed = project.atsaf("list");
    listed.has("in     src/");
    listed.has("src/fit.txt");
    project.atsaf("list --json").has("\"cwd\":\"src\"");
}

#[test]
fn another_directory_makes_a_target_stale_and_the_former_one_brings_it_back() {
    let project =
        Project::new("[target.t]\nrun = \"echo t >> ../../ran; cat x > {{output}}\"\ncwd = \"a\"\noutput = \"t\"\n");
    project.write("a/x", "a\n");
    project.write("b/x", "b\n");
    project.build("").ok();
    assert_eq!(project.read("t"), "a\n");
    project.edit("Atsaffile", "\"a\"", "\"b\"");
    let why = project.atsaf("why t");
    why.has("cwd");
    why.has("a -> b");
    project.build("").ok();
    assert_eq!((project.read("t").as_str(), project.ran().as_str()), ("b\n", "t t"));
    project.edit("Atsaffile", "\"b\"", "\"./a/\"");
    project.build("").has("restored");
    assert_eq!((project.read("t").as_str(), project.ran().as_str()), ("a\n", ""));
    project.edit("Atsaffile", "cwd = \"./a/\"\n", "");
    project.atsaf("why t").has("no longer used (was a)");
}

#[test]
fn the_project_itself_is_no_other_directory() {
    let project = Project::new("[target.t]\nrun = \"echo 1 > {{output}}\"\noutput = \"t\"\n");
    project.build("").ok();
    project.edit("Atsaffile", "output = ", "cwd = \".\"\noutput = ");
    project.build("").has("nothing to do");
}

#[test]
fn a_program_and_a_list_are_found_from_there() {
    let project = Project::new(
        r#"
[target.list]
run = ["sh", "run.sh", "{{input.a}}", "{{output}}"]
cwd = "tools"
inputs = { a = "a.txt" }
output = "list.txt"
[target.simple]
run = "./run.sh {{input.a}} {{output}}"
cwd = "tools"
inputs = { a = "a.txt" }
output = "simple.txt"
"#,
    );
    project.write("a.txt", "1\n");
    project.write("tools/run.sh", "#!/bin/sh\ncp \"$1\" \"$2\"\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.at("tools/run.sh"), mode).expect("set");
    project.build("").ok();
    assert_eq!(project.read("list.txt"), "1\n");
    assert_eq!(project.read("simple.txt"), "1\n");
    project.write("tools/run.sh", "#!/bin/sh\ncat \"$1\" \"$1\" > \"$2\"\n");
    project.build("").has("2 built");
    assert_eq!(project.read("simple.txt"), "1\n1\n");
}

#[test]
fn a_command_that_writes_the_declared_paths_itself_does_so_from_there() {
    let project = Project::new(
        "[target.site]\nrun = \"echo 1 > ../out/site.html; echo {{output}}\"\ncwd = \"docs\"\noutput = \"out/site.html\"\ndirect = true\n",
    );
    project.write("docs/index.md", "x");
    std::fs::create_dir_all(project.at("out")).expect("made");
    project.build("").ok();
    assert_eq!(project.read("out/site.html"), "1\n");
    project.atsaf("logs site").has("../out/site.html");
}

#[test]
fn a_word_that_the_command_writes_is_none_of_its_inputs_wherever_it_runs() {
    let project = Project::new(
        "[target.t]\nrun = \"echo x >> ../state; cp ../state {{output}}\"\ncwd = \"src\"\noutput = \"t\"\n",
    );
    project.write("src/x", "");
    project.write("state", "0\n");
    project.build("").has("`state` is written by the command of `t`");
    project.build("").has("nothing to do");
}

#[test]
fn a_directory_that_is_none_is_told_before_anything_runs() {
    let project = Project::new(
        r#"
[target.missing]
run = "echo > {{output}}"
cwd = "srcc"
output = "a"
[target.outside]
run = "echo > {{output}}"
cwd = "../src"
output = "b"
[target.made]
run = "echo > {{output}}"
cwd = "site/x"
output = "c"
[target.site]
run = "mkdir {{output}}/x"
output = "site/"
[target.link]
run = "echo > {{output}}"
cwd = "link"
output = "d"
"#,
    );
    std::os::unix::fs::symlink("/tmp", project.at("link")).expect("linked");
    let told = project.build("site");
    told.exits(2);
    told.has("the directory `../src` is none of the project");
    project.edit("Atsaffile", "\"../src\"", "\".\"");
    let told = project.build("site");
    told.exits(2);
    for text in [
        "`missing` runs in `srcc/`, which is no directory of the project",
        "`made` runs in `site/x/`, which is, or lies in, an artifact",
        "`link` runs in `link/`, which is reached through a link",
    ] {
        told.has(text);
    }
}

#[test]
fn a_shell_that_is_not_there_is_told_with_what_to_write() {
    let project = Project::new(
        "[project]\nshell = [\"no-such-shell\", \"-c\"]\n[target.t]\nrun = \"echo 1; echo 2 > {{output}}\"\noutput = \"t\"\n",
    );
    let told = project.build("");
    told.exits(1);
    told.has("the shell `no-such-shell` was not found");
    told.has("shell = [\"sh\", \"-eu\", \"-c\"]");
    project.atsaf("list").has("no-such-shell -c");
    project.edit("Atsaffile", "\"no-such-shell\", \"-c\"", "\"sh\", \"-eu\", \"-c\"");
    project.build("").ok();
    project.edit("Atsaffile", "\"-eu\", ", "");
    let why = project.atsaf("why t");
    why.has("shell");
    why.has("sh -eu -c -> sh -c");
}
