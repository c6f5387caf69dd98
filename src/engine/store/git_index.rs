//! Whether git tracks a directory, by git's own index. The program is not asked: in a repository of a stranger, its
//! configuration may make it run anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A larger index is not looked at.
const LIMIT: u64 = 1 << 30;

/// Those of some paths of a project that the repository around it tracks, or in which it tracks something.
pub(super) fn tracked<'p>(root: &Path, paths: &[&'p str]) -> BTreeSet<&'p str> {
    let Ok(root) = root.canonicalize() else {
        return BTreeSet::new();
    };
    let Some((top, git)) = root
        .ancestors()
        .find_map(|top| Some((top, repository(&top.join(".git"))?)))
    else {
        return BTreeSet::new();
    };
    let project = root.strip_prefix(top).unwrap_or(&root);
    let full = |path: &&'p str| (project.join(path).into_os_string().into_encoded_bytes(), *path);
    let wanted: BTreeMap<Vec<u8>, &str> = paths.iter().map(full).collect();
    // Of an index that is split, the larger part is in a file beside it.
    let beside = fs::read_dir(&git).into_iter().flatten().flatten();
    let shared = beside.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"sharedindex."));
    let indexes = shared.map(|entry| entry.path()).chain([git.join("index")]);
    let is_small = |index: &PathBuf| fs::metadata(index).is_ok_and(|it| it.is_file() && it.len() <= LIMIT);
    let indexes = indexes.filter(is_small).filter_map(|index| fs::read(index).ok());
    indexes.flat_map(|bytes| among(&bytes, &wanted)).collect()
}

/// The directory of a repository, by what stands at `.git`: the directory itself, or a file that says where it is.
fn repository(at: &Path) -> Option<PathBuf> {
    let metadata = fs::metadata(at).ok()?;
    if metadata.is_dir() {
        return Some(at.to_owned());
    }
    let text = metadata.is_file().then(|| fs::read_to_string(at).ok()).flatten()?;
    let to = text.strip_prefix("gitdir:")?.trim();
    Some(at.parent()?.join(to))
}

/// Those of some paths that an index has, or below which it has one.
fn among<'p>(index: &[u8], wanted: &BTreeMap<Vec<u8>, &'p str>) -> BTreeSet<&'p str> {
    let mut found = BTreeSet::new();
    // The length of object names, SHA-1 or SHA-256, is not in the index.
    let _ = [20, 32]
        .into_iter()
        .find_map(|name| find(index, wanted, name, &mut found));
    found
}

/// As [`among`], for object names of a length; `None` if the index cannot be read so to its end.
fn find<'p>(
    index: &[u8],
    wanted: &BTreeMap<Vec<u8>, &'p str>,
    name: usize,
    found: &mut BTreeSet<&'p str>,
) -> Option<()> {
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let (version, count) = (number(4)?, number(8)?);
    if !index.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let mut at = 12;
    let mut path: Vec<u8> = Vec::new();
    for _ in 0..count {
        let flags = u16::from_be_bytes(index.get(at + 40 + name..at + 42 + name)?.try_into().ok()?);
        let is_extended = flags & 0x4000 != 0;
        let mut next = at + 42 + name + if is_extended { 2 } else { 0 };
        if version == 4 {
            let (dropped, after) = variable(index, next)?;
            path.truncate(path.len().checked_sub(dropped)?);
            next = after;
        } else {
            path.clear();
        }
        let end = next + index.get(next..)?.iter().position(|byte| *byte == 0)?;
        path.extend_from_slice(&index[next..end]);
        let said = usize::from(flags & 0xfff);
        if said != path.len().min(0xfff) {
            return None;
        }
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let upto = ends.map(|(end, _)| end).chain([path.len()]);
        found.extend(upto.filter_map(|end| wanted.get(&path[..end])));
        at = match version {
            4 => end + 1,
            // Padded with one to eight zeros.
            _ => at + (end - at) / 8 * 8 + 8,
        };
    }
    Some(())
}

/// A number of variable length, and where it ends.
fn variable(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = (value.checked_add(1)?.checked_mul(128)?) | usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::fuzz::Fuzz;

    fn tracks(root: &Path, directory: &str) -> bool {
        !tracked(root, &[directory]).is_empty()
    }

    /// Whether an index has a path, or one below it.
    fn holds(index: &[u8], path: &str) -> bool {
        let wanted = BTreeMap::from([(path.as_bytes().to_vec(), path)]);
        !among(index, &wanted).is_empty()
    }

    fn git(dir: &Path, args: &[&str]) -> bool {
        let mut command = Command::new("git");
        command
            .current_dir(dir)
            .args(args)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", dir);
        command.output().is_ok_and(|it| it.status.success())
    }

    fn write(path: &Path) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::File::create(path).expect("made");
    }

    #[test]
    fn what_git_tracks_is_found_in_an_index_of_each_version() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let top = dir.path();
        if !git(top, &["init", "-q"]) {
            // Without git there is nothing to compare with; the index of a file is made below.
            return;
        }
        for path in [
            "a",
            ".at",
            "sub/.atlas",
            "sub/x",
            "sub/project/.atsaf/v1/journal",
            "z/long/path",
        ] {
            write(&top.join(path));
        }
        let project = top.join("sub/project");
        for version in ["2", "3", "4"] {
            assert!(git(top, &["update-index", "--index-version", version]) || version == "2");
            assert!(git(top, &["add", "a", ".at", "sub/.atlas", "sub/x", "z"]));
            assert!(!tracks(&project, ".atsaf"), "version {version}");
            assert!(git(top, &["add", "-f", "sub/project/.atsaf"]));
            assert!(tracks(&project, ".atsaf"), "version {version}");
            assert!(!tracks(top, ".atsaf"), "that of the project alone");
            let all = ["a", ".at", ".a", "z", "z/long/path", "z/long/pat", "sub"];
            let found: Vec<&str> = tracked(top, &all).into_iter().collect();
            assert_eq!(found, [".at", "a", "sub", "z", "z/long/path"], "version {version}");
            assert!(git(top, &["rm", "-rq", "--cached", "sub/project/.atsaf"]));
        }
    }

    #[test]
    fn an_index_that_is_damaged_holds_nothing() {
        for bytes in [
            &b""[..],
            b"DIRC",
            b"DIRC\0\0\0\x02\xff\xff\xff\xff",
            b"DIRC\0\0\0\x04\0\0\0\x01",
        ] {
            assert!(!holds(bytes, ".atsaf"));
        }
    }

    /// An index of each version, with entries of every length of padding, and one of SHA-256.
    fn indexes() -> Vec<Vec<u8>> {
        let paths = [
            "a",
            "ab",
            "abc/d",
            "project/.atsaf/v1/journal",
            "z/long/path",
            "z/long/pathes",
        ];
        let index = |version: u32, name: usize| {
            let count = u32::try_from(paths.len()).expect("few");
            let mut bytes = [&b"DIRC"[..], &version.to_be_bytes(), &count.to_be_bytes()].concat();
            let mut before = "";
            for path in paths {
                let begin = bytes.len();
                bytes.extend(vec![7; 40 + name]);
                let is_extended = version == 3 && path.len() == 5;
                let flags = u16::try_from(path.len()).expect("short") | if is_extended { 0x4000 } else { 0 };
                bytes.extend(flags.to_be_bytes());
                bytes.extend(vec![0; if is_extended { 2 } else { 0 }]);
                let same = before.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
                if version == 4 {
                    bytes.push(u8::try_from(before.len() - same).expect("short"));
                    bytes.extend_from_slice(&path.as_bytes()[same..]);
                    bytes.push(0);
                } else {
                    bytes.extend_from_slice(path.as_bytes());
                    let padding = 8 - (bytes.len() - begin) % 8;
                    bytes.extend(vec![0; padding]);
                }
                before = path;
            }
            bytes.extend([9; 20]);
            bytes
        };
        [(2, 20), (3, 20), (4, 20), (2, 32), (4, 32)]
            .map(|(version, name)| index(version, name))
            .into()
    }

    #[test]
    fn fuzz_git_index() {
        for index in indexes() {
            for (path, is_there) in [
                ("project/.atsaf", true),
                ("z/long/pathes", true),
                ("project/.ats", false),
                ("project/b", false),
            ] {
                assert_eq!(holds(&index, path), is_there, "{path}");
            }
        }
        let examples = indexes();
        Fuzz::of("git index", examples)
            .words(&["DIRC", ".atsaf/"])
            .run(|bytes| {
                for path in ["project/.atsaf", "a", "no such path"] {
                    assert!(
                        !holds(bytes, path) || path != "no such path",
                        "nothing of that kind stands there"
                    );
                }
            });
    }
}
