//! Columns that follow from the calendar: public holidays, days of the week, hours of the day, months, the year.
//!
//! They go by the date on the clocks of a place. Times of a day and longer are dates already, and stay as they are.

use std::str::FromStr as _;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};
use opening_hours::localization::Country;

use super::super::frequency::StepLength;
use super::super::ingest_file::Zone;
use super::super::named_enum::named_enum;
use super::super::series::Series;
use crate::diagnostic::nearest;
use crate::engine::spec::schema::TextForm;
use crate::engine::task::TaskError;

/// The version of the calendars of holidays: raised when a day comes to them or goes.
pub(super) const HOLIDAYS_VERSION: u32 = 1;

/// The years whose holidays are known.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2080;

/// A country, as ISO 3166 has them.
pub(super) static COUNTRY: TextForm = TextForm {
    what: "a country of two letters, such as US or DE",
    accepts: |text| Country::from_str(text).is_ok(),
    nearest: |text| {
        let by_name = Country::ALL
            .iter()
            .find(|country| country.name().eq_ignore_ascii_case(text));
        let codes = Country::ALL.iter().map(|country| country.iso_code());
        by_name
            .map(|country| country.iso_code())
            .or_else(|| nearest(&text.to_ascii_uppercase(), codes))
    },
};

named_enum! {
    /// Groups of columns.
    pub(super) enum CalendarColumns {
        /// 1 on Saturdays and Sundays.
        Weekend = "weekend",
        /// A column for each day of the week but Monday.
        DayOfWeek = "day_of_week",
        /// A column for each hour of the day but the first.
        HourOfDay = "hour_of_day",
        /// A column for each month but January.
        Month = "month",
        /// Two waves over the year, as sines and cosines.
        Year = "year",
    }
}

/// Waves over the year.
const WAVES: u32 = 2;

/// The days of the week but Monday.
const DAYS: [&str; 6] = ["Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// One column of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalendarColumn {
    /// 1 on a public holiday of a country.
    Holiday(Country),
    /// 1 on Saturdays and Sundays.
    Weekend,
    /// 1 on a day of the week, counted from Monday.
    Day(u32),
    /// 1 in an hour of the day.
    Hour(u32),
    /// 1 in a month, counted from January.
    Month(u32),
    /// The sine, or the cosine, of so many turns a year.
    Wave(u32, bool),
}

impl CalendarColumns {
    /// The columns of the group.
    pub(super) fn columns(self) -> Vec<CalendarColumn> {
        match self {
            Self::Weekend => vec![CalendarColumn::Weekend],
            Self::DayOfWeek => (1..7).map(CalendarColumn::Day).collect(),
            Self::HourOfDay => (1..24).map(CalendarColumn::Hour).collect(),
            Self::Month => (1..12).map(CalendarColumn::Month).collect(),
            Self::Year => (1..=WAVES)
                .flat_map(|turns| [false, true].map(|cosine| CalendarColumn::Wave(turns, cosine)))
                .collect(),
        }
    }
}

impl CalendarColumn {
    /// The holidays of a country.
    pub(super) fn holiday(code: &str) -> Option<Self> {
        Country::from_str(code).ok().map(Self::Holiday)
    }

    /// Its name, as reports have it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Holiday(country) => format!("holiday_{}", country.iso_code()),
            Self::Weekend => "weekend".to_owned(),
            Self::Day(day) => format!("day_{}", DAYS[day as usize - 1]),
            Self::Hour(hour) => format!("hour_{hour}"),
            Self::Month(month) => format!("month_{}", month + 1),
            Self::Wave(turns, cosine) => format!("year_{}{turns}", if cosine { "cos" } else { "sin" }),
        }
    }

    /// Its value at a time on the clocks of the place.
    fn at(self, local: NaiveDateTime) -> f64 {
        let is = |yes: bool| f64::from(u8::from(yes));
        match self {
            Self::Holiday(country) => is(is_holiday(country, local.date())),
            Self::Weekend => is(local.weekday().num_days_from_monday() >= 5),
            Self::Day(day) => is(local.weekday().num_days_from_monday() == day),
            Self::Hour(hour) => is(local.hour() == hour),
            Self::Month(month) => is(local.month0() == month),
            Self::Wave(turns, cosine) => {
                let angle = f64::from(turns) * std::f64::consts::TAU * share_of_year(local);
                if cosine { angle.cos() } else { angle.sin() }
            }
        }
    }

    /// Its values at the steps of a series and of the `horizon` steps after it.
    ///
    /// # Errors
    /// [`TaskError`] for holidays where steps are longer than a day, or in years of which none are known.
    pub(super) fn values(self, series: &Series, horizon: usize, zone: Option<Zone>) -> Result<Vec<f64>, TaskError> {
        let id = &series.unique_id;
        let (Self::Holiday(country), frequency) = (self, series.frequency) else {
            return Ok(self.of_times(series, horizon, zone));
        };
        if frequency.length() == StepLength::Longer {
            return Err(TaskError::new(format!(
                "a holiday is a day, and the series `{id}` has {frequency} steps"
            ))
            .help("give the holidays of each step as a column of a file, for the input `known`"));
        }
        let last = series.try_time(series.y.len() + horizon);
        let odd = [Some(series.start()), last]
            .into_iter()
            .flatten()
            .find(|time| !YEARS.contains(&time.year()));
        match odd {
            None => Ok(self.of_times(series, horizon, zone)),
            Some(time) => Err(TaskError::new(format!(
                "the holidays of {} are known from {} to {}, and the series `{id}` has steps in {}",
                country.name(),
                YEARS.start(),
                YEARS.end(),
                time.year()
            ))
            .help("give them as a column of a file, for the input `known`, or take a shorter span of data")),
        }
    }

    fn of_times(self, series: &Series, horizon: usize, zone: Option<Zone>) -> Vec<f64> {
        let zone = zone.filter(|_| series.frequency.length() == StepLength::WithinDay);
        let steps = series.y.len() + horizon;
        let mut values: Vec<f64> = Vec::with_capacity(steps);
        for step in 0..steps {
            let week = series.open_week().filter(|_| series.is_holiday(step));
            // On a day that is closed the values are those of a week before, and so is what explains them.
            let before = week.and_then(|week| values.get(step.checked_sub(week)?).copied());
            let local = |time| zone.map_or(time, |zone| zone.local(time));
            let now = || series.try_time(step).map_or(0.0, |time| self.at(local(time)));
            values.push(before.unwrap_or_else(now));
        }
        values
    }
}

/// Whether a date is a public holiday of the whole country.
fn is_holiday(country: Country, date: NaiveDate) -> bool {
    country.holidays().get_public().contains(date)
}

/// How much of its year is over at a time.
fn share_of_year(time: NaiveDateTime) -> f64 {
    let days = if NaiveDate::from_yo_opt(time.year(), 366).is_some() {
        366.0
    } else {
        365.0
    };
    (f64::from(time.ordinal0()) + f64::from(time.num_seconds_from_midnight()) / 86_400.0) / days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::digest::Digest;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn holidays_are_those_of_the_country() {
        let us = CalendarColumn::holiday("US").expect("a country");
        for (day, holiday) in [
            ("2024-07-04", 1.0),
            ("2024-07-05", 0.0),
            ("2024-11-28", 1.0),
            ("2024-10-03", 0.0),
        ] {
            assert!((us.at(date(day).into()) - holiday).abs() < 0.5, "{day}");
        }
        let germany = CalendarColumn::holiday("DE").expect("a country");
        assert!(germany.at(date("2024-10-03").into()) > 0.5);
        assert_eq!(us.name(), "holiday_US");
        assert!(CalendarColumn::holiday("XX").is_none());
        assert_eq!((COUNTRY.nearest)("germany"), Some("DE"));
    }

    #[test]
    fn every_column_of_a_group_has_its_name_and_days() {
        let named = |group: CalendarColumns| {
            group
                .columns()
                .into_iter()
                .map(CalendarColumn::name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            named(CalendarColumns::DayOfWeek),
            ["day_Tue", "day_Wed", "day_Thu", "day_Fri", "day_Sat", "day_Sun"]
        );
        assert_eq!(
            named(CalendarColumns::Year),
            ["year_sin1", "year_cos1", "year_sin2", "year_cos2"]
        );
        assert_eq!(
            (
                named(CalendarColumns::HourOfDay).len(),
                named(CalendarColumns::Month).len()
            ),
            (23, 11)
        );
        // A Saturday in May, at three.
        let time = date("2024-05-04").and_hms_opt(3, 0, 0).expect("a time");
        let ones = |group: CalendarColumns| {
            let on = group.columns().into_iter().filter(|column| column.at(time) > 0.5);
            on.map(CalendarColumn::name).collect::<Vec<_>>()
        };
        assert_eq!(ones(CalendarColumns::Weekend), ["weekend"]);
        assert_eq!(ones(CalendarColumns::DayOfWeek), ["day_Sat"]);
        assert_eq!(ones(CalendarColumns::HourOfDay), ["hour_3"]);
        assert_eq!(ones(CalendarColumns::Month), ["month_5"]);
    }

    #[test]
    fn no_day_comes_to_the_calendars_or_goes_without_a_new_version() {
        let mut text = format!("{HOLIDAYS_VERSION}");
        for country in Country::ALL {
            text += country.iso_code();
            let holidays = country.holidays();
            for date in holidays.get_public().iter().filter(|date| YEARS.contains(&date.year())) {
                text += &date.to_string();
            }
        }
        let digest = Digest::of(text.as_bytes()).hex();
        assert_eq!(
            &digest[..16],
            "54c47218ec83b5b6",
            "raise HOLIDAYS_VERSION, and put in the new digest"
        );
    }
}
