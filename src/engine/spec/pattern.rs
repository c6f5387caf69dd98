//! Patterns of paths: what makes a text one, and its form for the matcher.
//!
//! `*` and `?` match within a name, `**` any directories, `[ab]` one of these characters, `{a,b}` one of these texts. As
//! in the shell, braces without a comma between them are themselves.

/// Whether a text is a pattern, unless it is the path of a file.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[']) || !groups(text).is_empty()
}

/// The directories of a pattern before its first special character.
#[must_use]
pub fn fixed_part(pattern: &str) -> &str {
    let special = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    pattern[..special].rsplit_once('/').map_or("", |(fixed, _)| fixed)
}

/// The pattern with every brace that is itself in brackets, as a matcher that knows only groups wants it.
#[must_use]
pub fn for_matcher(pattern: &str) -> String {
    let groups = groups(pattern);
    let mut out = String::with_capacity(pattern.len());
    let mut in_class = false;
    for (at, c) in pattern.char_indices() {
        let is_of_group = groups.contains(&at);
        match c {
            '{' | '}' if !in_class && !is_of_group => out.extend(['[', c, ']']),
            _ => out.push(c),
        }
        in_class = match c {
            '[' if pattern[at..].contains(']') => true,
            ']' => false,
            _ => in_class,
        };
    }
    out
}

/// Where the braces of groups stand: pairs with a comma between them that is in no pair within.
fn groups(text: &str) -> Vec<usize> {
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut groups = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' => open.push((at, false)),
            ',' => open
                .iter_mut()
                .next_back()
                .into_iter()
                .for_each(|(_, comma)| *comma = true),
            '}' => {
                if let Some((start, true)) = open.pop() {
                    groups.extend([start, at]);
                }
            }
            _ => {}
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_fixed_up_to_its_first_special_character() {
        assert_eq!(fixed_part("data/raw/*.csv"), "data/raw");
        assert_eq!(fixed_part("*.csv"), "");
    }

    #[test]
    fn braces_without_a_comma_are_themselves() {
        for (text, is, form) in [
            ("a{1}.csv", false, "a[{]1[}].csv"),
            ("a{1,2}.csv", true, "a{1,2}.csv"),
            ("{x}*.csv", true, "[{]x[}]*.csv"),
            ("a{b,{c}}*", true, "a{b,[{]c[}]}*"),
            ("a}{,", false, "a[}][{],"),
            ("a[{]b", true, "a[{]b"),
        ] {
            assert_eq!((is_pattern(text), for_matcher(text).as_str()), (is, form), "{text}");
        }
    }
}
