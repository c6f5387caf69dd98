//! The two streams of a command, and whether they want colour and progress.
//!
//! What was asked for goes to stdout, all else to stderr. Everything that is printed goes through here, so a broken
//! pipe, `--quiet` and `NO_COLOR` are honoured in one place; and so secrets are masked and what a text hides is written
//! out, whatever it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::ink::{self, Ink};
use crate::diagnostic::{Diagnostic, Severity};
use crate::outward::{Mask, escape_json, visible_line};

/// How a command was asked to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether to use colour; `None` means where a terminal can show it.
    pub color: Option<bool>,
    /// Errors only.
    pub quiet: bool,
    /// What tasks print as well.
    pub verbose: bool,
    /// JSON on stdout.
    pub json: bool,
}

/// Where a command speaks.
pub struct Screen {
    manner: Manner,
    out: Stream,
    err: Stream,
    /// Whether stderr is a terminal on which a line can be drawn again.
    live: bool,
    /// Whether that terminal breaks lines for which it becomes too narrow: all do but xterm.
    reflows: bool,
    /// Whether stdout is a terminal.
    is_terminal: bool,
    /// The secrets of the project, once they are known.
    mask: Mutex<Arc<Mask>>,
}

struct Stream {
    ink: Ink,
    writer: Mutex<(Box<dyn Write + Send>, Option<io::Error>)>,
}

impl Stream {
    fn new(writer: Box<dyn Write + Send>, colour: bool) -> Self {
        Self {
            ink: Ink::new(colour),
            writer: Mutex::new((writer, None)),
        }
    }

    /// Writes, until writing failed once: a reader that went away does not end a build.
    fn write(&self, bytes: &[u8]) {
        let mut guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, error) = &mut *guard;
        if error.is_none() {
            *error = writer.write_all(bytes).and_then(|()| writer.flush()).err();
        }
    }
}

impl Screen {
    /// The streams of this process.
    #[must_use]
    pub fn new(manner: Manner, env: &BTreeMap<String, String>) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let colour = |terminal| manner.color.unwrap_or_else(|| wants_colour(env, terminal));
        let terminal = err.is_terminal();
        Self {
            manner,
            live: terminal && !is_dumb(env),
            reflows: !env.contains_key("XTERM_VERSION"),
            is_terminal: out.is_terminal(),
            mask: Mutex::default(),
            out: Stream::new(Box::new(io::stdout()), colour(out.is_terminal())),
            err: Stream::new(Box::new(io::stderr()), colour(terminal)),
        }
    }

    /// Whether what is printed goes to a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Streams that go elsewhere, with colour only where it is asked for.
    #[must_use]
    pub fn to(manner: Manner, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            manner,
            live: false,
            reflows: false,
            is_terminal: false,
            mask: Mutex::default(),
            out: Stream::new(out, manner.color == Some(true)),
            err: Stream::new(err, manner.color == Some(true)),
        }
    }

    /// Hides secrets from now on in whatever is printed.
    pub fn hide(&self, mask: Mask) {
        *self.mask.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(mask);
    }

    fn mask(&self) -> Arc<Mask> {
        Arc::clone(&self.mask.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Prints what was asked for.
    pub fn print(&self, text: &str) {
        self.write(&self.out, text);
    }

    /// Prints a value that was asked for, as JSON on one line.
    pub fn print_json(&self, value: &serde_json::Value) {
        let text = self.masked_json(value).to_string();
        self.out.write(format!("{}\n", escape_json(&text)).as_bytes());
    }

    /// The same on lines of its own, for people as well.
    pub fn print_json_laid_out(&self, value: &serde_json::Value) {
        let text = format!("{:#}", self.masked_json(value));
        self.out.write(format!("{}\n", escape_json(&text)).as_bytes());
    }

    /// Prints what draws on the terminal between two texts; nothing in it is anybody else's but a picture, in base64 or as
    /// dots.
    pub fn print_drawn(&self, before: &str, sequences: &str, after: &str) {
        self.print(before);
        self.out.write(sequences.as_bytes());
        self.print(after);
    }

    /// Prints bytes as they are, secrets masked: for programs.
    ///
    /// # Errors
    /// A [`Diagnostic`] if stdout is a terminal, which they could make do anything.
    pub fn print_raw(&self, bytes: &[u8]) -> Result<(), Diagnostic> {
        if self.is_terminal {
            return Err(Diagnostic::error(
                "what a command printed is not shown raw on a terminal, which its control characters would reach",
            )
            .help("leave out `--raw`, or send it to a file or another program"));
        }
        self.out.write(&self.mask().hide_bytes(bytes));
        Ok(())
    }

    fn write(&self, stream: &Stream, text: &str) {
        stream.write(ink::opened(&self.mask().hide(text)).as_bytes());
    }

    /// A text without secrets: for whoever is about to cut it.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        self.mask().hide(text).into_owned()
    }

    /// A text that goes to the live line, which draws itself.
    #[must_use]
    pub fn one_line(&self, text: &str) -> String {
        visible_line(&self.mask().hide(text)).into_owned()
    }

    /// A value with secrets masked in each of its texts, so that it stays JSON.
    fn masked_json<'v>(&self, value: &'v serde_json::Value) -> Cow<'v, serde_json::Value> {
        let mask = self.mask();
        match mask.is_empty() {
            true => Cow::Borrowed(value),
            false => Cow::Owned(mask.hide_json(value)),
        }
    }

    /// Says something besides, unless errors only are wanted.
    pub fn say(&self, text: &str) {
        if !self.manner.quiet {
            self.write(&self.err, text);
        }
    }

    /// Says something even if errors only are wanted.
    pub fn insist(&self, text: &str) {
        self.write(&self.err, text);
    }

    /// Tells what is wrong.
    pub fn tell(&self, diagnostic: &Diagnostic) {
        let text = self.drawn(diagnostic);
        match diagnostic.severity {
            Severity::Error => self.insist(&text),
            Severity::Warning => self.say(&text),
        }
    }

    /// Writes to stderr what moves the cursor and draws lines anew; nothing in it is anybody else's.
    pub fn draw(&self, sequences: &str) {
        if !sequences.is_empty() {
            self.err.write(sequences.as_bytes());
        }
    }

    /// Whether that terminal breaks lines for which it becomes too narrow.
    #[must_use]
    pub fn reflows(&self) -> bool {
        self.reflows
    }

    /// Draws a diagnostic for stderr.
    #[must_use]
    pub fn drawn(&self, diagnostic: &Diagnostic) -> String {
        let ink = self.err.ink;
        diagnostic.render_with(&|part, text| ink.part(part, text))
    }

    /// The colours of stdout.
    #[must_use]
    pub fn out_ink(&self) -> Ink {
        self.out.ink
    }

    /// The colours of stderr.
    #[must_use]
    pub fn err_ink(&self) -> Ink {
        self.err.ink
    }

    /// Whether JSON is wanted on stdout.
    #[must_use]
    pub fn json(&self) -> bool {
        self.manner.json
    }

    /// Whether errors only are wanted.
    #[must_use]
    pub fn quiet(&self) -> bool {
        self.manner.quiet
    }

    /// Whether what tasks print is wanted as well.
    #[must_use]
    pub fn verbose(&self) -> bool {
        self.manner.verbose
    }

    /// Whether lines that are drawn again and again may stand on stderr.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live && !self.manner.quiet && !self.manner.json
    }

    /// Why what was asked for could not be printed, if it could not; a reader that went away is no reason.
    #[must_use]
    pub fn trouble(&self) -> Option<Diagnostic> {
        let guard = self.out.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let error = guard.1.as_ref()?;
        (error.kind() != io::ErrorKind::BrokenPipe)
            .then(|| Diagnostic::error(format!("stdout cannot be written: {error}")))
    }
}

/// The columns and lines of the terminal that stderr is.
#[must_use]
pub fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    let size = size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    size.filter(|(columns, lines)| *columns > 0 && *lines > 0)
        .unwrap_or((80, 24))
}

/// Whether the environment wants colour on a stream: <https://no-color.org> and <https://bixense.com/clicolors>.
fn wants_colour(env: &BTreeMap<String, String>, terminal: bool) -> bool {
    let value = |name: &str| env.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if value("NO_COLOR").is_some() {
        return false;
    }
    match value("CLICOLOR_FORCE") {
        Some(force) if force != "0" => true,
        _ => terminal && value("CLICOLOR") != Some("0") && !is_dumb(env),
    }
}

/// Whether the terminal can only print; one of which nothing is known, too.
fn is_dumb(env: &BTreeMap<String, String>) -> bool {
    env.get("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Arc;

    /// Both streams of a command, kept to be looked at.
    #[derive(Clone, Default)]
    pub(crate) struct Kept {
        out: Sink,
        err: Sink,
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.0.lock().expect("not poisoned"))).expect("UTF-8")
        }
    }

    impl Kept {
        pub(crate) fn screen(&self, manner: Manner) -> Screen {
            Screen::to(manner, Box::new(self.out.clone()), Box::new(self.err.clone()))
        }

        /// What went to stdout since the last call.
        pub(crate) fn out(&self) -> String {
            self.out.take()
        }

        /// What went to stderr since the last call.
        pub(crate) fn err(&self) -> String {
            self.err.take()
        }
    }

    struct Full(io::ErrorKind);

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn colour_follows_the_terminal_unless_the_environment_says_otherwise() {
        assert!(wants_colour(&env(&[("TERM", "xterm")]), true));
        assert!(!wants_colour(&env(&[]), true), "nothing is known of the terminal");
        assert!(wants_colour(&env(&[("CLICOLOR_FORCE", "1")]), false));
        assert!(!wants_colour(&env(&[]), false));
        assert!(!wants_colour(&env(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), true));
        assert!(wants_colour(&env(&[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")]), false));
        assert!(!wants_colour(&env(&[("CLICOLOR_FORCE", "0")]), false));
        assert!(!wants_colour(&env(&[("TERM", "xterm"), ("CLICOLOR", "0")]), true));
        assert!(!wants_colour(&env(&[("TERM", "dumb")]), true));
    }

    #[test]
    fn quiet_leaves_errors_alone() {
        let kept = Kept::default();
        let screen = kept.screen(Manner {
            quiet: true,
            ..Manner::default()
        });
        screen.say("chatter\n");
        screen.tell(&Diagnostic::warning("a warning"));
        screen.tell(&Diagnostic::error("an error"));
        assert_eq!(kept.err(), "error: an error\n");
    }

    #[test]
    fn secrets_are_masked_on_every_way_out() {
        let kept = Kept::default();
        let screen = kept.screen(Manner {
            color: Some(true),
            ..Manner::default()
        });
        screen.hide(Mask::new(["hunter2: \"x\""]));
        screen.print("a hunter2: \u{1b}[0m\"x\" b\u{1b}[45m\n");
        assert_eq!(kept.out(), "a *** b\\u{1b}[45m\n");
        screen.print_json(&serde_json::json!({ "hunter2": "x", "b": ["hunter2: \"x\"\u{202e}"] }));
        assert_eq!(kept.out(), "{\"hunter2\":\"x\",\"b\":[\"***\\u202e\"]}\n");
        screen
            .print_raw(b"a hunter2: \x1b[0m\"x\" b\x1b[45m\xff\n")
            .expect("no terminal");
        assert!(
            kept.out
                .0
                .lock()
                .expect("not poisoned")
                .starts_with(b"a *** b\x1b[45m\xff")
        );
        kept.out.0.lock().expect("not poisoned").clear();
        screen.tell(&Diagnostic::error(format!(
            "{} hunter2: \"x\"",
            screen.err_ink().paint(crate::report::ink::Tone::Bad, "x")
        )));
        let told = kept.err();
        assert!(told.contains("***") && !told.contains("hunter2"), "{told:?}");
        assert_eq!(screen.one_line("hunter2: \"x\"\n\u{1b}"), "***\\u{a}\\u{1b}");
    }

    #[test]
    fn raw_bytes_do_not_go_to_a_terminal() {
        let kept = Kept::default();
        let mut screen = kept.screen(Manner::default());
        screen.is_terminal = true;
        let refused = screen.print_raw(b"\x1b[2J").expect_err("a terminal");
        assert!(refused.what.contains("not shown raw on a terminal") && refused.help.len() == 1);
        assert_eq!(kept.out(), "");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        let screen = |kind| Screen::to(Manner::default(), Box::new(Full(kind)), Box::new(io::sink()));
        let gone = screen(io::ErrorKind::BrokenPipe);
        gone.print("text");
        assert_eq!(gone.trouble(), None);
        let full = screen(io::ErrorKind::StorageFull);
        full.print("text");
        let trouble = full.trouble().expect("told").what;
        assert!(trouble.starts_with("stdout cannot be written"), "{trouble}");
    }
}
