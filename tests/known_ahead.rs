//! What is known ahead, with what is bundled in `fixtures/weather`: a town's weather and the public holidays.

use std::path::Path;

use crate::project::Project;

/// The bundled project with two quick models.
fn town() -> Project {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/weather");
    let project = Project::new("");
    for name in ["Atsaffile", "demand.csv", "weather.csv"] {
        project.write(name, std::fs::read(bundled.join(name)).expect("read"));
    }
    project.edit("Atsaffile", ", \"AutoARIMA\", \"HarmonicARIMA\"", "");
    project
}

/// By leaderboard and model, a column of the comparison.
fn compared(project: &Project, leaderboard: &str, model: &str, column: &str) -> String {
    let text = project.read("out/comparison.csv");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let names = rows.headers().expect("names").clone();
    let at = |name: &str| {
        names
            .iter()
            .position(|one| one == name)
            .unwrap_or_else(|| panic!("{name}: {names:?}"))
    };
    let row = rows.records().map(|row| row.expect("a row"));
    let mut row = row.filter(|row| row[at("leaderboard")] == *leaderboard && row[at("model")] == *model);
    row.next().unwrap_or_else(|| panic!("{leaderboard} {model}: {text}"))[at(column)].to_owned()
}

#[test]
fn weather_and_holidays_halve_the_error_and_reach_the_forecast() {
    let project = town();
    project.build("").ok();
    let rmse = |leaderboard: &str, model: &str| -> f64 {
        let text = compared(&project, leaderboard, model, "rmse_mean");
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    };
    let (with, without) = (rmse("leaderboard", "LagRidge"), rmse("without", "LagRidge"));
    // Of the error without, spells of weather are most; with them known the noise of 1.5 % is left.
    assert!(with < 0.5 * without, "{with} with what is known, {without} without");
    let naive = rmse("leaderboard", "SeasonalNaive");
    assert!((naive - rmse("without", "SeasonalNaive")).abs() < 1e-9);
    let known = "heating, cooling, holiday_US";
    assert_eq!(compared(&project, "leaderboard", "LagRidge", "known"), known);
    assert_eq!(compared(&project, "leaderboard", "SeasonalNaive", "known"), "");
    assert_eq!(compared(&project, "without", "LagRidge", "known"), "");
    let selected = project.read("out/selected.json");
    assert!(selected.contains("\"holidays_version\""), "{selected}");
    let shown = project.atsaf("show out/predictions.parquet --rows 14");
    shown.has("2023-12-25");
    shown.has("2024-01-03");
    project.build("").has("nothing to do");
}

#[test]
fn another_forecast_of_the_weather_is_a_reason_and_one_that_is_too_short_an_error() {
    let project = town();
    project.build("predictions").ok();
    let weather = project.read("weather.csv");
    let last = weather.lines().last().expect("a row").to_owned();
    project.write("weather.csv", weather.replace(&last, "2024-01-03,30,0"));
    project.atsaf("why predictions").has("weather.csv");
    project.build("predictions").has("made the same as before");
    project.atsaf("logs train").has("24 of 24 forecasts were remembered");
    project.write("weather.csv", weather.replace(&format!("{last}\n"), ""));
    let told = project.build("predictions");
    for part in [
        "`known` does not reach 14 steps beyond the end of `TOWN`",
        "`known` has no row for 1 of the 14 steps to forecast of the series `TOWN`: 2024-01-03 00:00:00",
        "`known` must go on to 2024-01-03 00:00:00; or lower `horizon` to 13",
    ] {
        told.has(part);
    }
    project.build("predictions -s horizon=13").ok();
}

#[test]
fn a_country_that_is_none_and_columns_that_are_not_there_are_told() {
    let project = town();
    project.edit("Atsaffile", "holidays = \"US\"", "holidays = \"Germany\"");
    project.atsaf("plan").has("did you mean `DE`?");
    project.edit(
        "Atsaffile",
        "holidays = \"Germany\"",
        "holidays = \"DE\", columns = [\"wind\"]",
    );
    let told = project.build("train");
    told.has("`known` has no column `wind`");
    told.has("its columns: ds, heating, cooling");
}

#[test]
fn a_packaged_model_takes_what_is_known_beside_the_history() {
    let project = town();
    let package = "\n[target.package]\nuses = \"package_champion\"\n\
        inputs = { clean = \"demand.csv\", validation = \"validation\", selected = \"selected\", known = \"weather.csv\" }\n\
        outputs = { model = \"model/\", picture = \"forecast.svg\" }\n";
    project.write("Atsaffile", project.read("Atsaffile") + package);
    project.build("package predictions").ok();
    let predict = |more: &str| project.atsaf(&format!("predict model --history demand.csv --csv {more}"));
    predict("").has("the models were chosen with what is known ahead: `heating`, `cooling`");
    let told = predict("--known weather.csv");
    told.ok();
    assert_eq!(told.text.lines().filter(|line| line.starts_with("TOWN,")).count(), 14);
}
