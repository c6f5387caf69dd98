//! The engine: from a [`Spec`](spec::Spec) to artifacts in their places.
//!
//! It knows no forecasting, no terminal and no TOML.

mod attempt;
mod attempt_log;
pub mod build;
mod cause;
pub mod clock;
pub mod command;
pub mod digest;
pub mod event;
mod examine;
mod execute;
pub mod files;
pub mod fingerprint;
pub mod graph;
pub mod look;
mod mask;
pub mod nesting;
pub mod plan;
pub mod reason;
pub mod result_id;
mod run;
pub mod run_id;
mod schedule;
pub mod spec;
pub mod store;
mod survivors;
pub mod task;
