//! Asks the API page by page.
//!
//! The key goes to the server that was named, and nowhere else: no redirect takes it to another one, no `Referer` holds
//! it, and every text that comes back is masked. It is sent as a header, which stays out of the logs of servers and
//! proxies; to a server that sees none there, as the documented parameter.

mod mask;

use std::io::Read as _;
use std::net::IpAddr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use reqwest::blocking::Client as Http;
use reqwest::blocking::Request;
use reqwest::header::HeaderValue;
use reqwest::redirect::{Attempt, Policy};

use self::mask::mask;
use super::Query;
use super::error::EiaError;
use super::pages::{EiaPage, api_error, error_of};
use super::scalar::ApiError;
use crate::forecasting::aside::{AsideError, aside};
use crate::forecasting::limits::{SizeLimit, TableLimits};

/// Below the address that the user gives.
const ROUTE: &str = "electricity/rto/fuel-type-data/data/";
/// The most rows that the API gives at once.
const PAGE: usize = 5000;
/// Redirects within the server, one after the other.
const REDIRECTS: usize = 3;
/// Warnings of all pages that are kept.
const WARNINGS: usize = 20;

/// Limits of the requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    /// To reach the server.
    pub(crate) connect: Duration,
    /// For the whole answer.
    pub(crate) answer: Duration,
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
            page: SizeLimit::NONE,
            rows: TableLimits::NONE,
            allow_http: false,
        }
    }
}

/// A client of one server with one key.
pub(crate) struct Client<'a> {
    http: Http,
    address: Url,
    key: &'a str,
    /// Whether the server takes no key from a header.
    key_in_query: AtomicBool,
    limits: RequestLimits,
    cancelled: &'a AtomicBool,
}

/// What came of a request on its thread, without the key being hidden yet.
enum Exchange {
    Answer { status: u16, body: Vec<u8> },
    Failed(reqwest::Error),
    Broken(std::io::Error),
    Late,
    TooLarge,
}

impl<'a> Client<'a> {
    /// Prepares to ask the server at `base`, such as `https://api.eia.gov/v2`, until `cancelled` is set.
    ///
    /// # Errors
    /// [`EiaError`] if this machine cannot make secure connections, or the key would travel without encryption.
    pub(crate) fn new(
        base: &str,
        key: &'a str,
        limits: RequestLimits,
        cancelled: &'a AtomicBool,
    ) -> Result<Self, EiaError> {
        // The process has one provider of cryptography; that another part of it was first is no fault.
        static PROVIDER: Once = Once::new();
        let address = format!("{}/{ROUTE}", base.trim_end_matches('/'));
        let address: Url = address.parse().map_err(|error| EiaError::Address {
            why: mask(&format!("{error}"), key),
        })?;
        if address.scheme() != "https" && !is_here(&address) && !limits.allow_http {
            return Err(EiaError::Unencrypted {
                address: mask(&origin(&address), key),
            });
        }
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let http = Http::builder()
            .user_agent(concat!("atsaf/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .timeout(limits.answer)
            .redirect(Policy::custom(within_origin))
            .referer(false);
        // What a proxy would get of a request to this machine, it would get unencrypted.
        let http = if is_here(&address) { http.no_proxy() } else { http };
        Ok(Self {
            http: http.build().map_err(|error| unreachable(&error, key))?,
            address,
            key,
            key_in_query: AtomicBool::new(false),
            limits,
            cancelled,
        })
    }

    /// What to warn of, if the environment names a proxy for these requests.
    pub(crate) fn proxy(&self) -> Option<String> {
        if is_here(&self.address) {
            return None;
        }
        // The library asks the same of the same variables.
        let found = Matcher::from_system().intercept(&self.address.as_str().parse().ok()?)?;
        let has_name = found.basic_auth().is_some() || found.raw_auth().is_some();
        let proxy = format!(
            "{}://{}{}{}",
            found.uri().scheme_str().unwrap_or("http"),
            if has_name { "***@" } else { "" },
            found.uri().host().unwrap_or_default(),
            found
                .uri()
                .port_u16()
                .map_or_else(String::new, |port| format!(":{port}")),
        );
        let reads = match self.address.scheme() {
            "https" => "",
            _ => ", which can read the key",
        };
        let text = format!(
            "the requests to `{}` go through the proxy `{proxy}` of the environment{reads}",
            origin(&self.address)
        );
        Some(mask(&text, self.key))
    }

    /// Fetches all pages of a query as one; before each request `before` hears how many rows are there and how many
    /// there will be, and may end it.
    ///
    /// # Errors
    /// [`EiaError`], or what `before` says.
    pub(crate) fn fetch<E: From<EiaError>>(
        &self,
        query: &Query,
        mut before: impl FnMut(usize, Option<u64>) -> Result<(), E>,
    ) -> Result<EiaPage, E> {
        let mut whole: Option<EiaPage> = None;
        loop {
            let (found, total) = whole
                .as_ref()
                .map_or((0, None), |whole| (whole.rows.len(), Some(whole.total)));
            before(found, total)?;
            let page = self.page(query, found)?;
            self.limits
                .rows
                .rows(page.total.max((found + page.rows.len()) as u64))
                .map_err(EiaError::TooMuch)?;
            if let Some(total) = total.filter(|total| *total != page.total) {
                let (before, after) = (total, page.total);
                return Err(EiaError::Changed { before, after }.into());
            }
            let is_empty = page.rows.is_empty();
            let mut all = match whole {
                None => page,
                Some(all) => joined(all, page),
            };
            all.warnings.truncate(WARNINGS);
            let (found, total) = (all.rows.len() as u64, all.total);
            if found >= total {
                return Ok(all);
            }
            if is_empty {
                return Err(EiaError::Incomplete { found, total }.into());
            }
            whole = Some(all);
        }
    }

    fn page(&self, query: &Query, offset: usize) -> Result<EiaPage, EiaError> {
        match self.ask(query, offset) {
            Err(EiaError::NoKey) if !self.key_in_query.swap(true, Ordering::Relaxed) => self.ask(query, offset),
            answer => answer,
        }
    }

    fn ask(&self, query: &Query, offset: usize) -> Result<EiaPage, EiaError> {
        let request = self
            .request(query, offset)
            .map_err(|error| unreachable(&error, self.key))?;
        let (http, limits) = (self.http.clone(), self.limits);
        // A read from a server that drips cannot be told to stop: it is left behind.
        let exchange = aside(self.cancelled, move || exchange(&http, request, limits));
        let (status, body) = match exchange {
            Ok(Exchange::Answer { status, body }) => (status, body),
            Ok(Exchange::Failed(error)) => return Err(self.no_answer(&error)),
            Ok(Exchange::Broken(error)) => return Err(self.broken(&error)),
            Ok(Exchange::Late) => return Err(self.late()),
            Ok(Exchange::TooLarge) => return Err(EiaError::TooMuch(self.limits.page.excess())),
            Err(AsideError::Stopped) => return Err(EiaError::Stopped),
            Err(AsideError::Failed(why)) => {
                return Err(EiaError::Unreachable {
                    why: mask(&why, self.key),
                });
            }
        };
        if (200..300).contains(&status) {
            return EiaPage::parse(&body).map_err(|error| self.masked(error));
        }
        // A gateway answers in HTML: then the status is all there is.
        Err(match error_of(&body) {
            Some(error) => self.masked(api_error(&error, Some(status))),
            None if matches!(status, 403 | 429) => api_error(&ApiError::default(), Some(status)),
            None => EiaError::Server { status },
        })
    }

    fn request(&self, query: &Query, offset: usize) -> reqwest::Result<Request> {
        let request = self.http.get(self.address.clone());
        let header = HeaderValue::from_str(self.key)
            .ok()
            .filter(|_| !self.key_in_query.load(Ordering::Relaxed));
        let request = match header {
            Some(mut key) => {
                key.set_sensitive(true);
                request.header("x-api-key", key)
            }
            None => request.query(&[("api_key", self.key)]),
        };
        request.query(&parameters(query, offset)).build()
    }

    fn no_answer(&self, error: &reqwest::Error) -> EiaError {
        match misled(error) {
            Some(Misled::Elsewhere(to)) => EiaError::Redirected { to: mask(to, self.key) },
            Some(Misled::Often) => EiaError::RedirectedOften { limit: REDIRECTS },
            None if error.is_timeout() => self.late(),
            None => unreachable(error, self.key),
        }
    }

    /// A body that broke off: the library hides its own error in one of input and output.
    fn broken(&self, error: &std::io::Error) -> EiaError {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
        match inner {
            Some(inner) => self.no_answer(inner),
            None if error.kind() == std::io::ErrorKind::TimedOut => self.late(),
            None => EiaError::Unreachable {
                why: mask(&error.to_string(), self.key),
            },
        }
    }

    fn late(&self) -> EiaError {
        EiaError::Timeout {
            limit: self.limits.answer,
        }
    }

    fn masked(&self, error: EiaError) -> EiaError {
        match error {
            EiaError::Rejected { message } => EiaError::Rejected {
                message: mask(&message, self.key),
            },
            EiaError::Shape { what, help } => EiaError::Shape {
                what: mask(&what, self.key),
                help,
            },
            EiaError::Throttled { code } => EiaError::Throttled {
                code: mask(&code, self.key),
            },
            other => other,
        }
    }
}

/// The order is total, so that pages neither overlap nor leave rows out.
fn parameters(query: &Query, offset: usize) -> Vec<(String, String)> {
    let mut all = vec![
        ("frequency".to_owned(), "hourly".to_owned()),
        ("data[0]".to_owned(), "value".to_owned()),
    ];
    for (facet, codes) in [("respondent", &query.respondents), ("fueltype", &query.fueltypes)] {
        all.extend(codes.iter().map(|code| (format!("facets[{facet}][]"), code.clone())));
    }
    all.push(("start".to_owned(), format!("{}T00", query.start)));
    all.push(("end".to_owned(), format!("{}T23", query.end)));
    for (at, column) in ["period", "respondent", "fueltype"].into_iter().enumerate() {
        all.push((format!("sort[{at}][column]"), column.to_owned()));
        all.push((format!("sort[{at}][direction]"), "asc".to_owned()));
    }
    all.push(("offset".to_owned(), offset.to_string()));
    all.push(("length".to_owned(), PAGE.to_string()));
    all
}

/// The rows and warnings of two pages as one.
fn joined(mut all: EiaPage, page: EiaPage) -> EiaPage {
    all.rows.extend(page.rows);
    for warning in page.warnings {
        if !all.warnings.contains(&warning) {
            all.warnings.push(warning);
        }
    }
    all
}

/// Sends a request and reads the answer, no more of it and no longer than the limits allow.
fn exchange(http: &Http, request: Request, limits: RequestLimits) -> Exchange {
    let begun = Instant::now();
    let mut response = match http.execute(request) {
        Ok(response) => response,
        Err(error) => return Exchange::Failed(error),
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        // The library's own limit begins again with each read.
        if begun.elapsed() > limits.answer {
            return Exchange::Late;
        }
        let read = match response.read(&mut piece) {
            Ok(0) => return Exchange::Answer { status, body },
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Exchange::Broken(error),
        };
        if (body.len() + read) as u64 > limits.page.bytes() {
            return Exchange::TooLarge;
        }
        if let Err(error) = body.try_reserve(read) {
            return Exchange::Broken(std::io::Error::other(error));
        }
        body.extend_from_slice(&piece[..read]);
    }
}

/// Why a redirect was not followed.
#[derive(Debug, thiserror::Error)]
enum Misled {
    #[error("it leads to {0}")]
    Elsewhere(String),
    #[error("there are too many")]
    Often,
}

/// Follows a few redirects within scheme, host and port.
fn within_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let before = attempt.previous();
    let is_same = before
        .first()
        .is_some_and(|first| first.origin() == attempt.url().origin());
    match () {
        () if !is_same => {
            let to = origin(attempt.url());
            attempt.error(Misled::Elsewhere(to))
        }
        () if before.len() > REDIRECTS => attempt.error(Misled::Often),
        () => attempt.follow(),
    }
}

fn misled(error: &reqwest::Error) -> Option<&Misled> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}

/// Scheme, host and port, without what else an address can hold.
fn origin(address: &Url) -> String {
    let port = address.port().map_or_else(String::new, |port| format!(":{port}"));
    format!(
        "{}://{}{port}",
        address.scheme(),
        address.host_str().unwrap_or_default()
    )
}

/// Whether an address is this machine's own, which a request reaches over no network.
fn is_here(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || number.parse().is_ok_and(|number: IpAddr| number.is_loopback())
}

/// A connection that failed, by its innermost cause: the outer ones hold the address, and with it the key.
fn unreachable(error: &reqwest::Error, key: &str) -> EiaError {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    let why = cause.map_or_else(
        || "the connection broke".to_owned(),
        |cause| mask(&cause.to_string(), key),
    );
    EiaError::Unreachable { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_the_key_without_encryption() {
        let goes_on = AtomicBool::new(false);
        let refused = |base: &str, allow_http| {
            let limits = RequestLimits {
                allow_http,
                ..RequestLimits::default()
            };
            Client::new(base, "key", limits, &goes_on).err()
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
