//! What must never pass in silence: a back-test that sees the future, an interval that is turned round.

use super::pipeline::{QUICK, models, on_csv, two_series};
use super::*;
use crate::forecasting::cached_fit::CandidateModel;
use crate::forecasting::models::seasonal_naive::SeasonalNaive;
use crate::forecasting::models::{Estimate, FitError, Fitted, Forecast, Model};
use crate::forecasting::train;

#[test]
fn what_comes_after_a_cutoff_has_no_part_in_its_forecasts() {
    let project = TaskDirectory::new();
    let params = [
        models(&[QUICK[0], QUICK[1], "AutoETS", "NearestNeighbours"]),
        ("n_windows", Value::Int(2)),
    ];
    let csv = two_series(1000);
    on_csv(&project, &csv, &params).expect("predictions");
    let before = ["yhat", "lo", "hi"].map(|column| project.numbers("cv_results", column));
    let actual = project.numbers("cv_results", "y");
    // The day after the last cutoff is another one.
    let changed = |line: &str| match line.split_once(",2024-02-11 ") {
        Some((id, _)) => format!("{},7\n", line.rsplit_once(',').map_or(id, |(row, _)| row)),
        None => format!("{line}\n"),
    };
    let other: String = csv.lines().map(changed).collect();
    on_csv(&project, &other, &params).expect("predictions");
    assert_ne!(project.numbers("cv_results", "y"), actual);
    assert_eq!(
        ["yhat", "lo", "hi"].map(|column| project.numbers("cv_results", column)),
        before
    );
}

/// The value of a day ago, with its bounds exchanged.
#[derive(Debug)]
struct Inverted;

#[derive(Debug)]
struct InvertedFit(Box<dyn Fitted>);

impl Model for Inverted {
    fn fit(&self, y: &[f64]) -> Result<Box<dyn Fitted>, FitError> {
        SeasonalNaive { season_length: 24 }
            .fit(y)
            .map(|fit| Box::new(InvertedFit(fit)) as Box<dyn Fitted>)
    }
}

impl Fitted for InvertedFit {
    fn forecast(&self, horizon: usize, levels: &[f64]) -> Forecast {
        let mut forecast = self.0.forecast(horizon, levels);
        for interval in &mut forecast.intervals {
            std::mem::swap(&mut interval.lower, &mut interval.upper);
        }
        forecast
    }

    fn summary(&self) -> Vec<(&'static str, Estimate)> {
        Vec::new()
    }
}

#[test]
fn a_model_whose_bounds_are_exchanged_has_failed() {
    let project = TaskDirectory::new();
    project
        .write("series.csv", &two_series(1000))
        .write("validation.json", r#"{"status":"valid"}"#);
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    let inverted = |_: &Context<'_>, _: &[usize]| {
        Ok(vec![CandidateModel {
            name: "Inverted".to_owned(),
            parts: Vec::new(),
            model: Inverted.into(),
        }])
    };
    let run = |_: &dyn Task, context: &mut Context<'_>| train::compare(context, inverted);
    let told = reported(project.with("train_backtest_select", &[], &inputs, run));
    assert!(
        told.starts_with("no model could forecast any window\nnote: `Inverted`: `A` at the cutoff "),
        "{told}"
    );
    assert!(
        told.ends_with(": a lower bound of the forecast lies above the upper one"),
        "{told}"
    );
}
