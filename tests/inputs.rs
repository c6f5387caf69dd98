//! What a target reads: names with special characters, what is taken out, absent or ignored; shared names of artifacts;
//! and the shell with what is put into its text.

use std::collections::BTreeMap;

use atsaf::atsaffile::{Overrides, load};
use atsaf::engine::files::Files;
use atsaf::engine::graph::{Graph, TargetId};
use atsaf::fast_map::FastMap;
use snapbox::str;

use crate::project::{Project, Told};

/// A project whose one target lists what it reads.
fn lister(inputs: &str) -> Project {
    Project::new(&format!(
        "[target.t]\nrun = 'printf \"%s\\n\" {{{{inputs}}}} > {{{{output}}}}'\ninputs = {inputs}\noutput = \"out\"\n"
    ))
}

#[test]
fn a_file_of_exactly_that_name_is_meant_whatever_characters_it_has() {
    let project = lister(r#"["a[1].csv", "b{x}.csv", "c*.csv", "d?.csv", "e{1,2}.csv"]"#);
    for name in [
        "a[1].csv",
        "a1.csv",
        "b{x}.csv",
        "c*.csv",
        "c1.csv",
        "d?.csv",
        "d1.csv",
        "e{1,2}.csv",
        "e1.csv",
    ] {
        project.write(name, name);
    }
    project.build("-q").ok();
    assert_eq!(project.read("out"), "a[1].csv\nb{x}.csv\nc*.csv\nd?.csv\ne{1,2}.csv\n");
    project.remove("c*.csv");
    project.build("-q").ok();
    assert_eq!(
        project.read("out"),
        "a[1].csv\nb{x}.csv\nc1.csv\nd?.csv\ne{1,2}.csv\n",
        "without it, the pattern is one"
    );
}

#[test]
fn one_file_by_two_patterns_counts_once() {
    let project = lister(r#"["b*.csv", "*.csv", "a.csv"]"#);
    for name in ["a.csv", "b1.csv", "b2.csv"] {
        project.write(name, name);
    }
    project.build("-q").ok();
    assert_eq!(project.read("out"), "b1.csv\nb2.csv\na.csv\n");
}

#[test]
fn what_is_taken_out_of_a_pattern_is_not_read() {
    let project = lister(r#"["d/**/*.csv", "!d/test.csv", "!d/old", "!d/x[1].csv"]"#);
    for name in ["d/a.csv", "d/test.csv", "d/old/b.csv", "d/x[1].csv", "d/x1.csv"] {
        project.write(name, name);
    }
    project.build("-q").ok();
    assert_eq!(project.read("out"), "d/a.csv\nd/x1.csv\n");
    project.write("d/test.csv", "edited");
    project.atsaf("status --exit-code").ok();
}

#[test]
fn a_directory_is_read_without_what_is_taken_out_and_ignored() {
    let project = lister(r#"["d/", "!d/skip", "!d/*.log", "e/"]"#);
    project.write("d/skip", "");
    project.write("e/f", "");
    let files = Files::new(&project.at(""), FastMap::default());
    let (spec, said) = load(
        "Atsaffile",
        &project.read("Atsaffile"),
        &Overrides::default(),
        &BTreeMap::new(),
    );
    assert_eq!(said, []);
    let graph = Graph::new(spec, &files).unwrap_or_else(|wrong| panic!("{:?}", wrong.1));
    let reads = &graph.node(TargetId(0)).reads;
    let paths: Vec<&str> = reads.iter().map(|read| read.path.as_str()).collect();
    assert_eq!(paths, ["d", "e"]);
    let ignore = graph.ignore_of(&reads[0]);
    for path in ["d/skip", "d/x.log", "d/x.pyc"] {
        assert!(ignore.is_ignored(path, false), "{path}");
    }
    for path in ["d/keep", "e/skip", "d/e/x.log"] {
        assert!(!ignore.is_ignored(path, false), "{path}");
    }
}

#[test]
fn an_artifact_can_be_taken_out_of_a_pattern() {
    let project = Project::new(
        r#"[target.sum]
run = "cat {{inputs}} > {{output}}"
inputs = ["d/*.csv", "!d/sum.csv"]
output = "d/sum.csv"
"#,
    );
    project.write("d/a.csv", "a\n");
    project.build("-q").ok();
    project.atsaf("status --exit-code").ok();
    assert_eq!(project.read("d/sum.csv"), "a\n");
}

#[test]
fn a_word_of_the_command_can_be_taken_out() {
    let project = Project::new(
        "[target.t]\nrun = \"echo t >> ../ran; cat notes.txt script.txt > {{output}}\"\ninputs = [\"!notes.txt\"]\noutput = \"out\"\n",
    );
    project.write("notes.txt", "1");
    project.write("script.txt", "1");
    project.build("-q").ok();
    project.write("notes.txt", "2");
    project.build("-q").ok();
    assert_eq!(project.ran(), "t", "the word is no input");
    project.write("script.txt", "2");
    project.build("-q").ok();
    assert_eq!(project.ran(), "t", "the other one is");
}

#[test]
fn an_input_that_may_be_absent_is_new_when_it_appears() {
    let project = lister(r#"["a.csv", "?extra.csv", "?more/*.csv"]"#);
    project.write("a.csv", "a");
    project.build("-q").ok();
    assert_eq!(project.read("out"), "a.csv\n");
    project.write("extra.csv", "e");
    let why = project.atsaf("why t").text;
    assert!(why.contains("extra.csv") && why.contains("new input"), "{why}");
    project.write("more/m.csv", "m");
    project.build("-q").ok();
    assert_eq!(project.read("out"), "a.csv\nextra.csv\nmore/m.csv\n");
    project.remove("extra.csv");
    project.build("-q").ok();
    assert_eq!(project.read("out"), "a.csv\nmore/m.csv\n");
}

#[test]
fn ignored_names_are_matched_by_no_pattern_and_read_by_their_path() {
    let project = lister(r#"["d/**/*", "d/x.tmp"]"#);
    project.write(
        "Atsaffile",
        "[project]\nignore = [\"*.tmp\", \"old/\"]\n".to_owned() + &project.read("Atsaffile"),
    );
    for name in [
        "a",
        "a~",
        "b.pyc",
        "__pycache__/c",
        "#d#",
        "x.tmp",
        "y.tmp",
        "old/e",
        "f/old",
    ] {
        project.write(&format!("d/{name}"), name);
    }
    project.build("-q").ok();
    assert_eq!(project.read("out"), "d/a\nd/f/old\nd/x.tmp\n");
}

#[test]
fn a_hidden_name_is_matched_where_the_pattern_has_the_dot() {
    let project = lister(r#"["d/*", "d/.x*", ".y/*/.z"]"#);
    for name in ["d/a", "d/.x1", "d/.w", ".y/b/.z", ".y/.c/.z"] {
        project.write(name, name);
    }
    project.build("-q").ok();
    assert_eq!(project.read("out"), "d/a\nd/.x1\n.y/b/.z\n");
}

#[test]
fn a_pattern_of_ignore_is_one() {
    let project = lister(r#"["d/*"]"#);
    project.write(
        "Atsaffile",
        "[project]\nignore = [\"a[\"]\n".to_owned() + &project.read("Atsaffile"),
    );
    project.write("d/a", "a");
    project.atsaf("check").is(
        2,
        str![[r#"
error: `a[` is not a glob: unclosed character class; missing ']'
  --> Atsaffile:2:11
 2 | ignore = ["a["]
   |           ^^^^

"#]],
    );
}

#[test]
fn a_glob_that_matches_nothing_is_an_error_where_a_target_needs_it() {
    let project = Project::new(
        r#"[target.files]
run = "cat {{inputs}} > {{output}}"
inputs = ["dta/*.csv"]
output = "files.txt"

[target.other]
run = "echo other > {{output}}"
output = "other.txt"
"#,
    );
    let expected = str![[r#"
error: the glob `dta/*.csv` matches no file
  --> Atsaffile:3:11
 3 | inputs = ["dta/*.csv"]
   |           ^^^^^^^^^^^ read by `files`
  note: hidden and ignored files are matched by no pattern
  help: put a file there, or correct the pattern; if there may be none, begin it with a `?`

"#]];
    for command in ["build", "plan", "check"] {
        project.atsaf(command).is(2, expected.clone());
    }
    let status = project.atsaf("status");
    assert_eq!(status.code, Some(2), "{}", status.text);
    assert!(
        status.text.contains("the glob `dta/*.csv` matches no file"),
        "{}",
        status.text
    );
    project.build("-q other").ok();
    project.atsaf("plan other").ok();
    let check = project.atsaf("check other");
    assert_eq!(check.code, Some(0), "{}", check.text);
    assert!(check.text.contains("warning: the glob"), "{}", check.text);
    project.edit("Atsaffile", "dta", "?dta");
    project.write("none", "");
    project.edit("Atsaffile", "cat {{inputs}}", "cat none {{inputs}}");
    project.build("-q").ok();
}

#[test]
fn a_text_that_is_an_artifact_and_a_file_is_an_error() {
    let project = Project::new(
        r#"[target.clean]
run = "echo made > {{output}}"
output = "data/clean.csv"

[target.use]
run = "cat {{inputs}} > {{output}}"
inputs = ["clean"]
output = "used"
"#,
    );
    project.build("-q").ok();
    std::fs::create_dir(project.at("clean")).expect("made");
    project.atsaf("check").ok();
    project.remove("clean");
    project.write("clean", "a file\n");
    project.atsaf("check").is(
        2,
        str![[r#"
error: `clean` is the name of an artifact and of a file of the project
  --> Atsaffile:7:11
 7 | inputs = ["clean"]
   |           ^^^^^^^
  --> Atsaffile:3:10
 3 | output = "data/clean.csv"
   |          ^^^^^^^^^^^^^^^^ the artifact, made by `clean`
  help: write `./clean` for the file, or `data/clean.csv` for the artifact

"#]],
    );
    project.edit("Atsaffile", "inputs = [\"clean\"]", "inputs = [\"./clean\"]");
    project.build("-q").ok();
    assert_eq!(project.read("used"), "a file\n");
}

const PAGES: &str = r#"[target.tex]
run = "echo tex > {{output}}"
outputs = { page = "tex.html" }

[target.cal]
run = "echo cal > {{output}}"
outputs = { page = "cal.html" }

[target.both]
run = "cat {{input.tex.page}} {{input.cal.page}} > {{output}}"
inputs = ["tex.page", "cal.page"]
output = "both.html"
"#;

#[test]
fn artifacts_of_one_name_are_known_by_their_targets() {
    let project = Project::new(PAGES);
    project.build("-q both").ok();
    assert_eq!(project.read("both.html"), "tex\ncal\n");
    project.remove("cal.html");
    project.build("-q cal.page").ok();
    assert_eq!(project.read("cal.html"), "cal\n");
    for command in ["build page", "why page", "show page"] {
        project.atsaf(command).is(
            2,
            str![[r#"
error: `page` is made by two targets
  --> Atsaffile:3:20
 3 | outputs = { page = "tex.html" }
   |                    ^^^^^^^^^^ by `tex`
  --> Atsaffile:7:20
 7 | outputs = { page = "cal.html" }
   |                    ^^^^^^^^^^ by `cal`
  help: write `tex.page` or `cal.page`

"#]],
        );
    }
    let shown = project.atsaf("show tex.page");
    assert!(
        shown.code == Some(0) && shown.text.contains("tex.page"),
        "{}",
        shown.text
    );
    let why = project.atsaf("why cal.page");
    assert!(why.code == Some(0) && why.text.contains("cal.page"), "{}", why.text);
    let list = project.atsaf("list both");
    assert!(list.text.contains("cal.page"), "{}", list.text);
    let graph = project.atsaf("graph --format json both").text;
    assert!(graph.contains("\"cal.page\""), "{graph}");
}

#[test]
fn an_artifact_that_a_target_does_not_make_is_told_with_those_that_it_makes() {
    let project = Project::new(
        &PAGES
            .replace("\"cal.page\"]", "\"cal.pgae\"]")
            .replace("input.cal.page", "input.cal.pgae"),
    );
    project.atsaf("check").is(
        2,
        str![[r#"
error: `cal.pgae` does not exist, and no target makes it
   --> Atsaffile:11:23
 11 | inputs = ["tex.page", "cal.pgae"]
    |                       ^^^^^^^^^^ read by `both`
  note: the artifacts of the target `cal`: `cal.page`
  help: put the file there, or name the artifact that is meant

"#]],
    );
}

#[test]
fn a_command_writes_to_its_own_word_for_an_artifact_of_another_name() {
    let project = Project::new(
        r#"[target.tex]
run = "echo tex > {{output.page}}"
outputs = { page = { path = "tex.html", name = "tex_page" } }

[target.use]
run = "cat {{input.tex_page}} > {{output}}"
inputs = ["tex_page"]
output = "used"
"#,
    );
    project.build("-q tex_page").ok();
    let shown = project.atsaf("show tex_page");
    assert!(
        shown.text.contains("tex_page") && shown.text.contains("in run"),
        "{}",
        shown.text
    );
    project.build("-q").ok();
    assert_eq!(project.read("used"), "tex\n");
    project.edit("Atsaffile", "name = \"tex_page\"", "name = \"page_of_tex\"");
    project.edit(
        "Atsaffile",
        "inputs = [\"tex_page\"]",
        "inputs = { tex_page = \"page_of_tex\" }",
    );
    project.atsaf("status --exit-code").ok();
}

fn fails(run: &str, shell: &str) -> bool {
    let project = Project::new(&format!(
        "[target.t]\nrun = '''\n{run}\n'''\n{shell}\noutput = \"out\"\n"
    ));
    project.build("-q").code == Some(1)
}

#[test]
fn a_command_fails_at_a_line_a_part_of_a_pipe_and_a_variable_that_is_not_set() {
    for run in [
        "false | cat > {{output}}",
        "false\necho two > {{output}}",
        "echo $NO_SUCH_VARIABLE > {{output}}",
        "(exit 3); echo > {{output}}",
    ] {
        assert!(fails(run, ""), "{run}");
        assert!(!fails(run, "shell = [\"sh\", \"-c\"]"), "{run}");
    }
    for run in [
        "false || true; echo > {{output}}",
        "if false; then :; fi\necho ${NO_SUCH_VARIABLE:-} > {{output}}",
    ] {
        assert!(!fails(run, ""), "{run}");
    }
}

#[test]
fn a_text_that_asks_how_a_command_ended_gets_the_answer_and_fails_for_all_else() {
    for run in [
        "(exit 3); echo $? > {{output}}",
        "grep -q x /dev/null\ncode=$?\n\necho $code > {{output}}",
    ] {
        let project = Project::new(&format!("[target.t]\nrun = '''\n{run}\n'''\noutput = \"out\"\n"));
        project.build("-q").ok();
        assert_eq!(project.read("out"), if run.contains("grep") { "1\n" } else { "3\n" });
    }
    assert!(fails("(exit 3); echo $NO_SUCH_VARIABLE $? > {{output}}", ""));
    assert!(fails(
        "(exit 3) || true; echo one > {{output}}; (exit $?) | cat; exit 4",
        ""
    ));
    // Where the text does not ask, or asks for what did not fail, nothing changes.
    assert!(fails(
        "(exit 3) && code=0 || code=$?; false; echo $code > {{output}}",
        ""
    ));
}

#[test]
fn another_shell_is_another_command() {
    let project = Project::new("[target.t]\nrun = \"echo t >> ../ran; echo 1 > {{output}}\"\noutput = \"out\"\n");
    project.build("-q").ok();
    project.write(
        "Atsaffile",
        "[project]\nshell = [\"sh\", \"-eu\", \"-c\"]\n".to_owned() + &project.read("Atsaffile"),
    );
    let why = project.atsaf("why t").text;
    assert!(why.contains("bash -euo pipefail -c -> sh -eu -c"), "{why}");
    project.build("-q").ok();
    assert_eq!(project.ran(), "t t");
}

#[test]
fn a_shell_that_is_not_there_is_named_with_another() {
    let project =
        Project::new("[target.t]\nrun = \"echo > {{output}}\"\noutput = \"out\"\nshell = [\"no-such-shell\"]\n");
    let told = project.build("");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(
        told.text.contains("the shell `no-such-shell` was not found"),
        "{}",
        told.text
    );
    assert!(told.text.contains(r#"shell = ["sh", "-eu", "-c"]"#), "{}", told.text);
}

#[test]
fn what_is_too_long_for_a_command_line_arrives_in_a_file() {
    let project = Project::new(
        r#"[params]
names = []
n = 1

[target.t]
run = "echo t >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["d/*"]
output = "out"
"#,
    );
    for number in 0..1500 {
        project.write(&format!("d/{number:04}-{}", "0".repeat(90)), "1\n");
    }
    let told = project.build("");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(told.text.contains("{{inputs_file}}"), "{}", told.text);
    project.edit("Atsaffile", "cat {{inputs}}", "xargs cat < {{inputs_file}}");
    project.build("-q").ok();
    assert_eq!(project.read("out").lines().count(), 1500);
    assert_eq!(project.ran(), "t");
    project.build("-q").ok();
    assert_eq!(project.ran(), "", "the file itself is no input");
    assert!(!project.at(".atsaf/given/t").exists(), "it goes with the attempt");

    let many: Vec<String> = (0..30_000).map(|number| format!("\"{number:06}\"")).collect();
    project.edit("Atsaffile", "names = []", &format!("names = [{}]", many.join(", ")));
    project.edit(
        "Atsaffile",
        "xargs cat < {{inputs_file}} > {{output}}\"",
        "cp {{params_file}} {{output}}\"\nparams = [\"names\", \"n\"]",
    );
    project.build("-q").ok();
    let json: serde_json::Value = serde_json::from_str(&project.read("out")).expect("JSON");
    assert_eq!(
        (json["n"].as_i64(), json["names"][29_999].as_str()),
        (Some(1), Some("029999"))
    );
}

#[test]
fn a_path_that_begins_with_a_dash_is_no_option() {
    let project = Project::new(
        "[target.t]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"*.csv\"]\noutput = \"-o\"\ndirect = true\n",
    );
    project.write("-n.csv", "1\n");
    project.build("-q").ok();
    assert_eq!(project.read("-o"), "1\n");
}

#[test]
fn line_ends_of_another_system_make_nothing_stale() {
    let text = "[target.t]\nrun = \"\"\"\necho one > {{output}}\necho two >> {{output}}\n\"\"\"\noutput = \"out\"\n";
    let project = Project::new(text);
    project.build("-q").ok();
    project.write("Atsaffile", text.replace('\n', "\r\n"));
    project.atsaf("status --exit-code").ok();
    project.build("-q -B").ok();
    assert_eq!(project.read("out"), "one\ntwo\n");
}

#[test]
fn the_same_value_of_the_declared_type_makes_nothing_stale() {
    let project = Project::new(
        "[params]\nv = [1.0, 2.0]\nx = 0.5\nday = 2023-06-01\n[target.t]\nrun = \"echo {{v}} {{x}} {{day}} > {{output}}\"\noutput = \"out\"\n",
    );
    project.build("-q").ok();
    let status = |set: &str, value: &str| {
        let mut command = project.command("status --exit-code -s");
        Told::of(command.arg(format!("{set}={value}"))).code
    };
    for (name, value) in [
        ("v", "[1, 2]"),
        ("v", "1,2"),
        ("x", ".5"),
        ("x", "0.50"),
        ("day", "\"2023-06-01\""),
    ] {
        assert_eq!(status(name, value), Some(0), "{name}={value}");
    }
    assert_eq!(status("x", "5"), Some(3));
}

#[test]
fn a_parameter_that_nothing_reads_is_reported_every_time_also_when_the_spec_is_remembered() {
    let project = Project::new("[params]\nhorizn = 48\n[target.t]\nrun = \"echo > {{output}}\"\noutput = \"out\"\n");
    for command in ["check", "build", "build", "status", "check"] {
        let told = project.atsaf(command);
        assert_eq!(told.code, Some(0), "{}", told.text);
        assert!(
            told.text.contains("warning: nothing reads the parameter `horizn`"),
            "{command}: {}",
            told.text
        );
    }
    assert!(project.at(".atsaf/v1/specs").exists());
}

#[test]
fn a_question_mark_and_brackets_stand_for_one_character_of_any_language() {
    let project = Project::new(
        r#"
[target.t]
run = "cat {{inputs}} > {{output}}"
inputs = ["d/?.csv", "d/x[äöü].csv", "!d/[ß].csv"]
output = "out"
"#,
    );
    for name in ["é", "xö", "ß", "xé", "ab"] {
        project.write(&format!("d/{name}.csv"), format!("{name}\n"));
    }
    project.build("").ok();
    assert_eq!(project.read("out"), "é\nxö\n");
    project.write("d/日.csv", "日\n");
    project.build("").ok();
    assert_eq!(project.read("out"), "é\n日\nxö\n");
}
