//! What is taken out, what may be absent, ignored names, the shell, and holes for what is long.

use super::{mistakes, spec};
use crate::engine::spec::{Action, From, Piece};

#[test]
fn an_input_may_be_absent_and_another_is_taken_out() {
    let spec = spec(
        r#"[params]
dir = "data"

[target.clean]
run = "x > {{output}}"
output = "clean.csv"

[target.a]
run = "cat {{inputs}} > {{output}}"
inputs = ["{{dir}}/*.csv", "!{{dir}}/test.csv", "?extra.csv", "?more/*.csv", "!clean", "./?x.csv", "!d/[ab].csv"]
output = "a"

[target.b]
run = "cat {{input.x}} > {{output}}"
inputs = { x = ["d/", "!d/b"], y = "!paper.pdf" }
output = "b"
"#,
    );
    let inputs: Vec<(&From, bool)> = spec.targets[1]
        .inputs
        .iter()
        .map(|it| (&it.from, it.optional))
        .collect();
    let glob = |text: &str| From::Glob(text.into());
    assert_eq!(
        inputs,
        [
            (&glob("data/*.csv"), false),
            (&From::Source("extra.csv".into()), true),
            (&glob("more/*.csv"), true),
            (&glob("?x.csv"), false)
        ]
    );
    let without = |target: usize| -> Vec<(Option<&str>, &str)> {
        let all = spec.targets[target].settings.without.iter();
        all.map(|it| (it.role.as_deref(), it.pattern.as_str())).collect()
    };
    assert_eq!(
        without(1),
        [(None, "data/test.csv"), (None, "clean.csv"), (None, "d/[ab].csv")]
    );
    assert_eq!(without(2), [(Some("x"), "d/b"), (Some("y"), "paper.pdf")]);
}

#[test]
fn an_artifact_is_never_absent_and_nothing_outside_is_taken_out() {
    const TEXT: &str = r#"[target.a]
run = "x > {{output}}"
inputs = ["?b", "!../x", "!"]
output = "a"

[target.b]
run = "x > {{output}}"
output = "b"
"#;
    let expected = r#"error: `b` is an artifact, which is never absent
  --> Atsaffile:3:11
 3 | inputs = ["?b", "!../x", "!"]
   |           ^^^^
  help: leave the `?` out
error: `!../x` takes nothing out
  --> Atsaffile:3:17
 3 | inputs = ["?b", "!../x", "!"]
   |                 ^^^^^^^
  note: a `!` is followed by a word of the command, or by what a pattern or a directory of the project has
  help: write the path from the Atsaffile on, such as `!data/test.csv`
error: `!` takes nothing out
  --> Atsaffile:3:26
 3 | inputs = ["?b", "!../x", "!"]
   |                          ^^^
  note: a `!` is followed by a word of the command, or by what a pattern or a directory of the project has
  help: write the path from the Atsaffile on, such as `!data/test.csv`
"#;
    assert_eq!(mistakes(TEXT), expected);
}

#[test]
fn braces_make_a_pattern_only_with_a_comma_as_in_the_shell() {
    let spec = spec(
        r#"[target.a]
run = "cat {{inputs}} > {{output}}"
inputs = ["a{1}.csv", "b{1,2}.csv"]
output = "a"
"#,
    );
    assert_eq!(spec.targets[0].inputs[0].from, From::Source("a{1}.csv".into()));
    assert_eq!(spec.targets[0].inputs[1].from, From::Glob("b{1,2}.csv".into()));
}

#[test]
fn the_shell_is_that_of_the_target_the_project_or_strict() {
    let text = r#"[project]
shell = ["zsh", "-c"]
ignore = ["*.tmp"]

[target.a]
run = "x > {{output}}"
output = "a"

[target.b]
run = "x > {{output}}"
output = "b"
shell = ["./run.sh", "-c"]

[target.c]
run = ["x", "{{output}}"]
output = "c"
"#;
    let shell = |text: &str, target: usize| match &spec(text).targets[target].action {
        Action::Command(command) => (command.shell.clone(), command.file_words.clone()),
        Action::Builtin { .. } => panic!("a command"),
    };
    let words = |words: &[&str]| {
        Some(
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<std::sync::Arc<[String]>>(),
        )
    };
    assert_eq!(shell(text, 0), (words(&["zsh", "-c"]), [].into()));
    assert_eq!(
        shell(text, 1),
        (words(&["./run.sh", "-c"]), ["run.sh".into()].into()),
        "a script of the project is an input"
    );
    assert_eq!(shell(text, 2).0, None);
    let strict = text.replace("shell = [\"zsh\", \"-c\"]\n", "");
    assert_eq!(shell(&strict, 0).0, words(&["bash", "-euo", "pipefail", "-c"]));
    assert_eq!(spec(text).ignore[0].text, "*.tmp");
}

#[test]
fn a_shell_is_a_list_of_words_for_a_text() {
    const TEXT: &str = r#"[project]
shell = "bash"
ignore = ["", "x"]

[target.a]
run = ["x", "{{output}}"]
output = "a"
shell = ["sh", "-c"]

[target.b]
uses = "validate_clean"
inputs = { clean = "x.csv" }
outputs = { validation = "b" }
shell = ["sh", "-c"]

[target.c]
run = "x {{output}}"
output = "c"
shell = []
"#;
    let expected = r#"error: `shell` must be a list of words to which a command is appended, such as `["sh", "-eu", "-c"]`, found the string "bash"
  --> Atsaffile:2:9
 2 | shell = "bash"
   |         ^^^^^^
  help: write `shell = ["bash"]`
error: a pattern of `ignore` is empty
  --> Atsaffile:3:11
 3 | ignore = ["", "x"]
   |           ^^
  help: write a name such as `tmp`, a pattern such as `*.tmp`, or a path such as `data/old/`
error: `shell` is for a command that is a text
  --> Atsaffile:8:1
 8 | shell = ["sh", "-c"]
   | ^^^^^
  note: a list of words is run as it is, without a shell
  help: remove it, or write `run` as a text
error: `shell` is for commands
   --> Atsaffile:14:1
 14 | shell = ["sh", "-c"]
    | ^^^^^
  help: remove it: a built-in task runs without a shell
error: `shell` must be a list of words to which a command is appended, such as `["sh", "-eu", "-c"]`, found a list
   --> Atsaffile:19:9
 19 | shell = []
    |         ^^
  help: to run a program without a shell, write `run` as a list of words
"#;
    assert_eq!(mistakes(TEXT), expected);
}

#[test]
fn what_is_long_has_a_file() {
    let text = r#"[params]
p = [1, 2]

[target.a]
run = "x {{inputs_file}} {{params_file}} > {{output}}"
inputs = ["x.csv"]
params = ["p"]
output = "a"
"#;
    let Action::Command(command) = &spec(text).targets[0].action else {
        panic!("a command")
    };
    assert!(command.words[0].pieces.contains(&Piece::InputsFile));
    assert!(command.words[0].pieces.contains(&Piece::ParamsFile));
    let said = mistakes(&text.replace("inputs = [\"x.csv\"]\n", ""));
    assert!(said.starts_with("error: the target `a` declares no inputs"), "{said}");
}

#[test]
fn line_ends_of_another_system_mean_nothing() {
    let text = "[target.a]\nrun = \"\"\"\nset -e\necho hi > {{output}}\n\"\"\"\noutput = \"a\"\n[target.b]\n";
    let other = text.replace('\n', "\r\n");
    assert_eq!(mistakes(text), mistakes(&other));
    let whole = text.replace("[target.b]\n", "");
    assert_eq!(spec(&whole), spec(&whole.replace('\n', "\r\n")));
}
