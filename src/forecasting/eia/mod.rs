//! The EIA API v2, route `electricity/rto/fuel-type-data`: its answers, recorded or live.
//!
//! Net generation by balancing authority and energy source, from form EIA-930, one row an hour. A `period` such as
//! `2024-01-01T00` is the end of its hour, in UTC.

pub(super) mod client;
pub(super) mod error;
pub(super) mod pages;
mod scalar;

use chrono::NaiveDate;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// First day, in UTC.
    pub(crate) start: NaiveDate,
    /// Last day, in UTC, wholly included; `None` for all that there is.
    pub(crate) end: Option<NaiveDate>,
    /// Codes of balancing authorities or regions, such as `US48`.
    pub(crate) respondents: Vec<String>,
    /// Codes of energy sources, such as `NG`.
    pub(crate) fueltypes: Vec<String>,
}

impl Query {
    /// Whether a day is asked for.
    pub(crate) fn covers(&self, day: NaiveDate) -> bool {
        self.start <= day && self.end.is_none_or(|end| day <= end)
    }
}
