//! The only clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time of day, for run ids, the journal, and whether a file is older than its measurement; for no other decision.
#[must_use]
pub fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes")]
    SystemTime::now()
}

/// A moment in milliseconds since 1970, as the journal has it.
pub(crate) fn milliseconds_of(moment: SystemTime) -> u64 {
    milliseconds(moment.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The moment of so many milliseconds since 1970.
pub(crate) fn at_milliseconds(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(milliseconds)
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
