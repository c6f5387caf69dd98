//! Who may import whom: the table of the rooms, kept by reading the `use` lines and paths of every source file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The engine's interface of tasks, and what asks servers.
const TASKS: &[&str] = &[
    "aside",
    "axis",
    "diagnostic",
    "http",
    "outward",
    "engine::task",
    "engine::spec",
    "engine::digest",
    "engine::regular_file",
    "engine::run_id",
];

/// The engine's data.
const DATA: &[&str] = &[
    "axis",
    "diagnostic",
    "outward",
    "engine::digest",
    "engine::event",
    "engine::fingerprint",
    "engine::graph",
    "engine::ignore",
    "engine::look",
    "engine::plan",
    "engine::reason",
    "engine::result_id::Discovered",
    "engine::clock",
    "engine::run_id",
    "engine::spec",
    "engine::store::History",
    "engine::store::Holder",
    "engine::store::StoredResult",
    "engine::store::entry",
    "engine::store::gc",
    "engine::tree",
    "engine::build::Summary",
];

/// Each room, and what it may name of the others; a room may always name itself.
const TABLE: &[(&str, &[&str])] = &[
    ("atsaffile", &["engine::spec", "diagnostic", "fast_map", "outward"]),
    ("engine", &["diagnostic", "fast_map", "outward"]),
    ("forecasting", TASKS),
    ("export", DATA),
    ("report", DATA),
    ("diagnostic", &["outward"]),
    ("outward", &[]),
    ("http", &["aside", "outward"]),
    ("aside", &[]),
    ("axis", &[]),
    ("fast_map", &[]),
    // Of the tests alone.
    ("fuzz", &[]),
    (
        "cli",
        &[
            "atsaffile",
            "diagnostic",
            "engine",
            "export",
            "fast_map",
            "forecasting",
            "http",
            "outward",
            "report",
        ],
    ),
];

#[test]
fn every_room_names_only_the_rooms_that_it_may() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = BTreeSet::new();
    let mut rooms = BTreeSet::new();
    for entry in walkdir::WalkDir::new(&source) {
        let entry = entry.expect("read");
        let below = entry
            .path()
            .strip_prefix(&source)
            .expect("below")
            .to_string_lossy()
            .into_owned();
        let room = below.split(['/', '.']).next().unwrap_or_default().to_owned();
        if !entry.file_type().is_file()
            || entry.path().extension().is_none_or(|extension| extension != "rs")
            || ["main", "lib"].contains(&room.as_str())
            || below.contains("/tests")
        {
            continue;
        }
        let (_, allowed) = TABLE
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("`src/{below}` is in a room that the table does not know"));
        rooms.insert(room.clone());
        let text = fs::read_to_string(entry.path()).expect("read");
        // Tests may set up whatever they like.
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for named in named(program) {
            let is_own = named.split("::").next() == Some(&room);
            let is_allowed = allowed
                .iter()
                .any(|prefix| *prefix == named || named.starts_with(&format!("{prefix}::")));
            if !is_own && !is_allowed {
                wrong.insert(format!("src/{below} names crate::{named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rooms.len() >= TABLE.len() - 1, "some rooms were not found: {rooms:?}");
}

/// Every path that begins with `crate::` in a text, groups taken apart; comments are left out.
fn named(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join(" ");
    let paths = code.split("crate::").skip(1);
    paths.flat_map(|path| expand(&path[..extent(path)])).collect()
}

/// The length of the path, or tree of paths, at the beginning of a text.
fn extent(text: &str) -> usize {
    let mut depth = 0;
    let ends = |(_, c): &(usize, char)| {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                return depth == 0;
            }
            _ => {}
        }
        depth == 0 && !(c.is_alphanumeric() || "_:{}".contains(*c))
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)
}

/// The paths of a tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        return vec![tree.trim_matches([' ', '}']).to_owned()];
    };
    let mut depth = 0;
    let branches = group.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let below = branches
        .filter(|branch| !branch.trim_matches([' ', '}']).is_empty())
        .flat_map(expand);
    below.map(|path| format!("{}{path}", prefix.trim())).collect()
}

#[test]
fn groups_of_imports_are_taken_apart() {
    let text =
        "use crate::engine::{self, graph::{Graph, TargetId}, run};\nuse crate::diagnostic::Diagnostic;\n// crate::no\n";
    let names = [
        "engine::self",
        "engine::graph::Graph",
        "engine::graph::TargetId",
        "engine::run",
        "diagnostic::Diagnostic",
    ];
    assert_eq!(named(text), names);
}
