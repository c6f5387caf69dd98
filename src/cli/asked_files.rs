//! What an Atsaffile asks of the disk: the files of a pattern and the rows of a table for its axes, parameter files.

use std::path::Path;

use super::small_file;
use crate::atsaffile::{self, FileAnswers, FoundParamsFile};
use crate::engine::graph;
use crate::engine::ignore::Ignore;
use crate::engine::lookups::Lookups;

/// Most bytes of a table whose rows are values.
const LARGEST_TABLE: u64 = 16 << 20;

/// Most bytes of a parameter file.
const LARGEST_PARAMS_FILE: u64 = 4 << 20;

/// Finds what an Atsaffile asks for, in the project's directory; notes where it looked.
pub(super) fn look(root: &Path, text: &str, lookups: &mut Lookups) -> FileAnswers {
    let asked = atsaffile::file_questions(text);
    let patterns: Vec<&str> = asked.ignore.iter().map(String::as_str).collect();
    // What is no pattern is told with the rest of the Atsaffile.
    let ignore = Ignore::new(&patterns).unwrap_or_default();
    let matches = asked.patterns.into_iter().map(|pattern| {
        let files = graph::matching(&pattern, root, &ignore, lookups);
        (pattern, files)
    });
    let matches = matches.collect();
    let tables = asked.tables.into_iter().map(|path| {
        lookups.file(Path::new(&path));
        let text = table(&root.join(&path));
        (path, text)
    });
    let tables = tables.collect();
    let params_files = asked.params_files.into_iter().map(|path| {
        lookups.file(Path::new(&path));
        let bytes = small_file::read(&root.join(&path), LARGEST_PARAMS_FILE).map_err(|error| error.to_string());
        FoundParamsFile { path, bytes }
    });
    FileAnswers {
        matches,
        tables,
        params_files: params_files.collect(),
    }
}

fn table(path: &Path) -> Result<String, String> {
    let bytes = small_file::read(path, LARGEST_TABLE).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}
