//! The client against servers of one answer or none.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use super::*;

/// A server that answers one connection after another, each with the next of `answers`; gives the first lines asked.
struct Answering {
    address: String,
    asked: JoinHandle<Vec<String>>,
}

impl Answering {
    fn with(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = thread::spawn(move || {
            let each = answers.iter().map(|answer| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let first = head(&stream);
                stream.write_all(answer.as_bytes()).expect("written");
                first
            });
            each.collect()
        });
        Self { address, asked }
    }

    fn asked(self) -> Vec<String> {
        self.asked.join().expect("no panic")
    }
}

/// The first line of a request, read to the end of its head.
fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    lines.into_iter().next().unwrap_or_default()
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn settings() -> HttpSettings {
    HttpSettings {
        limits: HttpLimits {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(5),
            whole: Duration::from_secs(5),
            body: 100,
        },
        certificates: None,
        any_certificate: false,
        secrets: vec!["s3cr3t/word".to_owned()],
    }
}

fn get(address: &str, settings: &HttpSettings, repeat: Repeat) -> Result<Answer, HttpError> {
    let goes_on = AtomicBool::new(false);
    let client = HttpClient::new(address, settings, &goes_on)?;
    client.send(client.request(Method::GET, client.address().clone()), repeat)
}

#[test]
fn what_may_pass_is_repeated_only_where_that_is_allowed() {
    let busy = || answer("503 busy", "");
    let server = Answering::with(vec![busy(), busy(), answer("200 OK", "done")]);
    let done = get(&server.address, &settings(), Repeat::Times(2)).expect("an answer");
    assert_eq!((done.status, done.body.as_slice()), (200, &b"done"[..]));
    assert_eq!(server.asked().len(), 3);
    for (status, repeat) in [("503 busy", Repeat::Never), ("404 no", Repeat::Times(2))] {
        let server = Answering::with(vec![answer(status, "")]);
        let once = get(&server.address, &settings(), repeat).expect("an answer");
        assert!(status.starts_with(&once.status.to_string()));
        assert_eq!(server.asked().len(), 1);
    }
    // Cut off before the head, and within the body.
    let server = Answering::with(vec![
        String::new(),
        answer("200 OK", "done").replace('4', "9"),
        answer("200 OK", "done"),
    ]);
    let done = get(&server.address, &settings(), Repeat::Times(2)).expect("an answer");
    assert_eq!(done.body, b"done");
    server.asked();
}

#[test]
fn an_error_says_which_request_without_a_secret() {
    let server = Answering::with(vec![answer("200 OK", &"x".repeat(101))]);
    let address = format!("{}/s3cr3t%2Fword/a?token=s3cr3t%2Fword", server.address);
    let error = get(&address, &settings(), Repeat::Never).expect_err("too large");
    let expected = format!("`GET {}/***/a` got an answer of more than 100 bytes", server.address);
    assert_eq!(error.to_string(), expected);
    server.asked();
    let location = "307 on\r\nlocation: https://other.example/a";
    let server = Answering::with(vec![answer(location, "")]);
    let error = get(&server.address, &settings(), Repeat::Never).expect_err("elsewhere");
    let to = "https://other.example".to_owned();
    assert_eq!(error.fault, HttpFault::Redirected { to });
    server.asked();
    let error = get("http://s3cr3t/word:x", &settings(), Repeat::Never).expect_err("no server");
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
}

#[test]
fn a_silent_server_is_not_waited_for_longer_than_it_may_be_silent_nor_after_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let mut short = settings();
    short.limits.first_byte = Duration::from_millis(50);
    let error = get(&address, &short, Repeat::Times(3)).expect_err("late");
    let limit = Duration::from_millis(50);
    assert_eq!(error.fault, HttpFault::Timeout { limit });
    let ended = AtomicBool::new(false);
    let client = HttpClient::new(&address, &settings(), &ended).expect("a client");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(50));
            ended.store(true, Ordering::Relaxed);
        });
        let begun = Instant::now();
        let request = client.request(Method::GET, client.address().clone());
        let error = client.send(request, Repeat::Never).expect_err("stopped");
        assert_eq!(error.fault, HttpFault::Stopped);
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    });
}

#[test]
fn a_pause_before_a_repetition_ends_with_the_attempt() {
    let server = Answering::with(vec![answer("429 slow\r\nretry-after: 3600", "")]);
    let ended = AtomicBool::new(false);
    let client = HttpClient::new(&server.address, &settings(), &ended).expect("a client");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            ended.store(true, Ordering::Relaxed);
        });
        let begun = Instant::now();
        let request = client.request(Method::GET, client.address().clone());
        let error = client.send(request, Repeat::Times(5)).expect_err("stopped");
        assert_eq!(error.fault, HttpFault::Stopped);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    });
    server.asked();
}

#[test]
fn certificates_that_are_none_are_reported() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut with = settings();
    let file = dir.path().join("ca.pem");
    with.certificates = Some(file.clone());
    let missing = get("https://localhost:1", &with, Repeat::Never).expect_err("no file");
    assert!(matches!(missing.fault, HttpFault::Certificates { .. }), "{missing}");
    std::fs::File::create(&file).expect("made");
    let empty = get("https://localhost:1", &with, Repeat::Never).expect_err("an empty file");
    let expected = format!(
        "`https://localhost:1` cannot be asked, for the certificates in `{}` cannot be read: it holds no certificate in PEM",
        file.display()
    );
    assert_eq!(empty.to_string(), expected);
}
