//! Whether the process may have the memory that the program needs at least (`ulimit -v`).
//!
//! An allocation that fails ends a program by a signal, so this is asked before the first one, and allocates nothing.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Resource, getrlimit};

/// What a command over a small project needs beside the program itself and its threads, in bytes.
const PROGRAM: u64 = 16 << 20;
/// What a thread needs, in bytes: its stack, and its part of the heap.
const THREAD: u64 = 4 << 20;
/// The stack alone.
const STACK: u64 = 2 << 20;

/// What was mapped and held nothing when this was asked first, in bytes: the program, of which the heap has no use.
static IDLE_AT_START: AtomicU64 = AtomicU64::new(u64::MAX);

/// A limit that leaves too little.
#[derive(Debug, PartialEq, Eq)]
pub struct Shortage {
    limit: u64,
    left: u64,
    need: u64,
}

impl Shortage {
    /// What to do.
    pub const HELP: &str = "`ulimit -v` tells the limit, in KiB: raise it, or take it away with `ulimit -v unlimited`";

    /// Finds out whether the limit leaves less than a program with so many threads needs. What the allocator has mapped by
    /// now and not used yet is left as well, though not to stacks.
    #[must_use]
    pub fn of(threads: usize) -> Option<Self> {
        let limit = getrlimit(Resource::As).current?;
        let Mapped { all, held } = Mapped::now()?;
        let idle = all.saturating_sub(held);
        let _ = IDLE_AT_START.compare_exchange(u64::MAX, idle, Ordering::Relaxed, Ordering::Relaxed);
        let reserved = idle.saturating_sub(IDLE_AT_START.load(Ordering::Relaxed));
        let unmapped = limit.saturating_sub(all);
        let threads = threads as u64;
        let wants = [
            (unmapped + reserved, PROGRAM + THREAD * threads),
            (unmapped, STACK * threads),
        ];
        let mut wants = wants.into_iter();
        let (left, need) = wants.find(|(left, need)| left < need)?;
        Some(Self { limit, left, need })
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [limit, left, need] = [self.limit, self.left, self.need].map(|bytes| bytes >> 20);
        write!(
            out,
            "the limit of {limit} MiB of memory leaves {left} MiB, and at least {need} MiB are needed"
        )
    }
}

/// The address space in use, in bytes.
struct Mapped {
    all: u64,
    /// What of it holds something that is in no file.
    held: u64,
}

impl Mapped {
    /// As the system says it, where it does.
    fn now() -> Option<Self> {
        let mut text = [0; 4096];
        let length = File::open("/proc/self/status").ok()?.read(&mut text).ok()?;
        let text = std::str::from_utf8(&text[..length]).ok()?;
        let bytes = |name: &str| {
            let size = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(size.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
        };
        let (all, held) = (bytes("VmSize:")?, bytes("RssAnon:")?);
        Some(Self { all, held })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_space_in_use_grows_with_what_is_mapped() {
        let before = Mapped::now().unwrap();
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let during = thread.spawn(|| Mapped::now().unwrap()).unwrap().join().unwrap();
        assert!(during.all >= before.all + (200 << 20), "{} {}", before.all, during.all);
        assert!(during.held < before.held + (100 << 20), "a stack that is not used");
    }

    #[test]
    fn a_shortage_says_the_limit_what_it_leaves_and_what_is_needed() {
        let shortage = Shortage {
            limit: 100 << 20,
            left: 5 << 20,
            need: 20 << 20,
        };
        assert_eq!(
            shortage.to_string(),
            "the limit of 100 MiB of memory leaves 5 MiB, and at least 20 MiB are needed"
        );
    }
}
