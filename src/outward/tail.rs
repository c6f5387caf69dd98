//! The last lines that something printed, as they are left to be read.

use std::collections::VecDeque;

use super::lines::PrintedLine;

/// The last lines; of those over which others were printed, only the last.
#[derive(Debug)]
pub struct Tail {
    lines: VecDeque<String>,
    most: usize,
    /// Whether the next line is printed over the last one.
    is_overwritten: bool,
}

impl Tail {
    /// Keeps so many lines.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            most,
            is_overwritten: false,
        }
    }

    /// Takes a line.
    pub fn push(&mut self, line: &PrintedLine<'_>) {
        let is_blank = line.text.trim().is_empty();
        // A bar that is wiped out, and the line end behind a bar.
        if is_blank && (line.is_overwritten || self.is_overwritten) {
            self.is_overwritten &= line.is_overwritten;
            return;
        }
        if self.is_overwritten || self.lines.len() == self.most {
            match self.is_overwritten {
                true => drop(self.lines.pop_back()),
                false => drop(self.lines.pop_front()),
            }
        }
        self.lines.push_back(line.text.to_owned());
        self.is_overwritten = line.is_overwritten;
    }

    /// The lines, the oldest first.
    #[must_use]
    pub fn lines(&self) -> &VecDeque<String> {
        &self.lines
    }

    /// The same.
    #[must_use]
    pub fn into_lines(self) -> VecDeque<String> {
        self.lines
    }
}
