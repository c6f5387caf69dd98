//! What an attempt prints: whole in a file, its last lines in memory, each line to the observer; secrets hidden.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::attempt::Attempt;
use super::event::Event;
use super::spec::Target;

/// What an attempt prints: whole in a file, its last lines in memory, each line to the observer; secrets hidden.
pub(super) struct Log<'a> {
    attempt: &'a Attempt<'a>,
    /// The directory for it.
    pub(super) dir: PathBuf,
    file: Option<File>,
    /// Its last lines.
    pub(super) tail: VecDeque<String>,
    /// The command as it runs, secrets hidden.
    pub(super) command: Option<String>,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
}

impl<'a> Log<'a> {
    /// So many last lines are shown with a failure.
    const TAIL: usize = 20;
    /// A line that is longer is cut here: it may be no text at all.
    const LINE: usize = 1 << 20;

    pub(super) fn new(attempt: &'a Attempt<'a>, target: &Target) -> Self {
        Self {
            attempt,
            dir: attempt.context.store.output_dir(attempt.run, &target.name),
            file: None,
            tail: VecDeque::new(),
            command: None,
            begun: Vec::new(),
        }
    }

    pub(super) fn piece(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&rest[..end]);
            self.flush();
            rest = &rest[end + 1..];
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > Self::LINE {
            // Its end may be the beginning of a secret, so as much is kept back for the next line.
            let mask = self.attempt.mask;
            let text = mask
                .hide(&String::from_utf8_lossy(&std::mem::take(&mut self.begun)))
                .into_owned();
            let (cut, back) = text.split_at(text.floor_char_boundary(text.len() - mask.longest().min(text.len())));
            self.line(cut);
            self.begun = back.as_bytes().to_vec();
        }
    }

    fn flush(&mut self) {
        let begun = std::mem::take(&mut self.begun);
        self.line(String::from_utf8_lossy(&begun).trim_end_matches('\r'));
    }

    pub(super) fn end(&mut self) {
        if !self.begun.is_empty() {
            self.flush();
        }
    }

    pub(super) fn line(&mut self, text: &str) {
        let line = self.attempt.mask.hide(text).into_owned();
        if self.file.is_none() {
            let path = self.dir.join(format!("{}.log", self.attempt.number));
            match self.keep_command().and_then(|()| File::create(&path)) {
                Ok(file) => self.file = Some(file),
                Err(error) => self.warn(&error),
            }
        }
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{line}")
        {
            self.warn(&error);
        }
        self.tail.push_back(line.clone());
        if self.tail.len() > Self::TAIL {
            self.tail.pop_front();
        }
        self.attempt.observer.observe(&Event::Output {
            target: self.attempt.target,
            line,
        });
    }

    /// Whether anything was printed.
    pub(super) fn has_lines(&self) -> bool {
        self.file.is_some()
    }

    /// Keeps the command beside what it prints.
    pub(super) fn keep_command(&self) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let Some(command) = &self.command else {
            return Ok(());
        };
        let mut file = File::create(self.dir.join(format!("{}.command", self.attempt.number)))?;
        writeln!(file, "{command}")
    }

    fn warn(&self, error: &io::Error) {
        self.attempt.observer.observe(&Event::Warning {
            message: format!("the output of an attempt cannot be kept: {error}"),
        });
    }
}
