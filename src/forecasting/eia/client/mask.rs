//! Takes the key out of a text, however it is written there.

use std::borrow::Cow;

use reqwest::Url;

/// Stands where a key stood.
const MASK: &str = "***";

/// The text without the key, as it is, as an address has it, and in other cases, for hosts have none.
pub(super) fn mask(text: &str, key: &str) -> String {
    let forms = [Cow::Borrowed(key), Cow::Owned(in_address(key))];
    forms.iter().fold(text.to_owned(), |text, form| without(&text, form))
}

/// The key as the value of a parameter in an address.
fn in_address(key: &str) -> String {
    let address = Url::parse_with_params("http://host", [("", key)]);
    let query = address.ok().and_then(|address| address.query().map(str::to_owned));
    query.unwrap_or_default().trim_start_matches('=').to_owned()
}

fn without(text: &str, part: &str) -> String {
    if part.is_empty() {
        return text.to_owned();
    }
    // In ASCII a letter in another case has as many bytes.
    let (lower, part) = (text.to_ascii_lowercase(), part.to_ascii_lowercase());
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for (at, found) in lower.match_indices(&part) {
        masked += &text[end..at];
        masked += MASK;
        end = at + found.len();
    }
    masked + &text[end..]
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_key_is_hidden_in_every_form() {
        assert_eq!(
            mask("a s3cr3t-Key, http://S3CR3T-KEY.example/", "s3cr3t-Key"),
            "a ***, http://***.example/"
        );
        assert_eq!(mask("?api_key=a%2Fb+c&x=ä", "a/b c"), "?api_key=***&x=ä");
        assert_eq!(mask("no key", ""), "no key");
    }
}
