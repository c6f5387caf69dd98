//! `atsaf`: make for data artifacts.
//!
//! ```text
//! Atsaffile ─▶ Spec ─▶ Graph ─▶ Plan ─▶ Schedule ─▶ Attempt (staging) ─▶ Commit ─▶ Record ─▶ the next Plan
//! ```
//!
//! The rooms, in the order of that path; `cli` calls them, `report` tells people, `export` tells other tools.

#![forbid(unsafe_code)]

pub mod atsaffile;
pub mod cli;
pub mod engine;
pub mod export;
#[cfg(feature = "forecasting")]
pub mod forecasting;
pub mod report;

#[cfg(feature = "forecasting")]
mod aside;
mod axis;
pub mod diagnostic;
pub mod fast_map;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "forecasting")]
mod http;
pub mod outward;
