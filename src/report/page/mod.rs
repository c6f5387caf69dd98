//! One HTML page about a project: what it forecasts, how good that is, what the last run did, and where all of it came from.
//!
//! It gets plain data and makes text of it, the same text for the same data: no clock, no file, no store. Markup is made by
//! `maud`, which escapes whatever is put into it. Pictures are SVG, drawn here; the page needs no other file, and no script
//! to be read.

mod backtest;
mod board;
mod changes;
mod forecast;
mod number;
mod preview;
mod provenance;
mod quality;
mod run;
mod svg;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use self::backtest::{Backtest, Calibration, GroupErrors, WindowErrors};
pub use self::board::{Board, BoardRow};
pub use self::changes::{Change, Changed};
pub use self::forecast::{Band, Forecast, SeriesForecast};
pub use self::preview::{Preview, Shown};
pub use self::provenance::Provenance;
pub use self::quality::{Fact, Quality, Rule};
pub use self::run::{LastRun, TargetTurn, Timed};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// All that a page tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What it was made from, so that it can be asked whether that is still so: hexadecimal digits.
    pub made_from: String,
    /// The project's name.
    pub project: String,
    /// The goals that it is about.
    pub goals: Vec<String>,
    /// What is to be known before anything else, such as a source that is missing.
    pub notes: Vec<String>,
    /// The last run that did something; none if nothing was built yet.
    pub run: Option<LastRun>,
    /// Whether what is there is what a build would leave, in words.
    pub state: String,
    /// The graph as an SVG that was made by this program.
    pub graph: Option<String>,
    /// The forecasts.
    pub forecasts: Vec<Forecast>,
    /// The leaderboards.
    pub boards: Vec<Board>,
    /// What the back-tests' forecasts say.
    pub backtests: Vec<Backtest>,
    /// What is known of the data.
    pub quality: Vec<Quality>,
    /// The beginnings of the other artifacts.
    pub previews: Vec<Preview>,
    /// How many artifacts are not looked into, for they are too many.
    pub previews_left: usize,
    /// What differs from the results before.
    pub changes: Vec<Changed>,
    /// Where each artifact came from.
    pub provenance: Vec<Provenance>,
    /// How many more artifacts there are.
    pub provenance_left: usize,
}

/// What stands in every page that this program makes, near its beginning.
const MARK: &str = "<meta name=\"generator\" content=\"atsaf ";

/// Whether a file is a page that this program made.
#[must_use]
pub fn is_page(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    memchr::memmem::find(head, MARK.as_bytes()).is_some()
}

/// What stands before that from which a page was made.
const MADE_FROM: &str = "<meta name=\"atsaf-made-from\" content=\"";

/// From what a page was made that this program wrote; `None` if the file is no such page.
#[must_use]
pub fn made_from(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(1024)];
    let begin = memchr::memmem::find(head, MADE_FROM.as_bytes())? + MADE_FROM.len();
    let length = memchr::memchr(b'"', &head[begin..])?;
    std::str::from_utf8(&head[begin..begin + length]).ok()
}

/// A part of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

impl Page {
    /// Draws the page.
    #[must_use]
    pub fn html(&self) -> String {
        let sections = self.sections();
        let title = match self.project.as_str() {
            "" => "Report",
            name => name,
        };
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "atsaf " (env!("CARGO_PKG_VERSION")) };
                    meta name="atsaf-made-from" content=(self.made_from);
                    title { (title) " · atsaf report" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        h1 { (title) }
                        (self.summary())
                        nav aria-label="Parts of the report" {
                            ul { @for section in &sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                        }
                    }
                    main #content tabindex="-1" {
                        @for note in &self.notes { p.note role="note" { (note) } }
                        @for Section { id, title, body } in &sections {
                            section id=(id) aria-labelledby={ (id) "-title" } {
                                h2 id={ (id) "-title" } { (title) }
                                (body)
                            }
                        }
                    }
                    footer { p { "Made by atsaf " (env!("CARGO_PKG_VERSION")) " from the artifacts as they are, and from its records. Times are in UTC." } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string() + "\n"
    }

    /// Draws the page in no more than some bytes, as far as that can be: what is longest and matters least is left out, and
    /// the page says so.
    #[must_use]
    pub fn html_within(&self, limit: usize) -> String {
        type Step = (fn(&mut Page), &'static str);
        let steps: [Step; 4] = [
            (
                |page| {
                    for one in &mut page.provenance {
                        one.params.clear();
                        one.inputs.clear();
                    }
                },
                "Inputs and parameters are left out, for the page would be too large with them.",
            ),
            (
                |page| {
                    page.previews.clear();
                    page.changes.clear();
                },
                "The beginnings of artifacts and the changes are left out, for the page would be too large with them.",
            ),
            (
                |page| {
                    page.graph = None;
                    page.backtests.clear();
                },
                "The graph and the back-test are left out, for the page would be too large with them.",
            ),
            (
                |page| {
                    for forecast in &mut page.forecasts {
                        let all = forecast.count();
                        forecast.series.truncate(2);
                        forecast.left_out = all - forecast.series.len();
                    }
                },
                "Of each table two forecasts are drawn, for the page would be too large with more.",
            ),
        ];
        let mut html = self.html();
        let mut less = self.clone();
        for (leave_out, note) in steps {
            if html.len() <= limit {
                break;
            }
            leave_out(&mut less);
            less.notes.push(note.to_owned());
            html = less.html();
        }
        html
    }

    /// The parts in their order; a project that forecasts nothing has none about forecasts.
    fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        let mut add = |id, title, body| sections.push(Section { id, title, body });
        if !self.forecasts.is_empty() {
            add("forecast", "Forecast", forecast::section(&self.forecasts));
        }
        if !self.boards.is_empty() {
            add("leaderboard", "Leaderboard", board::section(&self.boards));
        }
        if !self.backtests.is_empty() {
            add("backtest", "Back-test", backtest::section(&self.backtests));
        }
        if !self.quality.is_empty() {
            add("quality", "Data quality", quality::section(&self.quality));
        }
        let forecasts = !sections.is_empty();
        let mut add = |id, title, body| sections.push(Section { id, title, body });
        let previews = || preview::section(&self.previews, self.previews_left);
        if !self.previews.is_empty() && !forecasts {
            add("results", "Results", previews());
        }
        add(
            "run",
            "Last run",
            run::section(self.run.as_ref(), self.graph.as_deref()),
        );
        if self.run.is_some() {
            add("changes", "Changes", changes::section(&self.changes));
        }
        if !self.previews.is_empty() && forecasts {
            add("results", "Other artifacts", previews());
        }
        let provenance = provenance::section(&self.provenance, self.provenance_left);
        add("provenance", "Provenance", provenance);
        sections
    }

    /// What the page says in a few words.
    fn summary(&self) -> Markup {
        html! {
            @if let Some(run) = &self.run { (run.line()) } @else { p.lead { "Nothing was built yet." } }
            dl.facts {
                @for board in self.boards.iter().take(3) {
                    @if let Some((model, score)) = board.champion() {
                        div { dt { "Best model" @if self.boards.len() > 1 { " of " (board.artifact) } } dd { (model) " " span.unit { (board.metric) " " (number::of(score)) } } }
                    }
                }
                @for forecast in self.forecasts.iter().take(2) {
                    @if let Some((from, to)) = forecast.reach() {
                        div { dt { "Forecast" } dd { (from) " to " (to) " " span.unit { (forecast.count()) " series" } } }
                    }
                }
                @for quality in self.quality.iter().take(3) {
                    @if !quality.status.is_empty() {
                        div { dt { "Data: " (quality.artifact) } dd { (quality.status) } }
                    }
                }
                @if !self.state.is_empty() { div { dt { "State" } dd { (self.state) } } }
                div { dt { "Goals" } dd { (few(&self.goals)) } }
            }
        }
    }
}

/// The first few of some names.
fn few(names: &[String]) -> String {
    const FEW: usize = 8;
    let mut text = names
        .iter()
        .take(FEW)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > FEW {
        let _ = write!(text, " and {} more", names.len() - FEW);
    }
    text
}
