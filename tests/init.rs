//! From an empty directory to a first result, by `atsaf init`.

use crate::project::Project;

/// A project whose directory is empty.
fn empty() -> Project {
    let project = Project::new("");
    project.remove("Atsaffile");
    project
}

#[test]
fn a_project_of_commands_is_begun_built_and_asked() {
    let project = empty();
    project.atsaf("init shell").ok();
    project.build("").ok();
    assert_eq!(project.read("out/report.txt"), "3 of 4 numbers are 10 or more\n");
    project.build("").has("nothing to do: 3 targets are fresh");
    project.atsaf("why report -s least=30").has("least");
    project.atsaf("doctor").has("all is well");
    project.atsaf("init minimal").exits(2);
}

#[cfg(feature = "forecasting")]
#[test]
fn the_demo_forecasts_offline_and_shows_it() {
    let project = empty();
    project.atsaf("init demo").has("next  atsaf build");
    let told = project.build("");
    told.ok();
    told.has("leaderboard (rmse)  ");
    told.has(", 1st of 4\n");
    project.build("").has("nothing to do: 5 targets are fresh");
    let shown = project.atsaf("show predictions");
    shown.has("unique_id");
    shown.has("demand: yhat from 2024-03-04 on, shaded its interval of 90 %");
    let board = project.atsaf("show leaderboard");
    assert!(
        board.text.lines().any(|line| line.trim_start().starts_with("1  ")),
        "{}",
        board.text
    );
    assert!(board.text.contains('█'), "{}", board.text);
    // Another horizon, with what it did to the models; and the same told by a page.
    let told = Told::in_ci(&project, "build -s n_windows=4");
    told.ok();
    told.has(" -> ");
    let page = project.read("../summary.md");
    assert!(
        page.contains("| train | built |") && page.contains("#### leaderboard (rmse)"),
        "{page}"
    );
    assert!(page.contains("| rank | model | before | now | |"), "{page}");
    // What the models had said before, cell by cell.
    let diff = project.atsaf("diff leaderboard");
    diff.ok();
    diff.has("column  rmse_mean");
}

#[cfg(feature = "forecasting")]
#[test]
fn a_file_of_ones_own_is_forecast_in_two_commands() {
    let project = empty();
    let bundled = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/visitors/visitors.csv");
    project.write("visitors.csv", std::fs::read(bundled).expect("read"));
    let told = project.atsaf("init csv visitors.csv");
    told.has("daily (Tue–Sun)");
    told.has("separator \";\"");
    project.build("-s models=SeasonalNaive,HoltWinters").ok();
    project.atsaf("show predictions").has("2024-12-31");
}

/// A command of a CI, which shows a page with each run.
struct Told;

impl Told {
    fn in_ci(project: &Project, args: &str) -> crate::project::Told {
        let mut command = project.command(args);
        command.env("GITHUB_STEP_SUMMARY", project.at("../summary.md"));
        crate::project::Told::of(&mut command)
    }
}

#[test]
fn a_page_tells_what_ran_and_what_failed() {
    let project = Project::new(
        "[target.good]\nrun = \"echo a > {{output}}\"\noutput = \"good\"\n\n[target.bad]\nrun = \"echo '```' '<b>'; false > {{output}}\"\noutput = \"bad\"\n\n\
         [target.after]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"bad\"]\noutput = \"after\"\n",
    );
    let told = project.atsaf("build -j1 -k --summary page.md");
    told.exits(1);
    let page = project.read("page.md");
    assert!(
        page.starts_with("### atsaf: 1 failed (bad), 1 skipped, 1 built in "),
        "{page}"
    );
    for part in [
        "| good | built | ",
        "| bad | **failed** |  | never built |",
        "| after | skipped |  | bad failed |",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What a command printed cannot end the block that it stands in.
    assert!(
        page.contains("\n````text\n") && page.trim_end().ends_with("\n````"),
        "{page}"
    );
    // A page is added to the file, also where there is nothing to do.
    project.edit("Atsaffile", "false", "echo b");
    project.atsaf("build").ok();
    Told::in_ci(&project, "build").ok();
    assert!(
        project
            .read("../summary.md")
            .contains("nothing to do: 3 targets are fresh")
    );
    let told = project.atsaf("build -B --summary absent/page.md");
    told.exits(2);
    told.has("the summary cannot be written");
}
