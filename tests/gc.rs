//! `atsaf gc`: what is given up, and what never is.

use std::fs;
use std::time::Duration;

use atsaf::engine::clock::now;

use crate::project::Project;

const TURNED: &str = r#"
[params]
v = 0

[target.t]
run = "echo {{v}} > {{output}}; head -c 1000 /dev/zero >> {{output}}"
output = "t.txt"

[target.d]
run = "mkdir {{output}}/sub; cp {{input.t}} {{output}}/sub/t"
inputs = ["t"]
output = "d/"
"#;

/// A project whose parameter was turned through the values 1 to `last`.
fn turned(last: u32) -> Project {
    let project = Project::new(TURNED);
    for value in 1..=last {
        project.build(&format!("-s v={value}")).ok();
    }
    project
}

fn objects(project: &Project) -> usize {
    walkdir::WalkDir::new(project.at(".atsaf/v1/objects"))
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .count()
}

#[test]
fn what_the_last_runs_did_not_make_goes_and_what_is_in_place_stays() {
    let project = turned(4);
    // The first value is in place again: it is old, and needed.
    project.build("-s v=1").ok();
    let before = objects(&project);
    let dry = project.atsaf("gc --keep-runs 2 --dry-run --json");
    dry.ok();
    assert_eq!(objects(&project), before, "a dry run changes nothing");
    project.atsaf("gc --keep-runs 2").ok();
    assert!(objects(&project) < before);
    project.remove("t.txt");
    project.remove("d");
    project.atsaf("plan -s v=1").has("2 to restore");
    project.build("-s v=1").has("2 restored");
    project.atsaf("plan -s v=4").has("2 to restore");
    project.atsaf("plan -s v=2").has("1 to run");
    project.build("-s v=2").ok();
    assert!(project.read("t.txt").starts_with("2\n"));
}

#[test]
fn what_killed_processes_left_half_written_goes_once_it_is_old() {
    let project = turned(1);
    let left = ["clock.4711", "index.4711.new", "seals/aa.4711.new", "specs/bb.4711.new"];
    let put = |age: u64| {
        for name in left {
            let path = project.at(&format!(".atsaf/v1/{name}"));
            fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            let file = fs::File::create(path).expect("made");
            file.set_modified(now() - Duration::from_hours(age)).expect("set");
        }
    };
    let are_there = || left.map(|name| project.at(&format!(".atsaf/v1/{name}")).exists());
    put(0);
    project.atsaf("gc").ok();
    assert_eq!(are_there(), [true; 4], "somebody may be writing");
    put(2);
    project.atsaf("gc --dry-run").ok();
    assert_eq!(are_there(), [true; 4]);
    project.atsaf("gc").ok();
    assert_eq!(are_there(), [false; 4]);
    project.build("-s v=1").has("nothing to do");
}

#[test]
fn the_oldest_results_go_until_the_store_is_small_enough() {
    let project = turned(6);
    project.atsaf("gc --max-size 4KB").has("freed");
    let size: u64 = walkdir::WalkDir::new(project.at(".atsaf/v1/objects"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.metadata().ok().filter(fs::Metadata::is_file))
        .map(|it| it.len())
        .sum();
    assert!(size <= 4000, "{size}");
    project.atsaf("status --exit-code -s v=6").ok();
    project.atsaf("plan -s v=1").has("1 to run");
}

#[test]
fn a_store_without_garbage_stays_as_it_is() {
    let project = turned(1);
    project.atsaf("gc").has("nothing to give up");
    project.atsaf("gc --older-than 1d").has("nothing to give up");
    project.atsaf("gc --older-than soon").exits(2);
    project.atsaf("gc --max-size many").exits(2);
    project.atsaf("status --exit-code -s v=1").ok();
}

#[test]
fn a_torn_copy_and_one_that_nobody_refers_to_go_by_themselves() {
    let project = turned(1);
    let stray = project.at(".atsaf/v1/objects/ab");
    fs::create_dir_all(&stray).expect("made");
    fs::File::create(stray.join("c".repeat(62))).expect("made");
    let before = objects(&project);
    project.atsaf("gc").ok();
    assert_eq!(objects(&project), before - 1);
    assert!(!stray.join("c".repeat(62)).exists());
}

#[test]
fn the_index_does_not_grow_with_the_values_of_a_parameter() {
    let size = |project: &Project| project.at(".atsaf/v1/index").metadata().expect("there").len();
    let project = turned(1);
    let one = size(&project);
    for value in 2..60 {
        project.build(&format!("-s v={value}")).ok();
    }
    // Durations and times are written in as many bytes as they need.
    assert!(size(&project) <= one + 64, "{} after {one}", size(&project));
    project.build("-s v=1").has("2 restored");
}

#[test]
fn what_no_target_makes_any_more_is_removed_with_a_preview_and_what_is_not_atsafs_stays() {
    let project = turned(1);
    project.edit("Atsaffile", "output = \"t.txt\"", "output = \"moved.txt\"");
    project.build("-s v=1").ok();
    project.write("mine.txt", "mine");
    let preview = project.atsaf("clean --orphans --dry-run");
    preview.has("would remove");
    preview.has("t.txt");
    assert!(project.at("t.txt").exists() && !preview.text.contains("moved.txt"));
    project.atsaf("clean --orphans").has("removed 1 artifact");
    assert!(!project.at("t.txt").exists());
    assert!(project.at("moved.txt").exists() && project.at("d/sub/t").exists() && project.at("mine.txt").exists());
    // One that was edited since is somebody's work.
    project.edit("Atsaffile", "output = \"moved.txt\"", "output = \"t.txt\"");
    project.build("-s v=1").ok();
    project.write("moved.txt", "edited");
    project.atsaf("clean --orphans").has("moved.txt");
    assert_eq!(project.read("moved.txt"), "edited");
}

#[test]
fn an_artifact_that_is_a_source_by_now_is_no_orphan() {
    let project = Project::new("[target.a]\nrun = \"echo a > {{output}}\"\noutput = \"x/a.csv\"\ncache = false\n");
    project.build("").ok();
    project.write(
        "Atsaffile",
        "[target.b]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"x/*.csv\"]\noutput = \"b\"\n",
    );
    project.build("").ok();
    project.atsaf("clean --orphans").has("nothing to remove");
    assert_eq!(project.read("x/a.csv"), "a\n");
}

#[test]
fn a_store_in_which_a_link_stands_is_refused_and_nothing_behind_it_is_touched() {
    for name in ["staging", "memo", "objects", "listings", "locks"] {
        let project = turned(1);
        project.write("src/mine", "mine");
        let own = project.at(".atsaf/v1").join(name);
        let _ = fs::remove_dir_all(&own);
        std::os::unix::fs::symlink("../../src", &own).expect("linked");
        for command in ["build -s v=2", "gc --keep-runs 0", "clean"] {
            project.atsaf(command).has("is a link");
        }
        assert_eq!(project.read("src/mine"), "mine", "{name}");
    }
}
