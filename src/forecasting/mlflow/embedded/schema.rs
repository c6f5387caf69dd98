//! MLflow's tables: made where there are none, else compared with those that atsaf knows.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::EmbeddedStore;
use crate::engine::task::TaskError;

/// The tables of MLflow 3.1.
const TABLES: &str = include_str!("schema.sql");

/// Those that atsaf writes to.
const WRITTEN: [&str; 18] = [
    "experiments",
    "runs",
    "params",
    "tags",
    "metrics",
    "latest_metrics",
    "datasets",
    "inputs",
    "input_tags",
    "logged_models",
    "logged_model_params",
    "logged_model_tags",
    "logged_model_metrics",
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
];

/// A column, and whether a row needs a value for it that the table does not give itself.
type ColumnNeeds = BTreeMap<String, bool>;

/// Makes the tables in an empty database; refuses one in which a row of ours would not be whole.
pub(super) fn make_or_check(connection: &Connection, store: &EmbeddedStore) -> Result<(), TaskError> {
    let failed = |error: rusqlite::Error| store.failed(&error);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master WHERE type = 'table'", [], |row| {
            row.get(0)
        })
        .map_err(failed)?;
    if tables == 0 {
        connection.execute_batch(TABLES).map_err(failed)?;
        let location = format!("{}/0", store.artifacts());
        connection
            .execute(
                "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, \
                 last_update_time) VALUES (0, 'Default', ?1, 'active', 0, 0)",
                [location],
            )
            .map_err(failed)?;
        return Ok(());
    }
    let known = Connection::open_in_memory().map_err(failed)?;
    known.execute_batch(TABLES).map_err(failed)?;
    for table in WRITTEN {
        let (ours, theirs) = (
            columns(&known, table).map_err(failed)?,
            columns(connection, table).map_err(failed)?,
        );
        if let Some(missing) = ours.keys().find(|name| !theirs.contains_key(*name)) {
            let what = format!("its table `{table}` has no column `{missing}`");
            return Err(unknown(store, &what));
        }
        let needs = |(name, is_needed): &(&String, &bool)| **is_needed && !ours.contains_key(*name);
        if let Some((name, _)) = theirs.iter().find(needs) {
            let what = format!("each row of its table `{table}` needs a value for `{name}`, which atsaf does not know");
            return Err(unknown(store, &what));
        }
    }
    Ok(())
}

fn unknown(store: &EmbeddedStore, what: &str) -> TaskError {
    let path = store.path.display();
    TaskError::new(format!("`{path}` is of a version of MLflow that atsaf does not know"))
        .note(what)
        .note("nothing was written to it")
        .help(format!(
            "start `mlflow server --backend-store-uri sqlite:///{path}` and set `MLFLOW_TRACKING_URI` to its address"
        ))
        .help("or name another database as `tracking_uri`")
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<ColumnNeeds> {
    let mut statement =
        connection.prepare("SELECT name, \"notnull\", dflt_value, pk, type FROM pragma_table_info(?1)")?;
    let column = |row: &rusqlite::Row<'_>| {
        let (name, is_required): (String, bool) = (row.get(0)?, row.get(1)?);
        let has_default = row.get::<_, Option<String>>(2)?.is_some();
        // A whole number that is the key gets the next one by itself.
        let is_row_id = row.get::<_, i64>(3)? == 1 && row.get::<_, String>(4)? == "INTEGER";
        Ok((name, is_required && !has_default && !is_row_id))
    };
    statement.query_map([table], column)?.collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn store() -> EmbeddedStore {
        EmbeddedStore {
            base: PathBuf::from("/p"),
            path: PathBuf::from("mlflow/mlflow.db"),
        }
    }

    #[test]
    fn tables_are_made_once_and_known_again() {
        let connection = Connection::open_in_memory().expect("a database");
        make_or_check(&connection, &store()).expect("made");
        make_or_check(&connection, &store()).expect("known");
        for harmless in [
            "ALTER TABLE runs ADD COLUMN later VARCHAR(10)",
            "ALTER TABLE model_versions ADD COLUMN workspace VARCHAR(10) DEFAULT 'default' NOT NULL",
            "CREATE TABLE of_a_later_version (a INTEGER NOT NULL)",
        ] {
            connection.execute_batch(harmless).expect("altered");
            make_or_check(&connection, &store()).expect(harmless);
        }
    }

    #[test]
    fn a_schema_that_atsaf_does_not_know_is_refused_with_the_way_out() {
        for (change, note) in [
            (
                "DROP TABLE model_version_tags; CREATE TABLE model_version_tags (key, value, name, version, x TEXT NOT NULL)",
                "each row of its table `model_version_tags` needs a value for `x`, which atsaf does not know",
            ),
            (
                "ALTER TABLE runs RENAME COLUMN artifact_uri TO location",
                "its table `runs` has no column `artifact_uri`",
            ),
            ("DROP TABLE params", "its table `params` has no column `key`"),
        ] {
            let connection = Connection::open_in_memory().expect("a database");
            connection.execute_batch(TABLES).expect("made");
            connection.execute_batch(change).expect("changed");
            let error = make_or_check(&connection, &store()).expect_err("refused");
            assert_eq!(error.notes[0], note);
            assert_eq!(
                error.help[0],
                "start `mlflow server --backend-store-uri sqlite:///mlflow/mlflow.db` and set `MLFLOW_TRACKING_URI` to its address"
            );
        }
    }
}
