//! The block as lines, and how it replaces itself on a terminal.

use super::*;

const A: TargetId = TargetId(0);
const B: TargetId = TargetId(1);
const C: TargetId = TargetId(2);

fn after(begun: Instant, milliseconds: u64) -> Instant {
    begun + Duration::from_millis(milliseconds)
}

fn drawn(block: &LiveBlock, width: usize, most: usize, now: Instant) -> String {
    let lines = block.lines(width, most, now);
    lines.iter().map(|line| line.draw(width, Ink::PLAIN) + "\n").collect()
}

/// `ingest` is done, `train` has run for 2.4 s and took 3.1 s last, `forecast` is still to come.
fn block() -> (LiveBlock, Instant) {
    let begun = Instant::now();
    let mut block = LiveBlock::default();
    let expected = BTreeMap::from([(A, Duration::from_millis(900)), (B, Duration::from_millis(3100))]);
    block.plan(&[A, B, C], &expected, begun);
    block.start(A, "ingest", "never built".to_owned(), begun);
    block.end(A);
    block.start(B, "train", "horizon 24 -> 48".to_owned(), after(begun, 1000));
    block.say(B, "train", "MSTL_ARIMA, window 2 of 5".to_owned(), after(begun, 1100));
    (block, after(begun, 3400))
}

#[test]
fn a_line_has_time_reason_and_what_is_done_and_the_bar_is_over_the_plan() {
    let (block, now) = block();
    let train = "train   2.4 s of 3.1 s  horizon 24 -> 48  (MSTL_ARIMA, window 2 of 5)";
    // 0.9 s and 2.4 s of 0.9 s, 3.1 s and the mean of both.
    let bar = "━".repeat(22) + &"─".repeat(18);
    assert_eq!(drawn(&block, 80, 12, now), format!("{train}\n{bar}  1 of 3  3.4 s\n"));
}

#[test]
fn a_target_that_took_no_time_is_expected_to_take_as_little() {
    let begun = Instant::now();
    let mut block = LiveBlock::default();
    block.plan(&[A], &BTreeMap::from([(A, Duration::from_millis(40))]), begun);
    block.start(A, "ingest", String::new(), begun);
    let drawn = drawn(&block, 80, 12, after(begun, 500));
    assert!(drawn.starts_with("ingest   0.5 s of 0.04 s\n"), "{drawn}");
}

#[test]
fn where_there_is_little_room_the_reason_gives_way() {
    let (mut block, now) = block();
    block.start(
        B,
        "train",
        "horizon 24 -> 48; models SeasonalNaive -> SeasonalNaive,AutoETS".to_owned(),
        now,
    );
    block.say(B, "train", "window 2 of 5".to_owned(), now);
    let drawn = drawn(&block, 60, 12, now);
    assert!(
        drawn.starts_with("train     0 s of 3.1 s  horizon 24 -> 48; …  (window 2 of 5)\n"),
        "{drawn}"
    );
    assert!(drawn.lines().all(|line| columns::of(line) <= 60), "{drawn}");
}

#[test]
fn many_at_once_leave_room_for_what_is_done() {
    let begun = Instant::now();
    let mut block = LiveBlock::default();
    let all: Vec<TargetId> = (0..50).map(TargetId).collect();
    block.plan(&all, &BTreeMap::new(), begun);
    for target in &all {
        block.start(*target, &format!("t{}", target.0), String::new(), begun);
    }
    let drawn = drawn(&block, 80, 6, begun);
    assert_eq!(drawn.lines().count(), 6, "{drawn}");
    assert!(drawn.contains("\nand 46 more under way\n"), "{drawn}");
}

#[test]
fn a_target_that_is_planned_again_is_not_done_and_one_that_is_fresh_by_now_no_longer_counts() {
    let (mut block, now) = block();
    block.end(B);
    block.plan(&[B], &BTreeMap::new(), now);
    assert!(drawn(&block, 80, 12, now).contains("1 of 2"), "{block:?}");
    block.end(B);
    assert!(drawn(&block, 80, 12, now).contains("2 of 2"), "{block:?}");
    assert!((block.part(now) - 1.0).abs() < 1e-9);
}

#[test]
fn what_never_ran_counts_once_it_is_done() {
    let begun = Instant::now();
    let mut block = LiveBlock::default();
    block.plan(&[A, B], &BTreeMap::new(), begun);
    block.start(A, "ingest", "never built".to_owned(), begun);
    assert!(block.part(after(begun, 60_000)).abs() < 1e-9);
    block.end(A);
    assert!((block.part(after(begun, 60_000)) - 0.5).abs() < 1e-9);
}

#[test]
fn what_runs_longer_than_it_did_is_never_done() {
    let (block, now) = block();
    let hours = now + Duration::from_hours(2);
    assert!(block.part(hours) < 0.99);
    assert!(block.part(hours) > block.part(now));
}

#[test]
fn the_lines_replace_themselves_also_where_the_terminal_has_become_narrower() {
    let mut shown = DrawnLines::default();
    let lines = [
        TonedLine::of(Tone::Plain, "x".repeat(50)),
        TonedLine::of(Tone::Plain, "y".to_owned()),
    ];
    assert!(!shown.is_any());
    let first = shown.replace(&lines, 80, true, Ink::PLAIN);
    assert_eq!(first, format!("\u{1b}[K{}\n\u{1b}[Ky\n\u{1b}[J", "x".repeat(50)));
    assert!(shown.replace(&lines, 80, true, Ink::PLAIN).starts_with("\u{1b}[2A\r"));
    // The longer one stands on three rows of twenty columns by now.
    assert!(shown.replace(&lines, 20, true, Ink::PLAIN).starts_with("\u{1b}[4A\r"));
    assert!(shown.replace(&lines, 10, false, Ink::PLAIN).starts_with("\u{1b}[2A\r"));
    assert_eq!(shown.clear(10, true), "\u{1b}[2A\r\u{1b}[J");
    assert!(!shown.is_any());
}
