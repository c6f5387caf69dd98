//! Tests of a graph that is made in parts.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;

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

#[test]
fn a_large_graph_is_the_same_however_many_make_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path();
    fs::create_dir_all(root.join("d")).expect("made");
    symlink("d", root.join("link")).expect("linked");
    for name in ["d/one.csv", "d/two.csv", "x.py"] {
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        fs::write(root.join(name), "text").expect("written");
    }
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
