//! Ctrl-C, termination and a closed terminal.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Exit;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first signal sets what is given back, so that the command can end in order; a second one ends the
/// process at once, which the store survives as it survives a kill.
pub(super) fn watch() -> &'static AtomicBool {
    // A second handler in one process is refused; the first one does the same.
    let _ = ctrlc::try_set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            process::exit(Exit::Interrupted as i32);
        }
    });
    &INTERRUPTED
}
