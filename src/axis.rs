//! Where the ticks of a picture stand and what is written at them: round numbers, and the calendar's own steps.

#![expect(clippy::cast_precision_loss, reason = "ticks are few")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "the decimals of a step of a picture's numbers are few"
)]

use chrono::{Datelike as _, NaiveDateTime, NaiveTime};

/// Round numbers between two, about as many as wanted, with the texts for them.
pub(crate) fn numbers(low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / wanted.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let unit = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| rough <= round * unit);
    let step = round.unwrap_or(10.0) * unit;
    // Where a step is lost in the rounding of the numbers, there are none between them.
    let is_lost = |number: f64| (number + step).to_bits() == number.to_bits();
    if step <= 0.0 || is_lost(low) || is_lost(high) {
        return Vec::new();
    }
    let first = (low / step).ceil();
    let ticks = (0..=2 * wanted).map(|tick| (first + tick as f64) * step);
    ticks
        .take_while(|number| *number <= high)
        .map(|number| (number, text(number, step)))
        .collect()
}

/// A number as people read it, with the decimals of the step between the ticks.
fn text(number: f64, step: f64) -> String {
    let size = number.abs();
    if size >= 1e9 || (size > 0.0 && step < 1e-4) {
        return format!("{number:.2e}");
    }
    let decimals = (-step.log10().floor()).max(0.0) as i32;
    let plain = format!("{:.*}", usize::try_from(decimals).unwrap_or_default(), size);
    let (whole, part) = plain
        .split_once('.')
        .map_or((plain.as_str(), ""), |(whole, part)| (whole, part));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if number < 0.0 { "−" } else { "" };
    let dot = if part.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{dot}{part}")
}

/// A step of the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
enum CalendarStep {
    Seconds(i64),
    Months(i32),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The steps between ticks, the shortest first.
const STEPS: [CalendarStep; 23] = [
    CalendarStep::Seconds(1),
    CalendarStep::Seconds(15),
    CalendarStep::Seconds(MINUTE),
    CalendarStep::Seconds(5 * MINUTE),
    CalendarStep::Seconds(15 * MINUTE),
    CalendarStep::Seconds(30 * MINUTE),
    CalendarStep::Seconds(HOUR),
    CalendarStep::Seconds(3 * HOUR),
    CalendarStep::Seconds(6 * HOUR),
    CalendarStep::Seconds(12 * HOUR),
    CalendarStep::Seconds(DAY),
    CalendarStep::Seconds(2 * DAY),
    CalendarStep::Seconds(7 * DAY),
    CalendarStep::Seconds(14 * DAY),
    CalendarStep::Months(1),
    CalendarStep::Months(3),
    CalendarStep::Months(6),
    CalendarStep::Months(12),
    CalendarStep::Months(24),
    CalendarStep::Months(60),
    CalendarStep::Months(120),
    CalendarStep::Months(600),
    CalendarStep::Months(1200),
];

impl CalendarStep {
    /// The number of the step in which a time lies.
    fn number(self, time: NaiveDateTime) -> i64 {
        match self {
            // Weeks begin on a Monday, and the days are counted from a Thursday.
            Self::Seconds(step) => (time.and_utc().timestamp() + 3 * DAY).div_euclid(step),
            Self::Months(step) => i64::from((time.year() * 12 + time.month0().cast_signed()).div_euclid(step)),
        }
    }

    /// What is written at a time.
    fn text(self, time: NaiveDateTime) -> String {
        let format = match self {
            Self::Seconds(step) if step < DAY && time.time() != NaiveTime::MIN => "%H:%M",
            Self::Seconds(_) => "%-d %b",
            Self::Months(step) if step < 12 => "%b %Y",
            Self::Months(_) => "%Y",
        };
        time.format(format).to_string()
    }
}

/// The positions in a row of times at which a step of the calendar begins, at most so many, with the texts for them.
pub(crate) fn times(times: &[NaiveDateTime], most: usize) -> Vec<(usize, String)> {
    let begins = |step: CalendarStep| -> Vec<usize> {
        let is_first = |at: &usize| step.number(times[*at]) != step.number(times[at - 1]);
        (1..times.len()).filter(is_first).collect()
    };
    let steps = STEPS.into_iter().map(|step| (step, begins(step)));
    let fitting = steps.into_iter().find(|(_, begins)| begins.len() <= most);
    let labelled = |(step, begins): (CalendarStep, Vec<usize>)| {
        let text = |at: usize| (at, step.text(times[at]));
        begins.into_iter().map(text).collect()
    };
    fitting.map(labelled).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time")
    }

    #[test]
    fn ticks_are_round_numbers_and_read_like_them() {
        let texts = |low, high| -> Vec<String> { numbers(low, high, 4).into_iter().map(|(_, text)| text).collect() };
        assert_eq!(texts(142_000.0, 209_000.0), ["160,000", "180,000", "200,000"]);
        assert_eq!(texts(-0.3, 0.35), ["−0.2", "0.0", "0.2"]);
        assert_eq!(texts(-1500.0, 600.0), ["−1,000", "0"]);
        assert_eq!(
            texts(1e12, 3e12),
            ["1.00e12", "1.50e12", "2.00e12", "2.50e12", "3.00e12"]
        );
        assert!(texts(5.0, 5.0).is_empty() && texts(1e20, 1e20 + 1e4).is_empty());
    }

    #[test]
    fn times_are_marked_where_the_calendar_turns() {
        let start = time("2024-02-27 05:00");
        let hours: Vec<NaiveDateTime> = (0..96).map(|hour| start + chrono::TimeDelta::hours(hour)).collect();
        let expected = [(19, "28 Feb"), (43, "29 Feb"), (67, "1 Mar"), (91, "2 Mar")];
        assert_eq!(times(&hours, 6), expected.map(|(at, text)| (at, text.to_owned())));
        assert_eq!(times(&hours[..12], 6)[0], (1, "06:00".to_owned()));
        let ends: Vec<NaiveDateTime> = ["2023-10-31", "2023-11-30", "2023-12-31", "2024-01-31"]
            .map(|day| time(&format!("{day} 00:00")))
            .into();
        assert_eq!(times(&ends, 2), [(3, "Jan 2024".to_owned())]);
        assert!(times(&hours[..1], 6).is_empty());
    }
}
