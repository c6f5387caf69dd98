//! Artifacts, by the scheme of the place that the server names.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::api::Api;
use crate::engine::task::TaskError;

/// The route of a server that takes artifacts itself.
const ROUTE: &str = "api/2.0/mlflow-artifacts/artifacts";

/// Puts a file below the place of a run or a model of this id.
pub(super) fn put(api: &Api<'_>, artifact_uri: &str, id: &str, name: &str, bytes: &[u8]) -> Result<(), TaskError> {
    if let Some(path) = artifact_uri.strip_prefix("mlflow-artifacts:") {
        // `mlflow-artifacts://host:port/path` names the same server once more.
        let path = match path.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => path.trim_start_matches('/'),
        };
        return Ok(api.put(&[ROUTE, path.trim_end_matches('/'), name], bytes)?);
    }
    let directory = local(artifact_uri, id).filter(|_| api.http.is_here());
    match directory.filter(|directory| is_reachable(directory)) {
        Some(directory) => write(&directory.join(name), bytes),
        None => Err(TaskError::new(format!(
            "{} keeps artifacts at `{artifact_uri}`, where atsaf cannot put them",
            api.server()
        ))
        .note("atsaf puts them through the server, or into a directory of this machine")
        .help("start the server with `--serve-artifacts`, and make the experiment anew")
        .help("if it runs on this machine, make the directory for them first")),
    }
}

/// The directory that a URI names, if it is the run's or the model's own: what a server says leads nowhere else.
fn local(artifact_uri: &str, id: &str) -> Option<PathBuf> {
    let path = artifact_uri.strip_prefix("file://").unwrap_or(artifact_uri);
    let path = PathBuf::from(path);
    let is_plain = path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..");
    (is_plain && path.ends_with(Path::new(id).join("artifacts"))).then_some(path)
}

/// Whether the server's disk seems to be this machine's: more of the way is there than what stands on every machine,
/// such as `/srv`. The server may run in a container of it, with directories of its own.
fn is_reachable(directory: &Path) -> bool {
    let there = directory.ancestors().find(|above| above.is_dir());
    there.is_some_and(|there| there.components().count() > 2)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TaskError> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)
        .and_then(|()| File::create(path))
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| TaskError::new(format!("cannot write the artifact `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_which_only_the_first_part_is_there_may_be_in_a_container() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(is_reachable(&dir.path().join("artifacts/1/r1/artifacts")));
        for elsewhere in [
            "/no-such-directory/1/r1/artifacts",
            "/tmp/no-such-directory/1/r1/artifacts",
        ] {
            assert!(!is_reachable(Path::new(elsewhere)), "{elsewhere}");
        }
    }

    #[test]
    fn only_the_own_directory_of_a_run_is_local() {
        let found = |uri| local(uri, "r1").is_some();
        assert!(found("/srv/art/1/r1/artifacts"));
        assert!(found("file:///srv/art/1/r1/artifacts"));
        for uri in [
            "/srv/art/1/r2/artifacts",
            "/home/me/.ssh",
            "/srv/../r1/artifacts",
            "art/1/r1/artifacts",
            "s3://bucket/1/r1/artifacts",
            "file://other/srv/r1/artifacts",
        ] {
            assert!(!found(uri), "{uri}");
        }
    }
}
