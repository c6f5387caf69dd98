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
    let mut scan = Scan::new(0);
    scan.all(&mut text.chars().peekable(), false)?;
    Some(scan.tokens)
}

/// Whether a text looks at how a command ended that stands before it: `$?` after a `;` or a line end.
///
/// In a shell that ends at the first failure it could only ever be 0 there.
pub(crate) fn reads_status(text: &str) -> bool {
    let mut scan = Scan::new(0);
    text.contains('?') && scan.all(&mut text.chars().peekable(), false).is_some() && scan.reads_status
}

/// What begins a branch or a body: `$?` behind it is that of a condition, or of what came before a function's call.
const OPENERS: [&str; 5] = ["then", "else", "elif", "do", "{"];

/// Commands stand in words as deep as this.
const DEEPEST: usize = 64;
/// A text in place is read in two ways where the first one fails, each with all that is in it: not deeper than this.
const DEEPEST_IN_PLACE: usize = 4;

struct Scan {
    /// How many commands and texts in place this one stands in.
    depth: usize,
    tokens: Vec<Token>,
    /// The word that has begun; quotes alone make an empty one.
    word: Option<String>,
    literal: bool,
    /// The commands whose output stands in that word.
    commands: Vec<Token>,
    /// Set before the end mark of a text in place: whether tabs before the mark do not count.
    mark: Option<bool>,
    /// The end marks of texts in place that begin with the next line.
    marks: Vec<(String, bool)>,
    /// The sign that ended the last command.
    last_sign: char,
    /// Whether the command before this one has ended, by a `;` or a line end, whatever came of it.
    is_after_another: bool,
    reads_status: bool,
}

impl Scan {
    fn new(depth: usize) -> Self {
        Self {
            depth,
            tokens: Vec::new(),
            word: None,
            literal: true,
            commands: Vec::new(),
            mark: None,
            marks: Vec::new(),
            last_sign: '\n',
            is_after_another: false,
            reads_status: false,
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
                    self.end_command(c);
                    if c == '\n' {
                        for (mark, tabs) in std::mem::take(&mut self.marks) {
                            self.in_place(&up_to(&mark, tabs, chars));
                        }
                    }
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
        if self.depth == DEEPEST {
            return None;
        }
        self.reads_status |= self.is_after_another && sign == '$' && chars.peek() == Some(&'?');
        let mut inner = Self::new(self.depth + 1);
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

    /// Reads a text in place: as a text for the shell if it can be one, since it may be given to one, else as the words
    /// and commands that are in it.
    fn in_place(&mut self, text: &str) {
        let mut inner = Self::new(self.depth + 1);
        let is_one = self.depth < DEEPEST && inner.all(&mut text.chars().peekable(), false).is_some();
        if !is_one && self.depth >= DEEPEST_IN_PLACE {
            return self.tokens.push(Token::End);
        }
        if !is_one {
            inner = Self::new(self.depth + 1);
            let _ = inner.prose(&mut text.chars().peekable());
            inner.end_word();
        }
        self.tokens.append(&mut inner.tokens);
        self.tokens.push(Token::End);
    }

    fn prose(&mut self, chars: &mut Peekable<Chars<'_>>) -> Option<()> {
        const MEANING: &str = "*?[]'\"<>;&|(){}~#!\\";
        while let Some(c) = chars.next() {
            match c {
                '$' | '`' => self.expanded(c, chars)?,
                _ if c.is_whitespace() => self.end_word(),
                _ => {
                    self.literal &= !MEANING.contains(c);
                    self.push(c);
                }
            }
        }
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
        self.mark = matches!(signs.as_str(), "<<" | "<<-").then_some(signs.ends_with('-'));
        self.tokens.push(Token::Redirection(signs));
    }

    fn begin(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, c: char) {
        self.begin().push(c);
    }

    fn end_command(&mut self, sign: char) {
        let begins_another = matches!(sign, ';' | '\n');
        self.is_after_another = match self.tokens.last() {
            Some(Token::Word { text, .. }) => begins_another && !OPENERS.contains(&text.as_str()),
            // An empty line, or one that goes on after `&&`.
            None | Some(Token::End) if begins_another => self.is_after_another || self.last_sign == ')',
            _ => begins_another,
        };
        self.last_sign = sign;
        self.tokens.push(Token::End);
    }

    fn end_word(&mut self) {
        let literal = std::mem::replace(&mut self.literal, true);
        let commands = std::mem::take(&mut self.commands);
        if let Some(text) = self.word.take() {
            if let Some(tabs) = self.mark.take() {
                self.marks.push((text.clone(), tabs));
            }
            self.is_after_another &= !OPENERS.contains(&text.as_str());
            self.tokens.push(Token::Word {
                text,
                literal,
                commands,
            });
        }
    }
}

/// The lines up to an end mark; `tabs` says that tabs before the mark do not count.
fn up_to(mark: &str, tabs: bool, chars: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while chars.peek().is_some() {
        let line: String = chars.by_ref().take_while(|c| *c != '\n').collect();
        let bare = if tabs { line.trim_start_matches('\t') } else { &line };
        if bare == mark {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
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
    use crate::fuzz::Fuzz;

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
    fn a_text_in_place_is_read_whatever_quotes_are_in_it() {
        let said = |body: &str| {
            let all = tokens(&format!("cat <<-'E F' >out\n{body}\n\tE F\nsort b")).expect("closed");
            let (begin, rest) = all.split_at(6);
            assert_eq!(
                begin,
                [
                    word("cat", true),
                    to("<<-"),
                    word("E F", true),
                    to(">"),
                    word("out", true),
                    Token::End
                ]
            );
            let (body, end) = rest.split_at(rest.len() - 2);
            assert_eq!(end, [word("sort", true), word("b", true)]);
            body.to_vec()
        };
        let cat = expanded("$", &[word("cat", true), word("x", true)]);
        assert_eq!(
            said("it's $(cat x) a/b"),
            [word("it's", false), cat, word("a/b", true), Token::End]
        );
        assert_eq!(
            said("run 'a b'"),
            [word("run", true), word("a b", true), Token::End, Token::End]
        );
        assert_eq!(
            said("isn't `"),
            [word("isn't", false), expanded_to_nothing(), Token::End]
        );
    }

    /// A backtick that does not close.
    fn expanded_to_nothing() -> Token {
        word("`", false)
    }

    #[test]
    fn a_text_that_looks_at_how_the_command_before_ended_is_known() {
        for text in [
            "run; echo $? > out",
            "run\ncode=$?\necho $code",
            "run;\n\n  echo \"it was $?\"",
            "run | head; if [ $? -ne 0 ]; then echo no; fi",
            "a && b\ntest $? = 2",
            "(exit 3); echo $?",
            "a; b &&\n c\n\necho $?",
        ] {
            assert!(reads_status(text), "{text}");
        }
        for text in [
            "run && code=0 || code=$?; echo $code",
            "run ||\n  echo $?",
            "if run; then echo $?; else echo $?; fi",
            "if run\nthen\n  echo $?\nelse\n  echo $?\nfi",
            "tidy() {\n  code=$?\n  exit $code\n}\nrun",
            "tidy() { code=$?; exit $code; }; run",
            "tidy()\n{\n  code=$?\n}\nrun",
            "trap 'code=$?; exit $code' EXIT; run",
            "run; echo '$?' > out",
            "run; x=$(cat a; echo $?)",
            "echo $?",
            "run # $?",
            "run; echo a$b ?",
        ] {
            assert!(!reads_status(text), "{text}");
        }
    }

    #[test]
    fn a_quote_that_does_not_close_is_no_text_for_the_shell() {
        assert_eq!(tokens("echo 'a"), None);
        assert_eq!(tokens("echo \"a"), None);
        assert_eq!(tokens("echo $(cat a"), None);
        assert_eq!(tokens("echo `cat a"), None);
    }

    /// Tokens, with those of the commands in them.
    fn count(tokens: &[Token]) -> usize {
        let inner = |token: &Token| match token {
            Token::Word { commands, .. } => 1 + count(commands),
            _ => 1,
        };
        tokens.iter().map(inner).sum()
    }

    #[test]
    fn however_deep_commands_stand_in_each_other_they_are_read_in_time() {
        let deep = |open: &str, close: &str, times: usize| [open.repeat(times), close.repeat(times)].concat();
        assert!(tokens(&deep("$(a ", ")", 60)).is_some());
        assert_eq!(tokens(&deep("$(a ", ")", 100_000)), None, "deeper than a stack");
        let mut text = String::new();
        for number in 0..40 {
            // No text for the shell, as the quote does not close: what is in it was read twice at each depth.
            text = format!("$(cat <<A{number}\n{text}\nA{number}\n) '");
        }
        assert_eq!(tokens(&text), None);
        tokens(&deep("cat <<A\n", "\nA\n", 1000)).expect("closed");
    }

    #[test]
    fn fuzz_shell_text() {
        let examples = [
            r#"cat 'x y' "a$b" e\ f 2>>log <in # > x.db"#,
            "for f in *.csv; do sort $((1 + 2)) \"$f\" | head \\`cat b\\`; done > {{output}}",
            "python - <<'EOF' && sh <<-END\nprint('`x`')\nEOF\n\techo $(cat y)\n\tEND\necho `sort \\`cat b\\``",
        ];
        let words = [
            "$(", "`", "\\`", "<<A\n", "\nA\n", "\"", "'", ")", "((", "<<-", "2>&1", "\\\n", "ä",
        ];
        let examples = examples.map(|text| text.as_bytes().to_vec());
        Fuzz::of("shell text", examples).words(&words).run(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            // Each token stands for a character at least, and the end of commands in a word for a second one.
            assert!(count(&tokens(&text).unwrap_or_default()) <= 2 * text.len(), "{text}");
        });
    }
}
