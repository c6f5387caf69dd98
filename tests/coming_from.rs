//! The worked examples of `docs/coming-from/`: each is built, and runs no more than what it comes from would.

use std::path::Path;

use crate::project::{Project, copy_tree};

/// A project of `examples/coming-from/`.
fn example(name: &str) -> Project {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/coming-from")
        .join(name);
    let text = std::fs::read_to_string(from.join("Atsaffile")).expect("an Atsaffile");
    let project = Project::new(&text);
    copy_tree(&from, &project.at("")).expect("copied");
    project
}

/// The targets that a build ran, in order.
fn built(project: &Project, args: &str) -> Vec<String> {
    let told = project.build(args);
    told.ok();
    let lines = told.text.lines().filter_map(|line| line.strip_prefix("built "));
    lines
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// The page shows the files of the example as they are.
fn page_has(page: &str, example: &str, files: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/coming-from").join(page)).expect("a page");
    for file in files {
        let text = std::fs::read_to_string(root.join("examples/coming-from").join(example).join(file)).expect("a file");
        assert!(page.contains(text.trim_end()), "{file} is not in the page");
    }
}

#[test]
fn of_dvc_only_the_stages_run_that_dvc_would_run() {
    page_has("dvc.md", "dvc", &["Atsaffile"]);
    let project = example("dvc");
    assert_eq!(built(&project, ""), ["prepare", "featurize", "train", "evaluate"]);
    let first = project.read("eval/metrics.json");
    assert_eq!(built(&project, ""), [""; 0]);
    project.edit("params.yaml", "n_est: 15", "n_est: 30");
    let why = project.atsaf("why train");
    why.has("train.n_est");
    why.has("15 -> 30");
    why.has("params.yaml:11");
    assert_eq!(built(&project, ""), ["train", "evaluate"]);
    project.edit("params.yaml", "ngrams: 2", "ngrams: 1");
    assert_eq!(built(&project, ""), ["featurize", "train", "evaluate"]);
    project.edit("params.yaml", "split: 0.20", "split: 0.25");
    assert_eq!(built(&project, ""), ["prepare", "featurize", "train", "evaluate"]);
    project.edit("params.yaml", "  split: 0.25", "  # of the posts\n  split: 0.250");
    assert_eq!(built(&project, ""), [""; 0]);
    project.edit("params.yaml", "n_est: 30", "n_est: 15");
    project.edit("params.yaml", "ngrams: 1", "ngrams: 2");
    project.edit("params.yaml", "split: 0.250", "split: 0.2");
    assert_eq!(built(&project, ""), [""; 0], "all of it comes back");
    assert_eq!(project.read("eval/metrics.json"), first);
    assert_eq!(built(&project, "-s train.n_est=5"), ["train", "evaluate"]);
}
