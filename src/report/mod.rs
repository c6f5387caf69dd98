//! From the engine's data to people.
//!
//! Text and JSON are two drawings of the same data, so they say the same. Nothing here runs or builds anything, and
//! nothing here knows the command line.

pub mod advice;
pub mod causes;
pub mod chart;
pub mod columns;
pub mod discovered;
pub mod events;
pub mod fold;
pub mod history;
pub mod human;
pub mod ink;
mod instance_progress;
pub mod instances;
pub mod json;
pub mod junit;
pub mod leaderboard;
pub mod line_edits;
mod live;
pub mod markdown;
pub mod metrics;
pub mod notes;
pub mod page;
pub mod plan;
pub mod reasons;
pub mod results;
pub mod screen;
pub mod status;
pub mod table;
pub mod table_diff;
pub mod terminal;
mod toned_line;
pub mod watch_screen;
pub mod why;
