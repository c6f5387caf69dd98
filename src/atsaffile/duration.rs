//! Spans of time as `5m`, `1h30m`, `90s` or `500ms`.

use std::time::Duration;

/// What a duration looks like, in words.
pub(crate) const WANTED: &str = "a duration such as \"90s\", \"5m\" or \"1h30m\", of at most 366 days";

/// Longest allowed: a year, so that no clock arithmetic overflows.
const LONGEST: Duration = Duration::from_hours(366 * 24);

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration: whole numbers with units, each unit at most once and the larger first.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, milliseconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*milliseconds)?)?;
        rest = after;
    }
    let duration = Duration::from_millis(total);
    (!text.is_empty() && duration <= LONGEST).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        let read = |text| parse(text).map(|duration| duration.as_millis());
        assert_eq!(read("5m"), Some(300_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("90s"), Some(90_000));
        assert_eq!(read("1s500ms"), Some(1500));
        assert_eq!(read("2d"), Some(172_800_000));
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "30m1h",
            "1m1m",
            "-5s",
            "1.5h",
            "5min",
            "99999999999999999999s",
            "400d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
