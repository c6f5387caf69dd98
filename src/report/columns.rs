//! How many columns of a terminal a text takes: wide characters two, marks that stand on others none.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The columns that a text takes.
#[must_use]
pub fn of(text: &str) -> usize {
    text.width()
}

/// As much of a text as so many columns hold, with `…` at its end if that is not all of it.
#[must_use]
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if of(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut end = 0;
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        // One is kept for the mark.
        if used >= columns {
            break;
        }
        end = at + c.len_utf8();
    }
    match columns {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// A text with blanks behind it up to so many columns.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(of(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_and_marks_none() {
        assert_eq!(of("a東京"), 5);
        assert_eq!(of("e\u{301}"), 1);
        assert_eq!(padded("東", 4), "東  ");
    }

    #[test]
    fn a_cut_never_takes_more_than_there_is() {
        assert_eq!(cut("train", 5), "train");
        assert_eq!(cut("train", 4), "tra…");
        assert_eq!(cut("東京都", 5), "東京…");
        assert_eq!(cut("東京都", 4), "東…");
        assert_eq!(cut("train", 0), "");
    }
}
