//! Reads a text for the shell as far as its words go: quotes, comments, redirections and what ends a command.
//!
//! What the words mean is for those who ask: which may be files, and which are written to.

use std::iter::Peekable;
use std::str::Chars;

/// Signs that end a command and begin another.
const SEPARATORS: [char; 6] = [';', '&', '|', '\n', '(', ')'];

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word without its quotes; it is literal if the shell puts nothing of its own into it.
    Word {
        /// The word.
        text: String,
        /// Whether the program sees it as it stands here.
        literal: bool,
    },
    /// The signs of a redirection; the word after it is where it leads.
    Redirection(String),
    /// The end of a simple command.
    End,
}

/// The parts of a text in their order; `None` if a quote does not close.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut scan = Scan {
        tokens: Vec::new(),
        word: None,
        literal: true,
    };
    scan.all(&mut text.chars().peekable())?;
    Some(scan.tokens)
}

struct Scan {
    tokens: Vec<Token>,
    /// The word that has begun; quotes alone make an empty one.
    word: Option<String>,
    literal: bool,
}

impl Scan {
    fn all(&mut self, chars: &mut Peekable<Chars<'_>>) -> Option<()> {
        while let Some(c) = chars.next() {
            match c {
                '\'' => {
                    self.begin();
                    loop {
                        match chars.next()? {
                            '\'' => break,
                            inner => self.push(inner),
                        }
                    }
                }
                '"' => self.quoted(chars)?,
                '\\' => match chars.next() {
                    Some('\n') => {}
                    Some(escaped) => self.push(escaped),
                    None => self.push('\\'),
                },
                '#' if self.word.is_none() => while chars.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => self.redirect(c, chars),
                _ if SEPARATORS.contains(&c) => {
                    self.end_word();
                    self.tokens.push(Token::End);
                }
                _ if c.is_whitespace() => self.end_word(),
                '$' | '`' | '*' | '?' | '[' | '~' | '{' | '}' | '!' => {
                    self.push(c);
                    self.literal = false;
                }
                _ => self.push(c),
            }
        }
        self.end_word();
        Some(())
    }

    fn quoted(&mut self, chars: &mut Peekable<Chars<'_>>) -> Option<()> {
        self.begin();
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

    fn redirect(&mut self, sign: char, chars: &mut Peekable<Chars<'_>>) {
        // The number of a stream is no word.
        self.word
            .take_if(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()));
        self.end_word();
        let mut signs = sign.to_string();
        signs.extend(std::iter::from_fn(|| {
            chars.next_if(|c| matches!(c, '<' | '>' | '&' | '|' | '-'))
        }));
        self.tokens.push(Token::Redirection(signs));
    }

    fn begin(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.begin().push(c);
    }

    fn end_word(&mut self) {
        let literal = std::mem::replace(&mut self.literal, true);
        if let Some(text) = self.word.take() {
            self.tokens.push(Token::Word { text, literal });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, literal: bool) -> Token {
        let text = text.to_owned();
        Token::Word { text, literal }
    }

    fn to(signs: &str) -> Token {
        Token::Redirection(signs.to_owned())
    }

    #[test]
    fn words_lose_their_quotes_and_say_whether_the_shell_adds_to_them() {
        assert_eq!(
            tokens(r#"cp 'a b' "c$d" e\ f '' *.csv"#).expect("closed"),
            [
                word("cp", true),
                word("a b", true),
                word("c$d", false),
                word("e f", true),
                word("", true),
                word("*.csv", false),
            ]
        );
    }

    #[test]
    fn redirections_are_no_words_and_neither_are_their_streams_and_comments() {
        assert_eq!(
            tokens("run 2>>log <in # > x.db\ncat a#b").expect("closed"),
            [
                word("run", true),
                to(">>"),
                word("log", true),
                to("<"),
                word("in", true),
                Token::End,
                word("cat", true),
                word("a#b", true),
            ]
        );
    }

    #[test]
    fn a_quote_that_does_not_close_is_no_text_for_the_shell() {
        assert_eq!(tokens("echo 'a"), None);
        assert_eq!(tokens("echo \"a"), None);
    }
}
