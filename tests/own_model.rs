//! A program of the user's among the models: back-tested, chosen, remembered, and told of when it goes wrong.
//!
//! The program takes the values of two weeks before, which is right here, and notes in `../ran` how many pasts it got.

use std::fmt::Write as _;

use crate::project::{Project, Told, can_trace, has_python, interrupt, until};

const ATSAFFILE: &str = r#"
[params]
horizon = 7
level   = [80, 95]

[target.train]
uses    = "train_backtest_select"
inputs  = { clean = "series.csv", validation = "validation.json" }
outputs = { cv_results = "cv.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }

[target.train.with]
models    = ["SeasonalNaive", { name = "Ours", run = "python3 ours.py", format = "csv", files = ["lock.txt"], with = { back = 14 } }]
n_windows = 3
step_size = 7

[target.forecast]
uses    = "forecast_publish"
inputs  = { clean = "series.csv", validation = "validation.json", selected = "selected" }
outputs = { predictions = "predictions.parquet" }

[target.package]
uses    = "package_champion"
inputs  = { clean = "series.csv", validation = "validation.json", selected = "selected" }
outputs = { model = "model/", picture = "forecast.svg" }

[target.register]
uses    = "register_champion"
inputs  = { clean = "series.csv", leaderboard = "leaderboard", selected = "selected" }
outputs = { champion = "champion.json" }
"#;

const PROGRAM: &str = r#"
import csv, json, os, sys
from width import WIDTH

request = json.load(open(os.environ["ATSAF_REQUEST"]))
back = request["settings"]["back"]
pasts, step = {}, {}
for row in csv.DictReader(open(request["pasts"])):
    pasts.setdefault((row["unique_id"], row["cutoff"]), []).append(float(row["y"]))
open("../ran", "a").write(f"{len(pasts)} ")
assert request["horizon"] == 7 and request["season_lengths"] == [7] and request["frequency"] == "daily"
bounds = [f"{bound}-{level}" for level in request["levels"] for bound in ("lo", "hi")]
with open(request["forecasts"], "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["unique_id", "cutoff", "ds", "yhat", *bounds])
    for row in csv.DictReader(open(request["future"])):
        key = row["unique_id"], row["cutoff"]
        step[key] = step.get(key, -1) + 1
        value = pasts[key][step[key] - back]
        numbers = [value, *(value + side * WIDTH * level / 80 for level in request["levels"] for side in (-1, 1))]
        out.writerow([*key, row["ds"], *numbers])
print("forecast", len(pasts), "pasts")
"#;

/// Two series of days that have a week and go up and down by turns from week to week.
fn series(days: usize) -> String {
    let mut csv = "unique_id,ds,y\n".to_owned();
    for id in ["A", "B"] {
        for day in 0..days {
            let of_week = if (day / 7) % 2 == 0 { 10 } else { 0 };
            let (value, noise) = (120 + 10 * (day % 7) + of_week, (day * 7919) % 5);
            writeln!(csv, "{id},{},{value}.{noise}", date(day)).expect("a text takes all");
        }
    }
    csv
}

/// The day so many days after 1 January 2024.
fn date(day: usize) -> String {
    let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut left = day;
    for (month, length) in lengths.iter().enumerate() {
        if left < *length {
            return format!("2024-{:02}-{:02}", month + 1, left + 1);
        }
        left -= length;
    }
    panic!("a day of 2024")
}

fn project() -> Option<Project> {
    if !has_python() {
        return None;
    }
    let project = Project::new(ATSAFFILE);
    project.write("series.csv", series(140));
    project.write("validation.json", r#"{"status": "valid"}"#);
    project.write("ours.py", PROGRAM);
    project.write("width.py", "WIDTH = 2.0\n");
    project.write("lock.txt", "nothing==1.0\n");
    Some(project)
}

#[test]
fn a_program_is_back_tested_chosen_and_forecasts_and_a_second_build_runs_nothing() {
    let Some(project) = project() else { return };
    project.build("predictions").ok();
    // Three windows of two series, and the ends of both.
    assert_eq!(project.ran(), "6 2");
    project.build("predictions").has("nothing to do");
    let board = project.atsaf("show leaderboard.parquet --rows 20");
    board.has("Ours");
    let selected: serde_json::Value = serde_json::from_str(&project.read("selected.json")).expect("JSON");
    let model = &selected["models"][0];
    assert_eq!(model["name"], "Ours");
    assert_eq!(model["run"], "python3 ours.py");
    assert_eq!(model["settings"]["back"], 14);
    let files: Vec<&String> = model["files"].as_object().expect("files").keys().collect();
    assert_eq!(files, ["lock.txt", "ours.py", "width.py"]);
    assert!(model["packages"]["python"].is_string(), "{model}");
    project.atsaf("show predictions.parquet").has("Ours");
    project.atsaf("logs train").has("forecast 6 pasts");
    // What is packaged and registered are the forecasts as far as they were asked for, from memory.
    project.build("package register").ok();
    assert_eq!(project.ran(), "");
    let packaged: serde_json::Value = serde_json::from_str(&project.read("model/model.json")).expect("JSON");
    assert_eq!(packaged["limit"], 7);
    assert_eq!(packaged["series"][0]["model"], "Ours");
    let champion: serde_json::Value = serde_json::from_str(&project.read("champion.json")).expect("JSON");
    assert_eq!(champion["models"][0]["run"], "python3 ours.py");
}

#[test]
fn a_variable_of_the_environment_counts_and_reaches_the_program_from_every_target() {
    let Some(project) = project() else { return };
    project.edit(
        "Atsaffile",
        "[target.train.with]",
        "env = [\"WIDTH\"]\n\n[target.train.with]",
    );
    project.write("width.py", "import os\nWIDTH = float(os.environ[\"WIDTH\"])\n");
    let build = |width: &str| Told::of(project.command("build -j1 predictions").env("WIDTH", width));
    build("2").ok();
    assert_eq!(project.ran(), "6 2");
    let narrow = project.read("selected.json");
    build("2").has("nothing to do");
    build("3").has("2 built");
    assert_eq!(project.ran(), "6 2");
    assert_ne!(project.read("selected.json"), narrow);
}

/// The project, whose program imports the package `thing` in its version 1.0 from the directory `../site`.
fn with_package() -> Option<Project> {
    let project = project()?;
    project.edit(
        "Atsaffile",
        "[target.train.with]",
        "env = [\"PYTHONPATH\"]\n\n[target.train.with]",
    );
    project.write("width.py", "from thing import WIDTH\n");
    project.write("../site/thing/__init__.py", "WIDTH = 2.0\n");
    project.write("../site/thing-1.0.dist-info/RECORD", "thing/__init__.py,,\n");
    Some(project)
}

#[test]
fn a_package_of_another_version_makes_stale_what_is_remembered() {
    let Some(project) = with_package() else { return };
    let command = |args: &str| Told::of(project.command(args).env("PYTHONPATH", project.at("../site")));
    command("build predictions").ok();
    assert_eq!(project.ran(), "6 2");
    let selected: serde_json::Value = serde_json::from_str(&project.read("selected.json")).expect("JSON");
    assert_eq!(selected["models"][0]["packages"]["thing"], "1.0");
    project.write("../site/thing-1.1.dist-info/RECORD", "thing/__init__.py,,\n");
    project.remove("../site/thing-1.0.dist-info");
    command("why train").has("1.0 -> 1.1");
    command("build predictions").has("2 built");
    assert_eq!(project.ran(), "6 2");
}

#[test]
fn a_packaged_program_is_not_run_with_other_packages_than_it_was_chosen_with() {
    let Some(project) = with_package() else { return };
    let command = |args: &str| Told::of(project.command(args).env("PYTHONPATH", project.at("../site")));
    command("build package").ok();
    project.ran();
    let predict = || command("predict model --history series.csv --csv --run-programs");
    predict().ok();
    assert_eq!(project.ran(), "2");
    project.write("../site/thing-1.1.dist-info/RECORD", "thing/__init__.py,,\n");
    project.remove("../site/thing-1.0.dist-info");
    let told = predict();
    assert_eq!(told.code, Some(1), "{}", told.text);
    told.has("the model `Ours` was chosen with `thing` 1.0, and 1.1 is installed");
    told.has("build `selected` again, or install the versions that it was chosen with");
    project.remove("../site/thing-1.1.dist-info");
    predict().has("the model `Ours` was chosen with `thing` 1.0, which is not there any more");
    assert_eq!(project.ran(), "");
    project.write("../site/thing-1.0.dist-info/RECORD", "thing/__init__.py,,\n");
    predict().ok();
    assert_eq!(project.ran(), "2");
    // Where nothing is known of today's packages, nothing can be said of them.
    project.remove(".atsaf");
    predict().ok();
}

#[test]
fn what_a_traced_program_uses_counts_and_is_remembered_with_its_work() {
    let Some(project) = project().filter(|_| can_trace()) else {
        return;
    };
    project.edit(
        "Atsaffile",
        "[target.train.with]",
        "discover = \"trace\"\n\n[target.train.with]",
    );
    project.build("predictions").ok();
    project.build("predictions").has("nothing to do");
    assert_eq!(project.ran(), "6 2");
    project.edit(
        "Atsaffile",
        "[\"SeasonalNaive\", ",
        "[\"SeasonalNaive\", \"LagRidge\", ",
    );
    project.build("predictions").ok();
    assert_eq!(project.ran(), "");
    project.build("predictions").has("nothing to do");
    project.write("width.py", "WIDTH = 3.0\n");
    project.atsaf("why train").has("width.py");
    project.build("predictions").has("2 built");
    assert_eq!(project.ran(), "6 2");
}

#[test]
fn nothing_is_seen_where_nobody_looks() {
    let Some(project) = project() else { return };
    project.edit(
        "Atsaffile",
        "[target.train.with]",
        "discover = \"off\"\n\n[target.train.with]",
    );
    project.build("predictions").ok();
    project.write("width.py", "WIDTH = 3.0\n");
    project.build("predictions").has("nothing to do");
    project.edit("Atsaffile", "discover = \"off\"", "discover = \"depfile\"");
    let told = project.build("predictions");
    assert_ne!(told.code, Some(0));
    told.has("a program of a built-in task is not told of a `{{depfile}}`");
}

#[test]
fn what_a_program_depends_on_makes_training_stale_and_why_names_it() {
    let Some(project) = project() else { return };
    project.build("predictions").ok();
    project.ran();
    for (path, text) in [
        ("ours.py", format!("{PROGRAM}# edited\n")),
        ("lock.txt", "nothing==1.1\n".to_owned()),
        ("width.py", "WIDTH = 3.0\n".to_owned()),
    ] {
        let before = project.read(path);
        project.write(path, text);
        project.atsaf("why train").has(path);
        project.build("predictions").has("2 built");
        assert_eq!(project.ran(), "6 2", "{path}");
        project.write(path, before);
        project.build("predictions").has("2 restored");
        assert_eq!(project.ran(), "", "{path}");
    }
    project.edit("Atsaffile", "with = { back = 14 }", "with = { back = 28 }");
    let why = project.atsaf("why train");
    why.has("models");
    why.has("back = 28");
    project.build("predictions").has("2 built");
    assert_eq!(project.ran(), "6 2");
}

#[test]
fn a_window_that_was_forecast_is_not_forecast_again() {
    let Some(project) = project() else { return };
    project.build("predictions").ok();
    project.ran();
    project.edit(
        "Atsaffile",
        "[\"SeasonalNaive\", ",
        "[\"SeasonalNaive\", \"LagRidge\", ",
    );
    project.build("predictions").ok();
    assert_eq!(project.ran(), "", "another model changes nothing for it");
    // What all of that work used counts although the program did not run.
    project.write("width.py", "WIDTH = 4.0\n");
    project.atsaf("why train").has("width.py");
    project.build("predictions").ok();
    assert_eq!(project.ran(), "6 2");
    // A week more: the last window begins where the forecast did.
    project.write("series.csv", series(147));
    project.build("predictions").ok();
    assert_eq!(project.ran(), "2");
}

#[test]
fn a_program_that_fails_fails_the_target_and_says_how_to_run_it_by_hand() {
    let Some(project) = project() else { return };
    let fails = |program: &str, parts: &[&str]| {
        project.write("ours.py", program);
        let told = project.build("train");
        assert_ne!(told.code, Some(0), "{program}: {}", told.text);
        for part in parts {
            told.has(part);
        }
        assert!(!project.at("selected.json").exists());
    };
    let by_hand = "to run it by hand: `ATSAF_REQUEST=.atsaf/";
    let given = "note: what it was given and what it wrote is in `.atsaf/given/";
    fails(
        "import sys\nprint('no such thing')\nsys.exit(3)\n",
        &[
            "the model `Ours`: the command ended with exit code 3",
            "no such thing",
            given,
            "note: its whole output is in `.atsaf/v1/outputs/",
            by_hand,
        ],
    );
    fails(
        "pass\n",
        &["the model `Ours`: it wrote no `forecasts.csv`", "`forecasts`", by_hand],
    );
    fails(
        &PROGRAM.replace("\"yhat\"", "\"Ours\""),
        &["the model `Ours`: `forecasts.csv` has no column `yhat`"],
    );
    fails(
        &PROGRAM.replace("[*key, row[\"ds\"]", "[key[0], row[\"ds\"], row[\"ds\"]"),
        &[
            "row 1 of `forecasts.csv` is of the series `A` at the cutoff",
            "which was not asked for",
        ],
    );
    project.edit("Atsaffile", "python3 ours.py", "python3.0 ours.py");
    fails(PROGRAM, &["exit code 127"]);
}

#[test]
fn a_program_gets_what_is_known_ahead_of_every_past_and_of_the_steps_to_forecast() {
    let Some(project) = project() else { return };
    // What will be is promised, which a program that knows it forecasts exactly.
    let promised = |days: usize| {
        let rows = series(days);
        let rows = rows.lines().skip(1).map(|row| format!("{row},0\n"));
        format!("unique_id,ds,promise,fair\n{}", rows.collect::<String>())
    };
    project.write("known.csv", promised(147));
    project.write(
        "ours.py",
        PROGRAM
            .replace("value = pasts[key][step[key] - back]", "value = float(row[\"promise\"])")
            .replace(
                "back = request",
                "assert request[\"known\"] == [\"promise\", \"holiday_US\"], request[\"known\"]\nback = request",
            )
            .replace(
                "    pasts.setdefault",
                "    assert row[\"promise\"] == row[\"y\"] and float(row[\"holiday_US\"]) in (0, 1), row\n    pasts.setdefault",
            ),
    );
    for target in ["train", "forecast", "package"] {
        let inputs = if target == "train" {
            ""
        } else {
            ", selected = \"selected\""
        };
        let declared = format!("inputs  = {{ clean = \"series.csv\", validation = \"validation.json\"{inputs} }}");
        let (before, after) = declared.split_at(declared.len() - 2);
        let text = project.read("Atsaffile");
        let (head, tail) = text.split_once(&format!("[target.{target}]")).expect("a target");
        let tail = tail.replacen(&declared, &format!("{before}, known = \"known.csv\"{after}"), 1);
        project.write("Atsaffile", format!("{head}[target.{target}]{tail}"));
    }
    project.edit(
        "Atsaffile",
        "n_windows = 3",
        "known = { columns = [\"promise\"], holidays = \"US\" }\nn_windows = 3",
    );
    let board = "\n[target.board]\nuses = \"collect\"\ninputs = [\"leaderboard\"]\n\
        outputs = { table = { path = \"board.csv\", name = \"board\" } }\nwith = { format = \"csv\" }\n";
    project.write("Atsaffile", project.read("Atsaffile") + board);
    project.build("predictions package board").ok();
    // The package has its forecasts as far as the horizon, from memory.
    assert_eq!(project.ran(), "6 2");
    let board = project.read("board.csv");
    let of_model = |name: &str| board.lines().find(|row| row.contains(name)).expect("a row").to_owned();
    assert!(of_model("Ours").contains("promise, holiday_US"), "{board}");
    assert!(!of_model("SeasonalNaive").contains("promise"), "{board}");
    let selected: serde_json::Value = serde_json::from_str(&project.read("selected.json")).expect("JSON");
    assert_eq!(
        selected["models"][0]["known"],
        serde_json::json!(["promise", "holiday_US"])
    );
    let packaged: serde_json::Value = serde_json::from_str(&project.read("model/model.json")).expect("JSON");
    let yhat = packaged["series"][0]["forecast"]["yhat"].as_array().expect("numbers");
    let next = series(147);
    let next = next
        .lines()
        .skip(1 + 140)
        .map(|row| row.rsplit(',').next().expect("a value"));
    for (found, promised) in yhat.iter().zip(next.take(7)) {
        assert_eq!(found.as_f64(), promised.parse().ok());
    }
    // Another promise of the last step concerns the forecast alone.
    let known = project.read("known.csv");
    let last = known.lines().last().expect("a row").to_owned();
    project.write("known.csv", known.replace(&last, &last.replace(",0", ",1")));
    project.build("predictions").ok();
    assert_eq!(project.ran(), "", "`fair` is not among the columns that count");
    let day = last.split(',').nth(1).expect("a day");
    project.write("known.csv", known.replace(&last, &format!("B,{day},7,0")));
    project.build("predictions").ok();
    assert_eq!(project.ran(), "2");
    // One that is missing is told before the program runs.
    project.write("known.csv", known.replace(&format!("{last}\n"), ""));
    let told = project.build("predictions");
    assert_ne!(told.code, Some(0), "{}", told.text);
    told.has("`known` has no row for 1 of the 7 steps to forecast of the series `B`");
    assert_eq!(project.ran(), "");
    // A name that the tables have already.
    project.write("known.csv", known.replace("promise,fair", "cutoff,fair"));
    project.edit("Atsaffile", "columns = [\"promise\"]", "columns = [\"cutoff\"]");
    let told = project.build("train");
    assert_ne!(told.code, Some(0), "{}", told.text);
    told.has("what is known ahead has a column `cutoff`, as the tables of a program have already");
}

#[test]
fn a_packaged_program_is_fitted_to_newer_history_only_where_its_project_is_and_somebody_allows_it() {
    let Some(project) = project() else { return };
    project.build("package").ok();
    project.ran();
    project.write("newer.csv", series(147));
    let predict = |more: &str| project.atsaf(&format!("predict model --history newer.csv --csv {more}"));
    let told = predict("");
    assert_eq!(told.code, Some(1), "{}", told.text);
    for part in [
        "the model `Ours` is a program, which is fitted to newer history only where you allow it to run",
        "it was chosen with the command `python3 ours.py`",
        "by `-C PROJECT` or from there, add `--run-programs`",
    ] {
        told.has(part);
    }
    assert_eq!(project.ran(), "");
    let told = predict("--run-programs");
    told.ok();
    assert_eq!(project.ran(), "2");
    let rows: Vec<&str> = told.text.lines().filter(|line| line.ends_with(",Ours")).collect();
    assert_eq!(rows.len(), 14, "{}", told.text);
    assert!(rows[0].starts_with("A,2024-05-27T00:00:00"), "{}", rows[0]);
    // The value of two weeks before.
    let value = rows[0].split(',').nth(2).expect("a number");
    let wanted = series(147);
    let wanted = wanted
        .lines()
        .nth(1 + 133)
        .and_then(|row| row.rsplit(',').next())
        .expect("a value");
    assert_eq!(value.parse::<f64>(), wanted.parse::<f64>());
    // What it was chosen with has to be what is there.
    project.write("width.py", "WIDTH = 3.0\n");
    let told = predict("--run-programs");
    assert_eq!(told.code, Some(1), "{}", told.text);
    told.has("width.py");
    project.write("width.py", "WIDTH = 2.0\n");
    project.edit("Atsaffile", "python3 ours.py", "python3 -u ours.py");
    predict("--run-programs").has("it has `python3 ours.py`; the Atsaffile has `python3 -u ours.py`");
    project.edit("Atsaffile", "name = \"Ours\"", "name = \"Others\"");
    predict("--run-programs").has("the Atsaffile here declares none of that name");
    assert_eq!(project.ran(), "");
}

#[test]
fn what_is_wrong_with_one_forecast_is_told_with_its_series_and_step() {
    let Some(project) = project() else { return };
    project.edit("Atsaffile", "\"SeasonalNaive\", ", "");
    let at = |condition: &str, then: &str| {
        let line = "        out.writerow([*key, row[\"ds\"], *numbers])";
        let changed = format!("        if {condition}: {then}\n{line}");
        PROGRAM.replace(line, &changed)
    };
    let third = "step[key] == 2";
    for (program, part) in [
        (
            at(third, "continue"),
            "the program wrote no forecast at 2024-05-01 00:00:00, step 3 of 7",
        ),
        (
            at(third, "numbers[1] = float('nan')"),
            "`lo-80` is NaN at 2024-05-01 00:00:00, step 3",
        ),
        (
            at(third, "numbers[0] = ''"),
            "`yhat` is empty at 2024-05-01 00:00:00, step 3",
        ),
        (
            at(third, "numbers[3], numbers[4] = 9, 8"),
            "the lower bound 9 is above the upper one, 8, at 2024-05-01 00:00:00, step 3",
        ),
        (
            at(third, "row['ds'] = '2024-05-30'"),
            "the program wrote a forecast for 2024-05-30 00:00:00, which is none of the steps",
        ),
        (
            at(third, "out.writerow([*key, row['ds'], *numbers])"),
            "the program wrote two forecasts for 2024-05-01 00:00:00, step 3",
        ),
        (at("True", "continue"), "the program left it out"),
    ] {
        project.write("ours.py", program);
        let told = project.build("train");
        assert_ne!(told.code, Some(0), "{part}: {}", told.text);
        told.has("no model could forecast any window");
        told.has(&format!("`A` at the cutoff 2024-04-28 00:00:00: {part}"));
    }
}

#[test]
fn a_series_that_a_program_leaves_out_stops_no_other() {
    let Some(project) = project() else { return };
    project.write(
        "ours.py",
        PROGRAM.replace(
            "        step[key] =",
            "        if key[0] == \"B\": continue\n        step[key] =",
        ),
    );
    project.edit("Atsaffile", "step_size = 7", "step_size = 7\nselect = \"per_series\"");
    project.build("predictions").ok();
    let selected: serde_json::Value = serde_json::from_str(&project.read("selected.json")).expect("JSON");
    let member = |at: usize| selected["series"][at]["members"][0]["model"].clone();
    assert_eq!((member(0), member(1)), ("Ours".into(), "SeasonalNaive".into()));
}

#[test]
fn what_a_program_did_not_forecast_is_not_remembered() {
    let Some(project) = project() else { return };
    project.write(
        "ours.py",
        PROGRAM.replace(
            "        step[key] =",
            "        if key[0] == \"B\" and os.path.exists(\"../down\"): continue\n        step[key] =",
        ),
    );
    project.write("../down", "");
    project.build("train").ok();
    project.remove("../down");
    project.ran();
    project.build("--force train").ok();
    assert_eq!(project.ran(), "6");
    let board = project.atsaf("show leaderboard.parquet --rows 20 --width 200");
    assert!(!board.text.contains("left it out"), "{}", board.text);
}

#[test]
fn what_a_program_made_of_files_that_moved_is_not_remembered() {
    let Some(project) = project() else { return };
    let waits = "WIDTH = float(open('lock.txt').read())\nimport os, time\nopen('../begun', 'w').close()\n\
                 while not os.path.exists('../go'): time.sleep(0.01)\n";
    project.write("width.py", waits);
    project.write("lock.txt", "9.0");
    let running = project.start("build train");
    until("the program runs", || project.at("../begun").exists());
    // It has read the one, and the build knows of the other.
    project.write("lock.txt", "2.0");
    project.write("../go", "");
    running.collect().ok();
    let of_last = project.read("selected.json");
    assert_eq!(project.ran(), "6 6", "it was made again");
    // Nothing of the first attempt is left.
    project.write("lock.txt", "9.0");
    project.build("train").ok();
    assert_eq!(project.ran(), "6");
    project.write("lock.txt", "2.0");
    project.build("train").ok();
    assert_eq!(project.ran(), "", "restored");
    assert_eq!(project.read("selected.json"), of_last);
}

#[test]
fn a_program_that_nobody_looked_at_is_run_again_where_it_is_traced() {
    let Some(project) = project().filter(|_| can_trace()) else {
        return;
    };
    project.edit(
        "Atsaffile",
        "[target.train.with]",
        "discover = \"off\"\n\n[target.train.with]",
    );
    project.build("train").ok();
    assert_eq!(project.ran(), "6");
    project.edit("Atsaffile", "discover = \"off\"", "discover = \"trace\"");
    project.build("train").ok();
    assert_eq!(project.ran(), "6");
    project.write("width.py", "WIDTH = 3.0\n");
    project.build("train").has("1 built");
}

#[test]
fn a_program_in_which_nothing_can_be_seen_is_told_of() {
    let Some(project) = project() else { return };
    project.edit("Atsaffile", "python3 ours.py", "python3 -I ours.py");
    project.write("ours.py", PROGRAM.replace("from width import WIDTH", "WIDTH = 2.0"));
    project
        .build("train")
        .has("nothing that `train` uses is discovered, for `python3 -I`");
}

#[test]
fn a_program_that_takes_too_long_is_ended() {
    let Some(project) = project() else { return };
    project.write("ours.py", "import time\nprint('begins', flush=True)\ntime.sleep(600)\n");
    project.edit(
        "Atsaffile",
        "[target.train.with]",
        "timeout = \"1s\"\n\n[target.train.with]",
    );
    let told = project.build("train");
    assert_ne!(told.code, Some(0));
    told.has("it took longer than its limit of 1 s");
}

#[test]
fn no_data_file_makes_a_program_run() {
    let Some(project) = project() else { return };
    project.build("predictions package").ok();
    project.ran();
    project.write(
        "chosen.json",
        project.read("selected.json").replace("python3 ours.py", "touch hit"),
    );
    let former = project.read("Atsaffile");
    project.write(
        "Atsaffile",
        former.replace("selected = \"selected\"", "selected = \"chosen.json\""),
    );
    let told = project.build("forecast");
    assert_ne!(told.code, Some(0));
    told.has("the model `Ours` is a program, which nothing here declares");
    told.has("its command was `touch hit`");
    project.write("Atsaffile", former);
    // Nor does a packaged model, which has its forecasts.
    let told = project.atsaf("predict model --history series.csv");
    assert_ne!(told.code, Some(0));
    told.has("the model `Ours` is a program, which is fitted to newer history only where you allow it to run");
    // Not even where programs may run: the Atsaffile has another one of that name.
    let strange = project.read("model/model.json").replace("python3 ours.py", "touch hit");
    project.write("model/model.json", strange);
    let told = project.atsaf("predict model --history series.csv --run-programs");
    assert_ne!(told.code, Some(0));
    told.has("it has `touch hit`; the Atsaffile has `python3 ours.py`");
    assert!(!project.at("hit").exists());
    assert_eq!(project.ran(), "");
}

#[test]
fn a_build_that_is_interrupted_ends_the_program() {
    let Some(project) = project() else { return };
    project.write(
        "ours.py",
        "import time\nopen('../begun', 'w').close()\ntime.sleep(600)\n",
    );
    let running = project.start("build train");
    until("the program runs", || project.at("../begun").exists());
    interrupt(running.id());
    let told = running.collect();
    assert_eq!(told.code, Some(130), "{}", told.text);
    assert_eq!(project.running("python3 ours.py"), [0_u32; 0]);
}

#[test]
fn an_artifact_is_given_to_a_program_by_its_path_and_read_by_the_forecast_as_well() {
    let Some(project) = project() else { return };
    let weather = "[target.weather]\nrun = \"echo 2.5 > {{output}}\"\noutput = \"weather.txt\"\n";
    project.write("Atsaffile", project.read("Atsaffile") + weather);
    project.write("width.py", "WIDTH = float(open('weather.txt').read())\n");
    let told = project.build("predictions");
    assert_ne!(told.code, Some(0), "{}", told.text);
    told.has("it opened `weather.txt`, which `weather` makes without declaring it");
    // What it forecast from it is not remembered, or the next build would not see that.
    project
        .build("train")
        .has("it opened `weather.txt`, which `weather` makes without declaring it");
    told.has("name it in `files` of the program: `files = [\"weather.txt\"]`");
    project.edit(
        "Atsaffile",
        "files = [\"lock.txt\"]",
        "files = [\"lock.txt\", \"weather.txt\"]",
    );
    project.build("predictions").has("3 built");
    project.build("predictions").has("nothing to do");
    project.ran();
    project.edit("Atsaffile", "echo 2.5", "echo 3.5");
    project.build("predictions").has("3 built");
    assert_eq!(project.ran(), "6 2");
}

#[test]
fn a_program_in_words_runs_without_a_shell_and_one_that_is_not_declared_as_it_was_is_refused() {
    let Some(project) = project() else { return };
    project.edit(
        "Atsaffile",
        "run = \"python3 ours.py\"",
        "run = [\"python3\", \"ours.py\"]",
    );
    project.build("predictions").ok();
    project.atsaf("why train").has("fresh");
    project.write("ours.py", format!("{PROGRAM}# edited\n"));
    let told = project.atsaf("build --only forecast");
    assert_ne!(told.code, Some(0), "{}", told.text);
}

#[test]
fn mistakes_in_a_program_are_told_with_their_line() {
    let wrong = |models: &str, parts: &[&str]| {
        let (before, rest) = ATSAFFILE.split_once("models    = ").expect("models");
        let after = rest.split_once('\n').expect("a line").1;
        let project = Project::new(&format!("{before}models    = {models}\n{after}"));
        let told = project.atsaf("check");
        assert_ne!(told.code, Some(0), "{models}: {}", told.text);
        told.has("Atsaffile:12:");
        for part in parts {
            told.has(part);
        }
    };
    wrong(
        r#"[{ name = "LagRidge", run = "./m" }]"#,
        &[
            "`name` of `models[0]` must be a name of letters",
            "found string \"LagRidge\"",
        ],
    );
    wrong(
        r#"[{ name = "a b", run = "./m" }]"#,
        &["`name` of `models[0]` must be a name"],
    );
    wrong(
        r#"[{ name = "Mine" }]"#,
        &["a table with name and run", "found table without `run`"],
    );
    wrong(
        r#"[{ name = "Mine", run = "./m", rum = 1 }]"#,
        &["`models[0]` has no entry `rum`", "run"],
    );
    wrong(
        r#"[{ name = "Mine", run = "./m", files = ["cv.parquet"] }]"#,
        &["the program `Mine` needs `cv.parquet`, which its own target makes"],
    );
    wrong(
        r#"[{ name = "Mine", run = 5 }]"#,
        &["`run` of `models[0]` must be a command"],
    );
    wrong(
        r#"[{ name = "Mine", run = "./m" }, { name = "Mine", run = "./n" }]"#,
        &["two programs have the name `Mine`"],
    );
    wrong(
        r#"[{ name = "Mine", run = "./m {{horizon}}" }]"#,
        &[
            "the command of the program `Mine` has a `{{` in it",
            "with = { name = value }",
        ],
    );
    wrong(
        r#"[{ name = "Mine", run = "./m", files = ["../lock"] }]"#,
        &["`../lock` in `files` of the program `Mine` is no file of the project"],
    );
    wrong(
        r#"[{ name = "Mine", run = "./m", with = { "a:b" = 1 } }]"#,
        &["`with` of `models[0]` must be a table whose names are of letters"],
    );
    wrong(r#"["LagRigde"]"#, &["each item of `models` must be one of", "LagRidge"]);
}

#[test]
fn a_file_of_a_program_that_is_not_there_is_told_before_anything_runs() {
    let Some(project) = project() else { return };
    project.remove("lock.txt");
    let told = project.build("predictions");
    assert_ne!(told.code, Some(0));
    told.has("lock.txt");
    assert_eq!(project.ran(), "");
}

#[test]
fn the_manual_shows_the_example_as_it_is() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/forecasting.md")).expect("a page");
    let script = std::fs::read_to_string(root.join("examples/own-model/prophet_model.py")).expect("a script");
    assert!(script.lines().count() <= 40);
    assert!(page.contains(script.trim_end()), "the script is not in the page");
}
