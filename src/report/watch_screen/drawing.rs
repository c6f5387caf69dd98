//! How the screen of `watch` is drawn: lines of coloured texts, and which of them there is room for.

use std::time::SystemTime;

use super::{Doing, ERROR_LINES, WatchRow, WatchScreen, ago, passed};
use crate::report::ink::{Ink, Tone};
use crate::report::toned_line::TonedLine;
use crate::report::{human, notes};

/// The width of the column of states.
const STATE: usize = 9;
/// With fewer lines, only keys and what the last one led to stand below the targets, and mistakes leave one target its line.
const SMALL: usize = 10;
/// What stands below the targets gives way to mistakes with so many lines fewer than these.
const FOOT: usize = 4;
/// The least lines on which a screen is drawn.
pub(super) const LEAST: usize = 6;

impl WatchScreen {
    /// Draws it: at most so many lines of at most so many characters.
    #[must_use]
    pub fn draw(&self, (width, height): (usize, usize), now: SystemTime, ink: Ink) -> Vec<String> {
        let height = height.max(LEAST);
        let mut lines = vec![self.head(width), TonedLine::default()];
        if let Some(text) = &self.text {
            let shown = text.wrapped(width).skip(text.above).take(height - 3);
            lines[1] = TonedLine::of(Tone::Strong, text.title.clone());
            lines.extend(shown.map(|line| TonedLine::of(Tone::Plain, line)));
            lines.resize(height - 1, TonedLine::default());
            lines.push(keys(&[("up/down", "scroll"), ("any other", "back")]));
        } else {
            let mut foot = self.foot(now);
            let gives_way = if self.messages.is_empty() { 0 } else { FOOT };
            if height < SMALL + gives_way {
                // The targets, and what is wrong, matter more than what was last.
                let stays = 1 + usize::from(self.answer.is_some());
                foot.drain(..foot.len() - stays);
            }
            let room = height.saturating_sub(lines.len() + foot.len());
            let messages = self.messages_within(room, height < SMALL);
            lines.extend(self.rows_within(room - messages.len()));
            lines.extend(messages);
            // The keys stand at the lower edge, whatever is above them.
            lines.resize(height.saturating_sub(foot.len()), TonedLine::default());
            lines.extend(foot);
        }
        lines.truncate(height);
        lines.iter().map(|line| line.draw(width, ink)).collect()
    }

    fn head(&self, width: usize) -> TonedLine {
        let doing = match self.doing {
            Doing::Reading => "reading the Atsaffile".to_owned(),
            Doing::Building(since) => {
                let (all, done) = self.progress;
                match all {
                    0 => "looking at the files".to_owned(),
                    _ => format!("building  {done} of {all}  {}", passed(since)),
                }
            }
            Doing::Waiting(None) => "waiting for a change".to_owned(),
            Doing::Waiting(Some(due)) => format!("waiting for a change, {} at last", notes::until(due)),
            Doing::Ending => "ending".to_owned(),
        };
        let mut head = TonedLine::of(Tone::Strong, "atsaf watch".to_owned());
        head.add(Tone::Plain, format!("  {}", self.project));
        let space = width.saturating_sub(head.width() + doing.chars().count()).max(2);
        head.add(Tone::Faint, format!("{}{doing}", " ".repeat(space)));
        head
    }

    /// What stands below the targets.
    fn foot(&self, now: SystemTime) -> Vec<TonedLine> {
        let mut foot = vec![TonedLine::default()];
        if let Some((paths, when)) = &self.changed {
            let mut line = TonedLine::of(Tone::Faint, "changed  ".to_owned());
            line.add(Tone::Plain, format!("{paths} "));
            line.add(Tone::Faint, format!("({})", ago(*when, now)));
            foot.push(line);
        }
        if let Some((tone, text, when)) = &self.last {
            let mut line = TonedLine::of(Tone::Faint, "last     ".to_owned());
            line.add(*tone, format!("{text} "));
            line.add(Tone::Faint, format!("({})", ago(*when, now)));
            foot.push(line);
        }
        if let Some(answer) = &self.answer {
            foot.push(TonedLine::of(Tone::Strong, answer.clone()));
        }
        foot.push(keys(&[
            ("b", "build"),
            ("f", "force"),
            ("w", "why"),
            ("r", "report"),
            ("up/down", "select"),
            ("q", "quit"),
        ]));
        foot
    }

    /// Mistakes and warnings, in half of the room at most; on a small screen, in all but the line of one target.
    fn messages_within(&self, room: usize, is_small: bool) -> Vec<TonedLine> {
        if self.messages.is_empty() {
            return Vec::new();
        }
        let most = match (self.rows.is_empty(), is_small) {
            (true, _) => room,
            (false, true) => room.saturating_sub(1),
            // One of the targets, with how many there are above and below, goes before.
            (false, false) => (room / 2).min(room.saturating_sub(3)),
        };
        let mut lines = match is_small {
            true => Vec::new(),
            false => vec![TonedLine::default()],
        };
        let most = most.saturating_sub(lines.len());
        if most == 0 {
            return Vec::new();
        }
        let shown = match self.messages.len() > most {
            // Of a single line, it is the mistake.
            true => most.saturating_sub(1).max(1),
            false => most,
        };
        for line in self.messages.iter().take(shown) {
            let tone = match line {
                it if it.starts_with("error") => Tone::Bad,
                it if it.starts_with("warning") => Tone::Stale,
                _ => Tone::Plain,
            };
            lines.push(TonedLine::of(tone, line.clone()));
        }
        if self.messages.len() > shown && shown < most {
            let more = self.messages.len() - shown;
            lines.push(TonedLine::of(
                Tone::Faint,
                format!("and {} more", human::count(more, "line")),
            ));
        }
        lines
    }

    /// The targets, each with what is wrong with it; where they are too many, those around the marked one.
    fn rows_within(&self, room: usize) -> Vec<TonedLine> {
        let names = self.rows.iter().map(|row| row.name.chars().count());
        let width = names.max().unwrap_or(0).min(28);
        let wanted = |errors: usize| -> Vec<Vec<TonedLine>> {
            let rows = self.rows.iter().enumerate();
            rows.map(|(at, row)| row.lines(width, at == self.selected, errors))
                .collect()
        };
        let count = |rows: &[Vec<TonedLine>]| rows.iter().map(Vec::len).sum::<usize>();
        let fitting = (0..=ERROR_LINES).rev().map(wanted).find(|rows| count(rows) <= room);
        let Some(rows) = fitting else {
            let is_bad = |row: &WatchRow| row.state().0 == Tone::Bad;
            let bad: Vec<bool> = self.rows.iter().map(is_bad).collect();
            return around(wanted(1), &bad, self.selected, room);
        };
        rows.into_iter().flatten().collect()
    }
}

/// Those rows around one that fit, and how many are above and below; `bad` says which have failed.
fn around(rows: Vec<Vec<TonedLine>>, bad: &[bool], middle: usize, room: usize) -> Vec<TonedLine> {
    // Two lines for how many there are more, if there is room for them.
    let is_counted = room > 2;
    let room = if is_counted { room - 2 } else { room };
    let (mut from, mut to) = (middle, (middle + 1).min(rows.len()));
    let length = |at: usize| rows.get(at).map_or(0, Vec::len);
    // The marked one first, as much of it as there is room for, and then further ones on both sides by turns.
    let mut used = length(middle).min(room);
    loop {
        let before = used;
        if to < rows.len() && used + length(to) <= room {
            used += length(to);
            to += 1;
        }
        if from > 0 && used + length(from - 1) <= room {
            from -= 1;
            used += length(from);
        }
        if used == before {
            break;
        }
    }
    let more = |hidden: &[bool], side: &str| {
        let mut line = match hidden.len() {
            0 => return TonedLine::default(),
            count => TonedLine::of(Tone::Faint, format!("  {count} more {side}")),
        };
        match hidden.iter().filter(|is_bad| **is_bad).count() {
            0 => {}
            failed => line.add(Tone::Bad, format!(", {failed} failed")),
        }
        line
    };
    let shown = rows.into_iter().skip(from).take(to - from).flatten().take(room);
    match is_counted {
        false => shown.collect(),
        true => [more(&bad[..from], "above")]
            .into_iter()
            .chain(shown)
            .chain([more(&bad[to..], "below")])
            .collect(),
    }
}

impl WatchRow {
    fn lines(&self, width: usize, is_marked: bool, errors: usize) -> Vec<TonedLine> {
        let mut line = TonedLine::of(Tone::Strong, if is_marked { "> " } else { "  " }.to_owned());
        let (tone, word, text) = self.state();
        line.add(tone, format!("{word:STATE$}  "));
        line.add(Tone::Strong, format!("{:width$}  ", self.name));
        line.add(Tone::Plain, text);
        let mut lines = vec![line];
        let error = self.failure().map_or(&[][..], |(short, _)| short);
        let shown = match error.len() > errors {
            true => errors.saturating_sub(1),
            false => error.len(),
        };
        let indented = |text: &str| TonedLine::of(Tone::Faint, format!("{}{text}", " ".repeat(STATE + 4)));
        lines.extend(error.iter().take(shown).map(|text| indented(text)));
        if shown < error.len() && errors > 0 {
            lines.push(indented("w shows all of it"));
        }
        lines
    }
}

fn keys(all: &[(&str, &str)]) -> TonedLine {
    let mut line = TonedLine::default();
    for (at, (key, does)) in all.iter().enumerate() {
        let before = if at == 0 { "" } else { "  " };
        line.add(Tone::Strong, format!("{before}{key}"));
        line.add(Tone::Faint, format!(" {does}"));
    }
    line
}
