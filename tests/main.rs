//! The program from outside: projects in directories of their own, built, changed, broken and built again.
//!
//! | module | what is shown |
//! |---|---|
//! | `staleness` | what runs, comes back or stays after one change |
//! | `failures` | what a failure leaves, and what it leaves alone |
//! | `mistakes` | wrong Atsaffiles are told whole, before anything runs |
//! | `crash` | a kill at any moment, and a damaged store |
//! | `concurrency` | several builds in one project |
//! | `model` | random projects and edits against a plain recursion |
//! | `layering` | who may import whom |
//!
//! `project` runs the program, `inside` the engine in this process. The environment variable `ATSAF_TEST_EFFORT=10`
//! lets the tests of chance go on ten times as long.

mod concurrency;
mod crash;
mod failures;
mod inside;
mod layering;
mod mistakes;
mod model;
mod project;
mod staleness;
