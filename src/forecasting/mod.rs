//! The built-in tasks: a whole forecasting pipeline on hourly electricity data.

pub mod metrics;
pub mod models;
