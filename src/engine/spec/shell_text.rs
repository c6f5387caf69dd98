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
        /// The word, without the commands whose output stands in it.
        text: String,
        /// Whether the program sees it as it stands here.
        literal: bool,
        /// Those commands: what stands in `$(…)` or between backticks.
        commands: Vec<Token>,
    },
    /// The signs of a redirection; the word after it is where it leads.
    Redirection(String),
    /// The end of a simple command.
    End,
}

/// The parts of a text in their order; `None` if a quote does not close.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut scan = Scan::new();
    scan.all(&mut text.chars().peekable(), false)?;
    Some(scan.tokens)
}

struct Scan {
    tokens: Vec<Token>,
    /// The word that has begun; quotes alone make an empty one.
    word: Option<String>,
    literal: bool,
    /// The commands whose output stands in that word.
    commands: Vec<Token>,
}

impl Scan {
    fn new() -> Self {
        Self {
            tokens: Vec::new(),
            word: None,
            literal: true,
            commands: Vec::new(),
        }
    }

    /// Reads to the end of the text or, of what stands `in_parentheses`, to the one that closes them.
    fn all(&mut self, chars: &mut Peekable<Chars<'_>>, in_parentheses: bool) -> Option<()> {
        let mut open = 0;
        while let Some(c) = chars.next() {
            match c {
                ')' if in_parentheses && open == 0 => {
                    self.end_word();
                    return Some(());
                }
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
                    match c {
                        '(' => open += 1,
                        ')' => open -= 1,
                        _ => {}
                    }
                    self.end_word();
                    self.tokens.push(Token::End);
                }
                _ if c.is_whitespace() => self.end_word(),
                '$' | '`' => self.expanded(c, chars)?,
                '*' | '?' | '[' | '~' | '{' | '}' | '!' => {
                    self.push(c);
                    self.literal = false;
                }
                _ => self.push(c),
            }
        }
        self.end_word();
        (!in_parentheses).then_some(())
    }

    /// Reads what the shell puts something of its own in the place of, after its first character.
    fn expanded(&mut self, sign: char, chars: &mut Peekable<Chars<'_>>) -> Option<()> {
        self.literal = false;
        self.push(sign);
        let mut inner = Self::new();
        match sign {
            '$' if chars.next_if_eq(&'(').is_some() => inner.all(chars, true)?,
            '$' => return Some(()),
            _ => {
                let text = between_backticks(chars)?;
                inner.all(&mut text.chars().peekable(), false)?;
            }
        }
        self.commands.append(&mut inner.tokens);
        self.commands.push(Token::End);
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
                c @ ('$' | '`') => self.expanded(c, chars)?,
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
        let commands = std::mem::take(&mut self.commands);
        if let Some(text) = self.word.take() {
            self.tokens.push(Token::Word {
                text,
                literal,
                commands,
            });
        }
    }
}

/// The text up to the backtick that closes it, as the shell that runs it reads it.
fn between_backticks(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '`' => return Some(text),
            '\\' => match chars.next()? {
                escaped @ ('$' | '`' | '\\') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, literal: bool) -> Token {
        Token::Word {
            text: text.to_owned(),
            literal,
            commands: Vec::new(),
        }
    }

    fn expanded(text: &str, commands: &[Token]) -> Token {
        let commands = commands.iter().cloned().chain([Token::End]).collect();
        let text = text.to_owned();
        Token::Word {
            text,
            literal: false,
            commands,
        }
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
    fn commands_whose_output_stands_in_a_word_are_read_as_commands() {
        let cat = [word("cat", true), word("x y", true)];
        for text in [
            "echo $(cat 'x y') z",
            "echo `cat 'x y'` z",
            r#"echo "$(cat "x y")" z"#,
            r#"echo "`cat 'x y'`" z"#,
        ] {
            let sign = if text.contains('`') { "`" } else { "$" };
            let expected = [word("echo", true), expanded(sign, &cat), word("z", true)];
            assert_eq!(tokens(text).expect("closed"), expected, "{text}");
        }
        let inner = expanded("`", &[word("cat", true), word("b", true)]);
        assert_eq!(
            tokens(r"echo a`sort $((1 + 2)) <in | head \`cat b\``c").expect("closed"),
            [
                word("echo", true),
                expanded(
                    "a`c",
                    &[
                        word("sort", true),
                        expanded(
                            "$",
                            &[
                                Token::End,
                                word("1", true),
                                word("+", true),
                                word("2", true),
                                Token::End
                            ]
                        ),
                        to("<"),
                        word("in", true),
                        Token::End,
                        word("head", true),
                        inner,
                    ]
                ),
            ]
        );
    }

    #[test]
    fn a_quote_that_does_not_close_is_no_text_for_the_shell() {
        assert_eq!(tokens("echo 'a"), None);
        assert_eq!(tokens("echo \"a"), None);
        assert_eq!(tokens("echo $(cat a"), None);
        assert_eq!(tokens("echo `cat a"), None);
    }
}
