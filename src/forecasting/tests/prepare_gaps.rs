//! `prepare_clean`: what it fills, with what, and what it leaves.

use std::fmt::Write as _;

use serde_json::json;

use super::prepare::{RAW, prepare};
use super::*;

#[test]
fn gaps_are_filled_on_a_line_and_reported() {
    let project = TaskDirectory::new();
    prepare(&project, RAW, &[]).expect("series");
    let expected = "unique_id,ds,y
A,2024-01-01 00:00:00,1.0
A,2024-01-01 01:00:00,2.0
A,2024-01-01 02:00:00,5.0
A,2024-01-01 03:00:00,8.0
A,2024-01-01 04:00:00,2.0
A,2024-01-01 05:00:00,-4.0
B,2024-01-01 00:00:00,5.0
B,2024-01-01 01:00:00,6.0
";
    assert_eq!(project.csv("clean"), expected);
    let gap = |at: &str| json!({ "unique_id": "A", "start": at, "end": at, "values": 1 });
    let expected = json!({
        "run_id": crate::engine::run_id::RUN_ID_PLACEHOLDER,
        "target": "a_target",
        "status": "mended",
        "row_count": 8,
        "date_range": { "start": "2024-01-01 00:00:00", "end": "2024-01-01 05:00:00" },
        "frequency": "hourly",
        "series": [
            { "unique_id": "A", "row_count": 6, "start": "2024-01-01 00:00:00", "end": "2024-01-01 05:00:00",
              "values_filled": 2, "values_missing": 0 },
            { "unique_id": "B", "row_count": 2, "start": "2024-01-01 00:00:00", "end": "2024-01-01 01:00:00",
              "values_filled": 0, "values_missing": 0 },
        ],
        "integrity": {
            "rows_read": 8, "repeated_rows": 1, "contradicting_times": 0, "contradictions": [], "missing_times": 1,
            "holidays": { "days": 0, "first": [] }, "off_steps": { "rows": 0, "first": [] }, "empty_values": 1, "not_finite_values": 0, "negative_values": 1,
        },
        "repairs": {
            "values_filled": 2, "filled": [gap("2024-01-01 02:00:00"), gap("2024-01-01 04:00:00")],
            "rows_trimmed": 0, "trimmed": [],
        },
        "gaps_left": { "values_missing": 0, "gaps": [] },
    });
    assert_eq!(project.json("metadata"), expected);
    assert_eq!(project.log(), ["8 rows of 2 series, 2 values filled, 0 values missing"]);
}

#[test]
fn long_gaps_stay_and_so_do_those_at_an_end_if_that_is_wanted() {
    let project = TaskDirectory::new();
    let raw = "unique_id,ds,y
A,2024-01-01 00:00,
A,2024-01-01 01:00,2
A,2024-01-01 04:00,8
A,2024-01-01 05:00,9
A,2024-01-01 06:00,10
";
    let keep = ("ends", text("keep"));
    prepare(&project, raw, &[("max_gap", Value::Int(1)), keep.clone()]).expect("series");
    let metadata = project.json("metadata");
    assert_eq!(metadata["status"], "has gaps");
    let expected = json!({ "values_missing": 3, "gaps": [
        { "unique_id": "A", "start": "2024-01-01 00:00:00", "end": "2024-01-01 00:00:00", "values": 1 },
        { "unique_id": "A", "start": "2024-01-01 02:00:00", "end": "2024-01-01 03:00:00", "values": 2 },
    ]});
    assert_eq!(metadata["gaps_left"], expected);
    prepare(&project, raw, &[("gaps", text("keep")), keep]).expect("series");
    assert_eq!(project.json("metadata")["gaps_left"], expected);
}

#[test]
fn gaps_may_stop_it_or_be_filled_by_the_season() {
    let project = TaskDirectory::new();
    let raw = "unique_id,ds,y\nA,2023-01-01,1\nA,2023-02-01,5\nA,2023-03-01,2\nA,2024-01-01,3\nA,2024-02-01,7\nA,2024-03-01,4\n";
    let monthly = [("frequency", text("monthly")), ("max_gap", Value::Int(12))];
    let gaps = |policy: &str| [&monthly[..], &[("gaps", text(policy))]].concat();
    let expected = "9 steps have no value, the first of them 2023-04-01 00:00:00 of `A`
note: that gap is 9 steps long and ends with 2023-12-01 00:00:00
help: mend the source, or let gaps be filled: `gaps = \"interpolate\"` or \"seasonal\"";
    assert_eq!(reported(prepare(&project, raw, &gaps("error"))), expected);
    // A season before and after there is nothing: the gap stays, rather than that something is made up.
    prepare(&project, raw, &gaps("seasonal")).expect("series");
    assert_eq!(project.json("metadata")["gaps_left"]["values_missing"], 9);
    let row = |month: u32| {
        let (year, month) = (month / 12, month % 12);
        format!("A,{}-{:02}-01,{}\n", 2021 + year, 1 + month, month + 100 * year)
    };
    let whole: String = (0..36).filter(|month| ![13, 14].contains(month)).map(row).collect();
    prepare(&project, &format!("unique_id,ds,y\n{whole}"), &gaps("seasonal")).expect("series");
    let clean = project.csv("clean");
    assert!(
        clean.contains("A,2022-02-01 00:00:00,101.0\nA,2022-03-01 00:00:00,102.0\n"),
        "{clean}"
    );
    prepare(
        &project,
        "unique_id,ds,y\nA,2023-01-01,1\nA,2023-02-01,5\n",
        &gaps("error"),
    )
    .expect("no gap");
}

#[test]
fn on_closed_days_nothing_is_filled_and_a_holiday_stays_closed() {
    let project = TaskDirectory::new();
    let first = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
    let is_open = |day: &chrono::NaiveDate| {
        use chrono::Datelike as _;
        day.weekday().num_days_from_monday() < 5 && day.to_string() != "2024-02-19"
    };
    let days = first.iter_days().take(70).filter(is_open);
    let rows: Vec<String> = days.zip(0..).map(|(day, y)| format!("A,{day},{y}\n")).collect();
    // The value of one open day is missing.
    let raw = format!("unique_id,ds,y\n{}", rows.concat()).replace("A,2024-01-10,7\n", "A,2024-01-10,\n");
    prepare(&project, &raw, &[]).expect("series");
    let metadata = project.json("metadata");
    assert_eq!(
        (&metadata["frequency"], &metadata["row_count"]),
        (&json!("business-daily"), &json!(rows.len()))
    );
    assert_eq!(metadata["repairs"]["values_filled"], 1);
    let holidays = json!({ "days": 1, "first": [{ "unique_id": "A", "day": "2024-02-19" }] });
    assert_eq!(metadata["integrity"]["holidays"], holidays);
    project
        .run_on("validate_clean", &[], &[("clean", "clean")])
        .expect("a holiday is no missing step");
}

#[test]
fn seasons_are_counted_in_steps_where_holidays_have_no_row() {
    let project = TaskDirectory::new();
    // Business days whose value is the day of the week, from a Monday on; two Mondays are holidays, and a Wednesday has no value.
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a Monday");
    let mut raw = "unique_id,ds,y\n".to_owned();
    for at in 0..84_u32 {
        let is_open = at % 7 < 5 && ![21, 35].contains(&at);
        if is_open {
            let value = if at == 30 { String::new() } else { (at % 7).to_string() };
            let day = start + chrono::TimeDelta::days(i64::from(at));
            writeln!(raw, "A,{day},{value}").expect("into memory");
        }
    }
    prepare(&project, &raw, &[("gaps", text("seasonal"))]).expect("series");
    assert_eq!(project.json("metadata")["frequency"], "business-daily");
    let clean = project.csv("clean");
    assert!(clean.contains("A,2024-01-31 00:00:00,2.0\n"), "{clean}");
}

#[test]
fn a_series_with_hours_of_its_own_is_filled_by_its_own_days() {
    let project = TaskDirectory::new();
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .expect("a time");
    let mut raw = "unique_id,ds,y\n".to_owned();
    for (id, hours) in [("A", 9..17), ("B", 9..17), ("C", 6..18)] {
        for day in (0..28).filter(|day| day % 7 < 5) {
            for hour in hours.clone() {
                let value = if (id, day, hour) == ("C", 15, 12) {
                    String::new()
                } else {
                    hour.to_string()
                };
                let time = start + chrono::TimeDelta::hours(24 * day + hour);
                writeln!(raw, "{id},{time},{value}").expect("into memory");
            }
        }
    }
    prepare(&project, &raw, &[("gaps", text("seasonal"))]).expect("series");
    let clean = project.csv("clean");
    assert!(clean.contains("C,2024-01-16 12:00:00,12.0\n"), "{clean}");
}
