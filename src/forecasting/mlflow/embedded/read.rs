//! What atsaf has registered in a database, as it would register it elsewhere.

use std::fs;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::{EmbeddedStore, schema};
use crate::engine::task::TaskError;
use crate::forecasting::mlflow::registration::{CHAMPION_OF, EFFECT_KEY, LoggedDataset, MetricPoint, Registration};

/// A version that atsaf has registered.
struct VersionRow {
    model: String,
    version: u64,
    effect_key: String,
    run_id: String,
    experiment: String,
    run_name: String,
    run_place: String,
    time_ms: i64,
    end_ms: i64,
    model_id: String,
    model_place: String,
    champion_of: String,
}

/// All registrations of a store, the oldest first; those that hold an alias have it.
pub(crate) fn registrations(store: &EmbeddedStore) -> Result<Vec<Registration>, TaskError> {
    if !store.file().is_file() {
        return Err(TaskError::new(format!("there is no `{}`", store.path.display()))
            .help("build the target that registers the champion first"));
    }
    let connection = store.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    schema::make_or_check(&connection, store)?;
    let versions = versions(&connection).map_err(|error| store.failed(&error))?;
    versions
        .iter()
        .map(|version| registration(&connection, store, version))
        .collect()
}

fn versions(database: &Connection) -> rusqlite::Result<Vec<VersionRow>> {
    let mut statement = database.prepare(
        "SELECT v.name, v.version, k.value, r.run_uuid, e.name, coalesce(r.name, ''), coalesce(r.artifact_uri, ''), \
         coalesce(r.start_time, 0), m.model_id, m.artifact_location, coalesce(c.value, ''), \
         coalesce(r.end_time, r.start_time, 0) \
         FROM model_versions v \
         JOIN model_version_tags k ON k.name = v.name AND k.version = v.version AND k.key = ?1 \
         JOIN runs r ON r.run_uuid = v.run_id AND r.lifecycle_stage = 'active' \
         JOIN experiments e ON e.experiment_id = r.experiment_id \
         JOIN logged_models m ON m.source_run_id = r.run_uuid \
         LEFT JOIN registered_model_tags c ON c.name = v.name AND c.key = ?2 \
         ORDER BY v.creation_time, v.name, v.version",
    )?;
    let rows = statement.query_map([EFFECT_KEY, CHAMPION_OF], |row| {
        Ok(VersionRow {
            model: row.get(0)?,
            version: row.get(1)?,
            effect_key: row.get(2)?,
            run_id: row.get(3)?,
            experiment: row.get(4)?,
            run_name: row.get(5)?,
            run_place: row.get(6)?,
            time_ms: row.get(7)?,
            model_id: row.get(8)?,
            model_place: row.get(9)?,
            champion_of: row.get(10)?,
            end_ms: row.get(11)?,
        })
    })?;
    rows.collect()
}

fn registration(database: &Connection, store: &EmbeddedStore, of: &VersionRow) -> Result<Registration, TaskError> {
    let failed = |error: rusqlite::Error| store.failed(&error);
    let own = ["mlflow.runName", "mlflow.source.name", "mlflow.source.type", EFFECT_KEY];
    let mut tags = pairs(
        database,
        "SELECT key, coalesce(value, '') FROM tags WHERE run_uuid = ?1",
        &of.run_id,
    )
    .map_err(failed)?;
    tags.retain(|(key, _)| !own.contains(&key.as_str()));
    Ok(Registration {
        experiment: of.experiment.clone(),
        model: of.model.clone(),
        alias: alias(database, of).map_err(failed)?,
        champion_of: of.champion_of.clone(),
        effect_key: of.effect_key.clone(),
        time_ms: of.time_ms,
        end_ms: of.end_ms,
        run_name: of.run_name.clone(),
        tags,
        params: pairs(
            database,
            "SELECT key, value FROM params WHERE run_uuid = ?1",
            &of.run_id,
        )
        .map_err(failed)?,
        metrics: metrics(database, of).map_err(failed)?,
        dataset: dataset(database, of).map_err(failed)?,
        run_files: files(store, &of.run_place)?,
        model_files: files(store, &of.model_place)?,
        guard: None,
    })
}

fn pairs(database: &Connection, query: &str, run_id: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = database.prepare(&format!("{query} ORDER BY 1"))?;
    let rows = statement.query_map([run_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn alias(database: &Connection, of: &VersionRow) -> rusqlite::Result<Option<String>> {
    database
        .query_row(
            "SELECT alias FROM registered_model_aliases WHERE name = ?1 AND version = ?2 ORDER BY alias LIMIT 1",
            params![of.model, of.version],
            |row| row.get(0),
        )
        .optional()
}

fn metrics(database: &Connection, of: &VersionRow) -> rusqlite::Result<Vec<MetricPoint>> {
    let mut statement = database.prepare(
        "SELECT m.key, m.value, m.is_nan, m.step, EXISTS (SELECT 1 FROM logged_model_metrics l \
         WHERE l.run_id = m.run_uuid AND l.model_id = ?2 AND l.metric_name = m.key AND l.metric_step = m.step) \
         FROM metrics m WHERE m.run_uuid = ?1 ORDER BY m.key, m.step",
    )?;
    let rows = statement.query_map([&of.run_id, &of.model_id], |row| {
        let (value, is_nan): (f64, bool) = (row.get(1)?, row.get(2)?);
        Ok(MetricPoint {
            key: row.get(0)?,
            value: if is_nan { f64::NAN } else { value },
            step: row.get(3)?,
            of_model: row.get(4)?,
        })
    })?;
    rows.collect()
}

fn dataset(database: &Connection, of: &VersionRow) -> rusqlite::Result<LoggedDataset> {
    database.query_row(
        "SELECT d.name, d.digest, d.dataset_source, coalesce(d.dataset_schema, ''), coalesce(d.dataset_profile, '') \
         FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id \
         WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?1",
        [&of.run_id],
        |row| {
            Ok(LoggedDataset {
                name: row.get(0)?,
                digest: row.get(1)?,
                source: row.get(2)?,
                schema: row.get(3)?,
                profile: row.get(4)?,
            })
        },
    )
}

/// The files below a place, without what Python keeps there.
fn files(store: &EmbeddedStore, place: &str) -> Result<Vec<(String, Vec<u8>)>, TaskError> {
    let directory = store.at(place);
    let unreadable =
        |error: &dyn std::fmt::Display| TaskError::new(format!("the artifacts in `{place}` cannot be read: {error}"));
    let mut found = Vec::new();
    let walk = walkdir::WalkDir::new(&directory).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.file_name() != "__pycache__") {
        let entry = entry.map_err(|error| unreadable(&error))?;
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(&directory).unwrap_or(entry.path());
            let bytes = fs::read(entry.path()).map_err(|error| unreadable(&error))?;
            found.push((below.to_string_lossy().into_owned(), bytes));
        }
    }
    Ok(found)
}
