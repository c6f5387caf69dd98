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
        Some("made") => "  made  WHEN".to_owned(),
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
  made  WHEN
  from  in.txt, content DIGEST
  with  word = \"hello\"

one
two
...
";
    assert_eq!(shown, expected);
    trial.write("out/text.txt", "by hand\n");
    let shown = trial.out(&["show", "out/text.txt"]);
    let expected = "\
text  out/text.txt  8 B
  origin  atsaf has not made it as it is here

by hand
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
    assert_eq!(chart.lines().count(), 1 + 12 + 1, "{shown}");
    assert!(chart.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn a_directory_lists_its_files_and_json_in_one_line_is_laid_out() {
    let trial = trial();
    trial.out(&["build"]);
    let shown = redacted(&trial.out(&["show", "many"]));
    assert_eq!(
        shown,
        "many  out/many  5 B, 2 files\n  made  WHEN\n\na      2 B\nsub/b  3 B\n"
    );
    let shown = redacted(&trial.out(&["show", "line"]));
    let expected = "\
line  out/line.json  14 B
  made  WHEN
  from  in.json, content DIGEST

{
  \"a\": [
    1,
    2
  ]
}
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
        shown.ends_with("\na Parquet file that cannot be read: its footer is longer than the file\n"),
        "{shown}"
    );
    trial.write("out/text.txt", "PAR1\u{39}\u{78}\u{2}\0\0\0PAR1");
    let shown = trial.out(&["show", "out/text.txt"]);
    assert!(
        shown.contains("\na Parquet file that cannot be read: its footer "),
        "{shown}"
    );
}
