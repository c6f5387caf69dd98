//! `save_metrics_csv`: the leaderboard as comma-separated values, for a spreadsheet.

use super::limits::{MAX_MB, MAX_ROWS};
use super::{reading, table};
use crate::engine::spec::schema::{Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

static SCHEMA: Schema = Schema {
    name: "save_metrics_csv",
    version: 1,
    summary: "writes the leaderboard as comma-separated values",
    params: &[reading::OF_TABLES, MAX_MB, MAX_ROWS],
    inputs: &[Port {
        name: "leaderboard",
        doc: "a row for what will be forecast, then the models by rank: errors and coverage",
    }],
    outputs: &[Port {
        name: "metrics",
        doc: "the same rows and columns as CSV",
    }],
    optional: &[],
    directories: &[],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct SaveMetricsCsv;

impl Task for SaveMetricsCsv {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        let mut leaderboard = reading::table(context, "leaderboard")?.frame;
        table::write_csv(context, "metrics", &mut leaderboard)
    }
}
