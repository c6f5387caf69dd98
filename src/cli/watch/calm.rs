//! `watch` as a screen: what it knows is drawn again and again, and keys are heard, while the watch goes on.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::terminal::{self, TerminalScreen};
use crate::cli::setup::Project;
use crate::cli::{CommandError, Exit, Session, report, why};
use crate::engine::clock;
use crate::engine::event::{Event, Observer};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::plan::Plan;
use crate::report::ink::{self, Ink, Tone};
use crate::report::screen::{Manner, Screen};
use crate::report::watch_screen::{Doing, ShownText, WatchScreen};

/// How often it is drawn, and how soon a key is heard.
const BEAT: Duration = Duration::from_millis(50);

/// A build that a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// What is stale.
    Build,
    /// The goals and all that they need, stale or not.
    Force,
}

/// The screen, as the watch and its keys know it.
pub(super) struct Calm {
    /// What the watch says goes into `said`, for the terminal belongs to the screen.
    pub(super) session: Session,
    said: Said,
    ink: Ink,
    state: Mutex<WatchScreen>,
    wish: Mutex<Option<Wish>>,
    /// Whether a second `f` forces.
    is_sure: AtomicBool,
    has_quit: AtomicBool,
    /// Where the report is served.
    url: Option<String>,
}

/// What was said, until it is taken.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Said {
    fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *lock(&self.0))).into_owned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same session, of which all that it says is kept.
fn kept(session: &Session) -> (Session, Said) {
    let said = Said::default();
    let (out, err) = (Box::new(said.clone()), Box::new(said.clone()));
    let session = Session {
        common: session.common.clone(),
        env: session.env.clone(),
        screen: Screen::to(Manner::default(), out, err),
        tasks: session.tasks,
    };
    (session, said)
}

impl Calm {
    pub(super) fn new(session: &Session, url: Option<String>) -> Self {
        let ink = session.screen.out_ink();
        let (session, said) = kept(session);
        let state = WatchScreen {
            answer: url.as_ref().map(|url| format!("the report is at {url}; r opens it")),
            ..WatchScreen::default()
        };
        Self {
            session,
            said,
            ink,
            state: Mutex::new(state),
            wish: Mutex::default(),
            is_sure: AtomicBool::new(false),
            has_quit: AtomicBool::new(false),
            url,
        }
    }

    /// Takes the terminal, and shows the screen and hears keys as long as `watch` goes on; `interrupted` ends it.
    pub(super) fn during(
        &self,
        interrupted: &AtomicBool,
        watch: impl FnOnce() -> Result<Exit, CommandError>,
    ) -> io::Result<Result<Exit, CommandError>> {
        let taken = TerminalScreen::take()?;
        let done = AtomicBool::new(false);
        let ended = thread::scope(|scope| {
            // However the watch ends.
            let _end = SetOnDrop(&done);
            let named = thread::Builder::new().name(terminal::THREAD.to_owned());
            named.spawn_scoped(scope, || {
                // Without a screen nobody would know how to end the watch.
                let _end = EndOnPanic(interrupted);
                let mut can_hear = true;
                while !done.load(Ordering::Relaxed) {
                    self.show();
                    if let Some(bytes) = can_hear.then(|| TerminalScreen::keys(BEAT)).flatten() {
                        pressed(&bytes).for_each(|key| self.hear(key, interrupted));
                    } else {
                        can_hear = false;
                        thread::sleep(BEAT);
                    }
                }
            })?;
            Ok(watch())
        });
        drop(taken);
        ended.map(|ended: Result<Exit, CommandError>| match ended {
            Ok(Exit::Interrupted) if self.has_quit.load(Ordering::Relaxed) => Ok(Exit::Done),
            ended => ended,
        })
    }

    fn show(&self) {
        let size = TerminalScreen::size();
        let lines = lock(&self.state).draw(size, clock::now(), self.ink);
        let shown = |line: &String| ink::opened(&self.session.screen.masked(line)).into_owned();
        TerminalScreen::show(lines.iter().map(shown).collect(), size);
    }

    /// Does what a key stands for.
    fn hear(&self, key: Key, interrupted: &AtomicBool) {
        let size = TerminalScreen::size();
        let was_sure = self.is_sure.swap(false, Ordering::Relaxed);
        let mut state = lock(&self.state);
        state.answer = None;
        let is_shown = state.text.is_some();
        match key {
            Key::Letter('q' | 'Q') if !is_shown => {
                state.doing = Doing::Ending;
                self.has_quit.store(true, Ordering::Relaxed);
                interrupted.store(true, Ordering::Relaxed);
            }
            Key::Up | Key::Letter('k') => state.go(-1, size),
            Key::Down | Key::Letter('j') => state.go(1, size),
            Key::PageUp => state.go(-10, size),
            Key::PageDown | Key::Letter(' ') if is_shown => state.go(10, size),
            _ if is_shown => state.text = None,
            Key::Letter('b') => self.wish(Wish::Build, &mut state),
            Key::Letter('f') if was_sure => self.wish(Wish::Force, &mut state),
            Key::Letter('f') => {
                self.is_sure.store(true, Ordering::Relaxed);
                state.answer = Some("f again runs the goals and all that they need, stale or not".to_owned());
            }
            Key::Letter('w') | Key::Enter => {
                let marked = state.marked().map(|row| (row.name.clone(), row.error().to_vec()));
                let messages = state.messages.clone();
                drop(state);
                let text = self.why(marked, messages);
                lock(&self.state).text = Some(text);
            }
            Key::Letter('r') => {
                drop(state);
                let answer = self.report();
                lock(&self.state).answer = Some(answer);
            }
            _ => {}
        }
    }

    fn wish(&self, wish: Wish, state: &mut WatchScreen) {
        match state.doing {
            Doing::Waiting(_) => *lock(&self.wish) = Some(wish),
            _ => state.answer = Some("a build is under way".to_owned()),
        }
    }

    /// Takes the build that a key has asked for since.
    pub(super) fn take_wish(&self) -> Option<Wish> {
        lock(&self.wish).take()
    }

    /// Mistakes that keep a plan from being made, or why the marked target is as it is, with its failure.
    fn why(&self, marked: Option<(String, Vec<String>)>, messages: Vec<String>) -> ShownText {
        let shown = |title: String, lines: Vec<String>| ShownText { title, lines, above: 0 };
        let Some((goal, error)) = marked else {
            return shown("mistakes".to_owned(), messages);
        };
        let (session, said) = kept(&self.session);
        let args = why::Args::of(&goal);
        let told = why::run(&args, &session);
        let mut lines: Vec<String> = said.take().lines().map(str::to_owned).collect();
        if let Err(failure) = told {
            lines.extend(failure.diagnostics.iter().flat_map(|it| {
                let text = session.screen.masked(&it.render());
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            }));
        }
        if !error.is_empty() {
            lines.extend([String::new(), "its last attempt failed:".to_owned()]);
            lines.extend(error);
        }
        if !messages.is_empty() {
            lines.push(String::new());
            lines.extend(messages);
        }
        shown(format!("why {goal}"), lines)
    }

    /// Opens the report, where it is served or in a file that is written for it, and tells where it is.
    fn report(&self) -> String {
        if let Some(url) = &self.url {
            return match open(url.as_ref(), &self.session) {
                true => format!("opened {url}"),
                false => format!("the report is at {url}"),
            };
        }
        let (session, _) = kept(&self.session);
        match report::write_default(&session) {
            Ok(place) => match open(&place, &self.session) {
                true => format!("opened {}", place.display()),
                false => format!("the report is {}", place.display()),
            },
            Err(failure) => {
                let what = failure.diagnostics.into_iter().next().map(|it| it.what);
                self.session.screen.one_line(&what.unwrap_or_default())
            }
        }
    }

    /// Takes what was said as what there is to know of the Atsaffile.
    pub(super) fn hear_messages(&self) {
        let lines = self.said.take().lines().map(str::to_owned).collect();
        lock(&self.state).messages = lines;
    }

    /// Forgets what was said: the screen tells it otherwise.
    pub(super) fn hear_nothing(&self) {
        drop(self.said.take());
    }

    /// Adds what was said.
    pub(super) fn hear_more(&self) {
        let lines = self.said.take();
        lock(&self.state).messages.extend(lines.lines().map(str::to_owned));
    }

    /// Takes the targets of a project whose build is about to begin.
    pub(super) fn begin(&self, project: &Project, goals: &[TargetId]) {
        let graph = &project.graph;
        let mut state = lock(&self.state);
        state.load(graph, graph.needed(goals), self.session.common.expand);
        state.begin();
    }

    /// Takes the states that are there now.
    pub(super) fn plan(&self, plan: &Plan, graph: &Graph) {
        let masked = |text: &str| self.session.screen.one_line(text);
        lock(&self.state).plan(plan, graph, &masked);
    }

    /// Tells that a change is waited for.
    pub(super) fn wait(&self, due: Option<SystemTime>) {
        let mut state = lock(&self.state);
        if !matches!(state.doing, Doing::Ending) {
            state.doing = Doing::Waiting(due);
        }
    }

    /// Tells what changed.
    pub(super) fn changed(&self, paths: &str) {
        let mut state = lock(&self.state);
        state.changed = Some((self.session.screen.one_line(paths), clock::now()));
        state.doing = Doing::Reading;
    }

    /// Tells how a build failed to begin.
    pub(super) fn failed(&self) {
        lock(&self.state).last = Some((Tone::Bad, "nothing was run: see above".to_owned(), clock::now()));
    }

    /// What hears a build of a graph.
    pub(super) fn listener<'a>(&'a self, graph: &'a Graph) -> impl Observer + 'a {
        Listener { calm: self, graph }
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct EndOnPanic<'a>(&'a AtomicBool);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

struct Listener<'a> {
    calm: &'a Calm,
    graph: &'a Graph,
}

impl Observer for Listener<'_> {
    fn observe(&self, event: &Event) {
        let masked = |text: &str| self.calm.session.screen.one_line(text);
        lock(&self.calm.state).hear(event, self.graph, clock::now(), &masked);
    }
}

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Letter(char),
    Enter,
    Up,
    Down,
    PageUp,
    PageDown,
    /// Any other.
    Other,
}

/// The keys that some bytes stand for.
fn pressed(bytes: &[u8]) -> impl Iterator<Item = Key> {
    let mut keys = Vec::new();
    let mut left = bytes;
    while let [first, rest @ ..] = left {
        left = rest;
        keys.push(match (first, rest) {
            (0x1b, [b'[' | b'O', after @ ..]) => {
                let end = after
                    .iter()
                    .position(|byte| byte.is_ascii_alphabetic() || *byte == b'~');
                let (sequence, after) = after.split_at(end.map_or(after.len(), |end| end + 1));
                left = after;
                match sequence {
                    b"A" => Key::Up,
                    b"B" => Key::Down,
                    b"5~" => Key::PageUp,
                    b"6~" => Key::PageDown,
                    _ => Key::Other,
                }
            }
            (b'\r' | b'\n', _) => Key::Enter,
            (byte, _) if byte.is_ascii_graphic() || *byte == b' ' => Key::Letter(char::from(*byte)),
            _ => Key::Other,
        });
    }
    keys.into_iter()
}

/// Opens a file or an address with the desktop's own program; false where there is no desktop.
fn open(what: &Path, session: &Session) -> bool {
    let is_set = |name: &str| session.env.get(name).is_some_and(|value| !value.is_empty());
    let program = match cfg!(target_os = "macos") {
        true => "open",
        false if is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") => "xdg-open",
        false => return false,
    };
    let what: PathBuf = what.to_owned();
    let mut command = Command::new(program);
    command
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    // It is waited for, or it would stay as a dead process.
    let waited = thread::Builder::new().spawn(move || child.wait());
    waited.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_letters_and_the_sequences_of_arrows() {
        let keys: Vec<Key> = pressed(b"q\x1b[A\x1bOB\x1b[6~\x1b[1;5Cw\r\x1b").collect();
        let expected = [
            Key::Letter('q'),
            Key::Up,
            Key::Down,
            Key::PageDown,
            Key::Other,
            Key::Letter('w'),
            Key::Enter,
            Key::Other,
        ];
        assert_eq!(keys, expected);
    }
}
