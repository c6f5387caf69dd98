//! Whether something was used: noted by whoever comes by, side by side, and asked at the end.

use std::sync::atomic::{AtomicBool, Ordering};

/// A mark that is set once.
#[derive(Debug, Default)]
pub(super) struct Mark(AtomicBool);

impl Mark {
    /// Sets it.
    pub(super) fn set(&self) {
        // Most are set many times: to read what every core has is no write that each has to hear of.
        if !self.is_set() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was set.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Mark {
    fn clone(&self) -> Self {
        Self(AtomicBool::new(self.is_set()))
    }
}
