//! `ingest_eia`, from folders of pages and from a small server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::*;

fn row(period: &str, fueltype: &str, value: &str) -> String {
    format!(
        r#"{{"period":"{period}","respondent":"CISO","respondent-name":"California","fueltype":"{fueltype}","type-name":"any","value":{value},"value-units":"megawatthours"}}"#
    )
}

fn page(total: &str, rows: &[String]) -> String {
    format!(
        r#"{{"response":{{"total":{total},"frequency":"hourly","data":[{}]}},"apiVersion":"2.1.12"}}"#,
        rows.join(",")
    )
}

fn params(source: &str) -> Vec<(&'static str, Value)> {
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

fn ingest(project: &TaskDirectory, source: &str) -> Result<(), TaskError> {
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

/// A server that gives one answer after the other, and then the requests that it got.
struct Server {
    address: String,
    requests: JoinHandle<Vec<String>>,
}

impl Server {
    /// Answers are pairs of a status and a body; it ends after the last, or after ten seconds.
    fn answering(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/v2/", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("not blocking");
        let serve = move || {
            let end = Instant::now() + Duration::from_secs(10);
            let mut requests = Vec::new();
            for (status, body) in answers {
                let stream = loop {
                    match listener.accept() {
                        Ok((stream, _)) => break stream,
                        Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(2)),
                        Err(_) => return requests,
                    }
                };
                stream.set_nonblocking(false).expect("blocking");
                stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                requests.push(lines.next().unwrap_or_default());
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let head = format!(
                    "HTTP/1.1 {status} any\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = (&stream).write_all((head + &body).as_bytes());
            }
            requests
        };
        Self {
            address,
            requests: std::thread::spawn(serve),
        }
    }
}

/// Runs the ingest against a server; gives the result, the requests and the project.
fn live(answers: Vec<(u16, String)>) -> (Result<(), TaskError>, Vec<String>, TaskDirectory) {
    let server = Server::answering(answers);
    let mut project = TaskDirectory::new();
    project
        .secrets
        .insert("EIA_API_KEY".to_owned(), "s3cr3t-key".to_owned());
    let result = ingest(&project, &server.address);
    let requests = server.requests.join().expect("no panic");
    (result, requests, project)
}

#[test]
fn the_api_is_asked_page_by_page() {
    let first = page(
        r#""3""#,
        &[
            row("2024-01-01T00", "SUN", r#""1""#),
            row("2024-01-01T01", "SUN", r#""2""#),
        ],
    );
    let warned = first.replace(
        r#""frequency""#,
        r#""warnings":[{"warning":"incomplete return","description":"5000 rows"}],"frequency""#,
    );
    let second = page("3", &[row("2024-01-01T02", "SUN", r#""3""#)]);
    let (result, requests, project) = live(vec![(200, warned), (200, second)]);
    result.expect("rows");
    assert_eq!(project.frame("raw").height(), 3);
    assert_eq!(
        project.log(),
        ["the EIA API warns: incomplete return: 5000 rows", "3 rows"]
    );
    let request = |offset: usize| {
        format!(
            "GET /v2/electricity/rto/fuel-type-data/data/?frequency=hourly&data%5B0%5D=value\
             &facets%5Brespondent%5D%5B%5D=CISO&facets%5Bfueltype%5D%5B%5D=SUN&start=2024-01-01T00&end=2024-01-02T23\
             &sort%5B0%5D%5Bcolumn%5D=period&sort%5B0%5D%5Bdirection%5D=asc\
             &sort%5B1%5D%5Bcolumn%5D=respondent&sort%5B1%5D%5Bdirection%5D=asc\
             &sort%5B2%5D%5Bcolumn%5D=fueltype&sort%5B2%5D%5Bdirection%5D=asc&offset={offset}&length=5000 HTTP/1.1"
        )
    };
    assert_eq!(requests, [request(0), request(2)]);
}

/// Asks the task's probe against a server.
fn probed(end_date: &str, answers: Vec<(u16, String)>) -> (Result<Option<String>, TaskError>, Vec<String>) {
    let server = Server::answering(answers);
    let mut project = TaskDirectory::new();
    project
        .secrets
        .insert("EIA_API_KEY".to_owned(), "s3cr3t-key".to_owned());
    let mut params = params(&server.address);
    params[2].1 = text(end_date);
    let result = project.with("ingest_eia", &params, &[], |task, context| task.probe(context));
    (result, server.requests.join().expect("no panic"))
}

#[test]
fn the_probe_is_one_request_for_the_newest_hour() {
    let newest = page(r#""744""#, &[row("2024-01-31T23", "SUN", r#""1""#)]);
    let (answer, requests) = probed("latest", vec![(200, newest)]);
    assert_eq!(
        answer.expect("an answer").as_deref(),
        Some("2024-01-31 23:00, rows: 744")
    );
    let request = "GET /v2/electricity/rto/fuel-type-data/data/?frequency=hourly&data%5B0%5D=value\
                   &facets%5Brespondent%5D%5B%5D=CISO&facets%5Bfueltype%5D%5B%5D=SUN&start=2024-01-01T00\
                   &sort%5B0%5D%5Bcolumn%5D=period&sort%5B0%5D%5Bdirection%5D=desc\
                   &sort%5B1%5D%5Bcolumn%5D=respondent&sort%5B1%5D%5Bdirection%5D=desc\
                   &sort%5B2%5D%5Bcolumn%5D=fueltype&sort%5B2%5D%5Bdirection%5D=desc&offset=0&length=1 HTTP/1.1";
    assert_eq!(requests, [request]);
    let (answer, _) = probed("2024-01-02", vec![(200, page("0", &[]))]);
    assert_eq!(answer.expect("an answer").as_deref(), Some("nothing, rows: 0"));
    let (answer, _) = probed("latest", vec![(500, String::new())]);
    assert!(answer.expect_err("no answer").retry);
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

/// What one answer makes of the ingest.
fn answered(status: u16, body: &str) -> String {
    briefly(live(vec![(status, body.to_owned())]).0)
}

#[test]
fn a_missing_key_and_a_wrong_key_are_final() {
    let needs = "the EIA API needs a key
note: the key is the secret `EIA_API_KEY`, from the environment or `.env`
help: name it in the target's `secrets`, and set it
help: a key is free: https://www.eia.gov/opendata/register.php";
    assert_eq!(reported(ingest(&TaskDirectory::new(), "https://api.eia.gov/v2")), needs);
    let missing = r#"{"error":{"code":"API_KEY_MISSING","message":"No api_key was supplied."}}"#;
    // It is asked for the key in the other place as well.
    let twice = live(vec![(403, missing.to_owned()), (403, missing.to_owned())]);
    assert_eq!(briefly(twice.0), needs);
    let wrong = r#"{"error":{"code":"API_KEY_INVALID","message":"An invalid api_key was supplied."}}"#;
    let expected = "the EIA API does not accept the key
note: the key is the secret `EIA_API_KEY`, from the environment or `.env`
help: compare it with the one that the EIA sent, or get another: https://www.eia.gov/opendata/register.php";
    assert_eq!(answered(403, wrong), expected);
}

#[test]
fn any_other_403_and_a_429_ask_for_patience() {
    for (status, code) in [(403, "API_KEY_TEMPORARILY_DISABLED"), (429, "OVER_RATE_LIMIT")] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"words"}}}}"#);
        let expected = format!(
            "the EIA API asks to slow down ({code})
note: the EIA allows about 5 requests a second and 9000 an hour, and lets a key rest after that
help: wait some minutes, or give the target `retries` and a `retry_delay`
(another attempt may go better)"
        );
        assert_eq!(answered(status, &body), expected);
    }
    assert!(answered(403, "<html></html>").starts_with("the EIA API asks to slow down (status 403)"));
}

#[test]
fn a_wrong_request_is_reported_in_the_servers_words_without_the_key() {
    let body = r#"{"error":"Invalid facet 's3cr3t-key' provided. The only valid facets are 'respondent' and 'fueltype'.","code":400}"#;
    let help = "help: correct what it names: a parameter of the target, or the address that is its `source`";
    let expected = format!(
        "the EIA API rejects the request: Invalid facet '***' provided. The only valid facets are 'respondent' and \
         'fueltype'\n{help}"
    );
    assert_eq!(answered(400, body), expected);
    assert_eq!(answered(200, body), expected);
    assert_eq!(
        answered(404, r#"{"error":"Not found.","code":404}"#),
        format!("the EIA API rejects the request: Not found\n{help}")
    );
}

/// The end of what is told of a failure that may pass.
const LATER: &str = "help: build again later, or give the target `retries` and a `retry_delay`";

#[test]
fn a_failing_server_and_a_broken_answer_may_pass() {
    let html = "<html><head><title>502 Bad Gateway</title></head></html>";
    assert_eq!(
        answered(502, html),
        format!("the EIA API failed with status 502\n{LATER}\n(another attempt may go better)")
    );
    let cut = r#"{"response":{"total":"48","data":[{"period":"2024"#;
    let expected = format!(
        "the answer of the EIA API is not JSON: EOF while parsing a string at line 1 column 49
{LATER}
help: if it stays so, look who answers in the API's place: a proxy, or a page to log in
(another attempt may go better)"
    );
    assert_eq!(answered(200, cut), expected);
    let empty = page(r#""2""#, &[]);
    assert_eq!(
        answered(200, &empty),
        format!("the EIA API gave 0 of 2 rows\n{LATER}\n(another attempt may go better)")
    );
}

#[test]
fn a_failure_names_the_request_and_what_came_back() {
    let (result, _, _) = live(vec![(
        404,
        "<html>\n  <b>s3cr3t-key</b> is not here\n</html>".to_owned(),
    )]);
    let told = reported(result);
    let (before, address) = told.split_once("http://127.0.0.1:").expect("an address");
    let (_, after) = address.split_once('/').expect("a path");
    let expected = "the EIA API failed with status 404
note: the request: GET [HERE]/v2/electricity/rto/fuel-type-data/data/?frequency=hourly&data[0]=value\
                    &facets[respondent][]=CISO&facets[fueltype][]=SUN&start=2024-01-01T00&end=2024-01-02T23\
                    &sort[0][column]=period&sort[0][direction]=asc&sort[1][column]=respondent&sort[1][direction]=asc\
                    &sort[2][column]=fueltype&sort[2][direction]=asc&offset=0&length=5000
note: what came back: status 404, 46 bytes: <html> <b>***</b> is not here </html>
help: see whether `source` is right: `https://api.eia.gov/v2`";
    assert_eq!(format!("{before}[HERE]/{after}"), expected);
}

#[test]
fn data_that_changes_between_pages_is_read_again() {
    let first = |total: &str| page(total, &[row("2024-01-01T00", "SUN", "1")]);
    let second = |total: &str| page(total, &[row("2024-01-01T01", "SUN", "1")]);
    let third = page("3", &[row("2024-01-01T02", "SUN", "1")]);
    let answers = [first("2"), second("3"), first("3"), second("3"), third];
    let (result, requests, project) = live(answers.map(|body| (200, body)).into());
    result.expect("rows");
    assert_eq!(requests.len(), 5);
    let log = project.log();
    assert_eq!(
        log[0],
        "the data changed while it was read, 2 rows and then 3: it is read from the beginning"
    );
    assert_eq!(log[1], "3 rows");
    let answers = (0..4).flat_map(|_| [first("2"), second("3")]);
    let expected = format!(
        "the data of the EIA API changed while it was read: 2 rows, then 3\n{LATER}\n(another attempt may go better)"
    );
    assert_eq!(briefly(live(answers.map(|body| (200, body)).collect()).0), expected);
}

#[test]
fn a_server_that_is_not_there_or_hangs_up_is_reported_without_the_key() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let mut project = TaskDirectory::new();
    project
        .secrets
        .insert("EIA_API_KEY".to_owned(), "s3cr3t-key".to_owned());
    let message = reported(ingest(&project, &address));
    assert!(
        message.starts_with("cannot reach the EIA API: Connection refused"),
        "{message}"
    );
    assert!(
        message.ends_with("\n(another attempt may go better)") && !message.contains("s3cr3t"),
        "{message}"
    );
}

#[test]
fn a_server_that_does_not_answer_in_time_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let mut project = TaskDirectory::new();
    project
        .secrets
        .insert("EIA_API_KEY".to_owned(), "s3cr3t-key".to_owned());
    let params = [params(&address), vec![("max_seconds", Value::Int(1))]].concat();
    let told = reported(project.run("ingest_eia", &params));
    assert!(told.starts_with("the EIA API did not answer within 1 s\n"), "{told}");
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
