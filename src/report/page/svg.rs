//! What the pictures share: scales, axes, lines with gaps, areas.

use std::fmt::Write as _;

use chrono::NaiveDateTime;
use maud::{Markup, html};

use crate::axis;

/// A rectangle in a picture, with its two scales.
pub(super) struct Plot {
    /// Of the whole picture.
    pub(super) width: f64,
    pub(super) height: f64,
    /// Left, top, right and bottom edge of the plot.
    pub(super) edges: [f64; 4],
    /// Lowest and highest value across.
    pub(super) across: (f64, f64),
    /// Lowest and highest value up.
    pub(super) up: (f64, f64),
}

impl Plot {
    /// The place of a value across.
    pub(super) fn x(&self, value: f64) -> f64 {
        let [left, _, right, _] = self.edges;
        left + (right - left) * share(value, self.across)
    }

    /// The place of a value up.
    pub(super) fn y(&self, value: f64) -> f64 {
        let [_, top, _, bottom] = self.edges;
        bottom - (bottom - top) * share(value, self.up)
    }

    /// A line through points; a value that is no number leaves a gap, and a point alone is a dot.
    pub(super) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        let mut pen = Pen::Up;
        for (x, y) in points {
            if !x.is_finite() || !y.is_finite() {
                pen.lift(&mut path);
                continue;
            }
            let (x, y) = (self.x(x), self.y(y));
            let letter = if pen == Pen::Up { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{x:.1} {y:.1}");
            pen = if pen == Pen::Up { Pen::Put } else { Pen::Drawn };
        }
        pen.lift(&mut path);
        path
    }

    /// The area between two lines over the same positions, in as many parts as there are stretches with both.
    pub(super) fn area(&self, at: &[f64], low: &[f64], high: &[f64]) -> String {
        let mut path = String::new();
        let all: Vec<(f64, f64, f64)> = at
            .iter()
            .zip(low)
            .zip(high)
            .map(|((at, low), high)| (*at, *low, *high))
            .collect();
        for part in all.split(|(at, low, high)| !(at + low + high).is_finite()) {
            if part.is_empty() {
                continue;
            }
            let upper = part.iter().map(|(at, _, high)| (*at, *high));
            let lower = part.iter().rev().map(|(at, low, _)| (*at, *low));
            let points = upper.chain(lower);
            let points = points.map(|(x, y)| format!("{:.1} {:.1}", self.x(x), self.y(y)));
            let _ = write!(path, "M{}Z", points.collect::<Vec<_>>().join("L"));
        }
        path
    }

    /// Lines across at round numbers, with the numbers.
    pub(super) fn numbers_up(&self, wanted: usize) -> Markup {
        let [left, _, right, _] = self.edges;
        html! {
            @for (number, text) in axis::numbers(self.up.0, self.up.1, wanted) {
                path.rule d={ (format!("M{left:.1} {:.1}H{right:.1}", self.y(number))) } {}
                text.tick x=(left - 6.0) y=(format!("{:.1}", self.y(number) + 4.0)) text-anchor="end" { (text) }
            }
        }
    }

    /// Ticks below at the turns of the calendar; the scale across is in seconds.
    pub(super) fn times_below(&self, times: &[NaiveDateTime], most: usize) -> Markup {
        let [_, _, _, bottom] = self.edges;
        html! {
            @for (at, text) in axis::times(times, most) {
                @let x = self.x(seconds(times[at]));
                path.rule d=(format!("M{x:.1} {bottom:.1}v5")) {}
                text.tick x=(format!("{x:.1}")) y=(format!("{:.1}", bottom + 18.0)) text-anchor="middle" { (text) }
            }
        }
    }

    /// The `viewBox`.
    pub(super) fn view(&self) -> String {
        format!("0 0 {} {}", self.width, self.height)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Pen {
    Up,
    /// Put down at a point, nothing drawn yet.
    Put,
    Drawn,
}

impl Pen {
    fn lift(&mut self, path: &mut String) {
        if *self == Self::Put {
            path.push_str("h0.01");
        }
        *self = Self::Up;
    }
}

fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    match high > low {
        true => ((value - low) / (high - low)).clamp(0.0, 1.0),
        false => 0.5,
    }
}

/// A moment as a number for a scale.
pub(super) fn seconds(at: NaiveDateTime) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    let seconds = at.and_utc().timestamp_millis() as f64 / 1000.0;
    seconds
}

/// Lowest and highest of the values that are numbers; none without one.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let values = values.into_iter().filter(|value| value.is_finite());
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    (low <= high).then_some((low, high))
}

/// A range with some room at both ends, also where it is a single value.
pub(super) fn with_room((low, high): (f64, f64)) -> (f64, f64) {
    let room = match high > low {
        true => 0.05 * (high - low),
        false => 0.5 * high.abs().max(1.0),
    };
    (low - room, high + room)
}

/// A picture with its title and a description of what is to be seen, for those who cannot.
pub(super) fn picture(id: &str, class: &str, view: &str, (title, description): (&str, &str), body: &Markup) -> Markup {
    html! {
        svg id=(id) class={ "plot " (class) } viewBox=(view) role="img" aria-labelledby={ (id) "-t " (id) "-d" } xmlns="http://www.w3.org/2000/svg" {
            title id={ (id) "-t" } { (title) }
            desc id={ (id) "-d" } { (description) }
            (body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot {
        Plot {
            width: 100.0,
            height: 100.0,
            edges: [0.0, 0.0, 100.0, 100.0],
            across: (0.0, 10.0),
            up: (0.0, 10.0),
        }
    }

    #[test]
    fn a_line_has_gaps_where_there_is_no_number_and_a_dot_where_one_is_alone() {
        let points = [
            (0.0, 0.0),
            (1.0, 1.0),
            (2.0, f64::NAN),
            (3.0, 3.0),
            (4.0, f64::INFINITY),
        ];
        assert_eq!(plot().line(points), "M0.0 100.0L10.0 90.0M30.0 70.0h0.01");
        assert_eq!(plot().line([]), "");
    }

    #[test]
    fn an_area_has_a_part_a_stretch() {
        let nan = f64::NAN;
        let area = plot().area(&[0.0, 1.0, 2.0], &[0.0, nan, 0.0], &[5.0, 5.0, 5.0]);
        assert_eq!(area, "M0.0 50.0L0.0 100.0ZM20.0 50.0L20.0 100.0Z");
    }

    #[test]
    fn a_range_knows_only_numbers_and_has_room() {
        assert_eq!(range([f64::NAN, 2.0, 1.0]), Some((1.0, 2.0)));
        assert_eq!(range([f64::NAN]), None);
        assert_eq!(with_room((4.0, 4.0)), (2.0, 6.0));
        assert!((share(5.0, (5.0, 5.0)) - 0.5).abs() < 1e-12);
    }
}
