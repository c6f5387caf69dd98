//! What is known ahead: a file of columns, from the back-test to the forecast.

use std::fmt::Write as _;

use super::pipeline::{InMemory, models};
use super::*;

/// The time of an hour, counted from the first.
fn time(hour: u32) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 3, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    (start.expect("a time") + chrono::TimeDelta::hours(i64::from(hour))).to_string()
}

/// Numbers from -0.5 to 0.5 without a pattern.
fn noise(t: u32) -> f64 {
    let mixed = t.wrapping_mul(0x9E37_79B9) ^ (t.wrapping_mul(0x85EB_CA6B) >> 13);
    f64::from(mixed.wrapping_mul(0xC2B2_AE35) >> 8) / f64::from(1_u32 << 24) - 0.5
}

/// Spells of warmth that last a few hours each, with a day.
fn temperature(hour: u32) -> f64 {
    let day = f64::from(hour % 24);
    15.0 + 0.04 * day * (24.0 - day) + 14.0 * noise(hour / 7)
}

/// Hourly demand that follows the temperature.
fn demand(hour: u32) -> f64 {
    let day = f64::from((hour + 4) % 24);
    (300.0 + day * (24.0 - day)) * (0.02 * temperature(hour)).exp() * (1.0 + 0.02 * noise(hour + 77_777))
}

const HOURS: u32 = 800;

/// A directory with the series `A` and the temperatures of as many hours.
fn project(known_hours: u32) -> TaskDirectory {
    let project = TaskDirectory::new();
    project.write("clean.csv", &series("A", demand));
    project.write("validation.json", "{ \"status\": \"valid\" }");
    project.write("weather.csv", &weather(known_hours, |hour| Some(temperature(hour))));
    project
}

fn series(id: &str, value: impl Fn(u32) -> f64) -> String {
    let row = |hour| format!("{id},{},{}\n", time(hour), value(hour));
    let rows: String = (0..HOURS).map(row).collect();
    format!("unique_id,ds,y\n{rows}")
}

fn weather(hours: u32, value: impl Fn(u32) -> Option<f64>) -> String {
    let mut text = "ds,temperature\n".to_owned();
    for hour in 0..hours {
        let value = value(hour).map_or(String::new(), |value| value.to_string());
        writeln!(text, "{},{value}", time(hour)).expect("into memory");
    }
    text
}

const INPUTS: [(&str, &str); 3] = [
    ("clean", "clean.csv"),
    ("validation", "validation.json"),
    ("known", "weather.csv"),
];

fn params(names: &[&str]) -> Vec<(&'static str, Value)> {
    vec![models(names), ("n_windows", Value::Int(2))]
}

fn train(project: &TaskDirectory, names: &[&str]) -> Result<(), TaskError> {
    project.run_on("train_backtest_select", &params(names), &INPUTS)
}

fn rmse(project: &TaskDirectory) -> f64 {
    project.numbers("leaderboard", "rmse_mean")[0]
}

#[test]
fn truth_values_are_numbers_and_a_file_without_times_is_told() {
    let project = project(HOURS + 24);
    let plain = project.path("weather.csv");
    let plain = std::fs::read_to_string(plain).expect("read");
    let with = |column: &str, of: &dyn Fn(usize) -> &'static str| -> String {
        let rows = plain.lines().enumerate();
        let rows = rows.map(|(at, row)| [row, if at == 0 { column } else { of(at) }].join(","));
        rows.collect::<Vec<_>>().join("\n")
    };
    // As pandas writes them, and as numbers.
    for of in [
        |at: usize| ["True", "False"][at % 9 % 2],
        |at: usize| ["1", "0"][at % 9 % 2],
    ] {
        project.write("weather.csv", &with("holiday", &of));
        train(&project, &["LagRidge"]).expect("trained");
    }
    let numbers = project.csv("leaderboard");
    project.write("weather.csv", &with("holiday", &|at| ["true", "FALSE"][at % 9 % 2]));
    train(&project, &["LagRidge"]).expect("trained");
    assert_eq!(project.csv("leaderboard"), numbers);
    let indexed: Vec<String> = plain
        .lines()
        .enumerate()
        .map(|(at, line)| {
            if at == 0 {
                format!(",{line}\n")
            } else {
                format!("{at},{line}\n")
            }
        })
        .collect();
    project.write("weather.csv", &indexed.concat());
    train(&project, &["LagRidge"]).expect("an index of pandas is not known ahead");
    assert_eq!(
        project.json("selected")["known"]["columns"],
        serde_json::json!(["temperature"])
    );
    project.write("weather.csv", &plain.replacen("ds,", "date,", 1));
    assert_eq!(
        reported(train(&project, &["LagRidge"])),
        "`known` has no column `ds`\nnote: its columns: date, temperature\nhelp: if it is a file of another form, say in `reading` \
             which columns are what, as in `reading = { known = { time = \"date\" } }`"
    );
}

#[test]
fn what_is_known_ahead_makes_the_forecasts_better_and_is_told_of() {
    let project = project(HOURS + 24);
    let without = {
        project
            .run_on("train_backtest_select", &params(&["LagRidge"]), &INPUTS[..2])
            .expect("selected");
        assert!(project.frame("leaderboard").column("known").is_err());
        assert_eq!(project.json("selected")["known"], serde_json::Value::Null);
        rmse(&project)
    };
    train(&project, &["LagRidge", "SeasonalNaive"]).expect("selected");
    let with = rmse(&project);
    // The spells are a third of the variance; with them known the noise of 2 % is left.
    assert!(with < 0.5 * without, "{with} with the temperature, {without} without");
    assert_eq!(project.texts("leaderboard", "model"), ["LagRidge", "SeasonalNaive"]);
    assert_eq!(project.texts("leaderboard", "known"), ["temperature", ""]);
    let selected = project.json("selected");
    assert_eq!(selected["known"]["columns"], serde_json::json!(["temperature"]));
    assert_eq!(selected["models"][0]["known"], serde_json::json!(["temperature"]));
    assert_eq!(selected["series"][0]["members"][0]["found"]["known"], "temperature");

    project.run_on("forecast_publish", &[], &INPUTS).expect("predictions");
    let forecast = project.numbers("predictions", "yhat");
    assert_eq!(forecast.len(), 24);
    let off = |(hour, forecast): (u32, &f64)| (forecast / demand(hour) - 1.0).abs();
    let worst = (HOURS..).zip(&forecast).map(off).fold(0.0, f64::max);
    // Three times the largest noise; a spell that is not known makes up to 15 %.
    assert!(worst < 0.03, "{worst}");
}

#[test]
fn a_model_that_cannot_use_it_is_fitted_as_ever_and_needs_no_file_to_forecast() {
    let project = project(HOURS);
    train(&project, &["DoubleSeasonalHoltWinters"]).expect("selected");
    let log = project.log();
    assert_eq!(
        log[1],
        "warning: none of the models uses what is known ahead; these can, and a program of your own: \
         AutoARIMA, HarmonicARIMA, LagRidge, SparseLagRidge"
    );
    assert_eq!(
        log[0],
        "warning: `known` does not reach 24 steps beyond the end of `A`: a forecast by a model that uses it will fail"
    );
    let selected = project.json("selected");
    assert_eq!(
        (&selected["known"], &selected["models"][0]["known"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    project
        .run_on("forecast_publish", &[], &INPUTS[..2])
        .expect("predictions");
    assert_eq!(project.numbers("predictions", "yhat").len(), 24);
}

#[test]
fn a_future_that_is_too_short_is_an_error_that_says_which_steps_lack() {
    let project = project(HOURS + 21);
    train(&project, &["LagRidge"]).expect("selected");
    assert_told(
        &reported(project.run_on("forecast_publish", &[], &INPUTS)),
        "`known` has no row for 3 of the 24 steps to forecast of the series `A`: 2024-04-04 05:00:00, 2024-04-04 06:00:00, \
         2024-04-04 07:00:00\n\
         help: `known` must go on to 2024-04-04 07:00:00; or lower `horizon` to 21",
    );
    project
        .run_on("forecast_publish", &[("horizon", Value::Int(21))], &INPUTS)
        .expect("predictions");
    project.write("weather.csv", &weather(HOURS, |hour| Some(temperature(hour))));
    assert_told(
        &reported(project.run_on("forecast_publish", &[], &INPUTS)),
        "`known` has no row for 24 of the 24 steps to forecast of the series `A`: 2024-04-03 08:00:00, \
         2024-04-03 09:00:00, 2024-04-03 10:00:00, 2024-04-03 11:00:00, … up to 2024-04-04 07:00:00\n\
         help: `known` must go on to 2024-04-04 07:00:00",
    );
    assert_told(
        &reported(project.run_on("forecast_publish", &[], &INPUTS[..2])),
        "the models were chosen with what is known ahead: `temperature`\n\
         help: give the file with these columns: `known = \"FILE\"` among the `inputs` of the target, or `--known FILE` of \
         `atsaf predict`",
    );
    project.write(
        "weather.csv",
        &weather(HOURS + 24, |hour| Some(temperature(hour))).replace("temperature", "warmth"),
    );
    assert_told(
        &reported(project.run_on("forecast_publish", &[], &INPUTS)),
        "`known` has no column `temperature`\n\
         note: its columns: ds, warmth",
    );
}

#[test]
fn a_past_with_holes_is_an_error_that_says_where() {
    let project = project(0);
    let fails = |text: &str| {
        project.write("weather.csv", text);
        reported(train(&project, &["LagRidge"]))
    };
    assert_told(
        &fails(&weather(HOURS, |hour| (hour % 300 != 7).then_some(1.0))),
        "the column `temperature` of `known` has no value at 3 of the 800 times of the series `A`: 2024-03-01 07:00:00, \
         2024-03-13 19:00:00, 2024-03-26 07:00:00\n\
         help: give it values there, or say which columns count, as in `known = { columns = [\"temperature\"] }`",
    );
    assert_told(
        &fails(&weather(HOURS, |_| Some(1.0)).replace(":00:00,", ":30:00,")),
        "`known` has no row at 800 of the 800 times of the series `A`: 2024-03-01 00:00:00, 2024-03-01 01:00:00, \
         2024-03-01 02:00:00, 2024-03-01 03:00:00, … up to 2024-04-03 07:00:00\n\
         note: a row counts where its `ds`, in UTC, is a time of the series\n\
         help: give it rows for these times",
    );
    assert_told(
        &fails(&format!("{}2024-03-01 05:00:00,99\n", weather(HOURS, |_| Some(1.0)))),
        "the column `temperature` of `known` has two values at 2024-03-01 05:00:00: 1 in row 6, 99 in row 801\n\
         help: leave one of the rows; if each is of another series, say so in a column `unique_id`",
    );
    assert_told(
        &fails("ds,y\n2024-03-01,1\n"),
        "`known` has a column `y`, as the values of a series are called\n\
         note: what is forecast is not known ahead\n\
         help: take it out, or say which columns count, as in `known = { columns = [\"temperature\"] }`",
    );
    assert_told(
        &fails("ds,sky\n2024-03-01,grey\n"),
        "`grey` in row 1 of the column `sky` of `known` is no number\n\
         help: say which columns count, as in `known = { columns = [\"temperature\"] }`",
    );
    assert_told(
        &fails("ds\n2024-03-01\n"),
        "`known` has no column beside `unique_id` and `ds`\n\
         help: give it a column of numbers for each thing that is known ahead",
    );
    assert_told(
        &fails("unique_id,ds,temperature\nB,2024-03-01,1\n"),
        "`known` has no row of the series `A`\n\
         note: with a column `unique_id` each series needs rows of its own\n\
         help: add them; without a column `unique_id` every row counts for all series",
    );
}

#[test]
fn a_column_that_never_changes_is_left_out_and_told() {
    let project = project(0);
    project.write("weather.csv", &weather(HOURS + 24, |_| Some(5.0)));
    train(&project, &["LagRidge"]).expect("selected");
    assert_eq!(
        project.log()[0],
        "warning: of what is known ahead, `temperature` never changes in the past of `A`, and is left out there"
    );
    let with = rmse(&project);
    let found = project.json("selected")["series"][0]["members"][0]["found"].clone();
    assert_eq!(found["known"], serde_json::Value::Null);
    project
        .run_on("train_backtest_select", &params(&["LagRidge"]), &INPUTS[..2])
        .expect("selected");
    assert_eq!(with.to_bits(), rmse(&project).to_bits());
}

#[test]
fn each_series_has_its_own_rows_where_the_file_names_series() {
    let project = project(0);
    let both = format!(
        "{}{}",
        series("A", demand),
        series("B", |hour| demand(hour + 5_000)).replace("unique_id,ds,y\n", "")
    );
    project.write("clean.csv", &both);
    let mut text = "unique_id,ds,humidity,temperature\n".to_owned();
    for (id, shift) in [("B", 5_000), ("A", 0)] {
        for hour in 0..HOURS + 24 {
            writeln!(text, "{id},{},,{}", time(hour), temperature(hour + shift)).expect("into memory");
        }
    }
    project.write("weather.csv", &text);
    let known = Value::Table(BTreeMap::from([("columns".to_owned(), texts(&["temperature"]))]));
    let mut params = params(&["LagRidge"]);
    params.push(("known", known));
    project
        .run_on("train_backtest_select", &params, &INPUTS)
        .expect("selected");
    let selected = project.json("selected");
    for at in 0..2 {
        let found = selected["series"][at]["members"][0]["found"]["known_coefficients"][0].as_f64();
        // What the data were made with; the standard error is 3e-4.
        assert!((found.expect("a number") - 0.02).abs() < 1e-3, "{found:?}");
    }
    project.run_on("forecast_publish", &[], &INPUTS).expect("predictions");
}

#[test]
fn another_value_of_what_is_known_fits_the_windows_that_see_it_anew() {
    let mut project = project(HOURS + 24);
    project.memo = Box::new(InMemory::default());
    let remembered = |project: &TaskDirectory| {
        train(project, &["LagRidge", "SeasonalNaive"]).expect("selected");
        project.log().pop().expect("a line")
    };
    assert_eq!(remembered(&project), "0 of 4 forecasts were remembered");
    assert_eq!(remembered(&project), "4 of 4 forecasts were remembered");
    // After the end of the data: no window sees it.
    let with = |at: u32| move |hour| Some(if hour == at { 99.0 } else { temperature(hour) });
    project.write("weather.csv", &weather(HOURS + 24, with(HOURS + 3)));
    assert_eq!(remembered(&project), "4 of 4 forecasts were remembered");
    // Within the last window's horizon.
    project.write("weather.csv", &weather(HOURS + 24, with(HOURS - 3)));
    assert_eq!(remembered(&project), "3 of 4 forecasts were remembered");
    // Before both.
    project.write("weather.csv", &weather(HOURS + 24, with(3)));
    assert_eq!(remembered(&project), "2 of 4 forecasts were remembered");
}

#[test]
fn columns_without_a_file_are_refused() {
    let project = project(0);
    let known = Value::Table(BTreeMap::from([("columns".to_owned(), texts(&["temperature"]))]));
    let params = [params(&["LagRidge"]), vec![("known", known)]].concat();
    assert_told(
        &reported(project.run_on("train_backtest_select", &params, &INPUTS[..2])),
        "`known` names columns of a file, and the target reads none\n\
         help: bind one to the role, as in `inputs = { known = \"weather.csv\" }`",
    );
}

/// The parameter `known`.
fn said(entries: &[(&str, &str)]) -> (&'static str, Value) {
    let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
    ("known", Value::Table(entries.collect()))
}

#[test]
fn holidays_go_by_the_clocks_of_the_place_and_need_no_file() {
    let project = project(0);
    // Good Friday and Easter Monday, on clocks that are put forward between them.
    let value = |hour: u32| {
        let berlin = time(hour + if hour < 30 * 24 + 1 { 1 } else { 2 });
        let closed = ["2024-03-29", "2024-04-01"].iter().any(|day| berlin.starts_with(day));
        let day = f64::from((hour + 4) % 24);
        (300.0 + day * (24.0 - day)) * (1.0 + 0.02 * noise(hour)) * if closed { 0.8 } else { 1.0 }
    };
    project.write("clean.csv", &series("A", value));
    let coefficient = |entries: &[(&str, &str)]| {
        let params = [params(&["LagRidge"]), vec![said(entries)]].concat();
        project
            .run_on("train_backtest_select", &params, &INPUTS[..2])
            .expect("selected");
        let found = project.json("selected")["series"][0]["members"][0]["found"].clone();
        assert_eq!(found["known"], "holiday_DE");
        found["known_coefficients"][0].as_f64().expect("a number")
    };
    let by_utc = coefficient(&[("holidays", "DE")]);
    assert_eq!(
        project.log()[0],
        "warning: the days that are known ahead are those of UTC; where people live by other clocks, say so with \
         `time_zone`, as in `known = { holidays = \"US\", time_zone = \"America/New_York\" }`"
    );
    let by_berlin = coefficient(&[("holidays", "DE"), ("time_zone", "Europe/Berlin")]);
    assert!(!project.log()[0].starts_with("warning"));
    // The noise of 0.6 % over two days; an hour or two on the wrong side of midnight cost far more.
    let off = |found: f64| (found - 0.8_f64.ln()).abs();
    assert!(
        off(by_berlin) < 0.01 && off(by_berlin) < off(by_utc),
        "{by_berlin} {by_utc}"
    );
    assert_eq!(
        project.json("selected")["known"],
        serde_json::json!({ "holidays": ["DE"], "holidays_version": 1, "time_zone": "Europe/Berlin" })
    );
    project
        .run_on("forecast_publish", &[], &INPUTS[..2])
        .expect("predictions");
    let selected = std::fs::read_to_string(project.path("selected")).expect("read");
    project.write(
        "selected",
        &selected.replace("\"holidays_version\": 1", "\"holidays_version\": 0"),
    );
    assert_told(
        &reported(project.run_on("forecast_publish", &[], &INPUTS[..2])),
        "`selected` was made with other calendars of holidays than this atsaf has\n\
         help: build it again, with the task `train_backtest_select`",
    );
}

#[test]
fn the_calendars_of_holidays_are_a_part_of_the_task_where_they_are_used() {
    let tasks = crate::forecasting::tasks();
    let task = tasks.get("train_backtest_select").expect("the task");
    let parts = |params: &[(&'static str, Value)]| {
        let params = params.iter().cloned().map(|(name, value)| (name.to_owned(), value));
        let parts = task.parts(&params.collect());
        parts.into_iter().map(|part| part.name).collect::<Vec<_>>()
    };
    assert_eq!(parts(&[models(&["LagRidge"])]), ["LagRidge"]);
    assert_eq!(
        parts(&[models(&["LagRidge"]), said(&[("holidays", "US")])]),
        ["LagRidge", "holidays"]
    );
    assert_eq!(
        parts(&[models(&["LagRidge"]), said(&[("calendar", "weekend")])]),
        ["LagRidge"]
    );
}

#[test]
fn holidays_of_weeks_and_two_columns_of_one_name_are_refused() {
    let project = project(HOURS);
    project.write(
        "weather.csv",
        &weather(HOURS, |_| Some(1.0)).replace("temperature", "weekend"),
    );
    let fails = |known, inputs: &[(&str, &str)]| {
        let params = [params(&["LagRidge"]), vec![known]].concat();
        reported(project.run_on("train_backtest_select", &params, inputs))
    };
    assert_told(
        &fails(said(&[("calendar", "weekend")]), &INPUTS),
        "two columns that are known ahead are called `weekend`\n\
         help: call that of the file otherwise, or name each once",
    );
    let start = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).expect("a day");
    let row = |week: u32| {
        format!(
            "A,{},{}\n",
            start + chrono::Days::new(7 * u64::from(week)),
            demand(week)
        )
    };
    project.write(
        "clean.csv",
        &format!("unique_id,ds,y\n{}", (0..150).map(row).collect::<String>()),
    );
    assert_told(
        &fails(said(&[("holidays", "US")]), &INPUTS[..2]),
        "a holiday is a day, and the series `A` has weekly steps\n\
         help: give the holidays of each step as a column of a file, for the input `known`",
    );
}

/// Compares a message with what it is to be.
fn assert_told(found: &str, wanted: &str) {
    assert_eq!(found, wanted);
}
