//! JSON artifacts: what a task reports in words and numbers, with the run and the target that wrote it.

use std::io::Write as _;

use serde_json::{Map, Value};

use super::data_file;
use super::limits::SizeLimit;
use super::table::{create, unwritable};
use crate::engine::run_id::RUN_ID_PLACEHOLDER;
use crate::engine::task::{Context, TaskError};

/// Writes the fields of `document` as the JSON artifact `name`, the run and the target first.
///
/// # Errors
/// [`TaskError`] if the file cannot be written.
pub(super) fn write(context: &Context<'_>, name: &str, document: &Value) -> Result<(), TaskError> {
    let mut whole = Map::new();
    whole.insert("run_id".to_owned(), RUN_ID_PLACEHOLDER.into());
    whole.insert("target".to_owned(), context.target.into());
    for (key, value) in document.as_object().into_iter().flatten() {
        whole.insert(key.clone(), value.clone());
    }
    let path = context.output(name);
    let mut file = create(path)?;
    serde_json::to_writer_pretty(&mut file, &whole).map_err(|error| unwritable(path, error))?;
    file.write_all(b"\n")
        .and_then(|()| file.flush())
        .map_err(|error| unwritable(path, error))
}

/// Reads the input `role`, which must be a JSON object.
///
/// # Errors
/// [`TaskError`] if it cannot be read.
pub(super) fn read(context: &Context<'_>, role: &str) -> Result<Map<String, Value>, TaskError> {
    let holder = format!("`{role}`");
    let bytes = data_file::read(context, context.input(role), &holder, SizeLimit::DOCUMENT)?;
    serde_json::from_slice(&bytes).map_err(|error| TaskError::new(format!("cannot read {holder}: {error}")))
}
