//! The EIA API v2, routes of the grid monitor (`electricity/rto/…`): its answers, recorded or live.
//!
//! ```text
//! Query ─▶ months that are kept ─▶ fetch: pages side by side ─▶ client: one request, again if it may pass ─▶ pages ─▶ rows
//!     └──▶ recording: the same pages from files ────────────────────────────────────────────────────────────┘
//! ```

pub(super) mod client;
pub(super) mod error;
pub(super) mod fetch;
pub(super) mod kept;
mod packed;
mod page_rows;
pub(super) mod pages;
mod patience;
pub(super) mod record;
pub(super) mod recording;
pub(super) mod routes;
pub(super) mod rows;
mod scalar;

use chrono::NaiveDate;

use self::routes::{Route, Step};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// The route.
    pub(crate) route: &'static Route,
    /// First day, in UTC on the hourly routes.
    pub(crate) start: NaiveDate,
    /// Last day, wholly included; `None` for all that there is.
    pub(crate) end: Option<NaiveDate>,
    /// The codes of each facet of the route, in its order; none for all.
    pub(crate) codes: Vec<Vec<String>>,
}

impl Query {
    /// A day as the route's `start` has it.
    pub(crate) fn first_period(&self, day: NaiveDate) -> String {
        match self.route.step {
            Step::Hourly => format!("{day}T00"),
            Step::Daily => day.to_string(),
        }
    }

    /// A day as the route's `end` has it.
    pub(crate) fn last_period(&self, day: NaiveDate) -> String {
        match self.route.step {
            Step::Hourly => format!("{day}T23"),
            Step::Daily => day.to_string(),
        }
    }

    /// The series in words, such as `CISO, TEX NG`; facets of which all are asked for are left out.
    pub(crate) fn series(&self) -> String {
        let codes = self.codes.iter().filter(|codes| !codes.is_empty());
        let codes: Vec<String> = codes.map(|codes| codes.join(", ")).collect();
        match codes.is_empty() {
            true => "any series".to_owned(),
            false => codes.join(" "),
        }
    }
}
