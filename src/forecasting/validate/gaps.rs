//! Steps without a value: how many, where, and the longest stretch of them.

use serde_json::{Value, json};

use super::SHOWN;
use super::measures::{Measure, Measured};
use crate::forecasting::detect::number;
use crate::forecasting::series::Observation;

/// Steps in a row without a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Gap {
    /// How many, closed days left out.
    pub(super) steps: usize,
    /// The series.
    pub(super) unique_id: String,
    /// The first of them.
    pub(super) ds: String,
}

impl Gap {
    /// As the report has it.
    pub(super) fn json(&self) -> Value {
        json!({ "unique_id": self.unique_id, "ds": self.ds, "steps": self.steps })
    }
}

impl Measured<'_> {
    /// How many open steps from the first row to the last have no row, the first of these, and which rows lie on no step.
    fn steps(&self) -> (usize, Vec<i64>, Vec<usize>) {
        let (mut expected, mut skipped, mut off) = (0, Vec::new(), Vec::new());
        let mut absent = 0;
        for (at, row) in self.rows.iter().enumerate() {
            let Some(step) = self.grid.step(row.ds) else {
                off.push(at);
                continue;
            };
            let holidays = self.grid.holidays_between(expected, step);
            let between = usize::try_from(step - expected).unwrap_or_default();
            absent += between.saturating_sub(holidays);
            let open = (expected..step).filter(|step| !self.grid.is_holiday(*step));
            skipped.extend(open.take(SHOWN.saturating_sub(skipped.len())));
            expected = expected.max(step + 1);
        }
        (absent, skipped, off)
    }

    pub(super) fn off_steps(&self) -> Vec<&Observation> {
        self.steps().2.into_iter().map(|at| self.rows[at]).collect()
    }

    /// The share of the steps, in %, that have no row or a row without a value.
    pub(super) fn missing_share(&self) -> f64 {
        let (absent, ..) = self.steps();
        let empty = self.rows.iter().filter(|row| row.y.is_none()).count();
        100.0 * number(absent + empty) / number(self.rows.len() + absent)
    }

    pub(super) fn missing_times(&self) -> Measure {
        let (absent, skipped, _) = self.steps();
        Measure {
            found: self.missing_share(),
            count: absent,
            of: self.rows.len() + absent,
            first: skipped
                .iter()
                .filter_map(|step| Some(json!({ "unique_id": self.id, "ds": self.grid.time(*step)?.to_string() })))
                .collect(),
            longest: self.longest_gap(),
        }
    }

    /// The longest stretch from the first row to the last without a value, be it that rows are missing or are empty.
    pub(super) fn longest_gap(&self) -> Option<Gap> {
        let (mut longest, mut from, mut end) = ((0, 0), 0, 0);
        let mut ends_before = |from: i64, step: i64| {
            let between = usize::try_from(step - from).unwrap_or_default();
            let open = between.saturating_sub(self.grid.holidays_between(from, step));
            if open > longest.0 {
                longest = (open, from);
            }
        };
        for row in self.rows {
            let Some(step) = self.grid.step(row.ds) else { continue };
            if row.y.is_some() {
                ends_before(from, step);
                from = step + 1;
            }
            end = step + 1;
        }
        ends_before(from, end);
        let (steps, from) = longest;
        let first = (from..end).find(|step| !self.grid.is_holiday(*step))?;
        (steps > 0).then_some(())?;
        Some(Gap {
            steps,
            unique_id: self.id.to_owned(),
            ds: self.grid.time(first)?.to_string(),
        })
    }
}
