//! The alias of registered models in the database.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::EmbeddedStore;
use crate::engine::task::TaskError;
use crate::forecasting::mlflow::alias::{AliasKeeper, ModelVersion};
use crate::forecasting::mlflow::registration::{CHAMPION_OF, REPLACED, Registration};

/// Asks and tells the database, within a transaction.
pub(super) struct EmbeddedKeeper<'a> {
    database: &'a Connection,
    store: &'a EmbeddedStore,
    registration: &'a Registration,
}

impl<'a> EmbeddedKeeper<'a> {
    pub(super) fn new(database: &'a Connection, store: &'a EmbeddedStore, registration: &'a Registration) -> Self {
        Self {
            database,
            store,
            registration,
        }
    }

    fn done<T>(&self, result: rusqlite::Result<T>) -> Result<T, TaskError> {
        result.map_err(|error| self.store.failed(&error))
    }
}

impl AliasKeeper for EmbeddedKeeper<'_> {
    fn holders(&mut self, alias: &str) -> Result<Vec<ModelVersion>, TaskError> {
        const HOLDERS: &str = "SELECT a.name, a.version, coalesce(v.run_id, '') FROM registered_model_aliases a \
             LEFT JOIN model_versions v ON v.name = a.name AND v.version = a.version \
             WHERE a.alias = ?1 AND (a.name = ?2 OR EXISTS (SELECT 1 FROM registered_model_tags t \
             WHERE t.name = a.name AND t.key = ?3 AND t.value = ?4)) ORDER BY a.name";
        let Registration { model, champion_of, .. } = self.registration;
        let holders = || {
            let mut statement = self.database.prepare(HOLDERS)?;
            let rows = statement.query_map(params![alias, model, CHAMPION_OF, champion_of], |row| {
                Ok(ModelVersion {
                    model: row.get(0)?,
                    version: row.get(1)?,
                    run_id: row.get(2)?,
                })
            })?;
            rows.collect()
        };
        self.done(holders())
    }

    fn metric(&mut self, run_id: &str, key: &str) -> Result<Option<f64>, TaskError> {
        let found = self.database.query_row(
            "SELECT value, is_nan FROM latest_metrics WHERE run_uuid = ?1 AND key = ?2",
            params![run_id, key],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        let found: Option<(f64, bool)> = self.done(found.optional())?;
        Ok(found.and_then(|(value, is_nan)| (!is_nan).then_some(value)))
    }

    fn replaced(&mut self, own: &ModelVersion) -> Result<Option<String>, TaskError> {
        let found = self.database.query_row(
            "SELECT value FROM model_version_tags WHERE name = ?1 AND version = ?2 AND key = ?3",
            params![own.model, own.version, REPLACED],
            |row| row.get(0),
        );
        self.done(found.optional())
    }

    fn keep_replaced(&mut self, own: &ModelVersion, replaced: &str) -> Result<(), TaskError> {
        let kept = self.database.execute(
            "INSERT OR REPLACE INTO model_version_tags (key, value, name, version) VALUES (?1, ?2, ?3, ?4)",
            params![REPLACED, replaced, own.model, own.version],
        );
        self.done(kept).map(drop)
    }

    fn set(&mut self, alias: &str, own: &ModelVersion) -> Result<(), TaskError> {
        let set = self.database.execute(
            "INSERT OR REPLACE INTO registered_model_aliases (alias, version, name) VALUES (?1, ?2, ?3)",
            params![alias, own.version, own.model],
        );
        self.done(set).map(drop)
    }

    fn remove(&mut self, alias: &str, holder: &ModelVersion) -> Result<(), TaskError> {
        let removed = self.database.execute(
            "DELETE FROM registered_model_aliases WHERE alias = ?1 AND name = ?2",
            params![alias, holder.model],
        );
        self.done(removed).map(drop)
    }
}
