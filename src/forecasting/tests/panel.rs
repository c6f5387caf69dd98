//! A panel goes on: what becomes of series that are constant, short, empty, broken off or ended, among good ones.

use std::fmt::Write as _;

use super::pipeline::{QUICK, models};
use super::*;

/// Hourly rows of a series from 2024-01-01T00 on; what is `None` has no value, and what is `Some(None)` no row.
fn series(id: &str, hours: i64, value: impl Fn(i64) -> Option<f64>) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let time = |hour| start.expect("a time") + chrono::TimeDelta::hours(hour);
    let row = |hour| {
        format!(
            "{id},{},{}\n",
            time(hour),
            value(hour).map_or(String::new(), |y| y.to_string())
        )
    };
    (0..hours).map(row).collect()
}

/// A day's pattern, with something that has none.
fn daily(hour: i64) -> f64 {
    let value = 500 + (hour % 24) * (24 - hour % 24) + (hour.wrapping_mul(0x9E37_79B9) >> 7) % 23;
    value.to_string().parse().expect("a number")
}

/// Three good series of 1,000 hours and one of each bad kind.
fn panel() -> String {
    let good = |hour: i64| Some(daily(hour));
    let all = [
        series("CONST", 1000, |_| Some(7.5)),
        series("EMPTY", 1000, |_| None),
        series("ENDED", 500, good),
        series("GAP", 1000, |hour| (hour != 100).then(|| daily(hour))),
        series("GOOD1", 1000, good),
        series("GOOD2", 1000, |hour| Some(3.0 * daily(hour))),
        series("GOOD3", 1000, |hour| Some(daily(hour) - 400.0)),
        // These begin late, as a new plant does.
        series("NEW", 1000, |hour| (hour >= 970).then(|| daily(hour))),
        series("NEWER", 1000, |hour| (hour >= 900).then(|| daily(hour))),
        series("NEWEST", 1000, |hour| (hour >= 998).then(|| daily(hour))),
        series("SHORT", 1000, |hour| (hour >= 620).then(|| daily(hour))),
        series("ZERO", 1000, |_| Some(0.0)),
    ];
    format!("unique_id,ds,y\n{}", all.concat())
}

/// From raw rows to predictions, with two windows of which the first begins a week before the last.
fn run(project: &TaskDirectory, raw: &str, params: &[(&str, Value)]) -> Result<(), TaskError> {
    project.write("raw.csv", raw);
    project.run_on("prepare_clean", &[], &[("raw", "raw.csv")])?;
    let policy: Vec<(&str, Value)> = params
        .iter()
        .filter(|(name, _)| *name == "on_bad_series")
        .cloned()
        .collect();
    project.run("validate_clean", &policy)?;
    project.log();
    let train = [params, &[models(&QUICK), ("n_windows", Value::Int(3))]].concat();
    project.run("train_backtest_select", &train)?;
    project.run("forecast_publish", &[])
}

/// By series, what `selected.json` says beside the choice.
fn exceptions(project: &TaskDirectory) -> Vec<String> {
    let selected = project.json("selected");
    let of = |list: &str| selected[list].as_array().cloned().unwrap_or_default();
    let told = |one: &serde_json::Value| {
        let (id, why) = (
            one["unique_id"].as_str()?.to_owned(),
            one["exception"].as_str()?.to_owned(),
        );
        let model = one["members"][0]["model"]
            .as_str()
            .map_or(String::new(), |model| format!(" {model}"));
        Some(format!("{id}{model}, {why}"))
    };
    [of("series"), of("left_out")]
        .concat()
        .iter()
        .filter_map(told)
        .collect()
}

#[test]
fn a_bad_series_is_forecast_by_what_suits_it_and_told() {
    let project = TaskDirectory::new();
    run(&project, &panel(), &[]).expect("predictions");
    let expected = [
        "CONST Naive, fallback: it is always 7.5",
        "NEW HistoricAverage, fallback: it breaks the rule `length`: broken once, by NEW 30 rows",
        "SHORT LagRidge, shortened: its back-test has 2 of 3 windows",
        "ZERO Naive, fallback: it is always 0",
        "EMPTY, left out: it has no value",
        "ENDED, left out: its last value is of 2024-01-21 19:00:00, and others go on to 2024-02-11 15:00:00",
        "NEWEST, left out: it breaks the rule `length`: broken once, by NEWEST 2 rows; of 2 nothing can be told",
    ];
    let found = exceptions(&project);
    for told in expected {
        assert!(found.iter().any(|one| one == told), "{told}: {found:#?}");
    }
    // A gap that `prepare_clean` filled is none; one window fits into a hundred hours.
    assert_eq!(found.iter().filter(|one| one.starts_with("GAP")).count(), 0);
    assert!(found.iter().any(|one| one.starts_with("NEWER ")), "{found:#?}");
    let ids = project.texts("predictions", "unique_id");
    let mut forecast = ids.clone();
    forecast.dedup();
    assert_eq!(
        forecast,
        [
            "CONST", "GAP", "GOOD1", "GOOD2", "GOOD3", "NEW", "NEWER", "SHORT", "ZERO"
        ]
    );
    let yhat = project.numbers("predictions", "yhat");
    let [low, high] = ["lo-95", "hi-95"].map(|name| project.numbers("predictions", name));
    for (at, id) in ids.iter().enumerate() {
        match id.as_str() {
            "ZERO" => assert!(yhat[at].abs() + low[at].abs() + high[at].abs() < 1e-12),
            "CONST" => assert!((yhat[at] - 7.5).abs() < 1e-12),
            _ => assert!(low[at] < yhat[at] && yhat[at] < high[at], "{id}"),
        }
    }
    // A day's pattern of which 30 hours are known lies within the intervals of its mean.
    let new: Vec<usize> = (0..ids.len()).filter(|at| ids[*at] == "NEW").collect();
    let actual = |step: usize| daily(1000 + i64::try_from(step).expect("small"));
    let inside = new
        .iter()
        .enumerate()
        .filter(|(step, at)| low[**at] <= actual(*step) && actual(*step) <= high[**at]);
    assert!(inside.count() >= 23);

    let lines = |column: &str| project.texts("leaderboard", column);
    let (names, series, reasons) = (lines("model"), lines("unique_id"), lines("reason"));
    assert_eq!(series[0], "", "what is over all series comes first");
    let at = series.iter().rposition(|id| id == "ZERO").expect("a line");
    assert_eq!([&names[at], &reasons[at]], ["Naive", "fallback: it is always 0"]);
    let at = series.iter().rposition(|id| id == "EMPTY").expect("a line");
    assert_eq!([&names[at], &reasons[at]], ["none", "left out: it has no value"]);
    let warnings: Vec<String> = project
        .log()
        .into_iter()
        .filter(|line| line.starts_with("warning"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with(
            "warning: 8 of 12 series are not forecast like the others: `CONST` fallback (Naive): it is always 7.5; "
        ),
        "{warnings:?}"
    );
}

#[test]
fn the_good_series_are_forecast_as_without_the_bad_ones() {
    let project = TaskDirectory::new();
    let good = |csv: &str| {
        csv.lines()
            .filter(|line| line.starts_with("GOOD"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    run(&project, &panel(), &[("select", text("per_series"))]).expect("predictions");
    let among = good(&project.csv("predictions"));
    let alone: String = panel()
        .lines()
        .filter(|line| line.starts_with("GOOD"))
        .flat_map(|line| [line, "\n"])
        .collect();
    run(
        &project,
        &format!("unique_id,ds,y\n{alone}"),
        &[("select", text("per_series"))],
    )
    .expect("predictions");
    assert_eq!(among.len(), 72);
    assert_eq!(among, good(&project.csv("predictions")));
    assert_eq!(exceptions(&project), [""; 0]);
}

#[test]
fn bad_series_are_left_out_or_stop_the_task() {
    let project = TaskDirectory::new();
    run(&project, &panel(), &[("on_bad_series", text("drop"))]).expect("predictions");
    let mut forecast = project.texts("predictions", "unique_id");
    forecast.dedup();
    assert_eq!(forecast, ["GAP", "GOOD1", "GOOD2", "GOOD3"]);
    let told = reported(run(&project, &panel(), &[("on_bad_series", text("error"))]));
    assert!(
        told.starts_with("the series break the rules `nulls`, `length`, `constant`\n"),
        "{told}"
    );
}

#[test]
fn a_panel_of_bad_series_alone_goes_on_as_far_as_there_is_something_to_forecast() {
    let project = TaskDirectory::new();
    let zero = format!("unique_id,ds,y\n{}", series("ZERO", 500, |_| Some(0.0)));
    run(&project, &zero, &[]).expect("predictions");
    assert_eq!(project.texts("leaderboard", "model"), ["Naive"]);
    assert_eq!(project.numbers("predictions", "yhat"), [0.0; 24]);
    project.run("register_champion", &[]).expect("recorded");
    let empty = format!("unique_id,ds,y\n{}", series("EMPTY", 500, |_| None));
    let told = reported(run(&project, &empty, &[]));
    assert!(
        told.starts_with("the series break the rules `nulls`, `constant`\n")
            || told.starts_with("the series break the rule `nulls`\n"),
        "{told}"
    );
    project
        .write("series.csv", &empty)
        .write("validation.json", r#"{"status":"valid"}"#);
    let inputs = [("clean", "series.csv"), ("validation", "validation.json")];
    let expected = "none of the series can be forecast
note: `EMPTY`: it has no value
help: look at the series; `metadata` and `validation` say more of them";
    assert_eq!(
        reported(project.run_on("train_backtest_select", &[], &inputs)),
        expected
    );
}

#[test]
fn a_series_with_a_gap_is_forecast_from_what_follows_it() {
    let project = TaskDirectory::new();
    let gap = series("GAP", 1000, |hour| (!(300..330).contains(&hour)).then(|| daily(hour)));
    let raw = format!(
        "unique_id,ds,y\n{gap}{}",
        series("GOOD", 1000, |hour| Some(daily(hour)))
    );
    run(&project, &raw, &[]).expect("predictions");
    assert_eq!(
        exceptions(&project),
        ["GAP LagRidge, shortened: it has no value at 2024-01-13 12:00:00, so only what follows its last gap counts"]
    );
    let rows = project.csv("cv_results");
    let of_gap = rows
        .lines()
        .filter(|line| line.starts_with("GAP,") && line.contains(",LagRidge,"));
    assert_eq!(of_gap.count(), 3 * 24, "it has all its windows");
    project.run("package_champion", &[]).expect("packaged");
}

#[test]
fn a_series_whose_values_are_doubted_is_left_out() {
    let project = TaskDirectory::new();
    let odd = series("ODD", 1000, |hour| Some(if hour == 500 { -900.0 } else { daily(hour) }));
    let raw = format!(
        "unique_id,ds,y\n{}{odd}",
        series("GOOD", 1000, |hour| Some(daily(hour)))
    );
    run(&project, &raw, &[]).expect("predictions");
    assert_eq!(
        exceptions(&project),
        ["ODD, left out: it breaks the rule `negative`: broken once, by ODD 2024-01-21 20:00:00"]
    );
}

#[test]
fn a_series_of_another_frequency_is_left_out_and_told() {
    // Hours, and among them days, and quarters of an hour.
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let every = |id: &str, minutes: i64, count: i64| -> String {
        let time = |at: i64| start.expect("a time") + chrono::TimeDelta::minutes(minutes * at);
        let row = |at| format!("{id},{},{}\n", time(at), daily(at));
        (0..count).map(row).collect()
    };
    let raw = [
        "unique_id,ds,y\n".to_owned(),
        every("A", 60, 1000),
        every("B", 60, 1000),
        // These go on for months after all others have ended.
        every("DAYS", 1440, 200),
        every("FINE", 15, 1200),
    ]
    .concat();
    let project = TaskDirectory::new();
    run(&project, &raw, &[]).expect("a forecast");
    let days = "it has daily steps, and the panel hourly ones";
    let fine = "it has 15-minute steps, and the panel hourly ones";
    assert_eq!(
        exceptions(&project),
        [format!("DAYS, left out: {days}"), format!("FINE, left out: {fine}")]
    );
    let predicted = project.csv("predictions");
    let ids: std::collections::BTreeSet<&str> = predicted
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').next())
        .collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["A", "B"]);
    let metadata = project.json("metadata");
    assert_eq!(
        metadata["bad_series"],
        serde_json::json!([{ "unique_id": "DAYS", "why": days }, { "unique_id": "FINE", "why": fine }])
    );
    assert_eq!(metadata["integrity"]["missing_times"], 0, "nothing is filled");
    assert_eq!(metadata["row_count"], 3400);
    assert_eq!(
        project.json("validation")["bad_series"][0],
        serde_json::json!({ "unique_id": "DAYS", "rule": "steps", "why": days })
    );
    let board = project.csv("leaderboard");
    for told in [days, fine] {
        assert!(board.contains(&format!("left out: {told}")), "{board}");
    }
    // Where a bad series stops the task, it does so with both frequencies.
    let stop = [("on_bad_series", text("error"))];
    assert_eq!(
        reported(project.run("validate_clean", &stop)),
        "the series `DAYS` has daily steps, and the panel hourly ones\n\
         note: so it is with 2 series\n\
         help: forecast it in targets of its own, or bring it to the others' steps in the source\n\
         help: to let the others go on: `on_bad_series = \"fallback\"` or \"drop\""
    );
}

#[test]
fn a_series_of_every_second_step_is_told_and_one_with_random_gaps_is_filled() {
    let project = TaskDirectory::new();
    let only = |keeps: &dyn Fn(i64) -> bool, id: &str| -> String {
        let rows = series(id, 1000, |hour| keeps(hour).then(|| daily(hour)));
        let has_value = |row: &&str| !row.ends_with(',');
        rows.lines().filter(has_value).flat_map(|row| [row, "\n"]).collect()
    };
    let raw = [
        "unique_id,ds,y\n".to_owned(),
        series("A", 1000, |hour| Some(daily(hour))),
        series("B", 1000, |hour| Some(daily(hour))),
        // Two hours of five are missing, one or two in a row.
        only(&|hour| [0, 1, 3, 5, 8, 9].contains(&(hour % 10)), "GAPS"),
        // Every second hour, and there one of thirty is missing.
        only(&|hour| hour % 2 == 0 && hour % 60 != 8, "TWO"),
    ]
    .concat();
    run(&project, &raw, &[]).expect("a forecast");
    let two = "it has 2-hour steps, and the panel hourly ones";
    assert_eq!(exceptions(&project), [format!("TWO, left out: {two}")]);
    let metadata = project.json("metadata");
    assert_eq!(
        metadata["bad_series"],
        serde_json::json!([{ "unique_id": "TWO", "why": two }])
    );
    let of_series = metadata["series"].as_array().expect("series");
    let filled: Vec<i64> = of_series
        .iter()
        .filter_map(|one| one["values_filled"].as_i64())
        .collect();
    assert!(filled[2] > 300 && filled[3] == 0, "{filled:?}");
    assert_eq!(of_series[3]["frequency"], "2-hour");
    assert_eq!(of_series[2].get("frequency"), None);
    // So much is filled where somebody says so.
    project
        .run_on(
            "prepare_clean",
            &[("max_fill", Value::Int(1000))],
            &[("raw", "raw.csv")],
        )
        .expect("series");
    assert_eq!(project.json("metadata").get("bad_series"), None);
    project.log();
    // Alone it has the steps that it has, unless others are declared: then half of it is made up, which is told.
    project.write(
        "raw.csv",
        &format!("unique_id,ds,y\n{}", only(&|hour| hour % 2 == 0, "TWO")),
    );
    project
        .run_on("prepare_clean", &[], &[("raw", "raw.csv")])
        .expect("series");
    assert_eq!(project.json("metadata")["frequency"], "2-hour");
    project.log();
    let hourly = [("frequency", text("hourly"))];
    project
        .run_on("prepare_clean", &hourly, &[("raw", "raw.csv")])
        .expect("series");
    let log = project.log();
    let warned = "warning: 499 of the 999 values of `TWO` were filled: see `repairs` in the metadata, and lower `max_gap` if \
                  they are too many";
    assert!(log.iter().any(|line| line == warned), "{log:?}");
}

#[test]
fn a_declared_frequency_that_no_series_has_is_an_error_as_ever() {
    let project = TaskDirectory::new();
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
    let row = |day: u64| format!("A,{},{day}\n", start + chrono::Days::new(day));
    project.write(
        "raw.csv",
        &format!("unique_id,ds,y\n{}", (0..60).map(row).collect::<String>()),
    );
    let told = reported(project.run_on("prepare_clean", &[("frequency", text("hourly"))], &[("raw", "raw.csv")]));
    assert!(
        told.starts_with("the series `A` lacks 1357 of its hourly steps, more than the 60 rows that it has\n"),
        "{told}"
    );
}

#[test]
fn a_series_with_hours_of_its_own_is_told_to_have_other_seasons() {
    let project = TaskDirectory::new();
    let start = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let start = start.expect("a time");
    let mut clean = "unique_id,ds,y\n".to_owned();
    for (id, hours) in [("A", 9..17), ("B", 9..17), ("C", 6..18)] {
        for day in (0..42).filter(|day| day % 7 < 5) {
            for hour in hours.clone() {
                let time = start + chrono::TimeDelta::hours(24 * day + hour);
                let value = 100 + hour + (day * 31 + hour * 17) % 7;
                writeln!(clean, "{id},{time},{value}").expect("into memory");
            }
        }
    }
    project
        .write("clean.csv", &clean)
        .write("validation.json", "{ \"status\": \"valid\" }");
    let inputs = [("clean", "clean.csv"), ("validation", "validation.json")];
    let train = |params: &[(&str, Value)]| {
        let windows = [
            ("n_windows", Value::Int(1)),
            super::pipeline::models(&["SeasonalNaive"]),
        ];
        project
            .run_on("train_backtest_select", &[&windows[..], params].concat(), &inputs)
            .expect("trained");
        project
            .log()
            .into_iter()
            .find(|line| line.contains("open days and hours"))
    };
    assert_eq!(
        train(&[]).as_deref(),
        Some(
            "warning: the series `C` has seasons of 12 and 60 steps by its own open days and hours; the models are made for those of the \
             panel, 8 and 40: a target of its own for such series is fitted to theirs"
        )
    );
    assert_eq!(train(&[("season_length", Value::Int(8))]), None);
}
