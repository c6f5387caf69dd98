//! How `ingest_file` reads times.

use serde_json::json;

use super::ingest_file::{PLAIN, ingest, refusal, rows};
use super::*;

#[test]
fn times_are_read_over_all_rows() {
    for (file, params, expected) in [
        (
            "day,y\n01/02/2024,1\n13/02/2024,2\n",
            vec![],
            "2024-02-01 1.0, 2024-02-13 2.0",
        ),
        (
            "day,y\n01/02/2024,1\n01/13/2024,2\n",
            vec![],
            "2024-01-02 1.0, 2024-01-13 2.0",
        ),
        (
            "day,y\n01/02/24,1\n02/02/24,2\n",
            vec![("format", text("%d/%m/%y"))],
            "2024-02-01 1.0, 2024-02-02 2.0",
        ),
        (
            "quarter,y\n2005-Q1,1\n2005-Q2,2\n",
            vec![],
            "2005-01-01 1.0, 2005-04-01 2.0",
        ),
        (
            "week,y\n2024-W07,1\n2024-W08,2\n",
            vec![],
            "2024-02-12 1.0, 2024-02-19 2.0",
        ),
        (
            "month,y\n2019-01,1\n2019-02,2\n",
            vec![],
            "2019-01-01 1.0, 2019-02-01 2.0",
        ),
        ("year,y\n2019,1\n2020,2\n", vec![], "2019-01-01 1.0, 2020-01-01 2.0"),
        (
            "time,y\n1704067200,1\n1704153600,2\n",
            vec![],
            "2024-01-01 1.0, 2024-01-02 2.0",
        ),
        (
            "time,y\n19723,1\n19724,2\n",
            vec![("unit", text("D"))],
            "2024-01-01 1.0, 2024-01-02 2.0",
        ),
        // Midnights of a place, in summer and in winter.
        (
            "time,y\n2024-03-10 00:00-05:00,1\n2024-03-11 00:00-04:00,2\n",
            vec![],
            "2024-03-10 1.0, 2024-03-11 2.0",
        ),
    ] {
        let expected: Vec<String> = expected.split(", ").map(|row| format!("sales {row}")).collect();
        assert_eq!(rows(file, &params), expected.join(", "), "{file}");
    }
}

#[test]
fn local_time_becomes_utc_across_changes_of_the_clock() {
    let project = TaskDirectory::new();
    let new_york = [("time_zone", text("America/New_York"))];
    // Both days of the year that have not 24 hours.
    let fall: Vec<u32> = (0..24)
        .flat_map(|hour| std::iter::repeat_n(hour, if hour == 1 { 2 } else { 1 }))
        .collect();
    let spring: Vec<u32> = (0..24).filter(|hour| *hour != 2).collect();
    for (day, hours, count) in [("2024-11-03", fall, 25), ("2024-03-10", spring, 23)] {
        let rows: Vec<String> = hours
            .iter()
            .map(|hour| format!("{day} {hour:02}:00,{hour}\n"))
            .collect();
        let rows = rows.concat();
        ingest(&project, "load.csv", format!("time,load\n{rows}").as_bytes(), &new_york).expect("read");
        project
            .run_on("prepare_clean", &[], &[("raw", "raw")])
            .expect("an hourly series");
        let metadata = project.json("metadata");
        assert_eq!(
            (&metadata["row_count"], &metadata["status"]),
            (&json!(count), &json!("clean")),
            "{day}"
        );
    }
    let skipped = ingest(
        &project,
        "load.csv",
        b"time,load\n2024-03-10 01:00,1\n2024-03-10 02:00,2\n",
        &new_york,
    );
    let expected = "`2024-03-10 02:00:00` in row 2 of the column `time` of `load.csv` is no time in America/New_York
note: the clocks are put forward there, and leave that hour out
help: if they are not, as where standard time is kept all year, say so: `time_zone = \"-05:00\"`";
    assert_eq!(reported(skipped), expected);
}

#[test]
fn digits_of_dates_and_times_of_day_are_no_seconds() {
    let project = TaskDirectory::new();
    let rows = |zeros: &str| -> String {
        let row = |hour: usize| format!("{}{:02}{zeros},{hour}\n", 20_240_101 + hour / 24, hour % 24);
        format!("date,load\n{}", (0..72).map(row).collect::<String>())
    };
    for (zeros, form) in [("", "YYYYMMDDHH"), ("00", "YYYYMMDDHHMM"), ("0000", "YYYYMMDDHHMMSS")] {
        ingest(&project, "load.csv", rows(zeros).as_bytes(), &[]).expect("read");
        let metadata = project.json("metadata");
        assert_eq!(metadata["date_range"]["end"], "2024-01-03 23:00:00", "{form}");
        assert_eq!(metadata["files"][0]["form"]["unit"], form);
    }
    // One slip makes no seconds of them.
    for (zeros, slip) in [("", "2024019999"), ("00", "202402012560"), ("0000", "20240101126000")] {
        let file = format!("{}{slip},1\n", rows(zeros));
        let told = reported(ingest(&project, "load.csv", file.as_bytes(), &[]));
        assert!(
            told.starts_with(&format!("`{slip}` in row 73 of the column `date`")),
            "{told}"
        );
    }
    // They are what a clock shows.
    ingest(
        &project,
        "load.csv",
        rows("").as_bytes(),
        &[("time_zone", text("+01:00"))],
    )
    .expect("read");
    assert_eq!(project.json("metadata")["date_range"]["start"], "2023-12-31 23:00:00");
    // Seconds of the year 2034, of which not each has the digits of a date.
    let row = |hour: i64| format!("{},{hour}\n", 2_024_010_100 + hour * 3600);
    let seconds = format!("date,load\n{}", (0..72).map(row).collect::<String>());
    ingest(&project, "load.csv", seconds.as_bytes(), &[]).expect("read");
    assert_eq!(project.json("metadata")["date_range"]["start"], "2034-02-20 01:01:40");
}

#[test]
fn years_that_end_in_the_next_are_no_months() {
    let row = |year: usize| format!("{year}/{:02},5\n", (year + 1) % 100);
    let file = |years: std::ops::Range<usize>| format!("year,gdp\n{}", years.map(row).collect::<String>());
    let told = reported(ingest(
        &TaskDirectory::new(),
        "gdp.csv",
        file(1998..2011).as_bytes(),
        &[],
    ));
    assert!(
        told.starts_with("`1998/99` in row 1 of the column `year` of `gdp.csv` is a year that ends in the next one"),
        "{told}"
    );
    let project = TaskDirectory::new();
    // The same, were they all months.
    let told = reported(ingest(&project, "gdp.csv", file(2000..2011).as_bytes(), &[]));
    assert!(
        told.contains("help: write the year alone in which each begins, as in 2000"),
        "{told}"
    );
    ingest(
        &project,
        "gdp.csv",
        file(2000..2011).as_bytes(),
        &[("format", text("%Y/%m"))],
    )
    .expect("months");
}

#[test]
fn times_are_numbers_as_spreadsheets_and_programs_count_them() {
    let excel = ("unit", text("excel"));
    assert_eq!(
        rows("date,sold\n45292,1.5\n45293,2\n", std::slice::from_ref(&excel)),
        PLAIN
    );
    assert_eq!(
        rows("date,sold\n45292.25,1\n45292.5,2\n", &[excel]),
        "sales 2024-01-01 06:00:00 1.0, sales 2024-01-01 12:00:00 2.0"
    );
    assert_eq!(rows("date,sold\n1704067200.0,1.5\n1704153600.0,2\n", &[]), PLAIN);
    let told = refusal("date,sold\n45292,1\n45293,2\n");
    assert!(
        told.contains("`unit = \"excel\"` is for the days that Excel counts"),
        "{told}"
    );
}

#[test]
fn a_slip_among_hours_of_digits_is_told_with_its_own_row() {
    let with = |slip: &str| {
        let rows: Vec<String> = (0..10).map(|hour| format!("20240131{hour:02},{hour}\n")).collect();
        format!("time,y\n{}{slip},10\n20240131{},11\n", rows.concat(), 11)
    };
    let told = |slip: &str| refusal(&with(slip)).lines().next().map(str::to_owned);
    assert_eq!(
        told("20240131").as_deref(),
        Some("`20240131` in row 11 of the column `time` of `sales.csv` is no time")
    );
    assert_eq!(
        told("").as_deref(),
        Some("the column `time` of `sales.csv` is empty in row 11")
    );
    assert_eq!(
        told("later").as_deref(),
        Some("`later` in row 11 of the column `time` of `sales.csv` is no time")
    );
    assert_eq!(rows(&with("2024013110"), &[]).matches(", sales").count(), 11);
}

#[test]
fn a_header_of_times_or_of_numbers_names_no_columns() {
    let across = "has times as the names of its columns: `2019`, `2020`, `2021`
note: its columns: store, 2019, 2020, 2021
help: write a row for each time, with the time in a column of its own: in pandas, with `melt`";
    assert_eq!(
        refusal("store;2019;2020;2021\nA;10;12;14\nB;20;21;22\n"),
        format!("`sales.csv` {across}")
    );
    for file in [
        "2019;2020\n10;12\n20;21\n",
        "month;2019;2020\nJan;1;2\nFeb;2;3\n",
        "month;2019;2020\n1;1;2\n2;2;3\n",
        "item,2024-01-31,2024-02-29\na,1,2\nb,3,4\n",
    ] {
        assert!(
            refusal(file).contains("has times as the names of its columns"),
            "{file}"
        );
    }
    for (file, first) in [
        ("2019,100\n2020,101\n2021,103\n", "2019"),
        ("20240101,5\n20240102,6\n", "20240101"),
        ("1704067200,5\n1704070800,6\n", "1704067200"),
        ("A,2019,3\nA,2020,4\nA,2021,5\n", "2019"),
    ] {
        let told = refusal(file);
        let wanted = format!(
            "`sales.csv` has no header: its first line has `{first}` where the names of the columns have to be\n"
        );
        assert!(told.starts_with(&wanted), "{told}");
    }
    let wide = "date,1,2024\n2024-01-01,10,12\n2024-01-02,10,12\n";
    assert_eq!(
        rows(wide, &[]),
        "1 2024-01-01 10.0, 1 2024-01-02 10.0, 2024 2024-01-01 12.0, 2024 2024-01-02 12.0"
    );
}

#[test]
fn hours_of_excel_are_whole_seconds_however_many_digits_its_cells_show() {
    for digits in [5, 6, 8, 10, 14] {
        let hour = |hour: u32| format!("{:.digits$},{hour}\n", 45_292.0 + f64::from(hour) / 24.0);
        let file: String = (0..30).map(hour).collect();
        let read = rows(&format!("time,y\n{file}"), &[("unit", text("excel"))]);
        assert!(
            read.contains("sales 2024-01-01 05:00:00 5.0, sales 2024-01-01 06:00:00 6.0"),
            "{digits}: {read}"
        );
    }
    let read = rows("time,y\n45292.000001157,1\n45292.5,2\n", &[("unit", text("excel"))]);
    assert_eq!(read, "sales 2024-01-01 1.0, sales 2024-01-01 12:00:00 2.0");
}

#[test]
fn a_time_as_the_clock_of_c_writes_it_is_not_told_to_lack_its_year() {
    let told = refusal("time,y\nMon Jan  1 00:00:00 2024,1\nTue Jan  2 00:00:00 2024,2\n");
    assert!(
        told.starts_with("`Mon Jan  1 00:00:00 2024` in row 1 of the column `time` of `sales.csv` is no time\n"),
        "{told}"
    );
}
