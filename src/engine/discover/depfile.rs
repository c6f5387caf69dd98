//! Reads the rules that a compiler writes for make: `target: prerequisite prerequisite …`.
//!
//! A backslash at the end of a line continues it; before a space, a tab, a `#`, a `:` or a backslash in front of one of
//! these it takes the sign as it is, and `$$` is a `$`. All prerequisites of all rules count, whatever their targets.

/// The prerequisites, in order and without repeats; `None` if there is a text and no rule in it.
pub(super) fn prerequisites(text: &str) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let (mut has_text, mut has_rule) = (false, false);
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines() {
        let words = words(line);
        has_text |= !words.is_empty();
        let Some(colon) = words.iter().position(|word| word.ends_colon) else {
            continue;
        };
        has_rule = true;
        for word in &words[colon + 1..] {
            if !word.text.is_empty() && !found.contains(&word.text) {
                found.push(word.text.clone());
            }
        }
    }
    (has_rule || !has_text).then_some(found)
}

/// A word of a rule.
#[derive(Default)]
struct RuleWord {
    text: String,
    /// Whether the colon stands behind it.
    ends_colon: bool,
}

fn words(line: &str) -> Vec<RuleWord> {
    let mut words = Vec::new();
    let mut word = RuleWord::default();
    let mut signs = line.chars().peekable();
    let mut is_colon_found = false;
    while let Some(sign) = signs.next() {
        match (sign, signs.peek().copied()) {
            ('\\', Some(next @ (' ' | '\t' | '#' | ':' | '\\'))) => {
                word.text.push(next);
                signs.next();
            }
            ('$', Some('$')) => {
                word.text.push('$');
                signs.next();
            }
            ('#', _) if word.text.is_empty() => break,
            (':', Some('/' | '\\')) if is_drive(&word.text) => word.text.push(':'),
            (':', _) if !is_colon_found => {
                is_colon_found = true;
                // `::` says the same of what is needed.
                while signs.next_if_eq(&':').is_some() {}
                word.ends_colon = true;
                words.push(std::mem::take(&mut word));
            }
            (' ' | '\t' | '\r', _) => {
                if !word.text.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (sign, _) => word.text.push(sign),
        }
    }
    if !word.text.is_empty() {
        words.push(word);
    }
    words
}

fn is_drive(text: &str) -> bool {
    let mut signs = text.chars();
    signs.next().is_some_and(|sign| sign.is_ascii_alphabetic()) && signs.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    #[test]
    fn fuzz_depfile() {
        let example = "main.o: main.c \\\n include/my\\ file.h $$x a\\#b\n\nx.h:\n# no: rule\n";
        Fuzz::of("depfile", [example.into()])
            .words(&["\\", ": ", "\\\n", "$"])
            .run(|bytes| {
                let text = String::from_utf8_lossy(bytes);
                let found = prerequisites(&text).unwrap_or_default();
                assert!(found.iter().all(|path| !path.is_empty() && path.len() <= text.len()));
            });
    }

    #[test]
    fn rules_of_compilers_are_read() {
        for (text, expected) in [
            (
                "main.o: main.c \\\n  include/a.h \\\r\n include/b.h\n",
                vec!["main.c", "include/a.h", "include/b.h"],
            ),
            // With `-MP`, each header has a rule of its own.
            ("x.o: x.c x.h\n\nx.h:\n", vec!["x.c", "x.h"]),
            ("a.o b.o : a.c\nb.o: a.c b.c\n", vec!["a.c", "b.c"]),
            (
                "out/my\\ file: my\\ file.c a\\#b $$x c:\\\\d\n",
                vec!["my file.c", "a#b", "$x", "c:\\d"],
            ),
            ("# a comment: x\n/abs/lib.rlib: src/lib.rs\n", vec!["src/lib.rs"]),
            ("out/x.o:x.c x.h\n", vec!["x.c", "x.h"]),
            ("C:/x.o: C:/x.c c:\\x.h\n", vec!["C:/x.c", "c:\\x.h"]),
            ("x.o:: x.c\n", vec!["x.c"]),
            ("# nothing\n\n", vec![]),
            ("", vec![]),
        ] {
            let expected = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(prerequisites(text), Some(expected), "{text}");
        }
        assert_eq!(prerequisites("no rule at all\n"), None);
    }
}
