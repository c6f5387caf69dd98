//! What `show` says of artifacts of each sort.

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
    assert!(chart.contains('░') && chart.contains("2023-10-01 23:00"), "{shown}");
    assert_eq!(chart.lines().count(), 1 + 12 + 1 + 2, "{shown}");
    assert!(chart.lines().all(|line| line.chars().count() <= 80), "{shown}");
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
