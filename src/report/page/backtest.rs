//! What a back-test's forecasts say: errors by window and by hour of day, and whether the intervals hold what they promise.

use maud::{Markup, html};

use super::number;
use super::svg::{Plot, picture, range};
use crate::axis;
use crate::report::human;

/// Lines of one picture; the first is the one to look at.
const LINES: usize = 8;

/// What a table of back-tested forecasts says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backtest {
    /// The artifact's name.
    pub artifact: String,
    /// The models, the best first.
    pub models: Vec<String>,
    /// Root mean squared errors by window.
    pub windows: WindowErrors,
    /// Mean absolute errors by hour of day, or by day of the week.
    pub groups: GroupErrors,
    /// How often values lay inside their intervals.
    pub calibration: Vec<Calibration>,
    /// What keeps it from being looked at, if something does.
    pub unread: Option<String>,
}

/// Errors by window: of each series the root mean squared error, and of these the mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowErrors {
    /// The cutoffs as the table writes them, in order.
    pub cutoffs: Vec<String>,
    /// By model, then by window.
    pub rmse: Vec<Vec<Option<f64>>>,
}

/// Errors by a part of the calendar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupErrors {
    /// What the groups are: `hour of day` or `day of the week`.
    pub by: String,
    /// Their names, in order.
    pub names: Vec<String>,
    /// By model, then by group: the mean absolute error.
    pub mae: Vec<Vec<Option<f64>>>,
    /// The same of the errors with their sign: forecast less value.
    pub bias: Vec<Vec<Option<f64>>>,
}

/// How often values lay inside the intervals of a level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// The share that is promised, in percent, if it is known.
    pub nominal: Option<f64>,
    /// By model, how many values lay inside, and of how many.
    pub inside: Vec<(usize, usize)>,
}

pub(super) fn section(backtests: &[Backtest]) -> Markup {
    html! {
        @for (at, backtest) in backtests.iter().enumerate() {
            @if backtests.len() > 1 { h3 { (backtest.artifact) } }
            @if let Some(why) = &backtest.unread { p.none { code { (backtest.artifact) } " is not looked into: " (why) } }
            @else {
                div.panels {
                    (by_window(backtest, &format!("windows-{at}")))
                    (by_group(backtest, &format!("groups-{at}")))
                }
                (calibration(backtest, &format!("calibration-{at}")))
            }
        }
    }
}

fn by_window(backtest: &Backtest, id: &str) -> Markup {
    let WindowErrors { cutoffs, rmse } = &backtest.windows;
    let names: Vec<String> = cutoffs.iter().map(|cutoff| short(cutoff).to_owned()).collect();
    html! {
        figure {
            figcaption { strong { "Error by window" } span.from { "root mean squared error, by the cutoff of the window" } }
            (lines(id, "Error by window", &names, rmse, &backtest.models))
            (table("Root mean squared error by window", "cutoff", cutoffs, rmse, &backtest.models))
        }
    }
}

fn by_group(backtest: &Backtest, id: &str) -> Markup {
    let GroupErrors { by, names, mae, bias } = &backtest.groups;
    html! {
        @if !names.is_empty() {
            figure {
                figcaption { strong { "Error by " (by) } span.from { "mean absolute error over all windows" } }
                (lines(id, &format!("Error by {by}"), names, mae, &backtest.models))
                (table(&format!("Mean absolute error by {by}"), by, names, mae, &backtest.models))
                (table(&format!("Mean error by {by}: forecast less value"), by, names, bias, &backtest.models))
            }
        }
    }
}

/// The day of a moment at midnight or just before, else the moment without its seconds.
fn short(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}

/// A line a model over groups in a row; errors are compared by their distance from zero, so the scale begins there.
fn lines(id: &str, title: &str, names: &[String], values: &[Vec<Option<f64>>], models: &[String]) -> Markup {
    let shown = || values.iter().take(LINES);
    let Some((_, most)) = range(shown().flatten().filter_map(|value| *value)) else {
        return html! { p.none { "There is no number to draw." } };
    };
    #[expect(clippy::cast_precision_loss, reason = "groups are few")]
    let place = |at: usize| at as f64;
    let plot = Plot {
        width: 520.0,
        height: 256.0,
        edges: [62.0, 12.0, 382.0, 220.0],
        across: (0.0, place(names.len().saturating_sub(1).max(1))),
        up: (0.0, most * 1.06),
    };
    let line = |row: &[Option<f64>]| {
        let points = row.iter().enumerate();
        plot.line(points.map(|(at, value)| (place(at), value.unwrap_or(f64::NAN))))
    };
    let every = names
        .len()
        .div_ceil(if names.iter().any(|name| name.len() > 5) { 4 } else { 8 })
        .max(1);
    let ends: Vec<f64> = shown()
        .map(|row| {
            row.iter()
                .rev()
                .find_map(|value| *value)
                .map_or(f64::NAN, |value| plot.y(value))
        })
        .collect();
    let labels = apart(&ends);
    let body = html! {
        (plot.numbers_up(4))
        @for (at, name) in names.iter().enumerate().filter(|(at, _)| at.is_multiple_of(every)) {
            text.tick x=(format!("{:.1}", plot.x(place(at)))) y="243" text-anchor="middle" { (name) }
        }
        @for (at, row) in shown().enumerate().rev() {
            path class=(if at == 0 { "line first" } else { "line" }) d=(line(row)) { title { (models[at]) } }
            @if names.len() <= 12 || at == 0 {
                @for (group, value) in row.iter().enumerate() { @if let Some(value) = value {
                    circle class=(if at == 0 { "dot first" } else { "dot" }) cx=(format!("{:.1}", plot.x(place(group)))) cy=(format!("{:.1}", plot.y(*value))) r="3" {
                        title { (models[at]) ", " (names[group]) ": " (human::number(*value)) }
                    }
                } }
            }
        }
        @for (at, y) in labels.iter().enumerate() {
            @if y.is_finite() { text class=(if at == 0 { "label first" } else { "label" }) x="390" y=(format!("{:.1}", y + 4.0)) { (cut(&models[at])) } }
        }
    };
    let best = models.first().map_or("", String::as_str);
    let described = format!(
        "One line for each of {}; that of {best} is drawn strong. The numbers are in the table below.",
        human::count(models.len().min(LINES), "model")
    );
    html! {
        (picture(id, "lines", &plot.view(), (title, &described), &body))
        @if models.len() > LINES { p.left { (human::count(models.len() - LINES, "more model")) " in the tables, not drawn." } }
    }
}

/// A name that fits beside a picture.
fn cut(name: &str) -> String {
    const LONGEST: usize = 15;
    match name.char_indices().nth(LONGEST) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// Places of labels, moved away from each other so that none stands on another.
fn apart(places: &[f64]) -> Vec<f64> {
    const LINE: f64 = 13.0;
    let mut order: Vec<usize> = (0..places.len()).filter(|at| places[*at].is_finite()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let mut moved = places.to_vec();
    for pair in 1..order.len() {
        let above = moved[order[pair - 1]];
        let own = &mut moved[order[pair]];
        *own = own.max(above + LINE);
    }
    // What was pushed out below goes up again.
    let mut below = 222.0;
    for at in order.into_iter().rev() {
        moved[at] = moved[at].min(below);
        below = moved[at] - LINE;
    }
    moved
}

fn table(caption: &str, by: &str, names: &[String], values: &[Vec<Option<f64>>], models: &[String]) -> Markup {
    html! {
        details {
            summary { (caption) }
            div.scroll tabindex="0" role="group" aria-label=(caption) {
                table.numbers {
                    caption { (caption) }
                    thead { tr { th scope="col" { (by) } @for model in models { th.number scope="col" { (model) } } } }
                    tbody {
                        @for (at, name) in names.iter().enumerate() {
                            tr { th scope="row" { (name) } @for row in values { td.number { (number::maybe(row.get(at).copied().flatten())) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The share in percent.
fn observed((inside, of): (usize, usize)) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    let share = 100.0 * inside as f64 / of as f64;
    (of > 0).then_some(share)
}

fn calibration(backtest: &Backtest, id: &str) -> Markup {
    html! {
        @if !backtest.calibration.is_empty() {
            figure {
                figcaption { strong { "Calibration of the intervals" } span.from { "values that lay inside, of all that were forecast in the back-test" } }
                @for (at, level) in backtest.calibration.iter().enumerate() { (dots(level, &backtest.models, &format!("{id}-{at}"))) }
                (coverage_table(backtest))
            }
        }
    }
}

/// A dot a model on a scale of percent, and a line at what is promised.
fn dots(level: &Calibration, models: &[String], id: &str) -> Markup {
    const ROW: f64 = 20.0;
    let shares: Vec<Option<f64>> = level.inside.iter().copied().take(LINES).map(observed).collect();
    let Some((least, _)) = range(shares.iter().filter_map(|share| *share).chain(level.nominal)) else {
        return html! {};
    };
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let row = |at: usize| 26.0 + ROW * at as f64;
    let bottom = row(shares.len()) - 8.0;
    let least = (((least - 5.0) / 10.0).floor() * 10.0).clamp(0.0, 90.0);
    let plot = Plot {
        width: 520.0,
        height: bottom + 24.0,
        edges: [136.0, 16.0, 440.0, bottom],
        across: (least, 100.0),
        up: (0.0, 1.0),
    };
    let body = html! {
        @for (number, text) in axis::numbers(least, 100.0, 4) {
            @let x = plot.x(number);
            path.rule d=(format!("M{x:.1} 16V{bottom:.1}")) {}
            text.tick x=(format!("{x:.1}")) y=(format!("{:.1}", bottom + 16.0)) text-anchor="middle" { (text) " %" }
        }
        @if let Some(nominal) = level.nominal {
            @let x = plot.x(nominal);
            path.nominal d=(format!("M{x:.1} 12V{bottom:.1}")) {}
            text.label x=(format!("{x:.1}")) y="10" text-anchor="middle" { "promised " (nominal) " %" }
        }
        @for (at, share) in shares.iter().enumerate() {
            text class=(if at == 0 { "label first" } else { "label" }) x="126" y=(format!("{:.1}", row(at) + 4.0)) text-anchor="end" { (cut(&models[at])) }
            @if let Some(share) = share {
                circle class=(if at == 0 { "dot first" } else { "dot" }) cx=(format!("{:.1}", plot.x(*share))) cy=(format!("{:.1}", row(at))) r="4.5" { title { (models[at]) ": " (human::number(*share)) " %" } }
                text class=(if at == 0 { "label first" } else { "label" }) x="450" y=(format!("{:.1}", row(at) + 4.0)) { (human::number(*share)) " %" }
            }
        }
    };
    let promised = level
        .nominal
        .map_or_else(|| "an unknown share".to_owned(), |nominal| format!("{nominal} %"));
    let title = format!("Observed coverage where {promised} is promised");
    picture(
        id,
        "dots",
        &plot.view(),
        (&title, "A dot a model; the line stands at what is promised."),
        &body,
    )
}

fn coverage_table(backtest: &Backtest) -> Markup {
    html! {
        details {
            summary { "Numbers" }
            div.scroll tabindex="0" role="group" aria-label="Calibration of the intervals" {
                table.numbers {
                    caption { "Values inside the intervals, in percent and counted" }
                    thead { tr {
                        th scope="col" { "model" }
                        @for level in &backtest.calibration {
                            th.number scope="col" { "promised " @match level.nominal { Some(nominal) => { (nominal) " %" }, None => "share unknown" } }
                            th.number scope="col" { "inside" }
                        }
                    } }
                    tbody {
                        @for (at, model) in backtest.models.iter().enumerate() {
                            tr {
                                th scope="row" { (model) }
                                @for level in &backtest.calibration {
                                    @let count = level.inside.get(at).copied().unwrap_or_default();
                                    td.number { (number::maybe(observed(count))) } td.number { (count.0) " of " (count.1) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_moved_apart_and_stay_in_the_picture() {
        assert_eq!(apart(&[10.0, 12.0, f64::NAN])[..2], [10.0, 23.0]);
        assert_eq!(apart(&[220.0, 221.0]), [209.0, 222.0]);
        assert!(apart(&[]).is_empty());
    }

    #[test]
    fn a_share_of_nothing_is_none() {
        assert_eq!(observed((0, 0)), None);
        assert_eq!(observed((3, 4)), Some(75.0));
    }
}
