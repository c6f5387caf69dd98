//! Takes secrets out of what a message says, however they are written there.

use reqwest::Url;

use crate::outward::Mask;

/// Stands where a secret stood.
const MASK: &str = "***";

/// The secrets of one client.
pub(super) struct Hidden {
    mask: Mask,
    /// As they are and as an address has them; in any case, for hosts have none.
    forms: Vec<String>,
}

impl Hidden {
    pub(super) fn new(secrets: &[String]) -> Self {
        let mut forms: Vec<String> = secrets.iter().flat_map(|it| [it.clone(), in_address(it)]).collect();
        forms.retain(|form| !form.is_empty());
        Self {
            mask: Mask::new(secrets.iter().map(String::as_str)),
            forms,
        }
    }

    /// The text without the secrets.
    pub(super) fn hide(&self, text: &str) -> String {
        let masked = self.mask.hide(text).into_owned();
        self.forms.iter().fold(masked, |text, form| without(&text, form))
    }
}

/// A secret as the value of a parameter in an address.
fn in_address(secret: &str) -> String {
    let address = Url::parse_with_params("http://host", [("", secret)]);
    let query = address.ok().and_then(|address| address.query().map(str::to_owned));
    query.unwrap_or_default().trim_start_matches('=').to_owned()
}

fn without(text: &str, part: &str) -> String {
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
    use super::*;

    fn mask(text: &str, secret: &str) -> String {
        Hidden::new(&[secret.to_owned()]).hide(text)
    }

    #[test]
    fn a_secret_is_hidden_in_every_form() {
        assert_eq!(
            mask("a s3cr3t-Key, http://S3CR3T-KEY.example/", "s3cr3t-Key"),
            "a ***, http://***.example/"
        );
        assert_eq!(mask("?api_key=a%2Fb+c&x=ä", "a/b c"), "?api_key=***&x=ä");
        assert_eq!(
            mask("Authorization: Basic czNjcjN0LUtleQ==", "s3cr3t-Key"),
            "Authorization: Basic ***"
        );
        assert_eq!(mask("no key", ""), "no key");
    }
}
