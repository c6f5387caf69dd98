//! A packaged champion: its numbers are those of the predictions, for every model and ensemble.

use std::fmt::Write as _;

use super::golden_models::{all_series, forecast_alone};
use super::pipeline::{InMemory, models, on_csv, two_series};
use super::*;
use crate::forecasting::models::Forecast;
use crate::forecasting::registry::{NAMES, REGISTRY, Settings};

/// The numbers of a forecast's first steps, to the last bit.
fn bits(forecast: &Forecast, steps: usize) -> Vec<Vec<u64>> {
    let bounds = forecast.intervals.iter().flat_map(|it| [&it.lower, &it.upper]);
    let paths = std::iter::once(&forecast.mean).chain(bounds);
    paths
        .map(|path| path[..steps].iter().map(|number| number.to_bits()).collect())
        .collect()
}

#[test]
fn how_far_a_forecast_goes_changes_none_of_its_steps() {
    use rayon::prelude::*;
    // The season of 300 and the long series cost a minute of fitting, and forecast by the same code.
    let short: Vec<_> = all_series().into_iter().filter(|series| series.y.len() < 650).collect();
    let fitted: usize = REGISTRY
        .par_iter()
        .map(|entry| {
            let mut fitted = 0;
            for series in &short {
                let model = entry.model(series.seasons, &Settings::new());
                let to = |horizon| forecast_alone(&model, &series.y, (horizon, series.levels));
                let Ok(near) = to(series.horizon) else { continue };
                let far = to(4 * 168 + series.horizon).expect("forecast as far as before");
                let [near, far] = [near, far].map(|one| bits(&one.forecast, series.horizon));
                assert_eq!(far, near, "{} on {}", entry.name, series.name);
                fitted += 1;
            }
            fitted
        })
        .sum();
    assert!(fitted > 8 * REGISTRY.len(), "only {fitted} fits");
}

/// Two weeks of two-hourly values, so that seasons of 12 and 84 are days and weeks.
fn quick_series() -> String {
    let mut lines = two_series(1000).lines().map(str::to_owned).collect::<Vec<_>>();
    let header = lines.remove(0);
    let kept = lines
        .iter()
        .enumerate()
        .filter(|(at, _)| at % 2 == 0)
        .map(|(_, line)| line.as_str());
    let kept: Vec<&str> = kept.collect();
    let (a, b) = kept.split_at(500);
    [&[header.as_str()][..], &a[..300], &b[..280]].concat().join("\n") + "\n"
}

/// What a packaged model holds of the first steps of each series, laid out like the predictions.
fn held(document: &serde_json::Value, steps: usize) -> Vec<(String, String, Vec<u64>, String)> {
    let mut rows = Vec::new();
    for series in document["series"].as_array().expect("series") {
        let columns = series["forecast"].as_object().expect("columns");
        for step in 0..steps {
            let numbers = columns.iter().filter(|(name, _)| *name != "ds");
            rows.push((
                series["unique_id"].as_str().expect("a name").to_owned(),
                columns["ds"][step].as_str().expect("a time").replace('T', " "),
                numbers
                    .map(|(_, values)| values[step].as_f64().expect("a number").to_bits())
                    .collect(),
                series["model"].as_str().expect("a name").to_owned(),
            ));
        }
    }
    rows
}

/// The predictions in the same layout.
fn predicted(project: &TaskDirectory) -> Vec<(String, String, Vec<u64>, String)> {
    let frame = project.frame("predictions");
    let names = frame
        .get_column_names()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let numbers: Vec<Vec<f64>> = names[2..names.len() - 1]
        .iter()
        .map(|name| project.numbers("predictions", name))
        .collect();
    let csv = project.csv("predictions");
    let times = csv.lines().skip(1).map(|line| line.split(',').nth(1).expect("a time"));
    let (ids, models) = (
        project.texts("predictions", "unique_id"),
        project.texts("predictions", "model"),
    );
    let row = |(at, time): (usize, &str)| {
        let numbers = numbers.iter().map(|column| column[at].to_bits());
        (ids[at].clone(), time.to_owned(), numbers.collect(), models[at].clone())
    };
    times.enumerate().map(row).collect()
}

const INPUTS: [(&str, &str); 2] = [("clean", "series.csv"), ("validation", "validation.json")];

/// Selects with `params`, forecasts and packages with `shared`, and compares the two.
fn package_equals_predictions(
    project: &TaskDirectory,
    params: &[(&str, Value)],
    shared: &[(&str, Value)],
) -> serde_json::Value {
    on_csv(project, &quick_series(), &[params, shared].concat()).expect("selected");
    project
        .run_on("forecast_publish", shared, &INPUTS)
        .expect("predictions");
    project.run_on("package_champion", shared, &INPUTS).expect("a model");
    let document = project.json("model/model.json");
    let steps = usize::try_from(document["horizon"].as_u64().expect("a horizon")).expect("small");
    assert_eq!(document["limit"], 4 * 84, "{:?}", project.log());
    for series in document["series"].as_array().expect("series") {
        for (name, values) in series["forecast"].as_object().expect("columns") {
            assert_eq!(values.as_array().map(Vec::len), Some(4 * 84), "{name}");
        }
    }
    let (held, predicted) = (held(&document, steps), predicted(project));
    assert_eq!(predicted.len(), 2 * steps);
    assert_eq!(held, predicted);
    document
}

fn small(more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let mut params = vec![
        ("n_windows", Value::Int(2)),
        ("step_size", Value::Int(12)),
        ("season_length", Value::List(vec![Value::Int(12), Value::Int(84)])),
    ];
    params.extend(more.iter().cloned());
    params
}

#[test]
fn the_package_of_every_model_holds_what_is_predicted() {
    use rayon::prelude::*;
    NAMES.par_iter().for_each(|name| {
        let project = TaskDirectory::new();
        let document = package_equals_predictions(&project, &small(&[models(&[name])]), &[("horizon", Value::Int(7))]);
        assert_eq!(document["series"][0]["model"], *name);
        let found = document["series"][0]["found"].as_object().expect("what was found");
        assert_eq!(found.keys().collect::<Vec<_>>(), [name]);
    });
}

#[test]
fn the_package_of_every_kind_of_choice_holds_what_is_predicted() {
    let two = ("level", Value::List(vec![Value::Float(95.0), Value::Float(80.0)]));
    let cases = [
        ("overall", "own", "weighted"),
        ("per_series", "conformal", "weighted"),
        ("ensemble", "own", "weighted"),
        ("ensemble", "own", "median"),
        ("ensemble", "conformal", "weighted"),
        ("ensemble", "conformal", "median"),
    ];
    let mut project = TaskDirectory::new();
    project.memo = Box::new(InMemory::default());
    for (select, intervals, rule) in cases {
        let params = small(&[
            models(&["SeasonalNaive", "LagRidge", "HoltWinters", "MSTL_ETS"]),
            ("select", text(select)),
            ("intervals", text(intervals)),
            ("ensemble_rule", text(rule)),
            ("non_negative", Value::Bool(rule == "median")),
        ]);
        let shared = [("horizon", Value::Int(12)), two.clone()];
        let document = package_equals_predictions(&project, &params, &shared);
        let name = document["series"][1]["model"].as_str().expect("a name");
        assert_eq!(name.contains(", "), select == "ensemble");
        assert_eq!(document["levels"], serde_json::json!([80.0, 95.0]));
    }
}

#[test]
fn a_model_that_cannot_go_on_is_packaged_as_far_as_the_horizon() {
    let project = TaskDirectory::new();
    let rows = (0..40).map(|step| format!("A,{}-01-01,{}\n", 1900 + step, step % 7));
    let csv = format!("unique_id,ds,y\n{}", rows.collect::<Vec<_>>().concat());
    // Four such seasons of years end beyond all calendars.
    let params = [
        models(&["SeasonalNaive"]),
        ("n_windows", Value::Int(1)),
        ("season_length", Value::List(vec![Value::Int(1), Value::Int(100_000)])),
    ];
    on_csv(&project, &csv, &params).expect("predictions");
    project.log();
    let shared = [("horizon", Value::Int(2))];
    project.run_on("package_champion", &shared, &INPUTS).expect("a model");
    let document = project.json("model/model.json");
    assert_eq!((&document["horizon"], &document["limit"]), (&2.into(), &2.into()));
    let log = project.log();
    let told = "the packaged model ends with the horizon: 400000 steps after the series `A` there is no time";
    assert!(log.iter().any(|line| line == told), "{log:#?}");
}

#[test]
fn the_package_is_the_same_bytes_in_every_run_and_at_any_thread_count() {
    let package = |threads: usize, run: &str| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        pool.install(|| {
            let project = TaskDirectory::new();
            on_csv(&project, &quick_series(), &small(&[models(&["LagRidge"])])).expect("selected");
            // The store stamps the run into what it places.
            let selected = std::fs::read_to_string(project.path("selected")).expect("read");
            project.write(
                "selected",
                &selected.replace(crate::engine::run_id::RUN_ID_PLACEHOLDER, run),
            );
            project.run_on("package_champion", &[], &INPUTS).expect("a model");
            let files = walkdir::WalkDir::new(project.path("model")).sort_by_file_name();
            let files = files.into_iter().map(|entry| entry.expect("read").into_path());
            let files = files.filter(|path| path.is_file()).chain([project.path("picture")]);
            let below = |path: PathBuf| {
                let name = path
                    .strip_prefix(project.path(""))
                    .expect("below")
                    .display()
                    .to_string();
                (name, digest::of_file(&path).expect("read"))
            };
            files.map(below).collect::<Vec<_>>()
        })
    };
    let one = package(1, "a run");
    assert_eq!(one.len(), 9);
    assert_eq!(one, package(2, "another run"));
}

#[test]
fn what_is_no_selection_is_not_packaged() {
    let project = TaskDirectory::new();
    on_csv(&project, &quick_series(), &small(&[models(&["LagRidge"])])).expect("selected");
    project.write("other", r#"{"run_id":"x"}"#);
    let inputs = [INPUTS[0], INPUTS[1], ("selected", "other")];
    assert_eq!(
        reported(project.run_on("package_champion", &[], &inputs)),
        "`selected` is no selection of models\nhelp: build it with the task `train_backtest_select`, or remove it and \
         build again"
    );
    assert!(!project.path("model").exists());
}

#[test]
fn the_picture_has_a_panel_for_each_of_the_first_series_and_no_markup_of_theirs() {
    let project = TaskDirectory::new();
    let mut csv = "unique_id,ds,y\n".to_owned();
    for id in ["<b>&\u{1b}[7m", "B", "C", "D", "E", "F", "G", "H"] {
        for day in 1..=31 {
            writeln!(csv, "{id},2024-01-{day:02},{}", 50_000 + day % 7 * 1_000).expect("into memory");
        }
    }
    let horizon = [("horizon", Value::Int(7))];
    let params = [
        models(&["SeasonalNaive"]),
        ("n_windows", Value::Int(1)),
        horizon[0].clone(),
    ];
    on_csv(&project, &csv, &params).expect("predictions");
    project.run_on("package_champion", &horizon, &INPUTS).expect("a model");
    let svg = std::fs::read_to_string(project.path("picture")).expect("read");
    let count = |word: &str| svg.matches(word).count();
    // One of each in the legend.
    assert_eq!((count("<path class=\"past\""), count("<path class=\"ahead\"")), (7, 7));
    assert_eq!((count("<path class=\"band\""), count("<path class=\"now\"")), (6, 6));
    assert!(svg.contains("2 more of the series are forecast and not shown"), "{svg}");
    assert!(svg.contains("<tspan class=\"name\">&lt;b&gt;&amp;"), "{svg}");
    assert!(
        svg.contains(">54,000</text>") && svg.contains(">29 Jan</text>"),
        "{svg}"
    );
    assert!(!svg.contains(['\u{1b}', '\0']) && count("<b>") == 0 && count("NaN") + count("inf") == 0);
}
