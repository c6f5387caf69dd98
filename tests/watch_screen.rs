//! The screen of `watch`: looked at on a terminal, with keys pressed, at several sizes, and how it is given back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::project::{Project, kill, redact, until};
use crate::terminal::{OnTerminal, has_terminals};

const CHAIN: &str = r#"
[project]
name = "shop"

[params]
horizon = 24

[target.clean]
run = "echo clean >> ../ran; cat raw.csv > {{output}}"
inputs = ["raw.csv"]
output = "out/clean.csv"

[target.forecast]
run = "echo forecast >> ../ran; ! grep bad {{input.clean}} || { echo 'ValueError: bad data'; exit 3; }; cp {{input.clean}} {{output}}; echo {{horizon}} >> {{output}}"
inputs = ["clean"]
output = "out/forecast.csv"

[target.page]
run = "echo page >> ../ran; cp {{inputs}} {{output}}"
inputs = ["forecast"]
output = "out/page.md"
"#;

fn chain() -> Option<Project> {
    let project = Project::new(CHAIN);
    project.write("raw.csv", "1\n");
    has_terminals().then_some(project)
}

const WAITING: &str = "waiting for a change";

/// The screen without what differs from run to run.
fn shown(on: &OnTerminal) -> String {
    let text = redact(&on.screen());
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_terminal_has_a_screen_with_each_target_in_its_place_and_keys() {
    let Some(project) = chain() else { return };
    let on = OnTerminal::start(&project, "watch -j1", (80, 14));
    on.until(WAITING);
    assert!(on.is_taken());
    snapbox::assert_data_eq!(
        shown(&on),
        snapbox::str![[r#"
atsaf watch  shop                                           waiting for a change

> built      clean  [TIME]
  built      forecast  [TIME]
  built      page  [TIME]







last     3 built in [TIME] ([TIME] ago)
b build  f force  w why  r report  up/down select  q quit

"#]]
    );
    assert_eq!(project.ran(), "clean forecast page");
    // An edit: what ran says why, the others are as they were.
    project.write("raw.csv", "2\n");
    on.until("changed  raw.csv");
    on.until_screen("the end of the build", |screen| {
        screen.contains(WAITING) && !screen.contains("stale")
    });
    assert_eq!(project.ran(), "clean forecast page");
    // The same content again: nothing but the first runs, and the marked one is explained.
    on.press("j\u{1b}[Bw");
    on.until("why page");
    on.until("page is fresh");
    on.press("x");
    on.until("> built      page");
    // A key builds what is stale, which is nothing; two force.
    on.press("b");
    on.until("nothing to do: 3 targets are fresh");
    on.until(WAITING);
    on.press("f");
    on.until("f again runs the goals and all that they need, stale or not");
    on.press("x");
    on.until_screen("no question", |screen| !screen.contains("f again"));
    assert_eq!(project.ran(), "");
    on.press("f");
    on.until("f again");
    on.press("f");
    on.until("3 built in");
    on.until(WAITING);
    assert_eq!(project.ran(), "clean forecast page");
    on.press("r");
    on.until("report.html");
    assert!(project.read("report.html").contains("<title>shop"));
    on.press("q");
    assert_eq!(on.end(), Some(0));
}

#[test]
fn what_is_wrong_stands_in_its_place_at_any_size() {
    let Some(project) = chain() else { return };
    project.write("raw.csv", "bad\n");
    let on = OnTerminal::start(&project, "watch -j1", (80, 16));
    on.until(WAITING);
    snapbox::assert_data_eq!(
        shown(&on),
        snapbox::str![[r#"
atsaf watch  shop                                           waiting for a change

> built      clean  [TIME]
  failed     forecast  the command ended with exit code 3
            bad
            ValueError: bad data
  skipped    page      forecast failed







last     1 failed, 1 skipped, 1 built in [TIME] ([TIME] ago)
b build  f force  w why  r report  up/down select  q quit

"#]]
    );
    // All of it, with the command and where it stands.
    on.press("jw");
    on.until("its last attempt failed:");
    on.resize(120, 30);
    on.until("error: `forecast` failed: the command ended with exit code 3");
    on.until("--> Atsaffile:");
    on.press("x");
    on.until("> failed");
    // A mistake of the Atsaffile takes nothing away.
    project.edit("Atsaffile", "inputs = [\"forecast\"]", "inptus = [\"forecast\"]");
    on.until("error: unknown key `inptus` in the target `page`");
    on.until("nothing was run: see above");
    on.until("> failed");
    // Small: the targets and the keys are there.
    on.resize(40, 6);
    on.until("> failed     forecast  the command ende\u{2026}");
    for line in on.screen().lines() {
        assert!(line.chars().count() <= 40, "{line}");
    }
    on.resize(100, 24);
    project.write("raw.csv", "1\n");
    project.edit("Atsaffile", "inptus", "inputs");
    on.until("built      page");
    on.until_screen("no mistake", |screen| !screen.contains("error"));
    on.press("q");
    assert_eq!(on.end(), Some(0));
}

#[test]
fn the_terminal_is_given_back_by_ctrl_c_and_for_the_while_of_ctrl_z() {
    let Some(project) = chain() else { return };
    let on = OnTerminal::start(&project, "watch", (80, 24));
    on.until(WAITING);
    on.press("\u{1a}");
    until("a terminal that is lent", || on.is_given_back());
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", on.id())).unwrap_or_default();
    until("a process that is stopped", || state().contains(") T "));
    kill(on.id(), "CONT");
    until("a terminal that is taken again", || on.is_taken());
    on.until(WAITING);
    on.press("\u{3}");
    assert_eq!(on.end(), Some(130));
    // In the midst of a command, too.
    project.edit("Atsaffile", "cat raw.csv", "sleep 60; cat raw.csv");
    let on = OnTerminal::start(&project, "watch", (80, 24));
    on.until("running    clean");
    on.press("q");
    assert_eq!(on.end(), Some(0));
    until("nothing is left", || project.running("sleep 60").is_empty());
}

#[test]
fn without_a_terminal_or_with_plain_there_are_lines() {
    let Some(project) = chain() else { return };
    let on = OnTerminal::start(&project, "watch --plain --color never", (80, 24));
    on.until("Ctrl-C ends");
    assert!(!on.is_taken());
    on.until("3 built in");
    on.press("\u{3}");
    assert_eq!(on.end(), Some(130));
    let running = project.start("watch");
    until("lines", || running.text().contains("Ctrl-C ends"));
    assert!(!running.text().contains('\u{1b}'), "{}", running.text());
    running.kill();
}

/// What a server on this machine answers.
fn get(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("listening");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("sent");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("answered");
    told
}

#[test]
fn the_report_is_served_and_is_another_after_a_build() {
    let project = Project::new(CHAIN);
    project.write("raw.csv", "1\n");
    let running = project.start("watch --serve=0");
    until("an address", || running.text().contains("Ctrl-C ends"));
    let told = running.text();
    let url = told
        .split("the report is at ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let url = url.expect("an address");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let page = get(url, "/");
    assert!(
        page.contains("<title>shop \u{b7} atsaf report</title>") && page.contains("location.reload()"),
        "{page}"
    );
    let version = get(url, "/version");
    project.edit("Atsaffile", "horizon = 24", "horizon = 48");
    until("another version", || get(url, "/version") != version);
    assert!(get(url, "/").contains("48"));
    assert!(!project.at("report.html").exists());
    // Another watch has another port, or says that there is none.
    let port = url.trim_end_matches('/').rsplit(':').next().expect("a port");
    let told = project.atsaf(&format!("watch --serve={port}"));
    told.exits(2);
    told.has("error: the report cannot be served at 127.0.0.1:");
    running.kill();
}
