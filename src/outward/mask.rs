//! Hides the values of secrets, in all their forms, in whatever is printed, logged or stored.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::control::{decoded, has_long_sequences, is_plain};
use super::encodings::{escape_ends, forms, is_quoted, unquoted, unquoted_forms};
use super::view::View;

/// Characters that a secret has at least to be hidden within words and in its encoded forms, too. A shorter one stands in
/// many a word by chance.
pub const SHORTEST: usize = 6;

/// What stands for a secret.
pub(super) const HIDDEN: &[u8] = b"***";

/// The values to hide.
#[derive(Default)]
pub struct Mask {
    secrets: Vec<String>,
    searches: OnceLock<Searches>,
}

/// Prepared when it is first needed: a build that prints nothing of others has no use for it.
struct Searches {
    /// Among what is left without line ends.
    joined: Search,
    /// Among what is left without quotes and escapes.
    unquoted: Search,
    /// Short secrets, only where they are a whole word.
    words: Search,
}

/// Looks for several texts at once.
struct Search {
    needles: Vec<Vec<u8>>,
    /// Made for the first long text, which it pays for.
    automaton: OnceLock<AhoCorasick>,
    /// The last bytes that each beginning of a needle has, so that most texts are seen to end with none of them.
    ends: OnceLock<HashSet<[u8; BEGINNING]>>,
}

/// So much of a secret at the end of a text is its beginning.
pub(super) const BEGINNING: usize = 4;

/// A text for which one search for all secrets at once is worth its preparation.
const LONG: usize = 512;

/// The room that one sign of a secret takes at most, in whatever form.
pub(super) const WIDEST: usize = 12;

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a mask of {} secrets", self.secrets.len())
    }
}

impl Mask {
    /// Hides these values: each line of one that has several, too. Of white space at their ends nothing depends.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.trim().is_empty());
        Self {
            secrets: secrets.map(str::to_owned).collect(),
            searches: OnceLock::new(),
        }
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Whether a secret is too short to be hidden wherever it occurs.
    #[must_use]
    pub fn is_short(secret: &str) -> bool {
        secret.trim().chars().count() < SHORTEST
    }

    /// The text without the secrets that would be seen in it once it is plain.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.hide_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Only whole characters were taken out.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// The same of bytes that need be no text.
    #[must_use]
    pub fn hide_bytes<'t>(&self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        let found = self.find(bytes);
        match found.is_empty() {
            true => Cow::Borrowed(bytes),
            false => Cow::Owned(cover(bytes, 0..bytes.len(), &found)),
        }
    }

    /// A value with the secrets hidden in each of its texts, so that it stays JSON; keys are this program's own words.
    #[must_use]
    pub fn hide_json(&self, value: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::String(text) => self.hide(text).into_owned().into(),
            Value::Array(items) => items.iter().map(|item| self.hide_json(item)).collect(),
            Value::Object(entries) => {
                let hidden = entries.iter().map(|(key, value)| (key.clone(), self.hide_json(value)));
                Value::Object(hidden.collect())
            }
            other => other.clone(),
        }
    }

    /// Where secrets stand in some bytes, in order and without overlaps.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let searches = self.searches();
        let mut found = Vec::new();
        for text in forms_of(bytes) {
            searches.each(&text.bytes, &mut |range| found.push(text.source(range)));
        }
        merged(found)
    }

    /// Where a secret begins that the bytes may end in the midst of; their end if there is none.
    pub(super) fn open(&self, bytes: &[u8]) -> usize {
        if self.is_empty() {
            return bytes.len();
        }
        let searches = self.searches();
        let open = forms_of(bytes).into_iter().filter_map(|text| {
            let at = searches.open(&text.bytes)?;
            Some(text.source(at..text.bytes.len()).start)
        });
        open.min().unwrap_or(bytes.len())
    }

    fn searches(&self) -> &Searches {
        self.searches.get_or_init(|| {
            let (short, long): (Vec<&String>, Vec<&String>) =
                self.secrets.iter().partition(|secret| Self::is_short(secret));
            let words = short.into_iter().map(|secret| secret.trim().as_bytes().to_vec());
            Searches {
                joined: Search::new(long.iter().flat_map(|secret| forms(secret, SHORTEST)).collect()),
                unquoted: Search::new(
                    long.iter()
                        .flat_map(|secret| unquoted_forms(secret, SHORTEST))
                        .collect(),
                ),
                words: Search::new(words.collect()),
            }
        })
    }

    /// The first place in the bytes of a file where a secret stands that is no short one.
    pub(super) fn first(&self, bytes: &[u8]) -> Option<usize> {
        self.searches().first(bytes)
    }

    /// The length of the longest form of a secret that is no short one.
    pub(super) fn longest(&self) -> usize {
        let searches = self.searches();
        searches.joined.longest().max(searches.unquoted.longest())
    }
}

/// What may be seen of some bytes: their text without escape sequences, and with what stands in these.
fn forms_of(bytes: &[u8]) -> Vec<View<'_>> {
    if is_plain(bytes) {
        return vec![View::of(bytes)];
    }
    let mut forms = vec![decoded(bytes, true)];
    // What begins and ends a sequence is three signs of it.
    if has_long_sequences(bytes, SHORTEST + 2) {
        forms.push(decoded(bytes, false));
    }
    forms
}

impl Searches {
    fn each(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        self.each_long(text, found);
        self.words.each(text, &mut |range| {
            if is_word(text, &range) {
                found(range);
            }
        });
    }

    fn each_long(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        let joined = View::joined(text);
        self.joined
            .each(&joined.bytes, &mut |range| found(joined.source(range)));
        if is_quoted(text) {
            let unquoted = unquoted(&joined.bytes);
            self.unquoted.each(&unquoted.bytes, &mut |range| {
                found(joined.source(unquoted.source(range)));
            });
        }
    }

    fn first(&self, bytes: &[u8]) -> Option<usize> {
        let mut first: Option<usize> = None;
        let mut found = |range: Range<usize>| first = Some(first.map_or(range.start, |at| at.min(range.start)));
        self.each_long(bytes, &mut found);
        first
    }

    fn open(&self, text: &[u8]) -> Option<usize> {
        let joined = View::joined(text);
        let plainly = self.joined.open(&joined.bytes);
        // Whatever is longer has no beginning of a secret at its end.
        let begin = joined.bytes.len().saturating_sub(self.unquoted.longest() * WIDEST);
        let tail = &joined.bytes[begin..];
        let ends = is_quoted(tail).then(|| escape_ends(tail)).into_iter().flatten();
        let quoted = ends.filter_map(|end| {
            let view = unquoted(&tail[..end]);
            let at = self.unquoted.open(&view.bytes)?;
            Some(begin + view.source(at..view.bytes.len()).start)
        });
        let at = plainly.into_iter().chain(quoted).min()?;
        Some(joined.source(at..joined.bytes.len()).start)
    }
}

impl Search {
    fn new(mut needles: Vec<Vec<u8>>) -> Self {
        needles.sort_unstable();
        needles.dedup();
        Self {
            needles,
            automaton: OnceLock::new(),
            ends: OnceLock::new(),
        }
    }

    fn automaton(&self) -> &AhoCorasick {
        self.automaton.get_or_init(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&self.needles)
                .expect("internal error: too many secrets to look for")
        })
    }

    fn ends(&self) -> &HashSet<[u8; BEGINNING]> {
        self.ends.get_or_init(|| {
            let ends = self.needles.iter().flat_map(|needle| {
                let windows = needle[..needle.len() - 1].windows(BEGINNING);
                windows.filter_map(|window| window.try_into().ok())
            });
            ends.collect()
        })
    }

    /// The length of the longest of the texts.
    fn longest(&self) -> usize {
        self.needles.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Every place where one of the texts stands, those that overlap as well.
    fn each(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        if self.needles.is_empty() {
            return;
        }
        if text.len() < LONG && self.automaton.get().is_none() {
            for needle in &self.needles {
                let (finder, mut from) = (memchr::memmem::Finder::new(needle), 0);
                while let Some(at) = finder.find(&text[from..]) {
                    found(from + at..from + at + needle.len());
                    from += at + 1;
                }
            }
            return;
        }
        let (automaton, mut at) = (self.automaton(), 0);
        while let Some(one) = automaton.find(Input::new(text).range(at..)) {
            found(one.range());
            at = one.start() + 1;
        }
    }

    /// Where the longest end of a text begins with which one of the texts may begin.
    fn open(&self, text: &[u8]) -> Option<usize> {
        let last = text.last_chunk::<BEGINNING>()?;
        if !self.ends().contains(last) {
            return None;
        }
        let begins = |needle: &Vec<u8>| {
            let tail = &text[text.len() - text.len().min(needle.len() - 1)..];
            let start = needle.get(..BEGINNING)?;
            let mut candidates = memchr::memmem::find_iter(tail, start);
            candidates
                .find(|at| needle.starts_with(&tail[*at..]))
                .map(|at| text.len() - tail.len() + at)
        };
        self.needles.iter().filter_map(begins).min()
    }
}

/// Whether letters and digits end on both sides of a part of a text.
fn is_word(text: &[u8], part: &Range<usize>) -> bool {
    let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let before = part.start.checked_sub(1).and_then(|at| text.get(at));
    !before.is_some_and(of_word) && !text.get(part.end).is_some_and(of_word)
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

/// A part of some bytes with what is `found` in it covered, line by line; line ends and carriage returns stay.
pub(super) fn cover(bytes: &[u8], part: Range<usize>, found: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    let mut at = part.start;
    for range in found {
        let (start, end) = (range.start.max(at), range.end.min(part.end));
        if start >= end {
            continue;
        }
        out.extend_from_slice(&bytes[at..start]);
        for line in bytes[start..end].split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let end = line.len() - usize::from(line.ends_with(b"\n") || line.ends_with(b"\r"));
            if end > 0 {
                out.extend_from_slice(HIDDEN);
            }
            out.extend_from_slice(&line[end..]);
        }
        at = end;
    }
    out.extend_from_slice(&bytes[at..part.end]);
    out
}

#[cfg(test)]
mod tests;
