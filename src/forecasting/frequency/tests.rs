//! Frequencies that are declared, found, and followed.

use chrono::{Datelike as _, Days, NaiveDateTime, Timelike as _, Weekday};

use super::spelling::parse;
use super::*;
use crate::forecasting::series::Observation;
use crate::forecasting::timestamp::parse_time;

fn time(text: &str) -> NaiveDateTime {
    parse_time(text).expect("a time")
}

fn rows(times: impl IntoIterator<Item = NaiveDateTime>) -> Vec<Observation> {
    let row = |ds| Observation {
        unique_id: "A".to_owned(),
        ds,
        y: None,
    };
    times.into_iter().map(row).collect()
}

fn found(times: &[&str]) -> String {
    let times = times.iter().map(|text| time(text));
    Calendars::found(&rows(times)).common().to_string()
}

/// The days from a first one on that a filter lets pass.
fn days(first: &str, count: usize, is_open: impl Fn(NaiveDateTime) -> bool) -> Vec<NaiveDateTime> {
    let first = time(first);
    let day = |after: usize| first + Days::new(after as u64);
    (0..count).map(day).filter(|day| is_open(*day)).collect()
}

/// What is found in times, and the steps that follow the last of them.
fn followed(times: &[NaiveDateTime], steps: i64) -> (String, Vec<String>) {
    let calendars = Calendars::found(&rows(times.iter().copied()));
    let frequency = calendars.of_series(times);
    let grid = Grid::of(frequency, times);
    let last = grid.step(times[times.len() - 1]).expect("the last one lies on a step");
    let text = |step: i64| grid.time(last + step).expect("a time").to_string();
    (frequency.to_string(), (1..=steps).map(text).collect())
}

fn is_weekday(day: NaiveDateTime) -> bool {
    day.weekday().num_days_from_monday() < 5
}

#[test]
fn the_step_that_fits_most_times_is_the_frequency() {
    let hourly = [
        "2024-01-01 00:00",
        "2024-01-01 01:00",
        "2024-01-01 02:00",
        "2024-01-01 05:00",
    ];
    assert_eq!(found(&hourly), "hourly");
    assert_eq!(found(&["2024-01-01", "2024-01-08", "2024-01-15"]), "weekly");
    assert_eq!(found(&["2024-01-31", "2024-02-29", "2024-03-31"]), "monthly");
    assert_eq!(found(&["2024-01-01", "2024-04-01", "2024-07-01"]), "quarterly");
    assert_eq!(found(&["2024-01-01", "2024-07-01", "2025-01-01"]), "6-month");
    assert_eq!(found(&["2024-01-15", "2024-03-15", "2024-05-15"]), "2-month");
    assert_eq!(found(&["2023-01-01", "2024-01-01"]), "yearly");
    assert_eq!(
        found(&["2024-01-01", "2024-01-29", "2024-02-26", "2024-03-25"]),
        "28-day"
    );
    assert_eq!(found(&["2024-01-01 00:00", "2024-01-01 00:30"]), "30-minute");
    assert_eq!(
        found(&[
            "2024-01-01 00:00:00.000",
            "2024-01-01 00:00:00.008",
            "2024-01-01 00:00:00.016"
        ]),
        "8-millisecond"
    );
    assert_eq!(found(&["2024-01-01"]), "hourly");
    let odd = [
        "2024-01-01 00:00",
        "2024-01-01 01:00",
        "2024-01-01 02:00",
        "2024-01-01 02:30",
    ];
    assert_eq!(found(&odd), "hourly", "one time off the steps changes nothing");
}

/// The times of some texts, the first of them by itself.
fn days_of(first: &str, more: &[&str]) -> Vec<NaiveDateTime> {
    std::iter::once(&first).chain(more).map(|text| time(text)).collect()
}

#[test]
fn a_month_ends_where_it_ends() {
    let day = |text: &str, day: &[&str], steps| followed(&days_of(text, day), steps).1;
    let midnight = |days: &[&str]| -> Vec<String> { days.iter().map(|day| format!("{day} 00:00:00")).collect() };
    // The last day.
    let ends = day("2023-11-30", &["2023-12-31", "2024-01-31"], 3);
    assert_eq!(ends, midnight(&["2024-02-29", "2024-03-31", "2024-04-30"]));
    // The 28th, although the first one is a last day; the 30th, although February has none.
    let of_28 = day("2023-02-28", &["2023-03-28", "2023-04-28"], 2);
    assert_eq!(of_28, midnight(&["2023-05-28", "2023-06-28"]));
    let of_30 = day("2022-12-30", &["2023-01-30", "2023-02-28"], 2);
    assert_eq!(of_30, midnight(&["2023-03-30", "2023-04-30"]));
    // The last business day: 31 August 2024 is a Saturday.
    let business = day("2024-05-31", &["2024-06-28", "2024-07-31"], 2);
    assert_eq!(business, midnight(&["2024-08-30", "2024-09-30"]));
    let grid = Grid::of(Frequency::Months(1), &[time("2024-01-31")]);
    assert_eq!(grid.step(time("2024-04-30")), Some(3));
    assert_eq!(grid.step(time("2024-04-29")), None);
    assert_eq!(grid.step(time("2023-12-31")), Some(-1));
}

#[test]
fn closed_days_are_found_and_skipped() {
    let open = days("2024-01-01 16:00", 60, is_weekday);
    let (name, next) = followed(&open, 2);
    assert_eq!(name, "business-daily");
    assert_eq!(
        next,
        ["2024-03-01 16:00:00", "2024-03-04 16:00:00"],
        "a Friday and a Monday"
    );
    let to_saturday = days("2024-01-01", 60, |day| day.weekday() != Weekday::Sun);
    assert_eq!(followed(&to_saturday, 0).0, "daily (Mon–Sat)");
    let from_sunday = days("2024-01-01", 60, |day| {
        !matches!(day.weekday(), Weekday::Fri | Weekday::Sat)
    });
    assert_eq!(followed(&from_sunday, 0).0, "daily (Sun–Thu)");
    let three = days("2024-01-01", 60, |day| {
        matches!(day.weekday(), Weekday::Mon | Weekday::Wed | Weekday::Fri)
    });
    assert_eq!(followed(&three, 0).0, "daily (Mon, Wed, Fri)");
    assert_eq!(followed(&days("2024-01-01", 60, |_| true), 0).0, "daily");
    // One weekend is enough for business days; for other days two are needed.
    assert_eq!(followed(&days("2024-01-01", 10, is_weekday), 0).0, "business-daily");
    let without_sunday = days("2024-01-01", 10, |day| day.weekday() != Weekday::Sun);
    assert_eq!(followed(&without_sunday, 0).0, "daily");
}

#[test]
fn a_holiday_is_a_gap_and_a_single_saturday_opens_none() {
    let mut open = days("2024-01-01", 200, |day| is_weekday(day) && day != time("2024-05-01"));
    open.push(time("2024-03-16"));
    open.sort();
    let frequency = Calendars::found(&rows(open.iter().copied())).common();
    assert_eq!(frequency.to_string(), "business-daily");
    let grid = Grid::of(frequency, &open);
    assert_eq!(grid.step(time("2024-03-16")), None);
    assert_eq!(grid.step(time("2024-05-01")), Some(87));
    assert!(grid.is_holiday(87) && !grid.is_holiday(86));
    assert_eq!(grid.holidays(), [time("2024-05-01").date()]);
    // Two weeks without a row are no holiday.
    let without = |day: &NaiveDateTime| !(time("2024-05-06")..time("2024-05-20")).contains(day);
    let gap: Vec<NaiveDateTime> = open.iter().copied().filter(without).collect();
    let grid = Grid::of(frequency, &gap);
    assert_eq!(grid.holidays(), [time("2024-05-01").date()]);
    assert_eq!(
        grid.step(time("2024-05-20"))
            .zip(grid.step(time("2024-05-03")))
            .map(|(a, b)| a - b),
        Some(11)
    );
}

#[test]
fn open_hours_are_found_and_followed() {
    let hours = |is_open: &dyn Fn(NaiveDateTime) -> bool| -> Vec<NaiveDateTime> {
        let first = time("2024-01-01 00:00");
        let hour = |after: i64| first + chrono::TimeDelta::hours(after);
        (0..24 * 28).map(hour).filter(|hour| is_open(*hour)).collect()
    };
    let office = hours(&|hour| is_weekday(hour) && (9..=16).contains(&hour.hour()));
    let (name, next) = followed(&office, 1);
    assert_eq!(name, "hourly (Mon–Fri, 09:00–16:00)");
    assert_eq!(
        next,
        ["2024-01-29 09:00:00"],
        "after a Friday's last hour comes Monday's first"
    );
    let shop = hours(&|hour| match hour.weekday() {
        Weekday::Sun => false,
        Weekday::Sat => (9..=12).contains(&hour.hour()),
        _ => (9..=18).contains(&hour.hour()),
    });
    let calendar = Calendars::found(&rows(shop.iter().copied())).common();
    let grid = Grid::of(calendar, &shop);
    let steps: Vec<Option<i64>> = shop.iter().map(|time| grid.step(*time)).collect();
    assert!(
        steps.iter().zip(0..).all(|(step, at)| *step == Some(at)),
        "a short Saturday has no gap"
    );
    assert_eq!(calendar.seasons(), [10, 54]);
    assert_eq!(followed(&hours(&|_| true), 0).0, "hourly");
    let with_outage = hours(&|hour| hour.day() != 9 || hour.hour() > 5);
    assert_eq!(followed(&with_outage, 0).0, "hourly");
}

#[test]
fn a_pause_within_the_day_is_closed_on_each_day_that_has_it() {
    // A market with two sessions of half hours, and a morning alone on Saturdays.
    let first = time("2024-01-01 00:00");
    let half_hour = |after: i64| first + chrono::TimeDelta::minutes(30 * after);
    let is_open = |at: &NaiveDateTime| {
        let minutes = at.hour() * 60 + at.minute();
        let morning = (540..=690).contains(&minutes);
        match at.weekday() {
            Weekday::Sun => false,
            Weekday::Sat => morning,
            _ => morning || (780..=900).contains(&minutes),
        }
    };
    let sessions: Vec<NaiveDateTime> = (0..48 * 28).map(half_hour).filter(is_open).collect();
    let calendar = Calendars::found(&rows(sessions.iter().copied())).common();
    assert_eq!(
        calendar.to_string(),
        "30-minute (Mon–Sat, 09:00–15:00 without 12:00–12:30)"
    );
    assert_eq!(calendar.seasons(), [11, 61]);
    let grid = Grid::of(calendar, &sessions);
    for (step, at) in (0..).zip(&sessions) {
        assert_eq!((grid.step(*at), grid.time(step)), (Some(step), Some(*at)));
    }
    assert_eq!(grid.step(time("2024-01-03 12:00")), None);
    let steps = i64::try_from(sessions.len()).expect("few");
    assert_eq!(grid.time(steps), Some(time("2024-01-29 09:00")));
    assert_eq!(grid.time(steps + 6), Some(time("2024-01-29 13:00")));
    // As the packaged model has it.
    let written = serde_json::to_string(&calendar).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Frequency>(&written).expect("a frequency"),
        calendar
    );
    assert!(calendar.is_step());
    let broken = written.replace("[43200,45000]", "[43201,45000]");
    assert_ne!(broken, written);
    assert!(
        !serde_json::from_str::<Frequency>(&broken)
            .expect("a frequency")
            .is_step()
    );
}

#[test]
fn each_series_has_its_own_closed_days() {
    let mut both = rows(days("2024-01-01", 90, is_weekday));
    let every = days("2024-01-01", 30, |_| true);
    both.extend(rows(every.iter().copied()).into_iter().map(|row| Observation {
        unique_id: "B".to_owned(),
        ..row
    }));
    let calendars = Calendars::found(&both);
    assert_eq!(calendars.common().to_string(), "business-daily");
    assert_eq!(calendars.of_series(&every).to_string(), "daily");
    // A few days alone tell nothing, and follow the others.
    let few = days("2024-01-01", 4, |_| true);
    assert_eq!(calendars.of_series(&few).to_string(), "business-daily");
    assert_eq!(
        Calendars::of(calendars.common()).of_series(&every).to_string(),
        "business-daily"
    );
}

#[test]
fn the_nearest_step_is_found_on_every_grid() {
    let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
    let times = [at("2024-01-31 00:00")];
    for (frequency, time, nearest) in [
        ("h", "2024-02-01 00:29", "2024-02-01 00:00"),
        ("h", "2024-02-01 00:31", "2024-02-01 01:00"),
        ("h", "2023-12-31 23:31", "2024-01-01 00:00"),
        ("ME", "2024-03-01 00:00", "2024-02-29 00:00"),
        ("BME", "2023-12-31 00:00", "2023-12-29 00:00"),
        ("B", "2024-02-03 00:00", "2024-02-02 00:00"),
        ("B", "2024-02-04 00:00", "2024-02-05 00:00"),
        ("1y", "1900-03-01 00:00", "1900-01-31 00:00"),
    ] {
        let grid = Grid::of(parse(frequency).expect("a frequency"), &times);
        let found = grid.nearest(at(time)).and_then(|step| grid.time(step));
        assert_eq!(found, Some(at(nearest)), "{frequency} {time}");
    }
}

#[test]
fn frequencies_are_spelled_as_in_pandas_and_polars() {
    for (text, name) in [
        ("hourly", "hourly"),
        ("Daily", "daily"),
        ("h", "hourly"),
        ("H", "hourly"),
        ("15min", "15-minute"),
        ("15T", "15-minute"),
        ("15m", "15-minute"),
        ("8ms", "8-millisecond"),
        ("1000ms", "1-second"),
        ("D", "daily"),
        ("1d", "daily"),
        ("28D", "28-day"),
        ("B", "business-daily"),
        ("bh", "hourly (Mon–Fri, 09:00–16:00)"),
        ("W", "weekly"),
        ("W-SUN", "weekly"),
        ("1w", "weekly"),
        ("MS", "monthly"),
        ("ME", "monthly (last day)"),
        ("M", "monthly (last day)"),
        ("BME", "monthly (last business day)"),
        ("1mo", "monthly"),
        ("QS", "quarterly"),
        ("QS-OCT", "quarterly"),
        ("QE-DEC", "quarterly (last day)"),
        ("1q", "quarterly"),
        ("YS", "yearly"),
        ("1y", "yearly"),
        ("A-DEC", "yearly (last day)"),
    ] {
        assert_eq!(
            parse(text).map(|step| step.to_string()).as_deref(),
            Some(name),
            "{text}"
        );
    }
    for text in [
        "",
        "0h",
        "-1h",
        "D-MON",
        "W-OCT",
        "2B",
        "fortnight",
        "h1",
        "99999999999999999999s",
        "5",
        "M-JAN",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!((FORM.nearest)("hourley"), Some("hourly"));
}

#[test]
fn what_is_usual_follows_from_the_frequency() {
    let usual = |text: &str| {
        let frequency = parse(text).expect("a frequency");
        let usual = frequency.usual();
        (frequency.seasons(), usual.horizon, usual.step_size, usual.min_length)
    };
    assert_eq!(usual("s"), (vec![60, 3600], 60, 1440, 48));
    assert_eq!(usual("min"), (vec![1440, 10080], 60, 1440, 48));
    assert_eq!(usual("15min"), (vec![96, 672], 96, 672, 48));
    assert_eq!(usual("h"), (vec![24, 168], 24, 168, 48));
    assert_eq!(usual("bh"), (vec![8, 40], 8, 40, 16));
    assert_eq!(usual("D"), (vec![7], 14, 7, 28));
    assert_eq!(usual("B"), (vec![5], 10, 5, 20));
    assert_eq!(usual("W"), (vec![52], 13, 4, 26));
    assert_eq!(usual("28D"), (vec![13], 13, 3, 26));
    assert_eq!(usual("MS"), (vec![12], 12, 3, 24));
    assert_eq!(usual("2mo"), (vec![6], 6, 1, 12));
    assert_eq!(usual("QE"), (vec![4], 4, 1, 8));
    assert_eq!(usual("1y"), (vec![1], 5, 1, 10));
}

#[test]
fn a_frequency_from_a_file_must_lead_forward() {
    let read = |text: &str| serde_json::from_str::<Frequency>(text).ok().filter(|it| it.is_step());
    assert_eq!(read(r#"{"seconds":3600}"#), Some(Frequency::Seconds(3600)));
    assert_eq!(read(r#"{"months":1}"#), Some(Frequency::Months(1)));
    let week = parse("bh").expect("open hours");
    assert_eq!(read(&serde_json::to_string(&week).expect("JSON")), Some(week));
    let none = "null,null,null,null,null,null";
    for text in [
        r#"{"seconds":0}"#.to_owned(),
        r#"{"micros":-5}"#.to_owned(),
        r#"{"monthends":0}"#.to_owned(),
        format!(r#"{{"open":{{"step":3600,"days":[null,{none}]}}}}"#),
        format!(r#"{{"open":{{"step":0,"days":[[0,0],{none}]}}}}"#),
        format!(r#"{{"open":{{"step":3600,"days":[[0,90000],{none}]}}}}"#),
        format!(r#"{{"open":{{"step":3600,"days":[[0,100],{none}]}}}}"#),
    ] {
        assert_eq!(read(&text), None, "{text}");
    }
}
