//! What a `dvc.yaml` becomes.

use super::*;

const PIPELINE: &str = r"
vars:
  - params.yaml
stages:
  prepare:
    cmd: python src/prepare.py data/data.xml data/prepared --seed ${prepare.seed}
    deps: [data/data.xml, src/prepare.py, lexicon.txt]
    params: [prepare.split]
    outs: [data/prepared]
  train:
    wdir: models
    cmd:
      - python train.py ../data/prepared
      - touch done
    deps: [../data/prepared]
    params:
      - other.yaml: [rate]
    outs:
      - model.pkl
    frozen: true
  score:
    foreach: [us, uk]
    do:
      cmd: ./score ${item} eval-${item}.json curve-${item}.csv
      metrics:
        - eval-${item}.json:
            cache: false
      plots:
        - curve-${item}.csv:
            cache: false
plots:
  - x
params: [params.yaml]
";

#[test]
fn stages_become_targets_and_the_rest_is_told() {
    let translated = from_dvc("dvc.yaml", PIPELINE, &|path| (path == "data/prepared").then_some(true)).expect("stages");
    let expected = r#"# Translated from dvc.yaml by `atsaf init dvc`. `atsaf help from-dvc` says what is otherwise.

[project]
params_files = ["models/other.yaml", "params.yaml"]

[matrix]
score_item = ["us", "uk"]

[target.prepare]
run = "python src/prepare.py data/data.xml {{output}} --seed {{prepare.seed}}"
inputs = ["lexicon.txt"]
output = "data/prepared/"
params = ["prepare.split"]

[target.train]
run = '''
python train.py ../data/prepared
touch done
'''
cwd = "models"
output = "models/model.pkl"
params = ["rate"]
direct = true          # the command writes the declared paths itself

[target.score]
each = ["score_item"]
run = "./score {{score_item}} {{output.eval}} {{output.curve}}"
outputs = { eval = "eval-{{score_item}}.json", curve = "curve-{{score_item}}.csv" }
metrics = ["eval-{{score_item}}.json"]
cache = false
"#;
    assert_eq!(translated.atsaffile, expected);
    assert_eq!(translated.targets, 3);
    assert_eq!(
        translated.left,
        [
            "`plots` at the top of the file is not translated",
            "`train` is frozen: build it once, then `atsaf accept train -m WHY` keeps it as it is",
            "commands see only those variables of the environment that `env` of their target names, and `PATH`",
        ]
    );
}

#[test]
fn values_of_vars_are_parameters_and_every_stage_gets_a_name_that_a_target_may_have() {
    let text = r#"
vars:
  - more.yaml:rate
  - seed: 3
    word: "a \" b"
    sizes: [1, 2]
    answer: no
    octal: 010
    time: 1:30
    pace: 1e3
    nested: {x: 1}
stages:
  "a b":
    cmd: ./a ${seed} ${rate} a.txt
    outs: [a.txt]
  a_b: {cmd: ./b b.txt, outs: [b.txt]}
  "1": {cmd: ./c c.txt, outs: [c.txt], always_changed: true}
"#;
    let translated = from_dvc("dvc.yaml", text, &|_| None).expect("stages");
    let expected = r#"# Translated from dvc.yaml by `atsaf init dvc`. `atsaf help from-dvc` says what is otherwise.

[project]
params_files = ["more.yaml", "params.yaml"]

[params]
seed = 3
word = "a \" b"
sizes = [1, 2]
answer = "no"
octal = 10
time = "1:30"
pace = 1000.0

[target.a_b_]
run = "./a {{seed}} {{rate}} {{output}}"
output = "a.txt"

[target.a_b]
run = "./b {{output}}"
output = "b.txt"

[target._1]
run = "./c {{output}}"
output = "c.txt"
"#;
    assert_eq!(translated.atsaffile, expected);
    let told = translated.left.join("\n");
    for part in [
        "`nested` of `vars` is no plain value",
        "the stage `a b` has become the target `a_b_`: ",
        "the stage `1` has become the target `_1`: ",
        "`_1` runs each time",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn what_is_no_pipeline_is_told() {
    let wrong = from_dvc("dvc.yaml", "a: [", &|_| None).expect_err("no YAML");
    assert!(wrong[0].what.contains("this is not YAML"), "{wrong:?}");
    let wrong = from_dvc("dvc.yaml", "outs: [x]\n", &|_| None).expect_err("no stages");
    assert_eq!(wrong[0].what, "`dvc.yaml` has no `stages`");
}

#[test]
fn only_whole_words_are_replaced() {
    assert_eq!(replaced("a out outer out", "out", "X"), "a X outer X");
    assert_eq!(replaced("cat x >out", "out", "X"), "cat x >X");
}
