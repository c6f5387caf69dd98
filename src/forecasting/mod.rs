//! The built-in tasks: a whole forecasting pipeline on hourly electricity data, and on anybody's series.
//!
//! ```text
//! ingest ─▶ prepare ─▶ validate ─▶ train ─▶ register
//!                                    └────▶ forecast
//! ```
//!
//! Nothing below `ingest` knows of electricity. A task sees the engine's task interface and nothing else of it.

mod forecast;
mod ingest;
mod metrics_csv;
mod prepare;
mod register;
mod train;
mod validate;

mod backtest;
mod backtest_config;
mod backtest_report;
mod cached_fit;
mod eia;
mod intervals;
mod leaderboard;
mod metrics;
mod models;
mod registry;
mod selection;
mod series;
mod table;
mod weighting;

mod document;
mod named_enum;
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
