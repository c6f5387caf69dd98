//! The pipeline for several respondents, as it is bundled: what each change runs, and the table that compares them.

use std::path::Path;

use serde_json::Value;

use crate::project::{Project, copy_tree};

/// The bundled project, built.
fn respondents() -> Project {
    let project = Project::new("");
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/respondents");
    project.write("Atsaffile", std::fs::read(bundled.join("Atsaffile")).expect("read"));
    copy_tree(&bundled.join("pages"), &project.at("pages")).expect("copied");
    project.build("").ok();
    project
}

/// What a build with these arguments would run, or might; sorted.
fn planned(project: &Project, args: &str) -> Vec<String> {
    let plan = project.atsaf(&format!("plan {args} --json"));
    let plan: Value = serde_json::from_str(&plan.text).expect("JSON");
    let steps = plan["steps"].as_array().expect("steps").iter();
    let open = steps.filter(|step| step["verdict"] != "keep");
    let mut open: Vec<String> = open
        .map(|step| step["target"].as_str().expect("a name").to_owned())
        .collect();
    open.sort_unstable();
    open
}

fn each(target: &str) -> impl Iterator<Item = String> {
    let respondents = ["CAL", "MIDA", "MISO", "NY", "TEX"];
    respondents
        .into_iter()
        .map(move |respondent| format!("{target}@{respondent},NG"))
}

/// Other values of some hours of a respondent's gas.
fn new_hours(project: &Project, respondent: &str) {
    let path = format!("pages/{respondent}-NG/page-0.json");
    let text = project.read(&path).replace("\"value\":\"9", "\"value\":\"8");
    project.write(&path, text);
}

#[test]
fn each_change_runs_the_chains_that_it_concerns() {
    let project = respondents();
    project.build("").has("nothing to do: 37 targets are fresh");

    // A longer horizon: training and forecasts, ten targets for the gas of five respondents.
    let expected: Vec<String> = each("forecast").chain(each("train")).collect();
    assert_eq!(planned(&project, "predictions@*,NG -s horizon=48"), expected);
    project
        .build("predictions@*,NG -s horizon=48")
        .has("10 built, 15 fresh");
    project.build("predictions@*,NG").has("10 restored, 15 fresh");

    // New hours of one: its chain alone, and the table.
    new_hours(&project, "NY");
    let told = project.build("");
    told.ok();
    for instance in ["ingest@NY,NG", "prepare@NY,NG", "train@NY,NG", "forecast@NY,NG"] {
        told.has(&format!("built      {instance}"));
    }
    assert!(!told.text.contains("@TEX"), "{}", told.text);

    // One respondent more: its six targets, and the table.
    let text = project.read("pages/NY-NG/page-0.json").replace("\"NY\"", "\"NW\"");
    project.write("pages/NW-NG/page-0.json", text);
    project.edit("Atsaffile", "\"NY\", \"TEX\"]", "\"NW\", \"NY\", \"TEX\"]");
    project.edit(
        "Atsaffile",
        "    { respondent = \"NY\",",
        "    { respondent = \"NW\", fueltype = \"SUN\" },\n    { respondent = \"NY\",",
    );
    let six = ["forecast", "ingest", "prepare", "register", "train", "validate"];
    let six = six.map(|target| format!("{target}@NW,NG"));
    assert_eq!(planned(&project, ""), [&["compare".to_owned()], &six[..]].concat());
    project.build("").has("7 built, 36 fresh");
}

#[test]
fn one_table_compares_the_respondents_and_names_the_run() {
    let project = respondents();
    let table = project.atsaf("show comparison --origin");
    table.ok();
    // Four models for each of six series.
    table.has("24 rows");
    table.has("from  leaderboard@TEX,SUN, artifacts/TEX/SUN/leaderboard.parquet");
    let names = "respondent  fueltype  unique_id  model";
    table.has(names);
    let runs = |text: &str| {
        let run = text.split_once("in run ").expect("a run").1;
        run.split_once(',').expect("its end").0.to_owned()
    };
    let first = project.atsaf("show leaderboard@TEX,SUN");
    first.ok();
    assert_eq!(runs(&first.text), runs(&table.text));
}

#[test]
fn a_respondent_that_fails_stops_its_own_chain_alone() {
    let project = respondents();
    project.write("pages/MISO-NG/page-0.json", "no JSON");
    new_hours(&project, "CAL");
    let told = project.build("");
    told.exits(1);
    told.has("ingest@MISO,NG");
    told.has("built      forecast@CAL,NG");
    assert!(!told.text.contains("built      train@MISO,NG"), "{}", told.text);
}
