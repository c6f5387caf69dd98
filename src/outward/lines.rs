//! What a command prints, piece by piece: into lines, secrets hidden although pieces and lines end in the midst of them.

use std::ops::Range;

use super::control::plain;
use super::mask::{BEGINNING, Mask, WIDEST, cover};

/// Takes pieces and gives lines. A carriage return ends one as well, for a progress bar is printed over and over.
///
/// A line that ends like the beginning of a secret waits for the next one. What is less than [`BEGINNING`] signs of a
/// secret goes out at once, since most lines end so; the rest is hidden nevertheless.
pub struct Lines<'m> {
    mask: &'m Mask,
    /// What went out last, and after it what has not.
    text: Vec<u8>,
    /// The length of what went out.
    out: usize,
    /// How much of the rest is known to have no line end.
    looked: usize,
}

/// A line on its way out.
pub struct PrintedLine<'l> {
    /// As it was printed, with its end if it had one; secrets hidden.
    pub raw: &'l [u8],
    /// As it can be read.
    pub text: &'l str,
    /// Whether what follows is printed over it, as over a state of a progress bar.
    pub is_overwritten: bool,
}

/// A line that is longer is cut: it may be no text at all.
const LONGEST_LINE: usize = 1 << 20;
/// So much of what went out is looked at once more: each sign of the few of a secret may have been escaped.
const AGAIN: usize = BEGINNING * WIDEST;

impl<'m> Lines<'m> {
    /// Hides what a mask hides.
    #[must_use]
    pub fn new(mask: &'m Mask) -> Self {
        Self {
            mask,
            text: Vec::new(),
            out: 0,
            looked: 0,
        }
    }

    /// Takes a piece and gives each line that is complete by now.
    pub fn take(&mut self, piece: &[u8], each: &mut dyn FnMut(PrintedLine<'_>)) {
        self.text.extend_from_slice(piece);
        let unread = self.out + self.looked;
        let end = last_end(&self.text[unread..]).map(|at| unread + at);
        let is_long = self.text.len() - self.out > LONGEST_LINE;
        // What a carriage return at the end means, the next byte says.
        self.looked = self.text.len() - self.out - usize::from(self.text.ends_with(b"\r"));
        match end {
            Some(end) => self.give(end, is_long, each),
            None if is_long => self.give(self.text.len(), true, each),
            None => {}
        }
    }

    /// Gives what is left.
    pub fn end(&mut self, each: &mut dyn FnMut(PrintedLine<'_>)) {
        let end = self.text.len();
        self.release(end, &self.mask.find(&self.text), each);
    }

    /// Gives the lines up to a place, without those that may end in the midst of a secret.
    fn give(&mut self, end: usize, is_long: bool, each: &mut dyn FnMut(PrintedLine<'_>)) {
        let text = &self.text[..end];
        let open = self.mask.open(text).max(self.out);
        let found = self.mask.find(text);
        // A place within a secret that was found would give it away.
        let open = found
            .iter()
            .find(|it| it.contains(&open))
            .map_or(open, |it| it.start.max(self.out));
        let line = last_end(&text[self.out..open]).map_or(self.out, |at| self.out + at);
        let release = match (open == end, line > self.out) {
            (true, _) => end,
            (false, true) => line,
            // Whatever it may become: more is not kept back.
            (false, false) if is_long && end - open > LONGEST_LINE => end,
            (false, false) if is_long => open,
            (false, false) => self.out,
        };
        self.release(release, &found, each);
    }

    fn release(&mut self, end: usize, found: &[Range<usize>], each: &mut dyn FnMut(PrintedLine<'_>)) {
        let mut at = self.out;
        while at < end {
            let part = at..at + first_end(&self.text[at..end]);
            let line = &self.text[part.clone()];
            at = part.end;
            let first = found.partition_point(|range| range.end <= part.start);
            match found[first..].first().is_some_and(|range| range.start < part.end) {
                true => tell(self.mask, &cover(&self.text, part, &found[first..]), true, each),
                false => tell(self.mask, line, false, each),
            }
        }
        let keep = end.saturating_sub(AGAIN);
        let rest = self.text[keep..end].iter();
        // A character is not cut in two, which would be no text.
        let keep = keep + rest.take_while(|byte| matches!(byte, 0x80..0xc0)).count();
        self.text.drain(..keep);
        self.out = end - keep;
        self.looked = 0;
    }
}

/// Where the last line ends of which that is known: behind a line end, or behind a carriage return that begins none.
fn last_end(bytes: &[u8]) -> Option<usize> {
    let known = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    memchr::memrchr2(b'\n', b'\r', known).map(|at| at + 1)
}

/// Where the first line ends, at the latest with the bytes.
fn first_end(bytes: &[u8]) -> usize {
    match memchr::memchr2(b'\n', b'\r', bytes) {
        Some(at) if bytes[at..].starts_with(b"\r\n") => at + 2,
        Some(at) => at + 1,
        None => bytes.len(),
    }
}

/// What is left to be read of lines once all is printed: of those over which others were printed, the last that says
/// something.
#[must_use]
pub fn settled(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let mut states = line.split(|byte| *byte == b'\r').map(plain).rev();
        let last = states.find(|state| !state.trim().is_empty());
        text += last.as_deref().unwrap_or_default().trim_end_matches('\n');
        text += if line.ends_with(b"\n") { "\n" } else { "" };
    }
    text
}

fn tell(mask: &Mask, raw: &[u8], covered: bool, each: &mut dyn FnMut(PrintedLine<'_>)) {
    let is_overwritten = raw.ends_with(b"\r");
    let text = plain(raw.strip_suffix(b"\n").unwrap_or(raw));
    // What was covered may have been the middle of an escape sequence.
    match covered {
        true => each(PrintedLine {
            raw,
            text: &mask.hide(&text),
            is_overwritten,
        }),
        false => each(PrintedLine {
            raw,
            text: &text,
            is_overwritten,
        }),
    }
}
