//! The ingest from outside: servers that drip, proxies of the environment, and little memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::project::{Project, Told, kill, until};

const KEY: &str = "s3cr3t-key";
const PAGE: &str =
    r#"{"response":{"total":1,"data":[{"period":"2024-01-01T00","respondent":"CISO","fueltype":"SUN","value":1}]}}"#;

/// A project with an ingest from `source`; `more` are lines of the target.
fn ingest(source: &str, more: &str) -> Project {
    let project = Project::new(&format!(
        r#"
[secrets]
EIA_API_KEY = {{ optional = true }}

[target.ingest]
uses = "ingest_eia"
outputs = {{ raw = "raw.parquet" }}
secrets = ["EIA_API_KEY"]
{more}

[target.ingest.with]
source = "{source}"
start_date = "2024-01-01"
end_date = "2024-01-02"
respondent = "CISO"
fueltype = "SUN"
allow_http = true
max_wait = 0
"#
    ));
    project.write(".env", format!("EIA_API_KEY={KEY}\n"));
    project
}

/// A server on a thread of its own that answers each request as `answer` does, for three minutes; gives its host and port,
/// and the first line of each request.
fn serve(answer: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    listener.set_nonblocking(true).expect("not blocking");
    let (heard, requests) = channel();
    thread::spawn(move || {
        let end = Instant::now() + Duration::from_mins(3);
        while Instant::now() < end {
            let Ok((mut stream, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(2));
                continue;
            };
            stream.set_nonblocking(false).expect("blocking");
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let _ = heard.send(lines.next().unwrap_or_default());
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            answer(&mut stream);
        }
    });
    (address, requests)
}

/// Far less than [`drip`] takes, and far more than a busy machine needs to notice.
const SOON: Duration = Duration::from_secs(30);

/// Sends a byte every 20 ms, for two minutes at the most.
fn drip(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 any\r\ncontent-length: 100000\r\n\r\n");
    let end = Instant::now() + Duration::from_mins(2);
    while Instant::now() < end && stream.write_all(b" ").is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_drips_outlives_neither_a_signal_nor_the_targets_timeout() {
    let (address, requests) = serve(drip);
    let project = ingest(&format!("http://{address}/v2"), "");
    let running = project.start("build");
    requests.recv_timeout(SOON).expect("a request");
    let begun = Instant::now();
    kill(running.id(), "TERM");
    let told = running.collect();
    assert!(begun.elapsed() < SOON, "{:?}: {}", begun.elapsed(), told.text);
    told.exits(130);
    let project = ingest(&format!("http://{address}/v2"), "timeout = \"500ms\"");
    let begun = Instant::now();
    let told = project.build("");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    told.exits(1);
    told.has("it took longer than its limit of 0.5 s");
}

#[test]
fn a_proxy_of_the_environment_is_told_without_its_password() {
    // A server as the proxy of plain requests: it sees the whole address.
    let (proxy, requests) = serve(|stream| {
        let head = format!(
            "HTTP/1.1 200 any\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            PAGE.len()
        );
        let _ = stream.write_all((head + PAGE).as_bytes());
    });
    let project = ingest("http://eia.invalid/v2", "");
    let through = |project: &Project, variable: &str| {
        let mut command = project.command("build");
        Told::of(command.env(variable, format!("http://user:hunter2@{proxy}")))
    };
    let told = through(&project, "http_proxy");
    told.ok();
    told.has(&format!(
        "`ingest`: the requests to `http://eia.invalid` go through the proxy `http://***@{proxy}` of the environment, \
         which can read the key"
    ));
    assert!(
        !told.text.contains("hunter2") && !told.text.contains(KEY),
        "{}",
        told.text
    );
    // Whether the key is taken, and the rows.
    for _ in 0..2 {
        let request = requests.recv_timeout(Duration::from_secs(5)).expect("a request");
        assert!(request.starts_with("GET http://eia.invalid/v2/"), "{request}");
    }
    // With encryption the proxy sees no key, and is told all the same.
    let project = ingest("https://eia.invalid/v2", "");
    let told = through(&project, "ALL_PROXY");
    told.exits(1);
    told.has(&format!(
        "the requests to `https://eia.invalid` go through the proxy `http://***@{proxy}` of the environment\n"
    ));
    for _ in 0..2 {
        let request = requests.recv_timeout(Duration::from_secs(5)).expect("a request");
        assert_eq!(request, "CONNECT eia.invalid:443 HTTP/1.1");
    }
    // This machine is asked without one.
    let (server, _) = serve(|stream| {
        let head = format!(
            "HTTP/1.1 200 any\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            PAGE.len()
        );
        let _ = stream.write_all((head + PAGE).as_bytes());
    });
    let project = ingest(&format!("http://{server}/v2"), "");
    let told = through(&project, "HTTP_PROXY");
    told.ok();
    assert!(!told.text.contains("proxy"), "{}", told.text);
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_page_that_is_no_file_is_told_at_once() {
    let project = ingest("pages", "");
    project.write("pages/readme.md", "");
    let link = |to: &str| {
        let _ = std::fs::remove_file(project.at("pages/a.json"));
        std::os::unix::fs::symlink(to, project.at("pages/a.json")).expect("linked");
    };
    let pipe = Command::new("mkfifo").arg(project.at("pipe")).status();
    assert!(pipe.expect("mkfifo").success());
    for to in ["/dev/zero", "../pipe"] {
        link(to);
        let running = project.start("build");
        let begun = Instant::now();
        let told = running.collect();
        assert!(begun.elapsed() < SOON, "{to}: {}", told.text);
        assert!(matches!(told.code, Some(1 | 2)), "{to}: {:?} {}", told.code, told.text);
        assert!(
            told.text.contains("a.json") || told.text.contains("pages"),
            "{}",
            told.text
        );
    }
}

#[test]
fn a_small_file_does_not_need_much_memory_whatever_it_says() {
    let project = Project::new(
        r#"
[target.metrics]
uses = "save_metrics_csv"
inputs = { leaderboard = "leaderboard.csv.gz" }
outputs = { metrics = "metrics.csv" }
"#,
    );
    let zeros = "head -c 900000000 /dev/zero | gzip -1 > leaderboard.csv.gz";
    let made = Command::new("sh")
        .args(["-c", zeros])
        .current_dir(project.at("."))
        .status();
    assert!(made.expect("sh").success());
    // Threads and libraries take some of it; far less than the file would fill is left.
    let command = format!("ulimit -v 900000; exec {} build", env!("CARGO_BIN_EXE_atsaf"));
    let mut shell = Command::new("sh");
    let told = Told::of(
        shell
            .args(["-c", &command])
            .current_dir(project.at("."))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("RAYON_NUM_THREADS", "2"),
    );
    told.exits(1);
    told.has("cannot read `leaderboard`: memory allocation failed");
    until("nothing is left", || project.running("build").is_empty());
}
