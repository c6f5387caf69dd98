//! Files that mean harm: an error that says what is wrong, within moments and without much memory.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use super::hostile::{PAGE, ingest_with, project};
use super::pipeline::{QUICK, models, on_csv, two_series};
use super::*;
use crate::forecasting::eia::pages::EiaPage;

pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

fn put(project: &TaskDirectory, name: &str, bytes: &[u8]) {
    project.write(name, "");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path(name), bytes).expect("written");
}

#[test]
fn what_is_no_file_is_no_page_and_is_not_waited_for() {
    let project = project();
    project.write("pages/readme.md", "");
    let page = project.path("pages/a.json");
    let refused = |what: &str| {
        let expected = format!("cannot read the page `a.json` of `pages`: it is {what}, not a file");
        assert_eq!(reported(ingest_with(&project, "pages", &[])), expected);
    };
    std::os::unix::fs::symlink("/dev/zero", &page).expect("linked");
    refused("a device");
    std::fs::remove_file(&page).expect("removed");
    let pipe = std::process::Command::new("mkfifo").arg(project.path("pipe")).status();
    assert!(pipe.expect("mkfifo").success());
    std::os::unix::fs::symlink("../pipe", &page).expect("linked");
    refused("a pipe");
    std::fs::remove_file(&page).expect("removed");
    std::fs::create_dir(&page).expect("made");
    refused("a directory");
    // Nor is it a table, or a page by itself.
    let validate = |input: &str| reported(project.run_on("save_metrics_csv", &[], &[("leaderboard", input)]));
    assert_eq!(validate("pipe"), "cannot read `leaderboard`: it is a pipe, not a file");
    assert_eq!(
        reported(ingest_with(&project, "pipe", &[])),
        "cannot read the page `pipe` of `pipe`: it is a pipe, not a file"
    );
}

#[test]
fn a_page_or_a_table_that_unpacks_to_more_than_the_limit_is_not_read() {
    let project = project();
    let bomb = packed(&vec![b' '; 3_000_000]);
    put(&project, "pages/a.json.gz", &bomb);
    let expected = |holder: &str| {
        format!("{holder} holds more than 1 MB, the limit `max_mb`\nhelp: if that is right, raise `max_mb`")
    };
    let small = [("max_mb", Value::Int(1))];
    let message = reported(ingest_with(&project, "pages", &small));
    assert_eq!(message, expected("the page `a.json.gz` of `pages`"));
    put(&project, "clean.csv.gz", &bomb);
    let read = |file: &str, params: &[(&str, Value)]| {
        reported(project.run_on("save_metrics_csv", params, &[("leaderboard", file)]))
    };
    assert_eq!(read("clean.csv.gz", &small), expected("`leaderboard`"));
    put(&project, "clean.csv", &vec![b'x'; 3_000_000]);
    assert_eq!(read("clean.csv", &small), expected("`leaderboard`"));
    // In memory each value costs eight bytes, whatever it costs in the file.
    put(
        &project,
        "clean.csv",
        format!("{}\n{}", ",".repeat(1000), "\n".repeat(200)).as_bytes(),
    );
    assert_eq!(read("clean.csv", &small), expected("`leaderboard`"));
    project.write("clean.csv", "a\n1\n2\n3\n");
    let expected = "`leaderboard` holds 3 rows, more than 2, the limit `max_rows`
help: if that is right, raise `max_rows`";
    assert_eq!(read("clean.csv", &[("max_rows", Value::Int(2))]), expected);
    project
        .run_on(
            "save_metrics_csv",
            &[("max_rows", Value::Int(3))],
            &[("leaderboard", "clean.csv")],
        )
        .expect("read");
}

#[test]
fn recorded_rows_are_limited_over_all_pages() {
    let project = project();
    project.write("pages/a.json", PAGE).write("pages/b.json", PAGE);
    ingest_with(&project, "pages", &[("max_rows", Value::Int(2))]).expect("rows");
    let expected = "`pages` holds 2 rows, more than 1, the limit `max_rows`
help: if that is right, raise `max_rows`";
    assert_eq!(
        reported(ingest_with(&project, "pages", &[("max_rows", Value::Int(1))])),
        expected
    );
}

#[test]
fn a_report_is_read_up_to_32_mb() {
    let project = project();
    put(&project, "validation", &vec![b' '; 33_000_000]);
    project.write("clean.csv", "unique_id,ds,y\n");
    let error = reported(project.run_on("train_backtest_select", &[], &[("clean", "clean.csv")]));
    assert_eq!(error, "`validation` holds more than 32 MB");
    for text in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000), "\0".to_owned()] {
        project.write("validation", &text);
        let error = reported(project.run_on("train_backtest_select", &[], &[("clean", "clean.csv")]));
        assert!(error.starts_with("cannot read `validation`: "), "{error}");
    }
}

#[test]
fn a_page_is_nested_as_deeply_as_the_parser_goes_and_no_deeper() {
    let deep = [
        "[".repeat(1_000_000),
        format!(r#"{{"response":{}"#, r#"{"data":["#.repeat(100_000)),
        format!(r#"{{"error":{}"#, "[".repeat(1_000_000)),
        PAGE.replace(
            r#""value":1"#,
            &format!(r#""value":{}1{}"#, "[".repeat(500), "]".repeat(500)),
        ),
        PAGE.replace(
            r#""value":1"#,
            &format!(r#""value":1,"x":{}"#, "{\"a\":".repeat(100_000)),
        ),
    ];
    for body in deep {
        let error = EiaPage::parse(body.as_bytes(), fuels())
            .expect_err("no page")
            .to_string();
        assert!(error.len() < 400, "{error}");
    }
}

#[test]
fn what_is_long_in_a_page_is_short_in_a_message() {
    let long = "x".repeat(1_000_000);
    let pages = [
        PAGE.replace("CISO", &long),
        PAGE.replace("2024-01-01T00", &long),
        PAGE.replace(r#""value":1"#, &format!(r#""value":"{long}""#)),
        PAGE.replace(r#""total":1"#, &format!(r#""total":"{long}""#)),
        PAGE.replace(r#""total":1"#, &format!(r#""total":1,"frequency":"{long}""#)),
        format!(r#"{{"error":{{"code":"{long}","message":"{long}"}}}}"#),
        format!(r#"{{"error":"{long}"}}"#),
        format!(r#"{{"response":"{long}"}}"#),
    ];
    for page in pages {
        let error = EiaPage::parse(page.as_bytes(), fuels())
            .expect_err("no page")
            .to_string();
        assert!(error.len() < 500, "{} bytes", error.len());
    }
    let warning = format!(r#"{{"warning":"{long}"}}"#);
    let warnings = vec![warning; 9].join(",");
    let warned = PAGE.replace(r#""total":1"#, &format!(r#""total":1,"warnings":[{warnings}]"#));
    let page = EiaPage::parse(warned.as_bytes(), fuels()).expect("a page");
    assert!(page.warnings.len() == 5 && page.warnings.iter().all(|warning| warning.len() < 400));
}

/// What a task says of a file with series.
fn of_series(project: &TaskDirectory, file: &str) -> String {
    reported(project.run_on("prepare_clean", &[], &[("raw", file)]))
}

#[test]
fn a_csv_file_that_is_none_is_an_error() {
    let project = project();
    let long = vec![b'x'; 100_000_000];
    for begin in ["", "unique_id,ds,y\n", "unique_id,ds,y\nA,2024-01-01,1\n"] {
        put(&project, "raw.csv", &[begin.as_bytes(), &*long].concat());
        assert_eq!(
            of_series(&project, "raw.csv"),
            "`raw` holds a line of more than 1000000 bytes"
        );
    }
    for begin in ["", "unique_id,ds,y\n"] {
        put(&project, "raw.csv", &[begin.as_bytes(), &long[..900_000]].concat());
        let message = of_series(&project, "raw.csv");
        assert!(message.len() < 300, "{} bytes", message.len());
    }
    put(&project, "raw.csv", ",".repeat(1_000_000).as_bytes());
    assert_eq!(
        of_series(&project, "raw.csv"),
        "`raw` holds 1000001 columns, more than 10000"
    );
    for bytes in [
        &b"\0"[..],
        b"unique_id,ds,y\nA,\0,1\n",
        b"\xff\xfe\x00\x80\n\n\x01,\x02",
        b"",
        b"\n\n\n",
        b"\"",
        b"a\r\n\"b",
    ] {
        put(&project, "raw.csv", bytes);
        let message = of_series(&project, "raw.csv");
        assert!(!message.contains("panicked"), "{message}");
    }
    let mut junk = vec![0_u8; 100_000];
    let mut last = 1_u32;
    junk.fill_with(|| {
        last = last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (last >> 24) as u8
    });
    put(&project, "raw.csv", &junk);
    of_series(&project, "raw.csv");
    put(&project, "raw.parquet", &junk);
    let expected = "`raw` is not readable as Parquet: it does not begin and end with `PAR1`
help: a file of comma-separated values must end in `.csv` or `.csv.gz`";
    assert_eq!(of_series(&project, "raw.parquet"), expected);
}

/// A table of one column of texts.
fn column(texts: Vec<String>) -> Vec<u8> {
    use polars_core::prelude::{IntoColumn as _, NamedFrom as _};
    let height = texts.len();
    let column = polars_core::prelude::Series::new("unique_id".into(), texts).into_column();
    let mut frame = DataFrame::new(height, vec![column]).expect("a table");
    let mut bytes = Vec::new();
    polars_io::prelude::ParquetWriter::new(&mut bytes)
        .finish(&mut frame)
        .expect("written");
    bytes
}

#[test]
fn a_text_that_many_rows_share_counts_for_each() {
    let project = project();
    put(&project, "raw", &column(vec!["x".repeat(900); 3000]));
    let params = [("max_mb", Value::Int(1))];
    let message = reported(project.run("prepare_clean", &params));
    let expected = "the column `unique_id` of `raw` holds more than 1 MB, the limit `max_mb`
help: if that is right, raise `max_mb`";
    assert_eq!(message, expected);
    put(&project, "raw", &column(vec!["x".repeat(1001)]));
    let expected = "the text in row 1 of the column `unique_id` of `raw` has 1001 bytes
note: a name has 1000 at most";
    assert_eq!(reported(project.run("prepare_clean", &[])), expected);
}

#[test]
fn a_footer_that_lies_is_an_error() {
    let project = project();
    let honest = column(vec!["A".to_owned(); 50]);
    let rows = [0x16, 100]; // A 64-bit field of 50.
    assert!(honest.windows(2).any(|pair| pair == rows));
    let lying: Vec<u8> = {
        let mut bytes = honest.clone();
        let at = bytes.windows(2).rposition(|pair| pair == rows).expect("there");
        bytes[at + 1] = 102;
        bytes
    };
    put(&project, "raw", &lying);
    let message = of_series(&project, "raw");
    assert!(message.contains("contradict each other"), "{message}");
    let length = honest.len();
    for (at, byte) in [(length - 5, 0x7f), (length - 8, 0xff), (length - 1, b'X'), (0, b'X')] {
        let mut bytes = honest.clone();
        bytes[at] = byte;
        put(&project, "raw", &bytes);
        let message = of_series(&project, "raw");
        assert!(
            message.starts_with("`raw` is not readable as Parquet: its footer") || message.contains("`PAR1`"),
            "{message}"
        );
    }
    put(&project, "raw", &honest);
    assert!(of_series(&project, "raw").starts_with("`raw` has no column `ds`"));
}

#[test]
fn gaps_are_counted_and_filled_within_limits() {
    let project = project();
    project.write("raw.csv", "unique_id,ds,y\nA,0001-01-01,1\nA,9999-12-31,2\n");
    let prepared = |params: &[(&str, Value)]| project.run_on("prepare_clean", params, &[("raw", "raw.csv")]);
    let minutely = ("frequency", text("minutely"));
    let message = reported(prepared(std::slice::from_ref(&minutely)));
    let expected =
        "the series `A` lacks 5258963519 of its minutely steps, more than the 24 that a short series may get";
    assert!(message.starts_with(expected), "{message}");
    let params = [
        minutely,
        ("max_fill", Value::Int(i64::MAX)),
        ("max_rows", Value::Int(1000)),
    ];
    let expected = "the series up to `A`, at its minutely steps, holds 1001 rows, more than 1000, the limit `max_rows`
help: if that is right, raise `max_rows`";
    assert_eq!(reported(prepared(&params)), expected);
    let hourly = [("frequency", text("hourly"))];
    let message = reported(project.run_on("validate_clean", &hourly, &[("clean", "raw.csv")]));
    assert!(
        message.contains("`missing_times`: broken 87649391 times, first by A 0001-01-01 01:00:00"),
        "{message}"
    );
}

#[test]
fn times_are_within_the_years_of_a_calendar() {
    let project = project();
    let expected = "`10000-01-01` in row 1 of the column `ds` of `raw` is no time
help: write it as in 2023-06-01 14:00:00, in UTC, or say with `format` of the task `ingest_file` how they are written, as in \"%d/%m/%Y\"";
    project.write("raw.csv", "unique_id,ds,y\nA,10000-01-01,1\n");
    assert_eq!(of_series(&project, "raw.csv"), expected);
    // Ten thousand steps of thirty years lead beyond what a time can represent.
    let first = chrono::NaiveDate::from_ymd_opt(8500, 1, 1).expect("a day");
    let row = |at: u64| format!("A,{},{at}\n", first + chrono::Days::new(10_958 * at));
    let rows: String = (0..48).map(row).collect();
    project.write("clean.csv", &format!("unique_id,ds,y\n{rows}"));
    project.write("validation", r#"{"status":"valid"}"#);
    let params = [
        ("models", texts(&["SeasonalNaive"])),
        ("n_windows", Value::Int(1)),
        ("horizon", Value::Int(2)),
    ];
    let inputs = [("clean", "clean.csv")];
    project
        .run_on("train_backtest_select", &params, &inputs)
        .expect("trained");
    let far = [("horizon", Value::Int(10_000))];
    let message = reported(project.run_on("forecast_publish", &far, &inputs));
    assert!(
        message.starts_with("10000 steps after the series `A` there is no time"),
        "{message}"
    );
}

/// Remembers what is put there until it is full; from then on it gives the first of it for whatever is asked.
#[derive(Default)]
struct Forged {
    first: Mutex<Option<Vec<u8>>>,
    full: AtomicBool,
}

impl Memo for Forged {
    fn get(&self, _: &Digest) -> Option<Vec<u8>> {
        let full = self.full.load(Ordering::Relaxed);
        self.first.lock().expect("no panic").clone().filter(|_| full)
    }

    fn put(&self, _: &Digest, bytes: &[u8]) {
        self.first
            .lock()
            .expect("no panic")
            .get_or_insert_with(|| bytes.to_vec());
    }
}

impl Memo for Arc<Forged> {
    fn get(&self, key: &Digest) -> Option<Vec<u8>> {
        self.as_ref().get(key)
    }

    fn put(&self, key: &Digest, bytes: &[u8]) {
        self.as_ref().put(key, bytes);
    }
}

#[test]
fn a_remembered_forecast_of_another_length_is_computed_again() {
    let mut project = project();
    let params = |horizon: i64| {
        [
            models(&QUICK),
            ("n_windows", Value::Int(2)),
            ("horizon", Value::Int(horizon)),
        ]
    };
    let csv = two_series(1000);
    let made = |project: &TaskDirectory, horizon| {
        project
            .write("series.csv", &csv)
            .write("validation.json", r#"{"status":"valid"}"#);
        let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
        project
            .run_on("train_backtest_select", &params(horizon), &inputs)
            .expect("selected");
        project.digest("cv_results")
    };
    let honest = made(&project, 12);
    let forged = Arc::new(Forged::default());
    project.memo = Box::new(forged.clone());
    made(&project, 24);
    forged.full.store(true, Ordering::Relaxed);
    assert!(forged.get(&honest).is_some());
    assert_eq!(made(&project, 12), honest);
}

#[test]
fn a_selection_with_seasons_beyond_reason_is_none() {
    let project = project();
    on_csv(
        &project,
        &two_series(1000),
        &[models(&QUICK), ("n_windows", Value::Int(1))],
    )
    .expect("predictions");
    let selected = std::fs::read_to_string(project.path("selected")).expect("read");
    let mut selection: serde_json::Value = serde_json::from_str(&selected).expect("JSON");
    selection["season_length"] = serde_json::json!([1_u64 << 60]);
    project.write("selected", &selection.to_string());
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    let expected = "`selected` is no selection of models
help: build it with the task `train_backtest_select`, or remove it and build again";
    assert_eq!(reported(project.run_on("forecast_publish", &[], &inputs)), expected);
}
