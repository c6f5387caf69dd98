//! One request to the API and its answer, sent again as long as what went wrong may pass.
//!
//! The key goes to the server that was named, and nowhere else: no redirect takes it to another one, no `Referer` holds
//! it, and every text that comes back is masked. It is sent as a header, which stays out of the logs of servers and
//! proxies; to a server that sees none there, as the documented parameter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::blocking::RequestBuilder;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};

use super::Query;
use super::error::{EiaError, EiaFailure};
use super::pages::{EiaPage, api_error, error_of};
use super::patience::Patience;
use super::routes::Route;
use super::scalar::ApiError;
use crate::engine::task::{Context, TaskError};
use crate::forecasting::limits::{SizeLimit, TableLimits};
use crate::http::{Answer, HttpClient, HttpError, HttpFault, HttpLimits, HttpSettings, Repeat};

/// Below the address that the user gives, above a route.
const ABOVE: &str = "electricity/rto";
/// The most rows that the API gives at once.
pub(super) const PAGE: usize = 5000;
/// Of an answer that cannot be used, so many bytes are looked at, and so many characters are shown.
const LOOKED_AT: usize = 4096;
const SHOWN: usize = 120;

/// Limits of the requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    /// To reach the server.
    pub(crate) connect: Duration,
    /// For the whole answer.
    pub(crate) answer: Duration,
    /// For waiting until a server that fails does so no more.
    pub(crate) wait: Duration,
    /// For one answer, unpacked.
    pub(crate) page: SizeLimit,
    /// For all pages together.
    pub(crate) rows: TableLimits,
    /// Whether the key may travel without encryption.
    pub(crate) allow_http: bool,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_mins(1),
            wait: Duration::from_mins(1),
            page: SizeLimit::NONE,
            rows: TableLimits::NONE,
            allow_http: false,
        }
    }
}

/// A client of one route of one server with one key.
pub(crate) struct Client<'a> {
    http: HttpClient<'a>,
    key: &'a str,
    /// Whether the server takes no key from a header.
    key_in_query: AtomicBool,
    route: &'static Route,
    limits: RequestLimits,
    patience: Patience,
    stop: &'a AtomicBool,
}

/// A page as it was fetched.
pub(crate) struct FetchedPage {
    /// What it says.
    pub(crate) page: EiaPage,
    /// As it came.
    pub(crate) body: Vec<u8>,
}

/// How many rows a page must have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// Any number.
    Any,
    /// At least one if there are any.
    Some,
    /// So many, if the query still has as many as it had.
    Rows {
        /// Rows of the query.
        total: usize,
        /// Rows of the page.
        rows: usize,
    },
}

impl Expected {
    fn of(self, page: EiaPage) -> Result<EiaPage, EiaError> {
        let found = page.rows.len() as u64;
        let lacks = match self {
            Self::Any => None,
            Self::Some => (found == 0 && page.total > 0).then_some(page.total),
            Self::Rows { total, rows } => (page.total == total as u64 && found != rows as u64).then_some(rows as u64),
        };
        lacks.map_or(Ok(page), |total| Err(EiaError::Incomplete { found, total }))
    }
}

/// A page all of whose rows were asked for: one of another series or time would be missing where it belongs.
fn as_asked(page: EiaPage, query: &Query) -> Result<EiaPage, EiaError> {
    match page.rows.not_asked(query) {
        None => Ok(page),
        Some(row) => Err(EiaError::shape(format!(
            "the answer has a row that was not asked for: {} {}",
            row.period(),
            page.rows.name(row, query.route)
        ))),
    }
}

/// A request without a page.
struct Refusal {
    error: EiaError,
    /// What came back.
    answer: Option<String>,
    /// How long the server asks to wait.
    retry_after: Option<Duration>,
}

impl From<EiaError> for Refusal {
    fn from(error: EiaError) -> Self {
        Self {
            error,
            answer: None,
            retry_after: None,
        }
    }
}

impl<'a> Client<'a> {
    /// Prepares to ask the server at `base`, such as `https://api.eia.gov/v2`, for a route, until `stop` is set.
    ///
    /// # Errors
    /// [`EiaError`] if this machine cannot make secure connections, or the key would travel without encryption.
    pub(crate) fn new(
        base: &str,
        route: &'static Route,
        key: &'a str,
        limits: RequestLimits,
        stop: &'a AtomicBool,
    ) -> Result<Self, EiaError> {
        let address = format!("{}/{ABOVE}/{}/data/", base.trim_end_matches('/'), route.name);
        let settings = HttpSettings {
            limits: HttpLimits {
                connect: limits.connect,
                first_byte: limits.answer,
                whole: limits.answer,
                body: limits.page.bytes(),
            },
            certificates: None,
            any_certificate: false,
            secrets: vec![key.to_owned()],
        };
        let http = HttpClient::new(&address, &settings, stop).map_err(|error| failed(error, limits))?;
        if http.address().scheme() != "https" && !http.is_here() && !limits.allow_http {
            return Err(EiaError::Unencrypted { address: http.origin() });
        }
        Ok(Self {
            http,
            key,
            key_in_query: AtomicBool::new(false),
            route,
            limits,
            patience: Patience::new(limits.wait),
            stop,
        })
    }

    /// What to warn of, if the environment names a proxy for these requests.
    pub(crate) fn proxy(&self) -> Option<String> {
        let proxy = self.http.proxy()?;
        let reads = if proxy.reads { ", which can read the key" } else { "" };
        Some(format!(
            "the requests to `{}` go through the proxy `{}` of the environment{reads}",
            self.http.origin(),
            proxy.address
        ))
    }

    /// The limits that it was made with.
    pub(super) fn limits(&self) -> RequestLimits {
        self.limits
    }

    /// What ends its requests when it is set.
    pub(super) fn stop(&self) -> &'a AtomicBool {
        self.stop
    }

    /// A text without the key.
    pub(super) fn hide(&self, text: &str) -> String {
        self.http.hide(text)
    }

    /// Asks for the description of the route, which costs nothing, to see whether the key is taken.
    ///
    /// # Errors
    /// [`TaskError`] if it is refused; of any other trouble a request for rows tells more.
    pub(crate) fn try_key(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let address = self
            .http
            .address()
            .join("..")
            .unwrap_or_else(|_| self.http.address().clone());
        for _ in 0..2 {
            context.request_unless(&|| self.stop.load(Ordering::Relaxed))?;
            let Ok(answer) = self.http.send(self.with_key(address.clone()), Repeat::Never) else {
                return Ok(());
            };
            match error_of(&answer.body).map(|error| api_error(&error, Some(answer.status))) {
                Some(EiaError::NoKey) => self.key_in_query.store(true, Ordering::Relaxed),
                Some(error @ EiaError::WrongKey) => {
                    return Err(EiaFailure {
                        error,
                        request: Some(self.hide(&format!("GET {address}"))),
                        answer: Some(self.shown(&answer)),
                        times: 1,
                    }
                    .into());
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Asks for the newest row alone, which comes with how many there are.
    ///
    /// # Errors
    /// [`TaskError`].
    pub(crate) fn newest(&self, context: &Context<'_>, query: &Query) -> Result<EiaPage, TaskError> {
        let newest = RowRange {
            direction: "desc",
            offset: 0,
            length: 1,
        };
        self.rows(context, query, newest, Expected::Any)
            .map(|fetched| fetched.page)
    }

    /// Asks for a page of a query: its rows from `offset` on.
    ///
    /// # Errors
    /// [`TaskError`] once it is in vain to ask again.
    pub(super) fn page(
        &self,
        context: &Context<'_>,
        query: &Query,
        offset: usize,
        expected: Expected,
    ) -> Result<FetchedPage, TaskError> {
        let page = RowRange {
            direction: "asc",
            offset,
            length: PAGE,
        };
        self.rows(context, query, page, expected)
    }

    fn rows(
        &self,
        context: &Context<'_>,
        query: &Query,
        range: RowRange,
        expected: Expected,
    ) -> Result<FetchedPage, TaskError> {
        let stopped = |_: HttpFault| TaskError::stopped();
        let mut times = 0;
        loop {
            self.http.pause(self.patience.rest()).map_err(stopped)?;
            context.request_unless(&|| self.stop.load(Ordering::Relaxed))?;
            times += 1;
            let begun = Instant::now();
            let refusal = match self.ask(query, range, expected) {
                Ok(fetched) => {
                    self.patience.renew();
                    return Ok(fetched);
                }
                Err(refusal) => refusal,
            };
            if refusal.error == EiaError::NoKey && !self.key_in_query.swap(true, Ordering::Relaxed) {
                continue;
            }
            let pause = self
                .patience
                .pause(&refusal.error, refusal.retry_after, times, begun.elapsed());
            let Some(pause) = pause else {
                return Err(self.failure(refusal, query, range, times));
            };
            context.log(&format!(
                "rows from {} on: {}; asked again in {:.1} s",
                range.offset,
                refusal.error,
                pause.as_secs_f64()
            ));
            self.http.pause(pause).map_err(stopped)?;
        }
    }

    fn failure(&self, refusal: Refusal, query: &Query, range: RowRange, times: u32) -> TaskError {
        match refusal.error {
            EiaError::Stopped => TaskError::stopped(),
            error => EiaFailure {
                error,
                request: Some(self.name_of(query, range)),
                answer: refusal.answer,
                times,
            }
            .into(),
        }
    }

    fn ask(&self, query: &Query, range: RowRange, expected: Expected) -> Result<FetchedPage, Refusal> {
        let answer = self
            .http
            .send(self.request(query, range), Repeat::Never)
            .map_err(|error| failed(error, self.limits))?;
        let page = self.read(&answer).and_then(|page| expected.of(page));
        let page = page.and_then(|page| as_asked(page, query));
        match page {
            Ok(page) => {
                let body = answer.body;
                Ok(FetchedPage { page, body })
            }
            Err(error) => Err(Refusal {
                error: self.masked(error),
                answer: Some(self.shown(&answer)),
                retry_after: answer.retry_after.map(Duration::from_secs),
            }),
        }
    }

    /// Reads an answer: an error that it holds counts before its status.
    fn read(&self, answer: &Answer) -> Result<EiaPage, EiaError> {
        let (status, body) = (answer.status, &answer.body);
        if (200..300).contains(&status) {
            return EiaPage::parse(body, self.route);
        }
        // A gateway answers in HTML: then the status is all there is.
        Err(match error_of(body) {
            Some(error) => api_error(&error, Some(status)),
            None if matches!(status, 403 | 429) => api_error(&ApiError::default(), Some(status)),
            None => EiaError::Server { status },
        })
    }

    /// What came back, for a message: the status and how the body begins.
    fn shown(&self, answer: &Answer) -> String {
        let looked_at = &answer.body[..answer.body.len().min(LOOKED_AT)];
        // A key at the end of it, cut in two, lies far behind what is shown.
        let text = self.hide(&String::from_utf8_lossy(looked_at));
        let text: String = text.chars().take(4 * SHOWN).collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let kind = match answer.media_type.as_str() {
            "" => String::new(),
            kind => format!(", {}", self.hide(kind)),
        };
        let begins = if shown.is_empty() {
            String::new()
        } else {
            format!(": {shown}")
        };
        format!("status {}{kind}, {} bytes{begins}", answer.status, answer.body.len())
    }

    /// A request for a message, with stars for the key.
    fn name_of(&self, query: &Query, range: RowRange) -> String {
        let parameters = parameters(query, range);
        let mut parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if self.key_in_query.load(Ordering::Relaxed) {
            parameters.push("api_key=***".to_owned());
        }
        let (origin, path) = (self.http.origin(), self.http.address().path());
        self.hide(&format!("GET {origin}{path}?{}", parameters.join("&")))
    }

    fn request(&self, query: &Query, range: RowRange) -> RequestBuilder {
        self.with_key(self.http.address().clone())
            .query(&parameters(query, range))
    }

    fn with_key(&self, address: Url) -> RequestBuilder {
        let request = self.http.request(Method::GET, address);
        let header = HeaderValue::from_str(self.key)
            .ok()
            .filter(|_| !self.key_in_query.load(Ordering::Relaxed));
        match header {
            Some(mut key) => {
                key.set_sensitive(true);
                request.header("x-api-key", key)
            }
            None => request.query(&[("api_key", self.key)]),
        }
    }

    fn masked(&self, error: EiaError) -> EiaError {
        match error {
            EiaError::Rejected { message } => EiaError::Rejected {
                message: self.hide(&message),
            },
            EiaError::Shape { what, help } => EiaError::Shape {
                what: self.hide(&what),
                help,
            },
            EiaError::Throttled { code } => EiaError::Throttled { code: self.hide(&code) },
            EiaError::NotJson { why } => EiaError::NotJson { why: self.hide(&why) },
            other => other,
        }
    }
}

/// Which rows of a query are asked for.
#[derive(Clone, Copy)]
struct RowRange {
    /// From the oldest on, `asc`, or from the newest, `desc`.
    direction: &'static str,
    offset: usize,
    length: usize,
}

/// The order is total, so that pages neither overlap nor leave rows out.
fn parameters(query: &Query, range: RowRange) -> Vec<(String, String)> {
    let mut all = vec![
        ("frequency".to_owned(), query.route.step.name().to_owned()),
        ("data[0]".to_owned(), "value".to_owned()),
    ];
    for (facet, codes) in query.route.facets.iter().zip(&query.codes) {
        all.extend(codes.iter().map(|code| (format!("facets[{facet}][]"), code.clone())));
    }
    all.push(("start".to_owned(), query.first_period(query.start)));
    all.extend(query.end.map(|end| ("end".to_owned(), query.last_period(end))));
    let columns = std::iter::once("period").chain(query.route.facets.iter().copied());
    for (at, column) in columns.enumerate() {
        all.push((format!("sort[{at}][column]"), column.to_owned()));
        all.push((format!("sort[{at}][direction]"), range.direction.to_owned()));
    }
    all.push(("offset".to_owned(), range.offset.to_string()));
    all.push(("length".to_owned(), range.length.to_string()));
    all
}

/// What a request without an answer means here.
fn failed(error: HttpError, limits: RequestLimits) -> EiaError {
    match error.fault {
        HttpFault::Address { why } => EiaError::Address { why },
        HttpFault::Unreachable { why } | HttpFault::Untrusted { why } | HttpFault::Certificates { why, .. } => {
            EiaError::Unreachable { why }
        }
        HttpFault::Timeout { limit } => EiaError::Timeout { limit },
        HttpFault::TooLarge { .. } => EiaError::TooMuch(limits.page.excess()),
        HttpFault::Redirected { to } => EiaError::Redirected { to },
        HttpFault::RedirectedOften { limit } => EiaError::RedirectedOften { limit },
        HttpFault::Stopped => EiaError::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::eia::routes::ROUTES;

    #[test]
    fn only_this_machine_gets_the_key_without_encryption() {
        let goes_on = AtomicBool::new(false);
        let refused = |base: &str, allow_http| {
            let limits = RequestLimits {
                allow_http,
                ..RequestLimits::default()
            };
            Client::new(base, &ROUTES[0], "key", limits, &goes_on).err()
        };
        for here in [
            "http://127.0.0.1:8000/v2",
            "http://127.9.9.9",
            "http://[::1]:80/",
            "http://localhost",
        ] {
            assert_eq!(refused(here, false), None, "{here}");
        }
        for (there, address) in [
            ("http://api.eia.gov/v2", "http://api.eia.gov"),
            ("http://localhost.example:80", "http://localhost.example"),
            ("http://127.0.0.1.example", "http://127.0.0.1.example"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("http://[2001:db8::1]", "http://[2001:db8::1]"),
            ("http://key.example", "http://***.example"),
        ] {
            let address = address.to_owned();
            assert_eq!(
                refused(there, false),
                Some(EiaError::Unencrypted { address }),
                "{there}"
            );
            assert_eq!(refused(there, true), None, "{there}");
        }
        assert_eq!(refused("https://api.eia.gov/v2", false), None);
        let why = "invalid port number".to_owned();
        assert_eq!(refused("https://api.eia.gov:x", false), Some(EiaError::Address { why }));
    }
}
