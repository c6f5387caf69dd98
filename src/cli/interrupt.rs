//! Ctrl-C, termination, a closed terminal, Ctrl-Z, and an abort.

use std::ffi::c_int;
use std::fs;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;

use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Exit;
use crate::engine::command;
use crate::report::terminal as live;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What is done to a terminal that was set otherwise than it was found.
struct TerminalHooks {
    lend: fn(),
    take_again: fn(),
    give_back: fn(),
}

static TERMINAL: OnceLock<TerminalHooks> = OnceLock::new();

fn terminal(act: impl FnOnce(&TerminalHooks)) {
    if let Some(hooks) = TERMINAL.get() {
        act(hooks);
    }
}

/// From now on the terminal is given back for as long as Ctrl-Z stops this process, and for good before a second signal
/// ends it.
pub(super) fn around_stop(lend: fn(), take_again: fn(), give_back: fn()) {
    let _ = TERMINAL.set(TerminalHooks {
        lend,
        take_again,
        give_back,
    });
}

/// From now on the first signal sets what is given back, so that the command can end in order; a second one ends the
/// process and its commands at once, which the store survives as it survives a kill. Ctrl-Z stops the commands with this
/// process, and they go on with it.
pub(super) fn watch() -> &'static AtomicBool {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let ignored = ignored();
        let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]
            .into_iter()
            .filter(|signal| !ignored(*signal));
        // Without it, a signal ends the process as a kill does.
        if let Ok(mut signals) = Signals::new(wanted) {
            // Nor without a thread.
            let _ = thread::Builder::new().spawn(move || {
                for signal in signals.forever() {
                    if signal == SIGTSTP {
                        command::stop_all(|| {
                            terminal(|hooks| (hooks.lend)());
                            live::lend();
                            let _ = emulate_default_handler(SIGTSTP);
                            live::take_again();
                            terminal(|hooks| (hooks.take_again)());
                        });
                        continue;
                    }
                    if signal == SIGQUIT {
                        terminal(|hooks| (hooks.give_back)());
                        let _ = emulate_default_handler(SIGQUIT);
                    }
                    if INTERRUPTED.swap(true, Ordering::Relaxed) {
                        command::kill_all();
                        live::lend();
                        terminal(|hooks| (hooks.give_back)());
                        process::exit(Exit::Interrupted as i32);
                    }
                }
            });
        }
    });
    &INTERRUPTED
}

/// Makes an abort end the process with an exit code and no core dump: it is an allocation that failed, whose message is out
/// by then.
pub(super) fn on_abort() {
    // Without it, a signal ends the process.
    let _ = flag::register_conditional_shutdown(SIGABRT, Exit::Failed as c_int, Arc::new(AtomicBool::new(true)));
}

/// Tells which signals this process was born to ignore: under `nohup` a closed terminal, in the background of a
/// script Ctrl-C. They stay ignored.
fn ignored() -> impl Fn(c_int) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = line
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    move |signal| mask >> (signal - 1) & 1 == 1
}
