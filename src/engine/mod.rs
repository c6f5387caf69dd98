//! The engine: from a [`Spec`](spec::Spec) to artifacts in their places.
//!
//! It knows no forecasting, no terminal and no TOML.

mod attempt;
mod attempt_log;
mod basis;
pub mod build;
mod cause;
pub mod clock;
pub mod command;
mod dependencies;
pub mod digest;
mod discover;
pub mod event;
mod examine;
mod execute;
pub mod fast_map;
mod file_clock;
pub mod files;
pub mod fingerprint;
mod given;
pub mod graph;
pub mod ignore;
mod judge;
pub mod look;
mod moved_sources;
mod moves;
pub mod nesting;
pub mod plan;
pub mod reason;
pub mod regular_file;
pub mod result_id;
mod run;
pub mod run_id;
mod schedule;
mod secrets_given;
mod sight;
pub mod spec;
pub mod store;
mod survivors;
pub mod task;
pub mod tree;
mod turns;
mod writes;
