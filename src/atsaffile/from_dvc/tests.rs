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
    assert_eq!(translated.stages, 3);
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
