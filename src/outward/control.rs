//! Escape sequences and characters that cannot be seen: taken out, or written so that they can be.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::view::View;

/// Whether a character does something to a text instead of standing in it: control characters save line end and tab, what
/// turns the direction of writing, and format characters that take no room.
pub(super) fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | ' '..='~' => false,
        c if c.is_control() => true,
        _ => matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF
            | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF),
    }
}

/// A text without escape sequences and hidden characters: what a person would read of it.
#[must_use]
pub fn plain(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if is_plain(bytes) => Cow::Borrowed(text),
        _ => Cow::Owned(String::from_utf8_lossy(&decoded(bytes, true).bytes).into_owned()),
    }
}

/// A name or value with its hidden characters written out, as `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    written_out(text, is_hidden, |out, c| {
        let _ = write!(out, "{}", c.escape_unicode());
    })
}

/// The same for a text that has to stay on one line.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    written_out(
        text,
        |c| c == '\n' || is_hidden(c),
        |out, c| {
            let _ = write!(out, "{}", c.escape_unicode());
        },
    )
}

/// A text whose line ends are written out, and nothing else: for a line that has colours, or is made visible later.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    written_out(
        text,
        |c| c == '\n',
        |out, c| {
            let _ = write!(out, "{}", c.escape_unicode());
        },
    )
}

/// JSON whose texts have their hidden characters written out, as `\u001b`; it says the same.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    written_out(json, is_hidden, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn written_out(text: &str, is_meant: impl Fn(char) -> bool, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(&is_meant) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_meant(c) {
            true => write(&mut out, c),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether bytes are text of which nothing is hidden.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    is_simple(bytes) || str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_hidden))
}

fn is_simple_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// Whether bytes are letters, digits and signs of ASCII, line ends and tabs.
fn is_simple(bytes: &[u8]) -> bool {
    let is_other = |byte: &u8| !is_simple_byte(*byte);
    // Without an early end inside a piece, so that it goes many bytes at a time.
    bytes
        .chunks(256)
        .all(|piece| piece.iter().fold(0, |others, byte| others + u32::from(is_other(byte))) == 0)
}

/// Bytes as text without hidden characters; whole escape sequences go as well if `sequences` says so, else what stands in
/// them stays. A byte that is no UTF-8 is a control character where one byte stands for such, else a sign of its own.
pub(super) fn decoded(bytes: &[u8], sequences: bool) -> View<'_> {
    let mut out = View::empty();
    let mut chars = Chars { bytes, at: 0 };
    loop {
        let simple = bytes[chars.at..]
            .iter()
            .take_while(|byte| is_simple_byte(**byte))
            .count();
        if simple > 0 {
            out.push_as_it_is(chars.at, &bytes[chars.at..chars.at + simple]);
            chars.at += simple;
        }
        let Some((from, c)) = chars.next() else { return out };
        if sequences && let Some(end) = chars.sequence_end(c) {
            chars.at = end;
        } else if !is_hidden(c) {
            let width = chars.at - from;
            let mut buffer = [0; 4];
            let text = c.encode_utf8(&mut buffer).as_bytes();
            match bytes.get(from..from + text.len()) == Some(text) {
                true => out.push_as_it_is(from, text),
                false => out.push_for(from, width, text),
            }
        }
    }
}

/// Whether some bytes have escape sequences that are longer; of what is no text, nothing is known.
pub(super) fn has_long_sequences(bytes: &[u8], long: usize) -> bool {
    if str::from_utf8(bytes).is_err() {
        return true;
    }
    let mut chars = Chars { bytes, at: 0 };
    while let Some(next) = memchr::memchr2(0x1b, 0xc2, &bytes[chars.at..]) {
        let begin = chars.at + next;
        chars.at = begin;
        let Some((_, c)) = chars.next() else { return false };
        if let Some(end) = chars.sequence_end(c) {
            chars.at = end;
        }
        if chars.at - begin > long {
            return true;
        }
    }
    false
}

/// Characters of bytes that may be no text.
#[derive(Clone, Copy)]
struct Chars<'b> {
    bytes: &'b [u8],
    at: usize,
}

const STRING_END: char = '\u{9c}';
const BELL: char = '\u{7}';

impl Chars<'_> {
    /// The next character and where it begins.
    fn next(&mut self) -> Option<(usize, char)> {
        let from = self.at;
        let first = *self.bytes.get(from)?;
        let (c, width) = match first {
            ..0x80 => (char::from(first), 1),
            _ => decode(&self.bytes[from..]),
        };
        self.at += width;
        Some((from, c))
    }

    fn peek(&self) -> Option<char> {
        let mut ahead = *self;
        ahead.next().map(|(_, c)| c)
    }

    /// The end of the escape sequence that a character, the last that was read, begins.
    fn sequence_end(&self, c: char) -> Option<usize> {
        let mut ahead = *self;
        let kind = match c {
            '\u{1b}' => match self.peek() {
                Some(kind @ (' '..='~')) => {
                    ahead.next();
                    kind
                }
                _ => return Some(self.at),
            },
            // A control character of the upper half stands for Escape and one of `@` to `_`.
            '\u{80}'..='\u{9f}' => char::from_u32(u32::from(c) - 0x40)?,
            _ => return None,
        };
        Some(match kind {
            '[' => ahead.control(),
            ']' | 'P' | 'X' | '^' | '_' => ahead.string(),
            ' '..='/' => ahead.designation(),
            _ => ahead.at,
        })
    }

    /// Parameters, intermediates and the one final sign; ends before whatever is none of these.
    fn control(mut self) -> usize {
        while self.peek().is_some_and(|c| ('0'..='?').contains(&c)) {
            self.next();
        }
        while self.peek().is_some_and(|c| (' '..='/').contains(&c)) {
            self.next();
        }
        if self.peek().is_some_and(|c| ('@'..='~').contains(&c)) {
            self.next();
        }
        self.at
    }

    /// A string up to its end; one without an end in its line must not hide what follows.
    fn string(mut self) -> usize {
        let begun = self.at;
        while let Some((_, c)) = self.next() {
            match c {
                BELL | STRING_END => return self.at,
                '\u{1b}' if self.peek() == Some('\\') => {
                    self.next();
                    return self.at;
                }
                '\u{1b}' | '\n' => return begun,
                _ => {}
            }
        }
        begun
    }

    fn designation(mut self) -> usize {
        while self.peek().is_some_and(|c| (' '..='/').contains(&c)) {
            self.next();
        }
        if self.peek().is_some_and(|c| ('0'..='~').contains(&c)) {
            self.next();
        }
        self.at
    }
}

/// The first character and its width.
fn decode(bytes: &[u8]) -> (char, usize) {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => match error.valid_up_to() {
            0 => {
                let width = error.error_len().unwrap_or(head.len());
                return match (head[0], width) {
                    (0x80..=0x9f, 1) => (char::from(head[0]), 1),
                    _ => (char::REPLACEMENT_CHARACTER, width),
                };
            }
            valid => str::from_utf8(&head[..valid]).unwrap_or_default(),
        },
    };
    let c = valid.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
    (c, c.len_utf8())
}

/// A text for XML, which has no place for control characters.
#[must_use]
pub fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_of_every_form_go_and_what_they_stand_between_stays() {
        for (text, left) in [
            (
                "\u{1b}[1;31mred\u{1b}[0m, a\ttab, \u{1b}[2Jand\r \u{7}bell",
                "red, a\ttab, and bell",
            ),
            ("an end \u{1b}[", "an end "),
            ("an end \u{1b}", "an end "),
            ("\u{1b}]0;a title\u{7}a", "a"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}Pq#0\u{1b}\\b", "b"),
            ("\u{9b}31mred\u{9b}m", "red"),
            ("\u{9d}0;title\u{9c}c", "c"),
            ("\u{1b}(Bd\u{1b}7\u{1b}Me", "de"),
            ("\u{1b}[3\u{1b}[1mf", "f"),
            ("left \u{202e}thgir\u{2069}\u{200b}\u{feff}\u{e0041}!", "left thgir!"),
        ] {
            assert_eq!(plain(text.as_bytes()), left, "{text:?}");
        }
        assert_eq!(
            plain(b"\x9b31mred, \xff\xfe"),
            "red, \u{fffd}\u{fffd}",
            "bytes that are no text"
        );
    }

    #[test]
    fn a_string_without_an_end_hides_nothing() {
        assert_eq!(plain(b"\x1b]0;first\nsecond\n"), "0;first\nsecond\n");
        assert_eq!(plain(b"\x1bPfirst\x1b[31m second"), "first second");
    }

    #[test]
    fn a_value_shows_what_it_holds() {
        assert_eq!(visible("a\u{1b}[31mb\n\u{202e}"), "a\\u{1b}[31mb\n\\u{202e}");
        assert_eq!(visible_line("a\nb"), "a\\u{a}b");
        let json = format!("{}", serde_json::json!({ "a": "\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}" }));
        let escaped = escape_json(&json);
        assert!(escaped.is_ascii(), "{escaped}");
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(same(&escaped), same(&json));
    }

    #[test]
    fn what_is_seen_is_left_alone() {
        for text in ["plain", "über 12 °C, 気温", "a\tb\nc"] {
            assert!(matches!(plain(text.as_bytes()), Cow::Borrowed(same) if same == text));
            assert!(matches!(visible(text), Cow::Borrowed(_)));
        }
    }
}
