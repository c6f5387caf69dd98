//! What can go wrong with the API, and whether asking again may help.

use std::time::Duration;

use crate::engine::task::TaskError;
use crate::forecasting::limits::Excess;

/// Where people get a key.
pub(crate) const REGISTER: &str = "https://www.eia.gov/opendata/register.php";

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
    /// Rows of another route than the one that is read.
    #[error("the answer holds rows of the route `{found}`; `{wanted}` is read")]
    WrongRoute {
        /// The route whose fields the rows have.
        found: &'static str,
        /// The route that is asked for.
        wanted: &'static str,
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
    /// What to write for a source that is to be the API.
    pub(crate) const ADDRESS: &'static str = "write it as `https://api.eia.gov/v2`";

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
            | Self::WrongRoute { .. }
            | Self::TooMuch(_)
            | Self::Redirected { .. }
            | Self::RedirectedOften { .. }
            | Self::Unencrypted { .. }
            | Self::Address { .. }
            | Self::Stopped => false,
            Self::Server { status } => *status >= 500 || *status == 408,
            Self::Throttled { .. }
            | Self::Timeout { .. }
            | Self::Unreachable { .. }
            | Self::NotJson { .. }
            | Self::Changed { .. }
            | Self::Incomplete { .. } => true,
        }
    }
}

/// The next step after an error that another request may not meet.
const LATER: &str = "build again later, or give the target `retries` and a `retry_delay`";

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
            EiaError::Shape { help: None, .. } => {
                task_error.help("see whether `source` leads to the EIA API v2: the answer is none that it gives")
            }
            EiaError::WrongRoute { found, wanted } => task_error.help(format!(
                "set `route = \"{found}\"`, or take pages of `electricity/rto/{wanted}`"
            )),
            EiaError::Rejected { .. } => {
                task_error.help("correct what it names: a parameter of the target, or the address that is its `source`")
            }
            EiaError::TooMuch(excess) => excess.in_input("the answer of the EIA API"),
            EiaError::Redirected { .. } | EiaError::RedirectedOften { .. } => {
                task_error.help("if the API has moved, give its new address as `source`; else look who answers for it")
            }
            EiaError::Unencrypted { .. } => {
                task_error.help("write `https://`; or, if the way to that server is safe, set `allow_http = true`")
            }
            EiaError::Unreachable { .. } => task_error
                .help("see whether this machine reaches the address that is `source`")
                .help(LATER),
            EiaError::NotJson { .. } => task_error
                .help(LATER)
                .help("if it stays so, look who answers in the API's place: a proxy, or a page to log in"),
            EiaError::Timeout { .. } => task_error.help("if it is only slow, raise `max_seconds`").help(LATER),
            EiaError::Server { status } if status < 500 => {
                task_error.help("see whether `source` is right: `https://api.eia.gov/v2`")
            }
            EiaError::Server { .. } | EiaError::Changed { .. } | EiaError::Incomplete { .. } => task_error.help(LATER),
            EiaError::Address { .. } => task_error.help(EiaError::ADDRESS),
            EiaError::Stopped => task_error,
        }
    }
}

/// A request that the API did not answer as it should, secrets hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EiaFailure {
    /// What is wrong.
    pub(crate) error: EiaError,
    /// The request, if one was sent.
    pub(crate) request: Option<String>,
    /// What came back, if anything did.
    pub(crate) answer: Option<String>,
    /// How often the request was sent.
    pub(crate) times: u32,
}

impl From<EiaError> for EiaFailure {
    fn from(error: EiaError) -> Self {
        Self {
            error,
            request: None,
            answer: None,
            times: 0,
        }
    }
}

impl From<EiaFailure> for TaskError {
    fn from(failure: EiaFailure) -> Self {
        let times = match failure.times {
            0 | 1 => String::new(),
            times => format!(", sent {times} times"),
        };
        let mut error = Self::from(failure.error);
        if let Some(request) = failure.request {
            error = error.note(format!("the request: {request}{times}"));
        }
        match failure.answer {
            Some(answer) => error.note(format!("what came back: {answer}")),
            None => error,
        }
    }
}
