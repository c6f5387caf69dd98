//! The forecasts: the end of each series, what is forecast, and the intervals.

use std::fmt::Write as _;

use chrono::NaiveDateTime;
use maud::{Markup, html};

use super::number;
use super::svg::{Plot, picture, range, seconds, with_room};
use crate::report::human;

/// Rows of a forecast that stand below its picture.
const ROWS: usize = 200;

/// A table of forecasts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// The artifact's name.
    pub artifact: String,
    /// The series that are drawn.
    pub series: Vec<SeriesForecast>,
    /// How many more there are.
    pub left_out: usize,
    /// The artifact that the history is from, if one was found.
    pub history: Option<String>,
}

/// A series with its forecast.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesForecast {
    /// Its name; empty for an only one.
    pub name: String,
    /// The model that forecast it.
    pub model: String,
    /// Its last values, which may be missing.
    pub history: Vec<(NaiveDateTime, f64)>,
    /// What is forecast.
    pub ahead: Vec<(NaiveDateTime, f64)>,
    /// The intervals.
    pub bands: Vec<Band>,
}

/// An interval: its bounds at each moment of the forecast.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// Its level in percent as the table writes it.
    pub level: String,
    /// The lower bounds.
    pub low: Vec<f64>,
    /// The upper bounds.
    pub high: Vec<f64>,
}

impl Forecast {
    /// First and last moment of the forecasts.
    #[must_use]
    pub fn reach(&self) -> Option<(String, String)> {
        let moments = || self.series.iter().flat_map(|series| &series.ahead).map(|(at, _)| *at);
        Some((moment(moments().min()?), moment(moments().max()?)))
    }

    /// How many series there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.series.len() + self.left_out
    }
}

/// A moment, without what is zero in it.
pub(super) fn moment(at: NaiveDateTime) -> String {
    let format = match at.time() == chrono::NaiveTime::MIN {
        true => "%Y-%m-%d",
        false => "%Y-%m-%d %H:%M",
    };
    at.format(format).to_string()
}

pub(super) fn section(forecasts: &[Forecast]) -> Markup {
    html! {
        @for (at, forecast) in forecasts.iter().enumerate() {
            @if forecasts.len() > 1 { h3 { (forecast.artifact) } }
            @if forecast.count() == 0 { p.none { "The artifact " code { (forecast.artifact) } " has no rows." } }
            p.from {
                "The forecasts are those of " code { (forecast.artifact) }
                @if let Some(history) = &forecast.history { ", the values before them those of " code { (history) } }
                "; shaded are their intervals."
            }
            div.panels.single[forecast.series.len() == 1] {
                @for (number, series) in forecast.series.iter().enumerate() {
                    (panel(forecast, series, &format!("forecast-{at}-{number}")))
                }
            }
            @if forecast.left_out > 0 {
                p.left { (forecast.left_out) " more series in " code { (forecast.artifact) } ", not drawn." }
            }
        }
    }
}

fn panel(forecast: &Forecast, series: &SeriesForecast, id: &str) -> Markup {
    let name = match series.name.as_str() {
        "" => &forecast.artifact,
        name => name,
    };
    html! {
        figure {
            figcaption {
                strong { (name) }
                @if !series.model.is_empty() { " by " (series.model) }
            }
            @if forecast.count() == 1 {
                div.for-wide { (drawn(series, name, id, true)) }
                div.for-narrow { (drawn(series, name, &format!("{id}-narrow"), false)) }
            } @else { (drawn(series, name, id, false)) }
            (numbers(series))
        }
    }
}

/// The values that a plot reaches over: all that is shown, but an interval at most one and a half times as far beyond the
/// values as these reach, so that a very wide one does not flatten them.
fn reach(series: &SeriesForecast) -> Option<(f64, f64)> {
    let values = || series.history.iter().chain(&series.ahead).map(|(_, value)| *value);
    let bounds = || {
        series
            .bands
            .iter()
            .flat_map(|band| band.low.iter().chain(&band.high))
            .copied()
    };
    let Some((low, high)) = range(values()) else {
        return range(bounds()).map(with_room);
    };
    let room = 1.5 * (high - low).max(0.02 * high.abs().max(low.abs()));
    let (lower, upper) = range(bounds()).unwrap_or((low, high));
    Some(with_room((
        low.min(lower.max(low - room)),
        high.max(upper.min(high + room)),
    )))
}

fn drawn(series: &SeriesForecast, name: &str, id: &str, is_wide: bool) -> Markup {
    let times: Vec<NaiveDateTime> = series.history.iter().chain(&series.ahead).map(|(at, _)| *at).collect();
    let (Some(up), Some(across)) = (reach(series), range(times.iter().map(|at| seconds(*at)))) else {
        return html! { p.none { "There is no number to draw." } };
    };
    let (width, height) = if is_wide { (1040.0, 380.0) } else { (520.0, 270.0) };
    let plot = Plot {
        width,
        height,
        edges: [72.0, 14.0, width - 82.0, height - 30.0],
        across,
        up,
    };
    // From the last value that is there, so that the forecast goes on from it.
    let last = series
        .history
        .iter()
        .rev()
        .find(|(_, value)| value.is_finite())
        .copied();
    let joined = |values: &mut dyn Iterator<Item = f64>| -> Vec<f64> {
        last.map(|(_, value)| value).into_iter().chain(values).collect()
    };
    let at: Vec<f64> = last.iter().chain(&series.ahead).map(|(at, _)| seconds(*at)).collect();
    let ahead = joined(&mut series.ahead.iter().map(|(_, value)| *value));
    let line = |points: &[(NaiveDateTime, f64)]| plot.line(points.iter().map(|(at, value)| (seconds(*at), *value)));
    let [_, top, _, bottom] = plot.edges;
    let end = series.ahead.iter().rev().find(|(_, value)| value.is_finite());
    let most = if is_wide { 9 } else { 5 };
    let body = html! {
        (plot.numbers_up(if is_wide { 6 } else { 5 }))
        (plot.times_below(&times, most))
        @if let Some((at, _)) = last {
            path.now d=(format!("M{:.1} {top:.1}V{bottom:.1}", plot.x(seconds(at)))) {}
        }
        @for band in series.bands.iter().rev() {
            path.band d=(plot.area(&at, &joined(&mut band.low.iter().copied()), &joined(&mut band.high.iter().copied()))) {}
        }
        path.past d=(line(&series.history)) {}
        path.ahead d=(plot.line(at.iter().copied().zip(ahead))) {}
        @if let Some((at, value)) = end {
            text.label.ahead-text x=(format!("{:.1}", plot.x(seconds(*at)) + 6.0)) y=(format!("{:.1}", plot.y(*value) + 4.0)) { "forecast" }
        }
        @if let Some((at, value)) = label_of_past(series, &plot) {
            text.label x=(format!("{:.1}", at)) y=(format!("{:.1}", value)) text-anchor="middle" { "history" }
        }
        @if let Some((at, band)) = series.ahead.last().zip(series.bands.last()) {
            @if let Some(high) = band.high.last().filter(|high| high.is_finite()) {
                @let own = plot.y(end.map_or(*high, |(_, value)| *value));
                @let y = (plot.y(*high) + 4.0).min(own - 10.0).max(top + 8.0);
                text.label.band-text x=(format!("{:.1}", plot.x(seconds(at.0)) + 6.0)) y=(format!("{y:.1}")) { (band.level) " %" }
            }
        }
        (hints(series, &plot))
    };
    let levels: Vec<String> = series.bands.iter().map(|band| format!("{} %", band.level)).collect();
    let described = description(series, &levels);
    picture(
        id,
        "forecast",
        &plot.view(),
        (&format!("Forecast of {name}"), &described),
        &body,
    )
}

/// Over each step a stripe that says its numbers when it is pointed at.
fn hints(series: &SeriesForecast, plot: &Plot) -> Markup {
    let [_, top, _, bottom] = plot.edges;
    let places: Vec<f64> = series.ahead.iter().map(|(at, _)| plot.x(seconds(*at))).collect();
    let wide = places
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(f64::INFINITY, f64::min);
    let wide = if wide.is_finite() { wide } else { 8.0 };
    html! {
        @for (at, ((time, value), x)) in series.ahead.iter().zip(&places).enumerate().take(ROWS) {
            rect.hint x=(format!("{:.1}", x - wide / 2.0)) y=(top) width=(format!("{wide:.1}")) height=(bottom - top) {
                title {
                    (moment(*time)) ": " (human::number(*value))
                    @for band in &series.bands {
                        @if let Some((low, high)) = band.low.get(at).zip(band.high.get(at)) {
                            ", " (band.level) " % from " (human::number(*low)) " to " (human::number(*high))
                        }
                    }
                }
            }
        }
    }
}

/// Where the word for the history stands: above its highest value of the first half.
fn label_of_past(series: &SeriesForecast, plot: &Plot) -> Option<(f64, f64)> {
    let half = &series.history[..series.history.len() / 2];
    let highest = half
        .iter()
        .filter(|(_, value)| value.is_finite())
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let [left, top, ..] = plot.edges;
    let x = plot.x(seconds(highest.0)).max(left + 24.0);
    Some((x, (plot.y(highest.1) - 6.0).max(top + 8.0)))
}

fn description(series: &SeriesForecast, levels: &[String]) -> String {
    let ends = |points: &[(NaiveDateTime, f64)]| Some((points.first()?.0, points.last()?.0));
    let mut text = match ends(&series.ahead) {
        Some((from, to)) => format!("{} steps from {} to {}", series.ahead.len(), moment(from), moment(to)),
        None => "No step".to_owned(),
    };
    if let Some((low, high)) = range(series.ahead.iter().map(|(_, value)| *value)) {
        let _ = write!(text, ", between {} and {}", human::number(low), human::number(high));
    }
    if !levels.is_empty() {
        let _ = write!(text, ", with intervals of {}", levels.join(", "));
    }
    if let Some((from, to)) = ends(&series.history) {
        let _ = write!(
            text,
            "; the history shown reaches from {} to {}",
            moment(from),
            moment(to)
        );
    }
    text + "."
}

fn numbers(series: &SeriesForecast) -> Markup {
    html! {
        details {
            summary { "Numbers" }
            div.scroll tabindex="0" role="group" aria-label="Numbers of the forecast" {
                table.numbers {
                    caption { "Forecast of " (series.name) }
                    thead { tr {
                        th scope="col" { "time" } th scope="col" { "forecast" }
                        @for band in &series.bands { th scope="col" { "low " (band.level) " %" } th scope="col" { "high " (band.level) " %" } }
                    } }
                    tbody {
                        @for (at, (time, value)) in series.ahead.iter().enumerate().take(ROWS) {
                            tr {
                                th scope="row" { (moment(*time)) } td { (number::of(*value)) }
                                @for band in &series.bands {
                                    td { (number::maybe(band.low.get(at).copied())) } td { (number::maybe(band.high.get(at).copied())) }
                                }
                            }
                        }
                    }
                }
            }
            @if series.ahead.len() > ROWS { p.left { (human::count(series.ahead.len() - ROWS, "more row")) " in the artifact." } }
        }
    }
}
