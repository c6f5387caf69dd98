//! The forms in which a secret turns up: as it is, in base64 and hexadecimal, and quoted or escaped in any way.
//!
//! Escapes and quotes have too many dialects to list the forms of one secret. They are taken off instead, off the text
//! and off the secret alike: what is left of both is then compared.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::control::decoded;
use super::view::View;

/// What is looked for because of a secret in [`View::joined`] texts: each form of at least `shortest` bytes.
pub(super) fn forms(secret: &str, shortest: usize) -> Vec<Vec<u8>> {
    let trimmed = secret.trim();
    let mut forms = vec![seen(trimmed)];
    forms.extend(lines(trimmed).map(seen));
    for text in [secret, trimmed] {
        for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
            let engine = GeneralPurpose::new(alphabet, GeneralPurposeConfig::new());
            forms.extend((0..3).map(|offset| base64_at(text.as_bytes(), offset, &engine)));
            // On its own, as `echo` gives it or not: with all that ends it.
            forms.extend([text, &format!("{text}\n")].map(|text| engine.encode(text).into_bytes()));
        }
    }
    let hex = |write: fn(&u8) -> String| trimmed.as_bytes().iter().map(write).collect::<String>().into_bytes();
    forms.extend([hex(|byte| format!("{byte:02x}")), hex(|byte| format!("{byte:02X}"))]);
    forms.retain(|form| form.len() >= shortest);
    forms
}

/// What is looked for because of a secret in [`unquoted`] texts.
pub(super) fn unquoted_forms(secret: &str, shortest: usize) -> Vec<Vec<u8>> {
    let trimmed = secret.trim();
    let all = std::iter::once(trimmed).chain(lines(trimmed));
    let forms = all.map(|text| unquoted(&seen(text)).bytes.into_owned());
    forms.filter(|form| form.len() >= shortest).collect()
}

/// Lines of a secret that has several.
fn lines(secret: &str) -> impl Iterator<Item = &str> {
    let several = secret.contains('\n');
    secret.lines().map(str::trim).filter(move |_| several)
}

/// What is left of a secret in a text that was made plain and joined.
fn seen(text: &str) -> Vec<u8> {
    View::joined(&decoded(text.as_bytes(), true).bytes).bytes.into_owned()
}

/// The characters of base64 that depend on nothing but these bytes, where as many bytes stand before them as `offset`,
/// beyond a multiple of three.
fn base64_at(bytes: &[u8], offset: usize, engine: &GeneralPurpose) -> Vec<u8> {
    let mut shifted = vec![0; offset];
    shifted.extend_from_slice(bytes);
    let encoded = engine.encode(&shifted);
    let (first, end) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
    encoded.as_bytes().get(first..end).unwrap_or_default().to_vec()
}

/// Whether some text may have another [`unquoted`] form than it has already.
pub(super) fn is_quoted(text: &[u8]) -> bool {
    memchr::memchr3(b'%', b'\\', b'"', text).is_some() || memchr::memchr3(b'\'', b'+', b'&', text).is_some()
}

/// A text without quotes and escapes: percent signs with their digits, `+` for a space, backslashes before a sign, of
/// JSON and of programs, entities of HTML, and any quote signs. Encoded twice is encoded, too.
pub(super) fn unquoted(text: &[u8]) -> View<'static> {
    const MOST: usize = 4;
    let mut view = unquoted_once(text);
    for _ in 1..MOST {
        if memchr::memchr2(b'%', b'&', &view.bytes).is_none() {
            break;
        }
        let again = unquoted_once(&view.bytes);
        if again.bytes.len() == view.bytes.len() {
            break;
        }
        view = again.after(&view);
    }
    view
}

fn unquoted_once(text: &[u8]) -> View<'static> {
    let mut out = View::empty();
    let mut at = 0;
    while at < text.len() {
        let (width, byte) = match text[at] {
            b'%' => percent(&text[at..]),
            b'\\' => {
                let (width, escaped) = backslash(&text[at..]);
                if let Escaped::Text(text) = escaped {
                    let mut buffer = [0; 4];
                    out.push_for(at, width, text.encode_utf8(&mut buffer).as_bytes());
                    at += width;
                    continue;
                }
                match escaped {
                    Escaped::Byte(byte) => (width, byte),
                    _ => (width, b'\\'),
                }
            }
            b'&' => entity(&text[at..]),
            byte => (1, byte),
        };
        match byte {
            b'\\' | b'\'' | b'"' | ..b' ' | 0x7f => {}
            b'+' | b' ' => out.push_for(at, width, b" "),
            byte if width == 1 => out.push_as_it_is(at, &[byte]),
            byte => out.push_for(at, width, &[byte]),
        }
        at += width;
    }
    out
}

/// Where a text may end for now: at its end, and before each escape near it that may not be complete.
pub(super) fn escape_ends(text: &[u8]) -> impl Iterator<Item = usize> {
    const NEAR: usize = 16;
    let near = text.len().saturating_sub(NEAR)..text.len();
    let escapes = near.filter(|at| matches!(text[*at], b'%' | b'\\' | b'&'));
    escapes.chain([text.len()])
}

/// `%41`, `%2541` and so on.
fn percent(text: &[u8]) -> (usize, u8) {
    let mut at = 1;
    while text[at..].starts_with(b"25") && hex(text, at + 2, 2).is_some() {
        at += 2;
    }
    match hex(text, at, 2).and_then(|code| u8::try_from(code).ok()) {
        Some(byte) => (at + 2, byte),
        None => (1, b'%'),
    }
}

enum Escaped {
    /// A sign.
    Text(char),
    Byte(u8),
    /// Nothing follows.
    Nothing,
}

/// Any number of backslashes and what they stand before.
fn backslash(text: &[u8]) -> (usize, Escaped) {
    let at = text.iter().take_while(|byte| **byte == b'\\').count();
    let code = |digits| hex(text, at + 1, digits);
    match text.get(at) {
        None => (at, Escaped::Nothing),
        Some(b'u') => match code(4) {
            Some(high @ 0xd800..0xdc00) => {
                let rest = &text[at + 5..];
                let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
                let low = (slashes > 0 && rest.get(slashes) == Some(&b'u')).then(|| hex(rest, slashes + 1, 4));
                match low.flatten() {
                    Some(low @ 0xdc00..0xe000) => {
                        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        (at + 10 + slashes, of_code(code))
                    }
                    _ => (at + 5, Escaped::Nothing),
                }
            }
            Some(code) => (at + 5, of_code(code)),
            None => (at + 1, Escaped::Byte(b'u')),
        },
        Some(b'x') => match code(2).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => (at + 3, Escaped::Byte(byte)),
            None => (at + 1, Escaped::Byte(b'x')),
        },
        Some(b'n' | b'r' | b't' | b'b' | b'f') => (at + 1, Escaped::Nothing),
        Some(byte) => (at + 1, Escaped::Byte(*byte)),
    }
}

fn of_code(code: u32) -> Escaped {
    match (u8::try_from(code), char::from_u32(code)) {
        (Ok(byte @ ..0x80), _) => Escaped::Byte(byte),
        (_, Some(c)) => Escaped::Text(c),
        _ => Escaped::Nothing,
    }
}

/// `&amp;` and the other entities of signs that HTML and XML escape.
fn entity(text: &[u8]) -> (usize, u8) {
    const ENTITIES: [(&[u8], u8); 7] = [
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
        (b"&#39;", b'\''),
        (b"&#x27;", b'\''),
    ];
    let found = ENTITIES.iter().find(|(entity, _)| text.starts_with(entity));
    found.map_or((1, b'&'), |(entity, byte)| (entity.len(), *byte))
}

/// The number that some hexadecimal digits write.
fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(text: &str) -> String {
        String::from_utf8(unquoted(text.as_bytes()).bytes.into_owned()).expect("text")
    }

    #[test]
    fn every_dialect_comes_to_the_same() {
        let secret = "p&ss wörd/'x'\"y\"\\z%41+1";
        for written in [
            "p%26ss%20w%C3%B6rd%2F%27x%27%22y%22%5Cz%2541%2B1",
            "p%26ss+w%c3%b6rd/'x'%22y%22%5cz%2541%2b1",
            "%70%26%73%73%20%77%c3%b6%72%64%2f%27%78%27%22%79%22%5c%7a%25%34%31%2b%31",
            "p%2526ss%2520w%25C3%25B6rd%252F%2527x%2527%2522y%2522%255Cz%252541%252B1",
            r#"p&ss w\u00f6rd\/'x'\"y\"\\z%41+1"#,
            r#"p\u0026ss w\u00F6rd/\u0027x\u0027\"y\"\\z%41+1"#,
            r#"{\"key\": \"p&ss wörd/'x'\\\"y\\\"\\\\z%41+1"#,
            r#"'p&ss wörd/'\''x'\''"y"\z%41+1'"#,
            r#"'p&ss wörd/'"'"'x'"'"'"y"\z%41+1'"#,
            r#"p\&ss\ wörd/\'x\'\"y\"\\z%41+1"#,
            r"p\x26ss w\xc3\xb6rd/\x27x\x27\x22y\x22\x5cz%41+1",
            "p&amp;ss wörd/&#39;x&#x27;&quot;y&quot;\\z%41+1",
        ] {
            let (written, secret) = (bare(written), bare(secret));
            assert!(written.contains(&secret), "{written} has no {secret}");
        }
        assert_eq!(bare(r"\ud83d\ude00 \ud83d \u12"), "😀  u12");
        assert_eq!(bare("100% %zz %2"), "100% %zz %2");
    }

    #[test]
    fn base64_is_known_wherever_it_begins() {
        let secret = "hunter2-and-more";
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz\n"] {
                let text = format!("{before}{secret}{after}");
                for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
                    let engine = GeneralPurpose::new(&alphabet, GeneralPurposeConfig::new());
                    let encoded = engine.encode(&text);
                    let known = forms(secret, 6).into_iter().any(|form| {
                        let form = String::from_utf8(form).expect("text");
                        // No more than the characters that depend on what stands beside it are left.
                        encoded.contains(&form)
                            && encoded.len() - form.len() <= (before.len() + after.len()) * 4 / 3 + 4
                    });
                    assert!(known, "{encoded}");
                }
            }
        }
    }
}
