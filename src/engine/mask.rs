//! Hides the values of secrets in whatever is printed, logged or stored.

use std::borrow::Cow;

/// The values to hide, the longest first, so that one that contains another is hidden whole.
#[derive(Debug, Default)]
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Hides these values; each line of one that has several is hidden as well.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values: Vec<String> = secrets
            .into_iter()
            .flat_map(|secret| secret.lines().chain([secret]))
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self(values)
    }

    /// The length of the longest, in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.0.first().map_or(0, String::len)
    }

    /// The text without them.
    pub(crate) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for value in &self.0 {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), "***"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_whole_and_line_by_line() {
        let mask = Mask::new(["key", "longer key", "first\nsecond"]);
        assert_eq!(mask.hide("a longer key, a key"), "a ***, a ***");
        assert_eq!(mask.hide("only second"), "only ***");
        assert_eq!(mask.hide("nothing"), "nothing");
    }
}
