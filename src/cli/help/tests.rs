//! The pages of the manual, and that nobody is sent elsewhere.

use std::path::Path;

use clap::CommandFactory as _;

use super::{TOPICS, lines, refer, section};
use crate::cli::trial::Trial;
use crate::cli::{Cli, Exit};

#[test]
fn every_topic_is_a_page_that_fits_the_screen() {
    let trial = Trial::new("");
    let listed = trial.out(&["help"]);
    for topic in TOPICS {
        assert!(
            listed.contains(&format!("\n  {}  ", topic.name)),
            "{}: {listed}",
            topic.name
        );
        let page = trial.out(&["help", topic.name]);
        assert!(page.lines().count() > 20, "{page}");
        // Before it may stand the help of a command, which clap has laid out.
        let title = topic.page.lines().next().unwrap_or_default().trim_start_matches("# ");
        let (_, page) = page.split_once(&format!("{title}\n=")).expect("the page");
        let blocks = topic.page.split("\n```").skip(1).step_by(2);
        let code: Vec<&str> = blocks.flat_map(str::lines).map(str::trim).collect();
        let prose = page
            .lines()
            .filter(|line| !line.trim_start().starts_with('`') && !code.contains(&line.trim()));
        let prose: Vec<&str> = prose
            .filter(|line| line.contains(' ') && line.chars().count() > 80)
            .collect();
        assert_eq!(prose, [""; 0], "{}", topic.name);
        for mark in ["```", "](", "|---"] {
            assert!(!page.contains(mark), "`{mark}` in {}", topic.name);
        }
    }
}

#[test]
fn a_page_that_names_files_of_the_source_says_that_an_installed_program_lacks_them() {
    let trial = Trial::new("");
    for topic in TOPICS {
        let page = trial.out(&["help", topic.name]);
        for folder in [".ci", "benches", "examples", "fixtures", "tests/real"] {
            if page.contains(&format!(" {folder}/")) || page.contains(&format!("`{folder}/")) {
                let told = page.rsplit_once("What lies in").unwrap_or_default().1;
                assert!(told.contains(&format!("`{folder}/`")), "{folder} in {}", topic.name);
            }
        }
    }
    assert!(!trial.out(&["help", "time"]).contains("What lies in"));
}

#[test]
fn every_page_that_a_page_leads_to_is_one() {
    for topic in TOPICS {
        for link in topic.page.split("](").skip(1) {
            let address = link.split(')').next().unwrap_or_default();
            let folder = topic.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let is_page = address
                .split('#')
                .next()
                .is_some_and(|file| file.strip_suffix(".md").is_some());
            if is_page && cfg!(feature = "forecasting") {
                assert!(refer(folder, address, "x").is_some(), "{address} in {}", topic.name);
            }
            if let (true, Some((_, anchor))) = (is_page, address.split_once('#')) {
                let words = refer(folder, address, "x").unwrap_or_default();
                let name = words
                    .split("atsaf help ")
                    .nth(1)
                    .and_then(|it| it.split(' ').next())
                    .unwrap_or_default();
                if let Some(found) = TOPICS.iter().find(|it| it.name == name) {
                    assert!(
                        section(found, &anchor.replace('-', " ")).is_ok(),
                        "{address} in {}",
                        topic.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_part_of_a_page_is_found_by_words_of_its_heading() {
    let trial = Trial::new("");
    let part = trial.out(&["help", "atsaffile", "Parameter", "files"]);
    assert!(
        part.starts_with("Parameter files\n") && part.contains("params_files") && !part.contains("exclude"),
        "{part}"
    );
    let said = trial.run(&["help", "atsaffile", "nonsense"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err
            .starts_with("error: the page `atsaffile` has no part `nonsense`\n  note: its parts: Names, "),
        "{}",
        said.err
    );
    assert_eq!(
        lines("# a\n```\n# no\n```\n")
            .filter(|(heading, _)| heading.is_some())
            .count(),
        1
    );
}

#[test]
fn commands_have_their_help_and_what_is_neither_is_told() {
    let trial =
        Trial::new("[params]\nhorizon = 24\n\n[target.a]\nrun = \"echo {{horizon}} > {{output}}\"\noutput = \"a\"\n");
    assert!(trial.out(&["help", "build"]).contains("Usage: atsaf build [OPTIONS]"));
    assert!(trial.out(&["help", "run"]).contains("--horizon <VALUE>"));
    let said = trial.run(&["help", "atsafile"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err.contains("neither a command nor a topic is called `atsafile`"),
        "{}",
        said.err
    );
    assert!(said.err.contains("did you mean `atsaffile`?"), "{}", said.err);
    std::fs::remove_file(trial.at("Atsaffile")).expect("removed");
    let told = trial.out(&["run", "--help"]);
    assert!(
        told.contains("there is none here, or above") && told.contains("--horizon 24"),
        "{told}"
    );
    assert_eq!(told, trial.out(&["help", "run"]));
}

#[test]
fn every_command_has_a_page_for_man() {
    let trial = Trial::new("");
    let page = trial.out(&["man", "build"]);
    assert!(
        page.contains(".TH atsaf-build 1") && page.contains("keep\\-going"),
        "{page}"
    );
    let said = trial.run(&["man", "biuld"]);
    assert!(said.err.contains("did you mean `build`?"), "{}", said.err);
}

/// No message and no help names a file of the repository: whoever has installed the program lacks it.
#[test]
fn nobody_is_sent_to_a_file_of_the_repository() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(source) {
        let entry = entry.expect("read");
        let path = entry.path().to_string_lossy().into_owned();
        if path.strip_suffix(".rs").is_none() || path.contains("tests") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("read");
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let texts = program
            .lines()
            .filter(|line| !line.trim_start().starts_with("//") && !line.contains("include_str!"));
        wrong.extend(
            texts
                .filter(|line| line.contains("docs/"))
                .map(|line| format!("{path}: {}", line.trim())),
        );
    }
    assert_eq!(wrong, [""; 0]);
    let mut root = Cli::command();
    root.build();
    let mut all = vec![root];
    while let Some(mut command) = all.pop() {
        let help = command.render_long_help().to_string();
        assert!(!help.contains("docs/"), "{help}");
        all.extend(command.get_subcommands().cloned());
    }
}
