//! The rows and files of one registration.

use std::fs::{self, File};
use std::io::Write as _;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::EmbeddedStore;
use crate::engine::digest::Digest;
use crate::engine::task::{Context, TaskError};
use crate::forecasting::mlflow::registration::{
    CHAMPION_OF, EFFECT_KEY, LoggedDataset, MLMODEL, MetricPoint, Registration, with_ids,
};

/// What the column of a number holds for one without an end.
const INFINITE: f64 = f64::MAX;

/// Where a registration stands in the database.
pub(super) struct Written {
    pub(super) experiment_id: i64,
    pub(super) run_id: String,
    pub(super) model_id: String,
    pub(super) version: u64,
}

/// Writes within one transaction.
struct Writer<'a> {
    database: &'a Connection,
    store: &'a EmbeddedStore,
    registration: &'a Registration,
    experiment_id: i64,
    location: String,
    run_id: String,
    model_id: String,
}

impl Written {
    /// Finds a registration by its key, or makes it.
    pub(super) fn found_or_made(
        context: &Context<'_>,
        database: &Connection,
        store: &EmbeddedStore,
        registration: &Registration,
    ) -> Result<Self, TaskError> {
        let failed = |error: rusqlite::Error| store.failed(&error);
        let (experiment_id, location) = experiment(database, store, registration)?;
        let found = found(database, experiment_id, &registration.effect_key).map_err(failed)?;
        let is_made = found.is_some();
        let (run_id, model_id) = match found {
            Some(found) => found,
            None => free_ids(database, &registration.effect_key).map_err(failed)?,
        };
        let writer = Writer {
            database,
            store,
            registration,
            experiment_id,
            location,
            run_id,
            model_id,
        };
        if !is_made {
            context.progress("writing the registration");
            writer.run().map_err(failed)?;
            writer.dataset().map_err(failed)?;
            writer.logged_model().map_err(failed)?;
            writer.metrics().map_err(failed)?;
            writer.files()?;
        }
        let version = writer.version().map_err(failed)?;
        let Writer { run_id, model_id, .. } = writer;
        Ok(Self {
            experiment_id,
            run_id,
            model_id,
            version,
        })
    }
}

/// Id and place of the experiment, made if it is not there.
fn experiment(
    database: &Connection,
    store: &EmbeddedStore,
    registration: &Registration,
) -> Result<(i64, String), TaskError> {
    let failed = |error: rusqlite::Error| store.failed(&error);
    let name = &registration.experiment;
    let found = database.query_row(
        "SELECT experiment_id, coalesce(artifact_location, ''), lifecycle_stage FROM experiments WHERE name = ?1",
        [name],
        |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)),
    );
    match found.optional().map_err(failed)? {
        Some((id, _, stage)) if stage != "active" => Err(TaskError::new(format!(
            "the experiment `{name}` of `{}` was deleted",
            store.path.display()
        ))
        .help(format!(
            "restore it (`mlflow experiments restore --experiment-id {id}`), or set another `experiment_name`"
        ))),
        Some((id, location, _)) => {
            let location: String = location;
            let path = location.strip_prefix("file://").unwrap_or(&location);
            match path.contains("://") || path.is_empty() {
                true => Err(TaskError::new(format!(
                    "the experiment `{name}` keeps its artifacts at `{location}`, where atsaf cannot put them"
                ))
                .help("set another `experiment_name`, or register on a server")),
                false => Ok((id, path.to_owned())),
            }
        }
        None => {
            database
                .execute(
                    "INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time, last_update_time) \
                     VALUES (?1, '', 'active', ?2, ?2)",
                    params![name, registration.time_ms],
                )
                .map_err(failed)?;
            let id = database.last_insert_rowid();
            let location = format!("{}/{id}", store.artifacts());
            database
                .execute(
                    "UPDATE experiments SET artifact_location = ?1 WHERE experiment_id = ?2",
                    params![location, id],
                )
                .map_err(failed)?;
            Ok((id, location))
        }
    }
}

/// Run and model of a registration that is there.
fn found(database: &Connection, experiment_id: i64, effect_key: &str) -> rusqlite::Result<Option<(String, String)>> {
    database
        .query_row(
            "SELECT r.run_uuid, m.model_id FROM runs r \
             JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ?1 AND t.value = ?2 \
             JOIN logged_models m ON m.source_run_id = r.run_uuid \
             WHERE r.experiment_id = ?3 AND r.lifecycle_stage = 'active' ORDER BY r.start_time, r.run_uuid LIMIT 1",
            params![EFFECT_KEY, effect_key, experiment_id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
}

/// Ids that are made from the key; further ones where somebody deleted the run that had them.
fn free_ids(database: &Connection, effect_key: &str) -> rusqlite::Result<(String, String)> {
    let mut turn = 0;
    loop {
        let id = |of: &str| Digest::of(format!("{of} {turn} {effect_key}").as_bytes()).hex()[..32].to_owned();
        let (run_id, model_id) = (id("run"), format!("m-{}", id("model")));
        let taken: bool = database.query_row(
            "SELECT EXISTS (SELECT 1 FROM runs WHERE run_uuid = ?1) \
             OR EXISTS (SELECT 1 FROM logged_models WHERE model_id = ?2)",
            params![run_id, model_id],
            |row| row.get(0),
        )?;
        if !taken {
            return Ok((run_id, model_id));
        }
        turn += 1;
    }
}

impl Writer<'_> {
    fn run_artifacts(&self) -> String {
        format!("{}/{}/artifacts", self.location, self.run_id)
    }

    fn model_artifacts(&self) -> String {
        format!("{}/models/{}/artifacts", self.location, self.model_id)
    }

    fn run(&self) -> rusqlite::Result<()> {
        let Registration { run_name, time_ms, .. } = self.registration;
        self.database.execute(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, \
             end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) \
             VALUES (?1, ?2, 'UNKNOWN', '', '', '', 'FINISHED', ?3, ?6, '', 'active', ?4, ?5)",
            params![
                self.run_id,
                run_name,
                time_ms,
                self.run_artifacts(),
                self.experiment_id,
                self.registration.end_ms
            ],
        )?;
        let key = self.registration.effect_key.as_str();
        let own = [
            (EFFECT_KEY, key),
            ("mlflow.runName", run_name.as_str()),
            ("mlflow.source.name", "atsaf"),
            ("mlflow.source.type", "JOB"),
        ];
        let others = self.registration.tags.iter().map(|(key, value)| (&**key, &**value));
        for (key, value) in own.into_iter().chain(others) {
            self.database.execute(
                "INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES (?1, ?2, ?3)",
                params![key, value, self.run_id],
            )?;
        }
        for (key, value) in &self.registration.params {
            self.database.execute(
                "INSERT INTO params (key, value, run_uuid) VALUES (?1, ?2, ?3)",
                params![key, value, self.run_id],
            )?;
        }
        Ok(())
    }

    /// The data that the run read; another run may have read the same.
    fn dataset(&self) -> rusqlite::Result<()> {
        let LoggedDataset {
            name,
            digest,
            source,
            schema,
            profile,
        } = &self.registration.dataset;
        self.database.execute(
            "INSERT OR IGNORE INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, \
             dataset_source, dataset_schema, dataset_profile) VALUES (?1, ?2, ?3, ?4, 'local', ?5, ?6, ?7)",
            params![
                self.id_of("dataset"),
                self.experiment_id,
                name,
                digest,
                source,
                schema,
                profile
            ],
        )?;
        let dataset: String = self.database.query_row(
            "SELECT dataset_uuid FROM datasets WHERE experiment_id = ?1 AND name = ?2 AND digest = ?3",
            params![self.experiment_id, name, digest],
            |row| row.get(0),
        )?;
        self.link("input", "DATASET", &dataset, "RUN", &self.run_id)?;
        self.database.execute(
            "INSERT INTO input_tags (input_uuid, name, value) VALUES (?1, 'mlflow.data.context', 'training')",
            [self.id_of("input")],
        )?;
        Ok(())
    }

    fn logged_model(&self) -> rusqlite::Result<()> {
        // 2 is ready.
        self.database.execute(
            "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms, \
             last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id) \
             VALUES (?1, ?2, 'model', ?3, ?4, ?4, 2, 'active', '', ?5)",
            params![
                self.model_id,
                self.experiment_id,
                self.model_artifacts(),
                self.registration.time_ms,
                self.run_id
            ],
        )?;
        self.database.execute(
            "INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) VALUES (?1, ?2, ?3, ?4)",
            params![
                self.model_id,
                self.experiment_id,
                EFFECT_KEY,
                self.registration.effect_key
            ],
        )?;
        for (key, value) in &self.registration.params {
            self.database.execute(
                "INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value) VALUES (?1, ?2, ?3, ?4)",
                params![self.model_id, self.experiment_id, key, value],
            )?;
        }
        self.link("output", "RUN_OUTPUT", &self.run_id, "MODEL_OUTPUT", &self.model_id)
    }

    fn link(&self, what: &str, source: &str, from: &str, destination: &str, to: &str) -> rusqlite::Result<()> {
        self.database.execute(
            "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step) \
             VALUES (?1, ?2, ?3, ?4, ?5, 0)",
            params![self.id_of(what), source, from, destination, to],
        )?;
        Ok(())
    }

    fn metrics(&self) -> rusqlite::Result<()> {
        for point in &self.registration.metrics {
            let (value, is_nan) = stored(point.value);
            let time = self.registration.time_ms;
            let row = params![point.key, value, time, self.run_id, point.step, is_nan];
            self.database.execute(
                "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, step, is_nan) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                row,
            )?;
            // The last step is the latest.
            self.database.execute(
                "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, \
                 step = excluded.step, is_nan = excluded.is_nan WHERE excluded.step >= latest_metrics.step",
                row,
            )?;
            if point.of_model && !is_nan {
                self.model_metric(point, value)?;
            }
        }
        Ok(())
    }

    fn model_metric(&self, point: &MetricPoint, value: f64) -> rusqlite::Result<()> {
        let Registration { dataset, time_ms, .. } = self.registration;
        self.database.execute(
            "INSERT OR IGNORE INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step, \
             metric_value, experiment_id, run_id, dataset_name, dataset_digest) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                self.model_id,
                point.key,
                time_ms,
                point.step,
                value,
                self.experiment_id,
                self.run_id,
                dataset.name,
                dataset.digest
            ],
        )?;
        Ok(())
    }

    /// Writes the files, which nothing names until the transaction is committed.
    fn files(&self) -> Result<(), TaskError> {
        for (name, bytes) in &self.registration.run_files {
            self.file(&self.run_artifacts(), name, bytes)?;
        }
        for (name, bytes) in &self.registration.model_files {
            let location = self.model_artifacts();
            match name.as_str() {
                MLMODEL => self.file(
                    &location,
                    name,
                    &with_ids(bytes, &location, &self.model_id, &self.run_id),
                )?,
                _ => self.file(&location, name, bytes)?,
            }
        }
        Ok(())
    }

    fn file(&self, location: &str, name: &str, bytes: &[u8]) -> Result<(), TaskError> {
        let path = self.store.at(location).join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|error| TaskError::new(format!("cannot write the artifact `{location}/{name}`: {error}")))
    }

    /// The version of the registered model that the run has made, made if it is not there.
    fn version(&self) -> rusqlite::Result<u64> {
        let Registration {
            model,
            champion_of,
            time_ms,
            ..
        } = self.registration;
        let found = self.database.query_row(
            "SELECT min(version) FROM model_versions WHERE name = ?1 AND run_id = ?2",
            params![model, self.run_id],
            |row| row.get(0),
        )?;
        if let Some(version) = found {
            return Ok(version);
        }
        self.database.execute(
            "INSERT OR IGNORE INTO registered_models (name, creation_time, last_updated_time, description) \
             VALUES (?1, ?2, ?2, 'champions that atsaf registers')",
            params![model, time_ms],
        )?;
        self.database.execute(
            "INSERT OR IGNORE INTO registered_model_tags (key, value, name) VALUES (?1, ?2, ?3)",
            params![CHAMPION_OF, champion_of, model],
        )?;
        let version: u64 = self.database.query_row(
            "SELECT coalesce(max(version), 0) + 1 FROM model_versions WHERE name = ?1",
            [model],
            |row| row.get(0),
        )?;
        self.database.execute(
            "INSERT INTO model_versions (name, version, creation_time, last_updated_time, current_stage, source, run_id, \
             status, storage_location) VALUES (?1, ?2, ?3, ?3, 'None', ?4, ?5, 'READY', ?6)",
            params![
                model,
                version,
                time_ms,
                format!("models:/{}", self.model_id),
                self.run_id,
                self.model_artifacts()
            ],
        )?;
        self.database.execute(
            "INSERT INTO model_version_tags (key, value, name, version) VALUES (?1, ?2, ?3, ?4)",
            params![EFFECT_KEY, self.registration.effect_key, model, version],
        )?;
        Ok(version)
    }

    /// An id that belongs to the run.
    fn id_of(&self, what: &str) -> String {
        Digest::of(format!("{what} {}", self.run_id).as_bytes()).hex()[..32].to_owned()
    }
}

/// A number as MLflow's tables have it, and whether it is none.
fn stored(value: f64) -> (f64, bool) {
    match value.is_nan() {
        true => (0.0, true),
        false => (value.clamp(-INFINITE, INFINITE), false),
    }
}
