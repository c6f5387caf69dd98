//! Models that fail, series that nobody can forecast, and a back-test that is stopped.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::pipeline::{InMemory, QUICK, models, on_csv, two_series};
use super::*;
use crate::forecasting::cached_fit::CandidateModel;
use crate::forecasting::models::seasonal_naive::SeasonalNaive;
use crate::forecasting::models::{FitError, Fitted, Model};
use crate::forecasting::{registry, train};

/// Forecasts the value of a day ago, after it did something with the number of values.
struct Odd<F>(F);

impl<F> std::fmt::Debug for Odd<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Odd")
    }
}

impl<F: Fn(usize) -> Result<(), FitError> + Send + Sync> Model for Odd<F> {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        (self.0)(y.len())?;
        SeasonalNaive { season_length: 24 }.fit(y)
    }
}

const INPUTS: [(&str, &str); 2] = [("clean", "series.csv"), ("validation", "validation.json")];

/// Compares an odd model and that of `models` on one series of 1,000 hours in five windows, the first of 880 hours.
fn with_odd(
    project: &TaskDirectory,
    params: &[(&str, Value)],
    odd: impl Fn(usize) -> Result<(), FitError> + Send + Sync + 'static,
) -> Result<(), TaskError> {
    let csv = without(&two_series(1000), "B");
    project
        .write("series.csv", &csv)
        .write("validation.json", r#"{"status":"valid"}"#);
    let params = [&[models(&["SeasonalNaive"]), ("step_size", Value::Int(24))], params].concat();
    project.with("train_backtest_select", &params, &INPUTS, |_, context| {
        let odd = CandidateModel {
            name: "Odd".to_owned(),
            parts: Vec::new(),
            model: Odd(odd).into(),
        };
        train::compare(context, move |context, seasons| {
            let mut all = train::candidates(context, seasons)?;
            all.insert(0, odd);
            Ok(all)
        })
    })
}

/// A table without the rows of a series.
fn without(csv: &str, id: &str) -> String {
    let others = csv.lines().filter(|line| !line.starts_with(id));
    others.flat_map(|line| [line, "\n"]).collect()
}

fn no_fit() -> Result<(), FitError> {
    Err(FitError::NoFit {
        model: "Odd",
        why: "it is odd".to_owned(),
    })
}

#[test]
fn a_model_that_fails_on_one_window_ranks_after_the_others() {
    let project = TaskDirectory::new();
    // The window on which the value of a day ago errs most: without it, its mean error is lower than the other's.
    with_odd(&project, &[], |_| Ok(())).expect("selected");
    assert_eq!(project.texts("leaderboard", "model"), ["Odd", "SeasonalNaive"]);
    let (y, yhat) = (
        project.numbers("cv_results", "y"),
        project.numbers("cv_results", "yhat"),
    );
    let error = |window: usize| {
        let rows = window * 24..(window + 1) * 24;
        crate::forecasting::metrics::rmse(&y[rows.clone()], &yhat[rows])
    };
    let worst = (0..5).max_by(|a, b| error(*a).total_cmp(&error(*b))).expect("five");
    with_odd(
        &project,
        &[],
        move |n| if n == 880 + 24 * worst { no_fit() } else { Ok(()) },
    )
    .expect("selected");
    assert_eq!(project.texts("leaderboard", "model"), ["SeasonalNaive", "Odd"]);
    assert_eq!(project.texts("leaderboard", "rank"), ["1", "2"]);
    assert_eq!(project.texts("leaderboard", "failed"), ["0", "1"]);
    let errors = project.numbers("leaderboard", "rmse_mean");
    assert!(errors[1] < errors[0]);
    let reason = &project.texts("leaderboard", "reason")[1];
    assert!(reason.starts_with("`A` at the cutoff 2024-02-"), "{reason}");
    assert!(reason.ends_with(": Odd found no fit: it is odd"), "{reason}");
    assert_eq!(project.json("selected")["models"][0]["name"], "SeasonalNaive");
}

#[test]
fn an_ensemble_has_no_forecast_in_a_window_that_a_member_failed_on() {
    let project = TaskDirectory::new();
    let params = [
        ("select", text("ensemble")),
        ("intervals", text("conformal")),
        models(&["SeasonalNaive"]),
    ];
    with_odd(&project, &params, |n| if n == 880 { no_fit() } else { Ok(()) }).expect("selected");
    assert_eq!(
        project.texts("leaderboard", "model"),
        ["Ensemble(SeasonalNaive, Odd)", "SeasonalNaive", "Odd"]
    );
    assert_eq!(project.texts("leaderboard", "windows"), ["4", "5", "4"]);
    assert_eq!(project.texts("leaderboard", "failed"), ["1", "0", "1"]);
    let reason = &project.texts("leaderboard", "reason")[0];
    assert!(reason.ends_with(": Odd: Odd found no fit: it is odd"), "{reason}");
    let rows = project.texts("cv_results", "model");
    assert_eq!(rows.iter().filter(|name| name.starts_with("Ensemble")).count(), 4 * 24);
}

#[test]
fn a_panic_inside_a_model_is_reported_and_not_remembered() {
    let mut project = TaskDirectory::new();
    project.memo = Box::new(InMemory::default());
    let panics = |n| {
        assert!(n != 904, "odd");
        Ok(())
    };
    for remembered in [0, 9] {
        with_odd(&project, &[], panics).expect("selected");
        let reported = format!("{remembered} of 10 forecasts were remembered");
        assert_eq!(project.log().pop(), Some(reported));
        assert_eq!(project.texts("leaderboard", "model"), ["SeasonalNaive", "Odd"]);
        let reason = &project.texts("leaderboard", "reason")[1];
        assert_eq!(reason, "`A` at the cutoff 2024-02-07 15:00:00: Odd panicked");
    }
}

#[test]
fn a_back_test_that_is_stopped_ends_soon_and_leaves_nothing() {
    let project = TaskDirectory::new();
    let fits = Arc::new(AtomicUsize::new(0));
    let (counted, cancelled) = (Arc::clone(&fits), Arc::clone(&project.cancelled));
    let stopped = with_odd(&project, &[("n_windows", Value::Int(30))], move |_| {
        cancelled.store(true, Ordering::Relaxed);
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    assert_eq!(reported(stopped), "the task was stopped");
    let fits = fits.load(Ordering::Relaxed);
    assert!(
        fits <= rayon::current_num_threads(),
        "each thread ends what it is at: {fits}"
    );
    for name in ["cv_results", "leaderboard", "selected"] {
        assert!(!project.path(name).exists());
    }
}

/// Compares the double season, for which `B` is too short, and an odd model on two series in one window.
fn on_short_series(
    project: &TaskDirectory,
    csv: &str,
    (select, on_bad_series): (&str, &str),
    odd: fn(usize) -> Result<(), FitError>,
) -> Result<(), TaskError> {
    project
        .write("series.csv", csv)
        .write("validation.json", r#"{"status":"valid"}"#);
    let params = [
        models(&["DoubleSeasonalHoltWinters"]),
        ("n_windows", Value::Int(1)),
        ("select", text(select)),
        ("on_bad_series", text(on_bad_series)),
        ("ended_after", Value::Int(1000)),
    ];
    project.with("train_backtest_select", &params, &INPUTS, |_, context| {
        train::compare(context, |context, seasons| {
            let mut all = train::candidates(context, seasons)?;
            all.push(CandidateModel {
                name: "Odd".to_owned(),
                parts: Vec::new(),
                model: Odd(odd).into(),
            });
            Ok(all)
        })
    })
}

const TOO_SHORT: &str = "note: `DoubleSeasonalHoltWinters`: `B` at the cutoff 2024-01-14 03:00:00: \
    DoubleSeasonalHoltWinters needs at least 384 values, found 316";
const ODD: &str = "note: `Odd`: `B` at the cutoff 2024-01-14 03:00:00: Odd found no fit: it is odd";

#[test]
fn where_all_models_fail_each_says_why() {
    let project = TaskDirectory::new();
    let select = ("overall", "fallback");
    let failed = on_short_series(&project, &without(&two_series(340), "A"), select, |_| no_fit());
    let expected = format!(
        "no model could forecast any window\n{TOO_SHORT}\n{ODD}
help: the model that needs least needs 384 values before the last window: lower `season_length` to 19, or take models \
         that need less, such as `Naive`"
    );
    assert_eq!(reported(failed), expected);
    for name in ["cv_results", "leaderboard", "selected"] {
        assert!(!project.path(name).exists());
    }
}

#[test]
fn a_series_that_no_model_can_forecast_is_reported() {
    let project = TaskDirectory::new();
    let expected = format!("no model could forecast the last window of the series `B`\n{TOO_SHORT}\n{ODD}");
    for select in ["overall", "per_series", "ensemble"] {
        let odd = |n| if n < 400 { no_fit() } else { Ok(()) };
        let failed = on_short_series(&project, &two_series(340), (select, "error"), odd);
        assert_eq!(reported(failed), expected);
    }
}

#[test]
fn a_series_that_no_model_can_forecast_gets_a_simple_one_or_none() {
    let project = TaskDirectory::new();
    let odd = |n| if n < 400 { no_fit() } else { Ok(()) };
    for select in ["overall", "per_series", "ensemble"] {
        on_short_series(&project, &two_series(340), (select, "fallback"), odd).expect("selected");
        let selected = project.json("selected");
        assert_eq!(selected["series"][1]["members"][0]["model"], "SeasonalNaive");
        let told = selected["series"][1]["exception"].as_str().expect("a reason");
        assert!(
            told.starts_with("fallback: no model could forecast its last window: `B` at "),
            "{told}"
        );
        on_short_series(&project, &two_series(340), (select, "drop"), odd).expect("selected");
        let selected = project.json("selected");
        assert_eq!(selected["series"].as_array().map(Vec::len), Some(1));
        assert_eq!(selected["left_out"][0]["unique_id"], "B");
    }
}

#[test]
fn a_series_that_the_best_model_of_all_cannot_forecast_is_reported() {
    let project = TaskDirectory::new();
    let odd = |n| if n > 400 { no_fit() } else { Ok(()) };
    let expected = format!(
        "`DoubleSeasonalHoltWinters` is best over all series and could not forecast the last window of `B`
{TOO_SHORT}
help: take a model for each series: `select = \"per_series\"`"
    );
    let failed = on_short_series(&project, &two_series(340), ("overall", "error"), odd);
    assert_eq!(reported(failed), expected);
    for select in [("per_series", "error"), ("overall", "fallback")] {
        on_short_series(&project, &two_series(340), select, odd).expect("selected");
        let selected = project.json("selected");
        let model = |series: usize| selected["series"][series]["members"][0]["model"].clone();
        assert_eq!([model(0), model(1)], ["DoubleSeasonalHoltWinters", "Odd"]);
    }
    assert_eq!(
        project.json("selected")["series"][1]["exception"],
        "fallback: `DoubleSeasonalHoltWinters`, the best over all series, could not forecast its last window; `Odd` could"
    );
}

#[test]
fn a_constant_series_is_forecast_as_it_is_by_every_model_that_can() {
    let project = TaskDirectory::new();
    let constant = |csv: &str| -> String {
        let line = |line: &str| match line.rsplit_once(',') {
            Some((before, "y")) => format!("{before},y\n"),
            Some((before, _)) => format!("{before},7.5\n"),
            None => String::new(),
        };
        csv.lines().map(line).collect()
    };
    let params = [
        models(&registry::NAMES),
        ("n_windows", Value::Int(2)),
        ("select", text("ensemble")),
        // Where a constant is no reason to fall back.
        ("on_bad_series", text("error")),
    ];
    on_csv(&project, &constant(&two_series(1000)), &params).expect("predictions");
    let yhat = [
        project.numbers("cv_results", "yhat"),
        project.numbers("predictions", "yhat"),
    ]
    .concat();
    assert!(yhat.iter().all(|y| (y - 7.5).abs() < 1e-6));
    let names = project.texts("leaderboard", "model");
    let failed = project.texts("leaderboard", "failed");
    let failed: Vec<&String> = names
        .iter()
        .zip(&failed)
        .filter(|(_, failed)| *failed != "0")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(failed, Vec::<&String>::new());
}

#[test]
fn series_that_are_too_short_are_all_named() {
    let project = TaskDirectory::new();
    let expected = "the series `A` has 1000 values; the back-test needs at least 1225
note: 8 windows, 168 steps apart, of 24 steps, after more than one season of 24
note: too short as well, 1 more: `B`
help: lower one of these: `n_windows` to 6, `step_size` to 135; or take a longer span of data, of 1225 steps";
    let params = [
        models(&QUICK),
        ("n_windows", Value::Int(8)),
        ("ended_after", Value::Int(1000)),
    ];
    assert_eq!(reported(on_csv(&project, &two_series(340), &params)), expected);
    // A horizon beyond reason.
    let params = [
        models(&QUICK),
        ("horizon", Value::Int(10_000)),
        ("n_windows", Value::Int(1)),
    ];
    let reported = reported(on_csv(&project, &two_series(1000), &params));
    assert!(
        reported.starts_with("the series `A` has 1000 values; the back-test needs at least 10025\n"),
        "{reported}"
    );
}

#[test]
fn values_that_models_cannot_take_are_told_by_series() {
    let project = TaskDirectory::new();
    let csv = two_series(1000);
    let line = csv
        .lines()
        .find(|line| line.starts_with("B,2024-01-02 05:00:00"))
        .expect("a line");
    let rest = "\nnote: models need finite values at regular steps
help: the task `prepare_clean` mends duplicates, gaps and values that are not finite; its `max_gap` says how long a gap it fills";
    for (written, expected) in [
        ("", "the series `B` has an empty value at 2024-01-02 05:00:00"),
        ("inf", "the series `B` has the value inf at 2024-01-02 05:00:00"),
        ("-inf", "the series `B` has the value -inf at 2024-01-02 05:00:00"),
        ("NaN", "the series `B` has the value NaN at 2024-01-02 05:00:00"),
    ] {
        let odd = csv.replace(line, &format!("B,2024-01-02 05:00:00,{written}"));
        let strict = [("on_bad_series", text("error"))];
        assert_eq!(reported(on_csv(&project, &odd, &strict)), format!("{expected}{rest}"));
        // What is no number at all is a fault of the table: no other series hides it.
        if !written.is_empty() {
            assert_eq!(reported(on_csv(&project, &odd, &[])), format!("{expected}{rest}"));
        }
    }
}

#[test]
fn data_that_models_cannot_take_is_reported_by_series() {
    let project = TaskDirectory::new();
    let gap = two_series(1000).replace("B,2024-01-02 05:00:00", "C,2024-01-02 05:00:00");
    let expected = "the series `B` has no value at 2024-01-02 05:00:00
note: models need finite values at regular steps
help: the task `prepare_clean` mends duplicates, gaps and values that are not finite; its `max_gap` says how long a gap it fills";
    assert_eq!(
        reported(on_csv(&project, &gap, &[("on_bad_series", text("error"))])),
        expected
    );
    let twice = two_series(1000).replace("B,2024-01-02 05:00:00", "B,2024-01-02 04:00:00");
    assert!(
        reported(on_csv(&project, &twice, &[]))
            .starts_with("the series `B` has two values at 2024-01-02 04:00:00, or one off its hourly steps\n")
    );
    project
        .write("broken.json", r#"{"status":"broken"}"#)
        .write("series.csv", &two_series(1000));
    let inputs = [("clean", "series.csv"), ("validation", "broken.json")];
    let expected = "`validation` does not say that the series are valid; its status is `broken`";
    assert_eq!(
        reported(project.run_on("train_backtest_select", &[], &inputs)),
        expected
    );
}
