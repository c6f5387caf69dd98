//! The files behind `{{inputs_file}}` and `{{params_file}}`: what is too long for a command line.
//!
//! They lie at the same path in every run, so that a tool which writes its command line into its result writes the same
//! each time; the lock of the target keeps two attempts apart. They go with the attempt.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::command::{self, Fill};
use super::spec::{Command, Piece, Target};
use super::store::{self, StoreError};

/// The files that one attempt of a command is given.
pub(crate) struct GivenFiles {
    dir: PathBuf,
    inputs: PathBuf,
    params: PathBuf,
}

impl GivenFiles {
    /// Writes those that the command asks for; `root` is the project's directory.
    pub(crate) fn write(
        root: &Path,
        target: &Target,
        command: &Command,
        inputs: &[(&str, &str)],
    ) -> Result<Self, StoreError> {
        let dir = root.join(store::DIRECTORY).join("given").join(&target.name);
        let given = Self {
            inputs: dir.join("inputs"),
            params: dir.join("params.json"),
            dir,
        };
        if command::has(command, |piece| *piece == Piece::InputsFile) {
            given.put(&given.inputs, &Fill::inputs_file(inputs))?;
        }
        if command::has(command, |piece| *piece == Piece::ParamsFile) {
            given.put(&given.params, &command::params_file(&target.params))?;
        }
        Ok(given)
    }

    fn put(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.dir)?;
            File::create(path)?.write_all(text.as_bytes())
        };
        write().map_err(StoreError::at(path))
    }

    /// The path of the list of inputs.
    pub(crate) fn inputs(&self) -> &Path {
        &self.inputs
    }

    /// The path of the parameters.
    pub(crate) fn params(&self) -> &Path {
        &self.params
    }
}

impl Drop for GivenFiles {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}
