//! What the axes of an Atsaffile ask of the disk: the files of a pattern, the rows of a table.

use std::path::Path;

use super::small_file;
use crate::atsaffile::{self, AxisFiles};
use crate::engine::graph;
use crate::engine::ignore::Ignore;

/// Most bytes of a table whose rows are values.
const LARGEST_TABLE: u64 = 16 << 20;

/// Finds what an Atsaffile asks for, in the project's directory.
pub(super) fn look(root: &Path, text: &str) -> AxisFiles {
    let asked = atsaffile::axis_questions(text);
    let patterns: Vec<&str> = asked.ignore.iter().map(String::as_str).collect();
    // What is no pattern is told with the rest of the Atsaffile.
    let ignore = Ignore::new(&patterns).unwrap_or_default();
    let matches = asked.patterns.into_iter().map(|pattern| {
        let files = graph::matching(&pattern, root, &ignore);
        (pattern, files)
    });
    let tables = asked.tables.into_iter().map(|path| {
        let text = table(&root.join(&path));
        (path, text)
    });
    AxisFiles {
        matches: matches.collect(),
        tables: tables.collect(),
    }
}

fn table(path: &Path) -> Result<String, String> {
    let bytes = small_file::read(path, LARGEST_TABLE).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}
