//! What is wrong with a command.

use super::mistakes;

#[test]
fn a_command_makes_something() {
    const TEXT: &str = r#"[target.a]
run = "python fit.py"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the target `a` makes nothing
  --> Atsaffile:1:9
 1 | [target.a]
   |         ^
  help: declare what its command writes: `output = "a path"` or `outputs = { name = "a path" }`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_command_mentions_its_output() {
    const TEXT: &str = r#"[target.a]
run = "python fit.py"
output = "a.json"

[target.b]
run = ["python", "fit.py"]
outputs = { b1 = "b1", b2 = "b2" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the command of the target `a` never mentions its output
  --> Atsaffile:2:7
 2 | run = "python fit.py"
   |       ^^^^^^^^^^^^^^^
  note: a command writes to a path that atsaf gives it, so that a failure leaves the earlier artifact whole
  help: let it write to `{{output}}`, or to `{{output.name}}` if there are several
  help: if it can only write to the declared path itself, say `direct = true`
error: the command of the target `b` never mentions its output
  --> Atsaffile:6:8
 6 | run = ["python", "fit.py"]
   |        ^^^^^^^^
  note: a command writes to a path that atsaf gives it, so that a failure leaves the earlier artifact whole
  help: let it write to `{{output}}`, or to `{{output.name}}` if there are several
  help: if it can only write to the declared path itself, say `direct = true`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_hole_of_a_command_names_something() {
    const TEXT: &str = r#"[params]
horizon = 24

[target.a]
run = """
  fit --h {{horizn}} \
   --in {{input.claen}} > {{output.plt}}
  """
inputs = { clean = "x.csv" }
outputs = { plot = "plot.png" }
"#;
    let said = mistakes(TEXT);
    let expected = r"error: unknown parameter `horizn`
  --> Atsaffile:6:13
 6 |   fit --h {{horizn}} \
   |             ^^^^^^
  help: did you mean `horizon`?
error: the target `a` has no input `claen`
  --> Atsaffile:7:11
 7 |    --in {{input.claen}} > {{output.plt}}
   |           ^^^^^^^^^^^
  help: did you mean `clean`?
error: the target `a` has no output `plt`
  --> Atsaffile:7:29
 7 |    --in {{input.claen}} > {{output.plt}}
   |                             ^^^^^^^^^^
  help: did you mean `plot`?
";
    assert_eq!(said, expected);
}

#[test]
fn a_hole_of_a_list_names_something() {
    const TEXT: &str = r#"[target.a]
run = ["fit", "{{outputs}}", "{{inputs}}", "{{output}}"]
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown parameter `outputs`
  --> Atsaffile:2:18
 2 | run = ["fit", "{{outputs}}", "{{inputs}}", "{{output}}"]
   |                  ^^^^^^^
  help: did you mean `output`?
error: the target `a` declares no inputs
  --> Atsaffile:2:33
 2 | run = ["fit", "{{outputs}}", "{{inputs}}", "{{output}}"]
   |                                 ^^^^^^
  help: declare them: `inputs = ["an artifact or a path"]`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_secret_is_not_put_into_the_text() {
    const TEXT: &str = r#"[secrets]
KEY = {}

[target.a]
run = "curl -H {{KEY}} > {{output}}"
output = "a"
secrets = ["KEY"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the secret `KEY` cannot be put into a command's text
  --> Atsaffile:5:18
 5 | run = "curl -H {{KEY}} > {{output}}"
   |                  ^^^
  note: the text of a command is stored and shown; a secret never is
  help: name it in `secrets = ["KEY"]`: it reaches the command as the environment variable `$KEY`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_secret_in_the_shell_is_declared() {
    const TEXT: &str = r#"[secrets]
KEY = {}

[target.a]
run = "curl -H $KEY -H \"${KEY}\" > {{output}}"
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the target `a` does not get the secret `KEY`
  --> Atsaffile:5:17
 5 | run = "curl -H $KEY -H \"${KEY}\" > {{output}}"
   |                 ^^^
  help: add `secrets = ["KEY"]` to the target
error: the target `a` does not get the secret `KEY`
  --> Atsaffile:5:28
 5 | run = "curl -H $KEY -H \"${KEY}\" > {{output}}"
   |                            ^^^
  help: add `secrets = ["KEY"]` to the target
"#;
    assert_eq!(said, expected);
}

#[test]
fn with_is_for_built_in_tasks() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
output = "a"
with = { horizon = 24 }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `with` is for built-in tasks
  --> Atsaffile:4:1
 4 | with = { horizon = 24 }
   | ^^^^
  help: a command reads parameters through `{{name}}` in its text, or through `params = ["name"]`
"#;
    assert_eq!(said, expected);
}

#[test]
fn the_parameters_of_a_command_are_declared() {
    const TEXT: &str = r#"[params]
horizon = 24

[target.a]
run = "x > {{output}}"
output = "a"
params = ["horizn"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown parameter `horizn`
  --> Atsaffile:7:11
 7 | params = ["horizn"]
   |           ^^^^^^^^
  help: did you mean `horizon`?
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_mark_covers_characters_of_several_bytes_and_escapes_whole() {
    const TEXT: &str = r#"[target.a]
run = "echo {{größ}} {{x\u00e4}}y > {{output}}"
output = "a.txt"
"#;
    let said = mistakes(TEXT);
    let expected = r#" 2 | run = "echo {{größ}} {{x\u00e4}}y > {{output}}"
   |               ^^^^
"#;
    assert!(said.contains(expected), "{said}");
    let expected = r#" 2 | run = "echo {{größ}} {{x\u00e4}}y > {{output}}"
   |                        ^^^^^^^
"#;
    assert!(said.contains(expected), "{said}");
}

#[test]
fn no_text_has_a_nul() {
    const TEXT: &str = r#"[params]
word = "a\u0000b"
list = ["c", "d\u0000"]

[target.a]
run = "echo \u0000 > {{output}}"
output = "a\u0000.txt"
"#;
    let said = mistakes(TEXT);
    let told = said.matches("error: this text has a NUL character in it").count();
    assert_eq!((told, said.matches("error:").count()), (4, 4), "{said}");
    for place in ["Atsaffile:2:8", "Atsaffile:3:14", "Atsaffile:6:7", "Atsaffile:7:10"] {
        assert!(said.contains(place), "{said}");
    }
}

#[test]
fn a_depfile_is_asked_for_where_the_command_writes_one() {
    let text = |run: &str, more: &str| format!("[target.a]\nrun = \"{run}\"\noutput = \"a\"\n{more}");
    let said = mistakes(&text("gcc -MF {{depfile}} > {{output}}", "discover = \"depfile\"\n"));
    assert_eq!(said, "");
    let said = mistakes(&text("gcc -MF {{depfile}} > {{output}}", ""));
    assert!(
        said.starts_with("error: `{{depfile}}` is for a target with `discover = \"depfile\"`"),
        "{said}"
    );
    let said = mistakes(&text("gcc > {{output}}", "discover = \"depfile\"\n"));
    assert!(
        said.starts_with("error: the command of the target `a` never mentions `{{depfile}}`"),
        "{said}"
    );
    let said = mistakes(&text("gcc > {{output}}", "discover = \"all\"\n"));
    assert!(said.contains("\"depfile\" or \"off\""), "{said}");
}

#[test]
fn the_only_input_has_a_hole_and_one_of_several_is_named() {
    let with = |inputs: &str| {
        format!(
            "[target.x]\nrun = \"touch {{{{output}}}}\"\noutput = \"x\"\n\n[target.a]\nrun = \"cat {{{{input}}}} > \
             {{{{output}}}}\"\noutput = \"a\"\ninputs = {inputs}\n"
        )
    };
    for sound in [
        r#"["x"]"#,
        r#"["raw/*.csv"]"#,
        r#"["raw/*.csv", "!raw/b.csv"]"#,
        r#"{ raw = "r.csv" }"#,
    ] {
        assert_eq!(mistakes(&with(sound)), "", "{sound}");
    }
    let said = mistakes(&with(r#"["r.csv", "x"]"#));
    let expected = "error: `{{input}}` is for a target with one input, and `a` has 2
  --> Atsaffile:6:14
 6 | run = \"cat {{input}} > {{output}}\"
   |              ^^^^^
  help: write `{{inputs}}` for all of them, or `{{input.x}}` for one
";
    assert_eq!(said, expected);
    let said = mistakes(&with(r#"["r.csv", "s.csv"]"#));
    assert!(
        said.contains("or give each a name: `inputs = { NAME = \"…\" }` is `{{input.NAME}}`"),
        "{said}"
    );
    let said = mistakes("[target.a]\nrun = \"cat {{input}} > {{output}}\"\noutput = \"a\"\n");
    assert!(said.contains("the target `a` declares no inputs"), "{said}");
}
