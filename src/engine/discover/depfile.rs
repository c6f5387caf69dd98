//! Reads the rules that a compiler writes for make: `target: prerequisite prerequisite …`.
//!
//! A backslash at the end of a line continues it; before a space, a tab, a `#`, a `:` or a backslash in front of one of
//! these it takes the sign as it is, and `$$` is a `$`. All prerequisites of all rules count, whatever their targets.

/// The prerequisites, in order and without repeats.
pub(super) fn prerequisites(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines() {
        let words = words(line);
        let Some(colon) = words.iter().position(|word| word.ends_colon) else {
            continue;
        };
        for word in &words[colon + 1..] {
            if !word.text.is_empty() && !found.contains(&word.text) {
                found.push(word.text.clone());
            }
        }
    }
    found
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
            // A colon within a word, as of a drive, is a part of it.
            (':', None | Some(' ' | '\t')) if !is_colon_found => {
                is_colon_found = true;
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
                let found = prerequisites(&text);
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
            ("no rule at all", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(prerequisites(text), expected, "{text}");
        }
    }
}
