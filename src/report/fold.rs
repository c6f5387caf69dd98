//! Long lines of columns, for a terminal: what has no room goes on below the last column, not at the margin.

use super::columns;
use super::ink::{InkSpan, spans};

/// Folds the lines of a text that are longer than `width` columns; a word that has no room on any line sticks out.
#[must_use]
pub fn fold(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        fold_line(line, width, &mut out);
        out.push_str(end);
    }
    out
}

fn fold_line(line: &str, width: usize, out: &mut String) {
    let plain: String = spans(line).filter_map(InkSpan::text).collect();
    if columns::of(&plain) <= width {
        out.push_str(line);
        return;
    }
    let indent = indent(&plain, width);
    let mut used = 0;
    // Blanks are kept back until a word follows on the same line.
    let mut blanks = 0;
    let mut has_word = false;
    for span in spans(line) {
        let text = match span {
            InkSpan::Sequence(sequence) => {
                out.push_str(sequence);
                continue;
            }
            InkSpan::Text(text) => text,
        };
        for word in text.split_inclusive(' ') {
            let (word, after) = word.strip_suffix(' ').map_or((word, 0), |word| (word, 1));
            if !word.is_empty() {
                let length = columns::of(word);
                if has_word && blanks > 0 && used + blanks + length > width {
                    out.push('\n');
                    (used, blanks) = (0, indent);
                }
                out.extend(std::iter::repeat_n(' ', blanks));
                out.push_str(word);
                used += blanks + length;
                blanks = 0;
                has_word = true;
            }
            blanks += after;
        }
    }
}

/// Where a line goes on: below the last of its columns that leaves half of the width, else a little further in than it begins.
fn indent(plain: &str, width: usize) -> usize {
    let begin = plain.len() - plain.trim_start_matches(' ').len();
    let (mut at, mut blanks, mut last) = (begin, 0, None);
    for word in plain[begin..].split_inclusive(' ') {
        let text = word.trim_end_matches(' ');
        if !text.is_empty() {
            if blanks > 1 && at <= width / 2 {
                last = Some(at);
            }
            blanks = 0;
        }
        at += columns::of(word);
        blanks += usize::from(word.ends_with(' '));
    }
    last.unwrap_or((begin + 2).min(width / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ink::{Ink, Tone, opened};

    #[test]
    fn a_line_goes_on_below_its_last_column() {
        let text = "run   train     0.073 s  horizon 48 -> 72  Atsaffile:15 (set on the command line)\n2 to run\n";
        let expected = "\
run   train     0.073 s  horizon 48 -> 72
                         Atsaffile:15 (set on the
                         command line)
2 to run
";
        assert_eq!(fold(text, 50), expected);
        assert_eq!(fold(text, 81), text);
    }

    #[test]
    fn without_columns_it_goes_on_a_little_further_in() {
        let text = "    because horizon 48 -> 72 (Atsaffile:15)";
        assert_eq!(fold(text, 30), "    because horizon 48 -> 72\n      (Atsaffile:15)");
        assert_eq!(
            fold("a/path/without/any/blank in it", 10),
            "a/path/without/any/blank\n  in it"
        );
    }

    #[test]
    fn colours_take_no_room_and_stay_around_their_words() {
        let ink = Ink::new(true);
        let text = format!(
            "{}  {}",
            ink.paint(Tone::Stale, "stale"),
            ink.paint(Tone::Faint, "one two three")
        );
        let expected = "\u{1b}[33mstale\u{1b}[0m\u{1b}[2m  one two\n       three\u{1b}[0m";
        assert_eq!(opened(&fold(&text, 14)), expected);
    }
}
