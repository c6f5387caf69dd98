//! The statements of a Snakefile: its rules with what each keyword is given, its own keywords, and Python.

use super::tokens::{Token, Words};

/// What stands at the left of a file.
pub(super) enum Statement {
    Rule(Rule),
    /// A keyword of Snakemake's, such as `configfile`.
    Keyword(Keyword),
    /// `NAME = …`, also of several names.
    Assignment {
        names: Vec<String>,
        is_tuple: bool,
        value: Vec<Token>,
        line: usize,
    },
    /// All else.
    Python {
        tokens: Vec<Token>,
        line: usize,
    },
}

/// A rule as it is written.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) is_checkpoint: bool,
    pub(super) keywords: Vec<Keyword>,
    /// Its documentation, if its first line is a string.
    pub(super) doc: Option<String>,
    /// The comments above it.
    pub(super) comments: Vec<String>,
    /// Why it cannot be read, if it cannot.
    pub(super) fault: Option<(usize, String)>,
}

/// A keyword with what it is given.
pub(super) struct Keyword {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) arguments: Vec<Argument>,
}

/// One thing that a keyword or a call is given.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) tokens: Vec<Token>,
}

impl Rule {
    pub(super) fn keyword(&self, name: &str) -> Option<&Keyword> {
        self.keywords.iter().find(|keyword| keyword.name == name)
    }
}

/// Takes the words of a file apart.
pub(super) fn statements(words: &Words) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut rest = words.tokens.as_slice();
    while !rest.is_empty() {
        let end = 1 + rest[1..]
            .iter()
            .position(|token| token.indent == Some(0))
            .unwrap_or(rest.len() - 1);
        let (statement, behind) = rest.split_at(end);
        all.push(read(statement, words, all.len()));
        rest = behind;
    }
    all
}

fn read(tokens: &[Token], words: &Words, number: usize) -> Statement {
    let line = tokens[0].line;
    let is_at = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let is_rule = tokens[0].is("rule") || tokens[0].is("checkpoint");
    if is_rule && (is_at(1, ":") || (tokens.get(1).is_some_and(Token::is_name) && is_at(2, ":"))) {
        return Statement::Rule(rule(tokens, words, number));
    }
    if tokens[0].is("module") || (tokens[0].is("use") && is_at(1, "rule")) {
        return Statement::Keyword(Keyword {
            name: tokens[0].text.clone(),
            line,
            arguments: Vec::new(),
        });
    }
    if tokens[0].is_name() && is_at(1, ":") && !["else", "try", "finally"].contains(&tokens[0].text.as_str()) {
        return Statement::Keyword(Keyword {
            name: tokens[0].text.clone(),
            line,
            arguments: arguments(&tokens[2..]),
        });
    }
    if let Some(names) = assigned(tokens)
        && tokens.iter().skip(1).all(|token| token.indent.is_none())
    {
        let at = tokens.iter().position(|token| token.is("=")).unwrap_or_default();
        let is_tuple = tokens[..at].iter().any(|token| token.is(","));
        let value = tokens[at + 1..].to_vec();
        return Statement::Assignment {
            names,
            is_tuple,
            value,
            line,
        };
    }
    Statement::Python {
        tokens: tokens.to_vec(),
        line,
    }
}

/// The names in front of the only `=`: `A`, `A, B`, `(A,)`.
fn assigned(tokens: &[Token]) -> Option<Vec<String>> {
    let at = tokens.iter().position(|token| token.is("="))?;
    // Another statement follows on the same line.
    if tokens.iter().any(|token| token.is(";")) {
        return None;
    }
    let is_pattern = |token: &&Token| token.is_name() || ["(", ")", ","].iter().any(|sign| token.is(sign));
    let left = &tokens[..at];
    let names = left
        .iter()
        .filter(|token| token.is_name())
        .map(|token| token.text.clone());
    (left.iter().all(|token| is_pattern(&token))).then(|| names.collect())
}

fn rule(tokens: &[Token], words: &Words, number: usize) -> Rule {
    let is_named = tokens[1].is_name();
    let line = tokens[0].line;
    let mut rule = Rule {
        name: match is_named {
            true => tokens[1].text.clone(),
            false => format!("rule_{}", number + 1),
        },
        line,
        is_checkpoint: tokens[0].is("checkpoint"),
        keywords: Vec::new(),
        doc: None,
        comments: comments_above(line, words),
        fault: None,
    };
    let mut rest = &tokens[if is_named { 3 } else { 2 }..];
    let own = rest.iter().find_map(|token| token.indent);
    while let Some(first) = rest.first() {
        // What is set further in than the keywords belongs to the one above.
        let is_next = |token: &Token| token.indent.is_some_and(|indent| Some(indent) <= own);
        let end = 1 + rest[1..].iter().position(is_next).unwrap_or(rest.len() - 1);
        let (part, behind) = rest.split_at(end);
        rest = behind;
        match (&first.kind, part.get(1)) {
            (super::tokens::Kind::Name, Some(colon)) if colon.is(":") => rule.keywords.push(Keyword {
                name: first.text.clone(),
                line: first.line,
                arguments: arguments(&part[2..]),
            }),
            (super::tokens::Kind::Text(doc, _), _) if rule.keywords.is_empty() => rule.doc = Some(doc.clone()),
            _ => rule.fault = Some((first.line, "Python between its keywords".to_owned())),
        }
    }
    rule
}

/// The comments that end in the line above.
fn comments_above(line: usize, words: &Words) -> Vec<String> {
    let mut wanted = line;
    let mut found: Vec<String> = Vec::new();
    for (at, comment) in words.comments.iter().rev() {
        if *at + 1 == wanted {
            found.insert(0, comment.clone());
            wanted = *at;
        }
    }
    found
}

/// What stands between commas, each with its name if it has one.
pub(super) fn arguments(tokens: &[Token]) -> Vec<Argument> {
    let mut all: Vec<Argument> = Vec::new();
    let mut depth = 0_usize;
    let mut part: Vec<Token> = Vec::new();
    for token in tokens {
        if ["(", "[", "{"].iter().any(|open| token.is(open)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
            depth = depth.saturating_sub(1);
        }
        match token.is(",") && depth == 0 {
            true => all.extend(argument(std::mem::take(&mut part))),
            false => part.push(token.clone()),
        }
    }
    all.extend(argument(part));
    all
}

fn argument(mut tokens: Vec<Token>) -> Option<Argument> {
    let is_named = tokens.len() > 1 && tokens[0].is_name() && tokens[1].is("=");
    let name = is_named
        .then(|| tokens.drain(..2).next())
        .flatten()
        .map(|token| token.text);
    (!tokens.is_empty()).then_some(Argument { name, tokens })
}
