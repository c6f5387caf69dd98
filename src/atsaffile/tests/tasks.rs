//! What is wrong with a target that uses a built-in task.

use super::mistakes;

#[test]
fn an_unknown_task_is_told_with_a_similar_one() {
    const TEXT: &str = r#"[target.a]
uses = "ingest_aei"
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown task `ingest_aei`
  --> Atsaffile:2:8
 2 | uses = "ingest_aei"
   |        ^^^^^^^^^^^^
  help: did you mean `ingest_eia`?
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_task_without_a_similar_one_lists_the_tasks() {
    const TEXT: &str = r#"[target.a]
uses = "fit"
output = "a"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: unknown task `fit`
  --> Atsaffile:2:8
 2 | uses = "fit"
   |        ^^^^^
  note: tasks: forecast_publish, ingest_eia, package_champion, prepare_clean, register_champion, train_backtest_select, validate_clean
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_missing_input_is_told() {
    const TEXT: &str = r#"[target.prepare]
uses = "prepare_clean"
outputs = { clean = "c", metadata = "m" }

[target.train]
uses = "train_backtest_select"
inputs = ["clean"]
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the task `prepare_clean` needs the input `raw`
  --> Atsaffile:1:9
 1 | [target.prepare]
   |         ^^^^^^^
  note: `raw`: one row an hour
  note: the task reads: raw
  help: name an artifact `raw` in `inputs`, or bind another to the role: `inputs = { raw = "a path" }`
error: the task `train_backtest_select` needs the input `validation`
  --> Atsaffile:7:1
 7 | inputs = ["clean"]
   | ^^^^^^
  note: `validation`: every rule with its verdict
  note: the task reads: clean, validation
  help: name an artifact `validation` in `inputs`, or bind another to the role: `inputs = { validation = "a path" }`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_extra_input_stands_for_one_that_is_missing_and_the_others_are_told() {
    const TEXT: &str = r#"[target.train]
uses = "train_backtest_select"
inputs = ["data/x.csv"]
outputs = { cv_results = "c", leaderboard = "l", selected = "s" }
"#;
    let said = mistakes(TEXT);
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        errors,
        [
            "error: the task `train_backtest_select` needs the input `validation`",
            "error: the task `train_backtest_select` has no input `data/x.csv`",
        ]
    );
}

#[test]
fn an_extra_input_is_told() {
    const TEXT: &str = r#"[target.validate]
uses = "validate_clean"
inputs = ["claen", "data/x.csv", "*.csv"]
outputs = { validation = "v" }

[target.claen]
run = "x > {{output}}"
output = "x"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the task `validate_clean` has no input `claen`
  --> Atsaffile:3:11
 3 | inputs = ["claen", "data/x.csv", "*.csv"]
   |           ^^^^^^^
  note: the task reads: clean
  help: did you mean `clean`?
error: the task `validate_clean` has no input `data/x.csv`
  --> Atsaffile:3:20
 3 | inputs = ["claen", "data/x.csv", "*.csv"]
   |                    ^^^^^^^^^^^^
  note: the task reads: clean
  help: bind the path to a role: `inputs = { clean = "data/x.csv" }`
error: the task `validate_clean` has no input `*.csv`
  --> Atsaffile:3:34
 3 | inputs = ["claen", "data/x.csv", "*.csv"]
   |                                  ^^^^^^^
  note: the task reads: clean
  help: name one file: a built-in task takes no patterns
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_input_of_a_task_is_one_file() {
    const TEXT: &str = r#"[target.validate]
uses = "validate_clean"
inputs = { clean = ["a.csv", "b.csv"] }
outputs = { validation = "v" }

[target.prepare]
uses = "prepare_clean"
inputs = { raw = "*.csv" }
outputs = { clean = "c", metadata = "m" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the input `clean` of the task `validate_clean` is one file, not several
  --> Atsaffile:3:30
 3 | inputs = { clean = ["a.csv", "b.csv"] }
   |                              ^^^^^^^
error: the input `raw` of the task `prepare_clean` is one file, not a pattern
  --> Atsaffile:8:18
 8 | inputs = { raw = "*.csv" }
   |                  ^^^^^^^
  help: name the file itself instead of `*.csv`
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_missing_artifact_is_told() {
    const TEXT: &str = r#"[target.prepare]
uses = "prepare_clean"
inputs = { raw = "raw.csv" }
outputs = { clean = "c" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the task `prepare_clean` needs a path for its artifact `metadata`
  --> Atsaffile:4:1
 4 | outputs = { clean = "c" }
   | ^^^^^^^
  note: `metadata`: what was repaired
  note: the task makes: clean, metadata
  help: add it: `outputs = { metadata = "a path" }`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_artifact_that_the_task_does_not_make_is_told() {
    const TEXT: &str = r#"[target.prepare]
uses = "prepare_clean"
inputs = { raw = "raw.csv" }
outputs = { claen = "c", metadata = "m" }

[target.validate]
uses = "validate_clean"
inputs = { clean = "c.csv" }
output = "v.json"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the task `prepare_clean` makes no artifact `claen`
  --> Atsaffile:4:13
 4 | outputs = { claen = "c", metadata = "m" }
   |             ^^^^^
  note: the task makes: clean, metadata
  help: did you mean `clean`?
error: the task `validate_clean` makes no artifact `validate`
  --> Atsaffile:9:1
 9 | output = "v.json"
   | ^^^^^^
  note: the task makes: validation
  help: did you mean `validation`?
  help: name the artifact: `outputs = { validation = "v.json" }`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_artifact_of_a_task_is_a_directory_where_the_task_says_so() {
    const TEXT: &str = r#"[target.package]
uses = "package_champion"
inputs = { clean = "c.csv" }
outputs = { model = "model" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the artifact `model` of the task `package_champion` is a directory, not a file
  --> Atsaffile:4:21
 4 | outputs = { model = "model" }
   |                     ^^^^^^^
  help: end the path with a `/`
"#;
    assert_eq!(said, expected);
    assert_eq!(mistakes(&TEXT.replace("\"model\"", "\"model/\"")), "");
}

#[test]
fn an_artifact_of_a_task_is_a_file() {
    const TEXT: &str = r#"[target.validate]
uses = "validate_clean"
inputs = { clean = "c.csv" }
outputs = { validation = "v/" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the artifact `validation` of the task `validate_clean` is a file, not a directory
  --> Atsaffile:4:26
 4 | outputs = { validation = "v/" }
   |                          ^^^^
  help: remove the `/` at the end of the path, or add a file's name
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_value_has_the_type_and_range_of_its_parameter() {
    const TEXT: &str = r#"[params]
horizon = "24"
level = 100
n_windows = 0
models = ["SeasonalNaiv", "HoltWinters", "Prophet"]
season_length = [24, 0]

[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `horizon` must be a whole number from 1 to 8760; found string "24"
  --> Atsaffile:2:11
 2 | horizon = "24"
   |           ^^^^
  note: the task `train_backtest_select` of the target `train` reads it
error: `level` must be a number between 0 and 100; found float 100.0
  --> Atsaffile:3:9
 3 | level = 100
   |         ^^^
  note: the task `train_backtest_select` of the target `train` reads it
error: `n_windows` must be a whole number from 1 to 50; found integer 0
  --> Atsaffile:4:13
 4 | n_windows = 0
   |             ^
  note: the task `train_backtest_select` of the target `train` reads it
error: each item of `models` must be one of SeasonalNaive, AutoARIMA, DynamicOptimizedTheta, HoltWinters, MSTL_ARIMA, MSTL_HoltWinters; found string "SeasonalNaiv"
  --> Atsaffile:5:11
 5 | models = ["SeasonalNaiv", "HoltWinters", "Prophet"]
   |           ^^^^^^^^^^^^^^
  note: the task `train_backtest_select` of the target `train` reads it
  help: did you mean `SeasonalNaive`?
error: each item of `models` must be one of SeasonalNaive, AutoARIMA, DynamicOptimizedTheta, HoltWinters, MSTL_ARIMA, MSTL_HoltWinters; found string "Prophet"
  --> Atsaffile:5:42
 5 | models = ["SeasonalNaiv", "HoltWinters", "Prophet"]
   |                                          ^^^^^^^^^
  note: the task `train_backtest_select` of the target `train` reads it
error: each item of `season_length` must be a whole number from 1 to 8760; found integer 0
  --> Atsaffile:6:22
 6 | season_length = [24, 0]
   |                      ^
  note: the task `train_backtest_select` of the target `train` reads it
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_wrong_value_that_two_tasks_read_is_told_once() {
    const TEXT: &str = r#"[params]
horizon = 0

[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }

[target.forecast]
uses = "forecast_publish"
inputs = { clean = "c.parquet", validation = "v.json", selected = "s" }
outputs = { predictions = "p" }
"#;
    let said = mistakes(TEXT);
    let expected = r"error: `horizon` must be a whole number from 1 to 8760; found integer 0
  --> Atsaffile:2:11
 2 | horizon = 0
   |           ^
  note: the task `train_backtest_select` of the target `train` reads it
  note: the task `forecast_publish` of the target `forecast` reads it
";
    assert_eq!(said, expected);
}

#[test]
fn a_missing_parameter_is_told() {
    const TEXT: &str = r#"[params]
source = "pages"
start_date = "2023-06-31"

[target.ingest]
uses = "ingest_eia"
outputs = { raw = "raw.parquet" }
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `start_date` must be a date such as 2023-06-01; found string "2023-06-31"
  --> Atsaffile:3:14
 3 | start_date = "2023-06-31"
   |              ^^^^^^^^^^^^
  note: the task `ingest_eia` of the target `ingest` reads it
error: the target `ingest` needs the parameter `end_date`
  --> Atsaffile:5:9
 5 | [target.ingest]
   |         ^^^^^^
  note: `end_date` of the task `ingest_eia`: last day; a date such as 2023-06-01, or "latest"
  help: declare it in `[params]`, or for this target alone in `with`
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_unknown_parameter_in_with_is_told() {
    const TEXT: &str = r#"[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
with = { horizn = 24, models = [], level = 200.0 }
"#;
    let said = mistakes(TEXT);
    let expected = r"error: the task `train_backtest_select` has no parameter `horizn`
  --> Atsaffile:5:10
 5 | with = { horizn = 24, models = [], level = 200.0 }
   |          ^^^^^^
  help: did you mean `horizon`?
error: `models` must be a list of SeasonalNaive, AutoARIMA, DynamicOptimizedTheta, HoltWinters, MSTL_ARIMA, MSTL_HoltWinters; found list []
  --> Atsaffile:5:32
 5 | with = { horizn = 24, models = [], level = 200.0 }
   |                                ^^
  note: the task `train_backtest_select` of the target `train` reads it
error: `level` must be a number between 0 and 100; found float 200.0
  --> Atsaffile:5:44
 5 | with = { horizn = 24, models = [], level = 200.0 }
   |                                            ^^^^^
  note: the task `train_backtest_select` of the target `train` reads it
";
    assert_eq!(said, expected);
}

#[test]
fn what_is_for_commands_is_not_for_tasks() {
    const TEXT: &str = r#"[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
params = ["horizon"]
direct = true
discover = "depfile"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: `params` is for commands
  --> Atsaffile:5:1
 5 | params = ["horizon"]
   | ^^^^^^
  note: a built-in task takes its parameters from `[params]` by itself
  help: to set a value for this target alone, write `with = { name = value }`
error: `direct` is for commands
  --> Atsaffile:6:1
 6 | direct = true
   | ^^^^^^
  help: remove it: a built-in task writes where it is told
error: `discover` is for commands
  --> Atsaffile:7:1
 7 | discover = "depfile"
   | ^^^^^^^^
  help: remove it: a built-in task reads what it declares
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_secret_that_the_task_cannot_use_is_told() {
    const TEXT: &str = r#"[secrets]
EIA_API_KEY = {}
MLFLOW_TOKEN = {}

[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
secrets = ["EIA_API_KEY"]

[params]
source = "pages"
start_date = "2023-06-01"
end_date = "2023-09-30"

[target.ingest]
uses = "ingest_eia"
outputs = { raw = "raw.parquet" }
secrets = ["MLFLOW_TOKEN"]
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the task `train_backtest_select` uses no secret `EIA_API_KEY`
  --> Atsaffile:9:12
 9 | secrets = ["EIA_API_KEY"]
   |            ^^^^^^^^^^^^^
  note: there are no secrets that it can use
error: the task `ingest_eia` uses no secret `MLFLOW_TOKEN`
   --> Atsaffile:19:12
 19 | secrets = ["MLFLOW_TOKEN"]
    |            ^^^^^^^^^^^^^^
  note: secrets that it can use: EIA_API_KEY
"#;
    assert_eq!(said, expected);
}

#[test]
fn an_artifact_under_another_name_can_be_bound() {
    const TEXT: &str = r#"[target.validate]
uses = "validate_clean"
inputs = ["series"]
outputs = { validation = "v" }

[target.series]
run = "x > {{output}}"
output = "x"
"#;
    let said = mistakes(TEXT);
    let expected = r#"error: the task `validate_clean` has no input `series`
  --> Atsaffile:3:11
 3 | inputs = ["series"]
   |           ^^^^^^^^
  note: the task reads: clean
  help: if it is meant as `clean`, write `inputs = { clean = "series" }`
"#;
    assert_eq!(said, expected);
}
