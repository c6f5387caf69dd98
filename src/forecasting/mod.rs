//! The built-in tasks: a whole forecasting pipeline on hourly electricity data, and on anybody's series.
//!
//! ```text
//! ingest ─▶ prepare ─▶ validate ─▶ train ─▶ register
//!                                   └─▶ forecast
//! ```
//!
//! Nothing below `ingest` knows of electricity. A task sees the engine's task interface and nothing else of it.

pub mod eia;
pub mod ingest;
pub mod models;
pub mod prepare;
pub mod series;
pub mod table;
pub mod validate;

mod document;

use crate::engine::task::Tasks;

/// All built-in tasks.
#[must_use]
pub fn tasks() -> Tasks {
    Tasks::new(vec![
        Box::new(ingest::IngestEia),
        Box::new(prepare::PrepareClean),
        Box::new(validate::ValidateClean),
    ])
}
