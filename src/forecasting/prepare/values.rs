//! What is done to the values themselves: another unit, nothing below zero, no outliers.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde_json::json;

use super::report::{LISTED, Report};
use crate::engine::spec::schema::AUTO;
use crate::engine::task::{Context, TaskError};
use crate::forecasting::detect;
use crate::forecasting::series::Observation;

/// Patterns of the names of series.
pub(super) struct Patterns(GlobSet);

impl Patterns {
    /// Reads them.
    ///
    /// # Errors
    /// [`TaskError`] for one that is no pattern.
    pub(super) fn of(texts: &[&str]) -> Result<Self, TaskError> {
        let mut set = GlobSetBuilder::new();
        for text in texts {
            let odd = |error: globset::Error| {
                TaskError::new(format!("`{text}` among `negatives_of` is no pattern: {}", error.kind()))
            };
            set.add(Glob::new(text).map_err(odd)?);
        }
        let set = set.build();
        set.map(Self)
            .map_err(|error| TaskError::new(format!("`negatives_of` cannot be used: {error}")))
    }

    /// Whether one of them fits a name.
    pub(super) fn fit(&self, id: &str) -> bool {
        self.0.is_match(id)
    }
}

/// The unit of the values, and what they are multiplied by to be in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    name: String,
    factor: f64,
}

impl Unit {
    /// Reads the parameter; `None` if nothing is said.
    ///
    /// # Errors
    /// [`TaskError`] for a conversion between units that are not of one kind.
    pub(super) fn of(context: &Context<'_>) -> Result<Option<Self>, TaskError> {
        match context.text("unit") {
            AUTO => Ok(None),
            text => Self::parse(text).map(Some),
        }
    }

    fn parse(text: &str) -> Result<Self, TaskError> {
        let Some((from, to)) = text.split_once("->") else {
            return Ok(Self {
                name: text.trim().to_owned(),
                factor: 1.0,
            });
        };
        let (from, to) = (from.trim(), to.trim());
        let factor = match (power(from), power(to)) {
            (Some((of, from)), Some((same, to))) if of == same => Some(10_f64.powi(from - to)),
            _ => None,
        };
        let factor = factor.ok_or_else(|| {
            TaskError::new(format!("`unit` cannot convert `{from}` to `{to}`"))
                .help("units of energy (Wh, kWh, MWh, GWh, TWh) and of power (W, kW, MW, GW, TW) are known, each among itself")
        })?;
        Ok(Self {
            name: to.to_owned(),
            factor,
        })
    }

    /// Multiplies the values.
    pub(super) fn convert(&self, rows: &mut [Observation], report: &mut Report) {
        report.unit = Some(json!({ "name": self.name, "multiplied_by": self.factor }));
        if self.factor.to_bits() != 1_f64.to_bits() {
            for y in rows.iter_mut().filter_map(|row| row.y.as_mut()) {
                *y *= self.factor;
            }
        }
    }
}

/// What a unit measures, and the power of ten of its prefix.
fn power(unit: &str) -> Option<(&'static str, i32)> {
    let of = if unit.ends_with("Wh") { "Wh" } else { "W" };
    let prefix = unit.strip_suffix(of)?;
    let powers = [("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12)];
    let power = powers.into_iter().find(|(known, _)| *known == prefix)?.1;
    Some((of, power))
}

/// Raises the values of a series that lie below zero to zero.
pub(super) fn clip(rows: &mut [Observation], report: &mut Report) {
    let (mut count, mut lowest) = (0, 0.0_f64);
    for y in rows.iter_mut().filter_map(|row| row.y.as_mut()).filter(|y| **y < 0.0) {
        count += 1;
        lowest = lowest.min(*y);
        *y = 0.0;
    }
    report.clipped += count;
    if count > 0 && report.clips.len() < LISTED {
        let id = &rows[0].unique_id;
        report
            .clips
            .push(json!({ "unique_id": id, "values": count, "lowest": lowest }));
    }
}

/// Makes the values of a series that lie far from its median missing ones.
pub(super) fn remove_outliers(rows: &mut [Observation], threshold: f64, report: &mut Report) {
    let with_value: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].y.is_some()).collect();
    let values: Vec<f64> = with_value.iter().filter_map(|at| rows[*at].y).collect();
    for far in detect::far(&values, threshold) {
        let row = &mut rows[with_value[far]];
        report.outliers += 1;
        if report.far.len() < LISTED {
            report
                .far
                .push(json!({ "unique_id": row.unique_id, "ds": row.ds.to_string(), "y": row.y }));
        }
        row.y = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_converted_to_one_of_its_kind() {
        let factor = |text: &str| Unit::parse(text).expect("a unit").factor;
        assert!((factor("MWh -> GWh") - 1e-3).abs() < 1e-18);
        assert!((factor("TW->kW") - 1e9).abs() < 1e-3);
        assert!((factor("megawatthours") - 1.0).abs() < 1e-18);
        for odd in ["MWh -> GW", "MWh -> barrels", "mWh -> Wh"] {
            assert!(Unit::parse(odd).is_err(), "{odd}");
        }
    }
}
