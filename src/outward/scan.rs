//! Looks for secrets in files of any size.

use std::io::{self, Read};

use super::mask::{Mask, WIDEST};

/// Where a secret stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The byte with which it begins, from 0.
    pub byte: u64,
    /// Its line, from 1; none where the file is no text.
    pub line: Option<u64>,
}

const STEP: usize = 1 << 20;

/// The first place where a file holds a secret that is no short one, in whatever form.
///
/// # Errors
/// Whatever keeps the file from being read.
pub fn scan(mask: &Mask, mut file: impl Read) -> io::Result<Option<Found>> {
    let overlap = mask.longest() * WIDEST;
    if overlap == 0 {
        return Ok(None);
    }
    let (mut window, mut gone, mut lines, mut is_text) = (Vec::new(), 0, 1, true);
    loop {
        let read = (&mut file).take(STEP as u64).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(None);
        }
        is_text &= memchr::memchr(0, &window).is_none();
        if let Some(at) = mask.first(&window) {
            lines += line_ends(&window[..at]);
            return Ok(Some(Found {
                byte: gone + at as u64,
                line: is_text.then_some(lines),
            }));
        }
        let leave = window.len().saturating_sub(overlap);
        lines += line_ends(&window[..leave]);
        gone += leave as u64;
        window.drain(..leave);
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
