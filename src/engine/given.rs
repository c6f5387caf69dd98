//! The files behind `{{inputs_file}}` and `{{params_file}}`, which hold what is too long for a command line, and that
//! behind `{{depfile}}`, in which a command lists what it has read.
//!
//! They lie at the same path in every run, so that a tool which writes its command line into its result writes the same
//! each time; the lock of the target keeps two attempts apart. They go with the attempt.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::command::{self, Fill};
use super::graph::{Graph, TargetId};
use super::plan::PlanContext;
use super::spec::{Command, Means, Piece, Target};
use super::store::{self, StoreError, own_file, private_key};

/// The files that one attempt of a command is given, as long as this is kept.
pub(crate) struct GivenFiles {
    paths: GivenPaths,
    /// Whether there may be any.
    is_any: bool,
    /// Whether Python programs note what they use.
    is_noted: bool,
}

/// Where they lie.
pub(crate) struct GivenPaths {
    pub(crate) dir: PathBuf,
    /// The list of inputs.
    pub(crate) inputs: PathBuf,
    /// The parameters.
    pub(crate) params: PathBuf,
    /// What the command has read.
    pub(crate) depfile: PathBuf,
    /// What strace has seen.
    pub(crate) trace: PathBuf,
    /// What Python programs of the command note, beside the directory: they make it.
    pub(crate) notes: PathBuf,
    /// What programs of a built-in task are given and write, beside the directory.
    pub(crate) programs: PathBuf,
}

impl GivenFiles {
    /// Where the files of a target lie; `root` is the project's directory.
    pub(crate) fn paths(root: &Path, target: &Target) -> GivenPaths {
        let given = root.join(store::DIRECTORY).join("given");
        GivenPaths::below(&given.join(private_key(&target.outputs)))
    }

    /// Where those of this attempt lie.
    pub(crate) fn own_paths(&self) -> &GivenPaths {
        &self.paths
    }

    /// Writes those that a command of a target asks for, or by which it is seen what it uses; takes away what an earlier
    /// one has left.
    pub(crate) fn write(
        context: PlanContext<'_>,
        id: TargetId,
        command: &Command,
        means: Option<Means>,
    ) -> Result<Self, StoreError> {
        let target = context.graph.target(id);
        let asks_for = |wanted| command::has(command, |piece| *piece == wanted);
        let is_filled = asks_for(Piece::InputsFile) || asks_for(Piece::ParamsFile);
        let is_listed = matches!(means, Some(Means::Depfile | Means::Trace));
        let given = Self {
            paths: Self::paths(context.files.root(), target),
            is_any: is_filled || is_listed,
            is_noted: means == Some(Means::Python),
        };
        if given.is_noted {
            store::remove(&given.paths.notes).map_err(StoreError::at(&given.paths.notes))?;
        }
        if is_listed {
            let dir = &given.paths.dir;
            let anew = store::remove(dir).and_then(|()| own_file::make_directory(dir));
            anew.map_err(StoreError::at(dir))?;
        }
        if is_filled {
            let dir = &given.paths.dir;
            let filled = own_file::make_directory(dir).and_then(|()| given.paths.fill(context.graph, id, command));
            filled.map_err(StoreError::at(dir))?;
        }
        Ok(given)
    }

    /// A path that cannot stand in the list of inputs, if the command asks for that.
    pub(crate) fn unlistable(graph: &Graph, id: TargetId, command: &Command) -> Option<String> {
        if !command::has(command, |piece| *piece == Piece::InputsFile) {
            return None;
        }
        let mut paths = command::declared_inputs(graph, id).into_iter().map(|(_, path)| path);
        paths.find(|path| path.contains('\n')).map(str::to_owned)
    }
}

impl GivenPaths {
    /// Those in a directory.
    pub(crate) fn below(dir: &Path) -> Self {
        Self {
            inputs: dir.join("inputs"),
            params: dir.join("params.json"),
            depfile: dir.join("depfile"),
            trace: dir.join("trace"),
            notes: dir.with_extension("notes"),
            programs: dir.with_extension("programs"),
            dir: dir.to_owned(),
        }
    }

    /// Writes those that a command asks for into the directory, which is there.
    pub(crate) fn fill(&self, graph: &Graph, id: TargetId, command: &Command) -> io::Result<()> {
        let put = |path: &Path, text: &str| own_file::create(path)?.write_all(text.as_bytes());
        if command::has(command, |piece| *piece == Piece::InputsFile) {
            let inputs = command::seen_inputs(graph, id, command);
            put(&self.inputs, &Fill::inputs_file(&inputs))?;
        }
        if command::has(command, |piece| *piece == Piece::ParamsFile) {
            put(&self.params, &command::params_file(&graph.target(id).params))?;
        }
        Ok(())
    }
}

impl Drop for GivenFiles {
    fn drop(&mut self) {
        if self.is_any {
            let _ = fs::remove_dir_all(&self.paths.dir);
        }
        if self.is_noted {
            let _ = fs::remove_file(&self.paths.notes);
        }
    }
}
