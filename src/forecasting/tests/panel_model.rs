//! Models of all series at once in the back-test: their windows, failures, memory, and an end before they are done.

use std::sync::atomic::{AtomicBool, Ordering};

use super::pipeline::{InMemory, models, on_csv, two_series};
use super::*;
use crate::forecasting::cached_fit::CandidateModel;
use crate::forecasting::models::panel_model::{
    AnyModel, PanelControl, PanelForecast, PanelModel, PanelOutcome, PanelPasts, PanelRequest, Past, Stopped,
};
use crate::forecasting::models::{Estimate, FitError, Forecast, Interval};
use crate::forecasting::train;

/// Forecasts of every series the sum of the last values of all, after it did something with the window's pasts.
struct LastOfAll<F>(F);

impl<F> std::fmt::Debug for LastOfAll<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LastOfAll")
    }
}

/// What happens to a past before it is forecast.
type Before = Result<(), FitError>;

impl<F: Fn(Past, PanelControl<'_>) -> Before + Send + Sync> PanelModel for LastOfAll<F> {
    fn forecasts(
        &self,
        panel: &PanelPasts<'_>,
        request: PanelRequest<'_>,
        control: PanelControl<'_>,
    ) -> Result<Vec<Vec<PanelOutcome>>, Stopped> {
        let window = |pasts: &Vec<Past>| -> Result<Vec<PanelOutcome>, Stopped> {
            let sum: f64 = pasts.iter().map(|past| panel.past(*past).y[past.n - 1]).sum();
            let outcome = |past: &Past| {
                control.check()?;
                Ok((self.0)(*past, control).map(|()| PanelForecast {
                    forecast: level(sum, request),
                    summary: vec![("pooled".to_owned(), Estimate::Text(pasts.len().to_string()))],
                }))
            };
            pasts.iter().map(outcome).collect()
        };
        (control.progress)("on its way");
        panel.windows.iter().map(window).collect()
    }
}

/// A forecast that is one value throughout.
fn level(value: f64, request: PanelRequest<'_>) -> Forecast {
    let path = vec![value; request.horizon];
    let interval = |&level: &f64| Interval {
        level,
        lower: path.clone(),
        upper: path.clone(),
    };
    Forecast {
        intervals: request.levels.iter().map(interval).collect(),
        mean: path,
    }
}

const INPUTS: [(&str, &str); 2] = [("clean", "series.csv"), ("validation", "validation.json")];

/// Compares the model with that of `models` on two series, the second of which is shorter than the first and ends with it.
fn compared(
    project: &TaskDirectory,
    before: impl Fn(Past, PanelControl<'_>) -> Before + Send + Sync + 'static,
) -> Result<(), TaskError> {
    project
        .write("series.csv", &two_series(1000))
        .write("validation.json", r#"{"status":"valid"}"#);
    let params = [models(&["SeasonalNaive"]), ("n_windows", Value::Int(3))];
    project.with("train_backtest_select", &params, &INPUTS, |_, context| {
        let model = CandidateModel {
            name: "LastOfAll".to_owned(),
            parts: Vec::new(),
            model: AnyModel::Panel(Box::new(LastOfAll(before))),
        };
        train::compare(context, move |context, seasons| {
            let mut all = train::candidates(context, seasons)?;
            all.push(model);
            Ok(all)
        })
    })
}

/// The rows of the model in `cv_results`: what a column has of each.
fn rows(project: &TaskDirectory, column: &str) -> Vec<f64> {
    let model = project.texts("cv_results", "model").into_iter();
    let values = model.zip(project.numbers("cv_results", column));
    values
        .filter(|(model, _)| model == "LastOfAll")
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn a_window_knows_the_pasts_of_all_series_and_no_more() {
    let project = TaskDirectory::new();
    compared(&project, |_, _| Ok(())).expect("selected");
    let csv = two_series(1000);
    let values: Vec<f64> = csv
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit_once(',')?.1.parse().ok())
        .collect();
    let expected: Vec<f64> = [640, 808, 976]
        .iter()
        .flat_map(|n| vec![values[n - 1] + values[1000 + n - 1]; 24])
        .collect();
    assert_eq!(rows(&project, "yhat"), [expected.clone(), expected].concat());
}

#[test]
fn a_series_that_a_panel_model_cannot_forecast_stops_no_other() {
    let project = TaskDirectory::new();
    let odd = |past: Past, _: PanelControl<'_>| match (past.series, past.n) {
        (1, 808) => Err(FitError::NoFit {
            model: "LastOfAll",
            why: "it is odd".to_owned(),
        }),
        _ => Ok(()),
    };
    compared(&project, odd).expect("selected");
    assert_eq!(rows(&project, "yhat").len(), 5 * 24);
    let reasons = project.texts("leaderboard", "reason");
    let odd = reasons.iter().filter(|reason| reason.contains("it is odd")).count();
    assert_eq!(odd, 2, "over all series and in its own block: {reasons:?}");
}

#[test]
fn a_panic_fails_its_window_alone_and_is_not_remembered() {
    let mut project = TaskDirectory::new();
    project.memo = Box::new(InMemory::default());
    let panics = |past: Past, _: PanelControl<'_>| {
        assert!(past.n != 808, "it panics");
        Ok(())
    };
    compared(&project, panics).expect("selected");
    assert_eq!(rows(&project, "yhat").len(), 4 * 24);
    assert!(
        project
            .texts("leaderboard", "reason")
            .iter()
            .any(|reason| reason.contains("LastOfAll panicked"))
    );
    project.log();
    compared(&project, |past, _| {
        assert_eq!(past.n, 808, "only the window that is missing");
        Ok(())
    })
    .expect("selected");
    assert_eq!(rows(&project, "yhat").len(), 6 * 24);
    assert_eq!(
        project.log().last().map(String::as_str),
        Some("10 of 12 forecasts were remembered")
    );
}

#[test]
fn a_panel_model_that_is_stopped_ends_the_task() {
    static CANCELLED: AtomicBool = AtomicBool::new(false);
    let project = TaskDirectory::new();
    project
        .write("series.csv", &two_series(1000))
        .write("validation.json", r#"{"status":"valid"}"#);
    let stopped = project.with("train_backtest_select", &[], &INPUTS, |_, context| {
        context.cancelled = &CANCELLED;
        let stops = |_: Past, control: PanelControl<'_>| {
            assert!(!(control.stopped)(), "it goes on though it was stopped");
            CANCELLED.store(true, Ordering::Relaxed);
            Ok(())
        };
        let model = CandidateModel {
            name: "LastOfAll".to_owned(),
            parts: Vec::new(),
            model: AnyModel::Panel(Box::new(LastOfAll(stops))),
        };
        train::compare(context, |_, _| Ok(vec![model]))
    });
    assert_eq!(stopped, Err(TaskError::stopped()));
    assert!(!project.path("selected").exists());
}

#[test]
fn a_selected_panel_model_forecasts_all_series_and_says_how_many_it_pooled() {
    let mut project = TaskDirectory::new();
    project.memo = Box::new(InMemory::default());
    let csv = two_series(1000);
    for (name, pool_from, pooled) in [("HourlyPanel", 2, 2.0), ("HourlyPanel", 3, 1.0), ("PooledAR", 2, 2.0)] {
        let settings = Value::Table(BTreeMap::from([("pool_from".to_owned(), Value::Int(pool_from))]));
        let params = [models(&[name]), ("n_windows", Value::Int(1)), (name, settings)];
        on_csv(&project, &csv, &params).expect("predictions");
        let selected = project.json("selected");
        for at in 0..2 {
            let member = &selected["series"][at]["members"][0];
            assert_eq!(member["model"], name);
            assert_eq!(member["found"]["pooled_series"].as_f64(), Some(pooled));
        }
        assert_eq!(project.texts("predictions", "model"), vec![name; 48]);
        let yhat = project.numbers("predictions", "yhat");
        project.log();
        on_csv(&project, &csv, &params).expect("predictions");
        assert_eq!(
            project.log().last().map(String::as_str),
            Some("0 fits in 0.00 s, 2 remembered")
        );
        assert_eq!(project.numbers("predictions", "yhat"), yhat);
    }
}

#[test]
fn a_value_of_one_series_has_a_part_in_the_forecast_of_another_where_they_are_pooled() {
    let project = TaskDirectory::new();
    let csv = two_series(1000);
    let changed: String = csv
        .lines()
        .map(|line| match line.starts_with("B,2024-01-20 ") {
            true => format!("{},900\n", line.rsplit_once(',').map_or(line, |(row, _)| row)),
            false => format!("{line}\n"),
        })
        .collect();
    let of_first = |csv: &str, pool_from: i64| {
        let settings = Value::Table(BTreeMap::from([("pool_from".to_owned(), Value::Int(pool_from))]));
        let params = [
            models(&["PooledAR"]),
            ("n_windows", Value::Int(1)),
            ("PooledAR", settings),
        ];
        on_csv(&project, csv, &params).expect("predictions");
        project.numbers("predictions", "yhat")[..24].to_vec()
    };
    assert_ne!(of_first(&csv, 2), of_first(&changed, 2));
    assert_eq!(of_first(&csv, 3), of_first(&changed, 3));
}
