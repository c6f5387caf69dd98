//! How a frequency is written: in words, and as pandas and polars do.

use super::{DAY, Frequency, HOUR, MINUTE, OpenWeek, WEEK};
use crate::engine::spec::schema::TextForm;

/// What the parameter takes.
pub(super) static FORM: TextForm = TextForm {
    what: "a step such as hourly, 15min, D, B, W, MS, ME, QS, YS, 1mo or 8ms",
    accepts: |text| parse(text).is_some(),
    nearest: |text| crate::diagnostic::nearest(text, WORDS.iter().map(|(word, _)| *word)),
};

/// Words for steps.
const WORDS: [(&str, Frequency); 11] = [
    ("secondly", Frequency::Seconds(1)),
    ("minutely", Frequency::Seconds(MINUTE)),
    ("hourly", Frequency::Seconds(HOUR)),
    ("daily", Frequency::Seconds(DAY)),
    ("weekly", Frequency::Seconds(WEEK)),
    ("monthly", Frequency::Months(1)),
    ("quarterly", Frequency::Months(3)),
    ("yearly", Frequency::Months(12)),
    ("annual", Frequency::Months(12)),
    ("annually", Frequency::Months(12)),
    ("fortnightly", Frequency::Seconds(2 * WEEK)),
];

/// Longest step of a kind: a number beyond is a slip of the pen.
const MOST: i64 = 1_000_000;
const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// Reads a frequency: a word, or an alias of pandas (`15min`, `W-SUN`, `BME`) or polars (`1mo`), with a whole multiple.
pub(super) fn parse(text: &str) -> Option<Frequency> {
    let text = text.trim();
    let word = WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
    if let Some((_, frequency)) = word {
        return Some(*frequency);
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count = match &text[..digits] {
        "" => 1,
        digits => digits.parse().ok().filter(|count| (1..=MOST).contains(count))?,
    };
    let unit = text[digits..].trim();
    let (unit, anchor) = unit
        .split_once('-')
        .map_or((unit, None), |(unit, anchor)| (unit, Some(anchor)));
    let is_anchor = |names: &[&str]| anchor.is_none_or(|anchor| names.contains(&anchor.to_ascii_uppercase().as_str()));
    match (unit, anchor) {
        ("W" | "w", _) if is_anchor(&DAYS) => Some(Frequency::Seconds(count * WEEK)),
        (_, None) => fixed(count, unit).or_else(|| calendar(count, unit)),
        (_, Some(_)) if is_anchor(&MONTHS) && unit.contains(['Q', 'Y', 'A']) => calendar(count, unit),
        _ => None,
    }
}

/// A step of a fixed length, or of business days.
fn fixed(count: i64, unit: &str) -> Option<Frequency> {
    let micros = match unit {
        "us" | "U" => 1,
        "ms" | "L" => 1000,
        "s" | "S" | "sec" => 1_000_000,
        "min" | "T" | "m" => 60_000_000,
        "h" | "H" => HOUR * 1_000_000,
        "D" | "d" => DAY * 1_000_000,
        "B" | "b" | "C" if count == 1 => return Some(Frequency::Open(OpenWeek::of_days(|day| day < 5, 0))),
        "bh" | "BH" if count == 1 => return Some(Frequency::Open(business_hours())),
        _ => return None,
    };
    count.checked_mul(micros).map(Frequency::of_micros)
}

/// The hours that pandas calls so: from nine to five, Monday to Friday.
fn business_hours() -> OpenWeek {
    let hours = |day| (day < 5).then_some((9 * HOUR, 16 * HOUR));
    OpenWeek::new(HOUR, std::array::from_fn(hours))
}

/// A step of months, quarters or years.
fn calendar(count: i64, unit: &str) -> Option<Frequency> {
    let months = u32::try_from(count).ok()?;
    let of = |each: u32| months.checked_mul(each);
    match unit {
        "M" | "ME" => of(1).map(Frequency::MonthEnds),
        "Q" | "QE" => of(3).map(Frequency::MonthEnds),
        "Y" | "YE" | "A" => of(12).map(Frequency::MonthEnds),
        "BM" | "BME" => of(1).map(Frequency::BusinessMonthEnds),
        "BQ" | "BQE" => of(3).map(Frequency::BusinessMonthEnds),
        "BY" | "BYE" | "BA" => of(12).map(Frequency::BusinessMonthEnds),
        "mo" | "MS" | "BMS" => of(1).map(Frequency::Months),
        "q" | "QS" | "BQS" => of(3).map(Frequency::Months),
        "y" | "YS" | "BYS" | "AS" => of(12).map(Frequency::Months),
        _ => None,
    }
}
