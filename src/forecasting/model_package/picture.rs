//! `forecast.svg`: the end of each series, its forecast and the intervals, a panel for each of the first few series.
//!
//! Self-contained: no script, no font, no other file; it follows the viewer's light or dark scheme.

#![expect(clippy::cast_precision_loss, reason = "a picture shows few values")]

use std::fmt::Write as _;

use chrono::NaiveDateTime;

use super::super::forecaster::SeriesForecast;
use super::super::table::{LONGEST_NAME, short};
use crate::axis;
use crate::outward::{escape_xml, visible_line};

/// Series with a panel.
const PANELS: usize = 6;
/// Values of the past that are shown, at least and at most, where the horizon is not longer.
const PAST: (usize, usize) = (48, 480);

const WIDTH: f64 = 880.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 16.0;
const HEAD: f64 = 44.0;
/// Of a panel: its title, the plot itself, and the times below.
const TITLE: f64 = 26.0;
const PLOT: f64 = 190.0;
const TIMES: f64 = 34.0;
const PANEL: f64 = TITLE + PLOT + TIMES;

const STYLE: &str = "\
text { font: 12px system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #57606a; }
.back { fill: #ffffff; }
.name { font-weight: bold; fill: #1f2328; }
.rule { stroke: #d8dee4; }
.now { stroke: #8c959f; stroke-dasharray: 4 4; }
.past { fill: none; stroke: #57606a; stroke-width: 1.4; }
.ahead { fill: none; stroke: #0969da; stroke-width: 2; }
.band { fill: #0969da; fill-opacity: 0.18; }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1; }
.back { fill: #0d1117; }
.name { fill: #e6edf3; }
.rule { stroke: #30363d; }
.now { stroke: #6e7681; }
.past { stroke: #9198a1; }
.ahead { stroke: #58a6ff; }
.band { fill: #58a6ff; fill-opacity: 0.22; }
}
";

/// Draws the forecasts up to the horizon.
pub(super) fn draw(forecasts: &[SeriesForecast<'_>], horizon: usize) -> String {
    let shown = &forecasts[..forecasts.len().min(PANELS)];
    let more = forecasts.len() - shown.len();
    let foot = if more > 0 { 24.0 } else { 4.0 };
    let height = HEAD + PANEL * shown.len() as f64 + foot;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\">\n<title>Forecast of {} over {horizon} steps</title>\n<style>\n{STYLE}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        match shown {
            [one] if more == 0 => escaped(&one.series.unique_id),
            _ => format!("{} series", forecasts.len()),
        }
    );
    svg += &legend(shown);
    for (at, one) in shown.iter().enumerate() {
        svg += &Panel::new(one, horizon, HEAD + PANEL * at as f64).draw();
    }
    if more > 0 {
        let (y, plural) = (height - 10.0, if more == 1 { "is" } else { "are" });
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{y}\">{more} more of the series {plural} forecast and not shown</text>"
        );
    }
    svg + "</svg>\n"
}

/// What the lines and the area mean.
fn legend(shown: &[SeriesForecast<'_>]) -> String {
    let levels: Vec<String> = shown
        .first()
        .into_iter()
        .flat_map(|one| &one.forecast.intervals)
        .map(|interval| format!("{} %", interval.level))
        .collect();
    let mut svg = format!(
        "<path class=\"past\" d=\"M{LEFT} 22h24\"/>\n<text x=\"{}\" y=\"26\">history</text>\n\
         <path class=\"ahead\" d=\"M{} 22h24\"/>\n<text x=\"{}\" y=\"26\">forecast</text>\n",
        LEFT + 30.0,
        LEFT + 96.0,
        LEFT + 126.0
    );
    if !levels.is_empty() {
        let (x, levels) = (LEFT + 198.0, levels.join(", "));
        let _ = write!(
            svg,
            "<rect class=\"band\" x=\"{x}\" y=\"15\" width=\"24\" height=\"14\"/>\n\
             <text x=\"{}\" y=\"26\">interval of {levels}; times in UTC</text>\n",
            x + 30.0
        );
    }
    svg
}

/// One series: values over positions in time, drawn into a rectangle.
struct Panel<'a> {
    one: &'a SeriesForecast<'a>,
    past: &'a [f64],
    /// Steps of the forecast that are shown.
    steps: usize,
    /// Upper edge of the panel.
    top: f64,
    /// Lowest and highest value of the plot.
    range: (f64, f64),
}

impl<'a> Panel<'a> {
    fn new(one: &'a SeriesForecast<'a>, horizon: usize, top: f64) -> Self {
        let steps = horizon.min(one.steps());
        let values = &one.series.y;
        let shown = (4 * steps).clamp(PAST.0, PAST.1).max(steps).min(values.len());
        let past = &values[values.len() - shown..];
        let range = range(one, past, steps);
        Self {
            one,
            past,
            steps,
            top,
            range,
        }
    }

    fn x(&self, at: usize) -> f64 {
        let last = (self.past.len() + self.steps).saturating_sub(1).max(1);
        LEFT + (WIDTH - LEFT - RIGHT) * at as f64 / last as f64
    }

    fn y(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.top + TITLE + PLOT * (1.0 - share)
    }

    /// Points of a line whose first value stands at a position.
    fn points(&self, first: usize, values: impl Iterator<Item = f64>) -> Vec<String> {
        let point = |(step, value)| format!("{:.1} {:.1}", self.x(first + step), self.y(value));
        values.enumerate().map(point).collect()
    }

    fn draw(&self) -> String {
        let (one, (left, right)) = (self.one, (LEFT, WIDTH - RIGHT));
        let mut svg = format!(
            "<text x=\"{left}\" y=\"{}\"><tspan class=\"name\">{}</tspan> {}</text>\n",
            self.top + TITLE - 9.0,
            escaped(&one.series.unique_id),
            escaped(&one.model)
        );
        for (number, text) in axis::numbers(self.range.0, self.range.1, 6) {
            let (y, x) = (self.y(number), left - 8.0);
            let _ = write!(
                svg,
                "<path class=\"rule\" d=\"M{left} {y:.1}H{right}\"/>\n\
                 <text x=\"{x}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>\n",
                y + 4.0
            );
        }
        let (top, bottom) = (self.top + TITLE, self.top + TITLE + PLOT);
        let before = one.series.y.len() - self.past.len();
        let times: Vec<NaiveDateTime> = (before..before + self.past.len() + self.steps)
            .map(|at| one.series.time(at))
            .collect();
        for (at, text) in axis::times(&times, 9) {
            let x = self.x(at);
            let _ = write!(
                svg,
                "<path class=\"rule\" d=\"M{x:.1} {bottom}v5\"/>\n\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>\n",
                bottom + 18.0
            );
        }
        let now = self.x(self.past.len().saturating_sub(1));
        let _ = writeln!(svg, "<path class=\"now\" d=\"M{now:.1} {top}V{bottom}\"/>");
        svg + &self.curves()
    }

    /// The areas of the intervals, the past, and the forecast, which goes on from it.
    fn curves(&self) -> String {
        let (forecast, last) = (&self.one.forecast, self.past.last().copied());
        let (ahead, steps) = (self.past.len().saturating_sub(1), self.steps);
        let from_last = |path: &[f64]| -> Vec<String> {
            let values = last.into_iter().chain(path[..steps].iter().copied());
            self.points(ahead, values)
        };
        let mut svg = String::new();
        for interval in forecast.intervals.iter().rev() {
            let mut edge = from_last(&interval.upper);
            edge.extend(from_last(&interval.lower).into_iter().rev());
            let _ = writeln!(svg, "<path class=\"band\" d=\"M{}Z\"/>", edge.join("L"));
        }
        let past = self.points(0, self.past.iter().copied());
        let _ = writeln!(svg, "<path class=\"past\" d=\"M{}\"/>", past.join("L"));
        let _ = writeln!(
            svg,
            "<path class=\"ahead\" d=\"M{}\"/>",
            from_last(&forecast.mean).join("L")
        );
        svg
    }
}

/// The values that a plot reaches over: all that is shown, but an interval at most one and a half times as far beyond
/// the values as these reach, so that a very wide one does not flatten them.
fn range(one: &SeriesForecast<'_>, past: &[f64], steps: usize) -> (f64, f64) {
    let around = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let (low, high) = around(&mut past.iter().chain(&one.forecast.mean[..steps]).copied());
    let intervals = || one.forecast.intervals.iter();
    let (lower, _) = around(&mut intervals().flat_map(|interval| &interval.lower[..steps]).copied());
    let (_, upper) = around(&mut intervals().flat_map(|interval| &interval.upper[..steps]).copied());
    let reach = 1.5 * (high - low).max(0.02 * high.abs().max(low.abs()));
    let (low, high) = (low.min(lower.max(low - reach)), high.max(upper.min(high + reach)));
    let margin = match high > low {
        true => 0.04 * (high - low),
        false => 0.5 * high.abs().max(1.0),
    };
    (low - margin, high + margin)
}

/// A name as it may stand in XML: on one line, without what a viewer would take for more than text.
fn escaped(text: &str) -> String {
    let text = short(text, LONGEST_NAME).into_owned();
    escape_xml(&visible_line(&text))
}
