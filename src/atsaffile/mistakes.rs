//! Collects mistakes with their spans; lines and columns are counted once, at the end.

use crate::diagnostic::{self, Diagnostic, Place};
use crate::engine::spec::{Span, Text};

/// Names that may be compared in search of a similar one, in all: a file with thousands of mistakes and thousands of
/// names must not take minutes to be told so.
const COMPARISONS: usize = 1_000_000;

/// How many names a note lists.
const LISTED: usize = 20;

/// Most notes of a mistake that several targets share.
const NOTES: usize = 6;

/// All mistakes so far.
pub(super) struct Mistakes {
    list: Vec<Mistake>,
    comparisons_left: usize,
}

/// One mistake whose places are still spans.
pub(super) struct Mistake {
    diagnostic: Diagnostic,
    places: Vec<(Span, String)>,
}

impl Default for Mistakes {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            comparisons_left: COMPARISONS,
        }
    }
}

impl Mistake {
    /// Says what is at the last place.
    pub(super) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        if let Some(place) = self.places.last_mut() {
            place.1 = label.into();
        }
        self
    }

    /// Adds a further place.
    pub(super) fn also(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.places.push((span, label.into()));
        self
    }

    /// Adds a fact.
    pub(super) fn note(&mut self, note: impl Into<String>) -> &mut Self {
        self.diagnostic.notes.push(note.into());
        self
    }

    /// Adds a next step.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.diagnostic.help.push(help.into());
        self
    }

    /// Adds a next step if there is none yet.
    pub(super) fn or_help(&mut self, help: impl Into<String>) -> &mut Self {
        match self.diagnostic.help.is_empty() {
            true => self.help(help),
            false => self,
        }
    }

    /// Adds "did you mean".
    pub(super) fn meant(&mut self, name: Option<&str>) -> &mut Self {
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

impl Mistakes {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of them is an error.
    pub(super) fn has_errors(&self) -> bool {
        let mut all = self.list.iter();
        all.any(|mistake| mistake.diagnostic.severity == diagnostic::Severity::Error)
    }

    /// Whether there is an error at a place.
    pub(super) fn has_error_in(&self, span: Span) -> bool {
        let mut all = self.list.iter();
        all.any(|mistake| {
            let mut places = mistake.places.iter();
            mistake.diagnostic.severity == diagnostic::Severity::Error
                && places.any(|(at, _)| at.start < span.end && at.end > span.start)
        })
    }

    /// Adds an error.
    pub(super) fn error(&mut self, span: Span, what: impl Into<String>) -> &mut Mistake {
        self.push(Diagnostic::error(what), Some(span))
    }

    /// Adds an error that has no place in the Atsaffile, or one that is added later.
    pub(super) fn error_outside(&mut self, what: impl Into<String>) -> &mut Mistake {
        self.push(Diagnostic::error(what), None)
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, span: Span, what: impl Into<String>) -> &mut Mistake {
        self.push(Diagnostic::warning(what), Some(span))
    }

    /// Adds an error about a name that does not exist: suggests a similar one of `names`, else lists them under the
    /// word `known`.
    pub(super) fn unknown<'a, N>(
        &mut self,
        span: Option<Span>,
        what: impl Into<String>,
        written: &str,
        known: &str,
        names: N,
    ) -> &mut Mistake
    where
        N: Iterator<Item = &'a str> + Clone,
    {
        let near = self.nearest(written, names.clone());
        let mistake = self.push(Diagnostic::error(what), span);
        if near.is_some() {
            return mistake.meant(near);
        }
        let listed: Vec<&str> = names.take(LISTED + 1).collect();
        match listed.len() {
            0 => mistake.note(format!("there are no {known}")),
            1..=LISTED => mistake.note(format!("{known}: {}", listed.join(", "))),
            _ => mistake,
        }
    }

    /// Finds the name most like `written`, if one is close enough to be a slip.
    pub(super) fn nearest<'a>(&mut self, written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let length = written.chars().count();
        let mut left = self.comparisons_left;
        let near = diagnostic::nearest(
            written,
            names.take(left).filter(|name| {
                left = left.saturating_sub(1);
                let other = name.chars().count();
                // No slip is longer than a third of the word.
                other.abs_diff(length) <= (other.max(length) / 3).max(1)
            }),
        );
        self.comparisons_left = left;
        near
    }

    /// Places every mistake in the text and sorts them by place.
    pub(super) fn into_diagnostics(mut self, text: &Text) -> Vec<Diagnostic> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let lines: Vec<usize> = std::iter::once(0)
            .chain(text.text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        self.list.sort_by_key(|mistake| {
            mistake
                .places
                .first()
                .map_or((u32::MAX, 0), |(at, _)| (at.start, at.end))
        });
        let mut merged: Vec<Mistake> = Vec::with_capacity(self.list.len());
        for mistake in self.list {
            match merged.last_mut() {
                Some(last) if last.says_the_same(&mistake) => last.take_notes(mistake),
                _ => merged.push(mistake),
            }
        }
        merged.into_iter().map(|mistake| mistake.place(text, &lines)).collect()
    }

    fn push(&mut self, diagnostic: Diagnostic, span: Option<Span>) -> &mut Mistake {
        self.list.push(Mistake {
            diagnostic,
            places: span.map(|span| (span, String::new())).into_iter().collect(),
        });
        self.list.last_mut().expect("internal error: it was just added")
    }
}

impl Mistake {
    /// Whether two mistakes differ in their notes at most: one wrong value that several targets read.
    fn says_the_same(&self, other: &Self) -> bool {
        self.diagnostic.what == other.diagnostic.what
            && self.places == other.places
            && self.diagnostic.help == other.diagnostic.help
    }

    fn take_notes(&mut self, other: Self) {
        let notes = &mut self.diagnostic.notes;
        for note in other.diagnostic.notes {
            if notes.len() < NOTES && !notes.contains(&note) {
                notes.push(note);
            }
        }
    }

    fn place(self, text: &Text, lines: &[usize]) -> Diagnostic {
        self.places
            .into_iter()
            .fold(self.diagnostic, |diagnostic, (span, label)| {
                let start = (span.start as usize).min(text.text.len());
                let line = lines.partition_point(|first| *first <= start) - 1;
                let from = lines[line];
                let end = (span.end as usize).saturating_sub(from);
                let mut place = Place::locate(&text.path, &text.text[from..], start - from, end);
                place.line += line;
                diagnostic.at(place.labelled(label))
            })
    }
}
