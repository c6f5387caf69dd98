//! Registrations in the embedded store: once, by turns, and under a guard.

use rusqlite::Connection;

use super::pipeline::{models, on_csv, two_series};
use super::*;

const INPUTS: [(&str, &str); 2] = [("clean", "series.csv"), ("cv_results", "cv_results")];

/// A project in which `model` was selected.
fn selected(model: &str) -> TaskDirectory {
    let project = TaskDirectory::new();
    select(&project, model);
    project
}

fn select(project: &TaskDirectory, model: &str) {
    let params = [
        models(&[model]),
        ("n_windows", Value::Int(2)),
        ("step_size", Value::Int(24)),
        ("ended_after", Value::Int(1000)),
    ];
    on_csv(project, &two_series(600), &params).expect("selected");
}

/// Registers under a key; gives what the record says of it.
fn register(project: &TaskDirectory, key: &str, params: &[(&str, Value)]) -> serde_json::Value {
    try_register(project, key, params).expect("registered");
    project.json("champion")["registration"].clone()
}

fn try_register(project: &TaskDirectory, key: &str, params: &[(&str, Value)]) -> Result<(), TaskError> {
    project.with("register_champion", params, &INPUTS, |task, context| {
        context.effect_key = Some(Digest::of(key.as_bytes()));
        // A run of June 2024.
        context.run = "01900000-0000-7000-8000-000000000000".parse().ok();
        task.run(context)
    })
}

fn one_model() -> (&'static str, Value) {
    ("registered_model", text("{experiment_name}"))
}

fn database(project: &TaskDirectory) -> Connection {
    Connection::open(project.path("mlflow/mlflow.db")).expect("a database")
}

fn count(project: &TaskDirectory, what: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {what}");
    database(project)
        .query_row(&query, [], |row| row.get(0))
        .expect("a number")
}

#[test]
fn a_registration_is_made_once_and_found_again() {
    let project = selected("SeasonalNaive");
    let first = register(&project, "a", &[]);
    assert_eq!(first["model"], "eia_forecasting_SeasonalNaive");
    assert_eq!(first["uri"], "models:/eia_forecasting_SeasonalNaive@champion");
    assert_eq!(
        (&first["version"], &first["why"]),
        (&1.into(), &"nothing held the alias".into())
    );
    let again = register(&project, "a", &[]);
    assert_eq!(again["why"], "it held the alias already");
    for field in ["run_id", "model_id", "version", "alias", "effect_key"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    for (what, rows) in [
        ("runs", 1),
        ("model_versions", 1),
        ("logged_models", 1),
        ("params WHERE key = 'horizon' AND value = '24'", 1),
        ("metrics WHERE key = 'rmse'", 2),
        ("latest_metrics WHERE key = 'rmse' AND step = 1", 1),
        ("metrics WHERE key = 'SeasonalNaive/rmse_mean'", 1),
        ("runs WHERE end_time > start_time", 1),
    ] {
        assert_eq!(count(&project, what), rows, "{what}");
    }
    let place: String = database(&project)
        .query_row("SELECT artifact_location FROM logged_models", [], |row| row.get(0))
        .expect("a place");
    assert!(place.starts_with("mlflow/artifacts/1/models/m-"), "{place}");
    let mlmodel = std::fs::read_to_string(project.path(&place).join("MLmodel")).expect("a model");
    assert!(
        mlmodel.contains(&format!("\nrun_id: {}\n", first["run_id"].as_str().expect("an id"))),
        "{mlmodel}"
    );
}

#[test]
fn the_windows_of_a_model_make_up_its_line_of_the_leaderboard() {
    let project = selected("SeasonalNaive");
    register(&project, "a", &[]);
    let mean = |key: &str| -> f64 {
        let sql = format!("SELECT avg(value) FROM metrics WHERE key = '{key}'");
        database(&project)
            .query_row(&sql, [], |row| row.get(0))
            .expect("a mean")
    };
    for key in ["rmse", "mae", "mape", "mase", "coverage"] {
        let (windows, whole) = (mean(key), mean(&format!("{key}_mean")));
        assert!(
            (windows - whole).abs() <= 1e-9 * whole.abs(),
            "{key}: {windows} and {whole}"
        );
        assert_eq!(count(&project, &format!("metrics WHERE key = '{key}'")), 2, "{key}");
    }
}

#[test]
fn the_alias_goes_to_a_newer_champion_and_back() {
    let project = selected("SeasonalNaive");
    let first = register(&project, "a", &[one_model()]);
    let second = register(&project, "b", &[one_model()]);
    assert_eq!((&first["version"], &second["version"]), (&1.into(), &2.into()));
    assert_eq!(second["replaced"], "eia_forecasting/1");
    let again = register(&project, "b", &[one_model()]);
    assert_eq!(again["replaced"], "eia_forecasting/1");
    let back = register(&project, "a", &[one_model()]);
    assert_eq!(
        (&back["version"], &back["replaced"]),
        (&1.into(), &"eia_forecasting/2".into())
    );
    assert_eq!(count(&project, "model_versions"), 2);
    assert_eq!(count(&project, "registered_model_aliases WHERE version = 1"), 1);
}

#[test]
fn a_champion_of_another_name_takes_the_alias_from_the_former() {
    let project = selected("SeasonalNaive");
    register(&project, "a", &[]);
    select(&project, "LagRidge");
    let second = register(&project, "b", &[]);
    assert_eq!(second["model"], "eia_forecasting_LagRidge");
    assert_eq!(second["replaced"], "eia_forecasting_SeasonalNaive/1");
    assert_eq!(count(&project, "registered_model_aliases"), 1);
    // Another experiment has a champion of its own.
    register(&project, "c", &[("experiment_name", text("other"))]);
    assert_eq!(count(&project, "registered_model_aliases"), 2);
}

#[test]
fn a_guard_keeps_the_alias_from_a_challenger_that_is_not_better() {
    let project = selected("SeasonalNaive");
    register(&project, "a", &[one_model()]);
    let guarded = [one_model(), ("min_improvement", Value::Float(5.0))];
    let second = register(&project, "b", &guarded);
    assert_eq!(
        (&second["version"], &second["alias"]),
        (&2.into(), &serde_json::Value::Null)
    );
    assert_eq!(second["uri"], "models:/eia_forecasting/2");
    let why = second["why"].as_str().expect("a reason");
    assert!(
        why.starts_with("`champion` stays on eia_forecasting/1: `rmse_mean` went from ")
            && why.ends_with("which is 0.00 % better, and `min_improvement` is 5 %"),
        "{why}"
    );
    let equal = [one_model(), ("min_improvement", Value::Float(0.0))];
    assert_eq!(register(&project, "b", &equal)["alias"], "champion");
}

#[test]
fn what_a_person_deleted_is_registered_anew() {
    let project = selected("SeasonalNaive");
    let first = register(&project, "a", &[]);
    let deleted = "UPDATE runs SET lifecycle_stage = 'deleted'";
    database(&project).execute(deleted, []).expect("deleted");
    let second = register(&project, "a", &[]);
    assert_ne!(second["run_id"], first["run_id"]);
    assert_eq!(second["version"], 2);
    let deleted = "UPDATE experiments SET lifecycle_stage = 'deleted' WHERE experiment_id = 1";
    database(&project).execute(deleted, []).expect("deleted");
    assert_eq!(
        reported(try_register(&project, "a", &[])),
        "the experiment `eia_forecasting` of `mlflow/mlflow.db` was deleted\n\
         help: restore it (`mlflow experiments restore --experiment-id 1`), or set another `experiment_name`"
    );
}

#[test]
fn a_failure_leaves_nothing_and_builds_at_once_take_turns() {
    let project = selected("SeasonalNaive");
    project.write("mlflow/artifacts", "a file where the artifacts belong");
    let message = reported(try_register(&project, "a", &[]));
    assert!(
        message.starts_with("cannot write the artifact `mlflow/artifacts/"),
        "{message}"
    );
    assert_eq!(count(&project, "sqlite_master"), 0, "not even a table is left");
    std::fs::remove_file(project.path("mlflow/artifacts")).expect("removed");
    std::thread::scope(|scope| {
        let locked = database(&project);
        locked.execute_batch("BEGIN IMMEDIATE").expect("locked");
        scope.spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            locked.execute_batch("COMMIT").expect("let go");
        });
        assert_eq!(register(&project, "a", &[])["version"], 1);
    });
}

#[test]
fn names_and_places_that_mlflow_has_not_are_refused() {
    let project = selected("SeasonalNaive");
    for (param, value, message) in [
        (
            "tracking_uri",
            "databricks://x",
            "`tracking_uri` is `databricks://x`, which is neither",
        ),
        (
            "registered_model",
            "a/b",
            "`registered_model` gives the name `a/b`, which MLflow does not take",
        ),
        (
            "model_alias",
            "v12",
            "`model_alias` is `v12`, which MLflow keeps for versions",
        ),
        (
            "model_alias",
            "latest",
            "`model_alias` is `latest`, which MLflow keeps for versions",
        ),
    ] {
        let error = reported(try_register(&project, "a", &[(param, text(value))]));
        assert!(error.starts_with(message), "{error}");
    }
    project.write("mlflow/mlflow.db", &"no database ".repeat(100));
    let error = reported(try_register(&project, "a", &[]));
    assert!(
        error.starts_with("`mlflow/mlflow.db` is no sound database of SQLite"),
        "{error}"
    );
}
