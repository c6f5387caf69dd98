//! `prepare_clean`: duplicates, times, values, and what it reports of them.

use std::fmt::Write as _;

use serde_json::json;

use super::*;

pub(super) const RAW: &str = "unique_id,ds,y
A,2024-01-01 03:00,8
A,2024-01-01 00:00,1
A,2024-01-01 01:00,2
A,2024-01-01 01:00,2
A,2024-01-01 04:00,
A,2024-01-01 05:00,-4
B,2024-01-01 00:00,5
B,2024-01-01 01:00,6
";

pub(super) fn prepare(project: &TaskDirectory, raw: &str, params: &[(&str, Value)]) -> Result<(), TaskError> {
    project.write("raw.csv", raw);
    project.run_on("prepare_clean", params, &[("raw", "raw.csv")])
}

#[test]
fn times_beside_the_steps_are_moved_where_that_is_wanted() {
    let project = TaskDirectory::new();
    let nearest = ("off_steps", text("nearest"));
    // The last days of months on which an exchange is open: that of May 2010 is no holiday's eve by the calendar.
    let days = "2010-01-29 2010-02-26 2010-03-31 2010-04-30 2010-05-28 2010-06-30 2010-07-30 2010-08-31 2010-09-30 2010-10-29 \
                2010-11-30 2010-12-31";
    let row = |(at, day): (usize, &str)| format!("A,{day},{at}\n");
    let rows: String = days.split_whitespace().enumerate().map(row).collect();
    let raw = format!("unique_id,ds,y\n{rows}");
    prepare(&project, &raw, &[("frequency", text("BME"))]).expect("series");
    assert_eq!(project.json("metadata")["integrity"]["off_steps"]["rows"], 1);
    project.log();
    prepare(&project, &raw, &[("frequency", text("BME")), nearest.clone()]).expect("series");
    let metadata = project.json("metadata");
    assert_eq!(metadata["integrity"]["off_steps"]["rows"], 0);
    assert_eq!(metadata["integrity"]["missing_times"], 0);
    assert_eq!(metadata["repairs"]["times_moved"], 1);
    assert_eq!(
        metadata["repairs"]["moved"],
        json!([{ "unique_id": "A", "from": "2010-05-28 00:00:00", "to": "2010-05-31 00:00:00" }])
    );
    assert_eq!(metadata["status"], "mended");
    assert!(project.csv("clean").contains("A,2010-05-31 00:00:00,4.0\n"));
    assert_eq!(
        project.log(),
        ["12 rows of 1 series, 0 values filled, 0 values missing, 1 times moved to the nearest step"]
    );
    // Of two that are beside one step the nearer one moves, and the other is told of.
    let raw = "unique_id,ds,y\nA,2024-01-01 00:00,0\nA,2024-01-01 00:50,1\nA,2024-01-01 01:03,2\nA,2024-01-01 02:00,3\n\
               A,2024-01-01 02:58,4\nA,2024-01-01 04:00,5\n";
    prepare(&project, raw, &[("frequency", text("hourly")), nearest.clone()]).expect("series");
    assert_eq!(
        project.csv("clean"),
        "unique_id,ds,y\nA,2024-01-01 00:00:00,0.0\nA,2024-01-01 00:50:00,1.0\nA,2024-01-01 01:00:00,2.0\n\
         A,2024-01-01 02:00:00,3.0\nA,2024-01-01 03:00:00,4.0\nA,2024-01-01 04:00:00,5.0\n"
    );
    assert_eq!(
        project.json("metadata")["integrity"]["off_steps"]["first"],
        json!([{ "unique_id": "A", "ds": "2024-01-01 00:50:00" }])
    );
    // One without a value takes no step from one that has one.
    let raw = "unique_id,ds,y\nA,2024-01-01 00:00,0\nA,2024-01-01 00:59,\nA,2024-01-01 01:03,2\nA,2024-01-01 02:00,3\n\
               A,2024-01-01 03:00,4\nA,2024-01-01 04:00,5\n";
    prepare(&project, raw, &[("frequency", text("hourly")), nearest]).expect("series");
    assert!(
        project.csv("clean").contains("A,2024-01-01 01:00:00,2.0\n"),
        "{}",
        project.csv("clean")
    );
}

#[test]
fn local_times_that_are_taken_for_utc_lead_to_the_time_zone() {
    let project = TaskDirectory::new();
    // The midnights of Berlin in UTC, over the end of summer time.
    let row = |day: i64| {
        let start = chrono::NaiveDate::from_ymd_opt(2024, 9, 30).and_then(|day| day.and_hms_opt(22, 0, 0));
        let late = i64::from(day >= 27);
        let ds = start.expect("a time") + chrono::TimeDelta::hours(24 * day + late);
        format!("A,{ds},{day}\n")
    };
    let days = format!("unique_id,ds,y\n{}", (0..60).map(row).collect::<String>());
    let told = reported(prepare(&project, &days, &[]));
    assert!(
        told.contains(
            "note: most of its times are a day apart, and some an hour more or less, as the days of a place are in UTC\n\
             help: say where that is: `time_zone` of the task `ingest_file`, as in `time_zone = \"Europe/Berlin\"`"
        ),
        "{told}"
    );
    // An hour that comes twice, in the night to a Sunday; and one on another day.
    let hour = |day: u32, hour: u32, y: u32| format!("A,2024-11-{day:02} {hour:02}:00,{y}\n");
    let twice = |day: u32| {
        let rows = (0..6).map(|at| hour(day, at, at)).collect::<String>();
        format!("unique_id,ds,y\n{rows}{}", hour(day, 1, 9))
    };
    let zone = "help: if the clocks were put back there, say where: `time_zone` of the task `ingest_file`";
    assert!(reported(prepare(&project, &twice(3), &[])).ends_with(zone));
    assert!(!reported(prepare(&project, &twice(5), &[])).contains(zone));
}

#[test]
fn contradicting_values_stop_it_unless_it_knows_which_counts() {
    let project = TaskDirectory::new();
    let raw = "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,4\nA,2024-01-01 01:00,2\n";
    let expected = "2024-01-01 01:00:00 of `A` has different values
help: mend the source, or say which value counts: `duplicates = \"first\"`, \"last\" or \"mean\"";
    assert_eq!(reported(prepare(&project, raw, &[])), expected);
    for (policy, value) in [("first", "4.0"), ("last", "2.0"), ("mean", "3.0")] {
        prepare(&project, raw, &[("duplicates", text(policy))]).expect("series");
        let expected = format!("unique_id,ds,y\nA,2024-01-01 00:00:00,1.0\nA,2024-01-01 01:00:00,{value}\n");
        assert_eq!(project.csv("clean"), expected);
        assert_eq!(project.json("metadata")["integrity"]["contradicting_times"], 1);
    }
}

#[test]
fn raw_rows_become_one_series_for_each_respondent_and_fuel() {
    let project = TaskDirectory::new();
    let raw = "time,respondent,fueltype,value\n2024-01-01 00:00,US48,NG,1\n2024-01-01 00:00,TEX,NG,2\n";
    prepare(&project, raw, &[]).expect("series");
    let expected = "unique_id,ds,y\nTEX_NG,2024-01-01 00:00:00,2.0\nUS48_NG,2024-01-01 00:00:00,1.0\n";
    assert_eq!(project.csv("clean"), expected);
}

#[test]
fn monthly_series_keep_the_last_day_of_the_month() {
    let project = TaskDirectory::new();
    let raw = "unique_id,ds,y\nA,2024-01-31,1\nA,2024-02-29,2\nA,2024-04-30,4\nA,2024-05-31,5\n";
    prepare(&project, raw, &[]).expect("series");
    assert_eq!(project.json("metadata")["frequency"], "monthly");
    assert!(project.csv("clean").contains("A,2024-03-31 00:00:00,3.0\n"));
}

#[test]
fn late_hours_go_and_a_series_that_ended_is_left_for_the_validation() {
    let project = TaskDirectory::new();
    // A begins a step late and ends two steps early, B lacks the last third, C has no value.
    let rows = |id: &str, has_value: &dyn Fn(u32) -> bool| -> String {
        let row = |hour: u32| {
            let value = if has_value(hour) { "1" } else { "" };
            format!("{id},2024-01-{:02} {:02}:00,{value}\n", 1 + hour / 24, hour % 24)
        };
        (0..48).map(row).collect()
    };
    let raw = format!(
        "unique_id,ds,y\n{}{}{}",
        rows("A", &|hour| (1..46).contains(&hour)),
        rows("B", &|hour| hour < 32),
        rows("C", &|_| false)
    );
    prepare(&project, &raw, &[]).expect("series");
    let metadata = project.json("metadata");
    let counts = |series: usize| metadata["series"][series]["row_count"].as_u64();
    assert_eq!([counts(0), counts(1), counts(2)], [Some(45), Some(48), Some(48)]);
    let gone =
        |start: &str, end: &str, rows: u32| json!({ "unique_id": "A", "start": start, "end": end, "rows": rows });
    assert_eq!(metadata["repairs"]["rows_trimmed"], 3);
    assert_eq!(
        metadata["repairs"]["trimmed"],
        json!([
            gone("2024-01-01 00:00:00", "2024-01-01 00:00:00", 1),
            gone("2024-01-02 22:00:00", "2024-01-02 23:00:00", 2)
        ])
    );
    assert_eq!(metadata["gaps_left"]["values_missing"], 16 + 48);
    assert_eq!(metadata["status"], "has gaps");
    prepare(&project, &raw, &[("ends", text("keep"))]).expect("series");
    let metadata = project.json("metadata");
    assert_eq!(
        (
            &metadata["repairs"]["rows_trimmed"],
            &metadata["gaps_left"]["values_missing"]
        ),
        (&json!(0), &json!(3 + 16 + 48))
    );
}

#[test]
fn values_below_zero_outliers_and_units_are_mended_counted_and_listed() {
    let project = TaskDirectory::new();
    let rows = |id: &str| -> String {
        let value = |hour: u32| match hour {
            3 => -2,
            9 => 5_000,
            hour => 100 + i64::from(hour) % 7,
        };
        let row = |hour| format!("{id},2024-01-01 {hour:02}:00,{}\n", value(hour));
        (0..24).map(row).collect()
    };
    let raw = format!("unique_id,ds,y\n{}{}", rows("X_PS"), rows("X_SUN"));
    let params = [
        ("negatives", text("clip")),
        ("negatives_of", text("*_SUN")),
        ("outliers", text("null")),
        ("outlier_threshold", Value::Int(500)),
        ("unit", text("MWh -> GWh")),
    ];
    prepare(&project, &raw, &params).expect("series");
    let clean = project.csv("clean");
    assert!(clean.contains("X_PS,2024-01-01 03:00:00,-0.002\n"), "{clean}");
    assert!(clean.contains("X_SUN,2024-01-01 03:00:00,0.0\n"), "{clean}");
    assert!(clean.contains("X_SUN,2024-01-01 09:00:00,0.102"), "{clean}");
    let metadata = project.json("metadata");
    let repairs = &metadata["repairs"];
    assert_eq!(
        (&repairs["values_clipped"], &repairs["outliers_removed"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        repairs["clipped"],
        json!([{ "unique_id": "X_SUN", "values": 1, "lowest": -0.002 }])
    );
    assert_eq!(
        repairs["outliers"][1],
        json!({ "unique_id": "X_SUN", "ds": "2024-01-01 09:00:00", "y": 5.0 })
    );
    assert_eq!(metadata["unit"], json!({ "name": "GWh", "multiplied_by": 0.001 }));
    assert_eq!(
        project.log(),
        ["48 rows of 2 series, 2 values filled, 0 values missing, 1 values below zero clipped, 2 outliers removed"]
    );
    let told = reported(prepare(&project, &raw, &[("unit", text("MWh -> barrels"))]));
    assert!(
        told.starts_with("`unit` cannot convert `MWh` to `barrels`\nhelp: units of energy "),
        "{told}"
    );
}

#[test]
fn series_that_are_not_like_the_others_are_listed() {
    let project = TaskDirectory::new();
    let rows = |id: &str, value: &dyn Fn(i64) -> Option<i64>| -> String {
        let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
        let time = |hour| start.expect("a time") + chrono::TimeDelta::hours(hour);
        let row = |hour| {
            format!(
                "{id},{},{}\n",
                time(hour),
                value(hour).map_or(String::new(), |value| value.to_string())
            )
        };
        (0..800).map(row).collect()
    };
    let raw = [
        rows("A", &|hour| Some(hour % 24)),
        rows("ENDED", &|hour| (hour < 400).then_some(hour % 24)),
        rows("NULL", &|_| None),
        rows("ZERO", &|_| Some(0)),
    ];
    prepare(&project, &format!("unique_id,ds,y\n{}", raw.concat()), &[]).expect("series");
    let bad = |id: &str, why: &str| json!({ "unique_id": id, "why": why });
    assert_eq!(
        project.json("metadata")["bad_series"],
        json!([
            bad(
                "ENDED",
                "its last value is of 2024-01-17 15:00:00, and others go on to 2024-02-03 07:00:00"
            ),
            bad("NULL", "it has no value"),
            bad("ZERO", "it is always 0"),
        ])
    );
}

#[test]
fn a_field_that_says_there_is_no_value_is_a_missing_one() {
    let project = TaskDirectory::new();
    for word in ["", "NA", "n/a", "null", "--", "-", ".", "w", "None"] {
        let raw =
            format!("unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,{word}\nA,2024-01-01 02:00,3\n\n\n");
        prepare(&project, &raw, &[("gaps", text("keep"))]).expect("series");
        let expected = "unique_id,ds,y\nA,2024-01-01 00:00:00,1.0\nA,2024-01-01 01:00:00,\nA,2024-01-01 02:00:00,3.0\n";
        assert_eq!(project.csv("clean"), expected, "{word}");
    }
}

#[test]
fn what_is_no_csv_file_with_commas_says_so() {
    let project = TaskDirectory::new();
    for (raw, told) in [
        (
            "unique_id;ds;y\nA;2024-01-01;1,5\n",
            "`raw` is not readable as CSV: its fields are separated by `;`, not by commas\n\
             help: write it with commas and decimal points, or, as an input of a target, say in its `reading` how it is written",
        ),
        (
            "# made by x\nunique_id,ds,y\nA,2024-01-01,1\n",
            "`raw` is not readable as CSV: its first line begins with `#`, where the names of the columns have to be\n\
             help: remove the lines before the header, or, as an input of a target, say in its `reading` how it is written",
        ),
        (
            "unique_id,ds,y\nA,2024-01-01,1\nA,2024-01-0",
            "`raw` is not readable as CSV: row 2 has 2 fields, and the header 3\n\
             help: see whether the file was cut off, or a field with a comma in it lacks its quotes",
        ),
        (
            "ID,Date,Value\nA,2024-01-01,1\n",
            "`raw` has no columns `unique_id`, `ds` and `y`, nor `time`, `respondent`, `fueltype` and `value`\n\
             note: its columns: ID, Date, Value\n\
             help: read the file with the task `ingest_file`, which takes any columns, or say in `reading` which they are",
        ),
    ] {
        assert_eq!(reported(prepare(&project, raw, &[])), told, "{raw}");
    }
}

#[test]
fn what_cannot_be_read_is_reported_with_its_row() {
    let project = TaskDirectory::new();
    let expected = "`2 Jan` in row 1 of the column `ds` of `raw` is no time
help: write it as in 2023-06-01 14:00:00, in UTC, or say with `format` of the task `ingest_file` how they are written, as in \"%d/%m/%Y\"";
    assert_eq!(
        reported(prepare(&project, "unique_id,ds,y\nA,2 Jan,1\n", &[])),
        expected
    );
    for (time, format) in [
        ("24-01-02", "%y-%m-%d"),
        ("02-01-24 05:00", "%y-%m-%d %H:%M"),
        ("1/2/24", "%m/%d/%y"),
        ("2.1.24", "%d.%m.%y"),
    ] {
        let expected = format!(
            "`{time}` in row 1 of the column `ds` of `raw` has no year of four digits
help: write it with four, as in 2023-06-01 14:00:00, or say with `format` of the task `ingest_file` how it is written, as in \"{format}\""
        );
        let told = reported(prepare(&project, &format!("unique_id,ds,y\nA,{time},1\n"), &[]));
        assert_eq!(told, expected);
    }
    let expected = "`1,5` in row 1 of the column `y` of `raw` is no number";
    assert_eq!(
        reported(prepare(&project, "unique_id,ds,y\nA,2024-01-01,\"1,5\"\n", &[])),
        expected
    );
    let expected = "`raw` has no column `y`\nnote: its columns: unique_id, ds\nhelp: if it is a file of another form, say in `reading` which \
                    columns are what, as in `reading = { time = \"date\", value = \"sold\" }`";
    assert_eq!(
        reported(prepare(&project, "unique_id,ds\nA,2024-01-01\n", &[])),
        expected
    );
    assert_eq!(
        reported(prepare(&project, "unique_id,ds,y\n", &[])),
        "`raw` has no rows"
    );
    project.write("raw", "no Parquet");
    let message = reported(project.run("prepare_clean", &[]));
    assert!(message.starts_with("`raw` is not readable as Parquet: "), "{message}");
    assert!(
        message.ends_with("help: a file of comma-separated values must end in `.csv` or `.csv.gz`"),
        "{message}"
    );
}

#[test]
fn a_time_far_from_all_others_is_an_error_before_anything_is_filled() {
    let project = TaskDirectory::new();
    let row = |minute: usize| format!("A,2024-01-01 {:02}:{:02},1\n", minute / 60, minute % 60);
    let rows: String = (0..100).map(row).collect();
    let raw = format!("unique_id,ds,y\nA,1970-01-01,1\n{rows}");
    let expected = "the series `A` lacks 28401119 of its minutely steps, more than the 101 rows that it has
note: its longest gap is from 1970-01-01 00:00:00 to 2024-01-01 00:00:00
help: see whether a time there is wrong; if the steps are others, say so with `frequency`
help: if the gap is right, set `max_fill` to the rows that may be added, or take the rows before it out";
    assert_eq!(reported(prepare(&project, &raw, &[])), expected);
    let raw =
        "unique_id,ds,y\nA,2024-01-01 00:00,1\nA,2024-01-01 01:00,1\nA,2024-01-01 02:00,1\nA,2024-01-01 08:00,1\n";
    let fewer = reported(prepare(&project, raw, &[("max_fill", Value::Int(4))]));
    let expected = "the series `A` lacks 5 of its hourly steps, more than the 4 that `max_fill` allows";
    assert!(fewer.starts_with(expected), "{fewer}");
    prepare(&project, raw, &[("max_fill", Value::Int(5))]).expect("that many are allowed");
    assert_eq!(project.json("metadata")["integrity"]["missing_times"], 5);
}

#[test]
fn a_time_off_the_steps_is_told_with_its_row() {
    let project = TaskDirectory::new();
    let row = |hour: usize| format!("A,2024-01-01 {hour:02}:00,{hour}\n");
    let rows: String = (0..20).map(row).collect();
    let raw = format!("unique_id,ds,y\n{rows}A,2024-01-01 07:12,3\n");
    prepare(&project, &raw, &[]).expect("series");
    let off = json!({ "rows": 1, "first": [{ "unique_id": "A", "ds": "2024-01-01 07:12:00" }] });
    assert_eq!(project.json("metadata")["integrity"]["off_steps"], off);
    let warning = "warning: 1 rows lie off the hourly steps of their series, the first of them 2024-01-01 07:12:00";
    assert_eq!(project.log()[0], warning);
    let broken = project.run_on(
        "validate_clean",
        &[("min_length", Value::Int(1))],
        &[("clean", "clean")],
    );
    assert!(reported(broken).starts_with("the series break the rule `steps`"));
}

#[test]
fn a_file_of_any_form_is_read_as_it_is_said() {
    let project = TaskDirectory::new();
    let raw = "Filiale;Tag;Umsatz\nNord;01.02.2024;1.234,5\nNord;13.02.2024;7,25\n";
    let error = prepare(&project, raw, &[])
        .expect_err("not the columns of series")
        .to_string();
    assert!(error.contains("its fields are separated by `;`"), "{error}");
    let said = [("separator", ";"), ("thousands", "."), ("value", "Umsatz")];
    let reading = Value::Table(said.map(|(name, said)| (name.to_owned(), text(said))).into());
    let params = [("reading", reading), ("frequency", text("D")), ("gaps", text("keep"))];
    prepare(&project, raw, &params).expect("series");
    let clean = project.csv("clean");
    assert!(
        clean.starts_with("unique_id,ds,y\nNord,2024-02-01 00:00:00,1234.5\n"),
        "{clean}"
    );
    assert!(clean.ends_with("Nord,2024-02-13 00:00:00,7.25\n"), "{clean}");
    let file = &project.json("metadata")["file"];
    assert_eq!(file["columns"]["value"], json!(["Umsatz"]), "{file}");
}

#[test]
fn rows_that_collide_with_others_are_told_as_that() {
    let project = TaskDirectory::new();
    let mut raw = "unique_id,ds,y\n".to_owned();
    for hour in 0..48 {
        writeln!(raw, "A,2024-01-{:02} {:02}:00:00,{hour}", 1 + hour / 24, hour % 24).expect("into memory");
    }
    raw.push_str("A,2024-01-01 05:00:20,7\n");
    prepare(&project, &raw, &[("off_steps", text("nearest"))]).expect("series");
    let log = project.log().join("\n");
    let told = "warning: 1 rows lie off the hourly steps of their series, the first of them 2024-01-01 05:00:20: the step nearest to \
                it has another row, so it was not moved, and one of the two has to go";
    assert!(log.contains(told), "{log}");
    let refused = project.run("validate_clean", &[]);
    let told = reported(refused);
    assert!(
        told.contains("of two rows of one step, one has to go at the source"),
        "{told}"
    );
}
