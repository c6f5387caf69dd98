//! Stores of which anything may be forged at once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::entry::{Entry, ResultEntry};
use super::super::gc::Limits;
use super::super::{Staged, StoreError, private_key};
use super::{Forged, placement, put, target};
use crate::engine::clock;
use crate::engine::digest::{Digest, Tree};
use crate::engine::run_id::RunId;
use crate::engine::spec::{Output, Spec, Target};
use crate::fuzz::Fuzz;

/// Places that somebody who makes a store, and the project around it, can foresee; `RUN` and `KEY` are such names.
const PLACES: [&str; 44] = [
    ".atsaf/displaced/RUN",
    ".atsaf/displaced/RUN/out",
    ".atsaf/displaced/RUN/sub",
    ".atsaf/given/KEY",
    ".atsaf/given/KEY/inputs",
    ".atsaf/v1/aside/RUN",
    ".atsaf/v1/aside/RUN/t",
    ".atsaf/v1/aside/RUN/t/0",
    ".atsaf/v1/aside/RUN/t/letter",
    ".atsaf/v1/index",
    ".atsaf/v1/journal.new",
    ".atsaf/v1/listings/ab",
    ".atsaf/v1/listings/ab/cd",
    ".atsaf/v1/locks/append",
    ".atsaf/v1/memo/ab",
    ".atsaf/v1/memo/ab/cd",
    ".atsaf/v1/objects/OBJECT",
    ".atsaf/v1/outputs/RUN",
    ".atsaf/v1/outputs/RUN/t",
    ".atsaf/v1/runs/RUN",
    ".atsaf/v1/staging/KEY",
    ".atsaf/v1/staging/KEY/.atsaf-elsewhere",
    ".atsaf/v1/staging/KEY/.atsaf-left-running",
    ".atsaf/v1/staging/KEY/out",
    ".atsaf/v1/staging/RUN",
    ".atsaf/v1/staging/RUN/beside",
    ".atsaf/v1/staging/RUN/beside/note",
    ".atsaf/v1/staging/RUN/dead",
    ".atsaf/v1/staging/RUN/dead/KEY",
    ".atsaf/v1/staging/RUN/former",
    ".atsaf/v1/staging/RUN/former/Documents",
    ".atsaf/v1/staging/RUN/former/out",
    ".atsaf/v1/staging/RUN/former/out/x",
    ".atsaf/v1/staging/RUN/former/sub",
    ".atsaf/v1/staging/RUN/gone",
    ".atsaf/v1/staging/RUN/gone/out",
    ".atsaf-aside-RUN",
    ".atsaf-aside-RUN/t",
    ".atsaf-aside-RUN/t/0",
    ".atsaf-staging-RUN/former",
    ".atsaf-staging-RUN/former/Documents",
    "out/.atsaf-staging",
    "out/.atsaf-staging/KEY",
    "sub",
];
/// What notes may say, and where something may have been set aside.
const TEXTS: [&str; 10] = [
    "out/.atsaf-staging/KEY",
    ".atsaf-staging-RUN",
    "sub/.atsaf-staging/KEY",
    "out/.atsaf-staging/Documents",
    "sub/Documents",
    "../outside/Documents",
    ".atsaf/v1/aside/RUN/t/0",
    ".atsaf/v1/aside/RUN/t/letter",
    ".atsaf-aside-RUN/t/0",
    "sub/.atsaf-aside-RUN/t/0",
];
/// Paths of artifacts, one of which the target has.
const ARTIFACTS: [&str; 7] = [
    "out/x",
    "Documents",
    "out",
    "sub/Documents",
    "src/main.rs",
    "src/new",
    "sub",
];

impl Forged {
    /// Puts something to a place, and something into the journal, as a few bytes say.
    fn plant(&self, bytes: &[u8], run: RunId, target: &Target) {
        let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or_default());
        let object = Digest::of(b"evil").hex();
        let known = |text: &str| {
            let key = private_key(&target.outputs);
            let object = format!("{}/{}", &object[..2], &object[2..]);
            text.replace("RUN", &run.to_string())
                .replace("KEY", &key)
                .replace("OBJECT", &object)
        };
        let place = known(PLACES[byte(0) % PLACES.len()]);
        let at = self.at(&place);
        // Something may stand there, or above it, by now.
        let _ = fs::create_dir_all(at.parent().expect("a parent"));
        let text = known(TEXTS[byte(2) % TEXTS.len()]);
        let link = |to: PathBuf| drop(symlink(to, &at));
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        match byte(1) % 8 {
            _ if !self.is_inside(&at) => {}
            0 => link(self.outside()),
            1 => link(self.outside().join("Documents")),
            2 => link(self.outside().join("empty")),
            3 => link(self.at("src")),
            4 => link(self.at(".git/hooks")),
            5 => drop(fs::write(&at, "evil")),
            6 => drop(fs::write(&at, text.as_bytes())),
            _ => drop(fs::create_dir(&at)),
        }
        let artifact = ARTIFACTS[byte(3) % ARTIFACTS.len()].to_owned();
        let digest = [Digest::of(b"evil"), Tree::default().digest()][byte(4) % 2];
        let entry = match byte(5) % 5 {
            0 => placement(&artifact, digest),
            1 => Entry::Intent(Box::new(ResultEntry::of_file("t", "output", &artifact, digest))),
            2 => Entry::Restore {
                run,
                reasons: Vec::new(),
                result: Box::new(ResultEntry::of_file("t", "output", &artifact, digest)),
            },
            _ => Entry::SetAside {
                run,
                target: "t".to_owned(),
                files: vec![(artifact, text)],
            },
        };
        let _ = self.store.records.append(&[entry]);
    }

    /// Whether a path is in the project, and nothing of the user's.
    fn is_inside(&self, at: &Path) -> bool {
        let above = at.parent().and_then(|parent| parent.canonicalize().ok());
        let root = self.at(".").canonicalize().expect("there");
        above.is_some_and(|above| {
            above.starts_with(&root) && !above.starts_with(root.join("src")) && !above.starts_with(root.join(".git"))
        })
    }

    /// What commands do with a store, each as far as it comes.
    fn use_it(&self, target: &Target) -> Result<(), StoreError> {
        let Self { store, files, .. } = self;
        let run = RunId::new();
        store.prepare()?;
        let (_live, _) = store.begin(run)?;
        let _ = store.put_back(target, run, files);
        let private = store.private(&target.outputs);
        if let Ok(Some(claim)) = store.claim(&private, run) {
            put(&private.paths[0], "made");
            let staged = Staged::examine(&target.outputs[0], private.paths[0].clone(), true).expect("it is there");
            let result = ResultEntry {
                artifacts: Vec::new(),
                ..ResultEntry::of_file("t", "output", "out/x", Digest::of(b"made"))
            };
            let _ = store.commit(result, &[staged], None, true, files);
            store.clear(&private, run, Some(&claim), false);
        }
        let _ = store.set_aside("t", &target.outputs, run, files);
        let _ = store.put_back(target, run, files);
        let declared = [("t", &target.outputs[0])];
        let _ = store.clean(&declared, files);
        let orphans = store.orphans(&["out/x"], files);
        let orphans: Vec<(&str, &Output)> = orphans.iter().map(|orphan| (orphan.path.as_str(), orphan)).collect();
        let _ = store.clean(&orphans, files);
        let limits = Limits {
            keep_runs: Some(0),
            ..Limits::default()
        };
        let _ = store.gc(&limits, clock::now(), false);
        store.clear_staging(run, run);
        store.finish(files, &Spec::default())
    }
}

/// Whatever a few links, files and entries of the journal make of a store, it does no harm.
#[test]
fn fuzz_forged_store() {
    let target = target("t");
    // Each place with each thing that may stand there, beside one entry or another.
    let numbers = 0..u8::try_from(8 * PLACES.len()).unwrap_or(u8::MAX);
    let examples = numbers.flat_map(|n| [[n, n / 8, n, n / 3, n / 2, n], [n, n % 8, n / 5, n / 7, n, n / 4]]);
    let examples = examples.map(Vec::from);
    Fuzz::of("forged store", examples).run(|bytes| {
        let forged = Forged::new();
        let run = RunId::new();
        for piece in bytes.chunks(6).take(6) {
            forged.plant(piece, run, &target);
        }
        let before = forged.mine();
        let _ = forged.use_it(&target);
        assert_eq!(forged.mine(), before);
    });
}
