//! Intervals that are calibrated on the back-test: what they know, and what becomes of a panel that is too small.

use std::fmt::Write as _;

use super::pipeline::{models, on_csv, two_series};
use super::*;

/// Models that take no time.
const CHEAP: [&str; 3] = ["SeasonalNaive", "HistoricAverage", "Naive"];

const HOURS: i64 = 600;

/// Series of their own levels and errors, with a day's pattern; the last day times `factor`.
fn panel(count: i64, factor: i64) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let mut text = String::from("unique_id,ds,y\n");
    for series in 0..count {
        for hour in 0..HOURS {
            let time = start.expect("a time") + chrono::TimeDelta::hours(hour);
            let odd = ((hour + 1000 * series).wrapping_mul(0x9E37_79B9) >> 9) % (10 + 7 * series);
            let y = 1000 + 10 * (hour % 24) * (24 - hour % 24) + odd;
            let y = if hour >= HOURS - 24 { factor * y } else { y };
            writeln!(text, "S{series:02},{time},{y}").expect("into memory");
        }
    }
    text
}

fn with(intervals: &str, more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let mut params = vec![
        models(&CHEAP),
        ("n_windows", Value::Int(4)),
        ("step_size", Value::Int(24)),
        ("intervals", text(intervals)),
    ];
    params.extend(more.iter().cloned());
    params
}

/// By window, the earliest first: all forecasts and bounds of the back-test.
fn windows(project: &TaskDirectory) -> Vec<Vec<[f64; 3]>> {
    let cutoffs = project.csv("cv_results");
    let cutoffs = cutoffs.lines().skip(1).filter_map(|line| line.split(',').nth(2));
    let columns = ["yhat", "lo", "hi"].map(|name| project.numbers("cv_results", name));
    let mut windows: BTreeMap<&str, Vec<[f64; 3]>> = BTreeMap::new();
    for (row, cutoff) in cutoffs.enumerate() {
        windows
            .entry(cutoff)
            .or_default()
            .push([0, 1, 2].map(|at| columns[at][row]));
    }
    windows.into_values().collect()
}

#[test]
fn the_intervals_of_a_window_know_no_errors_of_that_window_not_even_those_of_other_series() {
    let project = TaskDirectory::new();
    for intervals in ["conformal", "pooled"] {
        let [before, after] = [1, 3].map(|factor| {
            on_csv(&project, &panel(26, factor), &with(intervals, &[])).expect("predictions");
            windows(&project)
        });
        assert_eq!(before.len(), 4);
        assert_eq!(
            before[3], after[3],
            "{intervals}: the last window, whose values are others"
        );
        for window in 0..3 {
            assert_ne!(
                before[window], after[window],
                "{intervals}: calibrated on the last one, too"
            );
            let yhat = |rows: &[[f64; 3]]| rows.iter().map(|row| row[0]).collect::<Vec<_>>();
            assert_eq!(yhat(&before[window]), yhat(&after[window]));
        }
    }
}

#[test]
fn a_panel_has_pooled_intervals_of_every_level_for_one_model_or_an_ensemble() {
    let project = TaskDirectory::new();
    let levels = ("level", Value::List(vec![Value::Int(95), Value::Int(80)]));
    for select in ["overall", "ensemble"] {
        let predictions = |intervals: &str| {
            let params = with(intervals, &[("select", text(select)), levels.clone()]);
            project
                .write("series.csv", &panel(26, 1))
                .write("validation.json", r#"{"status":"valid"}"#);
            let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
            project
                .run_on("train_backtest_select", &params, &inputs)
                .expect("selected");
            project
                .run_on("forecast_publish", std::slice::from_ref(&levels), &inputs)
                .expect("predictions");
            ["lo-95", "lo-80", "yhat", "hi-80", "hi-95"].map(|name| project.numbers("predictions", name))
        };
        let conformal = predictions("conformal");
        project.log();
        let pooled = predictions("pooled");
        assert!(project.log().iter().all(|line| !line.starts_with("warning")));
        for pair in pooled.windows(2) {
            // Where the largest error that was seen bounds both, two levels are one.
            assert!(pair[0].iter().zip(&pair[1]).all(|(low, high)| low <= high));
            let apart = pair[0].iter().zip(&pair[1]).filter(|(low, high)| low < high).count();
            assert!(2 * apart > pair[0].len(), "{apart} of {}", pair[0].len());
        }
        assert_eq!(pooled[2], conformal[2], "{select}");
        assert_ne!(pooled[0], conformal[0], "{select}");
        for series in project.json("selected")["series"].as_array().expect("series") {
            let reach = |at: usize| series["conformal"]["reaches"][at]["widths"].as_f64().expect("a number");
            assert!(reach(0) < reach(1));
            assert_eq!(
                series["conformal"]["grain"].as_f64(),
                Some(0.1),
                "its values are whole numbers"
            );
        }
    }
}

#[test]
fn with_few_series_intervals_that_were_to_be_pooled_are_conformal_and_the_build_says_so() {
    let project = TaskDirectory::new();
    let of = |intervals: &str| {
        project.log();
        on_csv(&project, &two_series(1000), &with(intervals, &[])).expect("predictions");
        ["cv_results", "leaderboard", "selected", "predictions"].map(|name| project.digest(name))
    };
    let conformal = of("conformal");
    assert_eq!(of("pooled"), conformal);
    let told = "2 of 2 series have conformal intervals: pooled ones need 25 series that the same models forecast in all \
                windows, and that change from season to season";
    let log = project.log();
    assert!(log.contains(&format!("warning: {told}")), "{log:?}");
    assert!(log.contains(&format!("{told}; these have not: A, B")), "{log:?}");
    let expected = "pooled intervals need a back-test of at least two windows
help: raise `n_windows`, or set `intervals = \"own\"`";
    let one = [("intervals", text("pooled")), ("n_windows", Value::Int(1))];
    assert_eq!(reported(on_csv(&project, &two_series(1000), &one)), expected);
}
