//! The project as a git commit has it: taken out into a directory that goes with the command.
//!
//! What git does not hold is there as it is today, by links: data that is kept out of git, and what targets make. git
//! itself is asked, so that its filters and line ends hold; its index, its work tree and its hooks are left alone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::cli::read_atsaffile;
use crate::cli::setup::{self, OtherAtsaffile, Project};
use crate::cli::{CommandError, Session, past};
use crate::diagnostic::Diagnostic;
use crate::engine::files::Files;
use crate::engine::graph::Graph;
use crate::engine::store;
use crate::fast_map::FastMap;

/// Variables under which git would look at another repository, as they are set in hooks.
const REPOSITORY: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];
/// So many digits of a commit's id are shown.
const SHORT: usize = 8;

/// The project as a commit has it.
pub(super) struct Commit {
    /// The commit's whole id.
    pub(super) id: String,
    /// What its Atsaffile says.
    pub(super) graph: Graph,
    /// Its files, and today's that git does not hold.
    pub(super) files: Files,
    /// The links that lead to what git does not hold.
    pub(super) links: BTreeSet<PathBuf>,
    /// The directory of its files, which git has written.
    root: PathBuf,
    /// The directory of all this, which goes with it.
    _holder: TempDir,
}

impl Commit {
    /// The project as the commit that `rev` names has it.
    ///
    /// # Errors
    /// [`CommandError`] where there is no repository, no such commit, or none with a sound Atsaffile.
    pub(super) fn of(rev: &str, project: &Project, session: &Session) -> Result<Self, CommandError> {
        let (here, holder) = (project.files.root(), past::own_room("atsaf-"));
        let holder = holder.map_err(|error| not_taken_out(rev, &error.to_string()))?;
        let repository = Repository::around(here)?;
        let id = repository.commit(rev)?;
        let root = repository
            .take_out(&id, holder.path())
            .map_err(|why| not_taken_out(rev, &why))?;
        let tracked = repository.tracked().map_err(|why| not_taken_out(rev, &why))?;
        let mut rest = Rest {
            today: &here.canonicalize().unwrap_or_else(|_| here.to_owned()),
            then: &root,
            tracked: &tracked,
            links: BTreeSet::new(),
        };
        rest.link_below(Path::new(""))
            .map_err(|error| not_taken_out(rev, &error.to_string()))?;
        let links = rest.links;
        let file = root.join(project.file.file_name().unwrap_or_default());
        let short = short(&id);
        if !is_regular(&file) {
            let name = project.file.file_name().unwrap_or_default().display();
            return Err(CommandError::usage(
                Diagnostic::error(format!("commit {short} has no `{name}`"))
                    .help(format!("`git log -- {name}` shows the commits that changed it")),
            ));
        }
        let (name, text) = read_atsaffile::read(&file)?;
        let name = Path::new(&name).file_name().unwrap_or_default().display();
        let other = OtherAtsaffile {
            root: &root,
            name: &format!("{short}:{name}"),
            text,
            set: &[],
        };
        let graph = setup::other_graph(other, project, session)?;
        Ok(Self {
            files: Files::new(&root, FastMap::default()).with_stand_ins(links.clone()),
            graph,
            links,
            root,
            id,
            _holder: holder,
        })
    }

    /// The first digits of its id.
    pub(super) fn short(&self) -> &str {
        short(&self.id)
    }

    /// The place of a file that the commit itself holds.
    pub(super) fn own_file(&self, path: &str) -> Option<PathBuf> {
        let place = self.root.join(path);
        let real = place.canonicalize().ok()?;
        let is_own = self.root.canonicalize().is_ok_and(|root| real.starts_with(root));
        (is_own && is_regular(&real)).then_some(place)
    }
}

fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

fn is_regular(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn not_taken_out(rev: &str, why: &str) -> CommandError {
    CommandError::usage(
        Diagnostic::error(format!("the files of `{rev}` cannot be taken out of git: {why}"))
            .note("they go into a temporary directory, and your own are left alone")
            .help("see whether there is room, and whether `git checkout` works here"),
    )
}

/// The repository around a project.
struct Repository<'a> {
    here: &'a Path,
    directory: PathBuf,
    /// The project's directory in the work tree, with a slash at its end; empty for the work tree itself.
    prefix: PathBuf,
}

impl<'a> Repository<'a> {
    fn around(here: &'a Path) -> Result<Self, CommandError> {
        let told = git(here, ["rev-parse", "--absolute-git-dir", "--show-prefix"]).map_err(|why| {
            CommandError::usage(
                Diagnostic::error(format!("git knows no repository here: {why}"))
                    .help("without git, compare with a run: `atsaf log` shows them"),
            )
        })?;
        let mut lines = told.split(|byte| *byte == b'\n').map(path_of);
        Ok(Self {
            here,
            directory: lines.next().unwrap_or_default(),
            prefix: lines.next().unwrap_or_default(),
        })
    }

    /// The id of a commit.
    fn commit(&self, rev: &str) -> Result<String, CommandError> {
        let asked = format!("{rev}^{{commit}}");
        let told = match rev.starts_with('-') || rev.contains(['\n', '\0']) {
            true => Err(String::new()),
            false => git(self.here, ["rev-parse", "--verify", "--quiet", &asked]),
        };
        let told = told.ok().and_then(|told| String::from_utf8(told).ok());
        told.map(|id| id.trim().to_owned()).ok_or_else(|| {
            CommandError::usage(
                Diagnostic::error(format!("git knows no commit `{rev}`"))
                    .help("`git log --oneline` shows them; a branch, a tag or `HEAD~1` is a name as well"),
            )
        })
    }

    /// Writes the project's files of a commit into a directory, and gives the project's own directory in it.
    fn take_out(&self, commit: &str, into: &Path) -> Result<PathBuf, String> {
        let tree = into.join("tree");
        let root = tree.join(&self.prefix);
        fs::create_dir_all(&root).map_err(|error| error.to_string())?;
        let mut command = Command::new("git");
        command
            .arg("--git-dir")
            .arg(&self.directory)
            .arg("--work-tree")
            .arg(&tree)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"])
            // What these would write is the repository's own.
            .args(["-c", "submodule.recurse=false", "-c", "core.splitIndex=false"])
            .args([
                "checkout",
                "--no-recurse-submodules",
                "--quiet",
                "--force",
                "--ignore-skip-worktree-bits",
                commit,
                "--",
                ".",
            ])
            .current_dir(&root);
        for name in REPOSITORY {
            command.env_remove(name);
        }
        command.env("GIT_INDEX_FILE", into.join("index"));
        match answer(&mut command) {
            // The commit holds nothing of the project: so it has no Atsaffile, which is told by its reader.
            Err(why) if why.contains("did not match any file") => Ok(root),
            done => done.map(|_| root),
        }
    }

    /// The project's files that git holds today.
    fn tracked(&self) -> Result<BTreeSet<PathBuf>, String> {
        let told = git(self.here, ["ls-files", "-z"])?;
        let paths = told.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(path_of).collect())
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn git<const N: usize>(here: &Path, args: [&str; N]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command
        .args(["-c", "core.fsmonitor=false"])
        .args(args)
        .current_dir(here);
    for name in REPOSITORY {
        command.env_remove(name);
    }
    answer(&mut command)
}

/// What git prints, or the last line of what it has to say against it.
fn answer(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("`git`: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(last
        .trim_start_matches("fatal: ")
        .trim_start_matches("error: ")
        .to_owned())
}

/// What of today's files is added to those of a commit.
struct Rest<'a> {
    today: &'a Path,
    then: &'a Path,
    tracked: &'a BTreeSet<PathBuf>,
    /// The links that were made.
    links: BTreeSet<PathBuf>,
}

impl Rest<'_> {
    /// Links all that git does not hold and the commit has not, below a directory of the project.
    fn link_below(&mut self, below: &Path) -> io::Result<()> {
        for entry in fs::read_dir(self.today.join(below))? {
            let entry = entry?;
            let (name, path) = (entry.file_name(), below.join(entry.file_name()));
            if name == ".git" || path == Path::new(store::DIRECTORY) {
                continue;
            }
            let is_directory = entry.file_type()?.is_dir();
            let place = self.then.join(&path);
            let there = place.symlink_metadata().ok();
            let holds_tracked = self.is_tracked(&path);
            // Through a link of the commit nothing is written, nor below what was a file then.
            let may_be_entered = there.as_ref().map_or(holds_tracked, std::fs::Metadata::is_dir);
            if is_directory && may_be_entered {
                self.link_below(&path)?;
            } else if there.is_none() && !holds_tracked {
                fs::create_dir_all(place.parent().unwrap_or(self.then))?;
                symlink(entry.path(), place)?;
                self.links.insert(path);
            }
        }
        Ok(())
    }

    /// Whether git holds a file today, or one in a directory.
    fn is_tracked(&self, path: &Path) -> bool {
        let from = (Bound::Included(path), Bound::Unbounded);
        let next = self.tracked.range::<Path, _>(from).next();
        next.is_some_and(|next| next.starts_with(path))
    }
}
