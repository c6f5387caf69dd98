//! What a build has done, once it is over: for the end of the screen, and as a page for a CI's summary.
//! `junit` says the same to a CI's list of tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::events;
use super::human;
use super::ink::{Ink, Tone};
use super::leaderboard::{RebuiltLeaderboard, changes};
use super::reasons::brief;
use super::table::TextTable;
use crate::engine::event::{Event, Failure, Observer, Outcome, Summary};
use crate::engine::graph::{Graph, TargetId};
use crate::engine::reason::Reason;
use crate::engine::run_id::RunId;

/// Most targets that a page lists.
const LISTED: usize = 100;
/// Most leaderboards that are told one by one.
const BOARDS: usize = 3;
/// Most goals whose places are told.
const GOALS: usize = 6;
/// Most lines of a leaderboard on a page.
const LINES: usize = 20;

/// Hears a build, and keeps what became of each target.
#[derive(Default)]
pub struct RunResults {
    heard: Mutex<Heard>,
    /// Whether it keeps what only a file of results tells: why each target began, how long it took, and how it ended in
    /// every detail.
    in_full: bool,
}

/// What was heard.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) run: Option<RunId>,
    /// Targets that were to be looked at.
    pub(super) planned: BTreeSet<TargetId>,
    has_ended: BTreeSet<TargetId>,
    /// Those that ran or came back.
    renewed: BTreeSet<TargetId>,
    /// In the order in which they did.
    failed: Vec<TargetId>,
    pub(super) summary: Option<Summary>,
    pub(super) details: Details,
}

/// What only a file of results tells.
#[derive(Default)]
pub(super) struct Details {
    /// Why each target was begun.
    pub(super) reasons: BTreeMap<TargetId, String>,
    /// When the first attempt of each was begun.
    begun: BTreeMap<TargetId, Instant>,
    /// From then to its end, pauses between attempts included.
    pub(super) took: BTreeMap<TargetId, Duration>,
    /// In the order in which they ended.
    pub(super) ended: Vec<(TargetId, Outcome)>,
}

impl Observer for RunResults {
    fn observe(&self, event: &Event) {
        let mut heard = self.heard();
        match event {
            Event::Planned { run, steps, .. } => {
                heard.run = Some(*run);
                heard.planned.extend(steps);
            }
            Event::Started { target, reasons, .. } if self.in_full => heard.details.starts(*target, reasons),
            Event::Finished { target, outcome } => {
                let is_again = !heard.has_ended.insert(*target);
                if self.in_full {
                    heard.details.ends(*target, outcome, is_again);
                }
                heard.ends(*target, outcome);
            }
            Event::Ended { summary, .. } => heard.summary = Some(*summary),
            _ => {}
        }
    }
}

impl Heard {
    fn ends(&mut self, target: TargetId, outcome: &Outcome) {
        self.failed.retain(|id| *id != target);
        match outcome {
            Outcome::Failed(_) => {
                self.failed.push(target);
                self.renewed.remove(&target);
            }
            Outcome::Built { .. } | Outcome::Restored { .. } => drop(self.renewed.insert(target)),
            _ => {}
        }
    }
}

impl Details {
    fn starts(&mut self, target: TargetId, reasons: &[Reason]) {
        self.reasons.insert(target, brief(reasons));
        self.begun.entry(target).or_insert_with(Instant::now);
    }

    fn ends(&mut self, target: TargetId, outcome: &Outcome, is_again: bool) {
        if let Some(begun) = self.begun.remove(&target) {
            self.took.insert(target, begun.elapsed());
        }
        if is_again {
            self.ended.retain(|(id, _)| *id != target);
        }
        self.ended.push((target, outcome.clone()));
    }
}

impl RunResults {
    /// One that keeps all that [`RunResults::markdown`] and [`RunResults::junit`] tell.
    #[must_use]
    pub fn in_full() -> Self {
        let in_full = true;
        Self {
            in_full,
            ..Self::default()
        }
    }

    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The targets that have other artifacts than before: those that ran, and those that came back.
    #[must_use]
    pub fn renewed(&self) -> BTreeSet<TargetId> {
        self.heard().renewed.clone()
    }

    /// The targets that failed, in the order in which they did.
    #[must_use]
    pub fn failed(&self) -> Vec<TargetId> {
        self.heard().failed.clone()
    }

    /// Whether something was to be looked at that nobody came to.
    #[must_use]
    pub fn has_unfinished(&self) -> bool {
        let heard = self.heard();
        heard.planned.iter().any(|id| !heard.has_ended.contains(id))
    }

    /// A page in Markdown: what each target did and why, leaderboards, and failures with all that helps.
    #[must_use]
    pub fn markdown(&self, graph: &Graph, boards: &[RebuiltLeaderboard]) -> String {
        let heard = self.heard();
        let failed: Vec<String> = heard.failed.iter().map(|id| graph.name(*id).to_owned()).collect();
        let summary = heard.summary.unwrap_or_default();
        let name = match graph.spec.name.as_str() {
            "" => "atsaf",
            name => name,
        };
        let mut page = format!(
            "### {}: {}\n",
            escaped(name),
            escaped(&events::summary(&summary, &failed))
        );
        let details = &heard.details;
        let rows = details.ended.iter();
        let rows: Vec<String> = rows
            .filter_map(|(id, outcome)| details.row(graph, *id, outcome))
            .collect();
        if !rows.is_empty() {
            page += "\n| target | | time | why |\n|---|---|---:|---|\n";
            page.extend(rows.iter().take(LISTED).map(String::as_str));
            if rows.len() > LISTED {
                let _ = writeln!(page, "| and {} more | | | |", rows.len() - LISTED);
            }
        }
        for board in boards {
            page += &board_page(board);
        }
        for (id, outcome) in &details.ended {
            if let Outcome::Failed(failure) = outcome {
                page += &failure_page(graph, *id, failure);
            }
        }
        page
    }
}

impl Details {
    /// The row of a target that did something.
    fn row(&self, graph: &Graph, id: TargetId, outcome: &Outcome) -> Option<String> {
        let reasons = self.reasons.get(&id).cloned().unwrap_or_default();
        let (word, took, why) = match outcome {
            Outcome::Built {
                duration,
                changed,
                unchanged,
            } => {
                let same = changed.is_empty() && !unchanged.is_empty();
                (
                    if same { "unchanged" } else { "built" },
                    human::duration(*duration),
                    reasons,
                )
            }
            Outcome::Restored { reasons, .. } => ("restored", String::new(), brief(reasons)),
            Outcome::Failed(_) => ("**failed**", String::new(), reasons),
            Outcome::Skipped { because } => ("skipped", String::new(), format!("{} failed", graph.name(*because))),
            Outcome::Interrupted | Outcome::Superseded => ("stopped", String::new(), reasons),
            Outcome::Fresh | Outcome::Held { .. } => return None,
        };
        Some(format!(
            "| {} | {word} | {took} | {} |\n",
            escaped(graph.name(id)),
            escaped(&why)
        ))
    }
}

/// A leaderboard with what it said before.
fn board_page(board: &RebuiltLeaderboard) -> String {
    let RebuiltLeaderboard { name, before, after } = board;
    let mut page = format!("\n#### {} ({})\n\n", escaped(name), escaped(&after.metric));
    for change in changes(board) {
        let _ = writeln!(page, "{}  ", escaped(&change));
    }
    page += "\n| rank | model | before | now | |\n|---:|---|---:|---:|---:|\n";
    for line in after.lines.iter().take(LINES) {
        let then = before
            .as_ref()
            .and_then(|board| board.lines.iter().find(|then| then.model == line.model));
        let then = then.and_then(|line| line.score);
        let by = then.zip(line.score).and_then(|(then, now)| human::relative(then, now));
        let number = |value: Option<f64>| value.map(human::number).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            line.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            escaped(&line.model),
            number(then),
            number(line.score),
            by.unwrap_or_default(),
        );
    }
    if after.lines.len() > LINES {
        let _ = writeln!(page, "| | and {} more | | | |", after.lines.len() - LINES);
    }
    page
}

fn failure_page(graph: &Graph, id: TargetId, failure: &Failure) -> String {
    let diagnostic = events::failure(graph, id, failure);
    // A fence that is longer than any in the text.
    let text = diagnostic.render();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2);
    let fence = "`".repeat(longest + 1);
    format!(
        "\n#### `{}` failed\n\n{fence}text\n{}\n{fence}\n",
        graph.name(id).replace('`', "'"),
        text.trim_end()
    )
}

/// A text that stands in a line or a cell of Markdown for itself.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// The lines about leaderboards that were made anew.
#[must_use]
pub fn boards_text(boards: &[RebuiltLeaderboard], ink: Ink) -> String {
    let mut table = TextTable::new();
    if boards.len() > BOARDS {
        let other = |board: &&RebuiltLeaderboard| {
            let before = board.before.as_ref().and_then(|before| before.champion());
            before.is_some_and(|before| board.after.champion().is_some_and(|now| now.model != before.model))
        };
        let others: Vec<&RebuiltLeaderboard> = boards.iter().filter(other).collect();
        let new = boards.iter().filter(|board| board.before.is_none()).count();
        let mut text = human::count(boards.len(), "leaderboard");
        let _ = match new {
            0 => Ok(()),
            new if new == boards.len() => write!(text, ", all new"),
            new => write!(text, ", {new} new"),
        };
        text += match (others.len(), boards.len() - new) {
            (0, 0) => "",
            (0, _) if new > 0 => ", the first place in the others as before",
            (0, _) => ", the first place in each as before",
            _ => ", another model is first in ",
        };
        text += &others
            .iter()
            .take(GOALS)
            .map(|board| board.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        if others.len() > GOALS {
            let _ = write!(text, " and {} more", others.len() - GOALS);
        }
        return format!("{text}\n");
    }
    for board in boards {
        let name = match board.after.metric.as_str() {
            "" => board.name.clone(),
            metric => format!("{} ({metric})", board.name),
        };
        for (at, change) in changes(board).into_iter().enumerate() {
            let label = if at == 0 { name.clone() } else { String::new() };
            table.row([(Tone::Strong, label), (Tone::Plain, change)]);
        }
    }
    table.draw(ink)
}

/// Where the goals lie: names and paths.
#[must_use]
pub fn goals_text(goals: &[(String, String)], ink: Ink) -> String {
    let mut table = TextTable::new();
    for (name, path) in goals.iter().take(GOALS) {
        table.row([(Tone::Strong, name.clone()), (Tone::Plain, path.clone())]);
    }
    let mut text = table.draw(ink);
    if goals.len() > GOALS {
        let _ = writeln!(text, "and {} more: `atsaf list` has their paths", goals.len() - GOALS);
    }
    text
}

/// What to do after a failure; `failed` are the names of the targets, `by_hand` the first of them that runs a command,
/// `asked` the words of the build as a shell reads them, `has_unfinished` says whether there is more that it could have come to.
#[must_use]
pub fn next_text(failed: &[String], by_hand: Option<&str>, asked: &str, has_unfinished: bool, ink: Ink) -> String {
    let Some(first) = failed.first() else {
        return String::new();
    };
    let command = |flag: &str| format!("atsaf build {flag}{asked}").trim_end().to_owned();
    let mut steps = vec![(format!("atsaf logs {}", human::word(first)), "all that it printed")];
    if let Some(name) = by_hand {
        steps.push((
            format!("atsaf shell {}", human::word(name)),
            "to try its command by hand",
        ));
    }
    steps.push((command(""), "once it is mended: what is done stays done"));
    if has_unfinished {
        steps.push((command("-k "), "what does not need it, all the same"));
    }
    let mut table = TextTable::new();
    for (at, (command, what)) in steps.into_iter().enumerate() {
        let label = if at == 0 { "next" } else { "" };
        table.row([
            (Tone::Faint, label.to_owned()),
            (Tone::Strong, command),
            (Tone::Faint, what.to_owned()),
        ]);
    }
    table.draw(ink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::leaderboard::{Leaderboard, Standing};

    fn board(name: &str, before: &str, after: &str) -> RebuiltLeaderboard {
        let of = |model: &str| Leaderboard {
            metric: "rmse".to_owned(),
            lines: vec![Standing {
                model: model.to_owned(),
                score: Some(2.0),
                rank: Some(1),
            }],
        };
        RebuiltLeaderboard {
            name: name.to_owned(),
            before: Some(of(before)),
            after: of(after),
        }
    }

    #[test]
    fn few_leaderboards_are_told_one_by_one_and_many_by_what_is_new() {
        assert_eq!(
            boards_text(&[board("leaderboard", "A", "A")], Ink::PLAIN),
            "leaderboard (rmse)  A 2, 1st as before\n"
        );
        let many = |after: &str| -> Vec<RebuiltLeaderboard> {
            (0..8)
                .map(|at| board(&format!("b@{at}"), "A", if at < 7 { after } else { "A" }))
                .collect()
        };
        assert_eq!(
            boards_text(&many("A"), Ink::PLAIN),
            "8 leaderboards, the first place in each as before\n"
        );
        assert_eq!(
            boards_text(&many("B"), Ink::PLAIN),
            "8 leaderboards, another model is first in b@0, b@1, b@2, b@3, b@4, b@5 and 1 more\n"
        );
        let first = |new: usize| {
            let mut boards = many("A");
            boards[..new].iter_mut().for_each(|board| board.before = None);
            boards_text(&boards, Ink::PLAIN)
        };
        assert_eq!(first(8), "8 leaderboards, all new\n");
        assert_eq!(
            first(3),
            "8 leaderboards, 3 new, the first place in the others as before\n"
        );
        assert_eq!(boards_text(&[], Ink::PLAIN), "");
    }

    #[test]
    fn the_places_of_goals_and_the_next_steps_are_few() {
        let goals: Vec<(String, String)> = (0..8).map(|at| (format!("g{at}"), format!("out/{at}"))).collect();
        assert_eq!(goals_text(&goals[..1], Ink::PLAIN), "g0  out/0\n");
        let text = goals_text(&goals, Ink::PLAIN);
        assert!(
            text.ends_with("g5  out/5\nand 2 more: `atsaf list` has their paths\n"),
            "{text}"
        );
        assert_eq!(next_text(&[], None, "", true, Ink::PLAIN), "");
        let expected = "\
next  atsaf logs fit         all that it printed
      atsaf shell fit        to try its command by hand
      atsaf build report     once it is mended: what is done stays done
      atsaf build -k report  what does not need it, all the same
";
        let fit = ["fit".to_owned()];
        assert_eq!(next_text(&fit, Some("fit"), "report", true, Ink::PLAIN), expected);
        assert_eq!(next_text(&fit, None, "", false, Ink::PLAIN).lines().count(), 2);
    }

    #[test]
    fn nothing_that_others_wrote_is_markdown() {
        assert_eq!(escaped("a|b `c` <d> *e*\n_f_"), "a\\|b \\`c\\` &lt;d> \\*e\\* \\_f\\_");
    }
}
