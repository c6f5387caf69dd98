//! Pictures on a terminal that says what it draws.

use std::time::{Duration, Instant};

use crate::project::{Project, until};
use crate::terminal::{OnTerminal, has_terminals};

/// A project with a picture of a few dots.
fn project() -> Project {
    let project =
        Project::new("[target.p]\nrun = \"cat dots > {{output}}\"\ninputs = [\"./dots\"]\noutput = \"p.png\"\n");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("written");
    writer.write_image_data(&[0; 64]).expect("written");
    drop(writer);
    project.write("dots", file);
    project.build("").ok();
    project
}

/// What `show` writes to a terminal that answers its question so.
fn shown(project: &Project, answer: &str) -> String {
    let on = OnTerminal::start(project, "show p", (60, 12));
    until("the question", || on.written().contains("\u{1b}[c"));
    on.press(answer);
    on.until("8 x 8 pixels");
    let written = on.written();
    assert_eq!(on.end(), Some(0));
    written
}

#[test]
fn a_terminal_that_draws_sixels_gets_them_and_no_other_one() {
    if !has_terminals() {
        return;
    }
    let project = project();
    let begun = Instant::now();
    // An answer that comes late, on a busy machine, is none.
    while !shown(&project, "\u{1b}[?62;4;22c").contains("\u{1b}P0;1q\"1;1;8;8#0;2;0;0;0") {
        assert!(begun.elapsed() < Duration::from_mins(1), "no dots");
    }
    assert!(!shown(&project, "\u{1b}[?62;22c").contains("\u{1b}P"));
    assert!(!shown(&project, "x").contains("\u{1b}P"));
    project.atsaf("show p").has("8 x 8 pixels");
}
