//! What is compared, and what cannot be.

use crate::cli::Exit;
use crate::cli::trial::Trial;

const ATSAFFILE: &str = r#"
[params]
word = "one"

[target.text]
run = "printf 'a\nb\n{{word}}\nc\n' > {{output}}"
output = "out/text.txt"

[target.many]
run = "mkdir -p {{output}}; echo same > {{output}}/same; echo {{word}} > {{output}}/{{word}}; echo {{word}} > {{output}}/x"
output = "out/many/"

[target.raw]
run = "printf '\\377{{word}}' > {{output}}"
output = "out/raw"

[target.unkept]
run = "echo {{word}} > {{output}}"
output = "out/unkept"
cache = false
"#;

fn built_twice() -> Trial {
    let trial = Trial::new(ATSAFFILE);
    trial.out(&["build"]);
    trial.out(&["build", "-s", "word=three"]);
    trial
}

fn body(told: &str) -> &str {
    told.split_once('\n').map_or(told, |it| it.1)
}

#[test]
fn lines_of_text_files_of_directories_and_bytes() {
    let trial = built_twice();
    let told = trial.out(&["diff", "text"]);
    assert_eq!(body(&told), "@@ -1,4 +1,4 @@\n a\n b\n-one\n+three\n c\n", "{told}");
    assert!(told.starts_with("text  run "), "{told}");
    assert_eq!(body(&trial.out(&["diff", "many"])), "- one\n+ three\n~ x\n");
    assert_eq!(
        body(&trial.out(&["diff", "raw"])),
        "other bytes, which are no text: 4 B -> 6 B\n"
    );
    trial.write("out/text.txt", "a\n");
    let told = trial.out(&["diff", "text"]);
    assert!(told.contains(" -> now\n") && told.contains("\n-c\n"), "{told}");
}

#[test]
fn what_cannot_be_compared_is_told_with_the_next_step() {
    let trial = Trial::new(ATSAFFILE);
    let said = trial.run(&["diff", "text"]);
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.err.starts_with("error: `text` has never been different\n"),
        "{}",
        said.err
    );
    let trial = built_twice();
    let said = trial.run(&["diff", "unkept"]);
    assert!(
        said.err.starts_with("error: the store has no copy of `unkept` of run "),
        "{}",
        said.err
    );
    assert!(said.err.contains("`atsaf log unkept`"), "{}", said.err);
    let said = trial.run(&["diff", "text", "ffffffff"]);
    assert!(
        said.err.starts_with("error: no run is named `ffffffff`\n"),
        "{}",
        said.err
    );
    let said = trial.run(&["diff", "nope", "--json"]);
    assert!(said.out.contains("\"error\""), "{}", said.out);
}

#[test]
fn a_result_that_came_back_counts_as_it_was_then() {
    let trial = built_twice();
    let runs: Vec<String> = trial
        .out(&["log"])
        .lines()
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect();
    trial.out(&["build"]);
    // Now it is `one` again, which the first run had made: the second had left another.
    let told = trial.out(&["diff", "text"]);
    assert!(body(&told).contains("-three\n+one\n"), "{told}");
    let latest = &runs[0];
    let told = trial.out(&["diff", "text", latest]);
    assert!(body(&told).contains("-three\n+one\n"), "{told}");
}
