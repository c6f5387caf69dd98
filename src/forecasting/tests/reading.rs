//! The parameter `reading`: files of any form bound to the roles of all tasks.

use std::fmt::Write as _;

use super::pipeline::models;
use super::*;

const DAYS: u32 = 250;

fn day(at: u32) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2024, 3, 1).expect("a day");
    let day = start + chrono::TimeDelta::days(i64::from(at));
    day.format("%d.%m.%Y").to_string()
}

fn sold(at: u32) -> f64 {
    100.0 + 25.5 * f64::from(at % 7) + 10.0 * f64::from(u8::from(is_sale(at))) + f64::from((at * 7919) % 11)
}

fn is_sale(at: u32) -> bool {
    (at * 37).is_multiple_of(10)
}

/// As a German spreadsheet writes it: semicolons, decimal commas, days first.
fn german(number: f64) -> String {
    number.to_string().replace('.', ",")
}

/// What a day was sold, and what is known of more days: sales of the shop, and a price.
fn project() -> TaskDirectory {
    let project = TaskDirectory::new();
    let mut sales = "Tag;Umsatz\n".to_owned();
    for at in 0..DAYS {
        writeln!(sales, "{};{}", day(at), german(sold(at))).expect("into memory");
    }
    let mut known = "Datum;Aktion;Preis;Bemerkung\n".to_owned();
    for at in 0..DAYS + 14 {
        let price = german(2.5 + f64::from(at % 5) / 2.0);
        writeln!(known, "{};{};{price};offen", day(at), is_sale(at)).expect("into memory");
    }
    project
        .write("sales.csv", &sales)
        .write("plan.csv", &known)
        .write("validation.json", "{ \"status\": \"valid\" }");
    project
}

fn table(entries: &[(&str, Value)]) -> Value {
    let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Table(entries.collect())
}

fn reading(entries: &[(&str, Value)]) -> (&'static str, Value) {
    ("reading", table(entries))
}

/// What is said of the series.
fn of_sales() -> Vec<(&'static str, Value)> {
    vec![("value", text("Umsatz")), ("id", text("shop"))]
}

const INPUTS: [(&str, &str); 3] = [
    ("clean", "sales.csv"),
    ("validation", "validation.json"),
    ("known", "plan.csv"),
];

#[test]
fn series_and_what_is_known_ahead_are_read_from_files_of_any_form() {
    let project = project();
    let without = reading(&of_sales());
    project
        .run_on(
            "validate_clean",
            std::slice::from_ref(&without),
            &[("clean", "sales.csv")],
        )
        .expect("valid");
    assert_eq!(project.json("validation")["row_count"], DAYS);
    let file = &project.json("validation")["file"];
    assert_eq!(file["columns"]["time"], "Tag", "{file}");

    let with = reading(&[of_sales(), vec![("known", table(&[("time", text("Datum"))]))]].concat());
    let windows = ("n_windows", Value::Int(2));
    let train = [models(&["LagRidge"]), windows, with.clone()];
    project
        .run_on("train_backtest_select", &train, &INPUTS)
        .expect("selected");
    assert_eq!(
        project.json("selected")["known"]["columns"],
        serde_json::json!(["Aktion", "Preis"])
    );
    let log = project.log().join("\n");
    let told =
        "`known` is read as CSV: time `Datum`; value `Aktion`, `Preis`; decimal `,`; encoding `UTF-8`; separator `;`";
    assert!(log.contains(told), "{log}");
    project
        .run_on("forecast_publish", std::slice::from_ref(&with), &INPUTS)
        .expect("predictions");
    assert_eq!(project.texts("predictions", "unique_id")[0], "shop");
    assert_eq!(
        project
            .csv("predictions")
            .lines()
            .nth(1)
            .map(|row| row[..15].to_owned())
            .as_deref(),
        Some("shop,2024-11-06")
    );

    // The same in the form that the tasks know gives the same forecasts.
    let theirs = project.csv("predictions");
    let mut clean = "unique_id,ds,y\n".to_owned();
    let mut known = "ds,Aktion,Preis\n".to_owned();
    let iso = |at| chrono::NaiveDate::parse_from_str(&day(at), "%d.%m.%Y").expect("a day");
    for at in 0..DAYS + 14 {
        if at < DAYS {
            writeln!(clean, "shop,{},{}", iso(at), sold(at)).expect("into memory");
        }
        writeln!(known, "{},{},{}", iso(at), is_sale(at), 2.5 + f64::from(at % 5) / 2.0).expect("into memory");
    }
    project.write("sales.csv", &clean).write("plan.csv", &known);
    project
        .run_on("train_backtest_select", &train[..2], &INPUTS)
        .expect("selected");
    project.run_on("forecast_publish", &[], &INPUTS).expect("predictions");
    assert_eq!(project.csv("predictions"), theirs);
}

#[test]
fn a_column_that_was_asked_for_counts_and_one_that_is_forecast_is_not_known() {
    let project = project();
    let known = ("known", table(&[("columns", texts(&["preis"]))]));
    let with = reading(&[of_sales(), vec![("known", table(&[("separator", text(";"))]))]].concat());
    let train = [models(&["LagRidge"]), ("n_windows", Value::Int(1)), with, known];
    project
        .run_on("train_backtest_select", &train, &INPUTS)
        .expect("selected");
    assert_eq!(
        project.json("selected")["known"]["columns"],
        serde_json::json!(["preis"])
    );

    let values = project.json("selected");
    assert_eq!(values["series"][0]["unique_id"], "shop");
    project.write("plan.csv", "Datum;y;Preis\n01.03.2024;1;2\n02.03.2024;1;3\n");
    let refused = project.run_on("train_backtest_select", &train[..3], &INPUTS);
    assert_eq!(
        reported(refused),
        "`known` has a column `y`, as the values of a series are called
note: what is forecast is not known ahead
help: take it out, or say which columns count, as in `known = { columns = [\"temperature\"] }`"
    );
}

#[test]
fn what_is_known_of_each_series_has_several_columns() {
    let project = TaskDirectory::new();
    let json = "[{\"shop\": \"Nord\", \"date\": \"2024-03-01\", \"open\": true, \"price\": 2.5},
        {\"shop\": \"Süd\", \"date\": \"2024-03-01\", \"open\": false, \"price\": 3}]";
    project.write("plan.json", json);
    let read = project.with(
        "train_backtest_select",
        &[reading(&[("known", table(&[("id", text("shop"))]))])],
        &[("known", "plan.json")],
        |_, context| {
            let reader = super::super::reading::columns(context, "known").expect("said");
            let read = reader.read_columns(context, "known", None).expect("read");
            (read.ids, read.columns)
        },
    );
    let ids = Some(vec!["Nord".to_owned(), "Süd".to_owned()]);
    let open = ("open".to_owned(), vec![Some(1.0), Some(0.0)]);
    let price = ("price".to_owned(), vec![Some(2.5), Some(3.0)]);
    assert_eq!(read, (ids, vec![open, price]));
}

#[test]
fn a_former_table_and_tables_of_results_are_read_as_it_is_said() {
    let project = project();
    project.write("old.tsv", "Datum\tMenge\n2023-01-01\t1\n2023-01-02\t2\n2023-01-03\t3\n");
    let rules = ("rules", table(&[("drift", table(&[("level", text("warn"))]))]));
    let baseline = table(&[("id", text("shop")), ("time", text("Datum"))]);
    let with = reading(&[of_sales(), vec![("baseline", baseline)]].concat());
    let inputs = [("clean", "sales.csv"), ("baseline", "old.tsv")];
    project
        .run_on("validate_clean", &[rules, with], &inputs)
        .expect("valid");
    let log = project.log().join("\n");
    assert!(
        log.contains("warning: the series break the rule `drift`") || log.contains("drift: broken"),
        "{log}"
    );

    project.write("board.csv", "model;rmse_mean\nSeasonalNaive;1,5\nLagRidge;k.A.\n");
    let with = reading(&[("separator", text(";")), ("null_values", text("k.A."))]);
    project
        .run_on(
            "save_metrics_csv",
            std::slice::from_ref(&with),
            &[("leaderboard", "board.csv")],
        )
        .expect("saved");
    let saved = std::fs::read_to_string(project.path("metrics")).expect("read");
    assert_eq!(saved, "model,rmse_mean\nSeasonalNaive,1.5\nLagRidge,\n");
    project
        .run_on("collect", &[with], &[("a", "board.csv"), ("b", "board.csv")])
        .expect("collected");
    assert_eq!(project.texts("table", "rmse_mean"), ["1.5", "", "1.5", ""]);
    let twice = project.write("board.csv", "model;model\na;b\n").run_on(
        "save_metrics_csv",
        &[reading(&[("separator", text(";"))])],
        &[("leaderboard", "board.csv")],
    );
    assert!(reported(twice).contains("its columns 1 and 2 are both called `model`"));
}

#[test]
fn another_form_is_told_where_nothing_is_said_of_it() {
    let project = project();
    let refused = project.run_on("train_backtest_select", &[models(&["Naive"])], &INPUTS);
    assert_eq!(
        reported(refused),
        "`clean` is not readable as CSV: its fields are separated by `;`, not by commas
help: write it with commas and decimal points, or, as an input of a target, say in its `reading` how it is written"
    );
    project.write("sales.csv", "date,sold\n2024-01-01,1\n");
    let refused = project.run_on("train_backtest_select", &[models(&["Naive"])], &INPUTS);
    assert_eq!(
        reported(refused),
        "`clean` has no column `unique_id`
note: its columns: date, sold
help: if it is a file of another form, say in `reading` which columns are what, as in `reading = { time = \"date\", value = \"sold\" }`"
    );
}
