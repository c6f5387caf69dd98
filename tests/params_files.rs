//! `params_files`: which targets a key makes stale, where its values come from, and what is refused.

use crate::project::{Project, until};

/// A pipeline whose scripts read the parameter file themselves, as they do under DVC.
const PIPELINE: &str = r#"
[project]
params_files = ["params.yaml"]

[target.prepare]
run = "echo prepare >> ../ran; grep -A2 prepare: params.yaml > {{output}}"
output = "prepared.txt"
params = ["prepare.split", "prepare.seed"]

[target.train]
run = "echo train >> ../ran; cat {{input.prepare}} - > {{output}} <<< {{train.n_est}}"
inputs = ["prepare"]
output = "model.txt"

[target.all]
run = "echo all >> ../ran; cp {{params_file}} {{output}}"
output = "all.json"
params = ["train", "prepare.seed"]
"#;

const PARAMS: &str =
    "prepare:\n  split: 0.2\n  seed: 1  # of chance\n\ntrain:\n  n_est: 50\n  names: [a, b]\nother: 1\n";

fn pipeline() -> Project {
    let project = Project::new(PIPELINE);
    project.write("params.yaml", PARAMS);
    project
}

#[test]
fn only_targets_that_use_a_key_become_stale_when_it_changes() {
    let project = pipeline();
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["all", "prepare", "train"]);
    assert_eq!(
        project.read("model.txt"),
        "prepare:\n  split: 0.2\n  seed: 1  # of chance\n50\n"
    );
    project.build("").has("nothing to do");
    for (from, to, wanted) in [
        ("n_est: 50", "n_est: 100", "train all"),
        ("split: 0.2", "split: 0.3", "prepare train"),
        ("seed: 1 ", "seed: 2 ", "prepare all train"),
        ("[a, b]", "[a]", "all"),
        ("other: 1", "other: 2", ""),
        ("[a]", "\n  - a", ""),
        ("# of chance", "# chance", ""),
    ] {
        project.edit("params.yaml", from, to);
        project.build("").ok();
        let mut expected: Vec<&str> = wanted.split_whitespace().collect();
        expected.sort_unstable();
        assert_eq!(project.ran_in_any_order(), expected, "{to}");
    }
    project.edit("params.yaml", "n_est: 100", "n_est: 50");
    project.edit("params.yaml", "split: 0.3", "split: 0.2");
    project.edit("params.yaml", "seed: 2 ", "seed: 1 ");
    project.edit("params.yaml", "- a", "- a\n  - b");
    project.build("").has("restored");
    assert_eq!(project.ran(), "", "all of it was built before");
}

#[test]
fn why_names_the_key_and_its_line() {
    let project = pipeline();
    project.build("").ok();
    project.edit("params.yaml", "n_est: 50", "n_est: 100");
    let why = project.atsaf("why train");
    why.has("train.n_est");
    why.has("50 -> 100");
    why.has("params.yaml:6");
    let all = project.atsaf("why all");
    all.has("train.n_est");
    all.has("50 -> 100");
    project.atsaf("list train").has("params.yaml:6");
    project.atsaf("list --json").has("\"origin\":\"parameter file\"");
    let set = project.atsaf("why train -s train.n_est=7");
    set.has("50 -> 7");
    set.has("params.yaml:6 (set on the command line)");
}

#[test]
fn a_params_file_has_tables_as_the_file_has_them() {
    let project = pipeline();
    project.build("all").ok();
    let json: serde_json::Value = serde_json::from_str(&project.read("all.json")).expect("JSON");
    let expected = serde_json::json!({ "prepare": { "seed": 1 }, "train": { "n_est": 50, "names": ["a", "b"] } });
    assert_eq!(json, expected);
    project.build("all -s train.n_est=7").ok();
    let json: serde_json::Value = serde_json::from_str(&project.read("all.json")).expect("JSON");
    assert_eq!(json["train"]["n_est"], 7);
}

#[test]
fn the_command_line_sets_a_key_only_where_every_reader_sees_it() {
    let project = pipeline();
    project.build("").ok();
    project.ran();
    project.build("-s train.n_est=100").ok();
    assert_eq!(project.ran_in_any_order(), ["all", "train"]);
    assert!(project.read("model.txt").ends_with("\n100\n"));
    let told = project.build("-s prepare.split=0.5");
    told.exits(2);
    told.has("`-s` sets `prepare.split`, and the command of `prepare` does not take its value from atsaf");
    told.has("it may read `params.yaml` itself");
    assert_eq!(project.ran(), "");
    let slip = project.build("-s n_est=5");
    slip.exits(2);
    slip.has("did you mean `train.n_est`?");
    project.build("-s train=5").has("set one of its entries");
    project.build("-s train.n_est=many").has("must give a whole number");
    project.build("-s other=5").has("nothing reads the parameter `other`");
}

#[test]
fn the_kept_atsaffile_sees_an_edited_parameter_file() {
    let project = pipeline();
    project.build("").ok();
    project.build("").has("nothing to do");
    // Of the same length, and put back to the same time.
    let at = project.at("params.yaml");
    let before = std::fs::metadata(&at).expect("there").modified().expect("a time");
    project.edit("params.yaml", "n_est: 50", "n_est: 51");
    let file = std::fs::File::options().write(true).open(&at).expect("opened");
    file.set_modified(before).expect("set");
    project.atsaf("status").has("train");
    project.build("train").ok();
    assert!(project.read("model.txt").ends_with("\n51\n"));
    project.remove("params.yaml");
    let told = project.build("");
    told.exits(2);
    told.has("the parameter file `params.yaml` cannot be read");
    project.write("params.yaml", "train: [\n");
    let told = project.build("");
    told.exits(2);
    told.has("this is not YAML");
    told.has("params.yaml:2:1");
    assert_eq!(told.text.matches("error:").count(), 1, "{}", told.text);
}

#[test]
fn what_has_two_meanings_is_refused_with_both_places() {
    let project = Project::new(
        r#"
[project]
params_files = ["a.yaml", "b.toml"]
[params]
seed = 1
[matrix]
region = ["A"]
[target.t]
run = "echo {{seed}} {{fit.lr}} {{input.size}} > {{output}}"
output = "t"
[target.u]
each = ["region"]
run = "echo {{region}} > {{output}}"
output = "u/{{region}}"
"#,
    );
    project.write("a.yaml", "seed: 2\nfit:\n  lr: 1\ninput: {size: 3}\nregion: x\n");
    project.write("b.toml", "[fit]\nlr = 2\n");
    let told = project.build("");
    told.exits(2);
    for text in [
        "the parameter `seed` is given twice",
        "a.yaml:1:1",
        "Atsaffile:5:1",
        "the parameter `fit` is given twice",
        "b.toml:1:2",
        "a.yaml:2:1",
        "`{{input.size}}` has two meanings",
        "a.yaml:4:9",
        "`region` is a parameter and an axis",
        "a.yaml:5:1",
    ] {
        told.has(text);
    }
}

#[test]
fn a_slip_in_a_dotted_name_is_told_with_the_name_that_is_meant() {
    let project = pipeline();
    project.edit("Atsaffile", "{{train.n_est}}", "{{train.n_es}}");
    project.edit("Atsaffile", "\"prepare.split\"", "\"split\"");
    let told = project.build("");
    told.exits(2);
    told.has("unknown parameter `train.n_es`");
    told.has("did you mean `train.n_est`?");
    told.has("did you mean `prepare.split`?");
    project.edit("Atsaffile", "{{train.n_es}}", "{{train}}");
    project.edit("Atsaffile", "\"split\"", "\"prepare.split\"");
    let told = project.build("");
    told.exits(2);
    told.has("`train` cannot be put into a text: it is a table");
}

#[test]
fn what_nothing_reads_may_be_anything() {
    let project = pipeline();
    let text = PARAMS.replace(
        "other: 1",
        "other: .nan\nbig: 99999999999999999999999\nown: !mine {a: 1}\n1: x\nx.y: 2",
    );
    project.write("params.yaml", text);
    let told = project.build("");
    told.ok();
    assert!(!told.text.contains("warning"), "{}", told.text);
    project.edit(
        "Atsaffile",
        "\"prepare.seed\"]\n\n",
        "\"prepare.seed\", \"other\", \"own\"]\n\n",
    );
    let told = project.build("");
    told.exits(2);
    told.has("the value of `other` can be no parameter");
    told.has("no finite number");
    told.has("params.yaml:8:1");
    told.has("the tag `!mine`");
}

#[test]
fn a_file_of_another_system_says_the_same() {
    let project = pipeline();
    project.build("").ok();
    project.ran();
    project.write("params.yaml", format!("\u{feff}{}", PARAMS.replace('\n', "\r\n")));
    project.build("prepare all train").has("nothing to do");
}

#[test]
fn a_command_that_names_the_file_reads_the_keys_that_it_declares() {
    let project = Project::new(
        r#"
[project]
params_files = ["conf/params.yaml"]
[target.some]
run = "echo some >> ../ran; cat conf/params.yaml > {{output}}"
output = "some"
params = ["a"]
[target.whole]
run = "echo whole >> ../ran; cat conf/params.yaml > {{output}}"
output = "whole"
"#,
    );
    project.write("conf/params.yaml", "a: 1\nb: 2\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["some", "whole"]);
    project.write("conf/params.yaml", "a: 1\nb: 3\n");
    project.build("").ok();
    assert_eq!(project.ran(), "whole");
    project.write("conf/params.yaml", "a: 2\nb: 3\n");
    project.build("").ok();
    assert_eq!(project.ran_in_any_order(), ["some", "whole"]);
    project.edit(
        "Atsaffile",
        "params = [\"a\"]",
        "params = [\"a\"]\ninputs = [\"conf/params.yaml\"]",
    );
    project
        .build("")
        .has("every change of `conf/params.yaml` makes `some` stale");
}

#[test]
fn a_file_that_is_edited_while_a_command_reads_it_makes_the_attempt_void() {
    let project = Project::new(
        r#"
[project]
params_files = ["params.yaml"]
[target.fit]
run = "cat params.yaml > {{output}}; echo x > ../begun; while [ ! -e ../go ]; do sleep 0.01; done"
output = "fit"
params = ["a"]
[target.text]
run = "echo {{a}} > {{output}}"
output = "text"
"#,
    );
    project.write("params.yaml", "a: 1\n");
    let build = project.start("build fit");
    until("the command", || project.at("../begun").exists());
    project.write("params.yaml", "a: 2\n");
    project.write("../go", "");
    let told = build.collect();
    told.exits(1);
    told.has("`params.yaml` was edited after this build had read it");
    assert!(!project.at("fit").exists());
    project.build("").ok();
    assert_eq!(project.read("fit"), "a: 2\n");
    assert_eq!(project.read("text"), "2\n");
}

#[test]
fn a_parameter_file_is_no_artifact() {
    let project = Project::new(
        r#"
[project]
params_files = ["made/params.yaml"]
[target.make]
run = "mkdir -p {{output}}; echo 'a: 1' > {{output}}/params.yaml"
output = "made/"
"#,
    );
    project.write("made/params.yaml", "a: 1\n");
    let told = project.build("");
    told.exits(2);
    told.has("the parameter file `made/params.yaml` is, or lies in, an artifact");
}

#[test]
fn a_watch_sees_an_edit_of_a_parameter_file() {
    let project = pipeline();
    let watch = project.start("watch --poll=0.05 train");
    until("the first build", || watch.text().contains("waiting for a change"));
    project.edit("params.yaml", "n_est: 50", "n_est: 100");
    until("the second build", || project.read("model.txt").ends_with("\n100\n"));
    watch.kill();
}

#[test]
fn a_key_stands_in_paths_too() {
    let project = Project::new(
        "[project]\nparams_files = [\"p.json\"]\n[target.t]\nrun = \"echo {{n}} > {{output}}\"\noutput = \"{{dir.out}}/t\"\n",
    );
    project.write("p.json", "{\"n\": 1.50, \"dir\": {\"out\": \"made\"}}");
    project.build("").ok();
    assert_eq!(project.read("made/t"), "1.5\n");
    project.build("-s dir.out=other").ok();
    assert_eq!(project.read("other/t"), "1.5\n");
}

#[test]
fn a_file_whose_keys_are_in_the_text_is_an_input_where_the_command_reads_it_too() {
    for hole in ["{{train.n}}", "{{params_file}}"] {
        let project = Project::new(&format!(
            "[project]\nparams_files = [\"params.yaml\"]\n[target.t]\nparams = [\"train.n\"]\noutput = \"t.txt\"\n\
             run = \"cat params.yaml > {{{{output}}}}; : {hole}\"\n"
        ));
        project.write("params.yaml", "train:\n  n: 1\nother: 1\n");
        project.build("").ok();
        project.write("params.yaml", "train:\n  n: 1\nother: 2\n");
        project.build("").has("1 built");
        assert!(project.read("t.txt").contains("other: 2"), "{hole}");
    }
}

#[test]
fn keys_that_would_reach_a_command_as_one_variable_are_refused_whatever_is_in_them() {
    let project = Project::new(
        "[project]\nparams_files = [\"params.yaml\"]\n[target.t]\nparams = [\"a b\", \"a-b\"]\noutput = \"t.txt\"\n\
         run = \"echo > {{output}}\"\n",
    );
    project.write("params.yaml", "a b: 1\na-b: 2\n");
    project
        .build("")
        .has("the parameters `a b` and `a-b` differ too little");
}
