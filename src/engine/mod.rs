//! The engine: from a [`Spec`](spec::Spec) to artifacts in their places.
//!
//! It knows no forecasting, no terminal and no TOML.

mod attempt;
pub mod build;
pub mod clock;
pub(crate) mod command;
pub mod digest;
pub mod event;
mod execute;
pub mod files;
pub mod fingerprint;
mod given;
pub mod graph;
pub mod ignore;
mod mask;
pub mod plan;
pub mod reason;
mod run;
pub mod run_id;
mod schedule;
pub mod spec;
pub mod store;
pub mod task;
