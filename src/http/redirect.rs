//! Which redirects are followed: a few, within scheme, host and port.

use reqwest::redirect::{Attempt, Policy};

/// Redirects within the server, one after the other.
pub(super) const REDIRECTS: usize = 3;

/// Why a redirect was not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misled {
    #[error("it leads to {0}")]
    Elsewhere(String),
    #[error("there are too many")]
    Often,
}

/// Follows a few redirects within scheme, host and port.
pub(super) fn within_origin() -> Policy {
    Policy::custom(|attempt: Attempt<'_>| {
        let before = attempt.previous();
        let is_same = before
            .first()
            .is_some_and(|first| first.origin() == attempt.url().origin());
        match () {
            () if !is_same => {
                let to = super::origin(attempt.url());
                attempt.error(Misled::Elsewhere(to))
            }
            () if before.len() > REDIRECTS => attempt.error(Misled::Often),
            () => attempt.follow(),
        }
    })
}

/// Why a redirect was not followed, if that is the error.
pub(super) fn misled(error: &reqwest::Error) -> Option<&Misled> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}
