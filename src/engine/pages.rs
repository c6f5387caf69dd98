//! Memory in small pages, while a project is read and planned: that is when most of it is in use, little of it for long, and
//! of a huge page that holds anything the system takes back nothing.
//!
//! Processes that are started inherit the setting, and what computes is faster with huge pages; so it ends before anything
//! runs.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether pages are small because of [`begin_small`].
static ARE_SMALL: AtomicBool = AtomicBool::new(false);

/// From now on pages are small, where the system can say so and does not say it already.
pub fn begin_small() {
    if set_small(true) {
        ARE_SMALL.store(true, Ordering::Relaxed);
    }
}

/// Pages are again as they were before [`begin_small`].
pub(super) fn end_small() {
    if ARE_SMALL.swap(false, Ordering::Relaxed) {
        set_small(false);
    }
}

/// Whether the setting was another one and is this one now.
#[cfg(target_os = "linux")]
fn set_small(small: bool) -> bool {
    use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

    transparent_huge_pages_are_disabled() == Ok(!small) && disable_transparent_huge_pages(small).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn set_small(_: bool) -> bool {
    false
}
