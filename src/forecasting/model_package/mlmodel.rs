//! `MLmodel` and the files around it, by which MLflow loads and serves the model.
//!
//! Nothing here names a time, a run or an id: MLflow knows the time at which a version was registered.

use serde_json::{Value, json};

/// The oldest MLflow that this was tried with, and the next that may read it differently.
const REQUIREMENT: &str = "mlflow>=3.1,<4";

/// What MLflow compares with the Python that loads the model: it warns where they differ, and goes on.
const PYTHON: &str = "3.11";

/// The files, by relative path, for the loader of this name.
pub(super) fn files(module: &str, horizon: usize, levels: &[f64]) -> Vec<(String, Vec<u8>)> {
    let example = json!({ "columns": ["horizon"], "data": [[horizon]] });
    let served = json!({ "dataframe_split": example });
    let file = |name: &str, text: String| (name.to_owned(), format!("{}\n", text.trim_end()).into_bytes());
    vec![
        file("MLmodel", mlmodel(module, horizon, levels)),
        file("input_example.json", example.to_string()),
        file("serving_input_example.json", served.to_string()),
        file("requirements.txt", REQUIREMENT.to_owned()),
        file("python_env.yaml", python_env()),
        file("conda.yaml", conda()),
    ]
}

fn mlmodel(module: &str, horizon: usize, levels: &[f64]) -> String {
    // A list in JSON has no single quote, which would end the text in YAML.
    let (inputs, outputs, params) = (inputs(), outputs(levels), params(horizon));
    format!(
        "flavors:
  python_function:
    code: code
    data: {data}
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: {module}
    python_version: '{PYTHON}'
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '{inputs}'
  outputs: '{outputs}'
  params: '{params}'
",
        data = super::MODEL,
    )
}

fn column(kind: &str, name: &str, is_required: bool) -> Value {
    json!({ "type": kind, "name": name, "required": is_required })
}

/// A horizon, or newer history: MLflow converts no whole number to a `double`, and no time to a `string`.
fn inputs() -> Value {
    let columns = [("long", "horizon"), ("any", "unique_id"), ("any", "ds"), ("any", "y")];
    columns.map(|(kind, name)| column(kind, name, false)).into()
}

fn outputs(levels: &[f64]) -> Value {
    let bounds = levels
        .iter()
        .flat_map(|level| [format!("lo-{level}"), format!("hi-{level}")]);
    let numbers = std::iter::once("yhat".to_owned()).chain(bounds);
    let mut columns = vec![column("string", "unique_id", true), column("datetime", "ds", true)];
    columns.extend(numbers.map(|name| column("double", &name, true)));
    columns.push(column("string", "model", true));
    columns.into()
}

fn params(horizon: usize) -> Value {
    json!([{ "name": "horizon", "type": "long", "default": horizon, "shape": null }])
}

fn python_env() -> String {
    format!("python: '{PYTHON}'\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n")
}

fn conda() -> String {
    format!(
        "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n- python={PYTHON}\n- pip\n- pip:\n  - {REQUIREMENT}\n"
    )
}
