//! Tests of a graph that is made in parts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::atsaffile::{Overrides, load};
use crate::engine::spec::schema::Catalog;

/// Many targets that read sources, what patterns find, artifacts and links, the last of them with mistakes if they are
/// asked for.
fn many(mistakes: bool) -> String {
    let mut text = String::new();
    for at in 0..2500 {
        let input = match at % 5 {
            0 => "\"d/*.csv\"".to_owned(),
            1 => "\"d/one.csv\", \"link/two.csv\"".to_owned(),
            _ if mistakes && at > 2400 => format!("\"out/t{}*\"", at - 9),
            _ => format!("\"t{}\"", at - 1),
        };
        let _ = write!(
            text,
            "[target.t{at}]\nrun = \"python x.py {{{{inputs}}}} > {{{{output}}}}\"\n"
        );
        let _ = write!(text, "inputs = [{input}]\noutput = \"out/t{at}\"\n");
    }
    text
}

/// The graph as so many threads make it: edges, where the disk was asked, and what is wrong.
fn made_by(threads: usize, root: &Path, text: &str) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let (spec, diagnostics) = load("Atsaffile", text, &Overrides::default(), &Catalog::default());
    assert!(diagnostics.is_empty());
    let files = Files::new(root, FastMap::default());
    let made = pool.expect("a pool").install(|| Graph::new(spec, &files));
    match made {
        Ok(graph) => {
            let mut asked: Vec<&Path> = graph.lookups.directories().collect();
            asked.sort();
            let partial = graph.lookups.is_partial();
            let mut linked: Vec<_> = graph.linked.iter().collect();
            linked.sort();
            format!("{:?}\n{:?}\n{asked:?} {partial}\n{linked:?}", graph.nodes, graph.order)
        }
        Err(wrong) => format!("{:?}", wrong.1.iter().map(ToString::to_string).collect::<Vec<_>>()),
    }
}

/// A project with what [`many`] reads.
fn project() -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(dir.path().join("d")).expect("made");
    symlink("d", dir.path().join("link")).expect("linked");
    for name in ["d/one.csv", "d/two.csv", "x.py"] {
        File::create(dir.path().join(name)).expect("made");
    }
    dir
}

#[test]
fn a_large_graph_is_the_same_however_many_make_it() {
    let dir = project();
    let root = dir.path();
    for mistakes in [false, true] {
        let text = many(mistakes);
        let alone = made_by(1, root, &text);
        assert!(alone.contains(if mistakes { "out/t2399*" } else { "d/two.csv" }));
        for threads in [2, 3] {
            assert!(
                made_by(threads, root, &text) == alone,
                "by {threads} threads, with mistakes: {mistakes}"
            );
        }
    }
}

#[test]
fn a_graph_stands_until_something_else_is_read() {
    let dir = project();
    let root = dir.path();
    let text = format!("{}[target.out]\nrun = \"ls\"\noutput = \"link/out\"\n", many(false));
    let (spec, _) = load("Atsaffile", &text, &Overrides::default(), &Catalog::default());
    let files = Files::new(root, FastMap::default());
    let graph = Graph::new(spec, &files).expect("a graph");
    let asked = |lookups: &Lookups| -> BTreeSet<PathBuf> { lookups.directories().map(Path::to_owned).collect() };
    let stands = || graph.still_stands(&files).map(|lookups| asked(&lookups));
    assert_eq!(
        stands(),
        Some(asked(graph.lookups())),
        "it asks what it asked when it was made"
    );
    File::create(root.join("d/none.txt")).expect("made");
    assert!(stands().is_some());
    fs::remove_file(root.join("x.py")).expect("removed");
    assert!(stands().is_none(), "a word that is no file any more");
    File::create(root.join("x.py")).expect("made");
    assert!(stands().is_some());
    File::create(root.join("d/three.csv")).expect("made");
    assert!(stands().is_none(), "a file that a pattern finds");
    fs::remove_file(root.join("d/three.csv")).expect("removed");
    assert!(stands().is_some());
    fs::remove_file(root.join("link")).expect("removed");
    fs::create_dir(root.join("other")).expect("made");
    symlink("other", root.join("link")).expect("linked");
    assert!(stands().is_none(), "an output that lies elsewhere");
}
