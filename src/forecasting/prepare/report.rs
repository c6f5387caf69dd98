//! What `prepare_clean` found and mended, counted and listed for `metadata.json`.

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use crate::forecasting::frequency::{Frequency, Grid};
use crate::forecasting::series::Observation;

/// A series is warned of if more than one in so many of its values were filled.
const MUCH_FILLED: usize = 3;

/// How many places of one kind the metadata lists; all are counted.
pub(super) const LISTED: usize = 50;

/// What was found and mended.
#[derive(Default)]
pub(super) struct Report {
    /// Rows that said the same as another.
    pub(super) repeated: usize,
    /// Times with different values.
    pub(super) contradicting: Vec<(String, NaiveDateTime)>,
    /// Rows whose value is empty.
    pub(super) empty: usize,
    /// Values that are infinite or NaN; they are treated as missing.
    pub(super) not_finite: usize,
    /// Values below zero.
    pub(super) negative: usize,
    /// Open days without a row that are taken for holidays.
    pub(super) holidays: usize,
    /// Which.
    pub(super) closed: Vec<Value>,
    /// Rows whose time is none of the steps of their series.
    pub(super) off_steps: usize,
    /// Which.
    pub(super) off: Vec<Value>,
    /// Rows whose time became that of the nearest step.
    moved: usize,
    /// Which.
    moves: Vec<Value>,
    /// Times between the first and the last that had no row.
    pub(super) absent: usize,
    /// Values that were filled.
    pub(super) filled: usize,
    /// The series of whose values more than a third were filled: the first, with how many of how many, and their number.
    much_filled: Option<((String, usize, usize), usize)>,
    /// Values that are still missing.
    pub(super) missing: usize,
    /// Those of them that lie between values.
    pub(super) inner: usize,
    /// Rows without a value that went at the ends of series.
    pub(super) trimmed: usize,
    /// Which, end by end.
    pub(super) ends: Vec<Value>,
    /// What was done, gap by gap.
    pub(super) repairs: Vec<Value>,
    /// Values below zero that became zero.
    pub(super) clipped: usize,
    /// Which series they are of, each with their number.
    pub(super) clips: Vec<Value>,
    /// Outliers that became missing values.
    pub(super) outliers: usize,
    /// Which.
    pub(super) far: Vec<Value>,
    /// The unit of the values, and what they were multiplied by to be in it.
    pub(super) unit: Option<Value>,
    /// Series that are likely not to be forecast like the others.
    pub(super) bad: Vec<Value>,
    /// Gaps that were too long to fill.
    pub(super) gaps: Vec<Value>,
    /// One entry a series.
    pub(super) series: Vec<Value>,
}

impl Report {
    /// Notes the holidays of a series, on which nothing is filled.
    pub(super) fn closed(&mut self, unique_id: &str, grid: &Grid) {
        let days = grid.holidays();
        self.holidays += days.len();
        let room = LISTED - self.closed.len();
        self.closed.extend(
            days.iter()
                .take(room)
                .map(|day| json!({ "unique_id": unique_id, "day": day.to_string() })),
        );
    }

    /// Notes a row whose time is none of the steps.
    pub(super) fn off(&mut self, row: &Observation) {
        self.off_steps += 1;
        if self.off.len() < LISTED {
            self.off
                .push(json!({ "unique_id": row.unique_id, "ds": row.ds.to_string() }));
        }
    }

    /// Notes a row whose time becomes another one.
    pub(super) fn moved(&mut self, row: &Observation, to: NaiveDateTime) {
        self.moved += 1;
        if self.moves.len() < LISTED {
            self.moves
                .push(json!({ "unique_id": row.unique_id, "from": row.ds.to_string(), "to": to.to_string() }));
        }
    }

    /// Notes a series whose rows stay as they are, for it has steps of its own.
    pub(super) fn unfilled(&mut self, rows: &[Observation], own: Frequency) {
        let missing = rows.iter().filter(|row| row.y.is_none()).count();
        self.missing += missing;
        self.prepared(rows, 0, missing);
        if let Some(entry) = self.series.last_mut() {
            entry["frequency"] = own.to_string().into();
        }
    }

    /// Notes a series that is prepared, and how many of its values were filled and are still missing.
    pub(super) fn prepared(&mut self, rows: &[Observation], filled: usize, missing: usize) {
        if let Some(first) = rows.first().filter(|_| filled * MUCH_FILLED > rows.len()) {
            let first = (first.unique_id.clone(), filled, rows.len());
            self.much_filled.get_or_insert((first, 0)).1 += 1;
        }
        self.series.push(json!({
            "unique_id": rows.first().map(|row| row.unique_id.as_str()),
            "row_count": rows.len(),
            "start": rows.first().map(|row| row.ds.to_string()),
            "end": rows.last().map(|row| row.ds.to_string()),
            "values_filled": filled,
            "values_missing": missing,
        }));
    }

    /// A warning of series of whose values more than a third were filled, if there are any.
    pub(super) fn much_filled(&self) -> Option<String> {
        let ((id, filled, rows), series) = self.much_filled.as_ref()?;
        let of_first = format!("{filled} of the {rows} values of `{id}` were filled");
        Some(match series {
            1 => format!("{of_first}: see `repairs` in the metadata, and lower `max_gap` if they are too many"),
            more => format!(
                "{of_first}, and of {} more series more than a third: see `repairs` in the metadata, and lower `max_gap` if \
                 they are too many",
                more - 1
            ),
        })
    }

    pub(super) fn report(&self, came: usize, frequency: Frequency, clean: &[Observation]) -> Value {
        let start = clean.iter().map(|row| row.ds).min();
        let end = clean.iter().map(|row| row.ds).max();
        let repaired = [
            self.filled,
            self.trimmed,
            self.repeated,
            self.contradicting.len(),
            self.clipped,
            self.outliers,
            self.moved,
        ];
        let touched = repaired.into_iter().any(|count| count > 0);
        let status = match (self.missing, touched) {
            (0, false) => "clean",
            (0, true) => "mended",
            _ => "has gaps",
        };
        let contradicting: Vec<Value> = self
            .contradicting
            .iter()
            .take(LISTED)
            .map(|(id, ds)| json!({ "unique_id": id, "ds": ds.to_string() }))
            .collect();
        let mut repairs = json!({
            "values_filled": self.filled,
            "filled": self.repairs,
            "rows_trimmed": self.trimmed,
            "trimmed": self.ends,
        });
        if self.clipped > 0 {
            repairs["values_clipped"] = self.clipped.into();
            repairs["clipped"] = self.clips.as_slice().into();
        }
        if self.moved > 0 {
            repairs["times_moved"] = self.moved.into();
            repairs["moved"] = self.moves.as_slice().into();
        }
        if self.outliers > 0 {
            repairs["outliers_removed"] = self.outliers.into();
            repairs["outliers"] = self.far.as_slice().into();
        }
        let mut whole = json!({
            "status": status,
            "row_count": clean.len(),
            "date_range": { "start": start.map(|ds| ds.to_string()), "end": end.map(|ds| ds.to_string()) },
            "frequency": frequency.to_string(),
            "series": self.series,
            "integrity": {
                "rows_read": came,
                "repeated_rows": self.repeated,
                "contradicting_times": self.contradicting.len(),
                "contradictions": contradicting,
                "missing_times": self.absent,
                "holidays": { "days": self.holidays, "first": self.closed },
                "off_steps": { "rows": self.off_steps, "first": self.off },
                "empty_values": self.empty,
                "not_finite_values": self.not_finite,
                "negative_values": self.negative,
            },
            "repairs": repairs,
            "gaps_left": { "values_missing": self.missing, "gaps": self.gaps },
        });
        if !self.bad.is_empty() {
            whole["bad_series"] = self.bad.as_slice().into();
        }
        if let Some(unit) = &self.unit {
            whole["unit"] = unit.clone();
        }
        whole
    }

    /// What was done, for the log: what was not done goes unsaid.
    pub(super) fn line(&self, rows: usize) -> String {
        let also = [
            (self.trimmed, "rows without a value trimmed at the ends"),
            (self.clipped, "values below zero clipped"),
            (self.outliers, "outliers removed"),
            (self.moved, "times moved to the nearest step"),
        ];
        let also = also.into_iter().filter(|(count, _)| *count > 0);
        let words = |(count, what): (usize, &str)| format!(", {count} {what}");
        let also: String = also.map(words).collect();
        format!(
            "{rows} rows of {} series, {} values filled, {} values missing{also}",
            self.series.len(),
            self.filled,
            self.missing
        )
    }
}
