//! A run, from plan to summary.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::event::{Observer, Summary};
use super::graph::TargetId;
use super::plan::{PlanError, World};
use super::store::StoreError;
use super::task::Tasks;

/// What a build is asked for.
pub struct Options<'a> {
    /// The goals.
    pub goals: Vec<TargetId>,
    /// The goals as the user wrote them, for the journal.
    pub asked: Vec<String>,
    /// Parameters set on the command line, for the journal.
    pub set: Vec<(String, String)>,
    /// Whether everything that the goals need is to run.
    pub force: bool,
    /// Whether targets that do not need a failed one go on.
    pub keep_going: bool,
    /// How many targets may run at once.
    pub jobs: usize,
    /// Values of the declared secrets that are set.
    pub secrets: BTreeMap<String, String>,
    /// Set when the build is to end soon.
    pub interrupted: &'a AtomicBool,
}

/// Why a build could not be begun or finished.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No plan can be made.
    #[error("no plan can be made")]
    Plan(Vec<PlanError>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the goals and what they need, as far as they are stale; failures of targets are told to `observer` and
/// counted in the summary.
///
/// # Errors
/// [`BuildError`] if nothing could be begun, or the store failed meanwhile.
pub fn build(
    world: World<'_>,
    tasks: &Tasks,
    options: &Options<'_>,
    observer: &dyn Observer,
) -> Result<Summary, BuildError> {
    let _ = (world, tasks, options, observer);
    unimplemented!()
}
