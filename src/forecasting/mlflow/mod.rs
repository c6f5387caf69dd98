//! MLflow as a sink: a registration is made once, on a server or in the embedded store, and its alias asserted each time.
//!
//! ```text
//! artifacts ─▶ Registration ─┬─▶ server    (REST; each step looks first at what is there)
//!                            └─▶ embedded  (SQLite in MLflow's schema, one transaction)
//!                                    │
//!                                    ▼
//!                      alias: who holds it, whether the guard lets it go ─▶ Registered
//! ```
//!
//! What makes two registrations the same is the effect key, which is a tag of the run: whoever finds a run with it goes on
//! from there. So a repetition, another machine or a lost receipt makes no second run and no second version.

mod alias;
mod embedded;
mod place;
pub(super) mod push;
mod registration;
mod server;

pub(super) use self::alias::Guard;
pub(super) use self::embedded::DEFAULT_URI;
pub(super) use self::place::Place;
pub(super) use self::registration::{LoggedDataset, MetricPoint, Registered, Registration};
pub(super) use self::server::{ServerAccess, VARIABLES};

use crate::engine::task::{Context, TaskError};

/// Makes a registration where `place` says, or finds it there, and asserts its alias.
///
/// # Errors
/// [`TaskError`]; what was made by then stays, without the alias, and the next call goes on from it.
pub(super) fn register(
    context: &Context<'_>,
    place: &Place,
    registration: &Registration,
) -> Result<Registered, TaskError> {
    match place {
        Place::Server(address) => {
            let access = ServerAccess::of(context, address);
            server::register(context, &access, registration)
        }
        Place::Embedded(store) => embedded::register(context, store, registration),
    }
}
