//! Compiled patterns of paths. `globset` reads them, and compiles them for bytes: to it, `?` and a set in brackets are one
//! byte, which is a part of a letter such as `é`. Here they are one character.

use globset::GlobBuilder;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::spec::pattern;

/// Says of paths whether a pattern matches them.
#[derive(Clone, Debug)]
pub(crate) struct PathMatcher(Regex);

impl PathMatcher {
    /// Of one pattern.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        Self::of(&[expression(text)?])
    }

    /// Of several patterns, one of which has to match.
    ///
    /// # Errors
    /// The number of the first that is no pattern, and why.
    pub(crate) fn any_of<'p>(texts: impl IntoIterator<Item = &'p str>) -> Result<Self, (usize, String)> {
        let texts = texts.into_iter().enumerate();
        let expressions: Result<Vec<String>, _> = texts
            .map(|(at, text)| expression(text).map_err(|why| (at, why)))
            .collect();
        Self::of(&expressions?).map_err(|why| (0, why))
    }

    fn of(expressions: &[String]) -> Result<Self, String> {
        let syntax = syntax::Config::new().utf8(false).dot_matches_new_line(true);
        let built = Regex::builder().syntax(syntax).build_many(expressions);
        built.map(Self).map_err(|error| error.to_string())
    }

    /// Whether it matches a path.
    pub(crate) fn is_match(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

/// A pattern as a regular expression.
fn expression(text: &str) -> Result<String, String> {
    let glob = GlobBuilder::new(&pattern::for_matcher(text))
        .literal_separator(true)
        .build();
    glob.map(|glob| by_characters(glob.regex()))
        .map_err(|error| error.kind().to_string())
}

/// An expression of `globset` in which a set is one of characters. What `*` and `**` match is the same by bytes, and
/// cheaper.
fn by_characters(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(start) = next(rest, '[') {
        let Some(length) = next(&rest[start..], ']') else { break };
        let (set, behind) = rest[start..].split_at(length + 1);
        out.push_str(&rest[..start]);
        // What matches nothing is written as a set as well.
        match behind.starts_with('*') || set == r"[^\s\S]" {
            true => out.push_str(set),
            false => out.extend(["(?u:", &with_characters(set), ")"]),
        }
        rest = behind;
    }
    out + rest
}

/// Where a sign stands that no backslash is before.
fn next(text: &str, sign: char) -> Option<usize> {
    let mut signs = text.char_indices();
    while let Some((at, c)) = signs.next() {
        match c {
            '\\' => drop(signs.next()),
            c if c == sign => return Some(at),
            _ => {}
        }
    }
    None
}

/// A set in which the bytes of characters, `\xc3\xa9`, are these characters.
fn with_characters(set: &str) -> String {
    let mut out = Vec::with_capacity(set.len());
    let mut rest = set;
    while let Some(c) = rest.chars().next() {
        let byte = rest.strip_prefix("\\x").and_then(|hex| hex.get(..2));
        let byte = byte
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|byte| !byte.is_ascii());
        let length = match (c, byte) {
            (_, Some(byte)) => {
                out.push(byte);
                4
            }
            ('\\', None) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => c.len_utf8(),
        };
        if byte.is_none() {
            out.extend(rest[..length].bytes());
        }
        rest = &rest[length..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_and_a_set_are_one_character() {
        for (pattern, path, is) in [
            ("d/?.csv", "d/é.csv", true),
            ("d/?.csv", "d/日.csv", true),
            ("d/?.csv", "d/e\u{301}.csv", false),
            ("d/??.csv", "d/é.csv", false),
            ("?", "/", false),
            ("[äöü].csv", "ö.csv", true),
            ("[äöü].csv", "o.csv", false),
            ("[а-я].csv", "ж.csv", true),
            ("[!a].csv", "é.csv", true),
            ("[!é].csv", "é.csv", false),
            ("[!a]", "/", false),
            ("[]é]", "]", true),
            ("[a-]é", "-é", true),
            ("[\\[]x", "\\x", true),
            ("a[*?]b", "a?b", true),
            ("[/]", "/", false),
            ("é*[0-9].csv", "été 7.csv", true),
            ("**/?/[é]*", "a/ß/é.csv", true),
            ("{é,[ü]}?", "ü日", true),
            ("a{1}[é]", "a{1}é", true),
            ("x\\?é?", "x?éé", true),
        ] {
            let matcher = PathMatcher::new(pattern).expect("a pattern");
            assert_eq!(matcher.is_match(path), is, "{pattern} {path}");
        }
    }

    #[test]
    fn ascii_is_matched_as_by_globset() {
        let patterns = [
            "*",
            "*.csv",
            "d/*",
            "**",
            "**/x",
            "d/**",
            "d/**/x",
            "?[ab]",
            "[!ab]*",
            "{a,b}/?",
            "[a-c]?*",
            "a[]]b",
            "\\*",
            ".*.sw[a-p]",
        ];
        let paths = [
            "", "x", "a", "ab", "abc", "d/x", "d/e/x", "d/", "a/b", "b/ab", "a]b", "*", ".a.swp", ".a.sw", "x.csv",
            "d/x.csv", "-",
        ];
        for pattern in patterns {
            let glob = GlobBuilder::new(&pattern::for_matcher(pattern))
                .literal_separator(true)
                .build();
            let glob = glob.expect("a pattern").compile_matcher();
            let own = PathMatcher::new(pattern).expect("a pattern");
            for path in paths {
                assert_eq!(own.is_match(path), glob.is_match(path), "{pattern} {path}");
            }
        }
    }

    #[test]
    fn of_several_the_one_that_is_no_pattern_is_named() {
        assert_eq!(PathMatcher::any_of(["a", "b["]).expect_err("no pattern").0, 1);
        assert!(!PathMatcher::any_of([]).expect("none").is_match(""));
        let several = PathMatcher::any_of(["a?", "[é]"]).expect("patterns");
        assert!(several.is_match("aß") && several.is_match("é") && !several.is_match("a"));
    }
}
