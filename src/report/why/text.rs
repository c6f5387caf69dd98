//! An explanation for people.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::{Cause, Explanation, WhyContext};
use crate::engine::graph::TargetId;
use crate::engine::plan::Verdict;
use crate::engine::store::StoredResult;
use crate::outward::one_line;
use crate::report::human;
use crate::report::ink::{Ink, Tone};
use crate::report::line_edits::Edit;
use crate::report::notes;
use crate::report::plan::{Fate, names};
use crate::report::reasons::field_name;

/// The least width of the column of names.
const NAME: usize = 8;
/// The column at which places stand, where the text before them allows it.
const PLACE: usize = 40;
/// How many causes are told on the first level.
const CAUSES: usize = 30;

/// Draws an explanation.
#[must_use]
pub fn text(explanation: &Explanation<'_>, context: &WhyContext<'_>, ink: Ink) -> String {
    let mut page = WhyPage {
        out: format!("{}\n", head(explanation, context, ink)),
        ink,
        width: width(explanation, context),
        columns: context.columns.unwrap_or(usize::MAX),
    };
    match explanation.step.verdict {
        Verdict::Fresh => fresh(&mut page, explanation, context),
        _ => stale(&mut page, explanation, context),
    }
    page.out
}

/// The headline: what the goal is, and what becomes of it.
fn head(explanation: &Explanation<'_>, context: &WhyContext<'_>, ink: Ink) -> String {
    let WhyContext { graph, now, .. } = *context;
    let (name, target) = (explanation.name(graph), graph.name(explanation.target));
    let it = match name == target {
        true => "it",
        false => target,
    };
    let name = ink.paint(Tone::Strong, &name);
    let stale = ink.paint(Tone::Stale, "stale");
    match explanation.fate {
        Fate::Run => format!("{name} is {stale}: {it} must run"),
        Fate::Restore(from) => {
            let ago = human::ago(from.time(), now);
            format!("{name} is {stale}: {it} comes back from run {} ({ago})", from.short())
        }
        Fate::Undecided => {
            let word = ink.paint(Tone::Stale, "undecided");
            if explanation.step.waits_for.is_empty() {
                return format!("{name} is {word}: {it} runs if its probe answers something else");
            }
            format!("{name} is {word}: {it} runs if what it reads comes out different")
        }
        Fate::Hold(until) => {
            let (word, until) = (ink.paint(Tone::Stale, "held"), notes::until(until));
            format!("{name} is {word} {until}: new data alone does not let {it} run before")
        }
        Fate::Keep => {
            let word = ink.paint(Tone::Good, "fresh");
            let Some(past) = &explanation.record else {
                return format!("{name} is {word}");
            };
            let restored = if past.placed_by == past.run {
                String::new()
            } else {
                let (run, ago) = (past.placed_by.short(), human::ago(past.placed_by.time(), now));
                format!(", restored in run {run} ({ago})")
            };
            let built = match it {
                "it" => "built in".to_owned(),
                target => format!("built by {target} in"),
            };
            format!("{name} is {word}: {built} {}{restored}", run_words(past, now))
        }
    }
}

fn stale(page: &mut WhyPage, explanation: &Explanation<'_>, context: &WhyContext<'_>) {
    let WhyContext { graph, now, .. } = *context;
    page.causes(&explanation.causes);
    if let Some((run, _)) = explanation.failed {
        let (name, ago) = (graph.name(explanation.target), human::ago(run.time(), now));
        let text = format!(
            "in run {} ({ago}): `atsaf logs {}` tells more",
            run.short(),
            human::word(name)
        );
        page.line("failed", &text, None);
    }
    if let Some(past) = &explanation.record {
        let run = run_words(past, now);
        let same: Vec<String> = explanation.same.iter().map(field_name).collect();
        match same.is_empty() {
            true => page.whole(&format!("built last in {run}")),
            false => page.listed(&format!("same as in {run}:"), &same),
        }
    }
    let estimate = Some(explanation.estimate.words(" in all")).filter(|time| !time.is_empty());
    let (first, then) = (open(&explanation.first, context), open(&explanation.then, context));
    let (at_first, at_then, below) = match (first.is_empty(), then.is_empty()) {
        (_, false) => (None, estimate, None),
        (false, true) => (estimate, None, None),
        (true, true) => (None, None, estimate),
    };
    page.line("first", &first, at_first);
    page.line("then", &then, at_then);
    page.line("takes", &below.unwrap_or_default(), None);
    page.line("kept", &names(graph, &explanation.kept), None);
}

fn fresh(page: &mut WhyPage, explanation: &Explanation<'_>, context: &WhyContext<'_>) {
    if let Some(note) = notes::text(explanation.step, context.now) {
        page.whole(&format!("  {note}"));
    }
    page.whole("because");
    page.causes(&explanation.causes);
    page.whole("from");
    for (name, value, place) in explanation.made_from(context.graph, context.past) {
        page.put(&name, Tone::Plain, &value, Some(place));
    }
    for artifact in explanation.artifacts(context.graph) {
        page.line("is", &artifact.path, Some(human::size(artifact.size)));
    }
    if let Some(line) = &explanation.said {
        let more = format!("atsaf logs {}", human::word(context.graph.name(explanation.target)));
        page.line("said", line, Some(more));
    }
}

/// Names of targets that are not fresh; those that come back from the store are marked.
fn open(targets: &[TargetId], context: &WhyContext<'_>) -> String {
    let restored = |target: &TargetId| {
        let verdict = context.plan.step(*target).map(|step| &step.verdict);
        matches!(verdict, Some(Verdict::Stale { restore: Some(_), .. }))
    };
    match targets {
        few if few.len() < 10 => few
            .iter()
            .map(|target| match restored(target) {
                true => format!("{} (comes back)", context.graph.name(*target)),
                false => context.graph.name(*target).to_owned(),
            })
            .collect::<Vec<_>>()
            .join(", "),
        many => names(context.graph, many),
    }
}

/// The run in which a result was made, how long ago, and how long it took.
fn run_words(past: &StoredResult, now: SystemTime) -> String {
    let took = human::duration(Duration::from_millis(past.duration));
    format!(
        "run {} ({}, {took})",
        past.run.short(),
        human::ago(past.run.time(), now)
    )
}

/// The width of the column of names.
fn width(explanation: &Explanation<'_>, context: &WhyContext<'_>) -> usize {
    let mut names: Vec<usize> = explanation
        .causes
        .iter()
        .map(|cause| cause.told.subject.chars().count())
        .collect();
    if explanation.step.verdict == Verdict::Fresh {
        let lines = explanation.made_from(context.graph, context.past);
        names.extend(lines.iter().map(|(name, ..)| name.chars().count()));
    }
    names
        .into_iter()
        .filter(|width| *width <= 24)
        .max()
        .unwrap_or(0)
        .max(NAME)
}

/// Lines in three columns: name, text, place.
struct WhyPage {
    out: String,
    ink: Ink,
    width: usize,
    /// No list is wider.
    columns: usize,
}

impl WhyPage {
    fn whole(&mut self, text: &str) {
        // A name of a file may have a line end in it.
        self.out.push_str(&one_line(text));
        self.out.push('\n');
    }

    /// Names behind a word; where they are too many for a line, it ends between two of them.
    fn listed(&mut self, word: &str, names: &[String]) {
        let mut line = word.to_owned();
        for (at, name) in names.iter().enumerate() {
            let comma = if at + 1 < names.len() { "," } else { "" };
            if line.chars().count() + 1 + name.chars().count() + comma.len() > self.columns {
                self.whole(&line);
                // Below the texts of the other lines, behind the blank that comes.
                line = " ".repeat(self.width + 3);
            }
            let _ = write!(line, " {name}{comma}");
        }
        self.whole(&line);
    }

    /// A line that begins at the margin, if there is anything to say in it.
    fn line(&mut self, word: &str, text: &str, place: Option<String>) {
        if !text.is_empty() {
            // Two more, for the indent that the others have.
            let width = self.width + 2;
            self.columns(&format!("{word:width$}"), Tone::Plain, text, place);
        }
    }

    fn put(&mut self, name: &str, tone: Tone, text: &str, place: Option<String>) {
        let width = self.width;
        self.columns(&format!("  {name:width$}"), tone, text, place);
    }

    fn columns(&mut self, name: &str, tone: Tone, text: &str, place: Option<String>) {
        let mut line = self.ink.paint(Tone::Plain, name);
        line.push_str("  ");
        line.push_str(&self.ink.paint(tone, text));
        if let Some(place) = place {
            let used = name.chars().count() + 2 + text.chars().count();
            line.extend(std::iter::repeat_n(' ', PLACE.saturating_sub(used).max(2)));
            line.push_str(&self.ink.paint(Tone::Faint, &place));
        }
        self.whole(line.trim_end());
    }

    fn causes(&mut self, causes: &[Cause]) {
        for cause in causes.iter().take(CAUSES) {
            let told = &cause.told;
            match told.subject.is_empty() {
                true => self.whole(&format!("  {}", told.what)),
                false => self.put(&told.subject, Tone::Plain, &told.what, told.place.clone()),
            }
            self.edits(&told.lines, self.width + 4);
            self.behind(&cause.because, self.width + 4);
        }
        if causes.len() > CAUSES {
            self.whole(&format!("  and {} more", causes.len() - CAUSES));
        }
    }

    fn edits(&mut self, edits: &[Edit], indent: usize) {
        for edit in edits {
            let line = match edit {
                Edit::Taken(line) => self.ink.paint(Tone::Old, &format!("- {line}")),
                Edit::Added(line) => self.ink.paint(Tone::New, &format!("+ {line}")),
            };
            self.whole(&format!("{:indent$}{line}", ""));
        }
    }

    /// What stands behind a cause, each step further in.
    fn behind(&mut self, causes: &[Cause], indent: usize) {
        for cause in causes {
            let place = cause
                .told
                .place
                .as_ref()
                .map(|place| format!(" ({place})"))
                .unwrap_or_default();
            self.whole(&format!("{:indent$}because {}{place}", "", cause.told.brief()));
            self.edits(&cause.told.lines, indent + 2);
            self.behind(&cause.because, indent + 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_ends_its_lines_between_two_names() {
        let listed = |columns| {
            let mut page = WhyPage {
                out: String::new(),
                ink: Ink::PLAIN,
                width: 8,
                columns,
            };
            let names = ["clean", "validation", "frequency"].map(str::to_owned);
            page.listed("same as in run 1:", &names);
            page.out
        };
        assert_eq!(listed(usize::MAX), "same as in run 1: clean, validation, frequency\n");
        let expected = "same as in run 1: clean,\n            validation, frequency\n";
        assert_eq!(listed(33), expected);
    }
}
