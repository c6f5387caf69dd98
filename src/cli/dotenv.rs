//! Reads `.env`: lines `NAME=value`, where a value is what stands there.
//!
//! Nothing is put in for `$NAME`: a password with a `$` in it is that password. Of a line that cannot be read only its
//! number is given, for it may hold a secret, and it hides no other line.

use std::collections::BTreeMap;

/// A line that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its number, from 1; of a value in quotes, that of its first line.
    pub(super) line: usize,
    /// What is wrong with it.
    pub(super) why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    /// It has no `=`.
    #[error("it has no `=`")]
    NoValue,
    /// What stands before the `=` is no name.
    #[error("what stands before the `=` is not the name of a variable")]
    NoName,
    /// A quote at the beginning of the value has no partner.
    #[error("its quotes are not closed")]
    Open,
    /// Something follows the closing quote.
    #[error("something stands behind the closing quote")]
    Behind,
    /// Neither a text nor the beginning of one.
    #[error("it is not UTF-8, or has a NUL byte in it")]
    NotText,
}

impl Fault {
    /// The next step.
    pub(super) fn help(self) -> &'static str {
        match self.why {
            Why::NoValue | Why::NoName => "write it as `NAME=value`; a value of several lines stands in double quotes",
            Why::Open => "close the quotes; a value that begins with a quote sign stands in quotes of the other kind",
            Why::Behind => "put the whole value in quotes of the other kind, or a space before a comment",
            Why::NotText => "a variable of the environment is text in UTF-8",
        }
    }
}

/// The variables that a file sets, of two of one name the later, and the lines that cannot be read.
pub(super) fn read(bytes: &[u8]) -> (BTreeMap<String, String>, Vec<Fault>) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for line in &mut lines {
        *line = line.strip_suffix(b"\r").unwrap_or(line);
    }
    let mut variables = BTreeMap::new();
    let mut faults = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (read, taken) = entry(&lines[at..]);
        match read {
            Ok(Some((name, value))) => drop(variables.insert(name, value)),
            Ok(None) => {}
            Err(why) => faults.push(Fault { line: at + 1, why }),
        }
        at += taken;
    }
    (variables, faults)
}

/// Name and value of an entry, or nothing in an empty line or a comment.
type Assignment = Result<Option<(String, String)>, Why>;

/// Reads the entry at the first of some lines; also gives how many lines it takes.
fn entry(lines: &[&[u8]]) -> (Assignment, usize) {
    let text = |line: &[u8]| {
        std::str::from_utf8(line)
            .ok()
            .filter(|text| !text.contains('\0'))
            .map(str::to_owned)
    };
    let Some(line) = text(lines[0]) else {
        return (Err(Why::NotText), 1);
    };
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return (Ok(None), 1);
    }
    let Some((name, value)) = line.split_once('=') else {
        return (Err(Why::NoValue), 1);
    };
    let name = name.trim();
    let exported = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let name = exported.map_or(name, str::trim_start);
    if !is_name(name) {
        return (Err(Why::NoName), 1);
    }
    let is_spaced = value.starts_with([' ', '\t']);
    let value = value.trim_start_matches([' ', '\t']);
    let (value, taken) = if let Some(inner) = value.strip_prefix('\'') {
        (single(inner), 1)
    } else if let Some(inner) = value.strip_prefix('"') {
        let following = lines[1..].iter().map_while(|line| text(line));
        double(inner, following)
    } else {
        let is_comment = is_spaced && value.starts_with('#');
        (
            Ok(if is_comment {
                String::new()
            } else {
                bare(value).to_owned()
            }),
            1,
        )
    };
    (value.map(|value| Some((name.to_owned(), value))), taken)
}

fn is_name(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// A value without quotes: all up to a `#` behind white space, without the white space at its end.
fn bare(text: &str) -> &str {
    let comment = text
        .match_indices('#')
        .find(|(at, _)| text[..*at].ends_with([' ', '\t']));
    text[..comment.map_or(text.len(), |(at, _)| at)].trim_end()
}

/// A value in single quotes, which is what stands in them.
fn single(inner: &str) -> Result<String, Why> {
    let (value, behind) = inner.split_once('\'').ok_or(Why::Open)?;
    nothing_behind(behind)?;
    Ok(value.to_owned())
}

/// A value in double quotes, over as many lines as it needs; also gives how many these are. If the quotes are never
/// closed only the first line is taken, so that those after it are read.
fn double(first: &str, following: impl Iterator<Item = String>) -> (Result<String, Why>, usize) {
    let mut value = String::new();
    for (number, line) in std::iter::once(first.to_owned()).chain(following).enumerate() {
        let mut chars = line.chars();
        let mut is_joined = false;
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    return match (nothing_behind(chars.as_str()), number) {
                        (Ok(()), _) => (Ok(value), number + 1),
                        (Err(why), 0) => (Err(why), 1),
                        // The first quote of another line's value closes nothing.
                        (Err(_), _) => (Err(Why::Open), 1),
                    };
                }
                '\\' => match chars.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(escaped @ ('"' | '\\' | '$' | '\'' | '`')) => value.push(escaped),
                    Some(other) => value.extend(['\\', other]),
                    None => is_joined = true,
                },
                _ => value.push(c),
            }
        }
        if !is_joined {
            value.push('\n');
        }
    }
    (Err(Why::Open), 1)
}

/// Checks that only white space and a comment follow a closing quote.
fn nothing_behind(text: &str) -> Result<(), Why> {
    let rest = text.trim_start();
    match rest.is_empty() || (rest.starts_with('#') && rest.len() < text.len()) {
        true => Ok(()),
        false => Err(Why::Behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    /// The value of `X` in a file without faults.
    fn value(text: &str) -> String {
        let (mut variables, faults) = read(text.as_bytes());
        assert_eq!(faults, [], "{text:?}");
        variables.remove("X").unwrap_or_else(|| panic!("no X in {text:?}"))
    }

    #[test]
    fn a_bare_value_is_what_stands_there() {
        for text in [
            "pa$word1",
            "x${HOME}y",
            r#"{"a":1,"b":"c"}"#,
            "it's",
            r"DOM\user",
            "a b  c",
            "a=b==",
            "a#b",
            r"\n",
            "ends in a quote\"",
            "grüße",
            "`id`",
            "!x",
        ] {
            assert_eq!(value(&format!("X={text}\n")), text);
            assert_eq!(value(&format!("X={text}")), text, "without a line end");
            assert_eq!(value(&format!("X={text}  \t\n")), text, "with white space at its end");
        }
        assert_eq!(value("X="), "");
        assert_eq!(value("X =  a b "), "a b");
    }

    #[test]
    fn a_comment_begins_behind_white_space() {
        assert_eq!(value("# X=0\n  # more\n\nX=a # a comment"), "a");
        assert_eq!(value("X=a#b # c # d"), "a#b");
        assert_eq!(value("X= # nothing"), "");
        assert_eq!(value("X=#abc"), "#abc");
        assert_eq!(value("X='a # b' # c"), "a # b");
        assert_eq!(value("X=\"a # b\"\t# c"), "a # b");
    }

    #[test]
    fn single_quotes_keep_all_and_double_quotes_know_escapes() {
        assert_eq!(value(r#"X=' a\n$b " '"#), r#" a\n$b " "#);
        assert_eq!(value(r#"X=" a\tb\n\"c\" \\ \$d \e ' ""#), " a\tb\n\"c\" \\ $d \\e ' ");
        assert_eq!(value("X=''"), "");
        assert_eq!(value("X=\"\""), "");
    }

    #[test]
    fn double_quotes_go_over_several_lines() {
        let key = "X=\"-----BEGIN KEY-----\nab=c#d\n\n-----END KEY-----\n\"\nY=1";
        assert_eq!(value(key), "-----BEGIN KEY-----\nab=c#d\n\n-----END KEY-----\n");
        assert_eq!(read(key.as_bytes()).0["Y"], "1");
        assert_eq!(value("X=\"a \\\nb\""), "a b", "a backslash joins two lines");
    }

    #[test]
    fn a_name_may_be_exported() {
        assert_eq!(value("export X=a"), "a");
        assert_eq!(value("export\tX = a"), "a");
        assert_eq!(read(b"export=1").0["export"], "1");
        assert_eq!(value("X=1\nX=2"), "2", "the later counts");
    }

    #[test]
    fn a_byte_order_mark_and_the_line_ends_of_another_system_mean_nothing() {
        assert_eq!(value("\u{feff}X=a\r\nY=b\r\n"), "a");
        assert_eq!(value("X=\"a\r\nb\"\r\n"), "a\nb");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_known_by_its_number_and_hides_no_other() {
        let text = b"one\n1X=2\nX=\"never closed\nY='open\nZ=\"a\" b\n\xff=1\nW=\xff\nV=5\n=6\nexport U\n";
        let (variables, faults) = read(text);
        let expected = [
            (1, Why::NoValue),
            (2, Why::NoName),
            (3, Why::Open),
            (4, Why::Open),
            (5, Why::Behind),
            (6, Why::NotText),
            (7, Why::NotText),
            (9, Why::NoName),
            (10, Why::NoValue),
        ];
        let faults: Vec<(usize, Why)> = faults.iter().map(|fault| (fault.line, fault.why)).collect();
        assert_eq!(faults, expected);
        assert_eq!(variables.get("V").map(String::as_str), Some("5"));
    }

    #[test]
    fn fuzz_dotenv() {
        let examples = [
            "# X=0\nexport KEY = 'a # b' # c\nX=pa$word1\nY={\"a\":1}\r\n\n",
            "X=\"-----BEGIN KEY-----\nab=c#d\\n\\\"\n-----END KEY-----\n\"\nY= a b \n",
            "\u{feff}X=grüße # ä\n1X=2\nX=\"never closed\nV=5",
        ];
        let words = [
            "\"", "'", "\\", "\n", "=", "#", "export ", "\r\n", "\0", "\u{feff}", "é",
        ];
        let examples = examples.map(|text| text.as_bytes().to_vec());
        Fuzz::of("dotenv", examples).words(&words).run(|bytes| {
            let (variables, faults) = read(bytes);
            for (name, value) in &variables {
                assert!(is_name(name) && !value.contains('\0'), "{name}");
                // Written in quotes, it is read as it was.
                let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "\\r");
                assert_eq!(read(format!("{name}=\"{quoted}\"").as_bytes()).0.get(name), Some(value));
            }
            let lines = bytes.split(|byte| *byte == b'\n').count();
            let mut before = 0;
            for fault in faults {
                assert!(before < fault.line && fault.line <= lines, "in order, each once");
                before = fault.line;
            }
        });
    }
}
