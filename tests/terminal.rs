//! A terminal of a test's own, with a program on it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::project::{Project, until};

/// A program on a terminal.
pub(crate) struct OnTerminal {
    child: Child,
    /// The end that a person has.
    near: File,
    /// The end that the program has.
    far: OwnedFd,
    drawn: Arc<Mutex<vt100::Parser>>,
    /// All that was written to it.
    written: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    /// Starts the program with some arguments, on a terminal of so many columns and lines.
    pub(crate) fn start(project: &Project, args: &str, size: (u16, u16)) -> Self {
        Self::start_with(project, args, size, &[])
    }

    /// The same, with further variables.
    pub(crate) fn start_with(
        project: &Project,
        args: &str,
        (columns, lines): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&near).expect("granted");
        unlockpt(&near).expect("unlocked");
        let name = ptsname(&near, Vec::new()).expect("named");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = open(name.as_c_str(), flags, Mode::empty()).expect("opened");
        tcsetwinsize(&near, size(columns, lines)).expect("sized");
        let stream = || Stdio::from(far.try_clone().expect("another"));
        let told = project.command(args);
        // A session of its own, whose terminal this is: so Ctrl-C is a signal, which a shell lets nobody ignore there.
        let mut command = Command::new("setsid");
        let set = told.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command
            .args(["--ctty", "env", "--default-signal=INT,HUP,QUIT"])
            .arg(told.get_program())
            .args(told.get_args())
            .current_dir(project.at("."))
            .env_clear()
            .envs(set)
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream());
        let child = command.spawn().expect("`setsid` of util-linux");
        let near = File::from(near);
        let drawn = Arc::new(Mutex::new(vt100::Parser::new(cells(lines), cells(columns), 0)));
        let (mut from, screen) = (near.try_clone().expect("another"), Arc::clone(&drawn));
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let all = Arc::clone(&written);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                all.lock().expect("sound").extend_from_slice(&bytes[..count]);
                screen.lock().expect("sound").process(&bytes[..count]);
            }
        });
        Self {
            child,
            near,
            far,
            drawn,
            written,
        }
    }

    /// All that was written to it so far.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("sound")).into_owned()
    }

    /// What stands on it, without what is empty below.
    pub(crate) fn screen(&self) -> String {
        let text = self.drawn.lock().expect("sound").screen().contents();
        format!("{}\n", text.trim_end())
    }

    /// Waits until a text stands on it.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        self.until_screen(text, |screen| screen.contains(text));
    }

    /// Waits until something holds of what stands on it.
    #[track_caller]
    pub(crate) fn until_screen(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !holds(&self.screen()) {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "no `{what}` on\n{}",
                self.screen()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses keys.
    pub(crate) fn press(&self, keys: &str) {
        (&self.near).write_all(keys.as_bytes()).expect("pressed");
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        self.drawn
            .lock()
            .expect("sound")
            .screen_mut()
            .set_size(cells(lines), cells(columns));
        tcsetwinsize(&self.near, size(columns, lines)).expect("sized");
    }

    /// Whether the program has the page beside the shell's, and keys as they are pressed.
    pub(crate) fn is_taken(&self) -> bool {
        let modes = tcgetattr(&self.far).expect("asked").local_modes;
        let drawn = self.drawn.lock().expect("sound");
        let (has_page, hides) = (drawn.screen().alternate_screen(), drawn.screen().hide_cursor());
        let is_raw = !modes.intersects(LocalModes::ICANON | LocalModes::ECHO);
        has_page && hides && is_raw
    }

    /// Whether all of it is as a shell wants it.
    pub(crate) fn is_given_back(&self) -> bool {
        let modes = tcgetattr(&self.far).expect("asked").local_modes;
        let drawn = self.drawn.lock().expect("sound");
        let has_page = drawn.screen().alternate_screen() || drawn.screen().hide_cursor();
        !has_page && modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Writes something on it, as a shell does that has it meanwhile.
    pub(crate) fn write(&self, text: &str) {
        rustix::io::write(&self.far, text.as_bytes()).expect("written");
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, and until the terminal is given back; gives the exit code.
    #[track_caller]
    pub(crate) fn end(mut self) -> Option<i32> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waited for") {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "no end of\n{}", self.screen());
            thread::sleep(Duration::from_millis(5));
        };
        until("a terminal that is given back", || self.is_given_back());
        status.code()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a size")
}

fn size(columns: u16, lines: u16) -> Winsize {
    Winsize {
        ws_row: lines,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Whether a program can be given a terminal here.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn has_terminals() -> bool {
    let has = Command::new(OsStr::new("setsid")).arg("--version").output().is_ok();
    if !has {
        println!("skipped: screens, for there is no `setsid`");
    }
    has
}
