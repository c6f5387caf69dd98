//! What can go wrong between a request and its answer.

use std::time::Duration;

use super::HttpLimits;
use super::hidden::Hidden;
use super::redirect::{Misled, REDIRECTS, misled};

/// A request without a whole answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{request}` {fault}")]
pub(crate) struct HttpError {
    /// Method and address, secrets hidden.
    pub(crate) request: String,
    /// What went wrong.
    pub(crate) fault: HttpFault,
}

/// What went wrong with a request, secrets hidden.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpFault {
    /// What was given is no address.
    #[error("is no address: {why}")]
    Address {
        /// What is wrong.
        why: String,
    },
    /// The certificates to believe cannot be read.
    #[error("cannot be asked, for the certificates in `{file}` cannot be read: {why}")]
    Certificates {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// No connection, or one that broke.
    #[error("got no answer: {why}")]
    Unreachable {
        /// The innermost cause: the outer ones hold the address.
        why: String,
    },
    /// A server that shows a certificate of nobody who is believed, or of another one.
    #[error("is not believed to be what it says: {why}")]
    Untrusted {
        /// What is wrong with the certificate.
        why: String,
    },
    /// No answer in time.
    #[error("got no answer within {} s", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
    /// A longer answer than is read.
    #[error("got an answer of more than {limit} bytes")]
    TooLarge {
        /// Most bytes.
        limit: u64,
    },
    /// The server sends elsewhere, and nothing secret follows.
    #[error("is redirected to `{to}`, another server than was asked; nothing is sent there")]
    Redirected {
        /// Scheme, host and port.
        to: String,
    },
    /// Redirects that do not end.
    #[error("is redirected more than {limit} times")]
    RedirectedOften {
        /// How often it may.
        limit: usize,
    },
    /// The attempt ended.
    #[error("was stopped")]
    Stopped,
}

impl HttpFault {
    /// Whether the same request may go better in a moment.
    pub(crate) fn may_pass_soon(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the same request may go better in a while.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. })
    }
}

/// The fault behind an error of the library.
pub(super) fn fault_of(error: &reqwest::Error, hidden: &Hidden, limits: HttpLimits) -> HttpFault {
    match misled(error) {
        Some(Misled::Elsewhere(to)) => HttpFault::Redirected { to: hidden.hide(to) },
        Some(Misled::Often) => HttpFault::RedirectedOften { limit: REDIRECTS },
        None if error.is_timeout() => HttpFault::Timeout {
            limit: match error.is_connect() {
                true => limits.connect,
                false => limits.first_byte,
            },
        },
        None if has_bad_certificate(error) => HttpFault::Untrusted {
            why: hidden.hide(&innermost(error)),
        },
        None => HttpFault::Unreachable {
            why: hidden.hide(&innermost(error)),
        },
    }
}

/// Whether the server's certificate is what is wrong: the library hides that in errors of input and output.
fn has_bad_certificate(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes
        .filter_map(|cause| innermost_of(cause.downcast_ref()?))
        .any(|inner| matches!(inner.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))))
}

/// What an error of input and output holds, through further ones of its kind.
fn innermost_of(error: &std::io::Error) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
    let inner = error.get_ref()?;
    match inner.downcast_ref() {
        Some(further) => innermost_of(further),
        None => Some(inner),
    }
}

/// The fault behind a body that broke off: the library hides its own error in one of input and output.
pub(super) fn fault_of_body(error: &std::io::Error, hidden: &Hidden, limits: HttpLimits) -> HttpFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    match inner {
        Some(inner) => fault_of(inner, hidden, limits),
        None if error.kind() == std::io::ErrorKind::TimedOut => HttpFault::Timeout {
            limit: limits.first_byte,
        },
        None => HttpFault::Unreachable {
            why: hidden.hide(&error.to_string()),
        },
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "the connection broke".to_owned(), ToString::to_string)
}
