//! Wrong Atsaffiles: told whole, with exit code 2, before anything runs.

use snapbox::{IntoData, str};

use crate::project::Project;

/// A good target, so that it can be seen that nothing ran; what is wrong follows.
const GOOD: &str = r#"
[target.good]
run = "echo good >> ../ran; echo good > {{output}}"
output = "good.txt"
"#;

fn project(wrong: &str) -> Project {
    Project::new(&format!("{}{wrong}", GOOD.trim_start()))
}

#[track_caller]
fn told(project: &Project, expected: impl IntoData) {
    project.build("").is(2, expected);
    assert_eq!(project.ran(), "");
    assert!(!project.at("good.txt").exists());
    assert!(!project.at(".atsaf").exists(), "not even a store is made");
}

#[test]
fn a_cycle_is_told_with_the_whole_way_round() {
    let project = project(
        r#"
[target.a]
run = "cat {{inputs}} > {{output}}"
inputs = ["c", "good"]
output = "a.txt"

[target.b]
run = "cat {{inputs}} > {{output}}"
inputs = ["a"]
output = "b.txt"

[target.c]
run = "echo c > {{output}}"
output = "c.txt"
after = ["b"]
"#,
    );
    told(
        &project,
        str![[r#"
error: targets need each other in a circle
   --> Atsaffile:12:11
 12 | inputs = ["a"]
    |           ^^^ `b` reads from `a`
   --> Atsaffile:18:10
 18 | after = ["b"]
    |          ^^^ `c` comes after `b`
   --> Atsaffile:7:11
  7 | inputs = ["c", "good"]
    |           ^^^ `a` reads from `c`
  note: a -> b -> c -> a
  help: take one of these away

"#]],
    );
}

#[test]
fn two_writers_of_one_path_are_both_shown() {
    let project = project(
        r#"
[target.a]
run = "echo a > {{output}}"
output = "out/same.txt"

[target.b]
run = "echo b > {{output}}"
outputs = { mine = "./out/same.txt" }

[target.c]
run = "mkdir -p {{output}}"
output = "dir/"

[target.d]
run = "echo d > {{output}}"
output = "dir/d.txt"
"#,
    );
    told(
        &project,
        str![[r#"
error: two targets write `out/same.txt`
   --> Atsaffile:7:10
  7 | output = "out/same.txt"
    |          ^^^^^^^^^^^^^^ by `a`
   --> Atsaffile:11:20
 11 | outputs = { mine = "./out/same.txt" }
    |                    ^^^^^^^^^^^^^^^^ and by `b`
  help: give each artifact a path of its own
error: `dir/d.txt` lies inside `dir`, which is an artifact itself
   --> Atsaffile:15:10
 15 | output = "dir/"
    |          ^^^^^^ made by `c`
   --> Atsaffile:19:10
 19 | output = "dir/d.txt"
    |          ^^^^^^^^^^^ made by `d`
  help: an artifact is replaced whole: move one of the two elsewhere

"#]],
    );
}

#[test]
fn a_glob_must_not_match_an_artifact() {
    let project = project(
        r#"
[target.all]
run = "cat {{inputs}} > {{output}}"
inputs = ["*.txt"]
output = "all/list.csv"

[target.dir]
run = "touch {{output}}/x"
output = "dir/"

[target.inside]
run = "cat {{inputs}} > {{output}}"
inputs = ["dir/*.csv"]
output = "inside.csv"
"#,
    );
    told(
        &project,
        str![[r#"
error: the glob `*.txt` matches `good.txt`, which is an artifact
  --> Atsaffile:7:11
 7 | inputs = ["*.txt"]
   |           ^^^^^^^ the glob
  --> Atsaffile:3:10
 3 | output = "good.txt"
   |          ^^^^^^^^^^ `good`, made by `good`
  help: what it matches would depend on what is built: narrow the glob, or name the artifact as an input
error: the glob `dir/*.csv` reaches into `dir`, which is an artifact
   --> Atsaffile:16:11
 16 | inputs = ["dir/*.csv"]
    |           ^^^^^^^^^^^ the glob
   --> Atsaffile:12:10
 12 | output = "dir/"
    |          ^^^^^^ `dir`, made by `dir`
  help: what it matches would depend on what is built: narrow the glob, or name the artifact as an input

"#]],
    );
}

#[test]
fn a_glob_must_not_reach_into_an_artifact_by_a_pattern_of_its_directory() {
    let project = project(
        r#"
[target.plots]
run = "mkdir {{output}}/x"
output = "out/plots/"

[target.inside]
run = "cat {{inputs}} > {{output}}"
inputs = ["ou?/*/*.csv"]
output = "inside.csv"
"#,
    );
    told(
        &project,
        str![[r#"
error: the glob `ou?/*/*.csv` reaches into `out/plots`, which is an artifact
   --> Atsaffile:11:11
 11 | inputs = ["ou?/*/*.csv"]
    |           ^^^^^^^^^^^^^ the glob
   --> Atsaffile:7:10
  7 | output = "out/plots/"
    |          ^^^^^^^^^^^^ `plots`, made by `plots`
  help: what it matches would depend on what is built: narrow the glob, or name the artifact as an input

"#]],
    );
}

#[test]
fn a_directory_that_is_a_source_must_not_contain_an_artifact() {
    let project = project(
        r#"
[target.list]
run = "ls data > {{output}}"
inputs = ["data/"]
output = "data/list.txt"
"#,
    );
    project.write("data/raw.csv", "");
    told(
        &project,
        str![[r#"
error: the source `data` contains `data/list.txt`, which is an artifact
  --> Atsaffile:7:11
 7 | inputs = ["data/"]
   |           ^^^^^^^ read here
  --> Atsaffile:8:10
 8 | output = "data/list.txt"
   |          ^^^^^^^^^^^^^^^ `list`, made by `list`
  help: what is in it would depend on what is built: let one of the two lie elsewhere, or read files by name

"#]],
    );
}

#[test]
fn a_missing_source_matters_only_to_goals_that_need_it() {
    let project = project(
        r#"
[target.reader]
run = "cat {{inputs}} > {{output}}"
inputs = ["raw/none.csv"]
output = "reader.txt"

[target.next]
run = "cat {{inputs}} > {{output}}"
inputs = ["reader", "raw/nor this.csv"]
output = "next.txt"
"#,
    );
    told(
        &project,
        str![[r#"
error: `raw/none.csv` does not exist, and no target makes it
  --> Atsaffile:7:11
 7 | inputs = ["raw/none.csv"]
   |           ^^^^^^^^^^^^^^ read by `reader`
  help: put the file there, or name the artifact that is meant
error: `raw/nor this.csv` does not exist, and no target makes it
   --> Atsaffile:12:21
 12 | inputs = ["reader", "raw/nor this.csv"]
    |                     ^^^^^^^^^^^^^^^^^^ read by `next`
  help: put the file there, or name the artifact that is meant

"#]],
    );
    // What does not need it has a state all the same.
    project.atsaf("status").is(
        2,
        str![[r#"
stale  good  never built
error: `raw/none.csv` does not exist, and no target makes it
  --> Atsaffile:7:11
 7 | inputs = ["raw/none.csv"]
   |           ^^^^^^^^^^^^^^ read by `reader`
  help: put the file there, or name the artifact that is meant
error: `raw/nor this.csv` does not exist, and no target makes it
   --> Atsaffile:12:21
 12 | inputs = ["reader", "raw/nor this.csv"]
    |                     ^^^^^^^^^^^^^^^^^^ read by `next`
  note: without them, the state of reader, next is not known
  help: put the file there, or name the artifact that is meant

"#]],
    );
    project.build("good").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      good  never built
built      good  [TIME]
1 built in [TIME]

"#]],
    );
    project.build("reader").is(
        2,
        str![[r#"
error: `raw/none.csv` does not exist, and no target makes it
  --> Atsaffile:7:11
 7 | inputs = ["raw/none.csv"]
   |           ^^^^^^^^^^^^^^ read by `reader`
  help: put the file there, or name the artifact that is meant

"#]],
    );
    project.write("raw/none.csv", "raw\n");
    project.build("reader").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 0 fresh
start      reader  never built
built      reader  [TIME]
1 built in [TIME]

"#]],
    );
}

#[test]
fn a_missing_secret_is_told_before_anything_runs() {
    let project = project(
        r#"
[secrets]
TOKEN = {}
OTHER = { optional = true }

[target.upload]
run = ": $TOKEN${OTHER-} && echo sent > {{output}}"
secrets = ["TOKEN", "OTHER"]
output = "upload.txt"
"#,
    );
    told(
        &project,
        str![[r#"
error: the secret `TOKEN` is not set
  --> Atsaffile:6:1
 6 | TOKEN = {}
   | ^^^^^ needed by `upload`
  help: set the environment variable `TOKEN`, or write `TOKEN=…` to `.env` beside the Atsaffile

"#]],
    );
    project.write(".env", "TOKEN=a-long-value\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      good    never built
built      good  [TIME]
start      upload  never built
built      upload  [TIME]
2 built in [TIME]

"#]],
    );
}

#[test]
fn missing_secrets_and_sources_are_told_together() {
    let project = project(
        r#"
[secrets]
TOKEN = {}

[target.upload]
run = "cat {{inputs}} > {{output}}"
inputs = ["absent.txt"]
secrets = ["TOKEN"]
output = "upload.txt"
"#,
    );
    let said = project.build("");
    let errors: Vec<&str> = said.text.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        errors,
        [
            "error: the secret `TOKEN` is not set",
            "error: `absent.txt` does not exist, and no target makes it"
        ]
    );
}

#[test]
fn an_output_must_not_lie_below_a_link_that_leads_to_no_directory() {
    let project = project(
        r#"
[target.out]
run = "echo out > {{output}}"
output = "linked/deeper/out.txt"
"#,
    );
    std::os::unix::fs::symlink("../outside", project.at("linked")).expect("linked");
    told(
        &project,
        str![[r#"
error: `linked/deeper/out.txt` lies below `linked`, a link that leads to no directory
  --> Atsaffile:7:10
 7 | output = "linked/deeper/out.txt"
   |          ^^^^^^^^^^^^^^^^^^^^^^^
  help: make the directory that the link leads to, or mount the disk that it is on

"#]],
    );
    std::fs::remove_file(project.at("linked")).expect("removed");
    std::fs::create_dir(project.at("real")).expect("made");
    std::os::unix::fs::symlink("real", project.at("linked")).expect("linked");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      good  never built
built      good  [TIME]
start      out   never built
built      out  [TIME]
2 built in [TIME]

"#]],
    );
    assert_eq!(project.read("real/deeper/out.txt"), "out\n");
}

#[test]
fn every_mistake_is_told_at_once() {
    let project = project(
        r#"
[target.a]
run = "cat {{inputs}} > {{output}}"
inputs = ["goood", "b"]
output = "/abs.txt"
colour = "red"

[target.b]
run = "cat {{inputs}} {{sclae}}"
inputs = ["a"]
output = "good.txt"
"#,
    );
    told(
        &project,
        str![[r#"
error: unknown artifact `goood`
  --> Atsaffile:7:11
 7 | inputs = ["goood", "b"]
   |           ^^^^^^^
  help: did you mean `good`?
error: the path of the artifact `a` leads out of the project
  --> Atsaffile:8:10
 8 | output = "/abs.txt"
   |          ^^^^^^^^^^
  help: artifacts lie in the project: write a path relative to the Atsaffile, without `..`
error: unknown key `colour` in the target `a`
  --> Atsaffile:9:1
 9 | colour = "red"
   | ^^^^^^
  note: keys: uses, run, each, inputs, outputs, output, params, with, env, secrets, secrets_in_output, after, retries, retry_delay, timeout, max_age, every, probe, pool, threads, memory, effect, direct, cache, temp, resume, discover, shell, cwd, metrics, desc
error: unknown parameter `sclae`
   --> Atsaffile:12:25
 12 | run = "cat {{inputs}} {{sclae}}"
    |                         ^^^^^
  note: parameters: input, inputs, output, inputs_file, params_file, depfile, threads
  help: a parameter is declared in `[params]`
error: two targets write `good.txt`
   --> Atsaffile:3:10
  3 | output = "good.txt"
    |          ^^^^^^^^^^ by `good`
   --> Atsaffile:14:10
 14 | output = "good.txt"
    |          ^^^^^^^^^^ and by `b`
  help: give each artifact a path of its own
error: targets need each other in a circle
   --> Atsaffile:13:11
 13 | inputs = ["a"]
    |           ^^^ `b` reads from `a`
   --> Atsaffile:7:20
  7 | inputs = ["goood", "b"]
    |                    ^^^ `a` reads from `b`
  note: a -> b -> a
  help: take one of these away

"#]],
    );
}

#[test]
fn a_file_that_is_no_toml_is_shown_where_it_breaks() {
    told(
        &project("[target.a\nrun = 1"),
        str![[r#"
error: this is not TOML: unclosed table, expected `]`
  --> Atsaffile:4:10
 4 | [target.a
   |          ^
  help: see https://toml.io/en/v1.0.0 for how it is written

"#]],
    );
}

#[test]
fn a_goal_that_means_nothing_is_told_with_a_name_close_to_it() {
    let project = project("");
    project.build("goood").is(
        2,
        str![[r#"
error: no target, artifact or alias is named `goood`
  help: did you mean `good`?

"#]],
    );
    project.build("good nothing").is(
        2,
        str![[r#"
error: no target, artifact or alias is named `nothing`
  help: `atsaf list` shows all names

"#]],
    );
    assert_eq!(project.ran(), "");
}
