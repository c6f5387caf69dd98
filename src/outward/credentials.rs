//! Credentials in addresses: `https://user:password@host`, and `?token=…` and its like in a query.

use std::borrow::Cow;
use std::ops::Range;

/// Keys of a query whose values are nobody else's business, without regard to case, with `_` for `-`.
const KEYS: [&str; 13] = [
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth_token",
    "client_secret",
    "id_token",
    "passwd",
    "password",
    "pwd",
    "refresh_token",
    "secret",
    "token",
];

/// Where credentials stand in a text, in order; what is put in later, as `$TOKEN` and `{{token}}`, is none.
#[must_use]
pub fn credentials(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains("://") && !text.contains('?') {
        return found;
    }
    let ends = |c: char| c.is_whitespace() || "\"'`<>|;()\\,".contains(c);
    let mut at = 0;
    for word in text.split_inclusive(ends) {
        let begin = at;
        at += word.len();
        let word = word.trim_end_matches(ends);
        let mut add = |part: Option<Range<usize>>| {
            found.extend(
                part.filter(|part| is_given(&word[part.clone()]))
                    .map(|part| begin + part.start..begin + part.end),
            );
        };
        add(password(word));
        let Some((_, query)) = word.split_once('?') else {
            continue;
        };
        for pair in query.split('#').next().unwrap_or_default().split('&') {
            let Some((key, value)) = pair.split_once('=') else {
                continue;
            };
            let key = key.to_ascii_lowercase().replace('-', "_");
            let start = value.as_ptr() as usize - word.as_ptr() as usize;
            add(KEYS.contains(&key.as_str()).then_some(start..start + value.len()));
        }
    }
    found
}

/// The password of the authority of an address.
fn password(word: &str) -> Option<Range<usize>> {
    let authority = word.find("://")? + 3;
    let scheme = word[..authority - 3]
        .rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
        .next()?;
    let end = word[authority..]
        .find(['/', '?', '#'])
        .map_or(word.len(), |at| authority + at);
    let user = authority..authority + word[authority..end].rfind('@')?;
    let colon = user.start + word[user.clone()].find(':')? + 1;
    (!scheme.is_empty()).then_some(colon..user.end)
}

/// Whether a value stands there itself, and not where to get it, or something for people.
fn is_given(value: &str) -> bool {
    let stands_for = ["$", "{{", "...", "…", "***"];
    !value.is_empty() && !stands_for.iter().any(|sign| value.contains(sign))
}

/// A text with stars in place of credentials, as long as these.
#[must_use]
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let found = credentials(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for part in found {
        out.push_str(&text[at..part.start]);
        out.extend(std::iter::repeat_n('*', text[part.clone()].chars().count()));
        at = part.end;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        credentials(text).into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn credentials_are_found_in_addresses() {
        for (text, secret) in [
            ("postgres://me:sesame@db:5432/x", "sesame"),
            ("curl https://me:se:s@me@host/ > x", "se:s@me"),
            ("curl 'https://h/p?a=1&api_key=sesame#top'", "sesame"),
            ("wget -O x \"h/p?Api-Key=sesame\"", "sesame"),
            ("x?TOKEN=sesame", "sesame"),
            ("url=ftp://a:b@c", "b"),
        ] {
            assert_eq!(found(text), [secret], "{text}");
        }
        assert_eq!(found("a://u:one@h b://u:two@h?token=three"), ["one", "two", "three"]);
    }

    #[test]
    fn what_is_put_in_later_is_none_and_neither_is_a_user_or_a_port() {
        for text in [
            "curl https://me:$PASSWORD@host/?api_key=$KEY",
            "curl \"https://h/?api_key=${KEY}&token={{token}}\"",
            "https://h/?token=\"$TOKEN\"",
            "https://me@host:8080/a:b@c",
            "https://h/?api_key=&token=...&password=***",
            "sqlite:///a/b?mode=ro",
            "python fit.py --token x?",
            "s3://bucket/key?versionId=1",
            "a : b@c://",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn stars_keep_the_columns() {
        assert_eq!(
            without_credentials("a = \"x://u:pöw@h\" # b"),
            "a = \"x://u:***@h\" # b"
        );
        assert!(matches!(without_credentials("x://h?a=b"), Cow::Borrowed(_)));
    }
}
