//! One time as people and programs write it: ISO 8601 and its kin, days and months in either order, quarters, weeks.

use chrono::format::{Parsed, StrftimeItems};
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

/// A time on somebody's clock, and how far that clock is ahead of UTC where the text says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// What the clock shows.
    pub(super) local: NaiveDateTime,
    /// Seconds ahead of UTC.
    pub(super) offset: Option<i32>,
    /// Whether the text has a time of day.
    pub(super) has_clock: bool,
}

impl Stamp {
    /// The time in UTC, if an offset is said.
    pub(super) fn utc(self) -> Option<NaiveDateTime> {
        let offset = TimeDelta::seconds(self.offset?.into());
        self.local.checked_sub_signed(offset)
    }
}

/// The order of a day and a month that are both numbers, where the year comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateOrder {
    /// `31/12/2024`
    DayFirst,
    /// `12/31/2024`
    MonthFirst,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// No clock is farther from UTC, in seconds.
const FARTHEST: i32 = 18 * 3600;

/// Reads a time; without an order, one whose day and month could be either is none.
pub(super) fn parse(text: &str, order: Option<DateOrder>) -> Option<Stamp> {
    let text = text.trim();
    let (rest, offset) = zone(text);
    let (date, clock) = split(rest);
    let time = match clock {
        Some(clock) => of_clock(clock)?,
        None => TimeDelta::zero(),
    };
    let day = of_date(date.trim(), order)?;
    let local = day.and_time(NaiveTime::MIN).checked_add_signed(time)?;
    let has_clock = clock.is_some();
    (1..=9999).contains(&local.year()).then_some(Stamp {
        local,
        offset: offset.filter(|_| has_clock),
        has_clock,
    })
}

/// Reads a time by a format of `strftime`; what the format leaves out is the first of its kind.
pub(super) fn parse_as(text: &str, format: &str) -> Option<Stamp> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text.trim(), StrftimeItems::new(format)).ok()?;
    if let Some(seconds) = parsed.timestamp() {
        let local = chrono::DateTime::from_timestamp(seconds, parsed.nanosecond().unwrap_or(0))?.naive_utc();
        return in_years(local, Some(0), true);
    }
    let date = parsed.to_naive_date().or_else(|_| {
        if parsed.month().is_none() {
            parsed.set_month(1)?;
        }
        if parsed.day().is_none() {
            parsed.set_day(1)?;
        }
        parsed.to_naive_date()
    });
    let has_clock = parsed.hour_mod_12().is_some();
    if has_clock && parsed.minute().is_none() {
        parsed.set_minute(0).ok()?;
    }
    let time = match has_clock {
        true => parsed.to_naive_time().ok()?,
        false => NaiveTime::MIN,
    };
    let offset = parsed.offset().filter(|_| has_clock);
    in_years(date.ok()?.and_time(time), offset, has_clock)
}

fn in_years(local: NaiveDateTime, offset: Option<i32>, has_clock: bool) -> Option<Stamp> {
    (1..=9999).contains(&local.year()).then_some(Stamp {
        local,
        offset,
        has_clock,
    })
}

/// Whether a format of `strftime` can be read at all.
pub(super) fn is_format(format: &str) -> bool {
    format.contains('%') && StrftimeItems::new(format).all(|item| item != chrono::format::Item::Error)
}

/// The format of `strftime` that a date without a year of four digits may have, as an example: numbers with a sign between
/// them, or one beside the name of a month.
pub(super) fn format_of_short_year(text: &str) -> Option<String> {
    let (date, clock) = split(text.trim());
    let numbers: Vec<&str> = date
        .split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .collect();
    let has_year = text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 4);
    if numbers.is_empty() || has_year {
        return None;
    }
    let has_month = date
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| month(word).is_some());
    let begins_with_number = date.starts_with(|c: char| c.is_ascii_digit());
    let is_of_numbers = date.chars().all(|c| c.is_ascii_digit() || "-/.".contains(c));
    let separator = date.chars().find(|c| "-/. ".contains(*c))?;
    let orders = match separator {
        '/' => ["%m/%d/%y", "%d/%m/%y", "%y/%m/%d"],
        '.' => ["%d.%m.%y", "%y.%m.%d", "%m.%d.%y"],
        _ => ["%y-%m-%d", "%d-%m-%y", "%m-%d-%y"],
    };
    // The first of those that the date may be in.
    let of_numbers = || {
        orders
            .into_iter()
            .find(|order| parse_as(date, order).is_some())
            .unwrap_or(orders[0])
    };
    let format = match (numbers.len(), separator) {
        (1, separator) if has_month && !begins_with_number => format!("%b{separator}%y"),
        (2, separator) if has_month && begins_with_number => format!("%d{separator}%b{separator}%y"),
        (3, '/' | '.' | '-') if is_of_numbers => of_numbers().to_owned(),
        _ => return None,
    };
    Some(match clock {
        Some(_) => format!("{format} %H:%M"),
        None => format,
    })
}

/// The letters at the end of a time that may be the short name of a zone, as in `2024-01-31 05:00 EST`.
pub(super) fn zone_name(text: &str) -> Option<&str> {
    let (time, word) = text.trim().rsplit_once(' ')?;
    let is_name = (2..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let has_clock = parse(time, Some(DateOrder::DayFirst)).is_some_and(|stamp| stamp.has_clock);
    (is_name && has_clock).then_some(word)
}

/// Whether a text is a time of day alone, as in `04:30`.
pub(super) fn is_time_of_day(text: &str) -> bool {
    text.contains(':') && of_clock(text.trim()).is_some()
}

/// The two numbers before a year that comes last, and what separates them: `31/12/2024`.
pub(super) fn numbers_before_year(text: &str) -> Option<(u32, u32, char)> {
    let (date, _) = split(zone(text.trim()).0);
    let separator = date.chars().find(|c| "/.-".contains(*c))?;
    let mut parts = date.trim().split(separator);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fits = is_number(first, 1..=2) && is_number(second, 1..=2) && is_number(year, 4..=4) && parts.next().is_none();
    fits.then_some((first.parse().ok()?, second.parse().ok()?, separator))
}

/// Takes the zone off the end.
fn zone(text: &str) -> (&str, Option<i32>) {
    for word in ["Z", "z", "UTC", "GMT", "utc"] {
        if let Some(rest) = text
            .strip_suffix(word)
            .filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit() || c == ' '))
        {
            return (rest.trim_end(), Some(0));
        }
    }
    let clock = split(text).1.map_or(text.len(), |clock| text.len() - clock.len());
    let sign = text[clock..].rfind(['+', '-']).map(|at| clock + at);
    let of_sign = |at: usize| Some((text[..at].trim_end(), Some(offset(&text[at..])?)));
    sign.and_then(of_sign).unwrap_or((text, None))
}

/// Seconds of an offset such as `-04:00`, `+0530` or `+00`.
fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = text.split_at(1);
    let digits = digits.replace(':', "");
    let is_number = matches!(digits.len(), 2 | 4 | 6) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let seconds = (part(0)? * 60 + part(2)?) * 60 + part(4)?;
    let signed = if sign == "-" { -seconds } else { seconds };
    (is_number && seconds <= FARTHEST).then_some(signed)
}

/// Divides a text at the `T` or the blank before the time of day.
fn split(text: &str) -> (&str, Option<&str>) {
    for (at, separator) in text.char_indices().filter(|(_, c)| matches!(c, 'T' | 't' | ' ')) {
        let (date, clock) = (text[..at].trim_end(), text[at + 1..].trim_start());
        if date.ends_with(|c: char| c.is_ascii_digit()) && is_clock(clock, separator, date.len()) {
            return (date, Some(clock));
        }
    }
    (text, None)
}

/// Whether what follows a date of so many characters is a time of day: `4:30`, `04`, or `0430` after a `T`.
fn is_clock(text: &str, separator: char, date: usize) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let ends = match rest.trim_start().chars().next() {
        None => true,
        Some(c) => "+-ZzUuGgAaPp.,".contains(c),
    };
    match text.len() - rest.len() {
        1 | 2 => rest.starts_with(':') || (date >= 8 && ends),
        4 | 6 => separator == 'T' && ends,
        _ => false,
    }
}

/// The time since midnight; `24:00` is the next one.
fn of_clock(text: &str) -> Option<TimeDelta> {
    let lower = text.to_ascii_lowercase();
    let (digits, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(rest), _) => (rest.trim_end(), Some(0)),
        (_, Some(rest)) => (rest.trim_end(), Some(12)),
        _ => (lower.trim_end(), None),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let parts: Vec<&str> = match whole.contains(':') {
        true => whole.split(':').collect(),
        false => (0..whole.len())
            .step_by(2)
            .map(|at| whole.get(at..at + 2).unwrap_or(&whole[at..]))
            .collect(),
    };
    let is_number = |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.is_empty() || parts.len() > 3 || !parts.iter().all(is_number) {
        return None;
    }
    let part = |at: usize| parts.get(at).map_or(Some(0), |part| part.parse::<i64>().ok());
    let (hour, minute, second) = (part(0)?, part(1)?, part(2)?);
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit()) && (fraction.is_empty() || parts.len() == 3);
    let is_time = (hour < 24 || (hour == 24 && minute == 0 && second == 0)) && minute < 60 && second < 60;
    let nanos = format!("{fraction:0<9}").get(..9)?.parse::<i64>().ok()?;
    (is_fraction && is_time)
        .then(|| TimeDelta::seconds(hour * 3600 + minute * 60 + second) + TimeDelta::nanoseconds(nanos))
}

/// The day, or the first one of the month, quarter, week or year.
fn of_date(text: &str, order: Option<DateOrder>) -> Option<NaiveDate> {
    if let Some((first, second, separator)) = numbers_before_year(text) {
        let year = text.get(text.len() - 4..)?.parse().ok()?;
        // Where dates are written with points, the day comes first.
        let order = order.or((separator == '.').then_some(DateOrder::DayFirst));
        let order = order.or((first > 12).then_some(DateOrder::DayFirst));
        let order = order.or((second > 12).then_some(DateOrder::MonthFirst));
        return match order? {
            DateOrder::DayFirst => NaiveDate::from_ymd_opt(year, second, first),
            DateOrder::MonthFirst => NaiveDate::from_ymd_opt(year, first, second),
        };
    }
    match text
        .get(..4)
        .and_then(|year| Some((year.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?, year)))
    {
        Some(((), year)) => after_year(year.parse().ok()?, &text[4..]),
        None => with_words(text),
    }
}

/// What follows the four digits of a year.
fn after_year(year: i32, rest: &str) -> Option<NaiveDate> {
    let joined = rest;
    let rest = rest.trim_start_matches(['-', '/', '.', ' ']);
    // `240102` is no month of the year 2401.
    let is_joined = joined == rest && rest.starts_with(|c: char| c.is_ascii_digit());
    if is_joined && !(rest.len() == 4 || rest.len() == 2 && (1900..=2100).contains(&year)) {
        return None;
    }
    if rest.is_empty() {
        return NaiveDate::from_ymd_opt(year, 1, 1);
    }
    // As the World Bank and Eurostat write months.
    if let Some(month) = rest.strip_prefix('M') {
        let month = month.parse().ok().filter(|_| month.len() == 2)?;
        return NaiveDate::from_ymd_opt(year, month, 1);
    }
    if let Some(quarter) = rest.strip_prefix(['Q', 'q']) {
        let quarter: u32 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
        return NaiveDate::from_ymd_opt(year, quarter * 3 - 2, 1);
    }
    if let Some(week) = rest.strip_prefix(['W', 'w']) {
        let (week, day) = match week.split_once('-') {
            Some((week, day)) => (week, day.parse().ok()?),
            None => (week, 1_u8),
        };
        let day = Weekday::try_from(day.checked_sub(1)?).ok()?;
        return NaiveDate::from_isoywd_opt(year, week.parse().ok().filter(|_| week.len() <= 2)?, day);
    }
    let parts: Vec<&str> = match rest.split_once(['-', '/', '.']) {
        Some((month, day)) => vec![month, day],
        None if rest.len() == 4 => vec![rest.get(..2)?, rest.get(2..)?],
        None => vec![rest],
    };
    let number = |part: &&str| part.parse::<u32>().ok().filter(|_| part.len() <= 2);
    let month = parts.first().and_then(|part| number(part).or_else(|| month(part)))?;
    let day = parts.get(1).map_or(Some(1), number)?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// `2 Jan 2024`, `January 2, 2024`, `02-Jan-2024`, `Jan 2024`, `Q1 2024`.
fn with_words(text: &str) -> Option<NaiveDate> {
    let words: Vec<&str> = text
        .split([' ', '-', '/', ',', '.'])
        .filter(|word| !word.is_empty())
        .collect();
    let year = words
        .iter()
        .find(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()))?;
    let year: i32 = year.parse().ok()?;
    let quarter = words.iter().find_map(|word| word.strip_prefix(['Q', 'q']));
    if let (Some(quarter), 2) = (quarter, words.len()) {
        return after_year(year, &format!("Q{quarter}"));
    }
    let named = words.iter().find_map(|word| month(word))?;
    let day = words
        .iter()
        .find(|word| word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let expected = if day.is_some() { 3 } else { 2 };
    let day = day.map_or(Some(1), |day| day.parse().ok())?;
    (words.len() == expected)
        .then(|| NaiveDate::from_ymd_opt(year, named, day))
        .flatten()
}

/// The number of a month by its English name, or the first three letters of it.
fn month(word: &str) -> Option<u32> {
    let word = word.to_ascii_lowercase();
    let is_it = |name: &str| word.len() >= 3 && (word == name || (word.len() == 3 && name.starts_with(&word)));
    let at = MONTHS.iter().position(|name| is_it(name))?;
    u32::try_from(at).ok().map(|at| at + 1)
}

/// Reads a time in UTC.
#[cfg(test)]
pub(super) fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let stamp = parse(text, None)?;
    Some(stamp.utc().unwrap_or(stamp.local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        let stamp = parse(text, None)?;
        Some(stamp.utc().unwrap_or(stamp.local).to_string())
    }

    #[test]
    fn times_are_read_as_people_and_programs_write_them() {
        for (text, expected) in [
            ("2024-10-28", "2024-10-28 00:00:00"),
            ("2024-10-28T04", "2024-10-28 04:00:00"),
            ("2024-10-28 04", "2024-10-28 04:00:00"),
            ("2024-10-28T04:30", "2024-10-28 04:30:00"),
            ("2024-10-28 04:30:15", "2024-10-28 04:30:15"),
            ("2024-10-28 04:30:15.25", "2024-10-28 04:30:15.250"),
            ("2024-10-28T04:30:15,5", "2024-10-28 04:30:15.500"),
            ("20241028T043015Z", "2024-10-28 04:30:15"),
            ("2024-10-28T04:00Z", "2024-10-28 04:00:00"),
            ("2024-10-28 04:00:00 UTC", "2024-10-28 04:00:00"),
            ("2024-10-28 04:00:00+00:00", "2024-10-28 04:00:00"),
            ("2024-10-28 04:00:00-04:00", "2024-10-28 08:00:00"),
            ("2024-10-28T04:00+0530", "2024-10-27 22:30:00"),
            ("2024-10-28 04:00:00+00", "2024-10-28 04:00:00"),
            ("2024-10-28 04:00:00.000 -04:00", "2024-10-28 08:00:00"),
            ("2024-10-28T04-04", "2024-10-28 08:00:00"),
            ("2024-10-28 24:00", "2024-10-29 00:00:00"),
            ("2024-10-28 1:05 PM", "2024-10-28 13:05:00"),
            ("2024-10-28 12:00 am", "2024-10-28 00:00:00"),
            ("2024/10/28 04:00", "2024-10-28 04:00:00"),
            ("20241028", "2024-10-28 00:00:00"),
            ("2019-01", "2019-01-01 00:00:00"),
            ("2019", "2019-01-01 00:00:00"),
            ("2018M05", "2018-05-01 00:00:00"),
            ("2018-M05", "2018-05-01 00:00:00"),
            ("2005-Q1", "2005-01-01 00:00:00"),
            ("2005Q4", "2005-10-01 00:00:00"),
            ("Q2 2005", "2005-04-01 00:00:00"),
            ("2024-W07", "2024-02-12 00:00:00"),
            ("2024W07", "2024-02-12 00:00:00"),
            ("2024-W07-3", "2024-02-14 00:00:00"),
            ("2 Jan 2024", "2024-01-02 00:00:00"),
            ("02-Oct-2024 14:00", "2024-10-02 14:00:00"),
            ("January 2, 2024", "2024-01-02 00:00:00"),
            ("Oct 2024", "2024-10-01 00:00:00"),
            ("31/12/2024", "2024-12-31 00:00:00"),
            ("12/31/2024 05:00", "2024-12-31 05:00:00"),
            ("1.2.2024", "2024-02-01 00:00:00"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_could_be_two_is_none() {
        for text in [
            "",
            "x",
            "2 Jan",
            "24-01-02",
            "02-01-24 05:00",
            "1/2/24",
            "2.1.24",
            "1/2/2024",
            "2024-13-01",
            "2024-02-30",
            "2024-10-28 25:00",
            "2024-10-28 04:60",
            "2024-10-28 13:00 PM",
            "2005-Q5",
            "2018M13",
            "2018M5",
            "2018May5x",
            "2024-W60",
            "20241",
            "240102",
            "2024-10-28 04:00:00+99:00",
            "2024-10-28x",
            "0000-01-01",
            "2024-1-2-3",
            "12",
            "ü2024-01-01",
            "2024ü",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
        let day = |order| parse("1/2/2024", Some(order)).map(|stamp| stamp.local.date().to_string());
        assert_eq!(day(DateOrder::DayFirst).as_deref(), Some("2024-02-01"));
        assert_eq!(day(DateOrder::MonthFirst).as_deref(), Some("2024-01-02"));
    }

    #[test]
    fn what_lacks_a_year_a_zone_or_a_day_is_told_apart() {
        for (text, format) in [
            ("01.02.24", Some("%d.%m.%y")),
            ("1/2/24 05:00", Some("%m/%d/%y %H:%M")),
            ("24-01-02", Some("%y-%m-%d")),
            ("13/02/24", Some("%d/%m/%y")),
            ("99/12/31", Some("%y/%m/%d")),
            ("31-12-99", Some("%d-%m-%y")),
            ("2 Jan", None),
            ("Jan-24", Some("%b-%y")),
            ("02-Jan-24", Some("%d-%b-%y")),
            ("01.01.2024 00.00", None),
            ("1.7e+09", None),
            ("1.700000000e+09", None),
            ("04:30", None),
            ("x", None),
        ] {
            assert_eq!(format_of_short_year(text).as_deref(), format, "{text}");
        }
        assert_eq!(zone_name("2024-01-31 05:00 EST"), Some("EST"));
        assert_eq!(zone_name("31/01/2024 05:00 CEST"), Some("CEST"));
        assert_eq!([zone_name("2024-01-31 EST"), zone_name("5 Jan 2024")], [None, None]);
        assert!(is_time_of_day("04:30") && !is_time_of_day("2024-01-31") && !is_time_of_day("0430"));
    }

    #[test]
    fn a_format_says_what_cannot_be_guessed() {
        let read = |text: &str, format: &str| {
            let stamp = parse_as(text, format)?;
            Some(stamp.utc().unwrap_or(stamp.local).to_string())
        };
        assert_eq!(read("24-01-02", "%y-%m-%d").as_deref(), Some("2024-01-02 00:00:00"));
        assert_eq!(
            read("02/01/24 05", "%d/%m/%y %H").as_deref(),
            Some("2024-01-02 05:00:00")
        );
        assert_eq!(read("02.2024", "%m.%Y").as_deref(), Some("2024-02-01 00:00:00"));
        assert_eq!(read("1704067200", "%s").as_deref(), Some("2024-01-01 00:00:00"));
        assert_eq!(
            read("2024-01-01 05:00 +0200", "%Y-%m-%d %H:%M %z").as_deref(),
            Some("2024-01-01 03:00:00")
        );
        assert_eq!(read("2024-01-01", "%d/%m/%Y"), None);
        assert!(is_format("%Y-%m-%d") && !is_format("YYYY-MM-DD") && !is_format("%Y-%!"));
    }
}
