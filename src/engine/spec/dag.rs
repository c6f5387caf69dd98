//! What `[airflow]` says of the DAG that `atsaf export airflow` writes. Nothing in the engine reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The DAG of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dag {
    /// Its name in Airflow; none for the project's.
    pub id: Option<String>,
    /// A cron expression or a word such as `@daily`; none for a DAG that only runs when it is asked to.
    pub schedule: Option<String>,
    /// The day from which on it is scheduled, as `2024-01-01`.
    pub start_date: String,
    /// Who is shown as its owner.
    pub owner: String,
    /// Words under which it is found.
    pub tags: Vec<String>,
    /// The parameter that gets the date of a run.
    pub as_of: Option<String>,
    /// Where the project lies on the workers; none for where it lies when the file is written.
    pub project: Option<String>,
    /// The connection of Airflow whose password is the value of a secret, by the secret's name.
    pub connections: BTreeMap<String, String>,
}

impl Default for Dag {
    fn default() -> Self {
        Self {
            id: None,
            schedule: Some("0 6 * * *".to_owned()),
            start_date: "2020-01-01".to_owned(),
            owner: "atsaf".to_owned(),
            tags: vec!["atsaf".to_owned()],
            as_of: None,
            project: None,
            connections: BTreeMap::new(),
        }
    }
}
