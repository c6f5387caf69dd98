//! Words of a command that may be paths of project files.

use super::path;
use crate::engine::spec::shell_text::{self, Token};

/// Stands for a hole whose text is not known.
pub(super) const HOLE: char = '\u{1}';

/// Characters that mean something to the shell.
const CHANGED: &str = "$`*?[]'\"<>;&|(){}~#!\\";

/// Adds a word of a list that may be a file; of the first, which is the program, only one with a `/`.
pub(super) fn of_list(word: &str, program: bool, files: &mut Vec<String>) {
    if !word.contains(HOLE) {
        add(word, program, files);
    }
}

/// The words that may be paths of project files, counted from the project; they are read in the directory `cwd`.
pub(super) fn from_project(words: Vec<String>, cwd: Option<&str>) -> Vec<String> {
    let from_project = |word: String| match cwd {
        Some(cwd) if !word.starts_with('/') => path::normalise(&format!("{cwd}/{word}")),
        _ => word,
    };
    let is_inside = |path: &String| !path.is_empty() && !path::is_outside(path) && !path::is_store(path);
    words.into_iter().map(from_project).filter(is_inside).collect()
}

/// Adds the words of a text for the shell that may be files: those that are literal, in the order of the text.
///
/// Quotes are read as the shell reads them; operators, comments, and the words that a redirection writes to are left
/// out. A text whose quotes do not close is split at white space.
pub(super) fn of_shell(text: &str, files: &mut Vec<String>) {
    let Some(tokens) = shell_text::tokens(text) else {
        for (at, word) in text.split_whitespace().enumerate() {
            if !word.contains(HOLE) && !word.contains(|c| CHANGED.contains(c)) {
                add(word, at == 0, files);
            }
        }
        return;
    };
    of_tokens(tokens, files);
}

fn of_tokens(tokens: Vec<Token>, files: &mut Vec<String>) {
    let (mut program, mut redirection) = (true, None);
    for token in tokens {
        match token {
            Token::End => (program, redirection) = (true, None),
            Token::Redirection(signs) => redirection = Some(signs),
            Token::Word {
                text,
                literal,
                commands,
            } => {
                of_tokens(commands, files);
                let literal = literal && !text.contains(HOLE);
                if let Some(signs) = redirection.take() {
                    // What is not read through it is written to, or the end mark of a text in place.
                    if literal && signs == "<" {
                        add(&text, false, files);
                    }
                } else if !program || !is_assignment(&text) {
                    if literal {
                        add(&text, program, files);
                    }
                    program = false;
                }
            }
        }
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| super::sections::is_name(name))
}

fn add(word: &str, program: bool, files: &mut Vec<String>) {
    if word.is_empty() || word.starts_with('-') || (program && !word.contains('/')) {
        return;
    }
    files.push(path::normalise(word));
}
