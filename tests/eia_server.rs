//! A server that behaves like the EIA API v2: it pages, caps, sorts as it is asked, wants a key, and fails as it is told.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};
use reqwest::Url;
use serde_json::{Map, Value, json};

/// The key that it accepts: with signs that an address writes in another way.
pub(crate) const KEY: &str = "s3cr3t/Key+with=signs&more";

/// What it does with one request instead of answering it.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Answers with a status, further lines of the head, and a body.
    Says(u16, &'static str, String),
    /// Sends half of the right body and hangs up.
    Cut,
    /// Hangs up at once.
    Reset,
    /// Sends half of the right body as if it were all.
    Half,
    /// Sends nothing.
    Silence,
    /// Sends the right body, slowly: a piece every so many milliseconds.
    Slow(u64),
    /// Sends a byte now and then, and never ends.
    Drip,
    /// Answers, and changes the data before the next request.
    Then(fn(&mut Vec<Value>)),
}

/// What it knows and does.
pub(crate) struct Api {
    rows: Mutex<Vec<Value>>,
    /// The most rows that it gives at once.
    cap: usize,
    troubles: Mutex<VecDeque<Trouble>>,
    requests: Mutex<Vec<(Instant, Url)>>,
    /// Whether it sees no key in a header.
    wants_key_in_address: AtomicBool,
    /// Whether `total` and values are numbers, as they were before v2.1.6.
    numbers: AtomicBool,
    ended: AtomicBool,
}

/// The server at work, until it is dropped.
pub(crate) struct EiaServer {
    pub(crate) address: String,
    api: Arc<Api>,
}

impl Drop for EiaServer {
    fn drop(&mut self) {
        self.api.ended.store(true, Ordering::Relaxed);
    }
}

impl EiaServer {
    /// Serves rows, as they stand in its answers, `cap` at once at most.
    pub(crate) fn with(rows: Vec<Value>, cap: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/v2", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("not blocking");
        let api = Arc::new(Api {
            rows: Mutex::new(rows),
            cap,
            troubles: Mutex::default(),
            requests: Mutex::default(),
            wants_key_in_address: AtomicBool::new(false),
            numbers: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&api);
        thread::spawn(move || {
            let end = Instant::now() + Duration::from_mins(3);
            while Instant::now() < end && !serving.ended.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                };
                let api = Arc::clone(&serving);
                thread::spawn(move || api.serve(stream));
            }
        });
        Self { address, api }
    }

    /// What it does with the next requests for rows.
    pub(crate) fn next(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.api.troubles.lock().expect("no panic").extend(troubles);
    }

    /// Changes its data.
    pub(crate) fn revise(&self, change: impl FnOnce(&mut Vec<Value>)) {
        change(&mut self.api.rows.lock().expect("no panic"));
    }

    /// From now on, it sees a key only where the documents say that it stands.
    pub(crate) fn want_key_in_address(&self) {
        self.api.wants_key_in_address.store(true, Ordering::Relaxed);
    }

    /// From now on, it writes numbers as numbers.
    pub(crate) fn write_numbers(&self) {
        self.api.numbers.store(true, Ordering::Relaxed);
    }

    /// When requests came since this was asked last.
    pub(crate) fn moments(&self) -> Vec<Instant> {
        self.requests().into_iter().map(|(moment, _)| moment).collect()
    }

    /// `start..end+offset` of the requests for rows since this was asked last, sorted.
    pub(crate) fn asked(&self) -> Vec<String> {
        let range = |(_, url): (Instant, Url)| {
            let value = |name: &str| param(&url, name).unwrap_or_default();
            is_for_rows(&url).then(|| format!("{}..{}+{}", value("start"), value("end"), value("offset")))
        };
        let mut asked: Vec<String> = self.requests().into_iter().filter_map(range).collect();
        asked.sort_unstable();
        asked
    }

    fn requests(&self) -> Vec<(Instant, Url)> {
        std::mem::take(&mut *self.api.requests.lock().expect("no panic"))
    }
}

/// Whether a request is for rows, and not for the description of a route.
fn is_for_rows(url: &Url) -> bool {
    url.path().ends_with("/data/")
}

/// The first value of a parameter.
fn param(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl Api {
    fn serve(&self, mut stream: TcpStream) {
        stream.set_nonblocking(false).expect("blocking");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/");
        let Ok(url) = Url::parse(&format!("http://here{path}")) else {
            return;
        };
        self.requests
            .lock()
            .expect("no panic")
            .push((Instant::now(), url.clone()));
        let given = match self.wants_key_in_address.load(Ordering::Relaxed) {
            true => None,
            false => head.iter().find_map(|line| line.strip_prefix("x-api-key: ")),
        };
        let given = given.map(str::to_owned).or_else(|| param(&url, "api_key"));
        let (status, body) = match given.as_deref() {
            None => (403, keyed("API_KEY_MISSING")),
            Some(KEY) if is_for_rows(&url) => self.answer(&url),
            Some(KEY) => (200, json!({ "response": { "id": "fuel-type-data" } }).to_string()),
            Some(_) => (403, keyed("API_KEY_INVALID")),
        };
        let is_right = status == 200;
        let trouble = is_for_rows(&url).then(|| self.troubles.lock().expect("no panic").pop_front());
        let trouble = trouble.flatten();
        self.send(&mut stream, (status, &body), trouble.filter(|_| is_right));
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn send(&self, stream: &mut TcpStream, (status, body): (u16, &str), trouble: Option<Trouble>) {
        let whole = |status: u16, more: &str, body: &str| {
            format!(
                "HTTP/1.1 {status} any\r\n{more}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let half = &body[..body.len() / 2];
        let end = Instant::now() + Duration::from_secs(30);
        let goes_on = || Instant::now() < end && !self.ended.load(Ordering::Relaxed);
        let _ = match trouble {
            None => stream.write_all(whole(status, "content-type: application/json\r\n", body).as_bytes()),
            Some(Trouble::Then(change)) => {
                change(&mut self.rows.lock().expect("no panic"));
                stream.write_all(whole(status, "", body).as_bytes())
            }
            Some(Trouble::Says(status, more, body)) => stream.write_all(whole(status, more, &body).as_bytes()),
            Some(Trouble::Half) => stream.write_all(whole(200, "", half).as_bytes()),
            Some(Trouble::Cut) => {
                let all = whole(200, "", body);
                stream.write_all(&all.as_bytes()[..all.len() - half.len()])
            }
            Some(Trouble::Reset) => Ok(()),
            Some(Trouble::Silence) => {
                while goes_on() {
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }
            Some(Trouble::Slow(pause)) => {
                let all = whole(200, "", body);
                all.as_bytes().chunks(all.len() / 10 + 1).try_for_each(|piece| {
                    thread::sleep(Duration::from_millis(pause));
                    stream.write_all(piece)
                })
            }
            Some(Trouble::Drip) => {
                let head = "HTTP/1.1 200 any\r\ncontent-length: 100000\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
                while goes_on() && stream.write_all(b" ").is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }
        };
    }

    /// The answer to a request with the right key.
    fn answer(&self, url: &Url) -> (u16, String) {
        let value = |name: &str| param(url, name);
        let route = url
            .path()
            .trim_start_matches("/v2/electricity/rto/")
            .trim_end_matches("/data/")
            .to_owned();
        let frequency = if route.starts_with("daily-") { "daily" } else { "hourly" };
        if value("frequency").is_some_and(|asked| asked != frequency) {
            let error = json!({ "error": "Invalid frequency provided.", "code": 400 });
            return (400, error.to_string());
        }
        let (start, end) = (
            value("start").unwrap_or_default(),
            value("end").unwrap_or("9999".to_owned()),
        );
        let facets: Vec<(String, String)> = url
            .query_pairs()
            .filter_map(|(name, code)| {
                let facet = name.strip_prefix("facets[")?.strip_suffix("][]")?;
                Some((facet.to_owned(), code.into_owned()))
            })
            .collect();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let is_asked = |row: &&Value| {
            let fits = |facet: &str| {
                let mut asked = facets.iter().filter(|(name, _)| name == facet).peekable();
                asked.peek().is_none() || asked.any(|(_, code)| *code == text(row, facet))
            };
            let period = text(row, "period");
            start <= period && period <= end && facets.iter().all(|(facet, _)| fits(facet))
        };
        let rows = self.rows.lock().expect("no panic");
        let mut found: Vec<&Value> = rows.iter().filter(is_asked).collect();
        let columns: Vec<String> = (0..5).map_while(|at| value(&format!("sort[{at}][column]"))).collect();
        // Without an order that is total it gives equal ones in another order each time, as the API has done.
        if let Ok(offset) = value("offset").unwrap_or_default().parse::<usize>() {
            let by = offset % 7 % found.len().max(1);
            found.rotate_left(by);
        }
        found.sort_by_key(|row| columns.iter().map(|column| text(row, column)).collect::<Vec<_>>());
        if value("sort[0][direction]").as_deref() == Some("desc") {
            found.reverse();
        }
        let number = |name: &str, default: usize| value(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (total, length) = (found.len(), number("length", 5000).min(self.cap));
        let page: Vec<Value> = found
            .into_iter()
            .skip(number("offset", 0))
            .take(length)
            .cloned()
            .collect();
        (200, self.page(&route, frequency, total, page, url))
    }

    fn page(&self, route: &str, frequency: &str, total: usize, mut data: Vec<Value>, url: &Url) -> String {
        let numbers = self.numbers.load(Ordering::Relaxed);
        if numbers {
            for row in &mut data {
                let number: Option<f64> = row["value"].as_str().and_then(|text| text.parse().ok());
                row["value"] = json!(number);
            }
        }
        let warning = json!([{ "warning": "incomplete return", "description": "The API can only return 5000 rows in JSON format." }]);
        let is_part = data.len() < total;
        let mut response = json!({
            "total": if numbers { json!(total) } else { json!(total.to_string()) },
            "frequency": frequency,
            "data": data,
        });
        if is_part && !numbers {
            response["warnings"] = warning.clone();
        }
        // It repeats what it was asked, the key included.
        let params: Map<String, Value> = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect();
        let request = json!({ "command": format!("/v2/electricity/rto/{route}/data/"), "params": params });
        let mut body = json!({ "response": response, "request": request, "apiVersion": "2.1.12" });
        if is_part && numbers {
            body["warnings"] = warning;
        }
        body.to_string()
    }
}

/// The body of an error with a code.
pub(crate) fn keyed(code: &str) -> String {
    json!({ "error": { "code": code, "message": format!("words about {KEY}") } }).to_string()
}

/// Rows of fuel-type data: so many hours from a day on, of each respondent and fuel.
pub(crate) fn generation(start: &str, hours: i64, respondents: &[&str], fuels: &[&str]) -> Vec<Value> {
    let mut rows = Vec::new();
    for hour in 0..hours {
        let period = periods(start, hour);
        for (r, respondent) in respondents.iter().enumerate() {
            for (f, fuel) in fuels.iter().enumerate() {
                let value = (hour % 24) * 10 + i64::try_from(100 * r + 1000 * f).expect("small");
                rows.push(json!({
                    "period": period,
                    "respondent": respondent, "respondent-name": format!("the region {respondent}"),
                    "fueltype": fuel, "type-name": format!("the fuel {fuel}"),
                    "value": value.to_string(), "value-units": "megawatthours",
                }));
            }
        }
    }
    rows
}

/// The hour so many after a day's first.
fn periods(start: &str, hour: i64) -> String {
    let first = NaiveDateTime::parse_from_str(&format!("{start} 00:00"), "%Y-%m-%d %H:%M").expect("a day");
    (first + TimeDelta::hours(hour)).format("%Y-%m-%dT%H").to_string()
}
