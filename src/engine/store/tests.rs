//! Stores that somebody made to do harm: nothing out of the project is touched, nothing in `.git`, and no file of the
//! project that atsaf did not make is replaced or lost.

mod forged;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::Store;
use super::entry::{Artifact, Entry, Mode, ResultEntry};
use super::restore::RestoreRequest;
use crate::atsaffile::{Overrides, load};
use crate::engine::digest::{Digest, Tree, of_file};
use crate::engine::files::Files;
use crate::engine::fingerprint::{ActionFields, Fingerprint};
use crate::engine::run_id::RunId;
use crate::engine::spec::schema::Catalog;
use crate::engine::spec::{ArtifactKind, Target};
use crate::engine::tree::whole;

/// A project beside a directory that is none of its business, with a store that can be written to.
struct Forged {
    dir: tempfile::TempDir,
    store: Store,
    files: Files,
    before: BTreeMap<PathBuf, (u32, Vec<u8>)>,
}

impl Forged {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("project");
        for (path, text) in [
            ("outside/Documents/letter", "mine"),
            ("outside/a", "mine"),
            ("project/src/main.rs", "mine"),
            ("project/.git/hooks/post-merge", "mine"),
        ] {
            put(&dir.path().join(path), text);
        }
        fs::create_dir(dir.path().join("outside/empty")).expect("made");
        let (store, files) = Store::open(&root).expect("opened");
        store.prepare().expect("made");
        let mut forged = Self {
            dir,
            store,
            files,
            before: BTreeMap::new(),
        };
        forged.before = forged.mine();
        forged
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("project").join(path)
    }

    fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    fn put(&self, path: &str, text: &str) {
        put(&self.at(path), text);
    }

    /// A link in the project to something outside of it.
    fn link(&self, path: &str, to: &Path) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("a parent")).expect("made");
        symlink(to, at).expect("linked");
    }

    fn append(&self, entry: Entry) {
        self.store.records.append(&[entry]).expect("appended");
    }

    /// What atsaf has no business with: mode and bytes of everything.
    fn mine(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let roots = [self.outside(), self.at("src"), self.at(".git")];
        let all = roots
            .iter()
            .flat_map(|root| walkdir::WalkDir::new(root).into_iter().flatten());
        let state = |entry: walkdir::DirEntry| {
            let mode = entry.metadata().expect("there").permissions().mode();
            let bytes = fs::read(entry.path()).unwrap_or_default();
            (entry.into_path(), (mode, bytes))
        };
        all.map(state).collect()
    }

    #[track_caller]
    fn is_harmless(&self) {
        assert_eq!(self.mine(), self.before);
    }

    /// A build begins, and clears away what dead ones left.
    fn begin(&self) {
        drop(self.store.begin(RunId::new()).expect("begun"));
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn put(at: &Path, text: &str) {
    fs::create_dir_all(at.parent().expect("a parent")).expect("made");
    fs::write(at, text).expect("written");
}

fn placement(path: &str, digest: Digest) -> Entry {
    Entry::Placement {
        files: vec![(path.to_owned(), digest)],
    }
}

/// A target that writes `out/x`, and is named so that what is set aside of it lies at a path that is known.
fn target(name: &str) -> Target {
    let text = format!("[target.{name}]\nrun = \"echo > out/x\"\noutput = \"out/x\"\ndirect = true\n");
    let (spec, _) = load("Atsaffile", &text, &Overrides::default(), &Catalog::default());
    spec.targets.into_iter().next().expect("a target")
}

#[test]
fn what_a_dead_run_displaced_is_looked_for_behind_no_link() {
    for link in ["former", "former/sub"] {
        let forged = Forged::new();
        let run = RunId::new();
        let path = if link == "former" { "Documents" } else { "sub/Documents" };
        forged.link(&format!(".atsaf/v1/staging/{run}/{link}"), &forged.outside());
        forged.append(placement(path, Digest::of(b"x")));
        forged.begin();
        forged.is_harmless();
        assert!(!forged.at(&format!(".atsaf/v1/staging/{run}")).exists(), "cleared away");
    }
}

#[test]
fn what_is_displaced_and_removed_goes_to_a_place_that_no_link_foresaw() {
    // Kept because it is not what was placed; removed because it is.
    for is_own in [false, true] {
        let forged = Forged::new();
        let run = RunId::new();
        let staging = format!(".atsaf/v1/staging/{run}");
        for path in ["empty/evil", "Documents/file"] {
            forged.put(&format!("{staging}/former/{path}"), "evil");
        }
        let directory = forged.at(&format!("{staging}/former/Documents"));
        let digest = Tree::read(&directory, &of_file, &whole).expect("read").digest();
        let named = |digest| if is_own { digest } else { Digest::of(b"other") };
        forged.append(placement("empty/evil", named(Digest::of(b"evil"))));
        forged.append(placement("Documents", named(digest)));
        forged.link(
            &format!(".atsaf/displaced/{run}/empty"),
            &forged.outside().join("empty"),
        );
        forged.link(&format!("{staging}/gone"), &forged.outside());
        forged.link(&format!("{staging}/beside"), &forged.outside().join("empty"));
        forged.begin();
        forged.is_harmless();
        assert!(!forged.at(&staging).exists(), "cleared away");
    }
}

#[test]
fn what_is_put_back_is_fetched_from_behind_no_link() {
    for (kept, link) in [
        (".atsaf/v1/aside/r/t/a", ".atsaf/v1/aside/r/t"),
        (".atsaf/v1/aside/r/Documents/letter", ".atsaf/v1/aside/r"),
        (".atsaf-aside-r/t/a", ".atsaf-aside-r/t"),
        ("out/.atsaf-aside-r/Documents/letter", "out/.atsaf-aside-r"),
        ("l/.atsaf-aside-r/t/a", "l"),
    ] {
        let forged = Forged::new();
        forged.link(link, &forged.outside());
        put(&forged.outside().join(".atsaf-aside-r/t/a"), "mine");
        fs::create_dir_all(forged.at("out")).expect("made");
        let before = forged.mine();
        forged.append(Entry::SetAside {
            run: RunId::new(),
            target: "t".to_owned(),
            files: vec![("out/x".to_owned(), kept.to_owned())],
        });
        let moved = forged.store.put_back(&target("t"), RunId::new(), &forged.files);
        assert_eq!(moved.expect("looked"), [], "{kept}");
        assert_eq!(forged.mine(), before, "{kept}");
        assert!(!forged.at("out/x").exists());
    }
}

#[test]
fn what_was_set_aside_for_a_path_that_is_not_declared_replaces_and_makes_nothing_there() {
    for path in ["src/main.rs", "src/new.rs"] {
        let forged = Forged::new();
        let kept = ".atsaf/v1/aside/r/t/0";
        forged.put(kept, "evil");
        forged.append(Entry::SetAside {
            run: RunId::new(),
            target: "t".to_owned(),
            files: vec![(path.to_owned(), kept.to_owned())],
        });
        let moved = forged
            .store
            .put_back(&target("t"), RunId::new(), &forged.files)
            .expect("looked");
        forged.is_harmless();
        // Nothing is lost either.
        assert_eq!(fs::read_to_string(forged.at(&moved[0].to)).expect("kept"), "evil");
    }
}

#[test]
fn the_note_of_a_dead_attempt_leads_through_no_link() {
    for (link, line) in [
        ("out/.atsaf-staging", "out/.atsaf-staging/Documents"),
        ("l", "l/.atsaf-staging/0123456789abcdef"),
        (".atsaf-staging", ".atsaf-staging/Documents"),
    ] {
        let forged = Forged::new();
        put(&forged.outside().join(".atsaf-staging/0123456789abcdef/x"), "mine");
        let before = forged.mine();
        forged.link(link, &forged.outside());
        forged.put(".atsaf/v1/staging/key/.atsaf-elsewhere", line);
        forged.begin();
        assert_eq!(forged.mine(), before, "{line}");
        assert!(!forged.at(".atsaf/v1/staging/key").exists(), "cleared away");
    }
}

/// Restores a directory whose listing somebody wrote; `bytes` is the digest that its record has of it.
fn restore(forged: &Forged, listing: &str, bytes: Digest, mode: Mode) {
    let mut target = target("t");
    target.outputs[0].kind = ArtifactKind::Directory;
    let object = forged.store.objects.keep_bytes(listing.as_bytes()).expect("kept");
    let mut result = ResultEntry::of_file("t", &target.outputs[0].port, "out/x", Digest::of(b"id"));
    result.artifacts = vec![Artifact {
        kind: ArtifactKind::Directory,
        bytes,
        object: Some(object),
        mode,
        ..result.artifacts.remove(0)
    }];
    let earlier = result.clone();
    forged.append(Entry::Past(Box::new(result)));
    let fingerprint = Fingerprint {
        format: 2,
        action: ActionFields::Words { words: Vec::new() },
        params: BTreeMap::new(),
        inputs: Vec::new(),
        env: BTreeMap::new(),
        probe: None,
        outputs: Vec::new(),
        direct: false,
    };
    let request = RestoreRequest {
        target: &target,
        fingerprint: Some(&fingerprint),
        reasons: &[],
        run: RunId::new(),
    };
    let _ = forged.store.restore(&earlier, &request, &forged.files);
}

#[test]
fn a_listing_writes_through_none_of_its_own_links() {
    for (link, file) in [("l", "l/evil"), ("l", "l/empty/evil"), ("l/a", "l/a"), ("l", "l")] {
        let forged = Forged::new();
        let to = match link == file {
            true => forged.outside().join("empty/evil"),
            false => forged.outside(),
        };
        let key = forged.store.objects.keep_bytes(b"evil").expect("kept");
        let above = if link.contains('/') {
            "{\"path\":\"l\",\"what\":\"directory\"},"
        } else {
            ""
        };
        let to = to.display();
        let listing = format!(
            "[{above}{{\"path\":\"{link}\",\"what\":{{\"link\":\"{to}\"}}}},{{\"path\":\"{file}\",\"what\":{{\"file\":\"{key}\"}}}}]"
        );
        restore(&forged, &listing, Digest::of(b"any"), Mode::Plain);
        forged.is_harmless();
    }
}

#[test]
fn modes_are_given_to_what_is_in_the_directory_and_to_nothing_behind_a_link() {
    let forged = Forged::new();
    forged.link("out/x/l", &forged.outside());
    let tree = Tree::read(&forged.at("out/x"), &of_file, &whole).expect("read");
    for what in [
        "\"directory\"".to_owned(),
        format!("{{\"file\":\"{}\"}}", Digest::of(b"mine")),
    ] {
        let directory = "{\"path\":\"l\",\"what\":\"directory\",\"mode\":{\"Exact\":457}}";
        let listing = format!("[{directory},{{\"path\":\"l/a\",\"what\":{what},\"mode\":{{\"Exact\":457}}}}]");
        restore(&forged, &listing, tree.digest(), Mode::Plain);
        restore(&forged, &format!("[{directory}]"), tree.digest(), Mode::Plain);
        forged.is_harmless();
    }
}

#[test]
fn no_mode_changes_whose_rights_a_program_has() {
    let forged = Forged::new();
    let key = forged.store.objects.keep_bytes(b"text").expect("kept");
    let listing = format!("[{{\"path\":\"a\",\"what\":{{\"file\":\"{key}\"}},\"mode\":{{\"Exact\":2541}}}}]");
    restore(&forged, &listing, Digest::of(b"any"), Mode::Exact(0o6755));
    for path in ["out/x", "out/x/a"] {
        let mode = fs::metadata(forged.at(path)).expect("placed").permissions().mode();
        assert_eq!(mode & 0o7000, 0, "{path}");
    }
}
