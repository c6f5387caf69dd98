//! What stands below the lines of a build while it runs: a line for each target under way, and a bar over the plan.
//!
//! ```text
//! train      2.4 s of 3.1 s  horizon 24 -> 48  (window 2 of 5)
//! forecast   0.3 s           never built
//! ━━━━━━━━━━━━━━━━────────────────────────  3 of 6  5.2 s
//! ```
//!
//! It is data and a function from it to lines, so that a test can look at it without a terminal; [`DrawnLines`] knows what of it
//! is on the terminal, and how that goes away again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::columns;
use super::human;
use super::ink::{self, Ink, Tone};
use super::toned_line::TonedLine;
use crate::engine::graph::TargetId;

/// The widest bar.
const BAR: usize = 40;
/// No column of names is wider, and none takes more than a third of the screen.
const NAME: usize = 28;
/// Columns of a reason that what the target is doing leaves it.
const REASON: usize = 16;

/// What runs, and how far all of it is.
#[derive(Debug, Default)]
pub(super) struct LiveBlock {
    begun: Option<Instant>,
    /// The targets of the plan with how long each took last, and those of earlier plans that have ended.
    steps: BTreeMap<TargetId, Option<Duration>>,
    ended: BTreeSet<TargetId>,
    running: BTreeMap<TargetId, RunningTarget>,
}

#[derive(Debug)]
struct RunningTarget {
    name: String,
    since: Instant,
    reason: String,
    says: String,
}

impl LiveBlock {
    /// Takes the targets of a plan, and how long those that are to run took when they last did.
    pub(super) fn plan(&mut self, steps: &[TargetId], expected: &BTreeMap<TargetId, Duration>, now: Instant) {
        self.begun.get_or_insert(now);
        // What is no longer open was done by another build.
        let ended = &self.ended;
        self.steps.retain(|target, _| ended.contains(target));
        for target in steps {
            self.ended.remove(target);
            self.steps.insert(*target, expected.get(target).copied());
        }
    }

    /// An attempt begins, for a reason.
    pub(super) fn start(&mut self, target: TargetId, name: &str, reason: String, now: Instant) {
        let running = RunningTarget {
            name: name.to_owned(),
            since: now,
            reason,
            says: String::new(),
        };
        self.running.insert(target, running);
    }

    /// Takes what a target is doing, be it only waiting.
    pub(super) fn say(&mut self, target: TargetId, name: &str, says: String, now: Instant) {
        let running = self.running.entry(target).or_insert_with(|| RunningTarget {
            name: name.to_owned(),
            since: now,
            reason: String::new(),
            says: String::new(),
        });
        running.says = says;
    }

    /// An attempt is over, and there may be another.
    pub(super) fn stop(&mut self, target: TargetId) {
        self.running.remove(&target);
    }

    /// A target is done.
    pub(super) fn end(&mut self, target: TargetId) {
        self.running.remove(&target);
        self.ended.insert(target);
    }

    /// Whether a target is under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// What is under way, name by name: `2.4 s  (window 2 of 5)`.
    pub(super) fn words(&self, now: Instant) -> Vec<(&str, String)> {
        let words = |it: &RunningTarget| match it.says.is_empty() {
            true => passed(it.since, now),
            false => format!("{}  ({})", passed(it.since, now), it.says),
        };
        self.running.values().map(|it| (it.name.as_str(), words(it))).collect()
    }

    /// At most so many lines, none of which is wider than `width` when it is drawn.
    pub(super) fn lines(&self, width: usize, most: usize, now: Instant) -> Vec<TonedLine> {
        let room = most.saturating_sub(1).max(1);
        let shown = match self.running.len() > room {
            true => room - 1,
            false => self.running.len(),
        };
        let rows: Vec<_> = self.running.iter().take(shown).collect();
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        let name = longest(&mut rows.iter().map(|(_, it)| columns::of(&it.name))).min(NAME.min(width / 3));
        let times: Vec<String> = rows.iter().map(|(target, it)| self.time(**target, it, now)).collect();
        let time = longest(&mut times.iter().map(|time| columns::of(time)));
        let mut lines = Vec::new();
        for ((_, it), took) in rows.iter().zip(&times) {
            let mut line = TonedLine::of(Tone::Strong, columns::padded(&columns::cut(&it.name, name), name));
            line.add(Tone::Plain, format!("  {}", columns::padded(took, time)));
            let room = width.saturating_sub(name + time + 4);
            for (tone, text) in it.words(room) {
                line.add(tone, format!("  {text}"));
            }
            lines.push(line);
        }
        if shown < self.running.len() {
            let more = format!("and {} more under way", self.running.len() - shown);
            lines.push(TonedLine::of(Tone::Faint, more));
        }
        lines.push(self.bar(width, now));
        lines
    }

    /// `2.4 s of 3.1 s`, the second being what it took last.
    fn time(&self, target: TargetId, it: &RunningTarget, now: Instant) -> String {
        // So many columns that nothing moves while seconds count.
        let mut time = format!("{:>6}", passed(it.since, now));
        if let Some(last) = self.steps.get(&target).copied().flatten() {
            let _ = write!(time, " of {}", human::duration(last));
        }
        time
    }

    fn bar(&self, width: usize, now: Instant) -> TonedLine {
        let total = self.begun.map(|begun| passed(begun, now)).unwrap_or_default();
        let words = format!("{} of {}  {total}", self.ended.len(), self.steps.len());
        let bar = width.saturating_sub(columns::of(&words) + 3).min(BAR);
        let done = self.parts(bar, now);
        let mut line = TonedLine::of(Tone::Good, "━".repeat(done));
        line.add(Tone::Faint, "─".repeat(bar - done));
        line.add(Tone::Plain, format!("  {words}"));
        line
    }

    /// How many of some equal parts of the plan are done.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a part of a few columns"
    )]
    fn parts(&self, count: usize, now: Instant) -> usize {
        ((count as f64 * self.part(now) + 1e-9) as usize).min(count)
    }

    /// How far the plan is, from 0 to 1: by the time that each target took last. One that never ran counts as much as the
    /// others on average, and only once it is done.
    fn part(&self, now: Instant) -> f64 {
        /// A target that takes no time is a step forward as well.
        const LEAST: f64 = 0.02;
        /// What runs is not done, however long it takes.
        const NEARLY: f64 = 0.95;
        let known: Vec<f64> = self.steps.values().flatten().map(Duration::as_secs_f64).collect();
        let usual = match u32::try_from(known.len()) {
            Ok(count @ 1..) => known.iter().sum::<f64>() / f64::from(count),
            _ => 1.0,
        };
        let weight = |last: &Option<Duration>| last.map_or(usual, |last| last.as_secs_f64()).max(LEAST);
        let (mut all, mut done) = (0.0, 0.0);
        for (target, last) in &self.steps {
            let weight = weight(last);
            all += weight;
            done += match self.running.get(target) {
                _ if self.ended.contains(target) => weight,
                Some(it) if last.is_some() => (now - it.since).as_secs_f64().min(weight * NEARLY),
                _ => 0.0,
            };
        }
        match all > 0.0 {
            true => done / all,
            false => 1.0,
        }
    }
}

impl RunningTarget {
    /// Why it runs and what it is doing, in so many columns; the reason gives way first.
    fn words(&self, room: usize) -> Vec<(Tone, String)> {
        let says = match self.says.is_empty() {
            true => None,
            false => Some(format!("({})", self.says)),
        };
        let taken = says.as_ref().map_or(0, |says| columns::of(says) + 2);
        let reason = columns::cut(&self.reason, room.saturating_sub(taken).max(REASON)).into_owned();
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| (Tone::Plain, reason));
        reason.into_iter().chain(says.map(|says| (Tone::Faint, says))).collect()
    }
}

/// How long something goes on, in tenths of a second.
fn passed(since: Instant, now: Instant) -> String {
    human::duration(tenths(now - since))
}

fn tenths(duration: Duration) -> Duration {
    let tenths = u64::try_from(duration.as_millis() / 100).unwrap_or(u64::MAX);
    Duration::from_millis(tenths.saturating_mul(100))
}

/// The lines that stand on a terminal, above the cursor.
#[derive(Debug, Default)]
pub(super) struct DrawnLines {
    /// The columns that each takes.
    lines: Vec<usize>,
}

impl DrawnLines {
    /// What draws lines in the place of those that are there, on a terminal of so many columns; `reflows` tells whether it
    /// breaks a line for which it has become too narrow into several, as most do.
    pub(super) fn replace(&mut self, lines: &[TonedLine], columns: usize, reflows: bool, ink: Ink) -> String {
        let mut out = self.up(columns, reflows);
        // Where a line that is too long, because the terminal has become narrower since it was asked, would stay broken for
        // good, it is cut instead.
        out.push_str(if reflows { "" } else { "\u{1b}[?7l" });
        for line in lines {
            let _ = writeln!(out, "\u{1b}[K{}", ink::opened(&line.draw(columns, ink)));
        }
        out.push_str("\u{1b}[J");
        out.push_str(if reflows { "" } else { "\u{1b}[?7h" });
        self.lines = lines.iter().map(|line| line.width().min(columns)).collect();
        out
    }

    /// What takes them away.
    pub(super) fn clear(&mut self, columns: usize, reflows: bool) -> String {
        self.replace(&[], columns, reflows, Ink::PLAIN)
    }

    /// Whether there are any.
    pub(super) fn is_any(&self) -> bool {
        !self.lines.is_empty()
    }

    /// What moves the cursor to the beginning of the first of them.
    fn up(&self, columns: usize, reflows: bool) -> String {
        let rows = |width: &usize| match reflows {
            true => width.div_ceil(columns.max(1)).max(1),
            false => 1,
        };
        match self.lines.iter().map(rows).sum::<usize>() {
            0 => String::new(),
            rows => format!("\u{1b}[{rows}A\r"),
        }
    }
}

#[cfg(test)]
mod tests;
