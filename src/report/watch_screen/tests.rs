//! What stands on the screen, at which size.

use super::drawing::LEAST;
use super::*;
use crate::engine::clock;

fn row(name: &str, state: TargetState) -> WatchRow {
    WatchRow {
        name: name.to_owned(),
        targets: BTreeMap::from([(name.to_owned(), state)]),
    }
}

fn state(tone: Tone, word: &'static str, text: &str) -> TargetState {
    TargetState {
        tone,
        word,
        text: text.to_owned(),
        ..TargetState::default()
    }
}

fn many(count: usize) -> WatchScreen {
    let fresh = |at: usize| row(&format!("t{at}"), state(Tone::Good, "fresh", "built 2 min ago"));
    WatchScreen {
        project: "shop".to_owned(),
        rows: (0..count).map(fresh).collect(),
        doing: Doing::Waiting(None),
        ..WatchScreen::default()
    }
}

fn draw(screen: &WatchScreen, columns: usize, lines: usize) -> String {
    let drawn = screen.draw((columns, lines), clock::now(), Ink::PLAIN);
    assert!(drawn.len() <= lines.max(LEAST), "{drawn:?}");
    for line in &drawn {
        assert!(line.chars().count() <= columns, "{line}");
    }
    drawn.join("\n") + "\n"
}

#[test]
fn the_rows_around_the_marked_one_are_shown_and_the_others_counted() {
    let mut screen = many(20);
    screen.selected = 10;
    let drawn = draw(&screen, 40, 12);
    let expected = "\
atsaf watch  shop   waiting for a change

  8 more above
  fresh      t8   built 2 min ago
  fresh      t9   built 2 min ago
> fresh      t10  built 2 min ago
  fresh      t11  built 2 min ago
  fresh      t12  built 2 min ago
  fresh      t13  built 2 min ago
  6 more below

b build  f force  w why  r report  up/d…
";
    assert_eq!(drawn, expected);
    screen.go(-100, (40, 12));
    assert!(draw(&screen, 40, 12).contains("> fresh      t0"));
    screen.go(1000, (40, 12));
    let drawn = draw(&screen, 40, 12);
    assert!(
        drawn.contains("> fresh      t19") && !drawn.contains("more below"),
        "{drawn}"
    );
}

#[test]
fn a_failure_has_as_many_lines_as_fit() {
    let mut screen = many(3);
    let lines: Vec<String> = (0..8).map(|at| format!("line {at}")).collect();
    let failed = TargetState {
        error: (lines.clone(), lines),
        ..state(Tone::Bad, "failed", "exit code 3")
    };
    screen.rows[1] = row("t1", failed);
    let drawn = draw(&screen, 80, 20);
    assert!(drawn.contains("  failed     t1  exit code 3\n             line 0\n") && drawn.contains("line 7"));
    let drawn = draw(&screen, 80, 10);
    assert!(drawn.contains("line 1\n             w shows all of it\n"), "{drawn}");
    assert!(
        drawn.contains("  fresh      t2") && !drawn.contains("line 2"),
        "{drawn}"
    );
    assert_eq!(screen.rows[1].error().len(), 8);
}

#[test]
fn mistakes_leave_half_of_the_room_to_the_targets() {
    let mut screen = many(3);
    screen.messages = (0..30).map(|at| format!("error: number {at}")).collect();
    let drawn = draw(&screen, 80, 16);
    assert!(
        drawn.contains("t2") && drawn.contains("error: number 0\n") && drawn.contains("and 26 lines more\n"),
        "{drawn}"
    );
    screen.rows.clear();
    let drawn = draw(&screen, 80, 16);
    assert!(drawn.contains("error: number 9\n"), "{drawn}");
}

#[test]
fn what_is_wrong_stands_on_the_smallest_screen() {
    let mut screen = many(6);
    screen.selected = 2;
    screen.rows[5] = row("t5", state(Tone::Bad, "failed", "exit code 3"));
    let drawn = draw(&screen, 40, 6);
    let expected = "\
atsaf watch  shop   waiting for a change

  2 more above
> fresh      t2  built 2 min ago
  3 more below, 1 failed
b build  f force  w why  r report  up/d…
";
    assert_eq!(drawn, expected);
    let message = [
        "error: unknown key `inptus` in the target `page`",
        "  --> Atsaffile:9:1",
        "   |",
    ];
    screen.messages = message.map(str::to_owned).to_vec();
    let drawn = draw(&screen, 40, 6);
    let expected = "\
atsaf watch  shop   waiting for a change

> fresh      t2  built 2 min ago
error: unknown key `inptus` in the targ…
and 2 lines more
b build  f force  w why  r report  up/d…
";
    assert_eq!(drawn, expected);
    for lines in LEAST..20 {
        let drawn = draw(&screen, 80, lines);
        assert!(
            drawn.contains("error: ") && drawn.contains("> fresh      t2"),
            "{drawn}"
        );
    }
}

#[test]
fn a_text_in_the_place_of_all_is_wrapped_and_moved() {
    let mut screen = many(2);
    screen.text = Some(ShownText {
        title: "why t1".to_owned(),
        lines: vec!["x".repeat(25), String::new(), "end\u{1b}[31m".to_owned()],
        above: 0,
    });
    let drawn = draw(&screen, 20, 10);
    let body: Vec<&str> = drawn.lines().skip(1).take(5).collect();
    assert_eq!(body, ["why t1", &"x".repeat(20), "xxxxx", "", "end\\u{1b}[31m"]);
    screen.go(1, (20, 10));
    assert_eq!(
        screen.text.as_ref().map(|text| text.above),
        Some(0),
        "all of it is there"
    );
    screen.go(5, (20, 6));
    assert_eq!(screen.text.as_ref().map(|text| text.above), Some(1));
}

#[test]
fn instances_are_one_row_with_how_many_are_in_which_state() {
    let mut screen = many(0);
    let states = [
        ("fit@a", state(Tone::Good, "fresh", "")),
        ("fit@b", state(Tone::Strong, "running", "")),
        ("fit@c", state(Tone::Bad, "failed", "exit code 1")),
        ("fit@d", state(Tone::Good, "fresh", "")),
    ];
    screen.rows.push(WatchRow {
        name: "fit@*".to_owned(),
        targets: states
            .into_iter()
            .map(|(name, state)| (name.to_owned(), state))
            .collect(),
    });
    let drawn = draw(&screen, 80, 10);
    assert!(
        drawn.contains("> failed     fit@*  2 fresh, 1 running, 1 failed\n"),
        "{drawn}"
    );
}

#[test]
fn on_very_few_lines_there_is_the_marked_one_and_the_keys() {
    let mut screen = many(3);
    screen.last = Some((Tone::Plain, "3 built".to_owned(), clock::now()));
    screen.selected = 1;
    let expected = "\
atsaf watch  shop   waiting for a change

  fresh      t0  built 2 min ago
> fresh      t1  built 2 min ago
  fresh      t2  built 2 min ago
b build  f force  w why  r report  up/d…
";
    assert_eq!(draw(&screen, 40, 6), expected);
    assert_eq!(draw(&screen, 40, 1), expected);
}
