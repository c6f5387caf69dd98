//! All tasks in a row, on the bundled pages.

use std::fmt::Write as _;

use super::*;

pub(super) const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/eia");

/// The bundled pages of one summer month, through to what `train` reads.
fn prepared() -> TaskDirectory {
    let project = TaskDirectory::new();
    let params = [
        ("source", text(BUNDLED)),
        ("start_date", text("2023-06-01")),
        ("end_date", text("2023-07-31")),
    ];
    project.run("ingest_eia", &params).expect("raw");
    project.run("prepare_clean", &[]).expect("clean");
    project.run("validate_clean", &[]).expect("valid");
    project.log();
    project
}

pub(super) fn models(names: &[&str]) -> (&'static str, Value) {
    ("models", texts(names))
}

pub(super) const QUICK: [&str; 2] = ["LagRidge", "DoubleSeasonalHoltWinters"];

#[test]
fn the_pipeline_runs_from_pages_to_predictions() {
    let project = prepared();
    project
        .run("train_backtest_select", &[models(&QUICK)])
        .expect("selected");
    project.run("register_champion", &[]).expect("recorded");
    project.run("forecast_publish", &[]).expect("predictions");
    project.run("save_metrics_csv", &[]).expect("metrics");

    let cv = project.csv("cv_results");
    assert!(
        cv.starts_with("unique_id,ds,cutoff,y,model,yhat,lo,hi\nUS48_NG,2023-07-03 00:00:00,2023-07-02 23:00:00,"),
        "{cv}"
    );
    assert_eq!(cv.lines().count(), 1 + 2 * 5 * 24);

    let columns = "unique_id,model,rmse_mean,rmse_std,mae_mean,mape_mean,smape_mean,mase_mean,crps_mean,\
        coverage_mean,width_mean,msis_mean,windows,failed,reason,rank";
    let leaderboard = project.csv("leaderboard");
    assert_eq!(leaderboard.lines().next(), Some(columns));
    let metrics = std::fs::read_to_string(project.path("metrics")).expect("read");
    assert_eq!(metrics, leaderboard);

    let predictions = project.csv("predictions");
    assert!(
        predictions.starts_with("unique_id,ds,yhat,lo-95,hi-95,model\nUS48_NG,2023-08-01 00:00:00,"),
        "{predictions}"
    );
    assert_eq!(predictions.lines().count(), 1 + 24);

    let champion = project.json("champion");
    let selected = project.json("selected");
    assert_eq!(champion["models"], selected["models"]);
    assert_eq!(champion["series"][0]["unique_id"], "US48_NG");
    assert_eq!(champion["data"]["row_count"], 61 * 24);
    let winner = leaderboard
        .lines()
        .nth(1)
        .and_then(|line| line.split(',').nth(1))
        .expect("a winner");
    assert_eq!(champion["models"][0]["name"], winner);
    assert_eq!(champion["metrics"][winner]["rank"], 1);
    assert_eq!(champion["registered"], true);
    assert_eq!(champion["registration"]["alias"], "champion");
}

#[test]
fn every_artifact_carries_the_placeholder_and_the_target() {
    let project = prepared();
    project
        .run("train_backtest_select", &[models(&QUICK)])
        .expect("selected");
    for name in [
        "raw",
        "clean",
        "metadata",
        "validation",
        "cv_results",
        "leaderboard",
        "selected",
    ] {
        let bytes = std::fs::read(project.path(name)).expect("read");
        for word in [crate::engine::run_id::RUN_ID_PLACEHOLDER, "a_target"] {
            let count = bytes
                .windows(word.len())
                .filter(|window| *window == word.as_bytes())
                .count();
            assert_eq!(count, 1, "`{word}` in {name}");
        }
    }
}

#[test]
fn the_same_bytes_come_out_at_any_thread_count() {
    let digests = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        pool.install(|| {
            let project = prepared();
            project
                .run("train_backtest_select", &[models(&QUICK)])
                .expect("selected");
            project.run("register_champion", &[]).expect("recorded");
            project.run("forecast_publish", &[]).expect("predictions");
            [
                "raw",
                "clean",
                "metadata",
                "validation",
                "cv_results",
                "leaderboard",
                "selected",
                "champion",
                "predictions",
            ]
            .map(|name| (name, project.digest(name)))
        })
    };
    assert_eq!(digests(1), digests(2));
}

#[test]
fn one_more_loser_leaves_the_selection_as_it_is() {
    let project = prepared();
    project
        .run("train_backtest_select", &[models(&QUICK)])
        .expect("selected");
    let winner = project.json("selected")["models"][0]["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    let both = project.digest("selected");
    project
        .run("train_backtest_select", &[models(&[&winner])])
        .expect("selected");
    assert_eq!(project.digest("selected"), both);
    let reversed: Vec<&str> = QUICK.iter().rev().copied().collect();
    project
        .run("train_backtest_select", &[models(&reversed)])
        .expect("selected");
    assert_eq!(project.digest("selected"), both);
}

/// Remembers in memory.
#[derive(Default)]
pub(super) struct InMemory(Mutex<BTreeMap<Digest, Vec<u8>>>);

impl Memo for InMemory {
    fn get(&self, key: &Digest) -> Option<Vec<u8>> {
        self.0.lock().expect("no panic").get(key).cloned()
    }

    fn put(&self, key: &Digest, bytes: &[u8]) {
        self.0.lock().expect("no panic").insert(*key, bytes.to_vec());
    }
}

#[test]
fn what_was_forecast_before_is_remembered() {
    let mut project = prepared();
    let train = |project: &TaskDirectory, params: &[(&str, Value)]| {
        project.run("train_backtest_select", params).expect("selected");
        project.log().pop().expect("a line")
    };
    let without = {
        train(&project, &[models(&QUICK)]);
        ["cv_results", "leaderboard", "selected"].map(|name| project.digest(name))
    };
    project.memo = Box::new(InMemory::default());
    assert_eq!(
        train(&project, &[models(&QUICK[..1])]),
        "0 of 5 forecasts were remembered"
    );
    assert_eq!(train(&project, &[models(&QUICK)]), "5 of 10 forecasts were remembered");
    assert_eq!(
        train(&project, &[models(&QUICK), ("n_windows", Value::Int(6))]),
        "10 of 12 forecasts were remembered"
    );
    assert_eq!(
        train(&project, &[models(&QUICK), ("level", Value::Int(90))]),
        "0 of 10 forecasts were remembered"
    );
    assert_eq!(train(&project, &[models(&QUICK)]), "10 of 10 forecasts were remembered");
    assert_eq!(
        ["cv_results", "leaderboard", "selected"].map(|name| project.digest(name)),
        without
    );
    project.run("forecast_publish", &[]).expect("predictions");
    project.log();
    project.run("forecast_publish", &[]).expect("predictions");
    assert_eq!(project.log(), ["0 fits in 0.00 s, 1 remembered"]);
}

#[test]
fn a_series_that_is_too_short_says_how_long_it_must_be() {
    let project = prepared();
    let expected = "the series `US48_NG` has 1464 values; the back-test needs at least 1561
note: 10 windows, 168 steps apart, of 24 steps, after more than one season of 24
help: lower one of these: `n_windows` to 9, `step_size` to 157; or take a longer span of data, of 1561 steps";
    assert_eq!(
        reported(project.run("train_backtest_select", &[("n_windows", Value::Int(10))])),
        expected
    );
}

#[test]
fn several_levels_and_conformal_intervals() {
    let project = prepared();
    let levels = ("level", Value::List(vec![Value::Int(95), Value::Int(80)]));
    let params = [models(&QUICK), levels.clone(), ("intervals", text("conformal"))];
    project.run("train_backtest_select", &params).expect("selected");
    project.run("forecast_publish", &[levels]).expect("predictions");
    let cv = project.csv("cv_results");
    assert!(
        cv.starts_with("unique_id,ds,cutoff,y,model,yhat,lo-80,hi-80,lo-95,hi-95\n"),
        "{cv}"
    );
    let names = ["lo-95", "lo-80", "yhat", "hi-80", "hi-95"].map(|name| project.numbers("predictions", name));
    for pair in names.windows(2) {
        assert!(pair[0].iter().zip(&pair[1]).all(|(low, high)| low < high));
    }
    let expected = "the intervals of level 90 were not calibrated
help: give the back-test and the forecast the same `level`, in `[params]`";
    assert_eq!(
        reported(project.run("forecast_publish", &[("level", Value::Int(90))])),
        expected
    );
    let expected = "conformal intervals need a back-test of at least two windows
help: raise `n_windows`, or set `intervals = \"own\"`";
    let one = [("intervals", text("conformal")), ("n_windows", Value::Int(1))];
    assert_eq!(reported(project.run("train_backtest_select", &one)), expected);
}

/// Series of two months by hour as CSV: a day's pattern, and something that no model knows.
pub(super) fn two_series(second_has: i64) -> String {
    let mut text = String::from("unique_id,ds,y\n");
    for (id, hours, level) in [("A", 1000, 1000), ("B", second_has, 10)] {
        for hour in 0..hours {
            let time = chrono::NaiveDate::from_ymd_opt(2024, 1, 1)
                .expect("a day")
                .and_hms_opt(0, 0, 0)
                .expect("a time")
                + chrono::TimeDelta::hours(hour);
            let odd = (hour * hour * 7919 + hour * 104_729) % 23;
            let y = level * (100 + (hour % 24) * (24 - hour % 24)) + level * odd;
            writeln!(text, "{id},{time},{y}").expect("into memory");
        }
    }
    text
}

pub(super) fn on_csv(project: &TaskDirectory, csv: &str, params: &[(&str, Value)]) -> Result<(), TaskError> {
    project
        .write("series.csv", csv)
        .write("validation.json", r#"{"status":"valid"}"#);
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    project.run_on("train_backtest_select", params, &inputs)?;
    project.run_on("forecast_publish", &[], &inputs)
}

#[test]
fn anybodys_series_are_forecast_together_each_or_as_an_ensemble() {
    let project = TaskDirectory::new();
    for (select, combined) in [("overall", false), ("per_series", false), ("ensemble", true)] {
        let params = [models(&QUICK), ("n_windows", Value::Int(2)), ("select", text(select))];
        on_csv(&project, &two_series(1000), &params).expect("predictions");
        let selected = project.json("selected");
        assert_eq!(selected["select"], select);
        assert_eq!(selected["series"][1]["unique_id"], "B");
        let members = selected["series"][0]["members"].as_array().expect("members").len();
        assert_eq!(members, if combined { 2 } else { 1 });
        let predictions = project.csv("predictions");
        assert_eq!(predictions.lines().count(), 1 + 2 * 24);
        assert_eq!(
            predictions.contains("Ensemble(LagRidge, DoubleSeasonalHoltWinters)"),
            combined
        );
    }
}

#[test]
fn a_model_that_fails_is_reported_and_stops_nobody() {
    let project = TaskDirectory::new();
    // The double season starts from two weeks, which the past of `B` falls short of.
    let params = [
        models(&["DoubleSeasonalHoltWinters", "LagRidge"]),
        ("n_windows", Value::Int(1)),
        ("ended_after", Value::Int(1000)),
    ];
    on_csv(&project, &two_series(340), &params).expect("predictions");
    assert_eq!(
        project.texts("leaderboard", "model")[..2],
        ["LagRidge", "DoubleSeasonalHoltWinters"]
    );
    let reason = &project.texts("leaderboard", "reason")[1];
    assert!(
        reason.starts_with("`B` at the cutoff 2024-01-14 03:00:00: DoubleSeasonalHoltWinters needs at least "),
        "{reason}"
    );
}
