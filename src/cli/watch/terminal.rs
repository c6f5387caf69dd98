//! The terminal as the screen of `watch` has it: keys as they are pressed, another page than the shell's, no cursor.
//!
//! Whatever happens, it is given back: when the screen goes, when this process panics, stops (Ctrl-Z) or is ended by a
//! second Ctrl-C. The keys that make signals keep doing so. `rustix`, which is here for other things, has all that this
//! takes; sizes are asked each time, so nobody has to say that one has changed.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::cli::interrupt;

/// The thread that draws and hears keys.
pub(super) const THREAD: &str = "watch screen";

/// The other page, no cursor, and lines that end at the edge.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[H\u{1b}[2J";
/// All of that undone.
const LEAVE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";

/// What is known of the one terminal.
struct Held {
    /// How it was; `None` if no screen has it.
    before: Option<Termios>,
    /// Whether it is as it was for the while in which this process is stopped.
    is_lent: bool,
    /// The lines that stand on it.
    lines: Vec<String>,
    /// Its size when they were drawn.
    size: (usize, usize),
}

static HELD: Mutex<Held> = Mutex::new(Held {
    before: None,
    is_lent: false,
    lines: Vec::new(),
    size: (0, 0),
});

/// That it is given back on every way out.
static GIVEN_BACK: Once = Once::new();

fn held() -> MutexGuard<'static, Held> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The terminal, until this is dropped.
pub(super) struct TerminalScreen(());

impl TerminalScreen {
    /// Whether the screen can be on this process's terminal.
    pub(super) fn fits() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal()
    }

    /// Takes the terminal.
    ///
    /// # Errors
    /// Whatever asking and setting it meets.
    pub(super) fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut held = held();
        held.before = Some(before);
        held.enter()?;
        drop(held);
        GIVEN_BACK.call_once(|| {
            interrupt::around_stop(lend, take_again, give_back);
            let tell = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                // A task that panics is one that failed, which the screen shows; any other ends the watch.
                if matches!(thread::current().name(), Some("main" | THREAD)) {
                    give_back();
                    tell(panic);
                }
            }));
        });
        Ok(Self(()))
    }

    /// Columns and lines.
    pub(super) fn size() -> (usize, usize) {
        let size = tcgetwinsize(io::stdout()).map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        let or = |number: usize, or: usize| if number == 0 { or } else { number };
        size.map_or((80, 24), |(columns, lines)| (or(columns, 80), or(lines, 24)))
    }

    /// Shows lines, by writing those that are not there already; nothing while this process is stopped, or no screen
    /// has the terminal.
    pub(super) fn show(lines: Vec<String>, size: (usize, usize)) {
        let mut held = held();
        if held.is_lent || held.before.is_none() {
            return;
        }
        let mut out = String::new();
        if held.size != size {
            out += "\u{1b}[2J";
            held.lines.clear();
            held.size = size;
        }
        for at in 0..lines.len().max(held.lines.len()) {
            let line = lines.get(at).map_or("", String::as_str);
            if held.lines.get(at).map(String::as_str) != Some(line) {
                let _ = write!(out, "\u{1b}[{};1H\u{1b}[2K{line}", at + 1);
            }
        }
        if !out.is_empty() {
            held.lines = lines;
            // A terminal that went away ends the process by a signal.
            let _ = put(&out);
        }
    }

    /// The bytes of keys that are pressed within some time; `None` once there can be none.
    pub(super) fn keys(wait: Duration) -> Option<Vec<u8>> {
        let stdin = io::stdin();
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        let timeout = Timespec::try_from(wait).ok()?;
        // A signal, too, ends the wait.
        if poll(&mut waiting, Some(&timeout)).unwrap_or(0) == 0 {
            return Some(Vec::new());
        }
        let mut bytes = [0; 64];
        match rustix::io::read(stdin.as_fd(), &mut bytes) {
            Ok(0) => None,
            Ok(count) => Some(bytes[..count].to_vec()),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Some(Vec::new()),
            Err(_) => None,
        }
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        give_back();
    }
}

impl Held {
    fn enter(&mut self) -> io::Result<()> {
        if let Some(before) = &self.before {
            let mut modes = before.clone();
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
            self.lines.clear();
            self.size = (0, 0);
            self.is_lent = false;
            put(ENTER)?;
        }
        Ok(())
    }

    fn leave(&self) {
        if let Some(before) = &self.before {
            let _ = put(LEAVE);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Gives the terminal back for good.
fn give_back() {
    let mut held = held();
    if !held.is_lent {
        held.leave();
    }
    held.before = None;
}

/// Gives the terminal back while this process is stopped.
fn lend() {
    let mut held = held();
    held.leave();
    held.is_lent = true;
}

/// Takes it again.
fn take_again() {
    // One that does not want to be taken shows nothing.
    let _ = held().enter();
}
