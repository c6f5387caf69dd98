//! Inputs that move while a build runs, and words of a command that the command writes itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::project::{Project, until};

/// A target whose command waits until a test has edited, reads, and waits until the test has edited back. On its second
/// run it finds both done.
fn waits(reads: &str, declared: &str) -> Project {
    let wait = |name: &str| format!("until [ -e ../{name} ]; do sleep 0.01; done");
    let (edited, back) = (wait("edited"), wait("back"));
    Project::new(&format!(
        "[target.t]\nrun = \"echo t >> ../ran; touch ../started; {edited}; {reads} > {{{{output}}}}; touch ../read; \
         {back}\"\n{declared}\noutput = \"out\"\n"
    ))
}

/// Something that a user does to a project.
type Edit<'a> = &'a dyn Fn(&Project);

/// Builds; does `edit` before the command reads, and `back` before it ends.
fn edited_and_back(project: &Project, edit: Edit<'_>, back: Edit<'_>) {
    edited_and_back_in(project, "build -j1", edit, back);
}

/// As [`edited_and_back`], with the words of the build.
fn edited_and_back_in(project: &Project, build: &str, edit: Edit<'_>, back: Edit<'_>) {
    let running = project.start(build);
    until("a command that waits", || project.at("../started").exists());
    edit(project);
    project.write("../edited", "");
    until("a command that has read", || project.at("../read").exists());
    back(project);
    project.write("../back", "");
    running.collect().ok();
}

#[test]
fn what_moves_between_the_plan_and_the_first_turn_is_seen_for_all_that_reads_it() {
    let project = Project::new(
        "[target.a]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"in.txt\"]\noutput = \"out/a\"\n\n\
         [target.z]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"in.txt\"]\noutput = \"out/z\"\n",
    );
    project.write("in.txt", "one\n");
    project.build("-q").ok();
    project.write("in.txt", "two\n");
    project.build("-q a").ok();
    // `z` alone is to be built; its build waits behind this lock, with its plan made.
    let begin = fs::File::open(project.at(".atsaf/v1/locks/begin")).expect("opened");
    begin.lock().expect("locked");
    let running = project.start("build -q");
    std::thread::sleep(Duration::from_millis(700));
    project.write("in.txt", "one\n");
    begin.unlock().expect("unlocked");
    running.collect().ok();
    assert_eq!(project.read("out/z"), "one\n");
    assert_eq!(project.read("out/a"), "one\n");
}

/// Moves a file over another.
fn rename(project: &Project, from: &str, to: &str) {
    #[expect(clippy::disallowed_methods, reason = "a user of the project")]
    fs::rename(project.at(from), project.at(to)).expect("renamed");
}

#[test]
fn a_source_that_is_edited_and_edited_back_while_it_is_read_is_read_again() {
    let edits: [(&str, Edit<'_>, Edit<'_>); 4] = [
        ("in place", &|it| it.write("src", "B"), &|it| it.write("src", "A")),
        (
            "with its time put back",
            &|it| {
                let at = it.at("src");
                let before = at.metadata().and_then(|it| it.modified()).expect("there");
                it.write("src", "B");
                let file = fs::File::options().write(true).open(at).expect("opened");
                file.set_modified(before).expect("set");
            },
            &|it| {
                let at = it.at("src");
                let before = at.metadata().and_then(|it| it.modified()).expect("there");
                it.write("src", "A");
                let file = fs::File::options().write(true).open(at).expect("opened");
                file.set_modified(before).expect("set");
            },
        ),
        (
            "by renaming",
            &|it| {
                rename(it, "src", "kept");
                it.write("src", "B");
            },
            &|it| rename(it, "kept", "src"),
        ),
        (
            "removed and made again",
            &|it| {
                it.remove("src");
                it.write("src", "B");
            },
            &|it| {
                it.remove("src");
                it.write("src", "A");
            },
        ),
    ];
    for (how, edit, back) in edits {
        let project = waits("cat src", "inputs = [\"./src\"]");
        project.write("src", "A");
        edited_and_back(&project, edit, back);
        assert_eq!(project.read("out"), "A", "{how}");
        assert_eq!(project.ran(), "t t", "{how}");
        project.build("").ok();
        assert_eq!(project.ran(), "", "{how}");
    }
}

#[test]
fn a_directory_that_is_moved_away_and_back_is_read_again() {
    let project = waits("cat data/src", "inputs = [\"data/src\"]");
    project.write("data/src", "A");
    edited_and_back(
        &project,
        &|it| {
            rename(it, "data", "kept");
            it.write("data/src", "B");
        },
        &|it| {
            it.remove("data");
            rename(it, "kept", "data");
        },
    );
    assert_eq!(project.read("out"), "A");
}

#[test]
fn a_link_that_leads_elsewhere_for_a_while_is_read_again() {
    let project = waits("cat link", "inputs = [\"./link\"]");
    project.write("one", "A");
    project.write("two", "B");
    let lead = |it: &Project, to: &str| {
        let _ = fs::remove_file(it.at("link"));
        std::os::unix::fs::symlink(to, it.at("link")).expect("linked");
    };
    lead(&project, "one");
    edited_and_back(&project, &|it| lead(it, "two"), &|it| lead(it, "one"));
    assert_eq!(project.read("out"), "A");
}

#[test]
fn a_directory_in_which_something_was_for_a_while_is_read_again() {
    for (edit, back) in [("B", Some("A")), ("new", None)] {
        let project = waits("cat d/*", "inputs = [\"d/\"]");
        project.write("d/a", "A");
        let name = if back.is_some() { "d/a" } else { "d/b" };
        edited_and_back(&project, &|it| it.write(name, edit), &|it| match back {
            Some(text) => it.write(name, text),
            None => it.remove(name),
        });
        assert_eq!(project.read("out"), "A");
        assert_eq!(project.ran(), "t t");
    }
}

#[test]
fn a_directory_with_a_link_in_which_something_was_for_a_while_is_read_again() {
    for (reads, lead) in [
        ("cat d/[ab]", "a"),
        ("cat d/[ab]", "../beside"),
        ("cat d/link/[ab]", "../tree"),
    ] {
        for elsewhere in [false, true] {
            let project = waits(reads, "inputs = [\"d/\"]");
            project.write("d/a", "A");
            project.write("beside", "A");
            project.write("tree/a", "A");
            std::os::unix::fs::symlink(lead, project.at("d/link")).expect("linked");
            let name = if lead == "../tree" { "tree/b" } else { "d/b" };
            let here = project.at("").display().to_string();
            let build = match elsewhere {
                false => "build -j1".to_owned(),
                true => format!("build -j1 -C {here}"),
            };
            edited_and_back_in(&project, &build, &|it| it.write(name, "new"), &|it| it.remove(name));
            assert_eq!(project.read("out"), "A", "{lead}, {build}");
            assert_eq!(project.ran(), "t t", "{lead}, {build}");
        }
    }
}

#[test]
fn a_command_that_keeps_a_file_of_its_own_in_a_source_for_a_while_is_not_stuck() {
    let project = Project::new(
        "[target.t]\nrun = \"echo t >> ../ran; touch d/tmp; cat d/a > {{output}}; rm d/tmp\"\ninputs = [\"d/\"]\noutput = \
         \"out\"\n",
    );
    project.write("d/a", "A");
    project.build("").ok();
    // Once more, since it could have been somebody else's file.
    assert_eq!((project.read("out").as_str(), project.ran().as_str()), ("A", "t t"));
    project.build("").ok();
    assert_eq!(project.ran(), "");
}

#[test]
fn a_file_that_a_command_writes_among_its_sources_is_named_and_may_be_taken_out() {
    let project = Project::new(
        "[target.t]\nrun = \"cat d/a > {{output}}; date +%N > d/new; mv d/new d/cache\"\ninputs = [\"d/\"]\noutput = \
         \"out\"\n",
    );
    project.write("d/a", "A");
    let told = project.build("");
    told.exits(1);
    told.has("`d` was changed again and again while it was being read");
    told.has("it was `d/cache` that moved");
    told.has("take it out: `\"!d/cache\"` in `inputs`");
    project.edit("Atsaffile", "[\"d/\"]", "[\"d/\", \"!d/cache\"]");
    project.build("").ok();
    project.build("-B").ok();
    assert_eq!(project.read("out"), "A");
}

#[test]
fn what_python_caches_beside_its_sources_is_no_edit() {
    let project = waits("cat d/a.py", "inputs = [\"d/\"]");
    project.write("d/a.py", "A");
    edited_and_back(&project, &|it| it.write("d/__pycache__/a.pyc", "cached"), &|_| {});
    assert_eq!(project.ran(), "t");
}

#[test]
fn an_artifact_that_is_edited_and_edited_back_is_read_again() {
    let project = waits("cat {{input.a}}", "inputs = [\"a\"]");
    let text = project.read("Atsaffile");
    let maker = "[target.a]\nrun = \"printf A > {{output}}\"\noutputs = { a = \"a.txt\" }\n";
    project.write("Atsaffile", format!("{maker}{text}"));
    edited_and_back(&project, &|it| it.write("a.txt", "B"), &|it| it.write("a.txt", "A"));
    assert_eq!(project.read("out"), "A");
    assert_eq!(project.ran(), "t t");
}

#[test]
fn a_script_that_is_edited_while_it_waits_is_run_again() {
    for back in [Some("printf A\n"), None] {
        let project = waits("sh tool.sh", "");
        project.write("tool.sh", "printf A\n");
        edited_and_back(&project, &|it| it.write("tool.sh", "printf B\n"), &|it| {
            if let Some(back) = back {
                it.write("tool.sh", back);
            }
        });
        assert_eq!(project.read("out"), if back.is_some() { "A" } else { "B" });
        project.build("").ok();
        assert_eq!(project.read("out"), if back.is_some() { "A" } else { "B" });
    }
}

#[test]
fn a_word_that_may_be_written_and_is_edited_and_edited_back_is_read_again() {
    let project = waits("sh tool.sh src.txt", "");
    project.write("tool.sh", "cat $1\n");
    project.write("src.txt", "A");
    edited_and_back(&project, &|it| it.write("src.txt", "B"), &|it| it.write("src.txt", "A"));
    assert_eq!(project.read("out"), "A");
    assert_eq!(project.ran(), "t t");
    // The command is known by now to leave it alone.
    project.write("src.txt", "C");
    for name in ["started", "edited", "read", "back"] {
        project.remove(&format!("../{name}"));
    }
    edited_and_back(&project, &|_| {}, &|it| it.write("src.txt", "D"));
    assert_eq!(project.read("out"), "D");
}

#[test]
fn a_word_that_is_written_as_it_was_does_not_stop_the_build() {
    let project = Project::new("[target.t]\nrun = \"sh make.sh; cp mid.txt {{output}}\"\noutput = \"out\"\n");
    project.write("make.sh", "echo same > mid.txt\n");
    project.write("mid.txt", "same\n");
    project.build("").ok();
    assert_eq!(project.read("out"), "same\n");
}

#[test]
fn a_word_that_only_readers_name_is_an_input_however_it_moves() {
    let project = waits("cat src.txt", "");
    project.write("src.txt", "A");
    edited_and_back(&project, &|_| {}, &|it| it.write("src.txt", "B"));
    assert_eq!(project.read("out"), "B");
    assert_eq!(project.ran(), "t t");
}

#[test]
fn a_source_that_keeps_moving_is_a_failure_that_names_it() {
    let project = Project::new(
        "[target.t]\nrun = \"echo t >> ../ran; cat src > {{output}}; echo more >> src\"\ninputs = [\"./src\"]\noutput = \
         \"out\"\n",
    );
    project.write("src", "A");
    let told = project.build("");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(told.text.contains("`src` was changed again and again"), "{}", told.text);
    assert!(!project.at("out").exists());
}

/// Six targets, of which one has to run when `n` changes; what its command does beside is in a script.
fn mostly_fresh() -> Project {
    let project = Project::new(
        r#"
[params]
n = 1

[target.t]
run = "echo t >> ../ran; cat src > {{output}}"
inputs = ["./src"]
output = "t.out"

[target.u]
run = "echo u >> ../ran; cat {{input}} > {{output}}"
inputs = ["t"]
output = "u.out"

[target.v]
run = "echo v >> ../ran; cat other > {{output}}"
output = "v.out"

[target.x]
run = "echo x >> ../ran; echo > {{output}}"
output = "x.out"

[target.y]
run = "echo y >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["w", "x"]
output = "y.out"

[target.w]
run = "echo w >> ../ran; sh ../beside; echo {{n}} > {{output}}"
output = "w.out"
"#,
    );
    project.write("src", "old\n");
    project.write("other", "old\n");
    project.write("../beside", "");
    project.build("").ok();
    project.ran();
    project
}

#[test]
fn what_moves_while_little_of_the_build_runs_is_seen_at_its_end() {
    let moves = [
        ("", "w y", "old\n"),
        ("echo new > src", "w y t u", "new\n"),
        ("echo new > src; echo new > other", "w y t u v", "new\n"),
        ("touch src t.out x.out", "w y", "old\n"),
        ("echo new > t.out", "w y", "old\n"),
        ("rm t.out", "w y", "old\n"),
        ("rm u.out; mkdir u.out", "w y", "old\n"),
        ("echo new > x.out", "w y", "old\n"),
        ("echo new > src; echo w >> w.out", "w y t u", "new\n"),
    ];
    for (beside, ran, result) in moves {
        let project = mostly_fresh();
        project.write("../beside", beside);
        project.build("-s n=2").ok();
        let sorted = |ran: &str| {
            let mut all: Vec<String> = ran.split_whitespace().map(str::to_owned).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&project.ran()), sorted(ran), "{beside}");
        assert_eq!(project.read("u.out"), result, "{beside}");
        project.build("-s n=2").has("nothing to do");
        // And from nothing it is the same.
        let built = project.files();
        project.build("-s n=2 --force").ok();
        assert_eq!(project.files(), built, "{beside}");
    }
}

#[test]
fn a_source_that_goes_while_little_of_the_build_runs_is_missed_at_its_end() {
    let project = mostly_fresh();
    project.write("../beside", "rm src");
    let told = project.build("-s n=2");
    told.has("`src` does not exist, and no target makes it");
    assert_eq!(project.ran(), "w y");
    project.write("src", "new\n");
    project.build("-s n=2").ok();
    assert_eq!(
        (project.ran().as_str(), project.read("u.out").as_str()),
        ("t u", "new\n")
    );
}

#[test]
fn a_file_that_joins_a_glob_while_the_build_runs_is_read_before_it_ends() {
    let project = Project::new(
        r#"
[target.t]
run = "echo t >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["d/*.txt"]
output = "out"

[target.w]
run = "echo w >> ../ran; echo new > d/b.txt; echo w > {{output}}"
output = "w.out"
after = ["t"]
"#,
    );
    project.write("d/a.txt", "old\n");
    project.build("").ok();
    assert_eq!(project.ran(), "t w t");
    assert_eq!(project.read("out"), "old\nnew\n");
    project.build("").ok();
    assert_eq!(project.ran(), "");
}

#[test]
fn what_a_pattern_matched_an_optional_input_and_a_word_may_go_while_the_build_runs() {
    for (inputs, reads) in [
        ("[\"d/*.txt\"]", "cat d/*.txt"),
        ("[\"d/a.txt\", \"?d/b.txt\"]", "cat d/*.txt"),
        ("[\"d/a.txt\"]", "cat d/a.txt; test ! -e d/b.txt || cat d/b.txt"),
    ] {
        let project = waits(&format!("{{ {reads}; }}"), &format!("inputs = {inputs}"));
        project.write("d/a.txt", "one\n");
        project.write("d/b.txt", "two\n");
        edited_and_back(&project, &|it| it.remove("d/b.txt"), &|_| {});
        assert_eq!(project.read("out"), "one\n", "{inputs}");
        assert_eq!(project.ran(), "t t", "{inputs}");
        project.build("").ok();
        assert_eq!(project.ran(), "", "{inputs}");
    }
}

#[test]
fn a_target_that_writes_the_source_of_another_makes_that_one_run_again() {
    let project = Project::new(
        r#"
[target.t]
run = "echo t >> ../ran; cat src > {{output}}"
inputs = ["./src"]
output = "out"

[target.w]
run = "echo w >> ../ran; echo new > src; echo w > {{output}}"
output = "w.out"
after = ["t"]
"#,
    );
    project.write("src", "old\n");
    project.build("").ok();
    assert_eq!(project.ran(), "t w t");
    assert_eq!(project.read("out"), "new\n");
    project.build("").ok();
    assert_eq!(project.ran(), "");
}

#[test]
fn targets_that_write_each_others_sources_without_end_fail_and_are_named() {
    let project = Project::new(
        r#"
[target.t]
run = "echo t >> ../ran; cat src > {{output}}"
inputs = ["./src"]
output = "t.out"

[target.w]
run = "echo w >> ../ran; cp {{inputs}} {{output}}; echo more >> src"
inputs = ["t.out"]
output = "w.out"
"#,
    );
    project.write("src", "old\n");
    let told = project.build("");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(
        told.text.contains("`src` was written while the build ran, by `w`?"),
        "{}",
        told.text
    );
    assert_eq!(project.ran(), "t w t w t w t w");
}

#[test]
fn a_word_that_the_command_makes_is_no_input() {
    let project = Project::new(
        r#"
[target.paper]
run = "echo paper >> ../ran; sh tex.sh && cp paper.pdf {{output}}"
inputs = ["paper.tex"]
output = "out/paper.pdf"
"#,
    );
    // Another file each time, as many programs make it.
    project.write("tex.sh", "cat paper.tex > paper.pdf; echo $$ >> paper.pdf\n");
    project.write("paper.tex", "text\n");
    let told = project.build("");
    told.ok();
    assert!(told.text.contains("\"!paper.pdf\""), "{}", told.text);
    let told = project.build("");
    told.ok();
    assert!(!told.text.contains("paper.pdf"), "said once: {}", told.text);
    assert_eq!(project.ran(), "paper");
    // An edit of a source, and of the script.
    project.write("paper.tex", "more\n");
    project.build("").ok();
    project.edit("tex.sh", "echo", "echo x");
    project.build("").ok();
    project.build("").ok();
    assert_eq!(project.ran(), "paper paper");
    // What was written there in between comes back as it was made.
    project.write("paper.tex", "text\n");
    project.build("").ok();
    project.build("").ok();
    assert_eq!(project.ran(), "paper");
    // It is there from the beginning in a project that has lost its store.
    project.remove(".atsaf");
    project.build("").ok();
    project.build("").ok();
    assert_eq!(project.ran(), "paper");
    // Gone, or somebody else's.
    project.remove("paper.pdf");
    project.build("").ok();
    assert_eq!(project.ran(), "");
}

#[test]
fn a_command_that_changes_a_file_which_it_names_acts_once() {
    let table = [
        ("echo row >> table.db; wc -l < table.db > {{output}}", "a redirection"),
        ("sh add.sh table.db; wc -l < table.db > {{output}}", "a script"),
        ("echo row | tee -a table.db; wc -l < table.db > {{output}}", "tee"),
        ("echo same > table.db; cat table.db > {{output}}", "the same again"),
    ];
    for (run, how) in table {
        let project = Project::new(&format!(
            "[params]\nn = 1\n[target.t]\nrun = \"echo t >> ../ran; : {{{{n}}}}; {run}\"\noutput = \"out\"\n"
        ));
        project.write("add.sh", "echo row >> $1\n");
        project.write("table.db", "row\n");
        project.build("").ok();
        project.build("").ok();
        assert_eq!(project.ran(), "t", "{how}");
        project.build("-s n=2").ok();
        project.build("-s n=2").ok();
        assert_eq!(project.ran(), "t", "{how}");
    }
}

#[test]
fn a_written_word_that_somebody_else_changes_is_an_input_again() {
    let project = Project::new(
        "[target.t]\nrun = \"echo t >> ../ran; sh add.sh table.db; cp table.db {{output}}\"\noutput = \"out\"\n",
    );
    project.write("add.sh", "[ -s $1 ] || echo row >> $1\n");
    project.write("table.db", "");
    project.build("").ok();
    project.write("table.db", "mine\n");
    project.build("").ok();
    assert_eq!(project.ran(), "t t");
    assert_eq!(project.read("out"), "mine\n");
    project.build("").ok();
    assert_eq!(project.ran(), "");
}

#[test]
fn a_command_that_sets_the_permissions_of_its_script_is_not_stuck() {
    let project = Project::new("[target.t]\nrun = \"chmod +x tool.sh; ./tool.sh > {{output}}\"\noutput = \"out\"\n");
    project.write("tool.sh", "#!/bin/sh\necho hi\n");
    project.build("").ok();
    assert_eq!(project.read("out"), "hi\n");
    let told = project.build("");
    told.ok();
    assert!(!told.text.contains("built"), "{}", told.text);
}

#[test]
fn a_file_from_the_future_is_read_once() {
    let project =
        Project::new("[target.t]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"./big\"]\noutput = \"out\"\n");
    project.write("big", "text");
    let status = Command::new("touch")
        .args(["-d", "2099-01-01"])
        .arg(project.at("big"))
        .status();
    assert!(status.expect("touch").success());
    project.build("").ok();
    project.build("").ok();
    // Once its digest is known it need not be opened: as another file system's clock, so no test by time.
    let index = |project: &Project| fs::read(project.at(".atsaf/v1/index")).expect("read");
    let name = |bytes: &[u8]| bytes.windows(3).any(|window| window == b"big");
    assert!(name(&index(&project)), "its digest is remembered");
    assert!(Path::new(&project.at("out")).exists());
}
