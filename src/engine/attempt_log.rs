//! What an attempt prints: whole in a file, its last lines in memory, each line to the observer; secrets hidden.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::event::Event;
use super::spec::Target;
use super::store::own_file;
use crate::outward::{Lines, PrintedLine, Tail};

/// What an attempt prints: whole in a file, its last lines in memory, each line to the observer; secrets hidden.
///
/// The file has the bytes as they were printed, memory and observer what can be read of them.
pub(super) struct Log<'a> {
    lines: Lines<'a>,
    kept: Kept<'a>,
}

/// Where the lines go.
struct Kept<'a> {
    attempt: &'a Attempt<'a>,
    dir: PathBuf,
    file: Option<File>,
    tail: Tail,
    /// When a line was told that others are printed over.
    state_told: Option<Instant>,
    /// The last one that was not told, unless something was printed over it.
    untold: Option<String>,
    command: Option<String>,
}

impl<'a> Log<'a> {
    pub(super) fn new(attempt: &'a Attempt<'a>, target: &Target) -> Self {
        Self {
            lines: Lines::new(attempt.mask),
            kept: Kept {
                attempt,
                dir: attempt.context.store.output_dir(attempt.run, &target.name),
                file: None,
                tail: Tail::new(Kept::TAIL),
                state_told: None,
                untold: None,
                command: None,
            },
        }
    }

    pub(super) fn piece(&mut self, bytes: &[u8]) {
        let mut raw = Vec::new();
        let Self { lines, kept } = self;
        lines.take(bytes, &mut |line| kept.line(&line, &mut raw));
        kept.write(&raw);
    }

    pub(super) fn end(&mut self) {
        let mut raw = Vec::new();
        let Self { lines, kept } = self;
        lines.end(&mut |line| kept.line(&line, &mut raw));
        kept.write(&raw);
        if let Some(state) = kept.untold.take() {
            kept.tell(state);
        }
    }

    pub(super) fn line(&mut self, text: &str) {
        self.piece(format!("{text}\n").as_bytes());
    }

    /// The directory for it.
    pub(super) fn dir(&self) -> &PathBuf {
        &self.kept.dir
    }

    /// Its last lines.
    pub(super) fn tail(&self) -> &VecDeque<String> {
        self.kept.tail.lines()
    }

    /// Sets the command as it runs, secrets hidden.
    pub(super) fn set_command(&mut self, command: String) {
        self.kept.command = Some(command);
    }

    /// The last lines and the command.
    pub(super) fn into_parts(self) -> (VecDeque<String>, Option<String>) {
        (self.kept.tail.into_lines(), self.kept.command)
    }

    /// Whether anything was printed.
    pub(super) fn has_lines(&self) -> bool {
        self.kept.file.is_some()
    }

    /// Keeps the command beside what it prints.
    pub(super) fn keep_command(&self) -> io::Result<()> {
        self.kept.keep_command()
    }
}

impl Kept<'_> {
    /// So many last lines are shown with a failure.
    const TAIL: usize = 20;
    /// The time between two states of a progress bar that are told.
    const STATES: Duration = Duration::from_secs(1);

    fn line(&mut self, line: &PrintedLine<'_>, raw: &mut Vec<u8>) {
        raw.extend_from_slice(line.raw);
        self.tail.push(line);
        let is_blank = line.text.trim().is_empty();
        if line.is_overwritten && !self.is_due(line.text) {
            self.untold = (!is_blank).then(|| line.text.to_owned());
            return;
        }
        // The line end behind a bar leaves what stands there.
        let state = self.untold.take().filter(|_| is_blank);
        self.tell(state.unwrap_or_else(|| line.text.to_owned()));
    }

    fn tell(&self, line: String) {
        let target = self.attempt.target;
        self.attempt.observer.observe(&Event::Output { target, line });
    }

    /// Whether a state of a progress bar is told: one a second, and none that says nothing.
    fn is_due(&mut self, text: &str) -> bool {
        let is_due = !text.trim().is_empty() && self.state_told.is_none_or(|at| at.elapsed() >= Self::STATES);
        if is_due {
            self.state_told = Some(Instant::now());
        }
        is_due
    }

    fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.file.is_none() {
            let path = self.dir.join(format!("{}.log", self.attempt.number));
            match self.keep_command().and_then(|()| own_file::create(&path)) {
                Ok(file) => self.file = Some(file),
                Err(error) => self.warn(&error),
            }
        }
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            self.warn(&error);
        }
    }

    fn keep_command(&self) -> io::Result<()> {
        own_file::make_directory(&self.dir)?;
        let Some(command) = &self.command else {
            return Ok(());
        };
        let mut file = own_file::create(&self.dir.join(format!("{}.command", self.attempt.number)))?;
        writeln!(file, "{command}")
    }

    fn warn(&self, error: &io::Error) {
        self.attempt.observer.observe(&Event::Warning {
            message: format!("the output of an attempt cannot be kept: {error}"),
        });
    }
}
