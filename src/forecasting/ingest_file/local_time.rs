//! Local time across changes of the clock: an hour that comes twice is told apart by the order of the rows, one that is
//! left out is an error.

use std::collections::HashMap;

use chrono::{FixedOffset, LocalResult, NaiveDateTime, Offset as _, TimeZone as _};
use chrono_tz::Tz;

use super::super::timestamp::Stamp;

/// A zone: a place, or hours from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// A place with its changes of the clock.
    Place(Tz),
    /// Always so far from UTC.
    Fixed(FixedOffset),
}

/// A time that a zone's clocks never show; its row counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SkippedTime {
    pub(super) row: usize,
    pub(super) local: NaiveDateTime,
}

impl Zone {
    /// Reads `America/New_York`, `UTC` or `+01:00`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(place) = text.parse::<Tz>() {
            return Some(Self::Place(place));
        }
        text.parse::<FixedOffset>().ok().map(Self::Fixed)
    }

    /// What its clocks show at a time in UTC.
    pub(crate) fn local(self, utc: NaiveDateTime) -> NaiveDateTime {
        match self {
            Self::Place(place) => place.from_utc_datetime(&utc).naive_local(),
            Self::Fixed(offset) => offset.from_utc_datetime(&utc).naive_local(),
        }
    }

    /// How far its clocks are from UTC a day before a local time, as `-05:00`.
    pub(super) fn offset_before(self, local: NaiveDateTime) -> String {
        let before = local - chrono::Days::new(1);
        match self {
            Self::Place(place) => place.offset_from_utc_datetime(&before).fix().to_string(),
            Self::Fixed(offset) => offset.to_string(),
        }
    }

    /// The times in UTC at which its clocks show a local time, the earlier first.
    fn utc(self, local: NaiveDateTime) -> LocalResult<NaiveDateTime> {
        match self {
            Self::Place(place) => place.from_local_datetime(&local).map(|time| time.naive_utc()),
            Self::Fixed(offset) => offset.from_local_datetime(&local).map(|time| time.naive_utc()),
        }
    }
}

/// The times in UTC of rows that belong to series, by number; an offset that a text says counts.
pub(super) fn to_utc(zone: Zone, series: &[usize], stamps: &[Stamp]) -> Result<Vec<NaiveDateTime>, SkippedTime> {
    // A series that is written with its newest row first is read from its end.
    let mut ends: HashMap<usize, (NaiveDateTime, NaiveDateTime)> = HashMap::new();
    for (series, stamp) in series.iter().zip(stamps) {
        ends.entry(*series).or_insert((stamp.local, stamp.local)).1 = stamp.local;
    }
    let is_reversed = |series: usize| ends.get(&series).is_some_and(|(first, last)| last < first);
    let mut times: Vec<NaiveDateTime> = stamps.iter().map(|stamp| stamp.local).collect();
    let mut before: HashMap<usize, NaiveDateTime> = HashMap::new();
    let forward = (0..stamps.len()).filter(|row| !is_reversed(series[*row]));
    let backward = (0..stamps.len()).rev().filter(|row| is_reversed(series[*row]));
    for row in forward.chain(backward) {
        let (stamp, series) = (stamps[row], series[row]);
        let local = stamp.local;
        let time = match stamp.utc() {
            Some(utc) => utc,
            None => match zone.utc(local) {
                LocalResult::Single(utc) => utc,
                LocalResult::Ambiguous(early, late) => match before.get(&series) {
                    Some(before) if *before >= early => late,
                    _ => early,
                },
                LocalResult::None => return Err(SkippedTime { row, local }),
            },
        };
        before.insert(series, time);
        times[row] = time;
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::super::super::timestamp;
    use super::*;

    fn utc(zone: &str, texts: &[&str]) -> Result<Vec<String>, SkippedTime> {
        let zone = Zone::parse(zone).expect("a zone");
        let stamps: Vec<Stamp> = texts
            .iter()
            .map(|text| timestamp::parse(text, None).expect("a time"))
            .collect();
        let times = to_utc(zone, &vec![0; texts.len()], &stamps)?;
        Ok(times.iter().map(|time| time.format("%d %H:%M").to_string()).collect())
    }

    #[test]
    fn the_doubled_hour_is_told_apart_by_order_or_offset() {
        let fall = [
            "2024-11-03 00:00",
            "2024-11-03 01:00",
            "2024-11-03 01:00",
            "2024-11-03 02:00",
        ];
        let expected = ["03 04:00", "03 05:00", "03 06:00", "03 07:00"];
        assert_eq!(utc("America/New_York", &fall).expect("times"), expected);
        let (mut newest_first, mut reversed) = (fall, expected);
        newest_first.reverse();
        reversed.reverse();
        assert_eq!(utc("America/New_York", &newest_first).expect("times"), reversed);
        let quarters = ["01:00", "01:30", "01:00", "01:30", "02:00"].map(|clock| format!("2024-11-03 {clock}"));
        let quarters: Vec<&str> = quarters.iter().map(String::as_str).collect();
        let expected = ["03 05:00", "03 05:30", "03 06:00", "03 06:30", "03 07:00"];
        assert_eq!(utc("America/New_York", &quarters).expect("times"), expected);
        let said = ["2024-11-03 01:00-05:00", "2024-11-03 01:00-04:00"];
        assert_eq!(utc("America/New_York", &said).expect("times"), ["03 06:00", "03 05:00"]);
    }

    #[test]
    fn the_skipped_hour_is_told() {
        let spring = ["2024-03-10 01:00", "2024-03-10 02:00"];
        let skipped = utc("America/New_York", &spring).expect_err("there is no such hour");
        assert_eq!(skipped.row, 1);
        let zone = Zone::parse("America/New_York").expect("a zone");
        assert_eq!(zone.offset_before(skipped.local), "-05:00");
        assert_eq!(utc("-05:00", &spring).expect("times"), ["10 06:00", "10 07:00"]);
        assert_eq!(utc("UTC", &spring).expect("times"), ["10 01:00", "10 02:00"]);
        assert_eq!(Zone::parse("New York"), None);
    }
}
