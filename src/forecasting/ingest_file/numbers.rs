//! Numbers as they are written: with a decimal point or comma, separated thousands where that is said, words for none.

use super::super::columns::is_missing;

/// The minus that word processors and statistical offices write, and no keyboard has.
const MINUS: char = '\u{2212}';
/// Blanks that word processors put between thousands, so that no line ends there.
const FIRM_BLANKS: [char; 4] = ['\u{a0}', '\u{2007}', '\u{2009}', '\u{202f}'];
/// The apostrophe that they write.
const APOSTROPHE: char = '\u{2019}';

/// How numbers are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberForm {
    /// What stands before the fraction.
    pub(super) decimal: char,
    /// What stands between the thousands, if anything may.
    pub(super) thousands: Option<char>,
    /// Words for no value, beside the usual ones.
    pub(super) nulls: Vec<String>,
}

impl NumberForm {
    /// Reads a number; the outer `None` is no number at all, the inner one no value.
    #[expect(clippy::option_option, reason = "a missing value is no fault")]
    pub(super) fn read(&self, text: &str) -> Option<Option<f64>> {
        if self.is_null(text) {
            return Some(None);
        }
        let with_hyphen = text.starts_with(MINUS).then(|| text.replacen(MINUS, "-", 1));
        let text = with_hyphen.as_deref().unwrap_or(text);
        let mut plain = text.to_owned();
        if let Some(thousands) = self.thousands {
            plain = plain.replace(alike(thousands), &thousands.to_string());
            let text = &*plain;
            // Where one sign should be both, it separates thousands.
            let (whole, fraction) = match text.split_once(self.decimal) {
                Some(parts) if self.decimal != thousands => parts,
                _ => (text, ""),
            };
            let mut groups = whole.trim_start_matches(['-', '+']).split(thousands);
            let first = groups.next().map_or(0, str::len);
            let is_grouped = groups.clone().next().is_none() || (first <= 3 && groups.all(|group| group.len() == 3));
            if !is_grouped || fraction.contains(thousands) {
                return None;
            }
            plain = text.replace(thousands, "");
        }
        if self.decimal != '.' {
            if plain.contains('.') {
                return None;
            }
            plain = plain.replace(self.decimal, ".");
        }
        plain.parse().ok().map(Some)
    }

    /// Whether a text says that there is no value.
    pub(super) fn is_null(&self, text: &str) -> bool {
        is_missing(text) || text.eq_ignore_ascii_case("nan") || self.nulls.iter().any(|word| word == text)
    }
}

/// Signs that mean the same as one between thousands.
fn alike(thousands: char) -> &'static [char] {
    match thousands {
        ' ' => &FIRM_BLANKS,
        '\'' => &[APOSTROPHE],
        _ => &[],
    }
}

/// Whether the numbers among some texts have decimal commas: some do, and none has a point.
pub(super) fn has_decimal_comma<'t>(texts: impl Iterator<Item = &'t str>, thousands: Option<char>) -> bool {
    let is_between = |c: char| thousands.is_some_and(|sign| c == sign || alike(sign).contains(&c));
    let is_digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || is_between(c));
    let mut found = false;
    for text in texts {
        if text.contains('.') && text.contains(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let parts = text.trim_start_matches(['-', '+']).split_once(',');
        found |= parts.is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(decimal: char, thousands: Option<char>) -> NumberForm {
        NumberForm {
            decimal,
            thousands,
            nulls: vec!["fehlt".to_owned()],
        }
    }

    #[test]
    fn numbers_are_read_in_their_form_and_in_no_other() {
        let point = form('.', None);
        assert_eq!(point.read("1.5"), Some(Some(1.5)));
        assert_eq!(point.read("-1e3"), Some(Some(-1000.0)));
        assert_eq!(point.read("\u{2212}1.5"), Some(Some(-1.5)));
        assert_eq!(point.read("1,5"), None);
        let comma = form(',', None);
        assert_eq!(comma.read("1,5"), Some(Some(1.5)));
        assert_eq!(comma.read("1.5"), None);
        let grouped = form(',', Some('.'));
        assert_eq!(grouped.read("-1.234.567,8"), Some(Some(-1_234_567.8)));
        assert_eq!(grouped.read("12.34,5"), None, "no thousands are separated there");
        let blanks = form('.', Some(' '));
        for text in ["12 345.6", "12\u{a0}345.6", "12\u{202f}345.6"] {
            assert_eq!(blanks.read(text), Some(Some(12_345.6)), "{text}");
        }
        assert_eq!(form('.', Some('\'')).read("-1’234’567"), Some(Some(-1_234_567.0)));
        assert_eq!(
            form('.', Some(',')).read("1,234.5,6"),
            None,
            "no thousands in a fraction"
        );
        let both = form('.', Some('.'));
        assert_eq!(both.read("1.234"), Some(Some(1234.0)));
        assert_eq!([both.read("1.5"), both.read("01.02.2024")], [None, None]);
        for word in ["", "NA", "n/a", "null", "--", ".", "w", "NaN", "fehlt"] {
            assert_eq!(point.read(word), Some(None), "{word}");
        }
    }

    #[test]
    fn a_decimal_comma_is_one_where_no_point_contradicts() {
        assert!(has_decimal_comma(["1,5", "2", "NA"].into_iter(), None));
        assert!(!has_decimal_comma(["1,5", "2.5"].into_iter(), None));
        assert!(!has_decimal_comma(["1", "2", "a,b"].into_iter(), None));
        let blanks = ["1\u{a0}234,5", "2"];
        assert!(has_decimal_comma(blanks.into_iter(), Some(' ')));
        assert!(!has_decimal_comma(blanks.into_iter(), None));
    }
}
