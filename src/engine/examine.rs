//! What an attempt wrote: examined after a success, kept to be read after a failure.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::attempt::Attempt;
use super::attempt_error::AttemptError;
use super::cause::{self, Traces};
use super::event::{Advice, Event, Failure, Notice};
use super::secrets_given::SecretsGiven;
use super::spec::{Action, ArtifactKind, Output, Target};
use super::store::Private;
use super::store::{Staged, move_file, remove};
use super::tree::is_absent;

impl Attempt<'_> {
    /// Looks at what was written: every output is there, and of its kind; says what lies beside them.
    pub(super) fn examine(
        &self,
        target: &Target,
        private: &Private,
        traces: &Traces,
    ) -> Result<Vec<Staged>, AttemptError> {
        let (mut wrong, mut advice, mut help) = (Vec::new(), Vec::new(), Vec::new());
        for (output, path) in target.outputs.iter().zip(&private.paths) {
            let found = fs::symlink_metadata(path);
            let name = &output.path;
            let trouble = match (&found, output.kind) {
                _ if private.is_behind_link(path) => {
                    format!("the directory in which `{name}` was to be written was replaced by a link")
                }
                (Err(error), _) if !is_absent(error) => {
                    help.push(LEAVE_READABLE.to_owned());
                    format!(
                        "`{name}` cannot be looked at where it was to be written: {}",
                        error.kind()
                    )
                }
                (Err(_), _) => {
                    let is_command = matches!(target.action, Action::Command(_));
                    advice.extend(is_command.then(|| self.not_written(target, output, traces)));
                    format!("`{name}` was not written")
                }
                (Ok(it), kind) if it.is_symlink() => {
                    let what = match kind {
                        ArtifactKind::File => "file",
                        ArtifactKind::Directory => "directory",
                    };
                    help.push(format!(
                        "write the {what} itself, as `cp -RL` does; links may stand in a directory that is an output"
                    ));
                    format!("`{name}` is a link, not the {what} itself")
                }
                (Ok(it), ArtifactKind::File) if !it.is_file() => {
                    help.push(match it.is_dir() {
                        true => format!("if it is meant to be a directory, write `{name}/` in the Atsaffile"),
                        false => "write a regular file: a pipe, a socket or a device holds nothing to keep".to_owned(),
                    });
                    format!("`{name}` is not a file")
                }
                (Ok(it), ArtifactKind::Directory) if !it.is_dir() => {
                    help.push(format!(
                        "if it is meant to be a file, write `{name}` without a `/` behind it in the Atsaffile"
                    ));
                    format!("`{name}` is not a directory, as its path in the Atsaffile says")
                }
                _ => continue,
            };
            wrong.push(trouble);
        }
        if !wrong.is_empty() {
            return Err(AttemptError::Failed(Box::new(Failure {
                what: wrong.join("; "),
                advice,
                help,
                ..Failure::default()
            })));
        }
        self.refuse_secrets(target, private)?;
        let stamp = matches!(target.action, Action::Builtin { .. });
        let mut staged = Vec::with_capacity(target.outputs.len());
        for (output, path) in target.outputs.iter().zip(&private.paths) {
            let one = Staged::examine(output, path.clone(), stamp);
            staged.push(one.map_err(|error| unreadable(output, &error))?);
        }
        if !stamp && !target.settings.direct {
            self.notice(target, private);
        }
        Ok(staged)
    }

    /// Fails where an output holds a secret that the target got; a file is left in its place if nothing stands there.
    fn refuse_secrets(&self, target: &Target, private: &Private) -> Result<(), AttemptError> {
        let secrets = SecretsGiven::to(target, &self.options.secrets);
        for (output, path) in target.outputs.iter().zip(&private.paths) {
            let found = secrets.find_in(path).map_err(|error| unreadable(output, &error))?;
            if let Some(found) = found {
                // Where it cannot be left, it is gone: the message says which.
                let is_left = self.context.store.leave_refused(output, path, self.context.files);
                let failure = found.failure(target, output, is_left.unwrap_or(false));
                return Err(AttemptError::Failed(Box::new(failure)));
            }
        }
        Ok(())
    }

    fn not_written(&self, target: &Target, output: &Output, traces: &Traces) -> Advice {
        let hole = match target.outputs.len() {
            1 => "{{output}}".to_owned(),
            _ => format!("{{{{output.{}}}}}", output.name),
        };
        Advice::NotWritten {
            path: output.path.to_string(),
            hole,
            instead: traces.written(output, self.context.files.root()),
            direct: target.settings.direct,
        }
    }

    /// Says what a command wrote beside its outputs, and in which of them the path of the private directory stands.
    fn notice(&self, target: &Target, private: &Private) {
        let observe = |notice| {
            let target = self.target;
            self.observer.observe(&Event::Noticed { target, notice });
        };
        let beside = private.beside();
        if let Some(first) = beside.first() {
            let likeness = |output: &&Output| {
                first
                    .bytes()
                    .zip(output.path.bytes())
                    .take_while(|(a, b)| a == b)
                    .count()
            };
            let output = target.outputs.iter().max_by_key(likeness);
            observe(Notice::WrittenBeside {
                output: output.map(|output| output.path.to_string()).unwrap_or_default(),
                paths: beside,
            });
        }
        let root = self.context.files.root();
        for dir in &private.dirs {
            let staging = dir.strip_prefix(root).unwrap_or(dir).to_string_lossy().into_owned();
            for (output, path) in target.outputs.iter().zip(&private.paths) {
                if cause::stands_in(&staging, path) {
                    let (artifact, staging) = (output.path.clone(), staging.clone());
                    observe(Notice::StagingPathInside {
                        artifact: artifact.to_string(),
                        staging,
                    });
                }
            }
        }
        let directories = target.outputs.iter().zip(&private.paths);
        for (output, path) in directories.filter(|(output, _)| output.kind == ArtifactKind::Directory) {
            if let Some((link, leads)) = lost_link(path, root, &output.path) {
                let link = format!("{}/{link}", output.path);
                observe(Notice::LinkLost { link, leads });
            }
        }
    }
}

/// What to do about what a command took the permission away to read.
const LEAVE_READABLE: &str = "let the command leave its outputs, and the directories in which they lie, as such that their \
                              owner may read: `chmod -R u+rX`";

/// The failure of a target that wrote what cannot be read.
fn unreadable(output: &Output, error: &io::Error) -> AttemptError {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
    AttemptError::Failed(Box::new(Failure {
        what: format!("`{}` cannot be read: {error}", output.path),
        help: is_denied.then(|| LEAVE_READABLE.to_owned()).into_iter().collect(),
        ..Failure::default()
    }))
}

/// A relative link in what was written, and its text, that leads to something from there and to nothing from the place.
fn lost_link(written: &Path, root: &Path, path: &str) -> Option<(String, String)> {
    let place = root.join(path);
    let parent = place.parent().and_then(|parent| parent.canonicalize().ok());
    let place = match parent {
        Some(parent) => parent.join(place.file_name()?),
        None => root.canonicalize().ok()?.join(path),
    };
    let written = &written.canonicalize().ok()?;
    let walk = walkdir::WalkDir::new(written).min_depth(1).sort_by_file_name();
    let links = walk.into_iter().flatten().filter(walkdir::DirEntry::path_is_symlink);
    links.into_iter().find_map(|entry| {
        let text = fs::read_link(entry.path()).ok().filter(|text| text.is_relative())?;
        let below = entry.path().strip_prefix(written).ok()?;
        let leads_from = |directory: &Path| lexical(&directory.join(below.parent()?).join(&text));
        let here = leads_from(written)?;
        let is_lost =
            !here.starts_with(written) && here.exists() && !leads_from(&place).is_some_and(|there| there.exists());
        is_lost.then(|| (below.display().to_string(), text.display().to_string()))
    })
}

/// A path without `..`, as it is where no link is on the way; `None` if it leads above where it begins.
fn lexical(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            Component::ParentDir => return None,
            part => plain.push(part),
        }
    }
    Some(plain)
}

/// Keeps what a failed attempt wrote, to be read, save what holds a secret; says whether there was anything.
pub(super) fn keep(private: &Private, to: &Path, secrets: &SecretsGiven<'_>) -> bool {
    let mut kept = false;
    let keep_one = |from: &Path, to: &Path| match secrets.find_in(from) {
        Ok(None) => keep_one(from, to).is_ok(),
        _ => false,
    };
    for (output, dir) in private
        .paths
        .iter()
        .flat_map(|path| private.dirs.iter().map(move |dir| (path, dir)))
    {
        let Ok(below) = output.strip_prefix(dir) else { continue };
        let empty = fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_none());
        if empty || private.is_behind_link(output) || fs::symlink_metadata(output).is_err() {
            continue;
        }
        kept |= keep_one(output, &to.join(below));
    }
    for (dir, path) in private
        .dirs
        .iter()
        .flat_map(|dir| private.beside().into_iter().map(move |path| (dir, path)))
    {
        kept |= dir.join(&path).exists() && keep_one(&dir.join(&path), &to.join(&path));
    }
    kept
}

fn keep_one(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    remove(to)?;
    move_file(from, to)
}
