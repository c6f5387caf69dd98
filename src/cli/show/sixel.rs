//! Sixels: dots in bands of six rows, as terminals draw them since DEC's VT240
//! (<https://vt100.net/docs/vt3xx-gp/chapter14.html>); and whether the terminal at hand is one that does.
//!
//! The encoder is written here, for the crates that have one bring thirty others: a picture of 256 colours at the most is
//! a palette, and for each band and colour a row of characters, one of which stands for six dots above each other.

use std::fmt::Write as _;
use std::io::{self, Cursor, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use png::{Decoder, Transformations};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::fast_map::FastMap;

/// Dots of the largest picture that is decoded, each of which takes some bytes.
const MOST_DOTS: u64 = 16 << 20;
/// So many colours each such terminal has.
const COLOURS: usize = 256;
/// Rows of dots in a band.
const ROWS: usize = 6;
/// How long a terminal may take to say what it can. Each that is one answers at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// Red, green and blue.
type Colour = [u8; 3];

/// A picture, row by row.
struct Dots {
    width: usize,
    all: Vec<Colour>,
}

/// The sequence that draws a PNG file at most so many dots wide; `None` if it cannot be decoded.
pub(super) fn sixels(file: &[u8], most: usize) -> Option<String> {
    let dots = Dots::decoded(file)?.at_most(most.max(1));
    let (palette, places) = dots.palette();
    Some(encoded(&palette, &places, dots.width))
}

impl Dots {
    /// The dots of a PNG file; what is transparent shows white paper.
    fn decoded(file: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(Cursor::new(file));
        decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
        let mut reader = decoder.read_info().ok()?;
        let (width, height) = reader.info().size();
        if u64::from(width) * u64::from(height) > MOST_DOTS {
            return None;
        }
        let mut bytes = vec![0; reader.output_buffer_size()?];
        let samples = reader.next_frame(&mut bytes).ok()?.color_type.samples();
        let dot = |dot: &[u8]| {
            let (alpha, colour) = dot.split_last().unwrap_or((&0, &[]));
            let on_paper = |value: u8| {
                let (value, alpha) = (u32::from(value), u32::from(*alpha));
                byte((value * alpha + 255 * (255 - alpha)) / 255)
            };
            match colour {
                [red, green, blue] => [*red, *green, *blue].map(on_paper),
                grey => [grey.first().copied().map_or(255, on_paper); 3],
            }
        };
        let all = bytes.chunks_exact(samples).map(dot).collect();
        let width = usize::try_from(width).ok()?;
        Some(Self { width, all })
    }

    /// The same at most so many dots wide, each the mean of those that it stands for.
    fn at_most(self, most: usize) -> Self {
        let (width, height) = (self.width, self.all.len() / self.width.max(1));
        if width <= most {
            return self;
        }
        let rows = (height * most / width).max(1);
        let span = |at: usize, of: usize, from: usize| at * from / of..((at + 1) * from).div_ceil(of);
        let mean = |column: usize, row: usize| {
            let mut sums = [0_usize; 3];
            let (columns, rows) = (span(column, most, width), span(row, rows, height));
            for at in rows
                .clone()
                .flat_map(|row| columns.clone().map(move |column| row * width + column))
            {
                for (sum, value) in sums.iter_mut().zip(self.all[at]) {
                    *sum += usize::from(value);
                }
            }
            let count = (columns.len() * rows.len()).max(1);
            sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX))
        };
        let all = (0..rows).flat_map(|row| (0..most).map(move |column| (column, row)));
        Self {
            all: all.map(|(column, row)| mean(column, row)).collect(),
            width: most,
        }
    }

    /// Its colours, and the place of each dot's among them. Where they are too many, each of red, green and blue has as many
    /// levels as leave few enough.
    fn palette(&self) -> (Vec<Colour>, Vec<u8>) {
        let of_levels = |levels: u32| {
            let level = |value: u8| {
                let nearest = (u32::from(value) * (levels - 1) + 127) / 255;
                byte(nearest * 255 / (levels - 1))
            };
            let mut known: FastMap<Colour, u8> = FastMap::default();
            let mut palette = Vec::new();
            let mut places = Vec::with_capacity(self.all.len());
            for dot in &self.all {
                let colour = dot.map(level);
                let place = if let Some(place) = known.get(&colour) {
                    *place
                } else {
                    let place = u8::try_from(palette.len()).ok().filter(|_| palette.len() < COLOURS)?;
                    known.insert(colour, place);
                    palette.push(colour);
                    place
                };
                places.push(place);
            }
            Some((palette, places))
        };
        // Six levels of each are 216 colours, which always suffice.
        let found = [256, 64, 32, 16, 12, 8, 6].into_iter().find_map(of_levels);
        found.unwrap_or_default()
    }
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// The whole sequence: head, palette, and band for band a row of characters for each colour in it.
fn encoded(palette: &[Colour], places: &[u8], width: usize) -> String {
    let height = places.len() / width.max(1);
    let mut out = format!("\u{1b}P0;1q\"1;1;{width};{height}");
    for (at, colour) in palette.iter().enumerate() {
        let [red, green, blue] = colour.map(|value| (u32::from(value) * 100 + 127) / 255);
        let _ = write!(out, "#{at};2;{red};{green};{blue}");
    }
    for band in places.chunks(ROWS * width.max(1)) {
        let mut of_colours: Vec<Option<Vec<u8>>> = vec![None; palette.len()];
        for (at, place) in band.iter().enumerate() {
            let row = of_colours[usize::from(*place)].get_or_insert_with(|| vec![0; width]);
            row[at % width] |= 1 << (at / width);
        }
        for (at, row) in of_colours.iter().enumerate() {
            if let Some(row) = row {
                let _ = write!(out, "#{at}");
                put_row(&mut out, row);
                out.push('$');
            }
        }
        out.push('-');
    }
    out + "\u{1b}\\\n"
}

/// A row of characters, repeated ones with their number before them; nothing at the end where there is no dot.
fn put_row(out: &mut String, row: &[u8]) {
    let end = row.iter().rposition(|dots| *dots != 0).map_or(0, |last| last + 1);
    for run in row[..end].chunk_by(|one, other| one == other) {
        let dots = char::from(b'?' + run[0]);
        match run.len() {
            1..=3 => out.extend(run.iter().map(|_| dots)),
            count => {
                let _ = write!(out, "!{count}{dots}");
            }
        }
    }
}

/// Asks the terminal whether it draws sixels, by the question for its attributes (DA1). Not where somebody has typed ahead,
/// whose keys would be taken for its answer.
pub(super) fn are_drawn() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal() && asked().is_some_and(|answer| says_sixel(&answer))
}

fn asked() -> Option<Vec<u8>> {
    if is_readable(Duration::ZERO) {
        return None;
    }
    let before = tcgetattr(io::stdin()).ok()?;
    let mut modes = before.clone();
    modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    tcsetattr(io::stdin(), OptionalActions::Now, &modes).ok()?;
    let answer = ask();
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    answer.ok()
}

fn ask() -> io::Result<Vec<u8>> {
    let mut out = io::stdout().lock();
    out.write_all(b"\x1b[c")?;
    out.flush()?;
    let begun = Instant::now();
    let mut answer = Vec::new();
    while answer.last() != Some(&b'c') && is_readable(PATIENCE.saturating_sub(begun.elapsed())) {
        let mut bytes = [0; 64];
        match rustix::io::read(io::stdin().as_fd(), &mut bytes)? {
            0 => break,
            count => answer.extend_from_slice(&bytes[..count]),
        }
    }
    Ok(answer)
}

fn is_readable(wait: Duration) -> bool {
    let stdin = io::stdin();
    let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec::try_from(wait).unwrap_or_default();
    poll(&mut waiting, Some(&timeout)).unwrap_or(0) > 0
}

/// Whether an answer such as `ESC [ ? 62 ; 4 ; 22 c` has the number of sixels among the terminal's attributes.
fn says_sixel(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let attributes = text.strip_prefix("\u{1b}[?").and_then(|rest| rest.strip_suffix('c'));
    attributes.is_some_and(|attributes| attributes.split(';').skip(1).any(|attribute| attribute == "4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG file of these dots.
    fn file(width: u32, dots: &[[u8; 4]]) -> Vec<u8> {
        let mut out = Vec::new();
        let height = u32::try_from(dots.len()).expect("few") / width;
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().expect("written");
        writer.write_image_data(dots.as_flattened()).expect("written");
        drop(writer);
        out
    }

    /// The dots that a sequence draws, row by row: what a terminal makes of it.
    fn drawn(sequence: &str) -> Vec<Vec<Option<Colour>>> {
        let body = sequence.strip_prefix("\u{1b}P0;1q\"1;1;").expect("a head");
        let body = body.strip_suffix("\u{1b}\\\n").expect("an end");
        let (size, mut rest) = body.split_at(body.find('#').expect("a palette"));
        let (width, height) = size.split_once(';').expect("two numbers");
        let (width, height): (usize, usize) = (width.parse().expect("one"), height.parse().expect("one"));
        let mut dots = vec![vec![None; width]; height];
        let mut palette: FastMap<usize, Colour> = FastMap::default();
        let (mut colour, mut column, mut top) = (0, 0, 0);
        let number = |rest: &mut &str| -> usize {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            *rest = after;
            number.parse().expect("a number")
        };
        while let Some(sign) = rest.chars().next() {
            rest = &rest[1..];
            match sign {
                '#' => {
                    colour = number(&mut rest);
                    if rest.starts_with(';') {
                        let mut next = || {
                            rest = &rest[1..];
                            number(&mut rest)
                        };
                        assert_eq!(next(), 2);
                        let percent = [next(), next(), next()];
                        palette.insert(colour, percent.map(|it| u8::try_from(it * 255 / 100).expect("a byte")));
                    }
                }
                '$' => column = 0,
                '-' => (column, top) = (0, top + ROWS),
                _ => {
                    let count = if sign == '!' { number(&mut rest) } else { 1 };
                    let dot = if sign == '!' { rest.remove_first() } else { sign };
                    let bits = u32::from(dot) - u32::from('?');
                    for row in (0..ROWS).filter(|row| bits & (1 << row) != 0) {
                        dots[top + row][column..column + count].fill(Some(palette[&colour]));
                    }
                    column += count;
                }
            }
        }
        dots
    }

    trait RemoveFirst {
        fn remove_first(&mut self) -> char;
    }

    impl RemoveFirst for &str {
        fn remove_first(&mut self) -> char {
            let first = self.chars().next().expect("a character");
            *self = &self[first.len_utf8()..];
            first
        }
    }

    #[test]
    fn every_dot_is_drawn_in_its_colour() {
        let colours = [[255, 0, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0], [255, 255, 255, 255]];
        let dots: Vec<[u8; 4]> = (0..70).map(|at| colours[(at * at / 7) % 4]).collect();
        let picture = drawn(&sixels(&file(7, &dots), 100).expect("decoded"));
        assert_eq!((picture.len(), picture[0].len()), (10, 7));
        for (at, dot) in dots.iter().enumerate() {
            let wanted = if dot[3] == 0 {
                [255; 3]
            } else {
                [dot[0], dot[1], dot[2]]
            };
            assert_eq!(picture[at / 7][at % 7], Some(wanted), "{at}");
        }
    }

    #[test]
    fn many_colours_become_few_and_white_stays_white() {
        let dot = |at: u32| {
            let byte = |value: u32| u8::try_from(value % 256).expect("a byte");
            [byte(at * 7), byte(at * 13), byte(at * 29), 255]
        };
        let mut dots: Vec<[u8; 4]> = (0..4_000).map(dot).collect();
        dots[0] = [255; 4];
        let sequence = sixels(&file(40, &dots), 100).expect("decoded");
        assert!(sequence.matches(";2;").count() <= COLOURS);
        let picture = drawn(&sequence);
        assert_eq!(picture[0][0], Some([255; 3]));
        for (at, dot) in dots.iter().enumerate() {
            let found = picture[at / 40][at % 40].expect("drawn");
            let far = found
                .iter()
                .zip(dot)
                .any(|(found, wanted)| found.abs_diff(*wanted) > 30);
            assert!(!far, "{at}: {found:?} for {dot:?}");
        }
    }

    #[test]
    fn a_wide_picture_is_drawn_smaller() {
        let dots: Vec<[u8; 4]> = (0..2_000)
            .map(|at| [if at % 200 < 100 { 0 } else { 255 }, 0, 0, 255])
            .collect();
        let picture = drawn(&sixels(&file(200, &dots), 50).expect("decoded"));
        assert_eq!((picture.len(), picture[0].len()), (2, 50));
        assert_eq!((picture[1][10], picture[1][40]), (Some([0; 3]), Some([255, 0, 0])));
    }

    #[test]
    fn what_is_no_whole_picture_is_not_drawn() {
        let whole = file(7, &[[1, 2, 3, 255]; 70]);
        for end in 0..whole.len() - 12 {
            assert!(sixels(&whole[..end], 100).is_none(), "{end} bytes");
        }
    }

    #[test]
    fn a_terminal_says_that_it_draws_sixels() {
        assert!(says_sixel(b"\x1b[?62;4;22c") && says_sixel(b"\x1b[?63;1;2;4c"));
        for other in [
            &b""[..],
            b"\x1b[?62;22c",
            b"\x1b[?4c",
            b"\x1b[?62;44c",
            b"ls\r",
            b"\x1b[?62;4",
        ] {
            assert!(!says_sixel(other), "{}", other.escape_ascii());
        }
    }
}
