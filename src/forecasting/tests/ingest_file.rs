//! `ingest_file`: what it reads as people write it, what it guesses, and what it says where it cannot.

use std::io::Write as _;

use serde_json::json;

use super::*;

/// Ingests a file of this name.
fn ingest(project: &TaskDirectory, name: &str, bytes: &[u8], params: &[(&str, Value)]) -> Result<(), TaskError> {
    project.write(name, "");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path(name), bytes).expect("written");
    project.run_on("ingest_file", params, &[(name, name)])
}

/// The rows that come of a text, as `id day value` joined by commas.
fn rows(text: &str, params: &[(&str, Value)]) -> String {
    let project = TaskDirectory::new();
    match ingest(&project, "sales.csv", text.as_bytes(), params) {
        Ok(()) => rows_of(&project),
        Err(error) => format!("error: {error}"),
    }
}

/// The error that comes of a text, with its notes and help.
fn refusal(text: &str) -> String {
    reported(ingest(&TaskDirectory::new(), "sales.csv", text.as_bytes(), &[]))
}

fn rows_of(project: &TaskDirectory) -> String {
    let csv = project.csv("raw").replace(" 00:00:00", "");
    csv.lines()
        .skip(1)
        .map(|row| row.replace(',', " "))
        .collect::<Vec<_>>()
        .join(", ")
}

const PLAIN: &str = "sales 2024-01-01 1.5, sales 2024-01-02 2.0";

#[test]
fn files_are_read_as_people_write_them() {
    for file in [
        "date,sold\n2024-01-01,1.5\n2024-01-02,2\n",
        "date;sold\n2024-01-01;1,5\n2024-01-02;2\n",
        "date\tsold\n2024-01-01\t1,5\n2024-01-02\t2\n",
        "date|sold\r\n2024-01-01|1.5\r\n2024-01-02|2\r\n\r\n\r\n",
        "\u{feff}Date,Sold\n2024-01-01,1.5\n2024-01-02,2\n",
        "# made by x\n\nsep=;\nDate ; Sold\n2024-01-01 ; 1.5\n# a word\n2024-01-02;2",
        "\"date\",\"sold\"\n\"2024-01-01\",\"1.5\"\n\"2024-01-02\",\"2\"\n",
        ",date,sold\n0,2024-01-01,1.5\n1,2024-01-02,2\n",
        ",sold\n2024-01-01,1.5\n2024-01-02,2\n",
        "Day,y,price\n01.01.2024,1.5,3\n02.01.2024,2,4\n",
    ] {
        assert_eq!(rows(file, &[]), PLAIN, "{file}");
    }
    let missing = rows(
        "date,sold\n2024-01-01,1\n2024-01-02,N/A\n2024-01-03,--\n2024-01-04,4\n",
        &[],
    );
    assert_eq!(
        missing,
        "sales 2024-01-01 1.0, sales 2024-01-02 , sales 2024-01-03 , sales 2024-01-04 4.0"
    );
}

#[test]
fn encodings_are_told_by_their_marks_or_said() {
    let project = TaskDirectory::new();
    let file = "Tag;Köln\n01.01.2024;1,5\n02.01.2024;2\n";
    let utf16: Vec<u8> = format!("\u{feff}{file}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let latin: Vec<u8> = file
        .chars()
        .map(|c| u8::try_from(u32::from(c)).expect("Latin"))
        .collect();
    let time = ("time", text("Tag"));
    for (bytes, encoding) in [
        (utf16, "UTF-16LE"),
        (latin, "windows-1252"),
        (file.as_bytes().to_vec(), "UTF-8"),
    ] {
        ingest(&project, "sales.csv", &bytes, std::slice::from_ref(&time)).expect("read");
        assert_eq!(rows_of(&project), PLAIN);
        let read = &project.json("metadata")["files"][0];
        assert_eq!(
            read["form"],
            json!({ "decimal": ",", "encoding": encoding, "separator": ";" })
        );
        assert_eq!(
            read["columns"],
            json!({ "id": { "constant": "sales" }, "time": "Tag", "value": ["Köln"] })
        );
    }
    let params = [time, ("encoding", text("utf-8"))];
    assert_eq!(
        reported(ingest(&project, "sales.csv", b"Tag;K\xf6ln\n01.01.2024;1\n", &params)),
        "`sales.csv` is not readable as CSV: it is not all UTF-8"
    );
}

#[test]
fn packed_files_json_and_parquet_are_the_same_rows() {
    let project = TaskDirectory::new();
    let csv = "date,sold\n2024-01-01,1.5\n2024-01-02,2\n";
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("folder/sales.csv", options).expect("begun");
    archive.write_all(csv.as_bytes()).expect("written");
    let archive = archive.finish().expect("packed").into_inner();
    let zstd = zstd::encode_all(csv.as_bytes(), 0).expect("packed");
    let lines = "{\"date\":\"2024-01-01\",\"sold\":1.5}\n{\"sold\":2,\"date\":\"2024-01-02\",\"more\":{\"a\":[1]}}\n\n";
    let array = format!("[{}]", lines.trim().replace('\n', ","));
    for (name, bytes) in [
        ("sales.csv.gz", super::hostile_files::packed(csv.as_bytes())),
        ("sales.csv.zst", zstd),
        ("sales.zip", archive),
        // Names may not say that they are packed.
        ("sales.txt", super::hostile_files::packed(csv.as_bytes())),
        ("sales.csv.gz", csv.as_bytes().to_vec()),
        ("sales.jsonl", lines.as_bytes().to_vec()),
        ("sales.json", array.into_bytes()),
    ] {
        ingest(&project, name, &bytes, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows_of(&project), PLAIN, "{name}");
    }
    let parquet = std::fs::read(project.path("raw")).expect("read");
    ingest(&project, "again.parquet", &parquet, &[]).expect("read");
    assert_eq!(rows_of(&project), PLAIN);
}

#[test]
fn columns_are_series_where_several_hold_values_or_a_column_names_them() {
    let wide = rows("date,north,south\n2024-01-01,1,3\n2024-01-02,2,4\n", &[]);
    assert_eq!(
        wide,
        "north 2024-01-01 1.0, north 2024-01-02 2.0, south 2024-01-01 3.0, south 2024-01-02 4.0"
    );
    let long = "Store,date,sold\nN,2024-01-01,1\nS,2024-01-01,3\nN,2024-01-02,2\nS,2024-01-02,4\n";
    assert_eq!(
        rows(long, &[]),
        "N 2024-01-01 1.0, S 2024-01-01 3.0, N 2024-01-02 2.0, S 2024-01-02 4.0"
    );
    let joined = [("id", texts(&["Store", "item"])), ("value", text("sold"))];
    assert_eq!(
        rows("Store,item,date,sold\nN,7,2024-01-01,1\nN,8,2024-01-01,2\n", &joined),
        "N_7 2024-01-01 1.0, N_8 2024-01-01 2.0"
    );
    let named = rows("date,sold\n2024-01-01,1\n", &[("id", text("all"))]);
    assert_eq!(named, "all 2024-01-01 1.0");
}

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
fn what_cannot_be_guessed_is_told_with_what_to_say() {
    let project = TaskDirectory::new();
    for (file, params, expected) in [
        (
            "a,b\n1,2\n",
            vec![],
            "`sales.csv` has no column of which it is plain that it holds the times\nnote: its columns: a, b\n\
             help: say which it is: `time = \"a column\"`",
        ),
        (
            "date,sold\n2024-01-01,1\n",
            vec![("value", text("sodl"))],
            "`sales.csv` has no column `sodl`\nnote: its columns: date, sold\nhelp: set `value` to one of its columns",
        ),
        (
            "date,sold\n2024-01-01,1\n2024-01-0",
            vec![],
            "`sales.csv` is not readable as CSV: row 2 has 1 field, and the header 2\n\
             help: see whether the file was cut off, or a field with a comma in it lacks its quotes",
        ),
        (
            "date,sold\n01/02/2024,1\n02/01/2024,2\n",
            vec![],
            "`01/02/2024` in row 1 of the column `date` of `sales.csv` has a day and a month that could be each other\n\
             note: no row has a number above 12 in either place\n\
             help: write them as in 2023-06-01, or say with `format` of the task `ingest_file` how they are written, as in \
             \"%d/%m/%Y\"",
        ),
        (
            "date,sold\n2024-01-01,\"1,234\"\n",
            vec![],
            "`1,234` in row 1 of the column `sold` of `sales.csv` is no number\n\
             help: if thousands are separated, say by what: `thousands = \",\"`; if the comma stands before the fraction, \
             `decimal = \",\"`",
        ),
        (
            "date,sold\n2024-01-01,1\n2024-01-02,closed\n",
            vec![("value", text("sold"))],
            "`closed` in row 2 of the column `sold` of `sales.csv` is no number\n\
             help: if it is a word for no value, add it to `null_values`",
        ),
        ("date,sold\n", vec![], "`sales.csv` has no rows"),
        (
            "date,sold,sold\n2024-01-01,1,2\n",
            vec![],
            "the columns 2 and 3 of `sales.csv` are both called `sold`\n\
             help: give each column a name of its own",
        ),
        (
            "date,sold\n1,1\n2,2\n",
            vec![],
            "`1` in row 1 of the column `date` of `sales.csv` is no time\n\
             help: if times are counted from 1970, say with `unit` of the task `ingest_file` in what: s, ms, us, ns or D; `unit = \"excel\"` is for the days that Excel counts",
        ),
        (
            "date,sold\n2024-01-01,1\n,2\n",
            vec![],
            "the column `date` of `sales.csv` is empty in row 2",
        ),
    ] {
        assert_eq!(
            reported(ingest(&project, "sales.csv", file.as_bytes(), &params)),
            expected,
            "{file}"
        );
    }
    let said = [("thousands", text(",")), ("null_values", texts(&["closed"]))];
    let read = rows("date,sold\n2024-01-01,\"1,234.5\"\n2024-01-02,closed\n", &said);
    assert_eq!(read, "sales 2024-01-01 1234.5, sales 2024-01-02 ");
}

#[test]
fn what_stands_in_the_place_of_a_table_is_told() {
    for (file, expected) in [
        (
            "<!DOCTYPE html>\n<html><body>Not found, sorry</body></html>\n",
            "`sales.csv` is not readable as CSV: it is a page in HTML, or XML, and no table\n\
             help: look at it: a server may have answered with a page where the file was asked for",
        ),
        (
            "date,hour,load\n2024-01-01,0,1\n2024-01-01,1,2\n2024-01-02,0,3\n2024-01-02,1,4\n",
            "`sales.csv` has days in the column `date`, and their hours in the column `hour`\n\
             note: its columns: date, hour, load\n\
             help: write both in one column, as in 2024-01-31 13:00, and name it with `time`",
        ),
        (
            "year,month,load\n2024,1,1\n2024,2,2\n",
            "`sales.csv` has its dates in several columns: `year`, `month`\nnote: its columns: year, month, load\n\
             help: write each date in one column, as in 2024-01-31, or 2024-01 for a month, and name it with `time`",
        ),
        (
            "Date,Time,load\n2024-01-01,00:15,1\n2024-01-01,00:30,2\n",
            "`00:15` in row 1 of the column `Time` of `sales.csv` is a time of day without its day\n\
             help: write both in one column, as in 2023-06-01 14:00:00",
        ),
        (
            "date,sold\n2024-01-01 05:00 EST,1\n",
            "`2024-01-01 05:00 EST` in row 1 of the column `date` of `sales.csv` has the zone `EST`, a name that several \
             zones have\n\
             help: write how far it is from UTC instead, as in 2023-06-01 14:00:00-05:00\n\
             help: or leave it out, and say with `time_zone` of the task `ingest_file` where the clock stands",
        ),
        (
            "date,sold\n1.700000000e+09,1\n",
            "`1.700000000e+09` in row 1 of the column `date` of `sales.csv` is a number in powers of ten, of which digits may \
             be lost\nhelp: write it whole, as in 1700000000: spreadsheets shorten what they show",
        ),
    ] {
        assert_eq!(refusal(file), expected, "{file}");
    }
}

#[test]
fn two_names_that_would_be_one_are_refused() {
    let project = TaskDirectory::new();
    let file = "region,plant,date,sold\nN_1,A,2024-01-01,1\nN,1_A,2024-01-01,2\n";
    let told = reported(ingest(
        &project,
        "sales.csv",
        file.as_bytes(),
        &[("id", texts(&["region", "plant"]))],
    ));
    assert_eq!(
        told,
        "two series of `sales.csv` would both be called `N_1_A`: `N_1` and `A` in row 1, and `N` and `1_A` in row 2\n\
         note: the texts of several columns are joined by `_`\n\
         help: let the file have a column with one name for each series, and say so: `id = \"a column\"`"
    );
}

#[test]
fn an_hour_that_comes_twice_makes_no_names_of_the_values() {
    // Two days with the hour that is put back, and values of which some come again.
    let hours: Vec<u32> = (0..24).chain([0, 1, 1]).chain(2..24).collect();
    let day = |at: usize| if at < 24 { "2024-11-02" } else { "2024-11-03" };
    let row = |(at, hour): (usize, &u32)| format!("{} {hour:02}:00,{},{}\n", day(at), at % 9, at * 7 % 11);
    let file: String = hours.iter().enumerate().map(row).collect();
    let zone = [("time_zone", text("America/New_York")), ("value", text("load"))];
    for header in ["time,load,temp", "time,temp,load"] {
        let project = TaskDirectory::new();
        ingest(&project, "load.csv", format!("{header}\n{file}").as_bytes(), &zone).expect("read");
        let raw = project.csv("raw");
        assert!(
            raw.lines().skip(1).all(|row| row.starts_with("load,")),
            "{header}: {raw}"
        );
        assert_eq!(raw.lines().count(), 50);
    }
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
fn a_first_line_of_data_is_no_header() {
    let told = reported(ingest(
        &TaskDirectory::new(),
        "sales.csv",
        b"2024-01-01,5\n2024-01-02,6\n2024-01-03,7\n",
        &[],
    ));
    assert_eq!(
        told,
        "`sales.csv` has no header: its first line has the time `2024-01-01` where the names of the columns have to be\n\
         help: write the names of the columns into a line before it, as in `ds,y`\n\
         help: if the column is called so, say it: `time = \"2024-01-01\"`"
    );
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
fn a_file_with_another_separator_leads_to_the_parameter() {
    let project = TaskDirectory::new();
    let told = reported(ingest(
        &project,
        "a.csv",
        b"date^sold\n2024-01-01^5\n2024-01-02^6\n",
        &[],
    ));
    assert!(told.contains("say so: `separator = \" \"`"), "{told}");
    ingest(
        &project,
        "a.csv",
        b"date^sold\n2024-01-01^5\n2024-01-02^6\n",
        &[("separator", text("^"))],
    )
    .expect("read");
}

#[test]
fn blanks_of_every_kind_separate_thousands_beside_a_decimal_comma() {
    let project = TaskDirectory::new();
    for blank in [' ', '\u{a0}', '\u{202f}'] {
        let file = format!("Datum;Wert\n2024-01-01;1{blank}234,5\n2024-01-02;2{blank}000,0\n");
        ingest(&project, "a.csv", file.as_bytes(), &[("thousands", text(" "))]).expect("read");
        assert_eq!(project.numbers("raw", "y"), [1234.5, 2000.0]);
    }
}

/// Days of two shops and two goods, the columns in this order.
fn shops(head: &str, row: impl Fn(&str, &str, usize) -> String) -> String {
    let mut file = format!("{head}\n");
    for shop in ["north", "south"] {
        for good in ["tea", "milk"] {
            for day in 1..=20 {
                file += &row(shop, good, day);
                file.push('\n');
            }
        }
    }
    file
}

#[test]
fn names_that_stand_in_several_columns_are_asked_for() {
    let project = TaskDirectory::new();
    let file = shops("shop,item,date,sold", |shop, good, day| {
        format!("{shop},{good},2024-01-{day:02},{day}")
    });
    assert_eq!(
        reported(ingest(&project, "a.csv", file.as_bytes(), &[])),
        "`a.csv` has several rows of one time for each `item`, which `shop` tells apart\n\
         note: its columns: shop, item, date, sold\n\
         help: say which columns name the series: `id = [\"item\", \"shop\"]`; or `id = [\"item\"]`, if such rows are of one series"
    );
    ingest(&project, "a.csv", file.as_bytes(), &[("id", texts(&["item", "shop"]))]).expect("read");
    assert_eq!(project.json("metadata")["series"], 4);
    ingest(&project, "a.csv", file.as_bytes(), &[("id", texts(&["item"]))]).expect("read");
    assert_eq!(project.json("metadata")["series"], 2);
    // Neither has a name that says so, and it takes both.
    let told = reported(ingest(
        &project,
        "a.csv",
        file.replacen("item", "good", 1).as_bytes(),
        &[],
    ));
    assert!(
        told.contains("has several rows of one time, which `shop`, `good` tell apart")
            && told.contains("`id = [\"shop\", \"good\"]`"),
        "{told}"
    );
    // In Parquet nothing else is read, unless it takes more to tell.
    let named = [("id", texts(&["item", "shop"]))];
    ingest(&project, "a.csv", file.as_bytes(), &named).expect("read");
    let whole: DataFrame = {
        use polars_io::SerReader as _;
        let reader = polars_io::prelude::CsvReadOptions::default();
        reader
            .into_reader_with_file_handle(std::io::Cursor::new(file.clone()))
            .finish()
            .expect("CSV")
    };
    let parquet = |names: &[&str], said: &[(&str, Value)]| {
        let mut frame = whole.select(names.iter().copied()).expect("columns");
        let mut bytes = Vec::new();
        polars_io::prelude::ParquetWriter::new(&mut bytes)
            .finish(&mut frame)
            .expect("Parquet");
        ingest(&project, "a.parquet", &bytes, said)
    };
    let told = reported(parquet(&["shop", "item", "date", "sold"], &[]));
    assert!(told.contains("which `shop` tells apart"), "{told}");
    let told = reported(parquet(&["shop", "date", "item", "sold"], &[("value", text("sold"))]));
    assert!(told.contains("which `shop` tells apart"), "{told}");
}

#[test]
fn parts_of_the_date_are_no_series() {
    let project = TaskDirectory::new();
    let row = |day: usize| format!("2024-01-{day:02},2024,1,{day},{}\n", day % 7);
    let file = format!(
        "date,year,month,sold,day_of_week\n{}",
        (1..=28).map(row).collect::<String>()
    );
    ingest(&project, "a.csv", file.as_bytes(), &[]).expect("read");
    assert_eq!(
        project.json("metadata")["files"][0]["columns"]["value"],
        serde_json::json!(["sold"])
    );
}

#[test]
fn files_that_follow_each_other_are_asked_whether_they_are_one_series() {
    let project = TaskDirectory::new();
    let part = |days: std::ops::Range<usize>| {
        let row = |day: usize| format!("2024-01-{day:02},{day}\n");
        format!("date,sold\n{}", days.map(row).collect::<String>())
    };
    project.write("a.csv", &part(1..11)).write("b.csv", &part(11..21));
    let files = [("a.csv", "a.csv"), ("b.csv", "b.csv")];
    let warned = |project: &TaskDirectory| {
        project
            .log()
            .iter()
            .any(|line| line.starts_with("warning: no column names the series"))
    };
    project.run_on("ingest_file", &[], &files).expect("read");
    assert!(warned(&project));
    project
        .run_on("ingest_file", &[("id", text("shop"))], &files)
        .expect("read");
    assert!(!warned(&project));
    project.write("b.csv", &part(5..21));
    project.run_on("ingest_file", &[], &files).expect("read");
    assert!(!warned(&project));
}

#[test]
fn json_that_is_no_rows_is_told() {
    let project = TaskDirectory::new();
    for file in [
        "{\"date\":{\"0\":\"2024-01-01\",\"1\":\"2024-01-02\"},\"sold\":{\"0\":5,\"1\":6}}",
        "{\"columns\":[\"date\",\"sold\"],\"data\":[[\"2024-01-01\",5]]}",
        "{\"response\":{\"data\":[{\"date\":\"2024-01-01\",\"sold\":5}]}}",
    ] {
        let told = reported(ingest(&project, "a.json", file.as_bytes(), &[]));
        assert!(
            told.contains("it is one object with tables in it, and no rows"),
            "{told}"
        );
    }
    // What is nested names no series.
    let row = |day: usize| format!("{{\"date\":\"2024-01-{day:02}\",\"sold\":{day},\"place\":{{\"x\":1}}}}\n");
    ingest(
        &project,
        "a.jsonl",
        (1..20).map(row).collect::<String>().as_bytes(),
        &[],
    )
    .expect("read");
    assert_eq!(project.texts("raw", "unique_id")[0], "a");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    for file in [
        "{\"date\":\"2024-01-01\",\"sold\":1}\n{\"date\":\"2024-01-02\",\"sold\":2,\"sold\":3}\n",
        "[{\"date\":\"2024-01-01\",\"sold\":1},{\"date\":\"2024-01-02\",\"sold\":2,\"sold\":3}]",
    ] {
        let told = reported(ingest(&TaskDirectory::new(), "sales.jsonl", file.as_bytes(), &[]));
        assert!(
            told.contains("row 2 of `sales.jsonl` cannot be read: the key `sold` stands there twice"),
            "{told}"
        );
        let project = TaskDirectory::new();
        let unused = file.replace("2,\"sold\":3", "2,\"sold by\":3,\"sold by\":4");
        ingest(&project, "sales.jsonl", unused.as_bytes(), &[("value", text("sold"))]).expect("read");
        assert_eq!(project.numbers("raw", "y"), [1.0, 2.0]);
    }
}

#[test]
fn several_files_are_one_table() {
    let project = TaskDirectory::new();
    project
        .write("data/north.csv", "date,sold\n2024-01-01,1\n")
        .write("data/south.csv", "date,sold\n2024-01-01,2\n");
    let inputs = [
        ("data/north.csv", "data/north.csv"),
        ("data/south.csv", "data/south.csv"),
    ];
    project.run_on("ingest_file", &[], &inputs).expect("read");
    assert_eq!(rows_of(&project), "north 2024-01-01 1.0, south 2024-01-01 2.0");
    assert_eq!(project.json("metadata")["series"], 2);
}

#[test]
fn the_names_of_series_are_found_by_the_rows() {
    // A word beside times that all differ names no series, be it a promotion or the weather.
    for file in [
        "date,sold,promo\n2024-01-01,1.5,True\n2024-01-02,2,False\n2024-01-03,2,True\n2024-01-04,2,False\n",
        "id,date,sold\n11,2024-01-01,1.5\n12,2024-01-02,2\n13,2024-01-03,2\n14,2024-01-04,2\n",
    ] {
        let read = rows(file, &[]);
        assert_eq!(
            read,
            format!("{PLAIN}, sales 2024-01-03 2.0, sales 2024-01-04 2.0"),
            "{file}"
        );
    }
    // Where times come again, the column that tells the rows apart names them, be it a number.
    let stores = "sold,date,store\n1,2024-01-01,7\n2,2024-01-01,8\n3,2024-01-02,7\n3,2024-01-02,8\n";
    assert_eq!(
        rows(stores, &[]),
        "7 2024-01-01 1.0, 8 2024-01-01 2.0, 7 2024-01-02 3.0, 8 2024-01-02 3.0"
    );
    // A number of the row names none, and the shop does.
    let numbered = "id,date,shop,sold\n1,2024-01-01,a,1\n2,2024-01-01,b,2\n3,2024-01-02,a,3\n4,2024-01-02,b,4\n";
    assert_eq!(
        rows(numbered, &[]),
        "a 2024-01-01 1.0, b 2024-01-01 2.0, a 2024-01-02 3.0, b 2024-01-02 4.0"
    );
    // What is said counts, whatever the rows look like.
    assert_eq!(
        rows(
            "date,sold,promo\n2024-01-01,1,yes\n2024-01-02,2,no\n",
            &[("id", text("promo"))]
        ),
        "yes 2024-01-01 1.0, no 2024-01-02 2.0"
    );
}

#[test]
fn a_title_above_the_table_is_left_out_and_reported() {
    let project = TaskDirectory::new();
    let file = b"Sales of the shop\nprinted 2024-02-01\n\ndate;sold\n2024-01-01;1,5\n2024-01-02;2\n";
    ingest(&project, "sales.csv", file, &[]).expect("read");
    assert_eq!(rows_of(&project), PLAIN);
    assert_eq!(
        project.json("metadata")["files"][0]["form"]["title"],
        "Sales of the shop / printed 2024-02-01"
    );
    // Rows with more fields than the header are no table below a title.
    let told = rows("date,sold\n2024-01-01,1,5\n2024-01-02,2,0\n", &[]);
    assert!(told.contains("row 1 has 3 fields, and the header 2"), "{told}");
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
fn what_is_no_number_is_told_where_it_stands() {
    let days = |word: &str| -> String {
        let rows = (1..=20).map(|day| format!("2024-01-{day:02},{}\n", if day == 8 { word } else { "1" }));
        format!("date,sold\n{}", rows.collect::<String>())
    };
    assert_eq!(
        refusal(&days("closed")),
        "`closed` in row 8 of the column `sold` of `sales.csv` is no number\n\
         help: if it is a word for no value, add it to `null_values`"
    );
    let priced = refusal("date,sold\n2024-01-01,$1.50\n2024-01-02,$2.00\n");
    assert!(
        priced.contains("note: `sold` holds `$1.50` in row 1, which is no number"),
        "{priced}"
    );
    let project = TaskDirectory::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for part in ["[Content_Types].xml", "xl/workbook.xml"] {
        archive.start_file(part, options).expect("begun");
    }
    let workbook = archive.finish().expect("packed").into_inner();
    for bytes in [workbook, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec()] {
        assert_eq!(
            reported(ingest(&project, "sales.xlsx", &bytes, &[])),
            "`sales.xlsx` is an Excel workbook, which is not read\nhelp: save its sheet as CSV"
        );
    }
}
