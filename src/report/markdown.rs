//! A page in Markdown, as a terminal shows it: wrapped, with its tables laid out, and without marks that only a browser
//! would read.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::columns;
use super::ink::{Ink, Tone};

/// Columns between two cells of a table, and before code that has little room.
const GAP: usize = 2;
/// Columns before code.
const WIDE: usize = 4;
/// No cell is narrower than this, if its text is longer.
const NARROWEST: usize = 8;

/// A word, or a part of one, in one tone.
#[derive(Clone, Debug)]
struct Piece {
    tone: Tone,
    text: String,
    /// Whether it follows the one before without a space.
    glued: bool,
    /// Whether a line ends before it.
    breaks: bool,
}

/// Lays a page out; `refer` puts a link in words: it gets the address and what stands in the place of the link, and `None`
/// leaves that as it is.
#[must_use]
pub fn render(page: &str, ink: Ink, width: usize, refer: &dyn Fn(&str, &str) -> Option<String>) -> String {
    let mut writer = Writer {
        ink,
        width,
        out: String::new(),
        pieces: Vec::new(),
        space: false,
        tones: Vec::new(),
        indents: Vec::new(),
        marker: None,
        lists: Vec::new(),
        code: None,
        table: None,
        link: None,
        after_item: false,
    };
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        writer.event(event, refer);
    }
    writer.out.trim_start_matches('\n').to_owned()
}

struct Writer {
    ink: Ink,
    width: usize,
    out: String,
    /// The text of the block that is read.
    pieces: Vec<Piece>,
    /// Whether a space came after the last piece.
    space: bool,
    tones: Vec<Tone>,
    /// Columns that each open list item or quote takes on the left.
    indents: Vec<usize>,
    /// What stands before the first line of an item.
    marker: Option<String>,
    /// The number of the next item of each open list; none if it has no numbers.
    lists: Vec<Option<u64>>,
    code: Option<String>,
    table: Option<Vec<Vec<Vec<Piece>>>>,
    /// The address of a link, and where its text begins.
    link: Option<(String, usize)>,
    /// Whether an item of the open list has just ended: items stand without a line between them.
    after_item: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>, refer: &dyn Fn(&str, &str) -> Option<String>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag, refer),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => self.code(&text),
            Event::SoftBreak => self.space = true,
            Event::HardBreak => self.break_line(),
            Event::Rule => self.block(&"-".repeat(self.room())),
            Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } | Tag::Strong | Tag::Emphasis => self.tones.push(Tone::Strong),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => self.code = Some(String::new()),
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.indents.push(marker.len());
                self.marker = Some(marker);
            }
            Tag::BlockQuote(_) => self.indents.push(2),
            Tag::Table(_) => self.table = Some(Vec::new()),
            Tag::TableHead | Tag::TableRow => {
                if let Some(rows) = &mut self.table {
                    rows.push(Vec::new());
                }
            }
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.into_string(), self.pieces.len())),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, refer: &dyn Fn(&str, &str) -> Option<String>) {
        match tag {
            TagEnd::Heading(level) => {
                self.tones.pop();
                let length: usize = line_width(&self.pieces);
                self.flush();
                let rule = match level {
                    HeadingLevel::H1 => "=",
                    HeadingLevel::H2 => "-",
                    _ => return,
                };
                self.out += &self.ink.paint(Tone::Faint, &rule.repeat(length.min(self.room())));
                self.out.push('\n');
            }
            TagEnd::Strong | TagEnd::Emphasis => {
                self.tones.pop();
            }
            TagEnd::Paragraph => self.flush(),
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                let longest = code.lines().map(columns::of).max().unwrap_or(0);
                let indent = if longest + WIDE <= self.room() { WIDE } else { GAP };
                let lines: Vec<String> = code.lines().map(|line| format!("{:indent$}{line}", "")).collect();
                self.block(&lines.join("\n"));
            }
            TagEnd::Item => {
                self.flush();
                self.marker = None;
                self.indents.pop();
                self.after_item = true;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.after_item = false;
            }
            TagEnd::BlockQuote(_) => {
                self.indents.pop();
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.pieces);
                self.space = false;
                if let Some(row) = self.table.as_mut().and_then(|rows| rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let rows = self.table.take().unwrap_or_default();
                let drawn = table(&rows, self.room(), self.ink);
                self.block(&drawn);
            }
            TagEnd::Link => self.end_link(refer),
            _ => {}
        }
    }

    fn end_link(&mut self, refer: &dyn Fn(&str, &str) -> Option<String>) {
        let Some((address, from)) = self.link.take() else {
            return;
        };
        let shown: String = self.pieces[from..].iter().map(|piece| piece.text.as_str()).collect();
        if let Some(words) = refer(&address, &shown) {
            let glued = self.pieces.get(from).is_some_and(|piece| piece.glued);
            self.pieces.truncate(from);
            self.space = !glued;
            self.text(&words);
        }
    }

    fn tone(&self) -> Tone {
        self.tones.last().copied().unwrap_or(Tone::Plain)
    }

    fn text(&mut self, text: &str) {
        let tone = self.tone();
        if text.starts_with(char::is_whitespace) {
            self.space = true;
        }
        for word in text.split_whitespace() {
            self.push(tone, word.to_owned());
            self.space = true;
        }
        self.space = text.ends_with(char::is_whitespace) || (self.space && text.trim().is_empty());
    }

    /// A piece of code stays together with its quotes; a long one may be broken at its blanks.
    fn code(&mut self, text: &str) {
        let quoted = format!("`{text}`");
        let space = self.space;
        for (at, word) in quoted.split(' ').enumerate() {
            self.space = if at == 0 { space } else { true };
            self.push(Tone::Strong, word.to_owned());
        }
        self.space = false;
    }

    fn push(&mut self, tone: Tone, text: String) {
        let glued = !self.space && !self.pieces.is_empty();
        self.space = false;
        self.pieces.push(Piece {
            tone,
            text,
            glued,
            breaks: false,
        });
    }

    fn break_line(&mut self) {
        self.space = true;
        self.pieces.push(Piece {
            tone: Tone::Plain,
            text: String::new(),
            glued: false,
            breaks: true,
        });
    }

    /// Columns that are left for a block.
    fn room(&self) -> usize {
        self.width.saturating_sub(self.indents.iter().sum()).max(20)
    }

    /// Writes the text that was read as a paragraph.
    fn flush(&mut self) {
        if self.pieces.is_empty() {
            return;
        }
        let pieces = std::mem::take(&mut self.pieces);
        self.space = false;
        let lines: Vec<String> = wrap(&pieces, self.room())
            .iter()
            .map(|line| painted(line, self.ink))
            .collect();
        self.block(&lines.join("\n"));
    }

    /// Writes lines, each behind what the lists around it take.
    fn block(&mut self, lines: &str) {
        let indent: usize = self.indents.iter().sum();
        let is_next_item = self.marker.is_some() && (self.after_item || self.lists.len() > 1);
        if !self.out.is_empty() && !is_next_item {
            self.out.push('\n');
        }
        self.after_item = false;
        for line in lines.lines() {
            let before = match self.marker.take() {
                Some(marker) => format!("{}{marker}", " ".repeat(indent - marker.len().min(indent))),
                None => " ".repeat(indent),
            };
            self.out += format!("{before}{line}").trim_end();
            self.out.push('\n');
        }
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn line_width(line: &[Piece]) -> usize {
    let spaces = line.iter().skip(1).filter(|piece| !piece.glued).count();
    line.iter().map(|piece| length(&piece.text)).sum::<usize>() + spaces
}

/// Lines of words, none wider than it must be.
fn wrap(pieces: &[Piece], width: usize) -> Vec<Vec<Piece>> {
    let mut lines: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut at = 0;
    while at < pieces.len() {
        if pieces[at].breaks {
            lines.push(Vec::new());
            at += 1;
            continue;
        }
        let end = pieces[at + 1..]
            .iter()
            .position(|piece| !piece.glued)
            .map_or(pieces.len(), |to| at + 1 + to);
        let word = &pieces[at..end];
        let line = lines.last_mut().map_or(0, |line| line_width(line));
        let wide = word.iter().map(|piece| length(&piece.text)).sum::<usize>();
        if line > 0 && line + 1 + wide > width {
            lines.push(Vec::new());
        }
        if let Some(line) = lines.last_mut() {
            line.extend(word.iter().cloned());
        }
        at = end;
    }
    lines
}

/// A line with its colours.
fn painted(line: &[Piece], ink: Ink) -> String {
    let mut out = String::new();
    for (at, piece) in line.iter().enumerate() {
        if at > 0 && !piece.glued {
            out.push(' ');
        }
        out += &ink.paint(piece.tone, &piece.text);
    }
    out
}

/// A table whose cells are wrapped where it would be too wide.
fn table(rows: &[Vec<Vec<Piece>>], width: usize, ink: Ink) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths = widths(rows, columns, width);
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<Vec<Piece>>> = (0..columns)
            .map(|column| {
                let cell = row.get(column).map_or(&[][..], Vec::as_slice);
                wrap(&broken(cell, widths[column]), widths[column])
            })
            .collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let mut text = String::new();
            for (column, cell) in cells.iter().enumerate() {
                let words = cell.get(line).map_or(&[][..], Vec::as_slice);
                text += &painted(words, ink);
                text += &" ".repeat((widths[column] + GAP).saturating_sub(line_width(words)));
            }
            out += text.trim_end();
            out.push('\n');
        }
        let has_heading = rows[0].iter().any(|cell| !cell.is_empty());
        if at == 0 && has_heading {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            out += &ink.paint(Tone::Faint, &rules.join(&" ".repeat(GAP)));
            out.push('\n');
        }
    }
    out
}

/// The width of each column: what its longest cell needs, as long as there is room; else the wide ones share what is left.
fn widths(rows: &[Vec<Vec<Piece>>], columns: usize, width: usize) -> Vec<usize> {
    let of_column = |column: usize, measure: &dyn Fn(&[Piece]) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| measure(cell)).max().unwrap_or(0)
    };
    let natural: Vec<usize> = (0..columns).map(|column| of_column(column, &line_width)).collect();
    let longest_word = |cell: &[Piece]| {
        let lines = wrap(cell, 1);
        lines.iter().map(|line| line_width(line)).max().unwrap_or(0)
    };
    let least: Vec<usize> = (0..columns)
        .map(|column| of_column(column, &longest_word).max(NARROWEST.min(natural[column])))
        .collect();
    let room = width.saturating_sub(GAP * columns.saturating_sub(1));
    if natural.iter().sum::<usize>() <= room {
        return natural;
    }
    // Columns from the narrowest on get what they want, as long as the others keep their fair part.
    let mut order: Vec<usize> = (0..columns).collect();
    order.sort_by_key(|column| natural[*column]);
    let mut found = vec![0; columns];
    let mut left = room;
    for (at, column) in order.iter().enumerate() {
        let fair = left / (columns - at);
        found[*column] = natural[*column].min(fair).max(least[*column].min(room / 2));
        left = left.saturating_sub(found[*column]);
    }
    // Long words are broken rather than the page.
    while found.iter().sum::<usize>() > room
        && let Some(widest) = found.iter_mut().max().filter(|width| **width > NARROWEST)
    {
        *widest -= 1;
    }
    found
}

/// The same with lines that end inside words that are wider than a column, behind a mark if there is one.
fn broken(pieces: &[Piece], width: usize) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut at = 0;
    while at < pieces.len() {
        let next = pieces[at + 1..].iter().position(|piece| !piece.glued);
        let end = next.map_or(pieces.len(), |to| at + 1 + to);
        let word = &pieces[at..end];
        at = end;
        let chars: Vec<(Tone, char)> = word
            .iter()
            .flat_map(|piece| piece.text.chars().map(|c| (piece.tone, c)))
            .collect();
        if chars.len() <= width {
            out.extend_from_slice(word);
            continue;
        }
        let mut rest = chars.as_slice();
        while !rest.is_empty() {
            let fits = rest.len().min(width.max(1));
            let is_mark = |(_, c): &(Tone, char)| matches!(c, '/' | '.' | '_' | '-' | ',' | ':' | '=' | '|');
            let mark = rest[..fits].iter().rposition(is_mark).map(|mark| mark + 1);
            let cut = match mark {
                Some(mark) if fits < rest.len() && mark > fits / 2 => mark,
                _ => fits,
            };
            let (line, after) = rest.split_at(cut);
            for (nth, same) in line.chunk_by(|one, other| one.0 == other.0).enumerate() {
                out.push(Piece {
                    tone: same[0].0,
                    text: same.iter().map(|(_, c)| c).collect(),
                    glued: nth > 0,
                    breaks: false,
                });
            }
            if !after.is_empty() {
                out.push(Piece {
                    tone: Tone::Plain,
                    text: String::new(),
                    glued: false,
                    breaks: true,
                });
            }
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(page: &str, width: usize) -> String {
        render(page, Ink::PLAIN, width, &|address, shown| {
            let topic = address.strip_suffix(".md")?;
            Some(format!("{shown} (`help {topic}`)"))
        })
    }

    #[test]
    fn blocks_are_laid_out_and_wrapped() {
        let page = "# A page\n\nSome `code` and **strong** words, which are (more)\nthan a line.\n\n- one [link](time.md).\n- two\n\n\
                    1. first\n2. second\n\n```toml\na = 1\n\n  b = 2\n```\n\n## Part\n\nEnd.\n";
        let expected = "\
A page
======

Some `code` and strong words, which are
(more) than a line.

- one link (`help time`).
- two

1. first
2. second

    a = 1

      b = 2

Part
----

End.
";
        assert_eq!(drawn(page, 40), expected);
    }

    #[test]
    fn a_table_keeps_to_the_width() {
        let page = "| key | meaning |\n|---|---|\n| `name` | the project's name, in a sentence that is long |\n| `x` | a \\| b |\n";
        let expected = "\
key     meaning
------  --------------------
`name`  the project's name,
        in a sentence that
        is long
`x`     a | b
";
        assert_eq!(drawn(page, 28), expected);
        let wide = drawn(page, 100);
        assert!(
            wide.contains("`name`  the project's name, in a sentence that is long\n"),
            "{wide}"
        );
    }

    #[test]
    fn colour_changes_no_word() {
        let page = "# A\n\nb `c` *d*\n\n| a | b |\n|---|---|\n| `x` | y |\n";
        let coloured = render(page, Ink::new(true), 80, &|_, _| None);
        assert_ne!(coloured, drawn(page, 80));
        let opened = super::super::ink::opened(&coloured).into_owned();
        let mut plain = String::new();
        for (at, part) in opened.split('\u{1b}').enumerate() {
            plain += if at == 0 {
                part
            } else {
                part.split_once('m').expect("a whole sequence").1
            };
        }
        assert_eq!(plain, drawn(page, 80));
    }
}
