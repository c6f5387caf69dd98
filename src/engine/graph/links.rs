//! Where paths lead through links of the project: an artifact that is reached through a link is that artifact.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::engine::lookups::Lookups;
use crate::fast_map::FastMap;

/// So many links may follow each other; the kernel allows as many.
const LIMIT: u32 = 40;

/// Where paths lead; each directory and path is asked once.
pub(super) struct Links {
    root: PathBuf,
    directories: FastMap<String, Directory>,
    paths: FastMap<String, Leads>,
    /// Where it was looked.
    pub(super) lookups: Lookups,
}

/// Where a directory is.
#[derive(Clone)]
struct Directory {
    real: PathBuf,
    /// Whether no link is on the way to it.
    is_plain: bool,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To itself: no link is in it.
    Nowhere,
    /// To another path of the project.
    Inside(String),
    /// Out of the project.
    Outside(String),
}

impl Links {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
            directories: FastMap::default(),
            paths: FastMap::default(),
            lookups: Lookups::default(),
        }
    }

    /// Where a path leads, whether anything is there or not.
    pub(super) fn lead(&mut self, path: &str) -> Leads {
        if let Some(known) = self.paths.get(path) {
            return known.clone();
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.directory(parent, path.starts_with('/')).clone();
        let is_plain = directory.is_plain && name != ".." && std::fs::read_link(directory.real.join(name)).is_err();
        let leads = if is_plain {
            self.looked_in(&directory.real);
            Leads::Nowhere
        } else {
            let real = self.resolve(directory.real, Path::new(name));
            self.told(path, &real)
        };
        self.paths.insert(path.to_owned(), leads.clone());
        leads
    }

    /// Where a path leads that is no link itself.
    pub(super) fn lead_of_parent(&mut self, path: &str) -> Leads {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.directory(parent, path.starts_with('/'));
        if directory.is_plain {
            return Leads::Nowhere;
        }
        let real = directory.real.join(name);
        self.told(path, &real)
    }

    fn directory(&mut self, parent: &str, is_absolute: bool) -> &Directory {
        if !self.directories.contains_key(parent) {
            let start = match is_absolute {
                true => Path::new("/"),
                false => &self.root,
            };
            let below = Path::new(parent.trim_start_matches('/'));
            let start = start.to_owned();
            let real = self.resolve(start.clone(), below);
            let is_plain = !is_absolute && real == start.join(below);
            self.directories.insert(parent.to_owned(), Directory { real, is_plain });
        }
        &self.directories[parent]
    }

    fn told(&self, path: &str, real: &Path) -> Leads {
        match real.strip_prefix(&self.root) {
            Ok(below) if below == Path::new(path) => Leads::Nowhere,
            Ok(below) => Leads::Inside(below.to_string_lossy().into_owned()),
            Err(_) if real == Path::new(path) => Leads::Nowhere,
            Err(_) => Leads::Outside(real.to_string_lossy().into_owned()),
        }
    }

    /// The first part of a path that is a link and leads to no directory.
    pub(super) fn dangling<'p>(&self, path: &'p str) -> Option<&'p str> {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let mut parts = ends.map(|end| &path[..end]);
        parts.find(|part| {
            let at = self.root.join(part);
            at.is_symlink() && !at.is_dir()
        })
    }

    /// Follows the links of a path below a directory that has none in it; what is not there is taken as it is written.
    fn resolve(&mut self, start: PathBuf, path: &Path) -> PathBuf {
        let mut real = start;
        let mut open: VecDeque<OsString> = path.components().map(|part| part.as_os_str().to_owned()).collect();
        let mut left = LIMIT;
        while let Some(name) = open.pop_front() {
            match Path::new(&name).components().next() {
                Some(Component::ParentDir) => drop(real.pop()),
                Some(Component::RootDir) => real = PathBuf::from("/"),
                Some(Component::Normal(name)) => {
                    self.looked_in(&real);
                    real.push(name);
                    if left > 0
                        && let Ok(text) = std::fs::read_link(&real)
                    {
                        left -= 1;
                        real.pop();
                        for part in text.components().rev() {
                            open.push_front(part.as_os_str().to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        real
    }

    /// Notes that a name was looked up in a directory in whose path no link is.
    fn looked_in(&mut self, real: &Path) {
        self.lookups.directory(real.strip_prefix(&self.root).unwrap_or(real));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_leads_through_links_whether_anything_is_there_or_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("project");
        std::fs::create_dir_all(root.join("real/sub")).expect("made");
        symlink("real", root.join("link")).expect("linked");
        symlink("link/sub", root.join("chain")).expect("linked");
        symlink("runs/1", root.join("latest")).expect("linked");
        symlink("../scratch", root.join("results")).expect("linked");
        symlink("loop", root.join("loop")).expect("linked");
        let mut links = Links::new(&root);
        let inside = |path: &str| Leads::Inside(path.to_owned());
        assert_eq!(links.lead("real/sub/x"), Leads::Nowhere);
        assert_eq!(links.lead("link/x"), inside("real/x"));
        assert_eq!(links.lead("chain/x"), inside("real/sub/x"));
        assert_eq!(links.lead("latest/x"), inside("runs/1/x"));
        assert_eq!(links.lead("link"), inside("real"));
        assert_eq!(links.lead_of_parent("link"), Leads::Nowhere);
        let scratch = dir.path().canonicalize().expect("there").join("scratch/x");
        assert_eq!(links.lead("results/x"), Leads::Outside(scratch.display().to_string()));
        assert_eq!(links.dangling("results/x"), Some("results"));
        assert_eq!(links.dangling("link/x"), None);
        // Ends, at whatever.
        links.lead("loop/x");
    }
}
