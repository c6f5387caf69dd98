//! Ends and gaps: rows without a value at the ends of a series go, and gaps between its values are filled.

use std::collections::BTreeSet;

use serde_json::json;

use super::report::{LISTED, Report};
use super::{GapPolicy, MOST_TRIMMED};
use crate::engine::task::TaskError;
use crate::forecasting::frequency::{Frequency, Grid};
use crate::forecasting::limits::TableLimits;
use crate::forecasting::series::Observation;

/// How gaps are filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling {
    pub(super) policy: GapPolicy,
    /// Longest gap that is filled, in steps.
    pub(super) longest: usize,
    /// The season that a gap is filled from.
    pub(super) season: usize,
}

/// A series, sorted and without duplicates, from its first value on and up to its last; one that has none, or has ended
/// long before its last row, is left for the validation to tell.
pub(super) fn trimmed<'r>(rows: &'r [Observation], report: &mut Report) -> &'r [Observation] {
    let has_value = |row: &Observation| row.y.is_some();
    let (Some(first), Some(last)) = (rows.iter().position(has_value), rows.iter().rposition(has_value)) else {
        return rows;
    };
    let end = match (rows.len() - 1 - last) * MOST_TRIMMED <= rows.len() {
        true => last + 1,
        false => rows.len(),
    };
    for gone in [&rows[..first], &rows[end..]] {
        let (Some(from), Some(to)) = (gone.first(), gone.last()) else {
            continue;
        };
        report.trimmed += gone.len();
        if report.ends.len() < LISTED {
            report.ends.push(json!({
                "unique_id": from.unique_id,
                "start": from.ds.to_string(),
                "end": to.ds.to_string(),
                "rows": gone.len(),
            }));
        }
    }
    &rows[first..end]
}

/// The rows of a sorted series with times that are none of its steps moved to the nearest ones that have no row, sorted again;
/// `None` if there is nothing to move.
pub(super) fn on_steps(rows: &[Observation], grid: &Grid, report: &mut Report) -> Option<Vec<Observation>> {
    let step = |row: &Observation| grid.step(row.ds);
    let mut taken: BTreeSet<i64> = rows.iter().filter_map(step).collect();
    let off = rows.iter().enumerate().filter(|(_, row)| step(row).is_none());
    let mut off: Vec<(i64, usize)> = off.filter_map(|(at, row)| Some((grid.nearest(row.ds)?, at))).collect();
    if off.is_empty() {
        return None;
    }
    // Of those beside one step the nearest, of those with a value if there is one.
    let distance = |(step, at): &(i64, usize)| {
        let row = &rows[*at];
        (row.y.is_none(), grid.time(*step).map(|time| (time - row.ds).abs()))
    };
    off.sort_by_key(distance);
    let mut moved = rows.to_vec();
    for (step, at) in off {
        let to = grid.time(step).filter(|_| taken.insert(step));
        if let Some(to) = to {
            report.moved(&rows[at], to);
            moved[at].ds = to;
        }
    }
    moved.sort_by_key(|row| row.ds);
    Some(moved)
}

/// Brings one series, sorted and without duplicates, to its steps, and fills the gaps that are short enough.
pub(super) fn filled(
    rows: &[Observation],
    (grid, frequency): (&Grid, Frequency),
    fill: Filling,
    report: &mut Report,
    clean: &mut Vec<Observation>,
    limits: TableLimits,
) -> Result<(), TaskError> {
    let id = &rows[0].unique_id;
    let first = clean.len();
    let before = (report.filled, report.missing);
    let mut next = 0;
    for row in rows {
        // A row off the steps stays where it is; validation reports it.
        while let Some(ds) = grid.time(next).filter(|ds| *ds < row.ds) {
            if grid.is_holiday(next) {
                next += 1;
                continue;
            }
            let unique_id = id.clone();
            clean.push(Observation { unique_id, ds, y: None });
            limits
                .rows(clean.len() as u64)
                .map_err(|excess| excess.in_input(&format!("the series up to `{id}`, at its {frequency} steps,")))?;
            (report.absent, next) = (report.absent + 1, next + 1);
        }
        match grid.step(row.ds) {
            Some(step) => next = step + 1,
            None => report.off(row),
        }
        clean.push(row.clone());
    }
    let series = &mut clean[first..];
    let mut at = 0;
    while at < series.len() {
        let length = series[at..].iter().take_while(|row| row.y.is_none()).count();
        if length > 0 {
            gap((&mut *series, grid), at, length, fill, report);
        }
        at += length.max(1);
    }
    let (filled, missing) = (report.filled - before.0, report.missing - before.1);
    report.prepared(series, filled, missing);
    Ok(())
}

/// Fills or reports the gap of `length` values from position `at`; a gap at an end has no neighbour to lean on and stays.
fn gap((series, grid): (&mut [Observation], &Grid), at: usize, length: usize, fill: Filling, report: &mut Report) {
    let found_gap = json!({
        "unique_id": series[at].unique_id,
        "start": series[at].ds.to_string(),
        "end": series[at + length - 1].ds.to_string(),
        "values": length,
    });
    let left = at.checked_sub(1).and_then(|left| series[left].y);
    let right = series.get(at + length).and_then(|row| row.y);
    let values = match (left, right, fill.policy) {
        _ if length > fill.longest => None,
        (Some(left), Some(right), GapPolicy::Interpolate) => Some(on_a_line(left, right, length)),
        (Some(_), Some(_), GapPolicy::Seasonal) => seasons_around((series, grid), at, length, fill.season),
        _ => None,
    };
    if let Some(values) = values {
        for (row, value) in series[at..at + length].iter_mut().zip(values) {
            row.y = Some(value);
        }
        report.filled += length;
        if report.repairs.len() < LISTED {
            report.repairs.push(found_gap);
        }
    } else {
        report.missing += length;
        report.inner += if left.is_some() && right.is_some() { length } else { 0 };
        if report.gaps.len() < LISTED {
            report.gaps.push(found_gap);
        }
    }
}

/// The values of a gap on the line between its neighbours.
fn on_a_line(left: f64, right: f64, length: usize) -> Vec<f64> {
    let value = |step: usize| {
        #[expect(clippy::cast_precision_loss, reason = "a gap has far fewer than 2^53 steps")]
        let share = (step + 1) as f64 / (length + 1) as f64;
        left + (right - left) * share
    };
    (0..length).map(value).collect()
}

/// The values of a gap as they are whole seasons before and after it: the nearest on either side, and the mean of the two.
///
/// Seasons are counted in steps of the grid, some of which have no row, for they are holidays. `None` if there is no value for one of
/// the steps.
fn seasons_around(
    (series, grid): (&[Observation], &Grid),
    at: usize,
    length: usize,
    season: usize,
) -> Option<Vec<f64>> {
    let season = i64::try_from(season).ok()?;
    let last = series.last()?.ds;
    let value_at = |step: i64| {
        let time = grid.time(step)?;
        let row = series.binary_search_by_key(&time, |row| row.ds).ok()?;
        series[row].y.filter(|_| row < at || row >= at + length)
    };
    let value = |position: usize| {
        let step = grid.step(series[position].ds)?;
        let before = (1..).map(|back| step - back * season).take_while(|step| *step >= 0);
        let reaches = |step: &i64| grid.time(*step).is_some_and(|time| time <= last);
        let after = (1..).map(|on| step + on * season).take_while(reaches);
        match ({ before }.find_map(value_at), { after }.find_map(value_at)) {
            (Some(before), Some(after)) => Some(f64::midpoint(before, after)),
            (one, other) => one.or(other),
        }
    };
    (at..at + length).map(value).collect()
}
