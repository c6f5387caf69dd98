//! Words of a command that may be paths of project files.

use super::path;

/// Stands for a hole whose text is not known.
pub(super) const HOLE: char = '\u{1}';

/// Characters that end a word of the shell and begin a new command.
const SEPARATORS: [char; 6] = [';', '&', '|', '\n', '(', ')'];

/// Characters that mean something to the shell.
const CHANGED: &str = "$`*?[]'\"<>;&|(){}~#!\\";

/// Adds a word of a list that may be a file; of the first, which is the program, only one with a `/`.
pub(super) fn of_list(word: &str, program: bool, files: &mut Vec<String>) {
    if !word.contains(HOLE) {
        add(word, program, files);
    }
}

/// Adds the words of a text for the shell that may be files: those that are literal, in the order of the text.
///
/// Quotes are read as the shell reads them; operators, comments, and the words that a redirection writes to are left
/// out. A text whose quotes do not close is split at white space.
pub(super) fn of_shell(text: &str, files: &mut Vec<String>) {
    let before = files.len();
    let mut scan = Scan::new(files);
    if scan.all(text).is_none() {
        files.truncate(before);
        for (at, word) in text.split_whitespace().enumerate() {
            if !word.contains(HOLE) && !word.contains(|c| CHANGED.contains(c)) {
                add(word, at == 0, files);
            }
        }
    }
}

fn add(word: &str, program: bool, files: &mut Vec<String>) {
    if word.is_empty() || word.starts_with('-') || (program && !word.contains('/')) {
        return;
    }
    let path = path::normalise(word);
    if !path.is_empty() && !path::is_outside(&path) && !path::is_store(&path) {
        files.push(path);
    }
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq)]
enum NextWord {
    Program,
    Argument,
    /// Read through a redirection.
    Read,
    /// Written to, or the end mark of a text in place.
    NotRead,
}

/// Reads the words of a text as the shell would.
struct Scan<'f> {
    files: &'f mut Vec<String>,
    word: String,
    /// Whether a word has begun; quotes alone make an empty one.
    begun: bool,
    /// Whether the shell takes the word as it is.
    literal: bool,
    next: NextWord,
    /// What comes after a redirection's word.
    resume: NextWord,
}

impl<'f> Scan<'f> {
    fn new(files: &'f mut Vec<String>) -> Self {
        Self {
            files,
            word: String::new(),
            begun: false,
            literal: true,
            next: NextWord::Program,
            resume: NextWord::Argument,
        }
    }

    /// Reads the whole text; `None` if a quote does not close.
    fn all(&mut self, text: &str) -> Option<()> {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' => {
                    self.begun = true;
                    loop {
                        match chars.next()? {
                            '\'' => break,
                            inner => self.push(inner),
                        }
                    }
                }
                '"' => self.quoted(&mut chars)?,
                '\\' => match chars.next() {
                    Some('\n') => {}
                    Some(escaped) => self.push(escaped),
                    None => self.push('\\'),
                },
                '#' if !self.begun => while chars.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => self.redirect(c, &mut chars),
                _ if SEPARATORS.contains(&c) => {
                    self.end();
                    self.next = NextWord::Program;
                }
                _ if c.is_whitespace() => self.end(),
                '$' | '`' | '*' | '?' | '[' | '~' | '{' | '}' | '!' => {
                    self.push(c);
                    self.literal = false;
                }
                _ => self.push(c),
            }
        }
        self.end();
        Some(())
    }

    fn quoted(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
        self.begun = true;
        loop {
            match chars.next()? {
                '"' => return Some(()),
                '\\' => match chars.next()? {
                    '\n' => {}
                    escaped @ ('$' | '`' | '"' | '\\') => self.push(escaped),
                    other => {
                        self.push('\\');
                        self.push(other);
                    }
                },
                c @ ('$' | '`') => {
                    self.push(c);
                    self.literal = false;
                }
                c => self.push(c),
            }
        }
    }

    /// Ends the word before `<` or `>`; the one after `<` is read, any other is not.
    fn redirect(&mut self, sign: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        if self.word.chars().all(|c| c.is_ascii_digit()) {
            // The number of a stream.
            self.word.clear();
            self.begun = false;
        }
        self.end();
        let mut signs = 1;
        while chars.next_if(|c| matches!(c, '<' | '>' | '&' | '|' | '-')).is_some() {
            signs += 1;
        }
        self.resume = self.next;
        self.next = match sign == '<' && signs == 1 {
            true => NextWord::Read,
            false => NextWord::NotRead,
        };
    }

    fn push(&mut self, c: char) {
        self.begun = true;
        self.literal &= c != HOLE;
        self.word.push(c);
    }

    fn end(&mut self) {
        if !self.begun {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let literal = std::mem::replace(&mut self.literal, true);
        self.begun = false;
        let assignment = word
            .split_once('=')
            .is_some_and(|(name, _)| super::sections::is_name(name));
        let next = self.next;
        if next == NextWord::Program && assignment {
            return;
        }
        self.next = match next {
            NextWord::Read | NextWord::NotRead => self.resume,
            NextWord::Program | NextWord::Argument => NextWord::Argument,
        };
        if literal && next != NextWord::NotRead {
            add(&word, next == NextWord::Program, self.files);
        }
    }
}
