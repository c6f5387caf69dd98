//! The screen of `watch` on a terminal: what stands on it, and how it is drawn into so many columns and lines.
//!
//! ```text
//! atsaf watch  shop                                             building  1 of 3  2.4 s
//!
//!   fresh      ingest    built 2 min ago
//! › running    train     2.4 s  horizon 24 -> 48  (window 2 of 5)
//!   stale      forecast  waits for `train`
//!
//! changed  Atsaffile (just now)
//! b build  f force  w why  r report  up/down select  q quit
//! ```
//!
//! It is data and a function from it to lines, so that a test can look at every screen without a terminal. A row keeps its
//! place from build to build.

mod drawing;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::human;
use super::ink::{Ink, Tone};
use super::instances::{grouped, name_of};
use super::{events, reasons, status};
use crate::engine::event::{Event, Failure, Outcome};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::Plan;
use crate::outward::visible_line;

/// Lines of a failure that stand below its target.
const ERROR_LINES: usize = 8;

/// All that stands on the screen.
#[derive(Clone, Debug, Default)]
pub struct WatchScreen {
    /// The project's name.
    pub project: String,
    /// The targets, in build order.
    pub rows: Vec<WatchRow>,
    /// What is being done.
    pub doing: Doing,
    /// How many targets the build looks at, and how many of them are done.
    pub progress: (usize, usize),
    /// What changed last, and when.
    pub changed: Option<(String, SystemTime)>,
    /// How the last build went, and when it ended.
    pub last: Option<(Tone, String, SystemTime)>,
    /// Mistakes and warnings, line by line.
    pub messages: Vec<String>,
    /// What the last key led to.
    pub answer: Option<String>,
    /// The row that is marked.
    pub selected: usize,
    /// A text that is shown in the place of all.
    pub text: Option<ShownText>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default)]
pub enum Doing {
    /// The Atsaffile is being read.
    #[default]
    Reading,
    /// A build runs since then.
    Building(Instant),
    /// Nothing, until something changes, or until that moment.
    Waiting(Option<SystemTime>),
    /// It is about to end.
    Ending,
}

/// A text in the place of all.
#[derive(Clone, Debug, Default)]
pub struct ShownText {
    /// What it is.
    pub title: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// How many of them are above the screen.
    pub above: usize,
}

/// A target, or the instances of one that are shown together.
#[derive(Clone, Debug)]
pub struct WatchRow {
    /// Its name, which is a goal.
    pub name: String,
    /// Each of its targets with its state.
    targets: BTreeMap<String, TargetState>,
}

/// The state of one target.
#[derive(Clone, Debug)]
struct TargetState {
    tone: Tone,
    word: &'static str,
    text: String,
    /// Since when it runs.
    since: Option<Instant>,
    /// What it is doing.
    says: String,
    /// What of its failure stands below it, and all that is known of that, line by line.
    error: (Vec<String>, Vec<String>),
    /// Whether it has ended in this build, which tells more than that it is fresh.
    has_ended: bool,
}

impl Default for TargetState {
    fn default() -> Self {
        Self {
            tone: Tone::Faint,
            word: "",
            text: String::new(),
            since: None,
            says: String::new(),
            error: Default::default(),
            has_ended: false,
        }
    }
}

impl WatchScreen {
    /// Takes the targets of a project that was read; what is known of those of the same name stays.
    pub fn load(&mut self, graph: &Graph, targets: Vec<TargetId>, expand: bool) {
        let mut known: BTreeMap<String, TargetState> = self.rows.drain(..).flat_map(|row| row.targets).collect();
        self.project.clone_from(&graph.spec.name);
        for group in grouped(targets, graph, expand, |id| *id, |_| ()) {
            let targets = group.iter().map(|id| {
                let name = graph.name(*id).to_owned();
                let state = known.remove(&name).unwrap_or_default();
                (name, state)
            });
            self.rows.push(WatchRow {
                name: name_of(&group, graph),
                targets: targets.collect(),
            });
        }
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
    }

    fn of(&mut self, graph: &Graph, id: TargetId) -> Option<&mut TargetState> {
        let name = graph.name(id);
        self.rows.iter_mut().find_map(|row| row.targets.get_mut(name))
    }

    /// Takes account of what happens in a build; `masked` makes a text fit to be shown.
    pub fn hear(&mut self, event: &Event, graph: &Graph, now: SystemTime, masked: &dyn Fn(&str) -> String) {
        match event {
            Event::Planned { steps, .. } => {
                self.progress.0 = self.progress.1 + steps.len();
                for id in steps {
                    if let Some(state) = self.of(graph, *id) {
                        *state = TargetState {
                            tone: Tone::Stale,
                            word: "stale",
                            ..TargetState::default()
                        };
                    }
                }
            }
            Event::Started {
                target,
                attempt,
                reasons: why,
            } => {
                let text = masked(&reasons::brief(why));
                if let Some(state) = self.of(graph, *target) {
                    *state = TargetState {
                        tone: Tone::Strong,
                        word: "running",
                        text,
                        since: Some(Instant::now()),
                        says: match attempt {
                            1 => String::new(),
                            _ => format!("attempt {attempt}"),
                        },
                        ..TargetState::default()
                    };
                }
            }
            Event::Progress { target, message } => self.says(graph, *target, masked(message)),
            Event::Waiting { target, on } => {
                let says = masked(&format!("waits for {}", events::waited_for(on)));
                self.says(graph, *target, says);
            }
            Event::Stopping { target } => self.says(graph, *target, "tidies up".to_owned()),
            Event::Retrying { target, failure, .. } => {
                let says = masked(&format!("{}; will be tried again", failure.what));
                self.says(graph, *target, says);
            }
            Event::Finished { target, outcome } => self.finished(graph, *target, outcome, now, masked),
            Event::Ended { summary, .. } => {
                let tone = if summary.failed > 0 { Tone::Bad } else { Tone::Plain };
                self.last = Some((tone, events::summary(summary, &[]), now));
            }
            Event::Noticed { .. } | Event::Warning { .. } | Event::Displaced { .. } => {
                let words = events::Words {
                    graph,
                    ink: Ink::PLAIN,
                    live: true,
                    verbose: false,
                    output: false,
                    width: 0,
                };
                let told = words.tell(event, now).unwrap_or_default();
                self.messages.extend(told.lines().map(masked));
            }
            Event::Output { .. } => {}
        }
    }

    fn says(&mut self, graph: &Graph, target: TargetId, says: String) {
        if let Some(state) = self.of(graph, target) {
            state.says = says;
        }
    }

    fn finished(
        &mut self,
        graph: &Graph,
        target: TargetId,
        outcome: &Outcome,
        now: SystemTime,
        masked: &dyn Fn(&str) -> String,
    ) {
        self.progress.1 += 1;
        let (word, tone, text) = events::outcome(graph, outcome, now);
        let error = match outcome {
            Outcome::Failed(failure) => {
                let told = events::failure(graph, target, failure).render();
                let told: Vec<String> = told.lines().map(masked).collect();
                (in_short(failure, masked), told)
            }
            _ => Default::default(),
        };
        let text = masked(&text);
        if let Some(state) = self.of(graph, target) {
            *state = TargetState {
                tone,
                word,
                text,
                error,
                has_ended: true,
                ..TargetState::default()
            };
        }
    }

    /// Takes the states of a plan; what ended in the build before it says more than that it is fresh.
    pub fn plan(&mut self, plan: &Plan, graph: &Graph, masked: &dyn Fn(&str) -> String) {
        for step in &plan.steps {
            let (tone, word, text) = status::state(step, graph, plan.at);
            let Some(state) = self.of(graph, step.target) else {
                continue;
            };
            let tells_more = match step.verdict.stays() {
                true => state.has_ended,
                // That it failed, or why it was left out.
                false => state.has_ended && matches!(state.word, "failed" | "skipped"),
            };
            state.since = None;
            if !tells_more {
                *state = TargetState {
                    tone,
                    word,
                    text: masked(&text),
                    ..TargetState::default()
                };
            }
        }
    }

    /// Begins a build: what ended in the one before is no news any more.
    pub fn begin(&mut self) {
        self.doing = Doing::Building(Instant::now());
        self.progress = (0, 0);
        let states = self.rows.iter_mut().flat_map(|row| row.targets.values_mut());
        states.for_each(|state| state.has_ended = false);
    }

    /// The row that is marked.
    #[must_use]
    pub fn marked(&self) -> Option<&WatchRow> {
        self.rows.get(self.selected)
    }

    /// Moves the mark, or the text that is shown, up or down.
    pub fn go(&mut self, by: isize, (width, height): (usize, usize)) {
        if let Some(text) = &mut self.text {
            let most = text.wrapped(width).count().saturating_sub(height.saturating_sub(3));
            text.above = text.above.saturating_add_signed(by).min(most);
        } else {
            let last = self.rows.len().saturating_sub(1);
            self.selected = self.selected.saturating_add_signed(by).min(last);
        }
    }
}

impl ShownText {
    /// Its lines in pieces of so many characters.
    fn wrapped(&self, width: usize) -> impl Iterator<Item = String> + '_ {
        self.lines.iter().flat_map(move |line| {
            let line: Vec<char> = visible_line(line).chars().collect();
            let pieces = line.chunks(width.max(1)).map(|piece| piece.iter().collect());
            let pieces: Vec<String> = pieces.collect();
            if pieces.is_empty() { vec![String::new()] } else { pieces }
        })
    }
}

impl WatchRow {
    /// Why it failed, if it did, line by line.
    #[must_use]
    pub fn error(&self) -> &[String] {
        self.failure().map_or(&[], |(_, whole)| whole)
    }

    fn failure(&self) -> Option<&(Vec<String>, Vec<String>)> {
        let mut errors = self.targets.values().map(|state| &state.error);
        errors.find(|(_, whole)| !whole.is_empty())
    }

    fn state(&self) -> (Tone, &'static str, String) {
        let mut states = self.targets.values();
        match (states.next(), states.next()) {
            (Some(only), None) => (only.tone, only.word, only.text()),
            _ => self.state_of_many(),
        }
    }

    /// The word of the one that needs most, and how many are in which state.
    fn state_of_many(&self) -> (Tone, &'static str, String) {
        let weight = |state: &TargetState| match state.tone {
            Tone::Bad => 0,
            Tone::Strong => 1,
            Tone::Stale => 2,
            _ => 3,
        };
        let first = self.targets.values().min_by_key(|state| weight(state));
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for state in self.targets.values() {
            match counts.iter_mut().find(|(word, _)| *word == state.word) {
                Some((_, count)) => *count += 1,
                None => counts.push((state.word, 1)),
            }
        }
        let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let (tone, word) = first.map_or((Tone::Faint, ""), |state| (state.tone, state.word));
        (tone, word, counts.join(", "))
    }
}

impl TargetState {
    fn text(&self) -> String {
        let since = self.since.map(passed);
        let says = Some(self.says.as_str()).filter(|says| !says.is_empty());
        let says = says.map(|says| {
            if self.since.is_some() {
                format!("({says})")
            } else {
                says.to_owned()
            }
        });
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        let parts: Vec<String> = [since, text, says].into_iter().flatten().collect();
        parts.join("  ")
    }
}

/// The last that a target printed, else what is said of its failure.
fn in_short(failure: &Failure, masked: &dyn Fn(&str) -> String) -> Vec<String> {
    let said = match failure.tail.is_empty() {
        true => failure.notes.iter().chain(&failure.help),
        false => failure.tail.iter().chain(&[]),
    };
    let lines: Vec<&str> = said.flat_map(|text| text.lines()).collect();
    let last = &lines[lines.len().saturating_sub(ERROR_LINES)..];
    last.iter().map(|line| masked(&human::printed(line))).collect()
}

/// How long ago something was: a screen on which nothing happens does not move every second.
fn ago(then: SystemTime, now: SystemTime) -> String {
    match now.duration_since(then) {
        Ok(passed) if passed >= Duration::from_mins(1) => human::ago(then, now),
        _ => "just now".to_owned(),
    }
}

/// How long something goes on, in tenths of a second.
fn passed(since: Instant) -> String {
    let tenths = u64::try_from(since.elapsed().as_millis() / 100).unwrap_or(u64::MAX);
    human::duration(Duration::from_millis(tenths.saturating_mul(100)))
}

#[cfg(test)]
mod tests;
