//! What an ensemble is worth on series that it was not chosen on.

use std::fmt::Write as _;

use super::pipeline::models;
use super::*;
use crate::forecasting::metrics;
use crate::forecasting::models::combine::WindowValues;
use crate::forecasting::weighting::{EnsembleRule, Score, Tested};

const HOURS: i32 = 1000;

/// How many windows there are, and how many of them an ensemble is chosen on.
const WINDOWS: usize = 20;
const CHOSEN_ON: usize = 8;

/// Numbers from −0.5 to 0.5, the same for a seed: Knuth's linear congruential generator.
fn noise(mut seed: u64) -> impl FnMut() -> f64 {
    move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(seed >> 32).expect("32 bits")) / f64::from(u32::MAX) - 0.5
    }
}

/// Three wind parks and three solar plants by hour, whose weather lasts for a while.
fn wind_and_solar() -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let mut text = String::from("unique_id,ds,y\n");
    let mut add = |id: &str, mut value: Box<dyn FnMut(f64) -> f64>| {
        for hour in 0..HOURS {
            let time = start.expect("a time") + chrono::TimeDelta::hours(i64::from(hour));
            writeln!(text, "{id},{time},{:.1}", value(f64::from(hour % 24))).expect("into memory");
        }
    };
    for (plant, size) in [(1_u8, 1.0), (2, 2.0), (3, 3.0)] {
        let (mut next, mut weather) = (noise(u64::from(plant)), 0.0);
        let wind = move |hour: f64| {
            weather = 0.95 * weather + 1.2 * next();
            let day = ((hour + 6.0 * size) / 24.0 * std::f64::consts::TAU).sin();
            let speed = 8.0 + 2.0 * day + 2.5 * weather;
            1000.0 * size * (speed / 14.0).clamp(0.0, 1.0).powi(3)
        };
        add(&format!("WIND{plant}"), Box::new(wind));
        let (mut next, mut clouds) = (noise(100 + u64::from(plant)), 0.0);
        let solar = move |hour: f64| {
            clouds = 0.9 * clouds + 0.4 * next();
            let height = ((hour - 6.0) / 12.0 * std::f64::consts::PI).sin().max(0.0);
            500.0 * size * height * (0.7 + clouds).clamp(0.1, 1.0)
        };
        add(&format!("SOLAR{plant}"), Box::new(solar));
    }
    text
}

/// The back-test of each series.
fn back_test(names: &[&str]) -> Vec<Tested> {
    let project = TaskDirectory::new();
    project
        .write("series.csv", &wind_and_solar())
        .write("validation.json", r#"{"status":"valid"}"#);
    let params = [
        models(names),
        ("n_windows", Value::Int(20)),
        ("step_size", Value::Int(24)),
    ];
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    project
        .run_on("train_backtest_select", &params, &inputs)
        .expect("selected");
    // By series, model, cutoff and step.
    let windows = |column: &str| -> Vec<WindowValues> {
        let all = project.numbers("cv_results", column);
        let of_model = |rows: &[f64]| {
            let mut windows = WindowValues::new(24);
            rows.chunks_exact(24).for_each(|window| windows.push(Some(window)));
            windows
        };
        all.chunks_exact(24 * WINDOWS).map(of_model).collect()
    };
    let (actual, forecasts) = (windows("y"), windows("yhat"));
    let series = actual
        .chunks_exact(names.len())
        .zip(forecasts.chunks_exact(names.len()));
    series
        .map(|(actual, forecasts)| Tested {
            actual: actual[0].clone(),
            forecasts: forecasts.to_vec(),
        })
        .collect()
}

/// Some windows.
fn part(windows: &WindowValues, range: std::ops::Range<usize>) -> WindowValues {
    let mut part = WindowValues::new(windows.steps());
    range.for_each(|at| part.push(Some(windows.window(at))));
    part
}

/// How much worse than the best model a forecast is in later windows, in units of the best one's error on the series: the mean
/// and its standard error. `forecast` is given what was known and the window to forecast, and gives a path.
fn against_the_best(series: &[Tested], forecast: impl Fn(&Tested, &[usize], usize, &Tested) -> Vec<f64>) -> [f64; 2] {
    let mut differences = Vec::new();
    for tested in series {
        let (mut own, mut best) = (Vec::new(), Vec::new());
        for window in CHOSEN_ON..WINDOWS {
            let known = window - CHOSEN_ON..window;
            let past = Tested {
                actual: part(&tested.actual, known.clone()),
                forecasts: tested.forecasts.iter().map(|one| part(one, known.clone())).collect(),
            };
            let errors: Vec<f64> = past.errors(Score::Rmse).into_iter().flatten().collect();
            let mut ranked: Vec<usize> = (0..errors.len()).collect();
            ranked.sort_by(|a, b| errors[*a].total_cmp(&errors[*b]));
            let y = tested.actual.window(window);
            own.push(metrics::rmse(y, &forecast(&past, &ranked, window, tested)));
            best.push(metrics::rmse(y, tested.forecasts[ranked[0]].window(window)));
        }
        let unit = metrics::mean(&best);
        differences.extend(own.iter().zip(&best).map(|(own, best)| (own - best) / unit));
    }
    #[expect(clippy::cast_precision_loss, reason = "some windows")]
    let root = (differences.len() as f64).sqrt();
    [
        metrics::mean(&differences),
        metrics::sample_std(&differences).expect("many windows") / root,
    ]
}

#[test]
fn an_ensemble_of_unequal_models_does_not_lose_to_the_best_of_them_on_wind_and_solar_series() {
    let series = back_test(&["WeekProfile", "HistoricAverage", "Naive"]);
    assert_eq!(series.len(), 6);
    let weighted = |past: &Tested, ranked: &[usize], window: usize, all: &Tested| {
        let chosen = past.combine(ranked, EnsembleRule::Weighted, Score::Rmse);
        let path = chosen.and_then(|chosen| chosen.path(|model| Some(all.forecasts[model].window(window))));
        path.expect("an ensemble")
    };
    let [worse, error] = against_the_best(&series, weighted);
    assert!(worse < error, "{worse} ± {error}");
    // The models are unequal enough: with equal weights it would.
    let equal = |_: &Tested, _: &[usize], window: usize, all: &Tested| {
        let paths: Vec<&[f64]> = all.forecasts.iter().map(|one| one.window(window)).collect();
        (0..24)
            .map(|h| (paths[0][h] + paths[1][h] + paths[2][h]) / 3.0)
            .collect()
    };
    let [worse, error] = against_the_best(&series, equal);
    assert!(worse > 3.0 * error, "{worse} ± {error}");
}
