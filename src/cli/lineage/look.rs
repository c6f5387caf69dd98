//! What can be seen of a file or directory: its size, and of a table its columns and rows.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::show::Content;
use crate::export::lineage::facets::DatasetLook;

/// Most bytes of a report that may tell of rules.
const LARGEST_REPORT: u64 = 1 << 20;
/// Most files of a directory that are counted.
const FILES: usize = 100_000;

/// Looks at a file or directory; none if it is not there, or cannot be read.
pub(super) fn look(path: &Path) -> Option<DatasetLook> {
    let metadata = fs::metadata(path).ok()?;
    if metadata.is_dir() {
        let files = walkdir::WalkDir::new(path).into_iter().flatten().take(FILES);
        let sizes = files
            .filter(|entry| entry.file_type().is_file())
            .filter_map(|entry| entry.metadata().ok());
        return Some(sizes.fold(DatasetLook::default(), |look, file| DatasetLook {
            size: look.size + file.len(),
            files: look.files + 1,
            ..look
        }));
    }
    if !metadata.is_file() {
        return None;
    }
    let (columns, rows) = match Content::read(path, 0, &str::to_owned) {
        Ok(Content::Rows(table)) => (table.columns, Some(table.count)),
        _ => (Vec::new(), None),
    };
    Some(DatasetLook {
        size: metadata.len(),
        files: 1,
        rows,
        columns,
    })
}

/// The rules of a validation and whether they hold, if a file is a report of one.
pub(super) fn assertions(path: &Path) -> Vec<(String, bool)> {
    let is_report = path.extension().is_some_and(|extension| extension == "json");
    if !is_report {
        return Vec::new();
    }
    let report: Option<Value> = crate::cli::small_file::read(path, LARGEST_REPORT)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let rules = report.as_ref().and_then(|report| report.get("rules")?.as_array());
    let verdict = |rule: &Value| {
        let name = rule.get("rule")?.as_str()?;
        let verdict = rule.get("verdict")?.as_str()?;
        // What was not looked at is no assertion.
        (verdict != "off").then(|| (name.to_owned(), verdict == "holds"))
    };
    rules.into_iter().flatten().filter_map(verdict).collect()
}
