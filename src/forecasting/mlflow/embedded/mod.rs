//! The store without a server: a database in MLflow's schema and a directory of artifacts beside it.
//!
//! One transaction makes a registration, files included, under the database's own write lock: nobody sees half of one, and
//! builds at the same time take turns. Ids are made from the effect key, so that the same champion has the same ids
//! everywhere. Paths in the database are relative wherever that of the database is, as MLflow reads both from the
//! directory in which it is started.

mod keeper;
mod read;
mod schema;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use self::keeper::EmbeddedKeeper;
pub(super) use self::read::registrations;
use self::write::Written;
use super::alias::{self, ModelVersion};
use super::registration::{Registered, Registration};
use crate::engine::task::{Context, TaskError};

/// Where registrations go if nobody says otherwise.
pub(crate) const DEFAULT_URI: &str = "sqlite:///mlflow/mlflow.db";
/// How long another program may keep the database to itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database with its artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmbeddedStore {
    /// The directory from which its paths count.
    pub(super) base: PathBuf,
    /// The database, relative to it or absolute.
    pub(super) path: PathBuf,
}

impl EmbeddedStore {
    /// The database.
    pub(super) fn file(&self) -> PathBuf {
        self.base.join(&self.path)
    }

    /// The directory of artifacts, as the database names it.
    pub(super) fn artifacts(&self) -> String {
        let beside = self.path.parent().unwrap_or(Path::new(""));
        beside.join("artifacts").to_string_lossy().into_owned()
    }

    /// A directory or file that the database names.
    pub(super) fn at(&self, location: &str) -> PathBuf {
        self.base.join(location)
    }

    fn failed(&self, error: &rusqlite::Error) -> TaskError {
        let file = self.path.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => TaskError::new(format!(
                "`{file}` is kept locked by another program, for more than {} s",
                PATIENCE.as_secs()
            ))
            .help("end whatever writes to it, or build again later")
            .retryable(),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => TaskError::new(format!(
                "`{file}` is no sound database of SQLite: {error}"
            ))
            .help("move it away: the next build makes a new one; the record of each champion is `champion.json`"),
            _ => TaskError::new(format!("cannot register in `{file}`: {error}"))
                .help("see that atsaf may write there, or name a server as `tracking_uri`"),
        }
    }

    /// Opens the database, which is made if it is not there.
    fn open(&self, flags: OpenFlags) -> Result<Connection, TaskError> {
        Connection::open_with_flags(self.file(), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| {
                connection.busy_timeout(Duration::ZERO)?;
                connection.pragma_update(None, "foreign_keys", true)?;
                Ok(connection)
            })
            .map_err(|error| self.failed(&error))
    }

    /// Takes the write lock, as soon as nobody else has it.
    fn begin<'c>(&self, context: &Context<'_>, connection: &'c mut Connection) -> Result<Transaction<'c>, TaskError> {
        const PAUSE: Duration = Duration::from_millis(20);
        let begun = Instant::now();
        loop {
            context.check_cancelled()?;
            match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
                Ok(transaction) => return Ok(transaction),
                Err(error) if begun.elapsed() < PATIENCE && is_busy(&error) => std::thread::sleep(PAUSE),
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Makes a registration in the store, or finds it there.
pub(super) fn register(
    context: &Context<'_>,
    store: &EmbeddedStore,
    registration: &Registration,
) -> Result<Registered, TaskError> {
    let file = store.file();
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).map_err(|error| {
            TaskError::new(format!(
                "cannot make the directory of `{}`: {error}",
                store.path.display()
            ))
        })?;
    }
    let mut connection = store.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let transaction = store.begin(context, &mut connection)?;
    schema::make_or_check(&transaction, store)?;
    let written = Written::found_or_made(context, &transaction, store, registration)?;
    let own = ModelVersion {
        model: registration.model.clone(),
        version: written.version,
        run_id: written.run_id.clone(),
    };
    let mut keeper = EmbeddedKeeper::new(&transaction, store, registration);
    let alias = alias::assert(&mut keeper, &own, registration)?;
    transaction.commit().map_err(|error| store.failed(&error))?;
    Ok(Registered {
        experiment_id: written.experiment_id.to_string(),
        run_id: written.run_id,
        model_id: written.model_id,
        version: written.version,
        alias,
    })
}
