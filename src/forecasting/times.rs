//! The times of a column: texts in one form for all rows, and whole numbers that count from 1970.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};

use super::timestamp::{self, DateOrder, Stamp};

/// Why texts are no times; rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeFault {
    /// A text is none.
    NoTime(usize),
    /// Day and month may be each other, in every row.
    EitherOrder(usize),
    /// A row in which the day must come first, and one in which the month must.
    BothOrders(usize, usize),
    /// Every row has a year and the one after it, which would be months otherwise.
    SplitYears,
}

/// Reads texts, by a format of `strftime` where one is given.
///
/// # Errors
/// [`TimeFault`] with the row.
pub(super) fn read(texts: &[&str], format: Option<&str>) -> Result<Vec<Stamp>, TimeFault> {
    let order = match format {
        Some(_) => None,
        None if are_split_years(texts) => return Err(TimeFault::SplitYears),
        None => order(texts)?,
    };
    let stamp = |(at, text): (usize, &&str)| {
        let stamp = match format {
            Some(format) => timestamp::parse_as(text, format),
            None => timestamp::parse(text, order),
        };
        stamp.ok_or(TimeFault::NoTime(at))
    };
    texts.iter().enumerate().map(stamp).collect()
}

/// Whether all texts are years that begin in one and end in the next, as in `2000/01` and `2001/02`.
fn are_split_years(texts: &[&str]) -> bool {
    let is_split = |text: &&str| {
        let parts = text.split_once(['/', '-']);
        let (year, next) = parts.filter(|(year, next)| (year.len(), next.len()) == (4, 2))?;
        let (year, next): (u32, u32) = (year.parse().ok()?, next.parse().ok()?);
        ((year + 1) % 100 == next).then_some(())
    };
    texts.iter().any(|text| *text != texts[0]) && texts.iter().all(|text| is_split(text).is_some())
}

/// Which of day and month comes first, where both are numbers before the year: all rows together tell.
fn order(texts: &[&str]) -> Result<Option<DateOrder>, TimeFault> {
    let (mut day_first, mut month_first, mut either) = (None, None, None);
    for (at, text) in texts.iter().enumerate() {
        match timestamp::numbers_before_year(text) {
            // Where dates are written with points, the day comes first.
            None | Some((_, _, '.')) => {}
            Some((first, _, _)) if first > 12 => day_first = day_first.or(Some(at)),
            Some((_, second, _)) if second > 12 => month_first = month_first.or(Some(at)),
            Some((first, second, _)) if first != second => either = either.or(Some(at)),
            Some(_) => {}
        }
    }
    match (day_first, month_first, either) {
        (Some(day), Some(month), _) => Err(TimeFault::BothOrders(day, month)),
        (None, Some(_), _) => Ok(Some(DateOrder::MonthFirst)),
        (None, None, Some(at)) => Err(TimeFault::EitherOrder(at)),
        // Where neither is told, the day is the month in each.
        (Some(_), None, _) | (None, None, None) => Ok(Some(DateOrder::DayFirst)),
    }
}

/// The times in UTC; where clocks show the same time of day in every row although their offsets differ, as the midnights
/// of a place do, what they show.
pub(super) fn settled(stamps: &[Stamp]) -> Vec<NaiveDateTime> {
    let utc = || stamps.iter().map(|stamp| stamp.utc().unwrap_or(stamp.local));
    let local = || stamps.iter().map(|stamp| stamp.local);
    match differ(utc()) && !differ(local()) {
        true => local().collect(),
        false => utc().collect(),
    }
}

/// Whether there are two times of day among some times.
pub(super) fn differ(mut times: impl Iterator<Item = NaiveDateTime>) -> bool {
    let first = times.next().map(|time| time.time());
    times.any(|time| Some(time.time()) != first)
}

/// Units in which times are counted from 1970, with the microseconds of one, as a fraction.
const UNITS: [(&str, i64, i64); 5] = [
    ("s", 1_000_000, 1),
    ("ms", 1000, 1),
    ("us", 1, 1),
    ("ns", 1, 1000),
    ("D", 86_400_000_000, 1),
];

/// The names of the units.
pub(super) const UNIT_NAMES: [&str; 6] = ["s", "ms", "us", "ns", "D", EXCEL];

/// Times as Excel keeps them: days since the end of 1899, the time of day as a fraction.
pub(super) const EXCEL: &str = "excel";
/// 1970-01-01 in Excel's days.
const EXCEL_1970: i64 = 25_569;
/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The milliseconds since 1970 of a time of Excel, as its cell shows the number: the whole second that the digits may mean, if there
/// is one.
pub(super) fn of_excel(text: &str) -> Option<i64> {
    let days: f64 = text.parse().ok()?;
    // Of years beyond 9999 there are none.
    let days = Some(days).filter(|days| (0.0..3e6).contains(days))?;
    let ms = days.fract() * 86_400_000.0;
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let within = 43_200_000.0 * 0.1_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX)) + 1.0;
    let second = (ms / 1000.0).round() * 1000.0;
    let ms = if (ms - second).abs() <= within { second } else { ms };
    #[expect(clippy::cast_possible_truncation, reason = "a day of the years 1900 to 9999")]
    let (day, ms) = (days.floor() as i64, ms.round() as i64);
    Some((day - EXCEL_1970) * DAY_MS + ms)
}

/// A whole number as programs write it, a fraction of zeros included.
pub(super) fn whole(text: &str) -> Option<i64> {
    let (number, zeros) = text.split_once('.').unwrap_or((text, ""));
    zeros.bytes().all(|byte| byte == b'0').then(|| number.parse().ok())?
}

/// Whether a text is a number in powers of ten, as in `1.7e+09`.
pub(super) fn is_of_powers(text: &str) -> bool {
    text.contains(['e', 'E']) && text.starts_with(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// The time of a number in a unit.
pub(super) fn of_number(number: i64, unit: &str) -> Option<NaiveDateTime> {
    let (_, times, by) = UNITS.into_iter().find(|(name, _, _)| *name == unit)?;
    let micros = number.checked_mul(times)?.div_euclid(by);
    DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc())
}

/// The times of whole numbers: years, months or days written as such, else what was counted since 1970, in the unit of
/// which such a number is in our time.
pub(super) fn of_integers(numbers: &[Option<i64>]) -> Vec<Option<NaiveDateTime>> {
    read_integers(numbers, guess_integers(numbers.iter().flatten().copied()))
}

/// The times of whole numbers that are read so.
pub(super) fn read_integers(numbers: &[Option<i64>], as_what: IntegerTimes) -> Vec<Option<NaiveDateTime>> {
    let read: fn(i64) -> Option<NaiveDateTime> = match as_what {
        IntegerTimes::Years => |number| day(number, 1, 1),
        IntegerTimes::Months => |number| day(number / 100, number % 100, 1),
        IntegerTimes::Days => |number| day(number / 10_000, number / 100 % 100, number % 100),
        IntegerTimes::Hours => |number| moment(number, 10_000),
        IntegerTimes::Minutes => |number| moment(number, 100),
        IntegerTimes::Seconds => |number| moment(number, 1),
        IntegerTimes::Unit("ms") => |number| of_number(number, "ms"),
        IntegerTimes::Unit("us") => |number| of_number(number, "us"),
        IntegerTimes::Unit("ns") => |number| of_number(number, "ns"),
        IntegerTimes::Unit("D") => |number| of_number(number, "D"),
        IntegerTimes::Unit(_) => |number| of_number(number, "s"),
    };
    numbers.iter().map(|number| number.and_then(read)).collect()
}

/// What whole numbers say of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntegerTimes {
    /// `2024`
    Years,
    /// `202401`
    Months,
    /// `20240131`
    Days,
    /// `2024013123`
    Hours,
    /// `202401312359`
    Minutes,
    /// `20240131235959`
    Seconds,
    /// So many of a unit since 1970.
    Unit(&'static str),
}

impl std::fmt::Display for IntegerTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Years => f.write_str("years"),
            Self::Months => f.write_str("YYYYMM"),
            Self::Days => f.write_str("YYYYMMDD"),
            Self::Hours => f.write_str("YYYYMMDDHH"),
            Self::Minutes => f.write_str("YYYYMMDDHHMM"),
            Self::Seconds => f.write_str("YYYYMMDDHHMMSS"),
            Self::Unit(unit) => write!(f, "{unit} since 1970-01-01"),
        }
    }
}

/// What some numbers are most likely.
pub(super) fn guess_integers(numbers: impl Iterator<Item = i64> + Clone) -> IntegerTimes {
    let all = |is_it: fn(i64) -> bool| numbers.clone().next().is_some() && numbers.clone().all(is_it);
    if all(|number| (1500..=2500).contains(&number)) {
        return IntegerTimes::Years;
    }
    if all(|number| (190_001..=210_012).contains(&number) && day(number / 100, number % 100, 1).is_some()) {
        return IntegerTimes::Months;
    }
    let is_day = |number: i64| {
        (19_000_101..=21_001_231).contains(&number) && day(number / 10_000, number / 100 % 100, number % 100).is_some()
    };
    if all(is_day) {
        return IntegerTimes::Days;
    }
    // Were they counted from 1970, one in a hundred of them would be a date and a time of day of our time. So if most are,
    // one that is not is a slip, which its reader will be told.
    let mostly = |zeros: i64| {
        let (all, moments) = numbers.clone().fold((0_usize, 0_usize), |(all, moments), number| {
            (all + 1, moments + usize::from(moment(number, zeros).is_some()))
        });
        moments * 2 > all
    };
    for (zeros, form) in [
        (10_000, IntegerTimes::Hours),
        (100, IntegerTimes::Minutes),
        (1, IntegerTimes::Seconds),
    ] {
        if mostly(zeros) {
            return form;
        }
    }
    IntegerTimes::Unit(match numbers.map(i64::unsigned_abs).max().unwrap_or_default() {
        0..100_000_000_000 => "s",
        100_000_000_000..100_000_000_000_000 => "ms",
        100_000_000_000_000..100_000_000_000_000_000 => "us",
        _ => "ns",
    })
}

/// The time of digits from the year on, which lack so many zeros to go to the second; 24 o'clock is the next midnight.
fn moment(number: i64, zeros: i64) -> Option<NaiveDateTime> {
    let digits = number.checked_mul(zeros)?;
    let (date, clock) = (digits / 1_000_000, digits % 1_000_000);
    let (hours, minutes, seconds) = (clock / 10_000, clock / 100 % 100, clock % 100);
    let is_clock = (hours < 24 || clock == 240_000) && minutes < 60 && seconds < 60;
    let is_of_our_time = (19_000_101..=21_001_231).contains(&date);
    let day = day(date / 10_000, date / 100 % 100, date % 100).filter(|_| is_clock && is_of_our_time)?;
    day.checked_add_signed(TimeDelta::seconds(hours * 3600 + minutes * 60 + seconds))
}

fn day(year: i64, month: i64, day: i64) -> Option<NaiveDateTime> {
    let (year, month) = (i32::try_from(year).ok()?, u32::try_from(month).ok()?);
    let date = NaiveDate::from_ymd_opt(year, month, u32::try_from(day).ok()?)?;
    date.and_hms_opt(0, 0, 0)
}
