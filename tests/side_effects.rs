//! Targets that write the sources of others: what is made of them, and who is told.

use crate::project::{Project, has_python, until};

/// A target `w` that writes beside its output, before or after `t` reads `src`.
fn project(writes: &str, first: &str) -> Project {
    let after = |name: &str| match name == first {
        true => String::new(),
        false => format!("after = [\"{first}\"]\n"),
    };
    Project::new(&format!(
        "[target.t]\nrun = \"echo t >> ../ran; cat {{{{inputs}}}} > {{{{output}}}}\"\ninputs = [\"./src\"]\noutput = \
         \"t.out\"\n{}\n[target.w]\nrun = \"echo w >> ../ran; {writes}; echo w > {{{{output}}}}\"\noutput = \
         \"w.out\"\n{}",
        after("t"),
        after("w")
    ))
}

#[test]
fn a_target_that_writes_the_source_of_another_is_named_whichever_comes_first() {
    for (first, ran) in [("w", "w t"), ("t", "t w t")] {
        let project = project("echo new > src", first);
        project.write("src", "old\n");
        let told = project.build("");
        told.ok();
        assert_eq!((project.ran().as_str(), project.read("t.out").as_str()), (ran, "new\n"));
        for part in [
            "warning: `w` writes `src`, which is a source of `t`",
            "[target.w]",
            "declare it as an output of the one that makes it, and name that among the inputs of `t`",
        ] {
            told.has(part);
        }
        assert_eq!(told.text.matches("warning").count(), 1, "{}", told.text);
        let told = project.build("");
        told.ok();
        assert_eq!((project.ran().as_str(), told.text.contains("warning")), ("", false));
        // It says what it said when the build began.
        let told = project.build("-B");
        assert!(!told.text.contains("warning"), "{}", told.text);
    }
}

#[test]
fn a_target_that_may_have_written_the_source_of_another_is_named() {
    let project = project("sh w.sh", "w");
    project.write("src", "old\n");
    project.write("w.sh", "echo more >> src\n");
    let told = project.build("");
    told.ok();
    told.has("warning: `src`, a source of `t`, was changed while `w` ran");
    told.has("if `w` writes it, declare it as its output");
    assert_eq!(project.read("t.out"), "old\nmore\n");
    // Each time that it is so.
    project.build("-B").has("was changed while `w` ran");
    assert_eq!(project.read("t.out"), "old\nmore\nmore\n");
}

#[test]
fn a_file_of_a_source_directory_that_another_target_writes_is_told() {
    let project = project("echo new > src/a", "w");
    project.write("src/a", "old\n");
    project.edit("Atsaffile", "./src", "src/");
    project.edit("Atsaffile", "cat {{inputs}}", "cat {{inputs}}/a");
    project
        .build("")
        .has("`src`, a source of `t`, was changed while `w` ran");
    assert_eq!(project.read("t.out"), "new\n");
}

#[test]
fn of_an_edit_it_is_told_who_ran_and_not_that_they_made_it() {
    let project = project("touch ../started; until [ -e ../go ]; do sleep 0.01; done", "w");
    project.write("src", "old\n");
    let running = project.start("build -j1");
    until("a command that waits", || project.at("../started").exists());
    project.write("src", "new\n");
    project.write("../go", "");
    let told = running.collect();
    told.ok();
    // Whose command was running is all that is known.
    told.has("`src`, a source of `t`, was changed while `w` ran");
    assert!(!told.text.contains("writes `src`"), "{}", told.text);
    assert_eq!(project.read("t.out"), "new\n");
}

#[test]
fn a_source_that_another_target_removed_was_there_when_the_build_began() {
    let project = project("rm src", "w");
    project.write("src", "old\n");
    let told = project.build("");
    told.exits(1);
    told.has("`src` was there when the build began");
}

#[test]
fn clean_says_that_an_effect_acts_again() {
    let project = Project::new(
        "[target.a]\nrun = \"echo row >> ../table; echo done > {{output}}\"\noutput = \"receipt\"\neffect = true\n[target.b]\nrun = \
         \"echo b > {{output}}\"\noutput = \"b\"\n",
    );
    project.build("").ok();
    assert!(!project.atsaf("clean b").text.contains("acts again"));
    project.atsaf("clean").has("and an effect acts again");
    project.build("").ok();
    assert_eq!(project.read("../table"), "row\nrow\n");
}

#[test]
fn what_says_that_it_writes_a_source_of_another_is_run_and_not_restored() {
    let project = project("echo {{v}} > src", "w");
    let text = project.read("Atsaffile");
    project.write("Atsaffile", format!("[params]\nv = 1\n{text}"));
    project.write("src", "old\n");
    for v in ["1", "2", "1"] {
        project.build(&format!("-s v={v}")).ok();
        assert_eq!(project.read("t.out"), format!("{v}\n"));
    }
    // Its reader comes back.
    assert_eq!(project.ran(), "w t w t w");
}

#[test]
fn an_effect_that_writes_what_it_reads_does_not_act_on_and_on() {
    let project = Project::new(
        "[target.a]\nrun = \"sh act.sh; echo done > {{output}}\"\ninputs = [\"./src\"]\noutput = \"receipt\"\neffect = true\n",
    );
    project.write("act.sh", "echo a >> ../ran; echo row >> src\n");
    project.write("src", "row\n");
    let told = project.build("");
    told.exits(1);
    told.has("`src` was written while the build ran, by `a` itself");
    assert_eq!(project.ran(), "a a");
}

#[test]
fn targets_that_use_the_same_file_on_their_way_are_not_stuck() {
    let ran = |project: &Project| project.ran().split_whitespace().count();
    for write in ["sh gen.sh", "sh gen.sh >> x.tmp; echo"] {
        let target = |name: &str| {
            format!(
                "[target.{name}]\nrun = \"echo {name} >> ../ran; rm -f x.tmp; {write} {name}; cp x.tmp {{{{output}}}}\"\noutput = \
                 \"{name}.out\"\n"
            )
        };
        let project = Project::new(&(target("a") + &target("b")));
        project.write("gen.sh", "echo $1 > x.tmp\n");
        project.build("").ok();
        assert_eq!(ran(&project), 2, "{write}");
        project.build("").ok();
        assert_eq!(ran(&project), 0, "{write}");
        project.build("-B").ok();
        assert_eq!(ran(&project), 2, "{write}");
        // Somebody else's change counts, until one of them has written it again.
        project.write("x.tmp", "mine");
        project.atsaf("status --exit-code").exits(3);
        project.build("").ok();
        assert_eq!(ran(&project), 1, "{write}");
    }
}

#[test]
fn a_repetition_has_the_key_of_the_first_time_whatever_the_command_was_seen_to_use() {
    if !has_python() {
        return;
    }
    let project =
        Project::new("[target.send]\nrun = \"python3 send.py > {{output}}\"\noutput = \"receipt\"\neffect = true\n");
    project.write("send.py", "import lib, os\nprint(os.environ['ATSAF_EFFECT_KEY'])\n");
    project.write("lib.py", "x = 1\n");
    project.build("").ok();
    let first = project.read("receipt");
    let again = || {
        project.remove("receipt");
        project.build("").ok();
        project.read("receipt")
    };
    assert_eq!(again(), first);
    project.write("lib.py", "x = 2\n");
    project.build("").ok();
    let second = project.read("receipt");
    assert_ne!(second, first);
    assert_eq!(again(), second);
    project.write("lib.py", "x = 1\n");
    project.build("").ok();
    assert_eq!(project.read("receipt"), first, "back again");
}
