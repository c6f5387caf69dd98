//! The few tones of a report. A tone never says anything that the words beside it do not.

use owo_colors::{OwoColorize as _, Style};

use crate::diagnostic::Emphasis;

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
        text.style(style).to_string()
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
        assert!(
            painted.contains("fresh") && painted.starts_with('\u{1b}'),
            "{painted:?}"
        );
        assert_eq!(Ink::PLAIN.paint(Tone::Good, "fresh"), "fresh");
        assert_eq!(Ink::new(true).paint(Tone::Bad, ""), "");
    }
}
