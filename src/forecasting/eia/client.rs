//! Asks the API page by page.
//!
//! The key goes into the address, as the API wants it, and nowhere else: every text that comes back is masked.

use std::sync::Once;
use std::time::Duration;

use reqwest::blocking::Client as Http;
use reqwest::blocking::Response;
use serde_json::Value;

use super::Query;
use super::error::EiaError;
use super::pages::{EiaPage, api_error};

/// Below the address that the user gives.
const ROUTE: &str = "electricity/rto/fuel-type-data/data/";
/// The most rows that the API gives at once.
const PAGE: usize = 5000;
/// Stands where a key stood.
const MASK: &str = "***";

/// Limits of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    /// To reach the server.
    pub(crate) connect: Duration,
    /// For the whole answer.
    pub(crate) answer: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_mins(1),
        }
    }
}

/// A client of one server with one key.
pub(crate) struct Client<'a> {
    http: Http,
    address: String,
    key: &'a str,
    limits: RequestLimits,
}

impl<'a> Client<'a> {
    /// Prepares to ask the server at `base`, such as `https://api.eia.gov/v2`.
    ///
    /// # Errors
    /// [`EiaError::Unreachable`] if this machine cannot make secure connections.
    pub(crate) fn new(base: &str, key: &'a str, limits: RequestLimits) -> Result<Self, EiaError> {
        // The process has one provider of cryptography; that another part of it was first is no fault.
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let http = Http::builder()
            .user_agent(concat!("atsaf/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .timeout(limits.answer)
            .build()
            .map_err(|error| unreachable(&error, key))?;
        Ok(Self {
            http,
            address: format!("{}/{ROUTE}", base.trim_end_matches('/')),
            key,
            limits,
        })
    }

    /// Fetches every page of a query; before each request `before` hears how many rows are there and how many there
    /// will be, and may end it.
    ///
    /// # Errors
    /// [`EiaError`], or what `before` says.
    pub(crate) fn fetch<E: From<EiaError>>(
        &self,
        query: &Query,
        mut before: impl FnMut(usize, Option<u64>) -> Result<(), E>,
    ) -> Result<Vec<EiaPage>, E> {
        let mut pages: Vec<EiaPage> = Vec::new();
        let mut found = 0;
        loop {
            let total = pages.first().map(|page| page.total);
            before(found, total)?;
            let page = self.page(query, found)?;
            if let Some(total) = total.filter(|total| *total != page.total) {
                let (before, after) = (total, page.total);
                return Err(EiaError::Changed { before, after }.into());
            }
            let (rows, total) = (page.rows.len(), page.total);
            found += rows;
            pages.push(page);
            if found as u64 >= total {
                return Ok(pages);
            }
            if rows == 0 {
                return Err(EiaError::Incomplete {
                    found: found as u64,
                    total,
                }
                .into());
            }
        }
    }

    fn page(&self, query: &Query, offset: usize) -> Result<EiaPage, EiaError> {
        let response = self
            .http
            .get(&self.address)
            .query(&self.parameters(query, offset))
            .send()
            .map_err(|error| self.no_answer(&error))?;
        let status = response.status().as_u16();
        let body = self.body(response)?;
        if (200..300).contains(&status) {
            return EiaPage::parse(&body).map_err(|error| self.masked(error));
        }
        // A gateway answers in HTML: then the status is all there is.
        let error = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|body| body.get("error").cloned());
        Err(match error.filter(|error| !error.is_null()) {
            Some(error) => self.masked(api_error(&error, Some(status))),
            None if matches!(status, 403 | 429) => api_error(&Value::Null, Some(status)),
            None => EiaError::Server { status },
        })
    }

    fn body(&self, response: Response) -> Result<Vec<u8>, EiaError> {
        response.bytes().map(Into::into).map_err(|error| self.no_answer(&error))
    }

    /// The order is total, so that pages neither overlap nor leave rows out.
    fn parameters(&self, query: &Query, offset: usize) -> Vec<(String, String)> {
        let mut all = vec![
            ("api_key".to_owned(), self.key.to_owned()),
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

    fn no_answer(&self, error: &reqwest::Error) -> EiaError {
        match error.is_timeout() {
            true => EiaError::Timeout {
                limit: self.limits.answer,
            },
            false => unreachable(error, self.key),
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

/// Takes the key out of a text.
fn mask(text: &str, key: &str) -> String {
    match key.is_empty() {
        true => text.to_owned(),
        false => text.replace(key, MASK),
    }
}
