//! `ingest_file`: what it reads as people write it, what it guesses, and what it says where it cannot.

use std::io::Write as _;

use serde_json::json;

use super::*;

/// Ingests a file of this name.
pub(super) fn ingest(
    project: &TaskDirectory,
    name: &str,
    bytes: &[u8],
    params: &[(&str, Value)],
) -> Result<(), TaskError> {
    project.write(name, "");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path(name), bytes).expect("written");
    project.run_on("ingest_file", params, &[(name, name)])
}

/// The rows that come of a text, as `id day value` joined by commas.
pub(super) fn rows(text: &str, params: &[(&str, Value)]) -> String {
    let project = TaskDirectory::new();
    match ingest(&project, "sales.csv", text.as_bytes(), params) {
        Ok(()) => rows_of(&project),
        Err(error) => format!("error: {error}"),
    }
}

/// The error that comes of a text, with its notes and help.
pub(super) fn refusal(text: &str) -> String {
    reported(ingest(&TaskDirectory::new(), "sales.csv", text.as_bytes(), &[]))
}

pub(super) fn rows_of(project: &TaskDirectory) -> String {
    let csv = project.csv("raw").replace(" 00:00:00", "");
    csv.lines()
        .skip(1)
        .map(|row| row.replace(',', " "))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(super) const PLAIN: &str = "sales 2024-01-01 1.5, sales 2024-01-02 2.0";

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

#[test]
fn what_a_file_is_counts_more_than_how_it_is_called() {
    let rows_of_json = "{\"ts\": 1704067200, \"sold\": 1.5}\n{\"ts\": 1704153600, \"sold\": 2}\n";
    assert_eq!(rows(rows_of_json, &[]), PLAIN);
    assert_eq!(
        rows(
            "[{\"ts\": \"2024-01-01\", \"sold\": 1.5}, {\"ts\": \"2024-01-02\", \"sold\": 2}]",
            &[]
        ),
        PLAIN
    );
    let project = TaskDirectory::new();
    let types = include_bytes!("unused_names.parquet");
    let params = [("frequency", text("D"))];
    let as_parquet = ingest(&project, "a.parquet", types, &params).map(|()| project.csv("raw"));
    let as_csv = ingest(&project, "a.csv", types, &params).map(|()| project.csv("raw"));
    assert_eq!(
        as_parquet.map_err(|error| error.what.replace("a.parquet", "a.csv")),
        as_csv.map_err(|error| error.what)
    );
    let refused = ingest(&project, "a.parquet", b"ds,y\n2024-01-01,1\n", &[]);
    assert_eq!(
        reported(refused),
        "`a.parquet` is not readable as Parquet: it does not begin and end with `PAR1`
help: a file of text must end as such, in `.csv`, `.tsv`, `.txt` or `.json`"
    );
}

#[test]
fn numbers_that_json_does_not_know_and_times_of_another_format_are_told() {
    let told = |text: &str| refusal(text).lines().next().map(str::to_owned).unwrap_or_default();
    assert_eq!(
        told("{\"ds\": \"2024-01-01\", \"y\": 1}\n{\"ds\": \"2024-01-02\", \"y\": NaN}\n"),
        "`sales.csv` is not readable as JSON lines: line 2 has `NaN`, which is no JSON: write null, as pandas does with `to_json`"
    );
    assert!(told("[{\"ds\": \"2024-01-01\", \"y\": -Infinity}]").contains("it has `-Infinity`, which is no JSON"));
    assert!(told("{\"ds\": \"NaN\", \"y\"}\n").contains("line 1 is no object that can be read"));
    let format = [("format", text("%d.%m.%Y"))];
    let refused = ingest(
        &TaskDirectory::new(),
        "sales.csv",
        b"ds,y\n01.02.2024,1\n2024-01-01,2\n",
        &format,
    );
    assert_eq!(
        reported(refused),
        "`2024-01-01` in row 2 of the column `ds` of `sales.csv` is not written as `%d.%m.%Y`
help: correct `format`, or leave it out to have the form found"
    );
}
