//! The page of `atsaf report`: what stands on it, what it says of what is missing, and where it is written.

use std::fs;

use crate::project::{Project, Told};

/// A project of commands that make a table, metrics, a text and a picture.
fn shell() -> Project {
    let project = Project::new(
        r#"
[project]
name    = "a <b>shell</b> project"
default = ["table", "metrics", "note"]

[params]
size = 2

[target.table]
run     = ["sh", "-c", "printf 'name,value\n<script>alert(1)</script>,{{size}}\n' > {{output}}"]
output  = "table.csv"

[target.metrics]
run     = ["sh", "-c", "printf '{\"rmse\": 1.25, \"by\": {\"a\": [1, 2]}}' > {{output}}; : {{inputs}}"]
inputs  = ["table"]
output  = "metrics.json"

[target.note]
run     = ["sh", "-c", "cat {{inputs}} > {{output}}"]
inputs  = ["note.txt"]
output  = "out/note.txt"
"#,
    );
    project.write("note.txt", "one\ntwo & <i>three</i>\n");
    project
}

#[track_caller]
fn page(project: &Project) -> String {
    project.atsaf("report").ok();
    project.read("report.html")
}

#[test]
fn a_project_of_commands_has_a_page_with_what_they_made() {
    let project = shell();
    project.build("").ok();
    let told = project.atsaf("report");
    told.is(0, "wrote `report.html`\n");
    let html = project.read("report.html");
    for text in [
        "<!DOCTYPE html>",
        "a &lt;b&gt;shell&lt;/b&gt; project",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<data value=\"1.25\">1.25</data>",
        "two &amp; &lt;i&gt;three&lt;/i&gt;",
        "id=\"run\"",
        "id=\"timeline\"",
        "class=\"graph\"",
        "Inputs and parameters of <strong>table</strong>",
    ] {
        assert!(html.contains(text), "no `{text}` in {html}");
    }
    for part in [
        "id=\"forecast\"",
        "id=\"leaderboard\"",
        "id=\"backtest\"",
        "id=\"quality\"",
    ] {
        assert!(!html.contains(part), "`{part}`");
    }
    assert_eq!(html.matches("<script").count(), 1);
    project.atsaf("report").is(0, "`report.html` says the same already\n");
    project.atsaf("build").ok();
    let printed = project.command("report -o -").output().expect("started").stdout;
    assert_eq!(
        String::from_utf8(printed).expect("text"),
        html,
        "a build with nothing to do says nothing new"
    );
    let json: serde_json::Value = serde_json::from_str(&project.atsaf("report --json").text).expect("JSON");
    assert_eq!(
        (json["file"].as_str(), json["changed"].as_bool()),
        (Some("report.html"), Some(false))
    );
}

#[test]
fn what_is_not_built_is_said_and_a_wrong_goal_refused() {
    let project = shell();
    let html = page(&project);
    assert!(
        html.contains("Nothing was built yet.") && html.contains("Not built yet"),
        "{html}"
    );
    project.build("metrics").ok();
    let html = page(&project);
    assert!(
        html.contains("Not built yet.") && html.contains("not built yet"),
        "the note is missing: {html}"
    );
    project.remove("table.csv");
    assert!(page(&project).contains(">missing</td>"));
    project.remove("note.txt");
    let html = page(&project);
    assert!(html.contains("The state of the project is not known"), "{html}");
    let told = project.atsaf("report metric");
    told.exits(2);
    told.has("metrics");
}

#[test]
fn a_failure_is_told_with_what_went_wrong() {
    let project = shell();
    project.edit(
        "Atsaffile",
        "cat {{inputs}} > {{output}}",
        "echo '<u>no</u>' >&2; exit 3; : {{output}}",
    );
    project.build("-k").exits(1);
    let html = page(&project);
    assert!(html.contains("<span class=\"state bad\">failed</span>"), "{html}");
    assert!(html.contains("exit") && !html.contains("<u>"), "{html}");
}

#[test]
fn what_the_last_run_changed_stands_beside_what_was_there_before() {
    let project = shell();
    project.build("").ok();
    assert!(page(&project).contains("left nothing that differs"));
    project.build("-s size=3").ok();
    let html = page(&project);
    assert!(html.contains("<code>size=3</code>"), "{html}");
    let changes = html.split("id=\"changes\"").nth(1).expect("a part");
    let row = "<td class=\"number\"><data value=\"2\" title=\"2\">2</data></td><td class=\"number\"><data value=\"3\" title=\"3\">3</data></td>";
    assert!(changes.contains(row), "{changes}");
    project.build("").ok();
    let html = page(&project);
    assert!(
        html.contains("<span class=\"state restored\">restored</span>"),
        "{html}"
    );
}

#[test]
fn nothing_but_an_earlier_page_is_overwritten() {
    let project = shell();
    project.build("").ok();
    let refused = |told: Told, text: &str| {
        told.exits(2);
        told.has(text);
    };
    refused(
        project.atsaf("report -o table.csv"),
        "`table.csv` is an output of the target `table`",
    );
    refused(
        project.atsaf("report -o out/../out/note.txt"),
        "is an output of the target `note`",
    );
    refused(project.atsaf("report -o note.txt"), "is read by the target `note`");
    project.write("mine.html", "<html>mine</html>");
    refused(project.atsaf("report -o mine.html"), "is no page of `atsaf report`");
    refused(project.atsaf("report -o .atsaf/x.html"), "lies in atsaf's store");
    refused(project.atsaf("report -o none/x.html"), "cannot be written");
    refused(project.atsaf("report -o out"), "which a target makes, lies in `out`");
    assert_eq!(project.read("note.txt"), "one\ntwo & <i>three</i>\n");
    project.write("x.html", "");
    project.atsaf("report -o x.html").is(0, "wrote `x.html`\n");
    let whole = project.read("x.html");
    project.build("-s size=4").ok();
    project.atsaf("report -o x.html").is(0, "wrote `x.html`\n");
    assert_ne!(project.read("x.html"), whole);
    let left: Vec<String> = fs::read_dir(project.at(""))
        .expect("read")
        .flatten()
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_secret_is_masked_wherever_it_stands() {
    let project = Project::new(
        "[secrets]\nTOKEN = {}\n\n[params]\nnote = \"x\"\n\n[target.t]\nrun = [\"sh\", \"-c\", \"echo made > {{output}}\"]\nsecrets = [\"TOKEN\"]\noutput = \"t.txt\"\n\n[target.copy]\nrun = [\"sh\", \"-c\", \"cat {{inputs}} > {{output}}\"]\ninputs = [\"source.csv\"]\noutput = \"copy.csv\"\n",
    );
    project.write(".env", "TOKEN=hunter2&\"<deep>\n");
    project.write("source.csv", "a,b\n\"hunter2&\"\"<deep>\",hunter2%26%22%3Cdeep%3E\n");
    project.build("").ok();
    let html = page(&project);
    assert!(html.contains("***"), "{html}");
    assert!(!html.contains("hunter2") && !html.contains("&lt;deep&gt;"), "{html}");
}

#[test]
fn many_targets_make_a_page_of_bounded_size() {
    let project = Project::new("[matrix]\nn = { range = [0, 1] }\n");
    let names: Vec<String> = (0..300).map(|at| format!("\"v{at:03}\"")).collect();
    project.write(
        "Atsaffile",
        format!(
            "[matrix]\nn = [{}]\n\n[target.t]\neach = [\"n\"]\nrun = [\"sh\", \"-c\", \"echo {{{{n}}}} > {{{{output}}}}\"]\noutput = \"out/{{{{n}}}}.txt\"\n",
            names.join(", ")
        ),
    );
    project.build("").ok();
    let html = page(&project);
    assert!(
        html.contains("100 more targets") && html.contains("260 more artifacts, not looked into"),
        "{html}"
    );
    assert!(html.len() < 2_000_000, "{}", html.len());
}

/// The bundled pipeline with two quick models.
#[cfg(feature = "forecasting")]
fn pipeline() -> Project {
    use crate::project::copy_tree;
    use std::path::Path;

    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(repository.join("Atsaffile")).expect("read");
    let (before, rest) = text.split_once("models     = [").expect("the models");
    let after = rest.split_once(']').expect("their end").1;
    let project = Project::new(&format!("{before}models = [\"SeasonalNaive\", \"LagRidge\"]{after}"));
    copy_tree(&repository.join("fixtures"), &project.at("fixtures")).expect("copied");
    project.build("predictions").ok();
    project
}

/// A table artifact by column, as `show --json` has it.
#[cfg(feature = "forecasting")]
fn column(project: &Project, artifact: &str, name: &str) -> Vec<String> {
    let told = project.atsaf(&format!("show {artifact} --json -n 10000")).text;
    let json: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let content = &json["artifacts"][0]["content"];
    let schema = content["schema"].as_array().expect("a schema");
    let at = schema.iter().position(|it| it["name"] == name).expect("a column");
    let rows = content["rows"].as_array().expect("rows");
    rows.iter()
        .map(|row| row[at].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The whole values of all numbers in a part of a page.
#[cfg(feature = "forecasting")]
fn values(part: &str) -> Vec<f64> {
    let values = part
        .split("<data value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    values.filter_map(|text| text.parse().ok()).collect()
}

#[cfg(feature = "forecasting")]
#[test]
fn the_numbers_of_a_forecasting_project_are_those_of_its_artifacts() {
    let project = pipeline();
    project.atsaf("report predictions").is(0, "wrote `report.html`\n");
    let html = project.read("report.html");
    assert!(html.len() < 2_000_000, "{}", html.len());
    let part = |id: &str| -> String {
        let (_, rest) = html
            .split_once(&format!("<section id=\"{id}\""))
            .unwrap_or_else(|| panic!("no part `{id}`"));
        rest.split("</section>").next().unwrap_or_default().to_owned()
    };
    let numbers = |artifact: &str, name: &str| -> Vec<f64> {
        column(&project, artifact, name)
            .iter()
            .map(|text| text.parse().expect("a number"))
            .collect()
    };
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
    let holds = |shown: &[f64], all: &[f64], what: &str| {
        for value in all {
            assert!(
                shown.iter().any(|it| close(*it, *value)),
                "{what}: no {value} among {shown:?}"
            );
        }
    };
    let shown = values(&part("forecast"));
    for name in ["yhat", "lo-95", "hi-95"] {
        holds(&shown, &numbers("predictions", name), name);
    }
    let shown = values(&part("leaderboard"));
    for name in ["rmse_mean", "rmse_std", "mae_mean", "coverage_mean"] {
        holds(&shown, &numbers("leaderboard", name), name);
    }
    // The windows' errors have the leaderboard's error for their mean.
    let backtest = part("backtest");
    let (_, table) = backtest
        .split_once("<caption>Root mean squared error by window</caption>")
        .expect("a table");
    let (table, _) = table.split_once("</table>").expect("its end");
    let windows = values(table);
    assert_eq!(windows.len(), 10, "five windows of two models: {table}");
    let mean = |model: usize| windows.iter().skip(model).step_by(2).sum::<f64>() / 5.0;
    let board = numbers("leaderboard", "rmse_mean");
    assert!(
        close(mean(0), board[0]) && close(mean(1), board[1]),
        "{windows:?} {board:?}"
    );
    // As many values inside the intervals as the table of the back-test has.
    let model = column(&project, "cv_results", "model");
    let [y, low, high] = ["y", "lo", "hi"].map(|name| numbers("cv_results", name));
    let best = column(&project, "leaderboard", "model")[0].clone();
    let of_best = || (0..y.len()).filter(|at| model[*at] == best);
    let inside = of_best().filter(|at| low[*at] <= y[*at] && y[*at] <= high[*at]).count();
    assert!(
        backtest.contains(&format!("{inside} of {}", of_best().count())),
        "{backtest}"
    );
    assert!(backtest.contains("promised 95 %"), "{backtest}");
    let quality = part("quality");
    assert!(
        quality.contains("<data value=\"2928\">2928</data>") && quality.contains("missing times"),
        "{quality}"
    );
    assert!(
        quality.contains(": <strong>valid</strong>") && quality.contains(">holds<"),
        "{quality}"
    );
    assert!(part("provenance").contains("<code>predictions</code>") || part("provenance").contains("predictions"));
    // The page is a function of the project's state.
    project
        .atsaf("report predictions")
        .is(0, "`report.html` says the same already\n");
    project.build("predictions -s n_windows=4").ok();
    project.atsaf("report predictions").ok();
    let changes = project.read("report.html");
    let changes = changes.split("<section id=\"changes\"").nth(1).expect("a part");
    assert!(
        changes.contains("leaderboard") && changes.contains("rmse_mean"),
        "{changes}"
    );
}

/// A project whose builds end with the page.
const STANDING: &str = r#"
[project]
name = "shop"
default = ["sum"]
report = true

[params]
factor = 2

[target.sum]
run = "echo sum >> ../ran; awk '{ s += $1 } END { print s * {{factor}} }' {{inputs}} > {{output}}"
inputs = ["day.csv"]
output = "out/sum.txt"

[target.other]
run = "touch {{output}}"
output = "out/other"
"#;

fn standing() -> Project {
    let project = Project::new(STANDING);
    project.write("day.csv", "1\n2\n");
    project
}

#[test]
fn with_report_each_build_that_did_something_ends_with_the_page() {
    let project = standing();
    let told = project.atsaf("status");
    told.has("stale  report.html  not written yet\n");
    project.build("").has("wrote `report.html`\n");
    assert!(
        project
            .read("report.html")
            .contains("<title>shop · atsaf report</title>")
    );
    project
        .atsaf("status")
        .has("fresh  report.html  it tells of what was built\n");
    project.atsaf("status --exit-code").ok();
    project
        .atsaf("why report.html")
        .is(0, "`report.html` is fresh: it tells of what was built\n");
    // Nothing to do, first without and then with a seal: the file stays.
    let written = std::fs::metadata(project.at("report.html"))
        .expect("there")
        .modified()
        .expect("known");
    for _ in 0..3 {
        let told = project.build("");
        told.has("nothing to do");
        assert!(!told.text.contains("wrote"), "{}", told.text);
    }
    let now = std::fs::metadata(project.at("report.html"))
        .expect("there")
        .modified()
        .expect("known");
    assert_eq!(written, now);
    // The same page as by hand.
    project.atsaf("report").has("says the same already");
    // It is made again where it is gone, emptied, or of something else.
    project.remove("report.html");
    let told = project.build("");
    told.has("nothing to do");
    told.has("wrote `report.html`\n");
    project.atsaf("report other").ok();
    project.atsaf("status --exit-code").exits(3);
    project.build("").has("wrote `report.html`\n");
    project.edit("Atsaffile", "factor = 2", "factor = 3");
    project.build("sum").has("wrote `report.html`\n");
    assert!(
        project.read("report.html").contains("<span class=\"key\">factor")
            || project.read("report.html").contains("factor")
    );
    // Another goal than those that it is about changes nothing on it.
    let told = project.build("other");
    assert!(!told.text.contains("wrote"), "{}", told.text);
    assert_eq!(project.ran(), "sum sum");
}

#[test]
fn the_page_is_a_goal_and_tells_of_a_failure_too() {
    let project = standing();
    let told = project.build("./report.html");
    told.has("wrote `report.html`");
    assert_eq!(project.ran(), "sum");
    assert!(!project.at("out/other").exists());
    let told = project.build("--json other");
    assert!(!told.text.contains("\"event\":\"report\""), "{}", told.text);
    project.write("day.csv", "1\n");
    project.edit("Atsaffile", "echo sum >> ../ran", "exit 3");
    let told = project.build("--json");
    told.exits(1);
    told.has("{\"event\":\"report\",\"file\":\"report.html\"}");
    assert!(project.read("report.html").contains("failed"));
    let status: serde_json::Value = serde_json::from_str(&project.atsaf("status --json").text).expect("JSON");
    assert_eq!(status["report"]["state"], "fresh");
    project.edit("Atsaffile", "report = true", "report = false");
    project.build("report.html").exits(2);
    project.edit("Atsaffile", "report = false", "report = 1");
    project.build("").has("`report` must be true or false, found");
}

#[test]
fn a_page_that_could_not_be_written_keeps_a_build_from_beginning() {
    let project = standing();
    project.write("report.html", "mine");
    project.build("").is(
        2,
        "\
error: `report.html` is there, and is no page of `atsaf report`
  note: `report = true` of `[project]` has each build write the page there
  help: move that away; or leave out `report = true`, and write the page with `atsaf report -o FILE`
",
    );
    assert_eq!(project.ran(), "");
    assert_eq!(project.read("report.html"), "mine");
    project.remove("report.html");
    project.edit("Atsaffile", "out/other", "report.html");
    let told = project.build("");
    told.exits(2);
    told.has("error: `report.html` is an output of the target `other`");
}

#[test]
fn no_pattern_finds_the_page_and_no_seal_says_that_it_is_fresh_before_it_is() {
    let project = Project::new(&STANDING.replace("[\"day.csv\"]", "[\"day.csv\", \"*.html\"]"));
    project.write("day.csv", "1\n2\n");
    project.write("other.html", "3\n");
    project.build("").has("wrote `report.html`\n");
    assert!(
        !project.at(".atsaf/v1/seals").exists(),
        "the page came after all that it would tell of"
    );
    project.build("").has("nothing to do");
    project.atsaf("status --exit-code").ok();
    assert_eq!(project.ran(), "sum");
    // Nor can a target make something below it.
    project.write("Atsaffile", STANDING.replace("out/sum.txt", "report.html/sum.txt"));
    project.remove("report.html");
    let told = project.build("");
    told.exits(2);
    told.has("error: `report.html/sum.txt`, which a target makes, lies in `report.html`");
    assert_eq!(project.ran(), "");
}
