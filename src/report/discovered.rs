//! What a result was seen to use without declaring it, in words and as JSON.

use serde_json::{Value, json};

use super::human;
use super::reasons::seen_by;
use crate::engine::result_id::Discovered;
use crate::engine::store::StoredResult;

/// Paths that are not there are named one by one up to so many.
const ABSENT: usize = 3;

/// What was used, a line each: what it is, and what it says.
#[must_use]
pub fn lines(result: &StoredResult) -> Vec<(String, String)> {
    let (there, absent): (Vec<&Discovered>, Vec<_>) = result.discovered.iter().partition(|it| it.content.is_some());
    let mut lines: Vec<(String, String)> = there.into_iter().map(file).collect();
    lines.sort();
    match absent.len() {
        0..=ABSENT => lines.extend(absent.iter().map(|it| (it.path.clone(), "not there".to_owned()))),
        many => lines.push((human::count(many, "path"), "not there".to_owned())),
    }
    let installed = result.installed.iter();
    lines.extend(installed.map(|it| (it.name.clone(), it.version.clone())));
    lines
}

fn file(used: &Discovered) -> (String, String) {
    let what = if used.path.ends_with('/') {
        "the names in it"
    } else {
        ""
    };
    (used.path.clone(), what.to_owned())
}

/// `null`, or `by`: `auto`, `trace` or `depfile`; `run` and `time`; `files`, each with `path` and `content`, a digest or
/// `absent`; `installed`, each with `name` and `version`.
#[must_use]
pub fn json(result: &StoredResult) -> Value {
    let Some(means) = result.seen_by else {
        return Value::Null;
    };
    let files = result.discovered.iter().map(|it| {
        let content = it.content.map_or_else(|| "absent".to_owned(), |content| content.hex());
        json!({ "path": it.path, "content": content })
    });
    let installed = result
        .installed
        .iter()
        .map(|it| json!({ "name": it.name, "version": it.version }));
    json!({
        "by": means.word(),
        "how": seen_by(Some(means)),
        "run": result.run.to_string(),
        "time": human::timestamp(result.run.time()),
        "files": files.collect::<Vec<_>>(),
        "installed": installed.collect::<Vec<_>>(),
    })
}

/// The files that were used and are not declared, as inputs to be: what is not there is none, and of a directory that was
/// listed, all count.
#[must_use]
pub fn undeclared(result: &StoredResult) -> Vec<String> {
    let is_listed = |path: &str| {
        let directory = path
            .rsplit_once('/')
            .map_or("./".to_owned(), |(above, _)| format!("{above}/"));
        result.discovered.iter().any(|it| it.path == directory)
    };
    let there = result
        .discovered
        .iter()
        .filter(|it| it.content.is_some() && !is_listed(&it.path));
    let input = |it: &Discovered| match it.path.strip_suffix('/') {
        Some(".") => "*".to_owned(),
        Some(directory) => format!("{directory}/*"),
        // What has no `.` and no `/` in it would be taken for a name.
        None if !it.path.contains(['/', '.']) => format!("./{}", it.path),
        None => it.path.clone(),
    };
    let mut inputs: Vec<String> = there.map(input).collect();
    inputs.sort();
    inputs.dedup();
    inputs
}
