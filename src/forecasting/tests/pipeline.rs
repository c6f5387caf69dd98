//! All tasks in a row.

use super::*;

#[test]
#[ignore]
fn real() {
    let project = Project::new();
    std::os::unix::fs::symlink("/work/shared/data/eia/us48_ng_2024", project.path("pages")).unwrap();
    let ingest = [
        ("source", text("pages")),
        ("start_date", text("2024-01-01")),
        ("end_date", text("2024-12-31")),
    ];
    project.run("ingest_eia", &ingest).unwrap();
    project.run("prepare_clean", &[]).unwrap();
    project.run("validate_clean", &[]).unwrap();
    project.run("train_backtest_select", &[]).unwrap();
    println!("{}", project.csv("leaderboard"));
    println!("{}", std::fs::read_to_string(project.path("selected")).unwrap());
    project.run("register_champion", &[]).unwrap();
    project.run("forecast_publish", &[]).unwrap();
    project.run("save_metrics_csv", &[]).unwrap();
    println!("{}", project.csv("predictions"));
    println!("{}", std::fs::read_to_string(project.path("champion")).unwrap());
    println!("{}", std::fs::read_to_string(project.path("metadata")).unwrap());
    println!("{}", std::fs::read_to_string(project.path("metrics")).unwrap());
    println!("{:#?}", project.log());
}
