//! A long text read in pieces side by side, each a run of whole targets.
//!
//! A piece begins at a line that looks like the head of a target. Should that line lie within a value, the piece before it
//! ends in that value and is no TOML; then, and wherever the pieces do not simply add up, the text is read as one.

use std::ops::Range;

use memchr::memmem;
use rayon::prelude::*;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;
use super::syntax;
use crate::fast_map::FastSet;

/// The table of which a piece has a part.
const TARGET: &str = "target";

/// With what a piece begins, behind the end of a line.
const HEAD: &str = "\n[target.";

/// Bytes of a piece; what is not longer than two is read as one.
pub(super) const PIECE: usize = 1 << 16;

/// A text's TOML.
#[derive(Default)]
pub(super) struct Pieces<'t> {
    /// All, but for targets of later pieces.
    pub(super) root: DeTable<'t>,
    /// Targets of later pieces, in order.
    pub(super) more: Vec<DeTable<'t>>,
}

impl<'t> Pieces<'t> {
    /// Adds the next piece; `None` where it has a part of a table that was there before and is not that of all targets, or
    /// that table is such as no head of a target adds to.
    fn add(&mut self, text: &str, next: DeTable<'t>) -> Option<()> {
        for (key, node) in next {
            match self.root.get_key_value(key.get_ref().as_ref()) {
                None => drop(self.root.insert(key, node)),
                Some((first, all))
                    if key.get_ref() == TARGET
                        && is_in_a_head(text, &first.span())
                        && is_of_a_target(text, &key.span()) =>
                {
                    let (DeValue::Table(_), DeValue::Table(more)) = (all.get_ref(), node.into_inner()) else {
                        return None;
                    };
                    self.more.push(more);
                }
                Some(_) => return None,
            }
        }
        Some(())
    }

    /// Whether no target is in two pieces, or twice in the text.
    fn are_distinct(&self) -> bool {
        let first = self.root.get(TARGET).and_then(|node| node.get_ref().as_table());
        let tables = || first.into_iter().chain(&self.more);
        let mut names = FastSet::default();
        names.reserve(tables().map(DeTable::len).sum());
        tables()
            .flatten()
            .all(|(name, _)| names.insert(name.get_ref().as_ref()))
    }

    /// Frees them side by side.
    pub(super) fn free(self) {
        self.more.into_par_iter().for_each(drop);
    }
}

/// Reads the TOML of a text in which nothing is wrong; `None` where it is to be read as one.
pub(super) fn parse(text: &str, piece: usize) -> Option<Pieces<'_>> {
    if text.len() <= 2 * piece || rayon::current_num_threads() < 2 {
        return None;
    }
    let read = |range: Range<usize>| {
        let mut mistakes = Mistakes::default();
        let table = syntax::parse_whole(text.get(range.clone())?, &mut mistakes)?;
        (mistakes.len() == 0).then(|| moved(table, range.start))
    };
    let tables: Option<Vec<DeTable<'_>>> = split(text, piece).into_par_iter().map(read).collect();
    let mut tables = tables?.into_iter();
    let root = tables.next()?;
    let mut pieces = Pieces {
        root,
        more: Vec::with_capacity(tables.len()),
    };
    tables.try_for_each(|table| pieces.add(text, table))?;
    pieces.are_distinct().then_some(pieces)
}

/// Where the pieces are.
fn split(text: &str, piece: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::with_capacity(text.len() / piece + 1);
    let mut start = 0;
    while let Some(head) = next_head(text.as_bytes(), start + piece) {
        pieces.push(start..head);
        start = head;
    }
    pieces.push(start..text.len());
    pieces
}

/// The first byte of a line behind another that looks like the head of a target, and not of a table in one.
fn next_head(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let is_target = |at: &usize| {
        let mut name = rest[at + HEAD.len()..].iter().take_while(|byte| **byte != b'\n');
        !name.any(|byte| *byte == b'.')
    };
    let head = memmem::find_iter(rest, HEAD).find(is_target)?;
    Some(from + head + 1)
}

/// The table that begins at this byte of the text.
fn moved(table: DeTable<'_>, start: usize) -> DeTable<'_> {
    if start == 0 {
        return table;
    }
    let entries = table.into_iter();
    entries
        .map(|(key, node)| {
            let key = Spanned::new(behind(&key.span(), start), key.into_inner());
            (key, moved_node(node, start))
        })
        .collect()
}

fn moved_node(node: Spanned<DeValue<'_>>, start: usize) -> Spanned<DeValue<'_>> {
    let span = behind(&node.span(), start);
    let mut value = node.into_inner();
    match &mut value {
        DeValue::Array(array) => array.iter_mut().for_each(|item| {
            let taken = std::mem::replace(item, Spanned::new(0..0, DeValue::Boolean(false)));
            *item = moved_node(taken, start);
        }),
        DeValue::Table(table) => *table = moved(std::mem::take(table), start),
        _ => {}
    }
    Spanned::new(span, value)
}

fn behind(span: &Range<usize>, start: usize) -> Range<usize> {
    span.start + start..span.end + start
}

/// Whether a key is the first word between the brackets of a table's head.
fn is_in_a_head(text: &str, key: &Range<usize>) -> bool {
    text[..key.start].trim_end().ends_with('[')
}

/// Whether more than the word stands between the brackets: it is the head of a target, and not that of all.
fn is_of_a_target(text: &str, key: &Range<usize>) -> bool {
    text[key.end..].trim_start().starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    /// Bytes of a piece in these tests.
    const SMALL: usize = 40;

    /// Reads a text both ways; says whether it could be read in pieces.
    fn reads_alike(text: &str) -> bool {
        let mut mistakes = Mistakes::default();
        let whole = syntax::parse_whole(text, &mut mistakes);
        let Some(Pieces { mut root, more }) = parse(text, SMALL) else {
            return false;
        };
        assert_eq!(mistakes.len(), 0, "the pieces hide a mistake: {text}");
        if let Some(DeValue::Table(all)) = root.get_mut(TARGET).map(Spanned::get_mut) {
            all.extend(more.into_iter().flatten());
        }
        // With all spans and the order of the text.
        assert_eq!(
            Some(format!("{root:?}")),
            whole.map(|whole| format!("{whole:?}")),
            "{text}"
        );
        true
    }

    const TARGETS: &str = "[params]\nword = \"ä\\u00e4\"\n\n[target.a]\nrun = \"echo {{word}} > {{output}}\"\ninputs = [\"x\", \"y\"]\noutput = \"a\"\n\n[target.b]\nuses = \"t\"\nwith = { k = [{ a = 1 }], t = 2024-01-01 }\n[target.b.env]\nx = 1\n[[target.b.more]]\ny = 1\n[[target.b.more]]\ny = 2\n\n[target.\"c d\"]\ndesc = \"\"\"\nlong\n\"\"\"\n\n[matrix]\nr = [\"A\"]\n\n[target.e]\nrun = \"e\"\n";

    #[test]
    fn targets_one_behind_the_other_are_read_in_pieces() {
        assert!(reads_alike(TARGETS));
    }

    #[test]
    fn what_does_not_add_up_is_read_as_one() {
        let long = "#".repeat(3 * SMALL);
        for (first, second) in [
            ("target = { a = { run = \"a\" } }", "[target.b]\nrun = \"b\""),
            ("target.a.run = \"a\"", "[target.b]\nrun = \"b\""),
            ("[target.a]\nrun = \"a\"", "[target.a]\nrun = \"b\""),
            (
                "[target.a]\nrun = \"a\"",
                "[target.b]\nrun = \"b\"\n[target.a.with]\nx = 1",
            ),
            ("[[target]]\nrun = \"a\"", "[target.b]\nrun = \"b\""),
            ("[target]\na.run = \"a\"", "[target.b]\nrun = \"b\"\n[target]"),
            (
                "[target]\na.run = \"a\"",
                "[target.b]\nrun = \"b\"\n[ target ]\nc.run = \"c\"",
            ),
            ("[target.a]\nrun = \"a\"", "[target.b]\nrun = \"b\"\n[\"\\u0074arget\"]"),
            ("[params]\nx = 1", "[target.b]\nrun = \"b\"\n[params]\ny = 1"),
            ("[target.a]\nrun = \"\"\"", "[target.b]\n\"\"\""),
            ("[target.a]\ninputs = [", "[target.b]\n]"),
            ("[target.a]\nrun = \"a", "[target.b]\nrun = \"b\""),
            ("[target.a]\nrun = \"\\u0000\"", "[target.b]\nrun = \"b\""),
        ] {
            assert!(!reads_alike(&format!("{first}\n{long}\n{second}\n")), "{first}");
        }
    }

    #[test]
    fn fuzz_pieces() {
        let words = [
            "\n[target.",
            "\n[[target.",
            "\"\"\"",
            "'''",
            "target",
            "[",
            "]",
            "\n",
            " = ",
            "{",
            "}",
            "#",
        ];
        Fuzz::of("pieces of an Atsaffile", [TARGETS.as_bytes().to_vec()])
            .words(&words)
            .run(|bytes| {
                if let Ok(text) = std::str::from_utf8(bytes) {
                    reads_alike(text);
                }
            });
    }
}
