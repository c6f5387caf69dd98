//! Pictures: what they are, and how a terminal that can draws them.
//!
//! Two protocols take the file as it is: kitty's, which Ghostty, Konsole and `WezTerm` know as well, and iTerm2's. Both are
//! recognised by what the terminal says of itself in the environment. Any other terminal is asked whether it draws [`sixel`]s.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::sixel;

/// A larger picture is not sent to the terminal.
pub(super) const LARGEST: u64 = 8 << 20;
/// Most characters of base64 in one sequence of kitty's protocol.
const CHUNK: usize = 4096;
/// Pixels of a column, about.
const COLUMN: u32 = 9;

/// A picture by the beginning of its file: its format, and its size in pixels where the beginning tells it.
pub(super) struct PictureHead {
    format: &'static str,
    pixels: Option<(u32, u32)>,
}

/// How a terminal takes a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>
    Kitty,
    /// <https://iterm2.com/documentation-images.html>
    Iterm,
    /// Dots; see [`sixel`].
    Sixel,
}

impl PictureHead {
    /// Recognises a picture.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
        let (format, pixels) = match head {
            [0x89, b'P', b'N', b'G', ..] => ("PNG", number(16).zip(number(20))),
            [0xff, 0xd8, 0xff, ..] => ("JPEG", None),
            [b'G', b'I', b'F', b'8', ..] => ("GIF", None),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("WebP", None),
            _ => return None,
        };
        Some(Self { format, pixels })
    }

    /// `a picture, PNG, 640 x 480 pixels`.
    pub(super) fn words(&self) -> String {
        let pixels = self
            .pixels
            .map(|(width, height)| format!(", {width} x {height} pixels"));
        format!("a picture, {}{}", self.format, pixels.unwrap_or_default())
    }

    /// The sequences that draw a file in at most so many columns; `None` of a format that the terminal does not take.
    pub(super) fn drawn(&self, file: &[u8], protocol: Protocol, columns: usize) -> Option<String> {
        let wanted = self
            .pixels
            .map(|(width, _)| usize::try_from(width / COLUMN).unwrap_or(columns).max(1));
        let columns = wanted.unwrap_or(columns).min(columns);
        let text = || BASE64_STANDARD.encode(file);
        match (protocol, self.format) {
            (Protocol::Kitty, "PNG") => Some(kitty(&text(), columns)),
            (Protocol::Iterm, "PNG" | "JPEG" | "GIF") => Some(format!(
                "\u{1b}]1337;File=inline=1;size={};width={columns}:{}\u{7}\n",
                file.len(),
                text()
            )),
            (Protocol::Sixel, "PNG") => sixel::sixels(file, columns * COLUMN as usize),
            _ => None,
        }
    }
}

impl Protocol {
    /// That of the terminal at hand, which is asked where the environment does not tell.
    pub(super) fn of_terminal(env: &BTreeMap<String, String>) -> Option<Self> {
        Self::of(env).or_else(|| sixel::are_drawn().then_some(Self::Sixel))
    }

    /// That which the environment tells; tmux and screen pass none of these on.
    fn of(env: &BTreeMap<String, String>) -> Option<Self> {
        let is = |name: &str, values: &[&str]| env.get(name).is_some_and(|it| values.contains(&it.as_str()));
        let has = |name: &str| env.get(name).is_some_and(|it| !it.is_empty());
        match () {
            () if has("TMUX") || has("STY") => None,
            () if has("KITTY_WINDOW_ID") || has("KONSOLE_VERSION") => Some(Self::Kitty),
            () if is("TERM", &["xterm-kitty", "xterm-ghostty"]) => Some(Self::Kitty),
            () if is("TERM_PROGRAM", &["WezTerm", "ghostty"]) => Some(Self::Kitty),
            () if is("TERM_PROGRAM", &["iTerm.app"]) => Some(Self::Iterm),
            () => None,
        }
    }
}

/// A PNG file in pieces: all but the last say that more follows.
fn kitty(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 100 + 64);
    let mut rest = text;
    let mut keys = format!("a=T,f=100,q=2,c={columns},");
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        let more = u8::from(!after.is_empty());
        let _ = write!(out, "\u{1b}_G{keys}m={more};{chunk}\u{1b}\\");
        rest = after;
        keys.clear();
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a PNG file of 640 x 480 pixels, and as much after it as is wanted.
    fn png(more: usize) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0".to_vec();
        file.resize(24 + more, 0);
        file
    }

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_picture_is_told_by_its_beginning() {
        let words = |head: &[u8]| PictureHead::of(head).map(|it| it.words());
        assert_eq!(words(&png(0)).as_deref(), Some("a picture, PNG, 640 x 480 pixels"));
        assert_eq!(words(b"\x89PNG\r\n").as_deref(), Some("a picture, PNG"));
        assert_eq!(words(b"\xff\xd8\xff\xe0\0").as_deref(), Some("a picture, JPEG"));
        assert_eq!(words(b"PAR1"), None);
    }

    #[test]
    fn kitty_gets_a_png_in_pieces() {
        let file = png(6000);
        let picture = PictureHead::of(&file).expect("a picture");
        let drawn = picture.drawn(&file, Protocol::Kitty, 40).expect("drawn");
        let pieces: Vec<&str> = drawn.trim_end().split_terminator("\u{1b}\\").collect();
        assert_eq!(pieces.len(), 2);
        let first = pieces[0].strip_prefix("\u{1b}_Ga=T,f=100,q=2,c=40,m=1;").expect("keys");
        let last = pieces[1].strip_prefix("\u{1b}_Gm=0;").expect("keys");
        assert_eq!(BASE64_STANDARD.decode(format!("{first}{last}")).expect("base64"), file);
        assert!(
            PictureHead::of(b"GIF89a")
                .expect("a picture")
                .drawn(b"GIF89a", Protocol::Kitty, 40)
                .is_none()
        );
        let small = picture.drawn(&file, Protocol::Iterm, 200).expect("drawn");
        assert!(
            small.starts_with("\u{1b}]1337;File=inline=1;size=6024;width=71:"),
            "{small}"
        );
    }

    #[test]
    fn the_terminal_says_what_it_knows_and_nothing_passes_through_tmux() {
        assert_eq!(Protocol::of(&env(&[("TERM", "xterm-256color")])), None);
        assert_eq!(Protocol::of(&env(&[("TERM", "xterm-kitty")])), Some(Protocol::Kitty));
        assert_eq!(
            Protocol::of(&env(&[("TERM_PROGRAM", "iTerm.app")])),
            Some(Protocol::Iterm)
        );
        let inside = env(&[("KITTY_WINDOW_ID", "1"), ("TMUX", "/tmp/tmux-0/default,1,0")]);
        assert_eq!(Protocol::of(&inside), None);
    }
}
