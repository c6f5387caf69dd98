//! The worked examples of `docs/coming-from/`: each is built, and runs no more than what it comes from would.

use std::path::Path;

use crate::project::{Project, copy_tree, has_python};

/// A project of `examples/coming-from/`.
fn example(name: &str) -> Project {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/coming-from")
        .join(name);
    let project = Project::new("");
    copy_tree(&from, &project.at("")).expect("copied");
    // Whoever has followed the page has a store there.
    let _ = std::fs::remove_dir_all(project.at(".atsaf"));
    project
}

/// The targets that a build ran, in order.
fn ran(project: &Project, args: &str) -> Vec<String> {
    let told = project.build(&format!("--expand {args}"));
    told.ok();
    let lines = told.text.lines().filter_map(|line| line.strip_prefix("start "));
    lines
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// The page shows the files of a directory of `examples/` as they are.
fn page_has(page: &str, example: &str, files: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs").join(page)).expect("a page");
    for file in files {
        let text = std::fs::read_to_string(root.join("examples").join(example).join(file)).expect("a file");
        assert!(page.contains(text.trim_end()), "{file} is not in the page");
    }
}

#[test]
fn pages_show_the_files_that_other_programs_read() {
    let all = ["Atsaffile", "Makefile", "dvc.yaml", "Snakefile", "airflow_dag.py"];
    page_has("coming-from/side-by-side.md", "peers", &all);
    page_has(
        "first-five-minutes.md",
        "five-minutes",
        &["Atsaffile", "dvc.yaml", "Snakefile"],
    );
    page_has("ci.md", "github-actions", &["forecast.yml"]);
}

#[test]
fn of_dvc_only_the_stages_run_that_dvc_would_run() {
    if !has_python() {
        return;
    }
    page_has("coming-from/dvc.md", "coming-from/dvc", &["Atsaffile"]);
    let project = example("dvc");
    assert_eq!(ran(&project, ""), ["prepare", "featurize", "train", "evaluate"]);
    let first = project.read("eval/metrics.json");
    assert_eq!(ran(&project, ""), [""; 0]);
    project.edit("params.yaml", "n_est: 15", "n_est: 30");
    let why = project.atsaf("why train");
    why.has("train.n_est");
    why.has("15 -> 30");
    why.has("params.yaml:11");
    assert_eq!(ran(&project, ""), ["train", "evaluate"]);
    project.edit("params.yaml", "ngrams: 2", "ngrams: 1");
    assert_eq!(ran(&project, ""), ["featurize", "train", "evaluate"]);
    project.edit("params.yaml", "split: 0.20", "split: 0.25");
    assert_eq!(ran(&project, ""), ["prepare", "featurize", "train", "evaluate"]);
    project.edit("params.yaml", "  split: 0.25", "  # of the posts\n  split: 0.250");
    assert_eq!(ran(&project, ""), [""; 0]);
    project.edit("params.yaml", "n_est: 30", "n_est: 15");
    project.edit("params.yaml", "ngrams: 1", "ngrams: 2");
    project.edit("params.yaml", "split: 0.250", "split: 0.2");
    assert_eq!(ran(&project, ""), [""; 0], "all of it comes back");
    assert_eq!(project.read("eval/metrics.json"), first);
    assert_eq!(ran(&project, "-s train.n_est=5"), ["train", "evaluate"]);
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn of_make_fifty_rules_over_twelve_tables_are_five_targets() {
    page_has("coming-from/make.md", "coming-from/make", &["Atsaffile"]);
    let project = example("make");
    let (makefile, atsaffile) = (project.read("Makefile"), project.read("Atsaffile"));
    let is_rule = |line: &&str| !line.starts_with(['\t', '.']) && line.contains(": ");
    assert_eq!(makefile.lines().filter(is_rule).count(), 50);
    assert!(atsaffile.lines().count() * 4 < makefile.lines().count());
    assert_eq!(ran(&project, "").len(), 49, "all but the phony one");
    let report = project.read("build/report.md");
    assert_eq!(report.matches("has no row twice").count(), 12);
    assert!(report.contains("\naccounts,closed,3\n"), "{report}");
    assert_eq!(ran(&project, ""), [""; 0]);
    project.edit("tables.csv", "fees,2,1", "fees,2,3");
    assert_eq!(ran(&project, ""), ["groups@fees", "report"]);
    project.write("raw/fees.csv", project.read("raw/fees.csv") + "once,999,1\n");
    assert_eq!(
        sorted(ran(&project, "")),
        ["check@fees", "clean@fees", "groups@fees", "head@fees", "report"],
        "one table"
    );
    project.write("tables.csv", project.read("tables.csv") + "vaults,1,2\n");
    project.write("raw/vaults.csv", "id,group,value\n2,deep,1\n1,deep,1\n");
    let more = sorted(ran(&project, ""));
    assert_eq!(
        more,
        ["check@vaults", "clean@vaults", "groups@vaults", "head@vaults", "report"]
    );
}

#[test]
fn of_snakemake_a_sample_is_one_file_in_a_folder() {
    if !has_python() {
        return;
    }
    page_has("coming-from/snakemake.md", "coming-from/snakemake", &["Atsaffile"]);
    let project = example("snakemake");
    let first = sorted(ran(&project, ""));
    assert_eq!(
        first,
        [
            "call", "index@A", "index@B", "map@A", "map@B", "plot", "sort@A", "sort@B"
        ]
    );
    let calls = project.read("calls/all.tsv");
    let positions: Vec<&str> = calls
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(positions, ["60", "200", "310"], "{calls}");
    assert!(!project.at("mapped/A.tsv").exists(), "it went once it was sorted");
    assert_eq!(ran(&project, ""), [""; 0]);
    let sample = project.read("data/samples/A.fastq").replace("@A.", "@C.");
    project.write("data/samples/C.fastq", sample);
    let more = sorted(ran(&project, ""));
    assert_eq!(more, ["call", "index@C", "map@C", "plot", "sort@C"]);
    assert_eq!(ran(&project, "-s min_depth=100"), ["call", "plot"]);
    project.edit("scripts/index.py", "// 100", "// 50");
    let again = sorted(ran(&project, ""));
    assert_eq!(again, ["call", "index@A", "index@B", "index@C"]);
}

#[test]
fn a_snakefile_is_translated_into_targets_that_make_the_same_bytes() {
    if !has_python() {
        return;
    }
    page_has("coming-from/snakemake.md", "coming-from/snakemake", &["Snakefile"]);
    let by_hand = example("snakemake");
    by_hand.build("").ok();
    let project = example("snakemake");
    project.remove("Atsaffile");
    let told = project.atsaf("init snakemake");
    told.ok();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coming-from/snakemake.md"));
    let page = page.expect("a page");
    for note in told.text.lines().filter(|line| line.starts_with("note")) {
        assert!(page.contains(note), "{note}");
    }
    assert!(
        page.contains(&project.read("Atsaffile")),
        "{}",
        project.read("Atsaffile")
    );
    project.build("").ok();
    for made in ["calls/all.tsv", "plots/depth.svg", "sorted/A.tsv", "sorted/B.index.tsv"] {
        assert_eq!(project.read(made), by_hand.read(made), "{made}");
    }
    assert!(!project.at("mapped/A.tsv").exists(), "it is `temp`");
    // A parameter of the configuration, and a file more, are what they were to Snakemake.
    project.edit("config.yaml", "min_depth: 3", "min_depth: 100");
    assert_eq!(ran(&project, ""), ["call", "plot"]);
    project.edit("config.yaml", "min_depth: 100", "min_depth: 3");
    assert_eq!(ran(&project, ""), [""; 0]);
    let sample = project.read("data/samples/A.fastq").replace("@A.", "@C.");
    project.write("data/samples/C.fastq", sample);
    assert_eq!(
        sorted(ran(&project, "")),
        ["call", "index@C", "map@C", "plot", "sort@C"]
    );
}
