//! Every parameter that a task declares is read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::pipeline::{BUNDLED, QUICK, models};
use super::*;
use crate::forecasting::{registry, train};

/// Runs a task once without each of its parameters, which is a panic where it is read; then with all.
fn read_all(project: &TaskDirectory, task: &str, params: &[(&str, Value)]) {
    read_all_of(project, task, params, &[]);
}

/// As [`read_all`], with these inputs.
fn read_all_of(project: &TaskDirectory, task: &str, params: &[(&str, Value)], inputs: &[(&str, &str)]) {
    let schema = crate::forecasting::tasks().catalog()[task];
    let settings = |kind: Kind| matches!(kind, Kind::Table(_));
    for param in schema.params.iter().filter(|param| !settings(param.kind)) {
        let without = AssertUnwindSafe(|| {
            project.with(task, params, inputs, |task, context| {
                context.params.remove(param.name);
                task.run(context)
            })
        });
        let panic = catch_unwind(without).expect_err(&format!("`{task}` does not read `{}`", param.name));
        let text = panic.downcast_ref::<String>().expect("a text");
        assert_eq!(*text, format!("internal error: no parameter `{}`", param.name));
    }
    project.run_on(task, params, inputs).expect("done");
}

#[test]
fn a_parameter_that_is_declared_is_read() {
    let project = TaskDirectory::new();
    let span = [
        ("source", text(BUNDLED)),
        ("start_date", text("2023-06-01")),
        ("end_date", text("2023-07-31")),
    ];
    read_all(&project, "ingest_eia", &span);
    read_all(&project, "prepare_clean", &[]);
    let file = TaskDirectory::new();
    let inputs = [("sales.csv", "sales.csv")];
    file.write("sales.csv", "date,sold\n2024-01-01,1\n2024-01-02,2\n");
    read_all_of(&file, "ingest_file", &[], &inputs);
    read_all(&project, "validate_clean", &[]);
    // Those of an ensemble are read where there is one.
    let ensemble = [models(&QUICK), ("select", text("ensemble"))];
    read_all(&project, "train_backtest_select", &ensemble);
    read_all(&project, "register_champion", &[]);
    read_all(&project, "forecast_publish", &[]);
    read_all(&project, "package_champion", &[]);
    read_all(&project, "save_metrics_csv", &[]);
    read_all(&project, "collect", &[]);
    assert_eq!(
        crate::forecasting::tasks().catalog().len(),
        10,
        "a task is not looked at"
    );
}

#[test]
fn the_settings_of_a_model_reach_it() {
    let project = TaskDirectory::new();
    for entry in registry::REGISTRY.iter().filter(|entry| !entry.settings.is_empty()) {
        let model = |settings: &[(&'static str, Value)]| {
            let params = [&[models(&[entry.name])], settings].concat();
            project.with("train_backtest_select", &params, &[], |_, context| {
                format!(
                    "{:?}",
                    train::candidates(context, &[24, 168]).expect("no program")[0].model
                )
            })
        };
        let setting = &entry.settings[0];
        let values = match setting.kind {
            Kind::Bool => vec![Value::Bool(true), Value::Bool(false)],
            Kind::Choice(names) => names.iter().map(|name| text(name)).collect(),
            Kind::List(_) => vec![Value::List(vec![Value::Int(2), Value::Int(3)])],
            _ => panic!("no value for `{}`", setting.name),
        };
        let set = |value: Value| Value::Table(BTreeMap::from([(setting.name.to_owned(), value)]));
        let mut made = values.into_iter().map(|value| model(&[(entry.name, set(value))]));
        assert!(made.any(|made| made != model(&[])), "{}", entry.name);
    }
}

#[test]
fn the_parts_of_a_back_test_are_the_models_that_it_fits() {
    let project = TaskDirectory::new();
    let parts_where = |names: &[&str], on_bad_series: &str| -> Vec<String> {
        let params = [models(names), ("on_bad_series", text(on_bad_series))];
        project.with("train_backtest_select", &params, &[], |task, context| {
            let parts = task.parts(&context.params);
            for part in &parts {
                let model = registry::find(&part.name).expect("a model");
                assert_eq!(part.version, model.version);
            }
            parts.into_iter().map(|part| part.name).collect()
        })
    };
    let parts = |names: &[&str]| parts_where(names, "drop");
    assert_eq!(parts(&["LagRidge", "HoltWinters"]), ["HoltWinters", "LagRidge"]);
    assert_eq!(
        parts_where(&["LagRidge"], "fallback"),
        ["HistoricAverage", "LagRidge", "Naive", "SeasonalNaive"]
    );
    assert_eq!(parts(&["LagRidge", "LagRidge"]), ["LagRidge"]);
    assert_eq!(parts(&["TBATS", "MSTL_ARIMA"]), ["AutoARIMA", "MSTL_ARIMA", "TBATS"]);
    assert!(!parts(&["MSTL_HoltWinters", "DoubleSeasonalHoltWinters"]).contains(&"HoltWinters".to_owned()));
    let tasks = crate::forecasting::tasks();
    let forecast = tasks.get("forecast_publish").expect("a task");
    assert_eq!(
        forecast.parts(&BTreeMap::new()),
        [],
        "its models are those of the selection"
    );
}
