//! Links: in directories that are read, on the way to an artifact, and on the way to an output.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::project::Project;

fn link(project: &Project, to: &str, at: &str) {
    let at = project.at(at);
    fs::create_dir_all(at.parent().expect("a parent")).expect("made");
    let _ = fs::remove_file(&at);
    symlink(to, at).expect("linked");
}

#[test]
fn what_the_links_of_a_directory_artifact_lead_to_counts() {
    let project = Project::new(
        r#"
[params]
k = 1

[target.clean]
run = "echo clean >> ../ran; echo {{k}} > {{output}}/x"
output = "clean/"

[target.split]
run = "echo split >> ../ran; ln -s ../clean/x {{output}}/file; ln -s ../clean {{output}}/tree; ln -s file {{output}}/chain"
inputs = ["clean"]
output = "split/"

[target.train]
run = "echo train >> ../ran; cat {{input.split}}/file {{input.split}}/tree/x {{input.split}}/chain > {{output}}"
inputs = ["split"]
output = "model"
"#,
    );
    project.build("").ok();
    assert_eq!(
        (project.read("model").as_str(), project.ran().as_str()),
        ("1\n1\n1\n", "clean split train")
    );
    project.build("").ok();
    assert_eq!(project.ran(), "");
    project.build("-s k=2").ok();
    assert_eq!(project.read("model"), "2\n2\n2\n");
    project.build("-s k=2").ok();
    project.ran();
    // All comes back, without running.
    project.build("").ok();
    assert_eq!(
        (project.read("model").as_str(), project.ran().as_str()),
        ("1\n1\n1\n", "")
    );
    assert!(project.at("split/tree").is_symlink());
}

#[test]
fn what_a_link_in_an_artifact_leads_to_counts_although_nothing_declares_it() {
    let project = Project::new(
        r#"
[target.split]
run = "echo split >> ../ran; ln -s ../disk/x {{output}}/x"
output = "split/"

[target.train]
run = "echo train >> ../ran; cat {{input.split}}/x > {{output}}"
inputs = ["split"]
output = "model"
"#,
    );
    project.write("disk/x", "1");
    project.build("").ok();
    project.ran();
    project.write("disk/x", "2");
    project.build("").ok();
    assert_eq!((project.read("model").as_str(), project.ran().as_str()), ("2", "train"));
}

const READER: &str = "[target.t]\nrun = \"echo t >> ../ran; cat {{input.d}}/x/* {{input.d}}/y > {{output}}; ls -R {{input.d}} >> ../ls\"\n\
     inputs = { d = \"data/\" }\noutput = \"out\"\n";

#[test]
fn what_the_links_of_a_directory_source_lead_to_counts() {
    let project = Project::new(READER);
    project.write("disk/tree/sub", "1");
    project.write("disk/file", "1");
    link(&project, "../disk/tree", "data/x");
    link(&project, "../disk/second", "data/y");
    link(&project, "file", "disk/second");
    project.build("").ok();
    project.build("").ok();
    assert_eq!((project.read("out").as_str(), project.ran().as_str()), ("11", "t"));
    project.write("disk/tree/sub", "2");
    project.build("").ok();
    assert_eq!((project.read("out").as_str(), project.ran().as_str()), ("21", "t"));
    // A link in the middle of a chain leads elsewhere.
    project.write("disk/other", "3");
    link(&project, "other", "disk/second");
    project.build("").ok();
    assert_eq!((project.read("out").as_str(), project.ran().as_str()), ("23", "t"));
    project.write("disk/tree/new", "4");
    project.build("").ok();
    assert_eq!((project.read("out").as_str(), project.ran().as_str()), ("423", "t"));
}

#[test]
fn a_circle_of_links_is_reported_and_a_link_that_leads_nowhere_counts_by_its_text() {
    let project = Project::new(
        "[target.t]\nrun = \"echo t >> ../ran; cat {{input.d}}/a > {{output}}\"\ninputs = { d = \"data/\" }\noutput = \"out\"\n",
    );
    project.write("data/a", "1");
    link(&project, ".", "data/self");
    link(&project, "../../data", "data/sub/up");
    link(&project, "nowhere", "data/dangling");
    let told = project.build("");
    told.ok();
    assert!(
        told.text.contains("`data/self` is a link that leads back"),
        "{}",
        told.text
    );
    assert!(told.text.contains("`data/sub/up`"), "{}", told.text);
    project.build("").ok();
    assert_eq!(project.ran(), "t");
    link(&project, "elsewhere", "data/dangling");
    project.build("").ok();
    assert_eq!(project.ran(), "t");
    project.write("data/elsewhere", "now it is there");
    project.build("").ok();
    assert_eq!(project.ran(), "t");
}

#[test]
fn an_artifact_that_is_read_through_a_link_is_that_artifact() {
    for input in ["inputs = [\"latest/x\"]", ""] {
        let project = Project::new(&format!(
            r#"
[params]
v = 1

[target.b]
run = "echo b >> ../ran; cat latest/x > {{{{output}}}}"
{input}
output = "b"

[target.a]
run = "echo a >> ../ran; echo {{{{v}}}} > {{{{output}}}}"
output = "runs/1/x"
"#
        ));
        // It leads nowhere until the first build has made what it leads to.
        link(&project, "runs/1", "latest");
        project.build("").ok();
        assert_eq!(
            (project.read("b").as_str(), project.ran().as_str()),
            ("1\n", "a b"),
            "{input}"
        );
        project.build("b -s v=2").ok();
        assert_eq!(
            (project.read("b").as_str(), project.ran().as_str()),
            ("2\n", "a b"),
            "{input}"
        );
        project.build("-s v=2").ok();
        assert_eq!(project.ran(), "");
    }
}

#[test]
fn a_directory_artifact_that_is_read_through_a_link_is_that_artifact() {
    let project = Project::new(
        r#"
[params]
v = 1

[target.b]
run = "cat {{inputs}}/x > {{output}}"
inputs = ["latest/"]
output = "b"

[target.a]
run = "echo {{v}} > {{output}}/x"
output = "runs/1/"
"#,
    );
    link(&project, "runs/1", "latest");
    project.build("").ok();
    project.build("-s v=2").ok();
    assert_eq!(project.read("b"), "2\n");
}

#[test]
fn a_link_that_comes_to_lead_to_another_artifact_makes_its_readers_stale() {
    let project = Project::new(
        r#"
[target.b]
run = "cat latest/x > {{output}}"
inputs = ["latest/x"]
output = "b"

[target.one]
run = "echo 1 > {{output}}"
output = "runs/1/x"

[target.two]
run = "echo 2 > {{output}}"
output = "runs/2/x"
"#,
    );
    link(&project, "runs/1", "latest");
    project.build("").ok();
    link(&project, "runs/2", "latest");
    project.build("").ok();
    assert_eq!(project.read("b"), "2\n");
}

const SCRATCH: &str = r#"
[params]
v = 1

[target.t]
run = "echo t >> ../ran; echo {{v}} > {{output}}"
output = "results/sub/x"

[target.d]
run = "echo {{v}} > {{output}}/y"
output = "results/d/"
"#;

#[test]
fn an_output_below_a_link_of_the_project_is_placed_where_it_leads() {
    let disk = tempfile::tempdir().expect("a temporary directory");
    let near = |project: &Project| project.at("../scratch");
    let far = |_: &Project| disk.path().join("scratch");
    // Beside the project, and on what may be another file system.
    for scratch in [&near as &dyn Fn(&Project) -> std::path::PathBuf, &far] {
        let project = Project::new(SCRATCH);
        let scratch = scratch(&project);
        fs::create_dir_all(&scratch).expect("made");
        fs::File::create(scratch.join("mine")).expect("made");
        symlink(&scratch, project.at("results")).expect("linked");
        let read = |name: &str| fs::read_to_string(scratch.join(name)).expect("read");
        project.build("").ok();
        assert_eq!((read("sub/x").as_str(), read("d/y").as_str()), ("1\n", "1\n"));
        project.build("-s v=2").ok();
        assert_eq!((read("sub/x").as_str(), read("d/y").as_str()), ("2\n", "2\n"));
        project.ran();
        project.build("").ok();
        assert_eq!(
            (read("sub/x").as_str(), project.ran().as_str()),
            ("1\n", ""),
            "it comes back"
        );
        // Somebody else's file is kept.
        crate::project::write(&scratch.join("sub/x"), b"mine");
        project.build("").ok();
        assert_eq!(read("sub/x"), "1\n");
        assert_eq!(project.displaced(), ["mine"]);
        project.atsaf("clean").ok();
        let left: Vec<_> = files(&scratch);
        assert_eq!(left, ["mine"]);
        assert!(project.at("results").is_symlink());
        project.build("").ok();
        assert_eq!(read("sub/x"), "1\n");
    }
}

/// Names of all files below a directory.
fn files(directory: &Path) -> Vec<String> {
    let walk = walkdir::WalkDir::new(directory).into_iter().flatten();
    let files = walk.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_link_that_leads_to_no_directory_takes_no_output() {
    let project = Project::new(SCRATCH);
    link(&project, "../scratch", "results");
    let told = project.build("");
    assert_eq!(told.code, Some(2), "{}", told.text);
    assert!(
        told.text.contains("`results`, a link that leads to no directory"),
        "{}",
        told.text
    );
    assert!(told.text.contains("help:"), "{}", told.text);
    assert!(project.at("results").is_symlink() && !project.at("../scratch").exists());
    link(&project, ".atsaf", "results");
    fs::create_dir(project.at(".atsaf")).expect("made");
    let told = project.build("");
    assert_eq!(told.code, Some(2), "{}", told.text);
    assert!(told.text.contains("leads into `.atsaf/`"), "{}", told.text);
}

#[test]
fn two_outputs_that_a_link_leads_to_one_place_are_an_error() {
    let project = Project::new(
        "[target.a]\nrun = \"echo 1 > {{output}}\"\noutput = \"real/x\"\n[target.b]\nrun = \"echo 2 > {{output}}\"\noutput \
         = \"link/x\"\n",
    );
    fs::create_dir(project.at("real")).expect("made");
    link(&project, "real", "link");
    let told = project.build("");
    assert_eq!(told.code, Some(2), "{}", told.text);
    assert!(told.text.contains("two targets write"), "{}", told.text);
}

#[test]
fn an_output_that_a_link_leads_among_the_sources_of_another_target_is_an_error() {
    for (output, input, text) in [
        (
            "res/x",
            "src/",
            "the source `src` contains `res/x`, which is an artifact",
        ),
        (
            "res/x",
            "src/*",
            "the glob `src/*` matches `res/x`, which is an artifact",
        ),
        ("res/sub/", "src/sub/a", "`src/sub/a` lies inside the artifact `w`"),
        (
            "res/sub/",
            "src/*/a",
            "the glob `src/*/a` reaches into `res/sub`, which is an artifact",
        ),
    ] {
        let project = Project::new(&format!(
            "[target.w]\nrun = \"echo 2 > {{{{output}}}}\"\noutput = \"{output}\"\n[target.r]\nrun = \"ls {{{{inputs}}}} > \
             {{{{output}}}}\"\ninputs = [\"{input}\"]\noutput = \"out/r\"\n"
        ));
        project.write("src/sub/a", "1");
        link(&project, "src", "res");
        let told = project.build("");
        told.exits(2);
        told.has(text);
        told.has("a link of the project leads there");
        assert_eq!(project.read("src/sub/a"), "1");
    }
}

#[test]
fn a_file_that_an_output_is_through_a_link_is_that_artifact() {
    let project = Project::new(
        "[params]\nv = 1\n[target.r]\nrun = \"cat {{inputs}} > {{output}}\"\ninputs = [\"src/a\"]\noutput = \
         \"r\"\n[target.w]\nrun = \"echo {{v}} > {{output}}\"\noutput = \"res/a\"\n",
    );
    fs::create_dir(project.at("src")).expect("made");
    link(&project, "src", "res");
    for v in ["1", "2", "1"] {
        project.build(&format!("-s v={v}")).ok();
        assert_eq!(project.read("r"), format!("{v}\n"));
    }
}

#[test]
fn a_link_to_itself_among_the_matches_of_a_pattern_is_none() {
    let project = Project::new(
        r#"
[target.t]
run = "cat {{inputs}} > {{output}}"
inputs = ["d/**/*.csv"]
output = "out"
"#,
    );
    project.write("d/a.csv", "a\n");
    symlink("loop.csv", project.at("d/loop.csv")).expect("linked");
    symlink("one", project.at("d/two")).expect("linked");
    symlink("two", project.at("d/one")).expect("linked");
    symlink("nowhere.csv", project.at("d/gone.csv")).expect("linked");
    project.build("").ok();
    assert_eq!(project.read("out"), "a\n");
}

#[test]
fn a_link_to_an_artifact_among_the_matches_of_a_pattern_is_that_artifact() {
    let project = Project::new(
        r#"
[params]
k = 1

[target.reader]
run = "echo reader >> ../ran; cat {{inputs}} > {{output}}"
inputs = ["in/*.csv"]
output = "out"

[target.made]
run = "echo made >> ../ran; echo {{k}} > {{output}}"
output = "gen/made.csv"
"#,
    );
    project.write("in/a.csv", "a\n");
    symlink("../gen/made.csv", project.at("in/b.csv")).expect("linked");
    project.build("").ok();
    assert_eq!(project.ran(), "made reader");
    assert_eq!(project.read("out"), "a\n1\n");
    let plan = project.atsaf("plan -s k=2");
    plan.has("undecided  reader");
    project.build("-s k=2").ok();
    assert_eq!(project.read("out"), "a\n2\n");
    project.ran();
    project.build("").ok();
    assert_eq!(project.ran(), "", "both come back");
    assert_eq!(project.read("out"), "a\n1\n");
}

#[test]
fn a_pattern_that_reaches_through_a_link_into_an_artifact_is_an_error_before_that_is_built() {
    let project = Project::new(
        r#"
[target.reader]
run = "cat {{inputs}} > {{output}}"
inputs = ["in/*/*.csv"]
output = "out"

[target.made]
run = "echo 1 > {{output}}/x.csv"
output = "gen/"
"#,
    );
    project.write("in/d/a.csv", "a\n");
    symlink("../gen", project.at("in/made")).expect("linked");
    let told = project.build("");
    told.exits(2);
    told.has("the glob `in/*/*.csv` reaches into `gen`, which is an artifact");
}
