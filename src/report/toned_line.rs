//! A line of a screen, in pieces of one tone each, cut where there is no room.

use super::columns;
use super::ink::{Ink, Tone};
use crate::outward::visible_line;

/// A line of a screen, in pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct TonedLine(Vec<(Tone, String)>);

impl TonedLine {
    pub(super) fn of(tone: Tone, text: String) -> Self {
        Self(vec![(tone, text)])
    }

    pub(super) fn add(&mut self, tone: Tone, text: String) {
        self.0.push((tone, text));
    }

    /// The columns that it takes where there is room for all of it.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| columns::of(&visible_line(text))).sum()
    }

    /// As much of it as has room; that there is more is shown.
    pub(super) fn draw(&self, width: usize, ink: Ink) -> String {
        let mut out = String::new();
        let mut left = width;
        for (tone, text) in &self.0 {
            let text = visible_line(text);
            let length = columns::of(&text);
            if length <= left {
                out += &ink.paint(*tone, &text);
                left -= length;
                continue;
            }
            out += &ink.paint(*tone, &columns::cut(&text, left));
            break;
        }
        out.trim_end().to_owned()
    }
}
