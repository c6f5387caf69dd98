//! The last run: what it did to each target and why, when each of them ran, and the graph.

use maud::{Markup, PreEscaped, html};

use super::svg::{Plot, picture};
use crate::axis;
use crate::report::human;

/// Targets in the picture of the times.
const DRAWN: usize = 60;

/// The last run that did something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastRun {
    /// Its id, in short and whole.
    pub id: (String, String),
    /// When it began.
    pub began: String,
    /// How long it took, in words; empty as long as it has not ended.
    pub took: String,
    /// How it ended, in words.
    pub ended: String,
    /// The goals as asked for.
    pub goals: String,
    /// Parameters that were set on the command line.
    pub set: Vec<(String, String)>,
    /// How many runs after it had nothing to do.
    pub idle_after: usize,
    /// What became of each target, in build order.
    pub targets: Vec<TargetTurn>,
    /// How many more targets there are.
    pub targets_left: usize,
    /// Of the whole run, in seconds.
    pub seconds: f64,
}

/// What became of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetTurn {
    /// The target.
    pub target: String,
    /// What the run did: `built`, `restored`, `failed`, `fresh`.
    pub outcome: String,
    /// How long it took, in words.
    pub took: String,
    /// Why, or what went wrong.
    pub why: String,
    /// Its state today, such as `fresh`; empty if that is not known.
    pub state: String,
    /// When it ran, if the records tell.
    pub timed: Option<Timed>,
}

/// When a target ran, in seconds since the run began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// The beginning of the attempt that succeeded.
    pub start: f64,
    /// How long it took.
    pub duration: f64,
}

impl LastRun {
    /// The run in a sentence.
    pub(super) fn line(&self) -> Markup {
        html! {
            p.lead {
                "As of run " code title=(self.id.1) { (self.id.0) } " of " (self.began) ": " (self.ended)
                @if !self.took.is_empty() { " in " (self.took) } "."
                @if self.idle_after > 0 { " " (human::count(self.idle_after, "later run")) " found nothing to do." }
            }
        }
    }
}

pub(super) fn section(run: Option<&LastRun>, graph: Option<&str>) -> Markup {
    html! {
        @match run {
            None => p.none { "Not built yet: " code { "atsaf build" } " makes what is asked for." },
            Some(run) => {
                @if !run.goals.is_empty() { p { "Goals asked for: " (run.goals) } }
                @if !run.set.is_empty() { p { "Set on the command line: " @for (at, (name, value)) in run.set.iter().enumerate() { @if at > 0 { ", " } code { (name) "=" (value) } } } }
                (timeline(run))
                (table(run))
            }
        }
        @if let Some(graph) = graph {
            figure.graph-figure {
                figcaption { strong { "Graph" } span.from { "each target with what the last run did to it; a dashed edge: it is not fresh now" } }
                div.scroll tabindex="0" role="group" aria-label="Graph of targets and artifacts" { (PreEscaped(graph)) }
            }
        }
    }
}

fn table(run: &LastRun) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="What the last run did to each target" {
            table {
                caption { "What the run did to each target" }
                thead { tr { th scope="col" { "target" } th scope="col" { "in this run" } th.number scope="col" { "took" } th scope="col" { "why" } th scope="col" { "state now" } } }
                tbody {
                    @for turn in &run.targets {
                        tr {
                            th scope="row" { (turn.target) }
                            td { span class={ "state " (tone(&turn.outcome)) } { (turn.outcome) } }
                            td.number { (turn.took) } td { (turn.why) } td { (turn.state) }
                        }
                    }
                }
            }
        }
        @if run.targets_left > 0 { p.left { (human::count(run.targets_left, "more target")) "." } }
    }
}

fn tone(outcome: &str) -> &'static str {
    match outcome {
        "failed" | "cut short" => "bad",
        "built" => "built",
        "restored" => "restored",
        _ => "kept",
    }
}

/// A bar a target, over the seconds of the run.
fn timeline(run: &LastRun) -> Markup {
    let mut timed: Vec<(&TargetTurn, Timed)> = run
        .targets
        .iter()
        .filter_map(|turn| Some((turn, turn.timed?)))
        .collect();
    timed.sort_by(|a, b| a.1.start.total_cmp(&b.1.start));
    let untimed: Vec<&str> = run
        .targets
        .iter()
        .filter(|turn| turn.timed.is_none() && turn.outcome != "fresh" && turn.outcome != "not in this run")
        .map(|turn| turn.target.as_str())
        .collect();
    if timed.is_empty() {
        return html! {};
    }
    let shown = &timed[..timed.len().min(DRAWN)];
    html! {
        figure {
            figcaption { strong { "Timeline" } span.from { "seconds since the run began; of each target the attempt that succeeded" } }
            div.for-wide { (bars("timeline", run, shown, 1040.0, 28)) }
            div.for-narrow { (bars("timeline-narrow", run, shown, 520.0, 16)) }
            @if timed.len() > shown.len() { p.left { (human::count(timed.len() - shown.len(), "more target")) " ran later and are not drawn." } }
            @if !untimed.is_empty() { p.left { "When these had their turn is not recorded: " (super::few(&untimed.iter().map(ToString::to_string).collect::<Vec<_>>())) "." } }
        }
    }
}

/// The bars in a picture of a width, beside names of so many characters.
fn bars(id: &str, run: &LastRun, shown: &[(&TargetTurn, Timed)], width: f64, longest: usize) -> Markup {
    const ROW: f64 = 22.0;
    #[expect(clippy::cast_precision_loss, reason = "a few characters")]
    let left = 7.0 * longest as f64 + 14.0;
    let last = shown
        .iter()
        .map(|(_, at)| at.start + at.duration)
        .fold(run.seconds, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let top = |at: usize| 6.0 + ROW * at as f64;
    let bottom = top(shown.len());
    let plot = Plot {
        width,
        height: bottom + 26.0,
        edges: [left, 6.0, width - 90.0, bottom],
        across: (0.0, last.max(0.001)),
        up: (0.0, 1.0),
    };
    let body = html! {
        @for (number, text) in axis::numbers(0.0, plot.across.1, if width > 600.0 { 8 } else { 4 }) {
            @let x = plot.x(number);
            path.rule d=(format!("M{x:.1} 6V{bottom:.1}")) {}
            text.tick x=(format!("{x:.1}")) y=(format!("{:.1}", bottom + 18.0)) text-anchor="middle" { (text) " s" }
        }
        @for (at, (turn, time)) in shown.iter().enumerate() {
            @let (x, end) = (plot.x(time.start), plot.x(time.start + time.duration));
            text.label x=(left - 10.0) y=(format!("{:.1}", top(at) + 15.0)) text-anchor="end" { (short(&turn.target, longest)) }
            rect.span x=(format!("{x:.1}")) y=(format!("{:.1}", top(at) + 4.0)) width=(format!("{:.1}", (end - x).max(1.5))) height="14" rx="2" {
                title { (turn.target) ": began after " (seconds(time.start)) ", took " (turn.took) }
            }
            text.tick x=(format!("{:.1}", end.max(x + 1.5) + 6.0)) y=(format!("{:.1}", top(at) + 15.0)) { (turn.took) }
        }
    };
    let described = format!(
        "A bar for each of {} from its beginning to its end.",
        human::count(shown.len(), "target")
    );
    picture(
        id,
        "timeline",
        &plot.view(),
        ("Timeline of the last run", &described),
        &body,
    )
}

fn short(name: &str, longest: usize) -> String {
    match name.char_indices().nth(longest) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

fn seconds(seconds: f64) -> String {
    human::duration(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
