//! The content of each task's artifacts for one fixed input: when it changes, the task's `version` must be raised.

use std::fmt::Write as _;

use super::*;

/// A task, its parameters, and the artifacts that are looked at.
type TaskCase<'a> = (&'a str, Vec<(&'a str, Value)>, &'a [&'a str]);

/// The tasks in order with their versions, their parameters, and the digests of what they make.
#[test]
fn a_task_whose_artifacts_change_has_a_new_version() {
    let project = TaskDirectory::new();
    let models = || ("models", texts(&["SeasonalNaive", "LagRidge"]));
    let span = [
        ("start_date", text("2023-06-01")),
        ("end_date", text("2023-06-30")),
        ("source", text(pipeline::BUNDLED)),
    ];
    let windows = || ("n_windows", Value::Int(2));
    let tasks: [TaskCase<'_>; 7] = [
        ("ingest_eia", span.to_vec(), &["raw"]),
        ("prepare_clean", vec![], &["clean", "metadata"]),
        ("validate_clean", vec![], &["validation"]),
        (
            "train_backtest_select",
            vec![models(), windows()],
            &["cv_results", "leaderboard", "selected"],
        ),
        ("register_champion", vec![], &["champion"]),
        ("forecast_publish", vec![], &["predictions"]),
        ("save_metrics_csv", vec![], &["metrics"]),
    ];
    let catalog = crate::forecasting::tasks().catalog();
    let mut found = String::new();
    for (task, params, artifacts) in tasks {
        project.run(task, &params).expect("done");
        writeln!(found, "{task} {}", catalog[task].version).expect("into memory");
        for artifact in artifacts {
            writeln!(found, "  {artifact} {}", project.digest(artifact).short()).expect("into memory");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/forecasting/tests/golden.txt");
    assert_eq!(found, std::fs::read_to_string(path).expect("the digests as they were"));
}
