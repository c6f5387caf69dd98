//! The engine: from a [`Spec`](spec::Spec) to artifacts in their places.
//!
//! It knows no forecasting, no terminal and no TOML.

pub mod build;
pub mod digest;
pub mod event;
pub mod files;
pub mod fingerprint;
pub mod graph;
pub mod plan;
pub mod reason;
pub mod run;
pub mod spec;
pub mod store;
pub mod task;
