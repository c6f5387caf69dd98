//! Asks the API page by page.
//!
//! The key goes to the server that was named, and nowhere else: no redirect takes it to another one, no `Referer` holds
//! it, and every text that comes back is masked. It is sent as a header, which stays out of the logs of servers and
//! proxies; to a server that sees none there, as the documented parameter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use reqwest::header::HeaderValue;

use super::Query;
use super::error::EiaError;
use super::pages::{EiaPage, api_error, error_of};
use super::scalar::ApiError;
use crate::forecasting::limits::{SizeLimit, TableLimits};
use crate::http::{HttpClient, HttpError, HttpFault, HttpLimits, HttpSettings, Repeat};

/// Below the address that the user gives.
const ROUTE: &str = "electricity/rto/fuel-type-data/data/";
/// The most rows that the API gives at once.
const PAGE: usize = 5000;
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
    http: HttpClient<'a>,
    key: &'a str,
    /// Whether the server takes no key from a header.
    key_in_query: AtomicBool,
    limits: RequestLimits,
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
        let address = format!("{}/{ROUTE}", base.trim_end_matches('/'));
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
        let http = HttpClient::new(&address, &settings, cancelled).map_err(|error| failed(error, limits))?;
        if http.address().scheme() != "https" && !http.is_here() && !limits.allow_http {
            return Err(EiaError::Unencrypted { address: http.origin() });
        }
        Ok(Self {
            http,
            key,
            key_in_query: AtomicBool::new(false),
            limits,
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

    /// Asks for the newest row alone, which comes with how many there are.
    ///
    /// # Errors
    /// [`EiaError`].
    pub(crate) fn newest(&self, query: &Query) -> Result<EiaPage, EiaError> {
        let newest = RowRange {
            direction: "desc",
            offset: 0,
            length: 1,
        };
        self.rows(query, newest)
    }

    fn page(&self, query: &Query, offset: usize) -> Result<EiaPage, EiaError> {
        let page = RowRange {
            direction: "asc",
            offset,
            length: PAGE,
        };
        self.rows(query, page)
    }

    fn rows(&self, query: &Query, range: RowRange) -> Result<EiaPage, EiaError> {
        match self.ask(query, range) {
            Err(EiaError::NoKey) if !self.key_in_query.swap(true, Ordering::Relaxed) => self.ask(query, range),
            answer => answer,
        }
    }

    fn ask(&self, query: &Query, range: RowRange) -> Result<EiaPage, EiaError> {
        let answer = self
            .http
            .send(self.request(query, range), Repeat::Never)
            .map_err(|error| failed(error, self.limits))?;
        let (status, body) = (answer.status, answer.body);
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

    fn request(&self, query: &Query, range: RowRange) -> RequestBuilder {
        let request = self.http.request(Method::GET, self.http.address().clone());
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
        request.query(&parameters(query, range))
    }

    fn masked(&self, error: EiaError) -> EiaError {
        match error {
            EiaError::Rejected { message } => EiaError::Rejected {
                message: self.http.hide(&message),
            },
            EiaError::Shape { what, help } => EiaError::Shape {
                what: self.http.hide(&what),
                help,
            },
            EiaError::Throttled { code } => EiaError::Throttled {
                code: self.http.hide(&code),
            },
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
        ("frequency".to_owned(), "hourly".to_owned()),
        ("data[0]".to_owned(), "value".to_owned()),
    ];
    for (facet, codes) in [("respondent", &query.respondents), ("fueltype", &query.fueltypes)] {
        all.extend(codes.iter().map(|code| (format!("facets[{facet}][]"), code.clone())));
    }
    all.push(("start".to_owned(), format!("{}T00", query.start)));
    all.extend(query.end.map(|end| ("end".to_owned(), format!("{end}T23"))));
    for (at, column) in ["period", "respondent", "fueltype"].into_iter().enumerate() {
        all.push((format!("sort[{at}][column]"), column.to_owned()));
        all.push((format!("sort[{at}][direction]"), range.direction.to_owned()));
    }
    all.push(("offset".to_owned(), range.offset.to_string()));
    all.push(("length".to_owned(), range.length.to_string()));
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
