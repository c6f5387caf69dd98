//! The only clock.

use std::time::SystemTime;

/// The time of day, for run ids, the journal, and whether a file is older than its measurement; for no other decision.
#[must_use]
pub fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes")]
    SystemTime::now()
}
