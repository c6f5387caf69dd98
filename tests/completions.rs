//! What a shell is answered while a word is typed: by the program itself, for what it asks its environment.

use std::process::Command;

use crate::project::Project;

const CITIES: &str = "[matrix]\ncity = [\"New York\", \"Rome\"]\n\n[target.fit]\neach = [\"city\"]\nrun = \"echo {{city}} > {{output}}\"\noutput = \"{{city}}.txt\"\n";

/// The candidates that zsh gets for the last of some words, as they are typed.
fn for_zsh(project: &Project, words: &[&str]) -> String {
    let mut command: Command = project.command("--");
    command
        .args(words)
        .env("ATSAF_COMPLETE", "zsh")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", "\n");
    let told = command.output().expect("run");
    String::from_utf8(told.stdout).expect("UTF-8").trim_end().to_owned()
}

#[test]
fn a_word_in_quotes_is_completed_in_zsh_as_without() {
    let project = Project::new(CITIES);
    for typed in ["fit@N", "\"fit@N", "'fit@N", "fit@\"N", "fit@New\\ Y"] {
        assert_eq!(for_zsh(&project, &["atsaf", "build", typed]), "fit@New York", "{typed}");
    }
    let quoted = for_zsh(&project, &["atsaf", "-f", "\"Atsaffile\"", "build", "fit@R"]);
    assert_eq!(quoted, "fit@Rome");
}
