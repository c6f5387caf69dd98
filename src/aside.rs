//! Work on a thread of its own, which is left behind when the attempt ends.
//!
//! For what cannot be told to stop: a server that sends a byte a second, a library that reads a large table. Who
//! waits goes on within moments; the thread ends when its work does.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, Builder};
use std::time::Duration;

/// The name of the threads.
const NAME: &str = "atsaf-aside";
/// The names of the library's own threads for tables begin so.
const TABLES: &str = "polars";

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AsideError {
    /// The attempt ended.
    Stopped,
    /// The work panicked.
    Failed(String),
    /// The system gives no thread for it, most often for want of memory.
    NoThread(String),
}

/// What to do where the system gives no thread.
pub(crate) const NO_THREAD_HELP: &str =
    "`ulimit -a` tells what a process may have: see whether memory (`-v`) and processes (`-u`) suffice";

/// Does `work`, and gives its result, as long as nobody sets `cancelled`.
///
/// # Errors
/// [`AsideError`]; a panic is one, and nothing is printed of it.
pub(crate) fn aside<T: Send + 'static>(
    cancelled: &AtomicBool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AsideError> {
    const LOOK: Duration = Duration::from_millis(20);
    quiet();
    let (done, result) = channel();
    let thread = Builder::new()
        .name(NAME.to_owned())
        .spawn(move || {
            let _ = done.send(work());
        })
        .map_err(|error| AsideError::NoThread(error.to_string()))?;
    loop {
        match result.recv_timeout(LOOK) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) if cancelled.load(Ordering::Relaxed) => return Err(AsideError::Stopped),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let panic = thread.join().err();
    let text = panic.as_ref().and_then(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied())
    });
    Err(AsideError::Failed(text.unwrap_or("it panicked").to_owned()))
}

/// Keeps the panics of such threads from being printed: whoever waits reports them.
fn quiet() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let thread = thread::current();
            let is_aside = thread
                .name()
                .is_some_and(|name| name == NAME || name.starts_with(TABLES));
            if !is_aside {
                before(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_result_comes_back_a_panic_is_an_error_and_what_goes_on_is_left_behind() {
        let goes_on = AtomicBool::new(false);
        assert_eq!(aside(&goes_on, || 7), Ok(7));
        let panicked: Result<(), _> = aside(&goes_on, || panic!("no {}", 7));
        assert_eq!(panicked, Err(AsideError::Failed("no 7".to_owned())));
        let ended = AtomicBool::new(true);
        let (_kept, nothing) = channel::<()>();
        let endless = aside(&ended, move || nothing.recv());
        assert_eq!(endless, Err(AsideError::Stopped));
    }
}
