//! Servers that mean harm: the key stays where it belongs, and the attempt ends with an error.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::hostile_files::packed;
use super::*;

const KEY: &str = "s3cr3t-Key";

/// A server that answers `requests` of them, each as `answer` does; gives the lines of each, the address before.
struct HostileServer {
    address: String,
    heads: JoinHandle<Vec<Vec<String>>>,
}

impl HostileServer {
    /// It ends after so many requests, or after half a minute.
    fn start(requests: usize, answer: impl Fn(&mut TcpStream, usize) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("not blocking");
        let heads = thread::spawn(move || {
            let end = Instant::now() + Duration::from_secs(30);
            let mut heads = Vec::new();
            while heads.len() < requests && Instant::now() < end {
                let Ok((mut stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                };
                stream.set_nonblocking(false).expect("blocking");
                stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                heads.push(lines.take_while(|line| !line.is_empty()).collect());
                answer(&mut stream, heads.len() - 1);
            }
            heads
        });
        Self { address, heads }
    }

    fn heads(self) -> Vec<Vec<String>> {
        self.heads.join().expect("no panic")
    }
}

fn send(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

pub(super) const PAGE: &str =
    r#"{"response":{"total":1,"data":[{"period":"2024-01-01T00","respondent":"CISO","fueltype":"SUN","value":1}]}}"#;

pub(super) fn project() -> TaskDirectory {
    let mut project = TaskDirectory::new();
    project.secrets.insert("EIA_API_KEY".to_owned(), KEY.to_owned());
    project
}

pub(super) fn ingest_with(
    project: &TaskDirectory,
    source: &str,
    more: &[(&'static str, Value)],
) -> Result<(), TaskError> {
    let params = [
        ("source", text(source)),
        ("start_date", text("2024-01-01")),
        ("end_date", text("2024-01-01")),
        ("respondent", text("CISO")),
        ("fueltype", text("SUN")),
        ("max_wait", Value::Int(0)),
    ];
    project.run("ingest_eia", &[&params, more].concat())
}

fn ingest(source: &str, more: &[(&'static str, Value)]) -> String {
    briefly(ingest_with(&project(), source, more))
}

#[test]
fn the_key_is_a_header_and_for_a_server_that_takes_none_a_parameter() {
    const NO_KEY: &[u8] = br#"{"error":{"code":"API_KEY_MISSING","message":"No api_key was supplied."}}"#;
    let places = |heads: &[Vec<String>]| -> Vec<(bool, bool)> {
        let is_header = |line: &String| line.eq_ignore_ascii_case(&format!("x-api-key: {KEY}"));
        let place = |head: &Vec<String>| (head.iter().any(is_header), head[0].contains(&format!("api_key={KEY}")));
        heads.iter().map(place).collect()
    };
    let server = HostileServer::start(1, |stream, _| send(stream, "200 any", PAGE.as_bytes()));
    ingest_with(&project(), &server.address, &[]).expect("rows");
    assert_eq!(places(&server.heads()), [(true, false)]);
    let server = HostileServer::start(2, |stream, at| match at {
        0 => send(stream, "403 any", NO_KEY),
        _ => send(stream, "200 any", PAGE.as_bytes()),
    });
    ingest_with(&project(), &server.address, &[]).expect("rows");
    assert_eq!(places(&server.heads()), [(true, false), (false, true)]);
}

#[test]
fn no_redirect_takes_the_key_to_another_server() {
    let other = HostileServer::start(1, |stream, _| send(stream, "200 any", PAGE.as_bytes()));
    let elsewhere = other.address.clone();
    let location = format!("302 any\r\nlocation: {elsewhere}/v2?api_key={KEY}");
    let server = HostileServer::start(1, move |stream, _| send(stream, &location, b""));
    let expected = format!(
        "the EIA API redirects to `{elsewhere}`, another server than was asked; the key is not sent there
help: if the API has moved, give its new address as `source`; else look who answers for it"
    );
    assert_eq!(ingest(&server.address, &[]), expected);
    assert_eq!(server.heads().len(), 1);
    assert_eq!(other.heads(), Vec::<Vec<String>>::new());
    // A scheme is part of it, and a key in the name of a host is hidden.
    let server = HostileServer::start(1, move |stream, _| {
        send(stream, "301 any\r\nlocation: https://s3cr3t-key.example:8443/", b"");
    });
    let message = ingest(&server.address, &[]);
    assert!(
        message.starts_with("the EIA API redirects to `https://***.example:8443`, "),
        "{message}"
    );
}

#[test]
fn a_redirect_within_the_server_is_followed_without_a_referer_and_not_for_ever() {
    let server = HostileServer::start(3, |stream, at| match at {
        0 | 1 => send(stream, &format!("302 any\r\nlocation: /elsewhere/{at}"), b""),
        _ => send(stream, "200 any", PAGE.as_bytes()),
    });
    ingest_with(&project(), &server.address, &[]).expect("rows");
    let heads = server.heads();
    assert_eq!(heads.len(), 3);
    for line in heads[1..].iter().flatten() {
        let lower = line.to_ascii_lowercase();
        let has_key = lower.contains(&KEY.to_ascii_lowercase());
        assert!(
            !lower.contains("referer") && (!has_key || lower.starts_with("x-api-key: ")),
            "{line}"
        );
    }
    let server = HostileServer::start(10, |stream, at| {
        send(stream, &format!("302 any\r\nlocation: /{at}"), b"");
    });
    let expected = "the EIA API redirects more than 3 times
help: if the API has moved, give its new address as `source`; else look who answers for it";
    assert_eq!(ingest(&server.address, &[]), expected);
}

const TOO_LARGE: &str = "the answer of the EIA API holds more than 1 MB, the limit `max_mb`
help: if that is right, raise `max_mb`";

#[test]
fn an_endless_body_and_one_that_unpacks_to_more_are_cut_off() {
    let small = [("max_mb", Value::Int(1))];
    let endless = HostileServer::start(1, |stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 any\r\nconnection: close\r\n\r\n");
        let end = Instant::now() + Duration::from_mins(1);
        while Instant::now() < end && stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert_eq!(ingest(&endless.address, &small), TOO_LARGE);
    let bomb = packed(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 1_000_000);
    let server = HostileServer::start(1, move |stream, _| {
        send(stream, "200 any\r\ncontent-encoding: gzip", &bomb);
    });
    assert_eq!(ingest(&server.address, &small), TOO_LARGE);
    // An error is no reason to read more.
    let server = HostileServer::start(1, |stream, _| send(stream, "500 any", &vec![b' '; 2_000_000]));
    assert_eq!(ingest(&server.address, &small), TOO_LARGE);
}

#[test]
fn more_rows_than_the_limit_are_not_asked_for() {
    let page = PAGE.replace(r#""total":1"#, r#""total":"18446744073709551615""#);
    let server = HostileServer::start(2, move |stream, _| send(stream, "200 any", page.as_bytes()));
    let expected = "the answer of the EIA API holds 18446744073709551615 rows, more than 20000000, the limit `max_rows`
help: if that is right, raise `max_rows`";
    assert_eq!(ingest(&server.address, &[]), expected);
    assert_eq!(server.heads().len(), 1);
}

/// Far less than [`drip`] takes, and far more than a busy machine needs to notice.
const SOON: Duration = Duration::from_secs(20);

/// Sends a byte every 20 ms, for a minute at the most.
fn drip(stream: &mut TcpStream, _: usize) {
    let _ = stream.write_all(b"HTTP/1.1 200 any\r\ncontent-length: 100000\r\n\r\n");
    let end = Instant::now() + Duration::from_mins(1);
    while Instant::now() < end && stream.write_all(b" ").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_drips_is_left_when_the_attempt_ends() {
    let server = HostileServer::start(1, drip);
    let project = project();
    let cancelled = project.cancelled.clone();
    let begun = Instant::now();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        cancelled.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        reported(ingest_with(&project, &server.address, &[])),
        "the task was stopped"
    );
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_drips_has_so_long_for_the_whole_answer() {
    let server = HostileServer::start(1, drip);
    let begun = Instant::now();
    let expected = "the EIA API did not answer within 1 s
help: if it is only slow, raise `max_seconds`
help: build again later, or give the target `retries` and a `retry_delay`
(another attempt may go better)";
    assert_eq!(ingest(&server.address, &[("max_seconds", Value::Int(1))]), expected);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn without_encryption_the_key_goes_nowhere_unless_that_is_allowed() {
    let expected = "`http://eia.invalid` would get the key without encryption
help: write `https://`; or, if the way to that server is safe, set `allow_http = true`";
    assert_eq!(ingest("http://eia.invalid/v2", &[]), expected);
    let message = ingest("http://eia.invalid/v2", &[("allow_http", Value::Bool(true))]);
    assert!(message.starts_with("cannot reach the EIA API: "), "{message}");
}
