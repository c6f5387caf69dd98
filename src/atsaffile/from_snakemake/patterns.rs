//! Paths with wildcards, as `mapped/{sample}.bam`: what they match, and what they are with values.

use std::collections::BTreeMap;

use regex_automata::meta::Regex;

/// Most wildcards of a pattern, and most tries to match it.
const MOST_WILDCARDS: usize = 20;
const MOST_TRIES: u32 = 100_000;

/// The values of wildcards.
pub(super) type Values = BTreeMap<String, String>;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    Wildcard(String),
}

/// A path with wildcards.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    /// What the values of some wildcards must be.
    constraints: BTreeMap<String, Regex>,
}

impl Pattern {
    /// Reads a pattern; `constraints` are those that the file and the rule name.
    pub(super) fn read(text: &str, constraints: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut own = constraints.clone();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, behind) = closed(after).ok_or_else(|| format!("`{text}` has a brace that is not closed"))?;
            let (name, constraint) = match inside.split_once(',') {
                Some((name, constraint)) => (name.trim(), Some(constraint.trim())),
                None => (inside.trim(), None),
            };
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!("`{text}` has braces that are no wildcard"));
            }
            if let Some(constraint) = constraint {
                own.insert(name.to_owned(), constraint.to_owned());
            }
            parts.extend((!before.is_empty()).then(|| Part::Plain(before.to_owned())));
            parts.push(Part::Wildcard(name.to_owned()));
            rest = behind;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Plain(rest.to_owned())));
        if parts.len() > 2 * MOST_WILDCARDS {
            return Err(format!("`{text}` has more than {MOST_WILDCARDS} wildcards"));
        }
        let mut pattern = Self {
            parts,
            constraints: BTreeMap::new(),
        };
        for name in pattern.wildcards() {
            let Some(constraint) = own.get(&name) else { continue };
            let unread = || format!("the constraint `{constraint}` of the wildcard `{name}` cannot be read");
            // Quantifiers that take as little as they can, and groups with a meaning of their own, match otherwise here.
            if ["+?", "*?", "}?", "(?"].iter().any(|part| constraint.contains(part)) {
                return Err(unread());
            }
            let regex = Regex::new(&format!("^(?:{constraint})$")).map_err(|_| unread())?;
            pattern.constraints.insert(name, regex);
        }
        Ok(pattern)
    }

    /// Whether not every text is a value of each of its wildcards.
    pub(super) fn is_constrained(&self) -> bool {
        !self.constraints.is_empty()
    }

    /// Its wildcards, each once, in order.
    pub(super) fn wildcards(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Wildcard(name) if !names.contains(name) => names.push(name.clone()),
                _ => {}
            }
        }
        names
    }

    /// The text with something in the place of each wildcard.
    pub(super) fn with(&self, value: &dyn Fn(&str) -> String) -> String {
        let text = self.parts.iter().map(|part| match part {
            Part::Plain(text) => text.clone(),
            Part::Wildcard(name) => value(name),
        });
        text.collect()
    }

    /// The text with these values; `None` if one is missing.
    pub(super) fn filled(&self, values: &Values) -> Option<String> {
        let is_known = self.wildcards().iter().all(|name| values.contains_key(name));
        is_known.then(|| self.with(&|name| values.get(name).cloned().unwrap_or_default()))
    }

    /// The values with which it is this path: each as long as it can be, from the left.
    pub(super) fn matched(&self, path: &str) -> Option<Values> {
        let mut values = Values::new();
        let mut left = MOST_TRIES;
        self.match_from(&self.parts, path, &mut values, &mut left)
            .then_some(values)
    }

    fn match_from(&self, parts: &[Part], path: &str, values: &mut Values, left: &mut u32) -> bool {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return false;
        }
        let Some((first, rest)) = parts.split_first() else {
            return path.is_empty();
        };
        match first {
            Part::Plain(text) => path
                .strip_prefix(text.as_str())
                .is_some_and(|behind| self.match_from(rest, behind, values, left)),
            Part::Wildcard(name) => {
                if let Some(value) = values.get(name).cloned() {
                    let behind = path.strip_prefix(&value);
                    return behind.is_some_and(|behind| self.match_from(rest, behind, values, left));
                }
                let ends = path.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
                for end in ends.collect::<Vec<_>>() {
                    let value = &path[..end];
                    if self.constraints.get(name).is_some_and(|regex| !regex.is_match(value)) {
                        continue;
                    }
                    values.insert(name.clone(), value.to_owned());
                    if self.match_from(rest, &path[end..], values, left) {
                        return true;
                    }
                    values.remove(name);
                }
                false
            }
        }
    }

    /// The pattern of an axis whose values are the names of files, if an axis can have them.
    pub(super) fn as_glob(&self) -> Option<String> {
        let [before @ .., Part::Wildcard(_), Part::Plain(after)] = self.parts.as_slice() else {
            return None;
        };
        let directory = match before {
            [] => "",
            [Part::Plain(text)] if text.ends_with('/') => text.as_str(),
            _ => return None,
        };
        let is_plain = |text: &str| !text.contains(['*', '?', '[', ']', '{', '}', '\\', '!']);
        (is_plain(directory) && is_plain(after) && !after.contains('/')).then(|| format!("{directory}*{after}"))
    }
}

/// What stands up to the brace that closes, and what is behind it.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some((&text[..at], &text[at + 1..])),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
