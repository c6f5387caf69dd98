//! What runs, comes back from the store or stays in place after one change.

use std::fs::{self, File};
use std::time::Duration;

use snapbox::str;

use crate::project::Project;

/// Four targets: `clean`; `fit` with two artifacts, made by a script; and one reader of each of the two, in one order.
const PIPELINE: &str = r#"
[params]
rows = 3
scale = 2
unit = "kW"

[target.clean]
run = "echo clean >> ../ran; head -n {{rows}} {{inputs}} | sort > {{output}}"
inputs = ["raw.csv"]
output = "data/clean.csv"

[target.fit]
run = "echo fit >> ../ran; sh fit.sh {{scale}} {{input.clean}} {{output.model}} {{output.size}}"
inputs = ["clean"]
outputs = { model = "out/model.txt", size = "out/size.txt" }

[target.report]
run = "echo report >> ../ran; cat {{inputs}} > {{output}}; echo {{unit}} >> {{output}}"
inputs = ["model"]
output = "out/report.txt"

[target.count]
run = "echo count >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["size"]
output = "out/count.txt"
after = ["report"]
"#;

fn pipeline() -> Project {
    let project = Project::new(PIPELINE);
    project.write("raw.csv", "c\nb\na\nd\n");
    project.write("fit.sh", "echo $1 | cat - $2 > $3\nwc -l < $2 > $4\n");
    project.build("").ok();
    assert_eq!(project.ran(), "clean fit report count");
    project
}

#[test]
fn a_first_build_makes_everything_and_a_second_one_nothing() {
    let project = Project::new(PIPELINE);
    project.write("raw.csv", "c\nb\na\nd\n");
    project.write("fit.sh", "echo $1 | cat - $2 > $3\nwc -l < $2 > $4\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 4 targets to look at, 0 fresh
start      clean   never built
built      clean  [TIME]
start      fit     never built
built      fit  [TIME]
start      report  never built
built      report  [TIME]
start      count   never built
built      count  [TIME]
4 built in [TIME]

"#]],
    );
    assert_eq!(project.read("out/report.txt"), "2\na\nb\nc\nkW\n");
    let files = project.files();
    // Of files that were written just before the first build, the second one keeps the seal.
    let store = || {
        let mut store = project.store();
        store.retain(|path, _| !path.starts_with("v1/seals/"));
        store
    };
    let before = store();
    project.ran();
    project.build("").is(
        0,
        str![[r#"
nothing to do: 4 targets are fresh

"#]],
    );
    assert_eq!(project.ran(), "");
    assert_eq!(project.files(), files);
    assert!(store() == before, "a build with nothing to do writes nothing else");
}

#[test]
fn a_changed_parameter_runs_its_users_and_turned_back_restores_them() {
    let project = pipeline();
    let files = project.files();
    project.edit("Atsaffile", "scale = 2", "scale = 5");
    project.atsaf("why report").is(
        0,
        str![[r#"
report is undecided: it runs if what it reads comes out different
  model     is made by fit, which must run
            because scale 2 -> 5 (Atsaffile:4)
same as in run [RUN] ([TIME] ago, [TIME]): unit
first       fit                         about [TIME] in all
kept        clean

"#]],
    );
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 3 targets to look at, 1 fresh
start      fit     scale 2 -> 5
built      fit  [TIME], unchanged: size
start      report  model content [CONTENT] -> [CONTENT]
built      report  [TIME]
fresh      count   nothing that it depends on changed
2 built, 2 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "fit report");
    project.edit("Atsaffile", "scale = 5", "scale = 2");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 2 fresh
restored   fit     from run [RUN] ([TIME] ago); scale 5 -> 2
restored   report  from run [RUN] ([TIME] ago); model content [CONTENT] -> [CONTENT]
2 restored, 2 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "");
    assert_eq!(project.files(), files);
    project.atsaf("status").is(
        0,
        str![[r#"
fresh  clean   built [TIME] ago
fresh  fit     built [TIME] ago, restored [TIME] ago
fresh  report  built [TIME] ago, restored [TIME] ago
fresh  count   built [TIME] ago

"#]],
    );
}

#[test]
fn a_value_of_the_command_line_counts_for_its_build_alone() {
    let project = pipeline();
    project.build("-s unit=MW").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 3 fresh
start      report  unit "kW" -> "MW"
built      report  [TIME]
1 built, 3 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "report");
    project.atsaf("plan").is(
        0,
        str![[r#"
restore  report  unit "MW" -> "kW"  Atsaffile:5
            from run [RUN] ([TIME] ago)
keep     clean, fit, count
1 to restore, 3 kept

"#]],
    );
    project.build("").ok();
    assert_eq!(project.ran(), "", "restored");
    assert_eq!(project.read("out/report.txt"), "2\na\nb\nc\nkW\n");
}

#[test]
fn comments_order_and_layout_of_the_atsaffile_mean_nothing() {
    let project = pipeline();
    let (params, targets) = PIPELINE.split_once("[target.clean]").expect("targets");
    let text = format!("# a comment\n[target.clean]{targets}\n\n# the values\n{params}");
    project.write("Atsaffile", text.replace("rows = 3", "rows   =   3   # at the most"));
    project.build("").is(
        0,
        str![[r#"
nothing to do: 4 targets are fresh

"#]],
    );
    assert_eq!(project.ran(), "");
}

#[test]
fn a_touched_source_runs_nothing() {
    let project = pipeline();
    let file = File::options().write(true).open(project.at("raw.csv")).expect("opened");
    let later = fs::metadata(project.at("raw.csv"))
        .and_then(|it| it.modified())
        .expect("a time")
        + Duration::from_mins(1);
    file.set_modified(later).expect("touched");
    project.build("").is(
        0,
        str![[r#"
nothing to do: 4 targets are fresh

"#]],
    );
    assert_eq!(project.ran(), "");
}

#[test]
fn an_edit_of_the_same_size_in_the_same_tick_with_its_time_set_back_is_seen() {
    let project = Project::new(PIPELINE);
    project.write("fit.sh", "echo $1 | cat - $2 > $3\nwc -l < $2 > $4\n");
    for _ in 0..5 {
        project.write("raw.csv", "c\nb\na\nd\n");
        project.build("").ok();
        let modified = fs::metadata(project.at("raw.csv"))
            .and_then(|it| it.modified())
            .expect("a time");
        project.write("raw.csv", "x\nb\na\nd\n");
        let file = File::options().write(true).open(project.at("raw.csv")).expect("opened");
        file.set_modified(modified).expect("set back");
        project.build("").ok();
        assert_eq!(project.read("data/clean.csv"), "a\nb\nx\n");
    }
}

#[test]
fn a_source_whose_change_does_not_matter_stops_at_the_first_target() {
    let project = pipeline();
    project.write("raw.csv", "c\na\nb\nd\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 4 targets to look at, 0 fresh
start      clean   raw.csv content [CONTENT] -> [CONTENT]
unchanged  clean  [TIME], made the same as before
fresh      fit     nothing that it depends on changed
fresh      report  nothing that it depends on changed
fresh      count   nothing that it depends on changed
1 built, 3 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "clean");
}

#[test]
fn early_cutoff_works_artifact_by_artifact() {
    let project = pipeline();
    project.write("raw.csv", "c\nb\nx\nd\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 4 targets to look at, 0 fresh
start      clean   raw.csv content [CONTENT] -> [CONTENT]
built      clean  [TIME]
start      fit     clean content [CONTENT] -> [CONTENT]
built      fit  [TIME], unchanged: size
start      report  model content [CONTENT] -> [CONTENT]
built      report  [TIME]
fresh      count   nothing that it depends on changed
3 built, 1 fresh in [TIME]

"#]],
    );
    assert_eq!(
        project.ran(),
        "clean fit report",
        "as many rows as before: `count` is fresh"
    );
}

#[test]
fn a_script_that_a_command_names_is_an_input() {
    let project = pipeline();
    project.edit("fit.sh", "echo $1", "echo scale $1");
    project.atsaf("why fit").is(
        0,
        str![[r#"
fit is stale: it must run
  fit.sh    content [CONTENT] -> [CONTENT]  named by the command, Atsaffile:12
            because fit.sh was modified [TIME] ago
same as in run [RUN] ([TIME] ago, [TIME]): clean, scale
then        report, count               about [TIME] in all
kept        clean

"#]],
    );
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 3 targets to look at, 1 fresh
start      fit     fit.sh content [CONTENT] -> [CONTENT]
built      fit  [TIME], unchanged: size
start      report  model content [CONTENT] -> [CONTENT]
built      report  [TIME]
fresh      count   nothing that it depends on changed
2 built, 2 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "fit report");
}

#[test]
fn a_deleted_artifact_comes_back_without_a_run() {
    let project = pipeline();
    let files = project.files();
    project.remove("out/model.txt");
    project.remove("data");
    project.atsaf("status").is(
        0,
        str![[r#"
stale  clean   clean data/clean.csv is missing
stale  fit     model out/model.txt is missing
fresh  report  built [TIME] ago
fresh  count   built [TIME] ago

"#]],
    );
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 2 fresh
restored   clean  from run [RUN] ([TIME] ago); clean data/clean.csv is missing
restored   fit    from run [RUN] ([TIME] ago); model out/model.txt is missing
2 restored, 2 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "");
    assert_eq!(project.files(), files);
}

#[test]
fn an_edited_artifact_is_kept_aside_and_the_built_one_comes_back() {
    let project = pipeline();
    let files = project.files();
    project.write("out/model.txt", "mine\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 3 fresh
warning: `out/model.txt` was not as atsaf left it, and was kept
  note: it is now `.atsaf/displaced/[RUN]/out/model.txt`
restored   fit  from run [RUN] ([TIME] ago); model out/model.txt is not as atsaf left it
1 restored, 3 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "");
    assert_eq!(project.files(), files);
    assert_eq!(project.displaced(), ["mine\n"]);
    project.build("").is(
        0,
        str![[r#"
nothing to do: 4 targets are fresh

"#]],
    );
}

#[test]
fn a_directory_or_a_link_in_an_artifacts_place_is_kept_aside() {
    let project = pipeline();
    let files = project.files();
    project.remove("out/model.txt");
    project.write("out/model.txt/notes", "mine\n");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 3 fresh
warning: `out/model.txt` was not as atsaf left it, and was kept
  note: it is now `.atsaf/displaced/[RUN]/out/model.txt`
restored   fit  from run [RUN] ([TIME] ago); model out/model.txt is not as atsaf left it
1 restored, 3 fresh in [TIME]

"#]],
    );
    assert_eq!(project.displaced(), ["mine\n"]);
    project.write("elsewhere.txt", "mine too\n");
    project.remove("out/size.txt");
    std::os::unix::fs::symlink("../elsewhere.txt", project.at("out/size.txt")).expect("linked");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 3 fresh
warning: `out/size.txt` was not as atsaf left it, and was kept
  note: it is now `.atsaf/displaced/[RUN]/out/size.txt`
restored   fit  from run [RUN] ([TIME] ago); size out/size.txt is not as atsaf left it
1 restored, 3 fresh in [TIME]

"#]],
    );
    assert_eq!(project.read("elsewhere.txt"), "mine too\n");
    project.remove("elsewhere.txt");
    assert_eq!(project.files(), files);
    assert_eq!(project.ran(), "");
}

#[test]
fn another_path_of_an_artifact_runs_the_commands_that_see_it() {
    let project = pipeline();
    project.edit("Atsaffile", "data/clean.csv", "data/tidy.csv");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 4 targets to look at, 0 fresh
start      clean   output file data/clean.csv -> file data/tidy.csv; clean data/tidy.csv is missing
built      clean  [TIME]
start      fit     clean new input; order of the inputs other than before; clean no longer read
unchanged  fit  [TIME], made the same as before
fresh      report  nothing that it depends on changed
fresh      count   nothing that it depends on changed
2 built, 2 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "clean fit", "a command sees the path of its input");
    assert_eq!(
        project.read("data/clean.csv"),
        "a\nb\nc\n",
        "what is no longer declared stays"
    );
}

#[test]
fn the_targets_name_is_not_part_of_its_result_but_of_its_history() {
    let project = pipeline();
    let text = project.read("Atsaffile").replace("[target.count]", "[target.number]");
    project.write("Atsaffile", text.replace("echo count", "echo number"));
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 1 target to look at, 3 fresh
start      number  never built
built      number  [TIME]
1 built, 3 fresh in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "number");
}

#[test]
fn force_runs_the_goals_and_all_they_need_and_twice_leaves_the_same_files() {
    let project = pipeline();
    let files = project.files();
    for _ in 0..2 {
        project.build("--force").ok();
        assert_eq!(project.ran(), "clean fit report count");
        assert_eq!(project.files(), files);
    }
    project.build("--force model").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
start      clean  --force asks for it
unchanged  clean  [TIME], made the same as before
start      fit    --force asks for it
unchanged  fit  [TIME], made the same as before
2 built in [TIME]

"#]],
    );
    assert_eq!(project.ran(), "clean fit");
}

#[test]
fn an_unchanged_artifact_stays_the_very_same_file() {
    use std::os::unix::fs::MetadataExt as _;
    let project = pipeline();
    let inode = |path: &str| fs::metadata(project.at(path)).expect("there").ino();
    let before = inode("data/clean.csv");
    project.build("--force").ok();
    assert_eq!(inode("data/clean.csv"), before);
}

#[test]
fn a_copy_of_the_project_elsewhere_is_as_fresh_as_the_first() {
    let project = pipeline();
    let copy = project.copy();
    copy.build("").is(
        0,
        str![[r#"
nothing to do: 4 targets are fresh

"#]],
    );
    assert_eq!(copy.ran(), "");
}

#[test]
fn a_program_comes_back_as_a_program_and_a_text_as_a_text() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new(
        r#"
[target.text]
run = "echo 'echo hello' > {{output}}"
output = "text.sh"

[target.program]
run = "cp {{inputs}} {{output}}; chmod +x {{output}}"
inputs = ["text"]
output = "program.sh"
"#,
    );
    let is_program = |path| fs::metadata(project.at(path)).expect("there").permissions().mode() & 0o100 != 0;
    project.build("").ok();
    project.remove("text.sh");
    project.remove("program.sh");
    project.build("").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 0 fresh
restored   text     from run [RUN] ([TIME] ago); text text.sh is missing
restored   program  from run [RUN] ([TIME] ago); program program.sh is missing
2 restored in [TIME]

"#]],
    );
    assert_eq!((is_program("text.sh"), is_program("program.sh")), (false, true));
    project.edit("Atsaffile", "> {{output}}\"", "> {{output}}; chmod +x {{output}}\"");
    project.build("text").ok();
    assert!(is_program("text.sh"), "the same bytes, and yet another file");
}
