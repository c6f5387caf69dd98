//! Which series `ingest_file` finds in the columns of a file, and in several files.

use super::ingest_file::{PLAIN, ingest, rows, rows_of};
use super::*;

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
