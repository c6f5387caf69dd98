//! What happens in a run, in words.

use std::time::SystemTime;

use super::human;
use super::ink::{Ink, Tone};
use super::reasons::brief;
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Event, Failure, Outcome, Summary};
use crate::engine::graph::{Graph, TargetId};

/// How events are put in words.
pub struct Words<'a> {
    /// The targets' names.
    pub graph: &'a Graph,
    /// The colours.
    pub ink: Ink,
    /// Whether a live line tells what runs, so that nothing else needs to.
    pub live: bool,
    /// Whether what tasks print is shown.
    pub verbose: bool,
    /// The width of the column of names.
    pub width: usize,
}

impl Words<'_> {
    /// The line or lines of one event, if it is worth any; failures are told by [`failure`] and the end by
    /// [`summary`].
    #[must_use]
    pub fn tell(&self, event: &Event, now: SystemTime) -> Option<String> {
        match event {
            Event::Planned { run, steps, fresh } => {
                let told = !steps.is_empty() && (!self.live || self.verbose);
                let targets = human::count(steps.len(), "target");
                told.then(|| format!("run {}: {targets} to look at, {fresh} fresh\n", run.short()))
            }
            Event::Waiting { target, holder } => {
                Some(self.line("waiting", Tone::Stale, *target, &format!("for {holder}")))
            }
            Event::Started {
                target,
                attempt,
                reasons,
            } => {
                let again = match attempt {
                    1 => String::new(),
                    _ => format!(" (attempt {attempt})"),
                };
                let told = !self.live || self.verbose;
                told.then(|| self.line("start", Tone::Plain, *target, &format!("{}{again}", brief(reasons))))
            }
            Event::Progress { target, message } => {
                let told = self.verbose && !self.live;
                told.then(|| self.line("", Tone::Plain, *target, message))
            }
            Event::Output { target, line } => {
                let bar = self.ink.paint(Tone::Faint, &format!("{} |", self.graph.name(*target)));
                self.verbose.then(|| format!("{bar} {line}\n"))
            }
            Event::Retrying {
                target,
                failure,
                attempt,
                delay,
            } => {
                let text = format!("{}; attempt {attempt} in {}", failure.what, human::duration(*delay));
                Some(self.line("retry", Tone::Stale, *target, &text))
            }
            Event::Finished { target, outcome } => self.outcome(*target, outcome, now),
            Event::Displaced { path, to } => {
                let what = format!("`{path}` was not as atsaf left it, and was kept");
                Some(self.draw(&Diagnostic::warning(what).note(format!("it is now `{to}`"))))
            }
            Event::Warning { message } => Some(self.draw(&Diagnostic::warning(message.clone()))),
            Event::Ended { .. } => None,
        }
    }

    fn outcome(&self, target: TargetId, outcome: &Outcome, now: SystemTime) -> Option<String> {
        let line = match outcome {
            Outcome::Built {
                duration,
                changed,
                unchanged,
            } => {
                let took = human::duration(*duration);
                match (changed.is_empty(), unchanged.is_empty()) {
                    (true, false) => self.line(
                        "unchanged",
                        Tone::Good,
                        target,
                        &format!("{took}, made the same as before"),
                    ),
                    (false, false) => {
                        let same = format!("{took}, unchanged: {}", unchanged.join(", "));
                        self.line("built", Tone::Good, target, &same)
                    }
                    (_, true) => self.line("built", Tone::Good, target, &took),
                }
            }
            Outcome::Restored { from, reasons } => {
                let why = match reasons.is_empty() {
                    true => String::new(),
                    false => format!("; {}", brief(reasons)),
                };
                let text = format!("from run {} ({}){why}", from.short(), human::ago(from.time(), now));
                self.line("restored", Tone::Good, target, &text)
            }
            Outcome::Fresh => self.line("fresh", Tone::Good, target, "nothing that it depends on changed"),
            Outcome::Failed(_) => return None,
            Outcome::Skipped { because } => {
                let text = format!("{} failed", self.graph.name(*because));
                self.line("skipped", Tone::Stale, target, &text)
            }
            Outcome::Interrupted => self.line("stopped", Tone::Stale, target, "interrupted"),
        };
        Some(line)
    }

    fn line(&self, word: &str, tone: Tone, target: TargetId, text: &str) -> String {
        let word = self.ink.paint(tone, &format!("{word:9}"));
        let (name, width) = (self.graph.name(target), self.width);
        let line = format!("{word}  {name:width$}  {text}");
        format!("{}\n", line.trim_end())
    }

    fn draw(&self, diagnostic: &Diagnostic) -> String {
        diagnostic.render_with(&|part, text| self.ink.part(part, text))
    }
}

/// A failure with all that helps to understand it.
#[must_use]
pub fn failure(target: &str, failure: &Failure) -> Diagnostic {
    let Failure {
        what,
        notes,
        help,
        tail,
        left,
        retry: _,
    } = failure;
    let mut diagnostic = Diagnostic::error(format!("`{target}` failed: {what}"));
    if !tail.is_empty() {
        diagnostic = diagnostic.note(format!("the last that it printed:\n{}", tail.join("\n")));
    }
    diagnostic.notes.extend(notes.iter().cloned());
    if let Some(left) = left {
        let left = left.strip_prefix("./").unwrap_or(left).display();
        diagnostic = diagnostic.note(format!("its whole output and the files that it wrote are in `{left}`"));
    }
    diagnostic.help.extend(help.iter().cloned());
    diagnostic
}

/// How a run went, in one line; `failed` are the names of the targets that failed.
#[must_use]
pub fn summary(summary: &Summary, failed: &[String]) -> String {
    let Summary {
        built,
        restored,
        fresh,
        failed: failures,
        skipped,
        interrupted,
        duration,
    } = *summary;
    if built + restored + failures + skipped == 0 && !interrupted {
        return match fresh {
            1 => "nothing to do: 1 target is fresh".to_owned(),
            _ => format!("nothing to do: {fresh} targets are fresh"),
        };
    }
    let names = match failed {
        [] => String::new(),
        _ => format!(" ({})", failed.join(", ")),
    };
    let parts = [
        (failures, format!("failed{names}")),
        (skipped, "skipped".to_owned()),
        (built, "built".to_owned()),
        (restored, "restored".to_owned()),
        (fresh, "fresh".to_owned()),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let told = match (interrupted, told.is_empty()) {
        (true, true) => "interrupted".to_owned(),
        (true, false) => format!("interrupted: {}", told.join(", ")),
        (false, _) => told.join(", "),
    };
    format!("{told} in {}", human::duration(duration))
}
