//! What is at a path: of one, or of many from their open directory.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, statat};

use super::{PathState, identity, identity_of};
use crate::engine::tree::{is_absent, is_circle};
use crate::fast_map::FastMap;

/// With so many paths in it a directory is opened.
const MANY: usize = 16;

/// So many are open at most.
const MOST_OPEN: usize = 64;

pub(in crate::engine) fn look(path: &Path) -> PathState {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => PathState::File(identity(&metadata)),
        Ok(metadata) if metadata.is_dir() => PathState::Directory,
        Ok(_) => PathState::Other,
        Err(error) => nothing_at(&error),
    }
}

fn nothing_at(error: &io::Error) -> PathState {
    match is_absent(error) || is_circle(error) {
        true => PathState::Missing,
        false => PathState::Unreadable(error.kind()),
    }
}

/// Looks at many paths, each from an open directory, so that the way to it is gone once.
pub(in crate::engine) struct Looker<'a> {
    root: &'a Path,
    /// The directories of many of the paths, by their own paths.
    directories: FastMap<String, OwnedFd>,
}

impl<'a> Looker<'a> {
    /// In this directory, for these paths.
    pub(in crate::engine) fn at<'p>(root: &'a Path, paths: impl Iterator<Item = &'p str>) -> Self {
        let mut counts: FastMap<&str, usize> = FastMap::default();
        for (directory, _) in paths.filter_map(split) {
            *counts.entry(directory).or_default() += 1;
        }
        let open = |directory: &str| rustix::fs::open(root.join(directory), AS_DIRECTORY, Mode::empty()).ok();
        let many = counts.into_iter().filter(|(_, count)| *count >= MANY).take(MOST_OPEN);
        let directories = many.filter_map(|(directory, _)| Some((directory.to_owned(), open(directory)?)));
        Self {
            root,
            directories: directories.collect(),
        }
    }

    pub(in crate::engine) fn look(&self, path: &str) -> PathState {
        let opened = split(path).and_then(|(directory, name)| Some((self.directories.get(directory)?, name)));
        let Some((directory, name)) = opened else {
            return look(&self.root.join(path));
        };
        match statat(directory, name, AtFlags::empty()) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => PathState::File(identity_of(&stat)),
                FileType::Directory => PathState::Directory,
                _ => PathState::Other,
            },
            Err(error) => nothing_at(&error.into()),
        }
    }
}

/// Directory and name of a path in a directory that is not the root of the file system.
fn split(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/')
        .filter(|(directory, name)| !directory.is_empty() && !name.is_empty())
}

/// How a directory is opened from which names are looked at.
#[cfg(target_os = "linux")]
pub(in crate::engine) const AS_DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
pub(in crate::engine) const AS_DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_one_directory_are_looked_at_in_that_directory() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path();
        std::fs::create_dir_all(root.join("d/sub")).expect("made");
        std::os::unix::fs::symlink("d", root.join("link")).expect("linked");
        let names: Vec<String> = (0..MANY).map(|at| format!("atsaf-{at}")).collect();
        for name in &names {
            #[expect(clippy::disallowed_methods, reason = "a test's own file")]
            std::fs::write(root.join(name), "top").expect("written");
            #[expect(clippy::disallowed_methods, reason = "a test's own file")]
            std::fs::write(root.join("d").join(name), "below").expect("written");
        }
        let in_project = root.join("d").display().to_string();
        let directories = [
            "",
            "/",
            "d/",
            "./d/",
            "link/",
            "d/sub/",
            "d/sub/../",
            "nothing/",
            "//",
            &format!("{in_project}/"),
        ];
        let paths = directories
            .iter()
            .flat_map(|directory| names.iter().map(move |name| format!("{directory}{name}")));
        let paths: Vec<String> = paths.chain(["d/".to_owned(), "d".to_owned()]).collect();
        let looker = Looker::at(root, paths.iter().map(String::as_str));
        for path in &paths {
            assert_eq!(looker.look(path), look(&root.join(path)), "{path}");
        }
        assert_eq!(looker.look("/atsaf-0"), PathState::Missing);
    }
}
