//! Artifacts of one name, ports, and the places where a name can stand.

use super::{mistakes, spec};
use crate::engine::spec::{From, Spec};

const TWO: &str = r#"[project]
default = ["prep_tex.clean"]

[alias]
all = ["prep_tex.clean", "prep_cal.metadata"]

[target.prep_tex]
uses = "prepare_clean"
inputs = { raw = "tex.csv" }
outputs = { clean = "tex.parquet", metadata = "tex.json" }

[target.prep_cal]
uses = "prepare_clean"
inputs = { raw = "cal.csv" }
outputs = { clean = { path = "cal.parquet", name = "cal_clean" }, metadata = "cal.json" }
after = ["prep_tex.metadata"]

[target.check_tex]
uses = "validate_clean"
inputs = ["prep_tex.clean"]
outputs = { validation = "tex_validation.json" }

[target.check_cal]
uses = "validate_clean"
inputs = ["cal_clean"]
outputs = { validation = "cal_validation.json" }
"#;

fn inputs<'s>(spec: &'s Spec, target: &str) -> Vec<(&'s str, &'s str)> {
    let mut targets = spec.targets.iter();
    let target = targets.find(|it| it.name == target).expect("a target of that name");
    let input = |(role, from): (&'s str, &'s From)| match from {
        From::Artifact(name) | From::Source(name) | From::Glob(name) => (role, name.as_str()),
    };
    let inputs = target.inputs.iter().map(|input| (input.role.as_str(), &input.from));
    inputs.map(input).collect()
}

#[test]
fn a_task_can_be_used_twice_and_the_port_of_an_artifact_is_its_role() {
    let spec = spec(TWO);
    assert_eq!(
        inputs(&spec, "check_tex"),
        [("clean", "clean")],
        "the other one is renamed"
    );
    assert_eq!(inputs(&spec, "check_cal"), [("clean", "cal_clean")]);
    let outputs: Vec<(&str, &str, &str)> = spec.targets[1]
        .outputs
        .iter()
        .map(|output| (output.port.as_str(), output.name.as_str(), output.path.as_str()))
        .collect();
    assert_eq!(
        outputs,
        [
            ("clean", "cal_clean", "cal.parquet"),
            ("metadata", "metadata", "cal.json")
        ]
    );
    assert_eq!(spec.default[0].name, "clean");
    let all: Vec<&str> = spec.aliases["all"].iter().map(|goal| goal.name.as_str()).collect();
    assert_eq!(all, ["clean", "prep_cal.metadata"]);
    assert_eq!(spec.targets[1].settings.after[0].name, "prep_tex.metadata");
}

#[test]
fn a_name_that_several_targets_have_is_an_error_where_it_is_used_and_only_there() {
    let text = TWO.replace(
        "inputs = [\"prep_tex.clean\"]",
        "inputs = [\"prep_tex.clean\"]\nafter = [\"metadata\"]",
    );
    let said = mistakes(&text);
    let expected = r#"error: `metadata` is made by two targets
  --> Atsaffile:21:10
 21 | after = ["metadata"]
    |          ^^^^^^^^^^
"#;
    assert!(said.replace("   -->", "  -->").starts_with(expected), "{said}");
    assert!(
        said.contains("by `prep_tex`") && said.contains("by `prep_cal`"),
        "{said}"
    );
    assert!(
        said.ends_with("  help: write `prep_tex.metadata` or `prep_cal.metadata`\n"),
        "{said}"
    );
    assert_eq!(said.matches("error:").count(), 1, "{said}");
}

#[test]
fn a_shared_name_is_an_error_as_a_goal_and_in_an_alias() {
    let text = TWO
        .replace("default = [\"prep_tex.clean\"]", "default = [\"metadata\"]")
        .replace("\"prep_cal.metadata\"]", "\"metadata\"]");
    let said = mistakes(&text);
    assert_eq!(said.matches("`metadata` is made by two targets").count(), 2, "{said}");
}

#[test]
fn a_command_calls_an_artifact_by_its_full_or_short_name() {
    const TEXT: &str = r#"[target.tex]
run = "x > {{output}}"
outputs = { page = "tex.html" }

[target.cal]
run = "x > {{output}}"
outputs = { page = "cal.html", list = "cal.txt" }

[target.one]
run = "cat {{input.tex.page}} {{input.page}} {{input.list}} {{input.cal.list}} > {{output}}"
inputs = ["tex.page", "list"]
output = "one"
"#;
    let spec = spec(TEXT);
    assert_eq!(inputs(&spec, "one"), [("tex.page", "tex.page"), ("list", "list")]);
    let both = TEXT.replace("\"tex.page\", \"list\"", "\"tex.page\", \"cal.page\", \"list\"");
    let expected = r#"error: `{{input.page}}` may be several inputs of the target `one`
   --> Atsaffile:10:33
 10 | run = "cat {{input.tex.page}} {{input.page}} {{input.list}} {{input.cal.list}} > {{output}}"
    |                                 ^^^^^^^^^^
  note: they are tex.page, cal.page
  help: write `{{input.tex.page}}` or `{{input.cal.page}}`
"#;
    assert_eq!(mistakes(&both), expected);
}

#[test]
fn an_output_is_a_path_or_a_path_and_a_name() {
    const TEXT: &str = r#"[target.a]
run = "x {{output}}"
outputs = { x = { name = "y" }, y = { path = "y", nmae = "z" }, z = { path = "z", name = "a b" }, w = 3 }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the output `x` has no path
  --> Atsaffile:3:17
 3 | outputs = { x = { name = "y" }, y = { path = "y", nmae = "z" }, z = { path = "z", name = "a b" }, w = 3 }
   |                 ^^^^^^^^^^^^^^
  help: add it: `x = { path = "a path", name = "y" }`
error: unknown key `nmae` in the output `y`
  --> Atsaffile:3:51
 3 | outputs = { x = { name = "y" }, y = { path = "y", nmae = "z" }, z = { path = "z", name = "a b" }, w = 3 }
   |                                                   ^^^^
  help: did you mean `name`?
error: `a b` cannot be the name of an artifact
  --> Atsaffile:3:90
 3 | outputs = { x = { name = "y" }, y = { path = "y", nmae = "z" }, z = { path = "z", name = "a b" }, w = 3 }
   |                                                                                          ^^^^^
  help: a name is made of the letters A to Z and a to z, digits, `_` and `-`, and begins with a letter or `_`
error: `w` must be the path of an artifact, or a table with `path` and `name`, found the integer 3
  --> Atsaffile:3:103
 3 | outputs = { x = { name = "y" }, y = { path = "y", nmae = "z" }, z = { path = "z", name = "a b" }, w = 3 }
   |                                                                                                       ^
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_target_has_one_artifact_of_a_name() {
    const TEXT: &str = r#"[target.a]
run = "x {{output}}"
outputs = { x = "x", y = { path = "y", name = "x" } }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the target `a` has two artifacts `x`
  --> Atsaffile:3:47
 3 | outputs = { x = "x", y = { path = "y", name = "x" } }
   |                                               ^^^
  --> Atsaffile:3:13
 3 | outputs = { x = "x", y = { path = "y", name = "x" } }
   |             ^ first here
  help: give one of them another name
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_text_is_not_the_name_of_one_artifact_and_the_path_of_another() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "b"

[target.b]
run = "x > {{output}}"
output = "c"

[target.d]
run = "cat {{inputs}} > {{output}}"
inputs = ["b"]
output = "d"
"#;
    let said = mistakes(TEXT);
    assert!(
        said.starts_with("error: `b` is the name of one artifact and the path of another\n"),
        "{said}"
    );
    assert!(
        said.ends_with("  help: write `b.b` for the first, or `./b` for the second\n"),
        "{said}"
    );
    spec(&TEXT.replace("[\"b\"]", "[\"./b\"]"));
    let named = spec(&TEXT.replace("[\"b\"]", "[\"b.b\"]"));
    assert_eq!(inputs(&named, "d"), [("b.b", "b")]);
}

#[test]
fn an_at_sign_asks_for_instances() {
    let text = TWO.replace("inputs = [\"prep_tex.clean\"]", "inputs = [\"prep_tex.clean@TEX,1.5\"]");
    let said = mistakes(&text);
    assert!(
        said.starts_with("error: `prep_tex.clean` is on no axis, so `prep_tex.clean@TEX,1.5` is nothing"),
        "{said}"
    );
    let file = spec(&TWO.replace("inputs = [\"cal_clean\"]", "inputs = { clean = \"img@2x.png\" }"));
    assert_eq!(
        inputs(&file, "check_cal"),
        [("clean", "img@2x.png")],
        "a file is a file"
    );
}
