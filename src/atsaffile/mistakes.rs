//! Collects mistakes with their spans; lines and columns are counted once, at the end.

use std::collections::HashMap;

use crate::diagnostic::{self, Diagnostic, Place};
use crate::engine::spec::{Span, Text};

/// Names that may be compared in search of a similar one, in all: a file with thousands of mistakes and thousands of
/// names must not take minutes to be told so.
const COMPARISONS: usize = 1_000_000;

/// How many names a note lists.
const LISTED: usize = 40;

/// Most notes of a mistake that several targets share.
const NOTES: usize = 6;

/// All mistakes so far.
pub(super) struct Mistakes {
    list: Vec<Mistake>,
    comparisons_left: usize,
    /// The instance that is looked at.
    instance: Option<InstanceOf>,
    /// Mistakes of the instances of one target, by place and kind: the place in the list, and the last that has it.
    of_instances: HashMap<PlaceAndKind, (usize, usize)>,
    /// Stands for what is told already.
    again: Mistake,
}

/// Where a mistake is, and what it says without names.
type PlaceAndKind = (Option<(u32, u32)>, String);

/// One instance of a target, whose mistakes are most often those of all others.
#[derive(Clone, Debug)]
pub(super) struct InstanceOf {
    /// The target's name.
    pub(super) target: String,
    /// The instance's name.
    pub(super) name: String,
    /// Its number, and how many there are.
    pub(super) number: (usize, usize),
}

/// The instances that have a mistake.
struct Affected {
    first: InstanceOf,
    count: usize,
}

/// One mistake whose places are still spans.
pub(super) struct Mistake {
    diagnostic: Diagnostic,
    places: Vec<(Span, String)>,
    affected: Option<Affected>,
}

impl Default for Mistakes {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            comparisons_left: COMPARISONS,
            instance: None,
            of_instances: HashMap::new(),
            again: Mistake::new(Diagnostic::error(""), None),
        }
    }
}

impl Mistake {
    fn new(diagnostic: Diagnostic, span: Option<Span>) -> Self {
        Self {
            diagnostic,
            places: span.map(|span| (span, String::new())).into_iter().collect(),
            affected: None,
        }
    }

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

    /// From here on, what is found is of one instance of a target, or again of a whole one: a mistake of several
    /// instances is told once, with how many have it.
    pub(super) fn of_instance(&mut self, instance: Option<InstanceOf>) {
        let target = |instance: &Option<InstanceOf>| instance.as_ref().map(|it| it.target.clone());
        if target(&instance) != target(&self.instance) {
            self.of_instances.clear();
        }
        self.instance = instance;
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
        let what = what.into();
        if self.is_of_another(span, &what) {
            return self.push(Diagnostic::error(what), span);
        }
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
        self.list.iter_mut().for_each(Mistake::name_instances);
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
        let mut mistake = Mistake::new(diagnostic, span);
        if let Some(instance) = &self.instance {
            let number = instance.number.0;
            let key = Self::key(span, &mistake.diagnostic.what);
            match self.of_instances.get_mut(&key) {
                Some((at, last)) if self.list[*at].is_of_another(number) => {
                    if std::mem::replace(last, number) != number
                        && let Some(affected) = &mut self.list[*at].affected
                    {
                        affected.count += 1;
                    }
                    self.again = mistake;
                    return &mut self.again;
                }
                Some(_) => {}
                None => drop(self.of_instances.insert(key, (self.list.len(), number))),
            }
            mistake.affected = Some(Affected {
                first: instance.clone(),
                count: 1,
            });
        }
        self.list.push(mistake);
        self.list.last_mut().expect("internal error: it was just added")
    }

    fn key(span: Option<Span>, what: &str) -> PlaceAndKind {
        (span.map(|span| (span.start, span.end)), diagnostic::kind(what))
    }

    /// Whether a mistake is told already of another instance of the same target.
    fn is_of_another(&self, span: Option<Span>, what: &str) -> bool {
        let Some(instance) = &self.instance else {
            return false;
        };
        let known = self.of_instances.get(&Self::key(span, what));
        known.is_some_and(|(at, _)| self.list[*at].is_of_another(instance.number.0))
    }
}

impl Mistake {
    /// Whether two mistakes differ in their notes at most: one wrong value that several targets read.
    fn says_the_same(&self, other: &Self) -> bool {
        self.diagnostic.what == other.diagnostic.what
            && self.places == other.places
            && self.diagnostic.help == other.diagnostic.help
    }

    /// Whether it was found in another instance than the one of this number.
    fn is_of_another(&self, number: usize) -> bool {
        self.affected
            .as_ref()
            .is_some_and(|affected| affected.first.number.0 != number)
    }

    /// Says which instances of a target have it; nothing where all do, for then it is the target's.
    fn name_instances(&mut self) {
        let Some(Affected { first, count }) = &self.affected else {
            return;
        };
        let note = match (*count, first.number.1) {
            (count, all) if count == all => return,
            (1, _) => format!("of its instances, `{}` has it", first.name),
            (2, _) => format!("of its instances, `{}` and one more have it", first.name),
            (count, _) => format!("of its instances, `{}` and {} more have it", first.name, count - 1),
        };
        self.diagnostic.notes.push(note);
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
