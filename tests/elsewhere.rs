//! A store on another file system than the project, as where `.atsaf` is a link to a larger disk.
//!
//! Projects of tests lie in memory where there is such a place, and the store on a disk; where both are one, these
//! tests show that a link to the store does no harm.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::project::{Project, Told, until};

const MIXED: &str = r#"
[params]
word = "one"
fail = 0

[target.file]
run = "echo {{word}} > {{output}}; exit {{fail}}"
output = "out/file.txt"

[target.dir]
run = "echo {{word}} > {{output}}/x; ln -s x {{output}}/link; exit {{fail}}"
output = "out/dir/"

[target.direct]
run = "mkdir -p out/direct; echo {{word}} > out/direct/x; touch ../begun; test -e ../go || sleep 60; exit {{fail}}"
output = "out/direct/"
direct = true
"#;

const ARTIFACTS: [&str; 3] = ["out/file.txt", "out/dir/x", "out/direct/x"];

fn mixed() -> (Project, tempfile::TempDir) {
    let project = Project::new(MIXED);
    let disk = tempfile::tempdir().expect("a temporary directory");
    symlink(disk.path(), project.at(".atsaf")).expect("linked");
    project.write("../go", "");
    project.build("").ok();
    (project, disk)
}

#[track_caller]
fn all_say(project: &Project, word: &str) {
    for path in ARTIFACTS {
        assert_eq!(project.read(path), format!("{word}\n"), "{path}");
    }
}

/// Everything beside the artifacts that lies in the project.
fn beside(project: &Project) -> Vec<String> {
    let names = [project.at("out"), project.at(".")].into_iter().flat_map(|dir| {
        let entries = fs::read_dir(dir).expect("read").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
    });
    names.filter(|name| name.starts_with(".atsaf-")).collect()
}

#[test]
fn artifacts_are_replaced_restored_and_kept_as_on_one_file_system() {
    let (project, _disk) = mixed();
    all_say(&project, "one");
    project.build("-s word=two").ok();
    all_say(&project, "two");
    project.build("").ok();
    all_say(&project, "one");
    let failed = project.build("-k -s word=three -s fail=1");
    assert_eq!(failed.code, Some(1), "{}", failed.text);
    all_say(&project, "one");
    let left = project.at(".atsaf/v1/outputs");
    let files = walkdir::WalkDir::new(left).into_iter().flatten();
    let is_command = |path: &std::path::Path| path.extension().is_some_and(|it| it == "command");
    let files = files.filter(|entry| entry.file_type().is_file() && !is_command(entry.path()));
    assert_eq!(files.count(), 3, "what the failed attempts wrote");
    assert_eq!(beside(&project), [""; 0]);
}

#[test]
fn what_somebody_put_in_an_artifacts_place_is_kept() {
    let (project, disk) = mixed();
    for path in ARTIFACTS {
        project.write(path, "mine\n");
    }
    project.build("").ok();
    all_say(&project, "one");
    let kept = walkdir::WalkDir::new(disk.path().join("displaced"))
        .into_iter()
        .flatten();
    let kept: Vec<String> = kept
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| fs::read_to_string(entry.path()).expect("text"))
        .collect();
    assert_eq!(kept, ["mine\n"; 3]);
    assert_eq!(beside(&project), [""; 0]);
}

#[test]
fn a_killed_build_leaves_nothing_that_the_next_one_does_not_clear_away() {
    let (project, _disk) = mixed();
    project.remove("../go");
    project.remove("../begun");
    let child = project.start("build direct -s word=two");
    until("the command has begun", || project.at("../begun").exists());
    child.kill();
    for id in project.running("sleep 60") {
        crate::project::kill(id, "KILL");
    }
    project.write("../go", "");
    project.build("").ok();
    all_say(&project, "one");
    assert_eq!(beside(&project), [""; 0]);
}

/// Runs a script in the project's directory that may mount what it likes, `$ATSAF` being the program; `None` where nobody may,
/// or where it ends with code 77 since something cannot be mounted here.
fn with_own_mounts(project: &Project, script: &str) -> Option<Told> {
    let unshare = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("--mount").args(words);
        command
    };
    if !unshare(&["true"]).output().is_ok_and(|it| it.status.success()) {
        return None;
    }
    let mut command = unshare(&["sh", "-euc", script]);
    for (name, value) in project.command("").get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
        .env("ATSAF", env!("CARGO_BIN_EXE_atsaf"))
        .current_dir(project.at(""));
    let told = Told::of(&mut command);
    (told.code != Some(77)).then_some(told)
}

#[test]
fn artifacts_lie_in_a_volume_of_the_same_file_system() {
    let project = Project::new(MIXED);
    project.write("../go", "");
    let told = with_own_mounts(
        &project,
        "mkdir -p ../volume out; mount --bind ../volume out || exit 77
         for word in one two one; do $ATSAF build -s word=$word; cat out/file.txt out/dir/x out/direct/x; done
         echo mine > out/file.txt; $ATSAF build; cat out/file.txt; ls -A out; $ATSAF clean",
    );
    let Some(told) = told else { return };
    told.ok();
    told.has("one\none\none\n");
    told.has("two\ntwo\ntwo\n");
    told.has("dir\ndirect\nfile.txt\n");
    assert_eq!(project.displaced(), ["mine\n"]);
    let left = fs::read_dir(project.at("../volume")).expect("read").count();
    assert_eq!(left, 0, "{}", told.text);
}

#[test]
fn a_directory_of_a_containers_image_is_replaced_and_removed() {
    let project = Project::new(MIXED);
    project.write("../go", "");
    project.build("").ok();
    project.write("out/dir/mine", "mine");
    let told = with_own_mounts(
        &project,
        "mkdir ../upper ../work ../merged
         mount -t overlay overlay -o lowerdir=$PWD,upperdir=$PWD/../upper,workdir=$PWD/../work ../merged || exit 77
         cd ../merged
         $ATSAF build -s word=two; cat out/file.txt out/dir/x out/direct/x; cat .atsaf/displaced/*/out/dir/mine; echo
         $ATSAF build; cat out/file.txt out/dir/x out/direct/x; $ATSAF build; $ATSAF clean
         for name in file.txt dir direct; do test ! -e out/$name; done",
    );
    let Some(told) = told else { return };
    told.ok();
    told.has("two\ntwo\ntwo\nmine\n");
    told.has("one\none\none\n");
    told.has("nothing to do");
}
