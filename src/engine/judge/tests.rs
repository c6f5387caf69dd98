//! Verdicts from a disk and a past that exist only here.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::engine::files::Files;
use crate::engine::ignore::Ignore;
use crate::engine::look::Past;
use crate::engine::plan::plan;
use crate::engine::reason::Reason;
use crate::engine::result_id::Discovered;
use crate::engine::spec::{From, Input, Settings, Span, Spec, Target};
use crate::engine::store::Ledger;
use crate::engine::store::entry::{Entry, ResultEntry};
use crate::engine::task::Tasks;
use crate::fast_map::FastMap;

/// Contents by path.
#[derive(Default)]
struct Disk(HashMap<String, Digest>);

impl Disk {
    fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), Digest::of(text.as_bytes()));
        Self(files.iter().map(file).collect())
    }
}

impl Look for Disk {
    fn placed(&self, path: &str, _: Option<Digest>) -> io::Result<Option<(Digest, ArtifactKind)>> {
        Ok(self.0.get(path).map(|digest| (*digest, ArtifactKind::File)))
    }

    fn source(&self, path: &str, _: &Ignore) -> io::Result<Option<(Digest, ArtifactKind)>> {
        self.placed(path, None)
    }

    fn content(&self, path: &str) -> io::Result<Option<(Digest, ArtifactKind)>> {
        self.placed(path, None)
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH
    }
}

/// A past that is folded from entries; nothing has copies, save where it is said.
#[derive(Default)]
struct Before {
    ledger: Ledger,
    results: Vec<ResultEntry>,
    copies: bool,
}

impl Before {
    fn succeeded(&mut self, result: ResultEntry) {
        let (target, id) = (result.target.clone(), result.id);
        self.ledger.fold(0, &Entry::Intent(Box::new(result.clone())));
        self.ledger.fold(0, &Entry::Result { target, id });
        self.results.push(result);
    }
}

impl Past for Before {
    fn histories(&self, targets: &[&str]) -> Vec<Arc<History>> {
        let history = |name: &&str| self.ledger.target(name).unwrap_or_default();
        targets.iter().map(history).collect()
    }

    fn result(&self, id: Digest) -> Option<ResultEntry> {
        self.results.iter().rev().find(|result| result.id == id).cloned()
    }

    fn results_of(&self, declared: Digest) -> Vec<ResultEntry> {
        let of = self.results.iter().rev().filter(|result| result.declared == declared);
        of.cloned().collect()
    }

    fn can_restore(&self, _: &StoredResult, _: &dyn Fn(&Artifact) -> bool) -> bool {
        self.copies
    }
}

/// A target that copies `raw.csv` to `out.csv`.
fn graph(effect: bool) -> Graph {
    let target = Target {
        name: "copy".into(),
        inputs: [Input {
            role: "raw".into(),
            from: From::Source("raw.csv".into()),
            named: false,
            optional: false,
            span: Span::default(),
        }]
        .into(),
        outputs: [Output {
            port: "out".into(),
            name: "out".into(),
            path: "out.csv".into(),
            kind: ArtifactKind::File,
            span: Span::default(),
        }]
        .into(),
        settings: Arc::new(Settings {
            effect,
            ..Settings::default()
        }),
        ..Target::default()
    };
    let spec = Spec {
        targets: vec![target],
        ..Spec::default()
    };
    let nowhere = Files::new(Path::new("nowhere"), FastMap::default());
    Graph::new(spec, &nowhere).expect("a graph")
}

fn step(graph: &Graph, disk: &Disk, past: &Before) -> Step {
    let (env, tasks) = (BTreeMap::new(), Tasks::default());
    let inputs = VerdictInputs {
        graph,
        past,
        disk,
        env: &env,
        tasks: &tasks,
        as_of: None,
        alone: None,
        keeps_fingerprints: true,
    };
    let plan = plan(inputs, &[TargetId(0)], false).expect("a plan");
    plan.steps.into_iter().next().expect("one step")
}

/// The result of an attempt that saw `disk`, left `out`, and was seen to use `discovered`.
fn result(graph: &Graph, disk: &Disk, out: &str, discovered: Vec<Discovered>) -> ResultEntry {
    let fingerprint = *step(graph, disk, &Before::default()).fingerprint.expect("stale");
    let declared = fingerprint.hash().expect("known");
    let digest = Digest::of(out.as_bytes());
    let mut result = ResultEntry {
        id: result_id(declared, &discovered, &[]),
        declared,
        discovered,
        fingerprint: Some(fingerprint),
        effect: graph.target(TargetId(0)).settings.effect,
        ..ResultEntry::of_file("copy", "out", "out.csv", digest)
    };
    result.artifacts[0].object = Some(digest);
    result
}

fn fields(step: &Step) -> Vec<Field> {
    let Verdict::Stale { reasons, .. } = &step.verdict else {
        return Vec::new();
    };
    let field = |reason: &Reason| match reason {
        Reason::Changed(difference) => Some(difference.field.clone()),
        _ => None,
    };
    reasons.iter().filter_map(field).collect()
}

#[test]
fn what_is_as_the_record_says_is_fresh_and_an_edit_is_named() {
    let (graph, disk) = (graph(false), Disk::of(&[("raw.csv", "1"), ("out.csv", "1")]));
    let mut past = Before::default();
    assert!(matches!(step(&graph, &disk, &past).verdict, Verdict::Stale { .. }));
    past.succeeded(result(&graph, &disk, "1", Vec::new()));
    assert_eq!(step(&graph, &disk, &past).verdict, Verdict::Fresh);
    let edited = Disk::of(&[("raw.csv", "2"), ("out.csv", "1")]);
    let input = Field::Input {
        role: "raw".to_owned(),
        path: Some("raw.csv".to_owned()),
    };
    assert_eq!(fields(&step(&graph, &edited, &past)), [input]);
}

#[test]
fn a_discovered_input_that_moved_makes_stale_and_its_former_content_comes_back() {
    let files = [("raw.csv", "1"), ("out.csv", "1"), ("model.py", "a")];
    let (graph, disk) = (graph(false), Disk::of(&files));
    let used = |content: Option<&str>| {
        vec![Discovered {
            path: "model.py".to_owned(),
            content: content.map(|text| Digest::of(text.as_bytes())),
        }]
    };
    let mut past = Before {
        copies: true,
        ..Before::default()
    };
    past.succeeded(result(&graph, &disk, "1", used(Some("a"))));
    assert_eq!(step(&graph, &disk, &past).verdict, Verdict::Fresh);
    let edited = Disk::of(&[("raw.csv", "1"), ("out.csv", "1"), ("model.py", "b")]);
    let stale = step(&graph, &edited, &past);
    assert_eq!(fields(&stale), [Field::Discovered("model.py".to_owned())]);
    assert!(matches!(stale.verdict, Verdict::Stale { restore: None, .. }));
    // The result with the edit takes the place; undone, the former one comes back by its own set of files.
    past.succeeded(result(&graph, &edited, "1", used(Some("b"))));
    let back = step(&graph, &disk, &past);
    let first = past.results[0].id;
    assert!(matches!(back.verdict, Verdict::Stale { restore: Some(it), .. } if it.id == first));
    // So does one that depended on the file's absence.
    let without = Disk::of(&files[..2]);
    past.succeeded(result(&graph, &without, "1", used(None)));
    assert_eq!(step(&graph, &without, &past).verdict, Verdict::Fresh);
    assert_eq!(
        fields(&step(&graph, &disk, &past)),
        [Field::Discovered("model.py".to_owned())]
    );
}

#[test]
fn the_key_of_an_effect_follows_what_the_last_attempt_was_seen_to_use() {
    let (graph, disk) = (
        graph(true),
        Disk::of(&[("raw.csv", "1"), ("out.csv", "1"), ("model.py", "a")]),
    );
    let used = vec![Discovered {
        path: "model.py".to_owned(),
        content: Some(Digest::of(b"a")),
    }];
    let made = result(&graph, &disk, "1", used);
    let record = StoredResult::new(&made);
    let (env, tasks, past) = (BTreeMap::new(), Tasks::default(), Before::default());
    let key = |disk: &Disk, record| {
        let inputs = VerdictInputs {
            graph: &graph,
            past: &past,
            disk,
            env: &env,
            tasks: &tasks,
            as_of: None,
            alone: None,
            keeps_fingerprints: true,
        };
        effect_key(inputs, made.declared, record)
    };
    assert_eq!(key(&disk, Some(&record)), made.id, "the same key while both match");
    let edited = Disk::of(&[("model.py", "b")]);
    assert_ne!(key(&edited, Some(&record)), made.id);
    assert_eq!(key(&disk, None), result_id(made.declared, &[], &[]));
}

#[test]
fn an_effect_is_never_restored() {
    let (graph, disk) = (graph(true), Disk::of(&[("raw.csv", "1"), ("out.csv", "1")]));
    let mut past = Before {
        copies: true,
        ..Before::default()
    };
    past.succeeded(result(&graph, &disk, "1", Vec::new()));
    let cleaned = step(&graph, &Disk::of(&[("raw.csv", "1")]), &past);
    assert!(matches!(cleaned.verdict, Verdict::Stale { restore: None, .. }));
}
