//! `build --junit FILE`: what a build has done, for a CI's list of tests; written also where the build fails.

use std::io;
use std::path::{Path, PathBuf};

use super::free_place::{self, Taken};
use super::setup::Project;
use super::{CommandError, Session, small_file};
use crate::diagnostic::Diagnostic;
use crate::engine::files::Files;
use crate::engine::graph::{Graph, TargetId};
use crate::engine::spec::Spec;
use crate::engine::store;
use crate::fast_map::FastMap;
use crate::report::junit::is_own;
use crate::report::results::RunResults;

/// Most bytes of an earlier report.
const LARGEST: u64 = 64 << 20;

/// The file that is to be written, and may be.
pub(super) struct JunitFile {
    typed: String,
    place: PathBuf,
}

impl JunitFile {
    /// The file as it is named, unless what stands there is no such report.
    fn named(file: &Path, session: &Session) -> Result<Self, CommandError> {
        let start = session.common.directory.as_deref().unwrap_or(Path::new("."));
        let place = start.join(file);
        // A link stays, and what it leads to is replaced.
        let found = Self {
            typed: file.display().to_string(),
            place: free_place::whole(&place),
        };
        if found.place.is_symlink() {
            return Err(found.refused("is a link that leads to nothing"));
        }
        match small_file::read(&found.place, LARGEST) {
            Ok(bytes) if bytes.is_empty() || is_own(&bytes) => Ok(found),
            Ok(_) => Err(found.refused("is there, and is no report of `atsaf build`")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(found),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(found.refused("is there, and is no report of `atsaf build`"))
            }
            Err(error) => Err(found.unwritable(&error)),
        }
    }

    /// The file for the build of a project, of whose outputs it is none.
    pub(super) fn of(file: &Path, project: &Project, session: &Session) -> Result<Self, CommandError> {
        let found = Self::named(file, session)?;
        match free_place::taken(project, &found.place) {
            None => {}
            Some(Taken::Store) => return Err(found.refused("lies in the store")),
            Some(Taken::Output(_, output) | Taken::Above(output)) => {
                return Err(found.refused(&format!("is the artifact `{}`, or lies in it", output.name)));
            }
            Some(Taken::Source(reader)) => {
                return Err(found.refused(&format!("is read by the target `{reader}`")));
            }
        }
        if !found.place.parent().is_some_and(Path::is_dir) {
            return Err(found.unwritable(&io::ErrorKind::NotFound.into()));
        }
        Ok(found)
    }

    /// Writes the report of a build of `targets`; gives what came of the build, or of the writing.
    pub(super) fn write<T>(
        &self,
        graph: &Graph,
        heard: &RunResults,
        targets: &[TargetId],
        built: Result<T, CommandError>,
        session: &Session,
    ) -> Result<T, CommandError> {
        let wrong = built.as_ref().err().map(|failure| failure.diagnostics.as_slice());
        let masked = |text: &str| session.screen.masked(text);
        let text = heard.junit(graph, targets, wrong.unwrap_or_default(), &masked);
        match (small_file::replace(&self.place, text.as_bytes()), built) {
            (Ok(()), built) => built,
            (Err(error), Ok(_)) => {
                let mut failure = self.unwritable(&error);
                for diagnostic in &mut failure.diagnostics {
                    diagnostic.notes.push("the build itself is done".to_owned());
                }
                Err(failure)
            }
            (Err(error), Err(mut failure)) => {
                failure.diagnostics.extend(self.unwritable(&error).diagnostics);
                Err(failure)
            }
        }
    }

    fn refused(&self, why: &str) -> CommandError {
        CommandError::usage(
            Diagnostic::error(format!("the JUnit file `{}` {why}", self.typed))
                .note("nothing was run")
                .help("name another file with `--junit`"),
        )
    }

    fn unwritable(&self, error: &io::Error) -> CommandError {
        CommandError::usage(
            Diagnostic::error(format!("the JUnit file cannot be written to `{}`: {error}", self.typed))
                .help("name a file in a directory that is there and may be written to"),
        )
    }
}

/// Writes a report that says why nothing could be begun, as far as its file is a report's; gives the failure on.
pub(super) fn of_failure(file: Option<&Path>, failure: CommandError, session: &Session) -> CommandError {
    let Some(file) = file.and_then(|file| JunitFile::named(file, session).ok()) else {
        return failure;
    };
    if file.place.components().any(|part| part.as_os_str() == store::DIRECTORY) {
        return failure;
    }
    // No target is named.
    let Ok(graph) = Graph::new(Spec::default(), &Files::new(Path::new("."), FastMap::default())) else {
        return failure;
    };
    let built: Result<(), CommandError> = Err(failure.clone());
    let written = file.write(&graph, &RunResults::default(), &[], built, session);
    written.err().unwrap_or(failure)
}
