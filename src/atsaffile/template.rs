//! Texts with holes: `{{name}}`, and `{{{{` for a literal `{{`.

use std::ops::Range;

use super::mistakes::Mistakes;
use super::syntax::{self, Word};

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TemplatePart<'t> {
    /// Text as it is.
    Literal(&'t str),
    /// A hole.
    Hole(Hole<'t>),
}

/// `{{name}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole<'t> {
    /// What stands between the braces, without the space around it.
    pub(super) name: &'t str,
    /// Where it stands in the decoded text.
    pub(super) at: Range<usize>,
}

/// The name in a text that is a hole and nothing else.
pub(super) fn only_hole(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    (!name.is_empty() && !name.contains(['{', '}'])).then_some(name)
}

/// Splits a text at its holes; a broken hole is a mistake, and the rest of the text is then left out.
pub(super) fn split<'t>(text: &str, word: Word<'t>, mistakes: &mut Mistakes) -> (Vec<TemplatePart<'t>>, bool) {
    let mut parts = Vec::new();
    let mut whole = true;
    let mut from = 0;
    while let Some(open) = word.text[from..].find("{{").map(|at| from + at) {
        if open > from {
            parts.push(TemplatePart::Literal(&word.text[from..open]));
        }
        let inner = &word.text[open + 2..];
        if inner.starts_with("{{") {
            parts.push(TemplatePart::Literal("{{"));
            from = open + 4;
            continue;
        }
        let close = inner.find("}}").filter(|end| !inner[..*end].contains("{{"));
        let Some(close) = close else {
            mistakes
                .error(syntax::within(text, word, &(open..open + 2)), "`{{` is never closed")
                .help("close it with `}}`, or write `{{{{` for two braces as they are");
            return (parts, false);
        };
        let name = inner[..close].trim();
        if name.is_empty() {
            mistakes
                .error(
                    syntax::within(text, word, &(open..open + close + 4)),
                    "a template names nothing",
                )
                .help("write the name of a parameter between the braces, or `{{{{` for two braces as they are");
            whole = false;
        } else {
            let start = open + 2 + inner.find(name).unwrap_or(0);
            parts.push(TemplatePart::Hole(Hole {
                name,
                at: start..start + name.len(),
            }));
        }
        from = open + 2 + close + 2;
    }
    if from < word.text.len() {
        parts.push(TemplatePart::Literal(&word.text[from..]));
    }
    (parts, whole)
}
