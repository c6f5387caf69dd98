//! What is made of inputs, outputs, commands and values without a mistake.

use std::time::Duration;

use ecow::EcoString;

use super::{spec, spec_with};
use crate::engine::spec::{Action, ArtifactKind, Command, From, Origin, Piece, Spec, Target, Value};

fn first(spec: &Spec) -> &Target {
    &spec.targets[0]
}

fn command(spec: &Spec) -> &Command {
    match &first(spec).action {
        Action::Command(command) => command,
        other @ Action::Builtin { .. } => panic!("not a command: {other:?}"),
    }
}

fn inputs(spec: &Spec) -> Vec<(&str, &From)> {
    first(spec)
        .inputs
        .iter()
        .map(|input| (input.role.as_str(), &input.from))
        .collect()
}

#[test]
fn an_input_is_an_artifact_a_glob_or_a_source() {
    let spec = spec(
        r#"
[params]
dir = "data"

[target.a]
run = "x {{inputs}} > {{output}}"
inputs = ["model", "{{dir}}/*.csv", "./LICENSE", "x.csv", "../up.csv", "/abs/x", "data/sub/"]
output = "a.txt"

[target.model]
run = "x {{output}}"
output = "out/model.bin"
"#,
    );
    let source = |path: &str| From::Source(path.into());
    assert_eq!(
        inputs(&spec),
        [
            ("model", &From::Artifact("model".into())),
            ("data/*.csv", &From::Glob("data/*.csv".into())),
            ("LICENSE", &source("LICENSE")),
            ("x.csv", &source("x.csv")),
            ("../up.csv", &source("../up.csv")),
            ("/abs/x", &source("/abs/x")),
            ("data/sub", &source("data/sub")),
        ]
    );
}

#[test]
fn the_path_of_an_artifact_is_that_artifact() {
    let spec = spec(
        r#"
[project]
default = ["./out/plots"]

[target.a]
run = "x {{input.plots}} > {{output}}"
inputs = ["out//plots/"]
output = "a.txt"
after = ["out/plots"]

[target.draw]
run = "x {{output}}"
outputs = { plots = "out/plots/" }
"#,
    );
    assert_eq!(inputs(&spec), [("plots", &From::Artifact("plots".into()))]);
    assert_eq!(first(&spec).settings.after[0].name, "plots");
    assert_eq!(spec.default[0].name, "out/plots");
    assert_eq!(spec.targets[1].outputs[0].kind, ArtifactKind::Directory);
    assert_eq!(spec.targets[1].outputs[0].path, "out/plots");
}

#[test]
fn a_role_takes_one_input_or_several() {
    let spec = spec(
        r#"
[target.a]
run = "x {{input.train}} {{input.test}} > {{output}}"
inputs = { train = ["a.csv", "b/*.csv"], test = "c.csv" }
output = "a.txt"
"#,
    );
    assert_eq!(
        inputs(&spec),
        [
            ("train", &From::Source("a.csv".into())),
            ("train", &From::Glob("b/*.csv".into())),
            ("test", &From::Source("c.csv".into())),
        ]
    );
}

#[test]
fn a_command_keeps_its_text_and_knows_its_holes() {
    let spec = spec(
        r#"
[params]
horizon = 24
unused = 1
other = "x"

[target.fit]
run = "fit --h {{ horizon }} {{inputs}} {{input.x.csv}} {{{{raw}} > {{output.fit}} {{output}}"
inputs = ["x.csv"]
output = "fit.json"
params = ["other", "horizon"]
"#,
    );
    let command = command(&spec);
    assert_eq!(
        command.shell,
        Some(["bash", "-euo", "pipefail", "-c"].map(str::to_owned).into())
    );
    assert!(command.text().starts_with("fit --h {{ horizon }} "));
    let literal = |text: &str| Piece::Literal(text.into());
    assert_eq!(
        *command.words[0].pieces,
        [
            literal("fit --h "),
            Piece::Param("horizon".into()),
            literal(" "),
            Piece::Inputs,
            literal(" "),
            Piece::Input("x.csv".into()),
            literal(" "),
            literal("{{"),
            literal("raw}} > "),
            Piece::Output("output".into()),
            literal(" "),
            Piece::Outputs,
        ]
    );
    let params: Vec<&str> = first(&spec).params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!(params, ["horizon", "other"]);
}

#[test]
fn a_parameter_that_occurs_only_in_a_path_is_not_used() {
    let spec = spec(
        r#"
[params]
dir = "data"

[target.a]
run = "x > {{output}}"
inputs = ["{{dir}}/x.csv"]
output = "{{dir}}/y.csv"
"#,
    );
    assert!(first(&spec).params.is_empty());
    assert_eq!(first(&spec).outputs[0].path, "data/y.csv");
}

/// The words of a shell text that may be files.
fn words(run: &str) -> Vec<EcoString> {
    let text = format!(
        "[params]\nscript = \"src/fit.py\"\nspaced = \"my file.csv\"\n\n[target.a]\nrun = {run}\noutput = \"a.txt\"\ninputs = [\"in.csv\"]\n"
    );
    command(&spec(&text)).file_words.to_vec()
}

#[test]
fn literal_words_of_a_shell_text_may_be_files() {
    assert_eq!(words(r"'python fit.py {{output}}'"), ["fit.py"]);
    assert_eq!(words(r"'./fit.sh conf/a.yml > {{output}}'"), ["fit.sh", "conf/a.yml"]);
    assert_eq!(
        words(r#"'A=1 python "my fit.py" && ./b.sh x; c.sh y | z.sh > {{output}}'"#),
        ["my fit.py", "b.sh", "x", "y"]
    );
    assert_eq!(
        words(r"'python {{script}} {{spaced}} {{script}} > {{output}}'"),
        ["src/fit.py", "my file.csv"]
    );
    assert_eq!(words(r"'fit < in.txt 2> err.txt >> log.txt {{output}}'"), ["in.txt"]);
    assert_eq!(words(r"'> {{output}} python fit.py'"), ["fit.py"]);
}

#[test]
fn words_of_commands_whose_output_is_a_word_may_be_files() {
    for run in [
        r"'echo $(cat a.txt) > {{output}}'",
        r"'echo `cat a.txt` > {{output}}'",
        r#"'echo "n: $(cat "a.txt")" > {{output}}'"#,
        r#"'echo "n: `cat a.txt`" > {{output}}'"#,
        r"'N=$(wc -l < a.txt) && echo $N > {{output}}'",
        r"'echo `cat $(echo \`cat a.txt\`)` > {{output}}'",
    ] {
        assert_eq!(words(run), ["a.txt"], "{run}");
    }
    assert_eq!(words(r"'cp `ls a.txt` b.txt {{output}}'"), ["a.txt", "b.txt"]);
    let in_place = "\"cat > {{output}} <<E\\nit isn't `cat a.txt`\\nE\\nsort b.txt\"";
    assert_eq!(words(in_place), ["a.txt", "b.txt"]);
}

#[test]
fn words_that_the_shell_changes_are_no_files() {
    let run = r#"'fit $HOME/a ~/b *.csv c? `$d` "$e" {f,g} x{{output}} -i --conf=a.yml /etc/passwd ../up {{input.in.csv}} # no.py'"#;
    assert!(words(run).is_empty());
    assert_eq!(words(r#"'fit "*.csv" \$x > {{output}}'"#), ["*.csv", "$x"]);
}

#[test]
fn an_unclosed_quote_falls_back_to_spaces() {
    assert_eq!(words(r#""echo it's fit.py > {{output}}""#), ["fit.py"]);
}

#[test]
fn items_of_a_list_are_words_as_they_are() {
    let run = r#"["python", "fit.py", "*.csv", "-x", "{{script}}", "{{output}}"]"#;
    assert_eq!(words(run), ["fit.py", "*.csv", "src/fit.py"]);
    assert_eq!(words(r#"["./fit.sh", "{{output}}"]"#), ["fit.sh"]);
}

#[test]
fn every_key_of_a_command_reaches_the_spec() {
    let spec = spec(
        r#"
[secrets]
TOKEN = { optional = true }
KEY = {}

[target.a]
desc = "all keys"
run = ["fit", "--fast"]
output = "dir/"
env = ["TZ", "HOME_DIR", "TZ"]
secrets = ["TOKEN", "KEY"]
retries = 2
retry_delay = "500ms"
timeout = "1h30m"
effect = true
direct = true
cache = false
"#,
    );
    let target = first(&spec);
    assert_eq!(target.desc.as_deref(), Some("all keys"));
    assert_eq!(command(&spec).shell, None);
    assert_eq!(command(&spec).text(), "fit\n--fast");
    assert_eq!(
        (target.outputs[0].name.as_str(), target.outputs[0].kind),
        ("a", ArtifactKind::Directory)
    );
    assert_eq!(target.settings.env, ["HOME_DIR", "TZ"]);
    assert_eq!(target.settings.secrets, ["KEY", "TOKEN"]);
    assert_eq!(
        (target.settings.retries, target.settings.retry_delay),
        (2, Duration::from_millis(500))
    );
    assert_eq!(target.settings.timeout, Some(Duration::from_mins(90)));
    assert_eq!(
        (target.settings.effect, target.settings.direct, target.settings.cache),
        (true, true, false)
    );
    assert!(spec.secrets["TOKEN"].optional && !spec.secrets["KEY"].optional);
}

#[test]
fn values_have_the_types_of_toml() {
    let spec = spec(
        "[params]\na = true\nb = 1_000\nc = 0x1f\nd = 1.5\ne = \"x\"\nf = 2023-06-01\ng = [1, \"x\", 2.0]\nh = 2023-06-01T10:00:00Z\n",
    );
    let values: Vec<String> = spec.params.iter().map(|param| param.value.to_string()).collect();
    assert_eq!(
        values,
        [
            "true",
            "1000",
            "31",
            "1.5",
            "\"x\"",
            "2023-06-01",
            "[1, \"x\", 2.0]",
            "2023-06-01T10:00:00Z"
        ]
    );
}

#[test]
fn the_command_line_gives_values_of_the_declared_type() {
    let text = "[params]\na = true\nb = 1\nc = 1.5\nd = \"x\"\ne = 2023-06-01\nf = [1]\ng = [\"x\"]\nh = []\n";
    let overrides = [
        ("a", "false"),
        ("b", " 2_000 "),
        ("c", "3"),
        ("d", " 1, 2 "),
        ("e", "2024-01-31"),
        ("f", "[2, 3]"),
        ("g", "a, b"),
        ("h", ""),
    ];
    let spec = spec_with(text, &overrides);
    let values: Vec<String> = spec.params.iter().map(|param| param.value.to_string()).collect();
    assert_eq!(
        values,
        [
            "false",
            "2000",
            "3.0",
            "\" 1, 2 \"",
            "2024-01-31",
            "[2, 3]",
            "[\"a\", \"b\"]",
            "[]"
        ]
    );
}

const TRAIN: &str = r#"
[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "{{n_windows}}/s" }
with = { n_windows = 3 }
"#;

fn param<'s>(spec: &'s Spec, name: &str) -> (&'s Value, Origin) {
    let param = first(spec)
        .params
        .iter()
        .find(|param| param.name == name)
        .expect("a parameter of that name");
    (&param.value, param.origin)
}

#[test]
fn a_value_comes_from_with_before_params_before_the_default() {
    let text = format!("[params]\nn_windows = 4\nstep_size = 24\n{TRAIN}");
    let spec = spec(&text);
    assert_eq!(param(&spec, "n_windows").0, &Value::Int(3));
    let span = param(&spec, "n_windows").1.span().expect("it is in `with`");
    assert_eq!(spec.text.line_of(span), "Atsaffile:9");
    assert_eq!(param(&spec, "step_size").0, &Value::Int(24));
    assert_eq!(param(&spec, "horizon"), (&Value::Int(24), Origin::Default));
    assert_eq!(first(&spec).outputs[2].path, "3/s");
}

#[test]
fn the_command_line_sets_a_parameter_of_a_task_that_is_not_declared() {
    let spec = spec_with(
        TRAIN,
        &[
            ("horizon", "48"),
            ("models", "HoltWinters,MSTL_ARIMA"),
            ("level", "97.5"),
        ],
    );
    assert_eq!(param(&spec, "horizon"), (&Value::Int(48), Origin::CommandLine(None)));
    assert_eq!(param(&spec, "level").0, &Value::Float(97.5));
    assert_eq!(param(&spec, "models").0.plain(), "HoltWinters,MSTL_ARIMA");
    assert!(spec.param("horizon").is_none());
}

#[test]
fn a_whole_number_may_become_a_fraction_where_the_task_takes_one() {
    let text = format!("[params]\nlevel = 95\n{TRAIN}");
    let spec = spec_with(&text, &[("level", "97.5")]);
    assert_eq!(param(&spec, "level").0, &Value::Float(97.5));
}

#[test]
fn targets_stand_in_the_order_of_the_text() {
    let text = "[target.b]\nrun = \"x {{output}}\"\noutput = \"b\"\n[target.a]\nrun = \"x {{output}}\"\noutput = \"a\"\n[params]\nz = 1\na = 2\n";
    let spec = spec(text);
    let names: Vec<&str> = spec.targets.iter().map(|target| target.name.as_str()).collect();
    let params: Vec<&str> = spec.params.iter().map(|param| param.name.as_str()).collect();
    assert_eq!((names, params), (vec!["b", "a"], vec!["z", "a"]));
}

#[test]
fn an_empty_file_is_an_empty_project() {
    let spec = spec("");
    assert!(spec.targets.is_empty() && spec.default.is_empty() && spec.name.is_empty());
}
