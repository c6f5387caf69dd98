//! `ingest_eia`, from a small server that gives one answer after the other.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::ingest::{ingest, page, params, row};
use super::*;

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

/// What one answer makes of the ingest.
fn answered(status: u16, body: &str) -> String {
    briefly(live(vec![(status, body.to_owned())]).0)
}

#[test]
fn a_row_that_was_not_asked_for_is_an_error() {
    for (period, fuel) in [("2024-01-01T01", "WND"), ("2024-02-01T01", "SUN")] {
        let told = answered(200, &page(r#""1""#, &[row(period, fuel, r#""1""#)]));
        let time = period.replace('T', " ");
        let expected = format!("the answer has a row that was not asked for: {time}:00:00 CISO {fuel}\n");
        assert!(told.starts_with(&expected), "{told}");
    }
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
