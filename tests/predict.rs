//! `atsaf predict`: a packaged model on newer history, without a project.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use snapbox::str;

use crate::project::{Project, Told};

const ATSAFFILE: &str = r#"
[params]
horizon   = 7
level     = [80, 95]
models    = ["SeasonalNaive", "LagRidge"]
select    = "ensemble"
intervals = "conformal"

[target.train]
uses    = "train_backtest_select"
inputs  = { clean = "series.csv", validation = "validation.json" }
outputs = { cv_results = "cv.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }
with    = { n_windows = 2, step_size = 7, season_length = [7, 14] }

[target.forecast]
uses    = "forecast_publish"
inputs  = { clean = "series.csv", validation = "validation.json", selected = "selected" }
outputs = { predictions = "predictions.parquet" }

[target.package]
uses    = "package_champion"
inputs  = { clean = "series.csv", validation = "validation.json", selected = "selected" }
outputs = { model = "model/", picture = "forecast.svg" }
"#;

/// So many days of two series.
fn series(days: u32) -> String {
    let mut text = "unique_id,ds,y\n".to_owned();
    for (name, level) in [("north", 100), ("south", 7)] {
        for day in 0..days {
            let date = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day") + chrono::Days::new(day.into());
            let y = level * (40 + day % 7 * 3 + (day * day * 7919 + day * 104_729) % 23);
            writeln!(text, "{name},{date},{y}").expect("into memory");
        }
    }
    text
}

/// A project whose champion is packaged.
fn packaged() -> Project {
    let project = Project::new(ATSAFFILE);
    project.write("series.csv", series(120));
    project.write("validation.json", r#"{"status": "valid"}"#);
    project.build("predictions package").ok();
    project
}

/// `atsaf predict` in a directory without an Atsaffile above it.
fn predict(project: &Project, args: &str) -> Told {
    let elsewhere = project.at("../elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_atsaf"));
    let args = args.split_whitespace();
    Told::of(
        command
            .arg("predict")
            .args(args)
            .current_dir(elsewhere)
            .env_clear()
            .stdin(Stdio::null()),
    )
}

#[test]
fn the_history_of_the_pipeline_gives_what_the_package_holds() {
    let project = packaged();
    let told = predict(&project, "../project/model --history ../project/series.csv --json");
    told.ok();
    let json: serde_json::Value = serde_json::from_str(&told.text).expect("JSON");
    assert_eq!(json["horizon"], 7);
    let model: serde_json::Value = serde_json::from_str(&project.read("model/model.json")).expect("JSON");
    let mut rows = json["predictions"].as_array().expect("rows").iter();
    for series in model["series"].as_array().expect("series") {
        assert_eq!(series["model"], "Ensemble(SeasonalNaive, LagRidge)");
        for step in 0..7 {
            let row = rows.next().expect("a row").as_object().expect("columns");
            assert_eq!(row["unique_id"], series["unique_id"]);
            let columns = series["forecast"].as_object().expect("columns");
            for (name, values) in columns {
                assert_eq!(row[name], values[step], "{name} at {step}");
            }
            assert_eq!(row.len(), columns.len() + 2);
        }
    }
    assert!(rows.next().is_none());
    // The file of the model, and its directory, are one.
    let file = "../project/model/model.json --history ../project/series.csv --json";
    assert_eq!(predict(&project, file).text, told.text);
}

#[test]
fn newer_history_goes_on_from_its_own_end_for_any_horizon() {
    let project = packaged();
    project.write("newer.csv", series(130));
    let newer = "../project/model --history ../project/newer.csv";
    let json = predict(&project, &format!("{newer} --horizon 2 --json"));
    json.ok();
    let json: serde_json::Value = serde_json::from_str(&json.text).expect("JSON");
    let csv = predict(&project, &format!("{newer} --horizon 2 --csv"));
    csv.ok();
    let (head, lines) = csv.text.split_once('\n').expect("lines");
    assert_eq!(head, "unique_id,ds,yhat,lo-80,hi-80,lo-95,hi-95,model");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4);
    for (line, row) in lines.iter().zip(json["predictions"].as_array().expect("rows")) {
        // The name of an ensemble has commas, and stands in quotes.
        let fields: Vec<&str> = line.splitn(8, ',').collect();
        for (name, field) in head.split(',').zip(fields) {
            match row[name].as_f64() {
                Some(number) => assert_eq!(field.parse(), Ok(number), "{name}"),
                None => assert_eq!(field.trim_matches('"'), row[name].as_str().expect("a text"), "{name}"),
            }
        }
    }
    predict(&project, "../project/model --history ../project/newer.csv --horizon 2").is(
        0,
        str![[r#"
unique_id  ds                       yhat     lo-80     hi-80     lo-95      hi-95  model
north      [MOMENT]  6073.293  5112.358  7214.849  4645.164   7940.494  Ensemble(SeasonalNaive, LagRidge)
north      [MOMENT]  7989.214  6692.496  9537.181  6064.461  10524.850  Ensemble(SeasonalNaive, LagRidge)
south      [MOMENT]   425.131   357.865   505.039   325.161    555.835  Ensemble(SeasonalNaive, LagRidge)
south      [MOMENT]   559.245   468.475   667.603   424.512    736.740  Ensemble(SeasonalNaive, LagRidge)

"#]],
    );
    let far = predict(
        &project,
        "../project/model --history ../project/newer.csv --horizon 500 --csv",
    );
    assert_eq!(far.text.lines().count(), 1 + 2 * 500, "{}", far.text);
}

#[test]
fn what_cannot_be_predicted_is_told_with_the_next_step() {
    let project = packaged();
    let wrong = |args: &str, code: i32| {
        let told = predict(&project, args);
        assert_eq!(told.code, Some(code), "{}", told.text);
        told.text
    };
    let mut all = String::new();
    all += &wrong("../project/models --history ../project/series.csv", 1);
    all += &wrong("../project/validation.json --history ../project/series.csv", 1);
    all += &wrong("../project/model --history ../project/none.csv", 1);
    all += &wrong("../project/model --history ../project/validation.json", 1);
    project.write("other.csv", series(120).replace("south", "west"));
    all += &wrong("../project/model --history ../project/other.csv", 1);
    project.write("short.csv", series(9));
    all += &wrong("../project/model --history ../project/short.csv", 1);
    project.write("gap.csv", series(120).replace("north,2024-02-01,", "north,2023-12-31,"));
    all += &wrong("../project/model --history ../project/gap.csv", 1);
    let text = project.read("model/model.json");
    project.write("other.json", text.replace("\"LagRidge\":2", "\"LagRidge\":7"));
    all += &wrong("../project/other.json --history ../project/series.csv", 1);
    project.write("later.json", text.replace("atsaf.model/1", "atsaf.model/2"));
    all += &wrong("../project/later.json --history ../project/series.csv", 1);
    all += &wrong("../project/model --history ../project/series.csv --horizon 10001", 2);
    snapbox::assert_data_eq!(
        all,
        str![[r#"
error: cannot read the model `../project/models`: No such file or directory (os error 2)
  help: name the directory of a model that the task `package_champion` wrote, or the `model.json` in it
error: cannot read the model `../project/validation.json`: it is no packaged model: missing field `format` at line 1 column 19
  help: name the directory of a model that the task `package_champion` wrote, or the `model.json` in it
error: cannot read `history`: No such file or directory (os error 2)
error: `history` is not readable as Parquet: it does not begin and end with `PAR1`
  help: a file of comma-separated values must end in `.csv` or `.csv.gz`
error: the model has no series `west`
  note: its series: `north`, `south`
  help: take the rows of other series out of the history
error: `LagRidge` cannot forecast the series `north`: LagRidge needs at least 62 values, found 9
  help: give more of that series, or take it out of the history
error: the series `north` has no value at 2024-02-01 00:00:00
  note: models need finite values at regular steps
  help: the task `prepare_clean` mends duplicates, gaps and values that are not finite; its `max_gap` says how long a gap it fills
error: `selected` was made with another version of the model `LagRidge`
  note: it has `LagRidge` version 7; this atsaf has `LagRidge` version 2
  note: `selected` is what stands under that name in the packaged model
  help: build it again, with the task `train_backtest_select`
error: cannot read the model `../project/later.json`: its format is `atsaf.model/2`; this atsaf reads `atsaf.model/1`
  help: name the directory of a model that the task `package_champion` wrote, or the `model.json` in it
error: invalid value '10001' for '--horizon <N>': 10001 is not in 1..=10000

For more information, try '--help'.

"#]]
    );
}
