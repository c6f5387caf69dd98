//! The built-in tasks: a whole forecasting pipeline on hourly electricity data, and on anybody's series.
//!
//! ```text
//! ingest ─▶ prepare ─▶ validate ─▶ train ─▶ register
//!                                    └────▶ forecast
//! ```
//!
//! Nothing below `ingest` knows of electricity. A task sees the engine's task interface and nothing else of it.

pub mod forecast;
pub mod ingest;
pub mod metrics_csv;
pub mod prepare;
pub mod register;
pub mod train;
pub mod validate;

pub mod backtest;
mod backtest_config;
mod backtest_report;
pub mod cached_fit;
pub mod eia;
pub mod intervals;
pub mod leaderboard;
pub mod metrics;
pub mod models;
pub mod registry;
pub mod selection;
pub mod series;
pub mod table;
pub mod weighting;

mod document;
#[cfg(test)]
mod tests;

use crate::engine::task::Tasks;

/// All built-in tasks.
#[must_use]
pub fn tasks() -> Tasks {
    Tasks::new(vec![
        Box::new(ingest::IngestEia),
        Box::new(prepare::PrepareClean),
        Box::new(validate::ValidateClean),
        Box::new(train::TrainBacktestSelect),
        Box::new(register::RegisterChampion),
        Box::new(forecast::ForecastPublish),
        Box::new(metrics_csv::SaveMetricsCsv),
    ])
}
