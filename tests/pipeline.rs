//! The bundled pipeline as a user meets it: what each change leads to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use regex::bytes::Regex;
use snapbox::str;

use crate::project::{Project, copy_tree, even, interrupt, until};

/// The repository's own pipeline and pages, copied.
fn pipeline() -> Project {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let atsaffile = fs::read_to_string(repository.join("Atsaffile")).expect("read");
    let project = Project::new(&atsaffile);
    copy_tree(&repository.join("fixtures"), &project.at("fixtures")).expect("copied");
    project
}

/// The same with two quick models instead of eight, built.
fn quick() -> Project {
    let project = pipeline();
    let text = project.read("Atsaffile");
    let (before, rest) = text.split_once("models     = [").expect("the models");
    let after = rest.split_once(']').expect("their end").1;
    project.write(
        "Atsaffile",
        format!("{before}models = [\"SeasonalNaive\", \"LagRidge\"]{after}"),
    );
    project.build("predictions").ok();
    project
}

#[test]
fn a_longer_horizon_retrains_and_forecasts_and_the_former_one_comes_back() {
    let project = quick();
    project.build("predictions -s horizon=48").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 3 fresh
start      train     horizon 24 -> 48
built      train  [TIME]
start      forecast  horizon 24 -> 48; selected content [CONTENT] -> [CONTENT]
built      forecast  [TIME]
2 built, 3 fresh in [TIME]
leaderboard (rmse)  LagRidge 6,271 -> 4,663 (-25.6 %), 1st as before

"#]],
    );
    project.build("predictions").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 3 fresh
restored   train     from run [RUN] ([TIME] ago); horizon 48 -> 24
restored   forecast  from run [RUN] ([TIME] ago); horizon 48 -> 24; selected content [CONTENT] -> [CONTENT]
2 restored, 3 fresh in [TIME]
leaderboard (rmse)  LagRidge 4,663 -> 6,271 (+34.5 %), 1st as before

"#]],
    );
}

#[test]
fn a_window_less_retrains_and_forecasts_only_if_another_model_wins() {
    let project = quick();
    project.build("predictions -s n_windows=4").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 3 fresh
start      train     n_windows 5 -> 4
built      train  [TIME], unchanged: selected
fresh      forecast  nothing that it depends on changed
1 built, 4 fresh in [TIME]
leaderboard (rmse)  LagRidge 6,271 -> 6,400 (+2.1 %), 1st as before

"#]],
    );
    project.build("predictions").ok();
    project.build("predictions -s models=SeasonalNaive").is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 3 fresh
start      train     models ["SeasonalNaive", "LagRidge"] -> ["SeasonalNaive"]; LagRidge version no longer used (was 2)
built      train  [TIME]
start      forecast  selected content [CONTENT] -> [CONTENT]
built      forecast  [TIME]
2 built, 3 fresh in [TIME]
leaderboard (rmse)  SeasonalNaive 9,716, was 2nd, now 1st
            LagRidge is not ranked any more, was 1st

"#]],
    );
    // A leaderboard is compared without being named.
    let told = project.atsaf("diff --metrics");
    told.ok();
    told.has("US48_NG.LagRidge.rmse_mean      6,271 -> -   gone\n");
    told.has("US48_NG.SeasonalNaive.rank      2 -> 1       -50.0 %\n");
}

#[test]
fn a_page_that_is_written_anew_with_the_same_rows_ends_at_ingest() {
    let project = quick();
    let page = project.read("fixtures/eia/page-1.json");
    project.write("fixtures/eia/page-1.json", page + "\n");
    project.build("predictions").is(
        0,
        str![[r#"
run [RUN]: 5 targets to look at, 0 fresh
start      ingest    source content [CONTENT] -> [CONTENT]
unchanged  ingest  [TIME], made the same as before
fresh      prepare   nothing that it depends on changed
fresh      validate  nothing that it depends on changed
fresh      train     nothing that it depends on changed
fresh      forecast  nothing that it depends on changed
1 built, 4 fresh in [TIME]

"#]],
    );
}

#[test]
fn a_comment_runs_nothing_and_an_artifact_that_is_gone_or_edited_comes_back() {
    let project = quick();
    let text = project.read("Atsaffile");
    project.write("Atsaffile", format!("# another comment\n{text}"));
    project.build("predictions").is(
        0,
        str![[r#"
nothing to do: 5 targets are fresh

"#]],
    );
    let built = project.files();
    project.remove("artifacts/leaderboard.parquet");
    project.build("predictions").ok();
    assert_eq!(project.files(), built);
    project.write("artifacts/leaderboard.parquet", "by hand");
    project.build("predictions").ok();
    assert_eq!(project.files(), built);
    assert_eq!(project.displaced(), ["by hand"]);
}

#[test]
fn forced_builds_leave_the_same_files_and_another_directory_gets_the_same_contents() {
    let project = quick();
    let built = project.files();
    project.build("predictions --force").ok();
    assert_eq!(project.files(), built);
    let told = project.atsaf("run --output-dir out2/ predictions");
    told.is(
        0,
        str![[r#"
run [RUN]: 2 targets to look at, 3 fresh
restored   train     from run [RUN] ([TIME] ago); cv_results out2/cv_results.parquet is missing; leaderboard out2/leaderboard.parquet is missing; selected out2/selected.json is missing
restored   forecast  from run [RUN] ([TIME] ago); predictions out2/predictions.parquet is missing
2 restored, 3 fresh in [TIME]
leaderboard (rmse)  LagRidge 6,271, 1st of 2

"#]],
    );
    let again = quick();
    assert!(contents(&again) == contents(&project), "the same but for the run's id");
}

/// The bytes of what was built in the usual places, with every run id put out.
fn contents(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let id = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").expect("a pattern");
    let built = project.files().into_iter();
    let built = built.filter(|(path, _)| path.starts_with("artifacts/") || path.starts_with("data/"));
    let built: BTreeMap<_, _> = built
        .map(|(path, bytes)| (path, id.replace_all(&bytes, &b"RUN"[..]).into_owned()))
        .collect();
    assert_eq!(built.len(), 8, "{:?}", built.keys());
    built
}

#[test]
fn a_validation_that_fails_stops_the_build_and_leaves_its_file_to_be_read() {
    let project = quick();
    let built = project.files();
    let told = project.build("predictions -s min_length=100000");
    assert_eq!(told.code, Some(1), "{}", told.text);
    assert!(told.text.contains("skipped    train"), "{}", told.text);
    let left = project.store();
    let kept = left
        .iter()
        .find(|(path, _)| path.ends_with("validate/files/data/validation.json"));
    let (_, json) = kept.expect("the file of the failed attempt");
    assert!(String::from_utf8_lossy(json).contains("\"length\""));
    assert_eq!(project.files(), built, "what was built before is as it was");
}

#[test]
fn a_back_test_in_which_all_models_fail_leaves_what_was_built_before() {
    let project = quick();
    let built = project.files();
    let told = project.build("predictions -s n_windows=1 -s horizon=2700 -s models=DoubleSeasonalHoltWinters");
    assert_eq!(told.code, Some(1), "{}", told.text);
    for part in [
        "no model could forecast any window",
        "`DoubleSeasonalHoltWinters`: `US48_NG` at the cutoff 2023-06-10 11:00:00: \
         DoubleSeasonalHoltWinters needs at least 384 values, found 228",
        "skipped    forecast",
    ] {
        assert!(told.text.contains(part), "{part}: {}", told.text);
    }
    assert_eq!(project.files(), built);
}

#[test]
fn wrong_values_are_told_before_anything_runs() {
    let project = pipeline();
    for (set, parts) in [
        (
            "models=SesonalNaive",
            &["`models`", "did you mean `SeasonalNaive`?"][..],
        ),
        ("level=100", &["`level`", "between 0 and 100", "found float 100.0"]),
        ("level=0", &["`level`", "between 0 and 100", "found float 0.0"]),
        (
            "horizon=20000",
            &["`horizon`", "from 1 to 10000", "found integer 20000"],
        ),
    ] {
        let told = project.build(&format!("predictions -s {set}"));
        assert_eq!(told.code, Some(2), "{set}: {}", told.text);
        for part in parts {
            assert!(told.text.contains(part), "{set}, {part}: {}", told.text);
        }
    }
    assert!(!project.at(".atsaf").exists() && !project.at("data").exists());
}

#[test]
fn a_back_test_that_is_interrupted_leaves_nothing() {
    let project = pipeline();
    let child = project.start("build predictions -j1");
    until("the back-test has begun", || child.text().contains("start      train"));
    interrupt(child.id());
    let told = child.collect();
    assert_eq!(told.code, Some(130), "{}", told.text);
    assert!(told.text.contains("stopped    train"), "{}", told.text);
    assert!(project.at("data/clean.parquet").exists() && !project.at("artifacts").exists());
}

#[test]
fn why_tells_how_much_was_remembered() {
    let project = quick();
    project.build("predictions -s n_windows=4").ok();
    let told = project.atsaf("why train -s n_windows=4");
    let line = "said         8 of 8 forecasts were remembered  atsaf logs train";
    assert_eq!(
        even(&told.text).lines().last(),
        Some(even(line).as_str()),
        "{}",
        told.text
    );
}

#[test]
fn demand_is_forecast_from_its_own_route_and_pages_of_another_are_told() {
    let project = Project::new("");
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demand");
    project.write("Atsaffile", fs::read(bundled.join("Atsaffile")).expect("read"));
    copy_tree(&bundled.join("pages"), &project.at("pages")).expect("copied");
    project.build("").ok();
    let told = project.atsaf("show predictions");
    told.has("24 rows");
    told.has("TEX_D");
    project.build("").has("nothing to do");
    let told = project.build("ingest -s route=fuel-type-data");
    told.exits(1);
    told.has("the answer holds rows of the route `region-data`; `fuel-type-data` is read");
    told.has("help: set `route = \"region-data\"`");
}
