//! Durations, ages, sizes and counts as people read them.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use crate::outward::plain;

/// A duration to about three digits: `0.02 s`, `11.4 s`, `2 min 3 s`, `1 h 5 min`, `3 d 4 h`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    if duration < Duration::from_millis(995) {
        let seconds = duration.as_secs_f64();
        return match seconds {
            _ if duration.is_zero() => "0 s".to_owned(),
            _ if seconds < 0.001 => "0.001 s".to_owned(),
            _ if seconds < 0.0995 => trim(&format!("{seconds:.3}")),
            _ => trim(&format!("{seconds:.2}")),
        };
    }
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = (duration.as_millis() + 500) / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if minutes < 60 {
        two(minutes, "min", seconds % 60, "s")
    } else if hours < 24 {
        two(hours, "h", minutes % 60, "min")
    } else {
        two(days, "d", hours % 24, "h")
    }
}

fn trim(number: &str) -> String {
    format!("{} s", number.trim_end_matches('0').trim_end_matches('.'))
}

fn two(large: u128, of: &str, small: u128, unit: &str) -> String {
    match small {
        0 => format!("{large} {of}"),
        _ => format!("{large} {of} {small} {unit}"),
    }
}

/// A line that a command printed, cut where it is no longer read.
#[must_use]
pub fn printed(line: &str) -> String {
    const LONG: usize = 1000;
    let text = plain(line.as_bytes());
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}

/// A text as one word of a command that a shell reads: `TEX`, `model=LagRidge`, `'New York'`.
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    match !text.is_empty() && text.chars().all(is_safe) {
        true => Cow::Borrowed(text),
        // With a zero byte it is no word of any command.
        false => shlex::try_quote(text).unwrap_or(Cow::Borrowed(text)),
    }
}

/// Texts as words of a command, each behind a flag if there is one.
#[must_use]
pub fn words<'t>(flag: &str, texts: impl IntoIterator<Item = &'t str>) -> String {
    let words = texts.into_iter().map(|text| format!("{flag}{}", word(text)));
    words.collect::<Vec<_>>().join(" ")
}

/// How long ago something was: `just now`, `2 min ago`, `3 d ago`.
#[must_use]
pub fn ago(then: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..2 => "just now".to_owned(),
        2..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A moment in UTC to the millisecond, as RFC 3339 writes it: `2023-06-01T00:00:00.000Z`.
#[must_use]
pub fn timestamp(at: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(at).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A size: `17 B`, `1.2 KiB`, `340 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match value < 99.95 {
        true => format!("{value:.1} {}", UNITS[unit]),
        false => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A number to about four digits, thousands apart: `10,611`, `25.48`, `0.01235`, `1.2e-7`.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return String::new();
    }
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.3e}");
    }
    let decimals = match size {
        _ if size >= 1000.0 => 0,
        _ if size >= 100.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 1.0 => 3,
        _ if size >= 0.1 => 4,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let is_zero = fraction.is_empty() && digits.chars().all(|digit| digit == '0');
    let sign = if is_zero { "" } else { sign };
    match fraction {
        "" => format!("{sign}{out}"),
        fraction => format!("{sign}{out}.{fraction}"),
    }
}

/// By how much a number is another one: `-1.8 %`; none from zero on.
#[must_use]
pub fn relative(before: f64, after: f64) -> Option<String> {
    let by = (after - before) / before.abs() * 100.0;
    if !by.is_finite() {
        return None;
    }
    Some(match by.abs() {
        0.0 => "0 %".to_owned(),
        size if size >= 100.0 => format!("{by:+.0} %"),
        size if size >= 0.05 => format!("{by:+.1} %"),
        _ => format!("{by:+.1e} %"),
    })
}

/// A place: `1st`, `2nd`, `3rd`, `11th`.
#[must_use]
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// A number and what it counts: `1 target`, `3 targets`.
#[must_use]
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_see_more_in_it() {
        for (text, expected) in [
            ("TEX", "TEX"),
            ("fit@TEX,NG", "fit@TEX,NG"),
            ("level=80", "level=80"),
            ("title=a b", "'title=a b'"),
            ("x=$HOME", "'x=$HOME'"),
            ("x=*", "'x=*'"),
            ("it's", "\"it's\""),
            ("", "''"),
        ] {
            assert_eq!(word(text), expected);
        }
        assert_eq!(words("-s ", ["a=1", "b=x y"]), "-s a=1 -s 'b=x y'");
        assert_eq!(words("", []), "");
    }

    #[test]
    fn durations_have_about_three_digits() {
        for (milliseconds, text) in [
            (0, "0 s"),
            (4, "0.004 s"),
            (20, "0.02 s"),
            (432, "0.43 s"),
            (994, "0.99 s"),
            (995, "1.0 s"),
            (11_420, "11.4 s"),
            (59_940, "59.9 s"),
            (59_960, "1 min"),
            (123_000, "2 min 3 s"),
            (3_599_600, "1 h"),
            (3_900_000, "1 h 5 min"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
        }
        assert_eq!(duration(Duration::from_micros(3)), "0.001 s");
    }

    #[test]
    fn numbers_have_about_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (10_611.4, "10,611"),
            (-1_234_567.0, "-1,234,567"),
            (999.96, "1,000"),
            (25.481, "25.48"),
            (2.0, "2"),
            (0.012_345, "0.01235"),
            (0.000_012, "1.200e-5"),
            (f64::NAN, ""),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn changes_are_relative_to_what_was() {
        assert_eq!(relative(10_808.0, 10_611.4).as_deref(), Some("-1.8 %"));
        assert_eq!(relative(-2.0, -1.0).as_deref(), Some("+50.0 %"));
        assert_eq!(relative(1.0, 4.5).as_deref(), Some("+350 %"));
        assert_eq!(relative(1.0, 1.000_000_1).as_deref(), Some("+1.0e-5 %"));
        assert_eq!(relative(2.5, 2.5).as_deref(), Some("0 %"));
        assert_eq!(relative(0.0, 1.0), None);
        let places = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111];
        let expected = [
            "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
        ];
        assert_eq!(places.map(ordinal), expected);
    }

    #[test]
    fn ages_name_one_unit() {
        let then = SystemTime::UNIX_EPOCH;
        for (seconds, text) in [
            (1, "just now"),
            (59, "59 s ago"),
            (120, "2 min ago"),
            (7_300, "2 h ago"),
            (260_000, "3 d ago"),
        ] {
            assert_eq!(ago(then, then + Duration::from_secs(seconds)), text);
        }
        assert_eq!(
            ago(then + Duration::from_secs(9), then),
            "just now",
            "a clock that was set back"
        );
    }

    #[test]
    fn sizes_have_about_three_digits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (350_000, "342 KiB"),
            (1_048_576, "1.0 MiB"),
            (1_048_500, "1.0 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_moment_is_told_in_utc() {
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_a_command_printed_cannot_paint_the_screen() {
        assert_eq!(
            printed("\u{1b}[1;31mred\u{1b}[0m, a\ttab, \u{1b}[2Jand\r \u{7}bell"),
            "red, a\ttab, and bell"
        );
        assert_eq!(printed("an end \u{1b}["), "an end ");
        let long = printed(&"ü".repeat(2000));
        assert_eq!(long, format!("{}...", "ü".repeat(1000)));
    }
}
