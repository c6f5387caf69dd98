//! `package_champion`: writes the champion as a model directory that MLflow loads, and the picture of its forecast.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::document;
use super::forecast::INPUTS;
use super::frequency::FREQUENCY;
use super::known_ahead;
use super::limits::{MAX_MB, MAX_ROWS};
use super::model_package::ModelPackage;
use super::table::{create, unwritable};
use super::train::{HORIZON, LEVEL, validated};
use super::{reading, series};
use crate::engine::spec::schema::{Port, Schema};
use crate::engine::task::{Context, Task, TaskError};

static SCHEMA: Schema = Schema {
    name: "package_champion",
    version: 2,
    summary: "writes the selected models with their forecasts as a model that MLflow loads",
    params: &[HORIZON, LEVEL, reading::OF_CLEAN_AND_KNOWN, FREQUENCY, MAX_MB, MAX_ROWS],
    inputs: &INPUTS,
    outputs: &[
        Port {
            name: "model",
            doc: "a directory: `MLmodel`, `model.json`, the loader in Python, and what serving needs",
        },
        Port {
            name: "picture",
            doc: "the end of each series and its forecast, as SVG",
        },
    ],
    optional: &[known_ahead::PORT],
    directories: &["model"],
    secrets: &[],
    variables: &[],
    effect: false,
    ordered: &[],
};

/// The task.
#[derive(Debug)]
pub(crate) struct PackageChampion;

impl Task for PackageChampion {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    fn is_parallel(&self) -> bool {
        true
    }

    fn run(&self, context: &Context<'_>) -> Result<(), TaskError> {
        validated(context)?;
        let selected = document::read(context, "selected")?.into();
        let series = series::observations(context, "clean")?;
        let package = ModelPackage::of(context, &selected, &series)?;
        let directory = context.output("model");
        for (name, bytes) in &package.files {
            write(&directory.join(name), bytes)?;
        }
        write(context.output("picture"), &package.picture)
    }
}

/// Writes a file, in a directory that may not be there yet.
fn write(path: &Path, bytes: &[u8]) -> Result<(), TaskError> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| unwritable(directory, error))?;
    }
    let mut file = create(path)?;
    file.write_all(bytes)
        .and_then(|()| file.flush())
        .map_err(|error| unwritable(path, error))
}
