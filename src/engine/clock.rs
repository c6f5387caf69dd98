//! The only clock.

use std::time::SystemTime;

/// The time of day, for run ids and the journal; never for a decision.
#[must_use]
pub fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes")]
    SystemTime::now()
}
