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
    if !params.iter().any(|(name, _)| *name == "on_bad_series") {
        all.push(("on_bad_series", text("error")));
    }
    let inputs = [("clean", "clean.csv"), ("baseline", "baseline.csv")];
    let given = if project.path("baseline.csv").exists() {
        &inputs[..]
    } else {
        &inputs[..1]
    };
    project.run_on("validate_clean", &all, given)
}

/// What is said of a rule, as `rules` takes it.
fn rule(name: &str, entries: &[(&str, Value)]) -> (&'static str, Value) {
    let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let rule = Value::Table(entries.collect());
    ("rules", Value::Table(BTreeMap::from([(name.to_owned(), rule)])))
}

/// Hourly rows of a series from 2024-01-01T00 on.
fn series(id: &str, hours: usize, value: impl Fn(usize) -> String) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let time = |hour: usize| start.expect("a time") + chrono::TimeDelta::hours(i64::try_from(hour).expect("small"));
    let row = |hour| format!("{id},{},{}\n", time(hour), value(hour));
    (0..hours).map(row).collect()
}

/// A day's pattern, with something that has none.
fn daily(hour: usize) -> String {
    let day = (hour % 24) * (24 - hour % 24);
    (500 + day + (hour.wrapping_mul(0x9E37_79B9) >> 7) % 23).to_string()
}

fn table(series: &[String]) -> String {
    format!("unique_id,ds,y\n{}", series.concat())
}

#[test]
fn what_one_series_breaks_concerns_that_series() {
    let project = TaskDirectory::new();
    let clean = table(&[
        series("A", 60, daily),
        series("B", 60, |_| "0".to_owned()),
        series("C", 60, |_| String::new()),
        series("D", 10, daily),
    ]);
    let fallback = ("on_bad_series", text("fallback"));
    let length = rule("length", &[("at_least", Value::Int(48))]);
    validate(&project, &clean, &[fallback.clone(), length.clone()]).expect("valid");
    let report = project.json("validation");
    assert_eq!(report["status"], "valid");
    let bad = |id: &str, rule: &str, why: &str| json!({ "unique_id": id, "rule": rule, "why": why });
    assert_eq!(
        report["bad_series"],
        json!([
            bad("C", "nulls", "broken 60 times, first by C 2024-01-01 00:00:00"),
            bad("D", "length", "broken once, by D 10 rows"),
            bad("B", "constant", "broken once, by B always 0"),
            bad("C", "constant", "broken once, by C no value"),
        ])
    );
    let warnings: Vec<String> = project
        .log()
        .into_iter()
        .filter(|line| line.starts_with("warning"))
        .collect();
    assert_eq!(
        warnings,
        [
            "warning: the rule `nulls` is broken 60 times, first by C 2024-01-01 00:00:00; the longest gap has 60 steps, from C \
             2024-01-01 00:00:00 on; 1 of 4 series",
            "warning: the rule `length` is broken once, by D 10 rows; 1 of 4 series",
            "warning: the rule `constant` is broken 2 times, first by B always 0; 2 of 4 series",
        ]
    );
    for (params, stops) in [
        (vec![("on_bad_series", text("drop")), length.clone()], false),
        (vec![("on_bad_series", text("error")), length], true),
        (vec![fallback.clone(), rule("nulls", &[("scope", text("panel"))])], true),
        (
            vec![
                fallback.clone(),
                rule("nulls", &[("scope", text("panel")), ("at_most", Value::Int(40))]),
            ],
            false,
        ),
        (vec![fallback, rule("length", &[("at_least", Value::Int(100))])], true),
    ] {
        assert_eq!(validate(&project, &clean, &params).is_err(), stops, "{params:?}");
    }
}

#[test]
fn several_broken_rules_are_a_table() {
    let project = TaskDirectory::new();
    let clean = "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,\nA,2024-01-01 04:00,-3\n";
    let told = reported(validate(&project, clean, &[]));
    let expected = "the series break the rules `missing_times`, `nulls`, `negative`
note: `missing_times`: broken 2 times, first by A 2024-01-01 02:00:00; the longest gap has 3 steps, from A 2024-01-01 01:00:00 on
note: `nulls`:         broken once, by A 2024-01-01 01:00:00; the longest gap has 3 steps, from A 2024-01-01 01:00:00 on
note: `negative`:      broken once, by A 2024-01-01 04:00:00
help: see validation.json for the rows
help: the task `prepare_clean` fills gaps of up to `max_gap` steps; `max_missing` lets some pass
help: if the values are right, raise `max_negative`; if zero is meant, `prepare_clean` clips them: `negatives = \"clip\"`";
    assert_eq!(told, expected);
}

#[test]
fn a_rule_that_nothing_can_keep_is_told() {
    let project = TaskDirectory::new();
    let clean = "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,2\n";
    let level = ("level", text("warn"));
    let told = |name: &str, entries: &[(&str, Value)]| {
        let entries = [entries, std::slice::from_ref(&level)].concat();
        reported(validate(&project, clean, &[rule(name, &entries)]))
    };
    assert_eq!(
        told("range", &[("limits", texts(&["*: 5..1"]))]),
        "`*: 5..1` among the `limits` of the rule `range` allows no value\n\
         help: write the lower number first, as in `*_SUN: -50..80000`"
    );
    assert_eq!(
        told(
            "coverage",
            &[("start", text("2024-05-01")), ("end", text("2024-03-31"))]
        ),
        "the rule `coverage` asks for the days from 2024-05-01 to 2024-03-31, which ends before it begins\n\
         help: let `start` be the earlier day"
    );
}

#[test]
fn a_series_without_any_value_is_told_as_what_no_task_can_mend() {
    let project = TaskDirectory::new();
    let row = |hour: usize| format!("A,2024-01-01 {hour:02}:00,\n");
    let rows: String = (0..24).map(row).collect();
    let told = reported(validate(&project, &format!("unique_id,ds,y\n{rows}"), &[]));
    assert!(
        told.ends_with(
            "help: `A` has no value at all, which `prepare_clean` cannot mend: look at the source, or leave the series out"
        ),
        "{told}"
    );
}

/// A rule, a series that breaks it, what is said of the rule, and what the message has.
type BrokenCase = (&'static str, String, Vec<(&'static str, Value)>, &'static str);

#[test]
fn each_further_rule_breaks_and_holds() {
    let project = TaskDirectory::new();
    let error = ("level", text("error"));
    let level = |hour: usize| if hour < 400 { 0 } else { 2_000 };
    let shifted = |hour: usize| (daily(hour).parse::<usize>().expect("a number") + level(hour)).to_string();
    let but =
        |at: usize, value: &'static str| move |hour: usize| if hour == at { value.to_owned() } else { daily(hour) };
    let stuck = |hour: usize| {
        if (50..80).contains(&hour) {
            "600".to_owned()
        } else {
            daily(hour)
        }
    };
    let limits = ("limits", texts(&["A: 0..900", "*: .."]));
    let days = |start: &str, end: &str| [("start", text(start)), ("end", text(end))];
    let [start, end] = days("2024-01-01", "2024-02-15");
    let cases: [BrokenCase; 8] = [
        (
            "stuck",
            series("A", 720, stuck),
            vec![("at_most", Value::Int(24))],
            "600 for 30 steps from 2024-01-03 02:00:00 on",
        ),
        (
            "jumps",
            series("A", 720, but(300, "5000")),
            vec![],
            "2024-01-13 12:00:00",
        ),
        (
            "outliers",
            series("A", 720, but(300, "90000")),
            vec![("at_most", Value::Int(0))],
            "2024-01-13 12:00:00",
        ),
        (
            "range",
            series("A", 720, but(300, "950")),
            vec![limits],
            "2024-01-13 12:00:00",
        ),
        (
            "coverage",
            series("A", 720, daily),
            vec![start, end],
            "720 of 1104 steps from 2024-01-01 00:00:00 on have a value",
        ),
        (
            "freshness",
            series("A", 720, daily),
            vec![("as_of", text("2024-02-15"))],
            "384 steps before the end",
        ),
        ("level_shift", series("A", 720, shifted), vec![], "from about "),
        (
            "seasons",
            series("A", 720, daily),
            vec![("declared", Value::Int(7))],
            "a season of 24 steps shows",
        ),
    ];
    let sound = table(&[series("A", 720, daily)]);
    for (name, broken, mut entries, place) in cases {
        entries.push(error.clone());
        let told = reported(validate(
            &project,
            &table(std::slice::from_ref(&broken)),
            &[rule(name, &entries)],
        ));
        assert!(
            told.starts_with(&format!("the series break the rule `{name}`\n")),
            "{name}: {told}"
        );
        assert!(told.contains(place), "{name}: {told}");
        let warn: Vec<(&str, Value)> = entries.iter().filter(|(name, _)| *name != "level").cloned().collect();
        let warn = [warn, vec![("level", text("warn"))]].concat();
        project.log();
        validate(&project, &table(&[broken]), &[rule(name, &warn)]).expect("a warning");
        assert!(
            project
                .log()
                .iter()
                .any(|line| line.starts_with(&format!("warning: the rule `{name}`"))),
            "{name}"
        );
        let others = ["coverage", "freshness", "seasons"];
        if !others.contains(&name) {
            validate(&project, &sound, &[rule(name, &entries)]).expect(name);
        }
    }
    for (name, entries) in [
        (
            "coverage",
            vec![("start", text("2024-01-01")), ("end", text("2024-01-30"))],
        ),
        ("freshness", vec![("as_of", text("2024-01-30"))]),
    ] {
        validate(
            &project,
            &sound,
            &[rule(name, &[entries, vec![error.clone()]].concat())],
        )
        .expect(name);
    }
}

#[test]
fn values_that_are_no_more_what_they_were_are_told() {
    let project = TaskDirectory::new();
    let drift = rule("drift", &[("level", text("error"))]);
    let clean = table(&[series("A", 720, daily)]);
    let told = reported(validate(&project, &clean, std::slice::from_ref(&drift)));
    assert!(
        told.starts_with("the rule `drift` has nothing to compare with\nhelp: bind "),
        "{told}"
    );
    project.write("baseline.csv", &clean);
    validate(&project, &clean, std::slice::from_ref(&drift)).expect("the same");
    let tenfold = table(&[series("A", 720, |hour| format!("{}0", daily(hour)))]);
    let told = reported(validate(&project, &tenfold, &[drift]));
    assert!(
        told.contains("100 % between its values and those of `baseline`; medians "),
        "{told}"
    );
}

#[test]
fn a_rule_that_cannot_be_measured_says_what_it_needs() {
    let project = TaskDirectory::new();
    let clean = table(&[series("A", 60, daily)]);
    let range = |entries: &[(&str, Value)]| reported(validate(&project, &clean, &[rule("range", entries)]));
    let error = ("level", text("error"));
    let told = range(std::slice::from_ref(&error));
    assert!(
        told.starts_with("the rule `range` has no limits\nhelp: say them: "),
        "{told}"
    );
    let told = range(&[error, ("limits", text("A 0 to 5"))]);
    assert!(
        told.starts_with("`A 0 to 5` among the `limits` of the rule `range` is none\nhelp: write "),
        "{told}"
    );
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
        "stuck",
        "jumps",
        "outliers",
        "range",
        "coverage",
        "freshness",
        "drift",
        "level_shift",
        "seasons",
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
note: `missing_times`: broken 2 times, first by A 2024-01-01 02:00:00; the longest gap has 2 steps, from A 2024-01-01 02:00:00 on
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
        "level": "error",
        "scope": "series",
        "verdict": "broken",
        "broken": 2,
        "series": 1,
        "first": [
            { "unique_id": "A", "ds": "2024-01-01 02:00:00" },
            { "unique_id": "A", "ds": "2024-01-01 03:00:00" },
        ],
        "longest": { "unique_id": "A", "ds": "2024-01-01 02:00:00", "steps": 2 },
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
