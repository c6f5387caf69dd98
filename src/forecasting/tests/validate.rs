//! `validate_clean`: each rule, held and broken.

use serde_json::json;

use super::*;

/// Hourly rows of one series from 2024-01-01T00, a text for each value.
fn hourly(values: &[&str]) -> String {
    let row = |(hour, y): (usize, &&str)| format!("A,2024-01-01 {hour:02}:00,{y}\n");
    let rows: String = values.iter().enumerate().map(row).collect();
    format!("unique_id,ds,y\n{rows}")
}

fn validate(project: &TaskDirectory, clean: &str, params: &[(&str, Value)]) -> Result<(), TaskError> {
    project.write("clean.csv", clean);
    let mut all = params.to_vec();
    all.push(("min_length", Value::Int(2)));
    project.run_on("validate_clean", &all, &[("clean", "clean.csv")])
}

/// The names of the broken rules as the report has them.
fn broken(project: &TaskDirectory) -> Vec<String> {
    let report = project.json("validation");
    let rules = report["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter(|rule| rule["verdict"] == "broken");
    rules
        .map(|rule| rule["rule"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn a_series_without_fault_is_valid() {
    let project = TaskDirectory::new();
    validate(&project, &hourly(&["1", "2", "3"]), &[]).expect("valid");
    let report = project.json("validation");
    assert_eq!((&report["status"], &report["row_count"]), (&json!("valid"), &json!(3)));
    let names: Vec<&str> = report["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["rule"].as_str())
        .collect();
    let expected = [
        "columns",
        "rows",
        "order",
        "duplicates",
        "not_finite",
        "missing_times",
        "nulls",
        "steps",
        "negative",
        "length",
        "constant",
    ];
    assert_eq!(names, expected);
    assert_eq!(broken(&project), [""; 0]);
}

#[test]
fn a_broken_rule_fails_after_the_report_is_written() {
    let project = TaskDirectory::new();
    let clean =
        "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,2\nA,2024-01-01 04:00,3\nA,2024-01-01 05:00,3\n";
    let expected = "the series break the rule `missing_times`
note: `missing_times`: broken 2 times, first by A 2024-01-01 02:00:00
help: see validation.json for the rows
help: the task `prepare_clean` fills gaps of up to `max_gap` steps; `max_missing` lets some pass";
    assert_eq!(reported(validate(&project, clean, &[])), expected);
    let report = project.json("validation");
    assert_eq!(report["status"], "broken");
    let rule = report["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .find(|rule| rule["rule"] == "missing_times");
    let expected = json!({
        "rule": "missing_times",
        "what": "no hourly step between first and last has no row; up to 0 % of a series' steps may",
        "verdict": "broken",
        "broken": 2,
        "first": [
            { "unique_id": "A", "ds": "2024-01-01 02:00:00" },
            { "unique_id": "A", "ds": "2024-01-01 03:00:00" },
        ],
    });
    assert_eq!(rule, Some(&expected));
    validate(&project, clean, &[("max_missing", Value::Int(50))]).expect("two of six may be missing");
}

#[test]
fn each_rule_can_break_alone() {
    let project = TaskDirectory::new();
    let cases = [
        ("unique_id,ds\nA,2024-01-01\n", "columns"),
        ("unique_id,ds,y\n", "rows"),
        ("unique_id,ds,y\nA,2024-01-01 01:00,1\nA,2024-01-01 00:00,2\n", "order"),
        (
            "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,2\nA,2024-01-01 01:00,2\n",
            "duplicates",
        ),
        (&hourly(&["1", "inf", "3"]), "not_finite"),
        (&hourly(&["1", "NaN", "3"]), "not_finite"),
        (&hourly(&["1", "", "3"]), "nulls"),
        (
            "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,2\nA,2024-01-01 02:00,2\nA,2024-01-01 02:30,3\n",
            "steps",
        ),
        (&hourly(&["100", "-6", "3"]), "negative"),
        (&hourly(&["4", "4", "4"]), "constant"),
    ];
    for (clean, rule) in cases {
        let result = validate(&project, clean, &[]);
        assert!(result.is_err(), "{rule} holds");
        let message = reported(result);
        assert!(
            message.starts_with(&format!("the series break the rule `{rule}`\n")),
            "{rule}: {message}"
        );
        assert_eq!(broken(&project), [rule]);
    }
    let short = reported(validate(
        &project,
        &hourly(&["1", "2"]),
        &[("min_length", Value::Int(3))],
    ));
    let expected = "the series break the rule `length`
note: `length`: broken once, by A 2 rows
help: see validation.json for the rows
help: take a longer span of data, or lower `min_length`";
    assert_eq!(short, expected);
}

#[test]
fn solar_plants_may_draw_some_power_at_night() {
    let project = TaskDirectory::new();
    validate(&project, &hourly(&["100", "-5", "3"]), &[]).expect("5 % is within the tolerance");
    validate(
        &project,
        &hourly(&["100", "-600", "3"]),
        &[("max_negative", Value::Int(100))],
    )
    .expect("all is");
}
