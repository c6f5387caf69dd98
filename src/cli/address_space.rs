//! Whether the process may have the memory that the program needs at least (`ulimit -v`).
//!
//! An allocation that fails ends a program by a signal, so this is asked before the first one, and allocates nothing.

use std::fmt;
use std::fs::File;
use std::io::Read as _;

use rustix::process::{Resource, getrlimit};

/// What a command over a small project needs beside the program itself and its threads, in bytes.
const PROGRAM: u64 = 16 << 20;
/// What a thread needs, in bytes: its stack, and its part of the heap.
const THREAD: u64 = 4 << 20;

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

    /// Finds out whether the limit leaves less than a program with so many threads needs.
    #[must_use]
    pub fn of(threads: usize) -> Option<Self> {
        let limit = getrlimit(Resource::As).current?;
        let left = limit.saturating_sub(in_use()?);
        let need = PROGRAM + THREAD * threads as u64;
        (left < need).then_some(Self { limit, left, need })
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

/// The address space that is in use, in bytes, where the system says so.
fn in_use() -> Option<u64> {
    let mut text = [0; 4096];
    let length = File::open("/proc/self/status").ok()?.read(&mut text).ok()?;
    let mut lines = std::str::from_utf8(&text[..length]).ok()?.lines();
    let size = lines.find_map(|line| line.strip_prefix("VmSize:"))?;
    Some(size.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_space_in_use_grows_with_what_is_mapped() {
        let before = in_use().unwrap();
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let during = thread.spawn(|| in_use().unwrap()).unwrap().join().unwrap();
        assert!(during >= before + (200 << 20), "{before} {during}");
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
