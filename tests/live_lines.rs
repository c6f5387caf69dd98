//! What a build shows on a terminal while it runs, looked at on one of several sizes.

use crate::project::{Project, redact};
use crate::terminal::{OnTerminal, has_terminals};

const TWO: &str = r#"
[params]
n = 1

[target.clean]
run = "echo {{n}} > {{output}}"
output = "out/clean.txt"

[target.train]
run = "echo window 2 of 5; until [ -e ../go ]; do sleep 0.02; done; cat {{inputs}} > {{output}}"
inputs = ["clean"]
output = "out/model.txt"
"#;

/// The screen without what differs from run to run.
fn shown(on: &OnTerminal) -> String {
    let text = redact(&on.screen());
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn go(project: &Project, may: bool) {
    match may {
        true => project.write("../go", ""),
        false => std::fs::remove_file(project.at("../go")).expect("removed"),
    }
}

#[test]
fn what_runs_has_a_line_with_its_reason_and_below_it_is_a_bar() {
    if !has_terminals() {
        return;
    }
    let project = Project::new(TWO);
    let on = OnTerminal::start(&project, "build", (60, 12));
    on.until("train ");
    let screen = shown(&on);
    assert!(
        screen.starts_with("built      clean  [TIME]\ntrain  [TIME]  never built\n━"),
        "{screen}"
    );
    go(&project, true);
    on.until("2 built in");
    let screen = on.screen();
    assert!(!screen.contains('━') && !screen.contains("never built"), "{screen}");
    assert_eq!(on.end(), Some(0));
}

#[test]
fn a_second_run_tells_how_long_it_took_and_fits_a_terminal_of_another_size() {
    if !has_terminals() {
        return;
    }
    let project = Project::new(TWO);
    go(&project, true);
    project.build("");
    go(&project, false);
    let on = OnTerminal::start(&project, "build -s n=2", (80, 12));
    on.until("clean content");
    let line = |screen: &str| screen.lines().find(|line| line.starts_with("train")).map(str::to_owned);
    let train = line(&on.screen()).expect("a line");
    assert!(train.contains(" s of ") && train.contains("clean content"), "{train}");
    for columns in [200, 40, 60] {
        on.resize(columns, 12);
        let bar = usize::from(columns).min(60);
        on.until_screen("the lines of another size", |screen| {
            let lines = screen.lines().filter(|line| line.starts_with("train")).count();
            let bars = screen
                .lines()
                .filter(|line| line.contains('━') || line.contains('─'))
                .count();
            let fits = screen.lines().all(|line| line.chars().count() <= columns.into());
            lines == 1 && bars == 1 && fits && screen.lines().any(|line| line.chars().count() + 30 > bar)
        });
    }
    go(&project, true);
    on.until("2 built in");
    assert_eq!(on.end(), Some(0));
}

#[test]
fn output_is_shown_above_where_it_is_asked_for() {
    if !has_terminals() {
        return;
    }
    let project = Project::new(TWO);
    let on = OnTerminal::start(&project, "build --show-output", (80, 12));
    on.until("train | window 2 of 5");
    on.until("1 of 2");
    go(&project, true);
    on.until("2 built in");
    assert_eq!(on.end(), Some(0));
}
