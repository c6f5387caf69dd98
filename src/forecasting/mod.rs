//! The built-in tasks: a whole forecasting pipeline on hourly electricity data, and on anybody's series.
//!
//! ```text
//! ingest ─▶ prepare ─▶ validate ─▶ train ─▶ register
//!                                    └────▶ forecast
//! ```
//!
//! Nothing below `ingest` knows of electricity. A task sees the engine's task interface and nothing else of it.

mod collect;
mod csv_form;
mod forecast;
mod ingest;
mod ingest_file;
mod metrics_csv;
mod package;
mod predict;
mod prepare;
mod register;
mod train;
mod validate;

mod backtest;
mod backtest_config;
mod backtest_report;
mod cached_fit;
mod cached_panel;
mod columns;
mod data_file;
mod detect;
mod eia;
mod exceptions;
mod far_times;
mod forecaster;
mod frequency;
mod intervals;
mod known_ahead;
mod leaderboard;
mod limits;
mod metrics;
mod mlflow;
mod model_package;
mod models;
mod panel;
mod parquet_check;
mod parquet_table;
mod placement;
mod program_model;
mod reading;
mod registry;
mod selection;
mod series;
mod table;
mod thrift;
mod times;
mod timestamp;
mod weighting;

mod document;
mod named_enum;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::AtomicBool;

pub use self::eia::record::Recorded;
pub use self::ingest::{RecordRequest, record, requests};
pub(crate) use self::ingest_file::{Survey, survey};
use self::limits::TableLimits;
pub use self::mlflow::push::{PushRequest, PushedVersion, push};
use self::parquet_check::ParquetFault;
pub(crate) use self::predict::{LONGEST, NewerHistory, Prediction, predict};
use crate::aside::{AsideError, NO_THREAD_HELP, aside};
use crate::engine::task::Tasks;

/// All built-in tasks.
#[must_use]
pub fn tasks() -> Tasks {
    Tasks::new(vec![
        Box::new(ingest::IngestEia),
        Box::new(ingest_file::IngestFile),
        Box::new(prepare::PrepareClean),
        Box::new(validate::ValidateClean),
        Box::new(train::TrainBacktestSelect),
        Box::new(register::RegisterChampion),
        Box::new(forecast::ForecastPublish),
        Box::new(package::PackageChampion),
        Box::new(metrics_csv::SaveMetricsCsv),
        Box::new(collect::Collect),
    ])
}

/// Opens a Parquet file whose metadata a reader may believe; the error is a sentence.
pub(crate) fn open_parquet(path: &Path) -> Result<File, String> {
    let mut file = data_file::open(path).map_err(|error| error.to_string())?;
    match parquet_check::check(&mut file, TableLimits::NONE) {
        Ok(()) => Ok(file),
        Err(ParquetFault::Broken(why)) => Err(why),
        Err(ParquetFault::Over(excess)) => Err(format!("it holds {excess}")),
    }
}

/// Bytes of a Parquet file whose metadata a reader may believe; the error is a sentence.
pub(crate) fn checked_parquet(bytes: Vec<u8>) -> Result<Cursor<Vec<u8>>, String> {
    let mut file = Cursor::new(bytes);
    match parquet_check::check(&mut file, TableLimits::NONE) {
        Ok(()) => Ok(file),
        Err(ParquetFault::Broken(why)) => Err(why),
        Err(ParquetFault::Over(excess)) => Err(format!("it holds {excess}")),
    }
}

/// Does what may panic on bytes that nobody has thought of; the error is a sentence.
pub(crate) fn guarded<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    static GOES_ON: AtomicBool = AtomicBool::new(false);
    aside(&GOES_ON, work).map_err(|error| match error {
        AsideError::Failed(why) => format!("its reader gave up: {why}"),
        AsideError::NoThread(why) => {
            format!("the system gives no thread to read it, most often for want of memory: {why}; {NO_THREAD_HELP}")
        }
        AsideError::Stopped => "it was stopped".to_owned(),
    })
}
