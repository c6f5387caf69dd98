//! A directory's content: what is in it, what its links lead to, and in what two of them differ.
//!
//! A directory has two digests. Its *own* takes a link by its text: placement, objects and the question whether an
//! artifact was altered go by it. Its *content* takes a link by what it leads to: whoever reads the directory depends
//! on that. Without links the two are the same.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// A directory's entries: relative paths with `/` between the parts, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree(pub Vec<(String, TreeNode)>);

/// One entry of a directory tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TreeNode {
    /// A directory.
    Directory,
    /// A regular file, by its digest.
    File(Digest),
    /// A symbolic link, by its text: of a directory's own tree, or one that leads nowhere.
    Link(String),
    /// A symbolic link that was followed; the entries of a directory stand below its name.
    Followed {
        /// The link's text.
        text: String,
        /// The digest of the file that it leads to; `None` if that is a directory.
        file: Option<Digest>,
    },
}

/// Says of a path below the directory, and whether it is a directory, that it is no part of the content.
pub type Skip<'a> = &'a dyn Fn(&str, bool) -> bool;

/// Skips nothing: an artifact is all that is in it.
#[must_use]
pub fn whole(_: &str, _: bool) -> bool {
    false
}

/// Skips what Python writes into directories that it merely reads from.
#[must_use]
pub fn is_bytecode(path: &str, is_dir: bool) -> bool {
    is_dir && path.rsplit('/').next() == Some("__pycache__")
}

impl Tree {
    /// Reads a directory's own tree, without what is to be skipped; `digest_of` gives a file's digest.
    ///
    /// # Errors
    /// Whatever reading meets; a name that is not UTF-8 is [`io::ErrorKind::InvalidData`].
    pub fn read(root: &Path, digest_of: &dyn Fn(&Path) -> io::Result<Digest>, skip: Skip<'_>) -> io::Result<Self> {
        let mut nodes = Vec::new();
        let walk = walkdir::WalkDir::new(root).min_depth(1).into_iter();
        let is_part = |entry: &walkdir::DirEntry| {
            let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
            entry.depth() == 0 || !skip(&below.to_string_lossy(), entry.file_type().is_dir())
        };
        for entry in walk.filter_entry(is_part) {
            let entry = entry.map_err(unreadable)?;
            let name = relative(root, entry.path())?;
            let kind = entry.file_type();
            let node = if kind.is_dir() {
                TreeNode::Directory
            } else if kind.is_symlink() {
                let text = std::fs::read_link(entry.path())?.into_os_string().into_string();
                TreeNode::Link(text.map_err(|text| not_utf8(&format!("of the link `{name}` in it the text"), &text))?)
            } else if kind.is_file() {
                TreeNode::File(digest_of(entry.path()).map_err(|error| at(entry.path(), &error))?)
            } else {
                // A pipe would keep whoever opens it waiting.
                let what = format!("`{name}` in it is neither a file nor a directory");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            };
            nodes.push((name, node));
        }
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self(nodes))
    }

    /// The directory's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        for (path, node) in &self.0 {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            match node {
                TreeNode::Directory => hasher.update(b"d"),
                TreeNode::File(digest) => hasher.update(b"f").update(digest.bytes()),
                TreeNode::Link(text) => hasher.update(b"l").update(Digest::of(text.as_bytes()).bytes()),
                // With its text: who packs or copies the directory sees that it is a link, and to where.
                TreeNode::Followed { text, file } => {
                    hasher.update(b"s").update(Digest::of(text.as_bytes()).bytes());
                    match file {
                        Some(digest) => hasher.update(b"f").update(digest.bytes()),
                        None => hasher.update(b"d"),
                    }
                }
            };
        }
        hasher.finalize().into()
    }

    /// Whether there is a link in it.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.0.iter().any(|(_, node)| matches!(node, TreeNode::Link(_)))
    }

    /// What a directory's own digest tells those who read it before its links could be followed: the digest itself,
    /// or another one, which says that there are links that lead out of it.
    #[must_use]
    pub fn content_mark(&self) -> Digest {
        match self.leads_out() {
            true => Digest::of(format!("links {}", self.digest()).as_bytes()),
            false => self.digest(),
        }
    }

    /// Whether a link in it leads out of it; what the others lead to is in the tree itself.
    #[must_use]
    pub fn leads_out(&self) -> bool {
        let is_outward = |(name, node): &(String, TreeNode)| match node {
            TreeNode::Link(text) => leaves(name, text),
            _ => false,
        };
        self.0.iter().any(is_outward)
    }
}

/// Reads directories with what their links lead to.
pub struct LinkReader<'a> {
    /// The digest of a file.
    pub digest_of: &'a dyn Fn(&Path) -> io::Result<Digest>,
    /// What is no part of the content; paths are those below the directory, through links.
    pub skip: Skip<'a>,
    /// Called with each link that leads back to a directory in which it lies.
    pub circle: &'a dyn Fn(&Path),
}

impl LinkReader<'_> {
    /// The content of a directory.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub fn read(&self, root: &Path) -> io::Result<Tree> {
        let own = Tree::read(root, self.digest_of, self.skip)?;
        self.follow(root, "", own, &mut vec![root.canonicalize()?])
    }

    /// Follows the links of a tree at `root`, whose entries lie below `prefix`; `open` are the directories that are
    /// being read.
    fn follow(&self, root: &Path, prefix: &str, own: Tree, open: &mut Vec<PathBuf>) -> io::Result<Tree> {
        if !own.has_links() {
            return Ok(own);
        }
        let mut nodes = Vec::with_capacity(own.0.len());
        for (name, node) in own.0 {
            let TreeNode::Link(text) = node else {
                nodes.push((name, node));
                continue;
            };
            let link = root.join(&name);
            match std::fs::metadata(&link) {
                Ok(it) if it.is_file() => {
                    let digest = (self.digest_of)(&link).map_err(|error| at(&link, &error))?;
                    let file = Some(digest);
                    nodes.push((name, TreeNode::Followed { text, file }));
                }
                Ok(it) if it.is_dir() => {
                    let to = link.canonicalize()?;
                    let from = link.parent().unwrap_or(root).canonicalize()?;
                    if from.starts_with(&to) || open.contains(&to) {
                        (self.circle)(&link);
                        nodes.push((name, TreeNode::Link(text)));
                        continue;
                    }
                    let below = format!("{prefix}{name}/");
                    let skip = |path: &str, is_dir: bool| (self.skip)(&format!("{below}{path}"), is_dir);
                    let tree = Tree::read(&link, self.digest_of, &skip)?;
                    open.push(to);
                    let tree = self.follow(&link, &below, tree, open)?;
                    open.pop();
                    let entries = tree.0.into_iter().map(|(path, node)| (format!("{name}/{path}"), node));
                    let entries: Vec<_> = entries.collect();
                    nodes.push((name, TreeNode::Followed { text, file: None }));
                    nodes.extend(entries);
                }
                // What is no file and no directory has no content.
                Ok(_) => nodes.push((name, TreeNode::Link(text))),
                Err(error) if is_circle(&error) => {
                    (self.circle)(&link);
                    nodes.push((name, TreeNode::Link(text)));
                }
                Err(error) if is_absent(&error) => nodes.push((name, TreeNode::Link(text))),
                Err(error) => return Err(at(&link, &error)),
            }
        }
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Tree(nodes))
    }
}

/// Whether a link leads to itself.
pub(crate) fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Whether an error says that nothing is there.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// An error that says at which path it happened.
pub(crate) fn at(path: &Path, error: &io::Error) -> io::Error {
    let path = path.strip_prefix("./").unwrap_or(path);
    io::Error::new(error.kind(), format!("`{}`: {}", path.display(), error.kind()))
}

fn unreadable(error: walkdir::Error) -> io::Error {
    match (error.path().map(Path::to_owned), error.into_io_error()) {
        (Some(path), Some(error)) => at(&path, &error),
        (_, Some(error)) => error,
        (_, None) => io::Error::other("a directory that contains itself"),
    }
}

/// What differs in an entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was not there before.
    Came,
    /// It is no longer there.
    Went,
    /// It says something else.
    Content,
    /// It may be executed, or no longer.
    Permission,
    /// A file, a directory or a link became another of these.
    Kind,
    /// A link leads elsewhere.
    Link,
}

/// One entry in which two trees differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path below the directory.
    pub path: String,
    /// What differs.
    pub what: What,
}

/// The entries in which a directory differs from what it was, sorted by path; of a directory that came or went, what is
/// in it says enough.
#[must_use]
pub fn changes(before: &Tree, after: &Tree) -> Vec<Change> {
    let (mut old, mut new) = (before.0.iter().peekable(), after.0.iter().peekable());
    let mut found = Vec::new();
    let mut add = |path: &String, what| {
        found.push(Change {
            path: path.clone(),
            what,
        });
    };
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some((one, _)), Some((two, _))) if one == two => {
                let what = old
                    .next()
                    .zip(new.next())
                    .and_then(|((_, one), (_, two))| difference(one, two));
                if let Some(what) = what {
                    add(one, what);
                }
            }
            (Some((one, _)), None) => {
                add(one, What::Went);
                old.next();
            }
            (Some((one, _)), Some((two, _))) if one < two => {
                add(one, What::Went);
                old.next();
            }
            (_, Some((two, _))) => {
                add(two, What::Came);
                new.next();
            }
        }
    }
    without_directories(found)
}

/// Leaves out the directories whose entries came or went with them.
fn without_directories(found: Vec<Change>) -> Vec<Change> {
    let is_told = |change: &Change| {
        let below = format!("{}/", change.path);
        matches!(change.what, What::Came | What::Went)
            && found
                .iter()
                .any(|other| other.what == change.what && other.path.starts_with(&below))
    };
    let told: Vec<bool> = found.iter().map(is_told).collect();
    let mut told = told.into_iter();
    let mut kept = found;
    kept.retain(|_| told.next() == Some(false));
    kept
}

fn difference(before: &TreeNode, after: &TreeNode) -> Option<What> {
    use TreeNode::{Directory, File, Followed, Link};
    match (before, after) {
        (one, two) if one == two => None,
        (File(one), File(two)) => Some(of_file(*one, *two)),
        (
            Followed { file: Some(one), text },
            Followed {
                file: Some(two),
                text: other,
            },
        ) if text == other => Some(of_file(*one, *two)),
        (Directory | File(_), _) | (_, Directory | File(_)) => Some(What::Kind),
        (Link(_) | Followed { .. }, Link(_) | Followed { .. }) => Some(What::Link),
    }
}

/// What differs between two files of different digests.
#[must_use]
pub fn of_file(before: Digest, after: Digest) -> What {
    match before.executable() == after || after.executable() == before {
        true => What::Permission,
        false => What::Content,
    }
}

/// Whether a link at a path of a tree leads out of the tree.
fn leaves(name: &str, text: &str) -> bool {
    if text.starts_with('/') {
        return true;
    }
    let mut depth = name.matches('/').count();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// The path below `root`, with `/` between the parts.
fn relative(root: &Path, path: &Path) -> io::Result<String> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let text = below.to_str();
    let text = text.ok_or_else(|| not_utf8("in it the file name", below.as_os_str()))?;
    Ok(text.replace(std::path::MAIN_SEPARATOR, "/"))
}

#[expect(
    clippy::unnecessary_debug_formatting,
    reason = "which shows the bytes that are no text"
)]
fn not_utf8(what: &str, text: &OsStr) -> io::Error {
    let what = format!("{what} {text:?} is not UTF-8: give it another");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::super::digest;
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        let mut file = fs::File::create(path).expect("made");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn own(path: &Path) -> Tree {
        Tree::read(path, &digest::of_file, &whole).expect("read")
    }

    /// The content of a directory, and its links that lead in a circle.
    fn content(root: &Path) -> (Tree, Vec<String>) {
        let circles = RefCell::new(Vec::new());
        let reader = LinkReader {
            digest_of: &digest::of_file,
            skip: &whole,
            circle: &|link| {
                let below = link.strip_prefix(root).expect("below").display().to_string();
                circles.borrow_mut().push(below);
            },
        };
        let tree = reader.read(root).expect("read");
        (tree, circles.into_inner())
    }

    #[test]
    fn a_directory_is_its_contents_and_not_its_name() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let make = |name: &str, file: &str, text: &str| {
            let at = dir.path().join(name);
            write(&at.join("sub").join(file), text);
            own(&at).digest()
        };
        let first = make("one", "a", "text");
        assert_eq!(first, make("two", "a", "text"));
        assert_ne!(first, make("three", "b", "text"));
        assert_ne!(first, make("four", "a", "other"));
    }

    #[test]
    fn without_links_the_content_is_the_directorys_own() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        write(&dir.path().join("sub/a"), "text");
        let (tree, circles) = content(dir.path());
        assert_eq!(tree, own(dir.path()));
        assert_eq!(tree.content_mark(), tree.digest());
        assert!(circles.is_empty());
    }

    #[test]
    fn the_content_follows_links_to_files_to_directories_and_through_chains() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (root, disk) = (dir.path().join("d"), dir.path().join("disk"));
        write(&root.join("plain"), "plain");
        write(&disk.join("file"), "one");
        write(&disk.join("tree/sub/x"), "one");
        symlink("../disk/file", root.join("file")).expect("linked");
        symlink("../disk/tree", root.join("tree")).expect("linked");
        symlink("../disk/second", root.join("chain")).expect("linked");
        symlink("file", disk.join("second")).expect("linked");
        let (first, own_first) = (content(&root).0, own(&root));
        assert_ne!(own_first.content_mark(), own_first.digest());
        for changed in ["file", "tree/sub/x"] {
            let before = content(&root).0;
            write(&disk.join(changed), "two");
            assert_ne!(content(&root).0.digest(), before.digest(), "{changed}");
            assert_eq!(own(&root), own_first, "the directory itself is as it was");
        }
        let told: Vec<(String, What)> = changes(&first, &content(&root).0)
            .into_iter()
            .map(|it| (it.path, it.what))
            .collect();
        let expected = ["chain", "file", "tree/sub/x"].map(|path| (path.to_owned(), What::Content));
        assert_eq!(told, expected);
    }

    #[test]
    fn a_name_or_a_links_text_that_is_not_utf_8_is_an_error_where_it_counts() {
        use std::os::unix::ffi::OsStrExt as _;
        let bad = std::ffi::OsStr::from_bytes(b"\xff");
        let dir = tempfile::tempdir().expect("a temporary directory");
        write(&dir.path().join("one").join(bad), "text");
        fs::create_dir(dir.path().join("two")).expect("made");
        symlink(bad, dir.path().join("two/link")).expect("linked");
        for (name, text) in [
            ("one", r#"in it the file name "\xFF" is not UTF-8"#),
            ("two", r#"of the link `link` in it the text "\xFF" is not UTF-8"#),
        ] {
            let root = dir.path().join(name);
            let error = Tree::read(&root, &digest::of_file, &whole).expect_err("no text");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().starts_with(text), "{error}");
            let skipped = Tree::read(&root, &digest::of_file, &|_, _| true).expect("read");
            assert_eq!(skipped.0, []);
        }
    }

    #[test]
    fn only_links_that_lead_out_of_a_directory_need_its_place() {
        for (name, text, out) in [
            ("a", "b", false),
            ("sub/a", "../b", false),
            ("sub/a", "./x/../../b", false),
            ("a", "../b", true),
            ("sub/a", "../../b", true),
            ("sub/a", "x/../../../sub/b", true),
            ("a", "/b", true),
        ] {
            assert_eq!(leaves(name, text), out, "{name} -> {text}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_its_text_until_something_is_there() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("d");
        fs::create_dir(&root).expect("made");
        symlink("../nowhere", root.join("link")).expect("linked");
        let (before, circles) = content(&root);
        assert_eq!(before, own(&root));
        assert!(circles.is_empty());
        write(&dir.path().join("nowhere"), "now it is");
        assert_ne!(content(&root).0, before);
    }

    #[test]
    fn circles_of_links_end_and_are_reported() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("d");
        write(&root.join("sub/a"), "text");
        write(&dir.path().join("other/b"), "text");
        symlink(".", root.join("self")).expect("linked");
        symlink("../..", root.join("sub/up")).expect("linked");
        symlink("loop", root.join("loop")).expect("linked");
        symlink("../other", root.join("there")).expect("linked");
        symlink("../d", dir.path().join("other/back")).expect("linked");
        let (_, mut circles) = content(&root);
        circles.sort();
        assert_eq!(circles, ["loop", "self", "sub/up", "there/back"]);
    }

    #[test]
    fn what_is_skipped_is_no_part_of_a_tree() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        write(&dir.path().join("a.py"), "text");
        write(&dir.path().join("__pycache__/a.pyc"), "text");
        let all = own(dir.path());
        assert_eq!(all.0.len(), 3);
        let some = Tree::read(dir.path(), &digest::of_file, &is_bytecode).expect("read");
        assert_eq!(some.0.len(), 1);
    }

    #[test]
    fn changes_name_what_came_went_or_differs_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("d");
        for name in ["same", "went", "content", "permission", "kind", "gone/a"] {
            write(&root.join(name), name);
        }
        symlink("same", root.join("link")).expect("linked");
        let before = own(&root);
        write(&root.join("same"), "same");
        fs::remove_file(root.join("went")).expect("removed");
        write(&root.join("content"), "other");
        fs::set_permissions(root.join("permission"), fs::Permissions::from_mode(0o755)).expect("set");
        fs::remove_file(root.join("kind")).expect("removed");
        fs::create_dir(root.join("kind")).expect("made");
        fs::remove_dir_all(root.join("gone")).expect("removed");
        write(&root.join("new/sub/a"), "new");
        fs::remove_file(root.join("link")).expect("removed");
        symlink("content", root.join("link")).expect("linked");
        let told: Vec<(String, What)> = changes(&before, &own(&root))
            .into_iter()
            .map(|it| (it.path, it.what))
            .collect();
        let expected = [
            ("content", What::Content),
            ("gone/a", What::Went),
            ("kind", What::Kind),
            ("link", What::Link),
            ("new/sub/a", What::Came),
            ("permission", What::Permission),
            ("went", What::Went),
        ];
        assert_eq!(told, expected.map(|(path, what)| (path.to_owned(), what)));
        assert!(changes(&before, &before).is_empty());
    }
}
