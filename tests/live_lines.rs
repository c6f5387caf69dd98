//! What a build shows on a terminal while it runs, looked at on one of several sizes.

use crate::project::{Project, redact, until};
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

#[test]
fn ctrl_z_leaves_the_terminal_to_the_shell_and_the_lines_go_on_below_what_it_wrote() {
    if !has_terminals() {
        return;
    }
    let project = Project::new(TWO);
    let on = OnTerminal::start(&project, "build", (60, 20));
    on.until("1 of 2");
    signal(on.id(), "TSTP");
    on.until_screen("no live lines", |screen| !screen.contains("1 of 2"));
    until("a stopped build", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", on.id())).expect("alive");
        stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T'))
    });
    on.write("[1]+  Stopped\r\n$ ls\r\na b c\r\n$ fg\r\natsaf build\r\n");
    signal(on.id(), "CONT");
    on.until("1 of 2");
    go(&project, true);
    on.until("2 built in");
    let screen = on.screen();
    let shell = "[1]+  Stopped\n$ ls\na b c\n$ fg\natsaf build\n";
    assert!(screen.contains(shell), "{screen}");
    assert!(!screen.contains('━') && !screen.contains("never built"), "{screen}");
    assert_eq!(on.end(), Some(0));
}

#[test]
fn sizes_that_follow_each_other_fast_leave_nothing_behind() {
    if !has_terminals() {
        return;
    }
    let project = Project::new(TWO);
    // The terminal of the test breaks no line anew when its size changes, as xterm.
    let on = OnTerminal::start_with(&project, "build", (80, 20), &[("XTERM_VERSION", "XTerm(390)")]);
    on.until("1 of 2");
    for round in 0..20 {
        for columns in [40, 70, 30, 90, 50, 80] {
            on.resize(columns, 20);
            std::thread::sleep(std::time::Duration::from_millis(7 * (round % 4)));
        }
    }
    on.until_screen("one block", |screen| {
        let bars = screen.lines().filter(|line| line.contains("1 of 2")).count();
        let trains = screen.lines().filter(|line| line.starts_with("train")).count();
        (bars, trains) == (1, 1)
    });
    go(&project, true);
    on.until("2 built in");
    let screen = on.screen();
    assert!(!screen.contains('━') && !screen.contains('─'), "{screen}");
    assert_eq!(on.end(), Some(0));
}

fn signal(process: u32, name: &str) {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(status.expect("`kill`").success());
}
