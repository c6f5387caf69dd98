//! Where to register, by the tracking URI.

use std::path::{Path, PathBuf};

use super::embedded::EmbeddedStore;
use crate::engine::spec::uri::is_url;
use crate::engine::task::TaskError;

/// Where registrations are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the server at this address.
    Server(String),
    /// In a database of this machine.
    Embedded(EmbeddedStore),
}

impl Place {
    /// What a tracking URI means for the project in a directory.
    ///
    /// # Errors
    /// [`TaskError`] for one that means neither a server nor a database file.
    pub(crate) fn of(uri: &str, project: &Path) -> Result<Self, TaskError> {
        if is_url(uri) {
            return Ok(Self::Server(uri.trim_end_matches('/').to_owned()));
        }
        let Some(path) = uri.strip_prefix("sqlite:///") else {
            return Err(TaskError::new(format!(
                "`tracking_uri` is `{uri}`, which is neither a server nor a database of SQLite"
            ))
            .help(
                "name a server, as `http://localhost:5000`, or a file in the project, as `sqlite:///mlflow/mlflow.db`",
            )
            .help("for any other store start `mlflow server` on it, and name that"));
        };
        let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
        if path.is_empty() || !parameters.is_empty() || path.split('/').any(|part| part == "..") {
            return Err(
                TaskError::new(format!("`tracking_uri` is `{uri}`, which names no database file")).help(
                    "write `sqlite:///mlflow/mlflow.db`: a path in the project, without parameters and without `..`",
                ),
            );
        }
        let path = PathBuf::from(path);
        Ok(Self::Embedded(EmbeddedStore {
            base: match path.is_absolute() {
                true => PathBuf::from("/"),
                false => project.to_owned(),
            },
            path,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_means_a_server_or_a_file() {
        let place = |uri| Place::of(uri, Path::new("/p"));
        let server = Place::Server("http://h:5000/x".to_owned());
        assert_eq!(place("http://h:5000/x/"), Ok(server));
        let Ok(Place::Embedded(store)) = place("sqlite:///mlflow/mlflow.db") else {
            panic!("a store")
        };
        assert_eq!(store.file(), Path::new("/p/mlflow/mlflow.db"));
        assert_eq!(store.artifacts(), "mlflow/artifacts");
        let Ok(Place::Embedded(store)) = place("sqlite:////srv/m.db") else {
            panic!("a store")
        };
        assert_eq!(store.file(), Path::new("/srv/m.db"));
        assert_eq!(store.artifacts(), "/srv/artifacts");
        for uri in [
            "databricks://x",
            "file:///mlruns",
            "sqlite://x.db",
            "sqlite:///",
            "sqlite:///../x.db",
            "sqlite:///x.db?mode=ro",
        ] {
            assert!(place(uri).is_err(), "{uri}");
        }
    }
}
