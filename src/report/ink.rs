//! The few tones of a report. A tone never says anything that the words beside it do not.
//!
//! A report is one text, in which colours of its own stand beside whatever names and values hold. So each of its own escape
//! sequences has a seal before it, which nobody outside this process can know; a [`Screen`](super::screen::Screen)
//! [opens](opened) the seals, and writes out what has none.

use std::borrow::Cow;
use std::fmt::Display;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use owo_colors::Style;

use crate::diagnostic::Emphasis;
use crate::outward::visible;

/// What stands before an escape sequence of this program's own. It is a sequence itself, for those that look at what a text
/// says without them.
static SEAL: LazyLock<String> = LazyLock::new(|| {
    let random = || RandomState::new().hash_one("seal");
    format!("\u{1b}]{:016x}{:016x}\u{7}", random(), random())
});

/// A part of a text that may have colours of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InkSpan<'t> {
    /// A sealed sequence, with its seal.
    Sequence(&'t str),
    /// What is seen.
    Text(&'t str),
}

impl<'t> InkSpan<'t> {
    /// What is seen of it.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Sequence(_) => None,
        }
    }
}

/// The parts of a text, in their order; together they are the text.
pub fn spans(text: &str) -> impl Iterator<Item = InkSpan<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = match rest.strip_prefix(SEAL.as_str()) {
            None if rest.is_empty() => return None,
            None => rest.find(SEAL.as_str()).unwrap_or(rest.len()),
            Some(sequence) => SEAL.len() + sequence.find('m').map_or(0, |at| at + 1),
        };
        let is_sequence = rest.starts_with(SEAL.as_str());
        let (span, after) = rest.split_at(length);
        rest = after;
        Some(match is_sequence {
            true => InkSpan::Sequence(span),
            false => InkSpan::Text(span),
        })
    })
}

/// A text with its sealed sequences as a terminal takes them, and all else that is hidden in it written out.
#[must_use]
pub fn opened(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return visible(text);
    }
    let open = |span| match span {
        InkSpan::Sequence(sequence) => Cow::Borrowed(&sequence[SEAL.len()..]),
        InkSpan::Text(text) => visible(text),
    };
    Cow::Owned(spans(text).map(open).collect())
}

/// A text that somebody else has coloured and that holds nothing but its own sequences.
#[must_use]
pub fn sealed(text: &str) -> String {
    text.replace('\u{1b}', &format!("{}\u{1b}", *SEAL))
}

/// What a piece of text is, as far as its colour is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    Plain,
    /// A name or a headline.
    Strong,
    /// Well done, or fresh.
    Good,
    /// Stale, or a warning.
    Stale,
    /// Failed.
    Bad,
    /// A value as it is now, or a line that was added.
    New,
    /// A value as it was, or a line that was taken away.
    Old,
    /// Less important than the rest.
    Faint,
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    colour: bool,
}

impl Ink {
    /// Writes without colour.
    pub const PLAIN: Self = Self { colour: false };

    /// Writes with colour if `colour` is set.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Whether it colours at all.
    #[must_use]
    pub fn colours(self) -> bool {
        self.colour
    }

    /// Gives a text its colour.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Strong => Style::new().bold(),
            Tone::Good | Tone::New => Style::new().green(),
            Tone::Stale => Style::new().yellow(),
            Tone::Bad => Style::new().red().bold(),
            Tone::Old => Style::new().red(),
            Tone::Faint => Style::new().dimmed(),
        };
        let seal = |sequence: &dyn Display| sealed(&sequence.to_string());
        let (before, after) = (style.prefix_formatter(), style.suffix_formatter());
        format!("{}{text}{}", seal(&before), seal(&after))
    }

    /// Gives a part of a diagnostic its colour.
    #[must_use]
    pub fn part(self, part: Emphasis, text: &str) -> String {
        let tone = match part {
            Emphasis::Error => Tone::Bad,
            Emphasis::Warning => Tone::Stale,
            Emphasis::What | Emphasis::Word => Tone::Strong,
            Emphasis::Margin => Tone::Faint,
        };
        self.paint(tone, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_surrounds_the_text() {
        let painted = Ink::new(true).paint(Tone::Good, "fresh");
        assert_eq!(opened(&painted), "\u{1b}[32mfresh\u{1b}[0m");
        assert_eq!(Ink::PLAIN.paint(Tone::Good, "fresh"), "fresh");
        assert_eq!(Ink::new(true).paint(Tone::Bad, ""), "");
    }

    #[test]
    fn spans_are_the_text_and_its_colours() {
        let painted = format!("a {}.", Ink::new(true).paint(Tone::Good, "fresh"));
        let seen: String = spans(&painted).filter_map(InkSpan::text).collect();
        assert_eq!(seen, "a fresh.");
        let all = spans(&painted).map(|span| match span {
            InkSpan::Sequence(part) | InkSpan::Text(part) => part,
        });
        assert_eq!(all.collect::<String>(), painted);
        assert_eq!(spans("").next(), None);
    }

    #[test]
    fn nobody_else_colours() {
        let painted = Ink::new(true).paint(Tone::Good, "a\u{1b}[31mb\u{1b}]0;title\u{7}");
        assert_eq!(
            opened(&painted),
            "\u{1b}[32ma\\u{1b}[31mb\\u{1b}]0;title\\u{7}\u{1b}[0m"
        );
        assert_eq!(opened(&sealed("\u{1b}[1mhelp\u{1b}[0m")), "\u{1b}[1mhelp\u{1b}[0m");
    }
}
