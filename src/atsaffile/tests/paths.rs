//! What is wrong with the inputs and outputs of a target, their names and their paths.

use super::mistakes;

#[test]
fn outputs_are_a_table() {
    const TEXT: &str = r#"[target.fit]
run = "x > {{output}}"
outputs = "fit.json"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `outputs` must be a table from names to paths, found the string "fit.json"
  --> Atsaffile:3:11
 3 | outputs = "fit.json"
   |           ^^^^^^^^^^
  help: write `output = "fit.json"`, which names the artifact `fit`
"#;
    assert_eq!(said, expected);
}

#[test]
fn outputs_are_a_table_and_not_a_list() {
    const TEXT: &str = r#"[target.fit]
run = "x > {{output}}"
outputs = ["fit.json"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `outputs` must be a table from names to paths, found a list
  --> Atsaffile:3:11
 3 | outputs = ["fit.json"]
   |           ^^^^^^^^^^^^
"#;
    assert_eq!(said, expected);
}

#[test]
fn output_and_outputs_exclude_each_other() {
    const TEXT: &str = r#"[target.fit]
run = "x > {{output}}"
output = "fit.json"
outputs = { plot = "plot.png" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the target `fit` has both `output` and `outputs`
  --> Atsaffile:4:1
 4 | outputs = { plot = "plot.png" }
   | ^^^^^^^
  --> Atsaffile:3:1
 3 | output = "fit.json"
   | ^^^^^^ first here
  help: name all artifacts in `outputs`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_output_lies_in_the_project() {
    const TEXT: &str = r#"[params]
out = "/var/out"

[target.a]
run = "x {{output}}"
outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the path of the artifact `a1` leads out of the project
  --> Atsaffile:6:18
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                  ^^^^^^
  help: artifacts lie in the project: write a path relative to the Atsaffile, without `..`
error: the path of the artifact `a2` leads out of the project
  --> Atsaffile:6:31
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                               ^^^^^^^^^^^
  note: with its parameters put in it is `/var/out/a`
  help: artifacts lie in the project: write a path relative to the Atsaffile, without `..`
error: the path of the artifact `a3` lies in `.atsaf/`, which belongs to atsaf
  --> Atsaffile:6:49
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                                                 ^^^^^^^^^^
  help: give it another path in the project
error: the path of the artifact `a4` is the Atsaffile itself
  --> Atsaffile:6:66
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                                                                  ^^^^^^^^^^^^^
  help: give it another path
error: the path of the artifact `a5` is empty
  --> Atsaffile:6:86
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                                                                                      ^^
  help: give it a path in the project
error: the path of the artifact `a6` is the project itself
  --> Atsaffile:6:95
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                                                                                               ^^^^
  help: give it a path in the project
error: the path of the artifact `a7` has `..` in it
  --> Atsaffile:6:106
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                                                                                                          ^^^^^^^^
  help: write the path without it
error: the path of the artifact `a8` has a control character in it
  --> Atsaffile:6:121
 6 | outputs = { a1 = "../a", a2 = "{{out}}/a", a3 = ".atsaf/x", a4 = "./Atsaffile", a5 = "", a6 = "./", a7 = "x/../y", a8 = "a\u0007b" }
   |                                                                                                                         ^^^^^^^^^^
  help: use letters, digits, spaces and punctuation
"#;
    assert_eq!(said, expected);
}

#[test]
fn two_things_cannot_have_one_name() {
    const TEXT: &str = r#"[alias]
clean = ["other.a"]

[target.prepare]
run = "x {{output}}"
outputs = { a = "a", clean = "clean", prepare = "p" }

[target.other]
run = "x > {{output}}"
outputs = { a = "b" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the name `clean` is given twice
  --> Atsaffile:6:22
 6 | outputs = { a = "a", clean = "clean", prepare = "p" }
   |                      ^^^^^ to an artifact of `prepare`
  --> Atsaffile:2:1
 2 | clean = ["other.a"]
   | ^^^^^ and to an alias
  note: targets and aliases share one namespace, and no artifact has a name in it; only the single artifact of a target may have its name
  help: give the artifact a name of its own: `clean = { path = "…", name = "…" }`
error: the name `prepare` is given twice
  --> Atsaffile:6:39
 6 | outputs = { a = "a", clean = "clean", prepare = "p" }
   |                                       ^^^^^^^ to an artifact of `prepare`
  --> Atsaffile:4:9
 4 | [target.prepare]
   |         ^^^^^^^ and to a target
  note: targets and aliases share one namespace, and no artifact has a name in it; only the single artifact of a target may have its name
  help: give the artifact a name of its own: `prepare = { path = "…", name = "…" }`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_artifact_is_told_with_a_similar_one() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
inputs = ["claen"]
output = "a"

[target.clean]
run = "x > {{output}}"
output = "c"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown artifact `claen`
  --> Atsaffile:3:11
 3 | inputs = ["claen"]
   |           ^^^^^^^
  help: did you mean `clean`?
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_artifact_may_be_meant_as_a_file() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
inputs = ["LICENSE"]
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown artifact `LICENSE`
  --> Atsaffile:3:11
 3 | inputs = ["LICENSE"]
   |           ^^^^^^^^^
  note: artifacts: a
  help: for a file of that name, write `./LICENSE`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_target_is_no_input() {
    const TEXT: &str = r#"[alias]
all = ["a"]

[target.a]
run = "x > {{output}}"
inputs = ["train", "all"]
output = "a"

[target.train]
run = "x {{output}}"
outputs = { leaderboard = "l", selected = "s" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the input `train` is a target, not an artifact
  --> Atsaffile:6:11
 6 | inputs = ["train", "all"]
   |           ^^^^^^^
  help: name what it makes: `leaderboard`, `selected`
error: the input `all` is an alias, not an artifact
  --> Atsaffile:6:20
 6 | inputs = ["train", "all"]
   |                    ^^^^^
  help: name the artifacts themselves
"#;
    assert_eq!(said, expected);
}

#[test]
fn what_is_on_no_axis_has_no_instances() {
    const TEXT: &str = r#"[project]
default = ["a@TEX"]

[target.a]
run = "x > {{output}}"
inputs = ["raw@*"]
output = "a"
after = ["a@x"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `a` is on no axis, so `a@TEX` is nothing
  --> Atsaffile:2:12
 2 | default = ["a@TEX"]
   |            ^^^^^^^
  help: write `a`
error: unknown artifact `raw`
  --> Atsaffile:6:11
 6 | inputs = ["raw@*"]
   |           ^^^^^^^
  note: artifacts: a
  help: for a file of that name, write `./raw@*`
error: `a` is on no axis, so `a@x` is nothing
  --> Atsaffile:8:10
 8 | after = ["a@x"]
   |          ^^^^^
  help: write `a`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_input_is_not_listed_twice() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
inputs = ["x.csv", "./x.csv"]
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the input `x.csv` is listed twice
  --> Atsaffile:3:20
 3 | inputs = ["x.csv", "./x.csv"]
   |                    ^^^^^^^^^
  --> Atsaffile:3:11
 3 | inputs = ["x.csv", "./x.csv"]
   |           ^^^^^^^ first here
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_input_is_not_the_whole_project() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
inputs = ["./", "../..", ".atsaf/v1/journal", "a\u0007.csv", "/data/*.csv"]
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the input `./` is a whole project or more
  --> Atsaffile:3:11
 3 | inputs = ["./", "../..", ".atsaf/v1/journal", "a\u0007.csv", "/data/*.csv"]
   |           ^^^^
  help: name an artifact, or the path of a file or directory that no target makes
error: the input `../..` is a whole project or more
  --> Atsaffile:3:17
 3 | inputs = ["./", "../..", ".atsaf/v1/journal", "a\u0007.csv", "/data/*.csv"]
   |                 ^^^^^^^
  help: name an artifact, or the path of a file or directory that no target makes
error: the input `.atsaf/v1/journal` lies in `.atsaf/`, which belongs to atsaf
  --> Atsaffile:3:26
 3 | inputs = ["./", "../..", ".atsaf/v1/journal", "a\u0007.csv", "/data/*.csv"]
   |                          ^^^^^^^^^^^^^^^^^^^
  help: name an artifact, or the path of a file or directory that no target makes
error: the input `a\u{7}.csv` has a control character in it
  --> Atsaffile:3:47
 3 | inputs = ["./", "../..", ".atsaf/v1/journal", "a\u0007.csv", "/data/*.csv"]
   |                                               ^^^^^^^^^^^^^
  help: name an artifact, or the path of a file or directory that no target makes
error: the input `/data/*.csv` is a pattern that leads out of the project
  --> Atsaffile:3:62
 3 | inputs = ["./", "../..", ".atsaf/v1/journal", "a\u0007.csv", "/data/*.csv"]
   |                                                              ^^^^^^^^^^^^^
  help: name an artifact, or the path of a file or directory that no target makes
"#;
    assert_eq!(said, expected);
}

#[test]
fn after_takes_targets() {
    const TEXT: &str = r#"[alias]
all = ["a"]

[target.a]
run = "x > {{output}}"
output = "a"
after = ["registr", "all", "nothing-like-it"]

[target.register]
run = "x > {{output}}"
output = "r"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown target `registr` in `after`
  --> Atsaffile:7:10
 7 | after = ["registr", "all", "nothing-like-it"]
   |          ^^^^^^^^^
  help: did you mean `register`?
error: `after` takes targets, and `all` is an alias
  --> Atsaffile:7:21
 7 | after = ["registr", "all", "nothing-like-it"]
   |                     ^^^^^
  help: name the targets themselves
error: unknown target `nothing-like-it` in `after`
  --> Atsaffile:7:28
 7 | after = ["registr", "all", "nothing-like-it"]
   |                            ^^^^^^^^^^^^^^^^^
  note: targets and artifacts: a, register
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_parameter_in_a_path_is_declared() {
    const TEXT: &str = r#"[params]
data_dir = "data"

[target.a]
run = "x > {{output}}"
inputs = ["{{dta_dir}}/x.csv", "{{input.a}}/x", "{{zone}}.csv"]
output = "\u00e4\n{{ data_di }}/a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown parameter `dta_dir`
  --> Atsaffile:6:14
 6 | inputs = ["{{dta_dir}}/x.csv", "{{input.a}}/x", "{{zone}}.csv"]
   |              ^^^^^^^
  help: did you mean `data_dir`?
error: unknown parameter `input.a`
  --> Atsaffile:6:35
 6 | inputs = ["{{dta_dir}}/x.csv", "{{input.a}}/x", "{{zone}}.csv"]
   |                                   ^^^^^^^
  note: parameters: data_dir
  help: `{{input.name}}` and `{{output.name}}` are for commands: a path takes parameters only
error: unknown parameter `zone`
  --> Atsaffile:6:52
 6 | inputs = ["{{dta_dir}}/x.csv", "{{input.a}}/x", "{{zone}}.csv"]
   |                                                    ^^^^
  note: parameters: data_dir
  help: a parameter is declared in `[params]`
error: unknown parameter `data_di`
  --> Atsaffile:7:22
 7 | output = "\u00e4\n{{ data_di }}/a"
   |                      ^^^^^^^
  help: did you mean `data_dir`?
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_template_is_closed_and_names_something() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = 'a{{b'

[target.b]
run = "x > {{output}}"
output = "{{}}"

[target.c]
run = "x > {{output}}"
output = "{{a{{b}}"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `{{` is never closed
  --> Atsaffile:3:12
 3 | output = 'a{{b'
   |            ^^
  help: close it with `}}`, or write `{{{{` for two braces as they are
error: a template names nothing
  --> Atsaffile:7:11
 7 | output = "{{}}"
   |           ^^^^
  help: write the name of a parameter between the braces, or `{{{{` for two braces as they are
error: `{{` is never closed
   --> Atsaffile:11:11
 11 | output = "{{a{{b}}"
    |           ^^
  help: close it with `}}`, or write `{{{{` for two braces as they are
"#;
    assert_eq!(said, expected);
}
