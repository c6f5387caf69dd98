//! Targets with `each`: what runs, comes back or stays, and how their instances are named and told.

use super::project::Project;

/// A pipeline for two regions and two fuels, and what they have in common.
const PIPELINE: &str = r#"
[params]
horizon = 24

[matrix]
region = ["TEX", "CAL"]
fuel = ["NG", "SUN"]
exclude = [{ region = "CAL", fuel = "SUN" }]

[alias]
gas = ["fit@*,NG"]

[target.clean]
each = ["region"]
run = "echo clean@{{region}} >> ../ran; cat raw/{{region}}.csv > {{output}}"
inputs = ["raw/{{region}}.csv"]
output = "clean/{{region}}.csv"

[target.fit]
each = ["region", "fuel"]
run = "echo fit@{{region}},{{fuel}} >> ../ran; echo {{horizon}} {{fuel}} | cat - {{input.clean}} | tee {{output.model}} > {{output.log}}"
inputs = ["clean"]
outputs = { model = "fit/{{region}}-{{fuel}}", log = "log/{{region}}-{{fuel}}" }

[target.best]
each = ["region"]
run = "echo best@{{region}} >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["model@*"]
output = "best/{{region}}"

[target.all]
run = "echo all >> ../ran; cat {{input.best}} > {{output}}"
inputs = ["best@*"]
output = "all.txt"
"#;

fn pipeline() -> Project {
    let project = Project::new(PIPELINE);
    project.write("raw/TEX.csv", "tex\n");
    project.write("raw/CAL.csv", "cal\n");
    project
}

fn sorted(ran: &str) -> Vec<&str> {
    let mut ran: Vec<&str> = ran.split_whitespace().collect();
    ran.sort_unstable();
    ran
}

#[test]
fn every_instance_is_a_target_of_its_own() {
    let project = pipeline();
    project.build("").exits(0);
    assert_eq!(
        sorted(&project.ran()),
        [
            "all",
            "best@CAL",
            "best@TEX",
            "clean@CAL",
            "clean@TEX",
            "fit@CAL,NG",
            "fit@TEX,NG",
            "fit@TEX,SUN"
        ]
    );
    assert_eq!(project.read("all.txt"), "24 NG\ntex\n24 SUN\ntex\n24 NG\ncal\n");
    project.build("").exits(0);
    assert_eq!(project.ran(), "");
    project.write("raw/CAL.csv", "cal2\n");
    project.build("").exits(0);
    assert_eq!(project.ran(), "clean@CAL fit@CAL,NG best@CAL all");
    project.build("-s horizon=48").exits(0);
    assert_eq!(
        sorted(&project.ran()),
        ["all", "best@CAL", "best@TEX", "fit@CAL,NG", "fit@TEX,NG", "fit@TEX,SUN"]
    );
}

#[test]
fn goals_name_some_or_all_instances() {
    for (goal, ran) in [
        ("clean@TEX", &["clean@TEX"][..]),
        ("clean", &["clean@CAL", "clean@TEX"]),
        ("clean@*", &["clean@CAL", "clean@TEX"]),
        ("clean/CAL.csv", &["clean@CAL"]),
        ("fit@TEX,*", &["clean@TEX", "fit@TEX,NG", "fit@TEX,SUN"]),
        ("fit.model@*,SUN", &["clean@TEX", "fit@TEX,SUN"]),
        ("model@CAL,NG", &["clean@CAL", "fit@CAL,NG"]),
        ("gas", &["clean@CAL", "clean@TEX", "fit@CAL,NG", "fit@TEX,NG"]),
    ] {
        let project = pipeline();
        project.build(goal).exits(0);
        assert_eq!(sorted(&project.ran()), ran, "{goal}");
    }
    let project = pipeline();
    let told = project.build("fit@TEX,SUNN");
    told.exits(2);
    told.has("no target, artifact or alias is named `fit@TEX,SUNN`");
    told.has("did you mean `fit@TEX,SUN`?");
    project.edit(
        "Atsaffile",
        "\n[params]",
        "\n[project]\ndefault = [\"fit@*,NG\"]\n[params]",
    );
    project.build("").exits(0);
    assert_eq!(
        sorted(&project.ran()),
        ["clean@CAL", "clean@TEX", "fit@CAL,NG", "fit@TEX,NG"]
    );
}

#[test]
fn all_commands_know_instances() {
    let project = pipeline();
    project.build("").exits(0);
    project.write("raw/CAL.csv", "cal2\n");
    project.atsaf("why clean@CAL").has("clean@CAL is stale: it must run");
    project.atsaf("why fit@TEX,NG").has("fit@TEX,NG is fresh");
    project
        .atsaf("why model@TEX,NG")
        .has("model@TEX,NG is fresh: built by fit@TEX,NG in");
    project.atsaf("logs fit@TEX,NG").has("`fit@TEX,NG` printed nothing");
    project.atsaf("log best@TEX").has("built");
    project.atsaf("show clean@TEX").has("clean/TEX.csv");
    let models = project.atsaf("show model@TEX,*");
    models.exits(0);
    models.has("model@TEX,NG");
    models.has("model@TEX,SUN");
    assert!(!models.text.contains("log@"), "{}", models.text);
    project.atsaf("list fit@CAL,NG").has("clean@CAL");
    let several = project.atsaf("logs fit");
    several.exits(2);
    several.has("`fit` means several targets, and one is wanted");
    let cleaned = project.atsaf("clean log@TEX,*");
    cleaned.exits(0);
    cleaned.has("log/TEX-SUN");
    assert!(
        !project.at("log/TEX-NG").exists() && project.at("fit/TEX-NG").exists() && project.at("log/CAL-NG").exists()
    );
    project.atsaf("clean fit").exits(0);
    assert!(!project.at("fit/TEX-NG").exists() && !project.at("log/CAL-NG").exists());
}

#[test]
fn an_axis_that_is_added_finds_the_results_of_before() {
    let without = r#"
[params]
region = "TEX"
[target.clean]
run = "echo clean >> ../ran; cat raw/{{region}}.csv > {{output}}"
output = "clean/{{region}}.csv"
[target.fit]
run = "echo fit >> ../ran; cat {{input.clean}} > {{output.model}}; echo > {{output.log}}"
inputs = ["clean"]
outputs = { model = "fit/{{region}}", log = "log/{{region}}" }
"#;
    let project = Project::new(without);
    project.write("raw/TEX.csv", "tex\n");
    project.write("raw/CAL.csv", "cal\n");
    project.build("").exits(0);
    assert_eq!(project.ran(), "clean fit");
    let with = without
        .replace("[params]\nregion = \"TEX\"", "[matrix]\nregion = [\"TEX\"]")
        .replace("clean]\n", "clean]\neach = [\"region\"]\n")
        .replace("fit]\n", "fit]\neach = [\"region\"]\n");
    project.write("Atsaffile", &with);
    let told = project.build("");
    told.exits(0);
    told.has("2 restored");
    assert_eq!(project.ran(), "", "results are found by what they were made from");
    project.write("Atsaffile", with.replace("[\"TEX\"]", "[\"CAL\", \"TEX\"]"));
    project.build("").exits(0);
    assert_eq!(project.ran(), "clean fit", "the new value alone");
    project.write("Atsaffile", with.replace("[\"TEX\"]", "[\"CAL\"]"));
    project.build("").exits(0);
    assert_eq!(project.ran(), "");
    assert!(project.at("fit/TEX").exists(), "it stays as it is");
    let orphans = project.atsaf("clean --orphans");
    orphans.exits(0);
    for path in ["clean/TEX.csv", "fit/TEX", "log/TEX"] {
        orphans.has(path);
        assert!(!project.at(path).exists(), "{path}");
    }
    assert!(project.at("fit/CAL").exists());
}

#[test]
fn a_sample_is_one_file_and_a_plant_one_row() {
    let project = Project::new(
        r#"
[matrix]
sample = { glob = "data/*.fastq" }
plant = { rows = "plants.csv", key = "code" }
[target.map]
each = ["sample"]
run = "echo map@{{sample}} >> ../ran; cat {{sample.path}} > {{output}}"
output = "map/{{sample}}"
[target.plant]
each = ["plant"]
run = "echo plant@{{plant}} >> ../ran; echo {{plant.capacity}} > {{output}}"
output = "plant/{{plant}}"
"#,
    );
    let empty = project.build("");
    empty.exits(2);
    empty.has("the axis `sample` has no values: `data/*.fastq` matches no file");
    empty.has("the table `plants.csv` cannot be read");
    project.write("data/A.fastq", "a");
    project.write("plants.csv", "code,capacity\nP1,10\n");
    project.build("").exits(0);
    assert_eq!(sorted(&project.ran()), ["map@A", "plant@P1"]);
    project.build("").has("nothing to do");
    project.write("data/B.fastq", "b");
    project.write("plants.csv", "code,capacity\nP1,10\nP2,20\n");
    project.build("").exits(0);
    assert_eq!(sorted(&project.ran()), ["map@B", "plant@P2"]);
    project.write("plants.csv", "code,name,capacity\nP2,two,20\nP1,one,11\n");
    project.write("data/A.fastq", "aa");
    project.build("").exits(0);
    assert_eq!(sorted(&project.ran()), ["map@A", "plant@P1"]);
    project.edit(
        "Atsaffile",
        "output = \"map/{{sample}}\"",
        "output = \"data/{{sample}}.x.fastq\"",
    );
    let made = project.build("");
    made.exits(2);
    made.has("the axis `sample` has its values from `data/A.x.fastq`, which is an artifact");
}

#[test]
fn what_one_instance_lacks_is_told_once_for_all() {
    let values: Vec<String> = (0..200).map(|number| format!("\"v{number}\"")).collect();
    let project = Project::new(&format!(
        "[matrix]\nv = [{}]\n[target.t]\neach = [\"v\"]\nrun = \"cat {{{{inputs}}}} > {{{{output}}}}\"\ninputs = [\"raw/{{{{v}}}}.csv\", \"out/x\"]\noutput = \"out/x/{{{{v}}}}\"\n",
        values.join(", ")
    ));
    let told = project.build("");
    told.exits(2);
    assert_eq!(told.text.matches("error:").count(), 1, "{}", told.text);
    told.has("and 199 more of this kind");
    project.edit("Atsaffile", ", \"out/x\"", "");
    let told = project.build("");
    told.exits(2);
    assert_eq!(told.text.matches("error:").count(), 1, "{}", told.text);
    told.has("raw/v0.csv");
    told.has("and 199 more of this kind");
}
