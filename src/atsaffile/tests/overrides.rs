//! What is wrong with values from the command line.

use super::mistakes_with;

#[test]
fn an_unknown_parameter_on_the_command_line_is_told() {
    const TEXT: &str = r#"[params]
horizon = 24

[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
"#;
    let said = mistakes_with(TEXT, &[("horizn", "48"), ("zzz", "1"), ("stepsize", "2")]);
    let expected = r"error: unknown parameter `horizn` in `-s horizn=48`
  help: did you mean `horizon`?
error: unknown parameter `zzz` in `-s zzz=1`
  note: parameters: horizon, level, models, n_windows, season_length, step_size
error: unknown parameter `stepsize` in `-s stepsize=2`
  help: did you mean `step_size`?
";
    assert_eq!(said, expected);
}

#[test]
fn a_value_of_the_command_line_has_the_declared_type() {
    const TEXT: &str = r#"[params]
horizon = 24
level = 95
ratio = 0.5
quick = true
day = 2023-06-01
name = "x"
models = ["a", "b"]
sizes = [1, 2]

"#;
    let said = mistakes_with(
        TEXT,
        &[
            ("horizon", "4.5"),
            ("ratio", "much"),
            ("quick", "yes"),
            ("day", "june"),
            ("sizes", "1,b"),
            ("models", "[1]"),
        ],
    );
    let expected = r#"error: `-s horizon=4.5` must give a whole number
  --> Atsaffile:2:11
 2 | horizon = 24
   |           ^^ of the same type as the declared value
error: `-s ratio=much` must give a number
  --> Atsaffile:4:9
 4 | ratio = 0.5
   |         ^^^ of the same type as the declared value
error: `-s quick=yes` must give true or false
  --> Atsaffile:5:9
 5 | quick = true
   |         ^^^^ of the same type as the declared value
error: `-s day=june` must give a date such as 2023-06-01
  --> Atsaffile:6:7
 6 | day = 2023-06-01
   |       ^^^^^^^^^^ of the same type as the declared value
error: `-s models=[1]` must give a list such as `a,b` or `["a", "b"]`, of items of the declared type
  --> Atsaffile:8:10
 8 | models = ["a", "b"]
   |          ^^^^^^^^^^ of the same type as the declared value
error: `-s sizes=1,b` must give a list such as `a,b` or `["a", "b"]`, of items of the declared type
  --> Atsaffile:9:9
 9 | sizes = [1, 2]
   |         ^^^^^^ of the same type as the declared value
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_value_of_the_command_line_has_the_range_of_its_parameter() {
    const TEXT: &str = r#"[params]
horizon = 24
models = ["HoltWinters"]

[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
"#;
    let said = mistakes_with(
        TEXT,
        &[
            ("horizon", "0"),
            ("level", "100"),
            ("models", "HoltWinters,MSTL_ARMA"),
            ("n_windows", "many"),
        ],
    );
    let expected = r#"error: `horizon` must be a whole number from 1 to 8760; found integer 0
  --> Atsaffile:2:11
 2 | horizon = 24
   |           ^^ declared here
  note: the value is set on the command line with `-s`
  note: the task `train_backtest_select` of the target `train` reads it
error: each item of `models` must be one of SeasonalNaive, AutoARIMA, DynamicOptimizedTheta, HoltWinters, MSTL_ARIMA, MSTL_HoltWinters; found string "MSTL_ARMA"
  --> Atsaffile:3:10
 3 | models = ["HoltWinters"]
   |          ^^^^^^^^^^^^^^^ declared here
  note: the value is set on the command line with `-s`
  note: the task `train_backtest_select` of the target `train` reads it
  help: did you mean `MSTL_ARIMA`?
error: `-s n_windows=many` must give a whole number
error: `level` must be a number between 0 and 100; found float 100.0
  note: the value is set on the command line with `-s`
  note: the task `train_backtest_select` of the target `train` reads it
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_value_that_with_outweighs_is_warned_of() {
    const TEXT: &str = r#"[target.train]
uses = "train_backtest_select"
inputs = { clean = "c.parquet", validation = "v.json" }
outputs = { cv_results = "cv", leaderboard = "l", selected = "s" }
with = { horizon = 24 }
"#;
    let said = mistakes_with(TEXT, &[("horizon", "48")]);
    let expected = r"warning: `-s horizon=48` changes nothing for the target `train`
  --> Atsaffile:5:20
 5 | with = { horizon = 24 }
   |                    ^^
  note: its `with` sets a value for this target alone, which counts before the project's
  help: change it here, or remove it from `with`
";
    assert_eq!(said, expected);
}

#[test]
fn a_parameter_of_an_unknown_task_is_not_told_as_well() {
    const TEXT: &str = r#"[target.a]
uses = "trian"
output = "a"
"#;
    let said = mistakes_with(TEXT, &[("horizon", "48")]);
    let expected = r#"error: unknown task `trian`
  --> Atsaffile:2:8
 2 | uses = "trian"
   |        ^^^^^^^
  note: tasks: forecast_publish, ingest_eia, package_champion, prepare_clean, register_champion, train_backtest_select, validate_clean
"#;
    assert_eq!(said, expected);
}

#[test]
fn of_two_values_for_one_parameter_the_later_counts() {
    const TEXT: &str = r"[params]
horizon = 24
";
    let said = mistakes_with(TEXT, &[("horizon", "x"), ("horizon", "y")]);
    let expected = r"error: `-s horizon=y` must give a whole number
  --> Atsaffile:2:11
 2 | horizon = 24
   |           ^^ of the same type as the declared value
";
    assert_eq!(said, expected);
}
