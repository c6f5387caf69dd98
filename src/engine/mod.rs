//! The engine: from a [`Spec`](spec::Spec) to artifacts in their places.
//!
//! It knows no forecasting, no terminal and no TOML.

mod attempt;
pub mod build;
pub(crate) mod command;
pub mod digest;
pub mod event;
pub mod files;
pub mod fingerprint;
pub mod graph;
mod job;
mod mask;
pub mod plan;
pub mod reason;
pub mod run;
mod schedule;
pub mod spec;
pub mod store;
pub mod task;
mod turn;
