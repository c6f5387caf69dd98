//! What the comparison of models chooses, and that its lines are those of what is forecast.

use std::fmt::Write as _;

use super::pipeline::{InMemory, QUICK, models, on_csv, two_series};
use super::*;
use crate::forecasting::cached_fit::CandidateModel;
use crate::forecasting::models::{FitError, Fitted, Forecast, Interval, Model};
use crate::forecasting::{metrics, train};

const THREE: [&str; 3] = ["SeasonalNaive", "LagRidge", "DoubleSeasonalHoltWinters"];

/// Forecasts the same value always.
#[derive(Clone, Debug)]
struct Flat(f64);

impl Model for Flat {
    fn fit(&self, _: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        Ok(Box::new(self.clone()))
    }
}

impl Fitted for Flat {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let path = |shift: f64| vec![self.0 + shift; horizon];
        let interval = |&level: &f64| Interval {
            level,
            lower: path(-level),
            upper: path(level),
        };
        Forecast {
            mean: path(0.0),
            intervals: levels.iter().map(interval).collect(),
        }
    }

    fn summary(&self) -> Vec<(&'static str, crate::forecasting::models::Estimate)> {
        Vec::new()
    }
}

/// One that suits the first of the two series, and one that suits the second.
fn high_and_low(_: &Context<'_>, _: &[usize]) -> Vec<CandidateModel> {
    let flat = |name: &str, value| CandidateModel {
        name: name.to_owned(),
        parts: Vec::new(),
        model: Flat(value).into(),
    };
    vec![flat("High", 200_000.0), flat("Low", 2_000.0)]
}

/// Compares the two on both series; gives the names of each line of the leaderboard, and its rank.
fn high_and_low_compared(project: &TaskDirectory, select: &str) -> Vec<[String; 3]> {
    project
        .write("series.csv", &two_series(1000))
        .write("validation.json", r#"{"status":"valid"}"#);
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    let params = [("n_windows", Value::Int(2)), ("select", text(select))];
    let run = |_: &dyn Task, context: &mut Context<'_>| {
        train::compare(context, |context, seasons| Ok(high_and_low(context, seasons)))
    };
    project
        .with("train_backtest_select", &params, &inputs, run)
        .expect("selected");
    let columns = ["unique_id", "model", "rank"].map(|name| project.texts("leaderboard", name));
    (0..columns[0].len())
        .map(|row| [0, 1, 2].map(|at| columns[at][row].clone()))
        .collect()
}

#[test]
fn the_leaderboard_has_all_series_together_and_then_each() {
    let project = TaskDirectory::new();
    let models = [
        ["", "Low", "1"],
        ["", "High", "2"],
        ["A", "High", "1"],
        ["A", "Low", "2"],
        ["B", "Low", "1"],
        ["B", "High", "2"],
    ];
    assert_eq!(high_and_low_compared(&project, "overall"), models);
    let overall = project.numbers("leaderboard", "mae_mean");
    assert!((overall[0] - f64::midpoint(overall[3], overall[4])).abs() < 1e-9 * overall[0]);
}

#[test]
fn the_first_line_is_what_will_be_forecast() {
    let project = TaskDirectory::new();
    let lines = high_and_low_compared(&project, "per_series");
    assert_eq!(lines[0], ["", "per_series", ""]);
    assert_eq!(lines[1], ["", "Low", "1"]);
    assert_eq!(lines.len(), 7, "the best of a series has its line already");
    let errors = project.numbers("leaderboard", "mae_mean");
    assert!((errors[0] - f64::midpoint(errors[3], errors[5])).abs() < 1e-9 * errors[0]);
    assert!(!project.csv("cv_results").contains("per_series"));

    let lines = high_and_low_compared(&project, "ensemble");
    // Equal ones have one name, whichever member is the best.
    assert_eq!(lines[0], ["", "Ensemble(High, Low)", ""]);
    assert_eq!(lines[3], ["A", "Ensemble(High, Low)", ""]);
    assert_eq!(lines[6], ["B", "Ensemble(High, Low)", ""]);
    assert_eq!(lines.len(), 9);
    for series in 0..2 {
        let selected = &project.json("selected")["series"][series];
        let first = ["High", "Low"][series];
        assert_eq!(selected["members"][0]["model"], first);
    }
}

/// Two weeks and more of a plant that stands still at night, by hour, with clouds.
pub(super) fn solar(hours: i64) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let mut text = String::from("unique_id,ds,y\n");
    for hour in 0..hours {
        let time = start.expect("a time") + chrono::TimeDelta::hours(hour);
        let height = 36 - (hour % 24 - 12) * (hour % 24 - 12);
        let clouds = (hour / 24 * 7919 + hour * 31) % 13;
        writeln!(text, "SUN,{time},{}", height.max(0) * (20 - clouds)).expect("into memory");
    }
    text
}

#[test]
fn the_line_of_the_ensemble_is_that_of_its_forecasts() {
    let mut project = TaskDirectory::new();
    project.memo = Box::new(InMemory::default());
    let params = [
        models(&THREE),
        ("n_windows", Value::Int(3)),
        ("step_size", Value::Int(24)),
        ("select", text("ensemble")),
        ("non_negative", Value::Bool(true)),
    ];
    on_csv(&project, &solar(1000), &params).expect("predictions");
    project
        .run_on("register_champion", &[], &[("clean", "series.csv")])
        .expect("recorded");

    // The rows of the ensemble, which come after those of the models.
    let names = project.texts("cv_results", "model");
    let first = 3 * 3 * 24;
    assert_eq!(names.len(), first + 3 * 24);
    let name = &names[first];
    assert!(name.starts_with("Ensemble(") && names[first..].iter().all(|other| other == name));
    assert_eq!(&project.texts("predictions", "model")[0], name);

    let (y, yhat) = (
        project.numbers("cv_results", "y"),
        project.numbers("cv_results", "yhat"),
    );
    let windows = (0..3).map(|window| first + window * 24..first + (window + 1) * 24);
    let errors: Vec<f64> = windows
        .map(|rows| metrics::rmse(&y[rows.clone()], &yhat[rows]))
        .collect();
    assert_eq!(&project.texts("leaderboard", "model")[0], name);
    let reported = project.numbers("leaderboard", "rmse_mean")[0];
    assert!((reported - metrics::mean(&errors)).abs() < 1e-9 * reported);
    let champion = project.json("champion");
    assert_eq!(champion["metrics"][name.as_str()]["rmse_mean"], reported);
    assert_eq!(champion["metrics"].as_object().expect("metrics").len(), 4);

    // The forecast that would have been made at the last cutoff is the last window's, and nothing is fitted for it.
    project.log();
    project.write("before.csv", &solar(1000 - 24));
    let inputs = [("clean", "before.csv"), ("validation", "validation.json")];
    project.run_on("forecast_publish", &[], &inputs).expect("predictions");
    assert_eq!(project.log(), ["0 fits in 0.00 s, 3 remembered"]);
    for (published, tested) in [("yhat", "yhat"), ("lo-95", "lo"), ("hi-95", "hi")] {
        let tested = project.numbers("cv_results", tested);
        assert_eq!(project.numbers("predictions", published), tested[tested.len() - 24..]);
    }
}

#[test]
fn nothing_is_below_zero_where_that_is_asked_for() {
    let lowest = |select: &str, intervals: &str, non_negative: bool| {
        let project = TaskDirectory::new();
        let params = [
            models(&THREE),
            ("n_windows", Value::Int(3)),
            ("select", text(select)),
            ("intervals", text(intervals)),
            ("non_negative", Value::Bool(non_negative)),
        ];
        on_csv(&project, &solar(1000), &params).expect("predictions");
        let columns = [
            ("cv_results", ["yhat", "lo", "hi"]),
            ("predictions", ["yhat", "lo-95", "hi-95"]),
        ];
        columns.map(|(name, columns)| {
            let values = columns.iter().flat_map(|column| project.numbers(name, column));
            values.fold(f64::INFINITY, f64::min)
        })
    };
    for select in ["overall", "ensemble"] {
        for intervals in ["own", "conformal"] {
            let raised = lowest(select, intervals, true);
            assert!(
                raised.iter().all(|lowest| *lowest >= 0.0),
                "{select} {intervals} {raised:?}"
            );
            let free = lowest(select, intervals, false);
            assert!(free.iter().all(|lowest| *lowest < 0.0), "{select} {intervals} {free:?}");
        }
    }
}

#[test]
fn an_ensemble_has_the_size_and_the_rule_that_were_asked_for() {
    let project = TaskDirectory::new();
    let selected = |size: i64, rule: &str| {
        let params = [
            models(&THREE),
            ("n_windows", Value::Int(2)),
            ("select", text("ensemble")),
            ("ensemble_size", Value::Int(size)),
            ("ensemble_rule", text(rule)),
        ];
        on_csv(&project, &two_series(1000), &params).expect("predictions");
        let series = project.json("selected")["series"][0].take();
        let members = series["members"].as_array().expect("members").len();
        (members, series["combine"].as_str().expect("a word").to_owned())
    };
    assert_eq!(selected(1, "weighted"), (1, "mean".to_owned()));
    assert_eq!(selected(2, "weighted"), (2, "mean".to_owned()));
    assert_eq!(selected(3, "weighted"), (3, "mean".to_owned()));
    assert_eq!(selected(3, "median"), (3, "median".to_owned()));
    assert_eq!(selected(9, "median"), (3, "median".to_owned()));
}

#[test]
fn an_ensemble_of_one_is_the_best_model() {
    let project = TaskDirectory::new();
    let choose = |select: &str| {
        let params = [
            models(&QUICK),
            ("select", text(select)),
            ("ensemble_size", Value::Int(1)),
        ];
        on_csv(&project, &solar(1000), &params).expect("predictions");
        ["cv_results", "leaderboard", "predictions"].map(|name| project.digest(name))
    };
    assert_eq!(choose("ensemble"), choose("overall"));
}
