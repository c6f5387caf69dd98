//! `ingest_eia`, from recorded pages.

use std::io::Write as _;

use super::*;

pub(super) fn row(period: &str, fueltype: &str, value: &str) -> String {
    format!(
        r#"{{"period":"{period}","respondent":"CISO","respondent-name":"California","fueltype":"{fueltype}","type-name":"any","value":{value},"value-units":"megawatthours"}}"#
    )
}

pub(super) fn page(total: &str, rows: &[String]) -> String {
    format!(
        r#"{{"response":{{"total":{total},"frequency":"hourly","data":[{}]}},"apiVersion":"2.1.12"}}"#,
        rows.join(",")
    )
}

pub(super) fn params(source: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("source", text(source)),
        ("start_date", text("2024-01-01")),
        ("end_date", text("2024-01-02")),
        ("respondent", text("CISO")),
        ("fueltype", text("SUN")),
        ("max_wait", Value::Int(0)),
    ]
}

/// Those for one day, which one row covers.
fn one_day(source: &str) -> Vec<(&'static str, Value)> {
    let mut params = params(source);
    params[2].1 = text("2024-01-01");
    params
}

pub(super) fn ingest(project: &TaskDirectory, source: &str) -> Result<(), TaskError> {
    project.run("ingest_eia", &params(source))
}

#[test]
fn rows_are_filtered_sorted_and_kept_once() {
    let project = TaskDirectory::new();
    let first = [
        row("2024-01-02T23", "SUN", "null"),
        row("2024-01-01T00", "SUN", r#"".306""#),
        row("2024-01-01T00", "WND", r#""9""#),
        row("2024-01-03T00", "SUN", r#""9""#),
    ];
    let second = [
        row("2024-01-01T00", "SUN", r#""0.306""#),
        row("2023-12-31T23", "SUN", r#""9""#),
        row("2024-01-01T01", "SUN", "-57"),
    ];
    project
        .write("pages/b.json", &page(r#""7""#, &first))
        .write("pages/a.json", &page("7", &second));
    project.write("pages/notes.txt", "no page");
    ingest(&project, "pages").expect("rows");
    let expected = "time,respondent,fueltype,value
2024-01-01 00:00:00,CISO,SUN,0.306
2024-01-01 01:00:00,CISO,SUN,-57.0
2024-01-02 23:00:00,CISO,SUN,
";
    assert_eq!(project.csv("raw"), expected);
    assert_eq!(project.log(), ["3 rows, 1 that said the same as another left out"]);
}

/// Writes a file that is no text.
fn put(project: &TaskDirectory, name: &str, bytes: &[u8]) {
    project.write(name, "");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(project.path(name), bytes).expect("written");
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("begun");
        zip.write_all(bytes).expect("packed");
    }
    zip.finish().expect("packed").into_inner()
}

#[test]
fn pages_may_be_compressed_or_in_an_archive_and_lie_in_a_folder_or_alone() {
    let project = TaskDirectory::new();
    let hour = |hour: usize| page("1", &[row(&format!("2024-01-01T{hour:02}"), "SUN", "1")]);
    let zst = |text: &str| zstd::encode_all(text.as_bytes(), 0).expect("packed");
    put(&project, "pages/a.json", hour(0).as_bytes());
    put(&project, "pages/b.json.gz", &gzipped(hour(1).as_bytes()));
    put(&project, "pages/c.json.zst", &zst(&hour(2)));
    let inner = [
        ("x/d.json", hour(3).into_bytes()),
        ("x/e.json.gz", gzipped(hour(4).as_bytes())),
        ("x/f.json.zst", zst(&hour(5))),
        ("__MACOSX/._d.json", b"no page".to_vec()),
        ("notes.txt", b"no page".to_vec()),
    ];
    let inner: Vec<(&str, &[u8])> = inner.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    put(&project, "pages/g.zip", &zipped(&inner));
    project.run("ingest_eia", &one_day("pages")).expect("rows");
    assert_eq!(project.frame("raw").height(), 6);
    for (alone, rows) in [
        ("pages/a.json", 1),
        ("pages/b.json.gz", 1),
        ("pages/c.json.zst", 1),
        ("pages/g.zip", 3),
    ] {
        project.run("ingest_eia", &one_day(alone)).expect("rows");
        assert_eq!(project.frame("raw").height(), rows, "{alone}");
    }
    put(&project, "pages/h.zip", b"PK no archive");
    let error = reported(project.run("ingest_eia", &one_day("pages")));
    assert!(
        error.starts_with("cannot read the pages in `pages`: `h.zip`: "),
        "{error}"
    );
    put(&project, "pages/h.zip", &zipped(&[("i.json", b"{}".as_slice())]));
    let error = reported(project.run("ingest_eia", &one_day("pages")));
    assert!(
        error.starts_with("the page `i.json` in `h.zip` of `pages` cannot be used"),
        "{error}"
    );
}

#[test]
fn several_respondents_and_fuels_are_read_at_once() {
    let project = TaskDirectory::new();
    let rows = [
        row("2024-01-01T00", "SUN", "1"),
        row("2024-01-01T00", "WND", "2"),
        row("2024-01-01T00", "NG", "3"),
    ];
    project.write("pages/a.json", &page("3", &rows));
    let mut params = one_day("pages");
    params[4].1 = texts(&["WND", "SUN"]);
    project.run("ingest_eia", &params).expect("rows");
    let expected = "time,respondent,fueltype,value
2024-01-01 00:00:00,CISO,SUN,1.0
2024-01-01 00:00:00,CISO,WND,2.0
";
    assert_eq!(project.csv("raw"), expected);
}

#[test]
fn a_folder_without_pages_says_what_a_page_is() {
    let project = TaskDirectory::new();
    project.write("pages/readme.md", "");
    let expected = "`pages` holds no recorded pages
note: a page is a file that ends in `.json`, `.json.gz` or `.json.zst`, or lies in a `.zip`
help: record the API's answers there, `atsaf eia record` does, or name the API: `source = \"https://api.eia.gov/v2\"`";
    assert_eq!(reported(ingest(&project, "pages")), expected);
}

#[test]
fn what_is_not_in_the_pages_is_reported_with_what_is() {
    let project = TaskDirectory::new();
    project.write("pages/a.json", &page("1", &[row("2023-05-25T07", "WND", "1")]));
    let expected = "no rows of CISO SUN from 2024-01-01 to 2024-01-02
note: the pages hold 2023-05-25 07:00 to 2023-05-25 07:00
note: respondent: CISO
note: fueltype: WND
help: change `start_date`, `end_date`, `respondent` or `fueltype`, or take another `source`";
    assert_eq!(reported(ingest(&project, "pages")), expected);
    project.write("pages/a.json", &page(r#""0""#, &[]));
    let expected = "no rows of CISO SUN from 2024-01-01 to 2024-01-02
note: the pages hold no rows at all; the API answers so to a code that it does not know
help: check `respondent` or `fueltype`";
    assert_eq!(reported(ingest(&project, "pages")), expected);
}

#[test]
fn contradicting_rows_stop_it() {
    let project = TaskDirectory::new();
    let rows = [
        row("2024-01-01T05", "SUN", r#""-120""#),
        row("2024-01-01T05", "SUN", r#""0""#),
    ];
    project.write("pages/a.json", &page("2", &rows));
    let expected = "rows of the same hour contradict each other, in 1 of the hours
note: CISO SUN at 2024-01-01 05:00 has the values -120 and 0
help: keep pages of one recording only, or take the rows of one kind out of them";
    assert_eq!(reported(ingest(&project, "pages")), expected);
}

#[test]
fn missing_pages_are_noticed() {
    let project = TaskDirectory::new();
    project.write("pages/a.json", &page(r#""8761""#, &[row("2024-01-01T05", "SUN", "1")]));
    let expected = "pages are missing in `pages`: 1 of 8761 rows are there
note: `a.json` says that its query has 8761 rows
help: record all pages of the query, with `offset` 0, 5000, 10000 and so on; `atsaf eia record` does";
    assert_eq!(reported(ingest(&project, "pages")), expected);
}

#[test]
fn a_broken_page_is_named() {
    let project = TaskDirectory::new();
    project.write(
        "pages/a.json",
        r#"{"error":{"code":"OVER_RATE_LIMIT","message":"You have exceeded your rate limit."}}"#,
    );
    let expected = "the page `a.json` of `pages` cannot be used
note: the EIA API asks to slow down (OVER_RATE_LIMIT)
help: record the page again";
    assert_eq!(reported(ingest(&project, "pages")), expected);
    project.write(
        "pages/a.json",
        &page("1", &[row("2024-01-01T05", "SUN", "1").replace(r#""value":1,"#, "")]),
    );
    let expected = "the page `a.json` of `pages` cannot be used
note: row 1 (2024-01-01T05 CISO SUN) has no field `value`
help: record the pages with `data[]=value`";
    assert_eq!(reported(ingest(&project, "pages")), expected);
}

#[test]
fn dates_must_be_in_order() {
    let mut wrong = params("pages");
    wrong[1].1 = text("2024-01-03");
    let expected = "`start_date` 2024-01-03 is after `end_date` 2024-01-02";
    assert_eq!(reported(TaskDirectory::new().run("ingest_eia", &wrong)), expected);
}

#[test]
fn recorded_pages_have_nothing_to_ask_and_latest_is_all_of_them() {
    let project = TaskDirectory::new();
    let rows = [
        row("2024-01-01T00", "SUN", r#""1""#),
        row("2031-01-01T00", "SUN", r#""2""#),
    ];
    project.write("pages/a.json", &page("2", &rows));
    let mut latest = params("pages");
    latest[2].1 = text("latest");
    let answer = project.with("ingest_eia", &latest, &[], |task, context| {
        assert!(!task.has_probe(&context.params));
        task.probe(context)
    });
    assert_eq!(answer.expect("nothing to ask"), None);
    project.run("ingest_eia", &latest).expect("rows");
    assert_eq!(project.frame("raw").height(), 2);
}

#[test]
fn a_range_that_pages_do_not_cover_is_told_with_what_they_do() {
    let project = TaskDirectory::new();
    let days = |days: &[&str]| -> String {
        let rows: Vec<String> = days.iter().map(|day| row(&format!("{day}T05"), "SUN", "1")).collect();
        page(&rows.len().to_string(), &rows)
    };
    project
        .write("pages/a.json", &days(&["2024-01-02", "2024-01-03"]))
        .write("pages/b.json", &days(&["2024-01-08", "2024-01-09"]));
    let asked = |start: &str, end: &str| {
        let mut params = params("pages");
        (params[1].1, params[2].1) = (text(start), text(end));
        project.run("ingest_eia", &params)
    };
    let told = |start: &str, end: &str| reported(asked(start, end));
    let expected = |gap: &str| {
        format!(
            "the pages in `pages` do not cover CISO SUN from {gap}
note: they cover 2024-01-02 to 2024-01-03, 2024-01-08 to 2024-01-09
help: change `start_date` or `end_date`, or record the rest: `atsaf eia record`"
        )
    };
    assert_eq!(told("2024-01-01", "2024-01-03"), expected("2024-01-01 to 2024-01-01"));
    assert_eq!(told("2024-01-02", "2024-01-09"), expected("2024-01-04 to 2024-01-07"));
    assert_eq!(told("2024-01-08", "2024-01-31"), expected("2024-01-10 to 2024-01-31"));
    assert_eq!(told("2024-02-01", "latest"), expected("2024-02-01 on"));
    asked("2024-01-02", "2024-01-03").expect("covered");
    asked("2024-01-08", "latest").expect("covered");
    // What a page says that was asked for is covered, whether there are rows or not.
    let request = r#"{"request":{"params":{"start":"2024-01-02T00","end":"2024-01-09T23"}},"response""#;
    project.write(
        "pages/a.json",
        &days(&["2024-01-02", "2024-01-03"]).replace(r#"{"response""#, request),
    );
    asked("2024-01-02", "2024-01-09").expect("covered");
}

#[test]
fn a_code_without_any_row_is_told_with_those_that_have_some() {
    let project = TaskDirectory::new();
    project.write("pages/a.json", &page("1", &[row("2024-01-01T05", "SUN", "1")]));
    let mut params = one_day("pages");
    params[4].1 = texts(&["SUN", "WIND"]);
    let expected = "no rows of fueltype WIND
note: the pages hold 2024-01-01 05:00 to 2024-01-01 05:00
note: respondent: CISO
note: fueltype: SUN
help: correct `respondent` or `fueltype`";
    assert_eq!(reported(project.run("ingest_eia", &params)), expected);
}

/// A row of any route.
fn row_of(route: &Route, period: &str, codes: &[&str]) -> String {
    let fields: Vec<String> = route
        .facets
        .iter()
        .zip(codes)
        .map(|(facet, code)| format!(r#""{facet}":"{code}","{facet}-name":"any""#))
        .collect();
    format!(r#"{{"period":"{period}",{},"value":"7"}}"#, fields.join(","))
}

#[test]
fn each_route_has_its_columns_and_tells_pages_of_another() {
    let routes = [
        ("region-data", "2024-01-01T05", vec!["CISO", "D"], "respondent,type"),
        ("interchange-data", "2024-01-01T05", vec!["CISO", "BPAT"], "fromba,toba"),
        (
            "region-sub-ba-data",
            "2024-01-01T05",
            vec!["COAS", "ERCO"],
            "subba,parent",
        ),
        (
            "daily-region-data",
            "2024-01-01",
            vec!["CISO", "D", "Pacific"],
            "respondent,type,timezone",
        ),
        (
            "daily-fuel-type-data",
            "2024-01-01",
            vec!["CISO", "SUN", "Pacific"],
            "respondent,fueltype,timezone",
        ),
        (
            "daily-interchange-data",
            "2024-01-01",
            vec!["CISO", "BPAT", "Pacific"],
            "fromba,toba,timezone",
        ),
    ];
    for (name, period, codes, columns) in routes {
        let project = TaskDirectory::new();
        let route = Route::of_name(name).expect("a route");
        let frequency = if name.starts_with("daily") { "daily" } else { "hourly" };
        let body = page("1", &[row_of(route, period, &codes)]).replace("\"hourly\"", &format!("\"{frequency}\""));
        project.write("pages/a.json", &body);
        let more = [
            ("route", text(name)),
            ("fromba", text("CISO")),
            ("timezone", text("Pacific")),
        ];
        let params = [&one_day("pages")[..], &more].concat();
        project.run("ingest_eia", &params).expect("rows");
        let time = if frequency == "daily" { "00" } else { "05" };
        let expected = format!(
            "time,{columns},value\n2024-01-01 {time}:00:00,{},7.0\n",
            codes.join(",")
        );
        assert_eq!(project.csv("raw"), expected);
        // A series has all of the codes in its name.
        project.run("prepare_clean", &[]).expect("clean");
        assert_eq!(project.texts("clean", "unique_id"), [codes.join("_")]);
        if name == "daily-fuel-type-data" {
            continue;
        }
        let expected = format!(
            "the page `a.json` of `pages` cannot be used
note: the answer holds rows of the route `{name}`; `daily-fuel-type-data` is read
help: set `route = \"{name}\"`, or take pages of `electricity/rto/daily-fuel-type-data`"
        );
        let params = [&one_day("pages")[..], &[("route", text("daily-fuel-type-data"))]].concat();
        assert_eq!(reported(project.run("ingest_eia", &params)), expected);
    }
}
