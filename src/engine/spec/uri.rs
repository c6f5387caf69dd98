//! What is a URL or URI, and what it must not hold.

/// Whether a value of kind [`Kind::PathOrUrl`](super::schema::Kind::PathOrUrl) is a URL.
#[must_use]
pub fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Whether a text is a URI with an authority or path: a scheme, `://`, and something after it (RFC 3986, section 3).
pub(super) fn is_uri(text: &str) -> bool {
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(of_scheme)
            && !rest.is_empty()
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

/// Whether the authority of a URI holds a password, as `user:password@host` does.
pub(super) fn has_password(text: &str) -> bool {
    let authority = text
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#']).next());
    let user = authority.flatten().and_then(|authority| authority.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':'))
}
