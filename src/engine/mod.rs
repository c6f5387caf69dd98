//! The engine: from a [`Spec`](spec::Spec) to artifacts in their places.
//!
//! It knows no forecasting, no terminal and no TOML.

mod attempt;
mod basis;
pub mod build;
pub mod clock;
pub(crate) mod command;
pub mod digest;
pub mod event;
mod execute;
mod file_clock;
pub mod files;
pub mod fingerprint;
pub mod graph;
mod mask;
mod moves;
pub mod plan;
pub mod reason;
mod run;
pub mod run_id;
mod schedule;
mod sight;
pub mod spec;
pub mod store;
pub mod task;
pub mod tree;
mod writes;
