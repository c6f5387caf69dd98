//! A text in another form, which knows where each part of it came from.

use std::borrow::Cow;
use std::ops::Range;

/// A text in another form.
pub(super) struct View<'t> {
    pub(super) bytes: Cow<'t, [u8]>,
    /// In order; without any, it is the text itself.
    runs: Vec<Run>,
}

/// Bytes in a row that came from bytes in a row.
struct Run {
    /// Where it begins in the view.
    at: usize,
    /// Where it begins in the text.
    from: usize,
    /// How much of the text it stands for as a whole; `None` where it is the text as it is.
    width: Option<usize>,
}

impl<'t> View<'t> {
    /// The text itself.
    pub(super) fn of(bytes: &'t [u8]) -> Self {
        Self {
            bytes: Cow::Borrowed(bytes),
            runs: Vec::new(),
        }
    }

    /// A view to be filled.
    pub(super) fn empty() -> Self {
        Self {
            bytes: Cow::Owned(Vec::new()),
            runs: Vec::new(),
        }
    }

    /// Adds bytes that stand so in the text.
    pub(super) fn push_as_it_is(&mut self, from: usize, bytes: &[u8]) {
        let at = self.bytes.len();
        let goes_on = self
            .runs
            .last()
            .is_some_and(|run| run.width.is_none() && run.from + (at - run.at) == from);
        if !goes_on {
            self.runs.push(Run { at, from, width: None });
        }
        self.bytes.to_mut().extend_from_slice(bytes);
    }

    /// Adds bytes for which something else stands in the text.
    pub(super) fn push_for(&mut self, from: usize, width: usize, bytes: &[u8]) {
        let (at, width) = (self.bytes.len(), Some(width));
        self.runs.push(Run { at, from, width });
        self.bytes.to_mut().extend_from_slice(bytes);
    }

    /// The part of the text from which a part of the view came, with what was left out in between.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        if self.runs.is_empty() || range.is_empty() {
            return range;
        }
        let run = |at: usize| &self.runs[self.runs.partition_point(|run| run.at <= at) - 1];
        let (first, last) = (run(range.start), run(range.end - 1));
        let start = match first.width {
            None => first.from + (range.start - first.at),
            Some(_) => first.from,
        };
        let end = match last.width {
            None => last.from + (range.end - last.at),
            Some(width) => last.from + width,
        };
        start..end
    }

    /// This view of a view as one of the text.
    pub(super) fn after(self, earlier: &View<'_>) -> Self {
        let mut out = Self::empty();
        for (index, run) in self.runs.iter().enumerate() {
            let end = self.runs.get(index + 1).map_or(self.bytes.len(), |next| next.at);
            match run.width {
                Some(_) => {
                    let from = earlier.source(self.source(run.at..end));
                    out.push_for(from.start, from.len(), &self.bytes[run.at..end]);
                }
                None => earlier.copy(run.from..run.from + (end - run.at), &mut out),
            }
        }
        out
    }

    /// Adds a part of this view to another of the same text.
    fn copy(&self, part: Range<usize>, out: &mut View<'_>) {
        let mut at = part.start;
        while at < part.end {
            let index = self.runs.partition_point(|run| run.at <= at) - 1;
            let end = self
                .runs
                .get(index + 1)
                .map_or(self.bytes.len(), |next| next.at)
                .min(part.end);
            let from = self.source(at..end);
            match self.runs[index].width {
                Some(_) => out.push_for(from.start, from.len(), &self.bytes[at..end]),
                None => out.push_as_it_is(from.start, &self.bytes[at..end]),
            }
            at = end;
        }
    }

    /// A text without line ends: what is split over lines stands in one piece.
    pub(super) fn joined(text: &'t [u8]) -> Self {
        let Some(first) = memchr::memchr2(b'\n', b'\r', text) else {
            return Self::of(text);
        };
        let mut out = Self::empty();
        out.bytes.to_mut().reserve(text.len());
        let mut from = 0;
        for end in std::iter::once(first)
            .chain(memchr::memchr2_iter(b'\n', b'\r', &text[first + 1..]).map(|at| first + 1 + at))
        {
            if end > from {
                out.push_as_it_is(from, &text[from..end]);
            }
            from = end + 1;
        }
        if from < text.len() {
            out.push_as_it_is(from, &text[from..]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_leads_back_to_where_it_came_from() {
        let view = View::joined(b"\nab\r\n\ncd\ne");
        assert_eq!(view.bytes.as_ref(), b"abcde");
        assert_eq!(view.source(0..2), 1..3);
        assert_eq!(view.source(1..3), 2..7);
        assert_eq!(view.source(3..5), 7..10);
        let mut view = View::empty();
        view.push_as_it_is(0, b"a");
        view.push_for(1, 3, b"%");
        view.push_as_it_is(4, b"b");
        assert_eq!(view.source(1..2), 1..4);
        assert_eq!(view.source(0..3), 0..5);
    }
}
