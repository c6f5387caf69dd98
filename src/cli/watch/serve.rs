//! The report in a browser on this machine, which shows it anew when it changes.
//!
//! Two addresses: `/` is the page, `/version` a word that is another one whenever the page is, which the page asks for
//! once a second. So little is asked for that it is answered here: a request is read up to a bound and a time, its body not
//! at all, and whoever does not name this machine as the host is refused, or a page of somebody else's could read it.
//! Whoever is slow is cut off before somebody else has to wait.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::CommandError;
use crate::diagnostic::Diagnostic;
use crate::engine::digest::Digest;

/// The port where none is given, as long as it is free.
const PORT: u16 = 8750;
/// Most bytes of the head of a request.
const HEAD: usize = 8 << 10;
/// Most bytes behind it that are read, and forgotten.
const REST: u64 = 64 << 10;
/// How long the head of a request may take, and how long the reader of an answer may read nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many are answered at once.
const AT_ONCE: usize = 16;
/// Asks for the version, and loads the page again when it is another than that of the page; where it is looked at stays.
const SCRIPT: &str = "<script>(()=>{const own='VERSION';setInterval(async()=>{try{\
const now=await(await fetch('/version',{cache:'no-store'})).text();\
if(now!==own)location.reload()}catch{}},1000)})()</script>";

/// The page that is shown.
#[derive(Default)]
struct Served {
    html: String,
    version: String,
}

/// A server, which goes with the process.
pub(super) struct Server {
    address: SocketAddr,
    served: Arc<Mutex<Served>>,
}

impl Server {
    /// Listens on a port of this machine alone; without one, on the usual one or any that is free.
    ///
    /// # Errors
    /// [`CommandError`] if it cannot be listened to.
    pub(super) fn start(port: Option<u16>) -> Result<Self, CommandError> {
        let at = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = match port {
            Some(port) => at(port),
            None => at(PORT).or_else(|_| at(0)),
        };
        let listening = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listening.map_err(|error| {
            let port = port.unwrap_or(PORT);
            CommandError::usage(
                Diagnostic::error(format!("the report cannot be served at 127.0.0.1:{port}: {error}"))
                    .help("name another port: `--serve=8751`, or `--serve` for one that is free"),
            )
        })?;
        let served = Arc::new(Mutex::new(Served::default()));
        let shown = Arc::clone(&served);
        let accept = move || {
            let connections = Arc::new(Mutex::new(Connections::default()));
            for stream in listener.incoming().flatten() {
                let Ok(handle) = stream.try_clone() else { continue };
                let number = lock(&connections).add(handle);
                let (shown, all) = (Arc::clone(&shown), Arc::clone(&connections));
                let answered = thread::Builder::new().name("report reader".to_owned()).spawn(move || {
                    // Whoever went away needs no answer.
                    let _ = answer(stream, address, &shown);
                    lock(&all).remove(number);
                });
                if answered.is_err() {
                    lock(&connections).remove(number);
                }
            }
        };
        let accepting = thread::Builder::new().name("report server".to_owned()).spawn(accept);
        accepting
            .map_err(|error| CommandError::usage(Diagnostic::error(format!("the report cannot be served: {error}"))))?;
        Ok(Self { address, served })
    }

    /// Where a browser finds the page.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Shows a page from now on.
    pub(super) fn show(&self, html: &str) {
        let version = Digest::of(html.as_bytes()).hex();
        let mut served = lock(&self.served);
        if served.version != version {
            *served = Served {
                html: with_script(html, &version),
                version,
            };
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connections that are being answered, the oldest first.
#[derive(Default)]
struct Connections {
    last: u64,
    open: VecDeque<(u64, TcpStream)>,
}

impl Connections {
    /// Adds one and gives its number; where there are too many, the oldest is cut off.
    fn add(&mut self, stream: TcpStream) -> u64 {
        if self.open.len() >= AT_ONCE
            && let Some((_, oldest)) = self.open.pop_front()
        {
            // It may have ended by itself.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        self.last += 1;
        self.open.push_back((self.last, stream));
        self.last
    }

    fn remove(&mut self, number: u64) {
        self.open.retain(|(it, _)| *it != number);
    }
}

fn with_script(html: &str, version: &str) -> String {
    let script = SCRIPT.replace("VERSION", version);
    match html.rfind("</body>") {
        Some(at) => format!("{}{script}{}", &html[..at], &html[at..]),
        None => format!("{html}{script}"),
    }
}

/// Answers one request.
fn answer(mut stream: TcpStream, address: SocketAddr, served: &Mutex<Served>) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = head_of(&mut stream)?;
    let (status, kind, body) = reply(&head, address, served);
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes())?;
    if !head.starts_with("HEAD ") {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()?;
    // What was sent and not read would take the answer away again.
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(REST), &mut io::sink()).map(|_| ())
}

/// The head of a request, as far as it is within the bound and the time.
fn head_of(stream: &mut TcpStream) -> io::Result<String> {
    let end = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    while head.len() < HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut bytes)? {
            0 => break,
            count => head.extend_from_slice(&bytes[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Status, kind and body of the answer to a request.
fn reply(head: &str, address: SocketAddr, served: &Mutex<Served>) -> (&'static str, &'static str, String) {
    let plain = |status: &'static str| (status, "text/plain", format!("{status}\n"));
    let Some((head, _)) = head.split_once("\r\n\r\n") else {
        return plain("400 Bad Request");
    };
    let mut lines = head.lines();
    let request: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = request.as_slice() else {
        return plain("400 Bad Request");
    };
    if !version.starts_with("HTTP/1.") {
        return plain("400 Bad Request");
    }
    let mut hosts = lines.filter_map(|line| line.split_once(':'));
    let host = hosts.find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host
        .map(|(_, value)| value.trim().to_ascii_lowercase())
        .unwrap_or_default();
    // Clients leave the usual port out.
    let port = match host.contains(':') {
        true => "",
        false => ":80",
    };
    let own = [address.to_string(), format!("localhost:{}", address.port())];
    if !own.contains(&format!("{host}{port}")) {
        return plain("421 Misdirected Request");
    }
    if !matches!(*method, "GET" | "HEAD") {
        return plain("405 Method Not Allowed");
    }
    let served = lock(served);
    match target.split('?').next().unwrap_or_default() {
        "/" if served.html.is_empty() => (
            "200 OK",
            "text/html",
            with_script(
                "<!DOCTYPE html><title>atsaf report</title><p>Nothing was built yet.",
                "",
            ),
        ),
        "/" => ("200 OK", "text/html", served.html.clone()),
        "/version" => ("200 OK", "text/plain", served.version.clone()),
        _ => plain("404 Not Found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).expect("listening");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut told = String::new();
        stream.read_to_string(&mut told).expect("answered");
        told
    }

    fn get(server: &Server, path: &str) -> String {
        let host = server.address;
        ask(server, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    #[test]
    fn the_page_is_served_and_has_another_version_when_it_changes() {
        let server = Server::start(Some(0)).expect("a port");
        assert!(server.url().starts_with("http://127.0.0.1:"));
        let told = get(&server, "/");
        assert!(
            told.starts_with("HTTP/1.1 200 OK\r\n") && told.contains("Nothing was built yet"),
            "{told}"
        );
        server.show("<html><body>one</body></html>");
        let told = get(&server, "/?x=1");
        assert!(
            told.contains("<body>one<script>") && told.ends_with("</script></body></html>"),
            "{told}"
        );
        let version = get(&server, "/version");
        server.show("<html><body>one</body></html>");
        assert_eq!(get(&server, "/version"), version);
        server.show("<html><body>two</body></html>");
        assert_ne!(get(&server, "/version"), version);
    }

    #[test]
    fn who_asks_for_anything_else_is_refused() {
        let server = Server::start(Some(0)).expect("a port");
        server.show("<body>private</body>");
        let own = server.address;
        let status = |request: &str| ask(&server, request).lines().next().expect("a line").to_owned();
        for (request, expected) in [
            ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), "421"),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), "421"),
            (format!("GET /etc/passwd HTTP/1.1\r\nHost: {own}\r\n\r\n"), "404"),
            (format!("GET /../Atsaffile HTTP/1.1\r\nHost: {own}\r\n\r\n"), "404"),
            (
                format!("POST / HTTP/1.1\r\nHost: {own}\r\nContent-Length: 0\r\n\r\n"),
                "405",
            ),
            ("nonsense\r\n\r\n".to_owned(), "400"),
            (
                format!("HEAD / HTTP/1.1\r\nhost: localhost:{}\r\n\r\n", own.port()),
                "200",
            ),
        ] {
            let told = status(&request);
            assert!(told.contains(expected), "{request:?}: {told}");
        }
        // A head that does not end is read no further than its bound.
        let told = status(&format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(9000)));
        assert!(told.contains("400"), "{told}");
    }

    #[test]
    fn whoever_is_slow_keeps_nobody_else_waiting() {
        let server = Server::start(Some(0)).expect("a port");
        server.show("<body>page</body>");
        let slow: Vec<TcpStream> = (0..2 * AT_ONCE)
            .map(|_| {
                let mut stream = TcpStream::connect(server.address).expect("listening");
                stream.write_all(b"GET / HTTP/1.1\r\n").expect("sent");
                stream
            })
            .collect();
        let begin = Instant::now();
        for _ in 0..3 {
            assert!(get(&server, "/").contains("<body>page"));
        }
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        // The first of them were cut off without an answer.
        let mut first = &slow[0];
        first.set_read_timeout(Some(PATIENCE)).expect("set");
        assert_eq!(first.read(&mut [0; 1]).unwrap_or(0), 0);
    }

    #[test]
    fn a_port_that_is_taken_is_an_error() {
        let server = Server::start(Some(0)).expect("a port");
        let failure = Server::start(Some(server.address.port())).err().expect("taken");
        let told = &failure.diagnostics[0];
        assert!(
            told.what.starts_with("the report cannot be served at 127.0.0.1:"),
            "{told:?}"
        );
    }
}
