//! What can go wrong with the API, and whether asking again may help.

use std::time::Duration;

use crate::engine::task::TaskError;
use crate::forecasting::limits::Excess;

/// Where people get a key.
const REGISTER: &str = "https://www.eia.gov/opendata/register.php";

/// Why the API, or a recorded answer of it, gave no rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EiaError {
    /// No key was given, or the API saw none.
    #[error("the EIA API needs a key")]
    NoKey,
    /// The API does not know the key.
    #[error("the EIA API does not accept the key")]
    WrongKey,
    /// Too many requests, or the key rests.
    #[error("the EIA API asks to slow down ({code})")]
    Throttled {
        /// The code that it gave, or the status.
        code: String,
    },
    /// The API rejects the request itself.
    #[error("the EIA API rejects the request: {message}")]
    Rejected {
        /// In its own words.
        message: String,
    },
    /// The server or something before it failed.
    #[error("the EIA API failed with status {status}")]
    Server {
        /// HTTP status.
        status: u16,
    },
    /// No answer in time.
    #[error("the EIA API did not answer within {} s", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
    /// No connection.
    #[error("cannot reach the EIA API: {why}")]
    Unreachable {
        /// The cause, key and address left out.
        why: String,
    },
    /// An answer that is cut off or no JSON.
    #[error("the answer of the EIA API is not JSON: {why}")]
    NotJson {
        /// What the parser met.
        why: String,
    },
    /// An answer of another shape than the route's.
    #[error("{what}")]
    Shape {
        /// What is wrong.
        what: String,
        /// What to do, if that is known.
        help: Option<String>,
    },
    /// More than a task reads.
    #[error("the answer of the EIA API holds {0}")]
    TooMuch(Excess),
    /// The server sends elsewhere, and the key does not follow.
    #[error("the EIA API redirects to `{to}`, another server than was asked; the key is not sent there")]
    Redirected {
        /// Scheme, host and port.
        to: String,
    },
    /// Redirects that do not end.
    #[error("the EIA API redirects more than {limit} times")]
    RedirectedOften {
        /// How often it may.
        limit: usize,
    },
    /// Without encryption, everybody on the way would read the key.
    #[error("`{address}` would get the key without encryption")]
    Unencrypted {
        /// Scheme, host and port.
        address: String,
    },
    /// What was given is no address.
    #[error("the address of the EIA API cannot be used: {why}")]
    Address {
        /// What is wrong.
        why: String,
    },
    /// The attempt ended.
    #[error("the task was stopped")]
    Stopped,
    /// The number of rows changed between two pages.
    #[error("the data of the EIA API changed while it was read: {before} rows, then {after}")]
    Changed {
        /// Rows of the query as the first page said.
        before: u64,
        /// As a later page said.
        after: u64,
    },
    /// Fewer rows came than were announced.
    #[error("the EIA API gave {found} of {total} rows")]
    Incomplete {
        /// Rows that came.
        found: u64,
        /// Rows of the query.
        total: u64,
    },
}

impl EiaError {
    /// An answer of a wrong shape, without advice.
    pub(super) fn shape(what: impl Into<String>) -> Self {
        Self::Shape {
            what: what.into(),
            help: None,
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::NoKey
            | Self::WrongKey
            | Self::Rejected { .. }
            | Self::Shape { .. }
            | Self::TooMuch(_)
            | Self::Redirected { .. }
            | Self::RedirectedOften { .. }
            | Self::Unencrypted { .. }
            | Self::Address { .. }
            | Self::Stopped => false,
            Self::Server { status } => *status >= 500,
            Self::Throttled { .. }
            | Self::Timeout { .. }
            | Self::Unreachable { .. }
            | Self::NotJson { .. }
            | Self::Changed { .. }
            | Self::Incomplete { .. } => true,
        }
    }
}

impl From<EiaError> for TaskError {
    fn from(error: EiaError) -> Self {
        let mut task_error = Self::new(error.to_string());
        task_error.retry = error.may_pass();
        match error {
            EiaError::NoKey => task_error
                .note("the key is the secret `EIA_API_KEY`, from the environment or `.env`")
                .help("name it in the target's `secrets`, and set it")
                .help(format!("a key is free: {REGISTER}")),
            EiaError::WrongKey => task_error
                .note("the key is the secret `EIA_API_KEY`, from the environment or `.env`")
                .help(format!(
                    "compare it with the one that the EIA sent, or get another: {REGISTER}"
                )),
            EiaError::Throttled { .. } => task_error
                .note("the EIA allows about 5 requests a second and 9000 an hour, and lets a key rest after that")
                .help("wait some minutes, or give the target `retries` and a `retry_delay`"),
            EiaError::Shape { help: Some(help), .. } => task_error.help(help),
            EiaError::TooMuch(excess) => excess.in_input("the answer of the EIA API"),
            EiaError::Redirected { .. } => {
                task_error.help("if the API has moved, give its new address as `source`; else look who answers for it")
            }
            EiaError::Unencrypted { .. } => {
                task_error.help("write `https://`; or, if the way to that server is safe, set `allow_http = true`")
            }
            _ => task_error,
        }
    }
}
