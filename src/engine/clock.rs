//! The only clock, and the way to set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time of day, for run ids, the journal, and whether a file is older than its measurement; what depends on how long
/// ago something was asks a [`Clock`].
#[must_use]
pub fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else takes")]
    SystemTime::now()
}

/// A clock that can be set, for tests of what happens as time goes by.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Sets it forward by so many seconds, or back.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The time of day as it says it.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let ahead = self.0.load(Ordering::Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let moved = match ahead < 0 {
            true => now().checked_sub(by),
            false => now().checked_add(by),
        };
        moved.unwrap_or(UNIX_EPOCH)
    }
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
