//! The data of the demo: two months of hourly demand, made up, and the same each time.

use std::fmt::Write as _;

use chrono::{Datelike as _, Duration, NaiveDate, Timelike as _};

/// Hours of it.
const HOURS: i64 = 24 * 7 * 9;

/// Demand by hour of day, in hundredths of the mean.
const DAY: [i32; 24] = [
    78, 74, 72, 71, 73, 80, 92, 104, 110, 111, 110, 109, 107, 106, 106, 108, 113, 121, 125, 122, 115, 105, 94, 84,
];

/// The text of the file.
pub(super) fn demand() -> String {
    let start = NaiveDate::from_ymd_opt(2024, 1, 1)
        .unwrap_or_default()
        .and_hms_opt(0, 0, 0);
    let start = start.unwrap_or_default();
    let mut text = "time,demand\n".to_owned();
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    // What a mild or a cold spell adds, in tenths of a MW: it comes and goes in days.
    let mut spell = 0;
    for hour in 0..HOURS {
        let time = start + Duration::hours(hour);
        if hour % 6 == 0 {
            spell = spell * 9 / 10 + noise.up_to(120);
        }
        let at = time.hour() as usize;
        let weekend = if time.weekday().number_from_monday() > 5 {
            88
        } else {
            100
        };
        let demand = 4_200 * DAY[at] / 100 * weekend / 100 + spell + noise.up_to(60);
        let _ = writeln!(
            text,
            "{},{}.{}",
            time.format("%Y-%m-%d %H:%M"),
            demand / 10,
            demand % 10
        );
    }
    text
}

/// Numbers that look like chance.
struct Noise(u64);

impl Noise {
    /// A number from `-limit` to `limit`, those in the middle more often.
    fn up_to(&mut self, limit: i32) -> i32 {
        let mut sum = 0;
        for _ in 0..3 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let range = 2 * u64::from(limit.unsigned_abs()) + 1;
            sum += i32::try_from(self.0 % range).unwrap_or_default() - limit;
        }
        sum / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_the_same_each_time_and_plausible() {
        let text = demand();
        assert_eq!(text, demand());
        assert_eq!(text.lines().count(), 1 + usize::try_from(HOURS).expect("a few"));
        assert!(text.starts_with("time,demand\n2024-01-01 00:00,"), "{}", &text[..60]);
        for line in text.lines().skip(1) {
            let (_, value) = line.split_once(',').expect("two fields");
            let value: f64 = value.parse().expect("a number");
            assert!((200.0..650.0).contains(&value), "{line}");
        }
    }
}
