//! The words of a Snakefile: those of Python, each with its place.

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    /// A string: what it holds, and whether it is an f-string.
    Text(String, bool),
    Sign,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As it is written; of a string its beginning.
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
    /// How far in it stands, if it is the first of a line that no bracket holds together with the one before.
    pub(super) indent: Option<usize>,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Name | Kind::Sign) && self.text == text
    }

    pub(super) fn is_name(&self) -> bool {
        self.kind == Kind::Name
    }
}

/// The words and the comments of a file.
pub(super) struct Words {
    pub(super) tokens: Vec<Token>,
    /// Lines that are comments only, by their number.
    pub(super) comments: Vec<(usize, String)>,
}

/// Signs of several characters; longer ones first.
const SIGNS: [&str; 21] = [
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=", "%=", "|=", "&=",
    "**", "//", "@=",
];

/// How deep brackets may stand in each other.
const DEEPEST: usize = 50;

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    line_start: usize,
    depth: usize,
    /// Whether no word has stood in this line yet.
    is_begin: bool,
    words: Words,
}

/// Reads the words; the error is the line and what is wrong there.
pub(super) fn read(text: &str) -> Result<Words, (usize, String)> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        depth: 0,
        is_begin: true,
        words: Words {
            tokens: Vec::new(),
            comments: Vec::new(),
        },
    };
    while let Some(c) = reader.rest().chars().next() {
        reader.word(c)?;
    }
    match reader.depth {
        0 => Ok(reader.words),
        _ => Err((reader.line, "a bracket is not closed".to_owned())),
    }
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.line_start = self.at;
    }

    fn word(&mut self, c: char) -> Result<(), (usize, String)> {
        match c {
            '\n' => {
                self.at += 1;
                self.new_line();
                self.is_begin = self.is_begin || self.depth == 0;
            }
            '\\' if self.rest().starts_with("\\\n") || self.rest().starts_with("\\\r\n") => {
                self.at += self.rest().find('\n').unwrap_or_default() + 1;
                self.new_line();
            }
            '#' => {
                let comment = self.rest().lines().next().unwrap_or_default().to_owned();
                self.at += comment.len();
                if self.is_begin {
                    self.words.comments.push((self.line, comment.trim_end().to_owned()));
                }
            }
            c if c.is_whitespace() || c == '\u{feff}' => self.at += c.len_utf8(),
            _ => return self.token(c),
        }
        Ok(())
    }

    fn token(&mut self, c: char) -> Result<(), (usize, String)> {
        let (line, start) = (self.line, self.at);
        let before = self.text.get(self.line_start..start).unwrap_or_default();
        let indent = (self.is_begin && self.depth == 0).then(|| before.trim_start_matches('\u{feff}').len());
        let rest = self.rest();
        let name_length = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let is_quote = |text: &str| text.starts_with(['"', '\'']);
        let is_prefix = name_length <= 2 && rest[..name_length].chars().all(|c| "rRbBuUfF".contains(c));
        let kind = if is_quote(rest) || (is_prefix && is_quote(&rest[name_length..])) {
            let prefix = rest[..name_length].to_lowercase();
            self.at += name_length;
            let held = self.string(prefix.contains('r'))?;
            Kind::Text(held, prefix.contains('f') || prefix.contains('b'))
        } else if c.is_ascii_digit() {
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            self.at += rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            Kind::Number
        } else if name_length > 0 {
            self.at += name_length;
            Kind::Name
        } else {
            match c {
                '(' | '[' | '{' if self.depth == DEEPEST => {
                    return Err((line, "brackets stand too deep in each other".to_owned()));
                }
                '(' | '[' | '{' => self.depth += 1,
                ')' | ']' | '}' => {
                    let what = || (line, "a bracket closes that was not opened".to_owned());
                    self.depth = self.depth.checked_sub(1).ok_or_else(what)?;
                }
                _ => {}
            }
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            self.at += sign.map_or(c.len_utf8(), |sign| sign.len());
            Kind::Sign
        };
        self.is_begin = false;
        let text = self.text.get(start..self.at).unwrap_or_default().to_owned();
        self.words.tokens.push(Token {
            kind,
            text,
            line,
            indent,
        });
        Ok(())
    }

    /// What a string holds, from its first quote on.
    fn string(&mut self, is_raw: bool) -> Result<String, (usize, String)> {
        let begun = self.line;
        let quote = self.rest().chars().next().unwrap_or('"');
        let triple = quote.to_string().repeat(3);
        let end = match self.rest().starts_with(&triple) {
            true => triple,
            false => quote.to_string(),
        };
        self.at += end.len();
        let mut held = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(c) = rest.chars().next().filter(|c| *c != '\n' || end.len() == 3) else {
                return Err((begun, "a string is not closed".to_owned()));
            };
            if rest.starts_with(&end) {
                self.at += end.len();
                return Ok(held);
            }
            if c == '\\' {
                self.escape(is_raw, &mut held);
                continue;
            }
            self.at += c.len_utf8();
            held.push(c);
            if c == '\n' {
                self.new_line();
            }
        }
    }

    /// What a backslash and what follows it mean.
    fn escape(&mut self, is_raw: bool, held: &mut String) {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let Some(c) = rest.chars().next() else {
            self.at += 1;
            return;
        };
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        let hex = |length: usize| Some((length + 1, number(rest.get(1..=length)?, 16)?));
        let meant = match c {
            _ if is_raw => None,
            '\n' => Some((1, None)),
            'n' => Some((1, Some('\n'))),
            't' => Some((1, Some('\t'))),
            'r' => Some((1, Some('\r'))),
            'a' => Some((1, Some('\u{7}'))),
            'b' => Some((1, Some('\u{8}'))),
            'f' => Some((1, Some('\u{c}'))),
            'v' => Some((1, Some('\u{b}'))),
            '\\' | '\'' | '"' => Some((1, Some(c))),
            'x' => hex(2).map(|(length, c)| (length, Some(c))),
            'u' => hex(4).map(|(length, c)| (length, Some(c))),
            'U' => hex(8).map(|(length, c)| (length, Some(c))),
            '0'..='7' => {
                let length = rest.chars().take(3).take_while(|c| ('0'..='7').contains(c)).count();
                number(&rest[..length], 8).map(|c| (length, Some(c)))
            }
            _ => None,
        };
        if let Some((length, character)) = meant {
            held.extend(character);
            self.at += 1 + length;
        } else {
            // What is no escape keeps its backslash.
            held.push('\\');
            held.push(c);
            self.at += 1 + c.len_utf8();
        }
        if c == '\n' {
            self.new_line();
        }
    }
}
