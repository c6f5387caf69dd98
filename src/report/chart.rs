//! A forecast as a chart of characters: the point forecast as dots of Braille, the interval as shade.
//!
//! It needs no colour, and any terminal that shows Unicode can show it.

use std::fmt::Write as _;

use chrono::NaiveDateTime;

use super::columns;
use crate::axis;

/// Points in the order of time, with the bounds of an interval if there are any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What the curve is called.
    pub title: String,
    /// The moment of each value.
    pub times: Vec<NaiveDateTime>,
    /// One value a moment.
    pub values: Vec<f64>,
    /// The first value that is forecast: those before it are the past.
    pub begins: usize,
    /// The interval's lower and upper bound of each moment.
    pub bounds: Option<(Vec<f64>, Vec<f64>)>,
}

/// Dots of one Braille character, across and down.
const DOTS: (usize, usize) = (2, 4);
/// The bit of each dot, by row and column: U+2800 is the blank, and the bits stand as Unicode numbers them.
const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// Columns that a tick of the time takes with the blanks around it.
const TICK: usize = 12;

/// Draws a curve in `width` columns and `height` rows, a line for the title and two for the time besides.
///
/// Values that are no numbers leave a gap. Nothing is drawn without a number, or where there is no room.
#[must_use]
pub fn chart(curve: &Curve, width: usize, height: usize) -> String {
    let bounds = curve.bounds.iter().flat_map(|(low, high)| low.iter().chain(high));
    let all = || {
        curve
            .values
            .iter()
            .chain(bounds.clone())
            .copied()
            .filter(|value| value.is_finite())
    };
    let (mut least, mut most) = (
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    if least > most || height == 0 {
        return String::new();
    }
    if most - least <= f64::EPSILON * most.abs() {
        // One value: a line through the middle.
        (least, most) = (least - 1.0, most + 1.0);
    }
    let ticks = (1..=height)
        .rev()
        .map(|wanted| axis::numbers(least, most, wanted))
        .find(|ticks| ticks.len() <= height.div_ceil(2))
        .unwrap_or_default();
    let margin = ticks.iter().map(|(_, text)| columns::of(text)).max().unwrap_or(0) + 2;
    let columns = width.saturating_sub(margin);
    if columns < 8 {
        return String::new();
    }
    let grid = ChartGrid {
        columns,
        height,
        least,
        most,
        count: curve.values.len(),
    };
    let mut out = String::new();
    let _ = writeln!(out, "{}", columns::cut(&curve.title, width));
    let line = grid.line(&curve.values);
    let shade = grid.shade(curve);
    let begins = (curve.begins > 0).then(|| grid.across(curve.begins) / DOTS.0);
    for row in 0..height {
        let at = |(value, _): &&(f64, String)| grid.down(*value) / DOTS.1 == row;
        let (label, mark) = match ticks.iter().find(at) {
            Some((_, text)) => (text.as_str(), '┤'),
            None => ("", '│'),
        };
        let mut text = format!("{label:>width$} {mark}", width = margin - 2);
        for column in 0..columns {
            let cell = row * columns + column;
            text.push(match (line[cell], shade[cell]) {
                (0, true) => '░',
                (0, false) if begins == Some(column) => '┊',
                (0, false) => ' ',
                (bits, _) => char::from_u32(0x2800 + bits).unwrap_or(' '),
            });
        }
        let _ = writeln!(out, "{}", text.trim_end());
    }
    out + &grid.times(&curve.times, margin)
}

struct ChartGrid {
    columns: usize,
    height: usize,
    least: f64,
    most: f64,
    count: usize,
}

impl ChartGrid {
    /// The column of dots of a point.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small"
    )]
    fn across(&self, point: usize) -> usize {
        let last = (self.columns * DOTS.0 - 1) as f64;
        (point as f64 / self.count.saturating_sub(1).max(1) as f64 * last).round() as usize
    }

    /// The row of dots of a value, counted from above.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small"
    )]
    fn down(&self, value: f64) -> usize {
        let last = (self.height * DOTS.1 - 1) as f64;
        ((self.most - value) / (self.most - self.least) * last).round() as usize
    }

    /// The time below the curve: a line with its ticks, and one with what they are.
    fn times(&self, times: &[NaiveDateTime], margin: usize) -> String {
        let mut ticks = axis::times(times, self.columns / TICK);
        if ticks.is_empty() {
            let format = |at: usize| Some((at, times.get(at)?.format("%Y-%m-%d %H:%M").to_string()));
            ticks.extend([0, times.len().saturating_sub(1)].into_iter().filter_map(format));
            ticks.dedup();
        }
        let mut line = vec!['─'; self.columns];
        let mut below = String::new();
        for (at, text) in ticks {
            let column = self.across(at) / DOTS.0;
            let length = columns::of(&text);
            // Below its tick, as far as both edges and the text before let it.
            let start = column
                .saturating_sub(length / 2)
                .min(self.columns.saturating_sub(length));
            let used = columns::of(&below);
            if used > 0 && start <= used {
                continue;
            }
            line[column] = '┬';
            below.extend(std::iter::repeat_n(' ', start - used));
            below += &text;
        }
        let line: String = line.into_iter().collect();
        format!("{:width$}└{line}\n{:margin$}{below}\n", "", "", width = margin - 1)
    }

    /// The Braille bits of each cell, row by row: every point, and a straight line to the next.
    fn line(&self, values: &[f64]) -> Vec<u32> {
        let mut cells = vec![0; self.columns * self.height];
        let mut dot = |x: usize, y: usize| {
            cells[y / DOTS.1 * self.columns + x / DOTS.0] |= BITS[y % DOTS.1][x % DOTS.0];
        };
        let mut before: Option<(usize, f64)> = None;
        for (point, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                before = None;
                continue;
            }
            let x = self.across(point);
            dot(x, self.down(value));
            if let Some((from, earlier)) = before {
                let steps = (x - from).max(self.down(value).abs_diff(self.down(earlier))).max(1);
                for step in 1..steps {
                    #[expect(clippy::cast_precision_loss, reason = "small")]
                    let part = step as f64 / steps as f64;
                    dot(
                        from + (x - from) * step / steps,
                        self.down(earlier + (value - earlier) * part),
                    );
                }
            }
            before = Some((x, value));
        }
        cells
    }

    /// Whether the interval covers the middle of each cell, row by row.
    fn shade(&self, curve: &Curve) -> Vec<bool> {
        let mut cells = vec![false; self.columns * self.height];
        let Some((low, high)) = &curve.bounds else {
            return cells;
        };
        let (last, right) = (self.count.saturating_sub(1), (self.columns - 1).max(1));
        for column in 0..self.columns {
            // Between two points the bounds go straight from one to the next.
            let (at, part) = (column * last / right, column * last % right);
            let between = |of: &[f64]| {
                let (one, next) = (of.get(at)?, of.get(at + 1).or(of.get(at))?);
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let part = part as f64 / right as f64;
                Some(one + (next - one) * part)
            };
            let (Some(low), Some(high)) = (between(low), between(high)) else {
                continue;
            };
            if low.is_finite() && high.is_finite() && low <= high {
                for row in self.down(high) / DOTS.1..=self.down(low) / DOTS.1 {
                    cells[row * self.columns + column] = true;
                }
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, TimeDelta};

    use super::*;

    fn curve(values: Vec<f64>) -> Curve {
        let day = chrono::NaiveDate::from_ymd_opt(2024, 2, 28).expect("a day");
        let hour = |hour: usize| day.and_time(NaiveTime::MIN) + TimeDelta::hours(hour.try_into().expect("few"));
        Curve {
            title: "US48".to_owned(),
            times: (0..values.len()).map(hour).collect(),
            values,
            begins: 0,
            bounds: None,
        }
    }

    #[test]
    fn a_rise_rises_within_its_interval() {
        let mut rise = curve(vec![0.0, 10.0, 20.0, 30.0]);
        rise.bounds = Some((vec![0.0, 5.0, 10.0, 15.0], vec![0.0, 15.0, 30.0, 45.0]));
        let expected = "\
US48
40 ┤              ░░░░
   │           ░░░░░⣀⡠
20 ┤       ░░░⢀⣀⠤⠔⠊⠉░░
   │    ░⣀⡠⠤⠒⠉⠁░░░░░░░
 0 ┤⣀⠤⠔⠒⠉░░░░░
   └─────────────────┬
                 03:00
";
        let drawn = chart(&rise, 22, 5);
        assert_eq!(drawn, expected, "\n{drawn}");
    }

    #[test]
    fn the_forecast_begins_behind_a_mark() {
        let mut both = curve((0..48).map(f64::from).collect());
        both.begins = 24;
        let drawn = chart(&both, 40, 6);
        let mark = |line: &str| line.chars().position(|c| c == '┊');
        let places: Vec<usize> = drawn.lines().filter_map(mark).collect();
        assert!(
            places.len() >= 4 && places.iter().all(|at| *at == places[0]),
            "\n{drawn}"
        );
        assert!(drawn.ends_with("12:00   29 Feb    12:00\n"), "\n{drawn}");
    }

    #[test]
    fn one_value_is_a_line_and_no_value_is_nothing() {
        let drawn = chart(&curve(vec![5.0; 4]), 20, 3);
        assert_eq!(
            drawn
                .lines()
                .nth(2)
                .map(|line| line.matches('⠤').count() + line.matches('⠒').count() > 8),
            Some(true),
            "\n{drawn}"
        );
        assert_eq!(chart(&curve(vec![f64::NAN]), 20, 3), "");
        assert_eq!(chart(&curve(Vec::new()), 20, 3), "");
        assert_eq!(chart(&curve(vec![1.0, 2.0]), 4, 3), "", "no room");
    }

    #[test]
    fn every_point_has_a_dot_at_any_size() {
        let values: Vec<f64> = (0..500).map(|at| f64::from(at % 37)).collect();
        for (width, height) in [(20, 1), (80, 12), (300, 40)] {
            let drawn = chart(&curve(values.clone()), width, height);
            assert_eq!(drawn.lines().count(), height + 3);
            assert!(drawn.lines().all(|line| line.chars().count() <= width), "\n{drawn}");
        }
    }
}
