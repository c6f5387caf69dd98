//! Tells a run as it happens: on a terminal with a live line, else a line an event.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::events::{self, Words};
use super::human;
use super::ink::Tone;
use super::instance_progress::{InstanceProgress, Telling};
use super::screen::Screen;
use crate::engine::clock;
use crate::engine::event::{Event, Observer, Outcome};
use crate::engine::graph::{Graph, TargetId};

/// How often the live line is drawn again.
const BEAT: Duration = Duration::from_millis(100);

/// Tells a run on a screen.
pub struct Terminal<'a> {
    graph: &'a Graph,
    screen: &'a Screen,
    /// Whether each instance of a target is told for itself.
    expand: bool,
    state: Mutex<LiveState>,
}

#[derive(Default)]
struct LiveState {
    /// The width of the column of names.
    width: usize,
    /// Names of the targets that failed.
    failed: Vec<String>,
    /// Drawn from the first attempt on.
    line: Option<LiveLine>,
    instances: InstanceProgress,
    work: Arc<Mutex<Work>>,
}

/// What the live line tells.
#[derive(Default)]
struct Work {
    total: usize,
    done: usize,
    running: BTreeMap<TargetId, RunningTarget>,
}

struct RunningTarget {
    name: String,
    since: Instant,
    says: String,
}

impl<'a> Terminal<'a> {
    /// A report of one run; `expand` tells each instance of a target for itself.
    #[must_use]
    pub fn new(graph: &'a Graph, screen: &'a Screen, expand: bool) -> Self {
        Self {
            graph,
            screen,
            expand: expand || screen.verbose(),
            state: Mutex::default(),
        }
    }

    /// Keeps account of an event for the live line.
    fn note(&self, state: &mut LiveState, event: &Event) {
        let mut work = lock(&state.work);
        match event {
            Event::Planned { steps, .. } => {
                let names = steps.iter().map(|target| self.graph.name(*target).chars().count());
                state.width = names.max().unwrap_or(0).min(24);
                work.total = work.done + steps.len();
                if !self.expand {
                    state.instances.plan(steps, self.graph);
                }
            }
            Event::Waiting { target, on } => {
                work.say(
                    *target,
                    self.graph.name(*target),
                    self.screen.one_line(&format!("waits for {}", events::waited_for(on))),
                );
            }
            Event::Started { target, attempt, .. } => {
                let says = match attempt {
                    1 => String::new(),
                    _ => format!("attempt {attempt}"),
                };
                work.running.remove(target);
                work.say(*target, self.graph.name(*target), says);
            }
            Event::Progress { target, message } => {
                work.say(*target, self.graph.name(*target), self.screen.one_line(message));
            }
            Event::Stopping { target } => {
                work.say(*target, self.graph.name(*target), "tidies up".to_owned());
            }
            Event::Retrying { target, .. } => {
                work.running.remove(target);
            }
            Event::Finished { target, .. } => {
                work.running.remove(target);
                work.done += 1;
            }
            _ => {}
        }
        let begins = self.screen.is_live() && state.line.is_none() && !work.running.is_empty();
        drop(work);
        if begins {
            state.line = Some(LiveLine::new(Arc::clone(&state.work)));
        }
    }
}

impl Observer for Terminal<'_> {
    fn observe(&self, event: &Event) {
        let mut state = lock(&self.state);
        self.note(&mut state, event);
        let together = state.instances.take(event, self.graph);
        let lines = match (&together, event) {
            (Telling::All { name, text }, _) => vec![(name.clone(), text.clone())],
            (_, Event::Ended { .. }) => state.instances.rest(),
            _ => Vec::new(),
        };
        let ink = self.screen.err_ink();
        let words = Words {
            graph: self.graph,
            ink,
            live: self.screen.is_live(),
            verbose: self.screen.verbose(),
            width: state.width,
        };
        let show = |print: &dyn Fn()| match &state.line {
            Some(line) => {
                line.bar.set_message(lock(&state.work).draw());
                line.bar.suspend(print);
            }
            None => print(),
        };
        for (name, text) in lines {
            let line = words.line_of("ended", Tone::Good, &name, &text);
            show(&|| self.screen.say(&line));
        }
        match event {
            Event::Finished {
                target,
                outcome: Outcome::Failed(failure),
            } => {
                let name = self.graph.name(*target);
                show(&|| self.screen.tell(&events::failure(self.graph, *target, failure)));
                state.failed.push(name.to_owned());
            }
            Event::Ended { summary, .. } => {
                let text = events::summary(summary, &state.failed);
                let tone = match summary.failed > 0 || summary.interrupted {
                    true => Tone::Bad,
                    false => Tone::Strong,
                };
                state.line = None;
                self.screen.say(&format!("{}\n", ink.paint(tone, &text)));
            }
            _ if !matches!(together, Telling::Alone) => {}
            _ => {
                if let Some(text) = words.tell(event, clock::now()) {
                    show(&|| self.screen.say(&text));
                }
            }
        }
    }
}

impl Work {
    fn say(&mut self, target: TargetId, name: &str, says: String) {
        let running = self.running.entry(target).or_insert_with(|| RunningTarget {
            name: name.to_owned(),
            since: Instant::now(),
            says: String::new(),
        });
        running.says = says;
    }

    /// `2 of 6  train 3.2 s (window 2 of 5), forecast 0.4 s`.
    fn draw(&self) -> String {
        let mut line = format!("{} of {}", self.done, self.total.max(self.done));
        for (at, running) in self.running.values().enumerate() {
            let took = human::duration(Duration::from_millis(
                u64::try_from(running.since.elapsed().as_millis() / 100 * 100).unwrap_or(u64::MAX),
            ));
            let comma = if at == 0 { "  " } else { ", " };
            let _ = write!(line, "{comma}{} {took}", running.name);
            if !running.says.is_empty() {
                let _ = write!(line, " ({})", running.says);
            }
        }
        line
    }
}

/// A line that is drawn again with every beat, until it is dropped.
struct LiveLine {
    bar: ProgressBar,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LiveLine {
    fn new(work: Arc<Mutex<Work>>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        let (stop, stopped) = mpsc::channel();
        let drawn = bar.clone();
        let thread = thread::Builder::new().name("live line".to_owned()).spawn(move || {
            loop {
                let line = lock(&work).draw();
                drawn.set_message(line);
                drawn.tick();
                if stopped.recv_timeout(BEAT) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        Self {
            bar,
            stop: Some(stop),
            // Without a thread there is no live line, which is no reason to stop.
            thread: thread.ok(),
        }
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
