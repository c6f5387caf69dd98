//! Looks at what one attempt uses, from before its command starts until after it has ended.

use std::path::{Component, Path, PathBuf};

use super::beginning::Beginning;
use super::{Found, Observed, depfile, python, trace};
use crate::engine::event::Failure;
use crate::engine::given::GivenPaths;
use crate::engine::spec::Means;
use crate::engine::store::own_file;

/// An observation in progress.
pub(crate) struct Observation<'a> {
    means: Means,
    begun: Beginning,
    given: &'a GivenPaths,
    root: &'a Path,
    /// Where the command runs.
    dir: &'a Path,
}

impl<'a> Observation<'a> {
    /// Begins to look, by the means that a target says; `None` if it says that nobody is to.
    pub(crate) fn begin(means: Option<Means>, given: &'a GivenPaths, root: &'a Path, dir: &'a Path) -> Option<Self> {
        let means = means?;
        Some(Self {
            begun: match means {
                Means::Depfile | Means::Trace => Beginning::now(&given.dir),
                // Each file tells what stood there when it was read.
                Means::Python => Beginning::by_own_clock(),
            },
            means,
            given,
            root,
            dir,
        })
    }

    /// What was seen until now.
    ///
    /// # Errors
    /// Why nothing can be said.
    pub(crate) fn end(self) -> Result<Observed, Box<Failure>> {
        let mut observed = Observed::new(self.means, self.begun);
        let root = || ProjectRoot::of(self.root);
        match self.means {
            Means::Depfile => {
                let text = read_depfile(&self.given.depfile)?;
                let root = root();
                let listed = depfile::prerequisites(&text);
                let listed = listed.ok_or_else(|| depfile_failure("no rule stands in `{{depfile}}`".to_owned()))?;
                for path in listed {
                    if let Some(path) = root.below(&self.dir.join(&path)) {
                        observed.read(path, Found::SomeTime);
                    }
                }
            }
            Means::Trace => {
                let bytes = own_file::read(&self.given.trace).unwrap_or_default();
                let traced = trace::read(&String::from_utf8_lossy(&bytes), &root(), self.dir, &mut observed);
                traced.ok_or_else(trace::nothing_traced)?;
            }
            Means::Python => python::read(&self.given.notes, &root, &mut observed)
                .map_err(|error| Failure::of(format!("what it used cannot be read: {error}")))?,
        }
        Ok(observed)
    }
}

/// What the command wrote to `{{depfile}}`.
fn read_depfile(path: &Path) -> Result<String, Box<Failure>> {
    let bytes = own_file::read(path).map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "it did not write `{{depfile}}`".to_owned(),
            _ => format!("`{{{{depfile}}}}` cannot be read: {error}"),
        };
        depfile_failure(what)
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn depfile_failure(what: String) -> Box<Failure> {
    let mut failure = Failure::of(what);
    let help = "let the command list there what it has read, in make's format (`target: file file`), or remove \
                `discover = \"depfile\"`";
    failure.help.push(help.to_owned());
    Box::new(failure)
}

/// The project's directory, by the path that it was given and by that without links.
pub(super) struct ProjectRoot {
    given: PathBuf,
    real: PathBuf,
}

impl ProjectRoot {
    pub(super) fn of(root: &Path) -> Self {
        let given = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        Self {
            real: root.canonicalize().unwrap_or_else(|_| given.clone()),
            given: plain(&given),
        }
    }

    /// A directory of the project, relative to it with a `/` at its end.
    pub(super) fn directory(&self, path: &Path) -> Option<String> {
        match self.below(path) {
            Some(below) => Some(format!("{below}/")),
            None => (plain(path) == self.real).then(|| "./".to_owned()),
        }
    }

    /// The path of something that may lie elsewhere: relative if it lies in the project.
    pub(super) fn anywhere(&self, path: &Path) -> String {
        self.below(path).unwrap_or_else(|| path.to_string_lossy().into_owned())
    }

    /// A path of the project relative to it; relative ones count from it. `None` if it lies elsewhere.
    pub(super) fn below(&self, path: &Path) -> Option<String> {
        let path = plain(&self.real.join(path));
        let below = [&self.real, &self.given]
            .into_iter()
            .find_map(|root| path.strip_prefix(root).ok())?;
        below.to_str().filter(|it| !it.is_empty()).map(str::to_owned)
    }
}

/// A path without `.` and `..`; only its text is looked at.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}
