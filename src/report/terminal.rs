//! Tells a run as it happens: on a terminal with what runs below the lines of what has ended, else a line an event, and a
//! sign of life where nothing has happened for long.

use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::events::{self, Words};
use super::fold::fold;
use super::ink::Tone;
use super::instance_progress::{InstanceProgress, Telling};
use super::live::{DrawnLines, LiveBlock};
use super::reasons;
use super::screen::{self, Screen};
use crate::engine::clock;
use crate::engine::event::{Event, Observer, Outcome};
use crate::engine::graph::{Graph, TargetId};

/// How often the live lines are drawn again.
const BEAT: Duration = Duration::from_millis(100);
/// How long a terminal must have had its size before the lines are drawn again.
const SETTLED: Duration = Duration::from_millis(300);
/// After how long without a line it is told what runs, where no live lines do.
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);
/// The most live lines.
const LINES: usize = 12;

/// What is told beside the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Each instance of a target for itself.
    pub expand: bool,
    /// What commands and tasks print.
    pub output: bool,
}

/// Runs `build` with an observer that tells it on a screen.
pub fn during<T>(graph: &Graph, screen: &Screen, detail: Detail, build: impl FnOnce(&dyn Observer) -> T) -> T {
    let terminal = Terminal {
        graph,
        screen,
        detail: Detail {
            expand: detail.expand || screen.verbose(),
            output: detail.output || screen.verbose(),
        },
        state: Arc::default(),
        over: Condvar::new(),
    };
    let _shown = screen
        .is_live()
        .then(|| Shown::begin(&terminal.state, screen.reflows()));
    thread::scope(|scope| {
        // Also where `build` panics: the scope waits for its threads.
        let _end = EndOnDrop(&terminal);
        let begin = || {
            let beat = thread::Builder::new().name("live lines".to_owned());
            // Without the thread there is no live line, which is no reason to stop.
            let _ = beat.spawn_scoped(scope, || terminal.beat());
        };
        build(&TerminalObserver {
            terminal: &terminal,
            begin: &begin,
        })
    })
}

/// Tells a run on a screen.
struct Terminal<'a> {
    graph: &'a Graph,
    screen: &'a Screen,
    detail: Detail,
    state: Arc<Mutex<State>>,
    /// Wakes the thread that draws, for its end.
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// The width of the column of names.
    width: usize,
    /// Names of the targets that failed.
    failed: Vec<String>,
    instances: InstanceProgress,
    block: LiveBlock,
    drawn: DrawnLines,
    /// The columns when it was last looked, and when they were others.
    columns: usize,
    resized: Option<Instant>,
    /// Whether the shell has the terminal, since this process is about to stop.
    is_lent: bool,
    /// Whether a thread draws: from the first attempt on.
    is_beating: bool,
    is_over: bool,
    /// When a line was printed last.
    told: Option<Instant>,
}

/// The lines of the run that is shown on this process's terminal, and whether that breaks lines anew.
static SHOWN: Mutex<Option<(Arc<Mutex<State>>, bool)>> = Mutex::new(None);

/// Takes the live lines away before the shell gets the terminal, and draws none until [`take_again`]. A terminal that takes
/// nothing at the moment is left as it is.
pub fn lend() {
    const TRIES: usize = 20;
    let shown = lock(&SHOWN).clone();
    let Some((state, reflows)) = shown else { return };
    for _ in 0..TRIES {
        if let Ok(mut state) = state.try_lock() {
            state.is_lent = true;
            if state.drawn.is_any() {
                let text = state.drawn.clear(screen::size().0, reflows);
                // A terminal that went away has no lines.
                let _ = io::stderr().write_all(text.as_bytes());
            }
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Draws the live lines again, below whatever stands there now.
pub fn take_again() {
    let shown = lock(&SHOWN).clone();
    if let Some((state, _)) = shown {
        lock(&state).is_lent = false;
    }
}

/// Makes a run the one that is shown, until this is dropped.
struct Shown;

impl Shown {
    fn begin(state: &Arc<Mutex<State>>, reflows: bool) -> Self {
        *lock(&SHOWN) = Some((Arc::clone(state), reflows));
        Self
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        *lock(&SHOWN) = None;
    }
}

/// The observer of a run.
struct TerminalObserver<'a> {
    terminal: &'a Terminal<'a>,
    /// Starts the thread that draws.
    begin: &'a (dyn Fn() + Sync),
}

impl Observer for TerminalObserver<'_> {
    fn observe(&self, event: &Event) {
        if self.terminal.hear(event) {
            (self.begin)();
        }
    }
}

impl Terminal<'_> {
    /// Tells an event; gives whether something is under way for the first time.
    fn hear(&self, event: &Event) -> bool {
        let mut state = lock(&self.state);
        let state = &mut *state;
        self.note(state, event);
        let together = state.instances.take(event, self.graph);
        let lines = match (&together, event) {
            (Telling::All { name, text }, _) => vec![(name.clone(), text.clone())],
            (_, Event::Ended { .. }) => state.instances.rest(),
            _ => Vec::new(),
        };
        let words = Words {
            graph: self.graph,
            ink: self.screen.err_ink(),
            live: self.screen.is_live(),
            verbose: self.screen.verbose(),
            output: self.detail.output,
            width: state.width,
        };
        for (name, text) in lines {
            let line = words.line_of("ended", Tone::Good, &name, &text);
            self.say(state, &line);
        }
        match event {
            Event::Finished {
                target,
                outcome: Outcome::Failed(failure),
            } => {
                let told = events::failure(self.graph, *target, failure);
                self.show(state, || self.screen.tell(&told));
                state.failed.push(self.graph.name(*target).to_owned());
            }
            Event::Ended { summary, .. } => {
                let text = events::summary(summary, &state.failed);
                let tone = match summary.failed > 0 || summary.interrupted {
                    true => Tone::Bad,
                    false => Tone::Strong,
                };
                self.end(state);
                self.screen.say(&format!("{}\n", words.ink.paint(tone, &text)));
            }
            _ if !matches!(together, Telling::Alone) => {}
            _ => {
                if let Some(text) = words.tell(event, clock::now()) {
                    match event {
                        // As the command has printed it.
                        Event::Output { .. } => self.show(state, || self.screen.say(&text)),
                        _ => self.say(state, &text),
                    }
                }
            }
        }
        let begins = !state.is_beating && !state.is_over && state.block.is_busy() && !self.screen.quiet();
        state.is_beating |= begins;
        begins
    }

    /// Keeps account of an event for the live lines.
    fn note(&self, state: &mut State, event: &Event) {
        let now = Instant::now();
        let name = |target: &TargetId| self.graph.name(*target);
        let block = &mut state.block;
        match event {
            Event::Planned { steps, expected, .. } => {
                let names = steps.iter().map(|target| name(target).chars().count());
                state.width = names.max().unwrap_or(0).min(24);
                block.plan(steps, expected, now);
                if !self.detail.expand {
                    state.instances.plan(steps, self.graph);
                }
            }
            Event::Waiting { target, on } => {
                let says = self.screen.one_line(&format!("waits for {}", events::waited_for(on)));
                block.say(*target, name(target), says, now);
            }
            Event::Started {
                target,
                attempt,
                reasons: why,
            } => {
                let reason = self.screen.one_line(&reasons::brief(why));
                block.start(*target, name(target), reason, now);
                if *attempt > 1 {
                    block.say(*target, name(target), format!("attempt {attempt}"), now);
                }
            }
            Event::Progress { target, message } => {
                block.say(*target, name(target), self.screen.one_line(message), now);
            }
            Event::Stopping { target } => block.say(*target, name(target), "tidies up".to_owned(), now),
            Event::Retrying { target, .. } => block.stop(*target),
            Event::Finished { target, .. } => block.end(*target),
            _ => {}
        }
    }

    /// Says a line above the live lines; what has no room in it goes on below its last column.
    fn say(&self, state: &mut State, line: &str) {
        let folded = self.screen.is_live().then(|| fold(line, screen::size().0));
        self.show(state, || self.screen.say(folded.as_deref().unwrap_or(line)));
    }

    /// Prints above the live lines.
    fn show(&self, state: &mut State, print: impl FnOnce()) {
        self.clear(state);
        print();
        state.told = Some(Instant::now());
        self.draw(state);
    }

    /// Draws the live lines, once there are any.
    fn draw(&self, state: &mut State) {
        if !self.screen.is_live() || !state.is_beating || state.is_over || state.is_lent {
            return;
        }
        let (columns, lines) = screen::size();
        // In the midst of a change of size nobody knows how the terminal has broken the lines that are there: tmux tells the
        // last of several only a quarter of a second later.
        if std::mem::replace(&mut state.columns, columns) != columns {
            state.resized = Some(Instant::now());
        }
        let is_resized = state.resized.is_some_and(|at| at.elapsed() < SETTLED);
        if is_resized && state.drawn.is_any() {
            return;
        }
        // The line of the cursor is below, and what has ended should not leave the screen at once.
        let most = lines.saturating_sub(3).clamp(2, LINES);
        let lines = state.block.lines(columns, most, Instant::now());
        let ink = self.screen.err_ink();
        let text = state.drawn.replace(&lines, columns, self.screen.reflows(), ink);
        self.screen.draw(&text);
    }

    fn clear(&self, state: &mut State) {
        if state.drawn.is_any() {
            self.screen
                .draw(&state.drawn.clear(screen::size().0, self.screen.reflows()));
        }
    }

    /// Takes the live lines away for good.
    fn end(&self, state: &mut State) {
        state.is_over = true;
        self.clear(state);
        self.over.notify_all();
    }

    /// Draws again and again until the end.
    fn beat(&self) {
        let mut state = lock(&self.state);
        while !state.is_over {
            let pause = match self.screen.is_live() {
                true => {
                    self.draw(&mut state);
                    BEAT
                }
                false => self.give_a_sign(&mut state, SIGN_OF_LIFE),
            };
            let woken = self.over.wait_timeout(state, pause);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells what runs where nothing was told for so long; gives when to look again.
    fn give_a_sign(&self, state: &mut State, after: Duration) -> Duration {
        let now = Instant::now();
        let silent = now - *state.told.get_or_insert(now);
        if let Some(left) = after.checked_sub(silent).filter(|left| !left.is_zero()) {
            return left;
        }
        let words = Words {
            graph: self.graph,
            ink: self.screen.err_ink(),
            live: false,
            verbose: false,
            output: false,
            width: state.width,
        };
        for (name, text) in state.block.words(now) {
            self.screen.say(&words.line_of("running", Tone::Plain, name, &text));
        }
        state.told = Some(now);
        after
    }
}

/// Ends the live lines, whatever has become of the build.
struct EndOnDrop<'a>(&'a Terminal<'a>);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end(&mut lock(&self.0.state));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::engine::event::Summary;
    use crate::engine::files::Files;
    use crate::engine::reason::Reason;
    use crate::engine::run_id::RunId;
    use crate::engine::spec::Spec;
    use crate::fast_map::FastMap;
    use crate::report::screen::Manner;
    use crate::report::screen::tests::Kept;

    fn graph() -> Graph {
        let text = "[target.train]\nrun = \"true > {{output}}\"\noutput = \"a.txt\"\n";
        let catalog = crate::engine::task::Tasks::default().catalog();
        let overrides = crate::atsaffile::Overrides::default();
        let (spec, mistakes): (Spec, _) = crate::atsaffile::load("Atsaffile", text, &overrides, &catalog);
        assert_eq!(mistakes, []);
        Graph::new(spec, &Files::new(Path::new("."), FastMap::default())).expect("a graph")
    }

    fn begun(observer: &dyn Observer) {
        observer.observe(&Event::Planned {
            run: RunId::new(),
            steps: vec![TargetId(0)],
            fresh: 0,
            expected: BTreeMap::new(),
        });
        observer.observe(&Event::Started {
            target: TargetId(0),
            attempt: 1,
            reasons: vec![Reason::NeverBuilt],
        });
    }

    fn kept() -> (Kept, Screen) {
        let kept = Kept::default();
        let screen = kept.screen(Manner::default());
        (kept, screen)
    }

    #[test]
    fn where_nothing_is_told_for_long_what_runs_is() {
        let (graph, (kept, screen)) = (graph(), kept());
        let terminal = Terminal {
            graph: &graph,
            screen: &screen,
            detail: Detail::default(),
            state: Arc::default(),
            over: Condvar::new(),
        };
        begun(&TerminalObserver {
            terminal: &terminal,
            begin: &|| {},
        });
        kept.err();
        let mut state = lock(&terminal.state);
        let hour = Duration::from_hours(1);
        assert!(terminal.give_a_sign(&mut state, hour) > Duration::from_mins(59));
        assert_eq!(kept.err(), "", "a line was told just now");
        state
            .block
            .say(TargetId(0), "train", "window 2 of 5".to_owned(), Instant::now());
        assert_eq!(terminal.give_a_sign(&mut state, Duration::ZERO), Duration::ZERO);
        assert_eq!(kept.err(), "running    train  0 s  (window 2 of 5)\n");
    }

    #[test]
    fn a_run_without_an_end_and_a_panic_end_the_thread_that_draws() {
        let (graph, (_, screen)) = (graph(), kept());
        assert_eq!(
            during(&graph, &screen, Detail::default(), |observer| {
                begun(observer);
                7
            }),
            7
        );
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            during(&graph, &screen, Detail::default(), |observer| {
                begun(observer);
                panic!("it breaks");
            });
        }));
        assert!(panicked.is_err());
    }

    #[test]
    fn what_commands_print_is_told_where_it_is_asked_for() {
        let graph = graph();
        let told = |output| {
            let (kept, screen) = kept();
            let detail = Detail { output, expand: false };
            during(&graph, &screen, detail, |observer| {
                observer.observe(&Event::Output {
                    target: TargetId(0),
                    line: "epoch 1".to_owned(),
                });
                observer.observe(&Event::Ended {
                    run: RunId::new(),
                    summary: Summary::default(),
                });
            });
            kept.err()
        };
        assert_eq!(told(true), "train | epoch 1\nnothing to do: 0 targets are fresh\n");
        assert_eq!(told(false), "nothing to do: 0 targets are fresh\n");
    }
}
