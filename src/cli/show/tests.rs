//! What `show` says of artifacts of each sort.

use std::fmt::Write as _;

use crate::cli::Exit;
use crate::cli::trial::Trial;

const ATSAFFILE: &str = r#"
[params]
word = "hello"

[target.text]
run = "cat {{inputs}} > {{output}}; echo {{word}} >> {{output}}"
inputs = ["in.txt"]
output = "out/text.txt"

[target.forecast]
run = "cat predictions.csv > {{output}}"
output = "out/predictions.csv"

[target.many]
run = "mkdir -p {{output}}/sub; echo 1 > {{output}}/a; echo 22 > {{output}}/sub/b"
output = "out/many/"

[target.line]
run = ["cp", "in.json", "{{output}}"]
output = "out/line.json"
"#;

fn trial() -> Trial {
    let trial = Trial::new(ATSAFFILE);
    trial.write("in.txt", "one\ntwo\nthree\n");
    trial.write("in.json", "{\"a\": [1, 2]}\n");
    let mut csv = "unique_id,ds,yhat,lo-95,hi-95\n".to_owned();
    for hour in 0..24 {
        let value = f64::from((hour - 12) * (hour - 12));
        csv = format!(
            "{csv}US48,2023-10-01 {hour:02}:00,{value},{},{}\n",
            value - 20.0,
            value + 20.0
        );
    }
    trial.write("predictions.csv", &csv);
    trial
}

/// The text with run ids, digests and times taken out.
fn redacted(text: &str) -> String {
    let line = |line: &str| match line.split_whitespace().next() {
        Some("made") => "made  WHEN".to_owned(),
        Some("from") => line.rsplit_once(' ').map_or(line, |(before, _)| before).to_owned() + " DIGEST",
        _ => line.to_owned(),
    };
    text.lines().map(|it| line(it) + "\n").collect()
}

#[test]
fn a_text_shows_its_first_lines_and_where_it_came_from() {
    let trial = trial();
    trial.out(&["build", "text"]);
    let shown = redacted(&trial.out(&["show", "text", "-n", "2"]));
    let expected = "\
text  out/text.txt  20 B

one
two
...

made  WHEN
";
    assert_eq!(shown, expected);
    let shown = redacted(&trial.out(&["show", "text", "-n", "1", "--origin"]));
    let expected = "\
text  out/text.txt  20 B

one
...

made  WHEN
from  in.txt, content DIGEST
with  word = \"hello\"
";
    assert_eq!(shown, expected);
    trial.write("out/text.txt", "by hand\n");
    let shown = trial.out(&["show", "out/text.txt"]);
    let expected = "\
text  out/text.txt  8 B

by hand

origin  atsaf has not made it as it is here
";
    assert_eq!(shown, expected);
}

#[test]
fn a_forecast_has_a_chart() {
    let trial = trial();
    trial.out(&["build", "forecast"]);
    let shown = trial.out(&["show", "forecast", "-n", "1"]);
    let chart = shown.split_once("US48: yhat").expect("a chart").1;
    assert!(chart.starts_with(", shaded its interval of 95 %\n"), "{shown}");
    assert!(chart.contains('░') && chart.contains("06:00"), "{shown}");
    assert_eq!(chart.lines().count(), 1 + 12 + 2 + 2, "{shown}");
    assert!(chart.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

const PANEL: &str = r#"
[target.past]
run = "cat past.csv > {{output}}"
output = "out/past.csv"

[target.next]
run = "cat ahead.csv > {{output.ahead}}; echo 7 > {{output.parts}}/seven.txt; : {{input.past}}"
inputs = ["past"]
outputs = { ahead = "out/ahead.csv", parts = "out/parts/" }
"#;

/// Forecasts of five series, of which the first three have a past.
fn panel() -> Trial {
    let trial = Trial::new(PANEL);
    let (mut past, mut ahead) = ("unique_id,ds,y\n".to_owned(), "unique_id,ds,yhat\n".to_owned());
    for series in ["DE", "FR", "\"North, Sea\"", "PL", "CZ"] {
        for hour in 0..24 {
            if series != "PL" && series != "CZ" {
                let _ = writeln!(past, "{series},2024-01-01 {hour:02}:00,{hour}");
            }
            let _ = writeln!(ahead, "{series},2024-01-02 {hour:02}:00,{}", 24 + hour);
        }
    }
    trial.write("past.csv", &past);
    trial.write("ahead.csv", &ahead);
    trial.out(&["build"]);
    trial
}

#[test]
fn a_panel_has_a_chart_for_each_of_its_first_series_with_the_end_of_their_past() {
    let trial = panel();
    let shown = trial.out(&["show", "ahead"]);
    let titles: Vec<&str> = shown.lines().filter(|line| line.contains(": yhat")).collect();
    let since = "yhat from 2024-01-02 on";
    assert_eq!(
        titles,
        [
            format!("DE: {since}"),
            format!("FR: {since}"),
            format!("North, Sea: {since}")
        ],
        "{shown}"
    );
    assert!(
        shown.contains("\nand 2 more series: `--series NAME` draws one\n"),
        "{shown}"
    );
    assert!(shown.contains('┊'), "where the forecast begins:\n{shown}");
    let one = trial.out(&["show", "ahead", "--series", "PL", "--series", "North, Sea"]);
    let titles: Vec<&str> = one.lines().filter(|line| line.contains("yhat")).skip(1).collect();
    assert_eq!(titles, [format!("North, Sea: {since}").as_str(), "PL: yhat"], "{one}");
    assert!(!one.contains("more series"), "{one}");
}

#[test]
fn a_series_that_there_is_none_of_is_told_with_those_that_there_are() {
    let trial = panel();
    let said = trial.run(&["show", "ahead", "--series", "DK"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err.starts_with("error: no series is called `DK`\n"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("there are DE, FR, North, Sea, PL, CZ\n"),
        "{}",
        said.err
    );
    let said = trial.run(&["show", "past", "--series", "DE"]);
    assert!(
        said.err.starts_with("error: it is no table of forecasts"),
        "{}",
        said.err
    );
}

#[test]
fn a_forecast_stands_behind_no_other_history_than_its_own() {
    let trial = panel();
    assert!(trial.out(&["show", "ahead"]).contains("yhat from 2024-01-02 on"));
    trial.write("past.csv", "unique_id,ds,y\nDE,2024-01-01 23:00,5\n");
    trial.out(&["build", "past"]);
    let shown = trial.out(&["show", "ahead"]);
    assert!(
        shown.contains("DE: yhat") && !shown.contains("from 2024-01-02 on"),
        "{shown}"
    );
}

#[test]
fn a_file_in_a_directory_is_shown_by_the_path_or_the_name_of_the_directory() {
    let trial = panel();
    for goal in [
        "out/parts/seven.txt",
        "./out/parts/seven.txt",
        "next.parts/seven.txt",
        "parts/seven.txt",
    ] {
        let shown = trial.out(&["show", goal]);
        assert!(
            shown.contains("  out/parts/seven.txt  2 B\n\n7\n\nmade  "),
            "{goal}: {shown}"
        );
    }
    let said = trial.run(&["show", "parts/eight.txt"]);
    let expected = "error: `parts` has no file `eight.txt`\n  help: `atsaf show parts` lists its files\n";
    assert_eq!((said.exit, said.err.as_str()), (Exit::Usage, expected));
    let said = trial.run(&["show", "parts/../ahead.csv"]);
    assert_eq!(said.exit, Exit::Usage, "{}", said.out);
    for (link, to) in [("file", "seven.txt"), ("dir", "/"), ("dead", "nowhere")] {
        std::os::unix::fs::symlink(to, trial.at("out/parts").join(link)).expect("linked");
        let said = trial.run(&["show", &format!("parts/{link}")]);
        assert_eq!(said.exit, Exit::Usage, "{}", said.out);
        assert!(
            said.err
                .starts_with(&format!("error: `parts/{link}` is a link to `{to}`\n")),
            "{}",
            said.err
        );
    }
    let said = trial.run(&["show", "parts/dir/etc/passwd"]);
    assert!(
        said.err.starts_with("error: `parts/dir` is a link to `/`\n"),
        "{}",
        said.err
    );
}

#[test]
fn a_picture_is_told_by_its_format_and_long_cells_are_cut() {
    let trial = trial();
    trial.out(&["build", "text"]);
    trial.write_bytes(
        "out/text.txt",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\xff",
    );
    let shown = trial.out(&["show", "text"]);
    assert!(shown.contains("\n\na picture, PNG, 640 x 480 pixels\n"), "{shown}");
}

#[test]
fn a_directory_lists_its_files_and_json_in_one_line_is_laid_out() {
    let trial = trial();
    trial.out(&["build"]);
    let shown = redacted(&trial.out(&["show", "many"]));
    assert_eq!(
        shown,
        "many  out/many  5 B, 2 files\n\na      2 B\nsub/b  3 B\n\nmade  WHEN\n"
    );
    let shown = redacted(&trial.out(&["show", "line"]));
    let expected = "\
line  out/line.json  14 B

{
  \"a\": [
    1,
    2
  ]
}

made  WHEN
";
    assert_eq!(shown, expected);
}

#[test]
fn what_is_not_there_is_told_with_the_next_step() {
    let said = trial().run(&["show", "text"]);
    assert_eq!((said.exit, said.out.as_str()), (Exit::Usage, ""));
    let expected = "\
error: the artifact `text` is not there: `out/text.txt` does not exist
  help: make it: `atsaf build text`
";
    assert_eq!(said.err, expected);
}

const BOARD: &str = r#"
[params]
best = "10611.4"

[target.board]
run = "sed s/BEST/{{best}}/ board.csv > {{output}}"
output = "out/board.csv"
"#;

fn board() -> Trial {
    let trial = Trial::new(BOARD);
    trial.write(
        "board.csv",
        "unique_id,model,rmse_mean,mae_mean,rank\n\
         US48,Ensemble(A),1000,2.5,\nUS48,MSTL_ARIMA,BEST,8012.25,1\nUS48,SeasonalNaive,20000,0.25,2\nUS48,Broken,,,\n",
    );
    trial
}

#[test]
fn a_leaderboard_has_ranks_bars_and_numbers_by_the_width() {
    let trial = board();
    trial.out(&["build"]);
    let shown = trial.out(&["show", "board"]);
    let expected = "\
rank  model                       rmse    mae
   -  Ensemble(A)    ▌           1,000    2.5
   1  MSTL_ARIMA     █████▎     10,611  8,012
   2  SeasonalNaive  ██████████ 20,000   0.25
   -  Broken                         -      -
";
    let board = shown.split("\n\n").nth(1).expect("a table");
    let plain = |text: &str| {
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(plain(board), plain(expected), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn what_was_is_shown_and_compared() {
    let trial = board();
    trial.out(&["build"]);
    let first = trial.out(&["log"]).split_whitespace().next().expect("a run").to_owned();
    trial.out(&["build", "-s", "best=10808"]);
    assert!(trial.out(&["show", "board"]).contains("10,808"));
    let then = trial.out(&["show", "board", "--run", &first]);
    assert!(then.contains("10,611") && !then.contains("10,808"), "{then}");
    let diff = trial.out(&["diff", "board"]);
    let expected = "\
rows     4: 0 added, 0 removed, 1 changed
told by  unique_id, model
column  rmse_mean  1 cell  by +1.9 %

~ US48 MSTL_ARIMA
    rmse_mean  10,611 -> 10,808  +1.9 %
";
    assert_eq!(diff.split_once('\n').map(|it| it.1), Some(expected), "{diff}");
    assert_eq!(trial.run(&["diff", "board", "--exit-code"]).exit, Exit::Stale);
    let same = trial.run(&["diff", "board", &first, &first, "--exit-code"]);
    assert!(
        same.exit == Exit::Done && same.out.ends_with("-> the same run\nno difference\n"),
        "{same:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&trial.out(&["diff", "board", "--json"])).expect("JSON");
    assert_eq!(
        (json["kind"].as_str(), json["same"].as_bool()),
        (Some("table"), Some(false)),
        "{json}"
    );
}

#[test]
fn json_tells_the_same() {
    let trial = trial();
    trial.out(&["build", "text"]);
    let shown: serde_json::Value = serde_json::from_str(&trial.out(&["show", "text", "--json"])).expect("JSON");
    let artifact = &shown["artifacts"][0];
    assert_eq!(artifact["target"], "text");
    assert_eq!(artifact["params"]["word"], "hello");
    assert_eq!(artifact["inputs"][0]["path"], "in.txt");
    assert_eq!(artifact["content"]["lines"][3], "hello");
    assert_eq!(artifact["content"]["more"], false);
}

/// Metadata that a reader would make room by: here a footer that says it is longer than the file, and one of junk.
#[cfg(feature = "forecasting")]
#[test]
fn a_table_that_lies_is_told_in_a_sentence() {
    let trial = trial();
    trial.write("out/text.txt", "PAR1\u{1}\u{2}\u{3}\u{4}\u{7f}\u{7f}\u{7f}\u{7f}PAR1");
    let shown = trial.out(&["show", "out/text.txt"]);
    assert!(
        shown.contains("\na Parquet file that cannot be read: its footer is longer than the file\n"),
        "{shown}"
    );
    trial.write("out/text.txt", "PAR1\u{39}\u{78}\u{2}\0\0\0PAR1");
    let shown = trial.out(&["show", "out/text.txt"]);
    assert!(
        shown.contains("\na Parquet file that cannot be read: its footer "),
        "{shown}"
    );
}
