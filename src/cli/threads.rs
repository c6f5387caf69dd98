//! The threads that look at files and fit models side by side.

use std::error::Error as _;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::thread;

use super::CommandError;
use super::address_space::Shortage;
use crate::diagnostic::Diagnostic;

/// How many threads the machine can run at once.
pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// How many bytes of memory the machine, or the container that this runs in, has; `None` where that cannot be read.
pub(super) fn memory() -> Option<u64> {
    let machine = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes << 10)
    };
    let container = || {
        let text = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?;
        text.trim().parse::<u64>().ok()
    };
    machine().into_iter().chain(container()).min()
}

/// Starts them: as many as targets may run at once, whose budget models and windows share, and no more than there are
/// cores. They are there for the rest of the process: a second command in it has those of the first.
///
/// # Errors
/// [`CommandError`] if the system gives no threads, or too little memory for them.
pub(super) fn start(jobs: Option<NonZeroUsize>) -> Result<(), CommandError> {
    static REFUSED: OnceLock<Option<String>> = OnceLock::new();
    let threads = jobs.map_or(cores(), |jobs| jobs.min(cores())).get();
    if let Some(shortage) = Shortage::of(threads) {
        return Err(CommandError::usage(
            Diagnostic::error(shortage.to_string()).help(Shortage::HELP),
        ));
    }
    let refused = REFUSED.get_or_init(|| {
        let started = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        // Without a source, it says that they are there already.
        started.err()?.source().map(ToString::to_string)
    });
    match refused {
        None => Ok(()),
        Some(why) => Err(CommandError::usage(
            Diagnostic::error(format!("the system gives no threads: {why}")).help(
                "`ulimit -a` tells what a process may have: see whether memory (`-v`) and processes (`-u`) suffice",
            ),
        )),
    }
}
