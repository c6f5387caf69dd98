//! Says what is wrong, where, and what to do next; and draws it as text.
//!
//! The one form in which a mistake reaches a person. Rooms below the command line raise small errors of their own;
//! a command turns them into a [`Diagnostic`] and adds the help.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use crate::outward::{visible_line, without_credentials};

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// The command cannot do what was asked.
    Error,
    /// The command goes on.
    Warning,
}

/// A stretch of one line in a text file, with the line itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Path as the user would type it.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// Length in characters, at least 1.
    pub length: usize,
    /// The whole line, without its end, with stars in the place of passwords and tokens of addresses.
    pub text: String,
    /// What is at this place, if it needs a word.
    pub label: String,
}

impl Place {
    /// Finds the line and column of the bytes `start..end` of `text`.
    #[must_use]
    pub fn locate(file: &str, text: &str, start: usize, end: usize) -> Self {
        let start = floor_char_boundary(text, start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_char_boundary(text, end.clamp(start, line_end));
        Self {
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            length: text[start..end].chars().count().max(1),
            text: without_credentials(text[line_start..line_end].trim_end_matches('\r')).into_owned(),
            label: String::new(),
        }
    }

    /// Adds a word about what is at this place.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
}

/// A small number as a word, for the beginning of a message.
#[must_use]
pub fn number_word(count: usize) -> String {
    match count {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        more => more.to_string(),
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One mistake or warning: what, where, notes, help; empty parts are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: one line, lowercase, names in backticks.
    pub what: String,
    /// Where: all places of a conflict.
    pub places: Vec<Place>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// The next step.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Makes an error.
    #[must_use]
    pub fn error(what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            what: what.into(),
            places: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Makes a warning.
    #[must_use]
    pub fn warning(what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(what)
        }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds how many more mistakes of its kind are not told.
    #[must_use]
    pub fn and_more(self, more: usize) -> Self {
        match more {
            0 => self,
            more => self.note(format!("and {more} more of this kind")),
        }
    }

    /// Adds "did you mean" if one of `candidates` is close to `written`.
    #[must_use]
    pub fn suggest<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(written, candidates) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Puts stars in the place of passwords and tokens of addresses.
    pub fn leave_out_credentials(&mut self) {
        let texts = std::iter::once(&mut self.what)
            .chain(&mut self.notes)
            .chain(&mut self.help);
        for text in texts {
            if let Cow::Owned(without) = without_credentials(text) {
                *text = without;
            }
        }
    }

    /// Draws it as text, without colour and with a line end.
    #[must_use]
    pub fn render(&self) -> String {
        self.render_with(&|_, text| text.to_owned())
    }

    /// Draws it as text; `paint` colours a part.
    #[must_use]
    pub fn render_with(&self, paint: &dyn Fn(Emphasis, &str) -> String) -> String {
        let (part, word) = match self.severity {
            Severity::Error => (Emphasis::Error, "error"),
            Severity::Warning => (Emphasis::Warning, "warning"),
        };
        let mut out = String::new();
        let mut what = self.what.lines();
        let _ = writeln!(
            out,
            "{}: {}",
            paint(part, word),
            paint(Emphasis::What, what.next().unwrap_or_default())
        );
        for line in what {
            let _ = writeln!(out, "  {line}");
        }
        let width = self
            .places
            .iter()
            .map(|place| place.line.to_string().len())
            .max()
            .unwrap_or(0);
        for place in &self.places {
            draw_place(&mut out, place, width, part, paint);
        }
        for (word, texts) in [("note", &self.notes), ("help", &self.help)] {
            for text in texts {
                let indented = text.replace('\n', "\n        ");
                let _ = writeln!(out, "  {}: {indented}", paint(Emphasis::Word, word));
            }
        }
        out
    }
}

/// How many mistakes of one kind are told.
const OF_A_KIND: usize = 20;

/// The first mistakes of each kind; the last of them with how many more there are, the others with 0. Of one kind are
/// those that say the same, but for names and numbers.
pub fn few_of_each_kind<T>(all: &[T], what: impl Fn(&T) -> String) -> Vec<(&T, usize)> {
    few_at_each_place(all, what, |_| None::<()>)
}

/// [`few_of_each_kind`], and of one kind at one place only the first, where a place is given: instances of one target
/// have the same mistake.
pub fn few_at_each_place<T, P: Eq + Hash>(
    all: &[T],
    what: impl Fn(&T) -> String,
    place: impl Fn(&T) -> Option<P>,
) -> Vec<(&T, usize)> {
    let mut few: Vec<(&T, usize)> = Vec::new();
    let mut kinds: HashMap<String, (usize, usize)> = HashMap::new();
    let mut places: HashMap<(String, P), usize> = HashMap::new();
    for one in all {
        let kind = kind(&what(one));
        if let Some(place) = place(one) {
            match places.entry((kind.clone(), place)) {
                Entry::Occupied(first) => {
                    few[*first.get()].1 += 1;
                    continue;
                }
                Entry::Vacant(free) => {
                    let of_kind = kinds.get(&kind).filter(|(told, _)| *told == OF_A_KIND);
                    free.insert(of_kind.map_or(few.len(), |(_, last)| *last));
                }
            }
        }
        let (told, last) = kinds.entry(kind).or_default();
        if *told == OF_A_KIND {
            few[*last].1 += 1;
            continue;
        }
        (*told, *last) = (*told + 1, few.len());
        few.push((one, 0));
    }
    few
}

/// [`few_of_each_kind`], of diagnostics.
#[must_use]
pub fn few(all: &[Diagnostic]) -> Vec<Diagnostic> {
    let few = few_of_each_kind(all, |it| format!("{:?} {}", it.severity, it.what));
    few.into_iter().map(|(it, more)| it.clone().and_more(more)).collect()
}

/// What a mistake says, without names, which stand in backticks, and numbers.
#[must_use]
pub fn kind(what: &str) -> String {
    let plain = what.split('`').step_by(2);
    plain.flat_map(str::chars).filter(|c| !c.is_ascii_digit()).collect()
}

/// A part of a drawn diagnostic that may have a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// The word `error`, and its underline.
    Error,
    /// The word `warning`, and its underline.
    Warning,
    /// The first line.
    What,
    /// The words `note` and `help`.
    Word,
    /// Paths, line numbers and the bar.
    Margin,
}

/// Most bytes of a line that is shown.
const LONGEST_SHOWN: usize = 10_000;

fn draw_place(out: &mut String, place: &Place, width: usize, part: Emphasis, paint: &dyn Fn(Emphasis, &str) -> String) {
    let Place {
        file,
        line,
        column,
        length,
        text,
        label,
    } = place;
    let margin = |text: &str| paint(Emphasis::Margin, text);
    let _ = writeln!(
        out,
        "{:width$}{} {file}:{line}:{column}",
        "",
        margin("-->"),
        width = width + 1
    );
    // A file in one line is shown by none: the column says where in it.
    if text.len() > LONGEST_SHOWN {
        if !label.is_empty() {
            let _ = writeln!(out, " {:width$} {} {label}", "", margin("|"));
        }
        return;
    }
    // As it will be shown, so that the mark stands below its place.
    let part_of = |from: usize, count: usize| text.chars().skip(from).take(count).collect::<String>();
    let (before, marked) = (part_of(0, column - 1), part_of(column - 1, *length));
    let text = visible_line(text);
    let _ = writeln!(out, " {} {} {text}", margin(&format!("{line:width$}")), margin("|"));
    let under: String = visible_line(&before)
        .chars()
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let length = length - marked.chars().count() + visible_line(&marked).chars().count();
    let mark = paint(part, format!("{} {label}", "^".repeat(length)).trim_end());
    let _ = writeln!(out, " {:width$} {} {under}{mark}", "", margin("|"));
}

/// Finds the candidate most like `written`, if any is close enough to be a slip: by a letter, a part of the other, or by
/// a third of the letters at most.
#[must_use]
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let rank = |name: &'a str| {
        let lower_name = name.to_lowercase();
        let distance = strsim::damerau_levenshtein(&lower, &lower_name);
        let (one, other) = (written.chars().count(), name.chars().count());
        let is_part = one.min(other) >= PART && (lower.contains(&lower_name) || lower_name.contains(&lower));
        let likeness = match distance {
            0 | 1 => 0,
            _ if is_part => 1,
            _ if distance <= one.max(other) / 3 => 2,
            _ => return None,
        };
        Some((likeness, distance, strsim::damerau_levenshtein(written, name), name))
    };
    candidates.into_iter().filter_map(rank).min().map(|(.., name)| name)
}

/// Letters that a name has at least to be told from a part of another.
const PART: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_line() {
        let text = "[target.a]\nuses = \"trian\"\n";
        let drawn = Diagnostic::error("unknown task `trian`")
            .at(Place::locate("Atsaffile", text, 18, 25).labelled("here"))
            .note("tasks: train")
            .suggest("trian", ["train", "ingest"])
            .render();
        let expected = r#"error: unknown task `trian`
  --> Atsaffile:2:8
 2 | uses = "trian"
   |        ^^^^^^^ here
  note: tasks: train
  help: did you mean `train`?
"#;
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_far_name_is_not_suggested() {
        assert_eq!(nearest("horizn", ["horizon", "level"]), Some("horizon"));
        assert_eq!(nearest("x", ["horizon", "level"]), None);
    }

    #[test]
    fn a_part_of_a_name_and_its_own_case_count() {
        let models = ["AutoETS", "MSTL_ETS", "TBATS", "AutoARIMA", "MSTL_ARIMA"];
        assert_eq!(nearest("ARIMA", models), Some("AutoARIMA"));
        assert_eq!(nearest("ets", models), Some("AutoETS"));
        assert_eq!(nearest("AutoTBATS", models), Some("TBATS"));
        assert_eq!(nearest("max_pp", ["max_P", "max_p"]), Some("max_p"));
    }

    #[test]
    fn a_mark_stands_below_what_is_shown() {
        let text = "a = \"\u{1b}[1m\u{202e}b\" # c\n";
        let place = Place::locate("f", text, 4, text.len() - 5);
        let drawn = Diagnostic::error("wrong").at(place).render();
        let expected = r#"error: wrong
 --> f:1:5
1 | a = "\u{1b}[1m\u{202e}b" # c
  |     ^^^^^^^^^^^^^^^^^^^^
"#;
        let bare = |text: &str| {
            text.lines()
                .map(|line| line.trim_start().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(bare(&drawn), bare(expected), "{drawn}");
    }

    #[test]
    fn places_survive_odd_bounds() {
        let place = Place::locate("f", "é\nü", 1, 99);
        assert_eq!((place.line, place.column, place.length), (1, 1, 1));
    }

    #[test]
    fn many_mistakes_of_one_kind_are_counted() {
        let unknown =
            (0..5_000).map(|number| Diagnostic::error(format!("unknown artifact `a{number}` on line {number}")));
        let mut all: Vec<Diagnostic> = unknown.collect();
        all.insert(3, Diagnostic::error("no parameter `x`"));
        all.push(Diagnostic::warning("unknown artifact `x` on line 1"));
        let few = few(&all);
        assert_eq!(few.len(), 22);
        assert_eq!(few[3], all[3]);
        assert_eq!(few[20], all[20].clone().note("and 4980 more of this kind"));
        assert_eq!(few.last(), all.last());
        assert_eq!(super::few(&all[..21]), all[..21]);
    }
}
